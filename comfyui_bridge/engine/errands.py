"""One thread that does one thing after another, for somebody who must not be kept waiting."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

Errand = Callable[[], None]


class Errands:
    """`put` may be called from any thread."""

    def __init__(self, name: str) -> None:
        self._waiting: queue.SimpleQueue[Errand | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, errand: Errand) -> None:
        """Do this once all that was put before is done."""
        self._waiting.put(errand)

    def stop(self) -> None:
        """Begin nothing more; what is being done is not waited for."""
        self._stopping.set()
        self._waiting.put(None)

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def _work(self) -> None:
        while (errand := self._waiting.get()) is not None and not self._stopping.is_set():
            try:
                errand()
            except Exception:
                # The outermost loop of this thread: the next errands must be done.
                log.exception("%s stumbled, and goes on.", self._thread.name)
