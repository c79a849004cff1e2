"""Addresses that a form on the page asks by itself: long lists of choices, and files to look at.

Only what a template's own inputs name can be asked for, so a browser reaches no other address or folder of
a server through us.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core.errors import ServerError, StoreError
from comfyui_bridge.core.node_defs import ComboSpec, InputSpec
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.engine.pool import ServerState
from comfyui_bridge.store.media import media_type
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.json_answer import JsonAnswer
from comfyui_bridge.ui.widgets import choices

_MOST_SHOWN = 64 << 20
"""A larger file of a server's input folder is not fetched only to be looked at."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'",
}
_SHOWN = ("image/", "video/", "audio/")


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    asked = _Asked(dashboard)
    return [
        Route("/choices/{slug}/{key:path}", partial(_in_thread, asked.choices), methods=["GET"]),
        Route("/server-files/{slug}/{key:path}", partial(_in_thread, asked.file), methods=["GET"]),
        Route("/uploads/{key}/file", partial(_in_thread, asked.upload), methods=["GET"]),
    ]


async def _in_thread(answer: Any, request: Request) -> Response:
    response: Response = await anyio.to_thread.run_sync(answer, request)
    return response


class _Asked:
    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    def choices(self, request: Request) -> Response:
        """All choices of one input; asked of the servers where only a route of theirs gives them."""
        spec = self._spec(request)
        options = getattr(spec, "options", None)
        if spec is None or options is None:
            return _told(404, "There is no such list of choices.")
        if isinstance(spec, ComboSpec) and spec.remote_route:
            listed, problem = self._remote(spec.remote_route)
            if problem and not listed:
                return _told(503, problem)
            options = (*options, *listed)
        unique = dict.fromkeys(choices.named(option) for option in options)
        return JsonAnswer(list(unique))

    def file(self, request: Request) -> Response:
        """A file that lies in the folder of a server which an input chooses from."""
        spec, name = self._spec(request), request.query_params.get("name", "")
        if not isinstance(spec, ComboSpec) or spec.upload is None or not name:
            return _told(404, "There is no such input that takes files.")
        kind = media_type(name)
        if not kind.startswith(_SHOWN):
            return _nothing()
        path = PurePosixPath(_plain(name))
        file = OutputFile(path.name, "" if str(path.parent) == "." else str(path.parent), spec.folder)
        content = self._fetched(file)
        return _nothing() if content is None else Response(content, media_type=kind, headers=_HEADERS)

    def upload(self, request: Request) -> Response:
        """A video or a sound in our keeping, as it was uploaded."""
        kind = media_type(request.query_params.get("name", ""))
        if not kind.startswith(_SHOWN):
            return _nothing()
        try:
            path = self._dashboard.media.upload_path(request.path_params["key"])
        except StoreError as error:
            return _told(404, str(error))
        return FileResponse(path, media_type=kind, headers=_HEADERS)

    def _spec(self, request: Request) -> InputSpec | None:
        """What an input takes: one of the form, or of an option that is not chosen yet."""
        form = self._dashboard.form_of(self._dashboard.library.get(request.path_params["slug"]))
        if form is None:
            return None
        key = request.path_params["key"]
        one = form.input(key)
        if one is not None:
            return one.spec
        node_id, _, place = key.partition(".")
        if node_id not in form.workflow:
            return None
        definition = form.node_defs.input(form.workflow.node(node_id).class_type, place)
        return definition.spec if definition is not None else None

    def _ready(self) -> Iterator[Any]:
        engine = self._dashboard.engine
        for status in engine.servers():
            if status.state is ServerState.READY:
                with suppress(LookupError):  # taken out of the list meanwhile
                    yield engine.server(status.name)

    def _remote(self, route: str) -> tuple[tuple[str, ...], str]:
        listed: dict[str, None] = {}
        problem = "No server is ready to be asked."
        for server in self._ready():
            try:
                listed.update(dict.fromkeys(server.choices(route)))
                problem = ""
            except ServerError as error:
                problem = problem and str(error)
        return tuple(listed), problem

    def _fetched(self, file: OutputFile) -> bytes | None:
        for server in self._ready():
            content = bytearray()
            with suppress(ServerError), server.fetch(file) as chunks:
                for chunk in chunks:
                    content += chunk
                    if len(content) > _MOST_SHOWN:
                        return None
                return bytes(content)
        return None


def _plain(name: str) -> str:
    """A file's name without the folder that LoadImage's own page adds ("a.png [output]")."""
    return name.rpartition(" [")[0] if name.endswith("]") else name


def _nothing() -> Response:
    """What cannot be shown is no fault of anybody's: the field names the file."""
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _told(status: int, sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers={"Cache-Control": "no-store"})
