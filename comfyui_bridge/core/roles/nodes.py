"""What a node is, as far as roles care, and where its own values stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from comfyui_bridge.core.node_defs import SEED_NAMES
from comfyui_bridge.core.roles.vocabulary import NUMBERED_TEXT, TEXTS
from comfyui_bridge.core.tracing import Place, Tracer, leaf
from comfyui_bridge.core.workflow import Link, Node


def named(tracer: Tracer, node: Node, role: str, names: Iterable[str]) -> Iterator[tuple[str, Place]]:
    """The role with each place that holds the value of an input of these names."""
    for name in names:
        place = tracer.value(node.node_id, name)
        if place is not None:
            yield role, place


def is_sampler(node: Node) -> bool:
    seeded = any(name in node.inputs for name in SEED_NAMES)
    if isinstance(node.inputs.get("latent_image"), Link):
        return seeded or "guider" in node.inputs or "positive" in node.inputs
    guided = any(isinstance(node.inputs.get(name), Link) for name in ("positive", "model"))
    return seeded and guided and "steps" in node.inputs and not node.class_type.startswith("Train")


def is_text(name: str) -> bool:
    return leaf(name) in TEXTS or NUMBERED_TEXT.fullmatch(leaf(name)) is not None


def is_pair(node: Node) -> bool:
    linked = [name for name, _ in node.links()]
    return all(any(name.startswith(side) for name in linked) for side in ("positive", "negative"))


def makes_pair(tracer: Tracer, node: Node) -> bool:
    definition = tracer.definition(node)
    return definition is not None and any(o.name.lower().startswith("negative") for o in definition.outputs)


def takes_prompt(tracer: Tracer, node: Node) -> bool:
    definition = tracer.definition(node)
    encodes = definition is not None and any(output.type == "CONDITIONING" for output in definition.outputs)
    return not encodes and any(leaf(name) == "prompt" for name in tracer.text_inputs(node))


def is_control(node: Node) -> bool:
    return "control_net" in node.inputs or "controlnet" in node.class_type.lower()
