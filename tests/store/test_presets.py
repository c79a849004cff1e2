"""Presets: whose they are, what their names may be, and that they come back for a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.store import presets as presets_
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.presets import PresetStore

BIG = {"seed": 2**64 - 1, "prompt": "a lake\n", "image": {"__upload__": "0" * 64, "name": "a.png"}}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[PresetStore]:
    with Database(tmp_path) as database:
        yield PresetStore(database, clock)


def names(store: PresetStore, owner: str, template: str = "t") -> list[str]:
    return [one.name for one in store.of(template, owner)]


def test_values_come_back_as_they_were_after_a_start_anew(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        kept = PresetStore(database).keep("t", "  Two \n words\u202e ", BIG, "ann")
    with Database(tmp_path) as database:
        found = PresetStore(database).get(kept.preset_id)
    assert found == kept
    assert found is not None
    assert (found.values, found.name) == (BIG, "Two words")


def test_one_sees_one_s_own_and_what_is_shared(store: PresetStore) -> None:
    store.keep("t", "b", {}, "ann")
    store.keep("t", "A", {}, "bob", shared=True)
    store.keep("t", "c", {}, "bob")
    store.keep("other", "d", {}, "ann")
    assert names(store, "ann") == ["A", "b"]
    assert names(store, "bob") == ["A", "c"]


def test_only_whose_it_is_may_change_it(store: PresetStore) -> None:
    kept = store.keep("t", "mine", {}, "ann", shared=True)
    for change in (
        store.change(kept.preset_id, "bob", name="theirs"),
        store.change(kept.preset_id, "bob", shared=False),
        store.delete(kept.preset_id, "bob"),
        store.restore(kept.preset_id, "bob"),
    ):
        assert not change
    assert names(store, "ann") == ["mine"]
    assert store.change(kept.preset_id, "ann", name="mine 2", shared=False)
    assert names(store, "ann") == ["mine 2"]
    assert names(store, "bob") == []


def test_what_was_taken_out_comes_back_for_an_hour(store: PresetStore, clock: Clock) -> None:
    first, second = (store.keep("t", name, {}, "ann") for name in ("a", "b"))
    assert store.delete(first.preset_id, "ann")
    assert store.get(first.preset_id) is None
    assert not store.delete(first.preset_id, "ann")
    assert store.restore(first.preset_id, "ann")
    assert names(store, "ann") == ["a", "b"]
    store.delete(second.preset_id, "ann")
    clock.now += presets_.BIN_S + 1
    store.keep("t", "c", {}, "ann")
    assert not store.restore(second.preset_id, "ann")


def test_a_name_stands_once_and_the_former_one_can_come_back(store: PresetStore) -> None:
    former = store.keep("t", "mine", {"steps": 1}, "ann")
    store.keep("t", "mine", {"steps": 2}, "ann")
    store.keep("t", "mine", {"steps": 3}, "bob", shared=True)
    assert [dict(one.values) for one in store.of("t", "ann") if one.owner == "ann"] == [{"steps": 2}]
    assert store.restore(former.preset_id, "ann")


@pytest.mark.parametrize("name", ["", " \n\t", "\u202e", "x" * 81])
def test_a_name_that_nobody_could_read_is_refused(store: PresetStore, name: str) -> None:
    with pytest.raises(StoreError, match="name"):
        store.keep("t", name, {}, "ann")
    kept = store.keep("t", "fine", {}, "ann")
    with pytest.raises(StoreError, match="name"):
        store.change(kept.preset_id, "ann", name=name)


def test_there_is_an_end_to_it(store: PresetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets_, "MOST", 2)
    store.keep("t", "a", {}, "ann")
    store.keep("t", "b", {}, "ann")
    with pytest.raises(StoreError, match="Take some out"):
        store.keep("t", "c", {}, "ann")
    with pytest.raises(StoreError, match="too long"):
        store.keep("t", "d", {"prompt": "x" * (1 << 20)}, "ann")
