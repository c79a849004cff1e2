"""Exposed inputs as widgets: the one match over the kinds of InputSpec.

A widget is a plain description, a kind and its details, that the page's script draws; no Gradio component
stands for an input, for a hundred of them would take seconds to come and go. A widget never decides what
is right: limits and choices are shown, and checked by the core, so that what is wrong is said at the field
and nothing typed is lost. Values come and go in the engine's words, numbers as texts: a browser's own end
at 2**53.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfyui_bridge.core.files import FileValue, unmarked
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
from comfyui_bridge.core.values import RANDOM
from comfyui_bridge.ui.present import element_id
from comfyui_bridge.ui.widgets import choices, controlnet, files, loras, numbers, seed, switches, texts
from comfyui_bridge.ui.widgets.widget import Widget
from comfyui_bridge.ui.words import Words

__all__ = ["Widget", "build", "describe", "initial", "read", "reason", "shown", "start", "tooltip"]


def build(one: ExposedInput, words: Words) -> Widget | None:
    """The widget of an input; None where there is nothing to set, of which `reason` says why."""
    match one.spec:
        case IntSpec(is_seed=True):
            return seed.seed(one)
        case IntSpec(display="color"):
            return texts.color_number()
        case IntSpec() | FloatSpec():
            return numbers.number(one.spec)
        case BooleanSpec():
            return switches.switch(one.spec)
        case StringSpec():
            return texts.text(one)
        case ColorSpec():
            return texts.color()
        case ComboSpec(upload=None):
            return choices.choice(one.spec)
        case ComboSpec():
            return files.file(one, words)
        case DynamicComboSpec():
            return choices.options(one.spec)
        case LoraStackSpec():
            return loras.stack(one.spec, words)
        case ControlNetSpec():
            return controlnet.slot(one.spec, words)
        case EditorSpec() | AutogrowSpec() | LinkSpec():
            return None
    return None


def reason(spec: InputSpec, words: Words) -> str:
    """Why an input has no widget."""
    match spec:
        case EditorSpec(type_):
            return words("keeps_value", type=type_)
        case LinkSpec(types):
            return words("fed_by_link", type=", ".join(types))
        case AutogrowSpec(template=template):
            return words("list_fed_by_links", type=template.type)
    return ""


def initial(one: ExposedInput, typed: Mapping[str, Any], *, by_author: bool) -> Any:
    """What an input starts with: what was typed, else its default; a seed nobody chose starts random."""
    if one.key in typed:
        return typed[one.key]
    if one.is_seed and not by_author and one.required:
        return RANDOM
    return one.default


def shown(one: ExposedInput, value: Any) -> Any:
    """A raw value as the script holds it; None is an input that is left out."""
    match one.spec:
        case LoraStackSpec():
            return loras.rows(value, one.spec)
        case ControlNetSpec():
            return controlnet.parts(value)
    if one.is_seed and str(value) in (RANDOM, "-1"):
        return ""
    match value:
        case None:
            return None if not one.required else ""
        case bool():
            return value
        case FileValue():
            return value.to_json()
        case int() | float():
            return numbers.as_text(value)
    return switches.is_on(one.spec, value) if isinstance(one.spec, BooleanSpec) else value


def read(one: ExposedInput | None, held: Any) -> Any:
    """What the script holds, as the core's check takes it; None is an input that is not there now."""
    if one is not None and one.is_seed and held == "":
        return RANDOM
    return unmarked(held)


def tooltip(one: ExposedInput, words: Words) -> str:
    """Where an input comes from, for whoever wants to know: help, node and input, limits."""
    place = f"{one.node_title}: {one.input}" if one.node_id else ""
    parts = [words.text(one.help, one.phrases), place, numbers.limits(one.spec, words)]
    return "\n".join(part for part in parts if part)


def describe(one: ExposedInput, words: Words) -> dict[str, Any]:
    """All that the script needs to draw one input, but for its value."""
    widget = build(one, words)
    said = {"kind": "none", "reason": reason(one.spec, words)} if widget is None else widget.to_json()
    return {
        "key": one.key,
        "id": element_id(one.key),
        "label": words.input(one),
        "tip": tooltip(one, words),
        **({"optional": True, "start": shown(one, start(one))} if _may_be_left_out(one) else {}),
        **said,
    }


def _may_be_left_out(one: ExposedInput) -> bool:
    """Whether a node can do without it; what is put into the graph has its own way to be nothing."""
    return not one.required and bool(one.node_id)


def start(one: ExposedInput) -> Any:
    """What an input that was left out begins with when it is put in."""
    value = one.default
    if value is None:
        value = getattr(one.spec, "default", None)
    if value is None and isinstance(one.spec, (ComboSpec, DynamicComboSpec)):
        value = choices.first(one.spec)
    return "" if value is None else value
