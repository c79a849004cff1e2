"""A run as a link: its template, the fingerprint of what was sent, and its values, the drawn seed among them.

Values stand in the link as texts. What a link cannot carry, files and what would make it too long, stays
with the run, and the link says so: who may see the run has it all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import ComboSpec
from comfyui_bridge.core.run import Run

VIEW = "recipe"
LONGEST = 7_500
"""Bytes of a link without its host: servers and mail programs take 8,000."""

_VERSION = 16
_RESERVED = frozenset(("view", "run", "template", "version", "compare", "kept", "without"))


@dataclass(frozen=True)
class Recipe:
    """What a link says."""

    run_id: str = ""
    template: str = ""
    version: str = ""
    """The beginning of the fingerprint of the workflow that these values made."""
    values: Mapping[str, str | None] = field(default_factory=dict)
    """Texts by key; None for an input that is left out."""
    kept: tuple[str, ...] = ()
    """The keys of the values that only the run has."""


def of_run(run: Run) -> Recipe:
    """The recipe of a run, as short as a link has to be: the longest values go first."""
    texts = {key: _text(value) for key, value in run.values.items()}
    values = {key: text for key, text in texts.items() if text is None or _is_sendable(text)}
    stays = {key for key, value in run.values.items() if _has_file(value)} | (texts.keys() - values.keys())
    made = _made(run, values, stays)
    for key in sorted(values, key=lambda key: -len(quote(values[key] or ""))):
        if len(query(made)) <= LONGEST:
            break
        stays.add(key)
        made = _made(run, values, stays)
    if len(query(made)) > LONGEST:  # so many keys that their names alone are too long
        return Recipe(run.run_id, run.template, made.version, kept=("*",))
    return made


def query(recipe: Recipe) -> str:
    """The link, relative to the page."""
    own = (("view", VIEW), ("run", recipe.run_id), ("template", recipe.template), ("version", recipe.version))
    pairs = [pair for pair in own if pair[1]]
    pairs += [(_escaped(key), text) for key, text in recipe.values.items() if text is not None]
    pairs += [("without", key) for key, text in recipe.values.items() if text is None]
    pairs += [("kept", key) for key in recipe.kept]
    return "?" + urlencode(pairs, quote_via=quote)


def parse(pairs: Iterable[tuple[str, str]]) -> Recipe:
    """What a link says; words of the page's own, which begin with __, are no values."""
    said: dict[str, str] = {}
    values: dict[str, str | None] = {}
    kept: dict[str, None] = {}
    for name, text in pairs:
        if name == "without":
            values[text] = None
        elif name == "kept":
            kept[text] = None
        elif name in _RESERVED:
            said[name] = text
        elif not name.startswith("__"):
            values[name.removeprefix(".")] = text
    return Recipe(said.get("run", ""), said.get("template", ""), said.get("version", ""), values, tuple(kept))


def is_whole(recipe: Recipe, run: Run | None) -> bool:
    """Whether all of its values are known: the link's own, and those of the run that may be seen."""
    return not recipe.kept or run is not None


def values_of(recipe: Recipe, form: Form | None, run: Run | None) -> dict[str, Any]:
    """The raw values: the link's own, and the run's where the link leaves them to it."""
    given: dict[str, Any] = {}
    with_run = run.values if run is not None else {}
    every = "*" in recipe.kept
    for key in dict.fromkeys((*with_run, *recipe.values, *recipe.kept)):
        if key in recipe.values:
            text = recipe.values[key]
            same = key in with_run and _text(with_run[key]) == text and not _has_file(with_run[key])
            given[key] = with_run[key] if same else _read(form.input(key) if form else None, text)
        elif key in with_run and (every or key in recipe.kept):
            given[key] = with_run[key]
    return given


def is_of_run(recipe: Recipe, run: Run) -> bool:
    """Whether a link says nothing else than this run."""
    return recipe.template == run.template and all(
        key in run.values and _text(run.values[key]) == text for key, text in recipe.values.items()
    )


def version_now(form: Form, values: Mapping[str, Any]) -> str:
    """The version that these values make with the template as it is now; empty where they do not fit it."""
    try:
        return form.patched(form.check(values)).fingerprint()[:_VERSION]
    except InvalidValues:
        return ""


def _made(run: Run, values: Mapping[str, str | None], stays: set[str]) -> Recipe:
    carried = {key: text for key, text in values.items() if key not in stays}
    kept = tuple(key for key in run.values if key in stays)
    return Recipe(run.run_id, run.template, run.fingerprint[:_VERSION], carried, kept)


def _text(value: Any) -> str | None:
    """A value as the text that reads as the same value."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if _has_file(value):
        return ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _read(one: ExposedInput | None, text: str | None) -> Any:
    """Several choices are a list; texts of all other inputs are read where the values are checked."""
    is_list = one is not None and isinstance(one.spec, ComboSpec) and one.spec.multiselect
    if text is None or not is_list:
        return text
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return listed if isinstance(listed, list) else text


def _escaped(key: str) -> str:
    return f".{key}" if key in _RESERVED or key.startswith((".", "__")) else key


def _is_sendable(text: str) -> bool:
    """Half a surrogate pair has no place in an address."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _has_file(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_file(inner) for inner in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(_has_file(inner) for inner in value)
    return isinstance(value, FileValue)
