"""Files of ours that stand in the place of values until a server has them.

A mark in a workflow or in stored values names the file; only whoever keeps files knows where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MARK = "__upload__"
"""What tells the mark of a file from other tables of a workflow or of stored values."""


@dataclass(frozen=True)
class FileValue:
    """A file that is to be uploaded for this input: where it is on our side, and its own name."""

    ref: str
    name: str

    def to_json(self) -> dict[str, str]:
        return {MARK: self.ref, "name": self.name}


def file_of(value: object) -> FileValue | None:
    """The file that a mark names; None for any other value."""
    if isinstance(value, Mapping) and set(value) == {MARK, "name"}:
        return FileValue(str(value[MARK]), str(value["name"]))
    return None


def marked(value: Any) -> Any:
    """A value with marks in the place of files, however deep they stand in it."""
    if isinstance(value, FileValue):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: marked(inner) for key, inner in value.items()}
    return [marked(inner) for inner in value] if isinstance(value, list) else value


def unmarked(value: Any) -> Any:
    """A value with files in the place of their marks."""
    file = file_of(value)
    if file is not None:
        return file
    if isinstance(value, Mapping):
        return {key: unmarked(inner) for key, inner in value.items()}
    return [unmarked(inner) for inner in value] if isinstance(value, list) else value
