"""From a brief to a finished picture: read, light, scene, subjects, finish, and the size asked for."""

from __future__ import annotations

import math
from dataclasses import replace

from .brief import Brief
from .finish import finish
from .guide import focus_of
from .noise import Array, digest, stream
from .palette import light_for
from .reading import Reading, avoided, read
from .scenes.catalogue import paint_scene, scene_for
from .stage import Stage
from .subjects.catalogue import paint_subjects

MOST_PIXELS = 600_000
LEAST_SIDE = 160


def paint(brief: Brief) -> Array:
    """The finished picture, height x width x 3, float32, 0..1. The same brief gives the same bytes."""
    brief = replace(brief, width=max(1, brief.width), height=max(1, brief.height))
    stage = stage_for(brief)
    paint_scene(stage)
    if brief.mask is not None and brief.init is not None:
        focus = focus_of(brief.mask, stage.height, stage.width)
        if focus is not None:
            stage.look_at(focus)
    # A strong hint says itself where its shapes stand; a figure of ours would stand in their way.
    if sum(max(0.0, strength) for _, strength in brief.hints) < 0.4:
        paint_subjects(stage)
    return finish(brief, stage)


def working_size(width: int, height: int) -> tuple[int, int]:
    """The size to paint at: large enough for clean shapes, small enough to be quick."""
    short, long = sorted((width, height))
    # A narrow banner is wide enough to be costly; it is painted with less to spare.
    scale = max(1.0, LEAST_SIDE / short / max(1.0, long / short / 5) ** 0.5)
    scale = min(scale, math.sqrt(MOST_PIXELS / (width * height)))
    return max(8, round(width * scale)), max(8, round(height * scale))


def stage_for(brief: Brief) -> Stage:
    reading = read(brief.positive)
    avoid = avoided(brief.negative)
    reading = without(reading, avoid)
    said = bool(reading.scene or reading.subjects)
    scene = scene_for(reading, avoid)
    reading = replace(reading, scene=scene)
    # Words that say nothing known still make a picture of their own.
    seed = brief.seed if said else digest(brief.seed, reading.key)
    light = light_for(reading, stream(seed, "light"), scene)
    w, h = working_size(brief.width, brief.height)
    detail = 0.45 + 0.55 * math.sqrt(min(max(brief.steps, 1), 60) / 20)
    return Stage(w, h, reading, avoid, light, seed, min(detail, 1.35))


def without(reading: Reading, avoid: frozenset[str]) -> Reading:
    """A reading less what the negative prompt names."""
    return replace(
        reading,
        scene="" if reading.scene in avoid else reading.scene,
        subjects=tuple(s for s in reading.subjects if s not in avoid),
        hues=tuple(h for h in reading.hues if h not in avoid),
        extras=reading.extras - avoid,
        time="" if reading.time in avoid else reading.time,
        weather="" if reading.weather in avoid else reading.weather,
        moods=reading.moods - avoid,
    )
