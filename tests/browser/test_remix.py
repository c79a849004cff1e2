"""What is done with a result: the same again, its values, its workflow, an input; and a form's steps."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Program
from tests.browser.create import choose, fill, form_of, run, wait_until_on_stage

SMALL: dict[str, Any] = {"steps": 2, "width": 256, "height": 256}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "locale": "zh-CN", "has_touch": True}

_DRAG = """([data, name, over]) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    window.dragging = { bubbles: true, cancelable: true, dataTransfer };
    document.querySelector(over).dispatchEvent(new DragEvent("dragover", window.dragging));
}"""
_OURS = re.compile(r"^uploads/[0-9a-f]{64}")
_LET_GO = "over => document.querySelector(over).dispatchEvent(new DragEvent('drop', window.dragging))"


def drag(page: Page, content: bytes, name: str, over: str = "#stage") -> None:
    page.evaluate(_DRAG, [base64.b64encode(content).decode(), name, over])


def let_go(page: Page, over: str = "#stage") -> None:
    page.evaluate(_LET_GO, over)


def more(page: Page, name: str) -> None:
    page.locator("#after").get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name=name).click()


def prompt(page: Page) -> Locator:
    return page.get_by_label("Prompt", exact=True)


def picture_of(page: Page, run_id: str) -> bytes:
    """The picture of a run that is done, once the frame shows it in the place of the one before."""
    shown = page.locator(f'#frame .layer.result.is-shown[src^="media/{run_id}/"]')
    shown.wait_for()
    return page.request.get(f"{page.url.partition('?')[0]}{shown.get_attribute('src')}").body()


def written(program: Program, slug: str, card: str) -> None:
    document = (program.workflows / "text-to-image.json").read_text(encoding="utf-8")
    (program.workflows / f"{slug}.json").write_text(document, encoding="utf-8")
    (program.workflows / f"{slug}.toml").write_text(card, encoding="utf-8")


def until_form_says(page: Page, slug: str, said: str) -> None:
    """The library looks at its folder every second or so; a form that changed comes anew."""
    expect(page.locator(f'#form-head h1[data-current="{slug}"]')).to_be_visible()
    expect(page.locator("#form-head")).to_contain_text(said)


def test_a_run_can_be_had_again_when_its_template_has_changed_and_when_it_is_gone(
    page: Page, program: Program
) -> None:
    card = (
        'title = "Remixed"\ndescription = "{said}"\n'
        '[[inputs]]\nnode = "3"\ninput = "seed"\nkey = "seed"\n'
        '[[inputs]]\nnode = "3"\ninput = "steps"\nkey = "steps"\n'
    )
    written(program, "remixed", card.format(said="As it was") + "max = 40\n")
    expect(page.locator('#library .card[data-slug="remixed"]')).to_be_visible()
    fill(page, "remixed", **{**SMALL, "steps": 9}, seed=4711)
    run_id = run(page)
    first = picture_of(page, run_id)

    # What no longer fits is said, with why; the rest is there.
    written(program, "remixed", card.format(said="Smaller now") + "max = 5\n")
    until_form_says(page, "remixed", "Smaller now")
    page.get_by_role("button", name="Use these values").click()
    notice = page.locator(".remix-notice")
    expect(notice).to_contain_text("One value does not fit this template any more")
    expect(notice.locator("li")).to_contain_text("the most is 5")
    expect(page.locator("#input-seed .seed-number")).to_have_value("4711")
    notice.get_by_role("button", name="Close").click()
    expect(notice).to_be_hidden()

    again = run(page, lambda: more(page, "Same again"))
    assert again != run_id
    assert picture_of(page, again) == first

    other = run(page, page.get_by_role("button", name="New seed").click)
    assert picture_of(page, other) != first
    expect(page.locator("#status .hint")).not_to_contain_text("Seed 4711 ")

    for name in ("remixed.json", "remixed.toml"):
        (program.workflows / name).unlink()
    expect(page.locator('#library .card[data-slug="remixed"]')).to_have_count(0)
    page.get_by_role("button", name="Use these values").click()
    expect(notice).to_contain_text("“Remixed” is not in the library any more")
    notice.get_by_role("button", name="Open as template").click()
    expect(notice).to_contain_text("is in the library now")
    slug = page.locator("#form-head h1").get_attribute("data-current") or ""
    sent = json.loads((program.workflows / f"{slug}.json").read_text(encoding="utf-8"))
    assert sent["3"]["inputs"]["steps"] == 9
    _take_out(program.workflows, slug)


def _take_out(workflows: Path, slug: str) -> None:
    for path in workflows.glob(f"{slug}.*"):
        path.unlink()


def test_a_picture_goes_into_a_form_and_brings_its_own_back(page: Page, program: Program) -> None:
    fill(page, "text-to-image", **SMALL, seed=5, prompt="a red lighthouse")
    picture = picture_of(page, run(page))

    more(page, "Use as input")
    places = page.locator(".remix-window .place")
    expect(places.first).to_contain_text("This form")
    places.filter(has_text="Image to image").filter(has_not_text="ControlNet").click()
    expect(page.locator(".remix-notice")).to_contain_text("is now “Image”")
    expect(page.locator("#form .picture-image").first).to_have_attribute("src", _OURS)
    prompt(page).fill("a blue lighthouse")

    # Back into the form of the template it came from.
    drag(page, picture, "from elsewhere.png")
    expect(page.locator(".drop-over")).to_contain_text("Drop it to get its workflow and values back")
    let_go(page)
    form_of(page, "text-to-image")
    expect(prompt(page)).to_have_value("a red lighthouse")
    expect(page.locator(".remix-notice")).to_have_text("Filled in from from elsewhere.png.×")
    expect(page.locator(".drop-over")).to_be_hidden()

    # Through the steps, over two templates, and forward again.
    page.get_by_role("button", name="Undo", exact=True).click()
    form_of(page, "image-to-image")
    expect(prompt(page)).to_have_value("a blue lighthouse")
    expect(page.locator("#form .picture-image").first).to_have_attribute("src", _OURS)
    page.keyboard.press("Control+z")
    expect(prompt(page)).not_to_have_value("a blue lighthouse")
    page.keyboard.press("Control+Shift+z")
    expect(prompt(page)).to_have_value("a blue lighthouse")
    # In a text the browser's own steps are meant.
    prompt(page).press("End")
    prompt(page).press("Control+z")
    expect(page.locator("#form-head h1")).to_have_attribute("data-current", "image-to-image")

    # What no template has is asked about first.
    blue = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255},
        },
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "blue"}},
    }
    drag(page, json.dumps(blue).encode(), "just blue.json")
    let_go(page)
    window = page.locator(".remix-window")
    expect(window).to_contain_text("2 nodes that none of your templates has")
    window.get_by_role("button", name="Add as template").click()
    expect(page.locator('#library .card[aria-current="true"]')).to_contain_text("Just blue")
    drag(page, b"nothing at all", "notes.txt")
    let_go(page)
    expect(window).to_contain_text("notes.txt could not be read")
    page.keyboard.press("Escape")
    expect(window).to_have_count(0)
    _take_out(program.workflows, "just-blue")


def test_presets_are_kept_shared_renamed_and_brought_back(
    page: Page, visit: Callable[..., Page], program: Program
) -> None:
    fill(page, "text-to-image", **SMALL, seed=7, prompt="a stormy sea")
    page.get_by_role("button", name="Presets").click()
    page.get_by_label("Name of the preset").fill("Storm")
    page.get_by_label("Share with everyone here").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".preset")).to_contain_text("a stormy sea")
    page.get_by_role("button", name="Rename: Storm").click()
    page.get_by_role("textbox", name="Name of the preset").first.fill("Gale")
    page.keyboard.press("Enter")
    expect(page.locator(".preset b")).to_have_text("Gale")
    page.get_by_role("button", name="Delete: Gale").click()
    expect(page.locator(".preset")).to_have_count(0)
    page.locator(".preset-said").get_by_role("button", name="Undo").click()
    expect(page.locator(".preset b")).to_have_text("Gale")
    page.keyboard.press("Escape")
    expect(page.locator(".preset-panel")).to_be_hidden()
    expect(page.get_by_role("button", name="Presets")).to_be_focused()

    # From a result, in whatever form one is.
    run_id = run(page)
    choose(page, "inpaint")
    page.locator(f'#strip a[data-run="{run_id}"]').click()
    wait_until_on_stage(page, run_id)
    more(page, "Save as preset")
    page.locator(".remix-window").get_by_label("Name of the preset").fill("From a result")
    page.keyboard.press("Enter")
    expect(page.locator(".remix-window")).to_have_count(0)

    # Somebody else, on a phone, finds what is shared, and has no hand in it.
    other = visit(f"{program.url}/?template=text-to-image", **PHONE)
    form_of(other, "text-to-image")
    other.get_by_role("button", name="预设").click()
    expect(other.locator(".preset b")).to_have_text("Gale")
    expect(other.locator(".preset-tools button")).to_have_count(0)
    assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")
    other.locator(".preset").click()
    expect(other.locator("#input-prompt textarea")).to_have_value("a stormy sea")
    expect(other.locator(".remix-notice")).to_contain_text("Gale")
