"""Space: stars, glowing clouds of gas, a galaxy's arms, planets in the light of a sun."""

from __future__ import annotations

import numpy as np

from ..canvas import Colour, blur, glow, mix, over, rgb
from ..noise import Array, fbm, sample, smoothstep, tile, unit
from ..palette import HUES
from ..stage import Spot, Stage

CLOUDS = (
    ("#1b0b3a", "#7a2f9e", "#ff7ab0", "#5ad0ff"),
    ("#06142e", "#1f5fa8", "#5fe0e6", "#ffd9a0"),
    ("#2a0a18", "#a8324a", "#ffb066", "#6a7cff"),
    ("#0a1f1c", "#1f8a7a", "#b0f0b0", "#ff9ac0"),
)
PLANETS = (
    ("#c98a5a", "#f0d2a4", "#8a5236"),
    ("#3f6fb0", "#d9e6f0", "#3f8a5a"),
    ("#b05a8a", "#f2b8c8", "#6a3f8a"),
    ("#5aa8a0", "#d9f0d9", "#2f6a7a"),
    ("#d0a060", "#f6e6c2", "#a06a3a"),
)


def paint(stage: Stage) -> None:
    rng, w, h, u = stage.rng("space"), stage.width, stage.height, stage.u
    tones = [rgb(code) for code in CLOUDS[int(rng.integers(len(CLOUDS)))]]
    named = [HUES[hue] for hue in stage.reading.hues if hue not in ("black", "white", "grey")]
    for k, hue in enumerate(named[:2]):
        tones[k + 1] = hue
    stage.rgb[:] = tones[0] * np.float32(0.28)
    stage.sun_x = float(rng.choice((0.12, 0.88)))
    if "nebula" not in stage.avoid:
        paint_nebula(stage, tones)
    paint_starfield(stage)
    galaxy = stage.wants("galaxy")
    if galaxy:
        paint_galaxy(stage, tones)
    planet = "planet" in stage.reading.subjects or (not galaxy and not stage.wants("nebula"))
    if planet and "planet" not in stage.avoid:
        big = "planet" in stage.reading.subjects
        radius = u * float(rng.uniform(0.26, 0.34) if big else rng.uniform(0.16, 0.26))
        side = -1 if stage.sun_x > 0.5 else 1
        x = w * 0.5 + side * (w * float(rng.uniform(0.0, 0.1)) if big else w * float(rng.uniform(0.16, 0.28)))
        y = h * (0.5 if big else float(rng.uniform(0.26, 0.4)))
        paint_planet(stage, x, y, radius, "main", ringed=big or rng.random() < 0.4)
        small = radius * float(rng.uniform(0.14, 0.26))
        paint_planet(
            stage,
            w - x + u * float(rng.uniform(-0.1, 0.1)),
            h * float(rng.uniform(0.16, 0.3)),
            small,
            "moon",
            ringed=False,
        )
    stage.spot = Spot(w * 0.5, h * 0.82, min(u * 0.6, h * 0.62), ground=False)


def paint_nebula(stage: Stage, tones: list[Colour]) -> None:
    rng, h, w, u = stage.rng("nebula"), stage.height, stage.width, stage.u
    field = tile(rng, 512, 4, 7, 0.56)
    x, y = stage.columns() / u * 0.55, stage.rows() / u * 0.55
    ox, oy = rng.random(2)
    bend_x = sample(field, x * 0.6 + ox, y * 0.6 + oy) - 0.5
    bend_y = sample(field, x * 0.6 + oy, y * 0.6 + ox) - 0.5
    gas = sample(field, x + bend_x * 0.55 + 0.3, y + bend_y * 0.55)
    lanes = sample(field, x * 1.3 - bend_y * 0.5, y * 1.3 + bend_x * 0.5 + 0.6)
    lean = float(rng.uniform(-0.8, 0.8))
    band = np.exp(-((((stage.rows() / h - 0.5) - (stage.columns() / w - 0.5) * lean) / 0.36) ** 2))
    strength = smoothstep(0.32, 0.9, gas) * (0.35 + 0.65 * band)
    colour = mix(tones[1], tones[2], smoothstep(0.45, 0.8, gas + bend_x * 0.4)[..., None])
    colour = mix(colour, tones[3], smoothstep(0.55, 0.85, lanes)[..., None] * 0.65)
    glow(stage.rgb, colour * (strength * np.float32(0.95))[..., None])
    dark = smoothstep(0.55, 0.8, lanes) * band
    stage.rgb *= (1 - 0.6 * dark * smoothstep(0.2, 0.6, 1 - gas))[..., None]
    glow(stage.rgb, tones[2] * (blur(strength**3, u * 0.03) * np.float32(0.5))[..., None])


def paint_starfield(stage: Stage) -> None:
    rng, h, w, u = stage.rng("starfield"), stage.height, stage.width, stage.u
    if "stars" in stage.avoid:
        return
    count = stage.count(900 * w * h / (u * u))
    sky = np.zeros((h, w, 3), np.float32)
    hues = np.stack([rgb(code) for code in ("#ffffff", "#cfe0ff", "#ffe6c4", "#ffd0c0")])
    power = (rng.random(count) ** 7 * 1.6 + 0.1).astype(np.float32)
    sky[rng.integers(0, h, count), rng.integers(0, w, count)] = (
        hues[rng.integers(0, 4, count)] * power[:, None]
    )
    glow(stage.rgb, unit(np.maximum(sky, blur(sky, max(1.0, u / 450)) * 1.8)))
    for _ in range(int(rng.integers(4, 9))):
        x, y, size = rng.random() * w, rng.random() * h, u * float(rng.uniform(0.012, 0.035))
        reach = int(size * 4) + 2
        rows = slice(max(0, int(y) - reach), min(h, int(y) + reach))
        columns = slice(max(0, int(x) - reach), min(w, int(x) + reach))
        dx, dy = (
            np.abs(stage.columns()[:, columns] - np.float32(x)) / size,
            np.abs(stage.rows()[rows] - np.float32(y)) / size,
        )
        spikes = np.exp(-dx * 1.6 - dy * 26) + np.exp(-dy * 1.6 - dx * 26) + np.exp(-np.hypot(dx, dy) * 7)
        glow(stage.rgb[rows, columns], hues[int(rng.integers(4))] * unit(spikes)[..., None])


def paint_galaxy(stage: Stage, tones: list[Colour]) -> None:
    """A spiral seen aslant."""
    rng, h, w, u = stage.rng("galaxy"), stage.height, stage.width, stage.u
    cx, cy = w * float(rng.uniform(0.42, 0.58)), h * float(rng.uniform(0.4, 0.52))
    turn, squash = float(rng.uniform(-0.6, 0.6)), float(rng.uniform(0.4, 0.62))
    dx, dy = (stage.columns() - cx) / np.float32(u * 0.42), (stage.rows() - cy) / np.float32(u * 0.42)
    ax = dx * np.cos(turn) + dy * np.sin(turn)
    ay = (dy * np.cos(turn) - dx * np.sin(turn)) / squash
    r, angle = np.hypot(ax, ay), np.arctan2(ay, ax)
    clump = fbm(rng, h, w, u * 0.05, 4)
    arms = 0.5 + 0.5 * np.cos(2 * angle - 5.2 * np.log(r + 0.08) + (clump - 0.5) * 1.6)
    disc = np.exp(-r * 2.1) * smoothstep(1.45, 0.7, r)
    light = disc * (0.25 + 1.5 * arms**2.2 * (0.4 + clump))
    glow(
        stage.rgb,
        mix(tones[3], tones[1] + np.float32(0.25), smoothstep(0.15, 0.9, r)[..., None])
        * unit(light * 1.5)[..., None],
    )
    core = np.exp(-((r / 0.17) ** 2)) + 0.5 * np.exp(-r * 5)
    glow(stage.rgb, rgb("#fff0cf") * unit(core)[..., None])
    dots = (rng.random((h, w), dtype=np.float32) > 0.986) * disc * arms * 2.4
    glow(stage.rgb, rgb("#eaf2ff") * unit(dots + blur(dots.astype(np.float32), 1.5))[..., None])


def paint_planet(stage: Stage, x: float, y: float, radius: float, name: str, ringed: bool) -> None:
    """A ball with bands or lands, lit from the sun's side, under a rim of air."""
    rng = stage.rng("planet", name)
    colours = [rgb(code) for code in PLANETS[int(rng.integers(len(PLANETS)))]]
    reach = radius * (2.4 if ringed else 1.35)
    rows = slice(int(max(0, y - reach)), int(min(stage.height, y + reach + 1)))
    columns = slice(int(max(0, x - reach)), int(min(stage.width, x + reach + 1)))
    view = stage.rgb[rows, columns]
    if not view.size:
        return
    dx = (stage.columns()[:, columns] - np.float32(x)) / np.float32(radius)
    dy = (stage.rows()[rows] - np.float32(y)) / np.float32(radius)
    tilt = float(rng.uniform(-0.45, 0.45))
    ax, ay = dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt)
    flat = np.hypot(dx, dy)
    up = np.sqrt(np.clip(1 - flat * flat, 0, 1))
    side = 1 if stage.sun_x > 0.5 else -1
    lit = smoothstep(-0.1, 0.85, dx * side * 0.75 - dy * 0.35 + up * 0.45)
    skin = surface(rng, ax, ay, up, colours, name == "moon")
    colour = skin * (0.03 + 1.05 * lit)[..., None]
    air = smoothstep(0.72, 1.0, flat) * lit
    colour = mix(colour, mix(colours[1], rgb("#cfe6ff"), 0.5), (air * 0.55)[..., None])
    halo = (
        np.exp(-np.clip(flat - 1, 0, None) * 11) * (flat > 0.99) * smoothstep(-0.6, 0.8, dx * side - dy * 0.4)
    )
    glow(view, mix(colours[1], rgb("#bcd8ff"), 0.5) * (halo * np.float32(0.5))[..., None].astype(np.float32))
    disc = np.clip((1 - flat) * radius + 0.5, 0, 1)
    if not ringed:
        over(view, unit(colour), disc)
        return
    ring_r = np.hypot(ax, ay / 0.26)
    bands = (
        np.interp(ring_r.ravel() * 40 % 64, np.arange(64), rng.random(64))
        .reshape(ring_r.shape)
        .astype(np.float32)
    )
    ring = smoothstep(1.3, 1.36, ring_r) * smoothstep(2.2, 2.1, ring_r) * (0.35 + 0.65 * bands) * 0.85
    shadow = (np.abs(dy) < 0.9) & (dx * -side > 0) & (flat < 2.2) & (np.abs(ay * 1.0) < 0.8)
    ring_colour = (
        mix(colours[0], colours[1], bands[..., None]) * np.where(shadow & (flat > 1), 0.45, 1.0)[..., None]
    )
    over(view, unit(ring_colour), (ring * (ay < 0)).astype(np.float32))
    over(view, unit(colour), disc)
    over(view, unit(ring_colour), (ring * (ay >= 0)).astype(np.float32))


def surface(
    rng: np.random.Generator, ax: Array, ay: Array, up: Array, colours: list[Colour], cratered: bool
) -> Array:
    """Colour of a planet's face: banded gas, lands and seas, or craters."""
    field = tile(rng, 256, 5, 5, 0.55)
    turn = float(rng.random())
    longitude = np.arctan2(ax, np.maximum(up, 1e-3)) * 0.16 + turn
    latitude = np.arcsin(np.clip(ay, -1, 1)) * 0.16
    n = sample(field, longitude, latitude + 0.37)
    if cratered:
        return rgb("#8f8a86") * (0.55 + 0.75 * n)[..., None]
    if rng.random() < 0.5:
        flow = latitude * 5.2 + (n - 0.5) * 0.42
        bands = sample(field, flow, longitude * 0.12)
        return mix(
            mix(colours[2], colours[0], smoothstep(0.2, 0.55, bands)[..., None]),
            colours[1],
            smoothstep(0.55, 0.9, bands)[..., None],
        )
    land = smoothstep(0.5, 0.56, n)
    ground = mix(colours[0], colours[2], land[..., None])
    clouds = smoothstep(0.55, 0.8, sample(field, longitude * 1.6 + 0.3, latitude * 2.4 + (n - 0.5) * 0.1))
    poles = smoothstep(0.78, 0.9, np.abs(ay) + (n - 0.5) * 0.25)
    return mix(ground, colours[1], np.maximum(clouds * 0.75, poles)[..., None])
