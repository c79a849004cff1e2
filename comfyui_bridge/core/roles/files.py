"""The files a workflow loads: models, LoRAs, ControlNets, VAEs, and what people bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from comfyui_bridge.core.node_defs import ComboSpec
from comfyui_bridge.core.roles.nodes import is_control, named
from comfyui_bridge.core.roles.vocabulary import GENERIC_SLOT, MEDIA, MODEL_FILES, UPLOADS
from comfyui_bridge.core.tracing import Place, Tracer, leaf
from comfyui_bridge.core.workflow import Link, Node


@dataclass(frozen=True)
class Files:
    """Finds the files of one workflow."""

    tracer: Tracer

    def _nodes(self) -> Iterable[Node]:
        return self.tracer.workflow.nodes.values()

    def models(self, node: Node) -> Iterator[tuple[str, Place]]:
        """The model files that a sampler's MODEL link leads to."""
        for _, link in self.tracer.typed_links(node, "MODEL"):
            for source in self.tracer.upstream(link, "MODEL"):
                for name, role in MODEL_FILES.items():
                    yield from named(self.tracer, source, role, (name,))

    def loaders(self) -> Iterator[tuple[str, Place, str]]:
        for node in self._nodes():
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
                elif name == "strength" and is_control(node):
                    yield "controlnet_strength", place, f"“{node.name}” follows its hint this strongly."

    def vaes(self, stages: Sequence[Node], helpers: Sequence[Node]) -> Iterator[tuple[Place, str]]:
        """VAE files; first those that turn what a stage made into a picture."""
        numbers = {node.node_id: number for number, node in enumerate(stages, 1)}
        preparing = {node.node_id for node in helpers}
        found: list[tuple[int, str]] = []
        for node in self._nodes():
            vae, latent = node.inputs.get("vae"), node.inputs.get("samples")
            if isinstance(vae, Link) and isinstance(latent, Link):
                met = (other.node_id for other in self.tracer.upstream(latent, "LATENT"))
                sampler = next((node_id for node_id in met if node_id in numbers or node_id in preparing), "")
                found += [(numbers[sampler], vae.node_id)] if sampler in numbers else []
        rest = [] if preparing else [node.node_id for node in self._nodes()]
        for node_id in [*(node_id for _, node_id in sorted(found)), *rest]:
            place = self.tracer.value(node_id, "vae_name")
            if place is not None:
                yield place, f"“{self.tracer.workflow.nodes[node_id].name}” loads this VAE."

    def uploads(self, stages: Sequence[Node]) -> Iterator[tuple[str, Place, str, str]]:
        """Files that no node fills, in the order in which what generates takes them."""
        loaders = {node.node_id: uploads for node in self._nodes() if (uploads := self._upload_inputs(node))}
        slots = self._slots([*stages, *self._ends()])
        needed = [node_id for node_id in slots if node_id in loaders]
        for node_id in needed or loaders:
            node = self.tracer.workflow.nodes[node_id]
            for role, name in loaders[node_id]:
                why = f"“{node.name}” reads this file, and no node fills it."
                yield role, Place(node_id, name), why, slots.get(node_id, "")

    def _upload_inputs(self, node: Node) -> list[tuple[str, str]]:
        found = []
        definition = self.tracer.definition(node)
        for name, content in node.inputs.items():
            if not isinstance(content, str):
                continue
            given = definition.input(name) if definition else None
            spec = given.spec if given else None
            if isinstance(spec, ComboSpec) and spec.upload is not None:
                role = UPLOADS[spec.upload]
                found.append(("mask" if role == "image" and "Mask" in node.class_type else role, name))
            elif name in UPLOADS.values() and name != "file" and "Load" in node.class_type:
                found.append((name, name))
        return found

    def _ends(self) -> list[Node]:
        """The nodes for whose sake a workflow runs."""
        used = {link.node_id for node in self._nodes() for _, link in node.links()}
        loose = [node for node in self._nodes() if node.node_id not in used and any(node.links())]
        return [node for node in loose if (d := self.tracer.definition(node)) is None or d.output_node]

    def _slots(self, roots: list[Node]) -> dict[str, str]:
        """The nodes in the order one meets them going upstream, with the slot each feeds in the end."""
        slots: dict[str, str] = {}
        waiting = [(node.node_id, "") for node in reversed(roots)]
        while waiting:
            node_id, slot = waiting.pop()
            node = self.tracer.node(node_id)
            if node is None or node_id in slots:
                slots.update({node_id: slot} if node and slot and not slots[node_id] else {})
                continue
            slots[node_id] = slot
            for name, link in reversed(list(node.links())):
                media = any(self.tracer.is_of_type(name, link, type_) for type_ in MEDIA)
                waiting.append((link.node_id, (_slot_words(name) or slot) if media else ""))
        return slots


def _slot_words(name: str) -> str:
    """What a slot's name says beyond the kind of thing: "first frame" of first_frame, "" of image_1."""
    word = leaf(name)
    if GENERIC_SLOT.fullmatch(word):
        return ""
    return " ".join(part for part in word.split("_") if part not in ("image", "images", "video", "audio"))
