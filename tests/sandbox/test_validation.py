"""Judging graphs: whatever is sent, there is a verdict, and never a surprise for the server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfyui_bridge.sandbox.folders import DiskFolders
from comfyui_bridge.sandbox.node import Input, NodeType
from comfyui_bridge.sandbox.plan import Plan
from comfyui_bridge.sandbox.validation import NotAGraph, Verdict, fits, validate
from tests.sandbox.simple_nodes import SIMPLE_NODES


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> DiskFolders:
    return DiskFolders(tmp_path_factory.mktemp("sandbox"), {})


ids = st.sampled_from(["1", "2", "3", "4"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | ids,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
links = st.tuples(ids, st.sampled_from([0, 0, 0, 1, 2])).map(list)
LITERALS = {"INT": st.integers(1, 8), "STRING": st.text(max_size=3)}


def inputs_of(node_type: NodeType) -> st.SearchStrategy[dict[str, Any]]:
    """Mostly what the node wants: links where it takes links, values where it takes values."""
    fields = {
        item.name: st.one_of(*[LITERALS.get(str(item.type), links)] * 9, links | anything)
        for item in node_type.inputs
        if item.section == "required"
    }
    return st.fixed_dictionaries(fields)


nodes = st.sampled_from(list(SIMPLE_NODES.values())).flatmap(
    lambda node_type: st.fixed_dictionaries(
        {"class_type": st.just(node_type.class_type), "inputs": inputs_of(node_type)}
    )
)
odd_nodes = st.fixed_dictionaries({"class_type": anything, "inputs": anything}) | anything
graphs = st.one_of(
    *[st.dictionaries(ids, nodes, min_size=2, max_size=4)] * 6,
    st.dictionaries(ids, st.one_of(nodes, nodes, odd_nodes), max_size=4),
    anything,
)


@given(graphs)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_graph_gets_a_verdict_that_json_can_hold(folders: DiskFolders, graph: Any) -> None:
    try:
        verdict = validate(graph, SIMPLE_NODES, folders)
    except NotAGraph:
        return
    json.dumps([verdict.error, verdict.node_errors])
    assert (verdict.error is None) == bool(verdict.outputs)
    if verdict.outputs:
        assert_runs_in_order(graph, verdict)


def assert_runs_in_order(graph: dict[str, Any], verdict: Verdict) -> None:
    def sources(node_id: str) -> list[str]:
        known = {item.name for item in SIMPLE_NODES[graph[node_id]["class_type"]].inputs}
        inputs = graph[node_id]["inputs"]
        links = (value for name, value in inputs.items() if name in known and isinstance(value, list))
        return [link[0] for link in links]

    def is_output(node_id: str) -> bool:
        return SIMPLE_NODES[graph[node_id]["class_type"]].output_node

    plan = Plan(verdict.outputs, sources, is_output)
    ran: list[str] = []
    while plan:
        node_id = plan.next()
        assert set(sources(node_id)) <= set(ran)
        plan.done(node_id)
        ran.append(node_id)
    assert len(ran) == len(set(ran))


@pytest.mark.parametrize(
    ("received", "expected", "ok"),
    [
        ("IMAGE", "IMAGE", True),
        ("IMAGE", "MASK", False),
        ("IMAGE", "*", True),
        ("*", "IMAGE", True),
        ("INT", "INT,FLOAT", True),
        ("INT,FLOAT", "INT", False),
        ("INT,FLOAT", "FLOAT,INT", True),
    ],
)
def test_which_output_goes_into_which_input(received: str, expected: str, ok: bool) -> None:
    assert fits(received, expected) is ok


@pytest.mark.parametrize(
    ("given_value", "kind", "kept"),
    [
        ("5", "INT", 5),
        (5.7, "INT", 5),
        (True, "INT", 1),
        ("2.5", "FLOAT", 2.5),
        (3, "FLOAT", 3.0),
        (7, "STRING", "7"),
        ("false", "BOOLEAN", True),
        ("", "BOOLEAN", False),
        ({"__value__": [1, 2, 3]}, "CURVE", [1, 2, 3]),
        ({"__value__": "8"}, "INT", 8),
    ],
)
def test_values_are_converted_in_the_graph(
    folders: DiskFolders, given_value: Any, kind: str, kept: Any
) -> None:
    class Taker(NodeType):
        class_type = "Taker"
        inputs = (Input("value", kind),)
        output_node = True

    graph = {"1": {"class_type": "Taker", "inputs": {"value": given_value}}}
    assert validate(graph, {"Taker": Taker()}, folders).error is None
    assert graph["1"]["inputs"] == {"value": kept}
    assert type(graph["1"]["inputs"]["value"]) is type(kept)


def test_a_newer_combo_is_not_checked(folders: DiskFolders) -> None:
    class Newer(NodeType):
        class_type = "Newer"
        inputs = (Input("mode", ("a", "b")),)
        output_node = True
        combo_style = "COMBO"

    graph = {"1": {"class_type": "Newer", "inputs": {"mode": "c"}}}
    assert validate(graph, {"Newer": Newer()}, folders).error is None


def test_a_node_in_a_cycle_is_refused_without_a_reason(folders: DiskFolders) -> None:
    graph = {
        "1": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    verdict = validate(graph, SIMPLE_NODES, folders)
    assert verdict.error is not None
    assert verdict.error["type"] == "prompt_outputs_failed_validation"
    assert verdict.node_errors == {}
