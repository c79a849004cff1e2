"""The file system in our words: what it refuses becomes a StoreError, and what it takes is really there.

Every write in this room goes to a file of its own that is synced and then renamed, so that a reader,
a crash or a full disk never meets half a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from comfyui_bridge.core.errors import Full, StoreError

# EFBIG: a file system's or a user's limit on one file; for the person the same as no room.
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
NO_ROOM = "There is no room left"
"""How every sentence begins that tells so."""
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
        f"{NO_ROOM} for {path.name}: the disk that holds {folder} is full. Free some space"
        " there and try again."
    )


def make_private(path: Path) -> None:
    """Make a database's file that only its owner may read, or one that is there into such a one.

    SQLite gives its journals the mode of the file they belong to. Another user's file, which we may use and
    not change, stays as that user has it; on Windows the rights of the folder hold.
    """
    if not path.exists():
        with in_our_words(path):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for one in (path, *path.parent.glob(f"{path.name}-*")):
        with contextlib.suppress(OSError):
            if stat.S_IMODE(one.stat().st_mode) & 0o077:
                one.chmod(0o600)


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


class NewFile:
    """A file in the making, in `folder`, under a name nobody looks for; gone unless `keep_as` is called.

    Used as a context. `folder` has to be on the disk where the file is to stay; `meant` is what
    errors name, where the file is to stand or what it is to be part of.
    """

    SUFFIX = ".half"

    def __init__(self, folder: Path, meant: Path, *, mode: int = 0o644) -> None:
        self._path = folder / f".{secrets.token_hex(8)}{self.SUFFIX}"
        self._meant = meant
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with in_our_words(meant):
            self._file = os.fdopen(os.open(self._path, flags, mode), "wb")

    def write(self, chunk: bytes) -> None:
        with in_our_words(self._meant):
            self._file.write(chunk)

    def keep_as(self, path: Path) -> None:
        """Put the file in its place, over the one that may be there; on disk when this returns."""
        with in_our_words(path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._path, path)
            sync_folder(path.parent)

    def __enter__(self) -> NewFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing writes what is buffered, which a full disk refuses a second time.
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink()


def sweep(folder: Path) -> None:
    """Make a folder for files in the making, and remove those that a dead process left there."""
    make_folder(folder.parent)
    make_folder(folder)
    with in_our_words(folder):
        for left in folder.glob(f".*{NewFile.SUFFIX}"):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink(missing_ok=True)


def remove_folder(path: Path, making: Path) -> None:
    """Remove a folder with all that is in it: first out of sight, so that nobody meets half of it.

    What a crash leaves in `making` is swept at the next start. One that is not there is fine.
    """
    leaving = making / f".{secrets.token_hex(8)}{NewFile.SUFFIX}"
    with in_our_words(path):
        try:
            os.replace(path, leaving)
        except FileNotFoundError:
            return
        sync_folder(path.parent)
        shutil.rmtree(leaving)
