"""Texts the editor rewrites when it queues: dynamic prompts, and names in a file's prefix.

`{a|b}` becomes one of its alternatives, comments go (`/* */`, and `//` to the end of the line);
`%Node.widget%` in a save node's filename_prefix becomes that widget's value. A `//` right behind a
colon is no comment here but an address, which the editor would cut (frontend 1.49.6, formatUtil.ts).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

Choose: TypeAlias = "Callable[[Sequence[str]], str]"

SAVE_NODES = frozenset(
    (
        "SaveImage",
        "SaveImageAdvanced",
        "SaveSVGNode",
        "SaveVideo",
        "SaveAnimatedWEBP",
        "SaveWEBM",
        "SaveAudio",
        "SaveAudioMP3",
        "SaveAudioOpus",
        "SaveAudioAdvanced",
        "SaveGLB",
        "Save3DAdvanced",
        "SaveGaussianSplat",
        "SavePointCloud",
        "SaveAnimatedPNG",
        "CLIPSave",
        "VAESave",
        "ModelSave",
        "LoraSave",
        "SaveLatent",
    )
)
"""Nodes whose filename_prefix may name other nodes' widgets (frontend 1.49.6)."""

_MAX_DEPTH = 32
"""Alternatives within alternatives; deeper ones stay as they are written."""

_LINE_END = re.compile(r"[\n\r\u2028\u2029]")
_ESCAPED = re.compile(r"\\([{}|])")
_REPLACEMENT = re.compile(r"%([^%]+)%")
_UNSAFE = re.compile(r'[/?<>\\:*|"\x00-\x1F\x7F]')
_DATE = re.compile(r"dd?|MM?|hh?|mm?|ss?|yyy?y?")


def dynamic_prompt(text: str, choose: Choose) -> str:
    """The text with its alternatives chosen and its comments gone."""
    return _process(without_comments(text), choose, 0)


def has_alternatives(text: str) -> bool:
    """Whether choosing could give more than one text."""
    return "{" in text and "|" in text


def without_comments(text: str) -> str:
    parts: list[str] = []
    position = 0
    while True:
        start = _next_comment(text, position)
        if start is None:
            return "".join([*parts, text[position:]])
        parts.append(text[position : start[0]])
        position = start[1]


def _next_comment(text: str, position: int) -> tuple[int, int] | None:
    block_end_known_missing = False
    while True:
        slash = text.find("/", position)
        if slash < 0 or slash + 1 >= len(text):
            return None
        following = text[slash + 1]
        if following == "*" and not block_end_known_missing:
            end = text.find("*/", slash + 2)
            if end >= 0:
                return slash, end + 2
            block_end_known_missing = True
        elif following == "/" and (slash == 0 or text[slash - 1] != ":"):
            end_of_line = _LINE_END.search(text, slash)
            return slash, end_of_line.start() if end_of_line else len(text)
        elif following == "/":
            position = slash + 2
            continue
        position = slash + 1


def _process(text: str, choose: Choose, depth: int) -> str:
    result = []
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char == "\\":
            result.append(char + text[position : position + 1])
            position += 1
        elif char == "{" and depth < _MAX_DEPTH:
            options, position = _alternatives(text, position)
            result.append(_process(choose(options), choose, depth + 1))
        else:
            result.append(char)
    return _ESCAPED.sub(r"\1", "".join(result))


def _alternatives(text: str, position: int) -> tuple[list[str], int]:
    """The alternatives from just behind a brace, and where the text goes on behind them."""
    options: list[str] = []
    start = position
    depth = 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char == "{":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        elif char == "}":
            break
        elif char == "|" and not depth:
            options.append(text[start:position])
            start = position + 1
        position += 1
    options.append(text[start:position])
    return options, position + 1


def replace_names(text: str, value_of: Callable[[str, str], str | None], now: datetime | None) -> str:
    """A prefix with `%Node.widget%` and, where the time is known, `%date:...%` filled in."""

    def replacement(match: re.Match[str]) -> str:
        whole, inner = match.group(), match.group(1)
        parts = inner.split(".")
        if len(parts) != 2:
            if parts[0].startswith("date:") and now is not None:
                return format_date(parts[0][len("date:") :], now)
            return whole
        value = value_of(*parts)
        return whole if value is None else _UNSAFE.sub("_", value)

    return _REPLACEMENT.sub(replacement, text)


def format_date(pattern: str, now: datetime) -> str:
    """A date in the editor's own pattern letters: yyyy, yy, M, d, h, m, s, doubled for two digits."""

    def part(match: re.Match[str]) -> str:
        word = match.group()
        if word == "yyyy":
            return str(now.year)
        if word == "yy":
            return str(now.year)[2:]
        values = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}
        return str(values[word[0]]).rjust(len(word), "0") if word[0] in values else word

    return _DATE.sub(part, pattern)
