"""People who share servers: turns, their own order, how much may wait, and what each one sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from comfyui_bridge.core.errors import QueueFull
from comfyui_bridge.core.run import RunState
from tests.engine.fake_house import HELD, FakeHouse, picture
from tests.fakes.fake_server import FakeServer

Build = Callable[..., FakeHouse]


def test_a_batch_of_200_keeps_a_single_picture_waiting_for_what_is_inside_only(
    build: Build, one: FakeServer
) -> None:
    house = build(one)
    first = house.submit(HELD)
    house.begun(first)
    batch = [house.submit(picture("ImageInvert", color=n)) for n in range(1, 200)]
    house.accepted(batch[0])
    single = house.submit(picture("ImageInvert", color=1000), "bob")
    assert house.run_is(single, lambda run: run.ahead is not None).ahead == 2
    one.let_go()
    place = one.submissions.index(house.done(single).prompt_id)
    assert place == 2
    # The batch goes on from where it stood.
    order = [run.run_id for run in house.engine.queue("ann")]
    assert order == batch[-len(order) :]
    assert len(order) > 150


def test_people_order_their_own(build: Build, one: FakeServer) -> None:
    house = build(one)
    house.begun(house.submit(HELD))
    house.accepted(house.submit(picture("Hold", color=1)))
    mine = [house.submit(picture("ImageInvert", color=n)) for n in range(10, 14)]
    house.submit(picture("ImageInvert", color=20), "bob")
    house.engine.move(mine[3], 0)
    house.engine.move(mine[0], 99)
    wanted = [mine[3], mine[1], mine[2], mine[0]]
    queue = house.engine.queue("ann")
    assert [run.run_id for run in queue[2:]] == wanted
    assert [run.server != "" for run in queue] == [True, True, False, False, False, False]
    house.run_is(mine[3], lambda run: run.ahead == 3)  # bob's turn is before ann's next
    one.let_go()
    one.let_go()
    ids = [house.done(run_id).prompt_id for run_id in wanted]
    assert [prompt_id for prompt_id in one.begun if prompt_id in ids] == ids
    house.engine.move(mine[0], 0)  # it is over: nothing happens
    assert house.engine.queue("ann") == ()


def test_one_person_may_have_so_many_waiting(build: Build, one: FakeServer) -> None:
    house = build(one, max_waiting=3)
    house.begun(house.submit(HELD))
    house.accepted(house.submit(picture("Hold", color=1)))
    waiting = [house.submit(picture(color=n)) for n in range(2, 5)]
    with pytest.raises(QueueFull, match="3 runs of yours are waiting"):
        house.submit(picture(color=9))
    assert house.runs.count() == 5
    house.submit(picture(color=9), "bob")
    house.engine.cancel(waiting[1])
    house.submit(picture(color=9))


def test_one_clears_ones_own(build: Build, one: FakeServer, two: FakeServer) -> None:
    house = build(one, two)
    mine = [house.submit(picture("Hold", color=n)) for n in range(6)]
    house.until(lambda: len(one.queue_now()) == len(two.queue_now()) == 2)
    bobs = house.submit(picture(color=50), "bob")
    on_one = [run.run_id for run in house.engine.queue("ann") if run.server == one.name]
    assert house.engine.cancel_all("ann", one.name) == len(on_one) == 2
    assert {house.ended(run_id).state for run_id in on_one} == {RunState.CANCELLED}
    rest = len(house.engine.queue("ann"))
    assert house.engine.cancel_all("ann") == rest == 4
    assert {house.ended(run_id).state for run_id in mine} == {RunState.CANCELLED}
    house.done(bobs)
    assert house.engine.cancel_all("ann") == 0


def test_a_person_sees_the_same_after_a_start_anew(build: Build, one: FakeServer) -> None:
    house = build(one)
    runs = [house.submit(picture("Hold", color=n)) for n in range(4)]
    house.begun(runs[0])
    house.accepted(runs[1])
    house.leave()
    house.enter()
    house.begun(runs[0])
    assert [run.run_id for run in house.engine.queue("ann")] == runs
    assert house.engine.queue("bob") == ()
    for _ in runs:
        house.until(one.queue_now)
        one.let_go()
    assert {house.done(run_id).state for run_id in runs} == {RunState.COMPLETED}
    assert len(one.submissions) == 4
