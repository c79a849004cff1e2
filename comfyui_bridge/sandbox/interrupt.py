"""The flag that stops the running prompt: set from the event loop, noticed by the worker."""

from __future__ import annotations

import threading

from comfyui_bridge.sandbox.node import Interrupted


class Interrupt:
    def __init__(self) -> None:
        self._requested = threading.Event()
        self._closed = threading.Event()

    def close(self) -> None:
        """The server stops: nothing waits any longer."""
        self._closed.set()
        self._requested.set()

    def silence(self, seconds: float) -> None:
        """Wait deaf to interrupts, as a node does that loads a model; only a stopping server ends it."""
        self._closed.wait(seconds)

    def request(self) -> None:
        self._requested.set()

    def clear(self) -> None:
        self._requested.clear()

    def check(self) -> None:
        """Raise Interrupted if that was asked for; once, as ComfyUI takes its flag down when it raises."""
        self.sleep(0)

    def sleep(self, seconds: float) -> None:
        """Wait, or raise Interrupted as soon as it is asked for."""
        if self._requested.wait(seconds) if seconds > 0 else self._requested.is_set():
            if not self._closed.is_set():
                self._requested.clear()
            raise Interrupted
