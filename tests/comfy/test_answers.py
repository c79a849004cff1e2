"""Bodies of answers to core types: every recorded one, and others that servers give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfyui_bridge.comfy import answers
from comfyui_bridge.core.events import NodeRaised
from comfyui_bridge.core.outputs import NodeOutput, OutputFile
from comfyui_bridge.core.server import HistoryEntry, OfferedTemplate, Outcome, QueueState
from tests.comfy import recordings

P = "0d0b886e-22f8-411b-8174-494769303786"


@pytest.mark.parametrize("path", recordings.FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_recorded_queue_is_read_in_its_running_order(path: Path) -> None:
    for line in recordings.answers(path, "GET", "/queue"):
        if line["status"] != 200 or "json" not in line or "jobs" in line["path"]:
            continue
        body = line["json"]
        read = answers.queue(body)
        assert read is not None
        assert read.running == tuple(item[1] for item in body["queue_running"])
        numbers = {item[1]: item[0] for item in body["queue_pending"]}
        assert [numbers[prompt_id] for prompt_id in read.pending] == sorted(numbers.values())


@pytest.mark.parametrize("path", recordings.FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_recorded_history_entry_is_read(path: Path) -> None:
    for line in recordings.answers(path, "GET", "/history"):
        if line["status"] != 200 or not isinstance(line.get("json"), dict):
            continue
        for prompt_id, entry in line["json"].items():
            read = answers.history(line["json"], prompt_id)
            assert read is not None
            last = entry["status"]["messages"][-1][0]
            outcomes = {
                "execution_success": Outcome.SUCCESS,
                "execution_error": Outcome.ERROR,
                "execution_interrupted": Outcome.INTERRUPTED,
            }
            assert read.outcome is outcomes[last]
            assert (read.failure is not None) == (read.outcome is Outcome.ERROR)
            files = [f for o in entry["outputs"].values() for f in _files(o)]
            assert [(f.filename, f.subfolder, f.type) for o in read.outputs for f in o.files] == files
            assert read.started_at is not None
            assert read.ended_at is not None
            assert read.ended_at >= read.started_at > 1_600_000_000


def _files(output: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (entry["filename"], entry["subfolder"], entry["type"])
        for entries in output.values()
        for entry in entries
        if isinstance(entry, dict)
    ]


def test_both_outcomes_that_have_status_error_were_recorded() -> None:
    seen = set()
    for path in recordings.FILES:
        for line in recordings.answers(path, "GET", "/history"):
            for prompt_id in line.get("json") or {}:
                read = answers.history(line["json"], prompt_id)
                seen.add(read.outcome if read else None)
    assert set(Outcome) <= seen


@pytest.mark.parametrize("version", recordings.VERSIONS)
def test_system_stats_of_both_versions(version: str) -> None:
    path = recordings.RECORDINGS / version / "info_routes.jsonl"
    bodies = [line["json"] for line in recordings.answers(path, "GET", "/system_stats") if line["json"]]
    assert bodies
    for body in bodies:
        read = answers.facts(body)
        assert read is not None
        assert read.version == body["system"]["comfyui_version"]
        assert read.python_version == "3.11.7"
        assert read.devices[0].name == "cpu"
        assert read.devices[0].vram_total == body["devices"][0]["vram_total"]
        assert not read.is_sandbox


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"system": {}},
        {"system": None, "devices": []},
        {"devices": []},
        "ok",
        {"system": [], "devices": {}},
    ],
)
def test_what_is_no_comfyui_has_no_facts(body: object) -> None:
    assert answers.facts(body) is None


def test_the_sandbox_says_what_it_is() -> None:
    read = answers.facts({"system": {"sandbox": True}, "devices": [None, {"name": 4}]})
    assert read is not None
    assert read.is_sandbox
    assert read.version == ""
    assert [device.name for device in read.devices] == [""]


@pytest.mark.parametrize(
    "body", [None, [], {}, {"queue_running": []}, {"queue_running": 1, "queue_pending": 2}]
)
def test_what_is_no_queue(body: object) -> None:
    assert answers.queue(body) is None


def test_malformed_items_of_a_queue_are_left_out() -> None:
    items = [[2, "b"], [-1.5, "a"], None, [], ["x", "y"], [float("nan"), "n"], [3, 4]]
    assert answers.queue({"queue_running": items, "queue_pending": items}) == QueueState(
        ("b", "a"), ("a", "b")
    )


def entry(**parts: Any) -> dict[str, Any]:
    return {
        P: {"outputs": {}, "status": {"status_str": "error", "completed": False, "messages": []}, **parts}
    }


HISTORY_ROWS: list[tuple[str, object, HistoryEntry | None]] = [
    ("none yet", {}, None),
    ("not a mapping", [], None),
    ("an entry that is none", {P: 4}, None),
    ("an error without a word", entry(), HistoryEntry(P, Outcome.ERROR)),
    (
        "an old server without a status",
        entry(status=None),
        HistoryEntry(P, Outcome.SUCCESS),
    ),
    (
        "plain texts as messages",
        entry(status={"status_str": "error", "messages": ["execution_start", "CUDA went away"]}),
        HistoryEntry(P, Outcome.ERROR, failure=NodeRaised(P, "", "", "CUDA went away")),
    ),
    (
        "an interrupt in plain texts",
        entry(status={"status_str": "error", "messages": ["execution_start", "Execution interrupted"]}),
        HistoryEntry(P, Outcome.INTERRUPTED),
    ),
    (
        "an interrupt named in plain texts",
        entry(status={"status_str": "error", "messages": ["execution_interrupted"]}),
        HistoryEntry(P, Outcome.INTERRUPTED),
    ),
    (
        "what it still had",
        entry(
            status={
                "status_str": "success",
                "messages": [["execution_cached", {"nodes": ["4", "9"], "prompt_id": P}]],
            }
        ),
        HistoryEntry(P, Outcome.SUCCESS, cached=("4", "9")),
    ),
    (
        "nodes made at run time count as the one that made them",
        entry(
            status={"status_str": "success", "messages": []},
            outputs={
                "5.0.1": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"}]},
                "5.0.2": {"text": ["hello"]},
                "6": None,
            },
            meta={"5.0.1": {"display_node": "5"}, "5.0.2": {"display_node": "5"}, "6": None},
        ),
        HistoryEntry(
            P,
            Outcome.SUCCESS,
            (NodeOutput("5", (OutputFile("a.png", "", "output", "5"),), ("hello",)), NodeOutput("6")),
        ),
    ),
]


@pytest.mark.parametrize(
    ("body", "read"), [row[1:] for row in HISTORY_ROWS], ids=[r[0] for r in HISTORY_ROWS]
)
def test_a_history(body: object, read: HistoryEntry | None) -> None:
    assert answers.history(body, P) == read


def test_offered_templates_are_told_apart_by_whose_they_are() -> None:
    # As 0.33 has it in info_routes.jsonl, shortened; a module of another name is an extension's.
    listed = [
        {
            "moduleName": "default",
            "category": "GENERATION TYPE",
            "title": "Video",
            "templates": [
                {
                    "name": "video_minimax_h3_i2v",
                    "title": "MiniMax H3: Image to Video",
                    "description": "Turn a starting image into a clip.",
                    "tags": ["Image to Video", "Video", 3],
                    "models": ["MiniMax H3"],
                    "openSource": True,
                },
                {"name": "default"},
                {"title": "without a file"},
                None,
            ],
        },
        {"moduleName": "ComfyUI-Pack", "templates": [{"name": "upscale"}]},
        {"templates": 3},
        "no category",
    ]
    assert list(answers.own_templates(listed)) == [
        OfferedTemplate(
            "video_minimax_h3_i2v",
            "MiniMax H3: Image to Video",
            description="Turn a starting image into a clip.",
            tags=("Image to Video", "Video"),
        ),
        OfferedTemplate("default", "default"),
        OfferedTemplate("upscale", "upscale", "ComfyUI-Pack"),
    ]
    assert list(answers.extension_templates({"Pack": ["a", 3], "Other": None})) == [
        OfferedTemplate("a", "a", "Pack")
    ]
    for nonsense in (None, 3, "x", {}, {"templates": []}):
        assert list(answers.own_templates(nonsense)) == []
        assert list(answers.extension_templates(nonsense)) == [] or nonsense == {"templates": []}
