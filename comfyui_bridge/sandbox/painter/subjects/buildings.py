"""Castle, house, lighthouse, temple and windmill."""

from __future__ import annotations

import numpy as np

from ..canvas import Colour, Point, mix, rgb
from ..palette import HUES
from .figure import Figure


def slab(
    figure: Figure, left: float, top: float, right: float, bottom: float, colour: Colour, courses: float = 0.0
) -> None:
    """A wall: lit from the light's side, with courses of stone or boards of that height."""
    box = [(left, top), (right, top), (right, bottom), (left, bottom)]
    figure.form(figure.place(box), colour, 0.0)
    lit = left if figure.light[0] < 0 else right
    far = right if figure.light[0] < 0 else left
    figure.mark(
        [(lit, top), (lit + (far - lit) * 0.4, top), (lit + (far - lit) * 0.4, bottom), (lit, bottom)],
        mix(colour, rgb("#fff0d0"), 0.35),
        0.6,
        abs(far - lit) * 0.14,
        smooth=False,
    )
    figure.mark(
        [(far, top), (far + (lit - far) * 0.35, top), (far + (lit - far) * 0.35, bottom), (far, bottom)],
        colour * np.float32(0.5),
        0.55,
        abs(far - lit) * 0.12,
        smooth=False,
    )
    if courses:
        rng = figure.rng
        for y in np.arange(bottom - courses, top, -courses):
            figure.stripe([(left, float(y)), (right, float(y))], 0.008, 0.008, colour * np.float32(0.55), 0.4)
            for x in np.arange(left, right, courses * 1.9):
                px = float(x + rng.uniform(0, courses))
                if px < right:
                    figure.stripe(
                        [(px, float(y)), (px, float(y) + courses)],
                        0.007,
                        0.007,
                        colour * np.float32(0.55),
                        0.35,
                    )


def cone(figure: Figure, x: float, foot: float, wide: float, tip: float, colour: Colour) -> None:
    """A pointed roof."""
    figure.form(
        figure.place([(x - wide, foot), (x, tip), (x + wide, foot), (x, foot + wide * 0.16)]), colour, 0.0
    )
    s = -1 if figure.light[0] < 0 else 1
    figure.mark(
        [(x + s * wide, foot), (x, tip), (x + s * wide * 0.15, foot + wide * 0.1)],
        mix(colour, rgb("#ffe0b8"), 0.4),
        0.7,
        wide * 0.12,
        smooth=False,
    )
    figure.mark(
        [(x - s * wide, foot), (x, tip), (x - s * wide * 0.3, foot + wide * 0.1)],
        colour * np.float32(0.45),
        0.6,
        wide * 0.12,
        smooth=False,
    )


def window(figure: Figure, x: float, y: float, wide: float, tall: float, lit: bool = True) -> None:
    shape = [
        (x - wide, y + tall),
        (x - wide, y - tall * 0.4),
        (x, y - tall),
        (x + wide, y - tall * 0.4),
        (x + wide, y + tall),
    ]
    figure.mark(shape, rgb("#2a2028"), 0.95, 0.0, smooth=False)
    glow = rgb("#ffd27a") if lit else rgb("#5f7f96")
    pane = [(x + (px - x) * 0.72, y + (py - y) * 0.8) for px, py in shape]
    figure.mark(pane, glow, 0.95, 0.0, smooth=False, lamp=1.0 if lit else 0.0)


def battlements(figure: Figure, left: float, right: float, y: float, size: float, colour: Colour) -> None:
    count = max(2, round((right - left) / (size * 2)))
    step = (right - left) / (count * 2 - 1)
    for k in range(count):
        x = left + 2 * k * step
        slab(figure, x, y - size, x + step, y + 0.01, colour)


def draw_castle(figure: Figure, hue: str) -> None:
    rng = figure.rng
    stone = rgb(("#b8ac9a", "#a8a4a8", "#c9b89a")[int(rng.integers(3))])
    roof = (
        HUES[hue] if hue in HUES else rgb(("#4f5f8a", "#8a3f3a", "#3f6a6a", "#5a4a7a")[int(rng.integers(4))])
    )
    rock = rgb("#6a6558")
    figure.blob(
        [(-1.15, 1.02), (-0.95, 0.78), (-0.5, 0.66), (0.0, 0.7), (0.5, 0.64), (0.95, 0.8), (1.15, 1.02)],
        rock,
        0.5,
    )
    for x, wide, top, tip in (
        (-0.34, 0.13, -0.35, -0.8),
        (0.36, 0.14, -0.42, -0.92),
        (0.0, 0.2, -0.55, -1.15),
    ):
        slab(figure, x - wide, top, x + wide, 0.6, stone * np.float32(0.92), 0.085)
        slab(figure, x - wide * 1.2, top - 0.07, x + wide * 1.2, top + 0.02, stone)
        cone(figure, x, top - 0.06, wide * 1.35, tip, roof)
        for k in range(2):
            window(figure, x, top + 0.16 + 0.25 * k, 0.035, 0.07)
        figure.lines([([(x, tip), (x, tip - 0.14)], 0.014, 0.012)], rgb("#4a4048"))
        figure.blob(
            [(x, tip - 0.14), (x + 0.14, tip - 0.11), (x, tip - 0.06)], rgb("#d8483a"), 0.2, smooth=False
        )
    slab(figure, -0.62, 0.12, 0.62, 0.74, stone, 0.085)
    battlements(figure, -0.62, 0.62, 0.12, 0.07, stone)
    for x in (-0.72, 0.72):
        slab(figure, x - 0.17, -0.02, x + 0.17, 0.8, stone, 0.085)
        slab(figure, x - 0.2, -0.08, x + 0.2, 0.02, stone)
        battlements(figure, x - 0.2, x + 0.2, -0.07, 0.06, stone)
        cone(figure, x, -0.08, 0.2, -0.5, roof)
        window(figure, x, 0.22, 0.035, 0.075)
        window(figure, x, 0.5, 0.035, 0.075)
    for x in (-0.36, 0.36):
        window(figure, x, 0.36, 0.045, 0.08)
    gate = [(-0.17, 0.76), (-0.17, 0.48), (-0.1, 0.36), (0.1, 0.36), (0.17, 0.48), (0.17, 0.76)]
    figure.mark(gate, rgb("#3a2a20"), 1.0, 0.0, smooth=False)
    figure.lines([([(x, 0.42), (x, 0.75)], 0.012, 0.012) for x in (-0.09, 0.0, 0.09)], rgb("#6a4f38"))
    figure.blob([(-0.12, 0.75), (0.12, 0.75), (0.34, 1.0), (-0.2, 1.0)], rgb("#b09a78"), 0.2, smooth=False)


def draw_house(figure: Figure, hue: str) -> None:
    """A cottage with a chimney, lit windows and a garden path."""
    rng = figure.rng
    wall = (
        HUES[hue]
        if hue in HUES
        else rgb(("#efe2c8", "#d9c3a0", "#c9d3d0", "#e0b89a", "#8a5f40")[int(rng.integers(5))])
    )
    roof = rgb(("#a8503a", "#7a4a3a", "#5f6470", "#8a6a4a")[int(rng.integers(4))])
    slab(figure, 0.34, -0.78, 0.54, -0.2, rgb("#9a6a54"), 0.07)
    smoke = [([(0.44, -0.82), (0.5, -1.0), (0.4, -1.14), (0.56, -1.28)], 0.06, 0.16)]
    figure.lines(smoke, rgb("#f4f2ee"), 0.35)
    slab(figure, -0.72, 0.0, 0.72, 0.96, wall, 0.12 if rng.random() < 0.5 else 0.0)
    eaves = [(-0.9, 0.08), (-0.58, -0.52), (0.58, -0.52), (0.9, 0.08)]
    figure.form(figure.place(eaves), roof, 0.0)
    for k in range(5):
        y = -0.42 + 0.11 * k
        reach = 0.63 + 0.058 * k
        figure.stripe([(-reach, y), (reach, y)], 0.018, 0.018, roof * np.float32(0.62), 0.7)
        figure.stripe(
            [(-reach, y - 0.03), (reach, y - 0.03)], 0.012, 0.012, mix(roof, rgb("#ffe8c8"), 0.35), 0.5
        )
    figure.stripe([(-0.9, 0.09), (0.9, 0.09)], 0.03, 0.03, rgb("#2a2024"), 0.45, 0.01)
    figure.blob(
        [(-0.28, -0.12), (0.0, -0.5), (0.28, -0.12)], mix(roof, rgb("#2a1a1a"), 0.2), 0.0, smooth=False
    )
    slab(figure, -0.17, -0.22, 0.17, 0.06, wall)
    window(figure, 0.0, -0.08, 0.08, 0.1)
    for x in (-0.46, 0.46):
        figure.mark(
            [(x - 0.17, 0.24), (x + 0.17, 0.24), (x + 0.17, 0.58), (x - 0.17, 0.58)],
            rgb("#f6f0e2"),
            1.0,
            0.0,
            smooth=False,
        )
        figure.mark(
            [(x - 0.135, 0.27), (x + 0.135, 0.27), (x + 0.135, 0.55), (x - 0.135, 0.55)],
            rgb("#ffd27a"),
            0.95,
            0.0,
            smooth=False,
            lamp=1.0,
        )
        figure.lines(
            [([(x, 0.27), (x, 0.55)], 0.02, 0.02), ([(x - 0.135, 0.41), (x + 0.135, 0.41)], 0.02, 0.02)],
            rgb("#f6f0e2"),
        )
        for k in range(7):
            figure.oval(
                x - 0.15 + 0.05 * k,
                0.61 + 0.015 * (k % 2),
                0.035,
                0.03,
                rgb(("#e0506a", "#f2c04a", "#6f9a40")[k % 3]),
                0.4,
            )
    figure.mark(
        [(-0.14, 0.96), (-0.14, 0.42), (0.0, 0.36), (0.14, 0.42), (0.14, 0.96)],
        rgb("#6a4230"),
        1.0,
        0.0,
        smooth=False,
    )
    figure.spot(0.08, 0.7, 0.018, 0.018, rgb("#f2c860"))
    for x in (-0.8, -0.62, 0.64, 0.84):
        for k in range(10):
            dx, dy = float(rng.normal(0, 0.07)), abs(float(rng.normal(0, 0.07)))
            figure.oval(x + dx, 0.95 - dy, 0.07, 0.06, rgb("#4f7f3a") * np.float32(0.7 + 0.05 * k), 0.3)


def draw_lighthouse(figure: Figure, hue: str) -> None:
    band = HUES[hue] if hue in HUES else rgb("#c8352f")
    figure.blob(
        [(-0.95, 1.02), (-0.6, 0.8), (-0.2, 0.74), (0.3, 0.76), (0.7, 0.84), (1.0, 1.02)], rgb("#5f5a58"), 0.6
    )
    levels = np.linspace(0.82, -0.52, 7)
    for k in range(6):
        low, high = float(levels[k]), float(levels[k + 1])
        a, b = 0.17 + 0.13 * (low + 0.52) / 1.34, 0.17 + 0.13 * (high + 0.52) / 1.34
        figure.form(
            figure.place([(-a, low), (-b, high), (b, high), (a, low)]), band if k % 2 else rgb("#f6f1e6"), 0.0
        )
    s = -1.0 if figure.light[0] < 0 else 1.0
    figure.mark(
        [(-s * 0.32, 0.82), (-s * 0.06, 0.82), (-s * 0.04, -0.52), (-s * 0.18, -0.52)],
        rgb("#3a3044"),
        0.5,
        0.05,
        smooth=False,
    )
    figure.mark(
        [(s * 0.26, 0.82), (s * 0.12, 0.82), (s * 0.08, -0.52), (s * 0.14, -0.52)],
        rgb("#fff6e0"),
        0.35,
        0.03,
        smooth=False,
    )
    for y in (0.5, 0.1, -0.28):
        window(figure, 0.02, y, 0.035, 0.06, lit=False)
    slab(figure, -0.25, -0.58, 0.25, -0.51, rgb("#4a4448"))
    figure.blob(
        [(-0.13, -0.58), (-0.13, -0.82), (0.13, -0.82), (0.13, -0.58)], rgb("#ffe9a8"), 0.0, smooth=False
    )
    figure.spot(0.0, -0.7, 0.09, 0.1, rgb("#fffbe6"), 1.0, 0.03, lamp=1.0)
    figure.lines(
        [([(x, -0.82), (x, -0.58)], 0.016, 0.016) for x in (-0.13, -0.045, 0.045, 0.13)], rgb("#4a4448")
    )
    figure.lines(
        [([(x, -0.67), (x, -0.58)], 0.01, 0.01) for x in np.linspace(-0.24, 0.24, 8).tolist()], rgb("#4a4448")
    )
    cone(figure, 0.0, -0.8, 0.19, -1.06, band * np.float32(0.85))
    for side in (-1, 1):
        beam: list[Point] = [(side * 0.1, -0.7), (side * 1.28, -0.95), (side * 1.28, -0.55)]
        figure.haze(beam, rgb("#fff2b8"), 0.35)


def draw_temple(figure: Figure, hue: str) -> None:
    """A pagoda of five storeys with upturned roofs."""
    wood = HUES[hue] if hue in HUES else rgb("#a83a30")
    tiles = rgb("#4a4f58")
    slab(figure, -0.7, 0.86, 0.7, 1.0, rgb("#b8ab98"), 0.07)
    for k in range(5):
        y, wide = 0.86 - 0.34 * k, 0.46 - 0.06 * k
        slab(figure, -wide, y - 0.24, wide, y, wood)
        figure.lines(
            [([(x, y - 0.24), (x, y)], 0.022, 0.022) for x in np.linspace(-wide, wide, 5).tolist()],
            wood * np.float32(0.55),
        )
        for x in (-wide * 0.5, wide * 0.5):
            figure.mark(
                [
                    (x - wide * 0.17, y - 0.18),
                    (x + wide * 0.17, y - 0.18),
                    (x + wide * 0.17, y - 0.03),
                    (x - wide * 0.17, y - 0.03),
                ],
                rgb("#ffd68a"),
                0.9,
                0.0,
                smooth=False,
                lamp=0.9,
            )
        reach = wide * 1.62
        roof = [
            (-reach, y - 0.25),
            (-reach * 0.72, y - 0.235),
            (0.0, y - 0.22),
            (reach * 0.72, y - 0.235),
            (reach, y - 0.25),
            (reach * 0.62, y - 0.33),
            (wide * 0.75, y - 0.4),
            (-wide * 0.75, y - 0.4),
            (-reach * 0.62, y - 0.33),
        ]
        figure.blob([(x, yy - (0.05 if abs(x) == reach else 0)) for x, yy in roof], tiles, 0.35)
        figure.stripe(
            [
                (-reach, y - 0.3),
                (-reach * 0.6, y - 0.25),
                (0.0, y - 0.23),
                (reach * 0.6, y - 0.25),
                (reach, y - 0.3),
            ],
            0.022,
            0.022,
            mix(tiles, rgb("#e0b45a"), 0.5),
            0.9,
        )
    figure.lines([([(0.0, -0.9), (0.0, -1.24)], 0.05, 0.014)], rgb("#d9a53a"))


def draw_windmill(figure: Figure, hue: str) -> None:
    wall = HUES[hue] if hue in HUES else rgb("#d9c7a4")
    figure.form(figure.place([(-0.38, 1.0), (-0.24, -0.2), (0.24, -0.2), (0.38, 1.0)]), wall, 0.0)
    s = -1.0 if figure.light[0] < 0 else 1.0
    figure.mark(
        [(-s * 0.38, 1.0), (-s * 0.08, 1.0), (-s * 0.05, -0.2), (-s * 0.24, -0.2)],
        wall * np.float32(0.45),
        0.55,
        0.06,
        smooth=False,
    )
    for y in (0.2, 0.55):
        window(figure, 0.0, y, 0.05, 0.08)
    figure.mark([(-0.1, 1.0), (-0.1, 0.78), (0.1, 0.78), (0.1, 1.0)], rgb("#5a3a28"), 1.0, 0.0, smooth=False)
    figure.blob(
        [(-0.27, -0.18), (-0.2, -0.42), (0.0, -0.52), (0.2, -0.42), (0.27, -0.18)], rgb("#7a4a38"), 0.5
    )
    turn = float(figure.rng.uniform(0, 1.57))
    for k in range(4):
        figure.turn(turn + k * np.pi / 2, (0.0, -0.3))
        figure.lines([([(0.0, -0.3), (0.0, -1.14)], 0.035, 0.025)], rgb("#4a3a2e"))
        figure.blob(
            [(0.02, -0.45), (0.2, -0.45), (0.2, -1.12), (0.02, -1.12)], rgb("#f2ead8"), 0.0, smooth=False
        )
        figure.lines(
            [([(0.02, y), (0.2, y)], 0.012, 0.012) for y in np.linspace(-0.5, -1.1, 7).tolist()],
            rgb("#8a7460"),
        )
        figure.lines(
            [([(0.11, -0.45), (0.11, -1.12)], 0.012, 0.012), ([(0.2, -0.45), (0.2, -1.12)], 0.014, 0.014)],
            rgb("#8a7460"),
        )
    figure.turn()
    figure.oval(0.0, -0.3, 0.06, 0.06, rgb("#4a3a2e"), 0.5)
