"""The sandbox's painter: procedural pictures from words, a seed and settings. No model, no learning.

`read` understands the words, `paint` makes the finished picture, `noise` and `in_between` show how it
emerges while a sampler steps.
"""

from __future__ import annotations

from .brief import Brief
from .emerge import in_between, noise
from .painting import paint
from .reading import Reading, read

__all__ = ["Brief", "Reading", "in_between", "noise", "paint", "read"]
