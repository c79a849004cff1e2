"""Client: the door for Python programs, over any number of servers."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from comfyui_bridge.client.handle import RunHandle
from comfyui_bridge.client.prepare import Definitions, Source, prepare, read
from comfyui_bridge.client.result import Result, of_run
from comfyui_bridge.comfy.http import TIMEOUTS, Timeouts
from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.comfy.socket import PATIENCE, Patience
from comfyui_bridge.core import readiness
from comfyui_bridge.core.errors import (
    AnswerLost,
    BridgeError,
    Rejected,
    ServerError,
    UnexpectedAnswer,
    Unreachable,
)
from comfyui_bridge.core.events import Event
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.readiness import Readiness
from comfyui_bridge.core.run import Fault, Run, RunError, RunState
from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine import batch
from comfyui_bridge.engine.batch import Batch, Ended
from comfyui_bridge.engine.follow import TIMING, Follower, Timing
from comfyui_bridge.engine.ports import Server

DEFAULT_URL = "http://127.0.0.1:8188"

Item: TypeAlias = Source | tuple[Source, Mapping[str, Any]]
"""One thing for `run_many`: a workflow, or a workflow and the values for it."""


class Client:
    """Runs workflows on one or several ComfyUI servers. Its methods may be called from any thread."""

    def __init__(
        self,
        url: str | Server | Sequence[str | Server] = DEFAULT_URL,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts = TIMEOUTS,
        patience: Patience = PATIENCE,
        timing: Timing = TIMING,
    ) -> None:
        """Asks nothing yet. An address may have a path prefix, `/api` at its end, https, `user:password@`.

        `token` is sent as a bearer token and `headers` with every request, to every server, on HTTP and
        on the WebSocket; servers made elsewhere may be given in the place of addresses. Raises
        ServerError if an address cannot be one.
        """
        urls = list(url) if isinstance(url, Sequence) and not isinstance(url, str) else [url]
        if not urls:
            raise ServerError("A client needs the address of at least one server.")
        self._servers: tuple[Server, ...] = tuple(
            ComfyServer(one, token=token, headers=headers, timeouts=timeouts, patience=patience)
            if isinstance(one, str)
            else one
            for one in urls
        )
        self._followers = tuple(
            Follower(server, timing=timing, clock=_steady_clock()) for server in self._servers
        )
        self._definitions = Definitions()
        self._lock = threading.Lock()  # guards which server is chosen next

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. Runs that are not over go on inside their servers."""
        for follower in self._followers:
            follower.close()

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers, in the order they were given."""
        return self._servers

    def probe(self) -> tuple[ServerFacts, ...]:
        """What each server says of itself. Raises ServerError for the first that does not answer."""
        return tuple(server.probe() for server in self._servers)

    def node_defs(self) -> NodeDefs:
        """The first server's node definitions, read anew."""
        return self._definitions.renew(self._servers[0])

    def upload(self, path: str | os.PathLike[str]) -> str:
        """Put a file into every server's input folder; the value that an input takes for it.

        To run with a file it is simpler to give a `pathlib.Path` as a value.
        """
        file = Path(path)
        names = set()
        for server in self._servers:
            with file.open("rb") as content:
                names.add(server.upload(content, file.name))
        if len(names) > 1:
            raise UnexpectedAnswer(
                f"The servers keep {file.name} under different names; give the path as a value instead."
            )
        return names.pop()

    def submit(
        self,
        workflow: Source,
        values: Mapping[str, Any] | None = None,
        *,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> RunHandle:
        """Hand a workflow to the server with the fewest runs of ours; the arguments are those of `run`.

        Raises Rejected, InvalidValues, WorkflowError; ServerError if no server could take it.
        """
        failure: Unreachable | None = None
        for follower in self._by_load():
            try:
                return self._submit_to(follower, workflow, values or {}, extra_pnginfo)
            except AnswerLost:
                raise
            except Unreachable as error:
                failure = failure or error
        assert failure is not None
        raise failure

    def run(
        self,
        workflow: Source,
        values: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        on_event: Callable[[Event], None] | None = None,
        check: bool = True,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> Result:
        """Run a workflow and wait for what comes of it.

        `workflow` is a Workflow, an API-format document, or the path of a JSON file with one. `values` go
        by role ("prompt", "seed", "steps"), "node_id.input" or "title.input"; a `pathlib.Path` is
        uploaded. A seed of -1 or "random", in the values or in the workflow, is drawn here and told in
        `Result.values`. After `timeout` seconds the run is cancelled. `on_event` is called on this
        thread. `extra_pnginfo` is kept in the pictures the server saves.

        With `check`, everything but a completed run raises: Rejected, NodeFailed, OutOfMemory, Cancelled,
        TimedOut, NoOutput, Lost, Unreachable...; without, the server's failures are in the result.
        """
        began = time.monotonic()
        try:
            handle = self.submit(workflow, values, extra_pnginfo=extra_pnginfo)
        except ServerError as error:
            if check:
                raise
            return _failed(error, workflow, values or {})
        try:
            if on_event is not None:
                for event in handle.events(timeout):
                    on_event(event)
            return handle.result_within(timeout, began, check=check)
        finally:
            # An interrupt from the keyboard, or on_event raised: nobody waits for this run any more.
            if not handle.wait(0):
                with suppress(ServerError):
                    handle.cancel()

    def run_many(
        self,
        workflows: Iterable[Item],
        *,
        on_event: Callable[[int, Run, Event], None] | None = None,
        give_up_s: float = batch.GIVE_UP_S,
    ) -> Generator[Result, None, None]:
        """Run many workflows on all servers; results in the order they end, `index` says whose each is.

        Each item is what `run` takes, alone or as `(workflow, values)`. The iterable is read no faster
        than the servers need, and may be endless. A failure is a result with an `error` and stops nothing
        else; with every server out of reach for `give_up_s` seconds what is left fails. Closing the
        iterator cancels what was submitted. `on_event(index, run, event)` is called on this thread.
        """
        work = Batch(self._followers, workflows, self._prepare_item, on_event, give_up_s=give_up_s)
        sources = {server.name: server for server in self._servers}
        ended = work.results()
        try:
            for one in ended:
                yield _result_of(one, sources)
        finally:
            ended.close()

    def check(self, workflow: Source) -> Readiness:
        """What stands in a workflow's way on the first server, without running it.

        Missing nodes and choices with the nearest there are, broken links, values without effect.
        """
        return readiness.assess(read(workflow), self.node_defs())

    def cancel(self, run: RunHandle | str) -> None:
        """Stop a run by its handle or prompt_id, pending or running; never another's.

        Every server is told, those that do not know it too. Raises the last one's ServerError, if any.
        """
        if isinstance(run, RunHandle):
            run.cancel()
            return
        failure: ServerError | None = None
        for follower in self._followers:
            try:
                follower.cancel(run)  # so that it knows why a run of ours vanished
                follower.server.cancel(run)
            except ServerError as error:
                failure = error
        if failure is not None:
            raise failure

    def cancel_all(self) -> None:
        """Stop every run this client submitted that is not over, as after Ctrl-C."""
        for follower in self._followers:
            follower.cancel_all()

    def _by_load(self) -> list[Follower]:
        with self._lock:
            return sorted(self._followers, key=lambda follower: follower.inside)

    def _submit_to(
        self,
        follower: Follower,
        workflow: Source,
        values: Mapping[str, Any],
        extra_pnginfo: dict[str, Any] | None,
    ) -> RunHandle:
        run = self._prepare_run(workflow, values, follower.server)
        handle = RunHandle(run, follower)
        follower.submit(run, handle.told, extra_pnginfo)
        return handle

    def _prepare_run(self, workflow: Source, values: Mapping[str, Any], server: Server) -> Run:
        ready = prepare(workflow, values, server, self._definitions)
        return Run(
            run_id=uuid.uuid4().hex,
            prompt_id=str(uuid.uuid4()),
            workflow=ready.workflow,
            values=ready.values,
            created_at=time.time(),
        )

    def _prepare_item(self, item: Item, follower: Follower) -> Run:
        workflow, values = item if isinstance(item, tuple) else (item, {})
        return self._prepare_run(workflow, values, follower.server)


def _steady_clock() -> Callable[[], float]:
    """Epoch seconds that no jump of the machine's clock reaches: a run takes as long as it takes."""
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()


def _result_of(ended: Ended[Item], sources: Mapping[str, Server]) -> Result:
    if ended.run is not None:
        return of_run(ended.run, sources[ended.run.server], ended.index)
    assert ended.error is not None
    workflow, values = ended.item if isinstance(ended.item, tuple) else (ended.item, {})
    return replace(_failed(ended.error, workflow, values), index=ended.index)


def _failed(error: BridgeError, workflow: Source, values: Mapping[str, Any]) -> Result:
    """The result of a run that no server took."""
    fault = Fault.UNREACHABLE if isinstance(error, Unreachable) else Fault.REFUSED
    problems = error.problems if isinstance(error, Rejected) else ()
    try:
        graph = read(workflow)
    except BridgeError:
        graph = Workflow({})
    return Result(
        run_id=uuid.uuid4().hex,
        prompt_id="",
        state=RunState.FAILED,
        server=error.server if isinstance(error, ServerError) else "",
        workflow=graph,
        values=dict(values),
        error=RunError(fault, str(error), problems=problems),
    )
