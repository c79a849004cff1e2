"""Kept files of several runs as one ZIP, made as it is read: memory stays flat however many there are.

Names sort in the order of the runs. Beside the files stand each run's workflow, as it was sent, and a
manifest.csv with a row a file: where it comes from and every value that made it.
"""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from comfyui_bridge.core import values
from comfyui_bridge.core.outputs import MediaKind, OutputFile
from comfyui_bridge.core.run import Run
from comfyui_bridge.store import disk
from comfyui_bridge.store.media import MediaStore

MANIFEST = "manifest.csv"
_CHUNK = 1 << 18
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


def _manifest(rows: Iterable[Mapping[str, Any]]) -> str:
    rows = list(rows)
    columns = dict.fromkeys((*_COLUMNS, *(key for row in rows for key in row)))
    text = io.StringIO()
    table = csv.DictWriter(text, list(columns), restval="", lineterminator="\r\n")
    table.writeheader()
    table.writerows(rows)
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
