"""PrimitiveNode: an editor-only node whose value is written into the widgets it is linked to.

It has no widget of its own until it is linked; then it takes the kind and limits of its targets, and
corrects its value to them (frontend 1.49.6, widgetInputs.ts). Numbers stay exact where JavaScript
would round a 64-bit integer to a double.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from comfyui_bridge.core.convert.graphs import PRIMITIVE, Graph, LiveNode, Promoted, Slot
from comfyui_bridge.core.convert.nodes import set_widget
from comfyui_bridge.core.convert.specs import NOTHING, WIDGET_TYPES, Kind, Spec, Widget

Number = int | float


@dataclass(frozen=True)
class Limits:
    """What a number widget corrects a value to."""

    whole: bool
    min: Number
    max: Number
    step: Number | None
    round: Number | None = None

    @classmethod
    def of(cls, spec: Spec, low: Number = 0, high: Number = 2048) -> Limits:
        """A spec's limits; `low` and `high` where it has none, the editor's own by default."""
        least, most, step = (_number(spec.options.get(key)) for key in ("min", "max", "step"))
        return cls(
            spec.widget_type == "INT",
            low if least is None else least,
            high if most is None else most,
            step,
            _number(spec.options.get("round")),
        )

    def merged(self, other: Limits) -> Limits | None:
        """The limits that suit both; None where nothing does."""
        low, high = max(self.min, other.min), min(self.max, other.max)
        if self.whole != other.whole or low > high:
            return None
        return Limits(self.whole, low, high, _common_step(self.step or 1, other.step or 1), self.round)

    def clamped(self, value: Number) -> Number:
        if value < self.min:
            return self.min
        return self.max if value > self.max else value

    def rounded(self, value: Any) -> Any:
        """The value as the widget would take it from a person's hand."""
        number = _number(value, loose=True)
        if number is None:
            return math.nan
        return self._whole(number) if self.whole else self._real(number)

    def _whole(self, number: Number) -> Number:
        step = self.step or 1
        if step == 1:
            return _round(number)
        offset = math.fmod(self.min, step) if math.isfinite(self.min) else 0
        result = _round((number - offset) / step) * step + offset
        return int(result) if float(result).is_integer() else result

    def _real(self, number: Number) -> Number:
        step = self.step if self.step else 0.5
        precision = max(0, -math.floor(math.log10(step))) if step > 0 else 0
        unit = 10.0**-precision if precision and not self.round else self.round
        if not unit or not math.isfinite(number):
            return number
        quotient = _round(number / unit) * unit
        if not math.isfinite(quotient):
            return number
        digits = Decimal(1).scaleb(-min(precision, 100))
        result = (
            float(Decimal(quotient).quantize(digits, ROUND_HALF_UP)) if abs(quotient) < 1e21 else quotient
        )
        return min(max(result, self.min), self.max)


_REPLACES_NAMES = "Run widget replace on values"
"""A primitive's property: its text may name other nodes' widgets, as a filename_prefix may."""


def apply_primitives(graph: Graph, replace_names: Callable[[str], str]) -> list[str]:
    """Write every linked primitive's value into its targets. Gives back what people should know."""
    notes = []
    for node in graph.nodes:
        if node.type == PRIMITIVE and node.definition is None:
            note = _apply(graph, node, replace_names)
            if note:
                notes.append(note)
    return notes


def _apply(graph: Graph, primitive: LiveNode, replace_names: Callable[[str], str]) -> str:
    targets = _targets(graph, primitive)
    first = targets[0] if targets else None
    if first is None:
        return ""
    spec = _config(first[1])
    if spec is None:
        return ""
    value = _own_value(primitive, first)
    if value is NOTHING:
        return ""
    if value is None and spec.choices:
        value = spec.choices[0]
    if spec.widget_type in ("INT", "FLOAT"):
        corrected = _corrected(spec, value, [t[1] for t in targets if t is not None])
        note = _note(primitive, value, corrected)
        value = corrected
    else:
        note = ""
    if isinstance(value, str) and primitive.properties.get(_REPLACES_NAMES):
        value = replace_names(value)
    for target in targets:
        if target is not None:
            _write(*target, value)
    return note


def _targets(graph: Graph, primitive: LiveNode) -> list[tuple[LiveNode, Slot] | None]:
    links = [graph.links.get(key) for key in (primitive.outputs[0].links if primitive.outputs else ())]
    return [graph.slot_at(link) if link else None for link in links]


def _config(slot: Slot) -> Spec | None:
    if slot.widget:
        return slot.spec
    return Spec(slot.name, slot.type) if slot.type in WIDGET_TYPES else None


def _own_value(primitive: LiveNode, target: tuple[LiveNode, Slot]) -> Any:
    if primitive.saved_values:
        return primitive.saved_values[0]
    widget = target[0].widget_of(target[1])
    return NOTHING if widget is None else widget.value


def _corrected(spec: Spec, value: Any, slots: list[Slot]) -> Any:
    limits = Limits.of(spec, -math.inf, math.inf)
    for slot in slots:
        other = slot.spec if slot.widget else None
        if other is None or not _alike(spec, other):
            continue
        merged = limits.merged(Limits.of(other, -math.inf, math.inf))
        if merged is None:
            continue
        limits = merged
        number = _number(value, loose=True)
        value = math.nan if number is None else limits.rounded(limits.clamped(number))
    return value


_OWN_MATTER = frozenset(
    (
        "default",
        "forceInput",
        "defaultInput",
        "control_after_generate",
        "multiline",
        "tooltip",
        "dynamicPrompts",
        "min",
        "max",
        "step",
    )
)
"""Options in which two inputs may differ and still be driven by one primitive."""


def _alike(first: Spec, second: Spec) -> bool:
    keys = (first.options.keys() | second.options.keys()) - _OWN_MATTER
    return all(_same(first.options.get(key), second.options.get(key)) for key in keys)


def _same(first: Any, second: Any) -> bool:
    # JavaScript's ===: two lists are the same only if they are one.
    if isinstance(first, (list, tuple, Mapping)) or isinstance(second, (list, tuple, Mapping)):
        return first is second
    return bool(first == second)


def _write(node: LiveNode, slot: Slot, value: Any) -> None:
    widget = node.widget_of(slot)
    match widget:
        case Promoted():
            widget.value = value
        case Widget(kind=Kind.NUMBER, spec=Spec() as spec):
            widget.set(Limits.of(spec).rounded(value))
        case Widget():
            set_widget(node, widget, value)


def _note(primitive: LiveNode, value: Any, corrected: Any) -> str:
    if corrected == value or corrected != corrected:
        return ""
    return (
        f"The value {value!r} of primitive {primitive.id} became {corrected!r}, "
        "as the inputs it is linked to allow no other."
    )


def _number(value: Any, *, loose: bool = False) -> Number | None:
    """A number; `loose` also takes what JavaScript's arithmetic takes: texts, true and false, null."""
    if isinstance(value, bool) or value is None:
        return (1 if value else 0) if loose else None
    if isinstance(value, (int, float)):
        return value
    if loose and isinstance(value, str) and len(value) < 400:
        try:
            number = float(value) if value.strip() else 0.0
        except ValueError:
            return None
        return int(number) if number.is_integer() else number
    return None


def _round(number: Number) -> Number:
    # Math.round: halves go up.
    if isinstance(number, int) or not math.isfinite(number):
        return number
    return math.floor(number + 0.5) if abs(number) < 2**52 else int(number)


def _common_step(first: Number, second: Number) -> Number:
    left, right = abs(first), abs(second)
    for _ in range(100):
        if right <= 1e-10:
            break
        left, right = right, math.fmod(left, right)
    step = abs(first * second) / left if left else 1
    return int(step) if float(step).is_integer() else step
