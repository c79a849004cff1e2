"""The last runs in small, as HTML: the strip below the stage.

Thumbnails come from our own routes by relative links, so nothing is copied and any address works.
Every text is escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from comfyui_bridge.core.run import Run
from comfyui_bridge.ui import present
from comfyui_bridge.ui.words import Words


def strip(runs: Sequence[Run], words: Words) -> str:
    """The last runs as a row of small pictures; empty without any."""
    if not runs:
        return ""
    cards = "".join(_tile(present.run_card(run, words), words) for run in runs)
    hint = escape(words("notify_hint"))
    return (
        f'<div class="strip-head"><h2 class="strip-title">{escape(words("last_runs"))}</h2>'
        f'<button type="button" class="notify" aria-pressed="false" title="{hint}" hidden>'
        f'{escape(words("notify"))}</button></div><ul class="strip">{cards}</ul>'
    )


def _tile(card: present.RunCard, words: Words) -> str:
    name = words("open_run", title=card.title, state=card.state_words)
    picture = (
        f'<img src="{escape(card.thumbnail)}" alt="" loading="lazy" decoding="async">'
        if card.thumbnail
        else f'<span class="no-picture">{escape(card.state_words)}</span>'
    )
    count = f'<span class="count" aria-hidden="true">{card.count}</span>' if card.count > 1 else ""
    return (
        f'<li><a class="tile" href="?run={escape(card.run_id)}" data-run="{escape(card.run_id)}" '
        f'data-state="{escape(card.state)}" aria-label="{escape(name)}" title="{escape(name)}">'
        f'<span class="thumb">{picture}{count}</span></a></li>'
    )
