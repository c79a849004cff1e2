"""Why a server refused a workflow, or dropped some of its outputs: its error bodies as core types.

0.3.64 and 0.33.0 name the same things differently (`invalid_prompt`, `missing_node_type`); both are read.
`sentence` says the first things that are wrong in plain words, with the titles people know nodes by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from comfyui_bridge.core.errors import InputProblem
from comfyui_bridge.core.workflow import Workflow

_SAID_IN_FULL = 3
_NODE_IN_DETAILS = re.compile(r"#(.+?)'?$")


def problems(body: object) -> tuple[InputProblem, ...]:
    """What a body says is wrong: one entry an error of `node_errors`, else the error as a whole."""
    if not isinstance(body, dict):
        return ()
    found = tuple(node_problems(body.get("node_errors")))
    if found:
        return found
    error = body.get("error")
    if isinstance(error, str):
        return (InputProblem("", "", "", error[:2000]),)
    return (_whole_problem(error),) if isinstance(error, dict) else ()


def node_problems(node_errors: object) -> Iterator[InputProblem]:
    """The entries of `node_errors`, which a 200 may have too: outputs the server dropped."""
    for node_id, entry in node_errors.items() if isinstance(node_errors, dict) else ():
        errors = entry.get("errors") if isinstance(entry, dict) else None
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, dict):
                yield _problem(str(node_id), _text(entry.get("class_type")), error)


def sentence(workflow: Workflow, found: tuple[InputProblem, ...]) -> str:
    """One or a few sentences for people, one a line."""
    if not found:
        return "The server refused the workflow without saying why; its own log may tell."
    said = [" ".join(_plain(workflow, problem).split()) for problem in found[:_SAID_IN_FULL]]
    if len(found) > _SAID_IN_FULL:
        said.append(f"{len(found) - _SAID_IN_FULL} more things are wrong.")
    return "\n".join(said)


def _whole_problem(error: Mapping[str, Any]) -> InputProblem:
    extra = error.get("extra_info")
    extra = extra if isinstance(extra, dict) else {}
    details = _text(error.get("details"))
    named = _NODE_IN_DETAILS.search(details) if "Node ID" in details else None
    return InputProblem(
        node_id=_text(extra.get("node_id")) or (named.group(1) if named else ""),
        class_type=_text(extra.get("class_type")),
        kind=_text(error.get("type")),
        message=_text(error.get("message"))[:2000],
        details=details[:2000],
    )


def _problem(node_id: str, class_type: str, error: Mapping[str, Any]) -> InputProblem:
    extra = error.get("extra_info")
    extra = extra if isinstance(extra, dict) else {}
    kind = _text(error.get("type"))
    # Here input_name is that of the node downstream, not of the one that is wrong (0.3.64).
    name = "" if kind == "exception_during_inner_validation" else _text(extra.get("input_name"))
    received = extra.get("received_value", extra.get("received_type"))
    return InputProblem(
        node_id=node_id,
        class_type=class_type,
        kind=kind,
        message=_text(error.get("message"))[:2000],
        details=_text(error.get("details"))[:2000],
        input=name,
        received="" if received is None else str(received)[:2000],
    )


def _plain(workflow: Workflow, problem: InputProblem) -> str:
    where, name, given = _where(workflow, problem), problem.input, _short(problem.received)
    match problem.kind:
        case "missing_node_type" | "invalid_prompt" if problem.node_id:
            node = workflow.nodes.get(problem.node_id)
            wanted = problem.class_type or (node.class_type if node else "")
            if not wanted:
                return f"{where}: it has no class_type. Export the workflow anew."
            return (
                f"{where}: the server has no node of class {wanted}. "
                "Install the extension that brings it, or use another workflow."
            )
        case "prompt_no_outputs":
            return (
                "The workflow has no output node; add one that saves or shows something, as Save Image does."
            )
        case "prompt_outputs_failed_validation":
            # 0.3.64 says no more than this where the links go round in a circle.
            return "The workflow: no output node of it can run; its links may lead round in a circle."
        case "required_input_missing":
            return f"{where}: the input {name} is missing."
        case "value_smaller_than_min" | "value_bigger_than_max":
            return f"{where}: {name} is out of range: {_lower(problem.message)}."
        case "value_not_in_list":
            return f"{where}: the server has no {name} called {given or 'that'}{_offered(problem.details)}."
        case "invalid_input_type":
            return f"{where}: {name} cannot be {given or 'empty'} ({_lower(problem.message)})."
        case "return_type_mismatch":
            return f"{where}: {name} is linked to an output of another type ({problem.details})."
        case "dependency_cycle":
            return f"{where}: its inputs lead back to itself; break the circle of links."
        case "custom_validation_failed":
            return f"{where}: {problem.details or problem.message}."
        case "exception_during_inner_validation" | "exception_during_validation":
            return f"{where}: the server could not check it ({problem.details}); look for a broken link."
    what = problem.message.rstrip(".") or "the server refused it"
    return f"{where}: {what}{f' ({problem.details})' if problem.details else ''}."


def _offered(details: str) -> str:
    """What the server has instead, from "name: 'x' not in ['a', 'b']", or "(list of length 40)" of many."""
    listed = details.partition(" not in ")[2]
    if not listed or listed.startswith("(list"):
        return ""
    names = listed.strip("[]").replace("'", "")
    return f"; it has {_short(names, 200)}" if names else ", nor any other"


def _where(workflow: Workflow, problem: InputProblem) -> str:
    node = workflow.nodes.get(problem.node_id)
    name = node.name if node else problem.class_type
    if not problem.node_id:
        return name or "The workflow"
    return f"{name} (node {problem.node_id})" if name else f"Node {problem.node_id}"


def _lower(words: str) -> str:
    return (words[:1].lower() + words[1:]).rstrip(".")


def _short(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
