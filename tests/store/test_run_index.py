"""Runs are found by their words, models, stars and times; the bin gives back what it took."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from comfyui_bridge.core import workflow
from comfyui_bridge.core.outputs import KeptFile, OutputFile
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.run_index import RunIndex, Search
from comfyui_bridge.store.runs import RunStore


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with Database(tmp_path_factory.mktemp("index")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _empty(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM runs"))
        connection.execute(sqlalchemy.text("DELETE FROM run_index"))


@pytest.fixture
def store(database: Database) -> RunStore:
    return RunStore(database)


@pytest.fixture
def index(database: Database) -> RunIndex:
    return RunIndex(database)


def a_run(at: float = 1.0, model: str = "sd15.safetensors", **more: Any) -> Run:
    graph = workflow.parse({"4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": model}}})
    given = {"state": RunState.COMPLETED, "template": "text-to-image", "title": "Text to image", **more}
    return Run(uuid.uuid4().hex, str(uuid.uuid4()), graph, at, **given)


def ids(store: RunStore, **search: Any) -> list[str]:
    page = store.search(Search(**search), 100)
    assert store.count_found(Search(**search)) == len(page.runs)
    return [run.run_id for run in page.runs]


def test_every_word_must_be_somewhere(store: RunStore) -> None:
    lake = a_run(1.0, values={"prompt": "a quiet Alpine lake, 100% real_time", "steps": 20})
    city = a_run(2.0, values={"prompt": "城市 at night", "loras": [{"name": "Detail.safetensors"}]})
    for run in (lake, city):
        store.insert(run)
    assert ids(store, words="alpine LAKE") == [lake.run_id]
    assert ids(store, words="alpine night") == []
    assert ids(store, words="城市") == [city.run_id]
    assert ids(store, words="detail") == [city.run_id]
    assert ids(store, words="100%") == [lake.run_id]
    assert ids(store, words="0_r") == []
    assert ids(store, words="l_t") == [lake.run_id]
    assert ids(store) == [city.run_id, lake.run_id]


def test_what_came_of_a_run_is_found_too(store: RunStore, index: RunIndex) -> None:
    run = a_run(state=RunState.PENDING)
    store.insert(run)
    assert ids(store, words="harbour_0001") == []
    kept = KeptFile("harbour_0001.png", 700, OutputFile("harbour_0001.png"))
    store.update(replace(run, state=RunState.COMPLETED, kept=(kept,)))
    assert ids(store, words="harbour_0001") == [run.run_id]
    assert index.bytes_kept() == 700


def test_filters_narrow_and_join(store: RunStore, index: RunIndex) -> None:
    first = a_run(1.0, owner="ann")
    second = a_run(2.0, owner="ann", model="sub/xl.safetensors", template="lora", title="LoRA")
    third = a_run(3.0, owner="bob", state=RunState.FAILED)
    for run in (first, second, third):
        store.insert(run)
    assert ids(store, owner="ann") == [second.run_id, first.run_id]
    assert ids(store, template="lora") == [second.run_id]
    assert ids(store, state=RunState.FAILED) == [third.run_id]
    assert ids(store, model="sub/xl.safetensors") == [second.run_id]
    assert ids(store, model="xl.safetensors") == []
    assert ids(store, since=2.0, until=3.0) == [second.run_id]
    assert ids(store, owner="ann", state=RunState.FAILED) == []
    facets = index.facets("ann")
    assert dict(facets.templates) == {"lora": "LoRA", "text-to-image": "Text to image"}
    assert facets.models == ("sd15.safetensors", "sub/xl.safetensors")


def test_a_star_outlives_the_run_s_own_changes(store: RunStore, index: RunIndex) -> None:
    run, other = a_run(1.0, state=RunState.IN_PROGRESS, owner="ann"), a_run(2.0, owner="bob")
    store.insert(run)
    store.insert(other)
    assert index.star([run.run_id, other.run_id], True, owner="ann") == 1
    store.update(replace(run, state=RunState.COMPLETED))
    assert ids(store, starred=True) == [run.run_id]
    assert ids(store, starred=False) == [other.run_id]
    assert index.starred([run.run_id, other.run_id]) == {run.run_id}
    index.star([run.run_id], False)
    assert ids(store, starred=True) == []


def test_the_bin_gives_back_what_it_took(store: RunStore, index: RunIndex) -> None:
    over, going = a_run(1.0), a_run(2.0, state=RunState.IN_PROGRESS)
    store.insert(over)
    store.insert(going)
    assert index.delete([over.run_id, going.run_id], 50.0) == 1
    assert ids(store) == [going.run_id]
    assert index.in_bin(50.0) == ()
    assert index.in_bin(50.1) == (over.run_id,)
    index.restore([over.run_id])
    assert ids(store) == [going.run_id, over.run_id]
    index.forget([over.run_id])
    assert store.get(over.run_id) is None
    store.insert(over)
    assert ids(store, starred=False) == [going.run_id, over.run_id]


def test_the_oldest_without_a_star_go_first(store: RunStore, index: RunIndex) -> None:
    kept = (KeptFile("a.png", 10, OutputFile("a.png")),)
    made = [a_run(float(number), kept=kept) for number in range(5)]
    for run in made:
        store.insert(run)
    index.star([made[0].run_id], True)
    assert index.oldest(2) == ((made[1].run_id, 10), (made[2].run_id, 10))
    assert index.oldest(9, before=2.0) == ((made[1].run_id, 10),)


def test_pages_of_a_search_give_every_run_once(store: RunStore) -> None:
    made = [a_run(float(number // 3), values={"prompt": f"tree {number % 2}"}) for number in range(20)]
    for run in made:
        store.insert(run)
    seen, before = [], None
    while True:
        page = store.search(Search(words="tree 1"), 3, before)
        seen += [run.run_id for run in page.runs]
        before = page.next
        if before is None:
            break
    expected = [run.run_id for number, run in enumerate(made) if number % 2]
    assert sorted(seen) == sorted(expected)
    assert len(seen) == len(set(seen))


def test_runs_of_an_older_version_are_found(tmp_path: Path) -> None:
    with Database(tmp_path) as old:
        run = a_run(values={"prompt": "An old harbour"}, kept=(KeptFile("x.png", 5, OutputFile("x.png")),))
        RunStore(old).insert(run)
        with old.writing() as connection:
            later = ("presets", "experiments", "experiment_cells", "shared_runs", "shared_experiments")
            for table in ("run_index", *later):
                connection.execute(sqlalchemy.text(f"DROP TABLE {table}"))
            connection.execute(sqlalchemy.text("ALTER TABLE runs DROP COLUMN experiment"))
            connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '0004'"))
    with Database(tmp_path) as new:
        assert ids(RunStore(new), words="old HARBOUR".lower(), model="sd15.safetensors") == [run.run_id]
        assert RunIndex(new).bytes_kept() == 5
