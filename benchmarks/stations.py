"""Where the milliseconds go: the way of a click, of a preview and of a result, station by station.

The dashboard runs with a clock at each station (`benchmarks.marked`), which costs it next to nothing. The
paths themselves are explained in docs/performance.md.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from benchmarks.measuring import Measured, browser, paced, program, quartiles
from benchmarks.paced import MOST_STEPS, RESULTS
from benchmarks.page import Ours, listening, open_page, put_templates, wait_shown

CLICKS, STEPS, RATE = 20, 10, 10

CLICK = (
    ("page asks", "the browser's event, Gradio's script, the request"),
    ("handler begins", "Gradio takes it up in a thread"),
    ("written down", "values checked, the run on the disk"),
    ("claimed", "a worker is woken and takes the run"),
    ("sent", "the row names its server, on the disk"),
    ("POST at the server", "the request"),
)
RESULT = (
    ("over", "the last message is read, the history asked"),
    ("picture here", "the file is fetched and kept"),
    ("published", "the run's end, on the disk"),
    ("end sent", "the stream of previews says so"),
    ("picture shown", "the browser fetches, decodes and paints it"),
)
PREVIEW = (
    ("preview here", "the socket's message is read"),
    ("preview sent", "the stream has it"),
    ("preview heard", "the browser has it"),
    ("preview shown", "decoded and painted"),
)

# Note when the page's own stream gives it a frame.
_LISTEN = """() => {
    const Source = window.EventSource;
    const heard = (window.heard = []);
    window.EventSource = class extends Source {
        constructor(...given) {
            super(...given);
            this.addEventListener('preview', () => heard.push(performance.timeOrigin + performance.now()));
        }
    };
}"""


@dataclass
class Way:
    """The milliseconds at each station since the way began, of many times."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, began: float, stations: Mapping[str, float]) -> None:
        for station, at in stations.items():
            self.taken[station].append((at - began) * 1000)

    def rows(self, what: str, stations: Sequence[tuple[str, str]]) -> Iterator[Measured]:
        for station, words in stations:
            taken = self.taken.get(station)
            if not taken:
                continue
            at = statistics.median(taken)
            name = f"{what}: {station} ({words})"
            yield Measured(name, at, "ms", len(taken), spread=quartiles(taken))


def measure() -> Iterator[Measured]:
    with tempfile.TemporaryDirectory(prefix="bench-stations-") as name:
        folder = Path(name)
        put_templates(folder / "workflows")
        with paced(1, RATE, folder) as servers:
            told = _look(folder, servers.urls[0])
        ways = _ways(told, servers.told, _notes(folder / "notes"))
    for what, way, stations in zip(
        ("click", "preview", "result"), ways, (CLICK, PREVIEW, RESULT), strict=True
    ):
        yield from way.rows(what, stations)


@dataclass(frozen=True)
class Told:
    """What the browser and the server said, all in epoch seconds."""

    clicks: list[tuple[int, float]]
    """The number of each run, and its click."""
    queue: list[tuple[float, int]]
    seen: list[tuple[int, float]]
    heard: list[float]


def _look(folder: Path, server: str) -> Told:
    """Click so many times, and look at each run until its picture is there."""
    command = [sys.executable, "-m", "benchmarks.marked", str(folder / "notes"), "--port", "0"]
    command += ["--data", str(folder / "data"), "--workflows", str(folder / "workflows"), "--server", server]
    with listening(server) as queue, program(command) as (url, _), browser() as chromium:
        house = Ours(url)
        page = open_page(chromium, house, 0, STEPS, before=_LISTEN)
        clicks = []
        for number in range(1, CLICKS + 1):
            house.fill(page, number, STEPS)
            page.wait_for_timeout(300)
            page.click("#generate")
            if wait_shown(page, RESULTS + number % RESULTS) is not None:
                clicks.append((number, _epoch(page, "window.clicks.at(-1)")))
        seen = [(number, at / 1000) for number, at in page.evaluate("window.seen")]
        return Told(clicks, list(queue), seen, [at / 1000 for at in page.evaluate("window.heard")])


def _epoch(page: Page, what: str) -> float:
    return float(page.evaluate(what)) / 1000


def _notes(file: Path) -> dict[str, list[float]]:
    notes: dict[str, list[float]] = defaultdict(list)
    for line in file.read_text("utf-8").splitlines():
        at, _, station = line.partition(" ")
        notes[station].append(float(at))
    return notes


def _ways(
    told: Told, steps: Mapping[tuple[int, int], float], notes: Mapping[str, Sequence[float]]
) -> tuple[Way, Way, Way]:
    click, preview, result = Way(), Way(), Way()
    ends = [clicked for _, clicked in told.clicks[1:]] + [float("inf")]
    for (number, clicked), end in zip(told.clicks, ends, strict=True):
        posted = _first([at for at, remaining in told.queue if remaining], clicked, end)
        over = _first([at for at, remaining in told.queue if not remaining], clicked, end)
        click.note(clicked, _stations(CLICK, notes, clicked, end) | {"POST at the server": posted})
        shown = _first([at for one, at in told.seen if one == RESULTS + number % RESULTS], clicked, end)
        result.note(over, _stations(RESULT, notes, over, end) | {"picture shown": shown})
        for step in range(1, STEPS + 1):
            made = steps[number, step]
            until = steps.get((number, step + 1), over)
            shown_steps = [at for one, at in told.seen if one == step and one <= MOST_STEPS]
            stations = _stations(PREVIEW, notes, made, until) | {
                "preview heard": _first(told.heard, made, until),
                "preview shown": _first(shown_steps, made, until),
            }
            if all(at < until for at in stations.values()):
                preview.note(made, stations)
    return click, preview, result


def _stations(
    stations: Sequence[tuple[str, Any]], notes: Mapping[str, Sequence[float]], began: float, end: float
) -> dict[str, float]:
    return {name: _first(notes[name], began, end) for name, _ in stations if name in notes}


def _first(times: Sequence[float], began: float, end: float) -> float:
    """The first of these times between the two; infinite without one."""
    return next((at for at in times if began <= at < end), float("inf"))
