"""Whatever somebody brings: the workflow comes out, or one sentence that says what was expected."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfyui_bridge.core.errors import TemplateError
from comfyui_bridge.core.template import CardEdit, Exposure
from comfyui_bridge.store import intake
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.editor import Editor
from comfyui_bridge.store.library import Library

RECORDINGS = Path(__file__).parent.parent / "recordings"
API = {"1": {"class_type": "LoadImage", "inputs": {"image": "é猫.png"}}}
UI = {"nodes": [{"id": 1, "type": "LoadImage"}], "links": [], "version": 0.4}
APP = {**UI, "extra": {"linearData": {"inputs": [[1, "image"]], "outputs": []}}}
TEXTS = {"prompt": json.dumps(API), "workflow": json.dumps(UI)}


def png(texts: dict[str, str], *, raw: bool = False) -> bytes:
    info, written = PngInfo(), io.BytesIO()
    for key, text in texts.items():
        (info.add_itxt if raw else info.add_text)(key, text)
    Image.new("RGB", (8, 8)).save(written, "PNG", pnginfo=info)
    return written.getvalue()


def animated_png(texts: dict[str, str]) -> bytes:
    """As ComfyUI's SaveAnimatedPNG writes it."""
    info, written = PngInfo(), io.BytesIO()
    for key, text in texts.items():
        info.add(b"comf", key.encode() + b"\0" + text.encode("latin-1"), after_idat=True)
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(written, "PNG", pnginfo=info, save_all=True, append_images=frames[1:])
    return written.getvalue()


def exif(kind: str, texts: dict[str, str], **how: Any) -> bytes:
    """As ComfyUI's SaveAnimatedWEBP writes it."""
    picture, written = Image.new("RGB", (8, 8)), io.BytesIO()
    metadata = picture.getexif()
    for tag, (key, text) in zip((0x0110, 0x010F), texts.items(), strict=False):
        metadata[tag] = f"{key}:{text}"
    picture.save(written, kind, exif=metadata, **how)
    return written.getvalue()


def glb(texts: dict[str, str]) -> bytes:
    body = json.dumps({"asset": {"version": "2.0", "extras": texts}}).encode()
    return b"glTF" + struct.pack("<III4s", 2, 20 + len(body), len(body), b"JSON") + body


def safetensors(texts: dict[str, str]) -> bytes:
    body = json.dumps({"__metadata__": texts}).encode()
    return struct.pack("<Q", len(body)) + body


def svg(documents: dict[str, Any]) -> bytes:
    told = json.dumps(documents, indent=2)
    return f"<svg xmlns='http://www.w3.org/2000/svg'>\n<metadata>\n<![CDATA[\n{told}\n]]></metadata></svg>".encode()


def bundle(**files: bytes | str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return written.getvalue()


CARRIERS = {
    "a.png": png(TEXTS),
    "itxt.png": png(TEXTS, raw=True),
    "animated.png": animated_png(TEXTS),
    "cut off.png": png(TEXTS)[:-40],
    "a.webp": exif("WEBP", TEXTS),
    "frames.webp": exif("WEBP", TEXTS, save_all=True, append_images=[Image.new("RGB", (8, 8), "red")]),
    "a.jpg": exif("JPEG", TEXTS),
    "a.avif": exif("AVIF", TEXTS),
    "a.glb": glb(TEXTS),
    "a.latent": safetensors(TEXTS),
    "a.svg": svg({"prompt": API, "workflow": UI}),
    **{path.name: path.read_bytes() for path in (RECORDINGS / "carried").iterdir()},
}


@pytest.mark.parametrize("name", CARRIERS)
def test_whatever_comfyui_saves_gives_its_workflow_back(name: str) -> None:
    found = intake.read(CARRIERS[name], f"/home/me/{name}")
    assert found.document == API
    assert found.name == Path(name).stem
    assert (found.cover is not None) == (Path(name).suffix in (".png", ".webp", ".jpg", ".avif"))


def test_what_ran_is_preferred_to_the_editors_graph_unless_that_is_an_app() -> None:
    assert intake.read(png({"workflow": json.dumps(UI)}), "a.png").document == UI
    assert intake.read(png({**TEXTS, "workflow": json.dumps(APP)}), "a.png").document == APP
    assert intake.read(png({"prompt": json.dumps(API), "workflow": "{broken"}), "a.png").document == API


def test_what_python_wrote_as_nan_is_read_as_comfyui_reads_it() -> None:
    text = '{"1": {"class_type": "X", "inputs": {"a": NaN}, "is_changed": [NaN, -Infinity]}}'
    for found in (intake.read(png({"prompt": text}), "a.png"), intake.read(text.encode(), "a.json")):
        assert found.document == {"1": {"class_type": "X", "inputs": {"a": None}, "is_changed": [None, None]}}
        assert found.workflow_text is None


@pytest.mark.parametrize(
    ("text", "document"),
    [
        (json.dumps(API), API),
        (json.dumps(UI), UI),
        (f"\ufeff{json.dumps(API)}", API),
        (f"```json\n{json.dumps(API, indent=2)}\n```\n", API),
        (json.dumps({"prompt": API, "client_id": "x"}), API),
        (json.dumps({"output": API, "workflow": UI}), UI),
        (json.dumps({"uuid": {"prompt": [0, "uuid", API, {}, []], "outputs": {}, "status": {}}}), API),
    ],
)
def test_pasted_texts_are_read_from_whatever_they_are_wrapped_in(text: str, document: object) -> None:
    found = intake.read(text.encode(), "Pasted")
    assert (found.name, found.document) == ("Pasted", document)
    assert found.workflow_text is None or json.loads(found.workflow_text.decode("utf-8-sig")) == document


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "It is empty"),
        (b"hello", "Line 1, column 1: expected a value"),
        (b"[]", r"expected \{ to open an object"),
        (b"{}", "The workflow has no nodes"),
        (b'{"a": 1}', 'Node "a" should be an object'),
        (b'{"a": {}, "a": {}}', "expected each key once"),
        (b'{"1": {"class_type": "X", "inputs": {"a": "\\ud800"}}}', "half a character"),
        (b"\x00\x01\x02" * 50, "It is no file that a workflow could be in"),
        (b"GIF89a" + bytes(50), "It is no file that a workflow could be in"),
        (b"\x89PNG\r\n\x1a\n", "It carries no workflow"),
        (png({}), "It carries no workflow"),
        (png({"prompt": "a cat on a chair"}), "It carries a workflow that cannot be read"),
        (exif("WEBP", {}), "It carries no workflow"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "It carries no workflow"),
        (b"PK\x03\x04broken", "Line 1, column 1|no file that a workflow"),
        (bundle(**{"a.txt": "hello"}), "It holds no workflow"),
        (bundle(**{"a.json": json.dumps(API), "b.json": json.dumps(API)}), "It holds 2 workflows"),
        (bundle(**{"a.json": "{"}), r"a\.json: Line 1"),
        (bundle(**{"a.json": " " * (33 << 20)}), r"a\.json in it is larger than 32 MB"),
        (bundle(**{"a.json": json.dumps(API), "a.png": bytes(33 << 20)}), r"a\.png in it is larger"),
        (bundle(**{f"{number}.json": "{}" for number in range(1001)}), "It holds 1001 files"),
        (bundle(**{"a.json": json.dumps(API)})[:-30] + b"PK\x05\x06" + bytes(18), "It holds no workflow"),
    ],
)
def test_what_is_no_workflow_is_said_in_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(TemplateError, match=sentence):
        intake.read(content, "../some/what.json")


def test_a_compressed_text_is_read_no_further_than_it_may_be_large() -> None:
    packed = zlib.compress(b"prompt" + b" " * (80 << 20))
    body = b"prompt\0\0" + packed
    chunk = struct.pack(">I4s", len(body), b"zTXt") + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    with pytest.raises(TemplateError, match="cannot be read"):
        intake.read(b"\x89PNG\r\n\x1a\n" + chunk, "bomb.png")


def test_a_bundle_is_brought_in_as_it_was_exported(tmp_path: Path) -> None:
    here, there = (Editor(tmp_path / name, tmp_path / "trash") for name in ("here", "there"))
    text = b'{"1": {"class_type":"LoadImage",   "inputs": {"image": "a.png", "strength": 1.0}}}'
    slug = here.take(intake.read(text, "Mine.json"))
    here.save_card(slug, CardEdit("My own", tags=("a",), exposures=(Exposure("1", "image"),)), "")
    here.set_cover(slug, png({}))
    taken = there.take(intake.read(here.bundle(slug), "download (3).zip"))
    assert taken == "Mine"
    for name in ("Mine.json", "Mine.toml", "Mine.webp"):
        ours, theirs = ((tmp_path / house / name).read_bytes() for house in ("here", "there"))
        assert name.endswith(".webp") or ours == theirs
    assert Catalogue(Library(tmp_path / "there")).get("Mine") == Catalogue(Library(tmp_path / "here")).get(
        "Mine"
    )


def test_nothing_of_a_bundle_leaves_the_library(tmp_path: Path) -> None:
    hostile = bundle(
        **{
            "../../evil.json": json.dumps(API),
            "/etc/evil.toml": 'title = "<script>"',
            "..\\evil.png": png({}),
            "__MACOSX/._evil.json": b"\x00",
            "evil/": b"",
        }
    )
    slug = Editor(tmp_path / "library", tmp_path / "trash").take(intake.read(hostile, "../../../up.zip"))
    assert slug == "evil"
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"library/evil.json", "library/evil.toml"}


def test_a_wrong_card_comes_along_and_is_told(tmp_path: Path) -> None:
    content = bundle(**{"a.json": json.dumps(API), "a.toml": "title = ", "a.jpg": b"no picture"})
    Editor(tmp_path, tmp_path / "trash").take(intake.read(content, "a.zip"))
    library = Catalogue(Library(tmp_path))
    assert library.get("a") is not None
    assert [problem.file for problem in library.problems()] == ["a.toml"]
