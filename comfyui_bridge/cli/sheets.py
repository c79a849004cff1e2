"""`batch --sheet`: what a batch came to, laid out by its axes and written as one picture or page."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from comfyui_bridge.cli import report
from comfyui_bridge.client import Result
from comfyui_bridge.core import experiment, sheet
from comfyui_bridge.core import values as values_
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.experiment import MOST_AXES, Cell, Grid
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.outputs import MediaKind
from comfyui_bridge.core.sheet import Heading, Sheet, SheetCell
from comfyui_bridge.core.sweep import Axis
from comfyui_bridge.store import sheets


def check(path: Path, axes: Sequence[Axis]) -> None:
    """Raises InvalidValues where no sheet can be written, before anything runs."""
    sheets.check_suffix(path)
    if len(axes) > MOST_AXES:
        raise InvalidValues(
            {"sheet": f"A sheet shows {MOST_AXES} axes at most, and there are {len(axes)}. Leave out one."}
        )


def with_one_seed(grid: Grid, form: Form) -> Grid:
    """The grid with its random seeds drawn once for all cells, which could not be compared otherwise."""
    values = experiment.with_seeds(grid.values, form, random.randint)
    varied = {key for axis in grid.axes for key in axis.keys}
    for one in form.with_choices(values).inputs:
        if values.get(one.key) != grid.values.get(one.key) and one.key not in varied:
            print(
                f"One {one.key} for the whole sheet: {values[one.key]}. Another axis may vary it.",
                file=sys.stderr,
            )
    return replace(grid, values=values)


_EMPTY: tuple[Any, ...] = ("", None, [], {})
"""An input that no cell gives anything to is not said."""


class Collected:
    """What each cell of a grid came to."""

    def __init__(self, title: str, form: Form, grid: Grid) -> None:
        self._title = title
        self._form = form
        self._grid = grid
        self._cells: dict[int, SheetCell] = {}
        self._values: dict[int, Mapping[str, Any]] = {}

    def add(self, cell: Cell, result: Result, values: Mapping[str, Any], paths: Sequence[Path]) -> None:
        """One run has ended, and this is where its files are."""
        kinds = [file.kind for file in result.files][: len(paths)]
        pictures = [path for path, kind in zip(paths, kinds, strict=False) if kind is MediaKind.IMAGE]
        seeds = (values.get(one.key) for one in self._form.inputs if one.role == "seed")
        self._values[cell.index] = values
        self._cells[cell.index] = SheetCell(
            at=cell.at,
            labels=cell.labels,
            state=result.state.value,
            reason=report.failure_line(result),
            pictures=tuple(map(str, pictures)),
            run_id=result.run_id,
            seed=next((seed for seed in seeds if isinstance(seed, int)), None),
            seconds=result.seconds,
            others=tuple(path.name for path in paths if path not in pictures),
            texts=result.texts,
        )

    def write(self, path: Path) -> None:
        """Raises StoreError where that cannot be."""
        sheets.write(self._sheet(), path)

    def _sheet(self) -> Sheet:
        shared, own = sheet.split([*self._values.values()])
        of_cell = dict(zip(self._values, own, strict=True))
        cells = []
        for cell in self._grid.cells():
            known = self._cells.get(cell.index) or SheetCell(
                cell.at, cell.labels, state=sheet.SKIPPED if cell.is_skipped else sheet.WAITING
            )
            cells.append(replace(known, values=of_cell.get(cell.index, {})))
        inputs = self._form.inputs
        return Sheet(
            title=self._title,
            axes=tuple(Heading(self._heading(axis), axis.labels) for axis in self._grid.axes),
            cells=tuple(cells),
            shared={key: value for key, value in values_.to_json(shared).items() if value not in _EMPTY},
            names={one.key: one.label for one in inputs},
        )

    def _heading(self, axis: Axis) -> str:
        found = self._form.input(axis.title)
        return found.label if found is not None else axis.title
