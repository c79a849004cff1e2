"""What the servers did in the last hours, as small charts: runs done, and how long runs waited.

Drawn as plain SVG, stretched to its place, so that all text stands beside it as text. Each chart says in
words what it shows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from itertools import groupby

from comfyui_bridge.core.activity import Activity
from comfyui_bridge.ui.words import Words

_HEIGHT = 100
_STEP = 10
_GAP = 2


def markup(activity: Sequence[Activity], hours: float, words: Words) -> str:
    """Two charts for every server that ended a run in the last hours, on common scales."""
    heading = f"<h2>{escape(words('charts_heading', hours=f'{hours:g}'))}</h2>"
    if not activity:
        return (
            f'<section class="charts">{heading}<p class="empty">{escape(words("charts_none"))}</p></section>'
        )
    most = max(1, *(slot.done + slot.failed for slot in activity))
    longest = max(1.0, *(slot.waiting or 0.0 for slot in activity))
    rows = "".join(
        f'<div class="chart-row"><h3>{escape(server)}</h3>'
        f"{_throughput(slots, most, hours, words)}{_waiting(slots, longest, hours, words)}</div>"
        for server, slots in ((name, tuple(run)) for name, run in groupby(activity, lambda one: one.server))
    )
    return f'<section class="charts">{heading}{rows}</section>'


def _throughput(slots: Sequence[Activity], most: int, hours: float, words: Words) -> str:
    bars = []
    for place, slot in enumerate(slots):
        said = words("chart_slot_done", at=_clock(slot.at), done=slot.done)
        if slot.failed:
            said += words("chart_slot_failed", failed=slot.failed)
        bars.append(_bar(place, 0, slot.done / most, "done", said))
        bars.append(_bar(place, slot.done / most, slot.failed / most, "failed", said))
    done, failed = sum(slot.done for slot in slots), sum(slot.failed for slot in slots)
    summary = words("chart_done_said", done=done, failed=failed, hours=f"{hours:g}", most=most)
    minutes = words("minutes", count=f"{slots[0].length / 60:g}")
    peak = words("chart_done_peak", most=most, time=minutes)
    return _figure(words("chart_done"), peak, summary, "".join(bars), len(slots), hours, words)


def _waiting(slots: Sequence[Activity], longest: float, hours: float, words: Words) -> str:
    bars = "".join(
        _bar(
            place,
            0,
            max(slot.waiting / longest, 0.02),
            "waited",
            words("chart_slot_waited", at=_clock(slot.at), time=words.time(slot.waiting)),
        )
        for place, slot in enumerate(slots)
        if slot.waiting is not None
    )
    known = [slot.waiting for slot in slots if slot.waiting is not None]
    summary = (
        words("chart_waited_said", low=words.time(min(known)), high=words.time(max(known)))
        if known
        else words("charts_none")
    )
    return _figure(words("chart_waited"), words.time(longest), summary, bars, len(slots), hours, words)


def _bar(place: int, above: float, share: float, kind: str, said: str) -> str:
    if share <= 0:
        return ""
    height = share * _HEIGHT
    y = f"{_HEIGHT - above * _HEIGHT - height:.1f}"
    where = f'x="{place * _STEP}" y="{y}" width="{_STEP - _GAP}" height="{height:.1f}"'
    return f'<rect class="{kind}" {where}><title>{escape(said)}</title></rect>'


def _figure(caption: str, peak: str, summary: str, bars: str, count: int, hours: float, words: Words) -> str:
    begins, now = words("hours_ago", count=f"{hours:g}"), words("now")
    name = escape(f"{caption}: {summary}")
    return (
        f"<figure><figcaption><span>{escape(caption)}</span>"
        f'<span class="peak">{escape(peak)}</span></figcaption>'
        f'<svg role="img" aria-label="{name}" preserveAspectRatio="none" '
        f'viewBox="0 0 {count * _STEP - _GAP} {_HEIGHT}">{bars}</svg>'
        f'<p class="axis" aria-hidden="true"><span>{escape(begins)}</span>'
        f"<span>{escape(now)}</span></p></figure>"
    )


def _clock(at: float) -> str:
    return time.strftime("%H:%M", time.localtime(at))
