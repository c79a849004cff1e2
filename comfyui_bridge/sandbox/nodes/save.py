"""Nodes that show: pictures and animations as files that carry their workflow, and plain text.

Every file holds the prompt and what else came as extra_pnginfo in the same place as ComfyUI's files, so
that a tool which reads workflows out of pictures reads these.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfyui_bridge.sandbox.node import Context, Result
from comfyui_bridge.sandbox.nodes.declare import (
    boolean,
    choice,
    embedded,
    integer,
    link,
    node,
    number,
    string,
)
from comfyui_bridge.sandbox.nodes.masks import as_image
from comfyui_bridge.sandbox.nodes.values import Array, require_room

_TEMP_LETTERS = "abcdefghijklmnopqrstupvxyz"
_WEBP_METHODS = {"default": 4, "fastest": 0, "slowest": 6}
_EXIF_MODEL = 0x0110  # carries the prompt
_EXIF_MAKE = 0x010F  # carries the first extra; further ones go downwards from here


@node(
    "SaveImage",
    link("images", "IMAGE"),
    string("filename_prefix", default="ComfyUI"),
    *embedded(),
    category="image",
    title="Save Image",
    output_node=True,
    about="Writes the images into the server's output folder.",
)
def save_image(context: Context, images: Array, filename_prefix: str = "ComfyUI") -> Result:
    return _save_pngs(context, images, filename_prefix, "output", compress_level=4)


@node(
    "PreviewImage",
    link("images", "IMAGE"),
    *embedded(),
    category="image",
    title="Preview Image",
    output_node=True,
    about="Writes the images into the server's temp folder, which is emptied at its start.",
)
def preview_image(context: Context, images: Array) -> Result:
    return _save_pngs(context, images, temp_prefix(), "temp", compress_level=1)


@node(
    "MaskPreview",
    link("mask", "MASK"),
    *embedded(),
    category="mask",
    module="comfy_extras.nodes_mask",
    output_node=True,
    about="Writes the mask as a grey image into the server's temp folder.",
)
def mask_preview(context: Context, mask: Array) -> Result:
    return _save_pngs(context, as_image(mask), temp_prefix(), "temp", compress_level=4)


@node(
    "SaveAnimatedWEBP",
    link("images", "IMAGE"),
    string("filename_prefix", default="ComfyUI"),
    number("fps", 6.0, 0.01, 1000.0, 0.01),
    boolean("lossless", True),
    integer("quality", 80, 0, 100),
    choice("method", tuple(_WEBP_METHODS)),
    *embedded(),
    category="image/animation",
    module="comfy_extras.nodes_images",
    output_node=True,
)
def save_animated_webp(
    context: Context,
    images: Array,
    filename_prefix: str,
    fps: float,
    lossless: bool,
    quality: int,
    method: str,
) -> Result:
    frames = [_as_picture(image) for image in images]
    exif = frames[0].getexif()
    exif[_EXIF_MODEL] = "prompt:" + json.dumps(context.prompt)
    for tag, (name, text) in zip(range(_EXIF_MAKE, 0, -1), _extras(context).items(), strict=False):
        exif[tag] = f"{name}:{text}"
    folder, stem, counter, subfolder = context.folders.save_slot(filename_prefix, "output", *frames[0].size)
    name = f"{stem}_{counter:05}_.webp"
    frames[0].save(
        folder / name,
        save_all=True,
        duration=int(1000.0 / fps),
        append_images=frames[1:],
        exif=exif,
        lossless=lossless,
        quality=quality,
        method=_WEBP_METHODS[method],
    )
    return _shown([entry(name, subfolder, "output")], animated=len(frames) != 1)


@node(
    "SaveAnimatedPNG",
    link("images", "IMAGE"),
    string("filename_prefix", default="ComfyUI"),
    number("fps", 6.0, 0.01, 1000.0, 0.01),
    integer("compress_level", 4, 0, 9),
    *embedded(),
    category="image/animation",
    module="comfy_extras.nodes_images",
    output_node=True,
)
def save_animated_png(
    context: Context, images: Array, filename_prefix: str, fps: float, compress_level: int
) -> Result:
    frames = [_as_picture(image) for image in images]
    chunks = PngInfo()
    for name, text in embedded_texts(context).items():
        chunk = name.encode("latin-1") + b"\0" + text.encode("latin-1")
        chunks.add(b"comf", chunk, after_idat=True)
    folder, stem, counter, subfolder = context.folders.save_slot(filename_prefix, "output", *frames[0].size)
    name = f"{stem}_{counter:05}_.png"
    frames[0].save(
        folder / name,
        pnginfo=chunks,
        compress_level=compress_level,
        save_all=True,
        duration=int(1000.0 / fps),
        append_images=frames[1:],
    )
    return _shown([entry(name, subfolder, "output")], animated=True)


@node(
    "PreviewAny",
    link("source", "*", tooltip="Whatever is to be shown as text."),
    category="utils",
    title="Preview Any",
    module="comfy_extras.nodes_preview_any",
    output_node=True,
)
def preview_any(context: Context, source: Any = None) -> Result:
    return Result(ui={"text": [_as_text(source)]})


def _save_pngs(context: Context, images: Array, prefix: str, type_: str, compress_level: int) -> Result:
    height, width = images.shape[1:3]
    folder, stem, counter, subfolder = context.folders.save_slot(prefix, type_, width, height)
    texts = PngInfo()
    for key, text in embedded_texts(context).items():
        texts.add_text(key, text)
    entries = []
    for number_in_batch, image in enumerate(images):
        name = f"{stem.replace('%batch_num%', str(number_in_batch))}_{counter + number_in_batch:05}_.png"
        _as_picture(image).save(folder / name, pnginfo=texts, compress_level=compress_level)
        entries.append(entry(name, subfolder, type_))
    return _shown(entries)


def temp_prefix() -> str:
    """A name no earlier preview has."""
    return "ComfyUI_temp_" + "".join(secrets.choice(_TEMP_LETTERS) for _ in range(5))


def embedded_texts(context: Context) -> dict[str, str]:
    """What every saved file carries: the prompt, and each extra under its own name, as JSON."""
    return {"prompt": json.dumps(context.prompt), **_extras(context)}


def _extras(context: Context) -> Mapping[str, str]:
    return {key: json.dumps(value) for key, value in (context.extra_pnginfo or {}).items()}


def _as_picture(image: Array) -> Image.Image:
    """One image as 8-bit pixels; ComfyUI cuts off the fraction, it does not round."""
    require_room(1, *image.shape[:2])
    pixels = np.clip(np.float32(255.0) * image, 0, 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels))


def entry(name: str, subfolder: str, type_: str) -> dict[str, str]:
    """A file as outputs name it."""
    return {"filename": name, "subfolder": subfolder, "type": type_}


def _shown(entries: list[dict[str, str]], animated: bool | None = None) -> Result:
    return Result(ui={"images": entries} | ({} if animated is None else {"animated": [animated]}))


def _as_text(source: Any) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, (int, float)):
        return str(source)
    if source is None:
        return "None"
    try:
        return json.dumps(source)
    except TypeError:
        return str(source)


NODES = (save_image, preview_image, mask_preview, save_animated_webp, save_animated_png, preview_any)
