"""What axes and their steps are called on a page: what the core calls by itself in the page's language.

A label also says which cells are left out, so the core's own stays beside what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from comfyui_bridge.core.experiment import AxisKind, AxisPlan, Cell, Experiment, Grid
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.sweep import Axis, Variation
from comfyui_bridge.ui.experiments_tab import varying
from comfyui_bridge.ui.experiments_tab.varying import Variable
from comfyui_bridge.ui.words import Words

_SAID = {"on": "said_on", "off": "said_off", "none": "said_none"}
_NAMED_BY_INPUT = (AxisKind.VALUES, AxisKind.CHOICES, AxisKind.TEXTS, AxisKind.SEEDS)


def of(axis: Axis, words: Words) -> tuple[str, ...]:
    """The labels of an axis, in order."""
    return tuple(said(one, words) for one in axis.variations)


def said(one: Variation, words: Words) -> str:
    """What a step is called; a name that somebody gave stays as it is, be it “none”."""
    key = _SAID.get(one.label)
    is_ours = len(one.values) == 1 and not any(
        isinstance(value, str) and value for value in one.values.values()
    )
    return words(key) if key and is_ours else one.label


def of_cell(grid: Grid, cell: Cell, words: Words) -> tuple[str, ...]:
    """What a cell is called on each axis."""
    return tuple(said(axis.variations[at], words) for axis, at in zip(grid.axes, cell.at, strict=True))


def titles(experiment: Experiment, form: Form | None, words: Words) -> tuple[str, ...]:
    """What the axes of a sheet are called, as its plan calls them where its form is still there."""
    grid = experiment.grid
    found = {one.key: one for one in varying.variables(form, grid.values, words)} if form else {}
    asked = dict(enumerate(experiment.plan.axes))
    return tuple(_title(asked.get(at), axis, found, words) for at, axis in enumerate(grid.axes))


def _title(asked: AxisPlan | None, axis: Axis, found: Mapping[str, Variable], words: Words) -> str:
    if asked is not None and asked.kind is AxisKind.PRESETS:
        return words("presets")
    one = found.get(asked.key) if asked is not None and asked.kind in _NAMED_BY_INPUT else None
    return one.label if one is not None else words.label(axis.title)
