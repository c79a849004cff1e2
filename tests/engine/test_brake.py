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
    ("ends", "holds"),
    [
        ([failed()] * 2, False),
        ([failed(), other(), failed()], True),
        ([failed(), failed(), CANCELLED, failed()], True),
        ([failed(), failed(), DONE, failed()], False),
        ([DONE, *[failed(f"{n} MiB are missing") for n in range(4)]], False),
        ([DONE, *[failed(f"{n} MiB are missing") for n in range(5)]], True),
        ([DONE, *[failed(), other()] * 5], False),
        ([DONE, other(), *[failed()] * 5], True),
        ([DONE, *[failed()] * 4, DONE, *[failed()] * 4], False),
        ([CANCELLED] * 9, False),
        (LOST, False),
        (CRASHES, True),
        ([*LOST[:3], DONE, *LOST[3:], *[failed()] * 4], False),
    ],
)
def test_it_holds_after_failures_in_a_row(ends: list[Run], holds: bool) -> None:
    brake, anew = Brake(has_succeeded=False), Brake(has_succeeded=False)
    for run in ends:
        brake.ended(run)
    anew.recall(ends, goes_on=False)
    assert bool(brake.why()) is holds
    assert anew.why() == brake.why()


def test_it_tells_the_last_reason_in_short() -> None:
    brake = Brake(has_succeeded=False)
    for run in (failed(), failed(), failed("no such\n  file\nTraceback…")):
        brake.ended(run)
    assert brake.why() == (
        "Paused because cell after cell failed: Sampler: no such. Resume to go on all the same."
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


def in_turn(count: int, begin: float) -> list[Run]:
    """Failures, each begun after the one before had ended."""
    return [replace(failed(ended=begin + n + 0.5), created_at=begin + n) for n in range(count)]


@pytest.mark.parametrize(
    ("before", "goes_on", "until"),
    [
        (in_turn(2, 1.0), True, 1),
        (in_turn(2, 1.0), False, 1),
        # It went on: somebody had wanted that, who is asked later.
        (in_turn(3, 1.0), True, 6),
        (in_turn(5, 1.0), True, 4),
        (in_turn(9, 1.0), True, 12),
        # What was under way when it paused ended, and nobody had said anything.
        ([*in_turn(3, 1.0), *[replace(one, created_at=2.0) for one in in_turn(2, 5.0)]], False, 0),
        ([*in_turn(3, 1.0), replace(DONE, created_at=2.0, ended_at=9.0), *in_turn(4, 9.5)], True, 1),
    ],
)
def test_what_ended_before_a_restart_counts(before: list[Run], goes_on: bool, until: int) -> None:
    brake = Brake(has_succeeded=False)
    brake.recall(before, goes_on)
    for one in in_turn(until, 100.0):
        assert brake.why() == ""
        brake.ended(one)
    assert brake.why()


def test_cells_of_which_no_run_can_be_made_hold_it_only_where_nothing_else_is_left() -> None:
    brake = Brake(has_succeeded=False)
    brake.looked(["gone"] * 20 + [""])
    assert brake.why() == ""
    brake.looked(["gone"] * 4)
    assert brake.why() == ""
    brake.looked(["gone"] * 28)
    assert brake.why() == "Paused because cell after cell failed: gone. Resume to go on all the same."
    brake.release()
    brake.looked(["gone"] * 9)
    assert brake.why() == ""
    brake.looked(["gone"])
    assert brake.why()
