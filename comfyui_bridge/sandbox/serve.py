"""The sandbox as a process of its own, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from aiohttp import web

from comfyui_bridge.sandbox.examples import add_examples
from comfyui_bridge.sandbox.faults import Faults
from comfyui_bridge.sandbox.folders import DiskFolders
from comfyui_bridge.sandbox.node import NodeType
from comfyui_bridge.sandbox.server import Sandbox
from comfyui_bridge.sandbox.thread import known, make_runner


def serve(
    host: str,
    port: int,
    *,
    step_seconds: float,
    directory: Path | None,
    announce: Callable[[str], None],
    node_types: Mapping[str, NodeType] | None = None,
    models: Mapping[str, Sequence[str]] | None = None,
    previews: bool = True,
    faults: Faults | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. Port 0 takes a free one; `announce` is told the address once requests
    are taken. Without a directory all files go with the process. Raises OSError if the port is taken."""
    with ExitStack() as stack:
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="comfyui-sandbox-")))
        folders = DiskFolders(directory, models, add_examples)
        sandbox = Sandbox(
            known(node_types), folders, step_seconds=step_seconds, previews=previews, faults=faults
        )
        asyncio.run(_serve(sandbox, host, port, announce))
        sandbox.join()
        folders.close()


async def _serve(sandbox: Sandbox, host: str, port: int, announce: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    runner = make_runner(sandbox)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        announce(f"http://{_shown(host)}:{runner.addresses[0][1]}")
        await stop.wait()
    finally:
        await runner.cleanup()


def _shown(host: str) -> str:
    """The host as it stands in an address: brackets around IPv6."""
    return f"[{host}]" if ":" in host else host
