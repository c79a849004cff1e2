"""Kept files on their way out: thumbnails made and sent, and five hundred files as one ZIP.

What a preview frame weighs on the wire is measured where it is shown, in `benchmarks.page`.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from PIL import Image

from benchmarks import results
from benchmarks.measuring import Goal, Measured, dashboard, resident_mb, row

FILES = 500
THUMBNAILS = 120
CONNECTIONS = 6
"""As many as a browser opens to one address."""
SIDE, SIZE = 1024, 256
TURNS = 5


def measure() -> Iterator[Measured]:
    """Goals: a ZIP of 500 files begins within 0.3 s and holds memory flat."""
    pictures = [_picture(number) for number in range(8)]
    with tempfile.TemporaryDirectory(prefix="bench-media-") as name:
        folder = Path(name)
        runs = results.make(folder / "data", FILES * 10 // 9 + 1, results.OWNER, pictures=pictures)
        (folder / "workflows").mkdir()
        files = [path for run in runs for path in (folder / "data" / "media" / run).glob("*")][:FILES]
        with dashboard(folder, "--sandbox") as (url, pid):
            yield from _thumbnails(url, files, pictures)
            yield from _zip(
                url, pid, [path.parent.name for path in files], sum(p.stat().st_size for p in files)
            )


def _thumbnails(url: str, files: Sequence[Path], pictures: Sequence[bytes]) -> Iterator[Measured]:
    def ask(path: Path) -> None:
        address = f"{url}/media/{path.parent.name}/{path.name}?size={SIZE}"
        requests.get(address, cookies=_COOKIES, timeout=60).raise_for_status()

    with ThreadPoolExecutor(CONNECTIONS) as pool:

        def asked(some: Sequence[Path]) -> float:
            return len(some) / _seconds(lambda: list(pool.map(ask, some)))

        ask(files[-1])
        made = asked(files[:THUMBNAILS])
        kept = asked(files[:THUMBNAILS])
        floor = THUMBNAILS / _seconds(
            lambda: list(pool.map(_shrunk, (pictures[number % 8] for number in range(THUMBNAILS))))
        )
    yield Measured("thumbnails made and sent a second", made, "/s", THUMBNAILS, floor, "Pillow alone")
    yield Measured("thumbnails sent a second, made before", kept, "/s", THUMBNAILS)


def _shrunk(content: bytes) -> None:
    with Image.open(io.BytesIO(content)) as picture:
        picture.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
        picture.save(io.BytesIO(), "WEBP")


def _zip(url: str, pid: int, runs: Sequence[str], size: int) -> Iterator[Measured]:
    begins, speeds, grown = [], [], []
    for _ in range(TURNS):
        before, most, began = resident_mb(pid), 0.0, time.perf_counter()
        asked = {"runs": " ".join(runs)}
        with requests.post(f"{url}/media.zip", asked, cookies=_COOKIES, stream=True, timeout=60) as answer:
            answer.raise_for_status()
            chunks = answer.iter_content(1 << 20)
            got = len(next(chunks))
            begins.append((time.perf_counter() - began) * 1000)
            for number, chunk in enumerate(chunks):
                got += len(chunk)
                if number % 20 == 0:
                    most = max(most, resident_mb(pid))
        assert got > size, f"{got} bytes of {size}"
        speeds.append(got / 1e6 / (time.perf_counter() - began))
        grown.append(max(0.0, most - before))
    yield row(f"ZIP of {FILES} files until its first bytes", begins, "ms", goal=Goal(most=300))
    # What the first one needs once is not given back, and no later one adds to it.
    yield row("memory that a ZIP adds while it is sent", grown[1:], "MB", goal=Goal(most=16))
    yield row("ZIP, speed", speeds, "MB/s")


_COOKIES = {"comfyui_bridge_browser": results.BROWSER}


def _seconds(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def _picture(number: int) -> bytes:
    """A PNG of a megabyte, as generated pictures are."""
    written = io.BytesIO()
    noise = Image.effect_noise((SIDE, SIDE), 3 + number)
    Image.merge("RGB", (noise, noise.rotate(90), noise)).save(written, "PNG", compress_level=1)
    return written.getvalue()
