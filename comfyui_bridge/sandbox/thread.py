"""The sandbox in a thread of its own, with its own event loop, for tests and for the app without a server."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from aiohttp import web

from comfyui_bridge.sandbox.examples import add_examples
from comfyui_bridge.sandbox.faults import Faults
from comfyui_bridge.sandbox.folders import DiskFolders
from comfyui_bridge.sandbox.node import NodeType
from comfyui_bridge.sandbox.nodes import NODE_TYPES
from comfyui_bridge.sandbox.server import MAX_UPLOAD_SIZE, Sandbox


class SandboxThread:
    """A running sandbox on a loopback port; `with SandboxThread(...) as server: server.url`.

    Without `directory` its files lie in a temporary folder that goes when it stops. A stopped one may be
    started again on the same port by making another with `port=` and `directory=`; like a restarted
    ComfyUI it then knows its saved files and has forgotten queue and history.
    """

    def __init__(
        self,
        node_types: Mapping[str, NodeType] | None = None,
        *,
        models: Mapping[str, Sequence[str]] | None = None,
        step_seconds: float = 0.0,
        previews: bool = True,
        faults: Faults | None = None,
        examples: bool = True,
        directory: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        max_upload_size: int = MAX_UPLOAD_SIZE,
    ) -> None:
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="comfyui-sandbox-")
        root = directory if directory is not None else Path(self._temporary.name if self._temporary else "")
        self.folders = DiskFolders(root, models, add_examples if examples else None)
        self.faults = faults
        self.sandbox = Sandbox(
            known(node_types),
            self.folders,
            step_seconds=step_seconds,
            previews=previews,
            faults=faults,
            max_upload_size=max_upload_size,
        )
        self.host = host
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sandbox-loop", daemon=True)
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._stop = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> SandboxThread:
        """Returns when it takes requests. Raises OSError if the port is taken."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self.stop()
            raise self._failure
        return self

    def stop(self) -> None:
        """Returns when the port is free again and a temporary folder is gone."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self.sandbox.join()
        self.folders.close()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def __enter__(self) -> SandboxThread:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _serve(self) -> None:
        runner = make_runner(self.sandbox)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.host, self.port)
            try:
                await site.start()
            except OSError as error:
                self._failure = error
                return
            self.port = runner.addresses[0][1]
            self._ready.set()
            await self._stop.wait()
        finally:
            self._ready.set()
            await runner.cleanup()


def known(node_types: Mapping[str, NodeType] | None) -> Mapping[str, NodeType]:
    """The given nodes, or all of the sandbox's own."""
    return NODE_TYPES if node_types is None else node_types


def make_runner(sandbox: Sandbox) -> web.AppRunner:
    return web.AppRunner(sandbox.application(), access_log=None, shutdown_timeout=0.1)
