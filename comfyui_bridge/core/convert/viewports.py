"""The state of a 3D view, which the editor's page computes when it queues.

Nodes that show a model send where the camera stands. Without a page the camera stands where the file
says, else where the editor puts a new one (frontend 1.49.6, load3dPreviewExtensions.ts).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfyui_bridge.core.convert.graphs import LiveNode
from comfyui_bridge.core.convert.specs import VIEWPORT_NODES

_POSITION = {"x": 10, "y": 10, "z": 10.000000000000002}
_TARGET = {"x": 0, "y": 0, "z": 0}
_QUATERNION = {
    "x": -0.2798481423331213,
    "y": 0.3647051996310008,
    "z": 0.11591689595929511,
    "w": 0.8804762392171493,
}
_FIELD_OF_VIEW = 35
_HALF_HEIGHT = 5.0


def viewport_state(node: LiveNode) -> dict[str, Any] | None:
    """The value of a node's viewport_state, or None for nodes that have no such thing."""
    if node.type == "Load3DAdvanced":
        return {"camera_info": _camera(node), "model_3d_info": []}
    if node.type in VIEWPORT_NODES:
        empty = {"image": "", "mask": "", "normal": "", "recording": "", "model_3d_info": []}
        return {**empty, "camera_info": _camera(node)}
    return None


def _camera(node: LiveNode) -> dict[str, Any]:
    config = _mapping(node.properties.get("Camera Config"))
    # The editor moves the camera only once it has a model to show.
    state = _mapping(config.get("state")) if node.properties.get("Last Time Model File") else {}
    kind = "orthographic" if config.get("cameraType") == "orthographic" else "perspective"
    aspect = _aspect(node)
    half_width = _HALF_HEIGHT * aspect if kind == "orthographic" else _HALF_HEIGHT
    field_of_view = config.get("fov") if kind == "perspective" else None
    return {
        "position": state.get("position", _POSITION),
        "target": state.get("target", _TARGET),
        "zoom": state.get("zoom", 1),
        "cameraType": kind,
        "quaternion": state.get("quaternion", _QUATERNION),
        "fov": _FIELD_OF_VIEW if field_of_view is None else field_of_view,
        "aspect": aspect,
        "near": 0.01,
        "far": 10000,
        "frustum": {"left": -half_width, "right": half_width, "top": _HALF_HEIGHT, "bottom": -_HALF_HEIGHT},
    }


def _aspect(node: LiveNode) -> float:
    widgets = (node.widget("width"), node.widget("height"))
    sizes = [widget.value for widget in widgets if widget is not None]
    if len(sizes) == 2 and all(isinstance(size, (int, float)) and size > 0 for size in sizes):
        width, height = sizes
        return float(width / height)
    return 1.0


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
