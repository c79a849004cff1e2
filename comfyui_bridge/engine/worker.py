"""One server's worker: claims runs, uploads, submits, and keeps the books while they are followed.

The *worker* thread is the single writer of this server's runs; everything reaches it through its inbox.
The *follower* hears what happens to them and the *collector* fetches what they made, so that neither a
slow network nor a large download keeps the next run waiting. They stop in that order, as each feeds the
next: follower, worker, collector.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from comfyui_bridge.core import values
from comfyui_bridge.core.errors import BridgeError, ServerError, Unreachable
from comfyui_bridge.core.events import (
    Event,
    FilesKept,
    PreviewReady,
    RunLost,
    RunOffered,
    RunRefused,
    RunReturned,
    StopAsked,
)
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.run import Run, RunState, apply
from comfyui_bridge.engine.collector import Collector
from comfyui_bridge.engine.follow import TIMING, Follower
from comfyui_bridge.engine.live import Live
from comfyui_bridge.engine.pool import Pool
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.engine.queue import RunQueue
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore

log = logging.getLogger(__name__)

INSIDE = 2
"""How many runs of ours may be inside a server: the running one, and one waiting behind it."""
RETRY_S = 1.0
"""Between tries to learn about a server that answers the socket and not the rest."""

# What is known of a run is kept for as long as its server may come back: people can stop it.
_TIMING = replace(TIMING, give_up=math.inf)


@dataclass(frozen=True)
class _Told:
    run: Run
    event: Event
    over: bool


@dataclass(frozen=True)
class _Kept:
    run_id: str
    event: FilesKept
    is_last: bool


@dataclass(frozen=True)
class _Linked:
    pass


@dataclass(frozen=True)
class _Parted:
    why: str


@dataclass(frozen=True)
class _Stop:
    run_id: str


@dataclass(frozen=True)
class _Wake:
    pass


_Item: TypeAlias = _Told | _Kept | _Linked | _Parted | _Stop | _Wake


class Worker:
    """Drives one server until `stop`."""

    def __init__(
        self,
        server: Server,
        *,
        run_queue: RunQueue,
        pool: Pool,
        live: Live,
        runs: RunStore,
        media: MediaStore,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.server = server
        self._queue = run_queue
        self._pool = pool
        self._live = live
        self._runs = runs
        self._media = media
        self._clock = clock
        self._inbox: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._follower = Follower(server, timing=_TIMING, watch=self, clock=clock, monotonic=monotonic)
        self._collector = Collector(server, media, self._kept)
        self._thread = threading.Thread(target=self._work, name=f"worker {server.name}", daemon=True)
        # Everything below belongs to the worker thread alone.
        self._mine: dict[str, Run] = {}
        """Runs of this server as they were last published, by run_id."""
        self._ending: dict[str, Run] = {}
        """Runs that are over, whose files are being fetched."""
        self._is_linked = False
        self._is_ready = False

    # What others may call, from any thread.

    def start(self, adopted: tuple[Run, ...] = ()) -> None:
        """Begin, with runs that were inside this server when the program last ended."""
        self._mine = {run.run_id: run for run in adopted}
        for run in adopted:
            self._follower.adopt(run, self._tell)
        self._collector.start()
        self._thread.start()
        self._follower.open()

    def wake(self) -> None:
        """Say that there may be a run to claim."""
        self._inbox.put(_Wake())

    def cancel(self, run_id: str) -> None:
        """Ask for one of this server's runs to be stopped; the run's state will follow."""
        self._inbox.put(_Stop(run_id))

    def stop(self, timeout: float) -> None:
        """End all threads. Runs inside the server go on there and are adopted at the next start."""
        self._stopping.set()
        self._follower.close()
        self._inbox.put(_Wake())
        self._thread.join(timeout)
        self._collector.stop(timeout)

    # What the follower and the collector call, from their threads.

    def linked(self) -> None:
        self._inbox.put(_Linked())

    def parted(self, why: str) -> None:
        self._inbox.put(_Parted(why))

    def queue_changed(self, remaining: int) -> None:
        self._pool.queue_changed(self.server.name, remaining)

    def _tell(self, run: Run, event: Event, over: bool) -> None:
        if isinstance(event, PreviewReady):
            self._live.show(run.run_id, event.image, event.media_type)
        else:
            self._inbox.put(_Told(run, event, over))

    def _kept(self, run_id: str, event: FilesKept, *, is_last: bool) -> None:
        self._inbox.put(_Kept(run_id, event, is_last))

    # The worker thread.

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._take(self._next())
                self._claim()
            except Exception:
                # The outermost loop of this thread: whatever it was, the other runs must go on.
                log.exception("The worker of %s stumbled, and goes on.", self.server.name)

    def _next(self) -> _Item:
        """The next thing to do; a server that is linked and not ready is asked again now and then."""
        try:
            return self._inbox.get(timeout=RETRY_S if self._is_linked and not self._is_ready else None)
        except queue.Empty:
            return _Linked()

    def _take(self, item: _Item) -> None:
        match item:
            case _Told(run, event, over):
                self._follow(run, event, over)
            case _Kept(run_id, event, True):
                self._end(apply(self._ending.pop(run_id), event, self._clock()))
            case _Kept(run_id, event):
                # What it waits for is no fact: whoever follows is told, and nothing is written down.
                self._live.publish(apply(self._mine[run_id], event, self._clock()))
            case _Linked():
                self._learn()
            case _Parted(why):
                self._is_linked = self._is_ready = False
                self._pool.away(self.server.name, why)
            case _Stop(run_id):
                self._cancel(run_id)
            case _Wake():
                pass

    def _learn(self) -> None:
        """Ask the server who it is and what it can do; from then on it gets runs."""
        self._is_linked = True
        try:
            self._pool.ready(self.server.name, self.server.probe(), self.server.node_defs())
            self._is_ready = True
        except ServerError as error:
            self._is_ready = False
            self._pool.away(self.server.name, str(error))

    def _cancel(self, run_id: str) -> None:
        run = self._mine.get(run_id)
        if run_id in self._ending:
            self._collector.give_up(run_id)
        elif run is not None:
            # Written down before the server is asked, which may take long, or be the last thing we do.
            self._publish(apply(run, StopAsked(run.prompt_id), self._clock()))
            with suppress(ServerError):  # the follower tells the server as soon as it can be reached
                self._follower.cancel(run.prompt_id)

    # Claiming and submitting.

    def _claim(self) -> None:
        while self._is_ready and self._inside() < INSIDE and not self._stopping.is_set():
            run = self._queue.claim(lambda run: self._pool.may_take(run.workflow, self.server.name))
            if run is None:
                return
            self._mine[run.run_id] = run
            self._tell_load()
            self._submit(run)

    def _submit(self, run: Run) -> None:
        try:
            workflow = values.place_uploads(run.workflow, self._upload(values.files(run.workflow)))
            # The row names the server before the request goes out: after a crash we know whom to ask.
            run = self._publish(
                apply(run, RunOffered(run.prompt_id, self.server.name, workflow), self._clock())
            )
            self._follower.submit(run, self._tell)
        except Unreachable:
            # It is certain that the server did not get it: another may.
            self._is_ready = False
            self._give_back(run)
        except BridgeError as error:
            problems = getattr(error, "problems", ())
            self._end(apply(run, RunRefused(run.prompt_id, str(error), problems), self._clock()))

    def _upload(self, files: tuple[FileValue, ...]) -> Mapping[FileValue, str]:
        names = {}
        for file in files:
            with self._media.upload_path(file.ref).open("rb") as content:
                names[file] = self.server.upload(content, file.name)
        return names

    def _give_back(self, run: Run) -> None:
        """Let go of a run that this server never took."""
        returned = self._publish(apply(run, RunReturned(run.prompt_id), self._clock()))
        self._forget(run.run_id)
        self._queue.give_back(returned)

    # Runs of ours.

    def _follow(self, run: Run, event: Event, over: bool) -> None:
        before = self._mine.get(run.run_id)
        if before is None:
            return
        if isinstance(event, RunLost) and before.accepted_at is None:
            # It was only offered: a server that knows nothing of it never took it.
            self._give_back(before)
        elif not over:
            self._publish(run)
        elif run.files:
            self._ending[run.run_id] = run
            # It is completed once its files are here; a failure need not wait for those it made.
            is_saving = run.state is RunState.COMPLETED
            self._publish(replace(before, server_done=True, outputs=run.outputs) if is_saving else run)
            self._tell_load()
            self._collector.put(run)
        else:
            self._end(run)

    def _end(self, run: Run) -> None:
        self._publish(run)
        self._forget(run.run_id)

    def _publish(self, run: Run) -> Run:
        """Save a run if a fact changed, and show it to whoever follows."""
        before = self._mine.get(run.run_id)
        self._mine[run.run_id] = run
        if before is None or _facts(run) != _facts(before):
            self._runs.update(run)
        self._live.publish(run)
        if before is not None and before.server_done != run.server_done:
            self._tell_load()
        return run

    def _forget(self, run_id: str) -> None:
        self._mine.pop(run_id, None)
        self._tell_load()

    def _inside(self) -> int:
        """How many runs of ours the server still has to do."""
        return sum(not run.server_done and not run.state.is_final for run in self._mine.values())

    def _tell_load(self) -> None:
        self._pool.holds(self.server.name, self._inside())
        self._queue.tell_places()


def _facts(run: Run) -> tuple[Any, ...]:
    """What is worth a write: facts, never ticks."""
    return (
        run.state,
        run.prompt_id,
        run.server,
        run.accepted_at,
        run.started_at,
        run.ended_at,
        run.stopping,
        run.outputs,
        run.kept,
        run.error,
        run.warnings,
    )
