"""Servers that step at a steady pace and paint next to nothing: `python -m benchmarks.paced COUNT RATE FILE`.

Real HTTP and WebSockets, one server each for so many runs at once, in one process that leaves the cores to
the program under test. FILE gets a line for each step: the run's number, the step, the epoch second.
"""

from __future__ import annotations

import functools
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image

from comfyui_bridge.sandbox.node import Context, Input, NodeType, Result
from comfyui_bridge.sandbox.nodes import NODE_TYPES
from comfyui_bridge.sandbox.thread import SandboxThread

NODE = "Paced"
_told: list[tuple[int, int, float]] = []


class Paced(NodeType):
    """So many steps at the pace of its server, with a preview each."""

    class_type = NODE
    inputs = (
        Input("image", "IMAGE"),
        Input("number", "INT", {"default": 0, "min": 0, "max": 10_000}),
        Input("steps", "INT", {"default": 10, "min": 1, "max": 10_000}),
    )
    outputs = ("IMAGE",)

    def run(self, context: Context, **inputs: Any) -> Result:
        due = time.monotonic()
        for step in range(1, inputs["steps"] + 1):
            due += context.step_seconds
            context.pace(max(0.0, due - time.monotonic()))
            _told.append((inputs["number"], step, time.time()))
            context.progress(step, inputs["steps"], _frame(step % 8))
        return Result((inputs["image"],))


@functools.lru_cache
def _frame(number: int) -> Image.Image:
    return Image.effect_noise((32, 32), 20.0 + number)


def main(count: str, rate: str, file: str) -> None:
    nodes = {**NODE_TYPES, NODE: Paced()}
    with ExitStack() as running:
        servers = [
            running.enter_context(SandboxThread(nodes, step_seconds=1 / float(rate)))
            for _ in range(int(count))
        ]
        print(*(server.url for server in servers), flush=True)
        sys.stdin.read()
    lines = (f"{number} {step} {at:.6f}\n" for number, step, at in _told)
    Path(file).write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
