"""What stands in each template's way on each server, worked out once for as long as both stay the same.

A large library is not assessed at once: whoever shows it asks for a little more each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

from comfyui_bridge.core import form, readiness
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.readiness import Readiness
from comfyui_bridge.core.template import Template
from comfyui_bridge.engine.made import Made

Found: TypeAlias = Mapping[str, Readiness]
"""By server name."""

_FORMS_KEPT = 64


class Assessor:
    """Thread-safe. `definitions` gives those of every server that is ready, by its name."""

    def __init__(self, definitions: Callable[[], Mapping[str, NodeDefs]]) -> None:
        self._definitions = definitions
        self._going_on = threading.Lock()
        self._found = Made(readiness.of_template)
        self._forms = Made(form.make, _FORMS_KEPT)

    def of(self, template: Template, raw: Mapping[str, Any] | None = None) -> Found:
        """What stands in the way of the template with these values, on each server that is ready."""
        definitions = self._definitions()
        if not raw:
            return {name: self._found.of(template, defs, name) for name, defs in definitions.items()}
        # Every open page asks again and again what its form says: the form itself is made once.
        return {
            name: readiness.of_template(template, defs, raw, partial(self._forms.of, place=name))
            for name, defs in definitions.items()
        }

    def known(self, template: Template) -> Found | None:
        """As `of`, from what was worked out already; None where that is not all."""
        definitions = self._definitions()
        found = {name: self._found.known(template, defs, name) for name, defs in definitions.items()}
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
