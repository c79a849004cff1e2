"""A kitten, sitting and looking up: coat, eyes, tilt of the head, tail and what it does are the seed's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..canvas import Colour, mix, rgb
from .figure import Figure


@dataclass(frozen=True)
class Coat:
    """A cat's colours."""

    fur: Colour
    mark: Colour
    belly: Colour
    striped: bool = True
    patches: bool = False
    pointed: bool = False


COATS = {
    "orange": Coat(rgb("#e59a4d"), rgb("#b9642a"), rgb("#fbeeda")),
    "grey": Coat(rgb("#8f9198"), rgb("#54565f"), rgb("#e8e8ea")),
    "brown": Coat(rgb("#a17a54"), rgb("#57402d"), rgb("#efe0c9")),
    "black": Coat(rgb("#34333d"), rgb("#1d1c24"), rgb("#45444f"), striped=False),
    "white": Coat(rgb("#f6f2ea"), rgb("#e4dccf"), rgb("#fffdf8"), striped=False),
    "calico": Coat(rgb("#f7f1e6"), rgb("#d98a45"), rgb("#fffaf2"), striped=False, patches=True),
    "siamese": Coat(rgb("#ecdcc4"), rgb("#5b4638"), rgb("#f6ecdc"), striped=False, pointed=True),
    "silver": Coat(rgb("#c3c3c6"), rgb("#6d6e76"), rgb("#f6f5f3")),
}
COMMON = ("orange", "grey", "brown", "orange", "calico", "siamese", "silver", "white")
EYES = (rgb("#7fae3a"), rgb("#c99a2e"), rgb("#4f9ec4"), rgb("#9bb04a"), rgb("#3f9f8a"))
PINK = rgb("#e8a0a0")


def draw(figure: Figure, hue: str) -> None:
    rng = figure.rng
    name = {"gold": "orange", "yellow": "orange", "red": "orange"}.get(hue, hue)
    coat = COATS.get(name) or COATS[COMMON[int(rng.integers(len(COMMON)))]]
    eye = EYES[2] if coat.pointed else EYES[int(rng.integers(len(EYES)))]
    if coat is COATS["black"]:
        eye = rgb("#e0b432")
    side = float(rng.choice((-1, 1)))
    raised = rng.random() < 0.45
    tilt = float(rng.uniform(-0.16, 0.16))
    draw_tail(figure, coat, side)
    draw_body(figure, coat)
    draw_legs(figure, coat, side, raised)
    chin = [(-0.26, -0.04), (0.0, 0.1), (0.26, -0.04), (0.22, 0.14), (0.0, 0.22), (-0.22, 0.14)]
    figure.mark(chin, coat.fur * np.float32(0.4), 0.4, 0.05)
    figure.turn(tilt, (0.0, -0.12))
    draw_head(figure, coat, eye, float(rng.uniform(-0.4, 0.4)), float(rng.uniform(-0.35, 0.1)))
    figure.turn()


def draw_tail(figure: Figure, coat: Coat, side: float) -> None:
    rise = float(figure.rng.uniform(0.0, 0.35))
    path = [
        (0.3 * side, 0.84),
        (0.66 * side, 0.86),
        (0.88 * side, 0.62),
        (0.86 * side, 0.3 - rise),
        (1.0 * side, 0.08 - rise),
    ]
    tail = coat.mark if coat.pointed else coat.fur
    figure.tube(path, 0.2, 0.15, tail, 0.7)
    if coat.striped:
        for t in (0.35, 0.5, 0.65, 0.8, 0.95):
            k = t * (len(path) - 1)
            i = min(int(k), len(path) - 2)
            x, y = (a + (b - a) * (k - i) for a, b in zip(path[i], path[i + 1], strict=True))
            figure.spot(x, y, 0.1, 0.035, coat.mark, 0.75, 0.012)
    figure.fur(900, 0.08, (0.15 * side, -0.4, 1.15 * side, 1.0), (0.5 * side, 0.5), down=0.2, ruffle=0.6)


def draw_body(figure: Figure, coat: Coat) -> None:
    body = [
        (-0.26, -0.1),
        (-0.4, 0.3),
        (-0.55, 0.66),
        (-0.5, 0.92),
        (-0.2, 0.99),
        (0.2, 0.99),
        (0.5, 0.92),
        (0.55, 0.66),
        (0.4, 0.3),
        (0.26, -0.1),
    ]
    figure.blob(body, coat.fur, 0.75)
    for s in (-1, 1):
        figure.oval(s * 0.38, 0.76, 0.2, 0.22, coat.fur, 0.6)
        figure.oval(s * 0.4, 0.95, 0.17, 0.065, coat.belly if not coat.pointed else coat.mark, 0.5)
    if coat.striped:
        for s in (-1, 1):
            for k, y in enumerate((0.18, 0.34, 0.5, 0.64)):
                figure.stripe(
                    [
                        (s * (0.46 + 0.03 * k), y - 0.02),
                        (s * 0.36, y + 0.03),
                        (s * (0.22 + 0.02 * k), y + 0.01),
                    ],
                    0.06,
                    0.02,
                    coat.mark,
                    0.8,
                    0.012,
                )
            figure.stripe(
                [(s * 0.56, 0.72), (s * 0.44, 0.68), (s * 0.32, 0.74)], 0.05, 0.02, coat.mark, 0.8, 0.012
            )
    if coat.patches:
        figure.mark([(-0.5, 0.3), (-0.2, 0.25), (-0.25, 0.6), (-0.6, 0.75)], coat.mark, 0.95, 0.02)
        figure.mark([(0.25, 0.55), (0.6, 0.5), (0.6, 0.85), (0.35, 0.85)], rgb("#3a3634"), 0.95, 0.02)
    figure.fur(3400, 0.078, (-0.62, -0.1, 0.62, 1.0), (0.0, 0.1), down=0.9, contrast=0.11)


def draw_legs(figure: Figure, coat: Coat, side: float, raised: bool) -> None:
    for s in (-1, 1):
        if not (raised and s == side):
            standing_leg(figure, coat, s)
    bib = [(-0.17, 0.0), (-0.22, 0.3), (-0.15, 0.5), (0.0, 0.62), (0.15, 0.5), (0.22, 0.3), (0.17, 0.0)]
    figure.mark(bib, coat.belly, 0.96, 0.04)
    figure.fur(1500, 0.08, (-0.32, -0.05, 0.32, 0.6), (0.0, -0.4), down=1.0, ruffle=0.3, contrast=0.08)
    figure.stripe(
        [(0.0, 0.62), (0.005, 0.8), (0.0, 0.96)], 0.01, 0.02, coat.fur * np.float32(0.35), 0.7, 0.01
    )
    if raised:
        lifted_paw(figure, coat, side)


def standing_leg(figure: Figure, coat: Coat, s: float) -> None:
    paw = coat.mark if coat.pointed else coat.belly
    figure.tube([(s * 0.14, 0.3), (s * 0.14, 0.65), (s * 0.14, 0.9)], 0.2, 0.17, coat.fur, 0.6)
    if coat.striped:
        for y in (0.6, 0.71, 0.82):
            path = [(s * 0.05, y + 0.015), (s * 0.13, y - 0.005), (s * 0.22, y + 0.015)]
            figure.stripe(path, 0.03, 0.02, coat.mark, 0.65, 0.008)
    figure.oval(s * 0.145, 0.945, 0.125, 0.075, paw, 0.65)
    figure.fur(520, 0.055, (s * 0.02, 0.32, s * 0.27, 0.92), (s * 0.13, 0.0), down=1.2, ruffle=0.25)
    toes = [([(s * 0.145 + dx, 0.93), (s * 0.145 + dx * 1.1, 0.985)], 0.011, 0.008) for dx in (-0.042, 0.042)]
    figure.lines(toes, mix(paw, rgb("#4a3a34"), 0.55), 0.75)


def lifted_paw(figure: Figure, coat: Coat, s: float) -> None:
    """A paw held up in play, its pads towards us."""
    figure.tube([(s * 0.18, 0.34), (s * 0.36, 0.36), (s * 0.47, 0.16)], 0.2, 0.15, coat.fur, 0.7)
    figure.oval(s * 0.485, 0.09, 0.1, 0.115, coat.mark if coat.pointed else coat.belly, 0.6)
    figure.fur(420, 0.05, (s * 0.05, -0.05, s * 0.62, 0.45), (s * 0.2, 0.5), down=-0.2)
    figure.spot(s * 0.49, 0.12, 0.04, 0.032, PINK, 0.9, 0.005)
    for dx, dy in ((-0.055, 0.058), (0.0, 0.03), (0.055, 0.058)):
        figure.spot(s * 0.49 + dx, dy, 0.018, 0.02, PINK, 0.9)


def draw_head(figure: Figure, coat: Coat, eye: Colour, look_x: float, look_y: float) -> None:
    points = coat.mark if coat.pointed else coat.fur
    for s in (-1, 1):
        figure.blob(
            [(s * 0.44, -0.5), (s * 0.47, -0.78), (s * 0.44, -1.0), (s * 0.27, -0.86), (s * 0.1, -0.66)],
            points,
            0.5,
        )
        figure.mark(
            [(s * 0.4, -0.62), (s * 0.415, -0.8), (s * 0.4, -0.9), (s * 0.28, -0.78), (s * 0.2, -0.66)],
            mix(PINK, coat.fur, 0.25),
            0.9,
            0.012,
        )
        tufts = [
            (
                [
                    (s * (0.33 + 0.03 * k), -0.6),
                    (s * (0.3 + 0.035 * k), -0.7),
                    (s * (0.3 + 0.045 * k), -0.8 + 0.02 * k),
                ],
                0.014,
                0.003,
            )
            for k in range(4)
        ]
        figure.lines(tufts, coat.belly, 0.85)
    figure.fur(330, 0.06, (-0.52, -1.05, 0.52, -0.6), (0.0, -0.3), down=0.0)
    head = [
        (0.0, -0.8),
        (-0.26, -0.76),
        (-0.45, -0.55),
        (-0.53, -0.28),
        (-0.4, -0.06),
        (-0.16, 0.06),
        (0.16, 0.06),
        (0.4, -0.06),
        (0.53, -0.28),
        (0.45, -0.55),
        (0.26, -0.76),
    ]
    figure.blob(head, coat.fur, 0.75)
    if coat.pointed:
        figure.mark(
            [(-0.24, -0.5), (-0.3, -0.25), (-0.16, 0.0), (0.16, 0.0), (0.3, -0.25), (0.24, -0.5), (0, -0.56)],
            coat.mark,
            0.9,
            0.05,
        )
    if coat.patches:
        figure.mark(
            [(-0.06, -0.85), (-0.12, -0.5), (-0.3, -0.25), (-0.56, -0.3), (-0.46, -0.75)],
            coat.mark,
            0.95,
            0.02,
        )
        figure.mark(
            [(0.14, -0.85), (0.2, -0.5), (0.42, -0.4), (0.56, -0.5), (0.4, -0.85)], rgb("#3a3634"), 0.95, 0.02
        )
    if not coat.pointed:
        figure.mark(
            [
                (-0.06, -0.32),
                (-0.2, -0.16),
                (-0.27, -0.04),
                (-0.1, 0.08),
                (0.1, 0.08),
                (0.27, -0.04),
                (0.2, -0.16),
                (0.06, -0.32),
            ],
            coat.belly,
            0.95,
            0.03,
        )
    if coat.striped:
        draw_tabby_face(figure, coat)
    figure.fur(2300, 0.06, (-0.6, -0.85, 0.6, 0.1), (0.0, -0.2), down=0.15, contrast=0.1)
    cheeks = [
        (
            [
                (s * 0.42, -0.16 + 0.05 * k),
                (s * (0.5 + 0.02 * k), -0.12 + 0.05 * k),
                (s * (0.58 - 0.03 * k), -0.06 + 0.06 * k),
            ],
            0.03,
            0.004,
        )
        for s in (-1, 1)
        for k in range(3)
    ]
    figure.lines(cheeks, mix(coat.fur, coat.belly, 0.5), 0.9)
    for s in (-1, 1):
        draw_eye(figure, s * 0.205, -0.34, eye, coat, look_x, look_y, s)
    draw_muzzle(figure, coat)


def draw_tabby_face(figure: Figure, coat: Coat) -> None:
    for x in (-0.11, 0.0, 0.11):
        figure.stripe(
            [(x * 1.5, -0.79), (x * 1.05, -0.66), (x * 0.7, -0.54)], 0.05, 0.018, coat.mark, 0.85, 0.01
        )
    for s in (-1, 1):
        figure.stripe(
            [(s * 0.23, -0.72), (s * 0.22, -0.6), (s * 0.16, -0.52)], 0.045, 0.015, coat.mark, 0.8, 0.01
        )
        for k in range(3):
            y = -0.32 + 0.1 * k
            figure.stripe(
                [(s * 0.54, y - 0.06), (s * 0.44, y), (s * (0.34 + 0.02 * k), y + 0.01)],
                0.045,
                0.012,
                coat.mark,
                0.8,
                0.01,
            )
        figure.stripe(
            [(s * 0.31, -0.36), (s * 0.4, -0.38), (s * 0.48, -0.44)], 0.03, 0.012, coat.mark, 0.85, 0.006
        )


def draw_eye(
    figure: Figure, x: float, y: float, iris: Colour, coat: Coat, look_x: float, look_y: float, s: float
) -> None:
    rim = mix(coat.fur, rgb("#1c1412"), 0.85)
    shape = [
        (x - s * 0.125, y + 0.05),
        (x - s * 0.055, y - 0.09),
        (x + s * 0.05, y - 0.115),
        (x + s * 0.12, y - 0.035),
        (x + s * 0.075, y + 0.085),
        (x - s * 0.03, y + 0.1),
    ]
    wide = [(x + (px - x) * 1.2, y + (py - y) * 1.2) for px, py in shape]
    figure.mark([(x + (px - x) * 1.5, y + (py - y) * 1.5) for px, py in shape], coat.belly, 0.55, 0.02)
    figure.mark(wide, rim)
    figure.mark(shape, iris)
    figure.mark([(px, min(py, y - 0.005)) for px, py in shape], iris * np.float32(0.45), 0.7, 0.02)
    figure.mark([(px, max(py, y + 0.035)) for px, py in shape], mix(iris, rgb("#fdf6c8"), 0.55), 0.7, 0.02)
    px, py = x + look_x * 0.03, y - 0.005 + look_y * 0.03
    figure.spot(px, py, 0.062, 0.092, rgb("#0d0b10"), 1.0, 0.004)
    figure.spot(px - 0.032, py - 0.045, 0.026, 0.028, rgb("#ffffff"), 0.97)
    figure.spot(px + 0.03, py + 0.045, 0.014, 0.014, rgb("#ffffff"), 0.7)


def draw_muzzle(figure: Figure, coat: Coat) -> None:
    dark = mix(coat.belly, rgb("#4a2c28"), 0.75)
    nose = rgb("#d9837f") if coat is not COATS["black"] and not coat.pointed else rgb("#5a4246")
    for s in (-1, 1):
        figure.spot(
            s * 0.075,
            -0.085,
            0.085,
            0.06,
            mix(coat.belly, rgb("#ffffff"), 0.35),
            0.75 if not coat.pointed else 0.15,
            0.02,
        )
    figure.mark(
        [(-0.058, -0.185), (0.0, -0.195), (0.058, -0.185), (0.025, -0.135), (0.0, -0.122), (-0.025, -0.135)],
        nose,
    )
    figure.spot(-0.018, -0.172, 0.018, 0.009, rgb("#ffffff"), 0.45, 0.004)
    mouth = [([(0.0, -0.125), (0.0, -0.085)], 0.012, 0.01)]
    mouth += [
        ([(0.0, -0.088), (s * 0.04, -0.052), (s * 0.09, -0.062), (s * 0.105, -0.085)], 0.012, 0.006)
        for s in (-1, 1)
    ]
    figure.lines(mouth, dark, 0.9)
    for s in (-1, 1):
        for dx, dy in ((0.09, -0.1), (0.12, -0.075), (0.1, -0.055)):
            figure.spot(s * dx, dy, 0.007, 0.007, dark, 0.6)
    hair = rgb("#fffdf6") if coat is not COATS["white"] else rgb("#cfc8c0")
    whiskers = [
        (
            [
                (s * 0.11, -0.09 + 0.025 * k),
                (s * 0.38, -0.13 + 0.055 * k),
                (s * (0.74 - 0.02 * k), -0.16 + 0.115 * k),
            ],
            0.011,
            0.003,
        )
        for s in (-1, 1)
        for k in range(4)
    ]
    figure.lines(whiskers, hair, 0.85)
