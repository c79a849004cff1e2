"""The values of runs in words, under the labels of their template's form. Plain functions, no Gradio."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comfyui_bridge.core.files import FileValue, marked, unmarked
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.ui.words import Words

_EXACT = 2**53
"""Up to here a browser's numbers are exact."""


@dataclass(frozen=True)
class Said:
    """One value as people read it."""

    key: str
    label: str
    text: str
    group: str = ""
    """Empty for the essential ones."""


def listed(form: Form | None, values: Mapping[str, Any], words: Words) -> tuple[Said, ...]:
    """Values in the order of the form; behind them those it does not know, under their keys."""
    inputs = form.with_choices(values).inputs if form is not None else ()
    known = [
        Said(one.key, words.input(one), said(values[one.key], words), words.text(one.group, one.phrases))
        for one in inputs
        if one.key in values
    ]
    keys = {one.key for one in known}
    others = [Said(key, words.label(key), said(value, words)) for key, value in values.items()]
    return (*known, *(one for one in others if one.key not in keys))


def carried(values: Mapping[str, Any]) -> dict[str, Any]:
    """Raw values as a browser takes them and gives them back: a seed of 64 bits is a text there."""
    return {key: _carried(marked(value)) for key, value in values.items()}


def _carried(value: Any) -> Any:
    is_large = isinstance(value, int) and abs(value) > _EXACT
    return str(value) if is_large else value


def label(form: Form | None, key: str, words: Words, graph: Workflow | None = None) -> str:
    """What the form calls an input; for one of the workflow's own, its node and its name."""
    one = form.input(key) if form is not None else None
    if one is not None:
        return words.input(one)
    node_id, _, name = key.partition(".")
    if graph is not None and name and node_id in graph:
        return f"{graph.node(node_id).name} · {name}"
    return words.label(key)


def said(value: Any, words: Words) -> str:
    """A value in words; numbers, names and texts as they are."""
    match unmarked(value):
        case None:
            return words("said_none")
        case bool() as is_on:
            return words("said_on" if is_on else "said_off")
        case FileValue(name=name):
            return name
        case str() as text:
            return text
        case list() as rows:
            return "\n".join(said(row, words) for row in rows) or words("said_none")
        case {"name": str() as name, **rest}:
            return " · ".join((name, *(_part(key, part, words) for key, part in rest.items())))
        case other:
            return json.dumps(other, ensure_ascii=False)


def _part(key: str, value: Any, words: Words) -> str:
    shown = said(value, words)
    return shown if isinstance(value, (FileValue, str)) else f"{key} {shown}"
