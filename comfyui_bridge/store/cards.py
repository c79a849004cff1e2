"""The text of a card: where each of its keys stands, and changes that leave all else as its author wrote it.

A card is cut into statements, and only the statements that must be others are written anew. So comments,
order, quotes and keys that nobody here knows stay; an input that goes takes its table along.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from comfyui_bridge.core import template
from comfyui_bridge.core.template import CardEdit, CardLines, Exposure
from comfyui_bridge.store.documents import DocumentError, parse_toml

_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[\]{}\n]"
    r"""|[^"'#\[\]{}\n]+""",
    re.DOTALL,
)
_MOST_TABLES = 1_000
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class CannotEdit(Exception):
    """The change would not read back as it was meant; one sentence says why."""


def lines(text: str) -> CardLines:
    """The line of each key of a card that is TOML: by ("title",), ("inputs", 0) or ("inputs", 0, "min")."""
    found: dict[tuple[str | int, ...], int] = {}
    number, within = -1, ""
    for line, key, is_header, is_plain in _simple_lines(text) or _any_lines(text):
        if is_header:
            within = key
            if within == "inputs" and is_plain:
                number += 1
                found["inputs", number] = line
        elif not within:
            found[(key,)] = line
        elif within == "inputs" and number >= 0:
            found.setdefault(("inputs", number, key), line)
    return found


_SIMPLE = re.compile(
    r"[ \t]*(?:\[(\[?)([A-Za-z0-9_-]+)((?:\.[A-Za-z0-9_-]+)*)\]?\][ \t]*(?:#.*)?"
    r"""|([A-Za-z0-9_-]+|"[^"\\]*")[ \t]*=[ \t]*"""
    r"""(?:[^\[{"'\s].*|"(?:[^"\\]|\\.)*"[ \t]*(?:#.*)?|'[^']*'[ \t]*(?:#.*)?|\[.*\][ \t]*)"""
    r"|#.*)?\r?"
)


def _simple_lines(text: str) -> list[tuple[int, str, bool, bool]] | None:
    """(line, key, is a header, is plain) where each line is whole, as on most cards; None for any other.

    Ten times as quick as reading statements, which tells where there are a thousand cards.
    """
    told = []
    for line, content in enumerate(text.split("\n"), 1):
        found = _SIMPLE.fullmatch(content)
        if found is None:
            return None
        double, header, further, key = found.groups()
        if header or key:
            is_plain = bool(double or key) and not further
            told.append((line, header or key.strip('"'), bool(header), is_plain))
    return told


def _any_lines(text: str) -> Iterator[tuple[int, str, bool, bool]]:
    return ((one.line, one.key, one.is_header, one.is_plain) for one in _statements(text))


def edited(text: str, edit: CardEdit, slug: str) -> str:
    """The card of that slug with this change in it. Raises CannotEdit; DocumentError if it is no TOML."""
    card = parse_toml(text.encode())
    was = template.parse(slug, {}, card)
    parts = _Parts(text)
    if max(len(parts.blocks), len(edit.exposures)) > _MOST_TABLES:
        raise CannotEdit(f"it has more than {_MOST_TABLES} tables")
    if edit.title != was.title:
        parts.head.put("title", edit.title or None)
    if edit.description != was.description:
        parts.head.put("description", edit.description or None)
    if edit.tags != was.tags:
        parts.head.put("tags", list(edit.tags) or None)
    _edit_inputs(parts, card.get("inputs", ()), was.exposures, edit.exposures)
    written = parts.text()
    _check(written, edit, slug)
    return written


def _check(written: str, edit: CardEdit, slug: str) -> None:
    """What is written is read back before it counts: hand-written cards may be stranger than we think."""
    try:
        now = template.parse(slug, {}, parse_toml(written.encode()))
    except DocumentError as error:
        raise CannotEdit(f"the changed card would be no TOML ({error})") from None
    wanted = (edit.title or template.title_from(slug), edit.description, edit.tags)
    if (now.title, now.description, now.tags) != wanted:
        raise CannotEdit("its title, description or tags would not read back as given")
    if [_fields(one) for one in now.exposures] != [_fields(one) for one in edit.exposures]:
        raise CannotEdit("its inputs would not read back as given")


# Statements


@dataclass(frozen=True)
class _Statement:
    """A header, or a key and its value, with the whole lines it stands on."""

    start: int
    end: int
    value_start: int
    value_end: int
    line: int
    key: str
    """Of a header or a dotted key the first part."""
    is_header: bool
    is_plain: bool
    """[[key]], or a key without dots."""


def _statements(text: str) -> Iterator[_Statement]:
    begun, depth, equals, last, line, counted = -1, 0, -1, 0, 1, 0
    is_header = False
    for found in _TOKEN.finditer(f"{text}\n"):
        token = found.group()
        if begun < 0:
            if token.isspace() or token.startswith("#"):
                continue
            begun, is_header, equals = found.start(), token == "[", -1
            line, counted = line + text.count("\n", counted, begun), begun
        if token == "\n" and depth == 0:
            yield _statement(text, begun, equals, last, found.end(), line, is_header)
            begun = -1
            continue
        if equals < 0 and not is_header and depth == 0 and "=" in token and token[0] not in "\"'#":
            equals = found.start() + token.index("=")
        depth += (token in ("[", "{")) - (token in ("]", "}"))
        if not token.startswith("#") and not token.isspace():
            last = found.start() + len(token.rstrip())


def _statement(
    text: str, begun: int, equals: int, last: int, end: int, line: int, is_header: bool
) -> _Statement:
    start = text.rfind("\n", 0, begun) + 1
    end = min(end, len(text))
    if is_header:
        name = text[begun:last]
        key, depth = _first_key(name.strip("[]").strip())
        return _Statement(start, end, begun, last, line, key, True, name.startswith("[[") and depth == 1)
    key, depth = _first_key(text[begun:equals].strip())
    after = equals + 1
    while after < last and text[after] in " \t":
        after += 1
    return _Statement(start, end, after, last, line, key, False, depth == 1)


def _first_key(name: str) -> tuple[str, int]:
    """The first part of a key as written, and how many parts it has; at most two are counted."""
    if _BARE.fullmatch(name):
        return name, 1
    value = parse_toml(f"{name} = 0".encode())
    first = next(iter(value))
    return first, 2 if isinstance(value[first], dict) else 1


# Parts: a head of keys, then blocks that begin with a header


@dataclass
class _Part:
    """Some statements with the comments about them: a card's head, or a table of it."""

    text: str
    key: str = ""
    is_inputs: bool = False
    newline: str = "\n"

    def put(self, key: str, value: Any) -> None:
        """Set a key of this part's own table, or take it out for None."""
        own = list(self._own())
        found = next((one for one in own if one.key == key and not one.is_header), None)
        if found is None:
            if value is not None:
                self._add(own, f"{key} = {written(value, self.newline)}")
        elif value is None:
            self.text = self.text[: found.start] + self.text[found.end :]
        else:
            before, after = self.text[: found.value_start], self.text[found.value_end :]
            self.text = before + written(value, self.newline) + after

    def tail(self) -> str:
        """The comments behind the last statement, which are about what follows or about nothing here."""
        end = max((statement.end for statement in _statements(self.text)), default=0)
        return self.text[end:] if "#" in self.text[end:] else ""

    def _own(self) -> Iterator[_Statement]:
        """The statements of the first table alone, without those of tables below it."""
        for number, statement in enumerate(_statements(self.text)):
            if statement.is_header and number:
                return
            yield statement

    def _add(self, own: Sequence[_Statement], line: str) -> None:
        place = own[-1].end if own else len(self.text)
        before, after = self.text[:place], self.text[place:]
        if before and not before.endswith("\n"):
            before += self.newline
        indent = ""
        if own and not own[-1].is_header:
            indent = self.text[own[-1].start : place]
            indent = indent[: len(indent) - len(indent.lstrip(" \t"))]
        self.text = f"{before}{indent}{line}{self.newline}{after}"


@dataclass
class _Parts:
    """A card's text as parts, to be changed and put together again."""

    source: str
    head: _Part = field(init=False)
    blocks: list[_Part] = field(init=False)

    def __post_init__(self) -> None:
        self.newline = "\r\n" if "\r\n" in self.source else "\n"
        starts: list[tuple[int, _Statement]] = []
        ended = 0
        for statement in _statements(self.source):
            if statement.is_header:
                starts.append((_with_comments(self.source, ended, statement.start), statement))
            ended = statement.end
        edges = [*(start for start, _ in starts), len(self.source)]
        self.head = _Part(self.source[: edges[0]], newline=self.newline)
        self.blocks = []
        for (start, statement), end in zip(starts, edges[1:], strict=True):
            self._put_block(self.source[start:end], statement)

    def _put_block(self, text: str, header: _Statement) -> None:
        """A table [inputs.more] belongs to the [[inputs]] before it and moves with it."""
        before = next((one for one in reversed(self.blocks) if one.is_inputs), None)
        if header.key == "inputs" and not header.is_plain and before is not None:
            before.text += text
            return
        is_inputs = header.key == "inputs" and header.is_plain
        self.blocks.append(_Part(text, header.key, is_inputs, self.newline))

    def inputs(self) -> list[_Part]:
        return [block for block in self.blocks if block.is_inputs]

    def put_inputs(self, wanted: Sequence[_Part]) -> None:
        """Other tables of inputs, in this order, where those of before stood."""
        before = self.inputs()
        if [*map(id, before)] == [*map(id, wanted)]:
            return
        gone = [block for block in before if not any(block is one for one in wanted)]
        left = "".join(block.tail() for block in gone)
        groups = _groups(before, wanted)
        # Where all go, new ones stand in the place of the first.
        slots = [block for block in before if not any(block is one for one in gone)] or before[:1]
        placed: list[_Part] = []
        for block in self.blocks:
            if any(block is slot for slot in slots):
                placed += groups.pop(0)
            elif not block.is_inputs:
                placed.append(block)
        self.blocks = [*placed, *(block for group in groups for block in group)]
        for block in self.blocks:
            self._end_with_blank(block)
        if left:
            self.blocks.append(_Part(left, newline=self.newline))

    def _end_with_blank(self, block: _Part) -> None:
        """A table that was the last may now stand before another."""
        if not block.text.endswith("\n"):
            block.text += self.newline
        if not block.text.endswith((f"\n{self.newline}", "\n\n")) and not block.text.rstrip(
            "\r\n"
        ).rpartition("\n")[2].startswith("#"):
            block.text += self.newline

    def text(self) -> str:
        head = self.head.text
        if head.strip() and self.blocks and self.blocks[0].text not in self.source:
            head = head.rstrip() + self.newline * 2
        whole = head + "".join(block.text for block in self.blocks)
        if whole == self.source:
            return whole
        return whole.rstrip() + self.newline if whole.strip() else ""


def _groups(before: Sequence[_Part], wanted: Sequence[_Part]) -> list[list[_Part]]:
    """The wanted tables in order, each new one with the old one it follows."""
    groups: list[list[_Part]] = [[]]
    has_old = False
    for block in wanted:
        is_old = any(block is one for one in before)
        if is_old and has_old:
            groups.append([])
        has_old = has_old or is_old
        groups[-1].append(block)
    return groups


def _with_comments(text: str, ended: int, start: int) -> int:
    """Where the comment lines directly above a header begin; those at the very top are about the card."""
    place = start
    while place > ended:
        above = text.rfind("\n", 0, place - 1) + 1
        if not text[above:place].lstrip().startswith("#"):
            break
        place = above
    return start if place == 0 else place


# Inputs


def _edit_inputs(
    parts: _Parts, tables: object, shown: Sequence[Exposure], wanted: Sequence[Exposure]
) -> None:
    if [_fields(one) for one in shown] == [_fields(one) for one in wanted]:
        return
    if not parts.inputs():
        _spread(parts, tables)
    blocks = list(zip(parts.inputs(), _read_each(tables), strict=False))
    placed: list[_Part] = []
    for one in wanted:
        block, was = _taken(blocks, one) or (_Part("[[inputs]]\n".replace("\n", parts.newline)), None)
        block.newline = parts.newline
        before = _fields(was) if was is not None else {}
        for key, value in _fields(one).items():
            if not _same(before.get(key), value):
                block.put(key, value)
        placed.append(block)
    # A table that the form could not show was nobody's to remove.
    placed += [block for block, was in blocks if was is None]
    parts.put_inputs(placed)


def _read_each(tables: object) -> list[Exposure | None]:
    """What each table asks for; None where it is wrong, and so shown by no form."""
    found: list[Exposure | None] = []
    keys: set[str] = set()
    for table in tables if isinstance(tables, (list, tuple)) else ():
        one = next(iter(template.parse("card", {}, {"inputs": [table]}).exposures), None)
        if one is not None and one.key in keys:
            one = None
        keys |= {one.key} - {""} if one else set()
        found.append(one)
    return found


def _taken(
    blocks: list[tuple[_Part, Exposure | None]], wanted: Exposure
) -> tuple[_Part, Exposure | None] | None:
    """The table that shows this input already, which is then no other's; the one of the same key first."""
    place = (wanted.node_id, wanted.input)
    fitting = [pair for pair in blocks if pair[1] and (pair[1].node_id, pair[1].input) == place]
    if not fitting:
        return None
    found = min(fitting, key=lambda pair: pair[1] is not None and pair[1].key != wanted.key)
    blocks[:] = [pair for pair in blocks if pair[0] is not found[0]]
    return found


def _spread(parts: _Parts, tables: object) -> None:
    """inputs = [{...}, {...}] as a table each; its comments stay where it stood."""
    head = parts.head
    for statement in _statements(head.text):
        if statement.key == "inputs":
            value = head.text[statement.value_start : statement.end]
            told = [token for token in _TOKEN.findall(value) if token.startswith("#")]
            comments = "".join(f"{token.rstrip()}{parts.newline}" for token in told)
            head.text = head.text[: statement.start] + comments + head.text[statement.end :]
            break
    for table in tables if isinstance(tables, list) else ():
        block = _Part(f"[[inputs]]{parts.newline}", "inputs", True, parts.newline)
        for key, value in table.items() if isinstance(table, Mapping) else ():
            block.put(key if _BARE.fullmatch(key) else _quoted(key), value)
        parts.blocks.append(block)


def _fields(one: Exposure) -> dict[str, Any]:
    """What a card says of an input, in the order in which it is written; None for what it leaves out."""
    return {
        "key": one.key or None,
        "node": one.node_id,
        "input": one.input,
        "label": one.label or None,
        "group": one.group or None,
        "help": one.help or None,
        "default": one.default,
        "min": one.min,
        "max": one.max,
        "step": one.step,
        "choices": list(one.choices) if one.choices is not None else None,
    }


def _same(one: Any, other: Any) -> bool:
    """Whether two values are one in TOML; 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


# Values


def written(value: Any, newline: str = "\n") -> str:
    """A value as TOML; a text of several lines as one, where the card's lines end as the text's do."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else str(value)
        case str():
            return _paragraphs(value) if newline == "\n" and "\n" in value else _quoted(value)
        case Mapping():
            pairs = ", ".join(f"{_quoted(str(key))} = {written(one, '')}" for key, one in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case list() | tuple():
            return f"[{', '.join(written(one, '') for one in value)}]"
    raise CannotEdit(f"{value!r} cannot be written into a card")


def _quoted(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode()
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def _paragraphs(text: str) -> str:
    if any(ord(character) < 32 and character not in "\n\t" for character in text) or "\x7f" in text:
        return _quoted(text)
    whole = text.encode("utf-8", "replace").decode().replace("\\", "\\\\").replace('"""', '""\\"')
    if whole.endswith('"'):
        whole = f'{whole[:-1]}\\"'
    return f'"""\n{whole}"""'
