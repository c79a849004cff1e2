"""Addresses of ours beside the page: health, previews, kept files, covers. They stand before Gradio's own.

Files go out as they were kept, and never run: a browser is told their type, not to guess another, and to
treat what it opens as a sandbox.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache, partial
from pathlib import Path
from urllib.parse import quote

import anyio.to_thread
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from comfyui_bridge.core.errors import BridgeError, Full
from comfyui_bridge.store import archive
from comfyui_bridge.store.media import THUMBNAIL_SIZES, media_type
from comfyui_bridge.store.thumbnails import shrink
from comfyui_bridge.ui import compare, form_routes, presets_panel, recipe, remix_routes, uploads
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.json_answer import JsonAnswer
from comfyui_bridge.ui.live_stream import LiveStream
from comfyui_bridge.ui.results_tab import routes as results

_INERT = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'"
)


_LONGEST_LIST = 1 << 20
"""Bytes of the list of runs to be zipped, some thirty thousand of them."""


def routes(dashboard: Dashboard, live: LiveStream) -> list[BaseRoute]:
    media = _Media(dashboard)
    return [
        Route("/healthz", partial(_healthz, dashboard)),
        Route("/", _is_there, methods=["HEAD"]),
        Route("/live/{run_id}", live.answer, methods=["GET"]),
        # A browser has six connections to an address, for all its tabs. Gradio 6.31 would hold one of them
        # for every open tab, only to hear that it was closed: the seventh tab would wait for ever. Nothing of
        # ours needs that, and after this answer its page asks no more.
        Route("/gradio_api/heartbeat/{session}", _no_heartbeat),
        # Gradio would fetch these for whoever asks, on our behalf; nothing of ours needs it.
        Route("/gradio_api/file=http{rest:path}", _not_fetched),
        Route("/gradio_api/proxy={rest:path}", _not_fetched),
        Route("/media.zip", media.zip_of_several, methods=["POST"]),
        Route("/media/{run_id}.zip", media.zip),
        Route("/media/{run_id}/{name:path}", media.file),
        Route("/covers/{slug}", _Covers(dashboard).cover),
        *recipe.routes(dashboard),
        *compare.routes(dashboard),
        *form_routes.routes(dashboard),
        *results.routes(dashboard),
        *uploads.routes(dashboard),
        *remix_routes.routes(dashboard),
        *presets_panel.routes(dashboard),
    ]


async def refused(request: Request, error: Exception) -> Response:
    """What an address answers when the store cannot serve it: its sentence."""
    return PlainTextResponse(f"{error}\n", 507 if isinstance(error, Full) else 503)


EXCEPTION_HANDLERS = {BridgeError: refused}


_AS_IT_IS = re.compile(r"/media|/covers/|/experiments/[^/]+/sheet\.")


class AsTheyAre:
    """ASGI door: Gradio compresses by a name's ending, ranges included; our files go out byte for byte."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _AS_IT_IS.match(scope["path"]):
            headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)


class _Media:
    """Kept files, for whoever may see their run."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._engine = dashboard.engine
        self._store = dashboard.media
        self._seeing = dashboard.seeing

    async def file(self, request: Request) -> Response:
        return await anyio.to_thread.run_sync(self._file, request)

    async def zip(self, request: Request) -> Response:
        return await anyio.to_thread.run_sync(self._zip, request)

    def _file(self, request: Request) -> Response:
        run_id, name = request.path_params["run_id"], request.path_params["name"]
        if not self._seeing.ids([run_id], request):
            return _not_there("There is no such file here.")
        size, stays = request.query_params.get("size"), self._seeing.stays(run_id, request)
        if size is None:
            path = self._store.path(run_id, name)
            return _kept(request, path, media_type(name), name, stays=stays)
        if not _is_size(size):
            return _no_such_size()
        return _kept(request, self._store.thumbnail(run_id, name, int(size)), "image/webp", stays=stays)

    def _zip(self, request: Request) -> Response:
        run_id = request.path_params["run_id"]
        if not self._seeing.ids([run_id], request) or not self._store.names(run_id):
            return _not_there("There are no kept files of such a run here.")
        return self._archive([run_id], f"{run_id}.zip")

    async def zip_of_several(self, request: Request) -> Response:
        """The runs that a form names, in its order."""
        async with request.form(max_fields=8, max_part_size=_LONGEST_LIST) as form:
            run_ids = list(dict.fromkeys(str(form.get("runs", "")).split()))
        return await anyio.to_thread.run_sync(self._zip_of_several, request, run_ids)

    def _zip_of_several(self, request: Request, run_ids: list[str]) -> Response:
        seen = self._seeing.ids(run_ids, request)
        with_files = [run_id for run_id in seen if self._store.names(run_id)]
        if not with_files:
            return _not_there("None of these runs has kept files here.")
        return self._archive(with_files, f"results-{len(with_files)}.zip")

    def _archive(self, run_ids: list[str], name: str) -> Response:
        known = (self._engine.snapshot(run_id) for run_id in run_ids)
        runs = (snapshot.run for snapshot in known if snapshot is not None)
        headers = {"Content-Disposition": disposition("attachment", name), "Cache-Control": "no-store"}
        chunks = archive.of_runs(self._store, runs, len(run_ids))
        return StreamingResponse(iterate_in_threadpool(chunks), headers=headers, media_type="application/zip")


class _Covers:
    """Templates' covers, small ones kept in memory: they are few, and change while we look."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._library = dashboard.library
        self._small = lru_cache(maxsize=256)(_shrunk)

    async def cover(self, request: Request) -> Response:
        return await anyio.to_thread.run_sync(self._cover, request)

    def _cover(self, request: Request) -> Response:
        path = self._library.cover(request.path_params["slug"])
        size = request.query_params.get("size")
        if size is not None and not _is_size(size):
            return _no_such_size()
        try:
            status = path.stat() if path else None
        except OSError:  # taken away since the library was looked through
            status = None
        if path is None or status is None:
            return _not_there("There is no such cover here.")
        headers = _file_headers(status)
        if "v" not in request.query_params:
            headers["Cache-Control"] = "private, no-cache"
        if _is_known(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        if size is None:
            return FileResponse(path, headers=headers, media_type=media_type(path.name), stat_result=status)
        small = self._small(path, int(size), status.st_mtime_ns)
        if small is None:
            return _not_there("This cover is no picture that can be read.")
        return Response(small, headers=headers, media_type="image/webp")


def _shrunk(path: Path, size: int, _changed_at: int) -> bytes | None:
    return shrink(path, size)


def disposition(way: str, name: str) -> str:
    """A Content-Disposition whose name survives: RFC 5987's for browsers, plain letters for the rest."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    return f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _kept(request: Request, path: Path | None, type_: str, name: str = "", *, stays: bool) -> Response:
    """A file that never changes under its address, or where it is not one, a sentence.

    Unless it `stays`, it may be taken back from who asks: their browser has to ask each time.
    """
    if path is None:
        return _not_there("There is no such file here, or no picture can be made of it.")
    status = path.stat()
    headers = _file_headers(status)
    if not stays:
        headers["Cache-Control"] = "private, no-cache"
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    wants_it = request.query_params.get("download") == "1" or type_ == "application/octet-stream"
    if name:
        headers["Content-Disposition"] = disposition("attachment" if wants_it else "inline", name)
    return FileResponse(path, headers=headers, media_type=type_, stat_result=status)


def _file_headers(status: os.stat_result) -> dict[str, str]:
    return {
        "ETag": f'"{status.st_size:x}-{status.st_mtime_ns:x}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Security-Policy": _INERT,
    }


def _is_known(request: Request, etag: str) -> bool:
    told = request.headers.get("if-none-match", "")
    return etag in (tag.strip().removeprefix("W/") for tag in told.split(","))


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and int(text) in THUMBNAIL_SIZES


def _no_such_size() -> Response:
    sizes = ", ".join(str(size) for size in sorted(THUMBNAIL_SIZES))
    return PlainTextResponse(f"A thumbnail's size is one of {sizes}.\n", 400)


def _not_there(sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", 404, headers={"Cache-Control": "no-store"})


async def _healthz(dashboard: Dashboard, request: Request) -> Response:
    servers = [{"name": server.name, "state": server.state.value} for server in dashboard.engine.servers()]
    told = {"status": "ok", "version": dashboard.version, "servers": servers}
    answer = JsonAnswer(told)
    answer.headers["X-ComfyUI-Bridge"] = dashboard.program
    return answer


async def _not_fetched(request: Request) -> Response:
    return _not_there("Nothing of another address is fetched here.")


async def _no_heartbeat(request: Request) -> Response:
    return Response(status_code=204)


async def _is_there(request: Request) -> Response:
    """HEAD of the page, which Gradio would answer by painting it whole."""
    return Response(media_type="text/html")
