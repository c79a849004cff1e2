"""Exposed inputs as Gradio components: the one match over the kinds of InputSpec.

A component never decides what is right: limits and choices are shown, and checked by the core, so that
what is wrong is said at the field and nothing typed is lost. Values come and go in the engine's words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

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
    Upload,
)
from comfyui_bridge.core.values import RANDOM
from comfyui_bridge.ui.present import element_id
from comfyui_bridge.ui.widgets import picture
from comfyui_bridge.ui.widgets.controlnet import ControlNetSlot
from comfyui_bridge.ui.widgets.loras import LoraStack
from comfyui_bridge.ui.words import Words

MOST_STEPS = 200
"""A slider with more places than this is a worse way to say a number than typing it."""

_LONG_LIST = 8
_SAFE_INTEGER = 2**53 - 1
_FILE_TYPES = {Upload.VIDEO: ["video"], Upload.AUDIO: ["audio"]}


class Slider(gr.Slider):
    """A slider whose limits are checked where all values are, so that the error stands at the field."""

    is_template = True

    def preprocess(self, payload: float | None) -> float | None:
        return payload


class Seed(gr.HTML):
    """A seed as text, for a browser's numbers end at 2**53: fixed or new each time, a die, the last one."""

    is_template = True

    def __init__(self, value: str, *, label: str, words: Words, hint: str = "", elem_id: str = "") -> None:
        super().__init__(
            value,
            html_template=_SEED,
            js_on_load="bridge.seed(element, props, watch)",
            apply_default_css=False,
            elem_id=elem_id,
            elem_classes=["field", "seed"],
            label=label,
            hint=hint,
            say={
                "random": words("seed_random"),
                "roll": words("seed_roll"),
                "placeholder": words("seed_random_placeholder"),
                "last": words("seed_last", seed="{seed}"),
                "workflow": words("seed_workflow", seed="{seed}"),
                "use": words("seed_use"),
            },
        )


@dataclass(frozen=True)
class LocalFile:
    """A file that was uploaded to the page and is not kept yet."""

    path: str


_SEED = """<label class="field-label"></label><div class="seed-row">
<input class="seed-number" type="text" inputmode="numeric" autocomplete="off" spellcheck="false">
<button type="button" class="seed-roll"></button><button type="button" class="seed-random"></button></div>
<button type="button" class="seed-last" hidden></button>"""


@dataclass(frozen=True)
class Widget:
    """One exposed input and the component it stands in; None where there is nothing to set."""

    input: ExposedInput
    component: gr.components.Component | None


def initial(one: ExposedInput, typed: Mapping[str, Any], *, by_author: bool) -> Any:
    """What an input starts with: what was typed, else its default; a seed nobody chose starts random."""
    if one.key in typed:
        return typed[one.key]
    if isinstance(one.spec, IntSpec) and one.spec.is_seed and not by_author:
        return RANDOM
    return one.default


def build(one: ExposedInput, value: Any, words: Words, *, narrow: bool = False) -> Widget:
    """The component of one input, holding this value; without a slider where there is little room."""
    return Widget(one, _component(one, value, words, narrow))


def read(one: ExposedInput, shown: Any) -> Any:
    """What a component holds, as the core's check takes it; an untouched file input gives None."""
    match one.spec:
        case IntSpec() if is_text_number(one.spec) or one.spec.is_seed:
            return RANDOM if one.spec.is_seed and not str(shown or "").strip() else shown
        case ComboSpec(upload=Upload.IMAGE):
            return picture.chosen(shown)
        case ComboSpec(upload=upload) if upload is not None:
            return LocalFile(str(shown)) if shown else None
        case LoraStackSpec():
            return shown or []
        case ControlNetSpec():
            return shown or None
        case StringSpec() | ColorSpec():
            return shown or ""
    return "" if shown is None else shown


def is_slider(spec: IntSpec | FloatSpec) -> bool:
    """Whether both limits are there and near enough for a slider."""
    if spec.min is None or spec.max is None or spec.max <= spec.min or spec.display == "number":
        return False
    places = (spec.max - spec.min) / step(spec)
    return places <= MOST_STEPS or (spec.display == "slider" and places <= MOST_STEPS * 50)


def is_text_number(spec: IntSpec) -> bool:
    """Whether it may hold whole numbers that a browser would round."""
    return any(limit is not None and abs(limit) > _SAFE_INTEGER for limit in (spec.min, spec.max))


def step(spec: IntSpec | FloatSpec) -> float:
    """The step of a number; a hundredth where the definition gives none."""
    return spec.step or (1 if isinstance(spec, IntSpec) else 0.01)


def limits(spec: InputSpec, words: Words) -> str:
    """The limits of a number in words; empty where there are none worth saying."""
    if not isinstance(spec, (IntSpec, FloatSpec)):
        return ""
    low = None if spec.min is None or spec.min <= -_SAFE_INTEGER else f"{spec.min:g}"
    high = None if spec.max is None or spec.max > _SAFE_INTEGER else f"{spec.max:g}"
    if low is not None and high is not None:
        return words("limits", low=low, high=high)
    if low is not None:
        return words("at_least", low=low)
    return words("at_most", high=high) if high is not None else ""


def tooltip(one: ExposedInput, words: Words) -> str:
    """Where an input comes from, for whoever wants to know: help, node and input, limits."""
    parts = [one.help, f"{one.node_title}: {one.input}", limits(one.spec, words)]
    return "\n".join(part for part in parts if part)


def _component(one: ExposedInput, value: Any, words: Words, narrow: bool) -> gr.components.Component | None:
    common = {"label": words.label(one.label), "elem_id": element_id(one.key), "interactive": True}
    own = {"label": words.label(one.label), "elem_id": element_id(one.key), "words": words}
    match one.spec:
        case IntSpec(is_seed=True):
            return Seed(
                "" if value in (RANDOM, None) or str(value) == "-1" else str(value),
                label=words.label(one.label),
                words=words,
                hint="" if one.default in (RANDOM, None) else str(one.default),
                elem_id=element_id(one.key),
            )
        case IntSpec() if is_text_number(one.spec):
            return gr.Textbox("" if value is None else str(value), max_lines=1, **common)
        case IntSpec() | FloatSpec():
            return _number(one.spec, value, common, narrow)
        case BooleanSpec():
            return gr.Checkbox(_is_on(one.spec, value), **common)
        case StringSpec():
            return _text(one, value, common)
        case ComboSpec(upload=Upload.IMAGE):
            return picture.Picture(value, paints=one.paints, **own)
        case LoraStackSpec():
            return LoraStack(value, one.spec, **own)
        case ControlNetSpec():
            return ControlNetSlot(value, one.spec, **own)
        case ComboSpec():
            return _combo(one.spec, value, common, words)
        case DynamicComboSpec(options):
            return _dropdown([option.key for option in options], value, common)
        case ColorSpec(default):
            return gr.ColorPicker(str(value or default), **common)
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
            return words("fed_by_link", type=template.type)
    return ""


def _number(
    spec: IntSpec | FloatSpec, value: Any, common: dict[str, Any], narrow: bool
) -> gr.components.Component:
    number = _finite(value)
    if is_slider(spec) and not narrow:
        return Slider(minimum=spec.min, maximum=spec.max, step=step(spec), value=number, buttons=[], **common)
    whole = isinstance(spec, IntSpec) and (number is None or float(number).is_integer())
    # No minimum and maximum here: Gradio would answer a wrong number with an alert of its own.
    return gr.Number(number, precision=0 if whole else None, step=step(spec), **common)


def _text(one: ExposedInput, value: Any, common: dict[str, Any]) -> gr.components.Component:
    spec = one.spec
    assert isinstance(spec, StringSpec)
    text = "" if value is None else str(value)
    if not (spec.multiline or "\n" in text):
        return gr.Textbox(text, max_lines=1, placeholder=spec.placeholder or None, **common)
    lines = 2 if one.role == "negative" else 4 if not one.group else 3
    return gr.Textbox(
        text,
        lines=lines,
        max_lines=14,
        placeholder=spec.placeholder or None,
        elem_classes=["words"],
        **common,
    )


def _combo(spec: ComboSpec, value: Any, common: dict[str, Any], words: Words) -> gr.components.Component:
    if spec.upload is not None:
        return gr.File(_path(value), type="filepath", file_types=_FILE_TYPES.get(spec.upload), **common)
    if spec.multiselect:
        chosen = list(value) if isinstance(value, (list, tuple)) else [] if value in (None, "") else [value]
        return gr.Dropdown(
            _choices(spec.options), value=chosen, multiselect=True, allow_custom_value=True, **common
        )
    return _dropdown(list(spec.options), value, common)


def _dropdown(options: list[Any], value: Any, common: dict[str, Any]) -> gr.components.Component:
    # A value that the server does not list is shown all the same, and told apart when it is checked.
    listed = options if value in options or value in (None, "") else [value, *options]
    return gr.Dropdown(
        _choices(listed),
        value=value,
        filterable=len(listed) > _LONG_LIST,
        allow_custom_value=len(listed) > _LONG_LIST,
        **common,
    )


def _choices(options: Any) -> list[tuple[str, Any]]:
    return [
        (str(option), option if isinstance(option, (str, int, float)) else str(option)) for option in options
    ]


def _is_on(spec: BooleanSpec, value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("true", "yes", "on", "1", spec.label_on.lower() or "true")
    return bool(spec.default if value is None else value)


def _finite(value: Any) -> int | float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and "." not in str(value) else number


def _path(value: Any) -> str | None:
    """A file the page holds; a name on the server is no file of ours and is said in words beside it."""
    return value.path if isinstance(value, LocalFile) else None
