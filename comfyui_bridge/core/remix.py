"""A former run's values for a form of today: what still fits, and a sentence for each that does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.node_defs import IntSpec


def fitting(form: Form, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that this form takes, and by key why each of the others is left out.

    The template may have changed since, or the servers have other files.
    """
    kept, left_out = dict(values), {}
    try:
        form.check(kept)
    except InvalidValues as error:
        for key, sentence in error.problems.items():
            for name in [name for name in kept if name == key or key.startswith(f"{name}.")]:
                left_out[name] = sentence
                del kept[name]
    return kept, left_out


def without_seeds(form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values but for the seeds: who comes back to a run wants the next picture to differ."""
    seeds = {one.key for one in form.inputs if isinstance(one.spec, IntSpec) and one.spec.is_seed}
    return {key: value for key, value in values.items() if key not in seeds}
