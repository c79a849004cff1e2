"""Axes out of what people write: numbers, prompts, tables, seeds, words to replace."""

from __future__ import annotations

import pytest

from comfyui_bridge.core import axes, sweep
from comfyui_bridge.core.errors import InvalidValues


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("steps=10,20", ["10", "20"]),
        ("steps=1..4", ["1", "2", "3", "4"]),
        ("steps=3..1", ["3", "2", "1"]),
        ("steps=10,20,..,50", ["10", "20", "30", "40", "50"]),
        ("cfg=1,1.5,..,3", ["1", "1.5", "2", "2.5", "3"]),
        ("steps=10,20,..,45", ["10", "20", "30", "40", "45"]),
        ("sampler=euler, dpmpp_2m", ["euler", "dpmpp_2m"]),
        (r"prompt=a cat\, sitting,a dog", ["a cat, sitting", "a dog"]),
        ("seed=-1", ["-1"]),
        ("prompt=a=b", ["a=b"]),
    ],
)
def test_an_axis_is_read(text, values):
    axis = axes.parse_axis(text)
    (key,) = axis.keys
    assert [one.values[key] for one in axis.variations] == values


@pytest.mark.parametrize(
    "text", ["steps", "=1,2", "steps=", "steps=1,..,5", "x=a,b,..,c", "x=1,2,..,0", "x=1..999999999"]
)
def test_a_wrong_axis_is_told(text):
    with pytest.raises(InvalidValues):
        axes.parse_axis(text)


def test_prompts_are_one_a_line():
    axis = axes.parse_prompts("a cat\n\n# not this\n  城市夜景  \n")
    assert [one.values for one in axis.variations] == [{"prompt": "a cat"}, {"prompt": "城市夜景"}]


def test_a_table_names_its_keys_in_the_first_row():
    axis = axes.parse_csv('\ufeffprompt,steps\n"a cat, sitting",20\n\na dog,\n')
    assert axis.keys == ("prompt", "steps")
    assert axis.labels == ("1: a cat, sitting, 20", "2: a dog")
    sets = list(sweep.expand({"steps": "8"}, [axis]))
    assert sets == [{"steps": "20", "prompt": "a cat, sitting"}, {"steps": "8", "prompt": "a dog"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("prompt,,steps\n", "column 2 has no name"),
        ("prompt,prompt\n", "prompt stands twice"),
        ("prompt,steps\na\n", "Line 2 has 1 cells"),
        ('prompt\n"open\n', "Line"),
    ],
)
def test_a_wrong_table_is_told_by_line(text, told):
    with pytest.raises(InvalidValues, match=told):
        axes.parse_csv(text)


def test_sets_of_loras_are_called_as_shortly_as_they_can_be_told_apart():
    sets = [
        [],
        "",
        [{"name": "fast/lcm.safetensors", "strength_model": 0.6}],
        [{"name": "fast/lcm.safetensors", "strength_model": 1.0}, {"name": "b", "strength_model": 0.5}],
        [{"name": "one/ink.v2.safetensors"}, {"name": "two/ink.v2.safetensors", "strength_clip": 0.25}],
        [{"name": "b", "on": False}],
        "b:0.3",
        [{"odd": 1}],
        [{"name": ["b"], "strength_model": {}}],
    ]
    assert axes.lora_sets("loras", sets).labels == (
        "none",
        "none",
        "lcm 0.6",
        "lcm 1 + b 0.5",
        "one/ink.v2.safetensors 1 + two/ink.v2.safetensors 1/0.25",
        "none",
        "b 0.3",
        "1",
        "['b'] {}",
    )
