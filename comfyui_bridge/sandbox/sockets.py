"""Who is connected, and what is sent to whom.

Frames are handed over from any thread and delivered by the event loop in that order. Each socket has its
own bounded outbox and writer: a slow one loses previews first and its connection last, and never holds up
another. The table is keyed by client id with ComfyUI's own defect kept: see `Hub.leave`.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from comfyui_bridge.sandbox.faults import Faults

OUTBOX_CHARACTERS = 32_000_000
"""So much waiting text means that nobody reads any more."""
OUTBOX_PREVIEWS = 64

PREVIEW = 1
PREVIEW_WITH_METADATA = 4
_JPEG = 1

Frame = str | bytes


def plain_preview(jpeg: bytes) -> bytes:
    """Binary frame 1: the picture, and not a word whose it is."""
    return struct.pack(">II", PREVIEW, _JPEG) + jpeg


def preview_with_metadata(jpeg: bytes, metadata: Mapping[str, Any]) -> bytes:
    """Binary frame 4: the picture after a JSON text that names prompt and node."""
    text = json.dumps({**metadata, "image_type": "image/jpeg"}).encode()
    return struct.pack(">II", PREVIEW_WITH_METADATA, len(text)) + text + jpeg


class Socket:
    """One connection with its outbox."""

    def __init__(self, websocket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self.websocket = websocket
        self._transport = transport
        self.supports_metadata = False
        self._outbox: deque[Frame] = deque()
        self._previews = 0
        self._characters = 0
        self._waiting = asyncio.Event()
        self.sent = 0

    def drop(self) -> None:
        """Cut the connection at once and without a word, as a dying server does."""
        if self._transport is not None:
            self._transport.abort()

    def put(self, frame: Frame) -> None:
        if isinstance(frame, bytes):
            if self._previews >= OUTBOX_PREVIEWS:
                self._forget_a_preview()
            self._previews += 1
        elif self._characters + len(frame) > OUTBOX_CHARACTERS:
            self.drop()
            return
        else:
            self._characters += len(frame)
        self._outbox.append(frame)
        self._waiting.set()

    def _forget_a_preview(self) -> None:
        oldest = next(place for place, frame in enumerate(self._outbox) if isinstance(frame, bytes))
        del self._outbox[oldest]
        self._previews -= 1

    async def write(self, faults: Faults) -> None:
        """Send what is put, until the connection ends."""
        while not self.websocket.closed:
            while self._outbox:
                frame = self._outbox.popleft()
                if isinstance(frame, bytes):
                    self._previews -= 1
                    await self.websocket.send_bytes(frame)
                else:
                    self._characters -= len(frame)
                    await self.websocket.send_str(frame)
                self.sent += 1
                limit = faults.drop_sockets_after
                if limit is not None and self.sent >= limit and self._transport is not None:
                    self._transport.close()  # what was sent still arrives, a closing frame does not
                    return
            self._waiting.clear()
            await self._waiting.wait()


class Hub:
    """The table of sockets. `enter`, `leave` and `close` belong to the loop's thread, `send...` to any."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._table: dict[str, Socket] = {}
        self._open: set[Socket] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()

    def enter(self, sid: str, socket: Socket) -> None:
        self._open.add(socket)
        self._table[sid] = socket

    def leave(self, sid: str, socket: Socket) -> None:
        """ComfyUI forgets the client id, whoever holds it by now: a newer socket of the same id stays open
        and hears nothing any more (recorded in duplicate_client_id)."""
        self._open.discard(socket)
        self._table.pop(sid, None)

    def listening(self, sid: str | None) -> bool:
        return bool(self._table) if sid is None else sid in self._table

    def send(self, event: str, data: Mapping[str, Any], sid: str | None = None) -> None:
        """To the socket of a client id, or to all."""
        self._post(text_frame(event, data), sid)

    def send_preview(self, jpeg: bytes, metadata: Mapping[str, Any], sid: str | None) -> None:
        """Frame 4, for a socket that has asked for metadata."""
        if sid is not None:
            self._post(preview_with_metadata(jpeg, metadata), sid, lambda socket: socket.supports_metadata)

    def send_plain_preview(self, jpeg: bytes, sid: str | None) -> None:
        """Frame 1, for all others; without a client id for everybody, whatever they asked for."""
        self._post(
            plain_preview(jpeg), sid, None if sid is None else lambda socket: not socket.supports_metadata
        )

    def _post(self, frame: Frame, sid: str | None, wanted: Callable[[Socket], bool] | None = None) -> None:
        if self._loop is None or self._loop.is_closed():
            return
        try:
            self._loop.call_soon_threadsafe(self._deliver, frame, sid, wanted)
        except RuntimeError:
            if not self._loop.is_closed():  # closed between the question and the call: the server has stopped
                raise

    def _deliver(self, frame: Frame, sid: str | None, wanted: Callable[[Socket], bool] | None) -> None:
        if self._faults.silent_sockets:
            return
        if sid is None:
            receivers = list(self._table.values())
        else:
            receivers = [self._table[sid]] if sid in self._table else []
        for socket in receivers:
            if wanted is None or wanted(socket):
                socket.put(frame)

    def drop_all(self) -> None:
        """Cut every connection."""
        for socket in list(self._open):
            socket.drop()


def text_frame(event: str, data: Mapping[str, Any]) -> str:
    return json.dumps({"type": event, "data": data})
