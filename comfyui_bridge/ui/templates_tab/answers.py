"""What the editor asks and is answered: one small function a question, none of which knows the page.

A question comes from a browser: whatever it holds, the answer is a table for the script, with a sentence
where something cannot be done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from comfyui_bridge.core import form as core_form
from comfyui_bridge.core.errors import BridgeError, EditedMeanwhile, WorkflowError, WrongCard
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.template import Template, parse
from comfyui_bridge.store import intake
from comfyui_bridge.store.intake import Intake
from comfyui_bridge.ui.asked import words_of
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.form import described
from comfyui_bridge.ui.present import file_view
from comfyui_bridge.ui.sign_in import owner_of
from comfyui_bridge.ui.templates_tab import draft as draft_
from comfyui_bridge.ui.templates_tab.draft import Checked, Draft
from comfyui_bridge.ui.templates_tab.own import Own, Owns
from comfyui_bridge.ui.words import Words

Told = dict[str, Any]

MOST_RESULTS = 60
_RUNS_LOOKED_AT = 100


class Asked:
    """One question: its fields as texts, the words to answer in, and who asks."""

    def __init__(self, told: Mapping[str, Any], request: Any) -> None:
        self._told = told
        self.request = request
        self.words = words_of(told)

    def __getitem__(self, name: str) -> str:
        value = self._told.get(name)
        return value if isinstance(value, str) else ""

    def is_set(self, name: str) -> bool:
        return self._told.get(name) is True

    @property
    def draft(self) -> Draft:
        return draft_.read(self._told.get("draft"))


class Gone(BridgeError):
    """What is asked about is not there any more."""


class Answers:
    """Answers questions about the library; any thread may ask."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._owns = Owns(dashboard.engine)
        self._questions: Mapping[str, Callable[[Asked], Told]] = {
            "open": self._open,
            "check": self._check,
            "save": self._save,
            "duplicate": self._duplicate,
            "rename": self._rename,
            "delete": self._delete,
            "restore": self._restore,
            "results": self._results,
            "cover": self._cover,
            "offers": self._offers,
            "take": self._take,
        }

    def answer(self, told: Mapping[str, Any], request: Any) -> Told:
        """The answer to one question; `error` is a sentence where there is none."""
        question = self._questions.get(str(told.get("ask")))
        if question is None:
            return {"error": "There is no such question."}
        return self._told(question, Asked(told, request))

    def take_in(self, content: bytes, name: str, asked: Asked) -> Told:
        """A file that somebody brings becomes a template."""
        return self._told(lambda asked: self._add(intake.read(content, name), asked), asked)

    def put_cover(self, slug: str, picture: bytes, asked: Asked) -> Told:
        """A picture that somebody brings becomes a template's cover."""

        def put(asked: Asked) -> Told:
            self._dashboard.editor.set_cover(self._template(slug, asked.words).slug, picture)
            return self._seen(slug)

        return self._told(put, asked)

    def bundle(self, slug: str) -> bytes | None:
        """The template as one file; None if there is no such template."""
        if self._dashboard.library.get(slug) is None:
            return None
        return self._dashboard.editor.bundle(slug)

    def _told(self, question: Callable[[Asked], Told], asked: Asked) -> Told:
        try:
            return question(asked)
        except BridgeError as error:
            return {"error": str(error)}

    # A template in the editor

    def _open(self, asked: Asked) -> Told:
        # The version first: a card that changes in between is then told when it is saved.
        version = self._dashboard.editor.card_version(asked["slug"])
        template = self._template(asked["slug"], asked.words)
        own, error = self._own_or_why(template)
        held = draft_.of(template, own)
        return {
            **self._seen(template.slug),
            "slug": template.slug,
            "version": version,
            "draft": held.to_json(),
            "usual": draft_.of(_bare(template), own).to_json()["rows"],
            "form": self._form(template, asked.words, self._dashboard.engine.form),
            "tree": own.tree([row.place for row in held.rows]) if own else None,
            "error_in_workflow": error,
            "unreadable": self._unreadable(template.slug),
            "problems": self._problems(template),
            "download": f"library/{quote(template.slug, safe='')}.zip",
        }

    def _check(self, asked: Asked) -> Told:
        template = self._template(asked["slug"], asked.words)
        checked = self._checked(template, asked)
        shown = draft_.applied(template, checked.edit)
        return {**_wrong(checked), "form": self._form(shown, asked.words, self._made)}

    def _save(self, asked: Asked) -> Told:
        slug = asked["slug"]
        template = self._template(slug, asked.words)
        checked = self._checked(template, asked)
        if checked.wrong:
            return _wrong(checked)
        version = asked["version"]
        if asked.is_set("over"):
            version = self._dashboard.editor.card_version(slug)
        try:
            self._dashboard.editor.save_card(slug, checked.edit, version, replaces=asked.is_set("replaces"))
        except EditedMeanwhile:
            return self._meanwhile(asked)
        except WrongCard as error:
            return {"replaceable": str(error)}
        return {**self._open(asked), "saved": True}

    def _meanwhile(self, asked: Asked) -> Told:
        """Somebody else's card, beside the one that was not saved."""
        theirs = self._open(asked)
        own, _ = self._own_or_why(self._template(asked["slug"], asked.words))
        held = draft_.of(self._template(asked["slug"], asked.words), own)
        lines = list(draft_.differences(asked.draft, held, asked.words))
        return {"theirs": theirs, "differences": lines}

    def _checked(self, template: Template, asked: Asked) -> Checked:
        own, _ = self._own_or_why(template)
        return draft_.check(asked.draft, template, own, asked.words)

    def _form(self, template: Template, words: Words, make: Callable[[Template], Form]) -> Told | None:
        """The form of a template as the script draws it; None where there is none."""
        try:
            return described(template, make(template), {}, words)
        except WorkflowError:
            return None

    def _made(self, template: Template) -> Form:
        """The form of a template that is none yet, and so not to be kept."""
        return core_form.make(template, self._dashboard.engine.node_defs())

    def _own_or_why(self, template: Template) -> tuple[Own | None, str]:
        try:
            return self._owns.of(template), ""
        except WorkflowError as error:
            return None, str(error)

    def _problems(self, template: Template) -> list[str]:
        """What is wrong in places with the card and the marks, as the form says it too."""
        try:
            return list(self._dashboard.engine.form(template).problems)
        except WorkflowError:
            return list(template.problems)

    def _unreadable(self, slug: str) -> str:
        """What is wrong with a card that cannot be read at all."""
        problems = self._dashboard.library.problems()
        cards = (problem.message for problem in problems if problem.file == f"{slug}.toml")
        template = self._dashboard.library.get(slug)
        said = next(cards, "")
        return "" if template is not None and said in template.problems else said

    def _template(self, slug: str, words: Words) -> Template:
        template = self._dashboard.library.get(slug)
        if template is None:
            raise Gone(words("ed_gone", slug=slug))
        return template

    def _seen(self, slug: str) -> Told:
        library = self._dashboard.library
        version = library.version()
        has_cover = library.cover(slug) is not None
        cover = f"covers/{quote(slug, safe='')}?size=256&v={version}" if has_cover else ""
        return {"cover": cover}

    # A template as a whole

    def _duplicate(self, asked: Asked) -> Told:
        return {"slug": self._dashboard.editor.duplicate(self._template(asked["slug"], asked.words).slug)}

    def _rename(self, asked: Asked) -> Told:
        slug = self._template(asked["slug"], asked.words).slug
        return {"slug": self._dashboard.editor.rename(slug, asked["name"])}

    def _delete(self, asked: Asked) -> Told:
        template = self._template(asked["slug"], asked.words)
        return {"token": self._dashboard.editor.delete(template.slug), "title": template.title}

    def _restore(self, asked: Asked) -> Told:
        return {"slug": self._dashboard.editor.restore(asked["token"])}

    # Covers

    def _results(self, asked: Asked) -> Told:
        runs = self._dashboard.engine.runs(owner=owner_of(asked.request), limit=_RUNS_LOOKED_AT)
        seen = [
            (run, file_view(run.run_id, kept))
            for run in sorted(runs, key=lambda run: run.template != asked["slug"])
            for kept in run.kept
        ]
        pictures = [
            {"run": run.run_id, "name": view.name, "url": view.thumbnail, "title": run.title}
            for run, view in seen
            if view.thumbnail
        ]
        return {"results": pictures[:MOST_RESULTS]}

    def _cover(self, asked: Asked) -> Told:
        slug = self._template(asked["slug"], asked.words).slug
        run = self._dashboard.run_seen(asked["run"], asked.request)
        path = self._dashboard.media.path(run.run_id, asked["name"]) if run is not None else None
        if path is None:
            raise Gone(asked.words("ed_no_such_result"))
        self._dashboard.editor.set_cover(slug, path.read_bytes())
        return self._seen(slug)

    # What comes in

    def _offers(self, asked: Asked) -> Told:
        server = self._server(asked)
        workflows = [{"what": "workflow", "name": path} for path in server.saved_workflows()]
        templates = [
            {"what": "template", "name": one.name, "title": one.title, "source": one.source}
            for one in server.offered_templates()
        ]
        return {"offers": [*workflows, *templates]}

    def _take(self, asked: Asked) -> Told:
        server = self._server(asked)
        if asked["what"] == "workflow":
            content = server.saved_workflow(asked["name"])
        else:
            offered = (
                one
                for one in server.offered_templates()
                if (one.name, one.source) == (asked["name"], asked["source"])
            )
            one = next(offered, None)
            if one is None:
                raise Gone(asked.words("ed_not_offered", name=asked["name"]))
            content = server.offered_template(one)
        name = PurePosixPath(asked["name"]).name
        return self._add(intake.read(content, name if "." in name else f"{name}.json"), asked)

    def _server(self, asked: Asked) -> Any:
        try:
            return self._dashboard.engine.server(asked["server"])
        except LookupError:
            raise Gone(asked.words("ed_no_such_server", server=asked["server"])) from None

    def _add(self, brought: Intake, asked: Asked) -> Told:
        """Put what came in into the library, unless it would only be an error there."""
        words = asked.words
        template = parse(brought.name, brought.document, brought.card)
        try:
            own: Own | None = Own(template, self._dashboard.engine.node_defs())
        except WorkflowError as error:
            if not asked.is_set("anyway"):
                help_ = words("ed_unreadable_help") if len(self._dashboard.engine.node_defs()) else ""
                return {"error": str(error), "help": help_, "could": True}
            own = None
        slug = self._dashboard.editor.take(brought)
        found = [{"label": words.label(one.label), "why": one.why} for one in own.found()] if own else []
        return {"slug": slug, "found": found, "has_form": own is not None}


def _bare(template: Template) -> Template:
    return draft_.applied(template, draft_.CardEdit(template.title))


def _wrong(checked: Checked) -> Told:
    return {"wrong": [vars(one) for one in checked.wrong]}
