"""A stored run is reproducible: the identical graph, and from the sandbox the identical picture."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from comfyui_bridge import Client
from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.core import recipes
from comfyui_bridge.core import template as templates
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.engine.engine import Engine
from comfyui_bridge.sandbox.thread import SandboxThread
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "workflows" / "text-to-image.json").read_text(encoding="utf-8"))
TEMPLATE = templates.parse("text-to-image", DOCUMENT)
SMALL = {"5.width": 64, "5.height": 64, "3.steps": 2, "6.text": "a red fox in snow", "3.seed": "random"}
DEADLINE = 30.0


def done(engine: Engine, run_id: str) -> Run:
    snapshot = engine.snapshot(run_id)
    while snapshot is not None and not snapshot.run.state.is_final:
        snapshot = engine.wait(run_id, snapshot.version, DEADLINE)
    assert snapshot is not None
    assert snapshot.run.state is RunState.COMPLETED, snapshot.run.error
    return snapshot.run


def without_metadata(png: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG but for its texts: size, pixels, and all that says how they are packed."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = [], 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        kind = png[at + 4 : at + 8]
        if kind not in (b"tEXt", b"iTXt", b"zTXt"):
            chunks.append((kind, png[at + 8 : at + 8 + size]))
        at += size + 12
    return chunks


def picture(media: MediaStore, run: Run) -> list[tuple[bytes, bytes]]:
    path = media.path(run.run_id, run.kept[0].name)
    assert path is not None
    return without_metadata(path.read_bytes())


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["on the same server", "on another server"])
def test_a_stored_run_again_is_the_same_graph_and_the_same_picture(
    tmp_path: Path, is_elsewhere: bool
) -> None:
    media = MediaStore(tmp_path)
    with Database(tmp_path) as database, SandboxThread() as one, SandboxThread() as two:
        runs = RunStore(database)
        engine = Engine([ComfyServer(one.url)], runs, media)
        engine.start()
        first = done(engine, engine.submit(TEMPLATE, SMALL))
        engine.stop()

        engine = Engine([ComfyServer((two if is_elsewhere else one).url)], runs, media)
        engine.start()
        stored = runs.get(first.run_id)
        assert stored is not None
        again = done(engine, engine.again(stored))
        by_values = done(engine, engine.submit(TEMPLATE, stored.values))
        recipe = recipes.values_of(recipes.of_run(stored), engine.form(TEMPLATE), None)
        by_link = done(engine, engine.submit(TEMPLATE, recipe))
        engine.stop()
        for other in (again, by_values, by_link):
            assert other.workflow.to_api() == first.workflow.to_api()
            assert other.fingerprint == first.fingerprint
            assert {key: other.values[key] for key in first.values} == first.values
            assert picture(media, other) == picture(media, first)

        with Client(two.url) as client:  # the workflow that is downloaded, sent by a program
            result = client.run(stored.workflow.to_api(), timeout=DEADLINE)
            assert without_metadata(result.read(result.files[0])) == picture(media, first)
            other = client.run(stored.workflow.to_api(), {"3.seed": 1}, timeout=DEADLINE)
            assert without_metadata(other.read(other.files[0])) != picture(media, first)
