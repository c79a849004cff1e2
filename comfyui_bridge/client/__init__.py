"""The public client: run workflows on one or several ComfyUI servers, from Python.

with Client("http://127.0.0.1:8188") as client:
    result = client.run("workflow_api.json", {"prompt": "a red fox", "seed": -1})
    result.save("out")
"""

from comfyui_bridge.client.client import Client
from comfyui_bridge.client.handle import RunHandle
from comfyui_bridge.client.prepare import read as load_workflow
from comfyui_bridge.client.result import Result

__all__ = ["Client", "Result", "RunHandle", "load_workflow"]
