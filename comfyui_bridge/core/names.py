"""File names that are safe on every system, made from names that others chose.

A server names its files, and people name theirs. What remains here is one path component that Linux,
macOS and Windows all take, that hides nothing and leads nowhere, and still reads as it did.
"""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 180
"""In UTF-8 bytes; file systems take 255, and thumbnails and second ones of a name add a few."""

_LONGEST_SUFFIX = 16

_FORBIDDEN = re.compile(r'[<>:"|?*]')

# Controls, halves of surrogate pairs, line breaks.
_INVISIBLE = frozenset(("Cc", "Cs", "Zl", "Zp"))

# They turn the direction of what follows: "gnp.exe" can be made to read "exe.png".
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


# What most names look like; only these words of it are no names on Windows.
_PLAIN = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_-]{0,99}(\.[0-9A-Za-z]{1,8})?")


def safe_name(name: str) -> str:
    """One safe path component; a name that is safe already is returned unchanged."""
    if _PLAIN.fullmatch(name) and not _RESERVED.fullmatch(name):
        return name
    name = re.split(r"[/\\]", name)[-1]
    name = unicodedata.normalize("NFC", "".join(_safe_character(character) for character in name))
    name = _FORBIDDEN.sub("_", name).lstrip(". ").rstrip(". ")
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    return _fit(name, "") or "file"


def marked(name: str, mark: str) -> str:
    """The safe name with a mark before its suffix: photo-2.png."""
    return _fit(name, mark)


def _safe_character(character: str) -> str:
    category = unicodedata.category(character)
    if character in _DIRECTIONS or category in _INVISIBLE:
        return ""
    # The other spaces look like one and are not found by typing one.
    return " " if category == "Zs" else character


def _fit(name: str, mark: str) -> str:
    """The name with its stem cut, where it must be, and the mark behind the stem."""
    start = name.rfind(".")
    suffix = name[start:] if 0 < start < len(name) - 1 else ""
    if len(suffix.encode()) > _LONGEST_SUFFIX:
        suffix = ""
    stem = name.removesuffix(suffix)
    room = _LONGEST - len((mark + suffix).encode())
    if len(stem.encode()) > room:
        stem = stem.encode()[:room].decode(errors="ignore").rstrip(". ")
    return stem + mark + suffix
