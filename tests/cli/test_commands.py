"""The command line: what goes to stdout, what the exit status says, what a wrong word gets."""

from __future__ import annotations

import io
import json
import shutil
import signal
import sys
from pathlib import Path

import pytest
from PIL import Image

from comfyui_bridge.cli import main
from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.sandbox.thread import SandboxThread
from tests.nursery import Child
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE = 60.0
SMALL = ["--set", "width=256", "--set", "height=256", "--set", "steps=2"]


@pytest.fixture(scope="module")
def server():
    with SandboxThread(previews=False) as sandbox:  # a command shows none
        yield sandbox.url


@pytest.fixture(autouse=True)
def _library(monkeypatch):
    monkeypatch.setenv("COMFYUI_BRIDGE_WORKFLOWS", str(ROOT / "workflows"))
    monkeypatch.delenv("COMFYUI_URL", raising=False)
    monkeypatch.delenv("COMFYUI_BRIDGE_SERVER", raising=False)


@pytest.fixture
def say(capsys):
    def said(*words):
        capsys.readouterr()
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return said


def test_templates_lists_the_library(say):
    status, out, _ = say("templates", "--json")
    assert status == 0
    rows = {row["slug"]: row for row in json.loads(out)}
    assert rows["qwen-image-2512"]["title"] == "Qwen-Image 2512"


def test_inputs_gives_the_keys_with_limits_and_reasons(say, server):
    status, out, _ = say("inputs", "text-to-image", "--json", "--server", server)
    assert status == 0
    rows = {row["key"]: row for row in json.loads(out)}
    assert set(rows["seed"]) == {
        "key",
        "label",
        "type",
        "default",
        "required",
        "min",
        "max",
        "step",
        "choices",
        "group",
        "node_id",
        "input",
        "why",
    }
    assert rows["seed"]["max"] == 18446744073709551615
    assert rows["sampler"]["choices"][0] == "euler"
    assert "positive text" in rows["prompt"]["why"]


def test_run_downloads_and_prints_the_resolved_seed(say, server, tmp_path):
    status, out, err = say(
        "run", "text-to-image", *SMALL, "--set", "seed=-1", "--out", tmp_path, "--json", "--server", server
    )
    assert status == 0
    run = json.loads(out)
    assert set(run) >= {
        "run_id",
        "prompt_id",
        "state",
        "server",
        "values",
        "files",
        "texts",
        "error",
        "seconds",
    }
    assert run["state"] == "completed"
    (file,) = run["files"]
    with Image.open(file) as picture:
        assert picture.size == (256, 256)
        sent = json.loads(picture.info["prompt"])
    assert f"seed was drawn: {run['values']['seed']}" in err
    seeds = [node["inputs"]["seed"] for node in sent.values() if "seed" in node["inputs"]]
    assert seeds == [run["values"]["seed"]]


def test_run_prints_its_files_for_people(say, server, tmp_path):
    status, out, _ = say(
        "run", "text-to-image", *SMALL, "--set", "seed=5", "--out", tmp_path, "--server", server
    )
    assert status == 0
    assert [Path(line).parent for line in out.splitlines()] == [tmp_path]


def test_nothing_is_ever_overwritten(say, server, tmp_path):
    for _ in range(2):
        say("run", "text-to-image", *SMALL, "--set", "seed=6", "--out", tmp_path, "--server", server)
    assert len(list(tmp_path.iterdir())) == 2


def test_run_uploads_a_file(say, server, tmp_path):
    photo = tmp_path / "my photo.png"
    Image.new("RGB", (96, 64), (10, 90, 200)).save(photo)
    out_dir = tmp_path / "out"
    status, out, err = say(
        "run", "model-free", "--set", f"image=@{photo}", "--out", out_dir, "--json", "--server", server
    )
    assert status == 0, err
    assert json.loads(out)["values"]["image"]["name"] == "my photo.png"


def test_a_path_to_a_workflow_or_to_a_picture_that_carries_one_is_a_template(say, server, tmp_path):
    copy = tmp_path / "copy.json"
    shutil.copy(ROOT / "workflows" / "text-to-image.json", copy)
    status, out, err = say(
        "run", copy, *SMALL, "--set", "seed=7", "--out", tmp_path / "a", "--json", "--server", server
    )
    assert status == 0, err
    picture = json.loads(out)["files"][0]
    status, out, err = say("convert", picture)
    assert status == 0, err
    node_ids = set(json.loads(copy.read_text("utf-8")))
    assert set(json.loads(out)) == node_ids


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "text-to-image", "--set", "steps=many"], "steps: This should be a whole number"),
        (["run", "text-to-image", "--set", "stepz=5"], "did you mean steps?"),
        (
            ["run", "text-to-image", "--set", "checkpoint=sandbox-painter-v2"],
            "did you mean sandbox-painter-v1.safetensors?",
        ),
        (["run", "text-to-image", "--set", "steps"], "KEY=VALUE"),
        (["run", "no-such"], "no template and no file called no-such"),
        (["run", "model-free", "--set", "image=@/no/such.png"], "There is no file"),
        (["batch", "text-to-image"], "Say what varies"),
        (["batch", "text-to-image", "--axis", "steps=1,x"], "(run 2 of 2)"),
        (["batch", "text-to-image", "--csv", "/no/such.csv"], "cannot be read"),
    ],
)
def test_bad_input_is_a_sentence_and_status_2(say, server, words, told):
    status, out, err = say(*words, "--server", server)
    assert (status, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [[], ["nonsense"], ["run"], ["run", "text-to-image", "--nonsense"]])
def test_wrong_usage_is_status_2(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_no_server_is_status_3(say):
    status, _, err = say("run", "text-to-image", "--server", "http://127.0.0.1:9")
    assert status == 3
    assert "http://127.0.0.1:9" in err


def test_a_run_that_fails_is_status_1(say, server, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n but no further")
    status, out, err = say(
        "run", "model-free", "--set", f"image=@{broken}", "--out", tmp_path, "--json", "--server", server
    )
    assert status == 1
    error = json.loads(out)["error"]
    assert error["class_type"] == "LoadImage"
    assert err.count("\n") >= 1


def test_without_a_server_a_sandbox_is_used_and_said(say):
    status, out, err = say("check", "text-to-image", "--json")
    assert status == 0
    assert json.loads(out)["ready"] is True
    assert "no server named" in err.lower()


def test_check_tells_what_is_missing_with_the_nearest(say, server, tmp_path):
    document = json.loads((ROOT / "workflows" / "text-to-image.json").read_text("utf-8"))
    loader = next(node_id for node_id, node in document.items() if "ckpt_name" in node["inputs"])
    document[loader]["inputs"]["ckpt_name"] = "sandbox-painter-v9.safetensors"
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(document), "utf-8")
    status, out, _ = say("check", changed, "--json", "--server", server)
    assert status == 1
    found = json.loads(out)
    assert found["ready"] is False
    assert found["missing_nodes"] == []
    assert found["missing_choices"] == [
        {
            "node_id": loader,
            "input": "ckpt_name",
            "value": "sandbox-painter-v9.safetensors",
            "nearest": "sandbox-painter-v1.safetensors",
        }
    ]


def test_batch_is_a_product_with_a_line_a_run_and_a_manifest(say, server, tmp_path):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a lake\n# not this\n城市夜景\n", "utf-8")
    out_dir = tmp_path / "out"
    status, out, err = say(
        "batch",
        "text-to-image",
        *SMALL,
        "--prompts",
        prompts,
        "--axis",
        "seed=1..3",
        "--out",
        out_dir,
        "--json",
        "--server",
        server,
    )
    assert status == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    assert sorted(row["index"] for row in rows) == list(range(6))
    by_index = {row["index"]: row for row in rows}
    asked = [(by_index[n]["values"]["prompt"], by_index[n]["values"]["seed"]) for n in range(6)]
    assert asked == [(p, s) for p in ("a lake", "城市夜景") for s in (1, 2, 3)]
    manifest = [json.loads(line) for line in (out_dir / "manifest.jsonl").read_text("utf-8").splitlines()]
    assert manifest == rows
    names = sorted(path.name for path in out_dir.glob("*.png"))
    assert [name[0] for name in names] == list("012345")


def test_one_failed_run_of_a_batch_stops_no_other(say, server, tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.new("RGB", (64, 64)).save(good)
    bad.write_bytes(b"\x89PNG\r\n\x1a\n but no further")
    status, out, _ = say(
        "batch",
        "model-free",
        "--axis",
        f"image=@{good},@{bad}",
        "--out",
        tmp_path / "out",
        "--json",
        "--server",
        server,
    )
    assert status == 1
    assert sorted(json.loads(line)["state"] for line in out.splitlines()) == ["completed", "failed"]


def test_a_table_may_come_from_standard_input(say, server, tmp_path, monkeypatch):
    table = io.TextIOWrapper(io.BytesIO(b"seed,steps\n1,1\n2,2\n"), "utf-8")
    monkeypatch.setattr(sys, "stdin", table)
    status, out, _ = say(
        "batch", "text-to-image", *SMALL[:4], "--csv", "-", "--out", tmp_path, "--json", "--server", server
    )
    assert status == 0
    assert {(r["values"]["seed"], r["values"]["steps"]) for r in map(json.loads, out.splitlines())} == {
        (1, 1),
        (2, 2),
    }


@pytest.mark.parametrize(
    "words", [["run", "text-to-image"], ["batch", "text-to-image", "--axis", "seed=1..9"]]
)
def test_ctrl_c_takes_back_what_was_submitted(words, tmp_path):
    with SandboxThread(step_seconds=0.5, previews=False) as sandbox:
        command = [*words, "--set", "steps=60", "--out", str(tmp_path), "--server", sandbox.url]
        child = Child(main, command, joins=True)
        server = ComfyServer(sandbox.url)
        until(lambda: server.queue().running or not child.is_alive, DEADLINE, "the server has it")
        child.send(signal.SIGINT)
        said = child.stdout.read()
        assert child.ended(DEADLINE) == 130, said
        child.close()
        assert "Traceback" not in said
        until(lambda: not server.queue().running + server.queue().pending, DEADLINE, "nothing is left of it")
        server.close()


def test_passwd_adds_an_account(say, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    accounts = tmp_path / "accounts"
    status, _, err = say("passwd", "ann", "--auth", accounts)
    assert status == 0, err
    name, _, stored = accounts.read_text("utf-8").strip().partition(":")
    assert name == "ann"
    assert stored.startswith("$argon2")
    assert "correct horse" not in stored


def test_a_batch_writes_its_sheet(say, server, tmp_path, monkeypatch):
    prompts, sheet = tmp_path / "prompts.txt", tmp_path / "sheet.png"
    prompts.write_text("a {lake|hill}\nan owl __light__\n", "utf-8")
    lists = tmp_path / "templates" / "wildcards"
    shutil.copytree(ROOT / "workflows", lists.parent, ignore=shutil.ignore_patterns("wildcards"))
    lists.mkdir()
    (lists / "light.txt").write_text("at dawn\n", "utf-8")
    monkeypatch.setenv("COMFYUI_BRIDGE_WORKFLOWS", str(lists.parent))
    status, out, err = say(
        "batch",
        "text-to-image",
        *SMALL[:4],
        "--set",
        "seed=-1",
        "--prompts",
        prompts,
        "--combinations",
        "all",
        "--axis",
        "steps=1,2",
        "--skip",
        "steps=2,prompt=a hill",
        "--out",
        tmp_path / "out",
        "--sheet",
        sheet,
        "--json",
        "--server",
        server,
    )
    assert status == 0, err
    rows = sorted((json.loads(line) for line in out.splitlines()), key=lambda row: row["index"])
    made = [(row["values"]["prompt"], row["values"]["steps"]) for row in rows]
    assert made == [("a lake", 1), ("a lake", 2), ("a hill", 1), ("an owl at dawn", 1), ("an owl at dawn", 2)]
    assert len({row["values"]["seed"] for row in rows}) == 1
    assert str(rows[0]["values"]["seed"]) in err
    with Image.open(sheet) as picture:
        assert picture.width > 2 * 100
        assert picture.height > picture.width  # three rows, two columns


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--axis", "seed=1", "--sheet", "sheet.pdf"], "sheet.pdf should end in .png"),
        ([*(w for k in "abcd" for w in ("--axis", f"{k}=1")), "--sheet", "a.png"], "3 axes"),
        (["--axis", "seed=1..1000", "--axis", "steps=1..1000"], "1,000,000 runs"),
        (["--set", "prompt=a {b", "--combinations", "all"], "never closed"),
    ],
)
def test_a_sheet_that_cannot_be_is_told_before_anything_runs(say, words, told, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, out, err = say("batch", "text-to-image", *words, "--server", "http://127.0.0.1:9")
    assert (status, out) == (2, "")
    assert told in err
