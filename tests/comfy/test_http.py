"""Every way an HTTP request can fail, and the error of ours each becomes."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from comfyui_bridge.comfy import download, http
from comfyui_bridge.comfy.http import Timeouts
from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.core import workflow
from comfyui_bridge.core.errors import (
    AnswerLost,
    Lost,
    Rejected,
    ServerError,
    Unauthorised,
    UnexpectedAnswer,
    Unreachable,
)
from comfyui_bridge.core.outputs import OutputFile
from tests.fakes.http_script import SYSTEM_STATS, HttpScript, Request, answer

P = "0d0b886e-22f8-411b-8174-494769303786"
GRAPH = workflow.parse({"1": {"class_type": "SaveImage", "inputs": {}, "_meta": {"title": "Save"}}})
IMPATIENT = Timeouts(connect=2.0, answer=0.3, whole=1.0)
PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
OWN_500 = b"500 Internal Server Error\n\nServer got itself in trouble"


@pytest.fixture
def script() -> Iterator[HttpScript]:
    with HttpScript() as running:
        yield running


@pytest.fixture
def server(script: HttpScript) -> Iterator[ComfyServer]:
    opened = ComfyServer(script.url, timeouts=IMPATIENT)
    yield opened
    opened.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


STATUSES: list[tuple[bytes, type[ServerError], str]] = [
    (answer(401, b"no"), Unauthorised, "user and password"),
    (answer(403, b""), Unauthorised, "403 Forbidden"),
    (answer(407, b""), Unauthorised, "407"),
    (answer(404, b"", "application/octet-stream"), UnexpectedAnswer, "not as ComfyUI does"),
    (answer(418, b""), UnexpectedAnswer, "not as ComfyUI does"),
    (answer(500, OWN_500, "text/plain"), UnexpectedAnswer, "its own log"),
    (answer(500, PAGE, "text/html"), UnexpectedAnswer, "not ComfyUI's"),
    (answer(502, PAGE, "text/html"), Unreachable, "502 Bad Gateway"),
    (answer(503, PAGE, "text/html"), Unreachable, "503"),
    (answer(504, PAGE, "text/html"), Unreachable, "504"),
    (answer(599, PAGE, "text/html"), UnexpectedAnswer, "599"),
    (
        answer(302, b"", headers={"Location": "https://login.example.com/?to=x"}),
        UnexpectedAnswer,
        "login.exam",
    ),
    (answer(301, b"", headers={"Location": "/elsewhere"}), UnexpectedAnswer, "another page"),
    (answer(200, PAGE, "text/html"), UnexpectedAnswer, "not as ComfyUI does"),
    (answer(200, {"hello": "I am another server"}), UnexpectedAnswer, "not as ComfyUI does"),
    (answer(200, b"[" * 100_000), UnexpectedAnswer, "not as ComfyUI does"),
    (answer(200, b"", length=100), Unreachable, "broke"),
    (answer(200, b'{"system": ', length=100), Unreachable, "broke"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", Unreachable, "broke"),
    (b"", Unreachable, "broke"),
    (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n", Unreachable, "broke"),
    (answer(200, b"\x1f\x8bnot gzip", headers={"Content-Encoding": "gzip"}), Unreachable, "broke"),
]


@pytest.mark.parametrize(("reply", "kind", "words"), STATUSES)
def test_an_answer_that_is_not_comfyuis(
    script: HttpScript, server: ComfyServer, reply: bytes, kind: type[ServerError], words: str
) -> None:
    script.replies["/system_stats"] = reply
    with pytest.raises(kind, match=words) as told:
        server.probe()
    assert told.value.server == script.url
    assert script.url in str(told.value)


def test_an_answer_of_comfyui(script: HttpScript, server: ComfyServer) -> None:
    script.replies["/system_stats"] = answer(200, SYSTEM_STATS)
    assert server.probe().version == "0.3.64"


def test_nothing_listens() -> None:
    with pytest.raises(Unreachable, match="Nothing answers") as told:
        ComfyServer(f"http://127.0.0.1:{free_port()}").probe()
    assert not isinstance(told.value, AnswerLost)


def test_there_is_no_such_host() -> None:
    with pytest.raises(Unreachable, match="no host") as told:
        ComfyServer("http://no-such-host.invalid:8188", timeouts=IMPATIENT).probe()
    assert not isinstance(told.value, AnswerLost)


def test_a_server_that_says_nothing(script: HttpScript, server: ComfyServer) -> None:
    def silent(request: Request) -> Iterator[bytes]:
        script.wait(30)
        yield b""

    script.replies["/system_stats"] = silent
    with pytest.raises(AnswerLost, match="in time"):
        server.probe()


def test_a_server_that_dribbles(script: HttpScript, server: ComfyServer) -> None:
    def dribble(request: Request) -> Iterator[bytes]:
        yield answer(200, b"{", length=1_000_000)
        for _ in range(300):
            script.wait(0.1)
            yield b" " * 70_000

    script.replies["/system_stats"] = dribble
    with pytest.raises(AnswerLost, match="still answering"):
        ComfyServer(script.url, timeouts=Timeouts(whole=0.2)).probe()


def test_an_endless_answer_is_not_read_to_its_end(
    script: HttpScript, server: ComfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LARGEST_BODY", 1_000_000)
    script.replies["/system_stats"] = answer(200, b" " * 3_000_000)
    with pytest.raises(UnexpectedAnswer, match="more than"):
        server.probe()


def test_https_where_http_is_spoken(script: HttpScript) -> None:
    with pytest.raises(Unreachable, match="certificate"):
        ComfyServer(script.url.replace("http:", "https:"), timeouts=IMPATIENT).probe()


def test_credentials_go_with_every_request_and_into_no_message(script: HttpScript) -> None:
    server = ComfyServer(script.url.replace("//", "//me:hunter2@"), headers={"X-Team": "art"})
    with pytest.raises(UnexpectedAnswer) as told:
        server.probe()
    (request,) = script.requests
    assert request.headers["authorization"] == "Basic bWU6aHVudGVyMg=="
    assert request.headers["x-team"] == "art"
    assert "origin" not in request.headers
    for shown in (str(told.value), repr(told.value), server.name, repr(server)):
        assert "hunter2" not in shown
        assert "bWU6" not in shown


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    script: HttpScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "example.com")
    script.replies["/system_stats"] = answer(200, SYSTEM_STATS)
    assert ComfyServer(script.url).probe().version


def test_api_at_the_end_stands_before_every_route(script: HttpScript) -> None:
    script.replies["/comfy/api/system_stats"] = answer(200, SYSTEM_STATS)
    server = ComfyServer(f"{script.url}/comfy/api")
    assert server.probe().version
    with pytest.raises(ServerError):
        server.cancel(P)
    assert script.requests[-2].target == f"/comfy/api/jobs/{P}/cancel"


def test_jobs_are_asked_under_api_and_older_servers_by_queue_and_interrupt(
    script: HttpScript, server: ComfyServer
) -> None:
    script.replies[f"/api/jobs/{P}/cancel"] = answer(405, b"405: Method Not Allowed", "text/plain")
    script.replies["/interrupt"] = answer(200, b"")
    states: list[Any] = [{"queue_running": [[0, P]], "queue_pending": []}]
    script.replies["/queue"] = lambda r: (answer(200, states[-1] if r.method == "GET" else b""),)
    server.cancel(P)
    assert [request.route for request in script.requests[1:]] == ["/queue", "/queue", "/interrupt"]
    assert json.loads(script.requests[1].body) == {"delete": [P]}
    assert json.loads(script.requests[3].body) == {"prompt_id": P}
    states.append({"queue_running": [[0, "another's"]], "queue_pending": []})
    server.cancel(P)
    assert len(script.asked("/interrupt")) == 1


def test_a_newer_server_cancels_by_one_request(script: HttpScript, server: ComfyServer) -> None:
    script.replies[f"/api/jobs/{P}/cancel"] = answer(200, {"cancelled": True})
    server.cancel(P)
    assert len(script.requests) == 1


# Submitting.


def accepted(prompt_id: str = P, **more: Any) -> bytes:
    return answer(200, {"prompt_id": prompt_id, "number": 3, "node_errors": {}, **more})


def test_what_is_submitted(script: HttpScript, server: ComfyServer) -> None:
    script.replies["/prompt"] = accepted()
    seed = 2**64 - 1
    graph = GRAPH.with_input("1", "seed", seed).with_input("1", "text", "猫 \ud800")
    taken = server.submit(graph, P, "client", extra_pnginfo={"workflow": {"nodes": []}})
    assert (taken.prompt_id, taken.server, taken.number) == (P, script.url, 3)
    body = json.loads(script.requests[0].body)
    assert body["prompt"]["1"]["inputs"] == {"seed": seed, "text": "猫 \ud800"}
    assert body["prompt_id"] == P
    assert body["client_id"] == "client"
    assert body["extra_data"] == {"extra_pnginfo": {"workflow": {"nodes": []}}}
    assert "origin" not in script.requests[0].headers


def test_an_older_servers_own_id_is_told(script: HttpScript, server: ComfyServer) -> None:
    script.replies["/prompt"] = accepted("minted")
    assert server.submit(GRAPH, P, "client").prompt_id == "minted"


def test_dropped_outputs_of_a_200_are_told(script: HttpScript, server: ComfyServer) -> None:
    errors = {"1": {"class_type": "SaveImage", "errors": [{"type": "t", "message": "m", "details": "d"}]}}
    script.replies["/prompt"] = accepted(node_errors=errors)
    (problem,) = server.submit(GRAPH, P, "client").problems
    assert (problem.node_id, problem.kind, problem.details) == ("1", "t", "d")


def test_a_refusal_names_the_node_by_its_title(script: HttpScript, server: ComfyServer) -> None:
    error = {"type": "required_input_missing", "message": "m", "extra_info": {"input_name": "images"}}
    body = {"error": {"type": "x"}, "node_errors": {"1": {"class_type": "SaveImage", "errors": [error]}}}
    script.replies["/prompt"] = answer(400, body)
    with pytest.raises(Rejected, match=r"Save \(node 1\): the input images is missing\.") as told:
        server.submit(GRAPH, P, "client")
    assert told.value.problems[0].input == "images"


LOST: list[bytes] = [
    b"",
    b"HTTP/1.1 200 OK\r\nContent-Le",
    answer(502, PAGE),
    answer(200, PAGE),
    answer(500, PAGE),
]


@pytest.mark.parametrize("reply", LOST)
@pytest.mark.parametrize("where", ["queue_running", "queue_pending", "history"])
def test_a_lost_answer_is_looked_up(
    script: HttpScript, server: ComfyServer, reply: bytes, where: str
) -> None:
    script.replies["/prompt"] = reply
    queue: dict[str, Any] = {"queue_running": [], "queue_pending": []}
    entry: dict[str, Any] = {}
    if where == "history":
        entry = {P: {"outputs": {}, "status": {"status_str": "success", "messages": []}}}
    else:
        queue[where] = [[0, P, {}, {}, []]]
    script.replies["/queue"] = answer(200, queue)
    script.replies[f"/history/{P}"] = answer(200, entry)
    assert server.submit(GRAPH, P, "client").prompt_id == P
    assert len(script.asked("/prompt")) == 1


def test_a_prompt_that_shows_late_is_found(script: HttpScript, server: ComfyServer) -> None:
    looks = []

    def queue(request: Request) -> Iterator[bytes]:
        looks.append(request)
        running = [[0, P]] if len(looks) > 1 else []
        yield answer(200, {"queue_running": running, "queue_pending": []})

    script.replies |= {"/prompt": b"", "/queue": queue, f"/history/{P}": answer(200, {})}
    assert server.submit(GRAPH, P, "client").prompt_id == P
    assert len(script.asked("/prompt")) == 1


def test_a_lost_answer_that_nothing_shows_is_lost_and_not_sent_again(
    script: HttpScript, server: ComfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comfyui_bridge.comfy.server.LOOK_PAUSES", (0.0, 0.0))
    script.replies["/prompt"] = b""
    script.replies["/queue"] = answer(200, {"queue_running": [], "queue_pending": []})
    script.replies[f"/history/{P}"] = answer(200, {})
    with pytest.raises(Lost, match="Run it again"):
        server.submit(GRAPH, P, "client")
    assert len(script.asked("/prompt")) == 1
    assert len(script.asked("/queue")) == 3


def test_a_lost_answer_that_nobody_can_ask_about_stays_open(
    script: HttpScript, server: ComfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comfyui_bridge.comfy.server.LOOK_PAUSES", (0.0, 0.0))
    script.replies["/prompt"] = answer(504, PAGE)
    script.replies["/queue"] = answer(502, PAGE)
    with pytest.raises(AnswerLost):
        server.submit(GRAPH, P, "client")
    assert len(script.asked("/prompt")) == 1


def test_a_submission_that_never_left_is_no_lost_answer() -> None:
    with pytest.raises(Unreachable) as told:
        ComfyServer(f"http://127.0.0.1:{free_port()}").submit(GRAPH, P, "client")
    assert not isinstance(told.value, AnswerLost)


def test_comfyuis_own_500_means_that_it_took_nothing(script: HttpScript, server: ComfyServer) -> None:
    script.replies["/prompt"] = answer(500, OWN_500, "text/plain")
    with pytest.raises(UnexpectedAnswer, match="its own log"):
        server.submit(GRAPH, P, "client")
    assert len(script.requests) == 1


# Uploading.


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("fox.png", "fox.png"),
        ("Füchslein 狐 (1).png", "Füchslein 狐 (1).png"),
        ('a "b"\r\nX: y.png', "a _b___X: y.png"),
        ("C:\\pictures\\fox.png", "fox.png"),
        ("../../etc/passwd", "passwd"),
        ("a..b.png", "a.b.png"),
        ("...", "upload"),
        ("", "upload"),
        ("x" * 300 + ".png", "x" * 196 + ".png"),
    ],
)
def test_an_uploads_name_arrives_as_utf_8_and_alone(
    script: HttpScript, server: ComfyServer, given: str, sent: str
) -> None:
    script.replies["/upload/image"] = answer(200, {"name": "given (1).png", "subfolder": "", "type": "input"})
    assert server.upload(io.BytesIO(b"content"), given) == "given (1).png"
    body = script.requests[0].body
    assert f'name="image"; filename="{sent}"\r\n'.encode() in body
    assert b"\r\n\r\ncontent\r\n--" in body
    assert script.requests[0].headers["content-length"] == str(len(body))


def test_an_uploads_subfolder_is_part_of_its_value(script: HttpScript, server: ComfyServer) -> None:
    script.replies["/upload/image"] = answer(200, {"name": "a.png", "subfolder": "sub", "type": "input"})
    assert server.upload(io.BytesIO(b""), "a.png") == "sub/a.png"


def test_a_stream_of_unknown_length_is_uploaded_in_chunks(script: HttpScript, server: ComfyServer) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.left = 300_000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            count = min(len(buffer), self.left)
            buffer[:count] = b"x" * count
            self.left -= count
            return count

    script.replies["/upload/image"] = answer(200, {"name": "a.png"})
    assert server.upload(Pipe(), "a.png") == "a.png"  # type: ignore[arg-type]
    assert script.requests[0].headers["transfer-encoding"] == "chunked"
    assert script.requests[0].body.count(b"x") == 300_000


def test_an_upload_above_the_servers_limit(script: HttpScript, server: ComfyServer) -> None:
    script.replies["/upload/image"] = answer(
        413, b"Maximum request body size 104857600 exceeded", "text/plain"
    )
    with pytest.raises(UnexpectedAnswer, match="--max-upload-size"):
        server.upload(io.BytesIO(b"x"), "a.png")


# Fetching.

FILE = OutputFile("a b&c=1.png", "sub/folder ü", "temp")
CONTENT = bytes(range(256)) * 2000


def fetched(server: ComfyServer, file: OutputFile = FILE) -> bytes:
    with server.fetch(file) as chunks:
        return b"".join(chunks)


class View:
    """A file behind /view with ranges, whose first answers break off after so many bytes."""

    def __init__(self, *breaks: int, tag: str = '"1"', ranges: bool = True) -> None:
        self.breaks = list(breaks)
        self.tag = tag
        self.ranges = ranges
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Iterator[bytes]:
        wanted = request.headers.get("range", "")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        part = CONTENT[start:]
        headers = {"ETag": self.tag}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        cut = self.breaks.pop(0) if self.breaks else len(part)
        yield answer(206 if start else 200, part[:cut], "image/png", headers, length=len(part))


def test_a_file_is_asked_for_by_all_three_of_its_names(script: HttpScript, server: ComfyServer) -> None:
    script.replies["/view"] = View()
    assert fetched(server) == CONTENT
    (request,) = script.requests
    assert request.target == "/view?filename=a%20b%26c%3D1.png&subfolder=sub%2Ffolder%20%C3%BC&type=temp"


def test_a_broken_transfer_is_taken_up_where_it_broke(script: HttpScript, server: ComfyServer) -> None:
    view = View(70_000, 1, 0, 100_000)
    script.replies["/view"] = view
    assert fetched(server) == CONTENT
    whole = [size - size % download.CHUNK for size in (70_000, 100_000)]
    assert view.asked[:4] == ["", *[f"bytes={whole[0]}-"] * 3]
    assert view.asked[4:] == [f"bytes={sum(whole)}-"]


def test_without_ranges_the_beginning_is_read_again_and_left_out(
    script: HttpScript, server: ComfyServer
) -> None:
    script.replies["/view"] = View(70_000, ranges=False)
    assert fetched(server) == CONTENT


def test_a_file_that_changed_in_between_is_an_error(script: HttpScript, server: ComfyServer) -> None:
    view = View(70_000)

    def changing(request: Request) -> Iterator[bytes]:
        yield from view(request)
        view.tag = '"2"'

    script.replies["/view"] = changing
    with pytest.raises(UnexpectedAnswer, match="changed"):
        fetched(server)


def test_a_transfer_that_only_ever_breaks_gives_up(script: HttpScript, server: ComfyServer) -> None:
    view = View(*[0] * 100)
    script.replies["/view"] = view
    with pytest.raises(Unreachable):
        fetched(server)
    assert len(view.asked) == 5


def test_a_missing_file_says_what_may_have_happened(script: HttpScript, server: ComfyServer) -> None:
    with pytest.raises(UnexpectedAnswer, match="restart"):
        fetched(server)


def test_a_redirect_to_a_store_of_files_is_followed_without_our_credentials(script: HttpScript) -> None:
    with HttpScript({"/bucket/1": answer(200, CONTENT, "image/png")}) as store:
        script.replies["/view"] = answer(302, b"", headers={"Location": f"{store.url}/bucket/1?sign=x"})
        server = ComfyServer(script.url, token="secret", headers={"X-Key": "secret"})
        assert fetched(server) == CONTENT
        assert script.requests[0].headers["authorization"] == "Bearer secret"
        assert "secret" not in str(store.requests[0].headers)


def test_leaving_a_transfer_early_is_no_error(script: HttpScript, server: ComfyServer) -> None:
    script.replies["/view"] = View()
    with server.fetch(FILE) as chunks:
        assert next(chunks)


def test_one_server_serves_many_threads(script: HttpScript, server: ComfyServer) -> None:
    script.replies["/system_stats"] = answer(200, SYSTEM_STATS)
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(server.probe().version)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == ["0.3.64"] * 12
