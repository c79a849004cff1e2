"""A UI-format document as records: nodes, slots, links, subgraph definitions.

The only place that touches the file's JSON. Versions 0.4 and 1, links as arrays or as objects, and
node ids as numbers or texts become one form; whatever has the wrong type is left out where the file
still makes sense without it, and refused with a sentence where it does not. Nothing here is bigger
or deeper than `LIMITS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from comfyui_bridge.core.errors import WorkflowError

LinkId: TypeAlias = "int | str"

MAX_NODES = 10_000
"""Nodes of one document, all graphs together; the editor itself stops at 10,000 a graph."""
MAX_SLOTS = 100_000
"""Links and slots of one document, all graphs together."""
MAX_VALUE_DEPTH = 64
"""Lists and objects within one value."""
MAX_VALUE_ENTRIES = 200_000
"""Entries of one value at one depth."""

INPUT_NODE = "-10"
"""The origin of links that come from a subgraph's own inputs."""
OUTPUT_NODE = "-20"
"""The target of links that go to a subgraph's own outputs."""


@dataclass
class SlotRecord:
    """An input or output of a node as the file has it."""

    name: str
    type: str
    link: LinkId | None = None
    widget: str | None = None
    links: list[LinkId] = field(default_factory=list)


@dataclass
class NodeRecord:
    id: str | None
    type: str
    title: str
    mode: int
    inputs: list[SlotRecord]
    outputs: list[SlotRecord]
    values: list[Any] | None
    """widgets_values as a list."""
    named_values: Mapping[str, Any] | None
    """widgets_values as an object keyed by widget name, as some extensions save it."""
    properties: Mapping[str, Any]


@dataclass
class LinkRecord:
    id: LinkId
    origin: str
    origin_slot: int
    target: str
    target_slot: int
    type: str = "*"


@dataclass(eq=False)
class BoundarySlot:
    """An input or output of a subgraph definition."""

    name: str
    type: str
    link_ids: list[LinkId] | None
    """None where the file does not say; the links themselves tell then."""


@dataclass
class GraphRecord:
    nodes: list[NodeRecord]
    links: list[LinkRecord]


@dataclass
class SubgraphRecord:
    id: str
    name: str
    graph: GraphRecord
    inputs: list[BoundarySlot]
    outputs: list[BoundarySlot]


@dataclass
class Document:
    root: GraphRecord
    subgraphs: list[SubgraphRecord]
    last_node_id: int
    groups: Mapping[str, Any]
    """extra.groupNodes: the old group nodes, by name."""


def read(document: object) -> Document:
    """Read a UI-format document. Raises WorkflowError for anything that is none."""
    if not isinstance(document, Mapping) or not isinstance(document.get("nodes"), list):
        raise WorkflowError(
            "This is no workflow as ComfyUI's editor saves it: it has no list of nodes. "
            "Save it again from the editor."
        )
    budget = _Budget()
    root = read_graph(document, budget)
    subgraphs = list(_read_subgraphs(document, budget))
    extra = document.get("extra")
    groups = extra.get("groupNodes") if isinstance(extra, Mapping) else None
    return Document(root, subgraphs, _last_node_id(document), groups if isinstance(groups, Mapping) else {})


class _Budget:
    """What is left of the document's allowance of nodes and slots."""

    def __init__(self) -> None:
        self.nodes = MAX_NODES
        self.slots = MAX_SLOTS

    def take_nodes(self, count: int) -> None:
        self.nodes -= count
        if self.nodes < 0:
            raise WorkflowError(f"The workflow has more than {MAX_NODES} nodes; it is too large to convert.")

    def take_slots(self, count: int) -> None:
        self.slots -= count
        if self.slots < 0:
            raise WorkflowError(
                f"The workflow has more than {MAX_SLOTS} links and slots; it is too large to convert."
            )


def read_graph(graph: Mapping[str, Any], budget: _Budget | None = None) -> GraphRecord:
    """Read one graph's nodes and links."""
    budget = budget or _Budget()
    nodes = _list(graph.get("nodes"))
    budget.take_nodes(len(nodes))
    return GraphRecord(
        [_read_node(index, node, budget) for index, node in enumerate(nodes)],
        list(_read_links(graph.get("links"), budget)),
    )


def _read_subgraphs(document: Mapping[str, Any], budget: _Budget) -> Iterator[SubgraphRecord]:
    # Definitions may carry definitions of their own; the editor keeps all of them in one list.
    waiting = [document]
    seen: set[str] = set()
    while waiting:
        definitions = waiting.pop(0).get("definitions")
        listed = definitions.get("subgraphs") if isinstance(definitions, Mapping) else None
        for entry in _list(listed):
            budget.take_nodes(1)
            if not isinstance(entry, Mapping) or not isinstance(entry.get("id"), str):
                continue
            if entry["id"] in seen:
                continue
            seen.add(entry["id"])
            waiting.append(entry)
            yield SubgraphRecord(
                id=entry["id"],
                name=text(entry.get("name")),
                graph=read_graph(entry, budget),
                inputs=list(_read_boundary(entry.get("inputs"), budget)),
                outputs=list(_read_boundary(entry.get("outputs"), budget)),
            )


def _read_boundary(slots: object, budget: _Budget) -> Iterator[BoundarySlot]:
    entries = _list(slots)
    budget.take_slots(len(entries))
    for entry in entries:
        if not isinstance(entry, Mapping):
            entry = {}
        ids = entry.get("linkIds")
        link_ids = None
        if isinstance(ids, list):
            budget.take_slots(len(ids))
            link_ids = [key for key in map(link_id, ids) if key is not None]
        yield BoundarySlot(text(entry.get("name")), _type(entry.get("type")), link_ids)


def _read_node(index: int, node: object, budget: _Budget) -> NodeRecord:
    if not isinstance(node, Mapping):
        raise WorkflowError(
            f"Entry {index} of the workflow's nodes is no object. Save the workflow again from the editor."
        )
    key = node_id(node.get("id"))
    type_ = node.get("type")
    if not isinstance(type_, str) or not type_:
        raise WorkflowError(
            f"Node {key or index} of the workflow has no type. Save the workflow again from the editor.",
            node_id=key or "",
        )
    values = node.get("widgets_values")
    listed = list(values) if isinstance(values, (list, tuple)) else None
    named = values if isinstance(values, Mapping) else None
    budget.take_slots(len(listed or named or ()))
    properties = node.get("properties")
    mode = _whole(node.get("mode"))
    return NodeRecord(
        id=None if key == "-1" else key,
        type=type_,
        title=text(node.get("title")),
        mode=mode or 0,
        inputs=list(_read_slots(node.get("inputs"), budget)),
        outputs=list(_read_slots(node.get("outputs"), budget)),
        values=listed,
        named_values=named,
        properties=properties if isinstance(properties, Mapping) else {},
    )


def _read_slots(slots: object, budget: _Budget) -> Iterator[SlotRecord]:
    entries = _list(slots)
    budget.take_slots(len(entries))
    for entry in entries:
        if not isinstance(entry, Mapping):
            entry = {}
        widget = entry.get("widget")
        links = _list(entry.get("links"))
        budget.take_slots(len(links))
        yield SlotRecord(
            name=text(entry.get("name")),
            type=_type(entry.get("type")),
            link=link_id(entry.get("link")),
            widget=text(widget.get("name")) or None if isinstance(widget, Mapping) else None,
            links=[key for key in map(link_id, links) if key is not None],
        )


def _read_links(links: object, budget: _Budget) -> Iterator[LinkRecord]:
    entries: Sequence[Any] = list(links.values()) if isinstance(links, Mapping) else _list(links)
    budget.take_slots(len(entries))
    for entry in entries:
        if isinstance(entry, Mapping):
            keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
            row = [entry.get(key) for key in keys]
        elif isinstance(entry, (list, tuple)):
            row = [*entry[:6], *([None] * (6 - len(entry)))]
        else:
            continue
        key, origin, target = link_id(row[0]), node_id(row[1]), node_id(row[3])
        if key is not None and origin is not None and target is not None:
            yield LinkRecord(key, origin, _slot(row[2]), target, _slot(row[4]), _type(row[5]))


def link_id(value: object) -> LinkId | None:
    """A link's id as one form: 7, 7.0 and "7" are the same link."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < 20 else value
    return _whole(value)


def node_id(value: object) -> str | None:
    """A node's id as text; None where it has none."""
    if isinstance(value, str):
        return value or None
    whole = _whole(value)
    return None if whole is None else str(whole)


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def is_plain(value: object) -> bool:
    """Whether a value's lists and objects are no deeper and no more than anyone needs."""
    level: list[object] = [value]
    for _ in range(MAX_VALUE_DEPTH):
        below: list[object] = []
        for entry in level:
            if isinstance(entry, Mapping):
                below += entry.values()
            elif isinstance(entry, (list, tuple)):
                below += entry
        if not below:
            return True
        if len(below) > MAX_VALUE_ENTRIES:
            return False
        level = below
    return False


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if abs(value) < 2**63 else None


def _slot(value: object) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    whole = _whole(value)
    return -1 if whole is None else whole


def _type(value: object) -> str:
    # A slot's type may be a list of choices in old files, or the number 0 for "any".
    if isinstance(value, str):
        return value
    return "COMBO" if isinstance(value, list) else "*"


def _last_node_id(document: Mapping[str, Any]) -> int:
    state = document.get("state")
    found = [document.get("last_node_id"), state.get("lastNodeId") if isinstance(state, Mapping) else None]
    return max((whole for whole in map(_whole, found) if whole is not None), default=0)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
