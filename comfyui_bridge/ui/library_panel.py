"""The library at the left: search, tags, and a card for each template.

Searching happens in the browser, so that a thousand templates answer as one types. All text is escaped
here, as titles and file names come from whoever wrote them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

import gradio as gr

from comfyui_bridge.core.template import Template
from comfyui_bridge.ui.templates import Shelf
from comfyui_bridge.ui.words import Words

if TYPE_CHECKING:
    from comfyui_bridge.store.library import LibraryProblem

MOST_TAGS = 6
_MOST_PROBLEMS = 20


def panel(markup: str) -> gr.HTML:
    """The library's component and its events.

    `click` is a card, and carries its slug; `input` says that forms may be others now. Before a form goes
    comes `select`, for it to hand in what it holds.
    """
    return gr.HTML(
        markup,
        elem_id="library",
        apply_default_css=False,
        js_on_load="bridge.library(element, trigger, watch); /* triggers 'select', 'click', 'input' */",
    )


def markup(shelf: Shelf, words: Words) -> str:
    """The whole panel as HTML."""
    cards = "".join(_card(shelf, template, words) for template in shelf.templates)
    name = escape(words("search_templates"))
    return (
        f'<div class="library-head"><h2>{escape(words("library"))}</h2>'
        f'<button type="button" class="close-library" aria-label="{escape(words("close"))}">×</button></div>'
        f'<input type="search" class="search" id="search-templates" autocomplete="off" '
        f'aria-label="{name}" placeholder="{name}">'
        f'{_tags(shelf.templates, words)}<ul class="cards" role="list">{cards}</ul>'
        f'<p class="no-match" hidden>{escape(words("no_match"))}</p>{_problems(shelf.problems, words)}'
    )


def empty(folder: str, words: Words) -> str:
    """What to do when there is no template."""
    return f'<p class="empty">{escape(words("library_empty", folder=folder))}</p>'


def _card(shelf: Shelf, template: Template, words: Words) -> str:
    texts = [template.title, template.description, *template.tags]
    title, about, *tags = (words.text(text, template.phrases) for text in texts)
    # Found by either language: a guide may well call it by the other one's.
    said = " ".join([*texts, title, about, *tags, template.slug, *_example_texts(template)])
    line = f'<span class="line">{escape(about)}</span>' if about else ""
    cover = cover_url(shelf, template.slug)
    picture = f'<img src="{escape(cover)}" alt="" loading="lazy" decoding="async">' if cover else ""
    return (
        f'<li><button type="button" class="card" data-slug="{escape(template.slug)}" '
        f'data-tags="{escape("|".join(template.tags))}" data-said="{escape(said.lower())}">'
        f'<span class="cover" aria-hidden="true" data-letter="{escape(title[:1].upper())}">'
        f'{picture}</span><span class="said"><span class="title">{escape(title)}</span>{line}'
        "</span></button></li>"
    )


def cover_url(shelf: Shelf, slug: str, size: int = 256) -> str:
    """The link to a template's cover, relative to the page; empty without a cover."""
    version = shelf.covers.get(slug)
    return f"covers/{quote(slug, safe='')}?size={size}&v={version}" if version else ""


def _example_texts(template: Template) -> list[str]:
    """What a prompt's default says, so that people find a template by its example."""
    return [exposure.default for exposure in template.exposures if isinstance(exposure.default, str)][:4]


def _tags(templates: Sequence[Template], words: Words) -> str:
    """Chips for the tags that divide the library: more than one template has them, and not all."""
    counted = Counter(tag for template in templates for tag in template.tags)
    dividing = [tag for tag, count in counted.most_common() if 1 < count < len(templates)][:MOST_TAGS]
    if not dividing:
        return ""
    said = {tag: words.text(tag, one.phrases) for one in templates for tag in one.tags}
    chips = _chip("", words("all_tags"), pressed=True) + "".join(_chip(tag, said[tag]) for tag in dividing)
    return f'<div class="chips" role="group">{chips}</div>'


def _chip(tag: str, said: str, *, pressed: bool = False) -> str:
    return (
        f'<button type="button" class="chip" aria-pressed="{str(pressed).lower()}" '
        f'data-tag="{escape(tag)}">{escape(said)}</button>'
    )


def _problems(problems: Sequence[LibraryProblem], words: Words) -> str:
    if not problems:
        return ""
    said = "".join(
        f"<li><b>{escape(problem.file)}</b> {escape(problem.message)}</li>"
        for problem in problems[:_MOST_PROBLEMS]
    )
    return (
        f'<details class="unread"><summary>{escape(words.count("files_unread", len(problems)))}</summary>'
        f"<ul>{said}</ul><p>{escape(words('other_versions'))}</p></details>"
    )
