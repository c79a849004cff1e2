"""Runs of servers that go: none lost, none done twice, and what had begun is never begun anew by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.run import Fault, RunState
from comfyui_bridge.core.run_log import LogKind
from comfyui_bridge.engine.moving import MOVES
from comfyui_bridge.engine.pool import ServerState
from comfyui_bridge.engine.workplace import Grace
from tests.engine.fake_house import HELD, SWIFT, FakeHouse, picture
from tests.fakes.fake_server import FakeServer

Build = Callable[..., FakeHouse]


def behind(house: FakeHouse, server: FakeServer, **values: object) -> tuple[str, str]:
    """A run that runs inside a server, and one that waits there behind it."""
    running = house.submit(HELD)
    house.begun(running)
    waiting = house.submit(picture("ImageInvert", "ImageInvert"), **values)
    house.accepted(waiting)
    assert house.run(waiting).server == server.name
    return running, waiting


def test_a_run_that_waited_in_a_server_that_ended_is_done_by_another(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    house = build(one)
    running, waiting = behind(house, one)
    old = house.run(waiting).prompt_id
    house.join(two)
    one.end()
    moved = house.done(waiting)
    assert (moved.server, two.begun) == (two.name, [moved.prompt_id])
    assert moved.prompt_id != old
    assert [entry.text for entry in moved.log if entry.kind == LogKind.MOVED.value] == [
        "http://one:1 is gone; it had not begun there."
    ]
    assert house.run(running).state is RunState.IN_PROGRESS  # as far as anybody knows
    one.find_the_way()
    lost = house.ended(running)
    assert lost.error is not None
    assert (lost.error.fault, "Run it again" in lost.error.message) == (Fault.LOST, True)
    house.ready(one)
    assert house.done(house.submit(picture("ImageInvert", color=5))).state is RunState.COMPLETED


def test_when_its_runs_move_is_told(build: Build, one: FakeServer) -> None:
    house = build(one, grace=Grace(1000.0, 2000.0))
    _, waiting = behind(house, one)
    one.end()
    house.until(lambda: house.status(one).moves_at is not None)
    assert house.status(one).state is ServerState.AWAY
    assert house.run(waiting).server == one.name
    one.find_the_way()
    house.ready()
    assert house.status(one).moves_at is None
    house.done(waiting)


def test_a_restarted_server_gets_again_what_had_not_begun_there(build: Build, one: FakeServer) -> None:
    house = build(one, grace=Grace(1000.0, 2000.0))
    running, waiting = behind(house, one)
    one.lose_the_way()
    house.away(one)
    one.restart()
    one.find_the_way()
    assert house.done(waiting).server == one.name
    lost = house.ended(running)
    assert lost.error is not None
    assert lost.error.fault is Fault.LOST


def test_so_does_one_that_is_slow_to_answer_once_it_was_started_anew(build: Build, one: FakeServer) -> None:
    house = build(one, grace=Grace(1000.0, 2000.0))
    _, waiting = behind(house, one)
    one.end()
    house.until(lambda: house.status(one).moves_at is not None)
    one.go_away()
    one.find_the_way()
    house.until(lambda: house.status(one).moves_at is None, "it answers, but not yet")
    one.come_back()
    assert house.done(waiting).server == one.name


def test_what_may_have_begun_while_nobody_listened_is_not_done_again(build: Build, one: FakeServer) -> None:
    house = build(one, grace=Grace(0.05, 0.1))
    running, waiting = behind(house, one)
    one.go_away()
    house.away(one)
    one.lose_the_way()
    for run_id in (running, waiting):
        lost = house.ended(run_id)
        assert lost.error is not None
        assert lost.error.fault is Fault.LOST


def test_nor_what_may_have_in_the_while_before_its_server_was_found_dead(
    build: Build, one: FakeServer
) -> None:
    house = build(one, grace=Grace(0.05, 0.1), timing=replace(SWIFT, late=-1.0))
    running, waiting = behind(house, one)
    one.end()
    for run_id in (running, waiting):
        lost = house.ended(run_id)
        assert lost.error is not None
        assert lost.error.fault is Fault.LOST


def test_nor_what_a_server_took_that_died_before_it_answered(build: Build, one: FakeServer) -> None:
    house = build(one, grace=Grace(1000.0, 2000.0))
    one.fatal_requests = 1
    run_id = house.submit()
    house.away(one)
    one.find_the_way()
    lost = house.ended(run_id)
    assert lost.error is not None
    assert lost.error.fault is Fault.LOST
    assert len(one.begun) == 1


def test_a_server_that_hangs_keeps_its_runs(build: Build, one: FakeServer, two: FakeServer) -> None:
    house = build(one)
    running, waiting = behind(house, one)
    house.join(two)
    house.ready(two)
    one.hang()
    one.drop_sockets()
    # The other one goes on with what is new.
    assert house.done(house.submit(picture("ImageInvert", color=7))).server == two.name
    assert house.run(waiting).server == one.name
    one.go_on()
    house.let_go(one, running)
    assert house.done(waiting).server == one.name
    assert len(one.begun) == 2


def test_a_server_that_is_cut_off_keeps_its_runs(build: Build, one: FakeServer, two: FakeServer) -> None:
    house = build(one)
    running, waiting = behind(house, one)
    house.join(two)
    one.go_away()
    house.away(one)
    assert house.done(house.submit(picture("ImageInvert", color=7))).server == two.name
    assert (house.run(waiting).server, house.status(one).moves_at) == (one.name, None)
    one.come_back()
    house.let_go(one, running)
    assert house.done(waiting).server == one.name
    assert two.begun == [prompt_id for prompt_id in two.submissions if prompt_id not in one.submissions]


def test_an_uploaded_file_goes_along(build: Build, one: FakeServer, two: FakeServer) -> None:
    house = build(one)
    # The other server has another file of that name, so that it takes ours under another.
    two.upload(BytesIO(b"another"), "mine.png")
    running = house.submit(HELD)
    house.begun(running)
    key = house.media.keep_upload(BytesIO(b"mine"), "mine.png")
    waiting = house.submit(picture("ImageInvert", image="example.png"), image=FileValue(key, "mine.png"))
    assert house.accepted(waiting).workflow.node("1").inputs["image"] == "mine.png"
    house.join(two)
    one.end()
    moved = house.done(waiting)
    assert (moved.server, moved.workflow.node("1").inputs["image"]) == (two.name, "mine (1).png")


def test_a_server_behind_a_broken_tunnel_does_not_begin_what_went_elsewhere(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    house = build(one)
    running, waiting = behind(house, one)
    old = house.run(waiting).prompt_id
    house.join(two)
    one.lose_the_way()
    assert house.done(waiting).server == two.name
    assert old in one.queue_now()
    one.find_the_way()
    house.until(lambda: old not in one.queue_now())
    house.let_go(one, running)
    assert old not in one.begun


def test_what_began_behind_a_broken_tunnel_is_taken_up_where_its_run_still_waits(
    build: Build, one: FakeServer
) -> None:
    house = build(one)
    running, waiting = behind(house, one)
    old = house.run(waiting).prompt_id
    one.lose_the_way()
    house.run_is(waiting, lambda run: run.server == "")
    one.let_go()
    assert old in one.begun
    one.find_the_way()
    done = house.done(waiting)
    assert (done.prompt_id, one.begun.count(old), len(one.begun)) == (old, 1, 2)
    assert house.done(running).state is RunState.COMPLETED


def test_what_was_done_twice_behind_a_broken_tunnel_is_told(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    house = build(one)
    running, waiting = behind(house, one)
    house.join(two)
    one.lose_the_way()
    moved = house.done(waiting)
    one.let_go()
    one.find_the_way()
    told = house.run_is(waiting, lambda run: bool(run.warnings))
    assert told.warnings[0].startswith("http://one:1 had this run too")
    assert told.kept == moved.kept
    stored = house.runs.get(waiting)
    assert stored is not None
    assert stored.warnings == told.warnings
    house.done(running)


def test_what_went_elsewhere_is_not_begun_after_a_restart_of_ours(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    house = build(one)
    running, waiting = behind(house, one)
    old = house.run(waiting).prompt_id
    house.join(two)
    one.lose_the_way()
    house.done(waiting)
    house.leave()
    one.find_the_way()
    house.enter()
    house.until(lambda: old not in one.queue_now())
    house.let_go(one, running)
    assert old not in one.begun


def test_what_waits_in_a_server_nobody_watched_is_not_moved(build: Build, one: FakeServer) -> None:
    house = build(one)
    _, waiting = behind(house, one)
    house.leave()
    one.end()  # had it begun by then? nobody can say
    house.enter()
    house.away(one)
    one.find_the_way()
    lost = house.ended(waiting)
    assert lost.error is not None
    assert lost.error.fault is Fault.LOST


def test_a_run_whose_server_ended_for_good_is_lost_after_a_while(build: Build, one: FakeServer) -> None:
    house = build(one, grace=Grace(0.02, 0.05))
    running = house.submit(HELD)
    house.begun(running)
    one.end()
    lost = house.ended(running)
    assert lost.error is not None
    assert (lost.error.fault, "has not come back" in lost.error.message) == (Fault.LOST, True)


def test_a_stop_is_confirmed_where_the_server_has_ended(build: Build, one: FakeServer) -> None:
    house = build(one)
    running, waiting = behind(house, one)
    one.lose_the_way()
    house.engine.cancel(running)
    house.engine.cancel(waiting)
    assert house.ended(running).state is RunState.CANCELLED
    assert house.ended(waiting).state is RunState.CANCELLED
    # It lived all the same: what it still has is stopped there too.
    one.find_the_way()
    house.until(lambda: one.queue_now() == ())


def test_a_run_that_no_server_ever_begins_ends(build: Build, one: FakeServer) -> None:
    house = build(one)
    one.lost_requests = 1000
    lost = house.ended(house.submit())
    assert lost.error is not None
    assert len([entry for entry in lost.log if entry.kind == LogKind.MOVED.value]) == MOVES


def test_a_server_in_trouble_does_not_eat_the_queue(build: Build, one: FakeServer, two: FakeServer) -> None:
    house = build(one, two)
    one.failing = 1000
    runs = [house.submit(picture("ImageInvert", color=n)) for n in range(8)]
    assert {house.done(run_id).server for run_id in runs} == {two.name}
    assert "500" in house.status(one).last_error
    one.failing = 0
    house.ready(one)
    assert "500" in house.status(one).last_error


def test_a_run_is_sent_once_whatever_becomes_of_the_answer(build: Build, one: FakeServer) -> None:
    house = build(one)
    one.lost_answers = 1
    run = house.done(house.submit())
    assert one.submissions == [run.prompt_id]


def test_a_submission_that_is_read_late_is_not_begun(build: Build, one: FakeServer) -> None:
    house = build(one)
    running = house.submit(HELD)
    house.begun(running)
    one.late_requests = 1
    run_id = house.submit(picture("ImageInvert", color=9))
    house.accepted(run_id)
    one.read_late()
    house.until(lambda: len(one.queue_now()) == 2)
    house.let_go(one, running)
    run = house.done(run_id)
    assert one.begun[1:] == [run.prompt_id]
