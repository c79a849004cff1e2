"""Which model files a workflow names: what people remember a picture by, and look for it by."""

from __future__ import annotations

from comfyui_bridge.core.inputs import unwrap
from comfyui_bridge.core.workflow import Workflow

SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".gguf", ".onnx")
"""What ComfyUI lists as model files (folder_paths.py of 0.3.64), and what extensions add."""


def model_files(workflow: Workflow) -> tuple[str, ...]:
    """The names as they stand in the workflow, each once, in the workflow's order."""
    named = (
        value
        for node in workflow.nodes.values()
        for content in node.inputs.values()
        for value in _texts(unwrap(content))
    )
    return tuple(dict.fromkeys(value for value in named if value.lower().endswith(SUFFIXES)))


def _texts(content: object) -> tuple[str, ...]:
    if isinstance(content, str):
        return (content,)
    return tuple(one for one in content if isinstance(one, str)) if isinstance(content, list) else ()
