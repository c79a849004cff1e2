"""A run in words: what happens, how far it is, what went wrong and what to do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from comfyui_bridge.core.errors import InputProblem
from comfyui_bridge.core.estimate import Estimate
from comfyui_bridge.core.events import Event, NodeRaised, RunCollected, RunLost, RunRefused, RunSucceeded
from comfyui_bridge.core.outputs import KeptFile, NodeOutput, OutputFile
from comfyui_bridge.core.progress import Progress
from comfyui_bridge.core.run import Fault, Run, RunError, RunState, apply
from comfyui_bridge.core.run_log import LogEntry
from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.core.workflow import Node, Workflow
from comfyui_bridge.engine.pool import ServerState, ServerStatus
from comfyui_bridge.ui import present
from comfyui_bridge.ui.words import Words

NOW = 1_000.0
EN, ZH = Words("en"), Words("zh")
READY = ServerStatus("gpu", ServerState.READY, since=0.0)
AWAY = ServerStatus("gpu", ServerState.AWAY, error="Connection refused.", since=NOW - 45)
SANDBOX = replace(READY, name="sandbox", facts=ServerFacts(is_sandbox=True))
WORKFLOW = Workflow(
    {
        "4": Node("4", "CheckpointLoaderSimple", {"ckpt_name": "sub/big.safetensors"}, "Load Checkpoint"),
        "3": Node("3", "KSampler", {"steps": 20}),
        "9": Node("9", "SaveImage", {}, "Save Image"),
    }
)


def a_run(**changes: Any) -> Run:
    return replace(
        Run("r1", "p1", WORKFLOW, created_at=NOW - 30, template="t", title="Classic", server="gpu"), **changes
    )


def running(**progress: Any) -> Run:
    return a_run(state=RunState.IN_PROGRESS, started_at=NOW - 10, progress=Progress(**progress))


def line(run: Run, words: Words = EN, servers: tuple[ServerStatus, ...] = (READY,)) -> str:
    return present.stage(run, NOW, servers, words).line


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (None, "Queued"),
        (0, "Queued, next in line"),
        (1, "Queued, 2nd in line"),
        (2, "Queued, 3rd in line"),
        (11, "Queued, 12th in line"),
    ],
)
def test_a_waiting_run_says_its_place(ahead: int | None, said: str) -> None:
    assert line(a_run(ahead=ahead)) == said


def test_a_run_that_no_server_can_take_says_that_it_starts_by_itself() -> None:
    assert line(a_run(server=""), servers=(AWAY,)).startswith("Waiting for a server.")


def test_a_run_waiting_in_a_server_that_went_away_is_not_lost() -> None:
    view = present.stage(a_run(), NOW, (AWAY,), EN, Estimate(8, 12))
    assert view.line.startswith("gpu does not answer.")
    assert view.hint == "for 45 s now; asked again every few seconds"
    assert view.estimate == ""


@pytest.mark.parametrize(
    ("low", "high", "en", "zh"),
    [
        (7.5, 8.5, "about 8 s left", "还需约 8 秒"),
        (0, 0.4, "about 1 s left", "还需约 1 秒"),
        (38, 42, "about 40 s left", "还需约 40 秒"),
        (20, 40, "20 to 40 s left", "还需20 至 40 秒"),
        (50, 130, "50 s to 2 min left", "还需50 秒 至 2 分钟"),
        (110, 300, "2 to 5 min left", "还需2 至 5 分钟"),
        (8, 11, "about 10 s left", "还需约 10 秒"),
    ],
)
def test_the_time_left_is_said_as_roughly_as_it_is_known(low: float, high: float, en: str, zh: str) -> None:
    assert present.left(Estimate(low, high), EN) == en
    assert present.left(Estimate(low, high), ZH) == zh


def test_a_waiting_run_says_when_it_begins_where_that_is_known() -> None:
    def said(estimate: Estimate | None) -> str:
        return present.stage(a_run(ahead=2), NOW, (READY,), EN, estimate).estimate

    assert said(Estimate(38, 42)) == "starts in about 40 s"
    assert said(Estimate(0, 1)) == "starts in a moment"
    assert said(None) == ""


def test_a_running_sampler_is_named_with_its_step_and_the_time_left() -> None:
    run = running(node_id="3", value=12, maximum=20, node_started_at=NOW - 12, stepped_at=NOW)
    view = present.stage(run, NOW, (READY,), EN, Estimate(7.5, 8.5))
    assert (view.line, view.estimate, view.moving) == ("KSampler, step 12 of 20", "about 8 s left", False)
    assert line(run, ZH) == "KSampler，第 12 / 20 步"


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        ({"node_id": "3", "value": 0, "maximum": 20, "node_started_at": NOW}, "KSampler, step 0 of 20"),
        (
            {"node_id": "3", "value": 0, "maximum": 20, "node_started_at": NOW - 9},
            "KSampler, loading the model",
        ),
        ({"node_id": "3", "node_started_at": NOW - 9}, "KSampler, loading the model"),
        ({"node_id": "3", "node_started_at": NOW}, "KSampler"),
        ({"node_id": "4", "node_started_at": NOW - 3}, "Loading model"),
        ({"node_id": "9", "node_started_at": NOW - 3}, "Save Image"),
        (
            {"node_id": "3", "value": 4, "maximum": 20, "passes": 3, "node_started_at": NOW - 9},
            "KSampler, step 4 of 20, pass 3",
        ),
        ({}, "Running. The server tells no steps of it"),
    ],
)
def test_the_bar_moves_while_nobody_knows_how_far_a_node_is(progress: dict[str, Any], said: str) -> None:
    view = present.stage(running(**progress), NOW, (READY,), EN)
    assert (view.line, view.moving) == (said, True)


def test_a_loader_tells_which_file_it_loads() -> None:
    view = present.stage(running(node_id="4", node_started_at=NOW - 3), NOW, (READY,), EN)
    assert (view.line, view.hint) == ("Loading model", "big.safetensors")


def test_a_run_that_has_just_begun_is_starting() -> None:
    assert line(replace(running(), started_at=NOW - 1)) == "Starting"


def test_a_server_that_says_nothing_for_long_is_said_to_be_silent() -> None:
    run = running(node_id="4", node_started_at=NOW - 62)
    assert present.stage(run, NOW, (READY,), EN).hint == "no word from the server for 60 s"


def test_a_server_that_went_away_in_mid_run_is_named() -> None:
    view = present.stage(running(node_id="3"), NOW, (AWAY,), EN)
    assert view.line == "gpu does not answer. If it still has the run once it is back, it goes on."


def test_a_run_whose_files_are_fetched_is_saving_and_not_yet_full() -> None:
    run = replace(running(overall=1.0), server_done=True)
    view = present.stage(run, NOW, (READY,), EN)
    assert (view.phase, view.line) == ("saving", "Saving")
    assert view.share < 1


def test_a_finished_run_has_its_files_links_and_facts() -> None:
    file = OutputFile("Classic #1?_00001_.png", node_id="9")
    run = a_run(
        state=RunState.COMPLETED,
        started_at=NOW - 8,
        ended_at=NOW - 2,
        outputs=(NodeOutput("9", (file,)),),
        kept=(KeptFile("Classic #1?_00001_.png", 1_234_567, file),),
        values={"seed": 2**64 - 1, "width": 768, "height": 512},
    )
    view = present.stage(run, NOW, (READY,), EN)
    assert (view.phase, view.share, view.live, view.line) == ("done", 1.0, False, "Done in 6 s")
    assert view.hint == "Seed 18446744073709551615 · 768 × 512 · on gpu"
    assert view.ratio == 1.5
    only = view.files[0]
    assert only.url == "media/r1/Classic%20%231%3F_00001_.png"
    assert only.download == f"{only.url}?download=1"
    assert (only.kind, only.size) == ("image", "1.2 MB")
    assert view.archive == ""
    assert view.seeds == {"input-seed": "18446744073709551615"}


def test_a_run_of_several_files_offers_them_together() -> None:
    files = [OutputFile(f"{n}.png") for n in range(2)]
    run = a_run(state=RunState.COMPLETED, kept=tuple(KeptFile(f.filename, 10, f) for f in files))
    assert present.stage(run, NOW, (READY,), EN).archive == "media/r1.zip"


def test_a_run_the_server_had_done_before_says_so() -> None:
    run = a_run(state=RunState.COMPLETED, log=(LogEntry(NOW, "cached", "", "all of it"),))
    assert line(run) == "Done at once: the server still had this picture"


def log_of(run: Run, words: Words = EN) -> list[str]:
    view = present.stage(run, NOW, (READY,), words)
    return [" | ".join(filter(None, (one.at, one.text, one.took, one.tone))) for one in view.log]


LOG = (
    LogEntry(NOW - 29, "sent", "", "gpu"),
    LogEntry(NOW - 25, "moved", "", "gpu"),
    LogEntry(NOW - 25, "moved", "", "The server gpu ended."),
    LogEntry(NOW - 20, "started"),
    LogEntry(NOW - 20, "cached", "", "Load Checkpoint"),
    LogEntry(NOW + 41, "node", "3", "KSampler", 61.04),
    LogEntry(NOW + 41, "warning", "", "a.png could not be kept."),
    LogEntry(NOW + 41, "of a later version", "", "as it is"),
    LogEntry(NOW + 42, "done", "", "", 62.0),
)


def test_a_log_reads_like_a_story() -> None:
    run = a_run(state=RunState.COMPLETED, log=LOG)
    assert log_of(run) == [
        "0:01 | Sent to gpu",
        "0:05 | Taken back from gpu; it waits for a server again",
        "0:05 | The server gpu ended.",
        "0:10 | Begun",
        "0:10 | Still in the server’s cache: Load Checkpoint",
        "1:11 | KSampler | 61.0 s",
        "1:11 | a.png could not be kept. | warning",
        "1:11 | as it is",
        "1:12 | Done | 62.0 s",
    ]
    assert log_of(run, ZH)[0] == "0:01 | 已提交到 gpu"


def test_a_live_run_shows_the_last_lines_of_its_log_only() -> None:
    run = replace(running(), log=tuple(LogEntry(NOW, "node", str(n), f"N{n}", 1.0) for n in range(50)))
    assert len(log_of(run)) == present.LIVE_LOG
    assert log_of(run)[-1].startswith("0:30 | N49")


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (("stop_asked", "stopped"), "Stopped"),
        (("sent", "stopped"), "Stopped at the server itself, not from here"),
    ],
)
def test_a_log_tells_who_stopped_a_run(kinds: tuple[str, ...], said: str) -> None:
    run = a_run(state=RunState.CANCELLED, log=tuple(LogEntry(NOW, kind) for kind in kinds))
    assert log_of(run)[-1] == f"0:30 | {said}"


STEPS = InputProblem(
    "3", "KSampler", "value_smaller_than_min", "Value 0 smaller than min of 1", input="steps"
)
CLASS = InputProblem("3", "KSampler", "missing_node_type", "No such node")
FAILURES: list[tuple[Event, str, str, str, str]] = [
    (
        NodeRaised("p1", "3", "KSampler", "Allocation failed", "torch.OutOfMemoryError"),
        "The server ran out of memory",
        "At KSampler",
        "",
        "Choose a smaller size",
    ),
    (
        NodeRaised("p1", "4", "CheckpointLoaderSimple", "boom", "ValueError"),
        "A node failed",
        "At Load Checkpoint (CheckpointLoaderSimple)",
        "boom",
        "Check the values",
    ),
    (
        RunLost("p1", "The server no longer knows this run; it was probably restarted. Run it again."),
        "This run was lost",
        "",
        "The server no longer knows this run; it was probably restarted.",
        "",
    ),
    (
        RunSucceeded("p1"),
        "The workflow gave no result",
        "",
        "The workflow ran to its end, yet no node reported a file or a text.",
        "Add a node that saves, such as Save Image",
    ),
    (
        RunRefused("p1", "KSampler (node 3): steps is out of range: 0 is less than 1.", (STEPS,)),
        "The server refused the workflow",
        "",
        "KSampler (node 3): steps is out of range: 0 is less than 1.",
        "Change what is named above",
    ),
    (
        RunRefused(
            "p1", "KSampler (node 3): the server has no node of class KSampler. Install it.", (CLASS,)
        ),
        "The server refused the workflow",
        "",
        "KSampler (node 3): the server has no node of class KSampler. Install it.",
        "",
    ),
    (
        RunRefused("p1", "The server refused the workflow without saying why; its own log may tell."),
        "The server refused the workflow",
        "",
        "It did not say why; its own log may tell.",
        "",
    ),
]


@pytest.mark.parametrize(("event", "title", "where", "message", "advice"), FAILURES)
def test_a_failure_says_once_what_happened_where_and_what_to_do(
    event: Event, title: str, where: str, message: str, advice: str
) -> None:
    run = a_run() if isinstance(event, RunRefused) else running()
    run = apply(apply(run, event, NOW), RunCollected("p1", ()), NOW)
    shown = present.stage(run, NOW, (READY,), EN).error
    assert shown is not None
    assert (shown.title, shown.where, shown.message) == (title, where, message)
    assert shown.advice.startswith(advice)
    assert bool(shown.advice) == bool(advice)
    chinese = present.stage(run, NOW, (READY,), ZH).error
    assert chinese is not None
    assert [bool(part) for part in (chinese.where, chinese.message, chinese.advice)] == [
        bool(part) for part in (where, message, advice)
    ]
    assert "Run it again" not in chinese.message
    assert "请重新运行" not in chinese.message
    line = present.why_failed(run, EN)
    assert line.startswith(title)
    assert line.lower().count("ran out of memory") == (1 if "memory" in title else 0)
    assert ("KSampler" in line) == ("KSampler" in where + message)


def test_what_a_node_raised_and_where_is_in_the_details() -> None:
    error = RunError(Fault.NODE, "x", "3", "KSampler", traceback=("one\n", "two\n"), said="RuntimeError: no")
    shown = present.stage(a_run(state=RunState.FAILED, error=error), NOW, (READY,), EN).error
    assert shown is not None
    assert shown.details == "RuntimeError: no\none\ntwo"


def test_a_lost_run_can_be_run_again_and_a_refused_one_cannot() -> None:
    def again(fault: Fault) -> bool:
        run = a_run(state=RunState.FAILED, error=RunError(fault, "x"))
        error = present.stage(run, NOW, (READY,), EN).error
        return error is not None and error.again

    assert again(Fault.LOST)
    assert not again(Fault.REFUSED)


def test_stopping_is_said_until_it_stopped() -> None:
    assert line(replace(running(node_id="3"), stopping=True)) == "Stopping"
    stopped = present.stage(a_run(state=RunState.CANCELLED), NOW, (READY,), EN)
    assert (stopped.phase, stopped.line, stopped.hint) == ("cancelled", "Stopped", "Nothing was kept of it.")


@pytest.mark.parametrize(
    ("servers", "uses_sandbox", "tone"),
    [
        ((), False, "away"),
        ((READY,), False, "ok"),
        ((AWAY,), False, "away"),
        ((ServerStatus("gpu"),), False, "wait"),
        ((READY, AWAY), False, "wait"),
        ((READY, READY), False, "ok"),
        ((READY,), True, "sandbox"),
        ((AWAY,), True, "away"),
        ((SANDBOX,), False, "sandbox"),
        ((SANDBOX, AWAY), True, "sandbox"),
        ((SANDBOX, READY), False, "sandbox"),
        ((ServerStatus("sandbox"), AWAY), True, "sandbox"),
        ((replace(SANDBOX, paused=True), replace(READY, added=True)), True, "wait"),
        ((replace(SANDBOX, state=ServerState.AWAY), READY), False, "wait"),
    ],
)
def test_the_badge_tells_how_the_servers_are(
    servers: tuple[ServerStatus, ...], uses_sandbox: bool, tone: str
) -> None:
    assert present.badge(servers, NOW, EN, uses_sandbox=uses_sandbox).tone == tone


def test_paused_servers_are_not_taken_for_ready_ones() -> None:
    paused = replace(READY, paused=True)
    badge = present.badge((paused,), NOW, EN, uses_sandbox=True)
    assert (badge.tone, badge.short, badge.link) == ("wait", "Paused", True)
    assert present.badge((paused, READY), NOW, EN).short == "1 of 2 servers ready"
    waiting = present.stage(a_run(), NOW, (paused,), EN)
    assert "the servers are paused" in waiting.line


def test_a_sandbox_among_the_servers_is_told_whatever_the_others_are() -> None:
    assert present.badge((SANDBOX, AWAY), NOW, EN).words == (
        "Sandbox: procedural pictures, no AI model. No answer from gpu."
    )
    assert present.badge((SANDBOX, ServerStatus("gpu")), NOW, EN).words == (
        "Sandbox: procedural pictures, no AI model."
    )
    said = present.badge((SANDBOX, READY), NOW, EN).words
    assert said == "2 of 2 servers ready, a sandbox without AI model among them"


def test_the_sandbox_is_never_taken_for_a_model() -> None:
    badge = present.badge((READY,), NOW, EN, uses_sandbox=True)
    assert badge.words == "Sandbox: procedural pictures, no AI model."
    assert (badge.hint, badge.link) == ("Connect a ComfyUI", True)


def test_a_server_that_is_away_is_told_with_the_time_and_the_reason() -> None:
    said = present.away_line((AWAY,), NOW, EN)
    assert said == (
        "gpu does not answer, for 45 s now. It is asked again every few seconds. Connection refused."
    )
    assert present.away_line((AWAY, READY), NOW, EN) == ""


@pytest.mark.parametrize(
    ("silent", "added", "hint"),
    [
        (45, False, "for 45 s now; asked again every few seconds"),
        (120, False, "for 2 min now; asked again every few seconds. Stop gives this run up"),
        (
            120,
            True,
            "for 2 min now; asked again every few seconds. "
            "Stop gives this run up, and so does removing the server",
        ),
    ],
)
def test_since_when_a_run_s_server_is_silent_and_what_frees_it(silent: int, added: bool, hint: str) -> None:
    away = replace(AWAY, since=NOW - silent, added=added)
    for state in (RunState.PENDING, RunState.IN_PROGRESS):
        view = present.stage(a_run(state=state, server="gpu"), NOW, (away,), EN)
        assert view.line == "gpu does not answer. If it still has the run once it is back, it goes on."
        assert view.hint == hint
    moving = present.stage(a_run(server="gpu"), NOW, (replace(away, moves_at=NOW + 3),), EN)
    assert moving.line.endswith("it starts there or elsewhere by itself.")


def test_that_runs_cannot_be_written_down_comes_before_all_else() -> None:
    said = present.trouble_line("The disk is full. Free some space.", (AWAY,), NOW, EN)
    assert said.startswith(
        "Runs cannot be written down. The disk is full. Free some space. What runs goes on"
    )
    assert present.trouble_line("", (AWAY,), NOW, EN) == present.away_line((AWAY,), NOW, EN)


def test_the_frame_has_the_shape_of_the_picture_to_come() -> None:
    empty = Workflow({"5": Node("5", "EmptyLatentImage", {"width": 512, "height": 1024})})
    assert present.ratio({"width": 1328, "height": 664}, empty) == 2.0
    assert present.ratio({}, empty) == 0.5
    assert present.ratio({"width": "x"}, WORKFLOW) == 1.0
    assert present.ratio({"width": 16384, "height": 16}, None) == 4.0


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 B"), (1234, "1 kB"), (1_850_000, "1.9 MB"), (4_200_000_000, "4.2 GB")]
)
def test_sizes_of_files_are_said_roughly(size: int, said: str) -> None:
    assert present.bytes_words(size) == said
