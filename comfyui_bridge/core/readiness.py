"""Whether a server can run a workflow, and what is missing, before anything is sent.

Node types, choices the server does not list, links that lead nowhere, and values that would have no
effect: the reasons why a run fails or quietly ignores what was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from comfyui_bridge.core import form, reading, workflow
from comfyui_bridge.core.errors import InvalidValues, WorkflowError
from comfyui_bridge.core.inputs import unwrap
from comfyui_bridge.core.node_defs import ComboSpec, DynamicComboSpec, InputSpec, NodeDefs
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.workflow import Link, Node, Workflow


@dataclass(frozen=True)
class MissingNode:
    """A node whose class_type the server does not have."""

    node_id: str
    class_type: str
    title: str
    nearest: str | None


@dataclass(frozen=True)
class MissingChoice:
    """A value that is not in the server's list, and the one in it that is most like it."""

    node_id: str
    input: str
    value: Any
    nearest: str | None
    is_file: bool = False
    """It is a file people upload, such as a picture, rather than a model."""


@dataclass(frozen=True)
class NoEffect:
    """A value or a link the server will ignore or refuse, and why."""

    node_id: str
    input: str
    reason: str


@dataclass(frozen=True)
class Readiness:
    """What stands in a workflow's way on one server."""

    missing_nodes: tuple[MissingNode, ...] = ()
    missing_choices: tuple[MissingChoice, ...] = ()
    broken_links: tuple[NoEffect, ...] = ()
    without_effect: tuple[NoEffect, ...] = ()
    """Harmless to the run, and probably not what somebody meant."""
    obstacle: str = ""
    """Why the document could not even be read as a workflow with this server's definitions."""

    @property
    def ready(self) -> bool:
        return self.needs_only_files and not self.missing_choices

    @property
    def needs_only_files(self) -> bool:
        """Whether somebody at the form can make it ready, by choosing a file of theirs."""
        others = any(not choice.is_file for choice in self.missing_choices)
        return not (self.obstacle or self.missing_nodes or self.broken_links or others)


def assess(graph: Workflow, node_defs: NodeDefs) -> Readiness:
    """Compare a workflow with a server's definitions."""
    needed = _needed(graph, node_defs)
    return Readiness(
        missing_nodes=tuple(_missing_nodes(graph, node_defs)),
        missing_choices=tuple(_missing_choices(graph, node_defs, needed)),
        broken_links=tuple(_broken_links(graph, node_defs, needed)),
        without_effect=tuple(_without_effect(graph, node_defs, needed)),
    )


def of_template(
    template: Template,
    node_defs: NodeDefs,
    raw: Mapping[str, Any] | None = None,
    make: Callable[[Template, NodeDefs], form.Form] = form.make,
) -> Readiness:
    """What stands in the way of a template with these values, the others being its defaults."""
    try:
        made = make(template, node_defs)
    except WorkflowError as error:
        return Readiness(obstacle=str(error))
    given = {one.key: one.default for one in made.inputs if one.default is not None}
    for key, value in (raw or {}).items():
        one = made.input(key)
        if one is not None and value not in (None, ""):
            given[one.key] = value
    return assess(made.patched(_storable(made, given)), node_defs)


def _storable(made: form.Form, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values that can be read; what cannot is told at its field and not here."""
    try:
        return made.check(given)
    except InvalidValues as error:
        # A problem may be one row's of a stack: "loras.2".
        wrong = {part for key in error.problems for part in (key, key.rpartition(".")[0])}
        return made.check({key: value for key, value in given.items() if key not in wrong})


def _needed(graph: Workflow, node_defs: NodeDefs) -> frozenset[str]:
    """The nodes that an output node depends on: the others are never run (0.3.64)."""
    outputs = [
        n.node_id for n in graph.nodes.values() if (d := node_defs.get(n.class_type)) and d.output_node
    ]
    return frozenset(graph.upstream(*outputs))


MOST_NEAREST = 100
"""How many things the nearest is looked for: each costs milliseconds, and nobody reads more."""


@dataclass
class _Nearest:
    """The nearest of what is there, looked for once for each thing, and no more than so many times."""

    found: dict[tuple[str, str, str], str | None] = field(default_factory=dict)

    def to(self, wanted: object, options: Sequence[Any], class_type: str = "", name: str = "") -> str | None:
        key = (str(wanted), class_type, name)
        if key not in self.found and len(self.found) < MOST_NEAREST:
            self.found[key] = reading.nearest(wanted, options)
        return self.found.get(key)


def _missing_nodes(graph: Workflow, node_defs: NodeDefs) -> Iterator[MissingNode]:
    known, near = tuple(node_defs.by_class), _Nearest()
    for node in graph.nodes.values():
        if node.class_type not in node_defs:
            yield MissingNode(node.node_id, node.class_type, node.title, near.to(node.class_type, known))


def _missing_choices(graph: Workflow, node_defs: NodeDefs, needed: frozenset[str]) -> Iterator[MissingChoice]:
    nearest = _Nearest()
    for node in graph.nodes.values():
        if node.node_id not in needed:
            continue
        for name, content in node.inputs.items():
            definition = node_defs.input(node.class_type, name)
            if definition is None or isinstance(content, Link):
                continue
            options = _options(definition.spec, content)
            if options is None:
                continue
            chosen = unwrap(content)
            for value in chosen if isinstance(chosen, list) else [chosen]:
                if value not in options:
                    near = nearest.to(value, options, node.class_type, name)
                    yield MissingChoice(node.node_id, name, value, near, _takes_files(definition.spec))


def _options(spec: InputSpec, content: Any) -> tuple[Any, ...] | None:
    """The choices a value must be among; None where there is no such list."""
    match spec:
        case ComboSpec():
            unlisted = spec.remote_route or (spec.upload and _is_elsewhere(content))
            return None if unlisted else spec.options
        case DynamicComboSpec(options):
            return tuple(option.key for option in options)
    return None


def _takes_files(spec: InputSpec) -> bool:
    return isinstance(spec, ComboSpec) and spec.upload is not None


def _is_elsewhere(content: Any) -> bool:
    """A file that a list of the input folder's top does not show, yet the server takes (0.3.64)."""
    return not isinstance(content, str) or "/" in content or content.endswith("]")


def _broken_links(graph: Workflow, node_defs: NodeDefs, needed: frozenset[str]) -> Iterator[NoEffect]:
    for node, name, link in workflow.broken_links(graph):
        yield NoEffect(
            node.node_id,
            name,
            f"{name} of “{node.name}” is linked to node {link.node_id}, which is not there.",
        )
    for node in graph.nodes.values():
        definition = node_defs.get(node.class_type)
        if definition is None or node.node_id not in needed:
            continue
        for one in definition.inputs:
            if one.required and not one.has_widget and not _is_given(node, one.name):
                yield NoEffect(
                    node.node_id, one.name, f"{one.name} of “{node.name}” needs a link and has none."
                )


def _is_given(node: Node, name: str) -> bool:
    return name in node.inputs or any(given.startswith(f"{name}.") for given in node.inputs)


def _without_effect(graph: Workflow, node_defs: NodeDefs, needed: frozenset[str]) -> Iterator[NoEffect]:
    for node in graph.nodes.values():
        definition = node_defs.get(node.class_type)
        if definition is None:
            continue
        if node.node_id not in needed:
            yield NoEffect(
                node.node_id,
                "",
                f"“{node.name}” ({node.node_id}) feeds no node that saves or shows anything.",
            )
            continue
        known = [one.name for one in definition.inputs]
        for name, content in node.inputs.items():
            if definition.input(name) is None and not isinstance(content, Link):
                near = reading.nearest(name, known)
                hint = f"; did you mean {near}?" if near else f"; it has {', '.join(known) or 'none'}."
                reason = (
                    f"“{node.name}” ({node.class_type}) has no input {name}, and the server ignores it{hint}"
                )
                yield NoEffect(node.node_id, name, reason)
