"""A path into a wood: trunks fading into light, leaves overhead, patches of sun on the ground."""

from __future__ import annotations

import numpy as np

from ..canvas import Colour, Layer, blur, glow, mix, over, rgb
from ..noise import Array, fbm, sample, smoothstep, tile
from ..stage import Spot, Stage

LEAVES = {
    "": ("#1f3b22", "#4f7d2f", "#b7cf5a"),
    "spring": ("#2c5230", "#6fa644", "#d3e77f"),
    "summer": ("#1c3d24", "#477a2e", "#a9c850"),
    "autumn": ("#5a2d16", "#c46a1e", "#f4b73f"),
    "winter": ("#3c4a52", "#8fa3ad", "#eef4f7"),
}


def paint(stage: Stage) -> None:
    rng, w, h, u = stage.rng("forest"), stage.width, stage.height, stage.u
    horizon = h * float(rng.uniform(0.5, 0.58))
    goal = w * float(rng.uniform(0.42, 0.58))
    stage.sun_x = goal / w + float(rng.choice((-1, 1))) * float(rng.uniform(0.05, 0.2))
    leaves = [rgb(code) for code in LEAVES[stage.reading.season]]
    night = stage.light.time == "night"
    air_colour = forest_air(stage, leaves)
    paint_glade(stage, horizon, goal, air_colour)
    trees = place_trees(stage, goal)
    steps = (26.0, 15.0, 9.0, 5.6, 3.4, 0.0)
    paint_floor(stage, horizon, goal, air_colour, leaves)
    far = 60.0
    for step, near in enumerate(steps):
        share = step / (len(steps) - 1)
        group = [tree for tree in trees if near <= tree[1] < far]
        paint_trunks(stage, horizon, goal, group, air_colour)
        if stage.reading.season != "winter" or step < 2:
            paint_leaves(stage, horizon, share, leaves, air_colour)
        if step < 4:
            mist = np.exp(-(((stage.rows() - horizon) / (u * 0.2)) ** 2)) * np.float32(0.2 * (1 - share))
            over(stage.rgb, np.broadcast_to(air_colour, stage.rgb.shape), np.broadcast_to(mist, (h, w)))
        far = near
    paint_undergrowth(stage, horizon, goal, leaves)
    if not night or stage.wants("moon"):
        paint_rays(stage, horizon, 0.75 if stage.wants("rays") else 0.45)
    if night:
        paint_fireflies(stage, horizon)
    stage.spot = Spot(w * float(rng.uniform(0.45, 0.55)), h * 0.955, min(u * 0.5, h * 0.58))


def forest_air(stage: Stage, leaves: list[Colour]) -> Colour:
    """The colour of lit air among trees."""
    if stage.light.time == "night":
        return mix(rgb("#243a5c"), stage.light.horizon, 0.3)
    warm = {"sunset": "#ffcf8a", "dawn": "#f6e7c2", "golden": "#fff0b4"}.get(stage.light.time, "#f2f6cc")
    if stage.reading.season == "winter":
        return mix(rgb("#dfe9f0"), stage.light.horizon, 0.3)
    return mix(mix(rgb(warm), leaves[2], 0.22), stage.light.haze, 0.15)


def paint_glade(stage: Stage, horizon: float, goal: float, lit: Colour) -> None:
    """The light at the end of the path, and the green dusk around it."""
    u = stage.u
    distance = np.hypot((stage.columns() - goal) / (u * 0.55), (stage.rows() - horizon * 0.75) / (u * 0.62))
    dusk = mix(stage.light.shade * rgb(LEAVES[stage.reading.season][0]), lit, 0.28)
    haze = np.exp(-(distance**2))
    stage.rgb[:] = mix(dusk, lit, haze[..., None])
    blotch = fbm(stage.rng("far-leaves"), stage.height, stage.width, u * 0.08, 4)
    tone = rgb(LEAVES[stage.reading.season][1])
    over(
        stage.rgb,
        np.broadcast_to(mix(tone, lit, 0.45), stage.rgb.shape),
        smoothstep(0.45, 0.75, blotch) * 0.5 * (1 - haze * 0.6),
    )


def way(stage: Stage, z: Array, goal: float) -> Array:
    """Where the middle of the path lies (pixels) at a depth."""
    rng = stage.rng("way")
    swing, turn = float(rng.uniform(0.35, 0.75)) * float(rng.choice((-1, 1))), float(rng.uniform(0, 0.6))
    offset = swing * np.sin(np.sqrt(z) * 1.35 + turn) - swing * np.sin(1.6 + turn) * np.exp(-z / 2.5)
    result: Array = goal + offset * stage.u * 0.55 / z
    return result


def paint_floor(stage: Stage, horizon: float, goal: float, lit: Colour, leaves: list[Colour]) -> None:
    """The ground: path, moss and fallen leaves, with patches of sun."""
    rng, w, u = stage.rng("floor"), stage.width, stage.u
    top = int(horizon)
    y = stage.rows()[top:] - horizon + 0.5
    z = np.float32(u * 0.5) / y
    x = (stage.columns() - np.float32(w / 2)) / np.float32(u * 0.5) * z
    field = tile(rng, 512, 8, 7, 0.55)
    ground = sample(field, x * 0.11 + 0.2, z * 0.11 + 0.1)
    fine = sample(field, x * 0.7, z * 0.5)
    middle = way(stage, np.maximum(z, 0.3), goal)
    reach = (
        np.abs(stage.columns() - middle)
        / (np.float32(u) * 0.5 / z)
        * (1 + (fine - 0.5) * 0.45 + (ground - 0.5) * 0.3)
    )
    path = 1 - smoothstep(0.4, 0.62, reach)
    earth = mix(rgb("#5a4230"), rgb("#a98a62"), fine[..., None])
    moss = mix(leaves[0], leaves[1], smoothstep(0.25, 0.8, fine * 0.6 + ground * 0.4)[..., None])
    if stage.reading.season == "autumn":
        earth = mix(earth, leaves[1], (smoothstep(0.5, 0.7, fine) * 0.7)[..., None])
    if stage.reading.season == "winter":
        earth, moss = mix(earth, rgb("#e9eef2"), 0.6), mix(rgb("#c9d5de"), rgb("#f6fafc"), fine[..., None])
    colour = mix(moss, earth, path[..., None])
    spots = smoothstep(0.54, 0.72, sample(field, x * 0.8 + 0.6, z * 0.6 + 0.4) * 0.7 + ground * 0.3) * (
        0.55 + 0.45 * smoothstep(0.3, 0.6, fine)
    )
    night = stage.light.time == "night"
    sun = (
        spots * (0.25 if night or stage.light.power < 0.5 else 1.0) * (0.5 if "rays" in stage.avoid else 1.0)
    )
    key = mix(stage.light.key, lit, 0.35)
    shaded = colour * mix(stage.light.shade, np.full(3, 0.5, np.float32), 0.2) * np.float32(0.85)
    bright = colour * key * np.float32(1.2) + key * np.float32(0.14 + 0.1 * (not night))
    colour = mix(shaded, bright, sun[..., None])
    fade = np.exp(-y / np.float32(u * 0.09))
    stage.rgb[top:] = mix(np.clip(colour, 0, 1), lit, (fade * 0.9)[..., None])


def place_trees(stage: Stage, goal: float) -> list[tuple[float, float, float]]:
    """(pixels across, depth, girth) of each tree, far ones first; none on the path."""
    rng = stage.rng("trees")
    trees = []
    for _ in range(150):
        z = float(2.4 * (60 / 2.4) ** (rng.random() ** 0.8))
        across = float(rng.normal(0, 1)) * stage.width * 0.5
        girth = float(rng.uniform(0.7, 1.35))
        middle = float(way(stage, np.array([z], np.float32), goal)[0])
        x = stage.width / 2 + across * (1.1 if z < 6 else 1.0)
        clear = stage.u * (0.42 if z < 8 else 0.6) / z + stage.u * 0.03
        if abs(x - middle) > clear + (stage.u * 0.12 if z < 5 else 0):
            trees.append((x, z, girth))
    return sorted(trees, key=lambda tree: -tree[1])


def paint_trunks(
    stage: Stage, horizon: float, goal: float, trees: list[tuple[float, float, float]], lit: Colour
) -> None:
    rng, u, h = stage.rng("trunks", len(trees)), stage.u, stage.height
    if not trees:
        return
    layer = Layer(h, stage.width)
    bamboo = stage.wants("bamboo")
    for x, z, girth in trees:
        foot = horizon + u * 0.5 / z
        wide = u * (0.17 if not bamboo else 0.075) * girth / z
        bend = float(rng.normal(0, 0.06 if not bamboo else 0.03)) * h
        fade = float(np.clip((z - 2.2) / 24, 0, 0.88)) ** 0.75
        bark, glint = (rgb("#3a2d24"), rgb("#a98b66")) if not bamboo else (rgb("#3f5d2a"), rgb("#a4bf5f"))
        dark = mix(bark * mix(stage.light.shade, np.ones(3, np.float32), 0.25), lit, fade * 0.9)
        bright = mix(glint * stage.light.key, lit, fade * 0.9)
        side = 1 if goal > x else -1
        top = -0.06 * h
        spine = [(x + bend * t * t, foot + (top - foot) * t) for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
        layer.taper(spine, wide * 1.1, wide * 0.62, dark)
        if not bamboo:
            layer.polygon(
                [
                    (x - wide * 0.95, foot + wide * 0.12),
                    (x - wide * 0.5, foot - wide * 0.9),
                    (x + wide * 0.5, foot - wide * 0.9),
                    (x + wide * 0.95, foot + wide * 0.12),
                ],
                dark,
            )
        for k, (offset, share, tone) in enumerate(((0.1, 0.62, 0.22), (0.25, 0.3, 0.6), (0.38, 0.13, 0.95))):
            shifted = [
                (px + side * wide * offset * (1 - 0.35 * i / 4), py) for i, (px, py) in enumerate(spine)
            ]
            layer.taper(
                shifted,
                wide * share,
                wide * share * 0.55,
                mix(dark, bright, tone * (0.75 if stage.light.power < 0.5 else 1.0)),
            )
            if k == 0 and wide > 5:
                for _ in range(stage.count(min(wide * 1.3, 60))):
                    t = float(rng.random()) ** 1.3 * 0.95
                    px, py = (
                        x + bend * t * t + float(rng.uniform(-0.46, 0.46)) * wide * (1 - 0.38 * t),
                        foot + (top - foot) * t,
                    )
                    length = wide * float(rng.uniform(0.2, 0.9))
                    tint = mix(dark, bright, float(rng.random()) * 0.5) * np.float32(rng.uniform(0.6, 1.1))
                    layer.line(
                        [(px, py), (px + float(rng.normal(0, wide * 0.02)), py - length)],
                        max(wide * 0.025, 0.5),
                        tint,
                    )
        if bamboo:
            for t in np.linspace(0.05, 0.95, 10):
                px, py = x + bend * t * t, foot + (top - foot) * t
                layer.line(
                    [(px - wide * 0.5, py), (px + wide * 0.5, py)],
                    max(wide * 0.1, 0.6),
                    mix(dark, bright, 0.8),
                )
        elif z > 2.2 and rng.random() < 0.75:
            for _ in range(int(rng.integers(2, 5))):
                t = float(rng.uniform(0.45, 0.9))
                px, py = x + bend * t * t, foot + (top - foot) * t
                s = float(rng.choice((-1, 1)))
                reach = u * float(rng.uniform(0.3, 0.75)) / z
                layer.taper(
                    [
                        (px, py),
                        (px + s * reach * 0.5, py - reach * 0.22),
                        (px + s * reach, py - reach * float(rng.uniform(0.3, 0.75))),
                    ],
                    wide * 0.3,
                    wide * 0.06,
                    mix(dark, bright, 0.15),
                )
    layer.onto(stage.rgb)


def paint_leaves(stage: Stage, horizon: float, share: float, leaves: list[Colour], lit: Colour) -> None:
    """Leaves of one depth: small and bright behind, large and dark before, thickest above."""
    rng, w, h, u = stage.rng("leaves", share), stage.width, stage.height, stage.u
    clusters = int(26 * (1.25 - 0.5 * share) * max(1.0, w / u))
    per = stage.count(46 - 16 * share)
    size = u * (0.008 + 0.02 * share**1.5)
    spread = u * (0.05 + 0.07 * share)
    edge = rng.random(clusters)
    cx = (
        np.where(
            edge < 0.55,
            rng.random(clusters),
            np.where(edge < 0.775, rng.random(clusters) ** 2 * 0.35, 1 - rng.random(clusters) ** 2 * 0.35),
        )
        * w
    )
    side = np.abs(cx / w - 0.5) * 2
    deepest = horizon * (0.32 + 0.55 * side * (1 - 0.3 * share) + 0.25 * (1 - share))
    cy = rng.random(clusters) ** 1.1 * deepest * (0.9 - 0.35 * share) - u * 0.02
    who = np.repeat(np.arange(clusters), per)
    total = len(who)
    dx, dy = rng.normal(0, 1, total) * spread, rng.normal(0, 0.55, total) * spread
    x, y = cx[who] + dx, cy[who] + dy
    up = smoothstep(-1.2, 1.2, (-dy / (spread * 0.6) + rng.normal(0, 0.6, total)).astype(np.float32))
    toward = np.exp(-(((x - stage.sun_x * w) / (u * 0.5)) ** 2)).astype(np.float32)
    tone = np.clip(up * (0.55 + 0.5 * toward) + 0.15 * (1 - share), 0, 1)
    colours = mix(leaves[0], leaves[1], smoothstep(0.0, 0.5, tone)[:, None])
    colours = mix(colours, leaves[2], smoothstep(0.5, 1.0, tone)[:, None])
    colours = (
        colours * mix(stage.light.shade, stage.light.key, tone[:, None]) * np.float32(1.08 - 0.35 * share)
    )
    colours = mix(colours, lit, np.float32(0.62 * (1 - share) ** 1.2))
    if stage.light.time == "night":
        colours = colours * np.float32(0.75)
    layer = Layer(h, w)
    order = np.argsort(tone + rng.random(total) * 0.3)
    length = size * rng.uniform(0.7, 1.5, total)
    layer.leaves(
        x[order], y[order], length[order], length[order] * 0.55, rng.uniform(0, np.pi, total), colours[order]
    )
    layer.onto(stage.rgb)


def paint_undergrowth(stage: Stage, horizon: float, goal: float, leaves: list[Colour]) -> None:
    """Grass and ferns beside the path, larger towards the eye."""
    rng, w, h, u = stage.rng("undergrowth"), stage.width, stage.height, stage.u
    if stage.reading.season == "winter":
        return
    layer = Layer(h, w)
    count = stage.count(1100 * max(1.0, w / u))
    depth = np.sort(rng.random(count) ** 0.9)
    y = horizon + u * 0.06 + (h * 1.03 - horizon - u * 0.06) * depth
    z = u * 0.5 / (y - horizon)
    x = rng.random(count) * w
    off = np.abs(x - way(stage, z.astype(np.float32), goal)) / (u * 0.5 / z)
    keep = off > 0.5 + 0.15 * rng.random(count)
    x, y, z = x[keep], y[keep], z[keep]
    n = len(x)
    tall = u * rng.uniform(0.025, 0.085, n) / np.maximum(z, 0.5) ** 0.8
    tone = rng.random(n).astype(np.float32)
    sun = (rng.random(n) < 0.3).astype(np.float32)
    colours = mix(mix(leaves[0], leaves[1], tone[:, None]), leaves[2], (sun * tone * 0.8)[:, None])
    colours = colours * mix(stage.light.shade, stage.light.key, (0.3 + 0.6 * sun)[:, None])
    layer.blades(x, y, tall, rng.normal(0, 0.45, n), np.maximum(tall * 0.07, 0.7), colours)
    layer.onto(stage.rgb)
    ferns = Layer(h, w)
    for _ in range(stage.count(9)):
        side = float(rng.choice((-1, 1)))
        y0 = h * float(rng.uniform(0.82, 1.04))
        x0 = w * (0.5 + side * float(rng.uniform(0.3, 0.52)))
        fern(ferns, rng, x0, y0, u * float(rng.uniform(0.12, 0.24)), leaves, stage)
    ferns.onto(stage.rgb)


def fern(
    layer: Layer,
    rng: np.random.Generator,
    x: float,
    y: float,
    size: float,
    leaves: list[Colour],
    stage: Stage,
) -> None:
    for _ in range(int(rng.integers(5, 9))):
        lean = float(rng.uniform(-1.25, 1.25))
        tone = float(rng.random())
        colour = mix(leaves[0], leaves[1], tone) * mix(stage.light.shade, stage.light.key, 0.25 + 0.6 * tone)
        t = np.linspace(0.08, 1, 13)
        reach = size * float(rng.uniform(0.7, 1.1))
        px, py = (
            x + np.sin(lean) * reach * t,
            y - np.cos(lean * 0.75) * reach * t + reach * 0.5 * t**2.4 * abs(np.sin(lean)),
        )
        layer.taper(
            list(zip(px.tolist(), py.tolist(), strict=True)),
            size * 0.02,
            size * 0.004,
            colour * np.float32(0.8),
        )
        leaf = reach * 0.26 * np.sin(np.pi * (0.15 + 0.85 * t))
        heading = np.arctan2(np.gradient(py), np.gradient(px))
        for s in (-1, 1):
            angle = heading + s * 1.05
            layer.leaves(
                px + np.cos(angle) * leaf * 0.5,
                py + np.sin(angle) * leaf * 0.5,
                leaf,
                leaf * 0.26 + 0.6,
                angle,
                np.tile(colour, (len(t), 1)),
            )


def paint_rays(stage: Stage, horizon: float, strength: float) -> None:
    """Beams of light falling through the leaves."""
    if "rays" in stage.avoid or stage.reading.weather in ("rain", "storm", "overcast", "snowfall"):
        return
    rng, u = stage.rng("rays"), stage.u
    ox, oy = stage.sun_x * stage.width, -0.35 * stage.height
    angle = np.arctan2(stage.columns() - np.float32(ox), stage.rows() - np.float32(oy))
    far = np.hypot(stage.columns() - np.float32(ox), stage.rows() - np.float32(oy)) / np.float32(u)
    field = tile(rng, 256, 10, 4, 0.6)[0]
    beams = smoothstep(
        0.5,
        0.85,
        np.interp(angle.ravel() % 1.0 * 255, np.arange(256), field).reshape(angle.shape).astype(np.float32),
    )
    fall = np.exp(-((far - 0.7) ** 2) * 1.6) * smoothstep(0.2, 0.5, far)
    light = blur(beams, u * 0.006) * fall * np.float32(strength * stage.light.power * 0.8)
    glow(stage.rgb, mix(stage.light.sun, stage.light.key, 0.5) * light[..., None])


def paint_fireflies(stage: Stage, horizon: float) -> None:
    rng, u = stage.rng("fireflies"), stage.u
    layer = Layer(stage.height, stage.width)
    for _ in range(stage.count(46)):
        size = u * float(rng.uniform(0.002, 0.005))
        layer.ellipse(
            float(rng.random()) * stage.width,
            horizon + float(rng.normal(0.1, 0.2)) * u,
            size,
            size,
            rgb("#f6ff9a"),
        )
    colour, _ = layer.pixels()
    glow(stage.rgb, np.clip(colour + blur(colour, u * 0.012) * 3.5, 0, 1))
