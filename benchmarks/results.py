"""Ten thousand stored runs: how soon the store finds some of them, and how soon a browser shows them.

`python -m benchmarks.results FOLDER [COUNT] [OWNER]` makes such a data folder to look at.
"""

from __future__ import annotations

import math
import random
import sys
import tempfile
import time
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from struct import pack
from typing import Any, cast

import requests

from benchmarks.measuring import Goal, Measured, dashboard, row, took_ms
from comfyui_bridge.core import workflow
from comfyui_bridge.core.outputs import KeptFile, NodeOutput, OutputFile
from comfyui_bridge.core.run import Fault, Run, RunError, RunState
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.run_index import RunIndex, Search
from comfyui_bridge.store.runs import RunStore

COUNT = 10_000
TIMES = 9
BROWSER = "benchmark-of-results-0"
"""The id in a browser's cookie, as long as those that the program gives."""
OWNER = f"browser-{BROWSER}"

_THINGS = ("lake", "forest", "city", "harbour", "desert", "garden", "bridge", "tower", "market", "library")
_LIGHTS = ("at dawn", "in fog", "at night", "in golden light", "under snow", "after the rain")
_MODELS = ("dreamshaper_8.safetensors", "sd_xl_base_1.0.safetensors", "flux1-dev-fp8.safetensors")
_COLOURS = 24
_TEMPLATES = (
    ("text-to-image", "Text to image"),
    ("lora", "Text to image with a LoRA"),
    ("upscale", "Upscale"),
)


def measure() -> Iterator[Measured]:
    """Goals: 100 ms in the store, 500 ms over the page's own address."""
    with tempfile.TemporaryDirectory(prefix="bench-results-") as name:
        folder = Path(name)
        make(folder / "data", COUNT, OWNER)
        (folder / "workflows").mkdir()
        yield from _in_the_store(folder / "data")
        with dashboard(folder, "--sandbox") as (url, _):
            yield from _over_http(url)


def make(
    data: Path, count: int, owner: str, *, now: float | None = None, pictures: Sequence[bytes] = ()
) -> list[str]:
    """Fill a data folder with so many runs of this owner, the last of them the newest; their ids.

    The same ones every time but for the ids: nine of ten have a picture, the others failed or were stopped.
    Pictures are small ones that are quickly made, unless some are given.
    """
    pictures = pictures or [_picture(number) for number in range(_COLOURS)]
    draw = random.Random(1)
    now = time.time() if now is None else now
    made = []
    with Database(data) as database, database.writing() as connection:
        # All in one transaction: ten thousand of them would each wait for the disk.
        store = RunStore(cast(Database, _Within(connection)))
        for number in range(count):
            picture = pictures[number % len(pictures)]
            run = _run(number, owner, now - (count - number) * 300.0, draw, len(picture))
            for kept in run.kept:
                path = data / "media" / run.run_id / kept.name
                path.parent.mkdir(parents=True)
                path.write_bytes(picture)
            store.insert(run)
            made.append(run.run_id)
    return made


@dataclass(frozen=True)
class _Within:
    """A database of one connection whose transaction is somebody else's to end."""

    connection: Any

    @contextmanager
    def writing(self) -> Iterator[Any]:
        yield self.connection


def _run(number: int, owner: str, at: float, draw: random.Random, size: int) -> Run:
    slug, title = _TEMPLATES[min(int(draw.expovariate(1.2)), 2)]
    model, seed = draw.choice(_MODELS), draw.getrandbits(48)
    text = f"a {draw.choice(_THINGS)} {draw.choice(_LIGHTS)}, picture {number}"
    run = Run(
        run_id=uuid.uuid4().hex,
        prompt_id=str(uuid.uuid4()),
        workflow=workflow.parse(_graph(model, text, seed)),
        created_at=at,
        template=slug,
        title=title,
        owner=owner,
        values={"prompt": text, "seed": seed, "steps": draw.randint(8, 40), "checkpoint": model},
        state=RunState.COMPLETED,
        server="studio:8188",
        accepted_at=at + 0.1,
        started_at=at + 0.5,
        ended_at=at + 0.5 + draw.uniform(2, 40),
    )
    return _ended(run, number, size)


def _ended(run: Run, number: int, size: int) -> Run:
    if number % 20 == 7:
        error = RunError(Fault.OUT_OF_MEMORY, "KSampler: the server ran out of memory.", "2", "KSampler")
        return replace(run, state=RunState.FAILED, error=error)
    if number % 20 == 13:
        return replace(run, state=RunState.CANCELLED)
    file = OutputFile(f"ComfyUI_{number:05}_.png", node_id="3")
    return replace(run, outputs=(NodeOutput("3", (file,)),), kept=(KeptFile(file.filename, size, file),))


def _graph(model: str, text: str, seed: int) -> dict[str, object]:
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": model}},
        "2": {"class_type": "KSampler", "inputs": {"seed": seed, "positive": ["4", 0], "model": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "ComfyUI"}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["1", 1]}},
    }


def _picture(number: int, side: int = 256) -> bytes:
    """A PNG of hills in one of many colours, without a library that takes its time."""
    hue = number / _COLOURS * 2 * math.pi
    base = [int(128 + 100 * math.sin(hue + shift)) for shift in (0, 2.1, 4.2)]
    rows = bytearray()
    for y in range(side):
        rows.append(0)
        for x in range(0, side, 8):
            hill = 150 + 40 * math.sin(x / 40 + number)
            shade = 0.55 if y > hill else 0.8 + 0.2 * y / side
            rows += bytes(int(part * shade) for part in base) * 8
    head = pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _in_the_store(data: Path) -> Iterator[Measured]:
    with Database(data) as database:
        runs, index = RunStore(database), RunIndex(database)
        looks = {
            "all": Search(owner=OWNER),
            "a search": Search(owner=OWNER, words="harbour fog"),
            "a filter": Search(owner=OWNER, model=_MODELS[1], state=RunState.COMPLETED),
        }
        for name, search in looks.items():

            def look(search: Search = search) -> None:
                index.ids(search, 50_000)
                runs.search(search, 60)

            yield row(
                f"{name} of {COUNT:,} runs, in the store", took_ms(look, TIMES), "ms", goal=Goal(most=100)
            )
        taken = took_ms(partial(index.facets, OWNER), TIMES)
        yield row(f"facets of {COUNT:,} runs, in the store", taken, "ms", goal=Goal(most=100))


def _over_http(url: str) -> Iterator[Measured]:
    with requests.Session() as session:
        session.cookies.set("comfyui_bridge_browser", BROWSER)
        looks = {"all": "", "a search": "q=harbour+fog", "a filter": f"model={_MODELS[1]}&state=completed"}
        for name, asked in looks.items():
            taken = took_ms(partial(session.get, f"{url}/results?{asked}", timeout=60), TIMES)
            yield row(f"{name} of {COUNT:,} runs, over HTTP", taken, "ms", goal=Goal(most=500))


if __name__ == "__main__":
    folder, count, owner = [*sys.argv[1:], *("data", str(COUNT), OWNER)[len(sys.argv) - 1 :]]
    make(Path(folder), int(count), owner)
