"""Before anybody presses Generate: whether a server can do it, and the nearest with one click."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Program
from tests.browser.create import fill, run

MISSING = "sd_xl_base_1.0_of_ours.safetensors"
NEAREST = "sd_xl_base_1.0.safetensors"


@pytest.fixture
def elsewhere(program: Program) -> Iterator[Path]:
    """A template from another machine, where the model is called otherwise."""
    document = json.loads((ROOT / "workflows" / "text-to-image.json").read_text("utf-8"))
    document["4"]["inputs"]["ckpt_name"] = MISSING
    workflow = program.workflows / "elsewhere.json"
    workflow.write_text(json.dumps(document), "utf-8")
    yield workflow
    workflow.unlink()
    workflow.with_suffix(".toml").unlink(missing_ok=True)


def test_what_a_server_lacks_is_replaced_by_the_nearest(elsewhere: Path, page: Page) -> None:
    expect(page.locator('#library .card[data-slug="elsewhere"]')).to_be_visible()
    fill(page, "elsewhere", steps=2, width=256, height=256)
    line = page.locator("#readiness")
    expect(line).to_contain_text("The server cannot run this yet")
    expect(line).to_contain_text(f"{MISSING} is not on the server (for Load Checkpoint).")
    expect(page.locator('.card[data-slug="elsewhere"] .ready-dot')).to_have_attribute("data-tone", "away")
    page.get_by_label("Prompt", exact=True).fill("a lighthouse at dusk")
    line.get_by_role("button", name="Always").click()
    expect(line).to_contain_text("Ready")
    # What was typed is still there, and the card has the default for everyone.
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a lighthouse at dusk")
    assert f'default = "{NEAREST}"' in elsewhere.with_suffix(".toml").read_text("utf-8")
    expect(page.locator('.card[data-slug="elsewhere"] .ready-dot')).to_have_attribute("data-tone", "ok")
    run(page)
