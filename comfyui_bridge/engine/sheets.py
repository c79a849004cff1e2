"""The sheets of experiments as they are now, for those who look on and for the conductor who fills them.

What a sheet says is in the store too; here it is with the live state of its runs, so that looking costs
nothing. Sheets nobody has looked at for a while are let go, but for those under way.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from comfyui_bridge.core.experiment import CellNow, Experiment, ExperimentState, SheetNow, Verdict
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.engine.brake import Brake
from comfyui_bridge.engine.live import Snapshot
from comfyui_bridge.store.disk import NO_ROOM
from comfyui_bridge.store.experiments import CellRow, ExperimentStore
from comfyui_bridge.store.runs import RunStore, without_work

_KEPT = 12
"""Sheets that are held although nothing happens to them."""
_LIVES = (ExperimentState.RUNNING, ExperimentState.PAUSED)


class Sheet:
    """One experiment's. Its rows change under the turn of who acts, all of it under the lock of `Sheets`."""

    def __init__(
        self, experiment: Experiment, rows: Sequence[CellRow], version: int, ended: Mapping[str, Run]
    ) -> None:
        """`ended` are the runs by id that were over when these rows were read."""
        self.experiment = experiment
        self.cells = tuple(experiment.grid.cells())
        self.rows = {row.index: row for row in rows}
        self.now = [CellNow(cell, version=version) for cell in self.cells]
        self.version = version
        self.trouble = ""
        """Why nothing can be begun at the moment."""
        own = {row.run_id: row.outcome for row in rows if not row.reused and row.outcome is not None}
        self.brake = Brake(any(o is RunState.COMPLETED and run_id not in ended for run_id, o in own.items()))
        before = sorted((ended[run_id] for run_id in own if run_id in ended), key=lambda r: r.ended_at or 0.0)
        self.brake.recall(before, self.goes_on)
        self._adrift: dict[str, str] = {}
        """Runs under way that are no cell's since it was deleted, by id, and their fingerprints."""
        self._places: dict[str, list[int]] = {}
        """Where each run stands."""
        self._under_way: set[int] = set()
        """The cells with runs that have not ended: a few, of however many."""
        for row in rows:
            self._write(row, version)

    def put(self, row: CellRow, version: int, run: Run | None = None) -> None:
        """A cell stands so from now on, with this run, or with the one that it has if its id is the same."""
        before = self.rows[row.index]
        if before.run_id != row.run_id and before.run_id in self._places:
            places = [place for place in self._places.pop(before.run_id) if place != row.index]
            former = self.now[row.index].run
            if places:
                self._places[before.run_id] = places
            elif former is not None:
                self._drift(former)
        self.rows[row.index] = row
        kept = self.now[row.index].run if before.run_id == row.run_id else None
        self._write(row, version, run or kept)

    def _write(self, row: CellRow, version: int, run: Run | None = None) -> None:
        is_under_way = bool(row.run_id) and row.outcome is None
        (self._under_way.add if is_under_way else self._under_way.discard)(row.index)
        if row.run_id:
            places = self._places.setdefault(row.run_id, [])
            if row.index not in places:
                places.append(row.index)
        if run is not None and run.state.is_final:
            run = without_work(run)
        said = row.problem if row.outcome is not None else ""
        is_gone = run is None and bool(row.run_id) and row.outcome is not None
        self.now[row.index] = CellNow(
            self.cells[row.index], run, row.reused, row.verdict, said, version, is_gone
        )
        self.version = version

    def mark(self, index: int, asked: bool | None, verdict: Verdict | None, version: int) -> None:
        row = self.rows[index]
        row = replace(
            row,
            asked=row.asked if asked is None else asked,
            verdict=row.verdict if verdict is None else verdict,
        )
        self.rows[index] = row
        self.now[index] = replace(self.now[index], verdict=row.verdict, version=version)
        self.version = version

    def take(self, run: Run, version: int) -> bool:
        """The newest state of a run that may stand here; whether it left the queue, came back, has to wait
        for room, or ended.
        """
        matters = self._drift(run)
        for index in self._places.get(run.run_id, ()):
            before = self.now[index].run
            if before is not None and before.state.is_final and not run.state.is_final:
                continue
            if run.state.is_final:
                if self.rows[index].outcome is None:
                    self.brake.ended(run)
                self.rows[index] = replace(self.rows[index], outcome=run.state)
                self._under_way.discard(index)
            self.now[index] = replace(
                self.now[index],
                run=without_work(run) if run.state.is_final else run,
                version=version,
                gone=False,
            )
            self.version = version
            matters |= run.state.is_final or before is None
            matters |= before is not None and (before.server, before.warnings) != (run.server, run.warnings)
        return matters

    def _drift(self, run: Run) -> bool:
        """Whether a run that is no cell's, and was one's, has ended."""
        is_its = run.experiment == self.experiment.experiment_id and run.run_id not in self._places
        if is_its and not run.state.is_final:
            self._adrift[run.run_id] = run.fingerprint
            return False
        return self._adrift.pop(run.run_id, None) is not None

    def lose(self, run_id: str, version: int) -> None:
        """A run is kept no more."""
        self._adrift.pop(run_id, None)
        for index in self._places.get(run_id, ()):
            is_gone = self.rows[index].outcome is not None
            self.now[index] = replace(self.now[index], run=None, version=version, gone=is_gone)
            self.version = version

    @property
    def goes_on(self) -> bool:
        return self.experiment.state is ExperimentState.RUNNING and not self.experiment.deleted

    def todo(self) -> list[CellRow]:
        """The cells to begin, in turn: those asked for, then, if it goes on, the others in order."""
        free = [row for row in self.rows.values() if row.outcome is None and not row.run_id]
        asked = [row for row in free if row.asked]
        return [*asked, *(row for row in free if not row.asked)] if self.goes_on else asked

    def waiting(self) -> list[CellRow]:
        """The cells whose runs wait with us: their rows are there, and no server has them."""
        return [row for row in self._begun() if not _server(self.now[row.index].run)]

    def inside(self) -> list[CellRow]:
        """The cells whose runs servers have."""
        return [row for row in self._begun() if _server(self.now[row.index].run)]

    def is_stopping(self, row: CellRow) -> bool:
        run = self.now[row.index].run
        return run is not None and run.stopping

    def left(self) -> list[CellRow]:
        """The cells that have not ended."""
        return list(self._unended())

    def begun(self) -> dict[str, str]:
        """The runs under way, by their fingerprints."""
        runs = (self.now[row.index].run for row in self._begun())
        adrift = {fingerprint: run_id for run_id, fingerprint in self._adrift.items()}
        return {**adrift, **{run.fingerprint: run.run_id for run in runs if run is not None}}

    def lacking_room(self) -> str:
        """Why what a run has made cannot be fetched, if that is for want of room here."""
        runs = (self.now[row.index].run for row in self._begun())
        said = (one for run in runs if run is not None and run.server_done for one in run.warnings)
        return next((one for one in said if one.startswith(NO_ROOM)), "")

    def why_held(self) -> str:
        """Why it should not go on, with cells to go on with; empty while it may."""
        is_left = self.goes_on and any(not _server(self.now[row.index].run) for row in self._unended())
        return self.brake.why() if is_left else ""

    @property
    def is_over(self) -> bool:
        """Nothing is left, and nobody has said so."""
        return self.experiment.state in _LIVES and all(r.outcome is not None for r in self.rows.values())

    @property
    def is_busy(self) -> bool:
        """It should stay here: it goes on, or has runs that have not ended, or cells that were asked for."""
        return self.goes_on or any(row.run_id or row.asked for row in self._unended())

    def seen(self) -> SheetNow:
        experiment = self.experiment
        if self.trouble:
            experiment = replace(experiment, problem=self.trouble)
        return SheetNow(experiment, self.version, tuple(self.now))

    def _begun(self) -> Iterator[CellRow]:
        return (self.rows[index] for index in sorted(self._under_way))

    def _unended(self) -> Iterator[CellRow]:
        return (row for row in self.rows.values() if row.outcome is None)


def _server(run: Run | None) -> str:
    return run.server if run is not None else ""


class Sheets:
    """Thread-safe. Whoever changes what a sheet says does so in `turn`, and nobody else then."""

    def __init__(
        self,
        store: ExperimentStore,
        runs: RunStore,
        snapshot: Callable[[str], Snapshot | None],
        clock: Callable[[], float],
    ) -> None:
        """`snapshot` gives a run as it is now."""
        self._store, self._runs, self._snapshot = store, runs, snapshot
        # Above those of any earlier program: a page that stayed open knows the last one's.
        self._versions = itertools.count(int(clock() * 1_000_000))
        # Guards all sheets; held for moments, and nothing is asked of the queue or the store meanwhile.
        self._changed = threading.Condition()
        self._sheets: OrderedDict[str, Sheet] = OrderedDict()
        self._loading: dict[str, list[Run]] = {}
        """What is told of runs while their sheet is being read."""
        self._one_load = threading.Lock()
        self._next, self._acting = threading.Lock(), threading.Lock()
        self._is_closed = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One acts at a time, also with the store and the queue; who waits for it is next."""
        with self._next:
            self._acting.acquire()
        try:
            yield
        finally:
            self._acting.release()

    # Who looks on.

    def now(self, experiment_id: str, newer_than: int = 0) -> SheetNow | None:
        """The sheet, if there is one that is newer."""
        sheet = self.open(experiment_id)
        with self._changed:
            return sheet.seen() if sheet is not None and sheet.version > newer_than else None

    def wait(self, experiment_id: str, newer_than: int, timeout: float) -> SheetNow | None:
        """As `now`, once it is newer; None after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (found := self.now(experiment_id, newer_than)) is None:
            left = deadline - time.monotonic()
            with self._changed:
                if left <= 0 or self._is_closed:
                    return None
                sheet = self._sheets.get(experiment_id)
                if sheet is None or sheet.version <= newer_than:
                    self._changed.wait(left)
        return found

    def open(self, experiment_id: str) -> Sheet | None:
        """The sheet, read from the store if need be; None where there is no such experiment."""
        with self._changed:
            if experiment_id in self._sheets:
                self._sheets.move_to_end(experiment_id)
                return self._sheets[experiment_id]
        with self._one_load:
            with self._changed:
                if experiment_id in self._sheets:
                    return self._sheets[experiment_id]
                told = self._loading[experiment_id] = []
            try:
                return self._load(experiment_id, told)
            finally:
                with self._changed:
                    del self._loading[experiment_id]

    def _load(self, experiment_id: str, told: Sequence[Run]) -> Sheet | None:
        experiment = self._store.get(experiment_id)
        if experiment is None:
            return None
        rows = self._store.cells(experiment_id)
        ended = [row.run_id for row in rows if row.run_id and row.outcome is not None]
        over = self._runs.brief(ended)
        runs = {**over}
        for row in rows:
            if row.run_id and row.outcome is None and (found := self._snapshot(row.run_id)) is not None:
                runs[row.run_id] = found.run
        for run_id in self._store.adrift(experiment_id):
            if (found := self._snapshot(run_id)) is not None:
                runs[run_id] = found.run
        with self._changed:
            sheet = Sheet(experiment, rows, next(self._versions), over)
            for run in (*runs.values(), *told):
                sheet.take(run, sheet.version)
            self._sheets[experiment_id] = sheet
            self._let_go()
        return sheet

    def _let_go(self) -> None:
        idle = [one for one, sheet in self._sheets.items() if not sheet.is_busy]
        for experiment_id in idle[:-_KEPT]:
            del self._sheets[experiment_id]

    # What becomes of runs.

    def told(self, run: Run) -> bool:
        """The newest state of a run; whether that may let another begin, or not."""
        with self._changed:
            if run.experiment in self._loading:
                self._loading[run.experiment].append(run)
            sheet = self._sheets.get(run.experiment)
            matters = sheet is not None and sheet.take(run, next(self._versions))
            self._changed.notify_all()
            return matters

    def replaced(self, run: Run) -> None:
        """What is kept of a run that is over is another now; it may stand in any sheet."""
        with self._changed:
            for sheet in self._sheets.values():
                sheet.take(run, next(self._versions))
            self._changed.notify_all()

    def gone(self, run_id: str) -> None:
        """A run is kept no more."""
        with self._changed:
            for sheet in self._sheets.values():
                sheet.lose(run_id, next(self._versions))
            self._changed.notify_all()

    # Who acts, in `turn`.

    def begun_elsewhere(self, sheet: Sheet) -> dict[str, str]:
        """The runs under way of the same owner's other sheets, by their fingerprints."""
        owner = sheet.experiment.owner
        begun: dict[str, str] = {}
        with self._changed:
            for other in self._sheets.values():
                is_theirs = other is not sheet and other.experiment.owner == owner
                if is_theirs and other.experiment.state is not ExperimentState.DONE:
                    begun |= other.begun()
        return begun

    def busy(self) -> tuple[Sheet, ...]:
        """The sheets that something is to be done about, or may be soon."""
        with self._changed:
            return tuple(s for s in self._sheets.values() if s.is_busy or s.is_over)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is told meanwhile: for looking at a sheet that is under way, for a moment."""
        with self._changed:
            yield

    def put(self, sheet: Sheet, rows: Sequence[CellRow], runs: Mapping[str, Run] | None = None) -> None:
        """These cells stand so from now on, with these runs where they are known; none has one under way."""
        runs = runs or {}
        with self._changed:
            version = next(self._versions)
            for row in rows:
                sheet.put(row, version, runs.get(row.run_id))
            self._changed.notify_all()

    def mark(
        self,
        sheet: Sheet,
        indices: Iterable[int],
        *,
        asked: bool | None = None,
        verdict: Verdict | None = None,
    ) -> None:
        """Say this of these cells, whatever becomes of their runs in the same moment."""
        with self._changed:
            version = next(self._versions)
            for index in indices:
                sheet.mark(index, asked, verdict, version)
            self._changed.notify_all()

    def looked(self, sheet: Sheet, problems: Sequence[str]) -> None:
        """Why no runs can be made of these cells, in order; empty sentences for those of which they can."""
        with self._changed:
            sheet.brake.looked(problems)

    def release(self, sheet: Sheet) -> None:
        """Somebody wants it to go on, whatever failed."""
        with self._changed:
            sheet.brake.release()

    def say(self, sheet: Sheet, experiment: Experiment | None = None, trouble: str = "") -> None:
        """The experiment stands so from now on, with this trouble or with none."""
        with self._changed:
            if (experiment or sheet.experiment) == sheet.experiment and trouble == sheet.trouble:
                return
            sheet.experiment, sheet.trouble = experiment or sheet.experiment, trouble
            sheet.version = next(self._versions)
            self._changed.notify_all()

    def close(self) -> None:
        """Wake who waits."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
