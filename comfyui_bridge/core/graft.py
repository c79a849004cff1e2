"""Puts nodes into a graph that has none of their kind: a stack of LoRAs, a ControlNet.

Edges are found by type from the node definitions, never by title or id. The original workflow is left
as it was; a graph without a place for the graft is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from comfyui_bridge.core.errors import NoPlace
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.node_defs import NodeDefs, input_types
from comfyui_bridge.core.workflow import Link, Node, Workflow


@dataclass(frozen=True)
class Lora:
    """A LoRA by its file name, with how strongly it acts on the model and on the text encoder."""

    name: str
    strength_model: float = 1.0
    strength_clip: float | None = None
    """As `strength_model` where it is None."""


@dataclass(frozen=True)
class ControlNet:
    """A ControlNet by its file name, and the hint it follows: a server's file name, or a file of ours."""

    name: str
    image: str | FileValue
    strength: float = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0


def add_loras(workflow: Workflow, node_defs: NodeDefs, loras: Sequence[Lora]) -> Workflow:
    """Insert LoRAs behind the model loader, the first one nearest to it.

    Where the loader gives a CLIP too, it goes through the LoRAs as well; else only the model does.
    Raises NoPlace if no sampler's model comes from a loader, or the server has no node for LoRAs.
    """
    model = _model_source(workflow, node_defs)
    clip_slot = _output_of(workflow.node(model.node_id), node_defs, "CLIP")
    clip = Link(model.node_id, clip_slot) if clip_slot is not None else None
    class_type = "LoraLoader" if clip else "LoraLoaderModelOnly"
    _require(node_defs, class_type)
    first_model, first_clip = model, clip
    feeds = {source: workflow.consumers(source.node_id, source.output) for source in (model, clip) if source}
    for lora in loras:
        inputs: dict[str, Any] = {
            "lora_name": lora.name,
            "strength_model": lora.strength_model,
            "model": model.to_api(),
        }
        if clip is not None:
            strength = lora.strength_model if lora.strength_clip is None else lora.strength_clip
            inputs |= {"strength_clip": strength, "clip": clip.to_api()}
        workflow, node_id = _append(workflow, class_type, inputs, f"LoRA {lora.name}")
        model = Link(node_id, 0)
        clip = Link(node_id, 1) if clip else None
    workflow = _rewire(workflow, feeds[first_model], model)
    if first_clip is not None and clip is not None:
        workflow = _rewire(workflow, feeds[first_clip], clip)
    return workflow


def add_controlnet(workflow: Workflow, node_defs: NodeDefs, controlnet: ControlNet) -> Workflow:
    """Insert a ControlNet between the text and every sampler that takes that text.

    Raises NoPlace if nothing takes a positive and a negative conditioning, or the server lacks a node.
    """
    for class_type in ("ControlNetLoader", "ControlNetApplyAdvanced", "LoadImage"):
        _require(node_defs, class_type)
    takers = _conditioning_takers(workflow, node_defs)
    if not takers:
        raise NoPlace(
            "No node takes a positive and a negative conditioning, so a ControlNet has no place here."
        )
    positive, negative = takers[0][1], takers[0][2]
    image: Any = controlnet.image.to_json() if isinstance(controlnet.image, FileValue) else controlnet.image
    workflow, loader = _append(
        workflow, "ControlNetLoader", {"control_net_name": controlnet.name}, f"ControlNet {controlnet.name}"
    )
    workflow, hint = _append(workflow, "LoadImage", {"image": image}, "ControlNet image")
    inputs: dict[str, Any] = {
        "strength": controlnet.strength,
        "start_percent": controlnet.start_percent,
        "end_percent": controlnet.end_percent,
        "positive": positive.to_api(),
        "negative": negative.to_api(),
        "control_net": [loader, 0],
        "image": [hint, 0],
    }
    vae = _vae(workflow, node_defs)
    if vae is not None and node_defs.input("ControlNetApplyAdvanced", "vae"):
        inputs["vae"] = vae.to_api()  # models that work in latents need it, the others ignore it
    workflow, applied = _append(workflow, "ControlNetApplyAdvanced", inputs, "Apply ControlNet")
    for node, its_positive, its_negative in takers:
        if (its_positive, its_negative) == (positive, negative):
            workflow = workflow.with_input(node.node_id, "positive", Link(applied, 0))
            workflow = workflow.with_input(node.node_id, "negative", Link(applied, 1))
    return workflow


def _model_source(workflow: Workflow, node_defs: NodeDefs) -> Link:
    """The output of the loader that the first sampler's model comes from."""
    samplers = [
        node
        for node in workflow.nodes.values()
        if any("LATENT" in types for _, types in _link_inputs(node, node_defs))
        and isinstance(node.inputs.get("model"), Link)
    ]
    ends = samplers or [
        node for node in workflow.nodes.values() if isinstance(node.inputs.get("model"), Link)
    ]
    if not ends:
        raise NoPlace("No node takes a model, so a LoRA has no place in this workflow.")
    ids = {node.node_id for node in ends}
    first = min(ends, key=lambda node: len(ids & set(workflow.upstream(node.node_id))))
    link, seen = first.inputs["model"], set()
    while isinstance(link, Link) and link not in seen and link.node_id in workflow:
        seen.add(link)
        node = workflow.node(link.node_id)
        onward = next(
            (node.inputs[name] for name, types in _link_inputs(node, node_defs) if "MODEL" in types), None
        )
        if not isinstance(onward, Link):
            return link
        link = onward
    raise NoPlace(
        f"The model of “{first.name}” comes from no loader, so a LoRA has no place in this workflow."
    )


def _conditioning_takers(workflow: Workflow, node_defs: NodeDefs) -> list[tuple[Node, Link, Link]]:
    """The nodes at the end of the conditioning: positive and negative go in, no conditioning comes out."""
    found = []
    for node in workflow.nodes.values():
        positive, negative = node.inputs.get("positive"), node.inputs.get("negative")
        definition = node_defs.get(node.class_type)
        passes_on = definition is not None and any(o.type == "CONDITIONING" for o in definition.outputs)
        if isinstance(positive, Link) and isinstance(negative, Link) and not passes_on:
            found.append((node, positive, negative))
    ids = {node.node_id for node, _, _ in found}
    return sorted(found, key=lambda taker: len(ids & set(workflow.upstream(taker[0].node_id))))


def _vae(workflow: Workflow, node_defs: NodeDefs) -> Link | None:
    """The VAE the workflow decodes with."""
    for node in workflow.nodes.values():
        for name, types in _link_inputs(node, node_defs):
            content = node.inputs[name]
            if types == ("VAE",) and isinstance(content, Link):
                return content
    return None


def _link_inputs(node: Node, node_defs: NodeDefs) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The linked inputs of a node and the types they take."""
    for name, _ in node.links():
        definition = node_defs.input(node.class_type, name)
        if definition is not None:
            yield name, input_types(definition)


def _output_of(node: Node, node_defs: NodeDefs, type_: str) -> int | None:
    definition = node_defs.get(node.class_type)
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
    contents = {
        name: Link(*content) if isinstance(content, list) else content for name, content in inputs.items()
    }
    return workflow.with_node(Node(node_id, class_type, MappingProxyType(contents), title)), node_id


def _rewire(workflow: Workflow, consumers: Sequence[tuple[Node, str]], source: Link) -> Workflow:
    for node, name in consumers:
        workflow = workflow.with_input(node.node_id, name, source)
    return workflow
