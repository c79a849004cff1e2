"""What every server behind the engine's port does, be it the fake, the sandbox or a real ComfyUI."""

from __future__ import annotations

import io
import json
import threading
import time
import uuid
from collections.abc import Iterator

import pytest
from PIL import Image

from comfyui_bridge.core import workflow
from comfyui_bridge.core.errors import Rejected, UnexpectedAnswer, Unreachable
from comfyui_bridge.core.events import (
    Event,
    NodesCached,
    NodeStarted,
    OutputReady,
    QueueChanged,
    RunEnded,
    RunInterrupted,
    RunStarted,
    RunSucceeded,
)
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.core.run import Run, RunState, apply, reconcile
from comfyui_bridge.core.server import HistoryEntry, OfferedTemplate, Outcome
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine.ports import Connection
from tests.contract.conftest import DEADLINE, Subject


@pytest.fixture
def connection(subject: Subject) -> Iterator[Connection]:
    opened = subject.server.connect()
    yield opened
    opened.close()


def new_id() -> str:
    return str(uuid.uuid4())


def until(connection: Connection, prompt_id: str, *kinds: type) -> list[Event]:
    """This prompt's events up to and with the first of these kinds."""
    deadline = time.monotonic() + DEADLINE
    seen: list[Event] = []
    while time.monotonic() < deadline:
        event = connection.next_event(1.0)
        if event is None or getattr(event, "prompt_id", None) != prompt_id:
            continue
        seen.append(event)
        if isinstance(event, kinds):
            return seen
    raise AssertionError(f"none of {kinds} came; seen: {seen}")


def run(subject: Subject, connection: Connection, graph: Workflow) -> tuple[str, list[Event], HistoryEntry]:
    prompt_id = new_id()
    subject.server.submit(graph, prompt_id, connection.client_id)
    events = until(connection, prompt_id, RunEnded)
    history = subject.server.history(prompt_id)
    assert history is not None
    return prompt_id, events, history


def test_it_says_who_it_is(subject: Subject) -> None:
    facts = subject.server.probe()
    assert facts.version
    assert facts.devices


def test_it_defines_the_nodes_it_runs(subject: Subject) -> None:
    definitions = subject.server.node_defs()
    assert "SaveImage" in definitions
    save = definitions.get("SaveImage")
    assert save is not None
    assert save.output_node


def test_each_connection_has_a_client_id_of_its_own(subject: Subject, connection: Connection) -> None:
    other = subject.server.connect()
    assert connection.client_id != other.client_id
    other.close()


def test_a_run_is_told_in_order_and_ends_with_its_history(subject: Subject, connection: Connection) -> None:
    prompt_id, events, history = run(subject, connection, subject.quick())
    kinds = [type(event) for event in events]
    assert kinds[0] is RunStarted
    assert kinds[1] is NodesCached
    assert kinds[-1] is RunEnded
    told = [NodeStarted, OutputReady, RunSucceeded, RunEnded]
    assert [kind for kind in dict.fromkeys(kinds) if kind in told] == told
    assert history.outcome is Outcome.SUCCESS
    (ready,) = [event for event in events if isinstance(event, OutputReady)]
    assert history.outputs == (ready.output,)
    assert ready.output.node_id == "save"
    assert prompt_id not in subject.server.queue()


def test_its_events_fold_into_a_completed_run(subject: Subject, connection: Connection) -> None:
    graph = subject.quick()
    prompt_id = new_id()
    state = Run("r", prompt_id, graph, created_at=0.0)
    state = apply(state, subject.server.submit(graph, prompt_id, connection.client_id), 1.0)
    assert state.server == subject.server.name
    for event in until(connection, prompt_id, RunEnded):
        state = apply(state, event, 2.0)
    for event in reconcile(state, subject.server.queue(), subject.server.history(prompt_id)):
        state = apply(state, event, 3.0)
    assert state.state is RunState.COMPLETED
    assert state.progress.overall == 1.0
    assert len(state.files) == 1


def test_its_files_are_fetched_whole_every_time(subject: Subject, connection: Connection) -> None:
    _, _, history = run(subject, connection, subject.quick())
    (file,) = history.outputs[0].files
    assert (file.type, file.subfolder) == ("output", "contract")
    contents = []
    for _ in range(2):
        with subject.server.fetch(file) as chunks:
            contents.append(b"".join(chunks))
    assert contents[0].startswith(b"\x89PNG")
    assert contents[0] == contents[1]


def test_a_file_it_does_not_have_is_an_error_that_names_it(subject: Subject) -> None:
    missing = pytest.raises(UnexpectedAnswer, match=r"nothing_00001_\.png")
    with missing as told, subject.server.fetch(OutputFile("nothing_00001_.png")) as chunks:
        list(chunks)
    assert told.value.status == 404


def test_the_same_workflow_again_is_served_from_the_cache(subject: Subject, connection: Connection) -> None:
    graph = subject.quick()
    _, _, first = run(subject, connection, graph)
    _, events, second = run(subject, connection, graph)
    (cached,) = [event for event in events if isinstance(event, NodesCached)]
    assert set(cached.node_ids) == set(graph.nodes)
    assert not any(isinstance(event, NodeStarted) for event in events)
    assert second.outputs == first.outputs


def test_freeing_its_memory_forgets_the_cache(subject: Subject, connection: Connection) -> None:
    graph = subject.quick()
    run(subject, connection, graph)
    subject.server.free()
    _, events, _ = run(subject, connection, graph)
    assert any(isinstance(event, NodeStarted) for event in events)


def test_an_unknown_class_is_refused_with_its_node(subject: Subject, connection: Connection) -> None:
    prompt_id = new_id()
    with pytest.raises(Rejected) as told:
        subject.server.submit(subject.refused(), prompt_id, connection.client_id)
    (problem,) = told.value.problems
    assert problem.node_id == "2"
    assert prompt_id not in subject.server.queue()
    assert subject.server.history(prompt_id) is None


def test_a_missing_input_is_refused_with_its_name(subject: Subject, connection: Connection) -> None:
    with pytest.raises(Rejected) as told:
        subject.server.submit(subject.incomplete(), new_id(), connection.client_id)
    (problem,) = told.value.problems
    assert (problem.node_id, problem.class_type, problem.input) == ("2", "ImageInvert", "image")
    assert problem.kind == "required_input_missing"


def test_runs_wait_in_the_order_they_came(subject: Subject, connection: Connection) -> None:
    first, second, third = (new_id() for _ in range(3))
    for prompt_id in (first, second, third):
        subject.server.submit(subject.slow(), prompt_id, connection.client_id)
    until(connection, first, NodeStarted)
    queue = subject.server.queue()
    assert queue.running == (first,)
    assert queue.pending == (second, third)
    assert queue.ahead(third) == 2
    for prompt_id in (third, second, first):
        subject.server.cancel(prompt_id)
    until(connection, first, RunEnded)


def test_cancelling_the_running_one_interrupts_it(subject: Subject, connection: Connection) -> None:
    prompt_id = new_id()
    subject.server.submit(subject.slow(), prompt_id, connection.client_id)
    until(connection, prompt_id, NodeStarted)
    subject.server.cancel(prompt_id)
    events = until(connection, prompt_id, RunEnded)
    assert any(isinstance(event, RunInterrupted) for event in events)
    history = subject.server.history(prompt_id)
    assert history is not None
    assert history.outcome is Outcome.INTERRUPTED
    assert prompt_id not in subject.server.queue()


def test_cancelling_a_pending_one_leaves_the_running_one_alone(
    subject: Subject, connection: Connection
) -> None:
    running, pending = new_id(), new_id()
    subject.server.submit(subject.slow(), running, connection.client_id)
    subject.server.submit(subject.slow(), pending, connection.client_id)
    until(connection, running, NodeStarted)
    subject.server.cancel(pending)
    queue = subject.server.queue()
    assert queue.running == (running,)
    assert pending not in queue
    assert subject.server.history(pending) is None
    subject.server.cancel(running)
    until(connection, running, RunEnded)


def test_cancelling_what_it_does_not_have_disturbs_nobody(subject: Subject, connection: Connection) -> None:
    finished, _, _ = run(subject, connection, subject.quick())
    running = new_id()
    subject.server.submit(subject.slow(), running, connection.client_id)
    until(connection, running, NodeStarted)
    for other in (finished, new_id()):
        subject.server.cancel(other)
    assert subject.server.queue().running == (running,)
    subject.server.cancel(running)
    until(connection, running, RunEnded)


def test_events_go_to_the_client_that_submitted(subject: Subject, connection: Connection) -> None:
    other = subject.server.connect()
    prompt_id = new_id()
    subject.server.submit(subject.quick(), prompt_id, connection.client_id)
    until(connection, prompt_id, RunEnded)
    heard = []
    while (event := other.next_event(0.2)) is not None:
        heard.append(event)
    other.close()
    assert heard
    assert all(isinstance(event, QueueChanged) for event in heard)


def test_an_uploaded_file_can_be_loaded_by_its_returned_name(
    subject: Subject, connection: Connection
) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (32, 32), (uuid.uuid4().int % 256, 20, 30)).save(picture, "PNG")
    picture.seek(0)
    name = subject.server.upload(picture, "Füchslein 狐.png")
    assert name.endswith(".png")
    assert "Füchslein 狐" in name
    graph = workflow.parse(
        {
            "1": {"class_type": "LoadImage", "inputs": {"image": name}},
            "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
            "3": {
                "class_type": "SaveImage",
                "inputs": {"images": ["2", 0], "filename_prefix": "contract/up"},
            },
        }
    )
    _, _, history = run(subject, connection, graph)
    assert history.outcome is Outcome.SUCCESS


def test_other_content_under_a_taken_name_gets_another(subject: Subject) -> None:
    stem = uuid.uuid4().hex
    first = subject.server.upload(io.BytesIO(b"one"), f"{stem}.png")
    again = subject.server.upload(io.BytesIO(b"one"), f"{stem}.png")
    other = subject.server.upload(io.BytesIO(b"two"), f"{stem}.png")
    assert first == again == f"{stem}.png"
    assert other != first


def test_there_is_no_history_of_what_it_never_ran(subject: Subject) -> None:
    assert subject.server.history(new_id()) is None


def test_closing_from_another_thread_ends_the_wait(subject: Subject) -> None:
    connection = subject.server.connect()
    told: list[Exception] = []

    def wait() -> None:
        try:
            while True:
                connection.next_event(DEADLINE)
        except Unreachable as error:
            told.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    connection.close()
    thread.join(DEADLINE)
    assert not thread.is_alive()
    assert len(told) == 1
    connection.close()


def test_a_closed_client_id_may_be_taken_up_again(subject: Subject) -> None:
    first = subject.server.connect()
    prompt_id = new_id()
    subject.server.submit(subject.slow(), prompt_id, first.client_id)
    until(first, prompt_id, NodeStarted)
    client_id = first.client_id
    first.close()
    second = subject.server.connect(client_id)
    assert second.client_id == client_id
    subject.server.cancel(prompt_id)
    until(second, prompt_id, RunEnded)
    second.close()


def test_choices_come_from_the_server_s_own_routes_and_from_nowhere_else(subject: Subject) -> None:
    listed = subject.server.choices("/internal/files/input")
    assert all(isinstance(name, str) for name in listed)
    for route in (
        "http://127.0.0.1:9/x",
        "//127.0.0.1:9/x",
        "internal/files/input",
        "/../x",
        "/no/such/route",
    ):
        with pytest.raises(UnexpectedAnswer):
            subject.server.choices(route)


def test_workflows_that_people_saved_are_listed_and_read(subject: Subject) -> None:
    path = f"bridge contract/{uuid.uuid4().hex} 狐 & 100%.json"
    assert path not in subject.server.saved_workflows()
    subject.save(path, b'{"nodes": [],  "links": []}')
    subject.save("bridge contract/notes.txt.json.bak", b"no workflow")
    listed = subject.server.saved_workflows()
    assert path in listed
    assert subject.server.saved_workflow(path) == b'{"nodes": [],  "links": []}'


def test_a_saved_workflow_that_is_gone_is_an_error_that_names_it(subject: Subject) -> None:
    for path in ("no such one.json", "../../../etc/passwd"):
        with pytest.raises(UnexpectedAnswer, match="has no workflow"):
            subject.server.saved_workflow(path)


def test_the_templates_it_offers_are_workflows(subject: Subject) -> None:
    offered = subject.server.offered_templates()
    assert len(set(offered)) == len(offered)
    for one in offered[:3]:
        assert one.title
        assert workflow.is_ui_format(json.loads(subject.server.offered_template(one)))
    for gone in (OfferedTemplate("no_such_one", "X"), OfferedTemplate("../index", "X", "../..")):
        with pytest.raises(UnexpectedAnswer, match="has no workflow X"):
            subject.server.offered_template(gone)
