"""One small function a route, over a session that turns every failure into one of core.errors.

Nothing here waits without a limit or reads without one. No Origin is ever sent (ComfyUI refuses foreign
ones), no redirect is followed with a body or to another host with credentials, and no message shows a
credential.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import quote, urljoin, urlsplit

import requests
import urllib3.exceptions

from comfyui_bridge.comfy import answers, rejection
from comfyui_bridge.comfy.address import Address
from comfyui_bridge.core import node_defs as node_defs_
from comfyui_bridge.core.errors import (
    AnswerLost,
    NotRunning,
    Rejected,
    ServerError,
    Unauthorised,
    UnexpectedAnswer,
    Unreachable,
)
from comfyui_bridge.core.events import RunAccepted
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.core.server import HistoryEntry, OfferedTemplate, QueueState, ServerFacts
from comfyui_bridge.core.workflow import Workflow

LARGEST_BODY = 256 * 1024 * 1024
"""Bytes of a JSON answer. Definitions with many extensions have some ten millions."""

CHUNK = 64 * 1024
_GATEWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
_REDIRECTS = (301, 302, 303, 307, 308)
_OWN_500 = "Server got itself in trouble"
"""What aiohttp, and so ComfyUI itself rather than a proxy, says of an exception of its own."""


@dataclass(frozen=True)
class Timeouts:
    """Seconds. `answer` is the longest silence within an answer, `whole` the longest answer."""

    connect: float = 10.0
    answer: float = 30.0
    whole: float = 120.0


TIMEOUTS = Timeouts()


class Wire:
    """An HTTP session with one address; may be used from several threads."""

    def __init__(self, address: Address, timeouts: Timeouts = TIMEOUTS) -> None:
        self.address = address
        self.timeouts = timeouts
        self._session = requests.Session()
        self._session.headers.update({"Accept": "*/*", "User-Agent": "comfyui-bridge"})
        self._session.headers.update(address.headers)
        # Not from ~/.netrc, which requests would ask where nothing is set.
        self._session.auth = _as_it_is
        # A proxy for the internet has no way to this machine's own loopback.
        self._session.trust_env = not address.is_loopback
        adapter = requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=16)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    @property
    def name(self) -> str:
        return self.address.name

    def close(self) -> None:
        self._session.close()

    def ask(
        self,
        method: str,
        route: str,
        *,
        body: object = None,
        under: str | None = None,
        fresh: bool = False,
    ) -> Answer:
        """Send JSON or nothing, and read the whole answer, whatever its status.

        `under` stands before the route instead of the address's own prefix. `fresh` takes a connection
        that no earlier answer came over, so that a failure after connecting is not a stale connection's.
        """
        payload = None if body is None else json.dumps(body).encode("ascii")
        headers = {"Content-Type": "application/json"} if payload is not None else {}
        if fresh:
            headers["Connection"] = "close"
        url = f"{self.address.routes if under is None else under}{route}"
        session = self._fresh() if fresh else self._session
        started = time.monotonic()
        try:
            with self._open(session, method, url, headers=headers, data=payload) as response:
                return Answer(
                    self.name, response.status_code, dict(response.headers), self._read(response, started)
                )
        finally:
            if fresh:
                session.close()

    def stream(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """A GET whose body is still to be read; the caller closes it. Redirects to files are followed."""
        session = self._session
        for _ in range(5):
            response = self._open(session, "GET", url, headers=headers)
            if response.status_code not in _REDIRECTS:
                return response
            target = urljoin(url, response.headers.get("location", ""))
            response.close()
            if urlsplit(target)[:2] != urlsplit(url)[:2]:
                session = self._stranger()
            url = target
        raise UnexpectedAnswer(f"{self.name} sends a file's request round in a circle.", server=self.name)

    def send(self, route: str, content: Iterator[bytes], length: int | None, content_type: str) -> Answer:
        """POST a body in pieces; `length` in bytes if it is known."""
        headers = {"Content-Type": content_type}
        body: Any = content if length is None else _Sized(content, length)
        started = time.monotonic()
        with self._open(
            self._session, "POST", f"{self.address.routes}{route}", headers=headers, data=body
        ) as response:
            return Answer(
                self.name, response.status_code, dict(response.headers), self._read(response, started)
            )

    def _open(self, session: requests.Session, method: str, url: str, **arguments: Any) -> requests.Response:
        limits = (self.timeouts.connect, self.timeouts.answer)
        try:
            return session.request(
                method, url, timeout=limits, stream=True, allow_redirects=False, **arguments
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise failure(self.name, error) from error

    def _read(self, response: requests.Response, started: float) -> bytes:
        pieces, size = [], 0
        try:
            for piece in response.iter_content(CHUNK):
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST_BODY:
                    raise UnexpectedAnswer(
                        f"{self.name} gave an answer of more than {LARGEST_BODY >> 20} MB; "
                        "this is not what ComfyUI says. Check the address.",
                        server=self.name,
                    )
                if time.monotonic() - started > self.timeouts.whole:
                    raise AnswerLost(
                        f"{self.name} was still answering after {self.timeouts.whole:.0f} s. "
                        "Look at the network between, or at what the server is busy with.",
                        server=self.name,
                    )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise failure(self.name, error) from error
        return b"".join(pieces)

    def _fresh(self) -> requests.Session:
        session = requests.Session()
        session.headers = self._session.headers
        session.auth = self._session.auth
        session.trust_env = self._session.trust_env
        session.cookies = self._session.cookies
        return session

    def _stranger(self) -> requests.Session:
        """A session for another host: nothing of ours goes with it."""
        session = requests.Session()
        session.auth = _as_it_is
        return session


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    server: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's JSON, None if it has none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def ok(self) -> Answer:
        """This answer, if its status is 200. Raises what its status means otherwise."""
        if self.status == HTTPStatus.OK:
            return self
        raise refusal(self.server, self.status, self.headers, self.body[:2000])


def failure(name: str, error: Exception) -> ServerError:
    """The error of ours for one of the transport's: AnswerLost once the request may have been sent."""
    causes = list(_causes(error))
    kinds = {type(cause).__name__ for cause in causes}
    if any(isinstance(cause, socket.gaierror) for cause in causes) or "NameResolutionError" in kinds:
        return Unreachable(f"There is no host of the name in {name}. Check the address.", server=name)
    if "SSLError" in kinds or "SSLCertVerificationError" in kinds:
        return Unreachable(
            f"{name} has no certificate this machine trusts, or speaks no https. Check the address, "
            "or name its certificate in REQUESTS_CA_BUNDLE.",
            server=name,
        )
    if "ProxyError" in kinds:
        return Unreachable(
            f"The proxy set for this machine did not reach {name}; see HTTP_PROXY and NO_PROXY.", server=name
        )
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return NotRunning(
            f"Nothing answers at {name}. Start ComfyUI there, or check the address.", server=name
        )
    # A TLS handshake that times out comes as a read that does; nothing was asked yet.
    in_handshake = any("handshake operation" in str(cause) for cause in causes)
    if isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in kinds or in_handshake:
        return Unreachable(
            f"{name} could not be connected to. Check that the machine is on and its port is open.",
            server=name,
        )
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema | UnicodeError):
        return Unreachable(f"{name} is no address that can be asked. Check how it is written.", server=name)
    if isinstance(error, requests.Timeout) or "ReadTimeoutError" in kinds:
        return AnswerLost(
            f"{name} took the request and did not answer in time. It may be busy; try again.", server=name
        )
    return AnswerLost(f"The connection to {name} broke before its answer was whole. Try again.", server=name)


def refusal(name: str, status: int, headers: Mapping[str, str], body: bytes) -> ServerError:
    """The error that an HTTP status other than 200 means."""
    if status in (401, 403, 407):
        return Unauthorised(
            f"{name} does not let us in ({_status(status)}). "
            "Give a user and password in the address, or a token.",
            server=name,
        )
    if status in _REDIRECTS:
        target = urlsplit(next((v for k, v in headers.items() if k.lower() == "location"), ""))
        place = f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else "another page"
        return UnexpectedAnswer(
            f"{name} sends us on to {place}. If ComfyUI is there, give that address; "
            "if it is a sign-in page, give a token.",
            server=name,
            status=status,
        )
    if status in _GATEWAY:
        return AnswerLost(
            f"A proxy answers for {name}: {_status(status)}. ComfyUI behind it may be down or starting.",
            server=name,
        )
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return UnexpectedAnswer(
            f"This is larger than {name} takes. Start ComfyUI with a larger --max-upload-size.",
            server=name,
            status=status,
        )
    if status >= 500 and _OWN_500.encode() in body:
        return UnexpectedAnswer(
            f"{name} failed at a request ({_status(status)}); its own log tells why.",
            server=name,
            status=status,
        )
    if status >= 500:
        return UnexpectedAnswer(
            f"{name} answers {_status(status)} with a page that is not ComfyUI's. "
            "Look at the proxy before it, and check the address.",
            server=name,
            status=status,
        )
    return not_comfyui(name, status)


def not_comfyui(name: str, status: int | None = None) -> UnexpectedAnswer:
    said = f" ({_status(status)})" if status not in (None, 200) else ""
    return UnexpectedAnswer(
        f"{name} answers{said}, but not as ComfyUI does. Check the address, its port and its path.",
        server=name,
        status=status,
    )


def bridge(wire: Wire) -> str:
    """The id of the dashboard, ours or another, that answers here where a ComfyUI should; empty for none."""
    try:
        answer = wire.ask("GET", "/healthz", under=wire.address.files)
    except ServerError:
        return ""
    return {name.lower(): value for name, value in answer.headers.items()}.get("x-comfyui-bridge", "")


def system_stats(wire: Wire) -> ServerFacts:
    told = answers.facts(wire.ask("GET", "/system_stats").ok().json())
    if told is None:
        raise not_comfyui(wire.name, 200)
    return told


def object_info(wire: Wire) -> NodeDefs:
    body = wire.ask("GET", "/object_info").ok().json()
    if not isinstance(body, dict):
        raise not_comfyui(wire.name, 200)
    return node_defs_.parse(body)


def queue(wire: Wire) -> QueueState:
    told = answers.queue(wire.ask("GET", "/queue").ok().json())
    if told is None:
        raise not_comfyui(wire.name, 200)
    return told


def history(wire: Wire, prompt_id: str) -> HistoryEntry | None:
    body = wire.ask("GET", f"/history/{quote(prompt_id, safe='')}").ok().json()
    if not isinstance(body, dict):
        raise not_comfyui(wire.name, 200)
    return answers.history(body, prompt_id)


def post_prompt(
    wire: Wire,
    workflow: Workflow,
    prompt_id: str,
    client_id: str,
    extra_pnginfo: Mapping[str, Any] | None,
) -> RunAccepted:
    """Queue a workflow. Raises AnswerLost where it may have been queued all the same."""
    body: dict[str, Any] = {"prompt": workflow.to_api(), "prompt_id": prompt_id, "client_id": client_id}
    if extra_pnginfo:
        body["extra_data"] = {"extra_pnginfo": dict(extra_pnginfo)}
    answer = wire.ask("POST", "/prompt", body=body, fresh=True)
    told = answer.json()
    if answer.status == HTTPStatus.OK:
        if not isinstance(told, dict) or not isinstance(told.get("prompt_id"), str):
            raise AnswerLost(
                f"{wire.name} answered the submission with something that is not ComfyUI's.", server=wire.name
            )
        number = told.get("number")
        return RunAccepted(
            prompt_id=told["prompt_id"],
            server=wire.name,
            number=number if isinstance(number, (int, float)) else 0,
            problems=tuple(rejection.node_problems(told.get("node_errors"))),
        )
    if answer.status == HTTPStatus.BAD_REQUEST and isinstance(told, dict) and "error" in told:
        found = rejection.problems(told)
        raise Rejected(rejection.sentence(workflow, found), server=wire.name, problems=found)
    if answer.status >= 500 and _OWN_500.encode() not in answer.body:
        raise AnswerLost(
            str(refusal(wire.name, answer.status, answer.headers, answer.body)), server=wire.name
        )
    answer.ok()
    raise not_comfyui(wire.name, answer.status)


def cancel_job(wire: Wire, prompt_id: str) -> bool:
    """POST /api/jobs/{id}/cancel, which 0.33 has; False where the server knows no such route."""
    answer = wire.ask("POST", f"/jobs/{quote(prompt_id, safe='')}/cancel", under=wire.address.api)
    if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        return False
    answer.ok()
    return True


def delete_pending(wire: Wire, prompt_id: str) -> None:
    wire.ask("POST", "/queue", body={"delete": [prompt_id]}).ok()


def interrupt(wire: Wire, prompt_id: str) -> None:
    """Stop this prompt if it is the running one; without the id it would stop anyone's."""
    wire.ask("POST", "/interrupt", body={"prompt_id": prompt_id}).ok()


def upload_image(wire: Wire, content: BinaryIO, filename: str) -> str:
    """POST /upload/image; the value that an input takes for the file: the *returned* name."""
    boundary = "comfyui-bridge-4c1f6e0d9b7a42358e6d"
    name = safe_filename(filename)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode("ascii")
    size = _size(content)
    length = None if size is None else len(head) + size + len(tail)
    answer = wire.send(
        "/upload/image", _pieces(head, content, tail), length, f"multipart/form-data; boundary={boundary}"
    )
    told = answer.ok().json()
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        raise not_comfyui(wire.name, answer.status)
    subfolder = told.get("subfolder")
    return f"{subfolder}/{told['name']}" if isinstance(subfolder, str) and subfolder else told["name"]


def models(wire: Wire, folder: str) -> tuple[str, ...]:
    """GET /models/{folder}: the file names in it; none for a folder the server does not have."""
    answer = wire.ask("GET", f"/models/{quote(folder, safe='')}")
    if answer.status == HTTPStatus.NOT_FOUND:
        return ()
    told = answer.ok().json()
    if not isinstance(told, list):
        raise not_comfyui(wire.name, answer.status)
    return answers.names(told)


def choices(wire: Wire, route: str) -> tuple[str, ...]:
    """GET a route that a node definition names for its choices, as /internal/files/output (0.33).

    It is the server's own route and nothing else: a definition that names another address is refused.
    """
    parts = urlsplit(route)
    if parts.scheme or parts.netloc or not route.startswith("/") or "\\" in route or ".." in parts.path:
        raise UnexpectedAnswer(
            f"{wire.name} names {route[:80]} for a list of choices, which is no route of its own.",
            server=wire.name,
        )
    answer = wire.ask("GET", route, under=wire.address.files)
    if answer.status == HTTPStatus.NOT_FOUND:
        answer = wire.ask("GET", route, under=wire.address.api)
    told = answer.ok().json()
    if not isinstance(told, list):
        raise UnexpectedAnswer(f"{wire.name} gave no list of choices for {route[:80]}.", server=wire.name)
    return answers.names(told)


def saved_workflows(wire: Wire) -> tuple[str, ...]:
    """GET /userdata?dir=workflows: paths within that folder, which is not there before the first one."""
    answer = wire.ask("GET", "/userdata?dir=workflows&recurse=true")
    if answer.status == HTTPStatus.NOT_FOUND:
        return ()
    names = answers.names(answer.ok().json())
    return tuple(sorted(name for name in names if name.lower().endswith(".json")))


def saved_workflow(wire: Wire, path: str) -> bytes:
    """GET /userdata/{file}; the server wants its slashes encoded."""
    answer = wire.ask("GET", f"/userdata/{quote(f'workflows/{path}', safe='')}")
    if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
        raise _not_there(wire, path, answer.status)
    return answer.ok().body


def offered_templates(wire: Wire) -> tuple[OfferedTemplate, ...]:
    """ComfyUI's own, where its package of them is installed, then those of its extensions."""
    own = wire.ask("GET", "/templates/index.json", under=wire.address.files)
    others = wire.ask("GET", "/workflow_templates")
    found = [
        *(answers.own_templates(own.json()) if own.status == HTTPStatus.OK else ()),
        *(answers.extension_templates(others.json()) if others.status == HTTPStatus.OK else ()),
    ]
    if HTTPStatus.UNAUTHORIZED in (own.status, others.status):
        raise refusal(wire.name, HTTPStatus.UNAUTHORIZED, {}, b"")
    return tuple({(one.source, one.name): one for one in found}.values())


def offered_template(wire: Wire, template: OfferedTemplate) -> bytes:
    """The workflow's file; those of extensions are under /api alone."""
    name = f"{quote(template.name, safe='')}.json"
    if template.source:
        source = quote(template.source, safe="")
        answer = wire.ask("GET", f"/workflow_templates/{source}/{name}", under=wire.address.api)
    else:
        answer = wire.ask("GET", f"/templates/{name}", under=wire.address.files)
    if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
        raise _not_there(wire, template.title, answer.status)
    return answer.ok().body


def _not_there(wire: Wire, name: str, status: int) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"{wire.name} has no workflow {name}; it may have been renamed or deleted.",
        server=wire.name,
        status=status,
    )


def free(wire: Wire) -> None:
    """POST /free: unload models and forget cached results, once the server is idle."""
    wire.ask("POST", "/free", body={"unload_models": True, "free_memory": True}).ok()


def view_url(address: Address, file: OutputFile) -> str:
    """Where a file is fetched. Without its type and subfolder the server would look elsewhere."""
    pairs = {"filename": file.filename, "subfolder": file.subfolder, "type": file.type}
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in pairs.items())
    return f"{address.routes}/view?{query}"


def safe_filename(filename: str) -> str:
    """The last part of a name, without what a multipart header or a server's folder cannot take."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    last = re.sub(r'[\x00-\x1f\x7f"%]', "_", last).encode("utf-8", "replace").decode("utf-8")
    # ".." is refused wherever it stands (0.3.64).
    last = re.sub(r"\.{2,}", ".", last).strip(" .")
    return last[-200:] or "upload"


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and all that stands behind it, as requests wraps urllib3's in its own."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]


def _status(status: int | None) -> str:
    try:
        return f"{status} {HTTPStatus(status or 0).phrase}"
    except ValueError:
        return str(status)


def _size(content: BinaryIO) -> int | None:
    """Bytes from here to the end; None for a stream that cannot tell."""
    try:
        here = content.tell()
        end = content.seek(0, 2)
        content.seek(here)
    except (OSError, AttributeError):
        return None
    return end - here


def _pieces(head: bytes, content: BinaryIO, tail: bytes) -> Iterator[bytes]:
    yield head
    while piece := content.read(CHUNK):
        yield piece
    yield tail


class _Sized:
    """Pieces with a length, which requests announces instead of sending them chunked."""

    def __init__(self, pieces: Iterator[bytes], length: int) -> None:
        self._pieces = pieces
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces
