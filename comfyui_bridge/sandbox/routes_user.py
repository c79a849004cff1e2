"""A person's settings and files, kept below the user folder as the official web page keeps them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from aiohttp import web

from comfyui_bridge.sandbox.answers import read_json, read_object
from comfyui_bridge.sandbox.folders import inside


class UserRoutes:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings = folder / "comfy.settings.json"

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/users", self.users),
            web.get("/settings", self.settings),
            web.get("/settings/{id}", self.setting),
            web.post("/settings", self.change_settings),
            web.post("/settings/{id}", self.change_setting),
            web.get("/userdata", self.list_files),
            web.get("/v2/userdata", self.list_entries),
            web.get("/userdata/{file}", self.read),
            web.post("/userdata/{file}", self.write),
            web.delete("/userdata/{file}", self.delete),
            web.post("/userdata/{file}/move/{dest}", self.move),
        ]

    async def users(self, request: web.Request) -> web.Response:
        return web.json_response({"storage": "server", "migrated": True})

    def _load(self) -> dict[str, Any]:
        if not self._settings.is_file():
            return {}
        loaded: dict[str, Any] = json.loads(self._settings.read_text(encoding="utf-8"))
        return loaded

    def _save(self, changes: dict[str, Any]) -> None:
        text = json.dumps({**self._load(), **changes}, indent=4)
        self._settings.write_text(text, encoding="utf-8")

    async def settings(self, request: web.Request) -> web.Response:
        return web.json_response(self._load())

    async def setting(self, request: web.Request) -> web.Response:
        return web.json_response(self._load().get(request.match_info["id"]))

    async def change_settings(self, request: web.Request) -> web.Response:
        self._save(await read_object(request))
        return web.Response(status=200)

    async def change_setting(self, request: web.Request) -> web.Response:
        self._save({request.match_info["id"]: await read_json(request)})
        return web.Response(status=200)

    async def list_files(self, request: web.Request) -> web.Response:
        if not request.query.get("dir"):
            return web.Response(status=400, text="Directory not provided")
        folder = inside(self._folder, request.query["dir"])
        if folder is None:
            return web.Response(status=403, text="Invalid directory")
        if not folder.is_dir():
            return web.Response(status=404, text="Directory not found")
        found = folder.rglob("*") if _asked(request, "recurse") else folder.glob("*")
        files = sorted(path for path in found if path.is_file())
        names = [path.relative_to(folder).as_posix() for path in files]
        if _asked(request, "full_info"):
            return web.json_response([_about(path, name) for path, name in zip(files, names, strict=True)])
        if _asked(request, "split"):
            return web.json_response([[name, *name.split("/")] for name in names])
        return web.json_response(names)

    async def list_entries(self, request: web.Request) -> web.Response:
        folder = inside(self._folder, request.query.get("path", ""))
        if folder is None:
            return web.Response(status=403, text="Invalid directory")
        if not folder.is_dir():
            return web.Response(status=404, text="Directory not found")
        entries = []
        for path in sorted(folder.iterdir()):
            if path == self._settings:
                continue
            relative = path.relative_to(self._folder).as_posix()
            if path.is_dir():
                entries.append({"name": path.name, "path": relative, "type": "directory"})
            else:
                entries.append({"name": path.name, **_about(path, relative), "type": "file"})
        return web.json_response(entries)

    async def read(self, request: web.Request) -> web.StreamResponse:
        path = self._file(request.match_info["file"])
        if path is None:
            return web.Response(status=403)
        return web.FileResponse(path) if path.is_file() else web.Response(status=404)

    async def write(self, request: web.Request) -> web.Response:
        path = self._file(request.match_info["file"])
        if path is None:
            return web.Response(status=403)
        if request.query.get("overwrite") == "false" and path.exists():
            return web.Response(status=409, text="File already exists")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(await request.read())
        return self._told(request, path)

    async def delete(self, request: web.Request) -> web.Response:
        path = self._file(request.match_info["file"])
        if path is None:
            return web.Response(status=403)
        if not path.is_file():
            return web.Response(status=404)
        path.unlink()
        return web.Response(status=204)

    async def move(self, request: web.Request) -> web.Response:
        source, goal = self._file(request.match_info["file"]), self._file(request.match_info["dest"])
        if source is None or goal is None:
            return web.Response(status=403)
        if not source.is_file():
            return web.Response(status=404)
        if request.query.get("overwrite") == "false" and goal.exists():
            return web.Response(status=409, text="File already exists")
        goal.parent.mkdir(parents=True, exist_ok=True)
        source.replace(goal)
        return self._told(request, goal)

    def _file(self, name: str) -> Path | None:
        path = inside(self._folder, name)
        return None if path == self._folder else path

    def _told(self, request: web.Request, path: Path) -> web.Response:
        relative = path.relative_to(self._folder).as_posix()
        return web.json_response(_about(path, relative) if _asked(request, "full_info") else relative)


def _asked(request: web.Request, flag: str) -> bool:
    return request.query.get(flag, "").lower() == "true"


def _about(path: Path, name: str) -> dict[str, Any]:
    facts = os.stat(path)
    return {
        "path": name,
        "size": facts.st_size,
        "modified": int(facts.st_mtime * 1000),
        "created": int(facts.st_ctime * 1000),
    }
