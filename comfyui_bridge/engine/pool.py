"""What is known of the servers now: their state, facts, definitions, and how many runs of ours they hold."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from comfyui_bridge.core import assign, node_defs, several
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.core.workflow import Workflow


class ServerState(str, Enum):
    CONNECTING = "connecting"
    READY = "ready"
    AWAY = "away"


@dataclass(frozen=True)
class ServerStatus:
    """One server as we know it. `since` is the epoch second of its last change of state."""

    name: str
    state: ServerState = ServerState.CONNECTING
    facts: ServerFacts | None = None
    error: str = ""
    since: float = 0.0
    queue_remaining: int = 0
    """Prompts in its queue, anyone's, the running one included."""


class Pool:
    """The servers' states. Thread-safe; each server's worker is the only writer of its entry."""

    def __init__(self, names: Sequence[str], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # guards everything below
        self._status = {name: ServerStatus(name, since=clock()) for name in names}
        self._defs: dict[str, NodeDefs] = {}
        self._loads = dict.fromkeys(names, 0)
        self._merged = node_defs.EMPTY
        self._defs_version = 0

    def ready(self, name: str, facts: ServerFacts, definitions: NodeDefs) -> None:
        with self._lock:
            self._change(name, state=ServerState.READY, facts=facts, error="")
            if self._defs.get(name) != definitions:
                self._defs[name] = definitions
                self._join()

    def away(self, name: str, error: str) -> None:
        with self._lock:
            self._change(name, state=ServerState.AWAY, error=error)

    def queue_changed(self, name: str, remaining: int) -> None:
        with self._lock:
            self._status[name] = replace(self._status[name], queue_remaining=remaining)

    def holds(self, name: str, runs: int) -> None:
        """Say how many runs of ours are inside a server."""
        with self._lock:
            self._loads[name] = runs

    def inside(self) -> int:
        """How many runs of ours are inside servers."""
        with self._lock:
            return sum(self._loads.values())

    def may_take(self, workflow: Workflow, name: str) -> bool:
        """Whether this server should take the workflow now, seeing what the others have to do."""
        with self._lock:
            loads = {n: self._loads[n] for n, s in self._status.items() if s.state is ServerState.READY}
            definitions = dict(self._defs)
        return name in loads and assign.may_take(workflow, name, loads, definitions)

    def statuses(self) -> tuple[ServerStatus, ...]:
        with self._lock:
            return tuple(self._status.values())

    def definitions(self) -> dict[str, NodeDefs]:
        """The definitions of each server that is ready."""
        with self._lock:
            return {n: self._defs[n] for n, s in self._status.items() if s.state is ServerState.READY}

    def node_defs(self) -> tuple[NodeDefs, int]:
        """What any of the servers can do, as they last said, and the version of that."""
        with self._lock:
            return self._merged, self._defs_version

    def _join(self) -> None:
        # Those of a server that is away stay: it may come back, and forms should not lose their choices.
        self._merged = several.merged([self._defs[name] for name in self._status if name in self._defs])
        self._defs_version += 1

    def _change(self, name: str, *, state: ServerState, error: str, facts: ServerFacts | None = None) -> None:
        before = self._status[name]
        since = before.since if before.state is state else self._clock()
        self._status[name] = replace(
            before, state=state, error=error, since=since, facts=facts or before.facts
        )
