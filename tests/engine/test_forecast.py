"""What the engine foretells: how long runs take, when they begin, and which would only repeat another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.core import node_defs, workflow
from comfyui_bridge.core.estimate import Estimate
from comfyui_bridge.core.progress import Progress
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.run_log import LogEntry
from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.engine import forecast
from comfyui_bridge.engine.engine import Engine
from comfyui_bridge.engine.forecast import Forecast
from comfyui_bridge.engine.live import Live
from comfyui_bridge.engine.pool import Pool
from comfyui_bridge.engine.queue import RunQueue
from comfyui_bridge.sandbox.thread import SandboxThread
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from tests.engine.test_engine import TXT2IMG

GRAPH = workflow.parse({"3": {"class_type": "Paint", "inputs": {"steps": 10}}})
DEFINITIONS = node_defs.parse(
    {"Paint": {"input": {"required": {"steps": ["INT", {}]}}, "output": [], "output_node": True}}
)
NOW = 5_000.0


class Store(RunStore):
    """Counts how often earlier runs are asked for."""

    asked = 0

    def latest(self, template: str, server: str, limit: int) -> tuple[Run, ...]:
        self.asked += 1
        return super().latest(template, server, limit)


class Hall:
    """A forecast with all it looks at, and a clock that stands still."""

    def __init__(self, database: Database) -> None:
        self.now = NOW
        self.live = Live()
        self.pool = Pool(lambda: self.now, lambda: None)
        self.queue = RunQueue(self.live.publish, self.pool.inside)
        self.store = Store(database)
        self.forecast = Forecast(
            self.store, self.live, self.queue, self.pool, lambda: self.now, lambda: self.now
        )
        for name in ("fast", "slow"):
            self.pool.add(name)

    def ready(self, *names: str) -> None:
        for name in names:
            self.pool.ready(name, ServerFacts(), DEFINITIONS)

    def did(self, server: str, seconds: float, count: int = 5) -> None:
        for number in range(count):
            log = (LogEntry(NOW, "node", "3", "Paint", seconds),)
            done = a_run(f"{server}{number}", state=RunState.COMPLETED, server=server, log=log)
            self.store.insert(replace(done, started_at=NOW - seconds, ended_at=NOW))

    def runs(self, server: str, began: float) -> Run:
        run = a_run(f"on {server}", state=RunState.IN_PROGRESS, server=server, started_at=self.now - began)
        run = replace(run, progress=Progress(node_id="3", node_started_at=run.started_at))
        self.live.publish(run)
        self.pool.holds(server, 1, True)
        return run

    def waits(self, run_id: str) -> Run:
        run = a_run(run_id)
        self.queue.put(run)
        return run


def a_run(run_id: str, **facts: Any) -> Run:
    return Run(run_id, f"p-{run_id}", GRAPH, NOW - 100, template="t", **facts)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    with Database(tmp_path) as database:
        yield Hall(database)


def near(estimate: Estimate | None) -> int:
    assert estimate is not None
    return round(estimate.middle)


def test_each_server_is_judged_by_its_own_past(hall: Hall) -> None:
    hall.did("fast", 10.0)
    hall.did("slow", 60.0)
    assert near(hall.forecast.estimate(hall.runs("fast", 4.0))) == 6
    assert near(hall.forecast.estimate(hall.runs("slow", 4.0))) == 56


def test_the_store_is_asked_once_in_a_while_however_often_pages_look(hall: Hall) -> None:
    hall.did("fast", 10.0)
    run = hall.runs("fast", 4.0)
    for _ in range(50):
        hall.forecast.estimate(run)
    assert hall.store.asked == 1
    hall.now += forecast.PAST_FOR_S
    hall.forecast.estimate(run)
    assert hall.store.asked == 2


def test_waiting_runs_begin_as_the_servers_get_free(hall: Hall) -> None:
    hall.ready("fast", "slow")
    hall.did("fast", 10.0)
    hall.did("slow", 60.0)
    hall.runs("fast", 4.0)
    hall.runs("slow", 50.0)
    waiting = [hall.waits(str(number)) for number in range(4)]
    assert [near(hall.forecast.estimate(run)) for run in waiting] == [6, 10, 16, 26]


def test_nothing_is_claimed_behind_what_nobody_knows(hall: Hall) -> None:
    hall.ready("fast")
    hall.runs("fast", 4.0)
    waiting = hall.waits("1")
    assert hall.forecast.estimate(waiting) is None
    hall.did("fast", 10.0)
    hall.now += forecast.PAST_FOR_S
    hall.runs("fast", 4.0)
    assert near(hall.forecast.estimate(waiting)) == 6
    hall.pool.queue_seen("fast", 2, others=1)
    hall.now += forecast.QUEUE_FOR_S
    assert hall.forecast.estimate(waiting) is None


def test_a_paused_server_is_not_waited_for(hall: Hall) -> None:
    hall.ready("fast", "slow")
    hall.did("fast", 10.0)
    hall.did("slow", 60.0)
    hall.pool.pause("fast", True)
    hall.runs("slow", 50.0)
    assert near(hall.forecast.estimate(hall.waits("1"))) == 10


def test_a_run_that_is_over_takes_no_more_time(hall: Hall) -> None:
    assert hall.forecast.estimate(a_run("x", state=RunState.COMPLETED)) is None


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with SandboxThread(step_seconds=0.05) as sandbox, Database(tmp_path) as database:
        made = Engine([ComfyServer(sandbox.url)], RunStore(database), MediaStore(tmp_path))
        made.start()
        while not len(made.node_defs()):
            time.sleep(0.01)
        yield made
        made.stop()


def until(engine: Engine, run_id: str, claim: Any) -> Run:
    deadline = time.monotonic() + 30
    snapshot = engine.snapshot(run_id)
    while snapshot is not None and not claim(snapshot.run):
        assert time.monotonic() < deadline, snapshot.run
        snapshot = engine.wait(run_id, snapshot.version, 1.0) or engine.snapshot(run_id)
    assert snapshot is not None
    return snapshot.run


def test_the_engine_learns_from_its_runs_and_knows_which_would_only_repeat_one(engine: Engine) -> None:
    def run(seed: Any, owner: str = "ann", **values: Any) -> Run:
        run_id = engine.submit(TXT2IMG, {"seed": seed, **values}, owner)
        return until(engine, run_id, lambda run: run.state.is_final)

    first = run(11)
    assert [entry.kind for entry in first.log][:2] == ["sent", "started"]
    assert {entry.node_id for entry in first.log if entry.kind == "node"} >= {"3", "8", "9"}
    assert first.log[-1].kind == "done"

    alike = engine.unchanged(TXT2IMG, {"seed": 11}, "ann")
    assert alike is not None
    assert alike.run_id == first.run_id
    for raw, owner in (({"seed": 12}, "ann"), ({"seed": "random"}, "ann"), ({"seed": 11}, "bob")):
        assert engine.unchanged(TXT2IMG, raw, owner) is None
    assert engine.unchanged(TXT2IMG, {"seed": "many"}, "ann") is None
    other = replace(TXT2IMG, document={**TXT2IMG.document, "10": TXT2IMG.document["9"]})
    assert engine.unchanged(other, {"seed": 11}, "ann") is None

    again = run(11)
    assert again.is_from_cache
    run_id = engine.submit(TXT2IMG, {"seed": 13, "3.steps": 40}, "ann")
    going = until(engine, run_id, lambda run: run.progress.value >= 3)
    found = engine.estimate(going)
    assert found is not None
    assert 0.3 < found.high < 30
    assert going.weights["3"] > 10 * going.weights["9"] or going.weights["3"] > 50
    engine.cancel(run_id)
    stopped = until(engine, run_id, lambda run: run.state.is_final)
    assert [entry.kind for entry in stopped.log][-2:] == ["stop_asked", "stopped"]
    (last,) = [one for one in engine.activity(6) if one.done]
    assert (last.done, last.failed) == (2, 0)
    assert last.running is not None
