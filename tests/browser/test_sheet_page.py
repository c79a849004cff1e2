"""A sheet as one HTML page, opened from a disk: its own policy lets it show pictures large, and step."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from comfyui_bridge.core.sheet import FAILED, Heading, Sheet, SheetCell
from comfyui_bridge.store import sheets


def test_a_sheet_sent_to_somebody_opens_by_itself(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.new("RGB", (300, 200), "teal").save(path)
    axes = (Heading("Sampler", ("euler", "heun")), Heading("Steps", tuple(map(str, range(10, 22)))))
    cells = [
        SheetCell((row, column), (axes[0][1][row], axes[1][1][column]), pictures=(str(path),))
        for row in range(2)
        for column in range(12)
    ]
    cells[1] = SheetCell((0, 1), ("euler", "11"), state=FAILED, reason="It hurts")
    sheets.write(Sheet("A study", axes=axes, cells=tuple(cells)), tmp_path / "sheet.html")
    context = browser.new_context(viewport={"width": 390, "height": 700}, offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto((tmp_path / "sheet.html").as_uri())
    expect(page.get_by_role("heading", name="A study")).to_be_visible()
    expect(page.get_by_role("columnheader", name="21")).to_be_attached()
    expect(page.get_by_text("It hurts")).to_be_visible()
    assert page.evaluate("document.images.length && [...document.images].every((one) => one.naturalWidth)")
    page.evaluate("window.scrollTo(500, 200)")
    expect(page.get_by_role("rowheader", name="heun")).to_be_in_viewport()
    expect(page.get_by_role("columnheader", name="14")).to_be_in_viewport()
    page.evaluate("window.scrollTo(0, 0)")
    page.get_by_role("button", name="Show large: euler · 10").click()
    large = page.locator("figure:popover-open")
    expect(large).to_contain_text("Steps10")
    wide = large.get_by_role("img").bounding_box()
    assert wide is not None
    assert wide["width"] > 300
    page.keyboard.press("ArrowRight")
    expect(large).to_contain_text("Steps12")
    large.get_by_role("button", name="Previous").click()
    expect(large).to_contain_text("Steps10")
    expect(large.get_by_role("button", name="Previous")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    expect(page.get_by_role("button", name="Show large: euler · 10")).to_be_focused()
    assert said == [], "the policy of the page refuses nothing that is its own"
    context.close()
