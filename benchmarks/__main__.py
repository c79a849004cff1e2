"""`make bench`: each benchmark against its floor or its rival, side by side in one run.

Prints a table and writes benchmarks/out/latest.json: a list of {name, ours, other, ratio, unit, n, goal}.
Numbers are medians. Nothing here fails on a number: a claim is for people to look at.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

from benchmarks import batch, client, followers, form, memory, results, startup
from benchmarks.measuring import Measured

SUITES = {
    "client": client.measure,
    "batch": batch.measure,
    "startup": startup.measure,
    "followers": followers.measure,
    "form": form.measure,
    "results": results.measure,
    "memory": memory.measure,
}
OUT = Path(__file__).parent / "out" / "latest.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run the benchmarks.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}; all without one")
    chosen = parser.parse_args().suites or list(SUITES)
    unknown = set(chosen) - set(SUITES)
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    print(f"{date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores", flush=True)
    rows: list[Measured] = []
    for name in chosen:
        for row in SUITES[name]():
            rows.append(row)
            print(line(row), flush=True)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")
    print(
        f"Written to {OUT.relative_to(Path.cwd()) if OUT.is_relative_to(Path.cwd()) else OUT}",
        file=sys.stderr,
    )


def line(row: Measured) -> str:
    other = "" if row.other is None else f"  other {row.other:9.3f} {row.unit}"
    ratio = "" if row.ratio is None else f"  ratio {row.ratio:6.3f}"
    goal = f"  goal {row.goal}" if row.goal else ""
    return f"{row.name:<52} ours {row.ours:9.3f} {row.unit}{other}{ratio}  n={row.n}{goal}"


if __name__ == "__main__":
    main()
