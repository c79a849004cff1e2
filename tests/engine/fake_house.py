"""An engine on scripted servers, which can be left and entered again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from comfyui_bridge.core import template
from comfyui_bridge.core.errors import ServerError
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.template import Template
from comfyui_bridge.engine.engine import MAX_WAITING, Engine
from comfyui_bridge.engine.follow import Timing
from comfyui_bridge.engine.pool import ServerState, ServerStatus
from comfyui_bridge.engine.workplace import PATIENT, Grace
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.store.servers import ServerStore
from tests.fakes.fake_server import FakeServer
from tests.fakes.new_database import laid
from tests.waiting import run_that, until

DEADLINE = 20.0
SWIFT = replace(
    PATIENT,
    silence=0.05,
    orphan=0.02,
    settle=0.01,
    absent=0.02,
    unwritten=0.1,
    late=5.0,
    retry=(0.01, 0.02),
)

BRIEF = Grace(0.05, 60.0)


def picture(*classes: str, color: int = 0, model: str | None = None, image: str | None = None) -> Template:
    """A template of a chain of nodes; with `Hold` in it, it runs until the server lets it go."""
    source = {"width": 8, "height": 8, "batch_size": 1, "color": color}
    first: dict[str, Any] = {"class_type": "EmptyImage", "inputs": source}
    if image is not None:
        first = {"class_type": "LoadImage", "inputs": {"image": image}}
    nodes = [{"class_type": class_type, "inputs": {}} for class_type in classes]
    if model is not None:
        nodes.append({"class_type": "Checkpoint", "inputs": {"ckpt_name": model}})
    graph = {"1": first}
    for place, node in enumerate(nodes, start=2):
        graph[str(place)] = {**node, "inputs": {**node["inputs"], "image": [str(place - 1), 0]}}
    saved = {"images": [str(len(graph)), 0], "filename_prefix": "a"}
    graph["99"] = {"class_type": "SaveImage", "inputs": saved}
    return template.parse("picture", graph)


QUICK, HELD = picture("ImageInvert"), picture("Hold")


class Clock:
    """The time, which can be moved on."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def pass_by(self, seconds: float) -> None:
        self._ahead += seconds


class FakeHouse:
    def __init__(
        self,
        folder: Path,
        *servers: FakeServer,
        others: Iterable[FakeServer] = (),
        grace: Grace = BRIEF,
        timing: Timing = SWIFT,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """`others` are there to be added."""
        self.folder, self.servers = folder, servers
        self.reachable = {server.name: server for server in (*servers, *others)}
        self.clock = Clock()
        self.grace, self.timing, self.max_waiting = grace, timing, max_waiting
        self.enter()

    def enter(self) -> None:
        self.database = laid(self.folder)
        self.media = MediaStore(self.folder)
        self.runs = RunStore(self.database)
        self.engine = Engine(
            self.servers,
            self.runs,
            self.media,
            kept=ServerStore(self.database),
            connect=self._connect,
            max_waiting=self.max_waiting,
            timing=self.timing,
            grace=self.grace,
            clock=self.clock,
        )
        self.engine.start()

    def leave(self) -> None:
        for server in self.reachable.values():
            server.go_on()
        self.engine.stop(DEADLINE)
        self.database.close()

    def join(self, server: FakeServer) -> None:
        """Another server comes into reach and is added."""
        self.reachable[server.name] = server
        self.engine.add_server(server.name)

    def _connect(self, url: str) -> FakeServer:
        """Addresses as people write them, without what the real ones allow."""
        scheme, _, rest = url.partition("://")
        name = f"{scheme}://{rest.rpartition('@')[2]}"
        if name not in self.reachable:
            raise ServerError(f"{name} is no server address.", server=name)
        return self.reachable[name]

    def submit(self, wanted: Template = QUICK, owner: str = "ann", **values: Any) -> str:
        return self.engine.submit(wanted, values, owner)

    def run(self, run_id: str) -> Run:
        snapshot = self.engine.snapshot(run_id)
        assert snapshot is not None, f"the run {run_id} is lost"
        return snapshot.run

    def until(self, what: Callable[[], Any], why: str = "") -> Any:
        """What `what` gives, once that is true."""
        return until(what, DEADLINE, lambda: f"{why or what} {self.engine.servers()}")

    def run_is(self, run_id: str, claim: Callable[[Run], bool]) -> Run:
        """The run once `claim` holds of it."""
        return run_that(self.engine, run_id, claim, DEADLINE)

    def begun(self, run_id: str) -> Run:
        return self.run_is(run_id, lambda run: run.state is RunState.IN_PROGRESS)

    def accepted(self, run_id: str) -> Run:
        return self.run_is(run_id, lambda run: run.accepted_at is not None)

    def ended(self, run_id: str) -> Run:
        return self.run_is(run_id, lambda run: run.state.is_final)

    def done(self, run_id: str) -> Run:
        run = self.ended(run_id)
        assert run.state is RunState.COMPLETED, run.error
        return run

    def status(self, server: FakeServer) -> ServerStatus:
        return next(one for one in self.engine.servers() if one.name == server.name)

    def ready(self, *servers: FakeServer) -> None:
        for server in servers or self.servers:
            self.until(lambda server=server: self.status(server).state is ServerState.READY, server.name)

    def away(self, server: FakeServer) -> ServerStatus:
        self.until(lambda: self.status(server).state is ServerState.AWAY, server.name)
        return self.status(server)

    def let_go(self, server: FakeServer, run_id: str) -> Run:
        """Let the run that holds this server finish."""
        self.begun(run_id)
        server.let_go()
        return self.done(run_id)
