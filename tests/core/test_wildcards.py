"""Texts with choices in them: what they read as, how many there are, and that a draw is always the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyui_bridge.core import wildcards

LISTS = {
    "colour": ("red", "3::green", "{dark|light} blue"),
    "animals/cat": ("lynx", "ocelot"),
    "ring": ("a __gnir__",),
    "gnir": ("b __ring__",),
    "empty": (),
    **{f"deep{n}": (f"__deep{n + 1}__ " * 10,) for n in range(11)},
    "deep11": ("x",),
}


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("a cat", ["a cat"]),
        ("a {cat|dog}", ["a cat", "a dog"]),
        ("{a|b}{c|d}", ["ac", "ad", "bc", "bd"]),
        ("{a|{b|c}} x", ["a x", "b x", "c x"]),
        ("a {red|} fox", ["a red fox", "a fox"]),
        ("{2::a|0::b|c}", ["a", "c"]),
        ("{0::a|0::b}", ["a", "b"]),
        ("{0.5::a|0.25::b}", ["a", "b"]),
        ("__colour__", ["red", "green", "dark blue", "light blue"]),
        ("a __animals/cat__", ["a lynx", "a ocelot"]),
        ("{__animals/cat__|dog}", ["lynx", "ocelot", "dog"]),
        (r"\{a\|b\} \__colour__", ["{a|b} __colour__"]),
        ("a | b }", ["a | b }"]),
        ("snake_case __ not a name __", ["snake_case __ not a name __"]),
        ("{城市|森林}夜景", ["城市夜景", "森林夜景"]),
        ("{same|same}", ["same"]),
    ],
)
def test_all_combinations_in_order(text, texts):
    assert list(wildcards.every([text], LISTS.get)) == texts


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a {b|c", "never closed"),
        ("__nobody__", "no list nobody"),
        ("__ring__", "circle"),
        ("__empty__", "no lines"),
        ("{" * 40 + "}" * 40, "too deep"),
        ("__deep0__", "more than 100,000 letters"),
    ],
)
def test_what_cannot_be_read_is_told(text, told):
    with pytest.raises(ValueError, match=told):
        wildcards.every([text], LISTS.get)


def test_too_many_combinations_are_counted_not_made():
    text = "{1|2|3|4|5|6|7|8|9|0}" * 6
    assert wildcards.count(text, LISTS.get) == 1_000_000
    with pytest.raises(ValueError, match="1,000,000 texts"):
        wildcards.every([text], LISTS.get)
    assert len(wildcards.some([text], LISTS.get, 50, start=1)) == 50


def test_weights_decide_how_often_something_is_drawn():
    drawn = wildcards.some(["{9::often|seldom} {1|2|3|4|5|6|7|8|9|0}{1|2|3|4|5|6|7|8|9|0}"], LISTS.get, 90, 3)
    assert sum(text.startswith("often") for text in drawn) > 60


def test_a_draw_is_the_same_in_every_version_of_python():
    assert wildcards.some(["{a|b|c|d} {1|2|3|4}"], LISTS.get, 4, start=7) == ("a 4", "a 2", "b 1", "d 2")


TEXTS = st.recursive(
    st.text("ab ", min_size=1, max_size=3),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: "{" + "|".join(parts) + "}")
        | st.tuples(inner, inner).map("".join)
    ),
    max_leaves=6,
)


@given(TEXTS, st.integers(1, 8), st.integers(0, 1000))
def test_what_is_drawn_is_among_all_and_drawn_alike_again(text, number, start):
    everything = wildcards.every([text], LISTS.get)
    assert len(everything) <= wildcards.count(text, LISTS.get)
    drawn = wildcards.some([text], LISTS.get, number, start)
    assert set(drawn) <= set(everything)
    assert len(set(drawn)) == len(drawn) == min(number, len(everything))
    assert drawn == wildcards.some([text], LISTS.get, number, start)


def test_texts_take_turns():
    drawn = wildcards.some(["a {1|2|3}", "b {1|2|3}"], LISTS.get, 4, start=0)
    assert [text[0] for text in drawn].count("a") == 2
