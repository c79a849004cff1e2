"""`inputs`: the keys a template takes, with type, limits, default, and why each was picked."""

from __future__ import annotations

import argparse
import sys

from comfyui_bridge.cli import places
from comfyui_bridge.core import form, reports
from comfyui_bridge.core.inputs import ExposedInput

_SHOWN = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", metavar="TEMPLATE", help="a slug of the library, or a path")
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    places.add_server_argument(parser)


def main(arguments: argparse.Namespace) -> int:
    template = places.find_template(arguments.template)
    with places.servers(arguments.server) as servers:
        made = form.make(template, places.definitions(servers))
    if arguments.json:
        print(places.as_json([reports.input_to_json(one) for one in made.inputs]))
    else:
        width = max((len(one.key) for one in made.inputs), default=0)
        for one in made.inputs:
            print(f"{one.key:<{width}}  {_line(one)}")
    for problem in made.problems:
        print(f"{template.slug}: {problem}", file=sys.stderr)
    return 0


def _line(one: ExposedInput) -> str:
    low, high, _ = reports.limits_of(one.spec)
    limits = f" {low} to {high}" if low is not None and high is not None else ""
    choices = reports.choices_of(one.spec) or []
    listed = f" {', '.join(map(str, choices[:4]))}{', ...' if len(choices) > 4 else ''}" if choices else ""
    default = str(one.default).replace("\n", " ")
    default = default if len(default) <= _SHOWN else f"{default[: _SHOWN - 3]}..."
    return f"{reports.type_of(one.spec)}{limits}{listed} = {default}  ({one.why})"
