"""The painter's pictures: the same for the same brief, moved by every setting, sound at any size."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from comfyui_bridge.sandbox.painter import Brief, in_between, noise, paint
from comfyui_bridge.sandbox.painter.noise import Array

SIDE = 160
GUIDE = {
    "cat": "一只可爱的猫咪在花园里玩耍,高清摄影,8K",
    "sunset": "日落时分的海边风光,金黄色的阳光洒在沙滩上",
    "lake": "高山湖泊,倒影清晰",
    "city": "城市夜景,霓虹闪烁",
    "forest": "森林小径,阳光斑驳",
}


def brief(positive: str = "a lake in the mountains", **settings: object) -> Brief:
    return replace(Brief(positive=positive, seed=7, width=SIDE, height=SIDE), **settings)  # type: ignore[arg-type]


def distance(a: Array, b: Array) -> float:
    return float(np.abs(a - b).mean())


def level(picture: Array) -> Array:
    return picture.mean(-1)


def colourfulness(picture: Array) -> float:
    return float((picture.max(-1) - picture.min(-1)).mean())


def edges(picture: Array) -> Array:
    gy, gx = np.gradient(level(picture))
    return np.hypot(gx, gy)


def fingerprint(picture: Array) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()


def test_the_same_brief_gives_the_same_bytes() -> None:
    assert paint(brief()).tobytes() == paint(brief()).tobytes()


def test_another_process_paints_the_same_bytes() -> None:
    code = (
        "import hashlib; from comfyui_bridge.sandbox.painter import Brief, paint;"
        "brief = Brief(positive='a cat in a garden', seed=3, width=96, height=96);"
        "print(hashlib.sha256(paint(brief).tobytes()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "123"}
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    here = fingerprint(paint(Brief(positive="a cat in a garden", seed=3, width=96, height=96)))
    assert there.stdout.strip() == here


@pytest.mark.parametrize("name", GUIDE)
def test_another_seed_composes_anew(name: str) -> None:
    one, two = (paint(brief(GUIDE[name], seed=seed)) for seed in (1, 2))
    # Grain alone moves a picture by less than 0.02.
    assert distance(one, two) > 0.04


def test_the_guides_five_prompts_are_told_apart_by_colour_and_form() -> None:
    pictures = {name: paint(brief(text)) for name, text in GUIDE.items()}
    warm = {name: float((p[..., 0] - p[..., 2]).mean()) for name, p in pictures.items()}
    green = {
        name: float((p[..., 1] - np.maximum(p[..., 0], p[..., 2])).mean()) for name, p in pictures.items()
    }
    bright = {name: float(level(p).mean()) for name, p in pictures.items()}
    assert max(warm, key=lambda name: warm[name]) == "sunset"
    assert min(bright, key=lambda name: bright[name]) == "city"
    assert sorted(green, key=lambda name: green[name])[-2:] in (["cat", "forest"], ["forest", "cat"])
    lake = level(pictures["lake"])
    upper, mirrored = lake[: SIDE // 2], lake[SIDE // 2 :][::-1]
    assert np.corrcoef(upper.mean(1), mirrored.mean(1))[0, 1] > 0.4
    for name, picture in pictures.items():
        for other in pictures.keys() - {name}:
            assert distance(picture, pictures[other]) > 0.1


def test_a_named_subject_is_painted() -> None:
    without, with_cat = paint(brief("a garden")), paint(brief("an orange cat in a garden"))
    changed = np.abs(with_cat - without).mean(-1) > 0.1
    columns = np.nonzero(changed)[1]
    assert 0.1 < changed.mean() < 0.6
    assert abs(columns.mean() / SIDE - 0.5) < 0.15
    middle = with_cat[SIDE // 2 : SIDE - 20, SIDE // 2 - 12 : SIDE // 2 + 12]
    assert (middle[..., 0] > middle[..., 2] + 0.1).mean() > 0.3


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ("sunset at the sea, clouds", "clouds"),
        ("city street at night", "people"),
        ("city street at night, neon", "text"),
        ("a garden", "flowers"),
        ("a cat in a garden", "cat"),
        ("a garden", "green"),
    ],
)
def test_what_the_negative_prompt_names_is_left_out(positive: str, negative: str) -> None:
    plain, kept_out = paint(brief(positive)), paint(brief(positive, negative=negative))
    assert distance(plain, kept_out) > 0.0005


def test_a_colour_in_the_negative_prompt_fades() -> None:
    plain, kept_out = paint(brief("a garden")), paint(brief("a garden", negative="green"))
    assert colourfulness(kept_out) < 0.75 * colourfulness(plain)


def test_dark_in_the_negative_prompt_brightens() -> None:
    plain, kept_out = paint(brief("a forest")), paint(brief("a forest", negative="dark, gloomy"))
    assert level(kept_out).mean() > level(plain).mean() + 0.03


def test_a_negative_prompt_without_known_words_changes_nothing() -> None:
    assert distance(paint(brief()), paint(brief(negative="worst quality, bad hands"))) == 0


def test_more_cfg_gives_more_contrast_and_colour() -> None:
    low, high = paint(brief(cfg=1.0)), paint(brief(cfg=20.0))
    assert level(high).std() > level(low).std() * 1.1
    assert colourfulness(high) > colourfulness(low) * 1.1


def test_more_steps_give_more_detail() -> None:
    few, many = paint(brief("a garden", steps=2)), paint(brief("a garden", steps=50))
    assert edges(many).mean() > edges(few).mean() * 1.05


@pytest.mark.parametrize(
    "name", ["watercolor", "sumi-e", "pixel-art", "lineart", "film_grain", "neon", "pastel", "zzq-17"]
)
def test_a_style_changes_the_look_in_proportion(name: str) -> None:
    plain = paint(brief())
    none = paint(brief(styles=((name, 0.0),)))
    half = paint(brief(styles=((name, 0.5),)))
    full = paint(brief(styles=((name, 1.0),)))
    assert distance(plain, none) == 0
    assert 0.003 < distance(plain, half) < distance(plain, full)


def test_unknown_styles_differ_from_one_another() -> None:
    one, two = (
        paint(brief(styles=((name, 1.0),))) for name in ("zzq-17.safetensors", "my_character_v2.safetensors")
    )
    assert distance(one, two) > 0.02


def test_a_model_name_tints_the_look_a_little() -> None:
    moved = distance(paint(brief(model="a.safetensors")), paint(brief(model="b.safetensors")))
    assert 0 < moved < 0.03


def gradient() -> Array:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / np.float32(SIDE)
    return np.stack([x, y, 1 - x], -1)


def test_no_denoise_gives_the_init_back_unchanged() -> None:
    init = gradient()
    assert np.array_equal(paint(brief(init=init, denoise=0.0)), init)


def test_full_denoise_ignores_the_init() -> None:
    assert np.array_equal(paint(brief(init=gradient(), denoise=1.0)), paint(brief()))


def test_more_denoise_leads_further_from_the_init() -> None:
    init, painted = gradient(), paint(brief())
    steps = [paint(brief(init=init, denoise=share)) for share in (0.15, 0.4, 0.65, 0.9)]
    away = [distance(step, init) for step in steps]
    left = [distance(step, painted) for step in steps]
    assert away == sorted(away)
    assert left == sorted(left, reverse=True)
    assert away[0] < 0.12
    assert left[-1] < 0.08


def test_a_second_stage_keeps_the_first_ones_picture() -> None:
    first = paint(brief(seed=11))
    second = paint(brief(seed=99, width=SIDE * 2, height=SIDE * 2, init=first, denoise=0.35))
    back = np.asarray(
        Image.fromarray((second * 255).astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BOX)
    ).astype(np.float32)
    assert distance(back / 255, first) < 0.06


def test_outside_the_mask_the_init_stays_exactly() -> None:
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[40:130, 50:120] = 1
    mask[40:130, 45:50] = 0.4
    init = gradient()
    result = paint(brief("a black cat", init=init, mask=mask))
    assert np.array_equal(result[mask == 0], init[mask == 0])
    assert distance(result[mask == 1], init[mask == 1]) > 0.1


def test_a_subject_is_painted_into_the_mask() -> None:
    init = np.full((SIDE, SIDE, 3), 0.8, np.float32)
    left, right = (np.zeros((SIDE, SIDE), np.float32) for _ in range(2))
    left[30:150, 5:75], right[30:150, 85:155] = 1, 1
    for mask in (left, right):
        result = paint(brief("a black cat", init=init, mask=mask))
        dark = level(result) < 0.35
        assert dark[mask == 1].mean() > 0.2
        assert not dark[mask == 0].any()


def ring() -> Array:
    image = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(image).ellipse((35, 30, 125, 120), outline=255, width=3)
    return np.repeat(np.asarray(image).astype(np.float32)[..., None] / 255, 3, 2)


def ball() -> Array:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    disc = (np.hypot(x - 80, y - 75) < 45).astype(np.float32) * 0.6 + 0.2
    return np.repeat((disc + y / SIDE * 0.15)[..., None], 3, 2)


@pytest.mark.parametrize("hint", [ring(), 1 - ring(), ball()], ids=["lines", "lines on white", "tones"])
@pytest.mark.parametrize("text", ["sunset at the sea", "city at night"])
def test_a_hints_edges_show_in_the_picture(hint: Array, text: str) -> None:
    def around(picture: Array) -> Array:
        # An edge a pixel or two off is still that edge.
        lines = Image.fromarray(edges(picture)).resize((SIDE // 5, SIDE // 5), Image.Resampling.BOX)
        return np.asarray(lines).ravel()

    def agreement(picture: Array) -> float:
        return float(np.corrcoef(around(picture), around(hint))[0, 1])

    free, weak, led = (
        agreement(paint(brief(text, hints=hints))) for hints in ((), ((hint, 0.4),), ((hint, 1.0),))
    )
    assert led > free + 0.25
    assert free < weak < led


def test_a_hint_without_strength_changes_nothing() -> None:
    assert distance(paint(brief(hints=((ring(), 0.0),))), paint(brief())) == 0


@pytest.mark.parametrize(
    ("width", "height"),
    [(64, 64), (1000, 56), (65, 999), (2048, 64), (333, 517), (1, 1), (7, 300), (2048, 2048)],
)
def test_any_size_is_painted(width: int, height: int) -> None:
    picture = paint(Brief(positive="a cat by a lake", seed=1, width=width, height=height))
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.float32
    assert np.isfinite(picture).all()
    assert picture.min() >= 0
    assert picture.max() <= 1


@pytest.mark.parametrize("text", ["", "🐱🌸", "\x00\x07", "\ud83d", "日" * 5000, "x" * 100_000, "{}%s<>&\\"])
def test_any_text_gives_a_picture(text: str) -> None:
    picture = paint(Brief(positive=text, negative=text, seed=-5, width=64, height=64))
    assert np.isfinite(picture).all()
    assert picture.std() > 0.02


@pytest.mark.parametrize("seed", [0, 2**64 - 1, -1])
def test_any_seed_is_painted(seed: int) -> None:
    assert np.isfinite(paint(Brief(positive="sea", seed=seed, width=64, height=64))).all()


def test_unknown_prompts_get_pictures_of_their_own() -> None:
    words = ("zorblax", "quibblefrotz", "mnemosyne", "闔闢", "Ω-7")
    pictures = [paint(brief(word, width=96, height=96)) for word in words]
    for index, one in enumerate(pictures):
        for other in pictures[index + 1 :]:
            assert distance(one, other) > 0.02


def test_noise_is_the_seeds_and_gives_way_to_the_picture() -> None:
    finished = paint(brief())
    start = noise(brief())
    assert np.array_equal(start, noise(brief()))
    assert distance(start, noise(brief(seed=8))) > 0.05
    stages = [in_between(finished, start, share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert np.array_equal(stages[0], start)
    assert np.array_equal(stages[-1], finished)
    gaps = [distance(stage, finished) for stage in stages]
    assert gaps == sorted(gaps, reverse=True)


def test_big_shapes_emerge_before_detail() -> None:
    finished = paint(brief(GUIDE["cat"]))
    half = in_between(finished, np.full_like(finished, 0.5), 0.5)

    def coarse(picture: Array) -> Array:
        return level(picture).reshape(8, SIDE // 8, 8, SIDE // 8).mean((1, 3))

    assert np.corrcoef(coarse(half).ravel(), coarse(finished).ravel())[0, 1] > 0.9
    assert edges(half).mean() < 0.5 * edges(finished).mean()


def test_noise_of_another_size_is_fitted() -> None:
    finished = paint(brief(width=96, height=64))
    assert in_between(finished, noise(brief(width=1024, height=512)), 0.3).shape == (64, 96, 3)


def test_guides_of_any_shape_are_fitted() -> None:
    grey = np.linspace(0, 1, 50 * 31, dtype=np.float32).reshape(50, 31)
    picture = paint(
        brief(init=np.repeat(grey[..., None], 3, 2), denoise=0.5, mask=grey, hints=((grey, 0.7),))
    )
    assert picture.shape == (SIDE, SIDE, 3)
