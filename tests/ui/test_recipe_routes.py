"""Recipes, workflows and comparisons over HTTP: what they say, and to whom."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import argon2
import httpx
import pytest

from comfyui_bridge.core import workflow
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.engine.engine import Engine
from comfyui_bridge.store.accounts import Accounts, Sessions
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.library import Library
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.ui.dashboard import Dashboard
from tests.ui.serving_kit import client_of, served

ROOT = Path(__file__).resolve().parents[2]
GRAPH = json.loads((ROOT / "workflows" / "text-to-image.json").read_text(encoding="utf-8"))
PASSWORD = "correct horse battery"
NOT_SHARED = (
    "There is no such result here, or it is not shared with you. Ask who made it to copy its recipe link."
)
UPLOAD = FileValue("ab" * 32, "secret.png")


def a_run(run_id: str, owner: str, **values: object) -> Run:
    graph = workflow.parse(GRAPH).with_input("6", "text", str(values["prompt"]))
    given = {"seed": 2**63 + 11, "steps": 3, **values}
    state = RunState.COMPLETED
    return Run(
        run_id,
        f"prompt-{run_id}",
        graph,
        1.0,
        "text-to-image",
        "Text",
        owner,
        given,
        state,
        fingerprint="f" * 64,
    )


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    data = tmp_path_factory.mktemp("data")
    templates = data / "workflows"
    templates.mkdir()
    for suffix in ("json", "toml"):
        shutil.copy(ROOT / "workflows" / f"text-to-image.{suffix}", templates)
    media = MediaStore(data)
    accounts = Accounts(data / "accounts", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with Database(data) as database:
        runs = RunStore(database)
        for run in (
            a_run("adas", "ada", prompt="<script>alert(1)</script> 猫 \ud800"),
            a_run(
                "adas2",
                "ada",
                prompt="<script>alert(2)</script> 猫",
                loras=[{"name": "x", "strength_model": 1.0}],
            ),
            a_run("bobs", "bob", prompt="bob's own words", image=UPLOAD),
        ):
            kept = media.keep(run.run_id, OutputFile("a.png"), [b"\x89PNG"])
            runs.insert(replace(run, kept=(kept,)))
        for name in ("ada", "bob"):
            accounts.add(name, PASSWORD)
        engine = Engine([], runs, media)
        engine.start()
        yield Dashboard(
            engine=engine,
            library=Catalogue(Library(templates)),
            editor=None,
            media=media,
            results=None,
            version="1.2.3",
            accounts=accounts,
            sessions=Sessions(database),
        )
        engine.stop()


@pytest.fixture(scope="module")
def ada(dashboard: Dashboard) -> Iterator[httpx.Client]:
    with served(dashboard) as page, client_of(page.url) as client:
        client.post("/sign-in", data={"name": "ada", "password": PASSWORD})
        yield client


@pytest.fixture(scope="module")
def anyone(dashboard: Dashboard) -> Iterator[httpx.Client]:
    """On a page without accounts."""
    with served(replace(dashboard, accounts=None, sessions=None)) as page, client_of(page.url) as client:
        yield client


def test_a_workflow_is_downloaded_as_it_was_sent_and_never_opened(ada: httpx.Client) -> None:
    answer = ada.get("/runs/adas.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="adas.json"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    sent = answer.json()
    assert sent["6"]["inputs"]["text"] == "<script>alert(1)</script> 猫 \ud800"
    assert {key: node for key, node in sent.items() if key != "6"} == {
        key: node for key, node in GRAPH.items() if key != "6"
    }


def test_what_is_somebody_elses_is_as_if_it_were_not_there(ada: httpx.Client, anyone: httpx.Client) -> None:
    answer = anyone.get("/runs/nobodys.json")
    assert (answer.status_code, answer.text) == (404, "There is no such run here.\n")
    for path in ("/runs/bobs.json", "/runs/bobs/recipe", "/runs/nobodys.json", "/runs/nobodys/recipe"):
        answer = ada.get(path)
        assert (answer.status_code, answer.text) == (404, f"{NOT_SHARED}\n")
    for pair in ("adas,bobs", "bobs,adas", "adas,adas2,bobs", "bobs", "adas,", ""):
        assert set(ada.get("/compare", params={"runs": pair}).json()) == {"problem"}
    said = ada.get(
        "/recipe", params={"run": "bobs", "template": "text-to-image", "kept": ["prompt", "image"]}
    )
    assert "bob's" not in said.text
    assert "secret" not in said.text
    card = said.json()
    assert (card["run"], card["workflow"], card["picture"]) == ("", "", None)
    assert len(card["notes"]) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..%2f..%2fbridge.db.json",
        "/runs/%2e%2e/adas.json",
        "/runs/adas%00.json",
        "/runs/.json",
        "/runs/adas",
    ],
)
def test_no_path_leads_out(ada: httpx.Client, path: str) -> None:
    assert ada.get(path).status_code == 404


def test_a_recipe_link_and_its_card(ada: httpx.Client) -> None:
    told = ada.get("/runs/adas2/recipe").json()
    assert told["note"] == ""
    card = ada.get(f"/recipe{told['link']}").json()
    values = {one["label"]: one["text"] for one in card["values"]}
    assert values["Prompt"] == "<script>alert(2)</script> 猫"
    assert values["Seed"] == str(2**63 + 11)
    assert card["fill"]["values"]["seed"] == str(2**63 + 11)  # a browser would round the number
    assert card["picture"]["url"] == "media/adas2/a.png"
    assert card["models"] == ["v1-5-pruned-emaonly-fp16.safetensors"]
    assert ["another one" in note for note in card["notes"]] == [True, False]
    altered = ada.get(f"/recipe{told['link'].replace('alert', 'alarm')}").json()
    assert altered["picture"] is None
    assert [note.split(":")[0] for note in altered["notes"]] == ["Somebody changed the link"]
    chinese = ada.get(f"/recipe{told['link']}&__lang=zh").json()
    assert "提示词" in {one["label"] for one in chinese["values"]}


def test_what_a_link_leaves_to_the_run_is_said(ada: httpx.Client, anyone: httpx.Client) -> None:
    assert "Prompt" in ada.get("/runs/adas/recipe").json()["note"]  # half a surrogate pair has no address
    told = anyone.get("/runs/bobs/recipe").json()
    assert "image" in told["note"]
    assert "ab" * 32 not in told["link"]
    card = anyone.get(f"/recipe{told['link']}").json()
    assert {"label": "image", "text": "secret.png", "folded": False} in card["values"]
    assert card["fill"]["values"]["image"] == UPLOAD.to_json()


def test_any_link_makes_a_card_or_a_sentence(ada: httpx.Client) -> None:
    for query in (
        "",
        "template=text-to-image&seed=many&steps=-1&loras=%5B%7B",
        "template=..%2f..%2fx&run=..%2f..",
        "template=text-to-image&kept=*&without=prompt&unknown=1",
        "template=text-to-image&" + "&".join(f"k{number}={quote('猫')}" for number in range(300)),
    ):
        answer = ada.get(f"/recipe?{query}")
        assert answer.status_code == 200, query
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["title"]


def test_two_runs_of_one_person_are_compared(ada: httpx.Client) -> None:
    told = ada.get("/compare", params={"runs": "adas2,adas"}).json()
    rows = {one["label"]: (one["first"], one["second"]) for one in told["differences"] if one["is_value"]}
    assert set(rows) == {"Prompt", "loras"}
    assert rows["loras"] == ("x · strength_model 1.0", "")
    pieces = next(one["pieces"] for one in told["differences"] if one["label"] == "Prompt")
    assert ["1", "second"] in pieces
    assert told["changes"] == {"prompt": "<script>alert(1)</script> 猫 \ud800"}
    third = ada.get("/compare", params={"runs": "adas2,adas,adas2"}).json()["fill"]
    assert (third["template"], third["values"]["seed"]) == ("text-to-image", str(2**63 + 11))
    assert "loras" not in third["values"]
