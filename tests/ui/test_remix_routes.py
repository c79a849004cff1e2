"""Where a result can go as an input, and what a dropped file comes from, whatever is sent."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from comfyui_bridge.core import form, node_defs, template
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.ui import remix_routes
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.sign_in import Browsers

RECORDINGS = Path(__file__).parents[1] / "recordings"
INK = {"name": "ink.safetensors", "strength_model": 0.8}
ME = "A" * 22


def recorded(name: str) -> dict[str, Any]:
    return dict(json.loads((RECORDINGS / "workflows" / f"{name}.json").read_text("utf-8")))


class _House:
    """A library of three templates and an engine that knows one run of somebody."""

    def __init__(self) -> None:
        info = json.loads((RECORDINGS / "comfyui-0.3.64/object_info.json").read_text("utf-8"))
        self.defs = node_defs.parse(info)
        found = [
            template.parse("painted", recorded("sd15_txt2img")),
            template.parse("edited", recorded("sd15_img2img")),
            template.parse("twin", recorded("sd15_txt2img")),
            template.parse("broken", {"1": {"class_type": 3}}),
        ]
        self.found = {one.slug: one for one in found}
        self.kept: Run | None = None

    def templates(self) -> tuple[Template, ...]:
        return tuple(self.found.values())

    def get(self, slug: str) -> Template | None:
        return self.found.get(slug)

    def form(self, wanted: Template) -> form.Form:
        return form.make(wanted, self.defs)

    def node_defs(self) -> node_defs.NodeDefs:
        return self.defs

    def alike(self, workflow: Workflow, owner: str) -> Run | None:
        is_it = self.kept is not None and self.kept.owner == owner and self.kept.workflow == workflow
        return self.kept if is_it else None


@pytest.fixture(scope="module")
def house() -> _House:
    return _House()


@pytest.fixture
def page(house: _House) -> TestClient:
    asked: Any = house
    nothing: Any = SimpleNamespace()
    dashboard = Dashboard(
        engine=asked, library=asked, editor=nothing, media=nothing, results=nothing, version="1.2.3"
    )
    app = Browsers(Starlette(routes=remix_routes.routes(dashboard)))
    return TestClient(app, cookies={"comfyui_bridge_browser": ME})


def brought(page: TestClient, document: object, **asked: str) -> dict[str, Any]:
    answer = page.post("/remix/intake", params={"name": "a.json", **asked}, content=json.dumps(document))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


def test_a_result_can_go_where_its_kind_is_taken(page: TestClient) -> None:
    told = page.get("/remix/inputs", params={"kind": "image", "template": "edited"}).json()["templates"]
    assert told[0]["slug"] == "edited"
    assert told[0]["inputs"][0]["label"] == "Image"
    assert {one["slug"] for one in told} == {"painted", "edited", "twin"}, "a ControlNet takes one too"
    chinese = page.get("/remix/inputs", params={"template": "edited", "lang": "zh"}).json()["templates"]
    assert chinese[0]["inputs"][0]["label"] != "Image"
    assert page.get("/remix/inputs", params={"kind": "audio"}).json() == {"templates": []}


def test_a_workflow_finds_its_template_the_one_on_the_page_first(page: TestClient, house: _House) -> None:
    sent = house.form(house.found["painted"]).patched({"seed": 12})
    assert brought(page, sent.to_api())["slug"] == "painted"
    told = brought(page, sent.to_api(), template="twin")
    assert (told["slug"], told["values"]["seed"]) == ("twin", 12)


def test_what_was_put_into_its_graph_comes_back_as_values(page: TestClient, house: _House) -> None:
    sent = house.form(house.found["painted"]).patched({"seed": 12, "loras": [INK]})
    told = brought(page, sent.to_api(), template="edited")
    assert (told["slug"], told["values"]["loras"], told["values"]["seed"]) == ("painted", [INK], 12)


def test_a_run_of_one_s_own_says_what_its_form_said(page: TestClient, house: _House) -> None:
    sent = house.form(house.found["painted"]).patched({"seed": 12})
    house.kept = Run("r", "p", sent, 1.0, template="twin", owner=f"browser-{ME}", values={"seed": 12, "x": 1})
    assert brought(page, sent.to_api())["values"] == {"seed": 12, "x": 1}
    page.cookies.clear()
    assert brought(page, sent.to_api())["slug"] == "painted"
    house.kept = None


def test_a_graph_of_no_template_is_offered_as_a_new_one(page: TestClient) -> None:
    document = recorded("sd15_txt2img")
    document["9"]["class_type"] = "PreviewImage"
    assert brought(page, document, name="mine.json") == {"title": "mine", "nodes": len(document)}


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xd8", b"[" * 100_000, b'{"1": {}}'])
def test_what_carries_no_workflow_is_a_sentence(page: TestClient, content: bytes) -> None:
    answer = page.post("/remix/intake", params={"name": "a.json"}, content=content)
    assert answer.status_code == 200
    assert answer.json()["error"]


def test_too_much_is_refused_in_the_language_of_the_page(page: TestClient) -> None:
    chunk = b" " * (1 << 20)
    told = page.post("/remix/intake?lang=zh", content=(chunk for _ in range(65)))
    assert told.status_code == 413
    assert "64" in told.json()["error"]
    assert not told.json()["error"].isascii()
