"""What real servers and networks do to a run, and the right end it has all the same.

A sandbox stands behind a proxy that cuts and stalls at chosen bytes; every test has a deadline.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from comfyui_bridge import Client
from comfyui_bridge.client import Result, RunHandle
from comfyui_bridge.comfy.http import Timeouts
from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.comfy.socket import Patience
from comfyui_bridge.core.errors import AnswerLost, Cancelled, Lost, Unreachable
from comfyui_bridge.core.events import Event, NodesCached, OutputReady, ProgressMade
from comfyui_bridge.core.run import RunState
from comfyui_bridge.engine.follow import Timing
from comfyui_bridge.sandbox.faults import Answer, Delay, Faults
from comfyui_bridge.sandbox.thread import SandboxThread
from tests import waiting
from tests.client_graphs import picture
from tests.fakes.http_script import frame
from tests.fakes.tcp_proxy import Act, TcpProxy
from tests.sandbox.simple_nodes import SIMPLE_NODES

DEADLINE = 30.0
SWIFT = Timing(
    silence=0.3, orphan=0.1, settle=0.05, absent=0.1, unwritten=2.0, give_up=20.0, retry=(0.02, 0.1)
)
TIMEOUTS = Timeouts(connect=5.0, answer=2.0, whole=10.0)
PATIENCE = Patience(opening=5.0, silence=1.0, pong=1.0)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def sandbox(faults: Faults) -> Iterator[SandboxThread]:
    with SandboxThread(SIMPLE_NODES, step_seconds=0.02, faults=faults) as running:
        yield running


@pytest.fixture
def proxy(sandbox: SandboxThread) -> Iterator[TcpProxy]:
    with TcpProxy(sandbox.url) as running:
        yield running


@pytest.fixture
def client(proxy: TcpProxy) -> Iterator[Client]:
    with Client(proxy.url, timing=SWIFT, timeouts=TIMEOUTS, patience=PATIENCE) as opened:
        yield opened


def is_right(result: Result, sandbox: SandboxThread) -> None:
    """Completed, with its one file, which is the server's."""
    assert result.state is RunState.COMPLETED
    (file,) = result.files
    assert file.filename.startswith("client")
    saved = Path(sandbox.folders.directory("output")) / file.subfolder / file.filename
    assert result.read(file) == saved.read_bytes()


def history(sandbox: SandboxThread) -> dict[str, object]:
    """What the server ran."""
    with urlopen(f"{sandbox.url}/history", timeout=DEADLINE) as answer:
        told: dict[str, object] = json.load(answer)
        return told


def until(what: Callable[[], bool]) -> None:
    waiting.until(what, DEADLINE, what.__qualname__)


def until_steps(handle: RunHandle, count: int = 2) -> None:
    until(lambda: handle.run.progress.value >= count)


POINTS = {
    "at the first status": b'"sid"',
    "between POST and start": b'"execution_start"',
    "in mid-sampling": b'"data": {"value": 4',
    "at an output": b'"executed"',
    "at the success": b'"execution_success"',
    "at the end": b'{"node": null',
}


@pytest.mark.parametrize("act", [Act.CUT_BEFORE, Act.CUT_AFTER, Act.STALL])
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
def test_a_websocket_lost_at_any_point(
    sandbox: SandboxThread, proxy: TcpProxy, client: Client, point: bytes, act: Act
) -> None:
    if act is Act.STALL and b"sid" in point:
        pytest.skip("a socket that is never greeted is no ComfyUI's")
    rule = proxy.rule(point, act)
    result = client.run(picture(steps=10), timeout=DEADLINE)
    until(rule.fired.is_set)
    is_right(result, sandbox)
    assert len(history(sandbox)) == 1
    is_right(client.run(picture(), timeout=DEADLINE), sandbox)


def test_a_websocket_that_breaks_all_the_time(sandbox: SandboxThread, client: Client, faults: Faults) -> None:
    faults.drop_sockets_after = 7
    seen: list[Event] = []
    result = client.run(picture(steps=30), timeout=DEADLINE, on_event=seen.append)
    is_right(result, sandbox)
    steps = [event.value for event in seen if isinstance(event, ProgressMade)]
    assert steps
    assert steps == sorted(steps)


def test_a_websocket_that_is_refused_once_it_broke(
    sandbox: SandboxThread, client: Client, faults: Faults
) -> None:
    handle = client.submit(picture(steps=20))
    until_steps(handle)
    faults.refused_sockets = 10**6
    faults.drop_sockets_after = 1
    is_right(handle.result(DEADLINE), sandbox)


def test_a_socket_that_hears_nothing(sandbox: SandboxThread, client: Client, faults: Faults) -> None:
    faults.silent_sockets = True
    handle = client.submit(picture(steps=5))
    is_right(handle.result(DEADLINE), sandbox)


def test_connection_refused(proxy: TcpProxy, client: Client) -> None:
    proxy.refuse()
    with pytest.raises(Unreachable):
        client.run(picture())


def test_connections_reset_and_refused_in_mid_run(
    sandbox: SandboxThread, proxy: TcpProxy, client: Client
) -> None:
    handle = client.submit(picture(steps=25))
    until_steps(handle)
    accepted = proxy.accepted
    proxy.refuse()
    until(lambda: proxy.accepted > accepted + 2)
    proxy.mend()
    is_right(handle.result(DEADLINE), sandbox)
    assert len(history(sandbox)) == 1


def test_half_open_connections(sandbox: SandboxThread, proxy: TcpProxy, client: Client) -> None:
    handle = client.submit(picture(steps=25))
    until_steps(handle)
    proxy.stall()
    until(lambda: len(history(sandbox)) == 1)
    proxy.mend()
    is_right(handle.result(DEADLINE), sandbox)


def test_a_slow_server(sandbox: SandboxThread, client: Client, faults: Faults) -> None:
    faults.delays.append(Delay("/", 0.4))
    is_right(client.run(picture(steps=3), timeout=DEADLINE), sandbox)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_error_pages_of_a_proxy_in_mid_run(
    sandbox: SandboxThread, client: Client, faults: Faults, status: int
) -> None:
    handle = client.submit(picture(steps=5))
    faults.answers.append(Answer("/history", status=status, times=3))
    faults.answers.append(Answer("/queue", status=status, times=2))
    is_right(handle.result(DEADLINE), sandbox)


def test_an_answer_that_is_no_json(sandbox: SandboxThread, client: Client, faults: Faults) -> None:
    handle = client.submit(picture(steps=5))
    faults.answers.append(Answer("/history", status=200, body="{", content_type="application/json", times=2))
    is_right(handle.result(DEADLINE), sandbox)


def test_history_that_comes_after_the_success(sandbox: SandboxThread, client: Client, faults: Faults) -> None:
    faults.history_delay = 0.3
    is_right(client.run(picture(), timeout=DEADLINE), sandbox)


def test_a_second_socket_takes_our_client_id(sandbox: SandboxThread, client: Client) -> None:
    handle = client.submit(picture(steps=30))
    until_steps(handle)
    with urlopen(f"{sandbox.url}/queue", timeout=DEADLINE) as answer:
        (item,) = json.load(answer)["queue_running"]
    thief = ComfyServer(sandbox.url).connect(item[3]["client_id"])
    is_right(handle.result(DEADLINE), sandbox)
    thief.close()
    # When the thief closes, the server forgets our socket for good: it must be noticed.
    for _ in range(2):
        is_right(client.run(picture(), timeout=DEADLINE), sandbox)


def test_a_lost_answer_to_the_submission(sandbox: SandboxThread, proxy: TcpProxy, client: Client) -> None:
    rule = proxy.rule(b"POST /prompt", Act.LOSE_ANSWER, towards="server")
    result = client.run(picture(steps=3), timeout=DEADLINE)
    assert rule.fired.is_set()
    is_right(result, sandbox)
    assert list(history(sandbox)) == [result.prompt_id]


def test_a_server_that_takes_it_and_hangs_up(sandbox: SandboxThread, client: Client, faults: Faults) -> None:
    faults.lost_prompt_replies = 1
    result = client.run(picture(steps=3), timeout=DEADLINE)
    is_right(result, sandbox)
    assert list(history(sandbox)) == [result.prompt_id]


def test_a_lost_answer_while_nothing_can_be_asked(
    sandbox: SandboxThread, proxy: TcpProxy, client: Client, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comfyui_bridge.comfy.server.LOOK_PAUSES", (0.0,))
    faults.lost_prompt_replies = 1
    faults.answers.append(Answer("/queue", status=502, times=4))
    result = client.run(picture(steps=3), timeout=DEADLINE)
    is_right(result, sandbox)
    assert list(history(sandbox)) == [result.prompt_id]


def test_a_submission_lost_on_its_way_is_told_and_not_repeated(
    sandbox: SandboxThread, proxy: TcpProxy, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comfyui_bridge.comfy.server.LOOK_PAUSES", (0.05, 0.05))
    proxy.rule(b"POST /prompt", Act.CUT_BEFORE, towards="server")
    with pytest.raises(Lost) as told:
        client.run(picture(), timeout=DEADLINE)
    assert not isinstance(told.value, AnswerLost)
    assert history(sandbox) == {}


def test_a_server_restarted_in_mid_run_has_lost_it_and_we_say_so(tmp_path: Path) -> None:
    first = SandboxThread(SIMPLE_NODES, step_seconds=0.02, directory=tmp_path).start()
    with Client(first.url, timing=SWIFT, timeouts=TIMEOUTS, patience=PATIENCE) as client:
        running, pending = (client.submit(picture(steps=500)) for _ in range(2))
        until_steps(running)
        first.stop()
        second = SandboxThread(SIMPLE_NODES, directory=tmp_path, port=first.port).start()
        for handle in (running, pending):
            with pytest.raises(Lost, match="restarted"):
                handle.result(DEADLINE)
        is_right(client.run(picture(), timeout=DEADLINE), second)
    second.stop()


def test_a_cached_run(sandbox: SandboxThread, client: Client) -> None:
    graph = picture(steps=3)
    first = client.run(graph, timeout=DEADLINE)
    seen: list[Event] = []
    second = client.run(graph, timeout=DEADLINE, on_event=seen.append)
    assert second.files == first.files
    is_right(second, sandbox)
    assert any(isinstance(event, NodesCached) and event.node_ids for event in seen)


def test_cancelled_while_running_and_while_pending_only_ours(
    sandbox: SandboxThread, proxy: TcpProxy, client: Client
) -> None:
    with Client(sandbox.url, timing=SWIFT) as other:
        theirs = other.submit(picture(steps=60))
        until_steps(theirs)
        pending = client.submit(picture(steps=60))
        client.cancel(pending)
        with pytest.raises(Cancelled):
            pending.result(DEADLINE)
        assert theirs.state is RunState.IN_PROGRESS
        mine = client.submit(picture(steps=500))
        is_right(theirs.result(DEADLINE), sandbox)
        until_steps(mine)
        after = other.submit(picture(steps=2))
        client.cancel(mine.prompt_id)
        with pytest.raises(Cancelled):
            mine.result(DEADLINE)
        is_right(after.result(DEADLINE), sandbox)


def test_cancelled_while_the_socket_is_away(sandbox: SandboxThread, proxy: TcpProxy, client: Client) -> None:
    handle = client.submit(picture(steps=500))
    until_steps(handle)
    proxy.refuse()
    with pytest.raises(Unreachable):
        handle.cancel()
    proxy.mend()
    with pytest.raises(Cancelled):
        handle.result(DEADLINE)


@pytest.mark.parametrize(
    "noise",
    [
        frame("{ not json"),
        frame(b"\xff\xfe", opcode=1),
        frame({"type": "crystools.monitor", "data": {"cpu": 12}}),
        frame({"type": "progress", "data": {"value": None, "prompt_id": 3}}),
        frame(struct.pack(">II", 99, 1) + b"?" * 1000),
        frame({"type": "executing", "data": {"node": None, "prompt_id": "another"}}),
        frame({"type": "execution_error", "data": {"prompt_id": "another"}}),
        frame("x" * 20_000_000),
        frame(b"", length=2**40),
        b"\xff\xff\xff\xff",
    ],
    ids=range(10),
)
def test_malformed_unknown_and_huge_messages(
    sandbox: SandboxThread, proxy: TcpProxy, client: Client, noise: bytes
) -> None:
    rule = proxy.rule(b'"data": {"value": 4', Act.INSERT, insert=noise)
    result = client.run(picture(steps=10), timeout=DEADLINE)
    assert rule.fired.is_set()
    is_right(result, sandbox)


def test_a_model_that_loads_in_silence_is_no_alarm(
    sandbox: SandboxThread, client: Client, faults: Faults
) -> None:
    faults.model_load_seconds = 3.0  # ten times the silence after which the queue is asked
    handle = client.submit(picture(steps=2))
    until(lambda: handle.state is RunState.IN_PROGRESS)
    is_right(handle.result(DEADLINE), sandbox)


def test_a_clock_that_jumps_changes_nothing(
    sandbox: SandboxThread, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = client.submit(picture(steps=20))
    until_steps(handle)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86_400)
    until_steps(handle, 10)
    monkeypatch.setattr(time, "time", lambda: real() + 86_400)
    result = handle.result(DEADLINE)
    is_right(result, sandbox)
    assert result.seconds is not None
    assert 0 < result.seconds < DEADLINE


def test_outputs_are_told_once_per_node_whatever_breaks(
    sandbox: SandboxThread, proxy: TcpProxy, client: Client
) -> None:
    proxy.rule(b'"executed"', Act.CUT_AFTER)
    seen: list[Event] = []
    result = client.run(picture(steps=5), timeout=DEADLINE, on_event=seen.append)
    is_right(result, sandbox)
    assert len([event for event in seen if isinstance(event, OutputReady)]) <= 1


def test_a_download_that_breaks_is_taken_up(
    sandbox: SandboxThread, proxy: TcpProxy, client: Client, tmp_path: Path
) -> None:
    result = client.run(picture(size=700), timeout=DEADLINE)
    proxy.rule(b"IDAT", Act.CUT_AFTER)
    (path,) = result.save(tmp_path)
    assert path.read_bytes() == (Path(sandbox.folders.directory("output")) / path.name).read_bytes()
    assert list(tmp_path.iterdir()) == [path]
