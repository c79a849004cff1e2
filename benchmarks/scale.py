"""Much of everything: definitions of 887 nodes, the 205 official workflows, a library of a thousand.

The definitions and workflows are those of a real ComfyUI 0.33, as the tests have them. Ten thousand stored
runs have a benchmark of their own, `benchmarks.results`.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Request

from benchmarks.measuring import ROOT, Goal, Measured, browser, dashboard, paced, row, took_ms
from comfyui_bridge.core import convert, form, node_defs, template, workflow
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.library import Library
from comfyui_bridge.ui import library_panel
from comfyui_bridge.ui.templates import Templates
from comfyui_bridge.ui.words import Words

RECORDINGS = ROOT / "tests" / "recordings"
TURNS = 9
TEMPLATES = 1000
_KEYS = ("l", "la", "lan", "land", "lands", "land", "lan", "la", "l", "")
_LARGEST = "sd15_controlnet"

# From a key in a search field until what it leaves has been painted.
_SEARCH = """([field, text]) => new Promise((done) => {
    const search = document.querySelector(field);
    const from = performance.now();
    search.value = text;
    search.dispatchEvent(new Event('input', { bubbles: true }));
    requestAnimationFrame(() => {
        const painted = new MessageChannel();
        painted.port1.onmessage = () => done(performance.now() - from);
        painted.port2.postMessage(0);
    });
})"""


def measure() -> Iterator[Measured]:
    """Goals: definitions parsed and a form made in 100 ms, once a server; a key of a search in 100 ms."""
    definitions = json.loads(
        gzip.decompress((RECORDINGS / "comfyui-0.33" / "object_info.json.gz").read_bytes())
    )
    yield from _definitions(definitions)
    yield from _conversion(node_defs.parse(definitions))
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as name:
        folder = Path(name)
        _library(folder / "workflows")
        yield from _listed(folder / "workflows")
        with ExitStack() as running:
            servers = running.enter_context(paced(1, 10, folder, "--unseen"))
            url, _ = running.enter_context(dashboard(folder, "--server", servers.urls[0]))
            chromium = running.enter_context(browser())
            yield from _in_the_page(chromium.new_page(viewport={"width": 1440, "height": 900}), url)


def _definitions(document: dict[str, Any]) -> Iterator[Measured]:
    graph = json.loads((RECORDINGS / "workflows" / f"{_LARGEST}.json").read_text("utf-8"))
    read = template.parse(_LARGEST, graph, None)

    def parsed_and_exposed() -> None:
        form.make(read, node_defs.parse(document))

    first = took_ms(parsed_and_exposed, TURNS)
    yield row(f"definitions of {len(document)} nodes parsed, a form made", first, "ms", goal=Goal(most=100))

    def read_all() -> None:
        assert all(node_defs.parse(document).by_class.values())

    yield row("the same, every definition read though no form asks", took_ms(read_all, TURNS), "ms")
    known = node_defs.parse(document)
    form.make(read, known)
    yield row("a form made with definitions known", took_ms(partial(form.make, read, known), TURNS), "ms")


def _conversion(defs: NodeDefs) -> Iterator[Measured]:
    with gzip.open(RECORDINGS / "conversion" / "official.jsonl.gz", "rt", encoding="utf-8") as file:
        documents = [json.loads(line)["ui"] for line in file]
    converted = [document for document in documents if workflow.is_ui_format(document)]
    for document in converted:  # what is read of the definitions is read once
        convert.convert(document, defs)
    taken = [took_ms(partial(convert.convert, document, defs))[0] for document in converted]
    yield row("conversion of an official workflow, each", taken, "ms")
    yield Measured("conversion of the slowest of them", max(taken), "ms", len(taken))


def _library(folder: Path) -> None:
    """A thousand templates with cards, of as many kinds as the recordings have."""
    folder.mkdir()
    documents = [path.read_text("utf-8") for path in sorted((RECORDINGS / "workflows").glob("*.json"))]
    subjects = ("landscape", "portrait", "product", "poster", "texture", "logo", "interior", "animal")
    for number in range(TEMPLATES):
        subject, name = subjects[number % len(subjects)], f"{number:04}"
        (folder / f"t{name}.json").write_text(documents[number % len(documents)], "utf-8")
        card = (
            f'title = "A {subject} {name}"\ndescription = "What number {name} is good for, in a sentence."\n'
            f'tags = ["{subject}", "{"photo" if number % 3 else "drawing"}"]\n'
        )
        (folder / f"t{name}.toml").write_text(card, "utf-8")


def _listed(folder: Path) -> Iterator[Measured]:
    def read_all() -> None:
        assert len(Catalogue(Library(folder)).templates()) == TEMPLATES

    what = f"{TEMPLATES:,} templates"
    yield row(f"{what} read from the folder", took_ms(read_all, 3), "ms")
    known = Catalogue(Library(folder))
    known.templates()
    yield row(f"{what} looked at again, unchanged", took_ms(known.templates, TURNS), "ms")
    shelf = Templates(known).shelf()
    yield row(f"{what} as HTML", took_ms(partial(library_panel.markup, shelf, Words()), TURNS), "ms")


def _in_the_page(page: Page, url: str) -> Iterator[Measured]:
    def opened() -> None:
        page.goto(url)
        page.wait_for_selector("#form[data-drawn]")

    opened()  # its scripts are in the browser's cache from now on
    name = f"page with {TEMPLATES:,} templates, address to form"
    sent: list[Request] = []
    page.on("requestfinished", lambda one: sent.append(one))
    yield row(name, [one / 1000 for one in took_ms(opened, 3)], "s")
    carried = sum(max(0, one.sizes()["responseBodySize"]) for one in sent) / 3 / 1000
    yield Measured("its bytes over the wire, scripts of Gradio's kept from before", carried, "kB", 3)
    for what, field in (("library", "#search-templates"), ("editor's list", "#shelf .shelf-search")):
        if what != "library":
            page.get_by_role("tab", name="Templates").click()
            page.wait_for_selector(field)
        page.evaluate(_SEARCH, [field, ""])
        taken = [page.evaluate(_SEARCH, [field, text]) for text in _KEYS for _ in range(2)]
        name = f"a key of a search over {TEMPLATES:,}, {what}, until painted"
        yield row(name, taken, "ms", goal=Goal(most=100))
