"""The tab Templates: a workflow comes in, its form is made excellent, and nobody's work is overwritten."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser import create
from tests.browser.conftest import Program

Visit = Callable[..., Page]

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
UI_FORMAT = {
    "nodes": [
        {"id": 1, "type": "EmptyImage", "mode": 0, "inputs": [], "widgets_values": [96, 64, 1, 0],
         "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]},
        {"id": 2, "type": "ImageBlur", "mode": 0, "inputs": [{"name": "image", "type": "IMAGE", "link": 1}],
         "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [2]}], "widgets_values": [4, 1.5]},
        {"id": 3, "type": "SaveImage", "mode": 0, "inputs": [{"name": "images", "type": "IMAGE", "link": 2}],
         "outputs": [], "widgets_values": ["soft"]},
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
    "version": 0.4,
}  # fmt: skip


def templates(page: Page) -> Locator:
    """The tab, once it stands."""
    page.get_by_role("tab", name="Templates").click()
    expect(page.locator("#shelf .entry").first).to_be_visible()
    return page.locator("#templates")


def edit(page: Page, slug: str) -> None:
    page.locator(f'#shelf .entry[data-slug="{slug}"]').click()
    expect(page.locator(".ed-slug")).to_have_text(slug)
    expect(page.locator(".ed-rows > li").first).to_be_visible()


def bring(page: Page, file: Path) -> None:
    page.locator("#shelf").get_by_role("button", name="Add").click()
    page.locator("#ed-files").set_input_files(file)


def row(page: Page, place: str) -> Locator:
    return page.locator(f'.ed-row[data-place="{place}"]')


def names(page: Page) -> Locator:
    return page.locator(".ed-rows .ed-line .name")


def tick(page: Page, node: str, place: str, *, on: bool) -> None:
    fold = page.locator(f'.ed-node[data-node="{node}"]')
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()
    fold.locator(f'input[data-place="{place}"]').set_checked(on)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    # The first word stands until the library has been looked at again.
    expect(page.locator(".ed-state")).to_have_text(re.compile("^(Saved|No changes)$"))


def test_a_file_becomes_a_template_whose_form_is_edited(program: Program, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "soft edges.json"
    file.write_text(json.dumps(UI_FORMAT), "utf-8")
    templates(page)
    bring(page, file)
    expect(page.locator(".ed-slug")).to_have_text("soft-edges")
    expect(page.locator(".editor .notice.good")).to_contain_text("Added.")

    # Tick, order, label, limits: the preview follows, and nothing is written yet.
    tick(page, "2", "2.blur_radius", on=True)
    tick(page, "2", "2.sigma", on=True)
    tick(page, "1", "1.width", on=True)
    tick(page, "1", "1.width", on=False)
    expect(names(page)).to_have_text(["Blur radius", "Sigma"])
    row(page, "2.sigma").get_by_label("Move up").click()
    row(page, "2.sigma").locator(".fold").click()
    row(page, "2.sigma").get_by_label("Label").fill(f"How soft {HOSTILE}")
    row(page, "2.sigma").get_by_label("Most").fill("5")
    page.get_by_label("Title", exact=True).fill(f"Soft edges {HOSTILE}")
    preview = page.locator("#preview")
    expect(preview.locator("h3").first).to_contain_text("Soft edges <img")
    expect(preview.get_by_text("How soft <img").first).to_be_visible()
    expect(preview.locator('[data-key="2.sigma"] input[type=range]')).to_have_attribute("max", "5")
    expect(page.locator(".ed-state")).to_have_text("Unsaved changes")
    assert not (program.workflows / "soft-edges.toml").exists()

    # A wrong value is told at its field; what is typed survives a reload.
    row(page, "2.sigma").get_by_label("Least").fill("much")
    expect(row(page, "2.sigma").locator(".field-error")).to_contain_text("“much” is no number")
    page.reload()  # and the tab is open again
    edit(page, "soft-edges")
    expect(page.locator(".ed-state")).to_have_text("Unsaved changes")
    expect(page.get_by_label("Title", exact=True)).to_have_value(f"Soft edges {HOSTILE}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".ed-state")).to_contain_text("Not saved")
    expect(row(page, "2.sigma").get_by_label("Least")).to_be_focused()
    row(page, "2.sigma").get_by_label("Least").fill("")
    save(page)
    assert "key = " not in (program.workflows / "soft-edges.toml").read_text("utf-8")

    # Create has it by itself; what was not ticked is still there under Advanced.
    page.get_by_role("button", name="Use it").click()
    form = create.form_of(page, "soft-edges")
    expect(form.locator(".field-label").first).to_contain_text("How soft <img")
    form.get_by_role("button", name="Advanced").click()
    expect(form.get_by_label("Filename prefix")).to_have_value("soft")
    assert page.evaluate("window.hacked") is None

    # By number and by dragging.
    templates(page)
    edit(page, "text-to-image")
    first = names(page).all_text_contents()
    row(page, "3.seed").get_by_label("Place").fill("1")
    row(page, "3.seed").get_by_label("Place").press("Enter")
    expect(names(page).first).to_have_text("Seed")
    row(page, "3.seed").locator(".handle").drag_to(row(page, "5.width"))
    expect(names(page).first).to_have_text(first[0])
    page.get_by_role("button", name="Revert").click()
    expect(names(page)).to_have_text(first)


def test_the_first_word_about_an_input_makes_a_card_and_the_form_can_be_let_alone_again(
    program: Program, page: Page
) -> None:
    document = (program.workflows / "text-to-image.json").read_text("utf-8")
    (program.workflows / "bare.json").write_text(document, "utf-8")
    card = program.workflows / "bare.toml"
    templates(page)
    edit(page, "bare")
    found = names(page).all_text_contents()
    row(page, "6.text").locator(".fold").click()
    row(page, "6.text").get_by_label("Label").fill("Which animal?")
    expect(page.locator("#preview").get_by_text("Which animal?")).to_be_visible()
    save(page)
    assert 'label = "Which animal?"' in card.read_text("utf-8")
    page.get_by_role("button", name="Let the form find them by itself").click()
    expect(names(page)).to_have_text(found)
    save(page)
    assert "inputs" not in card.read_text("utf-8")


def test_the_second_of_two_is_told_and_chooses(program: Program, page: Page, visit: Visit) -> None:
    one, other = page, visit(f"{program.url}/?view=templates")
    for each in (one, other):
        templates(each)
        edit(each, "model-free")
    theirs = other.get_by_label("Description")
    theirs.fill("Theirs")
    one.get_by_label("Title", exact=True).fill("Mine")
    save(other)
    one.get_by_role("button", name="Save", exact=True).click()
    question = one.get_by_role("alertdialog")
    expect(question).to_contain_text("Description: Theirs")
    expect(question).to_contain_text("Title: Blurred frame (no model)")
    assert "Theirs" in (program.workflows / "model-free.toml").read_text("utf-8")
    question.get_by_role("button", name="Look at theirs").click()
    expect(one.get_by_label("Description")).to_have_value("Theirs")
    one.get_by_role("button", name="Back to mine").click()
    expect(one.get_by_label("Title", exact=True)).to_have_value("Mine")
    one.get_by_label("Description").fill("Both")
    save(one)
    # The other page has nothing unsaved, and so shows what is there now.
    expect(theirs).to_have_value("Both")


def test_a_template_goes_out_is_deleted_and_comes_back(program: Program, page: Page, tmp_path: Path) -> None:
    create.fill(page, "text-to-image", steps=2, width=256, height=256)
    create.run(page)
    tab = templates(page)
    edit(page, "lora")
    page.get_by_role("button", name="Duplicate").click()
    expect(page.locator(".ed-slug")).to_have_text("lora-2")

    page.get_by_role("button", name="Change the cover").click()
    # What is asked goes on being asked when somebody changes the card meanwhile.
    card = program.workflows / "lora-2.toml"
    card.write_text(re.sub(r"(?m)^title = .*$", 'title = "A copy"', card.read_text("utf-8")), "utf-8")
    expect(page.locator(".ed-head h1")).to_have_text("A copy")
    before = page.locator(".ed-cover img").get_attribute("src")
    page.locator(".ed-results button").first.click()
    expect(page.locator(".ed-cover img")).not_to_have_attribute("src", before or "")

    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    bundle = tmp_path / "lora-2.zip"
    bundle.write_bytes(Path(download.value.path()).read_bytes())
    assert sorted(zipfile.ZipFile(bundle).namelist()) == ["lora-2.json", "lora-2.toml", "lora-2.webp"]

    page.get_by_role("button", name="Delete").click()
    expect(tab.locator('.entry[data-slug="lora-2"]')).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".ed-slug")).to_have_text("lora-2")
    expect(tab.locator('.entry[data-slug="lora-2"]')).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".ed-told")).to_contain_text("Deleted “A copy”")

    bring(page, bundle)
    expect(page.locator(".ed-slug")).to_have_text("lora-2")
    expect(page.get_by_label("Title", exact=True)).to_have_value("A copy")
    expect(page.locator(".ed-cover img")).to_be_visible()

    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"nodes": [{"id": 1, "type": "NobodyHasThis"}], "links": []}', "utf-8")
    bring(page, wrong)
    expect(page.locator(".ed-brought")).to_contain_text("NobodyHasThis")
    expect(page.get_by_role("button", name="Add it all the same")).to_be_visible()
