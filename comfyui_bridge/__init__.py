"""ComfyUI Bridge: drive ComfyUI servers from a browser, from Python and from the shell.

    from comfyui_bridge import Client

    with Client("http://127.0.0.1:8188") as client:
        result = client.run("workflow_api.json", {"prompt": "a red fox in the snow", "seed": -1})
        print(result.values["seed"], result.save("out"))

The rooms, strictly stacked; each imports itself and what stands below it:

    app.py, __main__, cli      start something
    bootstrap                  wires everything; the only file that knows every class
    ui                         the page; the only folder with Gradio
    client                     the door for Python programs
    engine                     threads: the run queue, workers, following runs to their end
    comfy | store | settings   the wire | what survives | configuration
    core                       pure: workflows, definitions, values, events, runs
    sandbox                    apart: an embedded server that speaks ComfyUI's protocol

A run's way: `core.workflow` and `core.values` make what is sent, `comfy.server` sends it,
`comfy.messages` turns what comes back into `core.events`, and `core.run.apply` folds those into the run.

Importing the package does nothing and needs neither Gradio nor Pillow; the names below are loaded when
they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from comfyui_bridge.version import __version__

if TYPE_CHECKING:
    from comfyui_bridge.client import Client, Result, RunHandle
    from comfyui_bridge.core.errors import BridgeError
    from comfyui_bridge.core.outputs import OutputFile
    from comfyui_bridge.core.run import RunState
    from comfyui_bridge.core.workflow import Workflow

_HOMES = {
    "BridgeError": "comfyui_bridge.core.errors",
    "Client": "comfyui_bridge.client",
    "OutputFile": "comfyui_bridge.core.outputs",
    "Result": "comfyui_bridge.client",
    "RunHandle": "comfyui_bridge.client",
    "RunState": "comfyui_bridge.core.run",
    "Workflow": "comfyui_bridge.core.workflow",
}

__all__ = [
    "BridgeError",
    "Client",
    "OutputFile",
    "Result",
    "RunHandle",
    "RunState",
    "Workflow",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
