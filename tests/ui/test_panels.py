"""What stands on the page as HTML: whatever people and servers wrote in it is text, and never markup."""

from __future__ import annotations

import html.parser
import re
import time
from dataclasses import replace

import pytest

from comfyui_bridge.core import form as form_of_core
from comfyui_bridge.core import node_defs, template
from comfyui_bridge.core.activity import Activity
from comfyui_bridge.core.outputs import KeptFile, OutputFile
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.core.server import Device, ServerFacts
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine.pool import ServerState, ServerStatus
from comfyui_bridge.store.library import LibraryProblem
from comfyui_bridge.ui import charts, form, gallery, library_panel, queue_panel, servers_panel, templates
from comfyui_bridge.ui.templates import Shelf
from comfyui_bridge.ui.words import Words

EN = Words("en")
HOSTILE = '"><img src=x onerror="hacked()"><script>hacked()</script>\'${hacked()}{{hacked()}}`'


class Tags(html.parser.HTMLParser):
    """The tags and handlers that a browser would find."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.said = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.said += data


def a_template(slug: str, title: str = "", **card: object) -> Template:
    document = {"1": {"class_type": "EmptyImage", "inputs": {"width": 64}}}
    return template.parse(slug, document, {"title": title or slug, **card})


def assert_harmless(markup: str, *, images: int = 0) -> None:
    found = Tags(markup)
    assert "script" not in found.tags
    assert found.tags.count("img") == images
    assert not [name for name in found.attributes if name.startswith("on")]


def test_hostile_titles_tags_and_files_are_text_in_the_library() -> None:
    shelf = Shelf(
        (a_template("a", HOSTILE, description=HOSTILE, tags=[HOSTILE, "x"]), a_template("b", tags=[HOSTILE])),
        problems=(LibraryProblem(HOSTILE, HOSTILE),),
    )
    markup = library_panel.markup(shelf, EN)
    assert_harmless(markup)
    assert HOSTILE in Tags(markup).said


def test_hostile_titles_are_text_above_the_form_and_among_the_runs() -> None:
    hostile = a_template("a", HOSTILE, description=HOSTILE)
    joined = form_of_core.make(hostile, node_defs.EMPTY)
    assert_harmless(form.head(hostile, joined, "", EN))
    assert_harmless(form.head(hostile, None, HOSTILE, EN))
    file = OutputFile(f"{HOSTILE}.png")
    run = Run("r", "p", Workflow({}), 0.0, title=HOSTILE, state=RunState.COMPLETED)
    kept = Run("s", "p", Workflow({}), 0.0, title=HOSTILE, kept=(KeptFile(f"{HOSTILE}.png", 1, file),))
    assert_harmless(gallery.strip([run, kept], EN), images=1)


def test_hostile_servers_are_text_beside_their_charts() -> None:
    slots = [Activity(HOSTILE, at=0.0, length=900.0, done=2, failed=1, waiting=3.0)]
    assert_harmless(charts.markup(slots, 6.0, EN))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_charts_say_in_words_what_they_show(lang: str) -> None:
    words = Words(lang)
    slots = [
        Activity("a", at=0.0, length=900.0, done=4, failed=1, waiting=40.0),
        Activity("a", at=900.0, length=900.0),
        Activity("b", at=0.0, length=900.0, done=2, waiting=8.0),
    ]
    markup = charts.markup(slots, 6.0, words)
    said = html.unescape(" ".join(re.findall(r'aria-label="([^"]*)"', markup)))
    assert words("chart_done_said", done=4, failed=1, hours="6", most=5) in said
    assert words("chart_done_said", done=2, failed=0, hours="6", most=5) in said
    assert words("chart_waited_said", low=words.time(40), high=words.time(40)) in said
    heights = [float(height) for height in re.findall(r'class="done"[^>]* height="([0-9.]+)"', markup)]
    assert heights == [80.0, 40.0], "both servers stand on one scale"
    assert words("charts_none") in charts.markup((), 6.0, words)


A_SERVER = ServerStatus("a", ServerState.READY, ServerFacts(), since=1000.0)
MINE = Run("r", "p", Workflow({}), 0.0, server="a")


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        (A_SERVER, "ready", "Ready"),
        (replace(A_SERVER, since=100.0), "ready", "Ready, for 15 min now"),
        (replace(A_SERVER, paused=True), "paused", "Paused: gets no new runs"),
        (replace(A_SERVER, state=ServerState.AWAY, since=970.0), "away", "No answer for 35 s"),
        (replace(A_SERVER, state=ServerState.AWAY, paused=True), "away", "No answer for 5 s"),
        (replace(A_SERVER, leaving=True), "leaving", "Going, once the runs inside it are over"),
    ],
)
def test_a_server_s_state_is_told_with_its_age(status: ServerStatus, state: str, said: str) -> None:
    view = servers_panel.view(status, (), 1005.0, EN)
    assert (view.state, view.said) == (state, said)


def test_a_server_s_queue_is_one_s_own_and_others() -> None:
    busy = replace(A_SERVER, mine=3, others=2)
    assert servers_panel.view(busy, [MINE], 1005.0, EN).queue == "1 of yours, 4 of others"
    assert servers_panel.view(busy, [replace(MINE, server="b")], 1005.0, EN).queue == "5 of others"
    assert servers_panel.view(A_SERVER, (), 1005.0, EN).queue == "empty"
    assert servers_panel.view(replace(busy, state=ServerState.AWAY), [MINE], 1005.0, EN).queue == ""


def test_the_last_problem_of_a_server_that_is_well_again_is_told() -> None:
    told = replace(A_SERVER, last_error="It was gone.", last_error_at=705.0)
    assert servers_panel.view(told, (), 1005.0, EN).why == "Last problem, 5 min ago: It was gone."


def test_memory_is_the_devices_or_the_machine_s() -> None:
    machine = ServerFacts(ram_total=8 * 10**9, ram_free=2 * 10**9)
    view = servers_panel.view(replace(A_SERVER, facts=machine), (), 1005.0, EN)
    assert (view.memory, view.used) == ("2.0 GB free of 8.0 GB", 0.75)
    cards = replace(machine, devices=(Device("x", vram_total=10**10, vram_free=10**10),))
    assert servers_panel.view(replace(A_SERVER, facts=cards), (), 1005.0, EN).used == 0.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"prompt": "a  city\nat night", "negative": "blur"}, "a city at night"),
        ({"steps": 3, "text": "a sea"}, "a sea"),
        ({"steps": 3}, ""),
        ({"prompt": "x" * 200}, "x" * 90 + "…"),
    ],
)
def test_a_run_is_told_from_others_by_its_first_words(values: dict[str, object], said: str) -> None:
    assert queue_panel.first_words(replace(MINE, values=values)) == said


def test_an_empty_library_says_what_to_put_where() -> None:
    said = Tags(library_panel.empty("/data/workflows", EN)).said
    assert "/data/workflows" in said
    assert "Export" in said


def test_a_file_that_cannot_be_read_is_named_while_the_others_are_shown() -> None:
    shelf = Shelf((a_template("good"),), problems=(LibraryProblem("bad.json", "Line 3: no JSON."),))
    said = Tags(library_panel.markup(shelf, EN)).said
    for words in ("good", "1 file could not be read", "bad.json", "Line 3: no JSON."):
        assert words in said


def test_chips_are_the_tags_that_divide_the_library() -> None:
    shelf = Shelf(
        tuple(
            a_template(slug, tags=["all", *tags]) for slug, tags in [("a", ["x"]), ("b", ["x"]), ("c", ["y"])]
        )
    )
    markup = library_panel.markup(shelf, EN)
    assert re.findall(r'data-tag="([^"]*)"', markup) == ["", "x"]


def test_only_templates_with_a_cover_ask_for_one() -> None:
    shelf = Shelf((a_template("with it"), a_template("without")), covers={"with it": "7"}, version=9)
    assert library_panel.cover_url(shelf, "with it") == "covers/with%20it?size=256&v=7"
    assert library_panel.cover_url(shelf, "without") == ""
    assert Tags(library_panel.markup(shelf, EN)).tags.count("img") == 1


def test_the_first_template_needs_nothing_but_words() -> None:
    needs_file = template.parse(
        "a-file",
        {"1": {"class_type": "LoadImage"}},
        {"inputs": [{"node": "1", "input": "x", "key": "prompt"}]},
    )
    wordless = a_template("b-wordless")
    card = {"inputs": [{"node": "1", "input": "text", "key": "prompt"}]}
    large = template.parse("c-large", {str(n): {"class_type": "CLIPTextEncode"} for n in range(9)}, card)
    small = template.parse("d-small", {"1": {"class_type": "CLIPTextEncode"}}, card)
    ordered = [t.slug for t in templates.in_order([needs_file, wordless, large, small])]
    assert ordered == ["d-small", "b-wordless", "c-large", "a-file"]


@pytest.mark.parametrize("count", [1000])
def test_a_library_of_a_thousand_templates_is_written_at_once(count: int) -> None:
    shelf = Shelf(tuple(a_template(f"t{n}", f"Template {n}", description="x" * 80) for n in range(count)))
    started = time.process_time()
    markup = library_panel.markup(shelf, EN)
    assert time.process_time() - started < 1.0
    assert markup.count('class="card"') == count
