"""The list of templates at the left of the editor, as HTML. Every text is escaped here."""

from __future__ import annotations

from collections import Counter
from html import escape

from comfyui_bridge.core.template import Template, title_from
from comfyui_bridge.ui.library_panel import cover_url
from comfyui_bridge.ui.templates import Shelf
from comfyui_bridge.ui.words import Words


def markup(shelf: Shelf, words: Words) -> str:
    """The whole list with its search, sorted as people look things up: by title."""
    wrong = _wrong(shelf)
    templates = sorted(shelf.templates, key=lambda one: (one.title.casefold(), one.slug))
    rows = "".join(_row(shelf, one, wrong, words) for one in templates)
    name = escape(words("search_templates"))
    none = f'<p class="empty">{escape(words("ed_none"))}</p>' if not rows else ""
    return (
        f'<div class="shelf-head"><h2>{escape(words("library"))}</h2>'
        f'<button type="button" class="action main bring">{escape(words("ed_bring"))}</button></div>'
        f'<input type="search" class="shelf-search" autocomplete="off" '
        f'aria-label="{name}" placeholder="{name}">'
        f'<ul class="rows" role="list">{rows}</ul>'
        f'<p class="no-match" hidden>{escape(words("no_match"))}</p>{none}'
    )


def _row(shelf: Shelf, template: Template, wrong: Counter[str], words: Words) -> str:
    title = words.text(template.title, template.phrases)
    said = " ".join([title, template.title, template.description, *template.tags, template.slug]).lower()
    cover = cover_url(shelf, template.slug)
    picture = f'<img src="{escape(cover)}" alt="" loading="lazy" decoding="async">' if cover else ""
    return (
        f'<li><button type="button" class="entry" data-slug="{escape(template.slug)}" '
        f'data-said="{escape(said)}"><span class="small-cover" aria-hidden="true" '
        f'data-letter="{escape(title[:1].upper())}">{picture}</span>'
        f'<span class="said"><span class="title">{escape(title)}</span>'
        f'<span class="line">{_badges(template, wrong, words)}</span></span></button></li>'
    )


def _badges(template: Template, wrong: Counter[str], words: Words) -> str:
    """The slug, whether somebody wrote a card, and whether something is wrong with it."""
    said = template.exposures or template.description or template.tags
    has_card = bool(said) or template.title != title_from(template.slug)
    marks = [f'<span class="slug">{escape(template.slug)}</span>']
    if count := wrong[template.slug]:
        marks.append(f'<span class="pill bad">{escape(words.count("ed_problems", count))}</span>')
    elif has_card:
        marks.append(f'<span class="pill plain">{escape(words("ed_has_card"))}</span>')
    marks.append(f'<span class="pill unsaved" hidden>{escape(words("ed_unsaved"))}</span>')
    return "".join(marks)


def _wrong(shelf: Shelf) -> Counter[str]:
    """How many problems the files of each template have."""
    return Counter(problem.file.rpartition(".")[0] for problem in shelf.problems)
