"""A node with an input of every kind, and a workflow that has it: what a form can show, in one template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from comfyui_bridge.sandbox.node import Context, Folders, NodeType, Result
from comfyui_bridge.sandbox.nodes import NODE_TYPES

LORAS = [f"style/lora {number:04}.safetensors" for number in range(5000)]
LARGE = 2**64 - 1

REQUIRED: dict[str, Any] = {
    "near": ["INT", {"default": 20, "min": 1, "max": 60}],
    "far": ["INT", {"default": 512, "min": 16, "max": 16384, "step": 8}],
    "huge": ["INT", {"default": 0, "min": 0, "max": LARGE}],
    "seed": ["INT", {"default": 0, "min": 0, "max": LARGE, "control_after_generate": True}],
    "share": ["FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0, "step": 0.01}],
    "ratio": ["FLOAT", {"default": 1.5}],
    "plain": ["BOOLEAN", {"default": False}],
    "worded": ["BOOLEAN", {"default": True, "label_on": "keep proportions", "label_off": "stretch"}],
    "line": ["STRING", {"default": "one line", "placeholder": "a name"}],
    "words": ["STRING", {"default": "a longer\ntext", "multiline": True, "tooltip": "What <b>you</b> see."}],
    "short": [["euler", "heun", "dpmpp_2m"], {}],
    "old_spelling": [[f"scheduler {number}" for number in range(30)], {}],
    "lora": ["COMBO", {"options": LORAS}],
    "tags": ["COMBO", {"options": ["red", "green", "blue", "black"], "multiselect": True}],
    "remote": ["COMBO", {"remote": {"route": "/internal/files/input", "refresh_button": True}}],
    "color": ["COLOR", {"default": "#3366cc"}],
    "number_color": ["INT", {"default": 0xFF8000, "min": 0, "max": 0xFFFFFF, "display": "color"}],
    "image": [["example.png"], {"image_upload": True}],
    "video": ["COMBO", {"options": [], "video_upload": True}],
    "audio": ["COMBO", {"options": [], "audio_upload": True}],
    "mesh": ["COMBO", {"options": ["cube.glb"], "file_upload": True}],
    "resize": [
        "COMFY_DYNAMICCOMBO_V3",
        {
            "options": [
                {"key": "to a width", "inputs": {"required": {"width": ["INT", {"default": 640}]}}},
                {
                    "key": "by a factor",
                    "inputs": {
                        "required": {
                            "factor": ["FLOAT", {"default": 2.0, "min": 0.1, "max": 8.0}],
                            "how": [
                                "COMFY_DYNAMICCOMBO_V3",
                                {
                                    "options": [
                                        {"key": "quick", "inputs": {}},
                                        {
                                            "key": "careful",
                                            "inputs": {"required": {"passes": ["INT", {"default": 3}]}},
                                        },
                                    ]
                                },
                            ],
                        }
                    },
                },
            ]
        },
    ],
    "weights": [
        "COMFY_AUTOGROW_V3",
        {
            "template": {
                "input": {"required": {"weight": ["FLOAT", {"default": 1.0, "min": 0.0, "max": 2.0}]}},
                "names": ["weight 1", "weight 2", "weight 3"],
                "min": 1,
            }
        },
    ],
    "curve": ["CURVE", {"default": [[0, 0], [1, 1]]}],
}
OPTIONAL: dict[str, Any] = {
    "sharpen": ["FLOAT", {"default": 0.4, "min": 0.0, "max": 1.0}],
    "note": ["STRING", {"default": ""}],
}
VALUES: dict[str, Any] = {
    "near": 20,
    "far": 512,
    "huge": LARGE,
    "seed": 7,
    "share": 0.5,
    "ratio": 1.5,
    "plain": False,
    "worded": True,
    "line": "one line",
    "words": "a longer\ntext",
    "short": "heun",
    "old_spelling": "scheduler 7",
    "lora": LORAS[4321],
    "tags": {"__value__": ["red", "blue"]},
    "remote": "example.png",
    "color": "#3366cc",
    "number_color": 0xFF8000,
    "image": "example.png",
    "video": "clip.mp4",
    "audio": "sound.flac",
    "mesh": "cube.glb",
    "resize": "to a width",
    "resize.width": 640,
    "weights.weight 1": 1.0,
    "curve": {"__value__": [[0, 0], [1, 1]]},
}


class AllKinds(NodeType):
    """It does nothing: what it was given stands in the history."""

    class_type = "AllKinds"
    display_name = "All kinds"
    output_node = True

    def definition(self, folders: Folders) -> dict[str, Any]:
        sections = {"required": REQUIRED, "optional": OPTIONAL}
        return {
            **super().definition(folders),
            "input": sections,
            "input_order": {name: list(inputs) for name, inputs in sections.items()},
        }

    def run(self, context: Context, **inputs: Any) -> Result:
        return Result(())


NODES = {**NODE_TYPES, "AllKinds": AllKinds()}


def library(folder: Path, copies: int = 1) -> Path:
    """A folder of workflows with `all-kinds` in it, its node as often as wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    nodes = {
        str(number): {"class_type": "AllKinds", "inputs": VALUES, "_meta": {"title": f"All kinds {number}"}}
        for number in range(1, copies + 1)
    }
    color = {"width": 64, "height": 64, "batch_size": 1, "color": 255}
    nodes["91"] = {"class_type": "EmptyImage", "inputs": color}
    nodes["92"] = {"class_type": "SaveImage", "inputs": {"filename_prefix": "kinds", "images": ["91", 0]}}
    (folder / "all-kinds.json").write_text(json.dumps(nodes), "utf-8")
    return folder
