"""The sandbox as a child: it comes up by itself, and never outlives who started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.core.errors import Unreachable
from comfyui_bridge.sandbox_process import SandboxProcess

ROOT = Path(__file__).resolve().parent.parent
DEADLINE = 30.0


def wait_until(claim):
    deadline = time.monotonic() + DEADLINE
    while not claim():
        assert time.monotonic() < deadline


def answers(url):
    try:
        return ComfyServer(url).probe().is_sandbox
    except Unreachable:
        return False


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_comes_up_and_goes(tmp_path):
    sandbox = SandboxProcess(tmp_path)
    wait_until(lambda: answers(sandbox.url))
    sandbox.close()
    assert not answers(sandbox.url)
    sandbox.close()


def test_it_ends_with_a_parent_that_is_killed(tmp_path):
    code = (
        "import sys, time, pathlib; from comfyui_bridge.sandbox_process import SandboxProcess;"
        "print(SandboxProcess(pathlib.Path(sys.argv[1])).url, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    url = parent.stdout.readline().strip()
    wait_until(lambda: answers(url))
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    wait_until(lambda: not is_open(int(url.rpartition(":")[2])))
