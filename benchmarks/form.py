"""From choosing a template to its form on the page, in a browser, with 5, 30 and 100 inputs.

The smallest is what the round trip and the browser take by themselves. The lists of the large ones have 5,000
choices each.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from benchmarks.measuring import Goal, Measured, browser, dashboard, row
from comfyui_bridge.sandbox.node import Context, Folders, NodeType, Result
from comfyui_bridge.sandbox.nodes import NODE_TYPES
from comfyui_bridge.sandbox.thread import SandboxThread

TURNS = 9
SIZES = (5, 30, 100)
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
        with dashboard(Path(folder), "--server", server.url) as (url, _), browser() as chromium:
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.goto(url)
            page.wait_for_selector("#form[data-drawn]")
            yield from _rows(page)


def _rows(page: Page) -> Iterator[Measured]:
    taken: dict[int, list[float]] = {size: [] for size in SIZES}
    unfolded: list[float] = []
    for _ in range(TURNS):
        for size in SIZES:
            taken[size].append(page.evaluate(_CHOOSE, f"inputs-{size}"))
        unfolded.append(page.evaluate(_UNFOLD))
    for size in SIZES:
        name = f"template chosen to form of {size} inputs shown"
        yield row(name, taken[size], "ms", goal=Goal(most=500))
    yield row(f"form of {SIZES[-1]} inputs unfolded", unfolded, "ms")


def _workflow(size: int) -> dict[str, Any]:
    """So many inputs, as nodes of six."""
    names = list(_VALUES)
    nodes = {}
    for start in range(0, size, len(names)):
        taken = names[: size - start]
        nodes[str(start + 1)] = {"class_type": "Wide", "inputs": {name: _VALUES[name] for name in taken}}
    return nodes
