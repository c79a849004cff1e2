"""Bird, butterfly and fish: what flies and what swims."""

from __future__ import annotations

import math

import numpy as np

from ..canvas import Point, mix, rgb
from ..palette import HUES
from .figure import Figure

PLUMAGE = (
    ("#2f6fb8", "#f28f4a", "#f6efe2"),
    ("#c9402f", "#8a5a3a", "#f2e2cc"),
    ("#2f8a5f", "#f2c14e", "#f6f0d8"),
    ("#e0a52e", "#5a5a62", "#fbf3dc"),
    ("#5f5aa8", "#d98aa8", "#f3ebf5"),
)


def draw_bird(figure: Figure, hue: str) -> None:
    """A small bird on a twig, seen from the side."""
    rng = figure.rng
    back, breast, belly = (rgb(code) for code in PLUMAGE[int(rng.integers(len(PLUMAGE)))])
    if hue in HUES:
        back = HUES[hue]
    s = float(rng.choice((-1, 1)))
    bark = rgb("#5f4634")
    figure.tube([(-1.2, 0.86), (-0.5, 0.8), (0.2, 0.86), (1.2, 0.74)], 0.11, 0.06, bark, 0.7)
    figure.tube([(-0.5, 0.8), (-0.8, 0.6), (-0.95, 0.36)], 0.05, 0.025, bark, 0.6)
    for x, y, turn in ((-0.95, 0.36, -0.9), (0.8, 0.72, 0.6), (1.0, 0.72, -0.6), (-1.05, 0.78, 2.4)):
        c, n = math.cos(turn), math.sin(turn)
        figure.blob(
            [
                (x, y),
                (x + c * 0.14 - n * 0.06, y + n * 0.14 + c * 0.06),
                (x + c * 0.26, y + n * 0.26),
                (x + c * 0.14 + n * 0.06, y + n * 0.14 - c * 0.06),
            ],
            rgb("#6a9a45"),
            0.4,
        )

    def flip(points: list[Point]) -> list[Point]:
        return [(x * s, y) for x, y in points]

    figure.blob(
        flip([(-0.4, 0.4), (-0.95, 0.86), (-1.05, 0.98), (-0.9, 1.0), (-0.3, 0.62)]),
        back * np.float32(0.8),
        0.4,
    )
    figure.blob(
        flip(
            [
                (0.05, -0.5),
                (-0.28, -0.2),
                (-0.52, 0.25),
                (-0.46, 0.6),
                (-0.1, 0.8),
                (0.28, 0.66),
                (0.46, 0.3),
                (0.46, -0.1),
                (0.36, -0.4),
            ]
        ),
        back,
        0.7,
    )
    figure.mark(
        flip([(0.5, -0.15), (0.2, -0.1), (0.0, 0.25), (0.1, 0.6), (0.4, 0.6), (0.55, 0.25)]),
        breast,
        0.97,
        0.05,
    )
    figure.mark(flip([(0.2, 0.45), (-0.2, 0.6), (-0.1, 0.82), (0.3, 0.72)]), belly, 0.9, 0.06)
    figure.fur(2200, 0.06, (-0.6, -0.3, 0.6, 0.85), (0.4 * s, -0.5), down=0.6, ruffle=0.25, contrast=0.1)
    figure.oval(0.24 * s, -0.5, 0.32, 0.3, back, 0.65)
    figure.mark(
        flip([(0.5, -0.5), (0.3, -0.42), (0.12, -0.28), (0.3, -0.18), (0.52, -0.3)]), breast, 0.95, 0.04
    )
    figure.fur(900, 0.045, (-0.1, -0.85, 0.6, -0.18), (0.5 * s, -0.5), down=0.2, ruffle=0.25, contrast=0.08)
    wing = [(0.1, -0.05), (-0.2, 0.0), (-0.48, 0.3), (-0.72, 0.72), (-0.42, 0.62), (-0.1, 0.46), (0.12, 0.22)]
    figure.blob(flip(wing), back * np.float32(0.72), 0.5)
    for k in range(6):
        t = k / 5
        figure.stripe(
            flip(
                [
                    (0.04 - 0.1 * t, 0.08 + 0.1 * t),
                    (-0.3, 0.24 + 0.12 * t),
                    (-0.66 + 0.2 * t, 0.68 - 0.02 * t),
                ]
            ),
            0.03,
            0.012,
            mix(back, rgb("#ffffff"), 0.35),
            0.55,
            0.006,
        )
    beak = rgb("#e0a03a") if rng.random() < 0.5 else rgb("#4a4340")
    figure.blob(flip([(0.52, -0.56), (0.78, -0.46), (0.54, -0.42)]), beak, 0.4, smooth=False)
    figure.lines([(flip([(0.54, -0.48), (0.74, -0.465)]), 0.01, 0.005)], beak * np.float32(0.5))
    figure.spot(0.36 * s, -0.56, 0.062, 0.062, rgb("#0f0c0e"))
    figure.spot(0.34 * s, -0.585, 0.02, 0.02, rgb("#ffffff"))
    figure.lines(
        [([(x * s, 0.74), (x * s, 0.84), ((x + 0.08) * s, 0.88)], 0.028, 0.022) for x in (0.06, 0.2)],
        rgb("#a86a4a"),
    )


def draw_butterfly(figure: Figure, hue: str) -> None:
    """A butterfly with open wings."""
    rng = figure.rng
    base = (
        HUES.get(hue)
        if hue in HUES
        else rgb(("#f28f2e", "#3f7fd6", "#f2c94a", "#c85fb0", "#5fb8c9")[int(rng.integers(5))])
    )
    assert base is not None
    edge = rgb("#221a1e")
    figure.turn(float(rng.uniform(-0.35, 0.35)), (0.0, 0.0), 0.92)
    for s in (-1, 1):
        lower = [
            (s * 0.04, 0.05),
            (s * 0.4, 0.1),
            (s * 0.72, 0.36),
            (s * 0.66, 0.68),
            (s * 0.36, 0.78),
            (s * 0.12, 0.46),
        ]
        upper = [
            (s * 0.04, 0.0),
            (s * 0.3, -0.42),
            (s * 0.72, -0.76),
            (s * 1.02, -0.66),
            (s * 0.98, -0.26),
            (s * 0.62, 0.1),
            (s * 0.24, 0.14),
        ]
        for wing, tone in ((lower, 0.88), (upper, 1.0)):
            cx, cy = sum(x for x, _ in wing) / len(wing), sum(y for _, y in wing) / len(wing)
            figure.blob(wing, edge, 0.25)
            figure.mark(
                [(cx + (x - cx) * 0.82, cy + (y - cy) * 0.82) for x, y in wing],
                base * np.float32(tone),
                1.0,
                0.015,
            )
            figure.mark(
                [(cx * 0.6 + (x - cx) * 0.4, cy * 0.6 + (y - cy) * 0.4) for x, y in wing],
                mix(base, rgb("#fff2c0"), 0.5),
                0.7,
                0.06,
            )
            for x, y in wing[1:-1]:
                figure.stripe(
                    [(s * 0.05, 0.02), ((x + s * 0.05) / 2, y / 2), (x * 0.95, y * 0.95)],
                    0.012,
                    0.022,
                    edge,
                    0.85,
                )
                figure.spot(cx + (x - cx) * 0.93, cy + (y - cy) * 0.93, 0.028, 0.028, rgb("#fff6e2"), 0.95)
    figure.tube([(0.0, -0.24), (0.0, 0.1), (0.0, 0.52)], 0.11, 0.05, edge, 0.6)
    figure.oval(0.0, -0.3, 0.07, 0.075, edge, 0.6)
    figure.lines(
        [([(s * 0.02, -0.34), (s * 0.1, -0.55), (s * 0.22, -0.68)], 0.014, 0.008) for s in (-1, 1)], edge
    )
    figure.turn()


def draw_fish(figure: Figure, hue: str) -> None:
    """A fish from the side, striped or plain."""
    rng = figure.rng
    bands = hue == "" and rng.random() < 0.55
    body = (
        HUES[hue]
        if hue in HUES
        else rgb("#f2802e")
        if bands
        else rgb(("#f2a13a", "#3f9ad6", "#e0506a", "#f2d24a", "#8a6fd6")[int(rng.integers(5))])
    )
    s = float(rng.choice((-1, 1)))
    figure.turn(float(rng.uniform(-0.12, 0.12)) * s, (0.0, 0.0))
    fin = mix(body, rgb("#ffd98a"), 0.35)

    def flip(points: list[Point]) -> list[Point]:
        return [(x * s, y) for x, y in points]

    figure.blob(
        flip([(-0.62, 0.0), (-0.98, -0.42), (-1.14, -0.36), (-1.0, 0.0), (-1.14, 0.4), (-0.98, 0.46)]),
        fin,
        0.3,
    )
    figure.blob(flip([(-0.42, -0.34), (-0.2, -0.72), (0.22, -0.7), (0.34, -0.42)]), fin, 0.3)
    figure.blob(flip([(-0.3, 0.36), (-0.36, 0.68), (-0.06, 0.62), (0.12, 0.42)]), fin, 0.3)
    for k in range(7):
        figure.stripe(
            flip([(-0.62, 0.01 * (k - 3)), (-1.04, 0.12 * (k - 3))]),
            0.016,
            0.01,
            body * np.float32(0.6),
            0.55,
        )
        figure.stripe(
            flip([(-0.3 + 0.1 * k, -0.36), (-0.22 + 0.085 * k, -0.68)]),
            0.014,
            0.01,
            body * np.float32(0.6),
            0.5,
        )
    figure.blob(
        flip(
            [
                (0.86, 0.02),
                (0.6, -0.3),
                (0.1, -0.47),
                (-0.4, -0.34),
                (-0.72, -0.08),
                (-0.72, 0.08),
                (-0.4, 0.36),
                (0.1, 0.48),
                (0.6, 0.32),
            ]
        ),
        body,
        0.75,
    )
    figure.mark(
        flip([(0.8, 0.12), (0.4, 0.2), (-0.3, 0.2), (-0.6, 0.1), (-0.3, 0.36), (0.1, 0.47), (0.6, 0.3)]),
        mix(body, rgb("#fff6e2"), 0.7),
        0.6,
        0.08,
    )
    if bands:
        for x, wide in ((0.4, 0.17), (-0.08, 0.19), (-0.52, 0.13)):
            tall = 0.46 * math.cos(x * 1.1)
            for grow, tone in ((1.32, rgb("#1d1a22")), (1.0, rgb("#fbf8f0"))):
                figure.stripe(
                    flip([(x, -tall * 1.05), (x + 0.07, 0.0), (x, tall * 1.05)]),
                    wide * grow,
                    wide * grow,
                    tone,
                    0.97,
                    0.006,
                )
    else:
        for i in range(9):
            for j in range(-3, 4):
                x, y = 0.36 - i * 0.11 + (j % 2) * 0.055, j * 0.1
                arc = [(x - 0.045, y - 0.05), (x - 0.075, y), (x - 0.045, y + 0.05)]
                figure.stripe(flip(arc), 0.014, 0.014, body * np.float32(0.62), 0.5)
    figure.blob(flip([(0.16, 0.06), (-0.2, 0.02), (-0.28, 0.24), (-0.04, 0.3)]), fin, 0.35)
    figure.spot(0.58 * s, -0.08, 0.095, 0.095, rgb("#fffdf4"))
    figure.spot(0.6 * s, -0.08, 0.06, 0.06, rgb("#14121a"))
    figure.spot(0.575 * s, -0.11, 0.022, 0.022, rgb("#ffffff"))
    figure.lines(
        [
            (flip([(0.84, 0.08), (0.74, 0.12), (0.68, 0.1)]), 0.018, 0.008),
            (flip([(0.42, -0.28), (0.34, 0.0), (0.42, 0.28)]), 0.014, 0.008),
        ],
        body * np.float32(0.5),
        0.8,
    )
    figure.turn()
