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
from comfyui_bridge.core.node_defs import IntSpec
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui import api, gallery, library_panel, present, servers_panel
from comfyui_bridge.ui import form as form_
from comfyui_bridge.ui import stage as stage_
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.form import Picker, Refused, Typed
from comfyui_bridge.ui.present import StageView
from comfyui_bridge.ui.sign_in import is_signed_in, may_see, owner_of
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
_PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_AT_ONCE: dict[str, Any] = {**_PRIVATE, "queue": False}
"""For handlers that change no State that somebody listens to: one request and its answer."""
_ALONGSIDE: dict[str, Any] = {**_PRIVATE, "concurrency_limit": None}
"""For the others: Gradio 6.31 tells a page that a State changed only through its queue."""


@dataclass(frozen=True)
class Session:
    """What one open page remembers on the server."""

    lang: gr.State
    typed: gr.State
    drawn: gr.State
    """The fingerprint of the form on the page."""
    followed: gr.State
    """The run on the stage."""
    known: gr.State
    """The version of the library that the page shows."""


@dataclass(frozen=True)
class Parts:
    """The components that several handlers speak to."""

    session: Session
    header: gr.HTML
    account: gr.HTML
    away: gr.HTML
    library: gr.HTML
    form: gr.Column
    no_template: gr.HTML
    picker: Picker
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
        _choose(desk, parts)
        _show_form(desk, parts)
        _run(page, desk, parts)
        _keep_up(desk, parts)
        api.offer(dashboard)
    return page


def _lay_out(desk: Desk) -> Parts:
    words = Words()
    session = Session(
        lang=gr.State("en"),
        typed=gr.State({}),
        drawn=gr.State(""),
        followed=gr.State(""),
        known=gr.State(0),
    )
    with gr.Row(elem_id="top"):
        header = gr.HTML(_header(desk, words), elem_id="header", **_PLAIN)
        account = gr.HTML("", elem_id="account", **_PLAIN)
    away = gr.HTML("", elem_id="away", **_PLAIN)
    with gr.Tabs(elem_id="tabs"):
        with gr.Tab(words("create"), id="create") as create, gr.Row(elem_id="create"):
            with gr.Column(elem_id="library-pane", min_width=0):
                library = library_panel.panel(_library(desk, words))
            with gr.Column(elem_id="form-pane", min_width=0):
                with gr.Column(elem_id="form", min_width=0) as form:
                    no_template = gr.HTML(_no_template(desk, words), elem_id="no-template", **_PLAIN)
                picker = form_.picker()
                with gr.Column(elem_id="actions", min_width=0):
                    refusals = form_.refusals()
                    generate = gr.Button(
                        words("generate"),
                        variant="primary",
                        size="lg",
                        elem_id="generate",
                        interactive=desk.templates.shelf().first() is not None,
                    )
            with gr.Column(elem_id="stage-pane", min_width=0):
                stage = stage_.panel(_first_view(desk, desk.templates.shelf().first(), words), words)
        with gr.Tab(words("results"), id="results") as results_tab:
            results = gr.HTML("", elem_id="results", **_PLAIN)
        with gr.Tab(words("servers"), id="servers") as servers_tab:
            servers = gr.HTML("", elem_id="servers", **_PLAIN)
    return Parts(
        session=session,
        header=header,
        account=account,
        away=away,
        library=library,
        form=form,
        no_template=no_template,
        picker=picker,
        generate=generate,
        refusals=refusals,
        stage=stage,
        results=results,
        servers=servers,
        tabs=(create, results_tab, servers_tab),
    )


def _arrive(page: gr.Blocks, desk: Desk, parts: Parts) -> None:
    """Somebody opens the page: in their language, on the template or the run their link names."""
    session = parts.session

    def arrive(request: gr.Request) -> dict[Any, Any]:
        asked = dict(request.query_params)
        lang = choose(asked.get("__lang", ""), request.headers.get("accept-language", ""))
        words = Words(lang)
        template, typed = _first_template(desk, asked, request)
        slug = template.slug if template else ""
        run_id = asked.get("run", "")
        view = _view(desk, run_id, words, request)[1] if run_id else _first_view(desk, template, words)
        return {
            session.lang: lang,
            session.typed: {slug: typed},
            session.drawn: _fingerprint(desk, slug),
            session.followed: run_id,
            session.known: desk.templates.shelf().version,
            parts.picker.news: _versions(desk),
            **_library_parts(desk, parts, words),
            parts.picker.wanted: _wish(slug),
            parts.stage.view: view.to_json(time.time()),
            parts.stage.strip: gallery.strip(_own_runs(desk, request, STRIP), words),
            parts.account: _account(request, words),
            parts.refusals: Refused({}, _gone(desk, asked, words)).to_json(),
            **_servers(desk, parts, words),
            **_translated(parts, words),
        }

    outputs = {
        session.lang,
        session.typed,
        session.drawn,
        session.followed,
        session.known,
        parts.picker.news,
        parts.library,
        parts.no_template,
        parts.generate,
        parts.picker.wanted,
        parts.stage.view,
        parts.stage.strip,
        parts.account,
        parts.refusals,
        *_server_parts(parts),
        *_translated(parts, Words()),
    }
    page.load(arrive, None, outputs, **_ALONGSIDE)


def _choose(desk: Desk, parts: Parts) -> None:
    """Another template, or another version of this one.

    What listens here stands outside of the render, for what is attached in there is gone once it renders
    nothing; and it listens to other events than the form does: in Gradio 6.31 a listener from inside of a
    render takes the place of those outside on the same event.
    """
    session = parts.session

    def chosen(followed: str, lang: str, event: gr.EventData) -> dict[Any, Any]:
        answer: dict[Any, Any] = {
            session.drawn: _fingerprint(desk, str(event.slug)),
            parts.refusals: Refused({}, "").to_json(),
        }
        if not followed:
            view = _first_view(desk, desk.templates.get(str(event.slug)), Words(lang))
            answer[parts.stage.view] = view.to_json(time.time())
        return answer

    def refresh(drawn: str, event: gr.EventData) -> dict[Any, Any]:
        slug = event.slug if desk.templates.get(str(event.slug)) else _slug(desk.templates.shelf().first())
        newest = _fingerprint(desk, slug)
        return {session.drawn: newest, parts.picker.wanted: gr.skip() if newest == drawn else _wish(slug)}

    parts.library.click(
        chosen,
        [session.followed, session.lang],
        {session.drawn, parts.stage.view, parts.refusals},
        trigger_mode="multiple",
        **_AT_ONCE,
    )
    parts.library.input(refresh, session.drawn, {session.drawn, parts.picker.wanted}, **_AT_ONCE)


def _show_form(desk: Desk, parts: Parts) -> None:
    """The form comes and goes with the template; the listeners that read it come and go with it."""
    session = parts.session
    with parts.form:

        @gr.render(
            [parts.picker.picked, session.typed, session.lang],
            triggers=[parts.picker.picked.change],
            show_progress="hidden",
            queue=False,
        )
        def _render(picked: str, typed: Typed, lang: str) -> None:
            template = desk.templates.get(picked)
            if template is None:
                return
            words = Words(lang)
            try:
                form = desk.engine.form(template)
            except WorkflowError as error:
                said = str(error)
                form_.title(template, None, said, words)
                _keeps(parts, template.slug, ())
                parts.generate.click(lambda: Refused({}, said).to_json(), None, parts.refusals, **_AT_ONCE)
                return
            is_unsure = len(desk.engine.node_defs()) == 0
            form_.title(template, form, "", words, is_unsure=is_unsure)
            built = form_.widgets_of(form, typed.get(template.slug, {}), words)
            form_.tooltips(form, words)
            _keeps(parts, template.slug, built)
            _generates(desk, parts, template, built, words)


def _slug(template: Template | None) -> str:
    return template.slug if template else ""


def _wish(slug: str, *, replaces: bool = False) -> dict[str, Any]:
    """A value of `wanted`; the time makes every wish another one. `replaces`: not to keep what is typed."""
    return {"slug": slug, "replaces": replaces, "at": time.time()}


def _fingerprint(desk: Desk, slug: str) -> str:
    """Another text whenever the form of this template would be another one."""
    template = desk.templates.get(slug)
    if template is None:
        return ""
    try:
        known = len(desk.engine.node_defs()) > 0
        return repr((template.title, template.description, desk.engine.form(template).inputs, known))
    except WorkflowError as error:
        return str(error)


def _reads(built: Sequence[Widget], *more: gr.components.Component) -> set[gr.components.Component]:
    return {*(widget.component for widget in built if widget.component is not None), *more}


def _keeps(parts: Parts, slug: str, built: Sequence[Widget]) -> None:
    """Whatever may take this form away: what was typed is kept."""
    session = parts.session

    def keep(held: Mapping[Any, Any]) -> dict[Any, Any]:
        typed = {**held[session.typed], slug: form_.raw_values(built, held)}
        return {session.typed: typed, parts.picker.kept: time.time()}

    outputs = {session.typed, parts.picker.kept}
    parts.library.select(keep, _reads(built, session.typed), outputs, trigger_mode="multiple", **_AT_ONCE)


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
            stage.view: _view(desk, answer, words, request)[1].to_json(time.time()),
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
        look, turn = partial(_view, desk, run_id, words, request), time.time()
        async for run, view in stage_.follow(look, attention, str(request.session_hash), run_id):
            shown = {stage.view: view.to_json(turn)}
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
                parts.picker.wanted: _wish(template.slug, replaces=True),
            }
        return {session.followed: run_id, stage.view: view.to_json(time.time())}

    outputs = {session.followed, session.typed, parts.picker.wanted, stage.view, parts.refusals}
    stage.view.select(act, [session.lang, session.typed], outputs, **_ALONGSIDE)

    def stop(run_id: str, request: gr.Request) -> None:
        if run_id and _view(desk, run_id, Words(), request)[0] is not None:
            desk.engine.cancel(run_id)

    stage.stop.click(stop, session.followed, None, **_AT_ONCE)

    def forget(request: gr.Request) -> None:
        attention.close(str(request.session_hash))

    page.unload(forget)


def _keep_up(desk: Desk, parts: Parts) -> None:
    """What changes without anybody's doing: the servers, the library, the node definitions."""
    session = parts.session
    clock = gr.Timer(_TICK_S)

    def tick(known: int, lang: str, request: gr.Request) -> dict[Any, Any]:
        words = Words(lang)
        changed = _servers(desk, parts, words)
        changed[parts.picker.news] = _versions(desk)
        changed[parts.stage.strip] = gallery.strip(_own_runs(desk, request, STRIP), words)
        if desk.templates.shelf().version != known:
            changed[session.known] = desk.templates.shelf().version
            changed |= _library_parts(desk, parts, words)
        return changed

    outputs = {
        session.known,
        parts.picker.news,
        parts.library,
        parts.no_template,
        parts.generate,
        parts.stage.strip,
        *_server_parts(parts),
    }
    clock.tick(tick, [session.known, session.lang], outputs, **_AT_ONCE)

    def show_results(lang: str, request: gr.Request) -> str:
        return gallery.grid(_own_runs(desk, request, RESULTS), Words(lang))

    parts.tabs[1].select(show_results, session.lang, parts.results, **_AT_ONCE)


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


def _gone(desk: Desk, asked: Mapping[str, str], words: Words) -> str:
    """A sentence about a template that a link names and the library does not have."""
    slug = asked.get("template", "")
    if not slug or desk.templates.get(slug) is not None:
        return ""
    return words("no_such_template", slug=slug)


def _view(desk: Desk, run_id: str, words: Words, request: gr.Request) -> tuple[Run | None, StageView]:
    """A run and how the stage shows it now; no run where there is none that this person may see."""
    snapshot = desk.engine.snapshot(run_id)
    if snapshot is None or not may_see(request, snapshot.run):
        return None, present.unknown(run_id, words)
    return snapshot.run, present.stage(snapshot.run, time.time(), desk.engine.servers(), words)


def _first_view(desk: Desk, template: Template | None, words: Words) -> StageView:
    if template is None:
        return present.nothing(words, can_generate=False)
    cover = library_panel.cover_url(desk.templates.shelf(), template.slug, 1024)
    try:
        form = desk.engine.form(template)
    except WorkflowError:
        return present.nothing(words, cover)
    given = {one.key: one.default for one in form.inputs if one.key in ("width", "height")}
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
    return desk.engine.runs(owner=owner_of(request), limit=limit)


def _versions(desk: Desk) -> list[int]:
    """What a form is made of: the node definitions and the library."""
    return [desk.engine.definitions_version(), desk.templates.shelf().version]


def _library(desk: Desk, words: Words) -> str:
    return library_panel.markup(desk.templates.shelf(), words)


def _library_parts(desk: Desk, parts: Parts, words: Words) -> dict[Any, Any]:
    can_generate = desk.templates.shelf().first() is not None
    button = gr.update(value=words("generate"), interactive=can_generate)
    return {
        parts.library: _library(desk, words),
        parts.no_template: _no_template(desk, words),
        parts.generate: button,
    }


def _no_template(desk: Desk, words: Words) -> str:
    """What stands in the place of a form while the library is empty."""
    if desk.templates.shelf().templates:
        return ""
    return library_panel.empty(str(desk.dashboard.workflows), words)


def _header(desk: Desk, words: Words) -> str:
    badge = present.badge(desk.engine.servers(), time.time(), words, uses_sandbox=desk.dashboard.uses_sandbox)
    more = ""
    if badge.link:
        name, short = escape(badge.hint), escape(words("connect_short"))
        more = (
            f'<button type="button" class="link" data-tab="servers" aria-label="{name}">'
            f'<span class="full">{name}</span><span class="short">{short}</span></button>'
        )
    return (
        f'<a class="brand" href="?">{TITLE}</a>'
        f'<p class="badge" data-tone="{badge.tone}" title="{escape(badge.words)}"><span class="dot"></span>'
        f'<span class="full">{escape(badge.words)}</span>'
        f'<span class="short">{escape(badge.short)}</span> {more}</p>'
    )


def _account(request: gr.Request, words: Words) -> str:
    """Who is signed in, and the way out; nothing where everyone may come."""
    if not is_signed_in(request):
        return ""
    return (
        '<form method="post" action="sign-out">'
        f'<span class="who">{escape(owner_of(request))}</span>'
        f'<button type="submit" class="link">{escape(words("sign_out"))}</button></form>'
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
        parts.stage.stop: gr.update(value=words("stop")),
    }
