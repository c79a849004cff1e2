"""/sandbox/faults: reading and setting faults from another process. ComfyUI has nothing like it."""

from __future__ import annotations

from aiohttp import web

from comfyui_bridge.sandbox.answers import read_object
from comfyui_bridge.sandbox.faults import Faults


def fault_routes(faults: Faults) -> list[web.RouteDef]:
    async def show(request: web.Request) -> web.Response:
        return web.json_response(faults.as_json())

    async def change(request: web.Request) -> web.Response:
        try:
            faults.update(await read_object(request))
        except (KeyError, TypeError) as error:
            return web.json_response({"error": f"no such fault: {error}"}, status=400)
        return web.json_response(faults.as_json())

    async def reset(request: web.Request) -> web.Response:
        faults.reset()
        return web.json_response(faults.as_json())

    path = "/sandbox/faults"
    return [web.get(path, show), web.post(path, change), web.delete(path, reset)]
