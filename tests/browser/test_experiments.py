"""An experiment from a form's values: planned as a sheet, made, looked at, and its winner kept."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image, ImageStat
from playwright.sync_api import Locator, Page, expect

from comfyui_bridge.sandbox.faults import NodeFault
from tests.browser import create
from tests.browser.conftest import Program, Server

Visit = Callable[..., Page]
LONG_MS = 120_000
LAKES = ("a lake at dawn", "a lake at noon", "a lake in the fog")


def vary(card: Locator, what: str) -> None:
    """Choose what an axis varies."""
    box = card.get_by_role("combobox", name="What varies")
    box.click()
    box.fill(what)
    box.press("Enter")


def plan_a_sheet(page: Page) -> None:
    """Four numbers of steps across and three prompts down, from the form as it stands."""
    page.get_by_role("button", name="Vary these").click()
    make = page.locator(".exp-make")
    expect(make).to_have_text("Make 4 pictures")  # seeds, at random: two clicks to a sheet
    columns, rows = (page.get_by_role("region", name=name, exact=True) for name in ("Columns", "Rows"))
    vary(columns, "steps")
    columns.get_by_label("Values").fill("2..4,99")
    expect(columns).to_contain_text("“99”: 99 is too large")
    expect(make).to_be_disabled()
    columns.get_by_label("Values").fill("2..5")
    expect(make).to_have_text("Make 4 pictures")
    page.get_by_role("button", name="Add rows").click()
    vary(rows, "prompt")
    rows.get_by_label("One text a line").fill("a lake {at dawn|at noon|in the fog}")
    expect(rows.get_by_role("listitem")).to_have_text(LAKES)
    expect(make).to_have_text("Make 12 pictures")
    page.get_by_role("button", name="Leave out the row a lake at noon").click()
    page.get_by_role("button", name="Leave out a lake at dawn, 3").click()
    expect(make).to_have_text("Make 7 pictures")


def sheet_of(page: Page) -> str:
    """The experiment whose sheet the address names."""
    page.wait_for_function("new URLSearchParams(location.search).has('experiment')")
    return parse_qs(urlsplit(page.url).query)["experiment"][0]


def cell(page: Page, index: int) -> Locator:
    return page.locator(f'.cs-cell[data-index="{index}"]')


def states(page: Page, state: str) -> Locator:
    return page.locator(f'.cs-cell[data-state="{state}"]')


def watch_it_fill(page: Page) -> None:
    """One cell fails; in the middle of it the page is loaded again; the failed one is done once more."""
    expect(page.get_by_role("columnheader")).to_have_text(["StepsPrompt", "2", "3", "4", "5"])
    expect(page.get_by_role("rowheader")).to_have_count(3)
    expect(states(page, "failed")).to_contain_text("It hurts")
    cell(page, 3).locator(".cs-open").focus()
    page.reload()
    expect(page).to_have_title(re.compile("Lakes · ComfyUI Bridge$"))
    expect(page.locator(".cs-line")).to_have_text("11 of 12 done · 1 failed", timeout=LONG_MS)
    expect(page.locator(".cs-shown img.is-there")).to_have_count(11)
    expect(cell(page, 3).locator(".cs-open")).to_have_attribute("tabindex", "0")  # where one was
    states(page, "failed").get_by_role("button", name="Run again").click()
    expect(page.locator(".cs-line")).to_have_text("All 12 done", timeout=LONG_MS)
    expect(page.locator(".cs-shown img.is-there")).to_have_count(12)


def judge_it(page: Page) -> None:
    """By keys: one is kept, one rejected, and of two the better is chosen without knowing which it is."""
    cell(page, 0).locator(".cs-open").focus()
    page.evaluate("document.activeElement.blur()")  # keys mean the cell that the foot names
    page.keyboard.press("k")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("b")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("b")
    blind = page.get_by_role("dialog", name="Which is better?")
    expect(blind.get_by_role("button", name="A is better")).to_be_visible()
    expect(blind).not_to_contain_text("noon")
    page.keyboard.press("ArrowLeft")
    expect(blind.locator(".is-best")).to_contain_text("a lake at noon")
    blind.get_by_role("button", name="Close").last.click()
    expect(page.locator('.cs-cell[data-verdict="kept"]')).to_have_count(2)
    page.get_by_role("button", name="Kept").click()
    expect(page.locator(".cs-cell")).to_have_count(2)
    expect(cell(page, 0)).to_contain_text("Steps 2")
    page.locator('[data-filter="all"]').click()
    cell(page, 0).locator(".cs-open").click()
    large = page.get_by_role("dialog", name="Result")
    expect(large.get_by_role("button", name="Keep")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(large.get_by_role("button", name="Reject")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(cell(page, 1).locator(".cs-open")).to_be_focused()
    # Whoever goes away and comes back is where they were.
    page.get_by_role("tab", name="Results").click()
    expect(page).not_to_have_title(re.compile("Lakes"))
    page.go_back()
    expect(cell(page, 1).locator(".cs-open")).to_have_attribute("tabindex", "0")


def take_it_away(page: Page) -> None:
    """As one picture: every cell of it is painted, and it says what it is of. Then what was kept alone."""
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Picture, PNG", exact=True).click()
    assert download.value.suggested_filename == "Lakes.png"
    with Image.open(download.value.path()) as picture:
        assert "Lakes" in "".join(map(str, picture.info.values()))
        wide, high = picture.size
        cells = picture.convert("L").crop((wide // 3, high // 2, wide, high))
        assert min(wide, high) > 500
        assert ImageStat.Stat(cells).stddev[0] > 20
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Only kept: all files, zip").click()
    with zipfile.ZipFile(download.value.path()) as found:
        pictures = [name for name in found.namelist() if re.match(r"\d-\d ", name)]
        assert pictures[0] == "1-1 a lake at dawn, 2.png"
        assert len(pictures) == 2


def repeat_it(page: Page) -> None:
    """Planned again with sets of LoRAs as pages: only what is new would be made."""
    page.get_by_role("button", name="Repeat with changes").click()
    make = page.locator(".exp-make")
    expect(make).to_have_text("Show them on a sheet")
    expect(page.get_by_role("textbox", name="Name")).to_have_attribute("placeholder", "Lakes 2")
    page.get_by_role("button", name="Add pages").click()
    pages = page.get_by_role("region", name="Pages", exact=True)
    vary(pages, "lora sets")
    expect(pages.get_by_role("group", name="Set 1")).to_contain_text("without a LoRA")
    pages.get_by_role("checkbox", name="sandbox-ink").check()
    expect(make).to_have_text("Make 12 new pictures")
    pages.get_by_role("button", name="Another LoRA with it").click()
    pages.get_by_role("option", name="sandbox-film").click()
    pages.get_by_label("Strength of sandbox-film").fill("0.6")
    expect(page.locator(".exp-pages [role=tab]")).to_have_text(["none", "sandbox-ink 1 + sandbox-film 0.6"])
    expect(page.locator(".exp-outlook")).to_contain_text("24 pictures · 12 are there already")
    page.go_back()


def promote_it(page: Page) -> None:
    """Its values are in the form then, and its picture is on the stage."""
    made = cell(page, 6).locator("a.cs-open").get_attribute("href")
    cell(page, 6).locator(".cs-open").focus()
    page.keyboard.press("p")
    page.get_by_role("button", name="Into the form").click()
    form = create.form_of(page)
    expect(form.get_by_label("Prompt", exact=True)).to_have_value("a lake at noon")
    form.get_by_role("button", name="Advanced").click()
    expect(form.locator("#input-steps input[type=number]")).to_have_value("4")
    page.wait_for_function("made => location.search === made", arg=made)


@pytest.mark.timeout(300)  # twelve pictures are painted, on a machine that may have other things to do
def test_a_sheet_is_planned_made_and_looked_at(program: Program, server: Server, visit: Visit) -> None:
    page = visit(f"{program.url}?template=text-to-image&width=256&height=256")
    create.form_of(page)
    plan_a_sheet(page)
    # What is typed outlives another tab and a reload.
    page.get_by_role("tab", name="Results").click()
    page.reload()
    page.get_by_role("tab", name="Experiments").click()
    expect(page.locator(".exp-make")).to_have_text("Make 7 pictures")
    page.get_by_role("button", name="Put all back").click()
    page.get_by_role("textbox", name="Name").fill("Lakes")
    expect(page.locator(".exp-make")).to_have_text("Make 12 pictures")
    server.faults.nodes = [NodeFault("KSampler", "RuntimeError", "It hurts")]
    page.locator(".exp-make").click()
    experiment_id = sheet_of(page)
    watch_it_fill(page)
    judge_it(page)
    take_it_away(page)
    repeat_it(page)
    promote_it(page)
    page.get_by_role("link", name="Part of Lakes").click()
    expect(cell(page, 6).locator(".cs-open")).to_have_attribute("tabindex", "0")
    page.get_by_role("button", name="All experiments").click()
    row = page.locator(f'[data-experiment="{experiment_id}"]')
    expect(row).to_contain_text("Lakes")
    expect(row).to_contain_text("of 12")
