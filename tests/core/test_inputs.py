"""Which inputs a form shows, under which keys, found by following links."""

from __future__ import annotations

import time

import pytest

from comfyui_bridge.core import form, inputs, node_defs, options, template, values, workflow
from comfyui_bridge.core.node_defs import ComboSpec, IntSpec, StringSpec

from .conftest import recorded_workflow
from .conversion_pairs import read_pairs


def made(document, defs, card=None):
    return form.make(template.parse("t", document, card), defs)


def places(made_form):
    return {i.key: f"{i.node_id}.{i.input}" for i in made_form.inputs if i.role}


def test_roles_are_found_through_primitives_and_compound_ids(defs_0_3_64):
    found = places(made(recorded_workflow("qwen_image_flattened"), defs_0_3_64))
    assert found == {
        "prompt": "91.value",
        "negative": "86:7.text",
        "width": "86:58.width",
        "height": "86:58.height",
        "batch_size": "86:58.batch_size",
        "seed": "86:3.seed",
        "steps": "86:3.steps",
        "cfg": "86:3.cfg",
        "sampler": "86:3.sampler_name",
        "scheduler": "86:3.scheduler",
        "denoise": "86:3.denoise",
        "model": "86:37.unet_name",
        "vae": "86:39.vae_name",
    }


def test_positive_and_negative_stay_apart_through_a_controlnet(defs_0_3_64):
    graph = recorded_workflow("sd15_controlnet")
    found = places(made(graph, defs_0_3_64))
    sampler = next(node for node in graph.values() if node["class_type"] == "KSampler")
    apply_id = sampler["inputs"]["positive"][0]
    assert found["prompt"] == f"{graph[apply_id]['inputs']['positive'][0]}.text"
    assert found["negative"] == f"{graph[apply_id]['inputs']['negative'][0]}.text"
    assert found["controlnet_strength"] == f"{apply_id}.strength"


def test_a_second_sampler_is_a_stage_of_its_own(defs_0_3_64):
    graph = recorded_workflow("sd15_txt2img")
    first = next(node_id for node_id, node in graph.items() if node["class_type"] == "KSampler")
    graph["70"] = {
        "class_type": "LatentUpscale",
        "inputs": {"samples": [first, 0], "width": 900, "height": 900},
    }
    graph["71"] = {
        "class_type": "KSampler",
        "inputs": {**graph[first]["inputs"], "latent_image": ["70", 0], "denoise": 0.5},
        "_meta": {"title": "Refine"},
    }
    made_form = made(graph, defs_0_3_64)
    found = places(made_form)
    assert found["steps"] == f"{first}.steps"
    assert found["steps_2"] == "71.steps"
    assert made_form.input("steps_2").label == "Steps (Refine)"
    # Both samplers share one text: it is one input, and the size is that of the first stage.
    assert "prompt_2" not in found
    assert found["width"] != "70.width"


def test_a_conditioning_zeroed_out_is_no_negative_text(defs_0_3_64):
    graph = recorded_workflow("sd15_txt2img")
    sampler = next(node for node in graph.values() if node["class_type"] == "KSampler")
    graph["80"] = {
        "class_type": "ConditioningZeroOut",
        "inputs": {"conditioning": sampler["inputs"]["positive"]},
    }
    sampler["inputs"]["negative"] = ["80", 0]
    assert "negative" not in places(made(graph, defs_0_3_64))


def test_essential_inputs_come_first_and_nothing_is_hidden(defs_0_3_64):
    made_form = made(recorded_workflow("sd15_txt2img"), defs_0_3_64)
    essential = [i.key for i in made_form.inputs if not i.group]
    assert essential == ["prompt", "negative", "width", "height", "seed", "steps", "cfg"]
    assert all(i.group for i in made_form.inputs[len(essential) :])
    shown = {(i.node_id, i.input) for i in made_form.inputs}
    for node in made_form.workflow.nodes.values():
        for name, content in node.inputs.items():
            assert isinstance(content, workflow.Link) or (node.node_id, name) in shown


def test_each_input_says_why_it_was_picked(defs_0_3_64):
    made_form = made(recorded_workflow("sd15_txt2img"), defs_0_3_64)
    assert made_form.input("prompt").why == "The sampler “KSampler” takes its positive text from here."
    assert all(i.why for i in made_form.inputs)


def test_a_form_is_made_without_any_definitions():
    made_form = made(recorded_workflow("sd15_txt2img"), node_defs.EMPTY)
    assert made_form.input("prompt").spec == StringSpec(made_form.input("prompt").default, multiline=True)
    assert made_form.input("seed").spec.is_seed


CARD = {
    "title": "Mine",
    "inputs": [
        {"key": "words", "node": "6", "input": "text", "label": "Words"},
        {"node": "3", "input": "steps", "max": 30, "min": -5, "group": "Quality", "default": 12},
        {"node": "3", "input": "sampler_name", "choices": ["euler", "no such"]},
        {"node": "99", "input": "x"},
        {"node": "3", "input": "model"},
    ],
}


def test_a_card_chooses_order_labels_limits_and_defaults(defs_0_3_64):
    made_form = made(recorded_workflow("sd15_txt2img"), defs_0_3_64, CARD)
    words, steps, sampler = made_form.inputs[:3]
    assert (words.key, words.label, words.group) == ("words", "Words", "")
    assert (steps.key, steps.group, steps.default) == ("steps", "Quality", 12)
    assert steps.spec == IntSpec(20, 1, 30)  # a card tightens limits and never widens them
    assert isinstance(sampler.spec, ComboSpec)
    assert sampler.spec.options == ("euler",)
    assert all(i.group for i in made_form.inputs[3:])


def test_a_card_that_is_wrong_in_places_says_where_and_works(defs_0_3_64):
    problems = made(recorded_workflow("sd15_txt2img"), defs_0_3_64, CARD).problems
    assert len(problems) == 2
    assert "99.x" in problems[0]
    assert "3.model" in problems[1]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("seed", "3.seed"),
        ("3.seed", "3.seed"),
        ("KSampler.seed", "3.seed"),
        ("noise_seed", "3.seed"),
        ("model", "4.ckpt_name"),
        ("positive", "6.text"),
    ],
)
def test_an_input_is_found_by_key_place_title_or_near_synonym(defs_0_3_64, name, place):
    made_form = made(recorded_workflow("sd15_txt2img"), defs_0_3_64)
    found = inputs.find(made_form.inputs, name)
    assert f"{found.node_id}.{found.input}" == place


def test_every_key_is_given_once(defs_0_33):
    graph = {
        str(n): {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "same"}}
        for n in range(5)
    }
    keys = [i.key for i in made(graph, defs_0_33).inputs]
    assert keys == ["image", "image_2", "image_3", "image_4", "image_5"]


# Dynamic combos: choices that bring inputs of their own


def bytedance(**content):
    return {
        "1": {
            "class_type": "ByteDance2TextToVideoNode",
            "inputs": {"model": "Seedance 2.0", "seed": 7, "watermark": False, **content},
        },
        "2": {"class_type": "SaveVideo", "inputs": {"video": ["1", 0], "filename_prefix": "x"}},
    }


def test_a_dynamic_combo_shows_the_inputs_of_its_chosen_option(defs_0_33):
    made_form = made(bytedance(**{"model.prompt": "a lake"}), defs_0_33)
    by_name = {i.input: i for i in made_form.inputs}
    assert by_name["model"].spec.options[0].key
    assert (by_name["model.prompt"].key, by_name["model.prompt"].default) == ("prompt", "a lake")
    # What the export left out is offered with its default.
    assert by_name["model.resolution"].default in by_name["model.resolution"].spec.options
    assert isinstance(by_name["model.duration"].spec, IntSpec)


def test_choices_of_a_sub_input_are_those_of_the_chosen_option(defs_0_33):
    """The same sub-input has other choices with another model: 1080p is not for the small one."""
    spec = made(bytedance(), defs_0_33).input("1.model").spec
    seen = set()
    for option in spec.options:
        made_form = made(bytedance(model=option.key), defs_0_33)
        offered = made_form.input("1.model.resolution").spec.options
        (own,) = [d for d in option.inputs if d.name == "resolution"]
        assert offered == own.spec.options
        seen.add(offered)
    assert len(seen) > 1


def test_another_choice_takes_the_inputs_of_the_former_one_away(defs_0_33):
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {
            "class_type": "ResizeImageMaskNode",
            "inputs": {
                "input": ["1", 0],
                "resize_type": "scale dimensions",
                "resize_type.width": 640,
                "resize_type.height": 480,
                "resize_type.crop": "center",
                "scale_method": "area",
            },
        },
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    made_form = made(graph, defs_0_33)
    given = made_form.check({"2.resize_type": "scale longer dimension"})
    patched = values.patch(made_form.workflow, made_form.inputs, given).node("2").inputs
    assert {n: v for n, v in patched.items() if n.startswith("resize_type")} == {
        "resize_type": "scale longer dimension",
        "resize_type.longer_size": 512,
    }
    assert patched["scale_method"] == "area"
    same = values.patch(made_form.workflow, made_form.inputs, made_form.check({}))
    assert same == made_form.workflow


def test_inputs_of_both_options_keep_their_values_and_links(defs_0_33):
    graph = bytedance(**{"model.prompt": "a lake", "model.duration": 7})
    graph["9"] = {"class_type": "PrimitiveString", "inputs": {"value": "16:9"}}
    graph["1"]["inputs"]["model.ratio"] = ["9", 0]
    parsed = workflow.parse(graph)
    spec = defs_0_33.input("ByteDance2TextToVideoNode", "model").spec
    changed = options.with_option(parsed, "1", "model", spec, spec.options[1].key).node("1").inputs
    assert (changed["model"], changed["model.prompt"], changed["model.duration"]) == (
        spec.options[1].key,
        "a lake",
        7,
    )
    assert changed["model.ratio"] == workflow.Link("9", 0)


def test_a_list_that_grows_offers_what_it_must_have_and_what_it_has(defs_0_33):
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {
            "class_type": "ComfyMathExpression",
            "inputs": {"expression": "a + b", "values.a": 3, "values.b": 4},
        },
    }
    by_name = {i.input: i.default for i in made(graph, defs_0_33).inputs}
    assert by_name["expression"] == "a + b"
    assert (by_name["values.a"], by_name["values.b"]) == (3, 4)


def test_an_input_of_any_type_that_holds_a_value_is_offered(defs_0_33):
    graph = {"1": {"class_type": "PreviewAny", "inputs": {"source": "some words"}}}
    (source,) = made(graph, defs_0_33).inputs
    assert isinstance(source.spec, StringSpec)


def test_less_than_full_denoise_is_essential(defs_0_33):
    graph = recorded_workflow("sd15_txt2img")
    assert made(graph, defs_0_33).input("denoise").group
    graph["3"]["inputs"]["denoise"] = 0.6
    assert not made(graph, defs_0_33).input("denoise").group


def test_a_form_of_a_hundred_nodes_is_made_at_once(defs_0_33):
    """Measured at 15 ms for API format and 50 ms for UI format; the limit leaves room for a busy machine."""
    pair = next(p for p in read_pairs("official") if p.name == "templates-1_click_multiple_scene_angles-v1.0")
    for document in (pair.api, pair.ui):
        times = []
        for _ in range(5):
            begun = time.process_time()
            made_form = made(document, defs_0_33)
            times.append(time.process_time() - begun)
        nodes, milliseconds = len(made_form.workflow.nodes), min(times) * 1000
        print(f"\n{nodes} nodes, {len(made_form.inputs)} inputs: {milliseconds:.0f} ms")
        assert len(made_form.inputs) > 100
        assert min(times) < 0.5
