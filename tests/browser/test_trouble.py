"""When something is wrong, a sentence says what to do, and everything else goes on."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from comfyui_bridge.sandbox.faults import NodeFault
from comfyui_bridge.sandbox.thread import SandboxThread
from tests.browser import create
from tests.browser.conftest import ROOT, Program, Server
from tests.faults.processes import free_port

Visit = Callable[..., Page]
HOSTILE = '<img src=x onerror="window.hacked=1">${window.hacked=1}{{window.hacked=1}}`'
SMALL: dict[str, Any] = {"steps": 3, "width": 256, "height": 256}
QUICK = f"template=text-to-image&{urlencode(SMALL)}"


@pytest.fixture
def no_server() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def test_a_broken_file_is_told_and_the_other_templates_work(program: Program, page: Page) -> None:
    create.fill(page, "text-to-image", **SMALL)
    broken = program.workflows / "broken.json"
    broken.write_text('{"1": {"class_type": "EmptyImage",', encoding="utf-8")
    try:
        told = page.locator("#library .unread")
        expect(told).to_contain_text("1 file could not be read")
        told.locator("summary").click()
        expect(told).to_contain_text("broken.json")
        create.run(page)
    finally:
        broken.unlink()
    expect(told).to_have_count(0)


def test_a_workflow_dropped_in_appears_by_itself_and_one_that_is_none_says_so(
    program: Program, page: Page
) -> None:
    own, odd = program.workflows / "my-own.json", program.workflows / "odd.json"
    shutil.copy(program.workflows / "text-to-image.json", own)
    odd.write_text(json.dumps({"some": "thing"}), encoding="utf-8")
    try:
        expect(page.locator('#library .card[data-slug="my-own"]')).to_be_visible()
        create.choose(page, "my-own")
        expect(page.get_by_label("Prompt", exact=True)).not_to_have_value("")
        create.choose(page, "odd")
        expect(page.locator("#form-head .notice.bad")).to_contain_text("This template cannot be used")
        create.generate(page)
        expect(page.locator("#refused .refused")).not_to_be_empty()
        create.choose(page, "text-to-image")
    finally:
        own.unlink()
        odd.unlink()


def test_what_people_and_servers_wrote_is_never_run(
    start: Callable[..., Program], server: Server, visit: Visit, tmp_path: Path
) -> None:
    workflows = tmp_path / "hostile"
    workflows.mkdir()
    document = json.loads((ROOT / "workflows" / "text-to-image.json").read_text("utf-8"))
    for node in document.values():
        node["_meta"] = {"title": HOSTILE}
    (workflows / "hostile.json").write_text(json.dumps(document), encoding="utf-8")
    said = json.dumps(HOSTILE)
    card = f"title = {said}\ndescription = {said}\ntags = [{said}]\n"
    card += f'[[inputs]]\nnode = "6"\ninput = "text"\nkey = "prompt"\nlabel = {said}\nhelp = {said}\n'
    (workflows / "hostile.toml").write_text(card, encoding="utf-8")
    (workflows / "<img src=x onerror=window.hacked=1>.json").write_text("{", encoding="utf-8")
    program = start("--server", server.url, workflows=workflows)
    page = visit(program.url)
    form = create.form_of(page)
    form.locator("textarea").first.fill(HOSTILE)
    server.faults.nodes = [NodeFault("KSampler", HOSTILE, HOSTILE)]
    create.generate(page)
    expect(page.locator("#frame .error-card")).to_contain_text(HOSTILE)
    page.get_by_role("tab", name="Results").click()
    expect(page.locator("#results")).to_contain_text(HOSTILE)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0


def test_a_node_that_fails_is_named_with_what_it_said_and_can_be_run_again(
    page: Page, server: Server
) -> None:
    create.fill(page, "text-to-image", **SMALL)
    server.faults.nodes = [NodeFault("KSampler", "RuntimeError", "mat1 and mat2 shapes cannot be multiplied")]
    create.generate(page)
    card = page.locator("#frame .error-card")
    expect(card).to_contain_text("A node failed")
    expect(card).to_contain_text("KSampler")
    expect(card).to_contain_text("mat1 and mat2 shapes cannot be multiplied")
    create.run(page, card.get_by_role("button", name="Run again").click)


def test_memory_that_ran_out_is_told_with_what_helps(page: Page, server: Server) -> None:
    create.fill(page, "text-to-image", **SMALL)
    server.faults.nodes = [NodeFault("KSampler")]
    create.generate(page)
    expect(page.locator("#frame .error-card")).to_contain_text("The server ran out of memory")
    expect(page.locator("#frame .error-card")).to_contain_text("smaller size")


def test_a_model_that_loads_silently_is_said_to_load(page: Page, server: Server) -> None:
    create.fill(page, "text-to-image", **SMALL)
    server.hold()

    def begin() -> None:
        create.generate(page)
        expect(page.locator("#status .line")).to_have_text("Loading model")
        server.let_go()

    create.run(page, begin)


def test_no_server_at_the_address_is_told_and_the_run_starts_once_there_is_one(
    start: Callable[..., Program], visit: Visit, no_server: str
) -> None:
    page = visit(f"{start('--server', no_server).url}/?{QUICK}")
    create.form_of(page)
    expect(page.locator("#away")).to_contain_text("does not answer")
    expect(page.locator("#header .badge")).to_have_attribute("data-tone", "away")
    expect(page.locator("#form-head .notice")).to_contain_text("node list is not known yet")
    create.generate(page)
    expect(page.locator("#status .line")).to_have_text(re.compile("Waiting for a server"))
    page.get_by_label("Prompt", exact=True).fill("typed while there was no server")
    with SandboxThread(port=int(no_server.rpartition(":")[2])):
        create.wait_until_done(page)
        expect(page.locator("#away")).to_be_empty()
        expect(page.locator("#form-head .notice")).to_have_count(0)
        expect(page.get_by_label("Prompt", exact=True)).to_have_value("typed while there was no server")


def test_a_run_that_nobody_knows_is_told(program: Program, visit: Visit) -> None:
    page = visit(f"{program.url}/?run=<b>nobody</b>")
    create.form_of(page)
    expect(page.locator("#frame .message")).to_contain_text("There is no such run")
    expect(page.locator("#frame .message")).to_contain_text("<b>nobody</b>")


def test_a_place_in_the_queue_is_told(program: Program, page: Page, server: Server, visit: Visit) -> None:
    create.fill(page, "text-to-image", **SMALL)
    other = visit(f"{program.url}/?{QUICK}", color_scheme="dark")  # another browser: somebody else
    create.form_of(other)
    server.hold()

    def both() -> None:
        create.generate(page)
        expect(page.locator("#status .line")).to_have_text("Loading model")
        create.generate(other)
        expect(other.locator("#status .line")).to_have_text(re.compile("^Queued"))
        server.let_go()

    create.run(page, both)
    create.wait_until_done(other)
