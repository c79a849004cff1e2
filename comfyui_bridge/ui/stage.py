"""The stage: one steady frame, a line of what happens, a bar, and what can be done with the result.

Python says what to show as a `StageView`; the page's script draws it, so that a picture is never taken
away to be put back. `follow` only follows: a run belongs to the engine, and a page that goes away ends
nothing.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import gradio as gr

from comfyui_bridge.core.run import Run
from comfyui_bridge.ui.present import StageView
from comfyui_bridge.ui.words import Words

LOOK_EVERY_S = 0.25
"""How often a follower looks for news, and so the most often that it sends any."""

_LATE_FILES_S = 10.0

_FRAME = """<div class="frame" id="frame"><div class="picture">
<img class="layer cover" alt=""><img class="layer result" alt=""><img class="layer preview" alt="">
<div class="layer other"></div><p class="caption"></p></div><div class="message"></div></div>"""

_STATUS = """<div class="status-words"><p class="line"></p><p class="hint"></p>
<p class="announced off-screen" role="status"></p></div>
<div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100"><div class="done"></div></div>"""


@dataclass(frozen=True)
class Stage:
    """The stage's components. Clicks inside are `select` events of `view` that say what is asked."""

    view: gr.HTML
    status: gr.HTML
    stop: gr.Button
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
    after = gr.HTML(
        "",
        html_template='<div class="after"></div>',
        elem_id="after",
        apply_default_css=False,
        js_on_load="bridge.below()",
    )
    strip = gr.HTML("", elem_id="strip", apply_default_css=False, js_on_load="bridge.strip(element, watch)")
    return Stage(view, status, stop, after, strip)


class Attention:
    """Which run each open page looks at, so that a follower ends when its page looks elsewhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the table
        self._runs: dict[str, str] = {}

    def turn(self, page: str, run_id: str) -> None:
        """The page looks at this run now."""
        with self._lock:
            self._runs[page] = run_id

    def is_on(self, page: str, run_id: str) -> bool:
        with self._lock:
            return self._runs.get(page) == run_id

    def close(self, page: str) -> None:
        """The page is gone."""
        with self._lock:
            self._runs.pop(page, None)


async def follow(
    look: Callable[[], tuple[Run | None, StageView]], attention: Attention, page: str, run_id: str
) -> AsyncIterator[tuple[Run | None, StageView]]:
    """What `look` sees of a run, whenever that changes, until it is over or the page looks elsewhere."""
    attention.turn(page, run_id)
    last: StageView | None = None
    over_since: float | None = None
    while run_id and attention.is_on(page, run_id):
        run, view = look()
        if view != last:
            last = view
            yield run, view
        if run is None:
            return
        if run.state.is_final:
            over_since = over_since or time.monotonic()
            # What a failed run made before it failed is fetched after its end.
            if len(run.kept) >= len(run.files) or time.monotonic() - over_since > _LATE_FILES_S:
                return
        await asyncio.sleep(LOOK_EVERY_S)
