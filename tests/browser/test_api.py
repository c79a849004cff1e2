"""The endpoints for programs, asked as gradio_client asks them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from tests.browser.conftest import Program, Server

QUICK = {"steps": 2, "width": 256, "height": 256}


@pytest.fixture(scope="module")
def client(program: Program) -> Iterator[Client]:
    made = Client(program.url, verbose=False, analytics_enabled=False)
    yield made
    made.close()


def test_a_program_finds_a_template_and_what_it_takes(client: Client) -> None:
    slugs = [template["slug"] for template in client.predict(api_name="/templates")]
    assert "text-to-image" in slugs
    inputs = {one["key"]: one for one in client.predict("text-to-image", api_name="/inputs")}
    assert inputs["prompt"]["type"] == "STRING"
    assert (inputs["width"]["min"], inputs["width"]["max"]) == (256, 1536)


def test_a_program_runs_a_template_and_gets_progress_and_then_the_run(client: Client) -> None:
    seed = 2**64 - 1
    job = client.submit("text-to-image", {**QUICK, "prompt": "a boat", "seed": str(seed)}, api_name="/run")
    told: list[dict[str, Any]] = list(job)
    assert told[0]["state"] in ("pending", "in_progress")
    assert [t["progress"] for t in told[:-1]] == sorted(t["progress"] for t in told[:-1])
    run = told[-1]
    assert run["state"] == "completed"
    assert run["values"]["prompt"] == "a boat"
    assert run["error"] is None
    picture = Image.open(io.BytesIO(urlopen(run["files"][0]).read()))
    assert picture.size == (256, 256)
    assert f'"seed": {seed}' in json.dumps(json.loads(picture.info["prompt"]))
    assert run["run_id"] in [other["run_id"] for other in client.predict(5, api_name="/runs")]


def test_a_program_sends_a_picture_as_a_data_url(client: Client) -> None:
    content = io.BytesIO()
    Image.new("RGB", (64, 64), "orange").save(content, "PNG")
    url = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
    run = client.predict("image-to-image", {**QUICK, "image": url}, api_name="/run")
    assert run["state"] == "completed"


@pytest.mark.parametrize(
    ("template", "values", "said"),
    [
        ("no-such", {}, "There is no template no-such"),
        ("text-to-image", {"width": 99_999}, "99999 is too large"),
        ("text-to-image", {"widht": 512}, "did you mean width"),
        ("image-to-image", {"image": "data:image/png;base64,%%%"}, "not in base64"),
    ],
)
def test_a_program_is_told_what_is_wrong(client: Client, template: str, values: Any, said: str) -> None:
    with pytest.raises(AppError, match=said):
        client.predict(template, values, api_name="/run")


def test_a_program_stops_a_run(client: Client, server: Server) -> None:
    server.hold_at(1)
    job = client.submit("text-to-image", QUICK, api_name="/run")
    told = iter(job)
    client.predict(next(told)["run_id"], api_name="/cancel")
    assert list(told)[-1]["state"] == "cancelled"
    with pytest.raises(AppError, match="There is no run"):
        client.predict("unknown", api_name="/cancel")
