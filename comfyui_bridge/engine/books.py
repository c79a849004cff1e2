"""A worker's books: the runs of ours that its server has, each as it was last published.

They belong to the worker's thread alone, which is the single writer of these runs. A fact is written down,
then shown; what could not be written, as on a full disk, is tried again every second and shown meanwhile.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.core.events import Event, RunRemoved, RunReturned, StopAsked
from comfyui_bridge.core.run import Run, apply
from comfyui_bridge.engine.workplace import Workplace

INSIDE = 2
"""How many runs of ours may be inside a server: the running one, and one waiting behind it."""
RETRY_S = 1.0
"""Between tries to write a row."""


class Phase(Enum):
    UPLOADING = auto()
    WRITING = auto()
    """The row that names this server could not be written so far; nothing is sent before it is."""
    SENDING = auto()
    INSIDE = auto()
    COLLECTING = auto()
    """The server is done with it; its files are being fetched."""


@dataclass
class Held:
    """A run that was claimed. `token` is of this claim: what is told of an earlier one is no news."""

    run: Run
    token: int
    phase: Phase = Phase.UPLOADING
    ended: Run | None = None
    """The run as it ended, while its files are being fetched."""
    notes: tuple[str, ...] = ()
    """Warnings that came from elsewhere than its server."""


class Books:
    def __init__(self, server: str, place: Workplace) -> None:
        self._server = server
        self._place = place
        self._tokens = itertools.count(1)
        self._held: dict[str, Held] = {}  # by run_id
        self._unsaved: dict[str, Run] = {}
        """Runs whose last facts could not be written; some may have left the books."""
        self._save_at = 0.0

    # What the server has.

    def hold(self, run: Run, phase: Phase = Phase.UPLOADING, ended: Run | None = None) -> Held:
        """Enter a run. Say `tell_load` once all are entered."""
        held = self._held[run.run_id] = Held(run, next(self._tokens), phase, ended)
        return held

    def get(self, run_id: str) -> Held | None:
        return self._held.get(run_id)

    def claimed(self, run_id: str, token: int) -> Held | None:
        """A run, if it is still held by this claim."""
        held = self._held.get(run_id)
        return held if held is not None and held.token == token else None

    def held(self) -> tuple[Held, ...]:
        """In the order in which they came."""
        return tuple(self._held.values())

    def inside(self) -> Iterator[Held]:
        """Those that the server has and is not done with, the newest first."""
        return (held for held in reversed(self.held()) if held.phase is Phase.INSIDE)

    def has_room(self) -> bool:
        """One more may go in; one is sent after the other."""
        sent = all(held.phase in (Phase.INSIDE, Phase.COLLECTING) for held in self._held.values())
        return sent and self._to_do() < INSIDE

    def tell_load(self) -> None:
        self._place.pool.holds(self._server, self._to_do(), self.has_room())
        self._place.queue.tell_places()

    # What happens to a run.

    def applied(self, held: Held, event: Event) -> Run:
        return apply(held.run, event, self._place.clock())

    def dressed(self, held: Held, run: Run) -> Run:
        """A run as its follower has it, with what is known here alone."""
        if held.run.stopping and not run.state.is_final:
            run = apply(run, StopAsked(run.prompt_id), self._place.clock())
        missing = tuple(note for note in held.notes if note not in run.warnings)
        return replace(run, warnings=(*run.warnings, *missing)) if missing else run

    def enter(self, held: Held, event: Event) -> None:
        """Something happened to a run: publish what it is now."""
        self.publish(held, self.applied(held, event))

    def publish(self, held: Held, run: Run) -> None:
        """Save a run if a fact changed, and show it to whoever follows."""
        before, held.run = held.run, run
        if _facts(run) != _facts(before):
            self._save(run)
        elif run.run_id in self._unsaved:
            self._unsaved[run.run_id] = run
        self._place.live.publish(run)
        if before.server_done != run.server_done:
            self.tell_load()

    # How a run leaves.

    def end(self, held: Held, run: Run) -> None:
        """This run is over."""
        self.publish(held, run)
        self._forget(held)
        self._place.queue.forget(run.run_id)

    def end_by(self, held: Held, event: Event) -> None:
        self.end(held, self.applied(held, event))

    def give_back(self, held: Held, event: RunReturned) -> None:
        """This run goes back to the queue."""
        self.enter(held, event)
        self._forget(held)
        self._is_saved(held.run.run_id)  # whoever claims it next writes it
        if not self._place.queue.give_back(held.run):
            # It was stopped just now, while it was on its way back.
            self.enter(held, RunRemoved(held.run.prompt_id))

    # What is written down.

    def is_written(self, held: Held) -> bool:
        return held.run.run_id not in self._unsaved

    def save_at(self) -> float | None:
        """When to try again what could not be written."""
        return self._save_at if self._unsaved else None

    def save_again(self) -> Iterator[Held]:
        """Try it again, up to the first that fails; the runs that are held here and written now."""
        for run in tuple(self._unsaved.values()):
            self._save(run)
            if run.run_id in self._unsaved:
                return
            if (held := self._held.get(run.run_id)) is not None:
                yield held

    def _save(self, run: Run) -> None:
        try:
            self._place.runs.update(run)
        except StoreError as error:
            self._place.unwritten.failed(run.run_id, str(error))
            self._unsaved[run.run_id] = run
            self._save_at = self._place.monotonic() + RETRY_S
        else:
            self._is_saved(run.run_id)

    def _is_saved(self, run_id: str) -> None:
        """Nothing of it is left to be written here."""
        if self._unsaved.pop(run_id, None) is not None:
            self._place.unwritten.written(run_id)

    def _forget(self, held: Held) -> None:
        self._held.pop(held.run.run_id, None)
        self.tell_load()

    def _to_do(self) -> int:
        """How many runs of ours the server still has to do."""
        return sum(not h.run.server_done and not h.run.state.is_final for h in self._held.values())


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
