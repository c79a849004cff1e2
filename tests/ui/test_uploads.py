"""Pictures put into our keeping, shown, and painted on: ComfyUI gets the whole picture and a true mask."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from comfyui_bridge.core.files import file_of
from comfyui_bridge.sandbox.nodes.load import _image_and_mask
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.library import Library
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.ui import uploads
from comfyui_bridge.ui.dashboard import Dashboard
from tests.ui.serving_kit import Runs

TURNED = Image.Exif()
TURNED[0x0112] = 6


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "data")


@pytest.fixture
def page(media: MediaStore, tmp_path: Path) -> TestClient:
    library = Catalogue(Library(tmp_path))
    dashboard = Dashboard(
        engine=Runs(), library=library, editor=None, media=media, results=None, version="1.2.3"
    )
    return TestClient(Starlette(routes=uploads.routes(dashboard)))


def photo(size: tuple[int, int] = (1500, 1000)) -> Image.Image:
    """Another colour at every place, so that none can be lost unseen."""
    across, down = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    return Image.fromarray(np.dstack([across, down, 255 - across]).astype("uint8"), "RGB")


def encoded(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, form, **{"compress_level": 1, **options})
    return written.getvalue()


def put(page: TestClient, content: bytes, name: str = "photo.png") -> dict[str, str]:
    answer = page.post("/uploads", params={"name": name}, content=content)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def stroke(size: tuple[int, int]) -> bytes:
    """A canvas as the browser sends it: painted on its left half, partly so in its middle."""
    mask = Image.new("RGBA", size, (0, 0, 0, 0))
    mask.paste((255, 45, 110, 255), (0, 0, size[0] // 2, size[1]))
    mask.paste((255, 45, 110, 128), (size[0] // 2, 0, size[0] // 2 + size[0] // 8, size[1]))
    return encoded(mask)


def test_a_painted_mask_is_transparency_and_takes_no_colour_away(page: TestClient, media: MediaStore) -> None:
    original = photo()
    mark = put(page, encoded(original))
    answer = page.post(
        f"/uploads/{mark['__upload__']}/mask", params={"name": "photo.jpg"}, content=stroke((768, 512))
    )
    painted = file_of(answer.json())
    assert painted is not None
    assert painted.name == "photo.png"
    with Image.open(media.upload_path(painted.ref)) as made:
        assert (made.size, made.mode, made.format) == (original.size, "RGBA", "PNG")
        assert np.array_equal(np.asarray(made)[:, :, :3], np.asarray(original))

    # As LoadImage reads it: 1 where it was painted.
    image, mask = _image_and_mask(media.upload_path(painted.ref))
    assert np.allclose(image[0] * 255, np.asarray(original), atol=0.5)
    assert np.allclose(mask[0, 500, [10, 700, 850, 1450]], [1, 1, 0.5, 0], atol=0.01)

    # Painting again begins with this mask, on the whole picture.
    former = Image.open(io.BytesIO(page.get(f"/uploads/{painted.ref}/mask?size=768").content))
    assert former.size == (768, 512)
    assert [former.getpixel((x, 300))[3] for x in (5, 750)] == [255, 0]
    shown = Image.open(io.BytesIO(page.get(f"/uploads/{painted.ref}?size=768").content))
    assert (shown.format, shown.mode, shown.size) == ("WEBP", "RGB", (768, 512))
    small = np.asarray(original.resize((768, 512))).astype(int)
    near = np.asarray(shown)[300, [5, 750]] - small[300, [5, 750]]
    assert np.abs(near).max() < 12

    # And a mask that was cleared leaves the picture as it was at first.
    empty = encoded(Image.new("RGBA", (768, 512)))
    cleared = file_of(page.post(f"/uploads/{painted.ref}/mask", content=empty).json())
    assert cleared is not None
    with Image.open(media.upload_path(cleared.ref)) as made:
        assert (made.mode, np.array_equal(np.asarray(made), np.asarray(original))) == ("RGB", True)


@pytest.mark.parametrize(
    "content",
    [
        encoded(photo((40, 20)), "JPEG", exif=TURNED),
        encoded(photo((20, 40)).convert("P"), "GIF"),
        encoded(photo((20, 40)).convert("L"), "WEBP"),
        encoded(Image.new("I;16", (20, 40), 40_000)),
        encoded(photo((20, 40)).convert("RGBA"), "PNG"),
    ],
    ids=["turned by its camera", "palette", "grey", "16 bits", "with alpha"],
)
def test_pictures_of_all_kinds_can_be_painted_on(page: TestClient, media: MediaStore, content: bytes) -> None:
    mark = put(page, content)
    shown = Image.open(io.BytesIO(page.get(f"/uploads/{mark['__upload__']}").content))
    assert shown.size == (20, 40)
    assert page.get(f"/uploads/{mark['__upload__']}/mask").headers["content-type"] == "image/png"
    painted = file_of(page.post(f"/uploads/{mark['__upload__']}/mask", content=stroke((20, 40))).json())
    assert painted is not None
    image, mask = _image_and_mask(media.upload_path(painted.ref))
    assert image.shape == (1, 40, 20, 3)
    assert mask[0, 20, [1, 18]].tolist() == [1, 0]


def test_what_is_no_picture_is_told_and_nothing_of_it_is_kept(page: TestClient, media: MediaStore) -> None:
    before = media.usage()
    for content in (b"", b"<svg onload=alert(1)>", encoded(photo((9, 9)))[:30]):
        answer = page.post("/uploads", params={"name": "../a<b>.png"}, content=content)
        assert (answer.status_code, answer.text) == (
            415,
            "a_b_.png is no picture that can be read; choose another.\n",
        )
    assert media.usage() == before
    mark = put(page, encoded(photo((9, 9))))
    assert page.post(f"/uploads/{mark['__upload__']}/mask", content=b"no mask").status_code == 415
    for key in ("f" * 64 + ".png", "..%2F..%2Fetc%2Fpasswd", "x"):
        assert page.get(f"/uploads/{key}").status_code == 404
        assert page.post(f"/uploads/{key}/mask", content=stroke((9, 9))).status_code == 404


def test_a_picture_that_is_too_large_is_told_before_it_is_read_whole(
    page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 1 << 20)
    answer = page.post("/uploads", params={"name": "huge.png"}, content=b"x" * (2 << 20))
    assert (answer.status_code, answer.text) == (413, "huge.png is too large; the most is 1 MB.\n")
