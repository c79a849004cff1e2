"""Fills the cells of experiments: a few at a time, in order, in a thread of its own.

So few wait that people keep the say over what is next, and so many that no server is idle between two of
them. What it does is written down as it is done; after a crash it goes on from there. A cell whose graph
was completed before is shown from then.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

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
SILENT_S = 5.0
"""How soon a cell is looked at again that a server may be able to do which has not answered yet."""
_AT_A_TIME = 32
"""Cells looked at in one turn: people who act come in between."""
_LOOKED_AHEAD = 512
"""Cells that are looked at while those before them wait for a server that has not answered yet."""


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
        self._thread = threading.Thread(target=self._work, name="conductor", daemon=True)

    def start(self) -> None:
        """Go on with what was under way when the program last ended."""
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
            self._store.change(experiment_id, state=state, problem="")
            self._sheets.say(sheet, replace(sheet.experiment, state=state, problem=""))
            with self._sheets.held():
                asked = [replace(row, asked=False) for row in sheet.left() if row.asked]
            self._store.note(experiment_id, asked)
            self._sheets.put(sheet, asked)
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
        while open_ and not self._stopping.is_set():
            open_ = [sheet for sheet in open_ if self._tend(sheet)]

    def _tend(self, sheet: Sheet) -> bool:
        """Do some of what is to be done for a sheet; whether there may be more."""
        try:
            with self._sheets.turn():
                self._take_back(sheet)
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
        self._sheets.put(sheet, [replace(row, run_id="") for row in rows if row.run_id in runs])

    def _feed(self, sheet: Sheet) -> bool:
        """Begin the next cells, as far as there is room; whether to go on at once."""
        with self._sheets.held():
            todo = sheet.todo(_LOOKED_AHEAD)
            room = self._room() - len(sheet.waiting())
        if not todo or room <= 0 or not len(self._engine.node_defs()):
            return False
        template = self._template(sheet.experiment.plan.template)
        if template is None:
            self._pause(sheet, "Its template is gone. Put it back, then go on.")
            return False
        try:
            self._engine.form(template)
        except WorkflowError as error:
            self._pause(sheet, str(error))
            return False
        return self._fill(sheet, template, todo, room)

    def _fill(self, sheet: Sheet, template: Template, todo: Sequence[CellRow], room: int) -> bool:
        noted: list[CellRow] = []
        runs: dict[str, Run] = {}
        held, looked = 0, 0
        for row in todo:
            if room <= 0 or looked - held >= _AT_A_TIME or self._stopping.is_set():
                break
            looked += 1
            try:
                prepared = self._prepared(sheet, template, row)
            except InvalidValues as error:
                if self._silent():
                    held += 1
                else:
                    said = " ".join(error.problems.values())
                    noted.append(replace(row, outcome=RunState.FAILED, problem=said))
                continue
            same = None if row.asked else self._engine.same(prepared, sheet.experiment.owner)
            if same is not None:
                runs[same.run_id] = same
                noted.append(replace(row, run_id=same.run_id, reused=True, outcome=same.state))
            else:
                self._begin(sheet, prepared, row)
                room -= 1
        self._store.note(sheet.experiment.experiment_id, noted)
        self._sheets.put(sheet, noted, runs)
        self._say_held(sheet, held)
        return room > 0 and looked < len(todo)

    def _prepared(self, sheet: Sheet, template: Template, row: CellRow) -> Prepared:
        """Raises InvalidValues for what the form refuses, what has no place, and a file that is gone."""
        try:
            values = sheet.experiment.grid.values_of(sheet.cells[row.index])
            prepared = self._engine.prepared(template, values)
        except (WorkflowError, ValueError) as error:
            raise InvalidValues({"values": str(error)}) from None
        self._engine.hold_files(prepared)
        return prepared

    def _begin(self, sheet: Sheet, prepared: Prepared, row: CellRow) -> None:
        one, run_id = sheet.experiment, uuid.uuid4().hex
        begun = replace(row, run_id=run_id, reused=False)
        # Before the engine knows of the run, so that nothing that is told of it is missed.
        self._sheets.put(sheet, (begun,))
        try:
            self._engine.fill(prepared, one.owner, one.experiment_id, row.index, run_id)
        except StoreError:
            self._sheets.put(sheet, (row,))
            raise

    def _say_held(self, sheet: Sheet, held: int) -> None:
        trouble = ""
        if held:
            names = " and ".join(self._silent())
            trouble = f"Some cells may be for {names}, which has not answered since the program was started."
            self._again_in(SILENT_S)
        self._sheets.say(sheet, trouble=trouble)

    def _silent(self) -> list[str]:
        """The servers of which nobody knows yet what they can do."""
        return [
            status.name for status in self._engine.statuses() if status.facts is None and not status.leaving
        ]

    def _room(self) -> int:
        """How many runs of one experiment should wait: enough that a server that ends one has the next."""
        taking = [s for s in self._engine.statuses() if s.state is ServerState.READY and not s.paused]
        return 2 * len(taking) + 2

    def _pause(self, sheet: Sheet, problem: str) -> None:
        one = replace(sheet.experiment, state=ExperimentState.PAUSED, problem=problem)
        with self._sheets.held():
            asked = [replace(row, asked=False) for row in sheet.left() if row.asked]
        self._store.change(one.experiment_id, state=one.state, problem=problem)
        self._store.note(one.experiment_id, asked)
        self._sheets.put(sheet, asked)
        self._sheets.say(sheet, one)

    def _settle(self, sheet: Sheet) -> None:
        """Once every cell has ended, it is done."""
        with self._sheets.held():
            is_over = sheet.is_over
        if is_over:
            one = replace(sheet.experiment, state=ExperimentState.DONE, problem="")
            self._store.change(one.experiment_id, state=one.state, problem="")
            self._sheets.say(sheet, one)
