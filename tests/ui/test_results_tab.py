"""The tab Results: what is told of runs, who may see and change them, and what its addresses refuse."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import argon2
import httpx
import pytest

from comfyui_bridge.core import run_log, workflow
from comfyui_bridge.core import template as template_
from comfyui_bridge.core.outputs import NodeOutput
from comfyui_bridge.core.run import Fault, Run, RunError, RunState
from comfyui_bridge.core.run_log import LogKind
from comfyui_bridge.engine.housekeeper import Housekeeper, Limits, Usage
from comfyui_bridge.engine.results import Results
from comfyui_bridge.store.accounts import Accounts, Sessions
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.library import Library
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.run_index import RunIndex
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.results_tab import about, tiles
from comfyui_bridge.ui.sign_in import BROWSER_COOKIE
from comfyui_bridge.ui.words import Words
from tests.ui.serving_kit import Runs, client_of, served

EN = Words("en")
QUICK = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ANN, BOB = "a" * 22, "b" * 22
GRAPH = workflow.parse(
    {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "base.safetensors"}},
        "2": {"class_type": "LoraLoader", "inputs": {"lora_name": "ink.safetensors", "strength_model": 0.8}},
    }
)


def a_run(run_id: str, owner: str, text: str = "a lake", state: RunState = RunState.COMPLETED) -> Run:
    return Run(
        run_id,
        f"prompt-of-{run_id}",
        GRAPH,
        created_at=1000.0,
        title="Paint",
        template="paint",
        owner=owner,
        state=state,
        values={"prompt": text, "seed": 2**60, "hires": True},
        server="studio",
    )


@dataclass
class House:
    """A page over a data folder with a run of Ann's, one of Bob's and one of nobody's."""

    dashboard: Dashboard
    runs: Runs
    store: RunStore


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Database(tmp_path / "data") as database:
        store, index, media = RunStore(database), RunIndex(database), MediaStore(tmp_path / "data")
        live = Runs()
        owners = {"ann": f"browser-{ANN}", "bob": f"browser-{BOB}", "nobody": ""}
        for name, owner in owners.items():
            run = a_run(name, owner, f"a {name} picture")
            store.insert(run)
            live.publish(run)
        keeper = Housekeeper(
            store, index, media, Limits(), clock=time.time, changed=live.publish, gone=lambda run_id: None
        )
        dashboard = Dashboard(
            engine=live,
            library=Catalogue(Library(tmp_path / "workflows")),
            editor=None,
            media=media,
            results=Results(store, index, keeper, live.snapshot, time.time),
            version="1.2.3",
        )
        yield House(dashboard, live, store)


@pytest.fixture
def ann(house: House) -> Iterator[httpx.Client]:
    with served(house.dashboard) as page, client_of(page.url) as client:
        client.cookies.set(BROWSER_COOKIE, ANN)
        yield client


def found(client: httpx.Client, **asked: str) -> list[str]:
    ids: list[str] = client.get("/results", params=asked).json()["ids"]
    return ids


def told(client: httpx.Client, what: str, *run_ids: str) -> int:
    answer = client.post("/results", json={"do": what, "runs": list(run_ids)})
    assert answer.status_code == 200, answer.text
    count: int = answer.json()["changed"]
    return count


def test_on_an_open_page_one_finds_one_s_own_and_on_request_everyone_s(ann: httpx.Client) -> None:
    assert found(ann) == ["ann"]
    assert sorted(found(ann, who="everyone")) == ["ann", "bob", "nobody"]
    assert found(ann, who="everyone", q="bob PICTURE") == ["bob"]
    assert found(ann, state="failed") == found(ann, since="2000") == found(ann, model="none.ckpt") == []
    assert found(ann, state="odd", since="nan", until="", template="") == ["ann"]
    seen = {one["run"]: one["own"] for one in ann.get("/results?who=everyone").json()["tiles"]}
    assert seen == {"ann": True, "bob": False, "nobody": True}


def test_persons_with_a_name_and_programs_can_be_looked_for(ann: httpx.Client, house: House) -> None:
    house.store.insert(a_run("hers", "carla"))
    assert ann.get("/results?lang=en").json()["whose"] == [
        ["everyone", "Everyone’s"],
        ["nobody", "Programs’"],
        ["person:carla", "carla"],
    ]
    assert found(ann, who="person:carla") == ["hers"]
    assert found(ann, who="nobody") == ["nobody"]
    house.runs.publish(a_run("hers", "carla"))
    people = {one["label"]: one["text"] for one in ann.get("/results/hers?lang=en").json()["facts"]}
    assert people["Person"] == "carla"
    assert "Person" not in str(ann.get("/results/bob?lang=en").json()["facts"]), (
        "a browser's id tells nothing"
    )


def test_what_belongs_to_somebody_else_is_looked_at_and_left_alone(ann: httpx.Client) -> None:
    assert ann.get("/results/bob").json()["own"] is False
    for what in ("star", "delete", "restore"):
        assert told(ann, what, "bob") == 0
    assert "bob" in found(ann, who="everyone")


def test_a_star_and_the_bin(ann: httpx.Client, house: House) -> None:
    assert told(ann, "star", "ann", "nobody", "bob", "unknown") == 2
    assert found(ann, starred="1") == ["ann"]
    assert ann.get("/results/ann").json()["starred"] is True
    assert told(ann, "unstar", "ann") == 1
    assert found(ann, starred="1") == []
    house.store.insert(a_run("live", f"browser-{ANN}", state=RunState.IN_PROGRESS))
    assert told(ann, "delete", "ann", "live") == 1, "what goes on stays"
    assert found(ann) == ["live"]
    assert told(ann, "restore", "ann") == 1
    assert sorted(found(ann)) == ["ann", "live"]


def test_with_a_sign_in_everyone_is_oneself(house: House, tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "accounts", QUICK)
    accounts.add("carla", "long enough")
    with Database(tmp_path / "other") as database:
        dashboard = replace(house.dashboard, accounts=accounts, sessions=Sessions(database))
        house.store.insert(a_run("hers", "carla"))
        house.runs.publish(a_run("hers", "carla"))
        with served(dashboard) as page, client_of(page.url) as client:
            assert client.get("/results").status_code == 401
            client.auth = ("carla", "long enough")
            assert found(client, who="everyone") == found(client, who="person:bob") == ["hers"]
            assert found(client, who="nobody") == ["nobody"]
            assert client.get("/results?lang=en").json()["whose"] == [["nobody", "Programs’"]]
            assert client.get("/results/bob").status_code == 404
            assert client.get("/results/tiles?ids=bob+hers").json()["tiles"][0]["run"] == "hers"
            assert client.get("/results/hers").json()["facts"][-2] == {"label": "Person", "text": "carla"}
            assert told(client, "delete", "bob") == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"do": "burn", "runs": []}',
        b'{"do": "star"}',
        b'{"do": "star", "runs": [1]}',
        b"\xff",
        b'{"do": "star", "runs": ["\\ud800"]}',
    ],
)
def test_what_is_no_question_is_refused(ann: httpx.Client, body: bytes) -> None:
    assert ann.post("/results", content=body).status_code == 400


def test_half_a_character_is_no_run(ann: httpx.Client) -> None:
    assert ann.get("/results/%ed%a0%80").status_code == 404


def test_a_run_in_full(ann: httpx.Client) -> None:
    shown = ann.get("/results/ann?lang=en").json()
    assert {one["key"]: one["text"] for one in shown["values"]}["seed"] == str(2**60), "to the last digit"
    facts = [(one["label"], one["text"]) for one in shown["facts"]]
    assert facts == [
        ("Model", "base.safetensors"),
        ("LoRA", "ink.safetensors · 0.8"),
        ("Server", "studio"),
        ("Run", "ann"),
    ]
    assert shown["is_there"] is False


def test_why_a_run_shows_nothing() -> None:
    run = a_run("r", "")
    failed = replace(run, state=RunState.FAILED, error=RunError(Fault.LOST, "It was restarted."))
    assert tiles.why(failed, EN) == "This run was lost. It was restarted."
    assert tiles.why(replace(run, state=RunState.CANCELLED), EN) == "Nothing was kept of it."
    gone = replace(run, log=run_log.appended((), 1.0, LogKind.REMOVED, "space"))
    assert "space" in tiles.why(gone, EN)
    assert tiles.why(run, EN) == ""
    said = replace(run, outputs=(NodeOutput("1", (), ("a cat " * 100,)),))
    tile = tiles.tile(said, None, EN, starred=False, own=True)
    assert tile.text.startswith("a cat")
    assert tile.text.endswith("…")


def test_a_run_is_called_as_its_card_says_it_in_this_language() -> None:
    card = {"title": "River", "translations": {"zh": {"River": "河流"}}}
    template = template_.parse("river", {"1": {"class_type": "Any", "inputs": {}}}, card)
    titled = [
        tiles.tile(replace(a_run("r", ""), title=title), its, words, starred=False, own=True).title
        for title, its, words in (
            ("River", template, Words("zh")),
            ("River", template, EN),
            ("River", None, Words("zh")),
            ("As it was called then", template, Words("zh")),
        )
    ]
    assert titled == ["河流", "River", "River", "As it was called then"]


def test_the_log_says_that_files_went() -> None:
    run = replace(a_run("r", ""), log=run_log.appended((), 1001.0, LogKind.REMOVED, "age"))
    shown = about.about(run, 2000.0, (), EN, form=None, template=None)
    assert shown["log"][0]["text"] == "Its files were removed for their age"
    assert shown["removed"] == "Its files were removed for their age"


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (Usage(1500, None, None), "Kept files: 2 kB."),
        (
            Usage(2_000_000, 10**9, None),
            "Kept files: 2.0 MB of 1.0 GB. The oldest without a star go first; the values stay.",
        ),
        (
            Usage(0, None, 86400.0, 1, 2, 5000, 9.0, "The disk is full."),
            "Kept files: 0 B. They are kept for a day. The oldest without a star go first; the values stay. "
            "Gone since the start: files of 1 run, 2 input files, 5 kB. The disk is full.",
        ),
    ],
)
def test_what_is_kept_is_said(usage: Usage, said: str) -> None:
    assert tiles.usage_words(usage, EN) == said
