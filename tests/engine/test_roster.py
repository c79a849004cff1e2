"""Servers are paused, added and removed while the program runs, and it remembers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from comfyui_bridge.core.errors import InvalidValues, Unreachable
from comfyui_bridge.core.run import Fault, RunState
from comfyui_bridge.engine.pool import ServerState
from tests.engine.fake_house import HELD, QUICK, FakeHouse, picture
from tests.fakes.fake_server import FakeServer

Build = Callable[..., FakeHouse]


def names(house: FakeHouse) -> list[str]:
    return [status.name for status in house.engine.servers()]


def test_a_paused_server_gets_nothing_new_and_goes_on_with_what_it_has(build: Build, one: FakeServer) -> None:
    house = build(one)
    running = house.submit(HELD)
    house.begun(running)
    house.engine.pause(one.name, True)
    waiting = house.submit(picture("ImageInvert"))
    house.let_go(one, running)
    house.until(lambda: house.status(one).mine == 0)
    assert house.run(waiting).server == ""
    house.leave()
    house.enter()
    house.ready(one)
    assert house.status(one).paused
    assert house.run(waiting).server == ""
    house.engine.pause(one.name, False)
    house.done(waiting)
    house.leave()
    house.enter()
    assert not house.status(one).paused


def test_an_added_server_takes_runs_and_is_there_after_a_start_anew(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    house = build(one, others=(two,))
    house.begun(house.submit(HELD))
    assert house.engine.add_server(" http://me:secret@two:2 ") == two.name
    assert house.engine.server(two.name) is two
    assert (house.status(two).added, house.status(one).added) == (True, False)
    house.ready(two)
    assert house.done(house.submit(picture("ImageInvert"))).server == two.name
    assert "secret" not in repr(house.engine.servers())
    house.leave()
    house.enter()
    house.ready(two)
    assert house.status(two).added
    assert house.done(house.submit(picture("ImageInvert", color=3))).server == two.name


@pytest.mark.parametrize(
    ("url", "told"),
    [("http://one:1", "is among the servers already"), ("nonsense", "is no server address")],
)
def test_an_address_that_cannot_be_added_is_told(build: Build, one: FakeServer, url: str, told: str) -> None:
    house = build(one)
    with pytest.raises(InvalidValues, match=told) as caught:
        house.engine.add_server(url)
    assert list(caught.value.problems) == ["url"]
    assert names(house) == [one.name]


def test_a_removed_server_finishes_and_goes(build: Build, one: FakeServer, two: FakeServer) -> None:
    house = build(one, others=(two,))
    house.engine.pause(one.name, True)
    house.engine.add_server(two.name)
    running, inside, waiting = (house.submit(picture("Hold", color=n)) for n in range(3))
    house.begun(running)
    house.accepted(inside)
    house.engine.remove_server(two.name)
    house.until(lambda: house.status(two).leaving)
    house.engine.pause(one.name, False)
    assert house.begun(waiting).server == one.name
    with pytest.raises(InvalidValues, match="finishing its last runs"):
        house.engine.add_server(two.name)
    house.leave()
    house.enter()  # it is still leaving
    assert house.status(two).leaving
    for run_id in (running, inside):
        house.let_go(two, run_id)
    house.until(lambda: names(house) == [one.name])
    with pytest.raises(LookupError):
        house.engine.server(two.name)
    house.engine.add_server(two.name)
    house.ready(two)
    house.engine.remove_server(two.name)
    house.until(lambda: names(house) == [one.name])
    house.leave()
    house.enter()
    assert names(house) == [one.name]


def test_a_server_that_is_away_is_removed_with_what_it_had(
    build: Build, one: FakeServer, two: FakeServer
) -> None:
    house = build(one, others=(two,))
    house.engine.pause(one.name, True)
    house.engine.add_server(two.name)
    running, inside = house.submit(HELD), house.submit(picture("ImageInvert"))
    house.begun(running)
    house.accepted(inside)
    two.lose_the_way()
    house.away(two)
    house.engine.remove_server(two.name)
    lost = house.ended(running)
    assert lost.error is not None
    assert (lost.state, lost.error.fault) == (RunState.FAILED, Fault.LOST)
    house.engine.pause(one.name, False)
    assert house.done(inside).server == one.name
    house.until(lambda: names(house) == [one.name])


def test_a_server_of_the_settings_is_paused_and_not_removed(build: Build, one: FakeServer) -> None:
    house = build(one)
    with pytest.raises(InvalidValues, match="pause it instead"):
        house.engine.remove_server(one.name)
    for call in (house.engine.remove_server, house.engine.free, house.engine.server):
        with pytest.raises(LookupError):
            call("http://nobody:1")
    with pytest.raises(LookupError):
        house.engine.pause("http://nobody:1", True)
    house.done(house.submit(QUICK))


def test_memory_is_freed_and_what_went_wrong_stays_known(build: Build, one: FakeServer) -> None:
    house = build(one)
    house.engine.free(one.name)
    assert one.freed == 1
    one.go_away()
    with pytest.raises(Unreachable):
        house.engine.free(one.name)
    away = house.away(one)
    assert "Nothing answers" in away.error
    one.come_back()
    house.ready(one)
    back = house.status(one)
    assert (back.state, back.error, back.last_error) == (ServerState.READY, "", away.error)
    assert back.last_error_at is not None


def test_what_a_server_learns_is_asked_for_anew(build: Build, one: FakeServer) -> None:
    house = build(one)
    version = house.engine.definitions_version()
    one.learn("ImageSwirl")
    house.engine.refresh()
    house.until(lambda: "ImageSwirl" in house.engine.node_defs())
    assert house.engine.definitions_version() > version


def test_how_much_memory_is_free_is_asked_when_somebody_looks(build: Build, one: FakeServer) -> None:
    house = build(one)
    one.memory = 123
    house.clock.pass_by(60.0)
    house.until(lambda: house.status(one).facts.ram_free == 123)
    probes = one.probes
    for _ in range(50):
        house.engine.servers()
    assert one.probes == probes
