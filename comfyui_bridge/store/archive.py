"""Kept files of several runs as one ZIP, made as it is read: memory stays flat however many there are.

Names sort in the order of the runs, or of the cells of a sheet, and then tell their labels. Beside the files
stand each run's workflow, as it was sent, and a manifest.csv with a row a file: where it comes from and every
value that made it. With a sheet comes its picture.
"""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from comfyui_bridge.core import values
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.names import safe_name
from comfyui_bridge.core.outputs import MediaKind, OutputFile
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.sheet import SKIPPED, Sheet, SheetCell, titled
from comfyui_bridge.store import disk, sheets
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.sheets.table import safe

MANIFEST = "manifest.csv"
_CHUNK = 1 << 18
_LONGEST_LABEL = 40
_COLUMNS = ("file", "run", "template", "title", "state", "server", "asked_at", "seconds", "workflow")
# Pictures, videos and sound are compressed already: packing them costs time and saves nothing.
_PACKED = frozenset((MediaKind.TEXT, MediaKind.MODEL_3D, MediaKind.OTHER))


def of_runs(media: MediaStore, runs: Iterable[Run], count: int) -> Iterator[bytes]:
    """The ZIP of so many runs in chunks. A file that is not kept any more is left out. Raises StoreError."""
    pipe = _Pipe()
    rows: list[dict[str, Any]] = []
    with zipfile.ZipFile(pipe, "w") as archive:
        for number, run in enumerate(runs, 1):
            before = f"{number:0{len(str(count))}d}_" if count > 1 else ""
            workflow = f"workflows/{before}{run.run_id}.json"
            for kept in media.names(run.run_id):
                path = media.path(run.run_id, kept)
                if path is None:
                    continue
                name = f"{before}{kept}"
                yield from _file(archive, pipe, path, name)
                rows.append({"file": name, **_row(run, workflow)})
            _text(archive, workflow, json.dumps(run.workflow.to_api(), ensure_ascii=False, indent=2))
            yield pipe.take()
        _text(archive, MANIFEST, _manifest(rows))
        yield pipe.take()
    yield pipe.take()


def of_sheet(
    media: MediaStore, sheet: Sheet, find: Callable[[str], Run | None], shown: Sheet | None = None
) -> Iterator[bytes]:
    """The ZIP of a sheet in chunks; `find` gives a run in full. Raises StoreError.

    `shown`: what the picture of the sheet shows, where that is something else.
    """
    pipe = _Pipe()
    rows: list[dict[str, Any]] = []
    written: set[str] = set()
    with zipfile.ZipFile(pipe, "w") as archive:
        for cell in sheet.in_order:
            if cell.state == SKIPPED:
                continue
            run = find(cell.run_id) if cell.run_id else None
            workflow = f"workflows/{cell.run_id}.json" if run is not None else ""
            files = media.names(cell.run_id) if cell.run_id else ()
            paths = [path for one in files if (path := media.path(cell.run_id, one)) is not None]
            for name, path in zip(_names(sheet, cell, paths), paths, strict=True):
                yield from _file(archive, pipe, path, name)
                rows.append(_cell_row(sheet, cell, run, name, workflow))
            if not paths:
                rows.append(_cell_row(sheet, cell, run, "", workflow))
            if run is not None and workflow not in written:
                written.add(workflow)
                _text(archive, workflow, json.dumps(run.workflow.to_api(), ensure_ascii=False, indent=2))
            yield pipe.take()
        _text(archive, MANIFEST, _manifest(rows, list(rows[0]) if rows else ()))
        yield pipe.take()
        yield from _picture(archive, pipe, shown or sheet)
    yield pipe.take()


def _picture(archive: zipfile.ZipFile, pipe: _Pipe, sheet: Sheet) -> Iterator[bytes]:
    """The sheet itself, where one picture can hold it."""
    try:
        content = sheets.picture(sheet)
    except InvalidValues:
        return
    with archive.open(zipfile.ZipInfo("sheet.png"), "w") as member:
        for start in range(0, len(content), _CHUNK):
            member.write(content[start : start + _CHUNK])
            yield pipe.take()
    yield pipe.take()


def _names(sheet: Sheet, cell: SheetCell, paths: Iterable[Path]) -> Iterator[str]:
    """What the files of a cell are called: the page's folder, the cell's place, its labels."""
    widths = [len(str(len(axis[1]))) for axis in sheet.axes]
    numbers = [f"{place + 1:0{width}d}" for place, width in zip(cell.at, widths, strict=True)]
    labels = [_short(label) for label in cell.labels]
    folder = ""
    if len(numbers) > 2:
        page = _short(titled(sheet.axes[0][0], cell.labels[0]))
        folder = f"{f'{numbers[0]} {page}'.strip()}/"
        numbers, labels = numbers[1:], labels[1:]
    base = f"{'-'.join(numbers)} {', '.join(filter(None, labels))}".strip() or "picture"
    for count, path in enumerate(paths, 1):
        more = f" ({count})" if count > 1 else ""
        yield f"{folder}{base}{more}{PurePosixPath(path.name).suffix}"


def _short(label: str) -> str:
    """A label as part of a name: safe, and not longer than Windows bears a few times over."""
    plain = " ".join(label.replace("/", "_").replace("\\", "_").split())
    return safe_name(plain)[:_LONGEST_LABEL].rstrip(". ") if plain else ""


def _cell_row(sheet: Sheet, cell: SheetCell, run: Run | None, file: str, workflow: str) -> dict[str, Any]:
    words = sheet.words
    labels = zip(sheet.axes, cell.labels, strict=False)
    said = {f"{number}. {axis[0]}".rstrip(". "): label for number, (axis, label) in enumerate(labels, 1)}
    told = {
        "file": file,
        **said,
        "cell_state": words.of_state(cell.state),
        "reason": cell.reason,
        "verdict": words.of_verdict(cell.verdict),
    }
    return told | (_row(run, workflow) if run is not None else {})


def _row(run: Run, workflow: str) -> dict[str, Any]:
    asked = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(run.created_at))
    said: dict[str, Any] = {
        "run": run.run_id,
        "template": run.template,
        "title": run.title,
        "state": run.state.value,
        "server": run.server,
        "asked_at": asked,
        "seconds": "" if run.seconds is None else f"{run.seconds:.2f}",
        "workflow": workflow,
    }
    stored = values.to_json(run.values)
    return said | {_column(key): _cell(value) for key, value in stored.items()}


def _column(key: str) -> str:
    return f"value_{key}" if key in _COLUMNS else key


def _cell(value: Any) -> Any:
    return value if isinstance(value, (str, int, float)) else json.dumps(value, ensure_ascii=False)


def _manifest(rows: Iterable[Mapping[str, Any]], first: Iterable[str] = _COLUMNS) -> str:
    rows = list(rows)
    columns = dict.fromkeys((*first, *_COLUMNS, *(key for row in rows for key in row)))
    text = io.StringIO()
    table = csv.DictWriter(text, list(columns), restval="", lineterminator="\r\n")
    table.writeheader()
    table.writerows({key: safe(value) for key, value in row.items()} for row in rows)
    # With this mark at its beginning, spreadsheets read it as the Unicode it is.
    return f"\ufeff{text.getvalue()}"


def _file(archive: zipfile.ZipFile, pipe: _Pipe, path: Path, name: str) -> Iterator[bytes]:
    with disk.in_our_words(path):
        entry = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
        file = path.open("rb")
    if OutputFile(path.name).kind in _PACKED:
        entry.compress_type = zipfile.ZIP_DEFLATED
    with file, archive.open(entry, "w") as member:
        while chunk := _read(file, path):
            member.write(chunk)
            yield pipe.take()
    yield pipe.take()


def _read(file: BinaryIO, path: Path) -> bytes:
    with disk.in_our_words(path):
        return file.read(_CHUNK)


def _text(archive: zipfile.ZipFile, name: str, text: str) -> None:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, text.encode("utf-8", "replace"))


class _Pipe:
    """What a ZIP is written to and read from: it cannot seek, and holds what was not taken yet."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing lies in between."""

    def close(self) -> None:
        """What waits is still to be taken."""

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken
