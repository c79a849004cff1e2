"""docs/reliability.md and the tests here tell the same: a row for each test, a test for each row."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.faults.processes import ROOT

TABLE = ROOT / "docs" / "reliability.md"


def test_every_row_is_a_test_and_every_test_a_row() -> None:
    rows = re.findall(r"^\|.*\| `(test_\w+)` \|$", TABLE.read_text("utf-8"), re.MULTILINE)
    here = Path(__file__)
    tests = [
        name
        for file in here.parent.glob("test_*.py")
        if file != here
        for name in re.findall(r"^def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE)
    ]
    assert Counter(rows) == Counter(tests)
