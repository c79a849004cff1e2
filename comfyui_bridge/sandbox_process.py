"""The sandbox as a child process, for a program that has no server to drive.

A process of its own, so that painting never holds up the page. The child ends when this process does,
however it does: it reads a pipe that closes with us.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

_STOP_S = 3.0


class SandboxProcess:
    """Starts at once and is not waited for: whoever talks to `url` tries again until it answers."""

    def __init__(self, directory: Path) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        package = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH", ""))))
        command = [sys.executable, "-m", "comfyui_bridge", "sandbox", "--port", str(port)]
        command += ["--directory", str(directory), "--until-stdin-closes"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            # Ctrl-C at a terminal goes to the whole group; it is this process that decides when to stop.
            start_new_session=True,
        )

    def close(self) -> None:
        """Stop it and wait until it has; may be called twice."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
