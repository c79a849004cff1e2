"""The list of somebody's experiments: what each is called, how far it is, and some of its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core.experiment import Experiment
from comfyui_bridge.engine.experiments import Experiments
from comfyui_bridge.ui import present
from comfyui_bridge.ui.asked import words_of
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.json_answer import JsonAnswer
from comfyui_bridge.ui.sign_in import owner_of
from comfyui_bridge.ui.words import Words

MOST_LISTED = 200
_THUMBNAILS = 4


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    """None where no experiments are kept."""
    experiments = dashboard.experiments
    if experiments is None:
        return []

    async def listed(request: Request) -> Response:
        told = await anyio.to_thread.run_sync(_listed, dashboard, experiments, request)
        return JsonAnswer({"experiments": told})

    return [Route("/experiments", listed, methods=["GET"])]


def _listed(dashboard: Dashboard, experiments: Experiments, request: Request) -> list[dict[str, Any]]:
    words = words_of(request.query_params)
    found = experiments.listed(owner_of(request), MOST_LISTED)
    counts = experiments.counts([one.experiment_id for one in found])

    def told(one: Experiment) -> dict[str, Any]:
        template = dashboard.library.get(one.plan.template)
        covers = experiments.covers(one.experiment_id, _THUMBNAILS)
        return {
            **_told(one, counts.get(one.experiment_id, {})),
            "title": words.text(one.title, template.phrases) if template else one.title,
            "problem": words.sentence(one.problem),
            "thumbs": list(_thumbnails(dashboard, covers, words)),
        }

    return [told(one) for one in found]


def _told(one: Experiment, counts: Mapping[str, int]) -> dict[str, Any]:
    """What the list says of one experiment in any language."""
    return {
        "id": one.experiment_id,
        "name": one.name,
        "at": one.created_at,
        "state": one.state.value,
        "count": counts.get("cells", 0),
        "done": counts.get("cells", 0) - counts.get("left", 0),
        "failed": counts.get("failed", 0),
    }


def _thumbnails(dashboard: Dashboard, run_ids: Sequence[str], words: Words) -> Iterator[str]:
    for run_id in run_ids:
        snapshot = dashboard.engine.snapshot(run_id)
        thumbnail = present.run_card(snapshot.run, words).thumbnail if snapshot is not None else ""
        if thumbnail:
            yield thumbnail
