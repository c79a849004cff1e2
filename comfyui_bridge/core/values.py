"""Values: what a form, a link or a command line says, checked against the inputs, put into a workflow.

`check` gives typed values or one sentence for each wrong one. Random seeds stay marked until
`resolve_seeds` draws them with the caller's randomness; files stay marked until they are uploaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from comfyui_bridge.core import inputs as inputs_
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.files import FileValue, file_of, marked, unmarked
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import (
    BooleanSpec,
    ColorSpec,
    ComboSpec,
    ControlNetSpec,
    DynamicComboSpec,
    FloatSpec,
    InputSpec,
    IntSpec,
    LoraStackSpec,
    StringSpec,
)
from comfyui_bridge.core.options import with_option, without
from comfyui_bridge.core.reading import (
    between,
    float_or_none,
    nearest,
    not_among,
    read_float,
    show,
    some,
    within,
)
from comfyui_bridge.core.stacks import WrongParts, read_controlnet, read_loras
from comfyui_bridge.core.workflow import Workflow

RANDOM = "random"
"""Stands for a seed that is still to be drawn. ComfyUI itself refuses -1 (min is 0)."""

COUNTING = ("+", "-")
"""Behind a seed ("123+"): this one now, and the form counts up or down after each run."""

LARGEST_DRAWN = 2**53 - 1
"""A larger seed would be rounded by ComfyUI's own page when the picture is opened there."""
_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0"))


Values: TypeAlias = Mapping[str, Any]
"""Checked values by key. A value is what the workflow takes, RANDOM for a seed, a FileValue, or None for
an input that is left out."""


def check(exposed: Sequence[ExposedInput], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Read raw values (texts or typed) by each input's type; keys that are absent keep their defaults.

    The answer has a value for every input that has one. Raises InvalidValues with a sentence a key.
    """
    problems: dict[str, str] = {}
    given: dict[str, Any] = {}
    values: dict[str, Any] = {}
    by_key = {one.key: one for one in exposed}
    for name, value in raw.items():
        one = by_key.get(name) or inputs_.find(exposed, name)
        if one is not None:
            given[one.key] = value
        elif value is None:
            values[name] = None  # an element taken out of its list, which `patch` has to know
        else:
            problems[name] = _unknown(exposed, name)
    for one in exposed:
        value = given.get(one.key, one.default)
        if value is None and not one.required:
            if one.key in given:
                values[one.key] = None
            continue
        if value is None and one.key not in given:
            continue
        try:
            values[one.key] = _read(one.spec, value)
        except WrongParts as error:
            problems |= {f"{one.key}.{part}": sentence for part, sentence in error.problems.items()}
        except ValueError as error:
            # A default the server does not like is the workflow's, and only the server may refuse it:
            # its list of files may simply not have been asked for again yet.
            if one.key in given or one.default is None:
                problems[one.key] = str(error)
            else:
                values[one.key] = value
    if problems:
        raise InvalidValues(problems)
    return values


def is_random(one: ExposedInput, raw: Any) -> bool:
    """Whether a raw value asks for a seed to be drawn."""
    return one.is_seed and _is_random(raw)


def resolve_seeds(
    exposed: Sequence[ExposedInput], values: Values, draw: Callable[[int, int], int]
) -> dict[str, Any]:
    """The values with every random seed drawn; `draw(low, high)` gives a whole number in that range."""
    resolved = dict(values)
    for one in exposed:
        if isinstance(one.spec, IntSpec) and resolved.get(one.key) == RANDOM:
            low = max(one.spec.min or 0, 0)
            high = min(one.spec.max if one.spec.max is not None else LARGEST_DRAWN, LARGEST_DRAWN)
            resolved[one.key] = draw(low, max(low, high))
    return resolved


def patch(workflow: Workflow, exposed: Sequence[ExposedInput], values: Values) -> Workflow:
    """A new workflow with the values in it. Files stand as marks until `place_uploads`.

    Another choice of a dynamic combo takes its former inputs away, whatever values they were given.
    """
    before = workflow
    contents: dict[str, dict[str, Any]] = {}
    for one in sorted(exposed, key=lambda one: not isinstance(one.spec, DynamicComboSpec)):
        if one.key not in values:
            continue
        value = values[one.key]
        if value is None and not one.required:
            for place in one.places:
                workflow = without(workflow, place.node_id, place.input)
            continue
        content = value.to_json() if isinstance(value, FileValue) else value
        if isinstance(content, (list, tuple)):
            content = {"__value__": list(content)}  # a bare list of two would be a link
        for place in one.places:
            was = before.node(place.node_id).inputs
            if place.input in was and place.input not in workflow.node(place.node_id).inputs:
                continue
            if isinstance(one.spec, DynamicComboSpec) and was.get(place.input) != content:
                workflow = with_option(workflow, place.node_id, place.input, one.spec, content)
            contents.setdefault(place.node_id, {})[place.input] = content
    return workflow.with_inputs(contents)


def files(workflow: Workflow) -> tuple[FileValue, ...]:
    """The files that must be uploaded before this workflow can be submitted."""
    return tuple(dict.fromkeys(file for _, _, file in _marks(workflow)))


def place_uploads(workflow: Workflow, names: Mapping[FileValue, str]) -> Workflow:
    """A new workflow in which the server's names stand in the place of the files."""
    for node_id, name, file in _marks(workflow):
        workflow = workflow.with_input(node_id, name, names[file])
    return workflow


def _marks(workflow: Workflow) -> Iterator[tuple[str, str, FileValue]]:
    for node in workflow.nodes.values():
        for name, content in node.inputs.items():
            file = file_of(content)
            if file is not None:
                yield node.node_id, name, file


def to_json(values: Values) -> dict[str, Any]:
    """Values as they are stored and shown."""
    return {key: marked(value) for key, value in values.items()}


def from_json(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored values as they were."""
    return {key: unmarked(value) for key, value in stored.items()}


def _read(spec: InputSpec, value: Any) -> Any:
    """The value in the type the spec asks for. Raises ValueError with a sentence."""
    if isinstance(value, FileValue):
        # Without definitions an image input looks like a text.
        if isinstance(spec, StringSpec) or (isinstance(spec, ComboSpec) and spec.upload is not None):
            return value
        raise ValueError("This takes a value, not a file.")
    match spec:
        case IntSpec():
            return _read_int(spec, value)
        case FloatSpec():
            return read_float(spec, value)
        case BooleanSpec():
            return _read_bool(spec, value)
        case ComboSpec():
            return _read_choice(spec, value)
        case DynamicComboSpec():
            return _read_choice(ComboSpec(tuple(option.key for option in spec.options)), value)
        case LoraStackSpec():
            return read_loras(spec, value)
        case ControlNetSpec():
            return read_controlnet(spec, value)
        case StringSpec() | ColorSpec():
            if isinstance(value, (dict, list)):
                raise ValueError("This should be a text.")
            return "" if value is None else str(value)
    return value


def _read_int(spec: IntSpec, value: Any) -> int | str:
    number: Any = value.strip() if isinstance(value, str) else value
    if spec.is_seed and isinstance(number, str) and number[-1:] in COUNTING and number[:-1].isdecimal():
        number = number[:-1]
    if spec.is_seed and (number is None or _is_random(number)):
        return RANDOM
    if number in ("", None):
        raise ValueError(f"This needs a whole number{between(spec.min, spec.max)}.")
    if isinstance(number, str):
        try:
            number = int(number)
        except ValueError:
            number = float_or_none(number)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValueError(f"This should be a whole number{between(spec.min, spec.max)}, and is {show(value)}.")
    return int(within(number, spec.min, spec.max))


def _is_random(raw: Any) -> bool:
    return raw in ("", RANDOM) or str(raw).strip() == "-1"


def _read_bool(spec: BooleanSpec, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE or (spec.label_on and text == spec.label_on.lower()):
        return True
    if text in _FALSE or (spec.label_off and text == spec.label_off.lower()):
        return False
    raise ValueError(f"This should be true or false, and is {show(value)}.")


def _read_choice(spec: ComboSpec, value: Any) -> Any:
    if spec.multiselect:
        several = (
            value if isinstance(value, (list, tuple)) else [part.strip() for part in str(value).split(",")]
        )
        return [_one_of(spec, part) for part in several if part != ""]
    return _one_of(spec, value)


def _one_of(spec: ComboSpec, value: Any) -> Any:
    for option in spec.options:
        if option == value and type(option) is type(value):
            return option
    for option in spec.options:
        if str(option) == str(value):
            return option
    if spec.upload is not None or spec.remote_route or not spec.options:
        # LoadImage lists only the top of its folder, yet takes "sub/x.png" (0.3.64).
        if value in ("", None):
            raise ValueError("Choose a file.")
        return value
    raise not_among(value, spec.options)


def _unknown(exposed: Sequence[ExposedInput], name: str) -> str:
    keys = [one.key for one in exposed]
    near = nearest(name, keys)
    return (
        f"There is no such input; did you mean {near}?"
        if near
        else f"There is no such input; there are {some(keys)}."
    )
