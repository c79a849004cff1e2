"""Where workflow and node definitions meet: which inputs a form offers, of which type, and why.

`expose` joins the graph, what a card asks for and what the server knows. Nothing is hidden for good:
what neither the card nor a role picks stands in a group named after its node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from comfyui_bridge.core import roles
from comfyui_bridge.core.node_defs import (
    BooleanSpec,
    ComboSpec,
    FloatSpec,
    InputDef,
    InputSpec,
    IntSpec,
    NodeDefs,
    StringSpec,
)
from comfyui_bridge.core.roles import Role
from comfyui_bridge.core.template import Exposure
from comfyui_bridge.core.tracing import Place, Tracer
from comfyui_bridge.core.workflow import Link, Workflow

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
    "sampler": "Sampler",
    "scheduler": "Scheduler",
    "denoise": "Denoise",
    "width": "Width",
    "height": "Height",
    "batch_size": "Pictures at once",
    "checkpoint": "Checkpoint",
    "model": "Model",
    "vae": "VAE",
    "lora": "LoRA",
    "lora_strength": "LoRA strength",
    "controlnet": "ControlNet",
    "controlnet_strength": "ControlNet strength",
    "image": "Image",
    "video": "Video",
    "audio": "Audio",
    "mask": "Mask",
    "file": "File",
    "lyrics": "Lyrics",
    "guidance": "Guidance",
    "aspect_ratio": "Aspect ratio",
    "megapixels": "Megapixels",
    "resolution": "Resolution",
    "length": "Length in frames",
    "duration": "Length in seconds",
    "fps": "Frames a second",
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


def expose(
    workflow: Workflow, exposures: Sequence[Exposure], node_defs: NodeDefs
) -> tuple[tuple[ExposedInput, ...], tuple[str, ...]]:
    """The inputs a form offers, in its order, and one sentence for each thing a card got wrong."""
    found_roles = roles.find(workflow, node_defs)
    problems: list[str] = []
    chosen = [
        exposed
        for exposure in exposures
        if (exposed := _from_card(workflow, exposure, node_defs, found_roles, problems)) is not None
    ]
    taken = {(e.node_id, e.input) for e in chosen}
    rest = [e for e in _all(workflow, node_defs, found_roles) if (e.node_id, e.input) not in taken]
    if chosen:
        rest = [e if e.group else replace(e, group=e.node_title) for e in rest]
    else:
        rest.sort(key=_essential_order)
    return tuple(_unique_keys([*chosen, *rest])), tuple(problems)


def find(exposed: Sequence[ExposedInput], name: str) -> ExposedInput | None:
    """The input people mean by a key, a `node_id.input`, a `title.input`, or a near-synonym of a role."""
    for matches in (
        lambda e: e.key == name,
        lambda e: f"{e.node_id}.{e.input}" == name,
        lambda e: f"{e.node_title}.{e.input}" == name,
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
}


def _from_card(
    workflow: Workflow,
    exposure: Exposure,
    node_defs: NodeDefs,
    found_roles: Mapping[Place, Role],
    problems: list[str],
) -> ExposedInput | None:
    where = f"{exposure.node_id}.{exposure.input}"
    if exposure.node_id not in workflow:
        problems.append(f"The card shows {where}, but the workflow has no node {exposure.node_id}.")
        return None
    place = Tracer(workflow, node_defs).value(exposure.node_id, exposure.input)
    node = workflow.node(exposure.node_id)
    definition = node_defs.input(node.class_type, exposure.input)
    if (
        place is None
        and exposure.input not in node.inputs
        and definition is not None
        and definition.has_widget
    ):
        place = Place(exposure.node_id, exposure.input)  # an optional input that the export left out
    if place is None:
        problems.append(f"The card shows {where}, but “{node.name}” has no such input that holds a value.")
        return None
    base = _exposed(workflow, place, node_defs, found_roles.get(place))
    if base is None:
        problems.append(f"The card shows {where}, which takes only a link.")
        return None
    return replace(
        base,
        key=exposure.key or base.key,
        label=exposure.label or base.label,
        group=exposure.group,
        help=exposure.help or base.help,
        why="The card shows it." if not base.role else f"The card shows it. {base.why}",
        spec=_narrowed(base.spec, exposure),
        default=base.default if exposure.default is None else exposure.default,
    )


def _all(
    workflow: Workflow, node_defs: NodeDefs, found_roles: Mapping[Place, Role]
) -> Iterator[ExposedInput]:
    for node in workflow.nodes.values():
        definition = node_defs.get(node.class_type)
        names = dict.fromkeys(node.inputs)
        if definition is not None:
            known = [d.name for d in definition.inputs if d.has_widget and not d.hidden]
            names = dict.fromkeys([*(n for n in known if n in node.inputs), *node.inputs, *known])
        for name in names:
            if not isinstance(node.inputs.get(name), Link):
                place = Place(node.node_id, name)
                exposed = _exposed(workflow, place, node_defs, found_roles.get(place))
                if exposed is not None:
                    yield exposed


def _exposed(workflow: Workflow, place: Place, node_defs: NodeDefs, role: Role | None) -> ExposedInput | None:
    node = workflow.node(place.node_id)
    definition = node_defs.input(node.class_type, place.input)
    if definition is not None and not definition.has_widget:
        return None
    is_set = place.input in node.inputs
    value = unwrap(node.inputs.get(place.input))
    if definition is None and (not is_set or node.class_type in node_defs):
        return None  # the server would ignore it
    spec = definition.spec if definition else _guessed(place.input, value)
    return ExposedInput(
        key=role.key if role else f"{place.node_id}.{place.input}",
        label=_label(place, role, definition),
        spec=spec,
        default=value if is_set else getattr(spec, "default", None),
        node_id=place.node_id,
        input=place.input,
        node_title=node.name,
        group="" if role and _is_essential(role, value) else node.name,
        help=definition.tooltip if definition else "",
        why=role.why if role else f"“{node.name}” has this input.",
        role=role.name if role else "",
        required=definition.required if definition else True,
    )


def _is_essential(role: Role, value: Any) -> bool:
    if role.name == "denoise" and value == 1:
        return False  # it begins with nothing but noise, and less would spoil it
    return role.name in ESSENTIAL_ROLES and (role.stage == 1 or role.name in _ESSENTIAL_IN_EVERY_STAGE)


def unwrap(content: Any) -> Any:
    """A value as people see it: a list that stands wrapped as {"__value__": [...]} is the list."""
    if isinstance(content, Mapping) and "__value__" in content:
        return content["__value__"]
    return content


def _label(place: Place, role: Role | None, definition: InputDef | None) -> str:
    if role is None:
        words = (definition.display_name if definition else "") or place.input.replace("_", " ")
        return words[:1].upper() + words[1:]
    label = LABELS[role.name]
    detail = role.detail or ("" if role.stage == 1 else str(role.stage))
    return f"{label} ({detail})" if detail else label


def _guessed(name: str, value: Any) -> InputSpec:
    """A spec for an input no server has told us about, from the value it holds."""
    match value:
        case bool():
            return BooleanSpec(value)
        case int():
            return IntSpec(value, is_seed=name in ("seed", "noise_seed"))
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
        case IntSpec():
            low = _tighter(spec.min, exposure.min, max)
            high = _tighter(spec.max, exposure.max, min)
            return replace(
                spec,
                min=None if low is None else int(low),
                max=None if high is None else int(high),
                step=spec.step if exposure.step is None else max(1, int(exposure.step)),
            )
        case FloatSpec():
            return replace(
                spec,
                min=_tighter(spec.min, exposure.min, max),
                max=_tighter(spec.max, exposure.max, min),
                step=spec.step if exposure.step is None else exposure.step,
            )
        case ComboSpec() if exposure.choices is not None:
            kept = tuple(option for option in exposure.choices if option in spec.options or not spec.options)
            return replace(spec, options=kept or spec.options)
        case StringSpec() if exposure.choices is not None:
            return ComboSpec(options=exposure.choices, default=spec.default)
    return spec


def _tighter(own: float | None, asked: float | None, pick: Any) -> float | None:
    if own is None or asked is None:
        return own if asked is None else asked
    return pick(own, asked)  # type: ignore[no-any-return]


def _essential_order(exposed: ExposedInput) -> int:
    if exposed.group:
        return len(ESSENTIAL_ROLES)
    return ESSENTIAL_ROLES.index(exposed.role)


def _unique_keys(exposed: Sequence[ExposedInput]) -> Iterator[ExposedInput]:
    taken: set[str] = set()
    for one in exposed:
        key = one.key if one.key not in taken else f"{one.node_id}.{one.input}"
        taken.add(key)
        yield one if key == one.key else replace(one, key=key)
