"""Loaders: they load nothing, they name what the painter is to imitate."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from comfyui_bridge.sandbox.node import Context
from comfyui_bridge.sandbox.nodes.declare import choice, link, model_file, node, number
from comfyui_bridge.sandbox.nodes.values import Clip, ControlNet, Model, UpscaleModel, Vae

_WEIGHT_TYPES = ("default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2")
_CLIP_TYPES = (
    "stable_diffusion", "stable_cascade", "sd3", "stable_audio", "mochi", "ltxv", "pixart", "cosmos",
    "lumina2", "wan", "hidream", "chroma", "ace", "omnigen2", "qwen_image", "hunyuan_image",
)  # fmt: skip
_DUAL_CLIP_TYPES = ("sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image")
_DEVICE = choice("device", ("default", "cpu"), section="optional", advanced=True)


@node(
    "CheckpointLoaderSimple",
    model_file("ckpt_name", "checkpoints"),
    outputs=("MODEL", "CLIP", "VAE"),
    category="loaders",
    title="Load Checkpoint",
)
def checkpoint_loader_simple(context: Context, ckpt_name: str) -> tuple[Any, ...]:
    return Model(ckpt_name), Clip((ckpt_name,)), Vae(ckpt_name)


@node(
    "UNETLoader",
    model_file("unet_name", "diffusion_models"),
    choice("weight_dtype", _WEIGHT_TYPES),
    outputs=("MODEL",),
    category="advanced/loaders",
    title="Load Diffusion Model",
)
def unet_loader(context: Context, unet_name: str, weight_dtype: str) -> tuple[Any, ...]:
    return (Model(unet_name),)


@node(
    "CLIPLoader",
    model_file("clip_name", "text_encoders"),
    choice("type", _CLIP_TYPES),
    _DEVICE,
    outputs=("CLIP",),
    category="advanced/loaders",
    title="Load CLIP",
)
def clip_loader(context: Context, clip_name: str, type: str, device: str = "default") -> tuple[Any, ...]:
    return (Clip((clip_name,)),)


@node(
    "DualCLIPLoader",
    model_file("clip_name1", "text_encoders"),
    model_file("clip_name2", "text_encoders"),
    choice("type", _DUAL_CLIP_TYPES),
    _DEVICE,
    outputs=("CLIP",),
    category="advanced/loaders",
)
def dual_clip_loader(
    context: Context, clip_name1: str, clip_name2: str, type: str, device: str = "default"
) -> tuple[Any, ...]:
    return (Clip((clip_name1, clip_name2)),)


@node(
    "VAELoader",
    # ComfyUI adds "pixel_space", which is no file, to the end of the list.
    model_file("vae_name", "vae", extra=("pixel_space",)),
    outputs=("VAE",),
    category="loaders",
    title="Load VAE",
)
def vae_loader(context: Context, vae_name: str) -> tuple[Any, ...]:
    return (Vae(vae_name),)


@node(
    "LoraLoader",
    link("model", "MODEL"),
    link("clip", "CLIP"),
    model_file("lora_name", "loras"),
    number("strength_model", 1.0, -100.0, 100.0, 0.01),
    number("strength_clip", 1.0, -100.0, 100.0, 0.01),
    outputs=("MODEL", "CLIP"),
    category="loaders",
    title="Load LoRA",
    about="Adds a style to the model. In the sandbox only the model's strength shows in the picture.",
)
def lora_loader(
    context: Context, model: Model, clip: Clip, lora_name: str, strength_model: float, strength_clip: float
) -> tuple[Any, ...]:
    return _styled(model, lora_name, strength_model), clip


@node(
    "LoraLoaderModelOnly",
    link("model", "MODEL"),
    model_file("lora_name", "loras"),
    number("strength_model", 1.0, -100.0, 100.0, 0.01),
    outputs=("MODEL",),
    category="loaders",
    about="Adds a style to the model.",
)
def lora_loader_model_only(
    context: Context, model: Model, lora_name: str, strength_model: float
) -> tuple[Any, ...]:
    return (_styled(model, lora_name, strength_model),)


@node(
    "ControlNetLoader",
    model_file("control_net_name", "controlnet"),
    outputs=("CONTROL_NET",),
    category="loaders",
    title="Load ControlNet Model",
)
def control_net_loader(context: Context, control_net_name: str) -> tuple[Any, ...]:
    return (ControlNet(control_net_name),)


@node(
    "UpscaleModelLoader",
    model_file("model_name", "upscale_models"),
    outputs=("UPSCALE_MODEL",),
    category="loaders",
    title="Load Upscale Model",
    module="comfy_extras.nodes_upscale_model",
    v3=True,
)
def upscale_model_loader(context: Context, model_name: str) -> tuple[Any, ...]:
    times = re.search(r"(\d)x|x(\d)", model_name, re.IGNORECASE)
    return (UpscaleModel(model_name, int(times[1] or times[2]) if times else 4),)


@node(
    "ModelSamplingAuraFlow",
    link("model", "MODEL"),
    number("shift", 1.73, 0.0, 100.0, 0.01),
    outputs=("MODEL",),
    category="advanced/model",
    module="comfy_extras.nodes_model_advanced",
)
def model_sampling_aura_flow(context: Context, model: Model, shift: float) -> tuple[Any, ...]:
    return (replace(model, shift=shift),)


@node(
    "ModelSamplingSD3",
    link("model", "MODEL"),
    number("shift", 3.0, 0.0, 100.0, 0.01),
    outputs=("MODEL",),
    category="advanced/model",
    module="comfy_extras.nodes_model_advanced",
)
def model_sampling_sd3(context: Context, model: Model, shift: float) -> tuple[Any, ...]:
    return (replace(model, shift=shift),)


def _styled(model: Model, lora_name: str, strength: float) -> Model:
    """The model with one more LoRA; strength 0 leaves it alone, as in ComfyUI."""
    if strength == 0:
        return model
    return replace(model, styles=(*model.styles, (lora_name, float(strength))))


NODES = (
    checkpoint_loader_simple,
    unet_loader,
    clip_loader,
    dual_clip_loader,
    vae_loader,
    lora_loader,
    lora_loader_model_only,
    control_net_loader,
    upscale_model_loader,
    model_sampling_aura_flow,
    model_sampling_sd3,
)
