"""Under water, and where water falls."""

from __future__ import annotations

import numpy as np

from ..canvas import Colour, Layer, blur, glow, mix, over, rgb
from ..noise import fbm, line, sample, smoothstep, tile
from ..stage import Spot, Stage
from . import air
from .forest import LEAVES
from .land import paint_rainbow
from .water import paint_water


def paint_underwater(stage: Stage) -> None:
    rng, w, h, u = stage.rng("underwater"), stage.width, stage.height, stage.u
    stage.sun_x = float(rng.uniform(0.25, 0.75))
    depth = smoothstep(0.0, 1.0, stage.rows() / np.float32(h))[..., None]
    top, middle, deep = rgb("#7fe0e0"), rgb("#1f8fb4"), rgb("#073a63")
    if stage.light.time == "night" or "dark" in stage.reading.moods:
        top, middle, deep = rgb("#2f6f9a"), rgb("#0f3f6a"), rgb("#041530")
    stage.rgb[:] = mix(mix(top, middle, smoothstep(0.0, 0.5, depth)), deep, smoothstep(0.4, 1.0, depth))
    paint_shafts(stage)
    floor = h * float(rng.uniform(0.78, 0.86))
    paint_reef(stage, floor, far=True)
    paint_seabed(stage, floor)
    paint_reef(stage, floor, far=False)
    paint_shoal(stage)
    stage.fronts.append(paint_bubbles)
    stage.spot = Spot(w * float(rng.uniform(0.42, 0.58)), h * 0.72, min(u * 0.5, h * 0.52), ground=False)


def paint_shafts(stage: Stage) -> None:
    """Light from above, broken by waves."""
    rng, u = stage.rng("shafts"), stage.u
    ox, oy = stage.sun_x * stage.width, -0.5 * stage.height
    angle = np.arctan2(stage.columns() - np.float32(ox), stage.rows() - np.float32(oy))
    field = tile(rng, 256, 12, 4, 0.6)[3]
    beams = (
        np.interp((angle.ravel() * 0.9) % 1.0 * 255, np.arange(256), field)
        .reshape(angle.shape)
        .astype(np.float32)
    )
    fade = smoothstep(1.0, 0.1, stage.rows() / np.float32(stage.height))
    glow(
        stage.rgb,
        rgb("#d6fff4") * (smoothstep(0.45, 0.95, blur(beams, u * 0.008)) * fade * np.float32(0.5))[..., None],
    )
    surface = fbm(rng, stage.height, stage.width, u * 0.09, 4, stretch=2.6)
    near = smoothstep(0.16, 0.0, stage.rows() / np.float32(stage.height))
    glow(stage.rgb, rgb("#ffffff") * (smoothstep(0.5, 0.7, surface) * near * np.float32(0.7))[..., None])


def paint_seabed(stage: Stage, floor: float) -> None:
    rng, w, h, u = stage.rng("seabed"), stage.width, stage.height, stage.u
    edge = floor + line(rng, w, u * 0.4, 4) * u * 0.025
    near = np.clip((stage.rows() - edge[None, :]) / np.float32(h - floor), 0, 1)
    ribs = fbm(rng, h, w, u * 0.03, 3, stretch=6)
    sand = mix(rgb("#3f7f8f"), rgb("#cfc49a"), (near * 0.75)[..., None]) * (0.75 + 0.4 * ribs)[..., None]
    field = tile(rng, 256, 7, 2, 0.4)
    x, y = stage.columns() / u, (stage.rows() - floor) / u * 3
    web = 1 - np.abs(2 * sample(field, x * 0.45, y * 0.45) - 1)
    web *= 1 - np.abs(2 * sample(field, x * 0.45 + 0.37, y * 0.45 + 0.21) - 1)
    sand = sand + rgb("#e8fff0") * (smoothstep(0.72, 0.95, web) * 0.4)[..., None]
    over(stage.rgb, np.clip(sand, 0, 1), smoothstep(0, u * 0.012, stage.rows() - edge[None, :]))


CORALS = ("#ff6f61", "#ff9a8b", "#f2c14e", "#b06fd6", "#ff5fa2", "#f28f3b", "#5fd0b0")


def paint_reef(stage: Stage, floor: float, far: bool) -> None:
    """Corals and weed, hazy in the distance, bright at the sides nearby."""
    rng, w, h, u = stage.rng("reef", far), stage.width, stage.height, stage.u
    layer = Layer(h, w)
    haze = rgb("#1b7a9e")
    for _ in range(int((26 if far else 20) * max(1.0, w / u))):
        x = w * (
            float(rng.random()) if far else 0.5 + float(rng.choice((-1, 1))) * float(rng.uniform(0.2, 0.54))
        )
        y = floor + u * (0.02 if far else float(rng.uniform(0.03, 0.17)))
        size = u * float(rng.uniform(0.05, 0.12) if far else rng.uniform(0.08, 0.2))
        colour = rgb(CORALS[int(rng.integers(len(CORALS)))])
        tone = mix(colour, haze, 0.72 if far else 0.12)
        kind = float(rng.random())
        if kind < 0.42:
            weed(
                layer,
                rng,
                x,
                y,
                size * 1.7,
                mix(rgb("#3f9a5a") if rng.random() < 0.6 else rgb("#8a9a3a"), haze, 0.7 if far else 0.15),
            )
        elif kind < 0.74:
            branch(layer, rng, x, y, size * 0.42, -np.pi / 2, size * 0.14, tone, 4)
        else:
            for k in range(14):
                dx, dy = float(rng.normal(0, size * 0.3)), abs(float(rng.normal(0, size * 0.2)))
                r = size * float(rng.uniform(0.09, 0.17))
                layer.ellipse(x + dx, y - dy, r, r, tone * np.float32(0.62 + 0.03 * k))
                layer.ellipse(
                    x + dx - r * 0.2, y - dy - r * 0.25, r * 0.55, r * 0.5, mix(tone, rgb("#fff6e6"), 0.3)
                )
    layer.onto(stage.rgb)


def weed(layer: Layer, rng: np.random.Generator, x: float, y: float, tall: float, colour: Colour) -> None:
    for k in range(5):
        sway, phase = tall * 0.1, float(rng.random()) * 6
        reach = tall * float(rng.uniform(0.6, 1.1))
        path = [
            (x + (k - 2) * tall * 0.05 + np.sin(t * 5 + phase) * sway * t, y - reach * t)
            for t in np.linspace(0, 1, 12)
        ]
        layer.taper(path, tall * 0.05, tall * 0.012, colour * np.float32(0.7 + 0.12 * k))


def branch(
    layer: Layer,
    rng: np.random.Generator,
    x: float,
    y: float,
    length: float,
    angle: float,
    wide: float,
    colour: Colour,
    left: int,
) -> None:
    """A coral's twig and the twigs that grow from it."""
    ex, ey = x + np.cos(angle) * length, y + np.sin(angle) * length
    layer.taper([(x, y), (ex, ey)], wide, wide * 0.75, colour)
    layer.ellipse(ex, ey, wide * 0.42, wide * 0.42, mix(colour, rgb("#fff0e0"), 0.35 if left == 0 else 0.1))
    if left:
        for s in (-1, 1):
            branch(
                layer,
                rng,
                ex,
                ey,
                length * float(rng.uniform(0.68, 0.9)),
                angle + s * float(rng.uniform(0.25, 0.6)),
                wide * 0.72,
                mix(colour, rgb("#ffffff"), 0.04),
                left - 1,
            )


def paint_shoal(stage: Stage) -> None:
    """A shoal of small fish far off."""
    if "fish" in stage.avoid:
        return
    rng, w, h, u = stage.rng("shoal"), stage.width, stage.height, stage.u
    layer = Layer(h, w)
    cx, cy, way = (
        w * float(rng.uniform(0.2, 0.8)),
        h * float(rng.uniform(0.18, 0.45)),
        float(rng.choice((-1, 1))),
    )
    for _ in range(int(rng.integers(18, 34))):
        x, y = cx + float(rng.normal(0, u * 0.16)), cy + float(rng.normal(0, u * 0.06))
        size = u * float(rng.uniform(0.012, 0.022))
        tone = mix(rgb("#0f4f78"), rgb("#ffd27a"), float(rng.random()) * 0.7)
        layer.leaf(x, y, size * 2, size * 0.75, float(rng.normal(0, 0.1)), tone)
        layer.polygon(
            [
                (x - way * size * 0.8, y),
                (x - way * size * 1.4, y - size * 0.4),
                (x - way * size * 1.4, y + size * 0.4),
            ],
            tone,
        )
    layer.onto(stage.rgb, 0.85)


def paint_bubbles(stage: Stage) -> None:
    rng, w, h, u = stage.rng("bubbles"), stage.width, stage.height, stage.u
    rings, shine = Layer(h, w), Layer(h, w)
    for _ in range(5):
        cx = w * float(rng.random())
        for _ in range(int(rng.integers(3, 9))):
            x, y, r = (
                cx + float(rng.normal(0, u * 0.02)),
                h * float(rng.random()),
                u * float(rng.uniform(0.003, 0.014)),
            )
            rings.ellipse(x, y, r, r, rgb("#dffcff"))
            shine.ellipse(x - r * 0.35, y - r * 0.35, r * 0.3, r * 0.3, rgb("#ffffff"))
    rings.onto(stage.rgb, 0.32)
    shine.onto(stage.rgb, 0.9)


def paint_waterfall(stage: Stage) -> None:
    rng, w, h, u = stage.rng("waterfall"), stage.width, stage.height, stage.u
    top, pool = h * float(rng.uniform(0.14, 0.22)), h * float(rng.uniform(0.68, 0.74))
    stage.sun_x = float(rng.choice((0.2, 0.8)))
    air.paint_sky(stage, h * 0.4)
    middle = w * float(rng.uniform(0.42, 0.58))
    wide = u * float(rng.uniform(0.09, 0.15))
    paint_cliff(stage, top, pool, middle, wide)
    paint_fall(stage, top + u * 0.05, pool, middle, wide)
    leaves = [rgb(code) for code in LEAVES[stage.reading.season]]
    drape_leaves(stage, top, pool, middle, wide, leaves, near=False)
    shore = np.full(w, pool, np.float32)
    body = mix(rgb("#1f6a6a"), stage.light.zenith, 0.25) * (0.4 if stage.light.time == "night" else 0.9)
    paint_water(stage, pool, shore, body, 0.5, "pool", 0.2)
    foam(stage, pool, middle, wide)
    if stage.wants("rainbow") or rng.random() < 0.35:
        paint_rainbow(stage, pool * 1.02)
    paint_boulders(stage, pool)
    drape_leaves(stage, top, pool, middle, wide, leaves, near=True)
    stage.spot = Spot(w * (0.3 if middle > w / 2 else 0.7), h * 0.95, min(u * 0.42, h * 0.45))


def paint_cliff(stage: Stage, top: float, pool: float, middle: float, wide: float) -> None:
    rng, w, h, u = stage.rng("cliff"), stage.width, stage.height, stage.u
    away = np.abs(stage.columns()[0] - middle) / (w * 0.5)
    edge = top + u * 0.05 - away**1.3 * u * 0.16 + line(rng, w, u * 0.16, 5) * u * 0.035
    blocks = fbm(rng, h, w, u * 0.12, 5, stretch=0.55)
    cracks = np.abs(2 * fbm(rng, h, w, u * 0.07, 4, stretch=0.3) - 1)
    light = np.clip(0.25 + (blocks - 0.4) * 1.7, 0, 1) * smoothstep(0.0, 0.16, cracks)
    rock = mix(rgb("#2f3534"), rgb("#98917e"), light[..., None]) * mix(
        stage.light.shade, stage.light.key, light[..., None]
    )
    moss = smoothstep(0.5, 0.75, fbm(rng, h, w, u * 0.1, 4)) * 0.6
    rock = mix(
        rock, rgb("#4f7038") * mix(stage.light.shade, stage.light.key, light[..., None]), moss[..., None]
    )
    wet = np.exp(-(((stage.columns() - middle) / (wide * 1.6)) ** 2)) * 0.5
    rock = rock * (1 - wet)[..., None]
    over(
        stage.rgb,
        np.clip(rock, 0, 1),
        np.clip(stage.rows() - edge[None, :] + 0.5, 0, 1) * (stage.rows() < pool + 2),
    )


def paint_fall(stage: Stage, top: float, pool: float, middle: float, wide: float) -> None:
    """Strands of white water, spreading as they fall, with their spray."""
    rng, h, w, u = stage.rng("fall"), stage.height, stage.width, stage.u
    t = np.clip((stage.rows() - top) / np.float32(pool - top), 0, 1)
    spread = wide * (0.62 + 0.5 * t**1.5)
    across = (stage.columns() - middle) / spread
    strand = fbm(rng, h, w, u * 0.02, 4, stretch=0.06)
    lumps = fbm(rng, h, w, u * 0.05, 4, stretch=0.35)
    body = (
        smoothstep(1.05, 0.55, np.abs(across) + (strand - 0.5) * 0.9)
        * (stage.rows() > top - u * 0.01)
        * (stage.rows() < pool + u * 0.02)
    )
    bright = np.clip(0.45 + (strand - 0.5) * 1.5 + (lumps - 0.5) * 0.8, 0, 1)
    colour = mix(
        mix(rgb("#7fa6b8"), stage.light.middle, 0.3) * stage.light.shade,
        rgb("#ffffff") * stage.light.key,
        bright[..., None],
    )
    over(stage.rgb, np.clip(colour, 0, 1), (body * (0.72 + 0.28 * bright)).astype(np.float32))
    mist = np.exp(
        -(((stage.columns() - middle) / (wide * 1.9)) ** 2)
        - ((stage.rows() - pool) / np.float32(u * 0.12)) ** 2
    )
    over(
        stage.rgb,
        np.broadcast_to(mix(stage.light.haze, rgb("#ffffff"), 0.5), stage.rgb.shape),
        mist * 0.8 * (0.6 + 0.4 * lumps),
    )


def foam(stage: Stage, pool: float, middle: float, wide: float) -> None:
    rng, h, w, u = stage.rng("foam"), stage.height, stage.width, stage.u
    lace = fbm(rng, h, w, u * 0.03, 4, stretch=3)
    ring = np.exp(
        -np.hypot((stage.columns() - middle) / (wide * 2.2), (stage.rows() - pool) / np.float32(u * 0.1))
        * 1.6
    )
    white = smoothstep(0.42, 0.62, lace + ring * 0.35 - 0.12) * ring * (stage.rows() > pool - u * 0.01)
    over(
        stage.rgb,
        np.broadcast_to(rgb("#ffffff") * stage.light.key, stage.rgb.shape),
        np.clip(white * 1.3, 0, 0.95).astype(np.float32),
    )


def paint_boulders(stage: Stage, pool: float) -> None:
    rng, w, h, u = stage.rng("boulders"), stage.width, stage.height, stage.u
    layer = Layer(h, w)
    side = 1 if stage.sun_x > 0.5 else -1
    for depth in np.sort(rng.random(22)):
        s = float(rng.choice((-1, 1)))
        x = w * (0.5 + s * float(rng.uniform(0.2, 0.55)))
        y = pool + (h - pool) * (0.05 + 1.0 * float(depth))
        size = u * (0.02 + 0.075 * float(depth)) * float(rng.uniform(0.6, 1.3))
        angles = np.sort(rng.uniform(0, 6.28, 9))
        ring = [
            (
                x + np.cos(a) * size * 1.3 * rng.uniform(0.85, 1.1),
                y + np.sin(a) * size * 0.8 * rng.uniform(0.85, 1.1),
            )
            for a in angles
        ]
        layer.polygon(ring, rgb("#3f4543") * stage.light.shade)
        layer.polygon(
            [(px * 0.86 + x * 0.14 + side * size * 0.12, py * 0.7 + y * 0.3 - size * 0.2) for px, py in ring],
            mix(rgb("#4f5450") * stage.light.shade, rgb("#9a9a8c") * stage.light.key, 0.5),
        )
        layer.polygon(
            [
                (px * 0.55 + x * 0.45 + side * size * 0.25, py * 0.4 + y * 0.6 - size * 0.36)
                for px, py in ring
            ],
            rgb("#a8a898") * stage.light.key * np.float32(0.9),
        )
    layer.onto(stage.rgb)


def drape_leaves(
    stage: Stage, top: float, pool: float, middle: float, wide: float, leaves: list[Colour], near: bool
) -> None:
    """Foliage over the cliff's edge, and dark before the eye at the sides."""
    if "trees" in stage.avoid:
        return
    rng, w, h, u = stage.rng("drape", near), stage.width, stage.height, stage.u
    clusters, per = (16, 60) if near else (44, 40)
    s = rng.choice((-1, 1), clusters)
    if near:
        cx, cy = w * (0.5 + s * rng.uniform(0.4, 0.55, clusters)), h * rng.uniform(-0.02, 1.0, clusters)
    else:
        cx = middle + s * (wide * 1.3 + rng.random(clusters) ** 1.2 * w * 0.5)
        cy = np.where(
            rng.random(clusters) < 0.6, top - np.abs(cx - middle) / w * u * 0.2 + u * 0.05, pool - u * 0.02
        ) + rng.normal(0, u * 0.02, clusters)
    who = np.repeat(np.arange(clusters), stage.count(per))
    n = len(who)
    spread = u * (0.075 if near else 0.05)
    dx, dy = rng.normal(0, 1, n) * spread, rng.normal(0, 0.7, n) * spread
    side = 1 if stage.sun_x > 0.5 else -1
    tone = np.clip(0.45 - dy / spread * 0.3 + side * dx / spread * 0.12 + rng.normal(0, 0.2, n), 0, 1) * (
        0.6 if near else 1
    )
    colours = mix(
        mix(leaves[0], leaves[1], smoothstep(0.0, 0.55, tone)[:, None]),
        leaves[2],
        smoothstep(0.5, 1.0, tone)[:, None],
    )
    colours = colours * mix(stage.light.shade, stage.light.key, tone[:, None])
    size = u * (0.026 if near else 0.013) * rng.uniform(0.6, 1.4, n)
    order = np.argsort(tone)
    layer = Layer(h, w)
    layer.leaves(
        (cx[who] + dx)[order],
        (cy[who] + dy)[order],
        size,
        size * 0.5,
        rng.uniform(0, np.pi, n),
        colours[order],
    )
    layer.onto(stage.rgb)
