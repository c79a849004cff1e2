"""Sessions of a page without a browser: what Gradio's own script and ours would send and read.

Twenty real browsers are more than two cores can paint, and would measure the painting. So beside one real
page stand sessions of this kind, which cost the program the same and the machine next to nothing.
"""

from __future__ import annotations

import asyncio
import re
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from time import time
from typing import Any, Protocol

import aiohttp

from benchmarks.paced import NODE

TEMPLATE = "paced"
_STEP = re.compile(r"step (\d+) of \d+")
_FILE = re.compile(r"/gradio_api/file=[^\"\\\\]+")

Seen = tuple[int, int, float]
"""A run's number, a step of it, and when that reached somebody."""


class Person(Protocol):
    """Somebody with a page open."""

    words: list[Seen]
    frames: list[Seen]

    async def arrive(self) -> None:
        """Open the page."""

    async def run(self) -> None:
        """Generate, and follow the run to its end."""

    async def leave(self) -> None:
        """Close the page."""


class Session:
    """What both kinds of page have: a cookie jar, a session of Gradio's, its queue."""

    def __init__(self, url: str, number: int, steps: int) -> None:
        self._url, self._number, self._steps = url, number, steps
        self._http: aiohttp.ClientSession
        self._page = uuid.uuid4().hex[:11]
        self._events: list[dict[str, Any]] = []
        self._query = ""
        self.words: list[Seen] = []
        self.frames: list[Seen] = []

    async def arrive(self) -> None:
        jar = aiohttp.CookieJar(unsafe=True)
        self._http = aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=None))
        async with self._http.get(f"{self._url}/") as answer:
            await answer.read()
        async with self._http.get(f"{self._url}/config") as answer:
            self._events = (await answer.json())["dependencies"]

    async def leave(self) -> None:
        await self._http.close()

    def _named(self, name: str) -> dict[str, Any]:
        return next(event for event in self._events if event["api_name"] == name)

    async def _join(self, event: dict[str, Any], page: str, given: list[Any] | None = None) -> None:
        await self._tell("queue/join", event, page, given)

    async def _tell(
        self, route: str, event: dict[str, Any], page: str, given: list[Any] | None = None
    ) -> None:
        body = {
            "data": given if given is not None else [None] * len(event["inputs"]),
            "fn_index": event["id"],
            "session_hash": page,
            "event_data": None,
            "trigger_id": None,
        }
        async with self._http.post(f"{self._url}/gradio_api/{route}{self._query}", json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def _messages(self, page: str) -> AsyncIterator[str]:
        address = f"{self._url}/gradio_api/queue/data?session_hash={page}"
        async with self._http.get(address) as answer:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    yield line[6:].decode()


class OurPerson(Session):
    """Gradio's queue for the words, /live for the frames."""

    async def arrive(self) -> None:
        await super().arrive()
        await self._open()

    async def run(self) -> None:
        """Submit as a program does that does not stay, and open the page at the run."""
        page = uuid.uuid4().hex[:11]
        values = {"number": self._number, "steps": self._steps}
        await self._join(self._named("run"), page, [TEMPLATE, values])
        run_id = ""
        async for message in self._messages(page):
            if found := re.search(r'"run_id": ?"(\w+)"', message):
                run_id = found[1]
                break
        self._query = f"?run={run_id}"
        await self._open()
        await asyncio.gather(self._read(), self._watch(run_id))

    async def _open(self) -> None:
        await self._tell("run/predict", self._listener("load"), self._page)

    async def _read(self) -> None:
        """Follow the run by words."""
        await self._join(self._listener("input", is_generator=True), self._page)
        async for message in self._messages(self._page):
            at = time()
            self.words += [(self._number, int(step), at) for step in _STEP.findall(message)]
            if "process_completed" in message:
                return

    async def _watch(self, run_id: str) -> None:
        """Follow the run by frames."""
        async with self._http.get(f"{self._url}/live/{run_id}") as answer:
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


class PlainPerson(Session):
    """Gradio's queue for everything, and a request for each picture's file."""

    async def run(self) -> None:
        given = [self._number, self._steps]
        await self._join(self._named("generate"), self._page, given)
        async for message in self._messages(self._page):
            if found := _FILE.search(message):
                await self._fetch(found[0])
            if "process_completed" in message:
                return

    async def _fetch(self, file: str) -> None:
        try:
            async with self._http.get(f"{self._url}{file}") as answer:
                answer.raise_for_status()
                await answer.read()
        except aiohttp.ClientError:
            return  # not all of them arrive where many sessions stream at once
        self.frames.append((self._number, len(self.frames) + 1, time()))


@contextmanager
def crowd(people: Sequence[Person]) -> Iterator[Callable[[], None]]:
    """These people with their pages open; calling it begins their runs. They follow them to their end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="crowd", daemon=True)
    thread.start()
    runs: list[Future[None]] = []

    def begin() -> None:
        runs.extend(asyncio.run_coroutine_threadsafe(person.run(), loop) for person in people)

    try:
        for person in people:
            asyncio.run_coroutine_threadsafe(person.arrive(), loop).result()
        yield begin
        for run in runs:
            run.result(120)
    finally:
        for run in runs:
            run.cancel()
        for person in people:
            asyncio.run_coroutine_threadsafe(person.leave(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def paced_template() -> tuple[str, str]:
    """The workflow and the card of the template that these people run, as texts."""
    return _WORKFLOW, _CARD


_WORKFLOW = f"""{{
  "1": {{"class_type": "{NODE}", "inputs": {{"number": 0, "steps": 10, "previews": true}}}},
  "2": {{"class_type": "SaveImage", "inputs": {{"images": ["1", 0], "filename_prefix": "paced"}}}}
}}
"""
_CARD = """title = "Paced"
[[inputs]]
node = "1"
input = "number"
key = "number"
[[inputs]]
node = "1"
input = "steps"
key = "steps"
"""
