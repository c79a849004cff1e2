"""How far a run is: its nodes and their steps, joined into one share that never falls.

A node weighs what it takes: its steps, or its part of the time where earlier runs told that. One is the
weight of a node that takes no time worth telling, and of any node that the server has in its cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from comfyui_bridge.core.workflow import Link, Node, Workflow

Weights = Mapping[str, float]

_MOST_STEPS = 10_000


@dataclass(frozen=True)
class Progress:
    """How far a run is. `overall` is from 0 to 1 and never falls; times are epoch seconds."""

    overall: float = 0.0
    cached: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()
    node_id: str = ""
    """The node at work, as people know it, or the last one that was."""
    value: float = 0.0
    maximum: float = 0.0
    """Its steps; 0 of 0 while it counts none."""
    passes: int = 1
    """How often it began to count: an upscaler that works in tiles counts anew for each."""
    inner_id: str = ""
    """The id the server gave it: another one where the node was made at run time."""
    node_started_at: float | None = None
    """None once it is done."""
    first_step: tuple[float, float] | None = None
    """The first step of this pass that was told, and when: loading the model came before it."""
    stepped_at: float | None = None
    heard_at: float | None = None

    @property
    def pace(self) -> float | None:
        """Seconds a step, of this pass; None before its second step."""
        if self.first_step is None or self.stepped_at is None or self.value <= self.first_step[0]:
            return None
        return (self.stepped_at - self.first_step[1]) / (self.value - self.first_step[0])


def entered(progress: Progress, node_id: str, inner_id: str, at: float) -> Progress:
    """Another node is at work; who was before it is done."""
    gone = progress.finished | {progress.node_id} if progress.node_id else progress.finished
    return replace(
        progress,
        node_id=node_id,
        inner_id=inner_id,
        finished=gone,
        value=0.0,
        maximum=0.0,
        passes=1,
        node_started_at=at,
        first_step=None,
        stepped_at=None,
        heard_at=at,
    )


def left(progress: Progress) -> Progress:
    """The node at work is done, and which one is next is not known yet."""
    return replace(progress, finished=progress.finished | {progress.node_id}, node_started_at=None)


def stepped(progress: Progress, value: float, maximum: float, at: float) -> Progress:
    """The node at work told of a step; the same progress if that is old news.

    The messages of one node come in order: fewer steps than before, once all were told, begin anew.
    """
    same = maximum == progress.maximum
    if same and (value == progress.value or (value < progress.value < maximum)):
        return progress
    is_anew = progress.maximum > 0 and (not same or value < progress.value)
    first = None if is_anew else progress.first_step
    if first is None and value > 0:
        first = (value, at)
    return replace(
        progress,
        value=value,
        maximum=maximum,
        passes=progress.passes + is_anew,
        first_step=first,
        stepped_at=at if value > 0 else progress.stepped_at,
        heard_at=at,
    )


def share(progress: Progress, weight: Weights) -> float:
    """How much of the work is done, from 0 to 1."""
    total = done = 0.0
    for node_id, weighs in weight.items():
        if node_id in progress.cached:
            total, done = total + 1.0, done + 1.0
            continue
        total += weighs
        if node_id in progress.finished:
            done += weighs
        elif node_id == progress.node_id and progress.maximum > 0:
            done += weighs * min(1.0, progress.value / progress.maximum)
    return min(1.0, done / total) if total else 0.0


def weights(workflow: Workflow) -> Weights:
    """What nodes weigh as far as the workflow itself tells: as many as they take steps, else one."""
    return MappingProxyType(
        {node_id: float(max(1, steps(workflow, node))) for node_id, node in workflow.nodes.items()}
    )


def steps(workflow: Workflow, node: Node) -> int:
    """How many steps a node will take; 0 for one that does not sample.

    A scheduler has `steps` too, yet only lists them for the sampler that its `sigmas` go to.
    """
    if (source := _source(workflow, node, "sigmas")) is not None:
        return _steps_named(workflow, source)
    told = _steps_named(workflow, node)
    if told and any(name == "sigmas" for _, name in workflow.consumers(node.node_id)):
        return 0
    first, last = node.inputs.get("start_at_step"), node.inputs.get("end_at_step")
    if isinstance(first, int) and isinstance(last, int):
        return max(0, min(last, told) - max(0, first))
    return told


def number(workflow: Workflow, node: Node, name: str) -> float | None:
    """The number in an input, written there or in the plain value node it is linked to."""
    content: Any = node.inputs.get(name)
    if isinstance(content, Link):
        source = workflow.nodes.get(content.node_id)
        content = source.inputs.get("value") if source else None
    if isinstance(content, bool) or not isinstance(content, (int, float)):
        return None
    return float(content)


def _steps_named(workflow: Workflow, node: Node) -> int:
    found = number(workflow, node, "steps")
    return int(min(max(found, 0), _MOST_STEPS)) if found is not None else 0


def _source(workflow: Workflow, node: Node, name: str) -> Node | None:
    content = node.inputs.get(name)
    return workflow.nodes.get(content.node_id) if isinstance(content, Link) else None
