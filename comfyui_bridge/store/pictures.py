"""Workflows that pictures carry: what ComfyUI writes into the files it saves.

A PNG has text chunks `prompt` and `workflow`; a WebP or JPEG has them in EXIF, as "prompt:{...}" under
Model and "workflow:{...}" under Make (0.3.64, nodes_images.py). The API format is preferred: it is what
really ran.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from comfyui_bridge.core.errors import TemplateError
from comfyui_bridge.store.thumbnails import BROKEN

_MOST_CHARACTERS = 32 << 20


def workflow_in(path: Path) -> Mapping[str, Any]:
    """The workflow a picture carries. Raises TemplateError if there is none, or it is no picture."""
    found = dict(_documents(path))
    for key in ("prompt", "workflow"):
        if key in found:
            return found[key]
    raise TemplateError(
        "This picture carries no workflow. Those ComfyUI saves do, unless something took it out on the way.",
        file=path.name,
    )


def is_readable(path: Path) -> bool:
    """Whether this is a picture, as far as can be told without decoding all of it."""
    try:
        with Image.open(path) as picture:
            picture.verify()
    except BROKEN:
        return False
    return True


def _documents(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, text in _texts(path):
        if len(text) > _MOST_CHARACTERS:
            continue
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict) and document:
            yield key, document


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with Image.open(path) as picture:
            texts = {key: value for key, value in picture.info.items() if isinstance(value, str)}
            tags = [value for value in picture.getexif().values() if isinstance(value, str)]
    except BROKEN:
        raise TemplateError("This is no picture that can be read.", file=path.name) from None
    for key in ("prompt", "workflow"):
        if key in texts:
            yield key, texts[key]
    for tag in tags:
        key, colon, text = tag.partition(":")
        if colon and key.lower() in ("prompt", "workflow"):
            yield key.lower(), text
