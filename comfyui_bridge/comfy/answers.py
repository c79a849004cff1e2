"""Bodies of HTTP answers to core types, sans I/O.

Each function takes what json.loads gave and answers None where it is nothing that ComfyUI would say;
malformed parts of an otherwise sound answer are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from comfyui_bridge.comfy import messages
from comfyui_bridge.core import outputs
from comfyui_bridge.core.events import NodeRaised
from comfyui_bridge.core.outputs import NodeOutput
from comfyui_bridge.core.server import (
    Device,
    HistoryEntry,
    OfferedTemplate,
    Outcome,
    QueueState,
    ServerFacts,
)


def facts(body: object) -> ServerFacts | None:
    """GET /system_stats."""
    system = body.get("system") if isinstance(body, dict) else None
    devices = body.get("devices") if isinstance(body, dict) else None
    if not isinstance(system, dict) or not isinstance(devices, list):
        return None
    return ServerFacts(
        version=_text(system.get("comfyui_version")),
        os=_text(system.get("os")),
        python_version=_text(system.get("python_version")).split(" ")[0],
        ram_total=_whole(system.get("ram_total")),
        ram_free=_whole(system.get("ram_free")),
        devices=tuple(_device(device) for device in devices if isinstance(device, dict)),
        is_sandbox=system.get("sandbox") is True,
    )


def queue(body: object) -> QueueState | None:
    """GET /queue. An item is `[number, prompt_id, graph, extra_data, outputs]`."""
    if not isinstance(body, dict):
        return None
    running, pending = body.get("queue_running"), body.get("queue_pending")
    if not isinstance(running, list) or not isinstance(pending, list):
        return None
    # The pending list is a heap, not the order in which they will run (0.3.64).
    waiting = sorted(_items(pending), key=lambda item: item[0])
    return QueueState(
        running=tuple(prompt_id for _, prompt_id in _items(running)),
        pending=tuple(prompt_id for _, prompt_id in waiting),
    )


def history(body: object, prompt_id: str) -> HistoryEntry | None:
    """One entry of GET /history/{prompt_id}; None while there is none."""
    entry = body.get(prompt_id) if isinstance(body, dict) else None
    if not isinstance(entry, dict):
        return None
    status = entry.get("status")
    told = list(_messages(status.get("messages"))) if isinstance(status, dict) else []
    outcome, data = _outcome(status, told)
    failure = _failure(prompt_id, data, told) if outcome is Outcome.ERROR else None
    return HistoryEntry(
        prompt_id=prompt_id,
        outcome=outcome,
        outputs=_outputs(entry),
        failure=failure,
        interrupted_node_id=_text(data.get("node_id")) if outcome is Outcome.INTERRUPTED else "",
        cached=next((names(facts.get("nodes")) for event, facts in told if event == "execution_cached"), ()),
        started_at=_time_of(told, "execution_start"),
        ended_at=_time_of(told, "execution_success", "execution_error", "execution_interrupted"),
    )


def names(body: object) -> tuple[str, ...]:
    """A list of names, as GET /userdata and GET /models/{folder} have it."""
    return tuple(name for name in body if isinstance(name, str)) if isinstance(body, list) else ()


def own_templates(body: object) -> Iterator[OfferedTemplate]:
    """GET /templates/index.json: categories, each with its templates."""
    for category in body if isinstance(body, list) else ():
        templates = category.get("templates") if isinstance(category, dict) else None
        for entry in templates if isinstance(templates, list) else ():
            name = _text(entry.get("name")) if isinstance(entry, dict) else ""
            if name:
                yield OfferedTemplate(
                    name,
                    title=_text(entry.get("title")) or name,
                    source=""
                    if category.get("moduleName") == "default"
                    else _text(category.get("moduleName")),
                    description=_text(entry.get("description")),
                    tags=names(entry.get("tags")),
                )


def extension_templates(body: object) -> Iterator[OfferedTemplate]:
    """GET /workflow_templates: the names of workflows by the extension that has them."""
    for source, entries in body.items() if isinstance(body, dict) else ():
        for name in names(entries):
            yield OfferedTemplate(name, name, source)


def _device(device: Mapping[str, Any]) -> Device:
    return Device(
        name=_text(device.get("name")),
        type=_text(device.get("type")),
        vram_total=_whole(device.get("vram_total")),
        vram_free=_whole(device.get("vram_free")),
    )


def _items(entries: list[Any]) -> Iterator[tuple[float, str]]:
    for item in entries:
        if not isinstance(item, list) or len(item) < 2 or not isinstance(item[1], str):
            continue
        number = item[0]
        if isinstance(number, (int, float)) and number == number:
            yield number, item[1]


def _messages(entries: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """`[event, data]` pairs; some servers give plain texts instead."""
    for entry in entries if isinstance(entries, list) else ():
        match entry:
            case str():
                yield entry, {}
            case [str() as event, dict() as data]:
                yield event, data
            case [str() as event, *_]:
                yield event, {}


def _outcome(status: object, told: list[tuple[str, Mapping[str, Any]]]) -> tuple[Outcome, Mapping[str, Any]]:
    """How it ended. Interrupt and error both have status_str "error": the last message tells them apart."""
    for event, data in reversed(told):
        if event == "execution_interrupted":
            return Outcome.INTERRUPTED, data
        if event == "execution_error":
            return Outcome.ERROR, data
        if event == "execution_success":
            return Outcome.SUCCESS, data
    if isinstance(status, dict) and status.get("status_str") == "error":
        interrupted = bool(told) and "interrupt" in told[-1][0].lower()
        return (Outcome.INTERRUPTED if interrupted else Outcome.ERROR), {}
    return Outcome.SUCCESS, {}  # servers before 2024 keep no status at all


def _failure(
    prompt_id: str, data: Mapping[str, Any], told: list[tuple[str, Mapping[str, Any]]]
) -> NodeRaised | None:
    if data:
        return messages.node_raised({**data, "prompt_id": prompt_id})
    words = [event for event, _ in told if not event.startswith("execution_")]
    return NodeRaised(prompt_id, "", "", words[-1]) if words else None


def _outputs(entry: Mapping[str, Any]) -> tuple[NodeOutput, ...]:
    found, meta = entry.get("outputs"), entry.get("meta")
    by_node: dict[str, NodeOutput] = {}
    for key, output in found.items() if isinstance(found, dict) else ():
        about = meta.get(key) if isinstance(meta, dict) else None
        # A node made at run time is known to people by the node that made it.
        node_id = (_text(about.get("display_node")) if isinstance(about, dict) else "") or str(key)
        own = outputs.parse(node_id, output)
        other = by_node.get(node_id, NodeOutput(node_id))
        by_node[node_id] = NodeOutput(node_id, other.files + own.files, other.texts + own.texts)
    return tuple(by_node.values())


def _time_of(told: list[tuple[str, Mapping[str, Any]]], *events: str) -> float | None:
    for event, data in reversed(told):
        stamp = data.get("timestamp")
        if event in events and isinstance(stamp, (int, float)) and not isinstance(stamp, bool):
            return stamp / 1000
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
