"""What generates: samplers, and nodes that call a service or make something of a prompt in another way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from comfyui_bridge.core.node_defs import SEED_NAMES
from comfyui_bridge.core.roles.files import Files
from comfyui_bridge.core.roles.nodes import is_sampler, is_text, named, takes_prompt
from comfyui_bridge.core.roles.sizes import Sizes
from comfyui_bridge.core.roles.texts import Texts
from comfyui_bridge.core.roles.vocabulary import NEGATIVE_TEXTS, SAMPLER_ROLES, SERVICE_ROLES, SIDE_TYPES
from comfyui_bridge.core.tracing import Place, Tracer, leaf
from comfyui_bridge.core.workflow import Node


@dataclass
class Stage:
    """Something that generates, and the places its settings come from."""

    node: Node
    subject: str
    places: list[tuple[str, Place]]
    is_helper: bool = False
    """It only writes texts for the others."""

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.places)


@dataclass
class Stages:
    """Finds the stages of one workflow."""

    tracer: Tracer
    texts: Texts
    sizes: Sizes
    files: Files
    helpers: list[Node] = field(default_factory=list)
    """Samplers that only prepare something, such as a depth estimate; known once `all` was asked for."""

    def all(self) -> list[Stage]:
        """What generates, in the order it runs; what only writes texts for the others last."""
        samplers = [self._sampler_stage(node) for node in self._nodes() if is_sampler(node)]
        if any(stage.has("prompt", "seed") for stage in samplers):
            self.helpers = [stage.node for stage in samplers if not stage.has("prompt", "seed")]
            samplers = [stage for stage in samplers if stage.has("prompt", "seed")]
        services = [stage for node in self._nodes() if (stage := self._service_stage(node)) is not None]
        stages = [*samplers, *services]
        if all(stage.is_helper for stage in stages):
            stages = [replace(stage, is_helper=False) for stage in stages]
        depths = self.tracer.depths({stage.node.node_id for stage in stages})
        return sorted(stages, key=lambda stage: (stage.is_helper, depths[stage.node.node_id]))

    def _nodes(self) -> Iterable[Node]:
        return self.tracer.workflow.nodes.values()

    def _sampler_stage(self, sampler: Node) -> Stage:
        return Stage(sampler, f"The sampler “{sampler.name}”", list(self._sampler_places(sampler)))

    def _sampler_places(self, sampler: Node) -> Iterator[tuple[str, Place]]:
        nodes = [sampler, *self._side_nodes(sampler)]
        yield from self.texts.of(nodes)
        yield from self.sizes.start(sampler)
        for node in nodes:
            if node.inputs.get("add_noise") not in ("disable", False):
                yield from named(self.tracer, node, "seed", SEED_NAMES)
            for role, names in SAMPLER_ROLES.items():
                yield from named(self.tracer, node, role, names)
        for node in nodes:
            yield from self.files.models(node)

    def _side_nodes(self, sampler: Node) -> list[Node]:
        """The nodes that carry a custom sampler's settings: sigmas, guider, sampler, noise."""
        return [
            node
            for type_ in SIDE_TYPES
            for _, link in self.tracer.typed_links(sampler, type_)
            for node in self.tracer.upstream(link, type_)
        ]

    def _service_stage(self, node: Node) -> Stage | None:
        """A node that calls a service, or makes something of a prompt in another way than by sampling."""
        definition = self.tracer.definition(node)
        is_service = bool(definition and definition.api_node)
        if not is_service and (node.node_id in self.tracer.visited or not takes_prompt(self.tracer, node)):
            return None
        if is_sampler(node):
            return None
        outputs = {output.type for output in definition.outputs} if definition else set()
        return Stage(
            node,
            f"“{node.name}”",
            list(self._service_places(node)),
            is_helper=bool(outputs) and outputs <= {"STRING"},
        )

    def _service_places(self, node: Node) -> Iterator[tuple[str, Place]]:
        texts = self.tracer.text_inputs(node)
        has_preset = any(leaf(name) in ("size_preset", "size") for name in node.inputs)
        for name in node.inputs:
            word = leaf(name)
            if name in texts and (is_text(name) or word in NEGATIVE_TEXTS):
                role = "negative" if word in NEGATIVE_TEXTS else "prompt"
                yield from ((role, place) for place in self.tracer.texts(node.node_id, name))
            elif word in ("width", "height") and not has_preset:
                yield from self.sizes.extent(node, name)
            elif word in SERVICE_ROLES:
                yield from named(self.tracer, node, SERVICE_ROLES[word], (name,))
