"""One prompt, run node by node in the worker's thread.

What is told to whom and in which order follows the recordings: the running progress_state before
`executing`, `executed` before the finished one, a cached output announced like a fresh one, nothing but
progress to clients that gave no client_id.
"""

from __future__ import annotations

import io
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

from comfyui_bridge.sandbox.cache import Cache, Cached
from comfyui_bridge.sandbox.faults import Faults, NodeFault
from comfyui_bridge.sandbox.interrupt import Interrupt
from comfyui_bridge.sandbox.node import Folders, Interrupted, NodeType, Result
from comfyui_bridge.sandbox.plan import Plan, is_link
from comfyui_bridge.sandbox.prompt_queue import Item
from comfyui_bridge.sandbox.sockets import Hub

PREVIEW_SIZE = 512
PREVIEW_QUALITY = 90
LONGEST_TEXT = 2_000
"""So much of a value is told in execution_error."""


class NodeFailed(Exception):
    """A node raised something; the words for it are in `report`."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        super().__init__(str(report.get("exception_message")))
        self.report = report


@dataclass(frozen=True)
class Setting:
    """What all executions of a server have in common."""

    node_types: Mapping[str, NodeType]
    folders: Folders
    hub: Hub
    interrupt: Interrupt
    faults: Faults
    step_seconds: float
    previews: bool


class Execution:
    """Runs one item. Afterwards `entry` is its place in /history."""

    def __init__(self, setting: Setting, cache: Cache, item: Item) -> None:
        self.setting = setting
        self.item = item
        self.executing: str | None = None
        self._cache = cache
        self._graph = item.graph
        self._states: dict[str, dict[str, Any]] = {}
        self._executed: list[str] = []
        self._messages: list[tuple[str, dict[str, Any]]] = []
        self._completed = False
        self._crashed = False

    def run(self) -> None:
        """Run to the end, to the first error or to an interrupt; none of these is raised."""
        self._tell("execution_start", {})
        self._cache.begin(self._graph, self.setting.node_types, self.setting.folders)
        cached = [node_id for node_id in self._graph if self._cache.get(node_id) is not None]
        self._tell("execution_cached", {"nodes": cached})
        plan = Plan(self.item.outputs, self._sources, self._is_output)
        while plan:
            node_id = plan.next()
            try:
                self._node(node_id)
            except Interrupted:
                self._tell("execution_interrupted", self._where(node_id), to_all=True)
                break
            except NodeFailed as failed:
                self._tell("execution_error", {**self._where(node_id), **failed.report})
                break
            plan.done(node_id)
        else:
            self._completed = True
            self._tell("execution_success", {})
        self.executing = None

    def entry(self) -> dict[str, Any]:
        """The prompt's entry in /history: all outputs that are there, cached ones and those made before an
        error included."""
        shown = {
            node_id: kept
            for node_id in (() if self._crashed else self._graph)
            if (kept := self._cache.get(node_id)) is not None and kept.ui is not None
        }
        return {
            "prompt": self.item.remembered(),
            "outputs": {node_id: kept.ui for node_id, kept in shown.items()},
            "status": {
                "status_str": "success" if self._completed else "error",
                "completed": self._completed,
                "messages": [list(message) for message in self._messages],
            },
            "meta": {node_id: kept.meta for node_id, kept in shown.items()},
        }

    def crashed(self, error: BaseException) -> None:
        """Note an error of the sandbox itself, so that the prompt does not end without a word."""
        self._crashed = True
        report = {"node_id": self.executing or "", "node_type": "", "executed": list(self._executed)}
        self._tell(
            "execution_error", {**report, **_failure(error), "current_inputs": {}, "current_outputs": []}
        )

    def _node_type(self, node_id: str) -> NodeType:
        return self.setting.node_types[self._graph[node_id]["class_type"]]

    def _is_output(self, node_id: str) -> bool:
        return self._node_type(node_id).output_node

    def _is_source(self, value: Any) -> bool:
        return is_link(value) and value[0] in self._graph

    def _declared(self, node_id: str) -> dict[str, Any]:
        """The node's inputs that its definition knows; others are ignored."""
        inputs = self._graph[node_id]["inputs"]
        names = [item.name for item in self._node_type(node_id).inputs if item.section != "hidden"]
        return {name: inputs[name] for name in inputs if name in names}

    def _sources(self, node_id: str) -> list[str]:
        links = (value[0] for value in self._declared(node_id).values() if self._is_source(value))
        return [source for source in links if self._cache.get(source) is None]

    def _node(self, node_id: str) -> None:
        kept = self._cache.get(node_id)
        if kept is not None:
            self._tell_client("executed", self._named(node_id, output=kept.ui))
            self._state(node_id, 1, 1, "finished")
            return
        self._state(node_id, 0.0, 1.0, "running")
        self.executing = node_id
        self._tell_client("executing", self._named(node_id))
        self.setting.interrupt.check()
        result = self._result(node_id)
        meta = {"node_id": node_id, "display_node": node_id, "parent_node": None, "real_node_id": node_id}
        self._executed.append(node_id)
        self._cache.put(node_id, Cached(result.outputs, result.ui, meta))
        if result.ui is not None:
            self._tell_client("executed", self._named(node_id, output=result.ui))
        maximum = self._states[node_id]["max"]
        self._state(node_id, maximum, maximum, "finished")

    def _result(self, node_id: str) -> Result:
        node_type = self._node_type(node_id)
        inputs: dict[str, Any] = {}
        try:
            for name, value in self._declared(node_id).items():
                inputs[name] = self._value(value)
            self._faults(node_type)
            return node_type.run(NodeContext(self, node_id), **inputs)
        except Interrupted:
            raise
        except Exception as error:  # whatever a node raises is the client's to read, as in ComfyUI
            report = {
                **_failure(error),
                "current_inputs": {name: [_told(value)] for name, value in inputs.items()},
                "current_outputs": list(self._graph),
            }
            raise NodeFailed(report) from error

    def _value(self, value: Any) -> Any:
        if not self._is_source(value):
            return value
        kept = self._cache.get(value[0])
        if kept is None:
            raise LookupError(f"node {value[0]} has left no result")
        return kept.outputs[value[1]]

    def _faults(self, node_type: NodeType) -> None:
        faults = self.setting.faults
        loads = "MODEL" in node_type.outputs and all(item.type != "MODEL" for item in node_type.inputs)
        if loads and faults.model_load_seconds:
            self.setting.interrupt.silence(faults.model_load_seconds)
        fault = faults.take_node_fault(node_type.class_type)
        if fault is not None:
            raise ordered(fault)

    def watched(self) -> bool:
        """Whether a preview would reach anyone."""
        return self.setting.previews and self.setting.hub.listening(self.item.client_id)

    def progress(self, node_id: str, value: int, maximum: int, preview: Image.Image | None) -> None:
        self.setting.interrupt.check()
        hub, client_id = self.setting.hub, self.item.client_id
        jpeg = encoded(preview) if preview is not None and self.watched() else None
        self._state(node_id, value, maximum, "running")
        if jpeg is not None:
            hub.send_preview(jpeg, _metadata(self.item.prompt_id, node_id), client_id)
        data = {"value": value, "max": maximum, "prompt_id": self.item.prompt_id, "node": node_id}
        hub.send("progress", data, client_id)
        if jpeg is not None:
            hub.send_plain_preview(jpeg, client_id)

    def _state(self, node_id: str, value: float, maximum: float, state: str) -> None:
        """Note how far a node is, and tell that of all nodes that have begun."""
        self._states[node_id] = {
            "value": value,
            "max": maximum,
            "state": state,
            **_metadata(self.item.prompt_id, node_id),
        }
        data = {"prompt_id": self.item.prompt_id, "nodes": self._states}
        self.setting.hub.send("progress_state", data, self.item.client_id)

    def _named(self, node_id: str, **more: Any) -> dict[str, Any]:
        return {"node": node_id, "display_node": node_id, **more, "prompt_id": self.item.prompt_id}

    def _where(self, node_id: str) -> dict[str, Any]:
        class_type = self._graph[node_id]["class_type"]
        return {"node_id": node_id, "node_type": class_type, "executed": list(self._executed)}

    def _tell(self, event: str, data: Mapping[str, Any], to_all: bool = False) -> None:
        """Note a message for /history and send it to the client; without one, to all or to nobody."""
        message = {"prompt_id": self.item.prompt_id, **data, "timestamp": int(time.time() * 1000)}
        self._messages.append((event, message))
        if self.item.client_id is not None or to_all:
            self.setting.hub.send(event, message, self.item.client_id)

    def _tell_client(self, event: str, data: Mapping[str, Any]) -> None:
        if self.item.client_id is not None:
            self.setting.hub.send(event, data, self.item.client_id)


class NodeContext:
    """What a running node sees of its execution; fits node.Context."""

    def __init__(self, execution: Execution, node_id: str) -> None:
        self._execution = execution
        self.node_id = node_id
        self.folders: Folders = execution.setting.folders
        self.step_seconds = execution.setting.step_seconds
        self.prompt: Mapping[str, Any] = execution.item.graph
        extra = execution.item.extra_data.get("extra_pnginfo")
        self.extra_pnginfo: Mapping[str, Any] | None = extra if isinstance(extra, dict) else None

    @property
    def watched(self) -> bool:
        return self._execution.watched()

    def progress(self, value: int, maximum: int, preview: Image.Image | None = None) -> None:
        self._execution.progress(self.node_id, value, maximum, preview)

    def pace(self, seconds: float) -> None:
        self._execution.setting.interrupt.sleep(seconds)

    def check(self) -> None:
        self._execution.setting.interrupt.check()


def encoded(preview: Image.Image) -> bytes:
    """A preview as it goes over the wire: JPEG, scaled up or down so that the longer side is 512."""
    fitted = ImageOps.contain(preview.convert("RGB"), (PREVIEW_SIZE, PREVIEW_SIZE), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    fitted.save(out, "JPEG", quality=PREVIEW_QUALITY)
    return out.getvalue()


def ordered(fault: NodeFault) -> Exception:
    """An exception whose class has the name the fault asks for, "torch.OutOfMemoryError" for instance."""
    module, _, name = fault.exception_type.rpartition(".")
    named = {"__module__": module or "builtins", "__qualname__": name}
    kind: type[RuntimeError] = type(name, (RuntimeError,), named)
    return kind(fault.message)


def _metadata(prompt_id: str, node_id: str) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "prompt_id": prompt_id,
        "display_node_id": node_id,
        "parent_node_id": None,
        "real_node_id": node_id,
    }


def _failure(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {
        "exception_message": f"{error}\n",
        "exception_type": name,
        "traceback": traceback.format_tb(error.__traceback__),
    }


def _told(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)[:LONGEST_TEXT]
