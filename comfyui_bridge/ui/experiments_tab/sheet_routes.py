"""An experiment's sheet over HTTP: what it is, what changed in it, and what is to be done with it.

Whoever may see it looks on; only its owner changes it, and says whether others see it. Of its cells only
those are told that changed since the version that a page has, so that a sheet of thousands is followed with
a few bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core import card, values
from comfyui_bridge.core.errors import BridgeError, StoreError
from comfyui_bridge.core.experiment import CellNow, Experiment, ExperimentState, SheetNow, Verdict
from comfyui_bridge.engine.experiments import Experiments
from comfyui_bridge.ui.asked import table, words_of
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.experiments_tab import access, showing
from comfyui_bridge.ui.json_answer import JsonAnswer
from comfyui_bridge.ui.sign_in import is_name, is_own
from comfyui_bridge.ui.words import Words

_LONGEST_ASKED = 1 << 20
_LONGEST_NAME = 200

Told = dict[str, Any]


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    """None where there are no experiments."""
    if dashboard.experiments is None:
        return []
    sheets = _Sheets(dashboard, dashboard.experiments)

    async def look(request: Request) -> Response:
        told = await anyio.to_thread.run_sync(sheets.look, request)
        return _unknown(request, words_of(request.query_params)) if told is None else JsonAnswer(told)

    async def act(request: Request) -> Response:
        asked = await table(request, _LONGEST_ASKED)
        if asked is None:
            return JsonAnswer({"error": "This is nothing that can be done with a sheet."}, 400)
        return await anyio.to_thread.run_sync(sheets.act, request, asked)

    return [
        Route("/experiments/{id}", look, methods=["GET"]),
        Route("/experiments/{id}", act, methods=["POST"]),
    ]


class _Sheets:
    def __init__(self, dashboard: Dashboard, experiments: Experiments) -> None:
        self._dashboard = dashboard
        self._experiments = experiments

    def look(self, request: Request) -> Told | None:
        """The sheet, or what changed in it since the version that is named; None where there is none."""
        sheet = access.seen(self._dashboard, request)
        if sheet is None:
            return None
        words, experiment = words_of(request.query_params), sheet.experiment
        since = _version(request.query_params.get("since", ""))
        is_whole = not 0 < since <= sheet.version
        fresh = sheet.cells if is_whole else [now for now in sheet.cells if now.version > since]
        template = self._dashboard.library.get(experiment.plan.template)
        own = is_own(request, experiment.owner)
        counted = showing.counts(sheet)
        is_running = experiment.state is ExperimentState.RUNNING
        left = self._experiments.left(experiment.experiment_id) if is_running else None
        told = {
            **showing.head(experiment, own=own, is_there=template is not None),
            "problem": words.sentence(experiment.problem),
            "shared": self._dashboard.seeing.shared_experiment(experiment, request),
            "version": sheet.version,
            "counts": counted,
            "line": " · ".join(
                (showing.line(experiment, counted, left, words), *_maker(experiment, own, words))
            ),
            "cells": [showing.cell(now, words) for now in access.shown(self._dashboard, fresh, request)],
        }
        if not is_whole:
            return told
        form = self._dashboard.form_of(template)
        return {**told, "whole": showing.once(experiment, form, words)}

    def act(self, request: Request, asked: Mapping[str, Any]) -> Response:
        """Do what is asked; a sentence where that cannot be."""
        words, sheet = words_of(asked), access.seen(self._dashboard, request)
        if sheet is None:
            return _unknown(request, words)
        if not is_own(request, sheet.experiment.owner):
            return JsonAnswer({"error": words("sh_not_yours")}, 403)
        if asked.get("action") in _SHARING:
            return self._share(request, sheet.experiment, asked["action"] == "share", words)
        try:
            is_known = self._done(sheet, asked, words)
        except BridgeError as error:
            return JsonAnswer({"error": str(error)}, 409)
        if not is_known:
            return JsonAnswer({"error": "This is nothing that can be done with a sheet."}, 400)
        return JsonAnswer({"ok": True})

    def _share(self, request: Request, one: Experiment, on: bool, words: Words) -> Response:
        """Show a sheet to whoever has its link, or to its owner only."""
        sharing = self._dashboard.sharing
        if sharing is None or not self._dashboard.seeing.may_share(one.owner, request):
            return JsonAnswer({"error": words("shared_not_yours")}, 403)
        try:
            sharing.share_experiment(one.experiment_id, one.owner, on)
        except StoreError as error:
            return JsonAnswer({"error": words.sentence(str(error))}, 503)
        return JsonAnswer({"shared": on})

    def _done(self, sheet: SheetNow, asked: Mapping[str, Any], words: Words) -> bool:
        experiments, own_id = self._experiments, sheet.experiment.experiment_id
        cells = _cells(sheet, asked)
        match asked.get("action"):
            case "pause":
                experiments.pause(own_id)
            case "resume":
                experiments.resume(own_id)
            case "stop":
                experiments.stop(own_id)
            case "again" if cells:
                experiments.again(own_id, cells)
            case "judge" if cells and asked.get("verdict") in _VERDICTS:
                experiments.judge(own_id, cells, Verdict(asked["verdict"]))
            case "rename" if isinstance(asked.get("name"), str):
                experiments.rename(own_id, " ".join(asked["name"].split())[:_LONGEST_NAME])
            case "delete":
                experiments.delete(own_id)
            case "restore":
                experiments.restore(own_id)
            case "default" if len(cells) == 1 and isinstance(asked.get("keys"), list):
                self._keep_defaults(sheet, sheet.cells[cells[0]], asked["keys"], words)
            case _:
                return False
        return True

    def _keep_defaults(self, sheet: SheetNow, now: CellNow, keys: Sequence[Any], words: Words) -> None:
        """What a cell was made with becomes the default for everyone who uses the template."""
        experiment, editor = sheet.experiment, self._dashboard.editor
        template = self._dashboard.library.get(experiment.plan.template)
        form = self._dashboard.form_of(template)
        made = self._dashboard.engine.snapshot(now.run.run_id) if now.run is not None else None
        if form is None or made is None:
            raise StoreError(words("sh_no_template"))
        made_with = values.from_json(made.run.values)
        given = [
            (one, made_with[one.key])
            for one in showing.promotable(form, experiment.grid)
            if one.key in keys and one.key in made_with
        ]
        if given:
            slug = form.template.slug
            editor.save_card(slug, card.with_defaults(form, given), editor.card_version(slug))


def _version(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _maker(experiment: Experiment, own: bool, words: Words) -> tuple[str, ...]:
    """Whose sheet this is, where that is not oneself and has a name."""
    return (words("made_by", name=experiment.owner),) if not own and is_name(experiment.owner) else ()


_SHARING = ("share", "unshare")
_VERDICTS = tuple(one.value for one in Verdict)


def _cells(sheet: SheetNow, asked: Mapping[str, Any]) -> tuple[int, ...]:
    """The cells that are meant, of those there are."""
    wanted = asked.get("cells")
    if not isinstance(wanted, list):
        return ()
    there = range(len(sheet.cells))
    return tuple(dict.fromkeys(one for one in wanted if type(one) is int and one in there))


def _unknown(request: Request, words: Words) -> Response:
    return JsonAnswer({"error": access.unknown(request, words)}, 404)
