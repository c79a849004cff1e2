"""`convert`: a workflow in API format, from API format, UI format, or a picture that carries either."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comfyui_bridge.cli import places
from comfyui_bridge.core import workflow
from comfyui_bridge.core.convert import convert
from comfyui_bridge.core.workflow import Workflow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a workflow file, or a picture that carries one")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--object-info",
        type=Path,
        metavar="FILE",
        help="node definitions: a saved answer of GET /object_info",
    )
    places.add_server_argument(parser)


def main(arguments: argparse.Namespace) -> int:
    document = places.find_template(arguments.file).document
    graph, notes = (
        _converted(document, arguments) if workflow.is_ui_format(document) else (workflow.parse(document), ())
    )
    print(json.dumps(graph.to_api(), ensure_ascii=False, indent=2))
    for note in notes:
        print(note, file=sys.stderr)
    return 0


def _converted(
    document: Mapping[str, Any], arguments: argparse.Namespace
) -> tuple[Workflow, tuple[str, ...]]:
    """A UI-format document as ComfyUI's page would send it, by a file's definitions or a server's."""
    if arguments.object_info is not None:
        node_defs = places.definitions_of(arguments.object_info)
    else:
        with places.servers(arguments.server) as servers:
            node_defs = places.definitions(servers)
    converted = convert(document, node_defs)
    return converted.workflow, converted.notes
