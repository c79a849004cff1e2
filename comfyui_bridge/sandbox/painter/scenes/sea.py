"""The sea from its beach: sky, sun road, waves, wet sand, a headland, perhaps palms, sails and gulls."""

from __future__ import annotations

import numpy as np

from ..canvas import Layer, blur, mix, over, rgb, spline
from ..noise import Array, fbm, line, smoothstep
from ..stage import Spot, Stage
from . import air
from .water import paint_glitter, paint_water


def paint(stage: Stage) -> None:
    rng, w, h, u = stage.rng("sea"), stage.width, stage.height, stage.u
    horizon = h * float(rng.uniform(0.46, 0.56))
    stage.sun_x = float(rng.choice((rng.uniform(0.22, 0.42), rng.uniform(0.58, 0.78))))
    air.paint_sky(stage, horizon)
    if stage.wants("aurora"):
        air.paint_aurora(stage, horizon)
    if "mountains" not in stage.avoid:
        paint_headland(stage, horizon, -1 if stage.sun_x > 0.5 else 1)
    shore = np.full(w, horizon, np.float32)
    deep = mix(rgb("#1d5f78"), stage.light.zenith, 0.4)
    if stage.light.time == "night":
        deep = rgb("#08182c")
    water = paint_water(stage, horizon, shore, deep, 1.0, "sea", 0.25)
    paint_glitter(stage, horizon, water)
    paint_beach(stage, horizon)
    if stage.wants("birds") or (
        rng.random() < 0.7 and "birds" not in stage.avoid and stage.light.time != "night"
    ):
        paint_gulls(stage, horizon)
    palms = stage.wants("palms") or (rng.random() < 0.4 and not stage.avoid & {"trees", "palms"})
    if palms:
        paint_palm(stage)
    if "boat" in stage.reading.subjects:
        stage.spot = Spot(
            w * float(rng.uniform(0.35, 0.65)),
            horizon + (h - horizon) * 0.32,
            min(u * 0.5, h * 0.55),
            False,
            True,
        )
    else:
        stage.spot = Spot(w * (0.38 if stage.sun_x > 0.5 else 0.62), h * 0.95, min(u * 0.52, h * 0.6))


def paint_headland(stage: Stage, horizon: float, side: int) -> None:
    """Far cliffs reaching into the sea from one side, in two steps of haze."""
    rng, w, u = stage.rng("headland"), stage.width, stage.u
    for step, (rise, reach, fade) in enumerate(((0.085, 0.62, 0.62), (0.05, 0.36, 0.35))):
        x = np.linspace(0, 1, w, dtype=np.float32)
        along = x if side < 0 else 1 - x
        slope = smoothstep(0.0, 1.0, 1 - along / reach * float(rng.uniform(0.8, 1.2)))
        crest = slope * (rise + 0.05 * line(rng, w, u * 0.25, 5, 0.5)) * u * 1.4
        rows = horizon - np.maximum(crest, 0)
        mask = np.clip(stage.rows() - rows[None, :] + 0.5, 0, 1) * (stage.rows() < horizon + 1)
        base = mix(stage.light.shade * rgb("#6b7258"), stage.light.haze, fade)
        relief = fbm(stage.rng("headland", step), stage.height, w, u * 0.06, 4)
        over(stage.rgb, base * (0.82 + 0.36 * relief[..., None]), mask * (crest > 0.6)[None, :])


def paint_beach(stage: Stage, horizon: float) -> None:
    """Sand in the foreground: a curved wet edge with foam, ripples of light, pebbles."""
    rng, w, h, u = stage.rng("beach"), stage.width, stage.height, stage.u
    x = np.linspace(0, 1, w, dtype=np.float32)
    lean = float(rng.uniform(-0.14, 0.14))
    edge = h * (0.78 + lean * (x - 0.5) * 2) + (h - horizon) * 0.05 * np.sin(
        x * rng.uniform(3, 6) + rng.uniform(0, 6)
    )
    edge = edge + line(rng, w, u * 0.25, 4) * u * 0.012
    y = stage.rows()
    below = (y - edge[None, :]) / np.float32(u)
    sand = rgb("#d9b98a")
    dry = sand * mix(stage.light.shade, stage.light.key, 0.72)
    texture = fbm(rng, h, w, u * 0.05, 5, stretch=3)
    ripple = fbm(rng, h, w, u * 0.02, 3, stretch=5)
    tone = (0.84 + 0.22 * texture + 0.12 * (ripple - 0.5))[..., None]
    wetness = 1 - smoothstep(0.0, 0.17, below + (texture - 0.5) * 0.05)
    mirror = stage.rgb[np.clip((2 * horizon - y).astype(int)[:, 0], 0, h - 1)]
    wet = mix(dry * 0.6, blur(mirror, u * 0.03), 0.5)
    colour = mix(dry * tone, wet, wetness[..., None])
    over(stage.rgb, np.clip(colour, 0, 1), smoothstep(0.0, 0.012, below))
    paint_shells(stage, edge)
    # Foam: the lace of the last wave, and thinner lines of those behind it.
    lace = fbm(rng, h, w, u * 0.03, 4, stretch=2)
    for offset, width, strength in (
        (0.0, 0.013, 0.95),
        (-0.055, 0.008, 0.6),
        (-0.11, 0.005, 0.4),
        (0.035, 0.004, 0.35),
    ):
        bent = below - offset + (lace - 0.5) * 0.03
        foam = np.exp(-((bent / width) ** 2)) * smoothstep(0.3, 0.62, lace + 0.12) * strength
        white = mix(stage.light.key, rgb("#ffffff"), 0.55) if stage.light.time != "night" else stage.light.key
        over(stage.rgb, np.broadcast_to(white, stage.rgb.shape), np.clip(foam, 0, 1).astype(np.float32))


def paint_shells(stage: Stage, edge: Array) -> None:
    """Pebbles, shells and a starfish on the dry sand, each with its little shadow."""
    rng, w, h, u = stage.rng("shells"), stage.width, stage.height, stage.u
    layer = Layer(h, w)
    side = -1 if stage.sun_x > 0.5 else 1
    tones = [rgb(code) for code in ("#f2e3cf", "#c9a58a", "#8a7a70", "#e8b8a0", "#fbf4ea")]
    for depth in np.sort(rng.random(stage.count(70 * max(1.0, w / u)))):
        x = float(rng.random()) * w
        top = float(edge[int(min(x, w - 1))]) + u * 0.05
        y = top + (h - top) * float(depth)
        if y < top + 1:
            continue
        size = u * (0.0015 + 0.006 * float(depth) ** 1.5) * float(rng.uniform(0.5, 1.4))
        tone = tones[int(rng.integers(len(tones)))] * mix(stage.light.shade, stage.light.key, 0.8)
        layer.ellipse(
            x + side * size * 0.8,
            y + size * 0.25,
            size * 1.3,
            size * 0.45,
            stage.light.shade * rgb("#a8835c"),
        )
        layer.ellipse(x, y, size, size * 0.65, tone)
        layer.ellipse(
            x - side * size * 0.25, y - size * 0.2, size * 0.45, size * 0.25, mix(tone, stage.light.sun, 0.5)
        )
    if rng.random() < 0.6:
        x, size = w * float(rng.uniform(0.15, 0.85)), u * 0.026
        y, turn = min(h * 0.94, float(edge[int(x)]) + u * 0.13), float(rng.random()) * 6
        if y > float(edge[int(x)]) + u * 0.06:
            tint = rgb("#d9734a") * mix(stage.light.shade, stage.light.key, 0.8)
            for k, (grow, colour) in enumerate(
                (
                    (1.0, stage.light.shade * rgb("#a8835c")),
                    (1.0, tint),
                    (0.5, mix(tint, stage.light.sun, 0.35)),
                )
            ):
                points = []
                for j in range(10):
                    r = size * grow * (1.0 if j % 2 == 0 else 0.42)
                    a = turn + j * np.pi / 5
                    points.append(
                        (
                            x + np.cos(a) * r + (side * size * 0.2 if k == 0 else 0),
                            y + np.sin(a) * r * 0.55 + (size * 0.12 if k == 0 else 0),
                        )
                    )
                layer.polygon(points, colour)
    layer.onto(stage.rgb)


def paint_gulls(stage: Stage, horizon: float) -> None:
    rng, u = stage.rng("gulls"), stage.u
    layer = Layer(stage.height, stage.width)
    colour = stage.light.shade * 0.45
    cx, cy = stage.width * float(rng.uniform(0.25, 0.75)), horizon * float(rng.uniform(0.3, 0.6))
    for _ in range(int(rng.integers(3, 8))):
        x, y = cx + float(rng.normal(0, u * 0.12)), cy + float(rng.normal(0, u * 0.05))
        span, lift = u * float(rng.uniform(0.012, 0.028)), float(rng.uniform(0.25, 0.6))
        for side in (-1, 1):
            wing = [
                (x, y),
                (x + side * span * 0.5, y - span * lift),
                (x + side * span, y - span * lift * 0.35),
            ]
            layer.taper(spline(wing, closed=False, steps=5), span * 0.16, span * 0.03, colour)
    layer.onto(stage.rgb)


def paint_palm(stage: Stage) -> None:
    """A palm leaning in from one side, dark against the sky."""
    rng, w, h, u = stage.rng("palm"), stage.width, stage.height, stage.u
    side = 1 if stage.sun_x < 0.5 else -1
    foot_x = w * (0.5 + side * 0.46)
    top = (foot_x - side * u * float(rng.uniform(0.1, 0.2)), h * float(rng.uniform(0.2, 0.32)))
    layer = Layer(h, w)
    bark = stage.light.shade * rgb("#6a4d3c") * 1.1
    trunk = spline(
        [
            (foot_x, h * 1.02),
            (foot_x - side * u * 0.02, h * 0.7),
            ((foot_x + top[0]) / 2 - side * u * 0.03, h * 0.45),
            top,
        ],
        closed=False,
    )
    layer.taper(trunk, u * 0.042, u * 0.02, bark)
    green = stage.light.shade * rgb("#3f6b3a") * 1.15
    lit = stage.light.key * rgb("#5d8a45") * 0.85
    for index in range(11):
        angle = -np.pi / 2 + (index - 5) * 0.42 + float(rng.normal(0, 0.1))
        reach = u * float(rng.uniform(0.2, 0.27))
        droop = 0.35 + 0.45 * abs(np.cos(angle))
        spine = [
            (
                top[0] + np.cos(angle) * reach * t,
                top[1] + np.sin(angle) * reach * t * 0.8 + droop * reach * t * t,
            )
            for t in np.linspace(0, 1, 14)
        ]
        for k, (x, y) in enumerate(spine[1:], 1):
            t = k / 13
            length = reach * 0.3 * np.sin(np.pi * min(t * 0.85 + 0.15, 1)) + u * 0.01
            colour = mix(green, lit, float(rng.random()) * (0.7 if np.sin(angle) < 0 else 0.25))
            for s in (-1, 1):
                lean = angle + s * 0.7 + 0.5 * t * (1 if np.cos(angle) >= 0 else -1)
                layer.taper(
                    [
                        (x, y),
                        (x + np.cos(lean) * length * 0.6, y + np.sin(lean) * length * 0.5 + length * 0.35),
                        (x + np.cos(lean) * length * 0.8, y + np.sin(lean) * length * 0.6 + length * 0.8),
                    ],
                    u * 0.008,
                    u * 0.001,
                    colour,
                )
        layer.taper(spine, u * 0.008, u * 0.002, green)
    layer.onto(stage.rgb)
