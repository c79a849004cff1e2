"""What all workers of an engine work with, and how long they wait for a server that is gone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from comfyui_bridge.engine.follow import TIMING, Timing
from comfyui_bridge.engine.live import Live
from comfyui_bridge.engine.pool import Pool
from comfyui_bridge.engine.queue import RunQueue
from comfyui_bridge.engine.unwritten import Unwritten
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.store.servers import ServerStore

PATIENT = replace(TIMING, give_up=math.inf)
"""What is known of a run is kept for as long as its server may come back: people can stop it."""


@dataclass(frozen=True)
class Grace:
    """Seconds for which a server's process may have ended before its runs are not waited for any more."""

    unbegun: float = 5.0
    """Those that had not begun go elsewhere."""
    begun: float = 300.0
    """The others are lost."""
    silent: float = 60.0
    """On one that cannot be reached and may live, those that somebody stopped are given up."""


@dataclass(frozen=True)
class Workplace:
    queue: RunQueue
    pool: Pool
    live: Live
    runs: RunStore
    media: MediaStore
    servers: ServerStore | None
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    timing: Timing
    grace: Grace
    unwritten: Unwritten = field(default_factory=Unwritten)
