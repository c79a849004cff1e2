"""Values as nodes, so that one of them can feed several inputs."""

from __future__ import annotations

from typing import Any

from comfyui_bridge.sandbox.node import Context
from comfyui_bridge.sandbox.nodes.declare import boolean, integer, node, number, string

_MODULE = "comfy_extras.nodes_primitive"
_CATEGORY = "utils/primitive"
_FAR = 2**63 - 1


@node(
    "PrimitiveString",
    string("value", multiline=False),
    outputs=("STRING",),
    category=_CATEGORY,
    title="String",
    module=_MODULE,
    v3=True,
)
def primitive_string(context: Context, value: str) -> tuple[Any, ...]:
    return (value,)


@node(
    "PrimitiveStringMultiline",
    string("value", multiline=True),
    outputs=("STRING",),
    category=_CATEGORY,
    title="String (Multiline)",
    module=_MODULE,
    v3=True,
)
def primitive_string_multiline(context: Context, value: str) -> tuple[Any, ...]:
    return (value,)


@node(
    "PrimitiveInt",
    integer("value", None, -_FAR, _FAR, control_after_generate=True),
    outputs=("INT",),
    category=_CATEGORY,
    title="Int",
    module=_MODULE,
    v3=True,
)
def primitive_int(context: Context, value: int) -> tuple[Any, ...]:
    return (value,)


@node(
    "PrimitiveFloat",
    number("value", None, -_FAR, _FAR),
    outputs=("FLOAT",),
    category=_CATEGORY,
    title="Float",
    module=_MODULE,
    v3=True,
)
def primitive_float(context: Context, value: float) -> tuple[Any, ...]:
    return (value,)


@node(
    "PrimitiveBoolean",
    boolean("value"),
    outputs=("BOOLEAN",),
    category=_CATEGORY,
    title="Boolean",
    module=_MODULE,
    v3=True,
)
def primitive_boolean(context: Context, value: bool) -> tuple[Any, ...]:
    return (value,)


@node(
    "StringConcatenate",
    string("string_a", multiline=True),
    string("string_b", multiline=True),
    string("delimiter", default="", multiline=False),
    outputs=("STRING",),
    category="utils/string",
    title="Concatenate",
    module="comfy_extras.nodes_string",
    v3=True,
)
def string_concatenate(context: Context, string_a: str, string_b: str, delimiter: str) -> tuple[Any, ...]:
    return (delimiter.join((string_a, string_b)),)


NODES = (
    primitive_string,
    primitive_string_multiline,
    primitive_int,
    primitive_float,
    primitive_boolean,
    string_concatenate,
)
