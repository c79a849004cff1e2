"""Twenty people following twenty runs on one dashboard, with previews at five a second.

Every session speaks as the page in a browser does: Gradio's queue for the words, /live for the frames. What
is measured is how old a step or a frame is when it reaches the session, from the server's own note of it.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import Any

import aiohttp

from benchmarks.measuring import Measured, dashboard
from benchmarks.paced import NODE

PEOPLE = 20
RATE = 5
STEPS = 150
_STEP = re.compile(rf"step (\d+) of {STEPS}")

Seen = tuple[int, int, float]
"""A run's number, a step of it, and when that reached somebody."""


def measure() -> Iterator[Measured]:
    """Goal: half of all that is seen is less than half a second old."""
    with tempfile.TemporaryDirectory(prefix="bench-followers-") as name:
        folder = Path(name)
        _template(folder / "workflows")
        with _paced(folder / "told") as urls:
            servers = [word for url in urls for word in ("--server", url)]
            with dashboard(folder, *servers) as (url, _):
                words, frames = asyncio.run(_everybody(url))
        told = _told(folder / "told")
    for what, seen in (("words", words), ("frames", frames)):
        ages = sorted(at - told[number, step] for number, step, at in seen)
        late = ages[int(len(ages) * 0.95)]
        name = f"followers: age of {what}, {PEOPLE} sessions at {RATE}/s"
        yield Measured(f"{name}, median", statistics.median(ages) * 1000, "ms", len(ages), goal="< 500")
        yield Measured(f"{name}, 95 %", late * 1000, "ms", len(ages))
    yield Measured(
        "followers: frames a second at a session", _rate(frames), "/s", len(frames), goal=f"{RATE}"
    )


def _rate(seen: list[Seen]) -> float:
    """How many a second a session got, from its first to its last: the median of all sessions."""
    times: dict[int, list[float]] = {}
    for number, _, at in seen:
        times.setdefault(number, []).append(at)
    return statistics.median((len(one) - 1) / (one[-1] - one[0]) for one in times.values())


def _template(folder: Path) -> None:
    folder.mkdir()
    size = {"width": 64, "height": 64, "batch_size": 1, "color": 0}
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": size},
        "2": {"class_type": NODE, "inputs": {"image": ["1", 0], "number": 0, "steps": STEPS}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "paced"}},
    }
    (folder / "paced.json").write_text(json.dumps(graph), "utf-8")
    card = '[[inputs]]\nnode = "2"\ninput = "number"\nkey = "number"\n'
    (folder / "paced.toml").write_text(card, "utf-8")


@contextmanager
def _paced(told: Path) -> Iterator[list[str]]:
    command = [sys.executable, "-m", "benchmarks.paced", str(PEOPLE), str(RATE), str(told)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().split()
    process.communicate()


def _told(file: Path) -> dict[tuple[int, int], float]:
    """When each step of each run was made."""
    rows = (line.split() for line in file.read_text("utf-8").splitlines())
    return {(int(number), int(step)): float(at) for number, step, at in rows}


async def _everybody(url: str) -> tuple[list[Seen], list[Seen]]:
    """What all sessions see: words and frames."""
    people = [_Person(url, number) for number in range(PEOPLE)]
    try:
        for person in people:
            await person.arrive()
        await asyncio.gather(*(person.generate() for person in people))
        await asyncio.gather(*(part for person in people for part in (person.read(), person.watch())))
    finally:
        for person in people:
            await person.leave()
    words = [seen for person in people for seen in person.words]
    return words, [seen for person in people for seen in person.frames]


class _Person:
    """A browser with one page, as Gradio's own script and ours speak."""

    def __init__(self, url: str, number: int) -> None:
        self._url = url
        self._number = number
        self._http = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(total=None)
        )
        self._page = uuid.uuid4().hex[:11]
        self._run_id = ""
        self._events: list[dict[str, Any]] = []
        self.words: list[Seen] = []
        self.frames: list[Seen] = []

    async def arrive(self) -> None:
        async with self._http.get(f"{self._url}/") as answer:
            await answer.read()
        async with self._http.get(f"{self._url}/config") as answer:
            self._events = (await answer.json())["dependencies"]

    async def leave(self) -> None:
        await self._http.close()

    async def generate(self) -> None:
        """Submit a run as a program does that does not stay, and open the page at it."""
        page = uuid.uuid4().hex[:11]
        event = next(event for event in self._events if event["api_name"] == "run")
        await self._join(event, page, ["paced", {"number": self._number}])
        async for message in self._messages(page):
            if found := re.search(r'"run_id": ?"(\w+)"', message):
                self._run_id = found[1]
                break
        await self._join(self._listener("load"), self._page)
        async for message in self._messages(self._page):
            if "process_completed" in message:
                break

    async def read(self) -> None:
        """Follow the run by words."""
        await self._join(self._listener("change", is_generator=True), self._page)
        async for message in self._messages(self._page):
            at = time()
            for step in _STEP.findall(message):
                self.words.append((self._number, int(step), at))
            if "process_completed" in message:
                return

    async def watch(self) -> None:
        """Follow the run by frames."""
        async with self._http.get(f"{self._url}/live/{self._run_id}") as answer:
            async for line in answer.content:
                if line.startswith(b"id: "):
                    self.frames.append((self._number, int(line[4:]), time()))
                elif line.startswith(b"event: end"):
                    return

    def _listener(self, what: str, *, is_generator: bool = False) -> dict[str, Any]:
        """The page's event of this kind; of several that listen the one that follows."""
        return next(
            event
            for event in self._events
            if any(target[1] == what for target in event["targets"])
            and event["types"]["generator"] is is_generator
        )

    async def _join(self, event: dict[str, Any], page: str, given: list[Any] | None = None) -> None:
        body = {
            "data": given if given is not None else [None] * len(event["inputs"]),
            "fn_index": event["id"],
            "session_hash": page,
            "event_data": None,
            "trigger_id": None,
        }
        address = f"{self._url}/gradio_api/queue/join?run={self._run_id}"
        async with self._http.post(address, json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def _messages(self, page: str) -> AsyncIterator[str]:
        address = f"{self._url}/gradio_api/queue/data?session_hash={page}"
        async with self._http.get(address) as answer:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    yield line[6:].decode()
