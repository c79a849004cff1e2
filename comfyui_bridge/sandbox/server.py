"""The sandbox as a whole: folders, queue, worker and routes, started and stopped together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from comfyui_bridge.sandbox.answers import not_found
from comfyui_bridge.sandbox.cache import Cache
from comfyui_bridge.sandbox.execution import Execution, Setting
from comfyui_bridge.sandbox.faults import Faults
from comfyui_bridge.sandbox.folders import DiskFolders
from comfyui_bridge.sandbox.gate import gate
from comfyui_bridge.sandbox.interrupt import Interrupt
from comfyui_bridge.sandbox.node import NodeType
from comfyui_bridge.sandbox.prompt_queue import Item, PromptQueue
from comfyui_bridge.sandbox.routes_faults import fault_routes
from comfyui_bridge.sandbox.routes_files import FileRoutes
from comfyui_bridge.sandbox.routes_info import InfoRoutes
from comfyui_bridge.sandbox.routes_jobs import JobRoutes
from comfyui_bridge.sandbox.routes_prompt import PromptRoutes
from comfyui_bridge.sandbox.routes_user import UserRoutes
from comfyui_bridge.sandbox.sockets import Hub

log = logging.getLogger(__name__)

MAX_UPLOAD_SIZE = 100 * 1024 * 1024
TEMPLATES = Path(__file__).parent / "templates"
"""The workflows the sandbox offers, as ComfyUI's package of templates has its own."""
STOP_SECONDS = 0.8
"""How long a stopping server waits for the node that runs."""


class Sandbox:
    """`step_seconds` is the pace of sampling steps; `faults` may be given to switch faults on later."""

    def __init__(
        self,
        node_types: Mapping[str, NodeType],
        folders: DiskFolders,
        *,
        step_seconds: float = 0.05,
        previews: bool = True,
        faults: Faults | None = None,
        max_upload_size: int = MAX_UPLOAD_SIZE,
    ) -> None:
        active = faults or Faults()
        self.folders = folders
        self._hub = Hub(active)
        self._interrupt = Interrupt()
        self.queue = PromptQueue(self._interrupt, self._queue_changed)
        self._setting = Setting(
            node_types, folders, self._hub, self._interrupt, active, step_seconds, previews
        )
        self._max_upload_size = max_upload_size
        self._settable_faults = faults
        self._cache = Cache()
        self._execution: Execution | None = None
        self._worker = threading.Thread(target=self._work, name="sandbox-worker", daemon=True)
        features = {"supports_preview_metadata": True, "max_upload_size": max_upload_size}
        self._prompts = PromptRoutes(self._setting, self.queue, features, self.executing)
        self._info = InfoRoutes(self._setting.node_types, folders, features)

    def application(self) -> web.Application:
        """All routes, with and without /api; starts and stops the worker with the application."""
        application = web.Application(
            client_max_size=self._max_upload_size,
            middlewares=[gate(self._setting.faults, self._max_upload_size)],
        )
        routes = [
            *self._prompts.table(),
            *FileRoutes(self.folders).table(),
            *self._info.table(),
            *UserRoutes(self.folders.root / "user").table(),
        ]
        if self._settable_faults is not None:
            routes += fault_routes(self._settable_faults)
        application.add_routes(routes)
        application.add_routes(
            web.RouteDef(route.method, f"/api{route.path}", route.handler, route.kwargs) for route in routes
        )
        application.add_routes(JobRoutes(self.queue).table())
        # Not under /api, as in ComfyUI (0.3.64, server.py).
        application.router.add_static("/templates", TEMPLATES)
        application.router.add_get("/{path:.*}", _unknown)
        application.on_startup.append(self._start)
        application.on_shutdown.append(self._stop)
        return application

    async def _start(self, application: web.Application) -> None:
        self._hub.start()
        self._worker.start()

    async def _stop(self, application: web.Application) -> None:
        self.queue.close()
        self._hub.drop_all()

    def join(self) -> None:
        """Wait for the worker, a moment only: it is a daemon, and a node may be slow to notice."""
        if self._worker.ident is not None:
            self._worker.join(STOP_SECONDS)

    def _queue_changed(self) -> None:
        self._hub.send("status", {"status": self._prompts.queue_info()})

    def executing(self) -> tuple[str | None, str | None]:
        """The client id and the node of what runs."""
        execution = self._execution
        return (None, None) if execution is None else (execution.item.client_id, execution.executing)

    def _work(self) -> None:
        while not self.queue.closed:
            item = self.queue.get()
            if item is not None:
                self._run(item)
            if "free_memory" in self.queue.take_free():
                self._cache.clear()

    def _run(self, item: Item) -> None:
        execution = self._execution = Execution(self._setting, self._cache, item)
        try:
            execution.run()
        except Exception as error:  # the thread's outermost loop: the server goes on whatever happened
            log.exception("The sandbox failed while it ran the prompt %s", item.prompt_id)
            execution.crashed(error)
        self._interrupt.silence(self._setting.faults.history_delay)
        self.queue.done(execution.entry())
        if item.client_id is not None:
            data = {"node": None, "prompt_id": item.prompt_id}
            self._hub.send("executing", data, item.client_id)


async def _unknown(request: web.Request) -> web.Response:
    return not_found()
