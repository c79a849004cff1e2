"""The server's queue: what waits, what runs, what has ended.

One lock guards all three, so that a reader always sees a prompt in exactly one of them. Waiting prompts
lie in a heap by `number`, and are shown in the heap's raw order, as ComfyUI shows them.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from comfyui_bridge.sandbox.interrupt import Interrupt

MAXIMUM_HISTORY = 10_000
SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")
"""Keys of extra_data that 0.3.64 shows in /queue but takes out of /history."""

_serial = itertools.count()


@dataclass
class Item:
    """A prompt as it was accepted."""

    number: float
    prompt_id: str
    graph: dict[str, Any]
    extra_data: dict[str, Any]
    outputs: list[str]
    created: int = field(default_factory=lambda: int(time.time() * 1000))
    serial: int = field(default_factory=lambda: next(_serial))

    def __lt__(self, other: Item) -> bool:
        return (self.number, self.serial) < (other.number, other.serial)

    @property
    def client_id(self) -> str | None:
        given = self.extra_data.get("client_id")
        return None if given is None else str(given)

    def listed(self) -> list[Any]:
        """The item as /queue shows it."""
        return [self.number, self.prompt_id, self.graph, self.extra_data, self.outputs]

    def remembered(self) -> list[Any]:
        """The item as /history shows it."""
        extra_data = {key: value for key, value in self.extra_data.items() if key not in SECRETS}
        return [self.number, self.prompt_id, self.graph, extra_data, self.outputs]


@dataclass(frozen=True)
class Past:
    """An ended prompt: its /history entry and what /api/jobs wants to know besides."""

    entry: dict[str, Any]
    created: int


@dataclass(frozen=True)
class Snapshot:
    """Running, waiting and ended prompts at one moment."""

    running: tuple[Item, ...]
    pending: tuple[Item, ...]
    history: Mapping[str, Past]


class PromptQueue:
    """Thread-safe; `changed` is called after every change of what runs or waits, without the lock held."""

    def __init__(self, interrupt: Interrupt, changed: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._changed = changed
        self._condition = threading.Condition()
        self._pending: list[Item] = []
        self._running: Item | None = None
        self._history: dict[str, Past] = {}
        self._free: set[str] = set()
        self._closed = False

    def put(self, item: Item) -> None:
        with self._condition:
            heapq.heappush(self._pending, item)
            self._condition.notify()
        self._changed()

    def get(self) -> Item | None:
        """The next prompt, now running; None when the queue was closed or there is something to free.

        What is to be freed goes before a prompt that came later. In ComfyUI (0.3.64) such a prompt may be
        taken first, as its loop looks for flags behind each prompt; who asks would have to wait in between.

        The interrupt is cleared here, under the lock: one that names this prompt cannot be lost between
        its becoming the running one and its first node.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._pending or self._closed or self._free)
            if self._closed or self._free or not self._pending:
                return None
            self._running = item = heapq.heappop(self._pending)
            self._interrupt.clear()
        self._changed()
        return item

    def done(self, entry: dict[str, Any]) -> None:
        """The running prompt has ended with this /history entry."""
        with self._condition:
            item = self._running
            if item is None:
                return
            self._running = None
            self._history[item.prompt_id] = Past(entry, item.created)
            while len(self._history) > MAXIMUM_HISTORY:
                del self._history[next(iter(self._history))]
        self._changed()

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()
            self._interrupt.close()

    @property
    def closed(self) -> bool:
        return self._closed

    def ask_to_free(self, *what: str) -> None:
        with self._condition:
            self._free.update(what)
            self._condition.notify()

    def take_free(self) -> set[str]:
        with self._condition:
            asked, self._free = self._free, set()
            return asked

    def remaining(self) -> int:
        with self._condition:
            return len(self._pending) + (self._running is not None)

    def snapshot(self) -> Snapshot:
        with self._condition:
            running = () if self._running is None else (self._running,)
            return Snapshot(running, tuple(self._pending), dict(self._history))

    def wipe(self) -> None:
        """Drop all that waits."""
        with self._condition:
            self._pending.clear()
        self._changed()

    def delete(self, prompt_id: str) -> bool:
        """Drop a waiting prompt; False if none has this id."""
        with self._condition:
            place = next((i for i, item in enumerate(self._pending) if item.prompt_id == prompt_id), None)
            if place is None:
                return False
            del self._pending[place]
            heapq.heapify(self._pending)
        self._changed()
        return True

    def interrupt(self, prompt_id: str | None = None) -> bool:
        """Interrupt what runs, or only the prompt of this id; False if that one does not run."""
        with self._condition:
            if prompt_id is not None and (self._running is None or self._running.prompt_id != prompt_id):
                return False
            self._interrupt.request()
            return True

    def history(
        self, prompt_id: str | None = None, max_items: int | None = None, offset: int = -1
    ) -> dict[str, Any]:
        """One entry, or a page: the newest `max_items`, or those from `offset` counted from the oldest."""
        with self._condition:
            if prompt_id is not None:
                past = self._history.get(prompt_id)
                return {} if past is None else {prompt_id: past.entry}
            if offset < 0 and max_items is not None:
                offset = len(self._history) - max_items
            page: dict[str, Any] = {}
            for key in itertools.islice(self._history, max(offset, 0), None):
                page[key] = self._history[key].entry
                if max_items is not None and len(page) >= max_items:
                    break
            return page

    def wipe_history(self) -> None:
        with self._condition:
            self._history.clear()

    def delete_history(self, prompt_id: str) -> None:
        with self._condition:
            self._history.pop(prompt_id, None)
