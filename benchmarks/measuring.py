"""What the benchmarks share: a row of the table, a sandbox process, the smallest graphs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Measured:
    """One row: ours, what it is compared with, and the ratio ours / other."""

    name: str
    ours: float
    unit: str
    n: int
    other: float | None = None
    ratio: float | None = None
    goal: str = ""


@contextmanager
def sandboxes(count: int, step_seconds: float) -> Iterator[list[str]]:
    """Addresses of so many sandbox processes; they end with this."""
    command = [sys.executable, "-m", "comfyui_bridge", "sandbox", "--port", "0", "--until-stdin-closes"]
    command += ["--step-seconds", str(step_seconds)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    try:
        yield [_address(process) for process in processes]
    finally:
        for process in processes:
            process.communicate()


@contextmanager
def dashboard(folder: Path, *arguments: str) -> Iterator[tuple[str, int]]:
    """The dashboard with its data and its templates in a folder: its address and its process id."""
    command = [sys.executable, str(ROOT / "app.py"), "--port", "0", "--data", str(folder / "data")]
    command += ["--workflows", str(folder / "workflows"), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield _address(process), process.pid
    finally:
        process.terminate()
        process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return next(word for word in process.stdout.readline().split() if word.startswith("http"))


def model_free(number: int) -> dict[str, Any]:
    """A graph without sampling, another one for each number so that nothing is cached."""
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": number},
        },
        "2": {"class_type": "SaveImage", "inputs": {"filename_prefix": "bench", "images": ["1", 0]}},
    }


def sampling(seed: int, steps: int) -> dict[str, Any]:
    """A graph whose time is its steps."""
    return {
        "1": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": "sandbox-painter-v1.safetensors"},
        },
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lake", "clip": ["1", 1]}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "4": {
            "class_type": "KSampler",
            "inputs": {
                "seed": seed,
                "steps": steps,
                "cfg": 7.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
                "model": ["1", 0],
                "positive": ["2", 0],
                "negative": ["2", 0],
                "latent_image": ["3", 0],
            },
        },
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": {"class_type": "SaveImage", "inputs": {"filename_prefix": "bench", "images": ["5", 0]}},
    }
