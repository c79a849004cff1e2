"""Results of nodes that need not run again.

A node's key is made of its class, its values, its fingerprint and the keys of all above it. Only nodes of
the prompt at hand are kept, as ComfyUI's default cache does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comfyui_bridge.sandbox.node import Folders, NodeType
from comfyui_bridge.sandbox.plan import is_link


@dataclass(frozen=True)
class Cached:
    outputs: tuple[Any, ...]
    ui: Mapping[str, Any] | None
    meta: Mapping[str, Any]


class Cache:
    def __init__(self) -> None:
        self._kept: dict[str, Cached] = {}
        self._keys: dict[str, str] = {}

    def begin(self, graph: Mapping[str, Any], node_types: Mapping[str, NodeType], folders: Folders) -> None:
        """Take up a prompt: compute its keys and forget all that is not in it."""
        keys = _Keys(graph, node_types, folders)
        self._keys = {node_id: keys.of(node_id) for node_id in graph}
        alive = set(self._keys.values())
        self._kept = {key: cached for key, cached in self._kept.items() if key in alive}

    def get(self, node_id: str) -> Cached | None:
        key = self._keys.get(node_id)
        return None if key is None else self._kept.get(key)

    def put(self, node_id: str, cached: Cached) -> None:
        self._kept[self._keys[node_id]] = cached

    def clear(self) -> None:
        self._kept.clear()


class _Keys:
    def __init__(
        self, graph: Mapping[str, Any], node_types: Mapping[str, NodeType], folders: Folders
    ) -> None:
        self._graph = graph
        self._node_types = node_types
        self._folders = folders
        self._done: dict[str, str] = {}

    def of(self, node_id: str) -> str:
        """The key of a node; those above it are made first, without recursion, for chains may be long.

        A link back into the path is passed over: a cycle can only be among nodes that never run.
        """
        path = [node_id]
        while path:
            above = next(
                (up for up in self._above(path[-1]) if up not in self._done and up not in path), None
            )
            if above is None:
                done = path.pop()
                self._done[done] = self._done.get(done) or self._make(done)
            else:
                path.append(above)
        return self._done[node_id]

    def _inputs(self, node_id: str) -> Mapping[str, Any]:
        # A node that no output needs may lack anything.
        inputs = self._graph[node_id].get("inputs")
        return inputs if isinstance(inputs, dict) else {}

    def _above(self, node_id: str) -> list[str]:
        links = (value for value in self._inputs(node_id).values() if is_link(value))
        return [link[0] for link in links if link[0] in self._graph]

    def _make(self, node_id: str) -> str:
        node_type = self._node_types[self._graph[node_id]["class_type"]]
        parts = [
            [name, ["link", self._done.get(value[0]), value[1]]] if is_link(value) else [name, value]
            for name, value in sorted(self._inputs(node_id).items())
        ]
        text = json.dumps([node_type.class_type, self._fingerprint(node_type, node_id), parts], default=repr)
        return hashlib.sha256(text.encode()).hexdigest()

    def _fingerprint(self, node_type: NodeType, node_id: str) -> object:
        known = {item.name for item in node_type.inputs}
        inputs = self._inputs(node_id)
        values = {name: value for name, value in inputs.items() if name in known and not is_link(value)}
        try:
            return node_type.fingerprint(self._folders, **values)
        except (OSError, KeyError, TypeError, ValueError):
            # ComfyUI calls such a node changed, so that it runs and says itself what is wrong.
            return repr(object())
