"""Five thousand files of strangers, all the way from the upload to the page.

Each ends in one of our own errors or in a working form: no other exception, no long wait, no file
outside of the library, no markup of theirs in the page. The seconds are the processor's own, as other tests
may share the machine.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from comfyui_bridge.core import form as form_
from comfyui_bridge.core import readiness, reports
from comfyui_bridge.core.errors import BridgeError
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.template import CardEdit, Template
from comfyui_bridge.store import intake
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.editor import Editor
from comfyui_bridge.store.library import Library
from comfyui_bridge.ui import form as form_ui
from comfyui_bridge.ui import library_panel
from comfyui_bridge.ui.templates import Templates
from comfyui_bridge.ui.words import Words
from tests.core.conversion_pairs import read_pairs
from tests.core.test_convert_fuzz import nested
from tests.fuzz.hostile import Stranger

FILES = 5000
BATCHES = 10
SECONDS = 4.0
"""Half as many on a quiet machine; the two threads of a core that is busy count double."""
TABLES = 15_000 if sys.version_info >= (3, 11) else 2_000
"""Python 3.10 has no tomllib, and tomlkit reads a seventh as many in the time."""
LARGEST = 8_000
"""Characters of a workflow to begin with."""
WORDS = Words()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such a thing: every write is synced, and here come thousands."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def documents() -> list[Any]:
    """Small ones in both formats: what is wrong with a large one is wrong with a small one, sooner."""
    pairs = [pair for pair in read_pairs("official", "adversarial") if len(json.dumps(pair.ui)) < LARGEST]
    folder = Path(__file__).parent.parent / "recordings" / "workflows"
    graphs = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    return [*(pair.ui for pair in pairs), *(pair.api for pair in pairs if pair.api), *graphs]


class Seen(HTMLParser):
    """The tags and attributes a browser would see; texts do not matter."""

    TAGS = frozenset(
        (
            "h1",
            "h2",
            "h3",
            "p",
            "b",
            "ul",
            "li",
            "span",
            "div",
            "button",
            "input",
            "img",
            "details",
            "summary",
        )
    )
    ATTRIBUTES = frozenset(
        ("type", "class", "id", "title", "role", "hidden", "alt", "loading", "decoding", "autocomplete")
    )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.TAGS, f"{tag} {attrs}"
        for name, value in attrs:
            known = (*self.ATTRIBUTES, "placeholder", "src")
            assert name in known or name.startswith(("data-", "aria-")), f"{name}={value}"
            assert name != "src" or str(value).startswith("covers/"), value


def look_at(html: str) -> None:
    """Only our own markup is in it, and it can be sent."""
    html.encode()
    seen = Seen(convert_charrefs=True)
    seen.feed(html)
    seen.close()


@contextmanager
def in_time(what: str) -> Iterator[None]:
    started = time.process_time()
    yield
    took = time.process_time() - started
    assert took < SECONDS, f"{what}: {took:.1f} s"


def bring(editor: Editor, content: bytes, name: str) -> str | None:
    """The slug of what came in; None where it was refused in a sentence."""
    try:
        return editor.take(intake.read(content, name))
    except BridgeError as error:
        said(error)
        return None


def said(error: BridgeError) -> None:
    message = str(error)
    assert 0 < len(message) < 2000
    message.encode()


def make(template: Template, defs: NodeDefs) -> Form | None:
    try:
        return form_.make(template, defs)
    except BridgeError as error:
        said(error)
        look_at(form_ui.head(template, None, str(error), WORDS))
        return None


def use(made: Form) -> str:
    """What a page and a command do with a form."""
    shown = form_ui.described(made.template, made, {}, WORDS)
    look_at(str(shown["head"]))
    json.dumps(shown, ensure_ascii=False, allow_nan=False).encode()
    told = [reports.input_to_json(one) for one in made.inputs]
    json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
    assert len({one.key for one in made.inputs}) == len(made.inputs)
    try:
        values = made.check({})
    except BridgeError as error:
        said(error)
        return "form that asks"
    json.dumps(made.patched(values).to_api())
    return "form"


@pytest.mark.parametrize("seed", range(BATCHES))
def test_whatever_strangers_bring_ends_in_a_sentence_or_a_form(
    seed: int,
    documents: list[Any],
    defs_0_33: NodeDefs,
    home: Path,
) -> None:
    stranger = Stranger(documents, seed)
    outcomes: Counter[str] = Counter()
    for batch in range(FILES // BATCHES // 100):
        folder = home / str(batch) / "library"
        editor = Editor(folder, home / str(batch) / "trash")
        for number in range(100):
            content, name = stranger.bring()
            with in_time(f"file {number} of batch {batch}, {name!r}"):
                if bring(editor, content, name) is None:
                    outcomes["refused"] += 1
        outcomes += walk_through(folder, editor, defs_0_33)
    assert sum(outcomes.values()) >= FILES // BATCHES
    assert outcomes["form"] > FILES // BATCHES // 10, outcomes
    assert set(home.iterdir()) == {home / str(batch) for batch in range(FILES // BATCHES // 100)}


def walk_through(folder: Path, editor: Editor, defs: NodeDefs) -> Counter[str]:
    """Every template of a folder, as a page would meet them."""
    outcomes: Counter[str] = Counter()
    library = Catalogue(Library(folder))
    shelf = Templates(library).shelf()
    look_at(library_panel.markup(shelf, WORDS))
    for number, template in enumerate(shelf.templates):
        with in_time(repr(template.slug)):
            made = make(template, defs)
            outcomes[use(made) if made else "no form"] += 1
            if number % 4 == 0:
                judge(template, defs)
    if shelf.templates:
        edit(editor, shelf.templates[0])
    suffixes = {path.suffix for path in folder.iterdir()}
    assert suffixes <= {".json", ".toml", ".webp"}
    assert {path.name for path in folder.parent.iterdir()} <= {"library", "trash"}
    return outcomes


def judge(template: Template, defs: NodeDefs) -> None:
    try:
        readiness.of_template(template, defs)
    except BridgeError as error:
        said(error)


def edit(editor: Editor, template: Template) -> None:
    """Its card saved as it is, a bundle, and away with it."""
    card = CardEdit(template.title, template.description, template.tags, template.exposures)
    try:
        editor.save_card(template.slug, card, editor.card_version(template.slug), replaces=True)
        again = intake.read(editor.bundle(template.slug), "bundle.zip")
        assert again.document == template.document
    except BridgeError as error:
        said(error)
    editor.restore(editor.delete(template.slug))


def ring(count: int, class_type: str, **inputs: Any) -> dict[str, Any]:
    """Nodes in a circle, each fed by the next."""
    return {
        str(number): {
            "class_type": class_type,
            "inputs": {
                key: [str((number + 1) % count), 0] if value == "next" else value
                for key, value in inputs.items()
            },
        }
        for number in range(count)
    }


def ladder(count: int) -> dict[str, Any]:
    """Two ways at each node: two to the so-many-th ways from the sampler to the text."""
    graph = ring(count, "ConditioningCombine", conditioning_1="next", conditioning_2="next")
    graph[str(count - 1)] = {"class_type": "CLIPTextEncode", "inputs": {"text": "x"}}
    graph["s"] = {"class_type": "KSampler", "inputs": {"seed": 1, "positive": ["0", 0], "negative": ["0", 0]}}
    return graph


def named(count: int, name: str) -> dict[str, Any]:
    return {
        f"{number}": {"class_type": f"{name}{number}", "inputs": {}, "_meta": {"title": name * 50}}
        for number in range(count)
    }


HUGE: dict[str, Callable[[], bytes]] = {
    "900 samplers apart": lambda: dumped(ring(900, "KSampler", seed=1, steps=20, cfg=8.0)),
    "1,900 samplers in a circle": lambda: dumped(
        ring(1900, "KSampler", seed=1, model="next", positive="next", negative="next", latent_image="next")
    ),
    "900 LoRAs in a circle": lambda: dumped(
        ring(900, "LoraLoader", lora_name="x", model="next", clip="next")
    ),
    "a ladder of 900": lambda: dumped(ladder(900)),
    "900 nodes nobody knows": lambda: dumped(named(900, "KSamplr")),
    "5,000 inputs": lambda: dumped({"1": {"class_type": "X", "inputs": {f"i{n}": n for n in range(5_000)}}}),
    "20,000 nodes": lambda: dumped(ring(20_000, "KSampler", seed=1)),
    "ten million letters": lambda: dumped(ring(1, "CLIPTextEncode", text="x" * 10_000_000)),
    "32 MB of nothing": lambda: b" " * (32 << 20),
    "32 MB of braces": lambda: b'{"a":' * (6 << 20),
    "a doubled key behind 3 MB": lambda: b'{"a":"' + b"x" * (3 << 20) + b'","b":1,"b":2}',
    "one sampler in 60 subgraphs": lambda: dumped(nested(60, 1)),
    "two to the 60th samplers": lambda: dumped(nested(60, 2)),
    "a picture of a billion points": lambda: (
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + b"\x7f\xff\xff\xff" * 2 + bytes(9)
    ),
    "100,000 empty chunks": lambda: b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0tEXt\0\0\0\0" * 100_000,
    "100,000 empty boxes": lambda: b"\0\0\0\x08ftyp" + b"\0\0\0\x08moov" * 100_000,
    "100,000 nested elements": lambda: b"\x1aE\xdf\xa3\x80" + b"\x12T\xc3g\xff" * 100_000,
    "a card of many tables": lambda: bundled(b'[[inputs]]\nnode = "1"\ninput = "seed"\nkey = ""\n' * TABLES),
}


def dumped(document: Any) -> bytes:
    return json.dumps(document).encode()


def bundled(card: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("a.json", dumped(ring(1, "KSampler", seed=1)))
        bundle.writestr("a.toml", card)
    return written.getvalue()


@pytest.mark.parametrize("name", HUGE)
def test_what_is_huge_takes_its_time_only(name: str, defs_0_33: NodeDefs, home: Path) -> None:
    content = HUGE[name]()
    editor = Editor(home / "library", home / "trash")
    with in_time("coming in"):
        slug = bring(editor, content, "huge.json")
    if slug is None:
        return
    with in_time("the library"):
        shelf = Templates(Catalogue(Library(home / "library"))).shelf()
        look_at(library_panel.markup(shelf, WORDS))
    (template,) = shelf.templates
    with in_time("the form"):
        made = make(template, defs_0_33)
    if made is not None:
        with in_time("its use"):
            use(made)
    with in_time("readiness"):
        judge(template, defs_0_33)
    with in_time("the card"):
        edit(editor, template)
