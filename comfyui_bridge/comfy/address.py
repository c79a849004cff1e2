"""A server's address as people write it: host, path prefix, and what it takes to be let in.

The same headers go with every HTTP request and with the WebSocket's handshake. Credentials are kept
apart from the address, so that no message, log or name can show them.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from comfyui_bridge.core.errors import ServerError

DEFAULT_PORT = 8188
"""ComfyUI's own; meant where neither a scheme nor a port is written."""

_HOW = "Write a host and its port, such as 192.168.1.20:8188, or a URL such as http://127.0.0.1:8188."
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


@dataclass(frozen=True)
class Address:
    """Where a server is. `name` is how people see it, and the key it is known by."""

    name: str
    routes: str
    """What stands before every route, as "http://127.0.0.1:8188" or "https://host/comfy/api"."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def websocket(self) -> str:
        return f"ws{self.routes.removeprefix('http')}/ws"

    @property
    def api(self) -> str:
        """What stands before the routes that exist only under /api, as the jobs do (0.33)."""
        return self.routes if self.routes.endswith("/api") else f"{self.routes}/api"

    @property
    def files(self) -> str:
        """What stands before the files that are never under /api, as the templates (0.3.64, 0.33)."""
        return self.routes.removesuffix("/api")

    @property
    def is_loopback(self) -> bool:
        host = urlsplit(self.routes).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def parse(url: str, *, token: str | None = None, headers: Mapping[str, str] | None = None) -> Address:
    """Read an address: `host:port`, or a URL with a path prefix, `/api` at its end, `user:password@`.

    `token` is sent as a bearer token; `headers` go with every request and win over both.
    Raises ServerError with what is wrong.
    """
    parts = _split(url.strip())
    try:
        port = parts.port
    except ValueError:
        raise _wrong(parts, "its port is no number from 0 to 65535") from None
    host = parts.hostname
    if not host:
        raise _wrong(parts, "it names no host")
    if any(character.isspace() for character in host):
        raise _wrong(parts, "a host's name has no spaces")
    shown = f"[{host}]" if ":" in host else host
    path = parts.path.rstrip("/")
    place = f"{parts.scheme}://{shown}{f':{port}' if port is not None else ''}"
    return Address(
        name=place + path.removesuffix("/api"),
        routes=place + path,
        headers=_headers(parts, token, headers or {}),
    )


def _split(url: str) -> SplitResult:
    scheme, separator, rest = url.partition("://")
    try:
        if not separator:
            parts = urlsplit(f"http://{url}")
            if parts.hostname and parts.netloc.rpartition("@")[2].rpartition("]")[2].count(":") == 0:
                parts = parts._replace(netloc=f"{parts.netloc}:{DEFAULT_PORT}")
        else:
            parts = urlsplit(f"{_SCHEMES.get(scheme.lower(), scheme.lower())}://{rest}")
    except ValueError:  # unbalanced brackets around an IPv6 address
        raise ServerError(f"This is no server address. {_HOW}") from None
    if parts.scheme not in _SCHEMES:
        raise _wrong(parts, f'"{parts.scheme}" is neither http nor https')
    return parts


def _headers(parts: SplitResult, token: str | None, headers: Mapping[str, str]) -> dict[str, str]:
    own: dict[str, str] = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        own["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
    if token:
        own["Authorization"] = f"Bearer {token}"
    given = {name.lower() for name in headers}
    own = {name: value for name, value in own.items() if name.lower() not in given} | dict(headers)
    for name, value in own.items():
        if not _is_header(name, value):
            raise _wrong(parts, f"the header {name!r} or its value has characters that no header may have")
    return own


def _is_header(name: str, value: str) -> bool:
    word = name.replace("-", "").replace("_", "")
    return word.isascii() and word.isalnum() and value.isascii() and value.isprintable()


def _wrong(parts: SplitResult, why: str) -> ServerError:
    shown = parts.netloc.rpartition("@")[2] or parts.path
    what = f"“{shown}”" if shown else "This"
    return ServerError(f"{what} is no server address: {why}. {_HOW}", server=shown)
