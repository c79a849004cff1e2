"""What the plan of an experiment asks: what may vary over a form's values, what sheet comes of what is
written, and to begin it.

Whatever is wrong is answered with the axis and the value it is about, so that the script says it there.
"""

from __future__ import annotations

import itertools
import math
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core import experiment
from comfyui_bridge.core.errors import BridgeError, InvalidValues
from comfyui_bridge.core.estimate import Estimate
from comfyui_bridge.core.experiment import AxisKind, Experiment, Grid, Laid, Plan, Problem
from comfyui_bridge.core.files import FileValue, marked
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.sweep import Axis
from comfyui_bridge.core.template import Template
from comfyui_bridge.engine.experiments import AT_A_TIME, Experiments, Outlook, Spared
from comfyui_bridge.ui import form as form_
from comfyui_bridge.ui import present, value_words
from comfyui_bridge.ui.asked import table, words_of
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.experiments_tab import labels, varying
from comfyui_bridge.ui.experiments_tab.varying import Variable
from comfyui_bridge.ui.json_answer import JsonAnswer
from comfyui_bridge.ui.sign_in import owner_of
from comfyui_bridge.ui.words import Words

_MOST_ASKED = 8 << 20
MOST_LABELS = 1000
"""So many of an axis are told and drawn; the sheet itself has all."""
MOST_LOOKED_UP = AT_A_TIME
"""Of a plan with more cells it is told later how many are there already: this one is read while one types."""
LONGEST_WORDS = 48
"""So much of a prompt stands in the name that an experiment has by itself."""
MANY_RUNS = 100
LONG_S = 3600.0
LARGE_BYTES = 2_000_000_000

Told = dict[str, Any]
Answered = tuple[int, Told]


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    """None where no experiments are kept."""
    if dashboard.experiments is None:
        return []
    answers = _Answers(dashboard, dashboard.experiments)

    def asking(answer: Callable[[Mapping[str, Any], Request], Iterator[Answered | None]]) -> Any:
        async def ask(request: Request) -> Response:
            asked = await table(request, _MOST_ASKED)
            if asked is None:
                return JsonAnswer({"error": "This is no question."}, 400)
            steps = answer(asked, request)
            while (found := await anyio.to_thread.run_sync(_guarded, steps)) is None:
                if await request.is_disconnected():  # somebody typed on, and asks something else
                    return Response(status_code=204)
            status, told = found
            return JsonAnswer(told, status)

        return ask

    return [
        Route("/experiments/inputs", asking(answers.inputs), methods=["POST"]),
        Route("/experiments/plan", asking(answers.plan), methods=["POST"]),
        Route("/experiments/spared", asking(answers.spared), methods=["POST"]),
        Route("/experiments", asking(answers.start), methods=["POST"]),
    ]


def _guarded(steps: Iterator[Answered | None]) -> Answered | None:
    """The next step of an answer, which is it whole where it is not None."""
    try:
        return next(steps)
    except InvalidValues as error:
        return 400, {"error": " ".join(error.problems.values())}
    except BridgeError as error:
        return 503, {"error": str(error)}
    except RecursionError:
        return 400, {"error": "No form holds values so deep in each other."}


class _Answers:
    def __init__(self, dashboard: Dashboard, experiments: Experiments) -> None:
        self._dashboard = dashboard
        self._experiments = experiments

    def inputs(self, asked: Mapping[str, Any], request: Request) -> Iterator[Answered]:
        """What may vary over the values of a form, or over those of an earlier experiment."""
        words, earlier = words_of(asked), self._earlier(asked, request)
        slug = earlier.plan.template if earlier else str(asked.get("template", ""))
        template, form = self._form(slug)
        if template is None or form is None:
            yield 404, {"error": words("exp_no_template")}
            return
        given = asked.get("values")
        if earlier and not isinstance(given, Mapping):
            given = earlier.grid.values  # with the seed that was drawn then: what stays is not made again
        raw = form_.raw_values(form, _by_text(given))
        found = list(varying.variables(form, raw, words))
        begin = varying.suggested(form, raw, found, self._list, secrets.randbelow(1 << 31))
        yield (
            200,
            {
                "template": template.slug,
                "title": words.text(template.title, template.phrases),
                "inputs": [one.to_json() for one in found],
                "presets": self._presets(template, request),
                "lists": self._dashboard.wildcards.names() if self._dashboard.wildcards else (),
                "values": value_words.carried(raw),
                "says": list(_says(form, raw, words)),
                "suggested": begin.to_json() if begin else None,
                "earlier": self._carried(earlier, owner_of(request)) if earlier else None,
            },
        )

    def plan(self, asked: Mapping[str, Any], request: Request) -> Iterator[Answered]:
        """The sheet that a plan would make."""
        words = words_of(asked)
        template, form = self._form(str(_plan_of(asked).get("template", "")))
        if template is None or form is None:
            yield 404, {"error": words("exp_no_template")}
            return
        plan, owner = self._read(asked, form), owner_of(request)
        laid = self._laid(plan, form, owner, words)
        found = {one.key: one for one in varying.variables(form, plan.values, words)}
        name = by_itself(plan, laid, found, words, words.text(template.title, template.phrases))
        told = {
            **_sheet(plan, laid, found, words),
            "name": name,
            "called": self._experiments.unlike(name, owner),
            "varied": sorted(laid.grid.varied | {one.key for one in plan.axes}),
            "problems": [_problem(one, laid, words) for one in laid.problems],
            "seed": _seed(form, plan, laid, words),
        }
        if not laid.problems and laid.grid.axes:
            is_small = laid.grid.size <= MOST_LOOKED_UP
            spared = next(self._experiments.spared(laid.grid, template.slug, owner)) if is_small else None
            told |= self._outlook(laid.grid, template.slug, spared, words)
        yield 200, told

    def spared(self, asked: Mapping[str, Any], request: Request) -> Iterator[Answered | None]:
        """What of the sheet is there already, however large it is."""
        words = words_of(asked)
        template, form = self._form(str(_plan_of(asked).get("template", "")))
        if template is None or form is None:
            yield 404, {"error": words("exp_no_template")}
            return
        plan, owner = self._read(asked, form), owner_of(request)
        laid = self._laid(plan, form, owner, words)
        if laid.problems or not laid.grid.axes:
            yield 200, {}
            return
        for spared in self._experiments.spared(laid.grid, template.slug, owner):  # noqa: B007
            yield None
        yield 200, self._outlook(laid.grid, template.slug, spared, words)

    def _outlook(self, grid: Grid, template: str, spared: Spared | None, words: Words) -> Told:
        """What a grid takes, and which of its cells take nothing where that is known."""
        known = {"there": sorted(spared.there), "twins": sorted(spared.twins)} if spared is not None else {}
        none_for = spared.there | spared.twins if spared is not None else ()
        outlook = self._experiments.outlook(grid, template, spared=none_for)
        return {**known, "outlook": outlook_words(outlook, words), "much": much(outlook, words)}

    def start(self, asked: Mapping[str, Any], request: Request) -> Iterator[Answered]:
        """Begin it; or what is wrong with it."""
        words = words_of(asked)
        template, form = self._form(str(_plan_of(asked).get("template", "")))
        if template is None or form is None:
            yield 404, {"error": words("exp_no_template")}
            return
        plan, owner = self._read(asked, form), owner_of(request)
        laid = self._laid(plan, form, owner, words)
        if laid.problems:
            yield 400, {"problems": [_problem(one, laid, words) for one in laid.problems]}
            return
        name = str(asked.get("name") or "").strip()
        if not name:
            found = {one.key: one for one in varying.variables(form, plan.values, words)}
            title = words.text(template.title, template.phrases)
            name = self._experiments.unlike(by_itself(plan, laid, found, words, title), owner)
        yield 200, {"id": self._experiments.begin(plan, laid, owner, name)}

    def _laid(self, plan: Plan, form: Form, owner: str, words: Words) -> Laid:
        """The plan laid out, files that never arrived among its problems."""
        laid = self._experiments.lay_out(plan, owner)
        lost = [
            Problem(words("exp_lost_file", name=value.name), key=key)
            for key, value in plan.values.items()
            if isinstance(value, FileValue) and not value.ref
        ]
        return replace(laid, problems=(*lost, *laid.problems)) if lost else laid

    def _read(self, asked: Mapping[str, Any], form: Form) -> Plan:
        plan = Plan.parse(_plan_of(asked))
        return replace(plan, values=form_.raw_values(form, _by_text(_plan_of(asked).get("values"))))

    def _list(self, name: str) -> tuple[str, ...] | None:
        """The lines of a list that prompts may name."""
        return self._dashboard.wildcards.lines(name) if self._dashboard.wildcards else None

    def _form(self, slug: str) -> tuple[Template | None, Form | None]:
        template = self._dashboard.library.get(slug)
        return template, self._dashboard.form_of(template)

    def _earlier(self, asked: Mapping[str, Any], request: Request) -> Experiment | None:
        """The experiment that is to be repeated, for whoever may see it."""
        found = self._experiments.get(str(asked["experiment"])) if asked.get("experiment") else None
        return found if found is not None and self._dashboard.seeing.experiment(found, request) else None

    def _carried(self, one: Experiment, owner: str) -> Told:
        told = {
            "values": value_words.carried(one.grid.values),
            "name": one.name,
            "again": again(one.name, self._experiments.names(owner)),
        }
        return {**one.plan.to_json(), **told}

    def _presets(self, template: Template, request: Request) -> list[list[str]]:
        store = self._dashboard.presets
        found = store.of(template.slug, owner_of(request)) if store is not None else ()
        return [[one.preset_id, one.name] for one in found]


def _plan_of(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    plan = asked.get("plan")
    return plan if isinstance(plan, Mapping) else {}


def _by_text(given: Any) -> dict[str, Any]:
    return {str(key): value for key, value in given.items()} if isinstance(given, Mapping) else {}


def by_itself(plan: Plan, laid: Laid, found: Mapping[str, Variable], words: Words, title: str) -> str:
    """What an experiment is called by itself: by what varies, and over which words; a list of "Seed" and
    "Seed" is no list."""
    axes = zip(plan.axes, laid.grid.axes, strict=False)
    label = " × ".join(varying.title(asked, found, words) for asked, _ in axes) or title
    # The prompt comes first among the texts; the negative one names nothing.
    prompt = next((one for one in found.values() if one.way == "texts"), None)
    if prompt is None or not plan.axes or prompt.key in {one.key for one in plan.axes}:
        return label
    text = " ".join(prompt.now.split())
    text = text if len(text) <= LONGEST_WORDS else f"{text[: LONGEST_WORDS - 1].rstrip()}…"
    return words("exp_part", label=label, part=text) if text else label


def again(name: str, taken: Collection[str]) -> str:
    """The name of a repetition: the first number behind it that no other has."""
    stem, _, last = name.rpartition(" ")
    is_numbered = stem and last.isascii() and last.isdigit() and len(last) < 4
    stem, number = (stem, int(last)) if is_numbered else (name, 1)
    return next(made for count in itertools.count(number + 1) if (made := f"{stem} {count}") not in taken)


def _says(form: Form, raw: Mapping[str, Any], words: Words) -> Iterator[list[str]]:
    """The values that all pictures share, as people read them: the essential ones, and what was changed."""
    inputs = {one.key: one for one in form.with_choices(raw).inputs}
    every = {**{key: one.default for key, one in inputs.items() if one.default is not None}, **raw}
    for one in value_words.listed(form, every, words):
        exposed = inputs.get(one.key)
        is_changed = exposed is None or _differ(every[one.key], exposed.default)
        if one.text.strip() and (not one.group or is_changed):
            yield [one.key, one.label, one.text]


def _differ(raw: Any, default: Any) -> bool:
    """Whether a form says something else than the default; it has numbers as texts, and 7 for 7.0."""
    if raw == default or str(raw) == str(default):
        return False
    try:
        return isinstance(default, bool) or float(raw) != float(default)
    except (TypeError, ValueError):
        return True


# The sheet as it would be.


def _sheet(plan: Plan, laid: Laid, found: Mapping[str, Variable], words: Words) -> Told:
    grid = laid.grid
    return {
        "axes": [
            _axis(axis, varying.title(asked, found, words), asked.kind, words)
            for asked, axis in zip(plan.axes, grid.axes, strict=False)
        ],
        "count": grid.size if grid.axes else 0,
        "skipped": skipped(grid),
        "most": experiment.MOST_CELLS,
    }


def _axis(axis: Axis, title: str, kind: AxisKind, words: Words) -> Told:
    """`labels` say which cells are left out; `said` is what they are called where that is something else."""
    shown = axis.variations[:MOST_LABELS]
    told: Told = {"title": title, "count": len(axis.variations), "labels": [one.label for one in shown]}
    said = [labels.said(one, words) for one in shown]
    if said != told["labels"]:
        told["said"] = said
    if kind is AxisKind.TABLE:
        keys = axis.keys
        told["keys"] = list(keys)
        told["rows"] = [[str(marked(one.values.get(key, ""))) for key in keys] for one in shown]
    return told


def skipped(grid: Grid) -> int:
    """How many cells of the grid are left out; places that are no more on it do not count."""
    known = [frozenset(axis.labels) for axis in grid.axes]
    return sum(
        len(place) == len(known) and all(one in labels for one, labels in zip(place, known, strict=True))
        for place in grid.skip
    )


def _problem(one: Problem, laid: Laid, words: Words) -> Told:
    told: Told = {
        "sentence": words.sentence(one.sentence),
        "axis": one.axis,
        "variation": one.variation,
        "key": one.key,
    }
    if one.axis is not None and one.variation is not None:
        told["label"] = labels.said(laid.grid.axes[one.axis].variations[one.variation], words)
    return told


def _seed(form: Form, plan: Plan, laid: Laid, words: Words) -> str:
    """What becomes of the seed: one for all pictures, unless an axis varies it."""
    inputs = form.with_choices(plan.values).inputs
    seeds = [one for one in inputs if one.is_seed]
    varied = laid.grid.varied | {one.key for one in plan.axes}
    if not seeds or varied & {one.key for one in seeds}:
        return ""
    given = plan.values.get(seeds[0].key, seeds[0].default)
    drawn = laid.grid.values.get(seeds[0].key)
    if given != drawn:
        return words("exp_seed_drawn")
    return words("exp_seed_fixed", seed=given)


# What it will take.


def outlook_words(outlook: Outlook, words: Words) -> list[str]:
    """How long all pictures take, and what they take of the disk; their number the script knows at once."""
    if not outlook.runs:
        return []
    said = [length(outlook.seconds, words) if outlook.seconds else words("exp_time_unknown")]
    if outlook.bytes:
        said.append(words("exp_about", what=present.bytes_words(outlook.bytes)))
    return said


def length(estimate: Estimate, words: Words) -> str:
    """A length of time as roughly as people say it."""
    seconds = estimate.middle
    if seconds < 5400:
        return words("exp_about", what=words.time(max(1.0, seconds)))
    hours = round(seconds / 3600, 1)
    return words("exp_about", what=words("exp_hours", count=f"{hours:g}" if hours < 10 else round(hours)))


def much(outlook: Outlook, words: Words) -> str:
    """A word of warning where it is much; empty where it is not."""
    said = []
    if outlook.runs > MANY_RUNS:
        said.append(words("exp_runs", count=f"{outlook.runs:,}"))
    if outlook.seconds and outlook.seconds.middle > LONG_S:
        said.append(length(outlook.seconds, words))
    if outlook.bytes and outlook.bytes > LARGE_BYTES:
        said.append(words("exp_about", what=present.bytes_words(math.ceil(outlook.bytes))))
    return words("exp_much", what=words("exp_and").join(said)) if said else ""
