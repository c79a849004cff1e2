"""What the benchmarks share: rows of the table, programs in processes of their own, the smallest graphs.

A row is the median of several times, with the quarter of them below and above as its spread. What is compared
is measured turn by turn in one run, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = Path(__file__).resolve().parent / "out"

_CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Goal:
    """What a row should come to: a bound on ours, or on the ratio of ours to the other."""

    most: float | None = None
    least: float | None = None
    of_ratio: bool = False

    def __str__(self) -> str:
        what = "ratio " if self.of_ratio else ""
        return f"{what}≤ {self.most:g}" if self.most is not None else f"{what}≥ {self.least:g}"

    def is_met(self, ours: float, ratio: float | None) -> bool:
        value = ratio if self.of_ratio else ours
        if value is None:
            return False
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)


@dataclass(frozen=True)
class Measured:
    """One row: ours, what it is compared with and what that is, and the ratio ours / other."""

    name: str
    ours: float
    unit: str
    n: int
    other: float | None = None
    against: str = ""
    spread: tuple[float, float] | None = None
    """The quarter of our times below and above the median."""
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.other if self.other else None

    @property
    def is_met(self) -> bool | None:
        return None if self.goal is None else self.goal.is_met(self.ours, self.ratio)


@dataclass(frozen=True)
class Skipped:
    """What could not be measured here, and why."""

    name: str
    why: str


Row = Measured | Skipped


def row(
    name: str,
    ours: Sequence[float],
    unit: str,
    *,
    other: Sequence[float] = (),
    against: str = "",
    goal: Goal | None = None,
) -> Measured:
    """The row of many times: medians, and the spread of ours, of which there must be some."""
    return Measured(
        name,
        statistics.median(ours),
        unit,
        len(ours),
        statistics.median(other) if other else None,
        against,
        quartiles(ours),
        goal,
    )


def quartiles(values: Sequence[float]) -> tuple[float, float] | None:
    if len(values) < 3:
        return None
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def took_ms(what: Callable[[], object], times: int = 1) -> list[float]:
    """How many milliseconds it takes, so many times."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        what()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def side_by_side(ways: Mapping[str, Callable[[], object]], turns: int) -> dict[str, list[float]]:
    """Milliseconds of each way, turn by turn, each turn in the other order."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns):
        for name in list(ways)[:: 1 if turn % 2 else -1]:
            taken[name] += took_ms(ways[name])
    return taken


# Programs in processes of their own.


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


@dataclass(frozen=True)
class PacedServers:
    """Servers that keep a pace and note when each step was; `told` has the notes once they have ended."""

    urls: list[str]
    told: dict[tuple[int, int], float] = field(default_factory=dict)
    """The epoch second of each step, by the run's number and the step."""


@contextmanager
def paced(count: int, rate: float, folder: Path, *arguments: str) -> Iterator[PacedServers]:
    """So many servers of `benchmarks.paced`, with so many steps a second."""
    notes = folder / f"told-{time.time_ns()}"
    command = [sys.executable, "-m", "benchmarks.paced", str(count), str(rate), str(notes), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    servers = PacedServers(process.stdout.readline().split())
    try:
        yield servers
    finally:
        process.communicate()
    for line in notes.read_text("utf-8").splitlines():
        number, step, at = line.split()
        servers.told[int(number), int(step)] = float(at)


@contextmanager
def dashboard(folder: Path, *arguments: str) -> Iterator[tuple[str, int]]:
    """The dashboard with its data and its templates in a folder: its address and its process id."""
    command = [sys.executable, str(ROOT / "app.py"), "--port", "0", "--data", str(folder / "data")]
    command += ["--workflows", str(folder / "workflows"), *arguments]
    with program(command) as running:
        yield running


@contextmanager
def program(command: Sequence[str]) -> Iterator[tuple[str, int]]:
    """A program that says its address on its first line; it is ended with this."""
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True, cwd=ROOT)
        try:
            yield _address(process, complaints), process.pid
        finally:
            process.terminate()
            process.communicate()


def _address(process: subprocess.Popen[str], complaints: IO[str] | None = None) -> str:
    assert process.stdout is not None
    for word in process.stdout.readline().split():
        if word.startswith("http"):
            return word
    process.wait()
    if complaints is not None:
        complaints.seek(0)
    raise RuntimeError(f"The program did not start.\n{complaints.read() if complaints else ''}")


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        launched = playwright.chromium.launch(executable_path=found, args=list(_CHROMIUM))
        try:
            yield launched
        finally:
            launched.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident_mb(pid: int) -> float:
    """Megabytes of a process that are in memory."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"process {pid} has no memory")


def cpu_seconds(pid: int) -> float:
    """Processor seconds a process has used, its ended children included."""
    words = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in words[11:15]) / 100


# The smallest graphs.


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


def pacing(number: int, steps: int, node: str = "Paced", *, previews: bool = True) -> dict[str, Any]:
    """A graph of steps that cost the server nothing but time; see `benchmarks.paced`."""
    inputs = {"number": number, "steps": steps, "previews": previews}
    return {
        "1": {"class_type": node, "inputs": inputs},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "paced"}},
    }
