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
    from comfyui_bridge.client import Client, Result, RunHandle, load_workflow
    from comfyui_bridge.core import events
    from comfyui_bridge.core.errors import (
        BridgeError,
        Cancelled,
        InvalidValues,
        Lost,
        NodeFailed,
        NoOutput,
        NotApiFormat,
        OutOfMemory,
        Rejected,
        RunFailed,
        ServerError,
        TimedOut,
        Unauthorised,
        UnexpectedAnswer,
        Unreachable,
        WorkflowError,
    )
    from comfyui_bridge.core.graft import ControlNet, Lora, add_controlnet, add_loras
    from comfyui_bridge.core.node_defs import NodeDefs
    from comfyui_bridge.core.outputs import OutputFile
    from comfyui_bridge.core.readiness import Readiness
    from comfyui_bridge.core.run import RunState
    from comfyui_bridge.core.workflow import Workflow

__all__ = [
    "BridgeError",
    "Cancelled",
    "Client",
    "ControlNet",
    "InvalidValues",
    "Lora",
    "Lost",
    "NoOutput",
    "NodeDefs",
    "NodeFailed",
    "NotApiFormat",
    "OutOfMemory",
    "OutputFile",
    "Readiness",
    "Rejected",
    "Result",
    "RunFailed",
    "RunHandle",
    "RunState",
    "ServerError",
    "TimedOut",
    "Unauthorised",
    "UnexpectedAnswer",
    "Unreachable",
    "Workflow",
    "WorkflowError",
    "__version__",
    "add_controlnet",
    "add_loras",
    "events",
    "load_workflow",
]

_HOMES = {
    "client": ("Client", "Result", "RunHandle", "load_workflow"),
    "core.graft": ("ControlNet", "Lora", "add_controlnet", "add_loras"),
    "core.node_defs": ("NodeDefs",),
    "core.outputs": ("OutputFile",),
    "core.readiness": ("Readiness",),
    "core.run": ("RunState",),
    "core.workflow": ("Workflow",),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "events":
        return importlib.import_module("comfyui_bridge.core.events")
    home = next((home for home, names in _HOMES.items() if name in names), "core.errors")
    return getattr(importlib.import_module(f"comfyui_bridge.{home}"), name)
