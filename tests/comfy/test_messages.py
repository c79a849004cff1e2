"""Frames to events: every recorded message, and everything that is not one."""

from __future__ import annotations

import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfyui_bridge.comfy import messages
from comfyui_bridge.core.events import (
    Event,
    NodeProgress,
    NodeRaised,
    NodesCached,
    NodesProgressed,
    NodeStarted,
    OutputReady,
    PreviewReady,
    ProgressMade,
    QueueChanged,
    RunEnded,
    RunInterrupted,
    RunStarted,
    RunSucceeded,
    TextReported,
)
from comfyui_bridge.core.outputs import NodeOutput, OutputFile
from tests.comfy import recordings

P = "0d0b886e-22f8-411b-8174-494769303786"
FILE = {"filename": "a_00001_.png", "subfolder": "sub", "type": "output"}


def expected(message: dict[str, Any]) -> Event | None:
    """What a recorded message should give, written the long way: by its keys, trusting them."""
    data = message["data"]
    match message["type"]:
        case "status":
            return QueueChanged(data["status"]["exec_info"]["queue_remaining"])
        case "execution_start":
            return RunStarted(data["prompt_id"])
        case "execution_cached":
            return NodesCached(data["prompt_id"], tuple(data["nodes"]))
        case "executing" if "prompt_id" not in data:
            return None
        case "executing" if data["node"] is None:
            return RunEnded(data["prompt_id"])
        case "executing":
            return NodeStarted(data["prompt_id"], data["node"], data["display_node"])
        case "progress":
            return ProgressMade(data["prompt_id"], data["node"], data["value"], data["max"])
        case "progress_state":
            nodes = {
                key: NodeProgress(key, node["state"], node["value"], node["max"], node["display_node_id"])
                for key, node in data["nodes"].items()
            }
            return NodesProgressed(data["prompt_id"], nodes)
        case "executed":
            output = data["output"] or {}
            files = [
                OutputFile(entry["filename"], entry["subfolder"], entry["type"], data["display_node"], key)
                for key, entries in output.items()
                for entry in entries
                if isinstance(entry, dict)
            ]
            return OutputReady(
                data["prompt_id"],
                NodeOutput(data["display_node"], tuple(files), tuple(output.get("text", ()))),
            )
        case "execution_success":
            return RunSucceeded(data["prompt_id"])
        case "execution_interrupted":
            return RunInterrupted(data["prompt_id"], data["node_id"])
        case "execution_error":
            return NodeRaised(
                data["prompt_id"],
                data["node_id"],
                data["node_type"],
                data["exception_message"].rstrip("\n"),
                data["exception_type"],
                tuple(line.rstrip("\n") for line in data["traceback"]),
            )
        case (
            "feature_flags" | "assets.seed.started" | "assets.seed.enrich_complete" | "assets.seed.completed"
        ):
            return None
    raise AssertionError(f"a message type this test does not know: {message['type']}")


@pytest.mark.parametrize("path", recordings.FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_recorded_message_gives_its_event(path: Path) -> None:
    for message in recordings.messages(path):
        assert messages.decode(json.dumps(message)) == expected(message)


@pytest.mark.parametrize("version", recordings.VERSIONS)
def test_the_recordings_have_every_message_type(version: str) -> None:
    seen: Counter[str] = Counter()
    for path in recordings.FILES:
        if path.parent.name == version:
            seen.update(message["type"] for message in recordings.messages(path))
    types = "status execution_start execution_cached executing progress progress_state executed "
    types += "execution_success execution_error execution_interrupted feature_flags"
    assert set(types.split()) <= set(seen)


@pytest.mark.parametrize("path", recordings.FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_recorded_binary_frame_gives_its_preview(path: Path) -> None:
    for noted, frame in recordings.whole_frames(path):
        event = messages.decode(frame)
        assert isinstance(event, PreviewReady)
        assert len(event.image) == noted["image_bytes"]
        assert event.image.startswith(b"\xff\xd8" if event.media_type == "image/jpeg" else b"\x89PNG")
        metadata = noted.get("metadata", {})
        assert event.prompt_id == metadata.get("prompt_id", "")
        assert event.node_id == metadata.get("display_node_id", "")


def test_both_kinds_of_preview_were_recorded() -> None:
    kinds = {noted["event_type"] for path in recordings.FILES for noted, _ in recordings.whole_frames(path)}
    assert kinds == {1, 4}


def text(kind: str, **data: Any) -> str:
    return json.dumps({"type": kind, "data": data})


ROWS: list[tuple[str, str, Event | None]] = [
    (
        "a node made at run time is shown as the one people know",
        text("executing", node="5.0.1", display_node="5", prompt_id=P),
        NodeStarted(P, "5.0.1", "5"),
    ),
    (
        "its output counts as that one's",
        text("executed", node="5.0.1", display_node="5", output={"images": [FILE]}, prompt_id=P),
        OutputReady(P, NodeOutput("5", (OutputFile("a_00001_.png", "sub", "output", "5"),))),
    ),
    (
        "a cached output node may have no output",
        text("executed", node="9", display_node="9", output=None, prompt_id=P),
        OutputReady(P, NodeOutput("9")),
    ),
    (
        "an extension's own media key",
        text("executed", node="9", output={"gifs": [{**FILE, "format": "video/h264-mp4"}]}, prompt_id=P),
        OutputReady(P, NodeOutput("9", (OutputFile("a_00001_.png", "sub", "output", "9", "gifs"),))),
    ),
    ("executing after coming back names no prompt", text("executing", node="3"), None),
    ("an end without a prompt", text("executing", node=None), None),
    ("executing without a node is no end", text("executing", prompt_id=P), None),
    ("a node id that is a number", text("executing", node=3, prompt_id=P), NodeStarted(P, "3")),
    ("progress without a node", text("progress", value=1, max=4, prompt_id=P), None),
    ("progress in words", text("progress", value="1", max=4, prompt_id=P, node="3"), None),
    (
        "progress beyond counting",
        '{"type":"progress","data":{"value":NaN,"max":Infinity,"node":"3","prompt_id":"x"}}',
        None,
    ),
    (
        "progress with a number too large for a float",
        f'{{"type":"progress","data":{{"value":1,"max":1{"0" * 400},"node":"3","prompt_id":"x"}}}}',
        None,
    ),
    (
        "a malformed node leaves the others",
        text(
            "progress_state",
            prompt_id=P,
            nodes={"1": None, "2": {"value": 1, "max": 2, "state": "running"}, "3": {"value": None}},
        ),
        NodesProgressed(P, {"2": NodeProgress("2", "running", 1, 2)}),
    ),
    ("progress_state without nodes", text("progress_state", prompt_id=P), None),
    ("an error without a word", text("execution_error", prompt_id=P), NodeRaised(P, "", "", "")),
    ("status without a count", text("status", status={"exec_info": {}}), None),
    ("status below nothing", text("status", status={"exec_info": {"queue_remaining": -1}}), None),
    ("status of another shape", text("status", status=None), None),
    ("an unknown type", text("crystools.monitor", cpu=12), None),
    ("a type that is no text", '{"type": 4, "data": {}}', None),
    ("no data", '{"type": "execution_start"}', None),
    ("data that is a list", '{"type": "execution_start", "data": []}', None),
    ("a list", "[]", None),
    ("null", "null", None),
    ("not JSON", "hello", None),
    ("nothing", "", None),
    ("half a message", '{"type": "progress", "da', None),
    ("deeper than any stack", "[" * 200_000, None),
    ("a prompt_id that is a list", '{"type":"execution_start","data":{"prompt_id":[1]}}', None),
]


@pytest.mark.parametrize(("frame", "event"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_text_frame(frame: str, event: Event | None) -> None:
    assert messages.decode(frame) == event


def counted(field: bytes) -> bytes:
    return struct.pack(">I", len(field)) + field


JPEG = b"\xff\xd8\xff\xe0picture"
METADATA = {"node_id": "4.0.1", "prompt_id": P, "display_node_id": "4", "image_type": "image/jpeg"}

BINARY_ROWS: list[tuple[str, bytes, Event | None]] = [
    ("a JPEG", struct.pack(">II", 1, 1) + JPEG, PreviewReady(JPEG, "image/jpeg")),
    ("a PNG", struct.pack(">II", 1, 2) + b"\x89PNG", PreviewReady(b"\x89PNG", "image/png")),
    ("an unknown picture format", struct.pack(">II", 1, 3) + JPEG, None),
    ("a preview without a picture", struct.pack(">II", 1, 1), None),
    (
        "a preview with its prompt",
        struct.pack(">I", 4) + counted(json.dumps(METADATA).encode()) + JPEG,
        PreviewReady(JPEG, "image/jpeg", P, "4"),
    ),
    (
        "a preview of another picture type",
        struct.pack(">I", 4) + counted(b'{"image_type": "image/svg+xml"}') + b"<svg/>",
        None,
    ),
    ("metadata that is no JSON", struct.pack(">I", 4) + counted(b"{") + JPEG, None),
    ("metadata that is a list", struct.pack(">I", 4) + counted(b"[]") + JPEG, None),
    ("metadata in wrong UTF-8", struct.pack(">I", 4) + counted(b"\xff\xfe\xfd") + JPEG, None),
    ("metadata longer than the frame", struct.pack(">II", 4, 2**31) + JPEG, None),
    ("a text", struct.pack(">I", 3) + counted(b"12") + "Drücken".encode(), TextReported("Drücken", "12")),
    (
        "a text with its prompt",
        struct.pack(">I", 3) + counted(P.encode()) + counted(b"12") + b"50 %",
        TextReported("50 %", "12", P),
    ),
    (
        "a text whose node id looks like a prompt's",
        struct.pack(">I", 3) + counted(P.encode()) + b"done",
        TextReported("done", P),
    ),
    ("a text longer than the frame", struct.pack(">II", 3, 99) + b"x", None),
    ("a text in wrong UTF-8", struct.pack(">I", 3) + counted(b"1") + b"\xff", TextReported("�", "1")),
    ("type 2 never goes over the wire", struct.pack(">II", 2, 1) + JPEG, None),
    ("an unknown type", struct.pack(">II", 99, 1) + JPEG, None),
    ("seven bytes", b"\0\0\0\1\0\0\0", None),
    ("nothing", b"", None),
]


@pytest.mark.parametrize(
    ("frame", "event"), [row[1:] for row in BINARY_ROWS], ids=[row[0] for row in BINARY_ROWS]
)
def test_a_binary_frame(frame: bytes, event: Event | None) -> None:
    assert messages.decode(frame) == event


def test_an_oversized_frame_gives_nothing() -> None:
    whole = messages.LARGEST_FRAME
    assert messages.decode(b"\0\0\0\1\0\0\0\1" + bytes(whole)) is None
    assert messages.decode('{"type":"execution_start","data":{"prompt_id":"x"}}' + " " * whole) is None


def test_a_raised_error_is_kept_within_bounds() -> None:
    event = messages.decode(
        text("execution_error", prompt_id=P, exception_message="x" * 10**6, traceback=["y" * 10**5] * 300)
    )
    assert isinstance(event, NodeRaised)
    assert len(event.message) + sum(map(len, event.traceback)) < 5_000_000


# How fast the machine is says nothing about what is tested.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@PATIENT
@given(st.binary(max_size=200))
def test_no_binary_frame_raises(frame: bytes) -> None:
    messages.decode(frame)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = "status node nodes display_node prompt_id value max output node_id traceback exception_message sid"


@PATIENT
@given(
    st.sampled_from(
        (
            "status",
            "execution_start",
            "execution_cached",
            "executing",
            "progress",
            "progress_state",
            "executed",
            "execution_success",
            "execution_error",
            "execution_interrupted",
        )
    ),
    st.dictionaries(st.sampled_from(KEYS.split()), json_values),
)
def test_no_message_raises_whatever_its_data(kind: str, data: dict[str, Any]) -> None:
    messages.decode(json.dumps({"type": kind, "data": data}))


def test_the_greeting_is_the_first_status() -> None:
    assert messages.greeting(text("status", status={"exec_info": {"queue_remaining": 0}}, sid="a"))
    assert not messages.greeting(text("status", status={"exec_info": {"queue_remaining": 0}}))
    assert not messages.greeting("hello")


def test_a_server_promises_previews_with_metadata() -> None:
    assert messages.names_previews(text("feature_flags", supports_preview_metadata=True))
    assert not messages.names_previews(text("feature_flags", max_upload_size=1))
    assert not messages.names_previews(text("status", supports_preview_metadata=True))
