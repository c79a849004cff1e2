"""The sheet of an experiment as a file that can be sent to somebody: a picture, a page, or a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.sheet import Sheet
from comfyui_bridge.store import disk
from comfyui_bridge.store.sheets.page import chunks as page_in_chunks
from comfyui_bridge.store.sheets.page import page
from comfyui_bridge.store.sheets.picture import picture
from comfyui_bridge.store.sheets.table import table

__all__ = ["SUFFIXES", "check_suffix", "page", "page_in_chunks", "picture", "table", "write"]


def _written(text: str) -> Iterator[bytes]:
    yield text.encode("utf-8", "replace")


_WRITERS: dict[str, Callable[[Sheet], Iterator[bytes]]] = {
    ".png": lambda sheet: iter((picture(sheet, "PNG"),)),
    ".webp": lambda sheet: iter((picture(sheet, "WEBP"),)),
    ".html": lambda sheet: (part.encode("utf-8", "replace") for part in page_in_chunks(sheet)),
    ".csv": lambda sheet: _written(table(sheet)),
}
SUFFIXES = tuple(_WRITERS)


def check_suffix(path: Path) -> None:
    """Raises InvalidValues for a file that a sheet cannot be written to."""
    if path.suffix.lower() not in _WRITERS:
        raise InvalidValues({"sheet": f"{path.name} should end in {', '.join(SUFFIXES)}."})


def write(sheet: Sheet, path: Path) -> None:
    """Write the sheet as what the file's ending says, over a file that may be there.

    Raises InvalidValues, Full, StoreError.
    """
    check_suffix(path)
    disk.make_folder(path.parent)
    with disk.NewFile(path.parent, path) as file:
        for chunk in _WRITERS[path.suffix.lower()](sheet):
            file.write(chunk)
        file.keep_as(path)
