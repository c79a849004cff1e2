"""The sheets that somebody may see, whatever is asked of them; `seeing` decides which those are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request

from comfyui_bridge.core.experiment import CellNow, SheetNow
from comfyui_bridge.core.run import Run
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.sign_in import is_signed_in
from comfyui_bridge.ui.words import Words


def part_of(dashboard: Dashboard, run: Run, request: Any) -> dict[str, str]:
    """The experiment that a run was made in, its `id` and `name`; empty where there is none to be seen."""
    if dashboard.experiments is None or not run.experiment:
        return {}
    found = dashboard.experiments.stored(run.experiment)
    if found is None or not dashboard.seeing.experiment(found, request):
        return {}
    return {"id": found.experiment_id, "name": found.name or found.title}


def shown(dashboard: Dashboard, cells: Sequence[CellNow], request: Request) -> list[CellNow]:
    """These cells, without what came of those whose runs whoever asks may not see: they were thrown away."""
    runs = dashboard.seeing.runs([now.run for now in cells if now.run is not None], request)
    seen = {run.run_id for run in runs}
    return [
        now if now.run is None or now.run.run_id in seen else replace(now, run=None, gone=True)
        for now in cells
    ]


def unknown(request: Request, words: Words, otherwise: str = "sh_unknown") -> str:
    """What is said where there is no sheet to be seen; `otherwise`: the word for it without a sign-in."""
    return words("sh_unshared" if is_signed_in(request) else otherwise)


def seen(dashboard: Dashboard, request: Request) -> SheetNow | None:
    """The sheet that the address names, if there is one that whoever asks may see."""
    if dashboard.experiments is None:
        return None
    sheet = dashboard.experiments.sheet(request.path_params["id"])
    return sheet if sheet is not None and dashboard.seeing.experiment(sheet.experiment, request) else None
