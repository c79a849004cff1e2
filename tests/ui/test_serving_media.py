"""Kept files over HTTP: types, ranges, caches, names, thumbnails, zips; and nothing of them ever runs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import httpx
import pytest
from PIL import Image

from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.core.run import RunState
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.library import Library
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.routes import disposition
from tests.ui.serving_kit import Runs, a_run, client_of, served

WORDS = b"one line\n" * 500


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (640, 480), (200, 80, 20)).save(made, "PNG")
    return made.getvalue()


KEPT = {
    "kitten_00001_.png": picture(),
    "小猫 в саду — émue.png": picture(),
    "quo\"te's; 100%.txt": WORDS,
    "notes.txt": WORDS,
    "page.html": b"<script>alert(1)</script>",
    "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "clip.mp4": bytes(range(256)) * 64,
}


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> MediaStore:
    store = MediaStore(tmp_path_factory.mktemp("data"))
    for name, content in KEPT.items():
        store.keep("run1", OutputFile(name), [content])
    return store


@pytest.fixture(scope="module")
def client(media: MediaStore) -> Iterator[httpx.Client]:
    runs = Runs()
    runs.publish(a_run("run1", state=RunState.COMPLETED))
    dashboard = Dashboard(engine=runs, library=None, editor=None, media=media, results=None, version="1.2.3")
    with served(dashboard) as page, client_of(page.url) as client:
        yield client


def address(media: MediaStore, name: str) -> str:
    """The link of a file that was kept under this name, or under the safe name made of it."""
    stem = name.split(".")[0][:3]
    return f"/media/run1/{next(kept for kept in media.names('run1') if kept.startswith(stem))}"


@pytest.mark.parametrize("name", sorted(KEPT))
def test_a_kept_file_comes_byte_for_byte(client: httpx.Client, media: MediaStore, name: str) -> None:
    answer = client.get(address(media, name), headers={"Accept-Encoding": "br, gzip"})
    assert answer.status_code == 200
    assert answer.content == KEPT[name]
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("name", "type_", "way"),
    [
        ("kitten_00001_.png", "image/png", "inline"),
        ("notes.txt", "text/plain; charset=utf-8", "inline"),
        ("clip.mp4", "video/mp4", "inline"),
        ("page.html", "application/octet-stream", "attachment"),
        ("drawing.svg", "application/octet-stream", "attachment"),
    ],
)
def test_a_file_has_its_type_and_what_could_run_is_only_bytes(
    client: httpx.Client, name: str, type_: str, way: str
) -> None:
    headers = client.get(f"/media/run1/{name}").headers
    assert headers["content-type"] == type_
    assert headers["content-disposition"].startswith(way)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none';")


def test_a_kept_file_is_asked_for_once(client: httpx.Client) -> None:
    first = client.get("/media/run1/notes.txt")
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = client.get("/media/run1/notes.txt", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get("/media/run1/notes.txt", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_a_part_of_a_file(client: httpx.Client) -> None:
    wanted = {"Range": "bytes=1000-1999", "Accept-Encoding": "br, gzip"}
    for name in ("clip.mp4", "notes.txt"):
        answer = client.get(f"/media/run1/{name}", headers=wanted)
        assert answer.status_code == 206
        assert answer.content == KEPT[name][1000:2000]
        assert answer.headers["content-range"] == f"bytes 1000-1999/{len(KEPT[name])}"
    assert client.get("/media/run1/clip.mp4", headers={"Range": "bytes=99999999-"}).status_code == 416


def test_head_tells_the_size_and_sends_nothing(client: httpx.Client) -> None:
    answer = client.head("/media/run1/clip.mp4")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(KEPT["clip.mp4"]))


def test_a_download_keeps_any_name(client: httpx.Client) -> None:
    answer = client.get("/media/run1/小猫 в саду — émue.png?download=1")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="__ _ ____ _ _mue.png"; '
        "filename*=UTF-8''%E5%B0%8F%E7%8C%AB%20%D0%B2%20%D1%81%D0%B0%D0%B4%D1%83%20"
        "%E2%80%94%20%C3%A9mue.png"
    )


def test_a_name_cannot_end_its_header() -> None:
    assert disposition("inline", 'a"; filename=b\r\nX: y\\') == (
        "inline; filename=\"a_; filename=b__X: y_\"; filename*=UTF-8''a%22%3B%20filename%3Db%0D%0AX%3A%20y%5C"
    )


def test_a_thumbnail_is_small_and_a_picture(client: httpx.Client) -> None:
    answer = client.get("/media/run1/kitten_00001_.png?size=256")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"].endswith("immutable")
    assert Image.open(io.BytesIO(answer.content)).size == (256, 192)


def test_what_is_no_picture_has_no_thumbnail(client: httpx.Client) -> None:
    answer = client.get("/media/run1/notes.txt?size=256")
    assert (answer.status_code, answer.text) == (
        404,
        "There is no such file here, or no picture can be made of it.\n",
    )


@pytest.mark.parametrize("size", ["100000", "0", "-1", "big", "", "9" * 5000])
def test_a_thumbnail_has_one_of_a_few_sizes(client: httpx.Client, size: str) -> None:
    answer = client.get("/media/run1/kitten_00001_.png", params={"size": size})
    assert answer.status_code == 400
    assert answer.text == "A thumbnail's size is one of 64, 128, 256, 512, 1024.\n"


def test_a_run_as_one_archive(client: httpx.Client, media: MediaStore) -> None:
    answer = client.get("/media/run1.zip")
    assert answer.headers["content-type"] == "application/zip"
    assert 'filename="run1.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        files = [name for name in archive.namelist() if name != "manifest.csv" and "/" not in name]
        assert sorted(files) == sorted(media.names("run1"))
        assert sorted(archive.read(name) for name in files) == sorted(KEPT.values())


def test_several_runs_as_one_archive(client: httpx.Client) -> None:
    answer = client.post("/media.zip", data={"runs": "run1 nobody run1"})
    assert 'filename="results-1.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert "manifest.csv" in archive.namelist()
    assert client.post("/media.zip", data={"runs": "nobody"}).status_code == 404
    assert client.post("/media.zip").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/media/run1/nothing.png",
        "/media/run2/kitten_00001_.png",
        "/media/run2.zip",
        "/media/..zip",
        "/media/run1/",
        "/media/run1/..%2f..%2fbridge.db",
        "/media/%2e%2e/uploads/x",
        "/media/run1/.names",
        "/media/run1/%2fetc%2fpasswd",
        "/media/run1/%00",
        "/media/run1/kitten_00001_.png/",
        "/media/run1//kitten_00001_.png",
    ],
)
def test_what_is_not_kept_is_not_there(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert (
        answer.text.endswith("here.\n") or answer.text.endswith("made of it.\n") or "Not Found" in answer.text
    )


def test_a_link_out_of_the_folder_is_not_followed(client: httpx.Client, media: MediaStore) -> None:
    kept = media.path("run1", "notes.txt")
    assert kept is not None
    (kept.parent / "out.txt").symlink_to("/etc/passwd")
    assert client.get("/media/run1/out.txt").status_code == 404


NAMES = [
    "小猫.png",
    "кот — Ünïcode.png",
    "cat\u202egnp.exe.png",
    "e\u0301 combining.png",
    "\U0001f431\U0001f3fd.png",
    "عربي.png",
    "50% off; a=b, c&d?e#f +g.png",
    'quo"te\\back.png',
    "line\nbreak\ttab.png",
    "..hidden.png",
    " space .png",
    "CON.png",
    "猫" * 120 + ".png",
    "half \ud800.png",
    "../../../etc/passwd.png",
    "..\\..\\windows.png",
]


def test_a_name_of_any_letters_downloads_as_it_is_kept(tmp_path: Path) -> None:
    media = MediaStore(tmp_path)
    kept = {media.keep("run1", OutputFile(name), [repr(name).encode()]).name: name for name in NAMES}
    assert len(kept) == len(NAMES)
    runs = Runs()
    runs.publish(a_run("run1", state=RunState.COMPLETED))
    dashboard = Dashboard(engine=runs, library=None, editor=None, media=media, results=None, version="1.2.3")
    with served(dashboard) as page, client_of(page.url) as client:
        for name, asked in kept.items():
            answer = client.get(f"/media/run1/{quote(name, safe='')}?download=1")
            assert (answer.status_code, answer.content) == (200, repr(asked).encode()), asked
            plain, spelled = answer.headers["content-disposition"].split("; filename*=UTF-8''")
            assert unquote(spelled) == name
            assert plain.isascii()
            assert plain.isprintable()
        with zipfile.ZipFile(io.BytesIO(client.get("/media/run1.zip").content)) as archive:
            assert set(kept) <= set(archive.namelist())
            assert not any(name.startswith(("/", "..")) for name in archive.namelist())


COULD_RUN = "HTML htm html. xhtml shtml svg SVGZ xml xsl js mjs css pdf mht png.html wasm swf php hta url"


@pytest.mark.parametrize("name", ["a", *(f"a.{suffix}" for suffix in COULD_RUN.split())])
def test_nothing_that_could_run_is_opened(client: httpx.Client, media: MediaStore, name: str) -> None:
    kept = media.keep("hostile", OutputFile(name), [b"<script>alert(1)</script>"])
    for query in ("", "?download=1", "?size=64"):
        headers = client.get(f"/media/hostile/{quote(kept.name)}{query}").headers
        if "size" in query:
            assert headers["content-type"].startswith("text/plain")  # a sentence: it is no picture
            continue
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"].startswith("attachment")
        assert headers["content-security-policy"].startswith("sandbox; default-src 'none';")
        assert headers["x-content-type-options"] == "nosniff"


def test_links_lead_nowhere_whatever_they_are_named(tmp_path: Path) -> None:
    media = MediaStore(tmp_path / "data")
    media.keep("run1", OutputFile("a.png"), [picture()])
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.png").write_bytes(picture())
    folder = tmp_path / "data" / "media"
    (folder / "run1" / "link.png").symlink_to(outside / "b.png")
    (folder / "run1" / "folder").symlink_to(outside)
    (folder / "run2").symlink_to(outside)
    (folder / "run1" / "sub").mkdir()
    (folder / "run1" / "sub" / "c.png").write_bytes(picture())
    runs = Runs()
    for run_id in ("run1", "run2"):
        runs.publish(a_run(run_id, state=RunState.COMPLETED))
    dashboard = Dashboard(engine=runs, library=None, editor=None, media=media, results=None, version="1.2.3")
    with served(dashboard) as page, client_of(page.url) as client:
        for path in (
            "run1/link.png",
            "run1/folder/b.png",
            "run2/b.png",
            "run1/sub/c.png",
            "run1/sub",
            "run2.zip",
        ):
            for query in ("", "?size=64", "?download=1"):
                assert client.get(f"/media/{path}{query}").status_code == 404, path
        for zipped in (client.get("/media/run1.zip"), client.post("/media.zip", data={"runs": "run1 run2"})):
            with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
                files = [
                    name for name in archive.namelist() if not name.startswith(("manifest", "workflows"))
                ]
            assert files == ["a.png"]


def test_a_disk_that_fails_is_told_in_a_sentence(tmp_path: Path) -> None:
    media = MediaStore(tmp_path)
    media.keep("run1", OutputFile("a.png"), [picture()])
    thumbnails = tmp_path / "thumbnails" / "run1"
    thumbnails.write_text("a file where a folder should be")
    runs = Runs()
    runs.publish(a_run("run1", state=RunState.COMPLETED))
    dashboard = Dashboard(engine=runs, library=None, editor=None, media=media, results=None, version="1.2.3")
    with served(dashboard) as page:
        answer = httpx.get(f"{page.url}/media/run1/a.png?size=64")
    assert answer.status_code == 503
    assert "Traceback" not in answer.text
    assert str(thumbnails) in answer.text


def test_a_cover_is_shown_small_and_changes_with_its_file(media: MediaStore, tmp_path: Path) -> None:
    (tmp_path / "小猫.json").write_text('{"1": {"class_type": "Nothing", "inputs": {}}}')
    cover = tmp_path / "小猫.png"
    cover.write_bytes(picture())
    library = Catalogue(Library(tmp_path))
    dashboard = Dashboard(
        engine=Runs(), library=library, editor=None, media=media, results=None, version="1.2.3"
    )
    with served(dashboard) as page, client_of(page.url) as client:
        first = client.get("/covers/小猫?size=64")
        assert first.headers["content-type"] == "image/webp"
        assert first.headers["cache-control"] == "private, no-cache"
        assert Image.open(io.BytesIO(first.content)).size == (64, 48)
        assert client.get("/covers/小猫").content == picture()
        assert client.get("/covers/小猫?size=64&v=1").headers["cache-control"].endswith("immutable")
        known = {"If-None-Match": first.headers["etag"]}
        assert client.get("/covers/小猫?size=64", headers=known).status_code == 304
        Image.new("RGB", (100, 100)).save(cover)
        assert Image.open(io.BytesIO(client.get("/covers/小猫?size=64").content)).size == (64, 64)
        cover.write_bytes(b"no picture")
        assert client.get("/covers/小猫?size=64").status_code == 404
        cover.unlink()
        for slug in ("小猫", "other", "%2e%2e", "%2e%2e%2fetc"):
            assert client.get(f"/covers/{slug}").status_code == 404
        assert client.get("/covers/小猫?size=65").status_code == 400
