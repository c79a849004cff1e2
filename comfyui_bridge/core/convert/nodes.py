"""Nodes as the editor makes and fills them: slots, widgets, values.

`from_definition` makes the node its class_type calls for, `configure` lays the file's record over
it, in the editor's order of events (frontend 1.49.6: litegraphService, LGraphNode.configure,
dynamicWidgets). Setting a dynamic combo replaces slots and widgets while the values are being dealt,
so the order of these steps is what decides where a value lands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from comfyui_bridge.core.convert.document import NodeRecord, SlotRecord
from comfyui_bridge.core.convert.graphs import MAX_AUTOGROW, Autogrow, LiveNode, Output, Slot
from comfyui_bridge.core.convert.specs import (
    AUTOGROW,
    DYNAMIC_COMBO,
    MATCH_TYPE,
    NOTHING,
    Kind,
    Spec,
    Widget,
    as_text,
    section_specs,
    specs_of,
    widgets_for,
)
from comfyui_bridge.core.node_defs import NodeDef


def from_definition(node_id: str, definition: NodeDef, specs: Sequence[Spec] | None = None) -> LiveNode:
    """The node the editor makes when one adds this class_type from the menu.

    `specs` are those of the definition, for a caller who has them already.
    """
    specs = specs_of(definition) if specs is None else specs
    node = LiveNode(
        id=node_id,
        type=definition.class_type,
        title=definition.display_name,
        properties={"Node name for S&R": definition.class_type},
        definition=definition,
        specs=specs,
    )
    for spec in specs:
        _add_socket(node, spec)
    for spec in specs:
        _add_widget(node, spec)
    for output in definition.outputs:
        type_ = "*" if output.type == MATCH_TYPE else output.type
        node.outputs.append(Output(output.name, type_, match_group=output.match_group))
    if definition.class_type == "CustomCombo":
        _make_custom_combo(node)
    if definition.class_type == "WebcamCapture":
        node.widgets.append(Widget("waiting for camera...", Kind.OTHER, "capture", in_prompt=False))
    node.created = True
    return node


def configure(node: LiveNode, record: NodeRecord) -> None:
    """Lay a record over a node made from its definition."""
    _take_over(node, record)
    values = _without_forced(node, record.values) if record.values is not None else None
    node.slots = _merge_slots(node.slots, record.inputs)
    _merge_outputs(node, record.outputs)
    _grow(node)
    if record.named_values is not None:
        _set_named(node, record.named_values)
    elif values is not None:
        _set_in_order(node, values)


def configure_virtual(node: LiveNode, record: NodeRecord) -> None:
    """Lay a record over a node that exists in the editor only, or that nobody knows."""
    _take_over(node, record)
    node.saved_values = record.values
    node.slots = [Slot(slot.name, slot.type, slot.link, slot.widget) for slot in record.inputs]
    node.outputs = [Output(output.name, output.type, output.links) for output in record.outputs]


def remove_stale_slots(node: LiveNode, passes: int = 1) -> None:
    """Drop the slots of widgets the node does not have.

    The editor removes from the list it walks, so that the slot behind a removed one stays; it walks a
    definition's nodes once for every instance (1.49.6, widgetInputs.ts).
    """
    for _ in range(passes):
        before = len(node.slots)
        index = 0
        while index < len(node.slots):
            name = node.slots[index].widget
            if name and node.widget(name) is None:
                del node.slots[index]
            index += 1
        if len(node.slots) == before:
            return


def fill_empty_combos(node: LiveNode) -> None:
    """Last corrections the editor makes to loaded values (app.ts, loadGraphData)."""
    sampler = node.type in ("KSampler", "KSamplerAdvanced")
    for widget in node.widgets:
        if sampler and widget.name == "sampler_name" and isinstance(widget.value, str):
            widget.value = widget.value.removeprefix("sample_")
        if widget.kind is Kind.COMBO and widget.choices and widget.value in (None, NOTHING):
            _set(node, widget, widget.choices[0])
    for slot in node.slots:
        promoted = slot.promoted
        if promoted is None or promoted.kind is not Kind.COMBO or promoted.value not in (None, NOTHING):
            continue
        if promoted.source.choices:
            promoted.value = promoted.source.choices[0]


def set_widget(node: LiveNode, widget: Widget, value: Any) -> None:
    """Give a widget a value as a person would, with what follows from it."""
    _set(node, widget, value)


def _take_over(node: LiveNode, record: NodeRecord) -> None:
    node.mode = record.mode
    node.title = record.title or node.title
    node.properties.update(record.properties)


def _merge_slots(defined: Sequence[Slot], saved: Iterable[SlotRecord]) -> list[Slot]:
    saved = list(saved)
    by_name = {record.name: record for record in saved}
    names = {slot.name for slot in defined}
    for slot in defined:
        record = by_name.get(slot.name)
        if record is not None:
            slot.link = record.link
    # Slots the definition does not have stay: an extension of the editor may have added them.
    extra = [Slot(r.name, r.type, r.link, r.widget) for r in saved if r.name not in names]
    return [*defined, *extra]


def _merge_outputs(node: LiveNode, saved: Sequence[SlotRecord]) -> None:
    for output, record in zip(node.outputs, saved, strict=False):
        output.links = record.links
    node.outputs += [Output(r.name, r.type, r.links) for r in saved[len(node.outputs) :]]


def _without_forced(node: LiveNode, values: list[Any]) -> list[Any]:
    """Old files have values for inputs that are sockets by now (forceInput); leave those out."""
    if not any(spec.is_forced for spec in node.specs):
        return values
    names = {widget.name for widget in node.widgets}
    forced: list[bool] = []
    for spec in node.specs:
        if spec.is_forced or spec.name in names:
            forced.append(spec.is_forced)
            if spec.options.get("control_after_generate"):
                forced.append(False)
    if len(forced) != len(values):
        return values
    return [value for value, force in zip(values, forced, strict=True) if not force]


def _set_in_order(node: LiveNode, values: Sequence[Any]) -> None:
    # The list of widgets changes under way: a dynamic combo brings others right behind it.
    index = taken = 0
    while index < len(node.widgets) and taken < len(values):
        widget = node.widgets[index]
        if widget.in_values:
            _set(node, widget, values[taken])
            taken += 1
        index += 1


def _set_named(node: LiveNode, values: Mapping[str, Any]) -> None:
    index = 0
    while index < len(node.widgets):
        widget = node.widgets[index]
        if widget.in_values and widget.name in values:
            _set(node, widget, values[widget.name])
        index += 1


def _set(node: LiveNode, widget: Widget, value: Any) -> None:
    if widget.kind is Kind.LONG_TEXT and value is None:
        value = ""
    widget.set(value)
    if widget.options is not None:
        _choose(node, widget)
    elif node.type == "CustomCombo" and value and widget is node.widgets[-1]:
        _add_option(node)


def _grow(node: LiveNode) -> None:
    index = 0
    while index < len(node.slots):
        slot = node.slots[index]
        if slot.widget and slot.spec is None and slot.name.rpartition(".")[0] in node.growing:
            slot.widget = None  # a widget that only draws a label
        if slot.link is not None:
            _connected(node, slot)
        index += 1


def _connected(node: LiveNode, slot: Slot) -> None:
    # A list of slots shows one more than are linked.
    group, _, base = slot.name.rpartition(".")
    growing = node.growing.get(group)
    if growing is None:
        return
    ordinal = growing.ordinal(base)
    if ordinal is not None:
        _add_group(node, group, growing, ordinal + 1)


def _add_input(node: LiveNode, spec: Spec) -> None:
    _add_socket(node, spec)
    _add_widget(node, spec)


def _add_socket(node: LiveNode, spec: Spec) -> None:
    if spec.has_widget:
        return
    if spec.type == AUTOGROW:
        _add_autogrow(node, spec)
    elif spec.type == MATCH_TYPE:
        _add_matched(node, spec)
    else:
        node.slots.append(Slot(spec.name, spec.type))


def _add_widget(node: LiveNode, spec: Spec) -> None:
    if not spec.has_widget:
        return
    widgets = widgets_for(spec, node.type, node.widgets)
    for widget in widgets:
        widget.dynamic_prompts = widget.dynamic_prompts and not node.created
    node.widgets += widgets
    if spec.widget_type == DYNAMIC_COMBO and widgets:
        _choose(node, widgets[0])
    node.slots.append(Slot(spec.name, spec.type, widget=spec.name, spec=spec))


def _choose(node: LiveNode, combo: Widget) -> None:
    """Replace the slots and widgets of a dynamic combo's old choice by those of its new one."""
    prefix = f"{combo.name}."
    removed = [slot for slot in node.slots if slot.name.startswith(prefix)]
    node.slots = [slot for slot in node.slots if not slot.name.startswith(prefix)]
    node.widgets[:] = [widget for widget in node.widgets if not widget.name.startswith(prefix)]
    specs = (combo.options or {}).get(as_text(combo.value)) if combo.value else None
    if specs is None:
        return
    widget_count, slot_count = len(node.widgets), len(node.slots)
    for spec in specs:
        _add_input(node, spec.renamed(prefix + spec.name))
    position = next(index for index, widget in enumerate(node.widgets) if widget is combo) + 1
    added = node.widgets[widget_count:]
    del node.widgets[widget_count:]
    node.widgets[position:position] = added
    own_slot = node.slot_index(combo.name)
    if own_slot is None:
        return
    new_slots = node.slots[slot_count:]
    del node.slots[slot_count:]
    node.slots[own_slot + 1 : own_slot + 1] = new_slots
    retarget_links(node, own_slot + 1)
    for slot in removed:
        index = node.slot_index(slot.name)
        if index is not None:
            node.slots[index].link = slot.link
            if slot.link is not None:
                _retarget(node, index)
                _connected(node, node.slots[index])


def _add_autogrow(node: LiveNode, spec: Spec) -> None:
    template = spec.options.get("template")
    if not isinstance(template, Mapping):
        return
    elements = section_specs(template.get("input"))
    if not elements:
        return
    listed = template.get("names")
    names = [str(name) for name in listed] if isinstance(listed, (list, tuple)) else None
    prefix, minimum, maximum = template.get("prefix"), template.get("min"), template.get("max")
    growing = Autogrow(
        elements,
        names,
        prefix if isinstance(prefix, str) else "",
        minimum if isinstance(minimum, int) else 1,
        min(maximum if isinstance(maximum, int) else 100, MAX_AUTOGROW) if names is None else len(names),
    )
    node.growing[spec.name] = growing
    for ordinal in range(max(1, min(growing.minimum + 1, MAX_AUTOGROW))):
        _add_group(node, spec.name, growing, ordinal)


def _add_group(node: LiveNode, group: str, growing: Autogrow, ordinal: int) -> None:
    if ordinal >= growing.maximum:
        return
    new = []
    for element in growing.elements:
        before = len(node.slots)
        _add_input(node, element.renamed(f"{group}.{growing.base(ordinal, element)}"))
        new += node.slots[max(before, len(node.slots) - 1) :]
        del node.slots[max(before, len(node.slots) - 1) :]
    for slot in new:
        same = [old for old in node.slots if old.name == slot.name]
        node.slots = [old for old in node.slots if old.name != slot.name]
        for old in same:
            slot.link = old.link if slot.link is None else slot.link
    before_name = f"{group}.{growing.base(ordinal - 1, growing.elements[-1])}"
    positions = [index for index, slot in enumerate(node.slots) if slot.name.startswith(before_name)]
    position = positions[-1] + 1 if positions else len(node.slots)
    node.slots[position:position] = new
    retarget_links(node, position)


def retarget_links(node: LiveNode, start: int = 0) -> None:
    """Tell the links of a node's slots, from one on, where these stand now."""
    for index in range(start, len(node.slots)):
        _retarget(node, index)


def _retarget(node: LiveNode, index: int) -> None:
    key = node.slots[index].link
    link = node.links.get(key) if key is not None else None
    if link is not None:
        link.target_slot = index


def _add_matched(node: LiveNode, spec: Spec) -> None:
    template = spec.options.get("template")
    if not isinstance(template, Mapping):
        return
    allowed, group = template.get("allowed_types"), template.get("template_id")
    if isinstance(allowed, str) and isinstance(group, str):
        _add_input(node, spec.retyped(allowed))
        node.match_groups.setdefault(group, {})[spec.name] = allowed


def _make_custom_combo(node: LiveNode) -> None:
    # Its choices are its own further widgets; the position of the chosen one is a widget, too.
    if node.widgets:
        node.widgets.append(Widget("index", Kind.OTHER, fixed=True))
        _add_option(node)


def _add_option(node: LiveNode) -> None:
    node.widgets.append(Widget(f"option{len(node.widgets) - 1}", Kind.TEXT, ""))
