"""The first picture: from opening the page to a file on one's own disk."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

from playwright.sync_api import Page, Request, expect

from tests.browser import create
from tests.browser.conftest import PATIENCE_MS, Program, Server
from tests.waiting import until

Visit = Callable[..., Page]
SMALL: dict[str, Any] = {"steps": 2, "width": 256, "height": 256}


def test_a_newcomer_finds_a_template_open_and_one_click_paints_it_while_one_watches(
    program: Program, server: Server, visit: Visit
) -> None:
    hosts: set[str] = set()
    page = visit("about:blank", locale="en-GB")  # a browser of its own: somebody new
    page.on("request", lambda request: hosts.add(_host(request)))
    page.goto(program.url)
    create.form_of(page)
    expect(page.get_by_label("Prompt", exact=True)).not_to_have_value("")
    expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    expect(page.get_by_text("Sandbox: procedural pictures, no AI model.").first).to_be_visible()
    covers = page.locator("#library .card img")
    expect(covers.first).to_be_visible()
    assert covers.first.evaluate("image => image.naturalWidth") > 0

    create.watch_progress(page)
    for step in (3, 5, 7):  # it is held there until that is seen, however busy the machine
        server.hold_at(step)
        if step == 3:
            create.generate(page)
        create.wait_until_seen(page, f"KSampler, step {step} of", "preview")
    server.let_go()
    create.wait_until_done(page)
    create.wait_until_seen(page, "Done", "result")
    seen = create.seen(page)
    assert len(seen["shares"]) > 5
    since_started = seen["shares"][seen["shares"].index(0) if 0 in seen["shares"] else 0 :]
    assert since_started == sorted(since_started), "the bar went back"
    assert len(seen["tops"]) == 1, f"the line below the frame jumped: {seen['tops']}"
    assert page.locator("#frame img.result").evaluate("image => image.naturalWidth") == 768

    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    name = download.value.suggested_filename
    made = urlopen(f"{server.url}/view?{urlencode({'filename': name, 'type': 'output'})}").read()
    assert Path(download.value.path()).read_bytes() == made
    assert made.startswith(b"\x89PNG")
    # Nothing was asked of any other host.
    assert hosts <= {urlsplit(program.url).netloc, ""}, hosts


def _host(request: Request) -> str:
    return "" if request.url.startswith(("data:", "blob:")) else urlsplit(request.url).netloc


def test_the_program_s_own_sandbox_paints_without_any_server_named(
    start: Callable[..., Program], visit: Visit
) -> None:
    page = visit(f"{start().url}/?{urlencode({'template': 'text-to-image', **SMALL})}")
    create.form_of(page)
    create.generate(page)
    create.wait_until_done(page)
    page.get_by_role("button", name="Connect a ComfyUI").click()
    expect(page.get_by_text("COMFYUI_URL=")).to_be_visible()


def test_a_reload_in_the_middle_of_a_run_comes_back_to_it_and_its_link_opens_it_elsewhere(
    program: Program, server: Server, page: Page, visit: Visit
) -> None:
    create.fill(page, "text-to-image", **SMALL, prompt="a city at night with neon")
    server.hold()
    create.generate(page)
    expect(page.locator("#status .line")).to_have_text("Loading model")
    run_id = create.run_id_of(page)
    page.reload()
    expect(create.is_live(page)).to_be_visible()
    server.let_go()
    create.wait_until_done(page)
    assert create.run_id_of(page) == run_id
    other = visit(f"{program.url}/?run={run_id}", locale="en-GB")
    create.wait_until_done(other)
    create.form_of(other)
    expect(other.get_by_label("Prompt", exact=True)).to_have_value("a city at night with neon")


def test_stop_ends_a_run_and_says_so(page: Page, server: Server) -> None:
    create.fill(page, "text-to-image", **SMALL)
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    server.hold_at(1)
    create.generate(page)
    create.wait_for_step(page, 1)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#frame")).to_have_attribute("data-phase", "cancelled")
    # In the frame, whether something of it was to be seen or not: what is left behind is no result.
    expect(page.locator("#frame .message")).to_have_text("StoppedNothing was kept of it.")
    expect(page.locator("#status .announced")).to_have_text("Stopped")
    expect(page.locator("#frame .layer.result")).not_to_have_class(re.compile("is-shown"))
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_a_run_keeps_the_stage_until_it_is_done_then_the_next_has_it_and_the_first_can_be_opened_again(
    page: Page, server: Server
) -> None:
    create.fill(page, "text-to-image", **SMALL)
    server.hold_at(1)
    create.generate(page)
    create.wait_for_step(page, 1)
    first = create.run_id_of(page)
    with create.held_back(page) as sent:
        create.generate(page)
        until(lambda: page.evaluate("true") and sent, PATIENCE_MS / 1000, "it was sent")
        # What is told of the one that moves on is no answer.
        server.hold_at(2)
        create.wait_for_step(page, 2)
        expect(page.locator("#generate")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#generate")).to_have_attribute("aria-busy", "false")
    waiting = page.locator("#queue li[data-state=waiting]")
    expect(waiting.locator(".line")).to_have_text(re.compile("^Queued"))
    assert create.run_id_of(page) == first
    second = waiting.get_attribute("data-run")
    server.let_go()
    page.wait_for_function("run => new URLSearchParams(location.search).get('run') === run", arg=second)
    create.wait_until_done(page)
    expect(page.locator("#queue .queue")).to_be_hidden()
    page.locator(f'#strip a[data-run="{first}"]').click()
    expect(page.locator(f'#strip a[data-run="{first}"]')).to_have_attribute("aria-current", "true")
    create.wait_until_done(page)
    assert create.run_id_of(page) == first


def test_another_template_takes_the_address_at_once_and_the_stage_once_nothing_is_under_way(
    page: Page, server: Server, visit: Visit
) -> None:
    create.fill(page, "text-to-image", **SMALL)
    server.hold()
    create.generate(page)
    expect(page.locator("#status .line")).to_have_text("Loading model")
    run = create.run_id_of(page)
    create.choose(page, "inpaint")
    expect(page).to_have_url(re.compile(rf"\?template=inpaint&run={run}$"))
    expect(page.locator("#status .hint")).to_contain_text("Text to image")
    server.let_go()
    create.wait_until_done(page)
    # Its seed is of another form, and offered there alone.
    expect(page.locator("#form .seed-last")).to_contain_text("From the workflow")
    # A link leads to what one sees.
    other = visit(page.url)
    create.form_of(other, "inpaint")
    create.wait_until_on_stage(other, run)
    expect(other).to_have_url(page.url)
    other.close()
    create.choose(page, "text-to-image")
    expect(page.locator("#status .line")).to_have_text("Your last result")
    expect(page.locator(f'#strip a[data-run="{run}"]')).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(re.compile(r"\?template=text-to-image$"))
    # A run that is opened stands beside whatever form there is; its values bring its own along.
    create.choose(page, "inpaint")
    of_run = page.locator(f'#strip a[data-run="{run}"]')
    expect(of_run).not_to_have_attribute("aria-current", "true")
    of_run.click()
    create.wait_until_on_stage(page, run)
    expect(page).to_have_url(re.compile(rf"\?template=inpaint&run={run}$"))
    page.get_by_role("button", name="Use these values").click()
    create.form_of(page, "text-to-image")
    expect(page).to_have_url(re.compile(rf"\?run={run}$"))
    # Values that are put into another form bring its stage, as choosing it does.
    create.fill(page, "lora", steps=3)
    expect(page).to_have_url(re.compile(r"\?template=lora$"))
    expect(of_run).not_to_have_attribute("aria-current", "true")


def test_several_pictures_at_once_stand_side_by_side(page: Page) -> None:
    create.fill(page, "text-to-image", **SMALL, batch_size=3)
    run_id = create.run(page)
    files = page.locator("#after .files button")
    expect(files).to_have_count(3)
    expect(page.locator("#frame img.result")).to_have_attribute("src", re.compile(f"^media/{run_id}/"))
    first = page.locator("#frame img.result").get_attribute("src")
    files.nth(2).click()
    expect(page.locator("#frame img.result")).not_to_have_attribute("src", first or "")
    expect(page.get_by_role("link", name="Download all")).to_have_attribute("href", f"media/{run_id}.zip")
