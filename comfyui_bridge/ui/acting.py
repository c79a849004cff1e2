"""What can be done with a run or one of its files, whoever asks: the stage, the results, a card of a recipe.

The page's script says `{action, run, file, ...}` (see `bridge.act`), and here it is done:

    open                        put the run on the stage
    values                      its values into the form of its template
    use       key, value        the same, with another value in one place
    again                       the identical graph once more, whatever became of the template
    seed                        the same, its seeds drawn anew
    input     file, template, key   one of its files becomes an input of a form
    template                    its workflow becomes a template of its own
    preset    preset            the values of a preset into the form of its template
    fill      template, values, over, name   these values into a form; `over` leaves the others as typed
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from comfyui_bridge.core import remix, values
from comfyui_bridge.core.errors import BridgeError, InvalidValues, WorkflowError
from comfyui_bridge.core.files import unmarked
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui import form as form_
from comfyui_bridge.ui import remix as remix_
from comfyui_bridge.ui import running
from comfyui_bridge.ui.desk import ALONGSIDE, Desk, Session, run_view, wish
from comfyui_bridge.ui.form import Held, Refused, Typed
from comfyui_bridge.ui.sign_in import may_see, owner_of
from comfyui_bridge.ui.words import Words

if TYPE_CHECKING:
    from comfyui_bridge.ui.create import Create

Shown = dict[Any, Any]


@dataclass(frozen=True)
class Beside:
    """What changes beside the form: told by the tab, which has it."""

    of_form: Callable[[str, Mapping[str, Any], Words], Shown]
    of_library: Callable[[Words], Shown]
    components: frozenset[Any]


@dataclass(frozen=True)
class _Asked:
    """One wish, and who has it."""

    desk: Desk
    session: Session
    tab: Create
    beside: Beside
    event: Mapping[str, Any]
    typed: Typed
    followed: str
    words: Words
    request: gr.Request

    def text(self, name: str) -> str:
        value = self.event.get(name)
        return value if isinstance(value, str) else ""

    @property
    def run(self) -> Run | None:
        """The run that is meant, if there is one that this person may see."""
        snapshot = self.desk.engine.snapshot(self.text("run"))
        return snapshot.run if snapshot is not None and may_see(self.request, snapshot.run) else None


def connect(desk: Desk, session: Session, tab: Create, beside: Beside) -> None:
    """Whatever is asked arrives as a `select` of the stage."""

    def act(
        event: gr.EventData, held: Any, typed: Typed, followed: str, lang: str, request: gr.Request
    ) -> Shown:
        typed = form_.kept(typed, *_held(desk, held))
        said = event._data if isinstance(event._data, Mapping) else {}
        return _done(_Asked(desk, session, tab, beside, said, typed, followed, Words(lang), request))

    outputs = {
        *running.submitting(session, tab.stage),
        session.typed,
        tab.picker.wanted,
        tab.refusals,
        tab.remix,
        *beside.components,
    }
    given = [tab.picker.held, session.typed, session.followed, session.lang]
    tab.stage.view.select(act, given, outputs, trigger_mode="multiple", **ALONGSIDE)


def _done(asked: _Asked) -> Shown:
    match asked.text("action"):
        case "again" | "seed" as action if asked.run is not None:
            return _again(asked, asked.run, new_seed=action == "seed")
        case "values" if asked.run is not None:
            return _with_values_of(asked, asked.run, {})
        case "use" if asked.run is not None:
            return _with_values_of(asked, asked.run, {asked.text("key"): asked.event.get("value")})
        case "fill":
            return _fill(asked)
    return _open(asked)


def _open(asked: _Asked) -> Shown:
    run_id = asked.text("run")
    view = run_view(asked.desk, run_id, asked.words, asked.request)[1]
    return {asked.session.followed: run_id, asked.tab.stage.view: view.to_json(time.time())}


def _again(asked: _Asked, run: Run, *, new_seed: bool) -> Shown:
    """The stored workflow is sent as it is: a template that has changed, or is gone, is in nobody's way."""
    desk = asked.desk
    template = desk.templates.get(run.template)
    form = form_of(desk, template) if template else None
    seeds = form_.seeds_of(form, run.values) if form else ()
    try:
        run_id = desk.engine.again(run, owner_of(asked.request), new_seed=new_seed, seeds=seeds)
    except InvalidValues as error:
        return _refused(asked, " ".join(error.problems.values()))
    except BridgeError as error:
        return _refused(asked, str(error))
    shown = running.submitted(
        desk, asked.session, asked.tab.stage, asked.followed, run_id, asked.words, asked.request
    )
    return {asked.tab.refusals: Refused({}, "").to_json(), **shown}


def _refused(asked: _Asked, sentence: str) -> Shown:
    return {asked.tab.refusals: Refused({}, sentence).to_json()}


# Into the form


def _with_values_of(asked: _Asked, run: Run, changed: Mapping[str, Any]) -> Shown:
    template = asked.desk.templates.get(run.template)
    if template is None:
        title = run.title or run.template
        return {asked.tab.remix: remix_.gone(run.run_id, title, asked.words)}
    return _filled(asked, template, {**values.from_json(run.values), **changed})


def _fill(asked: _Asked) -> Shown:
    template = asked.desk.templates.get(asked.text("template"))
    given = asked.event.get("values")
    if template is None or not isinstance(given, Mapping):
        sentence = asked.words("no_such_template", slug=asked.text("template"))
        return {asked.tab.remix: remix_.said(sentence)}
    before = asked.typed.get(template.slug, {}) if asked.event.get("over") is True else {}
    given = {str(key): unmarked(value) for key, value in given.items()}
    return _filled(asked, template, {**before, **given}, asked.text("name"))


def _filled(asked: _Asked, template: Template, raw: Mapping[str, Any], name: str = "") -> Shown:
    """The form of a template with these values in it; what does not fit any more is said at the form."""
    form = form_of(asked.desk, template)
    kept, left_out = remix.fitting(form, raw) if form else (dict(raw), {})
    notice = remix_.filled(template, form, raw, left_out, name, asked.words)
    return {
        asked.session.typed: {**asked.typed, template.slug: kept},
        asked.tab.picker.wanted: wish(template.slug, replaces=True),
        asked.tab.refusals: Refused({}, "").to_json(),
        asked.tab.remix: notice,
        **asked.beside.of_form(template.slug, kept, asked.words),
    }


def form_of(desk: Desk, template: Template) -> Form | None:
    """Its form; None for one whose document makes none."""
    try:
        return desk.engine.form(template)
    except WorkflowError:
        return None


def _held(desk: Desk, held: Any) -> tuple[Form | None, Held]:
    said = Held.parse(held)
    template = desk.templates.get(said.slug)
    return (form_of(desk, template) if template else None), said
