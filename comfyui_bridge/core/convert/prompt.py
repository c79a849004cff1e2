"""From loaded graphs to the workflow: which nodes it has, under which ids, with which inputs.

Follows `graphToPrompt` (frontend 1.49.6). The editor forgets that a subgraph is muted or bypassed once
it lies within another; its nodes are in the workflow, so here too, but for the output nodes. So
nothing of them runs, which is what the user meant.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from comfyui_bridge.core.convert.document import is_plain
from comfyui_bridge.core.convert.graphs import BYPASSED, MUTED, Graph, LiveNode
from comfyui_bridge.core.convert.loading import Loaded
from comfyui_bridge.core.convert.primitives import apply_primitives
from comfyui_bridge.core.convert.resolving import Resolver, Scope, Source, Value
from comfyui_bridge.core.convert.specs import NOTHING, Widget, as_text
from comfyui_bridge.core.convert.texts import (
    SAVE_NODES,
    Choose,
    dynamic_prompt,
    has_alternatives,
    replace_names,
)
from comfyui_bridge.core.convert.viewports import viewport_state
from comfyui_bridge.core.errors import UnknownClassType, WorkflowError
from comfyui_bridge.core.workflow import Link, Node, Workflow

MAX_DEPTH = 64
"""Subgraphs within subgraphs."""
MAX_RUNNING = 10_000
"""Nodes of the workflow, with every instance of a subgraph counted on its own."""


_PAGE_ONLY = frozenset(("Load3D", "RecordAudio", "WebcamCapture"))
"""Nodes that need something from the browser: a rendered picture, the camera, the microphone."""


@dataclass(frozen=True)
class _Entry:
    scope: Scope
    node: LiveNode


@dataclass(frozen=True)
class _Open:
    """A graph whose nodes are still to be listed."""

    scope: Scope
    silenced: bool
    """Within a muted or bypassed subgraph, so that nothing of it may run."""


def write(loaded: Loaded, choose: Choose | None, now: datetime | None) -> tuple[Workflow, list[str]]:
    """The workflow of a loaded document, and sentences on what was decided or lost."""
    writer = _Writer(loaded, choose, now)
    return writer.write(), writer.notes


class _Writer:
    def __init__(self, loaded: Loaded, choose: Choose | None, now: datetime | None) -> None:
        self._loaded = loaded
        self._choose = choose
        self._now = now
        self._resolver = Resolver()
        self._names: dict[str, LiveNode] | None = None
        self.notes: list[str] = list(loaded.notes)

    def write(self) -> Workflow:
        entries = list(self._running())
        for graph in (self._loaded.root, *self._loaded.subgraphs.values()):
            self.notes += apply_primitives(graph, self._replace_names)
        nodes = [self._node(entry) for entry in entries]
        self.notes += self._resolver.lost
        if not nodes:
            self.notes.append("Nothing in this workflow runs: it has only notes, or all nodes are muted.")
        nodes.sort(key=lambda node: _order(node.node_id))
        return Workflow(MappingProxyType({node.node_id: node for node in nodes}))

    def _running(self) -> Iterator[_Entry]:
        """The nodes that run, those of subgraphs with them."""
        count = 0
        waiting = [_Open(Scope(self._loaded.root), silenced=False)]
        while waiting:
            graph = waiting.pop()
            for node in graph.scope.graph.nodes:
                off = node.mode in (MUTED, BYPASSED)
                if node.subgraph is None:
                    if off or node.is_virtual or (graph.silenced and _could_run(node)):
                        continue
                elif off and graph.scope.instance is None:
                    continue
                count += 1
                if count > MAX_RUNNING:
                    raise WorkflowError(
                        f"The workflow has more than {MAX_RUNNING} nodes, counting those of each subgraph; "
                        "it is too large to convert."
                    )
                if node.subgraph is not None:
                    waiting.append(_Open(self._inside(graph.scope, node), graph.silenced or off))
                elif node.is_unknown:
                    raise _unknown(graph.scope, node)
                else:
                    yield _Entry(graph.scope, node)

    def _inside(self, scope: Scope, instance: LiveNode) -> Scope:
        around = scope
        while around.instance is not None and around.parent is not None:
            if around.graph is instance.subgraph:
                raise WorkflowError(
                    f'Subgraph "{instance.title}" contains itself, at node {scope.node_id(instance)}.',
                    node_id=scope.node_id(instance),
                    title=instance.title,
                )
            around = around.parent
        if len(scope.path) >= MAX_DEPTH:
            raise WorkflowError(
                f"Subgraphs are nested more than {MAX_DEPTH} deep, at node {scope.node_id(instance)}.",
                node_id=scope.node_id(instance),
                title=instance.title,
            )
        return scope.within(instance)

    def _node(self, entry: _Entry) -> Node:
        scope, node = entry.scope, entry.node
        node_id = scope.node_id(node)
        inputs: dict[str, Any] = {}
        for widget in node.widgets:
            if not widget.in_prompt or not widget.name:
                continue
            value = self._value(node_id, node, widget)
            if value is NOTHING:
                inputs.pop(widget.name, None)
                continue
            content = self._wrapped(node_id, widget.name, value)
            if isinstance(value, (list, tuple)) and widget.spec and widget.spec.widget_type == "CURVE":
                content = {"__type__": "CURVE", **content}
            inputs[widget.name] = content
        for slot in node.slots:
            match self._resolver.resolve(scope, node, slot):
                case Source(node_id=origin, output=output):
                    inputs[slot.name] = Link(origin, output)
                case Value(value=value) if value is NOTHING:
                    inputs.pop(slot.name, None)
                case Value(value=value):
                    inputs[slot.name] = self._wrapped(node_id, slot.name, value)
        return Node(
            node_id, node.type, MappingProxyType(inputs), node.title, {"_meta": {"title": node.title}}
        )

    def _wrapped(self, node_id: str, name: str, value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return None  # as in JavaScript's JSON
        # A bare list would be a link to the server.
        if isinstance(value, (list, tuple, Mapping)) and not is_plain(value):
            raise WorkflowError(
                f'The value of input "{name}" of node {node_id} is nested too deeply or too large.',
                node_id=node_id,
            )
        return {"__value__": list(value)} if isinstance(value, (list, tuple)) else value

    def _value(self, node_id: str, node: LiveNode, widget: Widget) -> Any:
        value = widget.value
        if widget.options is not None and as_text(value) not in widget.options:
            self.notes.append(
                f'Input "{widget.name}" of node {node_id} ({node.type}) has the value '
                f"{as_text(value)[:100]!r}, which this server does not offer; "
                "what belonged to it was left out."
            )
        if widget.fixed:
            return self._computed(node_id, node, widget)
        if not isinstance(value, str):
            return value
        if widget.dynamic_prompts and self._choose is not None:
            text = dynamic_prompt(value, self._choose)
            if has_alternatives(value):
                self.notes.append(
                    f'The alternatives in input "{widget.name}" of node {node_id} were decided: {text[:200]}'
                )
            return text
        if widget.name == "filename_prefix" and node.type in SAVE_NODES:
            return self._replace_names(value)
        return value

    def _computed(self, node_id: str, node: LiveNode, widget: Widget) -> Any:
        if node.type == "CustomCombo":
            return _chosen_index(node)
        state = viewport_state(node) if widget.name == "viewport_state" else None
        if state is None and node.type in _PAGE_ONLY:
            self.notes.append(
                f'Input "{widget.name}" of node {node_id} ({node.type}) was left empty: only the editor\'s '
                "own page can record or render it."
            )
        return widget.value if state is None else state

    def _replace_names(self, text: str) -> str:
        return replace_names(text, self._named_value, self._now) if "%" in text else text

    def _named_value(self, name: str, widget_name: str) -> str | None:
        node = self._named(name)
        widget = node.widget(widget_name) if node else None
        return None if widget is None else as_text(widget.value)

    def _named(self, name: str) -> LiveNode | None:
        if self._names is None:
            everyone = list(_everyone(self._loaded.root))
            by_title = {node.title: node for node in reversed(everyone)}
            by_name = {
                key: node
                for node in reversed(everyone)
                if isinstance(key := node.properties.get("Node name for S&R"), str)
            }
            self._names = {**by_title, **by_name}
        return self._names.get(name)


def _could_run(node: LiveNode) -> bool:
    return node.definition is None or node.definition.output_node


def _everyone(graph: Graph) -> Iterator[LiveNode]:
    """All nodes, those within a subgraph before its instance; each definition is walked once."""
    seen: set[int] = set()
    stack: list[tuple[Iterator[LiveNode], LiveNode | None]] = [(iter(graph.nodes), None)]
    while stack:
        nodes, instance = stack[-1]
        node = next(nodes, None)
        if node is None:
            stack.pop()
            if instance is not None:
                yield instance
        elif node.subgraph is not None and id(node.subgraph) not in seen:
            seen.add(id(node.subgraph))
            stack.append((iter(node.subgraph.nodes), node))
        else:
            yield node


def _chosen_index(node: LiveNode) -> int:
    chosen = node.widgets[0].value
    options = [widget.value for widget in node.widgets[2:]]
    return options.index(chosen) if chosen in options else -1


def _unknown(scope: Scope, node: LiveNode) -> UnknownClassType:
    node_id = scope.node_id(node)
    called = f' ("{node.title}")' if node.title and node.title != node.type else ""
    return UnknownClassType(
        f'Node {node_id}{called} is of type "{node.type}", which this server does not have. Install the '
        "extension that provides it on the server, or update ComfyUI there.",
        node_id=node_id,
        title=node.title,
    )


def _order(node_id: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers in their order, inner nodes behind their instance's number."""
    parts = node_id.split(":")
    return tuple((0, int(p[:18]), "") if p.isdecimal() else (1, 0, p) for p in parts)
