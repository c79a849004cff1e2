"""What could not be written down so far, as on a full disk: told on the page, and logged now and then.

Workers go on trying every second, each with runs of its own; a log that said so every second would hide all
else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

LOG_EVERY_S = 60.0


class Unwritten:
    """The runs whose facts are not in the database. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()  # guards all below
        self._runs: set[str] = set()
        self._why = ""
        self._logged_at: float | None = None

    def failed(self, run_id: str, why: str) -> None:
        """A run could not be written, for this reason."""
        with self._lock:
            self._runs.add(run_id)
            is_news = why != self._why
            self._why = why
            now = self._monotonic()
            is_due = self._logged_at is None or now >= self._logged_at + LOG_EVERY_S
            if is_news or is_due:
                self._logged_at = now
            count = len(self._runs)
        if is_news or is_due:
            log.error("Runs that wait to be written down: %d. It is tried every second. %s", count, why)

    def written(self, run_id: str) -> None:
        """A run was written, or nobody will write it any more."""
        with self._lock:
            self._runs.discard(run_id)
            if not self._runs and self._why:
                self._why, self._logged_at = "", None
                is_over = True
            else:
                is_over = False
        if is_over:
            log.warning("All runs are written down again.")

    def why(self) -> str:
        """Why something is not written down; empty while all is."""
        with self._lock:
            return self._why
