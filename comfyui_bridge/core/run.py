"""A run: one execution as we keep it, and the fold that moves it on.

`apply(run, event, at)` is the only place where a run changes. It is total and idempotent: late, doubled
and foreign events change nothing. `reconcile` says which events bring a run up to date with what a
server's queue and history tell, after a dropped socket or a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from comfyui_bridge.core import progress as progress_
from comfyui_bridge.core import run_log
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
from comfyui_bridge.core.progress import Progress, Weights
from comfyui_bridge.core.run_log import Log, LogKind
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
    said: str = ""
    """What the node raised, in its own words."""


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
    progress: Progress = field(default_factory=Progress)
    outputs: tuple[NodeOutput, ...] = ()
    kept: tuple[KeptFile, ...] = ()
    error: RunError | None = None
    warnings: tuple[str, ...] = ()
    log: Log = ()
    """What happened to it, in order; short."""
    original: Workflow | None = None
    """The workflow as it was asked for, where a server's names of uploaded files stand in `workflow`."""
    fingerprint: str = ""
    """Of the workflow as it was asked for: a run of the same one would only repeat this one."""
    experiment: str = ""
    """The id of the experiment that asked for it; empty for a single one."""
    weights: Weights = field(default_factory=dict)
    """What its nodes weigh in its progress; empty until that is needed. No fact, and not kept."""

    @property
    def files(self) -> tuple[OutputFile, ...]:
        """All files the run reported, saved ones before temporary ones."""
        files = [file for output in self.outputs for file in output.files]
        return tuple(sorted(files, key=lambda file: file.is_temporary))

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(text for output in self.outputs for text in output.texts)

    @property
    def is_from_cache(self) -> bool:
        """Whether the server answered without running any node."""
        is_cached = any(entry.kind == LogKind.CACHED.value for entry in self.log)
        return is_cached and not any(entry.kind == LogKind.NODE.value for entry in self.log)

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
        return _afterwards(run, event, at)
    match event:
        case RunOffered():
            return _offered(run, event)
        case RunReturned():
            return _returned(run, event, at)
        case StopAsked():
            return run if run.stopping else _logged(replace(run, stopping=True), at, LogKind.STOP_ASKED)
        case FilesKept():
            return _kept(run, event, at)
        case RunAccepted():
            return _accepted(run, event, at)
        case RunQueued():
            return run if run.state is not RunState.PENDING else replace(run, ahead=event.ahead)
        case RunStarted():
            return _started(run, at)
        case NodesCached():
            return _cached(_started(run, at), event, at)
        case NodeStarted():
            return _node_started(_started(run, at), event, at)
        case ProgressMade():
            return _stepped(_started(run, at), event.node_id, event.value, event.maximum, at)
        case NodesProgressed():
            return _nodes_progressed(_started(run, at), event, at)
        case OutputReady():
            others = tuple(o for o in run.outputs if o.node_id != event.output.node_id)
            return _node_ended(replace(run, outputs=(*others, event.output)), event.output.node_id, at)
        case RunSucceeded():
            return _succeeded(_started(run, at), at)
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
            return _stopped(run, at)
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


def _afterwards(run: Run, event: Event, at: float) -> Run:
    """What a run that is over may still learn: the truth about its outputs, as of a failed run's pictures."""
    match event:
        case RunCollected():
            return replace(run, outputs=event.outputs)
        case FilesKept():
            return _kept(run, event, at)
    return run


def _ending(history: HistoryEntry) -> tuple[Event, ...]:
    match history.outcome:
        case Outcome.SUCCESS:
            return (*_from_cache(history), RunCollected(history.prompt_id, history.outputs))
        case Outcome.INTERRUPTED:
            ending: Event = RunInterrupted(history.prompt_id, history.interrupted_node_id)
        case Outcome.ERROR:
            ending = history.failure or NodeRaised(
                history.prompt_id, "", "", "The server ended the run with an error it did not describe."
            )
    return (ending, RunCollected(history.prompt_id, history.outputs))


def _from_cache(history: HistoryEntry) -> tuple[Event, ...]:
    """That nothing ran: it may be over before its events are read. Of a run of which a part was cached we do
    not know which nodes ran meanwhile.
    """
    made = {output.node_id for output in history.outputs}
    is_whole = bool(made) and made <= set(history.cached)
    return (NodesCached(history.prompt_id, history.cached),) if is_whole else ()


def _accepted(run: Run, event: RunAccepted, at: float) -> Run:
    if run.accepted_at is None:
        run = _logged(replace(run, accepted_at=at), at, LogKind.SENT, event.server)
    return _warned(replace(run, server=event.server), tuple(map(_sentence, event.problems)), at)


def _started(run: Run, at: float) -> Run:
    if run.state is not RunState.PENDING:
        return run
    run = replace(run, state=RunState.IN_PROGRESS, started_at=at, ahead=None)
    return _logged(run, at, LogKind.STARTED)


def _offered(run: Run, event: RunOffered) -> Run:
    is_as_asked = event.workflow == run.workflow
    return replace(
        run,
        server=event.server,
        workflow=event.workflow,
        original=run.original if is_as_asked else run.workflow,
    )


def _returned(run: Run, event: RunReturned, at: float) -> Run:
    told = event.reason or run.server
    run = replace(
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
    return _logged(run, at, LogKind.MOVED, told) if told else run


def _kept(run: Run, event: FilesKept, at: float) -> Run:
    return _warned(replace(run, kept=event.kept), event.warnings, at)


def _cached(run: Run, event: NodesCached, at: float) -> Run:
    fresh = [node_id for node_id in event.node_ids if node_id not in run.progress.cached]
    if not fresh:
        return run
    names = dict.fromkeys(_name(run.workflow, node_id) for node_id in fresh)
    run = _logged(run, at, LogKind.CACHED, ", ".join(names))
    return _with_progress(run, replace(run.progress, cached=run.progress.cached.union(fresh), heard_at=at))


def _node_started(run: Run, event: NodeStarted, at: float) -> Run:
    node_id = _known(run.workflow, event.display_node_id or event.node_id)
    if node_id == run.progress.node_id and run.progress.node_started_at is not None:
        # The same one, or another of those that it made at run time.
        return replace(run, progress=replace(run.progress, inner_id=event.node_id))
    run = _node_ended(run, run.progress.node_id, at)
    return _with_progress(run, progress_.entered(run.progress, node_id, event.node_id, at))


def _stepped(run: Run, node_id: str, value: float, maximum: float, at: float) -> Run:
    if node_id not in (run.progress.node_id, run.progress.inner_id):
        run = _node_started(run, NodeStarted(run.prompt_id, node_id), at)
    return _with_progress(run, progress_.stepped(run.progress, value, maximum, at))


def _nodes_progressed(run: Run, event: NodesProgressed, at: float) -> Run:
    running: NodeProgress | None = None
    for node in event.nodes.values():
        if node.state == "finished":
            run = _node_ended(run, _known(run.workflow, node.display_node_id or node.node_id), at)
        elif node.state == "running":
            running = node
    if running is None:
        return run
    run = _node_started(run, NodeStarted(run.prompt_id, running.node_id, running.display_node_id), at)
    # A node without steps of its own is sent as 0 of 1 (0.3.64): nothing to count.
    if running.maximum <= 1:
        return run
    return _stepped(run, running.node_id, running.value, running.maximum, at)


def _node_ended(run: Run, node_id: str, at: float) -> Run:
    """The run with one of its nodes done; how long it took is known of the one at work only."""
    progress = run.progress
    if node_id == progress.node_id and progress.node_started_at is not None:
        seconds: float | None = max(0.0, at - progress.node_started_at)
        progress = replace(progress_.left(progress), heard_at=at)
    elif node_id and node_id not in progress.finished | progress.cached:
        seconds = None
        progress = replace(progress, finished=progress.finished | {node_id}, heard_at=at)
    else:
        return run
    if node_id in run.workflow:
        name = _name(run.workflow, node_id)
        run = replace(run, log=run_log.with_node(run.log, at, node_id, name, seconds))
    return _with_progress(run, progress)


def _with_progress(run: Run, progress: Progress) -> Run:
    if not run.weights:
        run = replace(run, weights=progress_.weights(run.workflow))
    overall = max(progress.overall, run.progress.overall, progress_.share(progress, run.weights))
    return replace(run, progress=replace(progress, overall=overall))


def _warned(run: Run, warnings: tuple[str, ...], at: float) -> Run:
    for warning in warnings:
        if warning not in run.warnings:
            run = _logged(replace(run, warnings=(*run.warnings, warning)), at, LogKind.WARNING, warning)
    return run


def _logged(run: Run, at: float, kind: LogKind, text: str = "", **facts: Any) -> Run:
    return replace(run, log=run_log.appended(run.log, at, kind, text, **facts))


def _known(workflow: Workflow, node_id: str) -> str:
    """The node that people know: one made at run time is named after it, `3.0.0.7` (0.3.64, GraphBuilder)."""
    return node_id if node_id in workflow else node_id.partition(".")[0]


def _name(workflow: Workflow, node_id: str) -> str:
    node = workflow.nodes.get(node_id)
    return node.name if node else node_id


def _over(run: Run, at: float) -> Run:
    return replace(run, ended_at=run.ended_at or at, ahead=None, stopping=False)


def _done(run: Run, at: float) -> Run:
    return replace(run, ended_at=run.ended_at or at, ahead=None, server_done=True)


def _succeeded(run: Run, at: float) -> Run:
    run = _done(_node_ended(run, run.progress.node_id, at), at)
    return replace(run, progress=replace(run.progress, overall=1.0))


def _stopped(run: Run, at: float) -> Run:
    node = run.workflow.nodes.get(run.progress.node_id)
    run = _logged(run, at, LogKind.STOPPED, node.name if node else "", node_id=node.node_id if node else "")
    return replace(_over(run, at), state=RunState.CANCELLED)


def _completed(run: Run, at: float) -> Run:
    run = _done(_started(run, at), at)
    if not any(output.files or output.texts for output in run.outputs):
        message = "The workflow ran to its end, yet no node reported a file or a text. Add a node that saves."
        return _failed(run, RunError(Fault.NO_OUTPUT, message), at)
    run = _logged(run, at, LogKind.DONE, seconds=run.seconds)
    return replace(run, state=RunState.COMPLETED, progress=replace(run.progress, overall=1.0))


def _failed(run: Run, error: RunError, at: float) -> Run:
    run = _logged(run, at, LogKind.ERROR, error.message, node_id=error.node_id)
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
    said = ": ".join(part for part in (event.exception_type, event.message.strip()) if part)
    return RunError(fault, message, event.node_id, event.class_type, traceback=event.traceback, said=said)


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
