"""The workflows folder: whatever is dropped in, the good is read and the bad is told."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfyui_bridge.store.library import Library, LibraryProblem, LibraryState

DOCUMENT: dict[str, Any] = {"3": {"class_type": "KSampler", "inputs": {"seed": 2**64 - 1, "text": "猫"}}}
TEXT = json.dumps(DOCUMENT, ensure_ascii=False)
CARD = 'title = "Kitten" # mine\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "workflows"
    folder.mkdir()
    return folder


def write(folder: Path, **files: str | bytes) -> None:
    """Write files as a copy that ended a while ago: `cat_json="{}"` is cat.json."""
    for name, content in files.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def slugs(state: LibraryState) -> list[str]:
    return [template.slug for template in state.templates]


def problems(state: LibraryState) -> dict[str, str]:
    return {problem.file: problem.message for problem in state.problems}


def test_an_empty_folder_is_an_empty_library(folder: Path) -> None:
    assert Library(folder).scan() == LibraryState()


def test_a_workflow_works_without_a_card_and_with_all(folder: Path) -> None:
    write(folder, b_json=TEXT, a_json=TEXT, a_toml=CARD, a_webp=b"RIFF")
    (folder / "README.md").write_text("# How to")
    (folder / "a.json~").write_text("backup")
    (folder / ".hidden.json").write_text("of the system")
    (folder / "._a.json").write_bytes(b"\x00\x05\x16\x07")  # macOS leaves such beside copies
    (folder / "more").mkdir()
    state = Library(folder).scan()
    assert state.problems == ()
    a, b = state.templates
    assert (a.slug, a.document, a.card, a.cover) == ("a", DOCUMENT, {"title": "Kitten"}, folder / "a.webp")
    assert (b.slug, b.document, b.card, b.cover) == ("b", DOCUMENT, None, None)
    newest = max((folder / name).stat().st_mtime for name in ("a.json", "a.toml", "a.webp"))
    assert a.changed_at == pytest.approx(newest, abs=1e-3)


def test_covers_are_taken_in_the_order_webp_png_jpg_jpeg(folder: Path) -> None:
    write(folder, a_json=TEXT, a_jpeg=b"", a_jpg=b"", a_png=b"", a_webp=b"", lonely_png=b"")
    library = Library(folder)
    for suffix in (".webp", ".png", ".jpg", ".jpeg"):
        assert library.scan().templates[0].cover == folder / f"a{suffix}"
        (folder / f"a{suffix}").unlink()
    assert library.scan().templates[0].cover is None


def test_the_document_is_left_as_it_is_whatever_its_format(folder: Path) -> None:
    ui_format = {"nodes": [{"id": 1, "type": "KSampler"}], "links": [], "version": 0.4}
    write(folder, ui_json=json.dumps(ui_format), strange_json='{"anything": true}', empty_json="{}")
    state = Library(folder).scan()
    assert [template.document for template in state.templates] == [{}, {"anything": True}, ui_format]


BAD: list[tuple[str, bytes, str]] = [
    ("bad.json", b'{"1": {}\n "2"', "Line 2, column 2: expected , or the closing bracket."),
    ("bad.json", b"", "It is empty; expected a workflow as ComfyUI exports it."),
    ("bad.json", b"[1]", "Line 1, column 1: expected { to open an object of nodes."),
    ("bad.json", b'{"a": NaN}', "Line 1, column 7: expected a number, not NaN, which JSON does not know."),
    (
        "bad.json",
        b'{"a":' * 300 + b"1" + b"}" * 300,
        "It is nested more than 100 levels deep, as no workflow and no card is.",
    ),
    ("bad.json", b"\xff\xfe{\x00}\x00", "Line 1 is no UTF-8; expected a text saved as UTF-8."),
    (
        "bad.json",
        b'{"a": 1, "a": 2}',
        "Line 1, column 10: expected each key once in an object, and this one is there already.",
    ),
    ("lonely.toml", b"", "There is no workflow lonely.json beside this card."),
    (
        "a:b.json",
        b"{}",
        "Its name cannot be a template's name; call it a_b.json, for instance.",
    ),
    ("con.json", b"{}", "Its name cannot be a template's name; call it _con.json, for instance."),
    ("a .json", b"{}", "Its name cannot be a template's name; call it a.json, for instance."),
]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not even take such names")
@pytest.mark.parametrize(("file", "content", "message"), BAD)
def test_a_bad_file_is_told_and_the_others_work(
    folder: Path, file: str, content: bytes, message: str
) -> None:
    write(folder, good_json=TEXT, good_toml=CARD)
    (folder / file).write_bytes(content)
    state = Library(folder).scan()
    assert problems(state) == {file: message}
    assert slugs(state) == ["good"]
    assert state.templates[0].card == {"title": "Kitten"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere these are one file")
def test_suffixes_may_be_large_and_two_files_of_one_slug_are_told(folder: Path) -> None:
    write(folder, a_JSON=TEXT, a_PNG=b"", b_JSON=TEXT, b_json="{}", B_json=TEXT)
    state = Library(folder).scan()
    assert slugs(state) == ["B", "a", "b"]
    assert state.templates[1].cover == folder / "a.PNG"
    assert state.templates[2].document == DOCUMENT
    assert problems(state) == {"b.json": "b.JSON has the same name already; rename one of them."}


def test_a_broken_card_leaves_the_template_without_card(folder: Path) -> None:
    write(folder, a_json=TEXT, a_toml="title = Kitten\n")
    state = Library(folder).scan()
    assert (state.templates[0].slug, state.templates[0].card) == ("a", None)
    sentence = "Line 1, column 9: unexpected character: 'K'; expected KEY = VALUE, with quotes around a text."
    assert problems(state) == {"a.toml": sentence}


def test_a_broken_workflow_with_a_card_is_one_problem(folder: Path) -> None:
    write(folder, a_json="{", a_toml=CARD)
    assert list(problems(Library(folder).scan())) == ["a.json"]


def test_a_huge_file_is_refused_unread(folder: Path) -> None:
    write(folder, b_json=TEXT)
    for name, megabytes in (("a.json", 33), ("b.toml", 2)):
        with (folder / name).open("wb") as file:
            file.truncate(megabytes << 20)  # a hole: no bytes on disk
    state = Library(folder).scan()
    assert problems(state) == {
        "a.json": "It is 33.0 MB large; a workflow may have 32 MB at most.",
        "b.toml": "It is 2.0 MB large; a card may have 1 MB at most.",
    }
    assert slugs(state) == ["b"]


@pytest.mark.parametrize("slug", ["猫 и кот", "a b", "a.b", "qwen-image_2512 (fast)", "a'b", "😺", "%41&x=1"])
def test_a_name_that_every_system_takes_is_a_slug_as_it_is(folder: Path, slug: str) -> None:
    (folder / f"{slug}.json").write_text(TEXT)
    state = Library(folder).scan()
    assert (slugs(state), state.problems) == ([slug], ())


def test_a_name_in_two_spellings_of_unicode_is_one_slug(folder: Path) -> None:
    (folder / "cafe\u0301.json").write_text(TEXT)
    (folder / "caf\u00e9.toml").write_text(CARD)
    state = Library(folder).scan()
    assert slugs(state) == ["caf\u00e9"]
    assert state.templates[0].card == {"title": "Kitten"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes names that are no Unicode")
def test_a_name_that_is_no_unicode_is_told_in_unicode(folder: Path) -> None:
    with open(os.fsencode(folder) + b"/caf\xe9.json", "w") as file:
        file.write(TEXT)
    told = problems(Library(folder).scan())
    assert told == {
        "caf\\udce9.json": "Its name cannot be a template's name; call it caf.json, for instance."
    }


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_are_followed_within_the_folder_only(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(TEXT)
    (tmp_path / "secret.png").write_bytes(b"")
    (folder / "real").mkdir()
    (folder / "real" / "in.json").write_text(TEXT)
    (folder / "inside.json").symlink_to("real/in.json")
    (folder / "outside.json").symlink_to(tmp_path / "secret.json")
    (folder / "outside.toml").symlink_to("../secret.json")
    (folder / "inside.png").symlink_to(tmp_path / "secret.png")
    (folder / "nowhere.json").symlink_to("gone.json")
    (folder / "round.json").symlink_to("round.json")
    state = Library(folder).scan()
    assert slugs(state) == ["inside"]
    assert state.templates[0].cover is None
    leaves = "It is a link that leaves the folder, and is not followed; put the file itself here."
    assert problems(state) == {
        "inside.png": leaves,
        "nowhere.json": "It is a link that leads nowhere.",
        "outside.json": leaves,
        "outside.toml": leaves,
        "round.json": "It is a link that leads nowhere.",
    }


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    write(folder, a_json=TEXT)
    (folder / "b.json").symlink_to("a.json")
    (tmp_path / "linked").symlink_to(folder)
    assert slugs(Library(tmp_path / "linked").scan()) == ["a", "b"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_file_is_not_opened(folder: Path) -> None:
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")  # opening it would wait for ever
    told = problems(Library(folder).scan())
    assert told == dict.fromkeys(
        ("folder.json", "pipe.json"), "It is no file; expected a workflow, a card or a cover."
    )


def test_a_folder_that_is_not_there_is_told_and_noticed_when_it_comes(tmp_path: Path) -> None:
    library = Library(tmp_path / "workflows")
    assert library.scan().problems == (
        LibraryProblem(
            str(tmp_path / "workflows"),
            "The folder of workflows cannot be read: No such file or directory. Make it, or name another"
            " with --workflows.",
        ),
    )
    (tmp_path / "workflows").mkdir()
    write(tmp_path / "workflows", a_json=TEXT)
    assert slugs(library.scan()) == ["a"]
    shutil.rmtree(tmp_path / "workflows")
    assert library.scan().templates == ()


# Changes


def age(folder: Path, seconds: float = 100.5) -> None:
    """Make every file as old as files mostly are."""
    for path in folder.iterdir():
        now = path.stat().st_mtime
        os.utime(path, (now - seconds, now - seconds))


def test_nothing_changed_gives_the_very_same_value(folder: Path) -> None:
    write(folder, a_json=TEXT, a_toml=CARD, b_json="broken")
    library = Library(folder)
    first = library.scan()
    assert library.scan() is first  # even if the files are read again, being so young
    age(folder)
    aged = library.scan()
    assert library.scan() is aged
    assert aged.templates[0].document is first.templates[0].document, "same bytes are not parsed again"


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.json").write_text('{"other": 1}'),
        lambda folder: (folder / "a.toml").write_text('title = "Other"'),
        lambda folder: (folder / "a.toml").unlink(),
        lambda folder: (folder / "a.toml").write_text("title = broken"),
        lambda folder: (folder / "a.png").write_bytes(b"x"),
        lambda folder: (folder / "a.webp").unlink(),
        lambda folder: (folder / "a.webp").write_bytes(b"another cover"),
    ],
)
def test_a_change_to_any_part_gives_the_template_another_fingerprint(folder: Path, change: Change) -> None:
    write(folder, a_json=TEXT, a_toml=CARD, a_webp=b"cover", b_json=TEXT)
    age(folder)
    library = Library(folder)
    before = library.scan()
    change(folder)
    after = library.scan()
    if (folder / "a.png").exists() and (folder / "a.webp").exists():
        assert after is before  # a cover that is not shown
    else:
        assert after.templates[0].fingerprint != before.templates[0].fingerprint
    assert after.templates[1] == before.templates[1]


def test_touching_a_file_changes_its_time_and_not_its_fingerprint(folder: Path) -> None:
    write(folder, a_json=TEXT)
    age(folder)
    library = Library(folder)
    before = library.scan().templates[0]
    os.utime(folder / "a.json")
    after = library.scan().templates[0]
    assert after.fingerprint == before.fingerprint
    assert after.changed_at > before.changed_at
    assert after.document is before.document


def test_templates_come_and_go(folder: Path) -> None:
    library = Library(folder)
    seen = [slugs(library.scan())]
    write(folder, a_json=TEXT, b_json=TEXT)
    seen.append(slugs(library.scan()))
    (folder / "a.json").rename(folder / "c.json")
    seen.append(slugs(library.scan()))
    (folder / "b.json").unlink()
    seen.append(slugs(library.scan()))
    assert seen == [[], ["a", "b"], ["b", "c"], ["c"]]


def test_a_file_that_is_still_being_copied_is_tried_again(folder: Path) -> None:
    library = Library(folder)
    with (folder / "a.json").open("w") as file:
        for part, expected in ((TEXT[:20], []), (TEXT[20:], ["a"])):
            file.write(part)
            file.flush()
            state = library.scan()
            assert slugs(state) == expected
            assert list(problems(state)) == ([] if expected else ["a.json"])


@pytest.mark.parametrize(
    ("written_at", "read_at", "noticed"),
    [
        (1_000.25, 1_000.26, True),  # within the same tick of the clock: its time tells nothing
        (1_000.25, 1_000.50, False),
        (1_000.0, 1_001.5, True),  # whole seconds: a file system that knows no finer ones
        (1_000.0, 1_003.0, False),
        (2_000.25, 1_000.0, False),  # a file from the future
    ],
)
def test_a_file_written_in_the_tick_in_which_it_was_read_is_read_again(
    folder: Path, written_at: float, read_at: float, noticed: bool
) -> None:
    path = folder / "a.json"

    def write_at_once(text: str) -> None:
        path.write_text(text)
        os.utime(path, (written_at, written_at))

    library = Library(folder, clock=lambda: read_at)
    write_at_once('{"a": 1}')
    library.scan()
    write_at_once('{"a": 2}')  # same size, same time, same inode
    assert library.scan().templates[0].document == ({"a": 2} if noticed else {"a": 1})


def test_scans_from_many_threads_see_one_library(folder: Path) -> None:
    for number in range(20):
        (folder / f"{number}.json").write_text(TEXT)
    age(folder)
    library = Library(folder)
    states: list[LibraryState] = []
    threads = [threading.Thread(target=lambda: states.append(library.scan())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(state) for state in states}) == 1
    assert len(states) == 8
