"""A former run's values in a form of today."""

from __future__ import annotations

from dataclasses import replace

from comfyui_bridge.core import form, remix, template
from comfyui_bridge.core.template import Exposure

from .conftest import recorded_workflow


def made(defs, *exposures):
    return form.make(
        replace(template.parse("t", recorded_workflow("sd15_txt2img")), exposures=exposures), defs
    )


def test_what_fits_is_kept_and_the_rest_is_told(defs_0_3_64):
    one = made(defs_0_3_64, Exposure("3", "steps", key="steps", max=30.0))
    kept, left_out = remix.fitting(
        one, {"steps": 50, "cfg": 6.5, "gone": 1, "sampler": "eulerr", "seed": 2**63, "prompt": "a fox"}
    )
    assert kept == {"cfg": 6.5, "seed": 2**63, "prompt": "a fox"}
    assert set(left_out) == {"steps", "gone", "sampler"}
    assert "the most is 30" in left_out["steps"]
    assert "did you mean euler" in left_out["sampler"]


def test_values_that_fit_come_back_as_they_were(defs_0_3_64):
    one = made(defs_0_3_64)
    values = one.check({"steps": 8})
    assert remix.fitting(one, values) == (values, {})


def test_the_next_picture_differs(defs_0_3_64):
    one = made(defs_0_3_64)
    assert remix.without_seeds(one, {"seed": 7, "steps": 8}) == {"steps": 8}
