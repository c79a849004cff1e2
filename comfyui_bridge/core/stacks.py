"""What a LoRA stack and a ControlNet slot may hold, read from a form, a link or a command line.

    [{"name": "detail.safetensors", "strength_model": 0.8}, ...]     or  detail:0.8,film:0.5:0.2
    {"name": "edges.safetensors", "image": ..., "strength": 0.9}     or  edges:0.9,image=@photo.png,end=0.6

What is wrong is told at its row or part. A LoRA that is switched off stays in the values and out of graphs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from comfyui_bridge.core.files import FileValue, file_of
from comfyui_bridge.core.node_defs import ControlNetSpec, FloatSpec, LoraStackSpec
from comfyui_bridge.core.reading import nearest, not_among, read_float, show

_SHARE = FloatSpec(None, 0.0, 1.0)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_LORA_WORDS = {
    "lora": "name",
    "lora_name": "name",
    "strength": "strength_model",
    "model": "strength_model",
    "clip": "strength_clip",
}
_CONTROLNET_WORDS = {"control_net_name": "name", "start": "start_percent", "end": "end_percent"}
_MOST_ROWS = 100
_CONTROLNET_PARTS = ("name", "image", "strength", "start_percent", "end_percent")


class WrongParts(ValueError):
    """Some rows or parts of a value are wrong: a sentence for each."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


def read_loras(spec: LoraStackSpec, value: Any) -> list[dict[str, Any]]:
    """The rows of a LoRA stack, in order. Raises WrongParts by the number of the row, from 1."""
    rows, problems = [], {}
    for number, row in enumerate(lora_rows(value), 1):
        try:
            rows.append(_lora(spec, row))
        except ValueError as error:
            problems[str(number)] = str(error)
    if problems:
        raise WrongParts(problems)
    return rows


def read_controlnet(spec: ControlNetSpec, value: Any) -> dict[str, Any] | None:
    """A ControlNet with its hint, None for an empty slot. Raises WrongParts by the part's name."""
    parts = controlnet_parts(value)
    if not any(parts.get(part) for part in ("name", "image")):
        return None
    problems: dict[str, str] = {}
    found: dict[str, Any] = {}
    for part in _CONTROLNET_PARTS:
        try:
            found[part] = _controlnet_part(spec, part, parts.get(part))
        except ValueError as error:
            problems[part] = str(error)
    if not problems and found["end_percent"] <= found["start_percent"]:
        problems["end_percent"] = "The end should come after the start."
    if problems:
        raise WrongParts(problems)
    return found


def lora_rows(value: Any) -> list[dict[str, Any]]:
    """The rows that are meant, in our words, their names and numbers not looked at yet."""
    value = _from_json(value)
    if value in (None, ""):
        return []
    if isinstance(value, str):
        return [_lora_text(part.strip()) for part in value.split(",") if part.strip()]
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, Sequence):
        raise ValueError(f"This should be a list of LoRAs, and is {show(value)}.")
    return [_lora_row(row) for row in value]


def controlnet_parts(value: Any) -> dict[str, Any]:
    """The parts that are meant, in our words, not looked at yet."""
    value = _from_json(value)
    if value in (None, "", []):
        return {}
    if isinstance(value, str):
        return dict(_controlnet_text(value))
    if not isinstance(value, Mapping):
        raise ValueError(f"This should be a ControlNet with an image, and is {show(value)}.")
    return _in_our_words(value, _CONTROLNET_WORDS, _CONTROLNET_PARTS)


def with_image(value: Any, keep: Callable[[Any], Any]) -> Any:
    """A ControlNet's raw value in which `keep` stands for its picture; one that cannot be read as it is."""
    try:
        parts = controlnet_parts(value)
    except ValueError:
        return value
    return {**parts, "image": keep(parts["image"])} if parts.get("image") else value


def acts(row: Mapping[str, Any]) -> bool:
    """Whether a LoRA of a stack does anything: it is on, and not of strength 0."""
    strengths = (row["strength_model"], row.get("strength_clip", 0))
    return bool(row.get("on", True)) and any(strengths)


def _lora(spec: LoraStackSpec, row: Mapping[str, Any]) -> dict[str, Any]:
    name = row.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError("Choose a LoRA.")
    strength = row.get("strength_model")
    found: dict[str, Any] = {
        "name": _choice(spec.options, name.strip()),
        "strength_model": 1.0 if strength in (None, "") else read_float(spec.strength, strength),
    }
    if row.get("strength_clip") not in (None, ""):
        found["strength_clip"] = read_float(spec.strength, row["strength_clip"])
    if row.get("on", True) in (False, "false", "off", "no", "0", 0):
        found["on"] = False
    return found


def _controlnet_part(spec: ControlNetSpec, part: str, value: Any) -> Any:
    match part:
        case "name":
            if not isinstance(value, str) or not value.strip():
                raise ValueError("Choose a ControlNet.")
            return _choice(spec.options, value.strip())
        case "image":
            return _image(value)
        case "strength":
            return 1.0 if value in (None, "") else read_float(spec.strength, value)
        case "start_percent":
            return 0.0 if value in (None, "") else read_float(_SHARE, value)
    return 1.0 if value in (None, "") else read_float(_SHARE, value)


def _image(value: Any) -> str | FileValue:
    file = value if isinstance(value, FileValue) else file_of(value)
    if file is not None:
        return file
    if not isinstance(value, str) or not value.strip():
        raise ValueError("Choose the picture that the ControlNet follows.")
    return value


def _choice(options: Sequence[str], name: str) -> str:
    """The server's name for a file; its folder and suffix may be left out where that is enough to tell it."""
    if name in options:
        return name
    if not options:
        raise ValueError(f"{show(name)} cannot be used: the server has no such files.")
    wanted = _plain(name)
    for shorten in (_plain, _without_suffix, _without_folder, _bare):
        found = [option for option in options if shorten(option) == wanted]
        if len(found) == 1:
            return found[0]
    bare = {_bare(option): option for option in options}
    raise not_among(name, options, bare.get(nearest(_bare(name), list(bare)) or ""))


def _plain(name: str) -> str:
    return name.replace("\\", "/").lower()


def _without_suffix(name: str) -> str:
    stem, _, suffix = _plain(name).rpartition(".")
    return stem if stem and "/" not in suffix else _plain(name)


def _without_folder(name: str) -> str:
    return _plain(name).rpartition("/")[2]


def _bare(name: str) -> str:
    return _without_suffix(_without_folder(name))


def _from_json(value: Any) -> Any:
    if not isinstance(value, str) or value.strip()[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"This cannot be read as JSON: {error}.") from None


def _lora_row(row: Any) -> dict[str, Any]:
    if isinstance(row, str):
        return _lora_text(row)
    if not isinstance(row, Mapping):
        raise ValueError(f"A LoRA has a name and a strength, and this is {show(row)}.")
    return _in_our_words(row, _LORA_WORDS, ("name", "strength_model", "strength_clip", "on"))


def _lora_text(text: str) -> dict[str, Any]:
    """NAME, NAME:STRENGTH or NAME:STRENGTH:STRENGTH_ON_THE_TEXT; a name may have colons of its own."""
    name, numbers = _numbered(text, 2)
    return {"name": name, **dict(zip(("strength_model", "strength_clip"), numbers, strict=False))}


def _controlnet_text(text: str) -> Iterator[tuple[str, Any]]:
    for part in text.split(","):
        word, equals, value = part.partition("=")
        word = _CONTROLNET_WORDS.get(word.strip(), word.strip())
        if equals and word in _CONTROLNET_PARTS:
            yield word, value.strip()
        else:
            name, numbers = _numbered(part.strip(), 1)
            yield "name", name
            yield from (("strength", number) for number in numbers)


def _numbered(text: str, most: int) -> tuple[str, list[str]]:
    """A name and the numbers behind it."""
    numbers: list[str] = []
    while len(numbers) < most:
        name, colon, last = text.rpartition(":")
        if not (colon and name and _NUMBER.fullmatch(last.strip())):
            break
        text, numbers = name, [last.strip(), *numbers]
    return text.strip(), numbers


def _in_our_words(given: Mapping[str, Any], words: Mapping[str, str], known: Sequence[str]) -> dict[str, Any]:
    found = {words.get(str(key), str(key)): value for key, value in given.items()}
    unknown = [key for key in found if key not in known]
    if unknown:
        raise ValueError(f"There is no {show(unknown[0])} here; there are {', '.join(known)}.")
    return found


def with_part(value: Any, part: str, new: Any) -> Any:
    """A raw value with one part of it set: `1.name` of a stack, counted from 1, or `strength` of a slot.

    A row that is not there yet comes behind the others. Raises ValueError for a value that cannot be read.
    """
    number, dot, name = part.partition(".")
    if not number.isdecimal():
        return {**controlnet_parts(value), _CONTROLNET_WORDS.get(part, part): new}
    rows, place = lora_rows(value), max(int(number), 1) - 1
    rows += [{"name": ""} for _ in range(min(place, _MOST_ROWS) - len(rows))]
    name = _LORA_WORDS.get(name, name) if dot else "name"
    row = {**(rows[place] if place < len(rows) else {}), name: new}
    return [*rows[:place], row, *rows[place + 1 :]]


def has_row(value: Any, part: str) -> bool:
    """Whether a stack has the row that a part of it is of: `2.strength` of one with two rows."""
    number = part.partition(".")[0]
    return not number.isdecimal() or int(number) <= len(lora_rows(value))


def without_none(value: Any) -> Any:
    """A raw value without the rows that say that there is to be no LoRA."""
    if not isinstance(value, list):
        return value
    return [row for row in value if not (isinstance(row, Mapping) and row.get("name", 0) in ("", None))]
