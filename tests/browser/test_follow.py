"""Runs belong to the server: a page that reloads, another browser, a tab out of sight find them again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import create
from tests.browser.conftest import LONG_STEPS, Program, Restartable

Visit = Callable[..., Page]
LONG: dict[str, Any] = {"steps": LONG_STEPS, "width": 256, "height": 256}
SHORT = "template=text-to-image&steps=2&width=256&height=256"
ELSEWHERE: dict[str, Any] = {"viewport": {"width": 1000, "height": 800}}
"""Makes it a browser of its own, and with it another person."""


def queued(page: Page) -> Locator:
    return page.locator("#queue li")


def movable(page: Page) -> Locator:
    return page.locator("#queue li.is-movable .text")


def preview_of(page: Page) -> Locator:
    return page.locator("#frame img.preview.is-shown")


def generate(page: Page, text: str) -> None:
    page.get_by_label("Prompt", exact=True).fill(text)
    create.generate(page)


def run_ids(page: Page) -> list[str]:
    return [row.get_attribute("data-run") or "" for row in queued(page).all()]


def stop_all(page: Page) -> None:
    assert re.match("Stop all [0-9]+", create.surely(page.locator("#queue .stop-all")))
    expect(page.locator("#queue .queue")).to_be_hidden()
    expect(create.is_live(page)).to_have_count(0)


@pytest.fixture
def page(stay: Callable[[str], Page], slow: Program) -> Page:
    """The page of the program with two slow servers; it stays open."""
    opened = stay(slow.url)
    create.form_of(opened)
    create.fill(opened, "text-to-image", **LONG)
    return opened


def test_the_preview_goes_on_after_a_reload_and_in_another_browser_which_has_no_hand_in_it(
    slow: Program, page: Page, visit: Visit
) -> None:
    create.generate(page)
    create.wait_for_step(page, 2)
    run_id = create.run_id_of(page)
    page.reload()
    expect(preview_of(page)).to_be_visible()
    first = preview_of(page).get_attribute("src")
    expect(preview_of(page)).not_to_have_attribute("src", first or "")
    other = visit(f"{slow.url}/?run={run_id}", **ELSEWHERE)
    create.form_of(other)
    expect(preview_of(other)).to_be_visible()
    create.wait_for_step(other, 3)
    expect(other.get_by_role("button", name="Stop")).to_be_hidden()
    page.goto(slow.url)  # no link: the page itself finds what is under way
    create.form_of(page)
    create.wait_for_step(page, 3)
    assert create.run_id_of(page) == run_id
    page.get_by_role("button", name="Stop").click()
    for one in (page, other):
        expect(one.locator("#frame")).to_have_attribute("data-phase", "cancelled")


def test_what_is_generated_meanwhile_waits_in_a_list_that_one_can_put_in_order(
    slow: Program, page: Page, visit: Visit
) -> None:
    for count, text in enumerate(("a sea", "a wood", "a hill", "a city", "one", "two", "three")):
        generate(page, text)
        expect(page.locator("#queue h2")).to_have_text(f"Your queue · {count + 1}" if count else "")
    on_stage = create.run_id_of(page)
    expect(page.locator("#queue .what[aria-current]")).to_contain_text("a sea")
    expect(movable(page)).to_have_text(["one", "two", "three"])
    page.get_by_role("button", name=re.compile("^Move .*, three up")).focus()
    page.keyboard.press("Enter")
    expect(movable(page)).to_have_text(["one", "three", "two"])
    expect(page.get_by_role("button", name=re.compile("^Move .*, three up"))).to_be_focused()
    drag(page, "two", "one")
    expect(movable(page)).to_have_text(["two", "one", "three"])

    same = visit(slow.url)  # on another screen of the same person
    expect(movable(same)).to_have_text(["two", "one", "three"])
    same.get_by_role("button", name=re.compile("^Stop .*, one$")).click()
    for one in (page, same):
        expect(movable(one)).to_have_text(["two", "three"])

    page.evaluate(STOP_WATCH)
    page.locator("#stop").click()
    assert page.evaluate("window.saidAtOnce") == ["Stopping", "Stopping"]
    page.wait_for_function("run => new URLSearchParams(location.search).get('run') !== run", arg=on_stage)
    expect(page.locator("#queue .what[aria-current]")).to_have_count(1)
    page.locator("#queue .what", has_text="three").click()
    expect(page.locator("#status .line")).to_have_text(re.compile("^Queued"))
    stop_all(page)
    expect(same.locator("#queue .queue")).to_be_hidden()


def drag(page: Page, what: str, onto: str) -> None:
    """By its grip, to above another."""
    grip, target = (page.locator("#queue li", has_text=text).locator(".grip") for text in (what, onto))
    grip.scroll_into_view_if_needed()
    place = target.bounding_box()
    assert place is not None
    grip.hover()
    page.mouse.down()
    page.mouse.move(place["x"] + 5, place["y"] + place["height"] / 2, steps=4)
    page.mouse.move(place["x"] + 5, place["y"] - 12, steps=2)
    page.mouse.up()


STOP_WATCH = """() => {
    const said = () => ['#status .line', '#stop'].map((one) => document.querySelector(one).textContent);
    document.addEventListener('click', () => (window.saidAtOnce = said()), { once: true });
}"""
"""Write down what stands there once the click is over: no answer of the server has come by then."""


def test_a_tab_nobody_looks_at_says_that_a_run_is_over_and_notifies_who_asked_for_it(
    slow: Program, pair: tuple[Restartable, Restartable], visit: Visit
) -> None:
    page = visit(f"{slow.url}/?{SHORT}")
    page.context.grant_permissions(["notifications"], origin=slow.url)
    create.form_of(page)
    create.generate(page)
    create.wait_until_done(page)
    expect(page).to_have_title("ComfyUI Bridge")
    wish = page.get_by_role("button", name="Tell me when it is done")
    expect(wish).to_have_attribute("aria-pressed", "false")
    wish.click()
    expect(wish).to_have_attribute("aria-pressed", "true")
    page.evaluate(LOOK_AWAY)
    for one in pair:
        one.hold_at(1)
    page.evaluate("document.querySelector('#generate').click()")
    expect(page).to_have_title(re.compile(r"^\d+ % · ComfyUI Bridge$"))
    for one in pair:
        one.let_go()
    expect(page).to_have_title("✓ Text to image · ComfyUI Bridge")
    assert page.evaluate("window.notes") == [["Text to image", "Done"]]
    page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page).to_have_title("ComfyUI Bridge")
    create.wait_until_done(page)


LOOK_AWAY = """() => {
    window.isHidden = true;
    window.notes = [];
    Object.defineProperty(document, 'hidden', { get: () => window.isHidden });
    document.hasFocus = () => !window.isHidden;
    const Note = window.Notification;
    window.Notification = class extends Note {
        constructor(title, options) {
            super(title, options);
            window.notes.push([title, options.body]);
        }
    };
    document.dispatchEvent(new Event('visibilitychange'));
}"""
