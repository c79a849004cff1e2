"""What the plan of an experiment is answered: what may vary, what sheet comes of it, and its beginning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from comfyui_bridge.core import axes, form, node_defs, template
from comfyui_bridge.core.estimate import Estimate
from comfyui_bridge.core.experiment import AxisKind
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.node_defs import FloatSpec, IntSpec
from comfyui_bridge.engine.engine import Engine
from comfyui_bridge.engine.experiments import Experiments, Outlook, numbered
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.experiments import ExperimentStore
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.presets import PresetStore
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.store.wildcard_files import WildcardFiles
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.experiments_tab import labels, listing, planning, varying
from comfyui_bridge.ui.sign_in import BROWSER_COOKIE, Browsers
from comfyui_bridge.ui.words import Words

EN = Words("en")
ANN, BOB = "a" * 22, "b" * 22
RECORDINGS = Path(__file__).parent.parent / "recordings"
GRAPH = json.loads((RECORDINGS / "workflows" / "sd15_txt2img.json").read_text(encoding="utf-8"))
STEPS = {"kind": "values", "key": "steps", "text": "10,20,30"}
TEXTS = {"kind": "texts", "key": "prompt", "text": "a {red|blue} lake, __light__"}


class Library:
    def __init__(self) -> None:
        self.template = template.parse("lake", GRAPH)

    def get(self, slug: str) -> Any:
        return self.template if slug == "lake" else None


class Page:
    """The addresses over an engine without servers: nothing runs, and everything else is as it is."""

    def __init__(self, database: Database, folder: Path) -> None:
        library: Any = Library()
        (folder / "lists").mkdir()
        (folder / "lists" / "light.txt").write_text("at dawn\nat noon\n", encoding="utf-8")
        wildcards = WildcardFiles(folder / "lists")
        runs, presets, media = RunStore(database), PresetStore(database), MediaStore(folder / "data")
        engine = Engine([], runs, media)
        store = ExperimentStore(database)
        experiments = Experiments(engine, runs, store, presets, library.get, lists=wildcards.lines)
        self.presets = presets
        dashboard = Dashboard(
            engine=engine,
            library=library,
            editor=SimpleNamespace(),  # type: ignore[arg-type]
            media=media,
            results=SimpleNamespace(),  # type: ignore[arg-type]
            version="1.2.3",
            presets=presets,
            experiments=experiments,
            wildcards=wildcards,
        )
        routes = [*planning.routes(dashboard), *listing.routes(dashboard)]
        self.client = TestClient(Browsers(Starlette(routes=routes)))

    def ask(self, where: str, status: int = 200, browser: str = ANN, **asked: Any) -> dict[str, Any]:
        self.client.cookies.set(BROWSER_COOKIE, browser)
        answer = self.client.post(f"/experiments{where}", content=json.dumps(asked))
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def plan(self, *axes: dict[str, Any], skip: Any = (), **values: Any) -> dict[str, Any]:
        plan = {"template": "lake", "values": values, "axes": axes, "skip": skip}
        return self.ask("/plan", plan=plan)

    def listed(self, browser: str) -> list[dict[str, Any]]:
        self.client.cookies.set(BROWSER_COOKIE, browser)
        return list(self.client.get("/experiments").json()["experiments"])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("planning")
    with Database(folder / "data") as database:
        yield Page(database, folder)


def test_all_of_a_form_may_vary_and_a_plan_begins_with_seeds(page: Page) -> None:
    found = page.ask("/inputs", template="lake", values={})
    ways = {one["key"]: one["way"] for one in found["inputs"]}
    assert {key: ways[key] for key in ("prompt", "seed", "steps", "cfg")} == {
        "prompt": "texts",
        "seed": "seeds",
        "steps": "numbers",
        "cfg": "numbers",
    }
    assert (found["suggested"]["kind"], found["suggested"]["number"]) == ("seeds", 4)
    assert found["lists"] == ["light"]
    prompt = next(one for one in found["inputs"] if one["key"] == "prompt")
    assert found["says"][0] == ["prompt", "Prompt", prompt["now"]]
    assert page.ask("/inputs", 404, template="sea")["error"]


def test_a_prompt_with_choices_is_what_a_plan_begins_with(page: Page) -> None:
    found = page.ask("/inputs", template="lake", values={"prompt": "a {red|blue}\n lake, __light__"})
    suggested = found["suggested"]
    assert (suggested["kind"], suggested["key"], suggested["number"]) == ("texts", "prompt", 0)
    assert suggested["text"] == "a {red|blue} lake, __light__"
    many = page.ask("/inputs", template="lake", values={"prompt": "{1|2|3|4|5|6} {1|2|3|4|5|6}"})["suggested"]
    assert many["number"] == 8


def test_a_plan_is_told_as_the_sheet_it_would_make(page: Page) -> None:
    told = page.plan(STEPS, TEXTS, skip=[["10", "a red lake, at dawn"], ["99", "gone"]])
    assert [(axis["title"], axis["labels"]) for axis in told["axes"]] == [
        ("Steps", ["10", "20", "30"]),
        (
            "Prompt",
            [f"a {colour} lake, {time}" for colour in ("red", "blue") for time in ("at dawn", "at noon")],
        ),
    ]
    assert (told["count"], told["skipped"], told["problems"]) == (12, 1, [])
    assert told["outlook"] == ["time unknown until one is made"]
    assert (told["there"], told["twins"], told["varied"]) == ([], [], ["prompt", "steps"])
    same = page.plan({"kind": "table", "text": "steps,cfg\n8,4\n9,4\n8.0,4\n"}, seed="3")
    assert (same["there"], same["twins"]) == ([], [2])
    assert page.plan(STEPS, seed="3")["seed"].startswith("Seed 3 for all pictures")
    assert page.plan(STEPS, seed="")["seed"].startswith("One random seed")
    assert page.plan({"kind": "seeds", "key": "seed", "number": 2})["seed"] == ""


@pytest.mark.parametrize(
    ("axis", "where"),
    [
        ({**STEPS, "text": "10,many"}, {"axis": 0, "variation": 1, "key": "steps", "label": "many"}),
        ({**STEPS, "text": "10,20,..,3"}, {"axis": 0, "variation": None, "key": ""}),
        ({**TEXTS, "text": "a {red|blue"}, {"axis": 0, "variation": None}),
        ({"kind": "table", "text": "steps,cfg\n10,7\n20,high\n"}, {"axis": 0, "variation": 1, "key": "cfg"}),
        ({"kind": "table", "text": "steps,cfg\n10\n"}, {"axis": 0, "variation": None}),
        ({"kind": "presets", "chosen": ["gone"]}, {"axis": 0, "variation": None}),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(page: Page, axis: dict[str, Any], where: Any) -> None:
    told = page.plan(axis)
    problem = told["problems"][0]
    assert problem["sentence"]
    assert {key: problem[key] for key in where} == where
    assert "outlook" not in told
    assert page.ask("", 400, plan={"template": "lake", "values": {}, "axes": [axis]})["problems"]


def test_too_many_are_refused_with_the_number_and_a_file_that_never_came_by_name(page: Page) -> None:
    told = page.plan({**STEPS, "text": "1..1000"}, {"kind": "values", "key": "cfg", "text": "1..1000"})
    assert (told["count"], told["most"]) == (1_000_000, 10_000)
    assert "1,000,000" in told["problems"][0]["sentence"]
    lost = page.plan(STEPS, prompt={"__upload__": "", "name": "a.png"})
    assert "a.png" in lost["problems"][0]["sentence"]


def test_of_many_cells_it_is_looked_up_by_and_by_what_is_there(page: Page) -> None:
    many = {"kind": "table", "text": "\n".join(["steps", *map(str, range(1, 300)), "7.0", "299.0"])}
    plan = {"template": "lake", "values": {"seed": "3"}, "axes": [many]}
    told = page.ask("/plan", plan=plan)
    assert (told["count"], "there" in told, "outlook" in told) == (301, False, True)
    found = page.ask("/spared", plan=plan)
    assert (found["there"], found["twins"]) == ([], [299, 300])
    assert found["outlook"] == told["outlook"]
    assert page.ask("/spared", plan={**plan, "axes": [{**STEPS, "text": "many"}]}) == {}
    assert page.ask("/spared", 404, plan={})["error"]


def test_for_whoever_has_gone_nothing_more_is_looked_up(page: Page) -> None:
    plan = {"template": "lake", "values": {}, "axes": [{**STEPS, "text": "1..300"}]}
    asked = json.dumps({"plan": plan}).encode()
    told = iter([{"type": "http.request", "body": asked}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(told)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/experiments/spared",
        "headers": [],
        "query_string": b"",
    }
    anyio.run(page.client.app, scope, receive, send)
    assert sent[0]["status"] == 204


@pytest.mark.parametrize("asked", [{}, {"plan": 3}, {"plan": {"template": "sea"}}])
def test_a_plan_of_no_template_is_none(page: Page, asked: dict[str, Any]) -> None:
    assert page.ask("/plan", 404, **asked)["error"]
    assert page.ask("", 404, **asked)["error"]
    assert page.client.post("/experiments/plan", content="[]").status_code == 400


def test_what_is_no_axis_is_refused(page: Page) -> None:
    for one in ([{"kind": "spells"}], ["steps"], 7):
        assert page.ask("/plan", 400, plan={"template": "lake", "values": {}, "axes": one})["error"]


def test_a_table_is_told_by_rows_and_columns(page: Page) -> None:
    (axis,) = page.plan({"kind": "table", "text": 'steps,prompt\n8,"a sea, at noon"\n,a hill\n'})["axes"]
    assert axis["keys"] == ["steps", "prompt"]
    assert axis["rows"] == [["8", "a sea, at noon"], ["", "a hill"]]


def test_what_is_started_is_listed_for_whoever_started_it_and_can_be_planned_anew(page: Page) -> None:
    plan = {"template": "lake", "values": {"seed": ""}, "axes": [STEPS], "skip": [["20"]]}
    made = page.ask("", plan=plan, name="Steps of a lake")
    (one,) = page.listed(ANN)
    assert (one["id"], one["name"], one["title"]) == (made["id"], "Steps of a lake", "Lake")
    assert (one["state"], one["done"], one["count"], one["thumbs"]) == ("running", 0, 2, [])
    assert page.listed(BOB) == []
    again = page.ask("/inputs", experiment=made["id"])
    assert (again["template"], again["earlier"]["name"]) == ("lake", "Steps of a lake")
    assert again["earlier"]["skip"] == [["20"]]
    assert again["earlier"]["axes"][0]["text"] == "10,20,30"
    assert again["earlier"]["again"] == "Steps of a lake 2"
    drawn = again["values"]["seed"]
    assert again["earlier"]["values"]["seed"] == drawn != ""
    kept = page.ask("/inputs", experiment=made["id"], values={"seed": "5"})["values"]["seed"]
    assert (kept, page.ask("/inputs", 404, BOB, experiment="gone").keys()) == ("5", {"error"})


def test_a_new_one_is_called_by_what_varies_with_a_number_where_there_is_one(page: Page) -> None:
    values = {"prompt": "a lake\n at dusk " + "and on " * 9, "seed": "9"}
    plan = {"template": "lake", "values": values, "axes": [STEPS]}
    names = []
    for _ in range(3):
        called = page.ask("/plan", plan=plan)["called"]
        page.ask("", plan=plan, name=" ")
        assert page.listed(ANN)[0]["name"] == called
        names.append(called)
    stem = "Steps: a lake at dusk and on and on and on and on and…"
    assert names == [stem, f"{stem} 2", f"{stem} 3"]
    told = page.ask("/plan", plan={**plan, "axes": [TEXTS, STEPS]}, browser=BOB)
    assert told["name"] == told["called"] == "Prompt × Steps"
    assert page.ask("/plan", plan={**plan, "axes": []})["name"] == "Lake"
    page.ask("", plan=plan, name=stem)  # who writes a name has it
    assert page.listed(ANN)[0]["name"] == stem


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [
        ("Seed", ["Seeds"], "Seed"),
        ("Seed", ["Seed"], "Seed 2"),
        ("Room 7", ["Room 7", "Room 7 2"], "Room 7 3"),
        ("x" * 200, ["x" * 120], f"{'x' * 118} 2"),
    ],
)
def test_no_two_are_called_alike(name: str, taken: list[str], expected: str) -> None:
    assert numbered(name, taken) == expected


def test_presets_of_the_template_are_offered(page: Page) -> None:
    kept = page.presets.keep("lake", "Sharp", {"steps": 40}, f"browser-{ANN}")
    assert page.ask("/inputs", template="lake", values={})["presets"] == [[kept.preset_id, "Sharp"]]
    assert page.ask("/inputs", browser=BOB, template="lake", values={})["presets"] == []


def test_labels_of_the_core_are_in_the_page_s_language_and_names_are_not() -> None:
    steps = [True, False, "", [], "none", 7]
    axis = axes.listed("x", steps)
    assert labels.of(axis, Words("zh")) == ("开", "关", "无", "无", "none", "7")
    assert labels.of(axis, EN) == axis.labels == ("on", "off", "none", "none", "none", "7")


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [
        ("Lakes", [], "Lakes 2"),
        ("Lakes", ["Lakes 2", "Lakes 3"], "Lakes 4"),
        ("Lakes 3", ["Lakes 2"], "Lakes 4"),
        ("2024", [], "2024 2"),
        ("In 1984 2026", [], "In 1984 2026 2"),
    ],
)
def test_a_repetition_is_called_as_what_it_repeats(name: str, taken: list[str], expected: str) -> None:
    assert planning.again(name, taken) == expected


@pytest.mark.parametrize(
    ("value", "spec", "expected"),
    [
        (20, IntSpec(min=1, max=60), "10,20,30"),
        ("20", IntSpec(min=1, max=25), "10,15,20"),
        (1, IntSpec(min=1, max=8), "1,2"),
        (768, IntSpec(min=16, step=8), "384,768,1152"),
        (7.0, FloatSpec(min=0.0, step=0.5), "3.5,7,10.5"),
        (1.0, FloatSpec(min=0.0, max=1.0, step=0.05), "0.5,0.75,1"),
        (0.0, FloatSpec(min=0.0, max=1.0, step=0.05), "0,0.25,0.5"),
        (0, IntSpec(), "-4,0,4"),
        ("", FloatSpec(), "-0.04,0,0.04"),
    ],
)
def test_an_axis_of_numbers_begins_around_the_form_s_own(value: Any, spec: Any, expected: str) -> None:
    assert varying.around(value, spec) == expected


@pytest.mark.parametrize(
    ("outlook", "expected"),
    [
        (Outlook(100, Estimate(3000, 3600), 10**9), ""),
        (Outlook(101, Estimate(10, 10), 10), "That is much: 101 pictures."),
        (Outlook(5, Estimate(9000, 9000), 3 * 10**9), "That is much: about 2.5 h and about 3.0 GB."),
    ],
)
def test_what_is_much_is_named(outlook: Outlook, expected: str) -> None:
    assert planning.much(outlook, EN) == expected


@pytest.fixture(scope="module")
def painted() -> Form:
    """The form of a workflow as a server's definitions have it."""
    recorded = RECORDINGS / "comfyui-0.3.64" / "object_info.json"
    definitions = node_defs.parse(json.loads(recorded.read_text(encoding="utf-8")))
    return form.make(template.parse("t", GRAPH), definitions)


def test_parts_of_loras_and_a_controlnet_vary_as_inputs_do(painted: Form) -> None:
    image = FileValue("k" * 64, "pose.png")
    raw = {
        "loras": [{"name": "ink.safetensors", "strength_model": 0.8}],
        "controlnet": {"name": "edges.safetensors", "image": image, "strength": 0.5},
    }
    found = {one.key: one for one in varying.variables(painted, raw, EN)}
    sets = found["loras"]
    assert (sets.way, sets.label, sets.now) == ("stacks", "LoRA sets", "ink 0.8")
    assert sets.start == [[], raw["loras"]]
    assert (found["loras.1.name"].label, found["loras.1.name"].now) == ("LoRA 1", "ink.safetensors")
    assert found["loras.1.strength"].label == "LoRA 1: ink.safetensors: strength"
    assert found["loras.1.strength"].start == "0.4,0.8,1.2"
    assert found["loras.2.name"].start == [""]
    assert found["controlnet.strength"].start == "0.25,0.5,0.75"
    assert found["controlnet.image"].start == [image.to_json()]
    assert found["sampler"].way == "choices"
    assert ["euler", "euler"] in found["sampler"].to_json()["options"]
    few = {one.key for one in varying.variables(painted, {"loras": [], "controlnet": None}, EN)}
    assert {"loras", "loras.1.name", "controlnet.name"} <= few
    assert not {"loras.1.strength", "controlnet.strength"} & few


def test_without_a_seed_a_plan_begins_with_a_number(painted: Form) -> None:
    found = [one for one in varying.variables(painted, {}, EN) if one.way == "numbers"]
    begin = varying.suggested(painted, {}, found, lambda name: None, 1)
    assert begin is not None
    assert (begin.kind, begin.key) == (AxisKind.VALUES, found[0].key)
    assert varying.suggested(painted, {}, [], lambda name: None, 1) is None
