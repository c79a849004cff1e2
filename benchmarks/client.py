"""What the client costs: `Client.run` and download against the smallest loop that does the same work.

The bare loop is what a careful script would be: one session, one WebSocket, submit, read until the
prompt is over, history, download. Both run turn by turn against one sandbox process, so that whatever
else the machine does falls on both.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
import websocket

from benchmarks.measuring import Measured, model_free, sampling, sandboxes
from comfyui_bridge import Client

Runs = Callable[[dict[str, Any]], None]


def measure() -> Iterator[Measured]:
    """Goals: at most 1.15 on a graph without sampling, at most 1.02 on a run of two seconds."""
    with sandboxes(1, 0.1) as (url,), tempfile.TemporaryDirectory() as folder:
        bare, ours = _bare(url, Path(folder)), _ours(url, Path(folder))
        numbers = itertools.count(1)
        for run in (bare, ours):
            run(model_free(next(numbers)))  # connections are opened once, and not measured
        yield _compare(
            "client: run and download, no sampling",
            ours,
            bare,
            100,
            lambda: model_free(next(numbers)),
            "<= 1.15",
        )
        yield _compare(
            "client: run and download, two seconds",
            ours,
            bare,
            8,
            lambda: sampling(next(numbers), 20),
            "<= 1.02",
        )


def _compare(
    name: str, ours: Runs, bare: Runs, n: int, graph: Callable[[], dict[str, Any]], goal: str
) -> Measured:
    seconds: dict[Runs, list[float]] = {ours: [], bare: []}
    for turn in range(n):
        for run in (ours, bare) if turn % 2 else (bare, ours):
            made = graph()
            start = time.perf_counter()
            run(made)
            seconds[run].append(time.perf_counter() - start)
    a, b = (statistics.median(seconds[run]) * 1000 for run in (ours, bare))
    return Measured(name, a, "ms", n, b, a / b, goal)


def _ours(url: str, folder: Path) -> Runs:
    client = Client(url)

    def run(graph: dict[str, Any]) -> None:
        client.run(graph).save(folder)

    return run


def _bare(url: str, folder: Path) -> Runs:
    session = requests.Session()
    client_id = uuid.uuid4().hex
    socket = websocket.create_connection(f"ws{url.removeprefix('http')}/ws?clientId={client_id}")

    def run(graph: dict[str, Any]) -> None:
        body = {"prompt": graph, "client_id": client_id}
        prompt_id = session.post(f"{url}/prompt", json=body).json()["prompt_id"]
        while True:
            message = socket.recv()
            if isinstance(message, str):
                told = json.loads(message)
                data = told["data"]
                if (
                    told["type"] == "executing"
                    and data["node"] is None
                    and data.get("prompt_id") == prompt_id
                ):
                    break
        entry = session.get(f"{url}/history/{prompt_id}").json()[prompt_id]
        for output in entry["outputs"].values():
            for file in output.get("images", ()):
                picture = session.get(f"{url}/view", params=file).content
                (folder / file["filename"]).write_bytes(picture)

    return run
