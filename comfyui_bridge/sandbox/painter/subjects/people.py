"""A person's head and shoulders, an astronaut, a robot."""

from __future__ import annotations

import math

import numpy as np

from ..canvas import Colour, Point, mix, rgb
from ..palette import HUES
from .figure import Figure

SKINS = ("#f2cdb0", "#e2ae88", "#c98a62", "#8f5a3c", "#f6d8c2")
HAIRS = ("#2a1d1a", "#4a2f22", "#7a4a2a", "#c9954f", "#1d1a20", "#8a3a24")
HAIR_HUES = {
    "red": "#a8401f",
    "gold": "#d9b060",
    "yellow": "#d9b060",
    "orange": "#b8602a",
    "black": "#1d1a20",
    "white": "#e8e4de",
}
CLOTHES = ("#3f5f7a", "#a8483f", "#4f6a4a", "#e0c9a0", "#5a4a6a", "#2f2f38", "#c98a3f")


def draw_person(figure: Figure, hue: str, hair_hue: str = "") -> None:
    """A portrait: head, hair and shoulders, turned a little to one side."""
    rng = figure.rng
    skin = rgb(SKINS[int(rng.integers(len(SKINS)))])
    hair = rgb(HAIRS[int(rng.integers(len(HAIRS)))])
    if hair_hue in HAIR_HUES:
        hair = rgb(HAIR_HUES[hair_hue])
    elif hair_hue in HUES:
        hair = HUES[hair_hue]
    cloth = HUES[hue] if hue in HUES else rgb(CLOTHES[int(rng.integers(len(CLOTHES)))])
    long_hair = rng.random() < 0.6
    s = float(rng.choice((-1, 1)))
    if long_hair:
        figure.blob(
            [
                (0.0, -0.98),
                (-0.42, -0.86),
                (-0.55, -0.45),
                (-0.56, 0.1),
                (-0.66, 0.62),
                (-0.3, 0.8),
                (0.3, 0.8),
                (0.66, 0.62),
                (0.56, 0.1),
                (0.55, -0.45),
                (0.42, -0.86),
            ],
            hair * np.float32(0.72),
            0.5,
        )
        strands(figure, hair, 46, -0.6, 0.7)
    figure.blob(
        [(-0.16, 0.12), (-0.17, 0.45), (-0.3, 0.6), (0.3, 0.6), (0.17, 0.45), (0.16, 0.12)],
        skin * np.float32(0.86),
        0.5,
    )
    figure.blob(
        [
            (-1.0, 1.25),
            (-0.92, 0.78),
            (-0.6, 0.58),
            (-0.24, 0.5),
            (0.0, 0.62),
            (0.24, 0.5),
            (0.6, 0.58),
            (0.92, 0.78),
            (1.0, 1.25),
        ],
        cloth,
        0.6,
    )
    figure.mark([(-0.22, 0.48), (0.0, 0.86), (0.22, 0.48), (0.0, 0.56)], skin * np.float32(0.92), 1.0, 0.0)
    for k in (-1, 1):
        figure.stripe(
            [(k * 0.24, 0.5), (k * 0.13, 0.72), (0.0, 0.9)], 0.07, 0.05, mix(cloth, rgb("#ffffff"), 0.3), 0.9
        )
        figure.stripe(
            [(k * 0.5, 0.7), (k * 0.56, 0.95), (k * 0.52, 1.2)],
            0.03,
            0.05,
            cloth * np.float32(0.55),
            0.5,
            0.03,
        )
    figure.mark(
        [(-0.17, 0.2), (0.0, 0.34), (0.17, 0.2), (0.15, 0.4), (0.0, 0.47), (-0.15, 0.4)],
        skin * np.float32(0.55),
        0.55,
        0.05,
    )
    face = [
        (0.0, -0.82),
        (-0.27, -0.76),
        (-0.385, -0.5),
        (-0.385, -0.2),
        (-0.33, 0.06),
        (-0.18, 0.27),
        (0.0, 0.335),
        (0.18, 0.27),
        (0.33, 0.06),
        (0.385, -0.2),
        (0.385, -0.5),
        (0.27, -0.76),
    ]
    for k in (-1, 1):
        figure.oval(k * 0.39, -0.2, 0.06, 0.11, skin * np.float32(0.88), 0.4)
    figure.blob(face, skin, 0.55)
    for k in (-1, 1):
        figure.spot(k * 0.23, 0.0, 0.1, 0.075, rgb("#e0706a"), 0.28, 0.05)
    figure.mark(
        [
            (s * 0.02, -0.5),
            (s * 0.4, -0.5),
            (s * 0.4, 0.1),
            (s * 0.2, 0.3),
            (s * 0.06, 0.32),
            (s * 0.12, -0.1),
        ],
        skin * np.float32(0.62),
        0.22,
        0.08,
    )
    features(figure, skin, hair, s)
    top_hair(figure, hair, long_hair, s)


def strands(figure: Figure, hair: Colour, count: int, top: float, bottom: float) -> None:
    rng = figure.rng
    strokes: list[tuple[list[Point], float, float]] = []
    for _ in range(count):
        side = float(rng.choice((-1, 1)))
        x = side * float(rng.uniform(0.36, 0.56))
        strokes.append(
            (
                [
                    (x * 0.85, top),
                    (x * 1.02, 0.0),
                    (x * float(rng.uniform(0.95, 1.15)), bottom * float(rng.uniform(0.8, 1.1))),
                ],
                0.02,
                0.008,
            )
        )
    figure.lines(strokes[: count // 2], mix(hair, rgb("#ffe0b0"), 0.25), 0.55)
    figure.lines(strokes[count // 2 :], hair * np.float32(0.5), 0.5)


def features(figure: Figure, skin: Colour, hair: Colour, s: float) -> None:
    rng = figure.rng
    iris = rgb(("#5a3a22", "#3f6a8a", "#5a7a4a", "#3a2a20")[int(rng.integers(4))])
    look = float(rng.uniform(-0.015, 0.015))
    for k in (-1, 1):
        x, y = k * 0.155, -0.21
        lid = [
            (x - 0.095, y + 0.01),
            (x - 0.03, y - 0.048),
            (x + 0.045, y - 0.042),
            (x + 0.095, y + 0.005),
            (x + 0.03, y + 0.036),
            (x - 0.045, y + 0.036),
        ]
        figure.spot(x, y - 0.02, 0.13, 0.075, skin * np.float32(0.66), 0.4, 0.035)
        figure.mark(lid, rgb("#fbf7f2"))
        figure.spot(x + look, y - 0.004, 0.045, 0.045, iris)
        figure.spot(x + look, y - 0.004, 0.022, 0.022, rgb("#0d0a0c"))
        figure.spot(x + look - 0.014, y - 0.02, 0.012, 0.012, rgb("#ffffff"))
        figure.lines(
            [([(x - k * -0.1, y + 0.004), (x, y - 0.053), (x - k * 0.095, y + 0.01)], 0.022, 0.012)],
            hair * np.float32(0.45),
            0.95,
        )
        figure.lines(
            [([(x - k * 0.1, y - 0.12), (x + k * 0.02, y - 0.155), (x + k * 0.12, y - 0.115)], 0.036, 0.014)],
            hair * np.float32(0.75),
            0.9,
        )
    figure.stripe(
        [(s * 0.025, -0.2), (s * 0.05, -0.05), (s * 0.075, 0.03)],
        0.02,
        0.035,
        skin * np.float32(0.66),
        0.5,
        0.015,
    )
    figure.spot(-s * 0.012, 0.0, 0.025, 0.045, mix(skin, rgb("#ffffff"), 0.6), 0.5, 0.015)
    for k in (-1, 1):
        figure.spot(k * 0.035, 0.045, 0.017, 0.009, skin * np.float32(0.45), 0.8, 0.004)
    lip = mix(skin, rgb("#b83f48"), 0.62)
    figure.mark(
        [(-0.115, 0.145), (-0.035, 0.122), (0.0, 0.132), (0.035, 0.122), (0.115, 0.145), (0.0, 0.156)],
        lip * np.float32(0.86),
    )
    figure.mark([(-0.115, 0.146), (0.0, 0.152), (0.115, 0.146), (0.05, 0.198), (-0.05, 0.198)], lip)
    figure.spot(0.0, 0.176, 0.035, 0.009, rgb("#ffffff"), 0.4, 0.006)
    figure.lines(
        [([(-0.125, 0.142), (0.0, 0.153), (0.125, 0.142)], 0.009, 0.009)], lip * np.float32(0.45), 0.8
    )
    figure.spot(0.0, 0.235, 0.06, 0.016, skin * np.float32(0.68), 0.45, 0.014)


def top_hair(figure: Figure, hair: Colour, long_hair: bool, s: float) -> None:
    rng = figure.rng
    part = s * 0.12
    if long_hair:
        left = [
            (part, -0.84),
            (-0.16, -0.74),
            (-0.34, -0.5),
            (-0.4, -0.16),
            (-0.44, 0.3),
            (-0.6, 0.34),
            (-0.57, -0.3),
            (-0.46, -0.82),
            (-0.1, -1.02),
        ]
        right = [
            (part, -0.84),
            (0.22, -0.72),
            (0.34, -0.5),
            (0.4, -0.16),
            (0.44, 0.3),
            (0.6, 0.34),
            (0.57, -0.3),
            (0.46, -0.82),
            (0.1, -1.02),
        ]
        figure.blob(left, hair, 0.45)
        figure.blob(right, hair, 0.45)
    else:
        figure.blob(
            [
                (-0.41, -0.3),
                (-0.37, -0.52),
                (-0.26, -0.62),
                (part, -0.6),
                (0.28, -0.64),
                (0.37, -0.5),
                (0.41, -0.3),
                (0.47, -0.52),
                (0.42, -0.82),
                (0.2, -1.0),
                (-0.16, -1.02),
                (-0.42, -0.84),
                (-0.47, -0.52),
            ],
            hair,
            0.5,
        )
    strokes: list[tuple[list[Point], float, float]] = []
    for _ in range(46):
        t = float(rng.uniform(-1, 1))
        end = (t * 0.46, -0.5 + abs(t) * 0.25) if not long_hair else (t * 0.55, -0.4 + abs(t) * 0.6)
        if not long_hair and abs(t) < 0.75:
            end = (t * 0.42, -0.64)
        if long_hair and abs(t) < 0.62:
            continue
        strokes.append(
            ([(part + t * 0.08, -0.98 + abs(t) * 0.05), (t * 0.4, -0.86 + abs(t) * 0.1), end], 0.012, 0.006)
        )
    figure.lines(strokes[::2], mix(hair, rgb("#ffe2b8"), 0.35), 0.5)
    figure.lines(strokes[1::2], hair * np.float32(0.45), 0.5)


def draw_astronaut(figure: Figure, hue: str) -> None:
    """An astronaut afloat."""
    rng = figure.rng
    suit = mix(HUES[hue], rgb("#ffffff"), 0.35) if hue in HUES else rgb("#eceef0")
    grey = rgb("#9aa0a8")
    figure.turn(float(rng.uniform(-0.3, 0.3)), (0.0, 0.0), 0.95)
    figure.blob([(-0.42, -0.42), (-0.46, 0.25), (0.46, 0.25), (0.42, -0.42)], rgb("#b8bcc2"), 0.5)
    for s in (-1, 1):
        bend = float(rng.uniform(0.0, 0.25))
        figure.tube(
            [(s * 0.18, 0.3), (s * (0.24 + bend * 0.4), 0.62), (s * (0.2 + bend * 0.2), 0.9)],
            0.27,
            0.2,
            suit,
            0.7,
        )
        figure.oval(s * (0.22 + bend * 0.2), 0.96, 0.15, 0.1, grey, 0.6)
        figure.stripe(
            [(s * 0.1, 0.6), (s * (0.24 + bend * 0.4), 0.64), (s * 0.42, 0.62)], 0.03, 0.03, grey, 0.7
        )
        raise_ = float(rng.uniform(-0.5, 0.35))
        figure.tube(
            [(s * 0.3, -0.2), (s * 0.62, 0.02 + raise_ * 0.3), (s * 0.86, 0.1 + raise_)],
            0.23,
            0.16,
            suit,
            0.7,
        )
        figure.oval(s * 0.89, 0.1 + raise_, 0.1, 0.1, rgb("#d9693a"), 0.6)
    figure.blob(
        [(-0.34, -0.32), (-0.4, 0.1), (-0.3, 0.42), (0.3, 0.42), (0.4, 0.1), (0.34, -0.32)], suit, 0.7
    )
    figure.blob([(-0.18, -0.06), (0.18, -0.06), (0.18, 0.16), (-0.18, 0.16)], grey, 0.4, smooth=False)
    for x, colour in ((-0.1, "#e0483a"), (0.0, "#4fb06a"), (0.1, "#3f7fd0")):
        figure.spot(x, 0.02, 0.028, 0.028, rgb(colour))
    figure.stripe([(-0.12, 0.1), (0.12, 0.1)], 0.025, 0.025, rgb("#4a4f58"))
    figure.oval(0.0, -0.58, 0.4, 0.4, suit, 0.6)
    figure.mark(
        [
            (-0.31, -0.6),
            (-0.22, -0.82),
            (0.0, -0.88),
            (0.22, -0.82),
            (0.31, -0.6),
            (0.22, -0.38),
            (0.0, -0.32),
            (-0.22, -0.38),
        ],
        rgb("#6a6f78"),
    )
    visor = [
        (-0.28, -0.6),
        (-0.2, -0.79),
        (0.0, -0.85),
        (0.2, -0.79),
        (0.28, -0.6),
        (0.2, -0.41),
        (0.0, -0.35),
        (-0.2, -0.41),
    ]
    figure.mark(visor, rgb("#141a33"))
    figure.mark(
        [(-0.25, -0.55), (0.0, -0.5), (0.25, -0.55), (0.19, -0.42), (0.0, -0.37), (-0.19, -0.42)],
        rgb("#d99a3a"),
        0.6,
        0.05,
    )
    figure.mark([(-0.22, -0.64), (-0.14, -0.77), (-0.04, -0.8), (-0.12, -0.66)], rgb("#cfe4ff"), 0.85, 0.015)
    figure.spot(0.15, -0.52, 0.03, 0.03, rgb("#ffffff"), 0.7, 0.01)
    figure.turn()


def draw_robot(figure: Figure, hue: str) -> None:
    """A friendly robot of round plates."""
    rng = figure.rng
    shell = (
        mix(HUES[hue], rgb("#ffffff"), 0.1)
        if hue in HUES
        else rgb(("#d9dde2", "#e8a23a", "#6fa8b8", "#c8503f", "#8f98a4")[int(rng.integers(5))])
    )
    joint, dark = rgb("#4a4f58"), rgb("#1c2029")
    eye = rgb(("#4fe0ff", "#7affa0", "#ffcf4a", "#ff6a8a")[int(rng.integers(4))])
    for s in (-1, 1):
        figure.tube([(s * 0.2, 0.42), (s * 0.22, 0.66), (s * 0.22, 0.86)], 0.13, 0.13, joint, 0.6)
        figure.blob(
            [(s * 0.08, 1.0), (s * 0.08, 0.86), (s * 0.22, 0.8), (s * 0.4, 0.86), (s * 0.42, 1.0)], shell, 0.6
        )
        wave = s > 0 and rng.random() < 0.6
        path = (
            [(s * 0.42, -0.02), (s * 0.66, 0.1), (s * 0.84, -0.28)]
            if wave
            else [(s * 0.42, -0.02), (s * 0.64, 0.2), (s * 0.62, 0.46)]
        )
        figure.tube(path, 0.12, 0.12, joint, 0.6)
        hx, hy = path[-1]
        figure.oval(hx, hy, 0.12, 0.12, shell, 0.7)
        for k in (-1, 0, 1):
            a = (-math.pi / 2 if wave else math.pi / 2) + k * 0.6
            figure.tube(
                [(hx, hy), (hx + math.cos(a) * 0.17, hy + math.sin(a) * 0.17)], 0.055, 0.045, joint, 0.5
            )
        figure.oval(s * 0.42, -0.04, 0.13, 0.13, shell, 0.7)
    figure.blob(
        [
            (-0.36, -0.16),
            (-0.42, 0.15),
            (-0.34, 0.46),
            (0.0, 0.54),
            (0.34, 0.46),
            (0.42, 0.15),
            (0.36, -0.16),
            (0.0, -0.22),
        ],
        shell,
        0.75,
    )
    figure.blob([(-0.2, 0.02), (0.2, 0.02), (0.2, 0.28), (-0.2, 0.28)], dark, 0.3, smooth=False)
    for k in range(5):
        tall = float(rng.uniform(0.04, 0.18))
        figure.mark(
            [
                (-0.15 + 0.07 * k, 0.25),
                (-0.15 + 0.07 * k, 0.25 - tall),
                (-0.11 + 0.07 * k, 0.25 - tall),
                (-0.11 + 0.07 * k, 0.25),
            ],
            eye,
            0.9,
            0.0,
            smooth=False,
        )
    figure.lines([([(-0.36, 0.4), (0.0, 0.47), (0.36, 0.4)], 0.014, 0.014)], shell * np.float32(0.5))
    for x in (-0.28, 0.28):
        figure.spot(x, -0.06, 0.022, 0.022, joint)
    figure.tube([(0.0, -0.3), (0.0, -0.16)], 0.16, 0.16, joint, 0.5)
    figure.lines([([(0.0, -0.92), (0.0, -1.1)], 0.025, 0.02)], joint)
    figure.oval(0.0, -1.12, 0.05, 0.05, rgb("#ff5a4a"), 0.6)
    figure.blob(
        [
            (-0.46, -0.6),
            (-0.42, -0.86),
            (-0.2, -0.95),
            (0.2, -0.95),
            (0.42, -0.86),
            (0.46, -0.6),
            (0.42, -0.36),
            (0.2, -0.28),
            (-0.2, -0.28),
            (-0.42, -0.36),
        ],
        shell,
        0.7,
    )
    for s in (-1, 1):
        figure.oval(s * 0.48, -0.6, 0.07, 0.12, joint, 0.6)
    face = [
        (-0.34, -0.62),
        (-0.3, -0.79),
        (0.0, -0.83),
        (0.3, -0.79),
        (0.34, -0.62),
        (0.3, -0.43),
        (0.0, -0.39),
        (-0.3, -0.43),
    ]
    figure.mark(face, dark)
    for s in (-1, 1):
        figure.spot(s * 0.16, -0.64, 0.1, 0.1, eye, 0.5, 0.04)
        figure.spot(s * 0.16, -0.64, 0.068, 0.072, eye, lamp=1.0)
        figure.spot(s * 0.16 - 0.02, -0.665, 0.022, 0.022, rgb("#ffffff"), 0.95)
    figure.lines([([(-0.08, -0.5), (0.0, -0.47), (0.08, -0.5)], 0.018, 0.018)], eye)
    figure.mark([(-0.28, -0.74), (-0.16, -0.8), (-0.04, -0.81), (-0.2, -0.7)], rgb("#ffffff"), 0.22, 0.015)
