"""What the engine needs of a server: the one door between runs and the wire.

The real one speaks HTTP and WebSocket; the tests have a scripted one. Both pass the same contract.
Every method may raise core.errors.ServerError and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Protocol

from comfyui_bridge.core.events import Event, RunAccepted
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.core.server import HistoryEntry, OfferedTemplate, QueueState, ServerFacts
from comfyui_bridge.core.workflow import Workflow


class Connection(Protocol):
    """One WebSocket to a server, under a client_id of its own."""

    @property
    def client_id(self) -> str: ...

    def next_event(self, timeout: float) -> Event | None:
        """The next event, or None if none came within `timeout` seconds.

        Messages that mean nothing to us are passed over. Raises Unreachable once the socket is gone.
        """

    def close(self) -> None:
        """Close the socket; may be called twice and from another thread."""


class Server(Protocol):
    """One ComfyUI server."""

    @property
    def name(self) -> str:
        """Its address as people see it, without credentials; the key it is known by."""

    def probe(self) -> ServerFacts:
        """Ask who it is. Raises Unreachable, Unauthorised, or UnexpectedAnswer if it is no ComfyUI."""

    def node_defs(self) -> NodeDefs:
        """Its node definitions, read anew."""

    def connect(self, client_id: str | None = None) -> Connection:
        """Open a WebSocket and return once the server has greeted it, so that no event is missed.

        Under a fresh client_id, or under that of an earlier connection which is gone: a prompt's events
        go to the client_id it was submitted with and to no other.
        """

    def upload(self, content: BinaryIO, filename: str) -> str:
        """Put a file into its input folder; the value that an image input takes for it."""

    def submit(
        self,
        workflow: Workflow,
        prompt_id: str,
        client_id: str,
        *,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> RunAccepted:
        """Queue a workflow under an id of ours. Raises Rejected with what it says is wrong.

        If the answer is lost, the queue and the history are asked for the id: never a second submission.
        Raises Lost if they do not have it, AnswerLost if they cannot be asked either; any other
        Unreachable means that the server never got it. Follow the answer's prompt_id: servers before
        0.3.45 mint their own.
        """

    def queue(self) -> QueueState:
        """Its queue now."""

    def history(self, prompt_id: str) -> HistoryEntry | None:
        """What its history says of a prompt, None while it has none."""

    def cancel(self, prompt_id: str) -> None:
        """Take this prompt out of the queue, or interrupt it if it is the running one; never another's."""

    def choices(self, route: str) -> tuple[str, ...]:
        """The choices of an input whose definition names a route of the server's own for them.

        Raises UnexpectedAnswer for any other address, and where the route gives no list.
        """

    def saved_workflows(self) -> tuple[str, ...]:
        """The paths of the workflows that people saved on it."""

    def saved_workflow(self, path: str) -> bytes:
        """The file of a saved workflow. Raises UnexpectedAnswer if it is not there."""

    def offered_templates(self) -> tuple[OfferedTemplate, ...]:
        """The workflows it brings along for people to begin with."""

    def offered_template(self, template: OfferedTemplate) -> bytes:
        """The file of one it offers. Raises UnexpectedAnswer if it is not there."""

    def free(self) -> None:
        """Let it unload its models and forget its cached results, once it is idle."""

    def fetch(self, file: OutputFile) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of an output file, in chunks, exactly as the server has them."""
