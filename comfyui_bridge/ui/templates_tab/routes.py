"""The editor's addresses: questions and answers, files that come in, and bundles that go out.

Files come as they are, straight into memory, and never lie among what others have uploaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.routes import disposition
from comfyui_bridge.ui.templates_tab.answers import Answers, Asked

MOST_MB = 64
"""What may be brought in at once. A workflow has some kilobytes, and a picture that carries one some MB."""

_MOST_ASKED_MB = 4


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    """Everything below library/."""
    answers = Answers(dashboard)

    async def ask(request: Request) -> Response:
        content = await _body(request, _MOST_ASKED_MB)
        told = _table(content) if content is not None else None
        if told is None:
            return JSONResponse({"error": "This is no question."}, 400)
        return await _answered(lambda: answers.answer(told, request))

    async def take_in(request: Request) -> Response:
        content = await _body(request, MOST_MB)
        asked = Asked({**request.query_params, "anyway": "anyway" in request.query_params}, request)
        if content is None:
            return JSONResponse({"error": asked.words("ed_too_large", most=MOST_MB)}, 413)
        return await _answered(lambda: answers.take_in(content, asked["name"] or "workflow", asked))

    async def cover(request: Request) -> Response:
        picture = await _body(request, MOST_MB)
        asked = Asked(dict(request.query_params), request)
        if picture is None:
            return JSONResponse({"error": asked.words("ed_too_large", most=MOST_MB)}, 413)
        return await _answered(lambda: answers.put_cover(request.path_params["slug"], picture, asked))

    async def bundle(request: Request) -> Response:
        slug = request.path_params["slug"]
        packed = await anyio.to_thread.run_sync(answers.bundle, slug)
        if packed is None:
            return PlainTextResponse("There is no such template here.\n", 404)
        headers = {
            "Content-Disposition": disposition("attachment", f"{slug}.zip"),
            "Cache-Control": "no-store",
        }
        return Response(packed, headers=headers, media_type="application/zip")

    return [
        Route("/library/ask", ask, methods=["POST"]),
        Route("/library/intake", take_in, methods=["POST"]),
        Route("/library/{slug}/cover", cover, methods=["POST"]),
        Route("/library/{slug}.zip", bundle, methods=["GET"]),
    ]


async def _answered(answer: Callable[[], dict[str, Any]]) -> Response:
    told = await anyio.to_thread.run_sync(answer)
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


async def _body(request: Request, most_mb: int) -> bytes | None:
    """What is sent; None for more than is taken, or from whoever has gone meanwhile."""
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > most_mb << 20:
                return None
    except ClientDisconnect:
        return None
    return bytes(content)


def _table(content: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(content)
        # Halves of characters, which JSON can spell and no answer and no file can hold.
        json.dumps(told, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
