"""What is kept of runs, for the page: found, starred, thrown away and brought back, and how much it takes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from comfyui_bridge.core.run import Run
from comfyui_bridge.engine.housekeeper import Housekeeper, Usage
from comfyui_bridge.engine.live import Snapshot
from comfyui_bridge.store.run_index import Facets, RunIndex, Search
from comfyui_bridge.store.runs import RunPage, RunStore

_FACETS_S = 10.0


class Results:
    """Thread-safe. `owner` leaves other people's runs alone; None is for all."""

    def __init__(
        self,
        runs: RunStore,
        index: RunIndex,
        housekeeper: Housekeeper,
        snapshot: Callable[[str], Snapshot | None],
        clock: Callable[[], float],
    ) -> None:
        """`snapshot` gives a run as it is now."""
        self._runs, self._index, self._housekeeper = runs, index, housekeeper
        self._snapshot = snapshot
        self._clock = clock
        self._lock = threading.Lock()  # guards the facets and the owners
        self._facets: dict[str | None, tuple[float, Facets]] = {}
        self._owners: tuple[float, tuple[str, ...]] = (-_FACETS_S, ())

    def search(self, search: Search, limit: int, before: str | None = None) -> RunPage:
        """At most `limit` runs, newest first, as they are now. Raises InvalidValues for a wrong `before`."""
        page = self._runs.search(search, limit, before)
        return RunPage(tuple(self._now(run) for run in page.runs), page.next)

    def ids(self, search: Search, limit: int) -> tuple[str, ...]:
        """The newest so many of the runs that are looked for, by their ids alone."""
        return self._index.ids(search, limit)

    def some(self, run_ids: Sequence[str]) -> tuple[Run, ...]:
        """Those of these runs that are kept, in this order, as they are now; some hundred at a time."""
        return tuple(self._now(run) for run in self._runs.some(run_ids))

    def count(self, search: Search) -> int:
        """How many runs are looked for."""
        return self._runs.count_found(search)

    def facets(self, owner: str | None) -> Facets:
        """What there is to filter by, at most some seconds old."""
        now = self._clock()
        with self._lock:
            known = self._facets.get(owner)
        if known is not None and now - known[0] < _FACETS_S:
            return known[1]
        found = self._index.facets(owner)
        with self._lock:
            self._facets = {who: one for who, one in self._facets.items() if now - one[0] < _FACETS_S}
            self._facets[owner] = (now, found)
        return found

    def owners(self) -> tuple[str, ...]:
        """Whose runs there are, at most some seconds old."""
        now = self._clock()
        with self._lock:
            known = self._owners
        if now - known[0] >= _FACETS_S:
            known = (now, self._index.owners())
            with self._lock:
                self._owners = known
        return known[1]

    def starred(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Those of these runs that have a star."""
        return self._index.starred(run_ids)

    def star(self, run_ids: Sequence[str], starred: bool, owner: str | None) -> int:
        """Give a star or take it; how many runs there were."""
        return self._index.star(run_ids, starred, owner=owner)

    def delete(self, run_ids: Sequence[str], owner: str | None) -> int:
        """Put runs that are over into the bin, for a while; how many there were."""
        return self._index.delete(run_ids, self._clock(), owner=owner)

    def restore(self, run_ids: Sequence[str], owner: str | None) -> int:
        """Bring runs back from the bin; how many there were."""
        return self._index.restore(run_ids, owner=owner)

    def usage(self) -> Usage:
        """What the kept files take, and what went of them."""
        return self._housekeeper.usage()

    def _now(self, run: Run) -> Run:
        if run.state.is_final:
            return run
        snapshot = self._snapshot(run.run_id)
        return snapshot.run if snapshot else run
