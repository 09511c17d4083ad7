"""What a procedure's page says."""

from datetime import date

import pytest

from libs.catalogue import Catalogue
from services.portal.procedures import words

TODAY = date(2026, 11, 27)
CATALOGUE = Catalogue.load("catalogue")


def test_a_birth_says_who_what_how_long_and_how_much() -> None:
    """The questions of somebody at home, in plain words."""
    birth = CATALOGUE.procedure("1.001193", TODAY)
    assert words.applicants(birth)[0] == "Cha hoặc mẹ"
    assert words.terms(birth) == ["Trong ngày; nộp sau 15 giờ thì trong ngày làm việc tiếp theo"]
    assert words.fees(birth)[0] == "Không thu phí, lệ phí"
    assert "Ngay tại bệnh viện nơi sinh" in words.channels(birth)
    papers = {paper.code: paper for paper in words.papers(birth)}
    assert papers["authorisation"].when == "Khi nộp theo ủy quyền"
    assert papers["medical_certificate"].instead


def test_money_is_written_as_people_write_it() -> None:
    """Thousands by dots, and what a fee depends on."""
    assert words.money(1250000) == "1.250.000 ₫"
    residence = words.fees(CATALOGUE.procedure("1.004222", TODAY))
    assert residence == ["10.000 ₫/hồ sơ (nộp qua cổng dịch vụ công)", "20.000 ₫/hồ sơ (nộp trực tiếp)"]


@pytest.mark.parametrize("code", CATALOGUE.procedure_codes())
def test_every_procedure_can_be_told(code: str) -> None:
    """No code of the catalogue is without its word, in any version."""
    for _, procedure in CATALOGUE.versions_of(code):
        assert len(words.applicants(procedure)) == len(procedure.applicants)
        assert all(words.terms(procedure))
        assert all(words.fees(procedure))
        assert all(
            result_way in words.DELIVERIES for result in procedure.results for result_way in result.deliveries
        )
        assert {one.replaced_by_data for one in procedure.components} - {""} <= set(words.LOOKED_UP)
        assert all(paper.name for paper in words.papers(procedure))
