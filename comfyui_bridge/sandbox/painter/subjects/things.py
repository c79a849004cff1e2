"""What stands on a table or grows in the ground: fruit, cups, vases, cakes, books, flowers, trees."""

from __future__ import annotations

import math

import numpy as np

from ..canvas import Colour, Point, mix, rgb
from ..palette import HUES
from .figure import Figure


def shine(figure: Figure, x: float, y: float, rx: float, ry: float, strength: float = 0.7) -> None:
    figure.spot(x, y, rx, ry, rgb("#ffffff"), strength, max(rx, ry) * 0.35)


def apple(figure: Figure, x: float, y: float, r: float, colour: Colour, leaf: bool = True) -> None:
    """An apple whose foot stands at (x, y)."""
    form = [
        (0.0, -1.62),
        (-0.45, -1.82),
        (-0.9, -1.45),
        (-0.98, -0.9),
        (-0.72, -0.28),
        (-0.3, 0.0),
        (0.0, -0.08),
        (0.3, 0.0),
        (0.72, -0.28),
        (0.98, -0.9),
        (0.9, -1.45),
        (0.45, -1.82),
    ]
    figure.blob([(x + px * r, y + py * r) for px, py in form], colour, 0.85)
    blush = mix(colour, rgb("#f2c24a"), 0.55)
    figure.mark(
        [
            (x - 0.1 * r, y - 1.6 * r),
            (x - 0.6 * r, y - 1.3 * r),
            (x - 0.55 * r, y - 0.6 * r),
            (x - 0.15 * r, y - 0.9 * r),
        ],
        blush,
        0.55,
        r * 0.14,
    )
    for k in range(9):
        bend = (k - 4) / 4
        figure.stripe(
            [
                (x + bend * 0.15 * r, y - 1.62 * r),
                (x + bend * 0.85 * r, y - 1.1 * r),
                (x + bend * 0.75 * r, y - 0.35 * r),
            ],
            0.02 * r,
            0.05 * r,
            mix(colour, rgb("#ffdf8a"), 0.4),
            0.25,
            0.02 * r,
        )
    figure.spot(x, y - 1.6 * r, 0.26 * r, 0.1 * r, colour * np.float32(0.4), 0.75, 0.06 * r)
    shine(figure, x - 0.42 * r, y - 1.2 * r, 0.17 * r, 0.24 * r)
    figure.tube(
        [(x, y - 1.58 * r), (x + 0.06 * r, y - 1.85 * r), (x + 0.18 * r, y - 2.05 * r)],
        0.09 * r,
        0.12 * r,
        rgb("#5a3f28"),
        0.5,
    )
    if leaf:
        figure.blob(
            [
                (x + 0.1 * r, y - 1.85 * r),
                (x + 0.45 * r, y - 2.2 * r),
                (x + 0.95 * r, y - 2.1 * r),
                (x + 0.5 * r, y - 1.82 * r),
            ],
            rgb("#5f9a3a"),
            0.5,
        )
        figure.stripe(
            [(x + 0.12 * r, y - 1.86 * r), (x + 0.5 * r, y - 2.0 * r), (x + 0.9 * r, y - 2.08 * r)],
            0.03 * r,
            0.01 * r,
            rgb("#b6d87a"),
            0.7,
        )


def ball_fruit(figure: Figure, x: float, y: float, r: float, colour: Colour) -> None:
    """An orange or peach."""
    figure.oval(x, y - r * 0.96, r, r * 0.96, colour, 0.85)
    for _ in range(60):
        a, d = float(figure.rng.random()) * 6.28, math.sqrt(float(figure.rng.random())) * 0.85
        figure.spot(
            x + math.cos(a) * d * r,
            y - r * 0.96 + math.sin(a) * d * r,
            0.02 * r,
            0.02 * r,
            colour * np.float32(0.72),
            0.5,
        )
    figure.spot(x + 0.05 * r, y - r * 1.7, 0.09 * r, 0.05 * r, rgb("#5f7a3a"), 0.9, 0.02 * r)
    shine(figure, x - 0.36 * r, y - r * 1.32, 0.2 * r, 0.22 * r, 0.6)


def pear(figure: Figure, x: float, y: float, r: float) -> None:
    colour = rgb("#c3c04a")
    form = [
        (0.0, -2.5),
        (-0.32, -2.3),
        (-0.42, -1.8),
        (-0.85, -1.1),
        (-0.9, -0.5),
        (-0.5, -0.02),
        (0.0, 0.02),
        (0.5, -0.02),
        (0.9, -0.5),
        (0.85, -1.1),
        (0.42, -1.8),
        (0.32, -2.3),
    ]
    figure.blob([(x + px * r, y + py * r) for px, py in form], colour, 0.8)
    figure.spot(x + 0.4 * r, y - 0.8 * r, 0.3 * r, 0.45 * r, rgb("#d98a3a"), 0.4, 0.2 * r)
    shine(figure, x - 0.4 * r, y - 0.9 * r, 0.15 * r, 0.3 * r, 0.5)
    figure.tube(
        [(x, y - 2.45 * r), (x + 0.05 * r, y - 2.7 * r), (x + 0.16 * r, y - 2.85 * r)],
        0.1 * r,
        0.1 * r,
        rgb("#5a4028"),
        0.4,
    )


def grapes(figure: Figure, x: float, y: float, r: float) -> None:
    colour = rgb("#5f3f8a") if figure.rng.random() < 0.6 else rgb("#9ab84a")
    for row, count in enumerate((5, 6, 5, 4, 3)):
        for k in range(count):
            px = x + (k - (count - 1) / 2) * 0.44 * r + float(figure.rng.normal(0, 0.04)) * r
            py = y - (4 - row) * 0.3 * r - 0.22 * r if row % 2 else y - (4 - row) * 0.32 * r - 0.24 * r
            figure.oval(px, py, 0.24 * r, 0.25 * r, colour * np.float32(figure.rng.uniform(0.8, 1.1)), 0.75)
            figure.spot(px - 0.08 * r, py - 0.09 * r, 0.05 * r, 0.05 * r, rgb("#ffffff"), 0.6, 0.02 * r)


def draw_apple(figure: Figure, hue: str) -> None:
    usual = rgb(("#c8302c", "#d6402e", "#a8283a", "#8ab03a")[int(figure.rng.integers(4))])
    apple(figure, 0.0, 0.98, 0.9, mix(HUES[hue], usual, 0.25) if hue in HUES else usual)


def draw_fruit(figure: Figure, hue: str) -> None:
    """A bowl heaped with fruit."""
    order = [(-0.55, 0.42, 0.3), (0.55, 0.42, 0.3), (0.0, 0.4, 0.34), (-0.28, 0.16, 0.29), (0.3, 0.14, 0.29)]
    colours = [rgb(code) for code in ("#f28f2e", "#e8b53a", "#c8302c", "#f2a23a", "#8ab03a")]
    pear(figure, -0.62, 0.48, 0.3)
    for (x, y, r), colour in zip(order, colours, strict=True):
        if float(figure.rng.random()) < 0.5:
            ball_fruit(figure, x, y, r, colour)
        else:
            apple(figure, x, y, r, colour, leaf=float(figure.rng.random()) < 0.5)
    grapes(figure, 0.66, 0.62, 0.42)
    bowl(figure, rgb(("#e6e2da", "#4f7fa8", "#b8734a", "#5f8a7a")[int(figure.rng.integers(4))]))


def bowl(figure: Figure, colour: Colour) -> None:
    rim, foot = 0.36, 0.99
    side = [
        (-0.95, rim),
        (-0.86, 0.66),
        (-0.55, 0.9),
        (-0.34, 0.95),
        (-0.34, foot),
        (0.34, foot),
        (0.34, 0.95),
        (0.55, 0.9),
        (0.86, 0.66),
        (0.95, rim),
    ]
    dip = [(0.95 * math.cos(a), rim + 0.13 * math.sin(a)) for a in np.linspace(0, math.pi, 18)]
    figure.form(figure.place([*dip, *side[1:-1]]), colour, 0.7)
    figure.stripe(
        [(0.95 * math.cos(a), rim + 0.13 * math.sin(a)) for a in np.linspace(0, math.pi, 12)],
        0.04,
        0.04,
        mix(colour, rgb("#ffffff"), 0.5),
        0.8,
    )
    figure.stripe(
        [(0.86 * math.cos(a), 0.6 + 0.12 * math.sin(a)) for a in np.linspace(0.1, math.pi - 0.1, 12)],
        0.035,
        0.035,
        colour * np.float32(0.65),
        0.6,
    )
    shine(figure, -0.52, 0.66, 0.08, 0.13, 0.5)


def draw_cup(figure: Figure, hue: str) -> None:
    """A cup of coffee on its saucer, steaming."""
    rng = figure.rng
    china = (
        mix(HUES[hue], rgb("#ffffff"), 0.1)
        if hue in HUES
        else rgb(("#f4efe6", "#c9583f", "#4f7f9a", "#e0b25a", "#6a8a6a")[int(rng.integers(5))])
    )
    figure.oval(0.0, 0.86, 1.02, 0.16, china * np.float32(0.9), 0.35)
    figure.oval(0.0, 0.84, 0.62, 0.09, china * np.float32(0.72), 0.2)
    s = float(rng.choice((-1, 1)))
    ring = [
        (s * (0.62 + 0.3 * math.sin(a)), 0.3 - 0.3 * math.cos(a))
        for a in np.linspace(0.15, math.pi - 0.15, 12)
    ]
    figure.tube(ring, 0.11, 0.1, china, 0.6)
    cup = [
        (-0.7, -0.12),
        (-0.69, 0.3),
        (-0.52, 0.68),
        (-0.32, 0.84),
        (0.32, 0.84),
        (0.52, 0.68),
        (0.69, 0.3),
        (0.7, -0.12),
    ]
    dip = [(0.7 * math.cos(a), -0.12 + 0.15 * math.sin(a)) for a in np.linspace(0, math.pi, 14)]
    figure.form(figure.place([*cup, *dip[1:-1]]), china, 0.6)
    figure.oval(0.0, -0.12, 0.7, 0.17, mix(china, rgb("#ffffff"), 0.35), 0.1)
    figure.spot(0.0, -0.1, 0.62, 0.135, rgb("#3a2114"))
    figure.spot(0.0, -0.085, 0.55, 0.11, rgb("#8a5a34"), 0.8, 0.03)
    for k in range(3):
        figure.stripe(
            [(-0.2 + 0.1 * k, -0.13 + 0.03 * k), (0.0, -0.1 + 0.035 * k), (0.2 - 0.1 * k, -0.13 + 0.03 * k)],
            0.03,
            0.03,
            rgb("#f2e0c4"),
            0.9,
            0.008,
        )
    shine(figure, -0.46, 0.3, 0.06, 0.24, 0.6)
    steam(figure)


def steam(figure: Figure) -> None:
    for k in range(3):
        x, sway = -0.26 + 0.26 * k, float(figure.rng.uniform(0.06, 0.13))
        phase = float(figure.rng.random()) * 6
        path = [
            (x + math.sin(t * 5.5 + phase) * sway * (0.3 + t), -0.2 - 0.8 * t) for t in np.linspace(0, 1, 9)
        ]
        for wide, opacity in ((0.13, 0.1), (0.075, 0.14), (0.035, 0.2)):
            figure.lines([(path, wide * 0.5, wide)], rgb("#ffffff"), opacity)


def flower_head(figure: Figure, x: float, y: float, r: float, colour: Colour, kind: int) -> None:
    """A rose, a daisy, a tulip or a sunflower, seen from before."""
    rng = figure.rng
    if kind == 0:
        for ring, (count, out, size) in enumerate(((6, 0.62, 0.5), (5, 0.4, 0.44), (4, 0.2, 0.36))):
            turn = float(rng.random()) * 6
            for k in range(count):
                a = turn + k * 2 * math.pi / count
                tone = colour * np.float32(0.72 + 0.13 * ring + 0.12 * -math.sin(a))
                figure.oval(
                    x + math.cos(a) * r * out,
                    y + math.sin(a) * r * out,
                    r * size,
                    r * size * 0.8,
                    tone,
                    0.55,
                    a + math.pi / 2,
                )
        spiral = [
            (x + math.cos(t * 2.2) * r * 0.05 * t, y + math.sin(t * 2.2) * r * 0.05 * t)
            for t in np.linspace(0.5, 5, 16)
        ]
        figure.stripe(spiral, 0.05 * r, 0.03 * r, colour * np.float32(0.5), 0.8)
    elif kind == 2:
        for dx, tone in ((-0.42, 0.8), (0.42, 0.88), (0.0, 1.05)):
            figure.blob(
                [
                    (x + dx * r, y + 0.75 * r),
                    (x + dx * r - 0.45 * r, y),
                    (x + dx * 1.3 * r, y - 0.95 * r),
                    (x + dx * r + 0.45 * r, y),
                ],
                np.clip(colour * np.float32(tone), 0, 1),
                0.5,
            )
    else:
        count = 14 if kind == 3 else 11
        for back in (0.82, 1.0):
            for k in range(count):
                a = k * 2 * math.pi / count + (0.0 if back == 1.0 else math.pi / count)
                c, s = math.cos(a), math.sin(a)
                petal = [(0.25, 0.0), (0.6, 0.2), (1.05, 0.0), (0.6, -0.2)]
                figure.blob(
                    [(x + (c * px - s * py) * r, y + (s * px + c * py) * r) for px, py in petal],
                    np.clip(colour * np.float32(back), 0, 1),
                    0.35,
                )
        heart = rgb("#4a2c16") if kind == 3 else rgb("#f0b83a")
        figure.oval(x, y, r * (0.45 if kind == 3 else 0.28), r * (0.45 if kind == 3 else 0.28), heart, 0.6)
        for k in range(40 if kind == 3 else 12):
            a, d = k * 2.4, math.sqrt(k / 40) * 0.4 * (1 if kind == 3 else 0.9)
            figure.spot(
                x + math.cos(a) * d * r,
                y + math.sin(a) * d * r,
                0.03 * r,
                0.03 * r,
                mix(heart, rgb("#f2c060"), 0.5),
                0.7,
            )


def stem(figure: Figure, path: list[Point], wide: float) -> None:
    figure.tube(path, wide, wide * 0.8, rgb("#4f7f3a"), 0.5)


def leaf(figure: Figure, x: float, y: float, size: float, angle: float) -> None:
    c, s = math.cos(angle), math.sin(angle)
    shape = [(0.0, 0.0), (0.45, 0.24), (1.0, 0.0), (0.45, -0.24)]
    figure.blob(
        [(x + (c * px - s * py) * size, y + (s * px + c * py) * size) for px, py in shape],
        rgb("#5a8f3f"),
        0.45,
    )
    figure.stripe(
        [(x, y), (x + c * size * 0.9, y + s * size * 0.9)], size * 0.04, size * 0.01, rgb("#a8cf7a"), 0.6
    )


def draw_vase(figure: Figure, hue: str) -> None:
    """A vase full of flowers."""
    rng = figure.rng
    china = rgb(("#4f7fa8", "#e8e2d6", "#b8634a", "#5f8a7a", "#3f4f6a")[int(rng.integers(5))])
    sets = (
        ("#f2a0bd", "#ffffff", "#c95b8c"),
        ("#e5503f", "#f6b23c", "#fff2d8"),
        ("#8a6fd1", "#c9b5f0", "#f0c94a"),
        ("#f6f0e2", "#f2c9a0", "#e88a7a"),
    )
    colours = [rgb(code) for code in sets[int(rng.integers(len(sets)))]]
    if hue in HUES:
        colours[0] = colours[1] = HUES[hue]
    heads = []
    for k in range(11):
        a = -math.pi / 2 + (k - 5) * 0.27 + float(rng.normal(0, 0.07))
        d = float(rng.uniform(0.42, 0.98)) if k % 2 else float(rng.uniform(0.62, 0.95))
        heads.append((math.cos(a) * d * 0.9, 0.06 + math.sin(a) * d * 0.92))
    for x, y in heads:
        stem(figure, [(0.02 * x, 0.34), (x * 0.5, y * 0.55 + 0.12), (x, y)], 0.03)
        if rng.random() < 0.7:
            leaf(figure, x * 0.55, y * 0.55 + 0.1, 0.26, float(rng.uniform(-2.9, -0.2)))
    for x, y in sorted(heads, key=lambda p: p[1]):
        flower_head(
            figure,
            x,
            y,
            float(rng.uniform(0.15, 0.23)),
            colours[int(rng.integers(3))],
            int(rng.choice((0, 0, 1, 2))),
        )
    form = [(-0.15, 0.2), (-0.13, 0.32), (-0.28, 0.5), (-0.36, 0.7), (-0.27, 0.92), (-0.2, 0.99)]
    figure.blob([*form, *[(-x, y) for x, y in reversed(form)]], china, 0.8)
    figure.oval(0.0, 0.205, 0.165, 0.04, mix(china, rgb("#ffffff"), 0.3), 0.2)
    figure.spot(0.0, 0.21, 0.13, 0.025, china * np.float32(0.3), 0.9)
    for y in (0.52, 0.84):
        figure.stripe(
            [(-0.34, y - 0.02), (0.0, y + 0.035), (0.34, y - 0.02)],
            0.02,
            0.02,
            mix(china, rgb("#f2d9a0"), 0.6),
            0.8,
        )
    shine(figure, -0.17, 0.62, 0.04, 0.14, 0.65)


def draw_rose(figure: Figure, hue: str) -> None:
    """One large flower with its leaves."""
    rng = figure.rng
    colour = (
        HUES[hue]
        if hue in HUES
        else rgb(("#c8283f", "#e87fa0", "#f2c14e", "#f4ece0", "#b06fd0")[int(rng.integers(5))])
    )
    stem(figure, [(0.06, 1.0), (-0.04, 0.5), (0.0, -0.1)], 0.06)
    for s, y in ((-1, 0.62), (1, 0.42)):
        leaf(figure, 0.0, y, 0.55, -0.5 if s > 0 else math.pi + 0.5)
        leaf(figure, s * 0.3, y - 0.16, 0.3, -1.2 if s > 0 else math.pi + 1.2)
    flower_head(figure, 0.0, -0.34, 0.6, colour, 0 if hue or rng.random() < 0.7 else 2)


def draw_sunflowers(figure: Figure, hue: str) -> None:
    for x, top, r in ((-0.5, -0.2, 0.3), (0.52, -0.06, 0.28), (0.0, -0.5, 0.42)):
        stem(figure, [(x * 0.3, 1.0), (x * 0.7, 0.5), (x, top)], 0.055)
        for s in (-1, 1):
            leaf(figure, x * 0.6, 0.45 + 0.1 * s, 0.42, -0.35 if s > 0 else math.pi + 0.35)
        flower_head(figure, x, top, r, rgb("#f4bd2a"), 3)


def draw_mushroom(figure: Figure, hue: str) -> None:
    """A large toadstool and a small one."""
    cap = HUES[hue] if hue in HUES else rgb("#c8342c")
    for x, y, r in ((0.48, 0.98, 0.4), (-0.1, 0.99, 0.85)):
        figure.blob(
            [
                (x - 0.16 * r, y - 1.1 * r),
                (x - 0.2 * r, y - 0.5 * r),
                (x - 0.3 * r, y),
                (x + 0.3 * r, y),
                (x + 0.2 * r, y - 0.5 * r),
                (x + 0.16 * r, y - 1.1 * r),
            ],
            rgb("#f2e8d4"),
            0.7,
        )
        figure.blob(
            [(x - 0.3 * r, y - 0.86 * r), (x, y - 0.74 * r), (x + 0.3 * r, y - 0.86 * r), (x, y - 0.98 * r)],
            rgb("#e2d2b4"),
            0.3,
        )
        figure.blob(
            [
                (x - 0.95 * r, y - 1.0 * r),
                (x - 0.75 * r, y - 1.55 * r),
                (x, y - 1.95 * r),
                (x + 0.75 * r, y - 1.55 * r),
                (x + 0.95 * r, y - 1.0 * r),
                (x, y - 0.92 * r),
            ],
            cap,
            0.75,
        )
        for dx, dy, size in (
            (-0.5, -1.3, 0.13),
            (0.05, -1.65, 0.16),
            (0.5, -1.35, 0.14),
            (0.1, -1.2, 0.1),
            (-0.25, -1.55, 0.08),
            (0.7, -1.1, 0.07),
            (-0.7, -1.08, 0.07),
        ):
            figure.spot(x + dx * r, y + dy * r, size * r, size * r * 0.8, rgb("#fdf6e6"), 0.97, 0.01)


def draw_cake(figure: Figure, hue: str) -> None:
    """A slice-cut layer cake with a candle or berries."""
    icing = (
        mix(HUES[hue], rgb("#ffffff"), 0.45)
        if hue in HUES
        else rgb(("#f6c9d4", "#fdf3e2", "#7a4a32", "#cfe6d9")[int(figure.rng.integers(4))])
    )
    figure.oval(0.0, 0.86, 1.0, 0.15, rgb("#efeae2"), 0.3)
    for y, wide, tall in ((0.82, 0.78, 0.5), (0.34, 0.56, 0.42)):
        side = [(-wide, y - tall), (-wide, y)]
        low = [(wide * math.cos(a), y + 0.1 * math.sin(a)) for a in np.linspace(math.pi, 0, 16)]
        figure.form(figure.place([*side, *low, (wide, y - tall)]), mix(icing, rgb("#f0d0a0"), 0.35), 0.5)
        figure.oval(0.0, y - tall, wide, 0.12, icing, 0.2)
        drips: list[Point] = []
        for a in np.linspace(math.pi, 0, 23):
            drips.append(
                (wide * math.cos(a), y - tall + 0.12 * math.sin(a) + float(figure.rng.uniform(0.04, 0.2)))
            )
        figure.blob([(-wide, y - tall - 0.02), *drips, (wide, y - tall - 0.02)], icing, 0.3)
    for k in range(7):
        a = k / 7 * 2 * math.pi
        figure.oval(0.4 * math.cos(a), -0.12 + 0.08 * math.sin(a), 0.085, 0.085, rgb("#c8283a"), 0.75)
        shine(figure, 0.4 * math.cos(a) - 0.025, -0.15 + 0.08 * math.sin(a), 0.02, 0.02)
    figure.tube([(0.0, -0.1), (0.0, -0.55)], 0.07, 0.07, rgb("#f2d24a"), 0.5)
    figure.mark([(0.0, -0.88), (-0.06, -0.7), (0.0, -0.6), (0.06, -0.7)], rgb("#ffcf5a"))
    figure.blob([(0.0, -0.9), (-0.07, -0.7), (0.0, -0.58), (0.07, -0.7)], rgb("#ffb43a"), 0.2)
    figure.spot(0.0, -0.67, 0.025, 0.05, rgb("#fff6d0"), 0.95, 0.01)


def draw_book(figure: Figure, hue: str) -> None:
    """A pile of books, the upper one open."""
    rng = figure.rng
    y = 0.98
    for k in range(3):
        colour = (
            HUES[hue]
            if hue in HUES and k == 2
            else rgb(("#7a2f2f", "#2f4f6a", "#4f6a3f", "#8a6a34", "#5a3f6a")[int(rng.integers(5))])
        )
        off, wide = float(rng.uniform(-0.08, 0.08)), 0.86 - 0.05 * k
        figure.blob(
            [(off - wide, y), (off - wide, y - 0.22), (off + wide, y - 0.22), (off + wide, y)],
            colour,
            0.3,
            smooth=False,
        )
        figure.mark(
            [
                (off - wide * 0.94, y - 0.03),
                (off - wide * 0.94, y - 0.19),
                (off + wide, y - 0.19),
                (off + wide, y - 0.03),
            ],
            rgb("#f0e6d0"),
            1.0,
            0.0,
            smooth=False,
        )
        figure.stripe(
            [(off - wide * 0.9, y - 0.11), (off + wide, y - 0.11)], 0.012, 0.012, rgb("#cbbd9f"), 0.8
        )
        y -= 0.23
    for s in (-1, 1):
        figure.blob(
            [
                (0.0, y - 0.08),
                (s * 0.4, y - 0.24),
                (s * 0.98, y - 0.12),
                (s * 0.98, y + 0.02),
                (s * 0.4, y - 0.1),
                (0.0, y + 0.04),
            ],
            rgb("#faf3e2"),
            0.35,
        )
        for line in range(4):
            figure.stripe(
                [
                    (s * 0.1, y - 0.08 + 0.018 * line),
                    (s * 0.42, y - 0.185 + 0.022 * line),
                    (s * 0.88, y - 0.1 + 0.022 * line),
                ],
                0.008,
                0.008,
                rgb("#8a8070"),
                0.6,
            )


def draw_tree(figure: Figure, hue: str) -> None:
    """A broad old tree; its leaves are the season's or the colour that was named."""
    rng = figure.rng
    bark = rgb("#5a4232")
    figure.blob(
        [(-0.3, 1.0), (-0.13, 0.7), (-0.1, 0.2), (0.1, 0.2), (0.13, 0.7), (0.3, 1.0), (0.0, 0.94)], bark, 0.7
    )
    for s, reach, rise in ((-1, 0.5, -0.1), (1, 0.55, -0.05), (-1, 0.2, -0.4), (1, 0.22, -0.42)):
        figure.tube(
            [(0.0, 0.4), (s * reach * 0.4, 0.15 + rise * 0.4), (s * reach, rise)], 0.13, 0.05, bark, 0.6
        )
    base = HUES[hue] if hue in HUES else rgb("#5f8f3a")
    dark, light = base * np.float32(0.42) * rgb("#b8c8d8"), mix(base, rgb("#fff0a8"), 0.5)
    centres = [
        (0.0, -0.42, 0.5),
        (-0.5, -0.22, 0.4),
        (0.5, -0.2, 0.42),
        (-0.26, -0.62, 0.38),
        (0.3, -0.6, 0.38),
        (0.0, -0.1, 0.42),
        (-0.74, 0.0, 0.24),
        (0.76, 0.02, 0.24),
    ]
    layer_points, layer_tones = [], []
    for x, y, r in centres:
        n = int(520 * r)
        a, d = rng.uniform(0, 6.28, n), np.sqrt(rng.random(n)) * r
        px, py = x + np.cos(a) * d, y + np.sin(a) * d * 0.85
        tone = (
            0.45
            + (figure.light[0] * np.cos(a) + figure.light[1] * np.sin(a)) * d / r * 0.42
            - (py + 0.3) * 0.18
            + rng.normal(0, 0.13, n)
        )
        layer_points.append(np.stack([px, py], -1))
        layer_tones.append(tone)
    points, tones = np.concatenate(layer_points), np.clip(np.concatenate(layer_tones), 0, 1)
    order = np.argsort(tones + rng.random(len(tones)) * 0.35)
    figure.leaves(
        points[order],
        0.07,
        mix(mix(dark, base, np.clip(tones * 2, 0, 1)[:, None]), light, np.clip(tones * 2 - 1, 0, 1)[:, None])[
            order
        ],
    )
