"""Numbers: a slider where both limits are near enough to each other, else a field.

They travel as texts, so that nothing on the way rounds them.
"""

from __future__ import annotations

from comfyui_bridge.core.node_defs import FloatSpec, InputSpec, IntSpec
from comfyui_bridge.ui.widgets.widget import Widget
from comfyui_bridge.ui.words import Words

MOST_STEPS = 200
"""A slider with more places than this is a worse way to say a number than typing it."""
_MOST_STEPS_WANTED = MOST_STEPS * 50
"""The same where the node's author asks for a slider."""
_SAFE_INTEGER = 2**53 - 1


def number(spec: IntSpec | FloatSpec) -> Widget:
    """A slider with its field, or the field alone; plain text for what a browser would round."""
    if isinstance(spec, IntSpec) and _may_be_huge(spec):
        return Widget("digits")
    details = {
        "min": None if spec.min is None else as_text(spec.min),
        "max": None if spec.max is None else as_text(spec.max),
        "step": as_text(step(spec)),
        "whole": isinstance(spec, IntSpec),
    }
    return Widget("slider" if is_slider(spec) else "number", details)


def is_slider(spec: IntSpec | FloatSpec) -> bool:
    """Whether both limits are there and near enough for a slider."""
    if spec.min is None or spec.max is None or spec.max <= spec.min or spec.display == "number":
        return False
    places = (spec.max - spec.min) / step(spec)
    return places <= MOST_STEPS or (spec.display == "slider" and places <= _MOST_STEPS_WANTED)


def step(spec: IntSpec | FloatSpec) -> float:
    """The step of a number; a hundredth where the definition gives none."""
    return spec.step or (1 if isinstance(spec, IntSpec) else 0.01)


def limits(spec: InputSpec, words: Words) -> str:
    """The limits of a number in words; empty where there are none worth saying."""
    if not isinstance(spec, (IntSpec, FloatSpec)):
        return ""
    low = None if spec.min is None or spec.min <= -_SAFE_INTEGER else f"{spec.min:g}"
    high = None if spec.max is None or spec.max > _SAFE_INTEGER else f"{spec.max:g}"
    if low is not None and high is not None:
        return words("limits", low=low, high=high)
    if low is not None:
        return words("at_least", low=low)
    return words("at_most", high=high) if high is not None else ""


def as_text(number: float) -> str:
    """A number without an exponent where it can be, and without a point where it is whole."""
    if isinstance(number, float) and number.is_integer() and abs(number) <= _SAFE_INTEGER:
        return str(int(number))
    return str(number)


def _may_be_huge(spec: IntSpec) -> bool:
    """Whether it may hold whole numbers that a browser would round."""
    return any(limit is not None and abs(limit) > _SAFE_INTEGER for limit in (spec.min, spec.max))
