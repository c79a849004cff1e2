"""UI-format documents, as ComfyUI's editor saves them, become workflows in API format.

The editor's own answer is the measure (frontend 1.49.6, `graphToPrompt`); where it loses something
that the user meant, we do not follow:

    ==========================================  =========================================
    the editor                                  here
    ==========================================  =========================================
    rounds 64-bit integers to a double          integers stay exact
    cuts an address at its // (dynamic prompt)  // behind a colon is no comment
    runs a muted subgraph within a subgraph     its nodes are left out
    takes widgets_values objects for nothing    values are taken by name
    throws at a link that is not there          the input is left unlinked, with a note
    throws at a subgraph's straight-through     followed to what feeds it
    sends nodes no server knows                 UnknownClassType, with the node
    ==========================================  =========================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comfyui_bridge.core.convert.document import read
from comfyui_bridge.core.convert.loading import load
from comfyui_bridge.core.convert.prompt import write
from comfyui_bridge.core.convert.texts import Choose
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.workflow import Workflow

__all__ = ["Choose", "Conversion", "convert"]


@dataclass(frozen=True)
class Conversion:
    """A converted workflow, and sentences on what was decided or lost on the way."""

    workflow: Workflow
    notes: tuple[str, ...] = ()


def first_of(options: Sequence[str]) -> str:
    """The choice where nobody chooses."""
    return options[0]


def convert(
    document: Mapping[str, Any],
    node_defs: NodeDefs,
    *,
    choose: Choose | None = first_of,
    today: datetime | None = None,
) -> Conversion:
    """Convert a UI-format document.

    `choose` decides among the alternatives of a dynamic prompt: the first by default; None leaves such
    texts as they are written, comments too. `today` fills in `%date:...%` in file names, which stays as
    it is without. Raises UnknownClassType for a node the server does not have and that would run,
    WorkflowError for a document that makes no sense, is too large, or has links in a circle.
    """
    workflow, notes = write(load(read(document), node_defs), choose, today)
    return Conversion(workflow, tuple(dict.fromkeys(notes)))
