"""Types that follow what is linked: inputs and outputs of the COMFY_MATCHTYPE_V3 kind.

The editor narrows them once a graph is loaded (frontend 1.49.6, dynamicWidgets.ts); it matters where
such a node is bypassed or takes the output of a bypassed one.
"""

from __future__ import annotations

from comfyui_bridge.core.convert.document import INPUT_NODE
from comfyui_bridge.core.convert.graphs import Graph, Subgraph
from comfyui_bridge.core.convert.nodes import LiveNode, Slot
from comfyui_bridge.core.convert.resolving import common_type


def narrow_types(graph: Graph) -> None:
    """Narrow the types of all matching slots of a graph, in the order its links run."""
    matching = [node for node in graph.nodes if node.match_groups]
    # A chain of n such nodes settles within n rounds; longer than that only circles go.
    for _ in range(min(len(matching), 50)):
        before = [output.type for node in matching for output in node.outputs]
        for node in matching:
            _narrow(graph, node)
        if before == [output.type for node in matching for output in node.outputs]:
            return


def _narrow(graph: Graph, node: LiveNode) -> None:
    for group, allowed in node.match_groups.items():
        slots = [slot for slot in node.slots if slot.name in allowed]
        given = [_given_type(graph, slot) for slot in slots]
        narrowed = [
            common_type([*given[:index], *given[index + 1 :], allowed[slot.name]])
            for index, slot in enumerate(slots)
        ]
        for slot, type_ in zip(slots, narrowed, strict=True):
            if type_ is None:
                break
            slot.type = type_
        shared = common_type(given)
        for output in node.outputs:
            if shared is not None and output.match_group == group:
                output.type = shared


def _given_type(graph: Graph, slot: Slot) -> str:
    link = graph.links.get(slot.link) if slot.link is not None else None
    if link is None:
        return "*"
    if link.origin == INPUT_NODE and isinstance(graph, Subgraph):
        inputs = graph.inputs
        return inputs[link.origin_slot].type if 0 <= link.origin_slot < len(inputs) else "*"
    source = graph.by_id.get(link.origin)
    if source is None or not 0 <= link.origin_slot < len(source.outputs):
        return "*"
    return source.outputs[link.origin_slot].type
