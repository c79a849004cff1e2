"""Who may add servers, pause and remove them: whoever sits at the machine, or has signed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from starlette.requests import Request

from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.engine.engine import Engine
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.store.servers import ServerStore
from comfyui_bridge.ui import servers_panel
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.desk import Desk
from comfyui_bridge.ui.words import Words

EN = Words("en")
ADDED = "http://127.0.0.1:9"
HERE = ("127.0.0.1", b"localhost:7860", b"", False)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Database(tmp_path) as database:
        kept = ServerStore(database)
        engine = Engine([], RunStore(database), MediaStore(tmp_path), kept=kept, connect=ComfyServer)
        nothing: Any = None
        dashboard = Dashboard(
            engine=engine, library=nothing, editor=nothing, media=nothing, results=nothing, version="1"
        )
        yield Desk(dashboard, nothing)
        engine.stop()


def asked_by(client: str, host: bytes, forwarded: bytes, signed_in: bool) -> Any:
    headers = [(b"host", host), *([(b"x-forwarded-for", forwarded)] if forwarded else [])]
    scope = {"type": "http", "client": (client, 50000), "headers": headers}
    request = Request({**scope, "state": {"owner": "ann", "signed_in": signed_in}})
    return SimpleNamespace(request=request, state=request.state)


def event(**said: str) -> Any:
    return gr.EventData(None, said)


@pytest.mark.parametrize(
    "who",
    [
        ("10.0.0.7", b"bridge:7860", b"", False),
        ("127.0.0.1", b"bridge.example.org", b"", False),
        ("127.0.0.1", b"localhost:7860", b"10.0.0.7", False),
    ],
    ids=["another machine", "by another name", "through a proxy"],
)
def test_who_is_elsewhere_changes_no_servers_without_signing_in(
    desk: Desk, who: tuple[str, bytes, bytes, bool]
) -> None:
    servers_panel.acted(desk, event(action="add", url=ADDED), EN, asked_by(*HERE))
    request = asked_by(*who)
    for said in (
        event(action="add", url="http://127.0.0.1:10"),
        event(action="remove", server=ADDED),
        event(action="pause", server=ADDED),
        event(action="free", server=ADDED),
    ):
        shown = servers_panel.acted(desk, said, EN, request)
        assert shown["problem"] == EN("not_allowed")
        assert not shown["may_manage"]
    (status,) = desk.engine.servers()
    assert (status.name, status.paused, status.leaving) == (ADDED, False, False)


@pytest.mark.parametrize("who", [HERE, ("10.0.0.7", b"bridge:7860", b"", True)], ids=["here", "signed in"])
def test_who_is_here_or_has_signed_in_adds_a_server(desk: Desk, who: tuple[str, bytes, bytes, bool]) -> None:
    shown = servers_panel.acted(
        desk, event(action="add", url="http://me:secret@127.0.0.1:9"), EN, asked_by(*who)
    )
    assert shown["said"] == f"{ADDED} is added."
    assert [status.name for status in desk.engine.servers()] == [ADDED]
    assert "secret" not in repr((shown, desk.engine.servers()))
