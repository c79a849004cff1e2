"""What somebody brings, as a template in the making: whatever the file or text is, its workflow comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Intake:
    """A template that is not in the library yet."""

    name: str
    document: Mapping[str, Any]
    card: Mapping[str, Any] | None = None
    cover: bytes | None = None
    """A picture of any size and format."""
    workflow_text: bytes | None = field(default=None, repr=False)
    """The workflow's file where there was one, to be kept byte for byte."""
    card_text: bytes | None = field(default=None, repr=False)
