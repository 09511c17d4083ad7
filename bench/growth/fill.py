"""A city's databases as they are after many dossiers: the rows of real ones, again and again.

Every table is multiplied by its own rows, so that each row has the right shape; ids go back in time by a minute a copy
(they are UUIDv7, so the copies lie before the originals as older dossiers would), unique texts get the copy's number.
"""

import asyncio

import asyncpg

from deploy.local.city import City
from libs.contracts.catalogue import PRODUCERS
from libs.database.provision import dsn_for

# What belongs to the process or the day and not to a dossier.
_APART = frozenset({
    "code_counter", "upload", "stream_epoch", "consumer_state", "attempt", "dead_letter", "applied",
    "search_word", "search_note",
})  # fmt: skip
# Ledgers of single events and requests; see `ledger_share`.
_LEDGERS = frozenset({"outbox", "bus.inbox", "idempotency", "read_log"})
# Text columns that are unique, or parts of a key that is.
_UNIQUE_TEXTS = frozenset({"code", "token", "verify_token", "key", "provider_id", "document_key"})
_CODE_IS_NO_KEY = frozenset({"result", "step", "apology"})
_BYTES_KEYS = frozenset({"digest"})

_SHIFT = """
CREATE FUNCTION pg_temp.older(id uuid, copy bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(('x' || left(hex, 12))::bit(48)::bigint - 60000 * copy), 12, '0') || right(hex, 20))::uuid
    FROM (SELECT replace(id::text, '-', '') AS hex) AS text
$$
"""


async def fill(city: City, copies: int, *, ledger_share: int) -> int:
    """Add `copies` copies of everything there is (of the ledgers every `ledger_share`th); returns the rows added."""
    assert city.postgres is not None
    admin = city.postgres.admin_dsn
    added = await asyncio.gather(
        *(_fill(dsn_for(admin, database=service), copies, ledger_share) for service in PRODUCERS)
    )
    return sum(added)


async def _fill(dsn: str, copies: int, ledger_share: int) -> int:
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"jit": "off"})
    added = 0
    try:
        # No foreign keys and no append-only triggers here: the copies are as consistent as what they are copies of.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(_SHIFT)
        for schema, table in await _tables(connection):
            known = f"{schema}.{table}" if f"{schema}.{table}" in _LEDGERS else table
            share = ledger_share if known in _LEDGERS else 1
            statement = await _statement(connection, schema, table)
            status = await connection.execute(statement.replace("$1", str(copies)).replace("$2", str(share)))
            added += int(status.rsplit(" ", 1)[1])
        await connection.execute("RESET session_replication_role")
        await connection.execute("VACUUM (ANALYZE)", timeout=600)
    finally:
        await connection.close(timeout=10)
    return added


async def _tables(connection: "asyncpg.Connection") -> list[tuple[str, str]]:
    rows = await connection.fetch(
        """
        SELECT table_schema, table_name FROM information_schema.tables
        WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'bus', 'http')
        ORDER BY table_schema, table_name
        """
    )
    return [(row[0], row[1]) for row in rows if row[1] not in _APART]


async def _statement(connection: "asyncpg.Connection", schema: str, table: str) -> str:
    columns = await connection.fetch(
        """
        SELECT column_name, data_type, is_identity FROM information_schema.columns
        WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position
        """,
        schema,
        table,
    )
    names, values = [], []
    for name, type_, identity in columns:
        if identity == "YES":
            continue
        names.append(name)
        values.append(_value(table, name, type_))
    # The oldest copy first, so that the index of every primary key grows at its end.
    return (
        f'INSERT INTO {schema}."{table}" ({", ".join(names)}) SELECT {", ".join(values)}'
        f' FROM generate_series($1, 1, -$2) AS copy (n) CROSS JOIN {schema}."{table}" AS t'
    )


def _value(table: str, name: str, type_: str) -> str:
    if type_ == "uuid":
        return f"pg_temp.older(t.{name}, n)"
    if type_ == "bytea" and name in _BYTES_KEYS:
        return f"sha256(t.{name} || convert_to(n::text, 'UTF8'))"
    if type_ == "text" and name in _UNIQUE_TEXTS and not (name == "code" and table in _CODE_IS_NO_KEY):
        return f"CASE WHEN t.{name} = '' THEN '' ELSE t.{name} || '-' || n END"
    if name == "stream_epoch":
        # An earlier life of the stream: what the present one must hold is proved by the originals.
        return f"CASE WHEN t.{name} IS NULL THEN NULL ELSE 0 END"
    return f"t.{name}"
