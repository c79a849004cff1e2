"""Writes the workflows folder: templates that come, change, and go into the trash and back.

Every write is atomic, and a template's workflow is written last and taken away first, so that nobody sees
half a template. Nothing is overwritten that this program did not read: a card somebody else saved
meanwhile is refused, and what is replaced or deleted is kept in the trash for thirty days.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from comfyui_bridge.core import template
from comfyui_bridge.core.errors import EditedMeanwhile, StoreError, TemplateError, WrongCard
from comfyui_bridge.core.names import safe_name
from comfyui_bridge.core.template import CardEdit
from comfyui_bridge.store import cards, disk, thumbnails
from comfyui_bridge.store.documents import DocumentError, parse_toml
from comfyui_bridge.store.intake import Intake
from comfyui_bridge.store.library import COVERS, MOST_MB, files_of, taken_slugs

COVER_WIDTH = 512
KEPT_S = 30 * 24 * 3600.0
"""Seconds for which the trash keeps what was deleted."""

_TOKEN = re.compile(r"[0-9]{1,12}-[0-9a-f]{16}")
_LONGEST_SLUG = 120


class Editor:
    """Changes templates; any thread may call any method. Raises StoreError and TemplateError."""

    def __init__(
        self,
        directory: Path,
        trash: Path,
        *,
        wrote: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`wrote` is called after every change, for those who look at the folder only now and then."""
        self._directory = Path(directory)
        self._trash = Path(trash)
        self._wrote = wrote
        self._clock = clock
        self._writing = threading.Lock()  # one change at a time, from its reading to its writing

    def add(
        self,
        name: str,
        document: Mapping[str, Any],
        card: Mapping[str, Any] | None = None,
        cover: bytes | None = None,
    ) -> str:
        """A new template; the slug it got, which is the name made fit and made unique."""
        return self.take(Intake(name, document, card, cover))

    def take(self, intake: Intake, name: str = "") -> str:
        """A new template of what somebody brought, byte for byte where it was a file; its slug."""
        files = {".json": intake.workflow_text or _json(intake.document)}
        if intake.card_text or intake.card:
            files[".toml"] = intake.card_text or _toml(intake.card or {})
        if intake.cover:
            shrunk = thumbnails.shrink_bytes(intake.cover, COVER_WIDTH)
            files |= {".webp": shrunk} if shrunk else {}
        for suffix, content in files.items():
            if len(content) > MOST_MB.get(suffix, 32) << 20:
                raise TemplateError(f"{name or intake.name} is larger than a template may be.")
        with self._changing():
            disk.make_folder(self._directory)
            slug = self._unique(slug_of(name or intake.name))
            self._put(slug, files)
        return slug

    def card_version(self, slug: str) -> str:
        """Another one whenever the card's text is another; empty without a card."""
        return _version(self._card(self._files(slug)))

    def save_card(self, slug: str, edit: CardEdit, version: str, *, replaces: bool = False) -> str:
        """Put a change into the card that had this version, and keep all else in it; the new version.

        Raises EditedMeanwhile if the card is another by now, and WrongCard if it cannot be changed in
        places; with `replaces` such a card goes into the trash, and a new one is written.
        """
        edit = _stripped(edit)
        with self._changing():
            files = self._files(slug)
            was = self._card(files)
            if _version(was) != version:
                raise EditedMeanwhile(
                    f"Somebody else changed the card of {slug} meanwhile. Nothing of yours was written; "
                    "load it again to see their changes, then make yours."
                )
            text = self._edited(slug, was, edit, replaces)
            if text is None:
                text = _written_anew(edit, slug)
                self._into_trash({".toml": files[".toml"]})
            content = text.encode()
            if was.startswith(_BOM):
                content = _BOM + content
            if content != was and (content or ".toml" in files):
                path = files.get(".toml", self._directory / f"{slug}.toml")
                self._write(path, content)
            return _version(content) if content or ".toml" in files else ""

    def set_cover(self, slug: str, picture: bytes) -> None:
        """Make this picture the cover; those of before go into the trash."""
        shrunk = thumbnails.shrink_bytes(picture, COVER_WIDTH)
        if shrunk is None:
            raise TemplateError("This is no picture that can be read, so it cannot be a cover.")
        with self._changing():
            files = self._files(slug)
            before = {suffix: path for suffix, path in files.items() if suffix in COVERS}
            if before:
                self._into_trash(before)
            self._write(self._directory / f"{slug}.webp", shrunk)
            for path in before.values():
                if path != self._directory / f"{slug}.webp":
                    _remove(path)

    def duplicate(self, slug: str) -> str:
        """A copy under a slug of its own; its title says that it is another one."""
        with self._changing():
            read = {suffix: _read(path) for suffix, path in self._files(slug).items()}
            copy = self._unique(slug)
            if ".toml" in read:
                read[".toml"] = _retitled(read[".toml"], slug, copy)
            self._put(copy, read)
        return copy

    def rename(self, slug: str, new: str) -> str:
        """Give its files other names; the slug it has now. Raises StoreError if that is taken."""
        goal = slug_of(new)
        with self._changing():
            files = self._files(slug)
            if goal == slug:
                return slug
            if goal.casefold() != slug.casefold() and goal.casefold() in self._taken():
                raise StoreError(f"There is a template {goal} already. Choose another name.")
            for suffix, path in _workflow_last(files):
                with disk.in_our_words(path):
                    path.rename(self._directory / f"{goal}{suffix}")
            with disk.in_our_words(self._directory):
                disk.sync_folder(self._directory)
        return goal

    def delete(self, slug: str) -> str:
        """Put a template into the trash; a token for `restore`."""
        with self._changing():
            self._forget_old()
            files = self._files(slug)
            token = self._into_trash(files)
            for _, path in reversed(_workflow_last(files)):
                try:
                    _remove(path)
                except StoreError:
                    # Nothing is gone yet if this was the workflow, which goes first.
                    if path == files[".json"]:
                        shutil.rmtree(self._trash / token, ignore_errors=True)
                    raise
        return token

    def restore(self, token: str) -> str:
        """Bring back what `delete` took; its slug, another one if its own is taken by now."""
        folder = self._trash / token
        if not _TOKEN.fullmatch(token) or not folder.is_dir():
            raise StoreError("This can no longer be undone: the trash does not have it any more.")
        with self._changing():
            with disk.in_our_words(folder):
                names = {path.suffix.lower(): path for path in folder.iterdir()}
            if ".json" not in names:
                raise StoreError("This can no longer be undone: its workflow is not in the trash.")
            disk.make_folder(self._directory)
            slug = self._unique(names[".json"].stem)
            self._put(slug, {suffix: _read(path) for suffix, path in names.items()})
            shutil.rmtree(folder, ignore_errors=True)
        return slug

    def bundle(self, slug: str) -> bytes:
        """A zip of the template's files as they stand, to be brought in elsewhere."""
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as bundle:
            for suffix, path in self._files(slug).items():
                bundle.writestr(zipfile.ZipInfo(f"{slug}{suffix}"), _read(path), zipfile.ZIP_DEFLATED)
        return written.getvalue()

    def texts(self) -> Iterator[str]:
        """What is written in all workflows and cards, those in the trash included.

        Raises StoreError also where the folder is not there, for it may only be away.
        """
        with disk.in_our_words(self._directory):
            os.stat(self._directory)
        for path in (*self._directory.glob("*"), *self._trash.glob("*/*")):
            if path.suffix.lower() in (".json", ".toml"):
                with disk.in_our_words(path), contextlib.suppress(FileNotFoundError):
                    yield path.read_text(encoding="utf-8", errors="replace")

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self._writing:
            try:
                yield
            finally:
                self._wrote()

    def _files(self, slug: str) -> dict[str, Path]:
        """A template's files by suffix. Raises TemplateError if there is no such template."""
        with disk.in_our_words(self._directory):
            files = files_of(self._directory, slug) if safe_name(slug) == slug else {}
        if ".json" not in files:
            raise TemplateError(f"There is no template {slug}; somebody may have renamed or deleted it.")
        return files

    def _taken(self) -> frozenset[str]:
        with disk.in_our_words(self._directory):
            return taken_slugs(self._directory)

    def _unique(self, slug: str) -> str:
        """The slug, with a number behind it where there are files of that name in whatever case."""
        taken, number, found = self._taken(), 1, slug
        while found.casefold() in taken:
            number += 1
            found = f"{slug}-{number}"
        return found

    def _put(self, slug: str, files: Mapping[str, bytes]) -> None:
        """Write a whole new template; nothing stays of it if a part cannot be written."""
        written: list[Path] = []
        try:
            for suffix, content in _workflow_last(files):
                path = self._directory / f"{slug}{suffix}"
                self._write(path, content)
                written.append(path)
        except StoreError:
            for path in written:
                path.unlink(missing_ok=True)
            raise

    def _write(self, path: Path, content: bytes) -> None:
        with disk.NewFile(path.parent, path) as file:
            file.write(content)
            file.keep_as(path)

    @staticmethod
    def _card(files: Mapping[str, Path]) -> bytes:
        return _read(files[".toml"]) if ".toml" in files else b""

    @staticmethod
    def _edited(slug: str, was: bytes, edit: CardEdit, replaces: bool) -> str | None:
        """The card's new text; None where it is to be replaced whole."""
        try:
            return cards.edited(was.decode("utf-8-sig"), edit, slug)
        except UnicodeDecodeError:
            wrong = "it is no UTF-8."
        except (cards.CannotEdit, DocumentError) as error:
            wrong = f"{error}."
        if replaces and was:
            return None
        raise WrongCard(
            f"{slug}.toml stays as it is: {wrong.replace('..', '.')} Mend it in a text editor, or replace it "
            "with what the page has; then the old one goes into the trash."
        )

    def _into_trash(self, files: Mapping[str, Path]) -> str:
        token = f"{int(self._clock())}-{secrets.token_hex(8)}"
        folder = self._trash / token
        disk.make_folder(folder)
        for path in files.values():
            self._write(folder / path.name, _read(path))
        return token

    def _forget_old(self) -> None:
        """Empty the trash of what has been there for too long."""
        folders = self._trash.iterdir() if self._trash.is_dir() else ()
        for folder in list(folders):
            if _TOKEN.fullmatch(folder.name) and self._clock() - int(folder.name.split("-")[0]) > KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)


_BOM = b"\xef\xbb\xbf"


def slug_of(name: str) -> str:
    """The slug for a name people gave: a safe file name that also reads well in a link."""
    joined = re.sub(r"[\s/\\]+", "-", name).strip("-. ")
    slug = safe_name(joined or "workflow").encode()[:_LONGEST_SLUG].decode(errors="ignore")
    return safe_name(slug.strip("-. "))


def _version(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest() if content else ""


def _workflow_last(files: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(files.items(), key=lambda pair: pair[0] == ".json")


def _read(path: Path) -> bytes:
    with disk.in_our_words(path):
        return path.read_bytes()


def _remove(path: Path) -> None:
    with disk.in_our_words(path):
        path.unlink(missing_ok=True)


def _json(document: Mapping[str, Any]) -> bytes:
    try:
        return f"{json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)}\n".encode()
    except (ValueError, TypeError, RecursionError):
        raise TemplateError("This workflow holds something that JSON cannot write.") from None


def _toml(card: Mapping[str, Any]) -> bytes:
    try:
        return tomlkit.dumps(card).encode()
    except (TOMLKitError, ValueError, TypeError, RecursionError):
        raise TemplateError("This card holds something that TOML cannot write.") from None


def _stripped(edit: CardEdit) -> CardEdit:
    """As it will be read back: no blanks around texts, each tag once."""
    return CardEdit(
        title=edit.title.strip(),
        description=edit.description.strip(),
        tags=tuple(dict.fromkeys(tag.strip() for tag in edit.tags if tag.strip())),
        exposures=tuple(
            replace(
                one,
                key=one.key.strip(),
                label=one.label.strip(),
                group=one.group.strip(),
                help=one.help.strip(),
            )
            for one in edit.exposures
        ),
    )


def _written_anew(edit: CardEdit, slug: str) -> str:
    try:
        return cards.edited("", edit, slug)
    except cards.CannotEdit as error:
        raise WrongCard(f"{slug}.toml stays as it is: {error}.") from None


def _retitled(card: bytes, slug: str, copy: str) -> bytes:
    """A copy's card with the copy's number behind its title; as it is where that cannot be put in."""
    with contextlib.suppress(DocumentError, cards.CannotEdit, UnicodeDecodeError):
        text = card.decode("utf-8-sig")
        was = template.parse(slug, {}, parse_toml(card))
        if was.title != template.title_from(slug):
            number = copy.removeprefix(f"{slug}-")
            edit = CardEdit(f"{was.title} {number}", was.description, was.tags, was.exposures)
            return cards.edited(text, edit, copy).encode()
    return card
