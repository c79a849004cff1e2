"""How long a run will take: what earlier runs tell of it, and what they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyui_bridge.core import estimate, workflow
from comfyui_bridge.core.estimate import Estimate, Timing, Waiting
from comfyui_bridge.core.progress import Progress
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.run_log import LogEntry
from comfyui_bridge.core.workflow import Workflow

NOW = 1_000.0


def graph(steps: int = 20, width: int = 512, height: int = 512, batch: int = 1) -> Workflow:
    return workflow.parse(
        {
            "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}},
            "5": {
                "class_type": "EmptyLatentImage",
                "inputs": {"width": width, "height": height, "batch_size": batch},
            },
            "3": {
                "class_type": "KSampler",
                "inputs": {"steps": steps, "model": ["4", 0], "latent_image": ["5", 0]},
            },
            "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
            "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
        }
    )


def done(made: Workflow | None = None, seconds: float | None = None, **nodes: float | None) -> Run:
    """A completed run whose nodes took so long: `n3=20.0`."""
    log = tuple(LogEntry(NOW, "node", name[1:], "", took) for name, took in nodes.items())
    total = sum(took or 0.0 for took in nodes.values()) if seconds is None else seconds
    return Run(
        "r",
        "p",
        made or graph(),
        0.0,
        state=RunState.COMPLETED,
        started_at=10.0,
        ended_at=10 + total,
        log=log,
    )


def past(*runs: Run) -> list[Timing]:
    timings = [estimate.timing(run) for run in runs]
    assert None not in timings
    return [one for one in timings if one is not None]


def whole(made: Workflow, past: list[Timing]) -> Estimate | None:
    return estimate.whole(estimate.expect(made, past))


def left(run: Run, past: list[Timing], now: float) -> Estimate | None:
    return estimate.left(run, estimate.expect(run.workflow, past), now)


FIRST = {"n4": 30.0, "n3": 22.0, "n8": 2.0, "n9": 1.0}
LATER = {"n3": 20.0, "n8": 2.0, "n9": 1.0}


@pytest.mark.parametrize(
    "run",
    [
        replace(done(**LATER), state=RunState.FAILED),
        replace(done(**LATER), started_at=None),
        replace(done(**LATER), log=(LogEntry(NOW, "cached", "", "all"),)),
        done(n3=20.0, n9=None),
        done(seconds=0.0, n3=0.0),
    ],
    ids=["failed", "never began", "from the cache", "not seen whole", "took no time"],
)
def test_some_runs_tell_nothing_of_how_long_others_take(run: Run) -> None:
    assert estimate.timing(run) is None


def test_a_run_that_moved_tells_of_the_server_it_ended_on_only() -> None:
    run = done(**LATER)
    run = replace(run, log=(LogEntry(1.0, "node", "4", "", 99.0), LogEntry(2.0, "moved"), *run.log))
    assert list(past(run)[0].nodes) == ["3", "8", "9"]


@pytest.mark.parametrize(
    ("made", "seconds"),
    [
        (graph(), 23),
        (graph(steps=40), 43),
        (graph(width=1024), 46),
        (graph(batch=4), 92),
        (graph(steps=10, width=1024, height=1024), 10 / 20 * 4 * 20 + 4 * 2 + 4),
    ],
    ids=["alike", "twice the steps", "twice as wide", "four at once", "half the steps, four times the size"],
)
def test_earlier_runs_are_scaled_by_what_each_node_has_to_do(made: Workflow, seconds: float) -> None:
    # Saving scales with the size too; loading does not scale at all.
    found = whole(made, past(*[done(**LATER)] * 5))
    assert found is not None
    assert found.middle == pytest.approx(seconds, rel=0.06)


def test_loading_takes_as_long_for_a_large_picture_as_for_a_small_one() -> None:
    found = whole(graph(width=1024, height=1024), past(*[done(n4=30.0)] * 5))
    assert found is not None
    assert found.middle == pytest.approx(30)


def test_nothing_is_claimed_where_no_run_tells() -> None:
    assert whole(graph(), []) is None


def test_one_run_tells_less_surely_than_many() -> None:
    one = whole(graph(), past(done(**LATER)))
    many = whole(graph(), past(*[done(**LATER)] * 6))
    assert one is not None
    assert many is not None
    assert (one.is_sure, many.is_sure) == (False, True)
    assert one.low < many.low < many.high < one.high


def test_runs_that_differ_give_a_range_and_one_odd_run_of_many_does_not() -> None:
    two = whole(graph(), past(done(**FIRST), done(**LATER)))
    assert two is not None
    assert (round(two.low), round(two.high)) == (22, 58)
    odd = whole(graph(), past(done(**FIRST), *[done(**LATER)] * 5))
    assert odd is not None
    assert odd.is_sure


def running(made: Workflow | None = None, **progress: Any) -> Run:
    return Run(
        "r",
        "p",
        made or graph(),
        0.0,
        state=RunState.IN_PROGRESS,
        started_at=NOW - 10,
        progress=Progress(**{"cached": frozenset({"4", "5"}), **progress}),
    )


def at_step(value: float, *, seconds_a_step: float, silent: float = 0.0) -> dict[str, Any]:
    began = NOW - silent - (value - 1) * seconds_a_step
    return {
        "node_id": "3",
        "value": value,
        "maximum": 20.0,
        "node_started_at": began - seconds_a_step,
        "first_step": (1.0, began),
        "stepped_at": NOW - silent,
    }


MANY = past(*[done(**LATER)] * 6)


@pytest.mark.parametrize(
    ("progress", "seconds"),
    [
        (at_step(11, seconds_a_step=1.0), 9 + 3),
        (at_step(11, seconds_a_step=3.0), 27 + 3),
        (at_step(11, seconds_a_step=3.0, silent=2.0), 25 + 3),
        (at_step(20, seconds_a_step=1.0), 3),
        ({"node_id": "3", "node_started_at": NOW}, 23),
        ({"node_id": "3", "node_started_at": NOW - 5}, 18),
        ({"node_id": "3", "node_started_at": NOW - 2, "value": 1.0, "maximum": 20.0}, 19 + 3),
        ({"node_id": "8", "finished": frozenset({"3"}), "node_started_at": NOW - 1}, 2),
        ({"node_id": "8", "finished": frozenset({"3", "8"})}, 1),
        ({"cached": frozenset()}, 23 - 10),
        ({"node_id": "3", "node_started_at": NOW - 4, "value": 2.0, "maximum": 4.0, "passes": 2}, 19),
    ],
    ids=[
        "as usual",
        "slower than usual",
        "and silent for two seconds",
        "after the last step",
        "as the sampler begins",
        "as the model is loaded",
        "after one step",
        "in the decoder",
        "between two nodes",
        "adopted after a restart",
        "in its second pass",
    ],
)
def test_what_is_left_of_a_run(progress: dict[str, Any], seconds: float) -> None:
    found = left(running(**progress), MANY, NOW)
    assert found is not None
    assert found.low <= seconds * 1.03
    assert found.high >= seconds * 0.97
    assert found.middle == pytest.approx(seconds, rel=0.15)


@pytest.mark.parametrize(
    "run",
    [
        replace(running(**at_step(11, seconds_a_step=1.0)), state=RunState.PENDING),
        replace(running(**at_step(11, seconds_a_step=1.0)), server_done=True),
        replace(running(**at_step(11, seconds_a_step=1.0)), stopping=True),
        replace(running(cached=frozenset()), started_at=NOW - 60),
        running(**at_step(11, seconds_a_step=1.0, silent=30.0)),
        running(node_id="8", finished=frozenset({"3"}), node_started_at=NOW - 60),
        running(node_id="4", node_started_at=NOW - 1, cached=frozenset()),
        running(node_id="5", node_started_at=NOW, cached=frozenset()),
    ],
    ids=[
        "it waits",
        "it is being saved",
        "it is being stopped",
        "it takes longer than any before",
        "its steps have ceased",
        "its node takes longer than ever",
        "it loads a model that no run before had to load",
        "it will have to",
    ],
)
def test_nothing_is_claimed_of_what_nobody_knows(run: Run) -> None:
    assert left(run, MANY, NOW) is None


def test_a_first_run_is_judged_by_the_pace_of_its_steps_and_the_weight_of_the_rest() -> None:
    found = left(running(**at_step(10, seconds_a_step=2.0)), [], NOW)
    assert found is not None
    assert found.low >= 18
    assert 20 < found.middle < 28  # ten steps, a decoder and a saver that weigh one step each
    assert left(running(node_id="3", node_started_at=NOW - 4), [], NOW) is None


def test_two_samplers_without_timings_are_not_taken_for_one() -> None:
    made = graph()
    made = made.with_node(replace(made.node("3"), node_id="30"))
    found = left(running(made, **at_step(10, seconds_a_step=2.0)), [], NOW)
    assert found is not None
    assert found.high > 60
    assert not found.is_sure


def test_weights_are_parts_of_the_time_and_at_least_one_each() -> None:
    weights = estimate.weights(graph(), past(done(**FIRST)))
    assert weights["9"] == pytest.approx(100 / 55)
    assert weights["5"] == 1.0
    assert weights["4"] == pytest.approx(3000 / 55)
    assert estimate.weights(graph(), [])["3"] == 20


@given(st.lists(st.dictionaries(st.sampled_from(["n3", "n4", "n8", "n9"]), st.floats(0, 1e5)), max_size=9))
def test_whatever_runs_took_an_estimate_is_a_range_above_nought(runs: list[dict[str, float]]) -> None:
    known = [one for nodes in runs if (one := estimate.timing(done(**nodes)))]
    for found in (
        whole(graph(33, 700, 900, 3), known),
        left(running(**at_step(4, seconds_a_step=0.5)), known, NOW),
        left(running(node_id="3", node_started_at=NOW - 2), known, NOW),
    ):
        assert found is None or 0 <= found.low <= found.high
    assert all(weight >= 1 for weight in estimate.weights(graph(), known).values())


TEN = Estimate(8.0, 12.0)
BUSY = {"a": Estimate(20.0, 20.0), "b": Estimate(5.0, 5.0)}


def waits(run_id: str, *servers: str, takes: Estimate | None = TEN) -> Waiting:
    return Waiting(run_id, dict.fromkeys(servers, takes))


@pytest.mark.parametrize(
    ("busy", "waiting", "expected"),
    [
        (BUSY, [waits("1", "a", "b")], {"1": (5, 5)}),
        (BUSY, [waits("1", "a", "b"), waits("2", "a", "b")], {"1": (5, 5), "2": (13, 17)}),
        (
            BUSY,
            [waits("1", "b"), waits("2", "a", "b"), waits("3", "a", "b")],
            {"1": (5, 5), "2": (13, 17), "3": (20, 20)},
        ),
        (BUSY, [waits("1", "a"), waits("2", "b")], {"1": (20, 20), "2": (5, 5)}),
        (BUSY, [waits("1")], {}),
        (BUSY, [waits("1", "c"), waits("2", "b")], {"2": (5, 5)}),
        ({**BUSY, "b": None}, [waits("1", "a", "b"), waits("2", "a")], {}),
        ({**BUSY, "b": None}, [waits("1", "a"), waits("2", "b")], {"1": (20, 20)}),
        (BUSY, [waits("1", "b", takes=None), waits("2", "b"), waits("3", "a")], {"1": (5, 5), "3": (20, 20)}),
    ],
)
def test_when_waiting_runs_begin(
    busy: dict[str, Estimate | None], waiting: list[Waiting], expected: dict[str, tuple[float, float]]
) -> None:
    found = estimate.starts(busy, waiting)
    assert {run_id: (one.low, one.high) for run_id, one in found.items()} == expected


ONE, TWO = Estimate(8.0, 12.0), Estimate(16.0, 24.0)


@pytest.mark.parametrize(
    ("samples", "count", "expected"),
    [
        ([], 5, None),
        ([{"a": ONE}], 0, None),
        ([{"a": None}], 5, None),
        ([{}], 5, None),
        ([{"a": ONE}], 5, (40, 60)),
        ([{"a": ONE, "b": ONE}], 5, (24, 36)),
        ([{"a": ONE, "b": None}], 4, (16, 24)),  # what nobody knows counts like the others
        ([{"a": ONE, "b": TWO}], 3, (16, 24)),
        ([{"a": ONE}, {"b": ONE}], 4, (16, 24)),  # each half on a server of its own
        ([{"a": ONE}, {"a": TWO}], 4, (48, 72)),
        ([{"a": ONE}, {}], 4, (16, 24)),  # the other half nobody can do
        ([{"a": ONE}], 10_000, (80_000, 120_000)),
    ],
)
def test_how_long_many_take_together(
    samples: list[dict[str, Estimate | None]], count: int, expected: tuple[float, float] | None
) -> None:
    found = estimate.together(samples, count)
    assert (found and (found.low, found.high)) == (expected and pytest.approx(expected))


def test_what_many_leave_on_the_disk_follows_their_pixels() -> None:
    known = past(done(n3=1.0), done(graph(width=1024), n3=1.0))
    small, large = (replace(one, bytes=size) for one, size in zip(known, (1000, 2000), strict=True))
    assert estimate.bytes_of([graph()], [small, large], 10) == 10_000
    assert estimate.bytes_of([graph(), graph(width=1024)], [small], 10) == 15_000
    assert estimate.bytes_of([graph()], known, 10) is None  # nothing was kept of them
    assert estimate.bytes_of([], [small], 10) is None
