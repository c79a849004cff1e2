"""What was done before, done again: a former run's values for a form of today, its seeds drawn anew, and the
template that a workflow from elsewhere is one of.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any

from comfyui_bridge.core import form as form_
from comfyui_bridge.core import values as values_
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.files import file_of
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.workflow import Link, Workflow

_ROUNDS = 12
"""How far around a node its place in the graph is told by; nearer ones decide almost always."""


def fitting(form: Form, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that this form takes, and by key why each of the others is left out.

    The template may have changed since, or the servers have other files.
    """
    kept, left_out = dict(values), {}
    try:
        form.check(kept)
    except InvalidValues as error:
        for key, sentence in error.problems.items():
            for name in [name for name in kept if name == key or key.startswith(f"{name}.")]:
                left_out[name] = sentence
                del kept[name]
    return kept, left_out


def without_seeds(form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values but for the seeds: who comes back to a run wants the next picture to differ."""
    seeds = {one.key for one in form.inputs if one.is_seed}
    return {key: value for key, value in values.items() if key not in seeds}


def reseeded(
    workflow: Workflow,
    node_defs: NodeDefs,
    values: Mapping[str, Any],
    seeds: Collection[str],
    draw: Callable[[int, int], int],
) -> tuple[Workflow, dict[str, Any]]:
    """A run's workflow and values with its seeds drawn anew, and nothing else changed.

    Seeds that were equal stay equal. `seeds` are the keys that its template has seeds under, where that is
    known. Raises InvalidValues where the workflow has no seed.
    """
    fresh: dict[Any, int] = {}
    contents: dict[str, dict[str, Any]] = defaultdict(dict)
    own = [one for one in form_.of_workflow(workflow, node_defs).inputs if one.is_seed]
    for one in own:
        if one.default not in fresh:
            (fresh[one.default],) = values_.resolve_seeds([one], {one.key: values_.RANDOM}, draw).values()
        for place in one.places:
            contents[place.node_id][place.input] = fresh[one.default]
    if not fresh:
        raise InvalidValues({"seed": "This workflow has no seed that could be drawn anew."})
    keys = {*seeds, *(one.key for one in own)}
    changed = {key: fresh.get(value, value) if key in keys else value for key, value in values.items()}
    return workflow.with_inputs(contents), changed


def values_of(form: Form, workflow: Workflow) -> dict[str, Any] | None:
    """What a form would say to make this workflow; None where it is another graph than the form's.

    Nodes may have other ids: it is what they are and how they are linked that counts.
    """
    same = same_nodes(form.workflow, workflow)
    if same is None:
        return None
    found: dict[str, Any] = {}
    for one in form.inputs:
        content = workflow.node(same[one.node_id]).inputs.get(one.input) if one.node_id in same else None
        if content is not None and not isinstance(content, Link):
            found[one.key] = content
    return found


def bare(workflow: Workflow) -> Workflow:
    """The workflow with names in the place of files of ours, which mean nothing to anybody else."""
    contents = {
        node.node_id: {
            name: file.name for name, content in node.inputs.items() if (file := file_of(content)) is not None
        }
        for node in workflow.nodes.values()
    }
    return workflow.with_inputs({node_id: inputs for node_id, inputs in contents.items() if inputs})


def same_nodes(first: Workflow, second: Workflow) -> dict[str, str] | None:
    """For each node of one graph the node of the other in its place; None for different graphs."""
    if len(first.nodes) != len(second.nodes):
        return None
    mine, theirs = _marks(first), _marks(second)
    if Counter(mine.values()) != Counter(theirs.values()):
        return None
    waiting: dict[int, list[str]] = defaultdict(list)
    for node_id, place in theirs.items():
        waiting[place].append(node_id)
    # Among nodes that nothing tells apart, one of the same id is meant.
    pairs = {node_id: node_id for node_id, place in mine.items() if theirs.get(node_id) == place}
    for node_id in pairs:
        waiting[mine[node_id]].remove(node_id)
    return {node_id: pairs.get(node_id) or waiting[place].pop(0) for node_id, place in mine.items()}


def _marks(workflow: Workflow) -> dict[str, int]:
    """A number for each node, the same for nodes of one class_type that are linked alike."""
    marks = {node.node_id: hash(node.class_type) for node in workflow.nodes.values()}
    outgoing: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for node in workflow.nodes.values():
        for name, link in node.links():
            outgoing[link.node_id].append((name, link.output, node.node_id))
    for _ in range(min(_ROUNDS, len(marks))):
        marks = {
            node.node_id: hash(
                (
                    marks[node.node_id],
                    tuple(
                        sorted((name, link.output, marks.get(link.node_id, 0)) for name, link in node.links())
                    ),
                    tuple(sorted((name, output, marks[to]) for name, output, to in outgoing[node.node_id])),
                )
            )
            for node in workflow.nodes.values()
        }
    return marks
