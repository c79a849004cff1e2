"""What becomes of the runs of a server that died, is silent, or was removed while it was out of reach.

A run that had not begun moves to another server, on these terms. A server that only hangs, or cannot be
reached, may go on with what it has: its runs stay, but for those that somebody stops and gives up with
that. Where nothing listens at its address any more, its process has ended and its queue with it; after a
while of that, runs in it that had not begun (we should have heard) are given back. So are those that a
server which answers no longer knows. One that may have begun is never moved: it is lost, and may be what
the server died of. Should the process live all the same, behind a tunnel that broke: a moved run has a
new prompt_id, and its old one is taken out of the queue there as soon as the server is back. Had that one
begun meanwhile, it is taken up again if its run still waits with us, and otherwise stopped, left out and
told. The worker's thread alone calls this.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from comfyui_bridge.core.errors import ServerError, StoreError
from comfyui_bridge.core.events import RunLost, RunRemoved, RunReturned
from comfyui_bridge.core.run import Run, apply
from comfyui_bridge.core.run_log import LogKind
from comfyui_bridge.engine.books import Books, Held, Phase
from comfyui_bridge.engine.collector import Collector
from comfyui_bridge.engine.errands import Errands
from comfyui_bridge.engine.follow import Follower
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.engine.standing import Standing
from comfyui_bridge.engine.workplace import Workplace
from comfyui_bridge.store.servers import Abandoned, ServerStore

log = logging.getLogger(__name__)

MOVES = 5
"""A run that so many servers gave back, although they could be reached, is no server's to try again."""


def was_tried(run: Run) -> bool:
    return sum(entry.kind == LogKind.MOVED.value for entry in run.log) >= MOVES


class Moving:
    def __init__(
        self,
        server: Server,
        place: Workplace,
        books: Books,
        standing: Standing,
        *,
        follower: Follower,
        clerk: Errands,
        collector: Collector,
        doubled: Callable[[str, str], None],
    ) -> None:
        """`doubled(run_id, sentence)` is called for a run that began twice."""
        self._server = server
        self._place = place
        self._books = books
        self._standing = standing
        self._follower = follower
        self._clerk = clerk
        self._collector = collector
        self._doubled = doubled
        self._abandoned: dict[str, str] = {}
        """Prompts that this server must not begin, and the runs they were of."""

    def take_up(self, adopted: set[str]) -> None:
        """What was abandoned in an earlier life of this program; a prompt that is adopted was not yet moved
        when that ended.
        """
        kept = self._place.servers.abandoned(self._server.name) if self._place.servers else ()
        for one in kept:
            if one.prompt_id not in adopted:
                self._abandoned[one.prompt_id] = one.run_id
                self._follower.disown(one.prompt_id)

    # Runs that are not waited for any more.

    def due(self, is_leaving: bool) -> float | None:
        """When to `tend` next; what has become due is done with."""
        ended_at, away_at, grace = self._standing.ended_at, self._standing.away_at, self._place.grace
        held, moments = self._books.held(), []
        if ended_at is not None and held:
            moments += [ended_at + grace.unbegun, ended_at + grace.begun]
        if away_at is not None and is_leaving:
            moments.append(away_at + grace.unbegun)
        if away_at is not None and any(one.run.stopping for one in held):
            moments.append(away_at + grace.silent)
        now = self._place.monotonic()
        return min((at for at in moments if at > now), default=None)

    def tend(self, is_leaving: bool) -> None:
        """Let go of runs whose time is over; `is_leaving` if the server was removed."""
        ended_at, away_at, grace = self._standing.ended_at, self._standing.away_at, self._place.grace
        if self._is_over(ended_at, grace.unbegun):
            self._release(begun_too=self._is_over(ended_at, grace.begun))
        if is_leaving and self._is_over(away_at, grace.unbegun):
            self._abandon_ship()
        if self._is_over(away_at, grace.silent):
            self._give_up_stopped()

    def _is_over(self, since: float | None, seconds: float) -> bool:
        return since is not None and self._place.monotonic() >= since + seconds

    def _release(self, *, begun_too: bool) -> None:
        """Its process has ended: let go of what it cannot have any more."""
        name = self._server.name
        for held in self._books.inside():  # each is put before those given back so far
            prompt_id = held.run.prompt_id
            if held.run.stopping:
                self._give_up(held)
            elif (run := self._follower.take_back(prompt_id)) is not None:
                self.move(held, self._books.dressed(held, run), f"{name} is gone; it had not begun there.")
            elif begun_too and self._follower.let_go(prompt_id) is not None:
                why = f"{name} ended while it had this run, and has not come back. Run it again."
                self._books.end_by(held, RunLost(prompt_id, why))

    def _give_up_stopped(self) -> None:
        """Whoever stopped a run need not wait for a machine that may be switched off."""
        for held in self._books.inside():
            if held.run.stopping:
                self._give_up(held)

    def _give_up(self, held: Held) -> None:
        """End a run that somebody stopped: should the server come back with it, it is stopped there."""
        if self._follower.let_go(held.run.prompt_id) is not None:
            self._disown(held.run)
            self._books.end_by(held, RunRemoved(held.run.prompt_id))

    def _abandon_ship(self) -> None:
        """It was removed while it is out of reach: nobody waits for it to come back."""
        name = self._server.name
        for held in self._books.inside():
            prompt_id = held.run.prompt_id
            if not held.run.stopping and (run := self._follower.take_back(prompt_id)) is not None:
                why = f"{name} was removed; it had not begun there."
                self.move(held, self._books.dressed(held, run), why)
            elif self._follower.let_go(prompt_id) is not None:
                why = f"{name} was removed while it could not be reached and had this run. Run it again."
                ending = RunRemoved(prompt_id) if held.run.stopping else RunLost(prompt_id, why)
                self._books.end_by(held, ending)
        for held in self._books.held():
            if held.phase is Phase.COLLECTING:
                self._collector.give_up(held.run.run_id)

    # Runs that go elsewhere, and what they leave behind.

    def move(self, held: Held, run: Run, why: str) -> None:
        """Give back a run that the server may still have, under a new prompt_id."""
        if was_tried(run):
            reason = f"It was given to a server {MOVES + 1} times, and none began it. {why}"
            self._books.end(held, apply(run, RunLost(run.prompt_id, reason), self._place.clock()))
            return
        self._disown(run)
        held.run = run
        self._books.give_back(held, RunReturned(run.prompt_id, str(uuid.uuid4()), why))

    def found(self, prompt_id: str, is_running: bool) -> Run | None:
        """A prompt began here although its run was given to others: the server was not gone after all.

        The run, if it still waits with us: nothing is done twice if it is done here.
        """
        run_id = self.settle(prompt_id)
        waiting = self._place.queue.remove(run_id)
        if waiting is not None:
            return waiting
        if is_running:
            self._clerk.put(partial(self._cancel, prompt_id))
        what = "It was stopped there" if is_running else "What it made there was left out"
        name = self._server.name
        self._doubled(run_id, f"{name} had this run too, from before it could not be reached. {what}.")
        return None

    def settle(self, prompt_id: str) -> str:
        """Nothing more is to be done about an abandoned prompt; the run_id it was of."""
        self._note_down(lambda kept: kept.settled(prompt_id))
        return self._abandoned.pop(prompt_id, "")

    def _disown(self, run: Run) -> None:
        self._abandoned[run.prompt_id] = run.run_id
        self._follower.disown(run.prompt_id)
        abandoned = Abandoned(run.prompt_id, run.run_id)
        self._note_down(lambda kept: kept.abandon(self._server.name, abandoned))

    def _cancel(self, prompt_id: str) -> None:
        """On the clerk's thread. It is ours by its id; that of another is never touched."""
        with suppress(ServerError):
            self._server.cancel(prompt_id)

    def _note_down(self, note: Callable[[ServerStore], None]) -> None:
        """Keep what only a start anew would miss."""
        if self._place.servers is not None:
            try:
                note(self._place.servers)
            except StoreError as error:
                log.error("What %s has could not be written: %s", self._server.name, error)
