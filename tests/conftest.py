"""What all tests share: Hypothesis as a table of cases, the same each time, on a machine however busy; the
order in which workers take up modules; and no search for garbage in what is imported and collected."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# What takes longest begins first: a worker that came to it last would keep the others waiting.
_FIRST = (
    "faults/test_soak",
    "faults/test_servers",
    "browser",
    "ui/test_serving.",
    "test_client_survival",
    "fuzz",
)

settings.register_profile(
    "ours", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    # Five thousand tests and Gradio stay to the end. To look through them takes a second, again and again.
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix() if here in item.path.parents else ""
        return next((place for place, start in enumerate(_FIRST) if name.startswith(start)), len(_FIRST))

    items.sort(key=place)
