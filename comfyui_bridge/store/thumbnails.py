"""Small copies of pictures, as WebP. Pictures come from servers and strangers, so any may be broken."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

# Never the formats for which Pillow starts another program. AVIF is last, for old Pillows lack it.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

MOST_PIXELS = 90_000_000
"""Decoded at 4 bytes a pixel, this is 360 MB; what claims more is not decoded at all."""

_ORIENTATION = 0x0112
_LYING = (5, 6, 7, 8)
"""Of the eight ways to hold a camera, those that turn a picture by a quarter."""

_MOVING = {"GIF": "image/gif", "WEBP": "image/webp", "PNG": "image/png"}
_MOST_MOVING = 3_000_000
"""Bytes of an animation."""

# Each picture being decoded takes memory of its own; a gallery asks for fifty at once.
at_work = threading.BoundedSemaphore(2)

# What Pillow's decoders were seen to raise over broken pictures. Warnings are there for programs that
# make errors of them.
BROKEN = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    RuntimeError,
    AttributeError,
    AssertionError,
    MemoryError,
    struct.error,
    zlib.error,
    Warning,
    Image.DecompressionBombError,
)


def shrink(path: Path, size: int) -> bytes | None:
    """The picture as a WebP of at most size x size, upright, its first frame; None if it cannot be read."""
    try:
        with at_work, path.open("rb") as file, Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            return _shrink(picture, (size, size))
    except BROKEN:
        return None


def shrink_bytes(content: bytes, width: int) -> bytes | None:
    """The picture as a WebP of at most this width, however high; None if it cannot be read."""
    try:
        with at_work, Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            return _shrink(picture, (width, 4 * width))
    except BROKEN:
        return None


def reduced(path: Path, size: tuple[int, int]) -> Image.Image | None:
    """The picture in RGB or RGBA, within this size and upright, its first frame. None as for `shrink`."""
    try:
        with at_work, path.open("rb") as file, Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            small, _ = _reduced(picture, size)
            small.load()
            return small.copy()
    except BROKEN:
        return None


def size_of(path: Path) -> tuple[int, int] | None:
    """How wide and high the picture is when it stands upright, as its file says; None as for `shrink`."""
    try:
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as picture:
            width, height = picture.size
            lies = picture.getexif().get(_ORIENTATION, 1) in _LYING
    except BROKEN:
        return None
    if width * height > MOST_PIXELS:
        return None
    return (height, width) if lies else (width, height)


@dataclass(frozen=True)
class Portable:
    """A picture as any browser shows it."""

    content: bytes
    media_type: str
    width: int
    height: int
    is_clear: bool
    """Whether something behind it may be seen through it."""


def portable(path: Path, side: int) -> Portable | None:
    """The picture to be sent along, at most this large; a short animation as it is. None as for `shrink`."""
    moving = _moving(path)
    if moving is not None:
        return moving
    small = reduced(path, (side, side))
    if small is None:
        return None
    written = io.BytesIO()
    small.save(written, "WEBP", quality=84, method=2)
    return Portable(written.getvalue(), "image/webp", *small.size, small.mode == "RGBA")


def _moving(path: Path) -> Portable | None:
    """An animation that is not too large to be sent along as it is."""
    try:
        if path.stat().st_size > _MOST_MOVING:
            return None
        content = path.read_bytes()
        with Image.open(io.BytesIO(content), formats=tuple(_MOVING)) as picture:
            if not getattr(picture, "is_animated", False) or picture.width * picture.height > MOST_PIXELS:
                return None
            picture.load()
            is_clear = picture.has_transparency_data
            return Portable(content, _MOVING[str(picture.format)], *picture.size, is_clear)
    except BROKEN:
        return None


def _shrink(picture: Image.Image, size: tuple[int, int]) -> bytes:
    small, profile = _reduced(picture, size)
    written = io.BytesIO()
    small.save(written, "WEBP", quality=80, method=2, icc_profile=profile)
    return written.getvalue()


def _reduced(picture: Image.Image, size: tuple[int, int]) -> tuple[Image.Image, bytes | None]:
    small = picture if picture.mode in ("RGB", "RGBA", "CMYK", "YCbCr", "L") else _in_colour(picture)
    # In place; a JPEG is decoded at an eighth, a quarter or half its size where that is enough.
    small.thumbnail(size)
    small = ImageOps.exif_transpose(small)
    profile = small.info.get("icc_profile") if small.mode in ("RGB", "RGBA") else None
    if small.mode not in ("RGB", "RGBA"):
        small = small.convert("RGB")
    return small, profile


def _in_colour(picture: Image.Image) -> Image.Image:
    """For the modes that Pillow does not shrink well: palettes, 16 bits a pixel, bitmaps."""
    if picture.mode.startswith("I"):
        return picture.point(lambda value: value / 256).convert("L")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
