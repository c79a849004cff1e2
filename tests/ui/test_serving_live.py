"""Previews as server-sent events, over a real connection."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from comfyui_bridge.ui import live_stream
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.serving import Launched
from tests.ui.serving_kit import DEADLINE_S, Runs, a_run, client_of, ended, events, served, until

FRAME = b"\xff\xd8 a frame"


@pytest.fixture(scope="module")
def runs() -> Runs:
    return Runs()


@pytest.fixture(scope="module")
def page(runs: Runs) -> Iterator[Launched]:
    with served(
        Dashboard(engine=runs, library=None, editor=None, media=None, results=None, version="1.2.3")
    ) as page:
        yield page


@pytest.fixture
def client(page: Launched) -> Iterator[httpx.Client]:
    with client_of(page.url) as client:
        yield client


def test_every_newer_frame_comes_and_then_the_end(runs: Runs, client: httpx.Client) -> None:
    run = a_run("all")
    runs.publish(run)
    with client.stream("GET", "/live/all") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        told = events(answer)
        for version in (1, 2, 3):
            runs.show("all", FRAME + bytes([version]), "image/jpeg")
            name, payload = next(told)
            src = "data:image/jpeg;base64," + base64.b64encode(FRAME + bytes([version])).decode()
            assert (name, json.loads(payload)) == ("preview", {"v": version, "src": src})
        runs.publish(ended(run))
        assert [name for name, _ in told] == ["end"]


def test_who_comes_late_gets_the_newest_frame_at_once(runs: Runs, client: httpx.Client) -> None:
    runs.publish(a_run("late"))
    for number in range(20):
        runs.show("late", bytes([number]), "image/png")
    with client.stream("GET", "/live/late") as answer:
        assert json.loads(next(events(answer))[1])["v"] == 20


def test_who_comes_back_is_not_sent_the_same_frame(runs: Runs, client: httpx.Client) -> None:
    runs.publish(a_run("back"))
    runs.show("back", FRAME, "image/png")
    runs.show("back", FRAME, "image/png")
    with client.stream("GET", "/live/back", headers={"Last-Event-ID": "2"}) as answer:
        told = events(answer)
        runs.show("back", FRAME, "image/png")
        assert json.loads(next(told)[1])["v"] == 3


@pytest.mark.parametrize("last", ["57", "-1", "x", "9" * 50])
def test_a_frame_number_of_another_start_counts_for_nothing(
    runs: Runs, client: httpx.Client, last: str
) -> None:
    runs.publish(a_run("fresh"))
    runs.show("fresh", FRAME, "image/png")
    with client.stream("GET", "/live/fresh", headers={"Last-Event-ID": last}) as answer:
        assert next(events(answer))[0] == "preview"


def test_a_run_that_is_over_ends_at_once(runs: Runs, client: httpx.Client) -> None:
    runs.publish(ended(a_run("over")))
    with client.stream("GET", "/live/over") as answer:
        assert [name for name, _ in events(answer)] == ["end"]


def test_an_unknown_run_is_told_in_a_sentence(client: httpx.Client) -> None:
    answer = client.get("/live/nobody")
    assert (answer.status_code, answer.text) == (404, "There is no such run here.\n")


def test_a_silent_run_is_kept_alive(
    runs: Runs, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_stream, "HEARTBEAT_S", 0.0)
    runs.publish(a_run("silent"))
    with client.stream("GET", "/live/silent") as answer:
        assert next(events(answer)) == ("comment", "still here")


def test_a_slow_browser_gets_the_newest_frame_and_no_backlog(runs: Runs, page: Launched) -> None:
    """400 frames of 256 kB go by while it does not read; what waits for it is what the network took."""
    runs.publish(a_run("slow"))
    with socket.socket() as browser:
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        browser.settimeout(DEADLINE_S)
        browser.connect(("127.0.0.1", int(page.url.rsplit(":", 1)[1])))
        browser.sendall(b"GET /live/slow HTTP/1.1\r\nHost: " + page.url[7:].encode() + b"\r\n\r\n")
        assert b"200 OK" in browser.recv(1024)
        for _ in range(400):
            runs.show("slow", bytes(256_000), "image/png")
            time.sleep(0.002)  # the pace of the frames
        runs.publish(ended(a_run("slow")))
        got = bytearray()
        while b"event: end" not in got[-200:]:
            got += browser.recv(1 << 20)
    frames = got.count(b"event: preview")
    assert 1 < frames < 100
    assert b"\nid: 400\n" in got


def test_a_browser_that_goes_leaves_no_thread_behind(runs: Runs, client: httpx.Client) -> None:
    runs.publish(a_run("left"))
    before = live_viewers(runs, "left")
    with client.stream("GET", "/live/left") as answer:
        lines = answer.iter_lines()  # held: the stream closes with it
        next(lines)
        until(lambda: live_viewers(runs, "left") > before, "somebody waits for the run")
    until(lambda: live_viewers(runs, "left") == before, "nobody waits for the run")


def live_viewers(runs: Runs, run_id: str) -> int:
    entry = runs._entry(run_id)
    assert entry is not None
    with entry.changed:
        return len(entry.changed._waiters)


def test_the_app_stops_while_browsers_watch() -> None:
    runs = Runs()
    for number in range(20):
        runs.publish(a_run(f"run{number}"))
    with served(
        Dashboard(engine=runs, library=None, editor=None, media=None, results=None, version="1.2.3")
    ) as page:
        watching = threading.Barrier(21)
        gone = [threading.Thread(target=watch, args=(page.url, n, watching)) for n in range(20)]
        for thread in gone:
            thread.start()
        watching.wait(DEADLINE_S)
        began = time.monotonic()
        page.close()
        assert time.monotonic() - began < DEADLINE_S / 2
        for thread in gone:
            thread.join(DEADLINE_S)
        assert not any(thread.is_alive() for thread in gone)


def watch(url: str, number: int, watching: threading.Barrier) -> None:
    with httpx.stream("GET", f"{url}/live/run{number}", timeout=DEADLINE_S) as answer:
        lines = answer.iter_lines()
        next(lines)
        watching.wait(DEADLINE_S)
        for _ in lines:
            pass
