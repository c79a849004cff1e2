"""Words and hints: what the sampler is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfyui_bridge.sandbox.node import Context
from comfyui_bridge.sandbox.nodes.declare import integer, link, node, number, string
from comfyui_bridge.sandbox.nodes.values import Array, Clip, Conditioning, ControlNet, Hint, Part, Vae


@node(
    "CLIPTextEncode",
    string("text", multiline=True, dynamicPrompts=True),
    link("clip", "CLIP"),
    outputs=("CONDITIONING",),
    category="conditioning",
    title="CLIP Text Encode (Prompt)",
    about="Says in words what the picture should show, or should not.",
)
def clip_text_encode(context: Context, text: str, clip: Clip) -> tuple[Any, ...]:
    if clip is None:
        raise RuntimeError(
            "ERROR: clip input is invalid: None\n\nThe checkpoint it came from has no text encoder."
        )
    return (Conditioning((Part(text),)),)


@node(
    "CLIPSetLastLayer",
    link("clip", "CLIP"),
    integer("stop_at_clip_layer", -1, -24, -1, 1),
    outputs=("CLIP",),
    category="conditioning",
    title="CLIP Set Last Layer",
)
def clip_set_last_layer(context: Context, clip: Clip, stop_at_clip_layer: int) -> tuple[Any, ...]:
    return (clip,)


@node(
    "ConditioningCombine",
    link("conditioning_1", "CONDITIONING"),
    link("conditioning_2", "CONDITIONING"),
    outputs=("CONDITIONING",),
    category="conditioning",
    title="Conditioning (Combine)",
)
def conditioning_combine(
    context: Context, conditioning_1: Conditioning, conditioning_2: Conditioning
) -> tuple[Any, ...]:
    return (Conditioning(conditioning_1.parts + conditioning_2.parts),)


@node(
    "ConditioningConcat",
    link("conditioning_to", "CONDITIONING"),
    link("conditioning_from", "CONDITIONING"),
    outputs=("CONDITIONING",),
    category="conditioning",
    title="Conditioning (Concat)",
)
def conditioning_concat(
    context: Context, conditioning_to: Conditioning, conditioning_from: Conditioning
) -> tuple[Any, ...]:
    # ComfyUI appends only the first part of conditioning_from, and only its tokens.
    more = conditioning_from.parts[0].text
    return (Conditioning(tuple(replace(p, text=f"{p.text}, {more}") for p in conditioning_to.parts)),)


@node(
    "ConditioningZeroOut",
    link("conditioning", "CONDITIONING"),
    outputs=("CONDITIONING",),
    category="advanced/conditioning",
)
def conditioning_zero_out(context: Context, conditioning: Conditioning) -> tuple[Any, ...]:
    return (Conditioning(tuple(replace(part, text="") for part in conditioning.parts)),)


@node(
    "FluxGuidance",
    link("conditioning", "CONDITIONING"),
    number("guidance", 3.5, 0.0, 100.0, 0.1),
    outputs=("CONDITIONING",),
    category="advanced/conditioning/flux",
    module="comfy_extras.nodes_flux",
    v3=True,
)
def flux_guidance(context: Context, conditioning: Conditioning, guidance: float) -> tuple[Any, ...]:
    return (Conditioning(tuple(replace(part, guidance=float(guidance)) for part in conditioning.parts)),)


@node(
    "ControlNetApply",
    link("conditioning", "CONDITIONING"),
    link("control_net", "CONTROL_NET"),
    link("image", "IMAGE"),
    number("strength", 1.0, 0.0, 10.0, 0.01),
    outputs=("CONDITIONING",),
    category="conditioning/controlnet",
    title="Apply ControlNet (OLD)",
    deprecated=True,
)
def control_net_apply(
    context: Context, conditioning: Conditioning, control_net: ControlNet, image: Array, strength: float
) -> tuple[Any, ...]:
    return (_hinted(conditioning, Hint(image, float(strength))),)


@node(
    "ControlNetApplyAdvanced",
    link("positive", "CONDITIONING"),
    link("negative", "CONDITIONING"),
    link("control_net", "CONTROL_NET"),
    link("image", "IMAGE"),
    number("strength", 1.0, 0.0, 10.0, 0.01),
    number("start_percent", 0.0, 0.0, 1.0, 0.001),
    number("end_percent", 1.0, 0.0, 1.0, 0.001),
    link("vae", "VAE", section="optional"),
    outputs=("CONDITIONING", "CONDITIONING"),
    names=("positive", "negative"),
    category="conditioning/controlnet",
    title="Apply ControlNet",
)
def control_net_apply_advanced(
    context: Context,
    positive: Conditioning,
    negative: Conditioning,
    control_net: ControlNet,
    image: Array,
    strength: float,
    start_percent: float,
    end_percent: float,
    vae: Vae | None = None,
) -> tuple[Any, ...]:
    hint = Hint(image, float(strength), float(start_percent), float(end_percent))
    return _hinted(positive, hint), _hinted(negative, hint)


def _hinted(conditioning: Conditioning, hint: Hint) -> Conditioning:
    """The conditioning with one more hint; strength 0 leaves it alone, as in ComfyUI."""
    if hint.strength == 0:
        return conditioning
    return Conditioning(tuple(replace(part, hints=(*part.hints, hint)) for part in conditioning.parts))


NODES = (
    clip_text_encode,
    clip_set_last_layer,
    conditioning_combine,
    conditioning_concat,
    conditioning_zero_out,
    flux_guidance,
    control_net_apply,
    control_net_apply_advanced,
)
