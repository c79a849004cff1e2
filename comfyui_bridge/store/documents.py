"""Text to plain documents, with a sentence that says where and what was expected when it is none.

Files come from exports, other tools and hand; whatever they hold, a document or DocumentError comes out.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

if sys.version_info >= (3, 11):
    import tomllib

_DEEPEST = 100
"""Levels of nesting. Exports have about fifteen, and Python's own recursion ends at a thousand calls."""

_MOST_SEARCHED = 2 << 20
"""Characters; looking for a place in more would take seconds."""


class DocumentError(Exception):
    """The text is no such document; one sentence, beginning with the place where there is one."""


def parse_json(content: bytes, *, nan_is_null: bool = False) -> dict[str, Any]:
    """The object a JSON text holds. Stricter than Python: no NaN, no doubled keys, no half characters.

    With `nan_is_null` NaN and Infinity become null, as ComfyUI's own page reads them: Python, and so the
    server, writes them into the files it saves.
    """
    text = _decode(content)
    if not text.strip(" \t\r\n"):
        raise DocumentError("It is empty; expected a workflow as ComfyUI exports it.")
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_null if nan_is_null else _no_constant,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise _at(text, error.pos, _expected(error.msg)) from None
    except _Refused as refused:
        if len(text) > _MOST_SEARCHED:
            raise DocumentError(f"Somewhere in it: {refused.why}.") from None
        raise _at(text, _find(text, refused.what), refused.why) from None
    except RecursionError:
        raise DocumentError(_TOO_DEEP) from None
    except ValueError as error:
        # Python reads no whole number of more than 4,300 digits.
        raise DocumentError(f"It holds a number that cannot be read: {error}.") from None
    if not isinstance(document, dict):
        raise _at(text, len(text) - len(text.lstrip()), "expected { to open an object of nodes")
    _check_depth(document)
    _check_characters(text, document)
    return document


def parse_toml(content: bytes) -> dict[str, Any]:
    """The tables of a TOML text as plain dicts and lists."""
    text = _decode(content)
    if sys.version_info >= (3, 11):
        # Seven times as quick as tomlkit, which then only has to say what is wrong.
        try:
            return _deep_enough(tomllib.loads(text))
        except (ValueError, RecursionError):
            pass
    try:
        return _deep_enough(tomlkit.parse(text).unwrap())
    except ParseError as error:
        said = str(error).partition(" at line ")[0]
        raise DocumentError(_toml_sentence(text, error.line, error.col, said)) from None
    except RecursionError:
        raise DocumentError(_TOO_DEEP) from None
    except (TOMLKitError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise DocumentError(f"It is no TOML: {str(error).rstrip('.')}.") from None


_TOO_DEEP = f"It is nested more than {_DEEPEST} levels deep, as no workflow and no card is."

_EXPECTED = {
    "Expecting value": "expected a value",
    "Expecting property name enclosed in double quotes": "expected a key in double quotes",
    "Illegal trailing comma before end of object": "expected a key in double quotes after the comma",
    "Illegal trailing comma before end of array": "expected a value after the comma",
    "Expecting ':' delimiter": "expected : after the key",
    "Expecting ',' delimiter": "expected , or the closing bracket",
    "Unterminated string starting at": 'expected a closing " for the text that begins here',
    "Invalid control character at": 'expected a closing ", or \\n for a line break within a text',
    "Invalid \\escape": "expected \\\\ for a backslash",
    "Invalid \\uXXXX escape": "expected four hexadecimal digits after \\u",
    "Extra data": "expected nothing more after the document's end",
}


def _expected(said: str) -> str:
    return _EXPECTED.get(said.removesuffix(": "), said.lower())


class _Refused(Exception):
    """What Python's reader would take and we do not: a token of the text, or a key seen twice."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(why)
        self.what = what
        self.why = why


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("", "expected each key once in an object, and this one is there already")
    return found


def _no_constant(token: str) -> NoReturn:
    raise _Refused(token, f"expected a number, not {token}, which JSON does not know")


def _null(token: str) -> None:
    return None


def _finite(token: str) -> float:
    number = float(token)
    if number in (float("inf"), float("-inf")):
        raise _Refused(token, f"expected a number within range, not {token[:40]}")
    return number


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def _find(text: str, wanted: str) -> int:
    """Where this token stands, or, if none is wanted, the first key that its object has already."""
    if wanted:
        return next((place for place, token in _tokens(text) if token == wanted), 0)
    tokens = list(_tokens(text))
    keys: list[set[str]] = []
    for (place, token), (_, following) in zip(tokens, [*tokens[1:], (0, "")], strict=True):
        if token in "{[":
            keys.append(set())
        elif token in "}]":
            keys.pop()
        elif following == ":":
            key = json.loads(token)
            if key in keys[-1]:
                return place
            keys[-1].add(key)
    return 0


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    return ((found.start(), found.group()) for found in _TOKEN.finditer(text))


def _at(text: str, place: int, sentence: str) -> DocumentError:
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place)
    return DocumentError(f"Line {line}, column {column}: {sentence}.")


def _toml_sentence(text: str, line: int, column: int, said: str) -> str:
    # tomlkit reads a NUL behind the last character.
    if said == "Unexpected end of file" or (said.endswith("'\\x00'") and "\x00" not in text):
        said = "the file ends here, in the middle of something"
    said = said[:1].lower() + said[1:].rstrip(".")
    return f"Line {line}, column {column + 1}: {said}; expected KEY = VALUE, with quotes around a text."


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"Line {line} is no UTF-8; expected a text saved as UTF-8.") from None


def _deep_enough(document: dict[str, Any]) -> dict[str, Any]:
    _check_depth(document)
    return document


def _check_depth(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise DocumentError(_TOO_DEEP)


_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def _check_characters(text: str, document: dict[str, Any]) -> None:
    """Refuse halves of surrogate pairs: JSON can spell them, yet no page can be sent with one."""
    if _HALF.search(text) is None:
        return
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        code = ord(str(error.object)[error.start])
        raise DocumentError(f"It holds half a character (\\u{code:04x}); take it out of the text.") from None
