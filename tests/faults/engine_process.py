"""The program without its page, in a process that may be killed.

Takes one command a line as JSON and answers with one line each; ends when its input does.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from comfyui_bridge import bootstrap
from comfyui_bridge.core import template
from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.core.experiment import Plan
from comfyui_bridge.core.run import Run
from comfyui_bridge.engine.engine import Engine
from comfyui_bridge.engine.experiments import Experiments
from comfyui_bridge.settings import Settings


def main(data: str, *urls: str) -> None:
    settings = Settings(data=Path(data), servers=urls, workflows=Path(data) / "workflows")
    with bootstrap.build(settings) as app:
        print("ready", flush=True)
        for line in sys.stdin:
            print(json.dumps(_answer(app, json.loads(line))), flush=True)


def _answer(app: bootstrap.App, command: dict[str, Any]) -> Any:
    engine = app.engine
    match command:
        case {"do": "experiment", "plan": plan}:
            return _experiments(app).start(Plan.parse(plan), "ann")
        case {"do": "sheet", "experiment_id": experiment_id}:
            return _sheet(_experiments(app), experiment_id)
        case {"do": "submit", "graph": graph, "owner": owner}:
            try:
                return {"run_id": engine.submit(template.parse("graph", graph), {}, owner)}
            except StoreError as error:
                return {"refused": str(error)}
        case {"do": "cancel", "run_id": run_id}:
            return engine.cancel(run_id)
        case {"do": "run", "run_id": run_id}:
            return _told(engine, run_id)
        case {"do": "wait", "run_id": run_id, "seconds": seconds}:
            return _ended(engine, run_id, seconds)
    raise ValueError(f"no such command: {command}")


def _experiments(app: bootstrap.App) -> Experiments:
    assert app.dashboard.experiments is not None
    return app.dashboard.experiments


def _sheet(experiments: Experiments, experiment_id: str) -> dict[str, Any]:
    sheet = experiments.sheet(experiment_id)
    assert sheet is not None, f"the experiment {experiment_id} is lost"
    states = [cell.run.state.value if cell.run else "" for cell in sheet.cells]
    return {
        "state": sheet.experiment.state.value,
        "problem": sheet.experiment.problem,
        "cells": states,
        "runs": [cell.run.run_id for cell in sheet.cells if cell.run],
    }


def _ended(engine: Engine, run_id: str, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    snapshot = engine.snapshot(run_id)
    while snapshot is not None and not snapshot.run.state.is_final and time.monotonic() < deadline:
        engine.wait(run_id, snapshot.version, deadline - time.monotonic())
        snapshot = engine.snapshot(run_id)
    return _told(engine, run_id)


def _told(engine: Engine, run_id: str) -> dict[str, Any]:
    snapshot = engine.snapshot(run_id)
    assert snapshot is not None, f"the run {run_id} is lost"
    run: Run = snapshot.run
    return {
        "state": run.state.value,
        "server": run.server,
        "prompt_id": run.prompt_id,
        "accepted": run.accepted_at is not None,
        "stopping": run.stopping,
        "server_done": run.server_done,
        "steps": run.progress.value,
        "kept": [[kept.name, kept.source.subfolder, kept.source.filename] for kept in run.kept],
        "error": run.error.message if run.error else "",
        "fault": run.error.fault.value if run.error else "",
        "warnings": list(run.warnings),
    }
