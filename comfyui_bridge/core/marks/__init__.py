"""Marks that authors leave in a workflow to say what its form should show.

In this order: what ComfyUI's App mode keeps in `extra.linearData`; node titles as
Minimalistic-Comfy-Wrapper and ViewComfy read them; the marker nodes of SwarmUI, comfy-pack, Krita AI
Diffusion and ComfyUI-Deploy. The ids are those of the converted workflow. A mark that leads nowhere is
a sentence, never an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from comfyui_bridge.core.convert.places import Place, Places
from comfyui_bridge.core.marks import app_mode, nodes, titles
from comfyui_bridge.core.marks.finding import Found
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.template import Exposure
from comfyui_bridge.core.workflow import Link, Workflow, is_ui_format

__all__ = ["Marks", "read"]


@dataclass(frozen=True)
class Marks:
    """What the marks of a workflow ask for."""

    exposures: tuple[Exposure, ...] = ()
    outputs: tuple[str, ...] = ()
    """The nodes whose results the author shows, in that order."""
    problems: tuple[str, ...] = ()
    shared: tuple[tuple[Place, ...], ...] = ()
    """Groups of inputs that the editor shows as one widget; only a UI-format document tells."""


def read(document: Mapping[str, Any], workflow: Workflow, node_defs: NodeDefs) -> Marks:
    """The marks in a document; `workflow` is what it was converted to."""
    places = Places(document, node_defs) if is_ui_format(document) else None
    found = Found(workflow, node_defs)
    if places is not None:
        app_mode.read(document, places, found)
    titles.read(places, found)
    nodes.read(found)
    shared = tuple(_held(workflow, places)) if places is not None else ()
    return Marks(tuple(found.exposures), tuple(dict.fromkeys(found.outputs)), tuple(found.problems), shared)


def _held(workflow: Workflow, places: Places) -> Iterator[tuple[Place, ...]]:
    """The groups, as far as their inputs hold values in the workflow."""
    for group in places.shared():
        held = tuple(place for place in group if holds_value(workflow, place))
        if len(held) > 1:
            yield held


def holds_value(workflow: Workflow, place: Place) -> bool:
    node = workflow.nodes.get(place[0])
    return node is not None and place[1] in node.inputs and not isinstance(node.inputs[place[1]], Link)
