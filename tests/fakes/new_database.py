"""A database as a first start leaves it, written down once and laid where a test needs a new one.

To bring one up to date by its migrations takes longer than most tests that want it; they are tried in
`tests/store/test_database.py`.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from comfyui_bridge.store.database import Database


def laid(folder: Path) -> Database:
    """The folder's database, open; a new one if it has none."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "bridge.db"
    if not path.exists():
        path.write_bytes(_new())
    return Database(folder)


@functools.cache
def _new() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with Database(folder) as database:
            path = database.path
        return path.read_bytes()
