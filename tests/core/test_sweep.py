"""One set of values into many: counts, order, and nothing lost."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyui_bridge.core import sweep
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.sweep import Axis


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("steps=10,20", ["10", "20"]),
        ("steps=1..4", ["1", "2", "3", "4"]),
        ("steps=3..1", ["3", "2", "1"]),
        ("steps=10,20,..,50", ["10", "20", "30", "40", "50"]),
        ("cfg=1,1.5,..,3", ["1", "1.5", "2", "2.5", "3"]),
        ("steps=10,20,..,45", ["10", "20", "30", "40", "45"]),
        ("sampler=euler, dpmpp_2m", ["euler", "dpmpp_2m"]),
        (r"prompt=a cat\, sitting,a dog", ["a cat, sitting", "a dog"]),
        ("seed=-1", ["-1"]),
        ("prompt=a=b", ["a=b"]),
    ],
)
def test_an_axis_is_read(text, values):
    axis = sweep.parse_axis(text)
    assert [row for (row,) in axis.rows] == values


@pytest.mark.parametrize(
    "text", ["steps", "=1,2", "steps=", "steps=1,..,5", "x=a,b,..,c", "x=1,2,..,0", "x=1..999999999"]
)
def test_a_wrong_axis_is_told(text):
    with pytest.raises(InvalidValues):
        sweep.parse_axis(text)


def test_prompts_are_one_a_line():
    axis = sweep.parse_prompts("a cat\n\n# not this\n  城市夜景  \n")
    assert axis == Axis(("prompt",), (("a cat",), ("城市夜景",)))


def test_a_table_names_its_keys_in_the_first_row():
    axis = sweep.parse_csv('\ufeffprompt,steps\n"a cat, sitting",20\n\na dog,\n')
    assert axis == Axis(("prompt", "steps"), (("a cat, sitting", "20"), ("a dog", "")))
    sets = list(sweep.expand({"steps": "8"}, [axis]))
    assert sets[1] == {"steps": "8", "prompt": "a dog"}  # an empty cell leaves the base


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("prompt,,steps\n", "column 2 has no name"),
        ("prompt,prompt\n", "prompt stands twice"),
        ("prompt,steps\na\n", "Line 2 has 1 cells"),
        ('prompt\n"open\n', "Line"),
    ],
)
def test_a_wrong_table_is_told_by_line(text, told):
    with pytest.raises(InvalidValues, match=told):
        sweep.parse_csv(text)


AXES = st.lists(st.lists(st.integers(0, 99).map(str), min_size=1, max_size=4, unique=True), max_size=4)


@given(AXES)
def test_the_product_is_whole_ordered_and_stable(lists):
    axes = [Axis((f"k{n}",), tuple((v,) for v in values)) for n, values in enumerate(lists)]
    sets = list(sweep.expand({"base": "x"}, axes))
    assert len(sets) == sweep.count(axes) == math.prod(len(v) for v in lists)
    assert len({tuple(sorted(s.items())) for s in sets}) == len(sets)
    assert all(s["base"] == "x" for s in sets)
    places = [tuple(values.index(s[f"k{n}"]) for n, values in enumerate(lists)) for s in sets]
    assert places == sorted(places)  # the last axis turns fastest


def test_a_product_of_a_million_is_refused_with_the_number():
    axes = [sweep.parse_axis(f"k{n}=1..100") for n in range(3)]
    with pytest.raises(InvalidValues, match="1,000,000 runs"):
        sweep.expand({}, axes)


def test_two_axes_over_one_key_are_refused():
    with pytest.raises(InvalidValues, match="Two axes"):
        sweep.expand({}, [sweep.parse_axis("a=1"), sweep.parse_axis("a=2")])
