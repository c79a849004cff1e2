"""`inputs`: the keys a template takes, with type, limits, default, and why each was picked."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from comfyui_bridge.cli import places
from comfyui_bridge.core import form
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import (
    AutogrowSpec,
    BooleanSpec,
    ColorSpec,
    ComboSpec,
    DynamicComboSpec,
    EditorSpec,
    FloatSpec,
    InputSpec,
    IntSpec,
    LinkSpec,
    StringSpec,
)

_SHOWN = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", metavar="TEMPLATE", help="a slug of the library, or a path")
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    places.add_server_argument(parser)


def main(arguments: argparse.Namespace) -> int:
    template = places.find_template(arguments.template)
    with places.servers(arguments.server) as servers:
        made = form.make(template, places.definitions(servers))
    if arguments.json:
        print(places.as_json([to_json(one) for one in made.inputs]))
    else:
        width = max((len(one.key) for one in made.inputs), default=0)
        for one in made.inputs:
            print(f"{one.key:<{width}}  {_line(one)}")
    for problem in made.problems:
        print(f"{template.slug}: {problem}", file=sys.stderr)
    return 0


def to_json(one: ExposedInput) -> dict[str, Any]:
    """An input as scripts read it."""
    low, high, step = _limits(one.spec)
    return {
        "key": one.key,
        "label": one.label,
        "type": type_of(one.spec),
        "default": one.default,
        "required": one.required,
        "min": low,
        "max": high,
        "step": step,
        "choices": _choices(one.spec),
        "group": one.group,
        "node_id": one.node_id,
        "input": one.input,
        "why": one.why,
    }


def type_of(spec: InputSpec) -> str:
    """ComfyUI's word for the type of an input; a file that is uploaded is named by its kind."""
    match spec:
        case IntSpec():
            return "INT"
        case FloatSpec():
            return "FLOAT"
        case StringSpec():
            return "STRING"
        case BooleanSpec():
            return "BOOLEAN"
        case ColorSpec():
            return "COLOR"
        case ComboSpec(upload=upload):
            return upload.value.upper() if upload else "COMBO"
        case DynamicComboSpec():
            return "COMBO"
        case AutogrowSpec():
            return "AUTOGROW"
        case EditorSpec(type=word):
            return word
        case LinkSpec(types):
            return ",".join(types)


def _limits(spec: InputSpec) -> tuple[float | None, float | None, float | None]:
    match spec:
        case IntSpec() | FloatSpec():
            return spec.min, spec.max, spec.step
    return None, None, None


def _choices(spec: InputSpec) -> list[Any] | None:
    match spec:
        case ComboSpec():
            return list(spec.options)
        case DynamicComboSpec(options):
            return [option.key for option in options]
    return None


def _line(one: ExposedInput) -> str:
    low, high, _ = _limits(one.spec)
    limits = f" {low} to {high}" if low is not None and high is not None else ""
    choices = _choices(one.spec) or []
    listed = f" {', '.join(map(str, choices[:4]))}{', ...' if len(choices) > 4 else ''}" if choices else ""
    default = str(one.default).replace("\n", " ")
    default = default if len(default) <= _SHOWN else f"{default[: _SHOWN - 3]}..."
    return f"{type_of(one.spec)}{limits}{listed} = {default}  ({one.why})"
