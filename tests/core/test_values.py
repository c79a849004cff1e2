"""Values checked, seeds drawn, files marked, workflows patched."""

from __future__ import annotations

import json

import pytest

from comfyui_bridge.core import form, template, values, workflow
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import BooleanSpec, ComboSpec, FloatSpec, IntSpec, StringSpec, Upload
from comfyui_bridge.core.values import RANDOM, FileValue

from .conftest import recorded_workflow

SEED = IntSpec(0, 0, 2**64 - 1, is_seed=True)
SIZE = IntSpec(512, 16, 2048)
LORAS = ComboSpec(("film.safetensors", "Neon.safetensors"))


def one(spec, default=None):
    return (ExposedInput("x", "X", spec, default, "1", "x"),)


@pytest.mark.parametrize(
    ("spec", "raw", "value"),
    [
        (SIZE, "768", 768),
        (SIZE, 768.0, 768),
        (SIZE, " 768 ", 768),
        (SEED, "18446744073709551615", 18446744073709551615),
        (SEED, -1, RANDOM),
        (SEED, "-1", RANDOM),
        (SEED, "", RANDOM),
        (SEED, "random", RANDOM),
        (FloatSpec(7.0, 0.0, 100.0), "7.5", 7.5),
        (FloatSpec(7.0, 0.0, 100.0), 3, 3.0),
        (BooleanSpec(), "yes", True),
        (BooleanSpec(), "Off", False),
        (BooleanSpec(label_on="sharp", label_off="soft"), "Sharp", True),
        (StringSpec(), 5, "5"),
        (LORAS, "film.safetensors", "film.safetensors"),
        (ComboSpec((1, 2)), "2", 2),
        (ComboSpec(("a", "b", "c"), multiselect=True), "a, c", ["a", "c"]),
        (ComboSpec(("x.png",), upload=Upload.IMAGE), "sub/y.png", "sub/y.png"),
        (ComboSpec(("x.png",), upload=Upload.IMAGE), FileValue("k", "y.png"), FileValue("k", "y.png")),
        (StringSpec(), FileValue("k", "y.png"), FileValue("k", "y.png")),
        (ComboSpec(), "whatever", "whatever"),
    ],
)
def test_a_raw_value_is_read_by_its_type(spec, raw, value):
    read = values.check(one(spec), {"x": raw})["x"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("spec", "raw", "told"),
    [
        (SIZE, "big", 'whole number from 16 to 2048, and is "big"'),
        (SIZE, 700.5, "whole number"),
        (SIZE, True, "whole number"),
        (SIZE, "4096", "4096 is too large; the most is 2048"),
        (SIZE, 1, "1 is too small; the least is 16"),
        (SIZE, -1, "too small"),
        (SEED, 2**64, "too large"),
        (FloatSpec(7.0, 0.0, 30.0), "nan", "a number from 0.0 to 30.0"),
        (BooleanSpec(), "maybe", "true or false"),
        (LORAS, "neon.safetensor", "did you mean Neon.safetensors?"),
        (ComboSpec(("a", "b")), "zzz", "it may be a, b"),
        (ComboSpec(("x.png",), upload=Upload.IMAGE), "", "Choose a file"),
        (LORAS, FileValue("k", "y.png"), "a value, not a file"),
        (StringSpec(), {"a": 1}, "a text"),
    ],
)
def test_a_wrong_value_is_one_sentence_at_its_key(spec, raw, told):
    with pytest.raises(InvalidValues) as caught:
        values.check(one(spec), {"x": raw})
    assert told in caught.value.problems["x"]


def test_all_wrong_values_are_told_at_once_and_unknown_keys_too():
    exposed = (*one(SIZE), ExposedInput("seed", "Seed", SEED, 1, "2", "seed"))
    with pytest.raises(InvalidValues) as caught:
        values.check(exposed, {"x": "?", "sed": 5})
    assert caught.value.problems["sed"] == "There is no such input; did you mean seed?"
    assert set(caught.value.problems) == {"x", "sed"}


def test_absent_keys_keep_their_defaults_even_ones_a_list_does_not_have():
    exposed = one(LORAS, default="gone.safetensors")
    assert values.check(exposed, {}) == {"x": "gone.safetensors"}


def test_seeds_are_drawn_in_the_inputs_range_and_others_kept():
    exposed = (
        ExposedInput("a", "A", IntSpec(0, 5, 10, is_seed=True), 0, "1", "seed"),
        ExposedInput("b", "B", SEED, 0, "2", "seed"),
        ExposedInput("c", "C", SEED, 0, "3", "seed"),
    )
    asked = []

    def draw(low, high):
        asked.append((low, high))
        return high

    resolved = values.resolve_seeds(exposed, {"a": RANDOM, "b": 7, "c": RANDOM}, draw)
    assert resolved == {"a": 10, "b": 7, "c": 2**53 - 1}
    assert asked == [(5, 10), (0, 2**53 - 1)]


def test_patching_changes_only_what_was_given(defs_0_3_64):
    document = recorded_workflow("sd15_txt2img")
    made = form.make(template.parse("t", document), defs_0_3_64)
    patched = values.patch(made.workflow, made.inputs, {"prompt": "a fox", "steps": 9}).to_api()
    expected = json.loads(json.dumps(document))
    expected["6"]["inputs"]["text"] = "a fox"
    expected["3"]["inputs"]["steps"] = 9
    assert patched == expected


def test_a_list_is_wrapped_so_that_it_is_no_link():
    graph = workflow.parse({"1": {"class_type": "A", "inputs": {"x": 0}}})
    patched = values.patch(graph, one(ComboSpec(("a", "b"), multiselect=True)), {"x": ["a", "b"]})
    assert patched.to_api()["1"]["inputs"]["x"] == {"__value__": ["a", "b"]}


def test_a_file_stays_marked_until_its_name_on_the_server_is_known():
    file = FileValue("key", "photo.png")
    graph = workflow.parse({"1": {"class_type": "LoadImage", "inputs": {"x": "old.png"}}})
    marked = values.patch(graph, one(ComboSpec(upload=Upload.IMAGE)), {"x": file})
    # The mark survives being written down and read again, as after a restart.
    marked = workflow.parse(json.loads(json.dumps(marked.to_api())))
    assert values.files(marked) == (file,)
    assert values.place_uploads(marked, {file: "photo (1).png"}).node("1").inputs["x"] == "photo (1).png"


def test_values_survive_being_stored():
    stored = {"seed": 2**64 - 1, "image": FileValue("key", "p.png"), "text": "猫", "list": ["a"]}
    assert values.from_json(json.loads(json.dumps(values.to_json(stored)))) == stored
