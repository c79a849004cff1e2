"""One set of values into many: prompt lists, tables and axes, as a product in a stable order.

An axis is a list of rows over one or more keys. Axes multiply: the last one turns fastest. Values stay
raw texts; the form checks each set as it checks a person's.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comfyui_bridge.core.errors import InvalidValues

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
LARGEST = 100_000
"""More runs than this in one sweep are refused with the number: nobody means that many."""


@dataclass(frozen=True)
class Axis:
    """Rows of values for these keys, in order."""

    keys: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def count(axes: Sequence[Axis]) -> int:
    """How many sets the product of the axes has."""
    return math.prod(len(axis.rows) for axis in axes)


def expand(base: Mapping[str, Any], axes: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    """The base with each combination of the axes' rows; later axes turn faster.

    Raises InvalidValues for two axes over one key, for an axis without rows, and for too large a product.
    """
    problems = {axis.keys[0]: "This axis has no values." for axis in axes if not axis.rows}
    keys = [key for axis in axes for key in axis.keys]
    problems |= {key: "Two axes vary this; leave one." for key in keys if keys.count(key) > 1}
    total = count(axes)
    if total > LARGEST:
        problems["axes"] = f"That would be {total:,} runs, and {LARGEST:,} is the most."
    if problems:
        raise InvalidValues(problems)
    return _product(base, axes)


def parse_axis(text: str) -> Axis:
    """Read KEY=V1,V2,...: a comma inside a value is written as `\\,`; 1..9 and 10,20,..,50 count.

    Raises InvalidValues for a text without a key or without values.
    """
    key, equals, listed = text.partition("=")
    key = key.strip()
    if not equals or not key or not listed.strip():
        raise InvalidValues({key or text: "An axis is written KEY=VALUE,VALUE,..., such as steps=10,20,30."})
    parts = [part.strip().replace("\\,", ",") for part in _UNESCAPED_COMMA.split(listed)]
    return Axis((key,), tuple((value,) for value in _counted(key, parts)))


def parse_prompts(text: str, key: str = "prompt") -> Axis:
    """One prompt a line; empty lines and lines that begin with # are passed over."""
    lines = (line.strip() for line in text.splitlines())
    return Axis((key,), tuple((line,) for line in lines if line and not line.startswith("#")))


def parse_csv(text: str) -> Axis:
    """A table whose first row names the keys. Raises InvalidValues with the row that is wrong."""
    table = [(reader_line, row) for reader_line, row in _csv_rows(text) if any(cell.strip() for cell in row)]
    if not table:
        raise InvalidValues({"csv": "The table is empty; its first row should name inputs."})
    keys = tuple(cell.strip() for cell in table[0][1])
    wrong = [f"column {number} has no name" for number, key in enumerate(keys, 1) if not key]
    wrong += [f"{key} stands twice" for key in dict.fromkeys(keys) if key and keys.count(key) > 1]
    if wrong:
        raise InvalidValues({"csv": f"In the first row {' and '.join(wrong)}."})
    for line, row in table[1:]:
        if len(row) != len(keys):
            raise InvalidValues(
                {"csv": f"Line {line} has {len(row)} cells, and the first row has {len(keys)}."}
            )
    return Axis(keys, tuple(tuple(cell.strip() for cell in row) for _, row in table[1:]))


def _product(base: Mapping[str, Any], axes: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    for rows in itertools.product(*(axis.rows for axis in axes)):
        varied = dict(base)
        for axis, row in zip(axes, rows, strict=True):
            # An empty cell of a table leaves the base as it is.
            varied |= {key: value for key, value in zip(axis.keys, row, strict=True) if value != ""}
        yield varied


def _csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise InvalidValues({"csv": f"Line {reader.line_num} cannot be read: {error}."}) from None


def _counted(key: str, parts: Sequence[str]) -> Iterator[str]:
    for index, part in enumerate(parts):
        found = _RANGE.fullmatch(part)
        if found:
            yield from map(str, _range(key, int(found[1]), int(found[2]), 1))
        elif part == "..":
            if not 2 <= index < len(parts) - 1:
                raise InvalidValues(
                    {key: 'Before ".." stand two numbers, and one behind it, as in 10,20,..,50.'}
                )
            yield from _between(key, parts[index - 2], parts[index - 1], parts[index + 1])
        else:
            yield part


def _range(key: str, first: int, last: int, step: int) -> range:
    found = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    if len(found) > LARGEST:
        raise InvalidValues({key: f"{first}..{last} has {len(found):,} values, and {LARGEST:,} is the most."})
    return found


def _between(key: str, first: str, second: str, last: str) -> Iterator[str]:
    """The numbers strictly between `second` and `last`, as far apart as `first` and `second`."""
    try:
        start, following, end = float(first), float(second), float(last)
    except ValueError:
        raise InvalidValues(
            {key: f'{first},{second},..,{last} should be three numbers around "..".'}
        ) from None
    step = following - start
    steps = (end - following) / step if step else -1
    if steps < 0 or steps > LARGEST:
        raise InvalidValues(
            {key: f"{first},{second},..,{last} does not lead from its first number to its last."}
        )
    whole = all(text.lstrip("-").isdecimal() for text in (first, second, last))
    for number in range(1, math.ceil(steps - 1e-9)):
        value = following + number * step
        yield str(int(value)) if whole else f"{value:.10g}"
