"""Keeps the kept files within their limits and empties the bin, in a thread of its own.

What goes is told: in the run whose files went, and in `usage`. Files go before the row says so, as a
crash in between is then made good by the next round. Files that people uploaded count too, and go last.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from comfyui_bridge.core import run_log
from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.run_log import LogKind
from comfyui_bridge.core.values import files
from comfyui_bridge.engine.uploads import Texts, Uploads
from comfyui_bridge.store.media import MediaStore, Upload
from comfyui_bridge.store.run_index import RunIndex
from comfyui_bridge.store.runs import RunStore

log = logging.getLogger(__name__)

ROUND_S = 60.0
UPLOADS_S = 3600.0
"""How often it is asked which uploads nothing names any more."""
_AT_A_TIME = 50


@dataclass(frozen=True)
class Limits:
    """How much is kept, in bytes, and for how long, in seconds; None for as much as there is room."""

    bytes: int | None = None
    seconds: float | None = None
    bin_seconds: float = 3600.0


@dataclass(frozen=True)
class Usage:
    """What kept files take, what they may take, and what went since the program started."""

    bytes: int
    """Uploads included, as they were at the last round."""
    limit: int | None
    seconds: float | None
    removed_runs: int = 0
    removed_uploads: int = 0
    removed_bytes: int = 0
    removed_at: float | None = None
    problem: str = ""
    """Why the last round could not be finished."""


class Housekeeper:
    """Thread-safe. `tidy` does one round; `start` does one every minute, and `sweep` once before."""

    def __init__(
        self,
        runs: RunStore,
        index: RunIndex,
        media: MediaStore,
        limits: Limits,
        *,
        clock: Callable[[], float],
        changed: Callable[[Run], None],
        gone: Callable[[str], None],
        texts: Sequence[Texts] = (),
    ) -> None:
        """`changed` is told of a run whose files went, `gone` of one that is no more.

        `texts` give what names uploads besides runs: an upload that any of them names stays. Where none of
        them is given nobody can tell, and all stay.
        """
        self._runs, self._index, self._media = runs, index, media
        self._limits = limits
        self._clock = clock
        self._changed, self._gone = changed, gone
        self._one_round = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="housekeeper", daemon=True)
        self._uploads = Uploads(media, index, texts, clock)
        self._uploaded = 0
        self._uploads_looked_at = -UPLOADS_S
        self._removed = _Removed()
        self._problem = ""

    def start(self) -> None:
        """Sweep and tidy now, and tidy every minute until `stop`."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def usage(self) -> Usage:
        """What is kept now."""
        removed = self._removed
        return Usage(
            bytes=self._index.bytes_kept() + self._uploaded,
            limit=self._limits.bytes,
            seconds=self._limits.seconds,
            removed_runs=removed.runs,
            removed_uploads=removed.uploads,
            removed_bytes=removed.bytes,
            removed_at=removed.at,
            problem=self._problem,
        )

    def tidy(self) -> None:
        """Empty the bin of what is in it long enough, then let the oldest without a star go."""
        with self._one_round:
            self._empty_bin()
            self._let_unnamed_go()
            if self._limits.seconds is not None:
                self._let_old_go(self._clock() - self._limits.seconds)
            if self._limits.bytes is not None:
                self._let_oldest_go(self._limits.bytes)
            self._uploaded = self._uploads.bytes()

    def sweep(self) -> None:
        """Make good what a crash or somebody's hand left: files of no run go, and who lost its files says so.

        Where most files are of no run, they are another database's, which may come back: they stay.
        """
        with self._one_round:
            folders = self._media.run_ids()
            known = self._index.known(folders)
            strays = folders - known
            if len(strays) > len(known):
                log.warning("%d folders of kept files are of no run that is known here.", len(strays))
            else:
                for run_id in strays:
                    self._media.forget(run_id)
            for run_id, size in self._index.with_files():
                if not self._media.has_files(run_id):
                    self._let_go(run_id, size, "lost")

    def _work(self) -> None:
        is_swept = False
        while not self._stopping.is_set():
            try:
                if not is_swept:
                    self.sweep()
                    is_swept = True
                self.tidy()
                self._problem = ""
            except StoreError as error:
                self._problem = str(error)
                log.warning("Old files could not be removed: %s", error)
            self._stopping.wait(ROUND_S)

    def _empty_bin(self) -> None:
        gone = self._index.in_bin(self._clock() - self._limits.bin_seconds)
        for run_id in gone:
            self._media.forget(run_id)
        self._index.forget(gone)
        for run_id in gone:
            self._gone(run_id)

    def _let_old_go(self, before: float) -> None:
        while some := self._index.oldest(_AT_A_TIME, before=before):
            for run_id, size in some:
                self._let_go(run_id, size, "age")
            if self._stopping.is_set():
                return
        for upload in self._uploads.spent(before):
            self._let_upload_go(upload)

    def _let_unnamed_go(self) -> None:
        if self._clock() - self._uploads_looked_at < UPLOADS_S:
            return
        for upload in self._uploads.unnamed():
            self._let_upload_go(upload)
        self._uploads_looked_at = self._clock()

    def _let_oldest_go(self, limit: int) -> None:
        over = self._index.bytes_kept() + self._uploads.bytes() - limit
        while over > 0 and not self._stopping.is_set():
            over -= self._let_spent_go(over)
            some = self._index.oldest(_AT_A_TIME)
            if not some:
                return
            over -= self._let_first_go(some, over)

    def _let_first_go(self, some: Iterable[tuple[str, int]], enough: int) -> int:
        """The files of these runs until so many bytes are free, or uploads may go that one of them needed."""
        freed = 0
        for run_id, size in some:
            if freed >= enough or self._stopping.is_set():
                break
            run = self._let_go(run_id, size, "space")
            freed += size
            if run is not None and files(run.original or run.workflow):
                break
        return freed

    def _let_spent_go(self, enough: int) -> int:
        """Uploads that are of no use but to do again what is gone; how many bytes are free now."""
        freed = 0
        for upload in self._uploads.spent():
            if freed >= enough or self._stopping.is_set():
                break
            freed += self._let_upload_go(upload)
        return freed

    def _let_upload_go(self, upload: Upload) -> int:
        freed = self._uploads.let_go(upload)
        if freed:
            self._note(uploads=1, size=freed)
        return freed

    def _let_go(self, run_id: str, size: int, why: str) -> Run | None:
        self._media.forget(run_id)
        run = self._runs.get(run_id)
        if run is None:
            return None
        now = self._clock()
        said = run_log.appended(run.log, now, LogKind.REMOVED, why)
        without = replace(run, kept=(), log=said)
        self._runs.update(without)
        self._changed(without)
        self._note(runs=1, size=size)
        return run

    def _note(self, *, runs: int = 0, uploads: int = 0, size: int) -> None:
        was = self._removed
        self._removed = _Removed(was.runs + runs, was.uploads + uploads, was.bytes + size, self._clock())


@dataclass(frozen=True)
class _Removed:
    """What went since the program started, and when something last did."""

    runs: int = 0
    uploads: int = 0
    bytes: int = 0
    at: float | None = None
