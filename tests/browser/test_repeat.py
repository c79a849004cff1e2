"""What a run leaves behind on the page: its log, its mistakes at their fields, and a question before it is
done again."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from comfyui_bridge.sandbox.faults import NodeFault
from tests.browser.conftest import Program, Server
from tests.browser.create import fill, generate, run, run_id_of, wait_until_done

SMALL = {"steps": 2, "width": 256, "height": 256}


def test_the_same_again_is_asked_about_first(page: Page) -> None:
    fill(page, "text-to-image", **SMALL, seed=4711, prompt="the same again")
    first = run(page)
    page.locator("#after .run-log summary").click()
    expect(page.locator("#after .run-log li").filter(has_text="KSampler")).to_have_count(1)

    asked = page.locator("#unchanged .unchanged")
    generate(page)
    expect(asked).to_contain_text("Nothing has changed")
    # Its result is on the stage: there is nothing to show.
    expect(asked.get_by_role("button")).to_have_text(["Roll the seed", "Run it anyway"])
    assert run_id_of(page) == first
    page.get_by_label("Prompt", exact=True).fill("something else")
    expect(asked).to_be_hidden()
    page.get_by_label("Prompt", exact=True).fill("the same again")
    generate(page)
    assert run(page, asked.get_by_role("button", name="Run it anyway").click) != first
    expect(page.locator("#status .line")).to_have_text("Done at once: the server still had this picture")

    generate(page)
    run(page, asked.get_by_role("button", name="Roll the seed").click)
    expect(page.locator("#status .hint")).not_to_contain_text("Seed 4711 ")


def test_what_a_node_says_of_a_value_stands_at_its_field(
    page: Page, visit: Callable[..., Page], program: Program, server: Server
) -> None:
    server.unload()
    said = "[Errno 2] No such file or directory"
    server.faults.nodes = [NodeFault("CheckpointLoaderSimple", "FileNotFoundError", said)]
    fill(page, "text-to-image", **SMALL, prompt="a broken model")
    generate(page)
    card = page.locator("#frame .error-card")
    expect(card).to_contain_text("The file is not on the server any more.")
    wrong = page.locator("#form .is-wrong .field-error")
    expect(wrong).to_contain_text("No such file")
    expect(wrong).to_be_visible()
    # So it does for who comes back by the run's link, and on a phone the card can be used.
    phone = visit(f"{program.url}/?run={run_id_of(page)}", viewport={"width": 390, "height": 844})
    expect(phone.locator("#form .is-wrong .field-error")).to_contain_text("No such file")
    phone.locator("#frame .error-card").get_by_text("Details").click()
    expect(phone.locator("#frame .error-card pre")).to_contain_text("FileNotFoundError")
    phone.locator("#frame .error-card").get_by_role("button", name="Run again").click()
    wait_until_done(phone)
