"""How long runs will take: what earlier ones took, kept for a moment, beside what goes on now.

Pages ask several times a second and twenty at once, so the store is asked once in a while for each
template and server, and the queue is gone through once for all who ask in the same moment.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from comfyui_bridge.core import estimate, readiness
from comfyui_bridge.core.estimate import Estimate, Expected, Timing, Waiting
from comfyui_bridge.core.progress import Weights
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine.live import Live
from comfyui_bridge.engine.pool import Pool, ServerState, ServerStatus
from comfyui_bridge.engine.queue import RunQueue
from comfyui_bridge.store.runs import RunStore

PAST_FOR_S = 15.0
"""How long what earlier runs took is taken for news."""
NO_PAST_FOR_S = 2.0
"""And that there is nothing to tell: the first run of a template soon changes that."""
QUEUE_FOR_S = 0.5
"""And when waiting runs begin."""
LOOKED_THROUGH = 200
"""Waiting runs beyond so many are not foretold."""
_RUNS_ASKED = 2 * estimate.ENOUGH
"""Some of them tell nothing."""
_TEMPLATES_KEPT = 512
_RUNS_KEPT = 4 * LOOKED_THROUGH

_Past = tuple[Timing, ...]


@dataclass(frozen=True)
class Outlook:
    """What many runs take: seconds, and bytes on this disk; None where nobody can say."""

    runs: int
    seconds: Estimate | None = None
    bytes: int | None = None


class Forecast:
    """Foretells runs. Thread-safe."""

    def __init__(
        self,
        runs: RunStore,
        live: Live,
        run_queue: RunQueue,
        pool: Pool,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._runs = runs
        self._live = live
        self._queue = run_queue
        self._pool = pool
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()  # guards everything below; not held while the store is asked
        self._past: OrderedDict[tuple[str, str], tuple[float, _Past]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], tuple[_Past, Expected]] = OrderedDict()
        self._starts: tuple[float, Mapping[str, Estimate]] = (float("-inf"), {})

    def estimate(self, run: Run) -> Estimate | None:
        """The seconds until a run ends, or while it waits, until it begins; None where nobody can say."""
        if run.state is RunState.PENDING:
            return self._begins().get(run.run_id)
        if run.state.is_final:
            return None
        return estimate.left(run, self._expected(run, run.server), self._clock())

    def weights(self, template: str, workflow: Workflow) -> Weights:
        """What the nodes weigh in the progress, by what earlier runs of the template took on any server."""
        servers = [status.name for status in self._pool.statuses()]
        return estimate.weights(workflow, [one for name in servers for one in self._of(template, name)])

    def outlook(self, template: str, samples: Sequence[Workflow], count: int) -> Outlook:
        """What so many runs of a template take, of which `samples` are some, spread from first to last."""
        if not samples or not count:
            return Outlook(count)
        definitions = self._pool.definitions()
        past = {name: self._of(template, name) for name in definitions}
        takes = []
        for one in samples:
            able = [name for name, defs in definitions.items() if readiness.assess(one, defs).ready]
            takes.append({name: estimate.whole(estimate.expect(one, past[name])) for name in able})
        known = [one for name in past for one in past[name]]
        return Outlook(count, estimate.together(takes, count), estimate.bytes_of(samples, known, count))

    def _of(self, template: str, server: str) -> _Past:
        key, now = (template, server), self._monotonic()
        with self._lock:
            known = self._past.get(key)
        if known is not None and now - known[0] < (PAST_FOR_S if known[1] else NO_PAST_FOR_S):
            return known[1]
        runs = self._runs.latest(template, server, _RUNS_ASKED) if template else ()
        past = tuple(one for run in runs if (one := estimate.timing(run)) is not None)[: estimate.ENOUGH]
        with self._lock:
            self._past[key] = (now, past)
            self._past.move_to_end(key)
            while len(self._past) > _TEMPLATES_KEPT:
                self._past.popitem(last=False)
        return past

    def _begins(self) -> Mapping[str, Estimate]:
        now = self._monotonic()
        with self._lock:
            at, known = self._starts
        if now - at < QUEUE_FOR_S:
            return known
        begins = self._foretell()
        with self._lock:
            self._starts = (now, begins)
        return begins

    def _foretell(self) -> Mapping[str, Estimate]:
        """When each waiting run begins, inside a server or with us, where all that stands before is known."""
        waiting = self._queue.order()[:LOOKED_THROUGH]
        with_us = {run.run_id for run in waiting}
        inside = [
            run
            for run in self._live.runs()
            if run.server and run.run_id not in with_us and not (run.state.is_final or run.server_done)
        ]
        inside.sort(key=lambda run: (run.started_at is None, run.accepted_at or 0.0))
        begins: dict[str, Estimate] = {}
        busy: dict[str, Estimate | None] = {}
        for status in self._pool.statuses():
            if _takes_runs(status):
                busy[status.name] = Estimate(0.0, 0.0) if not status.others else None
        for run in inside:
            if (free := busy.get(run.server)) is None:
                continue
            if run.state is RunState.PENDING:
                begins[run.run_id] = free
            takes = self._whole(run, run.server) if run.state is RunState.PENDING else self.estimate(run)
            busy[run.server] = free.plus(takes) if takes is not None else None
        ours = [
            Waiting(run.run_id, {name: self._whole(run, name) for name in self._pool.able(run)})
            for run in waiting
        ]
        return {**begins, **estimate.starts(busy, ours)}

    def _whole(self, run: Run, server: str) -> Estimate | None:
        return estimate.whole(self._expected(run, server))

    def _expected(self, run: Run, server: str) -> Expected:
        past, key = self._of(run.template, server), (run.run_id, server)
        with self._lock:
            known = self._known.get(key)
        if known is None or known[0] is not past:
            known = (past, estimate.expect(run.workflow, past))
            with self._lock:
                self._known[key] = known
                self._known.move_to_end(key)
                while len(self._known) > _RUNS_KEPT:
                    self._known.popitem(last=False)
        return known[1]


def _takes_runs(status: ServerStatus) -> bool:
    return status.state is ServerState.READY and not status.paused and not status.leaving
