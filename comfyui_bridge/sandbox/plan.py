"""In which order the nodes of a graph run.

ComfyUI prefers what lets a person see something soon: an output that is ready, then what an output waits
for, then what that waits for. Among equals the order is that in which nodes were found, from the outputs
upwards, the last input first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def is_link(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
    )


class Plan:
    """The nodes still to run. `next` names one whose inputs are ready, `done` takes it off."""

    def __init__(
        self,
        outputs: Iterable[str],
        sources: Callable[[str], Iterable[str]],
        is_output: Callable[[str], bool],
    ) -> None:
        """`sources` names the nodes a node takes its inputs from and that still have to run."""
        self._is_output = is_output
        self._needs: dict[str, set[str]] = {}
        self._needed_by: dict[str, list[str]] = {}
        for output in outputs:
            self._add(output, sources)

    def _add(self, output: str, sources: Callable[[str], Iterable[str]]) -> None:
        stack = [output]
        while stack:
            node_id = stack.pop()
            if node_id in self._needs:
                continue
            self._needs[node_id] = set()
            self._needed_by.setdefault(node_id, [])
            for source in sources(node_id):
                stack.append(source)
                self._needs[node_id].add(source)
                self._needed_by.setdefault(source, []).append(node_id)

    def __bool__(self) -> bool:
        return bool(self._needs)

    def next(self) -> str:
        ready = [node_id for node_id, needs in self._needs.items() if not needs]
        for closeness in (self._is_output, self._feeds_output, self._feeds_feeder):
            for node_id in ready:
                if closeness(node_id):
                    return node_id
        return ready[0]

    def done(self, node_id: str) -> None:
        del self._needs[node_id]
        for waiting in self._needed_by.pop(node_id):
            self._needs[waiting].discard(node_id)

    def _feeds_output(self, node_id: str) -> bool:
        return any(self._is_output(follower) for follower in self._needed_by[node_id])

    def _feeds_feeder(self, node_id: str) -> bool:
        return any(self._feeds_output(follower) for follower in self._needed_by[node_id])
