"""Workflows for the client's tests, of nodes that need neither models nor patience."""

from __future__ import annotations

import itertools
from typing import Any

_colors = itertools.count(1)


def picture(*, steps: int = 0, prefix: str = "client", size: int = 16, **more: Any) -> dict[str, Any]:
    """A picture of a color no other has, by way of a node with so many steps, saved."""
    color = {"width": size, "height": size, "batch_size": 1, "color": next(_colors)}
    graph: dict[str, Any] = {"1": {"class_type": "EmptyImage", "inputs": {**color, **more}}}
    last = "1"
    if steps:
        graph["2"] = {"class_type": "Steps", "inputs": {"image": ["1", 0], "steps": steps, "mode": "plain"}}
        last = "2"
    graph["9"] = {"class_type": "SaveImage", "inputs": {"images": [last, 0], "filename_prefix": prefix}}
    return graph


def failing() -> dict[str, Any]:
    """Its one output cannot be told."""
    return {"1": {"class_type": "Broken", "inputs": {}}}


def refused() -> dict[str, Any]:
    return picture() | {"5": {"class_type": "NoSuchNode", "inputs": {}}}
