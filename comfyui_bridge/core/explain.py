"""What is behind an error: which input of which node, what the server has instead, and what helps.

A server's own wording is kept beside it, for it names what this does not know. Wordings are those of
ComfyUI 0.3.64 and 0.33, and of PyTorch and safetensors below it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from comfyui_bridge.core.errors import InputProblem
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.inputs import unwrap
from comfyui_bridge.core.node_defs import ComboSpec, NodeDefs
from comfyui_bridge.core.reading import nearest
from comfyui_bridge.core.run import Fault, Run, RunError
from comfyui_bridge.core.tracing import Place
from comfyui_bridge.core.workflow import Link, Node


class Advice(str, Enum):
    """What may help, beside what the kind of error says by itself."""

    MISMATCH = "mismatch"
    """Models that were not made for each other."""
    DAMAGED = "damaged"
    """A model file that is incomplete, or none."""
    NO_FILE = "no_file"
    WITHOUT_PART = "without_part"
    """A checkpoint that lacks its text encoder or its VAE."""
    BAD_PICTURE = "bad_picture"
    DEVICE = "device"
    """The server's graphics card or its driver."""
    DISK = "disk"
    SIGN_IN = "sign_in"
    """A node that asks a service somebody must sign in to."""
    SERVICE = "service"
    """A node that asks a service which did not answer."""


class Wrong(str, Enum):
    """What is wrong with an input."""

    NOT_LISTED = "not_listed"
    NOT_FOUND = "not_found"
    TOO_SMALL = "too_small"
    TOO_BIG = "too_big"
    MISSING = "missing"
    OTHER = "other"


@dataclass(frozen=True)
class Trouble:
    """One input that is wrong."""

    node_id: str
    node: str
    """Its name."""
    input: str
    wrong: Wrong
    key: str = ""
    """Of the form's input that sets it; empty where the form has none."""
    given: str = ""
    nearest: Any = None
    limit: str = ""
    said: str = ""
    """In the server's words."""


def advice(error: RunError) -> Advice | None:
    """What helps against an error that a node raised; None where its wording is not known."""
    if error.fault is not Fault.NODE:
        return None
    told = f"{error.said or error.message}\n{error.traceback[-1] if error.traceback else ''}"
    return next((one for one, wording in _WORDINGS if wording.search(told)), None)


def says_what_to_do(error: RunError) -> bool:
    """Whether the sentence of a refusal ends with that by itself, as where a node's class is missing."""
    return not error.problems or all(problem.kind in _TOLD_WHOLE for problem in error.problems)


def troubles(run: Run, form: Form | None) -> tuple[Trouble, ...]:
    """The inputs that made a run fail, as far as the server or its error names them."""
    error = run.error
    if error is None:
        return ()
    if error.fault is Fault.REFUSED:
        found = [_refused(run, problem, form) for problem in error.problems if problem.input]
    elif error.fault is Fault.NODE:
        found = list(_raised(run, error, form))
    else:
        found = []
    return tuple(dict.fromkeys(found))


_TOLD_WHOLE = frozenset(
    (
        "missing_node_type",
        "invalid_prompt",
        "prompt_no_outputs",
        "prompt_outputs_failed_validation",
        "dependency_cycle",
        "exception_during_inner_validation",
        "exception_during_validation",
    )
)
"""Kinds of problems whose sentence says what to do."""
_TELLING = 4
"""A shorter text is in a message by chance."""
_OF_A_FILE = (Advice.NO_FILE, Advice.DAMAGED, Advice.WITHOUT_PART, Advice.BAD_PICTURE)

_WORDINGS = tuple(
    (one, re.compile(pattern, re.IGNORECASE))
    for one, pattern in (
        (Advice.SIGN_IN, r"unauthorized|please login|not logged in|api key"),
        (Advice.DISK, r"no space left on device|permission denied|read-only file system"),
        (Advice.DAMAGED, r"headertoolarge|invalidheader|header too |incomplete metadata|invalid load key"),
        (Advice.DAMAGED, r"could not detect model type|error while deserializing|unpicklingerror|eoferror"),
        (Advice.WITHOUT_PART, r"(clip|vae|model) input is invalid: none|does not contain a valid (clip|vae)"),
        (Advice.BAD_PICTURE, r"cannot identify image file|truncated file read|image file is truncated"),
        (Advice.NO_FILE, r"no such file or directory|filenotfounderror|invalid image file|model in folder"),
        (Advice.DEVICE, r"cuda error|no kernel image|not compiled with cuda|hip error|nvidia driver"),
        (Advice.MISMATCH, r"shapes? cannot be multiplied|size mismatch for|expected input.* channels"),
        (Advice.MISMATCH, r"the size of tensor a|sizes of tensors must match|all tensors to be on"),
        (Advice.SERVICE, r"connectionerror|max retries exceeded|timed out|name resolution"),
    )
)


def _refused(run: Run, problem: InputProblem, form: Form | None) -> Trouble:
    node = run.workflow.nodes.get(problem.node_id)
    wrong, limit = _kind(problem)
    options = _offered(problem.details) or _options(form, problem.class_type, problem.input)
    near = nearest(problem.received, options) if options and wrong is Wrong.NOT_LISTED else None
    return Trouble(
        problem.node_id,
        node.name if node else problem.class_type or problem.node_id,
        problem.input,
        wrong,
        _key(form, problem.node_id, problem.input),
        _short(problem.received),
        next((option for option in options if str(option) == near), None),
        limit,
        problem.details or problem.message,
    )


def _kind(problem: InputProblem) -> tuple[Wrong, str]:
    limit = problem.message.rpartition(" of ")[2] if " of " in problem.message else ""
    match problem.kind:
        case "value_not_in_list":
            return Wrong.NOT_LISTED, ""
        case "value_smaller_than_min":
            return Wrong.TOO_SMALL, limit
        case "value_bigger_than_max":
            return Wrong.TOO_BIG, limit
        case "required_input_missing":
            return Wrong.MISSING, ""
        case "custom_validation_failed" if "invalid" in problem.details.lower():
            return Wrong.NOT_FOUND, ""
    return Wrong.OTHER, ""


def _raised(run: Run, error: RunError, form: Form | None) -> Iterator[Trouble]:
    """The inputs of the node that raised that its error is about."""
    node = run.workflow.nodes.get(error.node_id)
    if node is None:
        return
    said, known = error.said or error.message, advice(error)
    texts = {name: value for name, value in _texts(node) if len(value) >= _TELLING}
    about = [name for name, value in texts.items() if value in said and "\n" not in value]
    if not about and known in _OF_A_FILE:
        # A loader's file need not be named: it has no other.
        chosen = [name for name in texts if _options(form, node.class_type, name)]
        about = chosen if len(chosen) == 1 else []
    for name in about:
        options = _options(form, node.class_type, name)
        is_gone = known is Advice.NO_FILE and texts[name] not in options
        near = nearest(texts[name], options) if is_gone else None
        yield Trouble(
            node.node_id,
            node.name,
            name,
            Wrong.NOT_FOUND if is_gone else Wrong.OTHER,
            _key(form, node.node_id, name),
            _short(texts[name]),
            next((option for option in options if str(option) == near), None),
            said=said,
        )


def _texts(node: Node) -> Iterator[tuple[str, str]]:
    for name, content in node.inputs.items():
        if isinstance(value := unwrap(content), str):
            yield name, value


def _offered(details: str) -> tuple[Any, ...]:
    """The choices in "name: 'x' not in ['a', 'b']"; none of "(list of length 40)"."""
    listed = details.partition(" not in ")[2]
    if not listed.startswith("["):
        return ()
    try:
        options = ast.literal_eval(listed)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    return tuple(options) if isinstance(options, list) else ()


def _options(form: Form | None, class_type: str, name: str) -> tuple[Any, ...]:
    node_defs: NodeDefs | None = form.node_defs if form else None
    definition = node_defs.input(class_type, name) if node_defs is not None else None
    spec = definition.spec if definition else None
    return spec.options if isinstance(spec, ComboSpec) else ()


def _key(form: Form | None, node_id: str, name: str) -> str:
    """The key of the form's input that sets this one."""
    if form is None:
        return ""
    place = Place(node_id, name)
    return next((one.key for one in form.inputs if place in one.places), "") or _fed(form, node_id, name)


def _fed(form: Form, node_id: str, name: str) -> str:
    """The key of the input that sets a value node which is linked to this one."""
    node: Node | None = form.workflow.nodes.get(node_id)
    content = node.inputs.get(name) if node else None
    if not isinstance(content, Link):
        return ""
    source = form.workflow.nodes.get(content.node_id)
    if source is None or len(source.inputs) != 1:
        return ""
    place = Place(source.node_id, next(iter(source.inputs)))
    return next((one.key for one in form.inputs if place in one.places), "")


def _short(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
