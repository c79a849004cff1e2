"""Large words go out compressed: the page itself, and what it is told of many things at once.

Gradio (6.31) compresses files only, and the page comes with its script in it. Pictures, archives and streams
are left as they are: they are small already, or must not wait.
"""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_ANSWERS = frozenset(("/", "/config", "/gradio_api/run/predict", "/results", "/results/tiles"))
_LEAST_BYTES = 16_000
# 650 kB become a quarter in 12 ms; the next levels take up to twice as long for a few percent more.
_LEVEL = 4


class Compressed:
    """An app some of whose answers are compressed where they are large and the browser can read that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=_LEAST_BYTES, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_large = scope["type"] == "http" and scope["path"] in _ANSWERS
        await (self._compressing if is_large else self._app)(scope, receive, send)
