"""The recorded pairs: what the editor saves, and what the editor itself would send for it."""

from __future__ import annotations

import functools
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "recordings" / "conversion"


@dataclass(frozen=True)
class Pair:
    """One document and the editor's answer to it; `api` is None where the editor threw."""

    name: str
    ui: dict[str, Any]
    api: dict[str, Any] | None
    what: str = ""
    newer: dict[str, Any] | None = field(default=None)
    """The answer of frontend 1.58.1 where it differs."""


@functools.cache
def _read(name: str) -> tuple[Pair, ...]:
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return tuple(Pair(**json.loads(line)) for line in file)


def read_pairs(*names: str) -> list[Pair]:
    return [pair for name in names for pair in _read(name)]
