"""What the benchmarks say of numbers, and that their document keeps its words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.measuring import Goal, Measured, Skipped, row, side_by_side


@pytest.mark.parametrize(
    ("goal", "ours", "other", "met"),
    [
        (Goal(most=60), 60.0, None, True),
        (Goal(most=60), 60.1, None, False),
        (Goal(least=95), 94.0, 50.0, False),
        (Goal(most=1.15, of_ratio=True), 230.0, 200.0, True),
        (Goal(least=0.95, of_ratio=True), 3.7, 4.0, False),
        (Goal(most=1.15, of_ratio=True), 1.0, None, False),
    ],
)
def test_a_goal_is_of_ours_or_of_the_ratio(goal: Goal, ours: float, other: float | None, met: bool) -> None:
    assert Measured("it", ours, "ms", 1, other, goal=goal).is_met is met


def test_a_row_is_a_median_with_its_quarters() -> None:
    measured = row("it", [1.0, 2.0, 3.0, 4.0, 100.0], "ms", other=[6.0, 6.0, 6.0])
    assert (measured.ours, measured.n, measured.spread, measured.ratio) == (3.0, 5, (2.0, 4.0), 0.5)


def test_ways_take_turns_in_either_order() -> None:
    called: list[str] = []
    taken = side_by_side({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, 3)
    assert called == ["b", "a", "a", "b", "b", "a"]
    assert [len(times) for times in taken.values()] == [3, 3]


def test_new_rows_take_the_place_of_their_suites_and_words_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "performance.md"
    document.write_text(
        "Before.\n<!-- measured: client -->\n<!-- end -->\n"
        "Between.\n<!-- measured: form -->\nold\n<!-- end -->\n",
        "utf-8",
    )
    monkeypatch.setattr(report, "LATEST", tmp_path / "latest.json")
    monkeypatch.setattr(report, "PERFORMANCE", document)
    report.keep(
        {"client": [Measured("a run", 12.0, "ms", 3, 10.0, "bare loop", goal=Goal(most=1.15, of_ratio=True))]}
    )
    report.keep(
        {
            "client": [Measured("a run", 11.0, "ms", 3, 10.0, "bare loop")],
            "page": [Skipped("it", "no browser")],
        }
    )

    rows = json.loads((tmp_path / "latest.json").read_text("utf-8"))
    assert [(one["suite"], one["name"], one.get("ours")) for one in rows] == [
        ("client", "a run", 11.0),
        ("page", "it", None),
    ]
    text = document.read_text("utf-8")
    assert "| a run | **11.0 ms** | 10.0 ms, bare loop | 1.100 | 3 |" in text
    assert text.startswith("Before.\n")
    assert "\nBetween.\n<!-- measured: form -->\nold\n" in text
