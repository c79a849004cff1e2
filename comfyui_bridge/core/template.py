"""A template: a workflow document, how it is titled, and which inputs its form shows.

The document stays as it was read, for a UI-format one becomes a workflow only where node definitions
are known. A card that is wrong in places is used for what is right in it; `problems` says the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comfyui_bridge.core.node_defs import InputSpec

_INPUT_KEYS = frozenset(
    ("key", "node", "input", "label", "group", "default", "help", "min", "max", "step", "choices")
)


@dataclass(frozen=True)
class Exposure:
    """One input as a card, or a mark in the workflow, asks for it. What is None is left to the node
    definitions."""

    node_id: str
    input: str
    key: str = ""
    label: str = ""
    group: str = ""
    help: str = ""
    default: Any = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] | None = None
    why: str = ""
    """Which mark asks for it; empty for a card."""
    also: tuple[tuple[str, str], ...] = ()
    """Further (node_id, input) that take the same value: the editor has one widget for them."""
    spec: InputSpec | None = None
    """Its type, where a mark says it and the node's definition cannot: a parameter of any type."""


@dataclass(frozen=True)
class Template:
    """What the library offers under one slug."""

    slug: str
    title: str
    document: Mapping[str, Any]
    description: str = ""
    tags: tuple[str, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    """What the card shows, in its order; empty without a card."""
    problems: tuple[str, ...] = ()
    """What is wrong with the card, one sentence each."""


def parse(slug: str, document: Mapping[str, Any], card: Mapping[str, Any] | None = None) -> Template:
    """Make a template of a workflow document and the card beside it."""
    problems: list[str] = []
    card = card or {}
    return Template(
        slug=slug,
        title=_string(card, "title", problems) or _title_from(slug),
        document=document,
        description=_string(card, "description", problems),
        tags=_tags(card.get("tags", ()), problems),
        exposures=_exposures(card.get("inputs", ()), problems),
        problems=tuple(problems),
    )


def _title_from(slug: str) -> str:
    words = slug.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] or slug


def _string(table: Mapping[str, Any], key: str, problems: list[str], where: str = "") -> str:
    value = table.get(key, "")
    if isinstance(value, str):
        return value.strip()
    problems.append(f"{where}{key} should be a text, and is {value!r}.")
    return ""


def _tags(value: object, problems: list[str]) -> tuple[str, ...]:
    if isinstance(value, (list, tuple)) and all(isinstance(tag, str) for tag in value):
        return tuple(dict.fromkeys(tag.strip() for tag in value if tag.strip()))
    problems.append('tags should be a list of texts, such as ["portrait", "fast"].')
    return ()


def _exposures(value: object, problems: list[str]) -> tuple[Exposure, ...]:
    if not isinstance(value, (list, tuple)):
        problems.append("inputs should be a list of [[inputs]] tables.")
        return ()
    found: list[Exposure] = []
    for number, table in enumerate(value, 1):
        exposure = _exposure(number, table, problems)
        if exposure is None:
            continue
        if exposure.key and any(exposure.key == other.key for other in found):
            problems.append(f'Input {number}: the key "{exposure.key}" is already taken by an earlier input.')
            continue
        found.append(exposure)
    return tuple(found)


def _exposure(number: int, table: object, problems: list[str]) -> Exposure | None:
    where = f"Input {number}: "
    if not isinstance(table, Mapping):
        problems.append(f"{where}this should be a table with at least node and input.")
        return None
    node, name = table.get("node"), table.get("input")
    if isinstance(node, int) and not isinstance(node, bool):
        node = str(node)
    if not (isinstance(node, str) and node and isinstance(name, str) and name):
        problems.append(
            f'{where}node and input must both be given as texts, such as node = "3", input = "seed".'
        )
        return None
    unknown = sorted(set(table) - _INPUT_KEYS)
    if unknown:
        problems.append(
            f"{where}unknown key {', '.join(unknown)}; known are {', '.join(sorted(_INPUT_KEYS))}."
        )
    choices = table.get("choices")
    if choices is not None and not isinstance(choices, (list, tuple)):
        problems.append(f"{where}choices should be a list.")
        choices = None
    return Exposure(
        node_id=node,
        input=name,
        key=_string(table, "key", problems, where),
        label=_string(table, "label", problems, where),
        group=_string(table, "group", problems, where),
        help=_string(table, "help", problems, where),
        default=table.get("default"),
        min=_number(table, "min", problems, where),
        max=_number(table, "max", problems, where),
        step=_number(table, "step", problems, where),
        choices=tuple(choices) if choices is not None else None,
    )


def _number(table: Mapping[str, Any], key: str, problems: list[str], where: str) -> float | None:
    value = table.get(key)
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    problems.append(f"{where}{key} should be a number, and is {value!r}.")
    return None
