"""Neon signs: glowing boards with made-up characters or tube pictures, and their mirror images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..canvas import Colour, Layer, blur, glow, mix, rgb
from ..noise import Array, stream, unit
from ..palette import HUES

NEON = ("#ff2f7e", "#22d8ff", "#ff9a2e", "#b04bff", "#3dffa2", "#ff4848", "#ffe14a", "#4a7bff")


@dataclass(frozen=True)
class Sign:
    """A sign's board on the picture, and its colours."""

    x: float
    top: float
    bottom: float
    width: float
    colour: Colour
    second: Colour
    seed: int
    wordless: bool
    depth: float


def neon_colours(hues: tuple[str, ...]) -> list[Colour]:
    """The tubes' colours: the classic ones, and named colours more often."""
    named = [
        mix(HUES[hue], rgb("#ffffff"), 0.1)
        for hue in hues
        if hue in HUES and hue not in ("black", "grey", "brown")
    ]
    return [rgb(code) for code in NEON] + named * 4


def draw_sign(picture: Array, sign: Sign) -> None:
    """Lay a sign on the picture, in place."""
    top, bottom = sign.top, sign.bottom
    height, width = picture.shape[:2]
    margin = max(4.0, sign.width * 0.5)
    y0, y1 = int(max(0, top - margin)), int(min(height, bottom + margin))
    x0, x1 = int(max(0, sign.x - sign.width / 2 - margin)), int(min(width, sign.x + sign.width / 2 + margin))
    if y1 - y0 < 3 or x1 - x0 < 3:
        return
    board, tubes = Layer(y1 - y0, x1 - x0), Layer(y1 - y0, x1 - x0)
    left, right = sign.x - sign.width / 2 - x0, sign.x + sign.width / 2 - x0
    up, down = top - y0, bottom - y0
    board.polygon(
        [(left, up), (right, up), (right, down), (left, down)], sign.colour * 0.16 + rgb("#0a0812") * 0.6
    )
    inset = max(sign.width * 0.06, 0.7)
    frame = [
        (left + inset, up + inset),
        (right - inset, up + inset),
        (right - inset, down - inset),
        (left + inset, down - inset),
        (left + inset, up + inset),
    ]
    thick = max(min(sign.width, down - up) * 0.045, 0.7)
    tubes.line(frame, thick, sign.second)
    for tube, colour in lettering(
        sign, left + inset * 2.4, up + inset * 2.4, right - inset * 2.4, down - inset * 2.4
    ):
        tubes.line(tube, thick * 1.25, colour)
    view = picture[y0:y1, x0:x1]
    board.onto(view, 0.94)
    colour, cover = tubes.pixels()
    halo = blur(colour, max(thick * 2.2, 1.2))
    tubes.onto(view)
    glow(view, unit(halo * 1.5))
    # Tubes are nearly white inside.
    glow(view, (cover**3)[..., None] * np.float32(0.35))


def lettering(
    sign: Sign, left: float, up: float, right: float, down: float
) -> list[tuple[list[tuple[float, float]], Colour]]:
    """Tubes inside a board: made-up characters one below (or beside) the other, or a small picture."""
    rng = stream("sign", sign.seed)
    wide, tall = right - left, down - up
    if wide < 2 or tall < 2:
        return []
    count = max(1, round(max(wide, tall) / min(wide, tall)))
    tubes: list[tuple[list[tuple[float, float]], Colour]] = []
    for k in range(count):
        if tall >= wide:
            x, y, size_x, size_y = left, up + tall * k / count, wide, tall / count
        else:
            x, y, size_x, size_y = left + wide * k / count, up, wide / count, tall
        draw = picture_tube if sign.wordless or rng.random() < 0.18 else character
        colour = sign.colour if rng.random() < 0.8 else sign.second
        for stroke in draw(rng):
            tubes.append(
                (
                    [(x + size_x * (0.1 + 0.8 * px), y + size_y * (0.1 + 0.8 * py)) for px, py in stroke],
                    colour,
                )
            )
    return tubes


def character(rng: np.random.Generator) -> list[list[tuple[float, float]]]:
    """Strokes that look like writing and say nothing."""
    strokes = [
        [(0.08, y), (0.92, y)]
        for y in rng.choice([0.08, 0.3, 0.52, 0.74, 0.94], int(rng.integers(2, 4)), replace=False)
    ]
    strokes += [
        [(x, 0.05), (x, 0.95)] for x in rng.choice([0.12, 0.5, 0.88], int(rng.integers(1, 3)), replace=False)
    ]
    if rng.random() < 0.6:
        strokes.append([(0.48, 0.5), (0.3, 0.78), (0.06, 0.96)])
        strokes.append([(0.52, 0.5), (0.7, 0.78), (0.94, 0.96)])
    return strokes


def picture_tube(rng: np.random.Generator) -> list[list[tuple[float, float]]]:
    """A ring, a heart, an arrow, a star or a glass."""
    t = np.linspace(0, 2 * np.pi, 22)
    match int(rng.integers(5)):
        case 0:
            return [
                [(0.5 + 0.42 * np.cos(a), 0.5 + 0.42 * np.sin(a)) for a in t],
                [(0.5 + 0.2 * np.cos(a), 0.5 + 0.2 * np.sin(a)) for a in t],
            ]
        case 1:
            return [
                [
                    (
                        0.5 + 0.42 * np.sin(a) ** 3,
                        0.46 - (13 * np.cos(a) - 5 * np.cos(2 * a) - 2 * np.cos(3 * a) - np.cos(4 * a)) / 36,
                    )
                    for a in t
                ]
            ]
        case 2:
            return [[(0.1, 0.5), (0.9, 0.5)], [(0.6, 0.15), (0.9, 0.5), (0.6, 0.85)]]
        case 3:
            star = [
                (0.5 + r * np.sin(k * np.pi / 5), 0.5 - r * np.cos(k * np.pi / 5))
                for k, r in zip(range(11), [0.45, 0.19] * 6, strict=False)
            ]
            return [star]
        case _:
            return [
                [(0.1, 0.12), (0.9, 0.12), (0.5, 0.55), (0.1, 0.12)],
                [(0.5, 0.55), (0.5, 0.9)],
                [(0.25, 0.92), (0.75, 0.92)],
            ]
