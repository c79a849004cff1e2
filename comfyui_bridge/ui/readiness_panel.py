"""Whether the chosen template can run: a line above Generate, and a dot on each card of the library.

What is missing comes with the nearest thing that a server has, and is applied with one click: for this
run, or for the template's card. The script draws both and puts every text in as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gradio as gr

from comfyui_bridge.core.form import Form
from comfyui_bridge.core.readiness import MissingChoice, Readiness
from comfyui_bridge.core.template import Template
from comfyui_bridge.ui import present
from comfyui_bridge.ui.words import Words

_MOST_ITEMS = 6

_LINE = """<details class="readiness" hidden><summary><span class="dot"></span>
<span class="said"></span></summary><ul></ul></details>"""


def panel() -> gr.HTML:
    """The line. Its `select` event asks for a replacement: `slug`, `keys`, `value`; `keep` for the card."""
    return gr.HTML(
        None,
        html_template=_LINE,
        elem_id="readiness",
        apply_default_css=False,
        js_on_load="bridge.readiness(element, props, trigger, watch); /* triggers 'select' */",
    )


def dots_panel() -> gr.HTML:
    """The dots' states, for the script to put on the cards."""
    return gr.HTML(
        None,
        html_template="<i></i>",
        elem_id="dots",
        elem_classes=["unseen"],
        padding=False,
        js_on_load="bridge.dots(props, watch)",
    )


def line(found: Mapping[str, Readiness], form: Form | None, words: Words) -> dict[str, Any] | None:
    """What the line shows; None while no server is known."""
    if not found:
        return None
    ready = [name for name, one in found.items() if one.ready]
    if ready:
        return _view("ok", _ready_words(ready, len(found), words), hint=", ".join(ready))
    best = _best(found.values())
    if best.needs_only_files:
        return _view("wait", words("ready_needs_file"), _items(best, form, words))
    return _view("away", words.count("not_ready_anywhere", len(found)), _items(best, form, words))


def dots(known: Iterable[tuple[Template, Mapping[str, Readiness] | None]], words: Words) -> dict[str, Any]:
    """The states of the cards that are not simply ready: what is unknown yet, and what is missing where."""
    unknown: list[str] = []
    missing: dict[str, list[str]] = {}
    for template, found in known:
        if not found:
            unknown.append(template.slug)
        elif not any(one.ready for one in found.values()):
            best = _best(found.values())
            tone, key = ("wait", "dot_needs_file") if best.needs_only_files else ("away", "dot_not_ready")
            missing[template.slug] = [tone, words(key)]
    return {"unknown": unknown, "missing": missing, "ready": words("dot_ready")}


def _best(found: Iterable[Readiness]) -> Readiness:
    """That of the server on which the least is missing."""
    return min(found, key=lambda one: (bool(one.obstacle), len(one.missing_nodes), len(one.missing_choices)))


def _view(tone: str, said: str, items: list[dict[str, Any]] | None = None, hint: str = "") -> dict[str, Any]:
    return {"tone": tone, "line": said, "items": items or [], "hint": hint}


def _ready_words(ready: list[str], count: int, words: Words) -> str:
    if count == 1:
        return words("ready_here")
    return words("ready_on", ready=len(ready), count=count) if len(ready) < count else words("ready_on_all")


def _items(one: Readiness, form: Form | None, words: Words) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = [{"said": words.sentence(one.obstacle)}] if one.obstacle else []
    for node in one.missing_nodes:
        title = node.title or node.class_type
        items.append({"said": words("missing_node", class_type=node.class_type, title=title)})
    items += [_choice(alike, form, words) for alike in _alike(one.missing_choices)]
    items += [{"said": words.sentence(broken.reason)} for broken in one.broken_links]
    if len(items) > _MOST_ITEMS:
        left = len(items) - _MOST_ITEMS
        items = [*items[:_MOST_ITEMS], {"said": words.count("missing_more", left)}]
    return items


def _alike(choices: Iterable[MissingChoice]) -> list[list[MissingChoice]]:
    """What is missing, each thing once with all the places that ask for it."""
    found: dict[tuple[str, str | None, bool], list[MissingChoice]] = {}
    for choice in choices:
        found.setdefault((str(choice.value), choice.nearest, choice.is_file), []).append(choice)
    return list(found.values())


def _choice(alike: Sequence[MissingChoice], form: Form | None, words: Words) -> dict[str, Any]:
    """One thing that is missing: by its node's title, for an input's own name tells little."""
    choice = alike[0]
    asked = [one for each in alike if form and (one := form.input(f"{each.node_id}.{each.input}"))]
    nodes = ", ".join(dict.fromkeys(one.node_title for one in asked if one.node_title))
    label = words.input(asked[0]) if asked else choice.input
    if choice.is_file:
        said = words("missing_file", label=label, value=choice.value)
    elif present.is_model_file(str(choice.value)):
        said = words("missing_model", node=nodes or label, value=choice.value)
    else:
        said = words("missing_choice", label=f"{nodes}, {label}" if nodes else label, value=choice.value)
    item: dict[str, Any] = {"said": said, "keys": [one.key for one in asked]}
    if choice.nearest is not None and asked and not choice.is_file:
        item |= {
            "value": choice.nearest,
            "use": words("use_nearest", nearest=choice.nearest),
            "keep": words("keep_nearest"),
            "keep_hint": words("keep_nearest_hint", nearest=choice.nearest),
        }
    return item
