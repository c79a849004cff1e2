"""Kept files stay within their limits, oldest unstarred first, and whatever went is told."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from comfyui_bridge.core import workflow
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.engine.housekeeper import Housekeeper, Limits
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.run_index import RunIndex, Search
from comfyui_bridge.store.runs import RunStore

GRAPH = workflow.parse({"1": {"class_type": "Paint", "inputs": {}}})


@dataclass
class House:
    """A data folder with a clock of its own, and what was told of it."""

    folder: Path
    database: Database
    now: float = 1000.0
    changed: list[Run] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runs, self.index = RunStore(self.database), RunIndex(self.database)
        self.media = MediaStore(self.folder)

    def run(self, at: float, size: int = 100, state: RunState = RunState.COMPLETED) -> str:
        run_id = uuid.uuid4().hex
        kept = self.media.keep(run_id, OutputFile("a.png"), [b"x" * size])
        self.runs.insert(Run(run_id, str(uuid.uuid4()), GRAPH, at, state=state, kept=(kept,)))
        return run_id

    def keeper(self, **limits: float) -> Housekeeper:
        return Housekeeper(
            self.runs,
            self.index,
            self.media,
            Limits(**limits),
            clock=lambda: self.now,
            changed=self.changed.append,
            gone=self.gone.append,
        )

    def has_files(self, run_id: str) -> bool:
        return bool(self.media.names(run_id))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Database(tmp_path) as database:
        yield House(tmp_path, database)


def test_the_oldest_without_a_star_goes_until_all_fit(house: House) -> None:
    starred, second, third, fourth = (house.run(float(at)) for at in range(4))
    house.index.star([starred], True)
    keeper = house.keeper(bytes=250)
    keeper.tidy()
    assert [house.has_files(run) for run in (starred, second, third, fourth)] == [True, False, False, True]
    without = house.runs.get(second)
    assert without is not None
    assert without.kept == ()
    assert [(entry.kind, entry.text) for entry in without.log] == [("removed", "space")]
    assert [run.run_id for run in house.changed] == [second, third]
    usage = keeper.usage()
    assert (usage.bytes, usage.limit, usage.removed_runs, usage.removed_bytes) == (200, 250, 2, 200)
    assert usage.removed_at == house.now


def test_what_is_too_old_goes_and_what_is_under_way_stays(house: House) -> None:
    old, going, young = house.run(1.0), house.run(2.0, state=RunState.IN_PROGRESS), house.run(950.0)
    house.keeper(seconds=100.0).tidy()
    assert [house.has_files(run) for run in (old, going, young)] == [False, True, True]


def test_starred_files_may_exceed_the_limit_and_are_not_touched(house: House) -> None:
    run = house.run(1.0, size=500)
    house.index.star([run], True)
    keeper = house.keeper(bytes=100)
    keeper.tidy()
    assert house.has_files(run)
    assert keeper.usage().bytes == 500


def test_the_bin_is_emptied_after_a_while(house: House) -> None:
    run, other = house.run(1.0), house.run(2.0)
    house.index.delete([run], house.now)
    keeper = house.keeper(bin_seconds=60.0)
    keeper.tidy()
    assert house.has_files(run)
    house.now += 61.0
    keeper.tidy()
    assert not house.has_files(run)
    assert house.runs.get(run) is None
    assert house.gone == [run]
    assert [found.run_id for found in house.runs.search(Search(), 9).runs] == [other]


def test_a_crash_between_files_and_row_is_made_good(house: House) -> None:
    run = house.run(1.0)
    house.media.forget(run)  # and the row still says that they are there
    house.keeper(bytes=10).tidy()
    found = house.runs.get(run)
    assert found is not None
    assert found.kept == ()
    assert house.index.bytes_kept() == 0


def test_what_a_crash_left_of_a_removed_folder_is_swept_at_the_next_start(house: House) -> None:
    left = house.folder / "media" / ".making" / ".0123.half"
    left.mkdir()
    (left / "a.png").write_bytes(b"x")
    MediaStore(house.folder)
    assert not left.exists()


def test_what_a_crash_left_is_made_good(house: House) -> None:
    whole, lost = house.run(1.0), house.run(2.0)
    house.media.keep("of-no-run", OutputFile("a.png"), [b"x"])
    house.media.forget(lost)  # and the row did not say so any more
    house.keeper().sweep()
    assert house.media.run_ids() == {whole}
    without = house.runs.get(lost)
    assert without is not None
    assert without.kept == ()
    assert [(entry.kind, entry.text) for entry in without.log] == [("removed", "lost")]
    assert [run.run_id for run in house.changed] == [lost]
    house.keeper().sweep()
    assert len(house.changed) == 1


def test_the_files_of_another_database_stay(house: House) -> None:
    known = house.run(1.0)
    for name in ("one", "two"):
        house.media.keep(name, OutputFile("a.png"), [b"x"])
    house.keeper().sweep()
    assert house.media.run_ids() == {known, "one", "two"}
