"""The editor's addresses: questions and answers, files that come in, and bundles that go out.

Files come as they are, straight into memory, and never lie among what others have uploaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.ui.asked import body, table
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.json_answer import JsonAnswer
from comfyui_bridge.ui.routes import disposition
from comfyui_bridge.ui.templates_tab.answers import Answers, Asked

MOST_MB = 64
"""What may be brought in at once. A workflow has some kilobytes, and a picture that carries one some MB."""

_MOST_ASKED = 4 << 20


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    """Everything below library/."""
    answers = Answers(dashboard)

    async def ask(request: Request) -> Response:
        told = await table(request, _MOST_ASKED)
        if told is None:
            return JsonAnswer({"error": "This is no question."}, 400)
        return await _answered(lambda: answers.answer(told, request))

    async def take_in(request: Request) -> Response:
        content = await body(request, MOST_MB << 20)
        asked = Asked({**request.query_params, "anyway": "anyway" in request.query_params}, request)
        if content is None:
            return JsonAnswer({"error": asked.words("ed_too_large", most=MOST_MB)}, 413)
        return await _answered(lambda: answers.take_in(content, asked["name"] or "workflow", asked))

    async def cover(request: Request) -> Response:
        picture = await body(request, MOST_MB << 20)
        asked = Asked(dict(request.query_params), request)
        if picture is None:
            return JsonAnswer({"error": asked.words("ed_too_large", most=MOST_MB)}, 413)
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
    return JsonAnswer(told)
