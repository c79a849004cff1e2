"""The library as templates: parsed once, anew when a file changes, wrong cards told."""

from __future__ import annotations

import json

import pytest

from comfyui_bridge.core.form import make
from comfyui_bridge.core.node_defs import EMPTY
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.library import Library

GRAPH = {"1": {"class_type": "SaveImage", "inputs": {"filename_prefix": "a"}}}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(GRAPH), "utf-8")
    (tmp_path / "one.toml").write_text('title = "The first"\ntags = "wrong"\n', "utf-8")
    (tmp_path / "two.json").write_text("{ broken", "utf-8")
    return tmp_path


def test_templates_come_by_slug_with_what_is_wrong_beside(folder):
    catalogue = Catalogue(Library(folder))
    assert [t.slug for t in catalogue.templates()] == ["one"]
    assert catalogue.get("one").title == "The first"
    assert catalogue.get("two") is None
    assert [p.file for p in catalogue.problems()] == ["two.json", "one.toml"]


def test_a_template_stays_the_same_object_while_nothing_changes(folder):
    catalogue = Catalogue(Library(folder))
    before, version = catalogue.get("one"), catalogue.version()
    assert catalogue.get("one") is before
    assert catalogue.version() == version


def test_a_file_dropped_in_is_there_at_once(folder):
    catalogue = Catalogue(Library(folder))
    before, version = catalogue.get("one"), catalogue.version()
    (folder / "three.json").write_text(json.dumps(GRAPH), "utf-8")
    assert catalogue.get("three").title == "Three"
    assert catalogue.version() > version
    assert catalogue.get("one") is before


def test_one_look_holds_for_a_while_and_ends_when_told(folder):
    now = [100.0]
    catalogue = Catalogue(Library(folder), look_every=1.0, monotonic=lambda: now[0])
    assert catalogue.get("one") is not None
    (folder / "three.json").write_text(json.dumps(GRAPH), "utf-8")
    now[0] += 0.9
    assert catalogue.get("three") is None
    now[0] += 0.2
    assert catalogue.get("three") is not None
    (folder / "four.json").write_text(json.dumps(GRAPH), "utf-8")
    catalogue.look_again()
    assert catalogue.get("four") is not None


def test_a_cover_has_another_word_once_it_is_another(folder):
    catalogue = Catalogue(Library(folder))
    assert (catalogue.covers(), catalogue.cover("one")) == ({}, None)
    (folder / "one.png").write_bytes(b"a picture")
    first = catalogue.covers()
    (folder / "one.png").write_bytes(b"another picture")
    (folder / "one.toml").write_text("", "utf-8")
    assert set(first) == set(catalogue.covers()) == {"one"}
    assert catalogue.covers() != first
    assert catalogue.cover("one") == folder / "one.png"


def test_problems_of_a_card_tell_their_line(folder):
    (folder / "one.toml").write_text(
        'title = "x"\n\n[[inputs]]\nnode = "9"\ninput = "a"\nstep = "b"\n', "utf-8"
    )
    catalogue = Catalogue(Library(folder))
    assert [p.message for p in catalogue.problems() if p.file == "one.toml"] == [
        "Line 6, input 1: step should be a number, and is 'b'."
    ]
    form = make(catalogue.get("one"), EMPTY)
    assert "Line 3: the card shows 9.a, but the workflow has no node 9." in form.problems
