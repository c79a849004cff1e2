"""Choices that decide which inputs a node has: dynamic combos, lists that grow, inputs that are left out."""

from __future__ import annotations

from typing import Any

import pytest

from comfyui_bridge.core import form as form_
from comfyui_bridge.core import node_defs, template
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.form import Form

DEFINITIONS = {
    "Resize": {
        "input": {
            "required": {
                "image": ["IMAGE"],
                "way": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "to size", "inputs": {"required": {"width": ["INT", {"default": 64}]}}},
                            {
                                "key": "by",
                                "inputs": {
                                    "required": {
                                        "factor": ["FLOAT", {"default": 2.0}],
                                        "method": [
                                            "COMFY_DYNAMICCOMBO_V3",
                                            {
                                                "options": [
                                                    {"key": "plain", "inputs": {}},
                                                    {
                                                        "key": "fine",
                                                        "inputs": {
                                                            "required": {
                                                                "seed": ["INT", {"default": 3, "max": 9}]
                                                            }
                                                        },
                                                    },
                                                ]
                                            },
                                        ],
                                    }
                                },
                            },
                        ]
                    },
                ],
                "weights": [
                    "COMFY_AUTOGROW_V3",
                    {
                        "template": {
                            "input": {"required": {"w": ["FLOAT", {"default": 1.0}]}},
                            "names": ["a", "b", "c"],
                            "min": 1,
                        }
                    },
                ],
            },
            "optional": {
                "sharpen": ["FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0}],
                "crop": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {"options": [{"key": "edge", "inputs": {"required": {"x": ["INT", {"default": 1}]}}}]},
                ],
            },
        },
        "output": ["IMAGE"],
    }
}
WAY = "1.way"


def made(**inputs: Any) -> Form:
    graph = {"1": {"class_type": "Resize", "inputs": {"way": "to size", "way.width": 64, **inputs}}}
    return form_.make(template.parse("resize", graph), node_defs.parse(DEFINITIONS))


def patched(form: Form, raw: dict[str, Any]) -> dict[str, Any]:
    inputs: dict[str, Any] = form.patched(form.check(raw)).to_api()["1"]["inputs"]
    return inputs


def keys(form: Form) -> list[str]:
    return [one.key for one in form.inputs]


def test_another_option_brings_its_own_inputs_nested_ones_too() -> None:
    form = made()
    assert "1.way.width" in keys(form)
    other = form.with_choices({WAY: "by", "1.way.method": "fine"})
    assert {"1.way.factor", "1.way.method", "1.way.method.seed"} <= {
        f"{one.node_id}.{one.input}" for one in other.inputs
    }
    assert "1.way.width" not in keys(other)
    assert form.with_choices({WAY: "to size"}) is form


def test_values_of_another_option_s_inputs_are_checked_and_sent() -> None:
    raw = {WAY: "by", "1.way.factor": "3", "1.way.method": "fine", "1.way.method.seed": 5}
    sent = patched(made(), raw)
    assert sent == {
        "way": "by",
        "way.factor": 3.0,
        "way.method": "fine",
        "way.method.seed": 5,
        "weights.a": 1.0,
    }
    with pytest.raises(InvalidValues) as told:
        made().check({**raw, "1.way.factor": "much"})
    assert list(told.value.problems) == ["1.way.factor"]


def test_an_input_that_can_be_left_out_is_left_out_until_somebody_puts_it_in() -> None:
    form = made()
    assert form.input("1.sharpen").default is None  # type: ignore[union-attr]
    assert "sharpen" not in patched(form, {})
    assert patched(form, {"1.sharpen": "0.25"})["sharpen"] == 0.25
    assert "sharpen" not in patched(made(sharpen=0.7), {"1.sharpen": None})
    assert patched(made(sharpen=0.7), {})["sharpen"] == 0.7
    with pytest.raises(InvalidValues):
        form.check({"1.way.width": None})


def test_an_optional_choice_that_is_left_out_takes_its_inputs_away() -> None:
    assert "1.crop.x" not in keys(made())
    assert patched(made(), {"1.crop": "edge", "1.crop.x": 7})["crop.x"] == 7
    left = patched(made(crop="edge", **{"crop.x": 4}), {"1.crop": None})
    assert not {"crop", "crop.x"} & set(left)


def test_a_list_of_values_grows_and_shrinks_by_the_names_that_are_given() -> None:
    form = made(**{"weights.a": 0.5})
    assert patched(form, {"1.weights.b": 2})["weights.b"] == 2.0
    assert "1.weights.z" not in keys(form.with_choices({"1.weights.z": 1}))
    fuller = made(**{"weights.a": 0.5, "weights.b": 0.6})
    assert "weights.b" not in patched(fuller, {"1.weights.b": None})


@pytest.mark.parametrize("seed", [8, "8", "8+", "8-"])
def test_a_seed_that_counts_is_the_number_it_says(seed: object) -> None:
    form = made().with_choices({WAY: "by", "1.way.method": "fine"})
    assert form.check({"1.way.method.seed": seed})["1.way.method.seed"] == 8


def test_an_emptied_number_says_what_it_needs() -> None:
    with pytest.raises(InvalidValues) as told:
        made(sharpen=0.1).check({"1.sharpen": "", "1.way.width": " "})
    assert told.value.problems == {
        "1.sharpen": "This needs a number from 0.0 to 1.0.",
        "1.way.width": "This needs a whole number.",
    }
