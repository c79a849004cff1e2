"""Files in and out: what LoadImage reads and refuses, and what saved files carry."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comfyui_bridge.sandbox.nodes import NODE_TYPES
from tests.sandbox.nodes_context import Bench

RED = np.broadcast_to(np.array([1.0, 0.0, 0.0], dtype=np.float32), (1, 4, 6, 3))
BROKEN = b"\x89PNG\r\n\x1a\n" + b"not a picture at all"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class TestLoadImage:
    def test_a_picture_without_alpha_has_an_empty_mask_of_64(self, bench: Bench) -> None:
        bench.put("a.png", Image.new("RGB", (5, 3), (255, 51, 0)))
        image, mask = bench.run("LoadImage", image="a.png")
        assert image.shape == (1, 3, 5, 3)
        assert np.allclose(image[0, 0, 0], [1.0, 0.2, 0.0])
        assert mask.shape == (1, 64, 64)
        assert mask.max() == 0

    def test_transparent_is_1_in_the_mask(self, bench: Bench) -> None:
        picture = Image.new("RGBA", (5, 3), (255, 0, 0, 255))
        picture.putpixel((4, 2), (255, 0, 0, 0))
        bench.put("a.png", picture)
        image, mask = bench.run("LoadImage", image="a.png")
        assert image.shape == (1, 3, 5, 3)
        assert mask.sum() == mask[0, 2, 4] == 1.0

    def test_a_palette_with_transparency_has_a_mask_too(self, bench: Bench) -> None:
        picture = Image.new("P", (4, 4), 0)
        picture.putpalette([0, 0, 0, 255, 255, 255])
        picture.putpixel((1, 1), 1)
        bench.put("p.gif", picture, transparency=1)
        _, mask = bench.run("LoadImage", image="p.gif")
        assert mask[0, 1, 1] == 1.0

    def test_the_frames_of_an_animation_become_a_batch(self, bench: Bench) -> None:
        frames = [Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (0, 100, 200)]
        bench.put("a.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True)
        image, mask = bench.run("LoadImage", image="a.webp")
        assert image.shape == (3, 4, 4, 3)
        assert len(mask) == 3
        assert np.allclose(image[:, 0, 0, 0] * 255, [0, 100, 200])

    def test_a_picture_is_turned_as_its_camera_says(self, bench: Bench) -> None:
        picture = Image.new("RGB", (8, 4))
        exif = picture.getexif()
        exif[0x0112] = 6
        bench.put("turned.jpg", picture, exif=exif)
        image, _ = bench.run("LoadImage", image="turned.jpg")
        assert image.shape == (1, 8, 4, 3)

    def test_deep_greys_are_brought_to_eight_bits(self, bench: Bench) -> None:
        bench.put("deep.tif", Image.new("I", (4, 4), 128 * 255))
        image, _ = bench.run("LoadImage", image="deep.tif")
        assert image.mean() == pytest.approx(128 / 255, abs=0.01)

    def test_a_file_that_only_begins_like_a_png_fails_as_recorded(self, bench: Bench) -> None:
        (bench.folders.directory("input") / "broken.png").write_bytes(BROKEN)
        with pytest.raises(OSError, match="Truncated File Read"):
            bench.run("LoadImage", image="broken.png")

    def test_names_may_lead_into_folders_and_to_outputs(self, bench: Bench) -> None:
        for type_, below in (("input", "sub"), ("output", "x"), ("temp", ".")):
            folder = bench.folders.directory(type_) / below
            folder.mkdir(exist_ok=True)
            Image.new("RGB", (2, 2)).save(folder / "a.png")
        for name in ("sub/a.png", "x/a.png [output]", "a.png [temp]", "sub/a.png [input]"):
            assert NODE_TYPES["LoadImage"].problem(bench.folders, image=name) is None
            assert bench.run("LoadImage", image=name)[0].shape == (1, 2, 2, 3)

    @pytest.mark.parametrize(
        "name", ["gone.png", "../secret.png", "sub", "", "/etc/passwd", "gone.png [output]"]
    )
    def test_a_name_that_leads_nowhere_is_told_in_comfyuis_words(self, bench: Bench, name: str) -> None:
        (bench.folders.root / "secret.png").write_bytes(b"x")
        (bench.folders.directory("input") / "sub").mkdir()
        assert NODE_TYPES["LoadImage"].problem(bench.folders, image=name) == f"Invalid image file: {name}"

    def test_the_list_shows_only_pictures_at_the_top(self, bench: Bench) -> None:
        for name in ("b.png", "a.webp", "c.txt", "d.mp4"):
            (bench.folders.directory("input") / name).write_bytes(b"")
        (bench.folders.directory("input") / "sub").mkdir()
        [item] = NODE_TYPES["LoadImage"].input_list(bench.folders)
        assert item.type == ("a.webp", "b.png")

    def test_other_bytes_under_the_same_name_make_it_run_again(self, bench: Bench) -> None:
        node = NODE_TYPES["LoadImage"]
        bench.put("a.png", Image.new("RGB", (2, 2)))
        before = node.fingerprint(bench.folders, image="a.png")
        assert node.fingerprint(bench.folders, image="a.png") == before
        bench.put("a.png", Image.new("RGB", (2, 2), "red"))
        assert node.fingerprint(bench.folders, image="a.png") != before


@pytest.mark.parametrize(
    ("channel", "value"), [("red", 1.0), ("green", 0.2), ("blue", 0.0), ("alpha", 1 - 102 / 255)]
)
def test_a_channel_is_loaded_as_a_mask(bench: Bench, channel: str, value: float) -> None:
    bench.put("a.png", Image.new("RGBA", (5, 3), (255, 51, 0, 102)))
    mask = bench.run("LoadImageMask", image="a.png", channel=channel)
    assert mask.shape == (1, 3, 5)
    assert np.allclose(mask, value)


def test_a_missing_alpha_is_nothing_to_mask(bench: Bench) -> None:
    bench.put("a.png", Image.new("L", (5, 3), 51))
    assert bench.run("LoadImageMask", image="a.png", channel="alpha").max() == 0.0
    assert np.allclose(bench.run("LoadImageMask", image="a.png", channel="red"), 0.2)


class TestSaving:
    def test_a_batch_is_counted_on_and_listed(self, bench: Bench) -> None:
        images = np.concatenate((RED, RED))
        first = bench.run("SaveImage", images=images, filename_prefix="trip/day")
        again = bench.run("SaveImage", images=images, filename_prefix="trip/day")
        names = [
            (entry["filename"], entry["subfolder"], entry["type"])
            for entry in first["images"] + again["images"]
        ]
        assert names == [(f"day_{n:05}_.png", "trip", "output") for n in (1, 2, 3, 4)]
        assert set(first) == {"images"}

    def test_the_place_in_the_batch_may_stand_in_the_name(self, bench: Bench) -> None:
        shown = bench.run(
            "SaveImage", images=np.concatenate((RED, RED)), filename_prefix="%batch_num%-%width%"
        )
        assert [entry["filename"] for entry in shown["images"]] == ["0-6_00001_.png", "1-6_00002_.png"]

    def test_the_pixels_are_cut_off_not_rounded(self, bench: Bench) -> None:
        grey = np.full((1, 2, 2, 3), 0.999, dtype=np.float32)
        grey[0, 0, 0] = [-1.0, 2.0, 0.5]
        bench.run("SaveImage", images=grey, filename_prefix="x")
        with Image.open(bench.folders.directory("output") / "x_00001_.png") as saved:
            assert saved.getpixel((1, 1)) == (254, 254, 254)
            assert saved.getpixel((0, 0)) == (0, 255, 127)

    def test_eight_bit_pixels_survive_loading_and_saving(self, bench: Bench) -> None:
        every = np.arange(256, dtype=np.uint8).reshape(16, 16)
        bench.put("all.png", Image.fromarray(np.stack([every, every.T, 255 - every], axis=-1)))
        image, _ = bench.run("LoadImage", image="all.png")
        bench.run("SaveImage", images=image, filename_prefix="back")
        with (
            Image.open(bench.folders.directory("output") / "back_00001_.png") as saved,
            Image.open(bench.folders.directory("input") / "all.png") as given,
        ):
            assert saved.tobytes() == given.tobytes()

    def test_a_png_carries_prompt_and_workflow(self, bench: Bench) -> None:
        bench.run("SaveImage", images=RED, filename_prefix="x")
        with Image.open(bench.folders.directory("output") / "x_00001_.png") as saved:
            assert json.loads(saved.info["prompt"]) == bench.prompt
            assert json.loads(saved.info["workflow"]) == bench.extra_pnginfo["workflow"]

    def test_without_a_workflow_only_the_prompt_is_there(self, bench: Bench) -> None:
        bench.extra_pnginfo = None
        bench.run("SaveImage", images=RED, filename_prefix="x")
        with Image.open(bench.folders.directory("output") / "x_00001_.png") as saved:
            assert set(saved.info) == {"prompt"}

    def test_alpha_is_kept(self, bench: Bench) -> None:
        image = np.concatenate((RED, np.full((1, 4, 6, 1), 0.5, np.float32)), axis=-1)
        bench.run("SaveImage", images=image, filename_prefix="x")
        with Image.open(bench.folders.directory("output") / "x_00001_.png") as saved:
            assert saved.getpixel((0, 0)) == (255, 0, 0, 127)

    def test_previews_go_to_temp_under_a_random_name(self, bench: Bench) -> None:
        shown = [bench.run("PreviewImage", images=RED)["images"] for _ in range(2)]
        assert shown[0] != shown[1]
        for [entry] in shown:
            assert (entry["subfolder"], entry["type"]) == ("", "temp")
            prefix, letters, number = entry["filename"].rsplit("_", 3)[0:3]
            assert (prefix, len(letters), number) == ("ComfyUI_temp", 5, "00001")
            assert (bench.folders.directory("temp") / entry["filename"]).is_file()

    def test_a_mask_is_previewed_as_a_grey_picture(self, bench: Bench) -> None:
        mask = bench.run("SolidMask", value=0.5, width=4, height=3)
        [entry] = bench.run("MaskPreview", mask=mask)["images"]
        with Image.open(bench.folders.directory("temp") / entry["filename"]) as saved:
            assert (saved.size, saved.getpixel((0, 0))) == ((4, 3), (127, 127, 127))


class TestAnimations:
    FRAMES = np.stack([np.full((4, 6, 3), shade, np.float32) for shade in (0.0, 0.5, 1.0)])

    def test_a_webp_has_all_frames_and_its_prompt_in_exif(self, bench: Bench) -> None:
        shown = bench.run(
            "SaveAnimatedWEBP",
            images=self.FRAMES,
            filename_prefix="anim/webp",
            fps=6.0,
            lossless=True,
            quality=80,
            method="default",
        )
        assert shown == {
            "images": [{"filename": "webp_00001_.webp", "subfolder": "anim", "type": "output"}],
            "animated": [True],
        }
        with Image.open(bench.folders.directory("output") / "anim" / "webp_00001_.webp") as saved:
            assert saved.n_frames == 3
            exif = saved.getexif()
            kind, text = exif[0x0110].split(":", 1)
            assert (kind, json.loads(text)) == ("prompt", bench.prompt)
            kind, text = exif[0x010F].split(":", 1)
            assert (kind, json.loads(text)) == ("workflow", bench.extra_pnginfo["workflow"])
            saved.seek(1)
            saved.load()
            assert saved.info["duration"] == 166

    def test_a_single_webp_is_no_animation(self, bench: Bench) -> None:
        given = {"filename_prefix": "x", "fps": 6.0, "lossless": False, "quality": 50, "method": "fastest"}
        assert bench.run("SaveAnimatedWEBP", images=self.FRAMES[:1], **given)["animated"] == [False]

    def test_a_png_has_all_frames_and_its_prompt_in_a_chunk_of_its_own(self, bench: Bench) -> None:
        shown = bench.run(
            "SaveAnimatedPNG", images=self.FRAMES, filename_prefix="anim/png", fps=10.0, compress_level=4
        )
        assert shown["images"][0]["filename"] == "png_00001_.png"
        assert shown["animated"] == [True]
        path = bench.folders.directory("output") / "anim" / "png_00001_.png"
        with Image.open(path) as saved:
            assert saved.n_frames == 3
            assert saved.info["duration"] == 100
        # ComfyUI's private chunk stands behind the picture data.
        written = path.read_bytes()
        at = written.index(b"comfprompt\0")
        assert at > written.index(b"IDAT")
        length = int.from_bytes(written[at - 4 : at], "big")
        assert json.loads(written[at + 11 : at + 4 + length]) == bench.prompt
        assert b"comfworkflow\0" in written


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("hello\nworld", "hello\nworld"),
        (3, "3"),
        (0.5, "0.5"),
        (True, "True"),
        (None, "None"),
        ([1, 2, 3], "[1, 2, 3]"),
        ({"a": "ü"}, '{"a": "\\u00fc"}'),
    ],
)
def test_anything_is_shown_as_text(bench: Bench, source: object, text: str) -> None:
    assert bench.run("PreviewAny", source=source) == {"text": [text]}


def test_primitives_hand_on_what_they_hold(bench: Bench) -> None:
    for class_type, value in (
        ("PrimitiveString", "a"),
        ("PrimitiveStringMultiline", "a\nb"),
        ("PrimitiveInt", -(2**63) + 1),
        ("PrimitiveFloat", 0.25),
        ("PrimitiveBoolean", False),
    ):
        assert bench.run(class_type, value=value) == value
    assert bench.run("StringConcatenate", string_a="a", string_b="b", delimiter=", ") == "a, b"
