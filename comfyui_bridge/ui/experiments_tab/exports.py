"""An experiment's sheet to take away: a picture, a page, a table, or all of its files in a ZIP.

Whoever may see an experiment may take its sheet. What goes out is made of kept files and of what is stored
about their runs, as the sheet stands at that moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core import sheet as sheets_
from comfyui_bridge.core import values
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.experiment import CellNow, Experiment, SheetNow
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.names import safe_name
from comfyui_bridge.core.outputs import MediaKind
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.sheet import Heading, Sheet, SheetCell, SheetWords
from comfyui_bridge.store import archive, sheets
from comfyui_bridge.ui import present, value_words
from comfyui_bridge.ui.asked import words_of
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.experiments_tab import access, labels, showing
from comfyui_bridge.ui.routes import disposition
from comfyui_bridge.ui.words import Words

_TYPES = {
    "png": "image/png",
    "webp": "image/webp",
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
}
_SHORT = 10
_LONGEST_KEPT = 48
_AT_ONCE = 2
"""Sheets that are being made; more wait without a thread, for these are what answers everything else."""


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    """None where no experiments are kept."""
    if dashboard.experiments is None:
        return []
    exports = _Exports(dashboard)
    return [
        Route(f"/experiments/{{id}}/sheet.{kind}", partial(exports.answer, kind), methods=["GET"])
        for kind in _TYPES
    ]


class _Exports:
    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._limit = anyio.CapacityLimiter(_AT_ONCE)

    async def answer(self, kind: str, request: Request) -> Response:
        return await anyio.to_thread.run_sync(self._answer, kind, request, limiter=self._limit)

    def _answer(self, kind: str, request: Request) -> Response:
        words = words_of(request.query_params)
        now = access.seen(self._dashboard, request)
        if now is None:
            sentence = access.unknown(request, words, "ex_unknown")
            return PlainTextResponse(f"{sentence}\n", 404, headers={"Cache-Control": "no-store"})
        now = replace(now, cells=tuple(access.shown(self._dashboard, now.cells, request)))
        template = self._dashboard.library.get(now.experiment.plan.template)
        form = self._dashboard.form_of(template)
        sheet, name = to_sheet(now, form, words, self._path), file_name(now.experiment, kind)
        if request.query_params.get("only") == sheets_.KEPT:
            sheet, name = _only_kept(sheet, words), file_name(now.experiment, kind, words)
            if not sheet.cells:
                return PlainTextResponse(f"{words('ex_none_kept')}\n", 422)
        headers = {
            "Content-Disposition": disposition("attachment", name),
            "Cache-Control": "no-store",
            "Content-Security-Policy": "sandbox",
        }
        try:
            return self._made(kind, sheet, headers)
        except InvalidValues as error:
            return PlainTextResponse(f"{' '.join(error.problems.values())}\n", 422)

    def _made(self, kind: str, sheet: Sheet, headers: Mapping[str, str]) -> Response:
        match kind:
            case "png" | "webp":
                content: bytes | str = sheets.picture(_shown(sheet), kind.upper())
            case "csv":
                content = sheets.table(sheet)
            case "html":
                chunks = (part.encode("utf-8", "replace") for part in sheets.page_in_chunks(_shown(sheet)))
                return _streamed(chunks, kind, headers)
            case _:
                chunks = archive.of_sheet(self._dashboard.media, sheet, self._run, _shown(sheet))
                return _streamed(chunks, kind, headers)
        return Response(content, headers=dict(headers), media_type=_TYPES[kind])

    def _run(self, run_id: str) -> Run | None:
        """With the workflow, which the sheet does not hold."""
        snapshot = self._dashboard.engine.snapshot(run_id)
        return snapshot.run if snapshot is not None else None

    def _path(self, run_id: str, name: str) -> str:
        """Where a kept file is; empty where it is kept no more."""
        path = self._dashboard.media.path(run_id, name)
        return str(path) if path is not None else ""


def _streamed(chunks: Iterator[bytes], kind: str, headers: Mapping[str, str]) -> Response:
    return StreamingResponse(iterate_in_threadpool(chunks), headers=dict(headers), media_type=_TYPES[kind])


def file_name(experiment: Experiment, kind: str, kept: Words | None = None) -> str:
    """What a download is called: as the experiment is. `kept`: of what was kept alone, in these words."""
    name = (experiment.name or experiment.title).replace("/", "-").replace("\\", "-").strip(
        " .-,;:"
    ) or "sheet"
    if kept is not None:
        # The name is cut where it is too long, and not what tells the two apart.
        name = kept("ex_kept_name", name=safe_name(name)[:_LONGEST_KEPT].rstrip(" .-,;:"))
    return safe_name(f"{name}.{kind}")


def _only_kept(sheet: Sheet, words: Words) -> Sheet:
    """The cells that were kept, at their places."""
    cells = tuple(cell for cell in sheet.cells if cell.verdict == sheets_.KEPT)
    count = sum(cell.state != sheets_.SKIPPED for cell in sheet.cells)
    notes = (*sheet.notes, words("ex_kept_of", kept=len(cells), count=count))
    return replace(sheet, cells=cells, notes=notes)


def _shown(sheet: Sheet) -> Sheet:
    """The sheet to be looked at: one with holes is a row of pictures, each under its own labels."""
    if sheet.is_flow or len(sheet.cells) == sheet.size:
        return sheet
    title = " × ".join(filter(None, (axis.title for axis in sheet.axes)))
    captions = tuple(_caption(sheet, cell) for cell in sheet.in_order)
    cells = tuple(
        replace(cell, at=(number,), labels=(said,))
        for number, (cell, said) in enumerate(zip(sheet.in_order, captions, strict=True))
    )
    return replace(sheet, axes=(Heading(title, captions),), cells=cells)


def _caption(sheet: Sheet, cell: SheetCell) -> str:
    """A cell's labels in one line. A short one, such as a number, says little without its axis."""
    said = zip(sheet.axes, cell.labels, strict=True)
    return " · ".join(f"{axis[0]} {label}".strip() if len(label) <= _SHORT else label for axis, label in said)


def to_sheet(now: SheetNow, form: Form | None, words: Words, path: Callable[[str, str], str]) -> Sheet:
    """A sheet as it is written, of one as it is kept. `path` tells where the kept file of a run is."""
    experiment = now.experiment
    grid = experiment.grid
    shared, own = _values(now)
    ordered = {one.key: shared[one.key] for one in value_words.listed(form, shared, words)}
    keys = dict.fromkeys((*shared, *(key for one in own for key in one)))
    drawn = _Drawn(words, path)
    return Sheet(
        experiment.name or experiment.title,
        tuple(_notes(now, words)),
        tuple(
            Heading(title, labels.of(axis, words))
            for title, axis in zip(labels.titles(experiment, form, words), grid.axes, strict=True)
        ),
        tuple(
            drawn.cell(one, labels.of_cell(grid, one.cell, words), given)
            for one, given in zip(now.cells, own, strict=True)
        ),
        {key: value for key, value in ordered.items() if value not in ("", None, [])},
        {key: value_words.label(form, key, words) for key in keys},
        sheet_words(words),
    )


def sheet_words(words: Words) -> SheetWords:
    """The words of a sheet, in this language."""
    said = {one.name: words.raw(f"ex_{one.name}") for one in fields(SheetWords) if one.name != "lang"}
    return replace(SheetWords(), lang="zh-Hans" if words.lang == "zh" else words.lang, **said)


def _notes(now: SheetNow, words: Words) -> Iterator[str]:
    experiment = now.experiment
    day = time.strftime("%Y-%m-%d", time.localtime(experiment.created_at))
    count = sum(not one.cell.is_skipped for one in now.cells)
    yield " · ".join((experiment.title, words.count("ex_count", count), day))


def _values(now: SheetNow) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The values that all cells share, and for each cell the others, as they were checked where it ran."""
    grid = now.experiment.grid
    varied = grid.varied
    made = [one.run.values for one in now.cells if one.run is not None]
    shared, _ = sheets_.split(made) if made else (dict(grid.values), [])
    shared = {key: value for key, value in shared.items() if key not in varied}
    cells = []
    for one in now.cells:
        if one.run is not None:
            given = {key: value for key, value in one.run.values.items() if key not in shared}
        else:
            given = {key: value for key, value in grid.values_of(one.cell).items() if key in varied}
        cells.append(given)
    return values.to_json(shared), [values.to_json(one) for one in cells]


@dataclass(frozen=True)
class _Drawn:
    """Cells as they are written."""

    words: Words
    path: Callable[[str, str], str]

    def cell(self, now: CellNow, called: tuple[str, ...], own: Mapping[str, Any]) -> SheetCell:
        cell, run = now.cell, now.run
        made = SheetCell(cell.at, called, own, verdict=now.verdict.value)
        if cell.is_skipped:
            return replace(made, state=sheets_.SKIPPED, values={})
        if run is None:
            state = sheets_.GONE if now.gone else sheets_.WAITING
            return replace(made, state=sheets_.FAILED if now.problem else state, reason=now.problem)
        return replace(
            made,
            state=run.state.value,
            reason=showing.reason(now, self.words),
            pictures=tuple(self._pictures(run)),
            run_id=run.run_id,
            seconds=run.seconds,
            others=tuple(
                f"{one.name} ({present.bytes_words(one.size)})"
                for one in run.kept
                if one.source.kind is not MediaKind.IMAGE
            ),
            texts=run.texts,
        )

    def _pictures(self, run: Run) -> Iterator[str]:
        for kept in run.kept:
            if kept.source.kind is MediaKind.IMAGE and (path := self.path(run.run_id, kept.name)):
                yield path
