"""What a reader of marks collects, and the questions that all of them ask of a workflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from comfyui_bridge.core.convert.places import Place
from comfyui_bridge.core.node_defs import InputSpec, LinkSpec, NodeDefs
from comfyui_bridge.core.template import Exposure
from comfyui_bridge.core.tracing import Tracer, leaf
from comfyui_bridge.core.workflow import Link, Node, Workflow

# What a person means by a node with one title and several inputs.
_MAIN_INPUTS = ("image", "video", "audio", "file", "prompt", "text", "value", "string")


@dataclass
class Found:
    """The marks met so far in one workflow. An input that is marked twice keeps its first mark."""

    workflow: Workflow
    node_defs: NodeDefs
    exposures: list[Exposure] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _taken: set[Place] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tracer = Tracer(self.workflow, self.node_defs)

    def add(self, places: Sequence[Place], exposure: Exposure) -> bool:
        """Expose these inputs as one, as far as the workflow has them; whether there is any."""
        held = [place for place in dict.fromkeys(places) if self._can_hold(place)]
        new = [place for place in held if place not in self._taken]
        if new:
            self._taken.update(new)
            (node_id, name), *rest = new
            self.exposures.append(replace(exposure, node_id=node_id, input=name, also=tuple(rest)))
        return bool(held)

    def _can_hold(self, place: Place) -> bool:
        node = self.workflow.nodes.get(place[0])
        if node is None:
            return False
        definition = self.node_defs.input(node.class_type, place[1])
        return place[1] in node.inputs or (definition is not None and definition.has_widget)

    def value_inputs(self, node: Node) -> list[str]:
        """The inputs of a node that hold a value."""
        return [name for name, content in node.inputs.items() if not isinstance(content, Link)]

    def main_inputs(self, node: Node) -> list[str]:
        """What a title of the whole node is about: its one input of weight, else all it has."""
        names = self.value_inputs(node)
        main = next((name for wanted in _MAIN_INPUTS for name in names if leaf(name) == wanted), None)
        return [main] if main is not None else names

    def target_spec(self, node: Node) -> InputSpec | None:
        """The type of what a node of any type feeds: its first taker's."""
        for taker, name in self.tracer.takers(node.node_id):
            definition = self.node_defs.input(taker.class_type, name)
            if definition is not None and not isinstance(definition.spec, LinkSpec):
                return definition.spec
        return None

    def target_name(self, node: Node) -> str:
        return next((leaf(name) for _, name in self.tracer.takers(node.node_id)), "")
