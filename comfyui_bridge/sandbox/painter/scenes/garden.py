"""A garden close to the ground: lawn and flowers, bushes out of focus behind, light through leaves."""

from __future__ import annotations

import numpy as np

from ..canvas import Colour, Layer, blur, glow, mix, over, rgb
from ..noise import fbm, resize, smoothstep, unit
from ..palette import HUES
from ..stage import Spot, Stage
from .trees import daisy, tulip

BEDS = (
    ("#f2a0bd", "#f7d9e3", "#c95b8c", "#ffffff"),
    ("#e5503f", "#f6b23c", "#fff2d8", "#d8365a"),
    ("#8a6fd1", "#c9b5f0", "#f3eefc", "#f0c94a"),
    ("#ffffff", "#f8e27a", "#f2a65a", "#9cc6ee"),
    ("#ef7fa6", "#f6c453", "#a98ae0", "#fdf4ee"),
)
GREENS = {
    "": ("#1d3f22", "#4b8435", "#b4d45c"),
    "spring": ("#28542c", "#63a344", "#cbe87a"),
    "summer": ("#1b4424", "#458a33", "#aed256"),
    "autumn": ("#4a3a1c", "#9a8236", "#e2b84e"),
    "winter": ("#5b6f74", "#a9bcc2", "#eff5f8"),
}


def paint(stage: Stage) -> None:
    rng, w, h, u = stage.rng("garden"), stage.width, stage.height, stage.u
    lawn = h * float(rng.uniform(0.56, 0.64))
    stage.sun_x = float(rng.choice((0.15, 0.25, 0.75, 0.85)))
    greens = [rgb(code) for code in GREENS[stage.reading.season]]
    bed = flower_colours(stage)
    flowers = "flowers" not in stage.avoid and stage.reading.season != "winter"
    # All of it is out of focus: half the size is enough.
    small = stage.at_size(max(8, w // 2), max(8, h // 2))
    paint_backdrop(small, lawn * small.height / h, greens, bed if flowers else [])
    stage.rgb[:] = unit(resize(small.rgb, h, w))
    paint_lawn(stage, lawn, greens)
    if flowers:
        paint_flowers(stage, lawn, bed, greens, before=False)
        stage.fronts.append(lambda s: paint_flowers(s, lawn, bed, greens, before=True))
    stage.fronts.append(lambda s: paint_foreground(s, greens, bed if flowers else []))
    stage.spot = Spot(w * float(rng.uniform(0.46, 0.54)), h * 0.935, min(u * 0.74, h * 0.8))


def flower_colours(stage: Stage) -> list[Colour]:
    rng = stage.rng("bed")
    colours = [rgb(code) for code in BEDS[int(rng.integers(len(BEDS)))]]
    worn = tuple(hue for thing, hue in stage.reading.coats if thing == "flowers")
    named = [HUES[hue] for hue in worn + stage.reading.hues if hue not in ("green", "black", "brown", "grey")]
    return named + colours[: max(1, 4 - 2 * len(named))]


def paint_backdrop(stage: Stage, lawn: float, greens: list[Colour], bed: list[Colour]) -> None:
    """Trees and bushes far out of focus, the sky's light between them, discs of light."""
    rng, w, h, u = stage.rng("backdrop"), stage.width, stage.height, stage.u
    night = stage.light.time == "night"
    low = smoothstep(0.0, 1.0, stage.rows() / np.float32(lawn))[..., None]
    sky_side = np.exp(-(((stage.columns() / w - stage.sun_x) / 0.55) ** 2))[..., None]
    top = mix(greens[1], mix(stage.light.horizon, stage.light.sun, 0.3), 0.75 * sky_side)
    base = mix(top, greens[0] * np.float32(1.1), low * 0.75)
    stage.rgb[:] = base * mix(stage.light.shade, stage.light.key, 0.6 + 0.4 * sky_side)
    for cell, share, index in ((0.3, 0.75, 0), (0.16, 0.7, 1), (0.09, 0.4, 2)):
        masses = blur(smoothstep(0.47, 0.6, fbm(rng, h, w, u * cell, 3)), u * 0.018)
        colour = mix(greens[index], stage.light.horizon, 0.12 * index) * mix(
            stage.light.shade, stage.light.key, 0.25 + 0.33 * index
        )
        over(
            stage.rgb,
            np.broadcast_to(colour, stage.rgb.shape),
            masses * np.float32(share) * (1 - 0.3 * low[..., 0]),
        )
    bushes = Layer(h, w)
    for _ in range(int(120 * max(1.0, w / u))):
        x, size = float(rng.random()) * w, u * float(rng.uniform(0.012, 0.035))
        y = lawn - u * abs(float(rng.normal(0, 0.11))) + u * 0.01
        tone = float(rng.random())
        colour = mix(greens[0], greens[1], tone)
        if bed and rng.random() < 0.55:
            colour = bed[int(rng.integers(len(bed)))]
        bushes.ellipse(
            x, y, size, size * 0.85, colour * mix(stage.light.shade, stage.light.key, 0.4 + 0.6 * tone)
        )
    colour, alpha = bushes.pixels()
    soft = u * 0.012
    stage.rgb *= 1 - blur(alpha, soft)[..., None] * np.float32(0.85)
    stage.rgb += blur(colour, soft) * np.float32(0.85)
    if "blur" in stage.avoid:
        return
    bokeh = Layer(h, w)
    for _ in range(int(26 * max(1.0, w / u))):
        size = u * float(rng.uniform(0.014, 0.045))
        x = float(np.clip(rng.normal(stage.sun_x, 0.3), 0, 1)) * w
        tint = mix(stage.light.sun, greens[2], float(rng.random()) * 0.7)
        bokeh.ellipse(x, float(rng.random()) ** 1.3 * lawn * 0.9, size, size, tint)
    colour, _ = bokeh.pixels()
    glow(stage.rgb, blur(colour, u * 0.004) * np.float32(0.16 if night else 0.3 * stage.light.power))
    haze = np.exp(-np.hypot((stage.columns() / w - stage.sun_x) * stage.aspect, stage.rows() / h) * 2.2)
    glow(stage.rgb, stage.light.sun * (haze * np.float32(0.45 * stage.light.power))[..., None])


def paint_lawn(stage: Stage, lawn: float, greens: list[Colour]) -> None:
    """Grass: a soft far lawn, then blades growing with nearness."""
    rng, w, h, u = stage.rng("lawn"), stage.width, stage.height, stage.u
    near = np.clip((stage.rows() - lawn) / np.float32(h - lawn), 0, 1)
    patches = fbm(rng, h, w, u * 0.14, 4, stretch=3)
    light = np.clip(0.75 - 0.35 * near + (patches - 0.5) * 0.9, 0, 1)
    colour = mix(greens[0] * np.float32(1.25), mix(greens[1], greens[2], 0.45), light[..., None])
    colour = colour * mix(stage.light.shade, stage.light.key, np.clip(light * 1.1, 0, 1)[..., None])
    over(stage.rgb, colour, smoothstep(-u * 0.02, u * 0.03, stage.rows() - lawn + (patches - 0.5) * u * 0.04))
    layer = Layer(h, w)
    count = stage.count(2600 * max(1.0, w / u))
    depth = np.sort(rng.random(count) ** 0.8)
    y = lawn + (h * 1.04 - lawn) * depth
    x = rng.random(count) * w
    tall = u * (0.02 + 0.085 * depth) * rng.uniform(0.55, 1.2, count)
    rows, columns = np.clip(y, 0, h - 1).astype(int), np.clip(x, 0, w - 1).astype(int)
    tone = np.clip(light[rows, columns] * 0.75 + rng.normal(0, 0.2, count), 0, 1).astype(np.float32)
    colours = mix(
        mix(greens[0], greens[1], smoothstep(0.0, 0.55, tone)[:, None]),
        greens[2],
        smoothstep(0.5, 1.0, tone)[:, None],
    )
    colours = colours * mix(stage.light.shade, stage.light.key, tone[:, None])
    layer.blades(x, y, tall, rng.normal(0.05, 0.3, count), np.maximum(tall * 0.075, 0.7), colours)
    layer.onto(stage.rgb)


def paint_flowers(stage: Stage, lawn: float, bed: list[Colour], greens: list[Colour], before: bool) -> None:
    """Flowers with their stems; those before the subject keep to the sides."""
    rng, w, h, u = stage.rng("flowers", before), stage.width, stage.height, stage.u
    layer = Layer(h, w)
    kind = int(stage.rng("kind").integers(3))
    count = stage.count((11 if before else 40) * max(1.0, w / u))
    depths = np.sort(rng.random(count)) * (0.3 if before else 0.86) + (0.72 if before else 0.06)
    for depth in depths:
        side = float(rng.choice((-1, 1)))
        x = (
            w * float(rng.random())
            if not before
            else w * 0.5 + side * (u * 0.26 + float(rng.random()) * (w * 0.5 - u * 0.2))
        )
        y = lawn + (h * 1.03 - lawn) * float(depth)
        size = u * (0.012 + 0.034 * float(depth)) * float(rng.uniform(0.75, 1.25))
        stem = size * float(rng.uniform(2.2, 4.6))
        lean = float(rng.normal(0, 0.2)) * stem
        lit = float(rng.uniform(0.55, 1.0))
        tint = mix(stage.light.shade, stage.light.key, lit)
        green = mix(greens[0], greens[1], 0.6) * tint
        layer.taper(
            [(x, y), (x + lean * 0.3, y - stem * 0.5), (x + lean, y - stem)],
            max(size * 0.14, 0.8),
            max(size * 0.09, 0.6),
            green,
        )
        for s in (-1, 1):
            layer.leaf(
                x + s * size * 0.5,
                y - stem * float(rng.uniform(0.15, 0.4)),
                size * 1.3,
                size * 0.34,
                -0.9 if s > 0 else -2.2,
                green,
            )
        petal = bed[int(rng.integers(len(bed)))] * tint
        shape = kind if rng.random() < 0.65 else int(rng.integers(3))
        if shape == 0:
            daisy(layer, rng, x + lean, y - stem, size, petal, rgb("#f2bd3a") * tint)
        elif shape == 1:
            tulip(layer, x + lean, y - stem, size * 1.15, petal)
        else:
            for back in (0.75, 0.92, 1.08):
                for angle in rng.uniform(0, 6.28, 4):
                    r = size * (1.05 - back * 0.75)
                    layer.ellipse(
                        x + lean + np.cos(angle) * r,
                        y - stem + np.sin(angle) * r * 0.7,
                        size * 0.52,
                        size * 0.44,
                        np.clip(petal * np.float32(back), 0, 1),
                    )
    layer.onto(stage.rgb)


def paint_foreground(stage: Stage, greens: list[Colour], bed: list[Colour]) -> None:
    """A few blades before the subject's feet, and large soft shapes in the lower corners."""
    rng, w, h, u = stage.rng("foreground"), stage.width, stage.height, stage.u
    layer = Layer(h, w)
    count = stage.count(420 * max(1.0, w / u))
    x = rng.random(count) * w
    y = h * rng.uniform(0.96, 1.05, count)
    tall = u * rng.uniform(0.04, 0.105, count)
    tone = rng.random(count).astype(np.float32)
    colours = mix(mix(greens[0], greens[1], tone[:, None]), greens[2], (tone**3 * 0.7)[:, None]) * mix(
        stage.light.shade, stage.light.key, tone[:, None]
    )
    layer.blades(x, y, tall, rng.normal(0, 0.35, count), tall * 0.07, colours)
    layer.onto(stage.rgb)
    if "blur" in stage.avoid:
        return
    soft = Layer(h, w)
    for _ in range(9):
        side = float(rng.choice((0, 1)))
        px = w * (side + (1 - 2 * side) * float(rng.uniform(-0.02, 0.15)))
        size = u * float(rng.uniform(0.03, 0.075))
        colour = bed[int(rng.integers(len(bed)))] if bed and rng.random() < 0.6 else greens[1]
        soft.ellipse(
            px,
            h * float(rng.uniform(0.86, 1.02)),
            size,
            size * 0.85,
            colour * mix(stage.light.shade, stage.light.key, 0.7),
        )
    colour, alpha = soft.pixels()
    stage.rgb *= 1 - blur(alpha, u * 0.02)[..., None] * np.float32(0.75)
    stage.rgb += blur(colour, u * 0.02) * np.float32(0.75)
