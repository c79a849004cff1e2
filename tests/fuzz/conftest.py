"""Definitions as a real server gave them."""

from __future__ import annotations

from tests.core.conftest import defs_0_33

__all__ = ["defs_0_33"]
