"""What stands in each template's way on each server, worked out once for as long as both stay the same.

A large library is not assessed at once: whoever shows it asks for a little more each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from comfyui_bridge.core import readiness
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.readiness import Readiness
from comfyui_bridge.core.template import Template

Found: TypeAlias = Mapping[str, Readiness]
"""By server name."""


class Assessor:
    """Thread-safe. `definitions` gives those of every server that is ready, by its name."""

    def __init__(self, definitions: Callable[[], Mapping[str, NodeDefs]]) -> None:
        self._definitions = definitions
        self._lock = threading.Lock()  # guards the table
        self._going_on = threading.Lock()
        self._known: dict[str, dict[str, tuple[Template, NodeDefs, Readiness]]] = {}

    def of(self, template: Template, raw: Mapping[str, Any] | None = None) -> Found:
        """What stands in the way of the template with these values, on each server that is ready."""
        definitions = self._definitions()
        if raw:
            return {name: readiness.of_template(template, defs, raw) for name, defs in definitions.items()}
        return {name: self._one(template, name, defs) for name, defs in definitions.items()}

    def known(self, template: Template) -> Found | None:
        """As `of`, from what was worked out already; None where that is not all."""
        definitions = self._definitions()
        found = {name: self._remembered(template, name, defs) for name, defs in definitions.items()}
        complete = {name: one for name, one in found.items() if one is not None}
        return MappingProxyType(complete) if len(complete) == len(found) else None

    def go_on(self, templates: Iterable[Template], seconds: float) -> None:
        """Work out what is not known yet, for about so long; at once if somebody else is at it."""
        if not self._going_on.acquire(blocking=False):
            return
        try:
            deadline = time.monotonic() + seconds
            for template in templates:
                if self.known(template) is None:
                    self.of(template)
                    if time.monotonic() > deadline:
                        return
        finally:
            self._going_on.release()

    def _remembered(self, template: Template, server: str, defs: NodeDefs) -> Readiness | None:
        with self._lock:
            known = self._known.get(template.slug, {}).get(server)
        fits = known is not None and known[0] is template and known[1] is defs
        return known[2] if known is not None and fits else None

    def _one(self, template: Template, server: str, defs: NodeDefs) -> Readiness:
        remembered = self._remembered(template, server, defs)
        if remembered is not None:
            return remembered
        found = readiness.of_template(template, defs)
        with self._lock:
            self._known.setdefault(template.slug, {})[server] = (template, defs, found)
        return found
