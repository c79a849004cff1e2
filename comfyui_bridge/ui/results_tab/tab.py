"""The tab Results: a place that the script draws in; what it draws it asks by routes of ours.

Ten thousand runs as components would be a page nobody can open. Python says here only in which language,
and whether runs of everybody may be looked at.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from comfyui_bridge.ui.sign_in import is_signed_in
from comfyui_bridge.ui.words import Words


def lay_out() -> gr.HTML:
    """The place; empty until somebody arrives."""
    return gr.HTML(
        {},
        html_template='<div class="results"></div>',
        elem_id="results",
        apply_default_css=False,
        js_on_load="bridge.results(element, props, watch)",
    )


def arrived(results: gr.HTML, words: Words, request: gr.Request) -> dict[Any, Any]:
    """What somebody finds who opens the page, in their language."""
    return {results: {"lang": words.lang, "everyone": not is_signed_in(request)}}
