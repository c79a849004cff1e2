"""The database in the data folder: held by one process, brought up to date at opening.

SQLite by way of SQLAlchemy Core, with nothing said that PostgreSQL would not understand; what only
SQLite needs stands in the two connection hooks. Readers go side by side, writers one after another.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from comfyui_bridge.core.errors import Locked, StoreError, TooNew
from comfyui_bridge.store import disk
from comfyui_bridge.store.lock import FolderLock

SCHEMA = "0008"
"""The last migration's revision; revisions are numbers and sort as text."""

_BUSY_MS = 5_000


class Database:
    """DATA/bridge.db, open. Raises Locked, TooNew, Full, or another StoreError that says what to do."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self.path = self.directory / "bridge.db"
        disk.make_folder(self.directory)
        self._lock = FolderLock(self.directory)
        # Writers wait here rather than in SQLite's busy handler, which polls.
        self._one_writer = threading.Lock()
        self._open = True
        disk.make_private(self.path)
        self._engine = _sqlite_engine(self.path)
        try:
            self._bring_up_to_date()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database until it is given back."""
        with self._told(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection whose writes all happen at the end, or none if an exception passes."""
        with self._one_writer, self._told(), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Finish the write under way, then let go of the file and the folder; may be called twice."""
        with self._one_writer:
            self._open = False
            self._engine.dispose()
            self._lock.release()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        if not self._open:
            raise StoreError(f"The data folder {self.directory} has been closed; the program is stopping.")
        try:
            yield
        except SQLAlchemyError as error:
            raise _store_error(error, self.path) from error
        except (UnicodeEncodeError, OverflowError) as error:
            # From the driver, about a value: half a surrogate pair, or a number that no column holds.
            raise StoreError(f"A value cannot be written to {self.path}: {error}.") from error

    def _bring_up_to_date(self) -> None:
        with self.reading() as connection:
            found = _version(connection)
        if found == SCHEMA:
            return
        if found > SCHEMA:
            raise TooNew(
                f"{self.path} was written by a later version of ComfyUI Bridge (schema {found}, this one"
                f" knows {SCHEMA}). Start that version, or choose another folder with --data."
            )
        with self.writing() as connection:
            _migrate(connection, self.path)


def _version(connection: Connection) -> str:
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.scalar(sqlalchemy.text("SELECT version_num FROM alembic_version")) or "")


def _migrate(connection: Connection, path: Path) -> None:
    # Here, because it takes as long to import as the rest of this room, and is seldom needed.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "comfyui_bridge.store:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"{path} has a schema that no version of ComfyUI Bridge wrote: {error}.") from error


def _sqlite_engine(path: Path) -> Engine:
    url = sqlalchemy.URL.create("sqlite", database=str(path))
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": _BUSY_MS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Left to itself, Python's driver begins no transaction for reads and for DDL.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {_BUSY_MS}",
        "journal_mode = WAL",
        # A run is written before it is sent: a power cut must not forget it.
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _store_error(error: SQLAlchemyError, path: Path) -> StoreError:
    said = str(getattr(error, "orig", None) or error)
    if "is full" in said:
        return disk.full(path)
    if "is locked" in said:
        return Locked(f"Another program holds {path} ({said}). Close it there and try again.")
    if "not a database" in said or "malformed" in said:
        return StoreError(
            f"{path} is damaged or no database ({said}). Put a copy back in its place, or move it away to"
            " start with an empty history."
        )
    if "readonly" in said or "unable to open" in said:
        return StoreError(
            f"{path} cannot be written ({said}). Give the user that runs this program access to it, or"
            " choose another folder with --data."
        )
    return StoreError(f"{path} refused what was asked of it: {said}.")
