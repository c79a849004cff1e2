"""`run`: one run of a template, its files downloaded."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from comfyui_bridge.cli import making, places, report, status_of
from comfyui_bridge.cli.progress import Rows
from comfyui_bridge.client import Client, Result
from comfyui_bridge.core import form
from comfyui_bridge.core.values import RANDOM


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", metavar="TEMPLATE", help="a slug of the library, or a path")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a value, by a key that `inputs` prints; image=@photo.png uploads a file; seed=-1 draws one",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the files go (default: here)")
    parser.add_argument("--json", action="store_true", help="print one object")
    places.add_server_argument(parser)


def main(arguments: argparse.Namespace) -> int:
    template = places.find_template(arguments.template)
    raw = places.read_settings(arguments.set)
    with places.servers(arguments.server) as servers:
        made = making.make(form.make(template, places.definitions(servers)), raw)
        drawn = {key: made.values[key] for key, value in made.checked.items() if value == RANDOM}
        with Client(servers) as client:
            result = _run(client, made, template.title)
            paths = result.save(arguments.out or Path()) if result.files else []
    if arguments.json:
        print(places.as_json(report.to_json(result, made.values, paths)))
    else:
        print(
            *(str(path) for path in paths), *result.texts, sep="\n", end="\n" if paths or result.texts else ""
        )
    for key, seed in drawn.items():
        print(f"{key} was drawn: {seed}", file=sys.stderr)
    for warning in result.warnings:
        print(warning, file=sys.stderr)
    failure = result.failure()
    if failure is None:
        return 0
    print(failure, file=sys.stderr)
    return status_of(failure)


def _run(client: Client, made: making.Made, title: str) -> Result:
    try:
        handle = client.submit(made.workflow)
        with Rows() as rows:
            for _ in handle.events():
                rows.show(title, handle.run)
        return handle.result(check=False)
    except BaseException:
        # Ctrl-C above all: what was submitted is taken back before anything else.
        client.cancel_all()
        raise
