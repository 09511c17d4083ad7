"""What stands on the cards of a ward."""

from datetime import datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from libs.catalogue.calendar import VIETNAM
from services.portal.hospital.births_told import Asked, Birth, Result, Stay, Way
from services.portal.hospital.ward_view import (
    BIRTH,
    INSURANCE,
    RESIDENCE,
    by_tab,
    cards,
    day_in_a_sentence,
    has_left,
)

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=VIETNAM)
DESK = "hospital-93016"
NEWBORN = Birth(
    dossier_id=uuid4(),
    code="000.00.13.H13-261127-0001",
    status=4,
    received_at=NOW,
    appointment_at=NOW + timedelta(days=2),
    mother="Nguyễn Thị Mai",
    child="",
    sex="2",
    birth_time="2026-11-27T01:00:00+07:00",
    order=1,
    count=1,
    stay=Stay(room="3", bed="12", discharge_at=datetime(2026, 11, 27, 10, 0)),  # noqa: DTZ001 - wall clock
    asked=None,
    likely_duplicate=False,
)


def result(code: str, state: str, delivery: str = "hospital", place: str = DESK) -> Result:
    """A result in some state."""
    return Result(
        id=uuid4(),
        code=code,
        name_vi=code,
        state=state,
        state_vi=state,
        delivery=delivery,
        place=place,
        place_vi="quầy",
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "đang làm"),
        (result(BIRTH, "pending"), "đang làm"),
        (result(BIRTH, "dispatched"), "đã cấp, đang chuyển về"),
        (result(BIRTH, "ready"), "sẵn sàng trao"),
        (result(BIRTH, "handed-over"), "đã trao"),
        (result(BIRTH, "ready", "electronic", ""), "có bản điện tử"),
        (result(BIRTH, "ready", "counter", "one-stop"), "trả tại quầy"),
        (result(BIRTH, "revoked"), "revoked"),
    ],
)
def test_a_lamp_says_in_words_what_it_shows(found: Result | None, words: str) -> None:
    """With a sign of its own; colour is never alone."""
    (card,) = cards([(NEWBORN, False)], {NEWBORN.dossier_id: [found] if found else []}, DESK, NOW)
    assert card.lamps[0].words == words
    assert card.lamps[0].sign


def test_the_desk_is_told_before_a_family_leaves_without_its_papers() -> None:
    """It names what is missing; once everything is there it is quiet."""
    (card,) = cards([(NEWBORN, False)], {}, DESK, NOW)
    assert "Ra viện 10:00, chưa có: Khai sinh, Thường trú, BHYT" in card.alarm
    ready = [result(BIRTH, "ready"), result(RESIDENCE, "ready", "electronic", ""), result(INSURANCE, "ready")]
    (card,) = cards([(NEWBORN, False)], {NEWBORN.dossier_id: ready}, DESK, NOW)
    assert card.alarm == ""
    later = msgspec.structs.replace(NEWBORN, stay=Stay(discharge_at=datetime(2026, 11, 29, 10, 0)))  # noqa: DTZ001
    (card,) = cards([(later, False)], {}, DESK, NOW)
    assert card.alarm == ""


def test_a_family_that_left_is_not_forgotten() -> None:
    """Its card stays until everything was handed over."""
    (card,) = cards([(NEWBORN, True)], {}, DESK, NOW)
    assert "đã ra viện" in card.alarm
    assert card.tab == "tai-giuong"


def test_who_has_left_and_chosen_is_no_alarm() -> None:
    """Only what is still due at this desk is: one that lies here ready, or is to come here."""
    elsewhere = tuple(Way(code=code, delivery="post") for code in (BIRTH, INSURANCE))
    birth = msgspec.structs.replace(NEWBORN, results=(*elsewhere, Way(code=RESIDENCE, delivery="electronic")))
    (card,) = cards([(birth, True)], {}, DESK, NOW)
    assert (card.alarm, card.tab) == ("", "tai-giuong")
    (card,) = cards([(birth, True)], {birth.dossier_id: [result(BIRTH, "ready")]}, DESK, NOW)
    assert "đã ra viện" in card.alarm


def test_a_card_stands_where_its_work_is() -> None:
    """One that waits for papers stands at the bed, too."""
    asked = msgspec.structs.replace(NEWBORN, dossier_id=uuid4(), asked=Asked(respond_by=None, things=()))
    returned = msgspec.structs.replace(NEWBORN, dossier_id=uuid4(), status=10)
    tabs = by_tab(cards([(NEWBORN, False), (asked, False), (returned, False)], {}, DESK, NOW))
    assert [len(tabs[tab]) for tab in ("tai-giuong", "cho-bo-sung", "da-tra")] == [2, 1, 1]


def test_a_birth_that_was_refused_says_why_and_what_to_do() -> None:
    """It asks for no way to receive what will not come, and does not count as registered."""
    refused = msgspec.structs.replace(NEWBORN, status=3, refusal="Không thuộc thẩm quyền giải quyết.")
    (card,) = found = cards([(refused, False)], {}, DESK, NOW)
    assert "Không thuộc thẩm quyền giải quyết. Báo gia đình" in card.birth.ended_words
    assert {lamp.words for lamp in card.lamps} == {"không có"}
    assert (card.alarm, card.late, card.to_ask) == ("", "", ())
    assert [len(each) for each in by_tab(found).values()] == [1, 1, 0]
    assert "0/1" in day_in_a_sentence(found, NOW)


def test_a_clock_that_stands_still_says_so() -> None:
    """While papers are wanted the appointment is not the one on the receipt."""
    assert NEWBORN.clock_words == ""
    assert "tạm dừng" in msgspec.structs.replace(NEWBORN, status=5).clock_words
    wanted = msgspec.structs.replace(NEWBORN, status=1, asked=Asked(respond_by=None, things=()))
    assert "chưa tính" in wanted.clock_words


def test_what_is_past_its_appointment_says_so() -> None:
    """Unless the family has to answer first."""
    late = msgspec.structs.replace(NEWBORN, appointment_at=NOW - timedelta(hours=1))
    (card,) = cards([(late, False)], {}, DESK, NOW)
    assert card.late == "Quá hẹn từ 08:00 ngày 27/11"


def test_a_family_has_left_once_its_hour_is_past() -> None:
    """By the ward's clock; who has no hour has not."""
    assert not has_left(NEWBORN, NOW)
    assert has_left(NEWBORN, NOW + timedelta(hours=1))
    assert not has_left(msgspec.structs.replace(NEWBORN, stay=None), NOW + timedelta(days=9))


def test_who_leaves_is_asked_about_what_was_to_be_received_at_the_bed() -> None:
    """Not about what comes elsewhere anyway; once chosen, the lamp says where it will be and nobody asks again."""
    at_bed = tuple(Way(code=code, delivery="hospital", place=DESK) for code in (BIRTH, INSURANCE))
    residence = Way(code=RESIDENCE, delivery="electronic")
    birth = msgspec.structs.replace(NEWBORN, results=(*at_bed, residence))
    ready = {birth.dossier_id: [result(BIRTH, "ready")]}
    (card,) = cards([(birth, False)], ready, DESK, NOW)
    assert [way.code for way in card.to_ask] == [INSURANCE]
    assert "chưa có: BHYT." in card.alarm
    # What lies here, or is on its way, can be neither posted nor made a file: nobody is asked.
    (gone,) = cards([(birth, True)], ready, DESK, NOW)
    assert [way.code for way in gone.to_ask] == [INSURANCE]
    for state, asked in (("pending", [INSURANCE]), ("issued", [INSURANCE]), ("dispatched", [])):
        there = {birth.dossier_id: [result(BIRTH, "ready"), result(INSURANCE, state)]}
        (card,) = cards([(birth, False)], there, DESK, NOW)
        assert [way.code for way in card.to_ask] == asked
    chosen = (at_bed[0], Way(code=INSURANCE, delivery="counter", place="one-stop"), residence)
    (told,) = cards([(msgspec.structs.replace(birth, results=chosen), False)], ready, DESK, NOW)
    assert (told.alarm, told.to_ask) == ("", ())
    assert told.lamps[2].words == "đang làm, sẽ trả tại phường"
