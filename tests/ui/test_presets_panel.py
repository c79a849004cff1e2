"""What the form's menu of presets is answered, whatever is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from comfyui_bridge.core import form, template
from comfyui_bridge.core.node_defs import EMPTY
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.presets import PresetStore
from comfyui_bridge.ui import presets_panel
from comfyui_bridge.ui.dashboard import Dashboard

GRAPH = {
    "1": {"class_type": "KSampler", "inputs": {"seed": 3, "steps": 20}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lake"}},
}
TEMPLATE = template.parse("lake", GRAPH)


class _Asked:
    """A library and an engine of one template, and no run."""

    def get(self, slug: str) -> Any:
        return TEMPLATE if slug == TEMPLATE.slug else None

    def form(self, wanted: Any) -> Any:
        return form.make(wanted, EMPTY)

    def snapshot(self, run_id: str) -> None:
        return None


@pytest.fixture
def page(tmp_path: Path) -> Iterator[TestClient]:
    with Database(tmp_path) as database:
        asked: Any = _Asked()
        dashboard = Dashboard(
            engine=asked,
            library=asked,
            editor=SimpleNamespace(),  # type: ignore[arg-type]
            media=SimpleNamespace(),  # type: ignore[arg-type]
            results=SimpleNamespace(),  # type: ignore[arg-type]
            version="1.2.3",
            presets=PresetStore(database),
        )
        yield TestClient(Starlette(routes=presets_panel.routes(dashboard)))


def ask(page: TestClient, question: object, **more: Any) -> dict[str, Any]:
    answer = page.post("/presets", content=json.dumps({"template": "lake", **more, "ask": question}))
    assert answer.status_code == 200
    return dict(answer.json())


def test_a_form_s_values_are_kept_and_told_by_their_text(page: TestClient) -> None:
    assert ask(page, "list") == {"presets": []}
    form_ = form.make(TEMPLATE, EMPTY)
    keys = {one.input: one.key for one in form_.inputs}
    told = ask(page, "keep", name="Sea", values={keys["text"]: "a stormy sea", keys["steps"]: "8"})
    (kept,) = told["presets"]
    assert (kept["name"], kept["says"], kept["own"], kept["unfit"]) == ("Sea", "a stormy sea", True, "")
    renamed = ask(page, "rename", id=kept["id"], name="Gale")
    assert [one["name"] for one in renamed["presets"]] == ["Gale"]
    assert ask(page, "delete", id=kept["id"]) == {"presets": []}
    assert len(ask(page, "restore", id=kept["id"])["presets"]) == 1


@pytest.mark.parametrize(
    "question",
    [
        {"ask": "nothing"},
        {"ask": "keep", "name": "x", "values": {}, "template": "gone"},
        {"ask": "keep", "name": "x", "values": [1]},
        {"ask": "keep", "name": "", "values": {}},
        {"ask": "keep", "name": {"a": 1}, "run": "no such run"},
        {"ask": ["keep"]},
    ],
)
def test_what_cannot_be_done_is_a_sentence(page: TestClient, question: dict[str, Any]) -> None:
    told = ask(page, question.pop("ask"), **question)
    assert told["error"]
    assert ask(page, "list") == {"presets": []}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"ask": "\\ud800"}', b"[" * 100_000])
def test_what_is_no_question_is_refused(page: TestClient, body: bytes) -> None:
    assert page.post("/presets", content=body).status_code == 400
