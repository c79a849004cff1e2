"""Where a command finds what it names: templates by slug or path, servers by address or our own sandbox."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from comfyui_bridge import settings
from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.core import node_defs as node_defs_
from comfyui_bridge.core import template
from comfyui_bridge.core.errors import InvalidValues, ServerError, TemplateError, Unreachable
from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.template import Template
from comfyui_bridge.sandbox.thread import SandboxThread
from comfyui_bridge.store import cards, disk, intake
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.documents import DocumentError, parse_toml
from comfyui_bridge.store.library import Library


def add_server_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="URL",
        help="a ComfyUI server, may be given again; without one and without COMFYUI_URL a sandbox is used",
    )


@contextmanager
def servers(named: Sequence[str]) -> Iterator[tuple[ComfyServer, ...]]:
    """The servers to use; where none is named, a sandbox for as long as this lasts.

    Raises InvalidValues for an address that cannot be one.
    """
    try:
        addresses = settings.server_addresses(named, os.environ)
    except ValueError as error:
        raise InvalidValues({"server": str(error)}) from None
    if addresses:
        token = os.environ.get("COMFYUI_TOKEN", "").strip() or None
        yield tuple(ComfyServer(address, token=token) for address in addresses)
        return
    with SandboxThread() as sandbox:
        print("No server named: using a sandbox, which paints without an AI model.", file=sys.stderr)
        yield (ComfyServer(sandbox.url, name="sandbox"),)


def definitions(servers: Sequence[ComfyServer]) -> NodeDefs:
    """The node definitions of the first server that answers. Raises what the last one that did not raised."""
    refusal: ServerError = Unreachable("No server was named.")
    for server in servers:
        try:
            return server.node_defs()
        except ServerError as error:
            refusal = error
    raise refusal


def definitions_of(file: Path) -> NodeDefs:
    """Definitions out of a saved GET /object_info. Raises TemplateError if the file is no such thing."""
    try:
        found = node_defs_.parse(json.loads(file.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise TemplateError(f"cannot be read as JSON: {error}", file=str(file)) from None
    if not len(found):
        raise TemplateError("holds no node definitions; save the answer of GET /object_info.", file=str(file))
    return found


def catalogue() -> Catalogue:
    """The library the settings name."""
    return Catalogue(Library(settings.parse([], os.environ).workflows))


def find_template(name: str) -> Template:
    """The template of a slug, or of a path to a workflow file or to any file that carries one.

    Raises TemplateError with what was looked for.
    """
    path = Path(name)
    if path.is_file():
        return _template_file(path)
    library = catalogue()
    found = library.get(name)
    if found is not None:
        return found
    known = ", ".join(one.slug for one in library.templates()) or "none"
    raise TemplateError(f"There is no template and no file called {name}. Templates are: {known}.")


def _template_file(path: Path) -> Template:
    """A workflow file anywhere, or what carries one, with the card beside it if there is one."""
    with disk.in_our_words(path):
        brought = intake.read(path.read_bytes(), path.name)
        beside = path.with_suffix(".toml")
        text = beside.read_bytes() if brought.card is None and beside.is_file() else b""
    try:
        card = parse_toml(text) if text else brought.card
    except DocumentError as error:
        print(f"{beside}: {error}", file=sys.stderr)
        card, text = None, b""
    lines = cards.lines(text.decode("utf-8-sig")) if text else None
    return template.parse(path.stem, brought.document, card, lines)


def read_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE texts as raw values; `@path` names a file. Raises InvalidValues for one without a key."""
    raw: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise InvalidValues({pair: "A value is set as KEY=VALUE; `inputs` prints the keys."})
        raw[key.strip()] = value
    return raw


def as_json(document: Mapping[str, Any] | Sequence[Any]) -> str:
    return json.dumps(document, ensure_ascii=False)
