"""One server's worker: claims runs, and keeps the books while they are uploaded, sent and followed.

The *worker* thread is the single writer of this server's runs, and never waits for the server: whatever
may take long is done by others, who tell its inbox. The *sender* uploads and submits, the *clerk* asks
and cancels, the *follower* hears what happens and the *collector* fetches what was made. So a stop is
answered at once even where the server hangs.

A run that had not begun moves to another server, on these terms. A server that only hangs, or cannot be
reached, may go on with what it has: its runs stay, but for those that somebody stops and gives up with
that. Where nothing listens at its address any more, its process has ended and its queue with it; after a
while of that, runs in it that had not begun (we should have heard) are given back. So are those that a
server which answers no longer knows. One that may have begun is never moved: it is lost, and may be what
the server died of. Should the process live all the same, behind a tunnel that broke: a moved run has a
new prompt_id, and its old one is taken out of the queue there as soon as the server is back. Had that one
begun meanwhile, it is taken up again if its run still waits with us, and otherwise stopped, left out and
told.
"""

from __future__ import annotations

import itertools
import logging
import math
import queue
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial
from typing import Any

from comfyui_bridge.core import assign, values
from comfyui_bridge.core.errors import BridgeError, Lost, Rejected, ServerError, StoreError, Unreachable
from comfyui_bridge.core.events import (
    Event,
    FilesKept,
    PreviewReady,
    RunAccepted,
    RunLost,
    RunOffered,
    RunRefused,
    RunRemoved,
    RunReturned,
    StopAsked,
)
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.run import Run, RunState, apply
from comfyui_bridge.core.run_log import LogKind
from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine import inbox
from comfyui_bridge.engine.collector import Collector
from comfyui_bridge.engine.errands import Errands
from comfyui_bridge.engine.follow import TIMING, Follower, Timing
from comfyui_bridge.engine.live import Live
from comfyui_bridge.engine.pool import Pool
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.engine.queue import RunQueue
from comfyui_bridge.engine.unwritten import Unwritten
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.store.servers import Abandoned, ServerStore

log = logging.getLogger(__name__)

INSIDE = 2
"""How many runs of ours may be inside a server: the running one, and one waiting behind it."""
RETRY_S = 1.0
"""Between tries to learn about a server that answers the socket and not the rest, or to write a row."""
LEARN_S = 10.0
"""What a server said of itself is not doubted before, however many runs it refuses."""
MOVES = 5
"""A run that so many servers gave back, although they could be reached, is no server's to try again."""


@dataclass(frozen=True)
class Grace:
    """Seconds for which a server's process may have ended before its runs are not waited for any more."""

    unbegun: float = 5.0
    """Those that had not begun go elsewhere."""
    begun: float = 300.0
    """The others are lost."""
    silent: float = 60.0
    """On one that cannot be reached and may live, those that somebody stopped are given up."""


@dataclass(frozen=True)
class Shared:
    """What all workers of an engine work with."""

    queue: RunQueue
    pool: Pool
    live: Live
    runs: RunStore
    media: MediaStore
    servers: ServerStore | None
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    timing: Timing
    grace: Grace
    unwritten: Unwritten = field(default_factory=Unwritten)


# What is known of a run is kept for as long as its server may come back: people can stop it.
PATIENT = replace(TIMING, give_up=math.inf)


class _Phase(Enum):
    UPLOADING = auto()
    WRITING = auto()
    """The row that names this server could not be written so far; nothing is sent before it is."""
    SENDING = auto()
    INSIDE = auto()
    COLLECTING = auto()
    """The server is done with it; its files are being fetched."""


@dataclass
class _Held:
    """A run that was claimed. `token` is of this claim: what is told of an earlier one is no news."""

    run: Run
    token: int
    phase: _Phase = _Phase.UPLOADING
    ended: Run | None = None
    """The run as it ended, while its files are being fetched."""
    notes: tuple[str, ...] = ()
    """Warnings that came from elsewhere than its server."""


class Worker:
    """Drives one server until `stop`, or until it was told to leave and its last run is over."""

    def __init__(
        self,
        server: Server,
        shared: Shared,
        *,
        left: Callable[[str], None],
        doubled: Callable[[str, str], None],
    ) -> None:
        """`left(name)` is called when it has left; `doubled(run_id, sentence)` for a run that began twice."""
        self.server = server
        self._shared = shared
        self._queue = shared.queue
        self._pool = shared.pool
        self._left = left
        self._doubled = doubled
        self._inbox: queue.SimpleQueue[inbox.Item] = queue.SimpleQueue()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._follower = Follower(
            server, timing=shared.timing, watch=self, clock=shared.clock, monotonic=shared.monotonic
        )
        self._sender = Errands(f"sender {server.name}")
        self._clerk = Errands(f"clerk {server.name}")
        self._collector = Collector(server, shared.media, self._kept)
        self._thread = threading.Thread(target=self._work, name=f"worker {server.name}", daemon=True)
        # Everything below belongs to the worker thread alone.
        self._tokens = itertools.count(1)
        self._held: dict[str, _Held] = {}
        """Runs of this server as they were last published, by run_id."""
        self._unsaved: dict[str, Run] = {}
        """Runs whose last facts could not be written, as on a full disk."""
        self._save_at = 0.0
        self._abandoned: dict[str, str] = {}
        """Prompts that this server must not begin, and the runs they were of."""
        self._is_linked = False
        self._is_ready = False
        self._is_learning = False
        self._learn_at = 0.0
        self._learnt_at = -math.inf
        self._ended_at: float | None = None
        """Since when nothing listens at its address."""
        self._away_at: float | None = None
        """Since when it cannot be reached, for whatever reason."""
        self._is_leaving = False

    # What others may call, from any thread.

    def start(self, adopted: tuple[Run, ...] = (), unfetched: tuple[Run, ...] = ()) -> None:
        """Begin, with runs that were inside this server when the program last ended, and such that had
        failed and whose files were not yet fetched.
        """
        for run in adopted:
            held = self._held[run.run_id] = _Held(run, next(self._tokens), _Phase.INSIDE)
            self._follower.adopt(run, partial(self._tell, held.token))
        for run in unfetched:
            self._held[run.run_id] = _Held(run, next(self._tokens), _Phase.COLLECTING, ended=run)
            self._collector.put(run)
        self._take_up_abandoned({run.prompt_id for run in adopted})
        self._tell_load()
        for part in (self._sender, self._clerk, self._collector, self._thread):
            part.start()
        self._follower.open()

    def wake(self) -> None:
        """Say that there may be a run to claim."""
        if not self._woken.is_set():
            self._woken.set()
            self._inbox.put(inbox.Wake())

    def cancel(self, run_id: str) -> None:
        """Ask for one of this server's runs to be stopped; the run's state will follow."""
        self._inbox.put(inbox.Stop(run_id))

    def note(self, run_id: str, sentence: str) -> None:
        """Add a warning to one of this server's runs."""
        self._inbox.put(inbox.Note(run_id, sentence))

    def refresh(self, *, only_facts: bool = False) -> None:
        """Ask the server anew who it is, as how much memory is free, and what it can do."""
        self._inbox.put(inbox.Refresh(only_facts))

    def leave(self) -> None:
        """Take no more runs, and end once those inside are over."""
        self._inbox.put(inbox.Leave())

    def ask_to_stop(self) -> None:
        """End all threads. Runs inside the server go on there and are adopted at the next start."""
        self._stopping.set()
        self._sender.stop()
        self._clerk.stop()
        self._follower.close(0)
        self._inbox.put(inbox.Wake())

    def join(self, timeout: float) -> None:
        """Wait for the threads to end, at most for so long; in this order, as each feeds the next."""
        deadline = self._shared.monotonic() + timeout

        def left() -> float:
            return max(0.0, deadline - self._shared.monotonic())

        self._follower.close(left())
        self._sender.join(left())
        self._clerk.join(left())
        self._thread.join(left())
        self._collector.stop(left())

    # What the other threads call.

    def linked(self) -> None:
        self._inbox.put(inbox.Linked())

    def parted(self, why: str, has_ended: bool) -> None:
        self._inbox.put(inbox.Parted(why, has_ended))

    def queue_changed(self, remaining: int) -> None:
        self._pool.queue_changed(self.server.name, remaining)

    def queue_seen(self, remaining: int, others: int) -> None:
        self._pool.queue_seen(self.server.name, remaining, others)
        self._queue.tell_places()

    def found(self, prompt_id: str, is_running: bool) -> None:
        self._inbox.put(inbox.Found(prompt_id, is_running))

    def vanished(self, prompt_id: str) -> None:
        self._inbox.put(inbox.Vanished(prompt_id))

    def _tell(self, token: int, run: Run, event: Event, over: bool) -> None:
        if isinstance(event, PreviewReady):
            self._shared.live.show(run.run_id, event.image, event.media_type)
        else:
            self._inbox.put(inbox.Told(token, run, event, over))

    def _kept(self, run_id: str, event: FilesKept, *, is_last: bool) -> None:
        self._inbox.put(inbox.Kept(run_id, event, is_last))

    # The worker thread.

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._take(self._next())
                self._tend()
                self._claim()
                if self._is_leaving and not self._held:
                    self._retire()
            except Exception:
                # The outermost loop of this thread: whatever it was, the other runs must go on.
                log.exception("The worker of %s stumbled, and goes on.", self.server.name)

    def _next(self) -> inbox.Item:
        """The next thing to do, or to wake up for."""
        now = self._shared.monotonic()
        due = [at for at in self._deadlines() if at is not None]
        try:
            return self._inbox.get(timeout=max(0.0, min(due) - now) if due else None)
        except queue.Empty:
            return inbox.Wake()

    def _deadlines(self) -> tuple[float | None, ...]:
        return (
            self._learn_at if self._is_linked and not self._is_ready and not self._is_learning else None,
            self._save_at if self._unsaved else None,
            self._release_at(),
            self._abandon_at(),
            self._give_up_at(),
        )

    def _tend(self) -> None:
        """Do what has become due."""
        now = self._shared.monotonic()
        if self._is_linked and not self._is_ready and not self._is_learning and now >= self._learn_at:
            self._learn()
        if self._unsaved and now >= self._save_at:
            self._save_again()
        if self._ended_at is not None:
            self._release(now - self._ended_at)
        if (
            self._is_leaving
            and self._away_at is not None
            and now >= self._away_at + self._shared.grace.unbegun
        ):
            self._abandon_ship()
        if self._away_at is not None and now >= self._away_at + self._shared.grace.silent:
            self._give_up_stopped()

    def _take(self, item: inbox.Item) -> None:
        match item:
            case inbox.Uploaded() | inbox.Sent() | inbox.NotSent():
                self._sending(item)
            case inbox.Told():
                self._follow(item)
            case inbox.Kept():
                self._collected(item)
            case inbox.Linked():
                self._is_linked, self._is_ready, self._learn_at = True, False, 0.0
                self._away_at = self._ended_at = None
            case inbox.Learnt(facts, definitions):
                self._learnt(facts, definitions)
            case inbox.NotLearnt(why):
                self._not_learnt(why)
            case inbox.Parted(why, has_ended):
                self._part(why, has_ended)
            case inbox.Found(prompt_id, is_running):
                self._found(prompt_id, is_running)
            case inbox.Vanished(prompt_id):
                self._settle(prompt_id)
            case inbox.Note(run_id, sentence):
                self._add_note(run_id, sentence)
            case inbox.Stop(run_id):
                self._cancel(run_id)
            case inbox.Refresh(only_facts):
                self._refresh(only_facts)
            case inbox.Leave():
                self._is_leaving = True
            case inbox.Wake():
                self._woken.clear()

    # What the server is and can do.

    def _learn(self) -> None:
        """Have the server asked who it is and what it can do; once it has told, it gets runs."""
        self._is_learning = True
        self._clerk.put(self._ask)

    def _ask(self) -> None:
        try:
            self._inbox.put(inbox.Learnt(self.server.probe(), self.server.node_defs()))
        except ServerError as error:
            self._inbox.put(inbox.NotLearnt(str(error)))

    def _refresh(self, only_facts: bool) -> None:
        if not self._is_ready or self._is_learning:
            return
        if only_facts:
            self._clerk.put(self._ask_facts)
        else:
            self._learn()

    def _ask_facts(self) -> None:
        """On the clerk's thread."""
        with suppress(ServerError):  # if it is gone, the follower hears of it
            self._pool.facts(self.server.name, self.server.probe())

    def _learnt(self, facts: ServerFacts, definitions: NodeDefs) -> None:
        self._is_learning = False
        if self._is_linked:
            self._pool.ready(self.server.name, facts, definitions)
            self._is_ready = True
            self._learnt_at = self._shared.monotonic()
            # Outside the queue's lock, which whoever claims or cancels waits for.
            self._pool.assess(self._queue.order())

    def _not_learnt(self, why: str) -> None:
        self._is_learning = False
        if self._is_linked:
            self._distrust(why)

    def _distrust(self, why: str) -> None:
        """Give it nothing more until it has told anew who it is."""
        self._is_ready = False
        self._learn_at = self._shared.monotonic() + RETRY_S
        self._pool.away(self.server.name, why)

    def _part(self, why: str, has_ended: bool) -> None:
        self._is_linked = self._is_ready = False
        if not has_ended:
            self._ended_at = None
        elif self._ended_at is None:
            self._ended_at = self._shared.monotonic()
        if self._away_at is None:
            self._away_at = self._shared.monotonic()
        self._pool.away(self.server.name, why, self._moves_at())

    def _moves_at(self) -> float | None:
        if self._ended_at is None:
            return None
        gone_for = self._shared.monotonic() - self._ended_at
        return self._shared.clock() - gone_for + self._shared.grace.unbegun

    # Claiming and sending.

    def _claim(self) -> None:
        if not self._is_ready or self._is_leaving or self._stopping.is_set() or not self._has_room():
            return
        run = self._queue.claim(lambda run: self._pool.may_take(run, self.server.name))
        if run is None:
            return
        held = self._held[run.run_id] = _Held(run, next(self._tokens))
        self._pool.forget(run.run_id)
        self._tell_load()
        files = values.files(run.workflow)
        if files:
            self._sender.put(partial(self._upload, run, held.token))
        else:
            self._offer(held, run.workflow)

    def _has_room(self) -> bool:
        """One more may go in; one is sent after the other."""
        sent = all(held.phase in (_Phase.INSIDE, _Phase.COLLECTING) for held in self._held.values())
        return sent and self._inside() < INSIDE

    def _upload(self, run: Run, token: int) -> None:
        """On the sender's thread."""
        names = {}
        try:
            for file in values.files(run.workflow):
                with self._shared.media.upload_path(file.ref).open("rb") as content:
                    names[file] = self.server.upload(content, file.name)
            placed = values.place_uploads(run.workflow, names)
        except OSError:
            missing = StoreError("A file that this run needs is no longer kept. Choose it again.")
            self._inbox.put(inbox.NotSent(run.run_id, token, missing))
        except BridgeError as error:
            self._inbox.put(inbox.NotSent(run.run_id, token, error))
        else:
            self._inbox.put(inbox.Uploaded(run.run_id, token, placed))

    def _offer(self, held: _Held, workflow: Workflow) -> None:
        """Write down which server gets it before the request goes out: after a crash we know whom to ask."""
        held.phase = _Phase.WRITING
        self._publish(held, self._applied(held, RunOffered(held.run.prompt_id, self.server.name, workflow)))
        if held.run.run_id not in self._unsaved:
            held.phase = _Phase.SENDING
            self._sender.put(partial(self._submit, held))

    def _submit(self, held: _Held) -> None:
        """On the sender's thread; it only reads."""
        run, token = held.run, held.token
        try:
            if run.stopping:
                raise Lost("It was stopped before it was sent.", server=self.server.name)
            self._follower.submit(run, partial(self._tell, token))
        except BridgeError as error:
            self._inbox.put(inbox.NotSent(run.run_id, token, error))
        else:
            self._inbox.put(inbox.Sent(run.run_id, token))

    def _sending(self, item: inbox.Uploaded | inbox.Sent | inbox.NotSent) -> None:
        held = self._find(item.run_id, item.token)
        if held is None:
            return
        match item:
            case inbox.Uploaded(workflow=workflow):
                self._offer(held, workflow)
            case inbox.Sent():
                self._is_inside(held)
                if held.run.stopping:
                    self._clerk.put(partial(self._tell_to_stop, held.run.prompt_id))
            case inbox.NotSent(error=error):
                self._not_sent(held, error)

    def _is_inside(self, held: _Held) -> None:
        if held.phase is _Phase.SENDING:
            held.phase = _Phase.INSIDE
            self._pool.used(self.server.name, assign.models(held.run.workflow))
            self._tell_load()

    def _not_sent(self, held: _Held, error: BridgeError) -> None:
        problems = getattr(error, "problems", ())
        if held.run.stopping:
            self._end(held, self._applied(held, RunRemoved(held.run.prompt_id)))
        elif isinstance(error, Rejected) or not isinstance(error, ServerError) or self._was_tried(held.run):
            if self._shared.monotonic() >= self._learnt_at + LEARN_S:
                # What it does not list any more, forms should not offer, and no run be sent for.
                self._refresh(only_facts=False)
            self._end(held, self._applied(held, RunRefused(held.run.prompt_id, str(error), problems)))
        elif isinstance(error, Lost):
            # It may still be reading what we sent; when it has, it shall not begin.
            self._move(held, held.run, str(error))
        else:
            # Out of reach, or in trouble of its own: it is certain that it did not take the run.
            self._distrust(str(error))
            told = "" if isinstance(error, Unreachable) else str(error)
            self._give_back(held, RunReturned(held.run.prompt_id, reason=told))

    def _was_tried(self, run: Run) -> bool:
        return sum(entry.kind == LogKind.MOVED.value for entry in run.log) >= MOVES

    # Runs inside.

    def _follow(self, told: inbox.Told) -> None:
        held = self._find(told.run.run_id, told.token)
        if held is None:
            return
        before, run = held.run, self._dressed(held, told.run)
        self._is_inside(held)
        if isinstance(told.event, RunLost):
            self._lost(held, told)
        elif not told.over:
            self._publish(held, run)
        elif run.files:
            held.phase, held.ended = _Phase.COLLECTING, run
            # It is completed once its files are here; a failure need not wait for those it made.
            is_saving = run.state is RunState.COMPLETED
            self._publish(held, replace(before, server_done=True, outputs=run.outputs) if is_saving else run)
            self._tell_load()
            self._collector.put(run)
        else:
            self._end(held, run)

    def _lost(self, held: _Held, told: inbox.Told) -> None:
        assert isinstance(told.event, RunLost)
        before = held.run
        if before.stopping:
            self._end(held, self._applied(held, RunRemoved(before.prompt_id)))
        elif before.accepted_at is None or not told.event.may_have_begun:
            # It was only offered, or was waiting there: a server that knows nothing of it did not begin it.
            self._move(held, before, f"{self.server.name} no longer knew of it; it had not begun there.")
        else:
            self._end(held, self._dressed(held, told.run))

    def _dressed(self, held: _Held, run: Run) -> Run:
        """A run as its follower has it, with what is known here alone."""
        if held.run.stopping and not run.state.is_final:
            run = apply(run, StopAsked(run.prompt_id), self._shared.clock())
        missing = tuple(note for note in held.notes if note not in run.warnings)
        return replace(run, warnings=(*run.warnings, *missing)) if missing else run

    def _collected(self, kept: inbox.Kept) -> None:
        held = self._held.get(kept.run_id)
        if held is None or held.ended is None:
            return
        if kept.is_last:
            self._end(held, apply(self._dressed(held, held.ended), kept.event, self._shared.clock()))
        else:
            # What it waits for is no fact: whoever follows is told, and nothing is written down.
            self._shared.live.publish(self._applied(held, kept.event))

    def _add_note(self, run_id: str, sentence: str) -> None:
        held = self._held.get(run_id)
        if held is not None:
            held.notes = (*held.notes, sentence)
            self._publish(held, self._dressed(held, held.run))

    # Stopping.

    def _cancel(self, run_id: str) -> None:
        held = self._held.get(run_id)
        if held is None:
            return
        if held.phase is _Phase.COLLECTING:
            self._collector.give_up(run_id)
            return
        if held.phase in (_Phase.UPLOADING, _Phase.WRITING):
            # The server has heard nothing of it.
            self._end(held, self._applied(held, RunRemoved(held.run.prompt_id)))
            return
        # Written down before the server is asked, which may take long, or be the last thing we do.
        self._publish(held, self._applied(held, StopAsked(held.run.prompt_id)))
        self._clerk.put(partial(self._tell_to_stop, held.run.prompt_id))

    def _tell_to_stop(self, prompt_id: str) -> None:
        """On the clerk's thread."""
        with suppress(ServerError):  # the follower tells the server as soon as it can be reached
            self._follower.cancel(prompt_id)

    # A server that has ended, and one that leaves.

    def _release_at(self) -> float | None:
        """When the next of its runs is not waited for any more."""
        if self._ended_at is None or not self._held:
            return None
        now, grace = self._shared.monotonic(), self._shared.grace
        due = [self._ended_at + seconds for seconds in (grace.unbegun, grace.begun)]
        return next((at for at in due if at > now), None)

    def _abandon_at(self) -> float | None:
        if not self._is_leaving or self._away_at is None:
            return None
        due = self._away_at + self._shared.grace.unbegun
        return due if due > self._shared.monotonic() else None

    def _release(self, gone_for: float) -> None:
        """Let go of what the server cannot have any more, see the head of this file."""
        if gone_for < self._shared.grace.unbegun:
            return
        name = self.server.name
        for held in reversed(list(self._held.values())):  # each is put before those given back so far
            if held.phase is not _Phase.INSIDE:
                continue
            prompt_id = held.run.prompt_id
            if held.run.stopping:
                if self._follower.let_go(prompt_id) is not None:
                    self._disown(held.run)
                    self._end(held, self._applied(held, RunRemoved(prompt_id)))
            elif (run := self._follower.take_back(prompt_id)) is not None:
                self._move(held, self._dressed(held, run), f"{name} is gone; it had not begun there.")
            elif gone_for >= self._shared.grace.begun and self._follower.let_go(prompt_id) is not None:
                why = f"{name} ended while it had this run, and has not come back. Run it again."
                self._end(held, self._applied(held, RunLost(prompt_id, why)))

    def _give_up_at(self) -> float | None:
        if self._away_at is None or not any(held.run.stopping for held in self._held.values()):
            return None
        due = self._away_at + self._shared.grace.silent
        return due if due > self._shared.monotonic() else None

    def _give_up_stopped(self) -> None:
        """Whoever stopped a run need not wait for a machine that may be switched off: should it come back
        with the run, that is stopped there.
        """
        for held in list(self._held.values()):
            if held.phase is not _Phase.INSIDE or not held.run.stopping:
                continue
            if self._follower.let_go(held.run.prompt_id) is not None:
                self._disown(held.run)
                self._end(held, self._applied(held, RunRemoved(held.run.prompt_id)))

    def _abandon_ship(self) -> None:
        """It was removed while it is out of reach: nobody waits for it to come back."""
        name = self.server.name
        for held in reversed(list(self._held.values())):
            prompt_id = held.run.prompt_id
            if held.phase is _Phase.COLLECTING:
                self._collector.give_up(held.run.run_id)
            if held.phase is not _Phase.INSIDE:
                continue
            if not held.run.stopping and (run := self._follower.take_back(prompt_id)) is not None:
                self._move(held, self._dressed(held, run), f"{name} was removed; it had not begun there.")
            elif self._follower.let_go(prompt_id) is not None:
                why = f"{name} was removed while it could not be reached and had this run. Run it again."
                ending = RunRemoved(prompt_id) if held.run.stopping else RunLost(prompt_id, why)
                self._end(held, self._applied(held, ending))

    def _retire(self) -> None:
        """The last run is over: end, from the worker's own thread."""
        self._stopping.set()
        self._sender.stop()
        self._clerk.stop()
        self._follower.close(RETRY_S)
        self._collector.stop(RETRY_S)
        self._left(self.server.name)

    # Runs that go elsewhere.

    def _move(self, held: _Held, run: Run, why: str) -> None:
        """Give back a run that the server may still have, under a new prompt_id."""
        if self._was_tried(run):
            reason = f"It was given to a server {MOVES + 1} times, and none began it. {why}"
            self._end(held, apply(run, RunLost(run.prompt_id, reason), self._shared.clock()))
            return
        self._disown(run)
        held.run = run
        self._give_back(held, RunReturned(run.prompt_id, str(uuid.uuid4()), why))

    def _give_back(self, held: _Held, event: RunReturned) -> None:
        self._publish(held, self._applied(held, event))
        self._forget(held)
        self._is_saved(held.run.run_id)  # whoever claims it next writes it
        if not self._queue.give_back(held.run):
            # It was stopped just now, while it was on its way back.
            self._publish(held, self._applied(held, RunRemoved(held.run.prompt_id)))

    def _disown(self, run: Run) -> None:
        self._abandoned[run.prompt_id] = run.run_id
        self._follower.disown(run.prompt_id)
        abandoned = Abandoned(run.prompt_id, run.run_id)
        self._note_down(lambda kept: kept.abandon(self.server.name, abandoned))

    def _take_up_abandoned(self, adopted: set[str]) -> None:
        """Those of before; one that is adopted was abandoned and not yet moved when the program ended."""
        kept = self._shared.servers.abandoned(self.server.name) if self._shared.servers else ()
        for one in kept:
            if one.prompt_id not in adopted:
                self._abandoned[one.prompt_id] = one.run_id
                self._follower.disown(one.prompt_id)

    def _found(self, prompt_id: str, is_running: bool) -> None:
        """A prompt began here although its run was given to others: it was not gone after all."""
        run_id = self._settle(prompt_id)
        waiting = self._queue.remove(run_id)
        if waiting is not None:
            self._take_up(replace(waiting, prompt_id=prompt_id))
            return
        if is_running:
            self._clerk.put(partial(self._cancel_disowned, prompt_id))
        what = "It was stopped there" if is_running else "What it made there was left out"
        name = self.server.name
        self._doubled(run_id, f"{name} had this run too, from before it could not be reached. {what}.")

    def _settle(self, prompt_id: str) -> str:
        """Nothing more is to be done about an abandoned prompt; the run_id it was of."""
        self._note_down(lambda kept: kept.settled(prompt_id))
        return self._abandoned.pop(prompt_id, "")

    def _take_up(self, run: Run) -> None:
        """Its run still waits with us: nothing is done twice if it is done here."""
        held = self._held[run.run_id] = _Held(run, next(self._tokens), _Phase.INSIDE)
        for event in (
            RunOffered(run.prompt_id, self.server.name, run.workflow),
            RunAccepted(run.prompt_id, self.server.name),
        ):
            self._publish(held, self._applied(held, event))
        self._follower.adopt(held.run, partial(self._tell, held.token))
        self._tell_load()

    def _cancel_disowned(self, prompt_id: str) -> None:
        """On the clerk's thread. It is ours by its id; that of another is never touched."""
        with suppress(ServerError):
            self.server.cancel(prompt_id)

    # The books.

    def _find(self, run_id: str, token: int) -> _Held | None:
        held = self._held.get(run_id)
        return held if held is not None and held.token == token else None

    def _applied(self, held: _Held, event: Event) -> Run:
        return apply(held.run, event, self._shared.clock())

    def _end(self, held: _Held, run: Run) -> None:
        self._publish(held, run)
        self._forget(held)
        self._queue.forget(run.run_id)

    def _publish(self, held: _Held, run: Run) -> None:
        """Save a run if a fact changed, and show it to whoever follows."""
        before, held.run = held.run, run
        if _facts(run) != _facts(before):
            self._save(run)
        elif run.run_id in self._unsaved:
            self._unsaved[run.run_id] = run
        self._shared.live.publish(run)
        if before.server_done != run.server_done:
            self._tell_load()

    def _save(self, run: Run) -> None:
        try:
            self._shared.runs.update(run)
        except StoreError as error:
            self._shared.unwritten.failed(run.run_id, str(error))
            self._unsaved[run.run_id] = run
            self._save_at = self._shared.monotonic() + RETRY_S
        else:
            self._is_saved(run.run_id)

    def _is_saved(self, run_id: str) -> None:
        """Nothing of it is left to be written here."""
        if self._unsaved.pop(run_id, None) is not None:
            self._shared.unwritten.written(run_id)

    def _note_down(self, note: Callable[[ServerStore], None]) -> None:
        """Keep what only a start anew would miss."""
        if self._shared.servers is not None:
            try:
                note(self._shared.servers)
            except StoreError as error:
                log.error("What %s has could not be written: %s", self.server.name, error)

    def _save_again(self) -> None:
        for run in tuple(self._unsaved.values()):
            self._save(run)
            if run.run_id in self._unsaved:
                return
            held = self._held.get(run.run_id)
            if held is not None and held.phase is _Phase.WRITING:
                held.phase = _Phase.SENDING
                self._sender.put(partial(self._submit, held))

    def _forget(self, held: _Held) -> None:
        self._held.pop(held.run.run_id, None)
        self._tell_load()

    def _inside(self) -> int:
        """How many runs of ours the server still has to do."""
        return sum(not h.run.server_done and not h.run.state.is_final for h in self._held.values())

    def _tell_load(self) -> None:
        self._pool.holds(self.server.name, self._inside(), self._has_room())
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
