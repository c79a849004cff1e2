"""LoRAs and a ControlNet put into graphs that have none."""

from __future__ import annotations

import pytest

from comfyui_bridge.core import graft, node_defs, workflow
from comfyui_bridge.core.errors import NoPlace
from comfyui_bridge.core.graft import ControlNet, Lora
from comfyui_bridge.core.workflow import Link

from .conftest import recorded_workflow


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
