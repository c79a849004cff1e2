"""LoRAs and a ControlNet put into graphs that have none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from comfyui_bridge.core import form, graft, node_defs, workflow
from comfyui_bridge.core.errors import NoPlace
from comfyui_bridge.core.graft import ControlNet, Lora
from comfyui_bridge.core.workflow import Link

from .conftest import recorded_workflow
from .conversion_pairs import read_pairs


def read(name):
    return workflow.parse(recorded_workflow(name))


def one_of(graph, class_type):
    (node,) = graph.of_class(class_type)
    return node


def test_loras_stand_in_order_between_loader_and_everything_it_fed(defs_0_3_64):
    before = read("sd15_txt2img")
    after = graft.add_loras(before, defs_0_3_64, [Lora("a", 0.5), Lora("b", 0.8, 0.2)])
    first, second = after.of_class("LoraLoader")
    loader = one_of(after, "CheckpointLoaderSimple").node_id
    assert dict(first.inputs) == {
        "lora_name": "a",
        "strength_model": 0.5,
        "strength_clip": 0.5,
        "model": Link(loader, 0),
        "clip": Link(loader, 1),
    }
    assert second.inputs["model"] == Link(first.node_id, 0)
    assert second.inputs["strength_clip"] == 0.2
    assert one_of(after, "KSampler").inputs["model"] == Link(second.node_id, 0)
    assert {n.inputs["clip"] for n in after.of_class("CLIPTextEncode")} == {Link(second.node_id, 1)}
    # The VAE does not go through LoRAs, and the original is as it was.
    assert one_of(after, "VAEDecode").inputs["vae"] == Link(loader, 2)
    assert before.to_api() == recorded_workflow("sd15_txt2img")


def test_a_model_only_graph_gets_model_only_loras_before_its_patches(defs_0_3_64):
    after = graft.add_loras(read("qwen_image_flattened"), defs_0_3_64, [Lora("a")])
    lora = one_of(after, "LoraLoaderModelOnly")
    assert lora.inputs["model"] == Link("86:37", 0)
    assert one_of(after, "ModelSamplingAuraFlow").inputs["model"] == Link(lora.node_id, 0)


def test_loras_go_before_those_that_are_there(defs_0_3_64):
    after = graft.add_loras(read("sd15_lora_embedding"), defs_0_3_64, [Lora("new")])
    old, new = after.of_class("LoraLoader")
    assert old.inputs["model"] == Link(new.node_id, 0)
    assert old.inputs["clip"] == Link(new.node_id, 1)


def test_a_controlnet_stands_between_text_and_sampler(defs_0_3_64):
    before = read("sd15_txt2img")
    sampler = one_of(before, "KSampler")
    after = graft.add_controlnet(before, defs_0_3_64, ControlNet("edges", "hint.png", 0.7))
    applied = one_of(after, "ControlNetApplyAdvanced")
    assert applied.inputs["positive"] == sampler.inputs["positive"]
    assert applied.inputs["negative"] == sampler.inputs["negative"]
    assert applied.inputs["strength"] == 0.7
    assert applied.inputs["vae"] == Link(one_of(after, "CheckpointLoaderSimple").node_id, 2)
    assert after.node(applied.inputs["image"].node_id).inputs["image"] == "hint.png"
    assert after.node(applied.inputs["control_net"].node_id).inputs["control_net_name"] == "edges"
    changed = one_of(after, "KSampler")
    assert changed.inputs["positive"] == Link(applied.node_id, 0)
    assert changed.inputs["negative"] == Link(applied.node_id, 1)


def test_a_second_controlnet_goes_behind_the_first(defs_0_3_64):
    after = graft.add_controlnet(read("sd15_controlnet"), defs_0_3_64, ControlNet("edges", "hint.png"))
    first, second = after.of_class("ControlNetApplyAdvanced")
    assert second.inputs["positive"] == Link(first.node_id, 0)
    assert second.inputs["negative"] == Link(first.node_id, 1)


def guided(*, guider, switch=False):
    """A graph in Flux's manner: guider and sigmas in nodes of their own, texts and model loaded apart."""
    model = ["9", 0] if switch else ["1", 0]
    document = {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "m"}},
        "2": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "a", "clip_name2": "b"}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a", "clip": ["2", 0]}},
        "4": {"class_type": "BasicScheduler", "inputs": {"model": model, "steps": 4}},
        "5": {"class_type": guider, "inputs": {"model": model}},
        "6": {"class_type": "SamplerCustomAdvanced", "inputs": {"guider": ["5", 0], "sigmas": ["4", 0]}},
        "7": {"class_type": "VAELoader", "inputs": {"vae_name": "v"}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["6", 0], "vae": ["7", 0]}},
    }
    texts = (
        {"conditioning": ["3", 0]}
        if guider == "BasicGuider"
        else {"positive": ["3", 0], "negative": ["3", 0]}
    )
    document["5"]["inputs"] |= texts
    if switch:
        document["9"] = {"class_type": "ModelSamplingFlux", "inputs": {"model": ["1", 0]}}
    return workflow.parse(document)


@pytest.mark.parametrize("switch", [False, True])
@pytest.mark.parametrize("guider", ["BasicGuider", "CFGGuider"])
def test_guiders_take_loras_and_a_controlnet(defs_0_3_64, guider, switch):
    graph = guided(guider=guider, switch=switch)
    after = graft.add_loras(graph, defs_0_3_64, [Lora("a")])
    lora = one_of(after, "LoraLoaderModelOnly")
    takers = {node.node_id for node, _ in after.consumers(lora.node_id)}
    assert takers == ({"9"} if switch else {"4", "5"})

    after = graft.add_controlnet(graph, defs_0_3_64, ControlNet("c", "h.png"))
    applied = one_of(after, "ControlNetApplyAdvanced")
    assert applied.inputs["positive"] == applied.inputs["negative"] == Link("3", 0)
    assert applied.inputs["vae"] == Link("7", 0)
    inputs = after.node("5").inputs
    if guider == "BasicGuider":
        assert (inputs["conditioning"], "negative" in inputs) == (Link(applied.node_id, 0), False)
    else:
        assert (inputs["positive"], inputs["negative"]) == (
            Link(applied.node_id, 0),
            Link(applied.node_id, 1),
        )


def test_texts_loaded_apart_go_through_loras_only_where_that_is_asked(defs_0_3_64):
    graph = guided(guider="BasicGuider")
    (place,) = graft.places(graph, defs_0_3_64).loras
    assert (place.model, place.clip, place.is_apart) == (Link("1", 0), Link("2", 0), True)
    after = graft.add_loras(graph, defs_0_3_64, [Lora("a", 0.5, 0.25), Lora("b")])
    first, second = after.of_class("LoraLoader")
    assert (first.inputs["clip"], first.inputs["strength_clip"]) == (Link("2", 0), 0.25)
    assert (second.inputs["clip"], second.inputs["strength_clip"]) == (Link(first.node_id, 1), 1.0)
    assert after.node("3").inputs["clip"] == Link(second.node_id, 1)


def test_texts_that_go_through_a_lora_already_go_through_the_others_too(defs_0_3_64):
    graph = guided(guider="BasicGuider")
    old = {"lora_name": "old", "strength_model": 1.0, "strength_clip": 1.0}
    graph = workflow.parse(
        graph.to_api()
        | {"10": {"class_type": "LoraLoader", "inputs": {**old, "model": ["1", 0], "clip": ["2", 0]}}}
    )
    for node_id, name, link in (("4", "model", 0), ("5", "model", 0), ("3", "clip", 1)):
        graph = graph.with_input(node_id, name, Link("10", link))
    after = graft.add_loras(graph, defs_0_3_64, [Lora("new")])
    new = after.node("11")
    assert (new.inputs["model"], new.inputs["clip"]) == (Link("1", 0), Link("2", 0))
    assert (after.node("10").inputs["model"], after.node("10").inputs["clip"]) == (
        Link("11", 0),
        Link("11", 1),
    )


def test_a_loader_nobody_knows_by_name_is_found_by_its_type(defs_0_3_64):
    gguf = replace(defs_0_3_64.get("UNETLoader"), class_type="UnetLoaderGGUF")
    known = node_defs.NodeDefs({**defs_0_3_64.by_class, "UnetLoaderGGUF": gguf})
    document = guided(guider="CFGGuider").to_api()
    document["1"] = {"class_type": "UnetLoaderGGUF", "inputs": {"unet_name": "m.gguf"}}
    (place,) = graft.places(workflow.parse(document), known).loras
    assert place.model == Link("1", 0)


@pytest.mark.parametrize(
    ("name", "loaders", "takers"),
    [
        # A refiner has a model of its own, and texts of its own.
        ("sdxl_simple_example", ["4", "12"], ["10"]),
        # High and low noise: a LoRA is made for one of the two, the texts are the same.
        ("video_wan2_2_14B_t2v", ["128:75", "128:76"], 2),
        # What estimates the depth samples too, and is not what is meant.
        ("flux_depth_lora_example", ["150:31", "150:41:87"], ["150:3"]),
        ("sd3.5_large_depth", ["4", "68:87"], ["56"]),
        ("api_kling_omni_t2v", [], None),
    ],
)
def test_stages_have_places_of_their_own_in_their_order(defs_0_33, name, loaders, takers):
    pair = next(pair for pair in read_pairs("official") if pair.name == name)
    graph = workflow.parse(pair.api)
    found = graft.places(graph, defs_0_33)
    assert [place.model.node_id for place in found.loras] == loaders
    assert workflow.parse(pair.api) == graph
    if takers is None:
        assert found.controlnet is None
    elif isinstance(takers, int):
        assert len(found.controlnet.takers) == takers
    else:
        assert [taker.node_id for taker in found.controlnet.takers] == takers


def test_the_second_model_s_loras_leave_the_first_alone(defs_0_33):
    pair = next(pair for pair in read_pairs("official") if pair.name == "video_wan2_2_14B_t2v")
    made = form.of_workflow(workflow.parse(pair.api), defs_0_33)
    second = made.places["loras_2"]
    graph = graft.add_loras(made.workflow, defs_0_33, [Lora("low.safetensors")], second)
    new = graph.nodes[made.workflow.free_id()]
    assert new.inputs["model"] == Link("128:76", 0)
    untouched = made.workflow.consumers("128:75")
    assert graph.consumers("128:75") == untouched


def test_a_circle_of_models_has_no_place_and_ends(defs_0_3_64):
    circle = {
        "1": {"class_type": "LoraLoaderModelOnly", "inputs": {"model": ["2", 0]}},
        "2": {"class_type": "LoraLoaderModelOnly", "inputs": {"model": ["1", 0]}},
        "3": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "latent_image": ["x", 0]}},
    }
    assert graft.places(workflow.parse(circle), defs_0_3_64) == graft.Places()
    merge = {
        n: {
            "class_type": "ModelMergeSimple",
            "inputs": {"model1": [str(n - 1), 0], "model2": [str(n - 2), 0]},
        }
        for n in range(3, 3000)
    }
    chain = {str(n): node for n, node in merge.items()}
    chain["2"] = {"class_type": "LoraLoaderModelOnly", "inputs": {"model": ["1", 0]}}
    chain["1"] = {"class_type": "UNETLoader", "inputs": {}}
    chain["0"] = {"class_type": "KSampler", "inputs": {"model": ["2999", 0], "latent_image": ["x", 0]}}
    assert len(graft.places(workflow.parse(chain), defs_0_3_64).loras) == 1


@pytest.mark.parametrize(
    ("put", "told"),
    [
        (lambda g, d: graft.add_loras(g, d, [Lora("a")]), "No node takes a model"),
        (
            lambda g, d: graft.add_controlnet(g, d, ControlNet("c", "h")),
            "a positive and a negative conditioning",
        ),
    ],
)
def test_a_graph_without_a_place_is_refused_with_the_reason(defs_0_3_64, put, told):
    with pytest.raises(NoPlace, match=told):
        put(read("model_free"), defs_0_3_64)


def test_a_server_without_the_nodes_is_named_as_the_reason(defs_0_3_64):
    few = node_defs.NodeDefs({k: v for k, v in defs_0_3_64.by_class.items() if "Lora" not in k})
    with pytest.raises(NoPlace, match="has no node LoraLoader"):
        graft.add_loras(read("sd15_txt2img"), few, [Lora("a")])
