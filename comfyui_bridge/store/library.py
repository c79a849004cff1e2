"""The workflows folder: what people drop in, as documents, and what is wrong with it, as sentences.

SLUG.json is a workflow as exported, SLUG.toml its card, SLUG.webp, png, jpg or jpeg its cover. Files are
read again only when they change, and one bad file never keeps the others from being read.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.core.names import safe_name
from comfyui_bridge.core.template import CardLines
from comfyui_bridge.store import cards, disk
from comfyui_bridge.store.documents import DocumentError, parse_json, parse_toml

COVERS = (".webp", ".png", ".jpg", ".jpeg")
MOST_MB = {".json": 32, ".toml": 1}
"""What is larger is not read."""
_SUFFIXES = frozenset((*MOST_MB, *COVERS))


@dataclass(frozen=True)
class TemplateFile:
    """One workflow of the library with what stands beside it, not looked into."""

    slug: str
    document: Mapping[str, Any]
    card: Mapping[str, Any] | None
    """None without a card, or with one that cannot be read."""
    card_lines: CardLines
    """Where the card's keys stand, for what is to be said of them."""
    cover: Path | None
    cover_version: str
    """Another one whenever the cover is another picture; empty without one."""
    changed_at: float
    """When its newest file changed, in seconds since the epoch."""
    fingerprint: str
    """Another one whenever the workflow, the card or the cover is another one."""


@dataclass(frozen=True)
class LibraryProblem:
    """What is wrong with one file, in a sentence or two that say what was expected."""

    file: str
    message: str


@dataclass(frozen=True)
class LibraryState:
    """The library as it was at a scan: templates by slug, problems by file name."""

    templates: tuple[TemplateFile, ...] = ()
    problems: tuple[LibraryProblem, ...] = ()


class _Seen(NamedTuple):
    """A file as its folder tells it, without opening it; equal as long as it is the same file unchanged."""

    path: str
    is_link: bool
    mode: int
    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class _Text:
    """A workflow or card as it was read: its document, or what is wrong with it."""

    seen: _Seen
    settled: bool
    digest: bytes
    document: Mapping[str, Any] | None = None
    problem: str = ""
    lines: CardLines = field(default_factory=dict)


class Library:
    """Reads a workflows folder; any thread may call `scan`, as often as it likes."""

    def __init__(self, directory: str | Path, *, clock: Callable[[], float] = time.time) -> None:
        self.directory = Path(directory)
        self._clock = clock
        self._scanning = threading.Lock()  # guards what follows
        self._folder: dict[str, _Seen] | None = None
        self._texts: dict[str, _Text] = {}
        self._state = LibraryState()

    def scan(self) -> LibraryState:
        """The library now; the very same value as the last time if nothing has changed."""
        with self._scanning:
            try:
                folder = _look(self.directory)
            except OSError as error:
                self._folder, self._texts, self._state = None, {}, _no_folder(self.directory, error)
                return self._state
            if folder == self._folder and all(text.settled for text in self._texts.values()):
                return self._state
            # A link that leaves the folder is not read at all.
            files = {name: seen for name, seen in folder.items() if not _leaves(self.directory, seen)}
            self._texts = {
                name: self._read(name, seen) for name, seen in files.items() if _is_text(name, seen)
            }
            self._folder = folder
            state = _assemble(folder, files, self._texts)
            # What was read again and found the same is the same object, so this compares little.
            if state != self._state:
                self._state = state
            return self._state

    def _read(self, name: str, seen: _Seen) -> _Text:
        known = self._texts.get(name)
        if known is not None and known.settled and known.seen == seen:
            return known
        return _read(name, seen, _is_settled(seen, self._clock()), known)


def files_of(directory: Path, slug: str) -> dict[str, Path]:
    """The files that make up a template, by suffix. Raises OSError for the folder alone."""
    folder = _look(directory)
    found: dict[str, Path] = {}
    for name in sorted(folder):
        if _slug(name) == slug and _is_file(name, folder) and not _leaves(directory, folder[name]):
            found.setdefault(_suffix(name), Path(folder[name].path))
    return found


def taken_slugs(directory: Path) -> frozenset[str]:
    """The slugs that any file here has, case-folded, as some systems have one file for Cat and cat."""
    return frozenset(_slug(name).casefold() for name in _look(directory))


def _look(directory: Path) -> dict[str, _Seen]:
    """The files that may be part of a template, by name. Raises OSError for the folder alone."""
    folder = {}
    with os.scandir(directory) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and _suffix(entry.name) in _SUFFIXES:
                folder[entry.name] = _see(entry)
    return folder


def _see(entry: os.DirEntry[str]) -> _Seen:
    is_link = entry.is_symlink()
    try:
        told = entry.stat()
    except OSError:  # a link to nowhere, or a file that has just gone
        return _Seen(entry.path, is_link, 0, 0, 0, 0)
    return _Seen(entry.path, is_link, told.st_mode, told.st_ino, told.st_size, told.st_mtime_ns)


def _suffix(name: str) -> str:
    _, dot, suffix = name.rpartition(".")
    return (dot + suffix).lower()


def _is_text(name: str, seen: _Seen) -> bool:
    return _suffix(name) in MOST_MB and stat.S_ISREG(seen.mode)


def _leaves(directory: Path, seen: _Seen) -> bool:
    if not seen.is_link:
        return False
    return not Path(os.path.realpath(seen.path)).is_relative_to(os.path.realpath(directory))


def _is_settled(seen: _Seen, now: float) -> bool:
    """Whether a later change must show in the file's time.

    Times are coarse: a file read within the same tick as it was written may be written again in that
    tick, and look the same. A tick is two seconds on FAT, and some milliseconds elsewhere.
    """
    tick = 0.05 if seen.mtime_ns % 1_000_000_000 else 2.0
    return not 0 <= now - seen.mtime_ns / 1e9 <= tick


def _read(name: str, seen: _Seen, settled: bool, known: _Text | None) -> _Text:
    most = MOST_MB[_suffix(name)]
    if seen.size > most << 20:
        what = "a workflow" if _suffix(name) == ".json" else "a card"
        size = seen.size / (1 << 20)
        return _Text(
            seen, settled, b"", problem=f"It is {size:.1f} MB large; {what} may have {most} MB at most."
        )
    path = Path(seen.path)
    try:
        with disk.in_our_words(path):
            content = path.read_bytes()
    except StoreError as error:
        return _Text(seen, False, b"", problem=str(error))
    digest = hashlib.blake2b(content, digest_size=16).digest()
    if known is not None and known.digest == digest:
        return replace(known, seen=seen, settled=settled)
    try:
        if _suffix(name) == ".json":
            return _Text(seen, settled, digest, parse_json(content))
        document = parse_toml(content)
    except DocumentError as error:
        return _Text(seen, settled, digest, problem=str(error))
    return _Text(seen, settled, digest, document, lines=cards.lines(content.decode("utf-8-sig")))


def _no_folder(directory: Path, error: OSError) -> LibraryState:
    what = f"The folder of workflows cannot be read: {error.strerror}."
    message = f"{what} Make it, or name another with --workflows."
    return LibraryState(problems=(LibraryProblem(str(directory), message),))


def _assemble(
    folder: Mapping[str, _Seen], files: Mapping[str, _Seen], texts: Mapping[str, _Text]
) -> LibraryState:
    problems: list[LibraryProblem] = []
    parts: dict[str, dict[str, str]] = {}
    for name in sorted(folder):
        slug, suffix = _slug(name), _suffix(name)
        problem = _problem_of(name, folder[name], name in files, texts.get(name), parts.get(slug, {}))
        if problem:
            problems.append(LibraryProblem(_shown(name), problem))
        parts.setdefault(slug, {}).setdefault(suffix, name)
    templates = []
    for slug, names in sorted(parts.items()):
        text = texts.get(names.get(".json", ""))
        if text is not None and text.document is not None and safe_name(slug) == slug:
            templates.append(_template(slug, text.document, names, files, texts))
        elif ".toml" in names and ".json" not in names:
            message = f"There is no workflow {slug}.json beside this card."
            problems.append(LibraryProblem(_shown(names[".toml"]), message))
    return LibraryState(tuple(templates), tuple(sorted(problems, key=lambda problem: problem.file)))


def _problem_of(name: str, seen: _Seen, stays: bool, text: _Text | None, beside: Mapping[str, str]) -> str:
    """What keeps one file from being used, in a sentence; empty if nothing does."""
    slug, suffix = _slug(name), _suffix(name)
    if safe_name(slug) != slug:
        what = f"Its name cannot be a template's name; call it {safe_name(slug)}{suffix}, for instance."
        return what if suffix == ".json" else ""
    if suffix in beside:
        return f"{_shown(beside[suffix])} has the same name already; rename one of them."
    if not stays:
        return "It is a link that leaves the folder, and is not followed; put the file itself here."
    if seen.is_link and not seen.mode:
        return "It is a link that leads nowhere."
    if seen.mode and not stat.S_ISREG(seen.mode):
        return "It is no file; expected a workflow, a card or a cover."
    return "" if text is None else text.problem


def _template(
    slug: str,
    document: Mapping[str, Any],
    names: Mapping[str, str],
    files: Mapping[str, _Seen],
    texts: Mapping[str, _Text],
) -> TemplateFile:
    card = texts.get(names.get(".toml", ""))
    cover = next((files[names[suffix]] for suffix in COVERS if _is_file(names.get(suffix), files)), None)
    used = [texts[names[".json"]].seen, *([card.seen] if card else []), *([cover] if cover else [])]
    told = hashlib.blake2b(texts[names[".json"]].digest, digest_size=16)
    told.update(card.digest if card else b"-")
    told.update(repr(cover and (cover.path, cover.size, cover.mtime_ns)).encode(errors="replace"))
    return TemplateFile(
        slug=slug,
        document=document,
        card=card.document if card else None,
        card_lines=card.lines if card else {},
        cover=Path(cover.path) if cover else None,
        cover_version=f"{cover.mtime_ns:x}-{cover.size:x}" if cover else "",
        changed_at=max(seen.mtime_ns for seen in used) / 1e9,
        fingerprint=told.hexdigest(),
    )


def _is_file(name: str | None, files: Mapping[str, _Seen]) -> bool:
    return name is not None and name in files and stat.S_ISREG(files[name].mode)


def _slug(name: str) -> str:
    """The file's stem; macOS spells é in two characters where people type one."""
    stem = name.rpartition(".")[0]
    return stem if stem.isascii() else unicodedata.normalize("NFC", stem)


def _shown(name: str) -> str:
    """A file name that may be no Unicode (Linux allows any bytes), fit to be shown."""
    return name.encode("utf-8", "backslashreplace").decode()
