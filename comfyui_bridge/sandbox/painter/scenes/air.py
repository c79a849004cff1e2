"""Sky, sun, moon, stars, clouds, mist and falling weather: what most places share."""

from __future__ import annotations

import numpy as np

from ..canvas import Layer, blur, glow, mix, over, rgb
from ..noise import Array, fbm, resize, sample, smoothstep, tile
from ..stage import Stage


def paint_sky(stage: Stage, horizon: float) -> None:
    """Fill the picture above the horizon (a row), and a little below it."""
    light, height = stage.light, stage.height
    depth = np.clip(stage.rows() / np.float32(max(horizon, 1)), 0, 1)[..., None]
    upper = mix(light.zenith, light.middle, smoothstep(0.0, 0.62, depth))
    column = mix(upper, light.horizon, smoothstep(0.45, 1.0, depth))
    stage.rgb[:] = np.broadcast_to(column, (height, stage.width, 3))
    if light.time == "night":
        paint_stars(stage, horizon)
    paint_sun(stage, horizon)
    if "clouds" not in stage.avoid:
        paint_clouds(stage, horizon)
    if light.time in ("sunset", "dawn"):
        paint_low_sun(stage, horizon)
    if stage.wants("fireworks"):
        paint_fireworks(stage, horizon)


def cloudiness(stage: Stage) -> float:
    """The share of sky under cloud."""
    match stage.reading.weather:
        case "rain" | "storm" | "overcast" | "snowfall":
            return 0.85
        case "clear":
            return 0.16
    if stage.reading.has("clouds"):
        return 0.6
    base = {"sunset": 0.5, "dawn": 0.45, "night": 0.25}.get(stage.light.time, 0.38)
    return base + float(stage.rng("cloudiness").uniform(-0.12, 0.12))


def paint_clouds(stage: Stage, horizon: float) -> None:
    """A deck of clouds in perspective, lit from the sun's side; painted at half size, for it is soft."""
    light, rng = stage.light, stage.rng("clouds")
    rows = max(2, min(stage.height, int(horizon) + 2))
    h, w = max(2, rows // 2), max(2, stage.width // 2)
    y = np.linspace(0, 1, h, dtype=np.float32)[:, None]
    x = (np.linspace(0, 1, w, dtype=np.float32)[None, :] - 0.5) * np.float32(stage.aspect)
    depth = 1 / (1.12 - y)
    field, wisps = tile(rng, 512, 4, 7, 0.55), tile(rng, 256, 6, 4)
    ox, oy = rng.random(2)
    gx = x * depth * 0.23 + np.float32(ox)
    gy = depth * 0.33 + np.float32(oy) + x * 0
    bend = sample(wisps, gx * 1.3, gy * 1.3) - 0.5
    gx, gy = gx + bend * 0.07, gy + bend * 0.05
    density = sample(field, gx, gy)
    side = (np.float32(stage.sun_x - 0.5) * stage.aspect - x) * np.float32(0.05)
    lift = np.float32(-0.02 if light.sun_height > 0.4 else 0.028)
    toward = sample(field, gx + side, gy + lift)
    share = cloudiness(stage)
    body = smoothstep(1 - share - 0.14, 1 - share + 0.3, density)
    body *= smoothstep(-0.05, 0.3, y + 0.25) * (1 - smoothstep(0.9, 1.0, y) * 0.6)
    shine = np.clip(0.5 + (density - toward) * 3.2, 0, 1) * (1 - 0.35 * smoothstep(0.5, 1.0, density))
    colour = mix(light.cloud_dark, light.cloud_lit, shine[..., None])
    near_sun = np.exp(
        -(((x / stage.aspect + 0.5 - stage.sun_x) ** 2) * 6 + (1 - light.sun_height - y) ** 2 * 4)
    )
    colour = colour + light.sun * (near_sun * (1 - body * 0.7) * np.float32(0.25 * light.power))[..., None]
    colour = mix(colour, light.horizon, (smoothstep(0.55, 1.0, y) * 0.55)[..., None])
    full, alpha = resize(np.clip(colour, 0, 1), rows, stage.width), resize(body, rows, stage.width)
    over(stage.rgb[:rows], full, np.clip(alpha, 0, 1) * np.float32(0.92))


def paint_sun(stage: Stage, horizon: float) -> None:
    """The sun's (or the moon's) disc and the light around it."""
    light, u = stage.light, stage.u
    x, y = stage.sun_x * stage.width, horizon * (1 - light.sun_height)
    distance = np.hypot(stage.columns() - np.float32(x), stage.rows() - np.float32(y)) / np.float32(u)
    night = light.time == "night"
    if night and not (stage.reading.has("moon") or stage.rng("moon").random() < 0.55):
        return
    if night and "moon" in stage.avoid:
        return
    overcast = stage.reading.weather in ("rain", "storm", "overcast", "snowfall")
    halo = np.exp(-distance * 3.2) * 0.55 + np.exp(-distance * 11) * 0.6
    glow(
        stage.rgb,
        light.sun
        * (halo * np.float32((0.35 if overcast else 1.0) * (0.55 if night else light.power)))[..., None],
    )
    if overcast:
        return
    radius = 0.055 if light.time in ("sunset", "dawn", "night") else 0.035
    if stage.wants("moon"):
        radius = 0.085
    edge = np.float32(1.5 / u)
    disc = np.clip((radius - distance) / edge + 0.5, 0, 1)
    face = np.broadcast_to(light.sun, stage.rgb.shape)
    if night:
        marks = fbm(stage.rng("moon-face"), stage.height, stage.width, u * 0.05, 3)
        face = face * (1 - 0.3 * smoothstep(0.5, 0.75, marks))[..., None]
    over(stage.rgb, face, disc)


def paint_low_sun(stage: Stage, horizon: float) -> None:
    """The low sun's disc through thin cloud, so that nobody has to guess where the light comes from."""
    light, u = stage.light, stage.u
    if stage.reading.weather in ("rain", "storm", "overcast", "snowfall") or light.sun_height < 0:
        return
    x, y = stage.sun_x * stage.width, horizon * (1 - light.sun_height)
    distance = np.hypot(stage.columns() - np.float32(x), stage.rows() - np.float32(y)) / np.float32(u)
    ring = np.exp(-(((distance - 0.062) / 0.05) ** 2)) * (distance > 0.05)
    warm = mix(light.horizon, light.cloud_lit, 0.5) * rgb("#fff0d0")
    over(stage.rgb, np.broadcast_to(warm * np.float32(0.97), stage.rgb.shape), ring.astype(np.float32) * 0.55)
    disc = smoothstep(0.063, 0.056, distance) * (stage.rows() < horizon)
    over(
        stage.rgb,
        np.broadcast_to(mix(light.sun, rgb("#ffffff"), 0.2), stage.rgb.shape),
        disc * np.float32(0.94),
    )


def paint_stars(stage: Stage, horizon: float) -> None:
    if "stars" in stage.avoid:
        return
    rng, u = stage.rng("stars"), stage.u
    many = 3.0 if stage.reading.has("stars", "galaxy") else 1.0
    count = stage.count(170 * many * stage.width * horizon / (u * u))
    sky = np.zeros((stage.height, stage.width), np.float32)
    ys = (rng.random(count) ** 1.2 * max(horizon, 2) * 0.97).astype(int).clip(0, stage.height - 1)
    xs = rng.integers(0, stage.width, count)
    sky[ys, xs] = rng.random(count).astype(np.float32) ** 4 * 1.1 + 0.12
    soft = blur(sky, max(1.0, u / 420)) * 1.6
    glow(stage.rgb, rgb("#dfe8ff") * np.clip(np.maximum(sky, soft), 0, 1)[..., None])
    if many > 1:
        band = fbm(rng, stage.height, stage.width, u * 0.3, 5)
        line = (stage.rows() - horizon * 0.45) / u + (stage.columns() / stage.width - 0.5) * 0.9
        milk = np.exp(-(line**2) * 14) * smoothstep(0.3, 0.75, band) * 0.4
        glow(stage.rgb, mix(rgb("#8fa3e0"), rgb("#e8c8d8"), band[..., None]) * milk[..., None])


def paint_fireworks(stage: Stage, horizon: float) -> None:
    """Bursts in the night sky, each with falling sparks."""
    rng, u = stage.rng("fireworks"), stage.u
    codes = ("#ff5a7a", "#ffd24a", "#5ad8ff", "#b57aff", "#7aff9a", "#ff9a4a")
    layer = Layer(stage.height, stage.width)
    for _ in range(int(rng.integers(6, 9) * max(1.0, stage.width / u))):
        x, y = stage.width * float(rng.uniform(0.08, 0.92)), horizon * float(rng.uniform(0.08, 0.55))
        reach, rays = u * float(rng.uniform(0.07, 0.19)), int(rng.integers(26, 54))
        inner, outer = (rgb(codes[int(i)]) for i in rng.integers(0, len(codes), 2))
        for k in range(rays):
            a = k * 6.283 / rays + float(rng.normal(0, 0.06))
            r = reach * float(rng.uniform(0.75, 1.05))
            fall = reach * 0.16
            path = [
                (x + np.cos(a) * r * t, y + np.sin(a) * r * t + fall * t * t) for t in (0.25, 0.55, 0.8, 1.0)
            ]
            layer.taper(path, u * 0.0008, u * 0.004, mix(inner, outer, float(rng.random())))
            layer.ellipse(*path[-1], u * 0.003, u * 0.003, rgb("#fff6e0"))
        layer.ellipse(x, y, u * 0.006, u * 0.006, rgb("#ffffff"))
    colour, _ = layer.pixels()
    glow(stage.rgb, np.clip(colour + blur(colour, u * 0.01) * 1.2 + blur(colour, u * 0.05) * 0.9, 0, 1))


def paint_aurora(stage: Stage, horizon: float) -> None:
    """Curtains of green and violet light."""
    rng, w = stage.rng("aurora"), stage.width
    y = stage.rows() / np.float32(horizon)
    total = np.zeros((stage.height, w), np.float32)
    for index in range(3):
        curtain = fbm(rng, 1, w, stage.u * 0.6, 4)[0] * 0.5 + 0.28 + index * 0.07
        rays = fbm(rng, 1, w, stage.u * 0.035, 3)[0] * 0.9 + 0.15
        rise = (curtain[None, :] - y) / 0.42
        total += np.where(rise > 0, np.exp(-rise * 2.6), np.exp(rise * 14)) * rays[None, :] * 0.5
    tint = mix(rgb("#4df0a0"), rgb("#9b6cf0"), np.clip(1.15 - y * 1.7, 0, 1)[..., None])
    glow(stage.rgb, tint * np.clip(total, 0, 1)[..., None])


def paint_mist(stage: Stage, row: float, spread: float, strength: float, name: str) -> None:
    """A bank of haze lying about a row."""
    drift = fbm(stage.rng("mist", name), stage.height, stage.width, stage.u * 0.3, 4, stretch=3)
    bank = np.exp(-(((stage.rows() - np.float32(row)) / np.float32(spread)) ** 2))
    over(stage.rgb, np.broadcast_to(stage.light.haze, stage.rgb.shape), bank * drift * np.float32(strength))


def paint_weather(stage: Stage) -> None:
    """Rain, snow and fog over the finished picture."""
    weather = stage.reading.weather
    if weather in stage.avoid:
        return
    match weather:
        case "rain" | "storm":
            paint_rain(stage)
        case "snowfall":
            paint_snowfall(stage)
        case "fog":
            drift = fbm(stage.rng("fog"), stage.height, stage.width, stage.u * 0.45, 4, stretch=2.5)
            low = smoothstep(0.0, 0.9, stage.rows() / stage.height)
            over(stage.rgb, np.broadcast_to(stage.light.haze, stage.rgb.shape), drift * (0.35 + 0.35 * low))


def paint_rain(stage: Stage) -> None:
    rng, u = stage.rng("rain"), stage.u
    slant = float(rng.uniform(-0.16, 0.16))
    layer = Layer(stage.height, stage.width)
    white = rgb("#ffffff")
    for _ in range(stage.count(420 * stage.width * stage.height / (u * u))):
        x, y = rng.random() * stage.width * 1.1, rng.random() * stage.height
        length = u * (0.03 + 0.06 * rng.random())
        layer.line([(x, y), (x + slant * length, y + length)], max(u / 900, 0.5), white)
    _, cover = layer.pixels()
    glow(stage.rgb, mix(stage.light.haze, white, 0.4) * (cover * np.float32(0.34))[..., None])


def paint_snowfall(stage: Stage) -> None:
    rng, u = stage.rng("snowfall"), stage.u
    white = rgb("#ffffff")
    for size, count, softness, opacity in (
        (0.0028, 420, 0.0, 0.8),
        (0.006, 130, 1.2, 0.75),
        (0.014, 26, 4.0, 0.6),
    ):
        layer = Layer(stage.height, stage.width)
        for _ in range(stage.count(count * stage.width * stage.height / (u * u))):
            radius = u * size * (0.6 + 0.8 * rng.random())
            layer.ellipse(rng.random() * stage.width, rng.random() * stage.height, radius, radius, white)
        _, cover = layer.pixels()
        over(
            stage.rgb,
            np.broadcast_to(white, stage.rgb.shape),
            blur(cover, softness * u / 512) * np.float32(opacity),
        )


def bloom(picture: Array, radius: float, threshold: float, strength: float) -> None:
    """Light that spills from bright places, in place; soft as it is, it is worked out small."""
    height, width = picture.shape[:2]
    step = max(1.0, radius / 2)
    small = resize(picture, max(2, round(height / step)), max(2, round(width / step)), smooth=False)
    bright = np.clip((small - np.float32(threshold)) * np.float32(strength / (1 - threshold)), 0, None)
    spill = blur(bright, radius / step) * 0.6 + blur(bright, radius * 3 / step) * 0.4
    glow(picture, np.clip(resize(spill, height, width, smooth=False), 0, 1))
