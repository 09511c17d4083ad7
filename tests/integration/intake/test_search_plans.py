"""How PostgreSQL answers searches: by the indices, reading as many rows as the code says, however many dossiers fit."""

import asyncpg
import pytest

from libs.database.pool import PLANNER
from services.intake import search
from services.intake.search_store import FAR_WALK_ROWS, LOOKED_ROWS_MAX, SHARED_ROWS_MAX
from services.intake.search_text import number_key, read_query
from tests.fixtures.database import DatabaseFactory
from tests.integration.intake.explained import Explained

DOSSIERS = 45_000
ONE_IN_SMALL = 100
GREAT, SMALL = ("office",), ("hospital",)
SHARED_PHONE, OWN_NUMBER = "0912345678", "093195000001"
# What grows with the dossiers; the words of all names are some thousand rows.
GROWING = {"dossier", "search_dossier", "search_reader", "search_number"}
# The newest of the readers and their names; what the index of words brings; a number many share, and whose it is.
READ_MAX = max(FAR_WALK_ROWS, LOOKED_ROWS_MAX, SHARED_ROWS_MAX)

# Everybody is a Nguyễn Thị or another Thị; 400 given names, and one nobody else has.
FILL = f"""
CREATE TEMPORARY TABLE made AS
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id, n,
    ARRAY[
        CASE n % 3 WHEN 0 THEN 'tran' ELSE 'nguyen' END,
        'thi',
        CASE n WHEN 77 THEN 'wunderbar' ELSE translate(to_hex(256 + n % 400), '0123456789', 'ghijklmnop') END
    ] AS words,
    CASE n % {ONE_IN_SMALL} WHEN 0 THEN ARRAY['hospital', 'office'] ELSE ARRAY['office'] END AS readers
FROM generate_series(1, {DOSSIERS}) AS n;
INSERT INTO search_dossier (dossier_id, version, readers, names, numbers, lexemes)
SELECT id, 1, readers, ARRAY[array_to_string(words, ' ')], '{{}}',
    array_to_tsvector(words || ARRAY(SELECT '@' || reader FROM unnest(readers) AS reader)) FROM made;
INSERT INTO search_reader SELECT reader, id FROM made CROSS JOIN unnest(readers) AS reader;
INSERT INTO search_number SELECT '{number_key("phone", SHARED_PHONE)}', id FROM made;
INSERT INTO search_number SELECT '{number_key("identity", OWN_NUMBER)}', id FROM made WHERE n = 1;
INSERT INTO search_number SELECT md5(n::text)::uuid, id FROM made;
INSERT INTO search_word SELECT word, count(*) FROM made CROSS JOIN unnest(words) AS word GROUP BY word;
INSERT INTO dossier (id, code, token, procedure, receiving_agency, facility, status, received_at, appointment_at, state)
SELECT id, '313.40.00.H13-' || to_char(DATE '2026-01-01' + n / 1000, 'YYMMDD') || '-' || lpad((n % 1000)::text, 4, '0'),
    lpad(n::text, 24, '0'), '1.001193', 'office', '', 2, now(), now(), '' FROM made;
INSERT INTO code_counter SELECT '313.40.00.H13', DATE '2026-01-01' + day, 1000 FROM generate_series(0, 30) AS day;
ANALYZE
"""


@pytest.mark.parametrize("planned", ["force_custom_plan", "force_generic_plan"])
async def test_searches_read_a_bounded_part_of_the_index(database: DatabaseFactory, planned: str) -> None:
    """Whatever is typed, by whoever: no table is read through, and no step reads more than its limit."""
    made = await database("intake")
    connection = await asyncpg.connect(
        made.admin_dsn, timeout=10, command_timeout=60, server_settings=dict(PLANNER)
    )
    walked = {"search_reader_pkey", "search_dossier_pkey"}
    try:
        await connection.execute(FILL)
        await connection.execute(f"SET plan_cache_mode = {planned}")
        for typed, readers, indices, hits in (
            ("313.40.00.H13-260101-9999", GREAT, {"dossier_code_key"}, 0),
            ("270101-0999", GREAT, {"dossier_code_key", "code_counter_pkey"}, 0),
            ("z" * 24, GREAT, {"dossier_token_key"}, 0),
            (OWN_NUMBER, GREAT, {"search_number_pkey", "search_dossier_pkey"}, 1),
            (SHARED_PHONE, GREAT, {"search_number_pkey", "search_dossier_pkey"}, None),
            ("nguyen thi", GREAT, walked, None),
            ("nguyen", GREAT, walked, None),
            ("nguyen thi", SMALL, walked, None),
            ("nguyen thi wunderbar", GREAT, {"search_dossier_lexemes"}, 1),
            ("nguyen thi wunderbar", SMALL, {"search_dossier_lexemes"}, 0),
            ("nguyen thi wunderbra", GREAT, {"search_word_alike"}, 1),
            ("xyzzy", GREAT, {"search_word_alike"}, 0),
            ("tran nguyen thi", GREAT, {"search_dossier_lexemes"} | walked, 0),
            ("thi thi", GREAT, {"search_dossier_lexemes"} | walked, 0),
        ):
            explained = Explained(connection)
            found = await search.find(explained, read_query(typed), readers, 20)
            case = f"{typed!r} by {readers[0]}, {planned}"
            assert explained.scanned & GROWING == set(), case
            assert explained.most_read <= READ_MAX, case
            assert indices <= explained.indices, f"{case}: {explained.indices}"
            if hits is not None:
                assert len(found.hits) == hits, case
            else:
                assert found.hits, case
    finally:
        await connection.close(timeout=10)
