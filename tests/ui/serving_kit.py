"""A page of a few components, served as the real one is, and runs to look at."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx

from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine.live import Live
from comfyui_bridge.engine.pool import ServerStatus
from comfyui_bridge.ui import serving
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.serving import Launched, Look
from comfyui_bridge.ui.sign_in import owner_of
from tests import waiting

DEADLINE_S = 30.0


class Runs(Live):
    """The engine's newest snapshots, with servers beside them as the engine has."""

    def servers(self) -> tuple[ServerStatus, ...]:
        return (ServerStatus("sandbox"),)


def a_run(run_id: str, owner: str = "", state: RunState = RunState.IN_PROGRESS) -> Run:
    return Run(run_id, f"prompt-of-{run_id}", Workflow({}), created_at=0.0, owner=owner, state=state)


def ended(run: Run) -> Run:
    return dataclasses.replace(run, state=RunState.COMPLETED)


def small_page(held: threading.Event | None = None) -> gr.Blocks:
    """An owner to ask for, a file to hand in, a trivial click, and followers that end when `held` is set."""
    with gr.Blocks() as blocks:
        words, answer = gr.Textbox(), gr.Textbox()
        file, image = gr.File(), gr.Image(type="filepath")

        def who(request: gr.Request) -> str:
            return owner_of(request)

        def read(path: str | None) -> str:
            return Path(path).read_text(encoding="utf-8", errors="replace") if path else ""

        def echo(text: str) -> str:
            return text

        async def follow(text: str) -> Any:
            while held is not None and not held.is_set():
                yield text
                await _moment()
            yield "over"

        gr.Button().click(who, None, answer, api_name="who")
        gr.Button().click(read, file, answer, api_name="read_file")
        gr.Button().click(read, image, answer, api_name="read_image")
        gr.Button().click(echo, words, answer, api_name="echo")

        @gr.render()
        def form() -> None:
            rendered = gr.File(type="filepath")
            gr.Button().click(read, rendered, answer)

        gr.Button().click(follow, words, answer, api_name="follow", concurrency_limit=None)
    return blocks


async def _moment() -> None:
    import anyio

    await anyio.sleep(0.25)


@contextlib.contextmanager
def served(
    dashboard: Dashboard, build: Callable[[], gr.Blocks] = small_page, host: str = "127.0.0.1"
) -> Iterator[Launched]:
    launched = serving.serve(build, dashboard, Look(), host=host, port=0)
    try:
        yield launched
    finally:
        launched.close()


def client_of(url: str) -> httpx.Client:
    # Over plain HTTP there is nothing to verify, and loading certificates takes longer than most tests.
    return httpx.Client(base_url=url, timeout=60, verify=False)


def call(client: httpx.Client, name: str, *given: Any) -> httpx.Response:
    """The answer of an endpoint of Gradio's API: the stream of its events, or the refusal."""
    joined = client.post(f"/gradio_api/call/{name}", json={"data": list(given)})
    if joined.status_code != 200:
        return joined
    return client.get(f"/gradio_api/call/{name}/{joined.json()['event_id']}")


def events(response: httpx.Response) -> Iterator[tuple[str, str]]:
    """(event, data) of a stream of server-sent events, comments as ("comment", text)."""
    name = ""
    for line in response.iter_lines():
        if line.startswith(":"):
            yield "comment", line[1:].strip()
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: ")


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a condition that has no event of its own."""
    waiting.until(true, DEADLINE_S, what)
