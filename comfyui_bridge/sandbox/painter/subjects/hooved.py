"""Horse, deer and dragon, from the side."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..canvas import Colour, Point, mix, rgb
from ..palette import HUES
from .figure import Figure


def quadruped(figure: Figure, coat: Colour, s: float, slim: float) -> None:
    """Trunk and legs of a standing horse or deer, facing the side s."""

    def flip(points: list[Point]) -> list[Point]:
        return [(x * s, y) for x, y in points]

    far = coat * np.float32(0.62)
    for x, knee in ((-0.5, 0.06), (0.36, -0.05)):
        figure.tube(
            flip([(x, 0.2), (x + knee, 0.6), (x + knee * 0.4, 0.95)]), 0.17 * slim, 0.075 * slim, far, 0.5
        )
        figure.mark(
            flip(
                [
                    (x + knee * 0.4 - 0.06, 0.93),
                    (x + knee * 0.4 + 0.06, 0.93),
                    (x + knee * 0.4 + 0.07, 1.0),
                    (x + knee * 0.4 - 0.06, 1.0),
                ]
            ),
            rgb("#2a2220"),
        )
    figure.blob(
        flip(
            [
                (-0.66, -0.1),
                (-0.4, -0.28),
                (0.0, -0.22),
                (0.36, -0.3),
                (0.58, -0.1),
                (0.54, 0.2),
                (0.3, 0.36),
                (-0.1, 0.34 - 0.04 * slim),
                (-0.42, 0.3),
                (-0.64, 0.2),
            ]
        ),
        coat,
        0.7,
    )
    for x, knee in ((-0.56, -0.05), (0.46, 0.04)):
        figure.tube(
            flip([(x, 0.1), (x + knee, 0.58), (x + knee * 0.2, 0.96)]), 0.24 * slim, 0.08 * slim, coat, 0.6
        )
        figure.mark(
            flip(
                [
                    (x + knee * 0.2 - 0.06, 0.94),
                    (x + knee * 0.2 + 0.06, 0.94),
                    (x + knee * 0.2 + 0.08, 1.01),
                    (x + knee * 0.2 - 0.06, 1.01),
                ]
            ),
            rgb("#2a2220"),
        )


def draw_horse(figure: Figure, hue: str) -> None:
    rng = figure.rng
    coat = (
        mix(HUES[hue], rgb("#8a7060"), 0.15)
        if hue in HUES
        else rgb(("#7a4a2c", "#5a3826", "#c9a070", "#e8e2d8", "#3a302e")[int(rng.integers(5))])
    )
    mane = mix(coat, rgb("#1c1618"), 0.7) if float(coat.mean()) > 0.3 else rgb("#16121a")
    s = float(rng.choice((-1, 1)))

    def flip(points: list[Point]) -> list[Point]:
        return [(x * s, y) for x, y in points]

    figure.tube(flip([(-0.62, -0.1), (-0.86, 0.1), (-0.9, 0.55)]), 0.14, 0.2, mane, 0.4)
    figure.fur(500, 0.14, (-1.1, -0.1, 1.1, 0.75), (-0.6 * s, -0.4), down=1.2, ruffle=0.25)
    quadruped(figure, coat, s, 1.0)
    figure.blob(
        flip([(0.3, -0.2), (0.44, -0.6), (0.6, -0.88), (0.8, -0.8), (0.76, -0.5), (0.66, -0.15), (0.5, 0.1)]),
        coat,
        0.6,
    )
    figure.blob(
        flip(
            [
                (0.56, -0.92),
                (0.74, -0.98),
                (0.94, -0.78),
                (1.12, -0.52),
                (1.1, -0.4),
                (0.98, -0.38),
                (0.8, -0.56),
                (0.62, -0.66),
            ]
        ),
        coat,
        0.6,
    )
    figure.fur(1400, 0.035, (-0.7, -1.0, 1.2, 0.4), (0.6 * s, -0.9), down=0.5, contrast=0.07)
    for x in (0.6, 0.7):
        figure.blob(
            flip([(x - 0.03, -0.93), (x + 0.02, -1.14), (x + 0.08, -0.96)]), coat * np.float32(0.85), 0.4
        )
    strokes: list[tuple[list[Point], float, float]] = []
    for k in range(26):
        t = k / 25
        x, y = 0.62 - 0.3 * t, -0.98 + 0.74 * t
        strokes.append(
            (
                flip([(x, y), (x - 0.12, y + 0.1), (x - 0.16 + float(rng.normal(0, 0.03)), y + 0.26)]),
                0.05,
                0.01,
            )
        )
    strokes.append((flip([(0.66, -1.0), (0.8, -0.92), (0.84, -0.76)]), 0.06, 0.01))
    figure.lines(strokes, mane, 0.95)
    figure.spot(0.8 * s, -0.76, 0.032, 0.034, rgb("#120d0e"))
    figure.spot(0.79 * s, -0.772, 0.01, 0.01, rgb("#ffffff"))
    figure.spot(1.07 * s, -0.48, 0.02, 0.025, coat * np.float32(0.35), 0.9)
    figure.lines([(flip([(1.08, -0.42), (0.98, -0.44)]), 0.012, 0.006)], coat * np.float32(0.35))


def draw_deer(figure: Figure, hue: str) -> None:
    rng = figure.rng
    coat = mix(HUES[hue], rgb("#8a7060"), 0.2) if hue in HUES else rgb("#a8703f")
    s = float(rng.choice((-1, 1)))

    def flip(points: list[Point]) -> list[Point]:
        return [(x * s, y) for x, y in points]

    figure.oval(-0.66 * s, -0.06, 0.07, 0.13, rgb("#f4ead6"), 0.4)
    quadruped(figure, coat, s, 0.78)
    figure.blob(
        flip(
            [
                (0.34, -0.16),
                (0.44, -0.5),
                (0.5, -0.7),
                (0.66, -0.66),
                (0.64, -0.4),
                (0.6, -0.06),
                (0.46, 0.08),
            ]
        ),
        coat,
        0.6,
    )
    figure.blob(
        flip(
            [
                (0.46, -0.74),
                (0.6, -0.8),
                (0.76, -0.7),
                (0.92, -0.52),
                (0.9, -0.44),
                (0.8, -0.44),
                (0.62, -0.54),
            ]
        ),
        coat,
        0.6,
    )
    figure.mark(flip([(-0.4, 0.24), (0.2, 0.26), (0.4, 0.34), (-0.1, 0.36)]), rgb("#f0e0c4"), 0.8, 0.04)
    figure.mark(flip([(0.58, -0.38), (0.66, -0.1), (0.52, 0.06), (0.5, -0.2)]), rgb("#f0e0c4"), 0.7, 0.04)
    figure.fur(1500, 0.035, (-0.75, -0.85, 1.0, 0.4), (0.6 * s, -0.9), down=0.5, contrast=0.09)
    if rng.random() < 0.6:
        for _ in range(26):
            figure.spot(
                s * float(rng.uniform(-0.58, 0.3)),
                float(rng.uniform(-0.2, 0.1)),
                0.02,
                0.018,
                rgb("#f6ead2"),
                0.85,
                0.005,
            )
    for dx in (-0.04, 0.06):
        figure.blob(
            flip([(0.5 + dx, -0.74), (0.38 + dx, -0.92), (0.56 + dx, -0.82)]), coat * np.float32(0.9), 0.4
        )
    horn: list[tuple[list[Point], float, float]] = []
    for side, lean in ((-1, -0.12), (1, 0.2)):
        base = (0.56 + 0.03 * side, -0.78)
        tip = (base[0] + lean * 1.5, -1.26)
        bend = (base[0] + lean * 1.7, -1.0)
        horn.append((flip([base, bend, tip]), 0.045, 0.016))
        for t, reach in ((0.35, 0.16), (0.6, 0.16), (0.8, 0.12)):
            x, y = base[0] + (bend[0] - base[0]) * min(t * 1.6, 1), base[1] + (tip[1] - base[1]) * t
            horn.append((flip([(x, y), (x + reach * 0.8, y - 0.04), (x + reach, y - 0.16)]), 0.03, 0.01))
    figure.lines(horn, rgb("#cbb291"))
    figure.spot(0.7 * s, -0.65, 0.03, 0.032, rgb("#120d0e"))
    figure.spot(0.69 * s, -0.662, 0.01, 0.01, rgb("#ffffff"))
    figure.spot(0.9 * s, -0.5, 0.035, 0.03, rgb("#241a1c"), 0.95)


def draw_dragon(figure: Figure, hue: str) -> None:
    """A dragon in flight, its wings spread."""
    rng = figure.rng
    skin = (
        HUES[hue] if hue in HUES else rgb(("#3f7a4a", "#a8382f", "#3f5f8a", "#6a4a8a")[int(rng.integers(4))])
    )
    belly, membrane = mix(skin, rgb("#f2d9a0"), 0.6), mix(skin, rgb("#e8904a"), 0.45)
    s = float(rng.choice((-1, 1)))

    def flip(points: list[Point]) -> list[Point]:
        return [(x * s, y) for x, y in points]

    for root, tips, tone in (
        ((0.0, -0.05), ((-0.35, -1.08), (-0.85, -0.72), (-0.95, -0.2), (-0.5, 0.02)), 0.72),
        ((0.1, -0.02), ((0.35, -1.15), (-0.25, -0.95), (-0.5, -0.42), (-0.2, 0.02)), 1.0),
    ):
        web: list[Point] = [root]
        for a, b in pairwise(tips):
            web += [a, ((a[0] + b[0]) / 2 * 0.8 + root[0] * 0.2, (a[1] + b[1]) / 2 * 0.8 + root[1] * 0.2)]
        web.append(tips[-1])
        figure.blob(flip(web), membrane * np.float32(tone), 0.4, smooth=False)
        figure.lines([(flip([root, tip]), 0.05, 0.014) for tip in tips], skin * np.float32(tone * 0.7))
    figure.tube(flip([(-0.2, 0.2), (-0.6, 0.36), (-0.95, 0.2), (-1.15, 0.36)]), 0.2, 0.03, skin, 0.6)
    figure.blob(flip([(-1.1, 0.4), (-1.27, 0.26), (-1.22, 0.52)]), skin * np.float32(0.7), 0.3, smooth=False)
    for x in (-0.12, 0.2):
        figure.tube(
            flip([(x, 0.3), (x + 0.1, 0.55), (x - 0.02, 0.72)]), 0.14, 0.07, skin * np.float32(0.85), 0.6
        )
        figure.lines(
            [(flip([(x - 0.02, 0.72), (x + dx, 0.84)]), 0.03, 0.008) for dx in (-0.1, 0.0, 0.1)],
            rgb("#efe4c8"),
        )
    figure.blob(
        flip(
            [
                (-0.4, 0.22),
                (-0.15, -0.02),
                (0.25, -0.06),
                (0.46, 0.06),
                (0.36, 0.36),
                (0.0, 0.46),
                (-0.3, 0.4),
            ]
        ),
        skin,
        0.7,
    )
    figure.mark(flip([(-0.2, 0.36), (0.1, 0.3), (0.4, 0.2), (0.36, 0.36), (0.05, 0.46)]), belly, 0.9, 0.03)
    figure.tube(flip([(0.34, 0.08), (0.6, -0.12), (0.6, -0.42), (0.78, -0.58)]), 0.26, 0.16, skin, 0.65)
    figure.blob(
        flip(
            [
                (0.66, -0.66),
                (0.82, -0.74),
                (1.0, -0.66),
                (1.22, -0.5),
                (1.2, -0.42),
                (0.98, -0.42),
                (0.76, -0.46),
            ]
        ),
        skin,
        0.6,
    )
    figure.lines(
        [
            (flip([(0.74, -0.68), (0.6, -0.84), (0.48, -0.88)]), 0.05, 0.01),
            (flip([(0.8, -0.7), (0.7, -0.9), (0.6, -0.98)]), 0.05, 0.01),
        ],
        rgb("#e8dcbc"),
    )
    spikes = [
        (0.62, -0.5),
        (0.5, -0.36),
        (0.48, -0.2),
        (0.4, -0.06),
        (0.2, -0.12),
        (0.0, -0.08),
        (-0.2, 0.02),
        (-0.42, 0.16),
        (-0.62, 0.24),
        (-0.82, 0.16),
    ]
    for x, y in spikes:
        figure.blob(
            flip([(x + 0.05, y + 0.04), (x - 0.04, y - 0.1), (x - 0.06, y + 0.05)]),
            skin * np.float32(0.62),
            0.3,
            smooth=False,
        )
    for _ in range(70):
        x, y = float(rng.uniform(-0.35, 0.42)), float(rng.uniform(-0.02, 0.32))
        figure.stripe(
            flip([(x - 0.02, y), (x, y + 0.018), (x + 0.02, y)]), 0.008, 0.008, skin * np.float32(0.6), 0.5
        )
    figure.spot(0.94 * s, -0.6, 0.035, 0.028, rgb("#ffd23a"))
    figure.spot(0.945 * s, -0.6, 0.01, 0.026, rgb("#120d0e"))
    figure.lines([(flip([(1.2, -0.45), (1.04, -0.47), (0.9, -0.46)]), 0.014, 0.008)], skin * np.float32(0.35))
