"""Which answers go out compressed."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from comfyui_bridge.ui.compressed import Compressed

LARGE = "a template, and another one; " * 2000


def answer(request: Request) -> Response:
    return PlainTextResponse(LARGE[: int(request.query_params.get("most", len(LARGE)))])


def stream(request: Request) -> Response:
    return StreamingResponse(iter([LARGE.encode()]), media_type="application/zip")


@pytest.fixture(scope="module")
def client() -> TestClient:
    routes = [Route(path, answer) for path in ("/", "/results", "/media/a/b.png")]
    return TestClient(Compressed(Starlette(routes=[*routes, Route("/archive.zip", stream)])))


@pytest.mark.parametrize(
    ("address", "accepts", "encoding"),
    [
        ("/", "gzip, deflate, br", "gzip"),
        ("/results?q=lake", "gzip", "gzip"),
        ("/", "identity", None),
        ("/?most=900", "gzip", None),  # it would not be much smaller
        ("/media/a/b.png", "gzip", None),
        ("/archive.zip", "gzip", None),
    ],
)
def test_what_is_large_and_made_of_words_goes_out_compressed(
    client: TestClient, address: str, accepts: str, encoding: str | None
) -> None:
    got = client.get(address, headers={"Accept-Encoding": accepts})
    assert got.headers.get("content-encoding") == encoding
    assert got.text == LARGE[: 900 if "most" in address else None]
