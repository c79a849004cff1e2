"""The program killed with -9 at every point of a run, and started again: the run's end is true.

A proxy before the server holds the very message at which the program dies. Each test leaves the program
running for the next, which kills it in turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.tcp_proxy import Act, TcpProxy
from tests.faults import graphs
from tests.faults.processes import DEADLINE, EngineProcess, ServerProcess, until

LONG = 60
"""Steps: a bit more than a second."""


class Stand:
    """A server, a proxy before it, and the program, which `dies` and lives on."""

    def __init__(self, folder: Path, proxy: TcpProxy, server: ServerProcess) -> None:
        self.proxy = proxy
        self.server = server
        self.program = EngineProcess(folder, proxy.url).start()

    def dies(self) -> None:
        self.program.kill()
        self.program.start()

    def holds(self, pattern: bytes, towards: str, act: Act = Act.STALL) -> Any:
        return self.proxy.rule(pattern, act, towards=towards)

    def begins(self, name: str, count: int = LONG) -> str:
        """A run that is in its steps."""
        run_id = self.program.submit(graphs.steps(name, count))
        until(lambda: self.program.run(run_id)["steps"] >= 1)
        return run_id

    def accepted(self, name: str) -> str:
        """A run that waits inside the server."""
        run_id = self.program.submit(graphs.plain(name))
        until(lambda: self.program.run(run_id)["accepted"])
        return run_id

    def is_done_once(self, run_id: str, name: str) -> None:
        """Completed, with the file that the server wrote, the only one."""
        run = self.program.ended(run_id)
        assert (run["state"], run["error"], run["warnings"]) == ("completed", "", [])
        ((kept, subfolder, filename),) = run["kept"]
        (saved,) = self.server.saved(name)
        assert self.server.file(subfolder, filename) == saved
        assert self.program.kept(run_id, kept) == saved.read_bytes()

    def is_cancelled(self, run_id: str, name: str) -> None:
        assert self.program.ended(run_id)["state"] == "cancelled"
        assert self.server.saved(name) == []
        assert self.program.run(run_id)["prompt_id"] not in self.server.queued()


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("app")
    server = ServerProcess(folder / "server").start()
    with TcpProxy(server.url) as proxy:
        made = Stand(folder / "data", proxy, server)
        yield made
        made.program.kill()
    server.kill()


@pytest.fixture(autouse=True)
def _mended(stand: Stand) -> Iterator[None]:
    yield
    stand.server.mend()


def test_killed_with_a_run_written_down_and_not_sent(stand: Stand) -> None:
    names = [graphs.prefix() for _ in range(3)]
    first, second = stand.begins(names[0], 20), stand.accepted(names[1])
    third = stand.program.submit(graphs.plain(names[2]))
    assert stand.program.run(third)["server"] == ""
    stand.dies()
    for run_id, name in zip((first, second, third), names, strict=True):
        stand.is_done_once(run_id, name)


def test_killed_while_the_submission_is_on_its_way(stand: Stand) -> None:
    name = graphs.prefix()
    held = stand.holds(b"POST /prompt", "server")
    run_id = stand.program.submit(graphs.plain(name))
    assert held.fired.wait(DEADLINE)
    stand.dies()
    stand.is_done_once(run_id, name)


def test_killed_between_the_submission_and_its_answer(stand: Stand) -> None:
    name = graphs.prefix()
    held = stand.holds(b"POST /prompt", "server", Act.KEEP_ANSWER)
    run_id = stand.program.submit(graphs.steps(name, LONG))
    assert held.fired.wait(DEADLINE)
    until(stand.server.queued)
    assert not stand.program.run(run_id)["accepted"]
    stand.dies()
    stand.is_done_once(run_id, name)


def test_killed_while_the_run_waits_behind_anothers(stand: Stand) -> None:
    name, others = graphs.prefix(), graphs.prefix()
    foreign = stand.server.post(graphs.steps(others, LONG))
    run_id = stand.accepted(name)
    stand.dies()
    stand.is_done_once(run_id, name)
    assert stand.server.history()[foreign]["status"]["status_str"] == "success"


def test_killed_as_the_run_starts(stand: Stand) -> None:
    name = graphs.prefix()
    held = stand.holds(b'"execution_start"', "client")
    run_id = stand.program.submit(graphs.steps(name, LONG))
    assert held.fired.wait(DEADLINE)
    stand.dies()
    stand.is_done_once(run_id, name)


def test_killed_in_the_middle_of_two_runs(stand: Stand) -> None:
    names = graphs.prefix(), graphs.prefix()
    running, behind = stand.begins(names[0]), stand.accepted(names[1])
    stand.dies()
    assert stand.program.run(running)["state"] in ("pending", "in_progress")
    stand.is_done_once(running, names[0])
    stand.is_done_once(behind, names[1])


def test_killed_between_success_and_history(stand: Stand) -> None:
    name = graphs.prefix()
    stand.server.set(history_delay=1.0)
    held = stand.holds(b'"execution_success"', "client")
    run_id = stand.program.submit(graphs.plain(name))
    assert held.fired.wait(DEADLINE)
    stand.dies()
    stand.is_done_once(run_id, name)


def test_killed_while_the_files_are_fetched(stand: Stand) -> None:
    name = graphs.prefix()
    held = stand.holds(b"GET /view", "server")
    run_id = stand.program.submit(graphs.plain(name))
    assert held.fired.wait(DEADLINE)
    assert stand.program.run(run_id)["server_done"]
    stand.dies()
    stand.is_done_once(run_id, name)


def test_killed_just_after_the_end(stand: Stand) -> None:
    name = graphs.prefix()
    run_id = stand.program.submit(graphs.plain(name))
    stand.program.ended(run_id)
    stand.dies()
    stand.is_done_once(run_id, name)


def test_killed_while_the_run_is_being_stopped(stand: Stand) -> None:
    name, others = graphs.prefix(), graphs.prefix()
    run_id = stand.begins(name, 1000)
    foreign = stand.server.post(graphs.plain(others))
    held = stand.holds(b"/cancel", "server")
    stand.program.cancel(run_id)
    assert held.fired.wait(DEADLINE)
    stand.dies()
    stand.is_cancelled(run_id, name)
    until(lambda: foreign in stand.server.history())
    assert stand.server.history()[foreign]["status"]["status_str"] == "success"


def test_killed_and_started_after_the_server_has_ended_the_run(stand: Stand) -> None:
    name = graphs.prefix()
    run_id = stand.begins(name, 20)
    stand.program.kill()
    until(lambda: stand.server.saved(name))
    stand.program.start()
    stand.is_done_once(run_id, name)


def test_killed_and_started_after_the_server_has_forgotten_the_run(stand: Stand) -> None:
    name = graphs.prefix()
    run_id = stand.begins(name, 1000)
    stand.program.kill()
    stand.server.restart()
    stand.program.start()
    run = stand.program.ended(run_id)
    assert (run["state"], run["fault"]) == ("failed", "lost")
    assert "Run it again" in run["error"]
    assert stand.server.saved(name) == []


def test_killed_again_and_again_in_the_middle_of_an_experiment(stand: Stand) -> None:
    """Each cell is done, and done once, whatever was being written or sent when the program died."""
    name = graphs.prefix()
    folder = stand.program.data / "workflows"
    folder.mkdir(exist_ok=True)
    (folder / "steps.json").write_text(json.dumps(graphs.steps(name, 8)), "utf-8")
    prefixes = [f"{name}c{number:02d}" for number in range(16)]
    axis = {"kind": "choices", "key": "9.filename_prefix", "chosen": prefixes}
    experiment_id = stand.program.experiment({"template": "steps", "values": {}, "axes": [axis]})
    for many in (0, 1, 3, 7, 12):
        until(lambda many=many: stand.program.sheet(experiment_id)["cells"].count("completed") >= many)
        stand.dies()
    until(lambda: stand.program.sheet(experiment_id)["state"] == "done")
    assert set(stand.program.sheet(experiment_id)["cells"]) == {"completed"}
    assert [len(stand.server.saved(prefix)) for prefix in prefixes] == [1] * len(prefixes)
