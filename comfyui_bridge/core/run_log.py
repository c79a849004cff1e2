"""A run's log: what a person wants to know of it afterwards, in a few lines.

An entry says what happened by its `kind`; `text` is what no other field tells, and is put into words
where it is shown. The log stays short whatever a workflow does: what is left out is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

LONGEST = 200
"""Entries."""
_HEAD = 60
"""So many of the first are kept when something must go; the rest are the last ones."""
_LONGEST_TEXT = 2_000


class LogKind(str, Enum):
    """What an entry tells, and what its text is."""

    SENT = "sent"
    """Taken by a server: its name."""
    STARTED = "started"
    CACHED = "cached"
    """Nodes whose results the server still had: their names."""
    NODE = "node"
    """A node is done: its name. A node that works several times has one entry, with all its seconds."""
    WARNING = "warning"
    """The sentence."""
    MOVED = "moved"
    """It waits for a server again: the name of the one it was sent to."""
    STOP_ASKED = "stop_asked"
    STOPPED = "stopped"
    """The name of the node at work. It was stopped from elsewhere if nobody here asked for it."""
    ERROR = "error"
    """The sentence."""
    DONE = "done"
    REMOVED = "removed"
    """Its kept files went: "space" for the limit of all files, "age" for that of their age."""
    CUT = "cut"
    """So many entries were left out here: their number."""


@dataclass(frozen=True)
class LogEntry:
    """One line of a run's log. Times are epoch seconds."""

    at: float
    kind: str
    """A LogKind's value; another version of this program may know more of them."""
    node_id: str = ""
    text: str = ""
    seconds: float | None = None
    """How long it took, where that is known."""


Log = tuple[LogEntry, ...]


def appended(
    log: Log, at: float, kind: LogKind, text: str = "", *, node_id: str = "", seconds: float | None = None
) -> Log:
    """The log with one more entry; with what is too much cut out of its middle."""
    if len(text) > _LONGEST_TEXT:
        text = f"{text[: _LONGEST_TEXT - 1]}…"
    log = (*log, LogEntry(at, kind.value, node_id, text, seconds))
    return _cut(log) if len(log) > LONGEST else log


def with_node(log: Log, at: float, node_id: str, name: str, seconds: float | None) -> Log:
    """The log with this node done; its time is added to what it took before."""
    for index, entry in enumerate(log):
        if entry.kind == LogKind.NODE.value and entry.node_id == node_id:
            total = (entry.seconds or 0.0) + (seconds or 0.0)
            again = replace(entry, seconds=entry.seconds if seconds is None else total)
            return (*log[:index], again, *log[index + 1 :])
    return appended(log, at, LogKind.NODE, name, node_id=node_id, seconds=seconds)


def of_kind(log: Sequence[LogEntry], kind: LogKind) -> tuple[LogEntry, ...]:
    return tuple(entry for entry in log if entry.kind == kind.value)


def _cut(log: Log) -> Log:
    head, gone, tail = log[:_HEAD], log[_HEAD], log[_HEAD + 1 :]
    if gone.kind != LogKind.CUT.value:
        # The gap itself takes a line, so that two go.
        return (*head, LogEntry(gone.at, LogKind.CUT.value, text="2"), *tail[1:])
    count = int(gone.text) + 1
    return (*head, replace(gone, text=str(count)), *tail[1:])
