"""What every request passes before its route: origin check, size limit, faults, and the plain 500.

The origin check is ComfyUI's own: a page on another host or port must not use a server on the loopback
(recorded in origin_check). There is no authentication.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from comfyui_bridge.sandbox.answers import Trouble, in_trouble
from comfyui_bridge.sandbox.faults import Faults

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def gate(faults: Faults, max_upload_size: int) -> Middleware:
    @web.middleware
    async def pass_gate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not same_origin(request.headers.get("Host"), request.headers.get("Origin")):
            return web.Response(status=403)
        if request.method == "OPTIONS":
            return web.Response()
        path = request.path.removeprefix("/api") or "/"
        delay = faults.take_delay(request.method, path)
        if delay:
            await asyncio.sleep(delay)
        fault = faults.take_answer(request.method, path)
        if fault is not None:
            return web.Response(status=fault.status, text=fault.body, content_type=fault.content_type)
        try:
            return await handler(request)
        except Trouble:
            return in_trouble()
        except web.HTTPRequestEntityTooLarge:
            text = f"Maximum request body size {max_upload_size} exceeded."
            return web.Response(status=413, text=text)

    return pass_gate


def same_origin(host: str | None, origin: str | None) -> bool:
    """False for a page elsewhere that asks a server on the loopback.

    Compared are names with ports; where either gives no port, only the names, as browsers leave the usual
    one out. What cannot be read ("null", "garbage") passes.
    """
    if not host or not origin:
        return True
    here, there = urlsplit(f"//{host.lower()}"), urlsplit(origin.lower())
    if not here.hostname or not there.hostname or not _loopback(here.hostname):
        return True
    try:
        with_ports = here.port is not None and there.port is not None
    except ValueError:  # a port that is no number
        return False
    return here.netloc == there.netloc if with_ports else here.hostname == there.hostname


def _loopback(hostname: str) -> bool:
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False
