"""A recipe as a card: what a link says, its picture where it may be seen, and what this server lacks for it.

To look at it runs nothing. Beside it stands the workflow of a run as it was sent, which reproduces the run
whatever became of its template. Both answer to whoever may see the run, as its files do; its owner says here
whether those are others too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core import recipes
from comfyui_bridge.core.errors import InvalidValues, StoreError
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.model_files import model_files
from comfyui_bridge.core.outputs import MediaKind
from comfyui_bridge.core.recipes import Recipe
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui import present, readiness_panel, value_words
from comfyui_bridge.ui.asked import table
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.json_answer import JsonAnswer, encoded
from comfyui_bridge.ui.sign_in import is_signed_in
from comfyui_bridge.ui.words import Words, choose

_HEADERS = {"Cache-Control": "no-store"}
_LONGEST_ASKED = 1 << 12


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    return [
        Route("/runs/{run_id}.json", partial(_in_thread, partial(_workflow, dashboard)), methods=["GET"]),
        Route("/runs/{run_id}/recipe", partial(_in_thread, partial(_link, dashboard)), methods=["GET"]),
        Route("/runs/{run_id}/share", partial(_share, dashboard), methods=["POST"]),
        Route("/recipe", partial(_in_thread, partial(_card, dashboard)), methods=["GET"]),
    ]


def words_of(request: Request) -> Words:
    """The words of the page that asks."""
    return Words(choose(request.query_params.get("__lang", ""), request.headers.get("accept-language", "")))


def line(run: Run, words: Words) -> dict[str, Any]:
    """What became of a run, when it was asked for, and how long it took: the script knows the clock."""
    took = words.time(run.seconds) if run.seconds is not None else ""
    return {"state": words(f"state_{run.state.value}"), "at": run.created_at, "took": took}


async def _in_thread(answer: Callable[[Request], Response], request: Request) -> Response:
    return await anyio.to_thread.run_sync(answer, request)


def _not_there(request: Request) -> Response:
    sentence = words_of(request)("unshared") if is_signed_in(request) else "There is no such run here."
    return PlainTextResponse(f"{sentence}\n", 404, headers=_HEADERS)


def _workflow(dashboard: Dashboard, request: Request) -> Response:
    """The workflow of a run as it was sent, in API format, as a file."""
    run = dashboard.run_seen(request.path_params["run_id"], request)
    if run is None:
        return _not_there(request)
    document = encoded(run.workflow.to_api(), indent=2)
    name = f'attachment; filename="{run.run_id}.json"'
    return Response(
        document, media_type="application/json", headers={**_HEADERS, "Content-Disposition": name}
    )


def _link(dashboard: Dashboard, request: Request) -> Response:
    """The recipe link of a run, and a sentence where it does not carry everything."""
    run = dashboard.run_seen(request.path_params["run_id"], request)
    if run is None:
        return _not_there(request)
    recipe, words = recipes.of_run(run), words_of(request)
    note = words("recipe_left", names=_kept_names(dashboard, recipe, words)) if recipe.kept else ""
    return JsonAnswer({"link": recipes.query(recipe), "note": note})


async def _share(dashboard: Dashboard, request: Request) -> Response:
    """Show a run to whoever has its link, or to its owner only."""
    asked = await table(request, _LONGEST_ASKED)
    if asked is None or not isinstance(asked.get("shared"), bool):
        return JsonAnswer({"error": "Say whether it is to be shared."}, 400)
    return await anyio.to_thread.run_sync(_shared, dashboard, request, asked["shared"])


def _shared(dashboard: Dashboard, request: Request, on: bool) -> Response:
    run, words, seeing = (
        dashboard.run_seen(request.path_params["run_id"], request),
        words_of(request),
        dashboard.seeing,
    )
    if run is None:
        sentence = words("unshared") if is_signed_in(request) else words("unknown_run")
        return JsonAnswer({"error": sentence}, 404)
    if dashboard.sharing is None or not seeing.may_share(run.owner, request):
        return JsonAnswer({"error": words("shared_not_yours")}, 403)
    try:
        dashboard.sharing.share_run(run.run_id, run.owner, on)
    except StoreError as error:
        return JsonAnswer({"error": words.sentence(str(error))}, 503)
    return JsonAnswer({"shared": seeing.shared_run(run, request)})


def _card(dashboard: Dashboard, request: Request) -> Response:
    """What a recipe link says, for the page to draw."""
    recipe = recipes.parse(request.query_params.multi_items())
    run = dashboard.run_seen(recipe.run_id, request)
    told = card(dashboard, recipe, run, words_of(request), signed_in=is_signed_in(request))
    return JsonAnswer(told)


def card(
    dashboard: Dashboard, recipe: Recipe, run: Run | None, words: Words, *, signed_in: bool = False
) -> dict[str, Any]:
    """What the script draws of a recipe; `run` is the one it came from, where it may be seen."""
    template = dashboard.library.get(recipe.template)
    form = dashboard.form_of(template)
    given = recipes.values_of(recipe, form, run)
    title = words.text(template.title, template.phrases) if template else run.title if run else ""
    picture = _picture(run) if run is not None and recipes.is_of_run(recipe, run) else None
    return {
        "title": title or recipe.template or words("recipe_unknown"),
        "picture": picture,
        "line": line(run, words) if run is not None else None,
        "values": [
            {"label": one.label, "text": one.text, "folded": bool(one.group)}
            for one in value_words.listed(form, given, words)
        ],
        "models": list(_models(run, form, given)),
        "readiness": _readiness(dashboard, template, form, given, words),
        "notes": list(_notes(dashboard, recipe, run, template, form, words, signed_in)),
        "run": run.run_id if run is not None else "",
        "workflow": f"runs/{quote(run.run_id)}.json" if run is not None else "",
        "fill": {"template": template.slug, "values": value_words.carried(given)} if template else None,
    }


def _picture(run: Run) -> dict[str, str] | None:
    kept = next((one for one in run.kept if one.source.kind is MediaKind.IMAGE), None)
    if kept is None:
        return None
    url = present.file_view(run.run_id, kept).url
    return {"url": url, "small": f"{url}?size=1024", "name": kept.name}


def _models(run: Run | None, form: Form | None, given: Mapping[str, Any]) -> tuple[str, ...]:
    if run is not None:
        return model_files(run.workflow)
    try:
        return model_files(form.patched(form.check(given))) if form is not None else ()
    except InvalidValues:
        return ()


def _readiness(
    dashboard: Dashboard, template: Template | None, form: Form | None, given: Mapping[str, Any], words: Words
) -> dict[str, Any] | None:
    if template is None:
        return None
    inputs = {one.key for one in form.with_choices(given).inputs} if form is not None else set()
    raw = {key: value for key, value in given.items() if key in inputs}
    return readiness_panel.line(dashboard.engine.readiness(template, raw), form, words)


def _notes(
    dashboard: Dashboard,
    recipe: Recipe,
    run: Run | None,
    template: Template | None,
    form: Form | None,
    words: Words,
    signed_in: bool,
) -> list[str]:
    """What whoever opens the link should know."""
    notes, is_whole = [], recipes.is_whole(recipe, run)
    is_altered = run is not None and not recipes.is_of_run(recipe, run)
    if recipe.run_id and run is None:
        notes.append(words("recipe_not_shared" if signed_in else "recipe_no_run"))
    if not is_whole:
        notes.append(words("recipe_missing", names=_kept_names(dashboard, recipe, words)))
    if is_altered:
        notes.append(words("recipe_altered"))
    if template is None:
        notes.append(words("recipe_no_template", slug=recipe.template))
    elif form is None:
        notes.append(words("recipe_no_form"))
    elif recipe.version and is_whole and not is_altered:
        now = recipes.version_now(form, recipes.values_of(recipe, form, run))
        if now != recipe.version:
            notes.append(words("recipe_changed", then=recipe.version[:7], now=now[:7] or "–"))
            notes += [words("recipe_changed_workflow")] if run is not None else []
    return notes


def _kept_names(dashboard: Dashboard, recipe: Recipe, words: Words) -> str:
    form = dashboard.form_of(dashboard.library.get(recipe.template))
    if "*" in recipe.kept:
        return words("recipe_all_values")
    return ", ".join(value_words.label(form, key, words) for key in recipe.kept)
