"""A TCP proxy that fails on purpose: it cuts, stalls and loses connections at chosen bytes.

Rules look at what passes in one direction and act on that connection alone, so that a WebSocket can be
cut at a certain message (servers send their frames unmasked) while HTTP goes on.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from urllib.parse import urlsplit


class Act(Enum):
    """What a rule does to the connection on which its pattern passes."""

    CUT_BEFORE = "reset it, and let nothing of the piece with the pattern through"
    CUT_AFTER = "let the piece through, then reset it"
    STALL = "keep it open and pass nothing any more, either way, from the pattern on"
    INSERT = "let the rule's own bytes through before the piece"
    LOSE_ANSWER = "let the piece through, then reset it at the first byte the other way"
    KEEP_ANSWER = "let it through, and from then on nothing the other way"


@dataclass
class Rule:
    """The next `times` times that `pattern` passes `towards` the server or the client, do this."""

    pattern: bytes
    act: Act
    towards: str = "client"
    times: int = 1
    insert: bytes = b""
    fired: threading.Event = field(default_factory=threading.Event)
    """Set once it has acted."""


class TcpProxy:
    """Stands before a server at its `url`; `with TcpProxy(url) as proxy: proxy.url`. Port 0 is any."""

    def __init__(self, url: str, port: int = 0) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 80)
        self._lock = threading.Lock()  # guards all below
        self._rules: list[Rule] = []
        self._links: set[_Link] = set()
        self._refusing = False
        self._stalled = False
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="tcp-proxy", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> TcpProxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End: nothing listens here any more, and every connection is reset. May be called twice."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.cut()

    def rule(
        self, pattern: bytes, act: Act, *, towards: str = "client", times: int = 1, insert: bytes = b""
    ) -> Rule:
        one = Rule(pattern, act, towards, times, insert)
        with self._lock:
            self._rules.append(one)
        return one

    def cut(self) -> None:
        """Reset every connection."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.reset()

    def refuse(self) -> None:
        """Reset every connection, and each new one at once."""
        with self._lock:
            self._refusing = True
        self.cut()

    def stall(self) -> None:
        """Pass nothing on, old connections and new, and keep them open: a cable pulled out."""
        with self._lock:
            self._stalled = True
            links = list(self._links)
        for link in links:
            link.stalled = True

    def mend(self) -> None:
        """Let new connections through again. Stalled ones stay dead."""
        with self._lock:
            self._refusing = False
            self._stalled = False

    def matching(self, piece: bytes, towards: str) -> Rule | None:
        with self._lock:
            for one in self._rules:
                if one.towards == towards and one.times > 0 and one.pattern in piece:
                    one.times -= 1
                    return one
        return None

    def forget(self, link: _Link) -> None:
        with self._lock:
            self._links.discard(link)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                refusing, stalled = self._refusing, self._stalled
            if refusing:
                _reset(client)
                continue
            try:
                server = socket.create_connection(self._target, 10)
            except OSError:
                _reset(client)
                continue
            server.settimeout(None)
            link = _Link(self, client, server)
            link.stalled = stalled
            with self._lock:
                self._links.add(link)
            link.start()


class _Link:
    """One proxied connection: a thread a direction."""

    def __init__(self, proxy: TcpProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self.stalled = False
        self._losing: Rule | None = None
        self._is_mute = False
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        for source, target, towards in (
            (self._client, self._server, "server"),
            (self._server, self._client, "client"),
        ):
            threading.Thread(
                target=self._pump, args=(source, target, towards), name=f"tcp-proxy {towards}", daemon=True
            ).start()

    def reset(self) -> None:
        _reset(self._client)
        _reset(self._server)
        self._proxy.forget(self)

    def _pump(self, source: socket.socket, target: socket.socket, towards: str) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if self.stalled or (self._is_mute and towards == "client"):
                    continue
                if towards == "client" and self._losing is not None:
                    self.reset()
                    self._losing.fired.set()
                    return
                rule = self._proxy.matching(piece, towards)
                if rule is None:
                    target.sendall(piece)
                elif not self._obey(rule, piece, target):
                    return
        if not self.stalled:
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)

    def _obey(self, rule: Rule, piece: bytes, target: socket.socket) -> bool:
        """Whether the connection goes on."""
        match rule.act:
            case Act.STALL:
                self.stalled = True
                rule.fired.set()
                return True
            case Act.LOSE_ANSWER:
                self._losing = rule
                target.sendall(piece)
                return True
            case Act.KEEP_ANSWER:
                self._is_mute = True
                target.sendall(piece)
                rule.fired.set()
                return True
            case Act.INSERT:
                rule.fired.set()  # before: who is sent too much may hang up in the middle of it
                target.sendall(rule.insert + piece)
                return True
            case Act.CUT_AFTER:
                target.sendall(piece)
        self.reset()
        rule.fired.set()
        return False


def _reset(one: socket.socket) -> None:
    """Close with RST, and wake whoever reads from it."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        one.close()
