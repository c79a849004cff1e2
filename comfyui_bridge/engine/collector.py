"""Fetches what finished runs made, one run after the other, beside their server's worker.

It reads the history, which is the truth, copies every file into the store, and reports events. It
changes no run itself.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence

from comfyui_bridge.core.errors import BridgeError, Full, ServerError
from comfyui_bridge.core.events import Event, FilesKept, RunCollected
from comfyui_bridge.core.outputs import KeptFile, OutputFile
from comfyui_bridge.core.run import Run, reconcile
from comfyui_bridge.core.server import HistoryEntry, QueueState
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.store.media import MediaStore

log = logging.getLogger(__name__)

# `execution_success` comes before the history entry exists (98 of 400 immediate reads, 0.3.64).
_TRIES_S = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
_SERVER_TRIES_S = (0.2, 1.0, 3.0)


class Collector:
    """One thread that collects; `report(run_id, events)` is called from it."""

    def __init__(
        self, server: Server, media: MediaStore, report: Callable[[str, tuple[Event, ...]], None]
    ) -> None:
        self._server = server
        self._media = media
        self._report = report
        self._runs: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"collector {server.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, run: Run) -> None:
        """Collect this run when its turn comes."""
        self._runs.put(run)

    def stop(self, timeout: float) -> None:
        """End the thread; what was not collected yet is collected after the next start."""
        self._stopping.set()
        self._runs.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        while (run := self._runs.get()) is not None and not self._stopping.is_set():
            try:
                events = self._collect(run)
            except Exception:
                # The outermost loop of this thread: the run must end, and the next ones be collected.
                log.exception("Collecting run %s stumbled.", run.run_id)
                events = (
                    FilesKept(run.prompt_id, (), ("What this run made could not be fetched.",)),
                    RunCollected(run.prompt_id, run.outputs),
                )
            if not self._stopping.is_set():
                self._report(run.run_id, events)

    def _collect(self, run: Run) -> tuple[Event, ...]:
        entry = self._history(run.prompt_id)
        if entry is None:
            # Another client may have cleared the history: what the socket told is all there is.
            ending: tuple[Event, ...] = (RunCollected(run.prompt_id, run.outputs),)
        else:
            ending = reconcile(run, QueueState(), entry) or (RunCollected(run.prompt_id, entry.outputs),)
        outputs = [event.outputs for event in ending if isinstance(event, RunCollected)]
        kept, warnings = self._keep(run, [file for nodes in outputs for node in nodes for file in node.files])
        return (FilesKept(run.prompt_id, kept, warnings), *ending)

    def _history(self, prompt_id: str) -> HistoryEntry | None:
        for pause in _TRIES_S:
            if self._stopping.wait(pause):
                return None
            entry = self._patiently(lambda: self._server.history(prompt_id))
            if entry is not None:
                return entry
        return None

    def _patiently(self, ask: Callable[[], HistoryEntry | None]) -> HistoryEntry | None:
        for pause in _SERVER_TRIES_S:
            try:
                return ask()
            except ServerError:
                if self._stopping.wait(pause):
                    return None
        return ask()

    def _keep(self, run: Run, files: Sequence[OutputFile]) -> tuple[tuple[KeptFile, ...], tuple[str, ...]]:
        kept: list[KeptFile] = []
        warnings: list[str] = []
        for file in files:
            try:
                with self._server.fetch(file) as chunks:
                    kept.append(self._media.keep(run.run_id, file, chunks))
            except Full as error:
                warnings.append(f"{error} {file.filename} is still on the server {self._server.name}.")
                break
            except BridgeError as error:
                warnings.append(f"{file.filename} could not be fetched: {error}")
        return tuple(kept), tuple(warnings)
