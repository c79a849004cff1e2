"""Which run each open page looks at: the one place that says so, and when.

Several handlers put a run on a stage while a follower tells what becomes of it, each in its own thread. Every
view therefore carries the moment of its look, and a page shows nothing that is older than what it shows.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_PAGES_KEPT = 1000
_TICK_S = 1e-6


@dataclass(frozen=True)
class Look:
    """What a page looks at: a run, or none with an empty id."""

    run_id: str
    at: float
    """When that was asked, by our clock; no two are the same."""
    expected: str = ""
    """The last run that was begun here while this one kept the stage."""


class Attention:
    """Which run each open page looks at, and for which pages somebody follows. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # guards all that follows
        self._runs: OrderedDict[str, str] = OrderedDict()
        self._expected: dict[str, str] = {}
        self._attended: set[str] = set()
        self._newest = 0.0

    def turn(self, page: str, run_id: str) -> Look:
        """The page looks at this run from now on."""
        with self._lock:
            self._expected.pop(page, None)
            return self._turned(page, run_id)

    def expect(self, page: str, run_id: str) -> None:
        """The page goes on looking at what it does, and began this one meanwhile."""
        with self._lock:
            if page in self._runs:
                self._expected[page] = run_id

    def go_on(self, page: str, run_id: str, to: str) -> bool:
        """From this run to another one; False where the page looks at something else by now."""
        with self._lock:
            if self._runs.get(page) != run_id:
                return False
            if self._expected.get(page) == to:
                del self._expected[page]
            self._turned(page, to)
            return True

    def look(self, page: str) -> Look | None:
        """What the page looks at now; None for a page of which nothing has been heard for long."""
        with self._lock:
            run_id = self._runs.get(page)
            return None if run_id is None else self._look(page, run_id)

    def attend(self, page: str) -> bool:
        """Begin to follow for a page; False where somebody does already."""
        with self._lock:
            if page in self._attended:
                return False
            self._attended.add(page)
            return True

    def leave(self, page: str) -> None:
        """Nobody follows for the page any more."""
        with self._lock:
            self._attended.discard(page)

    def is_attended(self, page: str) -> bool:
        with self._lock:
            return page in self._attended

    def _turned(self, page: str, run_id: str) -> Look:
        self._runs[page] = run_id
        self._runs.move_to_end(page)
        while len(self._runs) > _PAGES_KEPT:
            gone, _ = self._runs.popitem(last=False)
            self._expected.pop(gone, None)
        return self._look(page, run_id)

    def _look(self, page: str, run_id: str) -> Look:
        # A clock that is set back must not make the newest look an old one.
        self._newest = max(self._clock(), self._newest + _TICK_S)
        return Look(run_id, self._newest, self._expected.get(page, ""))
