"""Faults a test can switch on: what real servers, proxies and networks do on a bad day.

The object is shared by the test and the server; a server in another process takes the same fields as JSON
over /sandbox/faults, a route that exists only when the server was given a Faults. Everything is off at
first, and nothing here changes what a node paints.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar


@dataclass(frozen=True)
class Answer:
    """An answer given instead of the real one for the next `times` requests whose path starts with `path`.

    Paths are given without /api and meant with and without it.
    """

    path: str
    status: int = 500
    body: str = "<html><body><h1>502 Bad Gateway</h1></body></html>"
    content_type: str = "text/html"
    times: int = 1
    method: str | None = None


@dataclass(frozen=True)
class Delay:
    """Seconds before the next `times` requests whose path starts with `path` are answered."""

    path: str
    seconds: float
    times: int = 1_000_000
    method: str | None = None


@dataclass(frozen=True)
class NodeFault:
    """The next `times` executions of a class_type raise an exception of this name and message."""

    class_type: str
    exception_type: str = "torch.OutOfMemoryError"
    message: str = "Allocation on device"
    times: int = 1


Counted = TypeVar("Counted", Answer, Delay, NodeFault)


@dataclass
class Faults:
    """Fields may be set at any time from any thread; a counted fault uses itself up."""

    drop_sockets_after: int | None = None
    """Cut each websocket after it was sent so many frames."""
    silent_sockets: bool = False
    """Sockets stay open and say nothing."""
    refused_sockets: int = 0
    """So many websocket handshakes are answered with 503."""
    answers: list[Answer] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)
    lost_prompt_replies: int = 0
    """So many POST /prompt are accepted and queued, and the connection cut instead of a reply."""
    history_delay: float = 0.0
    """Seconds between execution_success and the history entry."""
    model_load_seconds: float = 0.0
    """Seconds without a sign of life while a node loads a MODEL; an interrupt has to wait, too."""
    nodes: list[NodeFault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def take_answer(self, method: str, path: str) -> Answer | None:
        with self._lock:
            return _use(self.answers, lambda fault: _meant(fault, method, path))

    def take_delay(self, method: str, path: str) -> float:
        with self._lock:
            delay = _use(self.delays, lambda fault: _meant(fault, method, path))
            return 0.0 if delay is None else delay.seconds

    def take_node_fault(self, class_type: str) -> NodeFault | None:
        with self._lock:
            return _use(self.nodes, lambda fault: fault.class_type == class_type)

    def take_lost_reply(self) -> bool:
        with self._lock:
            if self.lost_prompt_replies <= 0:
                return False
            self.lost_prompt_replies -= 1
            return True

    def take_refused_socket(self) -> bool:
        with self._lock:
            if self.refused_sockets <= 0:
                return False
            self.refused_sockets -= 1
            return True

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set fields from their JSON form. Raises TypeError or KeyError for what is no field."""
        known = {item.name for item in fields(self)}
        kinds = {"answers": Answer, "delays": Delay, "nodes": NodeFault}
        ready = {}
        for name, value in changes.items():
            if name not in known:
                raise KeyError(name)
            ready[name] = [kinds[name](**one) for one in value] if name in kinds else value
        with self._lock:
            for name, value in ready.items():
                setattr(self, name, value)

    def reset(self) -> None:
        self.update(Faults().as_json())


def _meant(fault: Answer | Delay, method: str, path: str) -> bool:
    return path.startswith(fault.path) and fault.method in (None, method)


def _use(faults: list[Counted], wanted: Callable[[Counted], bool]) -> Counted | None:
    """The first fault that is wanted, with one of its times taken away; None if there is none."""
    for place, fault in enumerate(faults):
        if wanted(fault):
            if fault.times <= 1:
                del faults[place]
            else:
                faults[place] = replace(fault, times=fault.times - 1)
            return fault
    return None
