"""The lists that prompts name."""

from __future__ import annotations

import os

import pytest

from comfyui_bridge.core import wildcards
from comfyui_bridge.store.wildcard_files import MOST_BYTES, WildcardFiles


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "wildcards"
    (folder / "animals").mkdir(parents=True)
    (folder / "colour.txt").write_text("\ufeff# what it is\nred\n\n  3::dark green \n", encoding="utf-8")
    (folder / "animals" / "cat.txt").write_text("lynx\n", encoding="utf-8")
    (folder / "动物.txt").write_text("狐狸\n", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("not for you\n")
    return WildcardFiles(folder)


def test_lists_are_read_by_name(files):
    assert files.lines("colour") == ("red", "3::dark green")
    assert files.lines("animals/cat") == ("lynx",)
    assert files.lines("动物") == ("狐狸",)
    assert files.names() == ("animals/cat", "colour", "动物")
    assert wildcards.every(["a __colour__ __animals/cat__"], files.lines) == (
        "a red lynx",
        "a dark green lynx",
    )


@pytest.mark.parametrize(
    "name", ["nobody", "../secret", "animals/../../secret", "/etc/passwd", "animals", ""]
)
def test_there_is_no_such_list(files, name):
    assert files.lines(name) is None


def test_a_link_out_of_the_folder_is_not_followed(files, tmp_path):
    os.symlink(tmp_path / "secret.txt", tmp_path / "wildcards" / "link.txt")
    os.mkfifo(tmp_path / "wildcards" / "pipe.txt")
    assert files.lines("link") is None
    assert files.lines("pipe") is None


def test_a_file_that_changed_is_read_again(files, tmp_path):
    path = tmp_path / "wildcards" / "colour.txt"
    assert files.lines("colour") == ("red", "3::dark green")
    path.write_text("blue\nyellow\n")
    assert files.lines("colour") == ("blue", "yellow")


@pytest.mark.parametrize(
    ("content", "told"), [(b"\xff\xfe\x00", "UTF-8"), (b"a\n" * MOST_BYTES, "larger than 4 MB")]
)
def test_what_cannot_be_read_is_told(files, tmp_path, content, told):
    (tmp_path / "wildcards" / "odd.txt").write_bytes(content)
    with pytest.raises(ValueError, match=told):
        files.lines("odd")


def test_without_a_folder_there_are_no_lists(tmp_path):
    assert WildcardFiles(tmp_path / "none").names() == ()
    assert WildcardFiles(tmp_path / "none").lines("x") is None
