"""Where a link really comes from: through reroutes, bypassed nodes and the walls of subgraphs.

Follows ExecutableNodeDTO (frontend 1.49.6), but keeps apart what two instances of one definition do,
and ends at a circle with a sentence. Every step's answer is kept, so that long chains cost nothing
twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from comfyui_bridge.core.convert.document import INPUT_NODE
from comfyui_bridge.core.convert.graphs import (
    BYPASSED,
    GETTERS,
    MUTED,
    REROUTES,
    SETTERS,
    Graph,
    LiveNode,
    Slot,
    Subgraph,
)
from comfyui_bridge.core.errors import WorkflowError


@dataclass(frozen=True, eq=False)
class Scope:
    """One graph as it runs: the root, or a definition within one of its instances."""

    graph: Graph
    path: tuple[str, ...] = ()
    instance: LiveNode | None = None
    parent: Scope | None = None
    children: dict[int, Scope] = field(default_factory=dict)

    def within(self, instance: LiveNode) -> Scope:
        """The inside of an instance of a subgraph."""
        child = self.children.get(id(instance))
        if child is None:
            assert instance.subgraph is not None
            child = Scope(instance.subgraph, (*self.path, instance.id), instance, self)
            self.children[id(instance)] = child
        return child

    def node_id(self, node: LiveNode) -> str:
        return ":".join((*self.path, node.id))


@dataclass(frozen=True)
class Source:
    """A link's true beginning: an output of a node that is in the workflow."""

    node_id: str
    output: int


@dataclass(frozen=True)
class Value:
    """Not a link in the end, but the value a subgraph's instance has for the input."""

    value: Any


Resolved: TypeAlias = "Source | Value | None"


@dataclass(frozen=True)
class _AtInput:
    scope: Scope
    node: LiveNode
    slot: Slot
    wanted: str | None = None
    """The type at the far end, where a reroute stands between."""


@dataclass(frozen=True)
class _AtOutput:
    scope: Scope
    node: LiveNode
    output: int
    wanted: str


_Step: TypeAlias = "_AtInput | _AtOutput"


class Resolver:
    """Resolves the inputs of one loaded document."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Resolved] = {}
        self._setters: dict[int, dict[str, LiveNode]] = {}
        self.lost: list[str] = []
        """Sentences on links that lead nowhere."""

    def resolve(self, scope: Scope, node: LiveNode, slot: Slot) -> Resolved:
        """What an input is fed by. Raises WorkflowError where links go in a circle."""
        if slot.link is None:
            return None
        step: _Step | Source | Value | None = _AtInput(scope, node, slot)
        walked: dict[tuple[object, ...], None] = {}
        result: Resolved = None
        while isinstance(step, (_AtInput, _AtOutput)):
            key = _key(step)
            if key in self._known:
                result = self._known[key]
                break
            if key in walked:
                raise WorkflowError(
                    f"The links at node {step.scope.node_id(step.node)} go round in a circle, so that "
                    "no node begins them. Open the workflow in the editor and take one of them out.",
                    node_id=step.scope.node_id(step.node),
                    title=step.node.title,
                )
            walked[key] = None
            step = self._from_input(step) if isinstance(step, _AtInput) else self._from_output(step)
        else:
            result = step
        for key in walked:
            self._known[key] = result
        return result

    def _from_input(self, at: _AtInput) -> _Step | Source | Value | None:
        scope, slot = at.scope, at.slot
        if slot.link is None:
            return None
        link = scope.graph.links.get(slot.link)
        if link is None:
            self._lose(at, "names a link that is not in the file")
            return None
        if link.origin == INPUT_NODE and scope.instance is not None and scope.parent is not None:
            outside = _outer_slot(scope, link.origin_slot)
            if outside is None:
                self._lose(at, "is linked to an input its subgraph does not have")
                return None
            if outside.link is None:
                return Value(outside.promoted.value) if outside.promoted else None
            return _AtInput(scope.parent, scope.instance, outside)
        node = scope.graph.by_id.get(link.origin)
        if node is None:
            self._lose(at, "is linked to a node that is not there")
            return None
        return _AtOutput(scope, node, link.origin_slot, at.wanted or slot.type)

    def _from_output(self, at: _AtOutput) -> _Step | Source | Value | None:
        scope, node = at.scope, at.node
        if node.mode == MUTED:
            return None
        if node.mode == BYPASSED:
            index = bypass_slot(node, at.output, at.wanted)
            return None if index is None else _AtInput(scope, node, node.slots[index])
        if node.subgraph is not None:
            return _into(scope.within(node), node.subgraph, at)
        if not node.is_virtual:
            return Source(scope.node_id(node), at.output)
        if node.type in REROUTES:
            slot = node.slots[at.output] if 0 <= at.output < len(node.slots) else None
            return _AtInput(scope, node, slot, at.wanted) if slot else None
        if node.type in SETTERS:
            return _AtInput(scope, node, node.slots[0], at.wanted) if node.slots else None
        if node.type in GETTERS:
            return self._from_setter(at)
        return None

    def _from_setter(self, at: _AtOutput) -> _Step | None:
        """To what feeds the setter of a getter's name, in its own graph or one around it."""
        name = at.node.saved_values[0] if at.node.saved_values else None
        scope: Scope | None = at.scope
        while scope is not None and isinstance(name, str):
            setter = self._setters_of(scope.graph).get(name)
            if setter is not None and setter.slots:
                return _AtInput(scope, setter, setter.slots[0], at.wanted)
            scope = scope.parent
        self.lost.append(
            f"Node {at.scope.node_id(at.node)} gets {name!r}, which no node of the workflow sets; what it "
            "feeds was left unlinked."
        )
        return None

    def _setters_of(self, graph: Graph) -> dict[str, LiveNode]:
        found = self._setters.get(id(graph))
        if found is None:
            found = {
                node.saved_values[0]: node
                for node in reversed(graph.nodes)
                if node.type in SETTERS and node.saved_values and isinstance(node.saved_values[0], str)
            }
            self._setters[id(graph)] = found
        return found

    def _lose(self, at: _AtInput, what: str) -> None:
        where = at.scope.node_id(at.node)
        self.lost.append(f'Input "{at.slot.name}" of node {where} {what}; it was left unlinked.')


def bypass_slot(node: LiveNode, output: int, wanted: str) -> int | None:
    """The input that a bypassed node hands on at one of its outputs."""
    slots = node.slots
    if not 0 <= output < len(node.outputs):
        return None
    given = node.outputs[output].type
    if wanted in ("*", ""):
        index = output if output < len(slots) else 0
        return index if slots else None
    if output < len(slots) and fits(slots[output].type, given) and fits(slots[output].type, wanted):
        return output
    for index, slot in enumerate(slots):
        if slot.type == wanted:
            return index
    for index, slot in enumerate(slots):
        if fits(slot.type, given) and fits(slot.type, wanted):
            return index
    return None


def fits(first: str, second: str) -> bool:
    """Whether the editor would link these two types; upper and lower case are alike to it."""
    if first in ("", "*") or second in ("", "*") or first == second:
        return True
    left, right = first.lower().split(","), second.lower().split(",")
    if len(left) == len(right) == 1:
        return left == right
    return bool(set(left) & set(right)) or not {"", "*"}.isdisjoint((*left, *right))


def common_type(types: Sequence[str]) -> str | None:
    """What all of these accept; None where that is nothing."""
    named = [type_.split(",") for type_ in types if type_ != "*"]
    if not named:
        return "*"
    shared = [word for word in dict.fromkeys(named[0]) if all(word in words for words in named)]
    return ",".join(shared) or None


def _outer_slot(scope: Scope, index: int) -> Slot | None:
    slots = scope.instance.slots if scope.instance else []
    return slots[index] if 0 <= index < len(slots) else None


def _into(inside: Scope, subgraph: Subgraph, at: _AtOutput) -> _Step | Value | None:
    link = subgraph.output_link(at.output)
    if link is None:
        return None
    if link.origin == INPUT_NODE:
        # Straight through from an input to an output.
        outer = _outer_slot(inside, link.origin_slot)
        return _AtInput(at.scope, at.node, outer, at.wanted) if outer else None
    node = subgraph.by_id.get(link.origin)
    return _AtOutput(inside, node, link.origin_slot, at.wanted) if node else None


def _key(step: _Step) -> tuple[object, ...]:
    if isinstance(step, _AtInput):
        return (id(step.scope), id(step.slot), step.wanted)
    return (id(step.scope), id(step.node), step.output, step.wanted)
