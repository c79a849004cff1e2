"""Experiments as rows: a cell and its run are there together or not at all, and the bin is emptied."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy

from comfyui_bridge.core import workflow as workflows
from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.core.experiment import (
    AxisKind,
    AxisPlan,
    Experiment,
    ExperimentState,
    Grid,
    Plan,
    Verdict,
)
from comfyui_bridge.core.outputs import KeptFile, OutputFile
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.run_log import LogEntry
from comfyui_bridge.core.sweep import Axis, Variation
from comfyui_bridge.core.values import FileValue
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.experiments import CellRow, ExperimentStore
from comfyui_bridge.store.runs import RunStore

GRAPH = workflows.parse({"1": {"class_type": "A", "inputs": {"n": 1}}})
FILE = FileValue("ab" * 32 + ".png", "mine.png")
PLAN = Plan("t", {"seed": 2**63 - 1, "image": FILE}, (AxisPlan(AxisKind.VALUES, "n", "1..4"),))
GRID = Grid(
    PLAN.values, (Axis("N", tuple(Variation(f"{n}", {"n": n}) for n in range(4))),), frozenset({("2",)})
)


class Stores:
    def __init__(self, database: Database) -> None:
        self.now = 1000.0
        self.runs = RunStore(database)
        self.kept = ExperimentStore(database, lambda: self.now)
        self.database = database

    def add(self, owner: str = "ann", name: str = "Mine") -> Experiment:
        self.now += 1
        return self.kept.add(owner, name, "Lake", PLAN, GRID)

    def fill(self, experiment_id: str, cell: int, state: RunState = RunState.PENDING, **more: object) -> Run:
        run = Run(uuid.uuid4().hex, str(uuid.uuid4()), GRAPH, self.now, experiment=experiment_id, owner="ann")
        self.runs.insert(run, cell)
        if state is not RunState.PENDING:
            run = replace(run, state=state, **more)
            self.runs.update(run)
        return run


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with Database(tmp_path) as database:
        yield Stores(database)


def test_what_goes_in_comes_out(stores: Stores, tmp_path: Path) -> None:
    made = stores.add(name=" My\n lake \x00")
    assert (made.name, made.state, made.deleted) == ("My lake", ExperimentState.RUNNING, False)
    assert ExperimentStore(stores.database).get(made.experiment_id) == made
    assert [row.index for row in stores.kept.cells(made.experiment_id)] == [0, 1, 3]
    assert sum(FILE.ref[:64] in text for text in stores.kept.texts()) == 2
    row = CellRow(3, "r", True, True, RunState.FAILED, Verdict.KEPT, "why")
    stores.kept.note(made.experiment_id, (row,))
    assert stores.kept.cells(made.experiment_id)[-1] == row
    assert stores.add(name="").name == "Lake"


def test_a_cell_and_its_run_are_written_together_or_not_at_all(stores: Stores) -> None:
    one, other = stores.add().experiment_id, stores.add().experiment_id
    run = stores.fill(one, 0)
    for experiment_id, cell in ((one, 0), (one, 2), ("gone", 0)):  # filled, left out, unknown
        with pytest.raises(StoreError, match="has a run, or is gone"):
            stores.fill(experiment_id, cell)
    assert stores.runs.count() == 1
    stores.fill(one, 1, RunState.FAILED)
    stores.kept.note(other, (CellRow(0, run.run_id, reused=True),))
    assert stores.kept.under_way() == {one}
    told = stores.kept.tally([one, other, "gone"])
    assert {key: dict(many) for key, many in told.items()} == {
        one: {"running": 1, "failed": 1, "": 1},
        other: {"running": 1, "": 2},
        "gone": {},
    }
    stores.runs.update(replace(run, state=RunState.COMPLETED))
    assert [row.outcome for row in stores.kept.cells(one)] == [RunState.COMPLETED, RunState.FAILED, None]
    # A verdict changes nothing else, whatever has become of the run in the same moment.
    stores.kept.mark(one, [0, 3], verdict=Verdict.KEPT)
    stores.kept.mark(one, [3], asked=True)
    stores.kept.mark(one, [])
    told_now = [(row.outcome, row.verdict, row.asked) for row in stores.kept.cells(one)]
    assert told_now[0] == (RunState.COMPLETED, Verdict.KEPT, False)
    assert told_now[2] == (None, Verdict.KEPT, True)
    # What never began leaves nothing behind.
    waiting = stores.fill(one, 3)
    stores.kept.take_back(one, [waiting.run_id])
    assert stores.runs.get(waiting.run_id) is None
    assert stores.kept.cells(one)[-1] == CellRow(3, verdict=Verdict.KEPT)
    stores.fill(one, 3)


def test_what_is_listed_and_what_the_bin_holds(stores: Stores) -> None:
    first, second, bobs = stores.add(), stores.add(), stores.add("bob")
    assert [one.owner for one in stores.kept.listed(None, 9)] == ["bob", "ann", "ann"]
    stores.kept.change(first.experiment_id, state=ExperimentState.PAUSED, problem="no", name="A")
    stores.kept.change(second.experiment_id, deleted=True, name=" ")
    assert stores.kept.listed("ann", 9) == (
        replace(first, state=ExperimentState.PAUSED, problem="no", name="A"),
    )
    assert stores.kept.get(second.experiment_id) == replace(second, deleted=True)
    assert stores.kept.running() == (bobs.experiment_id,)
    assert stores.kept.running("ann") == ()
    stores.now += 3600.5
    stores.add()
    assert stores.kept.get(second.experiment_id) is None
    assert stores.kept.cells(second.experiment_id) == ()
    assert stores.kept.get(first.experiment_id) is not None


def test_covers_and_what_was_done_before(stores: Stores) -> None:
    made = stores.add()
    files = (KeptFile("a.png", 3, OutputFile("a.png")),)
    log = (LogEntry(1.0, "node", "1"), LogEntry(2.0, "removed", "", "age"))
    done = [
        stores.fill(made.experiment_id, cell, RunState.COMPLETED, kept=kept, fingerprint=f"f{cell}", log=log)
        for cell, kept in ((0, files), (1, ()), (3, files))
    ]
    stores.kept.note(
        made.experiment_id,
        [
            CellRow(0, done[0].run_id, outcome=RunState.COMPLETED, verdict=Verdict.REJECTED),
            CellRow(3, done[2].run_id, outcome=RunState.COMPLETED, verdict=Verdict.KEPT),
        ],
    )
    assert stores.kept.covers(made.experiment_id, 4) == (done[2].run_id, done[1].run_id)
    found = stores.runs.done(["f0", "f1", "f3", "f4"], "ann")
    assert set(found) == {"f0", "f3"}
    assert stores.runs.done(["f0"], "bob") == {}
    brief = stores.runs.brief([done[0].run_id, "gone"])
    assert list(brief) == [done[0].run_id]
    (run,) = brief.values()
    assert (run.kept, run.values, dict(run.workflow.nodes)) == (files, {}, {})
    assert [entry.kind for entry in run.log] == ["removed"]


def test_each_question_has_its_index(stores: Stores) -> None:
    asked = {
        "SELECT * FROM runs WHERE fingerprint IN ('a', 'b') AND owner = ''": "runs_by_fingerprint",
        "UPDATE experiment_cells SET outcome = '' WHERE experiment_id = 'a' AND run_id = 'b'": (
            "experiment_cells_by_run"
        ),
        "SELECT * FROM experiments WHERE owner = '' ORDER BY created_at DESC LIMIT 9": "experiments_by_owner",
        "SELECT * FROM experiments ORDER BY created_at DESC LIMIT 9": "experiments_by_time",
        "SELECT experiment FROM runs WHERE state IN ('pending') AND experiment != ''": "runs_by_state",
    }
    with stores.database.reading() as connection:
        for sql, index in asked.items():
            plan = connection.execute(sqlalchemy.text(f"EXPLAIN QUERY PLAN {sql}")).all()
            assert index in str(plan), f"{sql}: {plan}"
