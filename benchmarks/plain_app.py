"""What people write first: one function that follows the run and yields pictures into a `gr.Image`.

`python -m benchmarks.plain_app URL...` serves it, with one server for each session so that sessions share
nothing but this program. It is generous to that way: one WebSocket a run opened ahead of the submission, no
polling, no limit on how many follow at once.
"""

from __future__ import annotations

import io
import json
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import gradio as gr
import requests
import websocket
from PIL import Image

from benchmarks.measuring import free_port, pacing


def build(urls: list[str]) -> gr.Blocks:
    def generate(number: float, steps: float) -> Iterator[Image.Image]:
        server = urls[int(number) % len(urls)]
        client_id = uuid.uuid4().hex
        socket = websocket.create_connection(f"ws{server.removeprefix('http')}/ws?clientId={client_id}")
        try:
            graph = pacing(int(number), int(steps))
            body = {"prompt": graph, "client_id": client_id}
            prompt_id = requests.post(f"{server}/prompt", json=body, timeout=30).json()["prompt_id"]
            for frame in _frames(socket, prompt_id):
                yield Image.open(io.BytesIO(frame[8:]))
        finally:
            socket.close()
        outputs = requests.get(f"{server}/history/{prompt_id}", timeout=30).json()[prompt_id]["outputs"]
        file = outputs["2"]["images"][0]
        yield Image.open(io.BytesIO(requests.get(f"{server}/view", params=file, timeout=30).content))

    with gr.Blocks(analytics_enabled=False) as page:
        number = gr.Number(0, label="number")
        steps = gr.Number(1, label="steps")
        button = gr.Button("Generate", elem_id="generate")
        picture = gr.Image(elem_id="picture")
        button.click(generate, [number, steps], picture, concurrency_limit=None, api_name="generate")
    return page


def _frames(socket: Any, prompt_id: str) -> Iterator[bytes]:
    """The previews of a prompt until it is over."""
    while True:
        message = socket.recv()
        if isinstance(message, bytes):
            yield message
            continue
        told = json.loads(message)
        data = told["data"]
        if told["type"] == "executing" and data["node"] is None and data.get("prompt_id") == prompt_id:
            return


def main() -> None:
    page = build(sys.argv[1:])
    page.queue(max_size=None)
    port = free_port()
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", server_port=port)
    print(url.rstrip("/"), flush=True)
    page.block_thread()


if __name__ == "__main__":
    main()
