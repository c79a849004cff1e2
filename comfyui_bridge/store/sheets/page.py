"""A sheet as one HTML page that needs nothing else: it can be sent, opened anywhere, and asks nobody.

Pictures are in it, labels stay in sight, a click shows a cell large with its values. That works without a
script; the one there is only steps from picture to picture. Whatever people wrote is escaped, and the page's
own policy lets nothing else run, load or be sent.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterator
from html import escape
from importlib import resources
from pathlib import Path

from comfyui_bridge.core import sheet as sheets
from comfyui_bridge.core.sheet import Sheet, SheetCell
from comfyui_bridge.store import thumbnails
from comfyui_bridge.store.sheets.picture import LONG_LABEL, PROGRAM

_SIDES = ((60, 1536), (250, 1024), (1000, 640), (4000, 384))
"""Up to so many pictures, each may be so large: a page of more than some 50 MB opens nowhere."""
_LEAST_SIDE = 160
MOST_OF_A_CELL = 8
_MOST_EXTRA = 250
"""Pictures in all, up to which those behind the first of a cell are in the page too."""


def page(sheet: Sheet) -> str:
    """The whole page. `chunks` gives it a piece at a time."""
    return "".join(chunks(sheet))


def chunks(sheet: Sheet) -> Iterator[str]:
    """The page in pieces, one picture in each at most."""
    return _Page(sheet).chunks()


class _Page:
    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._words = sheet.words
        count = sum(len(cell.pictures[:MOST_OF_A_CELL]) for cell in sheet.cells)
        self._most = MOST_OF_A_CELL if count <= _MOST_EXTRA else 1
        count = sum(len(cell.pictures[: self._most]) for cell in sheet.cells)
        first = (cell.pictures[0] for cell in sheet.cells if cell.pictures)
        self._sizes = [size for one in first if (size := thumbnails.size_of(Path(one))) is not None]
        self._side = next((side for most, side in _SIDES if count <= most), _LEAST_SIDE)

    def chunks(self) -> Iterator[str]:
        sheet = self._sheet
        yield self._head()
        yield "<main>\n"
        if sheet.is_flow:
            yield from self._flow()
        else:
            for page in sheets.pages(sheet):
                yield from self._table(page)
        yield "</main>\n"
        yield f"<footer>{_safe(' · '.join(self._foot()))}</footer>\n"
        yield f"<script>{_text('page.js')}</script>\n</body>\n</html>\n"

    def _head(self) -> str:
        sheet = self._sheet
        measures = f"--columns: {self._columns()}; --shape: {self._shape()}; --longest: {self._longest()}ch;"
        style = f"{_text('page.css')}\n:root {{ {measures} }}\n"
        notes = "".join(f'<p dir="auto">{_safe(note)}</p>\n' for note in sheet.notes)
        shared = ""
        if sheet.shared:
            rows = self._rows((sheet.name_of(key), sheet.said(one)) for key, one in sheet.shared.items())
            shared = f"<details><summary>{_safe(self._words.shared)}</summary>{rows}</details>\n"
        return (
            f'<!DOCTYPE html>\n<html lang="{_safe(self._words.lang)}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style)}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1, minimum-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n'
            f'<meta name="generator" content="{PROGRAM}">\n'
            f"<title>{_safe(sheet.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
            f'<header>\n<h1 dir="auto">{_safe(sheet.title)}</h1>\n{notes}{shared}</header>\n'
        )

    def _foot(self) -> Iterator[str]:
        yield self._words.made_with.format(program=PROGRAM)
        if any(max(size) > self._side for size in self._sizes):
            yield self._words.reduced.format(size=self._side)

    def _columns(self) -> int:
        return max(1, len(self._sheet.columns.labels))

    def _longest(self) -> int:
        """Digits beside each other that are about as wide as the longest label of a row."""
        labels = () if self._sheet.is_flow else (*self._sheet.rows.labels, self._sheet.rows.title)
        wide = [sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in label) for label in labels]
        return max(wide, default=0) + 3

    def _shape(self) -> str:
        """Width by height of a cell: room for the widest and for the highest of the first pictures."""
        shares = [(w / max(w, h), h / max(w, h)) for w, h in self._sizes]
        if not shares:
            return "1.5"
        return f"{max(w for w, _ in shares) / max(h for _, h in shares):.4f}"

    def _flow(self) -> Iterator[str]:
        yield '<ol class="flow">\n'
        for number, cell in enumerate(self._sheet.in_order):
            if cell.state == sheets.SKIPPED:
                continue
            yield '<li><div class="place">'
            yield from self._cell(number, cell)
            yield f'</div><p dir="auto" title="{_safe(cell.name)}">{_safe(cell.name)}</p></li>\n'
        yield "</ol>\n"

    def _table(self, page: sheets.Page) -> Iterator[str]:
        sheet = self._sheet
        title = f'<h2 dir="auto">{_safe(page.title)}</h2>\n' if page.title else ""
        corner = "".join(
            f"<span>{_safe(name)} {arrow}</span>"
            for name, arrow in ((sheet.columns.title, "→"), (sheet.rows.title, "↓"))
            if name
        )
        labels = "".join(_label("col", label) for label in sheet.columns.labels)
        first = f'<th class="corner">{corner}</th>'
        yield f"<section>\n{title}<table>\n<thead><tr>{first}{labels}</tr></thead>\n<tbody>\n"
        for row in page.rows:
            yield f"<tr>{_label('row', row.label)}"
            for cell in row.cells:
                yield '<td><div class="place">'
                if cell is not None and cell.state != sheets.SKIPPED:
                    yield from self._cell(_number(sheet, cell), cell)
                yield "</div></td>"
            yield "</tr>\n"
        yield "</tbody>\n</table>\n</section>\n"

    def _cell(self, number: int, cell: SheetCell) -> Iterator[str]:
        if not cell.pictures:
            yield self._told(cell)
            return
        name = _safe(cell.name)
        several = " several" if min(len(cell.pictures), self._most) > 1 else ""
        verdict = f" {cell.verdict}" if cell.verdict in (sheets.KEPT, sheets.REJECTED) else ""
        yield f'<figure popover id="c{number}" class="cell{verdict}{several}" aria-label="{name}">'
        yield '<div class="pictures">'
        for place, path in enumerate(cell.pictures[: self._most]):
            yield self._picture(path, cell.name, is_first=not place)
        yield "</div>"
        larger = _safe(self._words.larger.format(name=cell.name))
        yield (
            f'<button class="open" popovertarget="c{number}" aria-label="{larger}"'
            f' title="{_safe(self._hint(cell))}"></button>'
        )
        yield self._marks(cell)
        heading = "" if all(axis[0] for axis in self._sheet.axes) else f'<b dir="auto">{name}</b>'
        yield f"<figcaption>{heading}{self._rows(self._facts(cell))}</figcaption>"
        yield self._bar(number)

    def _bar(self, number: int) -> str:
        words = self._words
        steps = "".join(
            f'<button class="step" data-step="{by}" aria-label="{_safe(said)}">{arrow}</button>'
            for by, said, arrow in ((-1, words.previous, "←"), (1, words.next, "→"))
        )
        hide = f'class="close" popovertarget="c{number}" popovertargetaction="hide"'
        return f'<div class="bar">{steps}<button {hide}>{_safe(words.close)}</button></div></figure>'

    def _picture(self, path: str, name: str, *, is_first: bool) -> str:
        found = thumbnails.portable(Path(path), self._side)
        if found is None:
            broken, file = _safe(self._words.broken), _safe(Path(path).name)
            return f'<div class="told bad"><b>{broken}</b>{file}</div>'
        kinds = (*(["clear"] if found.is_clear else []), *([] if is_first else ["more"]))
        classes = f' class="{" ".join(kinds)}"' if kinds else ""
        data = base64.b64encode(found.content).decode()
        size = f'width="{found.width}" height="{found.height}"'
        return (
            f'<img{classes} src="data:{found.media_type};base64,{data}" {size} alt="{_safe(name)}"'
            ' decoding="async">'
        )

    def _marks(self, cell: SheetCell) -> str:
        said = self._words.of_verdict(cell.verdict)
        verdict = f'<span class="mark verdict">{_safe(said)}</span>' if said else ""
        more = len(cell.pictures) - 1
        return verdict + (f'<span class="mark count">+{more}</span>' if more > 0 else "")

    def _told(self, cell: SheetCell) -> str:
        """A cell without a picture: what it is instead."""
        words = self._words
        if cell.state != sheets.COMPLETED:
            bad = " bad" if cell.state == sheets.FAILED else ""
            state = _safe(words.of_state(cell.state))
            return f'<div class="told{bad}"><b>{state}</b>{_safe(cell.reason)}</div>'
        rest = "\n".join((*cell.others, *cell.texts)) or cell.reason
        return f'<div class="told">{_safe(rest) or f"<b>{_safe(words.nothing)}</b>"}</div>'

    def _facts(self, cell: SheetCell) -> Iterator[tuple[str, str]]:
        sheet, words = self._sheet, self._words
        for axis, label in zip(sheet.axes, cell.labels, strict=False):
            if axis[0]:
                yield axis[0], label
        said = {axis[0] for axis in sheet.axes}
        for key, value in cell.values.items():
            if sheet.name_of(key) not in said:
                yield sheet.name_of(key), sheet.said(value)
        if cell.seed is not None and words.seed not in said:
            yield words.seed, str(cell.seed)
        if cell.seconds is not None:
            yield words.seconds, f"{cell.seconds:.1f}"
        if cell.verdict:
            yield words.verdict, words.of_verdict(cell.verdict)
        if cell.others:
            yield words.files, "\n".join(cell.others)
        if cell.texts:
            yield words.texts, "\n".join(cell.texts)

    def _hint(self, cell: SheetCell) -> str:
        return "\n".join(f"{name}: {_short(value)}" for name, value in self._facts(cell))

    def _rows(self, facts: Iterator[tuple[str, str]]) -> str:
        rows = "".join(f'<dt>{_safe(name)}</dt><dd dir="auto">{_safe(value)}</dd>' for name, value in facts)
        return f"<dl>{rows}</dl>" if rows else ""


def _number(sheet: Sheet, cell: SheetCell) -> int:
    """Where a cell stands, counted through pages, rows and columns."""
    number = 0
    for axis, place in zip(sheet.axes, cell.at, strict=False):
        number = number * len(axis[1]) + place
    return number


def _label(scope: str, label: str) -> str:
    long = ' class="long"' if len(label) > LONG_LABEL else ""
    return f'<th scope="{scope}"{long} title="{_safe(label)}"><span dir="auto">{_safe(label)}</span></th>'


def _short(value: str) -> str:
    return value if len(value) <= 200 else f"{value[:199]}…"


def _safe(text: str) -> str:
    return escape(text, quote=True)


def _text(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _policy(style: str) -> str:
    allowed = f"style-src '{_hash(style)}'; script-src '{_hash(_text('page.js'))}'"
    return f"default-src 'none'; img-src data:; {allowed}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
