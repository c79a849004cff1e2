"""Image and mask nodes on real arrays: what ComfyUI's nodes do to sizes, batches, channels and pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comfyui_bridge.sandbox.nodes.filters import blurred, gaussian
from tests.sandbox.nodes_context import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def noise(*shape: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def square(height: int, width: int, top: int, left: int, side: int) -> Any:
    mask = np.zeros((1, height, width), dtype=np.float32)
    mask[:, top : top + side, left : left + side] = 1.0
    return mask


def test_a_color_is_read_as_red_green_blue(bench: Bench) -> None:
    image = bench.run("EmptyImage", width=5, height=3, batch_size=2, color=0x3366CC)
    assert image.shape == (2, 3, 5, 3)
    assert np.allclose(image[1, 2, 4] * 255, [0x33, 0x66, 0xCC])


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(20, 10, (10, 20)), (0, 30, (30, 60)), (10, 0, (5, 10)), (0, 0, (20, 40))],
)
def test_scaling_to_a_side_of_0_keeps_the_proportions(
    bench: Bench, width: int, height: int, expected: tuple[int, int]
) -> None:
    image = bench.run(
        "ImageScale",
        image=noise(1, 20, 40, 3),
        upscale_method="area",
        width=width,
        height=height,
        crop="disabled",
    )
    assert image.shape[1:3] == expected


def test_a_centred_crop_cuts_the_longer_sides(bench: Bench) -> None:
    image = np.zeros((1, 20, 60, 3), dtype=np.float32)
    image[:, :, 20:40] = 1.0
    given = {"image": image, "upscale_method": "nearest-exact", "width": 20, "height": 20}
    assert bench.run("ImageScale", crop="center", **given).min() == 1.0
    assert bench.run("ImageScale", crop="disabled", **given).min() == 0.0


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"])
def test_all_methods_keep_a_flat_color_and_stay_in_range(bench: Bench, method: str) -> None:
    flat = np.full((2, 8, 12, 3), 0.3, dtype=np.float32)
    larger = bench.run("ImageScaleBy", image=flat, upscale_method=method, scale_by=2.5)
    assert larger.shape == (2, 20, 30, 3)
    assert np.allclose(larger, 0.3, atol=1e-6)
    rough = bench.run("ImageScaleBy", image=noise(1, 9, 9, 3).round(), upscale_method=method, scale_by=3.0)
    assert 0.0 <= rough.min() <= rough.max() <= 1.0


def test_a_megapixel_is_1024_by_1024(bench: Bench) -> None:
    image = bench.run(
        "ImageScaleToTotalPixels", image=noise(1, 64, 64, 3), upscale_method="area", megapixels=0.25
    )
    assert image.shape == (1, 512, 512, 3)


@pytest.mark.parametrize(("name", "scale"), [("sandbox-upscale-4x.pth", 4), ("sandbox-upscale-2x.pth", 2)])
def test_an_upscale_model_enlarges_by_its_own_factor(bench: Bench, name: str, scale: int) -> None:
    model = bench.run("UpscaleModelLoader", model_name=name)
    image = noise(2, 6, 10, 3)
    larger = bench.run("ImageUpscaleWithModel", upscale_model=model, image=image)
    assert larger.shape == (2, 6 * scale, 10 * scale, 3)
    assert [(value, maximum) for value, maximum, _ in bench.steps] == [(1, 2), (2, 2)]


def test_blur_is_comfyuis_kernel(bench: Bench) -> None:
    """The kernel spans -1..1 whatever its radius: with sigma 1 the outermost is exp(-1/2) of the middle."""
    line = gaussian(3, 1.0)
    assert line.sum() == pytest.approx(1.0)
    assert line[0] / line[3] == pytest.approx(np.exp(-0.5), rel=1e-5)
    point = np.zeros((1, 15, 15, 3), dtype=np.float32)
    point[:, 7, 7] = 1.0
    blurry = bench.run("ImageBlur", image=point, blur_radius=3, sigma=1.0)
    assert np.allclose(blurry[0, 4:11, 4:11, 0], np.outer(line, line), atol=1e-6)
    assert blurry.sum() == pytest.approx(3.0, rel=1e-4)


def test_a_blur_wider_than_the_image_fails_as_in_torch(bench: Bench) -> None:
    with pytest.raises(
        RuntimeError, match="Padding size should be less than the corresponding input dimension"
    ):
        bench.run("ImageBlur", image=noise(1, 8, 8, 3), blur_radius=8, sigma=1.0)


def test_sharpening_takes_away_ten_times_the_blur(bench: Bench) -> None:
    image = 0.4 + 0.02 * noise(1, 12, 12, 3)
    sharp = bench.run("ImageSharpen", image=image, sharpen_radius=1, sigma=1.0, alpha=0.5)
    assert np.allclose(sharp, np.clip(image + 5.0 * (image - blurred(image, 1, 1.0)), 0, 1), atol=1e-5)
    flat = np.full((1, 12, 12, 3), 0.4, dtype=np.float32)
    assert np.allclose(
        bench.run("ImageSharpen", image=flat, sharpen_radius=1, sigma=1.0, alpha=5.0), flat, atol=1e-5
    )


def test_a_batch_takes_the_first_ones_size_and_the_richer_ones_channels(bench: Bench) -> None:
    batch = bench.run("ImageBatch", image1=noise(2, 10, 20, 3), image2=noise(1, 40, 40, 4))
    assert batch.shape == (3, 10, 20, 4)
    assert batch[:2, ..., 3].min() == 1.0


def test_cropping_stays_inside_the_image(bench: Bench) -> None:
    image = noise(1, 10, 20, 3)
    assert np.array_equal(
        bench.run("ImageCrop", image=image, width=4, height=3, x=5, y=6), image[:, 6:9, 5:9]
    )
    assert bench.run("ImageCrop", image=image, width=64, height=64, x=500, y=500).shape == (1, 1, 1, 3)


@pytest.mark.parametrize(
    ("direction", "shape", "first_at"),
    [
        ("right", (1, 10, 20 + 4 + 10, 3), (0, 0)),
        ("left", (1, 10, 20 + 4 + 10, 3), (0, 14)),
        ("down", (1, 10 + 4 + 20, 20, 3), (0, 0)),
        ("up", (1, 10 + 4 + 20, 20, 3), (24, 0)),
    ],
)
def test_stitching_puts_the_second_image_where_it_is_told(
    bench: Bench, direction: str, shape: tuple[int, ...], first_at: tuple[int, int]
) -> None:
    first, second = noise(1, 10, 20, 3), noise(1, 30, 30, 3, seed=2)
    stitched = bench.run(
        "ImageStitch",
        image1=first,
        direction=direction,
        match_image_size=True,
        spacing_width=3,
        spacing_color="red",
        image2=second,
    )
    assert stitched.shape == shape
    y, x = first_at
    assert np.array_equal(stitched[:, y : y + 10, x : x + 20], first)


def test_stitching_without_a_second_image_changes_nothing(bench: Bench) -> None:
    image = noise(1, 10, 20, 3)
    given = {"direction": "right", "match_image_size": True, "spacing_width": 8, "spacing_color": "white"}
    assert bench.run("ImageStitch", image1=image, **given) is image


def test_composing_without_matching_sizes_pads_with_black(bench: Bench) -> None:
    given = {"direction": "right", "match_image_size": False, "spacing_width": 0, "spacing_color": "white"}
    stitched = bench.run(
        "ImageStitch",
        image1=np.ones((1, 4, 4, 3), np.float32),
        image2=np.ones((1, 8, 4, 3), np.float32),
        **given,
    )
    assert stitched.shape == (1, 8, 8, 3)
    assert stitched[0, :, 0, 0].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]


class TestComposite:
    def test_the_source_covers_its_place_and_the_destination_stays_unchanged(self, bench: Bench) -> None:
        under, over = np.zeros((1, 10, 10, 3), np.float32), np.ones((1, 4, 4, 3), np.float32)
        result = bench.run(
            "ImageCompositeMasked", destination=under, source=over, x=7, y=2, resize_source=False
        )
        assert result[0, 2:6, 7:].min() == 1.0
        assert result.sum() == 4 * 3 * 3
        assert under.max() == 0.0

    def test_the_mask_is_fitted_to_the_source(self, bench: Bench) -> None:
        under, over = np.zeros((2, 8, 8, 3), np.float32), np.ones((1, 8, 8, 3), np.float32)
        mask = np.zeros((1, 2, 2), np.float32)
        mask[:, :, 1] = 1.0
        result = bench.run(
            "ImageCompositeMasked", destination=under, source=over, x=0, y=0, resize_source=False, mask=mask
        )
        assert result.shape == (2, 8, 8, 3)
        assert result[..., 0, 0].max() == 0.0
        assert result[..., 7, 0].min() == 1.0

    def test_a_resized_source_covers_all(self, bench: Bench) -> None:
        under, over = np.zeros((1, 10, 10, 3), np.float32), np.ones((1, 3, 3, 3), np.float32)
        result = bench.run(
            "ImageCompositeMasked", destination=under, source=over, x=0, y=0, resize_source=True
        )
        assert result.min() == 1.0

    def test_a_mask_cropped_to_nothing_fails_in_torchs_words(self, bench: Bench) -> None:
        """As recorded in the scenario execution_error."""
        mask = bench.run("SolidMask", value=1.0, width=16, height=16)
        cropped = bench.run("CropMask", mask=mask, x=60, y=60, width=512, height=512)
        image = np.zeros((1, 64, 64, 3), np.float32)
        with pytest.raises(RuntimeError) as failure:
            bench.run(
                "ImageCompositeMasked",
                destination=image,
                source=image,
                x=0,
                y=0,
                resize_source=False,
                mask=cropped,
            )
        assert str(failure.value) == (
            "cannot reshape tensor of 0 elements into shape [-1, 1, 0, 0] because the unspecified dimension "
            "size -1 can be any value and is ambiguous"
        )


def test_outpaint_padding_marks_what_is_new_and_feathers_what_was_there(bench: Bench) -> None:
    image = np.zeros((1, 40, 40, 3), np.float32)
    padded, mask = bench.run(
        "ImagePadForOutpaint", image=image, left=8, top=0, right=0, bottom=16, feathering=10
    )
    assert padded.shape == (1, 56, 48, 3)
    assert padded[0, 50, 20, 0] == 0.5
    assert mask[0, :, :8].min() == 1.0
    assert mask[0, 40:, :].min() == 1.0
    assert mask[0, 0, 47] == 0.0
    edge = mask[0, 5, 8:20]
    assert edge[0] == 1.0
    assert edge[-1] == 0.0
    assert (np.diff(edge) <= 0).all()


def test_canny_finds_the_outline_and_nothing_else(bench: Bench) -> None:
    image = np.zeros((1, 40, 40, 3), np.float32)
    image[:, 10:30, 10:30] = 1.0
    edges = bench.run("Canny", image=image, low_threshold=0.4, high_threshold=0.8)
    assert edges.shape == (1, 40, 40, 3)
    assert set(np.unique(edges)) == {0.0, 1.0}
    assert edges[0, 15:25, 15:25].max() == 0.0
    assert edges[0, :6].max() == 0.0
    assert edges[0, 20].sum(axis=0)[0] == 2.0


def test_canny_keeps_a_weak_edge_only_beside_a_strong_one(bench: Bench) -> None:
    image = np.zeros((1, 40, 60, 3), np.float32)
    image[:, 5:35, 5:20] = 0.35  # weak alone
    weak = bench.run("Canny", image=image, low_threshold=0.2, high_threshold=0.99)
    strong = bench.run("Canny", image=image, low_threshold=0.2, high_threshold=0.5)
    assert weak.max() == 0.0
    assert strong.max() == 1.0


@pytest.mark.parametrize(
    ("expand", "tapered", "pixels"),
    [(2, False, 8 * 8), (1, True, 4 * 4 + 4 * 4), (-1, False, 2 * 2), (0, True, 16)],
)
def test_a_mask_grows_and_shrinks(bench: Bench, expand: int, tapered: bool, pixels: int) -> None:
    mask = square(20, 20, 8, 8, 4)
    assert bench.run("GrowMask", mask=mask, expand=expand, tapered_corners=tapered).sum() == pixels


def test_a_mask_grown_beyond_everything_ends_soon(bench: Bench) -> None:
    grown = bench.run("GrowMask", mask=square(20, 20, 8, 8, 4), expand=16384, tapered_corners=True)
    assert grown.min() == 1.0


def test_feathering_fades_each_side(bench: Bench) -> None:
    mask = np.ones((1, 10, 10), np.float32)
    soft = bench.run("FeatherMask", mask=mask, left=4, top=0, right=2, bottom=0)
    assert np.allclose(soft[0, 5], [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 0.5])


@pytest.mark.parametrize(
    ("operation", "inside", "outside"),
    [("add", 1.0, 0.5), ("subtract", 0.0, 0.5), ("multiply", 0.5, 0.5), ("and", 0.0, 0.5), ("xor", 1.0, 0.5)],
)
def test_masks_are_combined_where_they_meet(
    bench: Bench, operation: str, inside: float, outside: float
) -> None:
    under = np.full((1, 10, 10), 0.5, np.float32)
    over = np.ones((1, 4, 40), np.float32)
    result = bench.run("MaskComposite", destination=under, source=over, x=6, y=2, operation=operation)
    assert result[0, 2:6, 6:].tolist() == np.full((4, 4), inside).tolist()
    assert result[0, 7, 0] == outside
    assert under.max() == 0.5


def test_masks_and_images_turn_into_each_other(bench: Bench) -> None:
    mask = noise(1, 4, 6)
    image = bench.run("MaskToImage", mask=mask)
    assert np.array_equal(bench.run("ImageToMask", image=image, channel="green"), mask)
    assert np.array_equal(bench.run("InvertMask", mask=mask), 1 - mask)
    with pytest.raises(IndexError):
        bench.run("ImageToMask", image=image, channel="alpha")


def test_latent_sides_are_multiples_of_8(bench: Bench) -> None:
    assert bench.run("EmptyLatentImage", width=100, height=70, batch_size=2).samples.shape == (2, 64, 96, 3)
    encoded = bench.run("VAEEncode", pixels=noise(1, 67, 101, 4), vae=None)
    assert encoded.samples.shape == (1, 64, 96, 3)
    latent = bench.run("EmptySD3LatentImage", width=64, height=64, batch_size=1)
    given = {"samples": latent, "upscale_method": "bislerp"}
    assert bench.run("LatentUpscale", width=100, height=0, crop="disabled", **given).samples.shape[1:3] == (
        96,
        96,
    )
    assert bench.run("LatentUpscaleBy", scale_by=1.6, **given).samples.shape[1:3] == (104, 104)
    unchanged = bench.run("LatentUpscale", width=0, height=0, crop="disabled", **given)
    assert unchanged is latent


def test_what_is_encoded_comes_back_unchanged(bench: Bench) -> None:
    pixels = noise(2, 64, 96, 3)
    latent = bench.run("VAEEncode", pixels=pixels, vae=None)
    assert np.array_equal(bench.run("VAEDecode", samples=latent, vae=None), pixels)


def test_the_largest_empty_latent_takes_no_memory(bench: Bench) -> None:
    latent = bench.run("EmptyLatentImage", width=16384, height=16384, batch_size=4096)
    assert latent.samples.strides == (0, 0, 0, 0)


@pytest.mark.parametrize(("width", "batch_size"), [(16384, 1), (1024, 4096)])
def test_what_would_take_gigabytes_fails_with_a_reason(bench: Bench, width: int, batch_size: int) -> None:
    image = bench.run("EmptyImage", width=1, height=1, batch_size=batch_size, color=0)
    given = {"upscale_method": "area", "width": width, "height": width, "crop": "disabled"}
    with pytest.raises(MemoryError, match="ask for a smaller size or batch"):
        bench.run("ImageScale", image=image, **given)


def test_repeating_latents_repeats_their_masks(bench: Bench) -> None:
    encoded = bench.run("VAEEncode", pixels=noise(2, 8, 8, 3), vae=None)
    masked = bench.run("SetLatentNoiseMask", samples=encoded, mask=noise(2, 8, 8))
    repeated = bench.run("RepeatLatentBatch", samples=masked, amount=3)
    assert repeated.samples.shape == (6, 8, 8, 3)
    assert repeated.noise_mask is not None
    assert repeated.noise_mask.shape == (6, 8, 8)
    assert np.array_equal(repeated.samples[2], encoded.samples[0])


def test_flips_and_turns(bench: Bench) -> None:
    image = noise(1, 2, 3, 3)
    flipped = bench.run("ImageFlip", image=image, flip_method="x-axis: vertically")
    assert np.array_equal(flipped[0, 0], image[0, 1])
    turned = bench.run("ImageRotate", image=image, rotation="90 degrees")
    # Clockwise: the left column becomes the top row, read upwards.
    assert np.array_equal(turned[0, 0], image[0, ::-1, 0])
