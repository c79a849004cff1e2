"""The tab Templates: the list, the editor, and the form as it will look.

The script draws the editor and the preview, and keeps what is typed; it asks by routes of ours. What
stands here is the list, and the places where the others are drawn. The list is sent when the script asks
for it, which it does once the tab is open and when the library is another one: most people never see it.
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
                "",
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
    """The list, for whoever looks at it."""

    def look(lang: str) -> str:
        return listing.markup(desk.templates.shelf(), Words(lang))

    tab.shelf.look(look, session.lang, tab.shelf, trigger_mode="multiple", **AT_ONCE)


def arrived(tab: TemplatesTab, words: Words) -> dict[Any, Any]:
    """What somebody finds who opens the page, in their language."""
    return {tab.preview_title: _title(words)}


def arriving(tab: TemplatesTab) -> set[Any]:
    """The components that `arrived` speaks to."""
    return {tab.preview_title}


def refreshed(desk: Desk, tab: TemplatesTab, words: Words) -> dict[Any, Any]:
    """What changes without anybody's doing: the library, and the servers that templates can be taken from."""
    return {tab.editor: _known(desk, words)}


def refreshing(tab: TemplatesTab) -> set[Any]:
    """The components that `refreshed` speaks to."""
    return {tab.editor}


def _known(desk: Desk, words: Words) -> dict[str, Any]:
    servers = [server.name for server in desk.engine.servers()]
    return {"servers": servers, "lang": words.lang, "library": desk.templates.shelf().version}


def _title(words: Words) -> str:
    return f"<h2>{words('ed_preview')}</h2>"
