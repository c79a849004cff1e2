"""The previews of a run as server-sent events: the newest frame only, however slow the browser is.

A frame is asked for when the last one has been handed to the network, so nothing queues up here. Gradio's
own ways cost several times the processor time a frame, and leave files behind.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from comfyui_bridge.core.outputs import MediaKind
from comfyui_bridge.engine.live import Preview, Snapshot
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.present import file_view

HEARTBEAT_S = 15.0
# How long a thread may go on waiting after its browser has gone, or after the app was told to stop.
_PATIENCE_S = 1.0
_VIEWERS = 1000


class LiveStream:
    """Answers /live/{run_id}. Every viewer holds one thread while it waits, none of them Gradio's."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._closing = False
        self._limiter: anyio.CapacityLimiter | None = None

    async def answer(self, request: Request) -> Response:
        snapshot = await self._snapshot(request)
        if snapshot is None:
            return PlainTextResponse("There is no such run here.\n", 404)
        seen = _last_seen(request, snapshot)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(request, seen), media_type="text/event-stream", headers=headers)

    def close(self) -> None:
        """End every stream; each is told so within a second."""
        self._closing = True

    async def _events(self, request: Request, seen: int) -> AsyncIterator[str]:
        # Told at once, so that the browser knows that it is connected.
        yield "retry: 2000\n\n"
        told_at = anyio.current_time()
        while not self._closing:
            asked_at = anyio.current_time()
            preview = await self._newer(request, seen)
            if preview is not None:
                seen = preview.version
                yield _event("preview", _frame(preview), seen)
                told_at = anyio.current_time()
                continue
            snapshot = await self._snapshot(request)
            if snapshot is None or snapshot.run.state.is_final:
                yield _event("end", {"v": seen, "picture": _picture(snapshot)}, seen)
                return
            if anyio.current_time() - told_at >= HEARTBEAT_S:
                yield ": still here\n\n"
                told_at = anyio.current_time()
            # A run that waits for nobody's thread, or an engine that stops, answers at once with nothing.
            await anyio.sleep(max(0.0, asked_at + _PATIENCE_S - anyio.current_time()))

    async def _newer(self, request: Request, seen: int) -> Preview | None:
        wait = partial(self._wait, request, seen)
        return await anyio.to_thread.run_sync(wait, limiter=self._threads(), abandon_on_cancel=True)

    def _wait(self, request: Request, seen: int) -> Preview | None:
        """The next frame, as long as whoever looks may see it: its owner may have taken it back."""
        run_id = request.path_params["run_id"]
        preview = self._dashboard.engine.wait_preview(run_id, seen, _PATIENCE_S)
        return preview if preview and self._dashboard.run_seen(run_id, request) else None

    async def _snapshot(self, request: Request) -> Snapshot | None:
        # It may have to read the store.
        look = partial(self._dashboard.seeing.snapshot, request.path_params["run_id"], request)
        return await anyio.to_thread.run_sync(look, limiter=self._threads())

    def _threads(self) -> anyio.CapacityLimiter:
        if self._limiter is None:  # it belongs to the event loop, which is not there before
            self._limiter = anyio.CapacityLimiter(_VIEWERS)
        return self._limiter


def _last_seen(request: Request, snapshot: Snapshot) -> int:
    """The frame a browser that comes back has already; 0 if it has none, or one of another start of ours."""
    told = request.headers.get("last-event-id", "")
    version = int(told) if told.isascii() and told.isdigit() and len(told) < 12 else 0
    return version if version <= snapshot.preview_version else 0


def _frame(preview: Preview) -> dict[str, object]:
    image = base64.b64encode(preview.image).decode("ascii")
    return {"v": preview.version, "src": f"data:{preview.media_type};base64,{image}"}


def _picture(snapshot: Snapshot | None) -> str:
    """The link of the picture that takes the last frame's place: the words about it come by a longer way."""
    if snapshot is None or not snapshot.run.kept:
        return ""
    first = snapshot.run.kept[0]
    return file_view(snapshot.run.run_id, first).url if first.source.kind is MediaKind.IMAGE else ""


def _event(name: str, payload: dict[str, object], version: int) -> str:
    return f"event: {name}\nid: {version}\ndata: {json.dumps(payload)}\n\n"
