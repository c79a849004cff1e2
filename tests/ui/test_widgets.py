"""Exposed inputs as widgets: which one stands for what, and that values pass through unharmed."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from comfyui_bridge.core import node_defs
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import (
    AutogrowSpec,
    BooleanSpec,
    ColorSpec,
    ComboSpec,
    DynamicComboSpec,
    DynamicOption,
    EditorSpec,
    FloatSpec,
    InputDef,
    InputSpec,
    IntSpec,
    LinkSpec,
    StringSpec,
    Upload,
)
from comfyui_bridge.core.values import RANDOM
from comfyui_bridge.ui import form, widgets
from comfyui_bridge.ui.widgets.choices import MOST_SENT
from comfyui_bridge.ui.widgets.numbers import number
from comfyui_bridge.ui.words import Words

EN = Words("en")
LARGEST_SEED = 2**64 - 1
LONG = tuple(f"model {number}" for number in range(5000))


def exposed(spec: InputSpec, default: Any = None, key: str = "x", **changes: Any) -> ExposedInput:
    return ExposedInput(
        key=key, label=key.title(), spec=spec, default=default, node_id="3", input=key, **changes
    )


def described(spec: InputSpec, default: Any = None, **changes: Any) -> dict[str, Any]:
    return widgets.describe(exposed(spec, default, **changes), EN)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        (IntSpec(1, 1, 60), "slider"),
        (IntSpec(20, 1, 10_000), "number"),
        (IntSpec(0), "number"),
        (IntSpec(0, 0, LARGEST_SEED), "digits"),
        (IntSpec(0, 0, LARGEST_SEED, is_seed=True), "seed"),
        (IntSpec(1, 0, 4096, display="slider"), "slider"),
        (IntSpec(1, 0, 60, display="number"), "number"),
        (IntSpec(0, 0, 0xFFFFFF, display="color"), "color"),
        (FloatSpec(1.0, 0.0, 1.0, 0.01), "slider"),
        (FloatSpec(8.0, 0.0, 100.0, 0.1), "number"),
        (FloatSpec(1.0), "number"),
        (StringSpec("a"), "line"),
        (StringSpec("a", multiline=True), "text"),
        (BooleanSpec(True), "switch"),
        (ComboSpec(("a", "b"), "a"), "choice"),
        (ComboSpec(("a", "b"), multiselect=True), "choices"),
        (ComboSpec(("a.png",), upload=Upload.IMAGE), "picture"),
        (ComboSpec(("a.mp4",), upload=Upload.VIDEO), "file"),
        (ComboSpec((), upload=Upload.AUDIO), "file"),
        (DynamicComboSpec((DynamicOption("a", ()), DynamicOption("b", ()))), "choice"),
        (ColorSpec("#ff0000"), "color"),
        (EditorSpec("CURVE"), "none"),
        (LinkSpec(("MODEL",)), "none"),
    ],
)
def test_each_kind_of_input_has_its_widget(spec: InputSpec, kind: str) -> None:
    assert described(spec, getattr(spec, "default", None))["kind"] == kind


def test_what_an_author_says_of_a_picture_stands_where_it_is_painted_on() -> None:
    picture = described(ComboSpec((), upload=Upload.IMAGE), help="The rectangle too.")
    assert picture["say"]["note"] == "The rectangle too."


@pytest.mark.parametrize("spec", [EditorSpec("CURVE"), LinkSpec(("MODEL",))])
def test_what_has_no_widget_says_why(spec: InputSpec) -> None:
    assert re.search("CURVE|MODEL", described(spec)["reason"])


@pytest.mark.parametrize("seed", [0, 2**53 + 1, LARGEST_SEED])
@pytest.mark.parametrize("is_seed", [True, False])
def test_a_large_whole_number_goes_in_and_out_without_loss(seed: int, is_seed: bool) -> None:
    one = exposed(IntSpec(0, 0, LARGEST_SEED, is_seed=is_seed), seed, "seed")
    held = json.loads(json.dumps(widgets.shown(one, seed)))
    assert held == str(seed)
    assert widgets.read(one, held) == str(seed)


def test_an_empty_seed_is_a_random_one_and_one_that_counts_stays_as_it_is_said() -> None:
    one = exposed(IntSpec(0, 0, LARGEST_SEED, is_seed=True), 5, "seed")
    assert widgets.read(one, "") == RANDOM
    assert [widgets.shown(one, value) for value in (RANDOM, "-1", -1, "7+")] == ["", "", "", "7+"]
    assert widgets.read(one, "7+") == "7+"


def test_a_seed_starts_random_unless_somebody_chose_it() -> None:
    one = exposed(IntSpec(0, 0, LARGEST_SEED, is_seed=True), 42, "seed")
    assert widgets.initial(one, {}, by_author=False) == RANDOM
    assert widgets.initial(one, {}, by_author=True) == 42
    assert widgets.initial(one, {"seed": "7"}, by_author=False) == "7"


def test_a_long_list_of_choices_is_not_sent_with_the_form() -> None:
    long = described(ComboSpec(LONG, LONG[0]))
    assert (long["fetch"], long["count"], long.get("choices")) == (True, 5000, None)
    assert len(json.dumps(long)) < 500
    assert described(ComboSpec(LONG[:MOST_SENT]))["choices"] == list(LONG[:MOST_SENT])


def test_a_remote_list_is_asked_for_and_can_be_asked_for_again() -> None:
    remote = described(ComboSpec((), remote_route="/internal/files/output"))
    assert remote["fetch"]
    assert remote["remote"]


def test_an_input_that_can_be_left_out_says_what_it_would_begin_with() -> None:
    spec = ComboSpec(("a", "b"))
    left_out = described(spec, None, required=False)
    assert left_out["optional"]
    assert left_out["start"] == "a"
    assert widgets.shown(exposed(spec, required=False), None) is None
    assert "optional" not in described(spec, "a")


def test_a_file_in_our_keeping_is_shown_and_read_as_what_it_is() -> None:
    one = exposed(ComboSpec(("example.png",), upload=Upload.IMAGE), "example.png", "image")
    file = FileValue("k" * 64, "mine.png")
    assert widgets.read(one, widgets.shown(one, file)) == file
    assert widgets.shown(one, "example.png") == "example.png"


def test_words_of_a_link_are_shown_in_the_widget_s_own_way() -> None:
    assert widgets.shown(exposed(FloatSpec(1.0, 0.0, 1.0, 0.05)), "0.35") == "0.35"
    assert widgets.shown(exposed(BooleanSpec(False, "enable", "disable")), "enable") is True
    assert widgets.shown(exposed(IntSpec(20, 1, 10_000)), "many") == "many"


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


# The table in docs/widgets.md, against all node types of both recorded versions.

RECORDED = ("comfyui-0.3.64/object_info.json", "comfyui-0.33/object_info.json.gz")
DOCUMENT = Path(__file__).parents[2] / "docs" / "widgets.md"


@cache
def every_input(recording: str) -> tuple[InputDef, ...]:
    """Every input of every node, those that options and lists bring among them."""
    content = (Path(__file__).parent.parent / "recordings" / recording).read_bytes()
    info = json.loads(gzip.decompress(content) if recording.endswith(".gz") else content)
    nodes = node_defs.parse(info).by_class.values()
    return tuple(definition for node in nodes for definition in with_nested(node.inputs))


def with_nested(definitions: Iterable[InputDef]) -> Iterator[InputDef]:
    for definition in definitions:
        yield definition
        match definition.spec:
            case DynamicComboSpec(options):
                for option in options:
                    yield from with_nested(option.inputs)
            case AutogrowSpec(template=template):
                yield from with_nested((template,))


def form_of(definition: InputDef) -> str:
    """What kind of input this is, as the table names it."""
    spec = definition.spec
    if definition.force_input and not isinstance(spec, LinkSpec):
        return f"{definition.type} with forceInput"
    match spec:
        case IntSpec(is_seed=True):
            return "INT, a seed"
        case IntSpec(display="color"):
            return "INT, display color"
        case IntSpec() | FloatSpec():
            near = {"slider": "near limits", "number": "far or no limits", "digits": "beyond 2**53"}
            return f"{definition.type}, {near[number(spec).kind]}"
        case StringSpec(multiline=multiline):
            return "STRING, multiline" if multiline else "STRING"
        case BooleanSpec(label_on=on, label_off=off):
            return "BOOLEAN with labels" if on and off else "BOOLEAN"
        case ComboSpec(upload=None, multiselect=False, remote_route="", options=options):
            return "COMBO" if len(options) <= MOST_SENT else "COMBO, long"
        case ComboSpec(upload=upload, remote_route=route, multiselect=several):
            what = f"COMBO, {upload.value}_upload" if upload else "COMBO"
            return f"{what}{', remote' if route else ''}{', multiselect' if several else ''}"
        case AutogrowSpec(template=template):
            return "COMFY_AUTOGROW_V3 of values" if template.has_widget else "COMFY_AUTOGROW_V3 of links"
        case LinkSpec():
            return "link only (MODEL, IMAGE, ...)"
        case EditorSpec(type_):
            return type_
    return definition.type


def widget_of(definition: InputDef) -> str:
    one = exposed(definition.spec, getattr(definition.spec, "default", None), definition.name)
    return "none" if definition.force_input else str(widgets.describe(one, EN)["kind"])


def documented() -> dict[str, tuple[str, list[int]]]:
    rows: dict[str, tuple[str, list[int]]] = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[1].isdigit():
            rows[cells[0]] = (cells[3], [int(cells[1]), int(cells[2])])
    return rows


def test_every_form_of_input_in_both_versions_stands_in_the_table_with_its_widget() -> None:
    counts = [Counter(map(form_of, every_input(recording))) for recording in RECORDED]
    rows = documented()
    assert {name: numbers for name, (_, numbers) in rows.items()} == {
        name: [count[name] for count in counts] for name in sorted(set().union(*counts))
    }
    found = {(form_of(one), widget_of(one)) for recording in RECORDED for one in every_input(recording)}
    assert found == {(name, kind) for name, (kind, _) in rows.items()}


@pytest.mark.parametrize("recording", RECORDED)
def test_every_input_of_every_node_can_be_described_in_both_languages(recording: str) -> None:
    described_ = 0
    for definition in every_input(recording):
        one = exposed(
            definition.spec,
            getattr(definition.spec, "default", None),
            definition.name,
            required=definition.required,
        )
        for words in (EN, Words("zh")):
            said = widgets.describe(one, words)
            assert said["kind"] != "none" or said["reason"], definition
            json.dumps([said, widgets.shown(one, one.default)], allow_nan=False)
        described_ += 1
    assert described_ > 1500
