"""The run queue: runs that wait with us, where order, fairness and cancelling stay ours.

Turns go round people, not round submissions. Runs of experiments have their turns, round people too, once
no single run is waiting that could have gone. A run belongs to the queue until it is claimed: meanwhile
the queue is its only writer, and publishes its place whenever that changes.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from comfyui_bridge.core.run import Run

_SERVED_KEPT = 1000

_Line = tuple[bool, str]
"""One person's single runs, or their runs of experiments."""


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
        self._waiting: dict[_Line, dict[str, Run]] = {}
        """By line, then by run_id in the order of the line's turns."""
        # When each line was last served, as a count of turns: who waited longest for a turn is next.
        self._served: dict[_Line, int] = {}
        self._turns = itertools.count(1)
        self._unwanted: set[str] = set()

    def put(self, run: Run) -> None:
        """Add a run behind its owner's others."""
        with self._lock:
            self._waiting.setdefault(_line(run), {})[run.run_id] = run
            self._tell_places()

    def give_back(self, run: Run) -> bool:
        """Put a run that a server did not take before its owner's others, whose turn is next.

        False if it is not wanted any more, as somebody withdrew it meanwhile.
        """
        with self._lock:
            if run.run_id in self._unwanted:
                self._unwanted.discard(run.run_id)
                return False
            self._waiting[_line(run)] = {run.run_id: run, **self._waiting.get(_line(run), {})}
            self._served.pop(_line(run), None)
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
                    self._end_turn(_line(run))
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

    def move(self, run_id: str, place: int) -> bool:
        """Put a run at this place among its owner's, 0 first; whether it waits here.

        The owner's turns stay as they are: others are neither overtaken nor kept waiting.
        """
        with self._lock:
            run = self._find(run_id)
            if run is None:
                return False
            line = [one for one in self._waiting[_line(run)].values() if one is not run]
            line.insert(max(0, place), run)
            self._waiting[_line(run)] = {one.run_id: one for one in line}
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
        """How many single runs of this owner wait here."""
        with self._lock:
            return len(self._waiting.get((False, owner), ()))

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def _find(self, run_id: str) -> Run | None:
        return next((line[run_id] for line in self._waiting.values() if run_id in line), None)

    def _order(self) -> tuple[Run, ...]:
        return (*self._turns_of(False), *self._turns_of(True))

    def _turns_of(self, experiments: bool) -> Iterator[Run]:
        lines = sorted(
            (line for line in self._waiting if line[0] is experiments),
            key=lambda line: self._served.get(line, 0),
        )
        rounds = itertools.zip_longest(*(self._waiting[line].values() for line in lines))
        return (run for turn in rounds for run in turn if run is not None)

    def _tell_places(self) -> None:
        inside = self._inside()
        for ahead, run in enumerate(self._order(), inside):
            if run.ahead != ahead:
                placed = self._waiting[_line(run)][run.run_id] = replace(run, ahead=ahead)
                self._publish(placed)

    def _take_out(self, run: Run) -> None:
        line = self._waiting[_line(run)]
        del line[run.run_id]
        if not line:
            del self._waiting[_line(run)]

    def _end_turn(self, line: _Line) -> None:
        self._served[line] = next(self._turns)
        if len(self._served) > _SERVED_KEPT:
            # Who was served longest ago is as good as new.
            for oldest in sorted(self._served, key=self._served.__getitem__)[: _SERVED_KEPT // 2]:
                del self._served[oldest]


def _line(run: Run) -> _Line:
    return bool(run.experiment), run.owner
