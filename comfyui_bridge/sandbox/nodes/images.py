"""Images: made, scaled, blurred, joined, cut and composed. An IMAGE is float32 [B,H,W,C] in 0..1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from comfyui_bridge.sandbox.node import Context
from comfyui_bridge.sandbox.nodes.declare import SIDE_MAX, boolean, choice, integer, link, node, number
from comfyui_bridge.sandbox.nodes.filters import blurred, canny
from comfyui_bridge.sandbox.nodes.masks import as_image
from comfyui_bridge.sandbox.nodes.resample import CROPS, METHODS, repeat_to, resize, resize_mask
from comfyui_bridge.sandbox.nodes.values import Array, UpscaleModel, require_room

_EXTRAS = "comfy_extras.nodes_images"
_POST = "comfy_extras.nodes_post_processing"
_SPACING = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
}


@node(
    "EmptyImage",
    integer("width", 512, 1, SIDE_MAX, 1),
    integer("height", 512, 1, SIDE_MAX, 1),
    integer("batch_size", 1, 1, 4096),
    integer("color", 0, 0, 0xFFFFFF, 1, display="color"),
    outputs=("IMAGE",),
    category="image",
)
def empty_image(context: Context, width: int, height: int, batch_size: int, color: int) -> tuple[Any, ...]:
    channels = np.array([color >> 16 & 0xFF, color >> 8 & 0xFF, color & 0xFF], dtype=np.float32) / 0xFF
    return (np.broadcast_to(channels, (batch_size, height, width, 3)),)


@node("ImageInvert", link("image", "IMAGE"), outputs=("IMAGE",), category="image", title="Invert Image")
def image_invert(context: Context, image: Array) -> tuple[Any, ...]:
    return (1.0 - image,)


@node(
    "ImageScale",
    link("image", "IMAGE"),
    choice("upscale_method", METHODS),
    integer("width", 512, 0, SIDE_MAX, 1),
    integer("height", 512, 0, SIDE_MAX, 1),
    choice("crop", CROPS),
    outputs=("IMAGE",),
    category="image/upscaling",
    title="Upscale Image",
)
def image_scale(
    context: Context, image: Array, upscale_method: str, width: int, height: int, crop: str
) -> tuple[Any, ...]:
    old_height, old_width = image.shape[1:3]
    if width == 0 and height == 0:
        return (image,)
    # A side of 0 follows the other one.
    new_width = width or max(1, round(old_width * height / old_height))
    new_height = height or max(1, round(old_height * width / old_width))
    return (resize(image, new_width, new_height, upscale_method, crop),)


@node(
    "ImageScaleBy",
    link("image", "IMAGE"),
    choice("upscale_method", METHODS),
    number("scale_by", 1.0, 0.01, 8.0, 0.01),
    outputs=("IMAGE",),
    category="image/upscaling",
    title="Upscale Image By",
)
def image_scale_by(context: Context, image: Array, upscale_method: str, scale_by: float) -> tuple[Any, ...]:
    return (_scaled_by(image, scale_by, upscale_method),)


@node(
    "ImageScaleToTotalPixels",
    link("image", "IMAGE"),
    choice("upscale_method", METHODS),
    number("megapixels", 1.0, 0.01, 16.0, 0.01),
    outputs=("IMAGE",),
    category="image/upscaling",
    module=_POST,
    v3=True,
)
def image_scale_to_total_pixels(
    context: Context, image: Array, upscale_method: str, megapixels: float
) -> tuple[Any, ...]:
    # ComfyUI's megapixel has 1024 * 1024 pixels.
    scale = math.sqrt(megapixels * 1024 * 1024 / (image.shape[1] * image.shape[2]))
    return (_scaled_by(image, scale, upscale_method),)


@node(
    "ImageUpscaleWithModel",
    link("upscale_model", "UPSCALE_MODEL"),
    link("image", "IMAGE"),
    outputs=("IMAGE",),
    category="image/upscaling",
    title="Upscale Image (using Model)",
    module="comfy_extras.nodes_upscale_model",
    v3=True,
)
def image_upscale_with_model(context: Context, upscale_model: UpscaleModel, image: Array) -> tuple[Any, ...]:
    height, width = (side * upscale_model.scale for side in image.shape[1:3])
    require_room(len(image), height, width)
    larger = []
    for at in range(len(image)):
        one = image[at : at + 1]
        crisp = np.clip(one + 0.8 * (one - blurred(one, 1, 1.0)), 0.0, 1.0)
        larger.append(resize(crisp, width, height, "lanczos")[0])
        context.progress(at + 1, len(image))
    return (np.stack(larger),)


@node(
    "ImageBlur",
    link("image", "IMAGE"),
    integer("blur_radius", 1, 1, 31, 1),
    number("sigma", 1.0, 0.1, 10.0, 0.1),
    outputs=("IMAGE",),
    category="image/postprocessing",
    module=_POST,
    v3=True,
)
def image_blur(context: Context, image: Array, blur_radius: int, sigma: float) -> tuple[Any, ...]:
    return (image if blur_radius == 0 else blurred(image, blur_radius, sigma),)


@node(
    "ImageSharpen",
    link("image", "IMAGE"),
    integer("sharpen_radius", 1, 1, 31, 1),
    number("sigma", 1.0, 0.1, 10.0, 0.01),
    number("alpha", 1.0, 0.0, 5.0, 0.01),
    outputs=("IMAGE",),
    category="image/postprocessing",
    module=_POST,
    v3=True,
)
def image_sharpen(
    context: Context, image: Array, sharpen_radius: int, sigma: float, alpha: float
) -> tuple[Any, ...]:
    # ComfyUI's kernel is one plus ten times alpha times what a blur takes away.
    sharp = image + 10.0 * alpha * (image - blurred(image, sharpen_radius, sigma))
    return (np.clip(sharp, 0.0, 1.0),)


@node(
    "ImageBatch",
    link("image1", "IMAGE"),
    link("image2", "IMAGE"),
    outputs=("IMAGE",),
    category="image",
    title="Batch Images",
)
def image_batch(context: Context, image1: Array, image2: Array) -> tuple[Any, ...]:
    first, second = _with_equal_channels(image1, image2)
    height, width = first.shape[1:3]
    return (np.concatenate((first, resize(second, width, height, "bilinear", "center"))),)


@node(
    "ImageFromBatch",
    link("image", "IMAGE"),
    integer("batch_index", 0, 0, 4095),
    integer("length", 1, 1, 4096),
    outputs=("IMAGE",),
    category="image/batch",
    module=_EXTRAS,
)
def image_from_batch(context: Context, image: Array, batch_index: int, length: int) -> tuple[Any, ...]:
    first = min(len(image) - 1, batch_index)
    return (image[first : first + length],)


@node(
    "RepeatImageBatch",
    link("image", "IMAGE"),
    integer("amount", 1, 1, 4096),
    outputs=("IMAGE",),
    category="image/batch",
    module=_EXTRAS,
)
def repeat_image_batch(context: Context, image: Array, amount: int) -> tuple[Any, ...]:
    return (np.tile(image, (amount, 1, 1, 1)),)


@node(
    "ImageCrop",
    link("image", "IMAGE"),
    integer("width", 512, 1, SIDE_MAX, 1),
    integer("height", 512, 1, SIDE_MAX, 1),
    integer("x", 0, 0, SIDE_MAX, 1),
    integer("y", 0, 0, SIDE_MAX, 1),
    outputs=("IMAGE",),
    category="image/transform",
    title="Image Crop",
    module=_EXTRAS,
)
def image_crop(context: Context, image: Array, width: int, height: int, x: int, y: int) -> tuple[Any, ...]:
    left, top = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
    return (image[:, top : top + height, left : left + width],)


@node(
    "ImageFlip",
    link("image", "IMAGE"),
    choice("flip_method", ("x-axis: vertically", "y-axis: horizontally")),
    outputs=("IMAGE",),
    category="image/transform",
    module=_EXTRAS,
)
def image_flip(context: Context, image: Array, flip_method: str) -> tuple[Any, ...]:
    return (np.flip(image, axis=1 if flip_method.startswith("x") else 2),)


@node(
    "ImageRotate",
    link("image", "IMAGE"),
    choice("rotation", ("none", "90 degrees", "180 degrees", "270 degrees")),
    outputs=("IMAGE",),
    category="image/transform",
    module=_EXTRAS,
)
def image_rotate(context: Context, image: Array, rotation: str) -> tuple[Any, ...]:
    turns = ("none", "90 degrees", "180 degrees", "270 degrees").index(rotation)
    return (np.rot90(image, k=-turns, axes=(1, 2)),)


@node(
    "ImageStitch",
    link("image1", "IMAGE"),
    choice("direction", ("right", "down", "left", "up"), default="right"),
    boolean("match_image_size", True),
    integer("spacing_width", 0, 0, 1024, 2),
    choice("spacing_color", tuple(_SPACING), default="white"),
    link("image2", "IMAGE", section="optional"),
    outputs=("IMAGE",),
    category="image/transform",
    title="Image Stitch",
    module=_EXTRAS,
    about="Puts the second image beside the first; without a second one, gives the first back.",
)
def image_stitch(
    context: Context,
    image1: Array,
    direction: str,
    match_image_size: bool,
    spacing_width: int,
    spacing_color: str,
    image2: Array | None = None,
) -> tuple[Any, ...]:
    if image2 is None:
        return (image1,)
    sideways = direction in ("left", "right")
    count = max(len(image1), len(image2))
    first, second = _with_equal_channels(_held(image1, count), _held(image2, count))
    if match_image_size:
        second = _matched(second, first, sideways)
    first, second = _centred(first, second, 1 if sideways else 2)
    parts = [first, second] if direction in ("right", "down") else [second, first]
    if spacing_width:
        parts.insert(1, _spacer(first, spacing_width + spacing_width % 2, spacing_color, sideways))
    return (np.concatenate(parts, axis=2 if sideways else 1),)


@node(
    "ImageCompositeMasked",
    link("destination", "IMAGE"),
    link("source", "IMAGE"),
    integer("x", 0, 0, SIDE_MAX, 1),
    integer("y", 0, 0, SIDE_MAX, 1),
    boolean("resize_source", False),
    link("mask", "MASK", section="optional"),
    outputs=("IMAGE",),
    category="image",
    module="comfy_extras.nodes_mask",
)
def image_composite_masked(
    context: Context,
    destination: Array,
    source: Array,
    x: int,
    y: int,
    resize_source: bool,
    mask: Array | None = None,
) -> tuple[Any, ...]:
    under, over = _with_equal_channels(destination, source)
    height, width = under.shape[1:3]
    if resize_source:
        over = resize(over, width, height, "bilinear")
    over = repeat_to(over, len(under))
    held = _composite_mask(mask, over)
    left, top = min(x, width), min(y, height)
    bottom, right = min(top + over.shape[1], height), min(left + over.shape[2], width)
    held = held[:, : bottom - top, : right - left, None]
    result = np.array(under)
    place = result[:, top:bottom, left:right]
    result[:, top:bottom, left:right] = held * over[:, : bottom - top, : right - left] + (1.0 - held) * place
    return (result,)


@node(
    "ImagePadForOutpaint",
    link("image", "IMAGE"),
    integer("left", 0, 0, SIDE_MAX, 8),
    integer("top", 0, 0, SIDE_MAX, 8),
    integer("right", 0, 0, SIDE_MAX, 8),
    integer("bottom", 0, 0, SIDE_MAX, 8),
    integer("feathering", 40, 0, SIDE_MAX, 1),
    outputs=("IMAGE", "MASK"),
    category="image",
    title="Pad Image for Outpainting",
)
def image_pad_for_outpaint(
    context: Context, image: Array, left: int, top: int, right: int, bottom: int, feathering: int
) -> tuple[Any, ...]:
    count, height, width, channels = image.shape
    full = (count, top + height + bottom, left + width + right, channels)
    padded = np.full(full, 0.5, dtype=np.float32)
    padded[:, top : top + height, left : left + width] = image
    mask = np.ones((1, *full[1:3]), dtype=np.float32)
    inside = np.zeros((height, width), dtype=np.float32)
    if feathering > 0 and feathering * 2 < height and feathering * 2 < width:
        rows = _distance(height, bool(top), bool(bottom))
        columns = _distance(width, bool(left), bool(right))
        near = np.minimum(rows[:, None], columns[None, :])
        inside = np.clip((feathering - near) / feathering, 0.0, 1.0).astype(np.float32) ** 2
    mask[0, top : top + height, left : left + width] = inside
    return padded, mask


@node(
    "Canny",
    link("image", "IMAGE"),
    number("low_threshold", 0.4, 0.01, 0.99, 0.01),
    number("high_threshold", 0.8, 0.01, 0.99, 0.01),
    outputs=("IMAGE",),
    category="image/preprocessors",
    module="comfy_extras.nodes_canny",
    v3=True,
)
def canny_edges(
    context: Context, image: Array, low_threshold: float, high_threshold: float
) -> tuple[Any, ...]:
    return (as_image(canny(image, low_threshold, high_threshold)),)


def _scaled_by(image: Array, scale: float, method: str) -> Array:
    return resize(image, round(image.shape[2] * scale), round(image.shape[1] * scale), method)


def _with_equal_channels(first: Array, second: Array) -> tuple[Array, Array]:
    """Both with as many channels as the richer one; what is added is opaque."""
    channels = max(first.shape[3], second.shape[3])
    return _with_channels(first, channels), _with_channels(second, channels)


def _with_channels(image: Array, channels: int) -> Array:
    missing = channels - image.shape[3]
    return np.pad(image, ((0, 0), (0, 0), (0, 0), (0, missing)), constant_values=1.0) if missing else image


def _held(image: Array, count: int) -> Array:
    """The batch made `count` long by repeating its last image."""
    return np.take(image, np.minimum(np.arange(count), len(image) - 1), axis=0)


def _matched(image: Array, to: Array, sideways: bool) -> Array:
    """The image in its own proportions, as high (or as wide) as the other."""
    aspect = image.shape[2] / image.shape[1]
    height, width = to.shape[1:3]
    if sideways:
        return resize(image, max(1, int(height * aspect)), height, "lanczos")
    return resize(image, width, max(1, int(width / aspect)), "lanczos")


def _centred(first: Array, second: Array, axis: int) -> tuple[Array, Array]:
    """Both padded with black to the larger one's size along an axis."""
    size = max(first.shape[axis], second.shape[axis])
    return _padded(first, axis, size), _padded(second, axis, size)


def _padded(image: Array, axis: int, size: int) -> Array:
    missing = size - image.shape[axis]
    margin = [(0, 0)] * 4
    margin[axis] = (missing // 2, missing - missing // 2)
    return np.pad(image, margin)


def _spacer(image: Array, size: int, color: str, sideways: bool) -> Array:
    count, height, width, channels = image.shape
    paint = np.ones(channels, dtype=np.float32)
    paint[:3] = _SPACING[color]
    return np.broadcast_to(
        paint, (count, height, size, channels) if sideways else (count, size, width, channels)
    )


def _composite_mask(mask: Array | None, over: Array) -> Array:
    height, width = over.shape[1:3]
    if mask is None:
        return np.ones((len(over), height, width), dtype=np.float32)
    if mask.size == 0:
        # torch's own words, as recorded from 0.3.64.
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape [-1, 1, {mask.shape[-2]}, {mask.shape[-1]}] "
            "because the unspecified dimension size -1 can be any value and is ambiguous"
        )
    return repeat_to(resize_mask(mask, width, height), len(over))


def _distance(length: int, before: bool, after: bool) -> Array:
    """How far each pixel is from the padded ends."""
    at = np.arange(length, dtype=np.float32)
    from_start = at if before else np.full(length, length, dtype=np.float32)
    from_end = length - at if after else np.full(length, length, dtype=np.float32)
    return np.minimum(from_start, from_end)


NODES = (
    empty_image,
    image_invert,
    image_scale,
    image_scale_by,
    image_scale_to_total_pixels,
    image_upscale_with_model,
    image_blur,
    image_sharpen,
    image_batch,
    image_from_batch,
    repeat_image_batch,
    image_crop,
    image_flip,
    image_rotate,
    image_stitch,
    image_composite_masked,
    image_pad_for_outpaint,
    canny_edges,
)
