"""Land as a height field seen in perspective: real ridges, real slopes in light and shadow, haze by distance.

Slices of land from near to far are projected; the topmost row each reaches tells which slice a pixel shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..canvas import Colour, blur, mix
from ..noise import Array, sample, smoothstep, tile
from ..stage import Stage

Heights = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class View:
    """The eye: height over level 0, its horizon's row, how near and far it sees, in world units."""

    horizon: float
    eye: float = 0.14
    near: float = 0.4
    far: float = 16.0
    slices: int = 260


@dataclass(frozen=True)
class Land:
    """Land as seen: for each pixel what part of the grid it shows, and the grid itself."""

    cover: Array
    slice: Array
    """Slice number of each pixel, fractional."""
    x: Array
    z: Array
    height: Array
    foot: Array
    """For each column the row where the land seen ends (the shore, or the picture's lower edge)."""


def survey(stage: Stage, view: View, heights: Heights, sea_level: float | None = None) -> Land:
    """Project the land. Below sea_level nothing is land."""
    w, h, focal = stage.width, stage.height, stage.u
    z = (view.near * (view.far / view.near) ** np.linspace(0, 1, view.slices, dtype=np.float32))[:, None]
    x = (np.arange(w, dtype=np.float32)[None, :] - np.float32(w / 2)) * np.float32(1 / focal) * z
    height = heights(x, z + x * 0).astype(np.float32)
    row = np.float32(view.horizon) - (height - np.float32(view.eye)) * np.float32(focal) / z
    if sea_level is not None:
        row = np.where(height > sea_level, row, np.float32(h + 9))
    top = np.minimum.accumulate(np.minimum(row, h + 9), axis=0)
    # Twice the rows, so that ridges come out smooth; a slice is seen from its top down to the one before.
    bins = np.clip(np.ceil(top * 2).astype(np.int64) - 1, -1, 2 * h - 1) + 1
    counts = np.bincount((bins * w + np.arange(w)[None, :]).ravel(), minlength=(2 * h + 1) * w).reshape(
        2 * h + 1, w
    )
    index = np.cumsum(counts[::-1], axis=0)[::-1][1:]
    seen = index < view.slices
    cover = (seen[0::2].astype(np.float32) + seen[1::2]) * np.float32(0.5)
    first = np.minimum(np.minimum(index[0::2], index[1::2]), view.slices - 1)
    columns = np.broadcast_to(np.arange(w)[None, :], first.shape)
    here = top[first, columns]
    before = np.where(first > 0, top[np.maximum(first - 1, 0), columns], np.float32(h + 9))
    part = np.clip((stage.rows() - here) / np.maximum(before - here, 0.5), 0, 1)
    if sea_level is not None:
        # A slice of land ends where it meets the water; what is below is the water before it.
        waterline = np.float32(view.horizon) + np.float32(view.eye * focal) / z[:, 0].take(first)
        cover *= np.clip(waterline - stage.rows() + 0.5, 0, 1)
    land_rows = cover > 0.4
    foot = np.where(land_rows.any(0), h - np.argmax(land_rows[::-1], axis=0), np.float32(view.horizon))
    return Land(cover, np.maximum(first - part, 0), x, z, height, foot.astype(np.float32))


def drape(land: Land, values: Array) -> Array:
    """Values of the grid (slices x columns [x 3]) as seen from the eye."""
    low = land.slice.astype(np.int32)
    high = np.minimum(low + 1, values.shape[0] - 1)
    share = (land.slice - low).astype(np.float32)
    w = values.shape[1]
    columns = np.arange(w, dtype=np.int32)[None, :]
    flat = values.reshape(values.shape[0] * w, -1)
    a = flat.take((low * w + columns).ravel(), 0)
    b = flat.take((high * w + columns).ravel(), 0)
    result: Array = (a + (b - a) * share.ravel()[:, None]).reshape(*low.shape, *values.shape[2:])
    return result


def lighting(stage: Stage, land: Land, steepness: float = 1.0) -> tuple[Array, Array]:
    """(light on each grid point 0..1 with cast shadows, slope 0..1)."""
    step = np.maximum(np.gradient(land.x, axis=1), 1e-5)
    dx = np.gradient(land.height, axis=1) / step
    dz = np.gradient(land.height, axis=0) / np.gradient(land.z, axis=0)
    side = 1.0 if stage.sun_x >= 0.5 else -1.0
    tall = 0.55 if stage.light.sun_height > 0.4 else 0.3
    towards = np.array([side * 0.8, tall, -0.35], np.float32)
    towards /= np.linalg.norm(towards)
    length = np.sqrt(1 + (dx * dx + dz * dz) * np.float32(steepness**2))
    facing = (-dx * towards[0] * steepness + towards[1] - dz * towards[2] * steepness) / length
    lit = smoothstep(-0.05, 0.85, facing)
    # A ray towards the sun, within the slice: shadowed where something on the sun's side stands above it.
    slope = np.float32(side * towards[1] / 0.8)
    reach = land.height - land.x * slope
    ahead = reach[:, ::-1] if side > 0 else reach
    crest = np.maximum.accumulate(ahead, axis=1)
    crest = crest[:, ::-1] if side > 0 else crest
    shadow = smoothstep(0.0, 0.06, crest - reach)
    return lit * (1 - 0.75 * shadow), np.clip(1 - 1 / length, 0, 1)


def hazed(stage: Stage, land: Land, colour: Array, reach: float, most: float = 0.9) -> Array:
    """Colours of the grid, fading into the haze with distance."""
    fade = np.clip(1 - np.exp(-land.z / np.float32(reach)), 0, 1) * np.float32(most)
    return mix(colour, stage.light.haze, fade[..., None])


def capped(height: Array, z: Array, share: float, view_rows: float, focal: float) -> Array:
    """Heights held, softly, below a share of the rows above the horizon, so that no summit is cut off."""
    cap = z * np.float32(share * view_rows / focal)
    result: Array = height / (1 + np.clip(height / cap, 0, None) ** 4) ** 0.25
    return result


class Ridges:
    """Mountain noise: sharp crests, broken faces."""

    def __init__(self, rng: np.random.Generator, octaves: int, focal: float) -> None:
        self.tile = tile(rng, 256, 8, 3, 0.35)
        self.octaves = octaves
        self.focal = focal
        self.offsets = rng.random((octaves + 2, 2)).astype(np.float32)

    def __call__(self, x: Array, z: Array) -> Array:
        bend = sample(self.tile, x * 0.05 + self.offsets[-1, 0], z * 0.05 + self.offsets[-1, 1]) - 0.5
        x, z = x + bend * 0.7, z + bend * 0.5
        total, weight, last = np.zeros_like(x), 1.0, np.ones_like(x)
        scale = 0.06
        for octave in range(self.octaves):
            n = sample(
                self.tile,
                x * np.float32(scale) + self.offsets[octave, 0],
                z * np.float32(scale) + self.offsets[octave, 1],
            )
            crest = 1 - np.abs(2 * n - 1)
            crest = crest * crest * (0.35 + 0.65 * last)
            # What is finer than a few pixels would only show as streaks.
            pixels = np.float32(self.focal / (8 * scale)) / z
            total += crest * np.float32(weight) * np.clip(pixels * 0.16 - 0.3, 0, 1)
            last, weight, scale = crest, weight * 0.48, scale * 2.05
        result: Array = total * np.float32(0.6)
        return result


def paint_land(stage: Stage, land: Land, colour: Array, soften: float = 0.0) -> None:
    """Lay grid colours on the stage where land is seen."""
    seen = drape(land, colour.astype(np.float32))
    if soften:
        seen = blur(seen, soften)
    stage.rgb += (seen - stage.rgb) * land.cover[..., None]


def lit_colour(stage: Stage, base: Array, lit: Array) -> Array:
    """An object's own colour in the picture's light: shade to key."""
    shade: Colour = stage.light.shade
    result: Array = base * mix(shade, stage.light.key, lit[..., None])
    return result
