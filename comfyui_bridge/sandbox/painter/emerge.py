"""How a picture emerges while a sampler steps: from noise, big shapes first, detail later."""

from __future__ import annotations

import numpy as np

from .brief import Brief
from .canvas import blur
from .noise import Array, resize, stream, unit

PREVIEW_SIDE = 512


def noise(brief: Brief) -> Array:
    """The seed's noise at preview size: coloured blotches as a latent shows them."""
    scale = min(1.0, PREVIEW_SIDE / max(brief.width, brief.height, 1))
    height, width = max(8, round(brief.height * scale)), max(8, round(brief.width * scale))
    rng = stream(brief.seed, "latent")
    # A latent has one value for eight by eight pixels; that grain is what people know from previews.
    coarse = rng.standard_normal((max(2, height // 8), max(2, width // 8), 3), dtype=np.float32)
    fine = rng.standard_normal((max(4, height // 2), max(4, width // 2), 3), dtype=np.float32)
    field = resize(coarse, height, width) * 0.75 + resize(fine, height, width, smooth=False) * 0.45
    return unit(0.5 + field * np.float32(0.22))


def blurred(picture: Array, radius: float) -> Array:
    """A quick blur, good enough under noise."""
    height, width = picture.shape[:2]
    if radius < 0.7:
        return picture
    step = max(radius * 0.8, 1.0)
    small = resize(picture, max(2, round(height / step)), max(2, round(width / step)), smooth=False)
    return resize(blur(small, 1.0), height, width, smooth=False)


def in_between(finished: Array, noise: Array, share: float) -> Array:
    """The picture after that share of the sampling: 0 pure noise, 1 finished."""
    height, width = finished.shape[:2]
    if share >= 1:
        return finished.astype(np.float32)
    grain = noise if noise.shape[:2] == (height, width) else resize(noise, height, width, smooth=False)
    if share <= 0:
        return grain.astype(np.float32)
    radius = 0.11 * min(height, width) * (1 - share) ** 2.2
    known = blurred(finished.astype(np.float32, copy=False), radius)
    # Noise is added, not mixed in: what is known stays in place underneath it, as in a latent.
    rest = np.float32((1 - share) ** 1.5)
    base = np.float32(min(1.0, share * 4.5))
    level = known * base + np.float32(0.5) * (1 - base)
    return unit(level + (grain - np.float32(0.5)) * rest * np.float32(1.15))
