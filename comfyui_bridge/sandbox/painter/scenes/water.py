"""Water: a mirror bent by ripples, that deepens in colour towards the eye and glitters under the sun."""

from __future__ import annotations

import numpy as np

from ..canvas import Colour, glow, mix, over
from ..noise import Array, sample, smoothstep, tile, warp
from ..stage import Stage


def waves(stage: Stage, horizon: float, name: str, scale: float = 1.0) -> tuple[Array, Array]:
    """(slope of the water -1..1, nearness 0..1) below the horizon, for the rows from it down."""
    rows = stage.height - int(horizon)
    near = (np.arange(rows, dtype=np.float32)[:, None] + 0.5) / np.float32(
        max(stage.height - horizon, stage.u * 0.3)
    )
    depth = 1 / (near + np.float32(0.03))
    x = (stage.columns() - np.float32(stage.width / 2)) / np.float32(stage.u)
    rng = stage.rng("waves", name)
    field = tile(rng, 256, 8, 4)
    ox, oy = rng.random(2)
    gx = x * depth * np.float32(0.08 * scale) + np.float32(ox)
    gy = depth * np.float32(0.42 * scale) + x * np.float32(0.01) + np.float32(oy)
    long = sample(field, gx, gy)
    fine = sample(field, gx * 3.1 + 0.3, gy * 2.7 + 0.7)
    return (long * 0.62 + fine * 0.38) * 2 - 1, np.broadcast_to(near, long.shape)


def paint_water(
    stage: Stage,
    horizon: float,
    shore: Array,
    body: Colour,
    choppy: float,
    name: str,
    clarity: float = 0.35,
    until: Array | None = None,
) -> Array:
    """Water from each column's shore row down (or up to the cover `until`); returns its cover."""
    top = int(horizon)
    slope, near = waves(stage, horizon, name)
    y = stage.rows()[top:]
    depth_rows = np.float32(stage.u * 0.085 * choppy)
    bend = slope * depth_rows * (0.25 + near)
    mirror_y = 2 * shore[None, :] - y + bend * 1.6
    mirror_y = np.where(mirror_y > shore[None, :] - 1, 2 * (shore[None, :] - 1) - mirror_y, mirror_y)
    mirror_x = stage.columns() + bend * 0.5
    image = warp(stage.rgb, np.broadcast_to(mirror_x, bend.shape), np.clip(mirror_y, 0, stage.height - 1))
    sink = np.clip(near * (0.35 + clarity) + clarity * 0.4 - slope * 0.16 * choppy, 0, 0.92)
    colour = mix(image * np.float32(0.94), body, sink[..., None])
    sparkle = smoothstep(0.55, 0.95, slope) * (0.15 + near * 0.2) * np.float32(choppy)
    colour = colour + stage.light.horizon * sparkle[..., None] * np.float32(0.5)
    cover = np.clip(y - shore[None, :] + 0.5, 0, 1)
    if until is not None:
        cover = cover * until[top:]
    over(stage.rgb[top:], np.clip(colour, 0, 1), cover)
    full = np.zeros((stage.height, stage.width), np.float32)
    full[top:] = cover
    return full


def paint_glitter(stage: Stage, horizon: float, cover: Array, strength: float = 1.0) -> None:
    """The road of light that a low sun or the moon lays on the water."""
    if stage.light.sun_height > 0.5 and stage.light.time != "night":
        strength *= 0.35
    top = int(horizon)
    slope, near = waves(stage, horizon, "glitter", 1.6)
    x = (stage.columns() - np.float32(stage.sun_x * stage.width)) / np.float32(stage.u)
    width = 0.035 + near * 0.2
    road = np.exp(-((x / width) ** 2))
    flecks = smoothstep(0.15 + near * 0.2, 0.55 + near * 0.2, slope + road * 0.35)
    light = flecks * road * (1 - near * 0.35) + road * 0.18
    glow(
        stage.rgb[top:],
        stage.light.sun * (light * cover[top:] * np.float32(strength * stage.light.power))[..., None],
    )
