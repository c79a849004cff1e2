"""Who may see which run and which experiment, with all that belongs to it: decided here and nowhere else.

Without a sign-in, to know the id is enough: that is what makes a link work in another browser. With one,
people see their own, what is nobody's, and what its owner shares. To see gives no hand in it: what is
done with a thing asks `sign_in.is_own`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from comfyui_bridge.core.experiment import Experiment
from comfyui_bridge.core.run import Run
from comfyui_bridge.engine.live import Snapshot
from comfyui_bridge.store.sharing import Sharing
from comfyui_bridge.ui.sign_in import is_own, is_signed_in, owner_of

_OWNERS = 4096


class Seeing:
    """Thread-safe. What is shared is looked up each time, and only for what is somebody else's."""

    def __init__(self, snapshot: Callable[[str], Snapshot | None], sharing: Sharing | None) -> None:
        """`snapshot` gives a run as it is now. Without `sharing` nobody shares anything."""
        self._snapshot = snapshot
        self._sharing = sharing
        # A gallery asks for its files one by one, and a run's owner never changes.
        self._owner = lru_cache(maxsize=_OWNERS)(self._owner_of_run)

    def snapshot(self, run_id: str, request: Any) -> Snapshot | None:
        """The run as it is now, if there is one that whoever asks may see."""
        snapshot = self._snapshot(run_id) if run_id else None
        return snapshot if snapshot is not None and self.runs([snapshot.run], request) else None

    def runs(self, runs: Iterable[Run], request: Any) -> list[Run]:
        """Those of these runs that whoever asks may see."""
        some = list(runs)
        seen = self._seen({run.run_id: run.owner for run in some}, request)
        return [run for run in some if run.run_id in seen]

    def ids(self, run_ids: Sequence[str], request: Any) -> list[str]:
        """The same, of runs that are known only by their ids."""
        if not is_signed_in(request):
            return list(run_ids)
        seen = self._seen({run_id: self._known_owner(run_id) for run_id in run_ids}, request)
        return [run_id for run_id in run_ids if run_id in seen]

    def stays(self, run_id: str, request: Any) -> bool:
        """Whether whoever asks goes on seeing what they see of this run: nobody takes it back from them."""
        if not is_signed_in(request):
            return True
        owner = self._known_owner(run_id)
        return owner is not None and is_own(request, owner)

    def experiment(self, experiment: Experiment, request: Any) -> bool:
        """Whether whoever asks may see this experiment and its sheet; in the bin only its owner does."""
        if is_own(request, experiment.owner):
            return True
        if experiment.deleted:
            return False
        return not is_signed_in(request) or self._is_shared(experiment)

    # What its owner may decide

    def shared_run(self, run: Run, request: Any) -> str | None:
        """How whoever asks shows this run to others: the "run" itself, with its "sheet", or "" not at all.

        None where that is not theirs to decide.
        """
        if self._sharing is None or not self.may_share(run.owner, request):
            return None
        if self._sharing.has_run(run.run_id):
            return "run"
        return "sheet" if self._sharing.shown([run.run_id]) else ""

    def shared_experiment(self, experiment: Experiment, request: Any) -> bool | None:
        """Whether whoever asks shows this experiment to others; None where that is not theirs to decide."""
        return self._is_shared(experiment) if self.may_share(experiment.owner, request) else None

    def may_share(self, owner: str, request: Any) -> bool:
        """Whether whoever asks decides who sees what is this owner's; what is nobody's everyone sees."""
        is_theirs = is_signed_in(request) and owner != "" and owner == owner_of(request)
        return self._sharing is not None and is_theirs

    def _seen(self, owners: dict[str, str | None], request: Any) -> frozenset[str]:
        """Those of these runs, given with their owners, that may be seen; what has none is not there."""
        if not is_signed_in(request):
            return frozenset(owners)
        own = [run_id for run_id, owner in owners.items() if owner is not None and is_own(request, owner)]
        others = [run_id for run_id, owner in owners.items() if owner and not is_own(request, owner)]
        shown = self._sharing.shown(others) if others and self._sharing is not None else ()
        return frozenset((*own, *shown))

    def _is_shared(self, experiment: Experiment) -> bool:
        return self._sharing is not None and self._sharing.has_experiment(experiment.experiment_id)

    def _known_owner(self, run_id: str) -> str | None:
        try:
            return self._owner(run_id)
        except LookupError:
            return None

    def _owner_of_run(self, run_id: str) -> str:
        """Raises LookupError for an unknown run, for a cache keeps answers and no exceptions."""
        snapshot = self._snapshot(run_id)
        if snapshot is None:
            raise LookupError(run_id)
        return snapshot.run.owner
