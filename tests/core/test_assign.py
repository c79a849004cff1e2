"""Which server takes which run."""

from __future__ import annotations

import pytest

from comfyui_bridge.core import assign, workflow
from comfyui_bridge.core.assign import Standing

SDXL = frozenset({"sdxl"})


@pytest.mark.parametrize(
    ("standings", "able", "takers"),
    [
        pytest.param({"a": Standing(0), "b": Standing(0)}, "ab", "ab", id="whoever comes first of equals"),
        pytest.param({"a": Standing(2), "b": Standing(1)}, "ab", "b", id="the least busy"),
        pytest.param({"a": Standing(2), "b": Standing(1)}, "a", "a", id="who is able, busy or not"),
        pytest.param({"a": Standing(0), "b": Standing(0, models=SDXL)}, "ab", "b", id="who has the model"),
        pytest.param({"a": Standing(0), "b": Standing(1, models=SDXL)}, "ab", "a", id="idle beats model"),
        pytest.param({"a": Standing(0, has_room=False), "b": Standing(3)}, "ab", "b", id="who has room"),
        pytest.param({"a": Standing(0, has_room=False)}, "a", "", id="nobody with room"),
        pytest.param({"b": Standing(0)}, "a", "", id="the able one is away: wait for it"),
        pytest.param(
            {"a": Standing(1), "b": Standing(0)}, "", "b", id="none is able: the least busy says why"
        ),
        pytest.param({}, "", "", id="no server"),
    ],
)
def test_who_may_take_a_run(standings: dict[str, Standing], able: str, takers: str) -> None:
    assert [n for n in "abc" if assign.may_take(n, ("sdxl",), tuple(able), standings)] == list(takers)


def test_the_models_of_a_workflow_are_those_its_loaders_name() -> None:
    graph = workflow.parse(
        {
            "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
            "2": {"class_type": "UNETLoader", "inputs": {"unet_name": "b.safetensors"}},
            "3": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
            "4": {"class_type": "Other", "inputs": {"ckpt_name": ["9", 0], "vae_name": "c.safetensors"}},
        }
    )
    assert assign.models(graph) == ("a.safetensors", "b.safetensors")
