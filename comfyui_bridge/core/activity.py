"""What servers did in the last hours: runs that ended, by server and slot of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from comfyui_bridge.core.run import RunState

_SLOTS = 24


@dataclass(frozen=True)
class Ended:
    """When a run began to wait, began, and ended. Times are epoch seconds."""

    server: str
    state: RunState
    created_at: float
    started_at: float | None
    ended_at: float


@dataclass(frozen=True)
class Activity:
    """The runs that ended on one server in one slot of time; None where there were none to tell."""

    server: str
    at: float
    """The epoch second the slot begins; it ends `length` seconds later."""
    length: float
    done: int = 0
    failed: int = 0
    waiting: float | None = None
    """The median of the seconds from asking for a run to its start."""
    running: float | None = None
    """The median of the seconds from its start to its end."""


def slots(ended: Iterable[Ended], now: float, hours: float) -> tuple[Activity, ...]:
    """Every slot of the last hours, of each server that ended a run in them; in order of name and time."""
    length = hours * 3600 / _SLOTS
    # Slots begin at whole multiples of their length, so that what one told it tells a minute later too.
    last = int(now // length)
    first = last - _SLOTS + 1
    found: dict[str, dict[int, list[Ended]]] = {}
    for one in ended:
        slot = int(one.ended_at // length)
        if one.server and first <= slot <= last:
            found.setdefault(one.server, {}).setdefault(slot, []).append(one)
    return tuple(
        _activity(server, slot * length, length, by_slot.get(slot, []))
        for server, by_slot in sorted(found.items())
        for slot in range(first, last + 1)
    )


def _activity(server: str, at: float, length: float, ended: list[Ended]) -> Activity:
    begun = [one for one in ended if one.started_at is not None and one.state is not RunState.CANCELLED]
    waiting = [max(0.0, one.started_at - one.created_at) for one in begun if one.started_at is not None]
    running = [max(0.0, one.ended_at - one.started_at) for one in begun if one.started_at is not None]
    return Activity(
        server,
        at,
        length,
        done=sum(one.state is RunState.COMPLETED for one in ended),
        failed=sum(one.state is RunState.FAILED for one in ended),
        waiting=median(waiting) if waiting else None,
        running=median(running) if running else None,
    )
