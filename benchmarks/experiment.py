"""How an experiment's cells fill over one server and over four, through all of the program but its page.

From the click to the last cell: laid out, written down, begun a few at a time, fetched and kept. Servers
sleep through their steps, in one process, as in `benchmarks.batch`. And how quick a large sheet is to see.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import Goal, Measured, paced, pacing, row, took_ms
from comfyui_bridge import bootstrap
from comfyui_bridge.core.experiment import AxisKind, AxisPlan, ExperimentState, Plan
from comfyui_bridge.engine.experiments import Experiments
from comfyui_bridge.settings import Settings

CELLS, RATE, STEPS = 200, 10, 4
"""With the moment it takes to save, half a second a cell."""
LARGE = 2000
LOOKS = 20


def measure() -> Iterator[Measured]:
    """Goals: four servers at least 3.8 times as fast as one; news of 2,000 cells in under 20 ms."""
    with tempfile.TemporaryDirectory(prefix="bench-experiment-") as name:
        folder = Path(name)
        one, four = (_seconds(folder / f"{count}", count) for count in (1, 4))
        told = f"{CELLS} cells over 4 servers, times as fast as over one"
        yield Measured(told, one / four, "x", CELLS, 4.0, "linear", goal=Goal(least=3.8))
        yield from _looks(folder / "large")


def _seconds(folder: Path, count: int) -> float:
    """From the click until each of the cells is done."""
    _template(folder)
    with (
        paced(count, RATE, folder, "--unseen") as servers,
        bootstrap.build(_settings(folder, *servers.urls)) as app,
    ):
        while sum(status.facts is not None for status in app.engine.statuses()) < count:
            time.sleep(0.01)
        experiments = _experiments(app)
        began = time.perf_counter()
        experiment_id = experiments.start(_plan(CELLS), "")
        version = 0
        while (sheet := experiments.wait(experiment_id, version, 600.0)) is not None:
            version = sheet.version
            if sheet.experiment.state is ExperimentState.DONE:
                break
        taken = time.perf_counter() - began
        counted = experiments.counts([experiment_id])[experiment_id]
        assert counted["done"] == CELLS, counted
    return taken


def _looks(folder: Path) -> Iterator[Measured]:
    """A large sheet in mid-flight: laid out and begun, asked for what is new, and listed."""
    _template(folder)
    with (
        paced(1, RATE, folder, "--unseen") as servers,
        bootstrap.build(_settings(folder, *servers.urls)) as app,
    ):
        while not len(app.engine.node_defs()):
            time.sleep(0.01)
        experiments = _experiments(app)
        begun: list[str] = []
        began = took_ms(lambda: begun.append(experiments.start(_plan(LARGE), "")))
        yield row(f"an experiment of {LARGE:,} cells is laid out and begun", began, "ms")
        looks = took_ms(lambda: experiments.sheet(begun[0]), LOOKS)
        yield row(f"its {LARGE:,} cells, as a page asks for them", looks, "ms", goal=Goal(most=20))
        listed = took_ms(
            lambda: experiments.counts([one.experiment_id for one in experiments.listed(None)]), LOOKS
        )
        yield row("it stands in the list, counted", listed, "ms")
        experiments.stop(begun[0])


def _template(folder: Path) -> None:
    (folder / "workflows").mkdir(parents=True)
    graph = json.dumps(pacing(0, STEPS, previews=False))
    (folder / "workflows" / "paced.json").write_text(graph, "utf-8")


def _settings(folder: Path, *urls: str) -> Settings:
    return Settings(data=folder / "data", servers=urls, workflows=folder / "workflows")


def _experiments(app: bootstrap.App) -> Experiments:
    assert app.dashboard.experiments is not None
    return app.dashboard.experiments


def _plan(cells: int) -> Plan:
    return Plan("paced", {}, (AxisPlan(AxisKind.VALUES, "1.number", f"1..{cells}"),))
