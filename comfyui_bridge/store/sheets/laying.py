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
MOST_PIXELS = 100_000_000
PLENTY = 24_000_000
"""Pixels of a picture that opens anywhere; many cells are made smaller for it."""
LEAST_PLENTY = 256
"""No smaller than this for it."""
LEAST_UNFOLDED = 128
LEAST = 24
_STEP = 0.9
_BEST_RATIO = 1.5


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
        wide, _ = self._largest()
        y = 0
        for start in range(0, len(self.blocks), self.folding.across):
            line = self.blocks[start : start + self.folding.across]
            for number, block in enumerate(line):
                yield number * (wide + self.measures.margin), y, block
            y += max(self._size(block)[1] for block in line) + self.measures.margin

    def _size(self, block: Block) -> tuple[int, int]:
        columns = max(len(row.cells) for row in block.rows) if block.rows else 1
        return self.measures.block(columns, len(block.rows), is_flow=self.is_flow)

    def _largest(self) -> tuple[int, int]:
        sizes = [self._size(block) for block in self.blocks]
        return max(wide for wide, _ in sizes), max(high for _, high in sizes)


def lay_out(sheet: Sheet, side: int, measure: Callable[[int], Measures]) -> Layout | None:
    """The sheet with cells as large as fit, `side` at most; None where even the smallest are too many."""
    found = pages(sheet)
    sides = _sides(side)
    for plenty in (True, False):
        for one in sides:
            if one < (min(LEAST_PLENTY, side) if plenty else LEAST_UNFOLDED):
                break
            layout = _laid(sheet, found, measure(one), unfolded(sheet, found, measure(one)))
            if fits(layout.width, layout.height, PLENTY if plenty else MOST_PIXELS):
                return layout
    for one in sides:
        measures = measure(one)
        layout = _laid(sheet, found, measures, folded(sheet, found, measures))
        if fits(layout.width, layout.height, MOST_PIXELS):
            return layout
    return None


def _sides(largest: int) -> list[int]:
    """From the largest side down to the least, a little smaller each time."""
    sides = [largest]
    while sides[-1] > LEAST:
        sides.append(max(LEAST, int(sides[-1] * _STEP)))
    return sides


def fits(width: int, height: int, pixels: int) -> bool:
    # Something is left for what stands around the blocks.
    return width <= 0.97 * MOST_SIDE and height <= 0.9 * MOST_SIDE and width * height <= 0.9 * pixels


def unfolded(sheet: Sheet, found: Sequence[Page], measures: Measures) -> Folding:
    """A table as it is; the cells of a flow in lines that make a picture of a good shape."""
    columns, rows = _extent(sheet, found)
    if sheet.is_flow:
        columns = best_columns(columns, *measures.block(1, 1, is_flow=True))
    return Folding(columns, rows, 1)


def folded(sheet: Sheet, found: Sequence[Page], measures: Measures) -> Folding:
    """So many columns and rows in a block as fit, and then as many blocks beside each other."""
    columns, rows = _extent(sheet, found)
    wide, high = measures.box[0] + measures.gap, measures.box[1] + measures.gap
    if sheet.is_flow:
        return Folding(max(1, min(columns, int(0.95 * MOST_SIDE) // wide)), 1, 1)
    columns = max(1, min(columns, (int(0.95 * MOST_SIDE) - measures.row_label) // wide))
    rows = max(1, min(rows, (int(0.88 * MOST_SIDE) - measures.head - measures.title) // high))
    width, height = measures.block(columns, rows, is_flow=False)
    count = len(list(_blocks(sheet, found, Folding(columns, rows, 1))))
    is_high = count * (height + measures.margin) > 0.9 * MOST_SIDE
    most = (int(0.97 * MOST_SIDE) + measures.margin) // (width + measures.margin)
    return Folding(columns, rows, max(1, min(count, most)) if is_high else 1)


def best_columns(count: int, width: int, height: int) -> int:
    """In how many columns so many cells make a calm picture: no ribbon, and few places empty at its end."""

    def unrest(columns: int) -> float:
        rows = math.ceil(count / columns)
        ratio = columns * width / (rows * height)
        return abs(math.log(ratio / _BEST_RATIO)) + 1.2 * (columns * rows - count) / max(count, 1)

    return min(range(1, max(count, 1) + 1), key=unrest)


def _extent(sheet: Sheet, found: Sequence[Page]) -> tuple[int, int]:
    if sheet.is_flow:
        return max(1, len(found[0].rows[0].cells)), 1
    return max(1, len(sheet.columns.labels)), max(1, len(sheet.rows.labels))


def _laid(sheet: Sheet, found: Sequence[Page], measures: Measures, folding: Folding) -> Layout:
    blocks = tuple(_blocks(sheet, found, folding))
    layout = Layout(measures, folding, blocks, 0, 0, sheet.is_flow)
    sizes = [layout._size(block) for block in blocks]
    wide = max(width for width, _ in sizes)
    across = min(folding.across, len(blocks))
    lines = [sizes[start : start + across] for start in range(0, len(sizes), across)]
    height = sum(max(high for _, high in line) + measures.margin for line in lines) - measures.margin
    width = across * (wide + measures.margin) - measures.margin
    return Layout(measures, folding, blocks, width, height, sheet.is_flow)


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
