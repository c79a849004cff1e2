"""The jobs of 0.33: one view of what runs, waits and has ended.

Pure: a snapshot of the queue in, plain JSON out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comfyui_bridge.sandbox.prompt_queue import Item, Past, Snapshot

STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")

_PREVIEWABLE = ("images", "video", "audio", "3d")
_PREVIEWABLE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".mp4", ".webm", ".mov")
TEXT_SHOWN = 1_024

Job = dict[str, Any]


def all_jobs(snapshot: Snapshot) -> list[Job]:
    waiting = [_of_item(item, "pending") for item in sorted(snapshot.pending)]
    running = [_of_item(item, "in_progress") for item in snapshot.running]
    return [*waiting, *running, *(_of_past(past) for past in snapshot.history.values())]


def job(snapshot: Snapshot, prompt_id: str) -> Job | None:
    """One job, with all that is known of it once it has ended."""
    for item in snapshot.running:
        if item.prompt_id == prompt_id:
            return _of_item(item, "in_progress")
    for item in snapshot.pending:
        if item.prompt_id == prompt_id:
            return _of_item(item, "pending")
    past = snapshot.history.get(prompt_id)
    if past is None:
        return None
    _number, _id, graph, extra_data, _outputs = past.entry["prompt"]
    return {
        **_of_past(past),
        "outputs": past.entry["outputs"],
        "execution_status": past.entry["status"],
        # 0.33 keeps the time in extra_data itself; in 0.3.64's /history it would be out of place.
        "workflow": {"prompt": graph, "extra_data": {**extra_data, "create_time": past.created}},
    }


def listed(
    jobs: Sequence[Job],
    statuses: Sequence[str],
    workflow_id: str | None,
    sort_by: str,
    descending: bool,
) -> list[Job]:
    chosen = [
        one
        for one in jobs
        if (not statuses or one["status"] in statuses)
        and (workflow_id is None or one.get("workflow_id") == workflow_id)
    ]
    key = _duration if sort_by == "execution_duration" else _created
    return sorted(chosen, key=key, reverse=descending)


def _created(one: Job) -> int:
    return int(one["create_time"])


def _duration(one: Job) -> int:
    return int(one.get("execution_end_time", 0)) - int(one.get("execution_start_time", 0))


def _of_item(item: Item, status: str) -> Job:
    return _without_empty(
        {
            "id": item.prompt_id,
            "status": status,
            "priority": item.number,
            "create_time": item.created,
            "outputs_count": 0,
            "previewable_outputs_count": 0,
            "workflow_id": _workflow_id(item.extra_data),
        }
    )


def _of_past(past: Past) -> Job:
    number, prompt_id, _graph, extra_data, _outputs = past.entry["prompt"]
    messages: dict[str, dict[str, Any]] = dict(past.entry["status"]["messages"])
    ends = ("execution_success", "execution_error", "execution_interrupted")
    end: dict[str, Any] = next((messages[event] for event in ends if event in messages), {})
    files, previewable, first = _counted(past.entry["outputs"])
    return _without_empty(
        {
            "id": prompt_id,
            "status": _status(past.entry["status"]["completed"], messages),
            "priority": number,
            "create_time": past.created,
            "execution_start_time": messages.get("execution_start", {}).get("timestamp"),
            "execution_end_time": end.get("timestamp"),
            "execution_error": messages.get("execution_error"),
            "outputs_count": files,
            "previewable_outputs_count": previewable,
            "preview_output": first,
            "workflow_id": _workflow_id(extra_data),
        }
    )


def _status(completed: bool, messages: Mapping[str, Any]) -> str:
    if completed:
        return "completed"
    return "cancelled" if "execution_interrupted" in messages else "failed"


def _workflow_id(extra_data: Mapping[str, Any]) -> Any:
    extra = extra_data.get("extra_pnginfo")
    workflow = extra.get("workflow") if isinstance(extra, dict) else None
    return workflow.get("id") if isinstance(workflow, dict) else None


def _without_empty(one: Job) -> Job:
    return {key: value for key, value in one.items() if value is not None}


def _counted(outputs: Mapping[str, Any]) -> tuple[int, int, Job | None]:
    """How many outputs there are, how many can be shown, and the one to show: saved before temporary."""
    count = 0
    shown: list[Job] = []
    for node_id, output in outputs.items():
        for media_type, values in (output or {}).items():
            if media_type == "animated" or not isinstance(values, list | tuple):
                continue
            for value in values:
                count += 1
                found = _shown(node_id, media_type, value)
                if found is not None:
                    shown.append(found)
    saved = [one for one in shown if one.get("type") == "output"]
    return count, len(shown), next(iter([*saved, *shown]), None)


def _shown(node_id: str, media_type: str, value: Any) -> Job | None:
    about = {"nodeId": node_id, "mediaType": media_type}
    if isinstance(value, str) and media_type == "text":
        return {"content": value[:TEXT_SHOWN], "truncated": len(value) > TEXT_SHOWN, **about}
    if not isinstance(value, dict) or "filename" not in value:
        return None
    fits = media_type in _PREVIEWABLE or str(value["filename"]).lower().endswith(_PREVIEWABLE_SUFFIXES)
    return {**value, **about} if fits else None
