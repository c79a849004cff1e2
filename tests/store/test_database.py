"""The database file: who may open it, how it grows up, and what people read when it cannot be used."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from comfyui_bridge.core.errors import Full, Locked, StoreError, TooNew
from comfyui_bridge.store import tables
from comfyui_bridge.store.database import SCHEMA, Database
from comfyui_bridge.store.runs import RunStore

HOLD = "import sys; from comfyui_bridge.store.database import Database; d = Database(sys.argv[1]); "


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_a_new_folder_is_made_and_has_the_tables_as_the_code_knows_them(tmp_path: Path) -> None:
    with (
        Database(tmp_path / "new" / "data") as database,
        database.reading() as connection,
    ):
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        assert connection.scalar(sqlalchemy.text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(sqlalchemy.text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(sqlalchemy.text("PRAGMA synchronous")) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps rights with the folder")
def test_nobody_else_reads_the_database_which_may_hold_passwords_of_servers(tmp_path: Path) -> None:
    def modes() -> set[int]:
        return {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("bridge.db*")}

    with Database(tmp_path) as database, database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE one (two)")
        assert modes() == {0o600}
    (tmp_path / "bridge.db").chmod(0o644)  # as an earlier version made it
    with Database(tmp_path):
        assert modes() == {0o600}


def test_the_version_the_code_expects_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "comfyui_bridge.store:migrations")
    steps = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
    assert steps[0] == SCHEMA
    assert steps == sorted(steps, reverse=True), "revisions must sort as text, for TooNew"


def test_an_up_to_date_database_opens_without_importing_alembic(tmp_path: Path) -> None:
    Database(tmp_path).close()
    opened = python(HOLD + "print('alembic' in sys.modules); d.close()", str(tmp_path))
    assert opened.communicate()[0].strip() == "False"


def test_a_second_process_is_refused_until_the_first_one_dies(tmp_path: Path) -> None:
    first = python(HOLD + "print('open', flush=True); sys.stdin.read()", str(tmp_path))
    assert first.stdout is not None
    assert first.stdout.readline() == "open\n"
    with pytest.raises(Locked) as refused:
        Database(tmp_path)
    assert str(refused.value) == (
        f"Another ComfyUI Bridge (process {first.pid}) uses the data folder {tmp_path}. Stop it, or choose"
        " another folder with --data."
    )
    os.kill(first.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    first.communicate()
    Database(tmp_path).close()


def test_the_same_process_is_refused_too_and_let_in_after_closing(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with pytest.raises(Locked):
        Database(tmp_path)
    database.close()
    database.close()
    Database(tmp_path).close()


def test_a_program_started_by_ours_does_not_keep_the_folder(tmp_path: Path) -> None:
    database = Database(tmp_path)
    child = python("import sys; print('up', flush=True); sys.stdin.read()")
    assert child.stdout is not None
    child.stdout.readline()
    database.close()
    Database(tmp_path).close()
    child.communicate("")


def test_a_later_version_s_database_is_left_alone(tmp_path: Path) -> None:
    Database(tmp_path).close()
    with sqlite3.connect(tmp_path / "bridge.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(TooNew, match=r"later version of ComfyUI Bridge \(schema 9999, this one knows"):
        Database(tmp_path)
    with pytest.raises(TooNew):  # and the folder was let go
        Database(tmp_path)


ROW_OF_THE_FIRST_VERSION = """
INSERT INTO runs (run_id, prompt_id, owner, template, title, server, state, stopping, server_done,
    created_at, warnings, outputs, kept, "values", workflow)
VALUES ('a', 'p', '', 't', 'T', '', 'pending', 0, 0, 1.0, '["w"]', '[]', '[]', '{}',
    '{"1": {"class_type": "A", "inputs": {}}}')
"""


def test_an_older_database_is_brought_up_to_date_and_keeps_its_runs(tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'bridge.db'}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", "comfyui_bridge.store:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(ROW_OF_THE_FIRST_VERSION)
    engine.dispose()
    with Database(tmp_path) as database:
        run = RunStore(database).get("a")
        assert run is not None
        assert (run.warnings, run.log, run.fingerprint) == (("w",), (), "")
        with database.reading() as connection:
            assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_a_write_that_fails_midway_leaves_nothing(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        make, fail = (
            sqlalchemy.text("CREATE TABLE half (a INTEGER)"),
            sqlalchemy.text("SELECT 1 FROM nowhere"),
        )
        with pytest.raises(StoreError), database.writing() as connection:  # noqa: PT012
            connection.execute(make)
            connection.execute(fail)
        with database.reading() as connection:
            assert not sqlalchemy.inspect(connection).has_table("half")


def test_a_migration_that_is_killed_is_done_again_from_its_start(tmp_path: Path) -> None:
    """The steps and the version are one transaction: SIGKILL after the tables were made undoes them."""
    code = (
        "import os, sys, signal; from alembic.migration import MigrationContext;"
        "done = MigrationContext.run_migrations;"
        "MigrationContext.run_migrations = lambda *a, **k: (done(*a, **k), os._exit(9));" + HOLD
    )
    dead = python(code, str(tmp_path))
    dead.communicate()
    assert dead.returncode == 9
    raw = sqlite3.connect(tmp_path / "bridge.db")
    assert raw.execute("SELECT name FROM sqlite_master").fetchall() == []
    raw.close()
    Database(tmp_path).close()


def test_readers_see_one_state_while_a_writer_goes_on(tmp_path: Path) -> None:
    count = sqlalchemy.text("SELECT COUNT(*) FROM numbers")
    with Database(tmp_path) as database:
        with database.writing() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE numbers (a INTEGER)"))
        with database.reading() as reader:
            assert reader.scalar(count) == 0
            with database.writing() as writer:
                writer.execute(sqlalchemy.text("INSERT INTO numbers VALUES (1)"))
            assert reader.scalar(count) == 0
        with database.reading() as reader:
            assert reader.scalar(count) == 1


def test_many_threads_write_without_losing_or_refusing_anything(tmp_path: Path) -> None:
    errors: list[BaseException] = []
    with Database(tmp_path) as database:
        with database.writing() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE tally (n INTEGER)"))
            connection.execute(sqlalchemy.text("INSERT INTO tally VALUES (0)"))

        def count_up() -> None:
            try:
                for _ in range(10):
                    with database.writing() as connection:
                        n = connection.scalar(sqlalchemy.text("SELECT n FROM tally"))
                        connection.execute(sqlalchemy.text("UPDATE tally SET n = :n"), {"n": n + 1})
            except StoreError as error:
                errors.append(error)

        threads = [threading.Thread(target=count_up) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.reading() as connection:
            assert connection.scalar(sqlalchemy.text("SELECT n FROM tally")) == 100
    assert errors == []


def a_file_where_the_folder_should_be(folder: Path) -> None:
    folder.write_text("")
    Database(folder)


def a_file_above_the_folder(folder: Path) -> None:
    folder.write_text("")
    Database(folder / "data")


def garbage_as_database(folder: Path) -> None:
    folder.mkdir()
    (folder / "bridge.db").write_bytes(b"not a database" * 1000)
    Database(folder)


def a_folder_as_database(folder: Path) -> None:
    (folder / "bridge.db").mkdir(parents=True)
    Database(folder)


def a_folder_as_lock(folder: Path) -> None:
    (folder / "lock").mkdir(parents=True)
    Database(folder)


def a_schema_nobody_wrote(folder: Path) -> None:
    Database(folder).close()
    with sqlite3.connect(folder / "bridge.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0000'")
    raw.close()
    Database(folder)


def no_such_table(folder: Path) -> None:
    with Database(folder) as database, database.reading() as connection:
        connection.execute(sqlalchemy.text("SELECT * FROM nowhere"))


def a_closed_database(folder: Path) -> None:
    database = Database(folder)
    database.close()
    with database.reading():
        pass


def half_a_surrogate_pair(folder: Path) -> None:
    with Database(folder) as database, database.writing() as connection:
        connection.execute(sqlalchemy.text("SELECT :text"), {"text": "\ud800"})


def a_number_beyond_64_bits(folder: Path) -> None:
    with Database(folder) as database, database.writing() as connection:
        connection.execute(sqlalchemy.text("SELECT :number"), {"number": 2**64})


def another_program_in_mid_write(folder: Path) -> None:
    with Database(folder) as database:
        raw = sqlite3.connect(folder / "bridge.db", isolation_level=None)
        raw.execute("BEGIN IMMEDIATE")
        try:
            with database.writing() as connection:
                connection.execute(sqlalchemy.text("PRAGMA busy_timeout = 1"))
                connection.execute(sqlalchemy.text("DELETE FROM runs"))
        finally:
            raw.close()


@pytest.mark.parametrize(
    ("provoke", "says"),
    [
        (a_file_where_the_folder_should_be, "cannot be used: File exists"),
        (a_file_above_the_folder, "cannot be used: Not a directory"),
        (garbage_as_database, "is damaged or no database"),
        (a_folder_as_database, "cannot be written"),
        (a_folder_as_lock, "cannot be used: Is a directory"),
        (a_schema_nobody_wrote, "has a schema that no version of ComfyUI Bridge wrote"),
        (no_such_table, "refused what was asked of it: no such table"),
        (a_closed_database, "has been closed"),
        (half_a_surrogate_pair, "A value cannot be written"),
        (a_number_beyond_64_bits, "A value cannot be written"),
        (another_program_in_mid_write, "Another program holds"),
    ],
)
def test_what_goes_wrong_below_is_told_in_our_words(
    tmp_path: Path, provoke: Callable[[Path], None], says: str
) -> None:
    folder = tmp_path / "data"
    with pytest.raises(StoreError) as told:
        provoke(folder)
    assert says in str(told.value)
    assert str(folder) in str(told.value)
    assert str(told.value).endswith(".")


def test_a_full_disk_is_told_and_the_database_goes_on_reading(tmp_path: Path) -> None:
    """SQLite's own limit on pages gives the very error that a full disk gives."""
    with Database(tmp_path) as database:
        fill = sqlalchemy.text("INSERT INTO fat VALUES (:text)")
        with database.writing() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE fat (text TEXT)"))
            connection.execute(sqlalchemy.text("PRAGMA max_page_count = 40"))
            connection.execute(fill, {"text": "kept"})
        with pytest.raises(Full, match="Free some space"), database.writing() as connection:
            connection.execute(fill, {"text": "x" * 1_000_000})
        with database.reading() as connection:
            assert connection.scalars(sqlalchemy.text("SELECT text FROM fat")).all() == ["kept"]
