"""Open country under a wide sky: mountain ranges, dunes, snow, fields."""

from __future__ import annotations

import numpy as np

from ..canvas import Colour, Layer, glow, mix, over, rgb
from ..noise import Array, fbm, line, sample, smoothstep, tile
from ..stage import Spot, Stage
from . import air, terrain
from .trees import conifer, conifers


def open_sky(stage: Stage, horizon: float) -> None:
    stage.sun_x = float(stage.rng("sun").choice((0.14, 0.24, 0.76, 0.86)))
    if stage.light.time in ("sunset", "dawn"):
        stage.sun_x = float(stage.rng("sun").uniform(0.25, 0.75))
    air.paint_sky(stage, horizon)
    if stage.wants("aurora"):
        air.paint_aurora(stage, horizon)
    if stage.wants("rainbow"):
        paint_rainbow(stage, horizon)


def paint_rainbow(stage: Stage, horizon: float) -> None:
    x = stage.columns() / stage.u - np.float32(stage.width / stage.u * (1 - stage.sun_x))
    y = (horizon * 1.05 - stage.rows()) / stage.u
    ring = (np.hypot(x, y) - 0.62) / 0.05
    hue = np.clip(ring, 0, 1)[..., None]
    colours = [rgb(code) for code in ("#7a4fd0", "#3f74e0", "#35b36a", "#f4e04a", "#f08a34", "#e0403a")]
    tint = np.zeros(stage.rgb.shape, np.float32)
    for k in range(5):
        tint = np.where(
            (hue >= k / 5) & (hue <= (k + 1) / 5), mix(colours[k], colours[k + 1], hue * 5 - k), tint
        )
    band = np.exp(-(((ring - 0.5) / 0.5) ** 4)) * (y > -0.02) * 0.5
    glow(stage.rgb, tint * band[..., None].astype(np.float32))


# Mountains


def paint_mountains(stage: Stage) -> None:
    rng, w, h, u = stage.rng("mountains"), stage.width, stage.height, stage.u
    inky = stage.reading.medium == "ink" or stage.reading.weather == "fog"
    if inky or (rng.random() < 0.4 and not stage.reading.has("snowpeaks", "volcano", "path")):
        paint_ridges(stage)
        return
    horizon = h * float(rng.uniform(0.5, 0.58))
    open_sky(stage, horizon)
    view = terrain.View(horizon, eye=0.22, near=0.42, far=16, slices=300)
    if stage.reading.has("volcano"):
        land = terrain.survey(stage, view, volcano(stage))
    else:
        land = terrain.survey(stage, view, range_and_meadow(stage, horizon))
    paint_range(stage, land)
    foot = np.clip(horizon + u * 0.1 + line(rng, w, u * 0.4, 3) * u * 0.015, 0, h - 1)
    air.paint_mist(stage, horizon + u * 0.02, u * 0.05, 0.6, "valley")
    if "trees" not in stage.avoid:
        conifers(stage, foot, horizon, u * 0.085, 0.7, "valley")
    paint_meadow(stage, horizon + u * 0.09, "meadow")
    stage.spot = Spot(w * float(rng.uniform(0.42, 0.58)), h * 0.93, min(u * 0.52, h * 0.56))


def range_and_meadow(stage: Stage, horizon: float) -> terrain.Heights:
    rng = stage.rng("range")
    ridges = terrain.Ridges(stage.rng("range", "ridges"), 7, stage.u)
    span = stage.width / stage.u
    peaks = [(float(rng.uniform(-0.4, 0.4)) * span, float(rng.uniform(1.0, 1.35)))]
    peaks += [(float(rng.uniform(-0.9, 0.9)) * span, float(rng.uniform(0.55, 0.95))) for _ in range(4)]

    def heights(x: Array, z: Array) -> Array:
        rough = ridges(x * 1.05, z * 1.05)
        mass = np.zeros_like(x)
        for index, (px, tall) in enumerate(peaks):
            far = 5.6 + index * 1.2
            distance = np.hypot((x - px * far * 0.7) / 2.1, (z - far) / 1.6)
            mass = np.maximum(mass, np.exp(-distance * 1.1) * tall)
        rise = smoothstep(2.0, 5.2, z + rough * 0.5)
        meadow = 0.025 * np.sin(x * 2.1 + 1) * np.cos(z * 1.7)
        high = meadow + rise * (rough * (0.45 + mass * 1.2) + mass * 1.15) * 1.25
        return terrain.capped(high, z, 0.84, horizon, stage.u)

    return heights


def volcano(stage: Stage) -> terrain.Heights:
    rng = stage.rng("volcano")
    ridges = terrain.Ridges(stage.rng("volcano", "ridges"), 6, stage.u)
    px = float(rng.uniform(-0.25, 0.25)) * stage.width / stage.u * 6

    def heights(x: Array, z: Array) -> Array:
        rough = ridges(x, z)
        distance = np.hypot(x - px, (z - 7.5) * 0.9)
        cone = 4.3 * np.exp(-distance * 0.66) - 1.1 * np.exp(-((distance / 0.34) ** 2))
        return smoothstep(2.0, 4.5, z) * (
            cone + rough * 0.22 * np.exp(-distance * 0.1) * (0.4 + distance * 0.15)
        )

    return heights


def paint_range(stage: Stage, land: terrain.Land) -> None:
    """Rock, snow and woods on a range."""
    lit, slope = terrain.lighting(stage, land)
    grain = sample(tile(stage.rng("range-rock"), 256, 16, 4), land.x * 0.35, land.z * 0.35 + land.height)
    warm = stage.rng("rock-tone").random() < 0.35
    rock = mix(rgb("#5b4a42" if warm else "#50525c"), rgb("#a3836a" if warm else "#8f8a86"), grain[..., None])
    snow = {"winter": 0.2, "summer": 1.25, "autumn": 0.95}.get(stage.reading.season, 0.8)
    if stage.reading.has("snowpeaks", "volcano"):
        snow = 0.7
    white = smoothstep(snow, snow + 0.35, land.height + (grain - 0.5) * 0.5 - slope * 0.55)
    leaf = {"autumn": ("#8a5a22", "#c98a2c"), "winter": ("#8797a0", "#dfe7ec")}.get(
        stage.reading.season, ("#2b4a2c", "#6c8a3e")
    )
    woods = 1 - smoothstep(0.3, 0.75, land.height + (grain - 0.5) * 0.3)
    base = mix(
        rock, mix(rgb(leaf[0]), rgb(leaf[1]), smoothstep(0.3, 0.75, grain)[..., None]), woods[..., None]
    )
    base = mix(base, rgb("#f8fafc"), white[..., None])
    colour = terrain.lit_colour(stage, base, np.clip(lit * 1.15, 0, 1))
    colour = mix(colour, stage.light.middle * 0.85, (white * (1 - lit) * 0.4)[..., None])
    terrain.paint_land(stage, land, terrain.hazed(stage, land, colour, 15, 0.8))


def paint_ridges(stage: Stage) -> None:
    """Ridge behind ridge out of the mist, each darker than the one behind it."""
    rng, w, h, u = stage.rng("ridges"), stage.width, stage.height, stage.u
    horizon = h * 0.72
    open_sky(stage, horizon)
    steep = float(rng.uniform(0.6, 1.5))
    count = 6
    near = stage.light.shade * mix(rgb("#47694f"), rgb("#4c6076"), float(rng.random()))
    if stage.light.time == "night":
        near = near * np.float32(0.5)
    for step in range(count):
        t = step / (count - 1)
        base = h * (0.34 + 0.5 * t) + h * float(rng.uniform(-0.03, 0.03))
        swell = line(stage.rng("ridge", step), w, u * (0.42 - 0.1 * t), 7, 0.5)
        top = base - u * (0.1 + 0.1 * (1 - t)) * steep * (swell + 0.3)
        mask = np.clip(stage.rows() - top[None, :] + 0.5, 0, 1)
        tone = mix(mix(stage.light.haze, stage.light.middle, 0.25), near, 0.12 + 0.88 * t**1.3)
        depth = np.clip((stage.rows() - top[None, :]) / np.float32(u * 0.26), 0, 1)
        texture = fbm(stage.rng("ridge-face", step), h, w, u * 0.05, 4, stretch=0.7)
        colour = tone * (0.86 + 0.28 * texture)[..., None]
        colour = mix(colour, stage.light.haze, (smoothstep(0.15, 1.0, depth) * (0.75 - 0.45 * t))[..., None])
        sun = np.exp(-(((stage.columns() / w - stage.sun_x) / 0.35) ** 2)) * (1 - depth) * (1 - t) * 0.3
        colour = colour + stage.light.sun * (sun * np.float32(stage.light.power))[..., None]
        over(stage.rgb, np.clip(colour, 0, 1), mask)
        if t > 0.55 and "trees" not in stage.avoid:
            fringe(stage, top, u * (0.02 + 0.06 * t), tone, step)
        if step < count - 1:
            air.paint_mist(stage, base + u * 0.08, u * 0.05, 0.75, f"ridge{step}")
    stage.spot = Spot(w * float(rng.uniform(0.4, 0.6)), h * 0.9, min(u * 0.46, h * 0.5))


def fringe(stage: Stage, top: Array, tall: float, tone: Colour, step: int) -> None:
    """Firs standing along a ridge."""
    rng, w = stage.rng("fringe", step), stage.width
    layer = Layer(stage.height, w)
    grove = fbm(rng, 1, w, stage.u * 0.3, 3)[0]
    for place in rng.integers(0, w, int(1.4 * w / max(tall * 0.3, 2))):
        if float(grove[place]) > 0.46:
            size = tall * float(rng.uniform(0.5, 1.1))
            dark = tone * np.float32(rng.uniform(0.75, 0.95))
            conifer(
                layer,
                rng,
                float(place),
                float(top[place]) + size * 0.15,
                size,
                dark,
                dark * np.float32(1.1),
                1.0,
            )
    layer.onto(stage.rgb)


def paint_meadow(stage: Stage, top: float, name: str) -> None:
    """Grass and flowers in the foreground, from a row down."""
    rng, w, h, u = stage.rng(name), stage.width, stage.height, stage.u
    season = stage.reading.season
    greens = [
        rgb(code)
        for code in {
            "autumn": ("#54421e", "#96803a", "#d9b652"),
            "winter": ("#9fb0ba", "#d3dde3", "#f6fafc"),
        }.get(season, ("#2a4a22", "#5f8c38", "#b9cf62"))
    ]
    near = np.clip((stage.rows() - top) / np.float32(max(h - top, 1)), 0, 1)
    patches = fbm(rng, h, w, u * 0.16, 5, stretch=3.5)
    light = np.clip(0.78 - 0.3 * near + (patches - 0.5) * 1.1, 0, 1)
    colour = mix(greens[0], mix(greens[1], greens[2], 0.4), light[..., None]) * mix(
        stage.light.shade, stage.light.key, light[..., None]
    )
    colour = mix(colour, stage.light.haze, ((1 - near) ** 3 * 0.4)[..., None])
    roll = line(rng, w, u * 0.5, 4) * u * 0.018
    over(stage.rgb, colour, smoothstep(-u * 0.006, u * 0.012, stage.rows() - top - roll[None, :]))
    if season == "winter":
        return
    layer = Layer(h, w)
    count = stage.count(1500 * max(1.0, w / u))
    depth = np.sort(rng.random(count) ** 0.75)
    y = top + u * 0.02 + (h * 1.03 - top) * depth
    x = rng.random(count) * w
    tall = u * (0.008 + 0.06 * depth**1.3) * rng.uniform(0.6, 1.2, count)
    tone = np.clip(
        light[np.clip(y, 0, h - 1).astype(int), np.clip(x, 0, w - 1).astype(int)] * 0.8
        + rng.normal(0, 0.2, count),
        0,
        1,
    )
    tint = mix(
        mix(greens[0], greens[1], smoothstep(0.0, 0.5, tone)[:, None]),
        greens[2],
        smoothstep(0.5, 1.0, tone)[:, None],
    )
    layer.blades(
        x,
        y,
        tall,
        rng.normal(0.08, 0.3, count),
        np.maximum(tall * 0.09, 0.7),
        tint * mix(stage.light.shade, stage.light.key, tone[:, None]),
    )
    if "flowers" not in stage.avoid:
        many = 260 if stage.reading.has("flowers") else 90
        bloom = [rgb(code) for code in ("#f6f1e4", "#f2c94a", "#c77fd6", "#e8647c", "#7f9de8")]
        keep = [bloom[int(i)] for i in rng.integers(0, 5, 2)]
        count = stage.count(many * max(1.0, w / u))
        depth = np.sort(rng.random(count) ** 0.8)
        for t in depth:
            size = u * (0.0025 + 0.0105 * float(t) ** 1.3)
            px, py = float(rng.random()) * w, top + u * 0.03 + (h - top) * float(t)
            petal = keep[int(rng.integers(2))] * mix(stage.light.shade, stage.light.key, 0.9)
            layer.ellipse(px, py, size, size * 0.8, petal)
            layer.ellipse(
                px - size * 0.2, py - size * 0.25, size * 0.45, size * 0.35, mix(petal, rgb("#ffffff"), 0.4)
            )
    layer.onto(stage.rgb)


# Desert


def paint_desert(stage: Stage) -> None:
    rng, w, h, u = stage.rng("desert"), stage.width, stage.height, stage.u
    horizon = h * float(rng.uniform(0.46, 0.54))
    open_sky(stage, horizon)
    mars = stage.reading.has("mars")
    view = terrain.View(horizon, eye=0.34, near=0.5, far=26, slices=340)
    land = terrain.survey(stage, view, dunes(stage))
    lit, _ = terrain.lighting(stage, land, 1.25)
    sand = rgb("#c2653c") if mars else mix(rgb("#dca566"), rgb("#e8c48e"), float(rng.random()))
    tone = sample(tile(rng, 256, 6, 4), land.x * 0.12, land.z * 0.12)
    base = sand * (0.88 + 0.22 * tone)[..., None]
    shaded = base * mix(stage.light.shade, sand, 0.3) * np.float32(0.8)
    bright = base * stage.light.key * np.float32(1.12)
    colour = terrain.hazed(stage, land, np.clip(mix(shaded, bright, lit[..., None]), 0, 1), 22, 0.75)
    terrain.paint_land(stage, land, colour)
    ripple_sand(stage, land, horizon)
    if mars:
        paint_stones(stage, horizon, sand)
    elif "cactus" not in stage.avoid and (stage.reading.has("cactus") or rng.random() < 0.4):
        paint_cacti(stage, horizon)
    stage.spot = Spot(w * float(rng.uniform(0.42, 0.58)), h * 0.93, min(u * 0.5, h * 0.56))


def dunes(stage: Stage) -> terrain.Heights:
    rng = stage.rng("dunes")
    soft = tile(rng, 512, 5, 3, 0.45)
    ox, oz = rng.random(2)
    turn = float(rng.uniform(-0.5, 0.5))

    def heights(x: Array, z: Array) -> Array:
        along, across = x + z * turn, z - x * turn * 0.5
        bend = sample(soft, x * 0.035 + ox, z * 0.035 + oz) - 0.5
        wave = across * 0.3 + along * 0.12 + bend * 4.2 + np.sin(along * 0.35) * 0.25
        phase = wave - np.floor(wave)
        # A long windward slope, then a steep slip face.
        crest = np.where(phase < 0.72, smoothstep(0.0, 0.72, phase) ** 1.15, 1 - smoothstep(0.72, 1.0, phase))
        size = 0.35 + 0.65 * sample(soft, x * 0.05 + oz, z * 0.05 + ox)
        away = smoothstep(0.6, 2.4, z)
        return away * (crest * size * (0.2 + 0.55 * smoothstep(1.2, 8.0, z)) + bend * 0.3)

    return heights


def ripple_sand(stage: Stage, land: terrain.Land, horizon: float) -> None:
    """The fine ribs that wind draws, near the eye."""
    gx, gz = terrain.drape(land, land.x + land.z * 0), terrain.drape(land, land.z + land.x * 0)
    field = tile(stage.rng("ribs"), 256, 6, 4)
    wobble = sample(field, gx * 0.25, gz * 0.25)
    ribs = np.sin((gz * 1.0 + wobble * 1.1 + gx * 0.22) * np.float32(2 * np.pi / 0.055))
    strength = smoothstep(3.2, 0.5, gz) * 0.055 * land.cover
    stage.rgb *= (1 + ribs * strength)[..., None]
    grain = stage.rng("grit").standard_normal((stage.height, stage.width), dtype=np.float32)
    stage.rgb *= (1 + grain * smoothstep(2.5, 0.5, gz) * 0.03 * land.cover)[..., None]


def paint_cacti(stage: Stage, horizon: float) -> None:
    rng, w, h, u = stage.rng("cacti"), stage.width, stage.height, stage.u
    layer = Layer(h, w)
    side = 1 if stage.sun_x > 0.5 else -1
    for depth in sorted(rng.uniform(0.12, 0.85, 5)):
        y = horizon + (h - horizon) * float(depth)
        tall = u * (0.06 + 0.3 * float(depth))
        edge = float(rng.uniform(0.04, 0.3))
        x = w * (edge if rng.random() < 0.5 else 1 - edge)
        thick = tall * 0.15
        dark, lit = (
            rgb("#35502f") * mix(stage.light.shade, np.ones(3, np.float32), 0.2),
            rgb("#7d9a4f") * stage.light.key,
        )
        arms = [([(x, y), (x, y - tall)], thick)]
        for s in (-1, 1):
            rise, reach = float(rng.uniform(0.35, 0.6)), tall * float(rng.uniform(0.2, 0.28))
            arms.append(
                (
                    [
                        (x, y - tall * rise),
                        (x + s * reach * 0.8, y - tall * rise - thick * 0.2),
                        (x + s * reach, y - tall * (rise + 0.12)),
                        (x + s * reach, y - tall * (rise + 0.32)),
                    ],
                    thick * 0.72,
                )
            )
        for path, wide in arms:
            layer.line(path, wide, dark)
            layer.ellipse(*path[-1], wide / 2, wide / 2, dark)
            shifted = [(px + side * wide * 0.18, py) for px, py in path]
            layer.line(shifted, wide * 0.42, mix(dark, lit, 0.75))
            layer.line(
                [(px - side * wide * 0.2, py) for px, py in path],
                max(wide * 0.07, 0.5),
                dark * np.float32(0.7),
            )
        layer.polygon(
            [
                (x - thick, y),
                (x + thick, y),
                (x + thick - side * tall * 0.7, y + tall * 0.07),
                (x - thick - side * tall * 0.7, y + tall * 0.07),
            ],
            stage.light.shade * rgb("#8a6448"),
        )
    layer.onto(stage.rgb)


def paint_stones(stage: Stage, horizon: float, sand: Colour) -> None:
    rng, w, h, u = stage.rng("stones"), stage.width, stage.height, stage.u
    layer = Layer(h, w)
    for depth in np.sort(rng.random(60)):
        y = horizon + (h - horizon) * (0.05 + 0.95 * float(depth))
        size = u * (0.004 + 0.03 * float(depth) ** 2) * float(rng.uniform(0.5, 1.4))
        x = float(rng.random()) * w
        layer.ellipse(x, y + size * 0.3, size * 1.3, size * 0.4, sand * stage.light.shade * np.float32(0.55))
        ring = [
            (x + np.cos(a) * size * rng.uniform(0.8, 1.1), y + np.sin(a) * size * 0.7 * rng.uniform(0.8, 1.1))
            for a in np.linspace(0, 6.0, 8)
        ]
        layer.polygon(ring, sand * stage.light.shade)
        layer.polygon(
            [(px, py - size * 0.1) for px, py in ring if py < y], sand * stage.light.key * np.float32(0.95)
        )
    layer.onto(stage.rgb)


# Snow


def paint_snow(stage: Stage) -> None:
    rng, w, h, u = stage.rng("snow"), stage.width, stage.height, stage.u
    horizon = h * float(rng.uniform(0.46, 0.54))
    open_sky(stage, horizon)
    view = terrain.View(horizon, eye=0.25, near=0.34, far=18, slices=300)
    ridges = terrain.Ridges(stage.rng("snow", "ridges"), 6, stage.u)
    drift = tile(stage.rng("drift"), 256, 5, 4, 0.42)

    def heights(x: Array, z: Array) -> Array:
        roll = (
            (sample(drift, x * 0.09, z * 0.09) - 0.5)
            * smoothstep(0.3, 1.4, z)
            * (0.34 + 0.4 * smoothstep(1, 5, z))
        )
        return roll + smoothstep(4.5, 10.0, z) * ridges(x * 0.5, z * 0.5) * 2.6

    land = terrain.survey(stage, view, heights)
    lit, slope = terrain.lighting(stage, land, 1.3)
    rock = smoothstep(0.45, 0.7, slope) * smoothstep(0.5, 1.2, land.height)
    base = mix(np.broadcast_to(rgb("#f4f7fb"), (*lit.shape, 3)), rgb("#6d7486"), rock[..., None])
    shade = mix(stage.light.shade, stage.light.middle, 0.55)
    colour = base * mix(shade, np.minimum(stage.light.key * 1.06, 1), np.clip(lit * 1.2, 0, 1)[..., None])
    terrain.paint_land(stage, land, terrain.hazed(stage, land, colour, 15, 0.75))
    sparkle(stage, horizon)
    if "trees" not in stage.avoid:
        plant_firs(stage, horizon)
    stage.spot = Spot(w * float(rng.uniform(0.42, 0.58)), h * 0.92, min(u * 0.52, h * 0.56))


def sparkle(stage: Stage, horizon: float) -> None:
    """Glints of single crystals in the near snow."""
    rng, h, w = stage.rng("sparkle"), stage.height, stage.width
    noise = rng.random((h, w), dtype=np.float32)
    near = np.clip((stage.rows() - horizon) / np.float32(h - horizon), 0, 1)
    glints = (noise > 0.9985) * near * np.float32(stage.light.power)
    glow(stage.rgb, np.broadcast_to(glints[..., None], stage.rgb.shape) * stage.light.sun)


def plant_firs(stage: Stage, horizon: float) -> None:
    """Snow-laden firs, thick at the sides, the middle left open."""
    rng, w, h, u = stage.rng("firs"), stage.width, stage.height, stage.u
    layer = Layer(h, w)
    side = 1.0 if stage.sun_x >= 0.5 else -1.0
    places = []
    for _ in range(int(40 * max(1.0, w / u))):
        depth = float(rng.random()) ** 2.0
        spread = float(np.clip(abs(rng.normal(0.36, 0.14)), 0.16 * depth + 0.05, 0.56))
        places.append((depth, 0.5 + float(rng.choice((-1, 1))) * spread))
    for depth, across in sorted(places):
        y = horizon + u * 0.03 + (h - horizon) * 0.75 * depth**1.4
        tall = u * (0.07 + 0.42 * depth) * float(rng.uniform(0.7, 1.15))
        fade = 0.55 * (1 - depth) ** 1.4
        dark = mix(
            rgb("#2c4248") * mix(stage.light.shade, np.ones(3, np.float32), 0.35), stage.light.haze, fade
        )
        bright = mix(
            mix(rgb("#f2f6fa"), stage.light.middle, 0.15) * stage.light.key, stage.light.haze, fade * 0.8
        )
        snowy_fir(
            layer, rng, w * across, y, tall, dark, bright, mix(dark, bright, 0.55) * rgb("#d5e0f2"), side
        )
    layer.onto(stage.rgb)


def snowy_fir(
    layer: Layer,
    rng: np.random.Generator,
    x: float,
    y: float,
    tall: float,
    dark: Colour,
    lit: Colour,
    half: Colour,
    side: float,
) -> None:
    """A fir of drooping tiers, each with its load of snow."""
    layer.polygon(
        [
            (x - tall * 0.025, y),
            (x - tall * 0.02, y - tall * 0.2),
            (x + tall * 0.02, y - tall * 0.2),
            (x + tall * 0.025, y),
        ],
        dark * np.float32(0.7),
    )
    tiers = int(np.clip(tall / 9, 4, 9))
    for tier in range(tiers):
        t = 1 - tier / tiers
        level, wide = y - tall * (0.1 + 0.9 * (1 - t)), tall * 0.27 * (0.16 + 0.84 * t)
        drop = tall / tiers * 1.25
        rim = [
            (
                x + wide * k,
                level
                + drop * 0.1 * float(rng.uniform(-1, 1))
                + wide * 0.12 * abs(k)
                + (drop * 0.14 if i % 2 else 0),
            )
            for i, k in enumerate((1, 0.72, 0.45, 0.15, -0.15, -0.45, -0.72, -1))
        ]
        layer.polygon([(x, level - drop), *rim], dark)
        load = [(px * 0.86 + x * 0.14, py - drop * 0.2) for px, py in rim]
        layer.polygon([(x, level - drop * 1.02), *load], half)
        bright = [
            (x + (px - x) * (1.0 if (px - x) * side > 0 else 0.25), py - drop * 0.08) for px, py in load
        ]
        layer.polygon([(x, level - drop * 1.03), *bright], lit)


# Fields


CROPS = {
    "lavender": ("#4a3a78", "#8f6fc8", "#c9a8ec"),
    "wheat": ("#8a6424", "#d0a044", "#f4d683"),
    "rapeseed": ("#7f8a1c", "#e6c81e", "#fff06a"),
    "sunflowers": ("#4f6a22", "#e0a81e", "#ffd84a"),
}


def paint_field(stage: Stage) -> None:
    rng, w, h, u = stage.rng("field"), stage.width, stage.height, stage.u
    horizon = h * float(rng.uniform(0.44, 0.54))
    open_sky(stage, horizon)
    crop = next((name for name in CROPS if stage.wants(name)), "")
    if not crop and rng.random() < 0.3 and not stage.reading.season:
        crop = "wheat"
    view = terrain.View(horizon, eye=0.26, near=0.34, far=22, slices=300)
    roll = tile(stage.rng("roll"), 256, 4, 3, 0.4)
    ox = float(rng.random())

    def heights(x: Array, z: Array) -> Array:
        near = (sample(roll, x * 0.05 + ox, z * 0.05) - 0.5) * 0.3 * smoothstep(0.3, 3.0, z)
        return near + (sample(roll, x * 0.02 + 0.4, z * 0.02 + ox) - 0.42) * 1.7 * smoothstep(4.0, 12.0, z)

    land = terrain.survey(stage, view, heights)
    paint_patchwork(stage, land, crop)
    if "trees" not in stage.avoid:
        scatter_trees(stage, land, horizon)
    if crop:
        paint_crop(stage, horizon, [rgb(code) for code in CROPS[crop]], crop)
    else:
        paint_meadow(stage, horizon + (h - horizon) * 0.42, "field-meadow")
    stage.spot = Spot(w * float(rng.uniform(0.42, 0.58)), h * 0.93, min(u * 0.52, h * 0.56))


def paint_patchwork(stage: Stage, land: terrain.Land, crop: str) -> None:
    """Fields of different crops, with furrows, over the hills."""
    rng = stage.rng("patchwork")
    lit, _ = terrain.lighting(stage, land, 1.2)
    gx, gz = land.x + land.z * 0, land.z + land.x * 0
    field = tile(rng, 256, 5, 3)
    cell_x = np.floor(gx * 0.42 + sample(field, gx * 0.03, gz * 0.03) * 1.6)
    cell_z = np.floor(gz * 0.3 + sample(field, gz * 0.04, gx * 0.04) * 1.2)
    pick = ((cell_x * 37 + cell_z * 91 + 13) % 7).astype(int)
    season = {
        "autumn": ("#a8863a", "#8a6a2c", "#c9a04a", "#7f7434", "#b98f3c", "#96602c", "#d6b45e"),
        "winter": ("#e6edf2", "#d3dde4", "#f4f7fa", "#c3cfd8", "#eef3f6", "#dbe4ea", "#f8fafb"),
    }
    tones = season.get(
        stage.reading.season, ("#6f9440", "#8aa84a", "#5a8038", "#b3b457", "#7fa04a", "#98a04c", "#547a36")
    )
    palette = np.stack([rgb(code) for code in tones])
    if crop:
        palette[::2] = rgb(CROPS[crop][1])
    base = palette[pick]
    furrow = np.sin((gx * np.cos(pick) + gz * np.sin(pick)) * 26) * smoothstep(9.0, 1.0, gz)
    fine = sample(field, gx * 0.6, gz * 0.6)
    base = base * (0.86 + 0.25 * fine + 0.06 * furrow)[..., None]
    colour = terrain.lit_colour(stage, base, np.clip(lit * 1.15, 0, 1))
    terrain.paint_land(stage, land, terrain.hazed(stage, land, np.clip(colour, 0, 1), 16, 0.75))


def scatter_trees(stage: Stage, land: terrain.Land, horizon: float) -> None:
    """Round trees and hedges, small with distance."""
    rng, w, u = stage.rng("scatter-trees"), stage.width, stage.u
    layer = Layer(stage.height, w)
    side = 1 if stage.sun_x > 0.5 else -1
    leaf = {
        "autumn": ("#7a3f16", "#e09a34"),
        "winter": ("#59666c", "#c9d3d8"),
        "spring": ("#4a6a34", "#a8cf62"),
    }.get(stage.reading.season, ("#274a28", "#7fa048"))
    blossom = stage.wants("blossom")
    for z in np.sort(rng.uniform(1.6, 13, int(34 * max(1.0, w / u))))[::-1]:
        index = int(np.argmin(np.abs(land.z[:, 0] - z)))
        column = int(rng.integers(0, w))
        x = float(column)
        y = horizon - (float(land.height[index, column]) - 0.26) * u / float(z)
        if not horizon - u * 0.1 < y < stage.height * 1.02:
            continue
        tall = u * 0.34 * float(rng.uniform(0.6, 1.2)) / float(z) ** 0.95
        fade = 1 - np.exp(-float(z) / 14)
        dark = mix(rgb(leaf[0]) * stage.light.shade, stage.light.haze, fade)
        lit = mix(rgb("#f3b6c8" if blossom else leaf[1]) * stage.light.key, stage.light.haze, fade)
        layer.line([(x, y), (x, y - tall * 0.5)], max(tall * 0.07, 0.6), dark * np.float32(0.8))
        count = int(np.clip(tall * 3.2, 12, 240))
        angle, reach = rng.uniform(0, 6.28, count), np.sqrt(rng.random(count))
        dx, dy = np.cos(angle) * reach * tall * 0.36, np.sin(angle) * reach * tall * 0.32
        tone = np.clip(0.5 + dx * side / tall * 0.9 - dy / tall * 1.3 + rng.normal(0, 0.15, count), 0, 1)
        order = np.argsort(tone)
        size = np.maximum(tall * rng.uniform(0.05, 0.11, count), 1.2)
        colours = mix(dark, lit, tone[:, None])
        layer.leaves(
            (x + dx)[order],
            (y - tall * 0.68 + dy)[order],
            size[order],
            size[order] * 0.8,
            angle[order],
            colours[order],
        )
    layer.onto(stage.rgb)


def paint_crop(stage: Stage, horizon: float, tones: list[Colour], crop: str) -> None:
    """Rows of a crop running to the horizon."""
    rng, w, h, u = stage.rng("crop"), stage.width, stage.height, stage.u
    top = horizon + (h - horizon) * 0.12
    vanish = w * float(rng.uniform(0.35, 0.65))
    layer = Layer(h, w)
    count = stage.count(3600 * max(1.0, w / u))
    depth = np.sort(rng.random(count) ** 0.85)
    y = top + (h * 1.05 - top) * depth
    z = (h * 1.05 - horizon) / np.maximum(y - horizon, 1)
    rows = np.round(rng.uniform(-14, 14, count) * z * 0.9)
    jitter = rng.normal(0, 0.2 if crop != "wheat" else 0.42, count)
    x = vanish + (rows + jitter) * u * 0.085 / z * (1.3 if crop == "lavender" else 0.8)
    tall = u * 0.1 / z * rng.uniform(0.7, 1.15, count)
    tone = np.clip(0.45 + 0.4 * jitter + rng.normal(0, 0.22, count), 0, 1)
    colours = mix(
        mix(tones[0], tones[1], smoothstep(0.0, 0.5, tone)[:, None]),
        tones[2],
        smoothstep(0.5, 1.0, tone)[:, None],
    )
    colours = colours * mix(stage.light.shade, stage.light.key, np.clip(tone + 0.25, 0, 1)[:, None])
    fade = np.clip((z - 1) / 9, 0, 0.55)[:, None]
    layer.blades(
        x,
        y,
        tall,
        rng.normal(0.06, 0.22, count),
        np.maximum(tall * (0.16 if crop != "wheat" else 0.09), 0.8),
        mix(colours, stage.light.haze, fade),
    )
    if crop == "sunflowers":
        for k in range(0, count, 7):
            size = float(tall[k]) * 0.36
            if size > 1.0:
                lit = stage.light.key
                for a in np.linspace(0, 6.28, 9)[:-1]:
                    layer.leaf(
                        float(x[k]) + np.cos(a) * size * 0.6,
                        float(y[k] - tall[k]) + np.sin(a) * size * 0.6,
                        size * 0.9,
                        size * 0.4,
                        float(a),
                        rgb("#f6bf2a") * lit,
                    )
                layer.ellipse(
                    float(x[k]), float(y[k] - tall[k]), size * 0.45, size * 0.45, rgb("#4a2f1a") * lit
                )
    layer.onto(stage.rgb)
