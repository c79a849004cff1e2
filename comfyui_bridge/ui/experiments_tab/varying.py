"""What an experiment may vary over a form: its inputs, the parts of LoRA stacks and ControlNets among them,
each with the way it is written and a sensible beginning. Plain functions, no Gradio.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from comfyui_bridge.core import axes, experiment, stacks, values, wildcards
from comfyui_bridge.core.experiment import AxisKind, AxisPlan
from comfyui_bridge.core.files import FileValue, marked
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import (
    BooleanSpec,
    ColorSpec,
    ComboSpec,
    ControlNetSpec,
    DynamicComboSpec,
    FloatSpec,
    IntSpec,
    LoraStackSpec,
    StringSpec,
)
from comfyui_bridge.core.wildcards import Lists
from comfyui_bridge.ui import value_words
from comfyui_bridge.ui.widgets import choices, numbers
from comfyui_bridge.ui.words import Words

SEEDS = 4
"""As many as a plan begins with that nobody has changed yet."""
_MOST_AT_ONCE = 24
"""A prompt with more combinations begins with some of them at random."""
_SOME = 8
_SHARE = FloatSpec(min=0.0, max=1.0, step=0.05)


@dataclass(frozen=True)
class Variable:
    """Something that an axis may vary, as the script offers it."""

    key: str
    label: str
    way: str
    """How its values are written: numbers, seeds, texts, choices, stacks, files or words."""
    group: str = ""
    now: str = ""
    """What the form says."""
    start: Any = ""
    """What an axis over it begins with: a text, or a list of values."""
    limits: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Of choices `options` as pairs of value and words, or where to `fetch` them; of files what they show; of
    stacks of LoRAs the `names` there are, or where to fetch them, and between what their strengths are."""

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        return {**told.pop("details"), **{key: value for key, value in told.items() if value != ""}}


def variables(form: Form, raw: Mapping[str, Any], words: Words) -> Iterator[Variable]:
    """All that can be varied over these values, in the order of the form."""
    for key, one in experiment.variable(form, raw):
        value = raw.get(key, one.default)
        match one.spec:
            case LoraStackSpec() as spec:
                yield from _lora_parts(one, spec, value, words)
            case ControlNetSpec() as spec:
                yield from _controlnet_parts(one, spec, value, words)
            case _:
                found = _variable(one, value, words)
                if found is not None:
                    yield found


def _variable(one: ExposedInput, value: Any, words: Words) -> Variable | None:
    label = words.input(one)
    now = value_words.said(value, words) if value is not None else ""

    def made(way: str, start: Any, limits: str = "", **details: Any) -> Variable:
        return Variable(one.key, label, way, words.text(one.group, one.phrases), now, start, limits, details)

    match one.spec:
        case IntSpec(is_seed=True):
            if values.is_random(one, value):
                now = words("exp_random")
            return made("seeds", "")
        case IntSpec() | FloatSpec() as spec:
            return made("numbers", around(value, spec), numbers.limits(spec, words))
        case StringSpec():
            return made("texts", " ".join(str(value or "").split()))
        case ColorSpec():
            return made("words", str(value or ""))
        case BooleanSpec():
            both = [[True, words("said_on")], [False, words("said_off")]]
            return made("choices", [True, False], options=both)
        case ComboSpec(upload=upload) as spec if upload is not None:
            listed = _listed(spec, one.key)
            own = [marked(value)] if isinstance(value, FileValue) else []
            return made("files", own, shows=upload.value, **listed)
        case ComboSpec() as spec:
            start = [] if isinstance(value, (list, tuple)) or value in (None, "") else [choices.named(value)]
            return made("choices", start, **_listed(spec, one.key))
        case DynamicComboSpec() as spec:
            return made("choices", [value], options=[[option.key, option.key] for option in spec.options])
    return None


def _listed(spec: ComboSpec, key: str) -> dict[str, Any]:
    """A list's choices as pairs of value and words, or the input to ask for them by."""
    listed = choices.listed(spec)
    if listed.get("fetch"):
        return {"fetch": key, "count": listed["count"]}
    return {"options": [[one, str(one)] for one in listed["choices"]]}


def _lora_parts(one: ExposedInput, spec: LoraStackSpec, value: Any, words: Words) -> Iterator[Variable]:
    """A whole stack, then name and strength of each LoRA of it, and of one more."""
    try:
        rows = stacks.lora_rows(value)
    except ValueError:
        return
    label = words.input(one)
    yield _lora_sets(one, spec, rows, words)
    for number, row in enumerate([*rows, {}], 1):
        title = f"{label} {number}"
        yield _names(f"{one.key}.{number}.name", title, one, spec.options, str(row.get("name") or ""), words)
        if row.get("name"):
            strength = row.get("strength_model", 1)
            said = words("exp_part", label=f"{title}: {row['name']}", part=words("exp_strength"))
            yield _number(f"{one.key}.{number}.strength", said, spec.strength, strength, words)


def _lora_sets(one: ExposedInput, spec: LoraStackSpec, rows: list[dict[str, Any]], words: Words) -> Variable:
    """Sets of LoRAs: what the form has, beside none."""
    start = [[], rows] if rows else [[]]
    now = axes.lora_sets(one.key, [rows]).labels[0] if rows else words("said_none")
    strengths = {"least": spec.strength.min, "most": spec.strength.max}
    label = words("exp_lora_sets", label=words.input(one))
    details = {**_names_of(one, spec.options), **strengths}
    return Variable(one.key, label, "stacks", "", now, start, "", details)


def _controlnet_parts(
    one: ExposedInput, spec: ControlNetSpec, value: Any, words: Words
) -> Iterator[Variable]:
    try:
        held = stacks.controlnet_parts(value)
    except ValueError:
        return
    label = words.input(one)
    yield _names(f"{one.key}.name", label, one, spec.options, str(held.get("name") or ""), words)
    if not held.get("name"):
        return

    def part(name: str, key: str, spec: FloatSpec, default: float) -> Variable:
        said = words("exp_part", label=label, part=words(key))
        return _number(f"{one.key}.{name}", said, spec, held.get(name, default), words)

    yield part("strength", "exp_strength", spec.strength, 1.0)
    yield part("start_percent", "exp_start", _SHARE, 0.0)
    yield part("end_percent", "exp_end", _SHARE, 1.0)
    said = words("exp_part", label=label, part=words("exp_picture"))
    image = held.get("image")
    now = value_words.said(image, words) if image else ""
    details = {"shows": "image", "options": []}
    start = [marked(image)] if image else []
    yield Variable(f"{one.key}.image", said, "files", "", now, start, "", details)


def _names(
    key: str, label: str, one: ExposedInput, options: Sequence[str], now: str, words: Words
) -> Variable:
    """Names of a stack or a slot; none is one of them."""
    none = words("said_none")
    details = {**_names_of(one, options), "none": none}
    return Variable(key, label, "choices", "", now or none, [now], "", details)


def _names_of(one: ExposedInput, options: Sequence[str]) -> dict[str, Any]:
    """The names there are, or the input to ask for them by."""
    if len(options) > choices.MOST_SENT:
        return {"fetch": one.key, "count": len(options)}
    return {"options": [[name, name] for name in options]}


def _number(key: str, label: str, spec: FloatSpec, value: Any, words: Words) -> Variable:
    limits = numbers.limits(spec, words)
    return Variable(key, label, "numbers", "", str(value), around(value, spec), limits)


def around(value: Any, spec: IntSpec | FloatSpec) -> str:
    """Three numbers to begin with: the form's own between a smaller and a larger one, within the limits."""
    try:
        own = float(value)
    except (TypeError, ValueError):
        own = float(spec.default or 0)
    step = numbers.step(spec)
    low = float("-inf") if spec.min is None else float(spec.min)
    high = float("inf") if spec.max is None else float(spec.max)
    far = abs(own) / 2 or (high / 2 if high <= 1 else 4 * step)
    if own + far > high:
        found = [own - far, own - far / 2, own]
    elif own - far < low:
        found = [own, own + far / 2, own + far]
    else:
        found = [own - far, own, own + far]
    # The form's own stays as it is, be it off the steps.
    snapped = [one if one == own else round(one / step) * step for one in found]
    return ",".join(dict.fromkeys(f"{one:.10g}" for one in snapped if low <= one <= high))


def suggested(
    form: Form, raw: Mapping[str, Any], found: Sequence[Variable], lists: Lists, start: int
) -> AxisPlan | None:
    """The axis a plan begins with: the choices of a prompt that has some, else seeds, else what there is."""
    for one in found:
        text = raw.get(one.key)
        if one.way == "texts" and isinstance(text, str) and wildcards.has_choices(text):
            return _over_choices(one, text, lists, start)
    seeds = next((one for one in found if one.way == "seeds"), None)
    if seeds is not None:
        return AxisPlan(AxisKind.SEEDS, seeds.key, number=SEEDS, start=start)
    numbers_ = next((one for one in found if one.way == "numbers" and not one.group), None)
    return AxisPlan(AxisKind.VALUES, numbers_.key, text=str(numbers_.start)) if numbers_ else None


def _over_choices(one: Variable, text: str, lists: Lists, start: int) -> AxisPlan:
    line = " ".join(text.split())
    try:
        count = wildcards.count(line, lists)
    except ValueError:
        count = 0  # the plan says what is wrong in it
    number = _SOME if count > _MOST_AT_ONCE else 0
    return AxisPlan(AxisKind.TEXTS, one.key, text=line, number=number, start=start)


def title(plan: AxisPlan, found: Mapping[str, Variable], words: Words) -> str:
    """What an axis is called over the form, in the page's language."""
    match plan.kind:
        case AxisKind.PRESETS:
            return words("presets")
        case AxisKind.TABLE:
            return words("exp_table_label")
    one = found.get(plan.key)
    return one.label if one is not None else plan.key
