"""An experiment's sheet over HTTP: what is told of it and how little at a time, to whom, and what is done."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from comfyui_bridge.core.estimate import Estimate
from comfyui_bridge.core.experiment import AxisKind, AxisPlan, Experiment, ExperimentState, Grid, Plan
from comfyui_bridge.core.values import FileValue
from comfyui_bridge.engine.experiments import Experiments
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.editor import Editor
from comfyui_bridge.store.experiments import ExperimentStore
from comfyui_bridge.store.library import Library
from comfyui_bridge.store.presets import PresetStore
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.experiments_tab import exports, showing
from comfyui_bridge.ui.sign_in import BROWSER_COOKIE
from comfyui_bridge.ui.words import Words
from tests.engine.fake_house import DEADLINE, FakeHouse, picture
from tests.fakes.fake_server import FakeServer
from tests.ui.serving_kit import client_of, served

ANN, BOB = "a" * 22, "b" * 22
COLOR, WIDTH, IMAGE = "1.color", "1.width", "1.image"


@dataclass
class Lab:
    """Experiments over a library on disk, on a server that a test has in its hand."""

    house: FakeHouse
    server: FakeServer
    experiments: Experiments
    library: Catalogue
    client: httpx.Client

    def begin(self, *axes: AxisPlan, template: str = "picture", skip: frozenset[Any] = frozenset()) -> str:
        plan = Plan(template, {COLOR: 1, WIDTH: 8}, axes, skip)
        return self.experiments.start(plan, f"browser-{ANN}", "Colours")

    def once(self, own_id: str, claim: Callable[[dict[str, int]], bool]) -> dict[str, Any]:
        """What is told of the sheet once this is true of its counts."""
        version = 0
        while not claim((told := self.look(own_id))["counts"]):
            found = self.experiments.wait(own_id, version, DEADLINE)
            assert found is not None, told["counts"]
            version = found.version
        return told

    def done(self, own_id: str) -> dict[str, Any]:
        self.once(own_id, lambda counts: not counts.keys() & {"waiting", "pending", "in_progress"})
        while (told := self.look(own_id))["state"] != "done":
            self.experiments.wait(own_id, told["version"], DEADLINE)
        return told

    def look(self, own_id: str, **asked: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.client.get(f"/experiments/{own_id}", params=asked).json()
        return told

    def tell(self, own_id: str, action: str, **more: Any) -> httpx.Response:
        return self.client.post(f"/experiments/{own_id}", json={"action": action, **more})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    tmp_path = tmp_path_factory.mktemp("lab")
    folder = tmp_path / "workflows"
    folder.mkdir()
    for slug, made in (
        ("picture", picture("ImageInvert")),
        ("held", picture("Hold")),
        ("file", picture(image="example.png")),
    ):
        (folder / f"{slug}.json").write_text(json.dumps(made.document), encoding="utf-8")
    server = FakeServer("http://one:1")
    house = FakeHouse(tmp_path / "data", server)
    library = Catalogue(Library(folder))
    presets = PresetStore(house.database)
    experiments = Experiments(house.engine, house.runs, ExperimentStore(house.database), presets, library.get)
    experiments.start_work()
    house.ready()
    dashboard = Dashboard(
        engine=house.engine,
        library=library,
        editor=Editor(folder, tmp_path / "trash", wrote=library.look_again),
        media=house.media,
        results=None,
        version="1.2.3",
        experiments=experiments,
    )
    with served(dashboard) as page, client_of(page.url) as client:
        client.cookies.set(BROWSER_COOKIE, ANN)
        yield Lab(house, server, experiments, library, client)
    experiments.stop_work(DEADLINE)
    house.leave()


def over(key: str, text: str) -> AxisPlan:
    return AxisPlan(AxisKind.VALUES, key, text)


def test_a_sheet_is_told_whole_and_then_only_what_changed(lab: Lab) -> None:
    skip = frozenset({("16", "3")})
    own_id = lab.begin(over(WIDTH, "8,16"), over(COLOR, "1..3"), skip=skip)
    told = lab.done(own_id)
    assert [cell["state"] for cell in told["cells"]] == ["completed"] * 5 + ["skipped"]
    assert all(cell["file"] and cell["kind"] == "image" for cell in told["cells"][:5])
    assert told["counts"] == {"completed": 5, "skipped": 1, "all": 5}
    assert (told["name"], told["line"], told["own"]) == ("Colours", "All 5 done", True)
    whole = told["whole"]
    assert [(axis["title"], axis["labels"]) for axis in whole["axes"]] == [
        ("Width", ["8", "16"]),
        ("Color", ["1", "2", "3"]),
    ]
    assert [one["key"] for one in whole["defaults"]] == [WIDTH, COLOR]
    assert not {WIDTH, COLOR} & {one["key"] for one in whole["shared"]}
    assert Plan.parse(whole["plan"]).skip == skip
    later = lab.look(own_id, since=told["version"])
    assert later["cells"] == []
    assert "whole" not in later
    assert len(json.dumps(later)) < 400
    lab.tell(own_id, "judge", cells=[1, 3], verdict="kept")
    later = lab.look(own_id, since=told["version"])
    assert [(cell["index"], cell["verdict"]) for cell in later["cells"]] == [(1, "kept"), (3, "kept")]
    for odd in ("", "0", "-1", "x", "9" * 30, str(later["version"] + 1)):
        assert len(lab.look(own_id, since=odd)["cells"]) == 6
    assert lab.look(own_id, lang="zh")["line"] == "全部 5 张已完成"


def test_its_cells_are_steered_and_those_that_failed_are_done_again(lab: Lab) -> None:
    own_id = lab.begin(over(COLOR, "1..8"), template="held")
    lab.once(own_id, lambda counts: counts.get("in_progress") == 1)
    assert lab.tell(own_id, "pause").json() == {"ok": True}
    told = lab.look(own_id)
    assert told["state"] == "paused"
    assert told["line"].startswith("Paused · 0 of 8 · 1 still finishes")
    lab.tell(own_id, "resume")
    lab.once(own_id, lambda counts: counts.get("pending", 0) > 1)
    lab.tell(own_id, "stop")
    told = lab.once(own_id, lambda counts: counts.keys() <= {"cancelled", "waiting", "all"})
    assert not any("why" in cell for cell in told["cells"])  # that somebody stopped it says it all
    assert told["state"] == "stopped"
    assert told["line"].startswith(f"Stopped · {told['counts']['cancelled']} of 8")
    assert lab.tell(own_id, "again", cells=[7]).json() == {"ok": True}
    told = lab.once(own_id, lambda counts: counts.get("in_progress") == 1)
    assert told["cells"][7]["state"] == "in_progress"
    lab.server.let_go()
    lab.once(own_id, lambda counts: counts.get("completed") == 1)
    gone = FileValue("0" * 64 + ".png", "mine.png")
    files = AxisPlan(AxisKind.CHOICES, IMAGE, chosen=("example.png", gone))
    own_id = lab.experiments.start(Plan("file", {}, (files,)), f"browser-{ANN}")
    told = lab.done(own_id)
    assert [cell["state"] for cell in told["cells"]] == ["completed", "failed"]
    assert "not there any more" in told["cells"][1]["why"]
    assert told["line"] == "1 of 2 done · 1 failed"
    assert [one["key"] for one in told["whole"]["defaults"]] == ["image"]


def test_who_knows_its_link_looks_on_and_changes_nothing(lab: Lab) -> None:
    own_id = lab.begin(over(COLOR, "1,2"))
    lab.done(own_id)
    with client_of(str(lab.client.base_url)) as other:
        other.cookies.set(BROWSER_COOKIE, BOB)
        assert other.get(f"/experiments/{own_id}").json()["own"] is False
        for action in ("pause", "delete", "judge"):
            answer = other.post(f"/experiments/{own_id}", json={"action": action, "cells": [0]})
            assert answer.status_code == 403
        lab.tell(own_id, "delete")
        assert lab.look(own_id)["deleted"] is True
        assert other.get(f"/experiments/{own_id}").status_code == 404
    lab.tell(own_id, "restore")
    assert lab.look(own_id)["deleted"] is False
    assert lab.client.get("/experiments/nothing").status_code == 404
    odd: list[Any] = [
        {},
        {"action": "explode"},
        {"action": "judge", "cells": [0], "verdict": "fine"},
        {"action": "again", "cells": [99, True, "0", None]},
        {"action": "again", "cells": "0"},
        {"action": "rename", "name": 5},
        {"action": "default", "cells": [0, 1], "keys": [COLOR]},
        [],
    ]
    for asked in odd:
        assert lab.client.post(f"/experiments/{own_id}", json=asked).status_code == 400, asked
    lab.tell(own_id, "rename", name=" Two\n colours ")
    assert lab.look(own_id)["name"] == "Two colours"


def test_a_cell_s_values_become_the_template_s_defaults(lab: Lab) -> None:
    own_id = lab.begin(over(WIDTH, "8,16"), over(COLOR, "5,6"))
    told = lab.done(own_id)
    assert lab.tell(own_id, "default", cells=[3], keys=[WIDTH, COLOR, "1.height", 7]).json() == {"ok": True}
    form = lab.house.engine.form(lab.library.get("picture"))
    assert {one.key: one.default for one in form.inputs if one.key in (WIDTH, COLOR, "1.height")} == {
        WIDTH: 16,
        COLOR: 6,
        "1.height": 8,
    }
    assert told["is_there"] is True


def test_a_sheet_is_taken_away_by_whoever_may_see_it(lab: Lab) -> None:
    skip = frozenset({("16", "3")})
    own_id = lab.begin(over(WIDTH, "8,16"), over(COLOR, "1..3"), skip=skip)
    lab.done(own_id)
    lab.tell(own_id, "judge", cells=[1], verdict="kept")
    lab.tell(own_id, "rename", name='../狐狸: "a/b" <i>')
    begins = {"png": b"\x89PNG", "webp": b"RIFF", "html": b"<!DOC", "csv": b"\xef\xbb\xbf", "zip": b"PK"}
    for kind, first in begins.items():
        answer = lab.client.get(f"/experiments/{own_id}/sheet.{kind}")
        assert (answer.status_code, answer.content[: len(first)]) == (200, first)
        assert answer.headers["content-disposition"].endswith(
            f"filename*=UTF-8''%E7%8B%90%E7%8B%B8_%20_a-b_%20_i_.{kind}"
        )
        assert answer.headers["content-security-policy"] == "sandbox"
        assert "content-encoding" not in answer.headers
    rows = [*csv.DictReader(io.StringIO(lab.client.get(f"/experiments/{own_id}/sheet.csv").text[1:]))]
    assert [(row["1. Width"], row["2. Color"], row["State"]) for row in rows] == [
        *(("8", color, "Done") for color in "123"),
        *(("16", color, "Done") for color in "12"),
        ("16", "3", "Left out"),
    ]
    assert [row["Verdict"] for row in rows] == ["", "Kept", "", "", "", ""]
    kept = lab.client.get(f"/experiments/{own_id}/sheet.csv", params={"only": "kept"})
    assert [row["2. Color"] for row in csv.DictReader(io.StringIO(kept.text[1:]))] == ["2"]
    assert kept.headers["content-disposition"].endswith("_i_%20%28kept%29.csv")
    shown = lab.client.get(f"/experiments/{own_id}/sheet.html", params={"only": "kept"}).text
    assert "1 kept of 5" in shown
    assert "Width 8 · Color 2" in shown
    page = lab.client.get(f"/experiments/{own_id}/sheet.html", params={"lang": "zh"}).text
    assert page.count("此图片无法显示。") == 5, "the scripted server's files are no pictures"
    assert "保留" in page
    with zipfile.ZipFile(io.BytesIO(lab.client.get(f"/experiments/{own_id}/sheet.zip").content)) as found:
        assert len([name for name in found.namelist() if name.startswith("workflows/")]) == 5
        assert all(json.loads(found.read(n)) for n in found.namelist() if n.startswith("workflows/"))
    for unknown in (f"{own_id}/sheet.exe", f"{own_id}/sheet.", "nothing/sheet.png", "nothing/sheet.zip"):
        assert lab.client.get(f"/experiments/{unknown}").status_code == 404
    with client_of(str(lab.client.base_url)) as other:
        other.cookies.set(BROWSER_COOKIE, BOB)
        assert other.get(f"/experiments/{own_id}/sheet.csv").status_code == 200, "who knows its link"
        lab.tell(own_id, "delete")
        assert other.get(f"/experiments/{own_id}/sheet.csv").status_code == 404
        assert lab.client.get(f"/experiments/{own_id}/sheet.csv").status_code == 200
    lab.tell(own_id, "restore")


def test_a_cell_whose_run_is_gone_says_so_and_does_not_wait(lab: Lab) -> None:
    own_id = lab.begin(over(COLOR, "1,2"))
    lab.done(own_id)
    now = lab.experiments.sheet(own_id)
    assert now is not None
    gone = replace(now, cells=(replace(now.cells[0], run=None, gone=True), now.cells[1]))
    for lang, said in (("en", "Its result was deleted"), ("zh", "结果已被删除")):
        sheet = exports.to_sheet(gone, None, Words(lang), lambda run_id, name: "")
        assert sheet.words.of_state(sheet.cells[0].state) == said


def _experiment(state: ExperimentState) -> Experiment:
    return Experiment("e", "", "", "", Plan("t", {}), Grid({}), state, 0.0)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Lakes", "Lakes.png"),
        ("", "Text to image.png"),
        ("a/b\\c: d?", "a-b-c_ d_.png"),
        ("../..", "sheet.png"),
        ("CON", "_CON.png"),
        ("狐" * 100, "狐" * 58 + ".png"),
    ],
)
def test_a_sheet_is_called_as_its_experiment_is(name: str, called: str) -> None:
    experiment = replace(_experiment(ExperimentState.DONE), name=name, title="Text to image")
    assert exports.file_name(experiment, "png") == called


@pytest.mark.parametrize(
    ("state", "counted", "left", "said"),
    [
        (ExperimentState.RUNNING, {"all": 40}, None, "0 of 40"),
        (
            ExperimentState.RUNNING,
            {"all": 2000, "completed": 1200},
            (170, 190),
            "1,200 of 2,000 · about 3 min left",
        ),
        (ExperimentState.RUNNING, {"all": 4, "completed": 2, "failed": 2}, (1, 2), "4 of 4 · 2 failed"),
        (
            ExperimentState.PAUSED,
            {"all": 4, "completed": 1, "in_progress": 2},
            None,
            "Paused · 1 of 4 · 2 still finish",
        ),
        (ExperimentState.STOPPED, {"all": 4, "cancelled": 1}, None, "Stopped · 1 of 4 · 1 stopped"),
        (ExperimentState.DONE, {"all": 1, "completed": 1}, None, "Done"),
        (ExperimentState.DONE, {"all": 4, "completed": 3, "failed": 1}, None, "3 of 4 done · 1 failed"),
    ],
)
def test_how_far_it_is_stands_in_one_line(
    state: ExperimentState, counted: dict[str, int], left: tuple[float, float] | None, said: str
) -> None:
    estimate = Estimate(*left) if left else None
    assert showing.line(_experiment(state), counted, estimate, Words("en")) == said
