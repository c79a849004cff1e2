"""The line above Generate and the dots: what is said of which findings."""

from __future__ import annotations

from comfyui_bridge.core import form, template
from comfyui_bridge.core.node_defs import EMPTY
from comfyui_bridge.core.readiness import MissingChoice, MissingNode, Readiness
from comfyui_bridge.ui import readiness_panel
from comfyui_bridge.ui.words import Words

WORDS = Words()
ONE = template.parse("one", {"4": {"class_type": "Loader", "inputs": {"ckpt_name": "a.safetensors"}}})
FORM = form.make(ONE, EMPTY)
MODEL = MissingChoice("4", "ckpt_name", "a.safetensors", "b.safetensors")
PICTURE = MissingChoice("4", "ckpt_name", "me.png", None, is_file=True)


def line(**found: Readiness) -> dict:
    shown = readiness_panel.line(found, FORM, WORDS)
    assert shown is not None
    return shown


def test_nothing_is_said_while_no_server_is_known() -> None:
    assert readiness_panel.line({}, FORM, WORDS) is None


def test_one_server_that_can_is_enough() -> None:
    assert line(near=Readiness())["line"] == "Ready"
    some = line(near=Readiness(), far=Readiness(missing_choices=(MODEL,)))
    assert (some["tone"], some["line"], some["hint"]) == ("ok", "Ready on 1 of 2 servers", "near")
    assert some["items"] == []


def test_a_missing_model_comes_with_the_nearest_and_where_it_goes() -> None:
    shown = line(near=Readiness(missing_choices=(MODEL,)))
    assert shown["tone"] == "away"
    (item,) = shown["items"]
    assert item["said"] == "a.safetensors is not on the server (for Loader)."
    assert (item["keys"], item["value"], item["use"]) == (
        [FORM.inputs[0].key],
        "b.safetensors",
        "Use b.safetensors",
    )


def test_a_model_that_several_nodes_ask_for_is_told_once() -> None:
    loader = {"class_type": "Loader", "inputs": {"name1": "a.safetensors", "name2": "a.safetensors"}}
    document = {"4": {**loader, "_meta": {"title": "Text encoders"}}, "5": {**loader, "inputs": {"of": "z"}}}
    form_of_two = form.make(template.parse("two", document), EMPTY)
    places = [("4", "name1"), ("4", "name2"), ("5", "of")]
    choices = tuple(
        MissingChoice(node, name, "z" if name == "of" else "a.safetensors", "b") for node, name in places
    )
    shown = readiness_panel.line({"near": Readiness(missing_choices=choices)}, form_of_two, WORDS)
    assert shown is not None
    assert [item["said"] for item in shown["items"]] == [
        "a.safetensors is not on the server (for Text encoders).",
        "Loader, Of: z is not among the server's choices.",
    ]
    assert len(shown["items"][0]["keys"]) == 2


def test_the_server_with_the_least_missing_speaks() -> None:
    worse = Readiness(missing_nodes=(MissingNode("1", "X", "", None),), missing_choices=(MODEL,))
    shown = line(near=worse, far=Readiness(missing_choices=(MODEL,)))
    assert shown["line"] == "None of the 2 servers can run this yet"
    assert len(shown["items"]) == 1


def test_somebody_s_own_file_is_asked_for_and_nothing_is_offered_for_it() -> None:
    shown = line(near=Readiness(missing_choices=(PICTURE,)))
    assert (shown["tone"], shown["line"]) == ("wait", "Needs a file of yours")
    assert "use" not in shown["items"][0]


def test_many_findings_are_cut_and_counted() -> None:
    nodes = tuple(MissingNode(str(number), f"X{number}", "", None) for number in range(9))
    items = line(near=Readiness(missing_nodes=nodes))["items"]
    assert len(items) == 7
    assert items[-1]["said"] == "And 3 things more."


def test_dots_tell_only_of_cards_that_are_not_ready() -> None:
    other, third = template.parse("other", {}), template.parse("third", {})
    told = readiness_panel.dots(
        [(ONE, {"near": Readiness()}), (other, {"near": Readiness(missing_choices=(MODEL,))}), (third, None)],
        WORDS,
    )
    assert told["unknown"] == ["third"]
    assert set(told["missing"]) == {"other"}
