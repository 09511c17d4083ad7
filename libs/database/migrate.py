"""Numbered plain-SQL migrations, forward only.

A *line* is a named folder of `NNNN_verb_object.sql` files. Lines are applied in the order given (the bus's
tables before the service's). Each file runs in one transaction together with the row that says it ran, so
a crash leaves either both or neither. One runner at a time per database (advisory lock).

A file whose first line is `-- no transaction` holds exactly one statement that PostgreSQL refuses inside a
transaction (CREATE INDEX CONCURRENTLY IF NOT EXISTS). It must be repeatable: a crash may come between it and its
row. An index that an earlier run began and never finished is dropped before it.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg
import msgspec

# Any fixed number that nothing else in a service's database uses: "migrate" in ASCII, as an integer.
ADVISORY_LOCK_KEY = int.from_bytes(b"migrate", "big")
CONNECT_TIMEOUT_SECONDS = 10.0
# How long a second runner waits for the first to finish, and how often it looks.
RUNNER_WAIT_SECONDS = 120.0
RUNNER_POLL_SECONDS = 0.1
# A migration that queues behind a long transaction makes every later reader queue behind it as well;
# it must rather fail and be run again.
LOCK_TIMEOUT_MS = 5_000
# Longest a single file may take.
FILE_TIMEOUT_SECONDS = 600.0
NO_TRANSACTION = "-- no transaction"
BUILT_INDEX = re.compile(r"^CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS ([a-z0-9_.]+) ", re.MULTILINE)
FILE_NAME = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql")

# `restrict` takes privileges away from every role but the owner: with it a migration makes a table
# append-only without knowing the name of the service's role.
BOOKKEEPING = """
CREATE SCHEMA IF NOT EXISTS migrations;
CREATE TABLE IF NOT EXISTS migrations.applied (
    line text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (line, number)
);
CREATE OR REPLACE FUNCTION migrations.restrict(relation regclass, VARIADIC privileges text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT DISTINCT
            CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        FROM pg_class, aclexplode(pg_class.relacl) AS acl
        WHERE pg_class.oid = relation AND acl.grantee <> pg_class.relowner
    LOOP
        EXECUTE format('REVOKE %s ON %s FROM %s', array_to_string(privileges, ', '), relation, grantee);
    END LOOP;
END $$;
SELECT migrations.restrict('migrations.applied', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE');
GRANT USAGE ON SCHEMA migrations TO PUBLIC;
GRANT SELECT ON migrations.applied TO PUBLIC;
"""


class MigrationError(Exception):
    """The files and the database do not fit together; nothing of the offending file was kept."""


class ChangedMigration(MigrationError):
    """A file that was applied earlier has other contents now."""


class UnknownMigration(MigrationError):
    """The database has a migration this code does not know: the code is older than the database."""


class Line(msgspec.Struct, frozen=True):
    """A named folder of migrations; the name is stored with each applied file."""

    name: str
    folder: Path


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One file as read from disk."""

    line: str
    number: int
    name: str
    sql: str
    sha256: str

    @property
    def label(self) -> str:
        """How the file is named to people: `line/0001_create_table.sql`."""
        return f"{self.line}/{self.name}"


class Applied(msgspec.Struct, frozen=True):
    """One file as the database remembers it."""

    name: str
    sha256: str


Record = Mapping[tuple[str, int], Applied]


async def migrate(dsn: str, lines: Sequence[Line]) -> list[str]:
    """Apply what is missing, in order, and return the labels of the files applied.

    `dsn` is the owner's (`<svc>_migrator`), a direct connection (no pooler: the lock lives in the session).
    Raises ChangedMigration, UnknownMigration, MigrationError (bad names, wrong order, a file that ends its
    own transaction), asyncpg.PostgresError from the SQL itself, or TimeoutError when another runner is at work
    for too long.
    """
    known = read_lines(lines)
    connection = await _connect(dsn)
    try:
        await _take_turn(connection)
        async with connection.transaction():
            await connection.execute(BOOKKEEPING)
        applied = await _applied(connection)
        _refuse_unknown(known, lines, applied)
        missing = missing_of(known, applied)
        for migration in missing:
            await _apply(connection, migration)
        return [migration.label for migration in missing]
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT_SECONDS)


async def pending(dsn: str, lines: Sequence[Line]) -> list[str]:
    """Return the labels of files not applied yet; the app role may ask.

    A database newer than the code is fine here: old code keeps running while a new version rolls out.
    Raises ChangedMigration and MigrationError as `migrate` does.
    """
    known = read_lines(lines)
    connection = await _connect(dsn)
    try:
        return [migration.label for migration in missing_of(known, await _applied(connection))]
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT_SECONDS)


def read_lines(lines: Sequence[Line]) -> list[Migration]:
    """Read every file of every line, in the order they are applied. Raises MigrationError on a bad name."""
    return [migration for line in lines for migration in _read_line(line)]


def missing_of(known: Sequence[Migration], applied: Record) -> list[Migration]:
    """Decide what is still to apply.

    Raises ChangedMigration when an applied file differs, MigrationError when a missing file is older than
    an applied one of its line (two branches took the same place: renumber the newcomer).
    """
    missing = []
    for migration in known:
        before = applied.get((migration.line, migration.number))
        if before is None:
            missing.append(migration)
        elif before.sha256 != migration.sha256 or before.name != migration.name:
            raise ChangedMigration(
                f"{migration.label} was applied as {before.name} with other contents; add a new file"
            )
    for migration in missing:
        newest = max((number for line, number in applied if line == migration.line), default=0)
        if migration.number < newest:
            raise MigrationError(
                f"{migration.label} comes before {newest:04d}, which is applied; renumber it"
            )
    return missing


def _read_line(line: Line) -> list[Migration]:
    if not line.folder.is_dir():
        raise MigrationError(f"line {line.name}: no such folder")
    migrations: dict[int, Migration] = {}
    for path in sorted(line.folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{line.name}/{path.name}: the name must be NNNN_verb_object.sql")
        number = int(match["number"])
        if number in migrations:
            raise MigrationError(f"{line.name}/{path.name}: {migrations[number].name} has the same number")
        text = path.read_bytes()
        migrations[number] = Migration(
            line=line.name,
            number=number,
            name=path.name,
            sql=text.decode(),
            sha256=hashlib.sha256(text).hexdigest(),
        )
    return list(migrations.values())


def _refuse_unknown(known: Sequence[Migration], lines: Sequence[Line], applied: Record) -> None:
    names = {line.name for line in lines}
    here = {(migration.line, migration.number) for migration in known}
    for key in sorted(applied):
        if key[0] in names and key not in here:
            raise UnknownMigration(
                f"the database has {key[0]}/{applied[key].name}, which this code does not know"
            )


async def _connect(dsn: str) -> asyncpg.Connection:
    return await asyncpg.connect(
        dsn,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=FILE_TIMEOUT_SECONDS,
        server_settings={
            "application_name": "migrate",
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            "timezone": "UTC",
            # A migration may rightly take long; FILE_TIMEOUT_SECONDS bounds it.
            "statement_timeout": "0",
            # "already exists, skipping" at every start would bury what matters in the log.
            "client_min_messages": "warning",
        },
    )


async def _take_turn(connection: asyncpg.Connection) -> None:
    # Asked for again and again: a statement that waited for the lock would hold a snapshot, which the runner that has
    # the lock waits for when it builds an index concurrently.
    async with asyncio.timeout(RUNNER_WAIT_SECONDS):
        while True:
            if await connection.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK_KEY):
                return
            await asyncio.sleep(RUNNER_POLL_SECONDS)


async def _applied(connection: asyncpg.Connection) -> Record:
    if await connection.fetchval("SELECT to_regclass('migrations.applied')") is None:
        return {}
    rows = await connection.fetch("SELECT line, number, name, sha256 FROM migrations.applied")
    return {(row["line"], row["number"]): Applied(row["name"], row["sha256"]) for row in rows}


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    if migration.sql.split("\n", 1)[0].strip() == NO_TRANSACTION:
        await _apply_alone(connection, migration)
        return
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(migration.sql)
        if not connection.is_in_transaction():
            raise MigrationError(
                f"{migration.label} ends its own transaction; leave BEGIN and COMMIT out of it"
            )
        await _record(connection, migration)
    except BaseException:
        if connection.is_in_transaction():
            await transaction.rollback()
        raise
    await transaction.commit()


async def _apply_alone(connection: asyncpg.Connection, migration: Migration) -> None:
    # It waits for every transaction that is under way, a backup's as well, and nobody waits behind it.
    await connection.execute("SET lock_timeout = 0")
    for index in BUILT_INDEX.findall(migration.sql):
        # IF NOT EXISTS passes over an index whose build was broken off, which costs writes and serves no reader.
        broken_off = "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)"
        if await connection.fetchval(broken_off, index):
            await connection.execute(f"DROP INDEX CONCURRENTLY {index}")
    await connection.execute(migration.sql)
    await connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    await _record(connection, migration)


async def _record(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO migrations.applied (line, number, name, sha256) VALUES ($1, $2, $3, $4)",
        migration.line,
        migration.number,
        migration.name,
        migration.sha256,
    )
