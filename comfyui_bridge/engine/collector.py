"""Fetches the files of finished runs, beside their server's worker.

It copies every file into the store and reports what is kept. It changes no run itself. A file that has no
room here, or whose server is away, is fetched when that is over, however long it takes; the runs behind it
are not kept waiting.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from comfyui_bridge.core.errors import BridgeError, Full, UnexpectedAnswer, Unreachable
from comfyui_bridge.core.events import FilesKept
from comfyui_bridge.core.outputs import KeptFile, OutputFile
from comfyui_bridge.core.run import Run
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.store.media import MediaStore

log = logging.getLogger(__name__)

_RETRY_S = (0.2, 0.5, 1.0, 3.0, 5.0)
"""Between tries to fetch what could not be fetched; the last goes on."""
_TOLD_AFTER = 2
"""Tries of a run until people are told what it waits for: most of it is over by then, but want of room."""
_FAILURES = 15
"""Tries, a minute of them, at a file that its server fails to give although it is there."""


class Report(Protocol):
    def __call__(self, run_id: str, event: FilesKept, *, is_last: bool) -> None:
        """What is kept of a run; until it is the last word its warnings say what is waited for."""


@dataclass
class _Task:
    """A run and what is known of its files."""

    run: Run
    kept: dict[OutputFile, KeptFile] = field(default_factory=dict)
    lost: dict[OutputFile, str] = field(default_factory=dict)
    """Why a file will never come."""
    waits: dict[OutputFile, str] = field(default_factory=dict)
    """Why a file has not come yet."""
    tries: int = 0
    lacks_room: bool = False
    is_told: bool = False
    """People know that it waits."""
    due: float = 0.0
    is_given_up: bool = False

    def event(self, warnings: tuple[str, ...]) -> FilesKept:
        kept = tuple(self.kept[file] for file in self.run.files if file in self.kept)
        return FilesKept(self.run.prompt_id, kept, warnings)


@dataclass(frozen=True)
class _GiveUp:
    run_id: str


class Collector:
    """One thread that collects; `report` is called from it."""

    def __init__(self, server: Server, media: MediaStore, report: Report) -> None:
        self._server = server
        self._media = media
        self._report = report
        self._inbox: queue.SimpleQueue[Run | _GiveUp | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"collector {server.name}", daemon=True)
        self._tasks: dict[str, _Task] = {}  # the thread's alone

    def start(self) -> None:
        self._thread.start()

    def put(self, run: Run) -> None:
        """Collect this run when its turn comes."""
        self._inbox.put(run)

    def give_up(self, run_id: str) -> None:
        """Do without the files of a run that are still missing after one more try."""
        self._inbox.put(_GiveUp(run_id))

    def stop(self, timeout: float) -> None:
        """End the thread; what was not collected yet is collected after the next start."""
        self._stopping.set()
        self._inbox.put(None)
        self._thread.join(timeout)

    # The thread.

    def _work(self) -> None:
        while not self._stopping.is_set():
            task = self._next()
            if task is None:
                continue
            try:
                self._collect(task)
            except Exception:
                # The outermost loop of this thread: the run must end, and the next ones be collected.
                log.exception("Collecting run %s stumbled.", task.run.run_id)
                self._end(task, ("What this run made could not be fetched.",))

    def _next(self) -> _Task | None:
        """The task that is due, new ones first; None once it is worth another look."""
        due = min((task.due for task in self._tasks.values()), default=None)
        try:
            item = self._inbox.get(timeout=None if due is None else max(0.0, due - time.monotonic()))
        except queue.Empty:
            return min(self._tasks.values(), key=lambda task: task.due)
        match item:
            case Run():
                self._tasks[item.run_id] = _Task(item)
                return self._tasks[item.run_id]
            case _GiveUp(run_id) if run_id in self._tasks:
                self._tasks[run_id].is_given_up = True
                return self._tasks[run_id]
        return None

    def _collect(self, task: _Task) -> None:
        """Fetch what is missing, and end the task or put it off."""
        task.tries += 1
        task.waits.clear()
        for file in task.run.files:
            if file not in task.kept and file not in task.lost:
                self._try(task, file)
        if self._stopping.is_set():
            return
        if not task.waits or task.is_given_up:
            self._end(task, (*task.lost.values(), *task.waits.values()))
            return
        task.due = time.monotonic() + _RETRY_S[min(task.tries, len(_RETRY_S)) - 1]
        if not task.is_told and (task.lacks_room or task.tries >= _TOLD_AFTER):
            task.is_told = True
            self._report(task.run.run_id, task.event(tuple(task.waits.values())), is_last=False)

    def _try(self, task: _Task, file: OutputFile) -> None:
        name = file.filename
        try:
            task.kept[file] = self._fetch(task.run.run_id, file)
        except Full as error:
            task.lacks_room = True
            task.waits[file] = f"{error} {name} is still on the server {self._server.name}."
        except Unreachable as error:
            task.waits[file] = f"{name} waits to be fetched: {error}"
        except BridgeError as error:
            is_passing = isinstance(error, UnexpectedAnswer) and (error.status or 0) >= 500
            reasons = task.waits if is_passing and task.tries < _FAILURES else task.lost
            reasons[file] = f"{name} could not be fetched: {error}"

    def _fetch(self, run_id: str, file: OutputFile) -> KeptFile:
        with self._server.fetch(file) as chunks:
            return self._media.keep(run_id, file, chunks)

    def _end(self, task: _Task, warnings: tuple[str, ...]) -> None:
        self._tasks.pop(task.run.run_id, None)
        self._report(task.run.run_id, task.event(warnings), is_last=True)
