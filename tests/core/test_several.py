"""Several servers' definitions as one."""

from __future__ import annotations

from comfyui_bridge.core import node_defs
from comfyui_bridge.core.several import merged


def server(*models: str, **more: object) -> node_defs.NodeDefs:
    loader = {"input": {"required": {"ckpt_name": [list(models)]}}, "output": ["MODEL"], "name": "Loader"}
    return node_defs.parse({"Loader": loader, **more})


def test_one_server_is_itself():
    only = server("a")
    assert merged([only]) is only
    assert len(merged([])) == 0


def test_choices_of_all_stand_in_the_first_server_s_order():
    both = merged([server("b", "a"), server("c", "a")])
    assert both.input("Loader", "ckpt_name").spec.options == ("b", "a", "c")


def test_a_class_that_one_server_has_is_there():
    other = {"input": {"required": {"text": ["STRING", {}]}}, "output": [], "name": "Other"}
    both = merged([server("a"), server("a", Other=other)])
    assert set(both.by_class) == {"Loader", "Other"}
    assert both.by_class["Loader"] is not None
