"""What a form offers beyond its workflow's own inputs: LoRAs and a ControlNet, put in where there is room.

`offered` says which, as exposed inputs that stand in no node; `put_in` makes nodes of their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from comfyui_bridge.core import graft, stacks
from comfyui_bridge.core.graft import ControlNet, ControlNetPlace, Lora, LoraPlace
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import ComboSpec, ControlNetSpec, FloatSpec, LoraStackSpec, NodeDefs
from comfyui_bridge.core.workflow import Workflow

Place: TypeAlias = LoraPlace | ControlNetPlace

_LORA_HELP = "Each adds what it was trained on, the first one first. Strength 0 leaves it out."
_CONTROLNET_HELP = (
    "The picture is followed as it is: edges, a depth map or a pose must be drawn out of a photo beforehand."
)


def offered(graph: Workflow, node_defs: NodeDefs, taken: set[str]) -> Iterator[tuple[ExposedInput, Place]]:
    """What can be put into the graph, as far as the server has the nodes for it; `taken` are keys in use."""
    found = graft.places(graph, node_defs)
    titles = [place.title for place in found.loras]
    for number, place in enumerate(found.loras, 1):
        spec = _lora_spec(node_defs, place)
        if spec is not None:
            own = place.title if titles.count(place.title) == 1 else str(number)
            label = "LoRA" if number == 1 else f"LoRA ({own})"
            why = f"The graph has a place for LoRAs behind “{place.title}”."
            yield _input(_free_key("loras", taken), label, spec, [], why), place
    controlnet = _controlnet_spec(node_defs)
    if found.controlnet is not None and controlnet is not None:
        why = "The graph has a place for a ControlNet between its texts and what samples."
        key = _free_key("controlnet", taken)
        yield _input(key, "ControlNet", controlnet, None, why), found.controlnet


def put_in(graph: Workflow, node_defs: NodeDefs, place: Place, value: Any) -> Workflow:
    """The graph with a checked value in it; what has no effect is left out."""
    match place:
        case LoraPlace():
            loras = [_lora(row) for row in value or () if stacks.acts(row)]
            return graft.add_loras(graph, node_defs, loras, place) if loras else graph
        case ControlNetPlace():
            if not value or not value["strength"]:
                return graph
            return graft.add_controlnet(graph, node_defs, ControlNet(**value), place)


def _input(
    key: str, label: str, spec: LoraStackSpec | ControlNetSpec, default: Any, why: str
) -> ExposedInput:
    is_stack = isinstance(spec, LoraStackSpec)
    return ExposedInput(
        key=key,
        label=label,
        spec=spec,
        default=default,
        node_id="",
        input="",
        group="LoRA" if is_stack else "ControlNet",
        help=_LORA_HELP if is_stack else _CONTROLNET_HELP,
        why=why,
        required=False,
    )


def _free_key(word: str, taken: set[str]) -> str:
    """The word, or with a number where the workflow has something of its own under it."""
    key, number = word, 1
    while key in taken:
        number += 1
        key = f"{word}_{number}"
    taken.add(key)
    return key


def _lora_spec(node_defs: NodeDefs, place: LoraPlace) -> LoraStackSpec | None:
    node = graft.MODEL_ONLY_NODE if place.clip is None or place.is_apart else graft.LORA_NODE
    if node not in node_defs:
        return None
    return LoraStackSpec(_files(node_defs, node, "lora_name"), _strength(node_defs, node, "strength_model"))


def _controlnet_spec(node_defs: NodeDefs) -> ControlNetSpec | None:
    if any(class_type not in node_defs for class_type in graft.CONTROLNET_NODES):
        return None
    files = _files(node_defs, graft.CONTROLNET_LOADER, "control_net_name")
    return ControlNetSpec(files, _strength(node_defs, graft.CONTROLNET_APPLY, "strength"))


def _files(node_defs: NodeDefs, class_type: str, name: str) -> tuple[str, ...]:
    """The server's files that an input lists."""
    definition = node_defs.input(class_type, name)
    spec = definition.spec if definition else None
    return tuple(str(option) for option in spec.options) if isinstance(spec, ComboSpec) else ()


def _strength(node_defs: NodeDefs, class_type: str, name: str) -> FloatSpec:
    definition = node_defs.input(class_type, name)
    return definition.spec if definition and isinstance(definition.spec, FloatSpec) else FloatSpec(1.0)


def _lora(row: Mapping[str, Any]) -> Lora:
    return Lora(row["name"], row["strength_model"], row.get("strength_clip"))
