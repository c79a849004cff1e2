"""How often a password may be guessed: freely at first, then after a pause that doubles with every miss.

Counted for a name at an address, for an address whatever the name, and, far more patiently, for a name
whatever the address, so that nobody can keep a person out for long by guessing from everywhere.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_FORGOTTEN_AFTER_S = 3600.0
_MOST_KEYS = 10_000


@dataclass(frozen=True)
class _Patience:
    """How many misses are free, and how long the pause after many becomes."""

    free: int
    longest_s: float

    def pause_s(self, misses: int) -> float:
        over = misses - self.free
        return 0.0 if over < 0 else min(self.longest_s, 2.0 ** min(over, 30))


_AT_AN_ADDRESS = _Patience(free=5, longest_s=900.0)
_ADDRESS = _Patience(free=30, longest_s=900.0)
_NAME = _Patience(free=100, longest_s=30.0)


@dataclass
class _Misses:
    number: int
    last_at: float


class Throttle:
    """Counts attempts. Not thread-safe: it lives on the event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._misses: OrderedDict[tuple[str, str], _Misses] = OrderedDict()

    def attempt(self, name: str, address: str) -> float:
        """0 if a password may be tried now, else how many seconds to wait.

        An attempt counts as a miss until `succeeded` is told, so that many at once are many.
        """
        now = self._clock()
        wait = max(self._left(key, patience, now) for key, patience in _keys(name, address))
        if wait <= 0:
            for key, _ in _keys(name, address):
                self._count(key, now)
        return max(0.0, wait)

    def succeeded(self, name: str, address: str) -> None:
        """The password was right: forget this name's misses at this address, and the other two counts."""
        (at_an_address, _), *others = _keys(name, address)
        self._misses.pop(at_an_address, None)
        for key, _ in others:
            if key in self._misses:
                self._misses[key].number -= 1

    def _left(self, key: tuple[str, str], patience: _Patience, now: float) -> float:
        misses = self._misses.get(key)
        if misses is None or now - misses.last_at > _FORGOTTEN_AFTER_S:
            return 0.0
        return misses.last_at + patience.pause_s(misses.number) - now

    def _count(self, key: tuple[str, str], now: float) -> None:
        misses = self._misses.get(key)
        if misses is None or now - misses.last_at > _FORGOTTEN_AFTER_S:
            misses = self._misses[key] = _Misses(0, now)
        misses.number += 1
        misses.last_at = now
        self._misses.move_to_end(key)
        while len(self._misses) > _MOST_KEYS:
            self._misses.popitem(last=False)


def _keys(name: str, address: str) -> tuple[tuple[tuple[str, str], _Patience], ...]:
    return (((name, address), _AT_AN_ADDRESS), (("", address), _ADDRESS), ((name, ""), _NAME))
