"""An experiment's sheet as the script draws it. Plain functions; every text is put in as text there.

What is the same for as long as the experiment is there is told once; what changes is short, for it is asked
for again and again: a cell says nothing that it has not got.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from comfyui_bridge.core.estimate import Estimate
from comfyui_bridge.core.experiment import CellNow, Experiment, ExperimentState, Grid, SheetNow, Verdict
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.outputs import MediaKind
from comfyui_bridge.core.run import RunState
from comfyui_bridge.ui import present, value_words
from comfyui_bridge.ui.experiments_tab import labels
from comfyui_bridge.ui.results_tab import tiles
from comfyui_bridge.ui.words import Words

Told = dict[str, Any]

_ENDED = ("completed", "failed", "cancelled")
_LONGEST_TEXT = 200


def state_of(now: CellNow) -> str:
    """How a cell is: as its run, or `skipped`, or `waiting` for its run to be made, or its run is `gone`."""
    if now.cell.is_skipped:
        return "skipped"
    if now.run is not None:
        return now.run.state.value
    if now.problem:
        return "failed"
    return "gone" if now.gone else "waiting"


def cell(now: CellNow, words: Words) -> Told:
    """A cell in small. Where it stands and what it is called there the axes tell."""
    told: Told = {"index": now.cell.index, "state": state_of(now)}
    said = {
        "verdict": now.verdict.value,
        "reused": now.reused,
        "why": now.problem,
        **(_of_run(now, words) if now.run is not None else {}),
    }
    return {**told, **{key: value for key, value in said.items() if value}}


def _of_run(now: CellNow, words: Words) -> Told:
    run = now.run
    assert run is not None
    picture = next((kept for kept in run.kept if kept.source.kind is MediaKind.IMAGE), None)
    first = picture or (run.kept[0] if run.kept else None)
    return {
        "run": run.run_id,
        "file": first.name if first else "",
        "kind": first.source.kind.value if first else "",
        "count": len(run.kept) if len(run.kept) > 1 else 0,
        "text": "" if first else "\n".join(run.texts)[:_LONGEST_TEXT],
        "why": reason(now, words),
        "share": round(run.progress.overall, 2) if run.state is RunState.IN_PROGRESS else 0,
    }


def reason(now: CellNow, words: Words) -> str:
    """Why a cell shows nothing, where its state does not say it: as a cell that was stopped does."""
    if now.problem or now.run is None or now.run.state is RunState.CANCELLED:
        return now.problem
    return tiles.why(now.run, words)


def head(experiment: Experiment, *, own: bool, is_there: bool) -> Told:
    """What the sheet says above its cells. `is_there`: its template is still in the library."""
    return {
        "id": experiment.experiment_id,
        "name": experiment.name,
        "state": experiment.state.value,
        "problem": experiment.problem,
        "deleted": experiment.deleted,
        "own": own,
        "is_there": is_there,
    }


def once(experiment: Experiment, form: Form | None, words: Words) -> Told:
    """What stays as it is for as long as the experiment is there."""
    grid, plan = experiment.grid, experiment.plan
    varied = grid.varied
    shared = {key: value for key, value in grid.values.items() if key not in varied}
    title = experiment.title or plan.template
    return {
        "title": words.text(title, form.template.phrases) if form else title,
        "at": experiment.created_at,
        "axes": [
            {"title": varies, "labels": labels.of(axis, words)}
            for varies, axis in zip(labels.titles(experiment, form, words), grid.axes, strict=True)
        ],
        "ratio": present.ratio(_sizes(grid, form), form.workflow if form else None),
        "shared": [
            {"key": one.key, "label": one.label, "text": one.text}
            for one in value_words.listed(form, shared, words)
            if one.text.strip()
        ],
        # With the seed that was drawn: a repetition runs only what is changed.
        "plan": {**plan.to_json(), "values": value_words.carried(grid.values)},
        "defaults": [
            {"key": one.key, "label": words.input(one), "seed": one.is_seed}
            for one in (promotable(form, grid) if form else ())
        ],
        "undefaulted": list(_undefaulted(form, grid, words)) if form else [],
    }


def promotable(form: Form, grid: Grid) -> Iterator[ExposedInput]:
    """The inputs that this sheet varies and a template's card can keep a default of."""
    varied = {one.key for key in grid.varied if (one := form.input(key))}  # a table may say it otherwise
    for one in form.inputs:
        # What is put into a graph, as LoRAs are, stands at no node, and a card names nodes.
        if one.node_id and one.key in varied:
            yield one


def _undefaulted(form: Form, grid: Grid, words: Words) -> Iterator[str]:
    """What this sheet varies and no card can keep, as the form calls it; of parts of a stack the stack."""
    kept = {one.key for one in promotable(form, grid)}
    with_options = form.with_choices(grid.values_of(next(grid.cells())))
    for key in sorted(grid.varied):
        one = with_options.input(key)
        is_part = key.partition(".")[0] in grid.stacks and key not in grid.stacks
        if not is_part and (one is None or one.key not in kept):
            yield value_words.label(with_options, key, words)


def counts(sheet: SheetNow) -> Mapping[str, int]:
    """How many cells there are of each state, of each verdict, and in all (`all`) that are not skipped."""
    states = Counter(state_of(now) for now in sheet.cells)
    verdicts = Counter(now.verdict.value for now in sheet.cells if now.verdict is not Verdict.NONE)
    return {**states, **verdicts, "all": len(sheet.cells) - states["skipped"]}


def line(experiment: Experiment, counted: Mapping[str, int], left: Estimate | None, words: Words) -> str:
    """How far it is, in one line."""
    done = sum(counted.get(state, 0) for state in _ENDED)
    place = words("sh_of", done=f"{done:,}", count=f"{counted['all']:,}")
    running = counted.get("in_progress", 0)
    match experiment.state:
        case ExperimentState.DONE:
            return " · ".join([_all_done(counted, words), *_mishaps(counted, words)])
        case ExperimentState.RUNNING:
            said = [
                place,
                *([present.left(left, words)] if left is not None and done < counted["all"] else []),
            ]
        case ExperimentState.PAUSED:
            still = [words.count("sh_finishing", running)] if running else []
            said = [words("sh_paused"), place, *still]
        case ExperimentState.STOPPED:
            said = [words("sh_stopped"), place]
    return " · ".join([*said, *_mishaps(counted, words)])


def _all_done(counted: Mapping[str, int], words: Words) -> str:
    made = counted.get("completed", 0)
    if made == counted["all"]:
        return words("sh_all_done_one") if made == 1 else words("sh_all_done", count=f"{made:,}")
    return words("sh_done_of", done=f"{made:,}", count=f"{counted['all']:,}")


def _mishaps(counted: Mapping[str, int], words: Words) -> Iterator[str]:
    if counted.get("failed"):
        yield words("sh_failed_count", count=f"{counted['failed']:,}")
    if counted.get("cancelled"):
        yield words("sh_cancelled_count", count=f"{counted['cancelled']:,}")


def _sizes(grid: Grid, form: Form | None) -> dict[str, Any]:
    defaults = {one.key: one.default for one in form.inputs} if form else {}
    raw = {key: grid.values.get(key, defaults.get(key)) for key in ("width", "height")}
    return {key: int(value) if str(value).isdecimal() else value for key, value in raw.items()}
