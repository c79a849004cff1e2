"""One process a data folder: a lock that the operating system drops when its holder dies.

The lock file stays behind and means nothing by itself; it holds the process id, for the sentence that
the second process shows.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from comfyui_bridge.core.errors import Locked, StoreError
from comfyui_bridge.store.disk import in_our_words

if sys.platform == "win32":
    import msvcrt

    # Windows forbids reading locked bytes, so the byte that is locked lies far behind the process id.
    _BYTE = 1 << 30

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_HELD = {errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}


class FolderLock:
    """Holds a folder until `release` or the end of the process. Raises Locked if another holds it."""

    def __init__(self, folder: Path) -> None:
        path = folder / "lock"
        with in_our_words(path):
            # Python makes descriptors that programs started by this one do not inherit.
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._descriptor)
        except OSError as error:
            holder = _holder(self._descriptor)
            os.close(self._descriptor)
            if error.errno in _HELD:
                raise Locked(
                    f"Another ComfyUI Bridge{holder} uses the data folder {folder}. Stop it, or choose"
                    " another folder with --data."
                ) from error
            raise StoreError(
                f"The data folder {folder} cannot be locked ({error.strerror}); network drives often"
                " cannot. Choose a folder on a local disk with --data."
            ) from error
        with in_our_words(path):
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, str(os.getpid()).encode())

    def release(self) -> None:
        """Let go of the folder; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _holder(descriptor: int) -> str:
    process_id = os.read(descriptor, 20).decode("ascii", "replace")
    return f" (process {process_id})" if process_id.isdecimal() else ""
