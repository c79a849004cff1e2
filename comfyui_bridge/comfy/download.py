"""A file from a server, streamed, exactly as the server has it.

A connection that breaks is taken up again where it broke, over HTTP ranges; a file that changed in
between, or ends before its length, is an error and never a shorter file.
"""

from __future__ import annotations

import re
from collections.abc import Generator

import requests
import urllib3.exceptions

from comfyui_bridge.comfy import http
from comfyui_bridge.comfy.http import Wire
from comfyui_bridge.core.errors import ServerError, UnexpectedAnswer, Unreachable
from comfyui_bridge.core.outputs import OutputFile

CHUNK = 16 * 1024
"""Bytes. Of a piece that breaks off nothing is kept, so that pieces are small."""
TRIES = 5
"""So many times in a row a connection may break without a single byte."""

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def chunks(wire: Wire, file: OutputFile) -> Generator[bytes, None, None]:
    """The file's bytes, in pieces of at most CHUNK. Raises ServerError."""
    url = http.view_url(wire.address, file)
    offset, failures, tag = 0, 0, ""
    while True:
        before = offset
        try:
            with _ask(wire, url, offset, tag) as response:
                skip, total = _place(wire, file, response, offset, tag)
                tag = response.headers.get("ETag", tag)
                for piece in response.iter_content(CHUNK):
                    fresh = piece[skip:]
                    skip -= len(piece) - len(fresh)
                    if fresh:
                        offset += len(fresh)
                        yield fresh
            if total is None or offset == total:
                return
            error: ServerError = Unreachable(
                f"{wire.name} sent {offset} of the {total} bytes of {file.filename}.", server=wire.name
            )
            cause: Exception | None = None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as broken:
            error, cause = http.failure(wire.name, broken), broken
        except Unreachable as broken:
            error, cause = broken, broken
        failures = failures + 1 if offset == before else 1
        if failures >= TRIES:
            raise error from cause


def _ask(wire: Wire, url: str, offset: int, tag: str) -> requests.Response:
    headers = {"Accept-Encoding": "identity"}  # a length counts the bytes as they are
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if tag and not tag.startswith("W/"):
            headers["If-Range"] = tag
    return wire.stream(url, headers)


def _place(
    wire: Wire, file: OutputFile, response: requests.Response, offset: int, tag: str
) -> tuple[int, int | None]:
    """How many bytes of this answer we have already, and how many the whole file has if it is told."""
    status = response.status_code
    if status == 404:
        raise UnexpectedAnswer(
            f"{wire.name} no longer has {file.filename}: it was deleted, or was a temporary file of before a "
            "restart. Run the workflow again with another seed.",
            server=wire.name,
            status=404,
        )
    if offset and status in (200, 206) and tag and response.headers.get("ETag", tag) != tag:
        raise _changed(wire, file)
    if status == 206:
        told = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if told is None or int(told[1]) != offset:
            raise _changed(wire, file)
        return 0, None if told[2] == "*" else int(told[2])
    if status == 416:
        raise _changed(wire, file)
    if status != 200:
        raise http.refusal(wire.name, status, response.headers, b"")
    length = response.headers.get("Content-Length", "")
    is_plain = response.headers.get("Content-Encoding", "identity") == "identity"
    return offset, int(length) if length.isdecimal() and is_plain else None


def _changed(wire: Wire, file: OutputFile) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"{file.filename} on {wire.name} changed while it was fetched. Fetch it again.", server=wire.name
    )
