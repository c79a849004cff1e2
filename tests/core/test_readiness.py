"""What stands in a workflow's way on one server, told before it is sent."""

from __future__ import annotations

from comfyui_bridge.core import readiness, workflow

from .conftest import recorded_workflow


def assess(graph, defs):
    return readiness.assess(workflow.parse(graph), defs)


def test_a_workflow_the_server_can_run_is_ready(defs_0_3_64):
    found = assess(recorded_workflow("sd15_txt2img"), defs_0_3_64)
    assert found.ready
    assert found == readiness.Readiness()


def test_a_missing_model_is_told_with_the_nearest(defs_0_3_64):
    graph = recorded_workflow("sd15_txt2img")
    graph["4"]["inputs"]["ckpt_name"] = "tiny_sd16.safetensors"
    (missing,) = assess(graph, defs_0_3_64).missing_choices
    assert (missing.node_id, missing.input, missing.nearest) == ("4", "ckpt_name", "tiny_sd15.safetensors")


def test_a_missing_node_is_told_with_the_nearest(defs_0_3_64):
    graph = recorded_workflow("sd15_txt2img")
    graph["3"]["class_type"] = "KSampller"
    (missing,) = assess(graph, defs_0_3_64).missing_nodes
    assert (missing.class_type, missing.nearest) == ("KSampller", "KSampler")


def test_broken_and_absent_links_are_told(defs_0_3_64):
    graph = recorded_workflow("sd15_txt2img")
    graph["8"]["inputs"]["vae"] = ["404", 0]
    del graph["3"]["inputs"]["latent_image"]
    there, absent = [broken.reason for broken in assess(graph, defs_0_3_64).broken_links]
    assert "linked to node 404, which is not there" in there
    assert absent == "latent_image of “KSampler” needs a link and has none."


def test_the_guides_prompt_that_has_no_effect_is_told(defs_0_3_64):
    # The guide sets `text` on a node whose input is `value`: the server takes it and ignores it.
    graph = recorded_workflow("qwen_image_flattened")
    graph["91"]["inputs"]["text"] = "一只可爱的猫咪"
    found = assess(graph, defs_0_3_64)
    assert found.ready
    (ignored,) = found.without_effect
    assert (ignored.node_id, ignored.input) == ("91", "text")
    assert "has no input text" in ignored.reason


def test_a_node_that_feeds_no_output_is_told(defs_0_3_64):
    graph = recorded_workflow("sd15_txt2img")
    graph["50"] = {"class_type": "CLIPTextEncode", "inputs": {"text": "unused", "clip": ["4", 1]}}
    (loose,) = assess(graph, defs_0_3_64).without_effect
    assert loose.node_id == "50"


def test_files_the_list_does_not_show_are_not_missing(defs_0_3_64):
    graph = recorded_workflow("sd15_inpaint")
    assert assess(graph, defs_0_3_64).ready
