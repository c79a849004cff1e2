"""What differs between two runs: only the values that do, and in texts only the words that do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from comfyui_bridge.core.inputs import unwrap
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.workflow import Link, Workflow

ABSENT = None
"""Stands for a value that one of the two does not have."""

_WORDS = re.compile(r"\s+|[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]|\w+|[^\w\s]")
"""Words, single characters of scripts that are written without spaces, and what stands between."""
_MOST_WORDS = 4_000


class Side(str, Enum):
    """Where a piece of text stands."""

    BOTH = "both"
    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True)
class Piece:
    """A stretch of text, and which of the two texts has it."""

    text: str
    side: Side


@dataclass(frozen=True)
class Difference:
    """One value that differs. `pieces` are there for two texts of several words."""

    key: str
    first: Any
    second: Any
    pieces: tuple[Piece, ...] = ()
    is_value: bool = True
    """Of the form; else it stands in the workflow only, and `key` is node_id.input."""


def differences(first: Run, second: Run) -> tuple[Difference, ...]:
    """What differs between two runs, in the order of the first one's values.

    Values of the form first. What differs in the workflows besides follows where both come from one
    template: it changed in between.
    """
    values = _of_mappings(first.values, second.values, is_value=True)
    if first.template != second.template:
        return values
    told = {repr(one.first) + repr(one.second) for one in values}
    graphs = _of_mappings(_contents(first.workflow), _contents(second.workflow), is_value=False)
    return (*values, *(one for one in graphs if repr(one.first) + repr(one.second) not in told))


def applied(found: Sequence[Difference], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with what the second run has in place of the first one's; the others as they were."""
    changed = dict(values)
    for one in found:
        if not one.is_value:
            continue
        if one.second is ABSENT:
            changed.pop(one.key, None)
        else:
            changed[one.key] = one.second
    return changed


def pieces(first: str, second: str) -> tuple[Piece, ...]:
    """Two texts as one: what both have, what only the first has, what only the second has."""
    before, after = _WORDS.findall(first), _WORDS.findall(second)
    if len(before) + len(after) > _MOST_WORDS:
        return (Piece(first, Side.FIRST), Piece(second, Side.SECOND))
    found: list[Piece] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Piece("".join(before[a:b]), Side.BOTH))
        else:
            found += [Piece("".join(before[a:b]), Side.FIRST), Piece("".join(after[c:d]), Side.SECOND)]
    return tuple(piece for piece in found if piece.text)


def _of_mappings(
    first: Mapping[str, Any], second: Mapping[str, Any], *, is_value: bool
) -> tuple[Difference, ...]:
    keys = dict.fromkeys((*first, *second))
    pairs = ((key, first.get(key, ABSENT), second.get(key, ABSENT)) for key in keys)
    return tuple(
        Difference(key, one, other, _pieces(one, other), is_value)
        for key, one, other in pairs
        if not _is_same(one, other)
    )


def _is_same(one: Any, other: Any) -> bool:
    """1 and True are equal in Python, and are not the same choice."""
    return (type(one) is type(other) and bool(one == other)) or _is_same_number(one, other)


def _is_same_number(one: Any, other: Any) -> bool:
    numbers = (isinstance(value, (int, float)) and not isinstance(value, bool) for value in (one, other))
    return all(numbers) and bool(one == other)


def _pieces(one: Any, other: Any) -> tuple[Piece, ...]:
    if not (isinstance(one, str) and isinstance(other, str)):
        return ()
    return pieces(one, other) if " " in one.strip() or " " in other.strip() or _is_long(one, other) else ()


def _is_long(one: str, other: str) -> bool:
    return max(len(one), len(other)) > 40


def _contents(workflow: Workflow) -> dict[str, Any]:
    """Every value in a workflow that is no link, by node_id.input."""
    return {
        f"{node.node_id}.{name}": unwrap(content)
        for node in workflow.nodes.values()
        for name, content in node.inputs.items()
        if not isinstance(content, Link)
    }
