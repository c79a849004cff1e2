"""The library's files as templates, parsed once for as long as they stay the same."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from comfyui_bridge.core import template
from comfyui_bridge.core.template import Template
from comfyui_bridge.store.library import Library, LibraryProblem, LibraryState


class Catalogue:
    """Templates by slug; any thread may call any method.

    Looking at a folder of a thousand templates takes milliseconds, and all pages ask: so what was seen
    holds for `look_every` seconds, and for no longer than that; 0 looks each time.
    """

    def __init__(
        self, library: Library, *, look_every: float = 0.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._library = library
        self._look_every = look_every
        self._monotonic = monotonic
        self._lock = threading.Lock()  # guards everything below
        self._looked_at = -math.inf
        self._state = LibraryState()
        self._parsed: dict[str, tuple[str, Template]] = {}
        self._covers: dict[str, tuple[Path, str]] = {}
        self._version = 0

    def templates(self) -> tuple[Template, ...]:
        """All templates, by slug."""
        with self._lock:
            self._look()
            return tuple(parsed for _, parsed in self._parsed.values())

    def get(self, slug: str) -> Template | None:
        """The template of that slug, None if there is none."""
        with self._lock:
            self._look()
            found = self._parsed.get(slug)
            return found[1] if found else None

    def problems(self) -> tuple[LibraryProblem, ...]:
        """What is wrong in the folder: whole files first, then cards in places."""
        with self._lock:
            self._look()
            cards = [
                LibraryProblem(f"{slug}.toml", said)
                for slug, (_, parsed) in self._parsed.items()
                for said in parsed.problems
            ]
            return (*self._state.problems, *cards)

    def cover(self, slug: str) -> Path | None:
        """The picture that stands beside a template's workflow."""
        with self._lock:
            self._look()
            return self._covers[slug][0] if slug in self._covers else None

    def covers(self) -> Mapping[str, str]:
        """The templates that have a cover, each with a word that is another one for another picture."""
        with self._lock:
            self._look()
            return {slug: version for slug, (_, version) in self._covers.items()}

    def look_again(self) -> None:
        """Something in the folder is another now: the next who asks sees it."""
        with self._lock:
            self._looked_at = -math.inf

    def version(self) -> int:
        """Grows whenever anything in the folder changed."""
        with self._lock:
            self._look()
            return self._version

    def _look(self) -> None:
        now = self._monotonic()
        if now - self._looked_at < self._look_every:
            return
        state = self._library.scan()
        # From before the look: what changes while it lasts is seen by the next.
        self._looked_at = now
        if state == self._state and self._version:
            return
        self._parsed = {
            file.slug: known
            if (known := self._parsed.get(file.slug)) and known[0] == file.fingerprint
            else (file.fingerprint, template.parse(file.slug, file.document, file.card, file.card_lines))
            for file in state.templates
        }
        self._covers = {
            file.slug: (file.cover, file.cover_version) for file in state.templates if file.cover is not None
        }
        self._state = state
        self._version += 1
