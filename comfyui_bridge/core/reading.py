"""Numbers and names out of what people typed, and how one that is wrong is told.

Whoever reads gets a ValueError with a sentence: what it should be, what it was, what was probably meant.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any

from comfyui_bridge.core.node_defs import FloatSpec


def nearest(wanted: object, options: Sequence[Any]) -> str | None:
    """The option most like what was asked for, or None where none is near."""
    texts = [str(option) for option in options]
    lowered = {text.lower(): text for text in reversed(texts)}
    wanted_text = str(wanted).lower()
    found = difflib.get_close_matches(wanted_text, list(lowered), n=1, cutoff=0.5)
    if found:
        return lowered[found[0]]
    return next((text for text in texts if wanted_text and wanted_text in text.lower()), None)


def not_among(wanted: object, options: Sequence[Any], near: str | None = None) -> ValueError:
    """That something is not among the choices, with the nearest there is."""
    near = near or nearest(wanted, options)
    hint = f"did you mean {near}?" if near else f"it may be {some(options)}."
    return ValueError(f"{show(wanted)} is not among the choices; {hint}")


def read_float(spec: FloatSpec, value: Any) -> float:
    """A finite number within the spec's limits."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise ValueError(f"This needs a number{between(spec.min, spec.max)}.")
    number = float_or_none(value.strip()) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
        raise ValueError(f"This should be a number{between(spec.min, spec.max)}, and is {show(value)}.")
    return float(within(number, spec.min, spec.max))


def within(number: Any, low: float | None, high: float | None) -> Any:
    """The number, if it is within the limits."""
    if low is not None and number < low:
        raise ValueError(f"{number} is too small; the least is {low}.")
    if high is not None and number > high:
        raise ValueError(f"{number} is too large; the most is {high}.")
    return number


def between(low: float | None, high: float | None) -> str:
    """The limits in words, to stand behind what they limit."""
    if low is None or high is None:
        return ""
    return f" from {low} to {high}"


def float_or_none(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def show(value: Any) -> str:
    """A wrong value as it is told, cut where it is long."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def some(options: Sequence[Any]) -> str:
    """The first options, and how many more there are."""
    shown = ", ".join(str(option) for option in options[:8])
    return shown if len(options) <= 8 else f"{shown} or {len(options) - 8} more"
