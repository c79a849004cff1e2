"""Error bodies of both versions: read in full, and said in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from comfyui_bridge.comfy import rejection
from comfyui_bridge.core import workflow
from comfyui_bridge.core.errors import InputProblem, NotApiFormat
from comfyui_bridge.core.workflow import Workflow
from tests.comfy import recordings


def refused(version: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """(the graph that was sent, the 400's body) of all recordings of a version."""
    for path in recordings.FILES:
        if path.parent.name != version:
            continue
        sent: dict[str, Any] = {}
        for line in recordings.lines(path):
            if line.get("path", "").removeprefix("/api") != "/prompt":
                continue
            if line["kind"] == "http_request":
                sent = line.get("json") or {}
            elif line["kind"] == "http_response" and line["status"] == 400:
                yield sent.get("prompt"), line["json"]


@pytest.mark.parametrize("version", recordings.VERSIONS)
def test_every_recorded_refusal_is_read_in_full_and_said_in_words(version: str) -> None:
    kinds = set()
    for sent, body in refused(version):
        found = rejection.problems(body)
        assert found
        errors = [error for entry in body["node_errors"].values() for error in entry["errors"]]
        assert [problem.kind for problem in found] == [error["type"] for error in errors or [body["error"]]]
        kinds |= {problem.kind for problem in found}
        try:
            graph = workflow.parse(sent)
        except NotApiFormat:
            graph = Workflow({})
        said = rejection.sentence(graph, found)
        assert said.endswith(".")
        assert len(said.splitlines()) <= 4, "the first three, and how many more"
        assert len(said) < 2000
        for problem in found[:3]:
            assert not problem.node_id or f"node {problem.node_id}" in said.lower()
    assert {"value_not_in_list", "value_smaller_than_min", "prompt_no_outputs", "no_prompt"} <= kinds


GRAPH = workflow.parse(
    {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {}, "_meta": {"title": "Load Checkpoint"}},
        "3": {"class_type": "KSampler", "inputs": {}},
        "20": {"class_type": "NoSuchNode", "inputs": {}, "_meta": {"title": "My title"}},
    }
)


def body(node_id: str = "", **error: Any) -> dict[str, Any]:
    whole = {"type": "prompt_outputs_failed_validation", "message": "m", "details": "", "extra_info": {}}
    if not node_id:
        return {"error": {**whole, **error}, "node_errors": {}}
    entry = {"errors": [error], "dependent_outputs": ["9"], "class_type": GRAPH.nodes[node_id].class_type}
    return {"error": whole, "node_errors": {node_id: entry}}


ROWS: list[tuple[dict[str, Any], str]] = [
    (
        body(
            "4",
            type="value_not_in_list",
            message="Value not in list",
            details="ckpt_name: 'x.safetensors' not in ['a.safetensors', 'b.safetensors']",
            extra_info={"input_name": "ckpt_name", "received_value": "x.safetensors"},
        ),
        "Load Checkpoint (node 4): the server has no ckpt_name called x.safetensors; "
        "it has a.safetensors, b.safetensors.",
    ),
    (
        body(
            "4",
            type="value_not_in_list",
            message="Value not in list",
            details="ckpt_name: 'x.safetensors' not in []",
            extra_info={"input_name": "ckpt_name", "received_value": "x.safetensors"},
        ),
        "Load Checkpoint (node 4): the server has no ckpt_name called x.safetensors, nor any other.",
    ),
    (
        body(
            "3",
            type="value_not_in_list",
            message="Value not in list",
            details="sampler_name: 'nope' not in (list of length 42)",
            extra_info={"input_name": "sampler_name", "input_config": None, "received_value": "nope"},
        ),
        "KSampler (node 3): the server has no sampler_name called nope.",
    ),
    (
        body(
            "3",
            type="value_smaller_than_min",
            message="Value -1 smaller than min of 0",
            details="seed",
            extra_info={"input_name": "seed", "received_value": -1},
        ),
        "KSampler (node 3): seed is out of range: value -1 smaller than min of 0.",
    ),
    (
        body(
            "3", type="required_input_missing", message="x", details="cfg", extra_info={"input_name": "cfg"}
        ),
        "KSampler (node 3): the input cfg is missing.",
    ),
    (
        body(
            "3",
            type="return_type_mismatch",
            message="x",
            details="model, received_type(CLIP) mismatch input_type(MODEL)",
            extra_info={"input_name": "model", "received_type": "CLIP"},
        ),
        "KSampler (node 3): model is linked to an output of another type "
        "(model, received_type(CLIP) mismatch input_type(MODEL)).",
    ),
    (
        body(
            "3",
            type="exception_during_inner_validation",
            message="x",
            details="'99'",
            extra_info={"input_name": "samples"},
        ),
        "KSampler (node 3): the server could not check it ('99'); look for a broken link.",
    ),
    (
        body("3", type="dependency_cycle", message="Cycle", details="", extra_info={"cycle_nodes": ["3"]}),
        "KSampler (node 3): its inputs lead back to itself; break the circle of links.",
    ),
    (
        body(
            type="missing_node_type",
            message="Node 'My title' not found.",
            details="Node ID '#20'",
            extra_info={"node_id": "20", "class_type": "NoSuchNode", "node_title": "My title"},
        ),
        "My title (node 20): the server has no node of class NoSuchNode. "
        "Install the extension that brings it, or use another workflow.",
    ),
    (
        body(
            type="invalid_prompt",
            message="Cannot execute because node NoSuchNode does not exist.",
            details="Node ID '#20'",
        ),
        "My title (node 20): the server has no node of class NoSuchNode. "
        "Install the extension that brings it, or use another workflow.",
    ),
    (
        body(type="prompt_no_outputs", message="Prompt has no outputs"),
        "The workflow has no output node; add one that saves or shows something, as Save Image does.",
    ),
    (
        body(),
        "The workflow: no output node of it can run; its links may lead round in a circle.",
    ),
    (
        body("3", type="a_new_kind", message="Something is off.", details="here"),
        "KSampler (node 3): Something is off (here).",
    ),
    (
        body(
            type="invalid_prompt",
            message="Cannot execute because a node is missing the class_type property.",
            details="Node ID '#77'",
        ),
        "Node 77: it has no class_type. Export the workflow anew.",
    ),
    (
        body("3", type="exception_during_validation", message="x", details="first\n  second"),
        "KSampler (node 3): the server could not check it (first second); look for a broken link.",
    ),
    ({"error": "Invalid id"}, "The workflow: Invalid id."),
    ({}, "The server refused the workflow without saying why; its own log may tell."),
]


@pytest.mark.parametrize(("told", "said"), ROWS)
def test_a_refusal_in_words(told: dict[str, Any], said: str) -> None:
    assert rejection.sentence(GRAPH, rejection.problems(told)) == said


def test_the_first_three_things_are_said() -> None:
    problem = InputProblem("3", "KSampler", "required_input_missing", "m", input="cfg")
    said = rejection.sentence(GRAPH, (problem,) * 5)
    assert said.count("cfg is missing") == 3
    assert said.endswith("\n2 more things are wrong.")


def test_the_downstream_nodes_input_is_not_taken_for_the_broken_ones() -> None:
    told = body(
        "3", type="exception_during_inner_validation", message="x", extra_info={"input_name": "samples"}
    )
    assert rejection.problems(told)[0].input == ""


@pytest.mark.parametrize(
    "told", [None, [], "x", {"node_errors": []}, {"node_errors": {"1": None}}, {"error": 4}]
)
def test_a_body_of_another_shape_has_no_problems(told: object) -> None:
    assert rejection.problems(told) == ()
