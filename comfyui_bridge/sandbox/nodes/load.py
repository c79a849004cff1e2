"""LoadImage and its kin: files of the server's folders become images and masks."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageFile, ImageOps, ImageSequence, UnidentifiedImageError

from comfyui_bridge.sandbox.node import Context, Folders, Input
from comfyui_bridge.sandbox.nodes.declare import FileInput, choice, node
from comfyui_bridge.sandbox.nodes.values import Array

Read = TypeVar("Read")

_CHANNELS = {"alpha": "A", "red": "R", "green": "G", "blue": "B"}


def _image_names(folders: Folders) -> Sequence[str]:
    """The images at the top of the input folder, told by their names as ComfyUI does."""
    return [n for n in folders.input_files() if (mimetypes.guess_type(n)[0] or "").startswith("image/")]


def _problem(folders: Folders, image: str, **others: Any) -> str | None:
    try:
        found = folders.resolve(image).is_file()
    except (FileNotFoundError, ValueError):
        found = False
    return None if found else f"Invalid image file: {image}"


def _fingerprint(folders: Folders, image: str, **others: Any) -> object:
    """The file's hash: an upload under the same name makes the node run again."""
    return hashlib.sha256(folders.resolve(image).read_bytes()).hexdigest()


_IMAGE = FileInput("image", (), {"image_upload": True}, listing=_image_names)


@node(
    "LoadImage",
    _IMAGE,
    outputs=("IMAGE", "MASK"),
    category="image",
    title="Load Image",
    fingerprint=_fingerprint,
    problem=_problem,
    self_checked=("image",),
)
def load_image(context: Context, image: str) -> tuple[Any, ...]:
    return _image_and_mask(context.folders.resolve(image))


@node(
    "LoadImageOutput",
    Input(
        "image",
        "COMBO",
        {
            "image_upload": True,
            "image_folder": "output",
            "remote": {
                "route": "/internal/files/output",
                "refresh_button": True,
                "control_after_refresh": "first",
            },
        },
    ),
    outputs=("IMAGE", "MASK"),
    category="image",
    title="Load Image (from Outputs)",
    about="Loads an image that the server made.",
    experimental=True,
    fingerprint=_fingerprint,
    problem=_problem,
    self_checked=("image",),
)
def load_image_output(context: Context, image: str) -> tuple[Any, ...]:
    return _image_and_mask(context.folders.resolve(image))


@node(
    "LoadImageMask",
    _IMAGE,
    choice("channel", tuple(_CHANNELS)),
    outputs=("MASK",),
    category="mask",
    title="Load Image (as Mask)",
    fingerprint=_fingerprint,
    problem=_problem,
    self_checked=("image",),
)
def load_image_mask(context: Context, image: str, channel: str) -> tuple[Any, ...]:
    path = context.folders.resolve(image)
    picture = _leniently(lambda: _upright(Image.open(path)))
    letter = _CHANNELS[channel]
    bands = picture.getbands()
    if letter not in bands and letter != "A":
        picture = picture.convert("RGBA")
    if letter == "A" and "A" not in picture.getbands():
        return (np.zeros((1, 64, 64), dtype=np.float32),)
    values = _as_floats(picture.getchannel(letter))[None]
    return (1.0 - values if letter == "A" else values,)


def _image_and_mask(path: Path) -> tuple[Array, Array]:
    """All frames of a file that have the first one's size, and where they are transparent."""
    images: list[Array] = []
    masks: list[Array] = []
    with _leniently(lambda: Image.open(path)) as opened:
        for frame in ImageSequence.Iterator(opened):
            turned = _leniently(partial(_upright, frame))
            if turned.mode == "I":
                turned = turned.point(lambda value: value * (1 / 255))
            picture = _as_floats(turned.convert("RGB"))
            if images and picture.shape != images[0].shape:
                continue
            images.append(picture)
            masks.append(_mask_of(turned))
        # A multi-picture JPEG holds the same picture again, smaller or for a second eye.
        if opened.format == "MPO":
            del images[1:], masks[1:]
    return np.stack(images), np.stack(masks)


def _upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its camera says."""
    return ImageOps.exif_transpose(picture)


def _mask_of(frame: Image.Image) -> Array:
    """1 where the frame is transparent; without transparency, ComfyUI's 64 x 64 of nothing."""
    if "A" in frame.getbands():
        return 1.0 - _as_floats(frame.getchannel("A"))
    if frame.mode == "P" and "transparency" in frame.info:
        return 1.0 - _as_floats(frame.convert("RGBA").getchannel("A"))
    return np.zeros((64, 64), dtype=np.float32)


def _as_floats(picture: Image.Image) -> Array:
    values: Array = np.asarray(picture, dtype=np.float32) / np.float32(255.0)
    return values


def _leniently(read: Callable[[], Read]) -> Read:
    """Read a file; what fails at first is tried again as a truncated one, as ComfyUI does.

    The switch is Pillow's and global; it is put back at once. Through it a file that only begins like a
    PNG ends as OSError "Truncated File Read", as recorded.
    """
    try:
        return read()
    except (OSError, UnidentifiedImageError, ValueError):
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            return read()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


NODES = (load_image, load_image_output, load_image_mask)
