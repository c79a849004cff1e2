"""Every kind of widget, in a form that has them all: what it shows and what the server gets of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Locator, Page, expect

from comfyui_bridge.sandbox.thread import SandboxThread
from tests.browser import create, kinds
from tests.browser.conftest import Program

Visit = Callable[..., Page]
CLIP = b"\x00\x00\x00\x18ftypmp42 no real video"


@pytest.fixture(scope="module")
def house() -> Iterator[SandboxThread]:
    with SandboxThread(kinds.NODES) as thread:
        yield thread


@pytest.fixture(scope="module")
def shelf(
    start: Callable[..., Program], house: SandboxThread, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    library = kinds.library(tmp_path_factory.mktemp("kinds") / "workflows")
    return start("--server", house.url, workflows=library)


@pytest.fixture
def page(stay: Callable[[str], Page], shelf: Program) -> Page:
    """The page of the shelf, which stays open."""
    opened = stay(f"{shelf.url}/?template=all-kinds&1.seed=7")
    create.form_of(opened, "all-kinds")
    return opened


def unfold(page: Page) -> None:
    if field(page, "far").count() == 0:
        page.get_by_role("button", name="Advanced").click()


def field(page: Page, name: str) -> Locator:
    key = name if name == "video" else f"1-{name}"
    return page.locator(f"#input-{key.replace(' ', '-')}")


def sent(house: SandboxThread) -> dict[str, Any]:
    """What the server was given for the node that has everything, the last time."""
    history = json.loads(urlopen(f"{house.url}/history?max_items=1").read())
    (entry,) = history.values()
    inputs: dict[str, Any] = entry["prompt"][2]["1"]["inputs"]
    return inputs


def test_an_untouched_form_sends_what_the_workflow_has(page: Page, house: SandboxThread) -> None:
    create.run(page)  # nothing was ever unfolded
    assert sent(house) == kinds.VALUES


def test_an_error_in_a_folded_group_unfolds_it(shelf: Program, visit: Visit) -> None:
    page = visit(f"{shelf.url}/?template=all-kinds&1.far=5")
    create.form_of(page, "all-kinds")
    expect(field(page, "far")).to_have_count(0)
    create.generate(page)
    expect(field(page, "far").locator(".field-error")).to_contain_text("5 is too small")
    expect(field(page, "far").get_by_role("spinbutton")).to_be_focused()


def test_what_is_chosen_in_each_widget_reaches_the_server(
    page: Page, house: SandboxThread, tmp_path: Path
) -> None:
    create.fill(page, "all-kinds")
    unfold(page)
    field(page, "near").get_by_role("spinbutton").fill("31")
    field(page, "near").locator("input[type=range]").press("ArrowRight")
    field(page, "plain").get_by_role("checkbox").check()
    field(page, "worded").get_by_role("radio", name="stretch").click()
    field(page, "short").get_by_role("combobox").select_option("dpmpp_2m")
    lora = field(page, "lora").get_by_role("combobox")
    expect(lora).to_have_value(kinds.LORAS[4321])
    lora.click()
    expect(field(page, "lora").get_by_role("option", selected=True)).to_be_visible()
    lora.fill("lora 0042")
    expect(field(page, "lora").get_by_role("option")).to_have_count(1)
    lora.press("Enter")
    tags = field(page, "tags")
    tags.get_by_role("button", name="Remove: red").click()
    tags.get_by_role("combobox").click()
    tags.get_by_role("option", name="black").click()
    remote = field(page, "remote")
    remote.get_by_role("combobox").click()
    expect(remote.get_by_role("option").first).to_be_visible()
    expect(remote.get_by_role("button", name="Ask the server again")).to_be_visible()
    remote.get_by_role("combobox").press("Escape")
    field(page, "number_color").get_by_role("textbox", name="Number color", exact=True).fill("#0000ff")
    clip = tmp_path / "my clip.mp4"
    clip.write_bytes(CLIP)
    field(page, "video").locator("input[type=file]").set_input_files(clip)
    expect(field(page, "video")).to_contain_text("my clip.mp4")

    field(page, "resize").get_by_role("combobox").select_option("by a factor")
    expect(field(page, "resize-width")).to_have_count(0)
    field(page, "resize-how").get_by_role("combobox").select_option("careful")
    field(page, "resize-how-passes").get_by_role("spinbutton").fill("9")
    field(page, "sharpen").get_by_role("button", name="Use: Sharpen").click()
    expect(field(page, "sharpen").get_by_role("spinbutton")).to_have_value("0.4")
    page.get_by_role("button", name="Add another: weights").click()
    field(page, "weights-weight 2").get_by_role("spinbutton").fill("0.25")

    page.get_by_label("Seed: After each run").select_option("+")
    page.get_by_label("Seed", exact=True).fill(str(kinds.LARGE - 1))
    create.run(page)
    got = sent(house)
    name = got.pop("video")
    assert urlopen(f"{house.url}/view?filename={name.replace(' ', '%20')}&type=input").read() == CLIP
    assert got == {
        **{key: value for key, value in kinds.VALUES.items() if key not in ("video", "resize.width")},
        "near": 32,
        "plain": True,
        "worded": False,
        "short": "dpmpp_2m",
        "lora": kinds.LORAS[42],
        "tags": {"__value__": ["blue", "black"]},
        "number_color": 255,
        "resize": "by a factor",
        "resize.factor": 2.0,
        "resize.how": "careful",
        "resize.how.passes": 9,
        "sharpen": 0.4,
        "weights.weight 2": 0.25,
        "seed": kinds.LARGE - 1,
    }
    expect(page.get_by_label("Seed", exact=True)).to_have_value(str(kinds.LARGE))
    expect(page.get_by_label("Seed: After each run")).to_have_value("+")

    field(page, "resize-factor").get_by_role("spinbutton").fill("99")
    field(page, "near").get_by_role("spinbutton").fill("")
    create.generate(page)
    expect(field(page, "resize-factor").locator(".field-error")).to_contain_text("too large")
    expect(field(page, "near").locator(".field-error")).to_have_text(
        "This needs a whole number from 1 to 60."
    )
    field(page, "resize").get_by_role("combobox").select_option("to a width")
    expect(field(page, "resize-width").get_by_role("spinbutton")).to_have_value("640")
    field(page, "resize").get_by_role("combobox").select_option("by a factor")
    expect(field(page, "resize-how-passes").get_by_role("spinbutton")).to_have_value("9")
    page.get_by_role("button", name="Remove: Weight 2").click()
    expect(field(page, "weights-weight 2")).to_have_count(0)


def test_choices_are_refreshed_and_what_was_typed_stays(page: Page) -> None:
    unfold(page)
    field(page, "line").get_by_role("textbox").fill("typed before")
    kinds.REQUIRED["short"][0].append("brand new")
    try:
        page.get_by_role("button", name="Refresh choices").click()
        expect(field(page, "short").locator("option", has_text="brand new")).to_be_attached()
        expect(field(page, "line").get_by_role("textbox")).to_have_value("typed before")
    finally:
        kinds.REQUIRED["short"][0].remove("brand new")


def test_everything_fits_a_phone(shelf: Program, visit: Visit) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = visit(f"{shelf.url}/?template=all-kinds", **phone)
    create.form_of(page, "all-kinds")
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    small = page.evaluate(
        """() => [...document.querySelectorAll('#form :is(.box, button, select)')]
            .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 43.5)
            .map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert small == []
