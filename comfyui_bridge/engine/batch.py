"""Many runs on several servers: each server kept busy, results as they come, nothing read ahead of need.

One thread a server takes the next item, makes a run of it and hands it in, while one run of ours runs
there and at most one waits behind it. Failures stay with their item.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from comfyui_bridge.core.errors import BridgeError, ServerError, Unreachable
from comfyui_bridge.core.events import Event
from comfyui_bridge.core.run import Run
from comfyui_bridge.engine.follow import Follower

T = TypeVar("T")

INSIDE = 2
"""Runs of ours inside one server: the running one, and one behind it so that it is never idle."""
UNREAD = 64
"""Results that may wait to be read before no more is handed in."""
UNSEEN = 256
"""Events that may wait for `on_event`; the oldest are left out."""
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Between tries to hand in a run to a server that cannot be reached."""
GIVE_UP_S = 60.0
"""With every server out of reach for so long, what is handed in fails."""
LEAVE_S = 2.0
"""How long closing waits for a thread that is held up by the caller's iterable or by a slow server."""

OnEvent = Callable[[int, Run, Event], None]


@dataclass(frozen=True)
class Ended(Generic[T]):
    """What became of one item: the run as it ended, or why there is none."""

    index: int
    item: T
    run: Run | None = None
    error: BridgeError | None = None


class Batch(Generic[T]):
    """Hands in the items of an iterable, which may be endless. `results` is read by one thread, once."""

    def __init__(
        self,
        followers: Sequence[Follower],
        items: Iterable[T],
        prepare: Callable[[T, Follower], Run],
        on_event: OnEvent | None = None,
        *,
        give_up_s: float = GIVE_UP_S,
    ) -> None:
        """`prepare` is called on the threads that hand in; `on_event` on the one that reads the results."""
        self._followers = followers
        self._items: Iterator[tuple[int, T]] = enumerate(items)
        self._taking = threading.Lock()  # held while the next item is taken: an iterator is for one at a time
        self._prepare = prepare
        self._on_event = on_event
        self._give_up_s = give_up_s
        self._state = threading.Condition()  # guards all below; nobody is called while it is held
        self._returned: deque[tuple[int, T]] = deque()
        self._ended: deque[Ended[T]] = deque()
        self._events: deque[tuple[int, Run, Event]] = deque(maxlen=UNSEEN)
        self._inside: dict[str, tuple[Follower, Run]] = {}  # by run_id
        self._slots = dict.fromkeys((id(follower) for follower in followers), INSIDE)
        self._released: set[str] = set()  # run_ids whose slot is free again
        self._handing_in = 0
        self._away: set[int] = set()
        self._all_away_since: float | None = None
        self._working = len(followers)
        self._failure: Exception | None = None
        self._stopping = False

    def results(self) -> Generator[Ended[T], None, None]:
        """What became of the items, as they end. Closing it early cancels what was handed in."""
        threads = [
            threading.Thread(
                target=self._feed, args=(follower,), name=f"batch {follower.server.name}", daemon=True
            )
            for follower in self._followers
        ]
        for thread in threads:
            thread.start()
        try:
            while (ended := self._next()) is not None:
                yield ended
        finally:
            self._stop(threads)

    def _next(self) -> Ended[T] | None:
        """Wait for the next result, passing events on meanwhile; None if there will be none."""
        while True:
            with self._state:
                self._state.wait_for(
                    lambda: bool(self._ended or self._events or self._failure or self._is_over())
                )
                if self._failure is not None:
                    raise self._failure
                seen = list(self._events)
                self._events.clear()
                ended = self._ended.popleft() if self._ended else None
                is_over = self._is_over()
                self._state.notify_all()
            for event in seen if self._on_event else ():
                assert self._on_event is not None
                self._on_event(*event)
            if ended is not None or is_over:
                return ended

    def _is_over(self) -> bool:
        return self._working == 0 and not self._inside and not self._ended

    def _stop(self, threads: list[threading.Thread]) -> None:
        with self._state:
            self._stopping = True
            self._state.notify_all()
        for thread in threads:
            thread.join(LEAVE_S)
        with self._state:
            inside = list(self._inside.values())
        # The waiting ones first, lest one starts because the running one is stopped.
        for follower, run in reversed(inside):
            with suppress(ServerError):
                follower.cancel(run.prompt_id)

    # One thread a server.

    def _feed(self, follower: Follower) -> None:
        attempt = 0
        try:
            while self._has_room(follower):
                taken = self._take()
                if taken is None:
                    if self._may_come_back():
                        continue
                    break
                if self._hand_in(follower, *taken):
                    attempt = 0
                else:
                    self._rest(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                    attempt += 1
        except Exception as error:
            # The outermost loop of this thread: what the caller's iterable raises is the caller's to see.
            with self._state:
                self._failure = self._failure or error
        finally:
            with self._state:
                self._working -= 1
                self._state.notify_all()

    def _has_room(self, follower: Follower) -> bool:
        """Wait until this server may get another run; False once the batch is stopped."""
        with self._state:
            self._state.wait_for(
                lambda: self._stopping or (self._slots[id(follower)] > 0 and len(self._ended) < UNREAD)
            )
            return not self._stopping

    def _take(self) -> tuple[int, T] | None:
        """The next item, one that was given back first; None if there is none now."""
        with self._taking:
            with self._state:
                if self._returned:
                    self._handing_in += 1
                    return self._returned.popleft()
            taken = next(self._items, None)
            with self._state:
                self._handing_in += taken is not None
            return taken

    def _may_come_back(self) -> bool:
        """Wait while an item in another thread's hands may yet be given back; whether one was."""
        with self._state:
            self._state.wait_for(lambda: bool(self._stopping or self._returned or not self._handing_in))
            return bool(self._returned)

    def _rest(self, seconds: float) -> None:
        with self._state:
            self._state.wait_for(lambda: self._stopping, seconds)

    def _hand_in(self, follower: Follower, index: int, item: T) -> bool:
        """Make a run of an item and submit it; False if the server cannot be reached."""
        try:
            self._submit(follower, index, item)
        except Unreachable as error:
            self._give_back(follower, index, item, error)
            return False
        except BridgeError as error:
            self._settle(follower, Ended(index, item, error=error))
        else:
            self._settle(follower, None)
        return True

    def _submit(self, follower: Follower, index: int, item: T) -> None:
        run = self._prepare(item, follower)
        with self._state:
            self._slots[id(follower)] -= 1
            self._inside[run.run_id] = (follower, run)
        try:
            submitted = follower.submit(run, partial(self._told, follower, index, item))
        except BaseException:
            with self._state:
                self._slots[id(follower)] += 1
                self._inside.pop(run.run_id, None)
            raise
        if self._stopping:  # it went out while the batch was being stopped
            follower.cancel(submitted.prompt_id)

    def _settle(self, follower: Follower, ended: Ended[T] | None) -> None:
        with self._state:
            self._handing_in -= 1
            self._away.discard(id(follower))
            self._all_away_since = None
            if ended is not None:
                self._ended.append(ended)
            self._state.notify_all()

    def _give_back(self, follower: Follower, index: int, item: T, error: Unreachable) -> None:
        """Let another server take it; with all of them out of reach for long, it has failed."""
        now = time.monotonic()
        with self._state:
            self._handing_in -= 1
            self._away.add(id(follower))
            if len(self._away) == len(self._followers) and self._all_away_since is None:
                self._all_away_since = now
            if self._all_away_since is not None and now - self._all_away_since >= self._give_up_s:
                self._ended.append(Ended(index, item, error=error))
            else:
                self._returned.appendleft((index, item))
            self._state.notify_all()

    def _told(self, follower: Follower, index: int, item: T, run: Run, event: Event, over: bool) -> None:
        """An event of a run inside, on the follower's thread."""
        with self._state:
            if self._on_event is not None:
                self._events.append((index, run, event))
            if run.run_id in self._inside:
                self._inside[run.run_id] = (follower, run)
            # The server is done with it before its outputs are read: the next may go in.
            if (run.server_done or over) and run.run_id not in self._released:
                self._released.add(run.run_id)
                self._slots[id(follower)] += 1
            if over:
                self._released.discard(run.run_id)
                self._inside.pop(run.run_id, None)
                self._ended.append(Ended(index, item, run=run))
            self._state.notify_all()
