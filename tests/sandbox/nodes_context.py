"""A node's context without a server: real folders, and a note of what was reported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from comfyui_bridge.sandbox.folders import DiskFolders
from comfyui_bridge.sandbox.models import MODELS
from comfyui_bridge.sandbox.node import Interrupted
from comfyui_bridge.sandbox.nodes import NODE_TYPES


class Bench:
    """Runs single nodes; `steps` holds what they reported, `waited` how long they wanted to take."""

    def __init__(self, root: Path, step_seconds: float = 0.0, interrupt_at: int | None = None) -> None:
        self.node_id = "1"
        self.folders = DiskFolders(root, MODELS)
        self.step_seconds = step_seconds
        self.prompt: Mapping[str, Any] = {"1": {"class_type": "SaveImage", "inputs": {"text": "Grün 图"}}}
        self.extra_pnginfo: Mapping[str, Any] | None = {"workflow": {"nodes": [], "note": "日"}}
        self.watched = True
        self.steps: list[tuple[int, int, Image.Image | None]] = []
        self.waited: list[float] = []
        self._interrupt_at = interrupt_at

    def progress(self, value: int, maximum: int, preview: Image.Image | None = None) -> None:
        if value == self._interrupt_at:
            raise Interrupted
        self.steps.append((value, maximum, preview))

    def pace(self, seconds: float) -> None:
        self.waited.append(seconds)

    def check(self) -> None:
        pass

    def run(self, class_type: str, **inputs: Any) -> Any:
        """The node's only output, or the tuple of them; its ui for a node without any."""
        result = NODE_TYPES[class_type].run(self, **inputs)
        if not NODE_TYPES[class_type].outputs:
            return result.ui
        assert len(result.outputs) == len(NODE_TYPES[class_type].outputs)
        return result.outputs[0] if len(result.outputs) == 1 else result.outputs

    def put(self, name: str, picture: Image.Image, **options: Any) -> str:
        """Lay a picture into the input folder."""
        picture.save(self.folders.directory("input") / name, **options)
        return name
