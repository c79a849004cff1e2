"""What is made of a template with node definitions, once for as long as both stay the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.template import Template

_T = TypeVar("_T")


class Made(Generic[_T]):
    """Keeps one for each template and `place`, which says whose definitions they are. Thread-safe."""

    def __init__(self, make: Callable[[Template, NodeDefs], _T], most: int | None = None) -> None:
        """All are let go once there are `most`."""
        self._make = make
        self._most = most
        self._lock = threading.Lock()  # guards the table
        self._kept: dict[tuple[str, str], tuple[Template, NodeDefs, _T]] = {}

    def of(self, template: Template, definitions: NodeDefs, place: str = "") -> _T:
        """The one that is kept, or a new one. Raises what `make` raises, and keeps nothing then."""
        known = self.known(template, definitions, place)
        if known is not None:
            return known
        made = self._make(template, definitions)
        with self._lock:
            if self._most is not None and len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[template.slug, place] = (template, definitions, made)
        return made

    def known(self, template: Template, definitions: NodeDefs, place: str = "") -> _T | None:
        """The one that is kept, if it is of this very template and of these very definitions."""
        with self._lock:
            known = self._kept.get((template.slug, place))
        fits = known is not None and known[0] is template and known[1] is definitions
        return known[2] if known is not None and fits else None
