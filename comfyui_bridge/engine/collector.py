"""Fetches the files of finished runs, one run after the other, beside their server's worker.

It copies every file into the store and reports what is kept. It changes no run itself.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from comfyui_bridge.core.errors import BridgeError, Full, Unreachable
from comfyui_bridge.core.events import FilesKept
from comfyui_bridge.core.outputs import KeptFile, OutputFile
from comfyui_bridge.core.run import Run
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.store.media import MediaStore

log = logging.getLogger(__name__)

_RETRY_S = (0.2, 1.0, 3.0)
"""Between tries to fetch a file from a server that went away for a moment."""


class Collector:
    """One thread that collects; `report(run_id, event)` is called from it."""

    def __init__(self, server: Server, media: MediaStore, report: Callable[[str, FilesKept], None]) -> None:
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
                event = self._collect(run)
            except Exception:
                # The outermost loop of this thread: the run must end, and the next ones be collected.
                log.exception("Collecting run %s stumbled.", run.run_id)
                event = FilesKept(run.prompt_id, (), ("What this run made could not be fetched.",))
            if not self._stopping.is_set():
                self._report(run.run_id, event)

    def _collect(self, run: Run) -> FilesKept:
        kept: list[KeptFile] = []
        warnings: list[str] = []
        for file in run.files:
            try:
                kept.append(self._keep(run.run_id, file))
            except Full as error:
                warnings.append(f"{error} {file.filename} is still on the server {self._server.name}.")
                break
            except BridgeError as error:
                warnings.append(f"{file.filename} could not be fetched: {error}")
        return FilesKept(run.prompt_id, tuple(kept), tuple(warnings))

    def _keep(self, run_id: str, file: OutputFile) -> KeptFile:
        for pause in _RETRY_S:
            try:
                return self._fetch(run_id, file)
            except Unreachable:
                if self._stopping.wait(pause):
                    raise
        return self._fetch(run_id, file)

    def _fetch(self, run_id: str, file: OutputFile) -> KeptFile:
        with self._server.fetch(file) as chunks:
            return self._media.keep(run_id, file, chunks)
