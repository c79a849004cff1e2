"""Boat, balloon, car and rocket."""

from __future__ import annotations

import math

import numpy as np

from ..canvas import Point, mix, rgb
from ..palette import HUES
from .figure import Figure


def draw_boat(figure: Figure, hue: str) -> None:
    """A sailing boat."""
    rng = figure.rng
    s = float(rng.choice((-1, 1)))
    sail = rgb(("#fbf6ea", "#f2dfc0", "#e86a4a", "#f6f0e6")[int(rng.integers(4))])
    hull = (
        HUES[hue] if hue in HUES else rgb(("#7a4a30", "#f2eee6", "#2f4f6a", "#a8382f")[int(rng.integers(4))])
    )

    def flip(points: list[Point]) -> list[Point]:
        return [(x * s, y) for x, y in points]

    figure.lines([(flip([(0.02, 0.72), (0.0, -1.1)]), 0.035, 0.022)], rgb("#6a4a34"))
    figure.blob(
        flip([(0.05, -1.02), (0.3, -0.4), (0.62, 0.3), (0.78, 0.5), (0.4, 0.55), (0.05, 0.52)]),
        sail,
        0.45,
        smooth=False,
    )
    figure.mark(
        flip([(0.05, -1.02), (0.3, -0.4), (0.7, 0.45), (0.5, 0.5)]), rgb("#ffffff"), 0.35, 0.06, smooth=False
    )
    figure.blob(
        flip([(-0.03, -0.92), (-0.22, -0.3), (-0.66, 0.46), (-0.3, 0.5), (-0.04, 0.44)]),
        sail * np.float32(0.92),
        0.4,
        smooth=False,
    )
    for y in (-0.55, -0.15, 0.2):
        reach = 0.12 + (y + 0.9) * 0.42
        figure.stripe(
            flip([(0.05, y), (reach * 0.6, y + 0.05), (reach, y + 0.02)]),
            0.012,
            0.01,
            sail * np.float32(0.7),
            0.6,
        )
    figure.blob(flip([(-0.02, -1.12), (-0.24, -1.06), (-0.02, -1.0)]), rgb("#d8483a"), 0.2, smooth=False)
    figure.blob(
        flip(
            [
                (-0.92, 0.62),
                (-0.5, 0.7),
                (0.5, 0.7),
                (0.98, 0.56),
                (0.8, 0.86),
                (0.6, 1.0),
                (-0.6, 1.0),
                (-0.8, 0.86),
            ]
        ),
        hull,
        0.45,
    )
    figure.stripe(
        flip([(-0.9, 0.66), (-0.4, 0.735), (0.5, 0.735), (0.95, 0.62)]),
        0.05,
        0.05,
        mix(hull, rgb("#ffffff"), 0.6),
        0.9,
    )
    figure.stripe(
        flip([(-0.74, 0.9), (0.0, 0.93), (0.74, 0.9)]), 0.05, 0.05, hull * np.float32(0.5), 0.6, 0.02
    )


def draw_balloon(figure: Figure, hue: str) -> None:
    """A hot-air balloon with its basket."""
    rng = figure.rng
    sets = (
        ("#e0483a", "#f6c24a", "#f7f0e2"),
        ("#2f6fb0", "#f2f0ea", "#e86a4a"),
        ("#8a4fb0", "#f2a0c0", "#f6e0a0"),
        ("#2f9a8a", "#f2d06a", "#e8603a"),
    )
    colours = [rgb(code) for code in sets[int(rng.integers(len(sets)))]]
    if hue in HUES:
        colours[0] = HUES[hue]
    whole: list[Point] = [
        (0.0, -1.12),
        (-0.5, -0.98),
        (-0.78, -0.6),
        (-0.78, -0.2),
        (-0.5, 0.2),
        (-0.2, 0.5),
        (0.2, 0.5),
        (0.5, 0.2),
        (0.78, -0.2),
        (0.78, -0.6),
        (0.5, -0.98),
    ]
    figure.blob(whole, colours[0], 0.0)
    panels = 8
    for k in range(panels):
        a, b = math.pi * k / panels, math.pi * (k + 1) / panels
        shape: list[Point] = []
        for y in np.linspace(-1.12, 0.5, 14):
            shape.append((-math.cos(a) * girth(float(y)), float(y)))
        for y in np.linspace(0.5, -1.12, 14):
            shape.append((-math.cos(b) * girth(float(y)), float(y)))
        figure.mark(shape, colours[k % 3], 1.0, 0.0, smooth=False)
    band: list[Point] = [(-girth(-0.32), -0.36), (0.0, -0.22), (girth(-0.32), -0.36)]
    figure.stripe(band, 0.11, 0.11, colours[2], 0.9)
    s = -1.0 if figure.light[0] < 0 else 1.0
    figure.mark(
        [(-s * 0.9, -1.2), (-s * 0.35, -0.9), (-s * 0.3, 0.1), (-s * 0.05, 0.6), (-s * 0.9, 0.6)],
        rgb("#241a3a"),
        0.5,
        0.16,
    )
    figure.spot(s * 0.34, -0.66, 0.16, 0.3, rgb("#fff6e0"), 0.5, 0.12)
    figure.lines(
        [([(x, 0.46), (x * 0.55, 0.76)], 0.01, 0.01) for x in (-0.2, -0.07, 0.07, 0.2)], rgb("#4a3a30")
    )
    figure.blob([(-0.13, 0.76), (0.13, 0.76), (0.11, 1.0), (-0.11, 1.0)], rgb("#8a5f3a"), 0.4, smooth=False)
    figure.lines([([(-0.12, y), (0.12, y)], 0.01, 0.01) for y in (0.82, 0.88, 0.94)], rgb("#5a3a22"))
    figure.stripe([(-0.14, 0.765), (0.14, 0.765)], 0.035, 0.035, rgb("#5a3a22"))


def girth(y: float) -> float:
    """Half the balloon's width at a height."""
    stops = (
        (-1.12, 0.0),
        (-1.05, 0.34),
        (-0.9, 0.6),
        (-0.6, 0.78),
        (-0.3, 0.8),
        (0.0, 0.68),
        (0.25, 0.46),
        (0.5, 0.2),
    )
    return float(np.interp(y, [a for a, _ in stops], [b for _, b in stops]))


def draw_car(figure: Figure, hue: str) -> None:
    """A car from the side."""
    rng = figure.rng
    s = float(rng.choice((-1, 1)))
    paint = (
        HUES[hue]
        if hue in HUES
        else rgb(("#c8302c", "#2f6fb0", "#f2c24a", "#3a3f48", "#4f9a7a")[int(rng.integers(5))])
    )

    def flip(points: list[Point]) -> list[Point]:
        return [(x * s, y) for x, y in points]

    body: list[Point] = [
        (-1.12, 0.78),
        (-1.14, 0.52),
        (-1.0, 0.4),
        (-0.66, 0.34),
        (-0.4, 0.06),
        (0.26, 0.04),
        (0.6, 0.34),
        (1.0, 0.44),
        (1.14, 0.6),
        (1.14, 0.8),
        (0.0, 0.86),
    ]
    figure.blob(flip(body), paint, 0.55)
    figure.mark(flip([(-0.56, 0.36), (-0.36, 0.12), (-0.08, 0.1), (-0.08, 0.36)]), rgb("#22303c"), 0.97, 0.0)
    figure.mark(flip([(0.0, 0.36), (0.0, 0.1), (0.24, 0.11), (0.48, 0.36)]), rgb("#22303c"), 0.97, 0.0)
    figure.mark(flip([(-0.5, 0.3), (-0.34, 0.14), (-0.24, 0.13), (-0.4, 0.33)]), rgb("#a8cfe6"), 0.7, 0.01)
    figure.mark(flip([(0.06, 0.32), (0.06, 0.14), (0.14, 0.13), (0.24, 0.32)]), rgb("#a8cfe6"), 0.7, 0.01)
    figure.stripe(
        flip([(-1.05, 0.5), (0.0, 0.44), (1.05, 0.54)]),
        0.022,
        0.022,
        mix(paint, rgb("#ffffff"), 0.7),
        0.8,
        0.004,
    )
    figure.stripe(
        flip([(-1.1, 0.76), (0.0, 0.84), (1.1, 0.78)]), 0.06, 0.06, paint * np.float32(0.35), 0.8, 0.02
    )
    figure.lines([(flip([(-0.04, 0.38), (-0.05, 0.8)]), 0.012, 0.012)], paint * np.float32(0.4))
    figure.spot(1.05 * s, 0.58, 0.055, 0.05, rgb("#fff6d0"))
    figure.spot(-1.08 * s, 0.54, 0.04, 0.05, rgb("#ff4a3a"))
    for x in (-0.68, 0.7):
        figure.spot(x * s, 0.8, 0.26, 0.25, rgb("#0c0a0e"), 0.85, 0.02)
        figure.oval(x * s, 0.8, 0.21, 0.21, rgb("#1d1c20"), 0.4)
        figure.oval(x * s, 0.8, 0.125, 0.125, rgb("#c9ccd2"), 0.5)
        for k in range(5):
            a = k * 2 * math.pi / 5
            figure.stripe(
                [(x * s, 0.8), (x * s + math.cos(a) * 0.11, 0.8 + math.sin(a) * 0.11)],
                0.02,
                0.03,
                rgb("#6a6d74"),
                0.9,
            )


def draw_rocket(figure: Figure, hue: str) -> None:
    trim = HUES[hue] if hue in HUES else rgb("#d8402f")
    figure.turn(float(figure.rng.uniform(0.15, 0.5)) * float(figure.rng.choice((-1, 1))), (0.0, 0.0), 0.95)
    for wide, long, colour in ((0.2, 0.55, "#ff7a2a"), (0.13, 0.42, "#ffc24a"), (0.07, 0.28, "#fff6d0")):
        figure.blob([(-wide, 0.6), (0.0, 0.6 + long), (wide, 0.6), (0.0, 0.52)], rgb(colour), 0.0)
    for s in (-1, 1):
        figure.blob(
            [(s * 0.2, 0.12), (s * 0.52, 0.5), (s * 0.5, 0.78), (s * 0.2, 0.56)], trim, 0.5, smooth=False
        )
    figure.blob(
        [
            (0.0, -1.1),
            (-0.2, -0.72),
            (-0.27, -0.2),
            (-0.24, 0.35),
            (-0.16, 0.6),
            (0.16, 0.6),
            (0.24, 0.35),
            (0.27, -0.2),
            (0.2, -0.72),
        ],
        rgb("#eef0f2"),
        0.75,
    )
    figure.mark([(0.0, -1.14), (-0.21, -0.7), (0.21, -0.7)], trim, 0.97, 0.0)
    figure.stripe([(-0.3, 0.36), (0.0, 0.4), (0.3, 0.36)], 0.07, 0.07, trim, 0.95)
    for y, r in ((-0.34, 0.13), (0.06, 0.085)):
        figure.oval(0.0, y, r, r, rgb("#7a828c"), 0.4)
        figure.spot(0.0, y, r * 0.75, r * 0.75, rgb("#2f5f8a"))
        figure.spot(-r * 0.25, y - r * 0.25, r * 0.25, r * 0.2, rgb("#d6ecff"), 0.9, 0.01)
    figure.turn()
