"""The sandbox as a process: how fast it comes, how clean it goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parent.parent.parent

PROGRAM = """
from pathlib import Path
from comfyui_bridge.sandbox.serve import serve
serve("127.0.0.1", 0, step_seconds=5.0, directory=None, announce=lambda url: print(url, flush=True))
print("stopped", flush=True)
"""

WORKFLOW = ROOT / "tests/recordings/workflows/sd15_txt2img.json"


def start_a_long_prompt(url: str) -> str:
    """A prompt whose every step takes five seconds; returns when it runs."""
    graph = json.loads(WORKFLOW.read_text(encoding="utf-8"))
    graph["4"]["inputs"]["ckpt_name"] = "sandbox-painter-v1.safetensors"
    answer = requests.post(f"{url}/prompt", json={"prompt": graph}, timeout=5)
    answer.raise_for_status()
    while not requests.get(f"{url}/queue", timeout=5).json()["queue_running"]:
        pass
    return str(answer.json()["prompt_id"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_the_middle_of_a_step_and_leaves_nothing(number: int, tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        assert requests.get(f"{url}/system_stats", timeout=5).json()["system"]["sandbox"] is True
        assert list(tmp_path.iterdir())
        prompt_id = start_a_long_prompt(url)
        begin = time.perf_counter()
        process.send_signal(number)
        assert process.stdout.readline() == "stopped\n"
        assert time.perf_counter() - begin < 4.0, f"it waited for {prompt_id}"
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""
    assert not list(tmp_path.iterdir())


def test_it_imports_nothing_heavy() -> None:
    program = (
        "import sys; import comfyui_bridge.sandbox.serve; "
        "print([name for name in ('gradio', 'sqlalchemy', 'pandas', 'torch') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
