"""What the tab Results asks: which runs are found, what they are, and what is to be done with some of them.

All found runs are told by their ids, which is little, and described some at a time as they come into view.
Whoever asks sees and changes what the page's other parts let them: with a sign-in one's own, without one
what this browser made, and on request what everybody made, to be looked at.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core.errors import BridgeError
from comfyui_bridge.core.run import RunState
from comfyui_bridge.store.run_index import Search
from comfyui_bridge.ui.asked import table, words_of
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.experiments_tab import access
from comfyui_bridge.ui.json_answer import JsonAnswer
from comfyui_bridge.ui.results_tab.about import about
from comfyui_bridge.ui.results_tab.tiles import tile, usage_words
from comfyui_bridge.ui.sign_in import is_name, is_own, is_signed_in, owner_of
from comfyui_bridge.ui.words import Words

MOST_FOUND = 50_000
"""So many ids are told, some two megabytes; older runs are found by looking for less."""
AT_ONCE = 60
"""Runs described with the first answer: what a large screen shows."""
MOST_DESCRIBED = 200
_LONGEST_ASKED = 4 << 20
_EVERYONE, _NOBODY, _PERSON = "everyone", "nobody", "person:"


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    asked = _Asked(dashboard)

    async def found(request: Request) -> Response:
        return JsonAnswer(await anyio.to_thread.run_sync(asked.found, request))

    async def tiles(request: Request) -> Response:
        return JsonAnswer(await anyio.to_thread.run_sync(asked.tiles, request))

    async def run(request: Request) -> Response:
        told = await anyio.to_thread.run_sync(asked.run, request)
        return _not_there(request) if told is None else JsonAnswer(told)

    async def change(request: Request) -> Response:
        wanted = _wish(await table(request, _LONGEST_ASKED))
        if wanted is None:
            return JsonAnswer({"error": "This is nothing that can be done with runs."}, 400)
        return JsonAnswer(await anyio.to_thread.run_sync(asked.change, request, *wanted))

    return [
        Route("/results", found, methods=["GET"]),
        Route("/results", change, methods=["POST"]),
        Route("/results/tiles", tiles, methods=["GET"]),
        Route("/results/{run_id}", run, methods=["GET"]),
    ]


class _Asked:
    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._results = dashboard.results

    def found(self, request: Request) -> dict[str, Any]:
        """The runs that are looked for, and what there is to filter by."""
        search, words = searched(request), words_of(request.query_params)
        ids = self._results.ids(search, MOST_FOUND)
        facets = self._results.facets(search.owner)
        return {
            "ids": ids,
            "count": len(ids) if len(ids) < MOST_FOUND else self._results.count(search),
            "tiles": self._tiles(request, ids[:AT_ONCE]),
            "templates": [
                (slug, self._titled(slug, title, words)) for slug, title in facets.templates.items()
            ],
            "models": facets.models,
            "whose": self._whose(request, words),
            "usage": usage_words(self._results.usage(), words),
        }

    def _whose(self, request: Request, words: Words) -> list[tuple[str, str]]:
        """Whose runs one may look for besides one's own: a word of the address, and what it is called.

        Runs of browsers that nobody signed in with are in everyone's: their ids tell nothing.
        """
        owners = self._results.owners()
        nobody = [(_NOBODY, words("res_programs"))] if "" in owners else []
        if is_signed_in(request):
            return nobody
        named = [(f"{_PERSON}{owner}", owner) for owner in owners if is_name(owner)]
        return [(_EVERYONE, words("res_everyone")), *nobody, *named]

    def tiles(self, request: Request) -> dict[str, Any]:
        """Some runs in small, by their ids."""
        wanted = request.query_params.get("ids", "").split()[:MOST_DESCRIBED]
        return {"tiles": self._tiles(request, wanted)}

    def run(self, request: Request) -> dict[str, Any] | None:
        """One run in full; None where there is none that this person may see."""
        run_id = request.path_params["run_id"]
        run, engine = self._dashboard.run_seen(run_id, request), self._dashboard.engine
        if run is None:
            return None
        template = self._dashboard.library.get(run.template)
        told = about(
            run,
            time.time(),
            engine.servers(),
            words_of(request.query_params),
            form=self._dashboard.form_of(template),
            template=template,
            person=run.owner if is_name(run.owner) else "",
        )
        starred = bool(self._results.starred([run_id]))
        part_of = access.part_of(self._dashboard, run, request)
        return {
            **told,
            "starred": starred,
            "own": is_own(request, run.owner),
            "shared": self._dashboard.seeing.shared_run(run, request),
            "experiment": part_of,
        }

    def change(self, request: Request, what: str, run_ids: Sequence[str]) -> dict[str, Any]:
        """Do this with one's own of these runs; how many there were."""
        # Runs of programs belong to nobody, and so to everyone.
        owners = {owner_of(request), ""}
        match what:
            case "star" | "unstar":
                count = sum(self._results.star(run_ids, what == "star", owner) for owner in owners)
            case "delete":
                count = sum(self._results.delete(run_ids, owner) for owner in owners)
            case "restore":
                count = sum(self._results.restore(run_ids, owner) for owner in owners)
            case _:
                return self._again(request, run_ids)
        return {"changed": count}

    def _again(self, request: Request, run_ids: Sequence[str]) -> dict[str, Any]:
        """Ask for these runs again, in the order in which they were asked for first."""
        count = 0
        for run_id in reversed(run_ids):
            run = self._dashboard.run_seen(run_id, request)
            if run is None:
                continue
            try:
                self._dashboard.engine.again(run, owner_of(request))
            except BridgeError as error:
                return {"changed": count, "problem": str(error)}
            count += 1
        return {"changed": count}

    def _tiles(self, request: Request, run_ids: Sequence[str]) -> list[dict[str, Any]]:
        words, starred = words_of(request.query_params), self._results.starred(run_ids)
        runs = self._dashboard.seeing.runs(self._results.some(run_ids), request)
        templates = {slug: self._dashboard.library.get(slug) for slug in {run.template for run in runs}}
        return [
            asdict(
                tile(
                    run,
                    templates[run.template],
                    words,
                    starred=run.run_id in starred,
                    own=is_own(request, run.owner),
                )
            )
            for run in runs
        ]

    def _titled(self, slug: str, title: str, words: Words) -> str:
        template = self._dashboard.library.get(slug)
        return words.text(title, template.phrases) if template else title


def _not_there(request: Request) -> Response:
    words = words_of(request.query_params)
    return JsonAnswer({"error": words("unshared" if is_signed_in(request) else "unknown_run")}, 404)


def searched(request: Request) -> Search:
    """What a page looks for; what makes no sense is as if it were not said."""
    asked = request.query_params
    state = asked.get("state", "")
    return Search(
        words=asked.get("q", "")[:1000],
        owner=_owner(asked.get("who", ""), request),
        template=asked.get("template") or None,
        state=RunState(state) if state in [one.value for one in RunState] else None,
        model=asked.get("model") or None,
        starred=True if asked.get("starred") == "1" else None,
        since=_moment(asked.get("since", "")),
        until=_moment(asked.get("until", "")),
    )


def _owner(who: str, request: Request) -> str | None:
    """Whose runs are looked for; with a sign-in nobody looks for another's."""
    if who == _NOBODY:
        return ""
    if is_signed_in(request) or not (who == _EVERYONE or who.startswith(_PERSON)):
        return owner_of(request)
    return None if who == _EVERYONE else who.removeprefix(_PERSON)


def _moment(text: str) -> float | None:
    try:
        moment = float(text)
    except ValueError:
        return None
    return moment if math.isfinite(moment) else None


def _wish(told: Mapping[str, Any] | None) -> tuple[str, list[str]] | None:
    """What is to be done, and with which runs; None for what is no such question."""
    if told is None or told.get("do") not in _WISHES:
        return None
    run_ids = told.get("runs")
    if not isinstance(run_ids, list) or not all(isinstance(one, str) for one in run_ids):
        return None
    return str(told["do"]), list(dict.fromkeys(run_ids))


_WISHES = ("star", "unstar", "delete", "restore", "again")
