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
    list_ = node_defs.input(node.class_type, place.rpartition(".")[0])
    if list_ is None or not isinstance(list_.spec, AutogrowSpec) or not list_.spec.template.has_widget:
        return workflow
    if value is None and place in node.inputs:
        return options.without(workflow, node_id, place)
    element = place.rpartition(".")[2]
    if value is not None and place not in node.inputs and element in list_.spec.names:
        return workflow.with_input(node_id, place, options.default_of(list_.spec.template.spec))
    return workflow
