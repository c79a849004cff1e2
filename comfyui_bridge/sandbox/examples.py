"""The pictures that lie in a new sandbox's input folder.

Every ComfyUI comes with an example.png there, and workflows name it. The sandbox's own shows a scene it
painted itself; beside it lies the same picture with a hole, as a mask editor would leave it.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

EXAMPLE = "example.png"
EXAMPLE_WITH_MASK = "example-mask.png"

_PAINTED = Path(__file__).parent / "example.webp"


def add_examples(input_folder: Path) -> None:
    """Put the examples there, but for those whose names are taken."""
    missing = [name for name in (EXAMPLE, EXAMPLE_WITH_MASK) if not (input_folder / name).exists()]
    if not missing:
        return
    with Image.open(_PAINTED) as painted:
        picture = painted.convert("RGB")
    for name in missing:
        shown = picture if name == EXAMPLE else _with_hole(picture)
        # Level 1: writing it is part of the start, and nobody sends it far.
        shown.save(input_folder / name, compress_level=1)


def _with_hole(picture: Image.Image) -> Image.Image:
    """The picture with a soft round hole in its upper half; ComfyUI reads transparency as the mask."""
    alpha = Image.new("L", picture.size, 255)
    width, height = picture.size
    centre, radius = (width * 0.5, height * 0.3), min(picture.size) * 0.2
    left, top = centre[0] - radius, centre[1] - radius
    ImageDraw.Draw(alpha).ellipse((left, top, left + 2 * radius, top + 2 * radius), fill=0)
    holed = picture.copy()
    holed.putalpha(alpha.filter(ImageFilter.GaussianBlur(radius / 12)))
    return holed
