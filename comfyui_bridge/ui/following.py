"""One follower a page: it tells the page what becomes of the run on its stage, and of its owner's queue.

It only follows: a run belongs to the engine, and a page that goes away ends nothing. Gradio keeps whatever a
generator yields until the browser takes it, so a browser that has not taken the last word gets no other, and
then the newest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.ui.attention import Attention, Look
from comfyui_bridge.ui.present import StageView
from comfyui_bridge.ui.queue_panel import QueueView

LOOK_EVERY_S = 0.25
"""How often a follower looks for news, and so the most often that it sends any."""

_LATE_FILES_S = 10.0


@dataclass(frozen=True)
class Seen:
    """A page's runs at one moment."""

    run: Run | None
    """The one on the stage; None without one that this person may see."""
    view: StageView | None
    queue: QueueView
    is_own: bool = False


@dataclass(frozen=True)
class News:
    """What a page is to be told; what is None stays as it is."""

    at: float
    """When it was looked, by our clock."""
    view: StageView | None = None
    queue: QueueView | None = None
    followed: str = ""
    """The run that the stage goes on to."""
    has_turned: bool = False
    """A run begins or is over, so the last runs look otherwise."""


async def follow(
    attention: Attention, page: str, look: Callable[[str], Seen], is_behind: Callable[[], bool]
) -> AsyncIterator[News]:
    """What changes on a page, until nothing of its owner's is under way or the page is gone."""
    if not attention.attend(page):
        return
    told, is_leaving = _Told(), False
    try:
        while (looked := attention.look(page)) is not None:
            seen = look(looked.run_id)
            told.notice(seen, looked)
            if not is_behind():
                news = told.news(seen, looked)
                if news is None and not told.goes_on(seen):
                    if is_leaving:
                        return
                    # A run that was begun while we were here counts on us: one more look, having left.
                    attention.leave(page)
                    is_leaving = True
                    continue
                if is_leaving:
                    is_leaving = not attention.attend(page)
                if news is not None:
                    if news.followed:
                        attention.go_on(page, looked.run_id, news.followed)
                    yield news
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        attention.leave(page)


class _Told:
    """What one page was told last, and how the run on its stage went before its eyes."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._view: StageView | None = None
        self._queue: QueueView | None = None
        self._live_run = ""
        self._over_since: float | None = None

    def notice(self, seen: Seen, looked: Look) -> None:
        run = seen.run
        if run is None or not run.state.is_final:
            self._live_run = looked.run_id if run is not None else ""
            self._over_since = None
        elif self._over_since is None:
            self._over_since = self._monotonic()

    def news(self, seen: Seen, looked: Look) -> News | None:
        view = seen.view if seen.view != self._view else None
        queue = seen.queue if seen.queue != self._queue else None
        followed = self._next(seen, looked)
        if view is None and queue is None and not followed:
            return None
        ended = self._queue is not None and seen.queue.ended != self._queue.ended
        turned = view is not None and (self._view is None or view.phase != self._view.phase)
        self._view, self._queue = seen.view, seen.queue
        return News(looked.at, view, queue, followed, has_turned=ended or turned)

    def goes_on(self, seen: Seen) -> bool:
        """Whether there may be more to tell."""
        if seen.queue.items or (seen.run is not None and not seen.run.state.is_final):
            return True
        if seen.run is None or self._over_since is None or len(seen.run.kept) >= len(seen.run.files):
            return False
        # What a failed run made before it failed is fetched after its end.
        return self._monotonic() - self._over_since < _LATE_FILES_S

    def _next(self, seen: Seen, looked: Look) -> str:
        """Where the stage goes on to: what one has seen end makes way for one's next.

        What failed stays, for somebody has to read why; so does what was over when it was opened.
        """
        run = seen.run
        if run is None or not seen.is_own or self._live_run != run.run_id:
            return ""
        if run.state not in (RunState.COMPLETED, RunState.CANCELLED):
            return ""
        # Quick ones may begin and end between two looks.
        return seen.queue.items[0].run_id if seen.queue.items else looked.expected
