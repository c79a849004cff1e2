"""Pictures that people put into a form."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from comfyui_bridge.store.thumbnails import BROKEN


def is_readable(path: Path) -> bool:
    """Whether this is a picture, as far as can be told without decoding all of it."""
    try:
        with Image.open(path) as picture:
            picture.verify()
    except BROKEN:
        return False
    return True
