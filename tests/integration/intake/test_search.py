"""Searching on the real index: what is found, by whom, in what order, and that nothing is missed."""

import asyncio
import unicodedata
from typing import Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
import pytest

from libs.bus.handling import Change
from libs.telemetry.metrics import exposition
from services.intake import search_feeding, store
from services.intake.dossier import step_assigned, step_returned
from services.intake.search_feeding import SearchFeeder
from tests.integration.intake.conftest import OTHER_HOSPITAL, OTHER_WARD, Intake
from tests.integration.intake.samples import CANARY_PHONE, birth, certified_copy, insurance_card


async def feed(intake: Intake) -> None:
    """Bring everything committed into the index."""
    feeder = SearchFeeder(intake.bus.pool)
    while await feeder.turn():
        pass


async def search(intake: Intake, typed: str, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The hits of what was typed, for the counter of the ward unless told otherwise."""
    answer = await intake.get(f"/search?q={quote(typed, safe='')}", headers or intake.counter())
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, Any]] = answer.json()["hits"]
    return hits


async def codes(intake: Intake, typed: str, headers: dict[str, str] | None = None) -> list[str]:
    """The codes of the hits, in order."""
    return [hit["code"] for hit in await search(intake, typed, headers)]


async def copy_for(intake: Intake, name: str) -> str:
    """A dossier of the ward's counter for somebody of this name; its code."""
    form = certified_copy()["form"]
    form["applicant"]["name"] = name
    answer = await intake.post("/dossiers", certified_copy(form=form), intake.counter())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def assign(intake: Intake, dossier_id: str, agency: str | None) -> None:
    """Routing gives a step to an agency, or takes it back."""
    async with intake.bus.pool.acquire() as connection, connection.transaction():
        before = (await store.load(connection, [UUID(dossier_id)]))[UUID(dossier_id)]
        after = step_assigned(before, "residence", agency) if agency else step_returned(before, "residence")
        await store.save(connection, [Change(dossier_id=before.id, before=before, after=after)])


async def test_a_dossier_is_found_by_everything_that_names_it(intake: Intake) -> None:
    """Code in every form, token, identity, certificate, telephone, name; the hit says by what."""
    declared = birth(serial=610_001, mother__insurance_card="GD4797912345678")
    receipt = (await intake.post("/births", declared, intake.hospital())).json()
    await feed(intake)
    code = receipt["code"]
    tail = code.split("-", 1)[1]
    for typed, matched in {
        code: "code",
        code.lower().replace(".", "").replace("-", " "): "code",
        tail: "code",
        tail.replace("-", " "): "code",
        receipt["tracking_token"]: "token",
        "093195610001": "identity",
        "093 195 610 001": "identity",
        "093093000456": "identity",
        "610001": "certificate",
        "GD4797912345678": "insurance",
        "7912345678": "insurance",
        CANARY_PHONE: "phone",
        "+84 912 345 678": "phone",
        "huynh thi kim": "name",
        "HUỲNH THỊ KIM": "name",
        "tran van canary": "name",
        "bao ngoc": "name",
        unicodedata.normalize("NFD", "Bảo Ngọc"): "name",
    }.items():
        hits = await search(intake, typed)
        assert [(hit["code"], hit["matched"]) for hit in hits] == [(code, matched)], typed
    (hit,) = await search(intake, tail)
    assert (hit["mother"].startswith("Huỳnh Thị Kim"), hit["child"]) == (True, "Trần Canary Bảo Ngọc")
    assert (hit["status"], hit["dossier_id"]) == (2, receipt["dossier_id"])
    logged = await intake.rows("SELECT DISTINCT purpose, what, dossier_id::text FROM http.read_log")
    assert [tuple(row.values()) for row in logged] == [("search", "search", receipt["dossier_id"])]


async def test_nobody_finds_what_they_may_not_read(intake: Intake) -> None:
    """Neither by name nor by number, code or token; the declaring hospital and the receiving desk do."""
    receipt = (await intake.post("/births", birth(serial=610_002), intake.hospital())).json()
    await feed(intake)
    every = [receipt["code"], receipt["tracking_token"], "093195610002", "huynh thi kim", CANARY_PHONE]
    for typed in every:
        assert await codes(intake, typed, intake.hospital()) == [receipt["code"]]
        for stranger in (intake.hospital(OTHER_HOSPITAL), intake.counter(OTHER_WARD), intake.police()):
            assert await codes(intake, typed, stranger) == [], typed
    assert (await intake.get("/search?q=huynh", intake.service("portal"))).status_code == 403
    assert (await intake.get("/search?q=huynh")).status_code == 401


async def test_who_has_a_step_finds_the_dossier_while_they_have_it(intake: Intake) -> None:
    """The index follows assigned and returned steps."""
    receipt = (await intake.post("/births", birth(serial=610_003), intake.hospital())).json()
    await assign(intake, receipt["dossier_id"], "police-31340-2025")
    await feed(intake)
    assert await codes(intake, "huynh thi kim", intake.police()) == [receipt["code"]]
    await assign(intake, receipt["dossier_id"], None)
    # Not even before the index has heard of it.
    assert await codes(intake, "huynh thi kim", intake.police()) == []
    await feed(intake)
    assert await intake.rows("SELECT FROM search_reader WHERE reader LIKE 'police%'") == []


async def test_only_what_searches_would_see_differently_is_written_anew(intake: Intake) -> None:
    """A move that changes no reader writes nothing; a step given to somebody leaves names and numbers as they are."""
    receipt = (await intake.post("/births", birth(serial=610_009), intake.hospital())).json()
    await feed(intake)
    tables = ("search_dossier", "search_reader", "search_number", "search_word")

    async def written(table: str) -> set[str]:
        return {str(tuple(row.values())) for row in await intake.rows(f"SELECT xmin::text, * FROM {table}")}

    before = {table: await written(table) for table in tables}
    assert all(before.values())
    await intake.rows("UPDATE dossier SET appointment_at = appointment_at + interval '1 day'")
    assert await intake.rows("SELECT FROM search_note") != []
    await feed(intake)
    assert {table: await written(table) for table in tables} == before
    await assign(intake, receipt["dossier_id"], "police-31340-2025")
    await feed(intake)
    assert await written("search_reader") > before["search_reader"]
    for table in ("search_number", "search_word"):
        assert await written(table) == before[table]
    for typed in ("huynh thi kim", "093195610009"):
        assert await codes(intake, typed, intake.police()) == [receipt["code"]]


async def test_more_than_is_read_at_once_is_indexed_in_one_turn(intake: Intake, monkeypatch: Any) -> None:
    """However many dossiers a turn brings, none of them is left out."""
    monkeypatch.setattr(search_feeding, "DOSSIERS_AT_ONCE", 2)
    for number in range(5):
        await intake.post("/births", birth(serial=610_300 + number), intake.hospital())
    assert not await SearchFeeder(intake.bus.pool).turn()
    assert len(await intake.rows("SELECT FROM search_dossier")) == 5


async def test_a_corrected_name_supersedes_the_old_one(intake: Intake) -> None:
    """The newest version of the file is what is found, numbers too."""
    receipt = (await intake.post("/births", birth(serial=610_004), intake.hospital())).json()
    await feed(intake)
    changes = [
        {"path": "father.name", "value": "Đặng Quốc Ý"},
        {"path": "father.document.number", "value": "093093000999"},
    ]
    wanted = {"changes": changes, "explanation": "Ghi nhầm tên cha"}
    answer = await intake.post(f"/dossiers/{receipt['dossier_id']}/corrections", wanted, intake.hospital())
    assert answer.status_code == 200, answer.text
    await feed(intake)
    assert await codes(intake, "dang quoc y") == await codes(intake, "093093000999") == [receipt["code"]]
    assert await codes(intake, "tran van canary") == await codes(intake, "093093000456") == []


async def test_accents_come_before_given_names_before_words_before_mistakes(intake: Intake) -> None:
    """The order of interface.md (c2); among equals the newest first."""
    words = await copy_for(intake, "Hòa Thị Lan")
    given = await copy_for(intake, "Nguyễn Văn Hóa")
    exact = await copy_for(intake, "Trần Thị Hòa")
    newest = await copy_for(intake, "Lê Văn Hoan")
    await feed(intake)
    # With accents only one name holds the word; two hold it without; one begins with it as its given name.
    assert await codes(intake, "Hòa") == [exact, words, newest, given]
    assert await codes(intake, "hoa") == [newest, exact, given, words]
    assert await codes(intake, "hoan") == [newest]
    assert await codes(intake, "tran hoa") == [exact]
    assert await codes(intake, "nguyn van hoa") == [given]
    assert await codes(intake, "tranh thi hoa") == [exact]
    assert await codes(intake, "xyzzy qwerty") == []


@pytest.mark.parametrize("typed", ["", "n", "%", "__", "\\", "%%%", "🙂🙂", "'", "--;", "\u202e"])
async def test_nothing_to_look_for_is_said(intake: Intake, typed: str) -> None:
    """One letter, wildcards, pictures: 422 in Vietnamese that repeats nothing."""
    answer = await intake.get(f"/search?q={quote(typed, safe='')}", intake.counter())
    assert answer.status_code == 422
    assert "Hãy nhập" in answer.text or answer.json()["errors"]


async def test_whatever_is_typed_is_only_looked_for(intake: Intake) -> None:
    """Apostrophes, operators of text search, SQL, 200 characters: no error, no other's dossier."""
    code = await copy_for(intake, "Niê H'Linh Ân")
    await feed(intake)
    for typed in ("h'linh", "H’Linh", "hlinh", "nie h'linh", "Niê H'Linh Â"):
        assert await codes(intake, typed) == [code], typed
    for typed in (
        "'; DROP TABLE search_dossier; --",
        "hlinh' | 'one",
        "one:* & stop",
        "@one-stop-31340-2025",
        "facility/93016",
        "li_nh%",
        "<script>alert(1)</script>",
        "ab" * 100,
        "nguyễn " * 28,
    ):
        assert await codes(intake, typed) == [], typed
    assert await codes(intake, "hlinh 🙂") == await codes(intake, "hlinh\\") == [code]
    assert (await intake.get(f"/search?q={'a' * 201}", intake.counter())).status_code == 422
    assert await intake.rows("SELECT FROM search_dossier") != []


async def test_numbers_lie_in_the_index_as_digests_only(intake: Intake) -> None:
    """Whoever sees an index, a plan or a statistic of it sees no number."""
    await intake.post("/births", birth(serial=610_005), intake.hospital())
    await feed(intake)
    tables = ("search_dossier", "search_reader", "search_number", "search_word", "search_note")
    for table in tables:
        text = str(await intake.rows(f"SELECT * FROM {table}"))
        assert "093195610005" not in text
        assert CANARY_PHONE not in text


async def test_an_earlier_row_that_commits_later_is_not_missed(intake: Intake) -> None:
    """Two transactions, the first to begin being the last to commit: the index waits for neither and misses neither."""
    slow, quick = await asyncpg.connect(intake.admin_dsn), await asyncpg.connect(intake.admin_dsn)
    try:
        receipts = [
            (await intake.post("/births", birth(serial=610_100 + n), intake.hospital())).json()
            for n in (0, 1)
        ]
        await intake.rows("TRUNCATE search_note")
        first, second = (receipt["dossier_id"] for receipt in receipts)
        touch = "UPDATE dossier SET state = state WHERE id = $1::uuid"
        held = slow.transaction()
        await held.start()
        await slow.execute(touch, first)
        await quick.execute(touch, second)
        await feed(intake)
        assert [str(r["dossier_id"]) for r in await intake.rows("SELECT dossier_id FROM search_dossier")] == [
            second
        ]
        await held.commit()
        await feed(intake)
        assert len(await intake.rows("SELECT FROM search_dossier")) == 2
        assert await intake.rows("SELECT FROM search_note") == []
    finally:
        await slow.close()
        await quick.close()


async def test_writes_do_not_wait_for_the_index(intake: Intake) -> None:
    """While the index is locked by somebody, dossiers are taken; afterwards they are found."""
    blocker = await asyncpg.connect(intake.admin_dsn)
    held = blocker.transaction()
    await held.start()
    await blocker.execute("LOCK TABLE search_dossier, search_reader, search_number, search_word")
    feeding = asyncio.create_task(feed(intake))
    receipt = (await intake.post("/births", birth(serial=610_006), intake.hospital())).json()
    await held.rollback()
    await blocker.close()
    await feeding
    await feed(intake)
    assert await codes(intake, "093195610006") == [receipt["code"]]


async def test_of_several_processes_one_fills_the_index(intake: Intake) -> None:
    """Feeders that run at once lose no note and leave none."""
    for number in range(12):
        await intake.post("/births", birth(serial=610_200 + number), intake.hospital())
    feeders = [SearchFeeder(intake.bus.pool) for _ in range(4)]
    await asyncio.gather(*(feeder.turn() for feeder in feeders))
    await feed(intake)
    assert len(await intake.rows("SELECT FROM search_dossier")) == 12


async def test_the_index_is_made_anew_from_nothing(intake: Intake) -> None:
    """Emptied, the rebuild brings back the same."""
    for body, headers, path in (
        (birth(serial=610_007), intake.hospital(), "/births"),
        (insurance_card(), intake.counter(), "/dossiers"),
        (certified_copy(), intake.counter(), "/dossiers"),
    ):
        assert (await intake.post(path, body, headers)).status_code == 201
    await feed(intake)
    tables = {
        "search_dossier": "dossier_id, version, readers, names, numbers, lexemes",
        "search_reader": "reader, dossier_id",
        "search_number": "digest, dossier_id",
        "search_word": "word, dossiers",
    }

    async def content() -> dict[str, set[str]]:
        return {
            table: {str(tuple(row.values())) for row in await intake.rows(f"SELECT {columns} FROM {table}")}
            for table, columns in tables.items()
        }

    before = await content()
    assert all(before.values())
    await intake.rows(f"TRUNCATE {', '.join(tables)}")
    assert await SearchFeeder(intake.bus.pool).rebuild() == 3
    assert await content() == before
    # Once more over what is there: nothing changes but nothing is lost either.
    await intake.rows("DELETE FROM search_number")
    assert await SearchFeeder(intake.bus.pool).rebuild() == 3
    assert await content() == before


async def test_the_lag_of_the_index_is_measured(intake: Intake) -> None:
    """Operators see how old the oldest change is that searches do not know yet."""
    await intake.post("/births", birth(serial=610_008), intake.hospital())
    await intake.rows("UPDATE search_note SET noted_at = now() - interval '90 seconds' RETURNING 1")
    await SearchFeeder(intake.bus.pool).turn()
    line = next(x for x in exposition().decode().splitlines() if x.startswith("mot_cua_search_lag_seconds"))
    assert float(line.split()[1]) >= 90
    await SearchFeeder(intake.bus.pool).turn()
    line = next(x for x in exposition().decode().splitlines() if x.startswith("mot_cua_search_lag_seconds"))
    assert float(line.split()[1]) == 0
