"""Which servers there are: those of the settings, and those added and removed while the program runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from comfyui_bridge.core.errors import InvalidValues, ServerError, StoreError
from comfyui_bridge.engine.pool import Pool
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.engine.worker import Worker
from comfyui_bridge.store.servers import KeptServer, ServerStore

Connect = Callable[[str], Server]
"""Makes a server of an address that somebody wrote. Raises ServerError if it cannot be one."""
Refuse = Callable[[str], str]
"""Asks an address that somebody adds what it is: a sentence if it is no ComfyUI for certain, else nothing."""


class Roster:
    """The servers and their workers. Every method may be called from any thread."""

    def __init__(
        self,
        named: Sequence[Server],
        pool: Pool,
        hire: Callable[[Server], Worker],
        kept: ServerStore | None,
        connect: Connect | None,
        refuse: Refuse | None = None,
    ) -> None:
        """`named` are the settings' own; `hire` makes the worker of a server."""
        self._pool = pool
        self._hire = hire
        self._kept = kept
        self._connect = connect
        self._refuse = refuse
        self._lock = threading.Lock()  # guards the tables, never held while a worker starts or ends
        self._rows = {row.name: row for row in (kept.all() if kept else ())}
        self._workers: dict[str, Worker] = {}
        self._is_closed = False
        for server in named:
            self._enter(server, self._rows.get(server.name, KeptServer(server.name)), added=False)
        for row in tuple(self._rows.values()):
            if row.url and row.name not in self._workers and connect is not None:
                with suppress(ServerError):  # an address that an earlier version took
                    self._enter(connect(row.url), row, added=True)

    def workers(self) -> tuple[Worker, ...]:
        with self._lock:
            return tuple(self._workers.values())

    def worker(self, name: str) -> Worker:
        """Raises LookupError for a name that no server has."""
        with self._lock:
            return self._workers[name]

    def is_leaving(self, name: str) -> bool:
        with self._lock:
            row = self._rows.get(name)
            return row is not None and row.leaving

    def add(self, url: str) -> str:
        """Add a server by its address, with or without `user:password@`; its name.

        Raises InvalidValues with a sentence for `url`.
        """
        server = self._connected(url)
        with self._lock:
            self._refuse_known(server.name)
            row = KeptServer(server.name, url.strip())
            self._keep(row)
            worker = self._enter(server, row, added=True)
        worker.start()
        return server.name

    def remove(self, name: str) -> None:
        """Give a server that was added no more runs, and forget it once those inside are over.

        Raises LookupError for an unknown name, InvalidValues for one of the settings'.
        """
        with self._lock:
            worker = self._workers[name]
            row = self._rows.get(name)
            if row is None or not row.url:
                raise InvalidValues(
                    {"server": f"{name} was named when the program was started; pause it instead."}
                )
            self._keep(KeptServer(name, row.url, row.paused, leaving=True))
        self._pool.leave(name)
        worker.leave()

    def pause(self, name: str, paused: bool) -> None:
        """Give a server no new runs until this is taken back. Raises LookupError."""
        with self._lock:
            if name not in self._workers:
                raise LookupError(name)
            row = self._rows.get(name, KeptServer(name))
            self._keep(KeptServer(name, row.url, paused, row.leaving))
        self._pool.pause(name, paused)

    def left(self, name: str) -> None:
        """The last run of a removed server is over."""
        with self._lock:
            self._workers.pop(name, None)
            self._rows.pop(name, None)
        self._pool.remove(name)
        if self._kept is not None:
            with suppress(StoreError):  # it is removed again at the next start
                self._kept.forget(name)

    def close(self) -> tuple[Worker, ...]:
        """Take no more servers; the workers to stop."""
        with self._lock:
            self._is_closed = True
            return tuple(self._workers.values())

    def _connected(self, url: str) -> Server:
        if self._connect is None:
            raise InvalidValues({"url": "No servers can be added to this program."})
        try:
            server = self._connect(url.strip())
        except ServerError as error:
            raise InvalidValues({"url": str(error)}) from error
        why = self._refuse(url.strip()) if self._refuse is not None else ""
        if why:
            raise InvalidValues({"url": why})
        return server

    def _refuse_known(self, name: str) -> None:
        row = self._rows.get(name)
        if row is not None and row.leaving:
            why = f"{name} is still finishing its last runs; add it again when it is gone from the list."
        elif name in self._workers:
            why = f"{name} is among the servers already."
        elif self._is_closed:
            why = "The program is stopping."
        else:
            return
        raise InvalidValues({"url": why})

    def _keep(self, row: KeptServer) -> None:
        if self._kept is not None:
            self._kept.keep(row)
        self._rows[row.name] = row

    def _enter(self, server: Server, row: KeptServer, *, added: bool) -> Worker:
        is_leaving = added and row.leaving
        self._pool.add(server.name, added=added, paused=row.paused, leaving=is_leaving)
        worker = self._workers[server.name] = self._hire(server)
        if is_leaving:
            worker.leave()
        return worker
