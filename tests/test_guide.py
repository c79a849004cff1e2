"""The guide's examples, run as they stand against a sandbox; its Chinese twin has the same ones."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

from comfyui_bridge.cli import main
from comfyui_bridge.sandbox.thread import SandboxThread

ROOT = Path(__file__).resolve().parent.parent
GUIDES = ("guide.md", "guide.zh-CN.md")
_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(name):
    return _BLOCK.findall((ROOT / "docs" / name).read_text("utf-8"))


def test_every_example_of_the_guide_runs(tmp_path, monkeypatch, capsys):
    name = GUIDES[0]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workflows").symlink_to(ROOT / "workflows")
    space: dict = {}
    with SandboxThread() as sandbox:
        for language, code in blocks(name):
            here = code.replace("http://127.0.0.1:8188", sandbox.url)
            if language == "python":
                exec(compile(here, name, "exec"), space)
            else:
                for line in here.strip().splitlines():
                    words = shlex.split(line)
                    assert words[:3] == ["python", "-m", "comfyui_bridge"]
                    assert main(words[3:]) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert "KSampler 50" in told
    assert "This should be a whole number" in told
    assert "did you mean prompt?" in told
    assert "86:37 unet_name" in told
    assert space["again"].values["seed"] == space["seed"]
    assert space["result"].ok
    assert len(list((tmp_path / "out").glob("[0-4]_*.png"))) == 5
    assert len(list((tmp_path / "out" / "batch").glob("*.png"))) == 4


def without_words(language, code):
    """An example but for its texts, which each guide has in its own language."""
    if language == "console":
        return code
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            node.values = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


def test_both_languages_show_the_same_examples():
    english, chinese = ([without_words(*block) for block in blocks(name)] for name in GUIDES)
    assert chinese == english
