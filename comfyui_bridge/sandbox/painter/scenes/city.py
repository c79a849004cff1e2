"""A street between tall houses, seen from its middle: every pixel's ray is followed to the wall it meets.

At night windows, shop fronts and neon signs light it, and the wet road mirrors them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..canvas import Colour, Layer, blur, glow, mix, over, rgb, smear
from ..noise import Array, fbm, smoothstep, unit, warp
from ..stage import Spot, Stage
from . import air
from .signs import Sign, draw_sign, neon_colours

EYE = 1.7
"""Height of the eye over the road, in metres."""


@dataclass(frozen=True)
class Side:
    """The houses along one side of the street, nearest first."""

    starts: Array
    """Where each house begins, in metres from the eye; one more for the end."""
    heights: Array
    walls: Array
    """Wall colour of each house."""
    lit: Array
    """Share of lit windows."""
    bays: Array
    """Width of a window bay in metres."""
    salt: int


@dataclass(frozen=True)
class Street:
    """The street's geometry on the picture."""

    horizon: float
    centre: float
    focal: float
    half_width: float
    night: bool


def paint(stage: Stage) -> None:
    rng, w, h, u = stage.rng("city"), stage.width, stage.height, stage.u
    night = stage.light.time == "night"
    street = Street(
        horizon=h * float(rng.uniform(0.56, 0.62)),
        centre=w * float(rng.uniform(0.44, 0.56)),
        focal=u * 0.82,
        half_width=float(rng.uniform(5.2, 6.8)) * float(np.clip(stage.aspect, 0.8, 1.5)),
        night=night,
    )
    stage.sun_x = street.centre / w
    air.paint_sky(stage, street.horizon)
    paint_far_towers(stage, street)
    sides = tuple(houses(stage, street, side) for side in (-1, 1))
    scene, depth = paint_walls(stage, street, sides)
    signs = hang_signs(stage, street) if night or stage.wants("neon") else []
    front = scene.copy()
    for sign in signs:
        draw_sign(front, sign, mirrored=False)
        draw_sign(front, sign, mirrored=True)
    spill(front, signs, u)
    pave(stage, street, front, depth)
    paint_traffic(stage, street)
    if "people" not in stage.avoid:
        paint_walkers(stage, street)
    stage.spot = Spot(w * float(rng.uniform(0.42, 0.58)), h * 0.965, min(u * 0.56, h * 0.62), True, True)


def houses(stage: Stage, street: Street, side: int) -> Side:
    rng = stage.rng("houses", side)
    lengths = rng.uniform(7, 17, 14)
    starts = np.concatenate([[0.0], np.cumsum(lengths)]).astype(np.float32) + np.float32(rng.uniform(-4, 1))
    heights = rng.uniform(13, 30, 14) * (1 + 0.045 * np.arange(14)) + (rng.random(14) < 0.3) * rng.uniform(
        8, 24, 14
    )
    if street.night:
        choices = ("#1c2136", "#23233a", "#2a2233", "#182a38", "#2d2530", "#1f1e33")
        lit = rng.uniform(0.15, 0.6, 14)
    else:
        choices = ("#a98f78", "#8d949c", "#b9a48a", "#9a6f5c", "#c2b8a6", "#7d8894")
        lit = np.zeros(14)
    walls = np.stack(
        [rgb(choices[int(i)]) * float(rng.uniform(0.85, 1.15)) for i in rng.integers(0, len(choices), 14)]
    )
    if not street.night:
        walls = walls * mix(stage.light.shade, stage.light.key, 0.75 if side < 0 else 0.35)
    return Side(
        starts,
        heights.astype(np.float32),
        walls.astype(np.float32),
        lit.astype(np.float32),
        rng.uniform(1.7, 3.0, 14).astype(np.float32),
        int(rng.integers(1 << 20)),
    )


def scatter(i: Array, j: Array, salt: int) -> Array:
    """A number 0..1 for each pair of whole numbers."""
    mixed = (i.astype(np.int64) * 73856093) ^ (j.astype(np.int64) * 19349663) ^ (salt * 83492791)
    mixed = (mixed ^ (mixed >> 13)) * 1274126177
    result: Array = ((mixed ^ (mixed >> 16)) & 0xFFFF).astype(np.float32)
    result *= np.float32(1 / 65535)
    return result


def paint_walls(stage: Stage, street: Street, sides: tuple[Side, ...]) -> tuple[Array, Array]:
    """(both rows of houses with their mirror image below the road, depth of each wall pixel)."""
    dx = (stage.columns() - np.float32(street.centre)) / np.float32(street.focal)
    dy = (np.float32(street.horizon) - stage.rows()) / np.float32(street.focal)
    picture = stage.rgb.copy()
    # Below the road's plane the mirrored sky is seen.
    flipped = np.clip(2 * street.horizon - stage.rows()[:, 0], 0, stage.height - 1).astype(int)
    below = stage.rows()[:, 0] > street.horizon
    picture[below] = stage.rgb[flipped[below]]
    depth = np.full((stage.height, stage.width), np.float32(400))
    for side, row in zip((-1, 1), sides, strict=True):
        columns = np.nonzero((dx[0] * side) > street.half_width / 160)[0]
        if not len(columns):
            continue
        span = slice(int(columns[0]), int(columns[-1]) + 1)
        across = np.abs(dx[:, span])
        z = np.float32(street.half_width) / across
        colour, far, cover = one_side(stage, street, row, across, dy, z)
        view = picture[:, span]
        over(view, colour, cover)
        depth[:, span] = np.where(cover > 0.5, far, depth[:, span])
    return picture, depth


def one_side(
    stage: Stage, street: Street, row: Side, across: Array, dy: Array, z: Array
) -> tuple[Array, Array, Array]:
    """(colour, depth, cover) of one side's houses for its pixels."""
    house = np.clip(np.searchsorted(row.starts, z[0], side="right") - 1, 0, len(row.heights) - 1)
    house = np.broadcast_to(house[None, :], (dy.shape[0], across.shape[1]))
    height = np.abs(EYE + dy * z - 0) - np.where(EYE + dy * z < 0, 0, 0)
    z = np.broadcast_to(z, height.shape)
    roof = row.heights[house]
    cover = np.clip((roof - height) * street.focal / z * 0.5 + 0.5, 0, 1)
    along, far, face = z.copy(), z.copy(), np.zeros(height.shape, bool)
    hit = cover > 0.5
    who = house.copy()
    for k in range(1, len(row.heights)):
        at = row.starts[k]
        up = np.abs(EYE + dy * at)
        open_ = ~hit & (across * at > street.half_width) & (up < row.heights[k]) & (z < at)
        if not open_.any():
            continue
        up = np.broadcast_to(up, hit.shape)
        height = np.where(open_, up, height)
        along = np.where(open_, across * at, along)
        far = np.where(open_, at, far)
        who = np.where(open_, k, who)
        face |= open_
        hit |= open_
        cover = np.where(open_, 1, cover)
    colour = facade(stage, street, row, who, along, height, far, face)
    return colour, far, cover.astype(np.float32)


def facade(
    stage: Stage,
    street: Street,
    row: Side,
    house: Array,
    along: Array,
    height: Array,
    far: Array,
    face: Array,
) -> Array:
    """The look of a wall at a place along it and a height above the road."""
    bay, storey = row.bays[house], np.float32(3.3)
    i, j = np.floor(along / bay), np.floor(height / storey)
    fu, fv = along / bay - i, height / storey - j
    pixels = np.where(face, street.focal / far * bay, street.focal * street.half_width / (far * far) * bay)
    sharp = smoothstep(1.2, 3.5, np.minimum(pixels, street.focal / far * storey))
    soft = 0.5 / np.maximum(pixels, 1.0)
    pane = smoothstep(0.16 - soft, 0.16 + soft, fu) * smoothstep(0.16 - soft, 0.16 + soft, 1 - fu)
    pane *= smoothstep(0.18, 0.24, fv) * smoothstep(0.1, 0.16, 1 - fv)
    cross = 1 - 0.45 * np.exp(-(((fu - 0.5) / 0.035) ** 2)) * sharp
    lot = scatter(i + 57 * house, j, row.salt)
    on = (lot < row.lit[house]).astype(np.float32)
    share = row.lit[house]
    glass = mix(on * pane, share * 0.42, 1 - sharp) * cross
    base = row.walls[house]
    bricks = 0.9 + 0.2 * scatter(np.floor(along * 2.5), np.floor(height * 5), row.salt + 1) * sharp
    wall = base * bricks[..., None]
    ledge = smoothstep(0.92, 0.97, fv) * sharp
    wall = wall * (1 + 0.22 * ledge - 0.25 * smoothstep(0.0, 0.06, 0.06 - fv) * sharp)[..., None]
    wall = wall * np.where(face, 1.25, 1.0)[..., None]
    hue = scatter(i, j + 31, row.salt + 2)
    if street.night:
        warm, cool = rgb("#ffc879"), rgb("#a9d3f2")
        lamp = (
            mix(warm, cool, smoothstep(0.72, 0.8, hue)[..., None])
            * (0.55 + 0.5 * scatter(i + 9, j, row.salt + 3))[..., None]
        )
        wall = mix(wall, wall * 0.35 + rgb("#0a0e1c") * 0.5, (pane * (1 - on) * sharp * 0.6)[..., None])
        colour = mix(wall, lamp, unit(glass)[..., None])
        fade, air_colour = 1 - np.exp(-far / 95), mix(stage.light.horizon, rgb("#6a4a86"), 0.35)
    else:
        mirrored = mix(
            stage.light.middle * 0.55, stage.light.horizon * 0.8, (hue * 0.7 + 0.3 * fv)[..., None]
        )
        colour = mix(
            wall, mirrored, (mix(pane, np.full_like(pane, 0.4), 1 - sharp) * cross * 0.85)[..., None]
        )
        fade, air_colour = 1 - np.exp(-far / 150), stage.light.haze
    shop = (1 - smoothstep(3.2, 3.5, height)) * smoothstep(0.25, 0.5, height)
    panes = smoothstep(0.04, 0.08, np.abs(along / (bay * 1.6) - np.round(along / (bay * 1.6)))) * 0.85 + 0.15
    tone = scatter(np.asarray(house), np.asarray(house) * 7, row.salt + 5)
    front = mix(rgb("#ffd9a0"), rgb("#ff9ecb"), smoothstep(0.5, 0.6, tone)[..., None])
    front = mix(front, rgb("#9fe6ff"), smoothstep(0.75, 0.8, tone)[..., None])
    strength = (0.85 if street.night else 0.25) * (
        0.6 + 0.4 * scatter(np.floor(along / 0.7), np.floor(height / 1.1), row.salt + 6)
    )
    colour = mix(colour, front * np.float32(0.95), (shop * panes * strength)[..., None])
    return mix(colour, air_colour, (fade * 0.85)[..., None]).astype(np.float32)


def paint_far_towers(stage: Stage, street: Street) -> None:
    """The towers at the street's end, step by step out of the haze."""
    rng, h, u = stage.rng("towers"), stage.height, stage.u
    glow_colour = mix(stage.light.horizon, rgb("#c05a9a"), 0.45) if street.night else stage.light.horizon
    distance = np.hypot(
        (stage.columns() - street.centre) / (u * 0.5), (stage.rows() - street.horizon) / (u * 0.35)
    )
    glow(
        stage.rgb,
        glow_colour * (np.exp(-distance * 1.4) * np.float32(0.55 if street.night else 0.3))[..., None],
    )
    for step in range(3):
        layer = Layer(h, stage.width)
        base = stage.light.horizon * 0.5 if street.night else mix(stage.light.shade, stage.light.haze, 0.4)
        colour = mix(base, stage.light.haze if not street.night else glow_colour * 0.55, 0.75 - step * 0.27)
        for _ in range(9):
            wide = u * float(rng.uniform(0.03, 0.075))
            x = street.centre + float(rng.normal(0, u * 0.2))
            tall = u * float(rng.uniform(0.12, 0.42)) * (1.15 - step * 0.25)
            top = street.horizon - tall
            layer.polygon(
                [
                    (x - wide / 2, street.horizon),
                    (x - wide / 2, top),
                    (x + wide / 2, top),
                    (x + wide / 2, street.horizon),
                ],
                colour,
            )
            if rng.random() < 0.5:
                layer.line([(x, top), (x, top - tall * 0.22)], max(u * 0.003, 0.6), colour)
            if street.night:
                lamp = mix(colour, rgb("#ffdf9c"), 0.55)
                cell = wide / 6
                for gx in range(5):
                    for gy in range(int(tall / (cell * 1.4))):
                        if rng.random() < 0.34:
                            px, py = x - wide / 2 + cell * (gx + 0.7), top + cell * 1.4 * (gy + 0.5)
                            layer.polygon(
                                [
                                    (px, py),
                                    (px + cell * 0.55, py),
                                    (px + cell * 0.55, py + cell * 0.7),
                                    (px, py + cell * 0.7),
                                ],
                                lamp,
                            )
        layer.onto(stage.rgb)


def hang_signs(stage: Stage, street: Street) -> list[Sign]:
    """Neon signs that stand out from the walls towards the street, far ones first."""
    rng = stage.rng("signs")
    colours = neon_colours(stage.reading.hues)
    signs = []
    for side in (-1, 1):
        for z in sorted(rng.uniform(6.5, 42, 15), reverse=True):
            wide, tall = float(rng.uniform(0.9, 1.5)), float(rng.uniform(2.6, 5.5))
            low = float(rng.uniform(3.6, 8.5))
            if rng.random() < 0.3:
                wide, tall = float(rng.uniform(1.8, 3.0)), float(rng.uniform(0.9, 1.5))
            outer = street.half_width - 0.1
            scale = street.focal / z
            x = street.centre + side * (outer - wide / 2) * scale
            signs.append(
                Sign(
                    x=x,
                    top=street.horizon - (low + tall - EYE) * scale,
                    bottom=street.horizon - (low - EYE) * scale,
                    mirror_top=street.horizon + (low + EYE) * scale,
                    mirror_bottom=street.horizon + (low + tall + EYE) * scale,
                    width=wide * scale,
                    colour=colours[int(rng.integers(len(colours)))],
                    second=colours[int(rng.integers(len(colours)))],
                    seed=int(rng.integers(1 << 30)),
                    wordless="text" in stage.avoid,
                    depth=float(z),
                )
            )
    return sorted(signs, key=lambda sign: -sign.depth)


def spill(picture: Array, signs: list[Sign], u: float) -> None:
    """The light that signs throw into the air and onto the walls."""
    height, width = picture.shape[:2]
    small = np.zeros((max(2, height // 8), max(2, width // 8), 3), np.float32)
    for sign in signs:
        for top, bottom, strength in (
            (sign.top, sign.bottom, 1.0),
            (sign.mirror_top, sign.mirror_bottom, 0.8),
        ):
            y0, y1 = int(np.clip(top / 8, 0, small.shape[0])), int(np.clip(bottom / 8 + 1, 0, small.shape[0]))
            x0, x1 = (
                int(np.clip((sign.x + s * sign.width / 2) / 8 + (s > 0), 0, small.shape[1])) for s in (-1, 1)
            )
            small[y0:y1, x0:x1] += sign.colour * np.float32(strength)
    light = blur(unit(small), 4.0) * 0.5 + blur(unit(small), 10.0) * 0.7
    full = smear(np.clip(light, 0, 1), 1, 1)
    big = np.stack(
        [
            warp(
                full[..., c],
                np.broadcast_to(np.arange(width, dtype=np.float32)[None, :] / 8, (height, width)),
                np.broadcast_to(np.arange(height, dtype=np.float32)[:, None] / 8, (height, width)),
            )
            for c in range(3)
        ],
        -1,
    )
    glow(picture, big * np.float32(0.75))


def pave(stage: Stage, street: Street, front: Array, depth: Array) -> None:
    """The road: dark, wet and mirroring at night or in rain, else plain; the houses stay as they are."""
    rng, h, w, u = stage.rng("pave"), stage.height, stage.width, stage.u
    dy = np.maximum(stage.rows() - street.horizon, 0.5) / np.float32(street.focal)
    z = EYE / dy
    x = (stage.columns() - np.float32(street.centre)) / np.float32(street.focal) * z
    ground = (np.abs(x) < street.half_width) & (stage.rows() > street.horizon)
    edge = np.clip((street.half_width - np.abs(x)) * street.focal / z + 0.5, 0, 1) * (
        stage.rows() > street.horizon
    )
    wet = street.night or stage.reading.weather in ("rain", "storm")
    grit = fbm(rng, h, w, u * 0.03, 3, stretch=2.5)
    puddle = smoothstep(0.42, 0.62, fbm(rng, h, w, u * 0.22, 4, stretch=3.0))
    asphalt = (
        mix(rgb("#15161d"), rgb("#2a2a33"), grit[..., None])
        if street.night
        else mix(rgb("#5a5a5e"), rgb("#7c7a78"), grit[..., None])
        * mix(stage.light.shade, stage.light.key, 0.6)
    )
    walk = smoothstep(0.66, 0.68, np.abs(x) / street.half_width)
    slabs = 1 - 0.2 * (np.abs(z % 1.6 - 0.8) > 0.74) * smoothstep(60, 8, z)
    asphalt = mix(asphalt, asphalt * 1.35 + np.float32(0.02), (walk * slabs)[..., None])
    dash = (np.abs(x) < 0.09) & (z % 5 < 2.4) & (z < 60)
    kerb = np.exp(-(((np.abs(x) / street.half_width - 0.67) / 0.012) ** 2))
    paintwork = np.clip(dash + kerb * 0.35, 0, 1) * 0.55
    zebra = (z > 3.4) & (z < 5.6) & (np.abs(x) < street.half_width * 0.66) & ((x + 50) % 1.1 < 0.55)
    paintwork = np.maximum(paintwork, zebra * (0.4 + 0.25 * grit))
    asphalt = mix(
        asphalt,
        np.full(3, 0.55 if street.night else 0.85, np.float32) * stage.light.key,
        paintwork[..., None].astype(np.float32),
    )
    if wet:
        ripple = (fbm(rng, h, w, u * 0.016, 3, stretch=4.0) - 0.5) * np.float32(u * 0.05)
        bent = warp(
            front,
            np.broadcast_to(stage.columns() + ripple * 0.35, (h, w)),
            np.broadcast_to(stage.rows() + ripple * (1 - 0.5 * puddle), (h, w)),
        )
        streaked = smear(bent, u * 0.05, u * 0.004)
        mirror = mix(streaked, bent, (puddle * 0.65)[..., None])
        share = (0.5 + 0.35 * puddle) * (1 - 0.25 * walk)
        road = asphalt * 0.6 + mirror * share[..., None]
    else:
        road = asphalt
    if not street.night:
        road = mix(road, stage.light.haze, (1 - np.exp(-z / 120))[..., None] * 0.8)
    stage.rgb[:] = front
    over(stage.rgb, unit(road), edge.astype(np.float32) * ground.astype(np.float32).clip(0, 1))
    # What the mirrored walls left outside the road (the foot of each wall) stays hidden under pavement.
    outside = (
        (stage.rows() > street.horizon)
        & (depth > 0)
        & (np.abs(x) >= street.half_width)
        & (
            EYE
            - dy
            * np.float32(street.half_width)
            / np.maximum(np.abs(stage.columns() - street.centre) / street.focal, 1e-4)
            < 0
        )
    )
    over(stage.rgb, unit(road), outside.astype(np.float32))


def paint_traffic(stage: Stage, street: Street) -> None:
    """A few cars, seen from behind on the right, from the front on the left."""
    rng, u = stage.rng("traffic"), stage.u
    if "car" in stage.avoid:
        return
    for z in sorted(rng.uniform(11, 45, 4), reverse=True):
        lane = float(rng.choice((-0.34, 0.34)))
        away = lane > 0
        scale = street.focal / z
        x, y = street.centre + lane * street.half_width * scale, street.horizon + EYE * scale
        layer = Layer(stage.height, stage.width)
        wide, tall = 1.8 * scale, 1.45 * scale
        body = rgb(("#1a1d28", "#3a1f26", "#20303c", "#3b3b44")[int(rng.integers(4))])
        if not street.night:
            body = rgb(("#b8322c", "#e8e6e0", "#2f5f9a", "#33363c")[int(rng.integers(4))]) * stage.light.key
        layer.polygon(
            [
                (x - wide * 0.5, y - tall * 0.12),
                (x - wide * 0.5, y - tall * 0.5),
                (x - wide * 0.38, y - tall * 0.62),
                (x - wide * 0.3, y - tall * 0.98),
                (x + wide * 0.3, y - tall * 0.98),
                (x + wide * 0.38, y - tall * 0.62),
                (x + wide * 0.5, y - tall * 0.5),
                (x + wide * 0.5, y - tall * 0.12),
            ],
            body,
        )
        layer.polygon(
            [
                (x - wide * 0.33, y - tall * 0.62),
                (x - wide * 0.26, y - tall * 0.9),
                (x + wide * 0.26, y - tall * 0.9),
                (x + wide * 0.33, y - tall * 0.62),
            ],
            mix(body, stage.light.middle, 0.45),
        )
        for s in (-1, 1):
            layer.polygon(
                [
                    (x + s * wide * 0.28, y),
                    (x + s * wide * 0.28, y - tall * 0.2),
                    (x + s * wide * 0.46, y - tall * 0.2),
                    (x + s * wide * 0.46, y),
                ],
                rgb("#08090c"),
            )
        layer.onto(stage.rgb)
        if street.night or stage.reading.weather in ("rain", "storm", "fog"):
            lamp: Colour = rgb("#ff3a30") if away else rgb("#fff3d0")
            light = np.zeros((stage.height, stage.width), np.float32)
            for s in (-1, 1):
                lx, ly = x + s * wide * 0.38, y - tall * 0.42
                d = np.hypot(stage.columns() - np.float32(lx), stage.rows() - np.float32(ly)) / np.float32(u)
                light += np.exp(-((d / (0.13 * scale / u + 0.004)) ** 2)) + 0.35 * np.exp(
                    -d * (16 if away else 10)
                )
                streak = np.exp(
                    -(((stage.columns() - np.float32(lx)) / np.float32(wide * 0.12)) ** 2)
                ) * np.clip((stage.rows() - np.float32(y)) / np.float32(tall), 0, 1)
                light += (
                    streak
                    * np.exp(-np.clip(stage.rows() - np.float32(y), 0, None) / np.float32(tall * 2.0))
                    * 0.55
                )
            glow(stage.rgb, lamp * np.clip(light, 0, 1)[..., None])


def paint_walkers(stage: Stage, street: Street) -> None:
    """People on the pavements, dark against the light, some under umbrellas."""
    rng = stage.rng("walkers")
    rainy = stage.reading.weather in ("rain", "storm")
    layer = Layer(stage.height, stage.width)
    for z in sorted(rng.uniform(7, 26, int(rng.integers(4, 8))), reverse=True):
        side = float(rng.choice((-1, 1)))
        scale = street.focal / z
        x = street.centre + side * street.half_width * float(rng.uniform(0.72, 0.92)) * scale
        y, tall = street.horizon + EYE * scale, float(rng.uniform(1.55, 1.8)) * scale
        dark = (
            rgb("#0b0c14")
            if street.night
            else stage.light.shade * rgb(("#3a3f52", "#6b3f3a", "#3f5a4a")[int(rng.integers(3))]) * 1.2
        )
        dark = mix(dark, stage.light.horizon, min(z / 60, 0.5))
        stride = tall * float(rng.uniform(0.05, 0.12))
        for s in (-1, 1):
            layer.taper(
                [(x, y - tall * 0.48), (x + s * stride * 0.5, y - tall * 0.22), (x + s * stride, y)],
                tall * 0.11,
                tall * 0.055,
                dark,
            )
        layer.polygon(
            [
                (x - tall * 0.09, y - tall * 0.46),
                (x - tall * 0.125, y - tall * 0.78),
                (x - tall * 0.05, y - tall * 0.85),
                (x + tall * 0.05, y - tall * 0.85),
                (x + tall * 0.125, y - tall * 0.78),
                (x + tall * 0.1, y - tall * 0.44),
            ],
            dark,
        )
        layer.ellipse(x, y - tall * 0.925, tall * 0.062, tall * 0.075, dark)
        if rainy or rng.random() < 0.3:
            tint = rgb(("#a83250", "#2f6f8f", "#c98a2f", "#5a4a8a")[int(rng.integers(4))]) * (
                0.55 if street.night else 0.95
            )
            rim = [
                (x + tall * 0.34 * np.cos(a), y - tall * 0.97 - tall * 0.27 * np.sin(a))
                for a in np.linspace(0, np.pi, 12)
            ]
            layer.polygon(rim, tint)
            layer.line([(x, y - tall * 0.97), (x, y - tall * 0.6)], max(tall * 0.012, 0.5), dark)
    layer.onto(stage.rgb)
