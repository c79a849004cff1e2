"""Presets of the form, by addresses of ours: the list for a template, and what is changed in it.

The menu in the head of the form is drawn by the script. A preset is put into the form as a run's values
are (see acting.py), so what no longer fits is said in the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core import remix, values
from comfyui_bridge.core.errors import BridgeError, StoreError
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.node_defs import StringSpec
from comfyui_bridge.store.presets import Preset, PresetStore
from comfyui_bridge.ui import form as form_
from comfyui_bridge.ui.asked import table, words_of
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.json_answer import JsonAnswer
from comfyui_bridge.ui.sign_in import is_own, owner_of
from comfyui_bridge.ui.words import Words

_MOST_ASKED = 2 << 20
_LONGEST = 60

Told = dict[str, Any]


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    """None where no presets are kept."""
    if dashboard.presets is None:
        return []
    answers = _Answers(dashboard, dashboard.presets)

    async def ask(request: Request) -> Response:
        asked = await table(request, _MOST_ASKED)
        if asked is None:
            return JsonAnswer({"error": "This is no question."}, 400)
        told = await anyio.to_thread.run_sync(answers.answer, asked, request)
        return JsonAnswer(told)

    return [Route("/presets", ask, methods=["POST"])]


class _Answers:
    """Every answer is the list as it is then, for the script to draw."""

    def __init__(self, dashboard: Dashboard, store: PresetStore) -> None:
        self._dashboard = dashboard
        self._store = store
        self._questions: Mapping[str, Callable[[Mapping[str, Any], Request], None]] = {
            "list": lambda asked, request: None,
            "keep": self._keep,
            "rename": self._rename,
            "share": self._share,
            "delete": self._delete,
            "restore": self._restore,
        }

    def answer(self, asked: Mapping[str, Any], request: Request) -> Told:
        question = self._questions.get(str(asked.get("ask")))
        if question is None:
            return {"error": "There is no such question."}
        try:
            question(asked, request)
        except BridgeError as error:
            return {"error": str(error)}
        except RecursionError:
            return {"error": "No form holds values so deep in each other."}
        return {"presets": self._list(asked, request)}

    def _list(self, asked: Mapping[str, Any], request: Request) -> list[Told]:
        template, words = str(asked.get("template", "")), words_of(asked)
        form = self._form(template)
        found = self._store.of(template, owner_of(request))
        return [_told(one, form, words, own=is_own(request, one.owner)) for one in found]

    def _keep(self, asked: Mapping[str, Any], request: Request) -> None:
        """The values of a run, or those that a form holds."""
        if asked.get("run"):
            template, given = self._of_run(str(asked["run"]), request, words_of(asked))
        else:
            template, given = str(asked.get("template", "")), self._of_form(asked)
        shared = asked.get("shared") is True
        self._store.keep(template, str(asked.get("name", "")), given, owner_of(request), shared=shared)

    def _of_run(self, run_id: str, request: Request, words: Words) -> tuple[str, Mapping[str, Any]]:
        """A run's values but for its seeds, which would make one picture of all that a preset is used for."""
        run = self._dashboard.run_seen(run_id, request)
        if run is None:
            raise StoreError(words("unknown_run"))
        form, stored = self._form(run.template), values.from_json(run.values)
        return run.template, values.to_json(remix.without_seeds(form, stored) if form else stored)

    def _of_form(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        form, held = self._form(str(asked.get("template", ""))), asked.get("values")
        if form is None or not isinstance(held, Mapping):
            raise StoreError("There is no such form to make a preset of.")
        return values.to_json(form_.raw_values(form, {str(key): value for key, value in held.items()}))

    def _rename(self, asked: Mapping[str, Any], request: Request) -> None:
        self._store.change(_id(asked), owner_of(request), name=str(asked.get("name", "")))

    def _share(self, asked: Mapping[str, Any], request: Request) -> None:
        self._store.change(_id(asked), owner_of(request), shared=asked.get("shared") is True)

    def _delete(self, asked: Mapping[str, Any], request: Request) -> None:
        self._store.delete(_id(asked), owner_of(request))

    def _restore(self, asked: Mapping[str, Any], request: Request) -> None:
        self._store.restore(_id(asked), owner_of(request))

    def _form(self, slug: str) -> Form | None:
        return self._dashboard.form_of(self._dashboard.library.get(slug))


def _told(preset: Preset, form: Form | None, words: Words, *, own: bool) -> Told:
    """A line of the menu: what it is called and says, and what of it does not fit any more."""
    stored = values.from_json(preset.values)
    fits, left_out = remix.fitting(form, stored) if form else (stored, {})
    return {
        "id": preset.preset_id,
        "name": preset.name,
        "shared": preset.shared,
        "own": own,
        "says": _short(_first_text(form, fits)),
        "unfit": words.count("preset_unfit", len(left_out)) if left_out else "",
    }


def _first_text(form: Form | None, given: Mapping[str, Any]) -> str:
    """What tells one preset from another at a glance: as a rule the prompt."""
    texts = (one.key for one in (form.inputs if form else ()) if isinstance(one.spec, StringSpec))
    return next((str(given[key]) for key in texts if str(given.get(key) or "").strip()), "")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _id(asked: Mapping[str, Any]) -> str:
    return str(asked.get("id", ""))
