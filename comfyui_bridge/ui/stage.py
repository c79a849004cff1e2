"""The stage: one steady frame, a line of what happens, a bar, and what can be done with the result.

Python says what to show as a `StageView`; the page's script draws it, so that a picture is never taken
away to be put back.
"""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from comfyui_bridge.ui import queue_panel
from comfyui_bridge.ui.present import StageView
from comfyui_bridge.ui.words import Words

_FRAME = """<div class="frame" id="frame"><div class="picture">
<img class="layer cover" alt=""><img class="layer result" alt=""><img class="layer preview" alt="">
<div class="layer other"></div><p class="caption"></p></div><div class="message"></div></div>"""

_STATUS = """<div class="status-words"><p class="line"></p><p class="hint"></p>
<p class="announced off-screen" role="status"></p></div>
<div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100"><div class="done"></div></div>"""

_AFTER = """<div class="after"></div>
<details class="run-log" hidden><summary></summary><ol></ol></details>"""


@dataclass(frozen=True)
class Stage:
    """The stage's components. Clicks inside are `select` events of `view` that say what is asked."""

    view: gr.HTML
    status: gr.HTML
    stop: gr.Button
    queue: gr.HTML
    after: gr.HTML
    strip: gr.HTML


def panel(first: StageView, words: Words) -> Stage:
    """Lay the stage out; it shows `first` until it is told otherwise."""
    view = gr.HTML(
        first.to_json(0.0),
        html_template=_FRAME,
        elem_id="stage",
        apply_default_css=False,
        js_on_load="bridge.stage(element, props, trigger, watch); /* triggers 'select' */",
    )
    with gr.Row(elem_id="status-row"):
        status = gr.HTML(
            "", html_template=_STATUS, elem_id="status", apply_default_css=False, js_on_load="bridge.below()"
        )
        stop = gr.Button(words("stop"), elem_id="stop", size="md")
    queue = queue_panel.panel()
    after = gr.HTML(
        "",
        html_template=_AFTER,
        elem_id="after",
        apply_default_css=False,
        js_on_load="bridge.below()",
    )
    strip = gr.HTML("", elem_id="strip", apply_default_css=False, js_on_load="bridge.strip(element, watch)")
    return Stage(view, status, stop, queue, after, strip)
