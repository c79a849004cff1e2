"""Runs on the page: which of them has the stage, and how they are followed, stopped and moved.

A run under way keeps the stage until it is over, whatever is queued meanwhile: who presses Generate again
finds the new run in the queue, and the stage goes on to it when its turn has come. What has failed, and what
was over when it was opened, stays until one opens or generates something else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import gradio as gr

from comfyui_bridge.core.run import Run
from comfyui_bridge.ui import following, gallery, queue_panel
from comfyui_bridge.ui.desk import (
    AT_ONCE,
    QUEUED,
    Desk,
    Session,
    looked_at,
    own_runs,
    page_of,
    run_title,
    run_view,
    turn_to,
)
from comfyui_bridge.ui.following import Seen
from comfyui_bridge.ui.sign_in import is_own, owner_of
from comfyui_bridge.ui.stage import Stage
from comfyui_bridge.ui.words import Words

STRIP = 12
_UNTAKEN = 1
"""So many words may be on their way to a browser before it gets no more."""


def connect(page: gr.Blocks, desk: Desk, session: Session, stage: Stage) -> None:
    """Which event of the stage and the queue leads to what."""
    _follow(page, desk, session, stage)
    _stop_and_move(desk, session, stage)


def shown(desk: Desk, stage: Stage, run_id: str, words: Words, request: gr.Request) -> dict[Any, Any]:
    """A run takes the stage."""
    look = turn_to(desk, run_id, request)
    view = run_view(desk, run_id, words, request)[1]
    return {stage.view: view.to_json(look.at, is_followed=_is_followed(desk, request))}


def submitted(desk: Desk, stage: Stage, run_id: str, words: Words, request: gr.Request) -> dict[Any, Any]:
    """What the page shows once a run was submitted."""
    parts: dict[Any, Any] = {
        stage.queue: _queue(desk, words, request, is_followed=_is_followed(desk, request)),
        stage.strip: strip(desk, words, request),
    }
    if keeps_stage(desk, request):
        desk.attention.expect(page_of(request), run_id)
    else:
        parts |= shown(desk, stage, under_way(desk, request) or run_id, words, request)
    return parts


def submitting(stage: Stage) -> set[Any]:
    """The components that `submitted` speaks to."""
    return {stage.view, stage.queue, stage.strip}


def refreshed(desk: Desk, stage: Stage, words: Words, request: gr.Request) -> dict[Any, Any]:
    """The last runs, and the queue where nobody follows it: it may have been filled elsewhere."""
    parts: dict[Any, Any] = {stage.strip: strip(desk, words, request)}
    if not _is_followed(desk, request):
        parts[stage.queue] = _queue(desk, words, request, is_followed=False)
    return parts


def refreshing(stage: Stage) -> set[Any]:
    """The components that `refreshed` speaks to."""
    return {stage.strip, stage.queue}


def strip(desk: Desk, words: Words, request: gr.Request) -> str:
    return gallery.strip(own_runs(desk, request, STRIP, words), words)


def under_way(desk: Desk, request: gr.Request) -> str:
    """The run of this person that is furthest; empty without any."""
    return next((run.run_id for run in desk.engine.queue(owner_of(request))), "")


def keeps_stage(desk: Desk, request: gr.Request) -> bool:
    """Whether the run on the stage stays there: one's own that is under way."""
    followed = looked_at(desk, request)
    snapshot = desk.engine.snapshot(followed) if followed else None
    return snapshot is not None and not snapshot.run.state.is_final and is_own(request, snapshot.run.owner)


def _is_followed(desk: Desk, request: gr.Request) -> bool:
    return desk.attention.is_attended(page_of(request))


def _queue(desk: Desk, words: Words, request: gr.Request, *, is_followed: bool = True) -> dict[str, Any]:
    title = partial(_title, desk, words)
    view = queue_panel.queue_view(desk.engine, owner_of(request), words, title)
    return view.to_json(is_followed=is_followed)


def _title(desk: Desk, words: Words, run: Run) -> str:
    return run_title(desk, run, words)


def _follow(page: gr.Blocks, desk: Desk, session: Session, stage: Stage) -> None:
    async def follow(lang: str, request: gr.Request) -> AsyncIterator[dict[Any, Any]]:
        words, one = Words(lang), page_of(request)
        if desk.attention.look(one) is None:  # a page that was open before this program began
            desk.attention.turn(one, "")
        look = _looking(desk, words, request)
        async for news in following.follow(desk.attention, one, look, _is_behind(page, one)):
            parts: dict[Any, Any] = {}
            if news.view is not None:
                parts[stage.view] = news.view.to_json(news.at)
            if news.queue is not None:
                parts[stage.queue] = news.queue.to_json(is_followed=True)
            if news.has_turned:
                parts[stage.strip] = strip(desk, words, request)
            yield parts

    # The script asks for it wherever it is told that nobody follows.
    outputs = {stage.view, stage.queue, stage.strip}
    stage.queue.input(follow, session.lang, outputs, trigger_mode="multiple", **QUEUED)


def _looking(desk: Desk, words: Words, request: gr.Request) -> Callable[[str], Seen]:
    watch = queue_panel.Watch(desk.engine, owner_of(request), words, partial(_title, desk, words))

    def look(run_id: str) -> Seen:
        run, view = run_view(desk, run_id, words, request) if run_id else (None, None)
        return Seen(run, view, watch.look(), is_own=run is not None and is_own(request, run.owner))

    return look


def _is_behind(page: gr.Blocks, session: str) -> Callable[[], bool]:
    """Whether a browser has not taken what it was sent: Gradio 6.31 would keep it all until it does."""
    waiting = page._queue.pending_messages_per_session

    def is_behind() -> bool:
        messages = waiting.get(session)
        return messages is not None and messages.qsize() > _UNTAKEN

    return is_behind


def _stop_and_move(desk: Desk, session: Session, stage: Stage) -> None:
    """Stop one's own runs, and put them in another order."""

    def own_run(run_id: str, request: gr.Request) -> Run | None:
        snapshot = desk.engine.snapshot(run_id) if run_id else None
        return snapshot.run if snapshot is not None and is_own(request, snapshot.run.owner) else None

    def stop(request: gr.Request) -> None:
        run_id = looked_at(desk, request)
        if own_run(run_id, request) is not None:
            desk.engine.cancel(run_id)

    stage.stop.click(stop, None, None, **AT_ONCE)

    def change(lang: str, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        match event.action:
            case "stop_all":
                desk.engine.cancel_all(owner_of(request))
            case "stop" if own_run(str(event.run), request) is not None:
                desk.engine.cancel(str(event.run))
            case "move" if own_run(str(event.run), request) is not None:
                desk.engine.move(str(event.run), int(event.place))
        return _queue(desk, Words(lang), request)

    stage.queue.select(change, session.lang, stage.queue, trigger_mode="multiple", **AT_ONCE)
