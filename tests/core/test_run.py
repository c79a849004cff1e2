"""A run as a value and a fold: what each event does, and what late, doubled and foreign ones do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyui_bridge.core import workflow
from comfyui_bridge.core.errors import InputProblem
from comfyui_bridge.core.events import (
    FilesKept,
    NodeProgress,
    NodeRaised,
    NodesCached,
    NodesProgressed,
    NodeStarted,
    OutputReady,
    PreviewReady,
    ProgressMade,
    QueueChanged,
    RunAccepted,
    RunCollected,
    RunEnded,
    RunInterrupted,
    RunLost,
    RunOffered,
    RunQueued,
    RunRefused,
    RunRemoved,
    RunReturned,
    RunStarted,
    RunSucceeded,
    StopAsked,
)
from comfyui_bridge.core.outputs import KeptFile, NodeOutput, OutputFile
from comfyui_bridge.core.run import Fault, Run, RunState, apply, reconcile
from comfyui_bridge.core.server import HistoryEntry, Outcome, QueueState

ID = "6e0c1e9c-6a43-4c1c-9a57-0d3c9f6e7a11"
GRAPH = workflow.parse(
    {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}},
        "3": {
            "class_type": "KSampler",
            "inputs": {"steps": 8, "model": ["4", 0]},
            "_meta": {"title": "Sampler"},
        },
        "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
    }
)
PICTURE = OutputFile("a.png", node_id="9")
OUTPUT = NodeOutput("9", (PICTURE,))


def new_run(**changes):
    return Run(run_id="r", prompt_id=ID, workflow=GRAPH, created_at=100.0, **changes)


def told(*events, run=None):
    run = run or new_run()
    for second, event in enumerate(events):
        run = apply(run, event, 200.0 + second)
    return run


WHOLE = (
    RunOffered(ID, "s", GRAPH),
    RunAccepted(ID, "s", 1),
    RunQueued(ID, 1),
    RunStarted(ID),
    NodesCached(ID, ("4",)),
    NodeStarted(ID, "3"),
    ProgressMade(ID, "3", 4, 8),
    ProgressMade(ID, "3", 8, 8),
    NodeStarted(ID, "9"),
    OutputReady(ID, OUTPUT),
    RunSucceeded(ID),
    RunEnded(ID),
    FilesKept(ID, (KeptFile("a.png", 5, PICTURE),)),
    RunCollected(ID, (OUTPUT,)),
)


def test_a_run_goes_from_pending_to_completed():
    run = told(*WHOLE)
    assert run.state is RunState.COMPLETED
    assert (run.server, run.outputs, run.kept[0].name) == ("s", (OUTPUT,), "a.png")
    assert run.progress.overall == 1.0
    assert (run.started_at, run.ended_at, run.seconds) == (203.0, 210.0, 7.0)


def test_overall_progress_counts_steps_and_cached_nodes_and_never_falls():
    run, seen = new_run(), []
    for second, event in enumerate(WHOLE):
        run = apply(run, event, 200.0 + second)
        seen.append(round(run.progress.overall, 3))
    # Weights: the loader 1, the sampler its 8 steps, the saver 1.
    assert seen == [0, 0, 0, 0, 0.1, 0.1, 0.5, 0.9, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("late", WHOLE[:12], ids=lambda e: type(e).__name__)
def test_a_late_event_does_not_reopen_a_finished_run(late):
    run = told(*WHOLE)
    assert apply(run, late, 999.0) == run


@pytest.mark.parametrize("event", WHOLE, ids=lambda e: type(e).__name__)
def test_a_doubled_event_changes_nothing_but_a_clock(event):
    once = told(*WHOLE[: WHOLE.index(event) + 1])
    twice = apply(once, event, 500.0)
    assert replace(twice, warnings=once.warnings, progress=once.progress) == once
    assert twice.progress.overall == once.progress.overall


@pytest.mark.parametrize("event", WHOLE, ids=lambda e: type(e).__name__)
def test_another_prompts_event_changes_nothing(event):
    assert apply(new_run(), replace(event, prompt_id="other"), 1.0) == new_run()


@pytest.mark.parametrize("event", [QueueChanged(3), PreviewReady(b"x", "image/png", ID)])
def test_what_is_no_fact_of_the_run_changes_nothing(event):
    assert apply(new_run(), event, 1.0) == new_run()


def test_progress_state_alone_moves_a_run():
    state = {
        "4": NodeProgress("4", "finished", 1, 1),
        "3": NodeProgress("3", "running", 2, 8),
    }
    run = told(RunStarted(ID), NodesProgressed(ID, state))
    assert (run.progress.node_id, run.progress.value, run.progress.maximum) == ("3", 2, 8)
    assert run.progress.overall == pytest.approx(0.3)


def test_a_node_without_steps_is_not_counted_as_nought_of_one():
    run = told(RunStarted(ID), NodesProgressed(ID, {"4": NodeProgress("4", "running", 0, 1)}))
    assert (run.progress.node_id, run.progress.maximum) == ("4", 0)


def test_a_node_made_at_run_time_is_shown_under_the_one_people_know():
    assert told(NodeStarted(ID, "3.0.7", "3")).progress.node_id == "3"


@pytest.mark.parametrize(
    ("event", "state", "fault"),
    [
        (
            RunRefused(ID, "No.", (InputProblem("3", "KSampler", "value_smaller_than_min", "m"),)),
            "failed",
            Fault.REFUSED,
        ),
        (NodeRaised(ID, "3", "KSampler", "boom\n", "ValueError"), "failed", Fault.NODE),
        (
            NodeRaised(ID, "3", "KSampler", "Allocation on device", "torch.OutOfMemoryError"),
            "failed",
            Fault.OUT_OF_MEMORY,
        ),
        (RunLost(ID, "Gone."), "failed", Fault.LOST),
        (RunCollected(ID, ()), "failed", Fault.NO_OUTPUT),
        (RunInterrupted(ID, "3"), "cancelled", None),
        (RunRemoved(ID), "cancelled", None),
    ],
)
def test_every_ending(event, state, fault):
    run = told(RunAccepted(ID, "s"), event)
    assert run.state.value == state
    assert (run.error.fault if run.error else None) == fault
    assert run.ended_at is not None


def test_an_error_names_the_node_as_people_know_it():
    assert told(NodeRaised(ID, "3", "KSampler", "boom\n")).error.message == "Sampler: boom"


def test_a_failed_run_still_learns_of_the_pictures_it_made():
    run = told(
        NodeRaised(ID, "3", "KSampler", "boom"),
        FilesKept(ID, (KeptFile("a.png", 5, PICTURE),)),
        RunCollected(ID, (OUTPUT,)),
    )
    assert run.state is RunState.FAILED
    assert (run.outputs, len(run.kept)) == ((OUTPUT,), 1)


def test_dropped_outputs_are_told_not_swallowed():
    run = told(
        RunAccepted(ID, "s", 1, (InputProblem("9", "SaveImage", "k", "Required input is missing", "images"),))
    )
    assert run.warnings == ("SaveImage (9) was left out: Required input is missing (images).",)


def test_a_run_a_server_never_took_waits_again():
    run = told(RunOffered(ID, "s", GRAPH), RunReturned(ID))
    assert (run.state, run.server, run.accepted_at) == (RunState.PENDING, "", None)


def test_asking_to_stop_shows_until_it_is_over():
    run = told(RunStarted(ID), StopAsked(ID))
    assert run.stopping
    assert not apply(run, RunInterrupted(ID), 1.0).stopping


SUCCESS = HistoryEntry(ID, Outcome.SUCCESS, (OUTPUT,))


@pytest.mark.parametrize(
    ("queue", "history", "state"),
    [
        (QueueState(), SUCCESS, RunState.COMPLETED),
        (QueueState(running=(ID,)), None, RunState.IN_PROGRESS),
        (QueueState(("x",), ("y", ID)), None, RunState.PENDING),
        (QueueState(), HistoryEntry(ID, Outcome.ERROR, (OUTPUT,)), RunState.FAILED),
        (QueueState(), HistoryEntry(ID, Outcome.INTERRUPTED), RunState.CANCELLED),
        (QueueState(), None, RunState.FAILED),
    ],
)
def test_a_run_is_brought_up_to_date_with_its_server(queue, history, state):
    run = told(RunAccepted(ID, "s"))
    run = told(*reconcile(run, queue, history), run=run)
    assert run.state is state
    if state is RunState.PENDING:
        assert run.ahead == 2
    if state is RunState.FAILED and history is None:
        assert run.error.fault is Fault.LOST


def test_a_run_that_is_over_needs_no_reconciling():
    assert reconcile(told(*WHOLE), QueueState(), None) == ()


@given(
    st.lists(
        st.sampled_from(
            [*WHOLE, RunInterrupted(ID), NodeRaised(ID, "3", "K", "m"), RunRemoved(ID), RunLost(ID, "x")]
        )
    )
)
def test_no_order_of_events_breaks_a_run(events):
    run, overall, final = new_run(), 0.0, None
    for second, event in enumerate(events):
        run = apply(run, event, float(second))
        assert run.progress.overall >= overall
        overall = run.progress.overall
        assert final is None or run.state is final
        final = run.state if run.state.is_final else None
