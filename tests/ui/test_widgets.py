"""Exposed inputs as components: which one stands for what, and that values pass through unharmed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from comfyui_bridge.core import node_defs
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import (
    BooleanSpec,
    ColorSpec,
    ComboSpec,
    DynamicComboSpec,
    DynamicOption,
    EditorSpec,
    FloatSpec,
    InputSpec,
    IntSpec,
    LinkSpec,
    NodeDefs,
    StringSpec,
    Upload,
)
from comfyui_bridge.core.values import RANDOM
from comfyui_bridge.ui import form, widgets
from comfyui_bridge.ui.widgets import LocalFile, Seed, Slider
from comfyui_bridge.ui.widgets.picture import Picture
from comfyui_bridge.ui.words import Words

EN = Words("en")
LARGEST_SEED = 2**64 - 1


def exposed(spec: InputSpec, default: Any = None, key: str = "x", **changes: Any) -> ExposedInput:
    return ExposedInput(
        key=key, label=key.title(), spec=spec, default=default, node_id="3", input=key, **changes
    )


def build(one: ExposedInput, value: Any = None) -> gr.components.Component | None:
    return widgets.build(one, one.default if value is None else value, EN).component


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        (IntSpec(1, 1, 60), Slider),
        (IntSpec(20, 1, 10_000), gr.Number),
        (IntSpec(0), gr.Number),
        (IntSpec(0, 0, LARGEST_SEED), gr.Textbox),
        (IntSpec(0, 0, LARGEST_SEED, is_seed=True), Seed),
        (IntSpec(1, 0, 4096, display="slider"), Slider),
        (IntSpec(1, 0, 60, display="number"), gr.Number),
        (FloatSpec(1.0, 0.0, 1.0, 0.01), Slider),
        (FloatSpec(8.0, 0.0, 100.0, 0.1), gr.Number),
        (FloatSpec(1.0), gr.Number),
        (StringSpec("a"), gr.Textbox),
        (StringSpec("a", multiline=True), gr.Textbox),
        (BooleanSpec(True), gr.Checkbox),
        (ComboSpec(("a", "b"), "a"), gr.Dropdown),
        (ComboSpec(("a", "b"), multiselect=True), gr.Dropdown),
        (ComboSpec(("a.png",), upload=Upload.IMAGE), Picture),
        (ComboSpec(("a.mp4",), upload=Upload.VIDEO), gr.File),
        (ComboSpec((), upload=Upload.AUDIO), gr.File),
        (DynamicComboSpec((DynamicOption("a", ()), DynamicOption("b", ()))), gr.Dropdown),
        (ColorSpec("#ff0000"), gr.ColorPicker),
    ],
)
def test_each_kind_of_input_has_its_component(spec: InputSpec, kind: type) -> None:
    assert type(build(exposed(spec, getattr(spec, "default", None)))) is kind


@pytest.mark.parametrize("spec", [EditorSpec("CURVE"), LinkSpec(("MODEL",))])
def test_what_has_no_component_says_why(spec: InputSpec) -> None:
    assert build(exposed(spec)) is None
    assert "CURVE" in widgets.reason(spec, EN) or "MODEL" in widgets.reason(spec, EN)


@pytest.mark.parametrize("seed", [0, 2**53 + 1, LARGEST_SEED])
def test_a_seed_goes_in_and_out_without_loss(seed: int) -> None:
    one = exposed(IntSpec(0, 0, LARGEST_SEED, is_seed=True), seed, "seed")
    component = build(one)
    assert component is not None
    assert widgets.read(one, component.value) == str(seed)


def test_a_large_whole_number_that_is_no_seed_is_not_rounded_either() -> None:
    one = exposed(IntSpec(0, 0, LARGEST_SEED), LARGEST_SEED)
    component = build(one)
    assert component is not None
    assert widgets.read(one, component.value) == str(LARGEST_SEED)


def test_an_empty_seed_is_a_random_one() -> None:
    one = exposed(IntSpec(0, 0, LARGEST_SEED, is_seed=True), 5, "seed")
    assert widgets.read(one, "") == RANDOM
    assert widgets.read(one, None) == RANDOM


def test_a_seed_starts_random_unless_somebody_chose_it() -> None:
    one = exposed(IntSpec(0, 0, LARGEST_SEED, is_seed=True), 42, "seed")
    assert widgets.initial(one, {}, by_author=False) == RANDOM
    assert widgets.initial(one, {}, by_author=True) == 42
    assert widgets.initial(one, {"seed": "7"}, by_author=False) == "7"


def test_a_value_out_of_its_limits_reaches_the_check_and_no_alert_of_gradio_s() -> None:
    slider = build(exposed(IntSpec(1, 1, 60), 20))
    number = build(exposed(IntSpec(20, 1, 10_000), 20))
    assert slider is not None
    assert number is not None
    assert slider.preprocess(99_999) == 99_999
    assert number.preprocess(99_999) == 99_999


def test_a_choice_the_server_does_not_list_is_shown_and_handed_on() -> None:
    one = exposed(ComboSpec(("a", "b")), "gone.safetensors")
    component = build(one)
    assert isinstance(component, gr.Dropdown)
    assert component.value == "gone.safetensors"
    assert component.preprocess("gone.safetensors") == "gone.safetensors"


def test_a_long_list_of_choices_can_be_searched() -> None:
    short, long = (
        build(exposed(ComboSpec(("a", "b")), "a")),
        build(exposed(ComboSpec(tuple("abcdefghij")), "a")),
    )
    assert isinstance(short, gr.Dropdown)
    assert isinstance(long, gr.Dropdown)
    assert (short.filterable, long.filterable) == (False, True)


def test_a_file_is_kept_as_it_was_uploaded_and_nothing_leaves_the_default() -> None:
    one = exposed(ComboSpec(("example.mp4",), upload=Upload.VIDEO), "example.mp4", "video")
    component = build(one)
    assert isinstance(component, gr.File)
    assert component.value is None
    assert widgets.read(one, None) is None
    assert widgets.read(one, "/tmp/mine.mp4") == LocalFile("/tmp/mine.mp4")


def test_texts_of_a_link_are_shown_in_the_component_s_own_type() -> None:
    number = build(exposed(FloatSpec(1.0, 0.0, 1.0, 0.05)), "0.35")
    box = build(exposed(BooleanSpec(False, "enable", "disable")), "enable")
    wrong = build(exposed(IntSpec(20, 1, 10_000)), "many")
    assert number is not None
    assert number.value == 0.35
    assert box is not None
    assert box.value is True
    assert wrong is not None
    assert wrong.value is None


def test_an_emptied_number_is_handed_on_as_empty_and_not_as_its_default() -> None:
    assert widgets.read(exposed(IntSpec(20, 1, 10_000), 20), None) == ""
    assert widgets.read(exposed(FloatSpec(0.5, 0, 1)), 0) == 0


RECORDED = ("comfyui-0.3.64/object_info.json", "comfyui-0.33/object_info.json.gz")


@pytest.mark.parametrize("recording", RECORDED)
def test_every_input_of_every_recorded_node_has_its_component_or_a_reason(recording: str) -> None:
    built = 0
    for node in recorded_definitions(recording).by_class.values():
        for definition in node.inputs:
            if not definition.has_widget:
                continue
            default = getattr(definition.spec, "default", None)
            one = exposed(definition.spec, default, definition.name)
            component = build(one)
            assert component is not None or widgets.reason(definition.spec, EN), (node.class_type, definition)
            assert widgets.tooltip(one, EN)
            built += component is not None
    assert built > 1000


def recorded_definitions(recording: str) -> NodeDefs:
    content = (Path(__file__).parent.parent / "recordings" / recording).read_bytes()
    return node_defs.parse(json.loads(gzip.decompress(content) if recording.endswith(".gz") else content))


def test_a_tooltip_says_where_an_input_comes_from_and_its_limits() -> None:
    one = exposed(IntSpec(20, 1, 60), 20, "steps", node_title="KSampler", help="More is slower.")
    assert widgets.tooltip(one, EN) == "More is slower.\nKSampler: steps\n1 to 60"


def test_shapes_keep_the_workflow_s_area_and_the_node_s_steps() -> None:
    width = exposed(IntSpec(512, 256, 1536, 64), 768, "width")
    height = exposed(IntSpec(512, 256, 1536, 64), 512, "height")
    found = {label: (w, h) for label, w, h in form.presets(width, height)}
    assert found["1:1"] == (640, 640)
    assert found["16:9"][0] > found["16:9"][1]
    assert found["9:16"] == found["16:9"][::-1]
    for w, h in found.values():
        assert w % 64 == h % 64 == 0
        assert 0.7 < w * h / (768 * 512) < 1.3
