"""What a server's /object_info says, as types.

Servers differ by extensions and model files, so there is one NodeDefs a server. An input's type and
limits become one of a closed union of specs; a form needs no other knowledge of ComfyUI's many
spellings. Malformed entries are left out rather than refused: one broken extension must not take the
other nodes away. A definition is read when it is first asked for: a form needs a dozen of nine hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeAlias

SEED_NAMES = ("seed", "noise_seed")
"""Inputs that are seeds by their name, as ComfyUI's own page has it (1.49.6)."""


@dataclass(frozen=True)
class IntSpec:
    """A whole number. Limits go to 2**64 - 1: never to be handled as a float."""

    default: int | None = None
    min: int | None = None
    max: int | None = None
    step: int = 1
    is_seed: bool = False
    """The editor offers fixed, increment, decrement and randomize for it (control_after_generate)."""
    display: str = ""


@dataclass(frozen=True)
class FloatSpec:
    default: float | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    round: float | None = None
    display: str = ""


@dataclass(frozen=True)
class StringSpec:
    default: str = ""
    multiline: bool = False
    placeholder: str = ""
    dynamic_prompts: bool = False


@dataclass(frozen=True)
class BooleanSpec:
    default: bool = False
    label_on: str = ""
    label_off: str = ""


class Upload(str, Enum):
    """What kind of file an input lets people upload."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    FILE = "file"


@dataclass(frozen=True)
class ComboSpec:
    """One, or with `multiselect` several, of a list of choices."""

    options: tuple[Any, ...] = ()
    default: Any = None
    multiselect: bool = False
    upload: Upload | None = None
    folder: str = "input"
    """Where uploads and choices live on the server: input, output or temp."""
    remote_route: str = ""
    """A route of the server that gives the choices, for combos without options of their own."""
    control_after_generate: bool = False


@dataclass(frozen=True)
class ColorSpec:
    default: str = "#000000"


@dataclass(frozen=True)
class DynamicOption:
    """One key of a dynamic combo and the inputs it brings, named without the parent's prefix."""

    key: str
    inputs: tuple[InputDef, ...]


@dataclass(frozen=True)
class DynamicComboSpec:
    """A choice whose sub-inputs depend on it; they stand in the workflow as "parent.child"."""

    options: tuple[DynamicOption, ...] = ()


@dataclass(frozen=True)
class AutogrowSpec:
    """A list of like inputs that grows; they stand in the workflow as "parent.name"."""

    names: tuple[str, ...]
    min: int
    template: InputDef
    prefix: str = ""


@dataclass(frozen=True)
class EditorSpec:
    """A value that ComfyUI's own page edits with a special widget (CURVE, BOUNDING_BOX, LOAD_3D...)."""

    type: str
    default: Any = None


@dataclass(frozen=True)
class LinkSpec:
    """No value of its own: fed by another node's output of one of these types ("*" is any)."""

    types: tuple[str, ...]


@dataclass(frozen=True)
class LoraStackSpec:
    """LoRAs that are put into the graph, in order. No node has such an input: it is the graph's own."""

    options: tuple[str, ...] = ()
    strength: FloatSpec = FloatSpec()


@dataclass(frozen=True)
class ControlNetSpec:
    """A ControlNet that is put into the graph, with the picture it follows."""

    options: tuple[str, ...] = ()
    strength: FloatSpec = FloatSpec()


InputSpec: TypeAlias = (
    IntSpec
    | FloatSpec
    | StringSpec
    | BooleanSpec
    | ComboSpec
    | ColorSpec
    | DynamicComboSpec
    | AutogrowSpec
    | EditorSpec
    | LinkSpec
    | LoraStackSpec
    | ControlNetSpec
)


@dataclass(frozen=True)
class InputDef:
    """One named input of a node definition."""

    name: str
    spec: InputSpec
    type: str
    required: bool = True
    tooltip: str = ""
    display_name: str = ""
    advanced: bool = False
    force_input: bool = False
    socketless: bool = False
    hidden: bool = False
    """Marked hidden by its own options; the section of hidden inputs (PROMPT, UNIQUE_ID) is never read."""
    raw: Sequence[Any] = field(default=(), repr=False, compare=False)
    """The definition as the server gave it."""

    @property
    def has_widget(self) -> bool:
        """Whether it can hold a value rather than only a link."""
        return not isinstance(self.spec, (LinkSpec, AutogrowSpec)) and not self.force_input


@dataclass(frozen=True)
class OutputDef:
    type: str
    name: str
    is_list: bool = False
    match_group: str = ""
    """For a type that follows an input's (COMFY_MATCHTYPE_V3): that input's template_id."""


@dataclass(frozen=True)
class NodeDef:
    """What a server says of one class_type."""

    class_type: str
    display_name: str
    inputs: tuple[InputDef, ...]
    outputs: tuple[OutputDef, ...]
    category: str = ""
    description: str = ""
    output_node: bool = False
    deprecated: bool = False
    experimental: bool = False
    api_node: bool = False

    def input(self, name: str) -> InputDef | None:
        """The definition of an input, top-level or dotted ("resize_type.width")."""
        return _find(self.inputs, name)


class AsAsked(Mapping[str, NodeDef]):
    """Definitions by class_type, each read once, when it is first asked for.

    Threads that ask at the same time may read the same one twice, and get equal answers.
    """

    def __init__(self, names: Iterable[str], read: Callable[[str], NodeDef]) -> None:
        self._known: dict[str, NodeDef | None] = dict.fromkeys(names)
        self._read = read

    def __getitem__(self, class_type: str) -> NodeDef:
        known = self._known[class_type]
        if known is None:
            known = self._known[class_type] = self._read(class_type)
        return known

    def __contains__(self, class_type: object) -> bool:
        return class_type in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


@dataclass(frozen=True)
class NodeDefs:
    """All node definitions of one server."""

    by_class: Mapping[str, NodeDef]

    def __contains__(self, class_type: str) -> bool:
        return class_type in self.by_class

    def __len__(self) -> int:
        return len(self.by_class)

    def get(self, class_type: str) -> NodeDef | None:
        return self.by_class.get(class_type)

    def input(self, class_type: str, name: str) -> InputDef | None:
        """The definition of one input of one class_type, or None where either is unknown."""
        node_def = self.by_class.get(class_type)
        return node_def.input(name) if node_def else None


EMPTY = NodeDefs(MappingProxyType({}))
"""No definitions: what is known while no server has answered."""


def parse(object_info: object) -> NodeDefs:
    """Read the body of GET /object_info."""
    found = object_info.items() if isinstance(object_info, Mapping) else ()
    entries = {str(name): entry for name, entry in found if _is_node(entry)}
    return NodeDefs(AsAsked(entries, lambda name: _parse_node(name, entries[name])))


def parse_input(name: str, raw: object, *, required: bool = True) -> InputDef | None:
    """Read one input definition `[type, options]`; None where it is malformed."""
    if not isinstance(raw, (list, tuple)) or not raw:
        return None
    type_ = raw[0]
    options = raw[1] if len(raw) > 1 and isinstance(raw[1], Mapping) else {}
    if not isinstance(type_, (str, list, tuple)):
        return None
    return InputDef(
        name=name,
        spec=_parse_spec(name, type_, options),
        type="COMBO" if not isinstance(type_, str) else type_,
        required=required,
        tooltip=_text(options.get("tooltip")),
        display_name=_text(options.get("display_name")),
        advanced=bool(options.get("advanced")),
        force_input=bool(options.get("forceInput")),
        socketless=bool(options.get("socketless")),
        hidden=bool(options.get("hidden")),
        raw=tuple(raw),
    )


def types_fit(output: str, accepted: Sequence[str]) -> bool:
    """Whether an output of this type may feed an input that accepts these; "*" fits all."""
    given = {part.strip() for part in output.split(",")}
    return "*" in accepted or "*" in given or bool(given & set(accepted))


def input_types(definition: InputDef) -> tuple[str, ...]:
    """The types of link an input takes, whether or not it can also hold a value."""
    if isinstance(definition.spec, LinkSpec):
        return definition.spec.types
    return tuple(part.strip() for part in definition.type.split(","))


def _is_node(entry: object) -> bool:
    return isinstance(entry, Mapping) and isinstance(entry.get("input", {}), Mapping)


def _parse_node(class_type: str, entry: Mapping[str, Any]) -> NodeDef:
    return NodeDef(
        class_type=class_type,
        display_name=_text(entry.get("display_name")) or class_type,  # null in 105 nodes of 0.3.64
        inputs=tuple(_parse_inputs(entry.get("input") or {}, entry.get("input_order") or {})),
        outputs=tuple(_parse_outputs(entry)),
        category=_text(entry.get("category")),
        description=_text(entry.get("description")),
        output_node=bool(entry.get("output_node")),
        deprecated=bool(entry.get("deprecated")),
        experimental=bool(entry.get("experimental")),
        api_node=bool(entry.get("api_node")),
    )


def _parse_inputs(sections: Mapping[str, Any], order: Mapping[str, Any]) -> Iterator[InputDef]:
    for section in ("required", "optional"):
        inputs = sections.get(section)
        if not isinstance(inputs, Mapping):
            continue
        listed = _listed(order.get(section) if isinstance(order, Mapping) else None)
        names = [n for n in listed if n in inputs] + [n for n in inputs if n not in listed]
        for name in names:
            definition = parse_input(str(name), inputs[name], required=section == "required")
            if definition is not None:
                yield definition


def _parse_outputs(entry: Mapping[str, Any]) -> Iterator[OutputDef]:
    keys = ("output", "output_name", "output_is_list", "output_matchtypes")
    types, names, lists, groups = (_listed(entry.get(key)) for key in keys)
    for index, type_ in enumerate(types):
        # An output may be a list of choices (a combo handed on); people call that COMBO.
        word = type_ if isinstance(type_, str) else "COMBO"
        name = names[index] if index < len(names) and isinstance(names[index], str) else word
        is_list = bool(lists[index]) if index < len(lists) else False
        yield OutputDef(word, name, is_list, _text(groups[index]) if index < len(groups) else "")


def _parse_spec(name: str, type_: str | Sequence[Any], options: Mapping[str, Any]) -> InputSpec:
    if not isinstance(type_, str):
        return _combo(tuple(type_), options)
    if type_.startswith("COMFY_") and (composite := _composite(type_, options)) is not None:
        return composite
    widget = _text(options.get("widgetType"))
    match widget or type_:
        case "INT":
            return _int(name, options)
        case "FLOAT":
            return _float(options)
        case "STRING":
            return _string(options)
        case "BOOLEAN":
            return BooleanSpec(
                options.get("default") is True,
                _text(options.get("label_on")),
                _text(options.get("label_off")),
            )
        case "COMBO":
            return _combo(tuple(_listed(options.get("options"))), options)
        case "COLOR":
            return ColorSpec(_text(options.get("default")) or "#000000")
        case word if word in EDITOR_TYPES:
            return EditorSpec(word, options.get("default"))
    return LinkSpec(tuple(part.strip() for part in type_.split(",")))


EDITOR_TYPES = frozenset(
    (
        "AUDIO_RECORD",
        "BOUNDING_BOX",
        "BOUNDING_BOXES",
        "COLORS",
        "COMPOSITOR",
        "CURVE",
        "IMAGECOMPARE",
        "LOAD_3D",
        "LOAD_3D_ANIMATION",
        "PAINTER",
        "RANGE",
        "WEBCAM",
    )
)
"""Types whose widget only ComfyUI's own page has (frontend 1.49.6)."""


def _int(name: str, options: Mapping[str, Any]) -> IntSpec:
    control = options.get("control_after_generate")
    # The frontend adds the control to an INT of these names even where the option is absent (1.49.6).
    is_seed = bool(control) if control is not None else name in SEED_NAMES
    return IntSpec(
        default=_whole(options.get("default")),  # may be written as a float: AudioAdjustVolume.volume 1.0
        min=_whole(options.get("min")),
        max=_whole(options.get("max")),
        step=_whole(options.get("step")) or 1,
        is_seed=is_seed,
        display=_text(options.get("display")),
    )


def _float(options: Mapping[str, Any]) -> FloatSpec:
    return FloatSpec(
        default=_real(options.get("default")),
        min=_real(options.get("min")),
        max=_real(options.get("max")),
        step=_real(options.get("step")),
        round=_real(options.get("round")),  # false in 57 inputs of 0.3.64
        display=_text(options.get("display")),
    )


def _string(options: Mapping[str, Any]) -> StringSpec:
    return StringSpec(
        default=_text(options.get("default")),
        multiline=bool(options.get("multiline")),
        placeholder=_text(options.get("placeholder")),
        dynamic_prompts=bool(options.get("dynamicPrompts")),
    )


def _combo(choices: tuple[Any, ...], options: Mapping[str, Any]) -> ComboSpec:
    remote = options.get("remote")
    return ComboSpec(
        options=choices,
        default=options.get("default"),
        multiselect=bool(options.get("multiselect")) or bool(options.get("multi_select")),
        upload=next((kind for kind in Upload if options.get(f"{kind.value}_upload")), None),
        folder=_text(options.get("image_folder")) or "input",
        remote_route=_text(remote.get("route")) if isinstance(remote, Mapping) else "",
        control_after_generate=bool(options.get("control_after_generate")),
    )


def _composite(type_: str, options: Mapping[str, Any]) -> InputSpec | None:
    if type_ == "COMFY_DYNAMICCOMBO_V3":
        return DynamicComboSpec(tuple(_dynamic_options(_listed(options.get("options")))))
    template = options.get("template")
    if not isinstance(template, Mapping):
        return None
    if type_ == "COMFY_AUTOGROW_V3":
        return _autogrow(template)
    if type_ == "COMFY_MATCHTYPE_V3":
        allowed = template.get("allowed_types")
        return LinkSpec(tuple(part.strip() for part in (_text(allowed) or "*").split(",")))
    return None


def _dynamic_options(entries: Sequence[Any]) -> Iterator[DynamicOption]:
    for entry in entries:
        if isinstance(entry, Mapping) and isinstance(entry.get("key"), str):
            inputs = entry.get("inputs")
            yield DynamicOption(
                entry["key"], tuple(_parse_inputs(inputs if isinstance(inputs, Mapping) else {}, {}))
            )


def _autogrow(template: Mapping[str, Any]) -> InputSpec | None:
    sections = template.get("input")
    element = next(_parse_inputs(sections if isinstance(sections, Mapping) else {}, {}), None)
    if element is None:
        return None
    prefix = _text(template.get("prefix"))
    listed = template.get("names")
    count = min(_whole(template.get("max")) or 1, 1000)
    names = (
        [str(n) for n in listed]
        if isinstance(listed, (list, tuple))
        else [f"{prefix}{i}" for i in range(count)]
    )
    return AutogrowSpec(tuple(names), _whole(template.get("min")) or 0, element, prefix)


def _find(inputs: Sequence[InputDef], name: str) -> InputDef | None:
    for definition in inputs:
        if definition.name == name:
            return definition
        if not name.startswith(f"{definition.name}."):
            continue
        rest = name[len(definition.name) + 1 :]
        match definition.spec:
            case DynamicComboSpec(options):
                found = (_find(option.inputs, rest) for option in options)
                return next((f for f in found if f is not None), None)
            case AutogrowSpec(names=names, template=template):
                return template if rest in names else None
    return None


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def _real(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value)
