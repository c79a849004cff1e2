"""The closed union of what can happen to a run, in our words.

Raw messages become events in one place (the wire); runs change by events in one place (`run.apply`).
Every event of a run names its prompt_id; `QueueChanged` concerns the whole server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from comfyui_bridge.core.errors import InputProblem
from comfyui_bridge.core.outputs import KeptFile, NodeOutput
from comfyui_bridge.core.workflow import Workflow


@dataclass(frozen=True)
class QueueChanged:
    """The server's queue now holds so many prompts, running and pending, anyone's."""

    remaining: int


@dataclass(frozen=True)
class RunAccepted:
    """The server took the workflow; `problems` lists the outputs it dropped although it took the rest."""

    prompt_id: str
    server: str
    number: float = 0
    problems: tuple[InputProblem, ...] = ()


@dataclass(frozen=True)
class RunRefused:
    """The server, or no server, took the workflow."""

    prompt_id: str
    message: str
    problems: tuple[InputProblem, ...] = ()


@dataclass(frozen=True)
class RunQueued:
    """So many prompts stand before this one, the running one included."""

    prompt_id: str
    ahead: int


@dataclass(frozen=True)
class StopAsked:
    """Somebody wants the run stopped; whether it is will show."""

    prompt_id: str


@dataclass(frozen=True)
class RunReturned:
    """The server it was offered to never took it, or is gone with it; it waits for a server again.

    Where that server might still have it, it goes on under another prompt_id, so that the two can be told
    apart. `reason` is a sentence for its log.
    """

    prompt_id: str
    new_prompt_id: str = ""
    reason: str = ""


@dataclass(frozen=True)
class FilesKept:
    """The run's files are ours now; `warnings` tells those that could not be fetched or kept."""

    prompt_id: str
    kept: tuple[KeptFile, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunOffered:
    """The workflow, its uploads in place, is about to be sent to this server."""

    prompt_id: str
    server: str
    workflow: Workflow


@dataclass(frozen=True)
class RunStarted:
    prompt_id: str


@dataclass(frozen=True)
class NodesCached:
    """These nodes will not run: their results are still in the server's cache."""

    prompt_id: str
    node_ids: tuple[str, ...]


@dataclass(frozen=True)
class NodeStarted:
    """A node began. `display_node_id` is the one people know when the node was made at run time."""

    prompt_id: str
    node_id: str
    display_node_id: str = ""


@dataclass(frozen=True)
class ProgressMade:
    """Step `value` of `maximum` inside one node."""

    prompt_id: str
    node_id: str
    value: float
    maximum: float


@dataclass(frozen=True)
class NodeProgress:
    """One node's entry in `progress_state`."""

    node_id: str
    state: str
    value: float
    maximum: float
    display_node_id: str = ""


@dataclass(frozen=True)
class NodesProgressed:
    """The state of every node that has begun so far; cumulative, so any one of them catches up."""

    prompt_id: str
    nodes: Mapping[str, NodeProgress]


@dataclass(frozen=True)
class PreviewReady:
    """An in-between picture, JPEG or PNG. Plain previews (binary type 1) name neither prompt nor node."""

    image: bytes = field(repr=False)
    media_type: str
    prompt_id: str = ""
    node_id: str = ""


@dataclass(frozen=True)
class TextReported:
    """A line of progress text from a node (binary type 3)."""

    text: str
    node_id: str = ""
    prompt_id: str = ""


@dataclass(frozen=True)
class OutputReady:
    """An output node finished with this result."""

    prompt_id: str
    output: NodeOutput


@dataclass(frozen=True)
class RunSucceeded:
    """All nodes ran. The history entry may not exist yet: wait for `RunEnded`, or retry (0.3.64)."""

    prompt_id: str


@dataclass(frozen=True)
class NodeRaised:
    """A node raised, and the run is over."""

    prompt_id: str
    node_id: str
    class_type: str
    message: str
    exception_type: str = ""
    traceback: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunInterrupted:
    """The run was interrupted at this node, and is over."""

    prompt_id: str
    node_id: str = ""


@dataclass(frozen=True)
class RunEnded:
    """The server is done with the prompt, whatever the outcome; its history entry exists now."""

    prompt_id: str


@dataclass(frozen=True)
class RunCollected:
    """What the server's history says of a finished run: the truth about its outputs."""

    prompt_id: str
    outputs: tuple[NodeOutput, ...]


@dataclass(frozen=True)
class RunRemoved:
    """A pending run was taken out of the queue before it began."""

    prompt_id: str


@dataclass(frozen=True)
class RunLost:
    """The server no longer knows the run; one that surely had not begun there may be done elsewhere."""

    prompt_id: str
    reason: str
    may_have_begun: bool = True


Event: TypeAlias = (
    QueueChanged
    | RunAccepted
    | RunRefused
    | RunQueued
    | StopAsked
    | RunOffered
    | RunReturned
    | FilesKept
    | RunStarted
    | NodesCached
    | NodeStarted
    | ProgressMade
    | NodesProgressed
    | PreviewReady
    | TextReported
    | OutputReady
    | RunSucceeded
    | NodeRaised
    | RunInterrupted
    | RunEnded
    | RunCollected
    | RunRemoved
    | RunLost
)
