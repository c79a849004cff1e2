"""One set of values into many: counts, order, and nothing lost."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyui_bridge.core import axes as axes_
from comfyui_bridge.core import sweep
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.sweep import Axis, Variation, expand

AXES = st.lists(st.lists(st.integers(0, 99).map(str), min_size=1, max_size=4, unique=True), max_size=4)


@given(AXES)
def test_the_product_is_whole_ordered_and_stable(lists):
    axes = [axes_.listed(f"k{n}", values) for n, values in enumerate(lists)]
    sets = list(sweep.expand({"base": "x"}, axes))
    assert len(sets) == sweep.count(axes) == math.prod(len(v) for v in lists)
    assert len({tuple(sorted(s.items())) for s in sets}) == len(sets)
    assert all(s["base"] == "x" for s in sets)
    places = [tuple(values.index(s[f"k{n}"]) for n, values in enumerate(lists)) for s in sets]
    assert places == sorted(places)  # the last axis turns fastest


def test_a_product_of_a_million_is_refused_with_the_number():
    axes = [axes_.parse_axis(f"k{n}=1..100") for n in range(3)]
    with pytest.raises(InvalidValues, match="1,000,000 runs"):
        sweep.expand({}, axes)


def test_two_axes_over_one_key_are_refused():
    with pytest.raises(InvalidValues, match="Two axes"):
        sweep.expand({}, [axes_.parse_axis("a=1"), axes_.parse_axis("a=2")])


def test_another_option_takes_what_only_the_former_one_has_away():
    base = {"2.mode": "size", "2.mode.width": 512, "2.model": "a"}
    step = Axis("Mode", (Variation("size", {"2.mode": "size"}), Variation("scale", {"2.mode": "scale"})))
    table = Axis("", (Variation("1", {"2.mode": "scale", "2.mode.factor": 2}),))
    assert list(expand(base, [step])) == [base, {"2.mode": "scale", "2.model": "a"}]
    assert list(expand(base, [table])) == [{"2.mode": "scale", "2.mode.factor": 2, "2.model": "a"}]
