"""How one server stands with us: whether it may be given runs, and since when it is away.

It may once it is linked and has told who it is and what it can do, which the clerk asks it. The worker's
thread alone writes here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress

from comfyui_bridge.core.errors import ServerError
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.engine import inbox
from comfyui_bridge.engine.errands import Errands
from comfyui_bridge.engine.ports import Server
from comfyui_bridge.engine.workplace import Workplace

RETRY_S = 1.0
"""Between tries to learn about a server that answers the socket and not the rest."""
LEARN_S = 10.0
"""What a server said of itself is not doubted before, however many runs it refuses."""


class Standing:
    def __init__(
        self, server: Server, place: Workplace, clerk: Errands, tell: Callable[[inbox.Item], None]
    ) -> None:
        """`tell` puts into the worker's inbox what the clerk has learnt."""
        self._server = server
        self._place = place
        self._clerk = clerk
        self._tell = tell
        self.is_ready = False
        self.ended_at: float | None = None
        """Since when nothing listens at its address."""
        self.away_at: float | None = None
        """Since when it cannot be reached, for whatever reason."""
        self._is_linked = False
        self._is_learning = False
        self._learn_at = 0.0
        self._learnt_at = -math.inf

    def linked(self) -> None:
        self._is_linked, self.is_ready, self._learn_at = True, False, 0.0
        self.away_at = self.ended_at = None

    def parted(self, why: str, has_ended: bool) -> None:
        self._is_linked = self.is_ready = False
        now = self._place.monotonic()
        if not has_ended:
            self.ended_at = None
        elif self.ended_at is None:
            self.ended_at = now
        if self.away_at is None:
            self.away_at = now
        self._place.pool.away(self._server.name, why, self._moves_at())

    def distrust(self, why: str) -> None:
        """Give it nothing more until it has told anew who it is."""
        self.is_ready = False
        self._learn_at = self._place.monotonic() + RETRY_S
        self._place.pool.away(self._server.name, why)

    def learn_at(self) -> float | None:
        """When it is to be asked who it is; None while it need not be, or is being asked."""
        return self._learn_at if self._is_linked and not self.is_ready and not self._is_learning else None

    def learn(self) -> None:
        """Have it asked who it is and what it can do; once it has told, it gets runs."""
        self._is_learning = True
        self._clerk.put(self._ask)

    def learnt(self, facts: ServerFacts, definitions: NodeDefs) -> None:
        self._is_learning = False
        if self._is_linked:
            self._place.pool.ready(self._server.name, facts, definitions)
            self.is_ready = True
            self._learnt_at = self._place.monotonic()
            # Outside the queue's lock, which whoever claims or cancels waits for.
            self._place.pool.assess(self._place.queue.order())

    def not_learnt(self, why: str) -> None:
        self._is_learning = False
        if self._is_linked:
            self.distrust(why)

    def doubt(self) -> None:
        """It refused a run: what it does not list any more, no form should offer, and no run be sent for."""
        if self._place.monotonic() >= self._learnt_at + LEARN_S:
            self.refresh(only_facts=False)

    def refresh(self, only_facts: bool) -> None:
        if not self.is_ready or self._is_learning:
            return
        if only_facts:
            self._clerk.put(self._ask_facts)
        else:
            self.learn()

    def _ask(self) -> None:
        """On the clerk's thread."""
        try:
            self._tell(inbox.Learnt(self._server.probe(), self._server.node_defs()))
        except ServerError as error:
            self._tell(inbox.NotLearnt(str(error)))

    def _ask_facts(self) -> None:
        """On the clerk's thread."""
        with suppress(ServerError):  # if it is gone, the follower hears of it
            self._place.pool.facts(self._server.name, self._server.probe())

    def _moves_at(self) -> float | None:
        """When, by the clock, its runs that had not begun move."""
        if self.ended_at is None:
            return None
        gone_for = self._place.monotonic() - self.ended_at
        return self._place.clock() - gone_for + self._place.grace.unbegun
