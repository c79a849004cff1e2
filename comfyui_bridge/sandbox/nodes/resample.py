"""Resize batches of pictures with the methods ComfyUI names.

Pillow does the work on float planes. Unlike torch's, its bilinear and bicubic average when they shrink;
bislerp, which ComfyUI has for latents only, is taken as bicubic.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from comfyui_bridge.sandbox.nodes.values import Array, require_room

METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
LATENT_METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "bislerp")
CROPS = ("disabled", "center")

_FILTERS = {
    "nearest-exact": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "bislerp": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def resize(images: Array, width: int, height: int, method: str, crop: str = "disabled") -> Array:
    """Resize [B,H,W,C] to width x height pixels; "center" first cuts to the new aspect ratio."""
    if crop == "center":
        images = _cut_to_aspect(images, width, height)
    if images.shape[1:3] == (height, width):
        return images
    require_room(len(images), height, width)
    return np.stack([_resize_one(image, width, height, method) for image in images])


def resize_mask(masks: Array, width: int, height: int, method: str = "bilinear") -> Array:
    """Resize [B,H,W] to width x height pixels."""
    return resize(masks[..., None], width, height, method)[..., 0]


def repeat_to(images: Array, count: int) -> Array:
    """Make a batch `count` long: cut it, or go round it again, as ComfyUI's repeat_to_batch_size."""
    return np.take(images, np.arange(count) % len(images), axis=0)


def _cut_to_aspect(images: Array, width: int, height: int) -> Array:
    old_height, old_width = images.shape[1:3]
    x = y = 0
    if old_width / old_height > width / height:
        x = round((old_width - old_width * (width / height) / (old_width / old_height)) / 2)
    else:
        y = round((old_height - old_height * (old_width / old_height) / (width / height)) / 2)
    return images[:, y : old_height - y, x : old_width - x]


def _resize_one(image: Array, width: int, height: int, method: str) -> Array:
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize((width, height), _FILTERS[method]))
        for plane in np.moveaxis(image, -1, 0)
    ]
    resized: Array = np.clip(np.stack(planes, axis=-1), 0.0, 1.0)
    return resized
