"""What a page or a command may ask of experiments: lay out, start, look, pause, go on, judge.

The sheets are in `sheets`, and the conductor fills them; here is the one door to both.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice

from comfyui_bridge.core import experiment as experiment_
from comfyui_bridge.core.errors import InvalidValues, WorkflowError
from comfyui_bridge.core.estimate import Estimate
from comfyui_bridge.core.experiment import (
    Cell,
    Experiment,
    ExperimentState,
    Grid,
    Laid,
    Plan,
    SheetNow,
    Sources,
    Verdict,
)
from comfyui_bridge.core.run import RunState
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.wildcards import Lists
from comfyui_bridge.engine.conductor import Conductor
from comfyui_bridge.engine.engine import Engine, Prepared
from comfyui_bridge.engine.forecast import Outlook
from comfyui_bridge.engine.sheets import Sheet, Sheets
from comfyui_bridge.store.experiments import LONGEST_NAME, CellRow, ExperimentStore
from comfyui_bridge.store.presets import PresetStore
from comfyui_bridge.store.runs import RunStore

__all__ = ["Experiments", "Outlook"]

_SAMPLES = 16
"""Cells whose time is foretold, for all of them."""
AT_A_TIME = 256
"""Cells that are looked up in one go: some 50 ms, after which somebody may have typed on."""
_GOLDEN = (5**0.5 - 1) / 2
_LEFT_FOR_S = 2.0
"""How long what was foretold is told again."""


@dataclass(frozen=True)
class Spared:
    """Cells by their indices that need no run."""

    there: frozenset[int]
    """Exactly what they would be is there already."""
    twins: frozenset[int]
    """They show what comes of an earlier cell, which is the same."""


class Experiments:
    """Thread-safe. What is not found changes nothing, and is told by None, False or nothing."""

    def __init__(
        self,
        engine: Engine,
        runs: RunStore,
        store: ExperimentStore,
        presets: PresetStore,
        template: Callable[[str], Template | None],
        *,
        lists: Lists = lambda name: None,
        clock: Callable[[], float] = time.time,
        draw: Callable[[int, int], int] = random.randint,
    ) -> None:
        """`template` gives the one of a slug, `lists` the lines of a wildcard file."""
        self._engine, self._store, self._presets = engine, store, presets
        self._template, self._lists, self._draw = template, lists, draw
        self._sheets = Sheets(store, runs, engine.snapshot, clock)
        self._conductor = Conductor(engine, self._sheets, store, template)
        engine.attend(self._conductor)
        self._clock = clock
        self._lock = threading.Lock()  # guards what was foretold
        self._foretold: dict[str, tuple[float, Estimate | None]] = {}

    def start_work(self) -> None:
        """Go on with what was under way when the program last ended; after the engine has begun."""
        self._conductor.start()

    def stop_work(self, timeout: float) -> None:
        """Begin nothing more; before the engine ends."""
        self._conductor.stop(timeout)

    # Before it runs.

    def lay_out(self, plan: Plan, owner: str) -> Laid:
        """The grid of a plan, and what is wrong with it.

        Raises InvalidValues for an unknown template, WorkflowError for one that has no form.
        """
        template = self._template(plan.template)
        if template is None:
            raise InvalidValues({"template": f"There is no template {plan.template!r} any more."})
        form = self._engine.form(template)
        return experiment_.lay_out(plan, form, self._sources(plan.template, owner), self._draw)

    def spared(self, grid: Grid, template: str, owner: str) -> Iterator[Spared]:
        """The cells of a grid that need no run, as the conductor will find: of the first ones, then of more,
        and of all of them in the end."""
        found = self._template(template)
        there: set[int] = set()
        twins: set[int] = set()
        made: set[str] = set()
        cells = grid.cells() if found is not None else iter(())
        while found is not None and (some := list(islice(cells, AT_A_TIME))):
            prints: dict[Cell, str] = {}
            for cell in some:
                if (one := self._prepared(found, grid, cell)) is not None:
                    prints[cell] = one.fingerprint
                time.sleep(0)  # whoever else has something to do goes first
            same = self._engine.same_as(prints.values(), owner)
            for cell, fingerprint in prints.items():
                if fingerprint in same:
                    there.add(cell.index)
                elif not cell.is_skipped and fingerprint in made:
                    twins.add(cell.index)
                elif not cell.is_skipped:
                    made.add(fingerprint)
            yield Spared(frozenset(there), frozenset(twins))
        if not grid.size or found is None:
            yield Spared(frozenset(), frozenset())

    def outlook(
        self, planned: Plan | Grid, template: str = "", owner: str = "", spared: Collection[int] = ()
    ) -> Outlook:
        """How many runs a plan or a grid of it has, and what they take, by what earlier ones took.

        The cells that are `spared` need none.
        """
        if isinstance(planned, Plan):
            template = planned.template
            try:
                grid = self.lay_out(planned, owner).grid
            except (InvalidValues, WorkflowError):
                return Outlook(0)
        else:
            grid = planned
        if grid.size > experiment_.MOST_CELLS:
            return Outlook(grid.size)
        cells = [cell for cell in grid.cells() if not cell.is_skipped and cell.index not in spared]
        return self._outlook(template, grid, cells)

    def start(self, plan: Plan, owner: str, name: str = "") -> str:
        """Lay a plan out and begin; its experiment_id.

        Raises InvalidValues with a sentence for each thing that is wrong, WorkflowError as `lay_out` does,
        StoreError where it cannot be written down.
        """
        return self.begin(plan, self.lay_out(plan, owner), owner, name)

    def begin(self, plan: Plan, laid: Laid, owner: str, name: str = "") -> str:
        """As `start`, of a plan that is laid out already."""
        problems = {_key(one, number): one.sentence for number, one in enumerate(laid.problems)}
        if not problems and all(cell.is_skipped for cell in laid.grid.cells()):
            problems = {"axes": "All cells are left out; take one in."}
        if problems:
            raise InvalidValues(problems)
        template = self._template(plan.template)
        title = template.title if template is not None else plan.template
        axes = " × ".join(axis.title for axis in laid.grid.axes)
        name = name or self.unlike(f"{title}: {axes}" if axes else title, owner)
        made = self._store.add(owner, name, title, plan, laid.grid)
        self._sheets.open(made.experiment_id)
        self._conductor.wake()
        return made.experiment_id

    def unlike(self, name: str, owner: str) -> str:
        """The name that a new one has by itself: with a number behind it where there is one of that name."""
        return numbered(name, self.names(owner))

    # Looking.

    def names(self, owner: str) -> frozenset[str]:
        """What this owner's are called."""
        return self._store.names(owner)

    def get(self, experiment_id: str) -> Experiment | None:
        """The experiment as it stands, also from the bin."""
        sheet = self._sheets.open(experiment_id)
        return sheet.seen().experiment if sheet is not None else None

    def stored(self, experiment_id: str) -> Experiment | None:
        """The experiment as it is written down, also from the bin; no cell is read for it."""
        return self._store.get(experiment_id)

    def listed(self, owner: str | None, limit: int = 50) -> tuple[Experiment, ...]:
        """This owner's newest ones, newest first; None is for everybody's."""
        return self._store.listed(owner, limit)

    def counts(self, experiment_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """How many cells of each there are: "cells" without those left out, "done", "failed", "cancelled",
        "running" (a server or the queue has them), "left" (they have not ended, the running ones too)."""
        return {one: _counts(found) for one, found in self._store.tally(experiment_ids).items()}

    def covers(self, experiment_id: str, most: int = 4) -> tuple[str, ...]:
        """Some of its completed runs by their ids, those that were kept first."""
        return self._store.covers(experiment_id, most)

    def sheet(self, experiment_id: str, newer_than: int = 0) -> SheetNow | None:
        """The sheet now; None where there is none, or none that is newer. Of each cell `version` tells when
        it changed last."""
        return self._sheets.now(experiment_id, newer_than)

    def wait(self, experiment_id: str, newer_than: int, timeout: float) -> SheetNow | None:
        """The sheet once it is newer; None after `timeout` seconds."""
        return self._sheets.wait(experiment_id, newer_than, timeout)

    def left(self, experiment_id: str) -> Estimate | None:
        """How long what is left takes, if it goes on; None where nobody can say."""
        now = self._clock()
        with self._lock:
            known = self._foretold.get(experiment_id)
        if known is not None and now - known[0] < _LEFT_FOR_S:
            return known[1]
        found = self._left(experiment_id)
        with self._lock:
            self._foretold = {one: e for one, e in self._foretold.items() if now - e[0] < _LEFT_FOR_S}
            self._foretold[experiment_id] = (now, found)
        return found

    # Acting. All of these raise StoreError where nothing can be written.

    def pause(self, experiment_id: str) -> None:
        """Begin no more cells; those that servers have go on."""
        self._conductor.halt(experiment_id, ExperimentState.PAUSED)

    def stop(self, experiment_id: str) -> None:
        """Begin no more cells, and cancel those that have begun."""
        self._conductor.halt(experiment_id, ExperimentState.STOPPED)
        sheet = self._sheets.open(experiment_id)
        if sheet is None:
            return
        with self._sheets.held():
            begun = [row.run_id for row in sheet.left() if row.run_id]
        for run_id in begun:
            self._engine.cancel(run_id)

    def resume(self, experiment_id: str) -> None:
        """Go on; cells that were cancelled are done after all."""

        def resumed(sheet: Sheet) -> list[CellRow]:
            if sheet.experiment.deleted:
                return []
            # Before it goes on, lest a crash in between leaves them out.
            rows = [_anew(row) for row in sheet.rows.values() if row.outcome is RunState.CANCELLED]
            self._store.note(experiment_id, rows)
            self._sheets.put(sheet, rows)
            one = replace(sheet.experiment, state=ExperimentState.RUNNING, problem="")
            self._store.change(experiment_id, state=one.state, problem="")
            self._sheets.release(sheet)
            self._sheets.say(sheet, one)
            return []

        self._change(experiment_id, resumed)

    def again(self, experiment_id: str, indices: Collection[int]) -> None:
        """Do these cells once more, before the others, whatever came of them and whether or not it goes on.

        Those under way and those left out stay as they are.
        """

        def asked(sheet: Sheet) -> list[CellRow]:
            known = sorted(set(indices)) if not sheet.experiment.deleted else ()
            rows = [sheet.rows[index] for index in known if index in sheet.rows]
            rows = [replace(_anew(row), asked=True) for row in rows if row.outcome or not row.run_id]
            self._sheets.release(sheet)
            # What paused itself goes on: whoever asks has mended what it paused for, or wants to see.
            is_halted = sheet.experiment.state is ExperimentState.PAUSED and sheet.experiment.problem
            if rows and (sheet.experiment.state is ExperimentState.DONE or is_halted):
                one = replace(sheet.experiment, state=ExperimentState.RUNNING, problem="")
                self._store.change(experiment_id, state=one.state, problem="")
                self._sheets.say(sheet, one)
            return rows

        self._change(experiment_id, asked)

    def judge(self, experiment_id: str, indices: Collection[int], verdict: Verdict) -> None:
        """Keep these cells, reject them, or neither."""

        def judged(sheet: Sheet) -> list[CellRow]:
            known = [index for index in indices if index in sheet.rows]
            self._store.mark(experiment_id, known, verdict=verdict)
            self._sheets.mark(sheet, known, verdict=verdict)
            return []

        self._change(experiment_id, judged)

    def rename(self, experiment_id: str, name: str) -> None:
        """Give it another name; an empty one changes nothing."""

        def renamed(sheet: Sheet) -> list[CellRow]:
            self._store.change(experiment_id, name=name)
            stored = self._store.get(experiment_id)
            if stored is not None:
                self._sheets.say(sheet, replace(sheet.experiment, name=stored.name))
            return []

        self._change(experiment_id, renamed)

    def delete(self, experiment_id: str) -> None:
        """Begin no more of it, and put it into the bin for an hour; its runs stay among the results.

        Those under way are cancelled, and no cell's any more: what had begun is to be done, as before.
        """
        for run_id in self._conductor.put_away(experiment_id):
            self._engine.cancel(run_id)

    def restore(self, experiment_id: str) -> None:
        """Bring it back from the bin: it went on until then, and is paused now."""

        def restored(sheet: Sheet) -> list[CellRow]:
            if self._store.get(experiment_id) is None:
                return []  # it was in the bin for too long
            self._store.change(experiment_id, deleted=False)
            self._sheets.say(sheet, replace(sheet.experiment, deleted=False))
            return []

        self._change(experiment_id, restored)

    def _change(self, experiment_id: str, change: Callable[[Sheet], Sequence[CellRow]]) -> None:
        """Put down the rows that `change` gives, and let the conductor see to them."""
        with self._sheets.turn():
            sheet = self._sheets.open(experiment_id)
            if sheet is None:
                return
            rows = change(sheet)
            self._store.note(experiment_id, rows)
            self._sheets.put(sheet, rows)
        self._conductor.wake()

    def _sources(self, template: str, owner: str) -> Sources:
        def preset(preset_id: str) -> experiment_.Preset | None:
            found = self._presets.get(preset_id)
            if found is None or found.template != template or not (found.shared or found.owner == owner):
                return None
            return experiment_.Preset(found.name, found.values)

        return Sources(self._lists, preset)

    def _left(self, experiment_id: str) -> Estimate | None:
        sheet = self._sheets.open(experiment_id)
        if sheet is None or not sheet.goes_on:
            return None
        with self._sheets.held():
            cells = [sheet.cells[row.index] for row in sheet.left()]
        return self._outlook(sheet.experiment.plan.template, sheet.experiment.grid, cells).seconds

    def _outlook(self, template: str, grid: Grid, cells: Sequence[Cell]) -> Outlook:
        """From some of these cells, spread over all of them."""
        chosen = [cells[place] for place in spread(len(cells), _SAMPLES)]
        found = self._template(template)
        samples = [one.workflow for cell in chosen if found and (one := self._prepared(found, grid, cell))]
        return self._engine.outlook(template, samples, len(cells))

    def _prepared(self, template: Template, grid: Grid, cell: Cell) -> Prepared | None:
        try:
            return self._engine.prepared(template, grid.values_of(cell))
        except (InvalidValues, WorkflowError, ValueError):
            return None


def spread(count: int, most: int) -> Sequence[int]:
    """So many places among these, about as many early as late ones on every axis: in even steps all of them
    may be in one column."""
    if count <= most:
        return range(count)
    return sorted({int((number + 0.5) * _GOLDEN % 1 * count) for number in range(most)})


def numbered(name: str, taken: Collection[str]) -> str:
    """A name that none of these is, and that a list holds whole."""
    name = name[:LONGEST_NAME].rstrip()
    tails = (f" {number}" for number in count(2))
    more = (f"{name[: LONGEST_NAME - len(tail)].rstrip()}{tail}" for tail in tails)
    return name if name not in taken else next(one for one in more if one not in taken)


def _anew(row: CellRow) -> CellRow:
    return replace(row, run_id="", reused=False, outcome=None, problem="")


def _counts(found: Counter[str]) -> dict[str, int]:
    return {
        "cells": found.total(),
        "done": found[RunState.COMPLETED.value],
        "failed": found[RunState.FAILED.value],
        "cancelled": found[RunState.CANCELLED.value],
        "running": found["running"],
        "left": found["running"] + found[""],
    }


def _key(problem: experiment_.Problem, number: int) -> str:
    """Where a problem is, told apart from the others."""
    where = "" if problem.axis is None else f"axis {problem.axis + 1}"
    return " ".join(part for part in (where, problem.key) if part) or f"plan {number}"
