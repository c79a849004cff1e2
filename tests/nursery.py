"""Programs in processes of their own, which begin at once: they are forked from one that has the imports.

Python's own fork server does it. A program begins where its command would begin, with pipes for what it
reads and says; it may be stopped, frozen and killed like any other, and ends with us, however we end.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, TextIO

_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(["tests.preloaded"])


class Child:
    """`main(*arguments)` under way, with `argv` for its command line."""

    def __init__(
        self,
        main: Callable[..., Any],
        *arguments: Any,
        argv: Sequence[str] = (),
        reads: bool = False,
        joins: bool = False,
    ) -> None:
        """It `reads` its stdin, or is stopped when that ends; what it says to stderr `joins` the rest."""
        theirs_in, ours_in = _nursery.Pipe(duplex=False)
        ours_out, theirs_out = _nursery.Pipe(duplex=False)
        stderr = Connection(os.dup(theirs_out.fileno() if joins else 2))
        pipes = (theirs_in, theirs_out, stderr)
        self._process = _nursery.Process(
            target=_begin, args=(pipes, reads, argv, main, arguments), daemon=True
        )
        self._process.start()
        for pipe in pipes:
            pipe.close()
        self.stdin, self.stdout = _text(_taken(ours_in), "w"), _text(_taken(ours_out), "r")

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def ended(self, seconds: float | None = None) -> int:
        """Its exit status, once it has ended."""
        self._process.join(seconds)
        status = self._process.exitcode
        assert status is not None, f"process {self.pid} has not ended within {seconds} s"
        return status

    def close(self) -> None:
        """Take away what is left of one that has ended."""
        self._process.close()
        self.stdin.close()
        self.stdout.close()


def _taken(pipe: Connection) -> int:
    number = os.dup(pipe.fileno())
    pipe.close()
    return number


def _text(number: int, mode: str, buffering: int = -1) -> TextIO:
    text: TextIO = os.fdopen(number, mode, buffering, encoding="utf-8")  # type: ignore[assignment]
    return text


def _begin(
    pipes: Sequence[Connection],
    reads: bool,
    argv: Sequence[str],
    main: Callable[..., Any],
    arguments: Sequence[Any],
) -> None:
    for number, pipe in enumerate(pipes):
        os.dup2(pipe.fileno(), number)
        pipe.close()
    sys.stdin, sys.stdout, sys.stderr = _text(0, "r"), _text(1, "w"), _text(2, "w", buffering=1)
    sys.argv = [main.__module__, *argv]
    # Who starts the tests in the background has them begin deaf to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not reads:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    sys.exit(main(*arguments))


def _stop_with_stdin() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
