"""What the editor makes of a node definition: input specs, and the widgets they become.

The editor decides by an input's type alone whether it has a widget, and some widgets bring others
that also have a place in `widgets_values`. This module knows these rules (frontend 1.49.6,
`scripts/widgets.ts` and `extensions/core/*`); which inputs a node has comes from the server.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from comfyui_bridge.core.node_defs import SEED_NAMES, InputDef, NodeDef, parse_input

DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
AUTOGROW = "COMFY_AUTOGROW_V3"
MATCH_TYPE = "COMFY_MATCHTYPE_V3"

WIDGET_TYPES = frozenset(
    (
        "INT",
        "FLOAT",
        "BOOLEAN",
        "STRING",
        "MARKDOWN",
        "COMBO",
        "IMAGEUPLOAD",
        "COLOR",
        "IMAGECOMPARE",
        "BOUNDING_BOX",
        "CHART",
        "GALLERIA",
        "PAINTER",
        "COMPOSITOR",
        "TEXTAREA",
        "CURVE",
        "RANGE",
        "VIDEO_EDIT",
        "BOUNDING_BOXES",
        "COLORS",
        DYNAMIC_COMBO,
        "AUDIO_UI",
        "AUDIOUPLOAD",
        "AUDIO_RECORD",
        "WEBCAM",
        "LOAD_3D",
        "LOAD_3D_ADVANCED",
        "PREVIEW_3D",
    )
)
"""Input types that have a widget (frontend 1.49.6)."""

AUDIO_NODES = frozenset(
    ("LoadAudio", "SaveAudio", "PreviewAudio", "SaveAudioMP3", "SaveAudioOpus", "SaveAudioAdvanced")
)
VIEWPORT_NODES = frozenset(
    (
        "Preview3DAdvanced",
        "Save3DAdvanced",
        "PreviewGaussianSplat",
        "PreviewPointCloud",
        "SaveGaussianSplat",
        "SavePointCloud",
    )
)


class Nothing(Enum):
    """JavaScript's undefined: a value that is not there, where null would be one."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING


class Kind(Enum):
    """What a widget's value may be told from, as far as conversion cares."""

    NUMBER = "number"
    TEXT = "text"
    LONG_TEXT = "long text"
    COMBO = "combo"
    OTHER = "other"


@dataclass(frozen=True)
class Spec:
    """One input as a node definition gives it, under the name it has on the node."""

    name: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: Sequence[Any] = ()

    @cached_property
    def widget_type(self) -> str:
        named = self.options.get("widgetType")
        return named if isinstance(named, str) and named else self.type

    @cached_property
    def is_forced(self) -> bool:
        """A socket only, though its type has a widget."""
        return bool(self.options.get("forceInput"))

    @cached_property
    def has_widget(self) -> bool:
        return self.widget_type in WIDGET_TYPES and not self.is_forced

    def renamed(self, name: str) -> Spec:
        return Spec(name, self.type, self.options, self.choices)

    def retyped(self, type_: str) -> Spec:
        return Spec(self.name, type_, self.options, self.choices)


@dataclass
class Widget:
    """A widget of one node, with its value."""

    name: str
    kind: Kind
    value: Any = NOTHING
    in_values: bool = True
    """It has a place in widgets_values."""
    in_prompt: bool = True
    fixed: bool = False
    """It is computed, so that values from the file do not reach it."""
    dynamic_prompts: bool = False
    spec: Spec | None = None
    options: Mapping[str, Sequence[Spec]] | None = None
    """A dynamic combo's keys and the inputs each brings."""
    choices: Sequence[Any] = ()

    def set(self, value: Any) -> None:
        if not self.fixed:
            self.value = value


def as_text(value: Any) -> str:
    """A value as JavaScript writes it into a text; null and undefined as nothing."""
    match value:
        case None | Nothing.NOTHING:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        case list() | tuple():
            return ",".join(as_text(entry) if not isinstance(entry, (list, tuple)) else "" for entry in value)
        case Mapping():
            return "[object Object]"
    return str(value)


def specs_of(definition: NodeDef) -> list[Spec]:
    """The inputs of a node in the editor's order, with those its own extensions add."""
    specs = {entry.name: spec_of(entry) for entry in definition.inputs}
    for spec in _added(definition, list(specs.values())):
        specs[spec.name] = spec
    return list(specs.values())


def spec_of(definition: InputDef, name: str | None = None) -> Spec:
    raw = definition.raw
    options = raw[1] if len(raw) > 1 and isinstance(raw[1], Mapping) else {}
    choices: Any = raw[0] if raw and isinstance(raw[0], (list, tuple)) else options.get("options")
    return Spec(
        name if name is not None else definition.name,
        definition.type,
        options,
        choices if definition.type == "COMBO" and isinstance(choices, (list, tuple)) else (),
    )


def section_specs(sections: object) -> list[Spec]:
    """The specs of `{required: {...}, optional: {...}}`, as templates and dynamic options have it."""
    found: list[Spec] = []
    if isinstance(sections, Mapping):
        for section in ("required", "optional"):
            entries = sections.get(section)
            for name, raw in entries.items() if isinstance(entries, Mapping) else ():
                definition = parse_input(str(name), raw)
                if definition is not None:
                    found.append(spec_of(definition))
    return found


def _added(definition: NodeDef, specs: Sequence[Spec]) -> Iterator[Spec]:
    # Inputs that the editor's own extensions put behind the server's, or in place of one of the same
    # name (beforeRegisterNodeDef).
    required = {entry.name for entry in definition.inputs if entry.required}
    name = definition.class_type
    if name in AUDIO_NODES:
        yield Spec("audioUI", "AUDIO_UI")
    if any(s.name == "audio" and s.name in required and s.options.get("audio_upload") is True for s in specs):
        yield Spec("upload", "AUDIOUPLOAD")
    uploads = ("image_upload", "video_upload", "animated_image_upload")
    combos = [spec for spec in specs if spec.name in required and spec.type == "COMBO"]
    if any(spec.options.get(key) is True for spec in combos for key in uploads):
        yield Spec("upload", "IMAGEUPLOAD")
    if name in ("SaveGLB", "Preview3D"):
        yield Spec("image", "PREVIEW_3D")
    if name == "Load3DAdvanced":
        yield Spec("viewport_state", "LOAD_3D_ADVANCED")


def widgets_for(spec: Spec, class_type: str, existing: Sequence[Widget]) -> list[Widget]:
    """The widgets one input becomes, in order, with their defaults. Dynamic combos: the combo alone."""
    default = spec.options.get("default")
    match spec.widget_type:
        case "INT":
            return _int(spec)
        case "FLOAT":
            control = [_control("fixed")] if spec.options.get("control_after_generate") else []
            return [Widget(spec.name, Kind.NUMBER, 0 if default is None else default, spec=spec), *control]
        case "STRING":
            return [_string(spec)]
        case "MARKDOWN":
            return [Widget(spec.name, Kind.LONG_TEXT, default if isinstance(default, str) else "", spec=spec)]
        case "BOOLEAN":
            return [_simple(spec, False if default is None else default)]
        case "COMBO":
            return _combo(spec)
        case word if word == DYNAMIC_COMBO:
            return [_dynamic_combo(spec)]
        case "COLOR":
            if any(widget.name == spec.name for widget in existing):
                return []
            return [_simple(spec, _color(spec))]
        case "BOUNDING_BOX":
            return _bounding_box(spec)
        case "CURVE":
            return [_simple(spec, default or {"points": [[0, 0], [1, 1]], "interpolation": "monotone_cubic"})]
        case "RANGE":
            return [_simple(spec, {"min": 0.0, "max": 1.0} if default is None else default)]
        case "COLORS" | "BOUNDING_BOXES":
            return [_simple(spec, [] if default is None else default)]
        case "PAINTER":
            return [_simple(spec, "" if default is None else default)]
        case "COMPOSITOR":
            return [_simple(spec, default if isinstance(default, Mapping) else {})]
        case "IMAGECOMPARE":
            return [Widget(spec.name, Kind.OTHER, ["", ""], in_values=False, spec=spec)]
        case "VIDEO_EDIT":
            return [_simple(spec, _video_edit(spec) if default is None else default)]
        case "TEXTAREA" | "CHART" | "GALLERIA":
            return [_simple(spec, _display(spec))]
        case "IMAGEUPLOAD":
            return [Widget(spec.name, Kind.OTHER, "image", in_prompt=False, spec=spec)]
        case "AUDIOUPLOAD":
            return [Widget(spec.name, Kind.OTHER, "", in_prompt=False, spec=spec)]
        case "AUDIO_UI":
            return [Widget(spec.name, Kind.OTHER, "", in_values=False, in_prompt=False, spec=spec)]
        case "AUDIO_RECORD":
            recorded = Widget(spec.name, Kind.OTHER, "", fixed=True, spec=spec)
            return [recorded, Widget(spec.name, Kind.OTHER, "", in_prompt=False)]
        case "WEBCAM":
            return [Widget(spec.name, Kind.OTHER, "", fixed=True, spec=spec)]
        case "LOAD_3D" | "LOAD_3D_ADVANCED" | "PREVIEW_3D":
            return _three_d(spec, class_type, existing)
    return []


def _simple(spec: Spec, value: Any) -> Widget:
    return Widget(spec.name, Kind.OTHER, copy.deepcopy(value), spec=spec)


def _int(spec: Spec) -> list[Widget]:
    default = spec.options.get("default")
    widget = Widget(spec.name, Kind.NUMBER, 0 if default is None else default, spec=spec)
    control = spec.options.get("control_after_generate")
    if control is None:
        control = spec.name in SEED_NAMES
    if not control:
        return [widget]
    name = control if isinstance(control, str) else ""
    return [widget, _control(control if isinstance(control, str) else "randomize", name)]


def _control(value: str, name: str = "") -> Widget:
    choices = ("fixed", "increment", "decrement", "randomize")
    return Widget(name or "control_after_generate", Kind.COMBO, value, in_prompt=False, choices=choices)


def _string(spec: Spec) -> Widget:
    default = spec.options.get("default")
    kind = Kind.LONG_TEXT if spec.options.get("multiline") else Kind.TEXT
    return Widget(
        spec.name,
        kind,
        "" if default is None else default,
        dynamic_prompts=spec.options.get("dynamicPrompts") is True,
        spec=spec,
    )


def _combo(spec: Spec) -> list[Widget]:
    default = spec.options.get("default")
    control = spec.options.get("control_after_generate")
    if spec.options.get("multi_select"):
        widgets = [Widget(spec.name, Kind.OTHER, [], spec=spec)]
        return [*widgets, _control(control if isinstance(control, str) else "fixed")] if control else widgets
    remote = spec.options.get("remote")
    value = default or (spec.choices[0] if spec.choices else "Loading..." if remote else NOTHING)
    widgets = [Widget(spec.name, Kind.COMBO, value, spec=spec, choices=spec.choices)]
    if isinstance(remote, Mapping):
        widgets.append(Widget("Auto-refresh after generation", Kind.OTHER, False, in_prompt=False))
        if remote.get("refresh_button"):
            widgets.append(Widget("refresh", Kind.OTHER, "refresh"))
    if control:
        name = control if isinstance(control, str) else ""
        widgets.append(_control(control if isinstance(control, str) else "randomize", name))
        widgets.append(Widget("control_filter_list", Kind.TEXT, "", in_prompt=False))
    return widgets


def _dynamic_combo(spec: Spec) -> Widget:
    listed = spec.options.get("options")
    options: dict[str, Sequence[Spec]] = {}
    for entry in listed if isinstance(listed, (list, tuple)) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("key"), str):
            options[entry["key"]] = section_specs(entry.get("inputs"))
    keys = list(options)
    value = keys[0] if keys else NOTHING
    return Widget(spec.name, Kind.COMBO, value, spec=spec, options=options, choices=keys)


def _color(spec: Spec) -> Any:
    inner = spec.options.get("options")
    default = spec.options.get("default")
    if default is None and isinstance(inner, Mapping):
        default = inner.get("default")
    return "#000000" if default is None else default


def _bounding_box(spec: Spec) -> list[Widget]:
    default = spec.options.get("default")
    box = default if isinstance(default, Mapping) else {"x": 0, "y": 0, "width": 512, "height": 512}
    parts = [
        Widget(part, Kind.NUMBER, box.get(part, NOTHING), in_prompt=False)
        for part in ("x", "y", "width", "height")
    ]
    return [_simple(spec, dict(box)), *parts]


def _video_edit(spec: Spec) -> dict[str, Any]:
    listed = spec.options.get("features")
    features = listed if isinstance(listed, (list, tuple)) else ("trim", "crop")
    value: dict[str, Any] = {}
    if "trim" in features:
        value["trim"] = {"start_time": 0, "duration": 0}
    if "crop" in features:
        value["crop"] = {"x": 0, "y": 0, "width": 0, "height": 0}
    return value


def _display(spec: Spec) -> Any:
    # These three read their default from an inner object of options (useTextareaWidget and its like).
    inner = spec.options.get("options")
    inner = inner if isinstance(inner, Mapping) else {}
    match spec.widget_type:
        case "TEXTAREA":
            return inner.get("default") or ""
        case "CHART":
            return inner.get("data") or {}
    return inner.get("images") or []


def _three_d(spec: Spec, class_type: str, existing: Sequence[Widget]) -> list[Widget]:
    buttons = [("upload 3d model", "upload3dmodel"), ("upload extra resources", "uploadExtraResources")]
    buttons.append(("clear", "clear"))
    view = "image"
    widgets: list[Widget] = []
    if spec.widget_type == "LOAD_3D_ADVANCED" or class_type in VIEWPORT_NODES:
        view = "viewport_state"
    if spec.widget_type == "LOAD_3D" and any(widget.name == "model_file" for widget in existing):
        widgets = [Widget(name, Kind.OTHER, value) for name, value in buttons]
    return [*widgets, Widget(view, Kind.OTHER, "", fixed=True, spec=spec)]
