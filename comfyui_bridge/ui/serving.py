"""The page on a port: Gradio's server, our routes before its own, and our doors before everything.

`launch()` is used and nothing is mounted, for only a launched Blocks checks the paths of files it is handed.
Gradio prints nothing and calls nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import logging
import socket
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.routes import App, ORJSONResponse
from gradio.tunneling import CURRENT_TUNNELS, Tunnel
from starlette.types import ASGIApp, Receive, Scope, Send

from comfyui_bridge.core.errors import BridgeError
from comfyui_bridge.ui import page, theme
from comfyui_bridge.ui.compressed import Compressed
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.experiments_tab.routes import routes as experiment_routes
from comfyui_bridge.ui.live_stream import LiveStream
from comfyui_bridge.ui.routes import EXCEPTION_HANDLERS, AsTheyAre, routes
from comfyui_bridge.ui.safety import SameOrigin
from comfyui_bridge.ui.sign_in import Browsers, SignIn, owner_of
from comfyui_bridge.ui.templates_tab.routes import routes as library_routes

# Gradio's cap on running events, generators that only follow included; its own 40 make a click wait for
# seconds behind 60 followers.
MAX_EVENTS = 400
# Gradio keeps what is uploaded to it for ever; what a run uses is kept by us. How often it looks, and how
# old a file must be to go; at the end all of them go.
_UPLOADS_KEPT_S = (3600, 24 * 3600)
# Gradio 6.31 keeps what it knows of a page until there are so many others, a hundred kilobytes and more for
# each; its own ten thousand are a gigabyte. A page that is open asks now and then, so closed ones go first.
SESSIONS = 150
_QUEUE_TICK_S = 0.01
_TUNNEL_ENDS_S = 2.0
_GRACE_S = 2.0
"""How long a stopping page waits for answers that are under way."""
MAX_UPLOAD = "200mb"


class CannotListen(BridgeError):
    """The address cannot be listened on: taken, not ours, or not allowed."""


@dataclass(frozen=True)
class Launched:
    """A page that takes requests."""

    url: str
    """Where it listens, with the host as it was given."""
    local_url: str
    """The same for this machine: a wildcard host has no address of its own."""
    share_url: str | None
    share_problem: str
    """Why there is no public link although it was asked for; else empty."""
    close: Callable[[], None]


@dataclass(frozen=True)
class Look:
    """Gradio's theme, and what goes into the page's head."""

    theme: Any = None
    css: str = ""
    head: str = ""


def launch(dashboard: Dashboard, *, host: str, port: int, share: bool = False) -> Launched:
    """Build the page and serve it; returns once it takes requests. Port 0 takes a free one.

    Raises CannotListen.
    """
    look = Look(theme.THEME, theme.css(), theme.head(page.first_texts()))
    return serve(partial(page.build, dashboard), dashboard, look, host=host, port=port, share=share)


def serve(
    build: Callable[[], gr.Blocks],
    dashboard: Dashboard,
    look: Look,
    *,
    host: str,
    port: int,
    share: bool = False,
) -> Launched:
    """Serve the blocks that `build` makes, with the routes of a dashboard."""

    async def served() -> Launched:
        return _serve(build(), dashboard, look, host, free_port(host, port), share)

    # Gradio makes an event loop for each of its locks and closes none of them, unless one is running.
    return asyncio.run(served())


def _serve(
    blocks: gr.Blocks, dashboard: Dashboard, look: Look, host: str, port: int, share: bool
) -> Launched:
    live = LiveStream(dashboard)
    app = _App(
        doors=lambda inner: Compressed(SameOrigin(_who_asks(dashboard, AsTheyAre(inner)))),
        default_response_class=ORJSONResponse,
        routes=[*library_routes(dashboard), *experiment_routes(dashboard), *routes(dashboard, live)],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_url=None,
    )
    blocks.delete_cache = _UPLOADS_KEPT_S
    said = io.StringIO()
    tunnels = len(CURRENT_TUNNELS)
    # Gradio prints its public link, and why it has none, whatever `quiet` says.
    with contextlib.redirect_stdout(said) if share else contextlib.nullcontext():
        blocks.launch(
            _app=app,
            server_name=_bracketed(host),
            server_port=port,
            share=share,
            # Only for Gradio to know the name; whoever has none does not get this far.
            auth_dependency=(lambda request: owner_of(request) or None) if dashboard.sessions else None,
            prevent_thread_lock=True,
            quiet=True,
            inbrowser=False,
            inline=False,
            max_threads=MAX_EVENTS,
            max_file_size=MAX_UPLOAD,
            state_session_capacity=SESSIONS,
            # Its sentences are ours; what else is raised is for the log, not for the page.
            show_error=False,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            pwa=False,
            # It asks itself whether it answers; over plain HTTP on this machine there is nothing to verify.
            ssl_verify=False,
            theme=look.theme,
            css=look.css or None,
            head=look.head or None,
        )
    share_url = blocks.share_url
    # With this flag the page would load its scripts from a host of Gradio's instead of from us.
    blocks.share = False
    # Gradio looks for events to run a thousand times a second, which costs several percent of a core all day.
    blocks._queue.sleep_when_free = _QUEUE_TICK_S
    opened = CURRENT_TUNNELS[tunnels:]

    def close() -> None:
        live.close()
        # What is cut off now is cut off on purpose, and no news.
        for name in ("uvicorn.error", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # Somebody who follows a run at that moment would hold the server until Gradio gives up, after five.
        hurry = threading.Timer(_GRACE_S, setattr, (blocks.server, "force_exit", True))
        hurry.start()
        blocks.close(verbose=False)
        hurry.cancel()
        for tunnel in opened:
            _end(tunnel)

    return Launched(
        url=f"http://{_bracketed(host)}:{port}",
        local_url=f"http://{_bracketed(_reachable(host))}:{port}",
        share_url=share_url,
        share_problem="" if share_url or not share else " ".join(said.getvalue().split()),
        close=close,
    )


def _who_asks(dashboard: Dashboard, app: ASGIApp) -> ASGIApp:
    if dashboard.accounts is not None and dashboard.sessions is not None:
        return SignIn(app, dashboard.accounts, dashboard.sessions)
    return Browsers(app)


def _end(tunnel: Tunnel) -> None:
    process = tunnel.proc
    if process is None:
        return
    with contextlib.redirect_stdout(io.StringIO()):  # it prints that it does
        tunnel.kill()
    try:
        process.wait(_TUNNEL_ENDS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port(host: str, port: int) -> int:
    """The port, once it is known that it can be listened on; a free one for 0. Raises CannotListen."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except socket.gaierror:
        raise CannotListen(f"No address is known for the host {host}; name another with --host.") from None
    except OSError as error:
        raise CannotListen(_why_not(error, host, port)) from None


def _why_not(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} on {host} is taken by another program; "
                "stop it, or choose another port with --port (0 takes a free one)."
            )
        case errno.EADDRNOTAVAIL:
            return (
                f"{host} is no address of this machine; name one of its own with --host, or 0.0.0.0 for all."
            )
        case errno.EACCES:
            return f"This user may not listen on port {port}; choose one above 1023 with --port."
    return f"Cannot listen on {host}, port {port}: {error.strerror}."


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}.get(host, host)


class _App(App):
    """Gradio's app behind doors of ours.

    Middleware given to `launch` would stand inside Gradio's, which answers foreign preflights by itself.
    """

    def __init__(self, doors: Callable[[ASGIApp], ASGIApp], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._entrance = doors(super().__call__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._entrance(scope, receive, send)
