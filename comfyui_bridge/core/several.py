"""The definitions of several servers as one: what any of them can do, a form may offer.

Which server then takes a run is decided by what that run needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from comfyui_bridge.core.node_defs import EMPTY, AsAsked, ComboSpec, InputDef, NodeDef, NodeDefs


def merged(servers: Sequence[NodeDefs]) -> NodeDefs:
    """All node classes of these servers, and in each list of choices those of every server.

    Where servers differ in more than choices, the first one's word counts.
    """
    if len(servers) <= 1:
        return servers[0] if servers else EMPTY
    names = dict.fromkeys(name for definitions in servers for name in definitions.by_class)
    return NodeDefs(AsAsked(names, lambda name: _of_all(servers, name)))


def _of_all(servers: Sequence[NodeDefs], class_type: str) -> NodeDef:
    known = [found for definitions in servers if (found := definitions.get(class_type)) is not None]
    return reduce(_joined, known)


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
