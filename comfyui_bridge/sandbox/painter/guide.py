"""What guides a painting from outside: an init to paint over, a mask to stay inside, hints to follow."""

from __future__ import annotations

import numpy as np

from .canvas import blur, grey, mix, over
from .noise import Array, digest, fbm, resize, smoothstep, stream, unit
from .stage import Stage
from .styles import Sitting, contours, strokes


def fitted(picture: Array, height: int, width: int) -> Array:
    """A guiding picture as height x width x 3 within 0..1; same-sized ones keep their exact values."""
    colour = np.asarray(picture, np.float32)
    if colour.ndim == 2:
        colour = np.repeat(colour[..., None], 3, 2)
    if colour.shape[2] == 1:
        colour = np.repeat(colour, 3, 2)
    colour = colour[..., :3]
    if colour.shape[:2] == (height, width):
        return colour
    return unit(resize(shrunk(colour, height, width), height, width))


def fitted_mask(mask: Array, height: int, width: int) -> Array:
    values = np.asarray(mask, np.float32)
    if values.ndim == 3:
        values = values.max(-1) if values.shape[-1] <= 4 else values.max(0)
    if values.shape == (height, width):
        return unit(values)
    return unit(resize(values, height, width, smooth=False))


def shrunk(picture: Array, height: int, width: int) -> Array:
    """Halved until it is less than twice the wanted size, so that enlarging filters see no aliases."""
    while picture.shape[0] >= 2 * height and picture.shape[1] >= 2 * width:
        h, w = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
        even = picture[:h, :w]
        picture = (even[0::2, 0::2] + even[1::2, 0::2] + even[0::2, 1::2] + even[1::2, 1::2]) * np.float32(
            0.25
        )
    return picture


def focus_of(mask: Array, height: int, width: int) -> tuple[float, float, float, float] | None:
    """Where a mask asks for paint: (left, top, right, bottom) in pixels of a picture of that size."""
    area = fitted_mask(mask, height, width) > 0.5
    if not area.any():
        return None
    rows, columns = np.nonzero(area.any(1))[0], np.nonzero(area.any(0))[0]
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def painted_over(
    painting: Array, init: Array, denoise: float, subject: Array | None, sitting: Sitting
) -> Array:
    """The init painted over: its colours give way to the painting's first, then details, then forms."""
    share = float(smoothstep(0.2, 1.0, np.array(denoise, np.float32)))
    base = recoloured(init, painting, 0.6 * denoise)
    base = mix(
        base,
        strokes(base, sitting, max(sitting.u * (0.004 + 0.01 * denoise), 2.0), "over"),
        min(1.0, denoise * 1.3),
    )
    reach = sitting.u * 0.03
    apart = np.abs(blur(painting, reach) - blur(base, reach)).mean(-1)
    field = fbm(stream(sitting.seed, "over-field"), len(painting), painting.shape[1], sitting.u * 0.2, 4)
    # The painting comes in first where it agrees with what is there.
    resistance = 0.55 * unit(apart * 2.2) + 0.45 * field
    enter = smoothstep(-0.18, 0.18, np.float32(share * 1.36 - 0.18) - resistance)
    if subject is not None:
        enter = np.maximum(enter, subject * float(smoothstep(0.3, 0.7, np.array(denoise, np.float32))))
    return unit(mix(base, painting, enter[..., None]))


def recoloured(picture: Array, like: Array, share: float) -> Array:
    """A picture with its mean colour and contrast moved towards another's."""
    own, other = picture.reshape(-1, 3), like.reshape(-1, 3)
    mean, goal = own.mean(0), other.mean(0)
    ratio = np.clip(other.std(0) / np.maximum(own.std(0), 0.02), 0.6, 1.6)
    moved = (picture - mean) * ratio + goal
    return unit(mix(picture, moved, share))


def inside(mask: Array, painting: Array, init: Array, subject: Array | None, u: float) -> Array:
    """The painting inside the mask, tuned to what surrounds it; outside the init, untouched.

    A subject keeps its own colours; what is painted around it takes those of the init nearby.
    """
    around = extended(init, 1 - mask, u)
    reach = u * 0.06
    base = blur(painting, reach)
    detail = painting - base
    if subject is None:
        carry, share = smoothstep(0.0, 0.6, blur(1 - mask, u * 0.09)) * 0.75 + 0.12, 1.0
    else:
        carry, share = np.full(mask.shape, 0.96, np.float32), 0.22
    tuned = mix(base, around, carry[..., None]) + detail * np.float32(share)
    if subject is not None:
        tuned = mix(tuned, painting, subject[..., None])
    soft = np.minimum(mask, smoothstep(0.2, 0.8, blur(mask, max(u * 0.016, 1.0))))
    return np.where(mask[..., None] > 0, unit(mix(init, tuned, soft[..., None])), init)


def extended(picture: Array, known: Array, u: float) -> Array:
    """A picture's colours carried from where they are known into where they are not."""
    result = np.broadcast_to(
        (picture * known[..., None]).sum((0, 1)) / max(float(known.sum()), 1.0), picture.shape
    )
    for reach in (0.3, 0.14, 0.06, 0.025):
        near = blur(known, u * reach)
        local = blur(picture * known[..., None], u * reach) / np.maximum(near, 0.02)[..., None]
        result = mix(result, local, smoothstep(0.02, 0.3, near)[..., None])
    return unit(result)


def follow(stage: Stage, hint: Array, strength: float) -> None:
    """Let a hint's edges and shapes govern the stage's picture, in place."""
    share = float(np.clip(strength, 0, 1.5))
    if share <= 0:
        return
    picture, u = unit(stage.rgb), stage.u
    level = unit(grey(fitted(hint, stage.height, stage.width)))
    drawn = is_drawing(level)
    if drawn:
        ground = 1.0 if float(np.median(level)) > 0.5 else 0.0
        edges = smoothstep(0.15, 0.6, np.abs(level - np.float32(ground)))
        shapes = filled(picture, edges, stage)
    else:
        smooth = blur(level, u * 0.006)
        edges = contours(np.repeat(smooth[..., None], 3, 2), max(u * 0.006, 1.0), 0.03, 0.12)
        shapes = toned(picture, level)
    calm = blur(picture, u * 0.02)
    detail = picture - blur(picture, u * 0.008)
    own = max(0.12, 0.6 - 0.45 * share) if not drawn else max(0.2, 0.7 - 0.45 * share)
    governed = mix(calm, shapes, min(1.0, 0.92 * share)) + detail * np.float32(own)
    stage.rgb[:] = unit(mix(picture, governed, min(1.0, share)))
    draw_edges(stage, edges, min(1.0, share))


def is_drawing(level: Array) -> bool:
    """Whether a hint is lines on an empty ground (scribble, canny, line art) and no toned picture."""
    plain = float(((level < 0.12) | (level > 0.88)).mean())
    ground = max(float((level < 0.12).mean()), float((level > 0.88).mean()))
    return plain > 0.85 and ground > 0.6


def toned(picture: Array, level: Array) -> Array:
    """The painting's own colours, dealt out anew by the hint's light and dark."""
    order = np.sort(grey(picture).ravel()[:: max(1, picture.shape[0] * picture.shape[1] // 20000)])
    flat = picture.reshape(-1, 3)[:: max(1, picture.shape[0] * picture.shape[1] // 20000)]
    ranked = flat[np.argsort(grey(flat))]
    ramp = np.stack([part.mean(0) for part in np.array_split(ranked, 24)]).astype(np.float32)
    low, high = np.percentile(level, (1, 99))
    place = unit((level - low) / max(float(high - low), 0.02)) * 23
    base = place.astype(np.int32)
    part = (place - base)[..., None]
    ranked_colour = mix(ramp[base], ramp[np.minimum(base + 1, 23)], part)
    # Flat paintings have a short ramp; the hint's own contrast is kept in part.
    spread = float(order[-1] - order[0])
    lift = (level - level.mean())[..., None] * np.float32(max(0.0, 0.7 - spread))
    return unit(mix(ranked_colour, blur(picture, max(picture.shape) * 0.03), 0.22) + lift)


def filled(picture: Array, edges: Array, stage: Stage) -> Array:
    """Each area between the lines in a colour of its own out of the painting, rounded towards its edges."""
    height, width = edges.shape
    factor = max(1.0, max(height, width) / 144)
    small_h, small_w = max(8, round(height / factor)), max(8, round(width / factor))
    thin = resize(blur(edges, factor * 0.6), small_h, small_w, smooth=False)
    labels = areas(thin < 0.22)
    colours = resize(picture, small_h, small_w, smooth=False)
    result = colours.copy()
    vivid = strongest(colours)
    for label in np.unique(labels):
        if label < 0:
            continue
        area = labels == label
        if area.mean() >= 0.4:
            # The ground around the drawing stays the painting's own.
            continue
        rng = stream(stage.seed, "area", digest(int(label)))
        mean = colours[area].mean(0)
        pick = mix(mean, vivid[int(rng.integers(len(vivid)))], float(rng.uniform(0.35, 0.75)))
        result[area] = mix(colours[area], pick * np.float32(rng.uniform(0.85, 1.2)), 0.86)
    full = unit(resize(result.astype(np.float32), height, width, smooth=False))
    round_off = unit(blur(edges, stage.u * 0.02) * 1.6)
    return unit(full * (1 - 0.32 * round_off)[..., None])


def strongest(colours: Array) -> Array:
    """The most colourful colours of a picture, a dozen from dark to light."""
    flat = colours.reshape(-1, 3)
    strength = flat.max(1) - flat.min(1)
    keen = flat[strength >= np.percentile(strength, 70)]
    keen = keen[np.argsort(grey(keen))]
    return np.stack([part.mean(0) for part in np.array_split(keen, 12) if len(part)])


def areas(free: Array) -> Array:
    """A number for each area of connected free pixels; -1 on the lines between them."""
    height, width = free.shape
    labels = np.where(free, np.arange(height * width).reshape(height, width), -1)
    for _ in range(4 * (height + width)):
        grown = labels.copy()
        np.maximum(grown[1:], labels[:-1], out=grown[1:])
        np.maximum(grown[:-1], labels[1:], out=grown[:-1])
        np.maximum(grown[:, 1:], grown[:, :-1], out=grown[:, 1:])
        np.maximum(grown[:, :-1], grown[:, 1:], out=grown[:, :-1])
        grown = np.where(free, grown, -1)
        if np.array_equal(grown, labels):
            break
        labels = grown
    return labels


def draw_edges(stage: Stage, edges: Array, strength: float) -> None:
    """The hint's lines as brush lines: dark on light, light on dark."""
    picture = stage.rgb
    level = blur(grey(picture).astype(np.float32), stage.u * 0.02)[..., None]
    dark = picture * np.float32(0.22)
    light = mix(picture, stage.light.sun, 0.85)
    ink = mix(light, dark, smoothstep(0.26, 0.36, level))
    over(picture, ink, unit(edges) * np.float32(0.85 * strength))
