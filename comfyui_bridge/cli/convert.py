"""`convert`: a workflow in API format, from API format, UI format, or a picture that carries either."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from comfyui_bridge.cli import places
from comfyui_bridge.core import form, workflow
from comfyui_bridge.core.node_defs import EMPTY


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
    template = places.find_template(arguments.file)
    if not workflow.is_ui_format(template.document):
        node_defs = EMPTY
    elif arguments.object_info is not None:
        node_defs = places.definitions_of(arguments.object_info)
    else:
        with places.servers(arguments.server) as servers:
            node_defs = places.definitions(servers)
    graph, notes = form.read_workflow(template.document, node_defs)
    print(json.dumps(graph.to_api(), ensure_ascii=False, indent=2))
    for note in notes:
        print(note, file=sys.stderr)
    return 0
