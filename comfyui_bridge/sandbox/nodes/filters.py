"""The arithmetic behind the image nodes: Gaussian blur as ComfyUI's kernel has it, and Canny's edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from comfyui_bridge.sandbox.nodes.values import Array

Bools = npt.NDArray[np.bool_]


def gaussian(radius: int, sigma: float) -> Array:
    """ComfyUI's kernel, which is the product of this line with itself.

    It spans -1..1 whatever the radius, so sigma is relative to the radius.
    """
    line = np.exp(-(np.linspace(-1.0, 1.0, 2 * radius + 1) ** 2) / (2.0 * sigma * sigma))
    return np.asarray(line / line.sum(), dtype=np.float32)


def blurred(images: Array, radius: int, sigma: float) -> Array:
    """Blur [B,H,W,C], mirroring at the edges."""
    height, width = images.shape[1:3]
    if radius >= min(height, width):
        raise RuntimeError(
            "Padding size should be less than the corresponding input dimension, but got: padding "
            f"({radius}, {radius}) at dimension {3 if width <= height else 2} of input "
            f"{[len(images), images.shape[3], height, width]}"
        )
    return convolved(convolved(images, gaussian(radius, sigma), axis=1), gaussian(radius, sigma), axis=2)


def convolved(images: Array, line: Array, axis: int) -> Array:
    """Convolve along one axis with a short symmetric kernel, mirroring at the edges."""
    radius = len(line) // 2
    margin = [(0, 0)] * images.ndim
    margin[axis] = (radius, radius)
    padded = np.moveaxis(np.pad(images, margin, mode="reflect"), axis, 0)
    length = images.shape[axis]
    total = sum(weight * padded[at : at + length] for at, weight in enumerate(line))
    return np.asarray(np.moveaxis(np.asarray(total), 0, axis), dtype=np.float32)


def canny(images: Array, low: float, high: float) -> Array:
    """Edges of [B,H,W,3] as [B,H,W], 0 or 1: Sobel's gradient thinned, weak edges kept beside strong ones.

    The thresholds are for Sobel sums that are not normalised, as in the library ComfyUI calls.
    """
    weights = np.array((0.299, 0.587, 0.114), dtype=np.float32)
    return np.stack([_canny(image @ weights, low, high) for image in images[..., :3]])


def _canny(grey: Array, low: float, high: float) -> Array:
    smooth = grey[None, ..., None]
    spread = np.exp(-(np.arange(-2, 3, dtype=np.float32) ** 2) / 2)
    for axis in (1, 2):
        smooth = convolved(smooth, np.asarray(spread / spread.sum(), dtype=np.float32), axis)
    across, down = _sobel(smooth[0, ..., 0])
    strength = np.hypot(across, down)
    thin = np.where(_is_ridge(strength, np.arctan2(down, across)), strength, 0.0)
    return _linked(thin > low, thin > high).astype(np.float32)


def _sobel(grey: Array) -> tuple[Array, Array]:
    p = np.pad(grey, 1, mode="edge")
    across = (p[:-2, 2:] + 2 * p[1:-1, 2:] + p[2:, 2:]) - (p[:-2, :-2] + 2 * p[1:-1, :-2] + p[2:, :-2])
    down = (p[2:, :-2] + 2 * p[2:, 1:-1] + p[2:, 2:]) - (p[:-2, :-2] + 2 * p[:-2, 1:-1] + p[:-2, 2:])
    return across, down


def _is_ridge(strength: Array, angle: Array) -> Bools:
    """Where the gradient is strongest along its own direction."""
    sector = np.round(angle / (np.pi / 4)).astype(int) % 4
    padded = np.pad(strength, 1)
    height, width = strength.shape
    ridge = np.zeros(strength.shape, dtype=bool)
    for number, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        behind = padded[1 - dy : 1 - dy + height, 1 - dx : 1 - dx + width]
        ridge |= (sector == number) & (strength > behind) & (strength >= ahead)
    return ridge


def _linked(weak: Bools, strong: Bools) -> Bools:
    """The strong edges and every weak one that hangs together with them."""
    kept = strong
    while True:
        padded = np.pad(kept, 1)
        near = np.zeros_like(kept)
        for dy in range(3):
            for dx in range(3):
                near |= padded[dy : dy + kept.shape[0], dx : dx + kept.shape[1]]
        wider = near & (weak | strong)
        if np.array_equal(wider, kept):
            return kept
        kept = wider
