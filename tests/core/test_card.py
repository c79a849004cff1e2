"""A default put into the card leaves the form as it was, but for that default."""

from __future__ import annotations

import dataclasses

from comfyui_bridge.core import card, form, template
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.template import Exposure

from .conftest import recorded_workflow


def form_with(edit, defs):
    one = template.parse("one", recorded_workflow("sd15_txt2img"))
    return form.make(
        dataclasses.replace(one, title=edit.title, tags=edit.tags, exposures=edit.exposures), defs
    )


def test_a_template_without_a_card_keeps_its_form(defs_0_3_64):
    before = form.make(template.parse("one", recorded_workflow("sd15_txt2img")), defs_0_3_64)
    checkpoint = before.input("checkpoint")
    after = form_with(card.with_default(before, checkpoint, "other.safetensors"), defs_0_3_64)
    assert after.input("checkpoint").default == "other.safetensors"
    first = [one.key for one in before.inputs if not one.group]
    assert [one.key for one in after.inputs if not one.group] == first
    assert {one.key for one in after.inputs} == {one.key for one in before.inputs}
    assert after.problems == ()


def test_a_file_stands_in_a_card_as_its_mark(defs_0_3_64):
    before = form.make(template.parse("one", recorded_workflow("sd15_txt2img")), defs_0_3_64)
    file = FileValue("k" * 64 + ".png", "mine.png")
    edit = card.with_default(before, before.input("prompt"), file)
    after = form_with(edit, defs_0_3_64)
    assert after.input("prompt").default == file.to_json()


def test_a_card_changes_in_one_place(defs_0_3_64):
    exposures = (Exposure("3", "steps", label="How long"), Exposure("4", "ckpt_name", default="a"))
    one = dataclasses.replace(
        template.parse("one", recorded_workflow("sd15_txt2img")), exposures=exposures, tags=("x",)
    )
    made = form.make(one, defs_0_3_64)
    edit = card.with_default(made, made.input("checkpoint"), "b")
    assert edit.exposures == (exposures[0], dataclasses.replace(exposures[1], default="b"))
    assert edit.tags == ("x",)
