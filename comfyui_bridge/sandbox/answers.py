"""Answers that several routes give, and how requests are read.

ComfyUI lets many a bad request run into an exception, which aiohttp turns into a plain 500. Trouble stands
for those exceptions: the same answer without a traceback in the log.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


class Trouble(Exception):
    """ComfyUI raises something unforeseen here."""


def in_trouble() -> web.Response:
    return web.Response(status=500, text="500 Internal Server Error\n\nServer got itself in trouble")


def not_found() -> web.Response:
    """What the static files behind all routes answer for a path nobody knows."""
    return web.Response(status=404, content_type="application/octet-stream")


async def read_json(request: web.Request) -> Any:
    """The body as JSON, whatever its Content-Type says."""
    try:
        return json.loads(await request.text())
    except ValueError as error:
        raise Trouble(f"the body is not JSON: {error}") from error


async def read_object(request: web.Request) -> dict[str, Any]:
    body = await read_json(request)
    if not isinstance(body, dict):
        raise Trouble(f"the body is {type(body).__name__}, not an object")
    return body
