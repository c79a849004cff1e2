"""Masks painted on pictures, as ComfyUI takes them: transparent where it was painted.

LoadImage makes its mask of 1 - alpha (0.3.64). The colours under a mask stay as they were, so painting
again, or taking the mask away, begins with the whole picture.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageChops, ImageOps

from comfyui_bridge.store.thumbnails import BROKEN, MOST_PIXELS, at_work

COLOUR = (255, 45, 110)
"""How a mask is shown on its picture; what is read is only where."""


def painted(picture: Path, mask: bytes) -> bytes | None:
    """The picture as a PNG of its own size, transparent where the mask is opaque; None if one is broken."""
    try:
        with at_work, Image.open(io.BytesIO(mask), formats=("PNG",)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            where = opened.convert("RGBA").getchannel("A")
            whole = _opaque(picture)
            if where.getbbox() is not None:
                smooth = where.resize(whole.size, Image.Resampling.BILINEAR)
                whole.putalpha(ImageChops.invert(smooth))
            written = io.BytesIO()
            whole.save(written, "PNG", compress_level=1)
            return written.getvalue()
    except BROKEN:
        return None


def mask_of(picture: Path, size: int) -> bytes | None:
    """Where a picture is transparent, as a coloured PNG of at most size x size; None if it is broken."""
    try:
        with at_work, Image.open(picture) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            shown = ImageOps.exif_transpose(opened)
            if not shown.has_transparency_data:
                shown = Image.new("RGBA", shown.size, (0, 0, 0, 255))
            where = ImageChops.invert(shown.convert("RGBA").getchannel("A"))
    except BROKEN:
        return None
    where.thumbnail((size, size))
    coloured = Image.new("RGBA", where.size, (*COLOUR, 255))
    coloured.putalpha(where)
    return _png(coloured)


def without_mask(picture: Path, size: int) -> bytes | None:
    """The whole picture, at most size x size, as a WebP; None if it cannot be read."""
    try:
        with at_work:
            whole = _opaque(picture)
    except BROKEN:
        return None
    whole.thumbnail((size, size))
    written = io.BytesIO()
    whole.save(written, "WEBP", quality=88, method=2)
    return written.getvalue()


def _opaque(picture: Path) -> Image.Image:
    """The colours of a picture, upright, those under a mask too."""
    with Image.open(picture) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise ValueError("too large to be decoded")
        upright = ImageOps.exif_transpose(opened)
        if upright.mode.startswith("I"):
            upright = upright.point(lambda value: value / 256).convert("L")
        # A palette's transparent entry has a colour too, but only by way of RGBA.
        return (upright.convert("RGBA") if upright.mode == "P" else upright).convert("RGB")


def _png(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "PNG", compress_level=1)
    return written.getvalue()
