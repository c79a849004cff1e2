"""Several servers on the page: who works on what, one that dies and returns, one that is added."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from comfyui_bridge.sandbox.thread import SandboxThread
from tests.browser import create
from tests.browser.conftest import LONG_STEPS, Program, Restartable

Visit = Callable[..., Page]
ANOTHER = {"viewport": {"width": 1000, "height": 800}}
"""Makes it a browser of its own, and with it another person."""


def card(page: Page, name: str) -> Locator:
    return page.locator(f'#servers [data-server="{name}"]')


def asked_by(request: Request) -> list[int]:
    """Which of the page's events asks the program something."""
    told = request.post_data_json if request.post_data else {}
    return [told["fn_index"]] if "fn_index" in told else []


@pytest.fixture
def page(stay: Callable[[str], Page], slow: Program) -> Page:
    """The page of the program with two slow servers at its first tab; it stays open."""
    opened = stay(slow.url)
    opened.get_by_role("tab").first.click()
    create.form_of(opened)
    return opened


def test_two_people_have_a_server_each_and_see_their_own_queue(
    slow: Program, page: Page, visit: Visit
) -> None:
    one, other = page, visit(slow.url, **ANOTHER)
    for page in (one, other):
        create.form_of(page)
        create.fill(page, "text-to-image", steps=LONG_STEPS, width=256, height=256)
        create.generate(page)
        create.wait_for_step(page, 1)
    for _ in range(2):
        create.generate(one)
    expect(one.locator("#queue li")).to_have_count(3)
    expect(other.locator("#queue .queue")).to_be_hidden()
    for page in (one, other):
        page.get_by_role("tab", name="Servers").click()
    # One person's run keeps one server busy, and the other's stand in both.
    expect(other.locator("#servers .fact-queue dd", has_text="1 of yours")).to_have_count(1)
    expect(other.locator("#servers .fact-queue dd", has_text="of others")).to_have_count(2)
    expect(one.locator("#servers .fact-queue dd", has_text="of yours")).to_have_count(2)
    one.get_by_role("tab", name="Create").click()
    assert create.surely(one.locator("#queue .stop-all")) == "Stop all 3?"
    expect(one.locator("#queue .queue")).to_be_hidden()
    other.get_by_role("tab", name="Create").click()
    expect(other.locator("#frame")).to_have_attribute("data-phase", "running")
    other.get_by_role("button", name="Stop").click()
    expect(other.locator("#frame")).to_have_attribute("data-phase", "cancelled")


def test_a_server_that_dies_is_told_by_itself_and_is_used_again_when_it_is_back(
    page: Page, pair: tuple[Restartable, Restartable]
) -> None:
    dying = pair[0]
    create.fill(page, "text-to-image", steps=4, width=256, height=256)
    expect(page.locator("#header .badge")).to_contain_text("Sandbox")
    page.get_by_role("tab", name="Servers").click()
    expect(card(page, dying.url).locator(".state")).to_have_text(re.compile("^Ready"))
    dying.stop()
    looks: Counter[int] = Counter()
    page.on("request", lambda request: looks.update(asked_by(request)))
    expect(card(page, dying.url).locator(".state")).to_have_text(re.compile("^No answer"))
    expect(page.locator("#header .badge")).to_contain_text(f"No answer from {dying.url}")
    # By the looks of the page, one in three seconds, not by the clock of a machine that may be busy.
    assert max(looks.values(), default=0) <= 3
    page.get_by_role("tab", name="Create").click()
    create.run(page)
    expect(page.locator("#status .hint")).to_contain_text(pair[1].url)
    dying.start()
    page.get_by_role("tab", name="Servers").click()
    expect(card(page, dying.url).locator(".state")).to_have_text(re.compile("^Ready"))
    expect(card(page, dying.url).locator(".why")).to_contain_text("Last problem")


def test_a_server_is_added_paused_and_removed_at_the_page(slow: Program, page: Page, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Servers").click()
    address, said = page.get_by_label("Address"), page.locator("#servers .said")
    address.fill("ftp://somebody:secret@nowhere")
    page.get_by_role("button", name="Add", exact=True).click()
    error = page.locator("#servers .field-error")
    expect(error).not_to_be_empty()
    expect(error).not_to_contain_text("secret")
    address.fill(slow.url.replace("http://127.0.0.1", "localhost"))
    page.keyboard.press("Enter")
    expect(error).to_contain_text("is this page's own address")
    with SandboxThread(directory=tmp_path) as added:
        address.fill(added.url)
        page.keyboard.press("Enter")
        expect(said).to_have_text(f"{added.url} is added.")
        expect(error).to_be_empty()
        new = card(page, added.url)
        expect(new.locator(".state")).to_have_text("Ready")
        new.get_by_role("button", name=re.compile("^Pause")).click()
        expect(new.locator(".state")).to_have_text("Paused: gets no new runs")
        new.get_by_role("button", name=re.compile("^Resume")).click()
        expect(new.locator(".state")).to_have_text("Ready")
        new.get_by_role("button", name=re.compile("^Free memory")).click()
        expect(said).to_have_text(f"{added.url} was asked to free its memory.")
        assert create.surely(new.get_by_role("button", name=re.compile("^Remove"))).startswith("Remove it")
        expect(new).to_have_count(0)
    charts = page.locator("#charts svg")
    expect(charts.first).to_be_visible()
    expect(charts.first).to_have_attribute("aria-label", re.compile("Runs done: .* done and 0 failed"))
