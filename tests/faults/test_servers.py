"""What servers and networks do to a run, with servers in processes of their own, and its true end."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.run import Fault, Run, RunState
from comfyui_bridge.engine.pool import ServerState
from tests.fakes.tcp_proxy import Act, TcpProxy
from tests.faults import graphs
from tests.faults.house import House
from tests.faults.processes import ServerProcess, free_port, until

LONG = 1000
"""Steps: more than any test waits for."""
OWN_500 = {"status": 500, "body": "500 Internal Server Error\n\nServer got itself in trouble"}
PROXYS_502 = {"status": 502, "body": "<html><body><h1>502 Bad Gateway</h1></body></html>"}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:
    folder = tmp_path_factory.mktemp("servers")
    running = [ServerProcess(folder / name).start(wait=False) for name in ("one", "two")]
    for server in running:
        server.ready()
    yield running
    for server in running:
        server.kill()


@pytest.fixture
def server(servers: list[ServerProcess]) -> Iterator[ServerProcess]:
    yield servers[0]
    servers[0].mend()


@pytest.fixture
def other(servers: list[ServerProcess]) -> Iterator[ServerProcess]:
    yield servers[1]
    servers[1].mend()


@pytest.fixture
def house(tmp_path: Path, server: ServerProcess) -> Iterator[House]:
    with House(tmp_path, server.url) as made:
        yield made


def test_a_server_killed_while_it_runs_our_run(house: House, server: ServerProcess) -> None:
    name = graphs.prefix()
    run_id = house.submit(graphs.steps(name, LONG))
    house.begun(run_id)
    server.kill()
    assert str(server.port) in house.server_is(server.url, ServerState.AWAY)
    assert house.run(run_id).state is RunState.IN_PROGRESS  # as far as anybody knows
    server.start()
    assert _is_lost(house.ended(run_id))
    again = graphs.prefix()
    house.is_done_once(house.submit(graphs.plain(again)), again, [server])


def test_a_server_killed_with_nothing_to_do(
    tmp_path: Path, server: ServerProcess, other: ServerProcess
) -> None:
    with House(tmp_path, server.url, other.url) as house:
        server.kill()
        house.server_is(server.url, ServerState.AWAY)
        names = [graphs.prefix() for _ in range(4)]
        for name, run_id in [(name, house.submit(graphs.plain(name))) for name in names]:
            assert house.is_done_once(run_id, name, [other]).server == other.url
        server.start()
        house.server_is(server.url, ServerState.READY)
        long, name = graphs.prefix(), graphs.prefix()
        busy = [house.submit(graphs.steps(long, LONG)), house.submit(graphs.steps(name, LONG))]
        assert {house.begun(run_id).server for run_id in busy} == {server.url, other.url}
        for run_id in busy:
            house.engine.cancel(run_id)
            assert house.ended(run_id).state is RunState.CANCELLED


def test_a_server_that_dies_with_a_run_waiting_in_it(
    tmp_path: Path, server: ServerProcess, other: ServerProcess
) -> None:
    with House(tmp_path, server.url, other.url) as house:
        house.engine.pause(other.url, True)
        names = graphs.prefix(), graphs.prefix()
        running, waiting = house.submit(graphs.steps(names[0], LONG)), house.submit(graphs.plain(names[1]))
        house.begun(running)
        assert house.accepted(waiting).server == server.url
        house.goes_on(running)
        server.kill()
        house.engine.pause(other.url, False)
        assert house.is_done_once(waiting, names[1], [server, other]).server == other.url
        assert not house.run(running).state.is_final
        server.start()
        assert _is_lost(house.ended(running))


def test_a_tunnel_that_breaks_before_a_server_that_lives(
    tmp_path: Path, server: ServerProcess, other: ServerProcess
) -> None:
    mine, others = graphs.prefix(), graphs.prefix()
    with TcpProxy(server.url, free_port()) as tunnel, House(tmp_path, tunnel.url, other.url) as house:
        house.engine.pause(other.url, True)
        foreign = server.post(graphs.steps(others, 300))
        run_id = house.submit(graphs.plain(mine))
        assert house.until(run_id, lambda run: run.accepted_at is not None and run.ahead == 1).server
        tunnel.close()
        house.engine.pause(other.url, False)
        assert house.is_done_once(run_id, mine, [server, other]).server == other.url
        with TcpProxy(server.url, tunnel.port):
            house.server_is(tunnel.url, ServerState.READY)
            until(lambda: server.queued() in ((foreign,), ()))
            until(lambda: foreign in server.history())
    assert server.history()[foreign]["status"]["status_str"] == "success"
    assert server.saved(mine) == []


def test_a_server_frozen_while_it_runs_our_run(house: House, server: ServerProcess) -> None:
    name = graphs.prefix()
    run_id = house.submit(graphs.steps(name, 40))
    house.begun(run_id)
    server.freeze()
    its = graphs.prefix()
    behind = house.submit(graphs.plain(its))
    assert not house.run(run_id).state.is_final
    server.thaw()
    house.is_done_once(run_id, name, [server])
    house.is_done_once(behind, its, [server])


def test_a_server_frozen_for_so_long_that_it_counts_as_away(
    tmp_path: Path, server: ServerProcess, other: ServerProcess
) -> None:
    with House(tmp_path, server.url, other.url) as house:
        house.engine.pause(other.url, True)
        names = [graphs.prefix() for _ in range(3)]
        running, stopped = (house.submit(graphs.steps(name, 60)) for name in names[:2])
        house.begun(running)
        house.accepted(stopped)
        server.freeze()
        house.server_is(server.url, ServerState.AWAY)
        house.engine.pause(other.url, False)
        elsewhere = house.submit(graphs.plain(names[2]))
        assert house.is_done_once(elsewhere, names[2], [server, other]).server == other.url
        house.engine.cancel(stopped)
        house.until(stopped, lambda run: run.stopping)
        server.thaw()
        assert house.is_done_once(running, names[0], [server, other]).server == server.url
        assert house.ended(stopped).state is RunState.CANCELLED
        assert server.saved(names[1]) == []


def test_a_server_restarted_at_once(house: House, server: ServerProcess) -> None:
    name = graphs.prefix()
    run_id = house.submit(graphs.steps(name, LONG))
    house.begun(run_id)
    behind = graphs.prefix()
    waiting = house.submit(graphs.plain(behind))
    house.accepted(waiting)
    house.goes_on(run_id)
    server.restart()
    assert _is_lost(house.ended(run_id))
    assert server.saved(name) == []
    house.is_done_once(waiting, behind, [server])


def test_sockets_that_break_all_the_time(house: House, server: ServerProcess) -> None:
    server.set(drop_sockets_after=6)
    name = graphs.prefix()
    run_id = house.submit(graphs.steps(name, 30))
    house.is_done_once(run_id, name, [server])


def test_a_socket_that_says_nothing(house: House, server: ServerProcess) -> None:
    server.set(silent_sockets=True)
    name = graphs.prefix()
    house.is_done_once(house.submit(graphs.plain(name)), name, [server])


@pytest.mark.parametrize(
    ("route", "answer"),
    [
        pytest.param("/queue", OWN_500, id="500-/queue"),
        pytest.param("/history", PROXYS_502, id="502-/history"),
        pytest.param("/view", OWN_500, id="500-/view"),
        pytest.param("/prompt", PROXYS_502, id="502-/prompt"),
        pytest.param("/upload/image", OWN_500, id="500-/upload/image"),
    ],
)
def test_a_server_that_fails_at_a_request(
    house: House, server: ServerProcess, route: str, answer: dict[str, Any]
) -> None:
    names = [graphs.prefix() for _ in range(4)]
    first = house.submit(graphs.steps(names[0], 60))
    behind = house.submit(graphs.steps(names[1], 3))
    house.accepted(behind)
    server.set(answers=[{"path": route, "times": 2, **answer}])
    ids = [first, behind, _submit_upload(house, names[2]), house.submit(graphs.plain(names[3]))]
    for name, run_id in zip(names, ids, strict=True):
        house.is_done_once(run_id, name, [server])
    # Once at least it was asked in vain; a queue is asked only as often as there is a doubt.
    assert all(left["times"] < 2 for left in server.faults()["answers"])
    house.server_is(server.url, ServerState.READY)


def test_a_submission_whose_answer_is_lost(house: House, server: ServerProcess) -> None:
    server.set(lost_prompt_replies=1)
    name = graphs.prefix()
    house.is_done_once(house.submit(graphs.steps(name, 5)), name, [server])


def test_an_upload_that_breaks_off(tmp_path: Path, server: ServerProcess) -> None:
    with TcpProxy(server.url) as proxy, House(tmp_path, proxy.url) as house:
        broken = proxy.rule(b"POST /upload/image", Act.CUT_AFTER, towards="server")
        name = graphs.prefix()
        run_id = _submit_upload(house, name)
        house.is_done_once(run_id, name, [server])
        assert broken.fired.is_set()


def test_a_server_whose_own_disk_is_full(house: House, server: ServerProcess) -> None:
    said = {"exception_type": "OSError", "message": "[Errno 28] No space left on device"}
    server.set(nodes=[{"class_type": "SaveImage", **said}])
    name, next_ = graphs.prefix(), graphs.prefix()
    failed = house.ended(house.submit(graphs.plain(name)))
    assert failed.error is not None
    assert (failed.state, failed.error.fault) == (RunState.FAILED, Fault.NODE)
    assert "No space left" in failed.error.message
    house.is_done_once(house.submit(graphs.plain(next_)), next_, [server])


def test_others_clear_the_queue_and_interrupt(house: House, server: ServerProcess) -> None:
    names = graphs.prefix(), graphs.prefix()
    running = house.submit(graphs.steps(names[0], LONG))
    house.begun(running)
    waiting = house.submit(graphs.plain(names[1]))
    house.accepted(waiting)
    server.send("/queue", {"clear": True})
    assert house.ended(waiting).state is RunState.CANCELLED
    server.send("/interrupt", {})
    assert house.ended(running).state is RunState.CANCELLED
    assert [server.saved(name) for name in names] == [[], []]


def test_ours_are_stopped_and_others_stay(house: House, server: ServerProcess) -> None:
    names = [graphs.prefix() for _ in range(4)]
    foreign = [server.post(graphs.steps(names[0], 40))]
    ours = house.submit(graphs.steps(names[1], LONG))
    house.accepted(ours)
    foreign.append(server.post(graphs.plain(names[2])))
    house.engine.cancel(ours)
    assert house.ended(ours).state is RunState.CANCELLED
    running = house.submit(graphs.steps(names[3], LONG))
    house.begun(running)
    foreign.append(server.post(graphs.plain(last := graphs.prefix())))
    house.engine.cancel(running)
    assert house.ended(running).state is RunState.CANCELLED
    until(lambda: server.saved(last))
    until(lambda: set(foreign) <= set(server.history()))
    ends = {server.history()[prompt_id]["status"]["status_str"] for prompt_id in foreign}
    assert ends == {"success"}


def test_a_stop_that_the_server_cannot_hear_yet(house: House, server: ServerProcess) -> None:
    name = graphs.prefix()
    run_id = house.submit(graphs.steps(name, LONG))
    house.begun(run_id)
    server.set(answers=[{"path": "/jobs", "times": 2, **PROXYS_502}])
    house.engine.cancel(run_id)
    assert house.ended(run_id).state is RunState.CANCELLED
    until(lambda: server.queued() == ())
    assert server.saved(name) == []


def _is_lost(run: Run) -> bool:
    """It ended so, and says what to do."""
    assert run.error is not None
    return run.error.fault is Fault.LOST and "Run it again" in run.error.message


def _submit_upload(house: House, name: str) -> str:
    picture = BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 30)).save(picture, "PNG")
    picture.seek(0)
    key = house.media.keep_upload(picture, "mine.png")
    graph = graphs.plain(name) | {"1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}}}
    return house.submit(graph, image=FileValue(key, "mine.png"))
