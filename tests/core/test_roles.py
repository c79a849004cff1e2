"""What inputs are for: hand-checked on templates of ComfyUI, and rule by rule on small graphs."""

from __future__ import annotations

import pytest

from comfyui_bridge.core import node_defs, roles, workflow
from comfyui_bridge.core.node_defs import ComboSpec, DynamicComboSpec, IntSpec
from comfyui_bridge.core.tracing import Place

from .conftest import recorded_workflow
from .conversion_pairs import read_pairs

TEMPLATES = {pair.name: pair.api for pair in read_pairs("official") if pair.api}


def found(graph, defs):
    return {
        role.key: f"{place.node_id}.{place.input}"
        for place, role in roles.find(workflow.parse(graph), defs).items()
    }


# What a person who read the graph would answer; None for what must not be found.
CHECKED = {
    # A prompt enhancer behind a switch: the person's text, not the instructions to the language model.
    "image_ernie_image": {
        "prompt": "88:78.value",
        "prompt_2": None,
        "negative": "88:72.text",
        "seed": "88:70.seed",
        "width": "88:71.width",
    },
    "image_krea2_turbo_t2i_int8": {
        "prompt": "30:19.value",
        "prompt_2": None,
        "negative": None,
        "aspect_ratio": "49.aspect_ratio",
        "megapixels": "49.megapixels",
        "width": None,
    },
    "image_qwen_image_edit_2509_relight": {
        "prompt": "15.value",
        "negative": "10:110.prompt",
        "image": "11.image",
    },
    "video_bernini_r_video_editing": {
        "prompt": "298:297.value",
        "prompt_2": None,
        "steps": "298:286.value",
        "cfg": "298:292.value",
        "seed": "298:275.noise_seed",
        "seed_2": None,
        "video": "47.file",
        "image": None,
    },
    "audio_ace_step_1_5_split_llm": {
        "prompt": "113.prompt",
        "lyrics": None,
        "seed": "2:112.seed",
        "seed_2": "113.seed",
        "duration": "2:110.value",
        "steps": "2:3.steps",
    },
    # Switches: what is let through, as they stand.
    "basic_switch_node": {"prompt": "68.value", "prompt_2": None, "model": "60.unet_name"},
    "image_qwen_image": {"steps": "76:84.value", "cfg": "76:85.value", "model": "76:37.unet_name"},
    "image_anima_lllite_image_inpainting": {"steps": "88:108.value", "cfg": "88:114.value"},
    # Sampler, noise, guider and sigmas in nodes of their own.
    "image_chroma_text_to_image": {
        "prompt": "748.text",
        "negative": "749.text",
        "cfg": "694.cfg",
        "seed": "718.noise_seed",
        "steps": "734.steps",
        "scheduler": "734.scheduler",
        "sampler": "700.sampler_name",
        "width": "737.width",
    },
    "flux_redux_model_example": {
        "prompt": "6.text",
        "guidance": "26.guidance",
        "cfg": None,
        "image": "40.image",
        "image_2": "47.image",
        "width": "27.width",
    },
    "hidream_e1_full": {"prompt": "6.text", "negative": "7.text", "cfg": "53.cfg_conds", "width": "44.width"},
    "sdxlturbo_example": {"steps": "22.steps", "sampler": "14.sampler_name", "seed": "13.noise_seed"},
    # A sampler that only estimates depth is no stage, and its VAE not the one of the picture.
    "flux_depth_lora_example": {
        "prompt": "150:23.text",
        "steps": "150:3.steps",
        "steps_2": None,
        "vae": "150:32.vae_name",
        "vae_2": None,
        "lora": "150:37.lora_name",
    },
    "sd3.5_large_depth": {
        "steps": "56.steps",
        "checkpoint": "4.ckpt_name",
        "vae": None,
        "controlnet": "46.control_net_name",
        "controlnet_strength": "61.strength",
    },
    "image_lotus_depth_v1_1": {"prompt": None, "seed": None, "steps": "74:20.steps", "image": "12.image"},
    # Several stages; the noise of a second half is not added, so its seed means nothing.
    "sdxl_simple_example": {
        "prompt": "6.text",
        "prompt_2": "15.text",
        "seed": "10.noise_seed",
        "seed_2": None,
        "checkpoint_2": "12.ckpt_name",
    },
    "video_wan2_2_14B_t2v": {
        "prompt": "128:89.text",
        "prompt_2": None,
        "seed": "128:81.noise_seed",
        "seed_2": None,
        "steps": "128:114.value",
        "steps_2": None,
        "model": "128:75.unet_name",
        "model_2": "128:76.unet_name",
        "duration": "128:126.value",
        "length": None,
        "fps": "128:125.value",
    },
    "txt_to_image_to_video": {
        "prompt": "18.text",
        "prompt_2": None,
        "width": "22.width",
        "width_2": "12.width",
        "length": "12.video_frames",
        "fps": "25.fps",
        "seed_2": "3.seed",
        "checkpoint_2": "15.ckpt_name",
    },
    "templates_ohneis_i2v": {
        "prompt": "57:27.text",
        "prompt_2": "64.prompt",
        "prompt_3": "65.prompt",
        "width": "57:13.width",
        "duration": "65.duration",
        "image": None,
    },
    # Sizes and lengths worked out of primitives.
    "video_ltx2_3_i2v": {
        "prompt": "320:319.value",
        "negative": "320:313.text",
        "width": "320:312.value",
        "height": "320:299.value",
        "duration": "320:301.value",
        "fps": "320:300.value",
        "seed": "320:277.noise_seed",
        "seed_2": "320:276.noise_seed",
        "steps": None,
        "image": "269.image",
    },
    "video_minimax_h3_t2v": {
        "prompt": "140:131.prompt",
        "duration": "140:133.value",
        "aspect_ratio": "115.aspect_ratio",
        "steps": "140:137.value",
    },
    "video_wan2.1_fun_camera_v1.1_1.3B": {"width": "57.width", "length": "57.length", "image": "52.image"},
    "video_wan_animate2_distilled": {
        "prompt": "605.value",
        "prompt_2": "604.value",
        "width": "261:243.resize_type.width",
        "video": "240.file",
        "image": "189.image",
    },
    "video_wan_vace_flf2v": {"width": "220:193.value", "duration": "220:131.value", "image_2": "147.image"},
    "utility_void_video_inpainting": {
        "prompt": "167:6.text",
        "prompt_2": None,
        "width": "167:147.value",
        "video": "4.file",
        "model_2": "167:143.unet_name",
    },
    "image_flux2_klein_9b_kv_image_edit": {
        "megapixels": "130.megapixels",
        "width": None,
        "image": "76.image",
    },
    "image_mage_flow_t2i_int8": {"prompt": "12:5.prompt", "negative": "12:5.negative_prompt"},
    "audio_ace_step1_5_xl_base": {
        "prompt": "94.tags",
        "lyrics": "94.lyrics",
        "negative": None,
        "seed": "109.value",
        "duration": "98.seconds",
    },
    # Services and language models.
    "api_grok_reference_to_video": {
        "prompt": "19.prompt",
        "image": "6.image",
        "image_2": "5.image",
        "duration": "19.model.duration",
        "seed": "19.seed",
    },
    "api_wan2_7_video_edit": {
        "prompt": "4.model.prompt",
        "resolution": "4.model.resolution",
        "video": "1.file",
        "image": "3.image",
        "image_2": "2.image",
    },
    "api_openrouter_grok4_5": {"prompt": "14.value", "image": "12.image", "seed": "18.seed"},
    "api_elevenlabs_v4_text_to_dialogue": {"prompt": "218.inputs.text1", "prompt_4": "218.inputs.text4"},
    "api_ideogram_p_image_t2i": {"prompt": "12.high_level_description", "seed": "11.seed"},
    "api_qwen3_t2i": {"prompt": "14.model.prompt", "aspect_ratio": "8.aspect_ratio", "width": None},
    "api_rodin_image_to_model": {"prompt": None, "seed": "28.Seed", "image": "49.image"},
    "llm_gemma4_text_gen": {"prompt": "1.prompt", "image": "2.image", "audio": "5.audio", "video": None},
    # Nothing that anyone would call a prompt.
    "basic_datatype_conversion": {"prompt": None, "width": None, "seed": None},
    "utility_sdpose_multi_person": {"prompt": None, "checkpoint": None, "image": "679.image"},
}


@pytest.mark.parametrize("name", CHECKED)
def test_roles_are_what_a_person_would_say(defs_0_33, name):
    places = found(TEMPLATES[name], defs_0_33)
    assert {key: places.get(key) for key in CHECKED[name]} == CHECKED[name]


# Templates that work on pictures, sounds or nothing, and have no text to say what is wanted.
WITHOUT_TEXT = 34
REACHED = {"prompt": 171, "seed": 178, "image": 128, "steps": 78, "video": 20, "audio": 7}


def test_most_templates_get_their_roles(defs_0_33):
    counts = dict.fromkeys(REACHED, 0)
    for graph in TEMPLATES.values():
        keys = found(graph, defs_0_33)
        for role in counts:
            counts[role] += role in keys
    print(f"\nof {len(TEMPLATES)} templates: {counts}")
    assert counts["prompt"] + WITHOUT_TEXT == len(TEMPLATES)
    assert {role: count for role, count in counts.items() if count < REACHED[role]} == {}


def test_a_role_never_points_at_a_link_or_at_another_kind_of_input(defs_0_33):
    for name, graph in TEMPLATES.items():
        parsed = workflow.parse(graph)
        given = roles.find(parsed, defs_0_33)
        assert len({role.key for role in given.values()}) == len(given), name
        for place, role in given.items():
            node = parsed.node(place.node_id)
            assert not isinstance(node.inputs[place.input], workflow.Link), (name, place)
            spec = defs_0_33.input(node.class_type, place.input).spec
            match role.name:
                case "seed" | "steps" | "length":
                    assert isinstance(spec, IntSpec), (name, place)
                case "image" | "video" | "audio" | "mask":
                    assert isinstance(spec, ComboSpec), (name, place)
                    assert spec.upload, (name, place)
                case "checkpoint" | "vae" | "lora" | "controlnet" | "sampler" | "scheduler":
                    assert isinstance(spec, ComboSpec), (name, place)
                case "model":
                    assert isinstance(spec, (ComboSpec, DynamicComboSpec)), (name, place)


def test_without_definitions_the_names_of_inputs_must_do():
    reached = sum("prompt" in found(graph, node_defs.EMPTY) for graph in TEMPLATES.values())
    print(f"\nwithout definitions {reached} of {len(TEMPLATES)} templates have a prompt")
    assert reached >= 140
    for graph in TEMPLATES.values():
        parsed = workflow.parse(graph)
        for place in roles.find(parsed, node_defs.EMPTY):
            assert not isinstance(parsed.node(place.node_id).inputs[place.input], workflow.Link)


# Rules on small graphs


def txt2img(**changes):
    graph = recorded_workflow("sd15_txt2img")
    graph.update(changes)
    return graph


def node(class_type, title="", **inputs):
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title} if title else {}}


def test_a_seed_of_noise_that_is_not_added_is_no_seed(defs_0_33):
    graph = txt2img()
    sampler = graph["3"]["inputs"]
    graph["3"] = node(
        "KSamplerAdvanced",
        add_noise="disable",
        noise_seed=5,
        **{name: content for name, content in sampler.items() if name not in ("seed", "denoise")},
    )
    assert "seed" not in found(graph, defs_0_33)
    graph["3"]["inputs"]["add_noise"] = "enable"
    assert found(graph, defs_0_33)["seed"] == "3.noise_seed"


def test_a_switch_shows_the_branch_that_is_open(defs_0_33):
    graph = txt2img(a=node("PrimitiveInt", value=4), b=node("PrimitiveInt", value=30))
    graph["on"] = node("PrimitiveBoolean", value=True)
    graph["s"] = node("ComfySwitchNode", switch=["on", 0], on_false=["b", 0], on_true=["a", 0])
    graph["3"]["inputs"]["steps"] = ["s", 0]
    assert found(graph, defs_0_33)["steps"] == "a.value"
    graph["on"]["inputs"]["value"] = False
    assert found(graph, defs_0_33)["steps"] == "b.value"


def test_what_is_calculated_is_no_value_of_its_own(defs_0_33):
    graph = txt2img(a=node("PrimitiveInt", value=4), b=node("PrimitiveInt", value=5))
    graph["m"] = node("ComfyMathExpression", expression="a * 2", **{"values.a": ["a", 0]})
    graph["3"]["inputs"]["steps"] = ["m", 1]
    assert "steps" not in found(graph, defs_0_33)
    graph["m"]["inputs"]["expression"] = "a"
    assert found(graph, defs_0_33)["steps"] == "a.value"
    # A size worked out of one number is still that number's doing; of two it is nobody's.
    graph["m"]["inputs"]["expression"] = "a * 2"
    graph["5"]["inputs"]["width"] = ["m", 1]
    assert found(graph, defs_0_33)["width"] == "a.value"
    graph["m"]["inputs"]["values.b"] = ["b", 0]
    assert "width" not in found(graph, defs_0_33)


def test_a_text_joined_with_another_is_the_one_somebody_wrote_apart(defs_0_33):
    graph = txt2img(t=node("PrimitiveStringMultiline", value="a lake"))
    graph["j"] = node("StringConcatenate", string_a="photo of ", string_b=["t", 0], delimiter="")
    graph["6"]["inputs"]["text"] = ["j", 0]
    assert found(graph, defs_0_33)["prompt"] == "t.value"
    graph["sys"] = node("PrimitiveStringMultiline", value="You are a helpful assistant that rewrites.")
    graph["j"]["inputs"]["string_a"] = ["sys", 0]
    places = found(graph, defs_0_33)
    assert places["prompt"] == "t.value"
    assert "prompt_2" not in places


def test_positive_and_negative_do_not_get_mixed_in_a_pair_that_starts_at_another_output(defs_0_33):
    graph = txt2img()
    sampler = graph["3"]["inputs"]
    # LTXVReferenceAudio hands on model, positive and negative.
    graph["r"] = node(
        "LTXVReferenceAudio",
        positive=sampler["positive"],
        negative=sampler["negative"],
        model=sampler["model"],
        identity_guidance_scale=3.0,
    )
    sampler["positive"], sampler["negative"] = ["r", 1], ["r", 2]
    places = found(graph, defs_0_33)
    assert (places["prompt"], places["negative"]) == ("6.text", "7.text")


def test_pictures_are_in_the_order_of_the_slots_they_feed_and_named_after_them(defs_0_33):
    graph = {
        "1": node("LoadImage", "Load Image", image="end.png"),
        "2": node("LoadImage", "Load Image", image="start.png"),
        "3": node("LoadImage", "Load Image", image="nobody.png"),
        "9": node(
            "ByteDanceFirstLastFrameNode", prompt="x", first_frame=["2", 0], last_frame=["1", 0], seed=1
        ),
    }
    given = roles.find(workflow.parse(graph), defs_0_33)
    assert given[Place("2", "image")].key == "image"
    assert given[Place("2", "image")].detail == "first frame"
    assert given[Place("1", "image")].key == "image_2"
    assert given[Place("1", "image")].detail == "last frame"
    assert Place("3", "image") not in given


def test_stages_are_told_apart_by_their_titles_or_their_number(defs_0_33):
    graph = txt2img()
    graph["70"] = node("LatentUpscale", samples=["3", 0], width=900, height=900)
    graph["71"] = node("KSampler", "KSampler", **{**graph["3"]["inputs"], "latent_image": ["70", 0]})
    given = roles.find(workflow.parse(graph), defs_0_33)
    assert given[Place("71", "steps")].detail == "stage 2"
    assert given[Place("71", "steps")].key == "steps_2"
    assert Place("70", "width") not in given
    graph["71"]["_meta"]["title"] = "Refine"
    assert roles.find(workflow.parse(graph), defs_0_33)[Place("71", "steps")].detail == "Refine"


@pytest.mark.parametrize(
    "change",
    [
        {"5": {"width": ["5", 0]}},
        {"6": {"text": ["6", 0]}},
        {"3": {"positive": ["3", 0], "model": ["3", 0], "latent_image": ["3", 0]}},
        {"3": {"steps": ["gone", 7], "seed": ["4", 99]}},
    ],
)
def test_circles_and_broken_links_end(defs_0_33, change):
    graph = txt2img(s=node("ComfySwitchNode", switch=["s", 0], on_false=["s", 0], on_true=["s", 0]))
    for node_id, inputs in change.items():
        graph[node_id]["inputs"].update(inputs)
    graph["3"]["inputs"]["cfg"] = ["s", 0]
    assert "cfg" not in found(graph, defs_0_33)


def test_thousands_of_nodes_in_a_row_are_walked_once(defs_0_33):
    """Each of these would take minutes or overflow, were a way through the graph walked for every link."""
    graph = txt2img(s0=node("PrimitiveInt", value=7))
    for n in range(1, 2000):
        graph[f"s{n}"] = node(
            "ComfySwitchNode", switch=True, on_true=[f"s{n - 1}", 0], on_false=[f"s{n - 1}", 0]
        )
        graph[f"c{n}"] = node(
            "ConditioningCombine",
            conditioning_1=[f"c{n - 1}" if n > 1 else "6", 0],
            conditioning_2=[f"c{n - 1}" if n > 1 else "6", 0],
        )
    graph["3"]["inputs"].update(steps=["s1999", 0], positive=["c1999", 0])
    places = found(graph, defs_0_33)
    assert places["prompt"] == "6.text"
    assert "steps" not in places
