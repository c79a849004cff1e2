"""A workflow: ComfyUI's graph in API format, as an immutable value.

`{node_id: {class_type, inputs, _meta}}` becomes nodes whose inputs are links or values. Whatever the
document carried beside these stays where it was, so that writing an unchanged workflow gives it back.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeAlias

from comfyui_bridge.core.errors import BrokenLink, NotApiFormat

JsonValue: TypeAlias = Any
"""What JSON can hold. A list as a value stays wrapped as {"__value__": [...]}, as the server wants it."""


@dataclass(frozen=True)
class Link:
    """An input's content that comes from another node's output."""

    node_id: str
    output: int

    def to_api(self) -> list[Any]:
        return [self.node_id, self.output]


@dataclass(frozen=True)
class Node:
    """One entry of a workflow."""

    node_id: str
    class_type: str
    inputs: Mapping[str, Link | JsonValue]
    title: str = ""
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The entry as it was read, for the keys we have no word for."""

    @property
    def name(self) -> str:
        """What people call it: its title, else its class_type."""
        return self.title or self.class_type

    def links(self) -> Iterator[tuple[str, Link]]:
        """The inputs that are links, in the document's order."""
        for name, content in self.inputs.items():
            if isinstance(content, Link):
                yield name, content

    def to_api(self) -> dict[str, Any]:
        entry = dict(self.document)
        entry["inputs"] = {
            name: content.to_api() if isinstance(content, Link) else content
            for name, content in self.inputs.items()
        }
        entry["class_type"] = self.class_type
        if self.title and self.title != _title_of(entry):
            entry["_meta"] = {**(entry.get("_meta") or {}), "title": self.title}
        return entry


@dataclass(frozen=True)
class Workflow:
    """An immutable graph of nodes, keyed by node_id in the document's order."""

    nodes: Mapping[str, Node]

    def __contains__(self, node_id: str) -> bool:
        return node_id in self.nodes

    def node(self, node_id: str) -> Node:
        """The node of that id. Raises BrokenLink if there is none."""
        try:
            return self.nodes[node_id]
        except KeyError:
            raise BrokenLink(f"The workflow has no node {node_id}.", node_id=node_id) from None

    def of_class(self, *class_types: str) -> tuple[Node, ...]:
        """The nodes of these class_types, in the document's order."""
        return tuple(node for node in self.nodes.values() if node.class_type in class_types)

    def consumers(self, node_id: str, output: int | None = None) -> tuple[tuple[Node, str], ...]:
        """The (node, input name) pairs that a node's output feeds; any output if none is named."""
        return tuple(
            (node, name)
            for node in self.nodes.values()
            for name, link in node.links()
            if link.node_id == node_id and output in (None, link.output)
        )

    def upstream(self, *node_ids: str) -> tuple[str, ...]:
        """The ids of nodes and of everything they depend on, nearest first; cycles are walked once."""
        seen: dict[str, None] = {}
        waiting = deque(node_ids)
        while waiting:
            current = waiting.popleft()
            if current in seen or current not in self.nodes:
                continue
            seen[current] = None
            waiting += [link.node_id for _, link in self.nodes[current].links()]
        return tuple(seen)

    def with_input(self, node_id: str, name: str, content: Link | JsonValue) -> Workflow:
        """A copy in which one input of one node holds this link or value."""
        node = self.node(node_id)
        return self.with_node(replace(node, inputs=MappingProxyType({**node.inputs, name: content})))

    def with_inputs(self, contents: Mapping[str, Mapping[str, Link | JsonValue]]) -> Workflow:
        """A copy with these contents by node_id and input; one by one would copy all nodes for each."""
        nodes = dict(self.nodes)
        for node_id, changed in contents.items():
            node = self.node(node_id)
            nodes[node_id] = replace(node, inputs=MappingProxyType({**node.inputs, **changed}))
        return Workflow(MappingProxyType(nodes))

    def with_node(self, node: Node) -> Workflow:
        """A copy with this node put in the place of the one with its id, or at the end."""
        return Workflow(MappingProxyType({**self.nodes, node.node_id: node}))

    def free_id(self) -> str:
        """An id no node has: one above the highest plain number in use, compound ids included."""
        numbers = [int(part) for node_id in self.nodes for part in node_id.split(":") if part.isdecimal()]
        return str(max(numbers, default=0) + 1)

    def fingerprint(self) -> str:
        """Another text for another computation; titles and unknown keys do not count."""
        content = {
            node_id: [node.class_type, node.to_api()["inputs"]] for node_id, node in self.nodes.items()
        }
        # Half a surrogate pair has no UTF-8, but an ASCII spelling.
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def to_api(self) -> dict[str, Any]:
        """The API-format document, the caller's own to change."""
        return copy.deepcopy({node_id: node.to_api() for node_id, node in self.nodes.items()})


def is_ui_format(document: object) -> bool:
    """Whether this is what the editor saves (nodes, links, widgets_values) rather than API format."""
    return isinstance(document, Mapping) and isinstance(document.get("nodes"), list)


def parse(document: object) -> Workflow:
    """Read an API-format document.

    Raises NotApiFormat for anything else, with the node that is wrong. Links to nodes that are not
    there are kept, for the server to judge; `broken_links` tells them.
    """
    if is_ui_format(document):
        raise NotApiFormat(
            "This workflow is in UI format (it has a list of nodes); convert it to API format first."
        )
    if not isinstance(document, Mapping):
        raise NotApiFormat(f"A workflow is a JSON object of nodes, not {_kind(document)}.")
    if not document:
        raise NotApiFormat("The workflow has no nodes.")
    return Workflow(
        MappingProxyType({str(key): _parse_node(str(key), entry) for key, entry in document.items()})
    )


def broken_links(workflow: Workflow) -> tuple[tuple[Node, str, Link], ...]:
    """The links that lead to no node: (node, input name, link)."""
    return tuple(
        (node, name, link)
        for node in workflow.nodes.values()
        for name, link in node.links()
        if link.node_id not in workflow.nodes
    )


def _parse_node(node_id: str, entry: object) -> Node:
    if not isinstance(entry, Mapping):
        raise NotApiFormat(f'Node "{node_id}" should be an object, not {_kind(entry)}.', node_id=node_id)
    class_type = entry.get("class_type")
    if not isinstance(class_type, str) or not class_type:
        raise NotApiFormat(
            f'Node "{node_id}" has no class_type. Export the workflow again with "Export (API)".',
            node_id=node_id,
        )
    inputs = entry.get("inputs", {})
    if not isinstance(inputs, Mapping):
        raise NotApiFormat(
            f'The inputs of node "{node_id}" should be an object, not {_kind(inputs)}.', node_id=node_id
        )
    contents = {str(name): _parse_content(content) for name, content in inputs.items()}
    return Node(node_id, class_type, MappingProxyType(contents), _title_of(entry), entry)


def _parse_content(content: object) -> Link | JsonValue:
    # ComfyUI's own rule (comfy_execution/graph_utils.py, is_link): a list of two, an id and a number.
    if isinstance(content, list) and len(content) == 2:
        node_id, output = content
        if isinstance(node_id, str) and isinstance(output, int) and not isinstance(output, bool):
            return Link(node_id, output)
    return content


def _title_of(entry: Mapping[str, Any]) -> str:
    meta = entry.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    return title if isinstance(title, str) else ""


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
