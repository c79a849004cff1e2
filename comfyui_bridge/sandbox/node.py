"""What a node is to the sandbox's executor, and what the executor is to a node.

The executor knows no node by name; a node knows neither sockets nor queues. Between them stand the
definition (one entry of /object_info), the inputs with links resolved, and a Context to report to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from PIL import Image


class Interrupted(Exception):
    """The prompt was interrupted; raised out of Context.progress and Context.check."""


@dataclass(frozen=True)
class Result:
    """What one execution of a node gives.

    `outputs` has one entry an output slot. `ui` is what /history and `executed` show under the node's
    id, for instance {"images": [{"filename", "subfolder", "type"}]}; None for a node without one.
    """

    outputs: tuple[Any, ...] = ()
    ui: Mapping[str, Any] | None = None


class Folders(Protocol):
    """The server's input, output and temp folders and its model lists."""

    def directory(self, type_: str) -> Path:
        """The folder of a file type: input, output or temp."""

    def models(self, folder: str) -> Sequence[str]:
        """File names in a model folder such as checkpoints, loras, vae."""

    def input_files(self) -> Sequence[str]:
        """Names of the files at the top of the input folder, sorted."""

    def resolve(self, name: str) -> Path:
        """The path behind "x.png", "sub/x.png" or "x.png [temp]"; never outside the three folders.

        Raises FileNotFoundError for a name that leads nowhere.
        """

    def save_slot(self, prefix: str, type_: str, width: int, height: int) -> tuple[Path, str, int, str]:
        """Where the next file of a prefix goes: (folder, stem, counter, subfolder), as ComfyUI counts.

        %width%, %height%, %year% and the like in the prefix are filled in; a prefix that leaves the
        folder raises ValueError.
        """


class Context(Protocol):
    """What a node may ask of, and tell, the executor while it runs."""

    node_id: str
    folders: Folders
    step_seconds: float
    """The pace: how long one sampling step should take at least."""
    prompt: Mapping[str, Any]
    """The whole API graph as validated, to embed into saved files."""
    extra_pnginfo: Mapping[str, Any] | None

    @property
    def watched(self) -> bool:
        """Whether a preview would reach anyone; if not, making one is a waste."""

    def progress(self, value: int, maximum: int, preview: Image.Image | None = None) -> None:
        """Report step `value` of `maximum`, with the picture so far. Raises Interrupted."""

    def pace(self, seconds: float) -> None:
        """Wait so long, or raise Interrupted as soon as the prompt is interrupted."""

    def check(self) -> None:
        """Raise Interrupted if the prompt is interrupted."""


@dataclass(frozen=True)
class Input:
    """One input as a definition gives it: a type word or a list of choices, and its options."""

    name: str
    type: str | Sequence[Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    section: str = "required"


class NodeType:
    """Base of the sandbox's nodes: a definition as data, and `run`."""

    class_type: str = ""
    display_name: str = ""
    category: str = ""
    description: str = ""
    inputs: tuple[Input, ...] = ()
    outputs: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    output_node: bool = False
    combo_style: str = "list"
    """How a list of choices is written: "list" `[[...], {}]` or "COMBO" `["COMBO", {"options": [...]}]`."""
    python_module: str = "nodes"
    deprecated: bool = False
    experimental: bool = False
    self_checked: tuple[str, ...] = ()
    """Inputs that `problem` judges; the executor skips its own list and range checks for them.

    ComfyUI does the same for every input that a node's VALIDATE_INPUTS names.
    """

    def input_list(self, folders: Folders) -> tuple[Input, ...]:
        """The inputs with lists of files filled in as they are now."""
        return self.inputs

    def definition(self, folders: Folders) -> dict[str, Any]:
        """This node's entry in /object_info, written as 0.3.64 writes it.

        Nodes of ComfyUI's newer schema (those with "COMBO") always say whether they are deprecated,
        experimental or an API node, and give a tooltip slot for each output; older ones leave that out.
        """
        newer = self.combo_style == "COMBO"
        sections: dict[str, dict[str, Any]] = {"required": {}}
        for item in self.input_list(folders):
            sections.setdefault(item.section, {})[item.name] = _written(item, newer)
        entry: dict[str, Any] = {
            "input": sections,
            "input_order": {section: list(items) for section, items in sections.items()},
            "output": list(self.outputs),
            "output_is_list": [False] * len(self.outputs),
            "output_name": list(self.output_names or self.outputs),
            "name": self.class_type,
            "display_name": self.display_name or None,
            "description": self.description,
            "python_module": self.python_module,
            "category": self.category,
            "output_node": self.output_node,
        }
        if newer:
            entry["output_tooltips"] = [None] * len(self.outputs)
            entry |= {"deprecated": self.deprecated, "experimental": self.experimental, "api_node": False}
        else:
            entry |= {"deprecated": True} if self.deprecated else {}
            entry |= {"experimental": True} if self.experimental else {}
        return entry

    def run(self, context: Context, **inputs: Any) -> Result:
        """Execute with links resolved; hidden inputs are on the context."""
        raise NotImplementedError

    def fingerprint(self, folders: Folders, **values: Any) -> object:
        """Something that changes when the node must run again though its inputs did not (a file's hash)."""
        return None

    def problem(self, folders: Folders, **values: Any) -> str | None:
        """A validation problem of the literal values in ComfyUI's words, or None."""
        return None


def _written(item: Input, newer: bool) -> Any:
    """One input as /object_info spells it."""
    if item.section == "hidden":
        return [item.type] if newer else item.type
    if isinstance(item.type, str):
        return [item.type, dict(item.options)] if newer or item.options else [item.type]
    if newer:
        return ["COMBO", {**item.options, "multiselect": False, "options": list(item.type)}]
    return [list(item.type), dict(item.options)] if item.options else [list(item.type)]
