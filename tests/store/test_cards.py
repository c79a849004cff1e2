"""Changes to hand-written cards: what is changed is changed, and all else stays as its author wrote it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfyui_bridge.core import template
from comfyui_bridge.core.template import CardEdit, Exposure
from comfyui_bridge.store import cards
from comfyui_bridge.store.documents import parse_toml

HAND = """\
# My best template. Do not touch!

title   = 'Kitten'     # the best
mood = "calm"
tags = [
  "cat",   # meow
  "fast",
]

# What it is about
[[inputs]]
node = "6"
input = "text"
label = "Prompt" # people know this word
default = '''
a kitten # not a comment
[[inputs]]
'''
colour = 0xff

# Chance
[[inputs]]
  key = "seed"
  node = 3
  input = "seed"

  [inputs.notes]
  who = "me"

[author]
name = "A"   # that is me

[[inputs]]
node = "5"
input = "width"
min = 64.0
step = 8
# the end
"""


def edit_of(text: str) -> CardEdit:
    was = template.parse("card", {}, parse_toml(text.encode()))
    return CardEdit(was.title, was.description, was.tags, was.exposures)


def test_nothing_changed_is_not_one_byte_else() -> None:
    for text in (HAND, HAND.replace("\n", "\r\n"), "", "# only this", 'inputs = [{node = "1", input = "a"}]'):
        assert cards.edited(text, edit_of(text), "card") == text


def test_a_changed_label_changes_its_line_alone() -> None:
    edit = edit_of(HAND)
    first = replace(edit.exposures[0], label='What "it" shows')
    text = cards.edited(HAND, replace(edit, exposures=(first, *edit.exposures[1:])), "card")
    assert text == HAND.replace('"Prompt" #', '"What \\"it\\" shows" #')


def test_title_description_and_tags_are_changed_where_they_stand() -> None:
    edit = replace(edit_of(HAND), title="Cat", description="One\ncat", tags=("cat",))
    text = cards.edited(HAND, edit, "card")
    assert 'title   = "Cat"     # the best\n' in text
    assert 'tags = ["cat"]\ndescription = """\nOne\ncat"""\n\n# What it is about\n[[inputs]]' in text
    assert text.partition("# What")[2] == HAND.partition("# What")[2]
    assert cards.edited(text, replace(edit, description="", title=""), "card").count("title") == 0


def test_another_order_takes_comments_and_unknown_keys_along() -> None:
    edit = edit_of(HAND)
    prompt, seed, width = edit.exposures
    text = cards.edited(HAND, replace(edit, exposures=(width, seed, prompt)), "card")
    assert edit_of(text).exposures == (width, seed, prompt)
    places = [text.index(word) for word in ('"width"', "# Chance", "[inputs.notes]", "[author]", "# What it")]
    assert places == sorted(places)
    assert "colour = 0xff" in text
    assert "# not a comment\n[[inputs]]\n'''" in text


def test_an_input_that_is_taken_out_goes_with_its_table() -> None:
    edit = edit_of(HAND)
    text = cards.edited(HAND, replace(edit, exposures=(edit.exposures[0], edit.exposures[2])), "card")
    assert text == HAND.replace(HAND[HAND.index("# Chance") : HAND.index("[author]")], "")
    none = cards.edited(HAND, replace(edit, exposures=()), "card")
    assert none.count("[[inputs]]") == 0
    assert "# the end" in none
    assert "[author]" in none
    assert none.startswith("# My best")


def test_a_new_input_becomes_a_table_with_what_it_says() -> None:
    edit = edit_of(HAND)
    new = Exposure("9", "mode", "mode", "Mode", "More", "Help", "b", choices=("a", "b"), max=3)
    text = cards.edited(HAND, replace(edit, exposures=(*edit.exposures, new)), "card")
    assert text.startswith(HAND.rstrip())
    assert text.endswith(
        '\n[[inputs]]\nkey = "mode"\nnode = "9"\ninput = "mode"\nlabel = "Mode"\ngroup = "More"\n'
        'help = "Help"\ndefault = "b"\nmax = 3\nchoices = ["a", "b"]\n'
    )


def test_a_table_the_form_could_not_show_is_left_to_its_author() -> None:
    text = 'title = "a"\n[[inputs]]\nlabel = "half done"\n[[inputs]]\nnode = "1"\ninput = "a"\n'
    written = cards.edited(text, replace(edit_of(text), exposures=()), "card")
    assert "half done" in written
    assert 'node = "1"' not in written


def test_an_inline_list_becomes_tables_once_it_changes() -> None:
    text = 'inputs = [ # mine\n  {node = "1", input = "a", "my key" = [1, {b = 2}]},\n]\n[x]\ny = 1\n'
    edit = edit_of(text)
    named = replace(edit.exposures[0], label="A")
    written = cards.edited(text, replace(edit, exposures=(named,)), "card")
    assert "# mine" in written
    read = parse_toml(written.encode())
    assert read["inputs"] == [{"node": "1", "input": "a", "my key": [1, {"b": 2}], "label": "A"}]
    assert read["x"] == {"y": 1}


def test_lines_end_as_the_authors_do() -> None:
    text = HAND.replace("\n", "\r\n")
    edit = edit_of(text)
    new = Exposure("9", "text", default="two\nlines")
    written = cards.edited(text, replace(edit, title="X", exposures=(*edit.exposures, new)), "card")
    assert "\n" not in written.replace("\r\n", "")
    assert edit_of(written).exposures[-1].default == "two\nlines"


def test_what_cannot_be_changed_in_places_is_said() -> None:
    single = '[inputs]\nnode = "1"\ninput = "a"\n'
    with pytest.raises(cards.CannotEdit, match="no TOML"):
        cards.edited(single, CardEdit("Card", exposures=(Exposure("1", "a"),)), "card")
    with pytest.raises(cards.CannotEdit, match="cannot be written"):
        cards.edited("", CardEdit("Card", exposures=(Exposure("1", "a", default=[None]),)), "card")


def test_lines_are_told_for_every_key() -> None:
    lines = cards.lines(HAND)
    assert {key: lines[key] for key in [("title",), ("tags",), ("inputs", 0), ("inputs", 0, "colour")]} == {
        ("title",): 3,
        ("tags",): 5,
        ("inputs", 0): 11,
        ("inputs", 0, "colour"): 19,
    }
    assert lines["inputs", 1, "key"] == 23
    assert lines["inputs", 2, "step"] == 37
    assert ("name",) not in lines


@pytest.mark.parametrize(
    "text",
    [
        'title = "a # b" # c\ntags = ["a", "]"]\n\n  [[inputs]] # x\n node = 3\ninput=1\n[other]\nnode = 1\n',
        "[[inputs]]\r\nnode = 3\r\n",
        'a = """\ntitle = 1\n"""\ntitle = 2\n',
        "a = [ [1],[2]\n]\ntitle = 2\n",
        "a = [\n  1, # title = 2\n]\ntitle = {b = 1}\n[[ inputs ]]\nnode = 1",
        'a."b c".d = 1\n"title" = 2\n[["inputs"]]\n[inputs.x]\ny = 1',
        "",
    ],
)
def test_the_quick_way_to_the_lines_finds_what_the_thorough_one_does(text: str) -> None:
    parse_toml(text.encode())
    quick = cards._simple_lines(text)
    assert quick is None or quick == list(cards._any_lines(text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\ntitle = 3\n", "Line 2: title should be a text, and is 3."),
        ('tags = "a"\n', "Line 1: tags should be a list"),
        ("inputs = 3\n", "Line 1: inputs should be a list"),
        ('[[inputs]]\nnode="1"\ninput="a"\nmin = "x"\n', "Line 4, input 1: min should be a number"),
        ('[[inputs]]\nnode="1"\ninput="a"\nmix = "x"\n', "Line 4, input 1: unknown key mix; known are"),
        ('# a\n[[inputs]]\nlabel="1"\n', "Line 2, input 1: node and input must both be given"),
        (
            '[[inputs]]\nnode="1"\ninput="a"\nkey="k"\n[[inputs]]\nnode="1"\ninput="b"\nkey="k"\n',
            "Line 8, input 2",
        ),
    ],
)
def test_a_wrong_card_says_line_and_key(text: str, problem: str) -> None:
    (said,) = template.parse("card", {}, parse_toml(text.encode()), cards.lines(text)).problems
    assert said.startswith(problem)


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUE = st.one_of(
    TEXT,
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(TEXT, max_size=3),
    st.dictionaries(TEXT, st.integers(0, 9), max_size=2),
)
EXPOSURE = st.builds(
    Exposure,
    node_id=st.sampled_from("369"),
    input=st.sampled_from(("text", "seed", "width")),
    label=TEXT.map(str.strip),
    help=TEXT.map(str.strip),
    default=st.none() | VALUE,
    min=st.none() | st.integers(-5, 5) | st.floats(-5, 5),
    choices=st.none() | st.lists(TEXT, max_size=3).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(
    title=TEXT.map(str.strip).filter(bool),
    tags=st.lists(TEXT.map(str.strip).filter(bool), max_size=3, unique=True).map(tuple),
    exposures=st.lists(EXPOSURE, max_size=4).map(tuple),
    newline=st.sampled_from(("\n", "\r\n")),
)
def test_whatever_is_saved_is_read_back(title: str, tags: Any, exposures: Any, newline: str) -> None:
    edit = CardEdit(title, "", tags, exposures)
    text = cards.edited(HAND.replace("\n", newline), edit, "card")
    assert edit_of(text) == edit
    assert cards.edited(text, edit, "card") == text
    for kept in ("# My best template", 'mood = "calm"', "[author]"):
        assert kept in text


TRANSLATED = """\
title = "Kitten"

[[inputs]]
node = "6"
input = "text"
label = "Prompt"

[translations.zh]
"Kitten" = "小猫"
"Prompt" = "提示词" # as everybody says
"""


def test_translations_stay_and_have_their_lines() -> None:
    was = template.parse("kitten", {}, parse_toml(TRANSLATED.encode()), cards.lines(TRANSLATED))
    assert was.phrases == {"zh": {"Kitten": "小猫", "Prompt": "提示词"}}
    assert was.problems == ()
    more = (*was.exposures, Exposure("3", "seed"))
    now = cards.edited(TRANSLATED, CardEdit("Cat", "", (), more), "kitten")
    assert now.endswith(TRANSLATED[TRANSLATED.index("[translations.zh]") :])
    assert template.parse("kitten", {}, parse_toml(now.encode())).phrases == was.phrases
    assert cards.lines(TRANSLATED)["inputs", 0, "label"] == 6


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("translations = 3", "translations should be tables such as [translations.zh]."),
        ("[translations]\nzh = 'x'", "translations.zh should be a table of texts."),
        ("[translations.zh]\nPrompt = 1", "the translation of 'Prompt' to zh should be a text."),
    ],
)
def test_wrong_translations_are_told(written: str, told: str) -> None:
    (problem,) = template.parse("x", {}, parse_toml(written.encode())).problems
    assert problem == told
