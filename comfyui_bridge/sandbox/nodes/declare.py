"""Declare a node beside the function that does its work.

`@node(...)` turns a plain function of a context and inputs into a NodeType; the short constructors
below spell inputs as ComfyUI's definitions do. `V3` marks nodes that ComfyUI wrote in its newer schema.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from comfyui_bridge.sandbox.node import Context, Folders, Input, NodeType, Result

Work = Callable[..., "tuple[Any, ...] | Result"]
"""Takes the context and the inputs by name; returns the outputs in order, or a Result to show more."""

SEED_MAX = 2**64 - 1
SIDE_MAX = 16384  # nodes.py: MAX_RESOLUTION


@dataclass(frozen=True)
class FileInput(Input):
    """A combo whose choices are read from the folders each time it is asked for."""

    listing: Callable[[Folders], Sequence[str]] = lambda folders: ()


class DeclaredNode(NodeType):
    """A node made by `node`; lives as long as the program and keeps no state between runs."""

    def __init__(
        self,
        work: Work,
        fingerprint: Callable[..., object] | None,
        problem: Callable[..., str | None] | None,
    ) -> None:
        self._work = work
        self._fingerprint = fingerprint
        self._problem = problem

    def input_list(self, folders: Folders) -> tuple[Input, ...]:
        return tuple(
            replace(item, type=tuple(item.listing(folders))) if isinstance(item, FileInput) else item
            for item in self.inputs
        )

    def run(self, context: Context, **inputs: Any) -> Result:
        given = self._work(context, **inputs)
        return given if isinstance(given, Result) else Result(outputs=given)

    def fingerprint(self, folders: Folders, **values: Any) -> object:
        return self._fingerprint(folders, **values) if self._fingerprint else None

    def problem(self, folders: Folders, **values: Any) -> str | None:
        return self._problem(folders, **values) if self._problem else None


def node(
    class_type: str,
    *inputs: Input,
    outputs: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
    category: str,
    title: str = "",
    module: str = "nodes",
    about: str = "",
    v3: bool = False,
    output_node: bool = False,
    deprecated: bool = False,
    experimental: bool = False,
    fingerprint: Callable[..., object] | None = None,
    problem: Callable[..., str | None] | None = None,
    self_checked: tuple[str, ...] = (),
) -> Callable[[Work], DeclaredNode]:
    """Turn the decorated function into the node `class_type`.

    `title` is the display name: left empty it is the class type, or null for a V3 node, as ComfyUI
    answers. `problem` checks the inputs named by `self_checked` in place of the executor's list check.
    """

    def declare(work: Work) -> DeclaredNode:
        made = DeclaredNode(work, fingerprint, problem)
        made.class_type = class_type
        made.display_name = title or ("" if v3 else class_type)
        made.category = category
        made.description = about
        made.inputs = inputs
        made.outputs = outputs
        made.output_names = names or outputs
        made.output_node = output_node
        made.combo_style = "COMBO" if v3 else "list"
        made.python_module = module
        made.deprecated = deprecated
        made.experimental = experimental
        made.self_checked = self_checked
        return made

    return declare


def link(name: str, type_: str, section: str = "required", **options: Any) -> Input:
    """An input that only a link can fill: MODEL, IMAGE, LATENT and the like."""
    return Input(name, type_, options, section)


def integer(name: str, default: int | None = None, low: int | None = None, high: int | None = None,
            step: int | None = None, **options: Any) -> Input:  # fmt: skip
    return Input(name, "INT", _given(default=default, min=low, max=high, step=step) | options)


def number(name: str, default: float | None = None, low: float | None = None, high: float | None = None,
           step: float | None = None, **options: Any) -> Input:  # fmt: skip
    return Input(name, "FLOAT", _given(default=default, min=low, max=high, step=step) | options)


def string(name: str, **options: Any) -> Input:
    return Input(name, "STRING", options)


def boolean(name: str, default: bool | None = None) -> Input:
    return Input(name, "BOOLEAN", _given(default=default))


def choice(name: str, choices: Sequence[str], section: str = "required", **options: Any) -> Input:
    return Input(name, tuple(choices), options, section)


def model_file(name: str, folder: str, extra: tuple[str, ...] = ()) -> Input:
    """A combo of the files in a model folder."""
    return FileInput(name, (), listing=lambda folders: (*folders.models(folder), *extra))


def embedded() -> tuple[Input, Input]:
    """The hidden inputs of a node that writes the workflow into its files."""
    return (
        Input("prompt", "PROMPT", section="hidden"),
        Input("extra_pnginfo", "EXTRA_PNGINFO", section="hidden"),
    )


def _given(**options: Any) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}
