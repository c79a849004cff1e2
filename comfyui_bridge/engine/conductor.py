"""Fills the cells of experiments: a few at a time, in order, in a thread of its own.

So few wait that people keep the say over what is next, and so many that no server is idle between two of
them. What it does is written down as it is done; after a crash it goes on from there. A cell whose graph
was completed before is shown from then.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from comfyui_bridge.core.errors import InvalidValues, StoreError, WorkflowError
from comfyui_bridge.core.experiment import ExperimentState
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.template import Template
from comfyui_bridge.engine.engine import Engine, Prepared
from comfyui_bridge.engine.pool import ServerState
from comfyui_bridge.engine.sheets import Sheet, Sheets
from comfyui_bridge.store.experiments import CellRow, ExperimentStore

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""After something could not be written."""
AHEAD = 2
"""Cells that wait for each server, and so many more."""
_AT_A_TIME = 32
"""Cells looked at in one turn: people who act come in between."""


@dataclass
class _Seen:
    """What is known of the cells of a sheet, with this template and what the servers can do now."""

    template: Template
    version: int
    able: dict[int, frozenset[str]] = field(default_factory=dict)
    """The servers that can do each cell."""
    kinds: set[frozenset[str]] = field(default_factory=set)
    """All of these, each once: thousands of cells are of one kind or two."""
    held: set[int] = field(default_factory=set)
    """Cells that a server may be able to do which has not answered yet."""
    looked: dict[int, str] = field(default_factory=dict)
    """Cells that can be done and have no run, and their fingerprints."""
    alike: dict[str, set[int]] = field(default_factory=dict)
    """The same by fingerprint."""
    twins: dict[int, str] = field(default_factory=dict)
    """Cells that wait for what comes of the same one, and the run that does it."""

    def is_able(self, index: int, servers: Iterable[str], fingerprint: str) -> None:
        self.able[index] = frozenset(servers)
        self.kinds.add(self.able[index])
        self.looked[index] = fingerprint
        self.alike.setdefault(fingerprint, set()).add(index)

    def look_again(self, index: int) -> None:
        fingerprint = self.looked.pop(index, None)
        if fingerprint is not None:
            self.alike[fingerprint].discard(index)

    def has_run(self, index: int) -> None:
        """Or none can be made of it: should it be to do again, that is another time."""
        self.look_again(index)
        self.twins.pop(index, None)

    def begun(self, fingerprint: str, run_id: str) -> None:
        """A run is under way that all of its kind wait for, and are looked at anew after."""
        self.twins.update(dict.fromkeys(self.alike.get(fingerprint, ()), run_id))


class _Room:
    """How much more may wait: enough that each server has the next when it ends one, and no more."""

    def __init__(self, taking: frozenset[str], waiting: Sequence[frozenset[str]]) -> None:
        """`taking` are the servers that take runs now, `waiting` those able to do each run that waits."""
        self._taking = taking
        self._waiting = Counter(able & taking for able in waiting)

    def is_for(self, able: frozenset[str]) -> bool:
        """Whether one more that these servers can do may wait beside those that they can do already."""
        able = able & self._taking
        rivals = sum(many for one, many in self._waiting.items() if one & able or one == able)
        return rivals < AHEAD * len(able) + AHEAD

    def take(self, able: frozenset[str]) -> None:
        self._waiting[able & self._taking] += 1


class Conductor:
    """Thread-safe; the engine's attendant."""

    def __init__(
        self,
        engine: Engine,
        sheets: Sheets,
        store: ExperimentStore,
        template: Callable[[str], Template | None],
    ) -> None:
        """`template` gives the one of a slug."""
        self._engine, self._sheets, self._store = engine, sheets, store
        self._template = template
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._retry: float | None = None
        """In how many seconds to look again, whatever happens."""
        self._seen: dict[str, _Seen] = {}
        self._thread = threading.Thread(target=self._work, name="conductor", daemon=True)

    def start(self) -> None:
        """Go on with what was under way when the program last ended."""
        with suppress(StoreError):  # where nothing can be written they may as well be done
            for run_id in self._store.of_deleted():
                self._engine.cancel(run_id)
        for experiment_id in {*self._store.running(), *self._store.under_way()}:
            self._sheets.open(experiment_id)
        self._woken.set()
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Begin nothing more."""
        self._stopping.set()
        self._woken.set()
        self._sheets.close()
        if self._thread.is_alive():
            self._thread.join(timeout)

    # What others may call, from any thread.

    def wake(self) -> None:
        self._woken.set()

    def told(self, run: Run) -> None:
        if self._sheets.told(run):
            self._woken.set()

    def replaced(self, run: Run) -> None:
        self._sheets.replaced(run)

    def gone(self, run_id: str) -> None:
        self._sheets.gone(run_id)

    def stop_all(self, owner: str) -> None:
        """Pause what of this owner's goes on."""
        for experiment_id in self._store.running(owner):
            self.halt(experiment_id, ExperimentState.PAUSED)

    def halt(self, experiment_id: str, state: ExperimentState) -> None:
        """Begin no more of it, and take back what had not begun. Raises StoreError."""
        with self._sheets.turn():
            sheet = self._sheets.open(experiment_id)
            if sheet is None or sheet.experiment.state is ExperimentState.DONE:
                return
            self._halt(sheet, state)

    def put_away(self, experiment_id: str) -> tuple[str, ...]:
        """Into the bin with it, paused if it went on; the runs under way, which are no cell's from then on.

        Raises StoreError.
        """
        with self._sheets.turn():
            sheet = self._sheets.open(experiment_id)
            if sheet is None or sheet.experiment.deleted:
                return ()
            one = sheet.experiment
            if one.state is ExperimentState.RUNNING:
                self._halt(sheet, ExperimentState.PAUSED)
            else:
                self._halt(sheet, one.state, one.problem)
            with self._sheets.held():
                begun = {
                    row.run_id: row.index for row in sheet.left() if row.run_id and not sheet.is_stopping(row)
                }
            rows = self._store.put_away(experiment_id, tuple(begun))
            self._sheets.put(sheet, [row for row in rows if row.index in begun.values()])
            self._sheets.say(sheet, replace(sheet.experiment, deleted=True))
            return tuple(begun)

    def _halt(self, sheet: Sheet, state: ExperimentState, problem: str = "") -> None:
        """In its turn."""
        one = replace(sheet.experiment, state=state, problem=problem)
        self._store.change(one.experiment_id, state=state, problem=problem)
        self._sheets.say(sheet, one)
        with self._sheets.held():
            asked = [row.index for row in sheet.left() if row.asked]
        self._store.mark(one.experiment_id, asked, asked=False)
        self._sheets.mark(sheet, asked, asked=False)
        self._take_back(sheet)

    # The conductor's own thread.

    def _work(self) -> None:
        while True:
            self._woken.wait(self._retry)
            if self._stopping.is_set():
                return
            self._woken.clear()
            self._retry = None
            try:
                self._round()
            except Exception:
                # The outermost loop of this thread: whatever it was, other experiments go on.
                log.exception("The conductor stumbled, and goes on.")
                self._again_in(RETRY_S)

    def _again_in(self, seconds: float) -> None:
        self._retry = seconds if self._retry is None else min(seconds, self._retry)

    def _round(self) -> None:
        """Do what can be done for each experiment, some of it at a time, until nothing can."""
        open_ = list(self._sheets.busy())
        ids = {sheet.experiment.experiment_id for sheet in open_}
        self._seen = {one: seen for one, seen in self._seen.items() if one in ids}
        while open_ and not self._stopping.is_set():
            open_ = [sheet for sheet in open_ if self._tend(sheet)]

    def _tend(self, sheet: Sheet) -> bool:
        """Do some of what is to be done for a sheet; whether there may be more."""
        try:
            with self._sheets.turn():
                self._take_back(sheet)
                self._brake(sheet)
                goes_on = self._feed(sheet)
                self._settle(sheet)
        except StoreError as error:
            self._sheets.say(sheet, trouble=str(error))
            self._again_in(RETRY_S)
            return False
        return goes_on

    def _take_back(self, sheet: Sheet) -> None:
        """What waits although it should not begin any more is forgotten: its cell is to be done again."""
        with self._sheets.held():
            rows = [row for row in sheet.waiting() if not row.asked] if not sheet.goes_on else []
        runs = {row.run_id: run for row in rows if (run := self._engine.withdraw(row.run_id)) is not None}
        if not runs:
            return
        try:
            self._store.take_back(sheet.experiment.experiment_id, tuple(runs))
        except StoreError:
            for run in reversed(runs.values()):
                self._engine.put_back(run)
            raise
        for run_id in runs:
            self._engine.forget(run_id)
        self._woken.set()  # the same cells of other sheets wait for them no more
        self._sheets.put(sheet, [replace(row, run_id="") for row in rows if row.run_id in runs])

    def _brake(self, sheet: Sheet) -> None:
        """Where cell after cell fails somebody should look, rather than all of them fail."""
        with self._sheets.held():
            why = sheet.why_held()
        if why:
            self._halt(sheet, ExperimentState.PAUSED, why)

    def _feed(self, sheet: Sheet) -> bool:
        """Look at some cells, and begin those there is room for; whether there are more to look at."""
        with self._sheets.held():
            todo = sheet.todo()
            waiting = [row.index for row in sheet.waiting()]
            begun = sheet.begun()
            unfetched = sheet.lacking_room()
        begun = {**self._sheets.begun_elsewhere(sheet), **begun}
        no_room = self._engine.unwritten() or unfetched
        if no_room:
            # Nothing of what would be made could be kept, and nobody could tell what was made already.
            self._sheets.say(sheet, trouble=no_room)
            self._again_in(RETRY_S)
            return False
        if not todo or not len(self._engine.node_defs()):
            self._sheets.say(sheet)
            return False
        template = self._template(sheet.experiment.plan.template)
        if template is None:
            self._halt(sheet, ExperimentState.PAUSED, "Its template is gone. Put it back, then go on.")
            return False
        try:
            self._engine.form(template)
        except WorkflowError as error:
            self._halt(sheet, ExperimentState.PAUSED, str(error))
            return False
        seen = self._seen_of(sheet, template)
        under_way = {*begun.values()}
        for index in [index for index, twin in seen.twins.items() if twin not in under_way]:
            seen.look_again(index)
        noted, more = self._look(sheet, seen, todo)
        for fingerprint, run_id in begun.items():
            seen.begun(fingerprint, run_id)
        self._begin_some(sheet, seen, (row for row in todo if row.index not in noted), waiting)
        is_held = bool(seen.held) and any(row.index in seen.held for row in todo)
        self._sheets.say(sheet, trouble=self._why_held() if is_held else "")
        self._brake(sheet)
        return more

    def _seen_of(self, sheet: Sheet, template: Template) -> _Seen:
        """What was seen of its cells, as long as that holds."""
        version, key = self._engine.definitions_version(), sheet.experiment.experiment_id
        seen = self._seen.get(key)
        if seen is None or seen.template is not template or seen.version != version:
            twins = seen.twins if seen is not None else {}
            seen = self._seen[key] = _Seen(template, version, twins=twins)
        return seen

    def _look(self, sheet: Sheet, seen: _Seen, todo: Sequence[CellRow]) -> tuple[Collection[int], bool]:
        """Look at the next few cells; which of them need no run any more, and whether there are more.

        What was completed before is shown from then, and where no run can be made that is said.
        """
        unseen = [row for row in todo if row.index not in seen.looked and row.index not in seen.held]
        noted: dict[int, CellRow] = {}
        fingerprints: dict[int, str] = {}
        for row in unseen[:_AT_A_TIME]:
            try:
                prepared = self._prepared(sheet, seen.template, row)
            except InvalidValues as error:
                if self._silent():
                    seen.held.add(row.index)
                else:
                    said = " ".join(error.problems.values())
                    noted[row.index] = replace(row, outcome=RunState.FAILED, problem=said)
                continue
            seen.is_able(row.index, self._engine.able_to_do(prepared.workflow), prepared.fingerprint)
            if not row.asked or row.index in seen.twins:
                fingerprints[row.index] = prepared.fingerprint
        unmade = [noted[row.index].problem if row.index in noted else "" for row in unseen[:_AT_A_TIME]]
        same = self._engine.same_as(fingerprints.values(), sheet.experiment.owner)
        for row in unseen[:_AT_A_TIME]:
            run, twin = same.get(fingerprints.get(row.index, "")), seen.twins.pop(row.index, "")
            if run is not None and (not row.asked or run.run_id == twin):
                noted[row.index] = replace(row, run_id=run.run_id, reused=True, outcome=run.state)
        self._store.note(sheet.experiment.experiment_id, noted.values())
        self._sheets.put(sheet, tuple(noted.values()), {run.run_id: run for run in same.values()})
        self._sheets.looked(sheet, unmade)
        for index in noted:
            seen.has_run(index)
        return noted.keys(), len(unseen) > _AT_A_TIME

    def _begin_some(self, sheet: Sheet, seen: _Seen, todo: Iterable[CellRow], waiting: Sequence[int]) -> None:
        """Begin the cells that there is room for, in order."""
        room = self._room(seen, waiting)
        has_room = {kind for kind in seen.kinds if room.is_for(kind)}
        for row in todo:
            if not has_room or self._stopping.is_set():
                return
            able = seen.able.get(row.index)
            if able not in has_room or row.index not in seen.looked or row.index in seen.twins:
                continue
            try:
                prepared = self._prepared(sheet, seen.template, row)
            except InvalidValues:
                seen.look_again(row.index)  # something went since it was seen: it is looked at anew
                self._woken.set()
                continue
            run_id = self._begin(sheet, prepared, row)
            seen.has_run(row.index)
            seen.begun(prepared.fingerprint, run_id)
            room.take(able)
            has_room = {kind for kind in has_room if room.is_for(kind)}

    def _room(self, seen: _Seen, waiting: Sequence[int]) -> _Room:
        taking = frozenset(
            status.name
            for status in self._engine.statuses()
            if status.state is ServerState.READY and not status.paused
        )
        return _Room(taking, [seen.able.get(index, taking) for index in waiting])

    def _why_held(self) -> str:
        names = " and ".join(self._silent())
        return f"Some cells may be for {names}, which has not answered since this program was started."

    def _prepared(self, sheet: Sheet, template: Template, row: CellRow) -> Prepared:
        """Raises InvalidValues for what the form refuses, what has no place, and a file that is gone."""
        try:
            values = sheet.experiment.grid.values_of(sheet.cells[row.index])
            prepared = self._engine.prepared(template, values)
        except (WorkflowError, ValueError) as error:
            raise InvalidValues({"values": str(error)}) from None
        self._engine.hold_files(prepared)
        return prepared

    def _begin(self, sheet: Sheet, prepared: Prepared, row: CellRow) -> str:
        """The id of its run."""
        one, run_id = sheet.experiment, uuid.uuid4().hex
        begun = replace(row, run_id=run_id, reused=False)
        # Before the engine knows of the run, so that nothing that is told of it is missed.
        self._sheets.put(sheet, (begun,))
        try:
            self._engine.fill(prepared, one.owner, one.experiment_id, row.index, run_id)
        except StoreError:
            self._sheets.put(sheet, (row,))
            raise
        return run_id

    def _silent(self) -> list[str]:
        """The servers of which nobody knows yet what they can do."""
        return [
            status.name for status in self._engine.statuses() if status.facts is None and not status.leaving
        ]

    def _settle(self, sheet: Sheet) -> None:
        """Once every cell has ended, it is done."""
        with self._sheets.held():
            is_over = sheet.is_over
        if is_over:
            one = replace(sheet.experiment, state=ExperimentState.DONE, problem="")
            self._store.change(one.experiment_id, state=one.state, problem="")
            self._sheets.say(sheet, one)
