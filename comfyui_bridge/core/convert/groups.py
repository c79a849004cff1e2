"""Group nodes, the forerunners of subgraphs: each instance becomes a subgraph of its own.

`extra.groupNodes` has, by name, the nodes within and their links by position; an instance is a node of
type "workflow>NAME" that shows the widgets and free slots of all of them. Ids are given as the editor
gives them: the nodes within first, then the instance (frontend 1.58.1; 1.49.6 misplaces values behind
a combo).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from comfyui_bridge.core.convert.document import (
    INPUT_NODE,
    OUTPUT_NODE,
    BoundarySlot,
    Document,
    GraphRecord,
    LinkRecord,
    NodeRecord,
    SlotRecord,
    SubgraphRecord,
    read_graph,
    text,
)
from comfyui_bridge.core.convert.nodes import configure, from_definition
from comfyui_bridge.core.convert.specs import WIDGET_TYPES
from comfyui_bridge.core.errors import WorkflowError
from comfyui_bridge.core.node_defs import SEED_NAMES, InputDef, NodeDef, NodeDefs, parse_input

PREFIXES = ("workflow>", "workflow/")
MAX_GROUPED = 2_000
"""Nodes within group nodes, with every instance counted on its own."""


@dataclass
class _Face:
    """What a group shows of one of its nodes: inner names to the group's own."""

    record: NodeRecord
    definition: NodeDef | None
    config: Mapping[str, Any]
    widgets: dict[str, str] = field(default_factory=dict)
    slots: dict[str, str] = field(default_factory=dict)


def expand_groups(document: Document, node_defs: NodeDefs) -> None:
    """Replace the group nodes of the root by instances of new subgraphs."""
    expander = _Expander(document, node_defs)
    for index, node in enumerate(document.root.nodes):
        if (group := _group_of(document, node)) is not None:
            document.root.nodes[index] = expander.expand(node, group)


def _group_of(document: Document, node: NodeRecord) -> Mapping[str, Any] | None:
    prefix = next((word for word in PREFIXES if node.type.startswith(word)), None)
    group = document.groups.get(node.type[len(prefix) :]) if prefix else None
    return group if isinstance(group, Mapping) and isinstance(group.get("nodes"), list) else None


class _Expander:
    def __init__(self, document: Document, node_defs: NodeDefs) -> None:
        self._document = document
        self._node_defs = node_defs
        graphs = [document.root, *(subgraph.graph for subgraph in document.subgraphs)]
        ids = [node.id for graph in graphs for node in graph.nodes]
        taken = [int(key) for key in ids if key is not None and key.isdecimal() and len(key) < 18]
        self._last = max([document.last_node_id, *taken])
        self._room = MAX_GROUPED

    def expand(self, node: NodeRecord, group: Mapping[str, Any]) -> NodeRecord:
        inner = read_graph({"nodes": group["nodes"]}).nodes
        self._room -= len(inner)
        if self._room < 0:
            raise WorkflowError(
                f"The workflow's group nodes have more than {MAX_GROUPED} nodes in all; "
                "it is too large to convert."
            )
        configs = group.get("config")
        configs = configs if isinstance(configs, Mapping) else {}
        faces = []
        for index, record in enumerate(inner):
            record.id = self._next_id()
            config = configs.get(str(index), configs.get(index))
            definition = self._node_defs.get(record.type)
            faces.append(_Face(record, definition, config if isinstance(config, Mapping) else {}))
        links = list(_links(group.get("links"), faces))
        inputs = list(_inputs(faces, links))
        self._deal_values(node, faces, inputs)
        instance_id = self._next_id()
        subgraph = self._subgraph(instance_id, node, faces, links, group)
        self._document.subgraphs.append(subgraph)
        self._document.last_node_id = self._last
        self._redirect(node, instance_id)
        return self._instance(instance_id, node, subgraph, faces)

    def _next_id(self) -> str:
        self._last += 1
        return str(self._last)

    def _deal_values(self, node: NodeRecord, faces: list[_Face], inputs: list[InputDef]) -> None:
        """Give the inner nodes the values that the group node has for their widgets."""
        definition = NodeDef(node.type, node.type, tuple(inputs), ())
        shown = from_definition("", definition)
        configure(shown, NodeRecord(None, node.type, "", 0, [], [], node.values, node.named_values, {}))
        for face in faces:
            if face.definition is None:
                continue
            live = from_definition("", face.definition)
            configure(live, face.record)
            values = {widget.name: widget.value for widget in live.widgets if widget.in_values}
            for name, group_name in face.widgets.items():
                widget = shown.widget(group_name)
                if widget is not None:
                    values[name] = widget.value
            face.record.values, face.record.named_values = None, values

    def _subgraph(
        self,
        instance_id: str,
        node: NodeRecord,
        faces: list[_Face],
        links: list[LinkRecord],
        group: Mapping[str, Any],
    ) -> SubgraphRecord:
        inputs: list[BoundarySlot] = []
        outputs: list[BoundarySlot] = []
        for face in faces:
            for name in face.slots:
                key = f"input {len(inputs)}"
                slot = _slot(face.record, name)
                slot.link = key
                links.append(LinkRecord(key, INPUT_NODE, len(inputs), face.record.id or "", 0, slot.type))
                inputs.append(BoundarySlot(key, slot.type, [key]))
        for face, index, type_ in _outputs(faces, links, group):
            key = f"output {len(outputs)}"
            links.append(LinkRecord(key, face.record.id or "", index, OUTPUT_NODE, len(outputs), type_))
            outputs.append(BoundarySlot(key, type_, [key]))
        graph = GraphRecord([face.record for face in faces], links)
        return SubgraphRecord(f"group {instance_id}", node.type[len(PREFIXES[0]) :], graph, inputs, outputs)

    def _instance(
        self, instance_id: str, node: NodeRecord, subgraph: SubgraphRecord, faces: list[_Face]
    ) -> NodeRecord:
        saved = {slot.name: slot.link for slot in node.inputs}
        names = [group_name for face in faces for group_name in face.slots.values()]
        inputs = [
            SlotRecord(boundary.name, boundary.type, saved.get(name))
            for boundary, name in zip(subgraph.inputs, names, strict=True)
        ]
        return NodeRecord(
            instance_id, subgraph.id, node.title, node.mode, inputs, node.outputs, None, None, {}
        )

    def _redirect(self, node: NodeRecord, instance_id: str) -> None:
        for link in self._document.root.links:
            if link.origin == node.id:
                link.origin = instance_id
            if link.target == node.id:
                link.target = instance_id


def _links(listed: object, faces: list[_Face]) -> Iterator[LinkRecord]:
    """The links within, which name nodes by position; the linked slots learn of them."""
    for count, row in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(row, list) or len(row) < 4:
            continue
        source, output, target, slot = row[:4]
        ends = (source, output, target, slot)
        if not all(isinstance(end, int) and not isinstance(end, bool) for end in ends):
            continue
        if not (0 <= source < len(faces) and 0 <= target < len(faces)):
            continue
        key = f"inner {count}"
        record = faces[target].record
        _slot_at(faces[target], slot).link = key
        yield LinkRecord(key, faces[source].record.id or "", output, record.id or "", slot)


def _slot_at(face: _Face, index: int) -> SlotRecord:
    """The slot that a position meant when the group was made: sockets first, then converted widgets."""
    if 0 <= index < len(face.record.inputs):
        return face.record.inputs[index]
    sockets = [entry.name for entry in _definitions(face) if not _is_widget(entry)]
    name = sockets[index] if 0 <= index < len(sockets) else f"slot {index}"
    return _slot(face.record, name)


def _slot(record: NodeRecord, name: str) -> SlotRecord:
    for slot in record.inputs:
        if slot.name == name:
            return slot
    record.inputs.append(SlotRecord(name, "*"))
    return record.inputs[-1]


def _definitions(face: _Face) -> tuple[InputDef, ...]:
    return face.definition.inputs if face.definition else ()


def _is_widget(definition: InputDef) -> bool:
    return definition.type in WIDGET_TYPES


def _inputs(faces: list[_Face], links: list[LinkRecord]) -> Iterator[InputDef]:
    """The group node's own inputs in its order; each face learns what its inner names became."""
    seen: dict[str, int] = {}
    converted: list[tuple[_Face, InputDef]] = []
    linked = {(link.target, link.id) for link in links}
    for face in faces:
        slots = {slot.name: slot for slot in face.record.inputs}
        widgets = [entry for entry in _definitions(face) if _is_widget(entry)]
        sockets = [entry for entry in _definitions(face) if not _is_widget(entry)]
        for entry in widgets:
            slot = slots.get(entry.name)
            if slot is not None and slot.widget == entry.name:
                converted.append((face, entry))
                continue
            yield from _shown(face, entry, seen, face.widgets)
        for entry in sockets:
            slot = slots.get(entry.name)
            if slot is not None and (face.record.id, slot.link) in linked:
                continue
            yield from _shown(face, entry, seen, face.slots)
    for face, entry in converted:
        slot = _slot(face.record, entry.name)
        if (face.record.id, slot.link) in linked:
            continue
        for shown in _shown(face, entry, seen, face.widgets):
            face.slots[entry.name] = shown.name
            yield shown


def _shown(
    face: _Face, definition: InputDef, seen: dict[str, int], names: dict[str, str]
) -> Iterator[InputDef]:
    inner = definition.name
    settings = face.config.get("input")
    setting = settings.get(inner) if isinstance(settings, Mapping) else None
    setting = setting if isinstance(setting, Mapping) else {}
    name = text(setting.get("name")) or inner
    prefix = ""
    key = name
    if name in seen:
        prefix = f"{face.record.title or face.record.type} "
        key = name = f"{prefix}{inner}"
        if name in seen:
            name = f"{prefix}{seen[name]} {inner}"
    seen[key] = seen.get(key, 1) + 1
    if names is face.slots and setting.get("visible") is False:
        return
    raw = list(definition.raw)
    if inner in SEED_NAMES:
        options = raw[1] if len(raw) > 1 and isinstance(raw[1], Mapping) else {}
        raw = [raw[0], {**options, "control_after_generate": f"{prefix}control_after_generate"}]
    shown = parse_input(name, raw)
    if shown is not None:
        names[inner] = name
        yield shown


def _outputs(
    faces: list[_Face], links: list[LinkRecord], group: Mapping[str, Any]
) -> Iterator[tuple[_Face, int, str]]:
    """The outputs a group shows: those not used within, those used outside, those asked for."""
    listed = group.get("external")
    external = {
        (row[0], row[1])
        for row in (listed if isinstance(listed, list) else ())
        if isinstance(row, list) and len(row) > 2 and row[2] is not None and _are_numbers(row[:2])
    }
    used = {(link.origin, link.origin_slot) for link in links}
    for position, face in enumerate(faces):
        settings = face.config.get("output")
        for index, output in enumerate(face.definition.outputs if face.definition else ()):
            setting = settings.get(str(index)) if isinstance(settings, Mapping) else None
            visible = setting.get("visible") if isinstance(setting, Mapping) else None
            if visible is None:
                visible = (face.record.id, index) not in used or (position, index) in external
            if visible:
                yield face, index, output.type


def _are_numbers(row: list[Any]) -> bool:
    return all(isinstance(entry, int) for entry in row)
