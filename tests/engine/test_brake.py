"""When an experiment stops trying, by how its cells ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from comfyui_bridge.core.run import Fault, Run, RunError, RunState
from comfyui_bridge.core.workflow import parse
from comfyui_bridge.engine.brake import Brake

GRAPH = parse({"1": {"class_type": "A", "inputs": {}}})
DONE = Run("r", "p", GRAPH, 1.0, state=RunState.COMPLETED)
CANCELLED = replace(DONE, state=RunState.CANCELLED)


def failed(
    what: str = "It broke.", fault: Fault = Fault.NODE, *, sent: float = 1.0, ended: float = 2.0
) -> Run:
    error = RunError(fault, f"Sampler: {what}", "1", "A", said=f"ValueError: {what}")
    return replace(DONE, state=RunState.FAILED, error=error, accepted_at=sent, ended_at=ended)


def other(what: str = "It broke.") -> Run:
    return replace(failed(), error=RunError(Fault.NODE, what, "2", "B", said=f"KeyError: {what}"))


LOST = [failed(fault=Fault.LOST, sent=n, ended=9.0 + n) for n in (1.0, 2.0, 3.0, 4.0, 5.0)]
"""All were sent before the first was known to be lost."""
CRASHES = [failed(fault=Fault.LOST, sent=10.0 * n, ended=10.0 * n + 5) for n in range(1, 4)]
"""Each was sent to a server that had lost the one before."""


@pytest.mark.parametrize(
    ("ends", "count"),
    [
        ([failed()] * 2, 0),
        ([failed(), other(), failed()], 3),
        ([failed(), failed(), CANCELLED, failed()], 3),
        ([failed(), failed(), DONE, failed()], 0),
        ([DONE, *[failed(f"{n} MiB are missing") for n in range(4)]], 0),
        ([DONE, *[failed(f"{n} MiB are missing") for n in range(5)]], 5),
        ([DONE, *[failed(), other()] * 5], 0),
        ([DONE, other(), *[failed()] * 5], 6),
        ([DONE, *[failed()] * 4, DONE, *[failed()] * 4], 0),
        ([CANCELLED] * 9, 0),
        (LOST, 0),
        (CRASHES, 3),
        ([*LOST[:3], DONE, *LOST[3:], *[failed()] * 4], 0),
    ],
)
def test_it_holds_after_failures_in_a_row(ends: list[Run], count: int) -> None:
    brake = Brake(has_succeeded=False)
    for run in ends:
        brake.ended(run)
    assert brake.why().startswith(f"Paused after {count} failures in a row: " if count else "")
    assert bool(brake.why()) is bool(count)


def test_it_tells_the_last_reason_in_short() -> None:
    brake = Brake(has_succeeded=False)
    for run in (failed(), failed(), failed("no such\n  file\nTraceback…")):
        brake.ended(run)
    assert brake.why() == (
        "Paused after 3 failures in a row: Sampler: no such. Resume to go on all the same."
    )
    brake.ended(failed("x" * 5000))
    assert len(brake.why()) < 300


def test_who_goes_on_all_the_same_is_told_later_and_later() -> None:
    brake = Brake(has_succeeded=False)
    for limit in (3, 6, 12):
        for _ in range(limit - 1):
            brake.ended(failed())
        assert brake.why() == ""
        brake.ended(failed())
        assert brake.why()
        brake.release()
        assert brake.why() == ""
    brake.ended(DONE)
    for _ in range(5):
        brake.ended(failed())
    assert brake.why()


def test_cells_of_which_no_run_can_be_made_hold_it_only_where_nothing_else_is_left() -> None:
    brake = Brake(has_succeeded=False)
    brake.looked(["gone"] * 20 + [""])
    assert brake.why() == ""
    brake.looked(["gone"] * 4)
    assert brake.why() == ""
    brake.looked(["gone"] * 28)
    assert brake.why() == "Paused after 32 failures in a row: gone. Resume to go on all the same."
    brake.release()
    brake.looked(["gone"] * 9)
    assert brake.why() == ""
    brake.looked(["gone"])
    assert brake.why()
