"""The form as a draft would have it, with the page's own widgets; nothing in it is sent anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import gradio as gr
from gradio.blocks import Block, BlockContext

from comfyui_bridge.core import form as core_form
from comfyui_bridge.core.errors import WorkflowError
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui import form as form_
from comfyui_bridge.ui.desk import PLAIN, Desk
from comfyui_bridge.ui.templates_tab import draft
from comfyui_bridge.ui.templates_tab.own import Owns
from comfyui_bridge.ui.words import Words


def render(desk: Desk, owns: Owns, sketch: dict[str, Any], words: Words) -> None:
    """Lay out what a sketch from the script asks for: a slug, a draft, and a number to know it by."""
    template = desk.templates.get(str(sketch.get("slug", "")))
    if template is None:
        return
    number = escape(str(sketch.get("number", "")))
    try:
        checked = draft.check(draft.read(sketch.get("draft")), template, owns.of(template), words)
        form = core_form.make(draft.applied(template, checked.edit), desk.engine.node_defs())
    except WorkflowError as error:
        gr.HTML(f'<p class="notice bad" data-sketch="{number}">{escape(str(error))}</p>', **PLAIN)
        return
    with gr.Column(min_width=0, elem_classes=["sketch"]) as column:
        gr.HTML(_head(form.template, number), **PLAIN)
        form_.widgets_of(form, {}, words)
    _apart(column)


def _head(template: Template, number: str) -> str:
    line = f"<p>{escape(template.description)}</p>" if template.description else ""
    return f'<div class="sketch-head" data-sketch="{number}"><h3>{escape(template.title)}</h3>{line}</div>'


def _apart(column: gr.Column) -> None:
    """Give everything another id than its twin on the tab Create has."""
    for block in _inside(column):
        if block.elem_id:
            # Widgets know themselves by what their id begins with.
            start = "input-" if block.elem_id.startswith("input-") else ""
            block.elem_id = f"{start}sketch-{block.elem_id.removeprefix(start)}"


def _inside(block: BlockContext) -> Iterator[Block]:
    for child in block.children:
        yield child
        if isinstance(child, BlockContext):
            yield from _inside(child)
