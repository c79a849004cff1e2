"""What a foreign page, or a client that lies about files, can do to a served page: nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.safety import is_foreign
from comfyui_bridge.ui.serving import Launched
from tests.ui.serving_kit import DEADLINE_S, Runs, a_run, call, client_of, served

FOREIGN = "https://evil.example"


@pytest.fixture(scope="module")
def page() -> Iterator[Launched]:
    runs = Runs()
    runs.publish(a_run("run1"))
    with served(
        Dashboard(engine=runs, library=None, editor=None, media=None, results=None, version="1.2.3")
    ) as page:
        yield page


@pytest.fixture
def client(page: Launched) -> Iterator[httpx.Client]:
    with client_of(page.url) as client:
        yield client


@pytest.mark.parametrize(
    ("host", "told", "foreign"),
    [
        ("127.0.0.1:7860", {"origin": "http://127.0.0.1:7860"}, False),
        ("LOCALHOST:7860", {"origin": "http://localhost:7860"}, False),
        ("[::1]:7860", {"origin": "http://[::1]:7860"}, False),
        ("a1b2.gradio.live", {"origin": "https://a1b2.gradio.live"}, False),
        ("example.org:443", {"origin": "https://example.org"}, False),
        ("example.org", {"origin": "http://example.org:80"}, False),
        ("127.0.0.1:7860", {"origin": "https://x.org", "x-forwarded-host": "x.org"}, False),
        ("127.0.0.1:7860", {"origin": "https://x.org", "x-forwarded-host": "x.org, proxy"}, False),
        ("127.0.0.1:7860", {"origin": FOREIGN}, True),
        ("127.0.0.1:7860", {"origin": "null"}, True),
        ("127.0.0.1:7860", {"origin": ""}, True),
        ("127.0.0.1:7860", {"origin": "http://127.0.0.1:8188"}, True),
        ("127.0.0.1:7860", {"origin": "http://127.0.0.1"}, True),
        ("127.0.0.1:7860", {"origin": "http://localhost:7860"}, True),
        ("127.0.0.1:7860", {"origin": "http://127.0.0.1:7860.evil.example"}, True),
        ("127.0.0.1:7860", {"origin": "file://"}, True),
        ("127.0.0.1:7860", {"origin": "http://[broken"}, True),
        ("evil.example.org", {"origin": "https://example.org"}, True),
        ("127.0.0.1:7860", {"origin": FOREIGN, "x-forwarded-host": "x.org"}, True),
        ("127.0.0.1:7860", {}, False),
        ("127.0.0.1:7860", {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, False),
        ("127.0.0.1:7860", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, False),
        ("127.0.0.1:7860", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, False),
        ("127.0.0.1:7860", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, True),
        ("127.0.0.1:7860", {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}, True),
        (
            "127.0.0.1:7860",
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
            True,
        ),
    ],
)
def test_a_foreign_request_is_told_by_its_origin(host: str, told: dict[str, str], foreign: bool) -> None:
    assert is_foreign(Headers({"host": host, **told}), "GET") is foreign


def test_a_form_of_a_foreign_page_is_no_link() -> None:
    told = {"host": "a", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert is_foreign(Headers(told), "POST")


ADDRESSES = [
    ("GET", "/"),
    ("POST", "/"),
    ("GET", "/config"),
    ("GET", "/gradio_api/info"),
    ("POST", "/gradio_api/call/echo"),
    ("POST", "/gradio_api/queue/join"),
    ("GET", "/gradio_api/queue/data?session_hash=x"),
    ("POST", "/gradio_api/upload"),
    ("POST", "/gradio_api/cancel"),
    ("GET", "/live/run1"),
    ("GET", "/media/run1/a.png"),
    ("GET", "/healthz"),
    ("PUT", "/"),
    ("DELETE", "/"),
]


@pytest.mark.parametrize("host", [None, "bridge.example"])
@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_a_foreign_origin_is_refused_everywhere(
    client: httpx.Client, host: str | None, method: str, path: str
) -> None:
    headers = {"Origin": FOREIGN} | ({"Host": host} if host else {})
    answer = client.request(method, path, headers=headers)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("host", [None, "bridge.example"])
def test_a_foreign_page_is_allowed_nothing_beforehand(client: httpx.Client, host: str | None) -> None:
    headers = {"Origin": FOREIGN, "Access-Control-Request-Method": "POST"} | ({"Host": host} if host else {})
    answer = client.options("/gradio_api/queue/join", headers=headers)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_foreign_websocket_is_refused(page: Launched) -> None:
    with socket.create_connection(("127.0.0.1", int(page.url.rsplit(":", 1)[1])), DEADLINE_S) as wire:
        wire.sendall(
            b"GET /gradio_api/queue/join HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://evil.example\r\n\r\n"
        )
        assert wire.recv(100).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize("host", ["bridge.example", "x7.gradio.live"])
def test_the_page_itself_works_under_any_name(client: httpx.Client, host: str) -> None:
    client.headers.update({"Origin": f"https://{host}", "Host": host})
    assert 'data: ["hello"]' in call(client, "echo", "hello").text


def test_every_answer_says_how_it_may_be_used(client: httpx.Client) -> None:
    for path in ("/", "/healthz", "/no/such/page", "/theme.css"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]


SECRET = "the machine's own file"


@pytest.mark.parametrize("name", ["read_file", "read_image"])
@pytest.mark.parametrize("mark", [True, False])
def test_a_file_of_the_machine_is_not_read(
    client: httpx.Client, tmp_path: Path, name: str, mark: bool
) -> None:
    local = tmp_path / "secret.png"
    local.write_text(SECRET)
    for path in (str(local), f"file://{local}", f"/gradio_api/file={local}", "/etc/passwd"):
        given: dict[str, Any] = {"path": path, "orig_name": "a.png"}
        if mark:
            given["meta"] = {"_type": "gradio.FileData"}
        answer = call(client, name, given)
        assert SECRET not in answer.text
        assert "root:" not in answer.text
        assert "event: complete" not in answer.text


def test_a_file_of_the_machine_is_not_read_by_any_door(client: httpx.Client, tmp_path: Path) -> None:
    local = tmp_path / "secret.png"
    local.write_text(SECRET)
    given = {"path": str(local), "meta": {"_type": "gradio.FileData"}}
    functions = client.get("/config").json()["dependencies"]
    number = next(fn["id"] for fn in functions if fn["api_name"] == "read_file")
    joined = client.post(
        "/gradio_api/queue/join", json={"data": [given], "fn_index": number, "session_hash": "s1"}
    )
    told = [] if joined.status_code != 200 else list(until_completed(client, "s1"))
    run = client.post("/gradio_api/run/read_file", json={"data": [given]})
    shown = [client.get(f"/gradio_api/file={path}") for path in (local, "/etc/passwd", "../../etc/passwd")]
    assert all(answer.status_code in (403, 404) for answer in shown)
    for text in (joined.text, *told, run.text, *(answer.text for answer in shown)):
        assert SECRET not in text
        assert "root:" not in text


def test_a_file_of_the_machine_is_not_read_by_a_rendered_form(client: httpx.Client, tmp_path: Path) -> None:
    """The page's form is rendered for each session; what listens in there is known to no /config."""
    local = tmp_path / "secret.png"
    local.write_text(SECRET)
    functions = client.get("/config").json()["dependencies"]
    render = next(fn["id"] for fn in functions if fn["render_id"] is not None)
    shown = completed(client, render, [])
    (read,) = (fn["id"] for fn in shown["render_config"]["dependencies"] if fn["rendered_in"] is not None)
    lie = {"path": str(local), "meta": {"_type": "gradio.FileData"}}
    assert SECRET not in json.dumps(completed(client, read, [lie]))
    uploaded = client.post("/gradio_api/upload", files={"files": ("a.txt", b"my own words")}).json()[0]
    told = completed(client, read, [{"path": uploaded, "meta": {"_type": "gradio.FileData"}}])
    assert told["data"] == ["my own words"]


def completed(client: httpx.Client, fn: int, given: list[Any]) -> dict[str, Any]:
    """What the page gets when it calls a function of a session of ours."""
    wanted = {"data": given, "fn_index": fn, "session_hash": "rendered"}
    assert client.post("/gradio_api/queue/join", json=wanted).status_code == 200
    last = list(until_completed(client, "rendered"))[-1]
    return dict(json.loads(last.removeprefix("data: "))["output"])


def until_completed(client: httpx.Client, session: str) -> Iterator[str]:
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as answer:
        for line in answer.iter_lines():
            yield line
            if '"process_completed"' in line:
                return


def test_an_uploaded_file_is_read(client: httpx.Client) -> None:
    """The other half of the tests above: what is refused there is the path, and not every file."""
    uploaded = client.post("/gradio_api/upload", files={"files": ("a.txt", b"my own words")}).json()[0]
    answer = call(client, "read_file", {"path": uploaded, "meta": {"_type": "gradio.FileData"}})
    assert "my own words" in answer.text


def test_an_upload_has_an_end(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        for _ in range(201):
            yield bytes(1 << 20)
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/gradio_api/upload", content=endless(), headers=headers).status_code == 413


def test_nobody_is_told_what_went_wrong_inside(client: httpx.Client) -> None:
    for answer in (call(client, "read_file", 7), call(client, "nothing")):
        assert "Traceback" not in answer.text
        assert "site-packages" not in answer.text
        assert "pydantic" not in answer.text


@pytest.mark.parametrize("way", ["file=", "proxy="])
@pytest.mark.parametrize("scheme", ["http", "https", "HTTP"])
def test_nobody_is_fetched_for_anybody(client: httpx.Client, way: str, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        answer = client.get(f"/gradio_api/{way}{scheme}://127.0.0.1:{elsewhere.getsockname()[1]}/x")
        assert answer.status_code in (403, 404)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_gradio_tells_no_more_than_the_page_needs(client: httpx.Client) -> None:
    ours = ["/docs", "/redoc", "/openapi.json", "/monitoring", "/monitoring/summary", "/monitoring/x"]
    for path in (*ours, "/gradio_api/runs", "/gradio_api/run-history/buckets"):
        assert client.get(path).status_code in (403, 404), path
    config = client.get("/config").json()
    assert json.dumps(config).count(str(Path.home())) == 0
