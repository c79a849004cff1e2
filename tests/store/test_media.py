"""Kept files: the server's bytes under safe names, whole or not at all."""

from __future__ import annotations

import io
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from comfyui_bridge.core.errors import Full, StoreError, Unreachable
from comfyui_bridge.core.outputs import KeptFile, OutputFile
from comfyui_bridge.store.media import THUMBNAIL_SIZES, MediaStore, media_type

RUN = "0b8e1c1e-6a3c-4f5e-9d59-3f1f0f8d2a11"


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path)


def a_picture(
    size: tuple[int, int] = (300, 200), format: str = "PNG", mode: str = "RGB", **options: object
) -> bytes:
    written = io.BytesIO()
    gradient = Image.linear_gradient("L").resize(size)
    picture = gradient.convert(mode)
    if mode in ("RGBA", "LA"):
        picture.putalpha(gradient)
    picture.save(written, format, **options)
    return written.getvalue()


def keep(media: MediaStore, name: str, content: bytes, run_id: str = RUN, **file: str) -> KeptFile:
    return media.keep(run_id, OutputFile(name, **file), [content])


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def thumbnail(media: MediaStore, name: str, content: bytes, size: int = 64) -> Image.Image | None:
    keep(media, name, content)
    path = media.thumbnail(RUN, name, size)
    return None if path is None else Image.open(io.BytesIO(path.read_bytes()))


# Keeping


def test_a_file_is_kept_byte_for_byte_under_its_own_name(media: MediaStore, tmp_path: Path) -> None:
    file = OutputFile("小猫_00001_.png", "cats", "output", "9")
    content = random.Random(1).randbytes(700_000)
    kept = media.keep(RUN, file, (content[at : at + 65_536] for at in range(0, len(content), 65_536)))
    assert kept == KeptFile("小猫_00001_.png", 700_000, file)
    path = media.path(RUN, kept.name)
    assert path == tmp_path / "media" / RUN / "小猫_00001_.png"
    assert path.read_bytes() == content
    assert files_in(tmp_path) == {f"media/{RUN}/小猫_00001_.png", f"media/{RUN}/.names"}


def test_an_empty_file_is_kept_too(media: MediaStore) -> None:
    assert media.keep(RUN, OutputFile("empty.txt"), []).size == 0
    assert media.names(RUN) == ("empty.txt",)


def test_files_of_one_name_from_different_places_are_told_apart(media: MediaStore) -> None:
    names = [
        keep(media, name, name.encode() + subfolder.encode(), subfolder=subfolder, type=type_).name
        for name, subfolder, type_ in [
            ("a.png", "", "output"),
            ("a.png", "x", "output"),
            ("a.png", "", "temp"),
            ("A.PNG", "", "output"),
            ("a-2.png", "", "output"),
            ("sub/a.png", "", "output"),
        ]
    ]
    assert names == ["a.png", "a-2.png", "a-3.png", "A-4.PNG", "a-2-2.png", "a-5.png"]
    path = media.path(RUN, "a-2.png")
    assert path is not None
    assert path.read_bytes() == b"a.pngx"


def test_the_same_output_file_kept_again_replaces_itself_even_after_a_restart(
    media: MediaStore, tmp_path: Path
) -> None:
    keep(media, "a.png", b"other", subfolder="x")
    keep(media, "a.png", b"first")
    again = keep(MediaStore(tmp_path), "a.png", b"second")
    assert again.name == "a-2.png"
    assert media.names(RUN) == ("a-2.png", "a.png")
    path = media.path(RUN, again.name)
    assert path is not None
    assert path.read_bytes() == b"second"


def test_a_record_of_names_cut_off_by_a_crash_loses_one_line_only(media: MediaStore, tmp_path: Path) -> None:
    keep(media, "a.png", b"1", subfolder="x")
    keep(media, "a.png", b"2", subfolder="y")
    record = tmp_path / "media" / RUN / ".names"
    record.write_bytes(record.read_bytes()[:-7])
    assert keep(media, "a.png", b"1", subfolder="x").name == "a.png"
    assert keep(media, "a.png", b"3", subfolder="z").name == "a-3.png"  # a-2.png is there, whosever it is
    assert keep(media, "a.png", b"3", subfolder="z").name == "a-3.png"


@pytest.mark.parametrize("error", [Unreachable("gone"), KeyboardInterrupt(), OSError("the source's own")])
def test_when_the_source_breaks_off_nothing_stays_and_its_error_passes(
    media: MediaStore, tmp_path: Path, error: BaseException
) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"half of it"
        raise error

    with pytest.raises(type(error)) as raised:
        media.keep(RUN, OutputFile("a.png"), breaking())
    assert raised.value is error
    assert media.names(RUN) == ()
    assert files_in(tmp_path) == {f"media/{RUN}/.names"}


def test_when_the_source_breaks_off_the_file_kept_before_stays(media: MediaStore) -> None:
    keep(media, "a.png", b"whole")

    def breaking() -> Iterator[bytes]:
        yield b"half"
        raise Unreachable("gone")

    with pytest.raises(Unreachable):
        media.keep(RUN, OutputFile("a.png"), breaking())
    path = media.path(RUN, "a.png")
    assert path is not None
    assert path.read_bytes() == b"whole"


@pytest.mark.parametrize("run_id", ["", "..", ".making", "a/b", "a\\b", "a b", "x" * 65, "-x", "a\n", "ä"])
def test_what_is_no_run_id_is_refused(media: MediaStore, tmp_path: Path, run_id: str) -> None:
    with pytest.raises(StoreError, match="is no id of a run"):
        keep(media, "a.png", b"1", run_id=run_id)
    assert media.path(run_id, "a.png") is None
    assert media.names(run_id) == ()
    assert media.thumbnail(run_id, "a.png", 64) is None
    assert files_in(tmp_path) == set()


def test_many_threads_keep_files_of_one_name_at_once(media: MediaStore) -> None:
    kept: list[KeptFile] = []

    def work(number: int) -> None:
        kept.append(keep(media, "a.png", str(number).encode(), subfolder=str(number)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({file.name for file in kept}) == 24
    for file in kept:
        path = media.path(RUN, file.name)
        assert path is not None
        assert path.read_text() == file.source.subfolder


KEEP_FOR_EVER = """
import sys
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.store.media import MediaStore

media = MediaStore(sys.argv[1])
for number in range(100_000):
    kept = media.keep("run", OutputFile(f"{number}.bin"), (bytes([number % 256]) * 50_000 for _ in range(9)))
    print(kept.name, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_kill_9_in_mid_write_leaves_whole_files_and_the_next_start_sweeps_up(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", KEEP_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    told = [writer.stdout.readline().strip() for _ in range(20)]
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    making = tmp_path / "media" / ".making"
    (making / ".left.half").write_bytes(b"as if the kill had come a little earlier")
    media = MediaStore(tmp_path)
    assert list(making.iterdir()) == []
    assert set(told) <= set(media.names("run"))
    for name in media.names("run"):
        path = media.path("run", name)
        assert path is not None
        assert path.read_bytes() == bytes([int(path.stem) % 256]) * 450_000


FILL = """
import resource, sys
from comfyui_bridge.core.errors import Full
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.store.media import MediaStore

media = MediaStore(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
import io
for write in (
    lambda: media.keep("run", OutputFile("a.bin"), (b"x" * 9_000 for _ in range(99))),
    lambda: media.keep("run", OutputFile("b.bin"), [b"x" * 1_000_000]),
    lambda: media.keep_upload(io.BytesIO(b"x" * 1_000_000), "c.png"),
):
    try:
        write()
    except Full as full:
        print(full)
print(media.keep("run", OutputFile("d.bin"), [b"x" * 1_000]).size)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on files to test with")
def test_a_full_disk_is_told_and_nothing_half_written_stays(tmp_path: Path) -> None:
    """A limit on the size of files stops the same write calls that a full disk stops."""
    filled = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    *sentences, size = filled.stdout.splitlines()
    assert len(sentences) == 3
    for sentence in sentences:
        assert "is full. Free some space there and try again." in sentence
        assert ".half" not in sentence
    assert size == "1000"
    assert files_in(tmp_path) == {"media/run/.names", "media/run/d.bin"}


# Paths


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".names",
        "../other/a.png",
        "..\\a.png",
        "/etc/passwd",
        "a.png/",
        "a.png\x00",
        "b.png",
        "sub/a.png",
        "A.png ",
        "x" * 5000,
        "\ud800",
        "link.png",
        "folder.png",
    ],
)
def test_only_kept_files_have_a_path(media: MediaStore, tmp_path: Path, name: str) -> None:
    keep(media, "a.png", b"1")
    keep(media, "a.png", b"1", run_id="other")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "media" / RUN / "link.png").symlink_to(tmp_path / "secret")
    (tmp_path / "media" / RUN / "folder.png").mkdir()
    assert media.path(RUN, name) is None
    assert media.thumbnail(RUN, name, 64) is None
    assert media.names(RUN) == ("a.png",)


def test_a_run_folder_that_is_a_link_holds_nothing_of_ours(media: MediaStore, tmp_path: Path) -> None:
    keep(media, "a.png", b"1")
    (tmp_path / "media" / "linked").symlink_to(tmp_path / "media" / RUN)
    assert media.path("linked", "a.png") is None
    assert media.names("linked") == ()


@given(st.text(st.characters(), max_size=30), st.text(st.characters(), max_size=30))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_id_and_no_name_lead_out_of_the_folder(
    media: MediaStore, tmp_path: Path, run_id: str, name: str
) -> None:
    (tmp_path / "media" / "run").mkdir(exist_ok=True)
    for path in (media.path(run_id, name), media.path("run", name), media.path("run", f"../{name}")):
        assert path is None


# Thumbnails


@pytest.mark.parametrize(
    ("name", "format", "mode", "options"),
    [
        ("a.png", "PNG", "RGB", {}),
        ("a.png", "PNG", "RGBA", {}),
        ("a.png", "PNG", "P", {}),
        ("a.png", "PNG", "1", {}),
        ("a.png", "PNG", "LA", {}),
        ("a.png", "PNG", "I;16", {}),
        ("a.jpg", "JPEG", "RGB", {}),
        ("a.jpeg", "JPEG", "L", {}),
        ("a.jpg", "JPEG", "CMYK", {}),
        ("a.webp", "WEBP", "RGBA", {}),
        ("a.gif", "GIF", "P", {}),
        ("a.bmp", "BMP", "RGB", {}),
        ("a.tiff", "TIFF", "RGB", {}),
        ("wrongly-named.png", "JPEG", "RGB", {}),
    ],
)
def test_pictures_of_any_kind_get_a_small_webp(
    media: MediaStore, name: str, format: str, mode: str, options: dict[str, object]
) -> None:
    small = thumbnail(media, name, a_picture(format=format, mode=mode, **options))
    assert small is not None
    assert (small.format, small.size) == ("WEBP", (64, 43))
    assert small.mode == ("RGBA" if mode in ("RGBA", "LA") else "RGB")


def test_a_picture_with_16_bits_a_pixel_keeps_its_greys(media: MediaStore) -> None:
    written = io.BytesIO()
    Image.new("I;16", (80, 80), 0x8000).save(written, "PNG")
    small = thumbnail(media, "depth.png", written.getvalue())
    assert small is not None
    assert abs(small.convert("L").getpixel((30, 30)) - 128) <= 2


def test_a_thumbnail_is_made_once_and_anew_when_the_file_is_replaced(media: MediaStore) -> None:
    keep(media, "a.png", a_picture())
    first = media.thumbnail(RUN, "a.png", 256)
    assert first is not None
    made = first.stat().st_ino
    assert media.thumbnail(RUN, "a.png", 256) == first
    assert first.stat().st_ino == made
    keep(media, "a.png", a_picture((100, 100)))
    replaced = media.thumbnail(RUN, "a.png", 256)
    assert replaced is not None
    with Image.open(replaced) as picture:
        assert picture.size == (100, 100)


def test_only_sizes_from_the_list_are_made_and_small_pictures_stay_small(
    media: MediaStore, tmp_path: Path
) -> None:
    keep(media, "a.png", a_picture((90, 60)))
    for size in (0, -1, 63, 65, 2048, 10**9):
        assert media.thumbnail(RUN, "a.png", size) is None
    assert not (tmp_path / "thumbnails" / RUN).exists()
    for size in THUMBNAIL_SIZES:
        path = media.thumbnail(RUN, "a.png", size)
        assert path is not None
        with Image.open(path) as picture:
            assert picture.size == ((64, 43) if size == 64 else (90, 60))


def test_a_turned_photograph_stands_upright(media: MediaStore) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    small = thumbnail(media, "photo.jpg", a_picture((400, 200), "JPEG", exif=exif))
    assert small is not None
    assert small.size == (32, 64)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_shown(media: MediaStore, format: str) -> None:
    red, blue = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")
    written = io.BytesIO()
    red.save(written, format, save_all=True, append_images=[blue], duration=100)
    small = thumbnail(media, f"a.{format.lower()}", written.getvalue())
    assert small is not None
    pixel = small.convert("RGB").getpixel((32, 32))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 200 > 60 > pixel[2]


def test_a_very_long_picture_keeps_at_least_one_pixel(media: MediaStore) -> None:
    small = thumbnail(media, "line.png", a_picture((3000, 1)))
    assert small is not None
    assert small.size == (64, 1)


def a_bomb(width: int, height: int, rows: int) -> bytes:
    """A small PNG of this many pixels, one bit each, with the first so many rows of it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(1 + (width + 7) // 8) * rows))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("width", "height", "rows"),
    [(9_500, 9_500, 9_500), (100_000, 901, 901), (60_000, 60_000, 1), (2**31 - 1, 2**31 - 1, 0)],
)
def test_a_decompression_bomb_has_no_thumbnail(media: MediaStore, width: int, height: int, rows: int) -> None:
    assert thumbnail(media, "bomb.png", a_bomb(width, height, rows)) is None


def test_a_picture_just_within_the_limit_has_one(media: MediaStore) -> None:
    assert thumbnail(media, "large.png", a_bomb(9_000, 9_000, 9_000)) is not None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.png", b""),
        ("text.png", b"no picture"),
        ("cut.png", a_picture()[:-100]),
        ("cut.jpg", a_picture(format="JPEG")[:300]),
        ("cut.webp", a_picture(format="WEBP")[:60]),
        ("page.png", b"<html><script>alert(1)</script></html>"),
        ("vector.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("script.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        ("a.mp4", a_picture()),
        ("a.txt", a_picture()),
        ("a.svg", a_picture()),
    ],
)
def test_what_is_broken_or_no_picture_has_no_thumbnail(media: MediaStore, name: str, content: bytes) -> None:
    assert thumbnail(media, name, content) is None


PICTURES = [
    a_picture((40, 30), "PNG", "P"),
    a_picture((40, 30), "PNG", "RGBA"),
    a_picture((40, 30), "JPEG"),
    a_picture((40, 30), "GIF", "P"),
    a_picture((40, 30), "TIFF"),
    a_picture((40, 30), "BMP"),
    a_picture((40, 30), "WEBP"),
]


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it repairs
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    picture=st.sampled_from(PICTURES),
    wounds=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    cut=st.none() | st.integers(0, 400),
)
def test_any_broken_picture_gives_a_thumbnail_or_none(
    media: MediaStore, picture: bytes, wounds: list[tuple[int, int]], cut: int | None
) -> None:
    broken = bytearray(picture[:cut])
    for place, byte in wounds:
        if place < len(broken):
            broken[place] = byte
    small = thumbnail(media, "broken.png", bytes(broken))
    assert small is None or max(small.size) <= 64


def test_thumbnails_asked_for_at_once_do_not_collide(media: MediaStore, tmp_path: Path) -> None:
    keep(media, "a.png", a_picture((800, 600)))
    paths: list[Path | None] = []

    def work() -> None:
        path = media.thumbnail(RUN, "a.png", 128)
        if path is not None:
            with Image.open(path) as picture:
                picture.load()
        paths.append(path)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(paths) == {tmp_path / "thumbnails" / RUN / "a.png@128.webp"}
    assert files_in(tmp_path / "thumbnails") == {f"{RUN}/a.png@128.webp"}


# Serving


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("a.png", "image/png"),
        ("a.PNG", "image/png"),
        ("a.jpeg", "image/jpeg"),
        ("a.mp4", "video/mp4"),
        ("a.flac", "audio/flac"),
        ("a.glb", "model/gltf-binary"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.json", "text/plain; charset=utf-8"),
        ("a.svg", "application/octet-stream"),
        ("a.svgz", "application/octet-stream"),
        ("a.html", "application/octet-stream"),
        ("a.xhtml", "application/octet-stream"),
        ("a.xml", "application/octet-stream"),
        ("a.pdf", "application/octet-stream"),
        ("a.js", "application/octet-stream"),
        ("a.png.html", "application/octet-stream"),
        ("png", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_a_file_is_served_as_something_a_browser_cannot_run(name: str, type_: str) -> None:
    assert media_type(name) == type_


# Uploads and usage


def test_an_upload_is_kept_once_for_equal_bytes_and_found_by_its_key(
    media: MediaStore, tmp_path: Path
) -> None:
    content = a_picture()
    key = media.keep_upload(io.BytesIO(content), "Mein Foto.PNG")
    assert media.keep_upload(io.BytesIO(content), "../other.png") == key
    assert media.keep_upload(io.BytesIO(content + b"!"), "other.png") != key
    assert len(files_in(tmp_path / "uploads")) == 2
    path = MediaStore(tmp_path).upload_path(key)
    assert path.read_bytes() == content
    assert path.suffix == ".png"


@pytest.mark.parametrize("name", ["", "noname", "a.", "a.%2e", "a.thisislong", "a.p/ng", "\x00", "a.é"])
def test_an_upload_of_any_name_gets_a_plain_key(media: MediaStore, name: str) -> None:
    key = media.keep_upload(io.BytesIO(b"x"), name)
    assert key.isalnum()
    assert media.upload_path(key).read_bytes() == b"x"


@pytest.mark.parametrize(
    "key", ["", "..", ".making", "a" * 64, "A" * 64, "../" + "a" * 64, "a" * 64 + "/x", "a" * 64 + ".png\n"]
)
def test_an_unknown_key_says_to_choose_the_file_again(media: MediaStore, key: str) -> None:
    with pytest.raises(StoreError, match="choose the file again"):
        media.upload_path(key)


def test_usage_counts_files_thumbnails_and_uploads(media: MediaStore, tmp_path: Path) -> None:
    assert media.usage() == 0
    keep(media, "a.png", a_picture())
    media.thumbnail(RUN, "a.png", 64)
    media.keep_upload(io.BytesIO(b"12345"), "a.png")
    assert media.usage() == sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("")
    with pytest.raises(StoreError, match="media cannot be used"):
        MediaStore(tmp_path)


def test_full_is_a_store_error() -> None:
    assert issubclass(Full, StoreError)
