"""A handful of plain nodes, so that the server's tests need neither painter nor patience."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from comfyui_bridge.sandbox.node import Context, Folders, Input, NodeType, Result


class Color(NodeType):
    """A picture of one color; 0.3.64's EmptyImage."""

    class_type = "EmptyImage"
    inputs = (
        Input("width", "INT", {"default": 512, "min": 1, "max": 16384, "step": 1}),
        Input("height", "INT", {"default": 512, "min": 1, "max": 16384, "step": 1}),
        Input("batch_size", "INT", {"default": 1, "min": 1, "max": 4096}),
        Input("color", "INT", {"default": 0, "min": 0, "max": 0xFFFFFF, "step": 1, "display": "color"}),
    )
    outputs = ("IMAGE",)

    def run(self, context: Context, **inputs: Any) -> Result:
        shape = (inputs["batch_size"], inputs["height"], inputs["width"], 3)
        color = inputs["color"]
        rgb = np.array([color >> 16 & 255, color >> 8 & 255, color & 255], np.float32) / 255
        return Result((np.broadcast_to(rgb, shape),))


class Invert(NodeType):
    class_type = "ImageInvert"
    inputs = (Input("image", "IMAGE"),)
    outputs = ("IMAGE",)

    def run(self, context: Context, **inputs: Any) -> Result:
        return Result((1.0 - inputs["image"],))


class Steps(NodeType):
    """Reports so many steps with a preview each, at the sandbox's pace."""

    class_type = "Steps"
    inputs = (
        Input("image", "IMAGE"),
        Input("steps", "INT", {"default": 4, "min": 1, "max": 1000}),
        Input("mode", ("plain", "fancy"), {}, "optional"),
    )
    outputs = ("IMAGE", "MODEL")

    def run(self, context: Context, **inputs: Any) -> Result:
        for step in range(1, inputs["steps"] + 1):
            context.pace(context.step_seconds)
            context.progress(step, inputs["steps"], Image.effect_noise((64, 32), 80))
        return Result((inputs["image"], "model"))


class Load(NodeType):
    class_type = "LoadImage"
    inputs = (Input("image", ("example.png",), {"image_upload": True}),)
    outputs = ("IMAGE", "MASK")

    def input_list(self, folders: Folders) -> tuple[Input, ...]:
        return (Input("image", tuple(folders.input_files()), {"image_upload": True}),)

    def run(self, context: Context, **inputs: Any) -> Result:
        with Image.open(context.folders.resolve(inputs["image"])) as picture:
            return Result((np.asarray(picture.convert("RGB"), np.float32)[None] / 255, None))

    def fingerprint(self, folders: Folders, **values: Any) -> object:
        return hashlib.sha256(folders.resolve(values["image"]).read_bytes()).hexdigest()

    def problem(self, folders: Folders, **values: Any) -> str | None:
        try:
            folders.resolve(values["image"])
        except FileNotFoundError:
            return f"Invalid image file: {values['image']}"
        return None


class Save(NodeType):
    class_type = "SaveImage"
    inputs = (
        Input("images", "IMAGE", {"tooltip": "The images to save."}),
        Input("filename_prefix", "STRING", {"default": "ComfyUI"}),
        Input("prompt", "PROMPT", section="hidden"),
    )
    output_node = True
    kind = "output"

    def run(self, context: Context, **inputs: Any) -> Result:
        images = inputs["images"]
        _, height, width, _ = images.shape
        prefix = inputs.get("filename_prefix", "ComfyUI_temp")
        folder, stem, counter, subfolder = context.folders.save_slot(prefix, self.kind, width, height)
        files = []
        for image in images:
            name = f"{stem}_{counter:05}_.png"
            Image.fromarray((image * 255).astype(np.uint8)).save(folder / name)
            files.append({"filename": name, "subfolder": subfolder, "type": self.kind})
            counter += 1
        return Result(ui={"images": files})


class Preview(Save):
    class_type = "PreviewImage"
    inputs = (Input("images", "IMAGE"),)
    kind = "temp"


class Show(NodeType):
    class_type = "PreviewAny"
    inputs = (Input("source", "*"),)
    output_node = True

    def run(self, context: Context, **inputs: Any) -> Result:
        return Result(ui={"text": [str(inputs["source"])]})


class Broken(NodeType):
    """Gives a ui that no JSON can hold: not the node fails but what comes after it."""

    class_type = "Broken"
    inputs = ()
    output_node = True

    def run(self, context: Context, **inputs: Any) -> Result:
        return Result(ui={"text": {1, 2}})


SIMPLE_NODES: Mapping[str, NodeType] = {
    node.class_type: node
    for node in (Color(), Invert(), Steps(), Load(), Save(), Preview(), Show(), Broken())
}
