"""The working picture: its size, its pixels so far, the light, what was read, and named random streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .noise import Array, stream
from .palette import Light
from .reading import Reading


@dataclass
class Spot:
    """Where a subject stands: feet at (x, y), and how high it may be, in pixels."""

    x: float
    y: float
    size: float
    ground: bool = True
    """Whether it stands on something that takes its shadow."""
    mirrored: bool = False
    """Whether the ground shows its reflection."""


@dataclass
class Stage:
    """A picture being painted."""

    width: int
    height: int
    reading: Reading
    avoid: frozenset[str]
    light: Light
    seed: int
    detail: float
    """How much fine work to put in: about 0.5 for few steps to 1.3 for many."""
    rgb: Array = field(init=False)
    sun_x: float = 0.5
    """Across the picture, 0..1."""
    spot: Spot = field(init=False)
    fronts: list[Callable[[Stage], None]] = field(default_factory=list)
    """What is painted before the subject."""
    subject_cover: Array | None = None

    def __post_init__(self) -> None:
        self.rgb = np.zeros((self.height, self.width, 3), np.float32)
        self.spot = Spot(self.width * 0.5, self.height * 0.9, self.u * 0.6)

    @property
    def u(self) -> float:
        """The picture's yardstick: its shorter side, tempered for panoramas and banners."""
        short, long = sorted((self.width, self.height))
        return float(min(short * 1.15, (short * long) ** 0.5))

    @property
    def aspect(self) -> float:
        return self.width / self.height

    def at_size(self, width: int, height: int) -> Stage:
        """A stage for the same picture at another size."""
        other = Stage(width, height, self.reading, self.avoid, self.light, self.seed, self.detail)
        other.sun_x = self.sun_x
        return other

    def look_at(self, box: tuple[float, float, float, float]) -> None:
        """Have the subject stand inside a box (left, top, right, bottom) instead of the scene's spot."""
        left, top, right, bottom = box
        size = min((bottom - top) * 0.94, (right - left) * 1.15)
        spot = self.spot
        self.spot = Spot((left + right) / 2, bottom - (bottom - top) * 0.03, size, spot.ground, spot.mirrored)

    def rng(self, *name: object) -> np.random.Generator:
        """The random stream of a named element under this seed."""
        return stream(self.seed, *name)

    def rows(self) -> Array:
        """Pixel rows as a column: 0 at the top."""
        return np.arange(self.height, dtype=np.float32)[:, None]

    def columns(self) -> Array:
        """Pixel columns as a row: 0 at the left."""
        return np.arange(self.width, dtype=np.float32)[None, :]

    def wants(self, *words: str) -> bool:
        """Whether the prompt names any of these and the negative prompt none."""
        return self.reading.has(*words) and not self.avoid & set(words)

    def count(self, number: float) -> int:
        """A number of small things, by detail; a small picture has no room for as many."""
        return max(1, int(number * self.detail * min(1.0, max(0.3, self.u / 520))))
