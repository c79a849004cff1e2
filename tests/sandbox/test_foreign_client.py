"""comfy_api_simplified, a client from PyPI that knows nothing of the sandbox, drives it unchanged."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from comfy_api_simplified import ComfyApiWrapper, ComfyWorkflowWrapper
from PIL import Image

from comfyui_bridge.sandbox.thread import SandboxThread

WORKFLOW = Path(__file__).parent.parent / "recordings/workflows/sd15_txt2img.json"


@pytest.fixture
def workflow() -> ComfyWorkflowWrapper:
    loaded = ComfyWorkflowWrapper(str(WORKFLOW))
    loaded.set_node_param("Load Checkpoint", "ckpt_name", "sandbox-painter-v1.safetensors")
    return loaded


def test_it_loads_a_workflow_sets_a_value_runs_it_and_gets_the_picture(
    workflow: ComfyWorkflowWrapper,
) -> None:
    # It takes any binary frame for a result, so it needs a server without previews, as ComfyUI's default is.
    with SandboxThread(previews=False) as server:
        api = ComfyApiWrapper(server.url)
        workflow.set_node_param("Positive", "text", "a quiet sunset over the sea")
        workflow.set_node_param("Empty Latent Image", "width", 192)
        results = api.queue_and_wait_images(workflow, "Save Image")
        assert list(results) == ["sd15_00001_.png"]
        (picture,) = results.values()
        assert picture == (server.folders.root / "output/sd15_00001_.png").read_bytes()
        with Image.open(io.BytesIO(picture)) as opened:
            assert opened.size == (192, 256)
            graph = json.loads(opened.info["prompt"])
        assert graph["6"]["inputs"]["text"] == "a quiet sunset over the sea"


def test_it_uploads_lists_and_asks(workflow: ComfyWorkflowWrapper, tmp_path: Path) -> None:
    with SandboxThread(previews=False) as server:
        api = ComfyApiWrapper(server.url)
        Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
        assert api.upload_image(str(tmp_path / "red.png"))["name"] == "red.png"
        assert "KSampler" in api.get_object_info("KSampler")
        assert api.get_system_stats()["system"]["comfyui_version"] == "0.3.64"
        prompt_id = api.queue_prompt(workflow)["prompt_id"]
        # One while it has just come in, none once it runs.
        assert api.get_queue_size_before(prompt_id) in (0, 1)
