"""Kept files stay within their limits, oldest unstarred first, and whatever went is told."""

from __future__ import annotations

import io
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from comfyui_bridge.core import workflow
from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.core.experiment import Grid, Plan, Verdict
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.sweep import Axis, Variation
from comfyui_bridge.engine.housekeeper import Housekeeper, Limits
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.editor import Editor
from comfyui_bridge.store.experiments import CellRow, ExperimentStore
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.presets import PresetStore
from comfyui_bridge.store.run_index import RunIndex, Search
from comfyui_bridge.store.runs import RunStore

GRAPH = workflow.parse({"1": {"class_type": "Paint", "inputs": {}}})


@dataclass
class House:
    """A data folder with a clock of its own, and what was told of it."""

    folder: Path
    database: Database
    now: float = field(default_factory=time.time)
    changed: list[Run] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runs, self.index = RunStore(self.database), RunIndex(self.database)
        self.media = MediaStore(self.folder)

    def run(
        self, at: float, size: int = 100, state: RunState = RunState.COMPLETED, given: FileValue | None = None
    ) -> str:
        run_id = uuid.uuid4().hex
        kept = (self.media.keep(run_id, OutputFile("a.png"), [b"x" * size]),) if size else ()
        values = {} if given is None else {"image": given.to_json()}
        graph = GRAPH if given is None else GRAPH.with_input("1", "image", given.to_json())
        self.runs.insert(Run(run_id, str(uuid.uuid4()), graph, at, state=state, kept=kept, values=values))
        return run_id

    def upload(self, content: bytes, *, hours: float = 48.0) -> FileValue:
        """A file that somebody uploaded so long ago."""
        key = self.media.keep_upload(io.BytesIO(content), "mine.png")
        at = self.now - hours * 3600
        os.utime(self.media.upload_path(key), (at, at))
        return FileValue(key, "mine.png")

    def has_upload(self, file: FileValue) -> bool:
        return file.ref in {upload.key for upload in self.media.uploads()}

    def keeper(self, *texts: Callable[[], Iterable[str]], **limits: float) -> Housekeeper:
        return Housekeeper(
            self.runs,
            self.index,
            self.media,
            Limits(**limits),
            clock=lambda: self.now,
            changed=self.changed.append,
            gone=self.gone.append,
            texts=texts or (lambda: (),),
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
    young = house.run(house.now - 50)
    old, going = house.run(1.0), house.run(2.0, state=RunState.IN_PROGRESS)
    house.keeper(seconds=100.0).tidy()
    assert [house.has_files(run) for run in (old, going, young)] == [False, True, True]


def test_starred_files_may_exceed_the_limit_and_are_not_touched(house: House) -> None:
    run = house.run(1.0, size=500)
    house.index.star([run], True)
    keeper = house.keeper(bytes=100)
    keeper.tidy()
    assert house.has_files(run)
    assert keeper.usage().bytes == 500


def test_what_fills_a_kept_cell_stays_as_if_it_had_a_star(house: House) -> None:
    axis = Axis("N", tuple(Variation(f"{number}", {"n": number}) for number in range(4)))
    experiments = ExperimentStore(house.database, lambda: house.now)
    experiment_id = experiments.add("ann", "", "Lake", Plan("lake", {}), Grid({}, (axis,))).experiment_id
    cells = [house.run(1.0) for _ in range(3)]
    single = house.run(2.0)
    given = house.upload(b"picture")
    text = house.run(3.0, size=0, given=given)  # a run that made no files needs its upload all the more
    filled = [
        CellRow(at, run_id, True, outcome=RunState.COMPLETED) for at, run_id in enumerate([*cells, text])
    ]
    experiments.note(experiment_id, filled)
    experiments.mark(experiment_id, [0, 3], verdict=Verdict.KEPT)
    experiments.mark(experiment_id, [1], verdict=Verdict.REJECTED)
    keeper = house.keeper(bytes=100, seconds=1.0)
    keeper.tidy()
    assert [house.has_files(run) for run in (*cells, single)] == [True, False, False, False]
    assert house.has_upload(given)
    # Deleted, it can still be brought back; and a cell that is kept no more is like any other.
    experiments.put_away(experiment_id, ())
    keeper.tidy()
    assert house.has_files(cells[0])
    experiments.mark(experiment_id, [0, 3], verdict=Verdict.NONE)
    keeper.tidy()
    assert not house.has_files(cells[0])
    assert not house.has_upload(given)


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


# What people uploaded


def test_an_upload_goes_once_its_last_run_is_gone_for_good(house: House) -> None:
    file = house.upload(b"a fox")
    run = house.run(1.0, given=file)
    house.index.delete([run], house.now)
    keeper = house.keeper(bin_seconds=60.0)
    keeper.tidy()
    assert house.has_upload(file), "the run can be brought back"
    house.now += 61.0
    keeper.tidy()
    assert house.runs.get(run) is None
    house.now += 3600.0
    keeper.tidy()
    assert not house.has_upload(file)
    usage = keeper.usage()
    assert (usage.bytes, usage.removed_uploads, usage.removed_bytes) == (0, 1, 5)


def test_an_upload_stays_that_anything_names_or_that_was_just_used(house: House, tmp_path: Path) -> None:
    presets, library = PresetStore(house.database), tmp_path / "workflows"
    library.mkdir()
    editor = Editor(library, tmp_path / "trash")
    files = {name: house.upload(name.encode()) for name in ("run", "preset", "card", "trash", "held", "none")}
    fresh = house.upload(b"fresh", hours=23.0)
    house.run(1.0, size=0, given=files["run"])
    presets.keep("t", "p", {"image": files["preset"].to_json()}, "ann")
    editor.add("a", GRAPH.to_api(), {"inputs": {"1.image": {"default": files["card"].to_json()}}})
    editor.delete(editor.add("b", GRAPH.with_input("1", "image", files["trash"].to_json()).to_api()))
    house.media.hold_upload(files["held"].ref)
    house.keeper(presets.texts, editor.texts).tidy()
    assert [name for name, file in files.items() if not house.has_upload(file)] == ["none"]
    assert house.has_upload(fresh)


def test_uploads_count_and_go_with_the_runs_whose_files_make_room(house: House) -> None:
    shared, own, starred = (house.upload(content * 100) for content in (b"s", b"o", b"*"))
    runs = [house.run(1.0, given=shared), house.run(2.0, given=own), house.run(3.0, given=shared)]
    favourite = house.run(0.0, given=starred)
    house.index.star([favourite], True)
    keeper = house.keeper(bytes=420)
    keeper.tidy()  # of 700 bytes: the oldest runs' files, and the input that only one of them had
    assert [house.has_files(run) for run in (*runs, favourite)] == [False, False, True, True]
    assert [house.has_upload(file) for file in (shared, own, starred)] == [True, False, True]
    assert keeper.usage().bytes == 400


def test_uploads_of_old_runs_go_with_age(house: House) -> None:
    old, young = house.upload(b"old"), house.upload(b"young")
    house.run(1.0, given=old)
    house.run(house.now - 50, given=young)
    house.keeper(seconds=100.0).tidy()
    assert [house.has_upload(file) for file in (old, young)] == [False, True]


def test_no_upload_goes_while_it_cannot_be_known_who_names_it(house: House, tmp_path: Path) -> None:
    file = house.upload(b"a fox")
    away = Editor(tmp_path / "away", tmp_path / "trash")
    with pytest.raises(StoreError):
        house.keeper(away.texts).tidy()
    assert house.has_upload(file)


def test_an_upload_that_is_used_while_it_is_let_go_stays(house: House) -> None:
    file = house.upload(b"a fox")
    (seen,) = house.media.uploads()
    house.media.hold_upload(file.ref)
    assert not house.media.forget_upload(seen)
    assert house.has_upload(file)
