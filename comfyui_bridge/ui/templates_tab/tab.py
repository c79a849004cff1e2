"""The tab Templates: the list, the editor, and the form as it will look.

The script draws the editor and keeps what is typed; it asks by routes of ours. What stands here is what
Gradio shows: the list, and the preview with the page's own widgets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from comfyui_bridge.ui.desk import AT_ONCE, PLAIN, Desk, Session
from comfyui_bridge.ui.templates_tab import listing, preview
from comfyui_bridge.ui.templates_tab.own import Owns
from comfyui_bridge.ui.words import Words


@dataclass(frozen=True)
class TemplatesTab:
    """The components that several handlers speak to."""

    shelf: gr.HTML
    editor: gr.HTML
    sketch: gr.HTML
    """What the preview is made of: a slug, a draft and a number; the script puts it in."""
    preview_title: gr.HTML
    preview: gr.Column


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
            column = gr.Column(elem_id="preview", min_width=0)
            sketch = gr.HTML(
                {"slug": ""},
                html_template="<i></i>",
                elem_id="sketch",
                elem_classes=["unseen"],
                js_on_load="bridge.sketch(props)",
            )
    return TemplatesTab(shelf, editor, sketch, title, column)


def connect(desk: Desk, session: Session, tab: TemplatesTab) -> None:
    """The list when something in it was just changed, and the preview with every change of a draft."""

    def look(lang: str) -> dict[Any, Any]:
        return library_parts(desk, tab, Words(lang))

    tab.shelf.look(look, session.lang, {tab.shelf}, trigger_mode="multiple", **AT_ONCE)
    owns = Owns(desk.engine)
    with tab.preview:

        @gr.render(
            [tab.sketch, session.lang],
            triggers=[tab.sketch.change],
            show_progress="hidden",
            queue=False,
        )
        def _render(sketch: object, lang: str) -> None:
            if isinstance(sketch, dict):
                preview.render(desk, owns, sketch, Words(lang))


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
