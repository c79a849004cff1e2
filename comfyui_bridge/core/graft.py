"""Puts nodes into a graph that has none of their kind: a stack of LoRAs, a ControlNet.

Where they go is found by following links of a type from the node definitions, never by title or id. The
original workflow is left as it was; a graph without a place for the graft is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol

from comfyui_bridge.core.errors import NoPlace
from comfyui_bridge.core.files import FileValue, marked
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.tracing import Tracer
from comfyui_bridge.core.workflow import Link, Node, Workflow

LORA_NODE, MODEL_ONLY_NODE = "LoraLoader", "LoraLoaderModelOnly"
CONTROLNET_LOADER, CONTROLNET_APPLY, HINT_LOADER = "ControlNetLoader", "ControlNetApplyAdvanced", "LoadImage"
CONTROLNET_NODES = (CONTROLNET_LOADER, CONTROLNET_APPLY, HINT_LOADER)

_POSITIVE, _NEGATIVE = ("positive", "conditioning", "cond1"), "negative"
_MAX_NESTED = 50
"""Nodes with several models in, one behind the other: more than anyone links."""


@dataclass(frozen=True)
class Lora:
    """A LoRA by its file name, with how strongly it acts on the model and on the text encoder."""

    name: str
    strength_model: float = 1.0
    strength_clip: float | None = None
    """As `strength_model` where it is None."""


class FilePath(Protocol):
    """The path of a file on our side, such as a pathlib.Path; it is opened elsewhere."""

    def __fspath__(self) -> str: ...


@dataclass(frozen=True)
class ControlNet:
    """A ControlNet by its file name, and the hint it follows: a server's file name, or a file of ours.

    As a value of a client's run the hint may be a path.
    """

    name: str
    image: str | FileValue | FilePath
    strength: float = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0


@dataclass(frozen=True)
class LoraPlace:
    """Where LoRAs go: behind the output that a model comes from, and its text encoder."""

    model: Link
    clip: Link | None = None
    is_apart: bool = False
    """The text encoder is loaded apart from the model, so it goes through LoRAs only where that is asked."""
    title: str = ""
    """What loads the model, for people."""


@dataclass(frozen=True)
class Taker:
    """A node at the end of the conditioning, and the inputs it takes it by."""

    node_id: str
    positive: str
    negative: str | None


@dataclass(frozen=True)
class ControlNetPlace:
    """Where a ControlNet goes: between this conditioning and all who take it."""

    positive: Link
    negative: Link | None
    takers: tuple[Taker, ...]
    vae: Link | None


@dataclass(frozen=True)
class Places:
    """What a graph has room for."""

    loras: tuple[LoraPlace, ...] = ()
    """One for each model that samples, in the order in which they do."""
    controlnet: ControlNetPlace | None = None


def places(workflow: Workflow, node_defs: NodeDefs) -> Places:
    """Where LoRAs and a ControlNet would go; nothing is changed, and no server's nodes are asked for."""
    finder = _Finder(Tracer(workflow, node_defs))
    return Places(finder.lora_places(), finder.controlnet_place())


def add_loras(
    workflow: Workflow, node_defs: NodeDefs, loras: Sequence[Lora], place: LoraPlace | None = None
) -> Workflow:
    """Insert LoRAs behind a model loader, the first one nearest to it.

    Where the loader gives a CLIP too, it goes through the LoRAs as well; one that is loaded apart does if a
    `strength_clip` is given. Without a `place` that of the first sampler's model is taken. Raises NoPlace if
    there is none, or the server has no node for LoRAs.
    """
    place = place or _first_lora_place(workflow, node_defs)
    said_clip = any(lora.strength_clip is not None for lora in loras)
    model, clip = place.model, place.clip if said_clip or not place.is_apart else None
    class_type = LORA_NODE if clip else MODEL_ONLY_NODE
    _require(node_defs, class_type)
    first_model, first_clip = model, clip
    feeds = {source: workflow.consumers(source.node_id, source.output) for source in (model, clip) if source}
    for lora in loras:
        inputs: dict[str, Any] = {"lora_name": lora.name, "strength_model": lora.strength_model}
        inputs["model"] = model
        if clip is not None:
            strength = lora.strength_model if lora.strength_clip is None else lora.strength_clip
            inputs |= {"strength_clip": strength, "clip": clip}
        workflow, node_id = _append(workflow, class_type, inputs, f"LoRA {lora.name}")
        model = Link(node_id, 0)
        clip = Link(node_id, 1) if clip else None
    workflow = _rewire(workflow, feeds[first_model], model)
    if first_clip is not None and clip is not None:
        workflow = _rewire(workflow, feeds[first_clip], clip)
    return workflow


def add_controlnet(
    workflow: Workflow, node_defs: NodeDefs, controlnet: ControlNet, place: ControlNetPlace | None = None
) -> Workflow:
    """Insert a ControlNet between the text and every sampler that takes that text.

    Raises NoPlace if nothing takes a conditioning, or the server lacks a node.
    """
    for class_type in CONTROLNET_NODES:
        _require(node_defs, class_type)
    place = place or places(workflow, node_defs).controlnet
    if place is None:
        raise NoPlace(
            "No node takes a positive and a negative conditioning, so a ControlNet has no place here."
        )
    title = f"ControlNet {controlnet.name}"
    workflow, loader = _append(workflow, CONTROLNET_LOADER, {"control_net_name": controlnet.name}, title)
    workflow, hint = _append(workflow, HINT_LOADER, {"image": marked(controlnet.image)}, "ControlNet image")
    inputs: dict[str, Any] = {
        "strength": controlnet.strength,
        "start_percent": controlnet.start_percent,
        "end_percent": controlnet.end_percent,
        "positive": place.positive,
        # Of a guider without a negative, the node's other half is left lying.
        "negative": place.negative or place.positive,
        "control_net": Link(loader, 0),
        "image": Link(hint, 0),
    }
    if place.vae is not None and node_defs.input(CONTROLNET_APPLY, "vae"):
        inputs["vae"] = place.vae  # models that work in latents need it, the others ignore it
    workflow, applied = _append(workflow, CONTROLNET_APPLY, inputs, "Apply ControlNet")
    for taker in place.takers:
        workflow = workflow.with_input(taker.node_id, taker.positive, Link(applied, 0))
        if taker.negative is not None:
            workflow = workflow.with_input(taker.node_id, taker.negative, Link(applied, 1))
    return workflow


def _first_lora_place(workflow: Workflow, node_defs: NodeDefs) -> LoraPlace:
    found = places(workflow, node_defs).loras
    if found:
        return found[0]
    ends = [node for node in workflow.nodes.values() if isinstance(node.inputs.get("model"), Link)]
    if not ends:
        raise NoPlace("No node takes a model, so a LoRA has no place in this workflow.")
    raise NoPlace(
        f"The model of “{ends[0].name}” comes from no loader, so a LoRA has no place in this workflow."
    )


@dataclass
class _Finder:
    """Follows the links of one workflow by their types."""

    tracer: Tracer
    sources: dict[tuple[Link, str], Link | None] = field(default_factory=dict)

    def lora_places(self) -> tuple[LoraPlace, ...]:
        sources = dict.fromkeys(
            source
            for node in self._in_order(self._ends("MODEL"))
            for link in self._links(node, "MODEL")
            if (source := self._source(link, "MODEL", 0)) is not None
        )
        return tuple(self._lora_place(source, len(sources) == 1) for source in sources)

    def _lora_place(self, model: Link, is_only: bool) -> LoraPlace:
        loader = self.tracer.workflow.nodes[model.node_id]
        slot = self._output_of(loader, "CLIP")
        if slot is not None:
            return LoraPlace(model, Link(loader.node_id, slot), title=loader.name)
        clips = self._clips_beside(model)
        is_joined = bool(clips)
        if not clips and is_only:
            clips = self._sources_into(self._ends("CLIP"), "CLIP")
        return LoraPlace(model, clips[0] if len(clips) == 1 else None, not is_joined, loader.name)

    def _clips_beside(self, model: Link) -> list[Link]:
        """The text encoders that go through the same LoRAs as this model does already."""
        beside: dict[str, Node] = {}
        waiting = [model]
        while waiting:
            link = waiting.pop()
            for node, name in self.tracer.takers(link.node_id):
                slot = self._output_of(node, "MODEL")
                if slot is not None and node.inputs[name] == link and node.node_id not in beside:
                    beside[node.node_id] = node
                    waiting.append(Link(node.node_id, slot))
        both = [node for node in beside.values() if self._output_of(node, "CLIP") is not None]
        return self._sources_into(both, "CLIP")

    def _sources_into(self, nodes: Iterable[Node], type_: str) -> list[Link]:
        found = (self._source(link, type_, 0) for node in nodes for link in self._links(node, type_))
        return list(dict.fromkeys(source for source in found if source is not None))

    def controlnet_place(self) -> ControlNetPlace | None:
        ends = self._in_order(self._ends("CONDITIONING"))
        taking = [(taker, self._pair(taker)) for node in ends if (taker := self._taker(node)) is not None]
        if not taking:
            return None
        first = taking[0][1]
        takers = tuple(taker for taker, pair in taking if pair == first)
        return ControlNetPlace(*first, takers, self._vae())

    def _taker(self, node: Node) -> Taker | None:
        linked = {name for name, link in node.links() if self.tracer.is_of_type(name, link, "CONDITIONING")}
        positive = next((name for name in _POSITIVE if name in linked), None)
        if positive is None or node.class_type.startswith("Train"):
            return None
        has_negative = _NEGATIVE in linked
        if positive == "positive" and not has_negative:
            return None
        return Taker(node.node_id, positive, _NEGATIVE if has_negative else None)

    def _pair(self, taker: Taker) -> tuple[Link, Link | None]:
        inputs = self.tracer.workflow.nodes[taker.node_id].inputs
        return inputs[taker.positive], inputs[taker.negative] if taker.negative else None

    def _vae(self) -> Link | None:
        """The VAE the workflow decodes with."""
        found = (link for node in self._nodes() for link in self._links(node, "VAE"))
        return next(found, None)

    # Walks

    def _nodes(self) -> Iterable[Node]:
        return self.tracer.workflow.nodes.values()

    def _ends(self, type_: str) -> list[Node]:
        """The nodes that take this type and do not hand it on; those that sample, where there are any."""
        ends = [
            node
            for node in self._nodes()
            if self._output_of(node, type_) is None and any(self._links(node, type_))
        ]
        return [node for node in ends if node.node_id in self._sampling] or ends

    def _samples(self, node: Node) -> bool:
        given = {output.type for output in d.outputs} if (d := self.tracer.definition(node)) else set()
        return "GUIDER" in given or any(self._links(node, "LATENT"))

    def _in_order(self, nodes: list[Node]) -> list[Node]:
        """In the order they run; what samples without a text only prepares something, and comes last."""
        texts = {node.node_id for node in nodes if self._reads_text(node)}
        return sorted(nodes, key=lambda node: (node.node_id not in texts, self._depths.get(node.node_id, 0)))

    @cached_property
    def _sampling(self) -> frozenset[str]:
        return frozenset(node.node_id for node in self._nodes() if self._samples(node))

    @cached_property
    def _depths(self) -> dict[str, int]:
        return self.tracer.depths(self._sampling)

    def _reads_text(self, node: Node) -> bool:
        return any(
            any(self._links(before, "CLIP"))
            for link in self._links(node, "CONDITIONING")
            for before in self.tracer.upstream(link, "CONDITIONING")
        )

    def _source(self, link: Link, type_: str, nested: int) -> Link | None:
        """Where what a link carries begins: behind a loader, or where several become one."""
        key = link, type_
        if key not in self.sources:
            self.sources[key] = None  # what a circle finds here
            self.sources[key] = self._walk(link, type_, nested)
        return self.sources[key]

    def _walk(self, link: Link, type_: str, nested: int) -> Link | None:
        seen: set[Link] = set()
        while link not in seen:
            seen.add(link)
            node = self.tracer.node(link.node_id)
            if node is None:
                return None
            onward = list(dict.fromkeys(self._links(node, type_)))
            if not onward or nested > _MAX_NESTED:
                return link
            if len(onward) > 1:
                begins = {self._source(one, type_, nested + 1) for one in onward}
                return begins.pop() if len(begins) == 1 else link
            link = onward[0]
        return None

    def _links(self, node: Node, type_: str) -> Iterator[Link]:
        return (link for name, link in node.links() if self.tracer.is_of_type(name, link, type_))

    def _output_of(self, node: Node, type_: str) -> int | None:
        definition = self.tracer.definition(node)
        outputs = definition.outputs if definition else ()
        return next((slot for slot, output in enumerate(outputs) if output.type == type_), None)


def _require(node_defs: NodeDefs, class_type: str) -> None:
    if class_type not in node_defs:
        raise NoPlace(
            f"The server has no node {class_type}, which this needs. Update ComfyUI, or use another server."
        )


def _append(
    workflow: Workflow, class_type: str, inputs: Mapping[str, Any], title: str
) -> tuple[Workflow, str]:
    node_id = workflow.free_id()
    return workflow.with_node(Node(node_id, class_type, MappingProxyType(dict(inputs)), title)), node_id


def _rewire(workflow: Workflow, consumers: Sequence[tuple[Node, str]], source: Link) -> Workflow:
    for node, name in consumers:
        workflow = workflow.with_input(node.node_id, name, source)
    return workflow
