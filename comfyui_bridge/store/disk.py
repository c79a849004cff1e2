"""The file system in our words: what it refuses becomes a StoreError, and what it takes is really there.

Every write in this room goes to a file of its own that is synced and then renamed, so that a reader,
a crash or a full disk never meets half a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from comfyui_bridge.core.errors import Full, StoreError

# EFBIG: a file system's or a user's limit on one file; for the person the same as no room.
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextlib.contextmanager
def in_our_words(path: Path) -> Iterator[None]:
    """Raise Full or StoreError for what the operating system refuses to do with `path`."""
    try:
        yield
    except OSError as error:
        raise _store_error(error, path) from error


def _store_error(error: OSError, path: Path) -> StoreError:
    if error.errno in _NO_ROOM:
        return full(path)
    if error.errno in _NOT_ALLOWED:
        return StoreError(
            f"{path} cannot be used: {error.strerror}. Give the user that runs this program access to it,"
            " or name another place."
        )
    return StoreError(f"{path} cannot be used: {error.strerror or error}.")


def full(path: Path) -> Full:
    """What to say when `path` could not be written for want of room."""
    folder = path if path.is_dir() else path.parent
    return Full(
        f"There is no room left for {path.name}: the disk that holds {folder} is full. Free some space"
        " there and try again."
    )


def make_folder(path: Path) -> None:
    """Make a folder and those above it; one that is there is fine."""
    with in_our_words(path):
        path.mkdir(parents=True, exist_ok=True)


def sync_folder(path: Path) -> None:
    """Make renames and removals in a folder last through a power cut; Windows has no call for it."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
