"""What a document is once loaded: graphs of live nodes, definitions of subgraphs, their instances.

Records of the file become these in `loading`; nothing outside loading changes them, but that
primitives write their values into the widgets they drive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from comfyui_bridge.core.convert.document import BoundarySlot, LinkId, LinkRecord
from comfyui_bridge.core.convert.specs import Kind, Spec, Widget
from comfyui_bridge.core.node_defs import NodeDef

Link: TypeAlias = LinkRecord

MUTED = 2
BYPASSED = 4

REROUTES = frozenset(("Reroute", "Reroute (rgthree)"))
PRIMITIVE = "PrimitiveNode"
SETTERS = frozenset(("SetNode", "easy setNode"))
"""Give what they are fed a name, which is their one value (KJNodes, EasyUse)."""
GETTERS = frozenset(("GetNode", "easy getNode"))
"""Hand on what the setter of the same name is fed."""
DECORATION = frozenset(
    (
        "Note",
        "MarkdownNote",
        "Note Plus (mtb)",
        "Bookmark (rgthree)",
        "Fast Actions Button (rgthree)",
        "Fast Bypasser (rgthree)",
        "Fast Groups Bypasser (rgthree)",
        "Fast Groups Muter (rgthree)",
        "Fast Muter (rgthree)",
        "Label (rgthree)",
        "Mute / Bypass Relay (rgthree)",
        "Mute / Bypass Repeater (rgthree)",
        "Node Collector (rgthree)",
        "Random Unmuter (rgthree)",
    )
)
"""Nodes that only the editor has, and that feed nothing; some are of well-known extensions."""
VIRTUAL = frozenset((*REROUTES, PRIMITIVE, *SETTERS, *GETTERS, *DECORATION))

MAX_AUTOGROW = 1000
"""Slots of one growing list; the server's own lists end at 100."""


@dataclass
class Promoted:
    """A widget that a subgraph instance shows for one of its inner nodes."""

    value: Any
    source: Widget

    @property
    def kind(self) -> Kind:
        return self.source.kind


@dataclass(eq=False)
class Slot:
    """An input slot of a live node."""

    name: str
    type: str
    link: LinkId | None = None
    widget: str | None = None
    spec: Spec | None = None
    """What a primitive linked to it takes its limits from."""
    boundary: BoundarySlot | None = None
    """On a subgraph instance: the definition's input it stands for."""
    promoted: Promoted | None = None


@dataclass
class Output:
    name: str
    type: str
    links: list[LinkId] = field(default_factory=list)
    match_group: str = ""


@dataclass
class Autogrow:
    """A list of slots that grows: its elements, and how their names are made."""

    elements: list[Spec]
    names: Sequence[str] | None
    prefix: str
    minimum: int
    maximum: int

    def base(self, ordinal: int, element: Spec) -> str:
        if self.names is not None:
            return self.names[ordinal] if 0 <= ordinal < len(self.names) else "undefined"
        return f"{self.prefix if len(self.elements) == 1 else element.name}{ordinal}"

    def ordinal(self, base: str) -> int | None:
        if self.names is not None:
            return self.names.index(base) if base in self.names else None
        digits = re.search(r"[0-9]{1,9}\Z", base)
        return int(digits.group()) if digits else None


@dataclass
class LiveNode:
    """One node of a loaded graph. Its graph owns it; nothing outside loading changes it."""

    id: str
    type: str
    title: str = ""
    mode: int = 0
    properties: dict[str, Any] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    widgets: list[Widget] = field(default_factory=list)
    definition: NodeDef | None = None
    specs: Sequence[Spec] = ()
    subgraph: Subgraph | None = None
    saved_values: Sequence[Any] | None = None
    """The record's values, for a primitive, which gets its widget last."""
    growing: dict[str, Autogrow] = field(default_factory=dict)
    match_groups: dict[str, dict[str, str]] = field(default_factory=dict)
    links: Mapping[LinkId, Link] = field(default_factory=dict, repr=False)
    """Its graph's links; they learn where a slot has moved to."""
    created: bool = False
    """Widgets made after creation miss the hooks that creation runs (dynamic prompts)."""

    @property
    def is_virtual(self) -> bool:
        """Whether it exists in the editor only."""
        return self.subgraph is not None or (self.definition is None and self.type in VIRTUAL)

    @property
    def is_unknown(self) -> bool:
        return self.definition is None and not self.is_virtual

    def widget(self, name: str) -> Widget | None:
        return next((widget for widget in self.widgets if widget.name == name), None)

    def slot_index(self, name: str) -> int | None:
        return next((index for index, slot in enumerate(self.slots) if slot.name == name), None)

    def slot_of_link(self, link: LinkId) -> Slot | None:
        return next((slot for slot in self.slots if slot.link == link), None)

    def widget_of(self, slot: Slot) -> Widget | Promoted | None:
        """The widget behind a slot; on a subgraph instance the one it promotes."""
        if slot.promoted is not None:
            return slot.promoted
        return self.widget(slot.widget) if slot.widget else None


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
            value = widget.value
            if isinstance(widget, Promoted) and source.kind is Kind.LONG_TEXT and not isinstance(value, str):
                value = ""  # a text box shown for another text box reads its text only
            slot.promoted = Promoted(value, source)
            slot.widget = slot.name
            slot.spec = target.spec
            return
