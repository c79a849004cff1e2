"""Latents: empty ones, pictures made into them and back, masks on them, and their sizes.

The sandbox's latents hold image-space samples at full size; what a real VAE loses by working in eighths,
they lose too: sides are multiples of 8.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from comfyui_bridge.sandbox.node import Context
from comfyui_bridge.sandbox.nodes.declare import SIDE_MAX, choice, integer, link, node, number
from comfyui_bridge.sandbox.nodes.masks import grown
from comfyui_bridge.sandbox.nodes.resample import CROPS, LATENT_METHODS, resize, resize_mask
from comfyui_bridge.sandbox.nodes.values import BLANK, Array, Latent, Vae, require_room


@node(
    "EmptyLatentImage",
    integer("width", 512, 16, SIDE_MAX, 8),
    integer("height", 512, 16, SIDE_MAX, 8),
    integer("batch_size", 1, 1, 4096),
    outputs=("LATENT",),
    category="latent",
    title="Empty Latent Image",
    about="A batch of blank latents to sample a picture into.",
)
def empty_latent_image(context: Context, width: int, height: int, batch_size: int) -> tuple[Any, ...]:
    return (_blank(width, height, batch_size),)


@node(
    "EmptySD3LatentImage",
    integer("width", 1024, 16, SIDE_MAX, 16),
    integer("height", 1024, 16, SIDE_MAX, 16),
    integer("batch_size", 1, 1, 4096),
    outputs=("LATENT",),
    category="latent/sd3",
    module="comfy_extras.nodes_sd3",
    v3=True,
)
def empty_sd3_latent_image(context: Context, width: int, height: int, batch_size: int) -> tuple[Any, ...]:
    return (_blank(width, height, batch_size),)


@node(
    "VAEEncode",
    link("pixels", "IMAGE"),
    link("vae", "VAE"),
    outputs=("LATENT",),
    category="latent",
    title="VAE Encode",
)
def vae_encode(context: Context, pixels: Array, vae: Vae) -> tuple[Any, ...]:
    return (Latent(_eighths(pixels[..., :3])),)


@node(
    "VAEDecode",
    link("samples", "LATENT"),
    link("vae", "VAE"),
    outputs=("IMAGE",),
    category="latent",
    title="VAE Decode",
    about="Turns latents back into images.",
)
def vae_decode(context: Context, samples: Latent, vae: Vae) -> tuple[Any, ...]:
    return (_decoded(samples),)


@node(
    "VAEDecodeTiled",
    link("samples", "LATENT"),
    link("vae", "VAE"),
    integer("tile_size", 512, 64, 4096, 32),
    integer("overlap", 64, 0, 4096, 32),
    integer("temporal_size", 64, 8, 4096, 4),
    integer("temporal_overlap", 8, 4, 4096, 4),
    outputs=("IMAGE",),
    category="_for_testing",
    title="VAE Decode (Tiled)",
)
def vae_decode_tiled(
    context: Context,
    samples: Latent,
    vae: Vae,
    tile_size: int,
    overlap: int,
    temporal_size: int,
    temporal_overlap: int,
) -> tuple[Any, ...]:
    return (_decoded(samples),)


@node(
    "VAEEncodeForInpaint",
    link("pixels", "IMAGE"),
    link("vae", "VAE"),
    link("mask", "MASK"),
    integer("grow_mask_by", 6, 0, 64, 1),
    outputs=("LATENT",),
    category="latent/inpaint",
    title="VAE Encode (for Inpainting)",
)
def vae_encode_for_inpaint(
    context: Context, pixels: Array, vae: Vae, mask: Array, grow_mask_by: int
) -> tuple[Any, ...]:
    full_height, full_width = pixels.shape[1:3]
    samples = _eighths(pixels[..., :3])
    height, width = samples.shape[1:3]
    # As in ComfyUI, an image that is no multiple of 8 loses as much on its left as on its right.
    left, top = (full_width - width) // 2, (full_height - height) // 2
    fitted = resize_mask(mask, full_width, full_height)[:, top : top + height, left : left + width]
    hole = np.round(fitted)[..., None]
    grey = np.asarray(samples * (1.0 - hole) + BLANK * hole, dtype=np.float32)
    return (Latent(grey, noise_mask=grown(fitted, grow_mask_by)),)


@node(
    "SetLatentNoiseMask",
    link("samples", "LATENT"),
    link("mask", "MASK"),
    outputs=("LATENT",),
    category="latent/inpaint",
    title="Set Latent Noise Mask",
)
def set_latent_noise_mask(context: Context, samples: Latent, mask: Array) -> tuple[Any, ...]:
    return (replace(samples, noise_mask=mask),)


@node(
    "LatentUpscale",
    link("samples", "LATENT"),
    choice("upscale_method", LATENT_METHODS),
    integer("width", 512, 0, SIDE_MAX, 8),
    integer("height", 512, 0, SIDE_MAX, 8),
    choice("crop", CROPS),
    outputs=("LATENT",),
    category="latent",
    title="Upscale Latent",
)
def latent_upscale(
    context: Context, samples: Latent, upscale_method: str, width: int, height: int, crop: str
) -> tuple[Any, ...]:
    old_height, old_width = samples.samples.shape[1:3]
    if width == 0 and height == 0:
        return (samples,)
    # A side of 0 follows the other one; neither gets below 64 pixels.
    new_width = width or round(old_width * height / old_height)
    new_height = height or round(old_height * width / old_width)
    return (_scaled(samples, max(64, new_width), max(64, new_height), upscale_method, crop),)


@node(
    "LatentUpscaleBy",
    link("samples", "LATENT"),
    choice("upscale_method", LATENT_METHODS),
    number("scale_by", 1.5, 0.01, 8.0, 0.01),
    outputs=("LATENT",),
    category="latent",
    title="Upscale Latent By",
)
def latent_upscale_by(
    context: Context, samples: Latent, upscale_method: str, scale_by: float
) -> tuple[Any, ...]:
    height, width = (round(side // 8 * scale_by) * 8 for side in samples.samples.shape[1:3])
    return (_scaled(samples, width, height, upscale_method, "disabled"),)


@node(
    "RepeatLatentBatch",
    link("samples", "LATENT"),
    integer("amount", 1, 1, 64),
    outputs=("LATENT",),
    category="latent/batch",
    title="Repeat Latent Batch",
)
def repeat_latent_batch(context: Context, samples: Latent, amount: int) -> tuple[Any, ...]:
    mask = samples.noise_mask
    if mask is not None and len(mask) > 1:
        mask = np.tile(mask, (amount, 1, 1))
    repeated = np.tile(samples.samples, (amount, 1, 1, 1))
    return (Latent(repeated, mask),)


@node(
    "LatentFromBatch",
    link("samples", "LATENT"),
    integer("batch_index", 0, 0, 63),
    integer("length", 1, 1, 64),
    outputs=("LATENT",),
    category="latent/batch",
    title="Latent From Batch",
    about="Takes samples out of a batch; they keep the noise of their place in it.",
)
def latent_from_batch(context: Context, samples: Latent, batch_index: int, length: int) -> tuple[Any, ...]:
    count = len(samples.samples)
    first = min(count - 1, batch_index)
    part = slice(first, first + min(count - first, length))
    mask = samples.noise_mask
    if mask is not None and len(mask) > 1:
        mask = mask[part]
    return (Latent(samples.samples[part], mask, samples.indices[part]),)


def _blank(width: int, height: int, batch_size: int) -> Latent:
    shape = (batch_size, height // 8 * 8, width // 8 * 8, 3)
    # A view of one number: the largest batch of the largest size must not cost its terabytes.
    return Latent(np.broadcast_to(np.float32(BLANK), shape))


def _decoded(latent: Latent) -> Array:
    require_room(*latent.samples.shape[:3])
    return np.clip(latent.samples, 0.0, 1.0)


def _eighths(images: Array) -> Array:
    height, width = images.shape[1:3]
    top, left = height % 8 // 2, width % 8 // 2
    return images[:, top : top + height // 8 * 8, left : left + width // 8 * 8]


def _scaled(latent: Latent, width: int, height: int, method: str, crop: str) -> Latent:
    width, height = max(8, width // 8 * 8), max(8, height // 8 * 8)
    return replace(latent, samples=resize(latent.samples, width, height, method, crop), unfinished=None)


NODES = (
    empty_latent_image,
    empty_sd3_latent_image,
    vae_encode,
    vae_decode,
    vae_decode_tiled,
    vae_encode_for_inpaint,
    set_latent_noise_mask,
    latent_upscale,
    latent_upscale_by,
    repeat_latent_batch,
    latent_from_batch,
)
