"""Play a recording of a real ComfyUI against the sandbox and say where the two differ.

The requests of a recording are sent in its order; before each one the player waits until the sandbox has
sent the events that had been recorded by then. Afterwards both sides are brought to one form (ids, file
names, times replaced by their order of appearance) and compared: every answer, and every
socket's events in their order.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import aiohttp
from PIL import Image

DEADLINE = 20.0
COUNTED_FILE = re.compile(r"(?P<stem>.*)_(?P<count>\d{5})_\.(?P<suffix>\w+)")
TEMP_STEM = re.compile(r"ComfyUI_temp_[a-z]{5}")
TIMES = {
    "timestamp",
    "create_time",
    "execution_start_time",
    "execution_end_time",
    "modified",
    "created",
}
MILESTONES = {
    "execution_start",
    "execution_cached",
    "executing",
    "executed",
    "progress",
    "execution_success",
    "execution_error",
    "execution_interrupted",
}


@dataclass(frozen=True)
class Difference:
    where: str
    recorded: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.where}\n  recorded: {_short(self.recorded)}\n  ours:     {_short(self.ours)}"


@dataclass
class Options:
    """How strictly a scenario is compared."""

    loose_steps: bool = False
    """How many steps were made before an interrupt or a reconnection is a matter of speed."""
    statuses: str = "exact"
    """"exact": in their place; "last": only the last, where several submissions race with the worker."""
    shapes: tuple[str, ...] = ()
    """Answers of these paths are compared by keys and types only."""
    skipped: tuple[str, ...] = ()
    """Answers of these paths are not compared beyond their status."""
    only: tuple[str, ...] = ()
    """Only answers of these paths are compared, and no events: for recordings of another version."""
    actions: Mapping[int, Callable[[], None]] = field(default_factory=dict)
    """What is done on the server's disk before the request of this place, counted from 0."""
    any_order: bool = False
    """Nodes that do not need each other may run in another order: ComfyUI keeps the outputs in a set."""


def load(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Names:
    """Stand-ins for what differs from run to run, given in order of appearance."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.files: dict[str, str] = {}
        self.sids: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def learn_answer(self, path: str, body: Any) -> None:
        """Take note of a submitted prompt's id, and of files."""
        if path.endswith("/prompt") and isinstance(body, dict):
            prompt_id = body.get("prompt_id")
            if prompt_id is not None and prompt_id not in self.prompts:
                self.prompts.append(prompt_id)
        self.learn_files(body)

    def learn_files(self, body: Any) -> None:
        if isinstance(body, dict):
            for key, value in body.items():
                if key == "filename" and isinstance(value, str):
                    self._learn_file(value)
                self.learn_files(value)
        elif isinstance(body, list):
            for value in body:
                self.learn_files(value)

    def _learn_file(self, name: str) -> None:
        found = COUNTED_FILE.fullmatch(name)
        if found and name not in self.files:
            stem = TEMP_STEM.sub("ComfyUI_temp", found["stem"])
            self.files[name] = f"{stem}#{self._counts[stem]}.{found['suffix']}"
            self._counts[stem] += 1

    def real_file(self, alias: str) -> str | None:
        return next((name for name, own in self.files.items() if own == alias), None)

    def text(self, value: str) -> str:
        if value in self.prompts:
            return f"prompt#{self.prompts.index(value)}"
        return self.files.get(value) or self.sids.get(value) or value

    def plain(self, value: Any, key: str = "") -> Any:
        """A JSON value in the form in which both sides are compared."""
        if key in TIMES and isinstance(value, int | float):
            return "time"
        if key == "traceback":
            return "traceback"
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            # Tooltips are texts for people, and not the same in all definitions.
            return {
                self.text(name): self.plain(part, name) for name, part in value.items() if name != "tooltip"
            }
        if isinstance(value, list):
            if len(value) == 5 and value[1] in self.prompts:
                parts = [self.plain(part) for part in value[1:4]]
                return [value[0], *parts, sorted(value[4])]
            if key in ("executed", "current_outputs"):  # sets in ComfyUI
                return sorted(value)
            return [self.plain(part) for part in value]
        return value


@dataclass
class Socket:
    """One side's view of a websocket: the frames in their order."""

    frames: list[Any] = field(default_factory=list)
    websocket: aiohttp.ClientWebSocketResponse | None = None
    reader: asyncio.Task[None] | None = None


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any
    """JSON, else text, else bytes."""


class Player:
    """Plays one recording; `differences` afterwards holds what was unlike."""

    def __init__(
        self,
        url: str,
        lines: list[dict[str, Any]],
        options: Options,
        content: Callable[[dict[str, Any], str], bytes],
        executing: Callable[[], str | None],
    ) -> None:
        self._url = url
        self._lines = lines
        self._options = options
        self._content = content
        self._executing = executing
        self._theirs, self._ours = Names(), Names()
        self._recorded: dict[str, Socket] = {}
        self._sockets: dict[str, Socket] = {}
        self._arrived = asyncio.Condition()
        self._answers: list[tuple[str, str, dict[str, Any], Answer]] = []
        self._etags: dict[str, str] = {}
        self._session: aiohttp.ClientSession

    async def play(self) -> list[Difference]:
        async with aiohttp.ClientSession(auto_decompress=True) as self._session:
            for place, line in enumerate(self._lines):
                await self._line(place, line)
            await self._until_quiet()
            for socket in self._sockets.values():
                await self._close(socket)
        return [*self._answer_differences(), *self._event_differences()]

    async def _line(self, place: int, line: dict[str, Any]) -> None:
        match line["kind"]:
            case "http_request":
                await self._caught_up()
                recorded = self._recorded_answer(place, line)
                if recorded is not None:
                    await self._request(line, recorded)
            case "ws_connect":
                await self._caught_up()
                await self._connect(line)
            case "ws_send":
                await self._send(line)
            case "ws_recv":
                self._recorded[line["ws"]].frames.append(line["json"])
                self._theirs.learn_files(line["json"])
                sid = line["json"]["data"].get("sid")
                if sid:
                    self._theirs.sids.setdefault(sid, f"sid#{len(self._theirs.sids)}")
            case "ws_recv_binary":
                self._recorded[line["ws"]].frames.append(("binary", line["event_type"]))
            case "ws_client_close":
                await self._caught_up()
                await self._close(self._sockets[line["ws"]])
            case "ws_closed":
                if line["ws"] in self._sockets and self._more_to_do(place):
                    await self._caught_up()
                    await self._close(self._sockets[line["ws"]])

    def _more_to_do(self, place: int) -> bool:
        rest = self._lines[place + 1 :]
        return any(line["kind"] in ("http_request", "ws_connect", "ws_recv") for line in rest)

    def _recorded_answer(self, place: int, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to the request at this place; of several at once, answers come in the same order."""

        def alike(line: dict[str, Any], kind: str) -> bool:
            return line["kind"] == kind and (line["method"], line["path"]) == (
                request["method"],
                request["path"],
            )

        turn = sum(alike(line, "http_request") for line in self._lines[:place])
        answers = [line for line in self._lines if alike(line, "http_response")]
        return answers[turn] if turn < len(answers) else None

    async def _connect(self, line: dict[str, Any]) -> None:
        self._recorded[line["ws"]] = Socket()
        opened = any(other["kind"] == "ws_open" and other["ws"] == line["ws"] for other in self._lines)
        origin = line["ws"].removeprefix("ws-") if line["ws"].startswith("ws-") else None
        headers = {"Origin": self._here(origin)} if origin else {}
        if self._first(line["ws"], "status") == {"status": {"exec_info": {"queue_remaining": 0}}}:
            await self._idle()
        current = self._first(line["ws"], "executing")
        while current is not None and "prompt_id" not in current and self._executing() != current["node"]:
            await asyncio.sleep(0)
        try:
            websocket = await self._session.ws_connect(
                self._address(line["path"]), headers=headers, max_msg_size=0
            )
        except aiohttp.WSServerHandshakeError as error:
            if opened or error.status != 403:
                raise
            return
        assert opened, f"the sandbox let {line['ws']} in"
        socket = self._sockets[line["ws"]] = Socket(websocket=websocket)
        socket.reader = asyncio.create_task(self._read(socket))

    def _first(self, name: str, event: str) -> dict[str, Any] | None:
        """What the first recorded event of this type told the socket, but for its sid."""
        for line in self._lines:
            if line["kind"] == "ws_recv" and line["ws"] == name and line["json"]["type"] == event:
                return {key: value for key, value in line["json"]["data"].items() if key != "sid"}
        return None

    async def _idle(self) -> None:
        while True:
            answer = await self._ask("GET", f"{self._url}/prompt", {}, None)
            if answer.body["exec_info"]["queue_remaining"] == 0:
                return

    async def _read(self, socket: Socket) -> None:
        assert socket.websocket is not None
        async for message in socket.websocket:
            if message.type is aiohttp.WSMsgType.TEXT:
                frame = json.loads(message.data)
                self._ours.learn_files(frame)
                sid = frame["data"].get("sid")
                if sid:
                    self._ours.sids.setdefault(sid, f"sid#{len(self._ours.sids)}")
            else:
                frame = ("binary", check_binary(message.data))
            async with self._arrived:
                socket.frames.append(frame)
                self._arrived.notify_all()

    async def _send(self, line: dict[str, Any]) -> None:
        websocket = self._sockets[line["ws"]].websocket
        assert websocket is not None
        body = line["json"]
        await websocket.send_str(body if isinstance(body, str) else json.dumps(body))

    async def _close(self, socket: Socket) -> None:
        if socket.websocket is not None and socket.reader is not None:
            await socket.websocket.close()
            await socket.reader
            socket.websocket = None

    async def _request(self, line: dict[str, Any], recorded: dict[str, Any]) -> None:
        action = self._options.actions.get(len(self._answers))
        if action is not None:
            action()
        headers = dict(line.get("headers", {}))
        for name in ("Origin", "Host"):
            if name in headers:
                headers[name] = self._here(headers[name])
        if "If-None-Match" in headers:
            headers["If-None-Match"] = self._etags[line["path"]]
        data: Any = None
        if "multipart" in line:
            data = self._form(line["multipart"])
        elif "body_text" in line:
            data = line["body_text"].encode()
        elif "json" in line:
            data = json.dumps(self._translated(line["json"])).encode()
            headers.setdefault("Content-Type", "application/json")
        answer = await self._ask(line["method"], self._address(line["path"]), headers, data)
        if line["path"].startswith("/history/") and recorded.get("json"):
            # The recording's client had waited for the entry.
            while not answer.body:
                answer = await self._ask("GET", self._address(line["path"]), headers, data)
        if "Etag" in answer.headers:
            self._etags[line["path"]] = answer.headers["Etag"]
        if not line["path"].startswith(self._options.skipped):
            self._theirs.learn_answer(line["path"].split("?")[0], recorded.get("json"))
            self._ours.learn_answer(line["path"].split("?")[0], answer.body)
        self._answers.append((line["method"], line["path"], recorded, answer))

    async def _ask(self, method: str, address: str, headers: dict[str, str], data: Any) -> Answer:
        async with self._session.request(
            method,
            address,
            headers=headers,
            data=data,
            skip_auto_headers=() if isinstance(data, aiohttp.FormData) else ("Content-Type",),
        ) as response:
            raw = await response.read()
            body: Any = raw
            kind = response.headers.get("Content-Type", "")
            if kind.startswith("application/json"):
                body = json.loads(raw) if raw else None  # a HEAD has the type and no body
            elif kind.startswith("text/"):
                body = raw.decode()
            return Answer(response.status, dict(response.headers), body)

    def _form(self, parts: list[dict[str, Any]]) -> aiohttp.FormData:
        form = aiohttp.FormData(quote_fields=False)
        flags = "".join(part["value"] for part in parts if part["name"] == "overwrite")
        for part in parts:
            if "filename" in part:
                form.add_field(
                    part["name"],
                    self._content(part, flags),
                    filename=part["filename"],
                    content_type=part["content_type"],
                )
            else:
                form.add_field(part["name"], part["value"])
        return form

    def _here(self, text: str) -> str:
        return text.replace(":8188", f":{urlsplit(self._url).port}")

    def _address(self, path: str) -> Any:
        """The path with the recording's ids and file names replaced by ours, encoded as it was."""
        parts = urlsplit(path)
        steps = [self._our_word(unquote(step)) for step in parts.path.split("/")]
        query = [(key, self._our_word(value)) for key, value in parse_qsl(parts.query, True, separator="&")]
        text = "/".join(quote(step, safe=":") for step in steps)
        return f"{self._url}{text}" + (f"?{urlencode(query, quote_via=quote)}" if parts.query else "")

    def _our_word(self, word: str) -> str:
        if word in self._theirs.prompts:
            place = self._theirs.prompts.index(word)
            return self._ours.prompts[place] if place < len(self._ours.prompts) else word
        if word in self._theirs.files:
            return self._ours.real_file(self._theirs.files[word]) or word
        if word in self._theirs.sids:
            alias = self._theirs.sids[word]
            return next((sid for sid, own in self._ours.sids.items() if own == alias), word)
        return word

    def _translated(self, body: Any) -> Any:
        if isinstance(body, str):
            return self._our_word(body)
        if isinstance(body, dict):
            return {key: self._translated(value) for key, value in body.items()}
        if isinstance(body, list):
            return [self._translated(value) for value in body]
        return body

    async def _caught_up(self) -> None:
        """Wait until our sockets have what the recording's had by now."""

        def there() -> bool:
            return all(
                not (
                    Counter(self._milestones(self._recorded[name].frames, self._theirs))
                    - Counter(self._milestones(socket.frames, self._ours))
                )
                for name, socket in self._sockets.items()
                if socket.websocket is not None
            )

        await self._wait(there, lambda: self._missing())

    async def _until_quiet(self) -> None:
        """Wait for the last recorded events, then for the queue to be empty and all frames to be in."""
        await self._caught_up()
        await self._idle()
        # A status is sent to all after everything else: what was to come is in when it is.
        marker = await self._session.ws_connect(f"{self._url}/ws")
        await marker.receive()
        live = [socket for socket in self._sockets.values() if socket.websocket is not None]
        before = [len(socket.frames) for socket in live]
        await self._ask("POST", f"{self._url}/queue", {}, b'{"clear": true}')
        await marker.receive()
        await marker.close()
        for socket, count in zip(live, before, strict=True):
            if len(socket.frames) > count:
                last = socket.frames[-1]
                if isinstance(last, dict) and last["type"] == "status":
                    socket.frames.pop()

    async def _wait(self, there: Callable[[], bool], missing: Callable[[], str]) -> None:
        async with self._arrived:
            try:
                await asyncio.wait_for(self._arrived.wait_for(there), DEADLINE)
            except asyncio.TimeoutError:
                raise AssertionError(f"the sandbox never sent {missing()}") from None

    def _missing(self) -> str:
        lacking = {
            name: Counter(self._milestones(self._recorded[name].frames, self._theirs))
            - Counter(self._milestones(socket.frames, self._ours))
            for name, socket in self._sockets.items()
        }
        return str({name: list(events) for name, events in lacking.items() if events})

    def _milestones(self, frames: Iterable[Any], names: Names) -> Iterable[tuple[Any, ...]]:
        for frame in frames:
            if not isinstance(frame, dict) or frame["type"] not in MILESTONES:
                continue
            data = frame["data"]
            prompt = data.get("prompt_id")
            if prompt is None or prompt in names.prompts:
                place = None if prompt is None else names.prompts.index(prompt)
                if frame["type"] == "progress" and self._options.loose_steps:
                    continue_at = min(data["value"], 3)
                    yield frame["type"], place, data["node"], continue_at
                else:
                    yield frame["type"], place, data.get("node"), data.get("value")

    def _answer_differences(self) -> Iterable[Difference]:
        for method, path, recorded, answer in self._answers:
            where = f"{method} {path}"
            if self._options.only and not path.startswith(self._options.only):
                continue
            if recorded["status"] != answer.status:
                yield Difference(f"{where} status", recorded["status"], answer.status)
            for header in ("content-type", "allow", "content-disposition", "accept-ranges", "content-range"):
                theirs = recorded.get("headers", {}).get(header)
                ours = answer.headers.get(header.title())
                if header in ("content-disposition", "content-range"):
                    theirs, ours = _masked(theirs), _masked(ours)
                if theirs != ours:
                    yield Difference(f"{where} header {header}", theirs, ours)
            if path.startswith(self._options.skipped):
                continue
            if "json" in recorded and method != "HEAD":
                theirs, ours = self._theirs.plain(recorded["json"]), self._ours.plain(answer.body)
                if path.startswith(self._options.shapes):
                    theirs, ours = shape(theirs), shape(ours)
                yield from compared(f"{where} body", theirs, ours)
            elif isinstance(answer.body, str) and recorded.get("text", answer.body) != answer.body:
                yield Difference(f"{where} text", recorded["text"], answer.body)

    def _event_differences(self) -> Iterable[Difference]:
        for name, socket in () if self._options.only else self._sockets.items():
            theirs = events(self._recorded[name].frames, self._theirs, self._options)
            ours = events(socket.frames, self._ours, self._options)
            if self._options.any_order:
                theirs, ours = by_node(theirs), by_node(ours)
            yield from compared(f"socket {name}", theirs, ours)


def check_binary(data: bytes) -> int:
    """The kind of a binary frame, after its inside has been looked at."""
    (kind,) = struct.unpack_from(">I", data)
    if kind == 4:
        (length,) = struct.unpack_from(">I", data, 4)
        metadata = json.loads(data[8 : 8 + length])
        assert list(metadata) == [
            "node_id",
            "prompt_id",
            "display_node_id",
            "parent_node_id",
            "real_node_id",
            "image_type",
        ]
        picture = data[8 + length :]
    else:
        assert struct.unpack_from(">I", data, 4) == (1,)
        picture = data[8:]
    with Image.open(io.BytesIO(picture)) as opened:
        assert opened.format == "JPEG"
        assert max(opened.size) == 512
    return int(kind)


def events(frames: list[Any], names: Names, options: Options) -> list[Any]:
    """A socket's frames in comparable form. Of each progress_state only what is new in it is kept."""
    found: list[Any] = []
    states: dict[str, dict[str, Any]] = {}
    for frame in frames:
        if isinstance(frame, tuple):
            found.append(frame)
        elif frame["type"] == "progress_state":
            prompt, nodes = frame["data"]["prompt_id"], frame["data"]["nodes"]
            before = states.get(prompt, {})
            for node, state in nodes.items():
                if before.get(node) != state:
                    found.append(["progress_state", node, names.plain(state)])
            states[prompt] = nodes
        else:
            found.append([frame["type"], names.plain(frame["data"])])
    if options.statuses == "last":
        found = _with_last_status(found)
    if options.loose_steps:
        found = _without_steps(found)
    return found


def _with_last_status(found: list[Any]) -> list[Any]:
    statuses = [event for event in found if event[0] == "status"]
    others = [event for event in found if event[0] != "status"]
    return [*statuses[:1], *others, *statuses[-1:]]


def _without_steps(found: list[Any]) -> list[Any]:
    """Steps of one node in a row as one entry."""
    short: list[Any] = []
    for event in found:
        started = event[0] == "progress_state" and event[2]["state"] == "running" and event[2]["value"]
        if started or event[0] in ("binary", "progress"):
            event = ["steps"]
        if event != ["steps"] or not short or short[-1] != ["steps"]:
            short.append(event)
    # A socket opened in mid-run may come in between a step's progress_state and its progress.
    heard = next((place for place, event in enumerate(short) if event[0] == "progress_state"), len(short))
    return [event for place, event in enumerate(short) if place > heard or event != ["steps"]]


def by_node(found: list[Any]) -> list[Any]:
    """Events sorted by node, each node's own order kept; what is about no node stays where it is."""

    def node(event: Any) -> str:
        if event[0] == "progress_state":
            return str(event[1])
        if event[0] in ("executing", "executed", "progress"):
            return str(event[1].get("node") or "")
        return ""

    result: list[Any] = []
    block: list[Any] = []
    for event in [*found, ["end", {}]]:
        if node(event) or event[0] == "binary":
            block.append(event)
        else:
            result += [*sorted(block, key=node), event]
            block = []
    return result


def compared(where: str, theirs: Any, ours: Any) -> Iterable[Difference]:
    """The differences of two JSON values, each at its own place."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in {**theirs, **ours}:
            if key not in theirs or key not in ours:
                yield Difference(f"{where}.{key}", theirs.get(key, "absent"), ours.get(key, "absent"))
            else:
                yield from compared(f"{where}.{key}", theirs[key], ours[key])
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            yield Difference(f"{where} length", theirs, ours)
            return
        for place, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from compared(f"{where}[{place}]", one, other)
    elif theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool):
        yield Difference(where, theirs, ours)


def shape(value: Any) -> Any:
    """Keys and types; of a list its first entry."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    return type(value).__name__


def _masked(value: str | None) -> str | None:
    return None if value is None else re.sub(r"\d+", "N", re.sub(r"temp_[a-z]{5}", "temp", value))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr) if not isinstance(value, str) else value
    return text if len(text) <= 700 else f"{text[:700]}..."
