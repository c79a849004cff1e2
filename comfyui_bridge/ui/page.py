"""The page: its parts put together, and which event leads to what.

Handlers are short: read the components, ask the engine or the library, present the answer. Runs are
followed here and owned elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from comfyui_bridge.core import values
from comfyui_bridge.core.errors import WorkflowError
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.node_defs import IntSpec
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui import form as form_
from comfyui_bridge.ui import gallery, library_panel, present, servers_panel
from comfyui_bridge.ui import stage as stage_
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.form import Refused, Typed
from comfyui_bridge.ui.present import StageView
from comfyui_bridge.ui.sign_in import may_see, owner_of
from comfyui_bridge.ui.stage import Attention, Stage
from comfyui_bridge.ui.templates import Templates
from comfyui_bridge.ui.widgets import Widget
from comfyui_bridge.ui.words import Words, choose

if TYPE_CHECKING:
    from comfyui_bridge.engine.engine import Engine

TITLE = "ComfyUI Bridge"
STRIP = 12
RESULTS = 60
_TICK_S = 3.0
_OWN_WORDS = frozenset(("template", "run", "view", "__theme", "__lang"))
"""What a link says to the page itself; everything else in it is a value."""

_PLAIN: dict[str, Any] = {"apply_default_css": False, "js_on_load": None}
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_ALONGSIDE: dict[str, Any] = {**_QUIET, "concurrency_limit": None}


@dataclass(frozen=True)
class Session:
    """What one open page remembers on the server."""

    lang: gr.State
    typed: gr.State
    wanted: gr.State
    """The slug of the template that is to be shown."""
    shown: gr.State
    """The slug whose form is on the page; None for the moment between two forms."""
    followed: gr.State
    """The run on the stage."""
    known: gr.State
    """Versions of the node definitions and the library that the page has shown."""


@dataclass(frozen=True)
class Parts:
    """The components that several handlers speak to."""

    session: Session
    header: gr.HTML
    away: gr.HTML
    library: gr.HTML
    form: gr.Column
    generate: gr.Button
    refusals: gr.HTML
    stage: Stage
    results: gr.HTML
    servers: gr.HTML
    tabs: tuple[gr.Tab, ...]


@dataclass(frozen=True)
class Desk:
    """What the handlers work with: the dashboard, and its library read as templates."""

    dashboard: Dashboard
    templates: Templates

    @property
    def engine(self) -> Engine:
        return self.dashboard.engine


def build(dashboard: Dashboard) -> gr.Blocks:
    """The page over this dashboard."""
    desk = Desk(dashboard, Templates(dashboard.library))
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        parts = _lay_out(desk)
        _arrive(page, desk, parts)
        _show_form(desk, parts)
        _run(page, desk, parts)
        _keep_up(desk, parts)
    return page


def _lay_out(desk: Desk) -> Parts:
    words = Words()
    session = Session(
        gr.State("en"), gr.State({}), gr.State(""), gr.State(None), gr.State(""), gr.State((0, 0))
    )
    with gr.Row(elem_id="top"):
        header = gr.HTML(_header(desk, words), elem_id="header", **_PLAIN)
    away = gr.HTML("", elem_id="away", **_PLAIN)
    with gr.Tabs(elem_id="tabs"):
        with gr.Tab(words("create"), id="create") as create, gr.Row(elem_id="create"):
            with gr.Column(elem_id="library-pane", min_width=0):
                library = library_panel.panel(_library(desk, words))
            with gr.Column(elem_id="form-pane", min_width=0):
                form = gr.Column(elem_id="form", min_width=0)
                with gr.Column(elem_id="actions", min_width=0):
                    refusals = form_.refusals()
                    generate = gr.Button(
                        words("generate"), variant="primary", size="lg", elem_id="generate", interactive=False
                    )
            with gr.Column(elem_id="stage-pane", min_width=0):
                stage = stage_.panel(_first_view(desk, desk.templates.shelf().first(), words), words)
        with gr.Tab(words("results"), id="results") as results_tab:
            results = gr.HTML("", elem_id="results", **_PLAIN)
        with gr.Tab(words("servers"), id="servers") as servers_tab:
            servers = gr.HTML("", elem_id="servers", **_PLAIN)
    tabs = (create, results_tab, servers_tab)
    return Parts(session, header, away, library, form, generate, refusals, stage, results, servers, tabs)


def _arrive(page: gr.Blocks, desk: Desk, parts: Parts) -> None:
    """Somebody opens the page: in their language, on the template or the run their link names."""
    session = parts.session

    def arrive(request: gr.Request) -> dict[Any, Any]:
        asked = dict(request.query_params)
        lang = choose(asked.get("__lang", ""), request.headers.get("accept-language", ""))
        words = Words(lang)
        template, typed = _first_template(desk, asked, request)
        slug = template.slug if template else ""
        return {
            session.lang: lang,
            session.typed: {slug: typed},
            session.wanted: slug,
            session.followed: asked.get("run", ""),
            session.known: _versions(desk),
            parts.library: _library(desk, words),
            parts.stage.strip: gallery.strip(_own_runs(desk, request, STRIP), words),
            **_servers(desk, parts, words),
            **_translated(parts, words),
        }

    outputs = {
        session.lang,
        session.typed,
        session.wanted,
        session.followed,
        session.known,
        parts.library,
        parts.stage.strip,
        *_server_parts(parts),
        *_translated(parts, Words()),
    }
    arrived = page.load(arrive, None, outputs, **_QUIET)
    _show_wanted(arrived, desk, parts)


def _show_wanted(event: Any, desk: Desk, parts: Parts) -> None:
    """After this event, the form of the wanted template, and its cover while nothing was generated."""
    session = parts.session

    def show(wanted: str, followed: str, lang: str) -> dict[Any, Any]:
        shown = {session.shown: wanted or None, parts.generate: gr.update(interactive=bool(wanted))}
        if not followed:
            view = _first_view(desk, desk.templates.get(wanted), Words(lang))
            shown[parts.stage.view] = view.to_json()
        return shown

    event.then(
        show,
        [session.wanted, session.followed, session.lang],
        {session.shown, parts.generate, parts.stage.view},
        **_QUIET,
    )


def _show_form(desk: Desk, parts: Parts) -> None:
    """The form comes and goes with the template; the listeners that read it come and go with it."""
    session = parts.session
    with parts.form:

        @gr.render(
            [session.shown, session.typed, session.lang],
            triggers=[session.shown.change],
            show_progress="hidden",
        )
        def _render(shown: str | None, typed: Typed, lang: str) -> None:
            template = desk.templates.get(shown) if shown else None
            if template is None:
                # A click while one form makes way for the next: it is the one that comes.
                parts.library.select(_slug_of, None, session.wanted, **_QUIET)
                return
            words = Words(lang)
            try:
                form = desk.engine.form(template)
            except WorkflowError as error:
                form_.title(template, None, str(error), words)
                _changes(desk, parts, template.slug, ())
                return
            form_.title(template, form, "", words)
            built = form_.widgets_of(form, typed.get(template.slug, {}), words)
            form_.tooltips(form, words)
            _changes(desk, parts, template.slug, built)
            _refreshes(desk, parts, template, form, built)
            _generates(desk, parts, template, built, words)


def _slug_of(event: gr.EventData) -> str:
    return str(event.slug)


def _reads(built: Sequence[Widget], *more: gr.components.Component) -> set[gr.components.Component]:
    return {*(widget.component for widget in built if widget.component is not None), *more}


def _changes(desk: Desk, parts: Parts, slug: str, built: Sequence[Widget]) -> None:
    """A click in the library: keep what was typed, show nothing for a moment, then the other form."""
    session = parts.session

    def keep(held: Mapping[Any, Any], event: gr.EventData) -> dict[Any, Any]:
        typed = {**held[session.typed], slug: form_.raw_values(built, held)}
        return {session.typed: typed, session.wanted: str(event.slug), session.shown: None}

    outputs = {session.typed, session.wanted, session.shown}
    kept = parts.library.select(keep, _reads(built, session.typed), outputs, **_QUIET)
    _show_wanted(kept, desk, parts)


def _refreshes(desk: Desk, parts: Parts, template: Template, form: Form, built: Sequence[Widget]) -> None:
    """The servers' definitions or the library changed: a form that is another one now is shown anew."""
    session = parts.session

    def refresh(held: Mapping[Any, Any]) -> dict[Any, Any]:
        newest = desk.templates.get(template.slug)
        if newest is not None and _is_same(desk, newest, form):
            return {session.shown: gr.skip()}
        typed = {**held[session.typed], template.slug: form_.raw_values(built, held)}
        return {session.typed: typed, session.shown: None}

    outputs = {session.typed, session.shown}
    changed = session.known.change(refresh, _reads(built, session.typed), outputs, **_QUIET)
    _show_wanted(changed, desk, parts)


def _is_same(desk: Desk, template: Template, form: Form) -> bool:
    try:
        return template.title == form.template.title and desk.engine.form(template).inputs == form.inputs
    except WorkflowError:
        return False


def _generates(desk: Desk, parts: Parts, template: Template, built: Sequence[Widget], words: Words) -> None:
    """Generate: hand the form to the engine, and look at the run or say what is wrong."""
    session, stage = parts.session, parts.stage

    def generate(held: Mapping[Any, Any], request: gr.Request) -> dict[Any, Any]:
        raw = form_.raw_values(built, held)
        typed = {**held[session.typed], template.slug: raw}
        answer = form_.submit(desk.dashboard, template, raw, owner_of(request), words)
        if isinstance(answer, Refused):
            return {session.typed: typed, parts.refusals: answer.to_json()}
        return {
            session.typed: typed,
            session.followed: answer,
            parts.refusals: Refused({}, "").to_json(),
            stage.view: _view(desk, answer, words, request)[1].to_json(),
            stage.strip: gallery.strip(_own_runs(desk, request, STRIP), words),
        }

    outputs = {session.typed, session.followed, parts.refusals, stage.view, stage.strip}
    parts.generate.click(
        generate, _reads(built, session.typed), outputs, trigger_mode="multiple", **_ALONGSIDE
    )


def _run(page: gr.Blocks, desk: Desk, parts: Parts) -> None:
    """A run on the stage: follow it, stop it, look at another, run it again."""
    session, stage = parts.session, parts.stage
    attention = Attention()

    async def follow(run_id: str, lang: str, request: gr.Request) -> AsyncIterator[dict[Any, Any]]:
        words = Words(lang)
        look = partial(_view, desk, run_id, words, request)
        async for run, view in stage_.follow(look, attention, str(request.session_hash), run_id):
            shown = {stage.view: view.to_json()}
            if run is not None and run.state.is_final:
                shown[stage.strip] = gallery.strip(_own_runs(desk, request, STRIP), words)
            yield shown

    session.followed.change(
        follow,
        [session.followed, session.lang],
        {stage.view, stage.strip},
        trigger_mode="multiple",
        **_ALONGSIDE,
    )

    def act(event: gr.EventData, lang: str, typed: Typed, request: gr.Request) -> dict[Any, Any]:
        words = Words(lang)
        run_id = str(event.run)
        run, view = _view(desk, run_id, words, request)
        template = desk.templates.get(run.template) if run else None
        if event.action == "again" and run is not None and template is not None:
            answer = form_.submit(desk.dashboard, template, run.values, owner_of(request), words)
            if isinstance(answer, Refused):
                return {parts.refusals: answer.to_json()}
            run_id, view = answer, _view(desk, answer, words, request)[1]
        elif event.action == "values" and run is not None and template is not None:
            return {
                session.typed: {**typed, template.slug: dict(values.from_json(run.values))},
                session.wanted: template.slug,
                session.shown: None,
            }
        return {session.followed: run_id, stage.view: view.to_json()}

    outputs = {session.followed, session.typed, session.wanted, session.shown, stage.view, parts.refusals}
    acted = stage.view.select(act, [session.lang, session.typed], outputs, **_ALONGSIDE)
    _show_wanted(acted, desk, parts)

    def stop(run_id: str, request: gr.Request) -> None:
        if run_id and _view(desk, run_id, Words(), request)[0] is not None:
            desk.engine.cancel(run_id)

    stage.stop.click(stop, session.followed, None, **_ALONGSIDE)

    def forget(request: gr.Request) -> None:
        attention.close(str(request.session_hash))

    page.unload(forget)


def _keep_up(desk: Desk, parts: Parts) -> None:
    """What changes without anybody's doing: the servers, the library, the node definitions."""
    session = parts.session
    clock = gr.Timer(_TICK_S)

    def tick(known: tuple[int, int], lang: str, request: gr.Request) -> dict[Any, Any]:
        words = Words(lang)
        now = _versions(desk)
        changed = _servers(desk, parts, words)
        changed[parts.stage.strip] = gallery.strip(_own_runs(desk, request, STRIP), words)
        if now != tuple(known):
            changed |= {session.known: now, parts.library: _library(desk, words)}
        return changed

    outputs = {session.known, parts.library, parts.stage.strip, *_server_parts(parts)}
    clock.tick(tick, [session.known, session.lang], outputs, **_ALONGSIDE)

    def show_results(lang: str, request: gr.Request) -> str:
        return gallery.grid(_own_runs(desk, request, RESULTS), Words(lang))

    parts.tabs[1].select(show_results, session.lang, parts.results, **_ALONGSIDE)


def _first_template(
    desk: Desk, asked: Mapping[str, str], request: gr.Request
) -> tuple[Template | None, dict[str, Any]]:
    """The template a link asks for with its values, else the one of the run it names, else the first."""
    if asked.get("run"):
        run, _ = _view(desk, asked["run"], Words(), request)
        template = desk.templates.get(run.template) if run else None
        if run is not None and template is not None:
            return template, _without_seeds(desk, template, values.from_json(run.values))
    template = desk.templates.get(asked["template"]) if asked.get("template") else None
    if template is not None:
        return template, {key: value for key, value in asked.items() if key not in _OWN_WORDS}
    return desk.templates.shelf().first(), {}


def _view(desk: Desk, run_id: str, words: Words, request: gr.Request) -> tuple[Run | None, StageView]:
    """A run and how the stage shows it now; no run where there is none that this person may see."""
    snapshot = desk.engine.snapshot(run_id)
    if snapshot is None or not may_see(request, snapshot.run):
        return None, present.unknown(run_id, words)
    return snapshot.run, present.stage(snapshot.run, time.time(), desk.engine.servers(), words)


def _first_view(desk: Desk, template: Template | None, words: Words) -> StageView:
    if template is None:
        return present.nothing(words)
    cover = library_panel.cover_url(desk.templates.shelf(), template.slug, 1024)
    try:
        form = desk.engine.form(template)
    except WorkflowError:
        return present.nothing(words, cover)
    given = {one.role: one.default for one in form.inputs if one.role in ("width", "height")}
    return present.nothing(words, cover, present.ratio(given, form.workflow))


def _without_seeds(desk: Desk, template: Template, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a run but for its seeds: who comes back to a run wants the next picture to differ."""
    try:
        inputs = desk.engine.form(template).inputs
    except WorkflowError:
        return dict(given)
    seeds = {one.key for one in inputs if isinstance(one.spec, IntSpec) and one.spec.is_seed}
    return {key: value for key, value in given.items() if key not in seeds}


def _own_runs(desk: Desk, request: gr.Request, limit: int) -> tuple[Run, ...]:
    return desk.engine.runs(owner=owner_of(request) or None, limit=limit)


def _versions(desk: Desk) -> tuple[int, int]:
    return desk.engine.definitions_version(), desk.templates.shelf().version


def _library(desk: Desk, words: Words) -> str:
    return library_panel.markup(desk.templates.shelf(), str(desk.dashboard.workflows), words)


def _header(desk: Desk, words: Words) -> str:
    badge = present.badge(desk.engine.servers(), time.time(), words, uses_sandbox=desk.dashboard.uses_sandbox)
    more = (
        f'<button type="button" class="link" data-tab="servers">{escape(badge.hint)}</button>'
        if badge.link
        else ""
    )
    return (
        f'<a class="brand" href="?">{TITLE}</a>'
        f'<p class="badge" data-tone="{badge.tone}" title="{escape(badge.words)}"><span class="dot"></span>'
        f'<span class="full">{escape(badge.words)}</span>'
        f'<span class="short">{escape(badge.short)}</span> {more}</p>'
    )


def _servers(desk: Desk, parts: Parts, words: Words) -> dict[Any, Any]:
    servers, now = desk.engine.servers(), time.time()
    return {
        parts.header: _header(desk, words),
        parts.away: escape(present.away_line(servers, now, words)),
        parts.servers: servers_panel.table(servers, now, words),
    }


def _server_parts(parts: Parts) -> tuple[gr.HTML, ...]:
    return parts.header, parts.away, parts.servers


def _translated(parts: Parts, words: Words) -> dict[Any, Any]:
    """The words that were put in before anybody's language was known."""
    create, results, servers = parts.tabs
    return {
        create: gr.update(label=words("create")),
        results: gr.update(label=words("results")),
        servers: gr.update(label=words("servers")),
        parts.generate: gr.update(value=words("generate")),
        parts.stage.stop: gr.update(value=words("stop")),
    }
