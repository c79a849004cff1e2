"""A bare HTTP server that answers what a test tells it to, for answers that ComfyUI never gives.

It speaks over plain sockets, so that an answer may be cut short, dribble, or be no HTTP at all.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

Reply = bytes | Callable[["Request"], Iterable[bytes]]
"""What goes down the socket, byte for byte, at once or in pieces; the connection is closed after it."""


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def route(self) -> str:
        return self.target.partition("?")[0]


def answer(
    status: int = 200,
    body: object = b"",
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
    length: int | None = None,
) -> bytes:
    """An HTTP answer; JSON unless the body is bytes. `length` claims another Content-Length."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {content_type}", "Connection: close"]
    lines.append(f"Content-Length: {len(content) if length is None else length}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


def upgrade(request: Request) -> bytes:
    """The answer to a WebSocket's handshake; frames may follow it."""
    key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    return "\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept}"]).encode() + b"\r\n\r\n"


def frame(
    payload: bytes | str | dict[str, Any], opcode: int | None = None, length: int | None = None
) -> bytes:
    """One unmasked WebSocket frame; a mapping goes as JSON. `length` claims another length."""
    if isinstance(payload, dict):
        payload = json.dumps(payload)
    if opcode is None:
        opcode = 1 if isinstance(payload, str) else 2
    content = payload.encode() if isinstance(payload, str) else payload
    size = len(content) if length is None else length
    if size < 126:
        head = struct.pack(">BB", 0x80 | opcode, size)
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, 127, size)
    return head + content


GREETING = {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": "s"}}


class HttpScript:
    """Answers each route by its reply, everything else with 404, and remembers what was asked."""

    def __init__(self, replies: dict[str, Reply] | None = None) -> None:
        self.replies = dict(replies or {})
        self.requests: list[Request] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, name="http-script", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def asked(self, route: str) -> list[Request]:
        return [request for request in self.requests if request.route == route]

    def __enter__(self) -> HttpScript:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def wait(self, seconds: float) -> None:
        """For replies: hold back, unless the server is stopped."""
        self._stopping.wait(seconds)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = _read(connection)
            if request is None:
                return
            self.requests.append(request)
            reply = self.replies.get(request.route, answer(404, b"", "application/octet-stream"))
            for piece in reply(request) if callable(reply) else (reply,):
                connection.sendall(piece)
            # Closing with something unread would reset the connection, and what was sent could be lost.
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(5)
            while connection.recv(65536):
                pass


def _read(connection: socket.socket) -> Request | None:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return None
        received += piece
        if received.startswith(b"\x16"):  # a TLS handshake
            connection.sendall(answer(400, b"Bad Request", "text/plain"))
            return None
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(65536)
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Request(method, target, headers, body)


SYSTEM_STATS: dict[str, Any] = {"system": {"comfyui_version": "0.3.64"}, "devices": []}
