"""How busy a batch keeps its servers: the share of time they idle between our first and last run.

Taken from the servers' own timestamps: `execution_start` to `execution_success` of each prompt is busy,
all else between the first start and the last end is idle. Runs last half a second; the floor is nought.
"""

from __future__ import annotations

from collections.abc import Iterator

import requests

from benchmarks.measuring import Measured, sampling, sandboxes
from comfyui_bridge import Client

RUNS = 64
STEPS, STEP_SECONDS = 10, 0.05


def measure() -> Iterator[Measured]:
    """Goal: under 3 % idle on one server and on four."""
    took = {}
    for count in (1, 4):
        with sandboxes(count, STEP_SECONDS) as urls:
            with Client(urls) as client:
                graphs = (sampling(seed, STEPS) for seed in range(RUNS))
                ended = sum(result.ok for result in client.run_many(graphs))
            assert ended == RUNS, f"{RUNS - ended} runs failed"
            spans = [_span(url) for url in urls]
        idle = 1 - sum(busy for busy, _, _ in spans) / sum(last - first for _, first, last in spans)
        took[count] = max(last for _, _, last in spans) - min(first for _, first, _ in spans)
        yield Measured(
            f"batch: idle share of {count} server(s), {RUNS} runs", idle * 100, "%", RUNS, goal="< 3 %"
        )
    speed = took[1] / took[4]
    yield Measured(
        "batch: four servers against one, times as fast", speed, "x", RUNS, 4.0, speed / 4, ">= 0.95"
    )


def _span(url: str) -> tuple[float, float, float]:
    """Busy seconds, first start and last end of one server."""
    entries = requests.get(f"{url}/history", timeout=30).json().values()
    times = [{event: data["timestamp"] / 1000 for event, data in e["status"]["messages"]} for e in entries]
    starts = [one["execution_start"] for one in times]
    ends = [one["execution_success"] for one in times]
    return sum(end - start for start, end in zip(starts, ends, strict=True)), min(starts), max(ends)
