"""A stack of LoRAs as one component that holds all of its rows, so that a form stays quick."""

from __future__ import annotations

from typing import Any

from comfyui_bridge.core import stacks
from comfyui_bridge.core.node_defs import LoraStackSpec
from comfyui_bridge.core.reading import float_or_none
from comfyui_bridge.ui.widgets.widget import Widget
from comfyui_bridge.ui.words import Words

CHOOSER_WORDS = {
    "find": "stack_find",
    "more": "stack_more",
    "none": "stack_none",
    "no_files": "stack_no_files",
}
_WORDS = {
    **CHOOSER_WORDS,
    "add": "lora_add",
    "acting": "lora_acting",
    "nameless": "lora_nameless",
    "name": "lora_name",
    "strength": "lora_strength",
    "on": "lora_on",
    "on_hint": "lora_on_hint",
    "grip": "lora_grip",
    "move": "lora_move",
    "moved": "lora_moved",
    "remove": "lora_remove",
    "remove_named": "lora_remove_named",
    "removed": "lora_removed",
    "hint": "lora_hint",
}


def stack(spec: LoraStackSpec, words: Words) -> Widget:
    """LoRAs in their order, each with its strength, and whether it is used."""
    return Widget(
        "loras",
        {
            "options": list(spec.options),
            "least": spec.strength.min,
            "most": spec.strength.max,
            "say": {name: words.raw(key) for name, key in _WORDS.items()},
        },
    )


def rows(value: Any, spec: LoraStackSpec) -> list[dict[str, Any]]:
    """The rows to show of what a link or an earlier form said; what makes no sense shows none.

    What is wrong with one is not told here but once it is sent.
    """
    try:
        return stacks.read_loras(spec, value)
    except stacks.WrongParts:
        return [_shown(row) for row in stacks.lora_rows(value)]
    except ValueError:
        return []


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row as it was meant; numbers as numbers, for a link has them as texts."""
    strengths = {
        key: row[key] for key in ("strength_model", "strength_clip") if row.get(key) not in (None, "")
    }
    numbers = {key: float_or_none(str(strength)) or 0.0 for key, strength in strengths.items()}
    return {"name": str(row.get("name", "")), **({"on": False} if row.get("on") is False else {}), **numbers}
