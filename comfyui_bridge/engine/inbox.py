"""What reaches a worker's inbox: what its other threads and the rest of the engine tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from comfyui_bridge.core.errors import BridgeError
from comfyui_bridge.core.events import Event, FilesKept
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.core.workflow import Workflow


@dataclass(frozen=True)
class Uploaded:
    """The files a run needs are on the server; its workflow with the server's names of them."""

    run_id: str
    token: int
    workflow: Workflow


@dataclass(frozen=True)
class Sent:
    """The server took a run, or may have: the follower finds out."""

    run_id: str
    token: int


@dataclass(frozen=True)
class NotSent:
    """The server does not have a run, and why."""

    run_id: str
    token: int
    error: BridgeError


@dataclass(frozen=True)
class Told:
    """An event of a run inside, and the run after it."""

    token: int
    run: Run
    event: Event
    over: bool


@dataclass(frozen=True)
class Kept:
    """What is kept of a run's files, for good or so far."""

    run_id: str
    event: FilesKept
    is_last: bool


@dataclass(frozen=True)
class Linked:
    """A connection to the server was opened."""


@dataclass(frozen=True)
class Learnt:
    facts: ServerFacts
    definitions: NodeDefs


@dataclass(frozen=True)
class NotLearnt:
    why: str


@dataclass(frozen=True)
class Parted:
    why: str
    has_ended: bool


@dataclass(frozen=True)
class Found:
    """A prompt that was disowned began all the same."""

    prompt_id: str
    is_running: bool


@dataclass(frozen=True)
class Vanished:
    """A prompt that was disowned will not come any more."""

    prompt_id: str


@dataclass(frozen=True)
class Note:
    """A warning for a run, from elsewhere than its server."""

    run_id: str
    sentence: str


@dataclass(frozen=True)
class Stop:
    run_id: str


@dataclass(frozen=True)
class Refresh:
    only_facts: bool


@dataclass(frozen=True)
class Leave:
    """Take no more runs, and end once those inside are over."""


@dataclass(frozen=True)
class Wake:
    """There may be a run to claim."""


Item: TypeAlias = (
    Uploaded
    | Sent
    | NotSent
    | Told
    | Kept
    | Linked
    | Learnt
    | NotLearnt
    | Parted
    | Found
    | Vanished
    | Note
    | Stop
    | Refresh
    | Leave
    | Wake
)
