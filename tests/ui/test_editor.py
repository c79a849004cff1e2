"""What the editor asks by its addresses, over a library on disk and an engine with a server."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from comfyui_bridge.core.server import OfferedTemplate
from comfyui_bridge.engine.engine import Engine
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.editor import Editor
from comfyui_bridge.store.library import Library
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.templates import Templates
from comfyui_bridge.ui.templates_tab import listing
from comfyui_bridge.ui.templates_tab.routes import MOST_MB, routes
from comfyui_bridge.ui.words import Words
from tests.fakes.fake_server import FakeServer
from tests.ui.serving_kit import until
from tests.ui.test_panels import HOSTILE, assert_harmless

GRAPH = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}
INVERT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}
UI_FORMAT = {
    "nodes": [
        {"id": 1, "type": "LoadImage", "mode": 0, "inputs": [], "widgets_values": ["example.png", "image"],
         "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]},
        {"id": 2, "type": "SaveImage", "mode": 0, "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
         "outputs": [], "widgets_values": ["x"]},
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    "version": 0.4,
}  # fmt: skip
CARD = '# by hand\ntitle = "First one"\ntags = ["one"]\n\n[[inputs]]\nnode = "1"\ninput = "width"  # wide\n'


class _Who:
    """Who asks, by a header; the real door has tests of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            name = dict(scope["headers"]).get(b"x-who", b"").decode()
            scope["state"] = {"owner": name, "signed_in": bool(name)}
        await self._app(scope, receive, send)


@dataclass
class House:
    folder: Path
    client: TestClient
    engine: Engine
    server: FakeServer
    dashboard: Dashboard

    def ask(self, ask: str, **told: Any) -> dict[str, Any]:
        answer = self.client.post("/library/ask", json={"ask": ask, "lang": "en", **told})
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    def bring(self, content: bytes, name: str, **more: str) -> dict[str, Any]:
        answer = self.client.post("/library/intake", params={"name": name, **more}, content=content)
        found: dict[str, Any] = answer.json()
        return found

    def card(self, slug: str) -> str:
        return (self.folder / f"{slug}.toml").read_text("utf-8")


@pytest.fixture(scope="module")
def engine_and_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Engine, FakeServer, MediaStore]]:
    data = tmp_path_factory.mktemp("data")
    server, media = FakeServer(), MediaStore(data)
    with Database(data) as database:
        engine = Engine([server], RunStore(database), media)
        engine.start()
        until(lambda: len(engine.node_defs()) > 0, "the server's definitions")
        yield engine, server, media
        engine.stop()


@pytest.fixture
def house(engine_and_server: tuple[Engine, FakeServer, MediaStore], tmp_path: Path) -> Iterator[House]:
    engine, server, media = engine_and_server
    folder = tmp_path / "workflows"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(GRAPH), "utf-8")
    (folder / "a.toml").write_text(CARD, "utf-8")
    dashboard = Dashboard(
        engine=engine,
        library=Catalogue(Library(folder)),
        editor=Editor(folder, tmp_path / "trash"),
        media=media,
        results=None,
        version="1",
    )
    app = Starlette(routes=routes(dashboard), middleware=[Middleware(_Who)])
    with TestClient(app) as client:
        yield House(folder, client, engine, server, dashboard)


def test_a_card_is_opened_changed_and_saved_with_its_comments(house: House) -> None:
    opened = house.ask("open", slug="a")
    held = opened["draft"]
    assert (held["title"], held["by_itself"]) == ("First one", False)
    held["title"] = "Another"
    held["rows"].append({"node": "1", "input": "height", "label": "How high", "max": "512"})
    saved = house.ask("save", slug="a", draft=held, version=opened["version"])
    assert saved["saved"]
    assert saved["version"] != opened["version"]
    assert saved["draft"]["rows"][1]["label"] == "How high"
    text = house.card("a")
    assert "# by hand" in text
    assert "# wide" in text
    form = house.engine.form(house.dashboard.library.get("a"))
    assert form.template.title == "Another"
    assert [(one.label, one.group) for one in form.inputs][:2] == [("Width", ""), ("How high", "")]


def test_the_second_of_two_is_told_and_nothing_is_overwritten(house: House) -> None:
    first, second = house.ask("open", slug="a"), house.ask("open", slug="a")
    first["draft"]["title"] = "First"
    second["draft"]["title"] = "Second"
    second["draft"]["rows"] = []
    assert house.ask("save", slug="a", draft=first["draft"], version=first["version"])["saved"]
    told = house.ask("save", slug="a", draft=second["draft"], version=second["version"])
    assert "saved" not in told
    assert told["theirs"]["draft"]["title"] == "First"
    assert told["differences"] == ["Title: First", "1.width is on their form only"]
    assert 'title = "First"' in house.card("a")
    over = house.ask("save", slug="a", draft=second["draft"], version=told["theirs"]["version"])
    assert over["saved"]
    assert 'title = "Second"' in house.card("a")


def test_a_wrong_draft_is_not_saved(house: House) -> None:
    opened = house.ask("open", slug="a")
    opened["draft"]["rows"][0]["min"] = "much"
    told = house.ask("save", slug="a", draft=opened["draft"], version=opened["version"])
    assert [(one["place"], one["field"]) for one in told["wrong"]] == [("1.width", "min")]
    assert house.card("a") == CARD
    assert house.ask("check", slug="a", draft=opened["draft"])["wrong"] == told["wrong"]


def test_a_card_that_cannot_be_read_says_where_and_is_replaced_only_when_asked_to(house: House) -> None:
    (house.folder / "a.toml").write_text('title = "A"\ntags = [1\n', "utf-8")
    opened = house.ask("open", slug="a")
    assert "Line 2" in opened["unreadable"]
    assert opened["draft"]["by_itself"]
    opened["draft"]["title"] = "Mended"
    told = house.ask("save", slug="a", draft=opened["draft"], version=opened["version"])
    assert "a.toml stays as it is" in told["replaceable"]
    assert "tags = [1" in house.card("a")
    again = house.ask("save", slug="a", draft=opened["draft"], version=opened["version"], replaces=True)
    assert again["saved"]
    assert again["unreadable"] == ""
    assert 'title = "Mended"' in house.card("a")


def test_a_card_that_is_wrong_in_places_says_where(house: House) -> None:
    (house.folder / "a.toml").write_text(CARD + 'min = "low"\nnonsense = 1\n', "utf-8")
    opened = house.ask("open", slug="a")
    assert opened["unreadable"] == ""
    assert any("min" in said and "ine 8" in said for said in opened["problems"])
    assert any("nonsense" in said for said in opened["problems"])


@pytest.mark.parametrize("document", [INVERT, UI_FORMAT], ids=["API format", "UI format"])
def test_a_workflow_is_brought_in_and_says_what_its_form_begins_with(
    house: House, document: dict[str, Any]
) -> None:
    told = house.bring(json.dumps(document).encode(), "My graph.json")
    assert told["slug"] == "My-graph"
    assert [one["label"] for one in told["found"]] == ["Image"]
    assert all(one["why"] for one in told["found"])
    opened = house.ask("open", slug="My-graph")
    assert opened["draft"]["by_itself"]
    assert opened["usual"] == opened["draft"]["rows"]


def test_a_workflow_with_an_unknown_node_says_which_and_comes_in_if_one_insists(house: House) -> None:
    document = json.loads(json.dumps(UI_FORMAT))
    document["nodes"][0]["type"] = "NobodyHasThis"
    content = json.dumps(document).encode()
    told = house.bring(content, "odd.json")
    assert "NobodyHasThis" in told["error"]
    assert told["could"]
    assert "server that has this node" in told["help"]
    assert not (house.folder / "odd.json").exists()
    assert house.bring(content, "odd.json", anyway="1")["slug"] == "odd"
    opened = house.ask("open", slug="odd")
    assert "NobodyHasThis" in opened["error_in_workflow"]
    opened["draft"]["title"] = "Odd one"
    assert house.ask("save", slug="odd", draft=opened["draft"], version="")["saved"]


def test_what_is_no_workflow_is_a_sentence(house: House) -> None:
    for content in (b"", b"{", b"[1]", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"\xff" * 100):
        assert house.bring(content, "x.json")["error"], content
    assert sorted(path.name for path in house.folder.iterdir()) == ["a.json", "a.toml"]


def test_a_bundle_goes_out_and_comes_in_again_with_all_its_parts(house: House) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (900, 600), "teal").save(picture, "PNG")
    told = house.client.post("/library/a/cover", content=picture.getvalue()).json()
    assert told["cover"].startswith("covers/a?")
    answer = house.client.get("/library/a.zip")
    assert answer.headers["content-disposition"].startswith('attachment; filename="a.zip"')
    assert sorted(zipfile.ZipFile(io.BytesIO(answer.content)).namelist()) == ["a.json", "a.toml", "a.webp"]
    token = house.ask("delete", slug="a")["token"]
    assert house.client.get("/library/a.zip").status_code == 404
    assert house.bring(answer.content, "a.zip")["slug"] == "a"
    assert house.card("a") == CARD
    with Image.open(house.folder / "a.webp") as cover:
        assert cover.width == 512
    assert house.ask("restore", token=token)["slug"] == "a-2"
    assert "error" in house.ask("restore", token=token)
    assert "error" in house.ask("restore", token="../../a")


def test_templates_are_duplicated_and_renamed(house: House) -> None:
    copy = house.ask("duplicate", slug="a")["slug"]
    assert house.ask("open", slug=copy)["draft"]["title"] == "First one 2"
    assert house.ask("rename", slug=copy, name="../b c")["slug"] == "b-c"
    assert (house.folder / "b-c.toml").exists()
    assert "error" in house.ask("rename", slug="b-c", name="a")


def test_a_cover_comes_from_one_s_own_results_only(house: House) -> None:
    template = house.dashboard.library.get("a")
    run_id = house.engine.submit(template, {}, "ann")
    until(lambda: house.engine.snapshot(run_id).run.state.is_final, "the run")
    bob, ann = {"X-Who": "bob"}, {"X-Who": "ann"}

    def ask(who: dict[str, str], **told: Any) -> dict[str, Any]:
        found: dict[str, Any] = house.client.post("/library/ask", json=told, headers=who).json()
        return found

    assert ask(bob, ask="results", slug="a")["results"] == []
    (one,) = [one for one in ask(ann, ask="results", slug="a")["results"] if one["run"] == run_id]
    question = {"ask": "cover", "slug": "a", "run": run_id, "name": one["name"]}
    assert ask(bob, **question) == {"error": "This result is not there any more."}
    # The fake's pictures are none, which is found out only once they are read.
    assert "no picture that can be read" in ask(ann, **question)["error"]
    assert ask(ann, **{**question, "name": "../../bridge.db"}) == {
        "error": "This result is not there any more."
    }


def test_what_a_server_keeps_can_be_taken(house: House) -> None:
    house.server.saved = {"deep/mine.json": json.dumps(UI_FORMAT).encode()}
    house.server.offered = {OfferedTemplate("flux", "Flux", "pack"): json.dumps(GRAPH).encode()}
    name = house.server.name
    offers = house.ask("offers", server=name)["offers"]
    assert offers == [
        {"what": "workflow", "name": "deep/mine.json"},
        {"what": "template", "name": "flux", "title": "Flux", "source": "pack"},
    ]
    assert house.ask("take", server=name, **offers[0])["slug"] == "mine"
    assert house.ask("take", server=name, **offers[1])["slug"] == "flux"
    assert "no longer offers" in house.ask("take", server=name, what="template", name="gone")["error"]
    assert "no server" in house.ask("offers", server="http://elsewhere")["error"]
    house.server.go_away()
    assert house.ask("offers", server=name)["error"]
    house.server.come_back()


def test_what_is_no_question_is_refused(house: House) -> None:
    too_large = b'{"a": 1' + b" " * (5 << 20)
    for body in (b"", b"[]", b"{", b'"x"', b"[" * 100_000, b'{"ask": "\\ud800"}', too_large):
        assert house.client.post("/library/ask", content=body).status_code == 400, body[:20]


def test_a_question_about_what_is_not_there_is_a_sentence(house: House) -> None:
    asks = ("open", "check", "save", "duplicate", "rename", "delete", "cover", "no")
    for ask in asks:
        for slug in ("", "../a", "a/../a", "\x00", "x" * 5000, "nobody"):
            assert house.ask(ask, slug=slug, draft={"rows": [[]]}, run="x", name="y")["error"], (ask, slug)
    assert sorted(path.name for path in house.folder.iterdir()) == ["a.json", "a.toml"]


def test_more_than_may_be_brought_is_refused(house: House) -> None:
    def much() -> Iterator[bytes]:
        for _ in range(MOST_MB + 2):
            yield b"0" * (1 << 20)

    answer = house.client.post("/library/intake?name=x.json", content=much())
    assert answer.status_code == 413
    assert f"{MOST_MB} MB" in answer.json()["error"]


def test_hostile_titles_are_text_in_the_list(house: House) -> None:
    opened = house.ask("open", slug="a")
    opened["draft"] |= {"title": HOSTILE, "description": HOSTILE, "tags": [HOSTILE]}
    assert house.ask("save", slug="a", draft=opened["draft"], version=opened["version"])["saved"]
    assert_harmless(listing.markup(Templates(house.dashboard.library).shelf(), Words()))
