"""What the benchmarks said: a table to read, `out/latest.json`, and the tables of docs/performance.md.

A run of some suites replaces their rows and leaves the others as they were, each with its own day.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.measuring import OUT, ROOT, Row, Skipped

LATEST = OUT / "latest.json"
PERFORMANCE = ROOT / "docs" / "performance.md"
_HEAD = ("", "ours", "other", "ratio", "n", "goal", "met")


def machine() -> str:
    """What was measured on, and when: enough to judge the numbers by, and no more."""
    model = _processor()
    return (
        f"{date.today()}, {os.cpu_count()} cores{f' ({model})' if model else ''}, "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )


def line(row: Row) -> str:
    """A row as it is printed while the others are still measured."""
    if isinstance(row, Skipped):
        return f"{row.name:<58} not measured: {row.why}"
    parts = [f"{row.name:<58} {_number(row.ours):>9} {row.unit:<5}"]
    if row.spread is not None:
        parts.append(f"({_number(row.spread[0])} to {_number(row.spread[1])})")
    if row.other is not None:
        ratio = "" if row.ratio is None else f", ratio {row.ratio:.3f}"
        parts.append(f"{row.against or 'other'} {_number(row.other)} {row.unit}{ratio}")
    parts.append(f"n={row.n}")
    if row.goal is not None:
        parts.append(f"goal {row.goal}: {'met' if row.is_met else 'NOT MET'}")
    return "  ".join(parts)


def keep(suites: Mapping[str, Sequence[Row]]) -> None:
    """Put these suites' rows in the place of those they had, in the file and in the document."""
    kept = _Kept.read()
    for suite, rows in suites.items():
        kept.replace(suite, rows)
    kept.write()
    if PERFORMANCE.exists():
        PERFORMANCE.write_text(_filled(PERFORMANCE.read_text("utf-8"), kept), "utf-8")


@dataclass
class _Kept:
    """The rows of the file, as JSON."""

    rows: list[dict[str, Any]]

    @classmethod
    def read(cls) -> _Kept:
        return cls(json.loads(LATEST.read_text("utf-8")) if LATEST.exists() else [])

    def replace(self, suite: str, rows: Sequence[Row]) -> None:
        others = [row for row in self.rows if row["suite"] != suite]
        self.rows = [*others, *(_json(suite, row) for row in rows)]

    def of(self, suite: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["suite"] == suite]

    def write(self) -> None:
        LATEST.parent.mkdir(exist_ok=True)
        LATEST.write_text(json.dumps(self.rows, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _json(suite: str, row: Row) -> dict[str, Any]:
    if isinstance(row, Skipped):
        return {"suite": suite, "name": row.name, "skipped": row.why, "machine": machine()}
    return {
        "name": row.name,
        "ours": row.ours,
        "other": row.other,
        "ratio": row.ratio,
        "unit": row.unit,
        "n": row.n,
        "spread": row.spread,
        "against": row.against,
        "goal": str(row.goal) if row.goal else None,
        "met": row.is_met,
        "suite": suite,
        "machine": machine(),
    }


def _filled(text: str, kept: _Kept) -> str:
    """The document with the tables between its marks made anew; its words are not touched."""

    def table(found: re.Match[str]) -> str:
        rows = kept.of(found[1])
        return f"<!-- measured: {found[1]} -->\n{_table(rows) if rows else found[2].strip()}\n<!-- end -->"

    return re.sub(r"<!-- measured: (\w+) -->\n(.*?)<!-- end -->", table, text, flags=re.S)


def _table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [" | ".join(("", *_HEAD, "")).strip(), "|".join(("", *("---" for _ in _HEAD), ""))]
    for row in rows:
        lines.append("| " + " | ".join(_cells(row)) + " |")
    machines = sorted({row["machine"] for row in rows})
    return "\n".join([*lines, "", *(f"*{one}*" for one in machines)])


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    if "skipped" in row:
        return row["name"], "not measured", "", "", "", "", str(row["skipped"])
    unit = row["unit"]
    ours = f"**{_number(row['ours'])} {unit}**"
    if row["spread"]:
        ours += f" ({_number(row['spread'][0])}–{_number(row['spread'][1])})"
    other = "" if row["other"] is None else f"{_number(row['other'])} {unit}"
    if other and row["against"]:
        other += f", {row['against']}"
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.3f}"
    met = {None: "", True: "yes", False: "**no**"}[row["met"]]
    return row["name"], ours, other, ratio, str(row["n"]), row["goal"] or "", met


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _processor() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return ""
    found = re.search(r"^model name\s*:\s*(.+)$", told, re.M)
    return found[1].strip() if found else ""
