"""The form: what is typed reaches the server whole, stays with its template, and is told when it is wrong."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser import create
from tests.browser.conftest import PATIENCE_MS, Program, Server
from tests.waiting import until

Visit = Callable[..., Page]

LARGEST_SEED = 2**64 - 1
SMALL: dict[str, Any] = {"steps": 2, "width": 256, "height": 256}


def workflow_of(server: Server, page: Page) -> dict[str, Any]:
    """The workflow that the server ran for the picture on the stage, as the picture itself says."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    with Image.open(io.BytesIO(Path(download.value.path()).read_bytes())) as picture:
        found: dict[str, Any] = json.loads(picture.info["prompt"])
    return found


def sampler_of(workflow: dict[str, Any]) -> dict[str, Any]:
    return next(node["inputs"] for node in workflow.values() if node["class_type"] == "KSampler")


def test_another_template_starts_clean_and_the_first_keeps_what_was_typed(page: Page, tmp_path: Path) -> None:
    picture = tmp_path / "mine.png"
    Image.new("RGB", (64, 64), "teal").save(picture)
    create.choose(page, "model-free")
    undo = page.get_by_role("button", name="Undo", exact=True)
    expect(undo).to_have_attribute("aria-disabled", "true")  # nobody changed anything of it
    form = create.fill(page, "image-to-image")
    page.get_by_label("Prompt", exact=True).fill("only for image to image")
    form.locator("#input-image input[type=file]").set_input_files(picture)
    expect(form.locator("#input-image img")).to_be_visible()

    create.choose(page, "controlnet")
    expect(page.get_by_label("Prompt", exact=True)).not_to_have_value("only for image to image")
    expect(page.locator("#form [data-testid=image] img")).to_have_attribute("alt", "example.png")
    expect(undo).to_have_attribute("aria-disabled", "true")

    create.choose(page, "image-to-image")
    expect(undo).to_have_attribute("aria-disabled", "false")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("only for image to image")
    expect(page.locator("#input-image img")).to_have_attribute("alt", "mine.png")


def test_an_untouched_form_sends_its_own_values_and_not_the_last_template_s(
    page: Page, server: Server
) -> None:
    create.fill(page, "text-to-image", steps=3)
    page.get_by_label("Negative prompt").fill("a leak")
    create.choose(page, "lora")
    own = page.get_by_label("Negative prompt").input_value()
    create.run(page)
    assert own != "a leak"
    texts = [node["inputs"].get("text") for node in workflow_of(server, page).values()]
    assert own in texts
    assert "a leak" not in texts


def test_the_last_of_many_quick_choices_wins(page: Page) -> None:
    for slug in ("lora", "inpaint", "controlnet", "model-free", "two-stage-upscale"):
        page.locator(f'#library .card[data-slug="{slug}"]').click()
    create.form_of(page, "two-stage-upscale")
    expect(page.locator('#library .card[aria-current="true"]')).to_have_attribute(
        "data-slug", "two-stage-upscale"
    )


def test_a_seed_of_64_bits_arrives_whole(page: Page, server: Server) -> None:
    create.fill(page, "text-to-image", **SMALL)
    page.get_by_label("Seed", exact=True).fill(str(LARGEST_SEED))
    create.run(page)
    expect(page.locator("#status")).to_contain_text(f"Seed {LARGEST_SEED}")
    assert sampler_of(workflow_of(server, page))["seed"] == LARGEST_SEED


def test_a_random_seed_differs_each_time_and_the_last_one_can_be_used_again(page: Page) -> None:
    create.fill(page, "text-to-image", **SMALL)
    last = page.locator("#input-seed .seed-last")
    said = []
    for _ in range(2):
        before = last.text_content() or ""
        create.run(page)
        expect(last).not_to_have_text(before)
        said.append(last.text_content() or "")
        expect(page.get_by_label("Seed", exact=True)).to_have_value("")
    assert said[0] != said[1]
    last.click()
    expect(page.get_by_label("Seed", exact=True)).to_have_value(said[1].removeprefix("Last: "))
    expect(page.get_by_label("Seed: After each run")).to_have_value("fixed")


def test_a_wrong_value_is_told_at_its_field_and_nothing_typed_is_lost(page: Page) -> None:
    create.fill(page, "text-to-image")
    page.get_by_label("Prompt", exact=True).fill("a fox")
    page.get_by_label("Width").fill("99999")
    page.get_by_label("Seed", exact=True).fill("12x")
    create.generate(page)
    expect(page.locator("#input-width .field-error")).to_contain_text("99999 is too large")
    expect(page.locator("#input-seed .field-error")).to_contain_text("whole number")
    expect(page.locator("#refused .refused")).to_have_text("2 fields need another value.")
    expect(page.get_by_label("Width")).to_be_focused()
    expect(page.get_by_label("Width")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a fox")
    expect(create.is_live(page)).to_have_count(0)
    # What is put right while the answer is on its way is right.
    with create.held_back(page) as sent:
        create.generate(page)
        page.get_by_label("Width").fill("512")
        expect(page.locator("#input-width .field-error")).to_have_count(0)
        until(lambda: page.evaluate("true") and sent, PATIENCE_MS / 1000, "it was sent")
    expect(page.locator("#refused .refused")).to_have_text("One field needs another value.")
    expect(page.get_by_label("Seed", exact=True)).to_be_focused()
    expect(page.locator("#input-width .field-error")).to_have_count(0)
    page.get_by_label("Seed", exact=True).fill("12")
    expect(page.locator("#refused .refused")).to_be_hidden()


def test_ctrl_enter_in_the_prompt_generates(page: Page) -> None:
    create.fill(page, "text-to-image", **SMALL)
    create.run(page, lambda: page.get_by_label("Prompt", exact=True).press("Control+Enter"))
    expect(page.get_by_label("Prompt", exact=True)).not_to_have_value("\n")


def test_a_link_opens_a_template_with_its_values(program: Program, visit: Visit) -> None:
    values = {"template": "qwen-image-2512", "prompt": 'fox & "hare" <b>', "width": "1024", "cfg": "4.5"}
    page = visit(f"{program.url}/?{urlencode(values)}")
    create.form_of(page, "qwen-image-2512")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value('fox & "hare" <b>')
    expect(page.get_by_label("Width")).to_have_value("1024")
    page.get_by_role("button", name="Advanced").click()
    expect(page.locator("#input-cfg input[type=number]")).to_have_value("4.5")


def test_shapes_and_swapping_set_the_size(page: Page) -> None:
    create.fill(page, "text-to-image")
    page.get_by_role("button", name="9:16").click()
    expect(page.get_by_label("Width")).not_to_have_value("768")
    width, height = page.get_by_label("Width").input_value(), page.get_by_label("Height").input_value()
    assert int(height) > int(width)
    assert int(width) % 64 == int(height) % 64 == 0
    page.get_by_role("button", name="Swap width and height").click()
    expect(page.get_by_label("Width")).to_have_value(height)
    expect(page.get_by_label("Height")).to_have_value(width)


def test_an_uploaded_picture_reaches_the_server_byte_for_byte(
    page: Page, server: Server, tmp_path: Path
) -> None:
    picture = tmp_path / "my photo.jpg"
    Image.effect_noise((300, 200), 60).convert("RGB").save(picture, quality=91)
    form = create.fill(page, "image-to-image", **SMALL)
    form.locator("#input-image input[type=file]").set_input_files(picture)
    expect(form.locator("#input-image img")).to_have_attribute("alt", "my photo.jpg")
    create.run(page)
    loads = [n for n in workflow_of(server, page).values() if n["class_type"] == "LoadImage"]
    name = loads[0]["inputs"]["image"]
    sent = urlopen(f"{server.url}/view?{urlencode({'filename': name, 'type': 'input'})}").read()
    assert sent == picture.read_bytes()


def test_a_file_that_is_no_picture_is_told_at_its_field_and_nothing_is_lost(
    page: Page, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    form = create.fill(page, "image-to-image", prompt="kept words")
    form.locator("#input-image input[type=file]").set_input_files(bad)
    create.generate(page)
    expect(page.get_by_text("bad.png is no picture that can be read; choose another.")).to_be_visible()
    expect(form.get_by_label("Prompt", exact=True)).to_have_value("kept words")


def test_a_search_finds_templates_as_one_types(page: Page) -> None:
    cards = page.locator("#library .cards .card")
    page.get_by_label("Search templates").fill("mask rect")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text("Inpaint")
    page.get_by_label("Search templates").fill("no such thing")
    expect(page.get_by_text("No template matches")).to_be_visible()
    page.get_by_label("Search templates").fill("")
    for slug in ("text-to-image", "inpaint", "lora"):
        expect(page.locator(f'#library .card[data-slug="{slug}"]')).to_be_visible()


def test_the_values_of_a_run_come_back_into_the_form(page: Page) -> None:
    create.fill(page, "text-to-image", **SMALL, seed=77)
    page.get_by_label("Prompt", exact=True).fill("a lighthouse")
    create.run(page)
    page.get_by_label("Prompt", exact=True).fill("something else")
    page.get_by_role("button", name="Use these values").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a lighthouse")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("77")
