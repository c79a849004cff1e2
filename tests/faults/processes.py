"""Real processes to be cruel to: servers and the program itself, killed, frozen and started again.

A server keeps its address and its folder, so that what it wrote tells afterwards what was done and how
often, whoever was killed in between.
"""

from __future__ import annotations

import json
import random
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.request import Request, urlopen

from comfyui_bridge import cli
from tests import waiting
from tests.faults import engine_process
from tests.nursery import Child

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0
"""Seconds until a test gives up: what is waited for takes one or two on a quiet machine."""
_Self = TypeVar("_Self", bound="_Process")


def until(what: Callable[[], Any], why: str = "") -> Any:
    """What `what` gives once it is true."""
    return waiting.until(what, DEADLINE, why or what.__qualname__)


def free_port() -> int:
    """A port below those the system gives to connections: none of them takes it while its server is down."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class _Process:
    """A child that says a line once it is ready, and ends with us at the latest."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._is_frozen = False

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def is_alive(self) -> bool:
        return self._child is not None and self._child.is_alive

    def kill(self) -> None:
        """End it with SIGKILL, and wait until it is gone."""
        if self._child is None:
            return
        self._child.kill()
        self._child.ended()
        self._child.close()
        self._child = None
        self._is_frozen = False

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def freeze(self) -> None:
        self._running.send(signal.SIGSTOP)
        self._is_frozen = True

    def thaw(self) -> None:
        if self._is_frozen:
            self._running.send(signal.SIGCONT)
        self._is_frozen = False

    @property
    def _running(self) -> Child:
        assert self._child is not None
        return self._child

    def _start(self, main: Callable[..., Any], *arguments: Any) -> None:
        self._child = Child(main, *arguments, reads=True)

    def _say(self, line: str) -> None:
        self._running.stdin.write(f"{line}\n")
        self._running.stdin.flush()

    def _hear(self) -> str:
        line = self._running.stdout.readline()
        assert line, f"the process ended, with {self._running.ended()}"
        return line


class ServerProcess(_Process):
    """A sandbox of its own."""

    def __init__(self, folder: Path, *, step_seconds: float = 0.02) -> None:
        super().__init__()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._step_seconds = step_seconds
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, *, wait: bool = True) -> ServerProcess:
        """Begin, at the address of before; `wait` until it takes requests."""
        command = ["sandbox", "--faults", "--until-stdin-closes", "--port", str(self.port)]
        command += ["--directory", str(self._folder), "--step-seconds", str(self._step_seconds)]
        self._start(cli.main, command)
        if wait:
            self.ready()
        return self

    def ready(self) -> None:
        assert self.url in self._hear()

    def restart(self) -> None:
        """Kill it and start it again: it has forgotten its queue and its history, and has its files."""
        self.kill()
        self.start()

    def mend(self) -> None:
        """Running, without faults."""
        if self.is_alive:
            self.thaw()
            self._ask("DELETE", "/sandbox/faults")
        else:
            self.kill()
            self.start()

    def set(self, **faults: Any) -> None:
        self._ask("POST", "/sandbox/faults", faults)

    def faults(self) -> Any:
        return self._ask("GET", "/sandbox/faults")

    def post(self, graph: Mapping[str, Any]) -> str:
        """Queue a graph as somebody else does, from ComfyUI's own page; its prompt_id."""
        body = {"prompt": graph, "client_id": "somebody-else"}
        return str(self._ask("POST", "/prompt", body)["prompt_id"])

    def send(self, route: str, body: object) -> None:
        """POST as somebody else does."""
        self._ask("POST", route, body)

    def queued(self) -> tuple[str, ...]:
        """The prompts that run or wait here, anyone's."""
        told = self._ask("GET", "/queue")
        return tuple(item[1] for part in ("queue_running", "queue_pending") for item in told[part])

    def history(self) -> dict[str, Any]:
        told: dict[str, Any] = self._ask("GET", "/history")
        return told

    def saved(self, prefix: str) -> list[Path]:
        """The files under a prefix, one for each time that a graph with it was done to its end."""
        return sorted((self._folder / "output").glob(f"{prefix}_*"))

    def wrote(self, file: Path) -> bool:
        return file.is_relative_to(self._folder)

    def file(self, subfolder: str, filename: str) -> Path:
        return self._folder / "output" / subfolder / filename

    def _ask(self, method: str, route: str, body: object = None) -> Any:
        payload = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{route}", payload, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=DEADLINE) as answer:
            return json.loads(answer.read() or b"null")


class Refused(Exception):
    """The program did not take a run, and says why."""


class EngineProcess(_Process):
    """The program without its page: everything that `bootstrap` makes, asked over a pipe."""

    def __init__(self, data: Path, *urls: str) -> None:
        super().__init__()
        self.data = data
        self._urls = urls

    def start(self) -> EngineProcess:
        self._start(engine_process.main, str(self.data), *self._urls)
        assert self._hear() == "ready\n"
        return self

    def submit(self, graph: Mapping[str, Any], owner: str = "") -> str:
        """Returns once the run is written down. Raises Refused with the program's sentence."""
        told = self._ask(do="submit", graph=graph, owner=owner)
        if "refused" in told:
            raise Refused(told["refused"])
        return str(told["run_id"])

    def cancel(self, run_id: str) -> None:
        self._ask(do="cancel", run_id=run_id)

    def run(self, run_id: str) -> dict[str, Any]:
        """A run now: state, server, accepted, stopping, server_done, kept, error, warnings."""
        told: dict[str, Any] = self._ask(do="run", run_id=run_id)
        return told

    def ended(self, run_id: str) -> dict[str, Any]:
        """A run once it is over."""
        told: dict[str, Any] = self._ask(do="wait", run_id=run_id, seconds=DEADLINE)
        return told

    def experiment(self, plan: Mapping[str, Any]) -> str:
        """Returns once the experiment is written down."""
        return str(self._ask(do="experiment", plan=plan))

    def sheet(self, experiment_id: str) -> dict[str, Any]:
        """An experiment now: state, problem, the state of each cell's run, and the ids of its runs."""
        told: dict[str, Any] = self._ask(do="sheet", experiment_id=experiment_id)
        return told

    def kept(self, run_id: str, name: str) -> bytes:
        return (self.data / "media" / run_id / name).read_bytes()

    def _ask(self, **command: Any) -> Any:
        self._say(json.dumps(command))
        return json.loads(self._hear())
