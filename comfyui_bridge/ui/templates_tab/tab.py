"""The tab Templates: the list, the editor, and the form as it will look.

The script draws the editor and the preview, and keeps what is typed; it asks by routes of ours. What
stands here is the list, and the places where the others are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from comfyui_bridge.ui.desk import AT_ONCE, PLAIN, Desk, Session
from comfyui_bridge.ui.templates_tab import listing
from comfyui_bridge.ui.words import Words


@dataclass(frozen=True)
class TemplatesTab:
    """The components that several handlers speak to."""

    shelf: gr.HTML
    editor: gr.HTML
    preview_title: gr.HTML


def lay_out(desk: Desk, words: Words) -> TemplatesTab:
    """List, editor and preview side by side."""
    with gr.Row(elem_id="templates"):
        with gr.Column(elem_id="shelf-pane", min_width=0):
            shelf = gr.HTML(
                listing.markup(desk.templates.shelf(), words),
                elem_id="shelf",
                apply_default_css=False,
                js_on_load="bridge.shelf(element, trigger, watch); /* triggers 'look' */",
            )
        with gr.Column(elem_id="editor-pane", min_width=0):
            editor = gr.HTML(
                _known(desk, words),
                html_template='<div class="editor"></div>',
                elem_id="editor",
                apply_default_css=False,
                js_on_load="bridge.editor(element, props, watch)",
            )
        with gr.Column(elem_id="preview-pane", min_width=0):
            title = gr.HTML(_title(words), elem_id="preview-title", **PLAIN)
            gr.HTML(
                "",
                html_template='<div class="preview-head"></div><div class="form-body"></div>',
                elem_id="preview",
                apply_default_css=False,
                js_on_load="bridge.preview(element)",
            )
    return TemplatesTab(shelf, editor, title)


def connect(desk: Desk, session: Session, tab: TemplatesTab) -> None:
    """The list is there at once when something in it was just changed."""

    def look(lang: str) -> dict[Any, Any]:
        return library_parts(desk, tab, Words(lang))

    tab.shelf.look(look, session.lang, {tab.shelf}, trigger_mode="multiple", **AT_ONCE)


def arrived(desk: Desk, tab: TemplatesTab, words: Words) -> dict[Any, Any]:
    """What somebody finds who opens the page, in their language."""
    return {
        tab.preview_title: _title(words),
        **library_parts(desk, tab, words),
    }


def arriving(tab: TemplatesTab) -> set[Any]:
    """The components that `arrived` speaks to."""
    return {tab.preview_title, *library_components(tab)}


def library_parts(desk: Desk, tab: TemplatesTab, words: Words) -> dict[Any, Any]:
    """The library anew."""
    return {tab.shelf: listing.markup(desk.templates.shelf(), words)}


def library_components(tab: TemplatesTab) -> set[Any]:
    """The components that `library_parts` speaks to."""
    return {tab.shelf}


def refreshed(desk: Desk, tab: TemplatesTab, words: Words) -> dict[Any, Any]:
    """What changes without anybody's doing: the servers that templates can be taken from."""
    return {tab.editor: _known(desk, words)}


def refreshing(tab: TemplatesTab) -> set[Any]:
    """The components that `refreshed` speaks to."""
    return {tab.editor}


def _known(desk: Desk, words: Words) -> dict[str, Any]:
    return {"servers": [server.name for server in desk.engine.servers()], "lang": words.lang}


def _title(words: Words) -> str:
    return f"<h2>{words('ed_preview')}</h2>"
