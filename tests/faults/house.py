"""An engine in this process, on servers in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from comfyui_bridge.comfy.http import Timeouts
from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.comfy.socket import Patience
from comfyui_bridge.core import template
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.engine.engine import Engine
from comfyui_bridge.engine.pool import ServerState
from comfyui_bridge.engine.workplace import PATIENT, Grace
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.store.servers import ServerStore
from tests.fakes.new_database import laid
from tests.faults.processes import DEADLINE, ServerProcess, until
from tests.waiting import run_that

# Shorter than in life, where nobody minds to wait for some seconds.
GRACE = Grace(unbegun=1.0)
LATE_S = 5.0
"""A thread may get its turn as late where many tests run; no socket breaks before its server here."""
TIMEOUTS = Timeouts(connect=5.0, answer=5.0, whole=20.0)
PATIENCE = Patience(silence=3.0, pong=3.0)


class House:
    def __init__(self, folder: Path, *urls: str, late: float = LATE_S) -> None:
        self.database = laid(folder)
        self.media = MediaStore(folder)
        self.runs = RunStore(self.database)
        self.engine = Engine(
            [ComfyServer(url, timeouts=TIMEOUTS, patience=PATIENCE) for url in urls],
            self.runs,
            self.media,
            kept=ServerStore(self.database),
            timing=replace(PATIENT, silence=1.0, late=late),
            grace=GRACE,
        )

    def __enter__(self) -> House:
        self.engine.start()
        for status in self.engine.servers():
            self.server_is(status.name, ServerState.READY)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.engine.stop()
        self.database.close()

    def submit(self, graph: Mapping[str, Any], owner: str = "ann", **values: Any) -> str:
        return self.engine.submit(template.parse("graph", graph), values, owner)

    def run(self, run_id: str) -> Run:
        snapshot = self.engine.snapshot(run_id)
        assert snapshot is not None, f"the run {run_id} is lost"
        return snapshot.run

    def until(self, run_id: str, claim: Callable[[Run], bool]) -> Run:
        """The run once `claim` holds of it."""
        return run_that(self.engine, run_id, claim, DEADLINE)

    def begun(self, run_id: str) -> Run:
        return self.until(run_id, lambda run: run.progress.value >= 1)

    def goes_on(self, run_id: str) -> Run:
        """A step of it is heard that it had not made before."""
        value = self.run(run_id).progress.value
        return self.until(run_id, lambda run: run.progress.value > value)

    def accepted(self, run_id: str) -> Run:
        return self.until(run_id, lambda run: run.accepted_at is not None)

    def ended(self, run_id: str) -> Run:
        return self.until(run_id, lambda run: run.state.is_final)

    def server_is(self, name: str, state: ServerState) -> str:
        """Wait until a server is known to be so; what is said of it."""

        def error_of_it() -> tuple[str] | None:
            status = next(one for one in self.engine.servers() if one.name == name)
            return (status.error,) if status.state is state else None

        return str(until(error_of_it, f"{name} is {state}")[0])

    def is_done_once(self, run_id: str, name: str, servers: Sequence[ServerProcess]) -> Run:
        """Completed, with the file of the one time that any server did it, byte for byte."""
        run = self.ended(run_id)
        assert run.state is RunState.COMPLETED, run.error
        (kept,) = run.kept
        (saved,) = [file for server in servers for file in server.saved(name)]
        path = self.media.path(run_id, kept.name)
        assert path is not None
        assert path.read_bytes() == saved.read_bytes()
        assert self.runs.get(run_id).state is RunState.COMPLETED
        return run
