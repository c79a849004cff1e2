"""What travels along the links between the sandbox's nodes.

An IMAGE is a float32 array [B,H,W,C] in 0..1, a MASK [B,H,W], as in ComfyUI. The rest are small frozen
records: where ComfyUI passes weights, the sandbox passes what the painter needs to know.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

BLANK = 0.5
"""The value of an empty latent. ComfyUI's is 0, which its VAEs decode to about this grey."""

MOST_PIXELS = 64_000_000
"""Of all pictures of a batch together, in what the sandbox computes at once."""


def require_room(count: int, height: int, width: int) -> None:
    """Fail where the arrays would take gigabytes, as a real server fails for want of memory."""
    if count * height * width > MOST_PIXELS:
        raise MemoryError(
            f"{count} x {width} x {height} pixels are more than the sandbox computes at once "
            f"({MOST_PIXELS // 1_000_000} million): ask for a smaller size or batch."
        )


@dataclass(frozen=True)
class Model:
    """MODEL: the file it came from, the LoRAs on it, and the shift of its noise schedule."""

    name: str
    styles: tuple[tuple[str, float], ...] = ()
    shift: float = 1.0


@dataclass(frozen=True)
class Clip:
    """CLIP. The painter reads words, so the files only have to be named."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Vae:
    """VAE. Latents of the sandbox are in image space, so encoding is cropping to multiples of 8."""

    name: str


@dataclass(frozen=True)
class ControlNet:
    """CONTROL_NET."""

    name: str


@dataclass(frozen=True)
class UpscaleModel:
    """UPSCALE_MODEL: its file and how many times larger it makes an image."""

    name: str
    scale: int


@dataclass(frozen=True, eq=False)
class Hint:
    """A picture whose edges the painter follows, from `start` to `end` of the schedule."""

    image: Array
    strength: float
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True, eq=False)
class Part:
    """One text of a CONDITIONING, with what was applied to it."""

    text: str
    hints: tuple[Hint, ...] = ()
    guidance: float | None = None


@dataclass(frozen=True, eq=False)
class Conditioning:
    """CONDITIONING: one or more texts."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        return ", ".join(part.text for part in self.parts if part.text.strip())

    @property
    def hints(self) -> tuple[Hint, ...]:
        return tuple(hint for part in self.parts for hint in part.hints)

    @property
    def guidance(self) -> float | None:
        return next((part.guidance for part in self.parts if part.guidance is not None), None)


@dataclass(frozen=True, eq=False)
class Unfinished:
    """What a sampler that stopped early was on its way to; the next one goes on from here."""

    finished: Array
    seeds: tuple[int, ...]
    wanted: object
    """Which model, words and hints it followed: with the same ones, going on changes nothing."""


@dataclass(frozen=True, eq=False)
class Latent:
    """LATENT: image-space samples [B,H,W,3], and a mask [B,H,W] of what may be repainted."""

    samples: Array
    noise_mask: Array | None = None
    batch_index: tuple[int, ...] | None = None
    """Each sample's place in the batch its noise is drawn for."""
    unfinished: Unfinished | None = None

    @property
    def indices(self) -> tuple[int, ...]:
        return self.batch_index or tuple(range(len(self.samples)))


@dataclass(frozen=True, eq=False)
class Audio:
    """AUDIO: a float32 waveform [B,channels,samples] in -1..1."""

    waveform: Array
    sample_rate: int


@dataclass(frozen=True, eq=False)
class Video:
    """VIDEO: frames [B,H,W,3] and their rate."""

    frames: Array
    fps: float
