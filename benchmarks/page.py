"""The page in a browser: from the click to the server, from the server's last word to the picture, previews.

Beside it, turn by turn on the same servers, stands what people write first: a Gradio app that yields
pictures into a `gr.Image` (`benchmarks.plain_app`). Servers tell when a prompt came and when it was over to
whoever listens at their socket; each picture says its number in black and white squares, which a script in
the page reads from what is really shown, in the animation frame that shows it.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import websocket
from playwright.sync_api import Browser, Page, TimeoutError

from benchmarks.measuring import (
    Goal,
    Measured,
    PacedServers,
    Row,
    Skipped,
    browser,
    dashboard,
    paced,
    program,
    row,
)
from benchmarks.paced import RESULTS
from benchmarks.people import (
    TEMPLATE,
    OurPerson,
    Person,
    PlainPerson,
    Seen,
    crowd,
    paced_template,
)

CLICKS = 20
QUICK_RATE, QUICK_STEPS = 50, 3
"""Runs of a tenth of a second, of which only the beginning and the end are looked at."""
RATE, STEPS = 5, 50
"""Previews a second, and of a run."""
SESSIONS = (1, 5, 20)
AGAINST = "gr.Image"
_PATIENCE_S = 20.0

# Which picture is shown, since when: read in each animation frame from the pixels themselves.
_WATCH = """selector => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 8;
    const brush = canvas.getContext('2d', { willReadFrequently: true });
    const seen = (window.seen = []);
    const clicks = (window.clicks = []);
    addEventListener('click', (event) => {
        if (event.target.closest('#generate')) clicks.push(performance.timeOrigin + event.timeStamp);
    }, true);
    let last = '';
    const look = () => {
        const image = document.querySelector(selector);
        if (image && image.src && image.src !== last && image.complete && image.naturalWidth) {
            last = image.src;
            brush.drawImage(image, 0, 0, image.naturalWidth, image.naturalHeight, 0, 0, 8, 8);
            const row = brush.getImageData(0, 0, 8, 1).data;
            let number = 0;
            for (let bit = 0; bit < 8; bit += 1) if (row[bit * 4] > 127) number += 1 << bit;
            seen.push([number, performance.timeOrigin + performance.now()]);
        }
        requestAnimationFrame(look);
    };
    look();
}"""


class House(Protocol):
    """A program with a page: ours, or the plain one."""

    @property
    def name(self) -> str: ...

    @property
    def shown(self) -> str: ...

    """The selector of the picture that is shown."""

    def address(self, number: int, steps: int) -> str: ...

    def fill(self, page: Page, number: int, steps: int) -> None: ...

    def person(self, number: int, steps: int) -> Person: ...


@dataclass(frozen=True)
class Ours:
    url: str
    name: str = "ours"
    shown: str = "#frame .layer.is-shown"

    def address(self, number: int, steps: int) -> str:
        return f"{self.url}/?template={TEMPLATE}&number={number}&steps={steps}"

    def fill(self, page: Page, number: int, steps: int) -> None:
        page.wait_for_selector("#form[data-drawn]")
        page.locator("#input-number input[type=number], #input-number input").first.fill(str(number))

    def person(self, number: int, steps: int) -> Person:
        return OurPerson(self.url, number, steps)


@dataclass(frozen=True)
class Plain:
    url: str
    name: str = "plain"
    shown: str = "#picture img"

    def address(self, number: int, steps: int) -> str:
        return self.url

    def fill(self, page: Page, number: int, steps: int) -> None:
        for label, value in (("number", number), ("steps", steps)):
            page.get_by_label(label).fill(str(value))
            page.get_by_label(label).blur()
        page.wait_for_timeout(100)

    def person(self, number: int, steps: int) -> Person:
        return PlainPerson(self.url, number, steps)


@dataclass
class Marks:
    """What one house's clicks took, in milliseconds."""

    post: list[float] = field(default_factory=list)
    picture: list[float] = field(default_factory=list)


@dataclass
class Show:
    """What a browser saw of one run with previews, and what it asked for meanwhile."""

    number: int
    seen: list[tuple[int, float]]
    requests: int
    wire: int
    seconds: float


def measure() -> Iterator[Row]:
    """Goals: click to POST 60 ms; last event to picture 100 ms; previews 95 % shown, 100 ms old."""
    with tempfile.TemporaryDirectory(prefix="bench-page-") as name, browser() as chromium:
        folder = Path(name)
        put_templates(folder / "workflows")
        yield from _clicks(chromium, folder)
        yield from _previews(chromium, folder)


def put_templates(folder: Path) -> None:
    """A library of the one template that is run here."""
    workflow, card = paced_template()
    folder.mkdir()
    (folder / f"{TEMPLATE}.json").write_text(workflow, "utf-8")
    (folder / f"{TEMPLATE}.toml").write_text(card, "utf-8")


def _clicks(chromium: Browser, folder: Path) -> Iterator[Row]:
    with ExitStack() as running:
        servers = running.enter_context(paced(1, QUICK_RATE, folder))
        houses = running.enter_context(_houses(folder, servers.urls))
        told = running.enter_context(listening(servers.urls[0]))
        pages = {house.name: open_page(chromium, house, 0, QUICK_STEPS) for house in houses}
        marks = {house.name: Marks() for house in houses}
        for number in range(-2, CLICKS):  # two to warm up
            for house in houses:
                shown = _click(pages[house.name], house, number + 3, told)
                if number >= 0 and shown is not None:
                    marks[house.name].post.append(shown[0])
                    marks[house.name].picture.append(shown[1])
    ours, plain = marks["ours"], marks["plain"]
    yield row(
        "click on Generate to POST at the server",
        ours.post,
        "ms",
        other=plain.post,
        against=AGAINST,
        goal=Goal(most=60),
    )
    yield row(
        "server's last event to picture shown",
        ours.picture,
        "ms",
        other=plain.picture,
        against=AGAINST,
        goal=Goal(most=100),
    )


def _click(
    page: Page, house: House, number: int, told: list[tuple[float, int]]
) -> tuple[float, float] | None:
    """Milliseconds from the click to the POST, and from the last event to the picture; None without one."""
    house.fill(page, number, QUICK_STEPS)
    page.wait_for_timeout(300)  # what the fields still have to tell the server is not what is measured
    begun = len(told)
    page.click("#generate")
    at = wait_shown(page, RESULTS + number % RESULTS)
    if at is None:
        return None
    clicked = page.evaluate("window.clicks.at(-1)") / 1000
    posted = next(at for at, remaining in told[begun:] if remaining)
    over = next(at for at, remaining in reversed(told) if not remaining)
    return (posted - clicked) * 1000, (at - over) * 1000


def wait_shown(page: Page, picture: int, seconds: float = _PATIENCE_S) -> float | None:
    """The epoch second at which a picture was first shown after the last click."""
    look = """number => window.seen.find(([one, at]) => one === number && at > window.clicks.at(-1))?.[1]"""
    try:
        return float(page.wait_for_function(look, arg=picture, timeout=seconds * 1000).json_value()) / 1000
    except TimeoutError:
        return None


def _previews(chromium: Browser, folder: Path) -> Iterator[Row]:
    most = max(SESSIONS)
    shows: dict[tuple[str, int], Show] = {}
    crowds: dict[tuple[str, int], list[Person]] = {}
    with paced(most, RATE, folder) as servers, _houses(folder, servers.urls) as houses:
        for index, count in enumerate(SESSIONS):
            for house in houses:
                first = most * (2 * index + 1 + (house.name == "plain"))
                people = [house.person(first + one, STEPS) for one in range(1, count)]
                shows[house.name, count] = _show(chromium, house, first, people)
                crowds[house.name, count] = people
    for count in SESSIONS:
        ours, plain = shows["ours", count], shows["plain", count]
        yield from _of_previews(count, ours, plain, servers)
    yield from _of_streams(crowds["ours", most], crowds["plain", most], servers)
    yield from _of_requests(shows["ours", 1], shows["plain", 1])


def _of_previews(count: int, ours: Show, plain: Show, servers: PacedServers) -> Iterator[Row]:
    sessions = f"{count} session{'s' if count > 1 else ''}"
    (shown, ages), (plain_shown, plain_ages) = (_frames(show, servers) for show in (ours, plain))
    yield Measured(
        f"previews shown of those sent, {sessions}",
        shown,
        "%",
        STEPS,
        plain_shown,
        AGAINST,
        goal=Goal(least=95),
    )
    name = f"age of a preview when shown, {sessions}"
    if not ages:
        yield Skipped(name, "none was shown")
        return
    yield row(
        name,
        ages,
        "ms",
        other=plain_ages,
        against=AGAINST,
        goal=Goal(most=100),
    )


def _of_streams(ours: Sequence[Person], plain: Sequence[Person], servers: PacedServers) -> Iterator[Row]:
    """What reached the sessions without a browser, of `max(SESSIONS)` at once."""
    several = f"{max(SESSIONS)} sessions"
    frames = [_ages(person.frames, servers) for person in ours]
    yield row(
        f"age of a preview at the socket, {several}",
        [age for one in frames for age in one],
        "ms",
        other=[age for person in plain for age in _ages(person.frames, servers)],
        against=AGAINST,
        goal=Goal(most=100),
    )
    words = [age for person in ours for age in _ages(person.words, servers)]
    yield row(f"age of a step in words, {several}", words, "ms", goal=Goal(most=500))


def _of_requests(ours: Show, plain: Show) -> Iterator[Row]:
    yield Measured(
        "requests a second while a run goes",
        ours.requests / ours.seconds,
        "/s",
        STEPS,
        plain.requests / plain.seconds,
        AGAINST,
        goal=Goal(most=0),
    )
    yield Measured(
        "bytes over the wire a preview",
        ours.wire / 1000 / max(1, len(ours.seen)),
        "kB",
        STEPS,
        plain.wire / 1000 / max(1, len(plain.seen)),
        AGAINST,
    )


def _frames(show: Show, servers: PacedServers) -> tuple[float, list[float]]:
    """The share of a run's previews that was shown, and how old each was, in milliseconds."""
    first: dict[int, float] = {}
    for step, at in show.seen:
        first.setdefault(step, at)
    ages = [(at - servers.told[show.number, step]) * 1000 for step, at in first.items()]
    return 100 * len(ages) / STEPS, ages


def _ages(seen: Sequence[Seen], servers: PacedServers) -> list[float]:
    return [
        (at - servers.told[number, step]) * 1000
        for number, step, at in seen
        if (number, step) in servers.told
    ]


def _show(chromium: Browser, house: House, number: int, people: Sequence[Person]) -> Show:
    """One browser looks at one run while these people look at theirs."""
    page = open_page(chromium, house, number, STEPS)
    with crowd(people) as begin:
        house.fill(page, number, STEPS)
        page.wait_for_timeout(500)
        begin()
        page.click("#generate")
        with suppress(TimeoutError):  # where too many stream, none may come at all
            page.wait_for_function(
                "window.seen.some(([number, at]) => number < 128 && at > window.clicks.at(-1))"
            )
        with _traffic(page) as traffic:
            began = time.monotonic()
            wait_shown(page, RESULTS + number % RESULTS, _PATIENCE_S + STEPS / RATE)
            # The last moments are left out: what comes after the run is not of it.
            requests = [at for at in traffic.asked if at < time.monotonic() - 0.5]
            seconds = time.monotonic() - began - 0.5
    clicked = page.evaluate("window.clicks.at(-1)")
    seen = [
        (step, at / 1000) for step, at in page.evaluate("window.seen") if at > clicked and 0 < step < RESULTS
    ]
    page.context.close()
    return Show(number, seen, len(requests), sum(traffic.bytes), seconds)


@dataclass
class Traffic:
    """When the page asked the server for something, and the bytes of what came."""

    asked: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    own: set[str] = field(default_factory=set)


@contextmanager
def _traffic(page: Page) -> Iterator[Traffic]:
    traffic = Traffic()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    # Sockets and streams that were open before ask for nothing any more.
    session.on("Network.requestWillBeSent", lambda told: _note_request(traffic, told))
    session.on("Network.dataReceived", lambda told: _note_bytes(traffic, told))
    try:
        yield traffic
    finally:
        session.detach()


def _note_request(traffic: Traffic, told: dict[str, Any]) -> None:
    # Of what the page makes itself, such as a picture in an address, nothing goes over the wire.
    if told["request"]["url"].startswith("http"):
        traffic.asked.append(time.monotonic())
    else:
        traffic.own.add(told["requestId"])


def _note_bytes(traffic: Traffic, told: dict[str, Any]) -> None:
    if told["requestId"] not in traffic.own:
        traffic.bytes.append(told["dataLength"])


def open_page(chromium: Browser, house: House, number: int, steps: int, *, before: str = "") -> Page:
    """A page with the form of such a run, watched; `before` is a function to call before its own scripts."""
    page = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-US").new_page()
    if before:
        page.add_init_script(f"({before})()")
    page.goto(house.address(number, steps))
    page.wait_for_selector("#generate:not([disabled])")
    house.fill(page, number, steps)
    page.evaluate(_WATCH, house.shown)
    return page


@contextmanager
def _houses(folder: Path, urls: Sequence[str]) -> Iterator[tuple[House, House]]:
    """Our dashboard and the plain app, over the same servers."""
    servers = [word for url in urls for word in ("--server", url)]
    with ExitStack() as running:
        ours, _ = running.enter_context(dashboard(folder, *servers))
        plain, _ = running.enter_context(program([sys.executable, "-m", "benchmarks.plain_app", *urls]))
        yield Ours(ours), Plain(plain)


@contextmanager
def listening(url: str) -> Iterator[list[tuple[float, int]]]:
    """When the server's queue changed, and how long it was then: it tells everybody who listens.

    It does as it takes a prompt in, and before the last word to whoever sent the prompt.
    """
    told: list[tuple[float, int]] = []
    connection = websocket.create_connection(f"ws{url.removeprefix('http')}/ws?clientId=benchmark")

    def listen() -> None:
        try:
            while message := connection.recv():
                at = time.time()
                if isinstance(message, str) and '"status"' in message:
                    status = json.loads(message)["data"]["status"]
                    told.append((at, status["exec_info"]["queue_remaining"]))
        except (websocket.WebSocketException, OSError):
            return  # closed from here

    listener = threading.Thread(target=listen, name="listener", daemon=True)
    listener.start()
    try:
        yield told
    finally:
        connection.sock.shutdown(socket.SHUT_RDWR)  # closing it would not wake who reads
        listener.join()
        connection.close()
