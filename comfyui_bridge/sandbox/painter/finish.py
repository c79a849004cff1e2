"""The last coats: weather, bloom, looks, contrast by cfg, guides, grain, and the size asked for."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .brief import Brief
from .canvas import blur, grey, mix, saturate
from .guide import fitted, fitted_mask, follow, inside, painted_over
from .noise import Array, resize, smoothstep, stream, unit
from .palette import HUES
from .scenes.air import bloom, paint_weather
from .stage import Stage
from .styles import LOOKS, Look, Sitting, apply, look_named, pixel, tint_of


def finish(brief: Brief, stage: Stage) -> Array:
    paint_weather(stage)
    for hint, strength in brief.hints:
        follow(stage, hint, strength)
    np.clip(stage.rgb, 0, 1, out=stage.rgb)
    bloom(stage.rgb, stage.u * 0.012, 0.74, 0.45)
    sitting = Sitting(brief.seed, stage.u)
    looks = looks_of(brief, stage)
    for look, strength in looks:
        if look is not pixel:
            stage.rgb = apply(stage.rgb, look, strength, sitting)
    picture = enlarged(graded(stage, brief), brief)
    for look, strength in looks:
        if look is pixel:
            picture = apply(picture, look, strength, Sitting(brief.seed, stage.u * brief.width / stage.width))
    if not any(look is pixel for look, _ in looks):
        picture = grained(picture, brief, stage)
    return guided(picture, brief, stage)


def looks_of(brief: Brief, stage: Stage) -> list[tuple[Look, float]]:
    """The medium that was read and the styles that were added, each with its strength."""
    looks: list[tuple[Look, float]] = []
    medium = stage.reading.medium
    if medium in LOOKS and medium not in stage.avoid:
        looks.append((LOOKS[medium], 1.0))
    elif medium == "photo" or "blur" in stage.avoid:
        looks.append((LOOKS["crisp"], 0.45))
    elif "dreamy" in stage.reading.moods:
        looks.append((LOOKS["soft"], 0.8))
    if any(word in brief.model.lower() for word in ("anime", "toon", "pony", "illustrious")):
        looks.append((LOOKS["anime"], 0.6))
    looks += [(look_named(name), strength) for name, strength in brief.styles if strength]
    return looks


def graded(stage: Stage, brief: Brief) -> Array:
    """Contrast and colour by cfg and mood, the model's cast, and no colour that is kept out."""
    push = float(np.clip((brief.cfg - 7) / 13, -0.5, 1.0))
    picture = saturate(unit(stage.rgb), 1.05 + 0.4 * push)
    for hue in stage.avoid & HUES.keys():
        picture = drained(picture, hue)
    lift = 0.0
    if "dark" in stage.reading.moods:
        picture = shadowed(picture)
    if "dark" in stage.avoid:
        lift += 0.16
    if "bright" in stage.avoid:
        lift -= 0.14
    middle = np.float32(0.46)
    picture = unit(middle + (picture - middle) * np.float32(1.04 + 0.26 * push))
    if lift:
        picture = picture ** np.float32(1 - lift * 1.6)
    return unit(picture * tint_of(brief.model))


def shadowed(picture: Array) -> Array:
    """A dark mood: less light, colder, and least at the edges."""
    height, width = picture.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    fall = 0.92 - 0.5 * smoothstep(0.2, 1.7, x * x + y * y)
    dim = saturate(picture, 0.72) ** np.float32(1.45)
    return unit(dim * fall[..., None] * np.array([0.9, 0.97, 1.08], np.float32))


def drained(picture: Array, hue: str) -> Array:
    """The picture without a colour: what comes near it turns grey."""
    colour = HUES[hue]
    wanted = colour - grey(colour)
    size = float(np.linalg.norm(wanted))
    if size < 0.08:
        return picture
    level = grey(picture)[..., None]
    chroma = picture - level
    like = (chroma @ (wanted / size)) / np.maximum(np.linalg.norm(chroma, axis=-1), 1e-3)
    return mix(
        picture, np.broadcast_to(level, picture.shape), (smoothstep(0.55, 0.85, like) * 0.9)[..., None]
    )


def enlarged(picture: Array, brief: Brief) -> Array:
    """The working picture at the size asked for, kept crisp."""
    if picture.shape[:2] == (brief.height, brief.width):
        return picture
    fine = np.round(unit(picture) * 255).astype(np.uint8)
    size = (max(1, brief.width), max(1, brief.height))
    image = Image.fromarray(fine).resize(size, Image.Resampling.LANCZOS)
    large = np.asarray(image).astype(np.float32)
    large *= np.float32(1 / 255)
    if brief.width * brief.height > picture.shape[0] * picture.shape[1] * 1.3:
        large += (large - blur(large, 2.0)) * np.float32(0.5)
    return unit(large)


def grained(picture: Array, brief: Brief, stage: Stage) -> Array:
    """A breath of grain: it hides banding, and no flat area looks dead."""
    amount = 0.004 if "grain" in stage.avoid else 0.011
    grain = stream(brief.seed, "grain").standard_normal(picture.shape[:2], dtype=np.float32)
    return unit(picture + grain[..., None] * np.float32(amount))


def guided(picture: Array, brief: Brief, stage: Stage) -> Array:
    """The painting joined with the init image, by denoise and mask."""
    if brief.init is None:
        return picture
    height, width = picture.shape[:2]
    init = fitted(brief.init, height, width)
    u = stage.u * width / stage.width
    denoise = float(np.clip(brief.denoise, 0, 1))
    if denoise <= 0:
        return init.astype(np.float32)
    subject = None
    if stage.subject_cover is not None:
        subject = unit(resize(stage.subject_cover, height, width))
    if denoise < 1:
        picture = painted_over(picture, unit(init), denoise, subject, Sitting(brief.seed, u))
    if brief.mask is not None:
        mask = fitted_mask(brief.mask, height, width)
        picture = inside(mask, picture, init, subject, u)
    return picture.astype(np.float32)
