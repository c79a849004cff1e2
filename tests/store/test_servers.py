"""What is kept of servers, through a start anew."""

from __future__ import annotations

from pathlib import Path

from comfyui_bridge.store.database import Database
from comfyui_bridge.store.servers import Abandoned, KeptServer, ServerStore

ADDED = KeptServer("http://a:1", "http://me:secret@a:1", paused=True)


def test_servers_are_there_after_a_start_anew_in_the_order_they_came(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        times = iter((1.0, 2.0, 3.0))
        store = ServerStore(database, lambda: next(times))
        for one in (ADDED, KeptServer("http://b:2", paused=True), KeptServer("http://0:3", "http://0:3")):
            store.keep(one)
        store.keep(KeptServer("http://0:3", "http://0:3", leaving=True))
    with Database(tmp_path) as database:
        assert ServerStore(database).all() == (
            ADDED,
            KeptServer("http://b:2", paused=True),
            KeptServer("http://0:3", "http://0:3", leaving=True),
        )


def test_a_server_of_the_settings_that_goes_on_needs_no_row(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        store = ServerStore(database)
        store.keep(KeptServer("http://b:2", paused=True))
        store.keep(KeptServer("http://b:2"))
        assert store.all() == ()


def test_what_was_abandoned_is_known_until_it_is_settled(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        store = ServerStore(database)
        for name, one in (
            ("a", Abandoned("p1", "r1")),
            ("a", Abandoned("p2", "r2")),
            ("b", Abandoned("p3", "r3")),
        ):
            store.abandon(name, one)
        store.abandon("a", Abandoned("p1", "r1"))
        assert {one.prompt_id for one in store.abandoned("a")} == {"p1", "p2"}
        store.settled("p2")
        assert store.abandoned("a") == (Abandoned("p1", "r1"),)
        store.forget("a")
        assert store.abandoned("a") == ()
        assert store.abandoned("b") == (Abandoned("p3", "r3"),)


def test_credentials_are_in_no_text_of_it() -> None:
    assert "secret" not in repr(ADDED)
