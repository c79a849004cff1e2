"""What is behind an error: which field of the form, what the server has instead, and what helps."""

from __future__ import annotations

from typing import Any

import pytest

from comfyui_bridge.comfy import messages, rejection
from comfyui_bridge.core import explain, form, node_defs, template, workflow
from comfyui_bridge.core.errors import InputProblem
from comfyui_bridge.core.events import NodeRaised
from comfyui_bridge.core.explain import Advice, Wrong
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.run import Fault, Run, RunError, RunState, apply
from tests.comfy import recordings

CHECKPOINTS = ["sub dir/tiny_sd15_inpaint.safetensors", "tiny_sd15.safetensors"]
DOCUMENT: dict[str, Any] = {
    "4": {
        "class_type": "CheckpointLoaderSimple",
        "inputs": {"ckpt_name": "tiny_sd15.safetensors"},
        "_meta": {"title": "Load Checkpoint"},
    },
    "7": {"class_type": "PrimitiveInt", "inputs": {"value": 20}},
    "3": {"class_type": "KSampler", "inputs": {"steps": ["7", 0], "cfg": 8.0, "model": ["4", 0]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "a"}},
}
DEFINITIONS = {
    "CheckpointLoaderSimple": {
        "input": {"required": {"ckpt_name": [CHECKPOINTS]}},
        "output": ["MODEL"],
    },
    "PrimitiveInt": {"input": {"required": {"value": ["INT", {}]}}, "output": ["INT"]},
    "KSampler": {
        "input": {"required": {"steps": ["INT", {}], "cfg": ["FLOAT", {}], "model": ["MODEL"]}},
        "output": ["LATENT"],
    },
    "SaveImage": {
        "input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {}]}},
        "output": [],
        "output_node": True,
    },
}


@pytest.fixture(scope="module")
def made() -> Form:
    exposures = tuple(
        template.Exposure(node, name) for node, name in (("4", "ckpt_name"), ("7", "value"), ("3", "cfg"))
    )
    one = template.Template("t", "T", DOCUMENT, exposures=exposures)
    return form.make(one, node_defs.parse(DEFINITIONS))


def key(made: Form, node_id: str) -> str:
    return next(one.key for one in made.inputs if one.node_id == node_id)


def failed(error: RunError) -> Run:
    return Run("r", "p", workflow.parse(DOCUMENT), 1.0, state=RunState.FAILED, error=error)


def refused(kind: str, message: str, details: str, **facts: str) -> Run:
    node_id, name = facts.pop("node_id", "4"), facts.pop("input", "ckpt_name")
    problem = InputProblem(node_id, "K", kind, message, details, name, facts.pop("received", "x"))
    return failed(RunError(Fault.REFUSED, "No.", problems=(problem,)))


def test_a_choice_the_server_has_not_is_named_with_its_field_and_the_nearest(made: Form) -> None:
    details = f"ckpt_name: 'tiny_sd1.safetensors' not in {CHECKPOINTS}"
    run = refused("value_not_in_list", "Value not in list", details, received="tiny_sd1.safetensors")
    (one,) = explain.troubles(run, made)
    assert (one.wrong, one.key, one.node) == (Wrong.NOT_LISTED, key(made, "4"), "Load Checkpoint")
    assert (one.given, one.nearest) == ("tiny_sd1.safetensors", "tiny_sd15.safetensors")


def test_a_long_list_that_the_server_does_not_spell_out_is_taken_from_its_definitions(made: Form) -> None:
    problem = InputProblem(
        "4",
        "CheckpointLoaderSimple",
        "value_not_in_list",
        "Value not in list",
        "ckpt_name: 'tiny_sd1' not in (list of length 42)",
        "ckpt_name",
        "tiny_sd1",
    )
    run = failed(RunError(Fault.REFUSED, "No.", problems=(problem,)))
    assert explain.troubles(run, made)[0].nearest == "tiny_sd15.safetensors"
    assert explain.troubles(run, None)[0].nearest is None


@pytest.mark.parametrize(
    ("kind", "message", "wrong", "limit"),
    [
        ("value_smaller_than_min", "Value 0 smaller than min of 1", Wrong.TOO_SMALL, "1"),
        ("value_bigger_than_max", "Value 101.0 bigger than max of 100.0", Wrong.TOO_BIG, "100.0"),
        ("required_input_missing", "Required input is missing", Wrong.MISSING, ""),
        ("custom_validation_failed", "Custom validation failed for node", Wrong.OTHER, ""),
        ("something_new", "Odd", Wrong.OTHER, ""),
    ],
)
def test_what_is_wrong_with_a_value(made: Form, kind: str, message: str, wrong: Wrong, limit: str) -> None:
    run = refused(kind, message, "steps", node_id="3", input="steps", received="0")
    (one,) = explain.troubles(run, made)
    assert (one.wrong, one.limit) == (wrong, limit)
    assert one.key == key(made, "7"), "the form sets it by a value node"


def test_a_file_that_is_gone_is_marked_where_a_node_raises(made: Form) -> None:
    graph = workflow.parse(DOCUMENT).with_input("4", "ckpt_name", "tiny_sd14.safetensors")
    run = Run("r", "p", graph, 1.0)
    said = "[Errno 2] No such file or directory: '/models/tiny_sd14.safetensors'"
    run = apply(run, NodeRaised("p", "4", "CheckpointLoaderSimple", said, "FileNotFoundError"), 2.0)
    (one,) = explain.troubles(run, made)
    assert (one.wrong, one.key, one.nearest) == (Wrong.NOT_FOUND, key(made, "4"), "tiny_sd15.safetensors")


def test_a_letter_in_a_message_is_no_value_of_the_node(made: Form) -> None:
    raised = NodeRaised("p", "9", "SaveImage", "a is not allowed", "Exception")
    assert explain.troubles(apply(failed_not(), raised, 2.0), made) == ()


def test_a_loaders_file_is_marked_though_its_error_does_not_name_it(made: Form) -> None:
    said = "Error while deserializing header: HeaderTooLarge"
    raised = NodeRaised("p", "4", "CheckpointLoaderSimple", said, "SafetensorError")
    (one,) = explain.troubles(apply(failed_not(), raised, 2.0), made)
    assert (one.wrong, one.key, one.nearest) == (Wrong.OTHER, key(made, "4"), None)
    assert said in one.said


def failed_not() -> Run:
    return Run("r", "p", workflow.parse(DOCUMENT), 1.0)


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (77x2048 and 768x320)", Advice.MISMATCH),
        ("RuntimeError", "Error(s) in loading state_dict: size mismatch for proj.weight", Advice.MISMATCH),
        ("RuntimeError", "expected input[1, 4, 64, 64] to have 16 channels, but got 4", Advice.MISMATCH),
        ("SafetensorError", "Error while deserializing header: HeaderTooLarge", Advice.DAMAGED),
        ("RuntimeError", "ERROR: Could not detect model type of: /models/a.safetensors", Advice.DAMAGED),
        ("RuntimeError", "ERROR: clip input is invalid: None", Advice.WITHOUT_PART),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'x'", Advice.NO_FILE),
        ("OSError", "Truncated File Read", Advice.BAD_PICTURE),
        ("OSError", "[Errno 28] No space left on device", Advice.DISK),
        ("RuntimeError", "CUDA error: device-side assert triggered", Advice.DEVICE),
        ("Exception", "Unauthorized: Please login first to use this node.", Advice.SIGN_IN),
        ("ConnectionError", "HTTPSConnectionPool(...): Max retries exceeded", Advice.SERVICE),
        ("AttributeError", "'str' object has no attribute 'get_model_object'", None),
    ],
)
def test_what_helps_against_an_exception(kind: str, message: str, expected: Advice | None) -> None:
    run = apply(failed_not(), NodeRaised("p", "3", "KSampler", message, kind), 2.0)
    assert run.error is not None
    assert explain.advice(run.error) is expected
    assert run.error.said == f"{kind}: {message}"


def test_out_of_memory_keeps_the_servers_own_wording() -> None:
    raised = NodeRaised("p", "3", "KSampler", "Allocation on device 0 failed.", "torch.OutOfMemoryError")
    run = apply(failed_not(), raised, 2.0)
    assert run.error is not None
    assert "ran out of memory" in run.error.message
    assert run.error.said == "torch.OutOfMemoryError: Allocation on device 0 failed."
    assert explain.advice(run.error) is None, "the kind of error says it all"


def _recorded() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path in recordings.FILES:
        for line in recordings.lines(path):
            answer = line.get("json")
            if line["kind"] == "http_response" and isinstance(answer, dict) and answer.get("node_errors"):
                found.append((path.stem, answer))
    return found


@pytest.mark.parametrize(("name", "answer"), _recorded())
def test_every_recorded_refusal_that_names_an_input_is_explained(name: str, answer: dict[str, Any]) -> None:
    problems = rejection.problems(answer)
    run = failed(RunError(Fault.REFUSED, "No.", problems=problems))
    found = explain.troubles(run, None)
    assert {(one.node_id, one.input) for one in found} == {
        (problem.node_id, problem.input) for problem in problems if problem.input
    }
    for one in found:
        assert one.node
        assert one.said
        assert one.limit or one.wrong not in (Wrong.TOO_BIG, Wrong.TOO_SMALL)


def test_every_recorded_exception_is_read_without_a_form() -> None:
    raised = [
        messages.node_raised(message["data"])
        for path in recordings.FILES
        for message in recordings.messages(path)
        if message["type"] == "execution_error"
    ]
    assert raised
    for event in raised:
        run = apply(Run("r", event.prompt_id, workflow.parse(DOCUMENT), 1.0), event, 2.0)
        assert run.error is not None
        assert explain.advice(run.error) in (None, Advice.BAD_PICTURE)
        explain.troubles(run, None)
