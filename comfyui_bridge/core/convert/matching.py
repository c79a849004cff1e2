"""Types that follow what is linked: inputs and outputs of the COMFY_MATCHTYPE_V3 kind.

The editor narrows them once a graph is loaded (frontend 1.49.6, dynamicWidgets.ts); it matters where
such a node is bypassed or takes the output of a bypassed one.
"""

from __future__ import annotations

from comfyui_bridge.core.convert.document import INPUT_NODE
from comfyui_bridge.core.convert.graphs import Graph, LiveNode, Output, Slot, Subgraph
from comfyui_bridge.core.convert.resolving import common_type, fits


def narrow_types(graph: Graph) -> list[str]:
    """Narrow the types of all matching slots of a graph, in the order its links run.

    Links that no longer fit are dropped, as the editor drops them; gives back a sentence for each.
    """
    matching = [node for node in graph.nodes if node.match_groups]
    dropped: list[str] = []
    # A chain of n such nodes settles within n rounds; longer than that only circles go.
    for _ in range(min(len(matching), 50)):
        before = [output.type for node in matching for output in node.outputs]
        for node in matching:
            dropped += _narrow(graph, node)
        if before == [output.type for node in matching for output in node.outputs]:
            break
    return dropped


def _narrow(graph: Graph, node: LiveNode) -> list[str]:
    dropped = []
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
            if shared is not None and output.match_group == group and output.type != shared:
                output.type = shared
                dropped += _drop_misfits(graph, node, output)
    return dropped


def _drop_misfits(graph: Graph, node: LiveNode, output: Output) -> list[str]:
    dropped = []
    for key in output.links:
        link = graph.links.get(key)
        target = graph.slot_at(link) if link else None
        if target is None or fits(output.type, target[1].type):
            continue
        consumer, slot = target
        if slot.link == key:
            slot.link = None
            dropped.append(
                f'The link from node {node.id} to input "{slot.name}" of node {consumer.id} was dropped: '
                f"{output.type} does not fit {slot.type}."
            )
    return dropped


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
