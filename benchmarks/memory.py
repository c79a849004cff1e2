"""How much memory the dashboard takes after a hundred runs and after a thousand, with pages that come and go.

Each run is submitted through the page's own endpoint by a session of its own, which follows it to the end:
what is kept for each run, each page or each follower shows.
"""

from __future__ import annotations

import json
import re
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks.measuring import Measured, dashboard, model_free, sandboxes

FEW, MANY = 100, 1000
AT_A_TIME = 8


def measure() -> Iterator[Measured]:
    """Goal: within ten percent."""
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as name, sandboxes(2, 0.0) as urls:
        folder = Path(name)
        _template(folder / "workflows")
        servers = [word for url in urls for word in ("--server", url)]
        with dashboard(folder, *servers) as (url, pid), ThreadPoolExecutor(AT_A_TIME) as pool:
            event = _run_event(url)
            sizes = []
            for begin, end in ((0, FEW), (FEW, MANY)):
                ended = list(pool.map(lambda number: _run(url, event, number), range(begin, end)))
                assert all(ended), f"{ended.count(False)} runs did not complete"
                sizes.append(resident(pid))
    few, many = sizes
    yield Measured("memory: after 1,000 runs, and after 100", many, "MB", MANY, few, many / few, "<= 1.10")


def resident(pid: int) -> float:
    """Megabytes of a process that are in memory."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


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
