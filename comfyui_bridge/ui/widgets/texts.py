"""Words, in a line or a box that grows with them, and colours."""

from __future__ import annotations

from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import StringSpec
from comfyui_bridge.ui.widgets.widget import Widget


def text(one: ExposedInput) -> Widget:
    spec = one.spec
    assert isinstance(spec, StringSpec)
    hint = {"placeholder": spec.placeholder or None}
    if not (spec.multiline or "\n" in str(one.default or "")):
        return Widget("line", hint)
    lines = 2 if one.role == "negative" else 4 if not one.group else 3
    return Widget("text", {"lines": lines, **hint})


def color() -> Widget:
    """A colour as "#rrggbb"."""
    return Widget("color")


def color_number() -> Widget:
    """A colour that the node takes as one number (display "color" of an INT, 0.33)."""
    return Widget("color", {"number": True})
