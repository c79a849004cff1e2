"""Node titles that say what a form shows.

Minimalistic-Comfy-Wrapper: `<Label:category[/tab]:row[/column]> further words` (its docs/titles.md).
ViewComfy: titles that begin with VC_BASIC or VC_ADV (its lib/workflow-api-parser.ts).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from comfyui_bridge.core.convert.places import Place, Places
from comfyui_bridge.core.marks.finding import Found
from comfyui_bridge.core.template import Exposure
from comfyui_bridge.core.tracing import leaf
from comfyui_bridge.core.workflow import Node

ADVANCED = "Advanced"

_WRAPPER = re.compile(
    r"\s*<([^:<>]{1,200}):([^/:<>]{1,100})(?:/([^/:<>]{1,100}))?:(\d{1,6})(?:/(\d{1,6}))?>(.*)", re.S
)
_NUMBER = re.compile(r"[-+]?\d*\.?\d+")
_CATEGORIES = ("prompt", "important", "advanced")
_VIEW_COMFY = (("VC_BASIC", ""), ("VC_ADV", ADVANCED))


@dataclass(frozen=True)
class _Titled:
    """A title, and the inputs of what is called so."""

    title: str
    places: tuple[Place, ...]
    node: Node | None = None


@dataclass(frozen=True)
class _Element:
    """A title of Minimalistic-Comfy-Wrapper, taken apart."""

    label: str
    category: str
    tab: str
    row: int
    column: int
    words: str

    @property
    def group(self) -> str:
        match self.category:
            case "prompt" | "important":
                return ""
            case "advanced":
                return self.tab or ADVANCED
        return f"{self.category} · {self.tab}" if self.tab else self.category


def read(places: Places | None, found: Found) -> None:
    titled = list(_titled(places, found))
    _read_wrapper(titled, found)
    _read_view_comfy(titled, found)


def _titled(places: Places | None, found: Found) -> Iterator[_Titled]:
    for node in found.workflow.nodes.values():
        inputs = tuple((node.node_id, name) for name in found.main_inputs(node))
        yield _Titled(node.title, inputs, node)
    # A primitive of the editor is not in the workflow, but its title may be a mark.
    for primitive in places.primitives() if places is not None else ():
        yield _Titled(primitive.title, primitive.places)


# Minimalistic-Comfy-Wrapper


def _read_wrapper(titled: list[_Titled], found: Found) -> None:
    elements = [(element, one) for one in titled if (element := _element(one.title)) is not None]
    tabs: dict[tuple[str, str], int] = {}
    for element, _ in elements:
        tab = (element.category, element.tab)
        tabs[tab] = min(tabs.get(tab, element.row), element.row)
    elements.sort(key=lambda pair: _order(pair[0], tabs))
    for element, one in elements:
        if element.category == "output":
            found.outputs += [one.node.node_id] if one.node else []
            continue
        why = f"Its node is titled for Minimalistic-Comfy-Wrapper, in “{element.category}”."
        low, high, step = _limits(element.words)
        exposure = Exposure(
            "", "", label=element.label, group=element.group, why=why, min=low, max=high, step=step
        )
        _add(one, exposure, found)


def _element(title: str) -> _Element | None:
    match = _WRAPPER.match(title)
    if match is None:
        return None
    label, category, tab, row, column, words = match.groups()
    plain = category.strip().lower().removesuffix("s")
    known = plain in (*_CATEGORIES, "output")
    return _Element(
        label.strip(),
        plain if known else category.strip(),
        (tab or "").strip(),
        int(row),
        int(column or 0),
        words.strip(),
    )


def _order(element: _Element, tabs: dict[tuple[str, str], int]) -> tuple[int, str, int, str, int, int]:
    known = element.category in _CATEGORIES
    rank = _CATEGORIES.index(element.category) if known else len(_CATEGORIES)
    name = "" if known else element.category
    first_row = tabs[element.category, element.tab]
    return rank, name, first_row, element.tab, element.row, element.column


def _limits(words: str) -> tuple[float | None, float | None, float | None]:
    """min, max and step, where the words behind a title are numbers."""
    numbers = [float(number) for number in _NUMBER.findall(words)]
    if len(numbers) not in (2, 3) or numbers[0] >= numbers[1]:
        return None, None, None
    return numbers[0], numbers[1], numbers[2] if len(numbers) == 3 and numbers[2] > 0 else None


# ViewComfy


def _read_view_comfy(titled: list[_Titled], found: Found) -> None:
    for prefix, group in _VIEW_COMFY:
        for one in titled:
            if one.title.startswith(prefix):
                label = one.title.removeprefix(prefix).strip(" :-_")
                why = f"Its node's title begins with {prefix}, as ViewComfy reads it."
                _add(one, Exposure("", "", label=label, group=group, why=why), found)


def _add(one: _Titled, exposure: Exposure, found: Found) -> None:
    """Expose what a title is about: one input, or a primitive's targets as one, or all inputs of a node."""
    named = [place for place in one.places if leaf(place[1]).split("_")[-1] in exposure.label.lower().split()]
    if one.node is not None and len(one.places) > 1 and len(named) == 1:
        one = replace(one, places=tuple(named))
    if one.node is None or len(one.places) <= 1:
        if not found.add(one.places, exposure):
            found.problems.append(f"The title “{one.title}” marks a node that takes no value.")
        return
    for place in one.places:
        words = place[1].replace("_", " ").replace(".", " ")
        label = f"{exposure.label}: {words}" if exposure.label else ""
        found.add([place], _labelled(exposure, label))


def _labelled(exposure: Exposure, label: str) -> Exposure:
    return Exposure("", "", label=label, group=exposure.group, why=exposure.why)
