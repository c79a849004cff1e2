"""From the command to `Ready`, against the smallest Gradio page, turn by turn in one run.

Both are counted from starting the interpreter to the first successful answer over HTTP. Ours brings the
sandbox, the database and the library along; the other is one text box.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence

from benchmarks.measuring import ROOT, Goal, Measured, free_port, row

TURNS = 5
BARE = """
import sys, gradio as gr
with gr.Blocks() as page:
    gr.Textbox()
page.launch(server_port=int(sys.argv[1]), quiet=True)
"""


def measure() -> Iterator[Measured]:
    """Goal: at most 1.3."""
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as data:
        for _ in range(TURNS):
            bare.append(_seconds([sys.executable, "-c", BARE, "{port}"]))
            ours.append(_seconds([sys.executable, str(ROOT / "app.py"), "--port", "{port}", "--data", data]))
    goal = Goal(most=1.3, of_ratio=True)
    yield row("command to first answer", ours, "s", other=bare, against="bare Gradio page", goal=goal)


def _seconds(command: Sequence[str]) -> float:
    port = free_port()
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
    start = time.perf_counter()
    process = subprocess.Popen(
        [word.format(port=port) if word == "{port}" else word for word in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        while not _answers(port):
            assert process.poll() is None, "the program ended before it answered"
            time.sleep(0.01)
        return time.perf_counter() - start
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False
