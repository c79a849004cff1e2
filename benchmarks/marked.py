"""The dashboard with a clock at each station of a run's way: `python -m benchmarks.marked FILE ARGUMENTS...`.

It is app.py itself; the functions that stand at a station note the time as they are entered or left. FILE
gets a line for each note: the station and the epoch second.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from gradio import route_utils

from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.core.run import Run
from comfyui_bridge.engine.collector import Collector
from comfyui_bridge.engine.live import Live
from comfyui_bridge.engine.queue import RunQueue
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.ui import form
from comfyui_bridge.ui.live_stream import LiveStream

_notes: list[tuple[str, float]] = []


def note(station: str) -> None:
    _notes.append((station, time.time()))


def mark(
    owner: Any,
    name: str,
    *,
    enters: str = "",
    leaves: str = "",
    when: Callable[..., bool] = lambda *_: True,
) -> None:
    """Note when a function is entered or left, if `when` says so of its arguments and answer."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def marked(*given: Any, **named: Any) -> Any:
        entered = time.time()
        answer = inner(*given, **named)
        if when(*given, answer):
            if enters:
                _notes.append((enters, entered))
            if leaves:
                note(leaves)
        return answer

    setattr(owner, name, marked)


def _mark_stations() -> None:
    mark(form, "submit", enters="handler begins")
    mark(RunStore, "insert", leaves="written down")
    mark(RunQueue, "claim", leaves="claimed", when=lambda *told: told[-1] is not None)
    mark(ComfyServer, "submit", enters="sent", leaves="accepted")
    mark(Live, "show", leaves="preview here")
    mark(Collector, "put", enters="over")
    mark(MediaStore, "keep", leaves="picture here")
    mark(Live, "publish", leaves="published", when=lambda _live, run, _answer: _is_over(run))
    _mark_request()
    _mark_stream()


def _mark_request() -> None:
    inner = route_utils.call_process_api

    async def called(*given: Any, **named: Any) -> Any:
        if named["fn"].name == "generate":
            note("page asks")
        return await inner(*given, **named)

    route_utils.call_process_api = called


def _mark_stream() -> None:
    inner = LiveStream._events

    async def events(self: LiveStream, *given: Any) -> AsyncIterator[str]:
        async for event in inner(self, *given):
            if event.startswith("event: "):
                note("preview sent" if event.startswith("event: preview") else "end sent")
            yield event

    LiveStream._events = events  # type: ignore[method-assign, assignment]


def _is_over(run: Run) -> bool:
    return run.state.is_final


def main() -> int:
    notes = Path(sys.argv.pop(1))
    _mark_stations()
    from app import main as run_app

    status = run_app()
    notes.write_text("".join(f"{at:.6f} {station}\n" for station, at in _notes), "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
