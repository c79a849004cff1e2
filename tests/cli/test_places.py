"""What a command's TEMPLATE may be: a slug, or a path to anything that carries a workflow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comfyui_bridge.cli.places import find_template
from comfyui_bridge.core.errors import TemplateError
from comfyui_bridge.core.template import CardEdit
from comfyui_bridge.store.editor import Editor

GRAPH = {"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}}
CARRIED = Path(__file__).parent.parent / "recordings" / "carried"


def test_a_workflow_file_brings_its_card_along(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(GRAPH))
    assert find_template(str(path)).title == "Mine"
    (tmp_path / "mine.toml").write_text('title = "My own"\ntags = 3\n')
    found = find_template(str(path))
    assert (found.title, found.document) == ("My own", GRAPH)
    assert found.problems == ('Line 2: tags should be a list of texts, such as ["portrait", "fast"].',)
    (tmp_path / "mine.toml").write_text("title = ")
    assert find_template(str(path)).title == "Mine"
    assert "mine.toml: Line 1" in capsys.readouterr().err


def test_whatever_carries_a_workflow_is_a_template(tmp_path: Path) -> None:
    found = find_template(str(CARRIED / "film.mp4"))
    assert (found.slug, found.document["1"]["class_type"]) == ("film", "LoadImage")
    editor = Editor(tmp_path / "workflows", tmp_path / "trash")
    slug = editor.add("cat", GRAPH)
    editor.save_card(slug, CardEdit("A cat"), "")
    bundle = tmp_path / "downloaded.zip"
    bundle.write_bytes(editor.bundle(slug))
    assert find_template(str(bundle)).title == "A cat"


def test_what_carries_none_is_said_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text("")
    with pytest.raises(TemplateError, match=r"^empty\.json: It is empty"):
        find_template(str(path))
    with pytest.raises(TemplateError, match="no template and no file called"):
        find_template(str(tmp_path / "gone.json"))
