"""Starting and stopping a page: its port, its quiet, its room for many, and that it calls nobody."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from gradio.tunneling import BINARY_FILENAME

from comfyui_bridge.store.accounts import Accounts
from comfyui_bridge.ui import serving
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.serving import CannotListen, Look
from tests.ui.serving_kit import DEADLINE_S, Runs, call, client_of, served, small_page

ROOT = Path(__file__).resolve().parents[2]
FOLLOWERS = 60
PATIENCE_S = 15.0
"""What a machine needs that has other things to do; what is wrong takes longer, or for ever."""


def a_dashboard() -> Dashboard:
    return Dashboard(engine=Runs(), library=None, editor=None, media=None, results=None, version="1.2.3")


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
        assert time.monotonic() - began < PATIENCE_S


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


WATCH = """
    import atexit, json, sys

    called = []

    def watch(event, args):
        if event in ("socket.connect", "socket.sendto"):
            address = args[1]
            if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
                called.append(address[0])
        elif event == "socket.getaddrinfo" and args[0] not in ("127.0.0.1", "::1", "", None):
            called.append(args[0])

    sys.addaudithook(watch)
    atexit.register(lambda: print(json.dumps(called), file=sys.stderr))
"""
APP = """
    import runpy
    sys.argv = ["app.py", *sys.argv[1:]]
    runpy.run_path("app.py", run_name="__main__")
"""
STRAY = """
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.connect(("192.0.2.1", 9))
"""


def watched(code: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """A process that tells on stderr, as it ends, whom it called outside this machine."""
    command = [sys.executable, "-c", textwrap.dedent(WATCH) + textwrap.dedent(code), *arguments]
    # Whoever runs this may have Gradio's counting switched on.
    environ = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "True", "PYTHONPATH": str(ROOT)}
    environ = {name: value for name, value in environ.items() if not name.startswith("COMFYUI")} | variables
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=environ)


def test_the_app_says_one_line_calls_nobody_and_stops_while_people_watch(tmp_path: Path) -> None:
    app = watched(APP, "--port", "0", "--data", str(tmp_path))
    try:
        assert app.stdout is not None
        ready = app.stdout.readline()
        assert re.fullmatch(r"Ready: http://127\.0\.0\.1:[0-9]+\n", ready)
        with client_of(ready.split()[1]) as client, ExitStack() as people:
            assert client.get("/").status_code == 200
            assert client.get("/theme.css").status_code == 200
            for _ in range(10):  # far more than is done by the time
                asked = {"data": ["text-to-image", {"steps": 60}]}
                follower = client.post("/gradio_api/call/run", json=asked).json()["event_id"]
                watching = client.stream("GET", f"/gradio_api/call/run/{follower}")
                assert people.enter_context(watching).status_code == 200
            began = time.monotonic()
            app.send_signal(signal.SIGINT)
            said, told = app.communicate(timeout=60)
        assert time.monotonic() - began < PATIENCE_S
        assert (app.returncode, said) == (0, "")
        # It says that it stops, and the guard lists nobody who was called.
        assert [line.partition(".")[0] for line in told.splitlines()] == ["Stopping", "[]"]
    finally:
        app.kill()
        app.communicate()


def test_an_open_page_holds_no_connection() -> None:
    """A browser has six of them for all its tabs."""
    with served(a_dashboard()) as page, client_of(page.url) as client:
        assert client.get("/gradio_api/heartbeat/somebody").status_code == 204


def test_what_was_uploaded_and_not_kept_is_gone_at_the_end() -> None:
    with served(a_dashboard()) as page, client_of(page.url) as client:
        path = Path(client.post("/gradio_api/upload", files={"files": ("a.txt", b"words")}).json()[0])
        assert path.read_bytes() == b"words"
    assert not path.exists()


@pytest.mark.skipif(os.name == "nt", reason="the tunnel played here is a shell script")
@pytest.mark.parametrize("says", ["start proxy success: http://abc.share.example", "login to server failed"])
def test_a_public_link_is_passed_on_and_the_page_stays_ours(tmp_path: Path, says: str) -> None:
    """Gradio's tunnel is a program that it downloads; here one stands in its place that opens nothing."""
    program = tmp_path / "gradio" / "frpc" / BINARY_FILENAME
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/tunnel\necho '{says}'\nexec sleep 600\n")
    program.chmod(0o755)
    accounts = Accounts(tmp_path / "accounts", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    accounts.add("ada", "her password")
    app = watched(
        APP,
        *("--port", "0", "--data", str(tmp_path / "data"), "--share", "--auth", str(accounts.path)),
        *("--server", "http://127.0.0.1:9"),  # nobody: without one it would have its own sandbox
        HF_HOME=str(tmp_path),
        GRADIO_SHARE_SERVER_ADDRESS="127.0.0.1:9",
    )
    try:
        assert app.stdout is not None
        url = app.stdout.readline().split()[1]
        is_shared = "success" in says
        if is_shared:
            assert app.stdout.readline() == "Public: https://abc.share.example\n"
        with client_of(url) as far:
            far.headers.update({"Host": "abc.share.example", "X-Forwarded-Proto": "https"})
            assert far.get("/").status_code == 401
            far.headers["Origin"] = "https://abc.share.example"
            entered = far.post("/sign-in", data={"name": "ada", "password": "her password"})
            assert entered.headers["set-cookie"].endswith("; Secure")
            page = far.get("/", auth=("ada", "her password"))
            assert page.status_code == 200
            # Gradio's page for public links loads its scripts from elsewhere.
            assert "amazonaws" not in page.text
        app.send_signal(signal.SIGINT)
        said, told = app.communicate(timeout=60)
        assert (app.returncode, said) == (0, "")
        assert ("There is no public link. Could not create share link." in told) is not is_shared
        assert told.endswith("[]\n")
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "tunnel").read_text()), 0)
    finally:
        app.kill()
        app.communicate()


def test_the_guard_of_the_test_above_sees_a_call() -> None:
    stray = watched(STRAY)
    assert stray.communicate(timeout=60) == ("", '["192.0.2.1"]\n')
