"""Where workflow and node definitions meet: which inputs a form offers, of which type, and why.

`expose` joins the graph, what a card or a mark asks for and what the server knows. Nothing is hidden for
good: what nobody picks stands in a group named after its node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from comfyui_bridge.core import roles
from comfyui_bridge.core.marks import Marks
from comfyui_bridge.core.node_defs import (
    SEED_NAMES,
    BooleanSpec,
    ComboSpec,
    FloatSpec,
    InputDef,
    InputSpec,
    IntSpec,
    LinkSpec,
    NodeDefs,
    StringSpec,
    Upload,
)
from comfyui_bridge.core.options import default_of, flattened
from comfyui_bridge.core.roles import Role
from comfyui_bridge.core.template import Exposure, Phrases
from comfyui_bridge.core.tracing import WIDGET_TYPES, Place, Tracer, leaf
from comfyui_bridge.core.workflow import Link, Node, Workflow

ESSENTIAL_ROLES = (
    "image",
    "mask",
    "video",
    "audio",
    "prompt",
    "lyrics",
    "negative",
    "width",
    "height",
    "aspect_ratio",
    "megapixels",
    "resolution",
    "length",
    "duration",
    "seed",
    "steps",
    "cfg",
    "guidance",
    "denoise",
)
"""What a form shows first, in this order, where nobody marked anything."""

_ESSENTIAL_IN_EVERY_STAGE = frozenset(("image", "mask", "video", "audio", "prompt"))

LABELS = {
    "prompt": "Prompt",
    "negative": "Negative prompt",
    "seed": "Seed",
    "steps": "Steps",
    "cfg": "CFG",
    "guidance": "Guidance",
    "sampler": "Sampler",
    "scheduler": "Scheduler",
    "denoise": "Denoise",
    "width": "Width",
    "height": "Height",
    "aspect_ratio": "Aspect ratio",
    "megapixels": "Megapixels",
    "resolution": "Resolution",
    "length": "Length in frames",
    "duration": "Length in seconds",
    "fps": "Frames a second",
    "batch_size": "Pictures at once",
    "checkpoint": "Checkpoint",
    "model": "Model",
    "vae": "VAE",
    "lora": "LoRA",
    "lora_strength": "LoRA strength",
    "controlnet": "ControlNet",
    "controlnet_strength": "ControlNet strength",
    "image": "Image",
    "mask": "Mask",
    "video": "Video",
    "audio": "Audio",
    "file": "File",
    "lyrics": "Lyrics",
}


@dataclass(frozen=True)
class ExposedInput:
    """One input that a form offers."""

    key: str
    label: str
    spec: InputSpec
    default: Any
    """The value it has if nobody changes it: the card's, else the workflow's."""
    node_id: str
    input: str
    node_title: str = ""
    group: str = ""
    """Empty for the essential ones; else the heading it is folded under."""
    help: str = ""
    why: str = ""
    role: str = ""
    required: bool = True
    paints: bool = False
    """A picture whose transparency the graph uses as a mask, so that one may be painted on it."""
    also: tuple[Place, ...] = ()
    """Further inputs that take the same value: the editor has one widget for all of them."""
    phrases: Phrases = field(default_factory=dict, repr=False, compare=False)
    """The card's texts in other languages."""

    @property
    def is_seed(self) -> bool:
        return isinstance(self.spec, IntSpec) and self.spec.is_seed

    @property
    def places(self) -> tuple[Place, ...]:
        """Every input that takes the value; none for what is put into the graph."""
        return (Place(self.node_id, self.input), *self.also) if self.node_id else ()


def expose(
    workflow: Workflow, exposures: Sequence[Exposure], node_defs: NodeDefs, marks: Marks | None = None
) -> tuple[tuple[ExposedInput, ...], tuple[str, ...]]:
    """The inputs a form offers, in its order, and one sentence for each thing a card got wrong.

    The card's come first, then those that marks in the workflow ask for. Without either the essential
    ones are found by their roles; the rest follows under their nodes' names.
    """
    marks = marks or Marks()
    exposer = _Exposer(workflow, node_defs, marks)
    problems: list[str] = []
    chosen = [*exposer.of_card(exposures, problems), *exposer.of_marks(marks.exposures, bool(exposures))]
    rest = list(exposer.rest())
    if chosen:
        rest = [one if one.group else replace(one, group=one.node_title) for one in rest]
    else:
        rest.sort(key=_essential_order)
    return tuple(_unique_keys([*chosen, *rest])), tuple(problems)


def find(exposed: Sequence[ExposedInput], name: str) -> ExposedInput | None:
    """The input people mean by a key, a `node_id.input`, a `title.input`, or a near-synonym of a role."""
    for matches in (
        lambda e: e.key == name,
        lambda e: any(f"{place.node_id}.{place.input}" == name for place in e.places),
        lambda e: f"{e.node_title}.{e.input}" == name,
        lambda e: e.role and e.role == name,  # its author has given it another key
        lambda e: e.role and e.role == _SYNONYMS.get(name),
    ):
        found = [e for e in exposed if matches(e)]
        if found:
            return found[0]
    return None


_SYNONYMS = {
    "checkpoint": "model",
    "model": "checkpoint",
    "positive": "prompt",
    "text": "prompt",
    "negative_prompt": "negative",
    "noise_seed": "seed",
    "guidance": "cfg",
    "sampler_name": "sampler",
    "frames": "length",
    "seconds": "duration",
}


def unwrap(content: Any) -> Any:
    """A value as people see it: a list that stands wrapped as {"__value__": [...]} is the list."""
    if isinstance(content, Mapping) and "__value__" in content:
        return content["__value__"]
    return content


@dataclass
class _Exposer:
    """Makes the exposed inputs of one workflow; each place is given once."""

    workflow: Workflow
    node_defs: NodeDefs
    marks: Marks
    taken: set[Place] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tracer = Tracer(self.workflow, self.node_defs)
        self.roles = roles.find(self.workflow, self.node_defs)
        groups = [tuple(Place(*place) for place in group) for group in self.marks.shared]
        self.shared = {place: group for group in groups for place in group}
        self._known: dict[str, Mapping[str, InputDef]] = {}

    # What a card or a mark asks for

    def of_card(self, exposures: Sequence[Exposure], problems: list[str]) -> Iterator[ExposedInput]:
        asked = {(exposure.node_id, exposure.input) for exposure in exposures}
        marked = {(mark.node_id, mark.input): mark for mark in self.marks.exposures}
        for exposure in exposures:
            # What a mark says of an input still holds where the card leaves it open.
            mark = marked.get((exposure.node_id, exposure.input), exposure)
            base = self._asked(replace(exposure, spec=exposure.spec or mark.spec), problems)
            if base is not None:
                if mark is not exposure:
                    base = _dressed(base, mark, mark.why)
                others = self._others(base, [Place(*place) for place in (*exposure.also, *mark.also)])
                also = tuple(place for place in others if (place.node_id, place.input) not in asked)
                yield self._take(_dressed(base, exposure, "The card shows it."), also)

    def of_marks(self, exposures: Sequence[Exposure], beside_card: bool) -> Iterator[ExposedInput]:
        for exposure in exposures:
            base = self._asked(exposure, [])
            if base is not None and not self.taken & {*base.places}:
                also = self._others(base, [Place(*place) for place in exposure.also])
                dressed = _dressed(base, exposure, exposure.why)
                if beside_card and not dressed.group:
                    dressed = replace(dressed, group=dressed.node_title)
                yield self._take(dressed, also)

    def _asked(self, exposure: Exposure, problems: list[str]) -> ExposedInput | None:
        where = f"{exposure.node_id}.{exposure.input}"
        card = f"Line {exposure.line}: the card" if exposure.line else "The card"
        if exposure.node_id not in self.workflow:
            problems.append(f"{card} shows {where}, but the workflow has no node {exposure.node_id}.")
            return None
        node = self.workflow.node(exposure.node_id)
        place = self._holder(node, exposure.input)
        if place is None:
            problems.append(f"{card} shows {where}, but “{node.name}” has no such input that holds a value.")
            return None
        base = self.exposed(place, exposure.spec)
        if base is None:
            problems.append(f"{card} shows {where}, which takes only a link.")
        return base

    def _holder(self, node: Node, name: str) -> Place | None:
        """Where the value of an input stands, or would stand: the export may have left it out."""
        definition = self._definition(node, name)
        if name not in node.inputs and definition is not None and definition.has_widget:
            return Place(node.node_id, name)
        return self.tracer.value(node.node_id, name)

    def _others(self, base: ExposedInput, also: Sequence[Place]) -> tuple[Place, ...]:
        """What takes the same value besides: what a mark says, and what the editor joins."""
        own = Place(base.node_id, base.input)
        joined = [*also, *self.shared.get(own, ())]
        return tuple(p for p in dict.fromkeys(joined) if p != own and p not in self.taken)

    def _take(self, one: ExposedInput, also: tuple[Place, ...]) -> ExposedInput:
        one = replace(one, also=also)
        self.taken.update(one.places)
        return one

    # What nobody asked for

    def rest(self) -> Iterator[ExposedInput]:
        for place in self._places():
            if place in self.taken or self._representative(place) != place:
                continue
            one = self.exposed(place)
            if one is not None:
                yield self._take(one, self._others(one, ()))

    def _representative(self, place: Place) -> Place:
        """Of inputs that the editor joins, the one with the plainest role speaks for all."""
        group = [p for p in self.shared.get(place, (place,)) if p not in self.taken]
        first = [p for p in group if p in self.roles]
        return min(first, key=lambda p: self.roles[p].stage, default=group[0] if group else place)

    def _places(self) -> Iterator[Place]:
        for node in self.workflow.nodes.values():
            known = self._definitions(node)
            offered = [name for name, d in known.items() if d.has_widget and not d.hidden]
            set_ = [name for name in known if name in node.inputs]
            names = dict.fromkeys([*set_, *node.inputs, *offered])
            for name in names:
                if not isinstance(node.inputs.get(name), Link):
                    yield Place(node.node_id, name)

    # One input

    def exposed(self, place: Place, spec: InputSpec | None = None) -> ExposedInput | None:
        node = self.workflow.node(place.node_id)
        definition = self._definition(node, place.input)
        is_set = place.input in node.inputs
        value = unwrap(node.inputs.get(place.input))
        spec = spec or self._spec(place, definition, value)
        if spec is None:
            return None
        role = self.roles.get(place)
        return ExposedInput(
            key=role.key if role else f"{place.node_id}.{place.input}",
            label=_label(place, role, definition),
            spec=self._as_used(place, spec),
            default=value if is_set else _default(spec, definition),
            node_id=place.node_id,
            input=place.input,
            node_title=node.name,
            group="" if role and _is_essential(role, value) else node.name,
            help=definition.tooltip if definition else "",
            why=role.why if role else f"“{node.name}” has this input.",
            role=role.name if role else "",
            required=definition.required if definition else True,
            paints=self._uses_mask(node, spec),
        )

    def _uses_mask(self, node: Node, spec: InputSpec) -> bool:
        definition = self.node_defs.get(node.class_type)
        if definition is None or not isinstance(spec, ComboSpec) or spec.upload is not Upload.IMAGE:
            return False
        slots = {slot for slot, output in enumerate(definition.outputs) if output.type == "MASK"}
        if "channel" in node.inputs and node.inputs["channel"] != "alpha":
            return False  # LoadImageMask reads another channel
        takers = self.tracer.takers(node.node_id)
        return any(
            isinstance(link := taker.inputs[name], Link) and link.output in slots for taker, name in takers
        )

    def _spec(self, place: Place, definition: InputDef | None, value: Any) -> InputSpec | None:
        """The type of an input; None for one that takes only a link, or that the server would ignore."""
        node = self.workflow.node(place.node_id)
        if definition is None:
            is_ignored = place.input not in node.inputs or node.class_type in self.node_defs
            return None if is_ignored else _guessed(place.input, value)
        if definition.has_widget:
            return definition.spec
        if place.input not in node.inputs or not _takes_any_value(definition):
            return None
        # The editor writes a promoted widget's value even into an input of any type.
        joined = [
            self._definition(self.workflow.node(p.node_id), p.input) for p in self.shared.get(place, ())
        ]
        twin = next((d for d in joined if d is not None and d.has_widget), None)
        return twin.spec if twin is not None else _guessed(place.input, value)

    def _as_used(self, place: Place, spec: InputSpec) -> InputSpec:
        """A primitive's number with the limits of what takes it; a seed only where it is used as one."""
        if not isinstance(spec, (IntSpec, FloatSpec)):
            return spec
        takers = [
            definition.spec
            for target in self.tracer.targets(place)
            if (definition := self._definition(self.workflow.node(target.node_id), target.input))
            and isinstance(definition.spec, type(spec))
        ]
        if takers and isinstance(spec, IntSpec):
            spec = replace(spec, is_seed=any(isinstance(t, IntSpec) and t.is_seed for t in takers))
        for taker in takers:
            if isinstance(taker, (IntSpec, FloatSpec)):
                spec = _limited(spec, taker.min, taker.max, None)
        return spec

    def _definitions(self, node: Node) -> Mapping[str, InputDef]:
        """The inputs of a node by name, sub-inputs of the options it has chosen among them."""
        if node.node_id not in self._known:
            definition = self.node_defs.get(node.class_type)
            inputs = flattened(definition.inputs, node.inputs) if definition else ()
            self._known[node.node_id] = dict(inputs)
        return self._known[node.node_id]

    def _definition(self, node: Node, name: str) -> InputDef | None:
        known = self._definitions(node).get(name)
        return known or self.node_defs.input(node.class_type, name)


def _dressed(base: ExposedInput, exposure: Exposure, why: str) -> ExposedInput:
    """An input as a card or a mark wants it to look."""
    return replace(
        base,
        key=exposure.key or base.key,
        label=exposure.label or base.label,
        group=exposure.group,
        help=exposure.help or base.help,
        why=why if not base.role else f"{why} {base.why}",
        spec=_narrowed(base.spec, exposure),
        default=base.default if exposure.default is None else exposure.default,
    )


def _is_essential(role: Role, value: Any) -> bool:
    if role.name == "denoise" and value == 1:
        return False  # it begins with nothing but noise, and less would spoil it
    return role.name in ESSENTIAL_ROLES and (role.stage == 1 or role.name in _ESSENTIAL_IN_EVERY_STAGE)


def _label(place: Place, role: Role | None, definition: InputDef | None) -> str:
    if role is None:
        words = (definition.display_name if definition else "") or leaf(place.input).replace("_", " ")
        return words[:1].upper() + words[1:]
    label = LABELS[role.name]
    detail = role.detail or ("" if role.stage == 1 else str(role.stage))
    return f"{label} ({detail})" if detail else label


def _default(spec: InputSpec, definition: InputDef | None) -> Any:
    """The value of an input that the workflow does not have: None where a node can do without it."""
    return default_of(spec) if definition is None or definition.required else None


def _takes_any_value(definition: InputDef) -> bool:
    spec = definition.spec
    return isinstance(spec, LinkSpec) and not {"*", *WIDGET_TYPES}.isdisjoint(spec.types)


def _guessed(name: str, value: Any) -> InputSpec:
    """A spec for an input no server has told us about, from the value it holds."""
    match value:
        case bool():
            return BooleanSpec(value)
        case int():
            return IntSpec(value, is_seed=name in SEED_NAMES)
        case float():
            return FloatSpec(value)
        case str():
            return StringSpec(
                value, multiline=name in ("text", "prompt", "value") or "\n" in value or len(value) > 60
            )
    return StringSpec("" if value is None else str(value))


def _narrowed(spec: InputSpec, exposure: Exposure) -> InputSpec:
    """The spec with a card's limits, which may tighten the node's and never widen them."""
    match spec:
        case IntSpec() | FloatSpec():
            return _limited(spec, exposure.min, exposure.max, exposure.step)
        case ComboSpec() if exposure.choices is not None:
            kept = tuple(option for option in exposure.choices if option in spec.options or not spec.options)
            return replace(spec, options=kept or spec.options)
        case StringSpec() if exposure.choices is not None:
            return ComboSpec(options=exposure.choices, default=spec.default)
    return spec


def _limited(
    spec: IntSpec | FloatSpec, low: float | None, high: float | None, step: float | None
) -> IntSpec | FloatSpec:
    least, most = _tighter(spec.min, low, max), _tighter(spec.max, high, min)
    if isinstance(spec, FloatSpec):
        return replace(spec, min=least, max=most, step=spec.step if step is None else step)
    return replace(
        spec,
        min=None if least is None else int(least),
        max=None if most is None else int(most),
        step=spec.step if step is None else max(1, int(step)),
    )


def _tighter(own: float | None, asked: float | None, pick: Any) -> float | None:
    if own is None or asked is None:
        return own if asked is None else asked
    return pick(own, asked)  # type: ignore[no-any-return]


def _essential_order(exposed: ExposedInput) -> int:
    if exposed.group:
        return len(ESSENTIAL_ROLES)
    return ESSENTIAL_ROLES.index(exposed.role)


def _unique_keys(exposed: Iterable[ExposedInput]) -> Iterator[ExposedInput]:
    taken: set[str] = set()
    for one in exposed:
        key = one.key if one.key not in taken else f"{one.node_id}.{one.input}"
        taken.add(key)
        yield one if key == one.key else replace(one, key=key)
