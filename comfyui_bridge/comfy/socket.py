"""One WebSocket to a server: events in, feature flags out.

No thread of its own: whoever calls `next_event` reads. Silence alone is no fault, for loading a model
takes minutes; after some of it the other end is pinged, and only a ping without any answer, or the
socket's own word, means that the connection is gone.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import websocket

from comfyui_bridge.comfy import http, messages
from comfyui_bridge.comfy.address import Address
from comfyui_bridge.core.errors import ServerError, Unauthorised, UnexpectedAnswer, Unreachable
from comfyui_bridge.core.events import Event, PreviewReady

_OPCODE_TEXT, _OPCODE_BINARY, _OPCODE_CLOSE = 0x1, 0x2, 0x8
_BROKEN = (websocket.WebSocketException, OSError, ValueError)


@dataclass(frozen=True)
class Patience:
    """Seconds: for the handshake and the greeting; of silence before a ping; for any answer to it."""

    opening: float = 10.0
    silence: float = 20.0
    pong: float = 20.0


PATIENCE = Patience()


class BrokeOff(Unreachable):
    """The connection was open, and is gone."""


class Socket:
    """An open connection under a client_id of its own. One thread reads; any may close."""

    def __init__(self, address: Address, client_id: str | None = None, patience: Patience = PATIENCE) -> None:
        """Connect, and return once the server has greeted us: from then on no event is missed.

        A `client_id` from before may be taken up again only when its socket is surely gone from the
        server's side too: when the older of two closes, the server forgets the newer (0.3.64, 0.33).
        """
        self.client_id = client_id or uuid.uuid4().hex
        self._name = address.name
        self._patience = patience
        self._closed = threading.Event()
        self._reading = threading.Lock()  # held while the socket's file descriptor is in use for reading
        self._names_previews = False
        self._heard_at = time.monotonic()
        self._pinged_at: float | None = None
        self._websocket = _open(address, self.client_id, patience.opening)
        self._socket: socket.socket = self._websocket.sock
        try:
            self._greet()
        except ServerError:
            self.close()
            raise

    def next_event(self, timeout: float) -> Event | None:
        """The next event, or None if none came within `timeout` seconds. Raises Unreachable once it is gone.

        Frames that mean nothing to us are passed over.
        """
        deadline = time.monotonic() + timeout
        while True:
            frame = self._next_frame(deadline)
            if frame is None:
                return None
            event = self._decode(*frame)
            if event is not None:
                return event

    def close(self) -> None:
        """Close it now; a thread that waits in `next_event` gets Unreachable."""
        if self._closed.is_set():
            return
        self._closed.set()
        with contextlib.suppress(*_BROKEN):
            self._websocket.send_close()
        with contextlib.suppress(OSError):
            # The plain socket's: that of TLS would take itself apart under the reader's hands.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        with self._reading:
            self._websocket.shutdown()

    def _greet(self) -> None:
        try:
            self._websocket.send(messages.FEATURE_FLAGS)
        except _BROKEN as error:
            raise self._gone(error) from error
        deadline = time.monotonic() + self._patience.opening
        while True:
            frame = self._next_frame(deadline)
            if frame is None:
                raise UnexpectedAnswer(
                    f"{self._name} opened a WebSocket and said nothing for {self._patience.opening:.0f} s. "
                    "Check that the address is ComfyUI's own, and what the proxy before it does.",
                    server=self._name,
                )
            if messages.greeting(frame[1]):
                return

    def _decode(self, opcode: int, payload: bytes) -> Event | None:
        if opcode == _OPCODE_TEXT:
            self._names_previews = self._names_previews or messages.names_previews(payload)
            return messages.decode_text(payload)
        event = messages.decode_binary(payload)
        if isinstance(event, PreviewReady) and not event.prompt_id and self._names_previews:
            # Ours would name its prompt: this is one of a prompt without client_id, sent to everybody.
            return None
        return event

    def _next_frame(self, deadline: float) -> tuple[int, bytes] | None:
        """Opcode and payload of the next text or binary frame; None if the deadline passes first."""
        while True:
            try:
                with self._reading:
                    if self._closed.is_set():
                        raise self._gone(None)
                    left = min(deadline, self._next_probe()) - time.monotonic()
                    self._socket.settimeout(max(0.001, left))
                    opcode, payload = self._websocket.recv_data(control_frame=True)
            except websocket.WebSocketTimeoutException:
                # Only now: whatever had come while nobody was reading has been read.
                now = time.monotonic()
                if now >= self._next_probe():
                    self._probe_silence(now)
                if now >= deadline:
                    return None
                continue
            except _BROKEN as error:
                raise self._gone(error) from error
            self._heard_at = time.monotonic()
            self._pinged_at = None
            if opcode == _OPCODE_CLOSE:
                raise self._gone(None)
            if opcode in (_OPCODE_TEXT, _OPCODE_BINARY):
                return opcode, bytes(payload)
            if self._heard_at >= deadline:
                return None

    def _next_probe(self) -> float:
        """When so much silence has passed that something is to be done about it."""
        if self._pinged_at is None:
            return self._heard_at + self._patience.silence
        return self._pinged_at + self._patience.pong

    def _probe_silence(self, now: float) -> None:
        if self._pinged_at is not None:
            raise Unreachable(
                f"{self._name} has been silent and does not answer a ping; the connection to it is dead.",
                server=self._name,
            )
        self._pinged_at = now
        try:
            self._websocket.ping()
        except _BROKEN as error:
            raise self._gone(error) from error

    def _gone(self, error: Exception | None) -> Unreachable:
        if self._closed.is_set():
            return Unreachable(f"The connection to {self._name} was closed by us.", server=self._name)
        why = " with more in one message than ComfyUI ever says" if isinstance(error, _TooLarge) else ""
        return BrokeOff(f"The connection to {self._name} broke off{why}.", server=self._name)


class _TooLarge(websocket.WebSocketException):  # type: ignore[misc]
    """A frame, or a chain of them, above messages.LARGEST_FRAME: read no further, keep nothing of it."""


class _BoundedFrames(websocket._abnf.frame_buffer):  # type: ignore[misc]
    def recv_length(self) -> None:
        super().recv_length()
        if self.length > messages.LARGEST_FRAME:
            raise _TooLarge


class _BoundedChain(websocket._abnf.continuous_frame):  # type: ignore[misc]
    def add(self, frame: Any) -> None:
        if self.cont_data and len(self.cont_data[1]) + len(frame.data) > messages.LARGEST_FRAME:
            raise _TooLarge
        super().add(frame)


def _open(address: Address, client_id: str, timeout: float) -> Any:
    connection = websocket.WebSocket(skip_utf8_validation=True)
    connection.frame_buffer = _BoundedFrames(connection._recv, True)
    connection.cont_frame = _BoundedChain(False, True)
    try:
        connection.connect(
            f"{address.websocket}?clientId={quote(client_id, safe='')}",
            timeout=timeout,
            header=[f"{name}: {value}" for name, value in address.headers.items()],
            suppress_origin=True,  # ComfyUI answers a foreign Origin with 403
            redirect_limit=0,
            socket=_loopback_socket(address, timeout),
        )
    except websocket.WebSocketBadStatusException as error:
        raise _handshake_refused(address.name, error.status_code) from error
    except websocket.WebSocketTimeoutException as error:
        raise _no_answer(address.name) from error
    except (websocket.WebSocketConnectionClosedException, ConnectionResetError, BrokenPipeError) as error:
        raise BrokeOff(
            f"The connection to {address.name} broke off before its WebSocket was open.", server=address.name
        ) from error
    except websocket.WebSocketAddressException as error:
        raise http.failure(address.name, socket.gaierror()) from error
    except OSError as error:
        if error.errno == errno.ECONNREFUSED:
            raise http.failure(address.name, ConnectionRefusedError()) from error
        if isinstance(error, TimeoutError):
            raise _no_answer(address.name) from error
        raise http.failure(address.name, error) from error
    except (websocket.WebSocketException, ValueError) as error:
        raise _no_websocket(address.name) from error
    return connection


def _loopback_socket(address: Address, timeout: float) -> socket.socket | None:
    """Connected past any proxy of the environment, which has no way to this machine's own loopback."""
    parts = urlsplit(address.routes)
    if not address.is_loopback or parts.scheme != "http" or parts.hostname is None:
        return None
    connected = socket.create_connection((parts.hostname, parts.port or 80), timeout)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _handshake_refused(name: str, status: int) -> ServerError:
    known = http.refusal(name, status, {}, b"")
    if isinstance(known, (Unauthorised, Unreachable)):
        return known
    return _no_websocket(name, status)


def _no_answer(name: str) -> Unreachable:
    return Unreachable(f"{name} did not open a WebSocket in time. It may be busy; try again.", server=name)


def _no_websocket(name: str, status: int | None = None) -> UnexpectedAnswer:
    said = f" ({status})" if status else ""
    return UnexpectedAnswer(
        f"{name} opens no WebSocket at /ws{said}. Check the address, and that the proxy before it lets "
        "WebSockets through.",
        server=name,
        status=status,
    )
