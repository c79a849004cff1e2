"""Starting and stopping a page: its port, its quiet, its room for many, and that it calls nobody."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from comfyui_bridge.ui import serving
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.serving import CannotListen, Look
from tests.ui.serving_kit import DEADLINE_S, Runs, call, client_of, served, small_page

FOLLOWERS = 60


def a_dashboard() -> Dashboard:
    return Dashboard(engine=Runs(), library=None, media=None, version="1.2.3")


def test_health_is_told_to_anybody() -> None:
    with served(a_dashboard()) as page:
        answer = httpx.get(f"{page.url}/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "version": "1.2.3",
        "servers": [{"name": "sandbox", "state": "connecting"}],
    }


def test_a_free_port_is_found_and_given_back() -> None:
    with served(a_dashboard()) as page:
        assert page.url == page.local_url
        assert page.share_url is None
        port = int(page.url.rsplit(":", 1)[1])
        assert httpx.head(page.url).status_code == 200
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_two_pages_side_by_side() -> None:
    with served(a_dashboard()) as one, served(a_dashboard()) as other:
        assert one.url != other.url
        assert httpx.get(f"{one.url}/healthz").status_code == 200
        assert httpx.get(f"{other.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("host", "url", "local_url"),
    [
        ("0.0.0.0", "http://0.0.0.0:", "http://127.0.0.1:"),
        ("localhost", "http://localhost:", "http://localhost:"),
        ("::1", "http://[::1]:", "http://[::1]:"),
    ],
)
def test_hosts_of_every_kind(host: str, url: str, local_url: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    with served(a_dashboard(), host=host) as page:
        assert page.url.startswith(url)
        assert page.local_url.startswith(local_url)
        assert httpx.get(f"{page.local_url}/healthz").status_code == 200


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_a_port_that_is_taken_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(
            CannotListen, match=rf"Port {port} on 127.0.0.1 is taken by another program; stop"
        ):
            serving.serve(small_page, a_dashboard(), Look(), host="127.0.0.1", port=port)
        assert time.monotonic() - began < 3.0


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("192.0.2.1", "no address of this machine"),
        ("no.such.host.invalid", "No address is known for the host"),
    ],
)
def test_a_host_that_is_not_ours_is_told(host: str, told: str) -> None:
    with pytest.raises(CannotListen, match=told):
        serving.free_port(host, 0)


def test_many_followers_leave_room_for_a_click() -> None:
    """Gradio's own cap of 40 running events made a click wait for three seconds behind 60 followers."""
    over = threading.Event()
    started = threading.Barrier(FOLLOWERS + 1)
    with (
        served(a_dashboard(), partial(small_page, over)) as page,
        ThreadPoolExecutor(FOLLOWERS) as crowd,
        client_of(page.url) as client,
    ):
        try:
            ended = [crowd.submit(follow, page.url, started) for _ in range(FOLLOWERS)]
            started.wait(60)
            waits = []
            for _ in range(5):
                began = time.monotonic()
                assert 'data: ["hello"]' in call(client, "echo", "hello").text
                waits.append(time.monotonic() - began)
            assert not any(follower.done() for follower in ended)
        finally:
            over.set()
        assert all(follower.result(DEADLINE_S) for follower in ended)
    assert sorted(waits)[2] < 2.5


def follow(url: str, started: threading.Barrier) -> bool:
    """Follow until the end; True if it came."""
    with client_of(url) as client:
        event = client.post("/gradio_api/call/follow", json={"data": ["x"]}).json()["event_id"]
        with client.stream("GET", f"/gradio_api/call/follow/{event}") as answer:
            lines = answer.iter_lines()
            next(line for line in lines if "generating" in line)
            started.wait(60)
            return any("over" in line for line in lines)


WATCHED = """
    import json, sys, threading

    called = []

    def watch(event, args):
        if event in ("socket.connect", "socket.sendto"):
            address = args[1]
            if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
                called.append(address[0])
        elif event == "socket.getaddrinfo" and args[0] not in ("127.0.0.1", "::1", "localhost", "", None):
            called.append(args[0])

    sys.addaudithook(watch)

    # From here on it is the page.
    from tests.ui.serving_kit import Dashboard, Runs, call, client_of, served

    with served(Dashboard(engine=Runs(), library=None, media=None, version="1.2.3")) as page:
        with client_of(page.url) as client:
            assert client.get("/").status_code == 200
            assert "hello" in call(client, "echo", "hello").text
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join(0.1)
    json.dump(called, sys.stderr)
"""


def test_nothing_is_called_and_nothing_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WATCHED)],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
        env={"PATH": "", "HOME": "/nonexistent", "GRADIO_ANALYTICS_ENABLED": "True"},
    )
    assert done.stdout == ""
    assert json.loads(done.stderr) == []


def test_the_guard_of_the_test_above_sees_a_call() -> None:
    code = textwrap.dedent(WATCHED).split("# From here on")[0] + textwrap.dedent("""
        import socket
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.connect(("192.0.2.1", 9))
        json.dump(called, sys.stderr)
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr) == ["192.0.2.1"]
