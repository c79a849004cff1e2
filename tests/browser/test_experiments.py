"""An experiment from a form's values: planned as a sheet, made, looked at, and its winner kept."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser import create
from tests.browser.conftest import Program, Server

Visit = Callable[..., Page]
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


def test_a_sheet_is_planned_made_and_looked_at(program: Program, server: Server, visit: Visit) -> None:
    page = visit(program.url)
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
    page.locator(".exp-make").click()
    experiment_id = sheet_of(page)
    page.goto(f"{program.url}?view=experiments")
    row = page.locator(f'[data-experiment="{experiment_id}"]')
    expect(row).to_contain_text("Lakes")
    expect(row).to_contain_text("of 12")
