"""Experiments as rows, and which run fills each of their cells.

A run and its cell are written in one go, by the run store: so that no cell is done twice or forgotten,
whatever happens in between. What is left out has no row.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import time
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, update

from comfyui_bridge.core.experiment import Experiment, ExperimentState, Grid, Plan, Verdict
from comfyui_bridge.core.run import RunState
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.tables import experiment_cells as cells
from comfyui_bridge.store.tables import experiments, run_index, runs, shared_experiments, shared_runs

BIN_S = 3600.0
"""How long a deleted experiment can be brought back."""
LONGEST_NAME = 120
_READ_KEPT = 64
_SHORT = [column for column in experiments.c if column.name not in ("plan", "grid")]


@dataclass(frozen=True)
class CellRow:
    """What is written down of a cell."""

    index: int
    run_id: str = ""
    """The run that fills it; empty until there is one."""
    reused: bool = False
    asked: bool = False
    """Somebody asked for this very cell, whatever becomes of the others."""
    outcome: RunState | None = None
    """How its run ended; failed where none could be made."""
    verdict: Verdict = Verdict.NONE
    problem: str = ""


class ExperimentStore:
    """Any thread may call any method. Raises StoreError where nothing can be written."""

    def __init__(self, database: Database, clock: Callable[[], float] = time) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()  # guards what was read
        self._read: OrderedDict[str, tuple[Plan, Grid]] = OrderedDict()
        """Plans and grids, which never change: pages list them again and again."""

    def add(self, owner: str, name: str, title: str, plan: Plan, grid: Grid) -> Experiment:
        """Keep a new experiment, all of its cells to be done; those in the bin for long go."""
        now = self._clock()
        new = Experiment(uuid.uuid4().hex, owner, "", title, plan, grid, ExperimentState.RUNNING, now)
        new = replace(new, name=_named(name) or title)
        rows = [_cell_to_row(new.experiment_id, CellRow(c.index)) for c in grid.cells() if not c.is_skipped]
        with self._database.writing() as connection:
            gone = select(experiments.c.experiment_id).where(experiments.c.deleted_at < now - BIN_S)
            connection.execute(delete(shared_experiments).where(shared_experiments.c.experiment_id.in_(gone)))
            connection.execute(delete(cells).where(cells.c.experiment_id.in_(gone)))
            connection.execute(delete(experiments).where(experiments.c.deleted_at < now - BIN_S))
            connection.execute(insert(experiments).values(_to_row(new)))
            if rows:
                connection.execute(insert(cells), rows)
        return new

    def get(self, experiment_id: str) -> Experiment | None:
        """The experiment, also from the bin."""
        found = self._experiments(select(*_SHORT).where(experiments.c.experiment_id == experiment_id))
        return found[0] if found else None

    def listed(self, owner: str | None, limit: int) -> tuple[Experiment, ...]:
        """The newest ones that are not in the bin, newest first; None is for everybody's."""
        wanted = select(*_SHORT).where(experiments.c.deleted_at.is_(None))
        if owner is not None:
            wanted = wanted.where(experiments.c.owner == owner)
        return self._experiments(wanted.order_by(experiments.c.created_at.desc()).limit(limit))

    def names(self, owner: str) -> frozenset[str]:
        """What this owner's are called, but for those in the bin."""
        wanted = select(experiments.c.name).where(
            experiments.c.owner == owner, experiments.c.deleted_at.is_(None)
        )
        with self._database.reading() as connection:
            return frozenset(connection.scalars(wanted))

    def running(self, owner: str | None = None) -> tuple[str, ...]:
        """The ids of those that go on, oldest first."""
        wanted = select(experiments.c.experiment_id).where(
            experiments.c.state == ExperimentState.RUNNING.value, experiments.c.deleted_at.is_(None)
        )
        if owner is not None:
            wanted = wanted.where(experiments.c.owner == owner)
        with self._database.reading() as connection:
            return tuple(connection.scalars(wanted.order_by(experiments.c.created_at)))

    def under_way(self) -> frozenset[str]:
        """The ids of those with runs that have not ended, whether they go on or not."""
        unfinished = [state.value for state in RunState if not state.is_final]
        wanted = select(runs.c.experiment).where(runs.c.state.in_(unfinished), runs.c.experiment != "")
        with self._database.reading() as connection:
            return frozenset(connection.scalars(wanted.distinct()))

    def cells(self, experiment_id: str) -> tuple[CellRow, ...]:
        """The cells that are not left out, in order."""
        wanted = select(cells).where(cells.c.experiment_id == experiment_id).order_by(cells.c.cell)
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
        return tuple(map(_cell_from_row, rows))

    def change(
        self,
        experiment_id: str,
        *,
        state: ExperimentState | None = None,
        problem: str | None = None,
        name: str | None = None,
        deleted: bool | None = None,
    ) -> None:
        """Put down what is given of an experiment; an empty name changes nothing."""
        row: dict[str, Any] = {}
        if state is not None:
            row["state"] = state.value
        if problem is not None:
            row["problem"] = problem
        if name is not None and _named(name):
            row["name"] = _named(name)
        if deleted is not None:
            row["deleted_at"] = self._clock() if deleted else None
        if row:
            is_it = experiments.c.experiment_id == experiment_id
            with self._database.writing() as connection:
                connection.execute(update(experiments).where(is_it).values(row))

    def note(self, experiment_id: str, changed: Collection[CellRow]) -> None:
        """Put down these cells as they stand now; none of them has a run that may end meanwhile."""
        if not changed:
            return
        rows = [{"its_cell": one.index, **_cell_to_row(experiment_id, one)} for one in changed]
        is_it = (cells.c.experiment_id == experiment_id, cells.c.cell == bindparam("its_cell"))
        with self._database.writing() as connection:
            connection.execute(update(cells).where(*is_it), rows)

    def mark(
        self,
        experiment_id: str,
        indices: Collection[int],
        *,
        asked: bool | None = None,
        verdict: Verdict | None = None,
    ) -> None:
        """Put this down of these cells, and leave alone what becomes of their runs."""
        row: dict[str, Any] = {} if asked is None else {"asked": asked}
        if verdict is not None:
            row["verdict"] = verdict.value
        rows = [{"its_cell": index, **row} for index in indices]
        is_it = (cells.c.experiment_id == experiment_id, cells.c.cell == bindparam("its_cell"))
        if rows and row:
            with self._database.writing() as connection:
                connection.execute(update(cells).where(*is_it), rows)

    def take_back(self, experiment_id: str, run_ids: Sequence[str]) -> None:
        """Forget runs that never began; their cells are to be done again."""
        with self._database.writing() as connection:
            which = select(runs.c.position).where(runs.c.run_id.in_(run_ids))
            is_its = (cells.c.experiment_id == experiment_id, cells.c.run_id.in_(run_ids))
            connection.execute(update(cells).where(*is_its).values(run_id="", asked=False))
            connection.execute(delete(shared_runs).where(shared_runs.c.run_id.in_(run_ids)))
            connection.execute(delete(run_index).where(run_index.c.position.in_(which)))
            connection.execute(delete(runs).where(runs.c.run_id.in_(run_ids)))

    def put_away(self, experiment_id: str, run_ids: Sequence[str]) -> tuple[CellRow, ...]:
        """Put an experiment into the bin; its cells as they stand then.

        Those of these runs that have not ended fill their cells no more, which are to be done again.
        """
        is_its = (cells.c.experiment_id == experiment_id, cells.c.run_id.in_(run_ids), cells.c.outcome == "")
        row = {"deleted_at": self._clock()}
        with self._database.writing() as connection:
            connection.execute(update(cells).where(*is_its).values(run_id="", asked=False))
            connection.execute(
                update(experiments).where(experiments.c.experiment_id == experiment_id).values(row)
            )
        return self.cells(experiment_id)

    def adrift(self, experiment_id: str) -> tuple[str, ...]:
        """The runs of an experiment that have not ended and are no cell's, since it was deleted."""
        unfinished = [state.value for state in RunState if not state.is_final]
        in_cells = select(cells.c.run_id).where(cells.c.experiment_id == experiment_id)
        wanted = select(runs.c.run_id).where(runs.c.state.in_(unfinished), runs.c.experiment == experiment_id)
        with self._database.reading() as connection:
            return tuple(connection.scalars(wanted.where(runs.c.run_id.not_in(in_cells))))

    def of_deleted(self) -> tuple[str, ...]:
        """The runs of deleted experiments that nobody got round to cancelling."""
        unfinished = [state.value for state in RunState if not state.is_final]
        wanted = select(runs.c.run_id).join(experiments, experiments.c.experiment_id == runs.c.experiment)
        wanted = wanted.where(runs.c.state.in_(unfinished), experiments.c.deleted_at.is_not(None))
        with self._database.reading() as connection:
            return tuple(connection.scalars(wanted))

    def texts(self) -> Iterator[str]:
        """The plans and grids of all experiments as they are stored, those in the bin included."""
        with self._database.reading() as connection:
            for row in connection.execute(select(experiments.c.plan, experiments.c.grid)):
                yield from row

    def _experiments(self, wanted: Select[Any]) -> tuple[Experiment, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
            return tuple(_from_row(row, *self._plan_of(row.experiment_id, connection)) for row in rows)

    def _plan_of(self, experiment_id: str, connection: Connection) -> tuple[Plan, Grid]:
        with self._lock:
            known = self._read.get(experiment_id)
            if known is not None:
                self._read.move_to_end(experiment_id)
                return known
        is_it = experiments.c.experiment_id == experiment_id
        row = connection.execute(select(experiments.c.plan, experiments.c.grid).where(is_it)).one()
        read = Plan.parse(json.loads(row.plan)), Grid.from_json(json.loads(row.grid))
        with self._lock:
            self._read[experiment_id] = read
            while len(self._read) > _READ_KEPT:
                self._read.popitem(last=False)
        return read

    def tally(self, experiment_ids: Sequence[str]) -> Mapping[str, Counter[str]]:
        """Of each experiment, how many cells ended in which state; "running" is those that have a run that
        has not ended, "" those that have none."""
        found: dict[str, Counter[str]] = {one: Counter() for one in experiment_ids}
        has_run = (cells.c.run_id != "").label("has_run")
        wanted = (
            select(cells.c.experiment_id, cells.c.outcome, has_run, func.count().label("many"))
            .where(cells.c.experiment_id.in_(experiment_ids))
            .group_by(cells.c.experiment_id, cells.c.outcome, has_run)
        )
        with self._database.reading() as connection:
            for row in connection.execute(wanted):
                what = row.outcome or ("running" if row.has_run else "")
                found[row.experiment_id][what] += row.many
        return found

    def covers(self, experiment_id: str, most: int) -> tuple[str, ...]:
        """Some runs that were completed, those of kept cells first."""
        is_done = (cells.c.experiment_id == experiment_id, cells.c.outcome == RunState.COMPLETED.value)
        wanted = select(cells.c.run_id).where(*is_done, cells.c.verdict != Verdict.REJECTED.value)
        wanted = wanted.order_by((cells.c.verdict == Verdict.KEPT.value).desc(), cells.c.cell)
        with self._database.reading() as connection:
            return tuple(connection.scalars(wanted.limit(most)))


def _named(name: str) -> str:
    """A name that can be read in a list."""
    return " ".join("".join(c for c in name if c.isprintable()).split())[:LONGEST_NAME]


def _to_row(one: Experiment) -> dict[str, Any]:
    return {
        "experiment_id": one.experiment_id,
        "owner": one.owner,
        "name": one.name,
        "title": one.title,
        "state": one.state.value,
        "problem": one.problem,
        "created_at": one.created_at,
        "plan": json.dumps(one.plan.to_json()),
        "grid": json.dumps(one.grid.to_json()),
    }


def _from_row(row: Row[Any], plan: Plan, grid: Grid) -> Experiment:
    return Experiment(
        experiment_id=row.experiment_id,
        owner=row.owner,
        name=row.name,
        title=row.title,
        plan=plan,
        grid=grid,
        state=ExperimentState(row.state),
        created_at=row.created_at,
        problem=row.problem,
        deleted=row.deleted_at is not None,
    )


def _cell_to_row(experiment_id: str, one: CellRow) -> dict[str, Any]:
    return {
        "experiment_id": experiment_id,
        "cell": one.index,
        "run_id": one.run_id,
        "reused": one.reused,
        "asked": one.asked,
        "outcome": one.outcome.value if one.outcome else "",
        "verdict": one.verdict.value,
        "problem": one.problem,
    }


def _cell_from_row(row: Row[Any]) -> CellRow:
    return CellRow(
        index=row.cell,
        run_id=row.run_id,
        reused=row.reused,
        asked=row.asked,
        outcome=RunState(row.outcome) if row.outcome else None,
        verdict=Verdict(row.verdict),
        problem=row.problem,
    )
