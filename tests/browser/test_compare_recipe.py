"""Two results side by side and what differs between them; a result as a link that others can open."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect

from comfyui_bridge.store.accounts import Accounts
from tests.browser import create
from tests.browser.conftest import Program, Server

Visit = Callable[..., Page]
ELSEWHERE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "locale": "zh-CN", "has_touch": True}
"""A phone in another person's hand."""


def made(page: Page, template: str = "text-to-image", **values: object) -> str:
    """The id of a run of these values."""
    create.fill(page, template, **{"steps": 2, "width": 256, "height": 256, **values})
    return create.run(page)


def sheet(page: Page) -> Locator:
    return page.locator("#sheet")


def rows(page: Page) -> dict[str, str]:
    """What the list of differences says, by label."""
    labels = page.locator(".compare-list dt").all_inner_texts()
    said = page.locator(".compare-list dd").all_inner_texts()
    return {label: " ".join(text.split()) for label, text in zip(labels, said, strict=True)}


def is_as_wide_as_the_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def until_told(page: Page, link: str, said: str = "another one") -> None:
    """The library looks at its folder every few seconds."""
    is_told = page.evaluate(
        """async ([address, said]) => {
            for (let times = 0; times < 300; times++) {
                if ((await (await fetch(address)).text()).includes(said)) return true;
                await new Promise((done) => setTimeout(done, 100));
            }
        }""",
        [f"recipe?{urlsplit(link).query}", said],
    )
    assert is_told


def test_two_results_are_compared_and_their_difference_goes_into_the_form(
    program: Program, page: Page
) -> None:
    boat = made(page, prompt="a boat", seed=10)
    fox = made(page, prompt="a red fox in snow", seed=11)
    wolf = made(page, prompt="a red wolf in snow", seed=12, width=384)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Compare with…").click()
    sheet(page).locator(".compare-chooser .tile").first.click()
    expect(page.locator(".compare-divided img")).to_have_count(2)
    expect(page).to_have_url(re.compile(f"compare={wolf},{fox}"))
    assert rows(page) == {"Prompt": "a red wolffox in snow", "Width": "A 384 B 256", "Seed": "A 12 B 11"}
    expect(page.locator(".compare-text del")).to_have_text("wolf")
    expect(page.locator(".compare-text ins")).to_have_text("fox")
    expect(page.locator(".compare-caption").first).to_contain_text("384 × 256")

    divider = page.get_by_role("slider", name="Divider between A and B")
    divider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("PageDown")
    expect(divider).to_have_attribute("aria-valuetext", "38 % A")
    box = divider.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    expect(divider).to_have_attribute("aria-valuetext", re.compile("7[3-7] % A"))
    page.get_by_role("button", name="Side by side").click()
    expect(page.locator(".compare-pair img")).to_have_count(2)

    page.reload()
    expect(page.locator(".compare-divided img")).to_have_count(2)
    page.get_by_role("button", name="Swap A and B").click()
    expect(page.locator(".compare-list dd").last).to_contain_text("A11B12")
    page.keyboard.press("Escape")
    expect(sheet(page)).to_have_count(0)
    expect(page).not_to_have_url(re.compile("compare"))
    page.evaluate("([a, b]) => bridge.compare(a, b)", [fox, wolf])
    expect(page.locator(".compare-list")).to_be_visible()
    page.go_back()
    expect(sheet(page)).to_have_count(0)
    expect(page).not_to_have_url(re.compile("compare"))

    page.goto(f"{program.url}/?compare={fox},{wolf}")
    form = create.form_of(page)
    page.get_by_role("button", name="To the values of another result").click()
    page.locator(".compare-others input").fill("a boat")
    expect(page.locator(".compare-others .tile")).to_have_count(1)
    page.locator(f'.compare-others .tile:has(img[src*="{boat}"])').click()
    expect(form.get_by_label("Seed", exact=True)).to_have_value("12")
    create.fill(page, "text-to-image", prompt="a boat", steps=3)
    page.evaluate("([a, b]) => bridge.compare(a, b)", [fox, wolf])
    page.get_by_role("button", name="To the form as it is").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a red wolf in snow")
    expect(page.get_by_label("Width", exact=True)).to_have_value("384")
    expect(create.is_live(page)).to_have_count(0)
    expect(page).not_to_have_url(re.compile("compare"))

    create.go(page, f"?compare={fox},nobody")
    expect(sheet(page).get_by_role("alert")).to_contain_text("not here any more")


def test_a_recipe_link_shows_a_card_elsewhere_and_fills_the_form_there(
    program: Program, page: Page, visit: Visit
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=program.url)
    slug = "recipe-of-a-fox"
    document = json.loads((program.workflows / "text-to-image.json").read_text())
    card = (program.workflows / "text-to-image.toml").read_text()
    (program.workflows / f"{slug}.toml").write_text(
        re.sub(r'(?m)^title = ".*"$', 'title = "A <b>fox</b>"', card)
    )
    (program.workflows / f"{slug}.json").write_text(json.dumps(document))
    expect(page.locator(f'#library .card[data-slug="{slug}"]')).to_be_visible()
    run_id = made(page, slug, prompt="a <i>fox</i> & snow", seed=str(2**63 + 11))
    page.get_by_role("button", name="Copy recipe link").click()
    expect(page.get_by_role("button", name="Recipe link copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlsplit(link).query)["seed"] == [str(2**63 + 11)]

    other = visit(link, **ELSEWHERE)
    expect(sheet(other).get_by_role("heading", name="A <b>fox</b>")).to_be_visible()
    expect(sheet(other).locator(".recipe-picture img")).to_be_visible()
    expect(sheet(other).locator(".recipe-values").first).to_contain_text("a <i>fox</i> & snow")
    expect(sheet(other).locator(".recipe-models li").first).to_contain_text(".safetensors")
    expect(sheet(other).locator('.recipe-ready[data-tone="ok"]')).to_be_visible()
    expect(sheet(other).locator(".notice")).to_have_count(0)
    expect(other.locator("#strip .tile")).to_have_count(0)
    assert is_as_wide_as_the_window(other)
    sheet(other).get_by_role("button", name="载入我的表单").tap()
    create.form_of(other, slug)
    expect(sheet(other)).to_have_count(0)
    expect(other.locator("#form textarea").first).to_have_value("a <i>fox</i> & snow")
    expect(other.locator(f'#form input[value="{2**63 + 11}"], #form .seed-row input').first).to_have_value(
        str(2**63 + 11)
    )
    expect(other).not_to_have_url(re.compile("recipe"))
    expect(other.locator("#strip .tile")).to_have_count(0)  # nothing ran

    links = next(node["inputs"] for node in document.values() if node["class_type"] == "KSampler")
    links["negative"] = links["positive"]
    (program.workflows / f"{slug}.json").write_text(json.dumps(document))
    until_told(page, link)
    create.go(page, f"?{urlsplit(link).query}")
    expect(sheet(page).locator(".notice").first).to_contain_text("another one than it was")
    with page.expect_download() as download:
        sheet(page).get_by_role("link", name="Workflow").click()
    sent = json.loads(download.value.path().read_text())
    assert download.value.suggested_filename == f"{run_id}.json"
    (sampler,) = (node["inputs"] for node in sent.values() if node["class_type"] == "KSampler")
    assert (sampler["seed"], sampler["negative"] == sampler["positive"]) == (2**63 + 11, False)

    create.go(page, f"?{urlsplit(link.replace('snow', 'ice')).query}")
    expect(sheet(page).locator(".notice").first).to_contain_text("Somebody changed the link")
    expect(sheet(page).locator(".recipe-picture .no-picture")).to_be_visible()
    for name in (f"{slug}.toml", f"{slug}.json"):
        (program.workflows / name).unlink()
    until_told(page, link, "There is no template")
    create.go(page, f"?{urlsplit(link).query}")
    expect(sheet(page).locator(".notice")).to_contain_text(f"There is no template “{slug}” here.")
    expect(sheet(page).get_by_role("button", name="Open as mine")).to_have_count(0)
    expect(sheet(page).locator(".recipe-picture img")).to_be_visible()


def signed_in(visit: Visit, program: Program, name: str, **options: Any) -> Page:
    """The page of somebody with an account, in a browser of their own."""
    page = visit(program.url, **options)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(f"the secret of {name}")
    page.get_by_role("button", name="Sign in").click()
    create.form_of(page)
    return page


def test_where_people_sign_in_a_copied_link_shows_the_result_until_it_is_taken_back(
    start: Callable[..., Program], server: Server, visit: Visit, tmp_path: Path
) -> None:
    for name in ("ann", "bob"):
        Accounts(tmp_path / "accounts.txt").add(name, f"the secret of {name}")
    program = start("--server", server.url, "--auth", str(tmp_path / "accounts.txt"))
    ann = signed_in(visit, program, "ann", locale="en-GB")
    bob = signed_in(visit, program, "bob", locale="en-AU")
    run_id = made(ann, prompt="a fox")
    link = ann.evaluate("async run => (await (await fetch(`runs/${run}/recipe`)).json()).link", run_id)
    bob.goto(f"{program.url}/{link}")
    expect(sheet(bob).locator(".no-picture")).to_be_visible()

    ann.get_by_role("button", name="Copy recipe link").click()
    expect(ann.locator(".shared-line")).to_contain_text("Whoever signs in here and has the link")
    bob.reload()
    expect(sheet(bob).locator(".recipe-picture img")).to_be_visible()
    sheet(bob).get_by_role("link", name="Open the run").click()
    expect(bob.locator("#frame .layer.result.is-shown")).to_be_visible()
    expect(bob.locator("#status")).to_contain_text("by ann")

    ann.get_by_role("button", name="Only for me").click()
    expect(ann.locator(".shared-line")).to_contain_text("Only you see this result now.")
    bob.reload()
    expect(bob.locator("#frame")).to_contain_text("not shared with you")
