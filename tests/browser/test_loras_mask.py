"""A mask painted in the browser, LoRAs in their order, a ControlNet: what is set is what the server runs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser import create
from tests.browser.conftest import Server
from tests.browser.test_form import workflow_of

# Only the painted mask counts, without the rectangle that the template has beside it.
INPAINT: dict[str, Any] = {"steps": 2, "width": 256, "height": 256, "rectangle": 0, "mask_grow": 0}


def photo(path: Path) -> Path:
    across, down = np.meshgrid(np.linspace(40, 200, 512), np.linspace(40, 200, 512))
    Image.fromarray(np.dstack([across, down, 240 - across]).astype("uint8"), "RGB").save(path)
    return path


def paint(page: Page, *, at: tuple[float, float], to: tuple[float, float]) -> None:
    box = page.locator(".mask-canvas").bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (at, to)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=6)
    page.mouse.up()


def add_lora(page: Page, words: str) -> Locator:
    page.get_by_role("button", name="Add a LoRA").click()
    row = page.locator("#input-loras .stack-row").last
    row.get_by_role("combobox").fill(words)
    row.get_by_role("combobox").press("Enter")
    return row


def names(page: Page) -> list[str]:
    return [box.input_value() for box in page.locator("#input-loras .chooser-input").all()]


def input_file(server: Server, name: str) -> Image.Image:
    address = f"{server.url}/view?{urlencode({'filename': name, 'type': 'input'})}"
    return Image.open(io.BytesIO(urlopen(address).read()))


def nodes(workflow: dict[str, Any], class_type: str) -> list[tuple[str, dict[str, Any]]]:
    return [(key, node["inputs"]) for key, node in workflow.items() if node["class_type"] == class_type]


def test_a_mask_two_loras_and_a_controlnet_reach_the_server(
    page: Page, server: Server, tmp_path: Path
) -> None:
    picture = photo(tmp_path / "mine.png")
    form = create.fill(page, "inpaint", **INPAINT)
    form.locator("#input-image input[type=file]").set_input_files(picture)
    expect(form.locator("#input-image .picture-image")).to_have_attribute("alt", "mine.png")

    form.get_by_role("button", name="Paint mask").click()
    dialog = page.get_by_role("dialog", name="Paint mask")
    expect(dialog).to_have_attribute("data-ready", "true")
    for _ in range(14):
        page.keyboard.press("]")  # the largest brush
    paint(page, at=(0.25, 0.0), to=(0.25, 1.0))
    paint(page, at=(0.9, 0.1), to=(0.9, 0.9))
    dialog.get_by_role("button", name="Undo").click()
    dialog.get_by_role("button", name="Use this mask").click()
    expect(dialog).to_have_count(0)

    form.locator("#input-loras summary").click()
    add_lora(page, "film")
    expect(form.get_by_role("switch", name="Use sandbox-film.safetensors")).to_be_checked()
    wrong = add_lora(page, "")
    wrong.get_by_role("combobox").fill("sandbox-inc")
    create.generate(page)
    expect(wrong.locator(".field-error")).to_contain_text("did you mean sandbox-ink.safetensors?")
    expect(page.locator("#refused .refused")).to_have_text("One field needs another value.")
    wrong.get_by_role("combobox").fill("ink")
    wrong.get_by_role("combobox").press("Enter")
    expect(wrong.locator(".field-error")).to_have_count(0)
    wrong.get_by_role("spinbutton").fill("-0.5")
    wrong.locator(".stack-grip").press("ArrowUp")
    expect(form.locator("#input-loras [role=status]")).to_have_text("sandbox-ink.safetensors is now 1 of 2.")
    assert names(page) == ["sandbox-ink.safetensors", "sandbox-film.safetensors"]
    off = add_lora(page, "neon")
    off.get_by_role("switch").click()
    expect(form.locator("#input-loras .stack-count")).to_have_text("2")

    slot = form.locator("#input-controlnet")
    slot.locator("summary").click()
    slot.get_by_role("combobox").fill("edges")
    slot.get_by_role("combobox").press("Enter")
    slot.locator("input[type=file]").set_input_files(picture)
    expect(slot.locator(".picture-image")).to_have_attribute("alt", "mine.png")
    slot.get_by_role("spinbutton", name="Strength").fill("0.6")

    # All of it is still there after another template was looked at.
    create.choose(page, "text-to-image")
    create.choose(page, "inpaint")
    assert len(names(page)) == 3
    create.run(page)

    workflow = workflow_of(server, page)
    (ink, first), (film, second) = nodes(workflow, "LoraLoader")
    assert (first["lora_name"], first["strength_model"]) == ("sandbox-ink.safetensors", -0.5)
    assert (second["lora_name"], second["model"]) == ("sandbox-film.safetensors", [ink, 0])
    assert nodes(workflow, "KSampler")[0][1]["model"] == [film, 0]
    ((applied, net),) = nodes(workflow, "ControlNetApplyAdvanced")
    assert net["strength"] == 0.6
    assert nodes(workflow, "KSampler")[0][1]["positive"] == [applied, 0]
    sent = input_file(server, workflow["10"]["inputs"]["image"])
    assert (sent.mode, sent.size) == ("RGBA", (512, 512))
    assert [sent.getpixel((x, 256))[3] for x in (128, 470)] == [0, 255]
    assert np.array_equal(np.asarray(sent)[:, :, :3], np.asarray(Image.open(picture)))
    hint = input_file(server, workflow[net["image"][0]]["inputs"]["image"])
    assert np.array_equal(np.asarray(hint), np.asarray(Image.open(picture)))

    # What was not painted is as it was, and what was is another.
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    made = np.asarray(Image.open(download.value.path()).convert("RGB")).astype(int)
    before = np.asarray(Image.open(picture).resize((256, 256), Image.Resampling.LANCZOS)).astype(int)
    changed = np.abs(made - before).mean(axis=2)
    assert changed[:, 200:].max() <= 2
    assert changed[40:216, 30:90].mean() > 10
