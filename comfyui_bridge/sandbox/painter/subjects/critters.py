"""Animals that sit and look at you: dog, fox, rabbit, bear and panda."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..canvas import Colour, Point, mix, rgb
from ..palette import HUES
from .figure import Figure

WHITE, DARK = rgb("#fbf6ec"), rgb("#1b1518")


@dataclass(frozen=True)
class Build:
    """What tells one sitting animal from another."""

    fur: Colour
    light: Colour
    dark: Colour
    head: tuple[Point, ...]
    body: float = 1.0
    """How wide the body is."""


ROUND = ((0.0, -0.82), (-0.3, -0.76), (-0.47, -0.5), (-0.46, -0.22), (-0.28, 0.0), (0.0, 0.06))
LONG = ((0.0, -0.8), (-0.26, -0.76), (-0.4, -0.55), (-0.4, -0.3), (-0.27, -0.06), (0.0, 0.1))
POINTED = ((0.0, -0.76), (-0.24, -0.72), (-0.44, -0.5), (-0.52, -0.2), (-0.2, -0.02), (0.0, 0.1))


def both(half: tuple[Point, ...]) -> list[Point]:
    """A left half and its mirror image."""
    return [*half, *[(-x, y) for x, y in reversed(half[1:-1])]]


def coat(hue: str, usual: str) -> Colour:
    """The named colour as fur would have it, or the usual one."""
    if hue in HUES:
        return mix(HUES[hue], rgb("#8a7460"), 0.18)
    return rgb(usual)


def sit(figure: Figure, build: Build, chest: bool = True) -> None:
    """Body, haunches and front legs of a sitting animal."""
    b = build.body
    body = [(-0.26 * b, -0.1), (-0.4 * b, 0.3), (-0.54 * b, 0.68), (-0.48 * b, 0.93), (0.0, 0.99)]
    figure.blob([*body, *[(-x, y) for x, y in reversed(body[:-1])]], build.fur, 0.75)
    for s in (-1, 1):
        figure.oval(s * 0.38 * b, 0.76, 0.2, 0.22, build.fur, 0.6)
        figure.oval(s * 0.4 * b, 0.95, 0.17, 0.065, build.light, 0.5)
    figure.fur(3600, 0.07, (-0.65, -0.1, 0.65, 1.0), (0.0, 0.1), down=0.9, contrast=0.11)
    for s in (-1, 1):
        figure.tube([(s * 0.14, 0.3), (s * 0.145, 0.65), (s * 0.145, 0.9)], 0.22, 0.18, build.fur, 0.6)
        figure.oval(s * 0.15, 0.945, 0.13, 0.075, build.light, 0.6)
        figure.fur(520, 0.055, (s * 0.02, 0.3, s * 0.28, 0.92), (s * 0.13, 0.0), down=1.2, ruffle=0.25)
        toes = [
            ([(s * 0.15 + dx, 0.93), (s * 0.15 + dx * 1.1, 0.985)], 0.011, 0.008) for dx in (-0.045, 0.045)
        ]
        figure.lines(toes, mix(build.light, rgb("#4a3a34"), 0.55), 0.75)
    bib = [(-0.18, 0.0), (-0.23, 0.3), (-0.15, 0.52), (0.0, 0.64), (0.15, 0.52), (0.23, 0.3), (0.18, 0.0)]
    figure.mark(bib, build.light if chest else build.fur, 0.95, 0.045)
    figure.fur(1300, 0.075, (-0.34, -0.05, 0.34, 0.62), (0.0, -0.4), down=1.0, ruffle=0.3, contrast=0.08)
    figure.stripe(
        [(0.0, 0.62), (0.005, 0.8), (0.0, 0.97)], 0.012, 0.022, build.fur * np.float32(0.35), 0.7, 0.012
    )
    figure.mark(
        [(-0.24, -0.02), (0.0, 0.12), (0.24, -0.02), (0.2, 0.16), (0.0, 0.24), (-0.2, 0.16)],
        build.dark,
        0.35,
        0.05,
    )


def eyes(figure: Figure, apart: float, y: float, size: float, iris: Colour, look: float) -> None:
    for s in (-1, 1):
        x = s * apart
        figure.spot(x, y, size * 1.22, size * 1.25, DARK, 0.95, 0.006)
        figure.spot(x, y, size, size * 1.05, iris)
        figure.spot(x, y + size * 0.45, size * 0.7, size * 0.45, mix(iris, rgb("#ffe9b8"), 0.5), 0.7, 0.012)
        figure.spot(x + look * size * 0.25, y, size * 0.66, size * 0.7, rgb("#0c090b"), 1.0, 0.004)
        figure.spot(x - size * 0.34, y - size * 0.42, size * 0.3, size * 0.32, rgb("#ffffff"), 0.97)
        figure.spot(x + size * 0.32, y + size * 0.4, size * 0.15, size * 0.15, rgb("#ffffff"), 0.7)


def muzzle(figure: Figure, y: float, nose: float, tongue: bool) -> None:
    """Nose, mouth and perhaps a tongue; y is the nose's height."""
    if tongue:
        figure.blob(
            [(-0.06, y + 0.14), (0.06, y + 0.14), (0.07, y + 0.27), (0.0, y + 0.32), (-0.07, y + 0.27)],
            rgb("#e8788a"),
            0.4,
        )
        figure.stripe([(0.0, y + 0.15), (0.0, y + 0.27)], 0.012, 0.006, rgb("#b8506a"), 0.7)
    strokes: list[tuple[list[Point], float, float]] = [
        ([(0.0, y + nose * 0.6), (0.0, y + 0.13)], 0.014, 0.012)
    ]
    for s in (-1, 1):
        strokes.append(
            (
                [(0.0, y + 0.13), (s * 0.06, y + 0.165), (s * 0.13, y + 0.14), (s * 0.16, y + 0.09)],
                0.015,
                0.007,
            )
        )
    figure.lines(strokes, rgb("#3a2522"), 0.9)
    figure.blob(
        [
            (-nose, y - nose * 0.35),
            (0.0, y - nose * 0.6),
            (nose, y - nose * 0.35),
            (nose * 0.55, y + nose * 0.5),
            (0.0, y + nose * 0.75),
            (-nose * 0.55, y + nose * 0.5),
        ],
        rgb("#221a1c"),
        0.5,
    )
    figure.spot(-nose * 0.3, y - nose * 0.25, nose * 0.3, nose * 0.14, rgb("#ffffff"), 0.55, 0.006)


def draw_dog(figure: Figure, hue: str) -> None:
    rng = figure.rng
    usual = ("#c98f52", "#a8754a", "#e2c49a", "#6d4a36", "#d9a566")[int(rng.integers(5))]
    fur = coat(hue, usual)
    build = Build(fur, mix(fur, WHITE, 0.82), fur * np.float32(0.45), LONG)
    side = float(rng.choice((-1, 1)))
    figure.tube(
        [(0.32 * side, 0.85), (0.62 * side, 0.78), (0.82 * side, 0.5), (0.78 * side, 0.26)],
        0.2,
        0.1,
        fur,
        0.6,
    )
    figure.fur(700, 0.09, (0.2 * side, 0.1, 1.0 * side, 1.0), (0.3 * side, 0.9), down=0.1, ruffle=0.5)
    sit(figure, build)
    figure.turn(float(rng.uniform(-0.16, 0.16)), (0.0, -0.1))
    figure.blob(both(build.head), fur, 0.7)
    pricked = rng.random() < 0.35
    ear = mix(fur, DARK, 0.35)
    for s in (-1, 1):
        if pricked:
            figure.blob(
                [(s * 0.4, -0.5), (s * 0.46, -0.8), (s * 0.4, -1.02), (s * 0.22, -0.86), (s * 0.1, -0.68)],
                ear,
                0.5,
            )
            figure.mark([(s * 0.36, -0.62), (s * 0.38, -0.9), (s * 0.22, -0.72)], rgb("#dba09a"), 0.7, 0.015)
    figure.mark(
        [(-0.05, -0.78), (-0.1, -0.4), (-0.2, -0.12), (0.0, 0.08), (0.2, -0.12), (0.1, -0.4), (0.05, -0.78)],
        build.light,
        0.85,
        0.04,
    )
    figure.fur(2200, 0.055, (-0.5, -0.85, 0.5, 0.1), (0.0, -0.3), down=0.35, contrast=0.1)
    figure.oval(0.0, -0.1, 0.23, 0.17, build.light, 0.45)
    figure.fur(420, 0.04, (-0.24, -0.26, 0.24, 0.08), (0.0, -0.25), down=0.6, contrast=0.06)
    if not pricked:
        for s in (-1, 1):
            figure.blob(
                [
                    (s * 0.28, -0.76),
                    (s * 0.46, -0.7),
                    (s * 0.58, -0.4),
                    (s * 0.55, -0.08),
                    (s * 0.42, -0.02),
                    (s * 0.36, -0.3),
                ],
                ear,
                0.55,
            )
            figure.fur(500, 0.06, (s * 0.28, -0.76, s * 0.6, 0.0), (s * 0.36, -0.9), down=0.9, contrast=0.1)
    eyes(figure, 0.185, -0.38, 0.078, rgb("#6a4424"), float(rng.uniform(-0.6, 0.6)))
    brows: list[tuple[list[Point], float, float]] = [
        ([(s * 0.1, -0.53), (s * 0.18, -0.57), (s * 0.26, -0.53)], 0.03, 0.012) for s in (-1, 1)
    ]
    figure.lines(brows, mix(fur, DARK, 0.45), 0.6)
    muzzle(figure, -0.17, 0.085, rng.random() < 0.65)
    figure.turn()


def draw_fox(figure: Figure, hue: str) -> None:
    rng = figure.rng
    fur = coat(hue, "#d9692a")
    build = Build(fur, WHITE, rgb("#3a2018"), POINTED, 0.9)
    side = float(rng.choice((-1, 1)))
    figure.tube(
        [(0.28 * side, 0.86), (0.66 * side, 0.9), (0.92 * side, 0.6), (0.86 * side, 0.2)], 0.2, 0.34, fur, 0.6
    )
    figure.oval(0.86 * side, 0.1, 0.15, 0.2, WHITE, 0.4)
    figure.fur(1500, 0.11, (0.2 * side, -0.1, 1.2 * side, 1.0), (0.3 * side, 0.95), down=-0.1, ruffle=0.45)
    sit(figure, build)
    figure.turn(float(rng.uniform(-0.12, 0.12)), (0.0, -0.1))
    for s in (-1, 1):
        figure.blob(
            [(s * 0.42, -0.5), (s * 0.46, -0.82), (s * 0.42, -1.08), (s * 0.24, -0.86), (s * 0.08, -0.66)],
            fur,
            0.45,
        )
        figure.mark([(s * 0.44, -0.86), (s * 0.42, -1.08), (s * 0.32, -0.92)], DARK, 0.9, 0.02)
        figure.mark([(s * 0.36, -0.62), (s * 0.38, -0.88), (s * 0.22, -0.7)], WHITE, 0.75, 0.02)
    figure.blob(both(build.head), fur, 0.65)
    for s in (-1, 1):
        figure.mark(
            [(s * 0.05, -0.26), (s * 0.26, -0.3), (s * 0.5, -0.22), (s * 0.34, -0.06), (s * 0.1, 0.06)],
            WHITE,
            0.97,
            0.02,
        )
    figure.fur(2600, 0.06, (-0.6, -0.85, 0.6, 0.12), (0.0, -0.25), down=0.15, contrast=0.1)
    eyes(figure, 0.2, -0.36, 0.07, rgb("#c98a24"), float(rng.uniform(-0.6, 0.6)))
    muzzle(figure, -0.07, 0.062, False)
    figure.turn()


def draw_rabbit(figure: Figure, hue: str) -> None:
    rng = figure.rng
    fur = coat(hue, ("#e9e2d8", "#b79a7c", "#9b958f", "#f6f2ec")[int(rng.integers(4))])
    build = Build(fur, mix(fur, rgb("#ffffff"), 0.75), fur * np.float32(0.5), ROUND, 1.05)
    figure.oval(0.56 * float(rng.choice((-1, 1))), 0.85, 0.14, 0.13, WHITE, 0.5)
    for s in (-1, 1):
        lean = float(rng.uniform(0.02, 0.14))
        ear = [
            (s * 0.1, -0.55),
            (s * 0.06, -0.9),
            (s * (0.12 + lean), -1.22),
            (s * (0.24 + lean), -1.2),
            (s * (0.3 + lean * 0.5), -0.9),
            (s * 0.28, -0.55),
        ]
        figure.blob([(x, y + 0.02) for x, y in ear], fur, 0.5)
        figure.mark(
            [(s * 0.17 + (x - s * 0.17) * 0.5, y * 0.94 - 0.05) for x, y in ear], rgb("#eeb0ae"), 0.85, 0.03
        )
    figure.fur(700, 0.05, (-0.5, -1.3, 0.5, -0.6), (0.0, -0.2), down=-0.1)
    sit(figure, build)
    figure.turn(float(rng.uniform(-0.08, 0.08)), (0.0, -0.1))
    figure.blob(both(build.head), fur, 0.65)
    figure.fur(2400, 0.055, (-0.5, -0.85, 0.5, 0.1), (0.0, -0.3), down=0.2, contrast=0.08)
    for s in (-1, 1):
        figure.spot(s * 0.1, -0.14, 0.13, 0.1, build.light, 0.9, 0.03)
        figure.spot(s * 0.3, -0.2, 0.08, 0.05, rgb("#f0a8a8"), 0.4, 0.03)
    eyes(figure, 0.25, -0.4, 0.085, rgb("#4a2f26"), float(rng.uniform(-0.5, 0.5)))
    figure.mark([(-0.045, -0.25), (0.045, -0.25), (0.0, -0.19)], rgb("#e08a92"))
    figure.lines([([(0.0, -0.2), (0.0, -0.13)], 0.012, 0.01)], rgb("#6a4a48"))
    figure.lines(
        [([(0.0, -0.13), (s * 0.05, -0.09), (s * 0.1, -0.11)], 0.012, 0.006) for s in (-1, 1)], rgb("#6a4a48")
    )
    figure.mark(
        [(-0.035, -0.115), (0.035, -0.115), (0.03, -0.04), (-0.03, -0.04)], WHITE, 0.95, 0.0, smooth=False
    )
    figure.lines(
        [
            ([(s * 0.12, -0.14 + 0.03 * k), (s * 0.6, -0.2 + 0.09 * k)], 0.009, 0.003)
            for s in (-1, 1)
            for k in range(3)
        ],
        mix(fur, rgb("#ffffff"), 0.6),
        0.7,
    )
    figure.turn()


def draw_bear(figure: Figure, hue: str) -> None:
    fur = coat(hue, ("#7a5236", "#5f4030", "#96683f")[int(figure.rng.integers(3))])
    bear(
        figure,
        Build(fur, mix(fur, rgb("#e2c39a"), 0.65), fur * np.float32(0.5), ROUND, 1.25),
        fur,
        patches=False,
    )


def draw_panda(figure: Figure, hue: str) -> None:
    black = rgb("#26242a")
    bear(figure, Build(rgb("#f4f0e8"), rgb("#f4f0e8"), rgb("#8a8684"), ROUND, 1.3), black, patches=True)


def bear(figure: Figure, build: Build, limbs: Colour, patches: bool) -> None:
    rng = figure.rng
    sit(
        figure,
        Build(build.fur, limbs if patches else build.light, build.dark, build.head, build.body),
        chest=not patches,
    )
    if patches:
        for s in (-1, 1):
            figure.tube([(s * 0.32, 0.12), (s * 0.4, 0.42), (s * 0.2, 0.62)], 0.26, 0.22, limbs, 0.6)
        figure.tube([(-0.5, -0.02), (0.0, 0.12), (0.5, -0.02)], 0.2, 0.2, limbs, 0.4)
        figure.fur(900, 0.06, (-0.6, -0.1, 0.6, 0.75), (0.0, 0.0), down=0.8)
        stalk = [(0.1, 0.7), (0.26, 0.2), (0.34, -0.2)]
        figure.tube(stalk, 0.05, 0.045, rgb("#7fa84a"), 0.6)
        for k in range(5):
            y = 0.0 - 0.09 * k
            figure.blob([(0.3, y), (0.44, y - 0.06), (0.62, y - 0.02), (0.44, y + 0.03)], rgb("#5f9a3f"), 0.3)
        figure.tube([(0.42, 0.3), (0.34, 0.4), (0.16, 0.42)], 0.22, 0.2, limbs, 0.6)
    figure.turn(float(rng.uniform(-0.1, 0.1)), (0.0, -0.1))
    for s in (-1, 1):
        figure.oval(s * 0.38, -0.76, 0.16, 0.16, limbs, 0.55)
        if not patches:
            figure.spot(s * 0.38, -0.74, 0.09, 0.09, build.light, 0.8, 0.02)
    figure.fur(300, 0.05, (-0.6, -0.95, 0.6, -0.6), (0.0, -0.4), down=0.0)
    figure.blob([(x * 1.1, y) for x, y in both(build.head)], build.fur, 0.65)
    figure.fur(2600, 0.055, (-0.56, -0.85, 0.56, 0.1), (0.0, -0.3), down=0.2, contrast=0.08)
    if patches:
        for s in (-1, 1):
            figure.mark(
                [
                    (s * 0.13, -0.42),
                    (s * 0.22, -0.5),
                    (s * 0.32, -0.42),
                    (s * 0.34, -0.24),
                    (s * 0.24, -0.2),
                    (s * 0.15, -0.3),
                ],
                limbs,
                0.97,
                0.012,
            )
    figure.oval(0.0, -0.13, 0.2, 0.14, build.light if not patches else WHITE, 0.35)
    eyes(figure, 0.22, -0.36, 0.058, rgb("#3a2a22"), float(rng.uniform(-0.5, 0.5)))
    muzzle(figure, -0.19, 0.07, False)
    figure.turn()
