"""Where the widgets that people see in the editor end up in the workflow.

A subgraph's instance shows widgets of its inner nodes, a primitive drives the widgets it is linked to;
one of them may feed several inputs, each under an id that the file does not have. Asks the loaded
document, so ids are those that conversion gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from comfyui_bridge.core.convert.document import read
from comfyui_bridge.core.convert.graphs import PRIMITIVE, LiveNode, Slot, Subgraph
from comfyui_bridge.core.convert.loading import load
from comfyui_bridge.core.convert.proxies import source_of
from comfyui_bridge.core.convert.resolving import Scope
from comfyui_bridge.core.node_defs import NodeDefs

Place: TypeAlias = "tuple[str, str]"
"""A node of the workflow, and one of its inputs."""

MAX_DEPTH = 64
MAX_PLACES = 10_000


@dataclass(frozen=True)
class Primitive:
    """A primitive, which only the editor has, and the inputs that hold its value."""

    title: str
    places: tuple[Place, ...]


class Places:
    """The widgets of one UI-format document."""

    def __init__(self, document: Mapping[str, Any], node_defs: NodeDefs) -> None:
        self._root = Scope(load(read(document), node_defs).root)
        self._left = MAX_PLACES

    def of_widget(self, node_id: str, name: str) -> tuple[Place, ...]:
        """The inputs behind a widget, named as App mode names it: by a node of the root, or by the inner
        node of a subgraph that shows the widget. None where nothing or more than one thing is meant."""
        node = self._root.graph.by_id.get(node_id)
        if node is not None and _has_widget(node, name):
            return tuple(self._behind(self._root, node, name))
        shown = [
            (host, slot)
            for host in self._root.graph.nodes
            for slot in host.slots
            if host.subgraph is not None and source_of(host, slot) == (node_id, name)
        ]
        if len(shown) != 1:
            return ()
        host, slot = shown[0]
        return tuple(self._behind(self._root, host, slot.name))

    def of_node(self, node_id: str) -> tuple[str, ...]:
        """The ids that a node of the root or of any subgraph has in the workflow."""
        return tuple(scope.node_id(node) for scope, node in self._nodes() if node.id == node_id)

    def primitives(self) -> Iterator[Primitive]:
        for scope, node in self._nodes():
            if node.type == PRIMITIVE and node.definition is None:
                yield Primitive(node.title, tuple(self._behind(scope, node, "")))

    def shared(self) -> Iterator[tuple[Place, ...]]:
        """The groups of inputs that the editor shows as one widget."""
        for scope, node in self._nodes():
            names = [slot.name for slot in node.slots if slot.promoted is not None and slot.link is None]
            for name in names if node.subgraph is not None else ():
                yield from _several(self._behind(scope, node, name))
        for primitive in self.primitives():
            yield from _several(primitive.places)

    def _nodes(self) -> Iterator[tuple[Scope, LiveNode]]:
        """Every node with where it runs; those of each instance on their own."""
        waiting = [self._root]
        count = 0
        while waiting:
            scope = waiting.pop()
            for node in scope.graph.nodes:
                count += 1
                if count > MAX_PLACES:
                    return
                yield scope, node
                if node.subgraph is not None and len(scope.path) < MAX_DEPTH:
                    waiting.append(scope.within(node))

    def _behind(self, scope: Scope, node: LiveNode, name: str) -> Iterator[Place]:
        """The inputs that hold a widget's value in the end."""
        waiting = [(scope, node, name)]
        while waiting and self._left > 0:
            self._left -= 1
            scope, node, name = waiting.pop(0)
            if node.subgraph is not None and len(scope.path) < MAX_DEPTH:
                waiting += [(scope.within(node), *target) for target in _inside(node.subgraph, node, name)]
            elif node.type == PRIMITIVE and node.definition is None:
                waiting += [(scope, *target) for target in _driven(scope, node)]
            elif node.definition is not None:
                yield scope.node_id(node), name


def _inside(subgraph: Subgraph, host: LiveNode, name: str) -> Iterator[tuple[LiveNode, str]]:
    for slot in host.slots:
        if slot.name != name or slot.boundary is None:
            continue
        for key in slot.boundary.link_ids or ():
            link = subgraph.links.get(key)
            target = subgraph.slot_at(link) if link else None
            if target is not None:
                yield target[0], _widget_name(target[1])


def _driven(scope: Scope, primitive: LiveNode) -> Iterator[tuple[LiveNode, str]]:
    for output in primitive.outputs:
        for key in output.links:
            link = scope.graph.links.get(key)
            target = scope.graph.slot_at(link) if link else None
            if target is not None:
                yield target[0], _widget_name(target[1])


def _widget_name(slot: Slot) -> str:
    return slot.widget or slot.name


def _has_widget(node: LiveNode, name: str) -> bool:
    promoted = any(slot.name == name and slot.promoted is not None for slot in node.slots)
    return promoted or node.widget(name) is not None


def _several(places: Iterator[Place] | tuple[Place, ...]) -> Iterator[tuple[Place, ...]]:
    group = tuple(dict.fromkeys(places))
    if len(group) > 1:
        yield group
