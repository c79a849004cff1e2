"""Where runs go: to a server that can do them, the least busy, and the one that has the model."""

from __future__ import annotations

from collections.abc import Callable

from comfyui_bridge.core.run import Fault, RunState
from tests.engine.fake_house import HELD, FakeHouse, picture
from tests.engine.test_follow import graph
from tests.fakes.fake_server import FakeServer

Build = Callable[..., FakeHouse]


def test_a_run_goes_where_its_model_is(build: Build) -> None:
    servers = [FakeServer(f"http://{n}:1", models=(f"{n}.safetensors",)) for n in ("a", "b")]
    house = build(*servers)
    for n in range(6):
        wanted = "ab"[n % 2]
        run = house.done(house.submit(picture(color=n, model=f"{wanted}.safetensors")))
        assert run.server == f"http://{wanted}:1"
    assert [house.status(server).model for server in servers] == ["a.safetensors", "b.safetensors"]


def test_a_run_goes_where_its_nodes_are(build: Build, one: FakeServer) -> None:
    lacking = FakeServer("http://lacking:1", lacks=("ImageInvert",))
    house = build(lacking, one)
    assert {house.done(house.submit(picture("ImageInvert", color=n))).server for n in range(6)} == {one.name}


def test_a_run_waits_for_the_server_that_can_do_it(build: Build, one: FakeServer) -> None:
    lacking = FakeServer("http://lacking:1", lacks=("ImageInvert",))
    house = build(lacking, one)
    one.go_away()
    house.away(one)
    waiting = house.submit(picture("ImageInvert"))
    assert house.done(house.submit(picture(color=1))).server == lacking.name
    assert house.run(waiting).server == ""
    assert house.engine.able(house.run(waiting)) == (one.name,)
    one.come_back()
    assert house.done(waiting).server == one.name


def test_a_run_that_no_server_can_do_is_refused_in_the_servers_words(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    house = build(one, two)
    refused = house.ended(house.submit(picture(model="nowhere.safetensors")))
    assert refused.error is not None
    assert refused.error.fault is Fault.REFUSED
    (problem,) = refused.error.problems
    assert (problem.input, problem.kind) == ("ckpt_name", "value_not_in_list")


def test_the_model_stays_where_it_was_used_last(build: Build) -> None:
    models = ("x.safetensors", "y.safetensors")
    servers = [FakeServer(f"http://{n}:1", models=models) for n in ("a", "b")]
    house = build(*servers)
    holds = [house.submit(picture("Hold", color=n, model=model)) for n, model in enumerate(models)]
    places = [house.begun(run_id).server for run_id in holds]
    assert set(places) == {server.name for server in servers}
    for server, run_id in zip((house.reachable[place] for place in places), holds, strict=True):
        server.let_go()
        house.done(run_id)
    house.until(lambda: all(house.status(server).mine == 0 for server in servers))
    for n, (model, place) in enumerate(zip(models * 3, places * 3, strict=True)):
        assert house.done(house.submit(picture(color=10 + n, model=model))).server == place
        house.until(lambda: all(house.status(server).mine == 0 for server in servers))


def test_at_most_one_waits_inside_behind_the_running_one(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    house = build(one, two)
    runs = [house.submit(picture("Hold", color=n)) for n in range(9)]
    house.until(lambda: len(one.queue_now()) == len(two.queue_now()) == 2)
    house.until(lambda: house.run(runs[-1]).ahead == 8)
    for _ in range(9):
        busy = house.until(lambda: [s for s in (one, two) if s.queue_now()])
        busy[0].let_go()
        assert len(one.queue_now()) <= 2
        assert len(two.queue_now()) <= 2
    assert {house.done(run_id).state for run_id in runs} == {RunState.COMPLETED}
    assert len(one.submissions) + len(two.submissions) == 9


def test_others_are_counted_stand_before_ours_and_make_a_server_busy(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    one.post(graph("Hold", color=100))
    house = build(one, two)
    for n in range(3):
        one.post(graph("Hold", color=101 + n))
    house.until(lambda: house.status(one).others == 4)
    assert house.status(one).queue_remaining == 4
    first = house.submit(HELD)
    assert house.begun(first).server == two.name
    second = house.submit(picture("Hold", color=1))
    assert house.run_is(second, lambda run: run.ahead == 1).server == two.name  # two had less to do
    third = house.submit(picture("Hold", color=2))
    assert house.run_is(third, lambda run: run.ahead == 4).server == one.name
    inside = house.submit(picture("Hold", color=3))
    assert house.run_is(inside, lambda run: run.ahead == 5).server == one.name
    with_us = house.submit(picture("Hold", color=4))
    assert house.run_is(with_us, lambda run: run.ahead == 8).server == ""
    one.let_go()
    house.run_is(third, lambda run: run.ahead == 3)
    assert (house.status(one).mine, house.status(one).others) == (2, 3)


def test_the_queue_of_others_is_asked_when_it_changes_and_not_otherwise(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    one.post(graph("Hold"))
    house = build(one, two)
    house.until(lambda: house.status(one).others == 1)
    looks = one.looks
    for n in range(10):
        assert house.done(house.submit(picture(color=n))).server == two.name
    assert one.looks - looks <= 1
    one.let_go()
    house.until(lambda: house.status(one).others == 0)


def test_a_server_that_hangs_at_a_submission_does_not_hold_up_the_others(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    house = build(one, two)
    one.hang()
    runs = [house.submit(picture("ImageInvert", color=n)) for n in range(6)]
    house.until(lambda: sum(house.run(run_id).state is RunState.COMPLETED for run_id in runs) >= 5)
    one.go_on()
    assert {house.done(run_id).state for run_id in runs} == {RunState.COMPLETED}
