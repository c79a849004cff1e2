"""An alpine lake: snow peaks, dark woods along the shore, and all of it again in still water."""

from __future__ import annotations

import numpy as np

from ..canvas import Layer, mix, over, rgb
from ..noise import Array, fbm, sample, smoothstep, tile
from ..stage import Spot, Stage
from . import air, terrain
from .trees import conifers
from .water import paint_glitter, paint_water


def paint(stage: Stage) -> None:
    rng, w, h, u = stage.rng("lake"), stage.width, stage.height, stage.u
    horizon = h * float(rng.uniform(0.47, 0.53))
    stage.sun_x = float(rng.choice((0.12, 0.2, 0.8, 0.88)))
    air.paint_sky(stage, horizon)
    if stage.wants("aurora"):
        air.paint_aurora(stage, horizon)
    view = terrain.View(
        horizon, eye=0.1, near=1.1, far=15, slices=max(160, int(260 * min(stage.detail, 1.1)))
    )
    land = terrain.survey(stage, view, alpine(stage, rng, horizon), sea_level=0.0)
    paint_peaks(stage, land)
    air.paint_mist(stage, horizon - u * 0.02, u * 0.05, 0.55, "shore")
    shore = np.maximum(land.foot, horizon + 1)
    if "trees" not in stage.avoid:
        conifers(stage, shore - u * 0.022, horizon, u * 0.04, 1.6, "slope")
        conifers(stage, shore - u * 0.008, horizon, u * 0.055, 1.8, "bank")
        conifers(stage, shore, horizon, u * 0.08, 1.5, "far-shore")
    body = mix(rgb("#1c5560"), stage.light.zenith, 0.45) * (0.4 if stage.light.time == "night" else 0.85)
    calm = 0.16 if stage.reading.has("reflection") or rng.random() < 0.5 else 0.34
    water = paint_water(stage, horizon, shore, body, calm, "lake", 0.06)
    if stage.light.sun_height < 0.4 or stage.light.time == "night":
        paint_glitter(stage, horizon, water, 0.4)
    paint_near_shore(stage)
    stage.spot = Spot(w * float(rng.uniform(0.4, 0.6)), h * 0.96, min(u * 0.45, h * 0.5))
    if "boat" in stage.reading.subjects:
        stage.spot = Spot(w * float(rng.uniform(0.4, 0.6)), h * 0.74, min(u * 0.34, h * 0.4), False, True)


def alpine(stage: Stage, rng: np.random.Generator, horizon: float) -> terrain.Heights:
    """Peaks round a basin; the basin's floor lies under water."""
    ridges = terrain.Ridges(stage.rng("lake", "ridges"), 7, stage.u)
    peaks = [(float(rng.uniform(-0.55, 0.55)) * stage.width / stage.u, float(rng.uniform(0.9, 1.3)))]
    peaks += [
        (float(rng.uniform(-1.2, 1.2)) * stage.width / stage.u, float(rng.uniform(0.5, 0.85)))
        for _ in range(3)
    ]
    shore = float(rng.uniform(2.2, 2.8))

    def heights(x: Array, z: Array) -> Array:
        across = x / z
        rough = ridges(x * 1.1, z * 1.1)
        mass = np.zeros_like(x)
        for index, (px, tall) in enumerate(peaks):
            far = 6.2 + index * 1.1
            distance = np.hypot((x - px * far * 0.55) / 2.3, (z - far) / 1.7)
            mass = np.maximum(mass, np.exp(-distance * 1.15) * tall)
        sides = smoothstep(0.12, 0.75, np.abs(across) / np.float32(stage.width / stage.u)) * 0.25
        basin = smoothstep(shore, shore + 2.6, z + rough * 0.5 + np.abs(across) * 1.6)
        high = basin * (0.03 + rough * (0.4 + mass * 1.15 + sides) + mass * 1.05) * 1.25 - 0.02
        return terrain.capped(high, z, 0.86, horizon, stage.u)

    return heights


def paint_peaks(stage: Stage, land: terrain.Land) -> None:
    """Rock, snow on what is high and not too steep, woods on what is low."""
    lit, slope = terrain.lighting(stage, land)
    rng = stage.rng("rock")
    grain = sample(tile(rng, 256, 16, 4), land.x * 0.35, land.z * 0.35 + land.height)
    rock = mix(rgb("#54535c"), rgb("#8c7f74"), grain[..., None])
    snow_line = 0.62 if stage.reading.season != "winter" else 0.25
    if stage.reading.has("snowpeaks"):
        snow_line = 0.42
    white = smoothstep(snow_line, snow_line + 0.3, land.height + (grain - 0.5) * 0.5 - slope * 0.55)
    woods = 1 - smoothstep(0.22, 0.48, land.height + (grain - 0.5) * 0.25)
    leaf = {"autumn": ("#8a5a22", "#c98a2c"), "winter": ("#6d7c80", "#aebbc0")}.get(
        stage.reading.season, ("#24402c", "#54703a")
    )
    green = mix(rgb(leaf[0]), rgb(leaf[1]), smoothstep(0.35, 0.75, grain)[..., None])
    base = mix(rock, green, woods[..., None])
    base = mix(base, rgb("#f7fafc"), white[..., None])
    colour = terrain.lit_colour(stage, base, np.clip(lit * 1.15, 0, 1))
    # Snow in shadow takes the sky's blue.
    colour = mix(colour, stage.light.middle * 0.85, (white * (1 - lit) * 0.4)[..., None])
    terrain.paint_land(stage, land, terrain.hazed(stage, land, colour, 17, 0.8))


def paint_near_shore(stage: Stage) -> None:
    """Stones and grass in a corner of the foreground."""
    rng, w, h, u = stage.rng("near-shore"), stage.width, stage.height, stage.u
    side = 1 if stage.sun_x < 0.5 else -1
    x = np.linspace(0, 1, w, dtype=np.float32)
    along = x if side < 0 else 1 - x
    rise = np.clip(1 - along / float(rng.uniform(0.5, 0.75)), 0, 1)
    bump = fbm(rng, 1, w, u * 0.14, 5)[0]
    # Out of sight where the shore ends: a strip along the whole edge would be a frame.
    top = h + 1 - (rise**0.8) * h * 0.16 * (0.5 + bump) - h * 0.012 * np.minimum(rise * 8, 1)
    mask = np.clip(stage.rows() - top[None, :] + 0.5, 0, 1)
    texture = fbm(rng, h, w, u * 0.05, 5, stretch=1.7)
    earth = mix(rgb("#4b4a42"), rgb("#8b8468"), smoothstep(0.3, 0.8, texture)[..., None])
    over(
        stage.rgb,
        earth * mix(stage.light.shade, stage.light.key, smoothstep(0.35, 0.8, texture)[..., None]),
        mask,
    )
    layer = Layer(h, w)
    greens = (rgb("#4d6b35"), rgb("#7d8f45"), rgb("#a3a457"))
    for _ in range(stage.count(260)):
        px = float(rng.random() ** 1.6 * 0.7)
        column = int(np.clip((px if side < 0 else 1 - px) * w, 0, w - 1))
        y = top[column] + float(rng.random()) * (h - top[column])
        length, lean = u * float(rng.uniform(0.015, 0.05)), float(rng.normal(0, 0.35))
        tint = greens[int(rng.integers(3))] * mix(stage.light.shade, stage.light.key, float(rng.random()))
        layer.taper(
            [
                (column, y),
                (column + lean * length * 0.4, y - length * 0.6),
                (column + lean * length, y - length),
            ],
            u * 0.005,
            u * 0.001,
            tint,
        )
    layer.onto(stage.rgb)
