"""What all tests share: Hypothesis as a table of cases, the same each time, on a machine however busy; and
the order in which workers take up modules."""

from __future__ import annotations

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix() if here in item.path.parents else ""
        return next((place for place, start in enumerate(_FIRST) if name.startswith(start)), len(_FIRST))

    items.sort(key=place)
