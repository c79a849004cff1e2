"""A stop: answered at once, confirmed truly, and never another's."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO

import pytest

from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.run import RunState
from comfyui_bridge.engine.workplace import Grace
from tests.engine.fake_house import HELD, FakeHouse, picture
from tests.engine.test_follow import graph
from tests.fakes.fake_server import FakeServer

Build = Callable[..., FakeHouse]


def test_each_is_stopped_where_it_is(build: Build, one: FakeServer) -> None:
    house = build(one)
    running, inside, with_us, stays = (house.submit(picture("Hold", color=n)) for n in range(4))
    house.begun(running)
    house.accepted(inside)
    for run_id in (with_us, inside, running):
        house.engine.cancel(run_id)
        assert house.ended(run_id).state is RunState.CANCELLED
    house.let_go(one, stays)
    assert len(one.submissions) == 3
    for run_id in (running, "nobody knows it"):
        house.engine.cancel(run_id)


@pytest.mark.parametrize("place", ["running", "inside", "sending"])
def test_a_stop_is_answered_at_once_where_the_server_hangs(build: Build, one: FakeServer, place: str) -> None:
    house = build(one)
    run_id = house.submit(HELD)
    house.begun(run_id)
    if place == "inside":
        run_id = house.submit(picture("Hold", color=1))
        house.accepted(run_id)
    one.hang()
    one.drop_sockets()
    if place == "sending":
        run_id = house.submit(picture("Hold", color=1))
        house.run_is(run_id, lambda run: run.server == one.name)
    asked = time.monotonic()
    house.engine.cancel(run_id)
    house.run_is(run_id, lambda run: run.stopping)
    # The server says nothing until `go_on`: who waited for it would wait for ever.
    assert time.monotonic() - asked < 20.0
    stored = house.runs.get(run_id)
    assert stored is not None
    # One that the sender had not come to yet is over at once.
    assert stored.stopping or stored.state is RunState.CANCELLED
    one.go_on()
    assert house.ended(run_id).state is RunState.CANCELLED
    house.until(lambda: house.run(run_id).prompt_id not in one.queue_now())


def test_one_that_is_being_uploaded_is_stopped_without_the_server(build: Build, one: FakeServer) -> None:
    house = build(one)
    key = house.media.keep_upload(BytesIO(b"mine"), "mine.png")
    one.hang()
    run_id = house.submit(picture(image="example.png"), image=FileValue(key, "mine.png"))
    house.run_is(run_id, lambda run: run.ahead is None or house.status(one).mine == 1)
    house.engine.cancel(run_id)
    assert house.ended(run_id).state is RunState.CANCELLED
    one.go_on()
    house.done(house.submit(picture("ImageInvert")))
    assert len(one.submissions) == 1


def test_others_are_never_stopped(build: Build, one: FakeServer) -> None:
    theirs = [one.post(graph("Hold", color=100))]
    house = build(one)
    mine = [house.submit(picture("Hold", color=n)) for n in range(4)]
    house.until(lambda: len(one.queue_now()) == 3)
    theirs.append(one.post(graph("Hold", color=101)))
    house.engine.cancel_all("ann")
    assert {house.ended(run_id).state for run_id in mine} == {RunState.CANCELLED}
    assert one.queue_now() == tuple(theirs)
    assert not set(one.cancelled) & set(theirs)


def test_a_stop_of_one_that_comes_back_from_a_server_is_kept(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    house = build(one)
    house.begun(house.submit(HELD))
    run_id = house.submit(picture("ImageInvert"))
    house.accepted(run_id)
    one.hang()
    one.drop_sockets()
    house.engine.cancel(run_id)
    house.run_is(run_id, lambda run: run.stopping)
    one.restart()  # it knows nothing any more
    one.go_on()
    assert house.ended(run_id).state is RunState.CANCELLED
    assert len(one.submissions) == 2


def test_a_stop_outlives_us(build: Build, one: FakeServer) -> None:
    house = build(one)
    run_id = house.submit(HELD)
    house.begun(run_id)
    one.go_away()
    house.engine.cancel(run_id)
    house.run_is(run_id, lambda run: run.stopping)
    house.leave()
    one.come_back()
    house.enter()
    assert house.ended(run_id).state is RunState.CANCELLED
    assert one.queue_now() == ()


def test_a_run_that_is_stopped_on_a_silent_server_is_given_up(build: Build, one: FakeServer) -> None:
    house = build(one, grace=Grace(0.05, 60.0, silent=0.1))
    running, other = house.submit(HELD), house.submit(picture("Hold", color=1))
    house.begun(running)
    house.accepted(other)
    one.go_away()  # and go on working, for all we know
    house.away(one)
    house.engine.cancel(running)
    assert house.ended(running).state is RunState.CANCELLED
    assert not house.run(other).state.is_final, "nobody stopped that one"
    one.come_back()
    house.until(lambda: house.run(running).prompt_id not in one.queue_now())
    house.let_go(one, other)


def test_the_program_stops_quickly_where_servers_hang(build: Build, one: FakeServer, two: FakeServer) -> None:
    house = build(one, two)
    runs = [house.submit(picture("Hold", color=n)) for n in range(2)]
    for run_id in runs:
        house.begun(run_id)
    for server in (one, two):
        server.hang()
        server.drop_sockets()
    house.submit(picture("Hold", color=9))
    asked = time.monotonic()
    house.engine.stop(1.0)
    assert time.monotonic() - asked < 20.0  # and not until the servers go on, which they never do
