"""What raw values choose before they can be checked: options of dynamic combos, elements of lists.

Both decide which inputs a node has. What is no choice at all is left for the check to tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comfyui_bridge.core import options
from comfyui_bridge.core.inputs import ExposedInput, find
from comfyui_bridge.core.node_defs import AutogrowSpec, DynamicComboSpec, NodeDefs
from comfyui_bridge.core.workflow import Workflow


def chosen(
    workflow: Workflow, exposed: Sequence[ExposedInput], node_defs: NodeDefs, raw: Mapping[str, Any]
) -> Workflow:
    """The workflow with these choices made; the very same one where they are as it has them."""
    dynamic = [one for one in exposed if isinstance(one.spec, DynamicComboSpec)]
    for name, value in raw.items():
        one = find(dynamic, name)
        if one is not None:
            workflow = _with_option(workflow, one, value)
        elif "." in name:
            workflow = _with_element(workflow, node_defs, name, value)
    return workflow


def next_elements(workflow: Workflow, exposed: Sequence[ExposedInput], node_defs: NodeDefs) -> dict[str, str]:
    """For the last element of each list of values, by its key: the name of the one that may follow it."""
    last: dict[tuple[str, str], ExposedInput] = {}
    for one in exposed:
        if _list_of(workflow, node_defs, one.node_id, one.input) is not None:
            last[one.node_id, one.input.rpartition(".")[0]] = one
    found = {}
    for (node_id, parent), one in last.items():
        spec = _list_of(workflow, node_defs, node_id, one.input)
        there = workflow.node(node_id).inputs
        free = [name for name in spec.names if f"{parent}.{name}" not in there] if spec else []
        if free:
            found[one.key] = f"{node_id}.{parent}.{free[0]}"
    return found


def is_element(workflow: Workflow, node_defs: NodeDefs, one: ExposedInput) -> bool:
    """Whether an input is an element of a list that may be taken out of it."""
    spec = _list_of(workflow, node_defs, one.node_id, one.input)
    if spec is None:
        return False
    return one.input.rpartition(".")[2] not in spec.names[: spec.min]


def _list_of(workflow: Workflow, node_defs: NodeDefs, node_id: str, place: str) -> AutogrowSpec | None:
    """The list of values that an input is an element of."""
    parent = place.rpartition(".")[0]
    if not parent or node_id not in workflow:
        return None
    definition = node_defs.input(workflow.node(node_id).class_type, parent)
    if definition is None or not isinstance(definition.spec, AutogrowSpec):
        return None
    return definition.spec if definition.spec.template.has_widget else None


def _with_option(workflow: Workflow, one: ExposedInput, value: Any) -> Workflow:
    assert isinstance(one.spec, DynamicComboSpec)
    for place in one.places:
        held = workflow.node(place.node_id).inputs
        if value is None and not one.required:
            if place.input in held:
                workflow = options.without(workflow, place.node_id, place.input)
        elif value in (option.key for option in one.spec.options) and held.get(place.input) != value:
            workflow = options.with_option(workflow, place.node_id, place.input, one.spec, value)
    return workflow


def _with_element(workflow: Workflow, node_defs: NodeDefs, name: str, value: Any) -> Workflow:
    """An element of a list put in where a value names it, taken out where it is given None."""
    node_id, _, place = name.partition(".")
    if node_id not in workflow:
        return workflow
    node = workflow.node(node_id)
    spec = _list_of(workflow, node_defs, node_id, place)
    if spec is None:
        return workflow
    if value is None and place in node.inputs:
        return options.without(workflow, node_id, place)
    element = place.rpartition(".")[2]
    if value is not None and place not in node.inputs and element in spec.names:
        return workflow.with_input(node_id, place, options.default_of(spec.template.spec))
    return workflow
