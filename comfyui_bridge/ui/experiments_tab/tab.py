"""The tab Experiments: a place that the script draws in; what it draws it asks by routes of ours."""

from __future__ import annotations

from typing import Any

import gradio as gr

from comfyui_bridge.ui.words import Words


def lay_out() -> gr.HTML:
    """The place; empty until somebody arrives."""
    return gr.HTML(
        {},
        html_template='<div class="experiments"></div>',
        elem_id="experiments",
        apply_default_css=False,
        js_on_load="bridge.experiments(element, props, watch)",
    )


def arrived(experiments: gr.HTML, words: Words) -> dict[Any, Any]:
    """What somebody finds who opens the page, in their language."""
    return {experiments: {"lang": words.lang}}
