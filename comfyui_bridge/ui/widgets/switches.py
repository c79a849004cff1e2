"""Yes or no: a box to tick, or two words to choose from where the node has words for them."""

from __future__ import annotations

from typing import Any

from comfyui_bridge.core.node_defs import BooleanSpec
from comfyui_bridge.ui.widgets.widget import Widget

_YES = ("true", "yes", "on", "1")


def switch(spec: BooleanSpec) -> Widget:
    return Widget("switch", {"on": spec.label_on or None, "off": spec.label_off or None})


def is_on(spec: BooleanSpec, value: Any) -> bool:
    """How a switch stands for a value that a link or a card says in a word."""
    if isinstance(value, str):
        word = value.strip().lower()
        return word in _YES or (bool(spec.label_on) and word == spec.label_on.lower())
    return bool(value)
