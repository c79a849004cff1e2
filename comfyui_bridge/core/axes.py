"""Axes out of what people write: numbers, prompts, tables, seeds, words to replace.

Each way ends in variations with labels.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from comfyui_bridge.core import stacks, wildcards
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.files import file_of
from comfyui_bridge.core.model_files import SUFFIXES
from comfyui_bridge.core.sweep import LARGEST, Axis, Replacement, Variation
from comfyui_bridge.core.values import LARGEST_DRAWN
from comfyui_bridge.core.wildcards import Lists

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
_SEEDS = re.compile(r"(\d+) random")
_ARROW = " -> "


def parse_axis(text: str, draw: Callable[[], int] = lambda: 0) -> Axis:
    """Read KEY=V1,V2,...: a comma inside a value is written as `\\,`; 1..9 and 10,20,..,50 count.

    `seed=5 random` draws five seeds from the number that `draw` gives, and `prompt=red -> green, blue` puts
    other words in the place of some. Raises InvalidValues for a text without a key or without values.
    """
    key, equals, listed = text.partition("=")
    key = key.strip()
    if not equals or not key or not listed.strip():
        raise InvalidValues({key or text: "An axis is written KEY=VALUE,VALUE,..., such as steps=10,20,30."})
    drawn = _SEEDS.fullmatch(listed.strip())
    if drawn:
        return seeds(key, int(drawn[1]), draw())
    find, arrow, by = listed.partition(_ARROW)
    return replacements(key, find, by) if arrow else values(key, listed)


def values(key: str, text: str, title: str = "") -> Axis:
    """Numbers or names between commas. Raises InvalidValues for a range that makes no sense."""
    return listed(key, _counted(key, parts(text)), title)


def listed(key: str, given: Iterable[Any], title: str = "") -> Axis:
    """One variation a value, in order."""
    return Axis(title or key, tuple(Variation(label(value), {key: value}) for value in given))


def label(value: Any) -> str:
    """What a value is called at a row or column."""
    file = file_of(value)
    if file is not None:
        return file.name
    if isinstance(value, bool):
        return "on" if value else "off"
    if value in ("", None, []):
        return "none"
    if isinstance(value, list):
        return ", ".join(map(label, value))
    if isinstance(value, Mapping):
        return " ".join(label(part) for part in value.values() if part not in ("", None))
    return getattr(value, "name", None) or str(value)


def lora_sets(key: str, given: Sequence[Any], title: str = "") -> Axis:
    """Whole stacks of LoRAs, each under their short names and strengths: none, lcm 0.6, a 1 + b 0.5.

    What cannot be read is called as it is written, and told once it is checked.
    """
    names = {row["name"] for stack in given for row in _rows(stack) if isinstance(row.get("name"), str)}
    short = Counter(_short(name) for name in names)
    shown = {name: _short(name) if short[_short(name)] == 1 else name for name in names}
    labels = (_set_label(stack, shown) for stack in given)
    return Axis(
        title or key, tuple(Variation(said, {key: one}) for said, one in zip(labels, given, strict=True))
    )


def _rows(stack: Any) -> list[dict[str, Any]]:
    try:
        return stacks.lora_rows(stack)
    except ValueError:
        return []


def _set_label(stack: Any, shown: Mapping[str, str]) -> str:
    rows = [row for row in _rows(stack) if row.get("name") and row.get("on", True) is not False]
    if not rows:
        return label([] if _rows(stack) else stack)
    return " + ".join(f"{shown.get(str(row['name']), row['name'])} {_strength(row)}" for row in rows)


def _strength(row: Mapping[str, Any]) -> str:
    """Of the model, and of the words where they have one of their own."""
    model, clip = row.get("strength_model"), row.get("strength_clip")
    said = [1 if model in (None, "") else model, *([clip] if clip not in (None, "") else [])]
    return "/".join(f"{one:g}" if isinstance(one, float) else str(one) for one in said)


def _short(name: str) -> str:
    """A model file's name without its folder and its suffix."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return next((last[: -len(end)] for end in SUFFIXES if last.lower().endswith(end)), last) or name


def replacements(key: str, find: str, by: str, title: str = "") -> Axis:
    """The same words replaced by each of these. Raises InvalidValues where nothing is to be found."""
    find = find.strip()
    if not find:
        raise InvalidValues({key: 'Before "->" stand the words to replace, as in red -> green, blue.'})
    variations = (Variation(new, replacing=Replacement(key, find, new)) for new in parts(by) if new)
    return Axis(title or f"{find} →", tuple(variations))


def seeds(key: str, number: int, start: int, title: str = "") -> Axis:
    """So many seeds, the same ones whenever they start from the same number."""
    if not 0 < number <= LARGEST:
        raise InvalidValues({key: f"{number:,} seeds cannot be drawn; from 1 to {LARGEST:,} can."})
    drawn = (wildcards.digest(start, index) for index in range(number))
    return listed(key, (int.from_bytes(one[:8], "big") & LARGEST_DRAWN for one in drawn), title)


def texts(key: str, given: Sequence[str], lists: Lists, number: int, start: int, title: str = "") -> Axis:
    """Each text in all of its combinations, or so many of all at random, which `start` decides.

    Raises InvalidValues for a text that cannot be read, and for too many combinations.
    """
    try:
        found = wildcards.some(given, lists, number, start) if number else wildcards.every(given, lists)
    except ValueError as error:
        raise InvalidValues({key: str(error)}) from None
    return listed(key, found, title)


def parse_prompts(text: str, key: str = "prompt") -> Axis:
    """One prompt a line; empty lines and lines that begin with # are passed over."""
    return listed(key, prompt_lines(text))


def prompt_lines(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def parse_csv(text: str, title: str = "") -> Axis:
    """A table whose first row names the keys; an empty cell leaves a value as it is.

    Raises InvalidValues with the row that is wrong.
    """
    table = [(line, row) for line, row in _csv_rows(text) if any(cell.strip() for cell in row)]
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
    rows = [tuple(cell.strip() for cell in row) for _, row in table[1:]]
    return Axis(
        title or ", ".join(keys), tuple(_row(number, keys, row) for number, row in enumerate(rows, 1))
    )


def _row(number: int, keys: Sequence[str], row: Sequence[str]) -> Variation:
    given = {key: cell for key, cell in zip(keys, row, strict=True) if cell}
    return Variation(f"{number}: {', '.join(given.values())}", given)


def _csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise InvalidValues({"csv": f"Line {reader.line_num} cannot be read: {error}."}) from None


def parts(text: str) -> list[str]:
    """What stands between commas; one that belongs to a value is written as `\\,`."""
    return [part.strip().replace("\\,", ",") for part in _UNESCAPED_COMMA.split(text)]


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
