"""What an input is for, found by following links from the samplers, never by guessing node ids.

A role is the plain name of a thing people change: prompt, negative, seed, steps, width, checkpoint. A
second sampler's roles end in _2, and so on. Links are followed through primitives, reroutes and
conditioning nodes to the place where the value really stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from comfyui_bridge.core.node_defs import NodeDefs, StringSpec
from comfyui_bridge.core.workflow import Link, Node, Workflow

_SEEDS = ("seed", "noise_seed")
_SAMPLER_ROLES = {
    "steps": ("steps",),
    "cfg": ("cfg", "guidance"),
    "sampler": ("sampler_name",),
    "scheduler": ("scheduler",),
    "denoise": ("denoise",),
}
_SIDE_LINKS = ("sigmas", "guider", "sampler", "noise")
_TEXT_INPUTS = ("text", "prompt", "text_g", "text_l", "clip_l", "clip_g", "t5xxl", "llama", "string", "value")
_MODEL_FILES = {"ckpt_name": "checkpoint", "unet_name": "model", "model_name": "model"}
# Primitives of ComfyUI say `value`; those of extensions often name it after its type.
_PRIMITIVE_INPUTS = ("value", "Value", "int", "float", "string", "String", "boolean", "number")
_UPLOADS = {"image": "image", "video": "video", "audio": "audio"}
_WORDS = {
    "prompt": "takes its positive text from here",
    "negative": "takes its negative text from here",
    "seed": "takes its seed from here",
    "steps": "takes its number of steps from here",
    "cfg": "takes its guidance from here",
    "sampler": "takes its sampling method from here",
    "scheduler": "takes its schedule from here",
    "denoise": "takes its denoise from here",
    "width": "starts from a latent of this width",
    "height": "starts from a latent of this height",
    "batch_size": "starts from this many latents",
    "checkpoint": "gets its model from here",
    "model": "gets its model from here",
}


@dataclass(frozen=True)
class Place:
    """An input of a node that holds a value."""

    node_id: str
    input: str


@dataclass(frozen=True)
class Role:
    """What an input is for, in which stage, and why we think so."""

    name: str
    why: str
    stage: int = 1
    stage_title: str = ""

    @property
    def key(self) -> str:
        return self.name if self.stage == 1 else f"{self.name}_{self.stage}"


def find(workflow: Workflow, node_defs: NodeDefs) -> Mapping[Place, Role]:
    """The roles of a workflow's inputs; each input has one, each key is given once."""
    found: dict[Place, Role] = {}
    samplers = _samplers_in_order(workflow)
    for stage, sampler in enumerate(samplers, 1):
        title = sampler.name if len(samplers) > 1 else ""
        for name, place in _sampler_places(workflow, node_defs, sampler):
            if place not in found:
                why = f"The sampler “{sampler.name}” {_WORDS[name]}."
                _add(found, place, Role(name, why, stage, title))
    for name, place, why in _loader_places(workflow):
        _add(found, place, Role(name, why))
    if not samplers:
        _add_free_text(workflow, node_defs, found)
    return found


def value_place(workflow: Workflow, node_id: str, name: str) -> Place | None:
    """Where the value of an input really stands: here, or in the primitive its link leads to."""
    seen = set()
    while (node_id, name) not in seen:
        seen.add((node_id, name))
        node = workflow.nodes.get(node_id)
        if node is None or name not in node.inputs:
            return None
        content = node.inputs[name]
        if not isinstance(content, Link):
            return Place(node_id, name)
        source = workflow.nodes.get(content.node_id)
        step = _passed_on(source, name) if source else None
        if source is None or step is None:
            return None
        node_id, name = source.node_id, step
    return None


def _passed_on(source: Node, wanted: str) -> str | None:
    """The input whose content a primitive or reroute hands on; None for a node that computes."""
    links = [name for name, _ in source.links()]
    if links:
        return links[0] if len(source.inputs) == 1 else None
    return next((name for name in (*_PRIMITIVE_INPUTS, wanted) if name in source.inputs), None)


def _add(found: dict[Place, Role], place: Place, role: Role) -> None:
    if place in found:
        return
    taken = {other.key for other in found.values()}
    stage = role.stage
    while Role(role.name, "", stage).key in taken:
        stage += 1
    found[place] = Role(role.name, role.why, stage, role.stage_title)


def _samplers_in_order(workflow: Workflow) -> list[Node]:
    """Samplers, those that feed others first."""
    samplers = [node for node in workflow.nodes.values() if _is_sampler(node)]
    ids = {node.node_id for node in samplers}
    depth = {node.node_id: len(ids & set(workflow.upstream(node.node_id))) for node in samplers}
    return sorted(samplers, key=lambda node: depth[node.node_id])


def _is_sampler(node: Node) -> bool:
    return isinstance(node.inputs.get("latent_image"), Link) and any(
        name in node.inputs for name in (*_SEEDS, "noise", "positive", "guider")
    )


def _sampler_places(workflow: Workflow, node_defs: NodeDefs, sampler: Node) -> Iterator[tuple[str, Place]]:
    side = _side_nodes(workflow, sampler)
    for name, slot in (("prompt", "positive"), ("negative", "negative")):
        for node in (sampler, *side):
            slots = (slot, "conditioning") if name == "prompt" else (slot,)
            link = next((node.inputs[s] for s in slots if isinstance(node.inputs.get(s), Link)), None)
            if isinstance(link, Link):
                for place in _texts(workflow, node_defs, link):
                    yield name, place
                break
    latent = sampler.inputs["latent_image"]
    if isinstance(latent, Link):
        yield from _sizes(workflow, latent)
    for node in (sampler, *side):
        yield from _named(workflow, node, "seed", _SEEDS)
        for name, inputs in _SAMPLER_ROLES.items():
            yield from _named(workflow, node, name, inputs)
    for node in (sampler, *side):
        yield from _models(workflow, node)


def _side_nodes(workflow: Workflow, sampler: Node) -> list[Node]:
    """The nodes that carry a custom sampler's settings: sigmas, guider, sampler, noise."""
    links = [sampler.inputs.get(name) for name in _SIDE_LINKS]
    nodes = [workflow.nodes.get(link.node_id) for link in links if isinstance(link, Link)]
    return [node for node in nodes if node is not None]


def _named(workflow: Workflow, node: Node, role: str, names: tuple[str, ...]) -> Iterator[tuple[str, Place]]:
    for name in names:
        place = value_place(workflow, node.node_id, name)
        if place is not None:
            yield role, place


def _texts(workflow: Workflow, node_defs: NodeDefs, start: Link) -> Iterator[Place]:
    """The text inputs that a conditioning comes from, going upstream through conditioning nodes."""
    waiting, seen = [start], set()
    while waiting:
        link = waiting.pop(0)
        node = workflow.nodes.get(link.node_id)
        if node is None or link in seen or node.class_type == "ConditioningZeroOut":
            continue
        seen.add(link)
        texts = [p for p in _text_places(workflow, node_defs, node) if p is not None]
        if texts:
            yield from texts
        else:
            waiting += _conditioning_links(node, link.output)


def _text_places(workflow: Workflow, node_defs: NodeDefs, node: Node) -> Iterator[Place | None]:
    for name in _TEXT_INPUTS:
        if name not in node.inputs:
            continue
        definition = node_defs.input(node.class_type, name)
        if definition is not None and not isinstance(definition.spec, StringSpec):
            continue
        place = value_place(workflow, node.node_id, name)
        if place and isinstance(workflow.nodes[place.node_id].inputs[place.input], str):
            yield place


def _conditioning_links(node: Node, output: int) -> list[Link]:
    # Nodes such as ControlNetApplyAdvanced pass a pair on: output 0 is positive, 1 negative.
    if "positive" in node.inputs and "negative" in node.inputs:
        chosen = node.inputs["negative" if output == 1 else "positive"]
        return [chosen] if isinstance(chosen, Link) else []
    return [link for name, link in node.links() if "conditioning" in name or name == "positive"]


def _sizes(workflow: Workflow, latent: Link) -> Iterator[tuple[str, Place]]:
    """Width, height and batch size of the empty latent a sampler starts from."""
    node = workflow.nodes.get(latent.node_id)
    if node is None or _is_sampler(node) or any(name in ("samples", "pixels") for name, _ in node.links()):
        return
    for name in ("width", "height", "batch_size"):
        place = value_place(workflow, node.node_id, name)
        if place is not None:
            yield name, place


def _models(workflow: Workflow, node: Node) -> Iterator[tuple[str, Place]]:
    """The model file a sampler's MODEL link leads to."""
    waiting, seen = [node.inputs.get("model")], set()
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, Link) or link in seen or link.node_id not in workflow.nodes:
            continue
        seen.add(link)
        source = workflow.nodes[link.node_id]
        named = [(role, name) for name, role in _MODEL_FILES.items() if name in source.inputs]
        for role, name in named:
            place = value_place(workflow, source.node_id, name)
            if place is not None:
                yield role, place
        if not named:
            waiting += [content for name, content in source.links() if name.startswith("model")]


def _loader_places(workflow: Workflow) -> Iterator[tuple[str, Place, str]]:
    for node in workflow.nodes.values():
        for name, content in node.inputs.items():
            if isinstance(content, Link):
                continue
            place = Place(node.node_id, name)
            if name == "lora_name":
                yield "lora", place, f"“{node.name}” adds this LoRA."
            elif name in ("strength_model", "lora_strength") and "lora_name" in node.inputs:
                yield "lora_strength", place, f"“{node.name}” adds its LoRA with this strength."
            elif name in ("control_net_name", "controlnet_name"):
                yield "controlnet", place, f"“{node.name}” loads this ControlNet."
            elif name == "strength" and "control_net" in node.inputs:
                yield "controlnet_strength", place, f"“{node.name}” follows its hint this strongly."
            elif name == "vae_name":
                yield "vae", place, f"“{node.name}” loads this VAE."
            elif name in _UPLOADS and node.class_type.startswith("Load") and isinstance(content, str):
                yield _UPLOADS[name], place, f"“{node.name}” reads this file, and no node fills it."


def _add_free_text(workflow: Workflow, node_defs: NodeDefs, found: dict[Place, Role]) -> None:
    """Without a sampler, a multi-line text called prompt or text is what people want to type."""
    for node in workflow.nodes.values():
        for name in ("prompt", "text", "value"):
            definition = node_defs.input(node.class_type, name)
            is_text = isinstance(node.inputs.get(name), str)
            if (
                is_text
                and definition
                and isinstance(definition.spec, StringSpec)
                and definition.spec.multiline
            ):
                _add(
                    found,
                    Place(node.node_id, name),
                    Role("prompt", f"“{node.name}” takes a text of several lines."),
                )
