"""The page on every screen: nothing scrolls sideways, everything can be touched and reached by keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from comfyui_bridge.ui.words import KEYS, Words
from tests.browser import create
from tests.browser.conftest import PATIENCE_MS, Program, Server
from tests.waiting import until

Visit = Callable[..., Page]
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


_NOTE_TABS = """
    const said = (window.said = []);
    new MutationObserver(() => {
        for (const tab of document.querySelectorAll('#tabs [role=tab]'))
            if (!said.includes(tab.textContent.trim())) said.push(tab.textContent.trim());
    }).observe(document, { childList: true, characterData: true, subtree: true });
"""


_FIRST_TEXTS = """
    gradio_config.components
        .filter(({ type }) => type !== "api")
        .flatMap(({ props: { label, value } }) =>
            [label, value, ...(value instanceof Object ? Object.values(value) : [])])
        .filter((one) => typeof one === "string")
"""


def is_as_wide_as_the_screen(page: Page, tab: str) -> bool:
    page.get_by_role("tab", name=tab).click()
    expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
    return bool(page.evaluate("document.documentElement.scrollWidth - innerWidth <= 0"))


def comes_to_nothing(page: Page, wrong: str) -> None:
    """What a script finds wrong is gone once what moves on the page has come to rest."""
    until(lambda: page.evaluate(wrong) == [], PATIENCE_MS / 1000, lambda: page.evaluate(wrong))


def test_nothing_scrolls_sideways(page: Page) -> None:
    create.fill(page, "inpaint")
    page.get_by_role("button", name="Advanced").click()
    for width in (1440, 900):
        page.set_viewport_size({"width": width, "height": 900})
        for tab in ("Results", "Servers", "Create"):
            assert is_as_wide_as_the_screen(page, tab), (tab, width)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_phone_has_room_for_everything_the_library_behind_the_name_and_generate_at_hand(
    program: Program, server: Server, visit: Visit
) -> None:
    page = visit(f"{program.url}/?template=inpaint", **PHONE)
    create.form_of(page)
    page.get_by_role("button", name="Advanced").click()
    for tab in ("Results", "Servers", "Create"):
        assert is_as_wide_as_the_screen(page, tab), tab
    comes_to_nothing(page, SMALL)

    expect(page.get_by_label("Search templates")).to_be_hidden()
    page.locator("#form-head .open-library").click()
    expect(page.get_by_label("Search templates")).to_be_visible()
    page.locator('#library .card[data-slug="lora"]').click()
    create.form_of(page, "lora")
    page.get_by_role("button", name="Advanced").click()
    page.locator("#input-steps input[type=number]").fill("2")
    expect(page.get_by_label("Search templates")).to_be_hidden()
    comes_to_nothing(page, SMALL)
    server.hold_at(1)
    button = page.get_by_role("button", name="Generate")
    expect(button).to_be_in_viewport()
    button.click()
    create.wait_for_step(page, 1)
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_be_in_viewport()
    expect(page.locator("#frame")).to_be_in_viewport(ratio=0.9)
    stop.click()
    expect(page.locator("#frame")).to_have_attribute("data-phase", "cancelled")
    page.reload()  # at the address of that run
    expect(page.locator("#frame")).to_have_attribute("data-phase", "cancelled")
    expect(page.locator("#frame")).to_be_in_viewport(ratio=0.9)


SMALL = """() => [...document.querySelectorAll('#create button, #create a, #tabs [role=tab]')]
    .filter((e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .map((e) => [e.textContent || e.ariaLabel, e.getBoundingClientRect().height])
    .filter(([, height]) => height > 0 && height < 44)"""
"""What is too small to be touched."""


def test_a_template_is_found_and_chosen_by_keys_alone(page: Page) -> None:
    page.get_by_label("Search templates").focus()
    page.keyboard.type("upscale")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    create.form_of(page, "two-stage-upscale")
    page.get_by_label("Search templates").fill("")


def test_the_page_speaks_the_browser_s_language_and_the_link_s(program: Program, visit: Visit) -> None:
    page = visit("about:blank", locale="zh-CN")
    page.add_init_script(_NOTE_TABS)
    page.goto(program.url)
    create.form_of(page)
    assert page.evaluate("said.join()") == "创作,实验,结果,模板,服务器", "they were said in English first"
    english = {Words().raw(key) for key in KEYS} - {Words("zh").raw(key) for key in KEYS}
    assert not english & set(page.evaluate(_FIRST_TEXTS)), "what is drawn before anybody has arrived"
    expect(page.get_by_role("button", name="生成")).to_be_visible()
    expect(page.get_by_label("搜索模板")).to_be_visible()
    expect(page.get_by_role("tab", name="创作")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.goto(f"{program.url}/?__lang=en")
    create.form_of(page)
    expect(page.get_by_role("button", name="Generate")).to_be_visible()


def test_motion_stops_for_those_who_ask_for_it(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    moving = page.evaluate(
        """() => [...document.querySelectorAll('#create *')].filter((e) => {
            const style = getComputedStyle(e);
            return style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0;
        }).length"""
    )
    page.emulate_media(reduced_motion="no-preference")
    assert moving == 0


def test_words_can_be_read_in_light_and_dark(program: Program, page: Page, visit: Visit) -> None:
    dark = visit(program.url, color_scheme="dark")
    create.form_of(dark)
    for one in (page, dark):
        expect(one.locator("#library .line").first).to_be_visible()
        comes_to_nothing(one, CONTRAST)


CONTRAST = """() => {
    const parse = (text) => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
        const brush = canvas.getContext('2d');
        brush.fillStyle = text;
        brush.fillRect(0, 0, 1, 1);
        return [...brush.getImageData(0, 0, 1, 1).data];
    };
    const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a / 255 + under[i] * (1 - a / 255));
    const light = (rgb) => {
        const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        const layers = [];
        for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
        return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
    };
    const weak = [];
    for (const element of document.querySelectorAll('#top *, #tabs [role=tab], #create *')) {
        const says = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!says || element.closest('.caption, .no-match[hidden]')) continue;
        if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        const under = ground(element);
        const text = over(parse(getComputedStyle(element).color), under);
        const [a, b] = [light(text), light(under)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) weak.push([element.textContent.trim().slice(0, 40), Math.round(ratio * 100) / 100]);
    }
    return weak;
}"""
