"""Marks that authors leave in a workflow, read as their own tools document them."""

from __future__ import annotations

import copy
import random
import time

import pytest

from comfyui_bridge.core import form, marks, node_defs, options, template, values, workflow
from comfyui_bridge.core.convert import convert
from comfyui_bridge.core.convert.places import Places
from comfyui_bridge.core.errors import BridgeError
from comfyui_bridge.core.node_defs import BooleanSpec, ComboSpec, FloatSpec, IntSpec, NodeDefs, StringSpec

from .conftest import recorded_workflow
from .conversion_pairs import read_pairs
from .test_convert_fuzz import mutate

TEMPLATES = {pair.name: pair.ui for pair in read_pairs("official")}


def node(class_type, called="", /, **content):
    return {"class_type": class_type, "inputs": content, "_meta": {"title": called} if called else {}}


def made(document, defs, card=None):
    return form.make(template.parse("t", document, card), defs)


def shown(made_form):
    """Key, label and places of what stands outside the groups."""
    return [(i.key, i.label, i.node_id, i.input) for i in made_form.inputs if not i.group]


def with_nodes(defs, **entries):
    """The definitions with those of another tool's nodes."""
    return NodeDefs({**defs.by_class, **node_defs.parse(entries).by_class})


# App mode


@pytest.mark.parametrize(
    ("name", "picked", "outputs"),
    [
        ("image_anima_lllite_depth_control_to_image", ["91.image", "88:84.text"], ["46"]),
        ("image_anima_lllite_image_inpainting", ["91.image", "88:84.text"], ["46"]),
        ("template_eric_thumbnail_generator", ["16.image", "23.prompt"], ["9"]),
        ("templates-subject_holding_product.app", ["10.image", "11.image", "17.resolution"], ["15"]),
        ("templates_ohneis_i2v", ["57:27.text", "64.prompt", "65.prompt"], ["9", "63"]),
        ("templates_rob_portrait_light_migration.app", ["7.image", "6.image"], ["5"]),
        ("utility_z_image_turbo_2k_upscaler.app", ["77.image", "87:69.denoise"], ["9"]),
    ],
)
def test_app_mode_decides_what_is_shown_and_in_which_order(defs_0_33, name, picked, outputs):
    made_form = made(TEMPLATES[name], defs_0_33)
    chosen = [i for i in made_form.inputs if not i.group]
    assert [f"{i.node_id}.{i.input}" for i in chosen] == picked
    assert all(i.why.startswith("App mode shows it: its author picked it there.") for i in chosen)
    assert list(made_form.outputs) == outputs


def test_app_mode_that_picked_nothing_leaves_it_to_the_graph(defs_0_33):
    made_form = made(TEMPLATES["utility_image_stitch"], defs_0_33)
    assert [key for key, *_ in shown(made_form)] == ["image", "image_2", "image_3", "image_4"]


def test_what_app_mode_shows_and_is_gone_is_a_sentence(defs_0_33):
    problems = made(TEMPLATES["templates_rob_portrait_light_migration.app"], defs_0_33).problems
    assert "App mode shows input “prompt” of node 103, which is not there any more." in problems


def linear(name, *entries, outputs=()):
    document = copy.deepcopy(TEMPLATES[name])
    document["extra"]["linearData"] = {"inputs": list(entries), "outputs": list(outputs)}
    return document


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        (["84", "text"], "88:84.text"),  # the inner node of a subgraph that shows the widget
        ([84, "text"], "88:84.text"),
        ([88, "text"], "88:84.text"),  # the subgraph's instance itself
        (["88", "text", {"height": 120}], "88:84.text"),
        (["0b1c2d3e-aaaa-bbbb-cccc-000000000000:88:text", "text"], "88:84.text"),  # a widget's identity
        (["88:84", "text"], "88:84.text"),  # the way through the subgraph
        (["0b1c2d3e-aaaa-bbbb-cccc-000000000000:91:image", "image"], "91.image"),
    ],
)
def test_every_form_in_which_app_mode_names_a_widget_is_understood(defs_0_33, entry, place):
    document = linear("image_anima_lllite_depth_control_to_image", entry)
    chosen = [f"{i.node_id}.{i.input}" for i in made(document, defs_0_33).inputs if not i.group]
    assert chosen == [place]


@pytest.mark.parametrize(
    "hostile",
    [
        None,
        [],
        "x",
        {"inputs": 5, "outputs": "9"},
        {
            "inputs": [None, [], ["a"], [1], [1, 2], [{}, "x"], [[], []], ["1", None]],
            "outputs": [None, {}, [], True],
        },
        {"inputs": [["::", "x"], [":", ""], ["%zz:%00:x", "x"], ["-" * 9999, "y"]], "outputs": ["::", ""]},
        {"inputs": [["91", "image"]] * 5000, "outputs": ["46"] * 5000},
    ],
)
def test_hostile_app_mode_data_does_no_harm(defs_0_33, hostile):
    document = copy.deepcopy(TEMPLATES["image_anima_lllite_depth_control_to_image"])
    document["extra"]["linearData"] = hostile
    made_form = made(document, defs_0_33)
    assert made_form.inputs
    assert len({i.key for i in made_form.inputs}) == len(made_form.inputs)


def test_a_card_comes_before_app_mode_and_hides_nothing(defs_0_33):
    card = {"inputs": [{"node": "88:106", "input": "seed"}]}
    made_form = made(TEMPLATES["image_anima_lllite_depth_control_to_image"], defs_0_33, card)
    assert [key for key, *_ in shown(made_form)] == ["seed"]
    # What App mode picked follows, under its node's name.
    assert [(i.key, i.group != "") for i in made_form.inputs[1:3]] == [("image", True), ("prompt", True)]


# One widget of the editor, several inputs of the workflow


def test_inputs_that_the_editor_joins_are_one_input_of_the_form(defs_0_33):
    made_form = made(TEMPLATES["sdxl_simple_example"], defs_0_33)
    prompt = made_form.input("prompt")
    assert [(p.node_id, p.input) for p in prompt.places] == [("6", "text"), ("15", "text")]
    assert made_form.input("prompt_2") is None
    assert made_form.input("15.text") is prompt
    assert [p.node_id for p in made_form.input("steps").places] == ["10", "11"]
    patched = values.patch(made_form.workflow, made_form.inputs, {"prompt": "a lake", "steps": 12})
    assert patched.node("6").inputs["text"] == patched.node("15").inputs["text"] == "a lake"
    assert patched.node("10").inputs["steps"] == patched.node("11").inputs["steps"] == 12


def test_a_widget_of_a_subgraph_fills_all_the_inputs_inside(defs_0_33):
    made_form = made(TEMPLATES["video_ltx2_i2v_lora"], defs_0_33)
    checkpoint = made_form.input("checkpoint")
    assert {p.node_id for p in checkpoint.places} == {"92:1", "92:48", "92:60"}
    every = {(p.node_id, p.input) for i in made_form.inputs for p in i.places}
    assert len(every) == sum(len(i.places) for i in made_form.inputs)


def test_a_card_that_shows_joined_inputs_apart_gets_them_apart(defs_0_33):
    card = {"inputs": [{"node": "6", "input": "text"}, {"node": "15", "input": "text"}]}
    first, second = made(TEMPLATES["sdxl_simple_example"], defs_0_33, card).inputs[:2]
    assert (first.also, second.also) == ((), ())
    card = {"inputs": [{"node": "15", "input": "text", "key": "words"}]}
    only = made(TEMPLATES["sdxl_simple_example"], defs_0_33, card).inputs[0]
    assert [p.node_id for p in only.places] == ["15", "6"]


def test_the_places_behind_widgets_are_those_of_the_converted_workflow(defs_0_33):
    for name, document in TEMPLATES.items():
        converted = convert(document, defs_0_33).workflow
        for group in Places(document, defs_0_33).shared():
            held = [converted.node(n).inputs[i] for n, i in group if marks.holds_value(converted, (n, i))]
            assert all(value == held[0] for value in held), (name, group)


# Titles of Minimalistic-Comfy-Wrapper

WRAPPER = {
    "6": "<Positive prompt:prompt:1>",
    "7": "<Negative:prompts:2>",
    "9": "<Result:output:1>",
    "10": "<CFG:advanced/General:2/2> 1, 10, 0.1",
    "11": "<Seed:Advanced/General:2/1>",
    "12": "<Pictures:important:3>",
    "13": "<Strength:My panel:1>",
}


def wrapped():
    graph = recorded_workflow("sd15_txt2img")
    graph["10"] = node("PrimitiveFloat", value=7.0)
    graph["11"] = node("PrimitiveInt", value=5)
    graph["12"] = node("PrimitiveInt", value=1)
    graph["13"] = node("PrimitiveFloat", value=1.0)
    graph["3"]["inputs"].update(cfg=["10", 0], seed=["11", 0], denoise=["13", 0])
    graph["5"]["inputs"]["batch_size"] = ["12", 0]
    for node_id, title in WRAPPER.items():
        graph[node_id]["_meta"] = {"title": title}
    return graph


def test_wrapper_titles_give_label_group_order_and_limits(defs_0_33):
    made_form = made(wrapped(), defs_0_33)
    marked = [i for i in made_form.inputs if "Minimalistic-Comfy-Wrapper" in i.why]
    assert [(i.label, i.group, i.node_id) for i in marked] == [
        ("Positive prompt", "", "6"),
        ("Negative", "", "7"),
        ("Pictures", "", "12"),
        ("Seed", "General", "11"),
        ("CFG", "General", "10"),
        ("Strength", "My panel", "13"),
    ]
    assert [i.key for i in marked] == ["prompt", "negative", "batch_size", "seed", "cfg", "denoise"]
    cfg = marked[4].spec
    assert (cfg.min, cfg.max, cfg.step) == (1.0, 10.0, 0.1)
    assert made_form.outputs == ("9",)


def test_a_primitive_has_the_limits_of_what_it_feeds_and_is_a_seed_only_where_it_feeds_one(defs_0_33):
    made_form = made(wrapped(), defs_0_33)
    seed, pictures = made_form.input("seed").spec, made_form.input("batch_size").spec
    assert (seed.is_seed, seed.min, seed.max) == (True, 0, 2**63 - 1)
    assert (pictures.is_seed, pictures.min, pictures.max) == (False, 1, 4096)


def test_a_title_with_several_inputs_behind_it_shows_the_one_it_names(defs_0_33):
    graph = recorded_workflow("sd15_txt2img")
    graph["3"]["_meta"] = {"title": "<Steps:advanced:1> 1, 50, 1"}
    (steps,) = [i for i in made(graph, defs_0_33).inputs if "Wrapper" in i.why]
    assert (steps.input, steps.label, steps.spec.max) == ("steps", "Steps", 50)


def test_a_title_on_a_primitive_of_the_editor_reaches_everything_it_drives(defs_0_33):
    document = copy.deepcopy(TEMPLATES["sdxl_simple_example"])
    for entry in document["nodes"]:
        if entry["id"] == 45:
            entry["title"] = "<How many steps:prompt:1> 5, 40, 1"
    first = made(document, defs_0_33).inputs[0]
    assert (first.label, first.group, first.spec.max) == ("How many steps", "", 40)
    assert {p.node_id for p in first.places} == {"10", "11"}


@pytest.mark.parametrize(
    "title",
    [
        "<Prompt:prompt>",
        "<:prompt:1>",
        "Prompt:prompt:1",
        "<a:b:c:d:1>",
        "<Prompt:prompt:one>",
        "<img src=x onerror=alert(1)>",
        "<" * 5000,
        "<x:" * 5000,
        "<Prompt:prompt:" + "9" * 5000 + ">",
    ],
)
def test_what_only_looks_like_such_a_title_is_a_title(defs_0_33, title):
    graph = recorded_workflow("sd15_txt2img")
    graph["6"]["_meta"] = {"title": title}
    assert not any("Wrapper" in i.why for i in made(graph, defs_0_33).inputs)


# Titles of ViewComfy


def test_view_comfy_titles_tell_basic_from_advanced(defs_0_33):
    graph = recorded_workflow("sd15_txt2img")
    graph["3"]["_meta"] = {"title": "VC_ADV Sampling"}
    graph["6"]["_meta"] = {"title": "VC_BASIC What to paint"}
    made_form = made(graph, defs_0_33)
    marked = [i for i in made_form.inputs if "ViewComfy" in i.why]
    assert (marked[0].label, marked[0].group, marked[0].key) == ("What to paint", "", "prompt")
    assert [i.label for i in marked[1:4]] == ["Sampling: seed", "Sampling: steps", "Sampling: cfg"]
    assert {i.group for i in marked[1:]} == {"Advanced"}
    # Everything else is still there, under its node's name.
    assert any(i.key == "width" and i.group for i in made_form.inputs)


# Marker nodes

STANDARD = {
    "description": ["STRING", {"multiline": True}],
    "order_priority": ["FLOAT", {"default": 0}],
    "is_advanced": ["BOOLEAN", {}],
    "raw_id": ["STRING", {}],
}
LIMITS = {key: ["INT", {"default": 0}] for key in ("step", "min", "max", "view_max")}


def definition(output, **required):
    return {
        "input": {"required": required, "optional": {"group": ["GROUP"]}},
        "output": [output],
        "output_name": [output],
    }


SWARM = {
    "SwarmInputInteger": definition("INT", title=["STRING", {}], value=["INT", {}], **LIMITS, **STANDARD),
    "SwarmInputText": definition(
        "STRING", title=["STRING", {}], value=["STRING", {"multiline": True}], **STANDARD
    ),
    "SwarmInputDropdown": definition(
        "STRING", title=["STRING", {}], value=["STRING", {}], values=["STRING", {}], **STANDARD
    ),
    "SwarmInputImage": definition(
        "IMAGE",
        title=["STRING", {}],
        value=["STRING", {}],
        image=[["a.png"], {"image_upload": True}],
        **STANDARD,
    ),
    "SwarmInputAudio": definition("AUDIO", title=["STRING", {}], value=["STRING", {}], **STANDARD),
    "SwarmInputGroup": definition(
        "GROUP", title=["STRING", {}], is_advanced=["BOOLEAN", {}], order_priority=["FLOAT", {}]
    ),
}


def test_swarm_nodes_are_inputs_with_title_group_order_and_limits(defs_0_33):
    graph = recorded_workflow("sd15_txt2img")
    graph["20"] = node("SwarmInputGroup", title="Fine tuning", is_advanced=True, order_priority=1.0)
    graph["21"] = node(
        "SwarmInputInteger",
        title="My steps",
        value=9,
        min=4,
        max=30,
        step=2,
        order_priority=5.0,
        group=["20", 0],
        description="More is slower.",
    )
    graph["22"] = node(
        "SwarmInputDropdown",
        title="How",
        value="euler",
        values="euler, heun , no such",
        order_priority=1.0,
        group=["20", 0],
    )
    graph["23"] = node("SwarmInputText", title="What", value="a lake", raw_id="words", order_priority=2.0)
    graph["24"] = node(
        "SwarmInputImage", title="Start", value="(Do Not Set Me)", image="a.png", order_priority=-1.0
    )
    graph["25"] = node("SwarmInputAudio", title="Sound", value="(Do Not Set Me)")
    graph["3"]["inputs"].update(steps=["21", 0], sampler_name=["22", 0])
    graph["6"]["inputs"]["text"] = ["23", 0]
    made_form = made(graph, with_nodes(defs_0_33, **SWARM))
    marked = [i for i in made_form.inputs if "which SwarmUI shows" in i.why]
    assert [(i.key, i.label, i.input, i.group) for i in marked] == [
        ("image", "Start", "image", ""),
        ("words", "What", "value", ""),
        ("sampler", "How", "value", "Fine tuning"),
        ("steps", "My steps", "value", "Fine tuning"),
    ]
    steps = marked[3]
    assert (steps.spec.min, steps.spec.max, steps.spec.step, steps.help) == (4, 30, 2, "More is slower.")
    assert marked[2].spec == ComboSpec(("euler", "heun"), marked[2].spec.default)
    assert "takes its positive text from here" in marked[1].why
    assert any("Sound" in p or "SwarmInputAudio" in p for p in made_form.problems)


PACK = {
    "CPackInputString": definition("STRING", value=["STRING", {}]),
    "CPackInputInt": definition("INT", value=["INT", {}], min=["INT", {}], max=["INT", {}]),
    "CPackInputAny": {"input": {"required": {"input": ["*", {}]}}, "output": ["*"], "output_name": ["*"]},
    "CPackOutputImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": True},
}


def test_comfy_pack_nodes_are_parameters_named_by_their_titles(defs_0_33):
    graph = recorded_workflow("sd15_txt2img")
    graph["20"] = node("CPackInputString", "prompt_text", value="a lake")
    graph["21"] = node("CPackInputInt", value=20, min=5, max=2**63 - 1)
    graph["22"] = node("CPackInputAny", "Which sampler", input="euler")
    graph["23"] = node("CPackOutputImage", images=["8", 0])
    graph["6"]["inputs"]["text"] = ["20", 0]
    graph["3"]["inputs"].update(steps=["21", 0], sampler_name=["22", 0])
    made_form = made(graph, with_nodes(defs_0_33, **PACK))
    marked = [i for i in made_form.inputs if "comfy-pack" in i.why]
    assert [(i.key, i.label) for i in marked] == [
        ("prompt_text", "Prompt text"),
        ("steps", "Steps"),
        ("sampler", "Which sampler"),
    ]
    assert (marked[1].spec.min, marked[1].spec.max) == (5, 10000)
    assert "euler" in marked[2].spec.options
    assert made_form.outputs == ("23",)


KRITA = {
    "ETN_Parameter": {
        "input": {
            "required": {
                "name": ["STRING", {}],
                "type": [["auto", "number", "number (integer)", "toggle", "choice", "text"], {}],
                "default": ["STRING", {}],
            },
            "optional": {"min": ["FLOAT", {"default": -1e10}], "max": ["FLOAT", {"default": 1e10}]},
        },
        "output": ["*"],
        "output_name": ["value"],
    }
}


def test_krita_parameters_have_order_groups_and_a_type_of_their_own(defs_0_33):
    graph = recorded_workflow("sd15_txt2img")
    graph["20"] = node(
        "ETN_Parameter", name="2. Sampling/2. Steps", type="number (integer)", default=20, min=1, max=60
    )
    graph["21"] = node("ETN_Parameter", name="2. Sampling/1. Method", type="choice", default="euler")
    graph["22"] = node(
        "ETN_Parameter", name="1. Words", type="prompt (positive)", default="a lake", min=-1e10, max=1e10
    )
    graph["23"] = node(
        "ETN_Parameter", name="2. Sampling/3. Guidance", type="number", default=7.5, min=1.0, max=9.0
    )
    graph["24"] = node("ETN_Parameter", name="Parameter", type="toggle", default=True)
    graph["25"] = node("ComfySwitchNode", switch=["24", 0], on_false=["6", 0], on_true=["7", 0])
    graph["3"]["inputs"].update(steps=["20", 0], sampler_name=["21", 0], cfg=["23", 0])
    graph["6"]["inputs"]["text"] = ["22", 0]
    made_form = made(graph, with_nodes(defs_0_33, **KRITA))
    marked = [i for i in made_form.inputs if "Krita" in i.why]
    assert [(i.label, i.group, type(i.spec)) for i in marked] == [
        ("Switch", "", BooleanSpec),
        ("Words", "", StringSpec),
        ("Method", "Sampling", ComboSpec),
        ("Steps", "Sampling", IntSpec),
        ("Guidance", "Sampling", FloatSpec),
    ]
    assert [i.key for i in marked[1:]] == ["prompt", "sampler", "steps", "cfg"]
    assert (marked[3].spec.min, marked[3].spec.max) == (1, 60)
    assert values.check(made_form.inputs, {"steps": "30"})["steps"] == 30


def deploy(value, **more):
    required = {"input_id": ["STRING", {}]}
    return {
        "input": {"required": required, "optional": {"default_value": value, **more}},
        "output": ["*"],
        "output_name": ["v"],
    }


DEPLOY = {
    "ComfyUIDeployExternalText": deploy(["STRING", {"multiline": True}]),
    "ComfyUIDeployExternalSeed": deploy(
        ["INT", {"default": -1}], min_value=["INT", {}], max_value=["INT", {}]
    ),
    "ComfyUIDeployExternalNumberSliderInt": deploy(["INT", {}], min_value=["INT", {}], max_value=["INT", {}]),
    "ComfyUIDeployExternalEnum": deploy(["STRING", {}], options=["STRING", {"multiline": True}]),
    "ComfyUIDeployExternalImage": deploy(["IMAGE"], default_value_url=["STRING", {}]),
}


def test_external_inputs_of_comfyui_deploy_keep_their_ids(defs_0_33):
    graph = recorded_workflow("sd15_txt2img")
    graph["20"] = node(
        "ComfyUIDeployExternalText",
        input_id="input_text",
        default_value="a lake",
        display_name="Words",
        description="What to see.",
    )
    graph["21"] = node(
        "ComfyUIDeployExternalSeed",
        input_id="input_seed",
        default_value=-1,
        min_value=1,
        max_value=4294967295,
    )
    graph["22"] = node(
        "ComfyUIDeployExternalNumberSliderInt",
        input_id="my_steps",
        default_value=20,
        min_value=4,
        max_value=40,
    )
    graph["23"] = node(
        "ComfyUIDeployExternalEnum", input_id="how", default_value="euler", options='["euler", "heun"]'
    )
    graph["24"] = node("LoadImage", image="start.png")
    graph["25"] = node(
        "ComfyUIDeployExternalImage", input_id="picture", default_value=["24", 0], default_value_url=""
    )
    graph["3"]["inputs"].update(seed=["21", 0], steps=["22", 0], sampler_name=["23", 0])
    graph["6"]["inputs"]["text"] = ["20", 0]
    made_form = made(graph, with_nodes(defs_0_33, **DEPLOY))
    marked = [i for i in made_form.inputs if "ComfyUI-Deploy" in i.why]
    assert [(i.key, i.label, f"{i.node_id}.{i.input}") for i in marked] == [
        ("input_text", "Words", "20.default_value"),
        ("input_seed", "Seed", "21.default_value"),
        ("my_steps", "My steps", "22.default_value"),
        ("how", "How", "23.default_value"),
        ("picture", "Picture", "24.image"),
    ]
    assert marked[0].help == "What to see."
    assert [i.role for i in marked[:4]] == ["prompt", "seed", "steps", "sampler"]
    assert (marked[2].spec.min, marked[2].spec.max) == (4, 40)
    assert marked[3].spec.options == ("euler", "heun")
    # -1 asks for a seed to be drawn, and is never sent as it is.
    checked = values.check(made_form.inputs, {})
    assert values.resolve_seeds(made_form.inputs, checked, lambda low, high: low)["input_seed"] == 1


def test_marks_of_tools_the_server_does_not_have_are_read_all_the_same():
    graph = recorded_workflow("sd15_txt2img")
    graph["20"] = node("ComfyUIDeployExternalText", input_id="input_text", default_value="a lake")
    graph["6"]["inputs"]["text"] = ["20", 0]
    first = made(graph, node_defs.EMPTY).inputs[0]
    assert (first.key, first.role, first.default) == ("input_text", "prompt", "a lake")


def test_nothing_is_hidden_by_marks(defs_0_33):
    for document in (wrapped(), *TEMPLATES.values()):
        made_form = made(document, defs_0_33)
        given = {(p.node_id, p.input) for i in made_form.inputs for p in i.places}
        assert all(i.why for i in made_form.inputs)
        for held in made_form.workflow.nodes.values():
            known = options.flattened(defs_0_33.get(held.class_type).inputs, held.inputs)
            for name, definition_ in known:
                is_value = name in held.inputs and not isinstance(held.inputs[name], workflow.Link)
                if is_value and definition_.has_widget:
                    assert (held.node_id, name) in given, (held.node_id, held.class_type, name)


def test_broken_and_hostile_documents_give_a_form_or_a_clean_error(defs_0_33):
    rng = random.Random(4)
    documents = [
        document for pair in read_pairs("official", "mutated") for document in (pair.ui, pair.api) if document
    ]
    forms = 0
    for _ in range(400):
        document = mutate(rng.choice(documents), rng)
        defs = defs_0_33 if rng.random() < 0.9 else node_defs.EMPTY
        started = time.process_time()
        sentence = "a form"
        try:
            made_form = made(document, defs)
            assert len({i.key for i in made_form.inputs}) == len(made_form.inputs)
            values.patch(made_form.workflow, made_form.inputs, values.check(made_form.inputs, {}))
            forms += 1
        except BridgeError as caught:
            sentence = str(caught)
        assert sentence
        assert time.process_time() - started < 2
    assert forms > 100
