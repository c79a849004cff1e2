"""What is kept of servers: those added at the page, which ones are paused, and what was taken from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import time

from sqlalchemy import delete, insert, select, update

from comfyui_bridge.store.database import Database
from comfyui_bridge.store.tables import abandoned, servers


@dataclass(frozen=True)
class KeptServer:
    """A server that was added at the page, or one of the settings' that is paused."""

    name: str
    url: str = field(default="", repr=False)
    """Its address, which may have `user:password@` in it; empty for one that the settings name."""
    paused: bool = False
    leaving: bool = False
    """It was removed, and stays until the runs inside it are over."""


@dataclass(frozen=True)
class Abandoned:
    """A prompt that was taken from a server while it was gone, and whose run that is."""

    prompt_id: str
    run_id: str


class ServerStore:
    """Any thread may call any method. Raises StoreError where nothing can be written."""

    def __init__(self, database: Database, clock: Callable[[], float] = time) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> tuple[KeptServer, ...]:
        """In the order in which they were added."""
        with self._database.reading() as connection:
            rows = connection.execute(select(servers).order_by(servers.c.added_at, servers.c.name)).all()
        return tuple(KeptServer(row.name, row.url, row.paused, row.leaving) for row in rows)

    def keep(self, server: KeptServer) -> None:
        """Put down how a server stands; a row that says nothing is no row."""
        known = servers.c.name == server.name
        row = {"url": server.url, "paused": server.paused, "leaving": server.leaving}
        with self._database.writing() as connection:
            if not server.url and not server.paused:
                connection.execute(delete(servers).where(known))
            elif not connection.execute(update(servers).where(known).values(row)).rowcount:
                new = {"name": server.name, "added_at": self._clock()}
                connection.execute(insert(servers).values(row | new))

    def forget(self, name: str) -> None:
        """It is gone: nothing of it is kept."""
        with self._database.writing() as connection:
            connection.execute(delete(servers).where(servers.c.name == name))
            connection.execute(delete(abandoned).where(abandoned.c.server == name))

    def abandon(self, server: str, one: Abandoned) -> None:
        """Remember that this server must not run this prompt any more, should it still have it."""
        row = {
            "server": server,
            "prompt_id": one.prompt_id,
            "run_id": one.run_id,
            "abandoned_at": self._clock(),
        }
        with self._database.writing() as connection:
            connection.execute(delete(abandoned).where(abandoned.c.prompt_id == one.prompt_id))
            connection.execute(insert(abandoned).values(row))

    def abandoned(self, server: str) -> tuple[Abandoned, ...]:
        wanted = select(abandoned).where(abandoned.c.server == server).order_by(abandoned.c.abandoned_at)
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
        return tuple(Abandoned(row.prompt_id, row.run_id) for row in rows)

    def settled(self, prompt_id: str) -> None:
        """The server does not have this prompt, or is done with it."""
        with self._database.writing() as connection:
            connection.execute(delete(abandoned).where(abandoned.c.prompt_id == prompt_id))
