"""Conversion rule by rule: small documents, and what must come out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from comfyui_bridge.core import node_defs
from comfyui_bridge.core.convert import convert
from comfyui_bridge.core.convert.texts import dynamic_prompt, format_date, without_comments
from comfyui_bridge.core.errors import UnknownClassType, WorkflowError
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.workflow import Workflow

SAMPLER = [42, "fixed", 4, 7.0, "euler", "normal", 1.0]


def node(node_id: Any, type_: str, values: Any = None, **more: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": node_id, "type": type_, "inputs": [], "outputs": [], **more}
    return entry if values is None else {**entry, "widgets_values": values}


def slot(name: str, type_: str, link: Any = None, widget: bool = False) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "type": type_, "link": link}
    return {**entry, "widget": {"name": name}} if widget else entry


def out(type_: str, *links: Any) -> dict[str, Any]:
    return {"name": type_, "type": type_, "links": list(links)}


def doc(nodes: list[Any], *links: Any, **more: Any) -> dict[str, Any]:
    return {"nodes": nodes, "links": list(links), "version": 0.4, **more}


def subgraph(
    key: str, nodes: list[Any], links: list[Any], inputs: Any = (), outputs: Any = ()
) -> dict[str, Any]:
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return {
        "id": key,
        "name": key,
        "nodes": nodes,
        "links": [dict(zip(names, link, strict=True)) for link in links],
        "inputs": [{"name": n, "type": t, "linkIds": ids} for n, t, ids in inputs],
        "outputs": [{"name": n, "type": t, "linkIds": ids} for n, t, ids in outputs],
    }  # fmt: skip


def with_subgraphs(nodes: list[Any], links: list[Any], *subgraphs: Any) -> dict[str, Any]:
    return doc(nodes, *links, definitions={"subgraphs": list(subgraphs)})


def inputs_of(workflow: Workflow, node_id: str) -> dict[str, Any]:
    return dict(workflow.to_api()[node_id]["inputs"])


def values_of(defs: NodeDefs, type_: str, values: Any) -> dict[str, Any]:
    return inputs_of(convert(doc([node(1, type_, values)]), defs).workflow, "1")


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        (
            "KSampler",
            SAMPLER,
            {
                "seed": 42,
                "steps": 4,
                "cfg": 7.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
            },
        ),
        ("KSampler", {"steps": 9}, {"steps": 9, "seed": 0, "cfg": 8.0}),
        ("EmptyLatentImage", [64], {"width": 64, "height": 512, "batch_size": 1}),
        ("EmptyLatentImage", None, {"width": 512}),
        ("EmptyLatentImage", ["20", 63.7, True, 5, 6], {"width": "20", "height": 63.7, "batch_size": True}),
        ("EmptyLatentImage", [None], {"width": None}),
        ("CLIPTextEncode", [None], {"text": ""}),
        ("LoadImage", ["sub/x.png", "image"], {"image": "sub/x.png"}),
        ("LoadImage", [None], {"image": "example.png"}),
        ("KSampler", [18446744073709551615, "randomize"], {"seed": 18446744073709551615}),
        ("KSampler", [1, "fixed", 4, 7, "sample_euler"], {"sampler_name": "euler"}),
        ("CreateBoundingBoxes", None, {"editor_state": {"__value__": []}}),
        (
            "CurveEditor",
            [[[0, 0], [1, 1]]],
            {"curve": {"__type__": "CURVE", "__value__": [[0, 0], [1, 1]]}},
        ),
        (
            "ImageCropV2",
            [{"x": 1, "y": 2, "width": 3, "height": 4}, 1, 2, 3, 4],
            {"crop_region": {"x": 1, "y": 2, "width": 3, "height": 4}},
        ),
        ("ImageCompare", ["ignored"], {"compare_view": {"__value__": ["", ""]}}),
        (
            "ResizeImageMaskNode",
            ["scale by multiplier", 2.5, "lanczos"],
            {"resize_type": "scale by multiplier", "resize_type.multiplier": 2.5, "scale_method": "lanczos"},
        ),
        ("ResizeImageMaskNode", ["no such", 5], {"resize_type": "no such", "scale_method": 5}),
        (
            "CustomCombo",
            ["b", None, "a", "b", ""],
            {"choice": "b", "index": 1, "option1": "a", "option2": "b", "option3": ""},
        ),
    ],
)
def test_values_land_on_the_widgets_they_were_saved_for(
    type_: str, values: Any, expected: dict[str, Any], defs_0_33: NodeDefs
) -> None:
    got = values_of(defs_0_33, type_, values)
    assert {name: got.get(name) for name in expected} == expected


def test_no_control_value_reaches_the_workflow(defs_0_33: NodeDefs) -> None:
    assert set(values_of(defs_0_33, "KSampler", SAMPLER)) == {
        "seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"
    }  # fmt: skip


def test_an_option_the_server_does_not_have_is_noted(defs_0_33: NodeDefs) -> None:
    notes = convert(doc([node(7, "ResizeImageMaskNode", ["no such"])]), defs_0_33).notes
    assert any('"resize_type" of node 7' in note and "no such" in note for note in notes)


def test_inputs_follow_the_servers_definitions_not_a_table() -> None:
    made_up = node_defs.parse(
        {
            "Nobody's": {
                "input": {
                    "required": {
                        "amount": ["INT", {"default": 3, "control_after_generate": True}],
                        "forced": ["INT", {"forceInput": True}],
                        "thing": ["THING"],
                        "kind": [["a", "b"]],
                        "both": ["INT,FLOAT", {"widgetType": "FLOAT"}],
                    },
                    "optional": {"picture": ["COMBO", {"options": [], "image_upload": True}]},
                },
                "output": ["THING"],
            }
        }
    )
    got = values_of(made_up, "Nobody's", [5, "increment", "b", 0.5, "x.png"])
    assert got == {"amount": 5, "kind": "b", "both": 0.5, "picture": "x.png"}


@pytest.mark.parametrize(
    ("links", "ids"),
    [
        ([[1, 1, 0, 2, 0, "IMAGE"]], (1, 2)),
        ([{"id": 1, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 0}], (1, 2)),
        ([["1", "1", 0, "2", 0, "IMAGE"]], ("1", "2")),
        ([[1, "load", "0", "view", 0, "IMAGE"]], ("load", "view")),
        ([[1.0, 1.0, 0, 2.0, 0, "IMAGE"]], (1.0, 2)),
    ],
)
def test_links_and_ids_of_every_version_of_the_format(links: Any, ids: Any, defs_0_33: NodeDefs) -> None:
    source, target = ids
    nodes = [
        node(source, "LoadImage", ["example.png"], outputs=[out("IMAGE", 1)]),
        node(target, "PreviewImage", inputs=[slot("images", "IMAGE", 1)]),
    ]
    for version in (0.4, 1, None):
        workflow = convert(doc(nodes, *links, version=version), defs_0_33).workflow
        (consumer,) = workflow.of_class("PreviewImage")
        (producer,) = workflow.of_class("LoadImage")
        assert consumer.to_api()["inputs"] == {"images": [producer.node_id, 0]}


IMAGES = node(1, "LoadImage", ["example.png"], outputs=[out("IMAGE", 1), out("MASK", 2)])


def consumer_of(middle: dict[str, Any], *links: Any, wanted: str = "IMAGE") -> dict[str, Any]:
    """LoadImage (1) to a node in the middle (2) to something that takes its first output (3)."""
    end = node(3, "PreviewImage" if wanted == "IMAGE" else "MaskToImage")
    end["inputs"] = [slot("images" if wanted == "IMAGE" else "mask", wanted, 9)]
    return doc([IMAGES, middle, end], *links, [9, 2, 0, 3, 0, wanted])


INVERT = {"inputs": [slot("image", "IMAGE", 1)], "outputs": [out("IMAGE", 9)]}
TO_INVERT = [1, 1, 0, 2, 0, "IMAGE"]


@pytest.mark.parametrize(
    ("middle", "links", "expected"),
    [
        (node(2, "ImageInvert", **INVERT), [TO_INVERT], ["2", 0]),
        (node(2, "ImageInvert", mode=1, **INVERT), [TO_INVERT], ["2", 0]),
        (node(2, "ImageInvert", mode=3, **INVERT), [TO_INVERT], ["2", 0]),
        (node(2, "ImageInvert", mode=2, **INVERT), [TO_INVERT], None),
        (node(2, "ImageInvert", mode=4, **INVERT), [TO_INVERT], ["1", 0]),
        (node(2, "Reroute", **INVERT), [TO_INVERT], ["1", 0]),
        (node(2, "Reroute", mode=4, **INVERT), [TO_INVERT], ["1", 0]),
        (node(2, "Reroute", mode=2, **INVERT), [TO_INVERT], None),
        (node(2, "Reroute", inputs=[slot("", "*")], outputs=[out("IMAGE", 9)]), [], None),
        (node(2, "EmptyImage", [8, 8, 1, 0], mode=4, outputs=[out("IMAGE", 9)]), [], None),
        (node(2, "SomebodyElses", mode=4, **INVERT), [TO_INVERT], ["1", 0]),
        # The mask fits no IMAGE output; the second input of the type is the one that is passed on.
        (
            node(
                2,
                "SomebodyElses",
                mode=4,
                inputs=[slot("mask", "MASK", 2), slot("image", "IMAGE", 1)],
                outputs=[out("IMAGE", 9)],
            ),
            [[1, 1, 0, 2, 1, "IMAGE"], [2, 1, 1, 2, 0, "MASK"]],
            ["1", 0],
        ),
    ],
)
def test_links_are_followed_to_what_runs(
    middle: dict[str, Any], links: Any, expected: Any, defs_0_33: NodeDefs
) -> None:
    workflow = convert(consumer_of(middle, *links), defs_0_33).workflow
    assert inputs_of(workflow, "3") == ({} if expected is None else {"images": expected})


def test_a_link_overrides_the_widget_and_a_dead_one_gives_it_back(defs_0_33: NodeDefs) -> None:
    for mode, expected in ((0, ["1", 0]), (2, 640)):
        source = node(1, "PrimitiveInt", [7, "fixed"], mode=mode, outputs=[out("INT", 1)])
        target = node(2, "EmptyLatentImage", [640, 480, 1], inputs=[slot("width", "INT", 1, True)])
        workflow = convert(doc([source, target], [1, 1, 0, 2, 0, "INT"]), defs_0_33).workflow
        assert inputs_of(workflow, "2")["width"] == expected


@pytest.mark.parametrize("link", [[5, 99, 0, 2, 0, "IMAGE"], [77, 1, 0, 2, 0, "IMAGE"]])
def test_a_link_to_nowhere_is_dropped_with_a_note(link: Any, defs_0_33: NodeDefs) -> None:
    target = node(2, "PreviewImage", inputs=[slot("images", "IMAGE", 5)])
    conversion = convert(doc([IMAGES, target], link), defs_0_33)
    assert inputs_of(conversion.workflow, "2") == {}
    assert any('"images" of node 2' in note for note in conversion.notes)


def test_links_in_a_circle_are_told(defs_0_33: NodeDefs) -> None:
    ring = [
        node(1, "Reroute", inputs=[slot("", "*", 2)], outputs=[out("*", 1)]),
        node(2, "Reroute", inputs=[slot("", "*", 1)], outputs=[out("*", 2, 3)]),
        node(3, "PreviewAny", inputs=[slot("source", "*", 3)]),
    ]
    links = [[1, 1, 0, 2, 0, "*"], [2, 2, 0, 1, 0, "*"], [3, 2, 0, 3, 0, "*"]]
    with pytest.raises(WorkflowError, match="circle"):
        convert(doc(ring, *links), defs_0_33)


@pytest.mark.parametrize(
    ("target", "name", "type_", "value", "expected"),
    [
        ("EmptyLatentImage", "width", "INT", 5, 16),
        ("EmptyLatentImage", "width", "INT", 515, 512),
        ("EmptyLatentImage", "width", "INT", "777", 776),
        ("KSampler", "cfg", "FLOAT", 7.123456, 7.1),
        ("KSampler", "denoise", "FLOAT", -0.5, 0.0),
        ("KSampler", "seed", "INT", 18446744073709551615, 18446744073709551615),
        ("KSampler", "sampler_name", "COMBO", "no such", "no such"),
        ("CLIPTextEncode", "text", "STRING", "a text", "a text"),
    ],
)
@pytest.mark.parametrize("mode", [0, 2, 4])
def test_a_primitive_writes_its_value_into_its_target(
    target: str, name: str, type_: str, value: Any, expected: Any, mode: int, defs_0_33: NodeDefs
) -> None:
    nodes = [
        node(1, "PrimitiveNode", [value, "fixed"], mode=mode, outputs=[out(type_, 1)]),
        node(2, target, inputs=[slot(name, type_, 1, True)]),
    ]
    conversion = convert(doc(nodes, [1, 1, 0, 2, 0, type_]), defs_0_33)
    assert inputs_of(conversion.workflow, "2")[name] == expected
    assert "1" not in conversion.workflow
    assert any("primitive 1" in note for note in conversion.notes) == (value != expected)


def text_pair(*values: Any, mode: int = 0, **more: Any) -> dict[str, Any]:
    """A subgraph that shows two texts of an inner node, and one instance of it."""
    inner = node(
        21,
        "StringConcatenate",
        ["A", "B", "-"],
        inputs=[slot("string_a", "STRING", 31, True), slot("string_b", "STRING", 32, True)],
        outputs=[out("STRING", 33)],
    )
    links = [(31, -10, 0, 21, 0, "STRING"), (32, -10, 1, 21, 1, "STRING"), (33, 21, 0, -20, 0, "STRING")]
    definition = subgraph(
        "pair",
        [inner],
        links,
        [("first", "STRING", [31]), ("second", "STRING", [32])],
        [("STRING", "STRING", [33])],
    )
    instance = node(2, "pair", list(values) or None, mode=mode, outputs=[out("STRING", 1)], **more)
    viewer = node(3, "PreviewAny", inputs=[slot("source", "*", 1)])
    return with_subgraphs([instance, viewer], [[1, 2, 0, 3, 0, "STRING"]], definition)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("one", "two"), ("one", "two")),
        (("one",), ("one", "B")),
        ((), ("A", "B")),
        (("one", "two", "three"), ("one", "two")),
        (([1, 2],), ({"__value__": [1, 2]}, "B")),
    ],
)
def test_an_instance_has_its_own_values(values: Any, expected: Any, defs_0_33: NodeDefs) -> None:
    workflow = convert(text_pair(*values), defs_0_33).workflow
    got = inputs_of(workflow, "2:21")
    assert (got["string_a"], got["string_b"], got["delimiter"]) == (*expected, "-")
    assert inputs_of(workflow, "3") == {"source": ["2:21", 0]}


def test_values_go_by_the_definitions_order_not_the_instances(defs_0_33: NodeDefs) -> None:
    turned = [slot("second", "STRING", None, True), slot("first", "STRING", None, True)]
    workflow = convert(text_pair("one", "two", inputs=turned), defs_0_33).workflow
    assert inputs_of(workflow, "2:21")["string_a"] == "one"


def test_values_of_an_instance_saved_by_name(defs_0_33: NodeDefs) -> None:
    document = text_pair()
    document["nodes"][0]["widgets_values"] = {"second": "two"}
    got = inputs_of(convert(document, defs_0_33).workflow, "2:21")
    assert (got["string_a"], got["string_b"]) == ("A", "two")


@pytest.mark.parametrize("mode", [2, 4])
def test_a_muted_or_bypassed_subgraph_does_not_run(mode: int, defs_0_33: NodeDefs) -> None:
    workflow = convert(text_pair("one", mode=mode), defs_0_33).workflow
    assert list(workflow.nodes) == ["3"]


@pytest.mark.parametrize("mode", [2, 4])
def test_nothing_runs_of_a_muted_subgraph_within_a_subgraph(mode: int, defs_0_33: NodeDefs) -> None:
    inner = subgraph("inner", [node(21, "PreviewAny"), node(22, "PrimitiveInt", [1, "fixed"])], [])
    outer = subgraph("outer", [node(11, "inner", mode=mode)], [])
    workflow = convert(with_subgraphs([node(1, "outer")], [], outer, inner), defs_0_33).workflow
    assert not any(defs_0_33.by_class[n.class_type].output_node for n in workflow.nodes.values())


def test_inner_ids_that_are_taken_are_numbered_on(defs_0_33: NodeDefs) -> None:
    first = subgraph("first", [node(1, "PrimitiveInt"), node(8, "PrimitiveInt")], [])
    second = subgraph("second", [node(8, "PrimitiveInt"), node(9, "PrimitiveInt")], [])
    document = with_subgraphs([node(1, "first"), node(2, "second")], [], first, second)
    document["last_node_id"] = 2
    workflow = convert(document, defs_0_33).workflow
    assert list(workflow.nodes) == ["1:3", "1:8", "2:9", "2:10"]


def test_a_straight_link_through_a_subgraph(defs_0_33: NodeDefs) -> None:
    through = subgraph(
        "through", [], [(31, -10, 0, -20, 0, "INT")], [("a", "INT", [31])], [("b", "INT", [31])]
    )
    nodes = [
        node(1, "PrimitiveInt", [7, "fixed"], outputs=[out("INT", 1)]),
        node(2, "through", inputs=[slot("a", "INT", 1)], outputs=[out("INT", 2)]),
        node(3, "PreviewAny", inputs=[slot("source", "*", 2)]),
    ]
    links = [[1, 1, 0, 2, 0, "INT"], [2, 2, 0, 3, 0, "INT"]]
    assert inputs_of(convert(with_subgraphs(nodes, links, through), defs_0_33).workflow, "3") == {
        "source": ["1", 0]
    }


def test_one_definition_twice_in_a_row_is_no_circle(defs_0_33: NodeDefs) -> None:
    inner = node(21, "ImageInvert", mode=4, inputs=[slot("image", "IMAGE", 31)], outputs=[out("IMAGE", 32)])
    step = subgraph(
        "step",
        [inner],
        [(31, -10, 0, 21, 0, "IMAGE"), (32, 21, 0, -20, 0, "IMAGE")],
        [("in", "IMAGE", [31])],
        [("out", "IMAGE", [32])],
    )
    nodes = [
        IMAGES,
        node(4, "step", inputs=[slot("in", "IMAGE", 1)], outputs=[out("IMAGE", 5)]),
        node(5, "step", inputs=[slot("in", "IMAGE", 5)], outputs=[out("IMAGE", 6)]),
        node(6, "PreviewImage", inputs=[slot("images", "IMAGE", 6)]),
    ]
    links = [[1, 1, 0, 4, 0, "IMAGE"], [5, 4, 0, 5, 0, "IMAGE"], [6, 5, 0, 6, 0, "IMAGE"]]
    workflow = convert(with_subgraphs(nodes, links, step), defs_0_33).workflow
    assert inputs_of(workflow, "6") == {"images": ["1", 0]}


def proxied(entries: Any, values: Any) -> dict[str, Any]:
    definition = subgraph("s", [node(21, "KSampler", SAMPLER), node(22, "CLIPTextEncode", ["inner"])], [])
    instance = node(1, "s", values, properties={"proxyWidgets": entries})
    return with_subgraphs([instance, node(2, "s")], [], definition)


def test_promoted_widgets_of_the_older_form(defs_0_33: NodeDefs) -> None:
    entries = [["21", "steps"], ["21", "control_after_generate"], ["99", "gone"], ["22", "text"]]
    workflow = convert(proxied(entries, [33, "increment", "x", "of the instance"]), defs_0_33).workflow
    assert inputs_of(workflow, "1:21")["steps"] == 33
    assert inputs_of(workflow, "1:22")["text"] == "of the instance"
    assert inputs_of(workflow, "2:21")["steps"] == 4
    assert inputs_of(workflow, "2:22")["text"] == "inner"


@pytest.mark.parametrize("name", ["21: steps", " 5 : 21 : steps"])
def test_older_names_of_promoted_widgets(name: str, defs_0_33: NodeDefs) -> None:
    workflow = convert(proxied([["21", name]], [33]), defs_0_33).workflow
    assert inputs_of(workflow, "1:21")["steps"] == 33


def test_slots_the_definition_does_not_have(defs_0_33: NodeDefs) -> None:
    stale = [slot("socket", "IMAGE", 1), slot("images", "IMAGE", 3), slot("widget", "IMAGE", 2, True)]
    links = [[1, 1, 0, 2, 0, "IMAGE"], [2, 1, 0, 2, 2, "IMAGE"], [3, 1, 0, 2, 1, "IMAGE"]]
    workflow = convert(doc([IMAGES, node(2, "PreviewImage", inputs=stale)], *links), defs_0_33).workflow
    assert inputs_of(workflow, "2") == {"images": ["1", 0], "socket": ["1", 0]}


def test_a_list_that_grows_keeps_its_gaps(defs_0_33: NodeDefs) -> None:
    slots = [slot(f"images.image{index}", "IMAGE", link) for index, link in ((0, 1), (1, None), (5, 2))]
    links = [[1, 1, 0, 2, 0, "IMAGE"], [2, 1, 0, 2, 2, "IMAGE"]]
    workflow = convert(doc([IMAGES, node(2, "BatchImagesNode", inputs=slots)], *links), defs_0_33).workflow
    assert inputs_of(workflow, "2") == {"images.image0": ["1", 0], "images.image5": ["1", 0]}


def test_a_group_node_becomes_a_subgraph(defs_0_33: NodeDefs) -> None:
    group = {
        "nodes": [
            {"type": "EmptyLatentImage", "widgets_values": [64, 64, 1]},
            {"type": "KSampler", "inputs": [], "widgets_values": SAMPLER},
        ],
        "links": [[0, 0, 1, 3, 1, "LATENT"]],
    }
    nodes = [
        node(1, "CheckpointLoaderSimple", ["x"], outputs=[out("MODEL", 1)]),
        node(
            4,
            "workflow/G",
            [640, 480, 3, 77, "fixed", 30, 6.5, "heun", "karras", 0.5],
            inputs=[slot("model", "MODEL", 1)],
            outputs=[out("LATENT", 2)],
        ),
        node(5, "VAEDecode", inputs=[slot("samples", "LATENT", 2)]),
    ]
    links = [[1, 1, 0, 4, 0, "MODEL"], [2, 4, 0, 5, 0, "LATENT"]]
    document = doc(nodes, *links, last_node_id=6, extra={"groupNodes": {"G": group}})
    workflow = convert(document, defs_0_33).workflow
    assert inputs_of(workflow, "9:7") == {"width": 640, "height": 480, "batch_size": 3}
    sampler = inputs_of(workflow, "9:8")
    assert (sampler["scheduler"], sampler["denoise"], sampler["seed"]) == ("karras", 0.5, 77)
    assert sampler["model"] == ["1", 0]
    assert sampler["latent_image"] == ["9:7", 0]
    assert inputs_of(workflow, "5") == {"samples": ["9:8", 0]}


@pytest.mark.parametrize("words", [("SetNode", "GetNode"), ("easy setNode", "easy getNode")])
def test_setters_and_getters_of_well_known_extensions(words: tuple[str, str], defs_0_33: NodeDefs) -> None:
    setter, getter = words
    nodes = [
        IMAGES,
        node(4, setter, ["photo"], inputs=[slot("IMAGE", "IMAGE", 1)], outputs=[out("*", 7)]),
        node(5, getter, ["photo"], outputs=[out("IMAGE", 6)]),
        node(6, "PreviewImage", inputs=[slot("images", "IMAGE", 6)]),
        node(7, "PreviewImage", inputs=[slot("images", "IMAGE", 7)]),
        node(8, getter, ["nobody's"], outputs=[out("IMAGE", 8)]),
        node(9, "PreviewImage", inputs=[slot("images", "IMAGE", 8)]),
        node(10, "Label (rgthree)"),
    ]
    links = [[1, 1, 0, 4, 0, "IMAGE"], [6, 5, 0, 6, 0, "IMAGE"], [7, 4, 0, 7, 0, "*"], [8, 8, 0, 9, 0, "*"]]
    conversion = convert(doc(nodes, *links), defs_0_33)
    assert list(conversion.workflow.nodes) == ["1", "6", "7", "9"]
    assert inputs_of(conversion.workflow, "6") == {"images": ["1", 0]}
    assert inputs_of(conversion.workflow, "7") == {"images": ["1", 0]}
    assert inputs_of(conversion.workflow, "9") == {}
    assert any("nobody's" in note for note in conversion.notes)


def test_an_unknown_node_says_which_and_what_would_help(defs_0_33: NodeDefs) -> None:
    document = with_subgraphs(
        [node(5, "s")], [], subgraph("s", [node(11, "FancyNode", title="My fancy")], [])
    )
    with pytest.raises(UnknownClassType) as caught:
        convert(document, defs_0_33)
    assert (caught.value.node_id, caught.value.title) == ("5:11", "My fancy")
    assert "FancyNode" in str(caught.value)
    assert "Install the extension" in str(caught.value)


@pytest.mark.parametrize("mode", [2, 4])
def test_an_unknown_node_that_does_not_run_is_no_trouble(mode: int, defs_0_33: NodeDefs) -> None:
    document = doc([node(1, "FancyNode", mode=mode), node(2, "PrimitiveInt", [3])])
    assert list(convert(document, defs_0_33).workflow.nodes) == ["2"]


def test_a_workflow_in_which_nothing_runs_is_empty_and_says_so(defs_0_33: NodeDefs) -> None:
    conversion = convert(doc([node(1, "Note", ["x"]), node(2, "KSampler", mode=2)]), defs_0_33)
    assert not conversion.workflow.nodes
    assert any("Nothing in this workflow runs" in note for note in conversion.notes)


def test_nodes_come_in_the_order_of_their_numbers(defs_0_33: NodeDefs) -> None:
    document = text_pair("one")
    document["nodes"] += [node(10, "PrimitiveInt"), node("x", "PrimitiveInt"), node(1, "PrimitiveInt")]
    assert list(convert(document, defs_0_33).workflow.nodes) == ["1", "2:21", "3", "10", "x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{a|b} and {c}", "a and c"),
        ("{a|{b|c}}", "a"),
        ("{{a|b}|c}", "a"),
        ("escaped \\{a\\|b\\}", "escaped {a|b}"),
        ("one // gone\ntwo", "one \ntwo"),
        ("see http://example.org/a // gone", "see http://example.org/a "),
        ("a /* gone\nas well */b", "a b"),
        ("/* not closed", "/* not closed"),
        ("unclosed {a|b", "unclosed a"),
        ("a } b | c", "a } b | c"),
        ("", ""),
    ],
)
def test_dynamic_prompts(text: str, expected: str) -> None:
    assert dynamic_prompt(text, lambda options: options[0]) == expected


def test_alternatives_are_the_callers_to_choose_and_noted(defs_0_33: NodeDefs) -> None:
    document = doc([node(1, "CLIPTextEncode", ["a {red|green|blue} car"])])
    conversion = convert(document, defs_0_33, choose=lambda options: options[-1])
    assert inputs_of(conversion.workflow, "1")["text"] == "a blue car"
    assert any("a blue car" in note for note in conversion.notes)


def test_dynamic_prompts_may_stay_as_they_are_written(defs_0_33: NodeDefs) -> None:
    text = "a {red|green} car // fast"
    conversion = convert(doc([node(1, "CLIPTextEncode", [text])]), defs_0_33, choose=None)
    assert inputs_of(conversion.workflow, "1")["text"] == text
    assert conversion.notes == ()


def test_without_comments_is_linear() -> None:
    assert without_comments("/* " * 50_000) == "/* " * 50_000


def test_file_names_may_name_other_nodes_and_the_date(defs_0_33: NodeDefs) -> None:
    prefix = "%KSampler.seed%_%Big.width%_%nobody.x%_%width%_%date:yyyy-MM-dd%"
    nodes = [
        node(1, "SaveImage", [prefix]),
        node(2, "KSampler", SAMPLER),
        node(3, "EmptyLatentImage", [640], title="Big"),
        node(4, "CLIPTextEncode", [prefix]),
    ]
    undated = convert(doc(nodes), defs_0_33).workflow
    assert inputs_of(undated, "1")["filename_prefix"] == "42_640_%nobody.x%_%width%_%date:yyyy-MM-dd%"
    assert inputs_of(undated, "4")["text"] == prefix
    dated = convert(doc(nodes), defs_0_33, today=datetime(2026, 3, 7)).workflow
    assert inputs_of(dated, "1")["filename_prefix"].endswith("_2026-03-07")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("yyyy-MM-dd", "2026-03-07"), ("yy.M.d", "26.3.7"), ("hh_mm_ss", "04_05_06"), ("yyy Q", "yyy Q")],
)
def test_dates(pattern: str, expected: str) -> None:
    assert format_date(pattern, datetime(2026, 3, 7, 4, 5, 6)) == expected


@pytest.mark.parametrize(
    "document", [None, [], {}, {"nodes": {}}, {"1": {"class_type": "KSampler", "inputs": {}}}, "text", 7]
)
def test_what_is_no_ui_document_is_refused(document: Any, defs_0_33: NodeDefs) -> None:
    with pytest.raises(WorkflowError, match="list of nodes"):
        convert(document, defs_0_33)


def test_old_servers_definitions_do(defs_0_3_64: NodeDefs) -> None:
    got = values_of(defs_0_3_64, "KSampler", SAMPLER)
    assert (got["seed"], got["denoise"]) == (42, 1.0)
