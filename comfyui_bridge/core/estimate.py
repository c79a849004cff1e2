"""How long a run will take, from how long earlier runs of its template took on its server.

What earlier runs took is scaled by what each node has to do: a sampler by steps and pixels, a decoder by
pixels, a loader not at all. Nothing is claimed where nothing is known, and a range where they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType

from comfyui_bridge.core import progress as progress_
from comfyui_bridge.core.progress import Progress, Weights
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.run_log import LogKind
from comfyui_bridge.core.workflow import Node, Workflow

ENOUGH = 8
"""The newest runs tell best; more of them than this tell nothing more."""

_FIXED = ("Load", "TextEncode", "CLIPVision", "Primitive", "Scheduler", "Guider", "Select")
"""What takes as long for a large picture as for a small one, by a part of its class_type."""
_SILENT = 5.0
"""Seconds without a step, and some times its pace, after which a node's pace tells nothing any more."""
_SIMULATED = 500
"""More runs than this take as much longer as they are more."""
_FAR = 6.0
"""Beyond so many times the work of any earlier run, more work does not take as much longer."""


@dataclass(frozen=True)
class Estimate:
    """Seconds, between these two."""

    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether one number tells it."""
        return self.high - self.low <= max(3.0, 0.3 * self.high)

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def plus(self, other: Estimate) -> Estimate:
        return Estimate(self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class Timing:
    """What one earlier run took: all of it, and each node with the work it had to do."""

    seconds: float
    nodes: Mapping[str, NodeTime]
    """The nodes that ran, by node_id; those from the server's cache took no time."""
    pixels: float = 1.0
    bytes: int = 0
    """What it left on this disk."""

    @property
    def between(self) -> float:
        """What no node accounts for."""
        return max(0.0, self.seconds - sum(node.seconds for node in self.nodes.values()))


@dataclass(frozen=True)
class NodeTime:
    class_type: str
    seconds: float
    work: float


def timing(run: Run) -> Timing | None:
    """What a run took; None for one that tells nothing: not completed, from the cache, or not seen whole."""
    if run.state is not RunState.COMPLETED or run.seconds is None or run.seconds <= 0:
        return None
    size = pixels(run.workflow)
    nodes: dict[str, NodeTime] = {}
    for entry in run.log:
        if entry.kind == LogKind.MOVED.value:
            nodes.clear()
        if entry.kind != LogKind.NODE.value or entry.node_id not in run.workflow:
            continue
        if entry.seconds is None:
            return None
        node = run.workflow.nodes[entry.node_id]
        nodes[entry.node_id] = NodeTime(node.class_type, entry.seconds, _work(run.workflow, node, size))
    if not nodes:
        return None
    return Timing(run.seconds, MappingProxyType(nodes), size, sum(kept.size for kept in run.kept))


@dataclass(frozen=True)
class Expected:
    """What earlier runs tell of one workflow: how long each of its nodes would take, went it like them."""

    samples: tuple[Mapping[str, float], ...]
    """Seconds by node_id, for each earlier run; a node that it had in the cache is not in its own."""
    between: tuple[float, ...]
    """What no node accounts for, for each."""
    usual: Mapping[str, float]
    """The median of each node that ever ran."""


def expect(workflow: Workflow, past: Sequence[Timing]) -> Expected:
    """Scale what earlier runs took to what this workflow has to do."""
    size = pixels(workflow)
    work = {node_id: _work(workflow, node, size) for node_id, node in workflow.nodes.items()} if past else {}
    samples = tuple(MappingProxyType(dict(_scaled(workflow, one, work))) for one in past)
    usual = {
        node_id: median(found)
        for node_id in workflow.nodes
        if (found := [sample[node_id] for sample in samples if node_id in sample])
    }
    return Expected(samples, tuple(one.between for one in past), MappingProxyType(usual))


def whole(expected: Expected) -> Estimate | None:
    """How long a run of this workflow will take from its start to its end."""
    rest = zip(expected.samples, expected.between, strict=True)
    return _range([sum(sample.values()) + between for sample, between in rest])


def left(run: Run, expected: Expected, now: float) -> Estimate | None:
    """How long a run that has begun will still take at epoch second `now`; None where nobody can say."""
    if run.state is not RunState.IN_PROGRESS or run.server_done or run.stopping or run.started_at is None:
        return None
    if not run.progress.node_id and not run.progress.cached:
        return _minus(whole(expected), now - run.started_at)
    current = _current(run, expected, now)
    if current is None:
        return None
    if not expected.samples:
        return _by_weight(run, current)
    gone = run.progress.cached | run.progress.finished | {run.progress.node_id}
    others = [node_id for node_id in run.workflow.nodes if node_id not in gone]
    if any(_is_untold(run.workflow.nodes[node_id], expected) for node_id in others):
        return None
    later = _range([sum(map(_taking(sample, expected), others)) for sample in expected.samples])
    return None if later is None else current.plus(later)


def weights(workflow: Workflow, past: Sequence[Timing]) -> Weights:
    """What nodes weigh in the progress: a hundred for all that took time, at least one for each."""
    seconds = expect(workflow, past).usual
    total = sum(seconds.values())
    if total <= 0:
        return progress_.weights(workflow)
    unit = max(100.0, 5.0 * len(workflow.nodes)) / total
    return MappingProxyType(
        {node_id: max(1.0, seconds.get(node_id, 0.0) * unit) for node_id in workflow.nodes}
    )


@dataclass(frozen=True)
class Waiting:
    """A run that waits: the servers that may take it, and how long each would take."""

    run_id: str
    takes: Mapping[str, Estimate | None]


def starts(busy: Mapping[str, Estimate | None], waiting: Sequence[Waiting]) -> Mapping[str, Estimate]:
    """In how many seconds each waiting run begins, by run_id; without those of which nobody can say.

    `busy` tells how long each server still has to do, None where that is unknown. `waiting` stands in
    the order of the turns; each goes to the server that is free first of those that may take it.
    """
    free = dict(busy)
    known: dict[str, Estimate] = {}
    for one in waiting:
        names = [name for name in one.takes if name in free]
        if not names:
            continue
        if any(free[name] is None for name in names):
            # It may go to the one that nobody knows of; whatever stands behind it is as unsure.
            free.update(dict.fromkeys(names))
            continue
        name = min(names, key=lambda name: _middle(free[name]))
        begins, takes = free[name], one.takes[name]
        assert begins is not None
        known[one.run_id] = begins
        free[name] = begins.plus(takes) if takes is not None else None
    return known


def together(samples: Sequence[Mapping[str, Estimate | None]], count: int) -> Estimate | None:
    """How long so many runs take on all servers at once, by what each sample would take on those able to.

    The samples stand for the runs from first to last. A server of which nothing is known counts like the
    others; None where nothing is known of any.
    """
    known = [one for takes in samples for one in takes.values() if one is not None]
    if not known or not count:
        return None
    usual = Estimate(median(one.low for one in known), median(one.high for one in known))
    able = [{name: one or usual for name, one in takes.items()} for takes in samples]
    shown = min(count, _SIMULATED)
    runs = [able[number * len(able) // shown] for number in range(shown)]
    low = _busy([{name: one.low for name, one in takes.items()} for takes in runs])
    high = _busy([{name: one.high for name, one in takes.items()} for takes in runs])
    return Estimate(low * count / shown, high * count / shown)


def _busy(runs: Sequence[Mapping[str, float]]) -> float:
    """When the last of these runs ends, each given to the server that would be through with it first."""
    free: dict[str, float] = {}
    for takes in runs:
        if takes:
            ends = {name: free.get(name, 0.0) + seconds for name, seconds in takes.items()}
            name = min(ends, key=ends.__getitem__)
            free[name] = ends[name]
    return max(free.values(), default=0.0)


def bytes_of(samples: Sequence[Workflow], past: Sequence[Timing], count: int) -> int | None:
    """What so many runs leave on the disk, by what earlier ones left for their pixels."""
    per_pixel = [one.bytes / one.pixels for one in past if one.bytes]
    if not per_pixel or not samples:
        return None
    return round(median(per_pixel) * sum(map(pixels, samples)) / len(samples) * count)


def pixels(workflow: Workflow) -> float:
    """The pixels a workflow begins with, of all its pictures or frames; one where nothing tells."""
    return max((_canvas(workflow, node) for node in workflow.nodes.values()), default=1.0)


def _canvas(workflow: Workflow, node: Node) -> float:
    width = progress_.number(workflow, node, "width")
    height = progress_.number(workflow, node, "height")
    if not node.class_type.startswith("Empty") or not width or not height:
        return 1.0
    many = progress_.number(workflow, node, "batch_size") or 1.0
    frames = progress_.number(workflow, node, "length") or 1.0
    return max(1.0, width * height * many * frames)


def _work(workflow: Workflow, node: Node, size: float) -> float:
    """What a node has to do, in a unit of its own; comparable between runs of one template."""
    if steps := progress_.steps(workflow, node):
        return steps * size
    return 1.0 if any(part in node.class_type for part in _FIXED) else size


def _scaled(workflow: Workflow, one: Timing, work: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    for node_id, before in one.nodes.items():
        node = workflow.nodes.get(node_id)
        if node is not None and node.class_type == before.class_type:
            ratio = work[node_id] / before.work
            yield node_id, before.seconds * min(_FAR, max(1 / _FAR, ratio))


def _taking(sample: Mapping[str, float], expected: Expected) -> Callable[[str], float]:
    """What a node takes by this sample, by the others where it had the node in the cache; else nothing."""
    return lambda node_id: sample.get(node_id, expected.usual.get(node_id, 0.0))


def _is_untold(node: Node, expected: Expected) -> bool:
    """A model to load that every earlier run found in the cache: it may take a second or a minute."""
    return "Load" in node.class_type and node.node_id not in expected.usual


def _current(run: Run, expected: Expected, now: float) -> Estimate | None:
    """What the node at work still takes: by the pace of its steps, else as it usually does."""
    progress = run.progress
    if progress.node_id not in run.workflow or progress.node_started_at is None:
        return Estimate(0.0, 0.0)
    if progress.pace is not None and progress.passes == 1 and progress.stepped_at is not None:
        silent = now - progress.stepped_at
        if silent > max(_SILENT, 4 * progress.pace):
            return None
        remaining = (progress.maximum - progress.value) * progress.pace - silent
        # The fewer steps were seen, the less they tell.
        doubt = 0.5 / (progress.value - (progress.first_step or (0.0,))[0])
        return Estimate(max(0.0, remaining * (1 - doubt / 2)), max(0.0, remaining * (1 + doubt)))
    usual = _range([sample[progress.node_id] for sample in expected.samples if progress.node_id in sample])
    done = progress.value / progress.maximum if progress.maximum and progress.passes == 1 else 0.0
    if usual is not None and done:
        return Estimate(usual.low * (1 - done), usual.high * (1 - done))
    return _minus(usual, now - progress.node_started_at)


def _by_weight(run: Run, current: Estimate) -> Estimate | None:
    """What is left when no earlier run tells: the other nodes, by their weight beside the one at work."""
    progress = run.progress
    if progress.pace is None:
        return None
    weigh = run.weights or progress_.weights(run.workflow)
    gone = progress.cached | progress.finished | {progress.node_id}
    ahead = sum(weight for node_id, weight in weigh.items() if node_id not in gone)
    mine = weigh.get(progress.node_id, 1.0)
    later = ahead * progress.pace * progress.maximum / mine
    return Estimate(current.low + later / 2, current.high + later * 1.5)


def _range(samples: Sequence[float]) -> Estimate | None:
    """A range that most samples lie in; a wider one where there are few."""
    if not samples:
        return None
    ordered = sorted(samples)
    if len(ordered) == 1:
        return Estimate(ordered[0] * 0.8, ordered[0] * 1.3)
    spare = len(ordered) // 5
    kept = ordered[spare : len(ordered) - spare]
    return Estimate(kept[0] * 0.95, kept[-1] * 1.05)


def _minus(estimate: Estimate | None, seconds: float) -> Estimate | None:
    """What is left after so many seconds; None once it took longer than it ever did."""
    if estimate is None or seconds >= estimate.high:
        return None
    return Estimate(max(0.0, estimate.low - seconds), estimate.high - seconds)


def _middle(estimate: Estimate | None) -> float:
    return estimate.middle if estimate is not None else float("inf")


def loads_first(progress: Progress, now: float, after: float = 2.0) -> bool:
    """Whether a node that takes steps has been silent since it began: its model is being loaded."""
    started = progress.node_started_at
    return started is not None and progress.passes == 1 and not progress.value and now - started >= after
