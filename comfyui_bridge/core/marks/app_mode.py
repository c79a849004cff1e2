"""ComfyUI's App mode: the inputs and outputs its author picked, kept in `extra.linearData`.

An input is `[id, widget name]`, newer ones with a third entry on its looks. The id is a node of the root;
or the inner node of a subgraph whose instance shows the widget; or, since frontend 1.46, a widget's
identity `graph:node:widget` with each part URL-encoded. (docs.comfy.org/interface/app-mode; ComfyUI_frontend
src/stores/appModeStore.ts and src/types/widgetId.ts.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from comfyui_bridge.core.convert import document as document_
from comfyui_bridge.core.convert.places import Place, Places
from comfyui_bridge.core.marks.finding import Found
from comfyui_bridge.core.template import Exposure

MAX_ENTRIES = 1_000


def read(document: Mapping[str, Any], places: Places, found: Found) -> None:
    extra = document.get("extra")
    linear = extra.get("linearData") if isinstance(extra, Mapping) else None
    if not isinstance(linear, Mapping):
        return
    for entry in _list(linear.get("inputs")):
        if isinstance(entry, list) and len(entry) > 1 and isinstance(entry[1], str):
            _read_input(entry[0], entry[1], places, found)
    for entry in _list(linear.get("outputs")):
        node_id = document_.node_id(entry)
        if node_id is not None:
            found.outputs += [key for key in _ids(node_id, places, found) if key in found.workflow]


def _read_input(stored: object, name: str, places: Places, found: Found) -> None:
    stored_id = document_.node_id(stored)
    behind = _places(stored_id, name, places, found) if stored_id is not None else ()
    why = "App mode shows it: its author picked it there."
    if not found.add(behind, Exposure("", "", why=why)):
        found.problems.append(
            f"App mode shows input “{name}” of node {stored_id}, which is not there any more."
        )


def _places(stored: str, name: str, places: Places, found: Found) -> tuple[Place, ...]:
    parts = [unquote(part) for part in stored.split(":")]
    if len(parts) == 3 and parts[2] == name:
        return places.of_widget(parts[1], name)
    if len(parts) > 1 and stored in found.workflow:
        return ((stored, name),)
    return places.of_widget(parts[-1], name)


def _ids(stored: str, places: Places, found: Found) -> tuple[str, ...]:
    return (stored,) if stored in found.workflow else places.of_node(stored.rpartition(":")[2])


def _list(value: object) -> list[Any]:
    return value[:MAX_ENTRIES] if isinstance(value, list) else []
