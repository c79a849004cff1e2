"""Masks: made, changed, cut, and turned into images and back. A MASK is [B,H,W], 1 = repaint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from comfyui_bridge.sandbox.node import Context
from comfyui_bridge.sandbox.nodes.declare import SIDE_MAX, boolean, choice, integer, link, node, number
from comfyui_bridge.sandbox.nodes.values import Array

_MODULE = "comfy_extras.nodes_mask"
_CHANNELS = ("red", "green", "blue", "alpha")


@node(
    "SolidMask",
    number("value", 1.0, 0.0, 1.0, 0.01),
    integer("width", 512, 1, SIDE_MAX, 1),
    integer("height", 512, 1, SIDE_MAX, 1),
    outputs=("MASK",),
    category="mask",
    module=_MODULE,
)
def solid_mask(context: Context, value: float, width: int, height: int) -> tuple[Any, ...]:
    return (np.full((1, height, width), value, dtype=np.float32),)


@node("InvertMask", link("mask", "MASK"), outputs=("MASK",), category="mask", module=_MODULE)
def invert_mask(context: Context, mask: Array) -> tuple[Any, ...]:
    return (1.0 - mask,)


@node(
    "MaskToImage",
    link("mask", "MASK"),
    outputs=("IMAGE",),
    category="mask",
    title="Convert Mask to Image",
    module=_MODULE,
)
def mask_to_image(context: Context, mask: Array) -> tuple[Any, ...]:
    return (as_image(mask),)


@node(
    "ImageToMask",
    link("image", "IMAGE"),
    choice("channel", _CHANNELS),
    outputs=("MASK",),
    category="mask",
    title="Convert Image to Mask",
    module=_MODULE,
)
def image_to_mask(context: Context, image: Array, channel: str) -> tuple[Any, ...]:
    return (image[..., _CHANNELS.index(channel)],)


@node(
    "GrowMask",
    link("mask", "MASK"),
    integer("expand", 0, -SIDE_MAX, SIDE_MAX, 1),
    boolean("tapered_corners", True),
    outputs=("MASK",),
    category="mask",
    module=_MODULE,
)
def grow_mask(context: Context, mask: Array, expand: int, tapered_corners: bool) -> tuple[Any, ...]:
    pick = np.maximum if expand >= 0 else np.minimum
    for _ in range(abs(expand)):
        context.check()
        wider = _spread(mask, pick, corners=not tapered_corners)
        if np.array_equal(wider, mask):
            break
        mask = wider
    return (mask,)


@node(
    "FeatherMask",
    link("mask", "MASK"),
    integer("left", 0, 0, SIDE_MAX, 1),
    integer("top", 0, 0, SIDE_MAX, 1),
    integer("right", 0, 0, SIDE_MAX, 1),
    integer("bottom", 0, 0, SIDE_MAX, 1),
    outputs=("MASK",),
    category="mask",
    module=_MODULE,
)
def feather_mask(
    context: Context, mask: Array, left: int, top: int, right: int, bottom: int
) -> tuple[Any, ...]:
    height, width = mask.shape[1:3]
    across = _ramp(width, left) * _ramp(width, right)[::-1]
    down = _ramp(height, top) * _ramp(height, bottom)[::-1]
    return (mask * across[None, None, :] * down[None, :, None],)


@node(
    "CropMask",
    link("mask", "MASK"),
    integer("x", 0, 0, SIDE_MAX, 1),
    integer("y", 0, 0, SIDE_MAX, 1),
    integer("width", 512, 1, SIDE_MAX, 1),
    integer("height", 512, 1, SIDE_MAX, 1),
    outputs=("MASK",),
    category="mask",
    module=_MODULE,
)
def crop_mask(context: Context, mask: Array, x: int, y: int, width: int, height: int) -> tuple[Any, ...]:
    # Outside the mask this is empty; whatever uses it then fails, in ComfyUI as here.
    return (mask[:, y : y + height, x : x + width],)


@node(
    "MaskComposite",
    link("destination", "MASK"),
    link("source", "MASK"),
    integer("x", 0, 0, SIDE_MAX, 1),
    integer("y", 0, 0, SIDE_MAX, 1),
    choice("operation", ("multiply", "add", "subtract", "and", "or", "xor")),
    outputs=("MASK",),
    category="mask",
    module=_MODULE,
)
def mask_composite(
    context: Context, destination: Array, source: Array, x: int, y: int, operation: str
) -> tuple[Any, ...]:
    result = destination.copy()
    height, width = result.shape[1:3]
    bottom, right = min(y + source.shape[1], height), min(x + source.shape[2], width)
    if bottom > y and right > x:
        under = result[:, y:bottom, x:right]
        result[:, y:bottom, x:right] = _combined(operation, under, source[:, : bottom - y, : right - x])
    return (np.clip(result, 0.0, 1.0),)


@node(
    "ThresholdMask",
    link("mask", "MASK"),
    number("value", 0.5, 0.0, 1.0, 0.01),
    outputs=("MASK",),
    category="mask",
    module=_MODULE,
)
def threshold_mask(context: Context, mask: Array, value: float) -> tuple[Any, ...]:
    return ((mask > value).astype(np.float32),)


def as_image(mask: Array) -> Array:
    """A mask as a grey image [B,H,W,3]."""
    return np.repeat(mask[..., None], 3, axis=-1)


def grown(mask: Array, side: int) -> Array:
    """The mask spread by a square kernel of that side, as VAEEncodeForInpaint grows its mask."""
    mask = np.round(mask)
    for _ in range(side // 2):
        mask = _spread(mask, np.maximum, corners=True)
    return mask


def _spread(mask: Array, pick: Callable[[Array, Array], Array], corners: bool) -> Array:
    """Each pixel takes the largest (or smallest) of its neighbours; with `corners`, of all eight."""
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)), mode="edge")
    up_and_down = pick(pick(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    if corners:
        return pick(pick(up_and_down[..., :-2], up_and_down[..., 1:-1]), up_and_down[..., 2:])
    sideways = pick(padded[:, 1:-1, :-2], padded[:, 1:-1, 2:])
    return pick(up_and_down[..., 1:-1], sideways)


def _ramp(length: int, feather: int) -> Array:
    ramp = np.ones(length, dtype=np.float32)
    reach = min(feather, length)
    ramp[:reach] = (np.arange(reach, dtype=np.float32) + 1.0) / max(feather, 1)
    return ramp


def _combined(operation: str, under: Array, over: Array) -> Array:
    match operation:
        case "multiply":
            result = under * over
        case "add":
            result = under + over
        case "subtract":
            result = under - over
        case "and":
            result = np.logical_and(np.round(under), np.round(over))
        case "or":
            result = np.logical_or(np.round(under), np.round(over))
        case _:
            result = np.logical_xor(np.round(under), np.round(over))
    return result.astype(np.float32)


NODES = (
    solid_mask,
    invert_mask,
    mask_to_image,
    image_to_mask,
    grow_mask,
    feather_mask,
    crop_mask,
    mask_composite,
    threshold_mask,
)
