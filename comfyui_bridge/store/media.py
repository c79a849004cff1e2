"""Kept files, their thumbnails, and the pictures that people upload.

    DATA/media/RUN_ID/NAME             a file that a run gave, byte for byte as the server had it
    DATA/thumbnails/RUN_ID/NAME@SIZE.webp   made when first asked for; may be deleted at any time
    DATA/uploads/KEY                   an input picture under the hash of its bytes, as old as its last use

Files are written elsewhere on the same disk and renamed, so that a half one never stands under a name.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.core.names import marked, safe_name
from comfyui_bridge.core.outputs import KeptFile, MediaKind, OutputFile
from comfyui_bridge.store import disk, thumbnails

THUMBNAIL_SIZES = frozenset((64, 128, 256, 512, 1024))

_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_KEY = re.compile(r"[0-9a-f]{64}(\.[0-9a-z]{1,8})?")
_HASH = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 18

# Safe to show from our own address. HTML, SVG, XML and PDF can carry scripts, so they are only bytes.
_TYPES = {
    "image/png": "png apng",
    "image/jpeg": "jpg jpeg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "image/avif": "avif",
    "image/jxl": "jxl",
    "image/tiff": "tif tiff",
    "video/mp4": "mp4 m4v",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "video/x-msvideo": "avi",
    "audio/flac": "flac",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg opus",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "model/gltf-binary": "glb",
    "model/gltf+json": "gltf",
    "text/plain; charset=utf-8": "txt json csv md srt",
}
_TYPE_OF_SUFFIX = {suffix: type_ for type_, suffixes in _TYPES.items() for suffix in suffixes.split()}


@dataclass(frozen=True)
class Upload:
    """A file that somebody uploaded."""

    key: str
    size: int
    used_at: float
    """When it was last uploaded or asked for in a run, in epoch seconds."""

    @property
    def hash(self) -> str:
        return self.key[:64]


def hashes_in(text: str) -> Iterator[str]:
    """The hashes of uploads that a text names, whatever else it says."""
    return (match[0] for match in _HASH.finditer(text))


class MediaStore:
    """The files in a data folder that this process holds; any thread may call any method."""

    def __init__(self, directory: str | Path) -> None:
        directory = Path(directory)
        self._media = directory / "media"
        self._thumbnails = directory / "thumbnails"
        self._uploads = directory / "uploads"
        self._naming = threading.Lock()  # guards the records of names
        self._uploading = threading.Lock()  # held while an upload is found and used, or let go
        for folder in (self._media, self._thumbnails, self._uploads):
            disk.sweep(_making(folder))

    def keep(self, run_id: str, output_file: OutputFile, chunks: Iterable[bytes]) -> KeptFile:
        """Keep a file of a run as `chunks` bring it; nothing of it stays if they raise.

        The same output file kept again, as after a crash, replaces itself. Raises Full, StoreError.
        """
        folder = self._folder(run_id)
        path = folder / self._name_for(folder, output_file)
        size = 0
        with disk.NewFile(_making(self._media), path) as file:
            for chunk in chunks:
                file.write(chunk)
                size += len(chunk)
            file.keep_as(path)
        return KeptFile(path.name, size, output_file)

    def path(self, run_id: str, name: str) -> Path | None:
        """Where a kept file is; None for anything that is not one."""
        if not _RUN_ID.fullmatch(run_id) or safe_name(name) != name:
            return None
        folder = self._media / run_id
        path = folder / name
        return path if _is(stat.S_ISDIR, folder) and _is(stat.S_ISREG, path) else None

    def names(self, run_id: str) -> tuple[str, ...]:
        """The names of a run's kept files, sorted; empty for a run that has none."""
        if not _RUN_ID.fullmatch(run_id):
            return ()
        try:
            found = os.listdir(self._media / run_id)
        except FileNotFoundError:
            return ()
        return tuple(sorted(name for name in found if self.path(run_id, name) is not None))

    def has_files(self, run_id: str) -> bool:
        """Whether there is a folder for a run's kept files."""
        return bool(_RUN_ID.fullmatch(run_id)) and _is(stat.S_ISDIR, self._media / run_id)

    def run_ids(self) -> frozenset[str]:
        """The runs that there is a folder for, of kept files or of thumbnails. Raises StoreError."""
        found: set[str] = set()
        for folder in (self._media, self._thumbnails):
            with disk.in_our_words(folder):
                found.update(name for name in os.listdir(folder) if _RUN_ID.fullmatch(name))
        return frozenset(found)

    def thumbnail(self, run_id: str, name: str, size: int) -> Path | None:
        """A kept picture as a WebP of at most size x size, made once.

        None if there is no such file, it is no picture that can be read, or `size` is none of
        THUMBNAIL_SIZES. Raises Full, StoreError.
        """
        original = self.path(run_id, name)
        if original is None or size not in THUMBNAIL_SIZES:
            return None
        if OutputFile(name).kind is not MediaKind.IMAGE:
            return None
        path = self._thumbnails / run_id / f"{name}@{size}.webp"
        if _is_newer(path, original):
            return path
        small = thumbnails.shrink(original, size)
        if small is None:
            return None
        disk.make_folder(path.parent)
        with disk.NewFile(_making(self._thumbnails), path) as file:
            file.write(small)
            file.keep_as(path)
        return path

    def forget(self, run_id: str) -> None:
        """Remove a run's kept files and thumbnails. Raises StoreError; a run without any is fine."""
        if not _RUN_ID.fullmatch(run_id):
            return
        for folder in (self._media, self._thumbnails):
            disk.remove_folder(folder / run_id, _making(folder))

    def keep_upload(self, content: BinaryIO, name: str) -> str:
        """Keep a file that somebody uploads, once for equal bytes; the key to find it by."""
        digest = hashlib.sha256()
        with disk.NewFile(_making(self._uploads), self._uploads) as file:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
            suffix = PurePosixPath(safe_name(name)).suffix.lower()
            key = digest.hexdigest() + suffix
            if not _KEY.fullmatch(key):
                key = digest.hexdigest()
            path = self._uploads / key
            with self._uploading:
                if _is(stat.S_ISREG, path):
                    os.utime(path)
                else:
                    file.keep_as(path)
        return key

    def hold_upload(self, key: str) -> None:
        """It is used now, and nothing to `forget` for a while. Raises StoreError if it is not there."""
        with self._uploading:
            path = self.upload_path(key)
            with disk.in_our_words(path):
                os.utime(path)

    def upload_path(self, key: str) -> Path:
        """Where an uploaded file is. Raises StoreError if it is not there any more, or never was."""
        path = self._uploads / key
        if not _KEY.fullmatch(key) or not _is(stat.S_ISREG, path):
            raise StoreError("An uploaded file is not there any more; choose the file again.")
        return path

    def uploads(self) -> tuple[Upload, ...]:
        """All that people uploaded, what was used longest ago first. Raises StoreError."""
        with disk.in_our_words(self._uploads), os.scandir(self._uploads) as entries:
            keys = [entry.name for entry in entries if _KEY.fullmatch(entry.name)]
        found = (_upload(self._uploads / key) for key in keys)
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.used_at))

    def forget_upload(self, upload: Upload) -> bool:
        """Remove an upload, unless it is gone or was used since; whether it was. Raises StoreError."""
        path = self._uploads / upload.key
        with self._uploading:
            now = _upload(path)
            if now is None or now.used_at > upload.used_at:
                return False
            with disk.in_our_words(path):
                path.unlink()
        return True

    def usage(self) -> int:
        """How many bytes kept files, thumbnails and uploads take."""
        return sum(_bytes_in(folder) for folder in (self._media, self._thumbnails, self._uploads))

    def _folder(self, run_id: str) -> Path:
        if not _RUN_ID.fullmatch(run_id):
            raise StoreError(f"{run_id!r} is no id of a run, so its files cannot be kept.")
        folder = self._media / run_id
        if not _is(stat.S_ISDIR, folder):
            disk.make_folder(folder)
            with disk.in_our_words(folder):
                disk.sync_folder(self._media)
        return folder

    def _name_for(self, folder: Path, file: OutputFile) -> str:
        """The name of an output file in its run's folder: given once, and remembered beside it."""
        with self._naming, disk.in_our_words(folder):
            names = _recorded(folder)
            source = (file.filename, file.subfolder, file.type)
            if source not in names:
                # The file systems of macOS and Windows take a.png and A.png for one.
                taken = {name.casefold() for name in (*names.values(), *os.listdir(folder))}
                names[source] = _free(safe_name(file.filename), taken)
                _record(folder, source, names[source])
            return names[source]


def media_type(name: str) -> str:
    """The content type to serve a file as; bytes for all that a browser might run."""
    suffix = PurePosixPath(name).suffix.lower().lstrip(".")
    return _TYPE_OF_SUFFIX.get(suffix, "application/octet-stream")


def _making(folder: Path) -> Path:
    return folder / ".making"


def _free(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = marked(name, f"-{number}")
    return candidate


_Source = tuple[str, str, str]
_RECORD = ".names"


def _recorded(folder: Path) -> dict[_Source, str]:
    """Which source was given which name. A line that a crash cut off is as if never written."""
    try:
        lines = (folder / _RECORD).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    names: dict[_Source, str] = {}
    for line in lines:
        try:
            name, filename, subfolder, type_ = json.loads(line)
        except ValueError:
            continue
        names[filename, subfolder, type_] = name
    return names


def _record(folder: Path, source: _Source, name: str) -> None:
    # The line break comes first, to end a line that was cut off.
    with (folder / _RECORD).open("a", encoding="utf-8") as record:
        record.write("\n" + json.dumps([name, *source]))


def _is(kind: Callable[[int], bool], path: Path) -> bool:
    """Whether a path is of this kind itself: symbolic links lead elsewhere, and are none of ours."""
    try:
        return kind(path.lstat().st_mode)
    except OSError:
        return False


def _upload(path: Path) -> Upload | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return Upload(path.name, status.st_size, status.st_mtime) if stat.S_ISREG(status.st_mode) else None


def _is_newer(path: Path, than: Path) -> bool:
    try:
        return path.stat().st_mtime_ns >= than.stat().st_mtime_ns
    except OSError:
        return False


def _bytes_in(folder: Path) -> int:
    total = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue  # deleted while we looked
    return total
