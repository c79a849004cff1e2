"""The data of a sheet: every cell in its place, values in words, and what all cells have in common."""

from __future__ import annotations

from typing import Any

import pytest

from comfyui_bridge.core import sheet
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.sheet import Heading, Sheet, SheetCell, SheetWords

STEPS, SAMPLERS, CFG = (
    Heading("Steps", ("10", "20", "30")),
    Heading("Sampler", ("euler", "heun")),
    Heading("", ("3", "7")),
)


def a_sheet(*axes: Heading, without: tuple[int, ...] | None = None) -> Sheet:
    places: list[tuple[int, ...]] = [()]
    for axis in axes:
        places = [(*at, place) for at in places for place in range(len(axis.labels))]
    # In any order: a sheet fills as its runs end.
    cells = tuple(SheetCell(at) for at in reversed(places) if at != without)
    return Sheet("S", axes=axes, cells=cells)


@pytest.mark.parametrize(
    ("axes", "titles", "rows", "columns"),
    [
        ((), [""], [""], 1),
        ((STEPS,), [""], [""], 3),
        ((SAMPLERS, STEPS), [""], ["euler", "heun"], 3),
        ((CFG, SAMPLERS, STEPS), ["3", "7"], ["euler", "heun"], 3),
        ((STEPS, SAMPLERS, CFG), ["Steps: 10", "Steps: 20", "Steps: 30"], ["euler", "heun"], 2),
    ],
)
def test_cells_stand_in_pages_rows_and_columns(
    axes: tuple[Heading, ...], titles: list[str], rows: list[str], columns: int
) -> None:
    made = a_sheet(*axes)
    pages = sheet.pages(made)
    assert [page.title for page in pages] == titles
    assert all([row.label for row in page.rows] == rows for page in pages)
    assert all(len(row.cells) == columns for page in pages for row in page.rows)
    found = [cell for page in pages for row in page.rows for cell in row.cells]
    assert found == [*made.in_order]
    assert [cell.at for cell in made.in_order] == sorted(cell.at for cell in made.cells)


def test_a_cell_that_is_not_known_leaves_its_place_empty() -> None:
    [page] = sheet.pages(a_sheet(SAMPLERS, STEPS, without=(1, 1)))
    assert [[cell is None for cell in row.cells] for row in page.rows] == [
        [False, False, False],
        [False, True, False],
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (7.5, "7.5"),
        (2**60, str(2**60)),
        (True, "on"),
        (None, "none"),
        ([], "none"),
        (0, "0"),
        ("a\nb", "a\nb"),
        (FileValue("0" * 64, "cat.png"), "cat.png"),
        ({"__upload__": "0" * 64, "name": "cat.png"}, "cat.png"),
        (
            [
                {"name": "ink", "strength_model": 0.8, "strength_clip": 0.5, "on": True},
                {"name": "film", "strength_model": 1.0, "on": False},
            ],
            "ink 0.8 strength clip 0.5, film 1.0 (off)",
        ),
        ({"name": "edges", "image": FileValue("0", "photo.png"), "strength": 0.9}, "edges photo.png 0.9"),
        ({"x": [1]}, '{"x": [1]}'),
    ],
)
def test_values_are_said_as_people_read_them(value: Any, said: str) -> None:
    assert sheet.shown(value, SheetWords()) == said


def test_what_all_share_is_told_once_and_1_is_not_true() -> None:
    several = [{"a": 1, "b": 1, "c": 1.0}, {"a": 1, "b": True, "c": 1}, {"a": 1, "b": 1, "d": 5}]
    shared, own = sheet.split(several)
    assert shared == {"a": 1}
    assert own == [{"b": 1, "c": 1.0}, {"b": True, "c": 1}, {"b": 1, "d": 5}]
    assert sheet.split([]) == ({}, [])
    assert sheet.split([{"a": 1}]) == ({"a": 1}, [{}])
