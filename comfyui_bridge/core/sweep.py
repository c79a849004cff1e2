"""One set of values into many: axes that multiply, in a stable order.

An axis is a list of variations; each sets some values, or replaces words in a text. The last axis turns
fastest. Values stay raw; the form checks each set as it checks a person's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from comfyui_bridge.core import stacks as stacks_
from comfyui_bridge.core.errors import InvalidValues

LARGEST = 100_000
"""More runs than this in one sweep are refused with the number: nobody means that many."""


@dataclass(frozen=True)
class Replacement:
    """Words of a text, and what stands in their place."""

    key: str
    find: str
    by: str


@dataclass(frozen=True)
class Variation:
    """One step of an axis, and what it is called."""

    label: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """Raw values by key; `KEY.PART` is a part of a LoRA stack or of a ControlNet, as in `loras.1.name`."""
    replacing: Replacement | None = None

    def varied(self, stacks: Collection[str] = ()) -> frozenset[str]:
        """The keys that it sets or replaces words in; of a part of one of the `stacks` the stack too."""
        keys = {*self.values, *((self.replacing.key,) if self.replacing is not None else ())}
        return frozenset(keys | {key.partition(".")[0] for key in keys} & {*stacks})


@dataclass(frozen=True)
class Axis:
    """Variations, in order, under a heading."""

    title: str
    variations: tuple[Variation, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """What it sets, in the order in which that is first named."""
        return tuple(dict.fromkeys(key for one in self.variations for key in one.values))

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(one.label for one in self.variations)


def count(axes: Sequence[Axis]) -> int:
    """How many sets the product of the axes has."""
    return math.prod(len(axis.variations) for axis in axes)


def check(axes: Sequence[Axis], most: int = LARGEST) -> None:
    """Raises InvalidValues for two axes over one key, for an empty axis, and for too large a product."""
    problems = {axis.title: "This axis has no values." for axis in axes if not axis.variations}
    keys = [key for axis in axes for key in axis.keys]
    problems |= {key: "Two axes vary this; leave one." for key in keys if keys.count(key) > 1}
    total = count(axes)
    if total > most:
        problems["axes"] = f"That would be {total:,} runs, and {most:,} is the most."
    if problems:
        raise InvalidValues(problems)


def expand(
    base: Mapping[str, Any], axes: Sequence[Axis], stacks: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """The base with each combination of variations; later axes turn faster.

    `stacks` are the keys whose values have parts of their own. Raises what `check` raises.
    """
    check(axes)
    return (varied(base, one, stacks) for one in itertools.product(*(axis.variations for axis in axes)))


def varied(
    base: Mapping[str, Any], variations: Sequence[Variation], stacks: Collection[str] = ()
) -> dict[str, Any]:
    """The base with these variations: what they set, whole values before parts of them, then what they
    replace in it."""
    given = {key for one in variations for key in one.values}
    values = _without_former(base, variations, given)
    parts = [pair for one in variations for pair in one.values.items() if _is_part(pair[0], base, stacks)]
    values |= {
        key: value
        for one in variations
        for key, value in one.values.items()
        if not _is_part(key, base, stacks)
    }
    for key, value in parts:
        stack, _, part = key.partition(".")
        # A whole stack that is varied too may have fewer LoRAs than there are strengths for.
        if stack not in given or stacks_.has_row(values[stack], part):
            values[stack] = stacks_.with_part(values.get(stack), part, value)
    values |= {key: stacks_.without_none(values[key]) for key in {key.partition(".")[0] for key, _ in parts}}
    for one in variations:
        change = one.replacing
        if change is not None and isinstance(values.get(change.key), str):
            values[change.key] = values[change.key].replace(change.find, change.by)
    return values


def _is_part(key: str, base: Mapping[str, Any], stacks: Collection[str]) -> bool:
    stack, _, part = key.partition(".")
    return bool(part) and stack in stacks and key not in base


def _without_former(
    base: Mapping[str, Any], variations: Sequence[Variation], given: Collection[str]
) -> dict[str, Any]:
    """The base without what only a former option has: another one of a dynamic combo `KEY` brings inputs of
    its own, `KEY.NAME`, in the place of those."""
    every = [pair for one in variations for pair in one.values.items()]
    turned = {key for key, value in every if str(base.get(key)) != str(value)}
    former = tuple(f"{key}." for key in turned if key in base)
    return {key: value for key, value in base.items() if key in given or not key.startswith(former)}
