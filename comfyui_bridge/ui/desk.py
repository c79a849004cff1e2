"""What all tabs work with: the desk they read from, what one open page remembers, and how events are set.

A tab is a module with a dataclass of its components, `lay_out` that makes them, `connect` that says which
event leads to what, and where it shows things that change by themselves `refreshed`, which page.py asks
for when somebody arrives and at every tick of the clock.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from comfyui_bridge.core.errors import WorkflowError
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.template import Template
from comfyui_bridge.store.run_index import Search
from comfyui_bridge.ui import library_panel, present
from comfyui_bridge.ui.attention import Attention, Look
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.experiments_tab import access
from comfyui_bridge.ui.present import StageView
from comfyui_bridge.ui.sign_in import is_name, is_own, is_signed_in, owner_of
from comfyui_bridge.ui.templates import Templates
from comfyui_bridge.ui.words import Words

if TYPE_CHECKING:
    from comfyui_bridge.engine.engine import Engine

PLAIN: dict[str, Any] = {"apply_default_css": False, "js_on_load": None}
# With no component to show its progress on: Gradio 6.31 would copy the contents of all of them, and of all
# that stands in them, with every event, thirty milliseconds in which the page does nothing else.
_PRIVATE: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
AT_ONCE: dict[str, Any] = {**_PRIVATE, "queue": False}
"""For handlers that answer once: one request and its answer. No State has listeners, for Gradio 6.31 tells a
page that a State changed only through its queue, which takes twenty milliseconds."""
QUEUED: dict[str, Any] = {**_PRIVATE, "concurrency_limit": None}
"""For those that go on answering."""


@dataclass(frozen=True)
class Session:
    """What one open page remembers on the server."""

    lang: gr.State
    typed: gr.State
    drawn: gr.State
    """The fingerprint of the form on the page."""
    known: gr.State
    """The version of the library that the page shows."""


@dataclass(frozen=True)
class Desk:
    """What the handlers work with: the dashboard, and its library read as templates."""

    dashboard: Dashboard
    templates: Templates
    drawn: dict[str, tuple[Form, str]] = field(default_factory=dict, repr=False, compare=False)
    """The fingerprints of forms, by slug, each with the form it is of."""
    attention: Attention = field(default_factory=Attention, repr=False, compare=False)
    """Which run each open page looks at."""

    @property
    def engine(self) -> Engine:
        return self.dashboard.engine


def wish(slug: str, *, replaces: bool = False) -> dict[str, Any]:
    """A value of the picker's `wanted`; the time makes every wish another one.

    `replaces`: not to keep what is typed.
    """
    return {"slug": slug, "replaces": replaces, "at": time.time()}


def fingerprint(desk: Desk, slug: str) -> str:
    """Another text whenever the form of this template would be another one."""
    template = desk.templates.get(slug)
    if template is None:
        return ""
    try:
        form = desk.engine.form(template)
    except WorkflowError as error:
        return str(error)
    drawn = desk.drawn.get(slug)
    if drawn is None or drawn[0] is not form:
        # Lists of thousands of files are in it, and it is asked for with every choice of a template.
        said = repr(
            (template.title, template.description, template.phrases, form.inputs, len(form.node_defs) > 0)
        )
        drawn = desk.drawn[slug] = form, hashlib.sha256(said.encode()).hexdigest()
    return drawn[1]


def turn_to(desk: Desk, run_id: str, request: gr.Request) -> Look:
    """The page that asks looks at this run from now on, or with an empty id at none."""
    return desk.attention.turn(page_of(request), run_id)


def looked_at(desk: Desk, request: gr.Request) -> str:
    """The run that the page which asks looks at; empty without one."""
    look = desk.attention.look(page_of(request))
    return look.run_id if look else ""


def page_of(request: gr.Request) -> str:
    return str(request.session_hash)


def run_view(desk: Desk, run_id: str, words: Words, request: gr.Request) -> tuple[Run | None, StageView]:
    """A run and how the stage shows it now; no run where there is none that this person may see."""
    run, engine = desk.dashboard.run_seen(run_id, request), desk.engine
    if run is None:
        return None, present.unknown(run_id, words, signed_in=is_signed_in(request))
    form = desk.dashboard.form_of(desk.templates.get(run.template)) if run.error is not None else None
    view = present.stage(run, time.time(), engine.servers(), words, engine.estimate(run), form)
    view = replace(view, title=run_title(desk, run, words), theirs=not is_own(request, run.owner))
    if view.theirs and is_signed_in(request) and is_name(run.owner):
        view = replace(view, hint=" · ".join(filter(None, (view.hint, words("made_by", name=run.owner)))))
    # A run that goes on is looked at several times a second, and needs none of this yet.
    return run, _with_its_place(desk, run, view, request) if run.state.is_final else view


def _with_its_place(desk: Desk, run: Run, view: StageView, request: gr.Request) -> StageView:
    """The stage of a run that is over, with the experiment it was made in and who else may see it."""
    part_of = access.part_of(desk.dashboard, run, request)
    return replace(view, experiment=part_of, shared=desk.dashboard.seeing.shared_run(run, request))


def run_title(desk: Desk, run: Run, words: Words) -> str:
    """What a run is called: as its template's card says it in this language, while it still does."""
    return present.run_title(run, desk.templates.get(run.template), words)


def shown_first(desk: Desk, template: Template | None, words: Words, request: gr.Request) -> StageView:
    """The stage of a template before anything is generated: somebody's last result of it, else its cover."""
    search = Search(
        owner=owner_of(request), template=template.slug if template else "", state=RunState.COMPLETED
    )
    found = desk.dashboard.results.search(search, 1).runs
    if template is None or not found or not found[0].kept:
        return first_view(desk, template, words)
    view = present.last(found[0], time.time(), words)
    return _with_its_place(desk, found[0], replace(view, title=run_title(desk, found[0], words)), request)


def first_view(desk: Desk, template: Template | None, words: Words) -> StageView:
    """The stage of a template: its cover, as for somebody who has no result of it."""
    if template is None:
        return present.nothing(words, can_generate=False)
    cover = library_panel.cover_url(desk.templates.shelf(), template.slug, 1024)
    form = desk.dashboard.form_of(template)
    if form is None:
        return present.nothing(words, cover)
    given = {one.key: one.default for one in form.inputs if one.key in ("width", "height")}
    return present.nothing(words, cover, present.ratio(given, form.workflow))


def own_runs(desk: Desk, request: gr.Request, limit: int, words: Words) -> tuple[Run, ...]:
    """Somebody's last runs, under the titles they have in this language."""
    runs = desk.engine.runs(owner=owner_of(request), limit=limit)
    return tuple(replace(run, title=run_title(desk, run, words)) for run in runs)


def versions(desk: Desk) -> list[int]:
    """What a form is made of: the node definitions and the library."""
    return [desk.engine.definitions_version(), desk.templates.shelf().version]
