"""From choosing a template to its form on the page, in a browser, with 30 and with 120 inputs.

Beside it the same for a template of three inputs: what the round trip and the browser take by themselves.
The lists of the large ones have 5,000 choices each.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.measuring import Measured, dashboard
from comfyui_bridge.sandbox.node import Context, Folders, NodeType, Result
from comfyui_bridge.sandbox.nodes import NODE_TYPES
from comfyui_bridge.sandbox.thread import SandboxThread

TURNS = 9
SIZES = (3, 30, 120)
_LORAS = [f"style/lora {number:04}.safetensors" for number in range(5000)]
_INPUTS: dict[str, Any] = {
    "lora": ["COMBO", {"options": _LORAS}],
    "strength": ["FLOAT", {"default": 1.0, "min": 0.0, "max": 2.0, "step": 0.01}],
    "size": ["INT", {"default": 512, "min": 16, "max": 16384, "step": 8}],
    "text": ["STRING", {"default": "words", "multiline": True}],
    "way": [["one", "two", "three"], {}],
    "on": ["BOOLEAN", {"default": True}],
}
_VALUES = {"lora": _LORAS[4000], "strength": 1.0, "size": 512, "text": "words", "way": "two", "on": True}
# From the click to the first painted frame that has the new form.
_CHOOSE = """slug => new Promise((done) => {
    const from = performance.now();
    const look = () => {
        const shown = document.querySelector('#form-head h1')?.dataset.current;
        if (shown === slug) requestAnimationFrame(() => done(performance.now() - from));
        else requestAnimationFrame(look);
    };
    document.querySelector(`#library .card[data-slug="${slug}"]`).click();
    look();
})"""
_UNFOLD = """() => new Promise((done) => {
    const from = performance.now();
    document.querySelector('#advanced > .label-wrap').click();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - from)));
})"""


class _Wide(NodeType):
    class_type = "Wide"
    output_node = True

    def definition(self, folders: Folders) -> dict[str, Any]:
        return {**super().definition(folders), "input": {"required": _INPUTS}}

    def run(self, context: Context, **inputs: Any) -> Result:
        return Result(())


def measure() -> Iterator[Measured]:
    """Goal: at most 0.5 s with 100 inputs."""
    with tempfile.TemporaryDirectory() as folder, SandboxThread({**NODE_TYPES, "Wide": _Wide()}) as server:
        library = Path(folder) / "workflows"
        library.mkdir()
        for size in SIZES:
            (library / f"inputs-{size}.json").write_text(json.dumps(_workflow(size)), "utf-8")
        with dashboard(Path(folder), "--server", server.url) as (url, _), sync_playwright() as playwright:
            found = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(url)
            page.wait_for_selector("#form[data-drawn]")
            yield from _rows(page)
            browser.close()


def _rows(page: Page) -> Iterator[Measured]:
    taken: dict[int, list[float]] = {size: [] for size in SIZES}
    unfolded: list[float] = []
    for _ in range(TURNS):
        for size in SIZES:
            taken[size].append(page.evaluate(_CHOOSE, f"inputs-{size}") / 1000)
        unfolded.append(page.evaluate(_UNFOLD) / 1000)
    least = statistics.median(taken[SIZES[0]])
    for size in SIZES[1:]:
        ours = statistics.median(taken[size])
        yield Measured(f"form: {size} inputs on the page", ours, "s", TURNS, least, ours / least, "<= 0.5 s")
    yield Measured("form: 120 inputs unfolded", statistics.median(unfolded), "s", TURNS)


def _workflow(size: int) -> dict[str, Any]:
    """So many inputs, as nodes of six."""
    names = list(_VALUES)
    nodes = {}
    for start in range(0, size, len(names)):
        taken = names[: size - start]
        nodes[str(start + 1)] = {"class_type": "Wide", "inputs": {name: _VALUES[name] for name in taken}}
    return nodes
