"""Who may come in: a file of names and password hashes, and the sign-ins that are still good.

The file is lines of NAME:ARGON2-HASH, made to be read and edited by hand as well; lines that begin with #
are comments. Of a sign-in only a hash of its token is kept: who reads the database cannot use it.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import argon2
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, insert, select

from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.store import disk
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.tables import sessions

SESSION_S = 30 * 24 * 3600.0
"""How long a sign-in is good, in seconds: 30 days."""

_LONGEST_NAME = 64


class Accounts:
    """The accounts file, read anew each time it is asked; any thread may call any method."""

    def __init__(self, path: str | Path, hasher: argon2.PasswordHasher | None = None) -> None:
        self.path = Path(path)
        self._hasher = hasher or argon2.PasswordHasher()
        # For names that nobody has: refusing them takes as long as refusing a wrong password.
        self._nobody = self._hasher.hash(secrets.token_bytes(16))
        # Each check takes 64 MB; a flood of them waits here.
        self._checking = threading.BoundedSemaphore(2)
        self._adding = threading.Lock()

    def verify(self, name: str, password: str) -> bool:
        """Whether an account has this name and password. Raises StoreError if the file is unreadable."""
        kept = _hashes(self._read()).get(_normal(name))
        with self._checking:
            if kept is not None:
                try:
                    return self._hasher.verify(kept, _bytes(password))
                except InvalidHashError:
                    pass  # `problems` tells it; here it takes as long as a wrong password
                except VerificationError:
                    return False
            with contextlib.suppress(VerificationError):
                self._hasher.verify(self._nobody, _bytes(password))
            return False

    def knows(self, name: str) -> bool:
        """Whether there is such an account now: a sign-in outlives the account it was made with."""
        return _normal(name) in _hashes(self._read())

    def add(self, name: str, password: str) -> None:
        """Add an account, or give an existing one a new password; the rest of the file stays as it is.

        Raises StoreError for a name or password that cannot be used, and if the file cannot be written.
        """
        name = _normal(name)
        problem = _name_problem(name) or (
            "" if password else "An empty password protects nothing; choose one."
        )
        if problem:
            raise StoreError(problem)
        with self._checking:
            line = f"{name}:{self._hasher.hash(_bytes(password))}"
        with self._adding:
            text = self._read() if self.path.exists() else ""
            self._write(_with_line(text, name, line))

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the file, a sentence each; empty if people can sign in."""
        make_one = f"Add one with: python -m comfyui_bridge passwd NAME --auth {self.path}"
        if not self.path.exists():
            return (f"There is no accounts file {self.path}. {make_one}",)
        text = self._read()
        told = [
            f"{self.path}, line {number}: {problem}"
            for number, line in enumerate(text.split("\n"), 1)
            if (problem := _line_problem(line))
        ]
        if not _hashes(text):
            told.append(f"{self.path} has no accounts. {make_one}")
        return tuple(told)

    def _read(self) -> str:
        with disk.in_our_words(self.path):
            content = self.path.read_bytes()
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise StoreError(f"{self.path}, line {line}, is no UTF-8; save the file as UTF-8.") from error

    def _write(self, text: str) -> None:
        # A link stays one: what it leads to is replaced.
        path = self.path.resolve()
        disk.make_folder(path.parent)
        with disk.NewFile(path.parent, path, mode=0o600) as file:
            file.write(text.encode())
            file.keep_as(path)


class Sessions:
    """Sign-ins that survive a restart, each good for SESSION_S; any thread may call any method."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, name: str) -> str:
        """A new token for this account; nobody can guess it, and it is told only here."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        with self._database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            connection.execute(
                insert(sessions).values(
                    token_hash=_token_hash(token), name=name, created_at=now, expires_at=now + SESSION_S
                )
            )
        return token

    def name_of(self, token: str) -> str | None:
        """Whose token this is; None if it is nobody's, was revoked, or is too old."""
        wanted = select(sessions.c.name).where(
            sessions.c.token_hash == _token_hash(token), sessions.c.expires_at > self._clock()
        )
        with self._database.reading() as connection:
            name = connection.scalar(wanted)
        return None if name is None else str(name)

    def revoke(self, token: str) -> None:
        """Make a token worthless, as at signing out."""
        with self._database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.token_hash == _token_hash(token)))


def _normal(name: str) -> str:
    """Keyboards spell é in one character or in two; both are the same name."""
    return unicodedata.normalize("NFC", name)


def _bytes(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _name_problem(name: str) -> str:
    if not name:
        return "An account needs a name."
    if len(name) > _LONGEST_NAME:
        return f"The name of an account may have {_LONGEST_NAME} characters at most."
    if ":" in name or name.startswith("#"):
        return (
            f'"{name}" cannot be the name of an account: : ends a name in the file, and # begins a comment.'
        )
    if not name.isprintable() or name != name.strip():
        return (
            "The name of an account may have no line breaks, no control characters, and no spaces around it."
        )
    return ""


def _line_problem(line: str) -> str:
    line = line.rstrip("\r")
    if not line.strip() or line.startswith("#"):
        return ""
    name, colon, kept = line.partition(":")
    if not colon:
        return "expected NAME:HASH, and there is no colon."
    problem = _name_problem(_normal(name))
    if problem:
        return problem
    try:
        argon2.extract_parameters(kept)
    except InvalidHashError:
        return f"what stands for {name} is no argon2 hash; set the password anew with passwd."
    return ""


def _hashes(text: str) -> dict[str, str]:
    """The hashes by name; of two lines for one name the first counts."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        name, colon, kept = line.rstrip("\r").partition(":")
        if colon and not line.startswith("#"):
            found.setdefault(_normal(name), kept)
    return found


def _with_line(text: str, name: str, line: str) -> str:
    """The text with one line for this name, where its first one stood or at the end."""
    lines = text.split("\n")
    ending = "\r" if text.endswith("\r\n") else ""
    kept: list[str] = []
    placed = False
    for old in lines:
        if not old.startswith("#") and ":" in old and _normal(old.partition(":")[0]) == name:
            if not placed:
                kept.append(line + ending)
            placed = True
        else:
            kept.append(old)
    if placed:
        return "\n".join(kept)
    start = text if not text or text.endswith("\n") else f"{text}\n"
    return f"{start}{line}{ending}\n"
