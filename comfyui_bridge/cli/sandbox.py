"""`sandbox`: a ComfyUI-compatible server of our own, until it is stopped."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from comfyui_bridge.sandbox.faults import Faults
from comfyui_bridge.sandbox.serve import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=8188, help="port to listen on; 0 takes a free one (default 8188)"
    )
    parser.add_argument(
        "--step-seconds",
        type=float,
        default=0.05,
        metavar="S",
        help="how long a sampling step takes (default 0.05)",
    )
    parser.add_argument(
        "--directory", type=Path, metavar="DIR", help="where its files go; without one they go when it does"
    )
    parser.add_argument("--faults", action="store_true", help="serve /sandbox/faults, to rehearse failures")
    # For a program that starts a sandbox of its own and must not leave it behind, however it ends.
    parser.add_argument("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)


def main(arguments: argparse.Namespace) -> int:
    if arguments.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        serve(
            arguments.host,
            arguments.port,
            step_seconds=arguments.step_seconds,
            directory=arguments.directory,
            announce=lambda url: print(f"Sandbox: {url} (procedural pictures, no AI model)", flush=True),
            faults=Faults() if arguments.faults else None,
        )
    except OSError as error:
        where = f"{arguments.host}:{arguments.port}"
        print(f"The sandbox cannot listen on {where}: {error.strerror or error}.", file=sys.stderr)
        return 1
    return 0


def _end_with_stdin() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
