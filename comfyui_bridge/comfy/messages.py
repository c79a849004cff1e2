"""WebSocket frames to events, sans I/O: the only translator between ComfyUI's messages and our words.

A frame gives one event or none. Unknown, malformed and oversized frames give none and never raise, for
any extension may send anything to every client. Layouts: ComfyUI's server.py and protocol.py, checked
against recordings of 0.3.64 and 0.33.0.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping
from typing import Any

from comfyui_bridge.core import outputs
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

LARGEST_FRAME = 64 * 1024 * 1024
"""Bytes. Previews are 20-100 kB, a progress_state of a thousand nodes some 300 kB."""

FEATURE_FLAGS = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
"""Our first message: it earns previews that name their prompt. Sent later it is ignored (0.3.64)."""

_LONGEST_MESSAGE = 20_000
_LONGEST_TRACEBACK = 200
_UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_IMAGE_FORMATS = {1: "image/jpeg", 2: "image/png"}


def decode(frame: str | bytes) -> Event | None:
    """The event of a text frame (str) or a binary frame (bytes)."""
    return decode_text(frame) if isinstance(frame, str) else decode_binary(frame)


def decode_text(text: str | bytes) -> Event | None:
    """The event of a JSON message `{type, data}`."""
    message = _message(text)
    return None if message is None else _decode_message(*message)


def decode_binary(frame: bytes) -> Event | None:
    """The event of a binary frame: u32 type, then the type's own layout; integers are big endian."""
    if not 8 <= len(frame) <= LARGEST_FRAME:
        return None
    kind, word = struct.unpack_from(">II", frame)
    match kind:
        case 1:
            return _plain_preview(word, frame[8:])
        case 3:
            return _progress_text(frame[4:])
        case 4:
            return _preview_with_metadata(frame[8 : 8 + word], frame[8 + word :])
    return None


def greeting(text: str | bytes) -> bool:
    """Whether this is the `status` with a sid that a server sends first on every connection."""
    message = _message(text)
    return message is not None and message[0] == "status" and "sid" in message[1]


def names_previews(text: str | bytes) -> bool:
    """Whether this is a server's promise to name the prompt of every preview it sends to us."""
    message = _message(text)
    if message is None or message[0] != "feature_flags":
        return False
    return message[1].get("supports_preview_metadata") is True


def node_raised(data: Mapping[str, Any]) -> NodeRaised:
    """The event of an execution_error's data, from a message or from the history."""
    lines = data.get("traceback")
    return NodeRaised(
        prompt_id=_text(data.get("prompt_id")),
        node_id=_node(data.get("node_id")),
        class_type=_text(data.get("node_type")),
        message=_text(data.get("exception_message")).rstrip("\n")[:_LONGEST_MESSAGE],
        exception_type=_text(data.get("exception_type"))[:_LONGEST_MESSAGE],
        traceback=_traceback(lines if isinstance(lines, list) else []),
    )


def _message(text: str | bytes) -> tuple[str, Mapping[str, Any]] | None:
    if len(text) > LARGEST_FRAME:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    kind, data = message.get("type"), message.get("data")
    if not isinstance(kind, str) or not isinstance(data, dict):
        return None
    return kind, data


def _decode_message(kind: str, data: Mapping[str, Any]) -> Event | None:
    if kind == "status":
        return _status(data)
    prompt_id = _text(data.get("prompt_id"))
    if not prompt_id:  # `executing` names no prompt when a client comes back in mid-run
        return None
    match kind:
        case "execution_start":
            return RunStarted(prompt_id)
        case "execution_cached":
            nodes = data.get("nodes")
            return NodesCached(prompt_id, tuple(map(_node, nodes if isinstance(nodes, list) else ())))
        case "executing":
            return _executing(prompt_id, data)
        case "progress":
            return _progress(prompt_id, data)
        case "progress_state":
            return _progress_state(prompt_id, data)
        case "executed":
            node_id = _node(data.get("display_node")) or _node(data.get("node"))
            return OutputReady(prompt_id, outputs.parse(node_id, data.get("output")))
        case "execution_success":
            return RunSucceeded(prompt_id)
        case "execution_error":
            return node_raised(data)
        case "execution_interrupted":
            return RunInterrupted(prompt_id, _node(data.get("node_id")))
    return None


def _status(data: Mapping[str, Any]) -> QueueChanged | None:
    status = data.get("status")
    info = status.get("exec_info") if isinstance(status, dict) else None
    remaining = _number(info.get("queue_remaining")) if isinstance(info, dict) else None
    return None if remaining is None or remaining < 0 else QueueChanged(int(remaining))


def _executing(prompt_id: str, data: Mapping[str, Any]) -> Event | None:
    if "node" not in data:
        return None
    if data["node"] is None:
        return RunEnded(prompt_id)
    node_id = _node(data["node"])
    return NodeStarted(prompt_id, node_id, _node(data.get("display_node"))) if node_id else None


def _progress(prompt_id: str, data: Mapping[str, Any]) -> ProgressMade | None:
    value, maximum = _number(data.get("value")), _number(data.get("max"))
    node_id = _node(data.get("node"))
    if value is None or maximum is None or not node_id:
        return None
    return ProgressMade(prompt_id, node_id, value, maximum)


def _progress_state(prompt_id: str, data: Mapping[str, Any]) -> NodesProgressed | None:
    entries = data.get("nodes")
    if not isinstance(entries, dict):
        return None
    nodes = {}
    for key, entry in entries.items():
        if not isinstance(entry, dict):
            continue
        value, maximum = _number(entry.get("value")), _number(entry.get("max"))
        state = _text(entry.get("state"))
        if value is not None and maximum is not None and state:
            nodes[key] = NodeProgress(key, state, value, maximum, _node(entry.get("display_node_id")))
    return NodesProgressed(prompt_id, nodes)


def _plain_preview(image_format: int, image: bytes) -> PreviewReady | None:
    media_type = _IMAGE_FORMATS.get(image_format)
    return PreviewReady(image, media_type) if media_type and image else None


def _preview_with_metadata(metadata: bytes, image: bytes) -> PreviewReady | None:
    try:
        told = json.loads(metadata)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not image:
        return None
    media_type = _text(told.get("image_type"))
    if media_type not in _IMAGE_FORMATS.values():
        return None
    node_id = _node(told.get("display_node_id")) or _node(told.get("node_id"))
    return PreviewReady(image, media_type, _text(told.get("prompt_id")), node_id)


def _progress_text(body: bytes) -> TextReported | None:
    """`n, node id, text`, or with supports_progress_text_metadata `n, prompt id, n, node id, text`."""
    first, rest = _counted(body)
    if first is None:
        return None
    if _UUID.fullmatch(first):
        second, text = _counted(rest)
        if second is not None:
            return TextReported(_utf8(text), _utf8(second), _utf8(first))
    return TextReported(_utf8(rest), _utf8(first))


def _counted(body: bytes) -> tuple[bytes | None, bytes]:
    """The field after a u32 length, and what follows it; None where the length reaches too far."""
    if len(body) < 4:
        return None, b""
    (length,) = struct.unpack_from(">I", body)
    if length > len(body) - 4:
        return None, b""
    return body[4 : 4 + length], body[4 + length :]


def _traceback(lines: list[Any]) -> tuple[str, ...]:
    return tuple(str(line)[:_LONGEST_MESSAGE].rstrip("\n") for line in lines[-_LONGEST_TRACEBACK:])


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _node(value: object) -> str:
    """Node ids are strings, but extensions have been seen to report numbers."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return value if isinstance(value, str) else str(value)[:40]


def _utf8(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")
