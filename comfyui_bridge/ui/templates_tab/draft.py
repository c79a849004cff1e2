"""A card as somebody edits it: texts as they were typed, and what of them goes into the card.

Where a row says nothing, the workflow and the node's definition speak; so only what differs from them is
written, and what an author wrote by hand stays as it is. Drafts come from browsers: whatever one holds,
it is read as texts, and what is wrong in it is a sentence at its field.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from comfyui_bridge.core import values
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import (
    AutogrowSpec,
    BooleanSpec,
    ComboSpec,
    DynamicComboSpec,
    EditorSpec,
    FloatSpec,
    IntSpec,
    LinkSpec,
    StringSpec,
)
from comfyui_bridge.core.template import CardEdit, Exposure, Template
from comfyui_bridge.ui.templates_tab.own import Own, spelled
from comfyui_bridge.ui.words import Words

MOST_ROWS = 2000
_LONGEST = 20_000
_LONGEST_TOLD = 80


@dataclass(frozen=True)
class Row:
    """One input on the form. What is empty is left to the workflow."""

    node: str
    input: str
    label: str = ""
    key: str = ""
    group: str = ""
    help: str = ""
    default: str = ""
    min: str = ""
    max: str = ""
    step: str = ""
    choices: tuple[str, ...] | None = None
    """None for all that the server has."""

    @property
    def place(self) -> tuple[str, str]:
        return self.node, self.input


@dataclass(frozen=True)
class Draft:
    """A whole card as it is typed."""

    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    by_itself: bool = True
    """Nobody chose what the form shows: the marks in the workflow and its graph do."""

    def to_json(self) -> dict[str, Any]:
        rows = [
            {**vars(row), "choices": None if row.choices is None else list(row.choices)} for row in self.rows
        ]
        return {**vars(self), "tags": list(self.tags), "rows": rows}


@dataclass(frozen=True)
class Wrong:
    """What is wrong with one field; `place` is empty for the card's own."""

    place: str
    field: str
    said: str


@dataclass(frozen=True)
class Checked:
    """A draft that was looked at: what would be written, and what keeps it from being."""

    edit: CardEdit
    wrong: tuple[Wrong, ...] = ()


def of(template: Template, own: Own | None) -> Draft:
    """The template's card as a draft; without one, the form as it is made by itself."""
    exposures = template.exposures
    rows = tuple(_row(exposure) for exposure in exposures) if exposures else _picked_rows(own)
    return Draft(template.title, template.description, template.tags, rows, by_itself=not exposures)


def read(told: object) -> Draft:
    """A draft from a browser."""
    table = told if isinstance(told, Mapping) else {}
    rows = table.get("rows")
    found = [_read_row(row) for row in rows[:MOST_ROWS]] if isinstance(rows, list) else []
    return Draft(
        title=_text(table.get("title")),
        description=_text(table.get("description")),
        tags=_texts(table.get("tags")) or (),
        rows=tuple({row.place: row for row in found if row.node and row.input}.values()),
        by_itself=table.get("by_itself") is True,
    )


def check(draft: Draft, template: Template, own: Own | None, words: Words) -> Checked:
    """What of a draft is written into the card of this template, and what is wrong with it."""
    wrong: list[Wrong] = []
    if not draft.title.strip():
        wrong.append(Wrong("", "title", words("ed_title_missing")))
    before = {(exposure.node_id, exposure.input): exposure for exposure in template.exposures}
    rows = () if draft.by_itself else draft.rows
    exposures = []
    for row in rows:
        reader = _Reader(row, own and own.input(*row.place), before.get(row.place), words)
        exposures.append(reader.exposure())
        wrong += reader.wrong
    wrong += _doubled_keys(exposures, words)
    edit = CardEdit(draft.title.strip(), draft.description.strip(), draft.tags, tuple(exposures))
    return Checked(edit, tuple(wrong))


def applied(template: Template, edit: CardEdit) -> Template:
    """The template as it would be with this card."""
    return replace(
        template,
        title=edit.title or template.title,
        description=edit.description,
        tags=edit.tags,
        exposures=edit.exposures,
        problems=(),
    )


def differences(mine: Draft, theirs: Draft, words: Words) -> Iterator[str]:
    """What another version of a card has otherwise, a line each, for whoever has to choose."""
    for name in ("title", "description", "tags"):
        said = getattr(theirs, name)
        if getattr(mine, name) != said:
            text = said if isinstance(said, str) else ", ".join(said)
            yield words("ed_differs", what=words(f"ed_{name}"), theirs=text[:_LONGEST_TOLD] or "–")
    own, other = {row.place: row for row in mine.rows}, {row.place: row for row in theirs.rows}
    for place, row in other.items():
        if place not in own:
            yield words("ed_differs_theirs", what=_called(row))
        elif own[place] != row:
            changed = [
                one.name for one in fields(row) if getattr(row, one.name) != getattr(own[place], one.name)
            ]
            told = ", ".join(words(f"ed_field_{name}") for name in changed)
            yield words("ed_differs_in", what=_called(row), fields=told)
    for place, row in own.items():
        if place not in other:
            yield words("ed_differs_mine", what=_called(row))
    if list(own) != list(other) and set(own) == set(other):
        yield words("ed_differs_in", what=words("ed_on_form"), fields=words("ed_order"))


def _called(row: Row) -> str:
    return row.label or f"{row.node}.{row.input}"


def _picked_rows(own: Own | None) -> tuple[Row, ...]:
    return tuple(Row(one.node_id, one.input, group=one.group) for one in own.picked()) if own else ()


def _row(exposure: Exposure) -> Row:
    return Row(
        exposure.node_id,
        exposure.input,
        exposure.label,
        exposure.key,
        exposure.group,
        exposure.help,
        "" if exposure.default is None else spelled(exposure.default),
        *("" if limit is None else spelled(limit) for limit in (exposure.min, exposure.max, exposure.step)),
        choices=None if exposure.choices is None else tuple(map(spelled, exposure.choices)),
    )


def _read_row(told: object) -> Row:
    table = told if isinstance(told, Mapping) else {}
    named = {field.name: _text(table.get(field.name)) for field in fields(Row) if field.name != "choices"}
    return Row(**named, choices=_texts(table.get("choices")))  # type: ignore[arg-type]


def _text(told: object) -> str:
    return told[:_LONGEST] if isinstance(told, str) else ""


def _texts(told: object) -> tuple[str, ...] | None:
    if not isinstance(told, list):
        return None
    return tuple(dict.fromkeys(one.strip() for one in told if isinstance(one, str) and one.strip()))


def _doubled_keys(exposures: Iterable[Exposure], words: Words) -> Iterator[Wrong]:
    taken: set[str] = set()
    for exposure in exposures:
        if exposure.key and exposure.key in taken:
            place = f"{exposure.node_id}.{exposure.input}"
            yield Wrong(place, "key", words("ed_key_taken", taken=exposure.key))
        taken.add(exposure.key)


class _Reader:
    """One row against what the input is without a card, and what the card said before."""

    def __init__(self, row: Row, own: ExposedInput | None, before: Exposure | None, words: Words) -> None:
        self.wrong: list[Wrong] = []
        self._row = row
        self._own = own
        self._before = before or Exposure(row.node, row.input)
        self._words = words

    def exposure(self) -> Exposure:
        row, own = self._row, self._own
        if own is None:  # its node is gone: what the card says of it stays until somebody takes it off
            return self._before
        low, high = self._limits(own)
        return Exposure(
            row.node,
            row.input,
            key=self._kept("key", row.key.strip(), own.key),
            label=self._kept("label", row.label.strip(), own.label),
            group=row.group.strip(),
            help=self._kept("help", row.help.strip(), own.help),
            default=self._default(own),
            min=low,
            max=high,
            step=self._number("step", getattr(own.spec, "step", None)),
            choices=self._choices(own),
        )

    def _kept(self, field: str, typed: Any, own: Any) -> Any:
        """What is typed, unless it only repeats the definition and nobody wrote it so by hand."""
        repeats = typed == own and typed != getattr(self._before, field)
        return getattr(Exposure("", ""), field) if repeats else typed

    def _is_wrong(self, field: str, said: str) -> None:
        self.wrong.append(Wrong(".".join(self._row.place), field, said))

    def _limits(self, own: ExposedInput) -> tuple[float | None, float | None]:
        spec = own.spec
        least, most = getattr(spec, "min", None), getattr(spec, "max", None)
        low, high = self._number("min", least), self._number("max", most)
        if low is not None and high is not None and low > high:
            self._is_wrong("max", self._words("ed_limits_crossed", low=spelled(low), high=spelled(high)))
        for field, limit in (("min", low), ("max", high)):
            outside = (limit is not None and least is not None and limit < least) or (
                limit is not None and most is not None and limit > most
            )
            if outside and limit != getattr(self._before, field):
                self._is_wrong(field, self._words("ed_limits_wider", low=spelled(least), high=spelled(most)))
        return low, high

    def _number(self, field: str, own: float | None) -> float | None:
        typed = getattr(self._row, field).strip()
        if not typed:
            return None
        number = _number_in(typed, whole=isinstance(self._own and self._own.spec, IntSpec))
        if number is None or (field == "step" and number <= 0):
            self._is_wrong(field, self._words("ed_no_number", typed=typed[:40]))
            return None
        return self._kept(field, number, own)  # type: ignore[no-any-return]

    def _default(self, own: ExposedInput) -> Any:
        typed, before = self._row.default, self._before.default
        if not is_settable(own):
            return before
        if before is not None and typed == spelled(before):
            return before
        if typed == "" or typed == spelled(own.default):
            return None
        try:
            value = values.check((own,), {own.key: typed})[own.key]
        except InvalidValues as error:
            self._is_wrong("default", next(iter(error.problems.values())))
            return None
        return None if value == own.default or value == values.RANDOM else value

    def _choices(self, own: ExposedInput) -> tuple[Any, ...] | None:
        typed = self._row.choices
        if typed is None or not isinstance(own.spec, (ComboSpec, StringSpec)):
            return None
        offered = own.spec.options if isinstance(own.spec, ComboSpec) else ()
        known = {spelled(option): option for option in (*(self._before.choices or ()), *offered)}
        if not typed:
            self._is_wrong("choices", self._words("ed_no_choices"))
            return None
        chosen = tuple(known.get(choice, choice) for choice in typed)
        return self._kept("choices", chosen, offered)  # type: ignore[no-any-return]


def is_settable(own: ExposedInput) -> bool:
    """Whether a default of this input can be typed as a text."""
    match own.spec:
        case ComboSpec(multiselect=many):
            return not many
        case AutogrowSpec() | EditorSpec() | LinkSpec():
            return False
        case BooleanSpec() | DynamicComboSpec() | IntSpec() | FloatSpec() | StringSpec():
            return True
    return isinstance(own.default, str)


def _number_in(typed: str, *, whole: bool) -> float | None:
    try:
        return int(typed)
    except ValueError:
        pass
    try:
        number = float(typed)
    except ValueError:
        return None
    if not math.isfinite(number) or (whole and not number.is_integer()):
        return None
    return int(number) if whole else number
