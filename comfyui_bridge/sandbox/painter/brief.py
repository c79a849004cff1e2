"""What the painter is asked for: one picture's words, numbers and guiding pictures, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from .noise import Array


@dataclass(frozen=True, eq=False)
class Brief:
    """Everything that decides a picture. The same brief gives the same bytes."""

    positive: str = ""
    negative: str = ""
    seed: int = 0
    width: int = 512
    height: int = 512
    steps: int = 20
    cfg: float = 7.0
    styles: tuple[tuple[str, float], ...] = ()
    """(LoRA file name, strength)."""
    model: str = ""
    """Checkpoint or diffusion model file name; it tints the look a little."""
    init: Array | None = None
    """The picture to start from, height x width x 3, 0..1, of any size."""
    denoise: float = 1.0
    """1 paints anew, 0 gives the init back unchanged."""
    mask: Array | None = None
    """Height x width, 1 = repaint. Outside it the init stays exactly."""
    hints: tuple[tuple[Array, float], ...] = ()
    """(picture, strength): the painting follows the edges and shapes of these."""
