"""Which drawing belongs to which subject, and how they are set into a scene."""

from __future__ import annotations

from ..stage import Stage


def paint_subjects(stage: Stage) -> None:
    for front in stage.fronts:
        front(stage)
