"""The WebSocket: opening, greeting, silence, and every way it can break."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from comfyui_bridge.comfy import messages
from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.comfy.socket import Patience
from comfyui_bridge.core.errors import ServerError, Unauthorised, UnexpectedAnswer, Unreachable
from comfyui_bridge.core.events import PreviewReady, QueueChanged, RunStarted
from tests.fakes.http_script import GREETING, HttpScript, Reply, Request, answer, frame, upgrade

IMPATIENT = Patience(opening=0.5, silence=0.1, pong=0.2)
JPEG = b"\xff\xd8\xff\xe0"
START = {"type": "execution_start", "data": {"prompt_id": "p"}}
FLAGS = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}


def started(prompt_id: str) -> dict[str, object]:
    return {"type": "execution_start", "data": {"prompt_id": prompt_id}}


@pytest.fixture
def script() -> Iterator[HttpScript]:
    with HttpScript() as running:
        yield running


def saying(script: HttpScript, *frames: bytes, hold: bool = True) -> Reply:
    """Greets, sends these frames, and stays silent until the test is over."""

    def reply(request: Request) -> Iterator[bytes]:
        yield upgrade(request)
        yield from frames
        if hold:
            script.wait(30)

    return reply


def server(script: HttpScript, patience: Patience = IMPATIENT) -> ComfyServer:
    return ComfyServer(script.url, patience=patience)


def test_it_says_who_we_are_and_never_where_from(script: HttpScript) -> None:
    script.replies["/api/ws"] = saying(script, frame(GREETING))
    url = script.url.replace("//", "//me:hunter2@")
    connection = ComfyServer(f"{url}/api", headers={"X-Team": "art"}).connect()
    (request,) = script.requests
    assert request.target == f"/api/ws?clientId={connection.client_id}"
    assert request.headers["authorization"] == "Basic bWU6aHVudGVyMg=="
    assert request.headers["x-team"] == "art"
    assert "origin" not in request.headers
    connection.close()


def test_an_earlier_client_id_is_taken_up_if_asked(script: HttpScript) -> None:
    script.replies["/ws"] = saying(script, frame(GREETING))
    connection = server(script).connect("earlier id")
    assert script.requests[0].target == "/ws?clientId=earlier%20id"
    assert connection.client_id == "earlier id"
    connection.close()


def test_our_first_message_asks_for_previews_with_metadata(script: HttpScript) -> None:
    received: list[bytes] = []
    done = threading.Event()

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
                connection.sendall(upgrade(Request("GET", "/ws", {"sec-websocket-key": key}, b"")))
                received.append(connection.recv(65536))
                connection.sendall(frame(GREETING))
                done.wait(20)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        opened = ComfyServer(f"127.0.0.1:{listener.getsockname()[1]}").connect()
        done.set()
        opened.close()
        thread.join(20)
    first, second = received[0][0], received[0][1]
    assert (first, second & 0x80) == (0x81, 0x80)
    mask, masked = received[0][2:6], received[0][6 : 6 + (second & 0x7F)]
    sent = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
    assert json.loads(sent) == json.loads(messages.FEATURE_FLAGS)


REFUSALS: list[tuple[bytes, type[ServerError], str]] = [
    (answer(401, b"no"), Unauthorised, "user and password"),
    (answer(403, b""), Unauthorised, "403"),
    (answer(404, b""), UnexpectedAnswer, "opens no WebSocket"),
    (answer(200, b"hello", "text/html"), UnexpectedAnswer, "opens no WebSocket"),
    (answer(500, b"oops", "text/html"), UnexpectedAnswer, "opens no WebSocket"),
    (answer(502, b"oops", "text/html"), Unreachable, "502"),
    (
        answer(302, b"", headers={"Location": "https://login.example.com"}),
        UnexpectedAnswer,
        "opens no WebSocket",
    ),
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", UnexpectedAnswer, "opens no WebSocket"),
    (b"", ServerError, "WebSocket"),
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", UnexpectedAnswer, "opens no"),
]


@pytest.mark.parametrize(("reply", "kind", "words"), REFUSALS)
def test_a_handshake_that_fails(
    script: HttpScript, reply: bytes, kind: type[ServerError], words: str
) -> None:
    script.replies["/ws"] = reply
    with pytest.raises(kind, match=words) as told:
        server(script).connect()
    assert told.value.server == script.url


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    with pytest.raises(Unreachable, match="Nothing answers"):
        ComfyServer(f"127.0.0.1:{port}").connect()


def test_there_is_no_such_host() -> None:
    with pytest.raises(Unreachable, match="no host"):
        ComfyServer("no-such-host.invalid").connect()


def test_a_handshake_without_an_answer(script: HttpScript) -> None:
    def silent(request: Request) -> Iterator[bytes]:
        script.wait(30)
        yield b""

    script.replies["/ws"] = silent
    with pytest.raises(Unreachable, match="in time"):
        server(script).connect()


def test_a_socket_that_does_not_greet_is_not_comfyuis(script: HttpScript) -> None:
    script.replies["/ws"] = saying(script, frame({"type": "hello", "data": {}}))
    with pytest.raises(UnexpectedAnswer, match="said nothing"):
        server(script, Patience(opening=0.3)).connect()


def test_a_socket_that_closes_before_the_greeting(script: HttpScript) -> None:
    script.replies["/ws"] = saying(script, hold=False)
    with pytest.raises(Unreachable, match="broke off"):
        server(script).connect()


def test_what_comes_right_after_the_greeting_is_not_missed(script: HttpScript) -> None:
    script.replies["/ws"] = saying(script, frame(GREETING) + frame(START))
    connection = server(script).connect()
    assert connection.next_event(10) == RunStarted("p")
    connection.close()


def test_what_means_nothing_is_passed_over(script: HttpScript) -> None:
    noise = [
        frame("not json"),
        frame({"type": "crystools.monitor", "data": {"cpu": 1}}),
        frame(b"\xff\xff", opcode=1),  # a text frame in wrong UTF-8
        frame(b""),
        frame(struct.pack(">II", 77, 1) + b"what"),
        frame(b"", opcode=9),  # a ping
        frame({"type": "executing", "data": {"node": "3"}}),
    ]
    script.replies["/ws"] = saying(script, frame(GREETING), *noise, frame(START))
    connection = server(script).connect()
    assert connection.next_event(10) == RunStarted("p")
    connection.close()


def test_a_message_may_come_in_pieces(script: HttpScript) -> None:
    whole = frame(START)
    payload = json.dumps(START).encode()
    fragments = [
        bytes([0x01, 10]) + payload[:10],
        frame(b"", opcode=9),
        bytes([0x80, len(payload) - 10]) + payload[10:],
    ]

    def reply(request: Request) -> Iterator[bytes]:
        yield upgrade(request) + frame(GREETING)
        for place in range(len(whole)):
            yield whole[place : place + 1]
        yield from fragments
        script.wait(30)

    script.replies["/ws"] = reply
    connection = server(script).connect()
    assert [connection.next_event(10) for _ in range(2)] == [RunStarted("p")] * 2
    connection.close()


def test_half_a_message_waits_for_the_other_half(script: HttpScript) -> None:
    go_on = threading.Event()
    whole = frame(START)

    def reply(request: Request) -> Iterator[bytes]:
        yield upgrade(request) + frame(GREETING) + whole[:9]
        go_on.wait(30)
        yield whole[9:]
        script.wait(30)

    script.replies["/ws"] = reply
    connection = server(script, Patience(silence=30)).connect()
    assert connection.next_event(0.05) is None
    go_on.set()
    assert connection.next_event(10) == RunStarted("p")
    connection.close()


@pytest.mark.parametrize("length", [messages.LARGEST_FRAME + 1, 2**62])
def test_a_message_above_all_bounds_is_not_read(script: HttpScript, length: int) -> None:
    script.replies["/ws"] = saying(script, frame(GREETING), frame(b"x" * 1000, length=length))
    connection = server(script).connect()
    with pytest.raises(Unreachable, match="one message"):
        connection.next_event(10)
    connection.close()


def test_fragments_above_all_bounds_are_not_kept(script: HttpScript, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "LARGEST_FRAME", 100_000)

    def reply(request: Request) -> Iterator[bytes]:
        yield upgrade(request) + frame(GREETING)
        yield struct.pack(">BBQ", 0x02, 127, 60_000) + bytes(60_000)
        yield struct.pack(">BBQ", 0x00, 127, 60_000) + bytes(60_000)
        script.wait(30)

    script.replies["/ws"] = reply
    connection = server(script).connect()
    with pytest.raises(Unreachable, match="one message"):
        connection.next_event(10)
    connection.close()


@pytest.mark.parametrize(
    "last",
    [
        b"",
        frame(struct.pack(">H", 1001), opcode=8),
        b"\xf3\x01x",  # reserved bits
        bytes([0x83, 0]),  # an opcode that does not exist
        bytes([0x80, 1]) + b"x",  # a continuation of nothing
        bytes([0x81, 10]) + b"half",
    ],
)
def test_a_socket_that_ends_is_unreachable(script: HttpScript, last: bytes) -> None:
    script.replies["/ws"] = saying(script, frame(GREETING), frame(START), last, hold=False)
    connection = server(script).connect()
    assert connection.next_event(10) == RunStarted("p")
    for _ in range(2):
        with pytest.raises(Unreachable, match="broke off"):
            connection.next_event(10)
    connection.close()


def test_silence_is_pinged_and_a_pong_is_enough(script: HttpScript) -> None:
    def reply(request: Request) -> Iterator[bytes]:
        yield upgrade(request) + frame(GREETING)
        for _ in range(8):
            script.wait(0.08)
            yield frame(b"", opcode=10)  # a pong
        script.wait(30)

    script.replies["/ws"] = reply
    connection = server(script).connect()
    assert connection.next_event(0.5) is None
    connection.close()


def test_silence_without_a_pong_is_a_dead_connection(script: HttpScript) -> None:
    script.replies["/ws"] = saying(script, frame(GREETING))
    connection = server(script).connect()
    with pytest.raises(Unreachable, match="does not answer a ping"):
        connection.next_event(10)
    connection.close()


def test_a_pong_that_came_while_nobody_read_counts(script: HttpScript) -> None:
    pinged = threading.Event()

    def reply(request: Request) -> Iterator[bytes]:
        yield upgrade(request) + frame(GREETING)
        pinged.wait(30)
        yield frame(b"", opcode=10) + frame(START)
        script.wait(30)

    script.replies["/ws"] = reply
    connection = server(script, Patience(silence=0.05, pong=0.5)).connect()
    assert connection.next_event(0.06) is None  # the ping is out
    pinged.set()
    script.wait(0.6)
    assert connection.next_event(10) == RunStarted("p")
    connection.close()


def test_silence_is_no_fault_before_its_time(script: HttpScript) -> None:
    script.replies["/ws"] = saying(script, frame(GREETING))
    connection = server(script, Patience()).connect()
    assert connection.next_event(0.3) is None
    assert connection.next_event(0) is None
    connection.close()


PLAIN = frame(struct.pack(">II", 1, 1) + JPEG)


def test_a_plain_preview_is_ours_where_the_server_knows_no_other(script: HttpScript) -> None:
    script.replies["/ws"] = saying(script, frame(GREETING), PLAIN)
    connection = server(script).connect()
    assert connection.next_event(10) == PreviewReady(JPEG, "image/jpeg")
    connection.close()


def test_a_plain_preview_is_anothers_where_ours_would_have_metadata(script: HttpScript) -> None:
    script.replies["/ws"] = saying(script, frame(GREETING), frame(FLAGS), PLAIN, frame(START))
    connection = server(script).connect()
    assert connection.next_event(10) == RunStarted("p")
    connection.close()


def test_closing_twice_and_reading_after_it(script: HttpScript) -> None:
    script.replies["/ws"] = saying(script, frame(GREETING))
    connection = server(script).connect()
    connection.close()
    connection.close()
    with pytest.raises(Unreachable, match="closed by us"):
        connection.next_event(1)


def test_a_flood_is_read_in_order(script: HttpScript) -> None:
    flood = [
        frame({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": n}}}})
        for n in range(5000)
    ]
    script.replies["/ws"] = saying(script, frame(GREETING), b"".join(flood))
    connection = server(script).connect()
    assert [connection.next_event(10) for _ in range(5000)] == [QueueChanged(n) for n in range(5000)]
    connection.close()


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    script: HttpScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.com")
    script.replies["/ws"] = saying(script, frame(GREETING))
    server(script).connect().close()
