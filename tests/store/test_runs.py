"""Runs as rows: what goes in comes out, in order, whatever threads, crashes and people do."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfyui_bridge.core import workflow as workflows
from comfyui_bridge.core.activity import Ended
from comfyui_bridge.core.errors import InputProblem, InvalidValues, StoreError
from comfyui_bridge.core.outputs import KeptFile, NodeOutput, OutputFile
from comfyui_bridge.core.progress import Progress
from comfyui_bridge.core.run import Fault, Run, RunError, RunState
from comfyui_bridge.core.run_log import LogEntry
from comfyui_bridge.core.values import FileValue
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.run_index import RunIndex
from comfyui_bridge.store.runs import RunStore

SEED = 2**64 - 1
DOCUMENT: dict[str, Any] = {
    "86:3": {
        "inputs": {
            "seed": SEED,
            "cfg": 2.5,
            "model": ["37", 0],
            "list": {"__value__": ["37", 0]},
            "text": "一只小猫\n🐈\u0000\ud800",
        },
        "class_type": "KSampler",
        "_meta": {"title": "采样器", "mine": 1},
        "is_changed": "kept",
    },
    "37": {"class_type": "UNETLoader", "inputs": {}},
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with Database(tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
def store(database: Database) -> RunStore:
    with database.writing() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM runs"))
    return RunStore(database)


def a_run(run_id: str, created_at: float = 1.0, **facts: Any) -> Run:
    return Run(run_id, facts.pop("prompt_id", f"p-{run_id}"), workflows.parse(DOCUMENT), created_at, **facts)


def ids(runs: tuple[Run, ...]) -> list[str]:
    return [run.run_id for run in runs]


words = st.text(max_size=20)
times = st.none() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(words, children, max_size=3),
    max_leaves=6,
)
files = st.builds(OutputFile, words, words, words, words, words)
problems = st.builds(InputProblem, words, words, words, words, words, words, words)
documents = st.dictionaries(
    words,
    st.fixed_dictionaries(
        {"class_type": st.text(min_size=1, max_size=9), "inputs": st.dictionaries(words, json_values)}
    ),
    max_size=3,
)
states = st.sampled_from(RunState)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    document = draw(documents)
    return Run(
        run_id="",
        prompt_id=draw(words),
        workflow=workflows.parse(document) if document else workflows.Workflow({}),
        created_at=draw(st.floats(allow_nan=False, allow_infinity=False)),
        template=draw(words),
        title=draw(words),
        owner=draw(words),
        values=draw(st.dictionaries(words, json_values | st.builds(FileValue, words, words), max_size=3)),
        state=draw(states),
        server=draw(words),
        accepted_at=draw(times),
        started_at=draw(times),
        ended_at=draw(times),
        stopping=draw(st.booleans()),
        server_done=draw(st.booleans()),
        outputs=draw(st.lists(st.builds(NodeOutput, words, st.tuples(files), st.tuples(words))).map(tuple)),
        kept=draw(st.lists(st.builds(KeptFile, words, st.integers(), files), max_size=2).map(tuple)),
        error=draw(
            st.none()
            | st.builds(
                RunError, st.sampled_from(Fault), words, words, words, st.tuples(problems), st.tuples(words)
            )
        ),
        warnings=draw(st.lists(words, max_size=2).map(tuple)),
        log=draw(
            st.lists(st.builds(LogEntry, st.floats(0, 1e12), words, words, words, times), max_size=2).map(
                tuple
            )
        ),
        fingerprint=draw(words),
    )


def as_kept(run: Run) -> Run:
    """What of a run is a fact."""
    overall = 1.0 if run.state is RunState.COMPLETED else 0.0
    return replace(run, progress=Progress(overall=overall), ahead=None)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=runs(), then=runs())
def test_any_run_comes_back_as_it_was_after_insert_and_after_update(
    database: Database, first: Run, then: Run
) -> None:
    store = RunStore(database)
    first = replace(first, run_id=str(uuid.uuid4()))
    store.insert(first)
    assert store.get(first.run_id) == as_kept(first)
    then = replace(then, run_id=first.run_id)
    store.update(then)
    assert store.get(first.run_id) == as_kept(then)
    kept = store.get(first.run_id)
    assert kept is not None
    assert kept.workflow.to_api() == then.workflow.to_api()


def test_the_workflow_is_kept_to_the_letter(store: RunStore) -> None:
    """64-bit seeds, links, lists that are no links, order, unknown keys, any text."""
    store.insert(a_run("a", values={"seed": SEED, "image": FileValue("0" * 64 + ".png", "我.png")}))
    kept = store.get("a")
    assert kept is not None
    assert json.dumps(kept.workflow.to_api()) == json.dumps(
        workflows.parse(DOCUMENT).to_api()
    )  # the order of keys too
    assert kept.workflow.to_api() == DOCUMENT
    assert kept.values == {"seed": SEED, "image": FileValue("0" * 64 + ".png", "我.png")}


def test_progress_and_the_place_in_the_queue_are_not_kept(store: RunStore) -> None:
    store.insert(a_run("a", ahead=3, progress=Progress(0.4, frozenset("1"), node_id="3", value=4)))
    kept = store.get("a")
    assert kept is not None
    assert (kept.ahead, kept.progress) == (None, Progress())


def test_prompt_text_can_be_read_in_the_row_as_people_wrote_it(store: RunStore, database: Database) -> None:
    store.insert(a_run("a", values={"prompt": "一只小猫"}))
    with database.reading() as connection:
        found = connection.scalar(sqlalchemy.text("SELECT run_id FROM runs WHERE \"values\" LIKE '%小猫%'"))
    assert found == "a"


def test_unknown_ids_give_none(store: RunStore) -> None:
    assert store.get("nobody") is None
    assert store.get("' OR 1=1 --") is None
    assert store.by_prompt_id("nothing") is None


def test_a_run_is_found_by_its_prompt_id_the_newest_one_if_there_are_two(store: RunStore) -> None:
    store.insert(a_run("old", 1.0, prompt_id="p"))
    store.insert(a_run("new", 2.0, prompt_id="p"))
    store.insert(a_run("other", 3.0, prompt_id="q"))
    found = store.by_prompt_id("p")
    assert found is not None
    assert found.run_id == "new"


def test_a_run_id_is_kept_once(store: RunStore) -> None:
    store.insert(a_run("a"))
    with pytest.raises(StoreError, match="A run a is kept already"):
        store.insert(a_run("a", 2.0))
    assert store.count() == 1


def test_a_run_that_was_never_inserted_cannot_be_updated(store: RunStore) -> None:
    with pytest.raises(StoreError, match="There is no run a to update"):
        store.update(a_run("a"))
    assert store.count() == 0


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", Path("x")])
def test_a_value_that_is_no_json_is_refused_by_name(store: RunStore, value: object) -> None:
    with pytest.raises(StoreError, match="The values of this run cannot be kept as JSON"):
        store.insert(a_run("a", values={"x": value}))


def test_unfinished_runs_are_those_a_restart_must_look_after_oldest_first(store: RunStore) -> None:
    for number, state in enumerate([*RunState, *RunState]):
        store.insert(a_run(f"{number}{state.value}", 100.0 - number, state=state))
    assert ids(store.unfinished()) == ["6in_progress", "5pending", "1in_progress", "0pending"]


def walk(store: RunStore, limit: int, **filters: Any) -> list[str]:
    found: list[str] = []
    before: str | None = None
    for _ in range(1000):
        page = store.page(limit, before, **filters)
        assert len(page.runs) <= limit
        found += ids(page.runs)
        if page.next is None:
            return found
        before = page.next
    raise AssertionError("the pages do not end")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moments=st.lists(st.sampled_from([0.1 + 0.2, 1e9, 1e9 + 1e-6, 1763901234.567891, -1.0]), max_size=12),
    limit=st.integers(1, 5),
)
def test_pages_give_every_run_once_newest_first_whatever_times_are_equal(
    database: Database, moments: list[float], limit: int
) -> None:
    with database.writing() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM runs"))
    store = RunStore(database)
    for number, moment in enumerate(moments):
        store.insert(a_run(str(number), moment))
    expected = sorted(range(len(moments)), key=lambda number: (moments[number], number), reverse=True)
    assert walk(store, limit) == [str(number) for number in expected]


def test_runs_that_come_and_go_between_two_pages_shift_nothing(store: RunStore, database: Database) -> None:
    for number in range(6):
        store.insert(a_run(str(number), 5.0))
    first = store.page(2)
    store.insert(a_run("new", 9.0))
    with database.writing() as connection:  # even the run that the next page is counted from
        connection.execute(sqlalchemy.text("DELETE FROM runs WHERE run_id = '4'"))
    second = store.page(2, first.next)
    assert (ids(first.runs), ids(second.runs)) == (["5", "4"], ["3", "2"])


def test_pages_and_counts_can_be_narrowed(store: RunStore) -> None:
    for number in range(12):
        store.insert(
            a_run(
                str(number),
                float(number),
                owner=["", "ann", "bob"][number % 3],
                template=["cat", "dog"][number % 2],
                state=RunState.COMPLETED if number < 6 else RunState.PENDING,
            )
        )
    assert walk(store, 2, owner="ann") == ["10", "7", "4", "1"]
    assert walk(store, 2, owner="") == ["9", "6", "3", "0"]
    assert walk(store, 1, owner="ann", template="dog") == ["7", "1"]
    assert walk(store, 5, state=RunState.COMPLETED, template="cat") == ["4", "2", "0"]
    assert walk(store, 5, owner="nobody") == []
    assert store.count() == 12
    assert store.count(owner="ann") == 4
    assert store.count(owner="ann", state=RunState.PENDING) == 2
    assert store.count(template="dog", owner="", state=RunState.FAILED) == 0


@pytest.mark.parametrize("place", ["", "_", "1.0", "x_1", "1.0_x", "1.0_", "_3", "１_²", "1_" + "9" * 5000])
def test_a_place_nobody_gave_is_refused_with_a_sentence(store: RunStore, place: str) -> None:
    with pytest.raises(InvalidValues, match="start from its top"):
        store.page(2, place)


@pytest.mark.parametrize("place", ["nan_1", "inf_1", f"1.0_{2**64}", f"1.0_-{2**70}"])
def test_a_strange_place_is_harmless(store: RunStore, place: str) -> None:
    store.insert(a_run("a"))
    assert store.page(2, place).next is None


def plan_of(database: Database, ask: Callable[[], object]) -> str:
    """How SQLite goes about the first thing that is read."""
    statements: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        statements.append((statement, parameters))

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    statement, parameters = next(entry for entry in statements if "SELECT" in entry[0])
    with database.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    return " ".join(str(step) for step in plan)


@pytest.mark.parametrize("filters", [{}, {"owner": "o"}, {"template": "t"}, {"state": RunState.FAILED}])
def test_a_page_is_read_from_an_index_however_many_runs_there_are(
    store: RunStore, database: Database, filters: dict[str, Any]
) -> None:
    told = plan_of(database, lambda: store.page(20, "1.0_1", **filters))
    assert "SEARCH runs USING INDEX runs_by_" in told
    assert "TEMP B-TREE" not in told


def test_past_runs_of_a_template_on_a_server_are_found_newest_first(store: RunStore) -> None:
    for number in range(8):
        state = RunState.COMPLETED if number != 6 else RunState.FAILED
        server, template = ("a", "b")[number % 2], "cat" if number < 7 else "dog"
        store.insert(a_run(str(number), float(number), template=template, server=server, state=state))
    assert ids(store.latest("cat", "a", 2)) == ["4", "2"]
    assert ids(store.latest("cat", "b", 9)) == ["5", "3", "1"]
    assert ids(store.latest("cow", "a", 9)) == []


def test_the_like_of_a_run_is_its_owners_completed_and_not_thrown_away(
    store: RunStore, database: Database
) -> None:
    done = RunState.COMPLETED
    store.insert(a_run("mine", 1.0, fingerprint="f", owner="ann", state=done))
    store.insert(a_run("newer", 2.0, fingerprint="f", owner="ann", state=done))
    store.insert(a_run("failed", 3.0, fingerprint="f", owner="ann", state=RunState.FAILED))
    store.insert(a_run("another's", 4.0, fingerprint="f", owner="bob", state=done))
    store.insert(a_run("another", 5.0, fingerprint="g", owner="ann", state=done))
    assert ids(store.like("f", "ann")) == ["newer", "mine"]
    RunIndex(database).delete(["newer"], at=9.0)
    assert ids(store.like("f", "ann")) == ["mine"]


def test_runs_that_ended_lately_are_told_with_their_times(store: RunStore) -> None:
    store.insert(a_run("old", 1.0, started_at=2.0, ended_at=3.0, state=RunState.COMPLETED, server="a"))
    store.insert(a_run("new", 5.0, started_at=6.0, ended_at=8.0, state=RunState.FAILED, server="b"))
    store.insert(a_run("live", 9.0))
    assert store.ended_since(4.0) == (Ended("b", RunState.FAILED, 5.0, 6.0, 8.0),)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda store: store.latest("t", "s", 8), "runs_by_timing"),
        (lambda store: store.like("f", "o"), "runs_by_fingerprint"),
        (lambda store: store.ended_since(4.0), "COVERING INDEX runs_by_end"),
    ],
)
def test_what_is_asked_often_is_read_from_an_index(
    store: RunStore, database: Database, ask: Callable[[RunStore], object], index: str
) -> None:
    assert index in plan_of(database, lambda: ask(store))


def test_threads_insert_update_and_read_at_once(store: RunStore) -> None:
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(5):
                run = a_run(f"{name}-{number}", float(number))
                store.insert(run)
                store.update(replace(run, state=RunState.COMPLETED, ended_at=math.pi))
                assert store.get(run.run_id) == as_kept(
                    replace(run, state=RunState.COMPLETED, ended_at=math.pi)
                )
                store.page(5)
                store.unfinished()
        except (StoreError, AssertionError) as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert store.count(state=RunState.COMPLETED) == 12 * 5


WRITE_FOR_EVER = """
import sys
from dataclasses import replace
from comfyui_bridge.core import workflow
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.runs import RunStore

store = RunStore(Database(sys.argv[1]))
graph = workflow.parse({"1": {"class_type": "A", "inputs": {"text": "x" * 20_000}}})
for number in range(100_000):
    run = Run(f"{sys.argv[2]}-{number}", "p", graph, float(number))
    store.insert(run)
    print("pending", run.run_id, flush=True)
    store.update(replace(run, state=RunState.COMPLETED, warnings=("w" * 9_000,)))
    print("completed", run.run_id, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_whatever_was_told_to_be_kept_survives_kill_9_in_mid_write(tmp_path: Path) -> None:
    told: dict[str, str] = {}
    for name, lines in (("a", 1), ("b", 12), ("c", 33)):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path), name], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for number, line in enumerate(writer.stdout):
            state, run_id = line.split()
            told[run_id] = state
            if number == lines:
                os.kill(writer.pid, signal.SIGKILL)  # it goes on writing meanwhile
        writer.communicate()
        with Database(tmp_path) as database:
            store = RunStore(database)
            for run_id, state in told.items():
                kept = store.get(run_id)
                assert kept is not None
                assert kept.state.value == state or (state, kept.state) == ("pending", RunState.COMPLETED)
                assert kept.warnings == (("w" * 9_000,) if kept.state is RunState.COMPLETED else ())
            assert 0 <= store.count() - len(told) <= 1
            told = {run.run_id: run.state.value for run in store.page(1_000).runs}
            with database.reading() as connection:
                assert connection.scalar(sqlalchemy.text("PRAGMA integrity_check")) == "ok"
    assert len(told) > 20
