"""A sheet as a file: what is painted where, how large it may be, and a page that nothing gets out of."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from comfyui_bridge.core import sheet as sheet_
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.sheet import Heading, Sheet, SheetCell
from comfyui_bridge.store import sheets
from comfyui_bridge.store.sheets import laying
from comfyui_bridge.store.sheets.fonts import Fonts
from comfyui_bridge.store.sheets.laying import Measures

NASTY = "</style><script>alert(1)</script>\"' onload=x <img src=//evil.example/x> {{value}} &amp; 小猫"
COLOURS = ((200, 30, 30), (30, 160, 60), (30, 60, 200), (220, 180, 20), (150, 40, 160), (20, 170, 180))


def grid(*sizes: int, cell: Callable[[tuple[int, ...]], SheetCell] = SheetCell) -> Sheet:
    axes = tuple(Heading(f"Axis {n}", tuple(f"{n}:{i}" for i in range(size))) for n, size in enumerate(sizes))
    cells = tuple(cell(at) for at in itertools.product(*(range(size) for size in sizes)))
    return Sheet("A study", ("made for a test",), axes, cells)


@pytest.fixture
def plain(tmp_path: Path) -> Callable[[int], str]:
    """A picture of one colour."""

    def made(number: int) -> str:
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (64, 48), COLOURS[number]).save(path)
        return str(path)

    return made


def painted(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as picture:
        return picture.convert("RGB")


def blocks(picture: Image.Image) -> dict[tuple[int, int, int], tuple[int, int, int, int]]:
    """Where each of our colours stands."""
    found = {}
    for colour in COLOURS:
        bands = picture.split()
        masks = [
            band.point([255 * (abs(value - level) < 12) for value in range(256)])
            for band, level in zip(bands, colour, strict=True)
        ]
        mask = Image.new("L", picture.size, 255)
        for one in masks:
            mask = Image.composite(mask, Image.new("L", picture.size), one)
        if (box := mask.getbbox()) is not None:
            found[colour] = box
    return found


def test_pictures_stand_under_their_labels_in_order(plain: Callable[[int], str]) -> None:
    made = grid(2, 3, cell=lambda at: SheetCell(at, pictures=(plain(at[0] * 3 + at[1]),)))
    found = blocks(painted(sheets.picture(made)))
    places = [found[colour] for colour in COLOURS]
    assert [(right - left, low - top) for left, top, right, low in places] == [(64, 48)] * 6, "never enlarged"
    rows, columns = (
        [[*group] for group in (places[:3], places[3:])],
        [*zip(places[:3], places[3:], strict=True)],
    )
    assert all(len({top for _, top, _, _ in row}) == 1 for row in rows)
    assert all(len({left for left, _, _, _ in column}) == 1 for column in columns)
    assert places[0][0] < places[1][0] < places[2][0]
    assert places[0][3] < places[3][1]
    # The name of the rows has room, though their labels need none.
    named = Heading("A longer name", made.axes[0].labels)
    longer = blocks(painted(sheets.picture(replace(made, axes=(named, made.axes[1])))))
    assert longer[COLOURS[0]][0] > places[0][0] + 20


def test_pages_stand_below_each_other_and_one_axis_wraps(plain: Callable[[int], str]) -> None:
    three = grid(2, 1, 2, cell=lambda at: SheetCell(at, pictures=(plain(at[0] * 2 + at[2]),)))
    places = [blocks(painted(sheets.picture(three)))[colour] for colour in COLOURS[:4]]
    assert places[1][3] < places[2][1] - 40, "a heading stands between them"
    flow = grid(6, cell=lambda at: SheetCell(at, at and (f"{at[0]}",), pictures=(plain(at[0]),)))
    tops = [blocks(painted(sheets.picture(flow)))[colour][1] for colour in COLOURS]
    assert tops[0] == tops[1] == tops[2] < tops[3] == tops[4] == tops[5]


def test_what_is_no_picture_is_said_and_what_is_left_out_stays_empty(
    plain: Callable[[int], str], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(Path(plain(0)).read_bytes()[:60])
    cells = (
        {"state": sheet_.FAILED, "reason": NASTY},
        {"state": sheet_.SKIPPED, "pictures": (plain(1),)},
        {"pictures": (str(broken),)},
        {"pictures": (str(tmp_path / "gone.png"), plain(2))},
        {"others": ("clip.mp4",), "texts": ("a caption " * 200,)},
        {"pictures": (plain(3),), "verdict": sheet_.REJECTED},
    )
    made = grid(6, cell=lambda at: SheetCell(at, (NASTY,), **cells[at[0]]))  # type: ignore[arg-type]
    found = blocks(painted(sheets.picture(made)))
    assert found == {}, "one is left out, one cannot be read, and one is rejected, which fades it"
    assert "clip.mp4" in (page := sheets.page(made))
    assert page.count("This picture cannot be shown.") == 2
    assert sheets.picture(Sheet("")), "nothing at all makes an empty sheet"


def test_what_is_transparent_shows_squares_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    Image.new("RGBA", (200, 200), (255, 0, 0, 0)).save(path)
    picture = painted(sheets.picture(grid(1, cell=lambda at: SheetCell(at, pictures=(str(path),)))))
    assert (230, 230, 234) in {colour for _, colour in picture.getcolors(1 << 20) or ()}
    assert 'class="clear"' in sheets.page(grid(1, cell=lambda at: SheetCell(at, pictures=(str(path),))))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_picture_says_what_it_is_of(kind: str) -> None:
    made = Sheet("Füchse <&> 狐狸\x00", ("made for a test",))
    with Image.open(io.BytesIO(sheets.picture(made, kind))) as picture:
        told = picture.info["xmp"].decode() if kind == "WEBP" else "".join(map(str, picture.info.values()))
        assert picture.format == kind
    assert "狐狸" in told
    assert "made for a test" in told
    assert "ComfyUI Bridge" in told
    assert kind == "PNG" or "&lt;&amp;&gt;" in told


def square(side: int) -> Measures:
    gap = max(2, side // 40)
    return Measures(side, (side, side), gap, max(9, side // 19), side // 2, side // 8, side // 10, side // 9)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=3), st.integers(64, 512))
def test_every_sheet_fits_with_each_cell_in_one_place(sizes: list[int], side: int) -> None:
    while len(sizes) > 1 and laying.math.prod(sizes) > 2_000:
        sizes = sizes[:-1]
    made = grid(*sizes)
    layout = laying.lay_out(made, side, square)
    assert layout is not None
    assert layout.width <= laying.MOST_SIDE
    assert layout.height <= laying.MOST_SIDE
    assert layout.width * layout.height <= laying.MOST_PIXELS
    cells = [cell for block in layout.blocks for row in block.rows for cell in row.cells if cell]
    assert sorted(cell.at for cell in cells) == [cell.at for cell in made.in_order]
    for x, y, block in layout.places():
        columns = max(len(row.cells) for row in block.rows)
        wide, high = layout.measures.block(columns, len(block.rows), is_flow=layout.is_flow)
        assert (x + wide, y + high) <= (layout.width, layout.height) or (
            x + wide <= layout.width and y + high <= layout.height
        )


@pytest.mark.parametrize(
    ("sizes", "across", "columns"),
    [((3, 4), 1, 4), ((2, 120), 1, 20), ((60, 2), 6, 2), ((20, 10), 1, 10), ((100, 1, 1), 12, 1)],
)
def test_only_what_would_be_a_ribbon_is_folded(sizes: tuple[int, ...], across: int, columns: int) -> None:
    layout = laying.lay_out(grid(*sizes), 512, square)
    assert layout is not None
    assert (layout.folding.across, layout.folding.columns) == (across, columns)


def test_more_cells_than_a_picture_holds_are_refused_with_their_number() -> None:
    with pytest.raises(InvalidValues, match="250,000"):
        sheets.picture(Sheet("S", axes=tuple(Heading("", tuple(map(str, range(500)))) for _ in range(2))))


_FONTS = Fonts()


@given(st.text(max_size=120), st.integers(40, 400), st.integers(1, 5))
def test_lines_are_no_wider_than_their_room_whatever_is_written(text: str, width: int, most: int) -> None:
    fonts = _FONTS
    lines = fonts.lines(text, width, 16, most)
    assert len(lines) <= most
    assert all(fonts.width(line, 16) <= width + 1 or len(line) < 3 for line in lines)
    on = ImageDraw.Draw(Image.new("RGB", (10, 10)))
    for line in lines:
        fonts.draw(on, (0, 10), line, 16, "black")


def test_a_sign_that_no_font_has_is_said_and_the_sheet_says_so() -> None:
    fonts = Fonts()
    assert fonts.width("[nazar amulet]", 16) == fonts.width("\U0001f9ff", 16) or not fonts.is_missing
    fonts.width("\U000f0000", 16)
    assert fonts.is_missing


class _Read(HTMLParser):
    """The elements of a page with their attributes, and all its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.said = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attributes}))

    def handle_data(self, data: str) -> None:
        self.said += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_a_page_holds_all_it_needs_and_lets_nothing_else_run(plain: Callable[[int], str]) -> None:
    def cell(at: tuple[int, ...]) -> SheetCell:
        if at == (0, 1):
            return SheetCell(at, (NASTY, NASTY), state=sheet_.FAILED, reason=NASTY)
        pictures = (plain(0), plain(1)) if at == (0, 0) else (plain(2),)
        values = {NASTY: NASTY, "loras": [{"name": NASTY}]}
        return SheetCell(at, (NASTY, NASTY), values, pictures=pictures, others=(NASTY,), texts=(NASTY,))

    made = grid(2, 2, cell=cell)
    axes = tuple(Heading(NASTY, (NASTY, NASTY)) for _ in range(2))
    nasty = Sheet(NASTY, (NASTY,), axes, made.cells, {NASTY: NASTY}, {NASTY: NASTY})
    page = sheets.page(nasty)
    read = _Read(page)
    assert [tag for tag, _ in read.found if tag in ("script", "style", "link", "iframe", "base")] == [
        "style",
        "script",
    ]
    assert not [name for _, attributes in read.found for name in attributes if name.startswith("on")]
    assert not [1 for _, attributes in read.found if "style" in attributes]
    sources = [attributes["src"] for attributes in read.all("img")]
    assert len(sources) == 4
    assert all(source.startswith("data:image/webp;base64,") for source in sources)
    assert not [1 for _, a in read.found if {"href", "srcset", "action", "formaction"} & a.keys()]
    assert read.said.count(NASTY) > 10, "what people wrote is text"
    [policy] = [meta["content"] for meta in read.all("meta") if meta.get("http-equiv")]
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        [content] = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    ids = [attributes["id"] for attributes in read.all("figure")]
    assert len(set(ids)) == len(ids) == 3
    opening = {
        attributes["popovertarget"] for attributes in read.all("button") if "popovertarget" in attributes
    }
    assert opening == set(ids)


def test_a_short_animation_is_in_the_page_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "moves.gif"
    frames = [Image.new("RGB", (20, 20), colour) for colour in COLOURS]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    page = sheets.page(grid(1, cell=lambda at: SheetCell(at, pictures=(str(path),))))
    assert f"data:image/gif;base64,{base64.b64encode(path.read_bytes()).decode()}" in page


def test_a_table_has_a_row_a_cell_and_runs_nothing() -> None:
    values = {
        "prompt": '=HYPERLINK("http://evil")',
        "cfg": -1.5,
        "steps": 2**60,
        "note": "+49 30",
        "sign": "-x",
    }
    made = grid(2, 1, cell=lambda at: SheetCell(at, (f"@{at[0]}", "-3"), values, run_id="r", seconds=1.234))
    text = sheets.table(made)
    assert text.startswith("\ufeff")
    rows = [*csv.DictReader(io.StringIO(text[1:]))]
    assert [row["1. Axis 0"] for row in rows] == ["'@0", "'@1"]
    assert rows[0]["2. Axis 1"] == "-3"
    assert rows[0]["prompt"] == '\'=HYPERLINK("http://evil")'
    assert (rows[0]["cfg"], rows[0]["steps"], rows[0]["note"]) == ("-1.5", str(2**60), "+49 30")
    assert (rows[0]["sign"], rows[0]["Seconds"], rows[0]["State"]) == ("'-x", "1.23", "Done")
    assert sheets.table(Sheet("empty"))


def test_a_sheet_is_written_as_its_ending_says(plain: Callable[[int], str], tmp_path: Path) -> None:
    made = grid(2, cell=lambda at: SheetCell(at, ("one",), pictures=(plain(at[0]),)))
    folder = tmp_path / "new" / "folder"
    for suffix, begins in (
        (".PNG", b"\x89PNG"),
        (".webp", b"RIFF"),
        (".html", b"<!DOC"),
        (".csv", b"\xef\xbb\xbf"),
    ):
        sheets.write(made, folder / f"sheet{suffix}")
        assert (folder / f"sheet{suffix}").read_bytes().startswith(begins)
    with pytest.raises(InvalidValues, match=r"sheet\.jpg should end in \.png, \.webp, \.html, \.csv"):
        sheets.write(made, folder / "sheet.jpg")
    assert len([*folder.iterdir()]) == 4
