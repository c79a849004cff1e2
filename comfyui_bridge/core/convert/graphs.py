"""Loaded graphs: the root, and the definitions of subgraphs with their instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from comfyui_bridge.core.convert.document import BoundarySlot, LinkId, LinkRecord
from comfyui_bridge.core.convert.nodes import LiveNode, Promoted, Slot

Link: TypeAlias = LinkRecord


@dataclass
class Graph:
    """A loaded graph; the root, or a subgraph's definition shared by its instances."""

    nodes: list[LiveNode] = field(default_factory=list)
    by_id: dict[str, LiveNode] = field(default_factory=dict)
    links: dict[LinkId, Link] = field(default_factory=dict)

    def slot_at(self, link: Link) -> tuple[LiveNode, Slot] | None:
        """The node and slot a link leads to."""
        node = self.by_id.get(link.target)
        if node is None or not 0 <= link.target_slot < len(node.slots):
            return None
        return node, node.slots[link.target_slot]


@dataclass
class Subgraph(Graph):
    """A subgraph's definition."""

    id: str = ""
    name: str = ""
    inputs: list[BoundarySlot] = field(default_factory=list)
    outputs: list[BoundarySlot] = field(default_factory=list)
    instances: list[LiveNode] = field(default_factory=list)
    made_links: int = 0
    """Links that loading has added, for their ids."""

    def output_link(self, index: int) -> Link | None:
        """The link inside that ends at the definition's output of this index."""
        if not 0 <= index < len(self.outputs):
            return None
        for key in self.outputs[index].link_ids or ():
            if key in self.links:
                return self.links[key]
        return None


def promote(node: LiveNode, slot: Slot) -> None:
    """Give an instance's slot the widget of the first inner slot it feeds."""
    assert node.subgraph is not None
    for key in (slot.boundary.link_ids if slot.boundary else None) or ():
        link = node.subgraph.links.get(key)
        inner = node.subgraph.by_id.get(link.target) if link else None
        target = inner.slot_of_link(key) if inner else None
        widget = inner.widget_of(target) if inner and target else None
        if target is not None and widget is not None:
            source = widget.source if isinstance(widget, Promoted) else widget
            slot.promoted = Promoted(widget.value, source)
            slot.widget = slot.name
            slot.spec = target.spec
            return
