"""Above the clouds, and pictures of nothing but form and colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..canvas import Colour, Layer, blur, glow, mix, over, rgb
from ..noise import Array, fbm, line, sample, smoothstep, stream, tile
from ..palette import HUES
from ..stage import Spot, Stage
from . import air


def paint_sky(stage: Stage) -> None:
    """A sea of clouds from above."""
    rng, w, h, u = stage.rng("sky"), stage.width, stage.height, stage.u
    horizon = h * float(rng.uniform(0.6, 0.68))
    stage.sun_x = float(rng.choice((0.22, 0.3, 0.7, 0.78)))
    air.paint_sky(stage, horizon)
    if stage.wants("aurora"):
        air.paint_aurora(stage, horizon)
    if "clouds" not in stage.avoid:
        for step in range(5):
            cloud_bank(stage, horizon, step)
    stage.spot = Spot(w * float(rng.uniform(0.42, 0.58)), h * 0.74, min(u * 0.62, h * 0.62), ground=False)


def cloud_bank(stage: Stage, horizon: float, step: int) -> None:
    rng, w, h, u = stage.rng("bank", step), stage.width, stage.height, stage.u
    t = step / 4
    base = horizon + (h - horizon) * (t**1.25) * 0.95
    swell = line(rng, w, u * (0.18 + 0.35 * t), 3) * u * (0.012 + 0.06 * t)
    puffs = fbm(rng, h, w, u * (0.06 + 0.14 * t), 5, stretch=1.5)
    top = base - swell[None, :]
    body = smoothstep(0.0, u * (0.012 + 0.03 * t), stage.rows() - top + (puffs - 0.5) * u * (0.08 + 0.2 * t))
    gy, gx = np.gradient(blur(puffs, max(u * 0.006, 1.0)))
    side = 1 if stage.sun_x > 0.5 else -1
    shade = np.clip(0.45 + (-gx * side * 0.8 + gy * 0.9) * u * (0.14 + 0.16 * t), 0, 1)
    depth = np.clip((stage.rows() - top) / np.float32(u * (0.08 + 0.2 * t)), 0, 1)
    lit = np.clip(shade * (1 - 0.5 * depth) + 0.25 * (1 - depth), 0, 1)
    shadow = mix(stage.light.cloud_dark, stage.light.shade, 0.35)
    colour = mix(shadow, stage.light.cloud_lit, lit[..., None])
    colour = mix(colour, stage.light.horizon, np.float32(0.55 * (1 - t)))
    over(stage.rgb, np.clip(colour, 0, 1), body.astype(np.float32))


PALETTES: tuple[tuple[str, ...], ...] = (
    ("#0b2545", "#13617a", "#f2c078", "#ee6352", "#f7f1e3"),
    ("#2d1e2f", "#a4243b", "#d8973c", "#d8c99b", "#273e47"),
    ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#e76f51"),
    ("#1b1b3a", "#693668", "#a74482", "#f84aa7", "#ff9bd2"),
    ("#003049", "#d62828", "#f77f00", "#fcbf49", "#eae2b7"),
    ("#f6f1e7", "#1d1d1f", "#d8402f", "#1f4fa3", "#f0c02e"),
    ("#0d1b2a", "#415a77", "#778da9", "#e0e1dd", "#c9ada7"),
    ("#2b2d42", "#5f7a61", "#b5c99a", "#f3e9d2", "#c6684a"),
    ("#10002b", "#5a189a", "#9d4edd", "#48cae4", "#caf0f8"),
    ("#fdf0d5", "#c1666b", "#48a9a6", "#4281a4", "#d4b483"),
)


def paint_abstract(stage: Stage) -> None:
    # The words' own number picks the manner, so that unknown words differ and stay themselves.
    rng, by_words = stage.rng("abstract"), stream(stage.reading.key, "abstract")
    codes = PALETTES[int((by_words.integers(len(PALETTES)) + rng.integers(3)) % len(PALETTES))]
    colours = [rgb(code) for code in codes]
    for k, hue in enumerate(stage.reading.hues[:3]):
        colours[1 + k] = HUES[hue]
    manner = int(by_words.integers(4))
    for wanted, word in enumerate(("flow", "geometric", "waves", "mandala")):
        if stage.wants(word):
            manner = wanted
    (paint_flow, paint_shapes, paint_strata, paint_rosette)[manner](stage, colours)
    u = stage.u
    stage.spot = Spot(stage.width * 0.5, stage.height * 0.86, min(u * 0.6, stage.height * 0.66), ground=False)


def ramp(colours: Sequence[Colour], at: Array) -> Array:
    """Colours along a line of stops."""
    stops = np.stack(colours)
    place = np.clip(at, 0, 1) * (len(colours) - 1)
    low = np.minimum(place.astype(np.int32), len(colours) - 2)
    return mix(stops[low], stops[low + 1], (place - low)[..., None])


def paint_flow(stage: Stage, colours: list[Colour]) -> None:
    """Marbled paint: noise bent by noise, bent again."""
    rng, u = stage.rng("flow"), stage.u
    field = tile(rng, 512, 4, 6, 0.5)
    x, y = stage.columns() / u * 0.24, stage.rows() / u * 0.24
    a, b = sample(field, x + 0.1, y), sample(field, x, y + 0.4)
    c = sample(field, x + (a - 0.5) * 1.1, y + (b - 0.5) * 1.1)
    d = sample(field, x + (b - 0.5) * 0.8 + 0.3, y + (c - 0.5) * 1.2)
    value = sample(field, x + (c - 0.5) * 0.9, y + (d - 0.5) * 0.9)
    stage.rgb[:] = ramp(colours, smoothstep(0.08, 0.92, value))
    veins = 1 - np.abs(2 * d - 1)
    over(stage.rgb, np.broadcast_to(colours[-1], stage.rgb.shape), smoothstep(0.93, 1.0, veins) * 0.55)
    gy, gx = np.gradient(blur(value, max(u * 0.004, 1.0)))
    stage.rgb *= (1 + np.clip((gx + gy) * u * 0.06, -0.25, 0.25))[..., None]


def paint_shapes(stage: Stage, colours: list[Colour]) -> None:
    """Discs, arcs, bars and triangles on a calm ground, with the shadows of cut paper."""
    rng, w, h, u = stage.rng("shapes"), stage.width, stage.height, stage.u
    ground = colours[0] if float(colours[0].mean()) > 0.7 else mix(colours[-1], rgb("#ffffff"), 0.3)
    stage.rgb[:] = ground * (0.95 + 0.08 * fbm(rng, h, w, u * 0.3, 4))[..., None]
    for k in range(int(rng.integers(16, 24))):
        layer = Layer(h, w)
        colour = colours[int(rng.integers(1, len(colours)))]
        x, y = w * float(rng.uniform(0.08, 0.92)), h * float(rng.uniform(0.08, 0.92))
        size = u * float(rng.uniform(0.05, 0.2)) * (1.5 if k < 4 else 1.0)
        angle = float(rng.choice((0, np.pi / 4, np.pi / 2, rng.uniform(0, 3))))
        c, s = np.cos(angle), np.sin(angle)
        match int(rng.integers(5)):
            case 0:
                layer.ellipse(x, y, size, size, colour)
                if rng.random() < 0.5:
                    layer.ellipse(x, y, size * 0.62, size * 0.62, colours[int(rng.integers(len(colours)))])
            case 1:
                ring = [
                    (x + np.cos(a + angle) * size, y + np.sin(a + angle) * size)
                    for a in np.linspace(0, np.pi, 26)
                ]
                layer.polygon(ring, colour)
            case 2:
                layer.polygon(
                    [(x + np.cos(angle + a) * size, y + np.sin(angle + a) * size) for a in (0, 2.09, 4.19)],
                    colour,
                )
            case 3:
                a, b = size * 1.6, size * float(rng.uniform(0.08, 0.3))
                layer.polygon(
                    [
                        (x + c * i * a - s * j * b, y + s * i * a + c * j * b)
                        for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))
                    ],
                    colour,
                )
            case _:
                for i in range(5):
                    off = (i - 2) * size * 0.28
                    layer.line(
                        [
                            (x - c * size - s * off, y - s * size + c * off),
                            (x + c * size - s * off, y + s * size + c * off),
                        ],
                        u * 0.006,
                        colours[1],
                    )
        _, cover = layer.pixels()
        shift = max(1, int(u * 0.008))
        shadow = blur(np.roll(cover, (shift, shift), (0, 1)), u * 0.012)
        stage.rgb *= (1 - 0.3 * np.clip(shadow - cover, 0, 1))[..., None]
        layer.onto(stage.rgb, 0.94)
    stage.rgb *= (0.96 + 0.08 * fbm(rng, h, w, max(u * 0.008, 2), 2))[..., None]


def paint_strata(stage: Stage, colours: list[Colour]) -> None:
    """Waves of cut paper, one before the other, a sun behind."""
    rng, w, h, u = stage.rng("strata"), stage.width, stage.height, stage.u
    low, high = colours[0], colours[-1]
    stage.rgb[:] = np.broadcast_to(
        mix(high, mix(high, colours[2], 0.5), (stage.rows() / h)[..., None]), stage.rgb.shape
    )
    disc = Layer(h, w)
    x, y, r = (
        w * float(rng.uniform(0.25, 0.75)),
        h * float(rng.uniform(0.18, 0.34)),
        u * float(rng.uniform(0.1, 0.17)),
    )
    disc.ellipse(x, y, r, r, colours[3])
    disc.onto(stage.rgb)
    count = 8
    for k in range(count):
        t = k / (count - 1)
        edge = (
            h * (0.3 + 0.62 * t)
            + line(stage.rng("stratum", k), w, u * float(rng.uniform(0.25, 0.5)), 2, 0.4) * u * 0.1
        )
        mask = np.clip(stage.rows() - edge[None, :] + 0.5, 0, 1)
        shadow = np.exp(-np.clip(edge[None, :] - stage.rows(), 0, None) / np.float32(u * 0.025)) * (1 - mask)
        stage.rgb *= (1 - 0.38 * shadow)[..., None]
        tone = ramp([colours[3], colours[2], colours[1], low], np.array([t], np.float32))[0]
        tone = tone * np.float32(1 + 0.1 * (k % 2))
        gradient = np.clip((stage.rows() - edge[None, :]) / np.float32(u * 0.3), 0, 1)
        over(stage.rgb, np.clip(tone * (1.08 - 0.22 * gradient)[..., None], 0, 1), mask)


def paint_rosette(stage: Stage, colours: list[Colour]) -> None:
    """A mandala: rings of petals about a centre."""
    rng, w, h, u = stage.rng("rosette"), stage.width, stage.height, stage.u
    dx, dy = (stage.columns() - w / 2) / np.float32(u * 0.5), (stage.rows() - h / 2) / np.float32(u * 0.5)
    r, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    value = np.zeros(r.shape, np.float32)
    for k in range(5):
        petals = int(rng.choice((6, 8, 12, 16, 24)))
        wave = np.cos(angle * petals + k * np.pi / 2)
        value += (
            np.sin(r * float(rng.uniform(6, 15)) + wave * float(rng.uniform(0.5, 1.8)) + k) * 0.5**k * 0.8
        )
    stage.rgb[:] = ramp(colours, 0.5 + value * 0.36)
    lines = smoothstep(0.09, 0.0, np.abs((value * 2.2) % 1 - 0.5))
    over(stage.rgb, np.broadcast_to(mix(colours[-1], rgb("#fff3d6"), 0.5), stage.rgb.shape), lines * 0.7)
    fade = smoothstep(0.7, 1.3, r)
    stage.rgb *= (1 - 0.45 * fade)[..., None]
    glow(stage.rgb, colours[-1] * (np.exp(-r * 4.5) * np.float32(0.6))[..., None])
