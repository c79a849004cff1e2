"""Dynamic combos: choices that bring inputs of their own, which stand in the workflow as "choice.input".

Which inputs a node has depends so on the values it holds; another choice takes some away and brings others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from comfyui_bridge.core.node_defs import (
    AutogrowSpec,
    ComboSpec,
    DynamicComboSpec,
    DynamicOption,
    InputDef,
    InputSpec,
)
from comfyui_bridge.core.workflow import Workflow


def flattened(
    inputs: Sequence[InputDef], values: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, InputDef]]:
    """The inputs of a node that holds these values, by the names they have in a workflow.

    Of a dynamic combo the chosen option's follow it; of a list that grows, those it must have or has.
    """
    for definition in inputs:
        name = f"{prefix}{definition.name}"
        yield name, definition
        match definition.spec:
            case DynamicComboSpec() as spec:
                # One that may be left out, and is, has no choice that would bring inputs.
                is_there = definition.required or name in values
                option = _chosen(spec, values.get(name)) if is_there else None
                if option is not None:
                    yield from flattened(option.inputs, values, f"{name}.")
            case AutogrowSpec(names=names, min=least, template=template):
                for index, element in enumerate(names):
                    if index < least or f"{name}.{element}" in values:
                        yield f"{name}.{element}", template


def with_option(workflow: Workflow, node_id: str, name: str, spec: DynamicComboSpec, key: Any) -> Workflow:
    """A copy in which a dynamic combo says `key`: inputs of the former option go, those of the new one
    that need a value get their defaults. What both have stays."""
    node = workflow.node(node_id)
    prefix = f"{name}."
    option = _chosen(spec, key)
    new = dict(flattened(option.inputs, node.inputs, prefix)) if option is not None else {}
    kept = {
        held: content
        for held, content in node.inputs.items()
        if not held.startswith(prefix) or held in new or _grows_from(held, new)
    }
    added = {
        missing: default_of(definition.spec)
        for missing, definition in new.items()
        if definition.has_widget and definition.required and missing not in kept
    }
    changed = MappingProxyType({**kept, name: key, **added})
    return workflow.with_node(replace(node, inputs=changed))


def without(workflow: Workflow, node_id: str, name: str) -> Workflow:
    """A copy in which a node leaves an input out, with all that stands under its name."""
    node = workflow.node(node_id)
    kept = {held: c for held, c in node.inputs.items() if held != name and not held.startswith(f"{name}.")}
    return workflow.with_node(replace(node, inputs=MappingProxyType(kept)))


def _chosen(spec: DynamicComboSpec, key: Any) -> DynamicOption | None:
    """The option of this key; the first where a node says none, as the editor has it."""
    if key is None:
        return spec.options[0] if spec.options else None
    return next((option for option in spec.options if option.key == key), None)


def _grows_from(name: str, new: Mapping[str, InputDef]) -> bool:
    parent = new.get(name.rpartition(".")[0])
    return parent is not None and isinstance(parent.spec, AutogrowSpec)


def default_of(spec: InputSpec) -> Any:
    """The value an input has where nobody said one: of choices the first, as the editor has it. Which
    of the server's files is meant cannot be guessed."""
    match spec:
        case ComboSpec(default=None, upload=None, options=options):
            return options[0] if options else None
        case DynamicComboSpec(options=options):
            return options[0].key if options else None
    return getattr(spec, "default", None)
