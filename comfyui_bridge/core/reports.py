"""What scripts read: an input, a run, an error, as JSON objects whose names do not change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import (
    AutogrowSpec,
    BooleanSpec,
    ColorSpec,
    ComboSpec,
    ControlNetSpec,
    DynamicComboSpec,
    EditorSpec,
    FloatSpec,
    InputSpec,
    IntSpec,
    LinkSpec,
    LoraStackSpec,
    StringSpec,
)
from comfyui_bridge.core.run import Run, RunError
from comfyui_bridge.core.template import Template


def template_to_json(template: Template) -> dict[str, Any]:
    return {
        "slug": template.slug,
        "title": template.title,
        "description": template.description,
        "tags": list(template.tags),
    }


def input_to_json(one: ExposedInput) -> dict[str, Any]:
    low, high, step = limits_of(one.spec)
    return {
        "key": one.key,
        "label": one.label,
        "type": type_of(one.spec),
        "default": one.default,
        "required": one.required,
        "min": low,
        "max": high,
        "step": step,
        "choices": choices_of(one.spec),
        "group": one.group,
        "node_id": one.node_id,
        "input": one.input,
        "why": one.why,
    }


def run_to_json(run: Run, files: Sequence[str]) -> dict[str, Any]:
    """A run with its resolved seed; `files` says where its files are for whoever reads this."""
    return {
        "run_id": run.run_id,
        "prompt_id": run.prompt_id,
        "state": run.state.value,
        "server": run.server,
        "values": dict(run.values),
        "files": list(files),
        "texts": list(run.texts),
        "error": error_to_json(run.error),
        "warnings": list(run.warnings),
        "seconds": run.seconds,
    }


def error_to_json(error: RunError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "kind": error.fault.value,
        "message": error.message,
        "node_id": error.node_id,
        "class_type": error.class_type,
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
        case LoraStackSpec():
            return "LORAS"
        case ControlNetSpec():
            return "CONTROLNET"
        case LinkSpec(types):
            return ",".join(types)


def limits_of(spec: InputSpec) -> tuple[float | None, float | None, float | None]:
    """Least, most and step of a number."""
    match spec:
        case IntSpec() | FloatSpec():
            return spec.min, spec.max, spec.step
    return None, None, None


def choices_of(spec: InputSpec) -> list[Any] | None:
    match spec:
        case ComboSpec() | LoraStackSpec() | ControlNetSpec():
            return list(spec.options)
        case DynamicComboSpec(options):
            return [option.key for option in options]
    return None
