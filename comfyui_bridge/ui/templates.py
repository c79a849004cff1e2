"""The library in the order in which people find what they can use at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from comfyui_bridge.core.template import Template
from comfyui_bridge.core.workflow import is_ui_format

if TYPE_CHECKING:
    from comfyui_bridge.store.catalogue import Catalogue
    from comfyui_bridge.store.library import LibraryProblem

# What a workflow cannot run without: somebody's picture, video or sound.
_WANTS_A_FILE = frozenset(("LoadImage", "LoadImageMask", "LoadVideo", "LoadAudio", "LoadImageOutput"))


@dataclass(frozen=True)
class Shelf:
    """The templates at one moment; another `version` whenever anything in the library is another."""

    templates: tuple[Template, ...] = ()
    covers: Mapping[str, str] = field(default_factory=dict)
    """The slugs that have a cover, each with a word that is another one for another picture."""
    problems: tuple[LibraryProblem, ...] = ()
    version: int = 0

    def get(self, slug: str) -> Template | None:
        return next((template for template in self.templates if template.slug == slug), None)

    def first(self) -> Template | None:
        """The template to open where nobody asked for one."""
        return self.templates[0] if self.templates else None


class Templates:
    """The library as a shelf; any thread may call any method."""

    def __init__(self, library: Catalogue) -> None:
        self._library = library
        self._lock = threading.Lock()  # guards the shelf
        self._shelf = Shelf()

    def shelf(self) -> Shelf:
        """The templates now; the very same value as the last time if nothing has changed."""
        version = self._library.version()
        with self._lock:
            if version != self._shelf.version:
                self._shelf = Shelf(
                    in_order(self._library.templates()),
                    self._library.covers(),
                    self._library.problems(),
                    version,
                )
            return self._shelf

    def get(self, slug: str) -> Template | None:
        return self.shelf().get(slug)


def in_order(templates: Iterable[Template]) -> tuple[Template, ...]:
    """The smallest that needs nothing but words, then the others by title, those that need a file last."""
    ordered = sorted(templates, key=lambda t: (_wants_a_file(t), t.title.casefold(), t.slug))
    nearest = min(ordered, key=_distance, default=None)
    return tuple(sorted(ordered, key=lambda template: template is not nearest))


def _distance(template: Template) -> tuple[bool, bool, int]:
    """How far a template is from a first picture."""
    takes_words = any("prompt" in (exposure.key, exposure.label.lower()) for exposure in template.exposures)
    return _wants_a_file(template), not takes_words, len(_nodes(template.document))


def _wants_a_file(template: Template) -> bool:
    return not _WANTS_A_FILE.isdisjoint(_class_types(template.document))


def _class_types(document: Mapping[str, Any]) -> set[str]:
    named = (node.get("class_type") or node.get("type") for node in _nodes(document))
    return {name for name in named if isinstance(name, str)}


def _nodes(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The nodes of either format."""
    nodes = document["nodes"] if is_ui_format(document) else document.values()
    return [node for node in nodes if isinstance(node, Mapping)]
