"""Which painter paints which place, and which place an unknown prompt gets."""

from __future__ import annotations

from collections.abc import Callable

from ..noise import stream
from ..reading import Reading
from ..stage import Stage
from . import city, dreams, forest, garden, lake, land, rooms, sea, space, waters

SCENES: dict[str, Callable[[Stage], None]] = {
    "sea": sea.paint,
    "lake": lake.paint,
    "space": space.paint,
    "underwater": waters.paint_underwater,
    "waterfall": waters.paint_waterfall,
    "table": rooms.paint_table,
    "studio": rooms.paint_studio,
    "sky": dreams.paint_sky,
    "abstract": dreams.paint_abstract,
    "mountains": land.paint_mountains,
    "desert": land.paint_desert,
    "snow": land.paint_snow,
    "field": land.paint_field,
    "forest": forest.paint,
    "garden": garden.paint,
    "city": city.paint,
}


UNSAID = (
    "abstract",
    "mountains",
    "abstract",
    "lake",
    "sky",
    "abstract",
    "field",
    "space",
    "sea",
    "abstract",
    "forest",
)
"""What an unknown prompt may get: its own number picks; the abstract is likelier, for it promises nothing."""


def scene_for(reading: Reading, avoid: frozenset[str]) -> str:
    """The scene that was read, or one that fits what little was said."""
    if reading.scene in SCENES and reading.scene not in avoid:
        return reading.scene
    hinted = ""
    if reading.has("fireworks"):
        hinted = "city"
    elif reading.has("stars", "moon", "aurora", "galaxy", "nebula") or reading.time == "night":
        hinted = "mountains"
    elif reading.has("flowers"):
        hinted = "garden"
    elif reading.has("clouds"):
        hinted = "sky"
    elif reading.has("birds", "rainbow", "rays") or reading.weather:
        hinted = "field"
    elif reading.has("people"):
        hinted = "city"
    elif reading.medium == "ink" or reading.season or reading.time:
        hinted = "mountains"
    if hinted and hinted not in avoid:
        return hinted
    choices = [name for name in UNSAID if name not in avoid] or ["abstract"]
    return choices[int(stream(reading.key, "scene").integers(len(choices)))]


def paint_scene(stage: Stage) -> None:
    SCENES[stage.reading.scene](stage)
