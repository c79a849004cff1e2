"""The server on real sockets, with plain nodes: what the recordings do not hold, and what must not break."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket
from PIL import Image

from comfyui_bridge.sandbox.faults import Answer, Delay, Faults, NodeFault
from comfyui_bridge.sandbox.thread import SandboxThread
from tests.sandbox.simple_nodes import SIMPLE_NODES

Graph = dict[str, Any]
SECONDS = 10.0


def picture(color: int = 1, **more: Any) -> Graph:
    inputs = {"width": 32, "height": 16, "batch_size": 1, "color": color, **more}
    return {"class_type": "EmptyImage", "inputs": inputs}


def simple(color: int = 1) -> Graph:
    return {
        "1": picture(color),
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }


def long(steps: int = 1000) -> Graph:
    return {
        "1": picture(),
        "2": {"class_type": "Steps", "inputs": {"image": ["1", 0], "steps": steps}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def server(faults: Faults) -> Iterator[SandboxThread]:
    with SandboxThread(SIMPLE_NODES, models={}, step_seconds=0.005, faults=faults) as running:
        yield running


def submit(server: SandboxThread, graph: Graph, **more: Any) -> str:
    answer = requests.post(f"{server.url}/prompt", json={"prompt": graph, **more}, timeout=SECONDS)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["prompt_id"])


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (result := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
    return result


def ended(server: SandboxThread, prompt_id: str) -> dict[str, Any]:
    address = f"{server.url}/history/{prompt_id}"
    body = until(lambda: requests.get(address, timeout=SECONDS).json(), "the history entry")
    return dict(body[prompt_id])


@contextlib.contextmanager
def connected(server: SandboxThread, client_id: str = "", **options: Any) -> Iterator[websocket.WebSocket]:
    address = f"{server.url.replace('http', 'ws', 1)}/ws?clientId={client_id or uuid.uuid4().hex}"
    opened = websocket.create_connection(address, timeout=SECONDS, **options)
    try:
        yield opened
    finally:
        opened.close()


def heard(opened: websocket.WebSocket, last: Callable[[dict[str, Any]], bool]) -> list[Any]:
    """Frames up to the first JSON one that `last` says yes to; pictures as bytes."""
    frames: list[Any] = []
    while True:
        frame = opened.recv()
        frames.append(frame if isinstance(frame, bytes) else json.loads(frame))
        if isinstance(frame, str) and last(frames[-1]):
            return frames


def finished(node_id: str) -> Callable[[dict[str, Any]], bool]:
    def matches(frame: dict[str, Any]) -> bool:
        nodes = frame["data"].get("nodes", {}) if frame["type"] == "progress_state" else {}
        return nodes.get(node_id, {}).get("state") == "finished"

    return matches


def over(frame: dict[str, Any]) -> bool:
    return frame["type"] == "executing" and frame["data"]["node"] is None


def started_and_stopped() -> tuple[float, float]:
    begin = time.perf_counter()
    server = SandboxThread(SIMPLE_NODES, models={}).start()
    started = time.perf_counter()
    server.stop()
    return started - begin, time.perf_counter() - started


class TestStartAndStop:
    def test_it_starts_and_stops_within_a_tenth_of_a_second(self) -> None:
        # The best of many: other work on the machine is not its fault.
        assert any(max(started_and_stopped()) < 0.1 for _ in range(30))

    def test_it_stops_in_time_with_a_prompt_running_and_sockets_open(self) -> None:
        server = SandboxThread(SIMPLE_NODES, models={}, step_seconds=5.0).start()
        with connected(server, "me") as opened:
            submit(server, long(), client_id="me")
            heard(opened, lambda frame: frame["type"] == "executing" and frame["data"]["node"] == "2")
            begin = time.perf_counter()
            server.stop()
            assert time.perf_counter() - begin < 4.0  # a step takes five
            # A server that dies closes without a closing frame: that is close code 1006.
            with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
                heard(opened, lambda frame: False)

    def test_a_temporary_folder_goes_with_the_server(self) -> None:
        with SandboxThread(SIMPLE_NODES, models={}) as server:
            root = server.folders.root
            ended(server, submit(server, simple()))
            assert list((root / "output").iterdir())
        assert not root.exists()

    def test_a_restart_keeps_saved_files_and_forgets_the_rest(self, tmp_path: Path) -> None:
        graph = {**simple(), "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
        with SandboxThread(SIMPLE_NODES, models={}, directory=tmp_path) as first:
            prompt_id = submit(first, graph)
            files = {
                file["type"]: file
                for output in ended(first, prompt_id)["outputs"].values()
                for file in output["images"]
            }
            port = first.port
        with SandboxThread(SIMPLE_NODES, models={}, directory=tmp_path, port=port) as second:
            assert second.url == first.url
            assert requests.get(f"{second.url}/history", timeout=SECONDS).json() == {}
            view = f"{second.url}/view"
            assert requests.get(view, params=files["output"], timeout=SECONDS).status_code == 200
            assert requests.get(view, params=files["temp"], timeout=SECONDS).status_code == 404
            number = requests.post(f"{second.url}/prompt", json={"prompt": graph}, timeout=SECONDS).json()
            assert number["number"] == 0

    def test_a_port_that_is_taken_is_an_error_for_the_caller(self, server: SandboxThread) -> None:
        with pytest.raises(OSError, match="address already in use"):
            SandboxThread(SIMPLE_NODES, models={}, port=server.port).start()


class TestExecution:
    def test_two_nodes_that_are_alike_run_once(self, server: SandboxThread) -> None:
        graph = {
            "1": picture(),
            "2": picture(),
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
            "4": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
        }
        with connected(server, "me") as opened:
            submit(server, graph, client_id="me")
            frames = heard(opened, over)
        ran = [frame["data"]["node"] for frame in frames if frame["type"] == "executing"]
        assert len(ran) == 4
        assert len({"1", "2"} & set(ran)) == 1

    def test_only_the_last_prompts_nodes_are_kept(self, server: SandboxThread) -> None:
        def cached(color: int) -> list[str]:
            entry = ended(server, submit(server, simple(color)))
            return list(dict(entry["status"]["messages"])["execution_cached"]["nodes"])

        assert cached(1) == []
        assert cached(1) == ["1", "2"]
        assert cached(2) == []
        assert cached(1) == []

    def test_a_long_chain_needs_no_recursion(self, server: SandboxThread) -> None:
        graph: Graph = {"0": picture()}
        for place in range(1, 400):
            graph[str(place)] = {"class_type": "ImageInvert", "inputs": {"image": [str(place - 1), 0]}}
        graph["end"] = {"class_type": "PreviewImage", "inputs": {"images": ["399", 0]}}
        assert ended(server, submit(server, graph))["status"]["completed"]

    def test_a_link_in_an_input_that_no_definition_knows_is_ignored(self, server: SandboxThread) -> None:
        graph = simple()
        graph["2"]["inputs"] |= {"extra": ["nowhere", 0], "more": 5}
        assert ended(server, submit(server, graph))["status"]["completed"]

    def test_an_unwrapped_list_that_looks_like_a_link_is_a_value(self, server: SandboxThread) -> None:
        graph = {"1": {"class_type": "PreviewAny", "inputs": {"source": {"__value__": ["7", 0]}}}}
        entry = ended(server, submit(server, graph))
        assert entry["outputs"] == {"1": {"text": ["['7', 0]"]}}

    def test_an_overwritten_input_file_is_read_again(self, server: SandboxThread) -> None:
        path = server.folders.directory("input") / "in.png"
        graph = {
            "1": {"class_type": "LoadImage", "inputs": {"image": "in.png"}},
            "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        }
        for color, cached in (("red", []), ("red", ["1", "2"]), ("blue", [])):
            Image.new("RGB", (8, 8), color).save(path)
            messages = dict(ended(server, submit(server, graph))["status"]["messages"])
            assert messages["execution_cached"]["nodes"] == cached

    def test_no_previews_when_they_are_off(self) -> None:
        with (
            SandboxThread(SIMPLE_NODES, models={}, previews=False) as server,
            connected(server, "me") as opened,
        ):
            submit(server, long(5), client_id="me")
            assert not [frame for frame in heard(opened, over) if isinstance(frame, bytes)]

    def test_an_error_of_the_sandbox_itself_ends_the_prompt_and_not_the_server(
        self, server: SandboxThread, caplog: pytest.LogCaptureFixture
    ) -> None:
        graph = {"1": {"class_type": "Broken", "inputs": {}}}
        with connected(server, "me") as opened:
            prompt_id = submit(server, graph, client_id="me")
            frames = heard(opened, over)
        assert "execution_error" in [frame["type"] for frame in frames]
        assert ended(server, prompt_id)["status"]["status_str"] == "error"
        assert ended(server, submit(server, simple()))["status"]["completed"]
        assert prompt_id in caplog.text

    def test_a_socket_is_answered_while_a_node_computes(self, server: SandboxThread) -> None:
        submit(server, long())
        taken = []
        for _ in range(20):
            begin = time.perf_counter()
            requests.get(f"{server.url}/queue", timeout=SECONDS)
            taken.append(time.perf_counter() - begin)
        assert sorted(taken)[10] < 0.5


class TestManyAndSlow:
    def test_a_socket_that_does_not_read_holds_up_nobody(self, server: SandboxThread) -> None:
        small = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)]
        with connected(server, sockopt=small) as slow, connected(server) as quick:
            # Without a client id previews go to all: more than the system buffers for one who takes nothing.
            prompt_id = submit(server, long(400))
            frames = heard(quick, finished("3"))
            assert ended(server, prompt_id)["status"]["completed"]
            assert sum(isinstance(frame, bytes) for frame in frames) == 400
            late = heard(slow, finished("3"))
            assert 0 < sum(isinstance(frame, bytes) for frame in late) < 400
            steps = [frame for frame in late if isinstance(frame, dict) and frame["type"] == "progress"]
            assert len(steps) == 400

    def test_fifty_sockets_all_hear_every_status(self, server: SandboxThread) -> None:
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(connected(server)) for _ in range(50)]
            for color in range(5):
                ended(server, submit(server, simple(color)))
            requests.post(f"{server.url}/queue", json={"clear": True}, timeout=SECONDS)
            for opened in sockets:
                # Statuses: on connecting, put, taken and done for each prompt, and the clearing.
                # Without a client id also four progress_state for each prompt's two nodes.
                frames = [json.loads(opened.recv()) for _ in range(1 + 5 * (3 + 4) + 1)]
                assert sum(frame["type"] == "status" for frame in frames) == 17

    def test_prompts_from_many_threads_all_run_once(self, server: SandboxThread) -> None:
        ids: list[str] = []

        def send(first: int) -> None:
            for place in range(10):
                ids.append(submit(server, simple(first + place)))

        threads = [threading.Thread(target=send, args=(number * 100,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for prompt_id in ids:
            assert ended(server, prompt_id)["status"]["completed"]
        assert len(list((server.folders.root / "output").iterdir())) == 40


class TestJobs:
    def test_a_job_that_is_cancelled_while_it_waits_leaves_no_trace(self, server: SandboxThread) -> None:
        running, waiting = submit(server, long()), submit(server, simple())
        jobs = f"{server.url}/api/jobs"

        def states() -> dict[str, str]:
            found = requests.get(jobs, timeout=SECONDS).json()["jobs"]
            return {job["id"]: job["status"] for job in found}

        until(lambda: states() == {running: "in_progress", waiting: "pending"}, "one at work, one waiting")
        assert requests.post(f"{jobs}/{waiting}/cancel", timeout=SECONDS).json() == {"cancelled": True}
        assert requests.get(f"{jobs}/{waiting}", timeout=SECONDS).status_code == 404
        assert requests.post(f"{jobs}/{running}/cancel", timeout=SECONDS).json() == {"cancelled": True}
        assert until(
            lambda: requests.get(f"{jobs}/{running}", timeout=SECONDS).json()["status"] == "cancelled",
            "the running job cancelled",
        )

    def test_jobs_are_not_to_be_had_without_api(self, server: SandboxThread) -> None:
        assert requests.get(f"{server.url}/jobs", timeout=SECONDS).status_code == 404


class TestFiles:
    def test_the_examples_are_there_when_they_are_first_asked_for(self, server: SandboxThread) -> None:
        info = requests.get(f"{server.url}/object_info/LoadImage", timeout=SECONDS).json()
        assert "example.png" in info["LoadImage"]["input"]["required"]["image"][0]
        query = {"filename": "example.png", "type": "input"}
        assert requests.get(f"{server.url}/view", params=query, timeout=SECONDS).status_code == 200

    def test_a_body_above_the_limit_is_refused(self) -> None:
        with SandboxThread(SIMPLE_NODES, models={}, max_upload_size=50_000) as server:
            answer = requests.post(
                f"{server.url}/upload/image", files={"image": ("big.png", b"x" * 60_000)}, timeout=SECONDS
            )
            assert answer.status_code == 413
            assert answer.text == "Maximum request body size 50000 exceeded."
            features = requests.get(f"{server.url}/features", timeout=SECONDS).json()
            assert features["max_upload_size"] == 50_000

    def test_a_name_that_no_disk_takes_is_not_found(self, server: SandboxThread) -> None:
        for name in ("x" * 5000, "a\0b", "CON:"):
            answer = requests.get(f"{server.url}/view", params={"filename": name}, timeout=SECONDS)
            assert answer.status_code == 404
        graph = {
            "1": {"class_type": "LoadImage", "inputs": {"image": "x" * 5000}},
            "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        }
        answer = requests.post(f"{server.url}/prompt", json={"prompt": graph}, timeout=SECONDS)
        (error,) = answer.json()["node_errors"]["1"]["errors"]
        assert error["type"] == "custom_validation_failed"

    def test_a_name_with_percent_words_is_filled_in(self, server: SandboxThread) -> None:
        graph = simple()
        graph["2"]["inputs"]["filename_prefix"] = "a/%width%x%height%_%year%_%what%"
        (file,) = ended(server, submit(server, graph))["outputs"]["2"]["images"]
        assert file["subfolder"] == "a"
        assert file["filename"] == f"32x16_{time.localtime().tm_year}_%what%_00001_.png"

    def test_numbers_go_on_from_the_highest(self, server: SandboxThread) -> None:
        (server.folders.root / "output/x_00041_.png").touch()
        (server.folders.root / "output/x_y_00099_.png").touch()
        (file,) = ended(server, submit(server, simple()))["outputs"]["2"]["images"]
        assert file["filename"] == "x_00042_.png"

    def test_userdata_is_kept_and_kept_inside(self, server: SandboxThread) -> None:
        base = f"{server.url}/userdata"
        put = requests.post(f"{base}/workflows%2Fa.json", data="{}", timeout=SECONDS)
        assert put.json() == "workflows/a.json"
        again = requests.post(f"{base}/workflows%2Fa.json?overwrite=false", data="1", timeout=SECONDS)
        assert again.status_code == 409
        assert requests.get(f"{base}?dir=workflows", timeout=SECONDS).json() == ["a.json"]
        assert requests.get(f"{base}/workflows%2Fa.json", timeout=SECONDS).text == "{}"
        outside = requests.get(f"{base}/..%2F..%2Finput%2Fx.png", timeout=SECONDS)
        assert outside.status_code == 403
        assert requests.delete(f"{base}/workflows%2Fa.json", timeout=SECONDS).status_code == 204

    def test_settings_are_kept(self, server: SandboxThread) -> None:
        requests.post(f"{server.url}/settings", json={"Comfy.A": 1}, timeout=SECONDS)
        requests.post(f"{server.url}/settings/Comfy.B", json="two", timeout=SECONDS)
        kept = requests.get(f"{server.url}/settings", timeout=SECONDS).json()
        assert kept == {"Comfy.A": 1, "Comfy.B": "two"}


class TestFaults:
    def test_a_socket_is_cut_after_so_many_frames(self, server: SandboxThread, faults: Faults) -> None:
        faults.drop_sockets_after = 4
        with connected(server, "me") as opened:
            prompt_id = submit(server, simple(), client_id="me")
            types = [json.loads(opened.recv())["type"] for _ in range(4)]
            assert types == ["status", "status", "status", "execution_start"]
            with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
                opened.recv()
        assert ended(server, prompt_id)["status"]["completed"]

    def test_silent_sockets_stay_open(self, server: SandboxThread, faults: Faults) -> None:
        with connected(server, "me") as opened:
            opened.recv()
            faults.silent_sockets = True
            ended(server, submit(server, simple(), client_id="me"))
            faults.silent_sockets = False
            requests.post(f"{server.url}/queue", json={"clear": True}, timeout=SECONDS)
            assert json.loads(opened.recv())["type"] == "status"

    def test_a_wrong_answer_is_given_as_often_as_asked(self, server: SandboxThread, faults: Faults) -> None:
        faults.answers.append(Answer("/history", status=502, times=2))
        address = f"{server.url}/api/history"
        statuses = [requests.get(address, timeout=SECONDS).status_code for _ in range(3)]
        assert statuses == [502, 502, 200]

    def test_a_route_is_late(self, server: SandboxThread, faults: Faults) -> None:
        faults.delays.append(Delay("/queue", 0.2, times=1))
        begin = time.perf_counter()
        requests.get(f"{server.url}/queue", timeout=SECONDS)
        assert time.perf_counter() - begin >= 0.2

    def test_a_lost_reply_leaves_the_prompt_queued(self, server: SandboxThread, faults: Faults) -> None:
        faults.lost_prompt_replies = 1
        prompt_id = str(uuid.uuid4())
        with pytest.raises(requests.ConnectionError):
            submit(server, simple(), prompt_id=prompt_id)
        assert ended(server, prompt_id)["status"]["completed"]
        assert submit(server, simple())

    def test_history_may_come_late(self, server: SandboxThread, faults: Faults) -> None:
        faults.history_delay = 0.3
        with connected(server, "me") as opened:
            prompt_id = submit(server, simple(), client_id="me")
            heard(opened, lambda frame: frame["type"] == "execution_success")
            assert requests.get(f"{server.url}/history/{prompt_id}", timeout=SECONDS).json() == {}
            heard(opened, over)
            assert requests.get(f"{server.url}/history/{prompt_id}", timeout=SECONDS).json()

    def test_a_silent_load_hears_an_interrupt_late(self, server: SandboxThread, faults: Faults) -> None:
        faults.model_load_seconds = 0.3
        with connected(server, "me") as opened:
            prompt_id = submit(server, long(), client_id="me")
            heard(opened, lambda frame: frame["type"] == "executing" and frame["data"]["node"] == "2")
            begin = time.perf_counter()
            requests.post(f"{server.url}/interrupt", json={"prompt_id": prompt_id}, timeout=SECONDS)
            heard(opened, lambda frame: frame["type"] == "execution_interrupted")
            assert time.perf_counter() - begin > 0.2

    def test_a_node_runs_out_of_memory(self, server: SandboxThread, faults: Faults) -> None:
        faults.nodes.append(NodeFault("SaveImage"))
        entry = ended(server, submit(server, simple()))
        report = dict(entry["status"]["messages"])["execution_error"]
        assert report["exception_type"] == "torch.OutOfMemoryError"
        assert report["node_id"] == "2"
        assert ended(server, submit(server, simple()))["status"]["completed"]

    def test_a_refused_socket(self, server: SandboxThread, faults: Faults) -> None:
        faults.refused_sockets = 1
        with pytest.raises(websocket.WebSocketBadStatusException), connected(server):
            pass
        with connected(server) as opened:
            assert opened.recv()

    def test_faults_are_set_from_another_process(self, server: SandboxThread, faults: Faults) -> None:
        address = f"{server.url}/sandbox/faults"
        changes = {"history_delay": 0.1, "answers": [{"path": "/queue", "status": 503}]}
        assert requests.post(address, json=changes, timeout=SECONDS).json()["history_delay"] == 0.1
        assert faults.answers == [Answer("/queue", status=503)]
        assert requests.get(f"{server.url}/queue", timeout=SECONDS).status_code == 503
        assert requests.post(address, json={"nonsense": 1}, timeout=SECONDS).status_code == 400
        requests.delete(address, timeout=SECONDS)
        assert faults == Faults()

    def test_without_faults_there_is_no_such_route(self) -> None:
        with SandboxThread(SIMPLE_NODES, models={}) as server:
            assert requests.get(f"{server.url}/sandbox/faults", timeout=SECONDS).status_code == 404
