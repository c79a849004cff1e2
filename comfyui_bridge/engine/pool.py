"""What is known of the servers now: their state, facts, definitions, and how much they have to do."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from comfyui_bridge.core import assign, node_defs, readiness, several
from comfyui_bridge.core.assign import Standing
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.core.workflow import Workflow

_ASSESSED_KEPT = 4096


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
    facts_at: float = 0.0
    error: str = ""
    since: float = 0.0
    queue_remaining: int = 0
    """Prompts in its queue, anyone's, the running one included."""
    mine: int = 0
    """Runs of ours that it still has to do."""
    others: int = 0
    """Prompts of others in its queue."""
    model: str = ""
    """The model that its last run of ours loaded."""
    paused: bool = False
    """It gets no new runs; what is inside goes on."""
    added: bool = False
    """It was added at the page, and can be removed there."""
    leaving: bool = False
    """It was removed, and goes as soon as the runs inside it are over."""
    moves_at: float | None = None
    """Its process has ended: the epoch second from which runs that had not begun there go elsewhere."""
    last_error: str = ""
    """The last thing that went wrong with it, kept when it is well again."""
    last_error_at: float | None = None


class Pool:
    """The servers' states. Thread-safe; each server's worker is the only writer of its entry.

    `changed` is called after every change that may let another server take a run, without the lock.
    """

    def __init__(self, clock: Callable[[], float], changed: Callable[[], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()  # guards everything below
        self._status: dict[str, ServerStatus] = {}
        self._defs: dict[str, NodeDefs] = {}
        self._models: dict[str, tuple[str, ...]] = {}
        self._has_room: dict[str, bool] = {}
        self._merged = node_defs.EMPTY
        self._defs_version = 0
        self._assessed: OrderedDict[str, dict[str, tuple[NodeDefs, bool]]] = OrderedDict()
        """Whether a server can do a run, by run_id and server."""

    # Which servers there are.

    def add(self, name: str, *, added: bool = False, paused: bool = False, leaving: bool = False) -> None:
        with self._lock:
            self._status[name] = ServerStatus(
                name, since=self._clock(), added=added, paused=paused, leaving=leaving
            )

    def remove(self, name: str) -> None:
        with self._lock:
            for table in (self._status, self._defs, self._models, self._has_room):
                table.pop(name, None)
            self._join()
        self._changed()

    def pause(self, name: str, paused: bool) -> None:
        self._update(name, paused=paused)

    def leave(self, name: str) -> None:
        self._update(name, leaving=True)

    # What its worker says of a server.

    def ready(self, name: str, facts: ServerFacts, definitions: NodeDefs) -> None:
        with self._lock:
            now = self._clock()
            self._enter(name, ServerState.READY, facts=facts, facts_at=now, error="", moves_at=None)
            if name in self._status and self._defs.get(name) != definitions:
                self._defs[name] = definitions
                self._join()
        self._changed()

    def away(self, name: str, error: str, moves_at: float | None = None) -> None:
        with self._lock:
            self._enter(name, ServerState.AWAY, error=error, moves_at=moves_at)
            # That one was not there yet when the program began is no problem of it afterwards.
            if name in self._status and self._status[name].facts is not None:
                self._status[name] = replace(
                    self._status[name], last_error=error, last_error_at=self._clock()
                )
        self._changed()

    def failed(self, name: str, error: str) -> None:
        """Something went wrong with a server that is there all the same."""
        self._update(name, last_error=error, last_error_at=self._clock())

    def facts(self, name: str, facts: ServerFacts) -> None:
        self._update(name, facts=facts, facts_at=self._clock())

    def queue_changed(self, name: str, remaining: int) -> None:
        self._update(name, queue_remaining=remaining)

    def queue_seen(self, name: str, remaining: int, others: int) -> None:
        """What its queue holds, and how much of it is not ours."""
        self._update(name, queue_remaining=remaining, others=others)

    def holds(self, name: str, runs: int, has_room: bool) -> None:
        """How many runs of ours a server still has to do, and whether it may get one more now."""
        with self._lock:
            if name not in self._status:
                return
            before = (self._status[name].mine, self._has_room.get(name))
            self._status[name] = replace(self._status[name], mine=runs)
            self._has_room[name] = has_room
        if before != (runs, has_room):
            self._changed()

    def used(self, name: str, models: tuple[str, ...]) -> None:
        """It was given a run that loads these models."""
        if models:
            with self._lock:
                self._models[name] = models
            self._update(name, model=", ".join(models))

    # What may be asked.

    def inside(self) -> int:
        """How many prompts, ours and others', are inside the servers that are ready."""
        with self._lock:
            return sum(s.mine + s.others for s in self._status.values() if s.state is ServerState.READY)

    def assess(self, runs: Iterable[Run]) -> None:
        """Work out which servers can do these runs, so that claiming one is quick."""
        for run in runs:
            self._able(run)

    def forget(self, run_id: str) -> None:
        """This run has found its server."""
        with self._lock:
            self._assessed.pop(run_id, None)

    def may_take(self, run: Run, name: str) -> bool:
        """Whether this server should take the run now, seeing what the others can and have to do."""
        able = self._able(run)
        with self._lock:
            if name not in self._status:
                return False
            standings = {n: self._standing(n) for n, s in self._status.items() if _is_open(s)}
            # Who has not said yet what it can do may be able.
            unknown = any(s.state is ServerState.CONNECTING for s in self._status.values())
        if not able and unknown:
            return False
        return assign.may_take(name, assign.models(run.workflow), able, standings)

    def able(self, run: Run) -> tuple[str, ...]:
        """The servers that can do a run by what they last said, whether or not they are there now."""
        return tuple(self._able(run))

    def able_to_do(self, workflow: Workflow) -> tuple[str, ...]:
        """As `able`, of what is no run yet."""
        with self._lock:
            definitions = {n: d for n, d in self._defs.items() if not self._status[n].leaving}
        return tuple(name for name, defs in definitions.items() if readiness.assess(workflow, defs).ready)

    def with_old_facts(self, seconds: float) -> tuple[str, ...]:
        """The servers that are ready and whose facts are older than this; they count as new from now on."""
        now = self._clock()
        with self._lock:
            old = [
                s
                for s in self._status.values()
                if s.state is ServerState.READY and s.facts_at < now - seconds
            ]
            for status in old:
                self._status[status.name] = replace(status, facts_at=now)
        return tuple(status.name for status in old)

    def statuses(self) -> tuple[ServerStatus, ...]:
        with self._lock:
            return tuple(self._status.values())

    def status(self, name: str) -> ServerStatus | None:
        with self._lock:
            return self._status.get(name)

    def definitions(self) -> dict[str, NodeDefs]:
        """The definitions of each server that takes runs now."""
        with self._lock:
            taking = (n for n, s in self._status.items() if s.state is ServerState.READY and not s.paused)
            return {name: self._defs[name] for name in taking}

    def node_defs(self) -> tuple[NodeDefs, int]:
        """What any of the servers can do, as they last said, and the version of that."""
        with self._lock:
            return self._merged, self._defs_version

    def _able(self, run: Run) -> list[str]:
        """Those that stay and can do it. A server that is away or paused counts: the run may wait for it."""
        with self._lock:
            definitions = {n: d for n, d in self._defs.items() if not self._status[n].leaving}
            known = dict(self._assessed.get(run.run_id, {}))
        for name, defs in definitions.items():
            if name not in known or known[name][0] is not defs:
                known[name] = (defs, readiness.assess(run.workflow, defs).ready)
        with self._lock:
            self._assessed[run.run_id] = known
            self._assessed.move_to_end(run.run_id)
            while len(self._assessed) > _ASSESSED_KEPT:
                self._assessed.popitem(last=False)
        return [name for name in definitions if known[name][1]]

    def _standing(self, name: str) -> Standing:
        status = self._status[name]
        return Standing(
            load=status.mine + status.others,
            has_room=self._has_room.get(name, True),
            models=frozenset(self._models.get(name, ())),
        )

    def _join(self) -> None:
        # Those of a server that is away stay: it may come back, and forms should not lose their choices.
        self._merged = several.merged([self._defs[name] for name in self._status if name in self._defs])
        self._defs_version += 1

    def _update(self, name: str, **changes: Any) -> None:
        with self._lock:
            before = self._status.get(name)
            if before is None:
                return
            after = self._status[name] = replace(before, **changes)
        if (before.paused, before.leaving, before.others) != (after.paused, after.leaving, after.others):
            self._changed()

    def _enter(self, name: str, state: ServerState, **changes: Any) -> None:
        before = self._status.get(name)
        if before is not None:
            since = before.since if before.state is state else self._clock()
            self._status[name] = replace(before, state=state, since=since, **changes)


def _is_open(status: ServerStatus) -> bool:
    return status.state is ServerState.READY and not status.paused and not status.leaving
