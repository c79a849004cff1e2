"""Which drawing belongs to which subject, how large it stands, and how it is set into a scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..stage import Spot, Stage
from . import buildings, cat, critters, hooved, people, things, vehicles, winged
from .figure import Figure, set_into

Draw = Callable[[Figure, str], None]


@dataclass(frozen=True)
class Kind:
    """A subject's drawing, and its size beside the scene's spot."""

    draw: Draw
    size: float = 1.0
    airborne: bool = False
    """Whether it hangs in the air wherever it is."""
    far: float = 0.0
    """How far back on the ground it stands: 0 at the spot, 1 at the horizon."""


KINDS: dict[str, Kind] = {
    "cat": Kind(cat.draw),
    "dog": Kind(critters.draw_dog),
    "fox": Kind(critters.draw_fox),
    "rabbit": Kind(critters.draw_rabbit, 0.9),
    "bear": Kind(critters.draw_bear, 1.05),
    "panda": Kind(critters.draw_panda, 1.05),
    "bird": Kind(winged.draw_bird, 0.8),
    "butterfly": Kind(winged.draw_butterfly, 0.7, airborne=True),
    "fish": Kind(winged.draw_fish, 0.85, airborne=True),
    "horse": Kind(hooved.draw_horse, 1.0),
    "deer": Kind(hooved.draw_deer, 1.0),
    "dragon": Kind(hooved.draw_dragon, 1.1, airborne=True),
    "person": Kind(people.draw_person),
    "astronaut": Kind(people.draw_astronaut),
    "robot": Kind(people.draw_robot),
    "castle": Kind(buildings.draw_castle, 1.05, far=0.35),
    "house": Kind(buildings.draw_house, 0.9, far=0.25),
    "lighthouse": Kind(buildings.draw_lighthouse, 1.1, far=0.25),
    "temple": Kind(buildings.draw_temple, 1.1, far=0.3),
    "windmill": Kind(buildings.draw_windmill, 1.0, far=0.3),
    "boat": Kind(vehicles.draw_boat, 1.0),
    "balloon": Kind(vehicles.draw_balloon, 0.9, airborne=True),
    "car": Kind(vehicles.draw_car, 0.85),
    "rocket": Kind(vehicles.draw_rocket, 1.0, airborne=True),
    "tree": Kind(things.draw_tree, 1.2, far=0.15),
    "vase": Kind(things.draw_vase, 1.0),
    "rose": Kind(things.draw_rose, 0.9),
    "sunflowers": Kind(things.draw_sunflowers, 1.0),
    "apple": Kind(things.draw_apple, 0.62),
    "fruit": Kind(things.draw_fruit, 0.8),
    "cup": Kind(things.draw_cup, 0.75),
    "cake": Kind(things.draw_cake, 0.85),
    "book": Kind(things.draw_book, 0.7),
    "mushroom": Kind(things.draw_mushroom, 0.7),
}

STILL_LIFE = ("vase", "fruit", "cup", "apple", "book")
MOST = 2
"""Subjects painted at once: more would hide one another."""


def paint_subjects(stage: Stage) -> None:
    """Paint the subjects that were named, and what stands before them."""
    names = [name for name in stage.reading.subjects if name in KINDS][:MOST]
    if stage.reading.scene == "table":
        set_table(stage, names)
    elif stage.reading.scene == "studio" and not names and "people" not in stage.avoid:
        names = ["person"] if stage.reading.has("people") or not stage.reading.subjects else []
        place(stage, names)
    else:
        place(stage, names)
    for front in stage.fronts:
        front(stage)


def place(stage: Stage, names: list[str]) -> None:
    """One subject on the spot; of two, one to each side of it, what is farther away first."""
    for index, name in sorted(enumerate(names), key=lambda item: -KINDS[item[1]].far):
        kind = KINDS[name]
        spot = stage.spot
        size = spot.size * kind.size
        x, y = spot.x, spot.y
        if len(names) > 1:
            away = min(stage.u * 0.24, stage.width * 0.24)
            x += away * (1 if index else -1) * (1 if stage.sun_x < 0.5 else -1)
            size *= 0.8
        if kind.far and spot.ground:
            y -= (stage.height - stage.height * 0.55) * kind.far * 0.55
        if kind.airborne:
            y = max(min(y, stage.height * 0.62 + size * 0.1), size * 1.14 + stage.height * 0.02)
            spot = replace(spot, ground=False, mirrored=False)
        draw_at(stage, name, replace(spot, x=x, y=y, size=size))


def set_table(stage: Stage, names: list[str]) -> None:
    """A still life: what was named in the middle, one or two other things beside it."""
    rng = stage.rng("still life")
    free = [name for name in STILL_LIFE if name not in names and name not in stage.avoid]
    if not names:
        names = [str(rng.choice(free[:2]))] if free else []
        free = [name for name in free if name not in names]
    spot, u = stage.spot, stage.u
    side = float(rng.choice((-1, 1)))
    guests = [str(name) for name in rng.permutation(free)[: int(rng.integers(1, 3))] if name != "vase"]
    for k, name in enumerate(guests):
        away = u * (0.3 + 0.04 * k) * side * (1 if k % 2 == 0 else -1)
        draw_at(
            stage,
            name,
            replace(spot, x=spot.x + away, y=spot.y - u * 0.045, size=spot.size * 0.66 * KINDS[name].size),
        )
    for k, name in enumerate(names):
        away = 0.0 if len(names) == 1 else u * 0.17 * (-1 if k == 0 else 1)
        draw_at(
            stage,
            name,
            replace(
                spot, x=spot.x + away, size=spot.size * KINDS[name].size * (1 if len(names) == 1 else 0.85)
            ),
        )
    if rng.random() < 0.6 and "apple" not in stage.avoid:
        draw_at(
            stage,
            "apple",
            replace(spot, x=spot.x - u * 0.2 * side, y=spot.y + u * 0.055, size=spot.size * 0.26),
            "small",
        )


def draw_at(stage: Stage, name: str, spot: Spot, salt: str = "") -> None:
    light_x = -0.55 if stage.sun_x * stage.width < spot.x else 0.55
    figure = Figure(spot.size, stage.rng("figure", name, salt), light_x)
    coats = dict(stage.reading.coats)
    if name == "person":
        people.draw_person(figure, coats.get(name, ""), coats.get("hair", ""))
    else:
        KINDS[name].draw(figure, coats.get(name, ""))
    if KINDS[name].far:
        figure.dissolve_foot()
    set_into(stage, figure, spot)
