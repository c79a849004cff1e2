"""A ControlNet as one component: which one, the picture it follows, how strongly, and for how long."""

from __future__ import annotations

from typing import Any

from comfyui_bridge.core import stacks
from comfyui_bridge.core.node_defs import ControlNetSpec
from comfyui_bridge.ui.widgets.loras import CHOOSER_WORDS
from comfyui_bridge.ui.widgets.picture import held, picture_words
from comfyui_bridge.ui.widgets.widget import Widget
from comfyui_bridge.ui.words import Words

_WORDS = {
    **CHOOSER_WORDS,
    "model": "controlnet_model",
    "name": "controlnet_model",
    "image": "controlnet_image",
    "strength": "controlnet_strength",
    "start": "controlnet_start",
    "end": "controlnet_end",
    "remove": "controlnet_remove",
    "hint": "controlnet_hint",
}


def slot(spec: ControlNetSpec, words: Words) -> Widget:
    """A ControlNet, or none."""
    return Widget(
        "controlnet",
        {
            "options": list(spec.options),
            "least": spec.strength.min,
            "most": spec.strength.max,
            "say": {**picture_words(words), **{name: words.raw(key) for name, key in _WORDS.items()}},
        },
    )


def parts(value: Any) -> dict[str, Any] | None:
    """The parts to show of what a link or an earlier form said; what makes no sense shows none."""
    try:
        given = stacks.controlnet_parts(value)
    except ValueError:
        return None
    # A name on the server is no file of ours, and cannot be shown.
    shown = {**given, "image": held(given.get("image"))}
    return shown if any(shown.get(part) for part in ("name", "image")) else None
