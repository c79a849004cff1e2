"""What /object_info says, as types: by table, and over every node type of two recorded servers."""

from __future__ import annotations

from collections import Counter

import pytest

from comfyui_bridge.core import node_defs
from comfyui_bridge.core.node_defs import (
    AutogrowSpec,
    BooleanSpec,
    ColorSpec,
    ComboSpec,
    DynamicComboSpec,
    EditorSpec,
    FloatSpec,
    IntSpec,
    LinkSpec,
    StringSpec,
    Upload,
    parse_input,
)


@pytest.mark.parametrize(
    ("name", "raw", "spec"),
    [
        ("steps", ["INT", {"default": 20, "min": 1, "max": 10000}], IntSpec(20, 1, 10000)),
        ("seed", ["INT", {"default": 0, "min": 0, "max": 2**64 - 1}], IntSpec(0, 0, 2**64 - 1, is_seed=True)),
        ("seed", ["INT", {"control_after_generate": False}], IntSpec()),
        ("frame", ["INT", {"control_after_generate": "fixed"}], IntSpec(is_seed=True)),
        ("volume", ["INT", {"default": 1.0}], IntSpec(1)),
        ("cfg", ["FLOAT", {"default": 8.0, "step": 0.1, "round": False}], FloatSpec(8.0, step=0.1)),
        ("text", ["STRING", {"multiline": True, "dynamicPrompts": True}], StringSpec("", True, "", True)),
        ("on", ["BOOLEAN", {"default": True, "label_on": "yes"}], BooleanSpec(True, "yes")),
        ("name", [["a", "b"]], ComboSpec(("a", "b"))),
        ("name", [[]], ComboSpec()),
        ("dim", ["COMBO", {"multiselect": False, "options": ["x", "y"]}], ComboSpec(("x", "y"))),
        ("image", [["x.png"], {"image_upload": True}], ComboSpec(("x.png",), upload=Upload.IMAGE)),
        ("color", ["COLOR", {"default": "#ff0000"}], ColorSpec("#ff0000")),
        ("curve", ["CURVE", {"default": {"points": []}}], EditorSpec("CURVE", {"points": []})),
        ("model", ["MODEL"], LinkSpec(("MODEL",))),
        ("any", ["INT,FLOAT", {}], LinkSpec(("INT", "FLOAT"))),
        ("rate", ["FLOAT,INT", {"widgetType": "FLOAT", "default": 25}], FloatSpec(25.0)),
        ("value", ["COMFY_MATCHTYPE_V3", {"template": {"allowed_types": "*"}}], LinkSpec(("*",))),
    ],
)
def test_an_input_becomes_a_spec(name, raw, spec):
    assert parse_input(name, raw).spec == spec


@pytest.mark.parametrize("raw", [[], None, "INT", [5], [{}], {}])
def test_a_malformed_input_is_left_out(raw):
    assert parse_input("x", raw) is None


def test_a_malformed_node_takes_no_other_away():
    defs = node_defs.parse(
        {"Bad": "?", "Worse": {"input": 5}, "Good": {"input": {"required": {"a": ["INT"]}}}}
    )
    assert list(defs.by_class) == ["Good"]


@pytest.mark.parametrize(
    "key", ["output", "output_name", "output_is_list", "output_matchtypes", "input_order"]
)
@pytest.mark.parametrize("value", [5, "IMAGE", {"a": 1}, True, [5, None, {}], [[]]])
def test_a_malformed_part_of_a_node_leaves_the_rest_of_it(key, value):
    entry = {"input": {"required": {"a": ["INT"]}}, "output": ["IMAGE"], key: value}
    assert [one.name for one in node_defs.parse({"N": entry}).get("N").inputs] == ["a"]


def test_a_definition_is_read_once_and_only_when_it_is_asked_for():
    read = []

    def reading(name):
        read.append(name)
        return node_defs.NodeDef(name, name, (), ())

    defs = node_defs.NodeDefs(node_defs.AsAsked(["A", "B"], reading))
    assert ("A" in defs, "C" in defs, len(defs), list(defs.by_class)) == (True, False, 2, ["A", "B"])
    assert read == []
    assert defs.get("B") is defs.get("B")
    assert defs.get("C") is None
    assert read == ["B"]


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_something_else_than_definitions_gives_none(body):
    assert len(node_defs.parse(body)) == 0


def test_inputs_come_in_their_listed_order():
    entry = {
        "input": {"required": {"b": ["INT"], "a": ["INT"], "late": ["INT"]}, "hidden": {"prompt": "PROMPT"}},
        "input_order": {"required": ["a", "b"]},
    }
    assert [i.name for i in node_defs.parse({"N": entry}).get("N").inputs] == ["a", "b", "late"]


def test_sub_inputs_are_found_by_their_dotted_names(defs_0_33):
    found = defs_0_33.input("ResizeImageMaskNode", "resize_type.multiplier")
    assert isinstance(found.spec, FloatSpec)
    assert defs_0_33.input("ResizeImageMaskNode", "resize_type.nothing") is None
    assert isinstance(defs_0_33.input("BatchImagesNode", "images.image3").spec, LinkSpec)
    assert defs_0_33.input("BatchImagesNode", "images.other") is None


def test_every_input_of_a_recorded_0_3_64_has_its_spec(defs_0_3_64):
    kinds = Counter(type(i.spec) for d in defs_0_3_64.by_class.values() for i in d.inputs)
    # The counts of section 7 of the protocol notes; four odd editors, and links for the rest.
    assert len(defs_0_3_64) == 382
    assert (kinds[FloatSpec], kinds[IntSpec], kinds[StringSpec], kinds[BooleanSpec]) == (877, 293, 75, 38)
    assert kinds[ComboSpec] == 97 + 44


def test_every_input_of_a_recorded_0_33_has_its_spec(defs_0_33):
    kinds = Counter(type(i.spec) for d in defs_0_33.by_class.values() for i in d.inputs)
    assert len(defs_0_33) == 887
    assert (kinds[DynamicComboSpec], kinds[AutogrowSpec], kinds[ColorSpec]) == (130, 35, 7)
    assert kinds[ComboSpec] == 61 + 475


def test_the_largest_seed_keeps_every_digit(defs_0_3_64):
    assert defs_0_3_64.input("KSampler", "seed").spec.max == 18446744073709551615


@pytest.mark.parametrize(
    ("output", "accepted", "fits"),
    [
        ("MODEL", ("MODEL",), True),
        ("MODEL", ("CLIP",), False),
        ("*", ("CLIP",), True),
        ("INT", ("*",), True),
        ("INT,FLOAT", ("FLOAT", "STRING"), True),
    ],
)
def test_types_fit(output, accepted, fits):
    assert node_defs.types_fit(output, accepted) is fits
