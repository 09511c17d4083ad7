"""Migrations are applied once, in order, whole or not at all, and never silently changed."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from libs.database import ChangedMigration, Line, MigrationError, UnknownMigration, migrate, pending
from libs.database.migrate import ADVISORY_LOCK_KEY
from tests.fixtures.database import DatabaseFactory
from tests.integration.database.conftest import WriteLine


async def fetchval(dsn: str, query: str, *arguments: object) -> object:
    """Ask one question on a connection of its own."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


async def test_lines_are_applied_in_the_order_given(database: DatabaseFactory, write_line: WriteLine) -> None:
    """A later line may use what an earlier one made; the labels say what was done."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    lines = [
        write_line("zebra", make="CREATE TABLE a (x int)", grow="ALTER TABLE a ADD y int"),
        write_line("ant", use="INSERT INTO a VALUES (1, 2)"),
    ]
    assert await pending(dsn, lines) == ["zebra/0001_make.sql", "zebra/0002_grow.sql", "ant/0001_use.sql"]
    assert await migrate(dsn, lines) == ["zebra/0001_make.sql", "zebra/0002_grow.sql", "ant/0001_use.sql"]
    assert await migrate(dsn, lines) == []
    assert await pending(dsn, lines) == []
    assert await fetchval(dsn, "SELECT y FROM a") == 2


async def test_a_failing_file_leaves_nothing(database: DatabaseFactory, write_line: WriteLine) -> None:
    """When a statement fails, its whole file is undone and earlier files stay; a repaired one is applied."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    line = write_line("s", good="CREATE TABLE a (x int)", bad="CREATE TABLE b (x int); SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(dsn, [line])
    assert await fetchval(dsn, "SELECT to_regclass('b')") is None
    assert await pending(dsn, [line]) == ["s/0002_bad.sql"]
    write_line("s", good="CREATE TABLE a (x int)", bad="CREATE TABLE b (x int)")
    assert await migrate(dsn, [line]) == ["s/0002_bad.sql"]


async def test_a_changed_file_is_refused(database: DatabaseFactory, write_line: WriteLine) -> None:
    """An applied file whose contents differ stops everything, also later files that are fine."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    await migrate(dsn, [write_line("s", make="CREATE TABLE a (x int)")])
    line = write_line("s", make="CREATE TABLE a (x bigint)", more="CREATE TABLE b (x int)")
    with pytest.raises(ChangedMigration, match=r"s/0001_make\.sql"):
        await migrate(dsn, [line])
    with pytest.raises(ChangedMigration):
        await pending(dsn, [line])
    assert await fetchval(dsn, "SELECT to_regclass('b')") is None


async def test_a_database_newer_than_the_code_is_refused(
    database: DatabaseFactory, write_line: WriteLine
) -> None:
    """Old code does not migrate a newer database, but may run on it; other lines do not matter to it."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    line = write_line("s", make="CREATE TABLE a (x int)", more="CREATE TABLE b (x int)")
    other = write_line("t", make="CREATE TABLE c (x int)")
    await migrate(dsn, [line, other])
    (line.folder / "0002_more.sql").unlink()
    with pytest.raises(UnknownMigration, match=r"s/0002_more\.sql"):
        await migrate(dsn, [line])
    assert await pending(dsn, [line]) == []
    assert await migrate(dsn, [other]) == []


async def test_a_file_that_comes_too_late_is_refused(
    database: DatabaseFactory, write_line: WriteLine
) -> None:
    """A new file numbered below an applied one would run in another order elsewhere: it must be renumbered."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    line = write_line("s", make="CREATE TABLE a (x int)")
    (line.folder / "0001_make.sql").rename(line.folder / "0005_make.sql")
    await migrate(dsn, [line])
    write_line("s", early="CREATE TABLE b (x int)")
    with pytest.raises(MigrationError, match="renumber"):
        await migrate(dsn, [line])


@pytest.mark.parametrize("name", ["1_short.sql", "0001-dash.sql", "0001_Capital.sql", "make.sql"])
async def test_a_badly_named_file_is_refused(database: DatabaseFactory, tmp_path: Path, name: str) -> None:
    """A file that does not follow NNNN_words.sql is not passed over in silence."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationError, match="NNNN"):
        await migrate(dsn, [Line("s", tmp_path)])


async def test_two_files_of_one_number_are_refused(database: DatabaseFactory, tmp_path: Path) -> None:
    """Two branches that took the same number are told so."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    for name in ("0001_one.sql", "0001_two.sql"):
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationError, match="same number"):
        await migrate(dsn, [Line("s", tmp_path)])


async def test_a_missing_folder_is_refused(database: DatabaseFactory, tmp_path: Path) -> None:
    """A line without its folder means a broken image, not a service without tables."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    with pytest.raises(MigrationError, match="no such folder"):
        await migrate(dsn, [Line("s", tmp_path / "gone")])


async def test_a_file_may_not_end_its_transaction(database: DatabaseFactory, write_line: WriteLine) -> None:
    """A COMMIT inside a file would part the change from its row; it is refused."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    with pytest.raises(MigrationError, match="own transaction"):
        await migrate(dsn, [write_line("s", sly="CREATE TABLE a (x int); COMMIT;")])


async def test_an_index_can_be_built_concurrently(database: DatabaseFactory, write_line: WriteLine) -> None:
    """A file marked `-- no transaction` runs what PostgreSQL refuses inside one; unmarked it fails."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    table, index = "CREATE TABLE a (x int)", "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_x ON a (x)"
    with pytest.raises(asyncpg.ActiveSQLTransactionError):
        await migrate(dsn, [write_line("s", table=table, index=index)])
    line = write_line("s", table=table, index=f"-- no transaction\n{index};\n")
    assert await migrate(dsn, [line]) == ["s/0002_index.sql"]
    assert await fetchval(dsn, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_x'::regclass") is True
    assert await migrate(dsn, [line]) == []


async def test_an_index_whose_build_broke_off_is_built_anew(
    database: DatabaseFactory, write_line: WriteLine
) -> None:
    """A build that is ended leaves an index nobody can read by; the next run does not take it for the one it makes."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    table, index = "CREATE TABLE a (x int)", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a_x ON a (x)"
    await migrate(dsn, [write_line("s", table=table, twice="INSERT INTO a VALUES (1), (1)")])
    line = write_line(
        "s",
        table=table,
        twice="INSERT INTO a VALUES (1), (1)",
        index=f"-- no transaction\n-- Why.\n{index};\n",
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        await migrate(dsn, [line])
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_x'::regclass"
    assert await fetchval(dsn, valid) is False
    await fetchval(dsn, "DELETE FROM a WHERE ctid = (SELECT min(ctid) FROM a)")
    assert await migrate(dsn, [line]) == ["s/0003_index.sql"]
    assert await fetchval(dsn, valid) is True


async def test_an_index_is_built_while_other_runners_wait(
    database: DatabaseFactory, write_line: WriteLine
) -> None:
    """Whoever waits for its turn holds nothing that a build would wait for in turn."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    line = write_line(
        "s",
        table="CREATE TABLE a (x int); SELECT pg_sleep(0.2);",
        index="-- no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a_x ON a (x);\n",
    )
    done = await asyncio.gather(*(migrate(dsn, [line]) for _ in range(4)))
    assert sorted(len(labels) for labels in done) == [0, 0, 0, 2]


async def test_runners_take_turns(database: DatabaseFactory, write_line: WriteLine) -> None:
    """Of four runners at once one applies everything and the others find it done."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    line = write_line(
        "s", make="CREATE TABLE a (x int); SELECT pg_sleep(0.1);", more="CREATE TABLE b (x int)"
    )
    done = await asyncio.gather(*(migrate(dsn, [line]) for _ in range(4)))
    assert sorted(len(labels) for labels in done) == [0, 0, 0, 2]


async def test_it_waits_for_a_runner_elsewhere(database: DatabaseFactory, write_line: WriteLine) -> None:
    """While another session holds the runners' lock nothing is applied; when it goes the work goes on."""
    dsn = (await database("lines", lines=[])).migrator_dsn
    holder = await asyncpg.connect(dsn)
    await holder.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK_KEY)
    waiting = asyncio.create_task(migrate(dsn, [write_line("s", make="CREATE TABLE a (x int)")]))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    await holder.close()
    assert await asyncio.wait_for(waiting, 10) == ["s/0001_make.sql"]


async def test_the_app_may_look_but_not_touch(database: DatabaseFactory, write_line: WriteLine) -> None:
    """A service's own role can ask what is pending, and can change neither record nor order of migrations."""
    made = await database("lines", lines=[line := write_line("s", make="CREATE TABLE a (x int)")])
    assert await pending(made.app_dsn, [line]) == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetchval(made.app_dsn, "DELETE FROM migrations.applied")


async def test_a_table_can_be_made_append_only(database: DatabaseFactory, write_line: WriteLine) -> None:
    """`migrations.restrict` takes rights from the service's role without naming it."""
    sql = "CREATE SCHEMA s; CREATE TABLE s.log (x int); SELECT migrations.restrict('s.log', 'UPDATE', 'DELETE');"
    made = await database("lines", lines=[write_line("s", make=sql)])
    await fetchval(made.app_dsn, "INSERT INTO s.log VALUES (1)")
    for forbidden in ("UPDATE s.log SET x = 2", "DELETE FROM s.log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetchval(made.app_dsn, forbidden)
    assert await fetchval(made.app_dsn, "SELECT x FROM s.log") == 1
