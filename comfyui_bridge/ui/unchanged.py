"""Before the same is done again: a calm line under Generate that shows the result there is.

Only the page asks; whoever submits by script or API gets what they ask for.
"""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from comfyui_bridge.core.run import Run


def panel() -> gr.HTML:
    """The line. It is triggered as `select` by whoever wants the run all the same."""
    return gr.HTML(
        told(None),
        html_template='<div class="unchanged" role="status" hidden></div>',
        elem_id="unchanged",
        apply_default_css=False,
        js_on_load="bridge.unchanged(element, props, trigger, watch); /* triggers 'select' */",
    )


def told(run: Run | None) -> dict[str, Any]:
    """What the script draws: the run whose result would only be repeated; nothing without one."""
    return {"run": run.run_id if run else "", "at": time.time()}
