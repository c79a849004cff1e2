"""One server's worker: claims runs, and keeps the books while they are uploaded, sent and followed.

The *worker* thread is the single writer of this server's runs, and never waits for the server: whatever
may take long is done by others, who tell its inbox. The *sender* uploads and submits, the *clerk* asks
and cancels, the *follower* hears what happens and the *collector* fetches what was made. So a stop is
answered at once even where the server hangs.

A run's way through this file: `_claim`, `_upload`, `_offer`, `_submit`, `_follow`, `_collected`.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

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
from comfyui_bridge.core.run import Run, RunState, apply
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine import inbox
from comfyui_bridge.engine.books import Books, Held, Phase
from comfyui_bridge.engine.collector import Collector
from comfyui_bridge.engine.errands import Errands
from comfyui_bridge.engine.follow import Follower
from comfyui_bridge.engine.moving import Moving, was_tried
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.engine.standing import Standing
from comfyui_bridge.engine.workplace import Workplace

log = logging.getLogger(__name__)

RETIRE_S = 1.0
"""For the follower and the collector of a server that leaves, to end."""


class Worker:
    """Drives one server until `stop`, or until it was told to leave and its last run is over."""

    def __init__(
        self,
        server: Server,
        place: Workplace,
        *,
        left: Callable[[str], None],
        doubled: Callable[[str, str], None],
    ) -> None:
        """`left(name)` is called when it has left; `doubled(run_id, sentence)` for a run that began twice."""
        self.server = server
        self._place = place
        self._left = left
        self._inbox: queue.SimpleQueue[inbox.Item] = queue.SimpleQueue()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._follower = Follower(
            server, timing=place.timing, watch=self, clock=place.clock, monotonic=place.monotonic
        )
        self._sender = Errands(f"sender {server.name}")
        self._clerk = Errands(f"clerk {server.name}")
        self._collector = Collector(server, place.media, self._kept)
        self._thread = threading.Thread(target=self._work, name=f"worker {server.name}", daemon=True)
        # Everything below belongs to the worker thread alone.
        self._books = Books(server.name, place)
        self._standing = Standing(server, place, self._clerk, self._inbox.put)
        self._moving = Moving(
            server,
            place,
            self._books,
            self._standing,
            follower=self._follower,
            clerk=self._clerk,
            collector=self._collector,
            doubled=doubled,
        )
        self._is_leaving = False

    # What others may call, from any thread.

    def start(self, adopted: tuple[Run, ...] = (), unfetched: tuple[Run, ...] = ()) -> None:
        """Begin, with runs that were inside this server when the program last ended, and such that had
        failed and whose files were not yet fetched.
        """
        for run in adopted:
            self._adopt(self._books.hold(run, Phase.INSIDE))
        for run in unfetched:
            self._books.hold(run, Phase.COLLECTING, ended=run)
            self._collector.put(run)
        self._moving.take_up({run.prompt_id for run in adopted})
        self._books.tell_load()
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
        deadline = self._place.monotonic() + timeout

        def left() -> float:
            return max(0.0, deadline - self._place.monotonic())

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
        self._place.pool.queue_changed(self.server.name, remaining)

    def queue_seen(self, remaining: int, others: int) -> None:
        self._place.pool.queue_seen(self.server.name, remaining, others)
        self._place.queue.tell_places()

    def found(self, prompt_id: str, is_running: bool) -> None:
        self._inbox.put(inbox.Found(prompt_id, is_running))

    def vanished(self, prompt_id: str) -> None:
        self._inbox.put(inbox.Vanished(prompt_id))

    def _tell(self, token: int, run: Run, event: Event, over: bool) -> None:
        if isinstance(event, PreviewReady):
            self._place.live.show(run.run_id, event.image, event.media_type)
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
                if self._is_leaving and not self._books.held():
                    self._retire()
            except Exception:
                # The outermost loop of this thread: whatever it was, the other runs must go on.
                log.exception("The worker of %s stumbled, and goes on.", self.server.name)

    def _next(self) -> inbox.Item:
        """The next thing to do, or to wake up for."""
        moments = (self._standing.learn_at(), self._books.save_at(), self._moving.due(self._is_leaving))
        due = [at for at in moments if at is not None]
        try:
            return self._inbox.get(timeout=max(0.0, min(due) - self._place.monotonic()) if due else None)
        except queue.Empty:
            return inbox.Wake()

    def _tend(self) -> None:
        """Do what has become due."""
        if self._is_due(self._standing.learn_at()):
            self._standing.learn()
        if self._is_due(self._books.save_at()):
            self._save_again()
        self._moving.tend(self._is_leaving)

    def _is_due(self, at: float | None) -> bool:
        return at is not None and self._place.monotonic() >= at

    def _take(self, item: inbox.Item) -> None:
        match item:
            case inbox.Uploaded() | inbox.Sent() | inbox.NotSent():
                self._sending(item)
            case inbox.Told():
                self._follow(item)
            case inbox.Kept():
                self._collected(item)
            case inbox.Stop(run_id):
                self._cancel(run_id)
            case inbox.Note(run_id, sentence):
                self._add_note(run_id, sentence)
            case inbox.Linked():
                self._standing.linked()
            case inbox.Learnt(facts, definitions):
                self._standing.learnt(facts, definitions)
            case inbox.NotLearnt(why):
                self._standing.not_learnt(why)
            case inbox.Parted(why, has_ended):
                self._standing.parted(why, has_ended)
            case inbox.Refresh(only_facts):
                self._standing.refresh(only_facts)
            case inbox.Found(prompt_id, is_running):
                if (run := self._moving.found(prompt_id, is_running)) is not None:
                    self._take_up(replace(run, prompt_id=prompt_id))
            case inbox.Vanished(prompt_id):
                self._moving.settle(prompt_id)
            case inbox.Leave():
                self._is_leaving = True
            case inbox.Wake():
                self._woken.clear()

    def _retire(self) -> None:
        """The last run is over: end, from the worker's own thread."""
        self._stopping.set()
        self._sender.stop()
        self._clerk.stop()
        self._follower.close(RETIRE_S)
        self._collector.stop(RETIRE_S)
        self._left(self.server.name)

    # A run comes, and is sent.

    def _claim(self) -> None:
        may_claim = self._standing.is_ready and not self._is_leaving and not self._stopping.is_set()
        if not may_claim or not self._books.has_room():
            return
        run = self._place.queue.claim(lambda run: self._place.pool.may_take(run, self.server.name))
        if run is None:
            return
        held = self._books.hold(run)
        self._place.pool.forget(run.run_id)
        self._books.tell_load()
        if values.files(run.workflow):
            self._sender.put(partial(self._upload, run, held.token))
        else:
            self._offer(held, run.workflow)

    def _upload(self, run: Run, token: int) -> None:
        """On the sender's thread."""
        names = {}
        try:
            for file in values.files(run.workflow):
                with self._place.media.upload_path(file.ref).open("rb") as content:
                    names[file] = self.server.upload(content, file.name)
            placed = values.place_uploads(run.workflow, names)
        except OSError:
            missing = StoreError("A file that this run needs is no longer kept. Choose it again.")
            self._inbox.put(inbox.NotSent(run.run_id, token, missing))
        except BridgeError as error:
            self._inbox.put(inbox.NotSent(run.run_id, token, error))
        else:
            self._inbox.put(inbox.Uploaded(run.run_id, token, placed))

    def _offer(self, held: Held, workflow: Workflow) -> None:
        """Write down which server gets it before the request goes out: after a crash we know whom to ask."""
        held.phase = Phase.WRITING
        self._books.enter(held, RunOffered(held.run.prompt_id, self.server.name, workflow))
        if self._books.is_written(held):
            self._send(held)

    def _save_again(self) -> None:
        for held in self._books.save_again():
            if held.phase is Phase.WRITING:
                self._send(held)

    def _send(self, held: Held) -> None:
        held.phase = Phase.SENDING
        self._sender.put(partial(self._submit, held))

    def _submit(self, held: Held) -> None:
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
        held = self._books.claimed(item.run_id, item.token)
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

    def _not_sent(self, held: Held, error: BridgeError) -> None:
        prompt_id = held.run.prompt_id
        if held.run.stopping:
            self._books.end_by(held, RunRemoved(prompt_id))
        elif isinstance(error, Rejected) or not isinstance(error, ServerError) or was_tried(held.run):
            self._standing.doubt()
            problems = getattr(error, "problems", ())
            self._books.end_by(held, RunRefused(prompt_id, str(error), problems))
        elif isinstance(error, Lost):
            # It may still be reading what we sent; when it has, it shall not begin.
            self._moving.move(held, held.run, str(error))
        else:
            # Out of reach, or in trouble of its own: it is certain that it did not take the run.
            self._standing.distrust(str(error))
            told = "" if isinstance(error, Unreachable) else str(error)
            self._books.give_back(held, RunReturned(prompt_id, reason=told))

    # A run is inside, and comes to its end.

    def _is_inside(self, held: Held) -> None:
        if held.phase is Phase.SENDING:
            held.phase = Phase.INSIDE
            self._place.pool.used(self.server.name, assign.models(held.run.workflow))
            self._books.tell_load()

    def _follow(self, told: inbox.Told) -> None:
        held = self._books.claimed(told.run.run_id, told.token)
        if held is None:
            return
        run = self._books.dressed(held, told.run)
        self._is_inside(held)
        if isinstance(told.event, RunLost):
            self._lost(held, run, may_have_begun=told.event.may_have_begun)
        elif not told.over:
            self._books.publish(held, run)
        elif run.files:
            self._collect(held, run)
        else:
            self._books.end(held, run)

    def _collect(self, held: Held, ended: Run) -> None:
        held.phase, held.ended = Phase.COLLECTING, ended
        # It is completed once its files are here; a failure need not wait for those it made.
        is_saving = ended.state is RunState.COMPLETED
        saving = replace(held.run, server_done=True, outputs=ended.outputs)
        self._books.publish(held, saving if is_saving else ended)
        self._books.tell_load()
        self._collector.put(ended)

    def _collected(self, kept: inbox.Kept) -> None:
        held = self._books.get(kept.run_id)
        if held is None or held.ended is None:
            return
        if kept.is_last:
            ended = self._books.dressed(held, held.ended)
            self._books.end(held, apply(ended, kept.event, self._place.clock()))
        else:
            # What it waits for is no fact: whoever follows is told, and nothing is written down.
            self._place.live.publish(self._books.applied(held, kept.event))

    def _lost(self, held: Held, run: Run, *, may_have_begun: bool) -> None:
        if held.run.stopping:
            self._books.end_by(held, RunRemoved(held.run.prompt_id))
        elif not may_have_begun:
            why = f"{self.server.name} no longer knew of it; it had not begun there."
            self._moving.move(held, held.run, why)
        else:
            self._books.end(held, run)

    def _add_note(self, run_id: str, sentence: str) -> None:
        held = self._books.get(run_id)
        if held is not None:
            held.notes = (*held.notes, sentence)
            self._books.publish(held, self._books.dressed(held, held.run))

    # A run of before.

    def _take_up(self, run: Run) -> None:
        """This server had begun a run that was given back and still waits with us: it goes on here."""
        held = self._books.hold(run, Phase.INSIDE)
        self._books.enter(held, RunOffered(run.prompt_id, self.server.name, run.workflow))
        self._books.enter(held, RunAccepted(run.prompt_id, self.server.name))
        self._adopt(held)
        self._books.tell_load()

    def _adopt(self, held: Held) -> None:
        self._follower.adopt(held.run, partial(self._tell, held.token))

    # A run is stopped.

    def _cancel(self, run_id: str) -> None:
        held = self._books.get(run_id)
        if held is None:
            return
        prompt_id = held.run.prompt_id
        match held.phase:
            case Phase.COLLECTING:
                self._collector.give_up(run_id)
            case Phase.UPLOADING | Phase.WRITING:
                # The server has heard nothing of it.
                self._books.end_by(held, RunRemoved(prompt_id))
            case Phase.SENDING | Phase.INSIDE:
                # Written down before the server is asked, which may take long, or be the last thing we do.
                self._books.enter(held, StopAsked(prompt_id))
                self._clerk.put(partial(self._tell_to_stop, prompt_id))

    def _tell_to_stop(self, prompt_id: str) -> None:
        """On the clerk's thread."""
        with suppress(ServerError):  # the follower tells the server as soon as it can be reached
            self._follower.cancel(prompt_id)
