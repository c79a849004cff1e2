"""A ZIP of kept files: every byte, names that sort, the workflow and a manifest, made as it is read."""

from __future__ import annotations

import csv
import io
import json
import random
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfyui_bridge.core import workflow
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.sheet import Heading, Sheet, SheetCell
from comfyui_bridge.store import archive
from comfyui_bridge.store.media import MediaStore

GRAPH = workflow.parse({"3": {"class_type": "KSampler", "inputs": {"seed": 2**63}}})


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path)


def a_run(media: MediaStore, files: dict[str, bytes], **more: Any) -> Run:
    run_id = uuid.uuid4().hex
    kept = tuple(media.keep(run_id, OutputFile(name), [content]) for name, content in files.items())
    given = {"state": RunState.COMPLETED, "template": "t", "title": "T", "kept": kept, **more}
    return Run(run_id, str(uuid.uuid4()), GRAPH, 0.0, **given)


def opened(chunks: list[bytes]) -> zipfile.ZipFile:
    found = zipfile.ZipFile(io.BytesIO(b"".join(chunks)))
    assert found.testzip() is None
    return found


def manifest(found: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(found.read(archive.MANIFEST).decode("utf-8-sig"))))


def test_one_run_has_its_files_its_workflow_and_a_manifest(media: MediaStore) -> None:
    noise = random.Random(2).randbytes(3_000_000)
    files = {"小猫.png": b"picture", "a.bin": noise, "a.txt": b"words " * 9_000, "empty.txt": b""}
    run = a_run(media, files, values={"prompt": 'a "fox",\nred', "seed": 2**63, "loras": [{"name": "x"}]})
    chunks = list(archive.of_runs(media, [run], 1))
    assert max(map(len, chunks)) < 400_000
    assert len(chunks) > 10
    with opened(chunks) as found:
        assert {name: found.read(name) for name in files} == files
        assert set(found.namelist()) == {*files, f"workflows/{run.run_id}.json", "manifest.csv"}
        assert json.loads(found.read(f"workflows/{run.run_id}.json")) == GRAPH.to_api()
        packed = {entry.filename: entry.compress_type for entry in found.infolist()}
        rows = manifest(found)
    assert (packed["小猫.png"], packed["a.txt"]) == (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    assert [row["file"] for row in rows] == sorted(files)
    assert rows[0]["prompt"] == 'a "fox",\nred'
    assert rows[0]["seed"] == str(2**63)
    assert json.loads(rows[0]["loras"]) == [{"name": "x"}]
    assert rows[0]["asked_at"] == "1970-01-01T00:00:00Z"


def test_several_runs_sort_in_their_order_whatever_their_files_are_called(media: MediaStore) -> None:
    runs = [
        a_run(media, {"out.png": bytes([n])}, values={"steps": n} if n % 2 else {"cfg": n}) for n in range(12)
    ]
    with opened(list(archive.of_runs(media, iter(runs), len(runs)))) as found:
        pictures = [name for name in found.namelist() if name.endswith(".png")]
        assert pictures == sorted(pictures)
        assert [found.read(name) for name in pictures] == [bytes([n]) for n in range(12)]
        rows = manifest(found)
    assert pictures[0] == "01_out.png"
    assert [row["steps"] or row["cfg"] for row in rows] == [str(n) for n in range(12)]


def test_a_value_called_like_a_column_keeps_out_of_its_way(media: MediaStore) -> None:
    run = a_run(media, {"a.png": b"x"}, values={"server": "mine", "file": 3})
    with opened(list(archive.of_runs(media, [run], 1))) as found:
        (row,) = manifest(found)
    assert (row["value_server"], row["value_file"], row["file"]) == ("mine", "3", "a.png")


def test_it_begins_before_the_last_file_is_read_and_leaves_out_what_is_gone(media: MediaStore) -> None:
    run = a_run(media, {f"{n}.png": random.Random(n).randbytes(600_000) for n in range(3)})
    chunks = archive.of_runs(media, [run], 1)
    assert next(chunks).startswith(b"PK\x03\x04")
    last = media.path(run.run_id, "2.png")
    assert last is not None
    last.unlink()
    with opened(list(archive.of_runs(media, [run], 1))) as found:
        assert "2.png" not in found.namelist()
    list(chunks)


def test_what_nobody_reads_to_its_end_lets_go_of_its_files(media: MediaStore) -> None:
    chunks = archive.of_runs(media, [a_run(media, {"a.png": bytes(2_000_000)})], 1)
    next(chunks)
    del chunks  # an open file would be a ResourceWarning, which fails the test


def test_a_sheet_s_files_are_called_as_they_stand_in_it(media: MediaStore) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(picture, "PNG")
    run = a_run(media, {"out.png": picture.getvalue(), "clip.mp4": b"moving"}, values={"prompt": "=cmd"})
    other = a_run(media, {"out.png": picture.getvalue()}, values={"steps": 20})
    axes = (
        Heading("CFG", ("3/4", "7")),
        Heading("Prompt", ("狐狸: a\\b?", "x" * 200)),
        Heading("Steps", ("9", "20")),
    )
    cells = (
        SheetCell((0, 0, 0), ("3/4", "狐狸: a\\b?", "9"), run_id=run.run_id),
        SheetCell((0, 1, 1), ("3/4", "x" * 200, "20"), run_id=other.run_id, verdict="kept"),
        SheetCell((1, 0, 0), ("7", "狐狸: a\\b?", "9"), run_id=run.run_id),
        SheetCell((1, 0, 1), ("7", "狐狸: a\\b?", "20"), state="failed", reason="It hurts", run_id="gone"),
        SheetCell((1, 1, 0), ("7", "x" * 200, "9"), state="skipped"),
    )
    runs = {run.run_id: run, other.run_id: other}
    with opened(list(archive.of_sheet(media, Sheet("S", axes=axes, cells=cells), runs.get))) as found:
        names = found.namelist()
        assert [name for name in names if name.endswith((".png", ".mp4"))] == [
            "1 CFG_ 3_4/1-1 狐狸_ a_b_, 9.mp4",
            "1 CFG_ 3_4/1-1 狐狸_ a_b_, 9 (2).png",
            f"1 CFG_ 3_4/2-2 {'x' * 40}, 20.png",
            "2 CFG_ 7/1-1 狐狸_ a_b_, 9.mp4",
            "2 CFG_ 7/1-1 狐狸_ a_b_, 9 (2).png",
            "sheet.png",
        ]
        assert sorted(name for name in names if name.startswith("workflows/")) == sorted(
            f"workflows/{one}.json" for one in runs
        )
        with Image.open(io.BytesIO(found.read("sheet.png"))) as sheet:
            sheet.load()
        rows = manifest(found)
    assert [row["file"] for row in rows] == [name for name in names if name[0] in "12"] + [""]
    assert [row["cell_state"] for row in rows] == ["Done"] * 5 + ["Failed"]
    assert (rows[0]["1. CFG"], rows[0]["prompt"], rows[2]["verdict"]) == ("3/4", "'=cmd", "Kept")
    assert rows[5]["reason"] == "It hurts"
