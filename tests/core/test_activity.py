"""What servers did in the last hours, by slots of time."""

from __future__ import annotations

from comfyui_bridge.core import activity
from comfyui_bridge.core.activity import Ended
from comfyui_bridge.core.run import RunState

HOUR = 3600.0
NOW = 1_000_000 * HOUR + 100
DONE, FAILED, CANCELLED = RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED


def ended(at: float, state: RunState = DONE, server: str = "a", waited: float = 2, took: float = 10) -> Ended:
    return Ended(server, state, at - took - waited, at - took, at)


def test_runs_are_counted_in_the_slot_they_ended_in() -> None:
    runs = [
        ended(NOW),
        ended(NOW - 5, took=30, waited=4),
        ended(NOW - 7, FAILED, took=20, waited=9),
        ended(NOW - 8, CANCELLED, took=999),
        ended(NOW - 2 * HOUR, server="b"),
        ended(NOW - 7 * HOUR),
        Ended("", FAILED, NOW - 9, None, NOW),
    ]
    found = activity.slots(runs, NOW, 6)
    assert len(found) == 2 * 24
    assert {one.length for one in found} == {900.0}
    assert [one.at for one in found if one.server == "a"] == [NOW - 100 + 900 * n for n in range(-23, 1)]
    last = found[23]
    assert (last.server, last.done, last.failed, last.waiting, last.running) == ("a", 2, 1, 4, 20)
    assert sum(one.done for one in found) == 3
    assert found[22].waiting is None


def test_a_run_refused_before_it_began_tells_no_times() -> None:
    found = activity.slots([Ended("a", FAILED, NOW - 9, None, NOW)], NOW, 1)
    assert (found[-1].failed, found[-1].waiting, found[-1].running) == (1, None, None)


def test_without_runs_there_is_nothing() -> None:
    assert activity.slots([], NOW, 6) == ()
