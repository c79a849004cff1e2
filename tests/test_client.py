"""The public client, on a sandbox of plain nodes."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfyui_bridge import Client, ControlNet, Lora
from comfyui_bridge.client import Result, RunHandle
from comfyui_bridge.client.handle import UNREAD_PREVIEWS, UNREAD_TRANSIENT
from comfyui_bridge.core import workflow
from comfyui_bridge.core.errors import (
    BridgeError,
    Cancelled,
    InvalidValues,
    NodeFailed,
    NotApiFormat,
    OutOfMemory,
    Rejected,
    ServerError,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
)
from comfyui_bridge.core.events import (
    Event,
    NodeStarted,
    OutputReady,
    PreviewReady,
    ProgressMade,
    RunAccepted,
    RunCollected,
    RunStarted,
)
from comfyui_bridge.core.outputs import NodeOutput, OutputFile
from comfyui_bridge.core.run import Fault, Run, RunState
from comfyui_bridge.engine.batch import INSIDE, UNREAD
from comfyui_bridge.engine.follow import Timing
from comfyui_bridge.sandbox.faults import Faults, NodeFault
from comfyui_bridge.sandbox.node import Context, Input, NodeType
from comfyui_bridge.sandbox.node import Result as NodeResult
from comfyui_bridge.sandbox.thread import SandboxThread
from tests.client_graphs import failing, picture, refused
from tests.fakes.fake_server import FakeServer
from tests.fakes.http_script import HttpScript, answer
from tests.sandbox.simple_nodes import SIMPLE_NODES

DEADLINE = 30.0
SWIFT = Timing(silence=0.5, orphan=0.1, settle=0.05, absent=0.1)


class Seeded(NodeType):
    """Passes a picture on; has seeds of several ranges, and a -1 that is none."""

    class_type = "Seeded"
    inputs = (
        Input("image", "IMAGE"),
        Input("seed", "INT", {"default": 0, "min": 0, "max": 2**64 - 1, "control_after_generate": True}),
        Input("dice", "INT", {"default": 1, "min": 1, "max": 6, "control_after_generate": True}, "optional"),
        Input("layer", "INT", {"default": -1, "min": -24, "max": -1}, "optional"),
    )
    outputs = ("IMAGE",)

    def run(self, context: Context, **inputs: Any) -> NodeResult:
        return NodeResult((inputs["image"],))


NODES = {**SIMPLE_NODES, "Seeded": Seeded()}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def sandbox(faults: Faults) -> Iterator[SandboxThread]:
    with SandboxThread(NODES, step_seconds=0.01, faults=faults) as running:
        yield running


@pytest.fixture
def client(sandbox: SandboxThread) -> Iterator[Client]:
    with Client(sandbox.url, timing=SWIFT) as opened:
        yield opened


def seeded(**inputs: Any) -> dict[str, Any]:
    graph = picture()
    graph["2"] = {"class_type": "Seeded", "inputs": {"image": ["1", 0], **inputs}}
    graph["9"]["inputs"]["images"] = ["2", 0]
    return graph


# Running one.


def test_a_workflow_may_be_a_document_a_value_or_a_file(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "workflow_api.json"
    file.write_text(json.dumps(picture()), encoding="utf-8-sig")
    for source in (picture(), workflow.parse(picture()), file, str(file)):
        assert client.run(source, timeout=DEADLINE).ok


def test_a_result_has_all_that_came_of_the_run(client: Client, sandbox: SandboxThread) -> None:
    graph = picture(prefix="sub/fox")
    result = client.run(graph, timeout=DEADLINE)
    assert result.state is RunState.COMPLETED
    assert result.server == sandbox.url
    assert result.workflow.to_api() == graph
    assert [(file.filename, file.subfolder) for file in result.files] == [("fox_00001_.png", "sub")]
    assert result.seconds is not None
    assert result.error is None
    assert result.values == {}
    assert result.failure() is None


def test_texts_are_outputs_too(client: Client) -> None:
    graph = picture() | {"3": {"class_type": "PreviewAny", "inputs": {"source": "hello"}}}
    assert client.run(graph, timeout=DEADLINE).texts == ("hello",)


def test_events_come_typed_in_order_and_on_this_thread(client: Client) -> None:
    seen: list[Event] = []
    threads = set()

    def on_event(event: Event) -> None:
        seen.append(event)
        threads.add(threading.current_thread())

    client.run(picture(steps=5), timeout=DEADLINE, on_event=on_event)
    told = [RunStarted, NodeStarted, ProgressMade, PreviewReady, OutputReady, RunCollected]
    kinds = [kind for kind in dict.fromkeys(type(event) for event in seen) if kind in told]
    assert set(kinds) == set(told)
    assert kinds[0] is RunStarted
    assert kinds[-2:] == told[-2:]
    assert {RunAccepted} <= {type(event) for event in seen}
    assert threads == {threading.current_thread()}


def test_what_on_event_raises_comes_out_and_the_run_is_cancelled(client: Client) -> None:
    def on_event(event: Event) -> None:
        if isinstance(event, ProgressMade):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.run(picture(steps=1000), on_event=on_event)
    assert client.run(picture(), timeout=DEADLINE).ok  # the queue is free again


def test_too_long_is_cancelled_and_told(client: Client) -> None:
    with pytest.raises(TimedOut, match=r"0\.2 s"):
        client.run(picture(steps=1000), timeout=0.2)
    with pytest.raises(TimedOut):
        client.run(picture(steps=1000), timeout=0.2, on_event=lambda event: None)
    assert client.run(picture(), timeout=DEADLINE).ok


def test_a_handle_can_be_asked_waited_for_and_cancelled(client: Client) -> None:
    handle = client.submit(picture(steps=1000))
    assert isinstance(handle, RunHandle)
    next(event for event in handle.events() if isinstance(event, ProgressMade))
    assert handle.state is RunState.IN_PROGRESS
    assert not handle.wait(0)
    assert handle.run.progress.value >= 1
    handle.cancel()
    assert handle.wait(DEADLINE)
    handle.cancel()  # of what is over: nothing
    with pytest.raises(Cancelled):
        handle.result()
    assert handle.result(check=False).state is RunState.CANCELLED
    assert list(handle.events())
    assert list(handle.events()) == []


def test_a_prompt_id_is_enough_to_cancel(sandbox: SandboxThread, client: Client) -> None:
    with Client(sandbox.url) as other:
        running = other.submit(picture(steps=1000))
        client.cancel(running.prompt_id)
        with pytest.raises(Cancelled):
            running.result(DEADLINE)
    with HttpScript() as script:
        gone = script.url
    with Client([sandbox.url, gone]) as both:
        pending = both.submit(picture(steps=1000))
        with pytest.raises(Unreachable):
            both.cancel(pending.prompt_id)
        with pytest.raises(Cancelled):
            pending.result(DEADLINE)


def test_refused_with_the_node_and_nothing_left_behind(client: Client) -> None:
    with pytest.raises(Rejected, match="NoSuchNode"):
        client.run(refused())
    result = client.run(refused(), check=False)
    assert result.state is RunState.FAILED
    assert result.error is not None
    assert result.error.fault is Fault.REFUSED
    assert isinstance(result.failure(), Rejected)
    assert result.error.problems[0].node_id == "5"


def test_a_node_that_raises(client: Client, faults: Faults) -> None:
    faults.nodes.append(NodeFault("EmptyImage", "ValueError", "no color"))
    with pytest.raises(NodeFailed, match="EmptyImage: no color") as told:
        client.run(picture(), timeout=DEADLINE)
    assert told.value.node_id == "1"
    faults.nodes.append(NodeFault("EmptyImage"))
    with pytest.raises(OutOfMemory, match="smaller"):
        client.run(picture(), timeout=DEADLINE)


def test_outputs_made_before_a_failure_are_kept(client: Client, faults: Faults) -> None:
    faults.nodes.append(NodeFault("ImageInvert", "ValueError", "no"))
    graph = picture()
    graph["3"] = {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}
    graph["4"] = {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}}
    result = client.run(graph, timeout=DEADLINE, check=False)
    assert isinstance(result.failure(), NodeFailed)
    assert len(result.files) in (0, 1)  # which output node runs first is the server's to choose


def test_a_server_that_is_not_there() -> None:
    with HttpScript() as script:
        url = script.url
    client = Client(url)
    with pytest.raises(Unreachable, match="Nothing answers"):
        client.run(picture())
    result = client.run(picture(), check=False)
    assert result.error is not None
    assert result.error.fault is Fault.UNREACHABLE
    client.close()


def test_a_server_that_is_not_comfyui() -> None:
    with (
        HttpScript({"/ws": answer(404, b"nothing here", "text/html")}) as script,
        Client(script.url) as client,
        pytest.raises(UnexpectedAnswer, match="Check the address"),
    ):
        client.run(picture())


@pytest.mark.parametrize("url", ["", "ftp://x", []])
def test_an_address_that_is_none(url: Any) -> None:
    with pytest.raises(ServerError):
        Client(url)


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "no JSON"), ("[]", "a list"), ('{"nodes": [], "links": []}', "UI format"), ("{}", "no nodes")],
)
def test_a_file_that_is_no_workflow(client: Client, tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "w.json"
    file.write_text(content)
    with pytest.raises(NotApiFormat, match=words):
        client.run(file)


def test_dropped_outputs_are_told(client: Client) -> None:
    graph = picture()
    graph["5"] = {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}
    result = client.run(graph, timeout=DEADLINE)
    assert result.ok
    (warning,) = result.warnings
    assert "SaveImage (5)" in warning


def test_extra_pnginfo_is_kept_in_the_picture(sandbox: SandboxThread) -> None:
    with Client(sandbox.url) as client:
        handle = client.submit(picture(steps=200), extra_pnginfo={"workflow": {"id": "abc"}})
        next(event for event in handle.events() if isinstance(event, ProgressMade))
        from urllib.request import urlopen

        with urlopen(f"{sandbox.url}/queue", timeout=DEADLINE) as told:
            (item,) = json.load(told)["queue_running"]
        handle.cancel()
    assert item[3]["extra_pnginfo"] == {"workflow": {"id": "abc"}}


# Values and seeds.


@pytest.mark.parametrize("asked", [-1, "random"])
def test_a_random_seed_is_drawn_here_and_told(client: Client, asked: object) -> None:
    drawn = set()
    for _ in range(3):
        result = client.run(seeded(seed=asked), timeout=DEADLINE)
        (seed,) = result.values.values()
        assert result.workflow.node("2").inputs["seed"] == seed
        assert 0 <= seed < 2**53
        drawn.add(seed)
    assert len(drawn) == 3


def test_a_seed_is_drawn_in_its_inputs_range(client: Client) -> None:
    faces = {
        client.run(seeded(seed=1, dice=-1), timeout=DEADLINE).workflow.node("2").inputs["dice"]
        for _ in range(9)
    }
    assert faces <= set(range(1, 7))


def test_a_minus_one_that_is_no_seed_stays(client: Client) -> None:
    result = client.run(seeded(seed=5, layer=-1), timeout=DEADLINE)
    assert result.workflow.node("2").inputs == workflow.parse(seeded(seed=5, layer=-1)).node("2").inputs
    assert result.values == {}


def test_the_callers_own_workflow_is_never_changed(client: Client) -> None:
    graph = seeded(seed=-1)
    before = json.dumps(graph)
    client.run(graph, {"2.seed": 4}, timeout=DEADLINE)
    client.run(graph, timeout=DEADLINE)
    assert json.dumps(graph) == before


def test_values_go_by_node_and_input_and_only_they_change(client: Client) -> None:
    graph = seeded(seed=3)
    result = client.run(graph, {"1.width": "24", "2.seed": -1}, timeout=DEADLINE)
    sent = result.workflow.to_api()
    assert sent["1"]["inputs"].pop("width") == 24
    assert sent["2"]["inputs"].pop("seed") in result.values.values()
    del graph["1"]["inputs"]["width"], graph["2"]["inputs"]["seed"]
    assert sent == graph
    assert 24 in result.values.values()
    assert next(result.images()).size[0] == 24


def test_wrong_values_are_told_by_key_before_anything_is_sent(client: Client) -> None:
    with pytest.raises(InvalidValues) as told:
        client.run(picture(), {"1.width": "wide", "nonsense": 1})
    assert set(told.value.problems) == {"nonsense", "1.width"} or "nonsense" in told.value.problems


def test_a_path_as_a_value_is_uploaded(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "Füchslein 狐.png"
    Image.new("RGB", (12, 10), (250, 120, 3)).save(file)
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "up"}},
    }
    result = client.run(graph, {"1.image": file}, timeout=DEADLINE)
    assert next(result.images()).getpixel((1, 1)) == (250, 120, 3)
    name = client.upload(file)
    assert name == "Füchslein 狐.png"
    assert client.run(graph, {"1.image": name}, timeout=DEADLINE).ok


def test_loras_and_a_controlnet_are_values_too(tmp_path: Path) -> None:
    hint = tmp_path / "hint.png"
    Image.new("RGB", (64, 64), (250, 120, 3)).save(hint)
    graph = json.loads(Path("workflows/text-to-image.json").read_text("utf-8"))
    values = {
        "steps": 1,
        "loras": [Lora("sandbox-ink", 0.5), Lora("sandbox-film.safetensors")],
        "controlnet": ControlNet("sandbox-edges", hint, 0.7),
    }
    with SandboxThread() as sandbox, Client(sandbox.url) as client:
        result = client.run(graph, values, timeout=DEADLINE)
        with pytest.raises(InvalidValues, match=r"loras\.1: .*did you mean sandbox-ink.safetensors"):
            client.run(graph, {"loras": [Lora("sandbox-inc")]}, timeout=DEADLINE)
    first, second = result.workflow.of_class("LoraLoader")
    assert (first.inputs["lora_name"], first.inputs["strength_clip"]) == ("sandbox-ink.safetensors", 0.5)
    assert second.inputs["model"].node_id == first.node_id
    (loader,) = result.workflow.of_class("LoadImage")
    assert loader.inputs["image"] == "hint.png"


def test_the_definitions_can_be_asked_for(client: Client) -> None:
    assert "Seeded" in client.node_defs()
    assert client.probe()[0].is_sandbox


# Files.


def test_files_are_saved_whole_under_their_names_and_over_no_other(client: Client, tmp_path: Path) -> None:
    graph = picture()
    graph["1"]["inputs"]["batch_size"] = 3
    result = client.run(graph, timeout=DEADLINE)
    folder = tmp_path / "new" / "folder"
    first = result.save(folder)
    assert [path.name for path in first] == [f"client_0000{n}_.png" for n in (1, 2, 3)]
    assert first[0].read_bytes() == result.read(result.files[0])
    first[1].write_bytes(b"mine")
    second = result.save(str(folder))
    assert [path.name for path in second] == [f"client_0000{n}_ (1).png" for n in (1, 2, 3)]
    assert first[1].read_bytes() == b"mine"
    assert len(list(folder.iterdir())) == 6
    assert [image.size for image in result.images()] == [(16, 16)] * 3


class Torn:
    """A server whose files break off."""

    name = "http://torn:1"

    def fetch(self, file: OutputFile) -> Any:
        from contextlib import nullcontext

        def chunks() -> Iterator[bytes]:
            yield b"half"
            raise Unreachable("It broke.", server=self.name)

        return nullcontext(chunks())


def result_with(source: Any, *files: OutputFile) -> Result:
    outputs = (NodeOutput("9", files),)
    return Result("r", "p", RunState.COMPLETED, "s", workflow.Workflow({}), {}, outputs, source=source)


def test_a_half_file_never_stays(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        result_with(Torn(), OutputFile("a.png")).save(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("fox_00001_.png", "fox_00001_.png"),
        ("狐 fox.png", "狐 fox.png"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\evil.exe", "evil.exe"),
        ("/etc/cron.d/x", "x"),
        ("C:evil.png", "C_evil.png"),
        ("..", "file"),
        ("", "file"),
        (".bashrc", "bashrc"),
        ("a\0b\n<c>.png", "ab_c_.png"),
        ("CON.png", "_CON.png"),
        ("x" * 400 + ".png", "x" * 176 + ".png"),
        ("狐" * 200 + ".webp", "狐" * 58 + ".webp"),
    ],
)
def test_names_from_a_server_cannot_leave_the_folder(tmp_path: Path, told: str, kept: str) -> None:
    server = FakeServer()
    server._files[OutputFile(told)] = b"content"
    (path,) = result_with(server, OutputFile(told)).save(tmp_path)
    assert path.parent == tmp_path
    assert path.read_bytes() == b"content"


# Memory.


def test_events_nobody_reads_do_not_pile_up() -> None:
    handle = RunHandle(Run("r", "p", workflow.Workflow({}), 0.0), follower=None)  # type: ignore[arg-type]
    handle.told(handle.run, RunStarted("p"), False)
    for step in range(3000):
        handle.told(handle.run, ProgressMade("p", "3", step, 3000), False)
        handle.told(handle.run, PreviewReady(bytes(10), "image/jpeg", "p"), False)
    handle.told(handle.run, RunCollected("p", ()), True)
    events = list(handle.events())
    assert len(events) <= UNREAD_TRANSIENT + UNREAD_PREVIEWS + 2
    assert sum(isinstance(event, PreviewReady) for event in events) <= UNREAD_PREVIEWS
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunCollected)
    steps = [event.value for event in events if isinstance(event, ProgressMade)]
    assert steps[-1] == 2999


# Running many.


def test_many_end_as_they_come_with_their_index(client: Client) -> None:
    graphs = [picture(steps=n) for n in (3, 1, 2, 0, 1)]
    results = list(client.run_many(graphs))
    assert sorted(result.index for result in results) == [0, 1, 2, 3, 4]
    for result in results:
        assert result.ok
        assert result.workflow.to_api() == graphs[result.index]


def test_values_may_come_with_each(client: Client) -> None:
    graph = seeded(seed=1)
    results = list(client.run_many((graph, {"2.seed": seed}) for seed in (7, 8, 9)))
    assert {result.workflow.node("2").inputs["seed"] for result in results} == {7, 8, 9}


def test_a_failure_stays_with_its_item(client: Client, tmp_path: Path) -> None:
    items: list[Any] = [
        picture(),
        refused(),
        failing(),
        tmp_path / "missing.json",
        {"nodes": []},
        (picture(), {"nonsense": 1}),
        picture(),
    ]
    results = {result.index: result for result in client.run_many(items)}
    assert sorted(results) == list(range(7))
    assert results[0].ok
    assert results[6].ok
    for index in (1, 2, 3, 4, 5):
        assert results[index].state is RunState.FAILED
        error = results[index].error
        assert error is not None
        assert error.message
        assert isinstance(results[index].failure(), BridgeError)


def test_none_gives_none(client: Client) -> None:
    assert list(client.run_many([])) == []


def test_the_iterable_is_read_no_faster_than_it_is_needed(client: Client) -> None:
    taken = itertools.count()
    last = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal last
        for number in taken:
            last = number
            yield picture()

    running = client.run_many(endless())
    for done, result in enumerate(running, start=1):
        assert result.ok
        assert last + 1 <= done + UNREAD + INSIDE + 1
        if done == 150:
            break
    running.close()
    stopped = last
    assert client.run(picture(), timeout=DEADLINE).ok
    assert last == stopped


def test_what_the_iterable_raises_comes_out(client: Client) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield picture()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(client.run_many(broken()))


def test_closing_cancels_what_was_submitted(client: Client) -> None:
    graphs: Iterator[dict[str, Any]] = (picture(steps=0 if n == 0 else 1000) for n in itertools.count())
    running = client.run_many(graphs)
    next(running)
    running.close()
    deadline = time.monotonic() + DEADLINE
    while (queue := client.servers[0].queue()).running or queue.pending:
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_events_of_many_come_with_their_index_on_this_thread(client: Client) -> None:
    seen: list[tuple[int, Event]] = []
    threads = set()

    def on_event(index: int, run: Run, event: Event) -> None:
        seen.append((index, event))
        threads.add(threading.current_thread())
        assert run.prompt_id

    list(client.run_many([picture(steps=2), picture(steps=2)], on_event=on_event))
    assert {index for index, event in seen if isinstance(event, RunStarted)} == {0, 1}
    assert {index for index, event in seen if isinstance(event, RunCollected)} == {0, 1}
    assert threads == {threading.current_thread()}


def test_a_server_always_has_one_waiting_behind_the_running_one(
    sandbox: SandboxThread, client: Client
) -> None:
    most = 0
    for _ in client.run_many(picture(steps=5) for _ in range(8)):
        queue = client.servers[0].queue()
        most = max(most, len(queue.running) + len(queue.pending))
    assert most == INSIDE


def test_several_servers_share_the_work(sandbox: SandboxThread) -> None:
    with SandboxThread(NODES, step_seconds=0.01) as second, Client([sandbox.url, second.url]) as client:
        results = list(client.run_many(picture(steps=5) for _ in range(12)))
        assert {result.server for result in results} == {sandbox.url, second.url}
        assert all(result.ok for result in results)
        for result in results:
            assert next(result.images()).size == (16, 16)
        handles = [client.submit(picture(steps=20)) for _ in range(4)]
        assert sorted(handle.server for handle in handles) == sorted([sandbox.url, second.url] * 2)
        assert all(handle.result(DEADLINE).ok for handle in handles)


def test_a_server_out_of_reach_leaves_its_share_to_the_others(sandbox: SandboxThread) -> None:
    with HttpScript() as script:
        gone = script.url
    with Client([gone, sandbox.url]) as client:
        assert client.run(picture(), timeout=DEADLINE).server == sandbox.url
        results = list(client.run_many(picture() for _ in range(6)))
    assert [result.server for result in results] == [sandbox.url] * 6
    assert all(result.ok for result in results)


def test_a_batch_goes_on_when_one_of_its_servers_dies(sandbox: SandboxThread) -> None:
    second = SandboxThread(NODES, step_seconds=0.01).start()
    timing = Timing(silence=0.3, orphan=0.1, give_up=0.5, retry=(0.05,))
    with Client([sandbox.url, second.url], timing=timing) as client:
        results = []
        for result in client.run_many(picture(steps=5) for _ in range(20)):
            results.append(result)
            if len(results) == 4:
                second.stop()
    assert sorted(result.index for result in results) == list(range(20))
    failed = [result for result in results if not result.ok]
    assert len(failed) <= INSIDE
    for result in failed:
        assert result.error is not None
        assert result.error.fault in (Fault.LOST, Fault.UNREACHABLE)


def test_with_every_server_gone_the_rest_fails_and_ends() -> None:
    with HttpScript() as script:
        gone = script.url
    with Client(gone) as client:
        results = list(client.run_many([picture(), picture()], give_up_s=0.0))
    assert [result.error.fault for result in results if result.error] == [Fault.UNREACHABLE] * 2


# Importing.


def test_the_client_needs_neither_the_page_nor_pictures_nor_the_store() -> None:
    code = (
        "import sys; from comfyui_bridge import Client; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "requests" in loaded
    assert not {"gradio", "PIL", "numpy", "sqlalchemy", "alembic", "aiohttp", "starlette", "rich"} & set(
        loaded
    )


def test_importing_the_package_alone_loads_nothing_of_the_wire() -> None:
    code = "import sys, comfyui_bridge; print(comfyui_bridge.__version__, *sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "requests" not in loaded
    assert loaded[0][0].isdigit()


def test_the_public_names_are_there_and_no_others() -> None:
    import comfyui_bridge

    for name in comfyui_bridge.__all__:
        assert getattr(comfyui_bridge, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        comfyui_bridge.nonsense  # noqa: B018


def test_closing_leaves_no_thread(sandbox: SandboxThread) -> None:
    with Client(sandbox.url) as client:
        client.run(picture(), timeout=DEADLINE)
        list(client.run_many([picture()]))
        name = f"follower {sandbox.url}"
        assert any(thread.name == name for thread in threading.enumerate())
    alive = {thread.name for thread in threading.enumerate()}
    assert name not in alive
    assert f"batch {sandbox.url}" not in alive
