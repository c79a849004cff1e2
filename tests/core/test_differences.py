"""Only what differs is told, and applying a difference makes a third run differ in the same way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyui_bridge.core import workflow
from comfyui_bridge.core.differences import Piece, Side, applied, differences, pieces
from comfyui_bridge.core.run import Run


def a_run(**values):
    document = {"3": {"class_type": "KSampler", "inputs": {"steps": 20, "model": ["4", 0]}}}
    document["4"] = {"class_type": "Loader", "inputs": {"ckpt_name": "a"}}
    return Run("r", "p", workflow.parse(document), 0.0, template="t", values=values)


def test_equal_runs_differ_in_nothing():
    assert differences(a_run(seed=1, prompt="a"), a_run(prompt="a", seed=1)) == ()


def test_only_what_differs_is_told_in_the_first_one_s_order():
    found = differences(a_run(seed=1, steps=20, cfg=7.0), a_run(seed=2, steps=20.0, cfg=True))
    assert [(one.key, one.first, one.second) for one in found] == [("seed", 1, 2), ("cfg", 7.0, True)]


def test_a_value_that_one_has_not_is_absent():
    (gone, new) = differences(a_run(denoise=0.5), a_run(loras=[{"name": "x"}]))
    assert (gone.key, gone.second, new.key, new.first) == ("denoise", None, "loras", None)


def test_a_changed_template_shows_in_the_workflow():
    first = a_run(seed=1)
    changed = replace(first, workflow=first.workflow.with_input("4", "ckpt_name", "b"))
    (one,) = differences(first, changed)
    assert (one.key, one.first, one.second, one.is_value) == ("4.ckpt_name", "a", "b", False)
    assert differences(first, replace(changed, template="another")) == ()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a red fox", "a red wolf", [("a red ", "both"), ("fox", "first"), ("wolf", "second")]),
        ("fox", "fox, snow", [("fox", "both"), (", snow", "second")]),
        ("一只小猫", "一只小狗", [("一只小", "both"), ("猫", "first"), ("狗", "second")]),
        ("", "", []),
    ],
)
def test_words_are_marked(first, second, expected):
    assert pieces(first, second) == tuple(Piece(text, Side(side)) for text, side in expected)


@given(st.text(), st.text())
def test_pieces_give_both_texts_back(first, second):
    found = pieces(first, second)
    assert "".join(piece.text for piece in found if piece.side is not Side.SECOND) == first
    assert "".join(piece.text for piece in found if piece.side is not Side.FIRST) == second


def test_a_difference_is_applied_to_a_third():
    found = differences(a_run(prompt="a fox", steps=20, denoise=0.5), a_run(prompt="a wolf", steps=20))
    third = applied(found, {"prompt": "a bird", "steps": 8, "denoise": 0.7, "seed": 5})
    assert third == {"prompt": "a wolf", "steps": 8, "seed": 5}
