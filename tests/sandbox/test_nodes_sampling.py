"""The samplers: what decides a picture, what does not, and how one sampler goes on where another stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comfyui_bridge.sandbox.node import Interrupted
from comfyui_bridge.sandbox.nodes.sampling import plain, schedule
from comfyui_bridge.sandbox.nodes.values import Latent
from tests.sandbox.nodes_context import Bench

PAINTER = "sandbox-painter-v1.safetensors"
SETTINGS = {"steps": 4, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class Table:
    """The usual graph around a sampler, small."""

    def __init__(self, bench: Bench, text: str = "a kitten in a garden", negative: str = "blurry") -> None:
        self.bench = bench
        self.model, self.clip, self.vae = bench.run("CheckpointLoaderSimple", ckpt_name=PAINTER)
        self.positive = bench.run("CLIPTextEncode", text=text, clip=self.clip)
        self.negative = bench.run("CLIPTextEncode", text=negative, clip=self.clip)
        self.latent = bench.run("EmptyLatentImage", width=96, height=64, batch_size=1)

    def sampled(self, **changes: Any) -> Latent:
        given = {
            **SETTINGS,
            "model": self.model,
            "seed": 11,
            "positive": self.positive,
            "negative": self.negative,
            "latent_image": self.latent,
            "denoise": 1.0,
        }
        return self.bench.run("KSampler", **(given | changes))

    def advanced(self, **changes: Any) -> Latent:
        given = {
            **SETTINGS,
            "model": self.model,
            "add_noise": "enable",
            "noise_seed": 11,
            "positive": self.positive,
            "negative": self.negative,
            "latent_image": self.latent,
            "start_at_step": 0,
            "end_at_step": 10000,
            "return_with_leftover_noise": "disable",
        }
        return self.bench.run("KSamplerAdvanced", **(given | changes))


def difference(first: Latent, second: Latent) -> float:
    return float(np.abs(first.samples - second.samples).mean())


def test_the_same_inputs_give_the_same_picture(bench: Bench) -> None:
    table = Table(bench)
    assert difference(table.sampled(), table.sampled()) == 0


@pytest.mark.parametrize("change", [{"seed": 12}, {"seed": 2**64 - 1}, {"cfg": 3.0}])
def test_the_settings_decide_the_picture(bench: Bench, change: dict[str, Any]) -> None:
    table = Table(bench)
    assert difference(table.sampled(), table.sampled(**change)) > 0


def test_the_words_decide_the_picture(bench: Bench) -> None:
    assert difference(Table(bench).sampled(), Table(bench, "a city at night with neon").sampled()) > 0.05


def test_each_step_is_reported_with_a_preview_and_takes_its_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, step_seconds=60.0)
    Table(bench).sampled(steps=5)
    assert [(value, maximum) for value, maximum, _ in bench.steps] == [(n, 5) for n in range(1, 6)]
    assert [preview.size for _, _, preview in bench.steps if preview] == [(96, 64)] * 5
    assert len(bench.waited) == 5
    # What painting took is part of the step's time.
    assert all(0 < seconds < 60 for seconds in bench.waited)


def test_the_previews_come_closer_to_the_picture(bench: Bench) -> None:
    result = Table(bench).sampled(steps=6)
    distances = [
        float(np.abs(np.asarray(preview, dtype=np.float32) / 255 - result.samples[0]).mean())
        for _, _, preview in bench.steps
        if preview is not None
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 0.05
    assert distances[-1] < 0.01


def test_nobody_watching_changes_nothing_but_the_previews(bench: Bench) -> None:
    table = Table(bench)
    watched = table.sampled()
    bench.watched = False
    bench.steps.clear()
    assert difference(watched, table.sampled()) == 0
    assert bench.steps == [(step, 4, None) for step in range(1, 5)]


def test_an_interrupt_leaves_the_sampler_at_that_step(tmp_path: Path) -> None:
    bench = Bench(tmp_path, interrupt_at=3)
    with pytest.raises(Interrupted):
        Table(bench).sampled()
    assert len(bench.steps) == 2


def test_a_batch_has_different_pictures_and_begins_with_the_single_one(bench: Bench) -> None:
    table = Table(bench)
    batch = table.sampled(latent_image=bench.run("EmptyLatentImage", width=96, height=64, batch_size=3))
    assert batch.samples.shape == (3, 64, 96, 3)
    assert np.array_equal(batch.samples[0], table.sampled().samples[0])
    assert np.abs(batch.samples[1] - batch.samples[2]).mean() > 0
    assert len(bench.steps) == 4 + 4


def test_a_latent_taken_from_a_batch_keeps_its_place_in_the_noise(bench: Bench) -> None:
    table = Table(bench)
    empty = bench.run("EmptyLatentImage", width=96, height=64, batch_size=3)
    batch = table.sampled(latent_image=empty)
    third = bench.run("LatentFromBatch", samples=empty, batch_index=2, length=1)
    assert np.array_equal(table.sampled(latent_image=third).samples[0], batch.samples[2])


def test_a_batch_beyond_all_memory_fails_with_a_reason(bench: Bench) -> None:
    table = Table(bench)
    huge = bench.run("EmptyLatentImage", width=16384, height=16384, batch_size=64)
    with pytest.raises(MemoryError, match="64 x 16384 x 16384 pixels are more than"):
        table.sampled(latent_image=huge)
    with pytest.raises(MemoryError):
        bench.run("VAEDecode", samples=huge, vae=table.vae)


def test_denoise_decides_how_much_of_the_picture_stays(bench: Bench) -> None:
    table = Table(bench)
    start = Table(bench, "a sunset over the sea").sampled()
    distances = [difference(start, table.sampled(latent_image=start, denoise=d)) for d in (0.2, 0.5, 0.9)]
    assert distances == sorted(distances)
    assert distances[0] < distances[-1] / 2
    assert table.sampled(latent_image=start, denoise=0.0) is start


def test_a_lower_denoise_still_takes_all_steps(bench: Bench) -> None:
    table = Table(bench)
    table.sampled(denoise=0.5, steps=6)
    assert len(bench.steps) == 6


def test_outside_the_mask_the_latent_stays_as_it_is(bench: Bench) -> None:
    table = Table(bench)
    start = Table(bench, "a sunset over the sea").sampled()
    mask = np.zeros((1, 64, 96), dtype=np.float32)
    mask[:, 16:48, 32:64] = 1.0
    masked = bench.run("SetLatentNoiseMask", samples=start, mask=mask)
    result = table.sampled(latent_image=masked)
    changed = np.abs(result.samples - start.samples).max(axis=-1)
    assert changed[mask == 0].max() == 0
    assert changed[mask == 1].mean() > 0.02


def test_inpaint_encoding_greys_out_the_hole_and_grows_the_mask(bench: Bench) -> None:
    pixels = np.full((1, 64, 96, 3), 0.25, dtype=np.float32)
    mask = np.zeros((1, 64, 96), dtype=np.float32)
    mask[:, 24:40, 40:56] = 1.0
    latent = bench.run("VAEEncodeForInpaint", pixels=pixels, vae=None, mask=mask, grow_mask_by=6)
    assert np.allclose(latent.samples[0, 30, 50], 0.5)
    assert np.allclose(latent.samples[0, 10, 10], 0.25)
    grown = latent.noise_mask
    assert grown is not None
    assert grown.sum() == (16 + 6) ** 2


@pytest.mark.parametrize("lora", ["sandbox-watercolor.safetensors", "sandbox-ink.safetensors"])
def test_a_lora_changes_the_style_unless_its_strength_is_0(bench: Bench, lora: str) -> None:
    table = Table(bench)
    plain_picture = table.sampled()

    def with_strength(strength: float) -> Latent:
        model, _ = bench.run(
            "LoraLoader",
            model=table.model,
            clip=table.clip,
            lora_name=lora,
            strength_model=strength,
            strength_clip=1.0,
        )
        return table.sampled(model=model)

    assert difference(plain_picture, with_strength(0.0)) == 0
    assert difference(plain_picture, with_strength(1.0)) > 0.01
    assert 0 < difference(plain_picture, with_strength(0.3)) < difference(plain_picture, with_strength(1.0))


def test_a_control_net_changes_the_picture_unless_it_has_no_strength_or_no_time(bench: Bench) -> None:
    table = Table(bench)
    plain_picture = table.sampled()
    hint = np.zeros((1, 64, 96, 3), dtype=np.float32)
    hint[:, 20:44, 30:66] = 1.0
    net = bench.run("ControlNetLoader", control_net_name="sandbox-edges.safetensors")

    def hinted(strength: float, start: float, end: float) -> Latent:
        positive, negative = bench.run(
            "ControlNetApplyAdvanced",
            positive=table.positive,
            negative=table.negative,
            control_net=net,
            image=hint,
            strength=strength,
            start_percent=start,
            end_percent=end,
        )
        return table.sampled(positive=positive, negative=negative)

    assert difference(plain_picture, hinted(0.0, 0.0, 1.0)) == 0
    assert difference(plain_picture, hinted(1.0, 0.6, 0.6)) == 0
    assert difference(plain_picture, hinted(1.0, 0.0, 1.0)) > 0.01


def test_two_advanced_samplers_in_a_row_end_where_one_would(bench: Bench) -> None:
    table = Table(bench)
    whole = table.advanced(steps=8)
    bench.steps.clear()
    half = table.advanced(steps=8, end_at_step=5, return_with_leftover_noise="enable")
    assert [(value, maximum) for value, maximum, _ in bench.steps] == [(n, 5) for n in range(1, 6)]
    assert difference(whole, half) > 0.02
    bench.steps.clear()
    rest = table.advanced(steps=8, add_noise="disable", noise_seed=0, start_at_step=5, latent_image=half)
    assert [(value, maximum) for value, maximum, _ in bench.steps] == [(n, 3) for n in range(1, 4)]
    assert difference(whole, rest) == 0


def test_a_second_model_refines_what_the_first_began(bench: Bench) -> None:
    table = Table(bench)
    whole = table.advanced(steps=8)
    half = table.advanced(steps=8, end_at_step=6, return_with_leftover_noise="enable")
    inked = bench.run(
        "LoraLoaderModelOnly", model=table.model, lora_name="sandbox-ink.safetensors", strength_model=1.0
    )
    second = {"steps": 8, "add_noise": "disable", "start_at_step": 6, "latent_image": half, "model": inked}
    refined = table.advanced(**second)
    assert difference(whole, refined) > 0
    # It is still the first one's picture: nearer to it than another seed's.
    assert difference(whole, refined) < difference(whole, table.advanced(steps=8, noise_seed=99))


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 2), (20, 10000)])
def test_a_range_without_steps_gives_the_latent_back(bench: Bench, start: int, end: int) -> None:
    table = Table(bench)
    assert table.advanced(steps=8, start_at_step=start, end_at_step=end) is table.latent
    assert not bench.steps


def test_at_cfg_1_the_negative_says_nothing(bench: Bench) -> None:
    with_one, without = Table(bench, negative="flowers, kitten"), Table(bench, negative="")
    assert difference(with_one.sampled(cfg=1.0), without.sampled(cfg=1.0)) == 0


def test_flux_guidance_stands_in_for_cfg_1(bench: Bench) -> None:
    table = Table(bench)
    guided = bench.run("FluxGuidance", conditioning=table.positive, guidance=9.0)
    assert difference(table.sampled(cfg=1.0), table.sampled(cfg=1.0, positive=guided)) > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("embedding:tiny_embed, (a cat:1.3)", "a cat"),
        ("((very)) [odd] (moon:0.8) at 3:30", "very [odd] moon at 3:30"),
        (r"a \(real\) cat", "a real cat"),
        ("（一只猫）在花园里", "（一只猫）在花园里"),
        ("", ""),
    ],
)
def test_prompt_syntax_is_not_painted(text: str, words: str) -> None:
    assert plain(text) == words


@pytest.mark.parametrize("scheduler", ["simple", "karras", "beta", "linear_quadratic"])
@pytest.mark.parametrize("shift", [0.0, 1.0, 3.1])
def test_a_schedule_leads_from_noise_to_picture(scheduler: str, shift: float) -> None:
    shares = schedule(scheduler, shift, 10)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1], len(shares)) == (pytest.approx(0.0), 1.0, 11)


def test_a_higher_shift_stays_longer_in_the_noise() -> None:
    assert schedule("simple", 3.0, 10)[5] < schedule("simple", 1.0, 10)[5]


def test_a_literal_in_place_of_a_model_fails_as_in_comfyui(bench: Bench) -> None:
    """0.3.64 lets it through validation and raises AttributeError (validation_errors recording)."""
    with pytest.raises(AttributeError, match="'str' object has no attribute"):
        Table(bench).sampled(model="x")
