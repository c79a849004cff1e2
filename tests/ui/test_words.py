"""The page's words: every one in both languages, with the same gaps to fill."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest

from comfyui_bridge.core import form, node_defs, template
from comfyui_bridge.store.documents import parse_toml
from comfyui_bridge.ui import words
from comfyui_bridge.ui.words import Words, choose


@pytest.mark.parametrize("key", words.KEYS)
def test_every_word_is_there_in_both_languages_with_the_same_gaps(key: str) -> None:
    said = {lang: Words(lang).raw(key) for lang in words.LANGUAGES}
    assert all(said.values())
    gaps = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in said.values()]
    assert gaps[0] == gaps[1]


def test_no_panel_takes_another_s_words_away() -> None:
    assert sum(len(part.TABLE) for part in words._PARTS) == len(words.KEYS)


@pytest.mark.parametrize(
    ("asked", "header", "lang"),
    [
        ("", "", "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "de-DE,de;q=0.9,en;q=0.5", "en"),
        ("", "fr,zh-TW;q=0.3", "zh"),
        ("zh", "en-US", "zh"),
        ("zh_CN", "en-US", "zh"),
        ("xx", "zh", "zh"),
    ],
)
def test_the_language_is_the_link_s_else_the_browser_s(asked: str, header: str, lang: str) -> None:
    assert choose(asked, header) == lang


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 s"),
        (7.6, "8 s"),
        (17.2, "17 s"),
        (43, "45 s"),
        (99, "100 s"),
        (150, "2 min"),
        (3000, "50 min"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert Words("en").time(seconds) == said


SHIPPED = sorted((Path(__file__).resolve().parents[2] / "workflows").glob("*.toml"))
SAME_IN_CHINESE = {"CFG", "VAE", "LoRA", "ControlNet", "Qwen-Image 2512"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_card_says_all_its_texts_in_chinese(path: Path) -> None:
    card = parse_toml(path.read_bytes())
    workflow = json.loads(path.with_suffix(".json").read_text("utf-8"))
    one, zh = template.parse(path.stem, workflow, card), Words("zh")
    told = [one.title, one.description, *one.tags]
    told += [text for each in one.exposures for text in (each.help, each.group) if text]
    said = {text: zh.text(text, one.phrases) for text in told}
    inputs = form.make(one, node_defs.EMPTY).inputs
    said |= {each.label: zh.input(each) for each in inputs if each.label in {e.label for e in one.exposures}}
    assert [text for text, chinese in said.items() if chinese == text and text not in SAME_IN_CHINESE] == []
    assert Words("en").text(one.title, one.phrases) == one.title
