"""One or several of a list, short or of thousands, and choices that bring inputs of their own.

A long list is not sent with the form: the script asks for it when somebody opens it.
"""

from __future__ import annotations

from typing import Any

from comfyui_bridge.core.node_defs import ComboSpec, DynamicComboSpec
from comfyui_bridge.ui.widgets.widget import Widget

MOST_SENT = 60
"""A list of more choices is fetched when it is opened."""


def choice(spec: ComboSpec) -> Widget:
    return Widget("choices" if spec.multiselect else "choice", listed(spec))


def options(spec: DynamicComboSpec) -> Widget:
    """A choice after which the form is asked for anew: other inputs may belong to it."""
    return Widget("choice", {"choices": [option.key for option in spec.options], "reshapes": True})


def listed(spec: ComboSpec) -> dict[str, Any]:
    """A list's choices, or only how many there are."""
    count = len(spec.options)
    if spec.remote_route or count > MOST_SENT:
        return {"fetch": True, "count": count, "remote": bool(spec.remote_route) or None}
    return {"choices": [named(option) for option in spec.options]}


def named(option: Any) -> Any:
    """A choice as the script has it: texts, and what else JSON can tell from them."""
    return option if isinstance(option, (str, bool)) else str(option)


def first(spec: ComboSpec | DynamicComboSpec) -> Any:
    """The first choice of all; None where there is none."""
    if isinstance(spec, DynamicComboSpec):
        return spec.options[0].key if spec.options else None
    return spec.options[0] if spec.options else None
