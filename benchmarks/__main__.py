"""`make bench`: each benchmark against its floor or its rival, side by side in one run.

`python -m benchmarks` runs them all, `python -m benchmarks client form` some of them. It prints a table, puts
the rows into benchmarks/out/latest.json and makes the tables of docs/performance.md anew. Nothing here fails
on a number: a claim is for people to look at.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks import (
    batch,
    client,
    experiment,
    form,
    media,
    memory,
    page,
    report,
    results,
    scale,
    startup,
    stations,
)
from benchmarks.measuring import Row

SUITES: dict[str, Callable[[], Iterator[Row]]] = {
    "client": client.measure,
    "batch": batch.measure,
    "experiment": experiment.measure,
    "page": page.measure,
    "stations": stations.measure,
    "form": form.measure,
    "scale": scale.measure,
    "results": results.measure,
    "startup": startup.measure,
    "memory": memory.measure,
    "media": media.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run the benchmarks.")
    parser.add_argument("suites", nargs="*", metavar="NAME", help=f"of {', '.join(SUITES)}; all without one")
    chosen = parser.parse_args().suites or list(SUITES)
    unknown = set(chosen) - set(SUITES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    print(report.machine(), flush=True)
    for name in chosen:
        began, rows = time.monotonic(), []
        for row in SUITES[name]():
            rows.append(row)
            print(report.line(row), flush=True)
        report.keep({name: rows})
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
