"""What a foreign page may do to us: nothing.

Gradio's own CORS layer echoes every Origin on any host name but localhost, credentials allowed. So this
door stands before the whole app, and a request that another site's page made never gets past it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Nobody else's page may put ours in a frame and have people click in it unawares.
    "Content-Security-Policy": "frame-ancestors 'self'",
}


class SameOrigin:
    """ASGI door: 403 for what a foreign page sends, and headers that keep our answers from being misread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif is_foreign(Headers(scope=scope), scope.get("method", "GET")):
            refusal = PlainTextResponse("This address answers its own page only.\n", 403)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send))


def is_foreign(headers: Headers, method: str) -> bool:
    """Whether another site's page made this request, as far as its browser tells.

    Programs tell neither Origin nor Sec-Fetch-Site, and pass.
    """
    origin = headers.get("origin")
    if origin is not None:
        return not _is_ours(origin, headers)
    # Scripts, pictures and frames of another site come without Origin. A link to us is no harm.
    site = headers.get("sec-fetch-site", "none")
    is_link = (
        method == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
    )
    return site in ("cross-site", "same-site") and not is_link


def _is_ours(origin: str, headers: Headers) -> bool:
    """Whether the Origin names the host and port that the request was sent to.

    X-Forwarded-Host counts too, for a proxy that asks us under a name of its own: a foreign page cannot
    set that header without a preflight, and its preflight comes with a foreign Origin.
    """
    place = _place(origin)
    if place is None:
        return False
    scheme = urlsplit(origin).scheme
    forwarded = headers.get("x-forwarded-host", "").split(",")[0].strip()
    return any(place == _place(f"{scheme}://{host}") for host in (headers.get("host"), forwarded) if host)


def _place(origin: str) -> tuple[str, int] | None:
    """Host name and port of an origin; None for what has none, such as "null"."""
    try:
        parts = urlsplit(origin)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None:
        return None
    return parts.hostname.lower().rstrip("."), port


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
