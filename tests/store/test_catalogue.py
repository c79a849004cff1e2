"""The library as templates: parsed once, anew when a file changes, wrong cards told."""

from __future__ import annotations

import json

import pytest

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
