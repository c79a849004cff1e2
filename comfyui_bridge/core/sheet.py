"""The sheet of an experiment as it is written to a file: what stands where, and what each cell came to.

Whoever makes one has looked up runs and files already, and says values in the words of a form. What is
made of it, a picture, a page or a table, follows from this alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from comfyui_bridge.core.files import file_of, marked

COMPLETED, FAILED, CANCELLED, SKIPPED = "completed", "failed", "cancelled", "skipped"
WAITING, RUNNING, GONE = "pending", "in_progress", "gone"
KEPT, REJECTED = "kept", "rejected"


@dataclass(frozen=True)
class SheetWords:
    """What a sheet says of itself; whoever reads another language hands in other ones."""

    lang: str = "en"
    failed: str = "Failed"
    cancelled: str = "Cancelled"
    waiting: str = "Not made yet"
    running: str = "Being made"
    skipped: str = "Left out"
    gone: str = "Its result was deleted"
    nothing: str = "No picture"
    broken: str = "This picture cannot be shown."
    kept: str = "Kept"
    rejected: str = "Rejected"
    shared: str = "The same in all"
    state: str = "State"
    reason: str = "Reason"
    verdict: str = "Verdict"
    seed: str = "Seed"
    seconds: str = "Seconds"
    run: str = "Run"
    files: str = "Files"
    texts: str = "Texts"
    done: str = "Done"
    on: str = "on"
    off: str = "off"
    none: str = "none"
    larger: str = "Show large: {name}"
    previous: str = "Previous"
    next: str = "Next"
    close: str = "Close"
    made_with: str = "Made with {program}"
    reduced: str = "Pictures are shown at {size} pixels at most."
    no_font: str = "This computer has no font for some of the characters."
    too_many: str = "{count} cells are too many for one picture. Take the page, the table or the ZIP."

    def of_state(self, state: str) -> str:
        """A state as people call it."""
        known = {
            COMPLETED: self.done,
            FAILED: self.failed,
            CANCELLED: self.cancelled,
            SKIPPED: self.skipped,
            RUNNING: self.running,
            GONE: self.gone,
        }
        return known.get(state, self.waiting)

    def of_verdict(self, verdict: str) -> str:
        return {KEPT: self.kept, REJECTED: self.rejected}.get(verdict, "")


class Heading(NamedTuple):
    """An axis: what it is called, and its labels in order."""

    title: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class SheetCell:
    """What stands at one place of a sheet."""

    at: tuple[int, ...]
    labels: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    """What is not the same in all cells."""
    state: str = COMPLETED
    """As of a run, SKIPPED, or GONE where its run is kept no more."""
    reason: str = ""
    """Why there is nothing to see."""
    pictures: tuple[str, ...] = ()
    """Paths of kept files, the one to be shown first."""
    run_id: str = ""
    seed: int | None = None
    seconds: float | None = None
    verdict: str = ""
    others: tuple[str, ...] = ()
    """Names of files that are no pictures."""
    texts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its labels in one line."""
        return " · ".join(self.labels)


@dataclass(frozen=True)
class Sheet:
    """A whole experiment, ready to be written. Axes stand slowest first: pages, rows, columns."""

    title: str
    notes: tuple[str, ...] = ()
    axes: tuple[Heading, ...] = ()
    cells: tuple[SheetCell, ...] = ()
    shared: Mapping[str, Any] = field(default_factory=dict)
    """The values that all cells share."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What people call the values, by their keys."""
    words: SheetWords = field(default_factory=SheetWords)

    @property
    def is_flow(self) -> bool:
        """One axis, or none: cells follow each other, each with its own label."""
        return len(self.axes) < 2

    @property
    def columns(self) -> Heading:
        return Heading(*self.axes[-1]) if self.axes else Heading("", ())

    @property
    def rows(self) -> Heading:
        return Heading(*self.axes[-2]) if len(self.axes) > 1 else Heading("", ())

    @property
    def size(self) -> int:
        """How many places it has."""
        return len(self.cells) if self.is_flow else math.prod(len(axis[1]) for axis in self.axes)

    @property
    def in_order(self) -> tuple[SheetCell, ...]:
        """The cells, counted pages, rows, columns."""
        return tuple(sorted(self.cells, key=lambda cell: cell.at))

    def name_of(self, key: str) -> str:
        return self.names.get(key) or key

    def said(self, value: Any) -> str:
        """A value as it is read here."""
        return shown(value, self.words)


@dataclass(frozen=True)
class Row:
    """A label, and the cells behind it. None where nothing is known of a cell."""

    label: str
    cells: tuple[SheetCell | None, ...]


@dataclass(frozen=True)
class Page:
    """The rows that stand under one label of the third axis; one without a title where there is none."""

    title: str
    rows: tuple[Row, ...]


def pages(sheet: Sheet) -> tuple[Page, ...]:
    """The cells in their places. A flow is one page with one row."""
    if sheet.is_flow:
        cells: tuple[SheetCell | None, ...] = sheet.in_order
        return (Page("", (Row("", cells),)),)
    found = {cell.at: cell for cell in sheet.cells}
    if len(sheet.axes) == 2:
        return (Page("", tuple(_rows(sheet, found, ()))),)
    title, labels = sheet.axes[0]
    return tuple(
        Page(titled(title, label), tuple(_rows(sheet, found, (number,))))
        for number, label in enumerate(labels)
    )


def titled(title: str, label: str) -> str:
    """A label with its axis' title; a table's axis has none."""
    return f"{title}: {label}" if title else label


def shown(value: Any, words: SheetWords) -> str:
    """A value as it is read: files and models by their names, parts behind them."""
    file = file_of(marked(value))
    if file is not None:
        return file.name
    if value is None or value in ("", [], {}):
        return words.none
    if isinstance(value, bool):
        return words.on if value else words.off
    if isinstance(value, Mapping):
        return _with_parts(value, words)
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(one, words) for one in value)
    return str(value)


def split(values: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What all of these have in common, and what each has besides."""
    if not values:
        return {}, []
    first, rest = values[0], values[1:]
    shared = {
        key: value
        for key, value in first.items()
        if all(_is_same(value, one.get(key, _NONE)) for one in rest)
    }
    return shared, [{key: value for key, value in one.items() if key not in shared} for one in values]


_NONE = object()


def _is_same(one: Any, other: Any) -> bool:
    """1 and True are equal in Python, and are not the same choice."""
    return type(one) is type(other) and bool(one == other)


def _rows(sheet: Sheet, found: Mapping[tuple[int, ...], SheetCell], page: tuple[int, ...]) -> Iterator[Row]:
    for number, label in enumerate(sheet.rows.labels):
        places = ((*page, number, column) for column in range(len(sheet.columns.labels)))
        yield Row(label, tuple(found.get(place) for place in places))


def _with_parts(value: Mapping[str, Any], words: SheetWords) -> str:
    """A LoRA, a ControlNet, or whatever else has parts: its name, then what is said of it."""
    name = value.get("name")
    if not isinstance(name, str):
        return json.dumps(marked(value), ensure_ascii=False)
    rest = ((key, one) for key, one in value.items() if key != "name" and not isinstance(one, bool))
    off = [f"({words.off})"] if value.get("on") is False else []
    return " ".join((name, *_parts(rest, words), *off))


def _parts(parts: Iterable[tuple[str, Any]], words: SheetWords) -> Iterator[str]:
    for key, value in parts:
        if value is None:
            continue
        said = shown(value, words)
        yield said if key in ("strength", "strength_model", "image") else f"{key.replace('_', ' ')} {said}"
