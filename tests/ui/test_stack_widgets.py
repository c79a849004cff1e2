"""Pictures, LoRA stacks and ControlNet slots as components: values come and go as the core knows them."""

from __future__ import annotations

from typing import Any

import pytest

from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import (
    ComboSpec,
    ControlNetSpec,
    FloatSpec,
    InputSpec,
    LoraStackSpec,
    Upload,
)
from comfyui_bridge.ui import widgets
from comfyui_bridge.ui.words import Words

FILE = FileValue("k" * 64 + ".png", "mine.png")
IMAGE = ComboSpec(("example.png",), upload=Upload.IMAGE)
LORAS = LoraStackSpec(("film.safetensors", "ink.safetensors"), FloatSpec(1.0, -100.0, 100.0))
NETS = ControlNetSpec(("edges.safetensors",), FloatSpec(1.0, 0.0, 10.0))


def shown(spec: InputSpec, value: Any) -> Any:
    one = ExposedInput("x", "X", spec, None, "", "", paints=True)
    assert widgets.build(one, Words("zh")) is not None
    return widgets.shown(one, value)


@pytest.mark.parametrize(
    ("spec", "value", "expected"),
    [
        (IMAGE, FILE, FILE.to_json()),
        (IMAGE, FILE.to_json(), FILE.to_json()),
        (IMAGE, "example.png", "example.png"),
        (IMAGE, None, ""),
        (LORAS, [], []),
        (LORAS, "film:0.5", [{"name": "film.safetensors", "strength_model": 0.5}]),
        (LORAS, "flim:0.5,ink", [{"name": "flim", "strength_model": 0.5}, {"name": "ink"}]),
        (LORAS, [{"name": "film.safetensors", "strength_model": "x", "on": False}],
            [{"name": "film.safetensors", "on": False, "strength_model": 0.0}]),
        (LORAS, "[broken", []),
        (LORAS, 7, []),
        (NETS, None, None),
        (NETS, "[broken", None),
        (NETS, {"name": "edges.safetensors", "image": FILE, "strength": 0.5},
            {"name": "edges.safetensors", "image": FILE.to_json(), "strength": 0.5}),
        (NETS, "edges:0.5", {"name": "edges", "strength": "0.5", "image": None}),
    ],
)  # fmt: skip
def test_a_value_is_shown_as_far_as_it_can_be(spec: InputSpec, value: Any, expected: Any) -> None:
    assert shown(spec, value) == expected


def test_what_a_component_holds_is_what_the_check_takes() -> None:
    image = ExposedInput("image", "Image", IMAGE, "example.png", "3", "image")
    assert widgets.read(image, FILE.to_json()) == FILE
    assert widgets.read(image, None) is None
    stack = ExposedInput("loras", "LoRA", LORAS, [], "", "")
    assert widgets.read(stack, []) == []
    slot = ExposedInput("controlnet", "ControlNet", NETS, None, "", "")
    assert widgets.read(slot, None) is None
