"""Addresses of ours beside the page: health, previews, kept media, covers. They stand before Gradio's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.ui.live_stream import LiveStream

if TYPE_CHECKING:
    from comfyui_bridge.ui.dashboard import Dashboard


def routes(dashboard: Dashboard, live: LiveStream) -> list[BaseRoute]:
    async def healthz(request: Request) -> Response:
        servers = [
            {"name": server.name, "state": server.state.value} for server in dashboard.engine.servers()
        ]
        return JSONResponse(
            {"status": "ok", "version": dashboard.version, "servers": servers},
            headers={"Cache-Control": "no-store"},
        )

    async def is_there(request: Request) -> Response:
        """HEAD of the page, which Gradio would answer by painting it whole."""
        return Response(media_type="text/html")

    return [
        Route("/healthz", healthz),
        Route("/", is_there, methods=["HEAD"]),
        Route("/live/{run_id}", live.answer, methods=["GET"]),
    ]
