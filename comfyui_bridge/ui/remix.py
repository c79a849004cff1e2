"""What the form says calmly when values were put into it: which no longer fit and why, or what is gone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import gradio as gr

from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui.words import Words

_LONGEST = 80


def panel() -> gr.HTML:
    """Where the script is told; it draws the notice under the head of the form."""
    return gr.HTML(
        {},
        html_template="<i></i>",
        elem_id="remix",
        elem_classes=["unseen"],
        padding=False,
        js_on_load="bridge.remix(props, watch)",
    )


def said(sentence: str, slug: str = "", **more: Any) -> dict[str, Any]:
    """One sentence at the form of `slug`; without one at whatever form is there."""
    return {"sentence": sentence, "slug": slug, "lines": [], "run": "", "at": time.time(), **more}


def gone(run_id: str, title: str, words: Words) -> dict[str, Any]:
    """The template of a run is not in the library any more: its workflow can be made one again."""
    return said(words("remix_gone", title=title), run=run_id)


def filled(
    template: Template,
    form: Form | None,
    given: Mapping[str, Any],
    left_out: Mapping[str, str],
    name: str,
    words: Words,
) -> dict[str, Any]:
    """What there is to say once values were put into a form; nothing where all of them fit."""
    if not left_out:
        return said(words("remix_filled", name=name) if name else "", template.slug)
    lines = [
        {"label": _label(form, key, words), "value": _short(given.get(key)), "why": why}
        for key, why in left_out.items()
    ]
    return said(words.count("remix_left_out", len(lines)), template.slug, lines=lines)


def _label(form: Form | None, key: str, words: Words) -> str:
    one = form.input(key) if form else None
    return words.input(one) if one else key


def _short(value: Any) -> str:
    text = value.name if isinstance(value, FileValue) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
