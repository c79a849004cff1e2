"""Drawing: anti-aliased shapes laid on float pictures, soft blur, glow, and the shading of rounded forms.

Pictures are height x width x 3, float32, 0..1 as displayed. Shapes are drawn by Pillow at twice the size
and reduced, so that edges come out smooth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from .noise import Array, resize, unit

Point = tuple[float, float]
Colour = Array

SCALE = 2
LEAF = ((-1, 0), (-0.5, 0.8), (0.1, 1), (0.6, 0.6), (1, 0), (0.6, -0.6), (0.1, -1), (-0.5, -0.8))


def rgb(code: str) -> Colour:
    """A colour from its #rrggbb code."""
    code = code.removeprefix("#")
    return np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)], np.float32)


def mix(a: Array, b: Array, share: Array | float) -> Array:
    """From a (share 0) to b (share 1)."""
    result: Array = (
        a + (b - a) * np.float32(share) if isinstance(share, (int, float)) else a + (b - a) * share
    )
    return result


def grey(colour: Array) -> Array:
    """Brightness as the eye weighs it."""
    result: Array = colour @ np.array([0.299, 0.587, 0.114], np.float32)
    return result


def saturate(colour: Array, amount: float) -> Array:
    """More (> 1) or less (< 1) colourful."""
    level = grey(colour)[..., None]
    return unit(level + (colour - level) * np.float32(amount))


def over(picture: Array, colour: Array, alpha: Array) -> None:
    """Lay a colour or a picture on another, in place, where alpha says."""
    alpha = np.broadcast_to(alpha, picture.shape[:2])
    rows = np.nonzero(alpha.max(1) > 0)[0] if alpha.size else alpha
    if not len(rows):
        return
    part = slice(int(rows[0]), int(rows[-1]) + 1)
    view = picture[part]
    layer = np.broadcast_to(colour, picture.shape)[part] - view
    layer *= alpha[part][..., None]
    view += layer


def glow(picture: Array, light: Array) -> None:
    """Add light in place without ever burning out: a screen blend."""
    picture += light * (1 - np.clip(picture, 0, 1))


def blur(field: Array, radius: float) -> Array:
    """A soft blur of about that radius in pixels, at a cost that falls with the radius."""
    height, width = field.shape[:2]
    if radius < 0.5:
        return field
    step = max(radius, 1.5)
    small = resize(field, max(2, round(height / step)), max(2, round(width / step)), smooth=False)
    pad = ((1, 1), (1, 1)) + ((0, 0),) * (field.ndim - 2)
    padded = np.pad(small, pad, mode="edge")
    rows = padded[:-2] * np.float32(0.25) + padded[1:-1] * np.float32(0.5) + padded[2:] * np.float32(0.25)
    small = rows[:, :-2] * np.float32(0.25) + rows[:, 1:-1] * np.float32(0.5) + rows[:, 2:] * np.float32(0.25)
    # Straight lines between far-apart values would show as facets.
    return resize(small, height, width, smooth=step > 4)


def smear(picture: Array, radius_y: float, radius_x: float) -> Array:
    """Blur by different amounts down and across."""
    height, width = picture.shape[:2]
    small = resize(picture, max(2, round(height / max(radius_y, 1))), max(2, round(width / max(radius_x, 1))))
    return resize(small, height, width)


class Layer:
    """Opaque shapes drawn together, then laid on a picture at once, where anything was drawn.

    Pillow's "CMYK" stands for "four bands that Pillow does not interpret": red, green, blue and cover,
    so that reducing averages colours already multiplied by their cover.
    """

    def __init__(self, height: int, width: int) -> None:
        self.image = Image.new("CMYK", (width * SCALE, height * SCALE))
        self.pen = ImageDraw.Draw(self.image)
        self.height, self.width = height, width
        self.left, self.top, self.right, self.bottom = float(width), float(height), 0.0, 0.0

    def touch(self, left: float, top: float, right: float, bottom: float) -> None:
        """Remember that something was drawn there (in pixels)."""
        self.left, self.top = min(self.left, left), min(self.top, top)
        self.right, self.bottom = max(self.right, right), max(self.bottom, bottom)

    def polygon(self, points: Iterable[Point], colour: Colour) -> None:
        corners = [(x * SCALE, y * SCALE) for x, y in points]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        self.touch(min(xs) / SCALE, min(ys) / SCALE, max(xs) / SCALE, max(ys) / SCALE)
        self.pen.polygon(corners, fill=ink(colour))

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        self.touch(x - rx, y - ry, x + rx, y + ry)
        box = ((x - rx) * SCALE, (y - ry) * SCALE, (x + rx) * SCALE, (y + ry) * SCALE)
        self.pen.ellipse(box, fill=ink(colour))

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        self.touch(min(xs) - width, min(ys) - width, max(xs) + width, max(ys) + width)
        self.pen.line(
            [(x * SCALE, y * SCALE) for x, y in points],
            fill=ink(colour),
            width=max(1, round(width * SCALE)),
            joint="curve" if len(points) > 2 else None,
        )

    def taper(self, points: Sequence[Point], start: float, end: float, colour: Colour) -> None:
        """A line whose width goes from start to end."""
        self.polygon(outline(points, start, end), colour)

    def leaf(self, x: float, y: float, length: float, width: float, angle: float, colour: Colour) -> None:
        """A pointed oval lying along the angle (radians)."""
        c, s = math.cos(angle), math.sin(angle)
        half, thick = length / 2, width / 2
        self.polygon(
            [(x + c * px * half - s * py * thick, y + s * px * half + c * py * thick) for px, py in LEAF],
            colour,
        )

    def leaves(self, x: Array, y: Array, length: Array, width: Array, angle: Array, colours: Array) -> None:
        """Many leaves at once, in the order given; one row of colours each."""
        shape = np.array([(-1, 0), (-0.4, 0.85), (0.35, 0.85), (1, 0), (0.35, -0.85), (-0.4, -0.85)])
        along, across = shape[:, 0] * length[:, None] / 2, shape[:, 1] * width[:, None] / 2
        c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
        self.polygons(
            np.stack([x[:, None] + c * along - s * across, y[:, None] + s * along + c * across], -1), colours
        )

    def blades(self, x: Array, y: Array, tall: Array, lean: Array, thick: Array, colours: Array) -> None:
        """Many blades of grass at once: foot, height, how far the tip leans (share of height), thickness."""
        tip, half = lean * tall, thick / 2
        middle_x, middle_y = x + tip * 0.32, y - tall * 0.55
        points = [
            (x - half, y),
            (middle_x - half * 0.7, middle_y),
            (x + tip, y - tall * (1 - 0.2 * np.abs(lean))),
            (middle_x + half * 0.7, middle_y),
            (x + half, y),
        ]
        self.polygons(np.stack([np.stack(point, -1) for point in points], 1), colours)

    def polygons(self, points: Array, colours: Array) -> None:
        """Many polygons of the same number of corners at once: n x corners x 2."""
        if not len(points):
            return
        self.touch(*points.min((0, 1)).tolist(), *points.max((0, 1)).tolist())
        inks = np.empty((len(points), 4), np.uint8)
        inks[:, :3] = np.clip(colours, 0, 1) * 255 + 0.5
        inks[:, 3] = 255
        flat = (points * SCALE).reshape(len(points), -1).tolist()
        for corners, fill in zip(flat, inks.tolist(), strict=True):
            self.pen.polygon(corners, fill=tuple(fill))

    def box(self) -> tuple[slice, slice]:
        """Rows and columns within which everything was drawn; empty ones if nothing was."""
        x0, y0 = max(0, int(self.left) - 2), max(0, int(self.top) - 2)
        x1, y1 = min(self.width, int(self.right) + 3), min(self.height, int(self.bottom) + 3)
        return slice(y0, max(y0, y1)), slice(x0, max(x0, x1))

    def part(self) -> tuple[Array, Array]:
        """(colour multiplied by cover, cover) within the box."""
        rows, columns = self.box()
        if rows.start == rows.stop or columns.start == columns.stop:
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            return np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
        bounds = (columns.start * SCALE, rows.start * SCALE, columns.stop * SCALE, rows.stop * SCALE)
        reduced = np.asarray(self.image.reduce(SCALE, bounds)).astype(np.float32)
        reduced *= np.float32(1 / 255)
        return reduced[..., :3], reduced[..., 3]

    def pixels(self) -> tuple[Array, Array]:
        """(colour multiplied by cover, cover) of the whole picture."""
        rows, columns = self.box()
        colour = np.zeros((self.height, self.width, 3), np.float32)
        cover = np.zeros((self.height, self.width), np.float32)
        colour[rows, columns], cover[rows, columns] = self.part()
        return colour, cover

    def onto(self, picture: Array, opacity: float = 1.0) -> None:
        rows, columns = self.box()
        colour, cover = self.part()
        if opacity != 1.0:
            colour, cover = colour * np.float32(opacity), cover * np.float32(opacity)
        view = picture[rows, columns]
        view *= (1 - cover)[..., None]
        view += colour


def ink(colour: Colour) -> tuple[int, int, int, int]:
    r, g, b = (int(min(max(float(c), 0.0), 1.0) * 255 + 0.5) for c in colour)
    return (r, g, b, 255)


def cover(height: int, width: int, points: Iterable[Point]) -> Array:
    """How much of each pixel a polygon covers, 0..1."""
    image = Image.new("L", (width * SCALE, height * SCALE))
    ImageDraw.Draw(image).polygon([(x * SCALE, y * SCALE) for x, y in points], fill=255)
    return unit(np.asarray(image.reduce(SCALE)) * np.float32(1 / 255))


def spline(points: Sequence[Point], closed: bool = True, steps: int = 8) -> list[Point]:
    """A smooth curve through the points (Catmull-Rom)."""
    knots = np.array(points, np.float64)
    if closed:
        before, start, end, after = (np.roll(knots, shift, 0) for shift in (1, 0, -1, -2))
    else:
        padded = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
        before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (k[:, None, :] for k in (before, start, end, after))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    flat = curve.reshape(-1, 2)
    if not closed:
        flat = np.vstack([flat, knots[-1]])
    return [(float(x), float(y)) for x, y in flat]


def outline(points: Sequence[Point], start: float, end: float) -> list[Point]:
    """The outline of a line whose width goes from start to end."""
    last = len(points) - 1
    left: list[Point] = []
    right: list[Point] = []
    for k, (x, y) in enumerate(points):
        (ax, ay), (bx, by) = points[max(k - 1, 0)], points[min(k + 1, last)]
        dx, dy = bx - ax, by - ay
        half = (start + (end - start) * k / max(last, 1)) / 2 / max(math.hypot(dx, dy), 1e-9)
        left.append((x - dy * half, y + dx * half))
        right.append((x + dy * half, y - dx * half))
    right.reverse()
    return left + right


def relief(mask: Array, radius: float, light: tuple[float, float] = (-0.55, -0.65)) -> Array:
    """Light on a form swollen out of its mask: about -1 (turned away) to 1 (facing the light)."""
    height = np.sqrt(np.clip(blur(mask, radius) * 2 - 1, 0, 1) + np.float32(0.02))
    height = blur(height, max(radius * 0.35, 1.0))
    gy, gx = np.gradient(height)
    steep = np.float32(radius * 1.6)
    slope = -(gx * np.float32(light[0]) + gy * np.float32(light[1])) * steep
    result: Array = slope / np.sqrt(1 + (gx * gx + gy * gy) * steep * steep)
    return result
