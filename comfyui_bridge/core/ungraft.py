"""Takes out of a graph what `graft` puts in, the LoRAs of a stack and a ControlNet, and says them as values.

For a graph that comes back, from a picture or a file: which of its nodes were put in is guessed from what the
form's own graph lacks, and believed only where putting them in again gives the graph that came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any

from comfyui_bridge.core import grafts, remix
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.graft import (
    CONTROLNET_APPLY,
    CONTROLNET_LOADER,
    CONTROLNET_NODES,
    HINT_LOADER,
    LORA_NODE,
    MODEL_ONLY_NODE,
    LoraPlace,
)
from comfyui_bridge.core.workflow import Link, Node, Workflow

_LORAS = (LORA_NODE, MODEL_ONLY_NODE)
_MOST_LORAS = 32
_MOST_TRIES = 64
"""Graphs with several models have several guesses; the first few decide almost always."""


@dataclass(frozen=True)
class _Bare:
    """A graph without what was put in, and that."""

    workflow: Workflow
    loras: Mapping[Link, tuple[Node, ...]] = field(default_factory=dict)
    """By the output they stood behind, the first one nearest to it."""
    controlnet: Mapping[str, Any] | None = None


def values_of(form: Form, workflow: Workflow) -> dict[str, Any] | None:
    """What a form would say to make this workflow; None where nothing it could say does.

    As `remix.values_of`, for graphs that LoRAs or a ControlNet were put into.
    """
    more = Counter(node.class_type for node in workflow.nodes.values())
    more.subtract(node.class_type for node in form.workflow.nodes.values())
    if not _could_be_put_in(more):
        return None
    for bare in islice(_without(workflow, +more), _MOST_TRIES):
        values = remix.values_of(form, bare.workflow)
        put_in = _put_in(form, bare) if values is not None else None
        if put_in is not None and _makes(form, put_in, workflow):
            return {**(values or {}), **put_in}
    return None


def _could_be_put_in(more: Mapping[str, int]) -> bool:
    different = {class_type: count for class_type, count in more.items() if count}
    loras = sum(different.pop(class_type, 0) for class_type in _LORAS)
    controlnets = {different.pop(class_type, 0) for class_type in CONTROLNET_NODES}
    fits = not different and controlnets in ({0}, {1}) and 0 <= loras <= _MOST_LORAS
    return fits and (loras > 0 or controlnets == {1}) and all(more[one] >= 0 for one in _LORAS if one in more)


def _without(workflow: Workflow, more: Mapping[str, int]) -> Iterator[_Bare]:
    loras = Counter({class_type: more.get(class_type, 0) for class_type in _LORAS})
    begun = _without_controlnet(workflow) if more.get(CONTROLNET_APPLY) else iter((_Bare(workflow),))
    for bare in begun:
        yield from _without_loras(bare, loras, None)


def _without_controlnet(workflow: Workflow) -> Iterator[_Bare]:
    for applied in workflow.of_class(CONTROLNET_APPLY):
        loader = _fed_by(workflow, applied, "control_net", CONTROLNET_LOADER)
        hint = _fed_by(workflow, applied, "image", HINT_LOADER)
        if loader is None or hint is None:
            continue
        instead = {0: applied.inputs.get("positive"), 1: applied.inputs.get("negative")}
        left = _bypassed(workflow, applied, instead, loader.node_id, hint.node_id)
        if left is not None:
            said = {part: applied.inputs.get(part) for part in ("strength", "start_percent", "end_percent")}
            named = {"name": loader.inputs.get("control_net_name"), "image": hint.inputs.get("image")}
            yield _Bare(left, controlnet={**named, **said})


def _fed_by(workflow: Workflow, node: Node, name: str, class_type: str) -> Node | None:
    """The node of this class that feeds only this input."""
    link = node.inputs.get(name)
    source = workflow.nodes.get(link.node_id) if isinstance(link, Link) else None
    if source is None or source.class_type != class_type or len(workflow.consumers(source.node_id)) != 1:
        return None
    return source


def _without_loras(bare: _Bare, more: Counter[str], last: Link | None) -> Iterator[_Bare]:
    """The first LoRAs behind each model taken out, in every way that leaves none too many."""
    if not more.total():
        yield bare
        return
    for node in bare.workflow.of_class(*_LORAS):
        model = node.inputs.get("model")
        if not isinstance(model, Link) or not more[node.class_type] or not _is_first(bare.workflow, model):
            continue
        if last is not None and model != last and model in bare.loras:
            continue  # that model had its turn
        left = _bypassed(bare.workflow, node, {0: model, 1: node.inputs.get("clip")})
        if left is not None:
            taken = {**bare.loras, model: (*bare.loras.get(model, ()), node)}
            yield from _without_loras(
                _Bare(left, taken, bare.controlnet), more - Counter([node.class_type]), model
            )


def _is_first(workflow: Workflow, model: Link) -> bool:
    source = workflow.nodes.get(model.node_id)
    return source is not None and source.class_type not in _LORAS


def _bypassed(workflow: Workflow, node: Node, instead: Mapping[int, Any], *more: str) -> Workflow | None:
    """The graph without this node: who took an output of it takes what is there instead."""
    contents: dict[str, dict[str, Any]] = {}
    for taker, name in workflow.consumers(node.node_id):
        link = taker.inputs[name]
        source = instead.get(link.output) if isinstance(link, Link) else None
        if not isinstance(source, Link):
            return None
        contents.setdefault(taker.node_id, {})[name] = source
    gone = {node.node_id, *more}
    nodes = workflow.with_inputs(contents).nodes.items()
    return Workflow(MappingProxyType({node_id: one for node_id, one in nodes if node_id not in gone}))


def _put_in(form: Form, bare: _Bare) -> dict[str, Any] | None:
    """What was put in by the keys of the form; None where one of it has no place there."""
    same = remix.same_nodes(form.workflow, bare.workflow) or {}
    found: dict[str, Any] = {}
    for key, place in form.places.items():
        if isinstance(place, LoraPlace):
            source = Link(same.get(place.model.node_id, ""), place.model.output)
            if source in bare.loras:
                found[key] = [_row(node, place) for node in bare.loras[source]]
        elif bare.controlnet is not None:
            found[key] = dict(bare.controlnet)
    is_whole = len(found) == len(bare.loras) + (bare.controlnet is not None)
    return found if is_whole and all(_is_plain(value) for value in found.values()) else None


def _row(node: Node, place: LoraPlace) -> dict[str, Any]:
    model, clip = node.inputs.get("strength_model"), node.inputs.get("strength_clip")
    row = {"name": node.inputs.get("lora_name"), "strength_model": model}
    if node.class_type == LORA_NODE and (place.is_apart or clip != model):
        row["strength_clip"] = clip
    return row


def _is_plain(value: Any) -> bool:
    """Whether nothing in it comes from another node, or is missing."""
    rows = value if isinstance(value, list) else [value]
    return all(part is not None and not isinstance(part, Link) for row in rows for part in row.values())


def _makes(form: Form, put_in: Mapping[str, Any], workflow: Workflow) -> bool:
    """Whether the form's graph with this in it is the one that came."""
    graph = form.workflow
    for key, place in form.places.items():
        graph = grafts.put_in(graph, form.node_defs, place, put_in.get(key))
    return remix.same_nodes(graph, workflow) is not None
