"""The tab Results as a person uses it: runs are found, chosen, thrown away, brought back and looked at.

The data folder is filled by a script, so that a few hundred runs cost no painting.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from benchmarks import results as stored
from comfyui_bridge.core import workflow
from comfyui_bridge.core.outputs import NodeOutput, OutputFile
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.runs import RunStore
from tests.browser import create
from tests.browser.conftest import Program, Server

Visit = Callable[..., Page]
COUNT = 400
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WORDS = "Ünïcode, 三行\nof text\n"
HOSTILE = "<img src=x onerror=alert(1)>"


def _picture(kind: str) -> bytes:
    made = io.BytesIO()
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    frames[0].save(made, kind, save_all=kind != "PNG", append_images=frames[1:] if kind != "PNG" else [])
    return made.getvalue()


FILES = {
    "one.png": _picture("PNG"),
    "moves.webp": _picture("WEBP"),
    "clip.mp4": b"\x00\x00\x00\x18ftypmp42",
    "sound.flac": b"fLaC",
    "notes.txt": WORDS.encode(),
    "shape.glb": b"glTF",
    "page.html": b"<script>alert(1)</script>",
}


@pytest.fixture(scope="module")
def archive(
    start: Callable[..., Program], server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """Some hundred stored runs, the newest with a file of every kind."""
    data = tmp_path_factory.mktemp("archive") / "data"
    stored.make(data, COUNT - 1, stored.OWNER)
    with Database(data) as database:
        media = MediaStore(data)
        kept = tuple(
            media.keep("every-kind", OutputFile(name, node_id="3"), [content])
            for name, content in FILES.items()
        )
        run = Run(
            "every-kind",
            "prompt-of-every-kind",
            workflow.parse({"3": {"class_type": "SaveImage", "inputs": {}}}),
            created_at=4e9,
            title="Every kind",
            owner=stored.OWNER,
            values={"prompt": HOSTILE, "seed": 2**60},
            state=RunState.COMPLETED,
            outputs=(NodeOutput("3", tuple(one.source for one in kept), ("Said by a node",)),),
            kept=kept,
        )
        RunStore(database).insert(run)
    return start("--server", server.url, "--data", str(data))


@pytest.fixture
def look(archive: Program, visit: Visit, stay: Callable[[str], Page]) -> Callable[..., Page]:
    """Open the results as the browser that made them all, on a page that stays open; or as somebody else."""

    def look_(query: str = "", owner: str = stored.BROWSER, **options: Any) -> Page:
        is_ours = owner == stored.BROWSER and not options
        page = stay("about:blank") if is_ours else visit("about:blank", **options)
        if page.url.startswith(archive.url):
            page.evaluate("document.querySelector('.res-count').textContent = ''")  # said anew by the answer
            create.go(page, f"?view=results{query}")
            expect(page.locator(".res-count")).not_to_be_empty()
            return page
        page.context.clear_cookies()
        page.context.add_cookies([{"name": "comfyui_bridge_browser", "value": owner, "url": archive.url}])
        page.goto(f"{archive.url}/?view=results{query}")
        return page

    return look_


def tiles(page: Page) -> Locator:
    return page.locator(".res-tile:not(.is-empty)")


def count(page: Page, number: int) -> None:
    expect(page.locator(".res-count")).to_have_text(f"{number} result{'' if number == 1 else 's'}")


def test_runs_are_searched_and_filtered_under_an_address_of_their_own(look: Callable[..., Page]) -> None:
    page = look()
    count(page, COUNT)
    expect(tiles(page).first).to_contain_text(HOSTILE)
    page.get_by_label("Search results").fill("harbour FOG")
    expect(page.locator(".res-count")).not_to_have_text(f"{COUNT} results")
    found = page.locator(".res-count").inner_text()
    for text in tiles(page).all_inner_texts():
        assert "a harbour in fog" in text
    expect(page).to_have_url(re.compile("q=harbour"))
    page.locator("#results select[name=model]").select_option("flux1-dev-fp8.safetensors")
    expect(page.locator(".res-count")).not_to_have_text(found)
    found = page.locator(".res-count").inner_text()
    page.reload()
    expect(page.locator(".res-count")).to_have_text(found)
    expect(page.get_by_label("Search results")).to_have_value("harbour FOG")
    expect(page.locator("#results select[name=model]")).to_have_value("flux1-dev-fp8.safetensors")
    page.get_by_role("button", name="Clear filters").click()
    count(page, COUNT)
    page.locator("#results select[name=state]").select_option("failed")
    count(page, COUNT // 20)
    expect(tiles(page).first).to_contain_text("ran out of memory")
    page.locator("#results select[name=date]").select_option("between")
    page.locator("#results input[name=until]").fill("2001-01-01")
    expect(page.get_by_text("Nothing is found.")).to_be_visible()
    for tab in ("Create", "Servers", "Templates"):
        page.get_by_role("tab", name=tab).click()
    expect(page).to_have_url(re.compile(r"\?view=templates$"))
    page.reload()
    expect(page.get_by_role("tab", name="Templates")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("tab", name="Servers")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page).not_to_have_url(re.compile("view="))
    page.go_back()
    expect(page.locator("#results select[name=state]")).to_have_value("failed")
    expect(page.get_by_text("Nothing is found.")).to_be_visible()


def test_who_made_nothing_is_told_so_and_may_look_at_everyone_s(look: Callable[..., Page]) -> None:
    page = look(owner="somebody-else-entirely"[:22], locale="en-GB")
    expect(page.get_by_text("What you generate is kept here.")).to_be_visible()
    page.get_by_role("button", name="Everyone’s").click()
    count(page, COUNT)
    expect(page.locator(".res-star")).to_have_count(tiles(page).count())
    expect(page.locator(".res-star").first).to_be_hidden()


def test_however_far_one_scrolls_little_is_in_the_page(look: Callable[..., Page]) -> None:
    page = look()
    count(page, COUNT)
    most = 0
    while page.evaluate("scrollY + innerHeight < document.documentElement.scrollHeight - 1"):
        page.evaluate("scrollBy(0, 2000)")
        page.wait_for_function(
            "document.querySelectorAll('.res-tile').length && !document.querySelector('.res-tile.is-empty')"
        )
        most = max(most, page.locator(".res-tile").count())
    assert 0 < most < 90
    expect(tiles(page).last).to_contain_text("picture 0")
    tiles(page).first.locator("a").focus()
    page.keyboard.press("Home")
    expect(page.locator(":focus")).to_have_attribute("aria-label", re.compile("^<img"))


def test_some_are_chosen_and_starred_by_mouse_and_keys(look: Callable[..., Page]) -> None:
    page = look("&state=completed")
    expect(tiles(page).first).to_be_visible()
    tiles(page).nth(1).hover()
    tiles(page).nth(1).get_by_role("checkbox").click()
    tiles(page).nth(4).locator("a").click(modifiers=["Shift"])
    bar = page.get_by_role("toolbar", name="4 selected")
    bar.get_by_role("button", name="Star", exact=True).click()
    expect(page.locator(".res-star[aria-pressed=true]")).to_have_count(4)
    with page.expect_download() as download:
        bar.get_by_role("button", name="Download zip").click()
    with zipfile.ZipFile(download.value.path()) as packed:
        assert sum(name.startswith("workflows/") for name in packed.namelist()) == 4
        assert "manifest.csv" in packed.namelist()
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    tiles(page).nth(1).locator("a").focus()
    page.keyboard.press("s")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+a")
    expect(page.locator(".res-bar b")).to_contain_text(re.compile(r"^\d+ selected$"))
    page.get_by_role("button", name="Clear selection").click()
    page.get_by_role("button", name="Starred").click()
    count(page, 3)


def test_what_is_deleted_comes_back_even_after_a_reload(look: Callable[..., Page]) -> None:
    page = look("&state=cancelled")
    cancelled = len([number for number in range(COUNT - 1) if number % 20 == 13])
    count(page, cancelled)
    expect(tiles(page).first).to_contain_text("Nothing was kept of it.")
    first = tiles(page).first.get_attribute("data-run")
    tiles(page).first.locator("a").focus()
    page.keyboard.press("Delete")
    count(page, cancelled - 1)
    page.reload()
    count(page, cancelled - 1)
    expect(page.locator(".res-undo")).to_contain_text("1 result is deleted.")
    page.get_by_role("button", name="Undo").click()
    count(page, cancelled)
    expect(tiles(page).first).to_have_attribute("data-run", first or "")
    tiles(page).first.locator("a").click()
    box = page.get_by_role("dialog", name="Result")
    box.get_by_role("button", name="Delete").click()
    expect(box.locator(".lb-place")).to_have_text(f"1 of {cancelled - 1}")
    box.get_by_role("button", name="Undo").click()
    expect(box.locator(".lb-place")).to_have_text(f"1 of {cancelled}")
    box.get_by_role("button", name="Close").click()
    expect(page.locator(":focus")).to_have_attribute("href", f"?run={first}")


def test_runs_are_asked_for_again(look: Callable[..., Page]) -> None:
    page = look("&q=harbour")
    expect(tiles(page).first).to_be_visible()
    before = page.locator(".res-count").inner_text()
    tiles(page).nth(0).hover()
    tiles(page).nth(0).get_by_role("checkbox").click()
    page.get_by_role("button", name="Run again").click()
    expect(page.locator(".res-note")).to_have_text("1 run is queued again.")
    expect(page.locator(".res-count")).not_to_have_text(before)


def test_a_run_at_full_size_shows_each_kind_of_file_and_what_made_it(
    look: Callable[..., Page], archive: Program
) -> None:
    page = look()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=archive.url)
    tiles(page).first.locator("a").click()
    box = page.get_by_role("dialog", name="Result")
    frame = box.locator(".lb-frame")
    shown = {
        "moves.webp": 'img[src$="moves.webp"]',
        "clip.mp4": "video",
        "notes.txt": "pre",
        "one.png": 'img[src$="one.png"]',
        "page.html": ".lb-card",
        "shape.glb": ".lb-card",
        "sound.flac": "audio",
    }
    seen = set()
    for place in range(len(FILES)):
        expect(box.locator(".lb-place")).to_contain_text(f"file {place + 1} of {len(FILES) + 1}")
        name = box.locator(".lb-file-actions a").first.get_attribute("download") or ""
        expect(frame.locator(shown[name])).to_be_visible()
        seen.add(name)
        page.keyboard.press("ArrowRight")
    assert seen == set(FILES)
    expect(frame.locator("pre")).to_have_text("Said by a node")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    expect(box.locator(".lb-place")).to_contain_text("1 of ")
    with page.expect_download() as download:
        box.get_by_role("link", name="Download", exact=True).click()
    assert Path(download.value.path()).read_bytes() in FILES.values()
    box.locator('[data-key="seed"]').click()
    expect(box.locator('[data-key="seed"]')).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == str(2**60)
    box.get_by_role("button", name="Star", exact=True).click()
    expect(box.locator(".lb-starred")).to_have_text("Starred")
    box.get_by_role("button", name="Remove star").click()
    expect(box.get_by_role("button", name="Star", exact=True)).to_be_visible()
    page.go_back()  # as a phone does it: what lies over the page goes, and the page stays
    expect(box).to_be_hidden()
    expect(page).to_have_url(re.compile(r"\?view=results$"))
    tiles(page).first.locator("a").click()
    expect(box.locator("h2")).to_be_visible()
    page.keyboard.press("End")
    expect(box.locator(".lb-place")).to_contain_text(re.compile(r"^(\d+) of \1"))
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(page.locator(":focus")).to_have_attribute("aria-label", re.compile("picture 0"))


def test_on_a_phone_one_wipes_from_run_to_run(look: Callable[..., Page]) -> None:
    page = look("&__lang=zh&q=picture", **PHONE)
    expect(page.locator(".res-count")).to_contain_text("个结果")
    page.get_by_role("button", name="筛选").click()
    expect(page.locator("#results select[name=model]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    small = page.evaluate(
        """() => [...document.querySelectorAll('#results :is(button, select, input, a)')]
            .filter((e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
            .map((e) => [e.className, e.getBoundingClientRect().height])
            .filter(([, height]) => height > 0 && height < 44)"""
    )
    assert small == []
    tiles(page).first.locator("a").click()
    place = page.locator(".lb-place")
    expect(place).to_contain_text("第 1 /")
    page.locator(".lb-frame").evaluate(
        """frame => {
            const touch = (x) => new Touch({ identifier: 1, target: frame, clientX: x, clientY: 200 });
            const tell = (kind, touches, changed) =>
                frame.dispatchEvent(new TouchEvent(kind, { touches, changedTouches: changed }));
            tell('touchstart', [touch(300)], [touch(300)]);
            tell('touchend', [], [touch(90)]);
        }"""
    )
    expect(place).to_contain_text("第 2 /")
