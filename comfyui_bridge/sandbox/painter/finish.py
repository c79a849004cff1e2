"""The last coats: bloom, contrast by cfg, grain, and the way to the size asked for."""

from __future__ import annotations

import numpy as np

from .brief import Brief
from .canvas import saturate
from .noise import Array, resize, stream, unit
from .scenes.air import bloom, paint_weather
from .stage import Stage


def finish(brief: Brief, stage: Stage) -> Array:
    paint_weather(stage)
    picture = np.clip(stage.rgb, 0, 1)
    bloom(picture, stage.u * 0.012, 0.72, 0.5)
    picture = resize(picture, brief.height, brief.width)
    picture = graded(picture, brief.cfg)
    rng = stream(brief.seed, "grain")
    grain = rng.standard_normal(picture.shape[:2], dtype=np.float32)[..., None] * np.float32(0.01)
    return unit(picture + grain)


def graded(picture: Array, cfg: float) -> Array:
    """More contrast and colour for a high cfg, less for a low one; 7 changes little."""
    push = float(np.clip((cfg - 7) / 13, -0.5, 1.0))
    picture = saturate(np.clip(picture, 0, 1), 1.06 + 0.35 * push)
    middle = np.float32(0.45)
    return unit(middle + (picture - middle) * np.float32(1.05 + 0.22 * push))
