"""Addresses as people write them."""

from __future__ import annotations

import base64

import pytest

from comfyui_bridge.comfy import address
from comfyui_bridge.core.errors import ServerError


@pytest.mark.parametrize(
    ("written", "name", "routes", "websocket", "api"),
    [
        (
            "http://127.0.0.1:8188",
            "http://127.0.0.1:8188",
            "http://127.0.0.1:8188",
            "ws://127.0.0.1:8188/ws",
            "http://127.0.0.1:8188/api",
        ),
        (
            "http://127.0.0.1:8188/api/",
            "http://127.0.0.1:8188",
            "http://127.0.0.1:8188/api",
            "ws://127.0.0.1:8188/api/ws",
            "http://127.0.0.1:8188/api",
        ),
        (
            "127.0.0.1:8188",
            "http://127.0.0.1:8188",
            "http://127.0.0.1:8188",
            "ws://127.0.0.1:8188/ws",
            "http://127.0.0.1:8188/api",
        ),
        (
            "gpu-box",
            "http://gpu-box:8188",
            "http://gpu-box:8188",
            "ws://gpu-box:8188/ws",
            "http://gpu-box:8188/api",
        ),
        (
            " https://user:p%40ss@comfy.example.com/gpu1/api ",
            "https://comfy.example.com/gpu1",
            "https://comfy.example.com/gpu1/api",
            "wss://comfy.example.com/gpu1/api/ws",
            "https://comfy.example.com/gpu1/api",
        ),
        (
            "wss://comfy.example.com/?token=1#x",
            "https://comfy.example.com",
            "https://comfy.example.com",
            "wss://comfy.example.com/ws",
            "https://comfy.example.com/api",
        ),
        (
            "[::1]:8188",
            "http://[::1]:8188",
            "http://[::1]:8188",
            "ws://[::1]:8188/ws",
            "http://[::1]:8188/api",
        ),
        (
            "user:secret@gpu-box:9000/sub",
            "http://gpu-box:9000/sub",
            "http://gpu-box:9000/sub",
            "ws://gpu-box:9000/sub/ws",
            "http://gpu-box:9000/sub/api",
        ),
    ],
)
def test_an_address(written: str, name: str, routes: str, websocket: str, api: str) -> None:
    read = address.parse(written)
    assert (read.name, read.routes, read.websocket, read.api) == (name, routes, websocket, api)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "http://",
        "http://host:port",
        "http://host:99999",
        "ftp://host",
        "http://[::1",
        "http://a b",
        "://x",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(ServerError, match=r"http://127\.0\.0\.1:8188"):
        address.parse(written)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("not an address:8188", "“not an address:8188” is no server address: a host's name has no spaces."),
        ("http://:8188", "it names no host"),
        ("gpu:many", "its port is no number"),
        ("ftp://host", '"ftp" is neither http nor https'),
    ],
)
def test_what_is_wrong_with_an_address_is_said(written: str, why: str) -> None:
    with pytest.raises(ServerError) as told:
        address.parse(written)
    assert why in str(told.value)
    assert "such as 192.168.1.20:8188" in str(told.value)


def test_no_message_shows_a_password() -> None:
    for written in ("ftp://me:hunter2@host", "http://me:hunter2@host:port", "http://me:hunter2@"):
        with pytest.raises(ServerError) as told:
            address.parse(written)
        assert "hunter2" not in str(told.value)


def test_a_user_and_password_become_basic_credentials() -> None:
    read = address.parse("http://us%3Aer:p%40ß@host:1")
    kind, _, pair = read.headers["Authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(pair).decode() == "us:er:p@ß"
    assert "Authorization" not in repr(read)


def test_a_token_wins_over_a_password_and_a_header_over_both() -> None:
    read = address.parse("http://user:pass@host", token="abc")
    assert read.headers == {"Authorization": "Bearer abc"}
    read = address.parse("http://host", token="abc", headers={"authorization": "Key 1", "X-Team": "art"})
    assert read.headers == {"authorization": "Key 1", "X-Team": "art"}


@pytest.mark.parametrize(("name", "value"), [("X-A", "a\r\nX-B: b"), ("X A", "a"), ("", "a"), ("X-A", "ß")])
def test_a_header_that_cannot_be_one_is_refused(name: str, value: str) -> None:
    with pytest.raises(ServerError, match="header"):
        address.parse("http://host", headers={name: value})


@pytest.mark.parametrize(
    ("written", "is_loopback"),
    [
        ("localhost:1", True),
        ("127.0.0.5:1", True),
        ("[::1]:1", True),
        ("10.0.0.1:1", False),
        ("example.com", False),
    ],
)
def test_loopback_is_known(written: str, is_loopback: bool) -> None:
    assert address.parse(written).is_loopback is is_loopback
