"""The lists that prompts name: text files under the library's folder `wildcards`, one choice a line.

A file is read when it is asked for, and again once it has changed. What lies outside the folder is not read.
"""

from __future__ import annotations

import re
import stat
import threading
from pathlib import Path

from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.store import disk

FOLDER = "wildcards"
"""Inside the folder of workflows."""
MOST_BYTES = 4 << 20
_NAME = re.compile(r"\w[\w .-]*(?:/\w[\w .-]*)*")


class WildcardFiles:
    """Thread-safe."""

    def __init__(self, folder: Path) -> None:
        """The folder need not be there."""
        self._folder = folder
        self._lock = threading.Lock()  # guards what is known
        self._known: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {}

    def lines(self, name: str) -> tuple[str, ...] | None:
        """The choices of the list of this name, None where there is none.

        Empty lines and those that begin with # are passed over. Raises ValueError with a sentence for a
        file that is there and cannot be read.
        """
        if not _NAME.fullmatch(name) or ".." in name:
            return None
        path = self._folder / f"{name}.txt"
        try:
            found = path.stat()
            inside = path.resolve().is_relative_to(self._folder.resolve())
        except OSError:
            return None
        if not inside or not stat.S_ISREG(found.st_mode):
            return None
        stamp = (found.st_mtime_ns, found.st_size)
        with self._lock:
            known = self._known.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        lines = _read(path, name)
        with self._lock:
            self._known[name] = (stamp, lines)
        return lines

    def names(self) -> tuple[str, ...]:
        """The lists there are, sorted."""
        found = (path.relative_to(self._folder).with_suffix("") for path in self._folder.rglob("*.txt"))
        return tuple(sorted(name for one in found if _NAME.fullmatch(name := one.as_posix())))


def _read(path: Path, name: str) -> tuple[str, ...]:
    try:
        with disk.in_our_words(path), path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except StoreError as error:
        raise ValueError(f"The list {name} cannot be read: {error}") from None
    if len(content) > MOST_BYTES:
        raise ValueError(f"The list {name} is larger than {MOST_BYTES >> 20} MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"The list {name} should be a text in UTF-8.") from None
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
