"""Scripted servers, and engines on them that are left at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.fake_house import FakeHouse
from tests.fakes.fake_server import FakeServer


@pytest.fixture
def one() -> FakeServer:
    return FakeServer("http://one:1")


@pytest.fixture
def two() -> FakeServer:
    return FakeServer("http://two:2")


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., FakeHouse]]:
    """Makes an engine on these servers, once they are ready."""
    made: list[FakeHouse] = []

    def build(*servers: FakeServer, **options: Any) -> FakeHouse:
        house = FakeHouse(tmp_path, *servers, **options)
        made.append(house)
        house.ready()
        return house

    yield build
    for house in made:
        house.leave()
