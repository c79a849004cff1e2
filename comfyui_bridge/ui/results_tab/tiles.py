"""Runs in small, as the grid draws them. Plain functions; every text is put in as text by the script."""

from __future__ import annotations

from dataclasses import dataclass

from comfyui_bridge.core import run_log
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.run_log import LogKind
from comfyui_bridge.core.template import Template
from comfyui_bridge.engine.housekeeper import Usage
from comfyui_bridge.ui import present
from comfyui_bridge.ui.queue_panel import first_words
from comfyui_bridge.ui.words import Words

_LONGEST = 240
"""Characters of a reason or a text on a tile."""
_DAY_S = 86_400


@dataclass(frozen=True)
class Tile:
    """One run in the grid."""

    run: str
    title: str
    state: str
    at: float
    """When it was asked for, in epoch seconds."""
    words: str
    """How its prompt begins."""
    thumbnail: str
    name: str
    """Of its first file, where no picture can be shown of it."""
    kind: str
    """Of its first file."""
    count: int
    text: str
    """What it said, where it gave no file."""
    why: str
    """Why it failed, or has no files."""
    starred: bool
    own: bool


def tile(run: Run, template: Template | None, words: Words, *, starred: bool, own: bool) -> Tile:
    """A run in small."""
    card = present.run_card(run, words)
    first = run.kept[0] if run.kept else None
    return Tile(
        run=run.run_id,
        title=present.run_title(run, template, words),
        state=card.state,
        at=run.created_at,
        words=first_words(run),
        thumbnail=card.thumbnail,
        name=first.name if first else "",
        kind=first.source.kind.value if first else "",
        count=len(run.kept),
        text="" if run.kept else _short("\n".join(run.texts)),
        why=why(run, words),
        starred=starred,
        own=own,
    )


def why(run: Run, words: Words) -> str:
    """Why a run gave nothing, or has nothing any more; empty where there is nothing to explain."""
    if run.state is RunState.FAILED and run.error is not None:
        return _short(present.why_failed(run, words))
    if run.state is RunState.CANCELLED and not run.kept:
        return words("cancelled_hint")
    return removed(run, words)


def removed(run: Run, words: Words) -> str:
    """Why the files of a run are gone; empty for one that has them, or never had."""
    gone = run_log.of_kind(run.log, LogKind.REMOVED)
    if run.kept or not gone:
        return ""
    return words(f"log_removed_{gone[-1].text}")


def usage_words(usage: Usage, words: Words) -> str:
    """What kept files take, how much they may, and what went of them."""
    used = present.bytes_words(usage.bytes)
    if usage.limit is None:
        said = [words("usage", used=used)]
    else:
        said = [words("usage_of", used=used, limit=present.bytes_words(usage.limit))]
    if usage.seconds is not None:
        said.append(words.count("usage_days", max(1, round(usage.seconds / _DAY_S))))
    if usage.limit is not None or usage.seconds is not None:
        said.append(words("usage_order"))
    gone = {"usage_runs": usage.removed_runs, "usage_uploads": usage.removed_uploads}
    what = ", ".join(words.count(key, count) for key, count in gone.items() if count)
    if what:
        said.append(words("usage_removed", what=what, bytes=present.bytes_words(usage.removed_bytes)))
    return " ".join([*said, words.sentence(usage.problem)]).strip()


def _short(text: str) -> str:
    line = text.strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
