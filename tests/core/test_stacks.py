"""A LoRA stack and a ControlNet slot in a form: what may be said, what comes of it, how mistakes are told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from comfyui_bridge.core import form, node_defs, reports, template, values
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.workflow import Link

from .conftest import recorded_workflow

LORAS = (
    "detail.safetensors",
    "style/Film.safetensors",
    "style/ink.pt",
    "old/ink.safetensors",
    "a:1.safetensors",
)
NETS = ("edges.safetensors", "depth.safetensors")
FILE = FileValue("k" * 64 + ".png", "photo.png")


@pytest.fixture(scope="module")
def defs(defs_0_3_64):
    """A real server's definitions, with files in its lists."""
    lists = {("LoraLoader", "lora_name"): LORAS, ("LoraLoaderModelOnly", "lora_name"): LORAS}
    lists["ControlNetLoader", "control_net_name"] = NETS
    changed = dict(defs_0_3_64.by_class)
    for (class_type, name), options in lists.items():
        node = changed[class_type]
        inputs = tuple(
            replace(one, spec=replace(one.spec, options=options)) if one.name == name else one
            for one in node.inputs
        )
        changed[class_type] = replace(node, inputs=inputs)
    return node_defs.NodeDefs(changed)


def form_of(name, defs, document=None):
    return form.make(template.parse(name, document or recorded_workflow(name)), defs)


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        ("", []),
        (None, []),
        ([], []),
        ("detail.safetensors", [("detail.safetensors", 1.0, None)]),
        (
            "detail:0.8, film:0.5:0.2",
            [("detail.safetensors", 0.8, None), ("style/Film.safetensors", 0.5, 0.2)],
        ),
        ("style\\Film.safetensors:-1", [("style/Film.safetensors", -1.0, None)]),
        ("a:1.safetensors", [("a:1.safetensors", 1.0, None)]),
        ("a:1.safetensors:.5", [("a:1.safetensors", 0.5, None)]),
        (
            '[{"lora": "detail", "strength": 0.8}, {"name": "film"}]',
            [("detail.safetensors", 0.8, None), ("style/Film.safetensors", 1.0, None)],
        ),
        (["detail:2", "film"], [("detail.safetensors", 2.0, None), ("style/Film.safetensors", 1.0, None)]),
        ({"name": "detail", "strength_model": "0.4"}, [("detail.safetensors", 0.4, None)]),
    ],
)
def test_a_stack_may_be_said_in_many_ways(defs, said, rows):
    checked = form_of("sd15_txt2img", defs).check({"loras": said})["loras"] or []
    assert [(row["name"], row["strength_model"], row.get("strength_clip")) for row in checked] == rows


@pytest.mark.parametrize(
    ("key", "said", "at", "told"),
    [
        ("loras", "detail,detial.safetensors", "loras.2", "did you mean detail.safetensors?"),
        ("loras", "ink", "loras.1", '"ink" is not among the choices'),  # two files are called so
        ("loras", "detail:101", "loras.1", "too large; the most is 100.0"),
        ("loras", [{"name": "detail", "strength": "much"}], "loras.1", "a number from -100.0 to 100.0"),
        ("loras", [{"strength": 1}], "loras.1", "Choose a LoRA."),
        ("loras", 5, "loras", "a list of LoRAs, and is 5"),
        ("loras", [5], "loras", "has a name and a strength"),
        ("loras", "[{", "loras", "cannot be read as JSON"),
        ("loras", [{"nam": "detail"}], "loras", 'There is no "nam" here; there are name'),
        ("controlnet", "edges", "controlnet.image", "Choose the picture"),
        ("controlnet", {"image": FILE}, "controlnet.name", "Choose a ControlNet."),
        ("controlnet", "egdes,image=a.png", "controlnet.name", "did you mean edges.safetensors?"),
        ("controlnet", "edges:11,image=a.png", "controlnet.strength", "the most is 10.0"),
        ("controlnet", "edges,image=a.png,end=2", "controlnet.end_percent", "the most is 1.0"),
        ("controlnet", "edges,image=a.png,start=.6,end=.5", "controlnet.end_percent", "after the start"),
        ("controlnet", 5, "controlnet", "a ControlNet with an image"),
    ],
)
def test_what_is_wrong_is_told_at_its_row_or_part(defs, key, said, at, told):
    with pytest.raises(InvalidValues) as caught:
        form_of("sd15_txt2img", defs).check({key: said})
    assert told in caught.value.problems[at]


@pytest.mark.parametrize(
    "said",
    [
        "edges:0.9,image=hint.png,end=0.6",
        {"name": "edges", "image": "hint.png", "strength": 0.9, "end": 0.6},
        '{"control_net_name": "edges", "image": "hint.png", "strength": "0.9", "end_percent": 0.6}',
    ],
)
def test_a_controlnet_may_be_said_in_many_ways(defs, said):
    made = form_of("sd15_txt2img", defs)
    checked = made.check({"controlnet": said})
    assert checked["controlnet"] == {
        "name": "edges.safetensors",
        "image": "hint.png",
        "strength": 0.9,
        "start_percent": 0.0,
        "end_percent": 0.6,
    }
    assert len(made.patched(checked).of_class("ControlNetApplyAdvanced")) == 1
    assert made.check({"controlnet": ""}).get("controlnet") is None


def test_values_become_nodes_and_what_has_no_effect_is_left_out(defs):
    made = form_of("sd15_txt2img", defs)
    rows = [
        {"name": "detail", "strength_model": 0.8},
        {"name": "style/ink.pt", "strength_model": 0},
        {"name": "old/ink.safetensors", "strength_model": 1, "on": False},
        {"name": "film", "strength_model": 0, "strength_clip": 0.5},
    ]
    checked = made.check({"loras": rows, "controlnet": {"name": "depth", "image": FILE}})
    stored = values.from_json(json.loads(json.dumps(values.to_json(checked))))
    assert stored == checked
    assert len(stored["loras"]) == 4  # those that do nothing stay in the form

    graph = made.patched(stored)
    first, second = graph.of_class("LoraLoader")
    assert (first.inputs["lora_name"], second.inputs["lora_name"]) == LORAS[:2]
    assert second.inputs["model"] == Link(first.node_id, 0)
    assert values.files(graph) == (FILE,)
    placed = values.place_uploads(graph, {FILE: "photo (1).png"})
    assert placed.of_class("LoadImage")[0].inputs["image"] == "photo (1).png"

    nothing = made.check({"loras": rows[1:3], "controlnet": {"name": "depth", "image": FILE, "strength": 0}})
    assert made.patched(nothing) == made.patched(made.check({}))


def test_files_inside_of_values_are_found_and_kept(defs):
    made = form_of("sd15_img2img", defs)
    asked = []

    def keep(key, value):
        asked.append((key, value))
        return FILE

    raw = {"image": "@a.png", "controlnet": "edges,image=@b.png", "prompt": "@c.png", "loras": "detail"}
    kept = made.with_files(raw, keep)
    assert asked == [("image", "@a.png"), ("controlnet.image", "@b.png")]
    assert kept == {**raw, "image": FILE, "controlnet": {"name": "edges", "image": FILE}}
    assert made.with_files({"controlnet": "[broken"}, keep) == {"controlnet": "[broken"}


def test_a_form_offers_what_the_graph_has_room_for_and_the_server_nodes_for(defs, defs_0_33):
    made = form_of("sd15_txt2img", defs)
    stack, net = made.inputs[-2:]
    assert reports.input_to_json(stack) | {"help": "", "choices": len(stack.spec.options)} == {
        "key": "loras",
        "label": "LoRA",
        "type": "LORAS",
        "default": [],
        "required": False,
        "min": None,
        "max": None,
        "step": None,
        "choices": len(LORAS),
        "group": "LoRA",
        "node_id": "",
        "input": "",
        "why": "The graph has a place for LoRAs behind “Load Checkpoint”.",
        "help": "",
    }
    assert (net.key, reports.type_of(net.spec), reports.choices_of(net.spec)) == (
        "controlnet",
        "CONTROLNET",
        list(NETS),
    )
    assert {one.key for one in form_of("model_free", defs).inputs}.isdisjoint({"loras", "controlnet"})
    none_of_it = node_defs.NodeDefs(
        {k: v for k, v in defs.by_class.items() if "Lora" not in k and "ControlNet" not in k}
    )
    assert {one.key for one in form_of("sd15_txt2img", none_of_it).inputs}.isdisjoint({"loras", "controlnet"})
    # A workflow with a ControlNet of its own keeps the plain key for that one's file.
    own = {one.key: one for one in form_of("sd15_controlnet", defs).inputs}
    assert own["controlnet"].node_id
    assert reports.type_of(own["controlnet_2"].spec) == "CONTROLNET"
