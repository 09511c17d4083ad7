"""The drop folder against the real intake: every file taken once, whatever watches it and whatever lies in it."""

import asyncio
import errno
import io
import json
import os
import signal
import stat
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from deploy.local.sample_xml9 import Births, envelope, inner_file
from libs.http.auth import TokenSigner
from libs.telemetry.logs import configure_logs
from services.gateway.dropping.folders import Folder
from services.gateway.dropping.taking import Taking
from services.gateway.dropping.watching import CLAIMS_MAX, Watching
from services.gateway.partners import administration
from services.gateway.settings import Settings
from services.gateway.submissions.xml9 import Uploads
from tests.fixtures.fhir import bundle, one_birth, twins
from tests.fixtures.servers import eventually
from tests.integration.gateway.births.conftest import Intake
from tests.integration.gateway.conftest import BY, EVERYTHING, HOSPITAL, House
from tests.integration.gateway.test_process import running

pytestmark = pytest.mark.timeout(180)
TODAY = date(2026, 11, 27)


@pytest.fixture
def written() -> Iterator[io.BytesIO]:
    """What the gateway logs, whatever another test has said of logs before."""
    stream = io.BytesIO()
    configure_logs("gateway", "DEBUG", stream=stream)
    yield stream
    configure_logs("gateway", "ERROR")


class Drop:
    """A drop folder, the gateway that watches it, and the hospital that uses it."""

    def __init__(self, house: House, top: Path) -> None:
        self.house = house
        self.top = top
        self.mine = top / HOSPITAL.code
        (self.mine / "in").mkdir(parents=True)

    def put(self, name: str, content: bytes) -> None:
        """As a partner should: written beside, renamed in."""
        temporary = self.mine / "in" / f".{name}.part"
        temporary.write_bytes(content)
        temporary.rename(self.mine / "in" / name)

    def watcher(self, uploads: Uploads | None = None, **changes: Any) -> Watching:
        """One more process's watcher; a file is complete at once unless a test says otherwise."""
        process = self.house.process
        taking = Taking(uploads or process.uploads, process.fhir)
        given: dict[str, Any] = {"still_seconds": 0.0, "unfinished_seconds": 0.3, "poll_seconds": 0.05}
        keep_days = changes.pop("keep_days", 30.0)
        return Watching(self.top, process._partner, taking, keep_days, **(given | changes))

    async def until_empty(self, *watchers: Watching) -> None:
        """Let the watchers turn until nothing is left to take."""

        async def empty() -> bool:
            await asyncio.gather(*(watcher.turn() for watcher in watchers))
            return not self.names("in") and not self.names("work")

        await eventually(empty, deadline_seconds=150)

    def names(self, place: str) -> list[str]:
        """What lies there."""
        where = self.mine / place
        return sorted(p.name for p in where.iterdir() if not p.name.startswith(".")) if where.is_dir() else []

    def told(self, name: str) -> Any:
        """What an acknowledgement says."""
        return json.loads((self.mine / "out" / name).read_bytes())


@pytest_asyncio.fixture
async def drop(intake: Intake, houses: Callable[..., Awaitable[House]], tmp_path: Path) -> Drop:
    """A folder of the hospital, at a gateway that reaches intake."""
    house = await houses(intake_url=intake.url)
    await house.partner()
    return Drop(house, tmp_path / "drop")


def files(count: int, seed: int = 1) -> Iterator[bytes]:
    """So many files of one birth each."""
    made = Births(seed, today=TODAY)
    for _ in range(count):
        yield envelope([made.single()], made_on=TODAY)


async def test_a_file_is_taken_and_every_record_acknowledged(drop: Drop, intake: Intake) -> None:
    """One acknowledgement a record, one summary a file; the original lies in done, closed to others."""
    made = Births(3, today=TODAY)
    good, twin, bad = made.single(), made.twins(), made.single()
    bad[0]["GIOI_TINH_CON"] = "7"
    drop.put("ngay-27.xml", envelope([good, twin, bad], made_on=TODAY))
    await drop.until_empty(drop.watcher())
    summary = drop.told("ngay-27.xml.summary.json")
    assert (summary["state"], summary["records"]) == ("done", 4)
    assert (summary["accepted"], summary["refused"]) == (3, 1)
    first, last = drop.told("ngay-27.xml.1.ack.json"), drop.told("ngay-27.xml.4.ack.json")
    assert (first["state"], first["certificate_number"]) == ("accepted", good[0]["SO"])
    (kept,) = await intake.rows("SELECT code FROM dossier WHERE id = $1::uuid", first["dossier_id"])
    assert kept["code"] == first["dossier_code"]
    assert last["state"] == "refused"
    assert "GIOI_TINH_CON" in [problem["where"] for problem in last["problems"]]
    (done,) = drop.names("done")
    assert stat.S_IMODE((drop.mine / "done" / done).stat().st_mode) == 0o600
    everything = "".join(path.read_text() for path in (drop.mine / "out").iterdir())
    assert good[0]["HO_TEN_NND"] not in everything
    assert good[0]["SO_CCCD_NND"] not in everything


async def test_the_same_file_again_under_another_name_changes_nothing(drop: Drop, intake: Intake) -> None:
    """The same content has the same report; the same births in another file are duplicates."""
    made = Births(4, today=TODAY)
    child = made.single()
    content = envelope([child], made_on=TODAY)
    drop.put("a.xml", content)
    await drop.until_empty(drop.watcher())
    drop.put("b.xml", content)
    drop.put("c.xml", inner_file([*child, *made.single()]))
    await drop.until_empty(drop.watcher())
    assert await intake.dossiers() == 2
    assert drop.told("b.xml.1.ack.json")["dossier_code"] == drop.told("a.xml.1.ack.json")["dossier_code"]
    states = [drop.told(f"c.xml.{number}.ack.json")["state"] for number in (1, 2)]
    # A bare inner file does not name its facility; it is the partner's.
    assert states == ["duplicate", "accepted"]


async def test_another_content_under_a_known_name_overwrites_no_acknowledgement(drop: Drop) -> None:
    """Who has not read the first answer yet finds both."""
    first, second = files(2, seed=5)
    drop.put("moi-ngay.xml", first)
    await drop.until_empty(drop.watcher())
    drop.put("moi-ngay.xml", second)
    await drop.until_empty(drop.watcher())
    assert len([name for name in drop.names("out") if name.endswith(".summary.json")]) == 2
    assert len([name for name in drop.names("out") if name.endswith(".ack.json")]) == 2
    assert len(drop.names("done")) == 2


async def test_many_files_before_two_watchers_are_taken_once_each(drop: Drop, intake: Intake) -> None:
    """Nothing twice, nothing lost, in as many turns as it takes."""
    count = 6 * CLAIMS_MAX
    for number, content in enumerate(files(count, seed=6)):
        (drop.mine / "in" / f"{number:04d}.xml").write_bytes(content)
    await drop.until_empty(drop.watcher(), drop.watcher())
    assert await intake.dossiers() == count
    assert len(drop.names("done")) == count
    states = Counter(drop.told(name)["state"] for name in drop.names("out") if name.endswith("ack.json"))
    assert states == {"accepted": count}
    async with drop.house.pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM submission WHERE way = 'folder'") == count


async def test_a_process_killed_in_the_middle_leaves_nothing_undone(
    drop: Drop, intake: Intake, settings: Callable[..., Settings], nats_server: Any, tmp_path: Path
) -> None:
    """SIGKILL while files are in hand, twice; the next process finishes them, and each birth has one dossier."""
    for number, content in enumerate(files(200, seed=7)):
        drop.put(f"{number:03d}.xml", content)
    given = settings(intake_url=intake.url, nats_url=nats_server.url, drop_folder=str(drop.top))
    for wanted in (20, 90):
        with running(given, tmp_path / "gateway.log") as (child, _):

            async def some(count: int = wanted) -> bool:
                return len(drop.names("done")) >= count

            await eventually(some, deadline_seconds=60)
            child.send_signal(signal.SIGKILL)
            child.wait(10)
    assert len(drop.names("done")) < 200
    await drop.until_empty(drop.watcher())
    assert await intake.dossiers() == 200
    assert len(drop.names("done")) == 200
    assert len([name for name in drop.names("out") if name.endswith(".ack.json")]) == 200
    assert not [path for path in (drop.mine / "out").iterdir() if path.name.startswith(".")]


async def test_a_file_that_is_still_written_is_left_until_it_is_whole(drop: Drop, intake: Intake) -> None:
    """Half of it for a while is no file; half of it for long is set aside with the reason."""
    (content,) = files(1, seed=8)
    path = drop.mine / "in" / "dang-ghi.xml"
    watcher = drop.watcher(still_seconds=0.2, unfinished_seconds=60.0)
    path.write_bytes(content[: len(content) // 2])
    for _ in range(6):
        await watcher.turn()
        await asyncio.sleep(0.1)
    assert drop.names("in") == ["dang-ghi.xml"]
    with path.open("ab") as file:
        file.write(content[len(content) // 2 :])
    await drop.until_empty(watcher)
    assert await intake.dossiers() == 1

    path.write_bytes(content[: len(content) // 2])
    await drop.until_empty(drop.watcher(still_seconds=0.1, unfinished_seconds=0.4))
    assert any(name.endswith("dang-ghi.xml") for name in drop.names("bad"))
    assert any(name.endswith(".reason.json") for name in drop.names("bad"))


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">'
    b'<!ENTITY x SYSTEM "file:///etc/passwd">]><GIAMDINHHS>&c;&x;</GIAMDINHHS>'
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("khong-phai.xml", b"Day khong phai XML>"),
        ("bom.xml", BOMB),
        ("rong.xml", b"<GIAMDINHHS/>"),
        ("khac.xml", envelope([Births(9, today=TODAY).single()], made_on=TODAY, facility_code="93007")),
        ("to.json", b'{"resourceType":"Bundle","x":"' + b"x" * (1 << 20) + b'"}'),
        ("khong-phai.json", b"[1,2}"),
        ("la.json", b'{"resourceType":"Patient"}'),
    ],
)
async def test_what_cannot_be_read_is_set_aside_with_the_reason(
    drop: Drop, intake: Intake, name: str, content: bytes
) -> None:
    """Bad XML, entity bombs, another hospital's file, no Bundle: bad, a reason in Vietnamese, the next file goes on."""
    drop.put(name, content)
    (good,) = files(1, seed=10)
    drop.put("zz-tot.xml", good)
    await drop.until_empty(drop.watcher())
    assert any(kept.endswith(name) for kept in drop.names("bad"))
    summary = drop.told(f"{name}.summary.json")
    assert (summary["state"], bool(summary["message"])) == ("refused", True)
    assert summary["problems"]
    assert drop.told("zz-tot.xml.summary.json")["accepted"] == 1
    assert await intake.dossiers() == 1


async def test_nothing_in_the_folder_leads_outside_it(
    drop: Drop, intake: Intake, tmp_path: Path, written: io.BytesIO
) -> None:
    """Links, pipes, folders, foreign encodings and long names are set aside unopened; a linked place is left alone."""
    secret = tmp_path / "secret.xml"
    (content,) = files(1, seed=11)
    secret.write_bytes(content)
    inside = drop.mine / "in"
    (inside / "link.xml").symlink_to(secret)
    os.mkfifo(inside / "pipe.xml")
    (inside / "folder.xml").mkdir()
    (inside / ("d" * 240 + ".xml")).write_bytes(content)
    (inside / "xuong\ndong.xml").write_bytes(content)
    foreign = os.fsencode(inside) + b"/\xd5\xe0.xml"
    with open(foreign, "wb") as file:  # noqa: PTH123 - a name no str can hold
        file.write(content)
    (inside / "ghi-chu.txt").write_text("not ours")
    (inside / "hai-ten.xml").hardlink_to(secret)
    watcher = drop.watcher()
    for _ in range(3):
        await watcher.turn()
    assert drop.names("in") == ["ghi-chu.txt", "hai-ten.xml"]
    logged = written.getvalue().decode()
    assert logged.count("drop-file-left-alone") == 1
    assert "ghi-chu" not in logged
    assert drop.names("work") == []
    assert len([name for name in drop.names("bad") if name.endswith(".reason.json")]) == 6
    assert secret.read_bytes() == content
    assert await intake.dossiers() == 0

    outside = tmp_path / "outside"
    outside.mkdir()
    (drop.mine / "out").rename(tmp_path / "was-out")
    (drop.mine / "out").symlink_to(outside)
    (inside / "hai-ten.xml").unlink()
    drop.put("b.xml", content)
    await watcher.turn()
    assert list(outside.iterdir()) == []
    assert "b.xml" in drop.names("in")


async def test_a_folder_of_nobody_or_of_a_suspended_partner_is_left_alone(
    drop: Drop, intake: Intake, written: io.BytesIO
) -> None:
    """Said once; when the partner may again, its files are taken."""
    await drop.house.partner(EVERYTHING)
    for name in ("khong-ai", EVERYTHING.code, "..la", "KHÔNG"):
        (drop.top / name / "in").mkdir(parents=True)
        (drop.top / name / "in" / "a.xml").write_bytes(next(files(1, seed=12)))
    drop.put("a.xml", next(files(1, seed=13)))
    async with drop.house.pool.acquire() as conn, conn.transaction():
        await administration.set_state(conn, HOSPITAL.code, "suspended", BY)
    watcher = drop.watcher()
    for _ in range(5):
        await watcher.turn()
    assert written.getvalue().count(b"drop-folder-left-alone") == 4
    assert await intake.dossiers() == 0
    async with drop.house.pool.acquire() as conn, conn.transaction():
        await administration.set_state(conn, HOSPITAL.code, "active", BY)
    await drop.until_empty(watcher)
    assert await intake.dossiers() == 1
    assert (drop.top / "khong-ai" / "in" / "a.xml").exists()


async def test_files_wait_while_intake_is_away(drop: Drop, intake: Intake) -> None:
    """Nothing is set aside for an outage; afterwards everything is taken."""
    given = drop.house.settings
    signer = TokenSigner.from_file("gateway", given.service_key)
    nowhere = Uploads(drop.house.process.transactions, {"intake": "http://127.0.0.1:1"}, signer)
    drop.put("a.xml", next(files(1, seed=14)))
    watcher = drop.watcher(nowhere)
    await watcher.turn()
    assert (len(drop.names("work")), drop.names("bad"), drop.names("done")) == (1, [], [])
    await nowhere.close()
    await drop.until_empty(drop.watcher())
    assert await intake.dossiers() == 1


async def test_a_folder_nothing_can_be_claimed_from_is_told_once(
    drop: Drop, intake: Intake, monkeypatch: pytest.MonkeyPatch, written: io.BytesIO
) -> None:
    """A share that lost its rights in the night is one line in the log, and one more when it happens again."""

    def denied(*_args: Any) -> bool:
        raise PermissionError(errno.EACCES, "denied")

    claim, watcher = Folder.claim, drop.watcher()
    for content in files(2, seed=14):
        drop.put("a.xml", content)
        monkeypatch.setattr(Folder, "claim", denied)
        before = written.getvalue().count(b"drop-folder-left-alone")
        for _ in range(4):
            await watcher.turn()
        assert written.getvalue().count(b"drop-folder-left-alone") == before + 1
        monkeypatch.setattr(Folder, "claim", claim)
        await drop.until_empty(watcher)
    assert await intake.dossiers() == 2


async def test_a_full_disk_loses_nothing(drop: Drop, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no acknowledgement can be written the file stays claimed, and is acknowledged when there is room."""
    written = Folder.write

    def full(*_args: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(Folder, "write", full)
    drop.put("a.xml", next(files(1, seed=15)))
    await drop.watcher().turn()
    assert (len(drop.names("work")), drop.names("out")) == (1, [])
    monkeypatch.setattr(Folder, "write", written)
    await drop.until_empty(drop.watcher())
    assert await intake.dossiers() == 1
    assert drop.told("a.xml.1.ack.json")["state"] == "accepted"


async def test_what_was_taken_is_deleted_after_its_days(drop: Drop) -> None:
    """From done, bad and out; zero days keep for ever."""
    drop.put("a.xml", next(files(1, seed=16)))
    drop.put("b.xml", b"<xau>")
    await drop.until_empty(drop.watcher(keep_days=0.0))
    assert drop.names("done")
    await asyncio.sleep(0.2)
    await drop.watcher(keep_days=0.1 / 86_400).turn()
    assert (drop.names("done"), drop.names("bad"), drop.names("out")) == ([], [], [])


async def test_bundles_may_be_dropped_too(drop: Drop, intake: Intake) -> None:
    """A .json is a FHIR Bundle: an acknowledgement for each child, problems by FHIRPath."""
    drop.put("sinh-doi.json", msgspec.json.encode(bundle("document", twins(81))))
    wrong = bundle("collection", one_birth(82))
    del wrong["entry"][0]["resource"]["gender"]
    drop.put("sai.json", msgspec.json.encode(wrong))
    await drop.until_empty(drop.watcher())
    told = drop.told("sinh-doi.json.summary.json")
    assert told["message"] == "Bundle có 2 trẻ: nhận 2, đã có từ trước 0, không nhận 0."
    assert told["accepted"] == 2
    assert drop.told("sinh-doi.json.2.ack.json")["dossier_code"]
    ack = drop.told("sai.json.1.ack.json")
    assert (ack["state"], ack["certificate_number"]) == ("refused", "000082")
    assert ack["problems"][0]["where"] == "Bundle.entry[0].resource"
    told = drop.told("sai.json.summary.json")
    assert told["message"] == "Bundle có 1 trẻ: nhận 0, đã có từ trước 0, không nhận 1."
    drop.put("lai.json", msgspec.json.encode(bundle("document", twins(81))))
    await drop.until_empty(drop.watcher())
    told = drop.told("lai.json.summary.json")
    assert told["message"] == "Bundle có 2 trẻ: nhận 0, đã có từ trước 2, không nhận 0."
    assert (told["accepted"], told["duplicate"]) == (0, 2)
    assert await intake.dossiers() == 2
