"""Broken, hostile and huge documents: a workflow or a BridgeError, each within two seconds.

The seconds are the processor's own, as other tests may share the machine.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from comfyui_bridge.core.convert import convert
from comfyui_bridge.core.errors import BridgeError
from comfyui_bridge.core.node_defs import NodeDefs
from tests.core.conversion_pairs import Pair, read_pairs

SECONDS = 2.0
ROUNDS = 2000

JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 2, 4, 7, 1e308, float("nan"), -0.5, 2**70, "", "x", "7", "-10",
    "workflow>G", "<img src=x onerror=alert(1)>", "%" * 50, "{a|{b|c}" * 20, "\\" * 9, "//" * 20,
    "/*" * 50, "__proto__", "constructor", "\ud800", "\x00", [], {}, [[]], [{}], ["1", 0], [None] * 3,
    {"name": "seed"}, {"id": 1}, {"": None},
]  # fmt: skip


def check(document: Any, defs: NodeDefs) -> str:
    """Convert, see that it took its time only, and say how it ended."""
    started = time.process_time()
    try:
        conversion = convert(document, defs)
        api = conversion.workflow.to_api()
        assert isinstance(api, dict)
        assert all(isinstance(note, str) for note in conversion.notes)
        outcome = message = "workflow"
    except BridgeError as caught:
        outcome, message = type(caught).__name__, str(caught)
    took = time.process_time() - started
    assert 0 < len(message) < 2000
    assert took < SECONDS, f"{took:.1f} s"
    return outcome


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in a JSON value."""
    found = [path]
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, entry in entries:
        found += places(entry, (*path, key))
    return found


def follow(value: Any, path: tuple[Any, ...]) -> Any:
    """What stands at a path, or None where it leads nowhere by now."""
    for key in path:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def mutate(document: Any, rng: random.Random) -> Any:
    """A copy with a few things replaced, taken out, moved or doubled."""
    document = json.loads(json.dumps(document))
    known = places(document)
    for _ in range(rng.randint(1, 8)):
        path = rng.choice(known)
        parent = follow(document, path[:-1])
        if not path or parent is None or follow(document, path) is None:
            continue
        key = path[-1]
        match rng.randrange(6):
            case 0:
                parent[key] = rng.choice(JUNK)
            case 1:
                del parent[key]
            case 2 if isinstance(parent, list):
                parent.insert(rng.randrange(len(parent) + 1), parent[rng.randrange(len(parent))])
            case 3 if isinstance(parent, list):
                rng.shuffle(parent)
            case 4 if isinstance(parent, list):
                del parent[rng.randrange(len(parent)) :]
            case _:
                other = rng.choice(known)
                value = follow(document, other)
                parent[key] = json.loads(json.dumps(value)) if len(other) > 2 else rng.choice(JUNK)
    return document


@pytest.mark.parametrize("seed", range(10))
def test_mutated_documents_end_in_a_workflow_or_a_bridge_error(seed: int, defs_0_33: NodeDefs) -> None:
    rng = random.Random(seed)
    small = [pair for pair in read_pairs("official", "adversarial") if len(json.dumps(pair.ui)) < 12_000]
    outcomes: dict[str, int] = {}
    for _ in range(ROUNDS // 10):
        pair: Pair = rng.choice(small)
        outcome = check(mutate(pair.ui, rng), defs_0_33)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert outcomes.get("workflow", 0) > ROUNDS // 10 // 5, outcomes
    assert len(outcomes) > 1, outcomes


def node(node_id: Any, type_: str, **more: Any) -> dict[str, Any]:
    return {"id": node_id, "type": type_, "inputs": [], "outputs": [], "widgets_values": [], **more}


def slot(link: Any, name: str = "", type_: str = "*") -> dict[str, Any]:
    return {"name": name, "type": type_, "link": link}


def reroutes(count: int, circle: bool) -> dict[str, Any]:
    """A chain, or a ring, of reroutes with a consumer at every link."""
    nodes, links = [], []
    for index in range(count):
        previous = index - 1 if index or not circle else count - 1
        nodes.append(
            node(index, "Reroute", inputs=[slot(index)], outputs=[{"type": "*", "links": [index + 1]}])
        )
        links.append([index, previous, 0, index, 0, "*"])
        nodes.append(node(count + index, "PreviewAny", inputs=[slot(2 * count + index, "source")]))
        links.append([2 * count + index, index, 0, count + index, 0, "*"])
    return {"nodes": nodes, "links": links, "version": 0.4}


def nested(depth: int, width: int) -> dict[str, Any]:
    """Subgraphs within subgraphs, each with several of the next."""
    subgraphs = []
    for level in range(depth):
        inner = f"s{level + 1}" if level + 1 < depth else "PreviewAny"
        subgraphs.append({"id": f"s{level}", "name": "s", "nodes": [node(i, inner) for i in range(width)]})
    return {"nodes": [node(1, "s0")], "definitions": {"subgraphs": subgraphs}}


def looped() -> dict[str, Any]:
    return {
        "nodes": [node(1, "a")],
        "definitions": {
            "subgraphs": [{"id": "a", "nodes": [node(1, "b")]}, {"id": "b", "nodes": [node(1, "a")]}]
        },
    }


def deep_value(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def many_proxies(count: int) -> dict[str, Any]:
    proxies = [["1", "seed"], ["1", "steps"], ["2", "text"]] * (count // 3)
    inner = [node(1, "KSampler"), node(2, "CLIPTextEncode")]
    return {
        "nodes": [node(9, "s", properties={"proxyWidgets": proxies}, widgets_values=[1] * count)] * 1,
        "definitions": {"subgraphs": [{"id": "s", "nodes": inner}]},
    }


def fan_out(count: int) -> dict[str, Any]:
    """One node with very many slots, all fed through a subgraph's inputs."""
    slots = [slot(i, f"x{i}") for i in range(count)]
    links = [
        {"id": i, "origin_id": -10, "origin_slot": i, "target_id": 1, "target_slot": i} for i in range(count)
    ]
    inputs = [{"name": f"x{i}", "type": "*", "linkIds": [i]} for i in range(count)]
    inner = {"id": "s", "nodes": [node(1, "PreviewAny", inputs=slots)], "links": links, "inputs": inputs}
    return {
        "nodes": [node(1, "s", inputs=slots)],
        "links": [[i, 5, 0, 1, i, "*"] for i in range(count)],
        "definitions": {"subgraphs": [inner]},
    }


def wide(count: int) -> dict[str, Any]:
    return {"nodes": [node(i, "KSampler", widgets_values=[1] * 7) for i in range(count)], "links": []}


def bypassed_ring(count: int) -> dict[str, Any]:
    nodes = [
        node(i, "ImageInvert", mode=4, inputs=[slot(i, "image", "IMAGE")], outputs=[{"type": "IMAGE"}])
        for i in range(count)
    ]
    nodes.append(node(count, "PreviewImage", inputs=[slot(count, "images", "IMAGE")]))
    links = [[i, (i - 1) % count, 0, i, 0, "IMAGE"] for i in range(count)]
    return {"nodes": nodes, "links": [*links, [count, 0, 0, count, 0, "IMAGE"]]}


def same_title(count: int) -> dict[str, Any]:
    saves = [node(i, "SaveImage", widgets_values=["%KSampler.seed%" * 50]) for i in range(count)]
    return {"nodes": [*saves, node(count, "KSampler")]}


def growing(count: int) -> dict[str, Any]:
    slots = [slot(i, f"images.image{i}", "IMAGE") for i in range(count)]
    return {
        "nodes": [node(1, "BatchImagesNode", inputs=slots), node(2, "EmptyImage")],
        "links": [[i, 2, 0, 1, i, "IMAGE"] for i in range(count)],
    }


def text_of(text: str) -> dict[str, Any]:
    return {"nodes": [node(1, "CLIPTextEncode", widgets_values=[text])]}


def grouped(count: int) -> dict[str, Any]:
    inner = {"nodes": [{"type": "KSampler"}] * 50, "links": [[0, 0, 1, 3]] * 50}
    return {
        "nodes": [node(i, "workflow>G", widgets_values=[1] * 20) for i in range(count)],
        "extra": {"groupNodes": {"G": inner}},
    }


def primitives(count: int) -> dict[str, Any]:
    """One primitive that drives very many widgets."""
    targets = [
        node(i, "KSampler", inputs=[{**slot(i, "seed", "INT"), "widget": {"name": "seed"}}])
        for i in range(count)
    ]
    source = node(
        count, "PrimitiveNode", outputs=[{"type": "INT", "links": list(range(count))}], widgets_values=[5]
    )
    return {"nodes": [*targets, source], "links": [[i, count, 0, i, 0, "INT"] for i in range(count)]}


def definitions(count: int) -> dict[str, Any]:
    return {"nodes": [], "definitions": {"subgraphs": [{"id": str(i)} for i in range(count)]}}


HOSTILE: dict[str, Callable[[], Any]] = {
    "null": lambda: None,
    "a list": list,
    "empty": lambda: {"nodes": []},
    "nodes null": lambda: {"nodes": None},
    "nodes of junk": lambda: {"nodes": JUNK},
    "links of junk": lambda: {"nodes": [], "links": JUNK},
    "a long chain of reroutes": lambda: reroutes(2000, circle=False),
    "a ring of reroutes": lambda: reroutes(2000, circle=True),
    "a ring of bypassed nodes": lambda: bypassed_ring(3000),
    "subgraphs 60 deep": lambda: nested(60, 1),
    "subgraphs 5000 deep": lambda: nested(5000, 1),
    "a million instances": lambda: nested(6, 10),
    "2 to the 60th instances": lambda: nested(60, 2),
    "definitions in a circle": looped,
    "a value 50 deep": lambda: {"nodes": [node(1, "PrimitiveString", widgets_values=[deep_value(50)])]},
    "a value 900 deep": lambda: {"nodes": [node(1, "PrimitiveString", widgets_values=[deep_value(900)])]},
    "a value 10**5 deep": lambda: {"nodes": [node(1, "PrimitiveString", widgets_values=[deep_value(10**5)])]},
    "3000 proxies": lambda: many_proxies(3000),
    "a node of 5000 slots": lambda: fan_out(5000),
    "5000 samplers": lambda: wide(5000),
    "50,000 samplers": lambda: wide(50_000),
    "names in names": lambda: same_title(200),
    "a list that grows to 3000": lambda: growing(3000),
    "unclosed braces": lambda: text_of("{" * 100_000),
    "nested alternatives": lambda: text_of("{a|" * 50_000 + "b" + "}" * 50_000),
    "unclosed comments": lambda: text_of("/*" * 100_000),
    "slashes": lambda: text_of("/" * 100_000),
    "backslashes": lambda: text_of("\\" * 100_000),
    "300 group nodes": lambda: grouped(300),
    "one primitive for 3000": lambda: primitives(3000),
    "a million values": lambda: {"nodes": [node(1, "KSampler", widgets_values=[1] * 1_000_000)]},
    "100,000 definitions": lambda: definitions(100_000),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_bounded(name: str, defs_0_33: NodeDefs) -> None:
    check(HOSTILE[name](), defs_0_33)
