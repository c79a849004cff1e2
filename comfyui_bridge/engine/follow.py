"""Follows runs inside one server to their end.

One thread reads the socket and is the only one that moves runs on. The socket is a hint; the server's
queue and history are the truth, asked when the socket drops, is silent, or has said that a run is over.
Times inside are monotonic seconds: a clock that jumps moves nothing.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from comfyui_bridge.core.errors import AnswerLost, NotRunning, ServerError, Unreachable
from comfyui_bridge.core.events import (
    Event,
    NodeRaised,
    PreviewReady,
    QueueChanged,
    RunAccepted,
    RunCollected,
    RunEnded,
    RunInterrupted,
    RunLost,
    RunRemoved,
    RunSucceeded,
    StopAsked,
)
from comfyui_bridge.core.run import Run, RunState, apply, reconcile
from comfyui_bridge.core.server import HistoryEntry, QueueState
from comfyui_bridge.engine.ports import Connection, Server

log = logging.getLogger(__name__)

Told = Callable[[Run, Event, bool], None]
"""Called with the run after each event, the event, and whether the run is over and nothing more will come.

On the follower's thread or on the one that submits, one call at a time for each run: it must not block.
"""


class Watch(Protocol):
    """Who wants to know of the server itself. Called on the follower's threads; it must not block."""

    def linked(self) -> None:
        """A connection was opened, for the first time or again."""

    def parted(self, why: str, has_ended: bool) -> None:
        """The server could not be reached; `has_ended` if nothing listens there any more."""

    def queue_changed(self, remaining: int) -> None:
        """So many prompts, anyone's, are in the server's queue."""

    def queue_seen(self, remaining: int, others: int) -> None:
        """The queue was read: so many prompts, and so many of them not ours."""

    def found(self, prompt_id: str, is_running: bool) -> None:
        """A prompt that was disowned began there all the same: it runs now, or it is over."""

    def vanished(self, prompt_id: str) -> None:
        """A prompt that was disowned was not to be found there for so long that it will not come."""


@dataclass(frozen=True)
class Timing:
    """Seconds."""

    silence: float = 5.0
    """A server with runs of ours may say nothing for so long before its queue is asked."""
    orphan: float = 1.0
    """Between looks for runs whose events reach nobody, because their socket is gone."""
    settle: float = 0.4
    """From a hint (the queue changed, a run succeeded) to the look that makes sure of it."""
    absent: float = 0.5
    """From the first look that finds a run nowhere to the second, which counts."""
    unwritten: float = 3.0
    """A run known to have ended may be missing in the history for so long (0.3.64 writes it late)."""
    give_up: float = 300.0
    """A server may be out of reach for so long before its runs count as lost."""
    disowned: float = 60.0
    """A prompt that was disowned is looked out for so long: the server may take it late."""
    late: float = 0.1
    """A server that is found dead so long after all was read that had come has done nothing unheard."""
    retry: tuple[float, ...] = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)
    """Between tries to reach it."""


TIMING = Timing()
WAITED_S = 0.001
"""A read that took so long had to wait: all that had come before was read."""
CATCH_UP_S = 1.0
"""At most so long is read before a run is ended by its history."""


@dataclass
class _Followed:
    """A run and what is known of how its events come."""

    run: Run
    tell: Told
    connection: Connection | None
    """The one it was submitted under; None for one of before."""
    heard: bool = False
    """At least one event of it came over a socket."""
    ended: bool = False
    """The server has said that it is over; its history is still to be read."""
    ended_at: float = 0.0
    absent_since: float | None = None
    submitting: bool = True
    """Its submission is not over: that the server does not have it yet means nothing."""
    was_seen: bool = True
    """It was sent, or seen in the queue, and its events have come since: had it begun, we should know."""
    is_audible: bool = False
    """Something came over its socket since: a server that has forgotten a socket sends it nothing at all."""
    is_behind: bool = False
    """The queue, when last read, had others before it."""
    stopping: bool = False
    to_cancel: bool = False
    """It should be stopped, and the server could not be told so far."""


class Follower:
    """Submits runs to one server and follows them; all methods may be called from any thread."""

    def __init__(
        self,
        server: Server,
        *,
        timing: Timing = TIMING,
        watch: Watch | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """With a `watch` a connection is kept open, runs or none, from `open` on."""
        self.server = server
        self._timing = timing
        self._watch = watch
        self._clock = clock
        self._monotonic = monotonic
        self._opening = threading.Lock()  # held while a connection is opened: one at a time
        self._lock = threading.Condition()  # guards all below
        self._followed: dict[str, _Followed] = {}  # by prompt_id
        self._disowned: dict[str, float | None] = {}  # by prompt_id: since when it is not to be found
        self._others = 0  # prompts that are not ours, as the queue was last seen
        self._connection: Connection | None = None
        self._client_id: str | None = None  # to take up again
        self._look_at: float | None = None  # when to ask the server, for a reason other than silence
        self._heard_at = 0.0
        self._away_since: float | None = None
        self._has_parted = False  # the watch was told so, and not yet that the server is back
        self._caught_up_at = 0.0  # when all that had come over the socket was read
        self._has_died = False  # since the last connection broke, nothing has listened there
        self._closed = False
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Begin to connect; for a follower that is watched."""
        with self._lock:
            self._start_thread()

    def adopt(self, run: Run, tell: Told) -> None:
        """Follow a run that was submitted, or offered, in an earlier life of this program."""
        with self._lock:
            self._followed[run.prompt_id] = _Followed(
                run, tell, None, submitting=False, was_seen=False, stopping=run.stopping
            )
            self._followed[run.prompt_id].to_cancel = run.stopping
            self._look_after(0.0)
            self._lock.notify_all()

    def submit(self, run: Run, tell: Told, extra_pnginfo: dict[str, Any] | None = None) -> Run:
        """Send a run and follow it from here on; the run as it stands. Raises ServerError if it is not taken.

        With its answer lost and the server out of reach it is followed all the same, until that is known.
        """
        connection = self._connect()
        followed = _Followed(replace(run, server=self.server.name), tell, connection)
        with self._lock:
            if not self._followed:
                self._heard_at = self._monotonic()
            self._followed[run.prompt_id] = followed
            # The connection may have dropped just now, and the thread found nothing to open it for.
            self._lock.notify_all()
        try:
            accepted = self.server.submit(
                run.workflow, run.prompt_id, connection.client_id, extra_pnginfo=extra_pnginfo
            )
        except AnswerLost:
            followed.submitting = False
            self._look_after(0.0)
            return followed.run
        except BaseException as error:
            with self._lock:
                self._followed.pop(run.prompt_id, None)
            if not isinstance(error, ServerError):
                # Ctrl-C while the answer was on its way: the server may have it, and nobody wants it.
                with suppress(ServerError):
                    self.server.cancel(run.prompt_id)
            raise
        with self._lock:
            followed.submitting = False
            if accepted.prompt_id != run.prompt_id:
                # Servers before 0.3.45 mint an id of their own; what came under it so far was missed.
                self._followed.pop(run.prompt_id, None)
                followed.run = replace(followed.run, prompt_id=accepted.prompt_id)
                self._followed[accepted.prompt_id] = followed
                self._look_after(0.0)
            if accepted.problems or followed.run.accepted_at is None:
                self._move(followed, accepted)
            has_ended = followed.ended
        if followed.to_cancel:
            # It was stopped while it was sent: only now does the server know what to stop.
            try:
                self._cancel(followed)
            except ServerError:
                self._look_after(0.0)
        if has_ended:
            # A quick run was over before the answer to its submission was read.
            try:
                self._collect(followed, is_last=False)
            except ServerError:
                self._look_after(0.0)
        return followed.run

    def cancel(self, prompt_id: str) -> None:
        """Stop this run, pending or running. How it ended will be told; a run that is over stays so.

        Raises ServerError if the server could not be told now; it will be as soon as it can.
        """
        with self._lock:
            followed = self._followed.get(prompt_id)
            if followed is None:
                return
            followed.stopping = True
            followed.to_cancel = True
            self._move(followed, StopAsked(prompt_id))
            if followed.submitting:
                return  # the submission sees to it
        # A prompt taken out of the queue sends no event that names it (0.3.64, 0.33): look.
        self._look_after(0.0)
        self._cancel(followed)

    def cancel_all(self) -> None:
        """Stop every run that is followed, the waiting ones first, lest one starts as another stops."""
        with self._lock:
            prompt_ids = list(self._followed)
        for prompt_id in reversed(prompt_ids):
            with suppress(ServerError):
                self.cancel(prompt_id)

    def _cancel(self, followed: _Followed) -> None:
        self.server.cancel(followed.run.prompt_id)
        followed.to_cancel = False

    def take_back(self, prompt_id: str) -> Run | None:
        """Stop following a run that has not begun for all we know, so that it can be done elsewhere.

        It is disowned here. None, and nothing changes, if it has begun, or may have while nobody looked.
        """
        with self._lock:
            followed = self._followed.get(prompt_id)
            if followed is None or not self._has_surely_not_begun(followed):
                return None
            del self._followed[prompt_id]
            self._disowned[prompt_id] = None
            return followed.run

    def let_go(self, prompt_id: str) -> Run | None:
        """Stop following a run, whatever it does; the run as it was last known."""
        with self._lock:
            followed = self._followed.get(prompt_id)
            if followed is None or followed.submitting:
                return None
            return self._followed.pop(prompt_id).run

    def disown(self, prompt_id: str) -> None:
        """See to it that the server does not begin this prompt, whose run is done elsewhere.

        While it waits in the queue there it is taken out; if it began all the same, the watch is told.
        """
        with self._lock:
            self._disowned[prompt_id] = None
        self._look_after(0.0)

    def _has_surely_not_begun(self, followed: _Followed) -> bool:
        return (
            followed.was_seen
            and followed.is_audible
            and (followed.is_behind or self._runs_another(followed))
            and not followed.submitting
            and not followed.ended
            and followed.run.state is RunState.PENDING
        )

    def _never_came(self, followed: _Followed) -> bool:
        """A run that was offered, and of which a server that has lived since knows nothing."""
        has_lived = followed.connection in (None, self._connection)  # None: we were gone, and not the server
        return followed.run.accepted_at is None and followed.run.state is RunState.PENDING and has_lived

    def _runs_another(self, followed: _Followed) -> bool:
        """Another of ours is running there: without any, a run begins as soon as it is sent."""
        return any(
            one is not followed and one.run.state is RunState.IN_PROGRESS and not one.ended
            for one in self._followed.values()
        )

    @property
    def inside(self) -> int:
        """How many runs of ours are inside the server and not over."""
        with self._lock:
            return len(self._followed)

    def close(self, timeout: float | None = None) -> None:
        """Stop following; runs inside the server go on there. Waits for its thread, at most for so long."""
        with self._lock:
            self._closed = True
            connection, thread = self._connection, self._thread
            self._lock.notify_all()
        if connection is not None:
            connection.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _connect(self) -> Connection:
        """The open connection, or a new one; the thread that reads it is running."""
        with self._opening:
            with self._lock:
                if self._connection is not None:
                    return self._connection
                client_id, self._client_id = self._client_id, None
            connection = self._opened(client_id)
            with self._lock:
                if self._closed:
                    connection.close()
                    raise Unreachable(
                        f"{self.server.name} is not followed any more.", server=self.server.name
                    )
                self._connection = connection
                self._start_thread()
                self._lock.notify_all()
        self._tell_linked()
        return connection

    def _opened(self, client_id: str | None) -> Connection:
        """A new connection. What the server did since the last one broke, it told nobody.

        Unless nothing listened there at once: it was its death that broke the connection, and it did nothing.
        """
        asked_at = self._monotonic()
        try:
            connection = self.server.connect(client_id)
        except NotRunning:
            if not self._has_died:
                self._died(asked_at)
            raise
        except ServerError:
            # One that was started anew and is slow to answer has nothing of ours to begin.
            if not self._has_died:
                self._go_blind()
            raise
        if not self._has_died:
            self._go_blind()
        self._has_died = False
        return connection

    def _died(self, asked_at: float) -> None:
        """Nothing listens there: what stood behind another run did so to the end, whatever comes of that.

        But it may have lived on for a while after its socket broke, and told us nothing of that.
        """
        if asked_at - self._caught_up_at > self._timing.late:
            self._go_blind()
        self._has_died = True
        with self._lock:
            for one in self._followed.values():
                one.is_behind = one.is_behind or self._runs_another(one)

    def _go_blind(self) -> None:
        with self._lock:
            for followed in self._followed.values():
                followed.was_seen = followed.is_audible = False

    def _tell_linked(self) -> None:
        self._has_parted = False
        if self._watch is not None:
            self._watch.linked()

    def _start_thread(self) -> None:
        if self._thread is None and not self._closed:
            name = f"follower {self.server.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    # The thread.

    def _run(self) -> None:
        tries = 0
        while not self._closed:
            try:
                if self._follow_once():
                    tries = 0
                    if self._has_parted and self._connection is not None:
                        # It failed at a request, while its socket stayed open.
                        self._tell_linked()
                    continue
            except ServerError as error:
                self._part(error)
                self._give_up_if_too_long(str(error))
            except Exception:
                # The outermost loop of this thread: the runs that go on must still be followed.
                log.exception("Following the runs of %s failed at an event; going on.", self.server.name)
            pause = self._timing.retry[min(tries, len(self._timing.retry) - 1)]
            tries += 1
            self._look_after(pause)
            with self._lock:
                self._lock.wait_for(lambda: self._closed, pause)

    def _follow_once(self) -> bool:
        """Take one event, or look at the server; whether it could be reached. Raises ServerError if not."""
        with self._lock:
            # With nothing to follow, and nobody to watch, the next submission opens a lost connection again.
            self._lock.wait_for(lambda: self._closed or self._has_reason_to_listen())
            connection = self._connection
        if self._closed:
            return True
        if connection is None:
            return self._reconnect()
        asked_at = self._monotonic()
        try:
            event = connection.next_event(self._patience())
        except ServerError:
            self._note_time(asked_at)
            self._drop(connection)
            return True
        if event is None:
            self._caught_up_at = self._monotonic()
        else:
            self._note_time(asked_at)
            self._heard(event, connection)
        if self._look_is_due():
            self._look()
        return True

    def _note_time(self, asked_at: float) -> None:
        """What was read just now, or that the socket broke, came just now if it had to be waited for."""
        now = self._monotonic()
        if now - asked_at >= WAITED_S:
            self._caught_up_at = now

    def _has_reason_to_listen(self) -> bool:
        return self._watch is not None or bool(self._followed) or self._connection is not None

    def _part(self, error: ServerError) -> None:
        self._has_parted = True
        if self._watch is not None:
            self._watch.parted(str(error), isinstance(error, NotRunning))

    def _reconnect(self) -> bool:
        try:
            self._connect()
        except ServerError as error:
            self._part(error)
            # Where only the WebSocket is refused, the truth can still be asked for.
            self._look()
            self._look_after(self._timing.orphan)
            return False
        self._look()
        return True

    def _drop(self, connection: Connection) -> None:
        """Let go of a connection that broke; its client_id is taken up again while its runs go on."""
        connection.close()
        with self._lock:
            if self._connection is connection:
                self._connection = None
                self._client_id = connection.client_id if self._followed else None

    def _patience(self) -> float:
        """Seconds to wait for an event."""
        with self._lock:
            return max(0.0, min(1.0, self._next_look() - self._monotonic()))

    def _next_look(self) -> float:
        wanted = math.inf if self._look_at is None else self._look_at
        return min(wanted, self._heard_at + self._timing.silence) if self._followed else wanted

    def _look_is_due(self) -> bool:
        with self._lock:
            return self._monotonic() >= self._next_look()

    def _look_after(self, seconds: float) -> None:
        """See to it that the server is asked in so many seconds, if not sooner."""
        at = self._monotonic() + seconds
        with self._lock:
            if self._look_at is None or at < self._look_at:
                self._look_at = at

    def _heard(self, event: Event, connection: Connection) -> None:
        prompt_id = getattr(event, "prompt_id", "")
        with self._lock:
            for one in self._followed.values():
                one.is_audible = one.is_audible or not self._is_orphan(one)
            if isinstance(event, PreviewReady) and not prompt_id:
                event, prompt_id = self._attributed(event)
            followed = self._followed.get(prompt_id)
            if isinstance(event, QueueChanged):
                self._queue_changed(event.remaining)
            if followed is None:
                return
            if followed.submitting and followed.run.accepted_at is None:
                # The answer to its submission is still on its way, and it has begun (0.3.64).
                self._move(followed, RunAccepted(prompt_id, self.server.name))
            followed.heard = True
            followed.absent_since = None
            self._heard_at = self._monotonic()
            self._move(followed, event)
            match event:
                case RunSucceeded() | NodeRaised() | RunInterrupted():
                    self._mark_ended(followed)
                    self._look_after(self._timing.settle)
                    return
                case RunEnded():
                    self._mark_ended(followed)
                    if followed.submitting:
                        return
                case _:
                    return
        self._collect(followed, is_last=False)

    def _attributed(self, event: PreviewReady) -> tuple[PreviewReady, str]:
        """A preview that names no prompt belongs to our running run: a server runs one at a time."""
        running = [f for f in self._followed.values() if f.run.state is RunState.IN_PROGRESS]
        if len(running) != 1:
            return event, ""
        prompt_id = running[0].run.prompt_id
        return replace(event, prompt_id=prompt_id), prompt_id

    def _queue_changed(self, remaining: int) -> None:
        """One of our pending runs may have moved up, or been taken out by somebody; others may have come."""
        if self._watch is not None:
            self._watch.queue_changed(remaining)
            ours = sum(not f.ended for f in self._followed.values())
            if self._others or remaining > ours:
                self._look_after(self._timing.settle)
        if self._disowned:
            self._look_after(0.0)  # before it begins
        elif any(f.run.state is RunState.PENDING for f in self._followed.values()):
            self._look_after(self._timing.settle)

    def _mark_ended(self, followed: _Followed) -> None:
        if not followed.ended:
            followed.ended = True
            followed.ended_at = self._monotonic()

    # The truth.

    def _look(self) -> None:
        """Ask the server for its queue, and for the history of what is not in it. Raises ServerError."""
        with self._lock:
            self._look_at = None
            self._heard_at = self._monotonic()
            followed = [one for one in self._followed.values() if not one.submitting]
            disowned = list(self._disowned)
        if not followed and not disowned and self._watch is None:
            return
        queue = self.server.queue()
        self._away_since = None
        for prompt_id in disowned:
            self._look_out_for(prompt_id, queue)
        self._tell_queue(queue)
        if any(one.run.prompt_id not in queue for one in followed):
            self._catch_up()
        for one in followed:
            if self._followed.get(one.run.prompt_id) is one:
                self._settle(one, queue)
        with self._lock:
            orphaned = any(self._is_orphan(f) for f in self._followed.values())
        if orphaned:
            self._look_after(self._timing.orphan)

    def _catch_up(self) -> None:
        """Read what has come over the socket: a history that ends a run leaves out what was on its way."""
        with self._lock:
            connection = self._connection
        until = self._monotonic() + CATCH_UP_S
        while connection is not None and self._monotonic() < until:
            try:
                event = connection.next_event(0.0)
            except ServerError:
                return  # the next read meets it too, and sees to it
            if event is None:
                self._caught_up_at = self._monotonic()
                return
            self._heard(event, connection)

    def _tell_queue(self, queue: QueueState) -> None:
        inside = (*queue.running, *queue.pending)
        with self._lock:
            self._others = sum(one not in self._followed and one not in self._disowned for one in inside)
        if self._watch is not None:
            self._watch.queue_seen(len(inside), self._others)

    def _look_out_for(self, prompt_id: str, queue: QueueState) -> None:
        """Take a disowned prompt out of the queue, or tell that it began. Raises ServerError."""
        if prompt_id in queue.pending:
            self.server.cancel(prompt_id)
            with self._lock:
                self._disowned[prompt_id] = None
            self._look_after(self._timing.settle)
            return
        is_running = prompt_id in queue.running
        if is_running or self.server.history(prompt_id) is not None:
            with self._lock:
                self._disowned.pop(prompt_id, None)
            if self._watch is not None:
                self._watch.found(prompt_id, is_running)
            return
        # Nowhere: it is forgotten, or was sent and is still to be read by a server that was held up.
        now = self._monotonic()
        with self._lock:
            since = self._disowned.get(prompt_id)
            if since is None:
                self._disowned[prompt_id] = now
                return
            if now - since < self._timing.disowned:
                return
            self._disowned.pop(prompt_id, None)
        if self._watch is not None:
            self._watch.vanished(prompt_id)

    def _is_orphan(self, followed: _Followed) -> bool:
        current, its = self._connection, followed.connection
        return current is None or its is None or its.client_id != current.client_id

    def _settle(self, followed: _Followed, queue: QueueState) -> None:
        """Bring one run up to date with a queue just read."""
        run = followed.run
        if run.prompt_id in queue:
            followed.absent_since = None
            followed.was_seen = not self._is_orphan(followed)
            followed.is_behind = bool(queue.ahead(run.prompt_id))
            if run.accepted_at is None:
                self._change(followed, RunAccepted(run.prompt_id, self.server.name))
            if followed.to_cancel:
                self._cancel(followed)
            news = [e for e in reconcile(followed.run, queue, None) if apply(run, e, 0.0) != run]
            self._change(followed, *news)
            return
        self._collect(followed, is_last=True)

    def _collect(self, followed: _Followed, *, is_last: bool) -> None:
        """Read a run's history, and end the run by what it says.

        `is_last`: the queue was asked before and does not have the run.
        """
        history = self.server.history(followed.run.prompt_id)
        self._away_since = None
        now = self._monotonic()
        if history is not None:
            self._end_by(followed, history)
        elif followed.ended:
            self._wait_for_history(followed, now)
        elif is_last:
            self._absent(followed, now)

    def _end_by(self, followed: _Followed, history: HistoryEntry) -> None:
        events = reconcile(followed.run, QueueState(), history) or (
            RunCollected(history.prompt_id, history.outputs),
        )
        self._change(followed, *events, over=True)
        connection = followed.connection
        if not followed.heard and connection is not None and connection is self._connection:
            # It was submitted under this very socket and ran without a word: the server has forgotten it.
            self._go_blind()
            self._drop(connection)
            with self._lock:
                self._client_id = None

    def _wait_for_history(self, followed: _Followed, now: float) -> None:
        if now - followed.ended_at < self._timing.unwritten:
            self._look_after(min(self._timing.settle, 0.1))
            return
        # Somebody has cleared the history: what the socket told is all there is.
        self._change(followed, RunCollected(followed.run.prompt_id, followed.run.outputs), over=True)

    def _absent(self, followed: _Followed, now: float) -> None:
        """In neither queue nor history, twice: stopped by us, taken out by somebody, or lost."""
        prompt_id = followed.run.prompt_id
        if followed.stopping:
            self._change(followed, RunRemoved(prompt_id), over=True)
            return
        if followed.absent_since is None:
            followed.absent_since = now
        if now - followed.absent_since < self._timing.absent:
            self._look_after(self._timing.absent)
            return
        if followed.run.accepted_at is not None and followed.connection is self._connection:
            # The socket never dropped, so the server was not restarted.
            self._change(followed, RunRemoved(prompt_id), over=True)
            return
        lost = reconcile(followed.run, QueueState(), None)
        if self._has_surely_not_begun(followed) or self._never_came(followed):
            lost = tuple(replace(one, may_have_begun=False) for one in lost if isinstance(one, RunLost))
        self._change(followed, *lost, over=True)

    def _give_up_if_too_long(self, why: str) -> None:
        now = self._monotonic()
        if self._away_since is None:
            self._away_since = now
        if now - self._away_since < self._timing.give_up:
            return
        with self._lock:
            followed = list(self._followed.values())
        for one in followed:
            self._change(one, RunLost(one.run.prompt_id, why), over=True)

    def _change(self, followed: _Followed, *events: Event, over: bool = False) -> None:
        with self._lock:
            if self._followed.get(followed.run.prompt_id) is not followed:
                return
            for event in events[:-1]:
                self._move(followed, event)
            if over:
                del self._followed[followed.run.prompt_id]
            for event in events[-1:]:
                self._move(followed, event, over=over)

    def _move(self, followed: _Followed, event: Event, *, over: bool = False) -> None:
        """Fold an event into a run and tell. Called with the lock held, so that events keep their order."""
        followed.run = apply(followed.run, event, self._clock())
        followed.tell(followed.run, event, over)
