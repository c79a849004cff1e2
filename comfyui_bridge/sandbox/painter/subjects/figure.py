"""A small canvas for one figure: rounded parts lit from one side, fur, fine lines; then set into a scene.

Coordinates of a figure run from -1 to 1 across and down, its feet at y = 1; a margin lies around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..canvas import Colour, Layer, Point, blur, cover, glow, mix, outline, over, relief, rgb, spline
from ..noise import Array, fetch, resize, smoothstep, unit
from ..stage import Spot, Stage

REACH = 1.3
"""Half the canvas, in the figure's own units."""


class Figure:
    """A figure being drawn."""

    def __init__(self, height: float, rng: np.random.Generator, light_x: float = -0.55) -> None:
        self.scale = max(height, 24) / 2
        self.side = int(self.scale * REACH * 2) + 2
        self.rgb = np.zeros((self.side, self.side, 3), np.float32)
        self.alpha = np.zeros((self.side, self.side), np.float32)
        self.lamp = np.zeros((self.side, self.side), np.float32)
        """Where the figure gives light of its own."""
        self.rng = rng
        self.light = (light_x, -0.7)
        self.angle, self.about = 0.0, (0.0, 0.0)
        self.gain = 1.0

    def turn(self, angle: float = 0.0, about: Point = (0.0, 0.0), gain: float = 1.0) -> None:
        """Turn and scale everything drawn from now on about a point."""
        self.angle, self.about, self.gain = angle, about, gain

    def at(self, x: float, y: float) -> Point:
        """A place of the figure in pixels of its canvas."""
        c, s = math.cos(self.angle) * self.gain, math.sin(self.angle) * self.gain
        dx, dy = x - self.about[0], y - self.about[1]
        px, py = self.about[0] + c * dx - s * dy, self.about[1] + s * dx + c * dy
        return ((px + REACH) * self.scale, (py + REACH) * self.scale)

    def place(self, points: Sequence[Point]) -> list[Point]:
        return [self.at(x, y) for x, y in points]

    def blob(self, points: Sequence[Point], colour: Colour, volume: float = 0.5, smooth: bool = True) -> None:
        """A closed form through the points, swollen by its volume."""
        path = spline(points) if smooth else list(points)
        self.form(self.place(path), colour, volume)

    def oval(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        volume: float = 0.5,
        angle: float = 0.0,
    ) -> None:
        c, s = math.cos(angle), math.sin(angle)
        ring = [(math.cos(t) * rx, math.sin(t) * ry) for t in np.linspace(0, 2 * math.pi, 40, endpoint=False)]
        self.form(self.place([(x + c * a - s * b, y + s * a + c * b) for a, b in ring]), colour, volume)

    def tube(
        self, points: Sequence[Point], start: float, end: float, colour: Colour, volume: float = 0.5
    ) -> None:
        """A limb along a smooth line, round at its far end."""
        path = spline(points, closed=False)
        (x, y), (bx, by) = path[-1], path[-3]
        edge = outline(path, start, end)
        heading = math.atan2(y - by, x - bx)
        cap = [
            (x + math.cos(heading + a) * end / 2, y + math.sin(heading + a) * end / 2)
            for a in np.linspace(math.pi / 2, -math.pi / 2, 9)
        ]
        half = len(edge) // 2
        self.form(self.place(edge[:half] + cap + edge[half:]), colour, volume)

    def form(self, path: Sequence[Point], colour: Colour, volume: float) -> None:
        """A form by its outline in pixels."""
        box = self.box(path, 2)
        if box is None:
            return
        y0, y1, x0, x1 = box
        mask = cover(y1 - y0, x1 - x0, [(x - x0, y - y0) for x, y in path])
        tone: Array = np.broadcast_to(colour, (*mask.shape, 3))
        if volume:
            wide = min(
                max(x for x, _ in path) - min(x for x, _ in path),
                max(y for _, y in path) - min(y for _, y in path),
            )
            shade = relief(mask, max(wide * 0.3, 1.5), self.light) * np.float32(volume)
            dark, lit = colour * np.float32(0.45) * rgb("#c8c0e8"), mix(colour, rgb("#fff4dc"), 0.45)
            tone = mix(tone, dark, unit(-shade)[..., None])
            tone = mix(tone, lit, unit(shade)[..., None])
        self.lay(box, tone, mask)

    def box(self, path: Sequence[Point], margin: float) -> tuple[int, int, int, int] | None:
        xs, ys = [x for x, _ in path], [y for _, y in path]
        y0, y1 = int(max(0, min(ys) - margin)), int(min(self.side, max(ys) + margin + 1))
        x0, x1 = int(max(0, min(xs) - margin)), int(min(self.side, max(xs) + margin + 1))
        return None if y1 - y0 < 1 or x1 - x0 < 1 else (y0, y1, x0, x1)

    def lay(self, box: tuple[int, int, int, int], tone: Array, mask: Array) -> None:
        y0, y1, x0, x1 = box
        over(self.rgb[y0:y1, x0:x1], tone, mask)
        self.lamp[y0:y1, x0:x1] *= 1 - mask
        old = self.alpha[y0:y1, x0:x1]
        # Colour under thin cover must not be mixed with the canvas's black.
        fresh = (old < 0.02) & (mask > 0)
        self.rgb[y0:y1, x0:x1][fresh] = tone[fresh]
        self.alpha[y0:y1, x0:x1] = old + mask * (1 - old)

    def mark(
        self,
        points: Sequence[Point],
        colour: Colour,
        opacity: float = 1.0,
        soft: float = 0.0,
        smooth: bool = True,
        lamp: float = 0.0,
    ) -> None:
        """A marking on what is drawn: kept inside it, soft by a radius in the figure's units."""
        path = self.place(spline(points) if smooth else points)
        radius = soft * self.scale * self.gain
        box = self.box(path, 2 + radius * 2.5)
        if box is None:
            return
        y0, y1, x0, x1 = box
        mask = cover(y1 - y0, x1 - x0, [(x - x0, y - y0) for x, y in path])
        if radius > 0.6:
            mask = unit(blur(mask, radius))
        view = self.rgb[y0:y1, x0:x1]
        mask = mask * np.float32(opacity) * (self.alpha[y0:y1, x0:x1] > 0)
        over(view, colour, mask)
        shining = self.lamp[y0:y1, x0:x1]
        shining += (np.float32(lamp) - shining) * mask

    def spot(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        opacity: float = 1.0,
        soft: float = 0.0,
        lamp: float = 0.0,
    ) -> None:
        """A round marking."""
        ring = [
            (x + math.cos(t) * rx, y + math.sin(t) * ry)
            for t in np.linspace(0, 2 * math.pi, 32, endpoint=False)
        ]
        self.mark(ring, colour, opacity, soft, smooth=False, lamp=lamp)

    def stripe(
        self,
        points: Sequence[Point],
        start: float,
        end: float,
        colour: Colour,
        opacity: float = 1.0,
        soft: float = 0.0,
    ) -> None:
        """A marking along a line."""
        self.mark(outline(spline(points, closed=False), start, end), colour, opacity, soft, smooth=False)

    def lines(
        self, strokes: Sequence[tuple[Sequence[Point], float, float]], colour: Colour, opacity: float = 1.0
    ) -> None:
        """Fine lines over everything, inside and outside: (points, width at the start, at the end)."""
        layer = Layer(self.side, self.side)
        least = 0.55 / self.scale
        for points, start, end in strokes:
            path = spline(points, closed=False)
            layer.polygon(self.place(outline(path, max(start, least), max(end, least * 0.6))), colour)
        self.stamp(layer, opacity)

    def leaves(self, points: Array, size: float, colours: Array) -> None:
        """Many leaves of about that size at places (n x 2), in the order given."""
        layer = Layer(self.side, self.side)
        x, y = (points[:, 0] + REACH) * self.scale, (points[:, 1] + REACH) * self.scale
        length = np.maximum(size * self.scale * self.rng.uniform(0.7, 1.3, len(x)), 1.2)
        layer.leaves(x, y, length, length * 0.62, self.rng.uniform(0, np.pi, len(x)), colours)
        self.stamp(layer)

    def haze(self, points: Sequence[Point], colour: Colour, opacity: float) -> None:
        """A soft beam beside the figure that fades towards its far end."""
        path = self.place(points)
        box = self.box(path, 2)
        if box is None:
            return
        y0, y1, x0, x1 = box
        mask = cover(y1 - y0, x1 - x0, [(x - x0, y - y0) for x, y in path])
        (sx, sy), (ex, ey) = path[0], path[1]
        far = np.hypot(np.arange(x0, x1)[None, :] - sx, np.arange(y0, y1)[:, None] - sy)
        fade = np.clip(1 - far / max(math.hypot(ex - sx, ey - sy), 1.0), 0, 1)
        free = 1 - self.alpha[y0:y1, x0:x1]
        self.lay(
            box,
            np.broadcast_to(colour, (*mask.shape, 3)),
            (mask * fade * free).astype(np.float32) * np.float32(opacity),
        )

    def dissolve_foot(self) -> None:
        """Let the foot of what stands far off sink into the ground."""
        y = np.arange(self.side, dtype=np.float32)[:, None] / np.float32(self.scale) - np.float32(REACH)
        self.alpha *= smoothstep(1.03, 0.84, y)

    def stamp(self, layer: Layer, opacity: float = 1.0) -> None:
        colour, mask = layer.part()
        rows, columns = layer.box()
        solid = colour / np.maximum(mask, 1e-3)[..., None]
        self.lay(
            (rows.start, rows.stop, columns.start, columns.stop), unit(solid), mask * np.float32(opacity)
        )

    def fur(
        self,
        count: int,
        length: float,
        box: tuple[float, float, float, float],
        centre: Point,
        down: float = 0.4,
        ruffle: float = 0.35,
        contrast: float = 0.16,
    ) -> None:
        """Hairs within a box, pointing away from a centre and down, in the colours beneath them."""
        count = int(count * min(1.2, max(0.15, self.scale / 190)))
        (ax, ay), (bx, by) = self.at(box[0], box[1]), self.at(box[2], box[3])
        x = self.rng.uniform(min(ax, bx), max(ax, bx), count)
        y = self.rng.uniform(min(ay, by), max(ay, by), count)
        here = fetch(self.alpha, x, y) > 0.6
        x, y = x[here], y[here]
        if not len(x):
            return
        tone = fetch(self.rgb, x, y)
        cx, cy = self.at(*centre)
        dx, dy = x - cx, y - cy
        far = np.maximum(np.hypot(dx, dy), 1e-3)
        angle = np.arctan2(dy / far + down, dx / far) + self.rng.normal(0, ruffle, len(x))
        reach = length * self.scale * self.rng.uniform(0.6, 1.3, len(x))
        thick = np.maximum(reach * 0.085, 0.4)
        change = 1 + self.rng.normal(0, contrast, (len(x), 1))
        c, s = np.cos(angle), np.sin(angle)
        root = np.stack([x - s * thick, y + c * thick], -1), np.stack([x + s * thick, y - c * thick], -1)
        tip = np.stack([x + c * reach, y + s * reach], -1)
        layer = Layer(self.side, self.side)
        order = np.argsort(y)
        layer.polygons(np.stack([root[0], tip, root[1]], 1)[order], (tone * change)[order])
        self.stamp(layer)


def set_into(stage: Stage, figure: Figure, spot: Spot, grounded: float = 1.0) -> None:
    """Put a finished figure on its spot: the scene's light on it, its shadow and reflection on the ground."""
    light = stage.light
    tint = mix(np.ones(3, np.float32), mix(light.shade, light.key, 0.82), 0.72)
    dark = light.time == "night" or float(light.key.mean()) < 0.6
    lamp = figure.lamp * np.float32(1.0 if dark else 0.35)
    colour = mix(figure.rgb * tint, figure.rgb, lamp[..., None])
    rim = edge_light(stage, figure, spot)
    glow(colour, light.sun * rim[..., None])
    top, left = round(spot.y - (REACH + 1) * figure.scale), round(spot.x - REACH * figure.scale)
    if spot.ground:
        cast_shadow(stage, figure, spot, grounded)
    if spot.mirrored:
        mirror(stage, colour, figure, spot)
    blend_in(stage, colour, figure.alpha, top, left)
    if dark and figure.lamp.max() > 0.1:
        shine_out(stage, figure, top, left)


def shine_out(stage: Stage, figure: Figure, top: int, left: int) -> None:
    """The glow of a figure's own lamps in the dark."""
    where = visible(stage, top, left, *figure.lamp.shape)
    if where is None:
        return
    rows, columns, own_rows, own_columns = where
    source = figure.rgb * figure.lamp[..., None]
    halo = (
        blur(source, max(figure.scale * 0.05, 1.0)) * 0.7 + blur(source, max(figure.scale * 0.2, 2.0)) * 0.9
    )
    glow(stage.rgb[rows, columns], unit(halo)[own_rows, own_columns])


def edge_light(stage: Stage, figure: Figure, spot: Spot) -> Array:
    """Light along the edge that faces the sun."""
    side = np.float32(stage.sun_x * stage.width - spot.x)
    reach = max(figure.scale * 0.05, 1.0)
    soft = blur(figure.alpha, reach)
    gy, gx = np.gradient(soft)
    facing = -gx * np.float32(math.copysign(1.0, side)) * 0.8 - gy * -0.6 * -1
    low = stage.light.time in ("sunset", "dawn", "golden")
    strength = (0.75 if low else 0.4) * stage.light.power
    result: Array = unit(facing * np.float32(reach * 1.8)) * figure.alpha * np.float32(strength)
    return result


def visible(
    stage: Stage, top: int, left: int, height: int, width: int
) -> tuple[slice, slice, slice, slice] | None:
    """(rows, columns of the stage, rows, columns of the piece) where a piece lies on the stage."""
    y0, y1 = max(0, top), min(stage.height, top + height)
    x0, x1 = max(0, left), min(stage.width, left + width)
    if y1 <= y0 or x1 <= x0:
        return None
    return slice(y0, y1), slice(x0, x1), slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)


def blend_in(stage: Stage, colour: Array, alpha: Array, top: int, left: int) -> None:
    where = visible(stage, top, left, *alpha.shape)
    if where is None:
        return
    rows, columns, own_rows, own_columns = where
    over(stage.rgb[rows, columns], colour[own_rows, own_columns], alpha[own_rows, own_columns])
    if stage.subject_cover is None:
        stage.subject_cover = np.zeros((stage.height, stage.width), np.float32)
    view = stage.subject_cover[rows, columns]
    np.maximum(view, alpha[own_rows, own_columns], out=view)


def cast_shadow(stage: Stage, figure: Figure, spot: Spot, strength: float) -> None:
    """A soft shadow lying on the ground away from the sun, darkest where the figure touches it."""
    side = -1.0 if stage.sun_x * stage.width > spot.x else 1.0
    long = 0.55 if stage.light.sun_height < 0.4 else 0.3
    flat_h = max(2, int(figure.side * long * 0.5))
    lying = resize(figure.alpha, flat_h, figure.side)[::-1]
    shift = np.linspace(0, side * figure.scale * 0.9 * long * 2, flat_h)
    out = np.zeros((flat_h, figure.side * 2), np.float32)
    for row in range(flat_h):
        start = int(figure.side * 0.5 + shift[row])
        begin = max(0, start)
        end = min(out.shape[1], start + figure.side)
        out[row, begin:end] = lying[row, begin - start : end - start]
    out *= np.linspace(1, 0.3, flat_h, dtype=np.float32)[:, None]
    soft = unit(blur(out, max(figure.scale * 0.05, 1.0)))
    inset = int(flat_h * (REACH - 1) / (2 * REACH)) + 1
    where = visible(stage, round(spot.y) - inset, round(spot.x - figure.side), *soft.shape)
    dark = stage.light.shade * np.float32(0.28)
    if where:
        rows, columns, own_rows, own_columns = where
        over(
            stage.rgb[rows, columns],
            np.broadcast_to(dark, stage.rgb[rows, columns].shape),
            soft[own_rows, own_columns] * np.float32(0.6 * strength * (0.4 + 0.6 * stage.light.power)),
        )
    contact(stage, figure, spot, dark, strength)


def contact(stage: Stage, figure: Figure, spot: Spot, dark: Colour, strength: float) -> None:
    """The dark line where the figure's foot meets the ground."""
    row = int((REACH + 0.93) * figure.scale)
    across = np.nonzero(figure.alpha[min(row, figure.side - 1)] > 0.3)[0]
    if not len(across):
        return
    middle = spot.x - REACH * figure.scale + (across[0] + across[-1]) / 2
    half = max((across[-1] - across[0]) / 2 * 1.15, 3.0)
    dx = (stage.columns() - np.float32(middle)) / np.float32(half)
    dy = (stage.rows() - np.float32(spot.y - figure.scale * 0.02)) / np.float32(
        max(figure.scale * 0.085, 1.5)
    )
    over(
        stage.rgb,
        np.broadcast_to(dark, stage.rgb.shape),
        np.exp(-(dx**4) - dy**2) * np.float32(0.6 * strength),
    )


def mirror(stage: Stage, colour: Array, figure: Figure, spot: Spot) -> None:
    """The figure upside down in wet ground or water."""
    gap = int((REACH - 1) * figure.scale)
    upside, alpha = colour[::-1][gap:], figure.alpha[::-1][gap:]
    ripple = (
        np.sin(np.arange(len(alpha)) * 0.9 + 7 * np.sin(np.arange(len(alpha)) * 0.13)) * figure.scale * 0.012
    )
    columns = np.arange(figure.side)[None, :] + (ripple * np.linspace(0.3, 1.6, len(alpha)))[:, None]
    lines = np.broadcast_to(np.arange(len(alpha), dtype=np.float32)[:, None], columns.shape)
    bent, shape = fetch(upside, columns, lines), fetch(alpha, columns, lines)
    fade = np.linspace(0.55, 0.1, len(alpha), dtype=np.float32)[:, None]
    where = visible(stage, round(spot.y), round(spot.x - REACH * figure.scale), *shape.shape)
    if where:
        rows, cols, own_rows, own_columns = where
        over(
            stage.rgb[rows, cols],
            bent[own_rows, own_columns] * np.float32(0.75),
            (shape * fade)[own_rows, own_columns],
        )
