"""A run in words: what happens, how far it is, what went wrong and what to do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from comfyui_bridge.core.outputs import KeptFile, NodeOutput, OutputFile
from comfyui_bridge.core.progress import Progress
from comfyui_bridge.core.run import Fault, Run, RunError, RunState
from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.core.workflow import Node, Workflow
from comfyui_bridge.engine.pool import ServerState, ServerStatus
from comfyui_bridge.ui import present
from comfyui_bridge.ui.words import Words

NOW = 1_000.0
EN, ZH = Words("en"), Words("zh")
READY = ServerStatus("gpu", ServerState.READY, since=0.0)
AWAY = ServerStatus("gpu", ServerState.AWAY, error="Connection refused.", since=NOW - 45)
WORKFLOW = Workflow(
    {
        "4": Node("4", "CheckpointLoaderSimple", {}, "Load Checkpoint"),
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
    assert line(a_run(), servers=(AWAY,)).startswith("Waiting for a server.")


def test_a_running_sampler_is_named_with_its_step_and_the_seconds_left() -> None:
    run = running(node_id="3", value=12, maximum=20, node_started_at=NOW - 12, stepped_at=NOW)
    assert line(run) == "KSampler, step 12 of 20, about 8 s left"
    assert line(run, ZH) == "KSampler，第 12 / 20 步，约剩 8 秒"


def test_the_seconds_left_go_down_while_no_step_is_told() -> None:
    run = running(node_id="3", value=10, maximum=20, node_started_at=NOW - 12, stepped_at=NOW - 2)
    assert line(run) == "KSampler, step 10 of 20, about 8 s left"


def test_no_time_is_promised_before_the_first_step() -> None:
    assert line(running(node_id="3", value=0, maximum=20, node_started_at=NOW)) == "KSampler, step 0 of 20"


def test_a_loader_is_said_to_load_its_model() -> None:
    run = running(node_id="4", node_started_at=NOW - 3)
    view = present.stage(run, NOW, (READY,), EN)
    assert (view.line, view.moving, view.hint) == ("Loading model", True, "")


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
    run = a_run(state=RunState.COMPLETED, progress=Progress(1.0, cached=frozenset(WORKFLOW.nodes)))
    assert line(run) == "Done at once: the server still had this picture"


@pytest.mark.parametrize("fault", Fault)
def test_every_failure_says_what_happened_and_what_to_do(fault: Fault) -> None:
    error = RunError(fault, "What it said.", node_id="3", class_type="KSampler", traceback=("one\n", "two\n"))
    for words in (EN, ZH):
        shown = present.stage(a_run(state=RunState.FAILED, error=error), NOW, (READY,), words).error
        assert shown is not None
        assert shown.title
        assert shown.message == "What it said."
        assert shown.advice
        assert "KSampler" in shown.where
        assert shown.details == "one\ntwo"


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
        ((replace(READY, facts=ServerFacts(is_sandbox=True)),), False, "sandbox"),
    ],
)
def test_the_badge_tells_how_the_servers_are(
    servers: tuple[ServerStatus, ...], uses_sandbox: bool, tone: str
) -> None:
    assert present.badge(servers, NOW, EN, uses_sandbox=uses_sandbox).tone == tone


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
