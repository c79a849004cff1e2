"""A sheet as CSV: a row a cell, its labels first, then what came of it, then every value.

The columns of the values are called by their keys, as an axis that is read from a table wants them.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comfyui_bridge.core.files import file_of, marked
from comfyui_bridge.core.sheet import Sheet, SheetCell

# Spreadsheets take a cell that begins so for a formula, and a formula may fetch and run things.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?!\.?\d)")


def table(sheet: Sheet) -> str:
    """The sheet as CSV, with the mark at its beginning by which spreadsheets know Unicode."""
    rows = [_row(sheet, cell) for cell in sheet.in_order]
    columns = [*dict.fromkeys(key for row in rows for key in row)] or [sheet.words.state]
    text = io.StringIO()
    written = csv.writer(text, lineterminator="\r\n")
    written.writerow(map(safe, columns))
    for row in rows:
        written.writerow(safe(row.get(column, "")) for column in columns)
    return f"\ufeff{text.getvalue()}"


def safe(value: Any) -> Any:
    """A cell that a spreadsheet shows and does not run."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _row(sheet: Sheet, cell: SheetCell) -> dict[str, Any]:
    words = sheet.words
    row: dict[str, Any] = dict(_labels(sheet, cell))
    told = {
        words.state: words.of_state(cell.state),
        words.reason: cell.reason,
        words.verdict: words.of_verdict(cell.verdict),
        words.seconds: "" if cell.seconds is None else round(cell.seconds, 2),
        words.run: cell.run_id,
        words.files: " | ".join((*(Path(one).name for one in cell.pictures), *cell.others)),
        words.texts: "\n".join(cell.texts),
    }
    row |= told | ({words.seed: cell.seed} if cell.seed is not None else {})
    for key, value in (*sheet.shared.items(), *cell.values.items()):
        row[key if key not in row else f"value_{key}"] = _plain(value)
    return row


def _labels(sheet: Sheet, cell: SheetCell) -> Iterator[tuple[str, str]]:
    """The cell's place in words. A value of the same name is kept apart from it."""
    for number, (axis, label) in enumerate(zip(sheet.axes, cell.labels, strict=False), 1):
        yield f"{number}. {axis[0]}".rstrip(". "), label


def _plain(value: Any) -> Any:
    file = file_of(marked(value))
    if file is not None:
        return file.name
    if value is None or isinstance(value, (str, int, float)):
        return "" if value is None else value
    return json.dumps(marked(value), ensure_ascii=False)
