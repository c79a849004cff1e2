"""Which sheets somebody may see, whatever is asked of them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from comfyui_bridge.core.experiment import Experiment, SheetNow
from comfyui_bridge.core.run import Run
from comfyui_bridge.engine.experiments import Experiments
from comfyui_bridge.ui.sign_in import is_own, is_theirs


def may_see(request: Any, experiment: Experiment) -> bool:
    """Whether whoever asks may see this sheet: as with its runs, and in the bin only its owner."""
    if not is_theirs(request, experiment.owner):
        return False
    return not experiment.deleted or is_own(request, experiment.owner)


def part_of(experiments: Experiments | None, run: Run, request: Any) -> dict[str, str]:
    """The experiment that a run was made in, its `id` and `name`; empty where there is none to be seen."""
    if experiments is None or not run.experiment:
        return {}
    found = experiments.stored(run.experiment)
    if found is None or not may_see(request, found):
        return {}
    return {"id": found.experiment_id, "name": found.name or found.title}


def seen(experiments: Experiments, request: Request) -> SheetNow | None:
    """The sheet that the address names, if there is one that whoever asks may see."""
    sheet = experiments.sheet(request.path_params["id"])
    return sheet if sheet is not None and may_see(request, sheet.experiment) else None
