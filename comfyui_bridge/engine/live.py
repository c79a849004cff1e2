"""The newest snapshot of each run, for readers who wait for a newer one.

Writers publish and never wait for readers; a slow reader gets the newest state and no backlog. The
last preview of a run lives here only. Runs that are over are forgotten, oldest first, once there are
many: the store has them.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from comfyui_bridge.core.run import Run

_FINISHED_KEPT = 200
_T = TypeVar("_T")


@dataclass(frozen=True)
class Preview:
    """An in-between picture of a run: JPEG or PNG bytes. `version` grows with every frame."""

    image: bytes = field(repr=False)
    media_type: str
    version: int


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment. `version` grows with every change, `preview_version` with every frame."""

    run: Run
    version: int = 0
    preview_version: int = 0


class _Entry:
    """One run's newest state; `changed` guards both fields."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.changed = threading.Condition()
        self.snapshot = snapshot
        self.preview: Preview | None = None


class Live:
    """Newest snapshots by run_id. Thread-safe; every run has one writer at a time."""

    def __init__(self, told: Callable[[Run], None] = lambda run: None) -> None:
        """`told` is called with whatever is published, by its writer; it must not block."""
        self._told = told
        self._lock = threading.Lock()  # guards the two tables, never held while waiting
        self._entries: dict[str, _Entry] = {}
        self._finished: OrderedDict[str, None] = OrderedDict()
        self._closed = False

    def publish(self, run: Run) -> None:
        """Make this the newest state of its run and wake whoever waits for one."""
        with self._lock:
            entry = self._entries.get(run.run_id)
            if entry is None:
                entry = self._entries[run.run_id] = _Entry(Snapshot(run))
            if run.state.is_final:
                self._finished[run.run_id] = None
                while len(self._finished) > _FINISHED_KEPT:
                    oldest, _ = self._finished.popitem(last=False)
                    del self._entries[oldest]
        with entry.changed:
            before = entry.snapshot
            entry.snapshot = Snapshot(run, before.version + 1, before.preview_version)
            entry.changed.notify_all()
        self._told(run)

    def replace(self, run: Run) -> None:
        """Make this the newest state of a run that is held here; others are left to the store."""
        if self._entry(run.run_id) is not None:
            self.publish(run)

    def forget(self, run_id: str) -> None:
        """Let go of a run that is no more."""
        with self._lock:
            self._entries.pop(run_id, None)
            self._finished.pop(run_id, None)

    def show(self, run_id: str, image: bytes, media_type: str) -> None:
        """Make this the newest preview of a run."""
        entry = self._entry(run_id)
        if entry is None:
            return
        with entry.changed:
            version = entry.snapshot.preview_version + 1
            entry.preview = Preview(image, media_type, version)
            entry.snapshot = Snapshot(entry.snapshot.run, entry.snapshot.version, version)
            entry.changed.notify_all()

    def snapshot(self, run_id: str) -> Snapshot | None:
        entry = self._entry(run_id)
        return entry.snapshot if entry else None

    def preview(self, run_id: str) -> Preview | None:
        entry = self._entry(run_id)
        return entry.preview if entry else None

    def runs(self) -> tuple[Run, ...]:
        """The runs held here, in no order."""
        with self._lock:
            entries = list(self._entries.values())
        return tuple(entry.snapshot.run for entry in entries)

    def wait(self, run_id: str, newer_than: int, timeout: float) -> Snapshot | None:
        """The snapshot once its version is above `newer_than`; None after `timeout` seconds."""

        def newer(entry: _Entry) -> Snapshot | None:
            return entry.snapshot if entry.snapshot.version > newer_than else None

        return self._wait(run_id, timeout, newer, lambda entry: False)

    def wait_preview(self, run_id: str, newer_than: int, timeout: float) -> Preview | None:
        """The preview once there is a newer one; None after `timeout`, or once the run is over."""

        def newer(entry: _Entry) -> Preview | None:
            return entry.preview if entry.preview and entry.preview.version > newer_than else None

        return self._wait(run_id, timeout, newer, lambda entry: entry.snapshot.run.state.is_final)

    def close(self) -> None:
        """Wake every waiting reader with nothing; later waits return at once."""
        with self._lock:
            self._closed = True
            entries = list(self._entries.values())
        for entry in entries:
            with entry.changed:
                entry.changed.notify_all()

    def _entry(self, run_id: str) -> _Entry | None:
        with self._lock:
            return self._entries.get(run_id)

    def _wait(
        self,
        run_id: str,
        timeout: float,
        read: Callable[[_Entry], _T | None],
        is_over: Callable[[_Entry], bool],
    ) -> _T | None:
        entry = self._entry(run_id)
        if entry is None:
            return None
        deadline = time.monotonic() + timeout
        with entry.changed:
            while (found := read(entry)) is None:
                left = deadline - time.monotonic()
                if left <= 0 or self._closed or is_over(entry):
                    return None
                entry.changed.wait(left)
            return found
