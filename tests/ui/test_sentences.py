"""Sentences of the rooms below, as those rooms say them, are known again and said in Chinese."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests

from comfyui_bridge.comfy import address, http
from comfyui_bridge.core import reading, values
from comfyui_bridge.core.errors import InvalidValues, ServerError
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import BooleanSpec, ComboSpec, FloatSpec, InputSpec, IntSpec
from comfyui_bridge.ui.words import Words, sentences

ZH = Words("zh")
LATIN_WORD = re.compile(r"\b[a-z]{3,} [a-z]{2,} [a-z]{2,}\b")


def of_value(spec: InputSpec, value: object) -> str:
    one = ExposedInput("x", "X", spec, None, "3", "x")
    with pytest.raises(InvalidValues) as told:
        values.check([one], {"x": value})
    return told.value.problems["x"]


def of_address(written: str) -> str:
    with pytest.raises(ServerError) as told:
        address.parse(written)
    return str(told.value)


@pytest.mark.parametrize(
    "said",
    [
        lambda: of_value(IntSpec(1, 1, 9), ""),
        lambda: of_value(IntSpec(1, 1, 9), "many"),
        lambda: of_value(IntSpec(1, 1, 9), 0),
        lambda: of_value(IntSpec(1, 1, 9), 10),
        lambda: of_value(IntSpec(1), "1.5"),
        lambda: of_value(FloatSpec(1.0), ""),
        lambda: of_value(FloatSpec(1.0, 0.0, 2.0), "x"),
        lambda: of_value(BooleanSpec(True), "perhaps"),
        lambda: of_value(ComboSpec(("euler", "heun")), "eulr"),
        lambda: of_value(ComboSpec(("euler", "heun")), "z"),
        lambda: str(reading.not_among("a", ["b"])),
        lambda: of_address("a b:8188"),
        lambda: of_address("http://:8188"),
        lambda: of_address("gpu:many"),
        lambda: of_address("ftp://gpu"),
        lambda: str(http.failure("http://gpu:8188", requests.ConnectTimeout())),
        lambda: str(http.failure("http://gpu:8188", requests.ReadTimeout())),
        lambda: str(http.not_comfyui("http://gpu:8188", 404)),
        lambda: str(http.not_comfyui("http://gpu:8188")),
        lambda: str(http.refusal("http://gpu:8188", 401, {}, b"")),
        lambda: str(http.refusal("http://gpu:8188", 502, {}, b"")),
    ],
)
def test_what_the_rooms_below_say_is_said_in_chinese(said: Callable[[], str]) -> None:
    english = said()
    chinese = ZH.sentence(english)
    assert chinese != english
    assert not LATIN_WORD.search(chinese), chinese
    assert Words("en").sentence(english) == english


def test_what_nobody_wrote_down_stays_as_it_is_however_long() -> None:
    told = "RuntimeError: shapes cannot be multiplied"
    assert ZH.sentence(told) == told
    assert ZH.sentence("answers (" * 400) == "answers (" * 400
    assert ZH.sentence("{0} is too small; the least is {low}.") == "{0} 太小，最小为 {low}。"


def test_both_languages_have_the_same_gaps() -> None:
    gaps = re.compile(r"\{\w+\}")
    for english, chinese in sentences.ZH.items():
        assert set(gaps.findall(english)) == set(gaps.findall(chinese)), english
