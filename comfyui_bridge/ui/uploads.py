"""Addresses for pictures that people choose: put one into our keeping, look at it, paint a mask on it.

A picture is known by the hash of its bytes, which only those know who had it. What is shown is made anew,
so no file of a stranger is ever handed to a browser as it came.
"""

from __future__ import annotations

import io
import tempfile
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.names import marked, safe_name
from comfyui_bridge.store import masks, pictures
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.json_answer import JsonAnswer

MOST_BYTES = 200 << 20
PAINTED_AT = 2048
"""The longest side of what is painted on; more than screens show, and less than browsers refuse."""

_IN_MEMORY = 4 << 20
_SMALLEST, _SMALL = 64, 512
_HEADERS = {"Cache-Control": "private, max-age=31536000, immutable"}


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    uploads = _Uploads(dashboard)
    return [
        Route("/uploads", uploads.put, methods=["POST"]),
        Route("/uploads/{key}", uploads.picture, methods=["GET"]),
        Route("/uploads/{key}/mask", uploads.mask, methods=["GET"]),
        Route("/uploads/{key}/mask", uploads.paint, methods=["POST"]),
    ]


class _Uploads:
    def __init__(self, dashboard: Dashboard) -> None:
        self._store = dashboard.media

    async def put(self, request: Request) -> Response:
        """Keep the body as a file of this name; answers the mark that stands for it in values.

        What it `shows` is a picture unless said otherwise, and only what can be read as one is taken.
        """
        name = safe_name(request.query_params.get("name", "picture"))
        is_picture = request.query_params.get("shows", "image") == "image"
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            if not await _read(request, body):
                return _told(413, f"{name} is too large; the most is {MOST_BYTES >> 20} MB.")
            return await anyio.to_thread.run_sync(self._put, body, name, is_picture)

    async def picture(self, request: Request) -> Response:
        """The whole picture without its mask, as a WebP of at most `size`."""
        return await self._made(request, masks.without_mask, "image/webp")

    async def mask(self, request: Request) -> Response:
        """Its mask, as a PNG of at most `size` that is coloured where it was painted."""
        return await self._made(request, masks.mask_of, "image/png")

    async def paint(self, request: Request) -> Response:
        """Put the mask in the body over a picture; answers the mark of the new one."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            if not await _read(request, body):
                return _told(413, "This mask is too large.")
            name = safe_name(request.query_params.get("name", "picture.png"))
            return await anyio.to_thread.run_sync(self._paint, request.path_params["key"], name, body.read())

    def _put(self, body: IO[bytes], name: str, is_picture: bool) -> Response:
        if is_picture and not pictures.is_readable(body):
            return _told(415, f"{name} is no picture that can be read; choose another.")
        body.seek(0)
        return _mark(FileValue(self._store.keep_upload(body, name), name))

    def _paint(self, key: str, name: str, mask: bytes) -> Response:
        try:
            made = masks.painted(self._store.upload_path(key), mask)
        except StoreError as error:
            return _told(404, str(error))
        if made is None:
            return _told(415, "This picture cannot be painted on; choose another.")
        name = marked(f"{PurePosixPath(name).stem}.png", "")
        return _mark(FileValue(self._store.keep_upload(io.BytesIO(made), name), name))

    async def _made(self, request: Request, make: Any, type_: str) -> Response:
        asked = request.query_params.get("size", "")
        size = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else _SMALL
        size = max(_SMALLEST, min(size, PAINTED_AT))
        key = request.path_params["key"]
        return await anyio.to_thread.run_sync(partial(self._make, key, make, size, type_))

    def _make(self, key: str, make: Any, size: int, type_: str) -> Response:
        try:
            made = make(self._store.upload_path(key), size)
        except StoreError as error:
            return _told(404, str(error))
        if made is None:
            return _told(415, "This picture cannot be shown.")
        return Response(made, media_type=type_, headers=_HEADERS)


async def _read(request: Request, body: IO[bytes]) -> bool:
    """Read what is sent into a file and go to its start; whether it is of a size that is taken."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            return False
        body.write(chunk)
    body.seek(0)
    return True


def _mark(file: FileValue) -> Response:
    return JsonAnswer(file.to_json())


def _told(status: int, sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers={"Cache-Control": "no-store"})
