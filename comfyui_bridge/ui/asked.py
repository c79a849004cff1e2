"""What the page's script asks by an address of ours: a body read up to a limit, and the page's language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request

from comfyui_bridge.ui.words import LANGUAGES, Words


def words_of(asked: Mapping[str, Any]) -> Words:
    """The words to answer in."""
    lang = asked.get("lang")
    return Words(lang if lang in LANGUAGES else "en")


async def body(request: Request, most: int) -> bytes | None:
    """What is sent; None for more than `most` bytes, or from whoever has gone meanwhile."""
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > most:
                return None
    except ClientDisconnect:
        return None
    return bytes(content)


async def table(request: Request, most: int) -> dict[str, Any] | None:
    """A JSON object that is sent; None for anything else."""
    content = await body(request, most)
    try:
        told = json.loads(content) if content is not None else None
        # Halves of characters, which JSON can spell and no database and no file can hold.
        json.dumps(told, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
