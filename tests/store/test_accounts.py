"""Accounts and sign-ins: who gets in, who does not, and what the file looks like afterwards."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.store.accounts import SESSION_S, Accounts, Sessions
from comfyui_bridge.store.database import Database

# The weakest that argon2 takes: these tests are about everything but its strength.
QUICK = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "accounts", QUICK)


def test_a_name_and_its_password_get_in_and_nothing_else(accounts: Accounts) -> None:
    accounts.add("ann", "correct horse")
    accounts.add("bob", "battery")
    assert accounts.verify("ann", "correct horse")
    assert accounts.verify("bob", "battery")
    for name, password in [
        ("ann", "battery"),
        ("ann", ""),
        ("ann", "correct horse "),
        ("ANN", "correct horse"),
        ("", ""),
        ("eve", "correct horse"),
        ("ann:", "correct horse"),
        ("ann\n", "correct horse"),
        ("#", "x"),
    ]:
        assert not accounts.verify(name, password)
    assert accounts.knows("ann")
    assert not accounts.knows("eve")


def test_hashes_are_argon2id_of_full_strength_unless_told_otherwise(tmp_path: Path) -> None:
    Accounts(tmp_path / "accounts").add("ann", "secret")
    text = (tmp_path / "accounts").read_text()
    assert text.startswith("ann:$argon2id$v=19$m=65536,t=3,p=4$")
    assert "secret" not in text


def test_names_and_passwords_may_be_of_any_script_in_either_spelling(accounts: Accounts) -> None:
    accounts.add("Zoe\u0301 猫", "pâsswörd 🔑")
    assert accounts.verify("Zo\u00e9 猫", "pa\u0302sswo\u0308rd 🔑")
    accounts.add("half", "a\ud800b")
    assert accounts.verify("half", "a\ud800b")
    assert accounts.problems() == ()


def test_adding_again_replaces_the_password_in_its_place_and_keeps_the_rest(accounts: Accounts) -> None:
    accounts.add("ann", "old")
    old = accounts.path.read_text().strip()
    accounts.path.write_text(f"# people\n\n{old}\n# bob left: see #4\nann:doubled\nbob:hash")
    accounts.add("ann", "new")
    first, blank, ann, comment, bob = accounts.path.read_text().split("\n")
    assert (first, blank, comment, bob) == ("# people", "", "# bob left: see #4", "bob:hash")
    assert ann.startswith("ann:$argon2id$")
    assert accounts.verify("ann", "new")
    assert not accounts.verify("ann", "old")
    accounts.add("cem", "x")
    assert [line.partition(":")[0] for line in accounts.path.read_text().splitlines()][-2:] == ["bob", "cem"]


def test_line_endings_of_windows_stay(accounts: Accounts) -> None:
    accounts.path.write_bytes(b"\xef\xbb\xbf# people\r\nann:x\r\n")
    accounts.add("ann", "a")
    accounts.add("bob", "b")
    lines = accounts.path.read_bytes().split(b"\r\n")
    assert [line.partition(b":")[0] for line in lines] == [b"# people", b"ann", b"bob", b""]
    assert accounts.verify("ann", "a")
    assert accounts.verify("bob", "b")


names = st.text(st.characters(exclude_characters=":", exclude_categories=("C", "Z")), min_size=1, max_size=9)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(names.filter(lambda name: name[0] != "#"), st.text(min_size=1)), max_size=4))
def test_any_account_that_can_be_added_gets_in(accounts: Accounts, people: list[tuple[str, str]]) -> None:
    accounts.path.unlink(missing_ok=True)
    for name, password in people:
        accounts.add(name, password)
        assert accounts.verify(name, password)
        assert not accounts.verify(name, password + "x")
        assert accounts.problems() == ()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "needs a name"),
        ("a:b", '"a:b" cannot be the name'),
        (":", "cannot be the name"),
        ("#ann", "# begins a comment"),
        ("a\nb", "no line breaks"),
        ("a\r", "no line breaks"),
        ("a\x00", "no control characters"),
        ("a\u2028b", "no line breaks"),
        (" ann", "no spaces around it"),
        ("ann ", "no spaces around it"),
        ("a" * 65, "64 characters at most"),
        ("\ud800", "no control characters"),
    ],
)
def test_a_name_that_would_break_the_file_is_refused(accounts: Accounts, name: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        accounts.add(name, "secret")
    assert not accounts.path.exists()


def test_an_empty_password_is_refused(accounts: Accounts) -> None:
    with pytest.raises(StoreError, match="empty password"):
        accounts.add("ann", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_its_owner_may_read_the_file_also_if_more_could_before(accounts: Accounts) -> None:
    accounts.path.write_text("# people\n")
    accounts.path.chmod(0o666)
    accounts.add("ann", "secret")
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    assert sorted(path.name for path in accounts.path.parent.iterdir()) == ["accounts"]


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "accounts").symlink_to("etc/people")
    accounts = Accounts(tmp_path / "accounts", QUICK)
    accounts.add("ann", "secret")
    accounts.add("bob", "secret")
    assert (tmp_path / "accounts").is_symlink()
    assert Accounts(tmp_path / "etc" / "people", QUICK).verify("bob", "secret")


def test_the_file_is_read_again_when_it_changes(accounts: Accounts) -> None:
    accounts.add("ann", "secret")
    other = Accounts(accounts.path, QUICK)
    other.add("ann", "changed")
    assert not accounts.verify("ann", "secret")
    assert accounts.verify("ann", "changed")
    accounts.path.write_text("# nobody any more\n")
    assert not accounts.verify("ann", "changed")
    assert not accounts.knows("ann")


def test_an_unknown_name_takes_as_long_as_a_wrong_password(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "accounts", argon2.PasswordHasher(time_cost=2, memory_cost=16_384))
    accounts.add("ann", "secret")
    with accounts.path.open("a") as file:
        file.write("broken:no hash\n")

    def seconds(name: str) -> float:
        took = []
        for _ in range(5):
            began = time.process_time()  # argon2 works on the CPU, which other programs do not slow
            assert not accounts.verify(name, "wrong")
            took.append(time.process_time() - began)
        return sorted(took)[2]

    wrong = seconds("ann")
    assert seconds("nobody") > wrong / 2
    assert seconds("broken") > wrong / 2


def test_problems_name_the_line_and_what_to_do(accounts: Accounts) -> None:
    assert accounts.problems() == (
        f"There is no accounts file {accounts.path}. Add one with: python -m comfyui_bridge passwd NAME"
        f" --auth {accounts.path}",
    )
    accounts.path.write_text("# nobody\n\n")
    assert accounts.problems() == (
        f"{accounts.path} has no accounts. Add one with: python -m comfyui_bridge passwd NAME"
        f" --auth {accounts.path}",
    )
    accounts.add("ann", "secret")
    with accounts.path.open("a") as file:
        file.write("bob\ncem:plain\n:x\n")
    assert accounts.problems() == (
        f"{accounts.path}, line 4: expected NAME:HASH, and there is no colon.",
        f"{accounts.path}, line 5: what stands for cem is no argon2 hash; set the password anew with passwd.",
        f"{accounts.path}, line 6: An account needs a name.",
    )
    assert accounts.verify("ann", "secret")
    assert not accounts.verify("cem", "plain")
    assert not accounts.verify("", "x")


def test_a_file_that_cannot_be_read_is_told_and_lets_nobody_in(accounts: Accounts) -> None:
    with pytest.raises(StoreError, match="cannot be used: No such file"):
        accounts.verify("ann", "secret")
    accounts.path.write_bytes(b"# ok\nann\xff:x\n")
    for ask in (lambda: accounts.verify("ann", "x"), lambda: accounts.add("bob", "x"), accounts.problems):
        with pytest.raises(StoreError, match="line 2, is no UTF-8"):
            ask()
    assert accounts.path.read_bytes() == b"# ok\nann\xff:x\n"


def test_many_threads_add_without_losing_anybody(accounts: Accounts) -> None:
    threads = [threading.Thread(target=accounts.add, args=(f"n{number}", "p")) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(accounts.verify(f"n{number}", "p") for number in range(20))


# Sign-ins


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "data") as database:
        yield database


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_its_account_s_until_it_is_revoked(database: Database) -> None:
    sessions = Sessions(database)
    ann, again, bob = sessions.create("ann"), sessions.create("ann"), sessions.create("bob")
    assert len({ann, again, bob}) == 3
    assert [sessions.name_of(token) for token in (ann, again, bob)] == ["ann", "ann", "bob"]
    sessions.revoke(ann)
    sessions.revoke(ann)
    assert [sessions.name_of(token) for token in (ann, again, bob)] == [None, "ann", "bob"]


@pytest.mark.parametrize("token", ["", "guess", "x" * 100_000, "\ud800", "' OR 1=1 --", "\x00"])
def test_what_was_never_given_out_is_nobody_s(database: Database, token: str) -> None:
    sessions = Sessions(database)
    sessions.create("ann")
    assert sessions.name_of(token) is None
    sessions.revoke(token)


def test_tokens_survive_a_restart(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        token = Sessions(database).create("猫")
    with Database(tmp_path) as database:
        assert Sessions(database).name_of(token) == "猫"


def test_a_token_is_good_for_thirty_days_and_then_gone(database: Database) -> None:
    clock = Clock()
    sessions = Sessions(database, clock=clock)
    token = sessions.create("ann")
    clock.now += SESSION_S - 1
    assert SESSION_S == 30 * 86_400
    assert sessions.name_of(token) == "ann"
    clock.now += 1
    assert sessions.name_of(token) is None
    sessions.create("bob")
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT name FROM sessions").scalars().all() == ["bob"]


def test_the_files_on_disk_never_hold_a_token(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        token = Sessions(database).create("ann")
        contents = [path.read_bytes() for path in tmp_path.iterdir()]
    raw = sqlite3.connect(tmp_path / "bridge.db")
    assert raw.execute("SELECT length(token_hash) FROM sessions").fetchall() == [(64,)]
    raw.close()
    contents += [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(token) >= 40
    assert not any(token.encode() in content for content in contents)
    assert os.listdir(tmp_path)
