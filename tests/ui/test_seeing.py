"""One door for everything: what of a run and a sheet is told to whom, before and after it is shared.

Ada made a picture of its own and a sheet of two; Bob is her colleague; nobody has not signed in.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import argon2
import httpx
import pytest
from PIL import Image
from starlette.requests import Request
from starlette.routing import Route

from comfyui_bridge.core.experiment import AxisKind, AxisPlan, Plan
from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.core.run import RunState
from comfyui_bridge.engine.experiments import Experiments
from comfyui_bridge.engine.housekeeper import Housekeeper, Limits
from comfyui_bridge.engine.results import Results
from comfyui_bridge.store.accounts import Accounts, Sessions
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.experiments import ExperimentStore
from comfyui_bridge.store.library import Library
from comfyui_bridge.store.presets import PresetStore
from comfyui_bridge.store.run_index import RunIndex
from comfyui_bridge.store.sharing import Sharing
from comfyui_bridge.ui import desk as desks
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.desk import Desk
from comfyui_bridge.ui.experiments_tab.routes import routes as experiment_routes
from comfyui_bridge.ui.live_stream import LiveStream
from comfyui_bridge.ui.routes import routes
from comfyui_bridge.ui.templates import Templates
from comfyui_bridge.ui.words import Words
from tests.engine.fake_house import DEADLINE, FakeHouse, picture
from tests.fakes.fake_server import FakeServer
from tests.ui.serving_kit import client_of, events, served

PASSWORD = "correct horse battery"
COLOR = "1.color"


@dataclass
class Office:
    """A team's page, one without accounts beside it, and who is in front of them."""

    house: FakeHouse
    dashboard: Dashboard
    people: dict[str, httpx.Client]
    run: str
    live: str
    sheet: str
    cell: str

    def share(self, what: str, *, on: bool = True, who: str = "ada") -> httpx.Response:
        client = self.people[who]
        if what == "run":
            return client.post(f"/runs/{self.run}/share", json={"shared": on})
        return client.post(f"/experiments/{self.sheet}", json={"action": "share" if on else "unshare"})


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    tmp_path = tmp_path_factory.mktemp("office")
    folder = tmp_path / "workflows"
    folder.mkdir()
    for slug, made in (("picture", picture("ImageInvert")), ("held", picture("Hold"))):
        (folder / f"{slug}.json").write_text(json.dumps(made.document), encoding="utf-8")
    house = FakeHouse(tmp_path / "data", FakeServer("http://one:1"))
    library, database = Catalogue(Library(folder)), house.database
    presets = PresetStore(database)
    experiments = Experiments(house.engine, house.runs, ExperimentStore(database), presets, library.get)
    experiments.start_work()
    house.ready()
    index = RunIndex(database)
    keeper = Housekeeper(
        house.runs,
        index,
        house.media,
        Limits(),
        clock=time.time,
        changed=lambda run: None,
        gone=lambda r: None,
    )
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    accounts = Accounts(tmp_path / "accounts", hasher)
    dashboard = Dashboard(
        engine=house.engine,
        library=library,
        editor=None,
        media=house.media,
        results=Results(house.runs, index, keeper, house.engine.snapshot, time.time),
        version="1.2.3",
        presets=presets,
        sharing=Sharing(database),
        experiments=experiments,
        accounts=accounts,
        sessions=Sessions(database),
    )
    run = house.submit(library.get("picture"), "ada", **{COLOR: 9})
    plan = Plan("picture", {}, (AxisPlan(AxisKind.VALUES, COLOR, "1,2"),))
    sheet = experiments.start(plan, "ada", "Colours")
    version, now = 0, experiments.sheet(sheet)
    while now is None or any(one.run is None or not one.run.state.is_final for one in now.cells):
        version = now.version if now else 0
        now = experiments.wait(sheet, version, DEADLINE)
        assert now is not None
    cell = now.cells[0].run
    assert cell is not None
    live = house.submit(library.get("held"), "ada")
    house.begun(live)
    for run_id in (run, cell.run_id):
        house.run_is(run_id, lambda run: run.state is RunState.COMPLETED and bool(run.kept))
        house.media.keep(run_id, OutputFile("real.png"), [png()])
    with (
        served(dashboard) as page,
        served(replace(dashboard, accounts=None, sessions=None)) as open_page,
        client_of(page.url) as ada,
        client_of(page.url) as bob,
        client_of(page.url) as nobody,
        client_of(open_page.url) as anyone,
    ):
        for name, client in (("ada", ada), ("bob", bob)):
            accounts.add(name, PASSWORD)
            client.post("/sign-in", data={"name": name, "password": PASSWORD})
        people = {"ada": ada, "bob": bob, "nobody": nobody, "anyone": anyone}
        yield Office(house, dashboard, people, run, live, sheet, cell.run_id)
    house.servers[0].let_go()
    experiments.stop_work(DEADLINE)
    house.leave()


@pytest.fixture(autouse=True)
def _nothing_is_shared(office: Office) -> None:
    office.share("run", on=False)
    office.share("sheet", on=False)


def png() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 80, 20)).save(made, "PNG")
    return made.getvalue()


PROBED: list[str] = []


def answers(path: str) -> Callable[[httpx.Client, str], bool]:
    PROBED.append(path.partition("?")[0])

    def is_seen(client: httpx.Client, which: str) -> bool:
        return client.get(path.replace("ID", which)).status_code == 200

    return is_seen


def card(client: httpx.Client, run_id: str) -> bool:
    told = client.get("/recipe", params={"run": run_id, "template": "picture", "kept": "*"})
    return told.status_code == 200 and told.json()["run"] == run_id and told.json()["picture"] is not None


def compared(client: httpx.Client, run_id: str) -> bool:
    told = client.get("/compare", params={"runs": run_id})
    return told.status_code == 200 and "sides" in told.json()


def tile(client: httpx.Client, run_id: str) -> bool:
    told = client.get("/results/tiles", params={"ids": run_id})
    return told.status_code == 200 and [one["run"] for one in told.json()["tiles"]] == [run_id]


def zipped(client: httpx.Client, run_id: str) -> bool:
    return client.post("/media.zip", data={"runs": f"nothing {run_id}"}).status_code == 200


def preset(client: httpx.Client, run_id: str) -> bool:
    asked = {"ask": "keep", "run": run_id, "name": "Mine"}
    return "error" not in client.post("/presets", json=asked).json()


def repeated(client: httpx.Client, sheet: str) -> bool:
    told = client.post("/experiments/inputs", json={"experiment": sheet, "template": "picture"})
    return told.status_code == 200 and told.json()["earlier"] is not None


OF_RUN: dict[str, Callable[[httpx.Client, str], bool]] = {
    "a file": answers("/media/ID/real.png"),
    "its thumbnail": answers("/media/ID/real.png?size=64"),
    "all its files": answers("/media/ID.zip"),
    "files of several": zipped,
    "the workflow": answers("/runs/ID.json"),
    "the recipe link": answers("/runs/ID/recipe"),
    "the recipe's card": card,
    "a comparison": compared,
    "the result": answers("/results/ID"),
    "its tile": tile,
    "its previews": answers("/live/ID"),
}
OF_SHEET: dict[str, Callable[[httpx.Client, str], bool]] = {
    "the sheet": answers("/experiments/ID"),
    "as a picture": answers("/experiments/ID/sheet.png"),
    "as a smaller one": answers("/experiments/ID/sheet.webp"),
    "as a page": answers("/experiments/ID/sheet.html"),
    "as a table": answers("/experiments/ID/sheet.csv"),
    "with its files": answers("/experiments/ID/sheet.zip"),
    "its plan": repeated,
}


def test_every_address_of_a_run_and_a_sheet_is_asked_below(office: Office) -> None:
    ours = [*routes(office.dashboard, LiveStream(office.dashboard)), *experiment_routes(office.dashboard)]
    named = [one for one in ours if isinstance(one, Route) and re.search(r"{(run_id|id)[:}]", one.path)]
    looked_at = [one for one in named if "GET" in (one.methods or ())]
    assert len(looked_at) > 10
    for one in looked_at:
        assert any(one.path_regex.match(path) for path in PROBED), f"who sees {one.path}?"


def seen(office: Office, who: str, probes: dict[str, Any], which: str) -> set[str]:
    return {name for name, probe in probes.items() if probe(office.people[who], which)}


def test_a_run_is_seen_by_others_while_it_is_shared(office: Office) -> None:
    everything = set(OF_RUN)

    def by_bob() -> set[str]:
        return seen(office, "bob", OF_RUN, office.run)

    assert seen(office, "ada", OF_RUN, office.run) == everything
    assert seen(office, "anyone", OF_RUN, office.run) == everything
    assert by_bob() == set()
    assert office.share("run").json() == {"shared": "run"}
    assert by_bob() == everything
    assert seen(office, "bob", OF_RUN, office.cell) == set()
    assert seen(office, "nobody", OF_RUN, office.run) == set()
    assert office.share("run", on=False).json() == {"shared": ""}
    assert by_bob() == set()
    office.share("run")
    done(office, "delete", office.run)
    assert by_bob() == set()
    done(office, "restore", office.run)
    assert by_bob() == everything
    assert seen(office, "ada", OF_RUN, office.run) == everything


def done(office: Office, what: str, run_id: str, who: str = "ada") -> int:
    count: int = office.people[who].post("/results", json={"do": what, "runs": [run_id]}).json()["changed"]
    return count


def test_a_sheet_is_seen_by_others_with_its_cells(office: Office) -> None:
    def by_bob() -> set[str]:
        return seen(office, "bob", OF_SHEET, office.sheet) | seen(office, "bob", OF_RUN, office.cell)

    everything = {*OF_SHEET, *OF_RUN}
    ada, bob = office.people["ada"], office.people["bob"]
    assert seen(office, "ada", OF_SHEET, office.sheet) == set(OF_SHEET)
    assert seen(office, "anyone", OF_SHEET, office.sheet) == set(OF_SHEET)
    assert by_bob() == set()
    assert ada.get(f"/experiments/{office.sheet}").json()["shared"] is False
    assert office.share("sheet").json() == {"shared": True}
    assert by_bob() == everything
    assert seen(office, "bob", OF_RUN, office.run) == set()
    assert seen(office, "nobody", OF_SHEET, office.sheet) == set()
    assert ada.get(f"/experiments/{office.sheet}").json()["shared"] is True
    assert ada.get(f"/results/{office.cell}").json()["shared"] == "sheet"
    told = bob.get(f"/experiments/{office.sheet}").json()
    assert (told["own"], told["shared"]) == (False, None)
    assert bob.get(f"/results/{office.cell}").json()["experiment"] == {"id": office.sheet, "name": "Colours"}
    assert office.share("sheet", on=False).json() == {"shared": False}
    assert by_bob() == set()
    office.share("sheet")
    ada.post(f"/experiments/{office.sheet}", json={"action": "delete"})
    assert by_bob() == set()
    ada.post(f"/experiments/{office.sheet}", json={"action": "restore"})
    assert by_bob() == everything


def test_what_was_thrown_away_of_a_shared_sheet_is_not_on_it(office: Office) -> None:
    office.share("sheet")
    done(office, "delete", office.cell)
    try:
        told = office.people["bob"].get(f"/experiments/{office.sheet}").json()
        assert [cell["state"] for cell in told["cells"]] == ["gone", "completed"]
        assert office.cell not in json.dumps(told)
        assert office.cell not in office.people["bob"].get(f"/experiments/{office.sheet}/sheet.csv").text
        own = office.people["ada"].get(f"/experiments/{office.sheet}").json()
        assert [cell["state"] for cell in own["cells"]] == ["completed", "completed"]
    finally:
        done(office, "restore", office.cell)


def test_to_see_gives_no_hand_in_it(office: Office) -> None:
    office.share("run")
    office.share("sheet")
    bob = office.people["bob"]
    for what in ("star", "unstar", "delete", "restore"):
        assert done(office, what, office.run, "bob") == 0
    for what in ("run", "sheet"):
        for on in (True, False):
            assert office.share(what, on=on, who="bob").status_code == 403
    for action in ("pause", "stop", "again", "judge", "rename", "delete", "restore", "default"):
        asked = {"action": action, "cells": [0], "verdict": "kept", "name": "Bob's", "keys": [COLOR]}
        assert bob.post(f"/experiments/{office.sheet}", json=asked).status_code == 403
    told = bob.get(f"/results/{office.run}").json()
    assert (told["own"], told["shared"], told["starred"]) == (False, None, False)
    assert bob.get("/results").json()["ids"] == []
    assert bob.get("/experiments").json() == {"experiments": []}
    assert seen(office, "bob", OF_RUN, office.run) == set(OF_RUN), "nor did he take it back"
    assert preset(bob, office.run)
    assert not preset(bob, office.live)


def test_only_a_post_of_its_own_page_shares(office: Office) -> None:
    ada, address = office.people["ada"], f"/runs/{office.run}/share"
    assert ada.get(address, params={"shared": "true"}).status_code == 405
    for odd in ({}, {"shared": 1}, {"shared": "yes"}, []):
        assert ada.post(address, json=odd).status_code == 400
    foreign = ada.post(address, json={"shared": True}, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403
    assert office.people["nobody"].post(address, json={"shared": True}).status_code == 401
    ada.get(f"/runs/{office.run}/recipe")
    assert seen(office, "bob", OF_RUN, office.run) == set()


def test_without_accounts_there_is_nothing_to_share(office: Office) -> None:
    anyone = office.people["anyone"]
    for what in ("run", "sheet"):
        assert office.share(what, who="anyone").status_code == 403
    assert anyone.get(f"/results/{office.run}").json()["shared"] is None
    assert anyone.get(f"/experiments/{office.sheet}").json()["shared"] is None
    assert seen(office, "bob", OF_RUN, office.run) == set()


STAYS = "private, max-age=31536000, immutable"
NOT_SHARED = "There is no such {} here, or it is not shared with you. Ask who made it to copy its {}link."


def test_a_link_to_what_is_not_shared_says_whom_to_ask(office: Office) -> None:
    bob, result = office.people["bob"], NOT_SHARED.format("result", "recipe ")
    for run_id in (office.run, "nothing"):
        assert bob.get(f"/runs/{run_id}/recipe").text == f"{result}\n"
        assert bob.get(f"/results/{run_id}").json() == {"error": result}
        assert bob.post(f"/runs/{run_id}/share", json={"shared": True}).json() == {"error": result}
        assert "Ask who made it" in bob.get("/compare", params={"runs": run_id}).json()["problem"]
        notes = bob.get("/recipe", params={"run": run_id, "template": "picture"}).json()["notes"]
        assert any("not shared with you" in note for note in notes)
    for sheet in (office.sheet, "nothing"):
        assert bob.get(f"/experiments/{sheet}").json() == {"error": NOT_SHARED.format("sheet", "")}
        assert "配方" not in bob.get(f"/experiments/{sheet}", params={"lang": "zh"}).json()["error"]
    anyone = office.people["anyone"]
    assert anyone.get("/results/nothing").json() == {"error": "There is no such run"}
    assert "somebody else" in anyone.get("/experiments/nothing").json()["error"]


def test_the_stage_shows_it_as_somebody_elses(office: Office) -> None:
    desk = Desk(office.dashboard, Templates(office.dashboard.library))

    def staged(name: str, run_id: str = office.run) -> Any:
        asked: Any = Request({"type": "http", "state": {"owner": name, "signed_in": True}})
        return desks.run_view(desk, run_id, Words("en"), asked)[1]

    assert (staged("ada").phase, staged("ada").theirs, staged("ada").shared) == ("done", False, "")
    assert (staged("bob").phase, staged("bob").hint) == (
        "unknown",
        "Ask who made it to copy its recipe link.",
    )
    office.share("run")
    assert (staged("ada").phase, staged("ada").theirs, staged("ada").shared) == ("done", False, "run")
    assert (staged("bob").phase, staged("bob").theirs, staged("bob").shared) == ("done", True, None)
    assert staged("bob").hint.endswith(" · by ada")
    assert "ada" not in staged("ada").hint
    office.share("sheet")
    assert (staged("ada", office.cell).shared, staged("bob", office.cell).theirs) == ("sheet", True)


def test_a_colleague_s_browser_asks_each_time(office: Office) -> None:
    office.share("run")
    for path in (f"/media/{office.run}/real.png", f"/media/{office.run}/real.png?size=64"):
        told = {
            who: office.people[who].get(path).headers["cache-control"] for who in ("ada", "bob", "anyone")
        }
        assert told == {"ada": STAYS, "anyone": STAYS, "bob": "private, no-cache"}
    known = {"If-None-Match": office.people["bob"].get(path).headers["etag"]}
    assert office.people["bob"].get(path, headers=known).status_code == 304
    office.share("run", on=False)
    refused = office.people["bob"].get(path, headers=known)
    assert (refused.status_code, refused.headers["cache-control"]) == (404, "no-store")


def test_previews_end_for_others_as_it_is_taken_back(office: Office) -> None:
    sharing = office.dashboard.sharing
    assert sharing is not None
    assert office.people["bob"].get(f"/live/{office.live}").status_code == 404
    sharing.share_run(office.live, "ada")
    assert office.house.run(office.live).state is RunState.IN_PROGRESS
    with office.people["bob"].stream("GET", f"/live/{office.live}") as answer:
        assert answer.status_code == 200
        sharing.share_run(office.live, "ada", on=False)
        told = [one for one in events(answer) if one[0] == "end"]
    assert told == [("end", '{"v": 0, "picture": ""}')]


def test_one_s_own_pictures_are_told_without_a_lookup(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    looked = Sharing.shown
    monkeypatch.setattr(Sharing, "shown", lambda self, ids: asked.append(list(ids)) or looked(self, ids))
    assert seen(office, "ada", OF_RUN, office.run) >= {"a file", "its thumbnail", "its tile"}
    assert asked == [[office.run]], "only the large view says whether others see it"
    assert seen(office, "bob", {"a file": OF_RUN["a file"]}, office.run) == set()
    assert len(asked) == 2
