"""Trees and grass: conifers for far shores, trunks and crowns, blades and flower heads."""

from __future__ import annotations

import numpy as np

from ..canvas import Colour, Layer, mix, rgb
from ..noise import Array, fbm
from ..stage import Stage


def conifer(
    layer: Layer,
    rng: np.random.Generator,
    x: float,
    y: float,
    tall: float,
    dark: Colour,
    lit: Colour,
    side: float,
) -> None:
    """One spruce with its foot at (x, y); the lit half lies on the sun's side."""
    tiers = max(4, int(tall / 5))
    tiers = min(tiers, 13)
    wide = tall * float(rng.uniform(0.19, 0.27))
    left, right = [], []
    for tier in range(tiers):
        t = tier / tiers
        half = wide * (t**0.85) + tall * 0.01
        level = y - tall * (1 - t)
        left += [
            (x - half * float(rng.uniform(0.35, 0.6)), level),
            (x - half * float(rng.uniform(0.85, 1.2)), level + tall / tiers * 0.9),
        ]
        right += [
            (x + half * float(rng.uniform(0.35, 0.6)), level),
            (x + half * float(rng.uniform(0.85, 1.2)), level + tall / tiers * 0.9),
        ]
    tip = (x, y - tall * 1.04)
    layer.polygon([tip, *right, (x, y), *left[::-1]], dark)
    lit_side = right if side > 0 else left
    inner = [(x + (px - x) * 0.3, py) for px, py in lit_side[::-1]]
    layer.polygon([tip, *lit_side, *inner], lit)


def conifers(stage: Stage, foot: Array, horizon: float, tall: float, density: float, name: str) -> None:
    """A wood along a line of feet (a row for each column)."""
    rng, w = stage.rng("conifers", name), stage.width
    layer = Layer(stage.height, w)
    winter, autumn = stage.reading.season == "winter", stage.reading.season == "autumn"
    dark, lit = rgb("#1e3328"), rgb("#4a6a3c")
    if winter:
        dark, lit = rgb("#3a4d50"), rgb("#dfe8ec")
    side = 1.0 if stage.sun_x >= 0.5 else -1.0
    grove = fbm(rng, 1, w, stage.u * 0.35, 3)[0]
    count = int(density * 2.0 * w / max(tall * 0.22, 2))
    places = np.sort(rng.integers(0, w, count))
    order = rng.permutation(count)
    for place in places[order]:
        thick = float(grove[place])
        if thick < 0.3 * float(rng.random()) + 0.26:
            continue
        size = tall * (0.3 + 0.95 * thick) * float(rng.uniform(0.45, 1.2))
        warm = float(rng.random())
        shade = mix(dark, rgb("#6d4a22"), 0.5 * warm) if autumn and warm > 0.4 else dark
        bright = mix(lit, rgb("#d99a34"), 0.8) if autumn and warm > 0.4 else lit
        fade = 0.26 + 0.12 * float(rng.random())
        a = mix(shade * stage.light.shade * 1.3, stage.light.haze, fade)
        b = mix(bright * stage.light.key, stage.light.haze, fade * 0.8)
        conifer(layer, rng, float(place), float(foot[place]) + tall * 0.03, size, a, b, side)
    layer.onto(stage.rgb)


def daisy(
    layer: Layer, rng: np.random.Generator, x: float, y: float, size: float, petal: Colour, heart: Colour
) -> None:
    """A flower seen a little from above."""
    petals = int(rng.integers(6, 10))
    turn, squash = float(rng.random() * 6.28), float(rng.uniform(0.55, 0.95))
    for back in (0.86, 1.0):
        for k in range(petals):
            angle = turn + k * 2 * np.pi / petals + (0 if back == 1 else np.pi / petals)
            px, py = x + np.cos(angle) * size * 0.55, y + np.sin(angle) * size * 0.55 * squash
            layer.leaf(
                px,
                py,
                size * 0.95,
                size * 0.42,
                float(np.arctan2(np.sin(angle) * squash, np.cos(angle))),
                petal * np.float32(back * rng.uniform(0.92, 1.05)),
            )
    layer.ellipse(x, y, size * 0.28, size * 0.28 * squash, heart)
    layer.ellipse(
        x - size * 0.06, y - size * 0.08, size * 0.14, size * 0.12 * squash, mix(heart, rgb("#ffffff"), 0.3)
    )


def tulip(layer: Layer, x: float, y: float, size: float, petal: Colour) -> None:
    """A cup of three petals seen from the side."""
    layer.ellipse(x, y + size * 0.12, size * 0.5, size * 0.42, petal * np.float32(0.8))
    for dx, share, tone in ((-0.3, 0.85, 0.84), (0.3, 0.85, 0.92), (0.0, 1.0, 1.05)):
        layer.polygon(
            [
                (x + dx * size * 0.6, y + size * 0.55),
                (x + dx * size - size * 0.26, y + size * 0.3),
                (x + dx * size * 1.1 - size * 0.27, y - size * 0.1),
                (x + dx * size * 1.35, y - size * 0.62 * share),
                (x + dx * size * 1.1 + size * 0.27, y - size * 0.1),
                (x + dx * size + size * 0.26, y + size * 0.3),
            ],
            np.clip(petal * np.float32(tone), 0, 1),
        )
