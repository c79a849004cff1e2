"""File names that others chose, made safe for every system and still readable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyui_bridge.core.names import marked, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("ComfyUI_00001_.png", "ComfyUI_00001_.png"),
        ("小猫 🐈‍⬛.png", "小猫 🐈‍⬛.png"),
        ("café.png", "café.png"),
        ("cafe\u0301.png", "café.png"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/etc/shadow", "shadow"),
        ("C:\\x.png", "x.png"),
        ("C:x.png", "C_x.png"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        ("///", "file"),
        (".htaccess", "htaccess"),
        ("a.png. . ", "a.png"),
        ("  a  .png", "a  .png"),
        ("a\x00b\nc\x1b[31m.png", "abc[31m.png"),
        ("gnp\u202egpj.exe", "gnpgpj.exe"),
        ("e\x00\u0301.png", "é.png"),
        ("half\ud800.png", "half.png"),
        ("a\u2028b\u00a0c.png", "ab c.png"),
        ('a<b>c:"d|e?f*.png', "a_b_c__d_e_f_.png"),
        ("CON", "_CON"),
        ("con.png", "_con.png"),
        ("Com1 .tar.gz", "_Com1 .tar.gz"),
        ("lpt³.png", "_lpt³.png"),
        ("conin$", "_conin$"),
        ("console.png", "console.png"),
        ("com10.png", "com10.png"),
    ],
)
def test_a_name_becomes(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(st.characters(), max_size=300) | st.text("é.猫/\\ :\u0301con\x00-", max_size=300))
def test_any_name_becomes_one_visible_component_and_stays_as_it_is_then(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert safe_name(safe) == safe
    assert len(safe.encode()) <= 180
    assert not set(safe) & set('/\\<>:"|?*\x00')
    assert safe[0] not in ". "
    assert safe[-1] not in ". "
    assert unicodedata.is_normalized("NFC", safe)


@given(st.text(st.characters(), max_size=300), st.integers(2, 10_000))
def test_a_marked_name_is_safe_too_and_another_one(name: str, number: int) -> None:
    safe = safe_name(name)
    second = marked(safe, f"-{number}")
    assert second != safe
    assert safe_name(second) == second


def test_a_long_name_keeps_its_suffix_and_whole_characters() -> None:
    assert safe_name("猫" * 200 + ".png") == "猫" * 58 + ".png"
    assert marked("猫" * 58 + ".png", "-2") == "猫" * 58 + "-2.png"
    assert marked("a" * 176 + ".png", "-12") == "a" * 173 + "-12.png"
    assert len(safe_name("a." + "b" * 500)) == 180
