"""What the page's script draws: a kind it knows, and what that kind needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Widget:
    """One widget. The script has a function of its `kind`, which is given the details."""

    kind: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The kind among its details; what says nothing is left out."""
        return {"kind": self.kind, **{key: value for key, value in self.details.items() if value is not None}}
