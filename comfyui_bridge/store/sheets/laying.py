"""How large a sheet's picture is, and what stands where in it: sizes in, blocks out.

A sheet is laid out as it is thought, pages below each other, with cells as large as fit. Where that would
make them too small, long tables are folded: into bands of columns, and into blocks beside each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from comfyui_bridge.core.sheet import Page, Row, Sheet, pages

MOST_SIDE = 16_000
"""Pixels; a WebP may have 16,383 on a side."""
MOST_PIXELS = 80_000_000
"""Pillow itself warns of pictures of more than 89 million."""
PLENTY = 24_000_000
"""Pixels of a picture that opens anywhere; many cells are made smaller for it, to LEAST_PLENTY."""
LEAST_PLENTY = 192
LEAST = 24
_STEP = 0.9
_BEST_RATIO = 1.5
_EMPTY_PLACES = 1.2
_FOLDED = 1.2
"""How much a fold disturbs: as much as a picture that is three times as wide as is good."""
_MOST_FOLDS = 64


@dataclass(frozen=True)
class Measures:
    """The sizes, in pixels, that a side of the cells leads to."""

    side: int
    box: tuple[int, int]
    """A picture's room in a cell."""
    gap: int
    letters: int
    """The size of labels and of what stands in cells."""
    row_label: int
    """How wide the labels before the rows are; 0 without."""
    head: int
    """How high the labels above the columns are, or the captions below the cells of a flow; 0 without."""
    title: int
    """How high the heading of a page is; 0 without."""
    margin: int

    def block(self, columns: int, rows: int, *, is_flow: bool) -> tuple[int, int]:
        width = self.row_label + columns * (self.box[0] + self.gap) - self.gap
        captions = rows * self.head if is_flow else self.head
        return width, self.title + captions + rows * (self.box[1] + self.gap) - self.gap


@dataclass(frozen=True)
class Block:
    """Some rows and columns of one page, with the labels above them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Folding:
    """So many columns and rows in a block at most, and so many blocks beside each other."""

    columns: int
    rows: int
    across: int


@dataclass(frozen=True)
class Layout:
    """What fits: the measures, the blocks in order, and how they stand."""

    measures: Measures
    folding: Folding
    blocks: tuple[Block, ...]
    width: int
    height: int
    """Of all blocks, without what stands above and below them."""
    is_flow: bool

    def places(self) -> Iterator[tuple[int, int, Block]]:
        """Where each block begins."""
        m, folding = self.measures, self.folding
        rows = len(self.blocks[0].rows) if self.is_flow else folding.rows
        width, height = m.block(folding.columns, rows, is_flow=self.is_flow)
        for number, block in enumerate(self.blocks):
            line, place = divmod(number, folding.across)
            yield place * (width + m.margin), line * (height + m.margin), block


def lay_out(sheet: Sheet, side: int, measure: Callable[[int], Measures]) -> Layout | None:
    """The sheet with cells as large as fit, `side` at most; None where even the smallest are too many."""
    count = len(sheet.axes[0].labels) if len(sheet.axes) > 2 else 1
    for pixels, least in ((PLENTY, LEAST_PLENTY), (MOST_PIXELS, LEAST)):
        for one in _sides(side, least):
            measures = measure(one)
            folding = _best(sheet, count, measures, pixels)
            if folding is not None:
                blocks = tuple(_blocks(sheet, pages(sheet), folding))
                width, height = _extent(sheet, count, measures, folding)
                return Layout(measures, folding, blocks, width, height, sheet.is_flow)
    return None


def _sides(largest: int, least: int) -> Iterator[int]:
    """From the largest side down to the least, a little smaller each time."""
    side = largest
    while side > least:
        yield side
        side = int(side * _STEP)
    yield min(largest, least)


def _best(sheet: Sheet, count: int, measures: Measures, pixels: int) -> Folding | None:
    """Of the foldings that fit, the one that disturbs least."""
    calm: tuple[float, Folding] | None = None
    for folding, folds in _foldings(sheet, count, measures):
        width, height = _extent(sheet, count, measures, folding)
        unrest = abs(math.log(width / height / _BEST_RATIO)) + folds * _FOLDED
        if _fits(width, height, pixels) and (calm is None or unrest < calm[0]):
            calm = unrest, folding
    return calm[1] if calm else None


def _fits(width: int, height: int, pixels: int) -> bool:
    # Something is left for what stands around the blocks.
    return width <= 0.97 * MOST_SIDE and height <= 0.9 * MOST_SIDE and width * height <= 0.9 * pixels


def _foldings(sheet: Sheet, count: int, measures: Measures) -> Iterator[tuple[Folding, int]]:
    """Ways to lay out so many pages, and how many folds each has: none first."""
    columns, rows = max(1, len(sheet.columns.labels)), max(1, len(sheet.rows.labels))
    if sheet.is_flow:
        cells = max(1, len(sheet.cells))
        yield Folding(best_columns(cells, *measures.block(1, 1, is_flow=True)), cells, 1), 0
        return
    for across in range(1, min(count, _MOST_FOLDS) + 1):
        yield Folding(columns, rows, across), int(across > 1)
    for bands in range(2, min(columns, _MOST_FOLDS) + 1):
        yield Folding(math.ceil(columns / bands), rows, 1), 1
    for parts in range(2, min(rows, _MOST_FOLDS) + 1):
        yield Folding(columns, math.ceil(rows / parts), parts), 1


def _extent(sheet: Sheet, count: int, measures: Measures, folding: Folding) -> tuple[int, int]:
    """How large all blocks are together."""
    if sheet.is_flow:
        return measures.block(
            folding.columns, math.ceil(len(sheet.cells) / folding.columns) or 1, is_flow=True
        )
    bands = math.ceil(max(1, len(sheet.columns.labels)) / folding.columns)
    parts = math.ceil(max(1, len(sheet.rows.labels)) / folding.rows)
    width, height = measures.block(folding.columns, folding.rows, is_flow=False)
    lines = math.ceil(count * bands * parts / folding.across)
    across = folding.across * (width + measures.margin) - measures.margin
    return across, lines * (height + measures.margin) - measures.margin


def best_columns(count: int, width: int, height: int) -> int:
    """In how many columns so many cells make a calm picture: no ribbon, and few places empty at its end."""

    def unrest(columns: int) -> float:
        rows = math.ceil(count / columns)
        ratio = columns * width / (rows * height)
        return abs(math.log(ratio / _BEST_RATIO)) + _EMPTY_PLACES * (columns * rows - count) / max(count, 1)

    return min(range(1, max(count, 1) + 1), key=unrest)


def _blocks(sheet: Sheet, found: Sequence[Page], folding: Folding) -> Iterator[Block]:
    if sheet.is_flow:
        cells = found[0].rows[0].cells
        starts = range(0, max(len(cells), 1), folding.columns)
        yield Block("", (), tuple(Row("", cells[start : start + folding.columns]) for start in starts))
        return
    labels = sheet.columns.labels
    for page in found:
        for top in range(0, len(page.rows), folding.rows):
            rows = page.rows[top : top + folding.rows]
            for left in range(0, len(labels), folding.columns):
                part = slice(left, left + folding.columns)
                cut = tuple(Row(row.label, row.cells[part]) for row in rows)
                yield Block(page.title, labels[part], cut)
