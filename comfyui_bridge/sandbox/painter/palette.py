"""Light: the colours of sky, sun, haze and shadow for a time of day, a weather, a season and a mood.

Each time has several hand-picked skies; the seed picks one, named colours tint it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .canvas import Colour, grey, mix, rgb, saturate
from .reading import Reading

HUES = {
    "red": rgb("#d63a34"),
    "orange": rgb("#ee8a34"),
    "yellow": rgb("#f4cf4a"),
    "gold": rgb("#f0b64c"),
    "green": rgb("#4f9a54"),
    "teal": rgb("#37a69f"),
    "blue": rgb("#3f74c9"),
    "purple": rgb("#8a5cc2"),
    "pink": rgb("#ee94b4"),
    "white": rgb("#f3f0ea"),
    "black": rgb("#24232b"),
    "grey": rgb("#8d9198"),
    "brown": rgb("#8a5c3a"),
}


@dataclass(frozen=True)
class Light:
    """The light of a picture. Colours are as displayed; key and shade multiply an object's own colour."""

    time: str
    zenith: Colour
    middle: Colour
    horizon: Colour
    sun: Colour
    key: Colour
    shade: Colour
    haze: Colour
    cloud_lit: Colour
    cloud_dark: Colour
    sun_height: float
    """Of the sun above the horizon, as a share of the sky; below 0 it is not seen."""
    power: float
    """How strong direct light is beside the sky's, 0..1."""


def sky(time: str, codes: str, height: float, power: float) -> Light:
    """Codes in the order of Light: zenith, middle, horizon, sun, key, shade, haze, cloud_lit, cloud_dark."""
    zenith, middle, horizon, sun, key, shade, haze, lit, dark = (rgb(code) for code in codes.split())
    return Light(time, zenith, middle, horizon, sun, key, shade, haze, lit, dark, height, power)


SKIES: dict[str, tuple[Light, ...]] = {
    "day": (
        sky("day", "2f6fb5 6ba6d8 cfe3ec fff6dc fff6e0 7d92b4 c3d6e2 fffdf6 a9b9cb", 0.75, 0.9),
        sky("day", "3a7fc4 86bfe2 e4eee6 fff8e0 fff4dc 8195ac cddde0 fffefa b4c0ca", 0.8, 0.9),
        sky("day", "27649f 5b98c4 d9dccb fff2d0 fff0d2 75899f c9d0ca fff9ea a3aebb", 0.6, 0.9),
    ),
    "sunset": (
        sky("sunset", "2d3a6e c9627a ffb65c fff0b8 ffc98a 6b5476 e8936a ffce85 7c5079", 0.1, 0.9),
        sky("sunset", "33598f e59a68 ffd98a fff6cf ffd691 6d6381 f0b87c fff0bd a06f78", 0.14, 0.9),
        sky("sunset", "262a5c 7a4386 ff7f5a ffe3a0 ffae80 553f6e cf6672 ff9c70 58376f", 0.07, 0.85),
        sky("sunset", "22486e c9815c ffc14d fff3b0 ffc976 5a5872 e5a25c ffe09a 7f5a66", 0.12, 0.95),
    ),
    "dawn": (
        sky("dawn", "5c7fb5 d5a9bd ffe0bd fff7dc ffe4c4 8288a6 e8cfc8 fff0e2 b294ac", 0.1, 0.7),
        sky("dawn", "4e78a6 a9bcc9 fbe3b8 fff6d2 ffe7bd 7c8ba0 dcd6cb fff3dc a3a3b3", 0.14, 0.75),
    ),
    "night": (
        sky("night", "070d24 122148 2b4470 e8eefc 9db7e8 26345c 25395f 5a729f 101a36", 0.7, 0.45),
        sky("night", "0a0a26 1f1c4c 42386e f2ecff a9a4e0 2a2752 352f60 6a5f96 131230", 0.65, 0.45),
        sky("night", "06131f 0f2f45 2f5f70 eafaf6 98c8d2 1f3f52 234c5c 588594 0c2030", 0.7, 0.45),
    ),
    "golden": (sky("golden", "5f93c4 b8cfd4 ffe6b0 fff3c4 ffdf9e 79839b e8d9b4 fff4d6 b3a9a8", 0.28, 0.95),),
}

OVERCAST = sky("day", "7f90a0 a2afb8 cbd1d1 f4f2ea dfe2e2 848f9c c2c9cb e3e6e6 77848f", 0.7, 0.25)
STORM = sky("day", "252e3d 485564 8d9a98 d9dfd8 b4bfc1 4a5664 78858a 8f9ba0 1f2733", 0.7, 0.2)


def light_for(reading: Reading, rng: np.random.Generator, scene: str) -> Light:
    """The light a reading asks for; what it leaves open is the seed's choice."""
    time = reading.time or default_time(reading, scene, rng)
    choices = SKIES[time]
    light = choices[int(rng.integers(len(choices)))]
    if "gold" in reading.hues and time == "sunset":
        light = choices[3] if rng.random() < 0.5 else choices[1]
    light = weathered(light, reading)
    for hue in reading.hues[:2]:
        # Green, brown and grey name things on the ground more often than the light.
        weak = hue in ("green", "brown", "grey", "black", "white") or (hue == "gold" and time == "sunset")
        light = tinted(light, HUES[hue], 0.06 if weak else 0.2)
    if "dark" in reading.moods and light.time != "night":
        light = scaled(light, 0.68)
    if "bright" in reading.moods:
        light = recoloured(light, lambda c: saturate(c, 1.2))
    if reading.moods & {"pastel", "dreamy"}:
        light = recoloured(
            light, lambda c: mix(saturate(c, 0.85), rgb("#f6e9f0"), 0.2 if light.time != "night" else 0.06)
        )
    if "warm" in reading.moods:
        light = tinted(light, rgb("#f2b878"), 0.15)
    if "cold" in reading.moods:
        light = tinted(light, rgb("#7fa4cc"), 0.18)
    return light


def default_time(reading: Reading, scene: str, rng: np.random.Generator) -> str:
    if scene == "city" and reading.has("neon"):
        return "night"
    if reading.has("stars", "moon", "aurora", "fireworks") or scene == "space":
        return "night"
    if reading.medium == "neon":
        return "sunset"
    odds = {"desert": ("golden", "day", "sunset"), "mountains": ("day", "golden", "dawn")}.get(
        scene, ("day", "day", "golden")
    )
    return odds[int(rng.integers(len(odds)))]


def weathered(light: Light, reading: Reading) -> Light:
    dim = 0.35 if light.time == "night" else 1.0
    match reading.weather:
        case "rain" | "overcast" | "snowfall":
            return blend(light, scaled(OVERCAST, dim), 0.3 if light.time == "night" else 0.75)
        case "storm":
            return blend(light, scaled(STORM, max(dim, 0.5)), 0.85)
        case "fog":
            return replace(blend(light, scaled(OVERCAST, dim), 0.35), power=light.power * 0.5)
        case _:
            return light


def colours_of(light: Light) -> dict[str, Any]:
    return {name: value for name, value in vars(light).items() if isinstance(value, np.ndarray)}


def recoloured(light: Light, change: Callable[[Colour], Colour]) -> Light:
    changed: dict[str, Any] = {name: change(value) for name, value in colours_of(light).items()}
    return replace(light, **changed)


def scaled(light: Light, factor: float) -> Light:
    return recoloured(light, lambda colour: colour * np.float32(factor))


def tinted(light: Light, hue: Colour, share: float) -> Light:
    """Pulled towards a hue, brightness kept."""

    def change(colour: Colour) -> Colour:
        level = grey(colour) / max(float(grey(hue)), 0.05)
        return np.clip(mix(colour, hue * np.float32(level), share), 0, 1)

    return recoloured(light, change)


def blend(a: Light, b: Light, share: float) -> Light:
    other = colours_of(b)
    mixed: dict[str, Any] = {name: mix(value, other[name], share) for name, value in colours_of(a).items()}
    return replace(a, **mixed, power=a.power + (b.power - a.power) * share)
