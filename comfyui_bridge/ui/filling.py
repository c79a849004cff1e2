"""Values that come from elsewhere, into the form: a recipe link's, or the difference between two runs.

Nothing is submitted. What the form does not take any more is left out, and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr

from comfyui_bridge.core import recipes, remix
from comfyui_bridge.core.differences import applied, differences
from comfyui_bridge.core.form import Form
from comfyui_bridge.ui import form as form_
from comfyui_bridge.ui import value_words
from comfyui_bridge.ui.desk import ALONGSIDE, Desk, Session, wish
from comfyui_bridge.ui.form import Held, Picker, Refused, Typed
from comfyui_bridge.ui.recipe import form_of, run_seen
from comfyui_bridge.ui.words import Words


def panel() -> gr.HTML:
    """It is not seen. Its `select` event brings a `recipe` (the link's query), or `first` and `second`
    run, whose difference goes `onto` a third run or, where that is empty, onto the form as it stands."""
    return gr.HTML(
        None,
        html_template="<i></i>",
        elem_id="filler",
        elem_classes=["unseen"],
        padding=False,
        js_on_load="bridge.filler(trigger); /* triggers 'select' */",
    )


def connect(desk: Desk, session: Session, filler: gr.HTML, picker: Picker, refusals: gr.HTML) -> None:
    """A recipe or a difference fills the form."""

    def fill(held: Any, typed: Typed, lang: str, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        words, said = Words(lang), Held.parse(held)
        typed = form_.kept(typed, _form(desk, said.slug), said)
        if event.recipe:
            slug, raw = _of_recipe(desk, str(event.recipe), request)
        else:
            raw_on_form = dict(typed.get(said.slug, {}))
            runs = (str(event.first), str(event.second), str(event.onto or ""))
            slug, raw = _of_difference(desk, runs, said.slug, raw_on_form, request)
        form = _form(desk, slug)
        if form is None:
            return {refusals: Refused({}, words("recipe_cannot_fill")).to_json()}
        fits, left_out = remix.fitting(form, raw)
        return {
            session.typed: {**typed, slug: fits},
            picker.wanted: wish(slug, replaces=True),
            refusals: Refused({}, _told(form, left_out, words)).to_json(),
        }

    outputs = {session.typed, picker.wanted, refusals}
    filler.select(fill, [picker.held, session.typed, session.lang], outputs, **ALONGSIDE)


def _form(desk: Desk, slug: str) -> Form | None:
    return form_of(desk.dashboard, desk.templates.get(slug))


def _of_recipe(desk: Desk, query: str, request: gr.Request) -> tuple[str, Mapping[str, Any]]:
    recipe = recipes.parse(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
    run = run_seen(desk.dashboard, recipe.run_id, request)
    return recipe.template, recipes.values_of(recipe, _form(desk, recipe.template), run)


def _of_difference(
    desk: Desk, run_ids: tuple[str, str, str], slug: str, on_form: Mapping[str, Any], request: gr.Request
) -> tuple[str, Mapping[str, Any]]:
    """The template and the values that come of it; no template where a run is not to be seen."""
    first, second, third = (run_seen(desk.dashboard, run_id, request) for run_id in run_ids)
    if first is None or second is None or (run_ids[2] and third is None):
        return "", {}
    if third is not None:
        slug, on_form = third.template, third.values
    return slug, applied(differences(first, second), on_form)


def _told(form: Form, left_out: Mapping[str, str], words: Words) -> str:
    names = [value_words.label(form, key, words) for key in left_out]
    return words("recipe_unfitting", names=", ".join(names)) if names else ""
