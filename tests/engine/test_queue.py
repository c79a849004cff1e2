"""The run queue: turns go round people, places are told, nothing is lost or doubled."""

from __future__ import annotations

from comfyui_bridge.core import workflow
from comfyui_bridge.core.run import Run
from comfyui_bridge.engine.queue import RunQueue

GRAPH = workflow.parse({"1": {"class_type": "A", "inputs": {}}})


def run(run_id, owner="ann", experiment=""):
    return Run(
        run_id=run_id, prompt_id=run_id, workflow=GRAPH, created_at=0.0, owner=owner, experiment=experiment
    )


class Told:
    """A queue, and the newest place of each run that it told."""

    def __init__(self, inside=0):
        self.inside = inside
        self.places = {}
        self.queue = RunQueue(lambda run: self.places.update({run.run_id: run.ahead}), lambda: self.inside)

    def put(self, *runs):
        for one in runs:
            self.queue.put(one)

    def claim_all(self):
        claimed = []
        while (one := self.queue.claim(lambda _: True)) is not None:
            claimed.append(one.run_id)
        return claimed


def test_people_take_turns():
    told = Told()
    told.put(*(run(f"a{n}") for n in range(3)), run("b0", "bob"), run("b1", "bob"), run("c0", "cy"))
    assert told.claim_all() == ["a0", "b0", "c0", "a1", "b1", "a2"]


def test_runs_of_experiments_take_turns_of_their_own_behind_single_ones():
    told = Told()
    told.put(run("x0", experiment="x"), run("x1", experiment="x"), run("y0", "bob", "y"), run("a0"))
    assert told.queue.claim(lambda one: one.experiment).run_id == "x0"  # no single one can go now
    told.put(run("b0", "bob"), run("x2", experiment="x"))
    assert told.places == {"a0": 0, "b0": 1, "y0": 2, "x1": 3, "x2": 4, "x0": 1}
    assert (told.queue.waiting("ann"), told.queue.waiting("bob")) == (1, 1)
    x1 = told.queue.remove("x1")
    assert told.queue.give_back(x1)
    told.queue.move("x2", 0)
    assert told.claim_all() == ["a0", "b0", "x2", "y0", "x1"]


def test_who_was_served_last_waits_for_who_comes_new():
    told = Told()
    told.put(*(run(f"a{n}") for n in range(4)))
    told.queue.claim(lambda _: True)
    told.put(run("b0", "bob"))
    assert told.claim_all() == ["b0", "a1", "a2", "a3"]


def test_the_order_told_is_the_order_kept():
    told = Told()
    told.put(*(run(f"a{n}") for n in range(3)), run("b0", "bob"), run("c0", "cy"))
    told.queue.claim(lambda _: True)
    expected = [one.run_id for one in told.queue.order()]
    assert told.claim_all() == expected


def test_places_count_what_is_inside_servers_and_follow_every_change():
    told = Told(inside=2)
    told.put(run("a0"), run("a1"), run("b0", "bob"))
    assert told.places == {"a0": 2, "b0": 3, "a1": 4}
    told.queue.remove("a0")
    assert (told.places["a1"], told.places["b0"]) == (2, 3)
    told.inside = 1
    told.queue.tell_places()
    assert (told.places["a1"], told.places["b0"]) == (1, 2)


def test_a_run_no_server_may_take_lets_others_pass():
    told = Told()
    told.put(run("a0"), run("a1"))
    assert told.queue.claim(lambda one: one.run_id == "a1").run_id == "a1"
    assert [one.run_id for one in told.queue.order()] == ["a0"]


def test_a_run_given_back_is_next():
    told = Told()
    told.put(run("a0"), run("a1"), run("b0", "bob"))
    first = told.queue.claim(lambda _: True)
    told.queue.give_back(first)
    assert told.claim_all()[0] == "a0"


def test_a_removed_run_is_gone():
    told = Told()
    told.put(run("a0"))
    assert told.queue.remove("a0").run_id == "a0"
    assert told.queue.remove("a0") is None
    assert told.queue.claim(lambda _: True) is None
    assert len(told.queue) == 0
