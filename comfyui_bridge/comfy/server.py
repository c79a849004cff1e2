"""ComfyServer: all that the engine needs of one ComfyUI, over HTTP and WebSocket.

It fits engine.ports.Server and raises nothing but core.errors.ServerError. It remembers nothing of any
run: what the server says is asked for each time.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, BinaryIO

from comfyui_bridge.comfy import address as address_
from comfyui_bridge.comfy import download, http
from comfyui_bridge.comfy.http import Timeouts, Wire
from comfyui_bridge.comfy.socket import PATIENCE, BrokeOff, Patience, Socket
from comfyui_bridge.core.errors import AnswerLost, Lost, ServerError
from comfyui_bridge.core.events import RunAccepted
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.core.server import HistoryEntry, OfferedTemplate, QueueState, ServerFacts
from comfyui_bridge.core.workflow import Workflow

OPENINGS = 3
"""Times to open a socket that breaks before its greeting."""
LOOK_PAUSES = (0.1, 0.4, 1.0, 2.0)
"""Seconds between the looks for a prompt whose submission got no answer: the server may still check it."""


class ComfyServer:
    """One ComfyUI at an address; all of its methods may be called from any thread."""

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts = http.TIMEOUTS,
        patience: Patience = PATIENCE,
    ) -> None:
        """`url` may have a path prefix, `/api` at its end, https and `user:password@`; `token` is a bearer's.
        `name` is what it goes by where that is not its address.

        Asks nothing yet. Raises ServerError if the address cannot be one.
        """
        address = address_.parse(url, token=token, headers=headers)
        self._address = replace(address, name=name) if name else address
        self._wire = Wire(self._address, timeouts)
        self._patience = patience
        self._closing = threading.Event()

    def __repr__(self) -> str:
        return f"ComfyServer({self.name!r})"

    @property
    def name(self) -> str:
        """Its address without credentials and without `/api`."""
        return self._address.name

    def close(self) -> None:
        """Give its idle HTTP connections back. Sockets from `connect` are their holders' to close."""
        self._closing.set()
        self._wire.close()

    def probe(self) -> ServerFacts:
        """GET /system_stats. Raises Unreachable, Unauthorised, or UnexpectedAnswer if it is no ComfyUI."""
        return http.system_stats(self._wire)

    def bridge(self) -> str:
        """The id of the dashboard that answers at this address instead of a ComfyUI; empty for none."""
        return http.bridge(self._wire)

    def node_defs(self) -> NodeDefs:
        """GET /object_info, read anew: its lists of files change with every upload."""
        return http.object_info(self._wire)

    def connect(self, client_id: str | None = None) -> Socket:
        """Open a WebSocket and return once the server has greeted it.

        A client_id of before is for a caller who knows that its socket is gone; see Socket. One that
        breaks before the greeting is opened again at once, as there is nothing yet that it could lose.
        """
        for _ in range(OPENINGS - 1):
            with contextlib.suppress(BrokeOff):
                return Socket(self._address, client_id, self._patience)
        return Socket(self._address, client_id, self._patience)

    def upload(self, content: BinaryIO, filename: str) -> str:
        """Put a file into its input folder; the value that an image input takes for it.

        The server keeps the name, or gives another where it has another file of that name.
        """
        return http.upload_image(self._wire, content, filename)

    def submit(
        self,
        workflow: Workflow,
        prompt_id: str,
        client_id: str,
        *,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> RunAccepted:
        """Queue a workflow under an id of ours; `prompt_id` must be a canonical lower-case UUID (0.33).

        Follow the answer's prompt_id: servers before 0.3.45 mint their own. It is never sent a second
        time: if the answer is lost, the queue and the history are asked for the id. Raises Rejected with
        what is wrong; Lost if they do not have it; AnswerLost if they cannot be asked either, so that
        nobody knows; and any other Unreachable if it is certain that the server never got it.
        """
        try:
            return http.post_prompt(self._wire, workflow, prompt_id, client_id, extra_pnginfo)
        except AnswerLost as error:
            found = self._finds(prompt_id)
            if found is None:
                raise
            if found:
                return RunAccepted(prompt_id, self.name)
            raise Lost(
                f"{self.name} was handed the run and its answer was lost, and neither its queue nor its "
                "history shows the run. Run it again.",
                server=self.name,
            ) from error

    def queue(self) -> QueueState:
        """GET /queue: everyone's prompts."""
        return http.queue(self._wire)

    def history(self, prompt_id: str) -> HistoryEntry | None:
        """What its history says of a prompt, None while it has none."""
        return http.history(self._wire, prompt_id)

    def cancel(self, prompt_id: str) -> None:
        """Take this prompt out of the queue, or interrupt it if it is the running one; never another's.

        A prompt that is over, or that the server does not know, is left as it is.
        """
        if http.cancel_job(self._wire, prompt_id):
            return
        http.delete_pending(self._wire, prompt_id)
        # Servers before targeted interrupts stop whatever runs: only one that runs ours may be told.
        if prompt_id in http.queue(self._wire).running:
            http.interrupt(self._wire, prompt_id)

    def fetch(self, file: OutputFile) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of an output file, in chunks, exactly as the server has them."""
        return contextlib.closing(download.chunks(self._wire, file))

    def models(self, folder: str) -> tuple[str, ...]:
        """The model files it has in a folder such as "checkpoints"; none if it has no such folder."""
        return http.models(self._wire, folder)

    def choices(self, route: str) -> tuple[str, ...]:
        """The choices of an input whose definition names a route for them; only one of its own is asked."""
        return http.choices(self._wire, route)

    def saved_workflows(self) -> tuple[str, ...]:
        """The paths of the workflows that people saved on it; none on a server of a kind that keeps none."""
        return http.saved_workflows(self._wire)

    def saved_workflow(self, path: str) -> bytes:
        """The file of a saved workflow. Raises UnexpectedAnswer if it is not there."""
        return http.saved_workflow(self._wire, path)

    def offered_templates(self) -> tuple[OfferedTemplate, ...]:
        """The workflows it brings along; none where their package is not installed."""
        return http.offered_templates(self._wire)

    def offered_template(self, template: OfferedTemplate) -> bytes:
        """The file of one it offers. Raises UnexpectedAnswer if it is not there."""
        return http.offered_template(self._wire, template)

    def free(self) -> None:
        """Let it unload its models and forget its cached results."""
        http.free(self._wire)

    def _finds(self, prompt_id: str) -> bool | None:
        """Whether the server has this prompt after all; None if it did not say.

        Asked again before it counts as absent, for the server may still be checking the workflow.
        """
        found: bool | None = None
        for pause in (0.0, *LOOK_PAUSES):
            if self._closing.wait(pause):
                break
            with contextlib.suppress(ServerError):
                # In this order: a prompt moves from the queue to the history and never back.
                found = prompt_id in self.queue() or self.history(prompt_id) is not None
                if found:
                    break
        return found
