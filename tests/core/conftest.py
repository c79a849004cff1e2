"""Definitions as real servers gave them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from comfyui_bridge.core import node_defs
from comfyui_bridge.core.node_defs import NodeDefs

RECORDINGS = Path(__file__).parent.parent / "recordings"


@pytest.fixture(scope="session")
def defs_0_3_64() -> NodeDefs:
    return node_defs.parse(
        json.loads((RECORDINGS / "comfyui-0.3.64" / "object_info.json").read_text("utf-8"))
    )


@pytest.fixture(scope="session")
def defs_0_33() -> NodeDefs:
    with gzip.open(RECORDINGS / "comfyui-0.33" / "object_info.json.gz", "rt", encoding="utf-8") as file:
        return node_defs.parse(json.load(file))


def recorded_workflow(name: str) -> dict:
    return json.loads((RECORDINGS / "workflows" / f"{name}.json").read_text("utf-8"))
