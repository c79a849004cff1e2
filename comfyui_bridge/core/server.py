"""What a server says when it is asked: about itself, its queue, and one run's history."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from comfyui_bridge.core.events import NodeRaised
from comfyui_bridge.core.outputs import NodeOutput


@dataclass(frozen=True)
class Device:
    """One compute device; memory in bytes."""

    name: str
    type: str = ""
    vram_total: int = 0
    vram_free: int = 0


@dataclass(frozen=True)
class ServerFacts:
    """What GET /system_stats tells; memory in bytes."""

    version: str = ""
    os: str = ""
    python_version: str = ""
    ram_total: int = 0
    ram_free: int = 0
    devices: tuple[Device, ...] = ()
    is_sandbox: bool = False
    """Our own embedded server, which paints and is no AI model."""


@dataclass(frozen=True)
class OfferedTemplate:
    """A workflow that a server brings along for people to begin with."""

    name: str
    """The file's, without suffix."""
    title: str
    source: str = ""
    """The extension it comes with; empty for ComfyUI's own."""
    description: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class QueueState:
    """The prompt ids in a server's queue, everyone's, pending ones in the order they will run."""

    running: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()

    def __contains__(self, prompt_id: str) -> bool:
        return prompt_id in self.running or prompt_id in self.pending

    def ahead(self, prompt_id: str) -> int | None:
        """How many prompts stand before this pending one; None if it is not pending here."""
        if prompt_id not in self.pending:
            return None
        return len(self.running) + self.pending.index(prompt_id)


class Outcome(str, Enum):
    SUCCESS = "success"
    ERROR = "error"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class HistoryEntry:
    """A finished prompt as the server's history keeps it. Outputs made before an error are there too."""

    prompt_id: str
    outcome: Outcome
    outputs: tuple[NodeOutput, ...] = ()
    failure: NodeRaised | None = None
    interrupted_node_id: str = ""
    cached: tuple[str, ...] = ()
    """Nodes whose results it still had."""
    started_at: float | None = None
    """Seconds since the epoch by the server's clock, as are all its times."""
    ended_at: float | None = None
