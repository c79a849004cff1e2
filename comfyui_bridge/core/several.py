"""The definitions of several servers as one: what any of them can do, a form may offer.

Which server then takes a run is decided by what that run needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from comfyui_bridge.core.node_defs import EMPTY, ComboSpec, InputDef, NodeDef, NodeDefs


def merged(servers: Sequence[NodeDefs]) -> NodeDefs:
    """All node classes of these servers, and in each list of choices those of every server.

    Where servers differ in more than choices, the first one's word counts.
    """
    if len(servers) <= 1:
        return servers[0] if servers else EMPTY
    by_class: dict[str, NodeDef] = {}
    for definitions in servers:
        for class_type, definition in definitions.by_class.items():
            known = by_class.get(class_type)
            by_class[class_type] = definition if known is None else _joined(known, definition)
    return NodeDefs(MappingProxyType(by_class))


def _joined(first: NodeDef, other: NodeDef) -> NodeDef:
    if first is other or first == other:
        return first
    inputs = tuple(_with_choices(one, other) for one in first.inputs)
    return first if inputs == first.inputs else replace(first, inputs=inputs)


def _with_choices(one: InputDef, other: NodeDef) -> InputDef:
    twin = next((its for its in other.inputs if its.name == one.name), None)
    if twin is None or not (isinstance(one.spec, ComboSpec) and isinstance(twin.spec, ComboSpec)):
        return one
    known = set(map(repr, one.spec.options))
    more = tuple(option for option in twin.spec.options if repr(option) not in known)
    return replace(one, spec=replace(one.spec, options=one.spec.options + more)) if more else one
