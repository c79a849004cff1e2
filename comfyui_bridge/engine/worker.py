"""One server's worker: claims runs, uploads, submits, listens, applies, publishes, saves.

Three threads a server, each with one job. The *worker* is the single writer of this server's runs and
takes everything from its inbox. The *listener* reads the socket into the inbox and decides nothing.
The *collector* fetches what finished runs made, so that the next run is not kept waiting.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from comfyui_bridge.core import values
from comfyui_bridge.core.errors import Lost, Rejected, ServerError, StoreError, Unreachable
from comfyui_bridge.core.events import (
    Event,
    NodeRaised,
    PreviewReady,
    QueueChanged,
    RunAccepted,
    RunEnded,
    RunInterrupted,
    RunLost,
    RunOffered,
    RunRefused,
    RunRemoved,
    RunReturned,
    RunSucceeded,
    StopAsked,
)
from comfyui_bridge.core.run import Run, RunState, apply, reconcile
from comfyui_bridge.core.values import FileValue
from comfyui_bridge.engine.collector import Collector
from comfyui_bridge.engine.live import Live
from comfyui_bridge.engine.pool import Pool
from comfyui_bridge.engine.ports import Connection, Server
from comfyui_bridge.engine.queue import RunQueue
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore

log = logging.getLogger(__name__)

INSIDE = 2
"""How many runs of ours may be inside a server: the running one, and one waiting behind it."""
PROBE_S = 5.0
"""How long a server with runs of ours may be silent before its queue is asked."""
ORPHAN_POLL_S = 0.5
"""How often the queue is asked about runs whose socket is gone: their events reach nobody."""
LISTEN_S = 1.0
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class _Heard:
    connection: Connection
    event: Event


@dataclass(frozen=True)
class _Dropped:
    connection: Connection
    reason: str


@dataclass(frozen=True)
class _Collected:
    run_id: str
    events: tuple[Event, ...]


@dataclass(frozen=True)
class _Stop:
    run_id: str


@dataclass(frozen=True)
class _Wake:
    pass


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
        self._monotonic = monotonic
        self._inbox: queue.SimpleQueue[_Heard | _Dropped | _Collected | _Stop | _Wake] = queue.SimpleQueue()
        self._collector = Collector(server, media, self._collected)
        self._stopping = threading.Event()
        # Everything below belongs to the worker thread alone.
        self._mine: dict[str, Run] = {}  # runs inside the server, by run_id
        self._collecting: set[str] = set()
        self._orphans: set[str] = set()  # runs submitted under a socket that is gone
        self._connection: Connection | None = None
        self._heard_at = 0.0
        self._thread = threading.Thread(target=self._work, name=f"worker {server.name}", daemon=True)

    # What others may call, from any thread.

    def start(self, adopted: tuple[Run, ...] = ()) -> None:
        """Begin, with runs that were inside this server when the program last ended."""
        self._mine = {run.run_id: run for run in adopted}
        self._orphans = set(self._mine)
        self._collector.start()
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be a run to claim."""
        self._inbox.put(_Wake())

    def cancel(self, run_id: str) -> None:
        """Ask for one of this server's runs to be stopped; the run's state will follow."""
        self._inbox.put(_Stop(run_id))

    def stop(self, timeout: float) -> None:
        """End all threads. Runs inside the server go on there and are adopted at the next start."""
        self._stopping.set()
        self._inbox.put(_Wake())
        self._thread.join(timeout)
        self._collector.stop(timeout)

    def _collected(self, run_id: str, events: tuple[Event, ...]) -> None:
        self._inbox.put(_Collected(run_id, events))

    # The worker thread.

    def _work(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                connection = self._connect()
            except ServerError as error:
                self._pool.away(self.server.name, str(error))
                self._rest(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
                continue
            failures = 0
            try:
                self._serve(connection)
            except ServerError as error:
                self._pool.away(self.server.name, str(error))
                self._return_unoffered()
            except Exception:
                # The outermost loop of this thread: whatever it was, the other runs must go on.
                log.exception("The worker of %s stumbled and starts over.", self.server.name)
                self._rest(RETRY_S[-1])
            finally:
                connection.close()
                self._connection = None
                self._orphans = set(self._mine)

    def _connect(self) -> Connection:
        facts = self.server.probe()
        definitions = self.server.node_defs()
        connection = self.server.connect()
        self._pool.ready(self.server.name, facts, definitions)
        return connection

    def _serve(self, connection: Connection) -> None:
        """Handle what comes in until the connection drops or the worker is stopped."""
        self._connection = connection
        listener = threading.Thread(
            target=self._listen, args=(connection,), name=f"listener {self.server.name}", daemon=True
        )
        listener.start()
        self._heard_at = self._monotonic()
        self._ask_about(tuple(self._mine.values()))
        while not self._stopping.is_set():
            self._claim(connection)
            try:
                item = self._inbox.get(timeout=self._patience())
            except queue.Empty:
                self._break_silence()
                continue
            match item:
                case _Heard(source, event) if source is connection:
                    self._heard_at = self._monotonic()
                    self._take(event)
                case _Dropped(source, reason) if source is connection:
                    raise Unreachable(reason, server=self.server.name)
                case _Heard() | _Dropped():
                    pass  # of an earlier connection
                case other:
                    self._obey(other)

    def _obey(self, item: _Collected | _Stop | _Wake) -> None:
        match item:
            case _Collected(run_id, events):
                self._collecting.discard(run_id)
                self._change(run_id, *events)
                self._leave(run_id)
            case _Stop(run_id):
                self._cancel(run_id)
            case _Wake():
                pass

    def _rest(self, seconds: float) -> None:
        """Wait before the next try to connect, still obeying what needs no connection."""
        until = self._monotonic() + seconds
        while not self._stopping.is_set() and (left := until - self._monotonic()) > 0:
            try:
                item = self._inbox.get(timeout=left)
            except queue.Empty:
                return
            if isinstance(item, _Collected):
                self._obey(item)
            elif isinstance(item, _Stop):
                self._change(item.run_id, StopAsked(self._prompt_id(item.run_id)))

    def _patience(self) -> float:
        if self._orphans:
            return ORPHAN_POLL_S
        return PROBE_S if self._mine else 60.0

    def _break_silence(self) -> None:
        """Silence is probed, not assumed: ask about the runs that nobody tells us of."""
        silent = self._monotonic() - self._heard_at >= PROBE_S
        asked = self._mine if silent else self._orphans
        self._ask_about(tuple(run for run_id, run in self._mine.items() if run_id in asked))

    def _ask_about(self, runs: tuple[Run, ...]) -> None:
        """Bring runs up to date with the server's queue and history."""
        for run in runs:
            if run.run_id in self._collecting:
                continue
            queue_state = self.server.queue()
            history = self.server.history(run.prompt_id)
            if run.accepted_at is None:
                self._adopt_offered(run, run.prompt_id in queue_state or history is not None)
                continue
            if run.stopping and history is None and run.prompt_id in queue_state:
                self.server.cancel(run.prompt_id)
            if history is not None:
                self._finish(run.run_id)
                continue
            events = reconcile(run, queue_state, history)
            if run.stopping and any(isinstance(event, RunLost) for event in events):
                events = (RunRemoved(run.prompt_id),)
            self._change(run.run_id, *events)
            self._leave_if_over(run.run_id)

    def _adopt_offered(self, run: Run, was_taken: bool) -> None:
        """Settle a run that was being offered when the program ended."""
        if was_taken:
            self._change(run.run_id, RunAccepted(run.prompt_id, self.server.name))
            self._ask_about((self._mine[run.run_id],))
            return
        self._change(run.run_id, RunReturned(run.prompt_id))
        self._queue.give_back(self._mine.pop(run.run_id))
        self._forget(run.run_id)

    def _return_unoffered(self) -> None:
        """Give back what this server was never sent: another may take it."""
        for run in [run for run in self._mine.values() if not run.server]:
            self._leave(run.run_id)
            self._queue.give_back(run)

    # Claiming and submitting.

    def _claim(self, connection: Connection) -> None:
        while self._inside() < INSIDE and not self._stopping.is_set():
            run = self._queue.claim(lambda run: self._pool.may_take(run.workflow, self.server.name))
            if run is None:
                return
            self._mine[run.run_id] = run
            self._tell_load()
            self._submit(run, connection)

    def _submit(self, run: Run, connection: Connection) -> None:
        try:
            workflow = values.place_uploads(run.workflow, self._upload(values.files(run.workflow)))
            # The row names the server before the request goes out: after a crash we know whom to ask.
            self._change(run.run_id, RunOffered(run.prompt_id, self.server.name, workflow))
            accepted = self.server.submit(workflow, run.prompt_id, connection.client_id)
        except Rejected as error:
            self._change(run.run_id, RunRefused(run.prompt_id, str(error), error.problems))
            self._leave(run.run_id)
        except StoreError as error:
            self._change(run.run_id, RunRefused(run.prompt_id, str(error)))
            self._leave(run.run_id)
        except Lost as error:
            self._change(run.run_id, RunLost(run.prompt_id, str(error)))
            self._leave(run.run_id)
        except Unreachable:
            # It stays ours and unanswered; once the server is back it is asked whether it has the run.
            raise
        except ServerError as error:
            self._change(run.run_id, RunRefused(run.prompt_id, str(error)))
            self._leave(run.run_id)
        else:
            self._change(run.run_id, accepted)

    def _upload(self, files: tuple[FileValue, ...]) -> Mapping[FileValue, str]:
        names = {}
        for file in files:
            with self._media.upload_path(file.ref).open("rb") as content:
                names[file] = self.server.upload(content, file.name)
        return names

    # Events.

    def _take(self, event: Event) -> None:
        match event:
            case QueueChanged(remaining):
                self._pool.queue_changed(self.server.name, remaining)
                self._ask_places()
            case PreviewReady():
                # A plain preview names no prompt; a server runs one at a time, so it is the running one's.
                run = self._run_of(event.prompt_id) if event.prompt_id else self._running()
                if run is not None:
                    self._live.show(run.run_id, event.image, event.media_type)
            case _:
                run = self._run_of(getattr(event, "prompt_id", ""))
                if run is None:
                    return
                self._change(run.run_id, event)
                if isinstance(event, (RunSucceeded, RunEnded, NodeRaised, RunInterrupted)):
                    self._finish(run.run_id)

    def _ask_places(self) -> None:
        """Learn how many prompts stand before our waiting ones, others' included."""
        waiting = [run for run in self._mine.values() if run.state is RunState.PENDING and run.accepted_at]
        if not waiting:
            return
        state = self.server.queue()
        for run in waiting:
            if state.ahead(run.prompt_id) is not None:
                self._change(run.run_id, *reconcile(run, state, None))

    def _cancel(self, run_id: str) -> None:
        run = self._mine.get(run_id)
        if run is None or run.state.is_final or run.run_id in self._collecting:
            return
        self._change(run_id, StopAsked(run.prompt_id))
        self.server.cancel(run.prompt_id)
        # A prompt taken out of the queue sends no event that names it (0.3.64, 0.33): ask.
        if run.state is RunState.PENDING:
            self._ask_about((self._mine[run_id],))

    def _finish(self, run_id: str) -> None:
        if run_id not in self._collecting:
            self._collecting.add(run_id)
            self._tell_load()
            self._collector.put(self._mine[run_id])

    # Runs of ours.

    def _change(self, run_id: str, *events: Event) -> None:
        """Move a run on, save it if a fact changed, and publish it."""
        before = self._mine.get(run_id)
        if before is None:
            return
        run = before
        for event in events:
            run = apply(run, event, self._clock())
            if isinstance(event, RunAccepted) and event.prompt_id != run.prompt_id:
                # Servers before 0.3.45 mint an id of their own.
                run = apply(replace(run, prompt_id=event.prompt_id), event, self._clock())
        if run == before:
            return
        self._mine[run_id] = run
        if _facts(run) != _facts(before):
            self._runs.update(run)
        self._live.publish(run)

    def _leave_if_over(self, run_id: str) -> None:
        run = self._mine.get(run_id)
        if run is not None and run.state.is_final and run_id not in self._collecting:
            self._leave(run_id)

    def _leave(self, run_id: str) -> None:
        """Let go of a run that is over."""
        self._mine.pop(run_id, None)
        self._forget(run_id)

    def _forget(self, run_id: str) -> None:
        self._orphans.discard(run_id)
        self._tell_load()

    def _inside(self) -> int:
        """How many runs of ours the server still has to do."""
        return len(self._mine) - len(self._collecting)

    def _tell_load(self) -> None:
        self._pool.holds(self.server.name, self._inside())
        self._queue.tell_places()

    def _run_of(self, prompt_id: str) -> Run | None:
        return next((run for run in self._mine.values() if run.prompt_id == prompt_id), None)

    def _running(self) -> Run | None:
        return next((run for run in self._mine.values() if run.state is RunState.IN_PROGRESS), None)

    def _prompt_id(self, run_id: str) -> str:
        run = self._mine.get(run_id)
        return run.prompt_id if run else ""

    # The listener thread.

    def _listen(self, connection: Connection) -> None:
        try:
            while not self._stopping.is_set():
                event = connection.next_event(LISTEN_S)
                if event is not None:
                    self._inbox.put(_Heard(connection, event))
        except ServerError as error:
            self._inbox.put(_Dropped(connection, str(error)))
        except Exception:
            # The outermost loop of this thread: without a word to the worker its runs would hang.
            log.exception("The listener of %s stumbled.", self.server.name)
            self._inbox.put(
                _Dropped(connection, f"Listening to {self.server.name} failed; connecting again.")
            )


def _facts(run: Run) -> tuple[Any, ...]:
    """What is worth a write: facts, never ticks."""
    return (
        run.state,
        run.prompt_id,
        run.server,
        run.accepted_at,
        run.started_at,
        run.ended_at,
        run.outputs,
        run.kept,
        run.error,
        run.warnings,
    )
