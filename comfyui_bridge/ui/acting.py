"""What can be done with a run or one of its files, whoever asks: the stage, the results, a card of a recipe.

The page's script says `{action, run, file, ...}` (see `bridge.act`), and here it is done:

    open                        put the run on the stage
    values                      its values into the form of its template, and it onto the stage
    use       key, value        the same, with another value in one place
    again                       the identical graph once more, whatever became of the template
    seed                        the same, its seeds drawn anew
    input     file, template, key   one of its files becomes an input of a form
    template                    its workflow becomes a template of its own
    preset    preset            the values of a preset into the form of its template
    fill      template, values, over, name   these values into a form; `over` leaves the others as typed
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from comfyui_bridge.core import remix, stacks, values
from comfyui_bridge.core.errors import BridgeError, InvalidValues, StoreError
from comfyui_bridge.core.files import FileValue, unmarked
from comfyui_bridge.core.node_defs import ControlNetSpec
from comfyui_bridge.core.outputs import MediaKind
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.template import Template
from comfyui_bridge.store.intake import Intake
from comfyui_bridge.ui import form as form_
from comfyui_bridge.ui import remix as remix_
from comfyui_bridge.ui import running
from comfyui_bridge.ui.desk import AT_ONCE, Desk, Session, shown_first, turn_to, wish
from comfyui_bridge.ui.form import Picker, Refused, Typed
from comfyui_bridge.ui.sign_in import is_own, owner_of
from comfyui_bridge.ui.stage import Stage
from comfyui_bridge.ui.words import Words

Shown = dict[Any, Any]


@dataclass(frozen=True)
class Parts:
    """What an action speaks to: the tab's own components, and what changes beside its form."""

    stage: Stage
    picker: Picker
    refusals: gr.HTML
    remix: gr.HTML
    of_form: Callable[[str, Mapping[str, Any], Words], Shown]
    """What a form of this slug with these values changes beside it."""
    of_library: Callable[[Words], Shown]
    beside: frozenset[Any]
    """The components that those two speak to."""


@dataclass(frozen=True)
class _Asked:
    """One wish, and who has it."""

    desk: Desk
    session: Session
    parts: Parts
    event: Mapping[str, Any]
    form: str
    """The template whose form is on the page."""
    typed: Typed
    words: Words
    request: gr.Request

    def text(self, name: str) -> str:
        value = self.event.get(name)
        return value if isinstance(value, str) else ""

    @property
    def run(self) -> Run | None:
        """The run that is meant, if there is one that this person may see."""
        return self.desk.dashboard.run_seen(self.text("run"), self.request)


def connect(desk: Desk, session: Session, parts: Parts) -> None:
    """Whatever is asked arrives as a `select` of the stage."""

    def act(event: gr.EventData, held: Any, typed: Typed, lang: str, request: gr.Request) -> Shown:
        typed = form_.with_held(desk.dashboard, typed, held)
        said = event._data if isinstance(event._data, Mapping) else {}
        form = form_.Held.parse(held).slug
        return _done(_Asked(desk, session, parts, said, form, typed, Words(lang), request))

    outputs = {
        *running.submitting(parts.stage),
        session.typed,
        parts.picker.wanted,
        parts.refusals,
        parts.remix,
        *parts.beside,
    }
    given = [parts.picker.held, session.typed, session.lang]
    parts.stage.view.select(act, given, outputs, trigger_mode="multiple", **AT_ONCE)


def _done(asked: _Asked) -> Shown:
    match asked.text("action"):
        case "again" | "seed" as action if asked.run is not None:
            return _again(asked, asked.run, new_seed=action == "seed")
        case "values" if asked.run is not None:
            return {**_beside_its_values(asked), **_with_values_of(asked, asked.run, {})}
        case "use" if asked.run is not None:
            return _with_values_of(asked, asked.run, {asked.text("key"): asked.event.get("value")})
        case "input" if asked.run is not None:
            return _as_input(asked, asked.run)
        case "template" if asked.run is not None:
            return _as_template(asked, asked.run)
        case "preset":
            return _preset(asked)
        case "fill":
            return _fill(asked)
    return _open(asked)


def _open(asked: _Asked) -> Shown:
    return running.shown(asked.desk, asked.parts.stage, asked.text("run"), asked.words, asked.request)


def _beside_its_values(asked: _Asked) -> Shown:
    """The run has the stage as its values have the form, unless one's own is under way there."""
    return {} if running.keeps_stage(asked.desk, asked.request) else _open(asked)


def _again(asked: _Asked, run: Run, *, new_seed: bool) -> Shown:
    """The stored workflow is sent as it is: a template that has changed, or is gone, is in nobody's way."""
    desk = asked.desk
    template = desk.templates.get(run.template)
    form = desk.dashboard.form_of(template)
    seeds = form_.seeds_of(form, run.values) if form else ()
    try:
        run_id = desk.engine.again(run, owner_of(asked.request), new_seed=new_seed, seeds=seeds)
    except InvalidValues as error:
        return _refused(asked, " ".join(error.problems.values()))
    except BridgeError as error:
        return _refused(asked, str(error))
    shown = running.submitted(desk, asked.parts.stage, run_id, asked.words, asked.request)
    return {asked.parts.refusals: Refused({}, "").to_json(), **shown}


def _refused(asked: _Asked, sentence: str) -> Shown:
    return {asked.parts.refusals: Refused({}, asked.words.sentence(sentence)).to_json()}


# Into the form


def _with_values_of(asked: _Asked, run: Run, changed: Mapping[str, Any]) -> Shown:
    template = asked.desk.templates.get(run.template)
    if template is None:
        title = run.title or run.template
        return {asked.parts.remix: remix_.gone(run.run_id, title, asked.words)}
    return _filled(asked, template, {**values.from_json(run.values), **changed})


def _as_input(asked: _Asked, run: Run) -> Shown:
    """One of a run's files goes into our keeping as if it had been chosen at the form."""
    template = asked.desk.templates.get(asked.text("template"))
    form = asked.desk.dashboard.form_of(template)
    path = asked.desk.dashboard.media.path(run.run_id, asked.text("file"))
    if template is None or form is None or path is None:
        return {asked.parts.remix: remix_.said(asked.words("remix_no_file", name=asked.text("file")))}
    typed = asked.typed.get(template.slug, {})
    one = form.with_choices(typed).input(asked.text("key"))
    if one is None:
        return {asked.parts.remix: remix_.said(asked.words("remix_no_file", name=asked.text("file")))}
    try:
        with path.open("rb") as content:
            file = FileValue(asked.desk.dashboard.media.keep_upload(content, path.name), path.name)
    except (OSError, StoreError) as error:
        return _refused(asked, str(error))
    given = _with_hint(one.spec, typed.get(one.key), file) if isinstance(one.spec, ControlNetSpec) else file
    shown = _filled(asked, template, {one.key: given}, before=typed)
    said = asked.words("remix_is_input", name=path.name, label=asked.words.input(one))
    return {
        asked.parts.remix: remix_.said(said, template.slug, key=one.key),
        **_without_silence(asked, shown),
        **_stage_of(asked, template),
    }


def _with_hint(spec: ControlNetSpec, typed: Any, file: FileValue) -> dict[str, Any]:
    """A ControlNet that follows this picture; the first there is where none was chosen."""
    try:
        parts = stacks.controlnet_parts(typed)
    except ValueError:
        parts = {}
    return {"name": next(iter(spec.options), ""), **{k: v for k, v in parts.items() if v}, "image": file}


def _without_silence(asked: _Asked, shown: Shown) -> Shown:
    """What is shown, but for a notice that says nothing."""
    notice = shown.get(asked.parts.remix, {})
    return shown if notice.get("sentence") else {c: v for c, v in shown.items() if c is not asked.parts.remix}


def _as_template(asked: _Asked, run: Run) -> Shown:
    """The workflow that a run sent becomes a template in the library, with its picture as the cover."""
    desk, name = asked.desk, run.title or run.template or "workflow"
    try:
        cover = _cover(desk, run)
        brought = Intake(name, remix.bare(run.workflow).to_api(), cover=cover)
        slug = desk.dashboard.editor.take(brought)
    except (BridgeError, OSError) as error:
        return _refused(asked, str(error))
    template = desk.templates.get(slug)
    title = template.title if template else slug
    return {
        asked.session.typed: {**asked.typed, slug: {}},
        asked.parts.picker.wanted: wish(slug, replaces=True),
        asked.parts.refusals: Refused({}, "").to_json(),
        asked.parts.remix: remix_.said(asked.words("remix_is_template", title=title), slug),
        **asked.parts.of_library(asked.words),
        **asked.parts.of_form(slug, {}, asked.words),
        **_stage_of(asked, template),
    }


def _cover(desk: Desk, run: Run) -> bytes | None:
    """The first picture among a run's kept files."""
    names = (kept.name for kept in run.kept if kept.source.kind is MediaKind.IMAGE)
    path = next((path for name in names if (path := desk.dashboard.media.path(run.run_id, name))), None)
    return path.read_bytes() if path else None


def _preset(asked: _Asked) -> Shown:
    """A preset's values over what is typed: what it does not name stays."""
    presets = asked.desk.dashboard.presets
    found = presets.get(asked.text("preset")) if presets is not None else None
    visible = found is not None and (found.shared or is_own(asked.request, found.owner))
    template = asked.desk.templates.get(found.template) if found and visible else None
    if found is None or template is None:
        return {asked.parts.remix: remix_.said(asked.words("no_such_preset"))}
    before = asked.typed.get(template.slug, {})
    shown = _filled(asked, template, values.from_json(found.values), found.name, before=before)
    return {**shown, **_stage_of(asked, template)}


def _fill(asked: _Asked) -> Shown:
    template = asked.desk.templates.get(asked.text("template"))
    given = asked.event.get("values")
    if template is None or not isinstance(given, Mapping):
        sentence = asked.words("no_such_template", slug=asked.text("template"))
        return {asked.parts.remix: remix_.said(sentence)}
    before = asked.typed.get(template.slug, {}) if asked.event.get("over") is True else {}
    given = {str(key): unmarked(value) for key, value in given.items()}
    return {
        **_filled(asked, template, given, asked.text("name"), before=before),
        **_stage_of(asked, template),
        # What was brought in just now stands in the library at once.
        **(asked.parts.of_library(asked.words) if asked.event.get("brought") is True else {}),
    }


def _stage_of(asked: _Asked, template: Template | None) -> Shown:
    """Another template's form brings its own stage, unless a run under way keeps it: see `create._choose`."""
    desk, request = asked.desk, asked.request
    if template is None or template.slug == asked.form or running.keeps_stage(desk, request):
        return {}
    look = turn_to(desk, "", request)
    return {asked.parts.stage.view: shown_first(desk, template, asked.words, request).to_json(look.at)}


def _filled(
    asked: _Asked,
    template: Template,
    given: Mapping[str, Any],
    name: str = "",
    *,
    before: Mapping[str, Any] | None = None,
) -> Shown:
    """The form of a template with these values in it, over those that were there `before`.

    What does not fit any more is said at the form; what somebody typed before is theirs, right or wrong.
    """
    before = before or {}
    form = asked.desk.dashboard.form_of(template)
    fits, left_out = remix.fitting(form, {**before, **given}) if form else (dict(given), {})
    raw = {**before, **{key: value for key, value in fits.items() if key in given}}
    left_out = {key: why for key, why in left_out.items() if key in given}
    return {
        asked.session.typed: {**asked.typed, template.slug: raw},
        asked.parts.picker.wanted: wish(template.slug, replaces=True),
        asked.parts.refusals: Refused({}, "").to_json(),
        asked.parts.remix: remix_.filled(template, form, given, left_out, name, asked.words),
        **asked.parts.of_form(template.slug, raw, asked.words),
    }
