"""Promoted widgets in their older form: `properties.proxyWidgets` on an instance of a subgraph.

Each entry names an inner node and one of its widgets; the editor turns it into an input of the
subgraph's definition that is linked to that widget, and gives the instance the value of the same
position in its `widgets_values` (frontend 1.49.6, proxyWidgetMigration.ts). What an entry names and
is not there stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from comfyui_bridge.core.convert.document import INPUT_NODE, BoundarySlot, LinkId
from comfyui_bridge.core.convert.graphs import PRIMITIVE, Link, LiveNode, Promoted, Slot, Subgraph, promote
from comfyui_bridge.core.convert.specs import NOTHING, Kind, Widget

_PREFIX = re.compile(r"\s*([0-9]+)\s*:\s*(.+)\Z")
_MAX_CHAIN = 100
_TAKEN_OVER = "proxyBypassedToSubgraphInput"
"""The mark on a primitive whose targets an input has taken over, with the input's name."""


@dataclass(frozen=True)
class _Entry:
    """One promoted widget: the inner node, the widget, and the value the instance has for it."""

    node_id: str
    widget: str
    nested_id: str | None
    value: Any


def promote_proxies(host: LiveNode) -> None:
    """Turn an instance's proxyWidgets into inputs of its definition."""
    subgraph = host.subgraph
    entries = list(_entries(host))
    if subgraph is None or not entries:
        return
    promoter = _Promoter(host, subgraph)
    plans = [(entry, promoter.linked_name(entry)) for entry in entries]
    cohorts: dict[str, list[_Entry]] = {}
    for entry, linked in plans:
        source = subgraph.by_id.get(entry.node_id)
        if linked is not None:
            promoter.give_value(linked, entry.value)
        elif source is not None and source.type == PRIMITIVE:
            cohorts.setdefault(source.id, []).append(entry)
        elif source is not None:
            promoter.add_input(source, entry)
    for cohort in cohorts.values():
        promoter.take_over(cohort)


def _entries(host: LiveNode) -> Iterator[_Entry]:
    listed = host.properties.get("proxyWidgets")
    if isinstance(listed, str):
        listed = _parsed(listed)
    listed = listed if isinstance(listed, list) else []
    tuples = [e for e in listed if isinstance(e, list) and all(isinstance(part, str) for part in e)]
    if len(tuples) != len(listed) or not all(len(entry) in (2, 3) for entry in tuples):
        return
    values = host.saved_values or ()
    for index, (node_id, name, *rest) in enumerate(tuples):
        nested = rest[0] if rest else None
        if not _resolves(host, node_id, name):
            nested, name = _without_prefixes(nested, name)
        value = values[index] if index < len(values) else None
        yield _Entry(node_id, name, nested, NOTHING if value is None else value)


def _without_prefixes(nested: str | None, name: str) -> tuple[str | None, str]:
    """The name behind "12: 34: ", and the last of these ids."""
    for _ in range(_MAX_CHAIN):
        match = _PREFIX.match(name)
        if match is None:
            break
        nested, name = match.group(1), match.group(2)
    return nested, name


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _resolves(host: LiveNode, node_id: str, name: str) -> bool:
    """Whether the entry leads to a widget, however many subgraphs further in."""
    for _ in range(_MAX_CHAIN):
        source = host.subgraph.by_id.get(node_id) if host.subgraph else None
        if source is None:
            return False
        if source.subgraph is None:
            return source.widget(name) is not None
        target = next((t for s, t in _sources(source) if s.name == name), None)
        if target is None:
            return False
        host, (node_id, name) = source, target
    return False


def _sources(host: LiveNode) -> Iterator[tuple[Slot, tuple[str, str]]]:
    """An instance's slots, each with the inner node and widget (or slot, further in) it feeds."""
    for slot in host.slots:
        source = source_of(host, slot)
        if source is not None:
            yield slot, source


def source_of(host: LiveNode, slot: Slot) -> tuple[str, str] | None:
    """The inner node a slot of an instance feeds first, and its widget, or its slot if it is an instance."""
    subgraph = host.subgraph
    for key in (slot.boundary.link_ids if slot.boundary else None) or ():
        link = subgraph.links.get(key) if subgraph else None
        inner = subgraph.by_id.get(link.target) if subgraph and link else None
        target = inner.slot_of_link(key) if inner else None
        if inner is None or target is None:
            continue
        if inner.subgraph is not None:
            return inner.id, target.name
        if target.widget and inner.widget(target.widget):
            return inner.id, target.widget
    return None


class _Promoter:
    """Changes one definition on behalf of one of its instances."""

    def __init__(self, host: LiveNode, subgraph: Subgraph) -> None:
        self._host = host
        self._subgraph = subgraph
        self._linked: dict[tuple[str, str], str] = {}
        for slot, source in _sources(host):
            self._linked.setdefault(source, slot.name)
        self._names = {slot.name for slot in subgraph.inputs}
        self._suffix: dict[str, int] = {}

    def linked_name(self, entry: _Entry) -> str | None:
        """The instance's input that already stands for this entry."""
        name = self._linked.get((entry.node_id, entry.widget))
        if name is not None:
            return name
        source = self._subgraph.by_id.get(entry.node_id)
        mark = source.properties.get(_TAKEN_OVER) if source and source.type == PRIMITIVE else None
        if isinstance(mark, str) and self._host.slot_index(mark) is not None:
            return mark
        return None

    def give_value(self, name: str, value: Any) -> None:
        matching = [slot for slot in self._host.slots if slot.name == name]
        if len(matching) == 1 and matching[0].promoted is not None and value is not NOTHING:
            matching[0].promoted.value = value

    def add_input(self, source: LiveNode, entry: _Entry) -> None:
        slot = _slot_of_widget(source, entry)
        if slot is None:
            return
        boundary = self._new_boundary(entry.widget, slot.type)
        self._connect(boundary, source, slot)
        self.give_value(boundary.name, entry.value)

    def take_over(self, cohort: Sequence[_Entry]) -> None:
        """Feed a primitive's targets from a new input instead."""
        first = cohort[0]
        primitive = self._subgraph.by_id[first.node_id]
        targets = self._targets(primitive)
        if not targets or any(entry.widget != first.widget for entry in cohort):
            return
        type_ = primitive.outputs[0].type
        if any(slot.type != type_ and "*" not in (slot.type, type_) for _, slot in targets):
            return
        widgets = [node.widget_of(slot) for node, slot in targets]
        shapes = {_shape(widget) for widget in widgets if widget is not None}
        if len(shapes) > 1:
            return
        renamed = primitive.title if primitive.title not in ("", PRIMITIVE, "Primitive") else first.widget
        boundary = self._new_boundary(renamed, type_)
        for _, slot in targets:
            if slot.link is not None:
                primitive.outputs[0].links = [k for k in primitive.outputs[0].links if k != slot.link]
                self._disconnect(slot)
        for node, slot in targets:
            self._connect(boundary, node, slot)
        value = next((entry.value for entry in cohort if entry.value is not NOTHING), NOTHING)
        self.give_value(boundary.name, value)
        primitive.properties[_TAKEN_OVER] = boundary.name

    def _targets(self, primitive: LiveNode) -> list[tuple[LiveNode, Slot]]:
        found = []
        for key in primitive.outputs[0].links if primitive.outputs else ():
            link = self._subgraph.links.get(key)
            target = self._subgraph.slot_at(link) if link else None
            if target is None:
                return []
            found.append(target)
        return found

    def _new_boundary(self, base: str, type_: str) -> BoundarySlot:
        name = base
        while name in self._names:
            self._suffix[base] = self._suffix.get(base, 0) + 1
            name = f"{base}_{self._suffix[base]}"
        self._names.add(name)
        boundary = BoundarySlot(name, type_, [])
        self._subgraph.inputs.append(boundary)
        for instance in self._subgraph.instances:
            instance.slots.append(Slot(name, type_, boundary=boundary))
        return boundary

    def _connect(self, boundary: BoundarySlot, node: LiveNode, slot: Slot) -> None:
        if slot.link is not None:
            self._disconnect(slot)
        self._subgraph.made_links += 1
        key: LinkId = f"made {self._subgraph.made_links}"
        origin_slot = self._subgraph.inputs.index(boundary)
        self._subgraph.links[key] = Link(
            key, INPUT_NODE, origin_slot, node.id, node.slots.index(slot), slot.type
        )
        slot.link = key
        assert boundary.link_ids is not None
        boundary.link_ids.append(key)
        for instance in self._subgraph.instances:
            for own in instance.slots:
                if own.boundary is boundary and own.promoted is None:
                    promote(instance, own)

    def _disconnect(self, slot: Slot) -> None:
        key, slot.link = slot.link, None
        link = self._subgraph.links.pop(key, None) if key is not None else None
        if link is None or link.origin != INPUT_NODE:
            return
        for boundary in self._subgraph.inputs:
            if boundary.link_ids and key in boundary.link_ids:
                boundary.link_ids.remove(key)
                self._demote(boundary)

    def _demote(self, boundary: BoundarySlot) -> None:
        for instance in self._subgraph.instances:
            for slot in instance.slots:
                if slot.boundary is boundary and source_of(instance, slot) is None:
                    slot.promoted = slot.widget = slot.spec = None


def _slot_of_widget(source: LiveNode, entry: _Entry) -> Slot | None:
    """The inner slot that stands for the entry's widget."""
    if source.subgraph is None:
        widget = source.widget(entry.widget)
        if widget is None or not (widget.in_values or widget.in_prompt):
            return None
        return next((slot for slot in source.slots if slot.widget == entry.widget), None)
    for slot in source.slots:
        target = source_of(source, slot)
        if entry.nested_id is not None:
            fits = target == (entry.nested_id, entry.widget)
        else:
            fits = slot.name == entry.widget or (target is not None and target[1] == entry.widget)
        if fits:
            return slot if slot.promoted is not None else None
    return None


def _shape(widget: Widget | Promoted) -> tuple[Any, ...]:
    """What must be alike for two widgets to be fed by one input."""
    inner = widget.source if isinstance(widget, Promoted) else widget
    options = inner.spec.options if inner.spec and inner.kind is Kind.NUMBER else {}
    word = inner.spec.widget_type if inner.spec and inner.kind is Kind.NUMBER else ""
    return (inner.kind, word, *(repr(options.get(key)) for key in ("min", "max", "step", "display")))
