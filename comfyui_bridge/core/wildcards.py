"""Texts with choices in them: {a|b}, {3::a|b} with weights, and __name__ for the lines of a list.

Choices nest, and lines of lists may have choices of their own. A backslash takes a sign's meaning away.
What is drawn depends on the text and a number alone, so the same experiment gives the same prompts.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Lists: TypeAlias = Callable[[str], "Sequence[str] | None"]
"""The lines of the list of this name; None for a name nobody knows."""

MOST = 10_000
"""As many combinations of one text as are written out."""
_DEEPEST = 12
_NAME = re.compile(r"__([\w./-]*?\w)__")
_WEIGHT = re.compile(r"\s*(\d+(?:\.\d+)?)::")
_LONGEST = 100_000
_TRIES = 20
"""How often in a row a drawn text may be one that was drawn already."""


@dataclass(frozen=True)
class _Choice:
    """One of these, each with its weight. Lists are shared, so what is told of one is worked out once."""

    options: tuple[tuple[float, _Text], ...]
    count: int
    longest: int
    """Letters at most."""


_Text: TypeAlias = "tuple[str | _Choice, ...]"
"""Pieces that stand one behind the other."""
_Book: TypeAlias = "dict[str, _Choice | None]"
"""The lists that were read, by name; None for one that is being read."""


def has_choices(text: str) -> bool:
    """Whether a text would read otherwise once its choices are made."""
    return bool(_NAME.search(text)) or "{" in text


def count(text: str, lists: Lists) -> int:
    """How many combinations a text has. Raises ValueError with a sentence for one that cannot be read."""
    return _count(_text(text, lists))


def every(texts: Sequence[str], lists: Lists) -> tuple[str, ...]:
    """All combinations of each text, in order, each once. Raises ValueError, also for too many."""
    read = [_text(text, lists) for text in texts]
    total = sum(map(_count, read))
    if total > MOST:
        raise ValueError(
            f"That would be {total:,} texts, and {MOST:,} is the most; have some of them at random."
        )
    return tuple(dict.fromkeys(_tidy(one) for text in read for one in _all(text)))


def some(texts: Sequence[str], lists: Lists, number: int, start: int) -> tuple[str, ...]:
    """So many different texts at random, or all there are where that is fewer; weights count.

    The texts take turns. Raises ValueError as `every` does.
    """
    read = [_text(text, lists) for text in texts]
    found: dict[str, None] = {}
    draws, misses = _Draws(start), 0
    for text in itertools.cycle(read) if read else ():
        if len(found) >= number or misses > _TRIES * len(read):
            break
        before = len(found)
        found[_tidy(_drawn(text, draws))] = None
        misses = misses + 1 if len(found) == before else 0
    # What is left weighs so little that it is hardly ever drawn.
    if len(found) < number and sum(map(_count, read)) <= MOST:
        found |= dict.fromkeys(_tidy(one) for text in read for one in _all(text))
    return tuple(found)[:number]


def digest(start: int, index: int) -> bytes:
    """What chance gives at this place of the row that begins with this number: always the same."""
    return hashlib.sha256(f"{start}/{index}".encode()).digest()


class _Draws:
    """Numbers from 0 to 1, the same for the same start in every version of Python."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._index = itertools.count()

    def next(self) -> float:
        return int.from_bytes(digest(self._start, next(self._index))[:7], "big") / 2**56


def _all(text: _Text) -> Iterator[str]:
    pieces = [[piece] if isinstance(piece, str) else list(_options(piece)) for piece in text]
    return ("".join(one) for one in itertools.product(*pieces))


def _options(choice: _Choice) -> Iterator[str]:
    for _, option in choice.options:
        yield from _all(option)


def _drawn(text: _Text, draws: _Draws) -> str:
    return "".join(piece if isinstance(piece, str) else _drawn(_one(piece, draws), draws) for piece in text)


def _one(choice: _Choice, draws: _Draws) -> _Text:
    point = draws.next() * sum(weight for weight, _ in choice.options)
    for weight, option in choice.options:
        point -= weight
        if point < 0:
            return option
    return choice.options[-1][1]


def _count(text: _Text) -> int:
    return math.prod(piece.count for piece in text if isinstance(piece, _Choice))


def _longest(text: _Text) -> int:
    return sum(len(piece) if isinstance(piece, str) else piece.longest for piece in text)


def _tidy(text: str) -> str:
    """An option may be empty: the spaces around it are one then."""
    return re.sub(r"[ \t]{2,}", " ", text).strip()


def _text(text: str, lists: Lists) -> _Text:
    read = _Reader(text, lists, {}).pieces(inside=False)
    if _longest(read) > _LONGEST:
        raise ValueError(f"With its choices made this text has more than {_LONGEST:,} letters.")
    return read


class _Reader:
    """Reads one text from left to right; lists into the book, each once."""

    def __init__(self, text: str, lists: Lists, book: _Book, depth: int = 0) -> None:
        self._text = text
        self._lists = lists
        self._book = book
        self._depth = depth
        self._at = 0
        if depth > _DEEPEST:
            raise ValueError("Lists nest too deep here.")

    def pieces(self, *, inside: bool) -> _Text:
        """Up to the end, or inside a choice up to its next "|" or "}"."""
        found: list[str | _Choice] = []
        plain: list[str] = []

        def end_plain() -> None:
            if plain:
                found.append("".join(plain))
                plain.clear()

        while self._at < len(self._text):
            sign = self._text[self._at]
            name = _NAME.match(self._text, self._at)
            if sign == "\\" and self._text[self._at + 1 : self._at + 2] in ("{", "}", "|", "\\", "_"):
                plain.append(self._text[self._at + 1])
                self._at += 2
            elif sign == "{":
                end_plain()
                found.append(self._choice())
            elif inside and sign in "|}":
                break
            elif name:
                end_plain()
                found.append(self._list(name[1]))
                self._at = name.end()
            else:
                plain.append(sign)
                self._at += 1
        end_plain()
        return tuple(found)

    def _choice(self) -> _Choice:
        opened, options = self._at, []
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("Choices nest too deep here.")
        while True:
            self._at += 1  # "{" or "|"
            weight = self._weight()
            options.append((weight, self.pieces(inside=True)))
            if self._at >= len(self._text):
                raise ValueError(
                    f'The "{{" at letter {opened + 1} is never closed: {self._text[opened:][:40]}'
                )
            if self._text[self._at] == "}":
                self._at += 1
                self._depth -= 1
                return _weighed(options)

    def _weight(self) -> float:
        found = _WEIGHT.match(self._text, self._at)
        if not found:
            return 1.0
        self._at = found.end()
        return float(found[1])

    def _list(self, name: str) -> _Choice:
        if name not in self._book:
            self._book[name] = None
            self._book[name] = self._read_list(name)
        found = self._book[name]
        if found is None:
            raise ValueError(f"The list {name} names itself, or lists name each other in a circle.")
        return found

    def _read_list(self, name: str) -> _Choice:
        lines = self._lists(name)
        if lines is None:
            raise ValueError(f"There is no list {name}; lists are files such as wildcards/{name}.txt.")
        options = []
        for line in lines:
            found = _WEIGHT.match(line)
            weight, rest = (float(found[1]), line[found.end() :]) if found else (1.0, line)
            reader = _Reader(rest, self._lists, self._book, self._depth + 1)
            options.append((weight, reader.pieces(inside=False)))
        if not options:
            raise ValueError(f"The list {name} has no lines.")
        return _weighed(options)


def _weighed(options: Sequence[tuple[float, _Text]]) -> _Choice:
    """What weighs nothing is never chosen, unless nothing weighs anything."""
    weighing = tuple(one for one in options if one[0] > 0) or tuple((1.0, text) for _, text in options)
    texts = [text for _, text in weighing]
    return _Choice(weighing, sum(map(_count, texts)), max(map(_longest, texts)))
