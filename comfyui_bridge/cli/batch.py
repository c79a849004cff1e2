"""`batch`: many runs of one template, over prompts, a table or axes, on any number of servers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from comfyui_bridge.cli import FAILED, making, places, report
from comfyui_bridge.cli.progress import Rows
from comfyui_bridge.client import Client, Result
from comfyui_bridge.core import axes, form, sweep
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.sweep import Axis
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.workflow import Workflow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", metavar="TEMPLATE", help="a slug of the library, or a path")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a value for all runs"
    )
    sources = parser.add_argument_group("what varies; several multiply, and the last one turns fastest")
    sources.add_argument(
        "--prompts",
        dest="axes",
        action="append",
        type=_prompts,
        metavar="FILE",
        help="one prompt a line; - is stdin",
    )
    sources.add_argument(
        "--csv",
        dest="axes",
        action="append",
        type=_table,
        metavar="FILE",
        help="columns are keys, a row is a run",
    )
    sources.add_argument(
        "--axis",
        dest="axes",
        action="append",
        type=_axis,
        metavar="KEY=V1,V2,...",
        help="steps=10,20 or seed=1..9",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where files and manifest.jsonl go (default: here)"
    )
    parser.add_argument("--json", action="store_true", help="print one object a line, each as its run ends")
    places.add_server_argument(parser)


def _axis(text: str) -> Callable[[], Axis]:
    return lambda: axes.parse_axis(text)


def _prompts(file: str) -> Callable[[], Axis]:
    return lambda: axes.parse_prompts(_text("prompts", file))


def _table(file: str) -> Callable[[], Axis]:
    return lambda: axes.parse_csv(_text("csv", file))


def _text(flag: str, file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InvalidValues({flag: f"{file} cannot be read: {error.strerror}."}) from None
    except UnicodeDecodeError:
        raise InvalidValues({flag: f"{file} should be a text in UTF-8."}) from None


def main(arguments: argparse.Namespace) -> int:
    if not arguments.axes:
        raise InvalidValues({"batch": "Say what varies, with --prompts, --csv or --axis."})
    template = places.find_template(arguments.template)
    base = places.read_settings(arguments.set)
    sets = list(sweep.expand(base, [read() for read in arguments.axes]))
    with places.servers(arguments.server) as servers:
        batch = Batch(template, form.make(template, places.definitions(servers)), sets, arguments.out)
        with Client(servers) as client:
            return batch.run(client, as_json=arguments.json)


class Batch:
    """The runs of one command: made lazily, reported as they end."""

    def __init__(
        self, template: Template, made_form: Form, sets: Sequence[dict[str, Any]], out: Path | None
    ) -> None:
        """Raises InvalidValues if any set is wrong, before anything runs."""
        self._template = template
        self._form = made_form
        self._sets = sets
        self._out = out
        self._values: dict[int, Any] = {}  # of the runs that are under way
        self._width = len(str(max(len(sets) - 1, 0)))
        self._check_all()

    def run(self, client: Client, *, as_json: bool) -> int:
        """Run all; the exit status."""
        failed = 0
        manifest = _Manifest(self._out / "manifest.jsonl" if self._out else None)
        with manifest, Rows(overall=len(self._sets)) as rows:
            results = client.run_many(
                self._workflows(), on_event=lambda index, run, event: rows.show(self._name(index), run)
            )
            try:
                for result in results:
                    row = self._row(result)
                    rows.drop(result.run_id)
                    rows.count()
                    manifest.write(row)
                    failed += not result.ok
                    self._tell(rows, result, row, as_json)
            finally:
                results.close()  # cancels what was submitted, as after Ctrl-C
        rows_said = f"{len(self._sets) - failed} of {len(self._sets)} runs completed."
        print(rows_said, file=sys.stderr)
        return FAILED if failed else 0

    def _check_all(self) -> None:
        problems: dict[str, str] = {}
        for index, raw in enumerate(self._sets):
            try:
                self._form.check(making.with_files(self._form, raw))
            except InvalidValues as error:
                for key, sentence in error.problems.items():
                    problems.setdefault(key, f"{sentence} (run {index + 1} of {len(self._sets)})")
        if problems:
            raise InvalidValues(problems)

    def _workflows(self) -> Iterator[Workflow]:
        for index, raw in enumerate(self._sets):
            made = making.make(self._form, raw)
            self._values[index] = made.values
            yield made.workflow

    def _row(self, result: Result) -> dict[str, Any]:
        prefix = f"{result.index:0{self._width}d}_"
        paths = result.save(self._out or Path(), prefix=prefix) if result.files else []
        return {"index": result.index, **report.to_json(result, self._values.pop(result.index), paths)}

    def _tell(self, rows: Rows, result: Result, row: dict[str, Any], as_json: bool) -> None:
        if as_json:
            print(places.as_json(row), flush=True)
        else:
            print(
                *row["files"],
                *result.texts,
                sep="\n",
                end="\n" if row["files"] or result.texts else "",
                flush=True,
            )
        if not result.ok:
            rows.say(f"{self._name(result.index)}: {report.failure_line(result)}")

    def _name(self, index: int) -> str:
        return f"{self._template.title} {index + 1}/{len(self._sets)}"


@dataclass
class _Manifest:
    """A line a run, written as it ends, so that an interrupted batch is told as far as it came."""

    path: Path | None
    _file: IO[str] | None = None

    def __enter__(self) -> _Manifest:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, row: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(places.as_json(row) + "\n")
            self._file.flush()
