"""A former run's values in a form of today."""

from __future__ import annotations

from dataclasses import replace

import pytest

from comfyui_bridge.core import form, remix, template, workflow
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.template import Exposure
from comfyui_bridge.core.workflow import Link

from .conftest import recorded_workflow


def made(defs, *exposures):
    return form.make(
        replace(template.parse("t", recorded_workflow("sd15_txt2img")), exposures=exposures), defs
    )


def test_what_fits_is_kept_and_the_rest_is_told(defs_0_3_64):
    one = made(defs_0_3_64, Exposure("3", "steps", key="steps", max=30.0))
    kept, left_out = remix.fitting(
        one, {"steps": 50, "cfg": 6.5, "gone": 1, "sampler": "eulerr", "seed": 2**63, "prompt": "a fox"}
    )
    assert kept == {"cfg": 6.5, "seed": 2**63, "prompt": "a fox"}
    assert set(left_out) == {"steps", "gone", "sampler"}
    assert "the most is 30" in left_out["steps"]
    assert "did you mean euler" in left_out["sampler"]


def test_values_that_fit_come_back_as_they_were(defs_0_3_64):
    one = made(defs_0_3_64)
    values = one.check({"steps": 8})
    assert remix.fitting(one, values) == (values, {})


def test_the_next_picture_differs(defs_0_3_64):
    one = made(defs_0_3_64)
    assert remix.without_seeds(one, {"seed": 7, "steps": 8}) == {"steps": 8}


def drawn(*numbers: int):
    """A draw that gives these one by one."""
    left = list(numbers)
    return lambda low, high: left.pop(0)


def graph():
    return workflow.parse(recorded_workflow("sd15_txt2img"))


def test_only_the_seeds_are_drawn_anew(defs_0_3_64):
    first = graph().with_input("3", "seed", 5).with_input("5", "batch_size", 5)
    again, values = remix.reseeded(
        first, defs_0_3_64, {"lucky": 5, "steps": 5, "seed": 5}, ["lucky"], drawn(9)
    )
    assert again == first.with_input("3", "seed", 9)
    assert values == {"lucky": 9, "steps": 5, "seed": 9}


def test_seeds_that_were_equal_stay_equal(defs_0_3_64):
    second = replace(graph().node("3"), node_id="30")
    first = graph().with_node(second).with_input("30", "latent_image", Link("3", 0))
    again, _ = remix.reseeded(first, defs_0_3_64, {}, [], drawn(9))
    assert [again.node(node_id).inputs["seed"] for node_id in ("3", "30")] == [9, 9]


def test_a_workflow_without_a_seed_says_so(defs_0_3_64):
    still = workflow.parse({"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}})
    with pytest.raises(InvalidValues, match="no seed"):
        remix.reseeded(still, defs_0_3_64, {}, [], drawn())


def test_what_a_form_would_say_is_read_from_a_graph_whose_nodes_have_other_ids(defs_0_3_64):
    one = made(defs_0_3_64)
    sent = one.patched({**one.check({"prompt": "a fox", "negative": "text", "steps": 8}), "seed": 12})
    found = remix.values_of(one, renumbered(sent))
    assert found is not None
    assert {key: found[key] for key in ("prompt", "negative", "steps", "seed")} == {
        "prompt": "a fox",
        "negative": "text",
        "steps": 8,
        "seed": 12,
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda graph: graph.with_input("3", "positive", Link("7", 0)),
        lambda graph: graph.with_input("3", "negative", Link("6", 0)),
        lambda graph: graph.with_node(replace(graph.node("9"), class_type="PreviewImage")),
        lambda graph: graph.with_node(replace(graph.node("9"), node_id="90")),
        lambda graph: graph.with_input("3", "seed", Link("4", 0)),
    ],
)
def test_another_graph_is_none_of_the_form_s(defs_0_3_64, change):
    assert remix.values_of(made(defs_0_3_64), change(graph())) is None


def test_files_of_ours_are_only_names_to_anybody_else():
    mark = FileValue("0" * 64, "lake.png").to_json()
    first = workflow.parse({"1": {"class_type": "LoadImage", "inputs": {"image": mark, "other": 3}}})
    assert remix.bare(first).node("1").inputs == {"image": "lake.png", "other": 3}


def renumbered(first):
    """The same graph with other ids, in another order."""
    ids = {node_id: str(100 - int(node_id)) for node_id in first.nodes}
    nodes = [
        replace(
            node,
            node_id=ids[node.node_id],
            inputs={
                name: Link(ids[content.node_id], content.output) if isinstance(content, Link) else content
                for name, content in node.inputs.items()
            },
        )
        for node in reversed(first.nodes.values())
    ]
    return workflow.Workflow({node.node_id: node for node in nodes})
