"""Marker nodes: nodes of other tools that stand for an input of a form.

SwarmUI's SwarmInput... (descriptions and tooltips in its SwarmInputNodes.py), comfy-pack's CPackInput...
and CPackOutput... (its README: a node's name is the parameter's), Krita AI Diffusion's ETN_Parameter
(docs.interstice.cloud/custom-graph: "Group/1. Name"), ComfyUI-Deploy's ComfyUIDeployExternal...
(input_id, display_name, description).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from comfyui_bridge.core.marks.finding import Found
from comfyui_bridge.core.marks.titles import ADVANCED
from comfyui_bridge.core.node_defs import (
    BooleanSpec,
    FloatSpec,
    InputSpec,
    IntSpec,
    StringSpec,
)
from comfyui_bridge.core.template import Exposure
from comfyui_bridge.core.workflow import Link, Node

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")
_ORDERED = re.compile(r"(\d{1,6})\. ?(.*)", re.S)


@dataclass(frozen=True)
class _Mark:
    """An input that a marker node stands for, and where it belongs among the tool's others."""

    order: tuple[Any, ...]
    node_id: str
    input: str
    exposure: Exposure


def read(found: Found) -> None:
    for reader in (_swarm, _comfy_pack, _krita, _deploy):
        marks = [mark for node in found.workflow.nodes.values() for mark in reader(node, found)]
        for mark in sorted(marks, key=lambda mark: mark.order):
            if not found.add([(mark.node_id, mark.input)], mark.exposure):
                found.problems.append(f"The marker node {mark.node_id} has no input {mark.input}.")
    found.outputs += [
        node.node_id for node in found.workflow.nodes.values() if node.class_type.startswith("CPackOutput")
    ]


# SwarmUI

_SWARM_INPUTS = {"SwarmInputImage": "image", "SwarmInputVideo": "video"}
_SWARM_PLAIN = frozenset(("SwarmInputGroup", "SwarmInputAudio"))


def _swarm(node: Node, found: Found) -> Iterator[_Mark]:
    if not node.class_type.startswith("SwarmInput") or node.class_type == "SwarmInputGroup":
        return
    if node.class_type == "SwarmInputAudio":
        found.problems.append(
            f"“{node.name}” takes its sound as SwarmUI sends it; a form cannot fill it. Use Load Audio."
        )
        return
    link = node.inputs.get("group")
    group = found.workflow.nodes.get(link.node_id) if isinstance(link, Link) else None
    advanced = any(n is not None and n.inputs.get("is_advanced") is True for n in (node, group))
    title = _text(group, "title") if group is not None else ""
    exposure = Exposure(
        "",
        "",
        key=_key(_text(node, "raw_id")),
        label=_text(node, "title"),
        group=title or (ADVANCED if advanced else ""),
        help=_text(node, "description"),
        min=_number(node, "min"),
        max=_number(node, "max"),
        step=_number(node, "step"),
        choices=_swarm_choices(node),
        why="It is a SwarmInput node, which SwarmUI shows.",
        spec=found.target_spec(node)
        if node.class_type in ("SwarmInputModelName", "SwarmInputDropdown")
        else None,
    )
    priority = _number(node, "order_priority") or 0.0
    group_priority = (_number(group, "order_priority") or 0.0) if group is not None else 0.0
    order = (advanced, group is not None, group_priority, title, priority)
    yield _Mark(order, node.node_id, _SWARM_INPUTS.get(node.class_type, "value"), exposure)


def _swarm_choices(node: Node) -> tuple[Any, ...] | None:
    """The comma-separated values of a dropdown; an empty list means those of the connected node."""
    values = [value.strip() for value in _text(node, "values").split(",")]
    return tuple(dict.fromkeys(value for value in values if value)) or None


# comfy-pack

_PACK_INPUTS = {"CPackInputImage": "image", "CPackInputFile": "path", "CPackInputAny": "input"}


def _comfy_pack(node: Node, found: Found) -> Iterator[_Mark]:
    if not node.class_type.startswith("CPackInput"):
        return
    definition = found.node_defs.get(node.class_type)
    named = node.title not in ("", node.class_type, definition.display_name if definition else "")
    title = node.title if named else found.target_name(node)
    options = _pack_options(node)
    choices = options.get("values")
    exposure = Exposure(
        "",
        "",
        key=_key(title),
        label=_words(title),
        min=_number(node, "min") if "min" in node.inputs else _finite(options.get("min")),
        max=_number(node, "max") if "max" in node.inputs else _finite(options.get("max")),
        choices=tuple(choices) if isinstance(choices, list) else None,
        why="It is a CPackInput node, a parameter of comfy-pack.",
        spec=found.target_spec(node) if node.class_type == "CPackInputAny" else None,
    )
    yield _Mark((), node.node_id, _PACK_INPUTS.get(node.class_type, "value"), exposure)


def _pack_options(node: Node) -> Mapping[str, Any]:
    meta = node.document.get("_meta")
    options = meta.get("options") if isinstance(meta, Mapping) else None
    return options if isinstance(options, Mapping) else {}


# Krita AI Diffusion


def _krita(node: Node, found: Found) -> Iterator[_Mark]:
    if node.class_type != "ETN_Parameter":
        return
    group, _, name = _text(node, "name").rpartition("/")
    group_order, group = _ordered(group)
    order, name = _ordered(name)
    exposure = Exposure(
        "",
        "",
        label=name if name != "Parameter" else _words(found.target_name(node)),
        group=group,
        min=_number(node, "min"),
        max=_number(node, "max"),
        why="It is a Parameter node, which Krita AI Diffusion shows.",
        spec=_krita_spec(node, found),
    )
    yield _Mark((bool(group), group_order, group, order, name), node.node_id, "default", exposure)


def _krita_spec(node: Node, found: Found) -> InputSpec | None:
    """The parameter's own type; where it says auto or choice, that of what it feeds."""
    target = found.target_spec(node)
    match _text(node, "type"):
        case "number (integer)":
            return target if isinstance(target, IntSpec) else IntSpec()
        case "number":
            return target if isinstance(target, FloatSpec) else FloatSpec()
        case "toggle":
            return BooleanSpec()
        case "text":
            return target if isinstance(target, StringSpec) else StringSpec()
        case "prompt (positive)" | "prompt (negative)":
            return StringSpec(multiline=True)
    return target


def _ordered(name: str) -> tuple[int, str]:
    """A name without the number it begins with, which tells its place."""
    match = _ORDERED.match(name.strip())
    return (int(match.group(1)), match.group(2).strip()) if match else (0, name.strip())


# ComfyUI-Deploy

_DEPLOY = "ComfyUIDeployExternal"
_DEPLOY_INPUTS = (
    "default_value",
    "default_value_url",
    "default_lora_name",
    "default_face_model_name",
    "audio_file",
    "exr_file",
    "file_url",
    "images",
)


def _deploy(node: Node, found: Found) -> Iterator[_Mark]:
    if not node.class_type.startswith(_DEPLOY):
        return
    identity = _text(node, "input_id")
    exposure = Exposure(
        "",
        "",
        key=_key(identity),
        label=_text(node, "display_name") or _words(identity.removeprefix("input_")),
        help=_text(node, "description"),
        min=_number(node, "min_value"),
        max=_number(node, "max_value"),
        choices=_deploy_choices(node),
        why="It is an external input of ComfyUI-Deploy.",
        spec=_deploy_spec(node, found),
    )
    yield _Mark((), *_deploy_place(node, found), exposure)


def _deploy_spec(node: Node, found: Found) -> InputSpec | None:
    match node.class_type.removeprefix(_DEPLOY):
        case "Seed":
            return IntSpec(is_seed=True)  # -1 draws one, here as there
        case "Enum" | "TextAny":
            return found.target_spec(node)
    return None


def _deploy_place(node: Node, found: Found) -> tuple[str, str]:
    """The input that holds the value; of a picture fed by a loader, the loader's file."""
    content = node.inputs.get("default_value")
    loader = found.workflow.nodes.get(content.node_id) if isinstance(content, Link) else None
    if loader is not None and (files := found.main_inputs(loader)) and not any(loader.links()):
        return loader.node_id, files[0]
    held = [name for name in _DEPLOY_INPUTS if name in found.value_inputs(node)]
    return node.node_id, held[0] if held else "default_value"


def _deploy_choices(node: Node) -> tuple[Any, ...] | None:
    if node.class_type != f"{_DEPLOY}Enum":
        return None
    text = _text(node, "options")
    try:
        listed = json.loads(text)
    except ValueError:
        listed = re.split(r"[\n,]", text)
    values = [str(value).strip() for value in listed] if isinstance(listed, list) else []
    return tuple(dict.fromkeys(value for value in values if value)) or None


# Reading what stands in a node


def _text(node: Node | None, name: str) -> str:
    value = node.inputs.get(name) if node is not None else None
    return value.strip() if isinstance(value, str) else ""


def _number(node: Node | None, name: str) -> float | None:
    return _finite(node.inputs.get(name)) if node is not None else None


def _finite(value: object) -> float | None:
    """A limit that means something; tools write the largest number there is for none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 2**62:
        return None
    return None if abs(value) in (1e10, 2**31, 2**31 - 1) else value


def _key(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else ""


def _words(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
