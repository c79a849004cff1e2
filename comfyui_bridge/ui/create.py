"""The tab Create: library, form and stage, and which event leads to what.

Handlers are short: read the components, ask the engine or the library, present the answer. Runs are
followed here and owned elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from comfyui_bridge.core import card, remix, values
from comfyui_bridge.core.errors import StoreError, TemplateError, WorkflowError
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui import acting, library_panel, readiness_panel, running
from comfyui_bridge.ui import form as form_
from comfyui_bridge.ui import remix as remix_
from comfyui_bridge.ui import stage as stage_
from comfyui_bridge.ui import unchanged as unchanged_
from comfyui_bridge.ui.desk import (
    AT_ONCE,
    PLAIN,
    Desk,
    Session,
    fingerprint,
    first_view,
    run_view,
    shown_first,
    turn_to,
    versions,
    wish,
)
from comfyui_bridge.ui.form import Held, Picker, Refused, Typed
from comfyui_bridge.ui.sign_in import owner_of
from comfyui_bridge.ui.stage import Stage
from comfyui_bridge.ui.templates import Shelf
from comfyui_bridge.ui.words import Words

_OWN_WORDS = frozenset(("template", "run", "view", "__theme", "__lang"))
"""What a link says to the page itself; everything else in it is a value."""


@dataclass(frozen=True)
class Create:
    """The components that several handlers speak to."""

    library: gr.HTML
    no_template: gr.HTML
    picker: Picker
    generate: gr.Button
    vary: gr.Button
    unchanged: gr.HTML
    refusals: gr.HTML
    readiness: gr.HTML
    remix: gr.HTML
    dots: gr.HTML
    stage: Stage


def lay_out(desk: Desk, words: Words) -> Create:
    """Library, form and stage side by side."""
    first = desk.templates.shelf().first()
    with gr.Row(elem_id="create"):
        with gr.Column(elem_id="library-pane", min_width=0):
            library = library_panel.panel(library_panel.markup(Shelf(), words))
            dots = readiness_panel.dots_panel()
        with gr.Column(elem_id="form-pane", min_width=0):
            with gr.Column(elem_id="form", min_width=0):
                no_template = gr.HTML(_no_template(desk, words), elem_id="no-template", **PLAIN)
                picker = form_.picker()
                notice = remix_.panel()
            with gr.Column(elem_id="actions", min_width=0):
                refusals = form_.refusals()
                readiness = readiness_panel.panel()
                with gr.Row(elem_id="generate-row"):
                    generate = gr.Button(
                        words("generate"),
                        variant="primary",
                        size="lg",
                        elem_id="generate",
                        interactive=first is not None,
                    )
                    # The script hears its click: see script/planning.js.
                    vary = gr.Button(
                        words("vary_these"), size="lg", elem_id="vary", interactive=first is not None
                    )
                unchanged = unchanged_.panel()
        with gr.Column(elem_id="stage-pane", min_width=0):
            stage = stage_.panel(first_view(desk, first, words), words)
    return Create(
        library, no_template, picker, generate, vary, unchanged, refusals, readiness, notice, dots, stage
    )


def connect(page: gr.Blocks, desk: Desk, session: Session, tab: Create) -> None:
    """Which event of this tab leads to what."""
    _choose(desk, session, tab)
    _show_form(desk, session, tab)
    _generate(desk, session, tab)
    _refresh(desk, tab)
    _make_ready(desk, session, tab)
    running.connect(page, desk, session, tab.stage)
    acting.connect(desk, session, _acted_on(desk, tab))


def _acted_on(desk: Desk, tab: Create) -> acting.Parts:
    """What an action speaks to."""

    def of_form(slug: str, raw: Mapping[str, Any], words: Words) -> dict[Any, Any]:
        return {tab.readiness: _readiness(desk, slug, raw, words)}

    def of_library(words: Words) -> dict[Any, Any]:
        return library_parts(desk, tab, words)

    beside = frozenset({tab.readiness, *library_components(tab)})
    return acting.Parts(tab.stage, tab.picker, tab.refusals, tab.remix, of_form, of_library, beside)


def arrived(desk: Desk, session: Session, tab: Create, words: Words, request: gr.Request) -> dict[Any, Any]:
    """What somebody finds who opens the page: the template or the run that their link names.

    A run of theirs that is under way has the stage, unless the link names another.
    """
    asked = dict(request.query_params)
    if asked.get("view") or asked.get("compare"):
        asked = {}  # it says what is shown over the tab or beside it, and nothing about the form
    run_id = asked.get("run") or running.under_way(desk, request)
    if not asked.get("template"):
        asked["run"] = run_id
    template, typed = _first_template(desk, asked, request)
    slug = template.slug if template else ""
    look = turn_to(desk, run_id, request)
    shown = (
        run_view(desk, run_id, words, request)[1] if run_id else shown_first(desk, template, words, request)
    )
    return {
        session.typed: {slug: typed},
        session.drawn: fingerprint(desk, slug),
        session.known: desk.templates.shelf().version,
        **library_parts(desk, tab, words),
        tab.picker.wanted: wish(slug),
        tab.stage.view: shown.to_json(look.at, is_followed=not run_id),
        tab.stage.stop: gr.update(value=words("stop")),
        tab.refusals: Refused({}, _gone(desk, asked, words)).to_json(),
        tab.readiness: _readiness(desk, slug, typed, words),
        tab.dots: _dots(desk, words),
        **refreshed(desk, tab, words, request),
    }


def arriving(session: Session, tab: Create) -> set[Any]:
    """The components that `arrived` speaks to."""
    return {
        session.typed,
        session.drawn,
        session.known,
        *library_components(tab),
        tab.picker.wanted,
        tab.stage.view,
        tab.stage.stop,
        tab.refusals,
        tab.readiness,
        tab.dots,
        *refreshing(tab),
    }


def refreshed(desk: Desk, tab: Create, words: Words, request: gr.Request) -> dict[Any, Any]:
    """What changes without anybody's doing."""
    return {
        tab.picker.news: versions(desk),
        **running.refreshed(desk, tab.stage, words, request),
    }


def refreshing(tab: Create) -> set[Any]:
    """The components that `refreshed` speaks to."""
    return {tab.picker.news, *running.refreshing(tab.stage)}


def library_parts(desk: Desk, tab: Create, words: Words) -> dict[Any, Any]:
    """The library anew."""
    can_generate = desk.templates.shelf().first() is not None
    button = gr.update(value=words("generate"), interactive=can_generate)
    vary = gr.update(value=words("vary_these"), interactive=can_generate)
    return {
        tab.library: _library(desk, words),
        tab.no_template: _no_template(desk, words),
        tab.generate: button,
        tab.vary: vary,
    }


def library_components(tab: Create) -> set[Any]:
    """The components that `library_parts` speaks to."""
    return {tab.library, tab.no_template, tab.generate, tab.vary}


def _choose(desk: Desk, session: Session, tab: Create) -> None:
    """Another template, or another version of this one: what changes beside its form."""

    def chosen(typed: Typed, lang: str, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        slug, words = str(event.slug), Words(lang)
        answer: dict[Any, Any] = {
            tab.refusals: Refused({}, "").to_json(),
            tab.readiness: _readiness(desk, slug, typed.get(slug, {}), words),
        }
        if not running.keeps_stage(desk, request):
            look = turn_to(desk, "", request)
            view = shown_first(desk, desk.templates.get(slug), words, request)
            answer |= {tab.stage.view: view.to_json(look.at)}
        return answer

    def refresh(drawn: str, typed: Typed, lang: str, event: gr.EventData) -> dict[Any, Any]:
        slug = event.slug if desk.templates.get(str(event.slug)) else _slug(desk.templates.shelf().first())
        newest = fingerprint(desk, slug)
        return {
            session.drawn: newest,
            tab.picker.wanted: gr.skip() if newest == drawn else wish(slug),
            tab.readiness: _readiness(desk, slug, typed.get(slug, {}), Words(lang)),
            tab.dots: _dots(desk, Words(lang)),
        }

    tab.library.click(
        chosen,
        [session.typed, session.lang],
        {tab.stage.view, tab.refusals, tab.readiness},
        trigger_mode="multiple",
        **AT_ONCE,
    )
    tab.library.input(
        refresh,
        [session.drawn, session.typed, session.lang],
        {session.drawn, tab.picker.wanted, tab.readiness, tab.dots},
        **AT_ONCE,
    )


def _make_ready(desk: Desk, session: Session, tab: Create) -> None:
    """What a server lacks is replaced by the nearest it has: for this run, or in the template's card."""

    def replace(typed: Typed, lang: str, event: gr.EventData) -> dict[Any, Any]:
        words, slug = Words(lang), str(event.slug)
        template = desk.templates.get(slug)
        form = desk.engine.form(template) if template else None
        keys = event.keys if isinstance(event.keys, list) else []
        inputs = [one for key in keys if form and (one := form.input(str(key)))]
        if form is None or not inputs:
            return {tab.readiness: None}
        raw = {**typed.get(slug, {}), **{one.key: event.value for one in inputs}}
        refused = _keep_default(desk, form, inputs, event.value) if event.keep else ""
        return {
            tab.refusals: Refused({}, refused).to_json(),
            session.typed: {**typed, slug: raw},
            tab.picker.wanted: wish(slug, replaces=True),
            tab.readiness: _readiness(desk, slug, raw, words),
        }

    outputs = {session.typed, tab.picker.wanted, tab.readiness, tab.refusals}
    tab.readiness.select(replace, [session.typed, session.lang], outputs, **AT_ONCE)


def _keep_default(desk: Desk, form: Form, inputs: Sequence[ExposedInput], value: Any) -> str:
    """Make a value the template's default for everyone; why not, if that cannot be."""
    editor, slug = desk.dashboard.editor, form.template.slug
    try:
        editor.save_card(
            slug, card.with_defaults(form, [(one, value) for one in inputs]), editor.card_version(slug)
        )
    except (StoreError, TemplateError) as error:
        return str(error)
    return ""


def _show_form(desk: Desk, session: Session, tab: Create) -> None:
    """The form that is asked for, and what the one on the page holds."""
    picker = tab.picker

    def show(held: Any, typed: Typed, lang: str, event: gr.EventData) -> dict[Any, Any]:
        slug = str(event.slug)
        typed = typed if event.replaces else form_.with_held(desk.dashboard, typed, held)
        return {
            session.typed: typed,
            session.drawn: fingerprint(desk, slug),
            picker.shown: {**_described(desk, slug, typed, Words(lang)), "asked": event.asked},
        }

    outputs = {session.typed, session.drawn, picker.shown}
    picker.shown.select(
        show, [picker.held, session.typed, session.lang], outputs, trigger_mode="multiple", **AT_ONCE
    )

    def keep(held: Any, typed: Typed) -> dict[Any, Any]:
        return {session.typed: form_.with_held(desk.dashboard, typed, held), picker.kept: time.time()}

    picker.shown.input(
        keep,
        [picker.held, session.typed],
        {session.typed, picker.kept},
        trigger_mode="multiple",
        **AT_ONCE,
    )


def _refresh(desk: Desk, tab: Create) -> None:
    """The servers are asked again what they have; a form that becomes another one comes anew by itself."""

    def refresh() -> None:
        desk.engine.refresh()

    tab.picker.shown.click(refresh, None, None, **AT_ONCE)


def _described(desk: Desk, slug: str, typed: Typed, words: Words) -> dict[str, Any]:
    """A template's form as the script draws it; nothing for one that is gone."""
    template = desk.templates.get(slug)
    if template is None:
        return {}
    try:
        form = desk.engine.form(template)
    except WorkflowError as error:
        return form_.described(template, None, {}, words, error=str(error))
    is_unsure = len(desk.engine.node_defs()) == 0
    return form_.described(template, form, typed.get(slug, {}), words, is_unsure=is_unsure)


def _readiness(desk: Desk, slug: str, raw: Mapping[str, Any], words: Words) -> dict[str, Any] | None:
    """Whether this template can run with what is typed."""
    template = desk.templates.get(slug)
    if template is None:
        return None
    form = desk.dashboard.form_of(template)
    given = form_.of_its_inputs(form, raw) if form else {}
    return readiness_panel.line(desk.engine.readiness(template, given), form, words)


def _dots(desk: Desk, words: Words) -> dict[str, Any]:
    templates = desk.templates.shelf().templates
    desk.engine.assess_more(templates)
    return readiness_panel.dots(((one, desk.engine.readiness_known(one)) for one in templates), words)


def _slug(template: Template | None) -> str:
    return template.slug if template else ""


def _generate(desk: Desk, session: Session, tab: Create) -> None:
    """Generate: hand the form to the engine, and look at the run or say what is wrong."""

    def submitted(asks: bool, held: Any, typed: Typed, lang: str, request: gr.Request) -> dict[Any, Any]:
        words, said = Words(lang), Held.parse(held)
        template = desk.templates.get(said.slug)
        if template is None:
            return {tab.refusals: _answer(Refused({}, "").to_json())}
        form = desk.dashboard.form_of(template)
        raw = form_.raw_values(form, said.values) if form else {}
        typed = form_.kept(typed, form, said)
        alike = form_.unchanged(desk.dashboard, template, raw, owner_of(request)) if asks else None
        answer = "" if alike else form_.submit(desk.dashboard, template, raw, owner_of(request), words)
        shown = {session.typed: typed, tab.unchanged: unchanged_.told(alike)}
        if isinstance(answer, Refused):
            return {**shown, tab.refusals: _answer(answer.to_json())}
        if not answer:
            return {**shown, tab.refusals: _answer(Refused({}, "").to_json())}
        return {
            **shown,
            tab.refusals: _answer(_accepted(desk, form, answer)),
            **running.submitted(desk, tab.stage, answer, words, request),
        }

    def generate(held: Any, typed: Typed, lang: str, request: gr.Request) -> dict[Any, Any]:
        return submitted(True, held, typed, lang, request)

    def anyway(held: Any, typed: Typed, lang: str, request: gr.Request) -> dict[Any, Any]:
        return submitted(False, held, typed, lang, request)

    outputs = {session.typed, tab.refusals, tab.unchanged, *running.submitting(tab.stage)}
    given = [tab.picker.held, session.typed, session.lang]
    tab.generate.click(generate, given, outputs, trigger_mode="multiple", **AT_ONCE)
    tab.unchanged.select(anyway, given, outputs, **AT_ONCE)


def _answer(said: dict[str, Any]) -> dict[str, Any]:
    """The same as the answer to a form that was handed in, which the page waits for."""
    return {**said, "answers": True}


def _accepted(desk: Desk, form: Form | None, run_id: str) -> dict[str, Any]:
    """What the script is told once its form is a run: the seeds that count go on."""
    snapshot = desk.engine.snapshot(run_id)
    if form is None or snapshot is None:
        return Refused({}, "").to_json()
    return form_.accepted(snapshot.run.template, form_.seeds_of(form, snapshot.run.values))


def _first_template(
    desk: Desk, asked: Mapping[str, str], request: gr.Request
) -> tuple[Template | None, dict[str, Any]]:
    """The template a link asks for with its values, else the one of the run it names, else the first."""
    if asked.get("run") and not asked.get("template"):
        run, _ = run_view(desk, asked["run"], Words(), request)
        template = desk.templates.get(run.template) if run else None
        if run is not None and template is not None:
            form, given = desk.dashboard.form_of(template), values.from_json(run.values)
            # Who comes back to a run wants the next picture to differ.
            return template, remix.without_seeds(form, given) if form else given
    template = desk.templates.get(asked["template"]) if asked.get("template") else None
    if template is not None:
        return template, {key: value for key, value in asked.items() if key not in _OWN_WORDS}
    return desk.templates.shelf().first(), {}


def _gone(desk: Desk, asked: Mapping[str, str], words: Words) -> str:
    """A sentence about a template that a link names and the library does not have."""
    slug = asked.get("template", "")
    if not slug or desk.templates.get(slug) is not None:
        return ""
    return words("no_such_template", slug=slug)


def _library(desk: Desk, words: Words) -> str:
    return library_panel.markup(desk.templates.shelf(), words)


def _no_template(desk: Desk, words: Words) -> str:
    """What stands in the place of a form while the library is empty."""
    if desk.templates.shelf().templates:
        return ""
    return library_panel.empty(str(desk.dashboard.workflows), words)
