"""Who is asking: a signed-in name, or an id that the browser keeps in a cookie of ours.

One door before the whole app decides it once a request, for the page, the media and the API alike, so
nothing behind it can forget to ask. Everyone behind it reads the answer with `owner_of`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from comfyui_bridge.core.run import Run

BROWSER_COOKIE = "comfyui_bridge_browser"
_YEAR_S = 365 * 24 * 3600
_BROWSER_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def owner_of(request: Any) -> str:
    """Whose runs this request is about: the signed-in name, else the id its browser keeps.

    Takes a gr.Request or Starlette's. Empty for a program that neither signed in nor keeps cookies.
    """
    return str(getattr(request.state, "owner", ""))


def is_signed_in(request: Any) -> bool:
    """Whether `owner_of` is a name that signed in."""
    return bool(getattr(request.state, "signed_in", False))


def may_see(request: Any, run: Run) -> bool:
    """Whether the run, its previews and its files may be shown to whoever asks.

    With a sign-in, runs are their owner's, and those without an owner everyone's. Without one, to know a
    run's id is enough: that is what makes its link work in another browser.
    """
    return is_theirs(request, run.owner)


def is_theirs(request: Any, owner: str) -> bool:
    """The same, of a run that is known only by its owner."""
    return not is_signed_in(request) or owner in ("", owner_of(request))


class Browsers:
    """ASGI door without a sign-in: every browser that opens the page gets an id, and keeps it for a year."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        browser = connection.cookies.get(BROWSER_COOKIE, "")
        if _BROWSER_ID.fullmatch(browser):
            _know(scope, f"browser-{browser}")
        elif scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/":
            browser = secrets.token_urlsafe(16)
            _know(scope, f"browser-{browser}")
            cookie = set_cookie(BROWSER_COOKIE, browser, _YEAR_S, is_secure=is_https(connection))
            send = adding(send, {"set-cookie": cookie})
        await self._app(scope, receive, send)


def set_cookie(name: str, value: str, max_age_s: int, *, is_secure: bool) -> str:
    """A Set-Cookie that scripts cannot read and other sites' pages cannot send."""
    secure = "; Secure" if is_secure else ""
    return f"{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"


def is_https(connection: HTTPConnection) -> bool:
    """Whether the browser came by https, to us or to a proxy before us."""
    forwarded = connection.headers.get("x-forwarded-proto", "").split(",")[0].strip()
    return connection.url.scheme in ("https", "wss") or forwarded == "https"


def adding(send: Send, extra: Mapping[str, str]) -> Send:
    """A `send` that adds these headers to the answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            for name, value in extra.items():
                headers.append(name, value)
        await send(message)

    return sending


def _know(scope: Scope, owner: str, *, signed_in: bool = False) -> None:
    state = scope.setdefault("state", {})
    state["owner"] = owner
    state["signed_in"] = signed_in
