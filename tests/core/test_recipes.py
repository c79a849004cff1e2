"""A recipe link says what made a run, comes back as the same values, and stays short enough to be sent."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyui_bridge.core import form as forms
from comfyui_bridge.core import recipes, workflow
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.node_defs import EMPTY
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.template import Template

GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20, "cfg": 7.0, "text": "a fox"}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
}


def a_run(**values):
    graph = workflow.parse(GRAPH)
    return Run("r1", "p", graph, 0.0, template="t", values=values, fingerprint=graph.fingerprint())


def read_back(run, form=None, seen=True):
    link = recipes.query(recipes.of_run(run))
    recipe = recipes.parse(parse_qsl(link.removeprefix("?"), keep_blank_values=True))
    return recipe, recipes.values_of(recipe, form, run if seen else None)


ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=60),
    st.lists(st.fixed_dictionaries({"name": st.text(max_size=9), "strength_model": st.floats(0, 2)})),
    st.builds(FileValue, st.just("ab" * 32), st.text(max_size=9)),
)


@given(st.dictionaries(st.text(max_size=20), ANY, max_size=8))
def test_who_sees_the_run_gets_its_very_values(values):
    run = a_run(**values)
    recipe, got = read_back(run)
    assert got == values
    assert recipes.is_of_run(recipe, run)
    assert (recipe.run_id, recipe.template) == ("r1", "t")


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=20), st.text(), max_size=8))
def test_texts_need_no_run(values):
    recipe, got = read_back(a_run(**values), seen=False)
    carried = {key: value for key, value in values.items() if key not in recipe.kept}
    assert got == carried
    for key in recipe.kept:
        assert any("\ud800" <= letter <= "\udfff" for letter in values[key])


def test_values_and_the_page_s_own_words_are_told_apart():
    values = {
        "run": "1",
        "template": "2",
        "__lang": "3",
        ".run": "4",
        "kept": "5",
        "without": "6",
        "off": None,
    }
    recipe, got = read_back(a_run(**values), seen=False)
    assert got == values
    assert recipe.run_id == "r1"
    assert "off" not in recipes.parse([("__theme", "dark"), ("steps", "3")]).values


def test_a_file_stays_with_the_run():
    picture = FileValue("ab" * 32, "cat.png")
    run = a_run(image=picture, controlnet={"name": "canny", "image": picture}, steps=3)
    recipe, got = read_back(run, seen=False)
    assert recipe.kept == ("image", "controlnet")
    assert got == {"steps": "3"}
    assert "ab" * 32 not in recipes.query(recipe)
    assert not recipes.is_whole(recipe, None)
    assert recipes.is_whole(recipe, run)


@pytest.mark.parametrize("letter", ["a", "猫", "&", "\n"])
def test_what_is_too_long_stays_with_the_run_and_the_short_ones_go(letter):
    run = a_run(prompt=letter * 9000, negative=letter * 300, steps=4, seed=2**64 - 1)
    recipe, got = read_back(run)
    assert recipe.kept == ("prompt",)
    assert len(recipes.query(recipe)) <= recipes.LONGEST
    assert recipe.values["seed"] == str(2**64 - 1)
    assert got["prompt"] == letter * 9000


def test_so_many_values_that_their_names_are_too_long_all_stay():
    run = a_run(**{f"a very long name of an input {number}": number for number in range(400)})
    recipe, got = read_back(run)
    assert len(recipes.query(recipe)) <= recipes.LONGEST
    assert got == run.values
    assert not recipes.is_whole(recipe, None)


def test_a_changed_link_is_not_the_run_s():
    run = a_run(prompt="a fox", steps=3)
    recipe = recipes.of_run(run)
    assert not recipes.is_of_run(replace(recipe, values={**recipe.values, "steps": "4"}), run)
    assert not recipes.is_of_run(replace(recipe, template="other"), run)


def test_the_version_tells_a_changed_template():
    template = Template("t", "T", GRAPH)
    form = forms.make(template, EMPTY)
    values = form.check({"3.text": "a wolf", "3.seed": 5})
    sent = form.patched(values)
    run = replace(a_run(**values), fingerprint=sent.fingerprint(), workflow=sent)
    recipe, got = read_back(run, form, seen=False)
    assert recipes.version_now(form, got) == recipe.version
    changed = json.loads(json.dumps(GRAPH))
    changed["9"]["inputs"]["filename_prefix"] = "other"
    now = recipes.version_now(forms.make(replace(template, document=changed), EMPTY), got)
    assert now
    assert now != recipe.version
    assert recipes.version_now(form, {**got, "3.steps": "many"}) == ""
