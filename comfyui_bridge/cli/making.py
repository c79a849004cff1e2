"""From a template and raw values to a workflow that is ready to be sent, for `run` and `batch` alike."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfyui_bridge.core import values as values_
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.workflow import Workflow


@dataclass(frozen=True)
class Made:
    """A workflow with its values in it, random seeds drawn; files stand as marks with their paths."""

    workflow: Workflow
    values: Mapping[str, Any]
    checked: Mapping[str, Any]
    """The values with their random seeds still to be drawn."""


def make(form: Form, raw: Mapping[str, Any]) -> Made:
    """Check raw values and put them in. Raises InvalidValues with a sentence for each wrong one."""
    form = form.with_choices(raw)
    checked = form.check(with_files(form, raw))
    resolved = values_.resolve_seeds(form.inputs, checked, random.randint)
    return Made(form.patched(resolved), resolved, checked)


def with_files(form: Form, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Raw values in which "@path" of a file input is that file. Raises InvalidValues if it is not there."""
    return form.with_files(raw, _file)


def _file(key: str, value: Any) -> Any:
    if not (isinstance(value, str) and value.startswith("@")):
        return value
    path = Path(value[1:]).expanduser()
    if not path.is_file():
        raise InvalidValues({key: f"There is no file {path}."})
    return FileValue(str(path.absolute()), path.name)
