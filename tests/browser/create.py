"""What a person does on the tab Create, and what they see there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, Route, expect

PAINTED_MS = 60_000
_RUN = "new URLSearchParams(location.search).get('run')"
_DRAWN = "performance.getEntriesByName('form-drawn')"


def form_of(page: Page, slug: str = "") -> Locator:
    """The form once it stands, of this template if one is named."""
    expect(head_of(page, slug)).to_be_visible()
    expect(page.locator("#form[data-drawn]")).to_be_attached()
    return page.locator("#form")


def head_of(page: Page, slug: str) -> Locator:
    return page.locator(f'#form-head h1[data-current="{slug}"]' if slug else "#form-head h1")


def choose(page: Page, slug: str) -> None:
    page.locator(f'#library .card[data-slug="{slug}"]').click()
    expect(head_of(page, slug)).to_be_visible()


def fill(page: Page, slug: str, **values: Any) -> Locator:
    """The form of a template with these values, as a link gives it to a page that is opened."""
    drawn = page.evaluate(f"{_DRAWN}.length")
    page.evaluate("asked => bridge.act(asked)", {"action": "fill", "template": slug, "values": values})
    page.wait_for_function(
        f"([drawn, slug]) => {_DRAWN}.slice(drawn).some((one) => one.detail === slug)", arg=[drawn, slug]
    )
    return form_of(page, slug)


def go(page: Page, query: str) -> None:
    """Where a link of ours leads, on a page that is open: as somebody gets there who goes back to it."""
    page.evaluate("query => history.pushState(null, '', query)", query)
    page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")


def run(page: Page, begin: Callable[[], None] | None = None) -> str:
    """Generate, and wait until that run is done; its id. The stage may show another one's result before."""
    before = page.evaluate(_RUN)
    begin() if begin else generate(page)
    page.wait_for_function(f"before => {_RUN} && {_RUN} !== before", arg=before)
    wait_until_done(page)
    return run_id_of(page)


def generate(page: Page) -> None:
    page.get_by_role("button", name="Generate").click()


@contextmanager
def held_back(page: Page) -> Iterator[list[Route]]:
    """What the page hands in with its form is on its way for so long; what else it asks is answered."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if '"touched"' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/gradio_api/**", hold)
    try:
        yield held
    finally:
        for route in held:
            route.continue_()
        page.unroute("**/gradio_api/**", hold)


def is_live(page: Page) -> Locator:
    return page.locator("#create[data-live]")


def wait_for_step(page: Page, step: int) -> None:
    """Until a run of the page is at this step of its sampler, or later."""
    page.wait_for_function(
        """step => {
            const said = document.querySelector('#status .line').textContent;
            return Number(/step (\\d+) of/.exec(said)?.[1]) >= step;
        }""",
        arg=step,
    )


def wait_until_done(page: Page) -> None:
    # Its pictures are painted by the processor that everything else here shares.
    expect(page.locator("#frame")).to_have_attribute("data-phase", "done", timeout=PAINTED_MS)
    expect(page.locator("#after").get_by_role("link", name="Download", exact=True)).to_be_visible()


def wait_until_on_stage(page: Page, run_id: str) -> None:
    """Until the page shows this run. The address names one that is opened before anything of it is there."""
    expect(page.locator(f'#status .bar[data-run="{run_id}"]')).to_be_attached()


def run_id_of(page: Page) -> str:
    """The run that the page's address names."""
    page.wait_for_function("new URLSearchParams(location.search).has('run')")
    return parse_qs(urlsplit(page.url).query)["run"][0]


def surely(button: Locator) -> str:
    """Press what asks once more, and again: it asks for some seconds only. What it asked."""
    button.click(trial=True)
    asked: str = button.evaluate(
        "button => { button.click(); const asked = button.textContent; button.click(); return asked; }"
    )
    return asked


def watch_progress(page: Page) -> None:
    """Write down from now on what the line says, how far the bar is, and which pictures are shown."""
    page.evaluate(
        """() => {
            const seen = (window.seen = { lines: [], shares: [], layers: [], tops: [] });
            const note = (list, value) => value !== list.at(-1) && list.push(value);
            const look = () => {
                note(seen.lines, document.querySelector('#status .line').textContent);
                const done = getComputedStyle(document.querySelector('#status .done')).transform;
                note(seen.shares, done === 'none' ? 0 : new DOMMatrix(done).a);
                note(seen.layers, document.querySelector('#frame .layer.is-shown')?.className || '');
                note(seen.tops, document.querySelector('#status').getBoundingClientRect().top);
                requestAnimationFrame(look);
            };
            look();
        }"""
    )


def wait_until_seen(page: Page, line: str, layer: str) -> None:
    """Until `watch_progress` has it that the line begins so, and that the layer of this kind is shown."""
    page.wait_for_function(
        "([line, layer]) => seen.lines.at(-1).includes(line) && seen.layers.at(-1).includes(layer)",
        arg=[line, layer],
    )


def seen(page: Page) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = page.evaluate("window.seen")
    return found
