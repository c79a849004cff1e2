"""A plan laid out: what the axes become, what is wrong with them, and cells that are counted rightly."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyui_bridge.core import experiment, form, template
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.experiment import AxisKind, AxisPlan, Grid, Plan, Preset, Problem, Sources
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.sweep import Axis, Variation
from comfyui_bridge.core.wildcards import has_choices

from .conftest import recorded_workflow

K = AxisKind
LISTS = {"colour": ("red", "blue")}
PRESETS = {
    "p1": Preset("Sharp", {"steps": 30, "cfg": 9.0}),
    "p2": Preset("Soft", {"steps": 10, "cfg": 4.0}),
    "open": Preset("Open", {"steps": 15, "seed": "random"}),
}
SOURCES = Sources(LISTS.get, PRESETS.get)


@pytest.fixture(scope="module")
def made(defs_0_3_64):
    return form.make(template.parse("t", recorded_workflow("sd15_txt2img")), defs_0_3_64)


def laid(made, *axes, **values):
    plan = Plan("t", {"prompt": "a red fox", "seed": "random", **values}, axes)
    return experiment.lay_out(plan, made, SOURCES, lambda low, high: 77)


@pytest.mark.parametrize(
    ("plan", "labels", "first"),
    [
        (AxisPlan(K.VALUES, "steps", "10,20,..,40"), ["10", "20", "30", "40"], {"steps": "10"}),
        (
            AxisPlan(K.CHOICES, "sampler", chosen=("euler", "ddim")),
            ["euler", "ddim"],
            {"sampler": "euler"},
        ),
        (
            AxisPlan(K.CHOICES, "prompt", chosen=(FileValue("k", "a.png"),)),
            ["a.png"],
            {"prompt": FileValue("k", "a.png")},
        ),
        (
            AxisPlan(K.TEXTS, "prompt", "a __colour__ {cat|dog}\n# no\na tree\n"),
            ["a red cat", "a red dog", "a blue cat", "a blue dog", "a tree"],
            {"prompt": "a red cat"},
        ),
        (
            AxisPlan(K.REPLACE, "prompt", "green, blue", find="red"),
            ["green", "blue"],
            {"prompt": "a green fox"},
        ),
        (AxisPlan(K.PRESETS, chosen=("p2", "p1")), ["Soft", "Sharp"], {"steps": 10, "cfg": 4.0}),
        (AxisPlan(K.PRESETS, chosen=("open",)), ["Open"], {"steps": 15}),
        (AxisPlan(K.TABLE, text="steps,cfg\n8,\n12,3\n"), ["1: 8", "2: 12, 3"], {"steps": "8"}),
    ],
    ids=lambda value: value.kind.value if isinstance(value, AxisPlan) else "",
)
def test_an_axis_is_read(made, plan, labels, first):
    found = laid(made, plan)
    assert not found.problems
    (axis,) = found.grid.axes
    assert list(axis.labels) == labels
    assert found.grid.values_of(next(found.grid.cells())) == {"prompt": "a red fox", "seed": 77, **first}


def test_seeds_are_drawn_once_for_all_cells_unless_an_axis_varies_them(made):
    fixed = laid(made, AxisPlan(K.VALUES, "steps", "1..3")).grid
    assert {fixed.values_of(cell)["seed"] for cell in fixed.cells()} == {77}
    varied = laid(made, AxisPlan(K.SEEDS, "seed", number=5, start=4)).grid
    seeds = [varied.values_of(cell)["seed"] for cell in varied.cells()]
    assert len(set(seeds)) == 5
    assert all(0 <= seed < 2**53 for seed in seeds)
    again = laid(made, AxisPlan(K.SEEDS, "seed", number=5, start=4)).grid
    assert seeds == [again.values_of(cell)["seed"] for cell in again.cells()]


def test_texts_at_random_are_as_many_as_asked_for_and_resolved(made):
    plan = AxisPlan(K.TEXTS, "prompt", "a __colour__ {1|2|3|4} {x|y|z}", number=7, start=1)
    (axis,) = laid(made, plan).grid.axes
    assert len(set(axis.labels)) == 7
    assert not any(map(has_choices, axis.labels))
    assert laid(made, plan).grid.axes == (axis,)


def test_words_are_replaced_in_what_another_axis_sets(made):
    grid = laid(
        made,
        AxisPlan(K.TEXTS, "prompt", "a red cat\na red dog"),
        AxisPlan(K.REPLACE, "prompt", "blue", find="red"),
    ).grid
    assert [grid.values_of(cell)["prompt"] for cell in grid.cells()] == ["a blue cat", "a blue dog"]


def test_parts_of_a_lora_stack_vary_alone_and_together(made):
    (lora,) = made.input("loras").spec.options
    found = laid(
        made,
        AxisPlan(K.VALUES, "loras.1.strength", "0.2,0.8"),
        AxisPlan(K.CHOICES, "loras.1.name", chosen=(lora, "")),
    )
    assert not found.problems
    assert found.grid.axes[1].labels == (lora, "none")
    rows = [found.grid.values_of(cell)["loras"] for cell in found.grid.cells()]
    assert rows == [
        [{"strength_model": "0.2", "name": lora}],
        [],
        [{"strength_model": "0.8", "name": lora}],
        [],
    ]


def test_sets_of_loras_vary_whole_and_a_strength_beside_them(made):
    (lora,) = made.input("loras").spec.options
    sets = ([], [{"name": lora, "strength_model": 0.6}])
    plan = AxisPlan(K.CHOICES, "loras", chosen=sets)
    assert laid(made, plan).grid.axes[0].labels == ("none", f"{lora.rpartition('.')[0]} 0.6")
    # Whatever axis turns faster, the strength is that of the set's own LoRA, and none stays none.
    found = laid(made, AxisPlan(K.VALUES, "loras.1.strength", "0.2,0.8"), plan)
    assert not found.problems
    assert [found.grid.values_of(cell)["loras"] for cell in found.grid.cells()] == [
        [],
        [{"name": lora, "strength_model": "0.2"}],
        [],
        [{"name": lora, "strength_model": "0.8"}],
    ]
    wrong = laid(made, AxisPlan(K.CHOICES, "loras", chosen=([{"name": "gone.safetensors"}],))).problems
    assert [(one.axis, one.variation, one.key) for one in wrong] == [(0, 0, "loras.1")]


def test_what_is_wrong_beside_an_axis_over_another_input_of_its_node_is_told(made):
    node = made.input("sampler").node_id
    grid = Grid({}, (Axis("Words", (Variation("a", {f"{node}.some": "a"}),)),))
    assert grid.varied == {f"{node}.some"}
    problems = laid(
        made, AxisPlan(K.VALUES, f"{node}.denoise", "0.5,1"), **{f"{node}.steps": "many"}
    ).problems
    assert "steps" in {one.key for one in problems}


def test_a_strength_without_a_lora_is_told(made):
    problems = laid(made, AxisPlan(K.VALUES, "loras.1.strength", "0.2,0.8")).problems
    assert [(one.variation, one.sentence) for one in problems] == [
        (0, "Choose a LoRA."),
        (1, "Choose a LoRA."),
    ]


@pytest.mark.parametrize(
    ("axes", "axis", "variation", "told"),
    [
        ([AxisPlan(K.VALUES, "steps", "")], 0, None, "Say what it varies"),
        ([AxisPlan(K.VALUES, "steps", "20,many")], 0, 1, "whole number"),
        ([AxisPlan(K.VALUES, "nothing", "1")], 0, 0, "no such input"),
        ([AxisPlan(K.VALUES, "steps", "20,20")], 0, None, "twice"),
        ([AxisPlan(K.CHOICES, "sampler", chosen=("eulerr",))], 0, 0, "did you mean euler"),
        ([AxisPlan(K.REPLACE, "prompt", "a", find="green")], 0, None, "does not stand"),
        ([AxisPlan(K.REPLACE, "prompt", "a", find=" ")], 0, None, "words to replace"),
        ([AxisPlan(K.TEXTS, "prompt", "a {b")], 0, None, "never closed"),
        ([AxisPlan(K.TEXTS, "prompt", "__none__")], 0, None, "no list none"),
        ([AxisPlan(K.SEEDS, "seed")], 0, None, "seeds cannot be drawn"),
        ([AxisPlan(K.PRESETS, chosen=("gone",))], 0, None, "presets is gone"),
        ([AxisPlan(K.TABLE, text="steps,cfg\n8,4\n9,many\n")], 0, 1, "number"),
        ([AxisPlan(K.TABLE, text="steps,cfg\n8\n")], 0, None, "Line 2"),
        (
            [AxisPlan(K.VALUES, "steps", "1"), AxisPlan(K.VALUES, "steps", "2")],
            1,
            None,
            "varies this already",
        ),
        (
            [AxisPlan(K.VALUES, "steps", "1..1000"), AxisPlan(K.SEEDS, "seed", number=1000)],
            None,
            None,
            "1,000,000",
        ),
        ([AxisPlan(K.VALUES, key, "1") for key in "abcd"], None, None, "3 axes at most"),
    ],
)
def test_what_is_wrong_is_told_where_it_is(made, axes, axis, variation, told):
    problems = laid(made, *axes).problems
    assert any(told in one.sentence and (one.axis, one.variation) == (axis, variation) for one in problems), (
        problems
    )


def test_what_all_cells_share_is_checked_too(made):
    (problem,) = laid(made, AxisPlan(K.VALUES, "steps", "1,2"), cfg="a lot").problems
    assert problem == Problem(problem.sentence, key="cfg")
    assert not laid(made, AxisPlan(K.VALUES, "cfg", "1,2"), cfg="a lot").problems  # an axis sets it


def test_a_plan_and_a_grid_come_back_as_they_were(made):
    plan = Plan(
        "t",
        {"prompt": "a red fox", "image": FileValue("k", "a.png")},
        (
            AxisPlan(K.REPLACE, "prompt", "green", find="red"),
            AxisPlan(K.CHOICES, "sampler", chosen=("euler", FileValue("k", "b.png"))),
            AxisPlan(K.SEEDS, "seed", number=3, start=9),
        ),
        frozenset([("green", "euler", "5")]),
    )
    assert Plan.parse(json.loads(json.dumps(plan.to_json()))) == plan
    grid = laid(made, *plan.axes[:1]).grid
    assert Grid.from_json(json.loads(json.dumps(grid.to_json()))) == grid


@pytest.mark.parametrize(
    "given", [None, [], {"values": 3}, {"axes": 3}, {"axes": [3]}, {"axes": [{"kind": "odd"}]}, {"skip": 5}]
)
def test_what_is_no_plan_is_told(given):
    with pytest.raises(InvalidValues):
        Plan.parse(given)


def test_skipped_cells_are_known_by_their_labels():
    grid = Grid({}, (axis("a", 2), axis("b", 2)), frozenset([("a0", "b1")]))
    assert [cell.is_skipped for cell in grid.cells()] == [False, True, False, False]


def axis(name: str, size: int) -> Axis:
    return Axis(name, tuple(Variation(f"{name}{n}", {name: n}) for n in range(size)))


@given(st.lists(st.integers(1, 4), max_size=3))
def test_cells_are_the_whole_product_in_order(sizes):
    grid = Grid({"base": "x"}, tuple(axis(f"k{n}", size) for n, size in enumerate(sizes)))
    cells = list(grid.cells())
    assert [cell.index for cell in cells] == list(range(grid.size))
    assert grid.size == math.prod(sizes)
    assert [cell.at for cell in cells] == sorted({cell.at for cell in cells})
    values = [grid.values_of(cell) for cell in cells]
    assert len({tuple(sorted(one.items(), key=str)) for one in values}) == grid.size
    assert all(
        one == {"base": "x", **{f"k{n}": place for n, place in enumerate(cell.at)}}
        for one, cell in zip(values, cells, strict=True)
    )
