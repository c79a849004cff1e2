"""A run once more: the identical graph whatever became of its template, or with its seeds drawn anew."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from comfyui_bridge.core.errors import InvalidValues
from tests.engine.fake_house import FakeHouse, picture
from tests.fakes.fake_server import FakeServer


def test_the_stored_workflow_is_sent_as_it_is(one: FakeServer, build: Callable[..., FakeHouse]) -> None:
    house = build(one)
    house.ready(one)
    first = house.done(house.submit(picture("ImageInvert", color=7), owner="ann"))
    again = house.done(house.engine.again(first, "bob"))
    assert again.workflow == first.workflow
    assert again.fingerprint == first.fingerprint
    assert (again.values, again.template, again.title) == (first.values, first.template, first.title)
    assert (again.owner, first.owner) == ("bob", "ann")
    assert again.run_id != first.run_id
    assert again.prompt_id != first.prompt_id
    found = house.engine.alike(first.workflow, "bob")
    assert found is not None
    assert found.run_id == again.run_id
    assert house.engine.alike(first.workflow, "carol") is None


def test_without_a_seed_nothing_is_queued(one: FakeServer, build: Callable[..., FakeHouse]) -> None:
    house = build(one)
    house.ready(one)
    first = house.done(house.submit(picture("ImageInvert")))
    with pytest.raises(InvalidValues, match="no seed"):
        house.engine.again(first, "ann", new_seed=True)
    assert [run.run_id for run in house.engine.runs()] == [first.run_id]
