"""What a receipt says to whoever takes it home."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from libs.catalogue import Catalogue
from services.intake.form_reception import Application, form_submission
from services.intake.receipts import Receipt, receipt
from services.intake.reception import Desk, Fresh, Sender
from tests.unit.intake.test_reception import COUNTER, FRESH

# Mondays, 09:00 in Việt Nam.
NOVEMBER, BEFORE_TET = datetime(2026, 11, 23, 2, tzinfo=UTC), datetime(2027, 2, 1, 2, tzinfo=UTC)
MOVES = "ngày hẹn có thể thay đổi"


@cache
def desk() -> Desk:
    """The city's reception."""
    return Desk(catalogue=Catalogue.load("catalogue"))


def receipt_of(
    procedure: str, form: dict[str, Any], components: tuple[str, ...], at: datetime, sender: Sender = COUNTER
) -> Receipt:
    """The receipt of a form handed in at the moment."""
    wanted = Application(procedure=procedure, form=form, components=components, unit="31340")
    fresh = Fresh(id=FRESH.id, token=FRESH.token)
    return receipt(
        form_submission(wanted, sender, fresh, at, desk()).dossier, desk().catalogue, "https://x.vn"
    )


@pytest.mark.parametrize(("at", "moves"), [(NOVEMBER, False), (BEFORE_TET, True)])
def test_an_appointment_across_days_off_not_decided_may_move(at: datetime, moves: bool) -> None:
    """The days of next year's Tết are worked out by rule until they are decided, and the receipt says so."""
    form = {
        "child": {"name": "Trần Bảo Ngọc", "sex": "female", "birth_date": "2026-10-01"},
        "applicant": {"name": "Phạm Thị Hoa"},
        "residence": {"unit_code": "31340", "address": "Khu vực 3"},
    }
    given = receipt_of("1.014137", form, ("declaration", "birth_certificate"), at)
    assert (MOVES in given.appointment_text) is moves


@pytest.mark.parametrize(("born", "fee"), [("2026-09-24T08:00", 0), ("2026-09-23T08:00", None)])
def test_a_birth_registered_late_is_not_said_to_be_free(born: str, fee: int | None) -> None:
    """Within 60 days it is free by law; after that the province sets the fee, which is not known here."""
    form = {"child": {"sex": "female", "birth_time": born}, "applicant": {"name": "Phạm Thị Hoa"}}
    papers = ("declaration", "medical_certificate", "identity_paper")
    given = receipt_of("1.001193", form, papers, NOVEMBER)
    assert given.fee_vnd == fee
    assert ("Không thu phí" in given.fee_text) is (fee == 0)
