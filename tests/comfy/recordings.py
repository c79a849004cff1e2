"""Real traffic of two ComfyUI versions, as recorded: see tests/recordings."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
VERSIONS = ("comfyui-0.3.64", "comfyui-0.33")
FILES = sorted(path for version in VERSIONS for path in (RECORDINGS / version).glob("*.jsonl"))


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def recording(version: str, name: str) -> list[dict[str, Any]]:
    return list(lines(RECORDINGS / version / f"{name}.jsonl"))


def messages(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON messages that a server sent."""
    return (line["json"] for line in lines(path) if line["kind"] == "ws_recv")


def whole_frames(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The binary frames that were recorded whole, with what the recorder noted of each."""
    for line in lines(path):
        if line["kind"] == "ws_recv_binary" and "base64" in line:
            yield line, base64.b64decode(line["base64"])


def answers(path: Path, method: str, route: str) -> Iterator[dict[str, Any]]:
    """The responses to a route, without /api before it and without its query."""
    for line in lines(path):
        if line["kind"] != "http_response" or line["method"] != method:
            continue
        if line["path"].partition("?")[0].removeprefix("/api").startswith(route):
            yield line
