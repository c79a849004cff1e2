"""What cannot be written down is told while it is so, and logged once a minute."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from comfyui_bridge.core.run import RunState
from comfyui_bridge.engine.unwritten import LOG_EVERY_S, Unwritten
from tests.engine.fake_house import HELD, FakeHouse
from tests.fakes.fake_server import FakeServer


def test_a_run_that_cannot_be_written_down_is_told_and_written_once_it_can(
    build: Callable[..., FakeHouse], one: FakeServer
) -> None:
    house = build(one)
    run_id = house.submit(HELD)
    house.begun(run_id)
    assert house.engine.unwritten() == ""
    with house.database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE UPDATE ON runs BEGIN SELECT RAISE(FAIL, 'not today'); END"
        )
    house.let_go(one, run_id)
    house.until(lambda: "not today" in house.engine.unwritten())
    with house.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER refuse")
    house.done(run_id)
    house.until(lambda: house.engine.unwritten() == "")
    stored = house.runs.get(run_id)
    assert stored is not None
    assert stored.state is RunState.COMPLETED


def test_it_is_told_until_the_last_run_is_written_and_logged_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    unwritten = Unwritten(lambda: now[0])
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            for run in ("a", "b"):
                unwritten.failed(run, "The disk is full.")
            now[0] += 1.0
        told = [record.getMessage() for record in caplog.records]
        assert len(told) == 2, "at once, and after a minute"
        assert "The disk is full." in told[0]
        unwritten.failed("a", "Another program holds it.")
        assert len(caplog.records) == 3, "another reason is news"
        unwritten.written("a")
        assert unwritten.why() == "Another program holds it."
        unwritten.written("b")
    assert unwritten.why() == ""
    assert "written down again" in caplog.records[-1].getMessage()
    assert LOG_EVERY_S == 60.0
