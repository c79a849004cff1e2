"""Texts as documents: what is taken, and the sentence for what is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from comfyui_bridge.store.documents import DocumentError, parse_json, parse_toml

GOOD = (
    b'{"86:3": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615, "text": "\xe7\x8c\xab"}}}'
)
CARD = """\
# Mine
title = "Kitten" # the best
tags = ["cat", '猫']

[[inputs]]
key = "seed"
min = 0
"""


@pytest.mark.parametrize("content", [GOOD, b"\xef\xbb\xbf" + GOOD, b"\r\n\t " + GOOD + b"\n\n"])
def test_a_workflow_is_read_as_it_is(content: bytes) -> None:
    document = parse_json(content)
    assert document["86:3"]["inputs"] == {"seed": 2**64 - 1, "text": "猫"}


def test_a_card_becomes_plain_tables() -> None:
    card = parse_toml(b"\xef\xbb\xbf" + CARD.encode())
    assert card == {"title": "Kitten", "tags": ["cat", "猫"], "inputs": [{"key": "seed", "min": 0}]}
    assert {type(value) for value in (card, *card.values(), card["inputs"][0])} == {dict, str, list}
    assert parse_toml(b"") == {}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "It is empty; expected a workflow as ComfyUI exports it."),
        (b" \r\n", "It is empty; expected a workflow as ComfyUI exports it."),
        (b"\x00" * 9, "Line 1, column 1: expected a value."),
        (b'{"1": ', "Line 1, column 7: expected a value."),
        (b'{\n  "1": {}\n  "2": {}\n}', "Line 3, column 3: expected , or the closing bracket."),
        (b'{"1" {}}', "Line 1, column 6: expected : after the key."),
        (b"{1: 2}", "Line 1, column 2: expected a key in double quotes."),
        (b"{'1': 2}", "Line 1, column 2: expected a key in double quotes."),
        (b'{"a": "x\ny"}', r'Line 1, column 9: expected a closing ", or \n for a line break within a text.'),
        (b'{"a": "x', 'Line 1, column 7: expected a closing " for the text that begins here.'),
        (b'{"a": "\\x"}', "Line 1, column 8: expected \\\\ for a backslash."),
        (b'{"a": "\\u12"}', "Line 1, column 9: expected four hexadecimal digits after \\u."),
        (b"{}\n{}", "Line 2, column 1: expected nothing more after the document's end."),
        (b"\n [1, 2]", "Line 2, column 2: expected { to open an object of nodes."),
        (b'"text"', "Line 1, column 1: expected { to open an object of nodes."),
        (b"null", "Line 1, column 1: expected { to open an object of nodes."),
        (
            b'{"a": "NaN", "b": [1,\n NaN]}',
            "Line 2, column 2: expected a number, not NaN, which JSON does not know.",
        ),
        (b'{"a":-Infinity}', "Line 1, column 6: expected a number, not -Infinity, which JSON does not know."),
        (b'{"a": 1e999}', "Line 1, column 7: expected a number within range, not 1e999."),
        (
            b'{"1": {"a": 1, "b": {"a": 2}},\n "2": {"a": 1, "b": 1,\n "\\u0061": 2}}',
            "Line 3, column 2: expected each key once in an object, and this one is there already.",
        ),
        (b'{"a": "\xff"}', "Line 1 is no UTF-8; expected a text saved as UTF-8."),
        ("{}".encode("utf-16"), "Line 1 is no UTF-8; expected a text saved as UTF-8."),
        (b'{"a": "\\ud83d"}', "It holds half a character (\\ud83d); take it out of the text."),
        (b'{"\\uDC00": 1}', "It holds half a character (\\udc00); take it out of the text."),
    ],
)
def test_what_is_no_workflow_is_told_with_its_place(content: bytes, sentence: str) -> None:
    with pytest.raises(DocumentError) as told:
        parse_json(content)
    assert str(told.value) == sentence


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("title = Kitten", "Line 1, column 9: unexpected character: 'K'; expected KEY = VALUE"),
        # Versions of tomlkit count columns at an end differently.
        ("a = 1\nb", ": the file ends here, in the middle of something; expected KEY"),
        ("a = 1\na = 2\n", ': key "a" already exists; expected KEY'),
        ('a = "x', "the file ends here, in the middle of something; expected KEY"),
        ("a = 2020-13-40\n", ": invalid date; expected KEY"),
        ("a = {b = 1, b = 2}", "b"),
    ],
)
def test_what_is_no_card_is_told_with_its_place(content: str, sentence: str) -> None:
    with pytest.raises(DocumentError) as told:
        parse_toml(content.encode())
    assert sentence in str(told.value)
    assert str(told.value).startswith(("Line ", "It is no TOML: "))


@pytest.mark.parametrize("levels", [101, 900, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_refused(levels: int, opening: str, closing: str) -> None:
    content = '{"a":' + opening * levels + "1" + closing * levels + "}"
    with pytest.raises(DocumentError, match="nested more than 100 levels deep"):
        parse_json(content.encode())
    if opening == "[" and levels < 2000:
        with pytest.raises(DocumentError, match="nested more than 100 levels deep"):
            parse_toml(("a = " + opening * levels + closing * levels).encode())


def test_nesting_as_deep_as_any_export_is_fine() -> None:
    assert parse_json(b'{"a":' * 90 + b"1" + b"}" * 90)


def test_a_number_too_long_to_read_is_told() -> None:
    with pytest.raises(DocumentError, match="It holds a number that cannot be read"):
        parse_json(b'{"a": ' + b"9" * 5_000 + b"}")


def test_half_characters_that_make_a_whole_one_are_fine() -> None:
    assert parse_json(b'{"a": "\\ud83d\\ude3a"}') == {"a": "😺"}


documents = st.dictionaries(
    st.text(max_size=9),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@settings(max_examples=50, deadline=None)
@given(documents, st.booleans(), st.sampled_from([None, 2]))
def test_any_document_is_read_without_loss(document: dict[str, Any], ascii: bool, indent: int | None) -> None:
    assert parse_json(json.dumps(document, ensure_ascii=ascii, indent=indent).encode()) == document


def sentence_for(parse: Callable[[bytes], dict[str, Any]], content: bytes) -> str:
    """What is said about a text; any other exception passes, and fails the test."""
    try:
        return f"A document of {len(parse(content))} keys."
    except DocumentError as error:
        return str(error)


wounds = st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=0, max_size=3)), min_size=1, max_size=4)


def wound(content: bytes, wounds: list[tuple[int, bytes]]) -> bytes:
    for place, bytes_ in wounds:
        at = place % (len(content) + 1)
        content = content[:at] + bytes_ + content[at + 1 :]
    return content


@settings(max_examples=100, deadline=None)
@given(wounds)
def test_a_broken_workflow_gives_a_document_or_a_sentence(wounds: list[tuple[int, bytes]]) -> None:
    assert sentence_for(parse_json, wound(GOOD, wounds)).endswith(".")


BROKEN_TOML = st.text("ab=.[]{}\"'#\n ,:-+0179TZeinf\\u\t\r\x00猫", max_size=40)


@settings(max_examples=100, deadline=None)
@given(wounds, BROKEN_TOML)
def test_a_broken_card_gives_tables_or_a_sentence(wounds: list[tuple[int, bytes]], text: str) -> None:
    for content in (wound(CARD.encode(), wounds), text.encode(), CARD.encode() + text.encode()):
        assert sentence_for(parse_toml, content).endswith(".")


tables = st.dictionaries(
    st.text("abc-_猫. \"'", max_size=5),
    st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.text(max_size=9)
    | st.lists(st.integers(), max_size=2),
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_what_tomlkit_writes_is_read_back(table: dict[str, Any]) -> None:
    assert parse_toml(tomlkit.dumps(table).encode()) == table
