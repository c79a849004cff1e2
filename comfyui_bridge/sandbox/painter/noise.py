"""Random streams and smooth random fields: the raw stuff of clouds, rock, water and grain.

Every stream is named, so that an element keeps its randomness whatever else is painted. Fields are
small lattices enlarged by Pillow's bicubic filter, which is several times faster than NumPy alone.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]


def digest(*parts: object) -> int:
    """A 64-bit number that depends on the parts alone, in every process."""
    text = "\x1f".join(str(part) for part in parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def stream(*parts: object) -> np.random.Generator:
    """The random stream of that name."""
    return np.random.Generator(np.random.PCG64(digest(*parts)))


def unit(values: Array) -> Array:
    """Held within 0..1, float32."""
    result: Array = np.clip(values, 0, 1).astype(np.float32, copy=False)
    return result


def resize(field: Array, height: int, width: int, smooth: bool = True) -> Array:
    """A field or picture at another size, float32."""
    how = Image.Resampling.BICUBIC if smooth else Image.Resampling.BILINEAR
    if field.shape[:2] == (height, width):
        return field.astype(np.float32)
    if field.ndim == 3:
        return np.stack([resize(field[..., i], height, width, smooth) for i in range(field.shape[2])], -1)
    image = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.array(image.resize((width, height), how))


def lattice(rng: np.random.Generator, height: int, width: int, cell_y: float, cell_x: float) -> Array:
    """Smooth noise, about 0..1, with features of the given size in pixels."""
    rows, columns = max(1.0, height / cell_y), max(1.0, width / cell_x)
    grid = rng.random((int(rows) + 4, int(columns) + 4), dtype=np.float32)
    box = (1.0, 1.0, 1.0 + columns, 1.0 + rows)
    return np.array(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC, box=box))


def fbm(
    rng: np.random.Generator,
    height: int,
    width: int,
    cell: float,
    octaves: int = 5,
    gain: float = 0.5,
    stretch: float = 1.0,
) -> Array:
    """Fractal noise, about 0..1 around 0.5; `stretch` > 1 draws features out sideways."""
    total = np.zeros((height, width), np.float32)
    weight, weights = 1.0, 0.0
    for _ in range(octaves):
        total += np.float32(weight) * lattice(rng, height, width, max(cell, 1.0), max(cell * stretch, 1.0))
        weights += weight
        weight *= gain
        cell *= 0.5
        if cell * max(stretch, 1.0) < 1.0:
            break
    total /= np.float32(weights)
    return total


def tile(rng: np.random.Generator, size: int, cells: int, octaves: int = 5, gain: float = 0.5) -> Array:
    """A square of fractal noise that repeats without a seam, stretched to 0..1."""
    total = np.zeros((size, size), np.float32)
    weight = 1.0
    for _ in range(octaves):
        grid = np.pad(rng.random((cells, cells), dtype=np.float32), 2, mode="wrap")
        box = (2.0, 2.0, 2.0 + cells, 2.0 + cells)
        total += np.float32(weight) * np.array(
            Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC, box=box)
        )
        weight *= gain
        cells *= 2
        if cells > size:
            break
    low, high = np.percentile(total[::3, ::3], (0.5, 99.5))
    return unit((total - low) / np.float32(high - low))


def sample(repeating: Array, x: Array, y: Array) -> Array:
    """Values of a repeating field at fractional places (one unit is one turn of the tile).

    The field's side must be a power of two.
    """
    size = repeating.shape[0]
    fx, fy = x * np.float32(size), y * np.float32(size)
    x0, y0 = np.floor(fx), np.floor(fy)
    fx, fy = fx - x0, fy - y0
    left, top = x0.astype(np.int32) & (size - 1), (y0.astype(np.int32) & (size - 1)) * size
    right, below = (left + 1) & (size - 1), (top + size) & (size * size - 1)
    flat = repeating.ravel()
    upper: Array = flat.take(top + left)
    upper += (flat.take(top + right) - upper) * fx
    lower = flat.take(below + left)
    lower += (flat.take(below + right) - lower) * fx
    upper += (lower - upper) * fy
    return upper


def fetch(picture: Array, x: Array, y: Array) -> Array:
    """Pixels of a picture at places in pixels, nearest one, edges repeated."""
    height, width = picture.shape[:2]
    ix = np.clip(np.rint(x), 0, width - 1).astype(np.int32)
    iy = np.clip(np.rint(y), 0, height - 1).astype(np.int32)
    flat = picture.reshape(height * width, *picture.shape[2:])
    result: Array = flat.take((iy * width + ix).ravel(), 0).reshape(*ix.shape, *picture.shape[2:])
    return result


def warp(picture: Array, x: Array, y: Array) -> Array:
    """Like fetch, but blended between pixels."""
    height, width = picture.shape[:2]
    x, y = np.clip(x, 0, width - 1.001), np.clip(y, 0, height - 1.001)
    x0, y0 = x.astype(np.int32), y.astype(np.int32)
    fx, fy = (x - x0).astype(np.float32), (y - y0).astype(np.float32)
    flat = picture.reshape(height * width, -1)
    at = (y0 * width + x0).ravel()
    right, down = (1 if width > 1 else 0), (width if height > 1 else 0)
    fx, fy = fx.ravel()[:, None], fy.ravel()[:, None]
    top = flat.take(at, 0) * (1 - fx) + flat.take(at + right, 0) * fx
    bottom = flat.take(at + down, 0) * (1 - fx) + flat.take(at + down + right, 0) * fx
    result: Array = (top * (1 - fy) + bottom * fy).reshape(*x.shape, *picture.shape[2:])
    return result


def line(rng: np.random.Generator, length: int, cell: float, octaves: int = 6, gain: float = 0.5) -> Array:
    """Fractal noise along a line, about -1..1: the raw stuff of ridges."""
    total = np.zeros(length, np.float32)
    weight = 1.0
    for _ in range(octaves):
        count = int(length / cell) + 4
        knots = rng.random(count, dtype=np.float32) * 2 - 1
        at = np.arange(length, dtype=np.float32) / np.float32(cell)
        left = at.astype(np.int32)
        t = at - left
        t = t * t * (3 - 2 * t)
        total += np.float32(weight) * (knots[left] * (1 - t) + knots[left + 1] * t)
        weight *= gain
        cell = max(cell * 0.5, 1.0)
    return total


def smoothstep(low: Array | float, high: Array | float, x: Array) -> Array:
    """0 below low, 1 above high, a soft S between."""
    t = np.clip((x - low) / (high - low), 0, 1).astype(np.float32, copy=False)
    result: Array = t * t * (3 - 2 * t)
    return result
