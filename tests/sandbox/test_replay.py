"""The sandbox against recordings of a real ComfyUI 0.3.64: the same requests, the same answers and events.

A difference that stays has its line in DIFFERENCES, with the reason; one that is not listed fails, and so
does a line that no longer applies. docs/sandbox.md shows the same table.
"""

from __future__ import annotations

import asyncio
import copy
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from comfyui_bridge.sandbox.faults import Faults
from comfyui_bridge.sandbox.nodes import NODE_TYPES
from comfyui_bridge.sandbox.thread import SandboxThread
from tests.sandbox.replay import Difference, Options, Player, load

RECORDINGS = Path(__file__).parent.parent / "recordings"

MODELS = {
    "checkpoints": ["sub dir/tiny_sd15_inpaint.safetensors", "tiny_sd15.safetensors"],
    "loras": ["tiny_lora.safetensors"],
    "vae": [
        "qwen_image_vae_tiny.safetensors",
        "tiny_taesd_16ch.safetensors",
        "tiny_taesd_sd15.safetensors",
    ],
    "text_encoders": ["qwen_2.5_vl_7b_tiny.safetensors", "tiny_clip_l.safetensors"],
    "diffusion_models": ["qwen_image_tiny.safetensors"],
    "controlnet": ["tiny_controlnet.safetensors"],
    "embeddings": ["tiny_embed.safetensors"],
}
"""The test models of the recorded server."""


@dataclass(frozen=True)
class Known:
    """A difference that stays, in these scenarios."""

    scenarios: tuple[str, ...]
    where: str
    """A pattern of the places where it shows."""
    what: str
    """The same for people: the first cell of its row in docs/sandbox.md."""
    reason: str


DIFFERENCES = (
    Known(
        ("execution_error", "validation_errors"),
        r"current_inputs",
        "`current_inputs` in `execution_error`",
        "execution_error tells values of a node's inputs as text: NumPy arrays and the sandbox's own "
        "objects read differently from Torch's tensors.",
    ),
    Known(
        ("validation_errors",),
        r"exception_(message|type)",
        "`exception_message`, `exception_type` of a failing node, and all tracebacks",
        "What a failing node raises is raised by NumPy, Pillow or the sandbox's node, not by Torch.",
    ),
    Known(
        ("info_routes",),
        r"/system_stats body\.system\.sandbox",
        "`system.sandbox` in `/system_stats`",
        "An extra key by which a client can tell the sandbox from a real server.",
    ),
    Known(
        ("info_routes",),
        r"/object_info/KSampler body",
        "descriptions and tooltips in `/object_info`",
        "Descriptions of nodes and inputs are the sandbox's own words, or left out.",
    ),
    Known(
        ("info_routes",),
        r"/view_metadata",
        "`/view_metadata` is always 404",
        "The sandbox's models are names without a file, so there is no metadata.",
    ),
    Known(
        ("info_routes",),
        r"/api/jobs",
        "`/api/jobs` answers, in 0.3.64 it is 404",
        "The jobs of 0.33 are there, though all else is 0.3.64.",
    ),
    Known(
        ("info_routes",),
        r"(GET|HEAD) (/ |/docs/)",
        "`/` is a plain page; `/docs`, `/extensions` and logs are empty or missing",
        "There is no editor and no help; a plain page says what this server is.",
    ),
)

KEPT = {"submit_before_ws": ["4"]}
"""Nodes in the recorded server's cache that no recorded message tells of."""

NO_PROMPT = {
    "error": {
        "type": "no_prompt",
        "message": "No prompt provided",
        "details": "No prompt provided",
        "extra_info": {},
    },
    "node_errors": {},
}

STEPS = Options(loose_steps=True, statuses="last")
ORDER = Options(any_order=True)

SCENARIOS: dict[str, Options] = {
    "animated": ORDER,
    "batch4": Options(),
    "cached_but_file_deleted": ORDER,
    "cached_rerun": Options(statuses="last"),
    "duplicate_client_id": STEPS,
    "execution_error": ORDER,
    "feature_flags_late": Options(),
    "free_clears_cache": ORDER,
    "history_paging": ORDER,
    "info_routes": replace(
        ORDER,
        skipped=("/internal", "/docs", "/extensions", "/api/extensions", "/api/history?", "/experiment"),
        shapes=("/system_stats", "/api/system_stats"),
    ),
    "interrupt_between_nodes": STEPS,
    "interrupt_global": STEPS,
    "interrupt_idle": Options(),
    "interrupt_prompt_id": STEPS,
    "model_free": Options(),
    "no_client_id": STEPS,
    "node_ids": Options(),
    "origin_check": Options(),
    "prompt_extras": ORDER,
    "queue_delete_clear": STEPS,
    "queue_order": STEPS,
    "queue_shows_secrets": STEPS,
    "reconnect_mid_run": STEPS,
    "sd15_variants": Options(),
    "seed_minus_one": Options(),
    "submit_before_ws": STEPS,
    "submit_fast_before_ws": ORDER,
    "success_qwen_image": Options(),
    "success_sd15_preview_metadata": Options(),
    "two_clients": replace(STEPS, loose_steps=False),
    "two_outputs": ORDER,
    "upload": ORDER,
    "validation_errors": replace(ORDER, statuses="last"),
    "view": ORDER,
    "ws_closed_poll_history": STEPS,
    "ws_without_client_id": ORDER,
}


@pytest.mark.parametrize("known", DIFFERENCES, ids=lambda known: str(known.where))
def test_a_difference_that_stays_is_in_the_documentation(known: Known) -> None:
    page = (RECORDINGS.parent.parent / "docs/sandbox.md").read_text(encoding="utf-8")
    assert f"| {known.what} |" in page


JOBS = Options(loose_steps=True, only=("/api/jobs",))

JOB_SCENARIOS = {
    "cancel_jobs": JOBS,
    "execution_error": JOBS,
    "info_routes": replace(JOBS, skipped=("/api/jobs?sort_by=execution_duration",)),
    "same_prompt_id_twice": JOBS,
    "success_preview_metadata": JOBS,
}


@pytest.mark.parametrize("name", JOB_SCENARIOS)
def test_jobs_are_those_of_a_recorded_0_33(name: str) -> None:
    differences = play(RECORDINGS / "comfyui-0.33" / f"{name}.jsonl", JOB_SCENARIOS[name])
    # The recorded server had run other prompts before.
    older = r"/api/jobs(\?status=failed&limit=1)? body\.(pagination|jobs length)"
    new = [difference for difference in differences if not re.search(older, difference.where)]
    assert not new, "\n".join(["", *map(str, new)])


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recorded_scenario_plays_alike(name: str) -> None:
    differences = play(RECORDINGS / "comfyui-0.3.64" / f"{name}.jsonl", SCENARIOS[name])
    known = [entry for entry in DIFFERENCES if name in entry.scenarios]
    used = {
        entry.where
        for entry in known
        for difference in differences
        if re.search(entry.where, difference.where)
    }
    unknown = [
        difference
        for difference in differences
        if not any(re.search(entry.where, difference.where) for entry in known)
    ]
    assert not unknown, "\n".join(["", *map(str, unknown)])
    assert used == {entry.where for entry in known}, "a known difference is no more; take its line away"


def play(path: Path, options: Options) -> list[Difference]:
    lines = load(path)
    faults = Faults(model_load_seconds=0.3 if path.stem == "interrupt_between_nodes" else 0.0)
    with SandboxThread(models=MODELS, step_seconds=0.03, faults=faults, examples=False) as server:
        furnish(server.folders.root)
        if path.stem == "cached_but_file_deleted":
            options = replace(options, actions={2: lambda: forget(server.folders.root / "output")})
        lines = playable(lines)
        warm_up(server.url, lines, KEPT.get(path.stem))
        player = Player(server.url, lines, options, content, lambda: server.sandbox.executing()[1])
        return asyncio.run(player.play())


def furnish(root: Path) -> None:
    """The files that the recorded server had."""
    (root / "input/clipspace").mkdir(exist_ok=True)
    Image.new("RGB", (768, 768), "teal").save(root / "input/example.png")
    masked = Image.new("RGBA", (256, 256), "olive")
    masked.paste((0, 0, 0, 0), (64, 64, 192, 192))
    masked.save(root / "input/clipspace/masked.png")
    masked.resize((16, 16)).save(root / "input/clipspace/up_masked.png")
    masked.resize((17, 17)).save(root / "input/clipspace/up_masked (1).png")
    (root / "input/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0")
    (root / "input/x.html").write_text("<script></script>")
    (root / "input/x.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')


def content(part: dict[str, Any], flags: str) -> bytes:
    """Bytes for a recorded upload, of which only the number is known.

    Uploads of one size were the same picture, but for those with another overwrite flag.
    """
    if part["bytes"] == 0:
        return b""
    if not part["content_type"].startswith("image"):
        return b"x" * int(part["bytes"])
    out = io.BytesIO()
    color = (part["bytes"] % 256, sum(map(ord, flags)) % 256, 160, 128)
    Image.new("RGBA", (16, 16), color).save(out, "PNG")
    return out.getvalue()


def forget(folder: Path) -> None:
    for path in folder.glob("*.png"):
        path.unlink()


def playable(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The recording without prompts whose nodes the sandbox lacks, though the real server took them.

    In their place stands a refused one, for the server's count goes on with both.
    """
    foreign = {
        answer["json"]["prompt_id"]: (id(asked), id(answer))
        for asked, answer in prompts(lines)
        if answer["status"] == 200 and not classes(asked) <= NODE_TYPES.keys()
    }
    replaced = {place for places in foreign.values() for place in places}
    kept = []
    for line in lines:
        if id(line) in replaced and line["kind"] == "http_request":
            kept.append({**line, "json": {}})
        elif id(line) in replaced:
            kept.append({**line, "status": 400, "json": NO_PROMPT})
        elif _about(line) not in foreign:
            kept.append(line)
    return kept


def classes(asked: dict[str, Any]) -> set[str]:
    return {node["class_type"] for node in asked["json"]["prompt"].values()}


def _about(line: dict[str, Any]) -> str | None:
    """The prompt an event is about."""
    told: str | None = line["json"]["data"].get("prompt_id") if line["kind"] == "ws_recv" else None
    return told


def warm_up(url: str, lines: list[dict[str, Any]], kept: Sequence[str] | None) -> None:
    """Bring the server to where the recorded one was: its cache, and its count of prompts."""
    used = 0
    graph = first_graph(lines)
    kept = first_cached(lines) if kept is None else kept
    if graph is not None and kept:
        # Run with all other nodes changed, so that just these are in the cache afterwards.
        for node_id, node in graph.items():
            if node_id not in kept:
                node["inputs"] = {name: _changed(name, value) for name, value in node["inputs"].items()}
        requests.post(f"{url}/prompt", json={"prompt": graph}, timeout=5).raise_for_status()
        used = 1
        while requests.get(f"{url}/prompt", timeout=5).json()["exec_info"]["queue_remaining"]:
            pass
    with requests.Session() as session:
        for _ in range(first_number(lines) - used):
            assert session.post(f"{url}/prompt", json={}, timeout=5).status_code == 400


def prompts(lines: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Requests and answers of POST /prompt."""
    asked = [one for one in lines if one["kind"] == "http_request" and _submits(one)]
    answered = [one for one in lines if one["kind"] == "http_response" and _submits(one)]
    return zip(asked, answered, strict=False)


def first_graph(lines: list[dict[str, Any]]) -> dict[str, Any] | None:
    accepted = (asked["json"]["prompt"] for asked, answer in prompts(lines) if answer["status"] == 200)
    return copy.deepcopy(next(accepted, None))


def first_cached(lines: list[dict[str, Any]]) -> list[str]:
    """Nodes that the first prompt found in the cache; where no socket was told, history was."""
    accepted = (answer["json"]["prompt_id"] for _, answer in prompts(lines) if answer["status"] == 200)
    first = next(accepted, None)
    if first is None:
        return []
    for line in lines:
        if line["kind"] == "ws_recv" and line["json"]["type"] == "execution_cached":
            told = line["json"]["data"]
            if told["prompt_id"] == first:
                return list(told["nodes"])
        if line["kind"] == "http_response" and first in (line.get("json") or ()):
            messages = line["json"][first].get("status", {}).get("messages", ())
            return list(dict(messages).get("execution_cached", {}).get("nodes", ()))
    return []


def first_number(lines: list[dict[str, Any]]) -> int:
    """The number that the recorded server's next prompt would get when the scenario began."""
    counted = 0
    for asked, answer in prompts(lines):
        if answer["status"] == 200:
            return int(answer["json"]["number"]) - counted
        if "json" in asked and "number" not in asked["json"]:
            counted += 1
    return 0


def _submits(line: dict[str, Any]) -> bool:
    return line["method"] == "POST" and line["path"] in ("/prompt", "/api/prompt")


def _changed(name: str, value: Any) -> Any:
    if name == "seed":
        return value ^ 1
    if name in ("width", "height"):
        return value + 64
    if name in ("filename_prefix", "text"):
        return f"{value}_before"
    return value
