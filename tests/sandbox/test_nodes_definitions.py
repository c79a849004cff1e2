"""Every node's definition against the recorded /object_info of ComfyUI 0.3.64.

What may differ is named here: the words (tooltips, descriptions) and the lists of files, which are the
server's own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfyui_bridge.sandbox.folders import DiskFolders
from comfyui_bridge.sandbox.nodes import NODE_TYPES

RECORDINGS = Path(__file__).parent.parent / "recordings"
RECORDED: dict[str, Any] = json.loads(
    (RECORDINGS / "comfyui-0.3.64" / "object_info.json").read_text(encoding="utf-8")
)
MODELS = {
    "checkpoints": ["sub dir/tiny_sd15_inpaint.safetensors", "tiny_sd15.safetensors"],
    "loras": ["tiny_lora.safetensors"],
    "vae": ["qwen_image_vae_tiny.safetensors", "tiny_taesd_16ch.safetensors", "tiny_taesd_sd15.safetensors"],
    "text_encoders": ["qwen_2.5_vl_7b_tiny.safetensors", "tiny_clip_l.safetensors"],
    "diffusion_models": ["qwen_image_tiny.safetensors"],
    "controlnet": ["tiny_controlnet.safetensors"],
}
WORDS = ("tooltip", "description", "output_tooltips")


def without_words(entry: Any) -> Any:
    """An entry without its texts; options that held nothing else then count as none."""
    if isinstance(entry, dict):
        return {key: without_words(value) for key, value in entry.items() if key not in WORDS}
    if isinstance(entry, list):
        kept = [without_words(value) for value in entry]
        return kept[:1] if len(kept) == 2 and kept[1] == {} else kept
    return entry


@pytest.fixture
def folders(tmp_path: Path) -> DiskFolders:
    made = DiskFolders(tmp_path, MODELS)
    for name in ("broken.png", "example.png"):
        (made.directory("input") / name).write_bytes(b"")
    return made


@pytest.mark.parametrize("class_type", sorted(NODE_TYPES))
def test_a_definition_is_the_recorded_one(class_type: str, folders: DiskFolders) -> None:
    ours = json.loads(json.dumps(NODE_TYPES[class_type].definition(folders)))
    assert without_words(ours) == without_words(RECORDED[class_type])


def test_definitions_say_what_kind_of_schema_they_have(folders: DiskFolders) -> None:
    for class_type, node_type in NODE_TYPES.items():
        recorded = set(RECORDED[class_type]) & {"deprecated", "experimental", "api_node"}
        assert set(node_type.definition(folders)) & {"deprecated", "experimental", "api_node"} == recorded, (
            class_type
        )


def test_options_are_there_where_the_recording_has_them(folders: DiskFolders) -> None:
    """A V3 node writes `["IMAGE", {}]` where an older one writes `["IMAGE"]`."""
    for class_type, node_type in NODE_TYPES.items():
        if node_type.combo_style != "COMBO":
            continue
        for section, items in RECORDED[class_type]["input"].items():
            for name, spelled in items.items():
                ours = node_type.definition(folders)["input"][section][name]
                assert len(ours) == len(spelled), f"{class_type}.{name}"


@pytest.mark.parametrize(
    "path", sorted((RECORDINGS / "workflows").glob("*.json")), ids=lambda path: path.stem
)
def test_the_nodes_of_the_recorded_graphs_are_known(path: Path) -> None:
    graph = json.loads(path.read_text(encoding="utf-8"))
    unknown = {node["class_type"] for node in graph.values()} - NODE_TYPES.keys()
    assert not unknown
