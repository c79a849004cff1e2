"""Small copies of pictures, as WebP. Pictures come from servers and strangers, so any may be broken."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from pathlib import Path

from PIL import Image, ImageOps

# Never the formats for which Pillow starts another program. AVIF is last, for old Pillows lack it.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

MOST_PIXELS = 90_000_000
"""Decoded at 4 bytes a pixel, this is 360 MB; what claims more is not decoded at all."""

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


def _shrink(picture: Image.Image, size: tuple[int, int]) -> bytes:
    small = picture if picture.mode in ("RGB", "RGBA", "CMYK", "YCbCr", "L") else _in_colour(picture)
    # In place; a JPEG is decoded at an eighth, a quarter or half its size where that is enough.
    small.thumbnail(size)
    small = ImageOps.exif_transpose(small)
    profile = small.info.get("icc_profile") if small.mode in ("RGB", "RGBA") else None
    if small.mode not in ("RGB", "RGBA"):
        small = small.convert("RGB")
    written = io.BytesIO()
    small.save(written, "WEBP", quality=80, method=2, icc_profile=profile)
    return written.getvalue()


def _in_colour(picture: Image.Image) -> Image.Image:
    """For the modes that Pillow does not shrink well: palettes, 16 bits a pixel, bitmaps."""
    if picture.mode.startswith("I"):
        return picture.point(lambda value: value / 256).convert("L")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
