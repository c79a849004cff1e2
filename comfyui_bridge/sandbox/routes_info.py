"""What a client may ask about the server: nodes, models, machine, features, and a page for a browser."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from comfyui_bridge.sandbox.folders import DiskFolders
from comfyui_bridge.sandbox.node import NodeType

COMFYUI_VERSION = "0.3.64"
DEVICE = "Sandbox: procedural pictures, no AI model"

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ComfyUI sandbox</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}}</style>
<h1>This is a sandbox</h1>
<p>It speaks the protocol of ComfyUI {version} and runs workflows, but it has no AI model: its pictures are
painted by a program from the words, the seed and the settings.</p>
<p>There is no editor here. It is meant for programs: <a href="object_info">nodes</a>,
<a href="queue">queue</a>, <a href="history">history</a>, <a href="system_stats">system</a>.</p>
</html>
"""


class InfoRoutes:
    def __init__(
        self, node_types: Mapping[str, NodeType], folders: DiskFolders, features: dict[str, Any]
    ) -> None:
        self._node_types = node_types
        self._folders = folders
        self._features = features

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.page),
            web.get("/object_info", self.object_info),
            web.get("/object_info/{class_type}", self.object_info_of),
            web.get("/system_stats", self.system_stats),
            web.get("/features", self.features),
            web.get("/embeddings", self.embeddings),
            web.get("/extensions", self.nothing_listed),
            web.get("/models", self.model_folders),
            web.get("/models/{folder}", self.models),
            web.get("/experiment/models", self.experiment_folders),
            web.get("/experiment/models/{folder}", self.experiment_models),
            web.get("/view_metadata/{folder}", self.view_metadata),
            web.get("/internal/folder_paths", self.folder_paths),
            web.get("/internal/logs", self.no_log),
            web.get("/internal/logs/raw", self.no_raw_log),
            web.get("/i18n", self.nothing_named),
            web.get("/workflow_templates", self.nothing_named),
        ]

    async def page(self, request: web.Request) -> web.Response:
        headers = {"Cache-Control": "no-cache", "Pragma": "no-cache", "Expires": "0"}
        text = _PAGE.format(version=COMFYUI_VERSION)
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def object_info(self, request: web.Request) -> web.Response:
        return web.json_response(
            {name: node_type.definition(self._folders) for name, node_type in self._node_types.items()}
        )

    async def object_info_of(self, request: web.Request) -> web.Response:
        name = request.match_info["class_type"]
        node_type = self._node_types.get(name)
        return web.json_response({} if node_type is None else {name: node_type.definition(self._folders)})

    async def system_stats(self, request: web.Request) -> web.Response:
        total, free = memory()
        system = {
            "os": os.name,
            "ram_total": total,
            "ram_free": free,
            "comfyui_version": COMFYUI_VERSION,
            "required_frontend_version": "none",
            "installed_templates_version": "none",
            "required_templates_version": "none",
            "python_version": sys.version,
            "pytorch_version": "none",
            "embedded_python": False,
            "argv": ["sandbox"],
            "sandbox": True,
        }
        device = {
            "name": DEVICE,
            "type": "cpu",
            "index": None,
            "vram_total": total,
            "vram_free": free,
            "torch_vram_total": total,
            "torch_vram_free": free,
        }
        return web.json_response({"system": system, "devices": [device]})

    async def features(self, request: web.Request) -> web.Response:
        return web.json_response(self._features)

    async def embeddings(self, request: web.Request) -> web.Response:
        return web.json_response([os.path.splitext(name)[0] for name in self._folders.models("embeddings")])

    async def nothing_listed(self, request: web.Request) -> web.Response:
        return web.json_response([])

    async def nothing_named(self, request: web.Request) -> web.Response:
        return web.json_response({})

    async def model_folders(self, request: web.Request) -> web.Response:
        return web.json_response(list(self._folders.model_folders()))

    async def models(self, request: web.Request) -> web.Response:
        folder = request.match_info["folder"]
        if folder not in self._folders.model_folders():
            return web.Response(status=404)
        return web.json_response(list(self._folders.models(folder)))

    async def experiment_folders(self, request: web.Request) -> web.Response:
        shown = [name for name in self._folders.model_folders() if name not in ("configs", "custom_nodes")]
        return web.json_response([{"name": name, "folders": [self._path(name)]} for name in shown])

    async def experiment_models(self, request: web.Request) -> web.Response:
        folder = request.match_info["folder"]
        if folder not in self._folders.model_folders():
            return web.Response(status=404)
        about = {"pathIndex": 0, "modified": 0.0, "created": 0.0, "size": 0}
        return web.json_response([{"name": name, **about} for name in self._folders.models(folder)])

    async def view_metadata(self, request: web.Request) -> web.Response:
        # The sandbox's models are names without a file, so none has metadata to show.
        return web.Response(status=404)

    async def folder_paths(self, request: web.Request) -> web.Response:
        return web.json_response({name: [self._path(name)] for name in self._folders.model_folders()})

    async def no_log(self, request: web.Request) -> web.Response:
        return web.json_response("")

    async def no_raw_log(self, request: web.Request) -> web.Response:
        return web.json_response({"entries": [], "size": {"cols": 80, "rows": 24}})

    def _path(self, name: str) -> str:
        return str(self._folders.root / "models" / name)


def memory() -> tuple[int, int]:
    """Total and free bytes of RAM; zeros where the system does not say."""
    if platform.system() != "Linux":
        return 0, 0
    page = os.sysconf("SC_PAGE_SIZE")
    return page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
