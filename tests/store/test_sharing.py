"""What is shared is shown to others, until it is taken back or thrown away; only its owner decides it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy

from comfyui_bridge.core import workflow as workflows
from comfyui_bridge.core.experiment import Grid, Plan
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.sweep import Axis, Variation
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.experiments import BIN_S, CellRow, ExperimentStore
from comfyui_bridge.store.run_index import RunIndex
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.store.sharing import Sharing

GRAPH = workflows.parse({"1": {"class_type": "A", "inputs": {"n": 1}}})
GRID = Grid({}, (Axis("N", tuple(Variation(f"{n}", {"n": n}) for n in range(3))),))


class House:
    """A run of Ann's that stands alone, one that was made in her experiment, one that is reused there."""

    def __init__(self, database: Database) -> None:
        self.now = 1000.0
        self.database = database
        self.runs, self.index = RunStore(database), RunIndex(database)
        self.experiments = ExperimentStore(database, lambda: self.now)
        self.sharing = Sharing(database)
        self.sheet = self.experiments.add("ann", "", "Lake", Plan("t", {}), GRID).experiment_id
        self.alone, self.reused, self.nobodys = self.run(), self.run(), self.run("")
        self.made = self.run(experiment=self.sheet, cell=0)
        row = CellRow(1, self.reused, reused=True, outcome=RunState.COMPLETED)
        self.experiments.note(self.sheet, [row])

    def run(self, owner: str = "ann", experiment: str = "", cell: int | None = None) -> str:
        made = Run(uuid.uuid4().hex, str(uuid.uuid4()), GRAPH, 1.0, owner=owner, experiment=experiment)
        self.runs.insert(made, cell)
        self.runs.update(replace(made, state=RunState.COMPLETED))
        return made.run_id

    def shown(self) -> set[str]:
        """The names of those runs that others may see."""
        names = ("alone", "reused", "made", "nobodys")
        found = self.sharing.shown([getattr(self, name) for name in names])
        return {name for name in names if getattr(self, name) in found}

    def rows(self) -> int:
        with self.database.reading() as connection:
            count = "SELECT (SELECT COUNT(*) FROM shared_runs) + (SELECT COUNT(*) FROM shared_experiments)"
            return int(connection.scalar(sqlalchemy.text(count)) or 0)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Database(tmp_path) as database:
        yield House(database)


STEPS: dict[str, Callable[[House], object]] = {
    "share the run": lambda house: house.sharing.share_run(house.alone, "ann"),
    "share it twice": lambda house: [house.sharing.share_run(house.alone, "ann") for _ in range(2)],
    "take it back": lambda house: house.sharing.share_run(house.alone, "ann", on=False),
    "bob shares the run": lambda house: house.sharing.share_run(house.alone, "bob"),
    "bob takes it back": lambda house: house.sharing.share_run(house.alone, "bob", on=False),
    "nobody shares the run": lambda house: house.sharing.share_run(house.alone, ""),
    "somebody shares nobody's": lambda house: house.sharing.share_run(house.nobodys, ""),
    "share what is not there": lambda house: house.sharing.share_run("nothing", "ann"),
    "delete the run": lambda house: house.index.delete([house.alone], 5.0),
    "restore the run": lambda house: house.index.restore([house.alone]),
    "share the sheet": lambda house: house.sharing.share_experiment(house.sheet, "ann"),
    "take the sheet back": lambda house: house.sharing.share_experiment(house.sheet, "ann", on=False),
    "bob shares the sheet": lambda house: house.sharing.share_experiment(house.sheet, "bob"),
    "delete the sheet": lambda house: house.experiments.put_away(house.sheet, []),
    "restore the sheet": lambda house: house.experiments.change(house.sheet, deleted=False),
    "do a cell again": lambda house: house.experiments.note(house.sheet, [CellRow(1)]),
    "delete its run": lambda house: house.index.delete([house.made], 5.0),
}


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        ("", ""),
        ("share the run", "alone"),
        ("share it twice", "alone"),
        ("share the run, take it back", ""),
        ("take it back", ""),
        ("bob shares the run", ""),
        ("share the run, bob takes it back", "alone"),
        ("nobody shares the run", ""),
        ("somebody shares nobody's", ""),
        ("share what is not there", ""),
        ("share the run, delete the run", ""),
        ("share the run, delete the run, restore the run", "alone"),
        ("share the sheet", "made reused"),
        ("share the run, share the sheet, take it back", "made reused"),
        ("share the sheet, take the sheet back", ""),
        ("bob shares the sheet", ""),
        ("share the sheet, delete the sheet", ""),
        ("share the sheet, delete the sheet, restore the sheet", "made reused"),
        ("share the sheet, do a cell again", "made"),
        ("share the sheet, delete its run", "reused"),
    ],
)
def test_what_others_see(house: House, steps: str, shown: str) -> None:
    for step in filter(None, steps.split(", ")):
        STEPS[step](house)
    assert house.shown() == set(shown.split())


def test_whether_it_was_shared_is_told_to_who_may_decide_it(house: House) -> None:
    sharing = house.sharing
    assert sharing.share_run(house.alone, "ann")
    assert not sharing.share_run(house.alone, "bob", on=False)
    assert (sharing.has_run(house.alone), sharing.has_run(house.made)) == (True, False)
    assert sharing.share_experiment(house.sheet, "ann")
    assert not sharing.share_experiment("nothing", "ann")
    assert (sharing.has_experiment(house.sheet), sharing.has_run(house.made)) == (True, False)
    assert sharing.share_experiment(house.sheet, "ann", on=False)
    assert not sharing.has_experiment(house.sheet)


def test_many_are_asked_for_at_once(house: House) -> None:
    house.sharing.share_run(house.alone, "ann")
    many = [f"run-{number}" for number in range(1200)]
    assert house.sharing.shown([*many, house.alone]) == {house.alone}
    assert house.sharing.shown([]) == frozenset()


def test_another_s_run_in_a_cell_is_not_one_s_to_show(house: House) -> None:
    bobs = house.run("bob")
    house.experiments.note(house.sheet, [CellRow(2, bobs, reused=True, outcome=RunState.COMPLETED)])
    house.sharing.share_experiment(house.sheet, "ann")
    assert house.sharing.shown([bobs, house.made]) == {house.made}


def test_what_goes_for_good_takes_it_along(house: House) -> None:
    house.sharing.share_run(house.alone, "ann")
    house.sharing.share_run(house.made, "ann")
    house.sharing.share_experiment(house.sheet, "ann")
    house.index.forget([house.alone])
    house.experiments.take_back(house.sheet, [house.made])
    assert house.rows() == 1
    house.experiments.put_away(house.sheet, [])
    house.now += BIN_S + 1
    house.experiments.add("ann", "", "Other", Plan("t", {}), GRID)
    assert house.rows() == 0
