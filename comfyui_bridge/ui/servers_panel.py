"""The tab Servers: who answers, what they run on and have to do, and what can be done with them.

Python says what there is, the page's script draws it, so that a button keeps its focus while numbers change.
Who may pause, add and remove is for `sign_in.may_manage` to say: it concerns everybody, and an address that
is added here is asked from here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from comfyui_bridge.core.errors import BridgeError, InvalidValues
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.server import ServerFacts
from comfyui_bridge.engine.pool import ServerState, ServerStatus
from comfyui_bridge.ui import charts
from comfyui_bridge.ui.desk import AT_ONCE, Desk, Session
from comfyui_bridge.ui.sign_in import may_manage, owner_of
from comfyui_bridge.ui.words import Words

HOURS = 6.0
_GB = 1_000_000_000
_SETTLED_S = 60.0
"""A state that is older is told without its age."""
_STATE_WORDS = {
    ServerState.READY: "server_ready",
    ServerState.CONNECTING: "server_connecting",
    ServerState.AWAY: "server_away",
}

_FRAME = """<p class="said" role="status"></p><ul class="servers"></ul><p class="none" hidden></p>
<section class="connect"></section>"""


@dataclass(frozen=True)
class ServersTab:
    """The tab's components. Clicks inside are `select` events of `list` that say what is asked."""

    list: gr.HTML
    charts: gr.HTML


@dataclass(frozen=True)
class ServerView:
    """One server in words."""

    name: str
    state: str
    """ready, connecting, away, paused or leaving."""
    said: str
    why: str = ""
    tag: str = ""
    version: str = ""
    device: str = ""
    memory: str = ""
    used: float = 0.0
    """The share of its memory that is in use."""
    queue: str = ""
    yours: int = 0
    model: str = ""
    paused: bool = False
    removable: bool = False


def lay_out() -> ServersTab:
    """The list of servers, then the charts."""
    list_ = gr.HTML(
        None,
        html_template=_FRAME,
        elem_id="servers",
        apply_default_css=False,
        js_on_load="bridge.servers(element, props, trigger, watch); /* triggers 'select' */",
    )
    drawn = gr.HTML(
        "",
        elem_id="charts",
        apply_default_css=False,
        js_on_load="bridge.charts(element, trigger); /* triggers 'input' */",
    )
    return ServersTab(list_, drawn)


def connect(desk: Desk, session: Session, tab: ServersTab) -> None:
    """What the buttons do, and when the charts are drawn."""

    def act(lang: str, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        return acted(desk, event, Words(lang), request)

    tab.list.select(act, session.lang, tab.list, trigger_mode="multiple", **AT_ONCE)

    def draw(lang: str) -> str:
        return charts.markup(desk.engine.activity(HOURS), HOURS, Words(lang))

    tab.charts.input(draw, session.lang, tab.charts, **AT_ONCE)


def refreshed(desk: Desk, tab: ServersTab, words: Words, request: gr.Request) -> dict[Any, Any]:
    """What changes without anybody's doing."""
    return {tab.list: _shown(desk, words, request)}


def refreshing(tab: ServersTab) -> set[Any]:
    """The components that `refreshed` speaks to."""
    return {tab.list}


def acted(desk: Desk, event: gr.EventData, words: Words, request: gr.Request) -> dict[str, Any]:
    """The servers once a button did what it says, or why it did not."""
    if event.action != "clear" and not may_manage(request):
        return _shown(desk, words, request, problem=words("not_allowed"))
    try:
        said = _act(desk, event, owner_of(request), words)
    except InvalidValues as error:
        return _shown(desk, words, request, problem=words.sentence(" ".join(error.problems.values())))
    except LookupError:
        return _shown(desk, words, request, problem=words("no_such_server", server=event.server))
    except BridgeError as error:
        return _shown(desk, words, request, problem=words.sentence(str(error)))
    return _shown(desk, words, request, said=said)


def _act(desk: Desk, event: gr.EventData, owner: str, words: Words) -> str:
    """Do what a button says; the sentence that says it is done."""
    engine, server = desk.engine, str(getattr(event, "server", "") or "")
    match event.action:
        case "pause" | "resume":
            engine.pause(server, event.action == "pause")
            return words(f"did_{event.action}", server=server)
        case "free":
            engine.free(server)
            return words("did_free", server=server)
        case "clear":
            return words.count("did_clear", engine.cancel_all(owner, server))
        case "remove":
            engine.remove_server(server)
            return words("did_remove", server=server)
        case "add":
            return words("did_add", server=engine.add_server(str(event.url).strip()))
    return ""


def _shown(
    desk: Desk, words: Words, request: gr.Request, *, said: str = "", problem: str = ""
) -> dict[str, Any]:
    own = desk.engine.queue(owner_of(request))
    views = [view(status, own, time.time(), words) for status in desk.engine.servers()]
    return {
        "servers": [asdict(one) for one in views],
        "may_manage": may_manage(request),
        "said": said,
        "problem": problem,
        "at": time.time(),
    }


def view(status: ServerStatus, own: Sequence[Run], now: float, words: Words) -> ServerView:
    """A server as whoever has these unfinished runs sees it."""
    facts = status.facts or ServerFacts()
    total, free = _memory(facts)
    yours = sum(1 for run in own if run.server == status.name)
    return ServerView(
        name=status.name,
        state=_state(status),
        said=_said(status, now, words),
        why=_why(status, now, words),
        tag=words("sandbox_short") if facts.is_sandbox else "",
        version=facts.version,
        device=", ".join(device.name for device in facts.devices),
        memory=words("free_of", free=f"{free / _GB:.1f}", total=f"{total / _GB:.1f}") if total else "",
        used=min(1.0, max(0.0, 1 - free / total)) if total else 0.0,
        queue=_queue(status, yours, words),
        yours=yours,
        model=status.model,
        paused=status.paused,
        removable=status.added and not status.leaving,
    )


def _state(status: ServerStatus) -> str:
    if status.leaving:
        return "leaving"
    if status.paused and status.state is ServerState.READY:
        return "paused"
    return status.state.value


def _said(status: ServerStatus, now: float, words: Words) -> str:
    age = max(1.0, now - status.since)
    if status.leaving:
        return words("server_leaving")
    if status.state is ServerState.AWAY and status.since:
        return words("server_away_since", time=words.time(age))
    said = words("server_paused" if status.paused else _STATE_WORDS[status.state])
    if status.since and status.state is ServerState.READY and not status.paused and age >= _SETTLED_S:
        return words("server_since", state=said, time=words.time(age))
    return said


def _why(status: ServerStatus, now: float, words: Words) -> str:
    if status.error:
        return words.sentence(status.error)
    if not status.last_error or status.last_error_at is None:
        return ""
    age = words.time(max(1.0, now - status.last_error_at))
    return words("server_last_error", time=age, error=words.sentence(status.last_error))


def _queue(status: ServerStatus, yours: int, words: Words) -> str:
    if status.state is not ServerState.READY:
        return ""
    others = max(0, status.mine - yours) + status.others
    parts = [words("queue_yours", count=yours)] if yours else []
    parts += [words("queue_others", count=others)] if others else []
    return ", ".join(parts) or words("queue_empty")


def _memory(facts: ServerFacts) -> tuple[int, int]:
    """Total and free bytes: of the devices, or where they have none of their own, of the machine."""
    total = sum(device.vram_total for device in facts.devices)
    if not total:
        return facts.ram_total, facts.ram_free
    return total, sum(device.vram_free for device in facts.devices)
