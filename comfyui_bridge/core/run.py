"""A run: one execution as we keep it, and the fold that moves it on.

`apply(run, event, at)` is the only place where a run changes. It is total and idempotent: late, doubled
and foreign events change nothing. `reconcile` says which events bring a run up to date with what a
server's queue and history tell, after a dropped socket or a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

from comfyui_bridge.core.errors import InputProblem
from comfyui_bridge.core.events import (
    Event,
    FilesKept,
    NodeProgress,
    NodeRaised,
    NodesCached,
    NodesProgressed,
    NodeStarted,
    OutputReady,
    PreviewReady,
    ProgressMade,
    QueueChanged,
    RunAccepted,
    RunCollected,
    RunEnded,
    RunInterrupted,
    RunLost,
    RunOffered,
    RunQueued,
    RunRefused,
    RunRemoved,
    RunReturned,
    RunStarted,
    RunSucceeded,
    StopAsked,
    TextReported,
)
from comfyui_bridge.core.outputs import KeptFile, NodeOutput, OutputFile
from comfyui_bridge.core.server import HistoryEntry, Outcome, QueueState
from comfyui_bridge.core.workflow import Workflow


class RunState(str, Enum):
    """ComfyUI's own five states."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED)


class Fault(str, Enum):
    """Why a run failed, split by who can act."""

    REFUSED = "refused"
    NODE = "node"
    OUT_OF_MEMORY = "out_of_memory"
    LOST = "lost"
    UNREACHABLE = "unreachable"
    NO_OUTPUT = "no_output"


@dataclass(frozen=True)
class RunError:
    """What went wrong, for people; the node it happened in where there is one."""

    fault: Fault
    message: str
    node_id: str = ""
    class_type: str = ""
    problems: tuple[InputProblem, ...] = ()
    traceback: tuple[str, ...] = ()


@dataclass(frozen=True)
class LogEntry:
    """One line of a run's log; `kind` says what `text` is (see `apply`). Times are epoch seconds."""

    at: float
    kind: str
    node_id: str = ""
    text: str = ""
    seconds: float | None = None
    """How long it took, where that is known."""


@dataclass(frozen=True)
class Progress:
    """How far a run is. `overall` is from 0 to 1 and never falls."""

    overall: float = 0.0
    cached: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()
    node_id: str = ""
    value: float = 0.0
    maximum: float = 0.0
    node_started_at: float | None = None
    stepped_at: float | None = None


@dataclass(frozen=True)
class Run:
    """One execution: what was asked, where it is, and what came of it. Times are epoch seconds."""

    run_id: str
    prompt_id: str
    workflow: Workflow
    created_at: float
    template: str = ""
    title: str = ""
    owner: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    """What the form said, with the resolved seed, keyed by exposed input."""
    state: RunState = RunState.PENDING
    server: str = ""
    ahead: int | None = None
    """How many prompts stand before it, while it is pending and that is known."""
    accepted_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    """When the server was done with it, or we knew that it was over."""
    stopping: bool = False
    """Somebody asked for it to be stopped, and it has not stopped yet."""
    server_done: bool = False
    """The server is done, and what it made is being fetched."""
    progress: Progress = Progress()
    outputs: tuple[NodeOutput, ...] = ()
    kept: tuple[KeptFile, ...] = ()
    error: RunError | None = None
    warnings: tuple[str, ...] = ()
    log: tuple[LogEntry, ...] = ()
    """What happened to it, in order; short."""
    original: Workflow | None = None
    """The workflow as it was asked for, where a server's names of uploaded files stand in `workflow`."""
    fingerprint: str = ""
    """Of the workflow as it was asked for: a run of the same one would only repeat this one."""

    @property
    def files(self) -> tuple[OutputFile, ...]:
        """All files the run reported, saved ones before temporary ones."""
        files = [file for output in self.outputs for file in output.files]
        return tuple(sorted(files, key=lambda file: file.is_temporary))

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(text for output in self.outputs for text in output.texts)

    @property
    def seconds(self) -> float | None:
        """From the start on the server to the end; None while it is not over or never began."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, self.ended_at - self.started_at)


def apply(run: Run, event: Event, at: float) -> Run:
    """The run after this event, seen at epoch second `at`."""
    prompt_id = getattr(event, "prompt_id", "")
    if prompt_id != run.prompt_id:
        return run
    if run.state.is_final:
        return _afterwards(run, event)
    match event:
        case RunOffered():
            return _offered(run, event)
        case RunReturned():
            return _returned(run, event)
        case StopAsked():
            return replace(run, stopping=True)
        case FilesKept():
            return replace(run, kept=event.kept, warnings=(*run.warnings, *event.warnings))
        case RunAccepted():
            warnings = tuple(_sentence(problem) for problem in event.problems)
            return replace(run, server=event.server, accepted_at=run.accepted_at or at, warnings=warnings)
        case RunQueued():
            return run if run.state is not RunState.PENDING else replace(run, ahead=event.ahead)
        case RunStarted():
            return _started(run, at)
        case NodesCached():
            progress = replace(run.progress, cached=run.progress.cached | frozenset(event.node_ids))
            return _with_progress(_started(run, at), progress)
        case NodeStarted():
            return _node_started(_started(run, at), event, at)
        case ProgressMade():
            return _stepped(_started(run, at), event.node_id, event.value, event.maximum, at)
        case NodesProgressed():
            return _nodes_progressed(_started(run, at), event, at)
        case OutputReady():
            others = tuple(o for o in run.outputs if o.node_id != event.output.node_id)
            progress = replace(run.progress, finished=run.progress.finished | {event.output.node_id})
            return _with_progress(replace(run, outputs=(*others, event.output)), progress)
        case RunSucceeded():
            return _done(_started(run, at), at)
        case RunEnded():
            return _done(run, at)
        case RunCollected():
            return _completed(replace(run, outputs=event.outputs), at)
        case NodeRaised():
            return _failed(run, _node_error(run.workflow, event), at)
        case RunRefused():
            return _failed(run, RunError(Fault.REFUSED, event.message, problems=event.problems), at)
        case RunLost():
            return _failed(run, RunError(Fault.LOST, event.reason), at)
        case RunInterrupted() | RunRemoved():
            return replace(_over(run, at), state=RunState.CANCELLED)
        case QueueChanged() | PreviewReady() | TextReported():
            return run


def reconcile(run: Run, queue: QueueState, history: HistoryEntry | None) -> tuple[Event, ...]:
    """The events that bring a submitted run up to date with what its server says now.

    `history` must have been asked after `queue`: a run that is in neither is one the server has lost,
    for a prompt moves from the queue to the history and never back.
    """
    prompt_id = run.prompt_id
    if run.state.is_final:
        return ()
    if history is not None:
        started = () if history.outcome is Outcome.INTERRUPTED else (RunStarted(prompt_id),)
        return (*started, *_ending(history))
    if prompt_id in queue.running:
        return (RunStarted(prompt_id),)
    ahead = queue.ahead(prompt_id)
    if ahead is not None:
        return (RunQueued(prompt_id, ahead),)
    return (
        RunLost(
            prompt_id,
            "The server no longer knows this run; it was probably restarted. Run it again.",
        ),
    )


def weights(workflow: Workflow) -> Mapping[str, float]:
    """How much each node counts in the overall progress: one, or as many as it takes steps."""
    return MappingProxyType(
        {node_id: _weight(node.inputs.get("steps")) for node_id, node in workflow.nodes.items()}
    )


def _weight(steps: object) -> float:
    return float(min(max(steps, 1), 10_000)) if isinstance(steps, int) else 1.0


def _afterwards(run: Run, event: Event) -> Run:
    """What a run that is over may still learn: the truth about its outputs, as of a failed run's pictures."""
    match event:
        case RunCollected():
            return replace(run, outputs=event.outputs)
        case FilesKept():
            return replace(run, kept=event.kept, warnings=(*run.warnings, *event.warnings))
    return run


def _ending(history: HistoryEntry) -> tuple[Event, ...]:
    match history.outcome:
        case Outcome.SUCCESS:
            return (RunCollected(history.prompt_id, history.outputs),)
        case Outcome.INTERRUPTED:
            ending: Event = RunInterrupted(history.prompt_id, history.interrupted_node_id)
        case Outcome.ERROR:
            ending = history.failure or NodeRaised(
                history.prompt_id, "", "", "The server ended the run with an error it did not describe."
            )
    return (ending, RunCollected(history.prompt_id, history.outputs))


def _started(run: Run, at: float) -> Run:
    if run.state is not RunState.PENDING:
        return run
    return replace(run, state=RunState.IN_PROGRESS, started_at=at, ahead=None)


def _offered(run: Run, event: RunOffered) -> Run:
    is_as_asked = event.workflow == run.workflow
    return replace(
        run,
        server=event.server,
        workflow=event.workflow,
        original=run.original if is_as_asked else run.workflow,
    )


def _returned(run: Run, event: RunReturned) -> Run:
    return replace(
        run,
        prompt_id=event.new_prompt_id or run.prompt_id,
        # The names under which one server keeps uploaded files mean nothing to another.
        workflow=run.original or run.workflow,
        original=None,
        state=RunState.PENDING,
        server="",
        ahead=None,
        accepted_at=None,
        started_at=None,
        ended_at=None,
        stopping=False,
        server_done=False,
        progress=Progress(),
        outputs=(),
        warnings=(),
    )


def _node_started(run: Run, event: NodeStarted, at: float) -> Run:
    node_id = event.display_node_id or event.node_id
    progress = run.progress
    if node_id == progress.node_id:
        return run
    finished = progress.finished | {progress.node_id} if progress.node_id else progress.finished
    entered = replace(
        progress,
        node_id=node_id,
        value=0.0,
        maximum=0.0,
        finished=finished,
        node_started_at=at,
        stepped_at=None,
    )
    return _with_progress(run, entered)


def _stepped(run: Run, node_id: str, value: float, maximum: float, at: float) -> Run:
    if run.progress.node_id != node_id:
        run = _node_started(run, NodeStarted(run.prompt_id, node_id), at)
    if value <= run.progress.value and maximum == run.progress.maximum:
        return run
    return _with_progress(run, replace(run.progress, value=value, maximum=maximum, stepped_at=at))


def _nodes_progressed(run: Run, event: NodesProgressed, at: float) -> Run:
    running: NodeProgress | None = None
    finished = set(run.progress.finished)
    for node in event.nodes.values():
        if node.state == "finished":
            finished.add(node.display_node_id or node.node_id)
        elif node.state == "running":
            running = node
    run = _with_progress(run, replace(run.progress, finished=frozenset(finished)))
    if running is None:
        return run
    run = _node_started(run, NodeStarted(run.prompt_id, running.node_id, running.display_node_id), at)
    # A node without steps of its own is sent as 0 of 1 (0.3.64): nothing to count.
    if running.maximum <= 1:
        return run
    return _stepped(run, running.display_node_id or running.node_id, running.value, running.maximum, at)


def _with_progress(run: Run, progress: Progress) -> Run:
    share = max(progress.overall, run.progress.overall, _share(run.workflow, progress))
    return replace(run, progress=replace(progress, overall=share))


def _share(workflow: Workflow, progress: Progress) -> float:
    weight = weights(workflow)
    total = sum(weight.values()) or 1.0
    gone = progress.cached | progress.finished
    done = sum(w for node_id, w in weight.items() if node_id in gone)
    if progress.node_id not in gone and progress.maximum > 0:
        done += weight.get(progress.node_id, 0.0) * min(1.0, progress.value / progress.maximum)
    return min(1.0, done / total)


def _over(run: Run, at: float) -> Run:
    return replace(run, ended_at=run.ended_at or at, ahead=None, stopping=False)


def _done(run: Run, at: float) -> Run:
    return replace(run, ended_at=run.ended_at or at, ahead=None, server_done=True)


def _completed(run: Run, at: float) -> Run:
    run = _done(_started(run, at), at)
    if not any(output.files or output.texts for output in run.outputs):
        message = "The workflow ran to its end, yet no node reported a file or a text. Add a node that saves."
        return _failed(run, RunError(Fault.NO_OUTPUT, message), at)
    return replace(run, state=RunState.COMPLETED, progress=replace(run.progress, overall=1.0))


def _failed(run: Run, error: RunError, at: float) -> Run:
    return replace(_over(run, at), state=RunState.FAILED, error=error)


def _node_error(workflow: Workflow, event: NodeRaised) -> RunError:
    node = workflow.nodes.get(event.node_id)
    name = node.name if node else event.class_type or event.node_id
    fault = Fault.OUT_OF_MEMORY if _is_memory(event) else Fault.NODE
    what = event.message.strip() or event.exception_type or "an error without a message"
    if fault is Fault.OUT_OF_MEMORY:
        message = (
            f"{name}: the server ran out of memory. Try a smaller size or batch, or free the server's memory."
        )
    else:
        message = f"{name}: {what}" if name else what
    return RunError(fault, message, event.node_id, event.class_type, traceback=event.traceback)


def _is_memory(event: NodeRaised) -> bool:
    told = f"{event.exception_type} {event.message}".lower()
    return "outofmemory" in told or "out of memory" in told or "memoryerror" in told


def _sentence(problem: InputProblem) -> str:
    where = f"{problem.class_type} ({problem.node_id})" if problem.class_type else f"Node {problem.node_id}"
    return (
        f"{where} was left out: {problem.message}"
        + (f" ({problem.details})" if problem.details else "")
        + "."
    )
