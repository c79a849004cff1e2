"""One's own queue in small: what runs and what waits, how long it takes, and in which order.

Python says what is in it, the page's script draws it. Nobody sees another's runs here, nor touches them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.ui import present
from comfyui_bridge.ui.words import Words

if TYPE_CHECKING:
    from comfyui_bridge.engine.engine import Engine

SHOWN = 12
_ENDED_TOLD = 5
_TEXT_KEYS = ("prompt", "text", "positive", "positive_prompt")
_TEXT_LENGTH = 90

_FRAME = """<section class="queue" hidden><div class="queue-head"><h2></h2>
<p class="off-screen" role="status"></p><button type="button" class="link stop-all"></button></div>
<ol></ol><p class="more"></p></section>"""


@dataclass(frozen=True)
class QueueItem:
    """One unfinished run."""

    run_id: str
    title: str
    text: str
    """The first words of its prompt."""
    line: str
    percent: int
    is_running: bool
    stopping: bool
    place: int | None = None
    """Among one's runs that wait with us, from 0; None for what can be moved no more."""


@dataclass(frozen=True)
class EndedItem:
    """A run that ended while somebody followed."""

    run_id: str
    title: str
    state: str
    words: str


@dataclass(frozen=True)
class QueueView:
    """All that the list shows."""

    items: tuple[QueueItem, ...] = ()
    heading: str = ""
    more: str = ""
    total: int = 0
    movable: int = 0
    ended: tuple[EndedItem, ...] = ()
    lang: str = "en"

    def to_json(self, *, is_followed: bool) -> dict[str, Any]:
        """What the script draws, unless it has seen a later one.

        `is_followed`: somebody follows for this page already; else the script asks for it.
        """
        return {**asdict(self), "at": time.time(), "followed": is_followed}


def panel() -> gr.HTML:
    """The list. Clicks inside are `select` events that say what is asked; `input` asks to be followed."""
    return gr.HTML(
        QueueView().to_json(is_followed=True),
        html_template=_FRAME,
        elem_id="queue",
        apply_default_css=False,
        js_on_load="bridge.queue(element, props, trigger, watch); /* triggers 'select', 'input' */",
    )


Title = Callable[[Run], str]
"""What people call a run."""


def own_title(run: Run) -> str:
    """What a run is called where nobody knows its template's card."""
    return run.title or run.template


def queue_view(engine: Engine, owner: str, words: Words, title: Title = own_title) -> QueueView:
    """The queue of this owner now."""
    return _view(engine, engine.queue(owner), words, title)


class Watch:
    """One owner's queue, looked at again and again: it notices what has ended in between."""

    def __init__(self, engine: Engine, owner: str, words: Words, title: Title = own_title) -> None:
        self._engine = engine
        self._title = title
        self._owner = owner
        self._words = words
        self._under_way: frozenset[str] = frozenset()
        self._ended: tuple[EndedItem, ...] = ()

    def look(self) -> QueueView:
        runs = self._engine.queue(self._owner)
        now = frozenset(run.run_id for run in runs)
        gone = [ended for run_id in sorted(self._under_way - now) if (ended := self._ended_item(run_id))]
        self._ended = (*self._ended, *gone)[-_ENDED_TOLD:]
        self._under_way = now
        return _view(self._engine, runs, self._words, self._title, self._ended)

    def _ended_item(self, run_id: str) -> EndedItem | None:
        snapshot = self._engine.snapshot(run_id)
        if snapshot is None or snapshot.run.state not in (RunState.COMPLETED, RunState.FAILED):
            return None
        card = present.run_card(snapshot.run, self._words)
        return EndedItem(run_id, self._title(snapshot.run), card.state, card.state_words)


def _view(
    engine: Engine, runs: Sequence[Run], words: Words, title: Title, ended: tuple[EndedItem, ...] = ()
) -> QueueView:
    waiting = [run.run_id for run in runs if _waits_with_us(run)]
    places = {run_id: place for place, run_id in enumerate(waiting)}
    now, servers = time.time(), engine.servers()
    items = []
    for run in runs[:SHOWN]:
        shown = present.stage(run, now, servers, words, engine.estimate(run))
        items.append(
            QueueItem(
                run_id=run.run_id,
                title=title(run),
                text=first_words(run),
                line=" · ".join(part for part in (shown.line, shown.estimate) if part),
                percent=round(shown.share * 100),
                is_running=run.state is RunState.IN_PROGRESS,
                stopping=run.stopping,
                place=places.get(run.run_id),
            )
        )
    more = words("queue_more", count=len(runs) - SHOWN) if len(runs) > SHOWN else ""
    heading = words("queue_heading", count=len(runs))
    return QueueView(tuple(items), heading, more, len(runs), len(waiting), ended, words.lang)


def first_words(run: Run) -> str:
    """What tells one run of a template from another: how its prompt begins."""
    said = next((text for key in _TEXT_KEYS if isinstance(text := run.values.get(key), str) and text), "")
    line = " ".join(said.split())
    return line if len(line) <= _TEXT_LENGTH else f"{line[:_TEXT_LENGTH].rstrip()}…"


def _waits_with_us(run: Run) -> bool:
    return run.state is RunState.PENDING and not run.server
