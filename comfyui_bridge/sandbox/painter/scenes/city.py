"""A street between tall houses, seen from its middle: every pixel's ray is followed to the wall it meets.

At night windows, shop fronts and neon signs light it, and the wet road mirrors them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..canvas import Colour, Layer, blur, glow, mix, over, rgb, smear
from ..noise import Array, fbm, fetch, resize, smoothstep, unit
from ..stage import Spot, Stage
from . import air
from .signs import Sign, draw_sign, neon_colours
from .water import paint_water

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
    if stage.wants("skyline", "fireworks"):
        paint_skyline(stage)
        return
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
    paint_walls(stage, street, sides)
    if night or stage.wants("neon"):
        signs = hang_signs(stage, street)
        for sign in signs:
            draw_sign(stage.rgb, sign)
        spill(stage.rgb, signs, u)
    pave(stage, street)
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


def paint_walls(stage: Stage, street: Street, sides: tuple[Side, ...]) -> None:
    """Both rows of houses, down to their feet."""
    dx = (stage.columns() - np.float32(street.centre)) / np.float32(street.focal)
    reach = float(np.abs(dx).max()) * EYE / street.half_width * street.focal
    bottom = int(np.clip(street.horizon + reach + 2, 1, stage.height))
    dy = (np.float32(street.horizon) - stage.rows()[:bottom]) / np.float32(street.focal)
    for side, row in zip((-1, 1), sides, strict=True):
        columns = np.nonzero((dx[0] * side) > street.half_width / 160)[0]
        if not len(columns):
            continue
        span = slice(int(columns[0]), int(columns[-1]) + 1)
        colour, cover = one_side(stage, street, row, np.abs(dx[:, span]), dy)
        over(stage.rgb[:bottom, span], colour, cover)


def one_side(stage: Stage, street: Street, row: Side, across: Array, dy: Array) -> tuple[Array, Array]:
    """(colour, cover) of one side's houses for its pixels: house fronts, and walls that stand out behind."""
    shape = (dy.shape[0], across.shape[1])
    depth = np.float32(street.half_width) / across
    house = np.clip(np.searchsorted(row.starts, depth[0], side="right") - 1, 0, len(row.heights) - 1)
    who = np.broadcast_to(house[None, :], shape).copy()
    far = np.broadcast_to(depth, shape).copy()
    along = far.copy()
    height = EYE + dy * depth
    cover = np.clip((row.heights[who] - height) * street.focal / far * 0.5 + 0.5, 0, 1)
    face = np.zeros(shape, bool)
    hit = cover > 0.5
    for k in range(1, len(row.heights)):
        at = row.starts[k]
        columns = np.nonzero((across[0] * at > street.half_width) & (depth[0] < at))[0]
        if not len(columns):
            continue
        span = slice(int(columns[0]), int(columns[-1]) + 1)
        up = np.broadcast_to(EYE + dy * at, hit[:, span].shape)
        free = ~hit[:, span] & (up < row.heights[k]) & (up > 0)
        height[:, span] = np.where(free, up, height[:, span])
        along[:, span] = np.where(free, across[:, span] * at, along[:, span])
        far[:, span] = np.where(free, at, far[:, span])
        who[:, span] = np.where(free, k, who[:, span])
        face[:, span] |= free
        hit[:, span] |= free
        cover[:, span] = np.where(free, 1, cover[:, span])
    cover *= np.clip(height * street.focal / far + 0.5, 0, 1)
    return facade(stage, street, row, who, along, np.maximum(height, 0), far, face), cover.astype(np.float32)


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
    colour = shop_fronts(street, row, colour, house, along, height, bay)
    return mix(colour, air_colour, (fade * 0.85)[..., None]).astype(np.float32)


SHOPS = ("#ffcf8a", "#ff8fb8", "#8fdcff", "#ffd9a0", "#b89cff", "#ffe9b8", "#ff9a6a", "#8ff0c0")


def shop_fronts(
    street: Street, row: Side, colour: Array, house: Array, along: Array, height: Array, bay: Array
) -> Array:
    """The ground floor: show-windows each in a light of its own, wares in them, a lit band above."""
    low = height < 3.9
    if not low.any():
        return colour
    who, at, up, wide = house[low], along[low], height[low], bay[low] * 1.9
    shop = np.floor(at / wide)
    u = at / wide - shop
    lights = np.stack([rgb(code) for code in SHOPS])
    pick = scatter(shop, who, row.salt + 5)
    light = lights[(pick * len(SHOPS) * 0.999).astype(np.int32)]
    glass = (
        smoothstep(0.06, 0.1, u)
        * smoothstep(0.06, 0.1, 1 - u)
        * smoothstep(0.35, 0.5, up)
        * smoothstep(2.9, 2.75, up)
    )
    ware_x, ware_y = np.floor(u * 9), np.floor(up / 0.32)
    lot = scatter(ware_x + shop * 11, ware_y, row.salt + 6)
    wares = (lot < 0.62 - 0.26 * up) * 0.6
    fall = 0.35 + 0.65 * smoothstep(0.2, 2.7, up)
    power = (0.25 + 0.75 * scatter(shop, who + 3, row.salt + 7)) * fall * (1 - wares)
    frame = colour[low] * 0.5 if street.night else colour[low] * 0.7
    if street.night:
        shown = light * power[..., None]
        band_power = 0.9
    else:
        shown = mix(rgb("#2f3a44"), light, (power * 0.45)[..., None])
        band_power = 0.6
    front = mix(frame, shown, glass[..., None])
    band = (
        smoothstep(3.0, 3.08, up)
        * smoothstep(3.5, 3.42, up)
        * smoothstep(0.02, 0.05, u)
        * smoothstep(0.02, 0.05, 1 - u)
    )
    board = lights[(scatter(shop + 5, who, row.salt + 8) * len(SHOPS) * 0.999).astype(np.int32)]
    tone = board * (0.28 if street.night else 0.62)
    letters = (scatter(np.floor(u * 26) + shop * 31, np.floor(up / 0.09), row.salt + 9) < 0.5) * (
        np.abs(up - 3.25) < 0.13
    )
    tone = mix(tone, board * band_power + np.float32(0.1), letters[..., None].astype(np.float32))
    front = mix(front, tone, band[..., None])
    result: Array = colour.copy()
    result[low] = mix(front, colour[low], smoothstep(3.55, 3.85, up)[..., None])
    return result


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
    step = max(u / 64, 1.0)
    small = np.zeros((max(2, round(height / step)), max(2, round(width / step)), 3), np.float32)
    for sign in signs:
        y0, y1 = (
            int(np.clip(row / step + low, 0, small.shape[0]))
            for row, low in ((sign.top, 0), (sign.bottom, 1))
        )
        x0, x1 = (
            int(np.clip((sign.x + s * sign.width / 2) / step + (s > 0), 0, small.shape[1])) for s in (-1, 1)
        )
        small[y0:y1, x0:x1] += sign.colour
    light = blur(unit(small), 3.5) * 0.5 + blur(unit(small), 9.0) * 0.5
    glow(picture, resize(unit(light), height, width) * np.float32(0.62))


def pave(stage: Stage, street: Street) -> None:
    """The road: dark, wet and mirroring at night or in rain, else plain."""
    rng, h, w, u = stage.rng("pave"), stage.height, stage.width, stage.u
    top = int(street.horizon)
    y = stage.rows()[top:]
    dy = np.maximum(y - street.horizon, 0.5) / np.float32(street.focal)
    z = EYE / dy
    beside = np.abs(stage.columns() - np.float32(street.centre)) / np.float32(street.focal)
    foot = np.float32(street.horizon) + EYE * np.float32(street.focal / street.half_width) * beside
    x = (stage.columns() - np.float32(street.centre)) / np.float32(street.focal) * z
    wet = street.night or stage.reading.weather in ("rain", "storm")
    grit = fbm(rng, h - top, w, u * 0.03, 3, stretch=2.5)
    puddle = smoothstep(0.4, 0.62, fbm(rng, h - top, w, u * 0.22, 4, stretch=3.0))
    if street.night:
        asphalt = mix(rgb("#101118"), rgb("#22222b"), grit[..., None])
    else:
        asphalt = mix(rgb("#5a5a5e"), rgb("#7c7a78"), grit[..., None]) * mix(
            stage.light.shade, stage.light.key, 0.6
        )
    walk = smoothstep(0.66, 0.68, np.abs(x) / street.half_width)
    slabs = 1 - 0.2 * (np.abs(z % 1.6 - 0.8) > 0.74) * smoothstep(60, 8, z)
    asphalt = mix(asphalt, asphalt * 1.35 + np.float32(0.02), (walk * slabs)[..., None])
    dash = (np.abs(x) < 0.09) & (z % 5 < 2.4) & (z < 60) & (z > 6.2)
    kerb = np.exp(-(((np.abs(x) / street.half_width - 0.67) / 0.012) ** 2))
    lines = np.clip(dash * 0.5 + kerb * 0.3, 0, 1)
    zebra = (z > 3.4) & (z < 5.4) & (np.abs(x) < street.half_width * 0.66) & ((x + 50) % 1.1 < 0.55)
    lines = np.maximum(lines, zebra * (0.2 + 0.2 * grit) * (0.7 if street.night else 1.6))
    white = (rgb("#8f93a8") if street.night else rgb("#dcdcda")) * stage.light.key
    road = mix(asphalt, white, lines[..., None].astype(np.float32))
    if wet:
        ripple = (fbm(rng, h - top, w, u * 0.016, 3, stretch=4.0) - 0.5) * np.float32(u * 0.045)
        rows = 2 * foot - y + ripple * (1 - 0.6 * puddle)
        mirrored = fetch(stage.rgb, stage.columns() + ripple * 0.3, np.clip(rows, 0, foot))
        streaked = smear(mirrored, u * 0.06, u * 0.004)
        image = mix(streaked, mirrored, (puddle * 0.6)[..., None])
        road = road * 0.6 + image * ((0.52 + 0.36 * puddle) * (1 - 0.3 * walk))[..., None]
    if not street.night:
        road = mix(road, stage.light.haze, (1 - np.exp(-z / 120))[..., None] * 0.8)
    over(stage.rgb[top:], unit(road), np.clip(y - foot + 0.5, 0, 1))


def paint_traffic(stage: Stage, street: Street) -> None:
    """A few cars, seen from behind on the right, from the front on the left."""
    rng = stage.rng("traffic")
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
            shine(
                stage,
                lamp,
                [(x - wide * 0.38, y - tall * 0.42), (x + wide * 0.38, y - tall * 0.42)],
                tall,
                away,
            )


def shine(stage: Stage, lamp: Colour, places: list[tuple[float, float]], tall: float, away: bool) -> None:
    """A pair of lamps with their glow, and their streaks on the road."""
    reach = max(tall * 4.0, stage.u * 0.06)
    (lx, ly), (rx, _) = places
    rows = slice(int(max(0, ly - reach)), int(min(stage.height, ly + reach * 1.3)))
    columns = slice(int(max(0, lx - reach)), int(min(stage.width, rx + reach)))
    view = stage.rgb[rows, columns]
    if not view.size:
        return
    light = np.zeros(view.shape[:2], np.float32)
    for px, py in places:
        dx, dy = stage.columns()[:, columns] - np.float32(px), stage.rows()[rows] - np.float32(py)
        d = np.hypot(dx, dy) / np.float32(tall)
        light += np.exp(-((d / 0.13) ** 2)) + (0.3 if away else 0.45) * np.exp(-d * 2.2)
        streak = np.exp(-((dx / np.float32(tall * 0.16)) ** 2)) * smoothstep(0.4, 1.0, dy / np.float32(tall))
        light += streak * np.exp(-np.clip(dy / np.float32(tall) - 0.5, 0, None) * 0.8) * 0.4
    edge = np.minimum(
        1, (reach - np.abs(stage.rows()[rows] - np.float32(ly))) / np.float32(reach * 0.3) + 0.3
    )
    side = smoothstep(
        0.0,
        0.4,
        1
        - np.abs(stage.columns()[:, columns] - np.float32((lx + rx) / 2)) / np.float32(reach + (rx - lx) / 2),
    )
    glow(view, lamp * (unit(light) * unit(edge + (stage.rows()[rows] > ly)) * side)[..., None])


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


# The city across the water


def paint_skyline(stage: Stage) -> None:
    """Towers along a far shore and their lights in the water."""
    rng, w, h, u = stage.rng("skyline"), stage.width, stage.height, stage.u
    night = stage.light.time == "night"
    horizon = h * float(rng.uniform(0.58, 0.64))
    stage.sun_x = float(rng.uniform(0.25, 0.75))
    air.paint_sky(stage, horizon)
    if night:
        haze = np.exp(-np.clip(horizon - stage.rows(), 0, None) / np.float32(u * 0.2)) * (
            stage.rows() < horizon
        )
        glow(stage.rgb, rgb("#c0608a") * (haze * np.float32(0.45))[..., None] * np.ones_like(stage.rgb))
    signs = []
    for step in range(3):
        signs += towers(stage, horizon, step, night)
    for sign in signs:
        draw_sign(stage.rgb, sign)
    if signs:
        spill(stage.rgb, signs, u)
    body = rgb("#060c1c") if night else mix(rgb("#2a5f78"), stage.light.zenith, 0.4)
    paint_water(stage, horizon, np.full(w, horizon, np.float32), body, 0.55, "harbour", 0.12)
    stage.spot = Spot(
        w * float(rng.uniform(0.35, 0.65)),
        horizon + (h - horizon) * 0.55,
        min(u * 0.36, h * 0.42),
        False,
        True,
    )


def towers(stage: Stage, horizon: float, step: int, night: bool) -> list[Sign]:
    """One row of towers; the nearest row carries neon."""
    rng, w, h, u = stage.rng("tower-row", step), stage.width, stage.height, stage.u
    layer = Layer(h, w)
    far = 1 - step / 2
    wall = rgb("#12162a") if night else stage.light.shade * rgb("#a8adb8")
    tone = mix(wall, stage.light.horizon if not night else rgb("#4a3560"), 0.25 + 0.5 * far)
    lamps = [rgb(code) for code in ("#ffd58a", "#ffe9c0", "#a9d6ff", "#ffb86a")]
    signs: list[Sign] = []
    x = -u * 0.05
    while x < w + u * 0.05:
        wide = u * float(rng.uniform(0.045, 0.1))
        centre = np.exp(-(((x / w - 0.5) / 0.32) ** 2))
        tall = u * (0.08 + 0.34 * float(rng.random()) ** 1.4 * (0.35 + 0.9 * centre)) * (0.85 + 0.3 * far)
        top = horizon - tall
        body = tone * np.float32(rng.uniform(0.85, 1.15))
        layer.polygon([(x, horizon + 1), (x, top), (x + wide, top), (x + wide, horizon + 1)], body)
        crown(layer, rng, x, top, wide, tall, body)
        cell_x, cell_y = wide / max(3, int(wide / (u * 0.011))), u * 0.0135
        for i in range(int(wide / cell_x)):
            for j in range(int(tall / cell_y)):
                if rng.random() < (0.42 if night else 0.85):
                    px, py = x + (i + 0.22) * cell_x, top + (j + 0.3) * cell_y
                    lit = (
                        mix(body, lamps[int(rng.integers(4))], 0.9 - 0.5 * far)
                        if night
                        else mix(body, stage.light.middle, 0.5)
                    )
                    layer.polygon(
                        [
                            (px, py),
                            (px + cell_x * 0.56, py),
                            (px + cell_x * 0.56, py + cell_y * 0.5),
                            (px, py + cell_y * 0.5),
                        ],
                        lit,
                    )
        if night and step == 2 and rng.random() < 0.55 and tall > u * 0.15:
            colours = neon_colours(stage.reading.hues)
            pick = [colours[int(k)] for k in rng.integers(0, len(colours), 2)]
            signs.append(
                Sign(
                    x + wide / 2,
                    top + tall * 0.08,
                    top + tall * 0.55,
                    wide * 0.36,
                    pick[0],
                    pick[1],
                    int(rng.integers(1 << 30)),
                    "text" in stage.avoid,
                    1.0,
                )
            )
        x += wide * float(rng.uniform(0.85, 1.35))
    layer.onto(stage.rgb)
    return signs


def crown(
    layer: Layer, rng: np.random.Generator, x: float, top: float, wide: float, tall: float, body: Colour
) -> None:
    """What a tower ends in: a spire, a step, a slant or a flat roof."""
    middle = x + wide / 2
    match int(rng.integers(5)):
        case 0:
            layer.polygon(
                [(middle - wide * 0.06, top), (middle, top - tall * 0.3), (middle + wide * 0.06, top)], body
            )
            layer.polygon([(x + wide * 0.2, top), (middle, top - tall * 0.1), (x + wide * 0.8, top)], body)
        case 1:
            layer.polygon(
                [
                    (x + wide * 0.2, top),
                    (x + wide * 0.2, top - tall * 0.08),
                    (x + wide * 0.8, top - tall * 0.08),
                    (x + wide * 0.8, top),
                ],
                body,
            )
        case 2:
            layer.polygon([(x, top), (x + wide, top - tall * 0.09), (x + wide, top)], body)
        case 3:
            layer.ellipse(middle, top, wide * 0.5, wide * 0.35, body)
        case _:
            layer.line([(middle, top), (middle, top - tall * 0.12)], max(wide * 0.04, 0.6), body)
