"""A template: a workflow document, how it is titled, and which inputs its form shows.

The document stays as it was read, for a UI-format one becomes a workflow only where node definitions
are known. A card that is wrong in places is used for what is right in it; `problems` says the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from comfyui_bridge.core.node_defs import InputSpec

CardLines: TypeAlias = Mapping[tuple[str | int, ...], int]
"""The line of each key of a card: by ("title",), ("inputs", 0) for a table, ("inputs", 0, "min")."""

Phrases: TypeAlias = Mapping[str, Mapping[str, str]]
"""Texts of a card in other languages: by language, then by the text as the card has it."""

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
    line: int = field(default=0, compare=False)
    """Where its table begins in the card's file; 0 where that is not known."""


@dataclass(frozen=True)
class CardEdit:
    """What a card is to say: all that its page can change, and no key it does not know."""

    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    exposures: tuple[Exposure, ...] = ()


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
    phrases: Phrases = field(default_factory=dict)


def parse(
    slug: str,
    document: Mapping[str, Any],
    card: Mapping[str, Any] | None = None,
    lines: CardLines | None = None,
) -> Template:
    """Make a template of a workflow document and the card beside it, whose problems are told by `lines`."""
    card = card or {}
    report = _Report(lines or {})
    return Template(
        slug=slug,
        title=_string(card, "title", report) or title_from(slug),
        document=document,
        description=_string(card, "description", report),
        tags=_tags(card.get("tags", ()), report),
        exposures=_exposures(card.get("inputs", ()), report),
        phrases=_phrases(card.get("translations", {}), report),
        problems=tuple(report.problems),
    )


def title_from(slug: str) -> str:
    """What a template is called whose card gives no title."""
    words = slug.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] or slug


@dataclass
class _Report:
    """What is wrong with a card, each sentence with its line where that is known."""

    lines: CardLines
    problems: list[str] = field(default_factory=list)
    table: int | None = None
    """The number of the [[inputs]] table that is looked at, from 0."""

    def line(self, *key: str) -> int:
        """The line of a key, else of its table, else of the whole list; 0 if none is known."""
        inside: tuple[str | int, ...] = key if self.table is None else ("inputs", self.table, *key)
        known = (
            self.lines[inside[:size]] for size in range(len(inside), 0, -1) if inside[:size] in self.lines
        )
        return next(known, 0)

    def add(self, sentence: str, *key: str) -> None:
        line = self.line(*key)
        where = [f"line {line}"] if line else []
        where += [f"input {self.table + 1}"] if self.table is not None else []
        place = ", ".join(where)
        self.problems.append(f"{place[:1].upper()}{place[1:]}: {sentence}" if place else sentence)


def _string(table: Mapping[str, Any], key: str, report: _Report) -> str:
    value = table.get(key, "")
    if isinstance(value, str):
        return value.strip()
    report.add(f"{key} should be a text, and is {_shown(value)}.", key)
    return ""


def _shown(value: object) -> str:
    told = repr(value)
    return told if len(told) <= 80 else f"{told[:80]}…"


def _tags(value: object, report: _Report) -> tuple[str, ...]:
    if isinstance(value, (list, tuple)) and all(isinstance(tag, str) for tag in value):
        return tuple(dict.fromkeys(tag.strip() for tag in value if tag.strip()))
    report.add('tags should be a list of texts, such as ["portrait", "fast"].', "tags")
    return ()


def _phrases(value: object, report: _Report) -> Phrases:
    if not isinstance(value, Mapping):
        report.add("translations should be tables such as [translations.zh].", "translations")
        return {}
    found: dict[str, dict[str, str]] = {}
    for lang, table in value.items():
        if not isinstance(table, Mapping):
            report.add(f"translations.{lang} should be a table of texts.", "translations")
            continue
        wrong = [text for text, said in table.items() if not isinstance(said, str)]
        for text in wrong:
            report.add(f"the translation of {_shown(text)} to {lang} should be a text.", "translations")
        found[str(lang)] = {str(text).strip(): said for text, said in table.items() if isinstance(said, str)}
    return found


def _exposures(value: object, report: _Report) -> tuple[Exposure, ...]:
    if not isinstance(value, (list, tuple)):
        report.add("inputs should be a list of [[inputs]] tables.", "inputs")
        return ()
    found: list[Exposure] = []
    keys: set[str] = set()
    for number, table in enumerate(value):
        report.table = number
        exposure = _exposure(table, report)
        if exposure is None:
            continue
        if exposure.key and exposure.key in keys:
            report.add(f'the key "{exposure.key}" is already taken by an earlier input.', "key")
            continue
        keys.add(exposure.key)
        found.append(exposure)
    report.table = None
    return tuple(found)


def _exposure(table: object, report: _Report) -> Exposure | None:
    if not isinstance(table, Mapping):
        report.add("this should be a table with at least node and input.")
        return None
    node, name = table.get("node"), table.get("input")
    if isinstance(node, int) and not isinstance(node, bool):
        node = str(node)
    if not (isinstance(node, str) and node and isinstance(name, str) and name):
        wrong = "input" if isinstance(node, str) and node else "node"
        report.add('node and input must both be given as texts, such as node = "3", input = "seed".', wrong)
        return None
    for key in sorted(str(key) for key in set(table) - _INPUT_KEYS):
        report.add(f"unknown key {key}; known are {', '.join(sorted(_INPUT_KEYS))}.", key)
    choices = _json(table, "choices", report)
    if choices is not None and not isinstance(choices, (list, tuple)):
        report.add("choices should be a list.", "choices")
        choices = None
    return Exposure(
        node_id=node,
        input=name,
        key=_string(table, "key", report),
        label=_string(table, "label", report),
        group=_string(table, "group", report),
        help=_string(table, "help", report),
        default=_json(table, "default", report),
        min=_number(table, "min", report),
        max=_number(table, "max", report),
        step=_number(table, "step", report),
        choices=tuple(choices) if choices is not None else None,
        line=report.line(),
    )


def _number(table: Mapping[str, Any], key: str, report: _Report) -> float | None:
    value = table.get(key)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is None or (is_number and _is_json(value)):
        return value
    report.add(f"{key} should be a number, and is {_shown(value)}.", key)
    return None


def _json(table: Mapping[str, Any], key: str, report: _Report) -> Any:
    """A value that a workflow can hold; TOML has dates, times and numbers that JSON has not."""
    value = table.get(key)
    if _is_json(value):
        return value
    report.add(f"{key} should be a text, a number, true or false, or a list of these.", key)
    return None


def _is_json(value: object) -> bool:
    match value:
        case None | str() | bool() | int():
            return True
        case float():
            return math.isfinite(value)
        case Mapping():
            return all(isinstance(key, str) and _is_json(one) for key, one in value.items())
        case list() | tuple():
            return all(_is_json(one) for one in value)
    return False
