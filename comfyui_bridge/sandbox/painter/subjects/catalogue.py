"""Which drawing belongs to which subject, and how they are set into a scene."""

from __future__ import annotations

from collections.abc import Callable

from ..stage import Stage
from . import cat
from .figure import Figure, set_into

FIGURES: dict[str, Callable[[Figure, str], None]] = {
    "cat": cat.draw,
}


def paint_subjects(stage: Stage) -> None:
    """Paint the subjects that were named, and what stands before them."""
    coats = dict(stage.reading.coats)
    for name in stage.reading.subjects[:1]:
        if name in FIGURES:
            light_x = -0.55 if stage.sun_x * stage.width < stage.spot.x else 0.55
            figure = Figure(stage.spot.size, stage.rng("figure", name), light_x)
            FIGURES[name](figure, coats.get(name, ""))
            set_into(stage, figure, stage.spot)
    for front in stage.fronts:
        front(stage)
