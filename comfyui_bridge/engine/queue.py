"""The run queue: runs that wait with us, where order, fairness and cancelling stay ours.

Turns go round people, not round submissions. A run belongs to the queue until it is claimed: meanwhile
the queue is its only writer, and publishes its place whenever that changes.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace

from comfyui_bridge.core.run import Run

_SERVED_KEPT = 1000


class RunQueue:
    """Pending runs by owner. Thread-safe.

    `publish` is called with each run whose place changed, under the lock, so that a claimed run is
    never overtaken by old news of its waiting; it must not block. `inside` counts the prompts inside
    servers, which stand before all of these.
    """

    def __init__(self, publish: Callable[[Run], None], inside: Callable[[], int]) -> None:
        self._publish = publish
        self._inside = inside
        self._lock = threading.Lock()
        self._waiting: dict[str, dict[str, Run]] = {}
        """By owner, then by run_id in the order of the owner's turns."""
        # When each owner was last served, as a count of turns: who waited longest for a turn is next.
        self._served: dict[str, int] = {}
        self._turns = itertools.count(1)
        self._unwanted: set[str] = set()

    def put(self, run: Run) -> None:
        """Add a run behind its owner's others."""
        with self._lock:
            self._waiting.setdefault(run.owner, {})[run.run_id] = run
            self._tell_places()

    def give_back(self, run: Run) -> bool:
        """Put a run that a server did not take before its owner's others, whose turn is next.

        False if it is not wanted any more, as somebody withdrew it meanwhile.
        """
        with self._lock:
            if run.run_id in self._unwanted:
                self._unwanted.discard(run.run_id)
                return False
            self._waiting[run.owner] = {run.run_id: run, **self._waiting.get(run.owner, {})}
            self._served.pop(run.owner, None)
            self._tell_places()
            return True

    def claim(self, may_take: Callable[[Run], bool]) -> Run | None:
        """Take out the next run that `may_take` accepts, and end its owner's turn.

        Whoever claims tells the places next: the run is inside a server then, and as a rule nobody's changed.
        """
        with self._lock:
            for run in self._order():
                if may_take(run):
                    self._take_out(run)
                    self._end_turn(run.owner)
                    return run
        return None

    def remove(self, run_id: str) -> Run | None:
        """Take out one run, as when it is cancelled; None if it does not wait here."""
        with self._lock:
            run = self._find(run_id)
            if run is not None:
                self._take_out(run)
                self._tell_places()
            return run

    def withdraw(self, run_id: str) -> Run | None:
        """As `remove`; a run that is with a server is not taken back into the queue from then on."""
        with self._lock:
            run = self._find(run_id)
            if run is None:
                self._unwanted.add(run_id)
            else:
                self._take_out(run)
                self._tell_places()
            return run

    def forget(self, run_id: str) -> None:
        """This run is over."""
        with self._lock:
            self._unwanted.discard(run_id)

    def remove_all(self, owner: str) -> tuple[Run, ...]:
        """Take out all runs of one owner."""
        with self._lock:
            removed = tuple(self._waiting.pop(owner, {}).values())
            self._tell_places()
            return removed

    def move(self, run_id: str, place: int) -> bool:
        """Put a run at this place among its owner's, 0 first; whether it waits here.

        The owner's turns stay as they are: others are neither overtaken nor kept waiting.
        """
        with self._lock:
            run = self._find(run_id)
            if run is None:
                return False
            line = [one for one in self._waiting[run.owner].values() if one is not run]
            line.insert(max(0, place), run)
            self._waiting[run.owner] = {one.run_id: one for one in line}
            self._tell_places()
            return True

    def order(self) -> tuple[Run, ...]:
        """The waiting runs in the order in which turns will reach them."""
        with self._lock:
            return self._order()

    def tell_places(self) -> None:
        """Publish the runs whose place changed because something left or entered a server."""
        with self._lock:
            self._tell_places()

    def waiting(self, owner: str) -> int:
        """How many runs of this owner wait here."""
        with self._lock:
            return len(self._waiting.get(owner, ()))

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def _find(self, run_id: str) -> Run | None:
        return next((line[run_id] for line in self._waiting.values() if run_id in line), None)

    def _order(self) -> tuple[Run, ...]:
        owners = sorted(self._waiting, key=lambda owner: self._served.get(owner, 0))
        rounds = itertools.zip_longest(*(self._waiting[owner].values() for owner in owners))
        return tuple(run for turn in rounds for run in turn if run is not None)

    def _tell_places(self) -> None:
        inside = self._inside()
        for ahead, run in enumerate(self._order(), inside):
            if run.ahead != ahead:
                placed = self._waiting[run.owner][run.run_id] = replace(run, ahead=ahead)
                self._publish(placed)

    def _take_out(self, run: Run) -> None:
        line = self._waiting[run.owner]
        del line[run.run_id]
        if not line:
            del self._waiting[run.owner]

    def _end_turn(self, owner: str) -> None:
        self._served[owner] = next(self._turns)
        if len(self._served) > _SERVED_KEPT:
            # Who was served longest ago is as good as new.
            for oldest in sorted(self._served, key=self._served.__getitem__)[: _SERVED_KEPT // 2]:
                del self._served[oldest]
