"""A graph that LoRAs or a ControlNet were put into says which values make it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from comfyui_bridge.core import form, remix, ungraft, workflow
from comfyui_bridge.core.workflow import Link

from .conftest import recorded_workflow
from .conversion_pairs import read_pairs
from .test_remix import renumbered

INK = {"name": "ink.safetensors", "strength_model": 0.8}
FILM = {"name": "film.safetensors", "strength_model": 0.5, "strength_clip": 0.2}
EDGES = {
    "name": "edges.safetensors",
    "image": "lines.png",
    "strength": 0.9,
    "start_percent": 0.0,
    "end_percent": 0.7,
}


def made(name, defs):
    return form.of_workflow(workflow.parse(recorded_workflow(name)), defs)


@pytest.mark.parametrize(
    ("name", "put_in"),
    [
        ("sd15_txt2img", {"loras": [INK, FILM]}),
        ("sd15_txt2img", {"controlnet": EDGES}),
        ("sd15_txt2img", {"loras": [INK], "controlnet": EDGES}),
        # It has one of its own, which stays one.
        ("sd15_lora_embedding", {"loras": [FILM, INK]}),
        ("qwen_image_flattened", {"loras": [INK]}),
        # Its texts are loaded apart: they go through LoRAs where that is asked.
        ("qwen_image_flattened", {"loras": [FILM]}),
    ],
)
def test_what_was_put_in_is_read_back(defs_0_3_64, name, put_in):
    one = made(name, defs_0_3_64)
    sent = one.patched({"seed": 12, **put_in})
    assert remix.values_of(one, sent) is None
    found = ungraft.values_of(one, renumbered_anew(sent))
    assert found is not None
    assert {key: found.get(key) for key in one.places if found.get(key)} == put_in
    assert found["seed"] == 12


def test_each_of_two_models_has_its_own(defs_0_33):
    pair = next(pair for pair in read_pairs("official") if pair.name == "video_wan2_2_14B_t2v")
    one = form.of_workflow(workflow.parse(pair.api), defs_0_33)
    put_in = {"loras": [INK, {"name": "film.safetensors", "strength_model": 0.5}], "loras_2": [INK]}
    found = ungraft.values_of(one, one.patched(put_in))
    assert found is not None
    assert {key: found[key] for key in put_in} == put_in


@pytest.mark.parametrize(
    "change",
    [
        # Only one of the two texts goes through the LoRA.
        lambda graph: graph.with_input("6", "clip", Link("4", 1)),
        # Its strength comes from another node.
        lambda graph: graph.with_input("10", "strength_model", Link("5", 0)),
        lambda graph: graph.with_node(replace(graph.node("9"), class_type="PreviewImage")),
        lambda graph: graph.with_node(replace(graph.node("10"), class_type="LoraLoaderModelOnly")),
    ],
)
def test_what_no_value_would_make_is_none_of_the_form_s(defs_0_3_64, change):
    one = made("sd15_txt2img", defs_0_3_64)
    sent = one.patched({"loras": [INK]})
    assert ungraft.values_of(one, sent) is not None
    assert ungraft.values_of(one, change(sent)) is None


def test_the_form_s_own_graph_has_nothing_put_in(defs_0_3_64):
    one = made("sd15_txt2img", defs_0_3_64)
    assert ungraft.values_of(one, one.workflow) is None


def test_a_graph_of_many_loras_is_given_up_soon(defs_0_3_64):
    one = made("sd15_txt2img", defs_0_3_64)
    graph = one.workflow
    lora = one.patched({"loras": [INK]}).node("10")
    for number in range(32):
        graph = graph.with_node(replace(lora, node_id=f"1{number}"))
    assert ungraft.values_of(one, graph) is None


def renumbered_anew(graph):
    """The same graph with other ids, also where they are no plain numbers."""
    ids = {node_id: str(number) for number, node_id in enumerate(graph.nodes, 1)}
    plain = [
        replace(
            node,
            node_id=ids[node.node_id],
            inputs={
                name: Link(ids[content.node_id], content.output) if isinstance(content, Link) else content
                for name, content in node.inputs.items()
            },
        )
        for node in graph.nodes.values()
    ]
    return renumbered(workflow.Workflow({node.node_id: node for node in plain}))
