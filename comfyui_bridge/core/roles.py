"""What an input is for, found by following links from what generates, never by guessing node ids.

A role is the plain name of a thing people change: prompt, negative, seed, steps, width, checkpoint. Each
sampler and each node that calls a service is a stage; the roles of the second one end in _2, and so on.
A role that would point at the wrong thing is left out: the input stands under its node's name then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from comfyui_bridge.core.node_defs import SEED_NAMES, ComboSpec, NodeDefs, Upload
from comfyui_bridge.core.tracing import Place, Tracer, leaf
from comfyui_bridge.core.workflow import Link, Node, Workflow

_SAMPLER_ROLES = {
    "steps": ("steps",),
    "cfg": ("cfg", "cfg_conds", "video_cfg"),
    "sampler": ("sampler_name",),
    "scheduler": ("scheduler",),
    "denoise": ("denoise",),
}
_SIDE_TYPES = ("GUIDER", "NOISE", "SAMPLER", "SIGMAS")
_POSITIVE_SLOTS = ("positive", "conditioning", "cond1")
_TEXTS = frozenset(
    (
        "text",
        "prompt",
        "user_prompt",
        "prompt_text",
        "text_prompt",
        "caption",
        "tags",
        "instructions",
        "edit_instruction",
        "text_g",
        "text_l",
        "clip_l",
        "clip_g",
        "t5xxl",
        "llama",
        "bert",
        "mt5xl",
        "qwen25_7b",
        "positive",
        "positive_prompt",
        "high_level_description",
    )
)
_NUMBERED_TEXT = re.compile(r"(text|prompt)_?\d+|storyboard_\d+_prompt")
_NEGATIVE_TEXTS = frozenset(("negative", "negative_prompt", "negative_text"))
_MODEL_FILES = {"ckpt_name": "checkpoint", "unet_name": "model", "model_name": "model", "gguf_name": "model"}
_LENGTHS = ("length", "video_frames", "num_frames", "frames", "frame_count")
_SIZE_CHOICES = {
    "aspect_ratio": "aspect_ratio",
    "ratio": "aspect_ratio",
    "megapixels": "megapixels",
    "resolution": "resolution",
    "size": "resolution",
}
_SERVICE_ROLES = {
    "seed": "seed",
    "Seed": "seed",
    "noise_seed": "seed",
    "model_seed": "seed",
    "steps": "steps",
    "cfg": "cfg",
    "cfg_scale": "cfg",
    "guidance_scale": "cfg",
    "guidance": "guidance",
    "duration": "duration",
    "duration_seconds": "duration",
    "seconds": "duration",
    "fps": "fps",
    "frame_rate": "fps",
    "n": "batch_size",
    "number_of_images": "batch_size",
    "num_images": "batch_size",
    "batch_size": "batch_size",
    "lyrics": "lyrics",
    "model": "model",
    "model_name": "model",
    "model_version": "model",
    **_SIZE_CHOICES,
}
_MEDIA = ("IMAGE", "MASK", "VIDEO", "AUDIO")
_UPLOADS = {Upload.IMAGE: "image", Upload.VIDEO: "video", Upload.AUDIO: "audio", Upload.FILE: "file"}
_GENERIC_SLOT = re.compile(
    r"(images?|pixels|input|source|destination|video|audio|mask|any)?_?[a-z]?\d*", re.IGNORECASE
)
_WORDS = {
    "prompt": "takes its positive text from here",
    "lyrics": "takes the words that are sung from here",
    "negative": "takes its negative text from here",
    "seed": "takes its seed from here",
    "steps": "takes its number of steps from here",
    "cfg": "takes its guidance from here",
    "guidance": "is guided this strongly towards its text",
    "sampler": "takes its sampling method from here",
    "scheduler": "takes its schedule from here",
    "denoise": "takes its denoise from here",
    "width": "starts from this width",
    "height": "starts from this height",
    "aspect_ratio": "works out its size from this ratio",
    "megapixels": "works out its size from this many megapixels",
    "resolution": "works at this resolution",
    "length": "makes this many frames",
    "duration": "makes this many seconds",
    "fps": "makes this many frames a second",
    "batch_size": "makes this many at once",
    "checkpoint": "gets its model from here",
    "model": "gets its model from here",
}


@dataclass(frozen=True)
class Role:
    """What an input is for, in which stage, and why we think so."""

    name: str
    why: str
    stage: int = 1
    detail: str = ""
    """What tells it from others of its name, where there are any."""

    @property
    def key(self) -> str:
        return self.name if self.stage == 1 else f"{self.name}_{self.stage}"


@dataclass
class _Stage:
    """Something that generates, and the places its settings come from."""

    node: Node
    subject: str
    places: list[tuple[str, Place]]
    is_helper: bool = False
    """It only writes texts for the others."""

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.places)


@dataclass
class _Found:
    """A role on its way to its number."""

    role: Role
    place: Place


def find(workflow: Workflow, node_defs: NodeDefs) -> Mapping[Place, Role]:
    """The roles of a workflow's inputs; each input has one, each key is given once."""
    return _Finder(Tracer(workflow, node_defs)).find()


@dataclass
class _Finder:
    tracer: Tracer
    found: dict[Place, _Found] = field(default_factory=dict)
    helpers: list[Node] = field(default_factory=list)
    """Samplers that only prepare something, such as a depth estimate."""
    rates: list[Place] | None = None

    def find(self) -> Mapping[Place, Role]:
        stages = self._stages()
        names = Counter(stage.node.name for stage in stages)
        for number, stage in enumerate(stages, 1):
            detail = stage.node.name if names[stage.node.name] == 1 else f"stage {number}"
            detail = "" if number == 1 else detail
            for name, place in stage.places:
                self._add(place, Role(name, f"{stage.subject} {_WORDS[name]}.", number, detail))
        for name, place, why, detail in self._uploads(stages):
            self._add(place, Role(name, why, 1, detail))
        for place, why in self._vaes(stages):
            self._add(place, Role("vae", why))
        for name, place, why in self._loaders():
            self._add(place, Role(name, why))
        for place in self._frame_rates():
            self._add(place, Role("fps", f"The video {_WORDS['fps']}."))
        return self._numbered()

    def _add(self, place: Place, role: Role) -> None:
        if place not in self.found:
            self.found[place] = _Found(role, place)

    def _numbered(self) -> Mapping[Place, Role]:
        """Each key once: the first of a name has the plain one, others the number of their stage."""
        groups: dict[str, list[_Found]] = {}
        for one in self.found.values():
            groups.setdefault(one.role.name, []).append(one)
        for group in groups.values():
            group.sort(key=lambda one: one.role.stage)
            details = [self._detail(one) for one in group] if len(group) > 1 else [""]
            counts = Counter(details)
            number = 0
            for one, detail in zip(group, details, strict=True):
                number = max(one.role.stage, number + 1) if number else 1
                telling = detail if counts[detail] == 1 else ""
                one.role = replace(one.role, stage=number, detail=telling)
        return {place: one.role for place, one in self.found.items()}

    def _detail(self, one: _Found) -> str:
        node = self.tracer.workflow.nodes[one.place.node_id]
        definition = self.tracer.definition(node)
        usual = (node.class_type, definition.display_name if definition else "")
        return one.role.detail if node.title in ("", *usual) else node.title

    # Stages

    def _stages(self) -> list[_Stage]:
        """What generates, in the order it runs; what only writes texts for the others last."""
        samplers = [self._sampler_stage(node) for node in self._nodes() if _is_sampler(node)]
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

    def _sampler_stage(self, sampler: Node) -> _Stage:
        return _Stage(sampler, f"The sampler “{sampler.name}”", list(self._sampler_places(sampler)))

    def _sampler_places(self, sampler: Node) -> Iterator[tuple[str, Place]]:
        nodes = [sampler, *self._side_nodes(sampler)]
        yield from self._conditionings(nodes)
        yield from self._start(sampler)
        for node in nodes:
            if node.inputs.get("add_noise") not in ("disable", False):
                yield from self._named(node, "seed", SEED_NAMES)
            for role, names in _SAMPLER_ROLES.items():
                yield from self._named(node, role, names)
        for node in nodes:
            yield from self._models(node)

    def _side_nodes(self, sampler: Node) -> list[Node]:
        """The nodes that carry a custom sampler's settings: sigmas, guider, sampler, noise."""
        return [
            node
            for type_ in _SIDE_TYPES
            for _, link in self.tracer.typed_links(sampler, type_)
            for node in self.tracer.upstream(link, type_)
        ]

    def _named(self, node: Node, role: str, names: Iterable[str]) -> Iterator[tuple[str, Place]]:
        for name in names:
            place = self.tracer.value(node.node_id, name)
            if place is not None:
                yield role, place

    # Texts

    def _conditionings(self, nodes: list[Node]) -> Iterator[tuple[str, Place]]:
        for role, slots in (("prompt", _POSITIVE_SLOTS), ("negative", ("negative",))):
            for node in nodes:
                link = next((node.inputs[s] for s in slots if isinstance(node.inputs.get(s), Link)), None)
                if isinstance(link, Link):
                    yield from self._conditioning_texts(link, role)
                    break

    def _conditioning_texts(self, start: Link, role: str) -> Iterator[tuple[str, Place]]:
        """The texts a conditioning comes from, and how strongly it guides, going upstream."""
        waiting, seen = [start], set()
        while waiting:
            link = waiting.pop(0)
            node = self.tracer.node(link.node_id)
            if node is None or link in seen or node.class_type == "ConditioningZeroOut":
                continue
            seen.add(link)
            passed = self._passed_conditionings(node, link, role)
            waiting += passed
            if not (passed and _is_pair(node)):
                yield from self._own_texts(node, role)
            if passed and role == "prompt":
                yield from self._named(node, "guidance", ("guidance",))

    def _passed_conditionings(self, node: Node, link: Link, role: str) -> list[Link]:
        """The conditionings a node hands on; of a pair the half that its output is named after."""
        links = self.tracer.typed_links(node, "CONDITIONING")
        if self.tracer.definition(node) is None:
            words = ("conditioning", "positive", "negative")
            links = [(name, link) for name, link in node.links() if any(word in name for word in words)]
        if not _is_pair(node):
            return [link for _, link in links]
        output = self.tracer.output(link)
        side = output.name.lower() if output else ("positive", "negative")[link.output == 1]
        if not side.startswith(("positive", "negative")):
            side = "negative" if role == "negative" else "positive"
        return [link for name, link in links if name.startswith(side[:8])]

    def _own_texts(self, node: Node, role: str) -> Iterator[tuple[str, Place]]:
        names = [name for name in self.tracer.text_inputs(node) if _is_text(name) or leaf(name) == "lyrics"]
        if role == "negative":
            opposite = [name for name in self.tracer.text_inputs(node) if leaf(name) in _NEGATIVE_TEXTS]
            # A node that makes both halves of a pair has a text of its own for each.
            names = opposite or ([] if _makes_pair(self.tracer, node) else names)
        for name in names:
            kind = "lyrics" if leaf(name) == "lyrics" else role
            if kind != "lyrics" or role == "prompt":
                yield from ((kind, place) for place in self.tracer.texts(node.node_id, name))

    # Sizes

    def _start(self, sampler: Node) -> Iterator[tuple[str, Place]]:
        """Size, length and number of what a sampler starts from."""
        latent = sampler.inputs.get("latent_image")
        chain = list(self._latents(latent)) if isinstance(latent, Link) else []
        for node in chain:
            if "width" in node.inputs or "seconds" in node.inputs:
                yield from self._measures(node)
                return
        for node in chain:
            for _, link in self.tracer.typed_links(node, "IMAGE"):
                yield from self._image_size(link)

    def _latents(self, start: Link) -> Iterator[Node]:
        """The nodes a latent comes from, as far as the sampler before; those that only rescale left out."""
        waiting, seen = [start], set()
        while waiting:
            node = self.tracer.node(waiting.pop(0).node_id)
            if node is None or node.node_id in seen or _is_sampler(node):
                continue
            seen.add(node.node_id)
            links = self.tracer.typed_links(node, "LATENT")
            video = [link for name, link in links if "audio" not in name]
            waiting += video or [link for _, link in links]
            if not links and "samples" not in node.inputs:
                yield node

    def _measures(self, node: Node) -> Iterator[tuple[str, Place]]:
        for name in ("width", "height"):
            yield from self._extent(node, name)
        for name in _LENGTHS:
            yield from self._length(node, name)
        seconds = self.tracer.origin(node.node_id, "seconds")
        if seconds is not None:
            yield "duration", seconds.place
        yield from self._named(node, "batch_size", ("batch_size",))

    def _extent(self, node: Node, name: str) -> Iterator[tuple[str, Place]]:
        """A width or height: a value, or what a choice of size or the size of a picture makes it."""
        origin = self.tracer.origin(node.node_id, name)
        if origin is not None:
            yield leaf(name), origin.place
            return
        content = node.inputs.get(name)
        source = self.tracer.node(content.node_id) if isinstance(content, Link) else None
        if source is None:
            return
        chosen = [(role, Place(source.node_id, n)) for n, role in self._size_choices(source)]
        yield from chosen
        pictures = self.tracer.typed_links(source, "IMAGE")
        if not chosen and len(pictures) == 1:
            yield from self._image_size(pictures[0][1])

    def _size_choices(self, node: Node) -> Iterator[tuple[str, str]]:
        for name, content in node.inputs.items():
            if name in _SIZE_CHOICES and not isinstance(content, Link):
                yield name, _SIZE_CHOICES[name]

    def _image_size(self, start: Link) -> Iterator[tuple[str, Place]]:
        """What makes a picture as large as it is, if that is set somewhere."""
        for node in self.tracer.upstream(start, "IMAGE"):
            sizes = [name for name in node.inputs if leaf(name) in ("width", "height")]
            for name in sizes:
                origin = self.tracer.origin(node.node_id, name)
                if origin is not None:
                    yield leaf(name), origin.place
            areas = [name for name in node.inputs if leaf(name) == "megapixels"]
            for name in areas:
                yield from self._named(node, "megapixels", (name,))
            if sizes or areas or len(self.tracer.typed_links(node, "IMAGE")) != 1:
                return

    def _length(self, node: Node, name: str) -> Iterator[tuple[str, Place]]:
        """Frames; where they are worked out of seconds, the seconds."""
        origin = self.tracer.origin(node.node_id, name)
        if origin is not None:
            yield "duration" if origin.computed else "length", origin.place
            return
        rates = self._frame_rates()
        factors = [place for place in self.tracer.factors(node.node_id, name) if place not in rates]
        if len(factors) == 1:
            yield "duration", factors[0]

    def _frame_rates(self) -> list[Place]:
        """The frames a second of the videos that are made."""
        if self.rates is None:
            self.rates = [place for node in self._nodes() for place in self._rates_of(node)]
        return self.rates

    def _rates_of(self, node: Node) -> Iterator[Place]:
        definition = self.tracer.definition(node)
        makes = definition is None or definition.output_node or definition.class_type == "CreateVideo"
        if makes and not (definition and definition.api_node):
            for name in ("fps", "frame_rate"):
                place = self.tracer.value(node.node_id, name)
                if place is not None:
                    yield place

    # Models and files

    def _models(self, node: Node) -> Iterator[tuple[str, Place]]:
        """The model files that a sampler's MODEL link leads to."""
        for _, link in self.tracer.typed_links(node, "MODEL"):
            for source in self.tracer.upstream(link, "MODEL"):
                for name, role in _MODEL_FILES.items():
                    yield from self._named(source, role, (name,))

    def _loaders(self) -> Iterator[tuple[str, Place, str]]:
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
                elif name == "strength" and _is_control(node):
                    yield "controlnet_strength", place, f"“{node.name}” follows its hint this strongly."

    def _vaes(self, stages: list[_Stage]) -> Iterator[tuple[Place, str]]:
        """VAE files; first those that turn what a stage made into a picture."""
        numbers = {stage.node.node_id: number for number, stage in enumerate(stages, 1)}
        helpers = {node.node_id for node in self.helpers}
        found: list[tuple[int, str]] = []
        for node in self._nodes():
            vae, latent = node.inputs.get("vae"), node.inputs.get("samples")
            if isinstance(vae, Link) and isinstance(latent, Link):
                met = (other.node_id for other in self.tracer.upstream(latent, "LATENT"))
                sampler = next((node_id for node_id in met if node_id in numbers or node_id in helpers), "")
                found += [(numbers[sampler], vae.node_id)] if sampler in numbers else []
        rest = [] if helpers else [node.node_id for node in self._nodes()]
        for node_id in [*(node_id for _, node_id in sorted(found)), *rest]:
            place = self.tracer.value(node_id, "vae_name")
            if place is not None:
                yield place, f"“{self.tracer.workflow.nodes[node_id].name}” loads this VAE."

    def _uploads(self, stages: list[_Stage]) -> Iterator[tuple[str, Place, str, str]]:
        """Files that no node fills, in the order in which what generates takes them."""
        loaders = {node.node_id: uploads for node in self._nodes() if (uploads := self._upload_inputs(node))}
        slots = self._slots([*(stage.node for stage in stages), *self._ends()])
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
                role = _UPLOADS[spec.upload]
                found.append(("mask" if role == "image" and "Mask" in node.class_type else role, name))
            elif name in _UPLOADS.values() and name != "file" and "Load" in node.class_type:
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
                media = any(self.tracer.is_of_type(name, link, type_) for type_ in _MEDIA)
                waiting.append((link.node_id, (_slot_words(name) or slot) if media else ""))
        return slots

    # Services and language models

    def _service_stage(self, node: Node) -> _Stage | None:
        """A node that calls a service, or makes something of a prompt in another way than by sampling."""
        definition = self.tracer.definition(node)
        is_service = bool(definition and definition.api_node)
        if not is_service and (node.node_id in self.tracer.visited or not _takes_prompt(self.tracer, node)):
            return None
        if _is_sampler(node):
            return None
        outputs = {output.type for output in definition.outputs} if definition else set()
        return _Stage(
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
            if name in texts and (_is_text(name) or word in _NEGATIVE_TEXTS):
                role = "negative" if word in _NEGATIVE_TEXTS else "prompt"
                yield from ((role, place) for place in self.tracer.texts(node.node_id, name))
            elif word in ("width", "height") and not has_preset:
                yield from self._extent(node, name)
            elif word in _SERVICE_ROLES:
                yield from self._named(node, _SERVICE_ROLES[word], (name,))


def _is_sampler(node: Node) -> bool:
    seeded = any(name in node.inputs for name in SEED_NAMES)
    if isinstance(node.inputs.get("latent_image"), Link):
        return seeded or "guider" in node.inputs or "positive" in node.inputs
    guided = any(isinstance(node.inputs.get(name), Link) for name in ("positive", "model"))
    return seeded and guided and "steps" in node.inputs and not node.class_type.startswith("Train")


def _is_text(name: str) -> bool:
    return leaf(name) in _TEXTS or _NUMBERED_TEXT.fullmatch(leaf(name)) is not None


def _is_pair(node: Node) -> bool:
    linked = [name for name, _ in node.links()]
    return all(any(name.startswith(side) for name in linked) for side in ("positive", "negative"))


def _makes_pair(tracer: Tracer, node: Node) -> bool:
    definition = tracer.definition(node)
    return definition is not None and any(o.name.lower().startswith("negative") for o in definition.outputs)


def _takes_prompt(tracer: Tracer, node: Node) -> bool:
    definition = tracer.definition(node)
    encodes = definition is not None and any(output.type == "CONDITIONING" for output in definition.outputs)
    return not encodes and any(leaf(name) == "prompt" for name in tracer.text_inputs(node))


def _is_control(node: Node) -> bool:
    return "control_net" in node.inputs or "controlnet" in node.class_type.lower()


def _slot_words(name: str) -> str:
    """What a slot's name says beyond the kind of thing: "first frame" of first_frame, "" of image_1."""
    word = leaf(name)
    if _GENERIC_SLOT.fullmatch(word):
        return ""
    return " ".join(part for part in word.split("_") if part not in ("image", "images", "video", "audio"))
