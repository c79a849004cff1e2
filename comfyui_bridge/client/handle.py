"""A run in the server's hands: its events as they come, stopping it, waiting for its result."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator

from comfyui_bridge.client.result import Result, of_run
from comfyui_bridge.core.errors import ServerError, TimedOut
from comfyui_bridge.core.events import (
    Event,
    NodesProgressed,
    PreviewReady,
    ProgressMade,
    RunQueued,
    TextReported,
)
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.engine.follow import Follower

UNREAD_TRANSIENT = 256
UNREAD_PREVIEWS = 8
"""Events that may wait to be read: of those that newer ones replace, the oldest are left out."""

CANCEL_S = 10.0
"""How long a run that took too long is waited for once it was told to stop."""

_TRANSIENT = (NodesProgressed, PreviewReady, ProgressMade, RunQueued, TextReported)


class RunHandle:
    """One submitted run. Its methods may be called from any thread."""

    def __init__(self, run: Run, follower: Follower) -> None:
        self._follower = follower
        self._state = threading.Condition()  # guards all below; nobody is called while it is held
        self._run = run
        self._events: deque[Event] = deque()
        self._over = False

    @property
    def run_id(self) -> str:
        return self.run.run_id

    @property
    def prompt_id(self) -> str:
        return self.run.prompt_id

    @property
    def server(self) -> str:
        return self._follower.server.name

    @property
    def state(self) -> RunState:
        return self.run.state

    @property
    def run(self) -> Run:
        """The run as it is now: state, progress, outputs so far."""
        with self._state:
            return self._run

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """What happens to the run, until it is over, or until `timeout` seconds have passed.

        Each event is given once. A reader who falls far behind misses previews and steps, nothing else.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (event := self._next_event(deadline)) is not None:
            yield event

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over, for at most so many seconds; whether it is."""
        with self._state:
            return self._state.wait_for(lambda: self._over, timeout)

    def cancel(self) -> None:
        """Stop it, pending or running; only this run. Its result will say cancelled."""
        self._follower.cancel(self.prompt_id)

    def result(self, timeout: float | None = None, *, check: bool = True) -> Result:
        """The result, once the run is over.

        After `timeout` seconds the run is cancelled and TimedOut raised. With `check`, a run that did not
        complete raises what its failure is: NodeFailed, OutOfMemory, Cancelled, NoOutput or Lost.
        """
        return self.result_within(timeout, time.monotonic(), check=check)

    def result_within(self, timeout: float | None, since: float, *, check: bool) -> Result:
        """The result, where the `timeout` began at monotonic second `since`."""
        if timeout is None:
            self.wait()
        elif not self.wait(max(0.0, since + timeout - time.monotonic())):
            self._time_out(timeout)
        result = of_run(self.run, self._follower.server)
        failure = result.failure()
        if check and failure is not None:
            raise failure
        return result

    def _time_out(self, timeout: float) -> None:
        try:
            self.cancel()
        except ServerError as error:
            raise TimedOut(
                f"The run took longer than {timeout:g} s and could not be stopped: {error}"
            ) from error
        self.wait(CANCEL_S)
        # It may have come to its end just then.
        if not (self._over and self.state is RunState.COMPLETED):
            raise TimedOut(f"The run took longer than {timeout:g} s and was stopped. Allow it more time.")

    def told(self, run: Run, event: Event, over: bool) -> None:
        """Take an event; for the follower."""
        with self._state:
            self._run = run
            self._events.append(event)
            if isinstance(event, _TRANSIENT):
                self._forget_old()
            self._over = self._over or over
            self._state.notify_all()

    def _next_event(self, deadline: float | None) -> Event | None:
        with self._state:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            self._state.wait_for(lambda: bool(self._events) or self._over, left)
            return self._events.popleft() if self._events else None

    def _forget_old(self) -> None:
        previews = [event for event in self._events if isinstance(event, PreviewReady)]
        if len(previews) > UNREAD_PREVIEWS:
            self._events.remove(previews[0])
        elif len(self._events) > UNREAD_TRANSIENT:
            oldest = next((event for event in self._events if isinstance(event, _TRANSIENT)), None)
            if oldest is not None:
                self._events.remove(oldest)
