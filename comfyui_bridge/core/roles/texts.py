"""The texts that a sampler is guided by, found by following its conditionings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from comfyui_bridge.core.roles.nodes import is_pair, is_text, makes_pair, named
from comfyui_bridge.core.roles.vocabulary import NEGATIVE_TEXTS, POSITIVE_SLOTS
from comfyui_bridge.core.tracing import Place, Tracer, leaf
from comfyui_bridge.core.workflow import Link, Node


@dataclass(frozen=True)
class Texts:
    """Finds the texts of one workflow's samplers."""

    tracer: Tracer

    def of(self, nodes: list[Node]) -> Iterator[tuple[str, Place]]:
        for role, slots in (("prompt", POSITIVE_SLOTS), ("negative", ("negative",))):
            for node in nodes:
                link = next((node.inputs[s] for s in slots if isinstance(node.inputs.get(s), Link)), None)
                if isinstance(link, Link):
                    yield from self._upstream(link, role)
                    break

    def _upstream(self, start: Link, role: str) -> Iterator[tuple[str, Place]]:
        """The texts a conditioning comes from, and how strongly it guides, going upstream."""
        waiting, seen = [start], set()
        while waiting:
            link = waiting.pop(0)
            node = self.tracer.node(link.node_id)
            if node is None or link in seen or node.class_type == "ConditioningZeroOut":
                continue
            seen.add(link)
            passed = self._passed(node, link, role)
            waiting += passed
            if not (passed and is_pair(node)):
                yield from self._own(node, role)
            if passed and role == "prompt":
                yield from named(self.tracer, node, "guidance", ("guidance",))

    def _passed(self, node: Node, link: Link, role: str) -> list[Link]:
        """The conditionings a node hands on; of a pair the half that its output is named after."""
        links = self.tracer.typed_links(node, "CONDITIONING")
        if self.tracer.definition(node) is None:
            words = ("conditioning", "positive", "negative")
            links = [(name, link) for name, link in node.links() if any(word in name for word in words)]
        if not is_pair(node):
            return [link for _, link in links]
        output = self.tracer.output(link)
        side = output.name.lower() if output else ("positive", "negative")[link.output == 1]
        if not side.startswith(("positive", "negative")):
            side = "negative" if role == "negative" else "positive"
        return [link for name, link in links if name.startswith(side[:8])]

    def _own(self, node: Node, role: str) -> Iterator[tuple[str, Place]]:
        names = [name for name in self.tracer.text_inputs(node) if is_text(name) or leaf(name) == "lyrics"]
        if role == "negative":
            opposite = [name for name in self.tracer.text_inputs(node) if leaf(name) in NEGATIVE_TEXTS]
            # A node that makes both halves of a pair has a text of its own for each.
            names = opposite or ([] if makes_pair(self.tracer, node) else names)
        for name in names:
            kind = "lyrics" if leaf(name) == "lyrics" else role
            if kind != "lyrics" or role == "prompt":
                yield from ((kind, place) for place in self.tracer.texts(node.node_id, name))
