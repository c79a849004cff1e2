"""Readiness of templates on servers: worked out once, a little at a time, anew when either changes."""

from __future__ import annotations

from comfyui_bridge.core import node_defs, template
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.engine.assessor import Assessor

SAVES = {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "name": "Save", "output_node": True}


def server(*models: str) -> NodeDefs:
    loads = {"input": {"required": {"ckpt_name": [list(models)]}}, "output": ["IMAGE"], "name": "Load"}
    return node_defs.parse({"Load": loads, "Save": SAVES})


def wants(model: str, slug: str = "one", **inputs: object) -> template.Template:
    nodes = {
        "1": {"class_type": "Load", "inputs": {"ckpt_name": model, **inputs}},
        "2": {"class_type": "Save", "inputs": {"images": ["1", 0]}},
    }
    return template.parse(slug, nodes)


def test_each_server_is_told_apart():
    servers = {"near": server("a.safetensors"), "far": server("b.safetensors")}
    found = Assessor(lambda: servers).of(wants("a.safetensors"))
    assert found["near"].ready
    (missing,) = found["far"].missing_choices
    assert (missing.value, missing.nearest) == ("a.safetensors", "b.safetensors")
    assert not found["far"].needs_only_files


def test_values_count_in_the_place_of_defaults():
    found = Assessor(lambda: {"far": server("b.safetensors")}).of(
        wants("a.safetensors"), {"checkpoint": "b.safetensors", "1.ckpt_name": "b.safetensors"}
    )
    assert found["far"].ready


def test_a_document_that_is_no_workflow_says_why():
    found = Assessor(lambda: {"far": server("b")}).of(template.parse("x", {"1": {"class_type": 3}}))
    assert found["far"].obstacle
    assert not found["far"].ready


def test_a_library_is_assessed_bit_by_bit_and_remembered():
    servers = {"near": server("a")}
    assessor = Assessor(lambda: servers)
    library = [wants("a", slug=f"t{number}") for number in range(5)]
    assert assessor.known(library[0]) is None
    for _ in library:
        assessor.go_on(library, 0.0)
    first = [assessor.known(one) for one in library]
    assert all(found is not None and found["near"].ready for found in first)
    assert assessor.known(library[0])["near"] is first[0]["near"]
    servers["near"] = server("b")
    assert assessor.known(library[0]) is None
