"""An experiment: what is to vary over a form's values, and the sheet of cells that comes of it.

A `Plan` is what a person wrote, and can be changed and laid out again. Laid out it becomes a `Grid`: axes
with their variations, and a cell for each combination. Lists, presets and files are read then, once, so a
grid stays what it was whatever becomes of them.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from comfyui_bridge.core import axes as axes_
from comfyui_bridge.core import sweep
from comfyui_bridge.core import values as values_
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.files import marked, unmarked
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import ControlNetSpec, LoraStackSpec
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.sweep import Axis, Replacement, Variation
from comfyui_bridge.core.wildcards import Lists

MOST_AXES = 3
"""Columns, rows and pages."""
MOST_CELLS = 10_000


class AxisKind(str, Enum):
    """How an axis is written."""

    VALUES = "values"
    """`text` has them between commas, with ranges."""
    CHOICES = "choices"
    """`chosen` has them, one raw value a variation: models, samplers, files, whole LoRA stacks."""
    TEXTS = "texts"
    """`text` has one a line, with choices and lists in them; `number` at random, 0 for all combinations."""
    REPLACE = "replace"
    """`find` stands in the text of `key`; `text` has between commas what takes its place."""
    SEEDS = "seeds"
    """`number` of them."""
    PRESETS = "presets"
    """`chosen` has their ids."""
    TABLE = "table"
    """`text` is CSV whose first row names inputs."""


@dataclass(frozen=True)
class AxisPlan:
    """One axis as it was asked for."""

    kind: AxisKind
    key: str = ""
    """The input it varies, or `KEY.PART` of a LoRA stack or ControlNet; empty for presets and tables."""
    text: str = ""
    chosen: tuple[Any, ...] = ()
    find: str = ""
    number: int = 0
    start: int = 0
    """Decides what is drawn at random."""

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "key": self.key,
            "text": self.text,
            "chosen": [marked(one) for one in self.chosen],
            "find": self.find,
            "number": self.number,
            "start": self.start,
        }

    @classmethod
    def parse(cls, given: Any) -> AxisPlan:
        """Raises InvalidValues for what is no plan of an axis."""
        try:
            return cls(
                AxisKind(given["kind"]),
                str(given.get("key") or ""),
                str(given.get("text") or ""),
                tuple(unmarked(one) for one in given.get("chosen") or ()),
                str(given.get("find") or ""),
                int(given.get("number") or 0),
                int(given.get("start") or 0),
            )
        except (LookupError, TypeError, ValueError, AttributeError):
            raise InvalidValues({"axes": "One of the axes cannot be read."}) from None


@dataclass(frozen=True)
class Plan:
    """What is to vary, over which values of which template. The last axis is the columns, the one before it
    the rows, the first of three the pages."""

    template: str
    values: Mapping[str, Any]
    axes: tuple[AxisPlan, ...] = ()
    skip: frozenset[tuple[str, ...]] = frozenset()
    """Cells to leave out, each by its labels on the axes."""

    def to_json(self) -> dict[str, Any]:
        return {
            "template": self.template,
            "values": values_.to_json(self.values),
            "axes": [one.to_json() for one in self.axes],
            "skip": sorted([*map(list, self.skip)]),
        }

    @classmethod
    def parse(cls, given: Any) -> Plan:
        """Raises InvalidValues for what is no plan."""
        if not isinstance(given, Mapping) or not isinstance(given.get("values", {}), Mapping):
            raise InvalidValues({"axes": "This is no plan of an experiment."})
        axes, skip = given.get("axes") or (), given.get("skip") or ()
        if not isinstance(axes, (list, tuple)) or not isinstance(skip, (list, tuple)):
            raise InvalidValues({"axes": "This is no plan of an experiment."})
        return cls(
            str(given.get("template") or ""),
            values_.from_json(given.get("values") or {}),
            tuple(map(AxisPlan.parse, axes)),
            frozenset(tuple(map(str, one)) for one in skip if isinstance(one, (list, tuple))),
        )


@dataclass(frozen=True)
class Preset:
    """A set of values under a name, as an axis takes it."""

    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Sources:
    """Where a plan's axes are read from, besides the plan."""

    lists: Lists = lambda name: None
    preset: Callable[[str], Preset | None] = lambda preset_id: None


@dataclass(frozen=True)
class Cell:
    """One run of an experiment, at this place on each axis."""

    index: int
    at: tuple[int, ...]
    labels: tuple[str, ...]
    is_skipped: bool = False


@dataclass(frozen=True)
class Grid:
    """The values all cells share, and the axes over them. Cells are counted pages, rows, columns."""

    values: Mapping[str, Any]
    axes: tuple[Axis, ...] = ()
    skip: frozenset[tuple[str, ...]] = frozenset()
    stacks: frozenset[str] = field(default=frozenset())
    """The keys among the values that have parts of their own."""

    @property
    def size(self) -> int:
        """How many cells there are, the skipped ones too."""
        return sweep.count(self.axes)

    @property
    def varied(self) -> frozenset[str]:
        """The keys that its axes set or replace words in; of a part of a stack the stack too."""
        variations = (one for axis in self.axes for one in axis.variations)
        return frozenset(key for one in variations for key in one.varied(self.stacks))

    def cells(self) -> Iterator[Cell]:
        steps = (enumerate(axis.labels) for axis in self.axes)
        for index, places in enumerate(itertools.product(*steps)):
            labels = tuple(label for _, label in places)
            yield Cell(index, tuple(place for place, _ in places), labels, labels in self.skip)

    def values_of(self, cell: Cell) -> dict[str, Any]:
        """The raw values of a cell's run."""
        chosen = [axis.variations[place] for axis, place in zip(self.axes, cell.at, strict=True)]
        return sweep.varied(self.values, chosen, self.stacks)

    def to_json(self) -> dict[str, Any]:
        return {
            "values": values_.to_json(self.values),
            "axes": [_axis_json(axis) for axis in self.axes],
            "skip": sorted([*map(list, self.skip)]),
            "stacks": sorted(self.stacks),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Grid:
        return cls(
            values_.from_json(stored["values"]),
            tuple(map(_axis, stored["axes"])),
            frozenset(map(tuple, stored["skip"])),
            frozenset(stored["stacks"]),
        )


@dataclass(frozen=True)
class Problem:
    """What is wrong with a plan: with which axis, which of its variations, and which value of it.

    None where it is all of them, or the values that all cells share.
    """

    sentence: str
    axis: int | None = None
    variation: int | None = None
    key: str = ""


@dataclass(frozen=True)
class Laid:
    """A plan laid out: the grid as far as it could be read, and all that is wrong with it."""

    grid: Grid
    problems: tuple[Problem, ...] = ()


def variable(form: Form, raw: Mapping[str, Any]) -> Iterator[tuple[str, ExposedInput]]:
    """What an axis may vary, by key: the form's inputs as these values have it."""
    for one in form.with_choices(raw).inputs:
        yield one.key, one


def lay_out(plan: Plan, form: Form, sources: Sources, draw: Callable[[int, int], int]) -> Laid:
    """Read a plan's axes, and check each variation where the others stand at their first.

    Seeds that no axis varies are drawn here, once for all cells: pictures that differ by their seed cannot
    be compared.
    """
    problems: list[Problem] = []
    if len(plan.axes) > MOST_AXES:
        problems.append(Problem(f"A sheet has {MOST_AXES} axes at most, and this one has {len(plan.axes)}."))
    axes = [_read(plan, number, form, sources, problems) for number in range(min(len(plan.axes), MOST_AXES))]
    problems += _clashes(axes)
    grid = Grid(with_seeds(plan.values, form, draw), tuple(axes), plan.skip, stacks(form))
    if not problems:
        problems += _wrong_values(grid, form)
    return Laid(grid, tuple(problems))


def stacks(form: Form) -> frozenset[str]:
    """The keys of inputs whose values have parts of their own."""
    return frozenset(one.key for one in form.inputs if isinstance(one.spec, (LoraStackSpec, ControlNetSpec)))


def with_seeds(raw: Mapping[str, Any], form: Form, draw: Callable[[int, int], int]) -> dict[str, Any]:
    """The raw values with their random seeds drawn; what is wrong in them stays so."""
    exposed = form.with_choices(raw).inputs
    marks = {
        one.key: values_.RANDOM for one in exposed if values_.is_random(one, raw.get(one.key, one.default))
    }
    return {**raw, **{k: v for k, v in values_.resolve_seeds(exposed, marks, draw).items() if k in marks}}


def _read(plan: Plan, number: int, form: Form, sources: Sources, problems: list[Problem]) -> Axis:
    """One axis; one without variations where it cannot be read."""
    one = plan.axes[number]
    exposed = form.with_choices(plan.values).input(one.key.partition(".")[0]) or form.input(one.key)
    title = _title(one, exposed)
    try:
        axis = _axis_of(one, title, exposed, plan, form, sources)
    except InvalidValues as error:
        problems += [Problem(sentence, number) for sentence in error.problems.values()]
        return Axis(title, ())
    if not axis.variations:
        problems.append(Problem("Say what it varies.", number))
    return axis


def _axis_of(
    one: AxisPlan, title: str, exposed: ExposedInput | None, plan: Plan, form: Form, sources: Sources
) -> Axis:
    match one.kind:
        case AxisKind.VALUES:
            return axes_.values(one.key, one.text, title) if one.text.strip() else Axis(title, ())
        case AxisKind.CHOICES:
            is_stack = (
                exposed is not None and exposed.key == one.key and isinstance(exposed.spec, LoraStackSpec)
            )
            return (axes_.lora_sets if is_stack else axes_.listed)(one.key, one.chosen, title)
        case AxisKind.TEXTS:
            lines = axes_.prompt_lines(one.text)
            return axes_.texts(one.key, lines, sources.lists, one.number, one.start, title)
        case AxisKind.REPLACE:
            return _replacing(one, plan)
        case AxisKind.SEEDS:
            return axes_.seeds(one.key, one.number, one.start, title)
        case AxisKind.PRESETS:
            return _presets(one, title, form, sources)
        case AxisKind.TABLE:
            return axes_.parse_csv(one.text, title)


def _replacing(one: AxisPlan, plan: Plan) -> Axis:
    axis = axes_.replacements(one.key, one.find, one.text)
    set_elsewhere = any(
        other.key == one.key or other.kind in (AxisKind.PRESETS, AxisKind.TABLE)
        for other in plan.axes
        if other is not one
    )
    text = plan.values.get(one.key)
    if not set_elsewhere and isinstance(text, str) and one.find.strip() not in text:
        raise InvalidValues({one.key: f"“{one.find.strip()}” does not stand in this text."})
    return axis


def _presets(one: AxisPlan, title: str, form: Form, sources: Sources) -> Axis:
    """A preset that leaves the seed open takes that of all cells."""
    variations = []
    for preset_id in one.chosen:
        found = sources.preset(str(preset_id))
        if found is None:
            raise InvalidValues({"presets": "One of these presets is gone. Choose again."})
        given = values_.from_json(found.values)
        said = {key: value for key, value in given.items() if not _is_open(form.input(key), value)}
        variations.append(Variation(found.name, said))
    return Axis(title, tuple(variations))


def _is_open(one: ExposedInput | None, raw: Any) -> bool:
    return one is not None and values_.is_random(one, raw)


def _title(one: AxisPlan, exposed: ExposedInput | None) -> str:
    if one.kind is AxisKind.PRESETS:
        return "Preset"
    if one.kind is AxisKind.TABLE:
        return ""
    if exposed is None:
        return one.key
    part = one.key.rpartition(".")[2] if "." in one.key and exposed.key != one.key else ""
    return f"{exposed.label} ({part.replace('_', ' ')})" if part else exposed.label


def _clashes(axes: Sequence[Axis]) -> Iterator[Problem]:
    """Two axes over one key, one label twice, and too many cells."""
    for number, axis in enumerate(axes):
        twice = [label for label, times in Counter(axis.labels).items() if times > 1]
        if twice:
            yield Problem(f"“{twice[0]}” stands here twice.", number)
        earlier = {key for one in axes[:number] for key in one.keys}
        for key in axis.keys:
            if key in earlier:
                yield Problem("Another axis varies this already.", number, key=key)
    total = sweep.count(axes)
    if total > MOST_CELLS:
        yield Problem(f"That would be {total:,} pictures, and {MOST_CELLS:,} is the most.")


def _wrong_values(grid: Grid, form: Form) -> Iterator[Problem]:
    """What the form refuses: of the values all cells share, then of each variation."""
    first = [axis.variations[0] for axis in grid.axes]
    for key, sentence in _refused(form, grid, first).items():
        if not _is_within(key, grid.varied):
            yield Problem(sentence, key=key)
    for number, axis in enumerate(grid.axes):
        for place, variation in enumerate(axis.variations):
            chosen = [*first[:number], variation, *first[number + 1 :]]
            own = variation.varied(grid.stacks)
            for key, sentence in _refused(form, grid, chosen).items():
                if _is_within(key, own):
                    yield Problem(sentence, number, place, key)


def _is_within(key: str, varied: frozenset[str]) -> bool:
    """Whether what is wrong at a key is wrong in what varies: in it, in a row of it, or in what an option
    brings."""
    return any(key == one or key.startswith(f"{one}.") for one in varied)


def _refused(form: Form, grid: Grid, chosen: Sequence[Variation]) -> Mapping[str, str]:
    try:
        form.check(sweep.varied(grid.values, chosen, grid.stacks))
    except InvalidValues as error:
        return error.problems
    except ValueError as error:
        return {key: str(error) for one in chosen for key in one.values}
    return {}


def _axis_json(axis: Axis) -> dict[str, Any]:
    return {
        "title": axis.title,
        "variations": [
            {
                "label": one.label,
                "values": values_.to_json(one.values),
                **({"replacing": vars(one.replacing)} if one.replacing else {}),
            }
            for one in axis.variations
        ],
    }


def _axis(stored: Mapping[str, Any]) -> Axis:
    return Axis(stored["title"], tuple(map(_variation, stored["variations"])))


def _variation(stored: Mapping[str, Any]) -> Variation:
    change = stored.get("replacing")
    return Variation(
        stored["label"], values_.from_json(stored["values"]), Replacement(**change) if change else None
    )


class ExperimentState(str, Enum):
    """What becomes of an experiment's cells that have not ended."""

    RUNNING = "running"
    PAUSED = "paused"
    """None is begun; those that had begun go on."""
    STOPPED = "stopped"
    """None is begun, and those that had begun were cancelled."""
    DONE = "done"
    """Every cell has ended."""


class Verdict(str, Enum):
    """What somebody thinks of a cell."""

    NONE = ""
    KEPT = "kept"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Experiment:
    """A plan under way: what was asked for, and the grid that was made of it then."""

    experiment_id: str
    owner: str
    name: str
    title: str
    """Of its template, at that time."""
    plan: Plan
    grid: Grid
    state: ExperimentState
    created_at: float
    problem: str = ""
    """Why it does not go on."""
    deleted: bool = False
    """It is in the bin, from which it can be brought back for a while."""


@dataclass(frozen=True)
class CellNow:
    """A cell, and the run that fills it."""

    cell: Cell
    run: Run | None = None
    """Once it is over, without its workflow and what its nodes did: ten thousand of them are held at once."""
    reused: bool = False
    """The run is of an earlier experiment, or of none: it was the same."""
    verdict: Verdict = Verdict.NONE
    problem: str = ""
    """Why no run could be made."""
    version: int = 0
    """The sheet's when this cell last changed."""
    gone: bool = False
    """It had a run, which is kept no more."""


@dataclass(frozen=True)
class SheetNow:
    """An experiment's sheet at one moment. `version` grows with every change of any cell."""

    experiment: Experiment
    version: int
    cells: tuple[CellNow, ...]
