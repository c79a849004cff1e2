"""Indoors: a table by a window for still lifes, and a plain studio wall for portraits."""

from __future__ import annotations

import numpy as np

from ..canvas import Layer, blur, glow, mix, over, rgb
from ..noise import fbm, sample, smoothstep, tile
from ..palette import HUES
from ..stage import Spot, Stage

WALLS = ("#5f6f6a", "#7a6152", "#50627a", "#8a7a5f", "#6a5570", "#4f5a52")
WOODS = (("#5a3520", "#a8703f"), ("#6a4a30", "#c09060"), ("#3f2a20", "#80563a"), ("#8a6a4a", "#d9b98a"))


def paint_table(stage: Stage) -> None:
    rng, w, h, u = stage.rng("table"), stage.width, stage.height, stage.u
    edge = h * float(rng.uniform(0.6, 0.67))
    side = float(rng.choice((-1, 1)))
    stage.sun_x = 0.5 + side * 0.4
    paint_wall(stage, edge, side)
    paint_wood(stage, edge)
    window_light(stage, edge, side)
    stage.spot = Spot(w * 0.5, edge + (h - edge) * 0.52, min(u * 0.58, edge * 0.86))


def paint_wall(stage: Stage, edge: float, side: float) -> None:
    rng, w, h, u = stage.rng("wall"), stage.width, stage.height, stage.u
    named = [HUES[hue] * np.float32(0.8) for hue in stage.reading.hues[:1]]
    base = named[0] if named else rgb(WALLS[int(rng.integers(len(WALLS)))])
    plaster = fbm(rng, h, w, u * 0.16, 5)
    near = stage.columns() / w if side > 0 else 1 - stage.columns() / w
    lit = smoothstep(-0.1, 1.1, near * 0.75 + (1 - stage.rows() / h) * 0.2)
    tone = mix(stage.light.shade * np.float32(0.75), stage.light.key, lit[..., None])
    stage.rgb[:] = np.clip(base * tone * (0.9 + 0.2 * plaster)[..., None], 0, 1)
    vignette = np.hypot((stage.columns() / w - 0.5), (stage.rows() / h - 0.45))
    stage.rgb *= (1 - 0.35 * smoothstep(0.3, 0.8, vignette))[..., None]


def window_light(stage: Stage, edge: float, side: float) -> None:
    """The light of a window with its bars, slanting over wall and table."""
    rng, w, h, u = stage.rng("window"), stage.width, stage.height, stage.u
    if "rays" in stage.avoid:
        return
    x = (stage.columns() - w * (0.5 - side * 0.12)) / u - (stage.rows() - h * 0.3) / u * 0.45 * -side
    y = (stage.rows() - h * float(rng.uniform(0.2, 0.28))) / u
    pane_w, pane_h, bar = 0.15, 0.19, 0.016
    inside = np.zeros(stage.rgb.shape[:2], np.float32)
    for i in (-1, 0):
        for j in (-1, 0):
            cx, cy = (i + 0.5) * (pane_w + bar), (j + 0.5) * (pane_h + bar)
            inside += ((np.abs(x - cx) < pane_w / 2) & (np.abs(y - cy) < pane_h / 2)).astype(np.float32)
    soft = blur(inside, u * 0.011) * np.float32(0.3 * stage.light.power) * (stage.rows() < edge)
    night = 0.4 if stage.light.time == "night" else 1.0
    glow(stage.rgb, stage.light.key * (soft * np.float32(night))[..., None])
    x0 = w * (0.5 + side * 0.62)
    beam = np.exp(-np.hypot((stage.columns() - x0) / (w * 0.7), (stage.rows() - h * 0.1) / (h * 0.9)) * 2.0)
    glow(stage.rgb, stage.light.sun * (beam * np.float32(0.4 * stage.light.power * night))[..., None])


def paint_wood(stage: Stage, edge: float) -> None:
    """The table's top: planks with grain, in perspective, with a soft sheen."""
    rng, w, h, u = stage.rng("wood"), stage.width, stage.height, stage.u
    top = int(edge)
    y = (stage.rows()[top:] - edge + 1) / np.float32(u)
    z = 1 / (y + 0.42)
    x = (stage.columns() - w / 2) / np.float32(u) * z
    field = tile(rng, 512, 6, 5, 0.55)
    plank = np.floor(z * 3.4)
    offset = (plank * 0.37) % 1.0
    bend = sample(field, x * 0.11 + offset, z * 0.6 + offset)
    rings = sample(field, x * 0.09 + offset * 3, z * 3.2 + bend * 0.35 + offset)
    fine = sample(field, x * 0.7 + offset, z * 9.0)
    dark, light = (rgb(code) for code in WOODS[int(rng.integers(len(WOODS)))])
    tone = np.clip(rings * 0.75 + fine * 0.3 + ((plank * 7) % 5) * 0.04 - 0.05, 0, 1)
    seam = 1 - 0.55 * np.exp(-(((z * 3.4 - plank - 0.02) / 0.02) ** 2))
    side = stage.columns() / w if stage.sun_x > 0.5 else 1 - stage.columns() / w
    lit = np.clip(0.25 + 0.75 * side + 0.0 * y, 0, 1)
    wood = (
        mix(dark, light, tone[..., None])
        * seam[..., None]
        * mix(stage.light.shade * np.float32(0.9), stage.light.key, lit[..., None])
    )
    sheen = np.exp(-y * 5) * 0.28
    mirrored = stage.rgb[np.clip(2 * top - np.arange(top, h), 0, h - 1)]
    wood = mix(wood, blur(mirrored, u * 0.02), np.broadcast_to(sheen[..., None], wood.shape))
    over(stage.rgb[top:], np.clip(wood, 0, 1), np.clip(y * u, 0, 1) * np.ones_like(x))
    lip = np.exp(-((stage.rows() - edge) ** 2) / np.float32((u * 0.004) ** 2))
    glow(stage.rgb, stage.light.key * (lip * np.float32(0.2))[..., None] * np.ones_like(stage.rgb))


def paint_studio(stage: Stage) -> None:
    """A softly lit backdrop, its colour from the words or the seed."""
    rng, w, h, u = stage.rng("studio"), stage.width, stage.height, stage.u
    side = float(rng.choice((-1, 1)))
    stage.sun_x = 0.5 + side * 0.35
    choices = ("#4f6a7a", "#7a5a5f", "#5f6f5a", "#6a5a7d", "#8a6f52", "#3f5a66", "#a0705a")
    base = (
        HUES[stage.reading.hues[0]] if stage.reading.hues else rgb(choices[int(rng.integers(len(choices)))])
    )
    cloth = fbm(rng, h, w, u * 0.3, 5)
    centre = np.hypot((stage.columns() / w - 0.5 - side * 0.1) * 1.1, (stage.rows() / h - 0.42))
    lit = np.exp(-((centre / 0.5) ** 2))
    tone = 0.42 + 0.75 * lit + (cloth - 0.5) * 0.4
    stage.rgb[:] = np.clip(base * mix(stage.light.shade, stage.light.key, 0.75) * tone[..., None], 0, 1)
    if stage.wants("blur") or rng.random() < 0.4:
        bokeh = Layer(h, w)
        for _ in range(22):
            r = u * float(rng.uniform(0.02, 0.055))
            bokeh.ellipse(
                float(rng.random()) * w, float(rng.random()) * h * 0.8, r, r, mix(base, stage.light.sun, 0.6)
            )
        colour, _ = bokeh.pixels()
        glow(stage.rgb, blur(colour, u * 0.006) * np.float32(0.22))
    stage.spot = Spot(w * 0.5, h * 1.0, min(h * 0.94, u * 1.0), ground=False)
