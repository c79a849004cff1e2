"""`templates`: what the library holds."""

from __future__ import annotations

import argparse
import sys

from comfyui_bridge.cli import places
from comfyui_bridge.core import reports


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def main(arguments: argparse.Namespace) -> int:
    library = places.catalogue()
    templates = library.templates()
    if arguments.json:
        print(places.as_json([reports.template_to_json(one) for one in templates]))
    else:
        width = max((len(t.slug) for t in templates), default=0)
        for one in templates:
            print(f"{one.slug:<{width}}  {one.title}" + (f" - {one.description}" if one.description else ""))
    for problem in library.problems():
        print(f"{problem.file}: {problem.message}", file=sys.stderr)
    return 0
