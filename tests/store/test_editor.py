"""Templates that come, change and go, over real folders: nothing is lost, nobody is overwritten."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from comfyui_bridge.core.errors import EditedMeanwhile, StoreError, TemplateError, WrongCard
from comfyui_bridge.core.template import CardEdit, Exposure, Template
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.editor import Editor, slug_of
from comfyui_bridge.store.intake import Intake
from comfyui_bridge.store.library import Library

GRAPH = {"1": {"class_type": "LoadImage", "inputs": {"image": "猫.png", "seed": 2**64 - 1}}}
CARD = '# mine\ntitle = "Kitten"  # the best\n\n[[inputs]]\nnode = "1"\ninput = "image"\n'


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(written, kind)
    return written.getvalue()


class House:
    """A folder of workflows with one template in it, its editor, and those who look at it."""

    def __init__(self, home: Path) -> None:
        self.folder, self.trash = home / "workflows", home / "data" / "trash"
        self.now = 1_000_000.0
        self.folder.mkdir(parents=True)
        self.library = Catalogue(Library(self.folder), look_every=3600.0)
        self.editor = Editor(self.folder, self.trash, wrote=self.library.look_again, clock=lambda: self.now)

    def write(self, name: str, content: str | bytes) -> None:
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        self.library.look_again()

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}

    def template(self, slug: str) -> Template:
        found = self.library.get(slug)
        assert found is not None
        return found

    def edit(self, slug: str) -> CardEdit:
        now = self.template(slug)
        return CardEdit(now.title, now.description, now.tags, now.exposures)


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.write("cat.json", json.dumps(GRAPH))
    made.write("cat.toml", CARD)
    return made


def test_what_is_added_is_there_at_once(house: House) -> None:
    assert house.library.get("dog") is None
    slug = house.editor.add("dog", GRAPH, {"title": "Dog", "inputs": [{"node": "1", "input": "image"}]})
    assert slug == "dog"
    assert house.template("dog").title == "Dog"
    assert house.template("dog").document == GRAPH
    assert house.template("dog").exposures == (Exposure("1", "image"),)


def test_a_name_that_is_taken_gets_a_number(house: House) -> None:
    house.write("dog-2.webp", b"somebody's picture")
    names = [house.editor.add(name, GRAPH) for name in ("Cat", "cat", "dog", "dog")]
    assert names == ["Cat-2", "cat-3", "dog", "dog-3"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("My Workflow (3)", "My-Workflow-(3)"),
        ("../../etc/passwd", "etc-passwd"),
        ("..\\..\\boot", "boot"),
        ("", "workflow"),
        (" ../ ", "workflow"),
        ("con", "_con"),
        (".hidden", "hidden"),
        ("<b>猫</b>", "_b_猫_-b_"),
        ("x" * 500, "x" * 120),
        ("猫" * 100, "猫" * 40),
        ("a\x00b\nc\u202egnp", "ab-cgnp"),
        ("v1.5", "v1.5"),
        ("half \ud800", "half"),
    ],
)
def test_any_name_becomes_a_slug_that_stays_in_the_folder(house: House, name: str, slug: str) -> None:
    assert slug_of(name) == slug
    before = house.files()
    assert house.editor.add(name, GRAPH) == slug
    assert house.files() - before == {f"{slug}.json"}
    assert house.template(slug).document == GRAPH
    assert slug_of(slug) == slug


def test_a_file_is_kept_byte_for_byte(house: House) -> None:
    text = b'{"1":   {"class_type": "X", "inputs": {"a": 1.00}}}'
    slug = house.editor.take(Intake("odd", json.loads(text), None, None, text, b"# only a comment"))
    assert (house.read(f"{slug}.json"), house.read(f"{slug}.toml")) == (text, b"# only a comment")


def test_two_who_edit_one_card_the_second_is_told(house: House) -> None:
    seen = house.editor.card_version("cat")
    mine, other = (replace(house.edit("cat"), title=title) for title in ("Mine", "Other"))
    newer = house.editor.save_card("cat", mine, seen)
    with pytest.raises(EditedMeanwhile, match="cat"):
        house.editor.save_card("cat", other, seen)
    assert house.read("cat.toml").decode() == CARD.replace('"Kitten"', '"Mine"')
    assert house.editor.card_version("cat") == newer != seen
    house.editor.save_card("cat", other, newer)
    assert house.template("cat").title == "Other"


def test_a_card_changed_by_hand_meanwhile_is_not_overwritten(house: House) -> None:
    seen = house.editor.card_version("cat")
    house.write("cat.toml", CARD + 'help = "by hand"\n')
    with pytest.raises(EditedMeanwhile):
        house.editor.save_card("cat", house.edit("cat"), seen)


def test_of_many_at_once_exactly_one_saves(house: House) -> None:
    seen, edit = house.editor.card_version("cat"), house.edit("cat")
    told: list[str] = []

    def save(title: str) -> None:
        try:
            house.editor.save_card("cat", replace(edit, title=title), seen)
            told.append(title)
        except EditedMeanwhile:
            pass

    threads = [threading.Thread(target=save, args=(f"Title {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [house.template("cat").title]


def test_a_template_without_a_card_gets_one_once_it_says_something(house: House) -> None:
    slug = house.editor.add("plain", GRAPH)
    assert house.editor.card_version(slug) == ""
    assert house.editor.save_card(slug, house.edit(slug), "") == ""
    assert not (house.folder / "plain.toml").exists()
    version = house.editor.save_card(slug, replace(house.edit(slug), tags=("a",)), "")
    assert house.read("plain.toml") == b'tags = ["a"]\n'
    assert version == house.editor.card_version(slug)


@pytest.mark.parametrize("wrong", ["title = \n", "title = 'a'\xff", '[inputs]\nnode = "1"\n'])
def test_a_wrong_card_is_replaced_only_when_asked(house: House, wrong: str) -> None:
    content = wrong.encode("latin-1")
    house.write("cat.toml", content)
    edit = CardEdit("New", exposures=(Exposure("1", "image"),))
    version = house.editor.card_version("cat")
    with pytest.raises(WrongCard, match=r"^cat\.toml stays as it is: .*\. Mend it"):
        house.editor.save_card("cat", edit, version)
    assert house.read("cat.toml") == content
    house.editor.save_card("cat", edit, version, replaces=True)
    assert house.edit("cat") == edit
    (kept,) = house.trash.rglob("*.toml")
    assert kept.read_bytes() == content


def test_a_cover_is_made_of_any_picture(house: House) -> None:
    house.write("cat.png", picture(30, 30))
    house.editor.set_cover("cat", picture(2048, 1024, "JPEG"))
    cover = house.library.cover("cat")
    assert cover == house.folder / "cat.webp"
    with Image.open(cover) as made:
        assert (made.format, made.size) == ("WEBP", (512, 256))
    assert house.files() == {"cat.json", "cat.toml", "cat.webp"}
    assert [path.name for path in house.trash.rglob("*.png")] == ["cat.png"]
    with pytest.raises(TemplateError, match="no picture"):
        house.editor.set_cover("cat", b"GIF89a, or so")
    assert house.library.cover("cat") == cover


def test_a_duplicate_is_another_template_with_another_title(house: House) -> None:
    house.editor.set_cover("cat", picture(64, 64))
    assert house.editor.duplicate("cat") == "cat-2"
    assert house.editor.duplicate("cat") == "cat-3"
    assert house.read("cat-2.json") == house.read("cat.json")
    assert house.read("cat-2.toml").decode() == CARD.replace('"Kitten"', '"Kitten 2"')
    assert [one.title for one in house.library.templates()] == ["Kitten", "Kitten 2", "Kitten 3"]
    assert house.library.cover("cat-3") is not None


def test_a_renamed_template_takes_all_its_files_along(house: House) -> None:
    house.write("cat.jpg", picture(9, 9, "JPEG"))
    house.editor.add("dog", GRAPH)
    assert house.editor.rename("cat", "Le chat") == "Le-chat"
    assert house.files() == {"Le-chat.json", "Le-chat.toml", "Le-chat.jpg", "dog.json"}
    with pytest.raises(StoreError, match="There is a template DOG already"):
        house.editor.rename("Le-chat", "DOG")
    assert house.editor.rename("Le-chat", "le-CHAT") == "le-CHAT"
    assert house.library.get("le-CHAT") is not None


def test_what_is_deleted_comes_back_as_it_was(house: House) -> None:
    house.write("cat.png", picture(9, 9))
    before = {name: house.read(name) for name in house.files()}
    token = house.editor.delete("cat")
    assert house.files() == set()
    assert house.library.get("cat") is None
    assert house.editor.restore(token) == "cat"
    assert {name: house.read(name) for name in house.files()} == before
    with pytest.raises(StoreError, match="no longer be undone"):
        house.editor.restore(token)


def test_it_comes_back_under_another_name_where_its_own_is_taken(house: House) -> None:
    token = house.editor.delete("cat")
    house.editor.add("cat", {"1": {"class_type": "Y", "inputs": {}}})
    assert house.editor.restore(token) == "cat-2"
    assert house.template("cat-2").document == GRAPH


def test_the_trash_keeps_things_for_thirty_days(house: House) -> None:
    old = house.editor.delete("cat")
    house.editor.add("dog", GRAPH)
    house.now += 30 * 24 * 3600 - 1
    house.editor.delete("dog")
    assert house.editor.restore(old) == "cat"
    old = house.editor.delete("cat")
    house.now += 30 * 24 * 3600 + 2
    house.editor.delete(house.editor.add("fox", GRAPH))
    with pytest.raises(StoreError, match="no longer be undone"):
        house.editor.restore(old)


@pytest.mark.parametrize("token", ["", "..", "../workflows", "1-0", "/etc", "1000000-" + "0" * 16])
def test_a_token_nobody_gave_leads_nowhere(house: House, token: str) -> None:
    with pytest.raises(StoreError, match="no longer be undone"):
        house.editor.restore(token)
    assert house.files() == {"cat.json", "cat.toml"}


@pytest.mark.parametrize("slug", ["", "dog", "../cat", "..", "cat.json", "a/b", "cat\x00"])
def test_what_is_no_template_is_said(house: House, slug: str) -> None:
    edit = CardEdit("x")
    for act in (
        lambda: house.editor.card_version(slug),
        lambda: house.editor.save_card(slug, edit, ""),
        lambda: house.editor.set_cover(slug, picture(8, 8)),
        lambda: house.editor.duplicate(slug),
        lambda: house.editor.rename(slug, "new"),
        lambda: house.editor.delete(slug),
        lambda: house.editor.bundle(slug),
    ):
        with pytest.raises(TemplateError, match="There is no template"):
            act()
    assert house.files() == {"cat.json", "cat.toml"}


def test_a_link_that_leaves_the_folder_is_nobodys_file(house: House, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(json.dumps(GRAPH))
    (house.folder / "link.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(TemplateError):
        house.editor.bundle("link")
    with pytest.raises(TemplateError):
        house.editor.delete("link")
    assert (tmp_path / "secret.json").exists()


def test_a_bundle_holds_the_files_as_they_stand(house: House) -> None:
    house.write("cat.json", b'{"1":{"class_type":"X","inputs":{"a":1.00}}}  ')
    house.editor.set_cover("cat", picture(64, 64))
    with zipfile.ZipFile(io.BytesIO(house.editor.bundle("cat"))) as bundle:
        found = {name: bundle.read(name) for name in bundle.namelist()}
    assert found == {name: house.read(name) for name in ("cat.json", "cat.toml", "cat.webp")}


@pytest.mark.parametrize(
    "act",
    [
        lambda editor: editor.add("new", GRAPH, {"title": "x"}),
        lambda editor: editor.save_card("cat", CardEdit("New"), editor.card_version("cat")),
        lambda editor: editor.delete("cat"),
        lambda editor: editor.duplicate("cat"),
    ],
)
def test_a_folder_that_takes_nothing_is_a_sentence_and_loses_nothing(
    house: House, act: Callable[[Editor], object]
) -> None:
    house.editor = Editor(house.folder / "cat.json" / "no folder", house.trash)
    with pytest.raises(StoreError, match="cannot be used"):
        act(house.editor)
    assert house.files() == {"cat.json", "cat.toml"}


def test_what_json_or_toml_cannot_write_is_refused_whole(house: House) -> None:
    for document, card in (({"a": float("nan")}, None), ({"a": {1, 2}}, None), (GRAPH, {"title": object()})):
        with pytest.raises(TemplateError, match="cannot write"):
            house.editor.add("bad", document, card)  # type: ignore[arg-type]
    assert house.files() == {"cat.json", "cat.toml"}
