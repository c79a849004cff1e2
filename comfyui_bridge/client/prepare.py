"""From what a caller hands over to a workflow that a server takes: values in, seeds drawn, files uploaded."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from comfyui_bridge.core import form, values, workflow
from comfyui_bridge.core.errors import InvalidValues, NotApiFormat, WorkflowError
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.graft import ControlNet, Lora
from comfyui_bridge.core.node_defs import SEED_NAMES, NodeDefs
from comfyui_bridge.core.values import LARGEST_DRAWN, RANDOM
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine.ports import Server

Source: TypeAlias = Workflow | Mapping[str, Any] | str | os.PathLike[str]
"""A workflow, its API-format document, or the path of a JSON file with one."""


@dataclass(frozen=True)
class Prepared:
    workflow: Workflow
    values: Mapping[str, Any]


class Definitions:
    """The node definitions of each server, asked for when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, NodeDefs] = {}

    def of(self, server: Server) -> NodeDefs:
        with self._lock:
            known = self._known.get(server.name)
        return known if known is not None else self.renew(server)

    def renew(self, server: Server) -> NodeDefs:
        fresh = server.node_defs()
        with self._lock:
            self._known[server.name] = fresh
        return fresh


def read(source: Source) -> Workflow:
    """The workflow meant. Raises NotApiFormat, and WorkflowError for a file that cannot be read."""
    if isinstance(source, Workflow):
        return source
    if isinstance(source, Mapping):
        return workflow.parse(source)
    path = Path(source)
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise NotApiFormat(f"{path} is no JSON file: {error}.") from error
    except OSError as error:
        raise WorkflowError(f"{path} cannot be read: {error.strerror}.") from error
    return workflow.parse(document)


def prepare(source: Source, given: Mapping[str, Any], server: Server, definitions: Definitions) -> Prepared:
    """Put values into a workflow, draw its random seeds, and upload its files to this server."""
    graph = read(source)
    if given:
        prepared = _with_values(graph, given, server, definitions)
    else:
        prepared = _with_seeds(graph, {}, server, definitions)
    return Prepared(_with_uploads(prepared.workflow, server), prepared.values)


def _with_values(
    graph: Workflow, given: Mapping[str, Any], server: Server, definitions: Definitions
) -> Prepared:
    try:
        return _checked(graph, given, definitions.of(server))
    except InvalidValues:
        # The definitions may be older than a file that was put on the server since.
        return _checked(graph, given, definitions.renew(server))


def _checked(graph: Workflow, given: Mapping[str, Any], defs: NodeDefs) -> Prepared:
    raw = {key: _value(value) for key, value in given.items()}
    made = form.of_workflow(graph, defs).with_choices(raw)
    checked = made.check(made.with_files(raw, lambda _, value: _value(value)))
    named = {one.key for name in raw if (one := made.input(name)) is not None}
    # Only what was asked for and what must be drawn: everything else stays as it was exported.
    wanted = {key: value for key, value in checked.items() if key in named or value == RANDOM}
    resolved = values.resolve_seeds(made.inputs, wanted, _draw)
    return Prepared(made.patched(resolved), resolved)


def _with_seeds(
    graph: Workflow, raw: Mapping[str, Any], server: Server, definitions: Definitions
) -> Prepared:
    if not any(_asks_for_seed(content) for node in graph.nodes.values() for content in node.inputs.values()):
        return Prepared(graph, {})
    prepared = _checked(graph, raw, definitions.of(server))
    drawn = dict(prepared.values)
    graph = prepared.workflow
    for node in tuple(graph.nodes.values()):
        for name in SEED_NAMES:
            # Of a node the server does not define: it will refuse the node, and should not refuse the seed.
            if _asks_for_seed(node.inputs.get(name)):
                drawn[f"{node.node_id}.{name}"] = seed = _draw(0, LARGEST_DRAWN)
                graph = graph.with_input(node.node_id, name, seed)
    return Prepared(graph, drawn)


def _asks_for_seed(content: object) -> bool:
    return content == RANDOM or (content == -1 and not isinstance(content, bool))


def _value(value: Any) -> Any:
    """A value as forms take it."""
    match value:
        case Path():
            return FileValue(str(value), value.name)
        case Lora(name, strength_model, strength_clip):
            return {"name": name, "strength_model": strength_model, "strength_clip": strength_clip}
        case ControlNet():
            return vars(value)
        case list() | tuple():
            return [_value(one) for one in value]
    return value


def _with_uploads(graph: Workflow, server: Server) -> Workflow:
    names = {}
    for file in values.files(graph):
        try:
            content = open(file.ref, "rb")  # noqa: SIM115 - its own errors are told apart from the upload's
        except OSError as error:
            raise InvalidValues({file.name: f"{file.ref} cannot be read: {error.strerror}."}) from error
        with content:
            names[file] = server.upload(content, file.name)
    return values.place_uploads(graph, names) if names else graph


def _draw(low: int, high: int) -> int:
    return low + secrets.randbelow(high - low + 1)
