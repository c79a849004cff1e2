"""The form in the middle: the chosen template's inputs, checked and kept in the engine's words.

One component shows it and another holds what it says; the page's script draws the one from a description
and fills the other. So a form of a hundred inputs comes at once, and nothing that one template held can
reach another. What was typed is kept as raw values by key, for each template.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import sqrt
from typing import Any

import gradio as gr

from comfyui_bridge.core import choosing
from comfyui_bridge.core.errors import InvalidValues, QueueFull, StoreError, WorkflowError
from comfyui_bridge.core.files import FileValue, marked
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import ComboSpec, IntSpec, Upload
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui import widgets
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.words import Words

RATIOS = (("1:1", 1, 1), ("4:3", 4, 3), ("3:4", 3, 4), ("16:9", 16, 9), ("9:16", 9, 16))

Typed = dict[str, dict[str, Any]]
"""What was typed, raw values by key, for each template's slug."""


@dataclass(frozen=True)
class Picker:
    """Which form is shown, and what it holds."""

    shown: gr.HTML
    """The description of the form, for the script to draw. Its events: `select` asks for the form of a
    `slug`, `input` hands in what the form holds, `click` asks the servers for their choices again."""
    held: gr.HTML
    """What the form holds: `slug`, `values` by key, and in `touched` the keys that somebody changed."""
    wanted: gr.HTML
    """What the server wants shown: a slug, and a number that tells this wish from the last."""
    kept: gr.HTML
    """Another number whenever the server has what the form held."""
    news: gr.HTML
    """Other numbers whenever a form may have become another one."""


def picker() -> Picker:
    """Its components; only the form itself is seen."""
    shown = gr.HTML(
        None,
        html_template='<div class="form-body"></div>',
        elem_id="form-shown",
        apply_default_css=False,
        js_on_load="bridge.form(element, props, trigger, watch); /* triggers 'select', 'input', 'click' */",
    )
    return Picker(
        shown,
        _unseen({}, "held", "bridge.held(props)"),
        _unseen({}, "wanted", "bridge.wanted(props, watch)"),
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


# What the script draws.


def described(
    template: Template,
    form: Form | None,
    typed: Mapping[str, Any],
    words: Words,
    *,
    error: str = "",
    is_unsure: bool = False,
) -> dict[str, Any]:
    """A form as the script draws it: its head, its fields in their order, and their values.

    `form` is None for a template that has none, of which `error` says why.
    """
    said = {
        "slug": template.slug,
        "head": head(template, form, error, words, is_unsure=is_unsure),
        "lang": words.lang,
        "at": time.time(),
        "essential": [],
        "groups": [],
        "values": {},
        "touched": [],
    }
    if form is None:
        return said
    typed = _by_key(form, typed)
    form = form.with_choices(typed)
    by_author = _by_author(form)
    values = {
        one.key: widgets.shown(
            one, widgets.initial(one, typed, by_author=(one.node_id, one.input) in by_author)
        )
        for one in form.inputs
    }
    essential = [one for one in form.inputs if not one.group and one.key not in form.places]
    put_in = [one for one in form.inputs if one.key in form.places]
    others = {key: marked(value) for key, value in typed.items() if key not in values}
    return {
        **said,
        "essential": [*_essential(form, essential, words), *(widgets.describe(one, words) for one in put_in)],
        "groups": _groups(form, [one for one in form.inputs if one.group and one not in put_in], words),
        # What was said in an option that is not chosen now is there again once somebody returns to it.
        "values": {**others, **values},
        "touched": list(typed),
    }


def _by_key(form: Form, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, by the keys of the form: a link may call an input by its node or its role."""
    return {one.key if (one := form.input(name)) else name: value for name, value in typed.items()}


def _by_author(form: Form) -> frozenset[tuple[str, str]]:
    """The inputs whose default the card gives."""
    exposures = form.template.exposures
    return frozenset((one.node_id, one.input) for one in exposures if one.default is not None)


def _essential(form: Form, inputs: Sequence[ExposedInput], words: Words) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = []
    pair = _size_pair(inputs)
    for one in inputs:
        if pair and one is pair[0]:
            fields.append(_size(pair, words))
        elif not (pair and one is pair[1]):
            fields.append(_field(form, one, words))
    return fields


def _groups(form: Form, inputs: Sequence[ExposedInput], words: Words) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in inputs:
        groups.setdefault(words.text(one.group, one.phrases), []).append(_field(form, one, words))
    return [{"title": title, "fields": fields} for title, fields in groups.items()]


def _field(form: Form, one: ExposedInput, words: Words) -> dict[str, Any]:
    """One input; an element of a list of values with the way to take it out, or to add another."""
    field = widgets.describe(one, words)
    if "." not in one.input:
        return field
    if choosing.is_element(form.workflow, form.node_defs, one):
        field |= {"element": True}
    following = choosing.next_elements(form.workflow, form.inputs, form.node_defs).get(one.key)
    if following:
        start = widgets.shown(one, widgets.start(one))
        field |= {
            "more": {
                "key": following,
                "label": one.input.rpartition(".")[0].replace("_", " "),
                "start": start,
            }
        }
    return field


def _size_pair(inputs: Iterable[ExposedInput]) -> tuple[ExposedInput, ExposedInput] | None:
    found = {one.key: one for one in inputs if one.key in ("width", "height") and one.required}
    return (found["width"], found["height"]) if len(found) == 2 else None


def _size(pair: tuple[ExposedInput, ExposedInput], words: Words) -> dict[str, Any]:
    # Side by side there is no room for a slider.
    fields = [widgets.describe(one, words) for one in pair]
    narrow = [{**field, "kind": "number"} if field["kind"] == "slider" else field for field in fields]
    return {"kind": "size", "fields": narrow, "presets": presets(*pair)}


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


def head(template: Template, form: Form | None, error: str, words: Words, *, is_unsure: bool = False) -> str:
    """The title above the form, and what is wrong with its card."""
    title = escape(words.text(template.title, template.phrases))
    about = escape(words.text(template.description, template.phrases))
    said = f"<p>{about}</p>" if about else ""
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


# What comes back.


@dataclass(frozen=True)
class Held:
    """What the form on the page says."""

    slug: str
    values: Mapping[str, Any]
    touched: frozenset[str]

    @classmethod
    def parse(cls, held: object) -> Held:
        """Read what the script holds; whatever else a browser sends is an empty form."""
        held = held if isinstance(held, Mapping) else {}
        values, touched = held.get("values"), held.get("touched")
        return cls(
            str(held.get("slug", "")),
            values if isinstance(values, Mapping) else {},
            frozenset(str(key) for key in touched) if isinstance(touched, list) else frozenset(),
        )


def raw_values(form: Form, held: Mapping[str, Any]) -> dict[str, Any]:
    """What the form holds, by key, as the core's check takes it."""
    inputs = {one.key: one for one in form.with_choices(held).inputs}
    return of_its_inputs(form, {key: widgets.read(inputs.get(key), value) for key, value in held.items()})


def of_its_inputs(form: Form, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Raw values without those of options that are not chosen, which are kept for whoever returns to them."""
    inputs = {one.key for one in form.with_choices(raw).inputs}
    return {key: value for key, value in raw.items() if key in inputs or value is None}


def kept(typed: Typed, form: Form | None, held: Held) -> Typed:
    """What was typed so far, with what the form on the page holds."""
    if form is None or not held.slug:
        return typed
    inputs = {one.key: one for one in form.with_choices(held.values).inputs}
    touched = {key: value for key, value in held.values.items() if key in held.touched}
    raw = {key: widgets.read(inputs.get(key), value) for key, value in touched.items()}
    return {**typed, held.slug: raw}


def with_held(dashboard: Dashboard, typed: Typed, held: object) -> Typed:
    """The same, of what the component `held` says as it comes from a browser."""
    said = Held.parse(held)
    return kept(typed, dashboard.form_of(dashboard.library.get(said.slug)), said)


@dataclass(frozen=True)
class Refused:
    """Why nothing was submitted: a sentence a field, which the script counts, or one for the whole form."""

    fields: Mapping[str, str]
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """What the script draws; with the time, for the same mistake twice is told twice."""
        return {"fields": dict(self.fields), "sentence": self.sentence, "at": time.time()}


def accepted(slug: str, seeds: Mapping[str, int]) -> dict[str, Any]:
    """What the script is told of a form that was submitted: which seeds were used, for those that count."""
    used = {key: str(seed) for key, seed in seeds.items()}
    return {**Refused({}, "").to_json(), "slug": slug, "seeds": used}


def seeds_of(form: Form, values: Mapping[str, Any]) -> dict[str, int]:
    """The seeds among a run's values."""
    return {
        one.key: values[one.key]
        for one in form.with_choices(values).inputs
        if one.is_seed and isinstance(values.get(one.key), int)
    }


def submit(
    dashboard: Dashboard, template: Template, raw: Mapping[str, Any], owner: str, words: Words
) -> str | Refused:
    """Hand the values to the engine: the run's id, or why not."""
    try:
        _check_uploads(dashboard, template, raw)
        return dashboard.engine.submit(template, raw, owner)
    except InvalidValues as error:
        problems = {key: words.sentence(why) for key, why in error.problems.items()}
        return Refused(problems, "")
    except (WorkflowError, StoreError, QueueFull) as error:
        return Refused({}, words.sentence(str(error)))


def unchanged(dashboard: Dashboard, template: Template, raw: Mapping[str, Any], owner: str) -> Run | None:
    """The run that these values would only repeat; None for wrong ones, of which `submit` tells."""
    try:
        _check_uploads(dashboard, template, raw)
        return dashboard.engine.unchanged(template, raw, owner)
    except (InvalidValues, StoreError):
        return None


def _check_uploads(dashboard: Dashboard, template: Template, raw: Mapping[str, Any]) -> None:
    """Raises InvalidValues for a file that was chosen and could not be taken into our keeping."""
    lost = {key: value for key, value in raw.items() if isinstance(value, FileValue) and not value.ref}
    if not lost:
        return
    form = dashboard.engine.form(template)
    raise InvalidValues({key: _not_taken(form.input(key), file) for key, file in lost.items()})


def _not_taken(one: ExposedInput | None, file: FileValue) -> str:
    if one is not None and isinstance(one.spec, ComboSpec) and one.spec.upload is Upload.IMAGE:
        return f"{file.name} is no picture that can be read; choose another."
    return f"{file.name} could not be uploaded; choose it again."
