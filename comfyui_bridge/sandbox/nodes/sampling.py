"""KSampler and KSamplerAdvanced: from noise to a painted picture, a step at a time.

The painter knows at once what the picture will be; a sampler walks there along ComfyUI's schedule, shows
each step and keeps the pace. A sampler that stops early hands on the noisy picture *and* where it was
going, so that the next one really continues.
"""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from comfyui_bridge.sandbox import painter
from comfyui_bridge.sandbox.node import Context
from comfyui_bridge.sandbox.nodes.declare import SEED_MAX, choice, integer, link, node, number
from comfyui_bridge.sandbox.nodes.resample import repeat_to, resize, resize_mask
from comfyui_bridge.sandbox.nodes.values import (
    Array,
    Conditioning,
    Latent,
    Model,
    Unfinished,
    require_room,
)

# In the order of 0.3.64.
SAMPLERS = (
    "euler", "euler_cfg_pp", "euler_ancestral", "euler_ancestral_cfg_pp", "heun", "heunpp2", "dpm_2",
    "dpm_2_ancestral", "lms", "dpm_fast", "dpm_adaptive", "dpmpp_2s_ancestral", "dpmpp_2s_ancestral_cfg_pp",
    "dpmpp_sde", "dpmpp_sde_gpu", "dpmpp_2m", "dpmpp_2m_cfg_pp", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu",
    "dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "ddpm", "lcm", "ipndm",
    "ipndm_v", "deis", "res_multistep", "res_multistep_cfg_pp", "res_multistep_ancestral",
    "res_multistep_ancestral_cfg_pp", "gradient_estimation", "gradient_estimation_cfg_pp", "er_sde",
    "seeds_2", "seeds_3", "sa_solver", "sa_solver_pece", "ddim", "uni_pc", "uni_pc_bh2",
)  # fmt: skip
SCHEDULERS = (
    "simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal", "linear_quadratic",
    "kl_optimal",
)  # fmt: skip

# How much of the way one step of a sampler counts for: the second-order ones look twice, and the
# multistep ones remember. It shows as detail, as it does with a real model.
_STEP_WORTH = {"heun": 2.0, "heunpp2": 2.0, "dpm_2": 2.0, "dpmpp_2s": 2.0, "dpmpp_sde": 2.0, "seeds": 2.0,
               "dpmpp_2m": 1.4, "dpmpp_3m": 1.5, "uni_pc": 1.5, "res_multistep": 1.4, "lcm": 3.0, "deis": 1.3,
               "ddpm": 0.6, "dpm_adaptive": 2.0}  # fmt: skip

# How early a schedule leaves the strong noise: the power of the remaining noise over the steps.
_BENDS = {"karras": 2.0, "exponential": 2.4, "kl_optimal": 1.6, "linear_quadratic": 0.7}


@dataclass(frozen=True)
class Plan:
    """One sampler call: which part of which schedule to walk, and how."""

    seed: int
    steps: int
    cfg: float
    sampler: str
    scheduler: str
    first: int
    last: int
    add_noise: bool = True
    keep_noise: bool = False

    @property
    def denoise(self) -> float:
        """How much of the schedule is still ahead at the first step."""
        return 1.0 - self.first / self.steps


@node(
    "KSampler",
    link("model", "MODEL"),
    integer("seed", 0, 0, SEED_MAX, control_after_generate=True),
    integer("steps", 20, 1, 10000),
    number("cfg", 8.0, 0.0, 100.0, 0.1, round=0.01),
    choice("sampler_name", SAMPLERS),
    choice("scheduler", SCHEDULERS),
    link("positive", "CONDITIONING"),
    link("negative", "CONDITIONING"),
    link("latent_image", "LATENT"),
    number("denoise", 1.0, 0.0, 1.0, 0.01),
    outputs=("LATENT",),
    category="sampling",
    about="Paints the picture that the conditioning describes into the latent, step by step.",
)
def ksampler(
    context: Context,
    model: Model,
    seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    denoise: float,
) -> tuple[Any, ...]:
    if denoise <= 0:
        return (latent_image,)
    # ComfyUI makes a longer schedule and walks its last `steps` steps.
    whole = max(steps, int(steps / denoise))
    plan = Plan(seed, whole, cfg, sampler_name, scheduler, first=whole - steps, last=whole)
    return (sample(context, model, positive, negative, latent_image, plan),)


@node(
    "KSamplerAdvanced",
    link("model", "MODEL"),
    choice("add_noise", ("enable", "disable")),
    integer("noise_seed", 0, 0, SEED_MAX, control_after_generate=True),
    integer("steps", 20, 1, 10000),
    number("cfg", 8.0, 0.0, 100.0, 0.1, round=0.01),
    choice("sampler_name", SAMPLERS),
    choice("scheduler", SCHEDULERS),
    link("positive", "CONDITIONING"),
    link("negative", "CONDITIONING"),
    link("latent_image", "LATENT"),
    integer("start_at_step", 0, 0, 10000),
    integer("end_at_step", 10000, 0, 10000),
    choice("return_with_leftover_noise", ("disable", "enable")),
    outputs=("LATENT",),
    category="sampling",
    title="KSampler (Advanced)",
)
def ksampler_advanced(
    context: Context,
    model: Model,
    add_noise: str,
    noise_seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    start_at_step: int,
    end_at_step: int,
    return_with_leftover_noise: str,
) -> tuple[Any, ...]:
    last = min(end_at_step, steps)
    if start_at_step >= last:
        return (latent_image,)
    plan = Plan(
        noise_seed,
        steps,
        cfg,
        sampler_name,
        scheduler,
        first=start_at_step,
        last=last,
        add_noise=add_noise == "enable",
        keep_noise=return_with_leftover_noise == "enable",
    )
    return (sample(context, model, positive, negative, latent_image, plan),)


def sample(
    context: Context, model: Model, positive: Conditioning, negative: Conditioning, latent: Latent, plan: Plan
) -> Latent:
    """Walk the plan's steps from the latent, reporting each; returns what the sampler hands on."""
    require_room(*latent.samples.shape[:3])
    briefs = _briefs(model, positive, negative, latent, plan)
    wanted = _wanted(briefs[0])
    ready = _already_painted(latent, plan, wanted)
    shares = schedule(plan.scheduler, model.shift, plan.steps)
    finished: list[Array] = []
    preview = _Preview(briefs[0])
    total = plan.last - plan.first
    for step in range(1, total + 1):
        began = time.monotonic()
        # The batch is painted spread over the steps, so that an interrupt never waits for all of it.
        while len(finished) < math.ceil(len(briefs) * step / total):
            context.check()
            at = len(finished)
            finished.append(ready[at] if ready is not None else _painted(briefs[at]))
        ends_clean = step == total and not plan.keep_noise
        share = 1.0 if ends_clean else shares[plan.first + step]
        picture = preview.at(finished[0], share) if context.watched else None
        context.pace(max(0.0, context.step_seconds - (time.monotonic() - began)))
        context.progress(step, total, picture)
    return _handed_on(latent, briefs, np.stack(finished), shares[plan.last], wanted, plan)


def schedule(scheduler: str, shift: float, steps: int) -> list[float]:
    """How finished the picture is after 0, 1, ... `steps` steps, from 0 to 1.

    `shift` bends it as the AuraFlow and SD3 model samplings do: above 1 it stays longer in the noise.
    """
    shift = max(shift, 1e-3)
    return [1.0 - _shifted(_noise_left(scheduler, step / steps), shift) for step in range(steps + 1)]


def _noise_left(scheduler: str, way: float) -> float:
    if scheduler == "beta":
        return 1.0 - way * way * (3.0 - 2.0 * way)
    return float((1.0 - way) ** _BENDS.get(scheduler, 1.0))


def _shifted(sigma: float, shift: float) -> float:
    return shift * sigma / (1.0 + (shift - 1.0) * sigma)


def _briefs(
    model: Model, positive: Conditioning, negative: Conditioning, latent: Latent, plan: Plan
) -> list[painter.Brief]:
    """What the painter is asked for, one brief a sample of the batch."""
    count, height, width = latent.samples.shape[:3]
    going_on = latent.unfinished if not plan.add_noise else None
    masks = _masks(latent, count, width, height)
    # FluxGuidance stands in for cfg in models that were distilled with it and run at cfg 1.
    cfg = positive.guidance if positive.guidance is not None and plan.cfg == 1.0 else plan.cfg
    # At cfg 1 ComfyUI does not even evaluate the negative.
    avoid = plain(negative.text) if plan.cfg != 1.0 else ""
    starts = going_on.finished if going_on else latent.samples
    # Without a mask, full noise leaves nothing of what was there.
    from_start = plan.denoise < 1.0 or masks is not None
    return [
        painter.Brief(
            positive=plain(positive.text),
            negative=avoid,
            seed=going_on.seeds[at] if going_on else seed_of(plan.seed, latent.indices[at]),
            width=width,
            height=height,
            steps=_effective_steps(plan),
            cfg=float(cfg),
            styles=model.styles,
            model=model.name,
            init=starts[at] if from_start else None,
            denoise=plan.denoise,
            mask=masks[at] if masks is not None else None,
            hints=_weighted(positive, at, width, height),
        )
        for at in range(count)
    ]


def plain(text: str) -> str:
    """A prompt without its syntax: weights, escapes and embeddings are not words to paint."""
    text = re.sub(r"\bembedding:\S+?(?=[\s,()]|$)", " ", text)
    text = re.sub(r":\s*-?\d+(\.\d+)?\s*(?=\))", "", text)
    return re.sub(r"\s+", " ", re.sub(r"\\?[()]", " ", text)).strip(" ,")


def seed_of(seed: int, index: int) -> int:
    """The seed of one place in a batch: place 0 is the seed's own picture, as in ComfyUI."""
    return (seed + index * 0x9E3779B97F4A7C15) & SEED_MAX


def _masks(latent: Latent, count: int, width: int, height: int) -> Array | None:
    if latent.noise_mask is None:
        return None
    return repeat_to(resize_mask(latent.noise_mask, width, height), count)


def _effective_steps(plan: Plan) -> int:
    """The steps that count for detail: those up to where this sampler stops."""
    worth = next((w for name, w in _STEP_WORTH.items() if plan.sampler.startswith(name)), 1.0)
    reached = plan.steps if plan.keep_noise else plan.last
    return max(1, round(reached * worth))


def _weighted(
    conditioning: Conditioning, at: int, width: int, height: int
) -> tuple[tuple[Array, float], ...]:
    """The hints for one sample, each by its strength and the part of the schedule it holds for.

    Like ComfyUI's, a hint of other proportions is cut at its sides, not squeezed.
    """
    return tuple(
        (_fitted(hint.image, at, width, height), hint.strength * (hint.end - hint.start))
        for hint in conditioning.hints
        if hint.end > hint.start
    )


def _fitted(images: Array, at: int, width: int, height: int) -> Array:
    one = at % len(images)
    fitted: Array = resize(images[one : one + 1, ..., :3], width, height, "bilinear", "center")[0]
    return fitted


def _wanted(brief: painter.Brief) -> object:
    """Everything a brief asks for but where it starts from."""
    hints = tuple((hashlib.sha256(h.tobytes()).hexdigest(), weight) for h, weight in brief.hints)
    return (brief.positive, brief.negative, brief.cfg, brief.styles, brief.model, brief.steps, hints)


def _already_painted(latent: Latent, plan: Plan, wanted: object) -> Array | None:
    """The finished picture that an earlier sampler was on its way to, if this one wants the same."""
    going_on = latent.unfinished
    if going_on is None or plan.add_noise or going_on.wanted != wanted or latent.noise_mask is not None:
        return None
    return going_on.finished


def _painted(brief: painter.Brief) -> Array:
    picture: Array = painter.paint(brief).astype(np.float32, copy=False)
    if brief.mask is None or brief.init is None:
        return picture
    # Whatever the painter does at the edge, outside the mask a sampler leaves the latent as it is.
    held = brief.mask[..., None]
    return np.asarray(picture * held + brief.init * (1.0 - held), dtype=np.float32)


def _handed_on(
    latent: Latent, briefs: Sequence[painter.Brief], finished: Array, share: float, wanted: object, plan: Plan
) -> Latent:
    if not plan.keep_noise or plan.last >= plan.steps:
        return replace(latent, samples=finished, unfinished=None)
    noisy = np.stack(
        [
            painter.in_between(picture, painter.noise(brief), share)
            for picture, brief in zip(finished, briefs, strict=True)
        ]
    )
    ahead = Unfinished(finished, tuple(brief.seed for brief in briefs), wanted)
    return replace(latent, samples=noisy.astype(np.float32, copy=False), unfinished=ahead)


class _Preview:
    """The picture so far, at the size of the painter's noise; the finished one is scaled only once."""

    def __init__(self, brief: painter.Brief) -> None:
        self._brief = brief
        self._noise: Array | None = None
        self._finished: Array | None = None

    def at(self, finished: Array, share: float) -> Image.Image:
        if self._noise is None or self._finished is None:
            self._noise = painter.noise(self._brief)
            height, width = self._noise.shape[:2]
            self._finished = resize(finished[None], width, height, "area")[0]
        between = painter.in_between(self._finished, self._noise, share)
        return Image.fromarray(np.clip(between * 255.0 + 0.5, 0, 255).astype(np.uint8))


NODES = (ksampler, ksampler_advanced)
