"""Looks: the media a prompt may ask for and the styles that LoRA names stand for.

A look turns a finished picture into another of the same size; its strength says how far to go.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .canvas import Layer, blur, glow, grey, mix, rgb, saturate
from .noise import Array, digest, fbm, fetch, smoothstep, stream, unit


@dataclass(frozen=True)
class Sitting:
    """What a look may use besides the picture: a random stream's name and the yardstick in pixels."""

    seed: int
    u: float

    def rng(self, name: str) -> np.random.Generator:
        return stream(self.seed, "look", name)


Look = Callable[[Array, Sitting], Array]


def contours(picture: Array, radius: float, low: float = 0.03, high: float = 0.16) -> Array:
    """Edges of a picture, 0..1."""
    level = blur(grey(picture).astype(np.float32), radius)
    gy, gx = np.gradient(level)
    return smoothstep(low, high, np.asarray(np.hypot(gx, gy) * np.float32(radius)))


def paper(shape: tuple[int, int], sitting: Sitting, cell: float = 0.006) -> Array:
    """The tooth of paper or canvas, about -0.5..0.5."""
    tooth = fbm(sitting.rng("paper"), shape[0], shape[1], max(sitting.u * cell, 2.0), 3, 0.7)
    tooth -= np.float32(0.5)
    return tooth


def strokes(picture: Array, sitting: Sitting, size: float, name: str, wander: float = 0.25) -> Array:
    """The picture laid again in brush strokes along its forms; size is a stroke's width in pixels."""
    rng = sitting.rng(name)
    height, width = picture.shape[:2]
    count = int(min(height * width / (size * size) * 1.5, 9000))
    x, y = rng.uniform(0, width, count), rng.uniform(0, height, count)
    level = blur(grey(picture).astype(np.float32), max(size * 0.7, 1.0))
    gy, gx = np.gradient(level)
    drift = (fbm(rng, height, width, sitting.u * 0.25, 3) - 0.5) * np.float32(4)
    along = np.arctan2(fetch(gx, x, y), -fetch(gy, x, y))
    firm = smoothstep(0.0, 0.02, np.hypot(fetch(gx, x, y), fetch(gy, x, y)))
    angle = along * firm + fetch(drift, x, y) * (1 - firm) + rng.normal(0, wander, count)
    colour = fetch(picture, x, y) * (1 + rng.normal(0, 0.045, (count, 1))) + rng.normal(0, 0.01, (count, 3))
    length = size * rng.uniform(1.6, 3.4, count) * (1.25 - 0.5 * firm)
    layer = Layer(height, width)
    layer.leaves(x, y, length, size * rng.uniform(0.6, 1.1, count), angle, colour)
    result: Array = picture.copy()
    layer.onto(result)
    return result


def oil(picture: Array, sitting: Sitting) -> Array:
    painted = strokes(
        blur(picture, sitting.u * 0.006), sitting, max(sitting.u * 0.018, 3.0), "oil-coarse", 0.35
    )
    painted = mix(painted, picture, 0.25)
    painted = strokes(painted, sitting, max(sitting.u * 0.0085, 2.2), "oil-middle")
    detail = contours(picture, max(sitting.u * 0.004, 1.0))
    painted = mix(painted, picture, (detail * 0.75)[..., None])
    fine = strokes(painted, sitting, max(sitting.u * 0.0055, 1.8), "oil-fine")
    level = grey(fine).astype(np.float32)
    gy, gx = np.gradient(level)
    return unit(saturate(fine, 1.12) * (1 + (gx + gy) * np.float32(0.9))[..., None])


def watercolor(picture: Array, sitting: Sitting) -> Array:
    u = sitting.u
    rng = sitting.rng("watercolor")
    height, width = picture.shape[:2]
    wobble = (fbm(rng, height, width, u * 0.05, 4) - 0.5) * np.float32(u * 0.03)
    ys, xs = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    bled = fetch(blur(picture, u * 0.008), xs + wobble, ys + wobble[::-1])
    levels = np.float32(7)
    flat = mix(np.round(bled * levels) / levels, bled, 0.45)
    pools = contours(flat, max(u * 0.005, 1.0), 0.01, 0.1)
    pigment = fbm(rng, height, width, u * 0.2, 5)
    wash = 1 - (1 - flat) * (0.72 + 0.4 * pigment)[..., None]
    white = rgb("#fbf7ee")
    wash = mix(wash, white, 0.16) * (1 - 0.24 * pools)[..., None]
    edge_x = np.minimum(xs, width - 1 - xs) / u
    edge_y = np.minimum(ys, height - 1 - ys) / u
    torn = np.minimum(edge_x, edge_y) + (fbm(rng, height, width, u * 0.12, 4) - 0.5) * 0.12
    wash = mix(np.broadcast_to(white, wash.shape), wash, smoothstep(0.0, 0.05, torn)[..., None])
    return unit(saturate(wash, 1.12) * (1 + paper((height, width), sitting) * 0.09)[..., None])


def sumi(picture: Array, sitting: Sitting) -> Array:
    u = sitting.u
    height, width = picture.shape[:2]
    rng = sitting.rng("ink")
    level = grey(picture).astype(np.float32)
    # Shares of all pixels, not brightness itself: a dark picture must not drown in ink.
    marks = np.percentile(level, (2, 20, 45, 75, 97))
    level = np.interp(level, marks, (0.0, 0.28, 0.62, 0.88, 1.0)).astype(np.float32)
    bleed = fbm(rng, height, width, u * 0.09, 5)
    tone = smoothstep(0.0, 0.8, blur(level, u * 0.008) + (bleed - 0.5) * 0.28)
    tone = np.round(tone * 4 + (bleed - 0.5)) / 4 * 0.4 + tone * 0.6
    line = contours(picture, max(u * 0.0035, 1.0), 0.035, 0.12) * (0.5 + 0.5 * smoothstep(0.4, 0.6, bleed))
    ink = np.clip((1 - tone) * 0.74 + line * 0.72, 0, 0.96)
    sheet = rgb("#f1e9d8") * (1 + paper((height, width), sitting) * np.float32(0.08))[..., None]
    washed = mix(sheet, rgb("#1b1d22"), ink[..., None])
    return seal(unit(mix(washed, washed * (0.55 + saturate(picture, 0.9) * 0.6), 0.22)), u)


def seal(picture: Array, u: float) -> Array:
    """A red seal in the lower right corner, as on scrolls."""
    height, width = picture.shape[:2]
    side = u * 0.062
    x, y = width - side * 1.9, height - side * 2.1
    layer = Layer(height, width)
    red, bare = rgb("#b3322a"), rgb("#efe3cf")
    layer.polygon(
        [
            (x, y),
            (x + side, y + side * 0.03),
            (x + side * 0.98, y + side),
            (x + side * 0.02, y + side * 0.97),
        ],
        red,
    )
    for ax, ay, bx, by in (
        (0.2, 0.2, 0.8, 0.2),
        (0.5, 0.2, 0.5, 0.82),
        (0.2, 0.5, 0.8, 0.5),
        (0.22, 0.8, 0.8, 0.8),
        (0.2, 0.5, 0.2, 0.8),
    ):
        layer.line(
            [(x + side * ax, y + side * ay), (x + side * bx, y + side * by)], max(side * 0.07, 0.6), bare
        )
    layer.onto(picture, 0.92)
    return picture


def pixel(picture: Array, sitting: Sitting) -> Array:
    height, width = picture.shape[:2]
    block = max(2, round(sitting.u / 88))
    small_h, small_w = max(4, height // block), max(4, width // block)
    shrunk = np.round(unit(saturate(picture, 1.25)) * 255).astype(np.uint8)
    image = Image.fromarray(shrunk).resize((small_w, small_h), Image.Resampling.BOX)
    few = image.quantize(28, dither=Image.Dither.NONE).convert("RGB")
    large = few.resize((width, height), Image.Resampling.NEAREST)
    return unit(np.asarray(large).astype(np.float32) / np.float32(255))


def sketch(picture: Array, sitting: Sitting) -> Array:
    u = sitting.u
    height, width = picture.shape[:2]
    level = grey(picture).astype(np.float32)
    tooth = paper((height, width), sitting, 0.004)
    line = np.maximum(
        contours(picture, max(u * 0.0026, 0.9), 0.02, 0.1),
        contours(picture, max(u * 0.006, 1.5), 0.04, 0.16) * 0.7,
    )
    ys, xs = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    pitch = np.float32(max(u * 0.011, 3.0))
    hatch_a = 0.5 + 0.5 * np.sin((xs + ys) * np.float32(2 * np.pi) / pitch)
    hatch_b = 0.5 + 0.5 * np.sin((xs - ys * 0.8) * np.float32(2 * np.pi) / pitch)
    shade = smoothstep(0.55, 0.25, level) * hatch_a * 0.5 + smoothstep(0.33, 0.1, level) * hatch_b * 0.45
    graphite = np.clip((line * 0.95 + shade) * (1 + tooth * 1.6), 0, 0.95)
    sheet = np.broadcast_to(rgb("#f7f3ea"), picture.shape) * (1 + tooth * 0.06)[..., None]
    return unit(mix(sheet, rgb("#2b2a2e"), graphite[..., None]))


def film(picture: Array, sitting: Sitting) -> Array:
    height, width = picture.shape[:2]
    level = grey(picture)[..., None]
    toned = mix(
        picture * rgb("#dcecf2") * np.float32(1.06), picture * rgb("#ffe9c8") * np.float32(1.06), level
    )
    toned = saturate(toned, 0.86) * np.float32(0.88) + rgb("#14100e") * np.float32(0.95)
    glow(
        toned,
        rgb("#ff5a36")
        * (blur(smoothstep(0.8, 1.0, grey(picture)), sitting.u * 0.02) * np.float32(0.35))[..., None],
    )
    ys, xs = (
        np.linspace(-1, 1, height, dtype=np.float32)[:, None],
        np.linspace(-1, 1, width, dtype=np.float32)[None, :],
    )
    toned = toned * (1 - 0.32 * smoothstep(0.55, 1.6, xs * xs + ys * ys))[..., None]
    leak = np.exp(-(((xs - 0.98) / 0.22) ** 2) - ((ys + 0.3) / 0.9) ** 2)
    glow(toned, rgb("#ff9a4a") * (leak * np.float32(0.28))[..., None])
    grain = sitting.rng("film").standard_normal((height, width), dtype=np.float32)
    return unit(toned + (grain * (0.055 - 0.03 * level[..., 0]))[..., None])


def neon(picture: Array, sitting: Sitting) -> Array:
    u = sitting.u
    level = grey(picture).astype(np.float32)
    night = mix(rgb("#0b0620"), rgb("#3a1466"), smoothstep(0.1, 0.7, level)[..., None])
    night = mix(night, rgb("#ff5fb0"), (smoothstep(0.62, 1.0, level) * 0.75)[..., None])
    dark = mix(night, saturate(picture, 1.6) * np.float32(0.6), 0.38)
    line = contours(picture, max(u * 0.003, 1.0), 0.03, 0.12)
    across = np.linspace(0, 1, picture.shape[1], dtype=np.float32)[None, :, None]
    tint = mix(rgb("#22e6ff"), rgb("#ff2fa6"), smoothstep(0.2, 0.8, across + (level[..., None] - 0.5) * 0.5))
    glow(dark, tint * (line * 0.9)[..., None])
    glow(dark, tint * blur(line, u * 0.014)[..., None] * np.float32(0.75))
    return unit(dark)


def pastel(picture: Array, sitting: Sitting) -> Array:
    tooth = paper(picture.shape[:2], sitting, 0.008)
    chalk = mix(strokes(picture, sitting, max(sitting.u * 0.011, 2.5), "pastel", 0.5), picture, 0.4)
    light = mix(saturate(chalk, 1.0), rgb("#fff1ec"), 0.26)
    return unit(light * (1 + tooth * 0.1)[..., None])


def anime(picture: Array, sitting: Sitting) -> Array:
    u = sitting.u
    smooth = blur(picture, max(u * 0.004, 0.8))
    level = grey(smooth)[..., None]
    steps = np.round(level * 7) / 7
    busy = smoothstep(0.004, 0.03, blur(np.abs(grey(picture) - grey(blur(picture, u * 0.02))), u * 0.02))[
        ..., None
    ]
    flat = smooth * (1 + (mix(level, steps, 0.7 * busy) - level) / np.maximum(level, 0.2))
    line = contours(picture, max(u * 0.0028, 0.9), 0.05, 0.16)
    return unit(saturate(mix(flat, rgb("#2b2036"), (line * 0.6)[..., None]), 1.3) * np.float32(1.04))


def mono(picture: Array, sitting: Sitting) -> Array:
    level = grey(picture)[..., None]
    return unit(np.repeat(np.clip((level - 0.48) * 1.18 + 0.48, 0, 1), 3, 2) * rgb("#fffdf9"))


def crisp(picture: Array, sitting: Sitting) -> Array:
    return unit(picture + (picture - blur(picture, max(sitting.u * 0.004, 1.0))) * np.float32(0.8))


def soft(picture: Array, sitting: Sitting) -> Array:
    dream = picture.copy()
    glow(dream, blur(picture, sitting.u * 0.02) * np.float32(0.32))
    return unit(mix(dream, picture, 0.35))


LOOKS: dict[str, Look] = {
    "oil": oil,
    "watercolor": watercolor,
    "ink": sumi,
    "pixel": pixel,
    "sketch": sketch,
    "film": film,
    "neon": neon,
    "pastel": pastel,
    "anime": anime,
    "mono": mono,
    "crisp": crisp,
    "soft": soft,
}

NAMES: tuple[tuple[str, str], ...] = (
    ("watercolo|aquarelle|水彩", "watercolor"),
    ("sumi|ink|shuimo|水墨|guohua|国画|brush", "ink"),
    ("pixel|8bit|8-bit|16bit|像素|sprite", "pixel"),
    ("line_?-?art|sketch|pencil|lines|manga|素描|线稿|drawing|charcoal", "sketch"),
    ("film|grain|analog|kodak|retro|vintage|polaroid|胶片", "film"),
    ("neon|cyber|synthwave|vapor|霓虹|glow", "neon"),
    ("pastel|chalk|crayon|粉彩", "pastel"),
    ("oil|impasto|monet|gogh|paint|油画|impression", "oil"),
    ("anime|ghibli|cartoon|toon|cel|动漫|illustration", "anime"),
    ("mono|noir|bw|black_?white|黑白", "mono"),
    ("dream|soft|fantasy|bokeh", "soft"),
    ("detail|sharp|lightning|turbo|lcm|hyper|realis|photo|enhance|add_detail", "crisp"),
)


def look_named(name: str) -> Look:
    """The look a LoRA's file name stands for; a name that says nothing gets one made from its letters."""
    lowered = name.lower()
    for pattern, look in NAMES:
        if re.search(pattern, lowered):
            return LOOKS[look]
    return invented(name)


def invented(name: str) -> Look:
    """A look of its own for a name: a split of warm and cool tones, a turn of the colours, a texture."""
    rng = stream("invented", name)
    shadows, lights = rng.random(3).astype(np.float32), rng.random(3).astype(np.float32)
    colourful, contrast = float(rng.uniform(0.6, 1.5)), float(rng.uniform(0.85, 1.25))
    turn = float(rng.uniform(-0.12, 0.12))
    texture = (None, "strokes", "paper", "glow")[digest("texture", name) % 4]

    def look(picture: Array, sitting: Sitting) -> Array:
        base = (
            strokes(picture, sitting, max(sitting.u * 0.011, 2.5), "invented")
            if texture == "strokes"
            else picture
        )
        mixed = base @ turned(turn)
        level = grey(mixed)[..., None]
        toned = mix(mixed, mix(shadows, lights, smoothstep(0.15, 0.85, level)), 0.3)
        toned = unit((saturate(toned, colourful) - 0.48) * np.float32(contrast) + np.float32(0.48))
        if texture == "paper":
            toned = toned * (1 + paper(picture.shape[:2], sitting) * 0.16)[..., None]
        if texture == "glow":
            glow(toned, blur(toned, sitting.u * 0.02) * np.float32(0.25))
        return unit(toned)

    return look


def turned(angle: float) -> Array:
    """A matrix that turns colours about the grey axis by a share of a full turn."""
    c, s = np.cos(angle * 2 * np.pi), np.sin(angle * 2 * np.pi)
    a, b = (1 - c) / 3, np.sqrt(1 / 3) * s
    return np.array([[c + a, a + b, a - b], [a - b, c + a, a + b], [a + b, a - b, c + a]], np.float32)


def apply(picture: Array, look: Look, strength: float, sitting: Sitting) -> Array:
    """A look at a strength: 0 none, 1 as it is, beyond that exaggerated, below 0 its opposite."""
    if strength == 0:
        return picture
    share = float(np.clip(strength, -0.5, 1.6))
    return unit(mix(picture, look(picture, sitting), share))


def tint_of(model: str) -> Array:
    """The slight cast of a model file: three factors near 1."""
    if not model:
        return np.ones(3, np.float32)
    return (1 + stream("model", model).uniform(-0.025, 0.025, 3)).astype(np.float32)
