"""How results are to be received, as chosen at a counter."""

from datetime import date
from pathlib import Path

import pytest

from libs.catalogue import Catalogue
from services.portal.counter.deliveries import chosen_deliveries, deliveries_read, delivery_lines
from services.portal.counter.drafts import Draft

TODAY = date(2026, 11, 27)
CATALOGUE = Catalogue.load(Path(__file__).parents[3] / "catalogue")
COPY = CATALOGUE.procedure("2.000815", TODAY)
BIRTH = CATALOGUE.procedure("1.001193", TODAY)
COPIED = "certified_copy"


def draft(**typed: str) -> Draft:
    """A draft for certified copies; the keys are `way` and `place`."""
    names = {"way": f"nhan.{COPIED}", "place": f"noi.{COPIED}"}
    return Draft(typed={names[key]: text for key, text in typed.items()})


def test_nothing_chosen_is_this_counter() -> None:
    """The usual way of the procedure, with one key less."""
    assert chosen_deliveries(draft(), COPY, CATALOGUE, TODAY) == (
        [{"code": COPIED, "delivery": "counter"}],
        [],
    )
    assert deliveries_read(draft(), COPY) == [("Bản sao được chứng thực từ bản chính", "Tại quầy này")]


def test_a_bed_is_not_offered_at_a_counter() -> None:
    """A birth certificate usually goes to the bed; who stands at a counter takes it there."""
    [line] = delivery_lines(Draft(), BIRTH)
    assert line.chosen == "counter"
    assert [way for way, _ in line.ways] == ["counter", "elsewhere", "post", "electronic"]


@pytest.mark.parametrize("typed", ["Phường Đại Thành (31411)", "31411", "phuong dai thanh"])
def test_another_counter_is_found_by_its_commune(typed: str) -> None:
    """Its own one-stop shop, however the commune was typed."""
    shop = CATALOGUE.agency_for("one_stop", "31411", TODAY)
    chosen, problems = chosen_deliveries(draft(way="elsewhere", place=typed), COPY, CATALOGUE, TODAY)
    assert problems == []
    assert chosen == [{"code": COPIED, "delivery": "counter", "place": shop.code}]


@pytest.mark.parametrize("typed", ["", "Phường Không Có", "00001"])
def test_a_place_that_hands_nothing_over_is_told_at_its_box(typed: str) -> None:
    """No result is promised where nobody receives it."""
    chosen, [(box, message)] = chosen_deliveries(draft(way="elsewhere", place=typed), COPY, CATALOGUE, TODAY)
    assert (chosen, box) == ([], f"noi.{COPIED}")
    assert message.startswith("Nơi nhận Bản sao")


def test_a_way_the_procedure_does_not_offer_is_not_sent() -> None:
    """A form that was tampered with falls back to the usual way."""
    assert chosen_deliveries(draft(way="post"), COPY, CATALOGUE, TODAY)[0] == [
        {"code": COPIED, "delivery": "counter"}
    ]
