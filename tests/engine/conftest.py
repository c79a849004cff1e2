"""Scripted servers, and engines on them that are left at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.engine.fake_house import FakeHouse
from tests.engine.lab import Lab
from tests.fakes.fake_server import FakeServer

House = TypeVar("House", bound=FakeHouse)


@pytest.fixture
def one() -> FakeServer:
    return FakeServer("http://one:1")


@pytest.fixture
def two() -> FakeServer:
    return FakeServer("http://two:2")


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., FakeHouse]]:
    """Makes an engine on these servers, once they are ready."""
    yield from building(FakeHouse, tmp_path)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """As `build`, with experiments."""
    yield from building(Lab, tmp_path)


def building(kind: Callable[..., House], folder: Path) -> Iterator[Callable[..., House]]:
    """Makes houses of this kind, ready, and leaves them all at the end."""
    made: list[House] = []

    def build(*servers: FakeServer, **options: Any) -> House:
        house = kind(folder, *servers, **options)
        made.append(house)
        house.ready()
        return house

    yield build
    for house in made:
        house.leave()
