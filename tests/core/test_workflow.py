"""A workflow as a value: what it reads, what it refuses, and that writing gives back what was read."""

from __future__ import annotations

import copy

import pytest

from comfyui_bridge.core import workflow
from comfyui_bridge.core.errors import BrokenLink, NotApiFormat
from comfyui_bridge.core.workflow import Link

GRAPH = {
    "60": {
        "inputs": {"filename_prefix": "Qwen", "images": ["86:8", 0]},
        "class_type": "SaveImage",
        "_meta": {"title": "保存图像"},
    },
    "86:8": {"inputs": {"samples": ["86:3", 0]}, "class_type": "VAEDecode", "is_changed": ["x"]},
    "86:3": {
        "inputs": {"seed": 2**64 - 1, "shift": 3.1000000000000005, "points": {"__value__": ["86:8", 0]}},
        "class_type": "KSampler",
        "_meta": {"title": "K采样器", "extra": 1},
    },
}


def test_an_unchanged_workflow_is_written_as_it_was_read():
    before = copy.deepcopy(GRAPH)
    written = workflow.parse(GRAPH).to_api()
    assert written == before
    assert list(written) == list(before)
    assert list(written["60"]) == list(before["60"])


def test_what_is_written_shares_nothing_with_what_was_read():
    graph = workflow.parse(GRAPH)
    graph.to_api()["86:3"]["inputs"]["points"]["__value__"].append("changed")
    assert graph.to_api() == GRAPH


def test_links_are_told_from_values():
    graph = workflow.parse(GRAPH)
    assert graph.node("60").inputs["images"] == Link("86:8", 0)
    assert graph.node("86:3").inputs["points"] == {"__value__": ["86:8", 0]}


@pytest.mark.parametrize(
    "content",
    [["86:8"], ["86:8", 0, 1], [86, 0], ["86:8", "0"], ["86:8", True], []],
)
def test_a_list_that_is_no_link_stays_a_value(content):
    assert (
        workflow.parse({"1": {"class_type": "X", "inputs": {"a": content}}}).node("1").inputs["a"] == content
    )


def test_with_input_makes_a_copy_and_leaves_the_original():
    graph = workflow.parse(GRAPH)
    changed = graph.with_input("86:3", "seed", 5)
    assert changed.node("86:3").inputs["seed"] == 5
    assert graph.to_api() == GRAPH
    assert changed.to_api()["86:3"]["_meta"] == {"title": "K采样器", "extra": 1}


def test_consumers_and_upstream_follow_the_links():
    graph = workflow.parse(GRAPH)
    assert [(n.node_id, name) for n, name in graph.consumers("86:8")] == [("60", "images")]
    assert graph.consumers("86:8", output=1) == ()
    assert graph.upstream("60") == ("60", "86:8", "86:3")


def test_upstream_survives_a_cycle():
    loop = {
        "1": {"class_type": "A", "inputs": {"x": ["2", 0]}},
        "2": {"class_type": "B", "inputs": {"x": ["1", 0]}},
    }
    assert set(workflow.parse(loop).upstream("1")) == {"1", "2"}


def test_a_free_id_is_above_every_number_in_use():
    assert workflow.parse(GRAPH).free_id() == "87"


def test_broken_links_are_told():
    graph = workflow.parse({"1": {"class_type": "A", "inputs": {"x": ["9", 0]}}})
    ((node, name, link),) = workflow.broken_links(graph)
    assert (node.node_id, name, link) == ("1", "x", Link("9", 0))
    with pytest.raises(BrokenLink, match="no node 9"):
        graph.node("9")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "not a list"),
        (None, "not null"),
        ("text", "not a text"),
        (7, "not a number"),
        ({}, "no nodes"),
        ({"nodes": [], "links": []}, "UI format"),
        ({"3": []}, 'Node "3" should be an object, not a list'),
        ({"3": {"inputs": {}}}, 'Node "3" has no class_type'),
        ({"3": {"class_type": 4, "inputs": {}}}, 'Node "3" has no class_type'),
        ({"3": {"class_type": "A", "inputs": [1]}}, 'inputs of node "3" should be an object'),
    ],
)
def test_anything_else_is_refused_with_the_place(document, told):
    with pytest.raises(NotApiFormat, match=told):
        workflow.parse(document)
