"""Weight: memory at rest, with twenty pages open, after a thousand runs; and what an installation takes.

Beside the dashboard stands a bare Gradio page of one text box. Each run is submitted through the page's own
endpoint by a session of its own, which follows it to the end: what is kept for each run, each page or each
follower shows.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import re
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import requests

from benchmarks.measuring import (
    ROOT,
    Goal,
    Measured,
    dashboard,
    free_port,
    model_free,
    program,
    resident_mb,
    sandboxes,
)
from benchmarks.people import OurPerson, PlainPerson

FEW, MANY = 100, 1000
AT_A_TIME = 8
PAGES = 20
_REST_S = 2.0
_BARE = """
import sys, gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    gr.Textbox()
_, url, _ = page.launch(server_port=int(sys.argv[1]), quiet=True, prevent_thread_lock=True)
print(url.rstrip("/"), flush=True)
page.block_thread()
"""


def measure() -> Iterator[Measured]:
    """Goal: within ten percent after a thousand runs of what it was after a hundred."""
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as name, sandboxes(2, 0.0) as urls:
        folder = Path(name)
        _template(folder / "workflows")
        servers = [word for url in urls for word in ("--server", url)]
        bare_command = [sys.executable, "-c", _BARE, str(free_port())]
        with ExitStack() as running:
            url, pid = running.enter_context(dashboard(folder, *servers))
            bare_url, bare_pid = running.enter_context(program(bare_command))
            yield _weight("memory at rest", pid, bare_pid)
            asyncio.run(_open_pages([OurPerson(url, 0, 1) for _ in range(PAGES)]))
            asyncio.run(_open_pages([PlainPerson(bare_url, 0, 1) for _ in range(PAGES)]))
            yield _weight(f"memory with {PAGES} pages open", pid, bare_pid)
            few, many = _after_runs(url, pid)
        name = f"memory after {MANY:,} runs"
        yield Measured(name, many, "MB", MANY, few, f"after {FEW}", goal=Goal(most=1.1, of_ratio=True))
    yield from _installation()


def _weight(name: str, pid: int, bare_pid: int) -> Measured:
    time.sleep(_REST_S)
    return Measured(name, resident_mb(pid), "MB", 1, resident_mb(bare_pid), "bare Gradio page")


async def _open_pages(people: list[OurPerson] | list[PlainPerson]) -> None:
    """Open pages, and have them stay for as long as it takes to look."""
    for person in people:
        await person.arrive()
    for person in people:
        await person.leave()


def _after_runs(url: str, pid: int) -> list[float]:
    """Memory after a few runs and after many."""
    event, sizes = _run_event(url), []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for begin, end in ((0, FEW), (FEW, MANY)):
            ended = list(pool.map(lambda number: _run(url, event, number), range(begin, end)))
            assert all(ended), f"{ended.count(False)} runs did not complete"
            sizes.append(resident_mb(pid))
    return sizes


def _template(folder: Path) -> None:
    folder.mkdir()
    (folder / "plain.json").write_text(json.dumps(model_free(1)), "utf-8")
    (folder / "plain.toml").write_text('[[inputs]]\nnode = "1"\ninput = "color"\nkey = "color"\n', "utf-8")


def _run_event(url: str) -> int:
    events = requests.get(f"{url}/config", timeout=60).json()["dependencies"]
    return int(next(event["id"] for event in events if event["api_name"] == "run"))


def _run(url: str, event: int, number: int) -> bool:
    """Submit, follow and leave; whether it completed."""
    session = uuid.uuid4().hex[:11]
    body = {
        "data": ["plain", {"color": number}],
        "fn_index": event,
        "session_hash": session,
        "event_data": None,
        "trigger_id": None,
    }
    requests.post(f"{url}/gradio_api/queue/join", json=body, timeout=60).raise_for_status()
    with requests.get(
        f"{url}/gradio_api/queue/data", params={"session_hash": session}, stream=True, timeout=60
    ) as answer:
        for line in answer.iter_lines():
            if b"process_completed" in line:
                return b'"completed"' in line
    return False


def _installation() -> Iterator[Measured]:
    """What requirements.txt brings, and ours; beside it Gradio with all that it brings."""
    packages = _needed(_required((ROOT / "requirements.txt").read_text("utf-8").splitlines()))
    gradio = _needed({"gradio"})
    ours = sum(path.stat().st_size for path in (ROOT / "comfyui_bridge").rglob("*") if path.suffix != ".pyc")
    total, floor = (sum(map(_size, names)) / 1e6 for names in (packages, gradio))
    yield Measured(
        "installed, all packages and ours", total + ours / 1e6, "MB", len(packages), floor, "Gradio alone"
    )
    yield Measured("our own package", ours / 1e6, "MB", 1)


def _required(lines: list[str]) -> set[str]:
    return {found[0] for line in lines if (found := re.match(r"[A-Za-z0-9._-]+", line))}


def _needed(names: set[str]) -> set[str]:
    """These packages and all that they need here."""
    found: set[str] = set()
    waiting = {_normal(name) for name in names}
    while waiting:
        name = waiting.pop()
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system or another Python
        found.add(name)
        waiting |= {
            _normal(one) for one in _required([one for one in needs if "extra ==" not in one])
        } - found
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _size(package: str) -> int:
    """Bytes of a package's files; what Python compiles of them is not counted."""
    files = importlib.metadata.files(package) or []
    return sum(file.size or 0 for file in files)
