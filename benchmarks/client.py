"""What the client costs: `Client.run` and download against loops and clients that do the same work.

The floor is what a careful script would be: one session, one WebSocket, submit, read until the prompt is
over, history, download. Beside it stand asking the history again and again, as ComfyUI's guides for beginners
do, and two clients from the package index. All run turn by turn against one sandbox process.
"""

from __future__ import annotations

import importlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import requests
import websocket

from benchmarks.measuring import (
    OUT,
    Goal,
    Measured,
    Row,
    Skipped,
    model_free,
    paced,
    pacing,
    row,
    sampling,
    sandboxes,
    side_by_side,
)
from comfyui_bridge import Client

Graph = dict[str, Any]
Run = Callable[[Graph], None]
"""Run a graph and write its pictures into a folder."""

TURNS, LONG_TURNS, RIVAL_TURNS = 100, 8, 12
LONG_STEPS = 20
_INSTALLED = OUT / "packages"


def measure() -> Iterator[Row]:
    """Goals: at most 1.15 on a graph without sampling, at most 1.02 on a run of two seconds."""
    numbers = itertools.count(1)
    with sandboxes(1, 0.1) as (url,), tempfile.TemporaryDirectory(prefix="bench-client-") as name:
        folder = Path(name)
        yield from _against_the_floor(url, folder, numbers)
        yield from _against_polling(url, folder, numbers)
    yield from _against_clients(numbers)


def _against_the_floor(url: str, folder: Path, numbers: Iterator[int]) -> Iterator[Measured]:
    ways = {"ours": _ours(url, folder), "bare": _bare(url, folder)}
    for run in ways.values():
        run(model_free(next(numbers)))  # connections are opened once, and not measured
    for what, turns, graph, most in (
        ("no sampling", TURNS, model_free, 1.15),
        ("two seconds", LONG_TURNS, partial(_sampling, LONG_STEPS), 1.02),
    ):
        taken = _turns(ways, turns, graph, numbers)
        goal = Goal(most=most, of_ratio=True)
        name = f"run and download, {what}"
        yield row(name, taken["ours"], "ms", other=taken["bare"], against="bare loop", goal=goal)


def _against_polling(url: str, folder: Path, numbers: Iterator[int]) -> Iterator[Measured]:
    for seconds in (1.0, 0.5):
        ways = {"ours": _ours(url, folder), "polling": _polling(url, folder, seconds)}
        taken = _turns(ways, RIVAL_TURNS // 2, _some_steps, numbers)
        against = f"polling at {seconds:g} s"
        yield row(
            "run and download, about a second", taken["ours"], "ms", other=taken["polling"], against=against
        )


def _against_clients(numbers: Iterator[int]) -> Iterator[Row]:
    """Each on a graph without previews, which one of them takes for results."""
    clients = (("comfy_api_simplified", "1.6.0", _simplified), ("comfy_toolkit", "0.1.0", _toolkit))
    with (
        tempfile.TemporaryDirectory(prefix="bench-client-") as name,
        paced(1, 20, Path(name), "--unseen") as servers,
    ):
        (url,), folder = servers.urls, Path(name)
        for package, version, make in clients:
            try:
                module = _imported(package, version)
            except (ImportError, subprocess.CalledProcessError):
                yield Skipped(f"run and download, against {package}", "it could not be installed here")
                continue
            ways = {"ours": _ours(url, folder), "theirs": make(module, url, folder)}
            for run in ways.values():
                run(_short(next(numbers)))
            for what, steps in (("a tenth of a second", 1), ("two seconds", 39)):
                turns = RIVAL_TURNS if steps == 1 else 3
                taken = _turns(ways, turns, partial(_quiet, steps), numbers)
                yield row(
                    f"run and download, {what}",
                    taken["ours"],
                    "ms",
                    other=taken["theirs"],
                    against=f"{package} {version}",
                )


def _turns(
    ways: dict[str, Run], turns: int, graph: Callable[[int], Graph], numbers: Iterator[int]
) -> dict[str, list[float]]:
    def once(run: Run) -> None:
        run(graph(next(numbers)))

    return side_by_side({name: partial(once, run) for name, run in ways.items()}, turns)


def _some_steps(number: int) -> Graph:
    """Half a second to a second and a half, the same for each pair of turns."""
    return sampling(number, 5 + number // 2 * 3 % 10)


def _sampling(steps: int, seed: int) -> Graph:
    return sampling(seed, steps)


def _quiet(steps: int, number: int) -> Graph:
    return pacing(number, steps, previews=False)


def _short(number: int) -> Graph:
    return _quiet(1, number)


def _ours(url: str, folder: Path) -> Run:
    client = Client(url)

    def run(graph: Graph) -> None:
        client.run(graph).save(folder)

    return run


def _bare(url: str, folder: Path) -> Run:
    session = requests.Session()
    client_id = uuid.uuid4().hex
    socket = websocket.create_connection(f"ws{url.removeprefix('http')}/ws?clientId={client_id}")

    def run(graph: Graph) -> None:
        body = {"prompt": graph, "client_id": client_id}
        prompt_id = session.post(f"{url}/prompt", json=body).json()["prompt_id"]
        while not _is_over(socket.recv(), prompt_id):
            pass
        entry = session.get(f"{url}/history/{prompt_id}").json()[prompt_id]
        _fetch(session, url, entry, folder)

    return run


def _is_over(message: str | bytes, prompt_id: str) -> bool:
    if isinstance(message, bytes):
        return False
    told = json.loads(message)
    data = told["data"]
    return told["type"] == "executing" and data["node"] is None and data.get("prompt_id") == prompt_id


def _polling(url: str, folder: Path, seconds: float) -> Run:
    session = requests.Session()

    def run(graph: Graph) -> None:
        prompt_id = session.post(f"{url}/prompt", json={"prompt": graph}).json()["prompt_id"]
        while not (history := session.get(f"{url}/history/{prompt_id}").json()):
            time.sleep(seconds)
        _fetch(session, url, history[prompt_id], folder)

    return run


def _fetch(session: requests.Session, url: str, entry: Graph, folder: Path) -> None:
    for output in entry["outputs"].values():
        for file in output.get("images", ()):
            picture = session.get(f"{url}/view", params=file).content
            (folder / file["filename"]).write_bytes(picture)


def _imported(package: str, version: str) -> Any:
    """A client from the package index; one that is not there is installed into benchmarks/out."""
    try:
        return importlib.import_module(package)
    except ImportError:
        where = str(_INSTALLED)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run(
            [*pip, "--target", where, f"{package}=={version}"], check=True, stderr=subprocess.DEVNULL
        )
        sys.path.append(where)
        return importlib.import_module(package)


def _simplified(module: Any, url: str, folder: Path) -> Run:
    api = module.ComfyApiWrapper(url)

    def run(graph: Graph) -> None:
        titled = {node_id: {**node, "_meta": {"title": node_id}} for node_id, node in graph.items()}
        for name, content in api.queue_and_wait_images(module.ComfyWorkflowWrapper(titled), "2").items():
            (folder / name).write_bytes(content)

    return run


def _toolkit(module: Any, url: str, folder: Path) -> Run:
    api = module.ComfyClient(url)

    def run(graph: Graph) -> None:
        made = module.submit_and_track(api, graph)
        _fetch(requests.Session(), url, {"outputs": {"": {"images": made["images"]}}}, folder)

    return run
