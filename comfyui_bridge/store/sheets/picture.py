"""A sheet as one picture: its title, what all cells share, and the cells under their labels.

Pictures are read one at a time and put where they belong, so that memory holds the sheet and one of them.
"""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from comfyui_bridge.core import sheet as sheets
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.sheet import Sheet, SheetCell
from comfyui_bridge.store import thumbnails
from comfyui_bridge.store.sheets.fonts import Fonts
from comfyui_bridge.store.sheets.laying import Block, Measures, lay_out
from comfyui_bridge.version import __version__

PROGRAM = f"ComfyUI Bridge {__version__}"
SIDE = 512
"""Pixels of a cell's longer side at most."""
MOST_LABEL_LINES = 3
LONG_LABEL = 32
"""Characters; longer labels are sentences, and not set in bold."""
_LEAST_BOX = 160
_LEAST_WIDTH = 900
_SHORT = 48
"""Characters of a value that needs no line of its own."""
_MOST_LINES = 6
"""Of a value that all cells share."""
_LINE = 1.35

_PAPER, _INK, _SOFT, _FAINT = "#ffffff", "#1c1c22", "#5d5d69", "#8a8a96"
_EMPTY, _EDGE = "#f4f4f6", "#dcdce2"
_BAD, _BAD_INK = "#fdeceb", "#a1271f"
_GOOD, _SHADE = "#1f8a4c", "#26262e"
_CHECKS = ("#ffffff", "#e6e6ea")

_one_at_a_time = threading.BoundedSemaphore(1)
"""A large sheet takes 250 MB while it is painted."""


def picture(sheet: Sheet, kind: str = "PNG", side: int = SIDE) -> bytes:
    """The sheet as a PNG or a WEBP, cells at most `side` large.

    Raises InvalidValues for a sheet of more cells than a picture can hold.
    """
    with _one_at_a_time:
        canvas = _Painter(sheet, side).painted()
        written = io.BytesIO()
        if kind == "WEBP":
            canvas.save(written, "WEBP", quality=88, method=2, xmp=_xmp(sheet))
        else:
            canvas.save(written, "PNG", compress_level=3, pnginfo=_png_info(sheet))
        return written.getvalue()


@dataclass(frozen=True)
class _Words:
    """A few words of a line."""

    text: str
    colour: str
    bold: bool = False


@dataclass(frozen=True)
class _Line:
    """A line of text above or below the cells."""

    size: int
    parts: tuple[_Words, ...]
    indent: float = 0.0
    space: int = 0
    """Above it."""

    @property
    def height(self) -> int:
        return round(self.size * _LINE) + self.space


class _Painter:
    def __init__(self, sheet: Sheet, side: int) -> None:
        self._sheet = sheet
        self._words = sheet.words
        self._fonts = Fonts()
        self._sizes = {cell.at: size for cell in sheet.cells if (size := _size(cell)) is not None}
        self._label_widths = self._measured()
        layout = lay_out(sheet, side, self._measures)
        if layout is None:
            raise InvalidValues({"sheet": self._words.too_many.format(count=f"{sheet.size:,}")})
        self._layout = layout
        self._measure = layout.measures

    def painted(self) -> Image.Image:
        layout, margin = self._layout, self._measure.margin
        inner = max(layout.width, _LEAST_WIDTH)
        unit = min(max(inner / 1800, 1.0), 3.0)
        head = list(self._head(inner, unit))
        foot = list(self._foot(inner, unit))
        above = margin + sum(line.height for line in head) + margin
        below = margin // 2 + sum(line.height for line in foot) + margin // 2
        size = (inner + 2 * margin, above + layout.height + below)
        canvas = Image.new("RGB", size, _PAPER)
        on = ImageDraw.Draw(canvas)
        self._lines(on, margin, margin, head)
        for x, y, block in layout.places():
            self._block(canvas, on, margin + x, above + y, block)
        foot = list(self._foot(inner, unit))  # once more: a font may have been missed meanwhile
        self._lines(on, margin, above + layout.height + margin // 2, foot)
        return canvas

    # What stands above and below.

    def _head(self, width: int, unit: float) -> Iterator[_Line]:
        sheet = self._sheet
        title, text = round(36 * unit), round(19 * unit)
        wide = min(width, round(1500 * unit))
        for line in self._fonts.lines(sheet.title, wide, title, 3, bold=True):
            yield _Line(title, (_Words(line, _INK, bold=True),))
        for note in sheet.notes:
            for line in self._fonts.lines(note, wide, text, 3):
                yield _Line(text, (_Words(line, _SOFT),))
        yield from self._shared(wide, text, round(14 * unit))

    def _shared(self, width: int, size: int, space: int) -> Iterator[_Line]:
        """Each sentence on lines of its own; numbers and names after one another."""
        sheet = self._sheet
        said = [(sheet.name_of(key), sheet.said(value)) for key, value in sheet.shared.items()]
        lines = [self._sentence(*one, width, size) for one in said if len(one[1]) > _SHORT]
        lines.append(self._packed([one for one in said if len(one[1]) <= _SHORT], width, size))
        for number, line in enumerate(itertools.chain.from_iterable(lines)):
            yield line if number else replace(line, space=space)

    def _sentence(self, name: str, text: str, width: int, size: int) -> Iterator[_Line]:
        label = _Words(f"{name}  ", _INK, bold=True)
        indent = min(self._fonts.width(label.text, size, bold=True), width / 3)
        for number, line in enumerate(self._fonts.lines(text, width - indent, size, _MOST_LINES)):
            words = _Words(line, _SOFT)
            yield _Line(size, (words,), indent) if number else _Line(size, (label, words))

    def _packed(self, said: Sequence[tuple[str, str]], width: int, size: int) -> Iterator[_Line]:
        parts: list[_Words] = []
        length = 0.0
        for name, text in said:
            pair = (_Words(f"{name} ", _INK, bold=True), _Words(f"{text}     ", _SOFT))
            wide = sum(self._fonts.width(one.text, size, bold=one.bold) for one in pair)
            if parts and length + wide > width:
                yield _Line(size, tuple(parts))
                parts, length = [], 0.0
            parts += pair
            length += wide
        if parts:
            yield _Line(size, tuple(parts))

    def _foot(self, width: int, unit: float) -> Iterator[_Line]:
        size, words = round(15 * unit), self._words
        said = [words.made_with.format(program=PROGRAM)]
        if any(max(size) > self._measure.side for size in self._sizes.values()):
            said.append(words.reduced.format(size=self._measure.side))
        if self._fonts.is_missing:
            said.append(words.no_font)
        for line in self._fonts.lines(" · ".join(said), width, size, 3):
            yield _Line(size, (_Words(line, _FAINT),))

    def _lines(self, on: ImageDraw.ImageDraw, x: int, y: int, lines: Sequence[_Line]) -> None:
        for line in lines:
            left = x + line.indent
            for part in line.parts:
                at = (left, y + line.space + line.size)
                self._fonts.draw(on, at, part.text, line.size, part.colour, bold=part.bold)
                left += self._fonts.width(part.text, line.size, bold=part.bold)
            y += line.height

    # Sizes.

    def _measured(self) -> Mapping[str, float]:
        """How wide the widest labels are, at a size of 100."""
        sheet = self._sheet
        columns = [cell.name for cell in sheet.cells] if sheet.is_flow else sheet.columns.labels
        rows = [] if sheet.is_flow else [*sheet.rows.labels, sheet.rows.title]
        widest = {"columns": columns, "rows": rows}
        return {
            name: max((self._fonts.width(label[:120], 100, bold=True) for label in labels), default=0.0)
            for name, labels in widest.items()
        }

    def _measures(self, side: int) -> Measures:
        sheet = self._sheet
        box = self._box(side)
        letters = round(min(max(side / 19, 9), 24))
        gap = max(2, round(side / 40))
        line = round(letters * _LINE)
        wide = self._label_widths["columns"] * letters / 100
        lines = min(MOST_LABEL_LINES, -int(-wide * 1.2 // max(box[0], 1))) if wide else 0
        row = self._label_widths["rows"] * letters / 100 + 2 * gap
        title = round(letters * 1.25 * _LINE) + gap if len(sheet.axes) > 2 else 0
        return Measures(
            side=side,
            box=box,
            gap=gap,
            letters=letters,
            row_label=0 if sheet.is_flow else round(min(row, max(0.55 * side, 5 * letters))),
            head=lines * line + (gap if lines else 0) + (0 if sheet.is_flow else line),
            title=title,
            margin=round(min(max(side / 9, 16), 56)),
        )

    def _box(self, side: int) -> tuple[int, int]:
        """What a picture may take: as much as the largest of them do, and no cell is too small to read."""
        within = [_within(size, side) for size in self._sizes.values()]
        least = min(_LEAST_BOX, side)
        if not within:
            return side, max(least, round(side * 0.62))
        return max(least, *(width for width, _ in within)), max(least, *(high for _, high in within))

    # The cells.

    def _block(self, canvas: Image.Image, on: ImageDraw.ImageDraw, x: int, y: int, block: Block) -> None:
        m, sheet = self._measure, self._sheet
        if block.title:
            size = round(m.letters * 1.25)
            self._fonts.draw(on, (x, y + size), block.title, size, _INK, bold=True)
        y += m.title
        if not sheet.is_flow:
            self._column_labels(on, x + m.row_label, y, block)
            y += m.head
        for row in block.rows:
            self._row_label(on, x, y, row.label)
            for number, cell in enumerate(row.cells):
                left = x + m.row_label + number * (m.box[0] + m.gap)
                self._cell(canvas, on, left, y, cell)
                if sheet.is_flow and cell is not None:
                    self._caption(on, left, y + m.box[1], cell.name)
            y += m.box[1] + m.gap + (m.head if sheet.is_flow else 0)

    def _column_labels(self, on: ImageDraw.ImageDraw, x: int, y: int, block: Block) -> None:
        """The axis' title over all, and each label at the foot of its room."""
        m = self._measure
        line = round(m.letters * _LINE)
        for text in self._fonts.lines(self._sheet.columns.title, m.box[0], m.letters, 1):
            self._fonts.draw(on, (x, y + m.letters), text, m.letters, _SOFT)
        most = max(1, (m.head - m.gap) // line)
        names = self._fonts.lines(self._sheet.rows.title, m.row_label - m.gap, m.letters, most)
        for number, text in enumerate(names, -len(names)):
            at = (x - m.row_label, y + m.head - m.gap + number * line + m.letters)
            self._fonts.draw(on, at, text, m.letters, _SOFT)
        for number, label in enumerate(block.columns):
            bold = len(label) <= LONG_LABEL
            lines = self._fonts.lines(label, m.box[0], m.letters, MOST_LABEL_LINES, bold=bold)
            base = y + m.head - m.gap - len(lines) * line + m.letters
            left = x + number * (m.box[0] + m.gap)
            for text in lines:
                self._fonts.draw(on, (left, base), text, m.letters, _INK, bold=bold)
                base += line

    def _row_label(self, on: ImageDraw.ImageDraw, x: int, y: int, label: str) -> None:
        m = self._measure
        line = round(m.letters * _LINE)
        most = max(1, m.box[1] // line)
        bold = len(label) <= LONG_LABEL
        for number, text in enumerate(
            self._fonts.lines(label, m.row_label - m.gap, m.letters, most, bold=bold)
        ):
            self._fonts.draw(on, (x, y + number * line + m.letters), text, m.letters, _INK, bold=bold)

    def _caption(self, on: ImageDraw.ImageDraw, x: int, y: int, label: str) -> None:
        m = self._measure
        line = round(m.letters * _LINE)
        bold = len(label) <= LONG_LABEL
        lines = self._fonts.lines(label, m.box[0], m.letters, MOST_LABEL_LINES, bold=bold)
        for number, text in enumerate(lines):
            base = y + m.gap // 2 + number * line + m.letters
            self._fonts.draw(on, (x, base), text, m.letters, _INK, bold=bold)

    def _cell(
        self, canvas: Image.Image, on: ImageDraw.ImageDraw, x: int, y: int, cell: SheetCell | None
    ) -> None:
        if cell is None or cell.state == sheets.SKIPPED:
            return
        if not cell.pictures:
            self._told(on, x, y, cell)
            return
        small = None
        if cell.at in self._sizes:
            small = thumbnails.reduced(Path(cell.pictures[0]), (self._measure.side, self._measure.side))
        if small is None:
            name = Path(cell.pictures[0]).name
            self._text(on, x, y, self._words.broken, name, is_bad=True)
            return
        left = x + (self._measure.box[0] - small.width) // 2
        top = y + (self._measure.box[1] - small.height) // 2
        canvas.paste(_on_checks(small), (left, top))
        if cell.verdict == sheets.REJECTED:
            veil = Image.new("RGB", small.size, _PAPER)
            canvas.paste(Image.blend(_on_checks(small), veil, 0.65), (left, top))
        self._marks(on, left, top, small.size, cell)

    def _marks(self, on: ImageDraw.ImageDraw, x: int, y: int, size: tuple[int, int], cell: SheetCell) -> None:
        m = self._measure
        if cell.verdict == sheets.KEPT:
            width = max(2, m.side // 90)
            edge = (x, y, x + size[0] - 1, y + size[1] - 1)
            on.rectangle(edge, outline=_GOOD, width=width)
        said = self._words.of_verdict(cell.verdict)
        if said:
            self._pill(on, x, y, said, _GOOD if cell.verdict == sheets.KEPT else _SHADE)
        if len(cell.pictures) > 1:
            self._pill(on, x + size[0], y + size[1], f"+{len(cell.pictures) - 1}", _SHADE, at_end=True)

    def _pill(
        self, on: ImageDraw.ImageDraw, x: int, y: int, text: str, colour: str, *, at_end: bool = False
    ) -> None:
        """A few words on a coloured ground, in the corner that begins at (x, y), or ends there."""
        size = max(9, round(self._measure.letters * 0.8))
        inset, pad = max(2, size // 2), size // 2
        wide, high = round(self._fonts.width(text, size, bold=True)) + 2 * pad, round(size * 1.6)
        left = x - inset - wide if at_end else x + inset
        top = y - inset - high if at_end else y + inset
        on.rounded_rectangle((left, top, left + wide, top + high), radius=high // 3, fill=colour)
        self._fonts.draw(on, (left + pad, top + round(size * 1.16)), text, size, _PAPER, bold=True)

    def _told(self, on: ImageDraw.ImageDraw, x: int, y: int, cell: SheetCell) -> None:
        """A cell without a picture: what it is instead."""
        words = self._words
        if cell.state != sheets.COMPLETED:
            is_bad = cell.state == sheets.FAILED
            self._text(on, x, y, words.of_state(cell.state), cell.reason, is_bad=is_bad)
            return
        rest = "\n".join((*cell.others, *cell.texts))
        self._text(on, x, y, "" if rest else words.nothing, rest or cell.reason)

    def _text(
        self, on: ImageDraw.ImageDraw, x: int, y: int, first: str, rest: str, *, is_bad: bool = False
    ) -> None:
        m = self._measure
        width, height = m.box
        fill, ink = (_BAD, _BAD_INK) if is_bad else (_EMPTY, _SOFT)
        on.rectangle((x, y, x + width - 1, y + height - 1), fill=fill, outline=_EDGE)
        pad, size = max(3, m.letters // 2), max(9, round(m.letters * 0.86))
        line = round(size * _LINE)
        left = max(1, (height - 2 * pad) // line)
        base = y + pad + size
        for text, bold in ((first, True), *((part, False) for part in rest.splitlines())):
            if left <= 0 or not text.strip():
                continue
            for one in self._fonts.lines(text, width - 2 * pad, size, left, bold=bold):
                self._fonts.draw(on, (x + pad, base), one, size, ink, bold=bold)
                base += line
                left -= 1


def _size(cell: SheetCell) -> tuple[int, int] | None:
    """How large the first picture of a cell is, as far as its file says; None where it cannot be read."""
    if not cell.pictures:
        return None
    return thumbnails.size_of(Path(cell.pictures[0]))


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    share = min(1.0, side / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _on_checks(picture: Image.Image) -> Image.Image:
    """What is transparent over the squares that say so."""
    if picture.mode != "RGBA" or picture.getchannel("A").getextrema()[0] == 255:
        return picture.convert("RGB")
    step = 12
    ground = Image.new("RGB", picture.size, _CHECKS[0])
    on = ImageDraw.Draw(ground)
    for y in range(0, picture.height, step):
        for x in range(step * (y // step % 2), picture.width, 2 * step):
            on.rectangle((x, y, x + step - 1, y + step - 1), fill=_CHECKS[1])
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _png_info(sheet: Sheet) -> PngInfo:
    told = PngInfo()
    told.add_itxt("Title", sheet.title)
    told.add_itxt("Description", "\n".join(sheet.notes))
    told.add_text("Software", PROGRAM)
    return told


def _xmp(sheet: Sheet) -> bytes:
    title, notes = escape(_printable(sheet.title)), escape(_printable("\n".join(sheet.notes)))
    lines = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">',
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"',
        f' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="{PROGRAM}">',
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>',
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{notes}</rdf:li></rdf:Alt></dc:description>',
        "</rdf:Description></rdf:RDF></x:xmpmeta>",
    )
    return "".join(lines).encode()


def _printable(text: str) -> str:
    """Without what XML cannot say."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
