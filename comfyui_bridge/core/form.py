"""A form: what a template offers to change, joined with what one server knows.

Made anew for each pair of template and definitions; it holds all that checking and patching need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from comfyui_bridge.core import choosing, grafts, inputs, marks, stacks, values, workflow
from comfyui_bridge.core.convert import convert
from comfyui_bridge.core.errors import WorkflowError
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.marks import Marks
from comfyui_bridge.core.node_defs import EMPTY, ComboSpec, ControlNetSpec, NodeDefs
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.values import Values
from comfyui_bridge.core.workflow import Workflow

_MOST_NESTED = 8

MOST_NODES = 2_000
"""The largest that people share have some hundreds, their subgraphs' counted."""
MOST_INPUTS = 1_500
"""What a card or a mark asks for comes first; a page with more fields would not open."""


@dataclass(frozen=True)
class Form:
    """A template's workflow and the inputs its form shows, in order."""

    template: Template
    workflow: Workflow
    inputs: tuple[ExposedInput, ...]
    problems: tuple[str, ...] = ()
    """What the card or a mark got wrong, one sentence each; the form works all the same."""
    outputs: tuple[str, ...] = ()
    """The nodes whose results the workflow's author marked, in that order; empty for all."""
    node_defs: NodeDefs = field(default=EMPTY, repr=False, compare=False)
    """What it was made with."""
    marks: Marks = field(default_factory=Marks, repr=False, compare=False)
    places: Mapping[str, grafts.Place] = field(default_factory=dict, repr=False, compare=False)
    """Where in the workflow that goes which stands in none of its nodes, by the key of its input."""

    def input(self, name: str) -> ExposedInput | None:
        """The input of this key, `node_id.input`, `title.input` or near-synonym."""
        return inputs.find(self.inputs, name)

    def with_choices(self, raw: Mapping[str, Any]) -> Form:
        """The form as these values have it: another option of a dynamic combo brings inputs of its own,
        one that is left out takes them away, and a list has the elements that are named.
        """
        form = self
        for _ in range(_MOST_NESTED):  # an option's inputs may be dynamic combos again
            graph = choosing.chosen(form.workflow, form.inputs, form.node_defs, raw)
            if graph is form.workflow:
                break
            exposed, _ = inputs.expose(graph, form.template.exposures, form.node_defs, form.marks)
            put_in = (one for one in form.inputs if one.key in form.places)
            form = replace(form, workflow=graph, inputs=(*_phrased(exposed, form.template), *put_in))
        return form

    def check(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Typed values for every input. Raises InvalidValues with a sentence for each wrong one."""
        return values.check(self.with_choices(raw).inputs, raw)

    def patched(self, values_: Values) -> Workflow:
        """The workflow with checked values in it, their seeds drawn; files stand as marks.

        LoRAs and a ControlNet become nodes of their own, those without effect left out.
        """
        form = self.with_choices(values_)
        graph = values.patch(form.workflow, form.inputs, values_)
        for key, place in self.places.items():
            graph = grafts.put_in(graph, self.node_defs, place, values_.get(key))
        return graph

    def with_files(self, raw: Mapping[str, Any], keep: Callable[[str, Any], Any]) -> dict[str, Any]:
        """Raw values in which `keep(key, value)` stands for whatever was given to take a file's place."""
        return {key: self._with_file(key, value, keep) for key, value in raw.items()}

    def _with_file(self, key: str, value: Any, keep: Callable[[str, Any], Any]) -> Any:
        one = self.input(key)
        match one.spec if one is not None else None:
            case ComboSpec(upload=upload) if upload is not None:
                return keep(key, value)
            case ControlNetSpec():
                return stacks.with_image(value, partial(keep, f"{key}.image"))
        return value


def make(template: Template, node_defs: NodeDefs) -> Form:
    """Join a template with a server's definitions.

    Raises WorkflowError where the document is no workflow.
    """
    graph, notes = read_workflow(template.document, node_defs)
    return _made(template, graph, node_defs, notes)


def of_workflow(graph: Workflow, node_defs: NodeDefs) -> Form:
    """The form of a workflow that stands in no library."""
    return _made(Template("", "", graph.to_api()), graph, node_defs)


def _made(template: Template, graph: Workflow, node_defs: NodeDefs, notes: tuple[str, ...] = ()) -> Form:
    found = marks.read(template.document, graph, node_defs)
    exposed, problems = inputs.expose(graph, template.exposures, node_defs, found)
    said = (*template.problems, *problems, *found.problems, *notes)
    put_in = tuple(grafts.offered(graph, node_defs, {one.key for one in exposed}))
    if len(exposed) > MOST_INPUTS:
        more = f"{len(exposed) - MOST_INPUTS} of its inputs have no place on the form"
        said = (*said, f"The workflow has so many that {more}; a card can name those that matter.")
        exposed = exposed[:MOST_INPUTS]
    shown = (*_phrased(exposed, template), *(one for one, _ in put_in))
    places = {one.key: place for one, place in put_in}
    return Form(template, graph, shown, said, found.outputs, node_defs, found, places)


def _phrased(exposed: tuple[ExposedInput, ...], template: Template) -> tuple[ExposedInput, ...]:
    """The inputs with what their card says of them in other languages."""
    phrases = template.phrases
    return tuple(replace(one, phrases=phrases) for one in exposed) if phrases else exposed


def read_workflow(document: Mapping[str, Any], node_defs: NodeDefs) -> tuple[Workflow, tuple[str, ...]]:
    """The workflow of a document in either format, and what was decided on the way.

    Raises WorkflowError where it is neither, and for UI format while no server has answered: what its
    widgets mean is known from the definitions only.
    """
    _check_size(document["nodes"] if workflow.is_ui_format(document) else document)
    if not workflow.is_ui_format(document):
        return workflow.parse(document), ()
    if not len(node_defs):
        raise WorkflowError(
            "This workflow is in UI format, which needs a server's node definitions to be read; "
            "none has answered yet. Connect one, or export the workflow with “Export (API)”."
        )
    # A form shows the alternatives of a dynamic prompt as they were written.
    converted = convert(document, node_defs, choose=None)
    _check_size(converted.workflow.nodes)
    return converted.workflow, converted.notes


def _check_size(nodes: Sized) -> None:
    """A form of more would take seconds, of each person who opens it."""
    if len(nodes) > MOST_NODES:
        raise WorkflowError(
            f"This workflow has {len(nodes)} nodes, and a form can be made of {MOST_NODES} at most. "
            "Split it, or take out what is not needed."
        )
