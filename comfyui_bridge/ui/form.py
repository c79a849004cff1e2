"""The form in the middle: the chosen template's inputs, checked and kept in the engine's words.

The components come and go with the template, what was typed does not: it is kept as raw values by key.
Between two forms nothing is rendered for a moment, for otherwise Gradio hands a new component what the
one at its place held before, and sends it too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from math import sqrt
from pathlib import Path
from typing import Any

import gradio as gr

from comfyui_bridge.core.errors import InvalidValues, StoreError, WorkflowError
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import ComboSpec, IntSpec
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui import widgets
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.present import element_id
from comfyui_bridge.ui.widgets import LocalFile, Widget
from comfyui_bridge.ui.words import Words

RATIOS = (("1:1", 1, 1), ("4:3", 4, 3), ("3:4", 3, 4), ("16:9", 16, 9), ("9:16", 9, 16))

Typed = dict[str, dict[str, Any]]
"""What was typed, raw values by key, for each template's slug."""


def head(template: Template, form: Form | None, error: str, words: Words, *, is_unsure: bool = False) -> str:
    """The title above the form, and what is wrong with its card."""
    title = escape(template.title)
    said = f"<p>{escape(template.description)}</p>" if template.description else ""
    return (
        f'<h1 data-current="{escape(template.slug)}"><span class="wide">{title}</span>'
        f'<button type="button" class="open-library" aria-haspopup="dialog" '
        f'title="{escape(words("open_library"))}">{title}</button></h1>{said}'
        f"{_notice(form, error, words)}{_unsure(words) if is_unsure else ''}"
    )


def _notice(form: Form | None, error: str, words: Words) -> str:
    if error:
        what = escape(words("template_broken"))
        return f'<div class="notice bad" role="alert"><b>{what}</b> {escape(error)}</div>'
    if form is not None and form.problems:
        what = escape(words("card_problems"))
        said = "".join(f"<li>{escape(problem)}</li>" for problem in form.problems)
        return f'<details class="notice"><summary>{what}</summary><ul>{said}</ul></details>'
    return ""


def _unsure(words: Words) -> str:
    return f'<p class="notice">{escape(words("form_waiting"))}</p>'


def title(
    template: Template, form: Form | None, error: str, words: Words, *, is_unsure: bool = False
) -> gr.HTML:
    """The template's name above its form."""
    return gr.HTML(
        head(template, form, error, words, is_unsure=is_unsure),
        elem_id="form-head",
        apply_default_css=False,
        js_on_load="bridge.head(element)",
    )


def widgets_of(form: Form, typed: Mapping[str, Any], words: Words) -> list[Widget]:
    """Lay a form out: essential inputs, then the others folded and grouped; their components in order."""
    by_author = {
        (exposure.node_id, exposure.input)
        for exposure in form.template.exposures
        if exposure.default is not None
    }

    def build(one: ExposedInput, *, narrow: bool = False) -> Widget:
        value = widgets.initial(one, typed, by_author=(one.node_id, one.input) in by_author)
        widget = widgets.build(one, value, words, narrow=narrow)
        _beside(one, widget, words)
        return widget

    essential = [one for one in form.inputs if not one.group]
    rest = [one for one in form.inputs if one.group and one.key not in form.places]
    built = _essential(essential, build, words)
    built += [build(one) for one in form.inputs if one.key in form.places]
    if rest:
        with gr.Accordion(words("advanced"), open=not essential, elem_id="advanced"):
            for group in dict.fromkeys(one.group for one in rest):
                gr.HTML(f"<h3>{escape(group)}</h3>", elem_classes=["group-title"], apply_default_css=False)
                built += [build(one) for one in rest if one.group == group]
    return built


def _essential(inputs: list[ExposedInput], build: Callable[..., Widget], words: Words) -> list[Widget]:
    built: list[Widget] = []
    pair = _size_pair(inputs)
    for one in inputs:
        if pair and one is pair[1]:
            continue
        if pair and one is pair[0]:
            built += _size(pair, build, words)
        else:
            built.append(build(one))
    return built


def _size_pair(inputs: Iterable[ExposedInput]) -> tuple[ExposedInput, ExposedInput] | None:
    found = {one.key: one for one in inputs if one.key in ("width", "height")}
    return (found["width"], found["height"]) if len(found) == 2 else None


def _size(
    pair: tuple[ExposedInput, ExposedInput], build: Callable[..., Widget], words: Words
) -> list[Widget]:
    with gr.Group(elem_classes=["size"]):
        with gr.Row(elem_classes=["size-pair"]):
            built = [build(one, narrow=True) for one in pair]
        with gr.Row(elem_classes=["size-presets"]):
            for label, width, height in presets(*pair):
                _sets(gr.Button(label, size="sm", min_width=0), built, f"() => [{width}, {height}]")
            swap = gr.Button(words("swap"), size="sm", min_width=0, elem_classes=["swap"])
            _sets(swap, built, "(width, height) => [height, width]")
    return built


def _sets(button: gr.Button, built: list[Widget], js: str) -> None:
    pair = [widget.component for widget in built]
    button.click(None, pair, pair, js=js, show_progress="hidden", api_visibility="private")


def presets(width: ExposedInput, height: ExposedInput) -> list[tuple[str, int, int]]:
    """Usual shapes with as many pixels as the workflow's own size has, in steps the node takes."""
    own = (width.default, height.default)
    if not all(isinstance(side, int) and side > 0 for side in own):
        return []
    area = own[0] * own[1]
    return [
        (label, _side(sqrt(area * across / down), width), _side(sqrt(area * down / across), height))
        for label, across, down in RATIOS
    ]


def _side(length: float, one: ExposedInput) -> int:
    spec = one.spec
    step = max(8, spec.step) if isinstance(spec, IntSpec) else 8
    side = max(step, round(length / step) * step)
    if isinstance(spec, IntSpec):
        side = min(side, spec.max or side)
        side = max(side, spec.min or side) if spec.min else side
    return side


def _beside(one: ExposedInput, widget: Widget, words: Words) -> None:
    """What stands under a field that cannot say it itself."""
    if widget.component is None:
        said = f"<b>{escape(words.label(one.label))}</b> {escape(widgets.reason(one.spec, words))}"
        gr.HTML(f'<p class="field-hint">{said}</p>', apply_default_css=False)
    elif isinstance(one.spec, ComboSpec) and one.spec.upload is not None and one.default:
        said = words("file_default", name=one.default)
        gr.HTML(f'<p class="field-hint">{escape(said)}</p>', apply_default_css=False)


@dataclass(frozen=True)
class Picker:
    """Which form is shown. The script leads from what is wanted to what is picked."""

    wanted: gr.HTML
    """What the server wants shown: a slug, and a number that tells this wish from the last."""
    picked: gr.HTML
    """The slug whose form is rendered; empty for the moment between two forms."""
    kept: gr.HTML
    """Another number whenever the server has what the form held."""
    news: gr.HTML
    """Other numbers whenever a form may have become another one."""


def picker() -> Picker:
    """Its components, none of which is seen."""
    return Picker(
        _unseen({}, "wanted", "bridge.wanted(props, watch)"),
        _unseen("", "picked", "bridge.picked(props)"),
        _unseen(0, "kept", "bridge.kept(watch)"),
        _unseen([], "news", "bridge.news(watch)"),
    )


def _unseen(value: Any, name: str, js: str) -> gr.HTML:
    return gr.HTML(
        value, html_template="<i></i>", elem_id=name, elem_classes=["unseen"], padding=False, js_on_load=js
    )


def refusals() -> gr.HTML:
    """Why nothing was submitted; the script puts each field's sentence under the field."""
    return gr.HTML(
        Refused({}, "").to_json(),
        html_template='<p class="refused" role="alert" hidden></p>',
        elem_id="refused",
        apply_default_css=False,
        js_on_load="bridge.refusals(element, props, watch)",
    )


def tooltips(form: Form, words: Words) -> gr.HTML:
    """Where each input comes from, for the script to put on the fields."""
    said = {element_id(one.key): widgets.tooltip(one, words) for one in form.inputs}
    return _unseen(said, "tooltips", "bridge.tooltips(props, watch)")


def raw_values(built: Iterable[Widget], shown: Mapping[Any, Any]) -> dict[str, Any]:
    """What the components hold, by key; what holds nothing is left to its default."""
    raw = {
        widget.input.key: widgets.read(widget.input, shown.get(widget.component))
        for widget in built
        if widget.component is not None
    }
    return {key: value for key, value in raw.items() if value is not None}


@dataclass(frozen=True)
class Refused:
    """Why nothing was submitted: a sentence a field, or one for the whole form."""

    fields: Mapping[str, str]
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """What the script draws; with the time, for the same mistake twice is told twice."""
        return {
            "fields": {element_id(key): sentence for key, sentence in self.fields.items()},
            "sentence": self.sentence,
            "at": time.time(),
        }


def submit(
    dashboard: Dashboard, template: Template, raw: Mapping[str, Any], owner: str, words: Words
) -> str | Refused:
    """Hand the values to the engine: the run's id, or why not."""
    try:
        return dashboard.engine.submit(template, _kept_files(dashboard, template, raw), owner)
    except InvalidValues as error:
        return Refused(error.problems, words.count("form_problems", len(error.problems)))
    except (WorkflowError, StoreError) as error:
        return Refused({}, str(error))


def _kept_files(dashboard: Dashboard, template: Template, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The values with their files in our keeping. Raises InvalidValues for a picture that is none."""
    unreadable = {
        key: f"{value.name} is no picture that can be read; choose another."
        for key, value in raw.items()
        if isinstance(value, FileValue) and not value.ref
    }
    if unreadable:
        raise InvalidValues(unreadable)
    return {
        key: _keep_file(dashboard, value) if isinstance(value, LocalFile) else value
        for key, value in raw.items()
    }


def _keep_file(dashboard: Dashboard, file: LocalFile) -> FileValue:
    path = Path(file.path)
    with path.open("rb") as content:
        return FileValue(dashboard.media.keep_upload(content, path.name), path.name)
