"""`batch`: many runs of one template, over prompts, a table or axes, on any number of servers."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from comfyui_bridge import settings
from comfyui_bridge.cli import FAILED, making, places, report, sheets
from comfyui_bridge.cli.progress import Rows
from comfyui_bridge.client import Client, Result
from comfyui_bridge.core import axes, experiment, form, sweep, wildcards
from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.experiment import Grid
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.sweep import Axis
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.store.wildcard_files import FOLDER, WildcardFiles


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
        help="steps=10,20 or seed=1..9, seed=5 random, prompt=red -> green, blue",
    )
    sources.add_argument(
        "--combinations",
        type=_combinations,
        metavar="all|N",
        help="write out {a|b} and __lists__ in prompts: all of their combinations, or N at random",
    )
    sources.add_argument(
        "--draw", type=int, default=0, metavar="N", help="another number draws other seeds and combinations"
    )
    sources.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="KEY=V,KEY=V",
        help="leave out the runs that have all of these values",
    )
    parser.add_argument(
        "--sheet",
        type=Path,
        metavar="FILE",
        help="also write one labelled picture or page: .png, .webp, .html",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where files and manifest.jsonl go (default: here)"
    )
    parser.add_argument("--json", action="store_true", help="print one object a line, each as its run ends")
    places.add_server_argument(parser)


@dataclass(frozen=True)
class _Reading:
    """What axes are read with."""

    lists: wildcards.Lists
    number: int | None
    """Texts to draw at random, 0 for all combinations; None where choices in texts are left as they are."""
    start: int

    def texts(self, key: str, texts: Sequence[str]) -> Axis:
        if self.number is None:
            return axes.listed(key, texts)
        return axes.texts(key, texts, self.lists, self.number, self.start)


_Source = Callable[[_Reading], Axis]


def _axis(text: str) -> _Source:
    return lambda reading: axes.parse_axis(text, lambda: reading.start)


def _prompts(file: str) -> _Source:
    return lambda reading: reading.texts("prompt", axes.prompt_lines(_text("prompts", file)))


def _table(file: str) -> _Source:
    return lambda reading: axes.parse_csv(_text("csv", file))


def _combinations(text: str) -> int:
    if text.strip().lower() == "all":
        return 0
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 0 < number <= sweep.LARGEST:
        raise argparse.ArgumentTypeError(f"should be all, or how many at random, and is {text}")
    return number


def _text(flag: str, file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InvalidValues({flag: f"{file} cannot be read: {error.strerror}."}) from None
    except UnicodeDecodeError:
        raise InvalidValues({flag: f"{file} should be a text in UTF-8."}) from None


def main(arguments: argparse.Namespace) -> int:
    sources, base = arguments.axes or [], places.read_settings(arguments.set)
    reading = _Reading(_lists(), arguments.combinations, arguments.draw)
    varied = [reading.texts(key, [text]) for key, text in base.items() if _is_many(reading, text)]
    if not sources and not varied:
        raise InvalidValues({"batch": "Say what varies, with --prompts, --csv or --axis."})
    axes_ = (*varied, *(read(reading) for read in sources))
    sweep.check(axes_)
    if arguments.sheet is not None:
        sheets.check(arguments.sheet, axes_)
    template = places.find_template(arguments.template)
    with places.servers(arguments.server) as servers:
        made_form = form.make(template, places.definitions(servers))
        grid = Grid(base, axes_, stacks=experiment.stacks(made_form))
        if arguments.sheet is not None:
            grid = sheets.with_one_seed(grid, made_form)
        grid = _without_skipped(grid, arguments.skip)
        batch = Batch(template, made_form, grid, arguments.out, arguments.sheet)
        with Client(servers) as client:
            return batch.run(client, as_json=arguments.json)


def _lists() -> wildcards.Lists:
    return WildcardFiles(settings.parse([], os.environ).workflows / FOLDER).lines


def _is_many(reading: _Reading, text: Any) -> bool:
    """Whether a value for all runs is to be written out in its combinations."""
    return reading.number is not None and isinstance(text, str) and wildcards.has_choices(text)


def _without_skipped(grid: Grid, skip: Sequence[str]) -> Grid:
    """The grid without the cells that have all the values of one --skip."""
    wanted = [places.read_settings(axes.parts(text)) for text in skip]
    skipped = {
        cell.labels
        for cell in (grid.cells() if wanted else ())
        for values in wanted
        if all(str(grid.values_of(cell).get(key)) == value for key, value in values.items())
    }
    return replace(grid, skip=frozenset(skipped))


class Batch:
    """The runs of one command: made lazily, reported as they end."""

    def __init__(
        self, template: Template, made_form: Form, grid: Grid, out: Path | None, sheet: Path | None
    ) -> None:
        """Raises InvalidValues if any set is wrong, before anything runs."""
        self._template = template
        self._form = made_form
        self._grid = grid
        self._cells = [cell for cell in grid.cells() if not cell.is_skipped]
        self._out = out
        self._sheet = sheet
        self._collected = sheets.Collected(template.title, made_form, grid)
        self._values: dict[int, Any] = {}  # of the runs that are under way
        self._width = len(str(max(len(self._cells) - 1, 0)))
        self._check_all()

    def run(self, client: Client, *, as_json: bool) -> int:
        """Run all; the exit status."""
        failed = 0
        manifest = _Manifest(self._out / "manifest.jsonl" if self._out else None)
        with manifest, Rows(overall=len(self._cells)) as rows:
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
        if self._sheet is not None:
            self._collected.write(self._sheet)
            print(f"The sheet is {self._sheet}.", file=sys.stderr)
        rows_said = f"{len(self._cells) - failed} of {len(self._cells)} runs completed."
        print(rows_said, file=sys.stderr)
        return FAILED if failed else 0

    def _check_all(self) -> None:
        problems: dict[str, str] = {}
        for number, cell in enumerate(self._cells, 1):
            try:
                raw = self._grid.values_of(cell)
                self._form.check(making.with_files(self._form, raw))
            except InvalidValues as error:
                for key, sentence in error.problems.items():
                    problems.setdefault(key, f"{sentence} (run {number} of {len(self._cells)})")
            except ValueError as error:  # a stack of LoRAs that cannot be read, so no part of it can be set
                problems.setdefault("axes", f"{error} (run {number} of {len(self._cells)})")
        if problems:
            raise InvalidValues(problems)

    def _workflows(self) -> Iterator[Workflow]:
        for index, cell in enumerate(self._cells):
            made = making.make(self._form, self._grid.values_of(cell))
            self._values[index] = made.values
            yield made.workflow

    def _row(self, result: Result) -> dict[str, Any]:
        prefix = f"{result.index:0{self._width}d}_"
        paths = result.save(self._out or Path(), prefix=prefix) if result.files else []
        values = self._values.pop(result.index)
        self._collected.add(self._cells[result.index], result, values, paths)
        return {"index": result.index, **report.to_json(result, values, paths)}

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
        return f"{self._template.title} {index + 1}/{len(self._cells)}"


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
