"""Servers that step at a steady pace and paint next to nothing: `python -m benchmarks.paced COUNT RATE FILE`.

Real HTTP and WebSockets, one server each for so many runs at once, in one process that leaves the cores to
the program under test. Every picture says its number in black and white squares, so that a browser can tell
which of them it shows. FILE gets a line for each step: the run's number, the step, the epoch second.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from comfyui_bridge.sandbox import execution
from comfyui_bridge.sandbox.node import Context, Input, NodeType, Result
from comfyui_bridge.sandbox.nodes import NODE_TYPES
from comfyui_bridge.sandbox.thread import SandboxThread

NODE = "Paced"
MOST_STEPS = 127
"""Previews have the numbers of their steps, and results the numbers above."""
RESULTS = 128
SIDE = 512
_SQUARE = SIDE // 8
_COARSE = 20
"""Clouds of this many to a side weigh as a JPEG what previews of real samplers do, some 26 kB."""
_PREPARED = "prepared JPEG"
_told: list[tuple[int, int, float]] = []


class Paced(NodeType):
    """So many steps at the pace of its server, with a preview each."""

    class_type = NODE
    inputs = (
        Input("number", "INT", {"default": 0, "min": 0, "max": 1_000_000}),
        Input("steps", "INT", {"default": 10, "min": 1, "max": MOST_STEPS}),
        Input("previews", "BOOLEAN", {"default": True}),
    )
    outputs = ("IMAGE",)

    def run(self, context: Context, **inputs: Any) -> Result:
        due = time.monotonic()
        for step in range(1, inputs["steps"] + 1):
            due += context.step_seconds
            context.pace(max(0.0, due - time.monotonic()))
            preview = numbered(step) if inputs["previews"] else None
            _told.append((inputs["number"], step, time.time()))
            context.progress(step, inputs["steps"], preview)
        context.pace(context.step_seconds)  # a real server decodes and saves after its last step
        picture = numbered(RESULTS + inputs["number"] % RESULTS)
        if not inputs["previews"]:  # nobody looks at it
            picture = picture.resize((64, 64), Image.Resampling.NEAREST)
        return Result((np.asarray(picture, dtype=np.float32)[None] / 255,))


@functools.cache
def numbered(number: int) -> Image.Image:
    """A picture as heavy as a real preview, with its number in the squares of its upper edge."""
    clouds = [Image.effect_noise((_COARSE, _COARSE), 40.0).resize((SIDE, SIDE)) for _ in "RGB"]
    picture = Image.merge("RGB", clouds)
    for bit in range(8):
        colour = "white" if number >> bit & 1 else "black"
        picture.paste(colour, (bit * _SQUARE, 0, (bit + 1) * _SQUARE, _SQUARE))
    picture.info[_PREPARED] = execution.encoded(picture) if number <= MOST_STEPS else b""
    return picture


def _prepared(preview: Image.Image) -> bytes:
    """A preview as it goes over the wire, made beforehand: what a server paints is not measured."""
    jpeg: bytes = preview.info[_PREPARED]
    return jpeg


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paced")
    parser.add_argument("count", type=int)
    parser.add_argument("rate", type=float)
    parser.add_argument("notes", type=Path)
    parser.add_argument("--unseen", action="store_true", help="no previews are prepared")
    given = parser.parse_args()
    for number in range(1, 0 if given.unseen else MOST_STEPS + 1):
        numbered(number)
    execution.encoded = _prepared
    nodes = {**NODE_TYPES, NODE: Paced()}
    with ExitStack() as running:
        servers = [
            running.enter_context(SandboxThread(nodes, step_seconds=1 / given.rate, examples=False))
            for _ in range(given.count)
        ]
        print(*(server.url for server in servers), flush=True)
        sys.stdin.read()
    lines = (f"{number} {step} {at:.6f}\n" for number, step, at in _told)
    given.notes.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
