"""A workflow's inputs as they are without a card, and the tree of its nodes that the editor shows.

What a row of a card leaves open is answered here, and what a row only repeats is known from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comfyui_bridge.core import form as form_
from comfyui_bridge.core import inputs
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import (
    BooleanSpec,
    ColorSpec,
    ComboSpec,
    DynamicComboSpec,
    FloatSpec,
    InputSpec,
    IntSpec,
    NodeDefs,
    StringSpec,
)
from comfyui_bridge.core.reports import type_of
from comfyui_bridge.core.template import Exposure, Template
from comfyui_bridge.core.workflow import Link, Node
from comfyui_bridge.engine.made import Made

if TYPE_CHECKING:
    from comfyui_bridge.engine.engine import Engine

_KEPT = 16
_LONGEST_VALUE = 200
_LONG_NUMBER = 2**53


class Own:
    """Made once for each pair of template and definitions. Raises WorkflowError where there is no form."""

    def __init__(self, template: Template, node_defs: NodeDefs) -> None:
        self._node_defs = node_defs
        self._form = form_.make(replace(template, exposures=(), problems=()), node_defs)
        self.workflow = self._form.workflow
        self.notes = self._form.problems
        # What is put beside the graph, such as a stack of LoRAs, has no node and is always offered.
        self._inputs = tuple(one for one in self._form.inputs if one.node_id)
        self._by_place = {(one.node_id, one.input): one for one in self._inputs}

    def input(self, node_id: str, name: str) -> ExposedInput | None:
        """The input that a card means by this place; None if there is none."""
        place = (node_id, name)
        if place not in self._by_place:
            found, problems = inputs.expose(
                self.workflow, (Exposure(node_id, name),), self._node_defs, self._form.marks
            )
            if problems or not found:
                return None
            self._by_place[place] = found[0]
        return self._by_place[place]

    def picked(self) -> tuple[ExposedInput, ...]:
        """What the form shows where nobody chose: what marks ask for, else the essential ones."""
        marked = {(mark.node_id, mark.input) for mark in self._form.marks.exposures}
        return tuple(one for one in self._inputs if not one.group or (one.node_id, one.input) in marked)

    def found(self) -> tuple[ExposedInput, ...]:
        """What the form begins with, to be told to whoever brought the workflow in."""
        return tuple(one for one in self.picked() if not one.group) or self.picked()

    def tree(self, places: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """The nodes with their inputs, for the script; `places` are those that a card names besides."""
        lists: dict[tuple[str, ...], int] = {}
        known = {_id(one.node_id, one.input): _told(one, lists) for one in self._inputs}
        named = [(place, self.input(*place)) for place in places if _id(*place) not in known]
        known |= {
            _id(*place): {**_told(one, lists), "node": place[0], "input": place[1]}
            for place, one in named
            if one is not None
        }
        titles = {node.node_id: node.name for node in self.workflow.nodes.values()}
        held: dict[str, list[str]] = {}
        for told in known.values():
            held.setdefault(told["node"], []).append(f"{told['node']}.{told['input']}")
        nodes = [
            {
                "id": node.node_id,
                "title": node.name,
                "class_type": node.class_type,
                "inputs": held.get(node.node_id, []),
                "linked": list(_linked(node, titles)),
            }
            for node in self.workflow.nodes.values()
        ]
        return {"nodes": nodes, "inputs": known, "lists": [list(options) for options in lists]}


class Owns:
    """What workflows are by themselves, kept for as long as they stay the same; any thread may ask."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made = Made(Own, _KEPT)

    def of(self, template: Template) -> Own:
        """Raises WorkflowError where the template's document is no workflow."""
        return self._made.of(template, self._engine.node_defs())


def _linked(node: Node, titles: dict[str, str]) -> Iterator[str]:
    for name, content in node.inputs.items():
        if isinstance(content, Link):
            yield f"{name} ← {titles.get(content.node_id, content.node_id)}"


def _id(node_id: str, name: str) -> str:
    return f"{node_id}.{name}"


def _told(one: ExposedInput, lists: dict[tuple[str, ...], int]) -> dict[str, Any]:
    options = _options(one.spec)
    told: dict[str, Any] = {
        "node": one.node_id,
        "input": one.input,
        "label": one.label,
        "key": one.key,
        "help": one.help,
        "why": one.why,
        "kind": kind(one.spec),
        "type": type_of(one.spec),
        "value": spelled(one.default)[:_LONGEST_VALUE] if one.default is not None else "",
        "limits": [_limit(getattr(one.spec, name, None)) for name in ("min", "max", "step")],
    }
    if options is not None:
        told["list"] = lists.setdefault(options, len(lists))
    return told


def _limit(limit: float | None) -> str:
    return "" if limit is None or abs(limit) >= _LONG_NUMBER else spelled(limit)


def _options(spec: InputSpec) -> tuple[str, ...] | None:
    match spec:
        case ComboSpec(options=options):
            return tuple(map(spelled, options))
        case DynamicComboSpec(options=options):
            return tuple(option.key for option in options)
    return None


def kind(spec: InputSpec) -> str:
    """Which fields the editor has for an input of this type."""
    match spec:
        case IntSpec() | FloatSpec():
            return "number"
        case StringSpec(multiline=many):
            return "text" if many else "line"
        case BooleanSpec():
            return "switch"
        case ComboSpec(multiselect=True):
            return "many"
        case ComboSpec(upload=None) | DynamicComboSpec():
            return "choice"
        case ComboSpec() | ColorSpec():
            return "line"
    return "other"


def spelled(value: Any) -> str:
    """A value as somebody would type it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
