"""Who is asking: a signed-in name, or an id that the browser keeps in a cookie of ours.

One door before the whole app decides it once a request, for the page, the media and the API alike, so
nothing behind it can forget to ask. Everyone behind it reads the answer with `owner_of`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import math
import re
import secrets
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import anyio.to_thread
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.store.accounts import SESSION_S, Accounts, Sessions
from comfyui_bridge.ui import sign_in_page
from comfyui_bridge.ui.throttle import Throttle

BROWSER_COOKIE = "comfyui_bridge_browser"
SESSION_COOKIE = "comfyui_bridge_session"
_YEAR_S = 365 * 24 * 3600
_BROWSER_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_BROWSER = "browser-"
"""What an owner begins with that is a browser's id."""

# A page asks for some seventy files at once: who asks is looked up once for all of them.
_KNOWN_FOR_S = 5.0
_MOST_KNOWN = 1000
_LONGEST_FORM = 8192

# What answers to everyone: health, and what Gradio asks itself while it starts.
_OPEN = frozenset((("GET", "/healthz"), ("HEAD", "/healthz"), ("GET", "/gradio_api/startup-events")))


def owner_of(request: Any) -> str:
    """Whose runs this request is about: the signed-in name, else the id its browser keeps.

    Takes a gr.Request or Starlette's. Empty for a program that neither signed in nor keeps cookies.
    """
    return str(getattr(request.state, "owner", ""))


def is_name(owner: str) -> bool:
    """Whether an owner is a name that people know, and neither a browser's id nor nobody."""
    return bool(owner) and not owner.startswith(_BROWSER)


def is_signed_in(request: Any) -> bool:
    """Whether `owner_of` is a name that signed in."""
    return bool(getattr(request.state, "signed_in", False))


def is_own(request: Any, owner: str) -> bool:
    """Whether whoever asks may stop and move this owner's runs: their own, and those without an owner.

    A link shows a run to others (see `seeing`), and gives them no hand in it.
    """
    return owner in ("", owner_of(request))


def may_manage(request: Any) -> bool:
    """Whether whoever asks may pause, add and remove servers, which concerns everybody.

    Who signed in may: it is a team's tool. Without accounts only who sits at this machine may, for an address
    that is added is asked from here, and could be one that only this machine reaches.
    """
    return is_signed_in(request) or _is_at_this_machine(getattr(request, "request", request))


def _is_at_this_machine(connection: HTTPConnection) -> bool:
    """Whether it comes from this machine and was sent to it: not through a proxy, nor to another's name."""
    if any(name in connection.headers for name in ("forwarded", "x-forwarded-for", "x-forwarded-host")):
        return False
    asked = urlsplit(f"//{connection.headers.get('host', '')}").hostname or ""
    came = connection.client.host if connection.client else ""
    return _is_loopback(came) and (asked == "localhost" or _is_loopback(asked))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
            _know(scope, _BROWSER + browser)
        elif scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/":
            browser = secrets.token_urlsafe(16)
            _know(scope, _BROWSER + browser)
            cookie = set_cookie(BROWSER_COOKIE, browser, _YEAR_S, is_secure=is_https(connection))
            send = adding(send, {"set-cookie": cookie})
        await self._app(scope, receive, send)


class SignIn:
    """ASGI door with a sign-in: nobody gets past it, to whatever address, without being told apart.

    People come with a session's cookie, programs also with HTTP Basic.
    """

    def __init__(
        self,
        app: ASGIApp,
        accounts: Accounts,
        sessions: Sessions,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._accounts = accounts
        self._sessions = sessions
        self._throttle = Throttle(clock)
        self._known = _Known(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope, receive)
        method, path = scope.get("method", "GET"), scope["path"]
        try:
            if scope["type"] == "http" and path == "/sign-in":
                answer: Response | None = await self._sign_in(Request(scope, receive))
            elif path == "/sign-out" and method == "POST":
                answer = await self._sign_out(connection)
            else:
                answer = await self._admit(connection, method, path)
        except StoreError as error:
            answer = PlainTextResponse(f"{error}\n", 503)
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await answer(scope, receive, send)

    async def _admit(self, connection: HTTPConnection, method: str, path: str) -> Response | None:
        """None to let it pass, with its owner known; else the refusal."""
        token = connection.cookies.get(SESSION_COOKIE, "")
        name = await self._name_of(token) if token else None
        if name is None and "authorization" in connection.headers:
            name, refusal = await self._name_by_password(connection)
            if refusal is not None:
                return refusal
        if name is not None:
            _know(connection.scope, name, signed_in=True)
            return None
        if (method, path) in _OPEN or (method, path) == ("HEAD", "/"):
            return None
        return _not_signed_in(connection, method, path)

    async def _name_of(self, token: str) -> str | None:
        """Whose session this is, as long as the account is there."""
        known = self._known.get(token)
        if known is None:

            def look() -> str | None:
                name = self._sessions.name_of(token)
                return name if name is not None and self._accounts.knows(name) else None

            known = await anyio.to_thread.run_sync(look)
            if known is not None:
                self._known.put(token, known)
        return known

    async def _name_by_password(self, connection: HTTPConnection) -> tuple[str | None, Response | None]:
        """The name that HTTP Basic proves, or a refusal where it proves nothing."""
        header = connection.headers["authorization"]
        name = self._known.get(header)
        if name is not None:
            return name, None
        name, password = _basic(header)
        wait = await self._try(name, password, connection)
        if wait is None:
            self._known.put(header, name)
            return name, None
        if wait > 0:
            return None, _wait(wait)
        return None, _unauthorised(connection, "This name and password are not known here.")

    async def _try(self, name: str, password: str, connection: HTTPConnection) -> float | None:
        """None if name and password are right, 0 if not, else how many seconds to wait before trying."""
        if not name:
            return 0.0
        address = connection.client.host if connection.client else ""
        wait = self._throttle.attempt(name, address)
        if wait > 0:
            return wait
        if not await anyio.to_thread.run_sync(self._accounts.verify, name, password):
            return 0.0
        self._throttle.succeeded(name, address)
        return None

    async def _sign_in(self, request: Request) -> Response:
        after = _local(request.query_params.get("next", ""))
        language = sign_in_page.language(request.headers.get("accept-language", ""))
        if request.method in ("GET", "HEAD"):
            return _page(sign_in_page.page(language))
        if request.method != "POST":
            return PlainTextResponse("Sign in with GET and POST.\n", 405, headers={"Allow": "GET, POST"})
        form = await _form(request)
        if form is None:
            return PlainTextResponse("A sign-in is a form with name and password.\n", 413)
        name = unicodedata.normalize("NFC", form.get("name", "").strip())
        wait = await self._try(name, form.get("password", ""), request)
        if wait is None:
            token = await anyio.to_thread.run_sync(self._sessions.create, name)
            cookie = set_cookie(SESSION_COOKIE, token, int(SESSION_S), is_secure=is_https(request))
            return RedirectResponse(f".{after}", 303, {"Set-Cookie": cookie, "Cache-Control": "no-store"})
        if wait > 0:
            seconds = math.ceil(wait)
            page = _page(sign_in_page.page(language, name, wait_s=seconds), 429)
            page.headers["Retry-After"] = str(seconds)
            return page
        return _page(sign_in_page.page(language, name, is_wrong=True), 401)

    async def _sign_out(self, connection: HTTPConnection) -> Response:
        token = connection.cookies.get(SESSION_COOKIE, "")
        if token:
            self._known.forget(token)
            await anyio.to_thread.run_sync(self._sessions.revoke, token)
        gone = set_cookie(SESSION_COOKIE, "", 0, is_secure=is_https(connection))
        return RedirectResponse("./sign-in", 303, {"Set-Cookie": gone, "Cache-Control": "no-store"})


class _Known:
    """Names that were proved a moment ago, by what proved them, of which only a keyed hash is held."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._names: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def get(self, proof: str) -> str | None:
        name, until = self._names.get(self._place(proof), ("", 0.0))
        return name if self._clock() < until else None

    def put(self, proof: str, name: str) -> None:
        self._names[self._place(proof)] = (name, self._clock() + _KNOWN_FOR_S)
        while len(self._names) > _MOST_KNOWN:
            self._names.popitem(last=False)

    def forget(self, proof: str) -> None:
        self._names.pop(self._place(proof), None)

    def _place(self, proof: str) -> bytes:
        return hashlib.blake2b(proof.encode("utf-8", "surrogatepass"), key=self._key).digest()


def _basic(header: str) -> tuple[str, str]:
    """Name and password of an Authorization header; empty ones where it is none of HTTP Basic."""
    scheme, _, content = header.partition(" ")
    try:
        plain = base64.b64decode(content.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, colon, password = plain.partition(":")
    if scheme.lower() != "basic" or not colon:
        return "", ""
    return unicodedata.normalize("NFC", name), password


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a short form; None for a long one, before all of it has been read."""
    content = b""
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > _LONGEST_FORM:
                return None
    except ClientDisconnect:
        return None
    fields = parse_qs(content.decode("latin-1"), keep_blank_values=True, errors="replace", max_num_fields=20)
    return {name: values[0] for name, values in fields.items()}


def _local(address: str) -> str:
    """A path of ours to go on to; the page itself for anything that could lead elsewhere."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\", "/sign-"))
    return address if is_path and address.isprintable() and "\\" not in address else "/"


def _not_signed_in(connection: HTTPConnection, method: str, path: str) -> Response:
    if method == "GET" and "text/html" in connection.headers.get("accept", ""):
        query = connection.scope.get("query_string", b"").decode("latin-1")
        wanted = quote(f"{path}?{query}" if query else path, safe="/")
        # Relative, so that it holds behind a proxy that serves us under a path.
        up = "../" * (path.count("/") - 1) or "./"
        return RedirectResponse(f"{up}sign-in?next={wanted}", 303, {"Cache-Control": "no-store"})
    return _unauthorised(connection, "Sign in first.")


def _unauthorised(connection: HTTPConnection, sentence: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    # A browser would meet this header with a window of its own in the middle of the page.
    if "sec-fetch-mode" not in connection.headers:
        headers["WWW-Authenticate"] = 'Basic realm="ComfyUI Bridge", charset="UTF-8"'
    return JSONResponse({"detail": sentence}, 401, headers)


def _wait(seconds: float) -> Response:
    told = math.ceil(seconds)
    sentence = f"Too many wrong passwords; try again in {told} seconds."
    return JSONResponse({"detail": sentence}, 429, {"Retry-After": str(told), "Cache-Control": "no-store"})


def _page(html: str, status: int = 200) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    }
    return HTMLResponse(html, status, headers)


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
