"""Loading: records become live graphs, subgraph definitions first, then the root.

Follows `LGraph.configure` (frontend 1.49.6): ids are made unique, nodes are made and configured,
duplicate links go, instances of subgraphs get their promoted widgets. `load` gives back what the
editor would show right after opening the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from comfyui_bridge.core.convert.document import (
    INPUT_NODE,
    OUTPUT_NODE,
    Document,
    GraphRecord,
    LinkId,
    NodeRecord,
    SubgraphRecord,
)
from comfyui_bridge.core.convert.graphs import Graph, LiveNode, Output, Slot, Subgraph, promote
from comfyui_bridge.core.convert.groups import expand_groups
from comfyui_bridge.core.convert.matching import narrow_types
from comfyui_bridge.core.convert.nodes import (
    configure,
    configure_virtual,
    fill_empty_combos,
    from_definition,
    remove_stale_slots,
    retarget_links,
)
from comfyui_bridge.core.convert.proxies import promote_proxies
from comfyui_bridge.core.convert.specs import Spec, specs_of
from comfyui_bridge.core.node_defs import NodeDefs

MAX_PASSES = 100
"""Times the editor would walk one definition's nodes; no definition has more slots to drop."""


@dataclass
class Loaded:
    """A document after loading."""

    root: Graph
    subgraphs: dict[str, Subgraph]
    notes: list[str]


def load(document: Document, node_defs: NodeDefs) -> Loaded:
    """The document as the editor would have it, opened; changes the records."""
    expand_groups(document, node_defs)
    make_ids_unique(document)
    return _Loader(document, node_defs).load()


def make_ids_unique(document: Document) -> None:
    """Give inner nodes whose id is taken the next free one, and tell their links.

    The root's ids are reserved; definitions keep theirs in file order as long as they are free.
    """
    last = document.last_node_id
    used = {node.id for node in document.root.nodes if node.id is not None}
    definitions = {subgraph.id for subgraph in document.subgraphs}
    remapped: dict[str, dict[str, str]] = {}
    for subgraph in document.subgraphs:
        changes: dict[str, str] = {}
        for node in subgraph.graph.nodes:
            if node.id is None:
                continue
            if node.id in used:
                last += 1
                while str(last) in used:
                    last += 1
                changes[node.id] = node.id = str(last)
            elif node.id.isdecimal():
                last = max(last, int(node.id[:18]))
            used.add(node.id)
        for link in subgraph.graph.links:
            link.origin = changes.get(link.origin, link.origin)
            link.target = changes.get(link.target, link.target)
        remapped[subgraph.id] = changes
    document.last_node_id = last
    for graph in [document.root, *(subgraph.graph for subgraph in document.subgraphs)]:
        for node in graph.nodes:
            renamed = remapped.get(node.type) if node.type in definitions else None
            entries = node.properties.get("proxyWidgets")
            if renamed and isinstance(entries, list):
                node.properties = {
                    **node.properties,
                    "proxyWidgets": [_remapped_entry(entry, renamed) for entry in entries],
                }


def _remapped_entry(entry: object, changes: dict[str, str]) -> object:
    if isinstance(entry, list) and entry:
        return [changes.get(str(entry[0]), entry[0]), *entry[1:]]
    return entry


class _Loader:
    """Loads one document. Holds what all its graphs share."""

    def __init__(self, document: Document, node_defs: NodeDefs) -> None:
        self._document = document
        self._node_defs = node_defs
        self._last_node_id = document.last_node_id
        self._subgraphs: dict[str, Subgraph] = {}
        self._notes: list[str] = []
        self._specs: dict[str, list[Spec]] = {}

    def load(self) -> Loaded:
        records = {record.id: record for record in self._document.subgraphs}
        for record in records.values():
            self._subgraphs[record.id] = Subgraph(
                id=record.id, name=record.name, inputs=record.inputs, outputs=record.outputs
            )
        ordered = [self._subgraphs[record.id] for record in leaves_first(list(records.values()))]
        for subgraph in ordered:
            self._fill(subgraph, records[subgraph.id].graph)
        root = Graph()
        self._fill(root, self._document.root)
        self._finish([root, *reversed(ordered)])
        return Loaded(root, self._subgraphs, self._notes)

    def _fill(self, graph: Graph, record: GraphRecord) -> None:
        graph.links = {link.id: link for link in record.links}
        if isinstance(graph, Subgraph):
            _complete_boundary(graph)
        records: dict[str, NodeRecord] = {}
        for entry in record.nodes:
            node = self._make(entry)
            while node.id in graph.by_id:
                node.id = self._next_id()
            if node.id.isdecimal():
                self._last_node_id = max(self._last_node_id, int(node.id[:18]))
            node.links = graph.links
            graph.nodes.append(node)
            graph.by_id[node.id] = node
            records[node.id] = entry
        for node in graph.nodes:
            self._configure(node, records[node.id])
        remove_duplicate_links(graph)
        if isinstance(graph, Subgraph):
            _repair_boundary(graph)
        for node in graph.nodes:
            if node.subgraph is not None:
                promote_proxies(node)

    def _next_id(self) -> str:
        self._last_node_id += 1
        return str(self._last_node_id)

    def _make(self, record: NodeRecord) -> LiveNode:
        node_id = record.id or self._next_id()
        definition = self._node_defs.get(record.type)
        subgraph = self._subgraphs.get(record.type)
        if subgraph is not None:
            return LiveNode(node_id, record.type, title=subgraph.name, subgraph=subgraph)
        if definition is not None:
            specs = self._specs.get(record.type)
            if specs is None:
                specs = self._specs[record.type] = specs_of(definition)
            return from_definition(node_id, definition, specs)
        return LiveNode(node_id, record.type, title=record.type)

    def _configure(self, node: LiveNode, record: NodeRecord) -> None:
        if node.subgraph is not None:
            configure_instance(node, record)
        elif node.definition is not None:
            configure(node, record)
        else:
            configure_virtual(node, record)

    def _finish(self, graphs: Sequence[Graph]) -> None:
        """Last corrections; the root comes first, and each definition behind those that use it."""
        for graph in graphs:
            for node in graph.nodes:
                retarget_links(node)
        passes = {id(graphs[0]): 1}
        for graph in graphs:
            count = passes.get(id(graph), 0)
            for node in graph.nodes:
                if node.subgraph is not None:
                    key = id(node.subgraph)
                    passes[key] = min(passes.get(key, 0) + count, MAX_PASSES)
                if node.definition is not None:
                    remove_stale_slots(node, passes=count)
                fill_empty_combos(node)
            self._notes += narrow_types(graph)


def configure_instance(node: LiveNode, record: NodeRecord) -> None:
    """Lay a record over an instance of a subgraph: slots by name, then its promoted widgets."""
    assert node.subgraph is not None
    node.mode = record.mode
    node.title = record.title or node.title
    node.properties.update(record.properties)
    saved = {slot.name: slot for slot in record.inputs}
    for boundary in node.subgraph.inputs:
        entry = saved.get(boundary.name)
        node.slots.append(
            Slot(boundary.name, boundary.type, entry.link if entry else None, boundary=boundary)
        )
    for index, boundary in enumerate(node.subgraph.outputs):
        links = record.outputs[index].links if index < len(record.outputs) else []
        node.outputs.append(Output(boundary.name, boundary.type, links))
    for slot in node.slots:
        promote(node, slot)
    _deal_promoted(node, record)
    node.saved_values = record.values
    node.subgraph.instances.append(node)


def _deal_promoted(node: LiveNode, record: NodeRecord) -> None:
    kept = dict(_kept_values(node.properties.get("proxyWidgetErrorQuarantine")))
    promoted = [slot for slot in node.slots if slot.promoted]
    for index, slot in enumerate(promoted):
        assert slot.promoted is not None
        if slot.name in kept:
            slot.promoted.value = kept[slot.name]
        elif record.named_values is not None:
            if slot.name in record.named_values:
                slot.promoted.value = record.named_values[slot.name]
        elif record.values is not None and index < len(record.values):
            slot.promoted.value = record.values[index]


def _kept_values(entries: object) -> Iterator[tuple[str, object]]:
    # Values the editor put aside when it could not place them at an earlier load.
    for entry in reversed(entries) if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("hostValue") is not None:
            original = entry.get("originalEntry")
            if isinstance(original, list) and len(original) > 1 and original[0] == "-1":
                yield str(original[1]), entry["hostValue"]


def leaves_first(records: list[SubgraphRecord]) -> list[SubgraphRecord]:
    """Definitions in an order in which each comes after those it uses; as given if they go in circles."""
    by_id = {record.id: record for record in records}
    dependents: dict[str, list[str]] = {key: [] for key in by_id}
    missing = dict.fromkeys(by_id, 0)
    for record in records:
        for used in {node.type for node in record.graph.nodes} & by_id.keys():
            dependents[used].append(record.id)
            missing[record.id] += 1
    ready = [key for key, count in missing.items() if not count]
    for key in ready:
        for dependent in dependents[key]:
            missing[dependent] -= 1
            if not missing[dependent]:
                ready.append(dependent)
    return [by_id[key] for key in ready] if len(ready) == len(records) else records


def remove_duplicate_links(graph: Graph) -> None:
    """Keep one of several links between the same two slots: the one the input slot names."""
    groups: dict[tuple[str, int, str, int], list[LinkId]] = {}
    for key, link in graph.links.items():
        ends = (link.origin, link.origin_slot, link.target, link.target_slot)
        groups.setdefault(ends, []).append(key)
    for (origin, slot, target, _), keys in groups.items():
        if len(keys) < 2:
            continue
        doubles = set(keys)
        node = graph.by_id.get(target)
        named = next((s.link for s in node.slots if s.link in doubles), None) if node else None
        keep = keys[0] if named is None else named
        for key in keys:
            if key != keep:
                del graph.links[key]
        source = graph.by_id.get(origin)
        if source and 0 <= slot < len(source.outputs):
            output = source.outputs[slot]
            output.links = [key for key in output.links if key == keep or key not in doubles]
        for entry in node.slots if node else ():
            if entry.link in doubles:
                entry.link = keep


def _repair_boundary(subgraph: Subgraph) -> None:
    """Let the definition's inputs and outputs name links that are there."""
    by_origin = {
        link.origin_slot: key for key, link in reversed(subgraph.links.items()) if link.origin == INPUT_NODE
    }
    by_target = {
        link.target_slot: key for key, link in reversed(subgraph.links.items()) if link.target == OUTPUT_NODE
    }
    for slots, by_slot in ((subgraph.inputs, by_origin), (subgraph.outputs, by_target)):
        for index, slot in enumerate(slots):
            listed = slot.link_ids or ()
            slot.link_ids = [key if key in subgraph.links else by_slot.get(index, key) for key in listed]


def _complete_boundary(subgraph: Subgraph) -> None:
    for index, slot in enumerate(subgraph.inputs):
        if slot.link_ids is None:
            slot.link_ids = [
                link.id
                for link in subgraph.links.values()
                if link.origin == INPUT_NODE and link.origin_slot == index
            ]
    for index, slot in enumerate(subgraph.outputs):
        if slot.link_ids is None:
            slot.link_ids = [
                link.id
                for link in subgraph.links.values()
                if link.target == OUTPUT_NODE and link.target_slot == index
            ]
