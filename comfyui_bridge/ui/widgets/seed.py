"""Seeds: a number, or a new one each time, and what becomes of it after a run.

On the page a seed is its text: "" is drawn anew each time, "123" stays, "123+" and "123-" count up and
down after each run, as ComfyUI's control_after_generate does. The core's check reads them all.
"""

from __future__ import annotations

from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import IntSpec
from comfyui_bridge.core.values import LARGEST_DRAWN, RANDOM
from comfyui_bridge.ui.widgets.widget import Widget


def seed(one: ExposedInput) -> Widget:
    """A seed with the workflow's own one click away."""
    spec = one.spec
    assert isinstance(spec, IntSpec)
    own = None if one.default in (RANDOM, None, "") else str(one.default)
    most = LARGEST_DRAWN if spec.max is None else spec.max
    return Widget("seed", {"own": own, "min": str(max(spec.min or 0, 0)), "max": str(most)})
