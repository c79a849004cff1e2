"""When an experiment should not try its next cell: the last ones all failed, and it most likely would too.

Pure counting of how its cells ended, in the order in which they did. Somebody who goes on all the same
knows of it: then it takes twice as many until it is said again.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence

from comfyui_bridge.core.run import Fault, Run, RunError, RunState

FIRST = 3
"""Failures in a row, for whatever reason, before anything has succeeded."""
LATER = 5
"""Failures in a row for one reason."""
_LONGEST_WHY = 200
_MISHAPS = (Fault.LOST, Fault.UNREACHABLE)
"""What befalls a server rather than a cell."""


class Brake:
    """Of one experiment; whoever guards its sheet guards this. What somebody cancelled counts as nothing."""

    def __init__(self, has_succeeded: bool) -> None:
        """`has_succeeded`: a run of its own was completed before."""
        self._has_succeeded = has_succeeded
        self._failures = _Row()
        self._unmade = _Row()
        self._mishap_at = -math.inf
        self._patience = 1

    def ended(self, run: Run) -> None:
        """A run of a cell is over."""
        if run.state is RunState.COMPLETED:
            self._has_succeeded, self._patience = True, 1
            self._failures = _Row()
        elif run.state is RunState.FAILED and run.error is not None and not self._is_known(run, run.error):
            self._failures.add(_cause(run.error), run.error.message)

    def looked(self, problems: Sequence[str]) -> None:
        """Whether runs can be made of these cells, in order: an empty sentence for each that can."""
        for problem in problems:
            if problem:
                self._unmade.add(problem, problem)
            else:
                self._unmade = _Row()

    def why(self) -> str:
        """Why nothing more should begin; empty while it may."""
        first = math.inf if self._has_succeeded else FIRST * self._patience
        later = LATER * self._patience
        for row, is_over in (
            (self._failures, self._failures.count >= first or self._failures.alike >= later),
            (self._unmade, self._unmade.alike >= later),
        ):
            if is_over:
                # Without a number: what is under way ends too, and the sheet counts it.
                return f"Paused because cell after cell failed: {row.why} Resume to go on all the same."
        return ""

    def recall(self, runs: Iterable[Run], goes_on: bool) -> None:
        """What ended before this program began, in that order.

        Where it went on after so many failures, somebody had wanted it to.
        """
        held_at = math.inf
        for run in runs:
            if run.created_at > held_at:
                self.release()
            self.ended(run)
            held_at = min(held_at, run.ended_at or run.created_at) if self.why() else math.inf
        if goes_on and self.why():
            self.release()

    def release(self) -> None:
        """Somebody wants it to go on."""
        self._patience *= 2 if self.why() else 1
        self._failures, self._unmade = _Row(), _Row()

    def _is_known(self, run: Run, error: RunError) -> bool:
        """Whether it was lost in a mishap that was counted already.

        A machine that is switched off takes a run of each of its servers along, and that is one mishap; a
        server that goes down with each cell it is given has a new one every time.
        """
        if error.fault not in _MISHAPS:
            return False
        is_known = (run.accepted_at or run.created_at) <= self._mishap_at
        if not is_known:
            self._mishap_at = run.ended_at or run.created_at
        return is_known


class _Row:
    """Failures one after another, and how many of the last of them had one cause."""

    def __init__(self) -> None:
        self.count = self.alike = 0
        self.why = ""
        self._cause: Hashable = None

    def add(self, cause: Hashable, why: str) -> None:
        self.alike = self.alike + 1 if cause == self._cause else 1
        self.count += 1
        self._cause, self.why = cause, _short(why)


def _cause(error: RunError) -> Hashable:
    """What is the same of two failures; what an error says in words has numbers in it that differ."""
    problems = tuple((one.class_type, one.kind, one.input) for one in error.problems)
    return error.fault, error.node_id, error.class_type, error.said.partition(":")[0], problems


def _short(why: str) -> str:
    line = " ".join(why.strip().partition("\n")[0].split())
    line = line if len(line) <= _LONGEST_WHY else f"{line[:_LONGEST_WHY].rstrip()}…"
    return line if line.endswith((".", "!", "?", "…")) else f"{line}."
