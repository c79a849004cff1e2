"""The model files that the sandbox claims to have, by ComfyUI's folder names.

No such file exists: a name only picks how the sandbox paints. The sandbox's own names say so; beside
them stand the names that well-known workflows ask for, so that these run as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# All folders of 0.3.64's GET /models, in its order; an empty one answers with an empty list.
_FOLDERS = (
    "checkpoints",
    "configs",
    "loras",
    "vae",
    "text_encoders",
    "diffusion_models",
    "clip_vision",
    "style_models",
    "embeddings",
    "diffusers",
    "vae_approx",
    "controlnet",
    "gligen",
    "upscale_models",
    "custom_nodes",
    "hypernetworks",
    "photomaker",
    "classifiers",
    "model_patches",
    "audio_encoders",
)

_FILES: dict[str, tuple[str, ...]] = {
    "checkpoints": (
        "sandbox-painter-v1.safetensors",
        "sd_xl_base_1.0.safetensors",
        "v1-5-pruned-emaonly-fp16.safetensors",
    ),
    "loras": (
        "sandbox-film.safetensors",
        "sandbox-ink.safetensors",
        "sandbox-neon.safetensors",
        "sandbox-pastel.safetensors",
        "sandbox-pixel.safetensors",
        "sandbox-watercolor.safetensors",
    ),
    "vae": (
        "ae.safetensors",
        "qwen_image_vae.safetensors",
        "sandbox-vae.safetensors",
    ),
    "text_encoders": (
        "clip_l.safetensors",
        "qwen_2.5_vl_7b_fp8_scaled.safetensors",
        "sandbox-words.safetensors",
        "t5xxl_fp8_e4m3fn.safetensors",
    ),
    "diffusion_models": (
        "flux1-dev.safetensors",
        "qwen_image_2512_fp8_e4m3fn.safetensors",
        "qwen_image_fp8_e4m3fn.safetensors",
        "sandbox-painter-v1.safetensors",
    ),
    "controlnet": (
        "control_v11p_sd15_canny_fp16.safetensors",
        "sandbox-edges.safetensors",
    ),
    "upscale_models": ("sandbox-upscale-2x.pth", "sandbox-upscale-4x.pth"),
}

MODELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {folder: _FILES.get(folder, ()) for folder in _FOLDERS}
)
