"""Whether a graph may run, in ComfyUI 0.3.64's words.

A node is looked at only if an output needs it; an unknown class anywhere refuses the whole graph. Values are
converted in place, so that history shows the converted graph. The texts are part of the protocol: clients
show them, and the recordings in tests/recordings hold them.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from comfyui_bridge.sandbox.node import Folders, Input, NodeType

Problem = dict[str, Any]

LONG_LIST = 20
"""A list of more choices is not repeated in an error."""

_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "INT": int,
    "FLOAT": float,
    "STRING": str,
    "BOOLEAN": bool,
}


class NotAGraph(Exception):
    """Something that is no graph at all, on which ComfyUI itself stumbles and answers 500."""


@dataclass(frozen=True)
class Verdict:
    """`error` is None for a graph that runs; `node_errors` may be there all the same, for dropped outputs."""

    error: Problem | None
    outputs: list[str]
    node_errors: dict[str, Any]


def problem(type_: str, message: str, details: str, extra_info: Mapping[str, Any] | None = None) -> Problem:
    return {"type": type_, "message": message, "details": details, "extra_info": dict(extra_info or {})}


def validate(
    graph: Any,
    node_types: Mapping[str, NodeType],
    folders: Folders,
    targets: Sequence[str] | None = None,
) -> Verdict:
    """Judge a graph and convert its values in place. `targets` limits the outputs that count."""
    outputs: list[str] = []
    for node_id in _ids(graph):
        node = graph[node_id]
        refusal = _class_problem(node_id, node, node_types)
        if refusal is not None:
            return Verdict(refusal, [], {})
        wanted = targets is None or node_id in targets
        if wanted and node_types[node["class_type"]].output_node:
            outputs.append(node_id)
    if not outputs:
        return Verdict(problem("prompt_no_outputs", "Prompt has no outputs", ""), [], {})
    return _judge(_Walk(graph, node_types, folders), outputs)


def _ids(graph: Any) -> list[str]:
    if isinstance(graph, dict):
        return list(graph)
    if isinstance(graph, list) and not graph:
        return []
    raise NotAGraph(f"prompt is {type(graph).__name__}")


def _class_problem(node_id: str, node: Any, node_types: Mapping[str, NodeType]) -> Problem | None:
    if not isinstance(node, dict | list | str):
        raise NotAGraph(f"node {node_id!r} is {type(node).__name__}")
    if "class_type" not in node:
        message = "Cannot execute because a node is missing the class_type property."
    else:
        class_type = node["class_type"] if isinstance(node, dict) else None
        if not isinstance(class_type, str | None):
            raise NotAGraph(f"class_type of node {node_id!r} is {type(class_type).__name__}")
        if class_type in node_types:
            return None
        message = f"Cannot execute because node {class_type} does not exist."
    return problem("invalid_prompt", message, f"Node ID '#{node_id}'")


def _judge(walk: _Walk, outputs: Sequence[str]) -> Verdict:
    good: list[str] = []
    texts: list[str] = []
    node_errors: dict[str, Any] = {}
    for output in outputs:
        if walk.output_is_valid(output):
            good.append(output)
            continue
        texts += [f"{found['message']}: {found['details']}" for found in walk.judged[output].problems]
        for node_id, judgement in walk.judged.items():
            if judgement.problems:
                class_type = walk.graph[node_id]["class_type"]
                entry = node_errors.setdefault(
                    node_id,
                    {"errors": judgement.problems, "dependent_outputs": [], "class_type": class_type},
                )
                entry["dependent_outputs"].append(output)
    if good:
        return Verdict(None, good, node_errors)
    error = problem("prompt_outputs_failed_validation", "Prompt outputs failed validation", "\n".join(texts))
    return Verdict(error, [], node_errors)


@dataclass
class _Judgement:
    valid: bool
    problems: list[Problem] = field(default_factory=list)


_Judging = Generator[str, bool | None, _Judgement]
"""Yields the nodes whose judgement it needs, is sent whether they are valid, and gives its own."""


class _Walk:
    """Judges nodes from the outputs upwards, each once."""

    def __init__(self, graph: dict[str, Any], node_types: Mapping[str, NodeType], folders: Folders) -> None:
        self.graph = graph
        self.judged: dict[str, _Judgement] = {}
        self._node_types = node_types
        self._folders = folders

    def output_is_valid(self, node_id: str) -> bool:
        try:
            return self._node(node_id)
        except Exception as error:  # as ComfyUI: a faulty graph may raise anything here, and it is a 400
            extra = {"exception_type": type(error).__name__, "traceback": _traceback(error)}
            found = problem(
                "exception_during_validation", "Exception when validating node", str(error), extra
            )
            self.judged[node_id] = _Judgement(False, [found])
            return False

    def _node(self, node_id: str) -> bool:
        """Judge a node and all it needs. Raises what ComfyUI raises: KeyError for no `inputs`, and so on.

        Each node is judged by a generator that asks for the nodes above it, so that a long chain needs no
        recursion. In a cycle ComfyUI recurses until Python stops it, and forgets why: nothing but "failed"
        is left.
        """
        path: list[tuple[str, _Judging]] = []
        answer: bool | None = self._known(node_id, path)
        error: Exception | None = None
        while path:
            current, judging = path[-1]
            try:
                wanted = judging.send(answer) if error is None else judging.throw(error)
            except StopIteration as end:
                path.pop()
                self.judged[current] = end.value
                answer, error = end.value.valid, None
            except Exception as raised:  # handed to the node below, which reports it
                path.pop()
                answer, error = None, raised
            else:
                answer, error = self._known(wanted, path), None
        if error is not None:
            raise error
        return bool(answer)

    def _known(self, node_id: str, path: list[tuple[str, _Judging]]) -> bool | None:
        """The judgement of a node; None if it must be made first, for which it is put on the path."""
        if node_id in self.judged:
            return self.judged[node_id].valid
        if any(node_id == above for above, _ in path):
            return False
        path.append((node_id, self._judge_inputs(node_id)))
        return None

    def _judge_inputs(self, node_id: str) -> _Judging:
        node = self.graph[node_id]
        inputs = node["inputs"]
        node_type = self._node_types[node["class_type"]]
        items = [item for item in node_type.input_list(self._folders) if item.section != "hidden"]
        # ComfyUI leaves out its own checks for what a node's VALIDATE_INPUTS names: the uploads.
        own = [item.name for item in items if any(key.endswith("_upload") for key in item.options)]
        valid = True
        problems: list[Problem] = []
        for item in items:
            if item.name not in inputs:
                if item.section == "required":
                    extra = {"input_name": item.name}
                    problems.append(
                        problem("required_input_missing", "Required input is missing", item.name, extra)
                    )
            elif isinstance(inputs[item.name], list):
                found, upstream_valid = yield from self._judge_link(node_type, item, inputs[item.name])
                problems += found
                valid = valid and upstream_valid
            else:
                found = _convert(item, inputs)
                if not found and item.name not in own:
                    found = _limits(node_type, item, inputs[item.name])
                problems += found
        if not problems and valid:
            problems += self._own_problems(node_type, own, inputs)
        return _Judgement(valid and not problems, problems)

    def _own_problems(
        self, node_type: NodeType, own: Sequence[str], inputs: Mapping[str, Any]
    ) -> list[Problem]:
        values = {
            item.name: inputs[item.name]
            for item in node_type.inputs
            if item.name in inputs and not isinstance(inputs[item.name], list)
        }
        if any(isinstance(inputs.get(name), list) for name in own):
            return []
        text = node_type.problem(self._folders, **values)
        if text is None:
            return []
        name = own[0] if own else ""
        return [
            problem(
                "custom_validation_failed",
                "Custom validation failed for node",
                f"{name} - {text}",
                {"input_name": name},
            )
        ]

    def _judge_link(
        self, node_type: NodeType, item: Input, link: list[Any]
    ) -> Generator[str, bool | None, tuple[list[Problem], bool]]:
        """The link's own problems, and whether all above it is valid."""
        about = {"input_name": item.name, "input_config": _config(node_type, item)}
        if len(link) != 2:
            found = problem(
                "bad_linked_input",
                "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                item.name,
                {**about, "received_value": link},
            )
            return [found], True
        source, slot = link
        received = self._node_types[self.graph[source]["class_type"]].outputs[slot]
        expected = item.type if isinstance(item.type, str) else "COMBO"
        if not fits(received, expected):
            found = problem(
                "return_type_mismatch",
                "Return type mismatch between linked nodes",
                f"{item.name}, received_type({received}) mismatch input_type({expected})",
                {**about, "received_type": received, "linked_node": link},
            )
            return [found], True
        try:
            return [], bool((yield source))
        except Exception as error:  # see output_is_valid
            extra = {
                **about,
                "exception_message": str(error),
                "exception_type": type(error).__name__,
                "traceback": _traceback(error),
                "linked_node": link,
            }
            found = problem(
                "exception_during_inner_validation",
                "Exception when validating inner node",
                str(error),
                extra,
            )
            self.judged[source] = _Judgement(False, [found])
            return [], False


def fits(received: str, expected: str) -> bool:
    """Whether an output of one type may go into an input of another; both may be "A,B" or "*"."""
    if "*" in (received, expected):
        return True
    return set(received.split(",")) <= set(expected.split(","))


def _convert(item: Input, inputs: dict[str, Any]) -> list[Problem]:
    value = inputs[item.name]
    if isinstance(value, dict) and "__value__" in value:
        value = inputs[item.name] = value["__value__"]
    conversion = _CONVERSIONS.get(item.type) if isinstance(item.type, str) else None
    if conversion is None:
        return []
    try:
        inputs[item.name] = conversion(value)
    except (TypeError, ValueError, OverflowError) as error:
        extra = {
            "input_name": item.name,
            "input_config": _config(None, item),
            "received_value": value,
            "exception_message": str(error),
        }
        return [
            problem(
                "invalid_input_type",
                f"Failed to convert an input value to a {item.type} value",
                f"{item.name}, {value}, {error}",
                extra,
            )
        ]
    return []


def _limits(node_type: NodeType, item: Input, value: Any) -> list[Problem]:
    config = _config(node_type, item)
    about = {"input_name": item.name, "input_config": config, "received_value": value}
    options = item.options
    if "min" in options and value < options["min"]:
        message = f"Value {value} smaller than min of {options['min']}"
        return [problem("value_smaller_than_min", message, item.name, about)]
    if "max" in options and value > options["max"]:
        message = f"Value {value} bigger than max of {options['max']}"
        return [problem("value_bigger_than_max", message, item.name, about)]
    # 0.3.64 checks only the older spelling of a list; a wrong choice of "COMBO" fails when the node runs.
    if isinstance(item.type, str) or node_type.combo_style != "list" or value in item.type:
        return []
    choices = list(item.type)
    long = len(choices) > LONG_LIST
    text = f"(list of length {len(choices)})" if long else str(choices)
    return [
        problem(
            "value_not_in_list",
            "Value not in list",
            f"{item.name}: '{value}' not in {text}",
            {**about, "input_config": None if long else config},
        )
    ]


def _config(node_type: NodeType | None, item: Input) -> list[Any]:
    options = dict(item.options)
    if isinstance(item.type, str):
        return [item.type, options]
    if node_type is not None and node_type.combo_style == "COMBO":
        return ["COMBO", {**options, "multiselect": False, "options": list(item.type)}]
    return [list(item.type), options]


def _traceback(error: Exception) -> list[str]:
    return traceback.format_tb(error.__traceback__)
