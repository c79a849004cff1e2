"""`check`: what stands in a workflow's way on a server, before it is run."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from comfyui_bridge.cli import places
from comfyui_bridge.core import form, readiness
from comfyui_bridge.core.readiness import Readiness


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", metavar="TEMPLATE", help="a slug of the library, or a path")
    parser.add_argument("--json", action="store_true", help="print one object")
    places.add_server_argument(parser)


def main(arguments: argparse.Namespace) -> int:
    template = places.find_template(arguments.template)
    with places.servers(arguments.server) as servers:
        node_defs = places.definitions(servers)
        server = servers[0].name
    made = form.make(template, node_defs)
    defaults = {one.key: one.default for one in made.inputs if one.default is not None}
    found = readiness.assess(made.patched(defaults), node_defs)
    if arguments.json:
        print(places.as_json(to_json(found)))
    else:
        print(*lines(found, server), sep="\n")
    return 0 if found.ready else 1


def to_json(found: Readiness) -> dict[str, object]:
    return {
        "ready": found.ready,
        "missing_nodes": [asdict(one) for one in found.missing_nodes],
        "missing_choices": [
            {"node_id": one.node_id, "input": one.input, "value": one.value, "nearest": one.nearest}
            for one in found.missing_choices
        ],
        "broken_links": [asdict(one) for one in found.broken_links],
        "without_effect": [asdict(one) for one in found.without_effect],
    }


def lines(found: Readiness, server: str) -> list[str]:
    """The findings for people, one a line, what to do in each."""
    told = [f"Ready to run on {server}." if found.ready else f"Not ready to run on {server}:"]
    for node in found.missing_nodes:
        near = f" The nearest it has is {node.nearest}." if node.nearest else ""
        told.append(
            f"  node {node.node_id}: the server has no {node.class_type}; "
            f"install the extension that provides it, or use another server.{near}"
        )
    for choice in found.missing_choices:
        near = f"; the nearest is {choice.nearest}" if choice.nearest else ""
        told.append(
            f"  node {choice.node_id}: {choice.input} = {choice.value} is not in the server's list{near}."
        )
    told += [f"  node {broken.node_id}: {broken.reason}" for broken in found.broken_links]
    told += [f"  node {idle.node_id}: {idle.reason}" for idle in found.without_effect]
    return told
