"""The servers the contract holds for: the scripted fake, the sandbox, and a real ComfyUI at COMFYUI_URL.

Each comes with the few workflows the contract needs, none of which needs a model on a real server.
"""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import requests

from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.core import workflow
from comfyui_bridge.core.server import OfferedTemplate
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.sandbox.thread import SandboxThread
from tests.fakes.fake_server import FakeServer

DEADLINE = 30.0

_colors = itertools.count(uuid.uuid4().int % 10**6)


def colored(*chain: dict[str, Any], size: int = 64) -> dict[str, Any]:
    """A picture of a color no run had before, through a chain of nodes with one image input, to a file."""
    color = next(_colors) % 0xFFFFFF
    graph: dict[str, Any] = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": size, "height": size, "batch_size": 1, "color": color},
        }
    }
    for node_id, node in enumerate(chain, start=2):
        graph[str(node_id)] = {
            "class_type": node["class_type"],
            "inputs": {**node["inputs"], "image": [str(node_id - 1), 0]},
        }
    last = str(len(graph))
    graph["save"] = {
        "class_type": "SaveImage",
        "inputs": {"images": [last, 0], "filename_prefix": f"contract/{uuid.uuid4().hex}"},
    }
    return graph


INVERT = {"class_type": "ImageInvert", "inputs": {}}
# Real work that an interrupt can get between, on servers without models.
BLUR = {"class_type": "ImageBlur", "inputs": {"blur_radius": 31, "sigma": 10.0}}


@dataclass(frozen=True)
class Subject:
    """A server, and what is special about it."""

    server: Server
    slow_nodes: tuple[dict[str, Any], ...]
    slow_size: int = 64
    url: str = ""
    """Its address, where it has one."""

    def save(self, path: str, content: bytes) -> None:
        """Save a workflow on the server, as its own page does."""
        if isinstance(self.server, FakeServer):
            self.server.saved[path] = content
            return
        place = f"{self.url.rstrip('/')}/userdata/{quote(f'workflows/{path}', safe='')}"
        requests.post(place, data=content, timeout=DEADLINE).raise_for_status()

    def quick(self) -> Workflow:
        return workflow.parse(colored(INVERT))

    def slow(self) -> Workflow:
        """Runs for seconds, unless it is cancelled."""
        return workflow.parse(colored(*self.slow_nodes, size=self.slow_size))

    def refused(self) -> Workflow:
        return workflow.parse(colored({"class_type": "NoSuchNodeAnywhere", "inputs": {}}))

    def incomplete(self) -> Workflow:
        graph = colored(INVERT)
        del graph["2"]["inputs"]["image"]
        return workflow.parse(graph)


def _subjects() -> list[Any]:
    real = [] if os.environ.get("COMFYUI_URL") else [pytest.mark.skip(reason="COMFYUI_URL is not set")]
    return ["fake", "sandbox", pytest.param("real", marks=real)]


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    with SandboxThread(step_seconds=0.02) as sandbox:
        yield sandbox.url


@pytest.fixture(params=_subjects())
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    match request.param:
        case "fake":
            fake = FakeServer()
            fake.offered[OfferedTemplate("first", "A first one")] = b'{"nodes": [], "links": []}'
            yield Subject(fake, ({"class_type": "Hold", "inputs": {}},))
        case "sandbox":
            url = request.getfixturevalue("sandbox_url")
            server = ComfyServer(url)
            yield Subject(server, (BLUR,) * 60, 1024, url)
            server.close()
        case "real":
            url = os.environ["COMFYUI_URL"].split(",")[0]
            server = ComfyServer(url)
            yield Subject(server, (BLUR,) * 60, 2048, url)
            server.close()
