"""Waiting for what comes of itself: for a run to be so, and for whatever has no event of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from comfyui_bridge.core.run import Run
from comfyui_bridge.engine.engine import Engine

_LOOK_S = 0.005


def until(what: Callable[[], Any], within: float, why: Callable[[], object] | object = "") -> Any:
    """What `what` gives once it is true; `why` says what never happened."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {why() if callable(why) else why}"
        pause.wait(_LOOK_S)
    return found


def run_that(engine: Engine, run_id: str, claim: Callable[[Run], bool], within: float) -> Run:
    """The run once `claim` holds of it."""
    deadline = time.monotonic() + within
    while True:
        snapshot = engine.snapshot(run_id)
        assert snapshot is not None, f"the run {run_id} is lost"
        if claim(snapshot.run):
            return snapshot.run
        assert time.monotonic() < deadline, f"still {snapshot.run}"
        engine.wait(run_id, snapshot.version, 1.0)
