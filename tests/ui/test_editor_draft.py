"""A card as it is typed, and what of it is written: only what differs, and nothing that is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from comfyui_bridge.core import form, node_defs, template
from comfyui_bridge.core.errors import WorkflowError
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.template import CardEdit, Exposure, Template
from comfyui_bridge.ui.templates_tab import draft
from comfyui_bridge.ui.templates_tab.draft import Draft, Row
from comfyui_bridge.ui.templates_tab.own import Own
from comfyui_bridge.ui.words import Words
from tests.core.conversion_pairs import Pair, read_pairs

EN = Words("en")
TESTS = Path(__file__).parents[1]
SAMPLER = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "one.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lake", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 1,
            "steps": 20,
            "cfg": 7.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["8", 0]}},
}


@pytest.fixture(scope="module")
def defs() -> NodeDefs:
    with gzip.open(TESTS / "recordings/comfyui-0.33/object_info.json.gz", "rt", encoding="utf-8") as file:
        return node_defs.parse(json.load(file))


def made(defs: NodeDefs, card: dict[str, Any] | None = None) -> tuple[Template, Own]:
    found = template.parse("t", SAMPLER, card)
    return found, Own(found, defs)


def checked(defs: NodeDefs, *rows: Row, card: dict[str, Any] | None = None) -> draft.Checked:
    found, own = made(defs, card)
    return draft.check(Draft("T", rows=rows, by_itself=False), found, own, EN)


def written(defs: NodeDefs, row: Row, card: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the row's table in the card would say besides its place."""
    answer = checked(defs, row, card=card)
    assert not answer.wrong
    (exposure,) = answer.edit.exposures
    plain = Exposure("", "")
    return {
        name: value
        for name, value in vars(exposure).items()
        if name not in ("node_id", "input") and value != getattr(plain, name)
    }


def test_a_draft_without_a_card_is_the_form_as_it_is_by_itself(defs: NodeDefs) -> None:
    found, own = made(defs)
    held = draft.of(found, own)
    assert held.by_itself
    assert held.title == "T"
    assert [".".join(row.place) for row in held.rows] == [
        *("6.text", "7.text", "5.width", "5.height", "3.seed", "3.steps", "3.cfg")
    ]
    assert draft.check(held, found, own, EN).edit == CardEdit("T")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Row("6", "text"), {}),
        (Row("6", "text", label=" Prompt ", key="prompt", default="a lake"), {}),
        (Row("6", "text", label="What", help="Say."), dict(label="What", help="Say.")),
        (Row("6", "text", group=" Words "), {"group": "Words"}),
        (Row("6", "text", default="a\nfox"), {"default": "a\nfox"}),
        (Row("3", "steps", min="1", max="10000", step="1", default="20"), {}),
        (Row("3", "steps", min="4", max="40.0", step="2"), dict(min=4, max=40, step=2)),
        (Row("3", "steps", default="8"), {"default": 8}),
        (Row("3", "cfg", min="1", max="12", step="0.5"), dict(min=1, max=12, step=0.5)),
        (Row("3", "cfg", default="6.5"), {"default": 6.5}),
        (Row("3", "seed", default="18446744073709551615"), {"default": 2**64 - 1}),
        (Row("3", "seed", default="random"), {}),
        (Row("3", "sampler_name", choices=("euler", "dpmpp_2m"), default="dpmpp_2m"),
         dict(choices=("euler", "dpmpp_2m"), default="dpmpp_2m")),
        (Row("6", "text", choices=("a cat", "a dog")), {"choices": ("a cat", "a dog")}),
    ],
)  # fmt: skip
def test_only_what_differs_from_the_definition_is_written(
    defs: NodeDefs, row: Row, said: dict[str, Any]
) -> None:
    found = written(defs, row)
    assert found == said
    assert all(type(found[name]) is type(said[name]) for name in said)


def test_all_of_a_server_s_choices_are_no_choice(defs: NodeDefs) -> None:
    _, own = made(defs)
    every = tuple(own.input("3", "sampler_name").spec.options)
    assert written(defs, Row("3", "sampler_name", choices=every)) == {}


def test_what_an_author_wrote_by_hand_stays_even_where_it_only_repeats(defs: NodeDefs) -> None:
    table = {"node": "3", "input": "steps", "label": "Steps", "key": "steps", "max": 10000, "default": 20}
    card = {"inputs": [table]}
    found, own = made(defs, card)
    held = draft.of(found, own)
    assert draft.check(held, found, own, EN).edit.exposures == found.exposures
    again = draft.read(json.loads(json.dumps(held.to_json())))
    assert draft.check(again, found, own, EN).edit.exposures == found.exposures


def test_what_is_taken_back_to_the_definition_leaves_the_card(defs: NodeDefs) -> None:
    card = {"inputs": [{"node": "3", "input": "steps", "label": "Strokes", "max": 40}]}
    assert written(defs, Row("3", "steps", label="Steps"), card) == {}


@pytest.mark.parametrize(
    ("row", "field", "part"),
    [
        (Row("3", "steps", min="many"), "min", "“many” is no number"),
        (Row("3", "steps", min="1.5"), "min", "no number that fits"),
        (Row("3", "cfg", max="nan"), "max", "no number"),
        (Row("3", "cfg", step="0"), "step", "no number"),
        (Row("3", "steps", min="30", max="20"), "max", "20, is below the least, 30"),
        (Row("3", "steps", max="20000"), "max", "takes 1 to 10000"),
        (Row("3", "steps", default="lots"), "default", "whole number"),
        (Row("3", "sampler_name", default="no such"), "default", "no such"),
        (Row("3", "sampler_name", choices=()), "choices", "at least one"),
    ],
)
def test_what_is_wrong_is_a_sentence_at_its_field(defs: NodeDefs, row: Row, field: str, part: str) -> None:
    (wrong,) = checked(defs, row).wrong
    assert (wrong.place, wrong.field) == (".".join(row.place), field)
    assert part in wrong.said


def test_a_key_is_given_once_and_a_title_is_needed(defs: NodeDefs) -> None:
    found, own = made(defs)
    rows = (Row("6", "text", key="words"), Row("7", "text", key="words"))
    answer = draft.check(Draft("  ", rows=rows, by_itself=False), found, own, EN)
    assert [(wrong.place, wrong.field) for wrong in answer.wrong] == [("", "title"), ("7.text", "key")]


def test_a_row_whose_node_is_gone_stays_as_the_card_has_it(defs: NodeDefs) -> None:
    card = {
        "inputs": [{"node": "77", "input": "text", "label": "Lost", "max": 3}, {"node": "6", "input": "text"}]
    }
    found, own = made(defs, card)
    answer = draft.check(draft.of(found, own), found, own, EN)
    assert answer.edit.exposures == found.exposures
    assert not answer.wrong


def test_without_definitions_a_card_s_words_can_be_edited_and_its_inputs_stay() -> None:
    card = {"inputs": [{"node": "6", "input": "text", "label": "What"}]}
    found = template.parse("t", {"nodes": [{"id": 1, "type": "X"}]}, card)
    held = draft.of(found, None)
    answer = draft.check(draft.read({**held.to_json(), "title": "New"}), found, None, EN)
    assert answer.edit == CardEdit("New", exposures=found.exposures)


def marked_and_others() -> list[Pair]:
    """Every form that App mode made, and some of the rest."""
    official = read_pairs("official")
    return [pair for n, pair in enumerate(official) if "linearData" in pair.ui.get("extra", {}) or n % 8 == 0]


@pytest.mark.parametrize("pair", marked_and_others(), ids=lambda pair: pair.name)
def test_a_card_made_of_a_form_leaves_the_form_as_it_was(defs: NodeDefs, pair: Pair) -> None:
    found = template.parse("t", pair.ui)
    try:
        own = Own(found, defs)
    except WorkflowError:
        pytest.skip("needs a node that the recorded server lacks")
    before = form.make(found, defs)
    rows = draft.of(found, own).rows
    answer = draft.check(Draft("T", rows=rows, by_itself=False), found, own, EN)
    after = form.make(draft.applied(found, answer.edit), defs)
    places = [row.place for row in rows]

    def shown(made_form: form.Form) -> list[Any]:
        told = [
            (i.node_id, i.input, i.key, i.label, i.spec, i.default, i.group, i.also) for i in made_form.inputs
        ]
        return [one for one in told if one[:2] in places]

    assert not answer.wrong
    assert shown(after) == shown(before)
    assert {i.key for i in after.inputs} == {i.key for i in before.inputs}
    assert {".".join(place) for place in places} <= set(own.tree(places)["inputs"])


@pytest.mark.parametrize(
    "told",
    [
        None, [], "x", 7, {}, {"rows": 3}, {"rows": [None, 3, [], {}, {"node": 3, "input": []}]},
        {"title": {"a": 1}, "tags": "x", "rows": [{"node": "6", "input": "text", "min": 3}]},
        {"title": "<script>", "tags": [1, None, " a ", "a"], "by_itself": 1, "rows": [{"node": "6"}] * 5000},
    ],
)  # fmt: skip
def test_whatever_a_browser_sends_is_read(defs: NodeDefs, told: Any) -> None:
    found, own = made(defs)
    held = draft.read(told)
    assert json.loads(json.dumps(held.to_json())) == held.to_json()
    assert len(held.rows) <= draft.MOST_ROWS
    draft.check(held, found, own, EN)


def test_differences_are_told_in_lines() -> None:
    mine = Draft("A", tags=("x",), rows=(Row("6", "text"), Row("3", "seed", label="Luck")))
    theirs = Draft("B", tags=("x",), rows=(Row("3", "seed"), Row("3", "cfg")))
    assert list(draft.differences(mine, theirs, EN)) == [
        "Title: B",
        "3.seed: other Label",
        "3.cfg is on their form only",
        "6.text is on your form only",
    ]
    swapped = Draft("A", tags=("x",), rows=tuple(reversed(mine.rows)))
    assert list(draft.differences(mine, swapped, EN)) == ["On the form: other Order"]
    assert list(draft.differences(mine, mine, EN)) == []


def test_the_tree_tells_every_node_its_inputs_and_why(defs: NodeDefs) -> None:
    _, own = made(defs)
    tree = json.loads(json.dumps(own.tree([("3", "seed")])))
    assert [node["id"] for node in tree["nodes"]] == list(SAMPLER)
    sampler = next(node for node in tree["nodes"] if node["id"] == "3")
    assert sampler["inputs"] == [
        f"3.{name}" for name in ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise")
    ]
    assert any(linked.startswith("positive ← ") for linked in sampler["linked"])
    seed, name = tree["inputs"]["3.seed"], tree["inputs"]["3.sampler_name"]
    assert (seed["type"], seed["kind"], seed["value"]) == ("INT", "number", "1")
    assert seed["why"]
    assert "euler" in tree["lists"][name["list"]]
