"""Everything that can go wrong, in one tree, split by who can act.

    BridgeError
    ├─ TemplateError            the template's author: which file, which key, what was expected
    ├─ WorkflowError            the workflow's author
    │  ├─ NotApiFormat             the document is no API-format workflow
    │  ├─ UnknownClassType         a node the server has no definition of
    │  ├─ BrokenLink               a link to a node that is not there
    │  └─ NoPlace                  nothing in the graph to attach this to
    ├─ InvalidValues            the person at the form: one sentence an input
    ├─ QueueFull                the person at the form: so many of their runs wait already
    ├─ ServerError              whoever runs the server
    │  ├─ Unreachable              no answer at all
    │  │  ├─ NotRunning               ... because nothing listens at its address
    │  │  └─ AnswerLost               ... to something that was sent: whether it was done is not known
    │  ├─ Unauthorised             it wants other credentials
    │  ├─ Rejected                 it refused the workflow, and says why node by node
    │  ├─ Lost                     it no longer knows the run
    │  └─ UnexpectedAnswer         an answer that ComfyUI does not give
    ├─ RunFailed                the run ended without its result
    │  ├─ NodeFailed               a node raised
    │  │  └─ OutOfMemory           ... because memory ran out
    │  ├─ Cancelled                somebody stopped it
    │  ├─ TimedOut                 it took longer than the caller allowed
    │  └─ NoOutput                 it ended well and reported no file and no text
    └─ StoreError               whoever looks after this machine
       ├─ Locked                   another process holds the data folder
       ├─ TooNew                   the data was written by a later version
       ├─ EditedMeanwhile          somebody else saved this card since it was read
       ├─ WrongCard                a card that cannot be changed in places, only replaced
       └─ Full                     the disk is full

`str(error)` is one sentence for people: what happened, to which thing, and what to do now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class BridgeError(Exception):
    """Base of every error this package raises on purpose."""


class TemplateError(BridgeError):
    """A template's file is wrong; `file` names it."""

    def __init__(self, message: str, *, file: str = "") -> None:
        super().__init__(f"{file}: {message}" if file else message)
        self.file = file
        self.message = message


class WorkflowError(BridgeError):
    """A workflow cannot be used; `node_id` and `title` point at the node where there is one."""

    def __init__(self, message: str, *, node_id: str = "", title: str = "") -> None:
        super().__init__(message)
        self.node_id = node_id
        self.title = title


class NotApiFormat(WorkflowError):
    """The document is not a workflow in API format."""


class UnknownClassType(WorkflowError):
    """A node's class_type is not among the server's definitions."""


class BrokenLink(WorkflowError):
    """An input links to a node or an output that does not exist."""


class NoPlace(WorkflowError):
    """The graph has no place for what should be put into it."""


class InvalidValues(BridgeError):
    """Values that cannot be used: `problems` maps each input's key to one sentence."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{key}: {sentence}" for key, sentence in problems.items()))
        self.problems = dict(problems)


class QueueFull(BridgeError):
    """One person has as many runs waiting as one person may have."""


class ServerError(BridgeError):
    """A server did not do what was asked; `server` is its name without credentials."""

    def __init__(self, message: str, *, server: str = "") -> None:
        super().__init__(message)
        self.server = server


class Unreachable(ServerError):
    """No answer: refused, reset, timed out, or no such host."""


class NotRunning(Unreachable):
    """The machine is there and nothing listens at the address: as a rule the server's process has ended."""


class AnswerLost(Unreachable):
    """A request was sent and its answer never came: whether it was carried out is not known."""


class Unauthorised(ServerError):
    """The server, or a proxy before it, wants other credentials."""


@dataclass(frozen=True)
class InputProblem:
    """One thing a server says is wrong with one node, in its own words, and the input it names."""

    node_id: str
    class_type: str
    kind: str
    message: str
    details: str = ""
    input: str = ""
    received: str = ""


class Rejected(ServerError):
    """The server refused the workflow; `problems` has what it said, node by node."""

    def __init__(self, message: str, *, server: str = "", problems: tuple[InputProblem, ...] = ()) -> None:
        super().__init__(message, server=server)
        self.problems = problems


class Lost(ServerError):
    """The server no longer knows a run it had accepted, as after a restart."""


class UnexpectedAnswer(ServerError):
    """The address answers, but not as ComfyUI does; `status` is the HTTP status where there was one."""

    def __init__(self, message: str, *, server: str = "", status: int | None = None) -> None:
        super().__init__(message, server=server)
        self.status = status


class RunFailed(BridgeError):
    """A run ended without its result."""

    def __init__(self, message: str, *, node_id: str = "", class_type: str = "") -> None:
        super().__init__(message)
        self.node_id = node_id
        self.class_type = class_type


class NodeFailed(RunFailed):
    """A node raised while it ran."""


class OutOfMemory(NodeFailed):
    """A node ran out of memory."""


class Cancelled(RunFailed):
    """Somebody stopped the run."""


class TimedOut(RunFailed):
    """The run took longer than the caller allowed, and was cancelled."""


class NoOutput(RunFailed):
    """The run ended well, yet reported no file and no text."""


class StoreError(BridgeError):
    """What should be kept could not be kept or read."""


class Locked(StoreError):
    """Another process holds the data folder."""


class TooNew(StoreError):
    """The data folder was written by a later version of this program."""


class EditedMeanwhile(StoreError):
    """Somebody else saved this card since it was read; nothing was written."""


class WrongCard(StoreError):
    """A card is no TOML, or is written so that no change fits into it; it can only be replaced."""


class Full(StoreError):
    """The disk has no room for what should be kept."""
