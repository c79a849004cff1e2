"""Two runs side by side, as the page's script draws them: their files, and only the values that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core.differences import ABSENT, Difference, applied, differences
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui import present, value_words
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.json_answer import JsonAnswer
from comfyui_bridge.ui.recipe import line, words_of
from comfyui_bridge.ui.sign_in import is_signed_in
from comfyui_bridge.ui.words import Words


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    return [Route("/compare", partial(_compared, dashboard), methods=["GET"])]


async def _compared(dashboard: Dashboard, request: Request) -> Response:
    return await anyio.to_thread.run_sync(_answer, dashboard, request)


def _answer(dashboard: Dashboard, request: Request) -> Response:
    """Runs by their ids, commas between: what differs between two, and a third that is to differ alike."""
    asked = request.query_params.get("runs", "").split(",")[:3]
    runs = [dashboard.run_seen(run_id, request) for run_id in asked]
    seen = [run for run in runs if run is not None]
    if len(seen) < len(asked):
        why = "compare_not_shared" if is_signed_in(request) else "compare_gone"
        return JsonAnswer({"problem": words_of(request)(why)})
    return JsonAnswer(compared(dashboard, seen, words_of(request)))


def compared(dashboard: Dashboard, runs: list[Run], words: Words) -> dict[str, Any]:
    """What the script draws of these runs; `differences` where there are two."""
    templates = [dashboard.library.get(run.template) for run in runs]
    sides = [_side(run, template, words) for run, template in zip(runs, templates, strict=True)]
    if len(runs) < 2:
        return {"sides": sides, "differences": [], "note": "", "changes": {}}
    first, second = runs[:2]
    found = differences(first, second)
    forms = [dashboard.form_of(template) for template in templates]
    return {
        "sides": sides,
        "differences": [_difference(one, first, second, forms, words) for one in found],
        "note": "" if first.template == second.template else words("compare_templates"),
        "changes": value_words.carried(applied([one for one in found if one.second is not ABSENT], {})),
        "fill": _differing_alike(found, *runs[2:]),
    }


def _differing_alike(found: Sequence[Difference], third: Run | None = None) -> dict[str, Any] | None:
    """What the form of a third run takes to differ from it as the second does from the first."""
    if third is None:
        return None
    return {"template": third.template, "values": value_words.carried(applied(found, third.values))}


def _side(run: Run, template: Template | None, words: Words) -> dict[str, Any]:
    return {
        "run": run.run_id,
        "title": present.run_title(run, template, words),
        "template": run.template,
        "line": line(run, words),
        "files": [asdict(present.file_view(run.run_id, kept)) for kept in run.kept],
        "texts": list(run.texts),
    }


def _difference(
    one: Difference, first: Run, second: Run, forms: list[Form | None], words: Words
) -> dict[str, Any]:
    form = next((form for form in forms if form is not None and form.input(one.key)), forms[0])
    return {
        "label": value_words.label(form, one.key, words, None if one.is_value else second.workflow),
        "first": "" if one.first is ABSENT else value_words.said(one.first, words),
        "second": "" if one.second is ABSENT else value_words.said(one.second, words),
        "pieces": [[piece.text, piece.side.value] for piece in one.pieces],
        "is_value": one.is_value,
    }
