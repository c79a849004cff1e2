"""A run as a value and a fold: what each event does, and what late, doubled and foreign ones do not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfyui_bridge.comfy import messages
from comfyui_bridge.core import progress, run_log, workflow
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
from tests.comfy import recordings

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


@pytest.mark.parametrize(("cached", "is_from_cache"), [(("3", "9"), True), (("3",), False), ((), False)])
def test_that_nothing_ran_is_known_from_the_history_too(cached, is_from_cache):
    history = replace(SUCCESS, cached=cached)
    run = told(RunAccepted(ID, "s"))
    run = told(*reconcile(run, QueueState(), history), run=run)
    assert (run.state, run.is_from_cache) == (RunState.COMPLETED, is_from_cache)


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


# The log.


def log_of(run):
    return [(entry.kind, entry.node_id, entry.text, entry.seconds) for entry in run.log]


def test_the_log_tells_a_run_from_the_server_that_took_it_to_its_end():
    assert log_of(told(*WHOLE)) == [
        ("sent", "", "s", None),
        ("started", "", "", None),
        ("cached", "", "CheckpointLoaderSimple", None),
        ("node", "3", "Sampler", 3.0),
        ("node", "9", "SaveImage", 1.0),
        ("done", "", "", 7.0),
    ]


@pytest.mark.parametrize("event", WHOLE, ids=lambda e: type(e).__name__)
def test_a_doubled_event_is_not_logged_twice(event):
    once = told(*WHOLE[: WHOLE.index(event) + 1])
    assert apply(once, event, 500.0).log == once.log


@pytest.mark.parametrize(
    ("events", "last"),
    [
        (
            (NodeStarted(ID, "3"), NodeRaised(ID, "3", "KSampler", "boom")),
            ("error", "3", "Sampler: boom", None),
        ),
        ((NodeStarted(ID, "3"), StopAsked(ID), RunInterrupted(ID, "3")), ("stopped", "3", "Sampler", None)),
        ((StopAsked(ID),), ("stop_asked", "", "", None)),
        ((RunRemoved(ID),), ("stopped", "", "", None)),
        ((RunLost(ID, "Gone."),), ("error", "", "Gone.", None)),
        ((RunReturned(ID),), ("moved", "", "s", None)),
        ((RunReturned(ID, reason="It is gone."),), ("moved", "", "It is gone.", None)),
        ((FilesKept(ID, (), ("a.png is gone.",)),), ("warning", "", "a.png is gone.", None)),
    ],
)
def test_what_the_log_ends_with(events, last):
    assert log_of(told(RunOffered(ID, "s", GRAPH), RunAccepted(ID, "s"), *events))[-1] == last


def test_a_run_that_moved_still_tells_where_it_was_first():
    run = told(RunOffered(ID, "a", GRAPH), RunAccepted(ID, "a"), RunReturned(ID), RunAccepted(ID, "b"))
    assert [entry[:3:2] for entry in log_of(run)] == [("sent", "a"), ("moved", "a"), ("sent", "b")]


def test_a_node_that_works_several_times_has_one_entry_with_all_its_seconds():
    events = [NodeStarted(ID, str(inner), "3" if inner % 2 else "9") for inner in range(10)]
    run = told(RunStarted(ID), *events, RunSucceeded(ID))
    assert log_of(run)[1:] == [("node", "9", "SaveImage", 5.0), ("node", "3", "Sampler", 5.0)]


def test_nodes_that_were_missed_are_logged_without_a_time():
    state = {"4": NodeProgress("4", "finished", 1, 1), "3": NodeProgress("3", "running", 2, 8)}
    assert log_of(told(RunStarted(ID), NodesProgressed(ID, state)))[1:] == [
        ("node", "4", "CheckpointLoaderSimple", None)
    ]


def test_a_run_answered_from_the_servers_cache_is_known_by_its_log():
    events = (RunStarted(ID), NodesCached(ID, ("4", "3", "9")), OutputReady(ID, OUTPUT), RunSucceeded(ID))
    assert told(*events, RunCollected(ID, (OUTPUT,))).is_from_cache
    assert not told(*WHOLE).is_from_cache
    assert not new_run().is_from_cache


def test_the_log_stays_short_and_says_how_much_it_left_out():
    warnings = tuple(f"w{number}" for number in range(1_000))
    log = told(FilesKept(ID, (), warnings)).log
    cut = [int(entry.text) for entry in log if entry.kind == "cut"]
    assert len(log) == run_log.LONGEST
    assert cut == [1_000 - (len(log) - 1)]
    assert (log[0].text, log[-1].text) == ("w0", "w999")


# Progress.


def test_an_upscaler_that_counts_anew_for_each_tile_is_at_its_next_pass():
    run = told(NodeStarted(ID, "3"), *(ProgressMade(ID, "3", step, 4) for step in (1, 2, 3, 4, 1, 2)))
    assert (run.progress.passes, run.progress.value, run.progress.maximum) == (2, 2, 4)
    assert run.progress.pace == 1.0


def test_old_news_of_a_step_moves_nothing():
    run = told(NodeStarted(ID, "3"), ProgressMade(ID, "3", 5, 8))
    assert apply(run, ProgressMade(ID, "3", 3, 8), 300.0) == run


def test_the_pace_leaves_out_what_came_before_the_first_step():
    run = told(NodeStarted(ID, "3"))
    run = apply(run, ProgressMade(ID, "3", 1, 8), 260.0)  # a minute to load the model
    assert run.progress.pace is None
    assert apply(run, ProgressMade(ID, "3", 3, 8), 264.0).progress.pace == 2.0


def test_steps_of_a_node_made_at_run_time_belong_to_the_one_people_know():
    run = told(NodeStarted(ID, "3.0.7", "3"), ProgressMade(ID, "3.0.7", 2, 4))
    assert (run.progress.node_id, run.progress.value) == ("3", 2)
    assert told(ProgressMade(ID, "3.0.7", 2, 4)).progress.node_id == "3"


def test_learned_weights_replace_those_of_the_steps():
    run = new_run(weights={"4": 1.0, "3": 10.0, "9": 89.0})
    run = told(NodeStarted(ID, "4"), NodeStarted(ID, "3"), ProgressMade(ID, "3", 4, 8), run=run)
    assert run.progress.overall == pytest.approx(0.06)


def test_a_cached_node_counts_as_done_and_for_no_more_than_a_quick_one():
    run = told(NodesCached(ID, ("3",)))
    assert run.progress.overall == pytest.approx(1 / 3)


def graph(**nodes):
    return workflow.parse({key: {"class_type": c, "inputs": i} for key, (c, i) in nodes.items()})


@pytest.mark.parametrize(
    ("nodes", "steps"),
    [
        ({"a": ("KSampler", {"steps": 30})}, {"a": 30}),
        ({"a": ("KSampler", {"steps": ["n", 0]}), "n": ("PrimitiveInt", {"value": 12})}, {"a": 12, "n": 0}),
        ({"a": ("KSamplerAdvanced", {"steps": 25, "start_at_step": 20, "end_at_step": 10000})}, {"a": 5}),
        (
            {"a": ("SamplerCustomAdvanced", {"sigmas": ["s", 0]}), "s": ("BasicScheduler", {"steps": 9})},
            {"a": 9, "s": 0},
        ),
        ({"a": ("VAEDecode", {})}, {"a": 0}),
        ({"a": ("Odd", {"steps": "many"}), "b": ("Odd", {"steps": -3})}, {"a": 0, "b": 0}),
        ({"a": ("Odd", {"steps": True})}, {"a": 0}),
    ],
)
def test_how_many_steps_a_node_takes(nodes, steps):
    made = graph(**nodes)
    assert {key: progress.steps(made, made.nodes[key]) for key in steps} == steps


def _recorded():
    """Every prompt of the recordings that was accepted: its workflow, and its events with their seconds."""
    for path in recordings.FILES:
        asked, prompts, events = None, {}, {}
        for line in recordings.lines(path):
            is_prompt = str(line.get("path", "")).partition("?")[0].removeprefix("/api") == "/prompt"
            match line["kind"], line.get("json"):
                case "http_request", {"prompt": document} if is_prompt and isinstance(document, dict):
                    asked = document
                case "http_response", {"prompt_id": prompt_id} if is_prompt and asked:
                    prompts[prompt_id] = asked
                case "ws_recv", message:
                    event = messages.decode_text(json.dumps(message))
                    if event is not None and getattr(event, "prompt_id", ""):
                        events.setdefault(event.prompt_id, []).append((float(line["t"]), event))
        for prompt_id, document in prompts.items():
            if prompt_id in events:
                yield f"{path.stem}-{prompt_id[:4]}", (workflow.parse(document), tuple(events[prompt_id]))


RECORDED = dict(_recorded())


def replayed(name, order=None):
    """The runs after each event of a recorded prompt, as they came or in another order."""
    made, events = RECORDED[name]
    run = Run("r", events[0][1].prompt_id, made, 0.0)
    runs = []
    for at, event in events if order is None else [events[index % len(events)] for index in order]:
        run = apply(run, event, at)
        runs.append(run)
    return runs


def test_there_are_recordings_to_test_with():
    assert len(RECORDED) > 40


@pytest.mark.parametrize("name", RECORDED)
def test_progress_of_recorded_runs_rises_to_its_end_and_every_node_is_logged_once(name):
    runs = replayed(name)
    shares = [run.progress.overall for run in runs]
    assert shares == sorted(shares)
    logged = [entry.node_id for entry in runs[-1].log if entry.kind == "node"]
    assert len(logged) == len(set(logged))
    assert not set(logged) & runs[-1].progress.cached
    if any(isinstance(event, RunSucceeded) for _, event in RECORDED[name][1]):
        assert set(logged) <= set(runs[-1].workflow.nodes)
        assert shares[-1] == 1.0
        if not name.startswith("submit_before_ws"):  # who listens late misses when a node began
            assert all(entry.seconds is not None for entry in runs[-1].log if entry.kind == "node")


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(RECORDED)), order=st.lists(st.integers(0, 500), max_size=60))
def test_shuffled_doubled_and_missing_events_of_recorded_runs_never_lower_the_progress(name, order):
    overall = 0.0
    for run in replayed(name, order):
        assert overall <= run.progress.overall <= 1.0
        assert len(run.log) <= run_log.LONGEST
        overall = run.progress.overall
