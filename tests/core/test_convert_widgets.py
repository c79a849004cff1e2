"""The widgets we derive from node definitions, beside those the editor made for every node type."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from comfyui_bridge.core.convert.nodes import from_definition
from comfyui_bridge.core.convert.specs import NOTHING
from comfyui_bridge.core.node_defs import NodeDef, NodeDefs
from tests.core.conftest import RECORDINGS

EDITOR_ONLY = {"PrimitiveNode", "Note", "MarkdownNote", "Reroute"}

UNSAVED = {
    ("PreviewAny", "preview_text"),
    ("PreviewAny", "preview_mode"),
    ("SaveText", "preview_text"),
    ("SaveText", "preview_mode"),
}
"""Widgets with no place in a file and none in a workflow; we do not make them."""

NEVER_SENT = {("WebcamCapture", "waiting for camera...")}
"""In the editor's list of what is sent, yet its value is undefined, so that it never is."""


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    path = RECORDINGS / "comfyui-0.33" / "frontend_widgets.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
        return found


def compare(definition: NodeDef, recorded: dict[str, Any]) -> list[str]:
    node = from_definition("1", definition)
    name = definition.class_type
    theirs = [w for w in recorded["widgets"] if (name, w["name"]) not in UNSAVED]
    found = []
    ours = [(w.name, w.in_values, w.in_prompt) for w in node.widgets]
    if ours != [
        (w["name"], w["in_widgets_values"], w["in_prompt"] and (name, w["name"]) not in NEVER_SENT)
        for w in theirs
    ]:
        found.append(f"{name}: widgets {ours}")
    for widget, other in zip(node.widgets, theirs, strict=False):
        ours_now = None if widget.value is NOTHING else widget.value
        computed = widget.fixed or (name, widget.name) == ("CustomCombo", "choice")
        if not computed and ours_now != other["value"]:
            found.append(f"{name}.{widget.name}: {widget.value!r} is not {other['value']!r}")
    slots = [(s.name, s.type, s.widget) for s in node.slots]
    if slots != [(s["name"], s["type"], s.get("widget")) for s in recorded["inputs"]]:
        found.append(f"{name}: slots {slots}")
    outputs = [(o.name, o.type) for o in node.outputs]
    if outputs != [(o["name"], o["type"]) for o in recorded["outputs"]]:
        found.append(f"{name}: outputs {outputs}")
    return found


def test_all_node_types_have_the_editors_widgets_slots_and_outputs(
    recorded: dict[str, Any], defs_0_33: NodeDefs
) -> None:
    assert recorded.keys() - defs_0_33.by_class.keys() == EDITOR_ONLY
    assert len(defs_0_33) == 887
    wrong = [
        line
        for definition in defs_0_33.by_class.values()
        for line in compare(definition, recorded[definition.class_type])
    ]
    assert wrong == []
