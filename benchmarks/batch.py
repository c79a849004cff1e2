"""How busy a batch keeps its servers, and how its speed grows with their number.

Idle is taken from the servers' own timestamps: `execution_start` to `execution_success` of each prompt is
busy, all else between the first start and the last end is idle; the floor is nought. Servers sleep through
their steps and paint nothing: eight that painted would share the cores of this machine, and what would not
grow then is the machine. One process holds them all, for the same reason.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import requests

from benchmarks.measuring import Goal, Measured, paced, pacing
from comfyui_bridge import Client

RUNS = 64
RATE, STEPS = 10, 4
"""With the moment it takes to save, half a second a run."""
CELLS, CELL_RATE = 200, 20
"""Two hundred cells of an experiment, a tenth of a second each."""
COUNTS = (1, 2, 4, 8)


def measure() -> Iterator[Measured]:
    """Goals: under 3 % idle on one server and on four; at least 0.95 of linear up to four."""
    took: dict[int, float] = {}
    for count in COUNTS:
        spans = _batch(count, RUNS, RATE, STEPS)
        took[count] = _seconds(spans)
        idle = 1 - sum(busy for busy, _, _ in spans) / sum(last - first for _, first, last in spans)
        if count in (1, 4):
            name = f"idle share of {count} server{'s' if count > 1 else ''}, {RUNS} half-second runs"
            yield Measured(name, idle * 100, "%", RUNS, goal=Goal(most=3))
    for count in COUNTS[1:]:
        goal = Goal(least=0.95, of_ratio=True) if count <= 4 else None
        name = f"{count} servers, times as fast as one"
        yield Measured(name, took[1] / took[count], "x", RUNS, float(count), "linear", goal=goal)
    one, four = (_seconds(_batch(count, CELLS, CELL_RATE, 1)) for count in (1, 4))
    name = f"{CELLS} short runs over 4 servers, times as fast as over one"
    yield Measured(name, one / four, "x", CELLS, 4.0, "linear", goal=Goal(least=3.8))


Span = tuple[float, float, float]
"""Busy seconds, first start and last end of one server."""


def _batch(count: int, runs: int, rate: float, steps: int) -> list[Span]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-batch-") as folder,
        paced(count, rate, Path(folder), "--unseen") as house,
    ):
        with Client(house.urls) as client:
            graphs = (pacing(number, steps, previews=False) for number in range(runs))
            ended = sum(result.ok for result in client.run_many(graphs))
        assert ended == runs, f"{runs - ended} runs failed"
        return [_span(url) for url in house.urls]


def _seconds(spans: Sequence[Span]) -> float:
    return max(last for _, _, last in spans) - min(first for _, first, _ in spans)


def _span(url: str) -> Span:
    entries = requests.get(f"{url}/history", timeout=30).json().values()
    times = [{event: data["timestamp"] / 1000 for event, data in e["status"]["messages"]} for e in entries]
    starts = [one["execution_start"] for one in times]
    ends = [one["execution_success"] for one in times]
    return sum(end - start for start, end in zip(starts, ends, strict=True)), min(starts), max(ends)
