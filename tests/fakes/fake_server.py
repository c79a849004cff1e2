"""A scripted ComfyUI in memory, behind the engine's port: no socket, no thread, no clock.

It runs what is submitted at once, on the thread that submits, and queues the events for its connections.
A node of class `Hold` runs until the test lets it go or it is cancelled, one of class `Raise` raises.
What a bad day brings is a method: drop the sockets, restart, be away, lose an answer, write history late.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from comfyui_bridge.core import node_defs
from comfyui_bridge.core.errors import (
    AnswerLost,
    InputProblem,
    Lost,
    NotRunning,
    Rejected,
    UnexpectedAnswer,
    Unreachable,
)
from comfyui_bridge.core.events import (
    Event,
    NodeRaised,
    NodesCached,
    NodeStarted,
    OutputReady,
    QueueChanged,
    RunAccepted,
    RunEnded,
    RunInterrupted,
    RunStarted,
    RunSucceeded,
)
from comfyui_bridge.core.node_defs import ComboSpec, NodeDefs
from comfyui_bridge.core.outputs import NodeOutput, OutputFile
from comfyui_bridge.core.server import (
    Device,
    HistoryEntry,
    OfferedTemplate,
    Outcome,
    QueueState,
    ServerFacts,
)
from comfyui_bridge.core.workflow import Node, Workflow

PNG = b"\x89PNG\r\n\x1a\n"


def _node(inputs: dict[str, Any], outputs: list[str], output_node: bool = False) -> dict[str, Any]:
    return {"input": {"required": inputs}, "output": outputs, "output_node": output_node}


def _checkpoint(models: tuple[str, ...]) -> dict[str, Any]:
    """As ComfyUI's loaders name their model, and passing a picture on, so that it fits into a chain."""
    return _node({"image": ["IMAGE"], "ckpt_name": [list(models)]}, ["IMAGE"])


OBJECT_INFO = {
    "EmptyImage": _node(
        {
            "width": ["INT", {"default": 512, "min": 1, "max": 16384}],
            "height": ["INT", {"default": 512, "min": 1, "max": 16384}],
            "batch_size": ["INT", {"default": 1, "min": 1, "max": 4096}],
            "color": ["INT", {"default": 0, "min": 0, "max": 0xFFFFFF, "display": "color"}],
        },
        ["IMAGE"],
    ),
    "LoadImage": _node({"image": [["example.png"], {"image_upload": True}]}, ["IMAGE", "MASK"]),
    "ImageInvert": _node({"image": ["IMAGE"]}, ["IMAGE"]),
    "Hold": _node({"image": ["IMAGE"]}, ["IMAGE"]),
    "Raise": _node({"image": ["IMAGE"]}, ["IMAGE"]),
    "Seeded": _node(
        {"image": ["IMAGE"], "seed": ["INT", {"default": 0, "min": 0, "max": 1000}]},
        ["IMAGE"],
    ),
    "SaveImage": _node({"images": ["IMAGE"], "filename_prefix": ["STRING", {"default": "a"}]}, [], True),
    "PreviewImage": _node({"images": ["IMAGE"]}, [], True),
}


@dataclass
class _Prompt:
    prompt_id: str
    client_id: str
    workflow: Workflow
    waiting: list[Node]
    outputs: dict[str, NodeOutput]


class FakeConnection:
    """One socket's worth of events."""

    def __init__(self, server: FakeServer, client_id: str) -> None:
        self.client_id = client_id
        self._server = server
        self._changed = threading.Condition()
        self._events: deque[Event] = deque()
        self._gone = False

    def next_event(self, timeout: float) -> Event | None:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._events) or self._gone, timeout)
            if self._events:
                return self._events.popleft()
            if self._gone:
                raise Unreachable(
                    f"The connection to {self._server.name} broke off.", server=self._server.name
                )
            return None

    def close(self) -> None:
        self._server.forget(self)
        self.drop()

    def put(self, event: Event) -> None:
        with self._changed:
            if not self._gone:
                self._events.append(event)
            self._changed.notify_all()

    def drop(self) -> None:
        """Cut it: what was sent before can still be read."""
        with self._changed:
            self._gone = True
            self._changed.notify_all()


class FakeServer:
    """Fits engine.ports.Server. All methods may be called from any thread."""

    def __init__(
        self,
        name: str = "http://fake:8188",
        *,
        mints_ids: bool = False,
        models: tuple[str, ...] = ("one.safetensors",),
        lacks: tuple[str, ...] = (),
    ) -> None:
        """`models` are its checkpoints; it `lacks` these node classes."""
        self.name = name
        self._object_info = {**OBJECT_INFO, "Checkpoint": _checkpoint(models)}
        for class_type in lacks:
            del self._object_info[class_type]
        self.mints_ids = mints_ids
        """Like servers before 0.3.45, give every prompt an id of its own."""
        self.silent = False
        """Sockets stay open and hear nothing."""
        self.stillborn_sockets = 0
        """So many sockets break as soon as they are open."""
        self.lost_answers = 0
        """So many submissions are taken, and their answers lost."""
        self.fatal_requests = 0
        """So many submissions are taken and done, and nobody is told: the process ends with them."""
        self.lost_requests = 0
        """So many submissions are lost on their way, and nobody can tell."""
        self.late_requests = 0
        """So many submissions are held up on their way until `read_late`, and nobody can tell."""
        self.failing = 0
        """So many submissions are answered with an error of its own."""
        self.late_history = 0
        """So many looks into the history find nothing yet."""
        self.submissions: list[str] = []
        """Every prompt_id that was submitted, as often as it was."""
        self.memory = 0
        """Bytes of it that are free."""
        self.probes = 0
        """How often it was asked who it is."""
        self.freed = 0
        """How often its memory was freed."""
        self.begun: list[str] = []
        """Every prompt_id that began to run."""
        self.cancelled: list[str] = []
        """Every prompt_id that it was told to cancel."""
        self.looks = 0
        """How often the queue was asked."""
        self.listed: dict[str, tuple[str, ...]] = {"/internal/files/input": ("example.png",)}
        """Choices, by the route that gives them."""
        self.saved: dict[str, bytes] = {}
        """The workflows people saved, by path."""
        self.offered: dict[OfferedTemplate, bytes] = {}
        """The templates it brings along."""
        self._lock = threading.RLock()
        self._held_up: list[tuple[Workflow, str, str]] = []
        self._away = False
        self._is_refusing = False
        self._is_awake = threading.Event()
        self._is_awake.set()
        self.is_asked = False
        """Somebody has asked since it hangs."""
        self._connections: dict[str, FakeConnection] = {}
        self._running: _Prompt | None = None
        self._pending: list[_Prompt] = []
        self._history: dict[str, HistoryEntry] = {}
        self._cache: dict[str, NodeOutput] = {}
        self._files: dict[OutputFile, bytes] = {}
        self._uploads: dict[str, bytes] = {"example.png": PNG}

    # What a bad day brings.

    def go_away(self) -> None:
        """Be out of reach, sockets and all, and go on working."""
        with self._lock:
            self._away = True
        self.drop_sockets()

    def come_back(self) -> None:
        with self._lock:
            self._away = False

    def lose_the_way(self) -> None:
        """Have nothing listen at the address, and go on working behind it, as when a tunnel breaks."""
        with self._lock:
            self._is_refusing = True
        self.drop_sockets()

    def find_the_way(self) -> None:
        with self._lock:
            self._is_refusing = False

    def end(self) -> None:
        """The process ends, with its queue and history; nothing listens until `find_the_way`."""
        self.lose_the_way()
        self.restart()

    def read_late(self) -> None:
        """Take the submissions that were held up on their way."""
        with self._lock:
            held_up, self._held_up = self._held_up, []
            for workflow, prompt_id, client_id in held_up:
                self.submissions.append(prompt_id)
                self._put(workflow, prompt_id, client_id)

    def queue_now(self) -> tuple[str, ...]:
        """The prompt_ids inside, also while nobody can reach it."""
        with self._lock:
            running = (self._running.prompt_id,) if self._running else ()
            return (*running, *(prompt.prompt_id for prompt in self._pending))

    def hang(self) -> None:
        """Stop in mid-work, as by SIGSTOP: what is asked of it is answered after `go_on`."""
        self.is_asked = False
        self._is_awake.clear()

    def go_on(self) -> None:
        self._is_awake.set()

    def drop_sockets(self) -> None:
        with self._lock:
            dropped = list(self._connections.values())
            self._connections.clear()
        for connection in dropped:
            connection.drop()

    def restart(self) -> None:
        """Forget everything but the files."""
        with self._lock:
            self._running, self._pending = None, []
            self._history.clear()
            self._cache.clear()
        self.drop_sockets()

    def learn(self, class_type: str) -> None:
        """Have one more node class, as after an extension was installed."""
        self._object_info[class_type] = _node({"image": ["IMAGE"]}, ["IMAGE"])

    def clear_history(self) -> None:
        with self._lock:
            self._history.clear()

    def send(self, event: Event, client_id: str) -> None:
        """Send something out of turn to one client."""
        with self._lock:
            self._send(event, client_id)

    def let_go(self) -> None:
        """Let the node that holds the running prompt finish."""
        with self._lock:
            assert self._running is not None
            self._running.waiting.pop(0)
            self._work()

    def post(self, workflow: Workflow) -> str:
        """Somebody else queues something; its prompt_id."""
        prompt_id = str(uuid.uuid4())
        with self._lock:
            self._put(workflow, prompt_id, "somebody else")
        return prompt_id

    def remove(self, prompt_id: str) -> None:
        """Somebody else takes a pending prompt out of the queue."""
        with self._lock:
            self._pending = [prompt for prompt in self._pending if prompt.prompt_id != prompt_id]
            self._tell_queue()

    # The port.

    def probe(self) -> ServerFacts:
        self._reach()
        self.probes += 1
        return ServerFacts(
            version="0.3.64", os="posix", ram_free=self.memory, devices=(Device("cpu", "cpu"),)
        )

    def node_defs(self) -> NodeDefs:
        self._reach()
        return node_defs.parse(self._object_info)

    def connect(self, client_id: str | None = None) -> FakeConnection:
        self._reach()
        connection = FakeConnection(self, client_id or uuid.uuid4().hex)
        with self._lock:
            if self.stillborn_sockets:
                self.stillborn_sockets -= 1
                connection.drop()
            else:
                self._connections[connection.client_id] = connection
        return connection

    def upload(self, content: BinaryIO, filename: str) -> str:
        self._reach()
        with self._lock:
            read, name, number = content.read(), filename, 0
            stem, dot, suffix = filename.rpartition(".")
            while self._uploads.get(name, read) != read:
                number += 1
                name = f"{stem} ({number}){dot}{suffix}"
            self._uploads[name] = read
            return name

    def submit(
        self,
        workflow: Workflow,
        prompt_id: str,
        client_id: str,
        *,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> RunAccepted:
        self._reach()
        with self._lock:
            if self.failing:
                self.failing -= 1
                raise UnexpectedAnswer("It failed at a request (500).", server=self.name, status=500)
            if self.late_requests:
                self.late_requests -= 1
                self._held_up.append((workflow, prompt_id, client_id))
                raise Lost("The answer was lost, and nothing shows the run.", server=self.name)
            if self.lost_requests:
                self.lost_requests -= 1
                raise Lost("The answer was lost, and nothing shows the run.", server=self.name)
            problems = tuple(self._problems(workflow))
            if problems:
                raise Rejected(problems[0].message, server=self.name, problems=problems)
            number = len(self.submissions)
            self.submissions.append(prompt_id)
            own_id = str(uuid.uuid4()) if self.mints_ids else prompt_id
            if self.fatal_requests:
                self.fatal_requests -= 1
                self.drop_sockets()
                self._put(workflow, own_id, client_id)
                self.end()
                raise AnswerLost("The connection broke.", server=self.name)
            self._put(workflow, own_id, client_id)
            if self.lost_answers:
                self.lost_answers -= 1
                raise AnswerLost("The connection broke.", server=self.name)
            return RunAccepted(own_id, self.name, number)

    def queue(self) -> QueueState:
        self._reach()
        with self._lock:
            self.looks += 1
            running = (self._running.prompt_id,) if self._running else ()
            return QueueState(running, tuple(prompt.prompt_id for prompt in self._pending))

    def history(self, prompt_id: str) -> HistoryEntry | None:
        self._reach()
        with self._lock:
            if self.late_history:
                self.late_history -= 1
                return None
            return self._history.get(prompt_id)

    def cancel(self, prompt_id: str) -> None:
        self._reach()
        with self._lock:
            self.cancelled.append(prompt_id)
            running = self._running
            if running is not None and running.prompt_id == prompt_id:
                node_id = running.waiting[0].node_id
                self._end(running, Outcome.INTERRUPTED, RunInterrupted(prompt_id, node_id))
                self._work()
            else:
                self.remove(prompt_id)

    def choices(self, route: str) -> tuple[str, ...]:
        self._reach()
        try:
            return self.listed[route]
        except KeyError:
            raise UnexpectedAnswer(f"{self.name} has no {route}.", server=self.name) from None

    def saved_workflows(self) -> tuple[str, ...]:
        self._reach()
        return tuple(sorted(self.saved))

    def saved_workflow(self, path: str) -> bytes:
        self._reach()
        return self._of(self.saved, path, path)

    def offered_templates(self) -> tuple[OfferedTemplate, ...]:
        self._reach()
        return tuple(self.offered)

    def offered_template(self, template: OfferedTemplate) -> bytes:
        self._reach()
        return self._of(self.offered, template, template.title)

    def free(self) -> None:
        self._reach()
        with self._lock:
            self._cache.clear()
            self.freed += 1

    @contextmanager
    def fetch(self, file: OutputFile) -> Iterator[Iterator[bytes]]:
        self._reach()
        content = self._files.get(_bare(file))
        if content is None:
            raise UnexpectedAnswer(
                f"{self.name} no longer has {file.filename}.", server=self.name, status=404
            )
        yield iter((content[:5], content[5:]))

    def forget(self, connection: FakeConnection) -> None:
        with self._lock:
            self._connections.pop(connection.client_id, None)

    # Inside.

    def _of(self, files: Mapping[Any, bytes], key: object, name: str) -> bytes:
        try:
            return files[key]
        except KeyError:
            raise UnexpectedAnswer(f"{self.name} has no workflow {name}.", server=self.name) from None

    def _reach(self) -> None:
        self.is_asked = True
        self._is_awake.wait()
        with self._lock:
            if self._is_refusing:
                raise NotRunning(f"Nothing answers at {self.name}.", server=self.name)
            if self._away:
                raise Unreachable(f"Nothing answers at {self.name}.", server=self.name)

    def _problems(self, workflow: Workflow) -> Iterator[InputProblem]:
        definitions = node_defs.parse(self._object_info)
        for node in workflow.nodes.values():
            definition = definitions.get(node.class_type)
            if definition is None:
                kind, message = "missing_node_type", f"Node {node.name} not found."
                yield InputProblem(node.node_id, node.class_type, kind, message)
                continue
            for one in definition.inputs:
                if one.required and one.name not in node.inputs:
                    kind, message = "required_input_missing", "Required input is missing"
                    yield InputProblem(node.node_id, node.class_type, kind, message, one.name, one.name)
                listed = isinstance(one.spec, ComboSpec) and not one.spec.upload
                if listed and node.inputs.get(one.name) not in one.spec.options:
                    kind, message = "value_not_in_list", "Value not in list"
                    yield InputProblem(node.node_id, node.class_type, kind, message, input=one.name)
            if node.class_type == "LoadImage" and node.inputs.get("image") not in self._uploads:
                kind, message = "custom_validation_failed", "Invalid image file"
                yield InputProblem(node.node_id, node.class_type, kind, message, input="image")

    def _put(self, workflow: Workflow, prompt_id: str, client_id: str) -> None:
        order = [workflow.nodes[node_id] for node_id in _order(workflow)]
        self._pending.append(_Prompt(prompt_id, client_id, workflow, order, {}))
        self._tell_queue()
        self._work()

    def _work(self) -> None:
        """Run until a node holds, or nothing is left."""
        while True:
            if self._running is None:
                if not self._pending:
                    return
                self._start(self._pending.pop(0))
            prompt = self._running
            assert prompt is not None
            while prompt.waiting:
                node = prompt.waiting[0]
                self._send(NodeStarted(prompt.prompt_id, node.node_id, node.node_id), prompt.client_id)
                if node.class_type == "Hold":
                    return
                if node.class_type == "Raise":
                    raised = NodeRaised(
                        prompt.prompt_id, node.node_id, node.class_type, "It broke.", "ValueError"
                    )
                    self._end(prompt, Outcome.ERROR, raised)
                    break
                self._finish_node(prompt, prompt.waiting.pop(0))
            else:
                self._end(prompt, Outcome.SUCCESS, RunSucceeded(prompt.prompt_id))

    def _start(self, prompt: _Prompt) -> None:
        self._running = prompt
        self.begun.append(prompt.prompt_id)
        self._tell_queue()
        self._send(RunStarted(prompt.prompt_id), prompt.client_id)
        whole = repr(prompt.workflow.to_api())
        cached = whole in self._cache
        self._send(
            NodesCached(prompt.prompt_id, tuple(prompt.workflow.nodes) if cached else ()), prompt.client_id
        )
        if cached:
            output = self._cache[whole]
            prompt.waiting = []
            prompt.outputs[output.node_id] = output
            self._send(OutputReady(prompt.prompt_id, output), prompt.client_id)

    def _finish_node(self, prompt: _Prompt, node: Node) -> None:
        if node.class_type not in ("SaveImage", "PreviewImage"):
            return
        kind = "output" if node.class_type == "SaveImage" else "temp"
        prefix = str(node.inputs.get("filename_prefix", "preview"))
        folder, _, stem = prefix.rpartition("/")
        file = OutputFile(f"{stem}_{len(self._files) + 1:05}_.png", folder, kind)
        self._files[file] = PNG + file.filename.encode()
        output = NodeOutput(node.node_id, (replace(file, node_id=node.node_id),))
        prompt.outputs[node.node_id] = output
        self._cache[repr(prompt.workflow.to_api())] = output
        self._send(OutputReady(prompt.prompt_id, output), prompt.client_id)

    def _end(self, prompt: _Prompt, outcome: Outcome, last: Event) -> None:
        self._running = None
        self._history[prompt.prompt_id] = HistoryEntry(
            prompt.prompt_id,
            outcome,
            tuple(prompt.outputs.values()),
            failure=last if isinstance(last, NodeRaised) else None,
            interrupted_node_id=last.node_id if isinstance(last, RunInterrupted) else "",
        )
        self._send(last, prompt.client_id)
        self._tell_queue()
        self._send(RunEnded(prompt.prompt_id), prompt.client_id)

    def _tell_queue(self) -> None:
        remaining = len(self._pending) + (self._running is not None)
        for client_id in list(self._connections):
            self._send(QueueChanged(remaining), client_id)

    def _send(self, event: Event, client_id: str) -> None:
        connection = self._connections.get(client_id)
        if connection is not None and not self.silent:
            connection.put(event)


def _order(workflow: Workflow) -> list[str]:
    """Every node after those it depends on."""
    order: dict[str, None] = {}
    for node_id in workflow.nodes:
        for upstream in reversed(workflow.upstream(node_id)):
            order.setdefault(upstream)
    return list(order)


def _bare(file: OutputFile) -> OutputFile:
    return OutputFile(file.filename, file.subfolder, file.type)
