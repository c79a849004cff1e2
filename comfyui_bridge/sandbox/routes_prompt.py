"""Submitting, queue, interrupt, history, and the websocket."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from comfyui_bridge.sandbox.answers import Trouble, read_json, read_object
from comfyui_bridge.sandbox.execution import Setting
from comfyui_bridge.sandbox.prompt_queue import Item, PromptQueue
from comfyui_bridge.sandbox.sockets import Socket, text_frame
from comfyui_bridge.sandbox.validation import NotAGraph, problem, validate


class PromptRoutes:
    """`executing` tells client id and node id of what runs, for a socket that comes back in mid-run."""

    def __init__(
        self,
        setting: Setting,
        queue: PromptQueue,
        features: dict[str, Any],
        executing: Callable[[], tuple[str | None, str | None]],
    ) -> None:
        self._setting = setting
        self._queue = queue
        self._features = features
        self._executing = executing
        self._number = 0

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/prompt", self.remaining),
            web.post("/prompt", self.submit),
            web.get("/queue", self.queue),
            web.post("/queue", self.change_queue),
            web.post("/interrupt", self.interrupt),
            web.get("/history", self.history),
            web.get("/history/{prompt_id}", self.history_of),
            web.post("/history", self.change_history),
            web.post("/free", self.free),
            web.get("/ws", self.socket),
        ]

    def queue_info(self) -> dict[str, Any]:
        return {"exec_info": {"queue_remaining": self._queue.remaining()}}

    async def remaining(self, request: web.Request) -> web.Response:
        return web.json_response(self.queue_info())

    async def submit(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request)
        number = self._take_number(body)
        if not isinstance(body, dict) or "prompt" not in body:
            error = problem("no_prompt", "No prompt provided", "No prompt provided")
            return web.json_response({"error": error, "node_errors": {}}, status=400)
        item = Item(number, str(body.get("prompt_id", uuid.uuid4())), body["prompt"], _extra_data(body), [])
        try:
            verdict = validate(
                item.graph,
                self._setting.node_types,
                self._setting.folders,
                body.get("partial_execution_targets"),
            )
        except NotAGraph as error:
            raise Trouble(str(error)) from error
        if verdict.error is not None:
            answer = {"error": verdict.error, "node_errors": verdict.node_errors}
            return web.json_response(answer, status=400)
        item.outputs = verdict.outputs
        self._queue.put(item)
        if self._setting.faults.take_lost_reply() and request.transport is not None:
            request.transport.abort()
        return web.json_response(
            {"prompt_id": item.prompt_id, "number": item.number, "node_errors": verdict.node_errors}
        )

    def _take_number(self, body: Any) -> float:
        """The place in the queue. The counter goes on with every prompt that names no number of its own,
        even one that is refused afterwards."""
        if "number" in (body if isinstance(body, dict | list) else ()):
            try:
                return float(body["number"])
            except (TypeError, ValueError) as error:
                raise Trouble(f"number: {error}") from error
        if not isinstance(body, dict | list):
            raise Trouble("the body is neither an object nor a list")
        number = self._number
        self._number += 1
        return -number if isinstance(body, dict) and body.get("front") else number

    async def queue(self, request: web.Request) -> web.Response:
        snapshot = self._queue.snapshot()
        return web.json_response(
            {
                "queue_running": [item.listed() for item in snapshot.running],
                "queue_pending": [item.listed() for item in snapshot.pending],
            }
        )

    async def change_queue(self, request: web.Request) -> web.Response:
        body = await read_object(request)
        if body.get("clear"):
            self._queue.wipe()
        for prompt_id in _listed(body):
            self._queue.delete(prompt_id)
        return web.Response(status=200)

    async def interrupt(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.text())
        except ValueError:
            body = {}
        if not isinstance(body, dict):
            raise Trouble(f"the body is {type(body).__name__}")
        self._queue.interrupt(body.get("prompt_id") or None)
        return web.Response(status=200)

    async def history(self, request: web.Request) -> web.Response:
        try:
            max_items = int(request.query["max_items"]) if request.query.get("max_items") else None
            offset = int(request.query["offset"]) if request.query.get("offset") else -1
        except ValueError as error:
            raise Trouble(str(error)) from error
        return web.json_response(self._queue.history(max_items=max_items, offset=offset))

    async def history_of(self, request: web.Request) -> web.Response:
        return web.json_response(self._queue.history(request.match_info["prompt_id"]))

    async def change_history(self, request: web.Request) -> web.Response:
        body = await read_object(request)
        if body.get("clear"):
            self._queue.wipe_history()
        for prompt_id in _listed(body):
            self._queue.delete_history(prompt_id)
        return web.Response(status=200)

    async def free(self, request: web.Request) -> web.Response:
        body = await read_object(request)
        self._queue.ask_to_free(*(what for what in ("unload_models", "free_memory") if body.get(what)))
        return web.Response(status=200)

    async def socket(self, request: web.Request) -> web.StreamResponse:
        faults = self._setting.faults
        if faults.take_refused_socket():
            return web.Response(status=503)
        websocket = web.WebSocketResponse(timeout=1.0)
        await websocket.prepare(request)
        sid = request.query.get("clientId") or uuid.uuid4().hex
        socket = Socket(websocket, request.transport)
        socket.put(text_frame("status", {"status": self.queue_info(), "sid": sid}))
        client_id, node_id = self._executing()
        if client_id == sid and node_id is not None:
            socket.put(text_frame("executing", {"node": node_id}))
        self._setting.hub.enter(sid, socket)
        writer = asyncio.create_task(_write(socket, self._setting))
        try:
            await self._listen(websocket, socket)
        finally:
            self._setting.hub.leave(sid, socket)
            writer.cancel()
        return websocket

    async def _listen(self, websocket: web.WebSocketResponse, socket: Socket) -> None:
        """Read to the end. Only the first JSON message may be feature_flags; all else is ignored."""
        first = True
        async for message in websocket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                body = json.loads(message.data)
            except ValueError:
                continue
            if first and isinstance(body, dict) and body.get("type") == "feature_flags":
                flags = body.get("data")
                wanted = isinstance(flags, dict) and flags.get("supports_preview_metadata") is True
                socket.supports_metadata = wanted
                socket.put(text_frame("feature_flags", self._features))
            first = False


async def _write(socket: Socket, setting: Setting) -> None:
    try:
        await socket.write(setting.faults)
    except (ConnectionError, RuntimeError):  # aiohttp's words for a connection that closed meanwhile
        return


def _extra_data(body: dict[str, Any]) -> dict[str, Any]:
    extra_data = body.get("extra_data", {})
    if not isinstance(extra_data, dict):
        raise Trouble(f"extra_data is {type(extra_data).__name__}")
    if "client_id" in body:
        extra_data["client_id"] = body["client_id"]
    return extra_data


def _listed(body: dict[str, Any]) -> list[Any]:
    ids = body.get("delete", [])
    if not isinstance(ids, list):
        raise Trouble("delete is no list")
    return ids
